/* SPDX-License-Identifier: ISC */

/*
 * Who takes a call (PROTOCOL.md section 6).
 */

#include <stddef.h>
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
from_peer(const struct call *c)
{
	return (c->from != NULL && c->from->kind == SESSION_PEER);
}

/* True if a message from a home's Main says that the caller is elsewhere. */
static bool
from_other_main(const struct call *c)
{
	const struct env_node	*n = &c->env->source;
	struct span		 at = n->kind == NODE_MAIN ? n->id : n->main;

	return (at.len != 0 && c->from->node_id[0] != '\0' &&
	    !is_node(at, c->from->node_id));
}

enum visibility
target_least(const struct call *c)
{
	if (c->from == NULL)
		return (VISIBILITY_PRIVATE);
	switch (c->from->kind) {
	case SESSION_PEER:
		return (VISIBILITY_FEDERATION);
	case SESSION_UPLINK:
		return (from_other_main(c) ? VISIBILITY_FEDERATION :
		    VISIBILITY_MAIN);
	default:
		return (VISIBILITY_MAIN);
	}
}

static bool
no_route(enum route_result why, enum stage stage, const struct target *t,
    struct rpc_error *err)
{
	switch (why) {
	case ROUTE_FORBIDDEN:
		return (permit_refuse(&t->permit, err));
	case ROUTE_NO_VERSION:
		return (rpc_refuse(err, RPC_E_VERSION_UNAVAILABLE,
		    STAGE_INGRESS, NULL));
	case ROUTE_NO_METHOD:
		return (rpc_refuse(err, RPC_E_METHOD_NOT_FOUND, STAGE_INGRESS,
		    NULL));
	case ROUTE_UNREACHABLE:
		return (rpc_refuse(err, RPC_E_PEER_UNREACHABLE,
		    STAGE_PEER_LINK, "no link with the Main that has it, or "
		    "no word of it yet"));
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

struct route_query
target_query(const struct call *c, const struct route_node *node,
    struct target *t)
{
	struct route_query	 q;

	q.node = node;
	q.server = c->server;
	q.version = c->version;
	q.method = c->method;
	q.least = target_least(c);
	q.own_only = from_peer(c);
	q.vouched = c->vouched;
	q.permit = t->permit.policy != NULL ? permit_instance : NULL;
	q.permit_arg = &t->permit;
	return (q);
}

static enum route_result
find_instance(struct router *r, const struct call *c,
    const struct route_node *node, struct target *t)
{
	struct route_query	 q = target_query(c, node, t);

	return (route_choose(&r->routes, &q, &t->instance));
}

static bool
choose(struct router *r, const struct call *c, const struct route_node *node,
    enum stage stage, struct target *t, struct rpc_error *err)
{
	enum route_result	 why = find_instance(r, c, node, t);

	return (why == ROUTE_OK || no_route(why, stage, t, err));
}

/* This node itself: only the server `relay` is there. */
static bool
self(const struct router *r, const struct call *c, struct target *t,
    struct rpc_error *err)
{
	if (!is_relay(c->server))
		return (rpc_refuse(err, RPC_E_SERVICE_NOT_FOUND, STAGE_INGRESS,
		    NULL));
	t->kind = TARGET_SELF;
	return (permit_node(&t->permit, r->conf.role == ROLE_MAIN ? WHO_MAIN :
	    WHO_HOME, span_str(r->conf.node_id), span_str("")) ||
	    permit_refuse(&t->permit, err));
}

bool
target_session(struct session *s, struct target *t, struct rpc_error *err)
{
	t->kind = TARGET_SESSION;
	t->session = s;
	if (s->full)
		return (rpc_refuse(err, RPC_E_OVERLOADED,
		    s->kind == SESSION_PEER ? STAGE_PEER_LINK :
		    STAGE_HOME_LINK, "the link's queue is full"));
	return (true);
}

/* --- a Main --- */

static bool
to_peer(const struct route_main *m, struct target *t, struct rpc_error *err)
{
	if (m == NULL)
		return (rpc_refuse(err, RPC_E_NODE_NOT_FOUND, STAGE_INGRESS,
		    "no such Main"));
	if (m->link == NULL)
		return (rpc_refuse(err, RPC_E_PEER_UNREACHABLE,
		    STAGE_PEER_LINK, "no link with that Main"));
	return (target_session(m->link, t, err));
}

/* Another Main itself: only the server `relay` is there, as here. */
static bool
other_main(const struct route_main *m, const struct call *c,
    struct target *t, struct rpc_error *err)
{
	if (m != NULL && !is_relay(c->server))
		return (rpc_refuse(err, RPC_E_SERVICE_NOT_FOUND, STAGE_INGRESS,
		    NULL));
	t->relay = true;
	return (to_peer(m, t, err));
}

/*
 * A home of another Main, which has the last word.  What is known of the
 * service here only serves to count its calls.
 */
static bool
home_elsewhere(struct router *r, const struct call *c, struct span main_id,
    struct target *t, struct rpc_error *err)
{
	struct route_node	*n;

	n = route_node_at(&r->routes, main_id, c->target.id);
	if (n != NULL && c->server.len != 0)
		(void)find_instance(r, c, n, t);
	return (to_peer(route_main_find(&r->routes, main_id), t, err));
}

/* One of this Main's own homes. */
static bool
own_home(struct router *r, const struct call *c, const struct route_node *n,
    struct target *t, struct rpc_error *err)
{
	if (n == NULL)
		return (rpc_refuse(err, RPC_E_NODE_NOT_FOUND, STAGE_INGRESS,
		    NULL));
	if (n->link == NULL)
		return (rpc_refuse(err, RPC_E_NODE_OFFLINE, STAGE_HOME_LINK,
		    NULL));
	/*
	 * Without a name the home decides, but for callers from elsewhere: it
	 * might have what is not for them.  Its own `relay` is everywhere.
	 */
	if (c->server.len == 0 && from_peer(c))
		return (rpc_refuse(err, RPC_E_INVALID_PARAMS, STAGE_INGRESS,
		    "no server_name"));
	if (c->server.len != 0 && !is_relay(c->server) &&
	    !choose(r, c, n, STAGE_HOME_LINK, t, err))
		return (false);
	return (target_session(n->link, t, err));
}

/* A node whose Main was not said. */
static bool
bare_node(struct router *r, const struct call *c, struct target *t,
    struct rpc_error *err)
{
	const struct route_main	*m;
	struct route_node	*n;

	if (c->target.kind != NODE_HOME &&
	    (m = route_main_find(&r->routes, c->target.id)) != NULL)
		return (other_main(m, c, t, err));
	n = route_node_any(&r->routes, c->target.id);
	t->miss = n == NULL || route_node_link(n) == NULL;
	if (n != NULL && n->via != NULL && t->miss)
		return (no_route(ROUTE_UNREACHABLE, STAGE_PEER_LINK, t, err));
	if (n != NULL && n->via != NULL)
		return (home_elsewhere(r, c, span_str(n->via->id), t, err));
	return (own_home(r, c, n, t, err));
}

/* A Main's call to exactly one node. */
static bool
main_to_node(struct router *r, const struct call *c, struct target *t,
    struct rpc_error *err)
{
	const struct env_node	*n = &c->target;
	bool			 here = n->main.len == 0 ||
				    is_node(n->main, r->conf.node_id);

	if (here && n->kind != NODE_HOME && is_node(n->id, r->conf.node_id))
		return (self(r, c, t, err));
	/* What came from another Main goes to none (section 2). */
	if (from_peer(c) && (!here || n->kind == NODE_MAIN))
		return (rpc_refuse(err, RPC_E_NODE_NOT_FOUND, STAGE_INGRESS,
		    "not of this Main"));
	if (n->kind == NODE_MAIN)
		return (other_main(route_main_find(&r->routes, n->id), c, t,
		    err));
	if (!here)
		return (home_elsewhere(r, c, n->main, t, err));
	if (n->main.len == 0 && !from_peer(c))
		return (bare_node(r, c, t, err));
	return (own_home(r, c, route_node_find(&r->routes, n->id), t, err));
}

/* Also to a node that is stale, which was chosen all the same. */
static struct session *
any_link(const struct route_node *n)
{
	return (n->via == NULL ? n->link : n->via->link);
}

/* Whichever instance is best, here or elsewhere. */
static bool
by_service(struct router *r, const struct call *c, struct target *t,
    struct rpc_error *err)
{
	enum route_result	 why = find_instance(r, c, NULL, t);

	if (why == ROUTE_OK)
		return (target_session(any_link(t->instance->node), t, err));
	t->miss = !from_peer(c) &&
	    (why == ROUTE_NO_SERVICE || why == ROUTE_UNREACHABLE);
	return (no_route(why, STAGE_HOME_LINK, t, err));
}

/*
 * The node that a call names may take it.  Of instances only those are chosen
 * that may.
 */
static bool
may_have(const struct call *c, struct target *t)
{
	const struct session	*s = t->session;
	struct span		 id = span_str(s->node_id);

	if (t->instance != NULL)
		return (true);
	if (s->kind == SESSION_HOME)
		return (permit_node(&t->permit, WHO_HOME, id, span_str("")));
	if (t->relay)
		return (permit_node(&t->permit, WHO_MAIN, id, span_str("")));
	return (permit_home(&t->permit, c->target.id, id));
}

static bool
main_target(struct router *r, const struct call *c, struct target *t,
    struct rpc_error *err)
{
	if (c->target.id.len != 0) {
		if (!main_to_node(r, c, t, err))
			return (false);
		return (t->kind != TARGET_SESSION || may_have(c, t) ||
		    permit_refuse(&t->permit, err));
	}
	if (c->server.len == 0)
		return (rpc_refuse(err, RPC_E_INVALID_PARAMS, STAGE_INGRESS,
		    "neither a node nor a server_name"));
	if (is_relay(c->server))
		return (self(r, c, t, err));
	return (by_service(r, c, t, err));
}

/* --- a home --- */

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
		return (self(r, c, t, err));
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
	return (target_session(r->uplink, t, err));
}

bool
target_find(struct router *r, const struct call *c, struct target *t,
    struct rpc_error *err)
{
	memset(t, 0, offsetof(struct target, permit));
	permit_begin(&t->permit, r, c);
	if (r->conf.role == ROLE_MAIN)
		return (main_target(r, c, t, err));
	return (home_target(r, c, t, err));
}
