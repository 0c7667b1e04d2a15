/* SPDX-License-Identifier: ISC */

/*
 * What relay-ctl asks of the router: calls, and the state of its tables.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/name.h"
#include "relay-router/router.h"

void
control_done(struct router *r, struct ctl_call *cc)
{
	if (cc->end.n_made != 0)
		return;
	TAILQ_REMOVE(&r->ctl_calls, cc, list);
	free(cc);
}

void
control_answer(struct router *r, const struct reply_to *to, bool ok,
    struct span json)
{
	const struct ctl_call	*cc = to->end->owner;
	struct channel		*ch = child_parent(r->child);
	struct wire_put		*w;

	w = channel_begin(ch, MSG_CTL_RESULT);
	put_u64(w, cc->request);
	put_bool(w, ok);
	put_bytes(w, json.p, json.len);
	(void)channel_commit(ch);
}

bool
control_target(struct call *c, struct span target)
{
	const char	*slash, *at;
	struct span	 node = { "", 0 };

	c->server = target;
	slash = target.len == 0 ? NULL : memchr(target.p, '/', target.len);
	if (slash != NULL) {
		node.p = target.p;
		node.len = (size_t)(slash - target.p);
		c->server.p = slash + 1;
		c->server.len = target.len - node.len - 1;
	}
	at = node.len == 0 ? NULL : memchr(node.p, '@', node.len);
	c->target.id = node;
	if (at != NULL) {
		c->target.kind = NODE_HOME;
		c->target.id.len = (size_t)(at - node.p);
		c->target.main.p = at + 1;
		c->target.main.len = node.len - c->target.id.len - 1;
	}
	return (c->server.len == 0 || name_service(c->server));
}

static bool
args_ok(struct span args)
{
	struct json_scan	 s;

	if (args.len == 0)
		return (true);
	if (!json_valid(args.p, args.len))
		return (false);
	json_scan_init(&s, args.p, args.len);
	return (json_peek(&s) == JSON_OBJECT || json_peek(&s) == JSON_ARRAY);
}

static void
place(struct router *r, struct call *c, struct span target)
{
	struct rpc_error	 err;
	bool			 ok = false;

	if (!control_target(c, target) || c->method.len == 0)
		err = rpc_error(RPC_E_INVALID_PARAMS, STAGE_INGRESS,
		    "target or method");
	else if (!args_ok(c->params))
		err = rpc_error(RPC_E_INVALID_PARAMS, STAGE_INGRESS,
		    "args is neither an object nor an array");
	else
		ok = call_place(r, c, &err);
	if (!ok)
		reply_error(r, &c->to, &err);
}

void
on_ctl_call(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router	*r = arg;
	struct ctl_call	*cc;
	struct call	 c;
	struct span	 target;
	uint64_t	 request;
	char		 id[24];

	(void)ch;
	(void)fd;
	memset(&c, 0, sizeof(c));
	request = get_u64(msg);
	target = get_span(msg, LIMIT_CTL_TARGET);
	c.method = get_span(msg, LIMIT_METHOD_NAME);
	c.timeout_ms = get_u32(msg);
	c.params = get_bytes(msg);
	if (!get_done(msg))
		return;
	if ((cc = calloc(1, sizeof(*cc))) == NULL)
		fatal("out of memory");
	cc->request = request;
	pending_end_init(&cc->end, END_CTL, cc, 1, 0);
	TAILQ_INSERT_TAIL(&r->ctl_calls, cc, list);
	message_fresh_id(r, id);
	c.to.end = &cc->end;
	c.to.message_id = span_str(id);
	c.to.rpc_id = span_str("1");
	c.deadline_ms = -1;
	c.now_ms = router_now();
	c.version = span_str("");
	place(r, &c, target);
	control_done(r, cc);
}

/* --- show --- */

static void
show_summary(struct router *r, struct channel *ch, uint64_t request)
{
	const struct router_stats	*s = &r->stats;
	struct ctl_row			 row;

	ctl_row_begin(&row, ch, request, "router");
	ctl_bool(&row, "draining", r->draining);
	ctl_number(&row, "sessions", r->n_up);
	ctl_number(&row, "services", r->routes.n_instances);
	ctl_number(&row, "pending_calls", r->pending.n);
	ctl_number(&row, "requests", (int64_t)s->requests);
	ctl_number(&row, "notifications", (int64_t)s->notifications);
	ctl_number(&row, "responses", (int64_t)s->responses);
	ctl_number(&row, "errors", (int64_t)s->errors);
	ctl_number(&row, "timeouts", (int64_t)s->timeouts);
	ctl_number(&row, "late_responses", (int64_t)s->late);
	ctl_number(&row, "stale_messages", (int64_t)s->stale);
	ctl_number(&row, "malformed_messages", (int64_t)s->malformed);
	ctl_number(&row, "http_requests", (int64_t)s->http);
	ctl_number(&row, "foreign_messages", (int64_t)s->foreign);
	ctl_number(&row, "misses_asked", (int64_t)s->misses);
	ctl_number(&row, "unanswered_queries", (int64_t)s->unanswered);
	ctl_number(&row, "denied_calls", (int64_t)s->denied);
	ctl_number(&row, "unknown_tokens", (int64_t)s->strangers);
	ctl_row_end(&row);
}

