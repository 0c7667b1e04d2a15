/* SPDX-License-Identifier: ISC */

/*
 * HTTP requests: POST /rpc is an ingress for calls, the rest are views
 * (view.c).
 */

#include <bsd/string.h>
#include <stdlib.h>
#include <string.h>

#include "common/http_route.h"
#include "common/log.h"
#include "relay-router/jsonrpc.h"
#include "relay-router/router.h"

void
http_respond(struct router *r, uint64_t request, uint16_t status,
    uint32_t retry_after_ms, struct span body)
{
	struct wire_put	*w;

	if (r->frontend == NULL)
		return;
	w = channel_begin(r->frontend, MSG_HTTP_RESPONSE);
	put_u64(w, request);
	put_u16(w, status);
	put_u32(w, retry_after_ms);
	put_bytes(w, body.p, body.len);
	if (channel_commit(r->frontend) == -1)
		log_debug("an HTTP response was lost");
}

/* --- POST /rpc --- */

struct http_call *
http_call_new(struct router *r, uint64_t id, uint32_t n, const char *caller)
{
	struct http_call	*h;

	if ((h = calloc(1, sizeof(*h) + n * sizeof(h->answer[0]))) == NULL)
		fatal("out of memory");
	h->id = id;
	h->n = h->left = n;
	(void)strlcpy(h->caller, caller, sizeof(h->caller));
	pending_end_init(&h->end, END_HTTP, h, LIMIT_BATCH, 0);
	map_add(&r->https, &h->entry, id);
	return (h);
}

void
http_call_free(struct router *r, struct http_call *h)
{
	uint32_t	 i;

	for (i = 0; i < h->n; i++) {
		r->http_bytes -= h->answer[i].size;
		text_free(&h->answer[i]);
	}
	if (h->list == &r->peer_asks)
		r->n_peer_asks--;
	if (h->held != NULL)
		caller_gone(r, h);
	if (h->list != NULL)
		TAILQ_REMOVE(h->list, h, wait);
	map_remove(&r->https, &h->entry);
	free(h);
}

void
http_call_wait(struct http_call *h, struct http_calls *list)
{
	h->list = list;
	TAILQ_INSERT_TAIL(list, h, wait);
}

/* The answers in the order of the requests; notifications have none. */
static void
gather(const struct http_call *h, struct text *out)
{
	uint32_t	 i;

	for (i = 0; i < h->n; i++) {
		if (h->answer[i].len == 0)
			continue;
		if (h->batch)
			text_lit(out, out->len == 0 ? "[" : ",");
		text_span(out, text_get(&h->answer[i]));
	}
	if (h->batch && out->len != 0)
		text_lit(out, "]");
}

static void
finish(struct router *r, struct http_call *h)
{
	struct text	 out = { 0 };

	gather(h, &out);
	http_respond(r, h->id, out.len == 0 ? 204 : 200, 0, text_get(&out));
	text_free(&out);
	http_call_free(r, h);
}

/* Many may end at once, with more answers than the channel takes. */
void
http_check(struct router *r, struct http_call *h)
{
	if (h->left != 0 || h->end.n_made != 0)
		return;
	if (r->frontend != NULL && channel_congested(r->frontend))
		http_call_wait(h, &r->ended);
	else
		finish(r, h);
}

void
http_go_on(struct router *r)
{
	struct http_call	*h;

	while ((h = TAILQ_FIRST(&r->ended)) != NULL &&
	    !channel_congested(r->frontend))
		finish(r, h);
}

/* Bytes the answers of a request may have: at least one whole message. */
static size_t
answers_max(const struct router *r)
{
	return (r->conf.max_message > LIMIT_VIEW_BODY ?
	    r->conf.max_message : LIMIT_VIEW_BODY);
}

#define ERROR_KEPT	4096	/* bytes of an error that has room always: it
				 * knows better what was executed */

bool
http_room(const struct router *r, const struct reply_to *to, bool ok,
    const struct text *t)
{
	const struct http_call	*h = to->end->owner;

	if (!ok && t->len <= ERROR_KEPT)
		return (true);
	return (h->bytes + t->len <= answers_max(r) &&
	    r->http_bytes + t->size <= LIMIT_HTTP_ANSWERS);
}

void
http_answer(struct router *r, const struct reply_to *to, struct text *t)
{
	struct http_call	*h = to->end->owner;

	h->bytes += t->len;
	r->http_bytes += t->size;
	h->answer[to->slot] = *t;
	h->left--;
}

