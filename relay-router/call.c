/* SPDX-License-Identifier: ISC */

/*
 * The life of a call: placed, held, cancelled, expired.
 */

#include <string.h>

#include "relay-router/query.h"
#include "relay-router/router.h"

/* Where a call is when it waits for this end. */
static enum stage
end_stage(const struct pending_end *end)
{
	const struct session	*s = end->owner;

	switch (end->kind) {
	case END_BACKEND:
		return (STAGE_BACKEND);
	case END_QUERY:
		return (STAGE_INGRESS);
	default:
		return (s->kind == SESSION_PEER ? STAGE_PEER_LINK :
		    STAGE_HOME_LINK);
	}
}

static bool
is_pending(struct router *r, const struct call *c)
{
	return (pending_by_caller(&r->pending, c->to.end,
	    c->to.message_id) != NULL);
}

static bool
refuse_pending(struct rpc_error *err, enum pending_result why,
    enum stage callee)
{
	switch (why) {
	case PENDING_DUPLICATE:
		return (rpc_refuse(err, RPC_E_INVALID_REQUEST, STAGE_INGRESS,
		    "message_id is pending already"));
	case PENDING_FULL_CALLEE:
		return (rpc_refuse(err, RPC_E_OVERLOADED, callee,
		    "too many calls pending there"));
	default:
		return (rpc_refuse(err, RPC_E_OVERLOADED, STAGE_INGRESS,
		    "too many calls pending"));
	}
}

