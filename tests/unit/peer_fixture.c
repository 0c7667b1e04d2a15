/* SPDX-License-Identifier: ISC */
/* See peer_fixture.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/receiver_impl.h"
#include "tests/unit/peer_fixture.h"
#include "tests/unit/suite.h"

#define PAYLOAD_MAX	(2U << 20)

void	__real_rx_take_bytes(struct child *, enum proc_id, const uint8_t *,
	    size_t);
void	__wrap_rx_take_bytes(struct child *, enum proc_id, const uint8_t *,
	    size_t);

struct fx		 fx;

/* What was sent to each process, as it came. */
static struct stream {
	uint8_t	*p;
	size_t	 len, size;
} streams[PROC_MAX];

static struct text	 said;
static uint8_t		*payload;	/* of the frame taken last */

void
__wrap_rx_take_bytes(struct child *c, enum proc_id to, const uint8_t *p,
    size_t len)
{
	struct stream	*s = &streams[to];

	if (s->size - s->len < len) {
		s->size = (s->len + len) * 2;
		ck_assert_ptr_nonnull(s->p = realloc(s->p, s->size));
	}
	memcpy(s->p + s->len, p, len);
	s->len += len;
	__real_rx_take_bytes(c, to, p, len);
}

void
fx_forget(void)
{
	size_t	 i;

	receiver_turn(fx.child);
	for (i = 0; i < PROC_MAX; i++)
		streams[i].len = 0;
}

void
fx_setup(void)
{
	fx.child = receiver_start(false);
	fx.router = receiver_ctx(fx.child);
	fx_forget();
}

void
fx_teardown(void)
{
	size_t	 i;

	receiver_end(fx.child);
	for (i = 0; i < PROC_MAX; i++) {
		free(streams[i].p);
		memset(&streams[i], 0, sizeof(streams[i]));
	}
	text_free(&said);
	free(payload);
	payload = NULL;
}

/* --- to the router --- */

struct wire_put *
fx_put(void)
{
	static uint8_t		 buf[PAYLOAD_MAX];
	static struct wire_put	 w;

	wire_put_init(&w, buf, sizeof(buf));
	return (&w);
}

bool
fx_tell(enum proc_id from, enum msg_type type, const struct wire_put *w)
{
	struct receiver_message	m = { .from = from, .type = type,
	    .data = w->buf, .len = w->len };

	ck_assert(!w->bad);
	ck_assert_ptr_null(msg_check(type, from, PROC_ROUTER, PHASE_RUN,
	    (uint32_t)w->len, false));
	return (receiver_take(fx.child, &m));
}

static uint64_t
open_link(const char *id, uint8_t kind)
{
	static uint64_t	 conn;
	struct wire_put	*w = fx_put();
	uint64_t	 session;

	put_u64(w, ++conn);
	put_u8(w, kind);
	put_bool(w, true);
	put_bool(w, false);
	put_str(w, id);
	put_str(w, "boot");
	put_str(w, "");
	put_str(w, "");
	put_str(w, "127.0.0.1");
	ck_assert(fx_tell(PROC_FRONTEND, MSG_LINK_AUTH, w));
	session = TAILQ_LAST(&fx.router->session_list, session_list)->id;
	w = fx_put();
	put_u64(w, session);
	put_u64(w, 7);
	put_u64(w, 0);
	put_str(w, id);
	put_str(w, "");
	ck_assert(fx_tell(PROC_REGISTRY, MSG_SESSION_ACCEPT, w));
	ck_assert_ptr_nonnull(session_find(fx.router, session));
	fx_forget();
	return (session);
}

uint64_t
fx_home(const char *id)
{
	return (open_link(id, SESSION_HOME));
}

uint64_t
fx_peer(const char *id)
{
	return (open_link(id, SESSION_PEER));
}

void
fx_down(uint64_t session)
{
	struct wire_put	*w = fx_put();

	put_u64(w, session);
	put_str(w, "gone");
	ck_assert(fx_tell(PROC_FRONTEND, MSG_LINK_DOWN, w));
}

void
fx_queue(uint64_t session, bool full)
{
	struct wire_put	*w = fx_put();

	put_u64(w, session);
	put_bool(w, full);
	ck_assert(fx_tell(PROC_FRONTEND, MSG_LINK_QUEUE, w));
}

void
fx_text(uint64_t session, const char *fmt, ...)
{
	struct wire_put	*w = fx_put();
	char		*text;
	va_list		 ap;
	int		 n;

	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	ck_assert_int_ge(n, 0);
	put_u64(w, session);
	put_bytes(w, text, (size_t)n);
	free(text);
	ck_assert(fx_tell(PROC_FRONTEND, MSG_LINK_TEXT, w));
}

/* --- from the router --- */

/* Moves a frame out of what was sent; its payload stays until the next. */
static void
take_frame(struct stream *s, size_t at, size_t len, struct wire_get *r)
{
	free(payload);
	payload = malloc(len + 1);
	ck_assert_ptr_nonnull(payload);
	memcpy(payload, s->p + at + FRAME_HEADER, len);
	memmove(s->p + at, s->p + at + FRAME_HEADER + len,
	    s->len - at - FRAME_HEADER - len);
	s->len -= FRAME_HEADER + len;
	wire_get_init(r, payload, len);
}

/* The oldest frame of that type, of that session if it is not 0. */
static bool
find_frame(enum proc_id to, enum msg_type type, uint64_t session,
    struct wire_get *r)
{
	struct stream	*s = &streams[to];
	size_t		 at, len;

	receiver_turn(fx.child);
	for (at = 0; at + FRAME_HEADER <= s->len; at += FRAME_HEADER + len) {
		len = rx_load_le(s->p + at, 4);
		if (at + FRAME_HEADER + len > s->len)
			break;
		if (rx_load_le(s->p + at + 4, 2) != type || (session != 0 &&
		    rx_load_le(s->p + at + FRAME_HEADER, 8) != session))
			continue;
		take_frame(s, at, len, r);
		return (true);
	}
	return (false);
}

bool
fx_sent(enum proc_id to, enum msg_type type, struct wire_get *r)
{
	return (find_frame(to, type, 0, r));
}

const char *
fx_said(uint64_t session)
{
	struct wire_get	 r;

	if (!find_frame(PROC_FRONTEND, MSG_LINK_SEND, session, &r))
		return (NULL);
	(void)get_u64(&r);
	text_reset(&said);
	text_span(&said, get_bytes(&r));
	ck_assert(get_done(&r));
	ck_assert(json_valid(said.p, said.len));
	text_put(&said, "", 1);
	return (said.p);
}

const char *
fx_member(const char *text, enum env_key key)
{
	static char		 buf[512];
	struct json_scan	 s;
	struct json_span	 all, v;
	int			 n;

	json_scan_init(&s, text, strlen(text));
	ck_assert(json_skip(&s, &all));
	if (!json_member(&all, env_key_name(key), &v) ||
	    v.type != JSON_STRING)
		return ("");
	n = json_unescape(&v, buf, sizeof(buf) - 1);
	ck_assert_int_ge(n, 0);
	buf[n] = '\0';
	return (buf);
}
