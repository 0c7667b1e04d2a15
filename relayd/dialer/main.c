/* SPDX-License-Identifier: ISC */
/*
 * relay-dialer: connects to the uplinks and the http services that are
 * configured, and hands the sockets over.
 */
#include <sys/stat.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "common/log.h"
#include "relayd/dialer/dialer.h"

/* --- configuration --- */

static void
on_conf_node(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	char	node_id[LIMIT_NODE_ID + 1];

	(void)arg;
	(void)ch;
	(void)fd;
	(void)get_u8(msg);		/* role */
	get_str(msg, node_id, sizeof(node_id));
	(void)get_u32(msg);		/* call_timeout_ms */
	(void)get_u32(msg);		/* max_message */
	(void)get_u32(msg);		/* max_connections */
	(void)get_u32(msg);		/* max_per_address */
}

static void
on_conf_uplink(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct dialer		*d = arg;
	struct plan_uplink	*u;
	uint32_t		 index = get_u32(msg);

	(void)ch;
	(void)fd;
	/* They come in the order of their index. */
	if (d->next == NULL || index >= LIMIT_UPLINKS ||
	    index != d->next->n_uplinks) {
		msg->bad = true;
		return;
	}
	u = &d->next->uplinks[index];
	get_str(msg, u->host, sizeof(u->host));
	u->port = get_u16(msg);
	get_str(msg, u->path, sizeof(u->path));
	d->next->n_uplinks++;
}

static void
on_conf_endpoint(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct dialer	*d = arg;
	struct endpoint	*e;
	uint32_t	 service = get_u32(msg);

	(void)ch;
	(void)fd;
	if (d->next == NULL || service >= LIMIT_SERVICES ||
	    d->next->endpoints[service].there) {
		msg->bad = true;
		return;
	}
	e = &d->next->endpoints[service];
	get_str(msg, e->host, sizeof(e->host));
	e->port = get_u16(msg);
	e->there = true;
}

static void
begin(void *ctx, uint32_t generation)
{
	struct dialer	*d = ctx;

	if ((d->next = calloc(1, sizeof(*d->next))) == NULL)
		fatal("out of memory");
	d->next->number = generation;
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
	struct dialer	*d = ctx;

	free(d->cur);
	d->cur = d->next;
	d->next = NULL;
	uplink_configure(d);
}

static void
cancel(void *ctx)
{
	struct dialer	*d = ctx;

	free(d->next);
	d->next = NULL;
}

/* --- uplinks --- */

/* The first message of a front-end: nothing is dialled before. */
static void
on_uplink_sync(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct dialer		*d = arg;
	struct plan_uplink	 u;
	char			 address[sizeof(d->address)];
	bool			 up = get_bool(msg);
	uint64_t		 attempt = get_u64(msg);

	(void)ch;
	(void)fd;
	memset(&u, 0, sizeof(u));
	get_str(msg, u.host, sizeof(u.host));
	u.port = get_u16(msg);
	get_str(msg, u.path, sizeof(u.path));
	get_str(msg, address, sizeof(address));
	if (d->plan.taker || up != (attempt != 0))
		msg->bad = true;
	if (get_done(msg))
		uplink_sync(d, attempt, &u, address);
}

static void
on_uplink_state(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	char		reason[512];
	uint64_t	attempt = get_u64(msg);
	unsigned int	state = get_u8(msg);
	uint32_t	retry_after_ms = get_u32(msg);

	(void)ch;
	(void)fd;
	get_str(msg, reason, sizeof(reason));
	if (state < 1 || state > 3)
		msg->bad = true;
	if (get_done(msg))
		uplink_state(arg, attempt, state, retry_after_ms, reason);
}

/* --- connections for the backend --- */

static void
answer_connect(struct dialer *d, uint64_t request, int fd, const char *error)
{
	struct channel	*backend = child_peer(d->child, PROC_BACKEND);
	struct wire_put	*w;

	if (backend == NULL) {
		if (fd != -1)
			close(fd);
		return;
	}
	w = channel_begin(backend, MSG_SERVICE_CONNECTED);
	put_u64(w, request);
	put_str(w, error);
	if (fd == -1)
		(void)channel_commit(backend);
	else
		(void)channel_commit_fd(backend, fd);
}

static void
on_errand(void *arg, int fd, const char *address, const char *error)
{
	struct errand	*e = arg;
	struct dialer	*d = e->d;
	char		 text[200];

	(void)address;
	if (fd == -1)
		d->failed++;
	else
		d->connected++;
	strlcpy(text, fd == -1 ? error : "", sizeof(text));
	TAILQ_REMOVE(&d->errands, e, entry);
	answer_connect(d, e->request, fd, text);
	free(e);
}

/* The backend may be a moment ahead with a new configuration. */
static const struct endpoint *
find_endpoint(const struct dialer *d, uint32_t generation, uint32_t service)
{
	const struct generation	*g = NULL;

	if (d->cur != NULL && d->cur->number == generation)
		g = d->cur;
	else if (d->next != NULL && d->next->number == generation)
		g = d->next;
	if (g == NULL || service >= LIMIT_SERVICES ||
	    !g->endpoints[service].there)
		return (NULL);
	return (&g->endpoints[service]);
}