int64_t
call_limit_ms(const struct router *r, const struct call *c,
    const struct target *t)
{
	const struct service_method	*m;
	int64_t				 ms = c->timeout_ms;

	if (ms == 0 && t != NULL && t->instance != NULL) {
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

/*
 * Puts a call on a link, under an id of this node's own: callers may choose
 * the same, and an answer that comes when its call has timed out must not end
 * a later one.
 */
static bool
to_session(struct router *r, const struct call *c, const struct target *t,
    int64_t limit_ms, struct rpc_error *err)
{
	struct pending		*p = NULL;
	enum pending_result	 added;
	struct span		 id;
	char			 fresh[24];
	bool			 sent;

	message_fresh_id(r, fresh);
	id = span_str(fresh);
	if (!c->to.no_answer) {
		added = pending_add(&r->pending, id64_next(&r->ids),
		    c->to.end, c->to.message_id, &t->session->end, id,
		    c->to.rpc_id, c->now_ms, c->now_ms + limit_ms, &p);
		if (added != PENDING_OK)
			return (refuse_pending(err, added,
			    end_stage(&t->session->end)));
	}
	sent = c->env != NULL ?
	    forward_text(r, c, t, id, limit_ms, err) :
	    forward_new(r, c, t, id, limit_ms, err);
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
	struct span		 callee_id = { (const char *)&id, sizeof(id) };

	if (c->to.no_answer)
		return (backend_call(r, c, t->instance, limit_ms, id, err));
	added = pending_add(&r->pending, id, c->to.end, c->to.message_id,
	    &r->backend_end, callee_id, c->to.rpc_id, c->now_ms,
	    c->now_ms + limit_ms, &p);
	if (added != PENDING_OK)
		return (refuse_pending(err, added, STAGE_BACKEND));
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

/* What of a call can be told before its target is known. */
static bool
acceptable(struct router *r, const struct call *c, struct rpc_error *err)
{
	if (r->draining)
		return (rpc_refuse(err, RPC_E_DRAINING, STAGE_INGRESS, NULL));
	/* pending_add() sees to the others. */
	if (c->to.no_answer && is_pending(r, c))
		return (refuse_pending(err, PENDING_DUPLICATE,
		    STAGE_INGRESS));
	/* No channel takes it as a string, and no service has it. */
	if (c->method.len != 0 &&
	    memchr(c->method.p, '\0', c->method.len) != NULL)
		return (rpc_refuse(err, RPC_E_METHOD_NOT_FOUND, STAGE_INGRESS,
		    "a NUL in its name"));
	return (true);
}

/* The target is found: on to it. */
static bool
to_target(struct router *r, const struct call *c, const struct target *t,
    struct rpc_error *err)
{
	int64_t	 limit_ms = call_limit_ms(r, c, t);

	if (limit_ms <= 0) {
		*err = rpc_error(RPC_E_TIMEOUT, STAGE_INGRESS, NULL);
		err->executed = EXECUTED_NO;
		return (false);
	}
	switch (t->kind) {
	case TARGET_SELF:
		return (relay_server_call(r, c, err));
	case TARGET_BACKEND:
		return (to_backend(r, c, t, limit_ms, err));
	case TARGET_SESSION:
		if (c->env != NULL && c->ttl <= 0)
			return (rpc_refuse(err, RPC_E_TTL_EXCEEDED,
			    STAGE_INGRESS, NULL));
		return (to_session(r, c, t, limit_ms, err));
	}
	return (rpc_refuse(err, RPC_E_INTERNAL, STAGE_INGRESS, NULL));
}

/* Peers may know what this Main does not. */
static bool
hold(struct router *r, const struct call *c, struct rpc_error *err)
{
	if (is_pending(r, c))
		return (refuse_pending(err, PENDING_DUPLICATE,
		    STAGE_INGRESS));
	return (query_hold(r, c, err));
}

bool
call_place(struct router *r, const struct call *c, struct rpc_error *err)
{
	struct target	 t;

	if (c->to.no_answer)
		r->stats.notifications++;
	else
		r->stats.requests++;
	if (!acceptable(r, c, err))
		return (false);
	if (target_find(r, c, &t, err))
		return (to_target(r, c, &t, err));
	if (err->code == RPC_E_FORBIDDEN)
		permit_tell(r, c, &t.permit);
	return (t.miss && hold(r, c, err));
}

/* A peer has said that a node is there which has no route. */
static bool
at_peer(struct router *r, const struct call *c, struct session *peer,
    struct target *t, struct rpc_error *err)
{
	if (!t->miss || peer == NULL || !peer->up || c->target.id.len == 0)
		return (false);
	t->instance = NULL;
	t->relay = false;
	if (!permit_home(&t->permit, c->target.id, span_str(peer->node_id))) {
		permit_tell(r, c, &t->permit);
		return (permit_refuse(&t->permit, err));
	}
	return (target_session(peer, t, err));
}

bool
call_place_held(struct router *r, const struct call *c, struct session *peer,
    struct rpc_error *err)
{
	struct call	 again = *c;
	struct target	 t;

	again.now_ms = router_now();
	again.vouched = peer;
	if (target_find(r, &again, &t, err))
		return (to_target(r, &again, &t, err));
	if (err->code == RPC_E_FORBIDDEN)
		permit_tell(r, c, &t.permit);
	return (at_peer(r, &again, peer, &t, err) &&
	    to_target(r, &again, &t, err));
}

/* --- the ends of calls --- */

/* Tells the callee, if it can be told, that nobody waits any more. */
static void
cancel_callee(struct router *r, const struct pending *p)
{
	struct session	*s;

	if (p->callee->kind == END_QUERY)
		return;
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
	message_way(r);
	(void)message_send(r, s);
}

/* Answers a pending call with an error of ours and ends it. */
static void
give_up(struct router *r, struct pending *p, enum rpc_code code,
    enum stage stage)
{
	struct rpc_error	 err = rpc_error(code, stage, NULL);
	struct reply_to		 to = reply_of(p);

	if (p->callee->kind == END_QUERY)
		err.executed = EXECUTED_NO;	/* it went nowhere yet */
	reply_error(r, &to, &err);
	pending_done(r, p);
}

void
call_cancel(struct router *r, struct pending *p)
{
	cancel_callee(r, p);
	give_up(r, p, RPC_E_CANCELLED, end_stage(p->callee));
}

void
call_expire(struct router *r, int64_t now_ms)
{
	struct pending	*p;

	while ((p = pending_expired(&r->pending, now_ms)) != NULL) {
		r->stats.timeouts++;
		cancel_callee(r, p);
		give_up(r, p, RPC_E_TIMEOUT, end_stage(p->callee));
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
