/* SPDX-License-Identifier: ISC */
/*
 * relay-backend: calls from the router become JSON-RPC to this home's
 * services, over fds from the parent and the dialer.  It opens nothing.
 */
#include <stdlib.h>
#include <unistd.h>

#include "common/log.h"
#include "common/name.h"
#include "relayd/backend/backend.h"
#include "relayd/backend/jsonrpc.h"

static void
on_conf_node(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	(void)ch;
	(void)fd;
	conf_node(arg, msg);
}

static void
on_conf_service(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	(void)ch;
	(void)fd;
	conf_service(arg, msg);
}

/* --- calls --- */

/* One decoded BACKEND_CALL. */
struct request {
	uint64_t	call;
	uint32_t	service, generation, timeout_ms;
	bool		notification;
	struct span	method, params;
};

static void
take_call(struct backend *b, const struct request *r, struct svc *svc)
{
	struct call	*c;
	struct monotime	 deadline;
	char		*text;
	size_t		 len;

	deadline = monotime_add_ms(monotime_now(), r->timeout_ms);
	switch (pool_enqueue(&b->calls, &svc->pool, r->call, deadline,
	    r->notification, r->params.len, &c)) {
	case ENQUEUE_OK:
		break;
	case ENQUEUE_FULL:
		answer_refused(b, svc, r->call, r->notification,
		    FAIL_OVERLOADED, "service %s: too many calls wait for it",
		    svc->name);
		return;
	case ENQUEUE_REPEATED:
		log_warn("a call with the id of another was dropped");
		return;
	}
	text = rpc_request(r->notification ? 0 : c->id, r->method, r->params,
	    &len);
	if (text == NULL)
		fatal("out of memory");
	call_set_text(c, text, len);
	svc_dispatch(svc);
}

static void
on_call(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct backend	*b = arg;
	struct request	 r;
	struct svc	*svc;

	(void)ch;
	(void)fd;
	r.call = get_u64(msg);
	r.service = get_u32(msg);
	r.generation = get_u32(msg);
	r.timeout_ms = get_u32(msg);
	r.notification = get_bool(msg);
	r.method = get_span(msg, LIMIT_METHOD_NAME);
	r.params = get_bytes(msg);
	if (!get_done(msg))
		return;
	svc = conf_lookup(b, r.generation, r.service);
	if (svc == NULL || svc->retired) {
		b->stale++;
		answer_refused(b, svc, r.call, r.notification, FAIL_OVERLOADED,
		    "the service is no longer configured");
	} else if (!name_method(r.method))
		answer_refused(b, svc, r.call, r.notification, FAIL_METHOD,
		    "no method can have that name");
	else if (svc->state == SVC_DOWN)
		answer_refused(b, svc, r.call, r.notification, FAIL_OVERLOADED,
		    "service %s is down", svc->name);
	else
		take_call(b, &r, svc);
}

static void
on_cancel(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct backend	*b = arg;
	struct call	*c;

	(void)ch;
	(void)fd;
	c = calls_find(&b->calls, get_u64(msg));
	if (c != NULL)
		svc_forget_call(b, c);
}

/* --- fds --- */

static void
on_service_io(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct backend	*b = arg;
	uint32_t	 service = get_u32(msg);
	uint32_t	 generation = get_u32(msg);
	uint32_t	 i = get_u32(msg);

	(void)ch;
	if (!get_done(msg)) {
		close(fd);
		return;
	}
	instance_io(b, conf_lookup(b, generation, service), i, fd);
}

static void
on_service_stderr(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct backend	*b = arg;
	uint32_t	 service = get_u32(msg);
	uint32_t	 generation = get_u32(msg);
	uint32_t	 i = get_u32(msg);
	struct svc	*svc = conf_lookup(b, generation, service);

	(void)ch;
	if (!get_done(msg) || svc == NULL || i >= svc->n_instances) {
		b->stale++;
		close(fd);
		return;
	}
	errpipe_free(svc->instances[i].err);
	svc->instances[i].err = errpipe_new(svc, fd, i);
}

static void
on_service_exit(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct backend	*b = arg;
	char		 status[256];
	uint32_t	 service = get_u32(msg);
	uint32_t	 generation = get_u32(msg);
	uint32_t	 i = get_u32(msg);
	struct svc	*svc = conf_lookup(b, generation, service);

	(void)ch;
	(void)fd;
	get_str(msg, status, sizeof(status));
	if (!get_done(msg))
		return;
	if (svc == NULL || i >= svc->n_instances)
		b->stale++;
	else
		instance_exit(svc, i, status);
}

static void
on_service_connected(void *arg, struct channel *ch, struct wire_get *msg,
    int fd)
{
	struct backend	*b = arg;
	char		 error[256];
	uint64_t	 request = get_u64(msg);

	get_str(msg, error, sizeof(error));
	if (!get_done(msg)) {
		if (fd != -1)
			close(fd);
		return;
	}
	connect_answer(b, channel_peer(ch), request, fd, error);
}

/* --- the frame's callbacks --- */

static void
on_flush(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	conn_flush_all(arg);
}

void
backend_tick(struct backend *b)
{
	struct timeval	tv = { 1, 0 };

	if (!evtimer_pending(b->tick_ev, NULL))
		(void)evtimer_add(b->tick_ev, &tv);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct backend	*b = arg;
	struct monotime	 now = monotime_now();
	struct svc	*svc, *next;
	struct call	*c;
	bool		 more;

	(void)fd;
	(void)what;
	while ((c = calls_abandoned_due(&b->calls, now)) != NULL) {
		svc = c->pool->owner;
		call_finish(&b->calls, c);
		svc_dispatch(svc);
	}
	more = !TAILQ_EMPTY(&b->calls.abandoned);
	for (svc = TAILQ_FIRST(&b->svcs); svc != NULL; svc = next) {
		next = TAILQ_NEXT(svc, entry);
		if (b->tell_again)
			svc_report_health(svc);
		if (svc->started && svc_tick(svc, now))
			more = true;
	}
	b->tell_again = false;
	if (more)
		backend_tick(b);
}

