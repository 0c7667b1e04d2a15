/* SPDX-License-Identifier: ISC */
/*
 * relay-registry: the truth about nodes, sessions and services, in one SQLite
 * file of its own directory.  This file joins the logic (registry.h) to the
 * event loop.
 */
#include <sys/stat.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <bsd/string.h>

#include "common/child.h"
#include "common/log.h"
#include "relay-registry/message.h"
#include "relay-registry/show.h"

#define TICK_MS		1000	/* what may wait is written this often */
#define NODES_BATCH	512	/* NODE_STATE messages between looks at the
				 * channel */
/* A new start to catch up must never look like a crash loop. */
#define CATCH_UP_MS	(2 * LIMIT_RESPAWN_WINDOW_MS / LIMIT_RESPAWN_CRASHES)

struct conf {
	bool		 there;
	enum node_role	 role;
	char		 node_id[LIMIT_NODE_ID + 1];
};

struct context {
	struct child	*child;
	struct registry	*registry;	/* NULL until the first conf_end */
	struct conf	 staged;
	struct monotime	 started;
	struct event	*commit_ev;	/* when the loop turns */
	struct event	*tick_ev;
	/* The last node told to a new router; not told: false. */
	bool		 telling;
	char		 told[LIMIT_NODE_ID + 1];
};

static const char *const allow[] = {
	"open", "openat", "stat", "stat64", "lstat", "lstat64", "newfstatat",
	"fstatat64", "statx", "access", "faccessat", "faccessat2", "readlink",
	"readlinkat", "getcwd", "unlink", "unlinkat", "pread64", "pwrite64",
	"fsync", "fdatasync", "ftruncate", "ftruncate64", "fallocate",
	"fchmod", "fchown", "fchown32", NULL
};

static const struct sandbox_profile profile = {
	.name = "registry",
	.allow = allow,
	.nofile = 64,		/* channels, log, database, journal, its index */
	/* A transaction may put every page into the journal once more. */
	.fsize = 2 * (uint64_t)LIMIT_DATABASE + LIMIT_DATABASE_WAL,
};

static struct when
when_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ((struct when){ monotime_now(),
	    (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 });
}

/* --- replies --- */

static void
send_replies(struct context *c)
{
	struct channel *router = child_peer(c->child, PROC_ROUTER);
	struct reply *reply;

	while ((reply = registry_reply(c->registry)) != NULL) {
		if (router != NULL) {
			put_reply(channel_begin(router, reply->type), reply);
			if (channel_commit(router) == -1)
				log_warn("%s to the router is lost",
				    msg_name(reply->type));
		}
		reply_free(reply);
	}
}

/* All that this turn of the loop wrote becomes true, then it is said. */
static void
on_commit(evutil_socket_t fd, short what, void *arg)
{
	struct context *c = arg;

	(void)fd;
	(void)what;
	(void)registry_commit(c->registry);
	send_replies(c);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct context *c = arg;
	struct when now = when_now();

	(void)fd;
	(void)what;
	registry_tick(c->registry, now);
	send_replies(c);
	if (registry_behind(c->registry) &&
	    monotime_diff_ms(now.mono, c->started) >= CATCH_UP_MS)
		fatal("the database can be written again: starting anew to "
		    "catch up with the sessions of the meantime");
}

static void
on_router(void *arg, struct channel *ch, struct wire_get *msg,
    enum msg_type type)
{
	struct context *c = arg;

	(void)ch;
	(void)registry_message(c->registry, type, msg, when_now());
	if (registry_pending(c->registry))
		event_active(c->commit_ev, EV_TIMEOUT, 0);
}

#define ROUTER_HANDLER(name, type)					\
static void								\
name(void *arg, struct channel *ch, struct wire_get *msg, int fd)	\
{									\
	(void)fd;							\
	on_router(arg, ch, msg, type);					\
}

ROUTER_HANDLER(on_session_open, MSG_SESSION_OPEN)
ROUTER_HANDLER(on_session_resume, MSG_SESSION_RESUME)
ROUTER_HANDLER(on_session_seen, MSG_SESSION_SEEN)
ROUTER_HANDLER(on_session_close, MSG_SESSION_CLOSE)
ROUTER_HANDLER(on_register, MSG_REGISTER)
ROUTER_HANDLER(on_service_health, MSG_SERVICE_HEALTH)
ROUTER_HANDLER(on_view_request, MSG_VIEW_REQUEST)

/* --- the nodes a new router must know --- */

static void
say_node(struct channel *router, const char *node)
{
	struct wire_put *w;

	w = channel_begin(router, MSG_NODE_STATE);
	put_str(w, node);
	put_bool(w, true);
	(void)channel_commit(router);
}

/* Go on from the last one told until all are or the channel is full. */
static void
tell_nodes(struct context *c)
{
	static char ids[NODES_BATCH][LIMIT_NODE_ID + 1];
	struct channel *router = child_peer(c->child, PROC_ROUTER);
	size_t i, n;

	while (c->telling && router != NULL && !channel_congested(router)) {
		n = registry_nodes(c->registry, c->told, ids, NODES_BATCH);
		for (i = 0; i < n; i++)
			say_node(router, ids[i]);
		if (n > 0)
			strlcpy(c->told, ids[n - 1], sizeof(c->told));
		c->telling = n == NODES_BATCH;
	}
}

