/* SPDX-License-Identifier: ISC */

/*
 * What would become of a call, and by which rule: relay-ctl explain.  The call
 * is made up as it would come in, and decided by target_find() as any other;
 * nothing is sent, counted or taken by that.
 */

#include <stdlib.h>
#include <string.h>

#include "common/ctl.h"
#include "common/limits.h"
#include "common/log.h"
#include "common/name.h"
#include "relay-router/router.h"

#define WHERE_SIZE	2048	/* bytes of a rule and its file */

/* A call that nobody makes. */
struct made_up {
	struct call		 call;
	struct target		 target;
	struct rpc_error	 err;
	struct session		 session;	/* it would come over, */
	struct envelope		 env;		/* in this */
	char			 name[LIMIT_NODE_ID + 1];
	char			 main[LIMIT_NODE_ID + 1];
	struct http_call	 http;		/* or so */
};

/* --- who calls --- */

static bool
take_prefix(struct span *s, const char *prefix)
{
	size_t	 len = strlen(prefix);

	if (s->len < len || memcmp(s->p, prefix, len) != 0)
		return (false);
	s->p += len;
	s->len -= len;
	return (true);
}

static bool
by_http(struct made_up *m, struct span token)
{
	if (!span_copy(token, m->http.caller, sizeof(m->http.caller)) ||
	    (token.len != 0 && (!policy_pattern(m->http.caller, WHO_TOKEN) ||
	    strchr(m->http.caller, '*') != NULL)))
		return (false);
	pending_end_init(&m->http.end, END_HTTP, &m->http, 0, 0);
	m->call.to.end = &m->http.end;
	return (true);
}

static void
over_link(struct made_up *m, enum session_kind kind, char *node_id)
{
	m->session.kind = kind;
	m->session.node_id = node_id;
	pending_end_init(&m->session.end, END_SESSION, &m->session, 0, 0);
	m->call.to.end = &m->session.end;
	m->call.from = &m->session;
	m->call.env = &m->env;
}

/* A home hears of all callers over its uplink. */
static void
at_home(struct router *r, struct made_up *m)
{
	static char	 nobody[1];

	over_link(m, SESSION_UPLINK, r->uplink != NULL ?
	    r->uplink->node_id : nobody);
}

static bool
by_main(struct router *r, struct made_up *m, struct span id)
{
	if (!name_node_lower(id, m->name, sizeof(m->name)) ||
	    strcmp(m->name, r->conf.node_id) == 0)
		return (false);
	m->env.source.kind = NODE_MAIN;
	m->env.source.id = span_str(m->name);
	if (r->conf.role == ROLE_HOME)
		at_home(r, m);
	else
		over_link(m, SESSION_PEER, m->name);
	return (true);
}

static bool
by_home(struct router *r, struct made_up *m, struct span id)
{
	const char	*at = id.len == 0 ? NULL : memchr(id.p, '@', id.len);
	struct span	 main_id = { "", 0 };

	if (at != NULL) {
		main_id.p = at + 1;
		main_id.len = id.len - (size_t)(main_id.p - id.p);
		id.len = (size_t)(at - id.p);
	}
	if (!name_node_lower(id, m->name, sizeof(m->name)) || (at != NULL &&
	    !name_node_lower(main_id, m->main, sizeof(m->main))))
		return (false);
	m->env.source.kind = NODE_HOME;
	m->env.source.id = span_str(m->name);
	m->env.source.main = span_str(m->main);
	if (r->conf.role == ROLE_HOME)
		at_home(r, m);
	else if (at == NULL || strcmp(m->main, r->conf.node_id) == 0)
		over_link(m, SESSION_HOME, m->name);
	else
		over_link(m, SESSION_PEER, m->main);
	return (true);
}

static bool
take_caller(struct router *r, struct made_up *m, struct span caller)
{
	if (span_eq(caller, span_str("anonymous")))
		return (by_http(m, span_str("")));
	if (take_prefix(&caller, "token:"))
		return (caller.len != 0 && by_http(m, caller));
	if (take_prefix(&caller, "main:"))
		return (by_main(r, m, caller));
	(void)take_prefix(&caller, "home:");
	return (by_home(r, m, caller));
}

/* --- the answer --- */

static const char *
stage_name(enum stage stage)
{
	static const char *const	 names[] = {
		[STAGE_INGRESS] = "ingress",
		[STAGE_QUEUE] = "queue",
		[STAGE_PEER_LINK] = "peer-link",
		[STAGE_HOME_LINK] = "home-link",
		[STAGE_BACKEND] = "backend",
	};

	return (names[stage]);
}

struct answer {
	struct channel	*ch;
	uint64_t	 request;
	struct router	*r;
	struct made_up	*m;
	const struct route_instance *chosen;
	struct permit	 permit;	/* to ask of each candidate */
};

/* The rule that decided; none did if it is for want of a callee. */
static void
put_where(struct answer *a, bool found, char *buf, size_t size)
{
	struct permit	*p = &a->m->target.permit;

	if (!found && a->m->err.code != RPC_E_FORBIDDEN) {
		(void)span_copy(span_str("none"), buf, size);
		return;
	}
	/* More may have been asked than the one that was chosen. */
	if (a->chosen != NULL)
		(void)permit_instance(p, a->chosen);
	policy_where(found ? p->rule : p->denial, buf, size);
}

