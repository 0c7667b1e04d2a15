/* SPDX-License-Identifier: ISC */
/* The inside of a channel, shared by the files that make it up. */
#ifndef COMMON_CHANNEL_PRIV_H
#define COMMON_CHANNEL_PRIV_H

#include "common/channel.h"

#define CHANNEL_HEADER	8U	/* bytes: u32 length, u16 type, u16 flags */
#define CHANNEL_FLAG_FD	0x1U

/* An fd to be sent with the message that starts at this stream position. */
struct out_fd {
	uint64_t	at;
	int		fd;
};

struct channel {
	struct event_base	*base;
	const struct channel_ops *ops;
	void			*arg;
	int			 fd;
	enum proc_id		 self;
	enum proc_id		 peer;
	unsigned int		 phase;

	struct event		*read_ev;
	struct event		*write_ev;
	struct event		*flush_ev;	/* when the loop turns */
	struct event		*fault_ev;
	bool			 fds_full;	/* see send_queued() */
	bool			 flush_due;
	bool			 writing;	/* waits for room in the socket */
	bool			 paused;
	bool			 congested;
	bool			 closed;

	uint8_t			*in;
	size_t			 in_len;
	size_t			 in_size;
	int			 in_fds[LIMIT_CHANNEL_FDS];
	size_t			 n_in_fds;

	struct wire_put		 out;		/* buf, len and size of it all */
	size_t			 out_sent;	/* bytes of it already sent */
	uint64_t		 out_base;	/* stream position of buf[0] */
	size_t			 msg_at;	/* the message being written */
	enum msg_type		 msg_type;	/* MSG_NONE: none */
	struct out_fd		 out_fds[LIMIT_CHANNEL_FDS];
	size_t			 n_out_fds;

	enum channel_fault	 fault;
	char			 fault_text[128];
	struct channel_stats	 stats;
};

/* Bytes queued and not yet sent. */
static inline size_t
channel_queued(const struct channel *ch)
{
	return (ch->out.len - ch->out_sent);
}

/*
 * Report a fault from the event loop, once; from now on nothing is sent or
 * received.
 */
void	channel_raise(struct channel *, enum channel_fault, const char *, ...)
	    __attribute__((format(printf, 3, 4)));

/* Event callbacks: the socket can be read; it can be written, or the loop
 * turned; the out buffer needs room (a wire_put's grow). */
void	channel_on_read(evutil_socket_t, short, void *);
void	channel_on_flush(evutil_socket_t, short, void *);
bool	channel_grow_out(struct wire_put *, size_t);

#endif