static void
peer_up(void *arg, enum proc_id proc, struct channel *ch)
{
	struct context *c = arg;

	(void)ch;
	if (proc != PROC_ROUTER)
		return;
	c->telling = true;
	c->told[0] = '\0';
	tell_nodes(c);
}

static void
peer_down(void *arg, enum proc_id proc)
{
	struct context *c = arg;

	if (proc != PROC_ROUTER)
		return;
	c->telling = false;
	registry_router_gone(c->registry, when_now());
}

static void
peer_drained(void *arg, enum proc_id proc)
{
	if (proc == PROC_ROUTER)
		tell_nodes(arg);
}

/* --- configuration --- */

static void
conf_begin(void *arg, uint32_t generation)
{
	struct context *c = arg;

	(void)generation;
	memset(&c->staged, 0, sizeof(c->staged));
}

static void
on_conf_node(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct context *c = arg;

	(void)ch;
	(void)fd;
	c->staged.role = get_u8(msg);
	get_str(msg, c->staged.node_id, sizeof(c->staged.node_id));
	(void)get_u32(msg);		/* the rest is for others */
	(void)get_u32(msg);
	(void)get_u32(msg);
	(void)get_u32(msg);
	c->staged.there = true;
}

/* Open the database, which is in the sandbox's own directory. */
static bool
open_registry(struct context *c, char *reason, size_t size)
{
	struct db *db;
	char path[1100], why[400];

	snprintf(path, sizeof(path), "%s/registry.db", child_dir(c->child));
	if ((db = db_open(path, why, sizeof(why))) != NULL) {
		c->registry = registry_new(db, LIMIT_NODES, when_now(), why,
		    sizeof(why));
		if (c->registry != NULL)
			return (true);
		db_close(db);
	}
	snprintf(reason, size, "%s/registry.db: %s",
	    child_outer_dir(c->child), why);
	return (false);
}

static bool
conf_end(void *arg, char *reason, size_t size)
{
	struct context *c = arg;

	if (!c->staged.there) {
		snprintf(reason, size, "the configuration names no node");
		return (false);
	}
	if (c->registry != NULL || open_registry(c, reason, size))
		return (true);
	log_err("%s", reason);
	return (false);
}

static void
conf_commit(void *arg)
{
	struct context *c = arg;
	const struct timeval tick = { TICK_MS / 1000, TICK_MS % 1000 * 1000 };

	registry_configure(c->registry, c->staged.role, c->staged.node_id,
	    when_now());
	if (event_add(c->tick_ev, &tick) == -1)
		fatal("no timer");
	send_replies(c);
}

static void
conf_abort(void *arg)
{
	struct context *c = arg;

	memset(&c->staged, 0, sizeof(c->staged));
}

/* --- life --- */

static void
init(void *arg, struct child *child)
{
	struct context *c = arg;
	struct event_base *base = child_base(child);
	char random[8];

	c->child = child;
	c->started = monotime_now();
	umask(077);
	/* A database at its size limit is an error of SQLite, not our end. */
	signal(SIGXFSZ, SIG_IGN);
	/* Here it can still ask the system for its seed. */
	if (sqlite3_initialize() != SQLITE_OK)
		fatal("SQLite cannot be initialised");
	sqlite3_randomness(sizeof(random), random);
	c->commit_ev = event_new(base, -1, 0, on_commit, c);
	c->tick_ev = event_new(base, -1, EV_PERSIST, on_tick, c);
	if (c->commit_ev == NULL || c->tick_ev == NULL)
		fatal("no memory for events");
}

static void
shutdown_child(void *arg, uint32_t grace_ms)
{
	struct context *c = arg;

	(void)grace_ms;
	(void)registry_commit(c->registry);
	send_replies(c);
	/* Closing the database folds its journal into the file. */
	registry_free(c->registry);
	child_exit(c->child);
}

static void
show(void *arg, struct channel *ch, uint64_t request, enum ctl_show what)
{
	struct context *c = arg;

	registry_show(c->registry, ch, request, what);
}

static const channel_handler handlers[MSG_MAX] = {
	[MSG_CONF_NODE] = on_conf_node,
	[MSG_SESSION_OPEN] = on_session_open,
	[MSG_SESSION_RESUME] = on_session_resume,
	[MSG_SESSION_SEEN] = on_session_seen,
	[MSG_SESSION_CLOSE] = on_session_close,
	[MSG_REGISTER] = on_register,
	[MSG_SERVICE_HEALTH] = on_service_health,
	[MSG_VIEW_REQUEST] = on_view_request,
};

static const struct child_ops ops = {
	.self = PROC_REGISTRY,
	.profile = &profile,
	.handlers = handlers,
	.init = init,
	.conf_begin = conf_begin,
	.conf_end = conf_end,
	.conf_commit = conf_commit,
	.conf_abort = conf_abort,
	.peer_up = peer_up,
	.peer_down = peer_down,
	.peer_drained = peer_drained,
	.shutdown = shutdown_child,
	.show = show,
};

int
main(void)
{
	static struct context context;

	child_run(&ops, &context);
}
