/* SPDX-License-Identifier: ISC */
/* What the files of the receiver share: see receiver.h. */
#ifndef TESTS_FUZZ_RECEIVER_IMPL_H
#define TESTS_FUZZ_RECEIVER_IMPL_H

#include "tests/fuzz/receiver.h"

#define FDS_MAX		8	/* passed in one input and kept here */
#define IDS_MAX		64
#define ID_FIELDS_MAX	4	/* of one message */
#define FRAME_HEADER	8
#define FRAME_SEEN	(FRAME_HEADER + 8 * ID_FIELDS_MAX)

/* A channel of the process, and the end nobody else has. */
struct end {
	struct channel	*ch;		/* NULL while the peer is lost */
	bool		 up;
	int		 far;
	uint8_t		 frame[FRAME_SEEN];
	size_t		 n_frame;
	size_t		 skip;		/* bytes of its payload to come */
};

struct ids {
	uint64_t	 id[IDS_MAX];
	size_t		 n;
};

struct child {
	const struct child_ops	*ops;
	void			*ctx;
	enum node_role		 role;
	struct event_base	*base;
	struct channel_ops	 channel_ops;
	struct end		 ends[PROC_MAX];
	bool			 staging, staged;
	uint32_t		 generation, staging_generation;
	int			 fds[FDS_MAX];
	unsigned int		 n_open;	/* fds before the input */
	struct ids		 given;		/* by the process */
	struct ids		 heard;		/* from the others */
};

/* --- receiver_child.c --- */
const struct child_ops	*rx_load_program(void);
/* A channel, unless it is there; and its end, with the peer down. */
void	rx_end_open(struct child *, enum proc_id);
void	rx_end_close(struct child *, enum proc_id);
void	rx_peer_up(struct child *, enum proc_id);
void	rx_peer_down(struct child *, enum proc_id);
void	rx_all_peers(struct child *, void (*)(struct child *, enum proc_id));

/* Where a message has fields of type u64 that are always in the same place. */
struct id_fields {
	bool	known;
	size_t	n;
	size_t	at[ID_FIELDS_MAX];
};

/* --- receiver_table.c --- */
const struct id_fields	*rx_id_fields(unsigned int);

/* --- receiver_wire.c --- */
uint64_t	rx_load_le(const uint8_t *, size_t);
/* Bytes that the process has sent. */
void		rx_take_bytes(struct child *, enum proc_id, const uint8_t *,
		    size_t);
/*
 * Eight bytes of an id field made of u8 n and "relayid" become the n-th id
 * that was given out.
 */
void		rx_put_ids(struct child *, const struct receiver_message *);

#endif
