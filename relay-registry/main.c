/* SPDX-License-Identifier: ISC */
/*
 * relay-registry: the truth about nodes, sessions, services and other Mains,
 * in one SQLite file of its own directory.  This file is its life, staged.c its
 * configuration; links.c joins the logic (registry.h) to the channels.
 */
#include <sys/stat.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "relay-registry/auth.h"
#include "relay-registry/policy_impl.h"
#include "relay-registry/registry_main.h"
#include "relay-registry/show.h"

#define TICK_MS		1000	/* what may wait is written this often */
/* A new start to catch up must never look like a crash loop. */
#define CATCH_UP_MS	(2 * LIMIT_RESPAWN_WINDOW_MS / LIMIT_RESPAWN_CRASHES)

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

struct when
when_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return ((struct when){ monotime_now(),
	    (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 });
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct context *c = arg;
	struct when now = when_now();

	(void)fd;
	(void)what;
	registry_tick(c->registry, now);
	registry_send(c);
	if (registry_behind(c->registry) &&
	    monotime_diff_ms(now.mono, c->started) >= CATCH_UP_MS)
		fatal("the database can be written again: starting anew to "
		    "catch up with the sessions of the meantime");
}

/* --- configuration --- */

static void
conf_begin(void *arg, uint32_t generation)
{
	struct context *c = arg;

	staged_clear(&c->staged);
	c->staged.generation = generation;
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

	if (!staged_check(&c->staged, reason, size))
		return (false);
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
	struct staged *s = &c->staged;
	const struct trust_conf trust = { s->authentication, s->url,
	    s->uplinks, s->n_uplinks };

	registry_configure(c->registry, s->role, s->node_id, when_now());
	registry_configure_addresses(c->registry,
	    (const char (*)[REGISTRY_ADDRESS_SIZE])s->addresses,
	    s->n_addresses);
	registry_configure_peers(c->registry, s->generation, s->peers,
	    s->n_peers, when_now());
	registry_configure_policy(c->registry, &s->policy, when_now());
	registry_configure_trust(c->registry, s->generation, &trust,
	    &s->credentials, when_now());
	staged_clear(s);
	if (event_add(c->tick_ev, &tick) == -1)
		fatal("no timer");
	registry_send(c);
}

static void
conf_abort(void *arg)
{
	struct context *c = arg;

	staged_clear(&c->staged);
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
	auth_warm_up();
	c->commit_ev = event_new(base, -1, 0, registry_turn, c);
	c->tick_ev = event_new(base, -1, EV_PERSIST, on_tick, c);
	if (c->commit_ev == NULL || c->tick_ev == NULL)
		fatal("no memory for events");
}

static void
shutdown_child(void *arg, uint32_t grace_ms)
{
	struct context *c = arg;

	(void)grace_ms;
	(void)registry_commit(c->registry, when_now());
	registry_send(c);
	/* Closing the database folds its journal into the file. */
	registry_free(c->registry);
	free(c->out.buf);
	child_exit(c->child);
}

static void
show(void *arg, struct channel *ch, uint64_t request, enum ctl_show what)
{
	struct context *c = arg;

	registry_show(c->registry, ch, request, what, when_now());
}

static const struct child_ops ops = {
	.self = PROC_REGISTRY,
	.profile = &profile,
	.handlers = registry_handlers,
	.init = init,
	.conf_begin = conf_begin,
	.conf_end = conf_end,
	.conf_commit = conf_commit,
	.conf_abort = conf_abort,
	.peer_up = registry_peer_up,
	.peer_down = registry_peer_down,
	.peer_drained = registry_peer_drained,
	.shutdown = shutdown_child,
	.show = show,
};

int
main(void)
{
	static struct context context;

	child_run(&ops, &context);
}
