/* SPDX-License-Identifier: ISC */
/*
 * Links that are up: messages both ways, the end.
 */
#include <stdio.h>

#include "common/log.h"
#include "relayd/frontend/frontend.h"

#define CLOSE_TEXT	192	/* bytes of a close frame and of its code */

/* --- messages --- */

void
link_queue(struct conn *c)
{
	size_t		 n = sendq_len(&c->ws.out);
	bool		 full = c->told_full;
	struct wire_put	*w;

	if (n > LIMIT_SESSION_QUEUE || (n > LIMIT_SESSION_LOW &&
	    c->fe->out_octets > LIMIT_OUTPUT)) {
		link_close(c, WS_CODE_TRY_LATER, "slow: too much is queued");
		return;
	}
	if (n > LIMIT_SESSION_HIGH)
		full = true;
	else if (n < LIMIT_SESSION_LOW)
		full = false;
	if (full == c->told_full || c->fe->router == NULL)
		return;
	c->told_full = full;
	w = channel_begin(c->fe->router, MSG_LINK_QUEUE);
	put_u64(w, c->session);
	put_bool(w, full);
	(void)channel_commit(c->fe->router);
}

void
on_link_send(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct frontend	*fe = arg;
	uint64_t	 session = get_u64(msg);
	struct span	 text = get_bytes(msg);
	struct conn	*c;

	(void)ch;
	(void)fd;
	if (!get_done(msg))
		return;
	c = idmap_find(&fe->by_session, session);
	if (c == NULL) {
		fe->stats.stale++;
		return;
	}
	wsio_send(&c->ws, WS_TEXT, (const uint8_t *)text.p, text.len,
	    &fe->masks);
	fe->stats.text_out++;
	conn_dirty(c);
	if (sendq_len(&c->ws.out) <= LIMIT_SESSION_HIGH &&
	    fe->out_octets <= LIMIT_OUTPUT)
		return;
	if (c->wr != NULL)
		link_queue(c);
	else
		conn_flush(c);
}

/* A complete message from the other side. */
static void
on_message(void *arg, enum ws_opcode opcode, const uint8_t *p, size_t len)
{
	struct conn	*c = arg;
	struct frontend	*fe = c->fe;
	struct wire_put	*w;

	if (c->session == 0 || fe->router == NULL)
		return;
	if (opcode != WS_TEXT) {
		link_close(c, WS_CODE_UNSUPPORTED, "binary message");
		return;
	}
	w = channel_begin(fe->router, MSG_LINK_TEXT);
	put_u64(w, c->session);
	put_bytes(w, p, len);
	if (channel_commit(fe->router) == -1)
		link_close(c, WS_CODE_TRY_LATER, "overloaded");
	else
		fe->stats.text_in++;
}

/* What the other side's close frame says, as a log can have it. */
static void
close_text(const struct wsio *ws, char *buf, size_t size)
{
	size_t	n, i;

	n = (size_t)snprintf(buf, size, "closed by the other side: %u%s",
	    ws->code, ws->reason_len > 0 ? " " : "");
	for (i = 0; i < ws->reason_len && n + 1 < size; i++)
		buf[n++] = ws->reason[i] >= ' ' && ws->reason[i] <= '~' ?
		    (char)ws->reason[i] : '?';
	buf[n] = '\0';
}

void
link_input(struct conn *c, uint8_t *p, size_t len)
{
	const char	*why;
	char		 text[CLOSE_TEXT];

	why = wsio_input(&c->ws, p, len, &c->fe->masks, on_message, c);
	conn_count(c);
	if (sendq_len(&c->ws.out) > 0)
		conn_dirty(c);
	if (c->session != 0 && c->part_counted > 0 &&
	    c->fe->part_octets > LIMIT_UNFINISHED) {
		link_close(c, WS_CODE_TRY_LATER,
		    "too many unfinished messages");
		return;
	}
	if (c->ws.state == WSIO_OPEN)
		return;
	if (c->session != 0) {
		close_text(&c->ws, text, sizeof(text));
		link_down(c, why != NULL ? why : text);
	}
	conn_closing(c);
	if (c->ws.state == WSIO_CLOSED)
		conn_dirty(c);
}

/* --- the end --- */

void
link_say_down(struct frontend *fe, uint64_t session, const char *why)
{
	struct wire_put	*w;
	char		 reason[200];

	if (fe->router == NULL)
		return;
	snprintf(reason, sizeof(reason), "%s", why);
	w = channel_begin(fe->router, MSG_LINK_DOWN);
	put_u64(w, session);
	put_str(w, reason);
	(void)channel_commit(fe->router);
}

/* Take it off the lists of links. */
static void
forget(struct conn *c)
{
	struct frontend	*fe = c->fe;

	idmap_remove(&fe->by_session, c->session);
	TAILQ_REMOVE(&fe->quiet, c, quiet_e);
	c->session = 0;
	fe->nlinks--;
}

void
link_down(struct conn *c, const char *why)
{
	uint64_t	session = c->session;

	if (session != 0) {
		log_info("link %s with %s: down: %s", conn_addr(c), c->node,
		    why);
		forget(c);
		link_say_down(c->fe, session, why);
	}
	if (c->up != NULL)
		uplink_over(c, 0, why);
}

void
link_close(struct conn *c, uint16_t code, const char *why)
{
	wsio_close(&c->ws, code, why, code != WS_CODE_NORMAL, &c->fe->masks);
	link_down(c, why);
	conn_closing(c);
}

void
link_prune(struct frontend *fe)
{
	static const char	 why[] = "tls client-ca has changed";
	struct conn		*c, *next;

	for (c = TAILQ_FIRST(&fe->all); c != NULL; c = next) {
		next = TAILQ_NEXT(c, all);
		if (!conn_is_outdated(c))
			continue;
		if (c->state == CONN_LINK)
			link_close(c, WS_CODE_RESTART, why);
		else if (c->state == CONN_AUTH)
			http_refuse(c, 503, 1000, "the configuration changes",
			    NULL);
	}
}

void
on_link_close(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct frontend	*fe = arg;
	uint64_t	 session = get_u64(msg);
	uint16_t	 code = get_u16(msg);
	char		 reason[256];
	struct conn	*c;

	(void)ch;
	(void)fd;
	get_str(msg, reason, sizeof(reason));
	if (!get_done(msg))
		return;
	c = idmap_find(&fe->by_session, session);
	if (c == NULL) {
		fe->stats.stale++;
		return;
	}
	log_info("link %s with %s: closed: %u %s", conn_addr(c), c->node,
	    code, reason);
	/* the router has forgotten the session: no LINK_DOWN */
	forget(c);
	wsio_close(&c->ws, code, reason, false, &fe->masks);
	link_down(c, reason);
	conn_closing(c);
}
