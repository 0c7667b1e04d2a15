/* SPDX-License-Identifier: ISC */
/*
 * When to dial which uplink (PROTOCOL.md section 4): one at a time, the
 * primary first, then its fallbacks in order; after the whole list a back-off
 * with full jitter, which a retry_after of the Main overrides.  Pure: time
 * and random numbers are passed in.
 */
#ifndef DIALER_PLAN_H
#define DIALER_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/backoff.h"
#include "common/limits.h"
#include "common/monotime.h"

struct plan_uplink {
	char		host[256];
	uint16_t	port;
	char		path[LIMIT_CONF_STRING + 1];
	bool		asked;		/* the Main named a time to come back */
	struct monotime	not_before;	/* ... and this is it */
};

enum plan_state {
	PLAN_IDLE,		/* no uplink, or nobody to take it */
	PLAN_WAIT,		/* until wait_until */
	PLAN_DIALING,		/* resolving and connecting */
	PLAN_HANDSHAKE,		/* the front-end has the fd */
	PLAN_UP
};

struct plan {
	struct plan_uplink	uplinks[LIMIT_UPLINKS];
	uint32_t		n_uplinks;
	enum plan_state		state;
	bool			taker;		/* there is a front-end */
	uint32_t		current;	/* from DIALING on */
	uint32_t		tried;		/* this round, as a bit set */
	struct monotime		wait_until;
	struct monotime		deadline;	/* of HANDSHAKE */
	struct monotime		up_since;
	struct backoff		backoff;
};

enum plan_do {
	PLAN_DO_NOTHING,
	PLAN_DO_DIAL,		/* plan->current, now */
	PLAN_DO_GIVE_UP		/* the front-end does not answer */
};

void		plan_init(struct plan *);
/*
 * A new list of at most LIMIT_UPLINKS.  Returns true if what was dialled or
 * in use is still in it (under a new index), or nothing was; false if the
 * owner must drop it.
 */
bool		plan_set_uplinks(struct plan *, const struct plan_uplink *,
		    uint32_t, struct monotime);
/* The front-end is there without an uplink, or gone and any uplink with it. */
void		plan_set_taker(struct plan *, bool, struct monotime);
/*
 * The front-end is there and holds a live uplink with this host, port and
 * path.  Returns true if it is configured: then it is the one that is up;
 * false if not, and the plan starts as for a front-end without one.
 */
bool		plan_adopt(struct plan *, const struct plan_uplink *,
		    struct monotime);

/* What to do now; after DIAL and GIVE_UP the owner reports what came of it. */
enum plan_do	plan_poll(struct plan *, struct monotime);
/* How long until plan_poll() may have something, in ms; -1: no timer. */
int64_t		plan_timer_ms(const struct plan *, struct monotime);

/* Connected, and handed to the front-end. */
void		plan_connected(struct plan *, struct monotime);
/* The Main accepted it. */
void		plan_up(struct plan *, struct monotime);
/*
 * It could not be reached, was refused, or ended; retry_after_ms is what the
 * Main asked for, or 0.  Counts as one failure, with a random number that is
 * uniform over 32 bits.
 */
void		plan_failed(struct plan *, struct monotime, uint32_t,
		    uint32_t);

#endif
