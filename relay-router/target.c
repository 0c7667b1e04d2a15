/* SPDX-License-Identifier: ISC */

/*
 * Who takes a call (PROTOCOL.md section 6).
 */

#include <string.h>

#include "common/name.h"
#include "relay-router/router.h"

static bool
is_node(struct span id, const char *lower)
{
	char	 buf[LIMIT_NODE_ID + 1];

	return (name_node_lower(id, buf, sizeof(buf)) &&
	    strcmp(buf, lower) == 0);
}

static bool
is_relay(struct span server)
{
	return (server.len == 5 && memcmp(server.p, "relay", 5) == 0);
}

static bool
no_route(enum route_result why, enum stage stage, struct rpc_error *err)
{
	switch (why) {
	case ROUTE_NO_VERSION:
		return (rpc_refuse(err, RPC_E_VERSION_UNAVAILABLE,
		    STAGE_INGRESS, NULL));
	case ROUTE_NO_METHOD:
		return (rpc_refuse(err, RPC_E_METHOD_NOT_FOUND, STAGE_INGRESS,
		    NULL));
	case ROUTE_UNHEALTHY:
		return (rpc_refuse(err, RPC_E_OVERLOADED, stage,
		    "no healthy instance"));
	case ROUTE_OVERLOADED:
		return (rpc_refuse(err, RPC_E_OVERLOADED, stage,
		    "max_concurrency"));
	default:
		return (rpc_refuse(err, RPC_E_SERVICE_NOT_FOUND, STAGE_INGRESS,
		    NULL));
	}
}

static bool
choose(struct router *r, const struct call *c, const struct route_node *node,
    enum stage stage, struct target *t, struct rpc_error *err)
{
	struct route_query	 q;
	enum route_result	 why;

	q.node = node;
	q.server = c->server;
	q.version = c->version;
	q.method = c->method;
	q.outside = c->from != NULL;
	why = route_choose(&r->routes, &q, &t->instance);
	if (why != ROUTE_OK)
		return (no_route(why, stage, err));
	return (true);
}

/* This node itself: only the server `relay` is there. */
static bool
self(const struct call *c, struct target *t, struct rpc_error *err)
{
	if (!is_relay(c->server))
		return (rpc_refuse(err, RPC_E_SERVICE_NOT_FOUND, STAGE_INGRESS,
		    NULL));
	t->kind = TARGET_SELF;
	return (true);
}

static bool
to_session(struct session *s, struct target *t, struct rpc_error *err)
{
	t->kind = TARGET_SESSION;
	t->session = s;
	if (s->full)
		return (rpc_refuse(err, RPC_E_OVERLOADED, STAGE_HOME_LINK,
		    "the link's queue is full"));
	return (true);
}

/* A Main's call to exactly one node. */
static bool
main_to_node(struct router *r, const struct call *c, struct target *t,
    struct rpc_error *err)
{
	struct route_node	*n;

	if (c->target.main.len != 0 &&
	    !is_node(c->target.main, r->conf.node_id))
		return (rpc_refuse(err, RPC_E_NODE_NOT_FOUND, STAGE_INGRESS,
		    "no such Main"));
	if (c->target.kind != NODE_HOME &&
	    is_node(c->target.id, r->conf.node_id))
		return (self(c, t, err));
	n = c->target.kind == NODE_MAIN ? NULL :
	    route_node_find(&r->routes, c->target.id);
	if (n == NULL)
		return (rpc_refuse(err, RPC_E_NODE_NOT_FOUND, STAGE_INGRESS,
		    NULL));
	if (n->link == NULL)
		return (rpc_refuse(err, RPC_E_NODE_OFFLINE, STAGE_HOME_LINK,
		    NULL));
	/* Without a name the home decides; its own `relay` is everywhere. */
	if (c->server.len != 0 && !is_relay(c->server) &&
	    !choose(r, c, n, STAGE_HOME_LINK, t, err))
		return (false);
	return (to_session(n->link, t, err));
}

static bool
main_target(struct router *r, const struct call *c, struct target *t,
    struct rpc_error *err)
{
	if (c->target.id.len != 0)
		return (main_to_node(r, c, t, err));
	if (c->server.len == 0)
		return (rpc_refuse(err, RPC_E_INVALID_PARAMS, STAGE_INGRESS,
		    "neither a node nor a server_name"));
	if (is_relay(c->server))
		return (self(c, t, err));
	if (!choose(r, c, NULL, STAGE_HOME_LINK, t, err))
		return (false);
	return (to_session(t->instance->node->link, t, err));
}

/* True if the call names this very home. */
static bool
names_this_home(const struct router *r, const struct call *c)
{
	if (c->target.kind == NODE_MAIN ||
	    !is_node(c->target.id, r->conf.node_id))
		return (false);
	return (c->target.main.len == 0 || r->uplink == NULL ||
	    is_node(c->target.main, r->uplink->node_id));
}

static bool
to_backend(struct router *r, const struct call *c, struct target *t,
    struct rpc_error *err)
{
	struct route_node	*n;

	if (is_relay(c->server))
		return (self(c, t, err));
	if (c->server.len == 0)
		return (rpc_refuse(err, RPC_E_INVALID_PARAMS, STAGE_INGRESS,
		    "no server_name"));
	n = route_node_find(&r->routes, span_str(r->conf.node_id));
	if (!choose(r, c, n, STAGE_BACKEND, t, err))
		return (false);
	t->kind = TARGET_BACKEND;
	if (r->backend == NULL || !t->instance->service.healthy)
		return (rpc_refuse(err, RPC_E_OVERLOADED, STAGE_BACKEND,
		    "the service is not up"));
	return (true);
}

static bool
has_own(struct router *r, const struct call *c)
{
	uint16_t	 i;

	for (i = 0; i < r->conf.n_services; i++)
		if (span_eq(span_str(r->conf.services[i].name), c->server))
			return (true);
	return (false);
}

static bool
home_target(struct router *r, const struct call *c, struct target *t,
    struct rpc_error *err)
{
	if (c->from != NULL) {
		if (c->target.id.len != 0 &&
		    !is_node(c->target.id, r->conf.node_id))
			return (rpc_refuse(err, RPC_E_NODE_NOT_FOUND,
			    STAGE_HOME_LINK, "not this home"));
		if (to_backend(r, c, t, err))
			return (true);
		/* The call came in elsewhere; here is its last stage. */
		if (err->stage == STAGE_INGRESS)
			err->stage = STAGE_BACKEND;
		return (false);
	}
	if (c->target.id.len != 0 ? names_this_home(r, c) :
	    (is_relay(c->server) || has_own(r, c)))
		return (to_backend(r, c, t, err));
	if (c->target.id.len == 0 && c->server.len == 0)
		return (rpc_refuse(err, RPC_E_INVALID_PARAMS, STAGE_INGRESS,
		    "neither a node nor a server_name"));
	if (r->uplink == NULL)
		return (rpc_refuse(err, RPC_E_PEER_UNREACHABLE, STAGE_INGRESS,
		    "no link to a Main"));
	return (to_session(r->uplink, t, err));
}

bool
target_find(struct router *r, const struct call *c, struct target *t,
    struct rpc_error *err)
{
	memset(t, 0, sizeof(*t));
	if (r->conf.role == ROLE_MAIN)
		return (main_target(r, c, t, err));
	return (home_target(r, c, t, err));
}
