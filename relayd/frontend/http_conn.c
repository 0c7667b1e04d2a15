/* SPDX-License-Identifier: ISC */
/*
 * HTTP on a connection: one request at a time, whole requests to the router,
 * its answers back.  JSON is neither read nor understood here.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "relayd/frontend/frontend.h"

#define HTTP_IN_MIN	1024U	/* octets: smallest allocation */

static const char json[] = "application/json";

static const struct http_limits *
limits(const struct frontend *fe, struct http_limits *lim)
{
	lim->head = LIMIT_HTTP_HEAD;
	lim->target = LIMIT_HTTP_TARGET;
	lim->fields = LIMIT_HTTP_HEADERS;
	lim->body = fe->conf->max_message;
	return (lim);
}

/* --- input buffer --- */

/* Keep received octets; NULL if all requests together got too big. */
struct http_in *
http_add(struct conn *c, const uint8_t *p, size_t len)
{
	struct frontend	*fe = c->fe;
	struct http_in	*in = c->http;
	size_t		 cap;

	if (in == NULL) {
		in = c->http = calloc(1, sizeof(*in));
		if (in == NULL)
			fatal("out of memory for a request");
	}
	if (len > in->cap - in->len) {
		for (cap = in->cap > 0 ? in->cap : HTTP_IN_MIN;
		    cap - in->len < len; cap *= 2)
			;
		if (fe->in_octets + cap - in->cap > LIMIT_HTTP_INPUT)
			return (NULL);
		in->buf = realloc(in->buf, cap);
		if (in->buf == NULL)
			fatal("out of memory for a request");
		fe->in_octets += cap - in->cap;
		in->cap = cap;
	}
	memcpy(in->buf + in->len, p, len);
	in->len += len;
	return (in);
}

void
http_free(struct conn *c)
{
	if (c->http == NULL)
		return;
	c->fe->in_octets -= c->http->cap;
	free(c->http->buf);
	free(c->http);
	c->http = NULL;
}

/* The present request has been taken: forget its first len octets. */
static void
consume(struct conn *c, size_t len)
{
	struct http_in	*in = c->http;
	struct http_in	 rest = { 0 };
	size_t		 n = in->len - len;

	if (n == 0) {
		http_free(c);
		return;
	}
	memmove(in->buf, in->buf + len, n);
	rest.buf = in->buf;
	rest.cap = in->cap;
	rest.len = n;
	*in = rest;
}

/* --- answers --- */

/* Ready for the next request, or done. */
static void
after_reply(struct conn *c)
{
	if (!c->keepalive) {
		conn_linger(c);
		return;
	}
	/* a stranger's time for all of its handshake is not made longer */
	if (c->state != CONN_AUTH)
		conn_due(c, c->http == NULL ? DUE_IDLE : DUE_HANDSHAKE);
	c->state = CONN_HEAD;
	c->head_only = false;
	conn_read_on(c);
	conn_dirty(c);
}

/* Send an answer with a JSON body, or none if len is 0. */
static void
reply(struct conn *c, int status, uint32_t retry_after_ms, struct span body,
    const char *extra)
{
	char		head[REPLY_HEAD_MAX], more[512];
	struct reply	r = { .status = status, .date = time(NULL),
	    .length = body.len, .keepalive = c->keepalive,
	    .type = body.len > 0 ? json : NULL, .extra = more };
	size_t		n;

	snprintf(more, sizeof(more), "%s", extra != NULL ? extra : "");
	if (retry_after_ms > 0) {
		n = strlen(more);
		snprintf(more + n, sizeof(more) - n, "Retry-After: %u\r\n",
		    retry_after_ms / 1000 + (retry_after_ms % 1000 > 0));
	}
	n = reply_head(head, sizeof(head), &r);
	sendq_raw(&c->ws.out, head, n);
	if (!c->head_only)
		sendq_raw(&c->ws.out, body.p, body.len);
	log_debug("http %s: answered %d", conn_addr(c), status);
	after_reply(c);
}

void
http_cancel(struct conn *c)
{
	struct frontend	*fe = c->fe;
	struct wire_put	*w;

	if (c->request == 0)
		return;
	idmap_remove(&fe->by_id, c->request);
	if (fe->router != NULL) {
		w = channel_begin(fe->router, MSG_HTTP_CANCEL);
		put_u64(w, c->request);
		(void)channel_commit(fe->router);
	}
	c->request = 0;
}

/* The rest of the request is not wanted: a body would be unread. */
static bool
body_unread(const struct conn *c)
{
	return (c->http != NULL && (c->http->chunked || c->http->length > 0));
}

/* Tell the log of a request that no honest client makes, or of its deadline. */
static void
tell_refused(struct conn *c, int status, const char *reason)
{
	char	what[32];

	snprintf(what, sizeof(what), "refused with %d", status);
	switch (status) {
	case 400:
	case 403:
	case 408:
	case 413:
	case 414:
	case 431:
		/* what the router denies it tells itself */
		if (c->state != CONN_AUTH) {
			conn_complain(c, what, reason);
			return;
		}
		break;
	}
	log_debug("http %s: %s: %s", conn_addr(c), what, reason);
}

