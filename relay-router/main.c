/* SPDX-License-Identifier: ISC */

/*
 * relay-router: decides where messages go.  It touches neither network nor
 * files; all it knows comes over its channels.
 */

#include <sys/random.h>

#include "common/log.h"
#include "relay-router/peer_link.h"
#include "relay-router/query.h"
#include "relay-router/router.h"

static struct router	 router;

int64_t
router_now(void)
{
	return (monotime_now().ms);
}

static void
arm(struct event *ev, int64_t ms)
{
	struct timeval	 tv;

	if (ms < 0)
		ms = 0;
	tv.tv_sec = ms / 1000;
	tv.tv_usec = (ms % 1000) * 1000;
	(void)evtimer_add(ev, &tv);
}

void
router_arm(struct router *r)
{
	int64_t	 next = pending_next_ms(&r->pending);

	if (next == -1 || (r->armed_ms != -1 && r->armed_ms <= next))
		return;
	r->armed_ms = next;
	arm(r->timer, next - router_now());
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct router	*r = arg;

	(void)fd;
	(void)what;
	r->armed_ms = -1;
	call_expire(r, router_now());
	router_arm(r);
	router_drained(r);
}

void
router_hold_back(struct router *r)
{
	if (r->frontend == NULL || r->paused ||
	    !channel_congested(r->frontend))
		return;
	r->paused = true;
	channel_pause(r->frontend);
	if (r->backend != NULL)
		channel_pause(r->backend);
}

/* Reads again what was held back. */
static void
go_on(struct router *r)
{
	r->paused = false;
	if (r->frontend != NULL)
		channel_resume(r->frontend);
	if (r->backend != NULL)
		channel_resume(r->backend);
}

#define BEAT_MS	1000	/* how often what is due is looked for */

static void
on_beat(evutil_socket_t fd, short what, void *arg)
{
	struct router	*r = arg;

	(void)fd;
	(void)what;
	heartbeat_due(r, router_now());
	register_due(r, router_now());
	uplink_due(r, router_now());
	verdict_tell_refused(r);
	permit_due(r, router_now());
	arm(r->beat, BEAT_MS);
}

void
router_start(struct router *r)
{
	arm(r->beat, BEAT_MS);
}

/* --- draining --- */

static void
tell_drained(struct router *r)
{
	struct wire_put	*w;

	r->drain_told = true;
	w = channel_begin(child_parent(r->child), MSG_DRAINED);
	put_u32(w, r->pending.n);
	(void)channel_commit(child_parent(r->child));
}

void
router_drained(struct router *r)
{
	if (r->draining && !r->drain_told && r->pending.n == 0)
		tell_drained(r);
}

static void
on_drain_end(evutil_socket_t fd, short what, void *arg)
{
	struct router	*r = arg;

	(void)fd;
	(void)what;
	if (!r->drain_told)
		tell_drained(r);
}

static void
on_drain(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router	*r = arg;
	uint32_t	 grace_ms = get_u32(msg);

	(void)ch;
	(void)fd;
	if (!get_done(msg))
		return;
	r->draining = true;
	r->drain_told = false;
	arm(r->drain, grace_ms);
	router_drained(r);
}

/* --- the processes at the other ends --- */

static void
process_up(void *arg, enum proc_id proc, struct channel *ch)
{
	struct router	*r = arg;

	switch (proc) {
	case PROC_FRONTEND:
		r->frontend = ch;
		r->paused = false;
		break;
	case PROC_REGISTRY:
		r->registry = ch;
		registry_up(r);
		peer_registry_drained(r);
		break;
	case PROC_BACKEND:
		r->backend = ch;
		if (r->paused)
			channel_pause(ch);
		break;
	default:
		log_warn("a channel to %s is of no use", proc_name(proc));
		break;
	}
}

static void
process_down(void *arg, enum proc_id proc)
{
	struct router	*r = arg;

	switch (proc) {
	case PROC_FRONTEND:
		r->frontend = NULL;
		go_on(r);
		session_end_all(r, "front-end gone");
		http_end_all(r);
		break;
	case PROC_REGISTRY:
		r->registry = NULL;
		verdict_deny_waiting(r);
		view_fail(r);
		caller_fail(r);
		peer_ask_fail(r);
		query_end_all(r);
		break;
	case PROC_BACKEND:
		r->backend = NULL;
		call_end_gone(r, &r->backend_end, STAGE_BACKEND);
		break;
	default:
		break;
	}
}

