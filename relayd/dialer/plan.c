/* SPDX-License-Identifier: ISC */
/* See plan.h. */
#include <bsd/string.h>

#include <string.h>

#include "relayd/dialer/plan.h"

_Static_assert(LIMIT_UPLINKS <= 32, "tried is a bit set");

void
plan_init(struct plan *p)
{
	memset(p, 0, sizeof(*p));
	p->hold_down_ms = LIMIT_HOLD_DOWN_MS;
	backoff_init(&p->backoff, LIMIT_BACKOFF_MIN_MS, LIMIT_BACKOFF_MAX_MS,
	    LIMIT_STABLE_MS);
}

static bool
active(const struct plan_try *t)
{
	return (t->state >= PLAN_DIALING);
}

static bool
uplink_equal(const struct plan_uplink *a, const struct plan_uplink *b)
{
	return (a->port == b->port && strcmp(a->host, b->host) == 0 &&
	    strcmp(a->path, b->path) == 0);
}

/* Index of the uplink in a list of n, or n. */
static uint32_t
find_uplink(const struct plan_uplink *list, uint32_t n,
    const struct plan_uplink *u)
{
	uint32_t	i;

	for (i = 0; i < n; i++) {
		if (uplink_equal(&list[i], u))
			break;
	}
	return (i);
}

/* --- states --- */

/* Nothing is dialled or in use: wait until wait_until, if at all. */
static void
rest(struct plan *p)
{
	bool	may = p->taker && !p->held && p->n_uplinks > 0;

	memset(&p->link, 0, sizeof(p->link));
	p->link.state = may ? PLAN_WAIT : PLAN_IDLE;
}

static void
drop_candidate(struct plan *p)
{
	memset(&p->candidate, 0, sizeof(p->candidate));
}

/* Dial from the top of the list at once. */
static void
start_over(struct plan *p, struct monotime now)
{
	p->tried = 0;
	p->wait_until = now;
	rest(p);
}

/* The candidate, as far as it got, takes the place of the link. */
static void
promote(struct plan *p, struct monotime now)
{
	p->tried = 0;
	p->hold_from = now;
	p->link = p->candidate;
	drop_candidate(p);
}

/* --- configuration --- */

