/* SPDX-License-Identifier: ISC */

/*
 * What policy says of a call; see permit.h.
 */

#include <string.h>

#include "common/name.h"
#include "relay-router/router.h"

/* --- who calls --- */

static void
by_main(struct permit *p, struct span id)
{
	p->ask.who = WHO_MAIN;
	p->ask.name = id;
}

static void
by_home(struct permit *p, struct span id, struct span main_id)
{
	p->ask.who = WHO_HOME;
	p->ask.name = id;
	p->ask.main = main_id;
}

static struct span
lower(struct permit *p, struct span id, char *buf, size_t size)
{
	if (!name_node_lower(id, buf, size)) {
		p->nobody = true;
		return (span_str(""));
	}
	return (span_str(buf));
}

/* hop_check() has seen that it speaks for itself or its own homes. */
static void
from_peer(struct permit *p, const struct session *s, const struct env_node *n)
{
	p->peer = span_str(s->node_id);
	if (n->kind == NODE_MAIN)
		by_main(p, p->peer);
	else
		by_home(p, lower(p, n->id, p->name, sizeof(p->name)),
		    p->peer);
}

/* A home takes its Main's word.  Who is not named is the Main itself. */
static void
from_uplink(struct permit *p, const struct session *s,
    const struct env_node *n)
{
	struct span	 main_id = { "", 0 };

	p->ask.self = span_str(s->node_id);
	if (n->id.len == 0) {
		by_main(p, p->ask.self);
		return;
	}
	(void)lower(p, n->id, p->name, sizeof(p->name));
	if (n->kind == NODE_MAIN || (n->kind == NODE_NONE &&
	    span_eq(span_str(p->name), p->ask.self))) {
		by_main(p, span_str(p->name));
		return;
	}
	if (n->main.len != 0)
		main_id = lower(p, n->main, p->main, sizeof(p->main));
	/* A seed's Main that has no name knows its homes by whatever it has. */
	if (p->ask.self.len == 0)
		p->ask.self = main_id;
	by_home(p, span_str(p->name), main_id);
}

static void
from_link(struct permit *p, const struct router *r, const struct call *c)
{
	static const struct env_node	 nobody;
	const struct env_node	*n = c->env != NULL ? &c->env->source :
				    &nobody;

	p->ask.self = span_str(r->conf.node_id);
	switch (c->from->kind) {
	case SESSION_HOME:
		by_home(p, span_str(c->from->node_id), span_str(""));
		break;
	case SESSION_PEER:
		from_peer(p, c->from, n);
		break;
	case SESSION_UPLINK:
		from_uplink(p, c->from, n);
		break;
	}
}

static void
from_http(struct permit *p, const struct router *r, const struct call *c)
{
	const struct http_call	*h = c->to.end->owner;

	if (r->conf.role == ROLE_MAIN)
		p->ask.self = span_str(r->conf.node_id);
	else if (r->uplink != NULL)
		p->ask.self = span_str(r->uplink->node_id);
	p->ask.who = h->caller[0] == '\0' ? WHO_ANONYMOUS : WHO_TOKEN;
	p->ask.name = span_str(h->caller);
}

/* --- what it calls --- */

static bool
is_one_of(struct span s, const char *const names[])
{
	for (; *names != NULL; names++)
		if (span_eq(s, span_str(*names)))
			return (true);
	return (false);
}

/* What every node may ask of every node. */
static bool
is_free(const struct permit *p)
{
	static const char *const	 methods[] = { "ping", "info",
					    "services", NULL };

	return ((p->ask.who == WHO_HOME || p->ask.who == WHO_MAIN) &&
	    span_eq(p->ask.service, span_str("relay")) && !p->inner &&
	    is_one_of(p->ask.method, methods));
}

/*
 * A message names its method twice, and who knows by which the callee goes:
 * both must be allowed.  One that cannot be read may be any.
 */
static void
take_inner(struct permit *p, const struct envelope *e)
{
	const struct json_span	*v = &e->request.method;
	int			 n;

	if (!e->request.present || v->type != JSON_STRING)
		return;
	if (!v->escaped) {
		p->inner_method = (struct span){ v->p + 1, v->len - 2 };
	} else {
		n = json_unescape(v, p->method, sizeof(p->method));
		p->inner_method = (struct span){ p->method,
		    n < 0 ? 0 : (size_t)n };
	}
	p->inner = !span_eq(p->inner_method, p->ask.method);
}

