/* SPDX-License-Identifier: ISC */
/*
 * A channel: one end of a STREAM socketpair between two processes.
 *
 * Frame: u32 payload length, u16 type, u16 flags (bit 0: an fd comes with
 * it), all little-endian, then the payload.
 *
 * Everything one wake-up sends gathers in one contiguous buffer and leaves in
 * one send when the loop turns; one large receive is parsed in place.  What
 * arrives is checked against the message table before it is dispatched.
 */
#ifndef COMMON_CHANNEL_H
#define COMMON_CHANNEL_H

#include <event2/event.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/msg.h"
#include "common/wire.h"

struct channel;

enum channel_fault {
	CHANNEL_EOF,		/* the other end is closed */
	CHANNEL_PROTOCOL,	/* it sent what the table or a decoder refuses */
	CHANNEL_STUCK,		/* it does not read: LIMIT_CHANNEL_HARD */
	CHANNEL_IO		/* a system call failed */
};

/*
 * Handler of one message type.  The reader holds the payload, valid until the
 * handler returns; it must be consumed exactly (the channel checks).  fd is
 * -1 or the handler's to keep; with an error in the payload the handler
 * closes it.  A handler may send on any channel, and may free any but the one
 * it was called from: for that one it calls channel_close().
 */
typedef void (*channel_handler)(void *, struct channel *, struct wire_get *,
    int);

struct channel_ops {
	/* Indexed by enum msg_type; NULL for what this process never takes. */
	const channel_handler	*handlers;
	/*
	 * The channel is of no more use: the owner frees it here or later.
	 * Called once, at a safe point, never from inside a send.
	 */
	void	(*fault)(void *, struct channel *, enum channel_fault,
		    const char *);
	/* The outgoing buffer fell below LIMIT_CHANNEL_LOW; may be NULL. */
	void	(*drained)(void *, struct channel *);
};

struct channel_stats {
	uint64_t	msgs_in, msgs_out, bytes_in, bytes_out;
	uint64_t	recvs, sends;	/* system calls */
	uint64_t	refused;	/* bulk messages on a congested channel */
	size_t		queued;		/* bytes waiting to be sent */
	size_t		queued_max;
};

/*
 * Make a socketpair that is non-blocking and close-on-exec with large
 * buffers.  Returns 0, or -1 with errno.
 */
int	channel_pair(int [2]);

/*
 * Take over fd as the channel from self to peer, in the given phase, with
 * reading on.  Returns the channel, to be freed by channel_free(), or NULL
 * with errno (fd is then still the caller's).
 */
struct channel	*channel_new(struct event_base *, int, enum proc_id,
		    enum proc_id, unsigned int, const struct channel_ops *,
		    void *);
/* Frees it and closes its fd and all fds it holds. */
void		 channel_free(struct channel *);
/* Stop using it after the present handler; its owner frees it later. */
void		 channel_close(struct channel *);

enum proc_id	 channel_peer(const struct channel *);
int		 channel_fd(const struct channel *);
void		 channel_set_phase(struct channel *, unsigned int);
const struct channel_stats *channel_stats(const struct channel *);

/* Stop and resume reading; what was received stays. */
void		 channel_pause(struct channel *);
void		 channel_resume(struct channel *);

/* True from LIMIT_CHANNEL_HIGH bytes queued until LIMIT_CHANNEL_LOW. */
bool		 channel_congested(const struct channel *);

/*
 * Begin a message: returns a writer for its payload.  Only one message at a
 * time.  Then either channel_commit(): 0 if it is queued, -1 if it was dropped
 * because the channel is congested (BULK only) or closed, or the writer had an
 * error (logged: a bug of ours); or channel_abort().
 */
struct wire_put	*channel_begin(struct channel *, enum msg_type);
int		 channel_commit(struct channel *);
void		 channel_abort(struct channel *);
/*
 * As channel_commit() with an fd, which is closed once it was sent or could
 * not be.
 */
int		 channel_commit_fd(struct channel *, int);

/*
 * Send all that is queued now, waiting for room: only before the event loop
 * runs or right before exit.  Returns 0, or -1 with errno.
 */
int		 channel_flush_blocking(struct channel *);

/*
 * Receive one message while there is no event loop (the HELLO of a child).
 * Returns its type with the payload copied to buf and *len set, or MSG_NONE.
 */
enum msg_type	 channel_recv_blocking(int, enum proc_id, enum proc_id,
		    unsigned int, uint8_t *, size_t, size_t *);

#endif
