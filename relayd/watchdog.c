/* SPDX-License-Identifier: ISC */
/* What the parent tells every child that runs: are you there, log more. */
#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "relayd/relayd.h"

/*
 * Ask a child, or kill it if it owes an answer for too long.  False as long as
 * it is not known to be well.
 */
static bool
ask(struct child *c)
{
	struct monotime now = monotime_now();

	/* One that is being started has its own limit; a killed one must go. */
	if (!child_listens(c))
		return (c->state != CHILD_KILLED);
	if (c->asked) {
		if (monotime_diff_ms(now, c->asked_at) >=
		    LIMIT_WATCHDOG_DEAD_MS)
			child_fail(c, "no answer to the watchdog for %d s",
			    LIMIT_WATCHDOG_DEAD_MS / 1000);
		return (false);
	}
	c->asked = true;
	c->asked_at = now;
	put_u32(channel_begin(c->ch, MSG_WATCHDOG), ++c->seq);
	(void)channel_commit(c->ch);
	return (true);
}

static void
on_watchdog(evutil_socket_t fd, short what, void *arg)
{
	struct relayd *rd = arg;
	bool all = true;
	enum proc_id id;

	(void)fd;
	(void)what;
	for (id = CHILD_FIRST; id <= CHILD_LAST; id++) {
		if (!ask(&rd->children[id]))
			all = false;
	}
	/* Silence is what makes the service manager act. */
	if (all)
		sdnotify(rd->notify_fd, "WATCHDOG=1");
}

void
watchdog_start(struct relayd *rd)
{
	uint32_t ms = LIMIT_WATCHDOG_MS, asked_ms;
	struct timeval tv;

	if ((asked_ms = sdnotify_watchdog_ms()) != 0 && asked_ms < ms)
		ms = asked_ms;
	tv.tv_sec = ms / 1000;
	tv.tv_usec = ms % 1000 * 1000;
	rd->watchdog = event_new(rd->base, -1, EV_PERSIST, on_watchdog, rd);
	if (rd->watchdog == NULL || event_add(rd->watchdog, &tv) == -1)
		fatal("out of memory");
}

void
set_log_level(struct relayd *rd, bool verbose)
{
	struct child *c;
	enum proc_id id;

	rd->verbose = verbose;
	log_set_verbose(verbose);
	for (id = CHILD_FIRST; id <= CHILD_LAST; id++) {
		c = &rd->children[id];
		if (!child_listens(c))
			continue;
		put_bool(channel_begin(c->ch, MSG_LOG_LEVEL), verbose);
		(void)channel_commit(c->ch);
	}
}
