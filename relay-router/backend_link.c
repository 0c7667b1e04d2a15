/* SPDX-License-Identifier: ISC */

/*
 * Calls to this home's own services, by way of the backend.
 */

#include <string.h>

#include "relay-router/router.h"

bool
backend_call(struct router *r, const struct call *c,
    const struct route_instance *i, int64_t limit_ms, uint64_t id,
    struct rpc_error *err)
{
	struct wire_put	*w;

	w = channel_begin(r->backend, MSG_BACKEND_CALL);
	put_u64(w, id);
	put_u32(w, r->conf.indexes[i->index]);
	put_u32(w, child_generation(r->child));
	put_u32(w, (uint32_t)limit_ms);
	put_bool(w, c->to.no_answer);
	put_span(w, c->method);
	put_bytes(w, c->params.p, c->params.len);
	if (channel_commit(r->backend) == 0)
		return (true);
	return (rpc_refuse(err, RPC_E_OVERLOADED, STAGE_BACKEND, NULL));
}

void
backend_cancel(struct router *r, uint64_t id)
{
	struct wire_put	*w;

	if (r->backend == NULL)
		return;
	w = channel_begin(r->backend, MSG_BACKEND_CANCEL);
	put_u64(w, id);
	(void)channel_commit(r->backend);
}

/* A call the backend could not make or finish. */
static void
failed(struct router *r, const struct reply_to *to, int32_t code,
    enum executed executed, const char *reason)
{
	struct rpc_error	 err;

	err = rpc_error((enum rpc_code)code, STAGE_BACKEND,
	    reason[0] == '\0' ? NULL : reason);
	err.executed = executed;
	reply_error(r, to, &err);
}

enum { KIND_RESULT = 1, KIND_ERROR, KIND_FAILED };

void
on_backend_result(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router	*r = arg;
	struct pending	*p;
	struct reply_to	 to;
	struct span	 json, reason;
	char		 text[256];
	uint64_t	 id;
	int32_t		 code;
	uint8_t		 kind, executed;

	(void)ch;
	(void)fd;
	id = get_u64(msg);
	kind = get_u8(msg);
	code = get_i32(msg);
	executed = get_u8(msg);
	reason = get_span(msg, sizeof(text) - 1);
	json = get_bytes(msg);
	if (!get_done(msg))
		return;
	if (kind < KIND_RESULT || kind > KIND_FAILED ||
	    executed > EXECUTED_YES || !span_copy(reason, text, sizeof(text)) ||
	    (kind != KIND_FAILED && !json_valid(json.p, json.len))) {
		msg->bad = true;
		return;
	}
	p = pending_by_callee(&r->pending, &r->backend_end,
	    (struct span){ (const char *)&id, sizeof(id) });
	if (p == NULL) {
		r->stats.late++;
		return;
	}
	to = reply_of(p);
	if (kind == KIND_FAILED)
		failed(r, &to, code, executed, text);
	else
		reply_json(r, &to, kind == KIND_RESULT, json);
	r->stats.responses++;
	pending_done(r, p);
	router_hold_back(r);
}

/* Which of our services the parent's index means; n_services if none. */
static uint16_t
service_at(const struct router *r, uint32_t index)
{
	uint16_t	 i;

	for (i = 0; i < r->conf.n_services; i++)
		if (r->conf.indexes[i] == index)
			break;
	return (i);
}

static void
tell_registry(struct router *r, const struct service *s, bool healthy)
{
	struct wire_put	*w;

	if (r->registry == NULL)
		return;
	w = channel_begin(r->registry, MSG_SERVICE_HEALTH);
	put_u64(w, 0);
	put_str(w, s->name);
	put_str(w, s->version);
	put_bool(w, healthy);
	(void)channel_commit(r->registry);
}

void
on_backend_health(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router		*r = arg;
	struct route_node	*n;
	struct service		*s;
	uint32_t		 index, generation;
	uint16_t		 i;
	bool			 healthy;

	(void)ch;
	(void)fd;
	index = get_u32(msg);
	generation = get_u32(msg);
	healthy = get_bool(msg);
	(void)get_span(msg, UINT16_MAX);	/* reason: the backend's log */
	if (!get_done(msg))
		return;
	if (generation != child_generation(r->child) ||
	    (i = service_at(r, index)) == r->conf.n_services) {
		r->stats.stale++;
		return;
	}
	s = &r->conf.services[i];
	s->healthy = healthy;
	n = route_node_find(&r->routes, span_str(r->conf.node_id));
	if (n == NULL || route_health(n, span_str(s->name),
	    span_str(s->version), healthy) == 0)
		return;
	tell_registry(r, s, healthy);
	if (r->uplink != NULL)
		heartbeat_send(r, r->uplink, span_str(""));
}