static void
init(void *ctx, struct child *child)
{
	struct backend	*b = ctx;

	b->child = child;
	b->base = child_base(child);
	calls_init(&b->calls);
	TAILQ_INIT(&b->svcs);
	TAILQ_INIT(&b->connects);
	TAILQ_INIT(&b->dirty);
	id64_init(&b->requests);
	b->flush_ev = event_new(b->base, -1, 0, on_flush, b);
	b->tick_ev = evtimer_new(b->base, on_tick, b);
	if (b->flush_ev == NULL || b->tick_ev == NULL)
		fatal("out of memory");
}

static void
begin(void *ctx, uint32_t generation)
{
	conf_begin(ctx, generation);
}

static bool
end(void *ctx, char *reason, size_t size)
{
	(void)ctx;
	(void)reason;
	(void)size;
	return (true);
}

static void
commit(void *ctx)
{
	conf_commit(ctx);
}

static void
cancel(void *ctx)
{
	conf_abort(ctx);
}

static void
peer_up(void *ctx, enum proc_id proc, struct channel *ch)
{
	struct backend	*b = ctx;
	struct svc	*svc, *next;

	(void)ch;
	for (svc = TAILQ_FIRST(&b->svcs); svc != NULL; svc = next) {
		next = TAILQ_NEXT(svc, entry);
		if (proc == PROC_ROUTER)
			svc_report_health(svc);
		else if (proc == PROC_DIALER)
			svc_seek(svc);
	}
}

static void
peer_down(void *ctx, enum proc_id proc)
{
	struct backend	*b = ctx;
	struct call	*c;

	connect_peer_gone(b, proc);
	if (proc != PROC_ROUTER)
		return;
	while ((c = calls_any(&b->calls)) != NULL)
		svc_forget_call(b, c);
	if (b->held)
		conn_resume_all(b);
}

static void
peer_drained(void *ctx, enum proc_id proc)
{
	struct backend	*b = ctx;

	if (proc == PROC_ROUTER && b->held)
		conn_resume_all(b);
}

static const char *const state_names[] = {
	[SVC_STARTING] = "starting",
	[SVC_UP] = "up",
	[SVC_DOWN] = "down",
};

static const char *const kind_names[] = {
	[SVC_EXEC] = "exec",
	[SVC_HTTP] = "http",
	[SVC_UNIX] = "unix",
};

static void
show(void *ctx, struct channel *ch, uint64_t request, enum ctl_show what)
{
	struct backend	*b = ctx;
	struct ctl_row	 row;
	struct svc	*svc;

	if (what != CTL_SHOW_SUMMARY)
		return;
	TAILQ_FOREACH(svc, &b->svcs, entry) {
		if (!svc->started || svc->retired)
			continue;
		ctl_row_begin(&row, ch, request, "backends");
		ctl_text(&row, "service", svc->name);
		ctl_text(&row, "backend", kind_names[svc->kind]);
		ctl_text(&row, "state", state_names[svc->state]);
		ctl_number(&row, "connections", svc->pool.n_slots);
		ctl_number(&row, "in_flight", svc->pool.in_flight);
		ctl_number(&row, "queued", svc->pool.n_queued);
		ctl_number(&row, "calls", (int64_t)svc->stats.calls);
		ctl_number(&row, "results", (int64_t)svc->stats.results);
		ctl_number(&row, "errors", (int64_t)svc->stats.errors);
		ctl_number(&row, "failed", (int64_t)svc->stats.failed);
		ctl_number(&row, "late", (int64_t)svc->stats.late);
		ctl_number(&row, "unasked", (int64_t)svc->stats.unasked);
		ctl_number(&row, "garbage", (int64_t)svc->stats.garbage);
		ctl_text(&row, "reason",
		    svc->state == SVC_DOWN ? svc->reason : "");
		ctl_row_end(&row);
	}
	ctl_row_begin(&row, ch, request, "backend");
	ctl_number(&row, "calls", b->calls.count);
	ctl_number(&row, "stale", (int64_t)b->stale);
	ctl_bool(&row, "held", b->held);
	ctl_row_end(&row);
}

static const channel_handler handlers[MSG_MAX] = {
	[MSG_CONF_NODE] = on_conf_node,
	[MSG_CONF_SERVICE] = on_conf_service,
	[MSG_BACKEND_CALL] = on_call,
	[MSG_BACKEND_CANCEL] = on_cancel,
	[MSG_SERVICE_IO] = on_service_io,
	[MSG_SERVICE_STDERR] = on_service_stderr,
	[MSG_SERVICE_EXIT] = on_service_exit,
	[MSG_SERVICE_CONNECTED] = on_service_connected,
};

/* Everything it needs is on the list every process has. */
static const struct sandbox_profile profile = {
	.name = "backend",
};

static const struct child_ops ops = {
	.self = PROC_BACKEND,
	.profile = &profile,
	.handlers = handlers,
	.init = init,
	.conf_begin = begin,
	.conf_end = end,
	.conf_commit = commit,
	.conf_abort = cancel,
	.peer_up = peer_up,
	.peer_down = peer_down,
	.peer_drained = peer_drained,
	.show = show,
};

int
main(void)
{
	static struct backend	b;

	child_run(&ops, &b);
}
