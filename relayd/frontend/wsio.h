/* SPDX-License-Identifier: ISC */
/*
 * A WebSocket after its handshake: decoder, reassembly, answers to pings and
 * closes, and the queue to the other side.  No event loop and no clock: the
 * owner reads, hands the bytes in, flushes, and keeps the deadlines.
 */
#ifndef FRONTEND_WSIO_H
#define FRONTEND_WSIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relayd/frontend/sendq.h"
#include "relayd/frontend/ws.h"

/* Unpredictable octets for masks, got from the system in lots. */
struct mask_pool {
	uint8_t	octets[256];
	size_t	used;		/* == sizeof(octets): empty */
};

void	mask_pool_init(struct mask_pool *);

enum wsio_state {
	WSIO_OPEN,
	WSIO_CLOSING,		/* our close frame is out, not theirs */
	WSIO_CLOSED		/* nothing more to say: flush, shut, drain */
};

struct wsio {
	struct ws_dec	 dec;
	struct sendq	 out;
	uint8_t		*join;		/* pieces of an unfinished message */
	uint32_t	 join_len, join_cap;
	uint32_t	 max_msg;
	uint8_t		 role, state;
	uint16_t	 code;		/* why it closed, or 0 while open */
	bool		 theirs;	/* the other side closed first */
	/* What its close frame says; good until the input it came in is not. */
	const uint8_t	*reason;
	size_t		 reason_len;
};

/* Called for each complete message; data is good until it returns. */
typedef void (*wsio_message_fn)(void *, enum ws_opcode, const uint8_t *,
    size_t);

/* max_msg: octets of the longest message to accept. */
void	wsio_init(struct wsio *, enum ws_role, uint32_t max_msg);
void	wsio_clear(struct wsio *);

/*
 * Take in what was received (unmasking in place).  Messages go to the
 * function; pongs and close frames into the queue.  The state is CLOSED
 * when the other side closed or broke a rule.  Once the state is not OPEN (the
 * function may have closed), messages are dropped.  Returns a static text
 * for the log if the other side broke a rule, else NULL.
 */
const char *wsio_input(struct wsio *, uint8_t *, size_t len,
	    struct mask_pool *, wsio_message_fn, void *);

/* Queue a message.  Nothing happens unless the state is OPEN. */
void	wsio_send(struct wsio *, enum ws_opcode, const uint8_t *, size_t len,
	    struct mask_pool *);

/* Queue a ping without payload, ahead of data. */
void	wsio_ping(struct wsio *, struct mask_pool *);

/* Begin to close, unless that has begun; hurry as for sendq_close(). */
void	wsio_close(struct wsio *, uint16_t code, const char *reason,
	    bool hurry, struct mask_pool *);

#endif
