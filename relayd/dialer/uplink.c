/* SPDX-License-Identifier: ISC */
/* The uplink of this home: the plan put to work. */
#include <bsd/stdlib.h>
#include <bsd/string.h>

#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "relayd/dialer/dialer.h"

/* As in UPLINK_STATE. */
enum uplink_state { UPLINK_UP = 1, UPLINK_DOWN, UPLINK_REFUSED };

static void	poll_plan(struct dialer *);

void
uplink_name(const struct dialer *d, uint32_t i, char *buf, size_t size)
{
	const struct plan_uplink *u = &d->plan.uplinks[i];

	snprintf(buf, size, strchr(u->host, ':') != NULL ? "[%s]:%u" : "%s:%u",
	    u->host, (unsigned int)u->port);
}

static void
set_timer(struct dialer *d)
{
	int64_t		ms = plan_timer_ms(&d->plan, monotime_now());
	struct timeval	tv = { ms / 1000, (ms % 1000) * 1000 };

	if (ms == -1)
		evtimer_del(d->timer);
	else
		(void)evtimer_add(d->timer, &tv);
}

/* What was dialled or in use is over: say so, and what comes next. */
static void
failed(struct dialer *d, uint32_t retry_after_ms, const char *what,
    const char *why)
{
	char		name[DIAL_NAME];
	uint32_t	i = d->plan.current;
	int64_t		wait_ms;

	uplink_name(d, i, name, sizeof(name));
	d->attempt = 0;
	d->address[0] = '\0';
	plan_failed(&d->plan, monotime_now(), retry_after_ms, arc4random());
	wait_ms = plan_timer_ms(&d->plan, monotime_now());
	if (wait_ms > 0)
		log_warn("uplink %u (%s) %s: %s; next try in %lld ms", i, name,
		    what, why, (long long)wait_ms);
	else
		log_warn("uplink %u (%s) %s: %s; next try now", i, name, what,
		    why);
	set_timer(d);
}

static void
on_dialled(void *arg, int fd, const char *address, const char *error)
{
	struct dialer	*d = arg;
	struct channel	*frontend = child_peer(d->child, PROC_FRONTEND);
	struct wire_put	*w;

	d->dial = NULL;
	if (fd == -1) {
		d->failed++;
		failed(d, 0, "cannot be reached", error);
		return;
	}
	d->connected++;
	d->attempt = id64_next(&d->attempts);
	strlcpy(d->address, address, sizeof(d->address));
	log_debug("uplink %u: connected to %s", d->plan.current, address);
	plan_connected(&d->plan, monotime_now());
	w = channel_begin(frontend, MSG_UPLINK_FD);
	put_u32(w, d->plan.current);
	put_u32(w, d->cur->number);
	put_u64(w, d->attempt);
	put_str(w, address);
	if (channel_commit_fd(frontend, fd) == -1)
		failed(d, 0, "failed", "the front-end cannot take it");
	set_timer(d);
}

static void
poll_plan(struct dialer *d)
{
	const struct plan_uplink *u;

	switch (plan_poll(&d->plan, monotime_now())) {
	case PLAN_DO_DIAL:
		u = &d->plan.uplinks[d->plan.current];
		d->dial = dial_start(d, u->host, u->port, on_dialled, d);
		break;
	case PLAN_DO_GIVE_UP:
		failed(d, 0, "failed", "no answer from the front-end");
		return;
	case PLAN_DO_NOTHING:
		break;
	}
	set_timer(d);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	poll_plan(arg);
}

void
uplink_init(struct dialer *d)
{
	plan_init(&d->plan);
	id64_init(&d->attempts);
	if ((d->timer = evtimer_new(d->base, on_timer, d)) == NULL)
		fatal("out of memory");
}

/* Forget what is dialled or in use. */
static void
drop(struct dialer *d)
{
	if (d->dial != NULL)
		dial_cancel(d->dial);
	d->dial = NULL;
	d->attempt = 0;
	d->address[0] = '\0';
}

void
uplink_configure(struct dialer *d)
{
	if (!plan_set_uplinks(&d->plan, d->cur->uplinks, d->cur->n_uplinks,
	    monotime_now()))
		drop(d);
	poll_plan(d);
}

void
uplink_sync(struct dialer *d, uint64_t attempt, const struct plan_uplink *u,
    const char *address)
{
	char	name[DIAL_NAME];

	if (attempt == 0)
		plan_set_taker(&d->plan, true, monotime_now());
	else if (plan_adopt(&d->plan, u, monotime_now())) {
		d->attempt = attempt;
		strlcpy(d->address, address, sizeof(d->address));
		uplink_name(d, d->plan.current, name, sizeof(name));
		log_notice("uplink %u (%s) is still up over %s",
		    d->plan.current, name, d->address);
	}
	poll_plan(d);
}

void
uplink_gone(struct dialer *d)
{
	drop(d);
	plan_set_taker(&d->plan, false, monotime_now());
	poll_plan(d);
}

void
uplink_state(struct dialer *d, uint64_t attempt, unsigned int state,
    uint32_t retry_after_ms, const char *reason)
{
	char	name[DIAL_NAME];

	if (attempt == 0 || attempt != d->attempt) {
		d->stale++;
		return;
	}
	if (state == UPLINK_UP) {
		plan_up(&d->plan, monotime_now());
		uplink_name(d, d->plan.current, name, sizeof(name));
		log_notice("uplink %u (%s) is up over %s", d->plan.current,
		    name, d->address);
		set_timer(d);
		return;
	}
	failed(d, retry_after_ms, state == UPLINK_REFUSED ? "was refused" :
	    "is down", reason);
}