/* Find what is dialled or in use in the new list, or forget it. */
static void
carry_over(struct plan_try *t, const struct plan_uplink *old,
    const struct plan_uplink *list, uint32_t n)
{
	uint32_t	i;

	if (!active(t))
		return;
	if ((i = find_uplink(list, n, &old[t->uplink])) < n)
		t->uplink = i;
	else
		memset(t, 0, sizeof(*t));
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

void
plan_set_uplinks(struct plan *p, const struct plan_uplink *list, uint32_t n,
    struct monotime now)
{
	struct plan_uplink	old[LIMIT_UPLINKS];
	uint32_t		n_old = p->n_uplinks, i, was;

	if (same_list(p, list, n))
		return;
	memcpy(old, p->uplinks, sizeof(old));
	for (i = 0; i < n; i++) {
		was = find_uplink(old, n_old, &list[i]);
		p->uplinks[i] = list[i];
		p->uplinks[i].asked = was < n_old && old[was].asked;
		if (p->uplinks[i].asked)
			p->uplinks[i].not_before = old[was].not_before;
	}
	p->n_uplinks = n;
	p->tried = 0;
	backoff_reset(&p->backoff);
	carry_over(&p->link, old, p->uplinks, n);
	carry_over(&p->candidate, old, p->uplinks, n);
	if (active(&p->link))
		return;
	if (active(&p->candidate))
		promote(p, now);
	else
		start_over(p, now);
}

void
plan_set_hold_down(struct plan *p, uint32_t hold_down_ms)
{
	p->hold_down_ms = hold_down_ms;
}

void
plan_set_taker(struct plan *p, bool taker, struct monotime now)
{
	p->taker = taker;
	if (taker && p->link.state == PLAN_UP)
		return;			/* adopted */
	drop_candidate(p);
	start_over(p, now);
}

bool
plan_adopt(struct plan *p, const struct plan_uplink *u, uint64_t attempt,
    const char *address, struct monotime now)
{
	uint32_t	i = find_uplink(p->uplinks, p->n_uplinks, u);

	if (p->taker || i == p->n_uplinks ||
	    (p->link.state == PLAN_UP && p->link.uplink <= i))
		return (false);
	p->link.state = PLAN_UP;
	p->link.uplink = i;
	p->link.attempt = attempt;
	strlcpy(p->link.address, address, sizeof(p->link.address));
	p->link.up_since = p->hold_from = now;
	return (true);
}

void
plan_hold(struct plan *p, bool held, struct monotime now)
{
	if (held == p->held)
		return;
	p->held = held;
	if (p->link.state < PLAN_HANDSHAKE)
		start_over(p, now);
}

void
plan_at_once(struct plan *p, struct monotime now)
{
	uint32_t	i;

	p->held = false;
	backoff_reset(&p->backoff);
	for (i = 0; i < p->n_uplinks; i++)
		p->uplinks[i].asked = false;
	if (!active(&p->link))
		start_over(p, now);
}

/* --- time --- */

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

/* Is there a primary to return to?  Then *at is when. */
static bool
may_return(const struct plan *p, struct monotime *at)
{
	const struct plan_uplink	*primary = &p->uplinks[0];
	int64_t				 ms = p->hold_down_ms;

	if (!p->taker || p->link.state != PLAN_UP || p->link.uplink == 0 ||
	    active(&p->candidate))
		return (false);
	/* a hold-down of nothing still must not dial without a pause */
	if (ms < LIMIT_BACKOFF_MIN_MS)
		ms = LIMIT_BACKOFF_MIN_MS;
	*at = monotime_add_ms(p->hold_from, ms);
	if (primary->asked && monotime_diff_ms(primary->not_before, *at) > 0)
		*at = primary->not_before;
	return (true);
}

/* The one in HANDSHAKE whose deadline comes first, or NULL. */
static const struct plan_try *
first_deadline(const struct plan *p)
{
	const struct plan_try	*a = &p->link, *b = &p->candidate;

	if (a->state != PLAN_HANDSHAKE)
		a = NULL;
	if (b->state != PLAN_HANDSHAKE)
		b = NULL;
	if (a == NULL || b == NULL)
		return (a != NULL ? a : b);
	return (monotime_diff_ms(a->deadline, b->deadline) <= 0 ? a : b);
}

static enum plan_do
dial(struct plan *p, struct plan_try *t, uint32_t uplink,
    struct plan_todo *todo)
{
	memset(t, 0, sizeof(*t));
	t->state = PLAN_DIALING;
	t->uplink = uplink;
	p->uplinks[uplink].asked = false;
	todo->uplink = uplink;
	return (PLAN_DO_DIAL);
}

enum plan_do
plan_poll(struct plan *p, struct monotime now, struct plan_todo *todo)
{
	const struct plan_try	*late = first_deadline(p);
	struct monotime		 at;
	uint32_t		 i;

	memset(todo, 0, sizeof(*todo));
	if (late != NULL && monotime_reached(late->deadline, now)) {
		todo->uplink = late->uplink;
		todo->attempt = late->attempt;
		return (PLAN_DO_GIVE_UP);
	}
	if (may_return(p, &at) && monotime_reached(at, now))
		return (dial(p, &p->candidate, 0, todo));
	if (p->link.state != PLAN_WAIT || !monotime_reached(p->wait_until, now))
		return (PLAN_DO_NOTHING);
	if ((i = next_uplink(p, now)) == p->n_uplinks) {
		/* Each Main asked for a later time. */
		p->wait_until = earliest(p, now, now);
		return (PLAN_DO_NOTHING);
	}
	return (dial(p, &p->link, i, todo));
}

int64_t
plan_timer_ms(const struct plan *p, struct monotime now)
{
	const struct plan_try	*t = first_deadline(p);
	struct monotime		 at;

	if (t != NULL)
		at = t->deadline;
	else if (p->link.state == PLAN_WAIT)
		at = p->wait_until;
	else if (!may_return(p, &at))
		return (-1);
	return (monotime_reached(at, now) ? 0 : monotime_diff_ms(at, now));
}

/* --- events --- */

const struct plan_try *
plan_find(const struct plan *p, uint64_t attempt)
{
	const struct plan_try	*both[] = { &p->link, &p->candidate };
	size_t			 i;

	for (i = 0; i < 2; i++) {
		if (attempt == 0 ? both[i]->state == PLAN_DIALING :
		    both[i]->state > PLAN_DIALING &&
		    both[i]->attempt == attempt)
			return (both[i]);
	}
	return (NULL);
}

/* The same, to change. */
static struct plan_try *
find(struct plan *p, uint64_t attempt)
{
	const struct plan_try	*t = plan_find(p, attempt);

	if (t == NULL)
		return (NULL);
	return (t == &p->link ? &p->link : &p->candidate);
}

void
plan_connected(struct plan *p, uint64_t attempt, const char *address,
    struct monotime now)
{
	struct plan_try	*t = find(p, 0);

	if (t == NULL)
		return;
	t->state = PLAN_HANDSHAKE;
	t->attempt = attempt;
	strlcpy(t->address, address, sizeof(t->address));
	/* The front-end watches the handshake; this is for its silence. */
	t->deadline = monotime_add_ms(now, LIMIT_HANDSHAKE_MS + LIMIT_CLOSE_MS);
}

void
plan_up(struct plan *p, uint64_t attempt, struct monotime now)
{
	struct plan_try	*t = find(p, attempt);

	if (t == NULL || t->state != PLAN_HANDSHAKE)
		return;
	t->state = PLAN_UP;
	t->up_since = now;
	if (t == &p->link)
		p->hold_from = now;
}

bool
plan_registered(struct plan *p, uint64_t attempt, struct monotime now)
{
	struct plan_try	*t = find(p, attempt);

	if (t != &p->candidate || t->state != PLAN_UP)
		return (false);
	promote(p, now);
	return (true);
}

/* The link is over, and there is no candidate: what is next, and when? */
static void
link_failed(struct plan *p, bool was_up, struct monotime now, uint32_t random)
{
	struct monotime	until;

	if (!was_up && next_uplink(p, now) < p->n_uplinks) {
		p->wait_until = now;
		return;
	}
	/* A round is over, or a link that was up: from the top, later. */
	p->tried = 0;
	until = monotime_add_ms(now, backoff_next_ms(&p->backoff, random));
	p->wait_until = earliest(p, until, now);
}

void
plan_failed(struct plan *p, uint64_t attempt, struct monotime now,
    uint32_t retry_after_ms, uint32_t random)
{
	struct plan_try		*t = find(p, attempt);
	struct plan_uplink	*u;
	bool			 was_up;

	if (t == NULL)
		return;
	if (retry_after_ms > LIMIT_RETRY_AFTER_MS)
		retry_after_ms = LIMIT_RETRY_AFTER_MS;
	u = &p->uplinks[t->uplink];
	u->asked = retry_after_ms > 0;
	u->not_before = monotime_add_ms(now, retry_after_ms);
	if (t == &p->candidate) {
		p->hold_from = now;
		drop_candidate(p);
		return;
	}
	was_up = t->state == PLAN_UP;
	if (was_up)
		backoff_held(&p->backoff, monotime_diff_ms(now, t->up_since));
	if (active(&p->candidate)) {
		promote(p, now);
		return;
	}
	p->tried |= 1U << t->uplink;
	link_failed(p, was_up, now, random);
	rest(p);
}