static bool
is_judged(const struct router *r, const struct call *c)
{
	if (policy_has(&r->conf.policy, POLICY_CALL) ||
	    policy_has(&r->conf.policy, POLICY_IMPORT))
		return (c->from != NULL || c->to.end->kind == END_HTTP);
	return (c->from != NULL && c->from->kind == SESSION_PEER &&
	    policy_has(&r->conf.policy, POLICY_EXPORT));
}

void
permit_begin(struct permit *p, const struct router *r, const struct call *c)
{
	p->policy = NULL;
	p->denied = false;
	p->rule = p->denial = NULL;
	if (!is_judged(r, c))
		return;
	p->policy = &r->conf.policy;
	p->nobody = p->inner = false;
	p->peer = span_str("");
	p->stage = permit_stage(c);
	memset(&p->ask, 0, sizeof(p->ask));
	p->ask.action = POLICY_CALL;
	p->ask.service = c->server;
	p->ask.method = c->method;
	if (c->from != NULL)
		from_link(p, r, c);
	else
		from_http(p, r, c);
	if (c->env != NULL)
		take_inner(p, c->env);
	p->relay = is_free(p);
}

enum stage
permit_stage(const struct call *c)
{
	if (c->from == NULL || c->from->kind == SESSION_HOME)
		return (STAGE_INGRESS);
	return (c->from->kind == SESSION_PEER ? STAGE_HOME_LINK :
	    STAGE_BACKEND);
}

/* --- the decision --- */

/* True if the Main that asks is told of such a service. */
static bool
may_export(struct permit *p, struct span service)
{
	struct policy_ask	 ask = {
		.action = POLICY_EXPORT, .who = WHO_MAIN, .name = p->peer,
		.service = service, .self = p->ask.self,
	};

	return (p->peer.len == 0 ||
	    policy_allows(p->policy, &ask, &p->rule));
}

/* True if what that Main's homes have is taken in here, named or not. */
static bool
may_import(struct permit *p, struct span main_id)
{
	struct policy_ask	 ask = {
		.action = POLICY_IMPORT, .who = WHO_MAIN, .name = main_id,
		.service = p->ask.service, .self = p->ask.self,
	};

	return (main_id.len == 0 || policy_allows(p->policy, &ask, &p->rule));
}

static bool
may_call(struct permit *p)
{
	struct policy_ask	 ask = p->ask;

	if (!policy_allows(p->policy, &ask, &p->rule))
		return (false);
	if (!p->inner)
		return (true);
	ask.method = p->inner_method;
	return (policy_allows(p->policy, &ask, &p->rule));
}

static void
aim(struct permit *p, enum policy_who who, struct span id, struct span main_id)
{
	p->ask.to_who = who;
	p->ask.to = id;
	p->ask.to_main = main_id;
}

bool
permit_node(struct permit *p, enum policy_who who, struct span id,
    struct span main_id)
{
	p->rule = NULL;
	if (p->policy == NULL || p->relay)
		return (true);
	aim(p, who, id, main_id);
	if (!p->nobody && may_export(p, p->ask.service) &&
	    may_import(p, main_id) && may_call(p))
		return (true);
	if (!p->denied)
		p->denial = p->rule;
	p->denied = true;
	return (false);
}

bool
permit_home(struct permit *p, struct span id, struct span main_id)
{
	if (p->policy == NULL)
		return (true);
	/* An id that is none leads nowhere. */
	if (!name_node_lower(id, p->to, sizeof(p->to)))
		p->to[0] = '\0';
	return (permit_node(p, WHO_HOME, span_str(p->to), main_id));
}

static struct span
main_of(const struct route_instance *i)
{
	return (span_str(i->node->via == NULL ? "" : i->node->via->id));
}

bool
permit_instance(void *arg, const struct route_instance *i)
{
	return (permit_node(arg, WHO_HOME, span_str(i->node->id),
	    main_of(i)));
}

/* The question of a service itself, whatever the call is of. */
static struct policy_ask
ask_of(struct permit *p, const struct route_instance *i)
{
	struct policy_ask	 ask;

	aim(p, WHO_HOME, span_str(i->node->id), main_of(i));
	ask = p->ask;
	ask.service = span_str(i->service.name);
	return (ask);
}

