/* SPDX-License-Identifier: ISC */
/*
 * A channel under test: its own event loop, and at the other end of the
 * socketpair a raw fd that writes whatever bytes and fds a test likes.
 */
#ifndef TESTS_IPC_RIG_H
#define TESTS_IPC_RIG_H

#include <sys/types.h>

#include "common/channel.h"

#define RIG_HEADER	8U	/* u32 length, u16 type, u8 flags, u8 0 */
#define RIG_FLAG_FD	0x1U
#define RIG_RECORDS	256

/* One message that was dispatched. */
struct rig_record {
	unsigned int	type;
	size_t		len;
	uint32_t	sum;		/* of its payload */
	ino_t		ino;		/* of its fd; 0: none */
};

struct rig {
	struct event_base	*base;
	struct channel_ops	 ops;
	struct channel		*ch;	/* NULL once it was freed */
	int			 raw;
	size_t			 n_records;	/* all of them */
	struct rig_record	 records[RIG_RECORDS];
	unsigned int		 faults;
	enum channel_fault	 fault;
	char			 text[128];
	unsigned int		 drained;
	bool			 keep;	/* do not free in the fault callback */
	/* Called for each message in place of consuming it all; may be NULL. */
	void			(*hook)(struct rig *, struct channel *,
				    unsigned int, struct wire_get *);
	void			*hook_arg;
};

/* A channel from self to peer.  Everything is asserted to work. */
void	rig_open(struct rig *, enum proc_id, enum proc_id, unsigned int);
void	rig_close(struct rig *);
/* Let the event loop do all there is to do now. */
void	rig_turn(struct rig *);
/* A header in wire form; returns RIG_HEADER. */
size_t	rig_header(uint8_t *, unsigned int, uint32_t, unsigned int);
/* Send bytes, the fds with the first of them. */
void	rig_send(struct rig *, const void *, size_t, const int *, size_t);
/* A header and a payload of zeros, with an fd unless it is -1. */
void	rig_send_msg(struct rig *, unsigned int, uint32_t, int);
uint32_t rig_sum(const uint8_t *, size_t);
ino_t	rig_ino(int);
/* The number of open fds of this process. */
size_t	rig_count_fds(void);

/* Handlers for all types: they record. */
extern const channel_handler rig_handlers[MSG_MAX];

#endif
