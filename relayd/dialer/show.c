/* SPDX-License-Identifier: ISC */
/* What relay-dialer says of itself. */
#include "relayd/dialer/dialer.h"

static const char *const state_names[] = {
	[PLAN_IDLE] = "idle",
	[PLAN_WAIT] = "waiting",
	[PLAN_DIALING] = "dialing",
	[PLAN_HANDSHAKE] = "handshake",
	[PLAN_UP] = "up",
};

static int64_t
next_try_ms(const struct plan *p)
{
	return (p->link.state == PLAN_WAIT ?
	    plan_timer_ms(p, monotime_now()) : 0);
}

/* Who is busy with that uplink, or NULL. */
static const struct plan_try *
user(const struct plan *p, uint32_t uplink)
{
	if (p->link.state >= PLAN_DIALING && p->link.uplink == uplink)
		return (&p->link);
	if (p->candidate.state >= PLAN_DIALING && p->candidate.uplink == uplink)
		return (&p->candidate);
	return (NULL);
}

/* The uplinks of a home. */
static void
show_uplinks(const struct target *t, struct channel *ch, uint64_t request)
{
	const struct plan_try	*try;
	char			 host[DIAL_NAME];
	struct ctl_row		 row;
	uint32_t		 i;

	for (i = 0; i < t->plan.n_uplinks; i++) {
		try = user(&t->plan, i);
		target_host(t, i, host, sizeof(host));
		ctl_row_begin(&row, ch, request, "uplinks");
		ctl_number(&row, "uplink", i);
		ctl_text(&row, "host", host);
		ctl_text(&row, "state", try != NULL ? state_names[try->state] :
		    "standby");
		ctl_text(&row, "address", try != NULL ? try->address : "");
		ctl_row_end(&row);
	}
}

/* A peer of a Main. */
static void
show_peer(const struct target *t, struct channel *ch, uint64_t request)
{
	const struct plan	*p = &t->plan;
	char			 host[DIAL_NAME];
	struct ctl_row		 row;

	target_host(t, 0, host, sizeof(host));
	ctl_row_begin(&row, ch, request, "dialed_peers");
	ctl_number(&row, "peer", t->index);
	ctl_text(&row, "host", host);
	ctl_text(&row, "state", p->held && p->link.state < PLAN_DIALING ?
	    "held" : state_names[p->link.state]);
	ctl_text(&row, "address", p->link.address);
	ctl_number(&row, "failures", p->backoff.failures);
	ctl_number(&row, "next_try_in_ms", next_try_ms(p));
	ctl_text(&row, "reason", t->reason);
	ctl_row_end(&row);
}

void
dialer_show(struct dialer *d, struct channel *ch, uint64_t request)
{
	bool		 home = child_role(d->child) == ROLE_HOME;
	const struct plan *p;
	struct ctl_row	 row;
	uint32_t	 i;

	for (i = 0; i < d->n_targets; i++) {
		if (home)
			show_uplinks(d->targets[i], ch, request);
		else
			show_peer(d->targets[i], ch, request);
	}
	ctl_row_begin(&row, ch, request, "dialer");
	if (home && d->n_targets > 0) {
		p = &d->targets[0]->plan;
		ctl_text(&row, "state", state_names[p->link.state]);
		ctl_number(&row, "failures", p->backoff.failures);
		ctl_number(&row, "next_try_in_ms", next_try_ms(p));
	}
	ctl_number(&row, "dials", (int64_t)d->dials);
	ctl_number(&row, "connected", (int64_t)d->connected);
	ctl_number(&row, "failed", (int64_t)d->failed);
	ctl_number(&row, "stale", (int64_t)d->stale);
	ctl_row_end(&row);
}