static void
place(struct router *r, struct http_call *h, const struct rpc_call *rc,
    uint32_t slot)
{
	struct rpc_error	 err;
	struct call		 c;
	char			 id[24];

	memset(&c, 0, sizeof(c));
	message_fresh_id(r, id);
	c.to.end = &h->end;
	c.to.message_id = span_str(id);
	c.to.rpc_id = rc->id;
	c.to.slot = slot;
	c.to.no_answer = rc->notification;
	c.target = rc->target;
	c.server = rc->server;
	c.method = rc->method;
	c.version = rc->version;
	c.params = rc->args;
	c.trace = rc->trace;
	c.idempotency_key = rc->idempotency_key;
	c.timeout_ms = rc->timeout_ms;
	c.deadline_ms = -1;
	c.now_ms = router_now();
	c.priority = rc->priority;
	if (rc->bad != RPC_NONE) {
		err = rpc_error(rc->bad, STAGE_INGRESS, rc->detail);
		reply_error(r, &c.to, &err);
	} else if (!call_place(r, &c, &err)) {
		reply_error(r, &c.to, &err);
	}
	if (rc->notification)
		h->left--;
}

static void
refuse_body(struct router *r, uint64_t id, enum rpc_code code,
    const char *detail)
{
	struct rpc_error	 err = rpc_error(code, STAGE_INGRESS, detail);
	struct text		 t = { 0 };

	r->stats.errors++;
	rpc_error_response(&t, &err, r->conf.node_id, span_str(""));
	http_respond(r, id, 200, 0, text_get(&t));
	text_free(&t);
}

static void
rpc(struct router *r, uint64_t id, const char *caller, struct span body)
{
	struct rpc_reader	 reader;
	struct rpc_call		 rc;
	struct http_call	*h;
	enum rpc_code		 bad;
	const char		*detail;
	uint32_t		 slot = 0;

	if (rpc_open(&reader, body.p, body.len, &bad, &detail) ==
	    RPC_BODY_BAD) {
		refuse_body(r, id, bad, detail);
		return;
	}
	h = http_call_new(r, id, (uint32_t)reader.count, caller);
	h->batch = reader.kind == RPC_BODY_BATCH;
	while (rpc_next(&reader, &rc))
		place(r, h, &rc, slot++);
	http_check(r, h);
}

/* --- from the front-end --- */

void
http_serve(struct router *r, uint64_t id, uint8_t route, const char *caller,
    struct span body)
{
	if (route == HTTP_ROUTE_RPC)
		rpc(r, id, caller, body);
	else if (!view_wanted(r, id, route, caller))
		http_respond(r, id, 404, 0,
		    span_str("{\"error\":\"not found\"}"));
}

void
on_http_request(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router	*r = arg;
	struct span	 address, authorization, body;
	uint64_t	 id;
	uint8_t		 route;

	(void)ch;
	(void)fd;
	id = get_u64(msg);
	route = get_u8(msg);
	(void)get_bool(msg);		/* local: every route is for all */
	address = get_span(msg, UINT16_MAX);
	authorization = get_span(msg, UINT16_MAX);
	body = get_bytes(msg);
	if (!get_done(msg))
		return;
	r->stats.http++;
	if (map_find(&r->https, id) != NULL)
		msg->bad = true;	/* a request id is never used twice */
	else if (route == HTTP_ROUTE_HEALTH)
		view_health(r, id);
	else if (r->https.n >= r->conf.max_connections ||
	    r->http_bytes >= LIMIT_HTTP_ANSWERS)
		http_respond(r, id, 503, RPC_RETRY_MS,
		    span_str("{\"error\":\"too many requests\"}"));
	else if (route == HTTP_ROUTE_PEER_ADD && r->conf.role == ROLE_MAIN)
		peer_ask_add(r, id, address, authorization, body);
	else if (route == HTTP_ROUTE_PEER_DELETE && r->conf.role == ROLE_MAIN)
		peer_ask_delete(r, id, address, authorization, body);
	else if (authorization.len != 0)
		caller_request(r, id, route, address, authorization, body);
	else
		http_serve(r, id, route, "", body);
	router_hold_back(r);
}

static void
call_drop(struct router *r, struct http_call *h)
{
	/* The end of its last call must not answer and free it as well. */
	h->left++;
	call_end_gone(r, &h->end, STAGE_INGRESS);
	http_call_free(r, h);
}

void
on_http_cancel(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router		*r = arg;
	struct map_entry	*e;
	uint64_t		 id;

	(void)ch;
	(void)fd;
	id = get_u64(msg);
	if (get_done(msg) && (e = map_find(&r->https, id)) != NULL)
		call_drop(r, (struct http_call *)e);
}

static void
drop_entry(void *arg, struct map_entry *e)
{
	call_drop(arg, (struct http_call *)e);
}

void
http_end_all(struct router *r)
{
	map_each(&r->https, drop_entry, r);
}