static void
on_service_connect(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct dialer		*d = arg;
	const struct endpoint	*p;
	struct errand		*e;
	uint32_t		 service = get_u32(msg);
	uint32_t		 generation = get_u32(msg);
	uint64_t		 request = get_u64(msg);

	(void)ch;
	(void)fd;
	if (!get_done(msg))
		return;
	if ((p = find_endpoint(d, generation, service)) == NULL) {
		d->stale++;
		answer_connect(d, request, -1, "no such http service");
		return;
	}
	if ((e = calloc(1, sizeof(*e))) == NULL)
		fatal("out of memory");
	e->d = d;
	e->request = request;
	TAILQ_INSERT_TAIL(&d->errands, e, entry);
	e->dial = dial_start(d, p->host, p->port, on_errand, e);
}

/* --- the frame's callbacks --- */

static void
init(void *ctx, struct child *child)
{
	struct dialer	*d = ctx;

	d->child = child;
	d->base = child_base(child);
	TAILQ_INIT(&d->errands);
	resolver_init(&d->resolver, d->base);
	uplink_init(d);
}

static void
peer_down(void *ctx, enum proc_id proc)
{
	struct dialer	*d = ctx;
	struct errand	*e;

	if (proc == PROC_FRONTEND)
		uplink_gone(d);
	if (proc != PROC_BACKEND)
		return;
	while ((e = TAILQ_FIRST(&d->errands)) != NULL) {
		TAILQ_REMOVE(&d->errands, e, entry);
		dial_cancel(e->dial);
		free(e);
	}
}

static const char *const state_names[] = {
	[PLAN_IDLE] = "idle",
	[PLAN_WAIT] = "waiting",
	[PLAN_DIALING] = "dialing",
	[PLAN_HANDSHAKE] = "handshake",
	[PLAN_UP] = "up",
};

static void
show(void *ctx, struct channel *ch, uint64_t request, enum ctl_show what)
{
	struct dialer	*d = ctx;
	char		 name[DIAL_NAME];
	struct ctl_row	 row;
	uint32_t	 i;
	bool		 used;

	if (what != CTL_SHOW_SUMMARY)
		return;
	for (i = 0; i < d->plan.n_uplinks; i++) {
		used = d->plan.state >= PLAN_DIALING && d->plan.current == i;
		uplink_name(d, i, name, sizeof(name));
		ctl_row_begin(&row, ch, request, "uplinks");
		ctl_number(&row, "uplink", i);
		ctl_text(&row, "host", name);
		ctl_text(&row, "state", used ? state_names[d->plan.state] :
		    "standby");
		ctl_text(&row, "address", used ? d->address : "");
		ctl_row_end(&row);
	}
	ctl_row_begin(&row, ch, request, "dialer");
	ctl_text(&row, "state", state_names[d->plan.state]);
	ctl_number(&row, "failures", d->plan.backoff.failures);
	ctl_number(&row, "next_try_in_ms", d->plan.state == PLAN_WAIT ?
	    plan_timer_ms(&d->plan, monotime_now()) : 0);
	ctl_number(&row, "dials", (int64_t)d->dials);
	ctl_number(&row, "connected", (int64_t)d->connected);
	ctl_number(&row, "failed", (int64_t)d->failed);
	ctl_number(&row, "stale", (int64_t)d->stale);
	ctl_row_end(&row);
}

static const channel_handler handlers[MSG_MAX] = {
	[MSG_CONF_NODE] = on_conf_node,
	[MSG_CONF_UPLINK] = on_conf_uplink,
	[MSG_CONF_ENDPOINT] = on_conf_endpoint,
	[MSG_UPLINK_SYNC] = on_uplink_sync,
	[MSG_UPLINK_STATE] = on_uplink_state,
	[MSG_SERVICE_CONNECT] = on_service_connect,
};

static const struct child_ops ops_template = {
	.self = PROC_DIALER,
	.handlers = handlers,
	.init = init,
	.conf_begin = begin,
	.conf_end = end,
	.conf_commit = commit,
	.conf_abort = cancel,
	.peer_down = peer_down,
	.show = show,
};

/* --- sandbox --- */

static const char *const allow[] = {
	/* connections, and evdns */
	"socket", "connect", "setsockopt", "bind",
	/* resolv.conf and hosts, when they changed */
	"open", "openat", "stat", "stat64", "newfstatat", "fstatat64", "statx",
	NULL
};

/*
 * resolv.conf is often a link to a file that is replaced as a whole, so its
 * real directory is opened, unless that is all of /etc.
 */
static void
real_directory(const char *path, char *buf, size_t size)
{
	char	real[PATH_MAX], *slash;

	strlcpy(buf, path, size);
	if (realpath(path, real) == NULL)
		return;
	if ((slash = strrchr(real, '/')) == NULL || slash == real)
		return;
	*slash = '\0';
	if (strcmp(real, "/etc") != 0)
		strlcpy(buf, real, size);
}

int
main(void)
{
	static struct dialer	d;
	static char		conf[PATH_MAX], hosts[PATH_MAX];
	struct sandbox_path	paths[] = {
		{ "/etc/resolv.conf", SANDBOX_READ },
		{ "/etc/hosts", SANDBOX_READ },
		{ conf, SANDBOX_READ },
		{ hosts, SANDBOX_READ },
		{ NULL, 0 },
	};
	struct sandbox_profile	profile = {
		.name = "dialer",
		.allow = allow,
		.network = true,
		.paths = paths,
	};
	struct child_ops	ops = ops_template;

	real_directory("/etc/resolv.conf", conf, sizeof(conf));
	real_directory("/etc/hosts", hosts, sizeof(hosts));
	ops.profile = &profile;
	child_run(&ops, &d);
}
