/* SPDX-License-Identifier: ISC */

/*
 * The life of a call: placed, forwarded, cancelled, expired.
 */

#include <stdio.h>
#include <string.h>

#include "relay-router/router.h"

static bool
refuse_pending(struct rpc_error *err, enum pending_result why)
{
	switch (why) {
	case PENDING_DUPLICATE:
		return (rpc_refuse(err, RPC_E_INVALID_REQUEST, STAGE_INGRESS,
		    "message_id is pending already"));
	case PENDING_FULL_CALLEE:
		return (rpc_refuse(err, RPC_E_OVERLOADED, STAGE_HOME_LINK,
		    "too many calls pending there"));
	default:
		return (rpc_refuse(err, RPC_E_OVERLOADED, STAGE_INGRESS,
		    "too many calls pending"));
	}
}

/* How long a call may take: its own word, then the method's, then ours. */
static int64_t
call_limit_ms(const struct router *r, const struct call *c,
    const struct target *t)
{
	const struct service_method	*m;
	int64_t				 ms = c->timeout_ms;

	if (ms == 0 && t->instance != NULL) {
		m = service_method(&t->instance->service, c->method);
		if (m != NULL)
			ms = m->timeout_ms;
		if (ms == 0 && t->kind == TARGET_BACKEND &&
		    t->instance->index < r->conf.n_services)
			ms = r->conf.timeouts_ms[t->instance->index];
	}
	if (ms == 0)
		ms = r->conf.call_timeout_ms;
	if (c->deadline_ms != -1 && c->deadline_ms < ms)
		ms = c->deadline_ms;
	return (ms > LIMIT_TIMEOUT_MAX_MS ? LIMIT_TIMEOUT_MAX_MS : ms);
}

/* What the values of a forwarded message are written into. */
struct parts {
	char	 id[24];
	char	 ttl[24];
	char	 deadline[24];
	char	 quoted[LIMIT_MESSAGE_ID + 32];
};

/* A number that is not negative, written at the end of the buffer. */
static struct span
span_number(char *buf, size_t size, int64_t v)
{
	char		*p = buf + size;
	struct span	 s;

	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	s.p = p;
	s.len = (size_t)(buf + size - p);
	return (s);
}

/* A fresh id, which needs no escapes, as a JSON string. */
static struct span
span_quoted(char *buf, size_t size, struct span id)
{
	struct span	 s = { buf, 0 };

	s.len = (size_t)snprintf(buf, size, "\"%.*s\"", (int)id.len, id.p);
	return (s);
}

/* Forwards the link's own text, spliced. */
static bool
forward(struct router *r, const struct call *c, const struct target *t,
    struct span id, bool new_id, int64_t limit_ms, struct rpc_error *err)
{
	struct session	*s = t->session;
	struct splice	 sp;
	struct parts	 b;

	splice_init(&sp, c->env);
	splice_set(&sp, ENV_SOURCE_NODE,
	    (struct span){ c->from->json, c->from->json_len });
	splice_set(&sp, ENV_ROUTING_PATH,
	    (struct span){ c->from->path, c->from->path_len });
	splice_set(&sp, ENV_TTL, span_number(b.ttl, sizeof(b.ttl), c->ttl));
	if (new_id)
		splice_set(&sp, ENV_MESSAGE_ID,
		    span_quoted(b.quoted, sizeof(b.quoted), id));
	if (c->target.id.len == 0)
		splice_set(&sp, ENV_DESTINATION_NODE,
		    (struct span){ s->json, s->json_len });
	if ((s->features & FEATURE_DEADLINE_MS) ||
	    env_has(c->env, ENV_DEADLINE_MS))
		splice_set(&sp, ENV_DEADLINE_MS,
		    span_number(b.deadline, sizeof(b.deadline), limit_ms));
	/* The other end closes a link that brings more than it takes. */
	if (sp.size > r->conf.max_message)
		return (rpc_refuse(err, RPC_E_TOO_LARGE, STAGE_QUEUE, NULL));
	if (!message_splice(r, s, &sp))
		return (rpc_refuse(err, RPC_E_OVERLOADED, STAGE_QUEUE, NULL));
	return (true);
}

static void
put_destination(struct router *r, const struct call *c,
    const struct session *s)
{
	text_lit(&r->out, ",\"destination_node\":");
	if (r->conf.role == ROLE_MAIN) {
		text_put(&r->out, s->json, s->json_len);
		return;
	}
	text_lit(&r->out, c->target.kind == NODE_MAIN ||
	    (c->target.main.len == 0 && s->node_id[0] != '\0' &&
	    span_eq(c->target.id, span_str(s->node_id))) ?
	    "{\"type\":\"main\",\"id\":" : "{\"type\":\"home\",\"id\":");
	text_string(&r->out, c->target.id);
	if (c->target.main.len != 0) {
		text_lit(&r->out, ",\"main_relay\":");
		text_string(&r->out, c->target.main);
	}
	text_lit(&r->out, "}");
}