static void
process_drained(void *arg, enum proc_id proc)
{
	struct router	*r = arg;

	if (proc == PROC_REGISTRY && r->registry != NULL) {
		heartbeat_tell_health(r);
		peer_registry_drained(r);
	}
	if (proc != PROC_FRONTEND || r->frontend == NULL)
		return;
	peer_frontend_drained(r);
	http_go_on(r);
	view_ask(r);
	if (r->paused)
		go_on(r);
}

static void
init(void *arg, struct child *child)
{
	struct router		*r = arg;
	struct event_base	*base = child_base(child);

	r->child = child;
	r->started = monotime_now();
	r->armed_ms = -1;
	if (getrandom(r->key, sizeof(r->key), 0) != (ssize_t)sizeof(r->key))
		fatal("no random bytes");
	id64_init(&r->ids);
	/* Two routers that start together must not give out the same. */
	r->id_tag = (uint32_t)siphash13(r->key, "id", 2) & 0xffffff;
	TAILQ_INIT(&r->session_list);
	TAILQ_INIT(&r->ctl_calls);
	TAILQ_INIT(&r->peer_asks);
	TAILQ_INIT(&r->ended);
	view_init(r);
	pending_init(&r->pending, r->key, LIMIT_PENDING_TOTAL);
	pending_end_init(&r->backend_end, END_BACKEND, r, 0,
	    LIMIT_PENDING_TOTAL);
	route_init(&r->routes, r->key);
	r->timer = evtimer_new(base, on_timer, r);
	r->beat = evtimer_new(base, on_beat, r);
	r->drain = evtimer_new(base, on_drain_end, r);
	if (r->timer == NULL || r->beat == NULL || r->drain == NULL)
		fatal("no timers");
	query_init(r);
	caller_init(r);
}

static const channel_handler	 handlers[MSG_MAX] = {
	[MSG_CONF_NODE] = on_conf_node,
	[MSG_CONF_SERVICE] = on_conf_service,
	[MSG_CONF_RULE] = on_conf_rule,
	[MSG_DRAIN] = on_drain,
	[MSG_LINK_AUTH] = on_link_auth,
	[MSG_LINK_DIALED] = on_link_dialed,
	[MSG_LINK_CHALLENGED] = on_link_challenged,
	[MSG_LINK_TEXT] = on_link_text,
	[MSG_LINK_QUEUE] = on_link_queue,
	[MSG_LINK_DOWN] = on_link_down,
	[MSG_HTTP_REQUEST] = on_http_request,
	[MSG_HTTP_CANCEL] = on_http_cancel,
	[MSG_PROOF_ANSWER] = on_proof_answer,
	[MSG_CALLER_ANSWER] = on_caller_answer,
	[MSG_SESSION_ACCEPT] = on_session_accept,
	[MSG_SESSION_DENY] = on_session_deny,
	[MSG_SESSION_END] = on_session_end,
	[MSG_REGISTERED] = on_registered,
	[MSG_ROUTE_SET] = on_route_set,
	[MSG_ROUTE_DELETE] = on_route_delete,
	[MSG_NODE_STATE] = on_node_state,
	[MSG_VIEW_REPLY] = on_view_reply,
	[MSG_PEER_ROWS] = on_peer_rows,
	[MSG_PEER_DIGEST] = on_peer_digest,
	[MSG_PEER_RESYNC] = on_peer_resync,
	[MSG_PEER_ANSWER] = on_peer_answer,
	[MSG_PEER_BARRIER] = on_peer_barrier,
	[MSG_PEER_ROUTE_SET] = on_peer_route_set,
	[MSG_PEER_ROUTE_DELETE] = on_peer_route_delete,
	[MSG_PEER_ROUTES] = on_peer_routes,
	[MSG_BACKEND_RESULT] = on_backend_result,
	[MSG_BACKEND_HEALTH] = on_backend_health,
	[MSG_CTL_CALL] = on_ctl_call,
	[MSG_CTL_EXPLAIN] = on_ctl_explain,
};

/* What the common list does not have: nothing. */
static const char *const	 allow[] = { NULL };

static const struct sandbox_profile	 profile = {
	.name = "router",
	.allow = allow,
	.network = false,
	.paths = NULL,
	.nofile = 64,
	.fsize = 0,
};

static const struct child_ops	 ops = {
	.self = PROC_ROUTER,
	.profile = &profile,
	.handlers = handlers,
	.init = init,
	.conf_begin = router_conf_begin,
	.conf_end = router_conf_end,
	.conf_commit = router_conf_commit,
	.conf_abort = router_conf_abort,
	.peer_up = process_up,
	.peer_down = process_down,
	.peer_drained = process_drained,
	.shutdown = NULL,
	.show = control_show,
};

int
main(void)
{
	child_run(&ops, &router);
}
