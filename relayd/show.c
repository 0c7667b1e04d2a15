/* SPDX-License-Identifier: ISC */
/* The parent's own answers to relay-ctl(8). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "relayd/relayd.h"

const char *
child_state_name(enum child_state state)
{
	static const char *const names[] = {
		[CHILD_UNUSED] = "unused",
		[CHILD_DOWN] = "down",
		[CHILD_HELLO] = "starting",
		[CHILD_SETUP] = "setting up",
		[CHILD_IDLE] = "waiting",
		[CHILD_CONF] = "configuring",
		[CHILD_RUN] = "running",
		[CHILD_STOPPING] = "stopping",
		[CHILD_KILLED] = "killed",
	};

	return (names[state]);
}

/* --- processes --- */

struct process_row {
	const char	*name;
	pid_t		 pid;
	uid_t		 uid;
	const char	*state;
	struct monotime	 since;
	uint32_t	 restarts;
	const char	*last_exit;
};

/* CPU time of a process so far; 0 if it is gone. */
static int64_t
cpu_ms(pid_t pid)
{
	struct timespec ts;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) != 0 ||
	    clock_gettime(clock, &ts) == -1)
		return (0);
	return ((int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000);
}

static void
put_process(struct channel *ch, uint64_t request, const struct process_row *p)
{
	bool alive = p->pid != 0;
	struct ctl_row row;

	ctl_row_begin(&row, ch, request, "processes");
	ctl_text(&row, "process", p->name);
	ctl_number(&row, "pid", p->pid);
	ctl_number(&row, "uid", alive ? (int64_t)p->uid : -1);
	ctl_text(&row, "state", p->state);
	ctl_number(&row, "uptime_s", alive ?
	    monotime_diff_ms(monotime_now(), p->since) / 1000 : 0);
	ctl_number(&row, "cpu_ms", alive ? cpu_ms(p->pid) : 0);
	ctl_number(&row, "restarts", p->restarts);
	ctl_text(&row, "last_exit", p->last_exit);
	ctl_row_end(&row);
}

static void
put_instance(struct channel *ch, uint64_t request, const struct instance *in)
{
	struct process_row p = {
		.name = in->name, .pid = in->pid, .uid = in->uid,
		.since = in->since, .restarts = in->restarts,
		.last_exit = in->last_exit,
	};

	if (in->pid == 0)
		p.state = "down";
	else
		p.state = in->stopping ? "stopping" : "running";
	put_process(ch, request, &p);
}

static void
show_processes(struct relayd *rd, struct channel *ch, uint64_t request)
{
	struct process_row p = {
		.name = proc_name(PROC_PARENT), .pid = getpid(),
		.uid = geteuid(), .since = rd->started, .last_exit = "",
		.state = rd->stop.stage == STOP_NONE ? "running" : "stopping",
	};
	const struct instance *in;
	const struct child *c;
	enum proc_id id;

	put_process(ch, request, &p);
	for (id = CHILD_FIRST; id <= CHILD_LAST; id++) {
		c = &rd->children[id];
		if (c->state == CHILD_UNUSED)
			continue;
		p.name = proc_name(id);
		p.pid = c->pid;
		p.uid = c->uid;
		p.state = child_state_name(c->state);
		p.since = c->since;
		p.restarts = c->restarts;
		p.last_exit = c->last_exit;
		put_process(ch, request, &p);
	}
	TAILQ_FOREACH(in, &rd->instances, entry)
		put_instance(ch, request, in);
}

/* --- the rest --- */

static void
show_sandbox(struct relayd *rd, struct channel *ch, uint64_t request)
{
	const struct child *c;
	struct ctl_row row;
	enum proc_id id;
	char report[256];

	harden_report(report, sizeof(report));
	ctl_row_begin(&row, ch, request, "sandbox");
	ctl_text(&row, "process", proc_name(PROC_PARENT));
	ctl_text(&row, "mode", sandbox_mode_name(SANDBOX_OFF));
	ctl_text(&row, "in_force", report);
	ctl_row_end(&row);
	for (id = CHILD_FIRST; id <= CHILD_LAST; id++) {
		c = &rd->children[id];
		if (c->state == CHILD_UNUSED)
			continue;
		ctl_row_begin(&row, ch, request, "sandbox");
		ctl_text(&row, "process", proc_name(id));
		ctl_text(&row, "mode", sandbox_mode_name(rd->conf->sandbox));
		ctl_text(&row, "in_force", c->sandbox);
		ctl_row_end(&row);
	}
}

static void
put_line(struct channel *ch, uint64_t request, const char *line)
{
	struct ctl_row row;

	ctl_row_begin(&row, ch, request, "config");
	ctl_text(&row, "line", line);
	ctl_row_end(&row);
}