static const char *
kind_name(const struct router *r, const struct session *s)
{
	switch (s->kind) {
	case SESSION_HOME:
		return ("home");
	case SESSION_PEER:
		return ("peer");
	default:
		return (s == r->uplink ? "uplink" :
		    s->retired ? "retired" : "candidate");
	}
}

static void
show_sessions(struct router *r, struct channel *ch, uint64_t request)
{
	int64_t		 now = router_now();
	struct session	*s;
	struct ctl_row	 row;

	TAILQ_FOREACH(s, &r->session_list, list) {
		if (!s->up)
			continue;
		ctl_row_begin(&row, ch, request, "sessions");
		ctl_number(&row, "session", (int64_t)s->id);
		ctl_text(&row, "kind", kind_name(r, s));
		ctl_text(&row, "node_id", s->node_id);
		ctl_text(&row, "address", s->address);
		ctl_number(&row, "age_ms", now - s->opened_ms);
		ctl_number(&row, "idle_ms", now - s->seen_ms);
		ctl_number(&row, "messages_in", (int64_t)s->msgs_in);
		ctl_number(&row, "messages_out", (int64_t)s->msgs_out);
		ctl_number(&row, "calls_made", s->end.n_made);
		ctl_number(&row, "calls_served", s->end.n_serves);
		ctl_bool(&row, "queue_full", s->full);
		ctl_row_end(&row);
	}
}

static const char *
end_name(const struct pending_end *end)
{
	const struct session	*s = end->owner;

	switch (end->kind) {
	case END_SESSION:
		return (s->node_id);
	case END_HTTP:
		return ("http");
	case END_CTL:
		return ("relay-ctl");
	case END_QUERY:
		return ("peers");
	default:
		return ("backend");
	}
}

#define SHOW_PENDING_MAX	1000	/* rows: the answer is for people */

static void
show_pending(struct router *r, struct channel *ch, uint64_t request)
{
	int64_t			 now = router_now();
	const struct pending	*p;
	struct ctl_row		 row;
	uint32_t		 i;

	for (i = 0; i < r->pending.n && i < SHOW_PENDING_MAX; i++) {
		p = r->pending.heap[i];
		ctl_row_begin(&row, ch, request, "pending");
		ctl_number(&row, "call", (int64_t)p->id);
		ctl_text(&row, "caller", end_name(p->caller));
		ctl_text(&row, "callee", end_name(p->callee));
		ctl_number(&row, "age_ms", now - p->start_ms);
		ctl_number(&row, "time_left_ms", p->deadline_ms - now);
		ctl_row_end(&row);
	}
}

#define SHOW_ROUTES_MAX		10000	/* rows: as above */

/* A walk over all instances. */
struct route_rows {
	struct router	*r;
	struct channel	*ch;
	uint64_t	 request;
	uint32_t	 n;
};

static void
show_route(struct route_rows *rows, const struct route_instance *i)
{
	const struct route_node	*n = i->node;
	struct ctl_row		 row;

	ctl_row_begin(&row, rows->ch, rows->request, "routes");
	ctl_text(&row, "service_name", i->service.name);
	ctl_text(&row, "version", i->service.version);
	ctl_text(&row, "node_id", n->id);
	ctl_text(&row, "main_id", n->via != NULL ? n->via->id :
	    rows->r->conf.role == ROLE_MAIN ? rows->r->conf.node_id : "");
	ctl_text(&row, "scope", n->via != NULL ? "federated" : "local");
	ctl_bool(&row, "healthy", i->service.healthy);
	ctl_number(&row, "weight", i->service.weight);
	ctl_number(&row, "in_flight", i->in_flight);
	ctl_text(&row, "state",
	    route_node_link(n) != NULL ? "linked" : "stale");
	ctl_row_end(&row);
}

static void
show_service(void *arg, struct map_entry *e)
{
	const struct route_service	*s = (struct route_service *)e;
	const struct route_instance	*i;
	struct route_rows		*rows = arg;

	TAILQ_FOREACH(i, &s->instances, by_service)
		if (rows->n++ < SHOW_ROUTES_MAX)
			show_route(rows, i);
}

static void
show_routes(struct router *r, struct channel *ch, uint64_t request)
{
	struct route_rows	 rows = { r, ch, request, 0 };

	map_each(&r->routes.services, show_service, &rows);
}

void
control_show(void *arg, struct channel *ch, uint64_t request,
    enum ctl_show what)
{
	struct router	*r = arg;

	switch (what) {
	case CTL_SHOW_SUMMARY:
		show_summary(r, ch, request);
		break;
	case CTL_SHOW_SESSIONS:
		show_sessions(r, ch, request);
		break;
	case CTL_SHOW_PENDING:
		show_pending(r, ch, request);
		break;
	case CTL_SHOW_ROUTES:
		show_routes(r, ch, request);
		break;
	default:
		break;
	}
}
