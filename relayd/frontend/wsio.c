/* SPDX-License-Identifier: ISC */
/*
 * A WebSocket after its handshake.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/log.h"
#include "relayd/frontend/wsio.h"

#define JOIN_MIN	1024U	/* octets: smallest allocation */

void
mask_pool_init(struct mask_pool *pool)
{
	pool->used = sizeof(pool->octets);
}

/* The mask for one frame, or NULL in the role that does not mask. */
static const uint8_t *
next_mask(struct mask_pool *pool, enum ws_role role)
{
	ssize_t	n;

	if (role == WS_SERVER)
		return (NULL);
	if (pool->used == sizeof(pool->octets)) {
		do {
			n = getrandom(pool->octets, sizeof(pool->octets), 0);
		} while (n == -1 && errno == EINTR);
		if (n != (ssize_t)sizeof(pool->octets))
			fatal("getrandom: %s", strerror(errno));
		pool->used = 0;
	}
	pool->used += 4;
	return (pool->octets + pool->used - 4);
}

void
wsio_init(struct wsio *w, enum ws_role role, uint32_t max_msg)
{
	memset(w, 0, sizeof(*w));
	ws_dec_init(&w->dec, role, max_msg, max_msg);
	w->role = role;
	w->max_msg = max_msg;
}

static void
join_clear(struct wsio *w)
{
	free(w->join);
	w->join = NULL;
	w->join_len = w->join_cap = 0;
}

void
wsio_clear(struct wsio *w)
{
	join_clear(w);
	sendq_clear(&w->out);
}

/* Keep a piece of a message; the decoder bounds their sum by max_msg. */
static void
join_add(struct wsio *w, const uint8_t *p, size_t len)
{
	uint32_t	cap;

	if (len > w->join_cap - w->join_len) {
		for (cap = w->join_cap > 0 ? w->join_cap : JOIN_MIN;
		    cap - w->join_len < len; cap = cap * 2)
			;
		w->join = realloc(w->join, cap);
		if (w->join == NULL)
			fatal("out of memory for a message");
		w->join_cap = cap;
	}
	if (len > 0)
		memcpy(w->join + w->join_len, p, len);
	w->join_len += (uint32_t)len;
}

static void
on_data(struct wsio *w, const struct ws_event *ev, wsio_message_fn fn,
    void *arg)
{
	if (ev->first && ev->last) {
		fn(arg, ev->opcode, ev->data, ev->len);
		return;
	}
	join_add(w, ev->data, ev->len);
	if (ev->last) {
		fn(arg, ev->opcode, w->join, w->join_len);
		join_clear(w);
	}
}

void
wsio_close(struct wsio *w, uint16_t code, const char *reason, bool hurry,
    struct mask_pool *pool)
{
	if (w->state != WSIO_OPEN)
		return;
	w->code = code;
	w->state = WSIO_CLOSING;
	sendq_close(&w->out, code, reason, hurry, next_mask(pool, w->role));
}

/* The other side's close frame: echo its code, unless ours went first. */
static void
on_close(struct wsio *w, const struct ws_event *ev, struct mask_pool *pool)
{
	if (w->state == WSIO_OPEN) {
		w->theirs = true;
		w->reason = ev->data;
		w->reason_len = ev->len;
		wsio_close(w, ev->code, "", false, pool);
	}
	w->state = WSIO_CLOSED;
}

const char *
wsio_input(struct wsio *w, uint8_t *p, size_t len, struct mask_pool *pool,
    wsio_message_fn fn, void *arg)
{
	struct ws_event	ev;

	do {
		size_t	n = ws_decode(&w->dec, p, len, &ev);

		p += n;
		len -= n;
		switch (ev.type) {
		case WS_EV_DATA:
			if (w->state == WSIO_OPEN)
				on_data(w, &ev, fn, arg);
			break;
		case WS_EV_PING:
			if (w->state == WSIO_OPEN)
				(void)sendq_control(&w->out, WS_PONG, ev.data,
				    ev.len, next_mask(pool, w->role));
			break;
		case WS_EV_CLOSE:
			on_close(w, &ev, pool);
			return (NULL);
		case WS_EV_ERROR:
			wsio_close(w, ev.code, ev.why, true, pool);
			w->state = WSIO_CLOSED;
			return (ev.why);
		case WS_EV_PONG:
		case WS_EV_MORE:
			break;
		}
	} while (ev.type != WS_EV_MORE);
	return (NULL);
}

void
wsio_send(struct wsio *w, enum ws_opcode opcode, const uint8_t *p, size_t len,
    struct mask_pool *pool)
{
	if (w->state == WSIO_OPEN)
		sendq_frame(&w->out, opcode, p, len,
		    next_mask(pool, w->role));
}

void
wsio_ping(struct wsio *w, struct mask_pool *pool)
{
	if (w->state == WSIO_OPEN)
		(void)sendq_control(&w->out, WS_PING, NULL, 0,
		    next_mask(pool, w->role));
}
