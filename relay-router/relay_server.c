/* SPDX-License-Identifier: ISC */

/*
 * The built-in server `relay`: this node as a destination of calls, with the
 * methods ping, info and services (PROTOCOL.md section 6).
 */

#include <string.h>

#include "relay-router/router.h"

static void
put_ping(struct router *r, struct text *t)
{
	char	 now[32];

	wallclock_rfc3339(now, sizeof(now));
	text_lit(t, "{\"pong\":true,\"node_id\":");
	text_cstring(t, r->conf.node_id);
	text_lit(t, ",\"time\":");
	text_cstring(t, now);
	text_lit(t, "}");
}

static void
put_info(struct router *r, struct text *t)
{
	text_lit(t, "{\"node_id\":");
	text_cstring(t, r->conf.node_id);
	text_lit(t, ",\"node_type\":");
	text_cstring(t, role_name(r->conf.role));
	text_lit(t, ",\"version\":");
	text_cstring(t, PACKAGE_VERSION);
	text_lit(t, ",\"status\":");
	text_cstring(t, r->draining ? "draining" : "ok");
	text_lit(t, ",\"uptime_seconds\":");
	text_int(t, (router_now() - r->started.ms) / 1000);
	text_lit(t, ",\"links\":");
	text_int(t, r->n_up);
	text_lit(t, ",\"services\":");
	text_int(t, r->routes.n_instances);
	text_lit(t, ",\"pending_calls\":");
	text_int(t, r->pending.n);
	text_lit(t, "}");
}

/* A walk over all instances that writes those of one name, or all. */
struct listing {
	struct router	*r;
	struct text	*t;
	struct span	 server;
	enum visibility	 least;
	bool		 own_only;
	uint32_t	 n;
	struct permit	 permit;	/* of who asks */
};

/* A home of this Main or of another, or this home. */
static void
put_address(struct listing *l, const struct route_node *n)
{
	const struct session	*home = n->link;

	if (l->r->conf.role != ROLE_MAIN) {
		text_lit(l->t, l->r->self_json);
	} else if (n->via == NULL) {
		text_put(l->t, home->json, home->json_len);
	} else {
		text_lit(l->t, "{\"type\":\"home\",\"id\":");
		text_cstring(l->t, n->id);
		text_lit(l->t, ",\"main_relay\":");
		text_cstring(l->t, n->via->id);
		text_lit(l->t, "}");
	}
}

/* Those that may be called. */
static void
put_methods(struct listing *l, const struct route_instance *i)
{
	const struct service	*s = &i->service;
	uint16_t		 k, n = 0;

	for (k = 0; k < s->n_methods; k++) {
		if (!permit_sees_method(&l->permit, i, s->methods[k].name))
			continue;
		text_lit(l->t, n++ == 0 ? "" : ",");
		text_cstring(l->t, s->methods[k].name);
	}
}

static void
put_instance(struct listing *l, const struct route_instance *i)
{
	const struct service	*s = &i->service;

	text_lit(l->t, l->n++ == 0 ? "" : ",");
	text_lit(l->t, "{\"service_name\":");
	text_cstring(l->t, s->name);
	text_lit(l->t, ",\"version\":");
	text_cstring(l->t, s->version);
	text_lit(l->t, ",\"node_address\":");
	put_address(l, i->node);
	text_lit(l->t, ",\"methods\":[");
	put_methods(l, i);
	text_lit(l->t, "],\"is_healthy\":");
	text_lit(l->t, s->healthy ? "true" : "false");
	text_lit(l->t, ",\"scope\":\"");
	text_lit(l->t, i->node->via == NULL ? "local" : "federated");
	text_lit(l->t, "\"}");
}

static bool
is_listed(struct listing *l, const struct route_instance *i)
{
	return (i->service.visibility >= l->least &&
	    route_node_link(i->node) != NULL &&
	    (!l->own_only || i->node->via == NULL) &&
	    l->t->len < l->r->conf.max_message / 2 &&
	    permit_sees(&l->permit, i));
}

static void
list_service(void *arg, struct map_entry *e)
{
	struct route_service	*s = (struct route_service *)e;
	struct listing		*l = arg;
	struct route_instance	*i;

	if (l->server.len != 0 && !span_eq(span_str(s->name), l->server))
		return;
	TAILQ_FOREACH(i, &s->instances, by_service)
		if (is_listed(l, i))
			put_instance(l, i);
}

/* What is private is never listed, the rest for those who may call it. */
static void
put_services(struct router *r, struct text *t, const struct call *c,
    struct span server)
{
	struct listing	 l = { .r = r, .t = t, .server = server };

	l.least = target_least(c);
	if (l.least < VISIBILITY_MAIN)
		l.least = VISIBILITY_MAIN;
	l.own_only = c->from != NULL && c->from->kind == SESSION_PEER;
	permit_begin(&l.permit, r, c);
	text_lit(t, "\"services\":[");
	map_each(&r->routes.services, list_service, &l);
	text_lit(t, "],\"count\":");
	text_int(t, l.n);
	text_lit(t, "}");
}

static bool
is_method(const struct call *c, const char *name)
{
	return (span_eq(c->method, span_str(name)));
}

bool
relay_server_call(struct router *r, const struct call *c,
    struct rpc_error *err)
{
	struct text	 t = { 0 };

	if (is_method(c, "ping")) {
		put_ping(r, &t);
	} else if (is_method(c, "info")) {
		put_info(r, &t);
	} else if (is_method(c, "services")) {
		text_lit(&t, "{\"node_id\":");
		text_cstring(&t, r->conf.node_id);
		text_lit(&t, ",");
		put_services(r, &t, c, span_str(""));
	} else {
		*err = rpc_error(RPC_E_METHOD_NOT_FOUND, STAGE_INGRESS, NULL);
		return (false);
	}
	reply_json(r, &c->to, true, text_get(&t));
	text_free(&t);
	return (true);
}

void
relay_server_discovery(struct router *r, struct session *s,
    const struct envelope *e)
{
	struct rpc_error	 err;
	struct json_span	 op;
	struct text		 t = { 0 };
	struct call		 c;

	if (env_has(e, ENV_DATA) && json_member(&e->val[ENV_DATA], "op", &op) &&
	    (op.len != 7 || memcmp(op.p, "\"query\"", 7) != 0)) {
		err = rpc_error(RPC_E_INVALID_REQUEST, STAGE_INGRESS,
		    "only op query is answered here");
		message_error(r, s, e->message_id, &err);
		return;
	}
	text_lit(&t, "{\"op\":\"answer\",");
	memset(&c, 0, sizeof(c));
	c.env = e;
	c.from = s;
	put_services(r, &t, &c, e->server_name);
	message_begin(r, "service_discovery", e->message_id);
	message_add(r, ENV_DATA, text_get(&t));
	(void)message_send(r, s);
	text_free(&t);
}
