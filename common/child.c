/* SPDX-License-Identifier: ISC */
/* See child.h. */
#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bsd/unistd.h>

#include "common/child.h"
#include "common/log.h"

#define DIR_MAX		1024	/* bytes of HELLO's dir */

/* The process's one context. */
static struct child {
	const struct child_ops	*ops;
	void			*ctx;
	struct event_base	*base;
	struct channel_ops	 parent_ops;
	struct channel_ops	 peer_ops;
	channel_handler		 handlers[MSG_MAX];
	struct channel		*parent;
	struct channel		*peers[PROC_MAX];
	bool			 running;	/* committed once */
	bool			 staging;	/* between BEGIN and END */
	bool			 staged;	/* after END */
	uint32_t		 staging_generation;
	uint32_t		 generation;

	enum node_role		 role;
	char			 node_id[LIMIT_NODE_ID + 1];
	enum sandbox_mode	 sandbox_mode;
	uid_t			 uid;
	gid_t			 gid;
	bool			 chroot;
	char			 dir[DIR_MAX];
} child;

struct event_base *
child_base(struct child *c)
{
	return (c->base);
}

const char *
child_dir(struct child *c)
{
	return (c->chroot ? "/" : c->dir);
}

const char *
child_outer_dir(struct child *c)
{
	return (c->dir);
}

enum node_role
child_role(struct child *c)
{
	return (c->role);
}

struct channel *
child_parent(struct child *c)
{
	return (c->parent);
}

struct channel *
child_peer(struct child *c, enum proc_id proc)
{
	return (c->running ? c->peers[proc] : NULL);
}

uint32_t
child_generation(struct child *c)
{
	return (c->generation);
}

void
child_exit(struct child *c)
{
	(void)channel_flush_blocking(c->parent);
	_exit(0);
}

/* --- faults: the one policy, by trust --- */

static void
drop_peer(struct child *c, enum proc_id proc)
{
	struct channel *ch = c->peers[proc];

	if (ch == NULL)
		return;
	c->peers[proc] = NULL;
	if (c->running && c->ops->peer_down != NULL)
		c->ops->peer_down(c->ctx, proc);
	channel_free(ch);
}

/* Ask the parent to end a less trusted process. */
static void
report_offender(struct child *c, enum proc_id proc, const char *detail)
{
	struct wire_put *w;

	log_warn("%s broke the protocol: %s", proc_name(proc), detail);
	w = channel_begin(c->parent, MSG_OFFENDER);
	put_u8(w, (uint8_t)proc);
	put_str(w, detail);
	(void)channel_commit(c->parent);
}

static void
on_fault(void *arg, struct channel *ch, enum channel_fault fault,
    const char *detail)
{
	struct child *c = &child;
	enum proc_id proc = channel_peer(ch);

	(void)arg;
	if (fault == CHANNEL_EOF && proc == PROC_PARENT) {
		log_debug("the parent is gone");
		_exit(0);
	}
	if (fault == CHANNEL_EOF) {
		log_debug("%s is gone", proc_name(proc));
		drop_peer(c, proc);
		return;
	}
	if (proc_trust(proc) > proc_trust(c->ops->self))
		fatal("channel to %s: %s", proc_name(proc), detail);
	report_offender(c, proc, detail);
	drop_peer(c, proc);
}

static void
on_drained(void *arg, struct channel *ch)
{
	(void)arg;
	if (child.running && child.ops->peer_drained != NULL)
		child.ops->peer_drained(child.ctx, channel_peer(ch));
}

/* --- set-up --- */

static void
open_peer(struct child *c, enum proc_id proc)
{
	channel_set_phase(c->peers[proc], PHASE_RUN);
	channel_resume(c->peers[proc]);
	if (c->ops->peer_up != NULL)
		c->ops->peer_up(c->ctx, proc, c->peers[proc]);
}

static void
on_peer_fd(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct child *c = &child;
	enum proc_id proc = get_u8(msg);

	(void)arg;
	(void)ch;
	if (!get_done(msg) || proc == PROC_PARENT || proc >= PROC_CTL ||
	    proc == c->ops->self) {
		msg->bad = true;
		close(fd);
		return;
	}
	drop_peer(c, proc);
	c->peers[proc] = channel_new(c->base, fd, c->ops->self, proc,
	    PHASE_RUN, &c->peer_ops, c->ctx);
	if (c->peers[proc] == NULL)
		fatal("channel to %s: %s", proc_name(proc), strerror(errno));
	channel_pause(c->peers[proc]);
	if (c->running)
		open_peer(c, proc);
}