void
http_refuse(struct conn *c, int status, uint32_t retry_after_ms,
    const char *reason, const char *extra)
{
	char		text[512];
	struct span	body = { text, 0 };
	bool		goes_on = c->keepalive && !c->fe->stopping;

	http_cancel(c);
	body.len = reply_error_body(text, sizeof(text), reason);
	/* 413 is for a body; the others leave the stream in an unknown place */
	if (body_unread(c) || (status != 403 && status != 404 &&
	    status != 405 && status != 415 && status != 503) ||
	    c->state != CONN_HEAD)
		c->keepalive = false;
	/* who is asked for a proof may give it on this connection */
	if (status == STATUS_UNAUTHORIZED && c->state == CONN_AUTH)
		c->keepalive = goes_on &&
		    c->challenges++ < LIMIT_CHALLENGES;
	tell_refused(c, status, reason);
	if (c->keepalive && c->http != NULL)
		consume(c, c->http->head_len);
	reply(c, status, retry_after_ms, body, extra);
}

/* --- requests --- */

/* A whole request is here: hand it to the router. */
static void
submit(struct conn *c, struct span body)
{
	struct frontend	*fe = c->fe;
	struct http_in	*in = c->http;
	struct span	 auth = { (const char *)in->buf + in->auth_off,
	    in->auth_len };
	struct wire_put	*w;
	size_t		 end;

	if (fe->router == NULL) {
		http_refuse(c, 503, 1000, "not ready", NULL);
		return;
	}
	c->request = id64_next(&fe->ids);
	w = channel_begin(fe->router, MSG_HTTP_REQUEST);
	put_u64(w, c->request);
	put_u8(w, c->route);
	put_bool(w, c->local);
	put_str(w, conn_addr(c));
	put_span(w, auth);
	put_bytes(w, body.p, body.len);
	if (channel_commit(fe->router) == -1) {
		c->request = 0;
		http_refuse(c, 503, 1000, "overloaded", NULL);
		return;
	}
	idmap_add(&fe->by_id, c->request, c);
	fe->stats.requests++;
	c->state = CONN_WAIT;
	conn_due(c, DUE_NONE);
	end = in->chunked ? in->raw : in->head_len + in->body_len;
	consume(c, end);
}

/* The body that was received. */
static struct span
body_of(const struct http_in *in)
{
	return ((struct span){ (const char *)in->buf + in->head_len,
	    in->body_len });
}

/* Decode chunks in place; 1 when complete, 0 for more, or -status. */
static int
decode_chunks(struct conn *c)
{
	struct http_in	*in = c->http;
	struct span	 data;
	size_t		 took, at;
	int		 ev;

	do {
		ev = http_chunked(&in->chunks, in->buf + in->raw,
		    in->len - in->raw, c->fe->conf->max_message, &took,
		    &data);
		if (ev < 0)
			return (ev);
		in->raw += took;
		if (ev == HTTP_CHUNK_DATA) {
			memmove(in->buf + in->head_len + in->body_len, data.p,
			    data.len);
			in->body_len += data.len;
		}
	} while (ev == HTTP_CHUNK_DATA);
	if (ev == HTTP_CHUNK_END)
		return (1);
	/* all is decoded: the buffer need not grow by the chunks' framing */
	at = in->head_len + in->body_len;
	in->raw = in->len = at;
	return (0);
}

static void
step_body(struct conn *c)
{
	struct http_in	*in = c->http;
	int		 ev;

	if (in->chunked) {
		ev = decode_chunks(c);
		if (ev < 0)
			http_refuse(c, -ev, 0, ev == -413 ? "body too big" :
			    "malformed chunk", NULL);
		else if (ev == 1)
			submit(c, body_of(in));
		return;
	}
	if (in->len - in->head_len < in->length)
		return;
	in->body_len = (size_t)in->length;
	submit(c, body_of(in));
}

