/* SPDX-License-Identifier: ISC */
/*
 * Supervision: the state of each child, what it may say to the parent, its
 * end and its next life.
 */
#include <sys/wait.h>

#include <bsd/stdlib.h>

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "common/log.h"
#include "relayd/relayd.h"

#define LINGER_MS	1000	/* from the end of a channel to SIGKILL */

/* --- state --- */

void
child_set_state(struct child *c, enum child_state state)
{
	if (c->state == state)
		return;
	log_debug("%s: %s -> %s", proc_name(c->id), child_state_name(c->state),
	    child_state_name(state));
	c->state = state;
	if (state == CHILD_IDLE || state == CHILD_RUN ||
	    state == CHILD_STOPPING)
		event_del(c->timer);
}

bool
child_alive(const struct child *c)
{
	return (c->pid != 0);
}

bool
child_listens(const struct child *c)
{
	return (c->state == CHILD_IDLE || c->state == CHILD_CONF ||
	    c->state == CHILD_RUN);
}

static void
child_kill(struct child *c)
{
	if (c->ch != NULL)
		channel_close(c->ch);
	if (c->state == CHILD_KILLED || !child_alive(c))
		return;
	event_del(c->timer);
	child_set_state(c, CHILD_KILLED);
	if (kill(c->pid, SIGKILL) == -1 && errno != ESRCH)
		log_err("%s: kill: %s", proc_name(c->id), strerror(errno));
}

void
child_fail(struct child *c, const char *fmt, ...)
{
	va_list ap;

	if (c->state == CHILD_KILLED || !child_alive(c))
		return;
	va_start(ap, fmt);
	vsnprintf(c->killed_for, sizeof(c->killed_for), fmt, ap);
	va_end(ap);
	log_err("%s killed: %s", proc_name(c->id), c->killed_for);
	child_kill(c);
}

void
child_shutdown(struct child *c, uint32_t grace_ms)
{
	if (!child_alive(c) || c->state == CHILD_KILLED)
		return;
	if (c->ch == NULL) {
		child_kill(c);
		return;
	}
	put_u32(channel_begin(c->ch, MSG_SHUTDOWN), grace_ms);
	if (channel_commit(c->ch) == -1)
		child_kill(c);
	else
		child_set_state(c, CHILD_STOPPING);
}

void
child_commit(struct child *c, uint32_t generation)
{
	put_u32(channel_begin(c->ch, MSG_CONF_COMMIT), generation);
	(void)channel_commit(c->ch);
	channel_set_phase(c->ch, PHASE_RUN);
	child_set_state(c, CHILD_RUN);
}

/* --- what a child says --- */

/* Told to end while it was set up: its words about that crossed ours. */
static bool
crossed(const struct child *c)
{
	return (c->state == CHILD_STOPPING || c->state == CHILD_KILLED);
}

static void
on_hello_ack(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct child *c = arg;
	char version[64];

	(void)ch;
	(void)fd;
	get_str(msg, version, sizeof(version));
	get_str(msg, c->sandbox, sizeof(c->sandbox));
	if (!get_done(msg) || (c->state != CHILD_HELLO && !crossed(c))) {
		msg->bad = true;
		return;
	}
	if (crossed(c))
		return;
	if (strcmp(version, PACKAGE_VERSION) != 0) {
		child_fail(c, "it is version %.60s, this is %s", version,
		    PACKAGE_VERSION);
		stop_begin(c->rd, 1, "the programs are not of one version");
		return;
	}
	child_connect(c);
}

/*
 * A respawned child cannot have what is in force: a file is not there, or not
 * yet the one that belongs to another.  That is mended outside, and until then
 * it is tried again.
 */
static void
child_unfit(struct child *c, const char *what, const char *why)
{
	c->unfit = true;
	child_fail(c, "%s%.400s", what, why);
}

static void
on_setup_done(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct child *c = arg;
	struct relayd *rd = c->rd;
	char why[LIMIT_CONF_STRING + 128];

	(void)fd;
	if (crossed(c))
		return;
	if (c->state != CHILD_SETUP) {
		msg->bad = true;
		return;
	}
	channel_set_phase(ch, PHASE_CONF);
	if (rd->conf == NULL) {
		child_set_state(c, CHILD_IDLE);
		change_advance(rd);
		return;
	}
	if (conf_send(c, rd->conf, &rd->listeners, &rd->peers, rd->generation,
	    why, sizeof(why)))
		child_set_state(c, CHILD_CONF);
	else
		child_unfit(c, "", why);
}

/* A respawned child that has what is in force may begin. */
static void
revive(struct child *c)
{
	struct relayd *rd = c->rd;

	child_commit(c, rd->generation);
	log_info("%s runs again (pid %d)", proc_name(c->id), (int)c->pid);
	if (c->id == PROC_BACKEND)
		services_backend_up(rd);
	peers_child_up(c);
	change_advance(rd);
	change_files(c);
}