bool
permit_sees(struct permit *p, const struct route_instance *i)
{
	struct policy_ask	 ask;

	if (p->policy == NULL)
		return (true);
	ask = ask_of(p, i);
	return (!p->nobody && may_export(p, ask.service) &&
	    policy_may_see_service(p->policy, &ask, &i->service));
}

bool
permit_sees_method(struct permit *p, const struct route_instance *i,
    const char *method)
{
	struct policy_ask	 ask;

	if (p->policy == NULL)
		return (true);
	ask = ask_of(p, i);
	ask.method = span_str(method);
	return (policy_allows(p->policy, &ask, &p->rule));
}

bool
permit_refuse(const struct permit *p, struct rpc_error *err)
{
	return (rpc_refuse(err, RPC_E_FORBIDDEN, p->stage, NULL));
}

/* --- for people --- */

/* Appends what is printable; the rest may be anything. */
static void
append(char *buf, size_t size, struct span s)
{
	size_t	 i, at = strlen(buf);

	for (i = 0; i < s.len && at + 1 < size; i++)
		buf[at++] = s.p[i] > ' ' && s.p[i] < 0x7f ? s.p[i] : '?';
	buf[at] = '\0';
}

/* Who calls, as relay-ctl(8) writes it; for people. */
static void
caller_text(const struct permit *p, char *buf, size_t size)
{
	const struct policy_ask	*ask = &p->ask;

	buf[0] = '\0';
	if (ask->who == WHO_ANONYMOUS || ask->who == WHO_MAIN ||
	    ask->who == WHO_TOKEN)
		append(buf, size, span_str(policy_who_name(ask->who)));
	if (ask->who == WHO_MAIN || ask->who == WHO_TOKEN)
		append(buf, size, span_str(":"));
	append(buf, size, p->nobody ? span_str("?") : ask->name);
	if (ask->who == WHO_HOME && ask->main.len != 0) {
		append(buf, size, span_str("@"));
		append(buf, size, ask->main);
	}
}

/* What is called, likewise. */
static void
target_text(const struct call *c, char *buf, size_t size)
{
	buf[0] = '\0';
	append(buf, size, c->target.id);
	if (c->target.main.len != 0) {
		append(buf, size, span_str("@"));
		append(buf, size, c->target.main);
	}
	if (c->target.id.len != 0)
		append(buf, size, span_str("/"));
	append(buf, size, c->server);
}

#define RATE_MS	1000	/* of LIMIT_AUDIT_RATE */

void
permit_tell(struct router *r, const struct call *c, const struct permit *p)
{
	char		 text[LIMIT_AUDIT_TEXT + 1];
	struct wire_put	*w;

	r->stats.denied++;
	if (c->now_ms - r->denied.since_ms >= RATE_MS) {
		r->denied.since_ms = c->now_ms;
		r->denied.n = 0;
	}
	if (r->registry == NULL || r->denied.n >= LIMIT_AUDIT_RATE ||
	    channel_congested(r->registry)) {
		r->denied.more++;
		return;
	}
	r->denied.n++;
	w = channel_begin(r->registry, MSG_POLICY_DENIED);
	put_u32(w, r->denied.more);
	caller_text(p, text, sizeof(text));
	put_str(w, text);
	target_text(c, text, sizeof(text));
	put_str(w, text);
	text[0] = '\0';
	append(text, sizeof(text), c->method);
	if (p->inner) {
		append(text, sizeof(text), span_str(","));
		append(text, sizeof(text), p->inner_method);
	}
	put_str(w, text);
	policy_where(p->denial, text, sizeof(text));
	put_str(w, text);
	(void)channel_commit(r->registry);
	r->denied.more = 0;
}

void
permit_due(struct router *r, int64_t now_ms)
{
	struct wire_put	*w;
	int		 i;

	if (r->denied.more == 0 || r->registry == NULL ||
	    now_ms - r->denied.since_ms < RATE_MS)
		return;
	w = channel_begin(r->registry, MSG_POLICY_DENIED);
	put_u32(w, r->denied.more);
	for (i = 0; i < 4; i++)
		put_str(w, "");
	if (channel_commit(r->registry) == 0)
		r->denied.more = 0;
}