/* Where it ends: for what came over a link not at the ingress. */
static enum stage
stage_of(const struct made_up *m, bool found)
{
	if (found || m->err.stage != STAGE_INGRESS)
		return (found ? permit_stage(&m->call) : m->err.stage);
	return (m->session.kind == SESSION_PEER ? STAGE_PEER_LINK :
	    STAGE_INGRESS);
}

static void
put_decision(struct answer *a, bool found, struct span caller,
    struct span target)
{
	const struct made_up	*m = a->m;
	char			 text[WHERE_SIZE];
	struct ctl_row		 row;

	ctl_row_begin(&row, a->ch, a->request, "decision");
	(void)span_copy(caller, text, sizeof(text));
	ctl_text(&row, "caller", text);
	(void)span_copy(target, text, sizeof(text));
	ctl_text(&row, "target", text);
	(void)span_copy(m->call.method, text, sizeof(text));
	ctl_text(&row, "method", text);
	ctl_text(&row, "result", found ? "allowed" :
	    rpc_error_reason(m->err.code));
	put_where(a, found, text, sizeof(text));
	ctl_text(&row, "rule", text);
	ctl_text(&row, "stage", stage_name(stage_of(m, found)));
	ctl_row_end(&row);
}

static void
put_verdict(struct answer *a, const struct route_query *q,
    const struct route_instance *i, char *buf, size_t size)
{
	static const char *const	 names[] = {
		[ROUTE_OK] = "allowed",
		[ROUTE_NO_SERVICE] = "not for such calls",
		[ROUTE_NO_VERSION] = "another version",
		[ROUTE_NO_METHOD] = "no such method",
		[ROUTE_UNREACHABLE] = "no link",
		[ROUTE_UNHEALTHY] = "not healthy",
		[ROUTE_OVERLOADED] = "too many calls",
	};
	enum route_result		 verdict = route_verdict(q, i);

	if (verdict == ROUTE_NO_SERVICE ||
	    permit_instance(&a->permit, i)) {
		(void)span_copy(span_str(i == a->chosen ? "chosen" :
		    names[verdict]), buf, size);
		return;
	}
	memcpy(buf, "denied by ", 11);
	policy_where(a->permit.rule, buf + 10, size - 10);
}

static void
put_candidate(struct answer *a, const struct route_query *q,
    const struct route_instance *i)
{
	const struct router	*r = a->r;
	char			 text[WHERE_SIZE];
	struct ctl_row		 row;

	ctl_row_begin(&row, a->ch, a->request, "candidates");
	ctl_text(&row, "node_id", i->node->id);
	ctl_text(&row, "main_id", i->node->via != NULL ? i->node->via->id :
	    r->conf.role == ROLE_MAIN ? r->conf.node_id : "");
	ctl_text(&row, "service_name", i->service.name);
	ctl_text(&row, "version", i->service.version);
	ctl_bool(&row, "healthy", i->service.healthy);
	ctl_number(&row, "in_flight", i->in_flight);
	put_verdict(a, q, i, text, sizeof(text));
	ctl_text(&row, "verdict", text);
	ctl_row_end(&row);
}

/* True if the call could mean that node. */
static bool
is_meant(const struct call *c, const struct route_node *n)
{
	char	 id[LIMIT_NODE_ID + 1];

	return (c->target.id.len == 0 || (name_node_lower(c->target.id, id,
	    sizeof(id)) && strcmp(id, n->id) == 0));
}

#define CANDIDATES_MAX	1000	/* rows: the answer is for people */

static void
put_candidates(struct answer *a)
{
	struct router			*r = a->r;
	const struct call		*c = &a->m->call;
	const struct route_instance	*i;
	struct route_service		*s;
	struct route_query		 q;
	uint32_t			 n = 0;

	s = route_service_named(&r->routes, c->server);
	if (s == NULL)
		return;
	q = target_query(c, NULL, &a->m->target);
	TAILQ_FOREACH(i, &s->instances, by_service)
		if (is_meant(c, i->node) && n++ < CANDIDATES_MAX)
			put_candidate(a, &q, i);
}

static void
explain(struct router *r, struct channel *ch, uint64_t request,
    struct made_up *m, struct span caller, struct span target)
{
	struct answer	 a = { .ch = ch, .request = request, .r = r, .m = m };
	bool		 found = target_find(r, &m->call, &m->target, &m->err);

	permit_begin(&a.permit, r, &m->call);
	if (found)
		a.chosen = m->target.instance;
	put_decision(&a, found, caller, target);
	put_candidates(&a);
	ctl_end(ch, request, CTL_OK, "");
}

void
on_ctl_explain(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router	*r = arg;
	struct made_up	*m;
	struct span	 caller, target, method;
	uint64_t	 request;

	(void)fd;
	request = get_u64(msg);
	caller = get_span(msg, LIMIT_CTL_CALLER);
	target = get_span(msg, LIMIT_CTL_TARGET);
	method = get_span(msg, LIMIT_METHOD_NAME);
	if (!get_done(msg))
		return;
	if ((m = calloc(1, sizeof(*m))) == NULL)
		fatal("out of memory");
	m->call.method = method;
	m->call.version = span_str("");
	m->call.now_ms = router_now();
	if (!take_caller(r, m, caller))
		ctl_end(ch, request, CTL_REFUSED, "caller: a home, "
		    "main:NODE, token:NAME or anonymous");
	else if (!control_target(&m->call, target))
		ctl_end(ch, request, CTL_REFUSED, "target");
	else if (method.len == 0)
		ctl_end(ch, request, CTL_REFUSED, "method");
	else
		explain(r, ch, request, m, caller, target);
	free(m);
}
