/* SPDX-License-Identifier: ISC */
/* The parent's timers: one that cannot be had is its end. */
#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "relayd/relayd.h"

void
timer_start(struct event *ev, int64_t ms)
{
	struct timeval tv;

	tv.tv_sec = ms / 1000;
	tv.tv_usec = ms % 1000 * 1000;
	if (evtimer_add(ev, &tv) == -1)
		fatal("timer: %s", strerror(errno));
}

struct event *
timer_new(struct relayd *rd, event_callback_fn fn, void *arg)
{
	struct event *ev;

	if ((ev = evtimer_new(rd->base, fn, arg)) == NULL)
		fatal("out of memory");
	return (ev);
}
