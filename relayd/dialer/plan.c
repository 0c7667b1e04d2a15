/* SPDX-License-Identifier: ISC */
/* See plan.h. */
#include <string.h>

#include "relayd/dialer/plan.h"

_Static_assert(LIMIT_UPLINKS <= 32, "tried is a bit set");

void
plan_init(struct plan *p)
{
	memset(p, 0, sizeof(*p));
	backoff_init(&p->backoff, LIMIT_BACKOFF_MIN_MS, LIMIT_BACKOFF_MAX_MS,
	    LIMIT_STABLE_MS);
}

static bool
active(const struct plan *p)
{
	return (p->state >= PLAN_DIALING);
}

static bool
uplink_equal(const struct plan_uplink *a, const struct plan_uplink *b)
{
	return (a->port == b->port && strcmp(a->host, b->host) == 0 &&
	    strcmp(a->path, b->path) == 0);
}

/* Index of the uplink in the plan, or n_uplinks. */
static uint32_t
find(const struct plan *p, const struct plan_uplink *u)
{
	uint32_t	i;

	for (i = 0; i < p->n_uplinks; i++) {
		if (uplink_equal(&p->uplinks[i], u))
			break;
	}
	return (i);
}

/* Dial from the top of the list at once. */
static void
start_over(struct plan *p, struct monotime now)
{
	p->tried = 0;
	p->wait_until = now;
	p->state = p->taker && p->n_uplinks > 0 ? PLAN_WAIT : PLAN_IDLE;
}

static bool
same_list(const struct plan *p, const struct plan_uplink *list, uint32_t n)
{
	uint32_t	i;

	for (i = 0; i < n && i < p->n_uplinks; i++) {
		if (!uplink_equal(&p->uplinks[i], &list[i]))
			return (false);
	}
	return (n == p->n_uplinks);
}

bool
plan_set_uplinks(struct plan *p, const struct plan_uplink *list, uint32_t n,
    struct monotime now)
{
	struct plan_uplink	old[LIMIT_UPLINKS], used;
	struct plan		before = *p;
	uint32_t		i, was;
	bool			kept;

	if (same_list(p, list, n))
		return (true);
	memcpy(old, p->uplinks, sizeof(old));
	used = old[p->current];
	for (i = 0; i < n; i++) {
		was = find(&before, &list[i]);
		p->uplinks[i] = list[i];
		p->uplinks[i].asked = was < before.n_uplinks &&
		    old[was].asked;
		if (p->uplinks[i].asked)
			p->uplinks[i].not_before = old[was].not_before;
	}
	p->n_uplinks = n;
	p->tried = 0;
	backoff_reset(&p->backoff);
	if (!active(p)) {
		start_over(p, now);
		return (true);
	}
	i = find(p, &used);
	kept = i < p->n_uplinks;
	if (kept)
		p->current = i;
	else {
		p->current = 0;
		start_over(p, now);
	}
	return (kept);
}

void
plan_set_taker(struct plan *p, bool taker, struct monotime now)
{
	p->taker = taker;
	start_over(p, now);
}

bool
plan_adopt(struct plan *p, const struct plan_uplink *u, struct monotime now)
{
	uint32_t	i = find(p, u);

	plan_set_taker(p, true, now);
	if (i == p->n_uplinks)
		return (false);
	p->current = i;
	p->state = PLAN_UP;
	p->up_since = now;
	return (true);
}

/* May be dialled now, as far as its Main goes. */
static bool
welcome(const struct plan_uplink *u, struct monotime now)
{
	return (!u->asked || monotime_reached(u->not_before, now));
}

/* The first uplink not tried in this round that may be dialled, or n. */
static uint32_t
next_uplink(const struct plan *p, struct monotime now)
{
	uint32_t	i;

	for (i = 0; i < p->n_uplinks; i++) {
		if ((p->tried & 1U << i) == 0 && welcome(&p->uplinks[i], now))
			break;
	}
	return (i);
}

/* The earliest time at which any uplink may be dialled. */
static struct monotime
earliest(const struct plan *p, struct monotime backoff_until,
    struct monotime now)
{
	struct monotime	best = { INT64_MAX }, t;
	uint32_t	i;

	for (i = 0; i < p->n_uplinks; i++) {
		t = welcome(&p->uplinks[i], now) ? backoff_until :
		    p->uplinks[i].not_before;
		if (monotime_diff_ms(t, best) < 0)
			best = t;
	}
	return (best);
}

enum plan_do
plan_poll(struct plan *p, struct monotime now)
{
	uint32_t	i;

	if (p->state == PLAN_HANDSHAKE && monotime_reached(p->deadline, now))
		return (PLAN_DO_GIVE_UP);
	if (p->state != PLAN_WAIT || !monotime_reached(p->wait_until, now))
		return (PLAN_DO_NOTHING);
	if ((i = next_uplink(p, now)) == p->n_uplinks) {
		/* Each Main asked for a later time. */
		p->wait_until = earliest(p, now, now);
		return (PLAN_DO_NOTHING);
	}
	p->current = i;
	p->uplinks[i].asked = false;
	p->state = PLAN_DIALING;
	return (PLAN_DO_DIAL);
}

int64_t
plan_timer_ms(const struct plan *p, struct monotime now)
{
	struct monotime	at;

	if (p->state == PLAN_WAIT)
		at = p->wait_until;
	else if (p->state == PLAN_HANDSHAKE)
		at = p->deadline;
	else
		return (-1);
	return (monotime_reached(at, now) ? 0 : monotime_diff_ms(at, now));
}

void
plan_connected(struct plan *p, struct monotime now)
{
	p->state = PLAN_HANDSHAKE;
	/* The front-end watches the handshake; this is for its silence. */
	p->deadline = monotime_add_ms(now, LIMIT_HANDSHAKE_MS + LIMIT_CLOSE_MS);
}

void
plan_up(struct plan *p, struct monotime now)
{
	if (p->state != PLAN_HANDSHAKE)
		return;
	p->state = PLAN_UP;
	p->up_since = now;
}

void
plan_failed(struct plan *p, struct monotime now, uint32_t retry_after_ms,
    uint32_t random)
{
	struct plan_uplink	*u = &p->uplinks[p->current];
	bool			 was_up = p->state == PLAN_UP;
	struct monotime		 until;

	if (!active(p))
		return;
	if (retry_after_ms > LIMIT_RETRY_AFTER_MS)
		retry_after_ms = LIMIT_RETRY_AFTER_MS;
	u->asked = retry_after_ms > 0;
	u->not_before = monotime_add_ms(now, retry_after_ms);
	p->state = PLAN_WAIT;
	p->tried |= 1U << p->current;
	if (was_up)
		backoff_held(&p->backoff,
		    monotime_diff_ms(now, p->up_since));
	else if (next_uplink(p, now) < p->n_uplinks) {
		p->wait_until = now;
		return;
	}
	/* A round is over, or a link that was up: from the top, later. */
	p->tried = 0;
	until = monotime_add_ms(now, backoff_next_ms(&p->backoff, random));
	p->wait_until = earliest(p, until, now);
}