static void
on_setup_end(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	(void)arg;
	(void)msg;
	(void)fd;
	channel_set_phase(ch, PHASE_CONF);
	channel_begin(ch, MSG_SETUP_DONE);
	(void)channel_commit(ch);
}

/* --- configuration --- */

static void
on_conf_begin(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct child *c = &child;
	uint32_t generation = get_u32(msg);

	(void)arg;
	(void)ch;
	(void)fd;
	if (c->staging || c->staged) {
		msg->bad = true;
		return;
	}
	c->staging = true;
	c->staging_generation = generation;
	c->ops->conf_begin(c->ctx, generation);
}

static void
on_conf_end(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct child *c = &child;
	uint32_t generation = get_u32(msg);
	struct wire_put *w;
	char reason[512] = "";

	(void)arg;
	(void)fd;
	if (!c->staging || generation != c->staging_generation) {
		msg->bad = true;
		return;
	}
	c->staging = false;
	c->staged = true;
	if (c->ops->conf_end(c->ctx, reason, sizeof(reason))) {
		w = channel_begin(ch, MSG_CONF_READY);
		put_u32(w, generation);
	} else {
		w = channel_begin(ch, MSG_CONF_REJECT);
		put_u32(w, generation);
		put_str(w, reason);
	}
	(void)channel_commit(ch);
}

static void
on_conf_commit(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct child *c = &child;
	uint32_t generation = get_u32(msg);
	bool first = !c->running;
	enum proc_id proc;

	(void)arg;
	(void)fd;
	if (!c->staged || generation != c->staging_generation) {
		msg->bad = true;
		return;
	}
	c->staged = false;
	c->generation = generation;
	c->running = true;
	c->ops->conf_commit(c->ctx);
	if (!first)
		return;
	channel_set_phase(ch, PHASE_RUN);
	for (proc = 0; proc < PROC_MAX; proc++) {
		if (c->peers[proc] != NULL)
			open_peer(c, proc);
	}
}

static void
on_conf_abort(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct child *c = &child;
	uint32_t generation = get_u32(msg);

	(void)arg;
	(void)ch;
	(void)fd;
	if ((!c->staging && !c->staged) ||
	    generation != c->staging_generation) {
		msg->bad = true;
		return;
	}
	c->staging = c->staged = false;
	c->ops->conf_abort(c->ctx);
}

/* --- supervision and control --- */

static void
on_watchdog(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	uint32_t seq = get_u32(msg);
	struct wire_put *w;

	(void)arg;
	(void)fd;
	w = channel_begin(ch, MSG_WATCHDOG_ACK);
	put_u32(w, seq);
	(void)channel_commit(ch);
}

static void
on_log_level(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	bool verbose = get_bool(msg);

	(void)arg;
	(void)ch;
	(void)fd;
	log_set_verbose(verbose);
}

static void
on_shutdown(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct child *c = &child;
	uint32_t grace_ms = get_u32(msg);

	(void)arg;
	(void)ch;
	(void)fd;
	if (c->running && c->ops->shutdown != NULL)
		c->ops->shutdown(c->ctx, grace_ms);
	else
		child_exit(c);
}

static void
on_ctl_show(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct child *c = &child;
	uint64_t request = get_u64(msg);
	enum ctl_show what = get_u8(msg);
	enum proc_id proc;

	(void)arg;
	(void)fd;
	if (!get_done(msg))
		return;
	if (what == CTL_SHOW_CHANNELS) {
		ctl_channel_row(ch, request, c->ops->self, c->parent);
		for (proc = 0; proc < PROC_MAX; proc++) {
			if (c->peers[proc] != NULL)
				ctl_channel_row(ch, request, c->ops->self,
				    c->peers[proc]);
		}
	} else if (c->running && c->ops->show != NULL)
		c->ops->show(c->ctx, ch, request, what);
	ctl_end(ch, request, CTL_OK, "");
}

/* --- start --- */

