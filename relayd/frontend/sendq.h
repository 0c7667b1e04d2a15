/* SPDX-License-Identifier: ISC */
/*
 * What is still to be sent on one connection: a single buffer of whole
 * WebSocket frames (or of HTTP, before the upgrade), so that all that one
 * turn of the loop produced leaves with one send.  An empty queue has no
 * memory.  Running out of memory ends the process; the caller bounds the
 * queue by looking at sendq_len() before it adds.
 */
#ifndef FRONTEND_SENDQ_H
#define FRONTEND_SENDQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relayd/frontend/conn_io.h"
#include "relayd/frontend/ws.h"

struct sendq {
	uint8_t	*buf;
	size_t	 cap;
	size_t	 off;		/* sent up to here */
	size_t	 len;		/* filled up to here */
	size_t	 frame;		/* where the first unsent frame begins */
	uint32_t control;	/* octets of control frames put ahead */
	bool	 blocked;	/* the last send did not take all */
};

/* Octets not sent yet. */
static inline size_t
sendq_len(const struct sendq *q)
{
	return (q->len - q->off);
}

/* Append octets that are not frames: only before the first frame. */
void	sendq_raw(struct sendq *, const void *, size_t len);

/* Append a frame that is a whole message; mask as for ws_header(). */
void	sendq_frame(struct sendq *, enum ws_opcode, const uint8_t *,
	    size_t len, const uint8_t *mask);

/*
 * Add a ping or pong.  While the socket does not take more, it goes before
 * all frames that were not begun.  Beyond some hundred octets of these it is
 * dropped and false returned: RFC 6455 section 5.5.3 asks for the last only.
 */
bool	sendq_control(struct sendq *, enum ws_opcode, const uint8_t *,
	    size_t len, const uint8_t *mask);

/*
 * Add a close frame behind all else; with hurry, frames that were not begun
 * are dropped if the socket does not take more.
 */
void	sendq_close(struct sendq *, uint16_t code, const char *reason,
	    bool hurry, const uint8_t *mask);

/* Send once.  0: all gone; IO_AGAIN: wait for the socket; IO_FAIL. */
int	sendq_flush(struct sendq *, struct conn_io *);

/* Drop everything and the memory. */
void	sendq_clear(struct sendq *);

#endif
