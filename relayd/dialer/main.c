/* SPDX-License-Identifier: ISC */
/*
 * relay-dialer: connects to the uplinks, peers and http services that are
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
#include "common/url.h"
#include "relayd/dialer/dialer.h"

/* --- configuration --- */

static void
on_conf_node(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct dialer	*d = arg;
	char		 node_id[LIMIT_NODE_ID + 1];

	(void)ch;
	(void)fd;
	(void)get_u8(msg);		/* role */
	get_str(msg, node_id, sizeof(node_id));
	(void)get_u32(msg);		/* call_timeout_ms */
	(void)get_u32(msg);		/* max_message */
	(void)get_u32(msg);		/* max_connections */
	(void)get_u32(msg);		/* max_per_address */
	if (d->next == NULL)
		msg->bad = true;
	else
		d->next->hold_down_ms = get_u32(msg);
	(void)get_u8(msg);		/* authentication */
	(void)get_span(msg, URL_TEXT_MAX);	/* url */
}

/* TLS is made by the front-end: here it is for the names in the log. */
static void
get_tls(struct plan_uplink *u, struct wire_get *msg)
{
	bool	 tls = get_bool(msg);

	if (u != NULL)
		u->tls = tls;
	(void)get_u32(msg);			/* ca */
	(void)get_span(msg, URL_TEXT_MAX);	/* pin */
	(void)get_u32(msg);			/* key */
}

/*
 * CONF_UPLINK and CONF_PEER, up to its path: they come in their order.  NULL
 * where that is not so.
 */
static struct plan_uplink *
add_uplink(struct dialer *d, struct wire_get *msg, uint32_t max)
{
	struct plan_uplink	*u;
	uint32_t		 index = get_u32(msg);

	if (d->next == NULL || index >= max || index != d->next->n_uplinks) {
		msg->bad = true;
		return (NULL);
	}
	u = &d->next->uplinks[index];
	get_str(msg, u->host, sizeof(u->host));
	u->port = get_u16(msg);
	get_str(msg, u->path, sizeof(u->path));
	d->next->n_uplinks++;
	return (u);
}

static void
on_conf_uplink(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct dialer	*d = arg;
	char		 node_id[LIMIT_NODE_ID + 1];

	(void)ch;
	(void)fd;
	get_tls(add_uplink(d, msg, child_role(d->child) == ROLE_HOME ?
	    LIMIT_UPLINKS : 0), msg);
	get_str(msg, node_id, sizeof(node_id));	/* for the registry */
}

static void
on_conf_peer(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct dialer		*d = arg;
	struct plan_uplink	*u;
	char			 node_id[LIMIT_NODE_ID + 1];

	(void)ch;
	(void)fd;
	u = add_uplink(d, msg, child_role(d->child) == ROLE_MAIN ?
	    LIMIT_PEERS : 0);
	get_str(msg, node_id, sizeof(node_id));	/* for the registry */
	(void)get_u8(msg);			/* origin, the same */
	get_tls(u, msg);
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
	targets_configure(d);
}

static void
cancel(void *ctx)
{
	struct dialer	*d = ctx;

	free(d->next);
	d->next = NULL;
}

/* --- uplinks and peers --- */

/* The first messages of a front-end: one for each that is up, and the end. */
static void
on_uplink_sync(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct dialer		*d = arg;
	struct plan_uplink	 u;
	char			 address[64], main_id[LIMIT_NODE_ID + 1];
	bool			 up = get_bool(msg);
	uint64_t		 attempt = get_u64(msg);

	(void)ch;
	(void)fd;
	memset(&u, 0, sizeof(u));
	get_str(msg, u.host, sizeof(u.host));
	u.port = get_u16(msg);
	get_str(msg, u.path, sizeof(u.path));
	get_str(msg, address, sizeof(address));
	get_str(msg, main_id, sizeof(main_id));
	if (d->synced || up != (attempt != 0))
		msg->bad = true;
	if (!get_done(msg))
		return;
	if (up)
		targets_adopt(d, attempt, &u, address, main_id);
	else
		targets_synced(d);
}

static void
on_uplink_state(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	char		main_id[LIMIT_NODE_ID + 1], reason[LIMIT_DENIAL];
	uint64_t	attempt = get_u64(msg);
	unsigned int	state = get_u8(msg);
	uint32_t	retry_after_ms = get_u32(msg);

	(void)ch;
	(void)fd;
	get_str(msg, main_id, sizeof(main_id));
	get_str(msg, reason, sizeof(reason));
	if (state < 1 || state > 4)
		msg->bad = true;
	if (get_done(msg))
		targets_state(arg, attempt, state, retry_after_ms, main_id,
		    reason);
}

static void
on_peer_dial(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct dialer	*d = arg;
	uint32_t	 peer = get_u32(msg);
	uint32_t	 generation = get_u32(msg);
	unsigned int	 what = get_u8(msg);

	(void)ch;
	(void)fd;
	if (what < 1 || what > 3)
		msg->bad = true;
	if (!get_done(msg))
		return;
	if (child_role(d->child) != ROLE_MAIN || d->cur == NULL ||
	    generation != d->cur->number || peer >= d->n_targets) {
		d->stale++;
		return;
	}
	target_dial(d->targets[peer], what);
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
	targets_init(d);
}

static void
peer_down(void *ctx, enum proc_id proc)
{
	struct dialer	*d = ctx;
	struct errand	*e;

	if (proc == PROC_FRONTEND)
		targets_gone(d);
	if (proc != PROC_BACKEND)
		return;
	while ((e = TAILQ_FIRST(&d->errands)) != NULL) {
		TAILQ_REMOVE(&d->errands, e, entry);
		dial_cancel(e->dial);
		free(e);
	}
}

static void
show(void *ctx, struct channel *ch, uint64_t request, enum ctl_show what)
{
	if (what == CTL_SHOW_SUMMARY)
		dialer_show(ctx, ch, request);
}

static const channel_handler handlers[MSG_MAX] = {
	[MSG_CONF_NODE] = on_conf_node,
	[MSG_CONF_UPLINK] = on_conf_uplink,
	[MSG_CONF_PEER] = on_conf_peer,
	[MSG_CONF_ENDPOINT] = on_conf_endpoint,
	[MSG_UPLINK_SYNC] = on_uplink_sync,
	[MSG_UPLINK_STATE] = on_uplink_state,
	[MSG_DIAL_ORDER] = on_peer_dial,
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
