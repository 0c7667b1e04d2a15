/* SPDX-License-Identifier: ISC */
/*
 * The outgoing buffer of a connection.
 */
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/log.h"
#include "relayd/frontend/sendq.h"

#define SENDQ_MIN	512	/* octets: smallest allocation */

void
sendq_clear(struct sendq *q)
{
	free(q->buf);
	memset(q, 0, sizeof(*q));
}

/* Make room for n octets at the end; returns where they go. */
static uint8_t *
reserve(struct sendq *q, size_t n)
{
	size_t	cap, done;

	if (n <= q->cap - q->len)
		return (q->buf + q->len);
	/* the frame in flight keeps its head: it tells its length */
	done = q->frame < q->off ? q->frame : q->off;
	if (done > q->cap / 2) {
		memmove(q->buf, q->buf + done, q->len - done);
		q->len -= done;
		q->off -= done;
		q->frame -= done;
		if (n <= q->cap - q->len)
			return (q->buf + q->len);
	}
	for (cap = q->cap > 0 ? q->cap : SENDQ_MIN; cap - q->len < n; cap *= 2)
		;
	q->buf = realloc(q->buf, cap);
	if (q->buf == NULL)
		fatal("out of memory for a send queue");
	q->cap = cap;
	return (q->buf + q->len);
}

void
sendq_raw(struct sendq *q, const void *p, size_t len)
{
	if (len == 0)
		return;
	memcpy(reserve(q, len), p, len);
	q->len += len;
	q->frame = q->len;
}

/* A frame at p, which has room for it; returns its length. */
static size_t
put_frame(uint8_t *p, enum ws_opcode opcode, const uint8_t *body, size_t len,
    const uint8_t *mask)
{
	size_t	n = ws_header(p, opcode, true, len, mask);

	if (mask != NULL)
		ws_mask(p + n, body, len, mask, 0);
	else if (len > 0)
		memcpy(p + n, body, len);
	return (n + len);
}

void
sendq_frame(struct sendq *q, enum ws_opcode opcode, const uint8_t *body,
    size_t len, const uint8_t *mask)
{
	uint8_t	*p = reserve(q, WS_HEADER_MAX + len);

	q->len += put_frame(p, opcode, body, len, mask);
}

/* Where a frame may be put in before those that were not begun. */
static size_t
boundary(const struct sendq *q)
{
	size_t	at = q->frame;

	if (at < q->off)
		at += ws_frame_len(q->buf + at);
	while (at < q->len && (q->buf[at] & WS_CLOSE) != 0)
		at += ws_frame_len(q->buf + at);
	return (at);
}

bool
sendq_control(struct sendq *q, enum ws_opcode opcode, const uint8_t *body,
    size_t len, const uint8_t *mask)
{
	uint8_t	frame[WS_HEADER_MAX + WS_CONTROL_MAX];
	size_t	at, n;

	if (!q->blocked) {
		sendq_frame(q, opcode, body, len, mask);
		return (true);
	}
	if (q->control >= LIMIT_CONTROL_AHEAD)
		return (false);
	n = put_frame(frame, opcode, body, len, mask);
	reserve(q, n);
	at = boundary(q);
	memmove(q->buf + at + n, q->buf + at, q->len - at);
	memcpy(q->buf + at, frame, n);
	q->len += n;
	q->control += (uint32_t)n;
	return (true);
}

void
sendq_close(struct sendq *q, uint16_t code, const char *reason, bool hurry,
    const uint8_t *mask)
{
	uint8_t	body[WS_CONTROL_MAX];

	if (hurry && q->blocked)
		q->len = boundary(q);
	sendq_frame(q, WS_CLOSE, body, ws_close_payload(body, code, reason),
	    mask);
}

/* Find the frame in which the socket stopped taking more. */
static void
find_frame(struct sendq *q)
{
	size_t	n;

	while (q->frame < q->off) {
		n = ws_frame_len(q->buf + q->frame);
		if (q->frame + n > q->off)
			break;
		q->frame += n;
	}
}

int
sendq_flush(struct sendq *q, struct conn_io *io)
{
	ssize_t	n;

	if (sendq_len(q) == 0)
		return (conn_io_flush(io));
	n = conn_io_write(io, q->buf + q->off, sendq_len(q));
	if (n == IO_FAIL)
		return (IO_FAIL);
	if (n > 0)
		q->off += (size_t)n;
	if (sendq_len(q) == 0) {
		sendq_clear(q);
		return (conn_io_pending(io) ? IO_AGAIN : 0);
	}
	find_frame(q);
	q->blocked = true;
	return (IO_AGAIN);
}
