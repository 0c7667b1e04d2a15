/* SPDX-License-Identifier: ISC */
/*
 * The orderly stop: calls first, then links, then the rest, each stage with a
 * limit after which what is left of it is killed.
 */
#include <signal.h>
#include <string.h>

#include "common/log.h"
#include "relayd/relayd.h"

/* A child gets this much less than we wait, to end by itself. */
#define GRACE_MS	(LIMIT_STOP_MS - 500)
/* DRAINED may take this much longer than the router was given. */
#define DRAIN_SLACK_MS	500

static void	stop_enter(struct relayd *, enum stop_stage);

static unsigned int
stage_set(enum stop_stage stage)
{
	switch (stage) {
	case STOP_EDGE:
		return (PROC_BIT(PROC_DIALER) | PROC_BIT(PROC_FRONTEND));
	case STOP_CORE:
		return (PROC_BIT(PROC_ROUTER) | PROC_BIT(PROC_BACKEND) |
		    PROC_BIT(PROC_KEEPER));
	case STOP_REGISTRY:
		return (PROC_BIT(PROC_REGISTRY));
	default:
		return (0);
	}
}

/* Whether anything of the present stage still runs. */
static bool
stage_left(const struct relayd *rd)
{
	enum stop_stage stage = rd->stop.stage;
	enum proc_id id;

	if (stage == STOP_DRAIN)
		return (rd->children[PROC_ROUTER].state == CHILD_RUN);
	if (stage == STOP_CORE && services_left(rd))
		return (true);
	for (id = CHILD_FIRST; id <= CHILD_LAST; id++) {
		if ((stage_set(stage) & PROC_BIT(id)) != 0 &&
		    child_alive(&rd->children[id]))
			return (true);
	}
	return (false);
}

static void
stop_next(struct relayd *rd)
{
	if (rd->stop.stage == STOP_DONE)
		return;
	event_del(rd->stop.timer);
	stop_enter(rd, rd->stop.stage + 1);
}

static void
begin_drain(struct relayd *rd)
{
	struct child *router = &rd->children[PROC_ROUTER];

	if (router->state != CHILD_RUN)
		return;
	put_u32(channel_begin(router->ch, MSG_DRAIN), LIMIT_DRAIN_MS);
	(void)channel_commit(router->ch);
	timer_start(rd->stop.timer, LIMIT_DRAIN_MS + DRAIN_SLACK_MS);
}

static void
begin_shutdown(struct relayd *rd)
{
	enum proc_id id;

	for (id = CHILD_FIRST; id <= CHILD_LAST; id++) {
		if ((stage_set(rd->stop.stage) & PROC_BIT(id)) != 0)
			child_shutdown(&rd->children[id], GRACE_MS);
	}
	if (rd->stop.stage == STOP_CORE)
		services_stop(rd);
	timer_start(rd->stop.timer, LIMIT_STOP_MS);
}

static void
stop_enter(struct relayd *rd, enum stop_stage stage)
{
	rd->stop.stage = stage;
	switch (stage) {
	case STOP_NONE:
		break;
	case STOP_DRAIN:
		begin_drain(rd);
		break;
	case STOP_EDGE:
	case STOP_CORE:
	case STOP_REGISTRY:
		begin_shutdown(rd);
		break;
	case STOP_DONE:
		event_base_loopexit(rd->base, NULL);
		return;
	}
	if (!stage_left(rd))
		stop_next(rd);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct relayd *rd = arg;
	enum proc_id id;

	(void)fd;
	(void)what;
	if (rd->stop.stage == STOP_DRAIN) {
		log_warn("the router has not drained in time");
		stop_next(rd);
		return;
	}
	for (id = CHILD_FIRST; id <= CHILD_LAST; id++) {
		if ((stage_set(rd->stop.stage) & PROC_BIT(id)) != 0)
			child_fail(&rd->children[id], "it does not stop");
	}
	if (rd->stop.stage == STOP_CORE)
		services_kill(rd);
}

void
stop_begin(struct relayd *rd, int status, const char *why)
{
	if (rd->stop.stage != STOP_NONE)
		return;
	log_notice("stopping: %s", why);
	rd->stop.stage = STOP_DRAIN;
	rd->stop.status = status;
	rd->stop.timer = timer_new(rd, on_timer, rd);
	change_cancel(rd, "relayd stops");
	sdnotify(rd->notify_fd, "STOPPING=1\nSTATUS=stopping: %s", why);
	stop_enter(rd, STOP_DRAIN);
}

void
stop_progress(struct relayd *rd)
{
	if (rd->stop.stage != STOP_NONE && rd->stop.stage != STOP_DONE &&
	    !stage_left(rd))
		stop_next(rd);
}

void
stop_on_drained(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct child *c = arg;
	uint32_t pending = get_u32(msg);

	(void)ch;
	(void)fd;
	if (c->rd->stop.stage != STOP_DRAIN) {
		/* After the drain it is late; before, it was not asked. */
		msg->bad = c->rd->stop.stage == STOP_NONE;
		return;
	}
	if (pending > 0)
		log_notice("%u calls were still pending", pending);
	stop_next(c->rd);
}