static void
on_conf_ready(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct child *c = arg;
	uint32_t generation = get_u32(msg);

	(void)ch;
	(void)fd;
	if (!get_done(msg))
		return;
	if (c->state != CHILD_CONF)
		change_answer(c, generation, NULL);
	else if (generation == c->rd->generation)
		revive(c);
	else
		msg->bad = true;
}

static void
on_conf_reject(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct child *c = arg;
	uint32_t generation = get_u32(msg);
	char reason[1024];

	(void)ch;
	(void)fd;
	get_str(msg, reason, sizeof(reason));
	if (!get_done(msg))
		return;
	if (c->state != CHILD_CONF)
		change_answer(c, generation, reason);
	else
		child_unfit(c, "it rejects the configuration in force: ",
		    reason);
}

static void
on_watchdog_ack(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct child *c = arg;
	uint32_t seq = get_u32(msg);

	(void)ch;
	(void)fd;
	if (!c->asked || seq != c->seq)
		msg->bad = true;
	else
		c->asked = false;
}

/* A child accuses a less trusted one; any other accusation is a fault. */
static void
on_offender(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct child *c = arg;
	enum proc_id proc = get_u8(msg);
	struct span detail = get_span(msg, 1024);

	(void)ch;
	(void)fd;
	if (!get_done(msg))
		return;
	if (proc < CHILD_FIRST || proc > CHILD_LAST ||
	    proc_trust(proc) >= proc_trust(c->id)) {
		msg->bad = true;
		return;
	}
	/* One that does not run yet has said nothing: its forerunner did. */
	if (c->rd->children[proc].state == CHILD_RUN)
		child_fail(&c->rd->children[proc], "%s says: %.*s",
		    proc_name(c->id),
		    (int)(detail.len < 100 ? detail.len : 100), detail.p);
}

static const channel_handler handlers[MSG_MAX] = {
	[MSG_HELLO_ACK] = on_hello_ack,
	[MSG_SETUP_DONE] = on_setup_done,
	[MSG_CONF_READY] = on_conf_ready,
	[MSG_CONF_REJECT] = on_conf_reject,
	[MSG_WATCHDOG_ACK] = on_watchdog_ack,
	[MSG_OFFENDER] = on_offender,
	[MSG_DRAINED] = stop_on_drained,
	[MSG_PEER_ADD] = peers_on_add,
	[MSG_PEER_DELETE] = peers_on_delete,
	[MSG_PEER_DIAL] = peers_on_dial,
	[MSG_DIAL_STATE] = peers_on_state,
	[MSG_JOINED] = joins_on_joined,
	[MSG_SERVICE_RESTART] = services_on_restart,
	[MSG_SERVICE_CONNECT] = services_on_connect,
	[MSG_CTL_ROW] = control_row,
	[MSG_CTL_END] = control_end,
	[MSG_CTL_RESULT] = control_result,
};

/* Every child is less trusted than the parent: log, kill, reap. */
static void
on_fault(void *arg, struct channel *ch, enum channel_fault fault,
    const char *detail)
{
	struct child *c = arg;
	char why[128];

	(void)ch;
	/* The text is the channel's. */
	strlcpy(why, detail, sizeof(why));
	channel_free(c->ch);
	c->ch = NULL;
	if (fault != CHANNEL_EOF) {
		child_fail(c, "channel: %s", why);
		return;
	}
	/* It was told to end: the stop waits for it, and has its own limit. */
	if (c->state == CHILD_STOPPING || c->state == CHILD_KILLED)
		return;
	/* It ends by itself: soon its status will say how. */
	child_set_state(c, CHILD_STOPPING);
	timer_start(c->timer, LINGER_MS);
}

const struct channel_ops child_channel_ops = {
	.handlers = handlers,
	.fault = on_fault,
};

/* --- life --- */

static void
child_run(struct child *c)
{
	if (child_start(c) == -1) {
		/* Out of processes or fds: the next try may find some. */
		timer_start(c->timer, backoff_next_ms(&c->backoff,
		    arc4random()));
		return;
	}
	child_set_state(c, CHILD_HELLO);
	timer_start(c->timer, LIMIT_SETUP_MS);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct child *c = arg;

	(void)fd;
	(void)what;
	switch (c->state) {
	case CHILD_DOWN:
		if (c->rd->stop.stage == STOP_NONE)
			child_run(c);
		break;
	case CHILD_HELLO:
	case CHILD_SETUP:
	case CHILD_CONF:
		child_fail(c, "not ready within %d s", LIMIT_SETUP_MS / 1000);
		break;
	case CHILD_STOPPING:
		child_fail(c, "it closed its channel and does not end");
		break;
	default:
		break;
	}
}

