/* SPDX-License-Identifier: ISC */
/*
 * The few functions of libevent that the programs use, under virtual time.
 * Its header says what a struct event is made of only in another one, which
 * is why there can be one of ours here.
 */
#include <event2/event.h>

#include <stdlib.h>

#include "tests/sim/child.h"

struct event {
	LIST_ENTRY(event)	 entry;
	struct event_base	*base;
	struct timer		 timer;
	int64_t			 every_us;	/* of EV_PERSIST */
	short			 flags;
	event_callback_fn	 fn;
	void			*arg;
};

static void
on_timer(void *arg)
{
	struct event	*ev = arg;
	struct child	*c = ev->base->child;

	if (c->stalled_us > sim.now_us) {
		timer_at(&ev->timer, c->stalled_us);
		return;
	}
	if ((ev->flags & EV_PERSIST) && ev->every_us > 0)
		timer_in(&ev->timer, ev->every_us);
	sim.running = c;
	ev->fn(-1, EV_TIMEOUT, ev->arg);
	sim.running = NULL;
}

struct event *
event_new(struct event_base *base, evutil_socket_t fd, short flags,
    event_callback_fn fn, void *arg)
{
	struct event	*ev = sim_alloc(sizeof(*ev));

	if (fd != -1)
		sim_fail("an event of fd %d", fd);
	ev->base = base;
	ev->flags = flags;
	ev->fn = fn;
	ev->arg = arg;
	timer_init(&ev->timer, on_timer, ev);
	LIST_INSERT_HEAD(&base->events, ev, entry);
	return (ev);
}

int
event_add(struct event *ev, const struct timeval *tv)
{
	ev->every_us = (int64_t)tv->tv_sec * US_PER_S + tv->tv_usec;
	timer_in(&ev->timer, ev->every_us);
	return (0);
}

int
event_del(struct event *ev)
{
	timer_del(&ev->timer);
	return (0);
}

int
event_pending(const struct event *ev, short what, struct timeval *tv)
{
	(void)what;
	(void)tv;
	return (ev->timer.pos != 0);
}

void
event_free(struct event *ev)
{
	timer_del(&ev->timer);
	LIST_REMOVE(ev, entry);
	free(ev);
}

/* When the loop turns, which is after all that is due now. */
void
event_active(struct event *ev, int what, short n)
{
	(void)what;
	(void)n;
	if (ev->timer.pos == 0 || ev->timer.at_us > sim.now_us)
		timer_in(&ev->timer, 0);
}