static void
make_handlers(struct child *c)
{
	memcpy(c->handlers, c->ops->handlers, sizeof(c->handlers));
	c->handlers[MSG_PEER_FD] = on_peer_fd;
	c->handlers[MSG_SETUP_END] = on_setup_end;
	c->handlers[MSG_CONF_BEGIN] = on_conf_begin;
	c->handlers[MSG_CONF_END] = on_conf_end;
	c->handlers[MSG_CONF_COMMIT] = on_conf_commit;
	c->handlers[MSG_CONF_ABORT] = on_conf_abort;
	c->handlers[MSG_WATCHDOG] = on_watchdog;
	c->handlers[MSG_LOG_LEVEL] = on_log_level;
	c->handlers[MSG_SHUTDOWN] = on_shutdown;
	c->handlers[MSG_CTL_SHOW] = on_ctl_show;
	c->parent_ops.handlers = c->peer_ops.handlers = c->handlers;
	c->parent_ops.fault = c->peer_ops.fault = on_fault;
	c->parent_ops.drained = c->peer_ops.drained = on_drained;
}

/* Take HELLO from fd 3: who and what this process is to be. */
static void
read_hello(struct child *c)
{
	uint8_t buf[4096];
	struct wire_get msg;
	char version[64];
	enum log_style style;
	enum proc_id proc;
	bool verbose;
	size_t len;

	if (channel_recv_blocking(CHILD_FD, c->ops->self, PROC_PARENT,
	    PHASE_SETUP, buf, sizeof(buf), &len) != MSG_HELLO) {
		fprintf(stderr, "relay-%s is started by relayd(8), "
		    "not by hand\n", proc_name(c->ops->self));
		_exit(1);
	}
	wire_get_init(&msg, buf, len);
	get_str(&msg, version, sizeof(version));
	proc = get_u8(&msg);
	c->role = get_u8(&msg);
	get_str(&msg, c->node_id, sizeof(c->node_id));
	style = get_u8(&msg);
	verbose = get_bool(&msg);
	c->sandbox_mode = get_u8(&msg);
	c->uid = get_u32(&msg);
	c->gid = get_u32(&msg);
	c->chroot = get_bool(&msg);
	get_str(&msg, c->dir, sizeof(c->dir));
	if (style < LOG_STYLE_TERMINAL || style > LOG_STYLE_SYSLOG)
		style = LOG_STYLE_TERMINAL;
	log_init(STDERR_FILENO, style, proc_name(c->ops->self), verbose);
	if (!get_done(&msg) || (c->role != ROLE_MAIN && c->role != ROLE_HOME))
		fatal("malformed HELLO from the parent");
	if (strcmp(version, PACKAGE_VERSION) != 0)
		fatal("relayd is version %s but this is %s: "
		    "install both from one build", version, PACKAGE_VERSION);
	if (proc != c->ops->self)
		fatal("started as %s but this is the %s", proc_name(proc),
		    proc_name(c->ops->self));
}

/* Give up all that is not needed and tell the parent what is in force. */
static void
enter_sandbox(struct child *c)
{
	struct sandbox_path paths[] = {
		{ c->dir, SANDBOX_READ | SANDBOX_WRITE },
		{ NULL, 0 },
	};
	struct sandbox_request request = {
		.profile = c->ops->profile,
		.mode = c->sandbox_mode,
		.uid = c->uid,
		.gid = c->gid,
		.chroot_dir = c->chroot ? c->dir : NULL,
		/* The registry alone keeps files: its database's directory. */
		.paths = c->ops->self == PROC_REGISTRY ? paths : NULL,
	};
	struct wire_put *w;
	char report[512];

	if (sandbox_enter(&request, report, sizeof(report)) == -1)
		fatal("sandbox: %s", report);
	log_debug("sandbox: %s", report);
	w = channel_begin(c->parent, MSG_HELLO_ACK);
	put_str(w, PACKAGE_VERSION);
	put_str(w, report);
	(void)channel_commit(c->parent);
}

void
child_run(const struct child_ops *ops, void *ctx)
{
	struct child *c = &child;

	c->ops = ops;
	c->ctx = ctx;
	closefrom(CHILD_FD + 1);
	read_hello(c);
	signal(SIGPIPE, SIG_IGN);
	/* The parent orders the stop, also when a terminal says ^C to all. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	make_handlers(c);
	if ((c->base = event_base_new()) == NULL)
		fatal("no event base: %s", strerror(errno));
	c->parent = channel_new(c->base, CHILD_FD, ops->self, PROC_PARENT,
	    PHASE_SETUP, &c->parent_ops, ctx);
	if (c->parent == NULL)
		fatal("channel to the parent: %s", strerror(errno));
	if (ops->init != NULL)
		ops->init(ctx, c);
	tzset();	/* or the first time of day looks for its zone's file */
	enter_sandbox(c);
	if (event_base_dispatch(c->base) == -1)
		fatal("event loop: %s", strerror(errno));
	fatal("event loop ended");
}
