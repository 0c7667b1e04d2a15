/* SPDX-License-Identifier: ISC */
/*
 * The WebSocket decoder: a stream gives the same messages, control frames and
 * end whether it comes whole, octet by octet or in odd pieces.  The first
 * octet chooses role, caps and the size of the pieces.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "relayd/frontend/ws.h"

/* What has been told so far, folded into a number. */
struct digest {
	uint64_t	all, message;
	size_t		message_len;
	unsigned	events;
	bool		over;
};

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static uint64_t
fold(uint64_t h, const void *p, size_t len)
{
	const uint8_t	*b = p;

	while (len-- > 0)
		h = (h ^ *b++) * 0x100000001b3ULL;
	return (h);
}

static void
require(bool truth)
{
	if (!truth)
		abort();
}

static void
note(struct digest *d, const struct ws_event *ev, uint32_t max_msg)
{
	int	what[3] = { ev->type, ev->opcode, ev->code };

	require(!d->over);
	if (ev->type == WS_EV_DATA) {
		require(ev->opcode == WS_TEXT || ev->opcode == WS_BINARY);
		if (ev->first) {
			d->message = 1;
			d->message_len = 0;
		}
		d->message = fold(d->message, ev->data, ev->len);
		d->message_len += ev->len;
		require(d->message_len <= max_msg);
		if (!ev->last)
			return;
		d->all = fold(d->all, &d->message, sizeof(d->message));
		d->all = fold(d->all, &d->message_len,
		    sizeof(d->message_len));
	} else {
		require(ev->len <= WS_CONTROL_MAX);
		d->all = fold(d->all, ev->data, ev->len);
	}
	if (ev->type == WS_EV_ERROR) {
		require(ev->code == WS_CODE_PROTOCOL ||
		    ev->code == WS_CODE_BAD_DATA ||
		    ev->code == WS_CODE_TOO_BIG);
		d->all = fold(d->all, ev->why, strlen(ev->why));
	}
	d->all = fold(d->all, what, sizeof(what));
	d->events++;
	d->over = ev->type == WS_EV_CLOSE || ev->type == WS_EV_ERROR;
}

static struct digest
run(const uint8_t *data, size_t size, enum ws_role role, uint32_t max,
    size_t step)
{
	struct digest	d = { .all = 7 };
	struct ws_dec	dec;
	struct ws_event	ev;
	size_t		at, n, took;

	ws_dec_init(&dec, role, max, max + max / 2);
	for (at = 0; at < size; at += n) {
		uint8_t	*piece, *p;

		n = size - at < step ? size - at : step;
		/* a copy of its own, so that its ends are watched */
		p = piece = malloc(n);
		require(piece != NULL);
		memcpy(piece, data + at, n);
		do {
			took = ws_decode(&dec, p,
			    (size_t)(piece + n - p), &ev);
			p += took;
			require(p <= piece + n);
			if (ev.type != WS_EV_MORE)
				note(&d, &ev, max + max / 2);
		} while (ev.type != WS_EV_MORE);
		require(p == piece + n);
		free(piece);
	}
	return (d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct digest	whole, other;
	enum ws_role	role;
	uint32_t	max;
	size_t		step;

	if (size < 1)
		return (0);
	role = (data[0] & 1) != 0 ? WS_CLIENT : WS_SERVER;
	max = (data[0] & 2) != 0 ? 200 : 1U << 20;
	step = 2 + (data[0] >> 2);
	whole = run(data + 1, size - 1, role, max, size);
	other = run(data + 1, size - 1, role, max, 1);
	require(whole.all == other.all && whole.events == other.events);
	other = run(data + 1, size - 1, role, max, step);
	require(whole.all == other.all && whole.events == other.events);
	return (0);
}