void
children_init(struct relayd *rd, enum node_role role)
{
	struct child *c;
	enum proc_id id;

	for (id = CHILD_FIRST; id <= CHILD_LAST; id++) {
		c = &rd->children[id];
		c->rd = rd;
		c->id = id;
		c->state = (child_set(role) & PROC_BIT(id)) != 0 ?
		    CHILD_DOWN : CHILD_UNUSED;
		c->timer = timer_new(rd, on_timer, c);
		backoff_init(&c->backoff, LIMIT_RESPAWN_MIN_MS,
		    LIMIT_RESPAWN_MAX_MS, LIMIT_RESPAWN_WINDOW_MS);
	}
}

void
children_start(struct relayd *rd)
{
	enum proc_id id;

	for (id = CHILD_FIRST; id <= CHILD_LAST; id++) {
		if (rd->children[id].state == CHILD_DOWN)
			child_run(&rd->children[id]);
	}
}

/* --- death --- */

static void
exit_text(int status, char *buf, size_t size)
{
	int sig;

	if (WIFEXITED(status)) {
		snprintf(buf, size, "exited with status %d",
		    WEXITSTATUS(status));
		return;
	}
	sig = WTERMSIG(status);
	snprintf(buf, size, "killed by signal %d (%s)", sig,
	    sig == SIGSYS ? "sandbox violation" : strsignal(sig));
}

/* Note a death; true if there were too many in too short a time. */
static bool
in_crash_loop(struct child *c)
{
	struct monotime now = monotime_now(), oldest;

	c->deaths[c->crashes % LIMIT_RESPAWN_CRASHES] = now;
	c->crashes++;
	if (c->crashes < LIMIT_RESPAWN_CRASHES)
		return (false);
	/* A ring: what comes next in it is the oldest. */
	oldest = c->deaths[c->crashes % LIMIT_RESPAWN_CRASHES];
	return (monotime_diff_ms(now, oldest) <= LIMIT_RESPAWN_WINDOW_MS);
}

static void
respawn(struct child *c)
{
	uint32_t delay_ms;
	bool unfit = c->unfit;

	c->unfit = false;
	c->restarts++;
	if (!unfit && in_crash_loop(c)) {
		log_err("%s ended %d times in %d s, at last: %s",
		    proc_name(c->id), LIMIT_RESPAWN_CRASHES,
		    LIMIT_RESPAWN_WINDOW_MS / 1000, c->last_exit);
		stop_begin(c->rd, 1, "a process cannot be kept running");
		return;
	}
	backoff_held(&c->backoff, monotime_diff_ms(monotime_now(), c->since));
	delay_ms = backoff_next_ms(&c->backoff, arc4random());
	log_notice("%s is started again in %u ms", proc_name(c->id), delay_ms);
	timer_start(c->timer, delay_ms);
}

static void
child_reaped(struct child *c, const char *text)
{
	struct relayd *rd = c->rd;

	if (c->killed_for[0] != '\0')
		snprintf(c->last_exit, sizeof(c->last_exit), "killed: %s",
		    c->killed_for);
	else
		strlcpy(c->last_exit, text, sizeof(c->last_exit));
	/* At a stop it is no news that it ends, but that it crashes. */
	if (rd->stop.stage == STOP_NONE || (c->killed_for[0] == '\0' &&
	    strncmp(text, "killed ", 7) == 0))
		log_warn("%s (pid %d) %s", proc_name(c->id), (int)c->pid,
		    text);
	else
		log_debug("%s (pid %d) %s", proc_name(c->id), (int)c->pid,
		    text);
	channel_free(c->ch);
	c->ch = NULL;
	c->pid = 0;
	event_del(c->timer);
	child_set_state(c, CHILD_DOWN);
	control_child_gone(rd, c->id);
	if (c->id == PROC_BACKEND)
		services_backend_gone(rd);
	change_child_gone(c);
	if (rd->stop.stage != STOP_NONE)
		stop_progress(rd);
	else
		respawn(c);
}

static struct child *
child_by_pid(struct relayd *rd, pid_t pid)
{
	enum proc_id id;

	for (id = CHILD_FIRST; id <= CHILD_LAST; id++) {
		if (rd->children[id].pid == pid)
			return (&rd->children[id]);
	}
	return (NULL);
}

void
children_reap(struct relayd *rd)
{
	struct child *c;
	siginfo_t info;
	char text[96];
	int status;

	for (;;) {
		/*
		 * Look first: as long as it is not reaped its pid, which is
		 * also the process group of a service, cannot be another's.
		 * Orphans of strangers come to us too if we are pid 1.
		 */
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) ==
		    -1 || info.si_pid == 0)
			return;
		c = child_by_pid(rd, info.si_pid);
		if (services_has(rd, info.si_pid))
			(void)kill(-info.si_pid, SIGKILL);
		if (waitpid(info.si_pid, &status, 0) == -1)
			return;
		exit_text(status, text, sizeof(text));
		if (c != NULL)
			child_reaped(c, text);
		else if (!services_reaped(rd, info.si_pid, text))
			log_debug("pid %d %s", (int)info.si_pid, text);
	}
}