/* The JSON-RPC request inside a message of our own. */
static void
put_request(struct router *r, const struct call *c)
{
	text_lit(&r->out, ",\"jsonrpc_request\":{\"jsonrpc\":\"2.0\","
	    "\"method\":");
	text_string(&r->out, c->method);
	if (c->params.len != 0) {
		text_lit(&r->out, ",\"params\":");
		text_span(&r->out, c->params);
	}
	if (!c->to.no_answer) {
		text_lit(&r->out, ",\"id\":");
		text_span(&r->out, c->to.rpc_id);
	}
	text_lit(&r->out, "}");
}

static void
put_string(struct router *r, enum env_key key, struct span value)
{
	if (value.len == 0)
		return;
	message_add(r, key, span_str(""));
	text_string(&r->out, value);
}

static void
put_optional(struct router *r, const struct call *c, const struct session *s,
    int64_t limit_ms)
{
	char	 buf[24];

	put_string(r, ENV_VERSION, c->version);
	/* Without the caller's word the service's own timeout holds there. */
	if (c->timeout_ms != 0)
		message_add(r, ENV_TIMEOUT_SECONDS, span_number(buf,
		    sizeof(buf), (c->timeout_ms + 999) / 1000));
	if (c->priority != 0) {
		message_add(r, ENV_PRIORITY, span_str(""));
		text_int(&r->out, c->priority);
	}
	if (c->trace.len != 0 && (s->features & FEATURE_TRACEPARENT))
		message_add(r, ENV_TRACEPARENT, c->trace);
	if (c->idempotency_key.len != 0 &&
	    (s->features & FEATURE_IDEMPOTENCY_KEY))
		message_add(r, ENV_IDEMPOTENCY_KEY, c->idempotency_key);
	if (s->features & FEATURE_DEADLINE_MS)
		message_add(r, ENV_DEADLINE_MS,
		    span_number(buf, sizeof(buf), limit_ms));
}

/* Writes a request of this node's own, for HTTP or control. */
static bool
originate(struct router *r, const struct call *c, const struct target *t,
    struct span id, int64_t limit_ms, struct rpc_error *err)
{
	struct session	*s = t->session;
	struct parts	 b;

	message_begin_id(r, "request", id, span_str(""));
	if (c->target.id.len != 0 || r->conf.role == ROLE_MAIN)
		put_destination(r, c, s);
	message_add(r, ENV_ROUTING_PATH, span_str(r->self_path));
	message_add(r, ENV_TTL,
	    span_number(b.ttl, sizeof(b.ttl), LIMIT_HOPS));
	put_string(r, ENV_SERVER_NAME, c->server);
	put_string(r, ENV_METHOD, c->method);
	put_request(r, c);
	put_optional(r, c, s, limit_ms);
	if (r->out.len >= r->conf.max_message)
		return (rpc_refuse(err, RPC_E_TOO_LARGE, STAGE_QUEUE, NULL));
	if (!message_send(r, s))
		return (rpc_refuse(err, RPC_E_OVERLOADED, STAGE_QUEUE, NULL));
	return (true);
}

/*
 * Puts a call on a link.  The caller's message id goes along unless it is
 * pending there already: two callers may have chosen the same.
 */
static bool
to_session(struct router *r, const struct call *c, const struct target *t,
    int64_t limit_ms, struct rpc_error *err)
{
	struct pending		*p = NULL;
	enum pending_result	 added;
	struct span		 id = c->to.message_id;
	char			 fresh[24];
	bool			 new_id, sent;
	int64_t			 now;

	now = c->from != NULL ? c->from->seen_ms : router_now();
	new_id = c->env != NULL && c->env->message_id.len == 0;
	while (pending_by_callee(&r->pending, &t->session->end, id) != NULL) {
		message_fresh_id(r, fresh);
		id = span_str(fresh);
		new_id = true;
	}
	if (!c->to.no_answer) {
		added = pending_add(&r->pending, id64_next(&r->ids),
		    c->to.end, c->to.message_id, &t->session->end, id,
		    c->to.rpc_id, now, now + limit_ms, &p);
		if (added != PENDING_OK)
			return (refuse_pending(err, added));
	}
	sent = c->env != NULL ?
	    forward(r, c, t, id, new_id, limit_ms, err) :
	    originate(r, c, t, id, limit_ms, err);
	if (p == NULL)
		return (sent);
	if (!sent) {
		pending_remove(&r->pending, p);
		return (false);
	}
	p->slot = c->to.slot;
	if ((p->instance = t->instance) != NULL)
		route_take(t->instance);
	router_arm(r);
	return (true);
}