static void
begin_body(struct conn *c, const struct http_head *h)
{
	static const char	go[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct http_in		*in = c->http;

	c->state = CONN_BODY;
	conn_due(c, DUE_BODY);
	if (h->expect && in->len == in->head_len) {
		sendq_raw(&c->ws.out, go, sizeof(go) - 1);
		conn_dirty(c);
	}
	step_body(c);
}

/* A POST: to /rpc, or of a peer. */
static void
post(struct conn *c, const struct http_head *h)
{
	if (!is_json_type(http_find(h, "content-type")))
		http_refuse(c, 415, 0, "content type must be "
		    "application/json", NULL);
	else if (!h->chunked && !h->has_length)
		http_refuse(c, 411, 0, "no content-length", NULL);
	else
		begin_body(c, h);
}

/* DELETE of a peer: what names it is what the router gets. */
static void
delete_peer(struct conn *c, const struct http_head *h)
{
	char		name[PEER_NAME_MAX];
	struct span	body = { name, route_peer_name(h->path, name) };

	if (body.len == 0)
		http_refuse(c, 400, 0, "malformed peer name", NULL);
	else
		submit(c, body);
}

/* Remember where in the head the credentials are; false if too long. */
static bool
take_authorization(struct conn *c, const struct http_head *h)
{
	const struct span	*auth = http_find(h, "authorization");

	if (auth == NULL)
		return (true);
	c->http->auth_off = (size_t)(auth->p - (const char *)c->http->buf);
	c->http->auth_len = auth->len;
	return (auth->len <= AUTH_MAX);
}

/* Serve a request that may be served. */
static void
serve(struct conn *c, const struct http_head *h)
{
	if (!take_authorization(c, h))
		http_refuse(c, 400, 0, "authorization too long", NULL);
	else if (c->route == ROUTE_WS_FEDERATION || c->route == ROUTE_WS_PEERS)
		link_request(c, h);
	else if (c->route == HTTP_ROUTE_RPC || c->route == HTTP_ROUTE_PEER_ADD)
		post(c, h);
	else if (body_unread(c))
		http_refuse(c, 413, 0, "no body expected", NULL);
	else if (c->route == HTTP_ROUTE_PEER_DELETE)
		delete_peer(c, h);
	else
		submit(c, span_str(""));
}

/* A request head is complete and well-formed. */
static void
dispatch(struct conn *c, const struct http_head *h)
{
	struct frontend		*fe = c->fe;
	const struct span	*origin;
	const char		*allow = NULL;
	char			 extra[64];
	int			 route, status;

	origin = http_find(h, "origin");
	if (origin != NULL && !origin_allowed(*origin,
	    (const char *const *)fe->conf->origins, fe->conf->norigins)) {
		http_refuse(c, 403, 0, "origin not allowed", NULL);
		return;
	}
	status = route_find(fe->conf->role, h->path, h->method, &route,
	    &allow);
	if (status != 0) {
		snprintf(extra, sizeof(extra), "Allow: %s\r\n",
		    allow != NULL ? allow : "");
		http_refuse(c, status, 0, status == 404 ? "not found" :
		    "method not allowed", status == 405 ? extra : NULL);
		return;
	}
	c->route = (uint8_t)route;
	serve(c, h);
}

/* Look for a head; false if it is not complete. */
static bool
step_head(struct conn *c)
{
	struct http_limits	 lim;
	struct http_head	 h;
	struct http_in		*in = c->http;
	const char		*why = "malformed head";
	int			 len, status;

	len = http_scan(&in->scan, limits(c->fe, &lim), in->buf, in->len);
	if (len == 0)
		return (false);
	c->keepalive = c->head_only = false;
	if (len < 0) {
		http_refuse(c, -len, 0, len == -400 ? why :
		    status_text(-len), NULL);
		return (true);
	}
	in->head_len = in->raw = (size_t)len;
	status = http_request(&h, &lim, in->buf, (size_t)len, &why);
	if (status != 0) {
		http_refuse(c, status, 0, why, NULL);
		return (true);
	}
	in->chunked = h.chunked;
	in->length = h.length;
	c->keepalive = h.keepalive && !c->fe->stopping;
	c->head_only = h.method == HTTP_HEAD;
	dispatch(c, &h);
	return (true);
}

void
http_step(struct conn *c)
{
	bool	more = true;

	/* a client that does not take its answers gets no more of them */
	while (more && !c->dead && c->http != NULL && c->state == CONN_HEAD &&
	    sendq_len(&c->ws.out) < LIMIT_SESSION_HIGH)
		more = step_head(c);
	if (!c->dead && c->http != NULL && c->state == CONN_BODY)
		step_body(c);
	/* pipelined requests wait their turn within a bound */
	if (c->http != NULL && c->state != CONN_BODY &&
	    c->http->len > LIMIT_HTTP_HEAD)
		conn_read_off(c);
}

void
http_input(struct conn *c, const uint8_t *p, size_t len)
{
	if (c->state == CONN_HEAD && c->due == DUE_IDLE)
		conn_due(c, DUE_HANDSHAKE);
	if (http_add(c, p, len) == NULL) {
		c->keepalive = false;
		http_refuse(c, 503, 1000, "overloaded", NULL);
		return;
	}
	http_step(c);
}

void
on_http_response(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct frontend	*fe = arg;
	uint64_t	 request = get_u64(msg);
	int		 status = get_u16(msg);
	uint32_t	 retry_after_ms = get_u32(msg);
	struct span	 body = get_bytes(msg);
	struct conn	*c;

	(void)ch;
	(void)fd;
	if (!get_done(msg))
		return;
	c = idmap_find(&fe->by_id, request);
	if (c == NULL || c->request != request) {
		fe->stats.stale++;
		return;
	}
	idmap_remove(&fe->by_id, request);
	c->request = 0;
	reply(c, status, retry_after_ms, body, status == 401 ?
	    "WWW-Authenticate: Bearer\r\n" : NULL);
	http_step(c);
}