static void
put_added(struct channel *ch, uint64_t request, const struct peer *p)
{
	char url[URL_TEXT_MAX + 1], line[URL_TEXT_MAX + LIMIT_NODE_ID + 64];

	snprintf(line, sizeof(line), "# %s: peer \"%s\"%s%s%s%s",
	    p->origin == PEER_PERSISTED ? "persisted" : "added",
	    peer_text(p, url), p->insecure ? " insecure" : "",
	    p->node_id[0] != '\0' ? " { node \"" : "", p->node_id,
	    p->node_id[0] != '\0' ? "\" }" : "");
	put_line(ch, request, line);
}

/*
 * The configuration in force, and as comments what was added to it and what
 * the kernel chose.
 */
static void
show_config(struct relayd *rd, struct channel *ch, uint64_t request)
{
	char *text = NULL, *rest, *line, bound[192];
	size_t size, i;
	FILE *f;

	if ((f = open_memstream(&text, &size)) == NULL)
		fatal("out of memory");
	(void)conf_print(rd->conf, f);
	if (fclose(f) == EOF)
		fatal("out of memory");
	rest = text;
	while ((line = strsep(&rest, "\n")) != NULL) {
		/* After the last newline there is no line. */
		if (rest != NULL || *line != '\0')
			put_line(ch, request, line);
	}
	free(text);
	for (i = 0; i < rd->peers.count; i++) {
		if (rd->peers.list[i].origin != PEER_CONFIGURED)
			put_added(ch, request, &rd->peers.list[i]);
	}
	for (i = 0; i < rd->listeners.count; i++) {
		snprintf(bound, sizeof(bound), "# listening on %s",
		    rd->listeners.list[i].bound);
		put_line(ch, request, bound);
	}
}

static void
show_channels(struct relayd *rd, struct channel *ch, uint64_t request)
{
	enum proc_id id;

	for (id = CHILD_FIRST; id <= CHILD_LAST; id++) {
		if (rd->children[id].ch != NULL)
			ctl_channel_row(ch, request, PROC_PARENT,
			    rd->children[id].ch);
	}
}

static uint32_t
restarts(const struct relayd *rd)
{
	uint32_t n = 0;
	enum proc_id id;

	for (id = CHILD_FIRST; id <= CHILD_LAST; id++)
		n += rd->children[id].restarts;
	return (n);
}

static void
show_summary(struct relayd *rd, struct channel *ch, uint64_t request)
{
	struct ctl_row row;
	size_t i;

	ctl_row_begin(&row, ch, request, "relayd");
	ctl_text(&row, "node_id", rd->conf->node_id);
	ctl_text(&row, "role", role_name(rd->conf->role));
	ctl_text(&row, "version", PACKAGE_VERSION);
	ctl_text(&row, "state", rd->stop.stage == STOP_NONE ? "running" :
	    "stopping");
	ctl_number(&row, "pid", getpid());
	ctl_number(&row, "uptime_s",
	    monotime_diff_ms(monotime_now(), rd->started) / 1000);
	ctl_number(&row, "generation", rd->generation);
	ctl_number(&row, "restarts", restarts(rd));
	ctl_text(&row, "log", rd->verbose ? "verbose" : "brief");
	ctl_row_end(&row);
	for (i = 0; i < rd->listeners.count; i++) {
		ctl_row_begin(&row, ch, request, "listeners");
		ctl_text(&row, "address", rd->listeners.list[i].bound);
		ctl_bool(&row, "local",
		    conf_listener_is_local(rd->listeners.list[i].conf));
		ctl_bool(&row, "tls", rd->listeners.list[i].conf->tls);
		ctl_row_end(&row);
	}
}

/* Rules in their order: the first that matches decides. */
static void
show_policy(struct relayd *rd, struct channel *ch, uint64_t request)
{
	const struct policy *policy = &rd->conf->policy;
	char text[2 * LIMIT_CONF_STRING];
	struct ctl_row row;
	uint32_t i;

	for (i = 0; i < policy->n; i++) {
		policy_text(&policy->rules[i], text, sizeof(text));
		ctl_row_begin(&row, ch, request, "policy");
		ctl_number(&row, "number", i + 1);
		ctl_text(&row, "rule", text);
		ctl_text(&row, "file", policy->rules[i].file);
		ctl_number(&row, "line", policy->rules[i].line);
		ctl_row_end(&row);
	}
}

void
show_own(struct relayd *rd, struct channel *ch, uint64_t request,
    enum ctl_show what)
{
	switch (what) {
	case CTL_SHOW_SUMMARY:
		show_summary(rd, ch, request);
		break;
	case CTL_SHOW_PROCESSES:
		show_processes(rd, ch, request);
		break;
	case CTL_SHOW_SANDBOX:
		show_sandbox(rd, ch, request);
		break;
	case CTL_SHOW_CONFIG:
		show_config(rd, ch, request);
		break;
	case CTL_SHOW_CHANNELS:
		show_channels(rd, ch, request);
		break;
	case CTL_SHOW_POLICY:
		show_policy(rd, ch, request);
		break;
	default:
		break;
	}
}