static bool
to_backend(struct router *r, const struct call *c, const struct target *t,
    int64_t limit_ms, struct rpc_error *err)
{
	struct pending		*p = NULL;
	enum pending_result	 added;
	uint64_t		 id = id64_next(&r->ids);
	int64_t			 now = router_now();
	struct span		 callee_id = { (const char *)&id, sizeof(id) };

	if (c->to.no_answer)
		return (backend_call(r, c, t->instance, limit_ms, id, err));
	added = pending_add(&r->pending, id, c->to.end, c->to.message_id,
	    &r->backend_end, callee_id, c->to.rpc_id, now, now + limit_ms, &p);
	if (added != PENDING_OK)
		return (refuse_pending(err, added));
	if (!backend_call(r, c, t->instance, limit_ms, id, err)) {
		pending_remove(&r->pending, p);
		return (false);
	}
	p->slot = c->to.slot;
	p->instance = t->instance;
	route_take(t->instance);
	router_arm(r);
	return (true);
}

bool
call_place(struct router *r, const struct call *c, struct rpc_error *err)
{
	struct target	 t;
	int64_t		 limit_ms;

	if (c->to.no_answer)
		r->stats.notifications++;
	else
		r->stats.requests++;
	if (r->draining)
		return (rpc_refuse(err, RPC_E_DRAINING, STAGE_INGRESS, NULL));
	/* pending_add() sees to the others. */
	if (c->to.no_answer && pending_by_caller(&r->pending, c->to.end,
	    c->to.message_id) != NULL)
		return (refuse_pending(err, PENDING_DUPLICATE));
	/* No channel takes it as a string, and no service has it. */
	if (c->method.len != 0 &&
	    memchr(c->method.p, '\0', c->method.len) != NULL)
		return (rpc_refuse(err, RPC_E_METHOD_NOT_FOUND, STAGE_INGRESS,
		    "a NUL in its name"));
	if (!target_find(r, c, &t, err))
		return (false);
	limit_ms = call_limit_ms(r, c, &t);
	if (limit_ms <= 0) {
		*err = rpc_error(RPC_E_TIMEOUT, STAGE_INGRESS, NULL);
		err->executed = EXECUTED_NO;
		return (false);
	}
	switch (t.kind) {
	case TARGET_SELF:
		return (relay_server_call(r, c, err));
	case TARGET_BACKEND:
		return (to_backend(r, c, &t, limit_ms, err));
	case TARGET_SESSION:
		if (c->env != NULL && c->ttl <= 0)
			return (rpc_refuse(err, RPC_E_TTL_EXCEEDED,
			    STAGE_INGRESS, NULL));
		return (to_session(r, c, &t, limit_ms, err));
	}
	return (rpc_refuse(err, RPC_E_INTERNAL, STAGE_INGRESS, NULL));
}

/* --- the ends of calls --- */

/* Tells the callee, if it can be told, that nobody waits any more. */
static void
cancel_callee(struct router *r, const struct pending *p)
{
	struct session	*s;

	if (p->callee->kind == END_BACKEND) {
		backend_cancel(r, p->id);
		return;
	}
	s = p->callee->owner;
	if (!(s->features & FEATURE_CANCEL))
		return;
	message_begin(r, "cancel", pending_callee_id(p));
	message_add(r, ENV_DESTINATION_NODE,
	    (struct span){ s->json, s->json_len });
	(void)message_send(r, s);
}

static enum stage
stage_of(const struct pending *p)
{
	return (p->callee->kind == END_BACKEND ? STAGE_BACKEND :
	    STAGE_HOME_LINK);
}

/* Answers a pending call with an error of ours and ends it. */
static void
give_up(struct router *r, struct pending *p, enum rpc_code code,
    enum stage stage)
{
	struct rpc_error	 err = rpc_error(code, stage, NULL);
	struct reply_to		 to = reply_of(p);

	reply_error(r, &to, &err);
	pending_done(r, p);
}

void
call_cancel(struct router *r, struct pending *p)
{
	cancel_callee(r, p);
	give_up(r, p, RPC_E_CANCELLED, stage_of(p));
}

void
call_expire(struct router *r, int64_t now_ms)
{
	struct pending	*p;

	while ((p = pending_expired(&r->pending, now_ms)) != NULL) {
		r->stats.timeouts++;
		cancel_callee(r, p);
		give_up(r, p, RPC_E_TIMEOUT, stage_of(p));
	}
}

void
call_end_gone(struct router *r, struct pending_end *end, enum stage stage)
{
	struct pending	*p;

	while ((p = TAILQ_FIRST(&end->made)) != NULL) {
		if (p->callee != end)
			cancel_callee(r, p);
		pending_done(r, p);
	}
	while ((p = TAILQ_FIRST(&end->serves)) != NULL)
		give_up(r, p, RPC_E_CONNECTION_LOST, stage);
}
