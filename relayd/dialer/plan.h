/* SPDX-License-Identifier: ISC */
/*
 * When to dial which uplink (PROTOCOL.md section 4): the primary first, then
 * its fallbacks in order; after the whole list a back-off with full jitter,
 * which a retry_after of the Main overrides.  From a fallback the primary is
 * tried again after a hold-down, beside the link that is in use (a
 * candidate), and takes its place once it is registered.  A peer is a list of
 * one.  Pure: time, random numbers and the numbers of attempts are passed in.
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
	bool		tls;		/* wss, for the log */
	bool		asked;		/* the Main named a time to come back */
	struct monotime	not_before;	/* ... and this is it */
};

enum plan_state {
	PLAN_IDLE,		/* no uplink, nobody to take it, or held */
	PLAN_WAIT,		/* until wait_until; not a candidate's */
	PLAN_DIALING,		/* resolving and connecting */
	PLAN_HANDSHAKE,		/* the front-end has the fd */
	PLAN_UP
};

/* One that is dialled or in use.  At most one is in PLAN_DIALING. */
struct plan_try {
	enum plan_state	state;
	uint32_t	uplink;		/* index, from DIALING on */
	uint64_t	attempt;	/* from HANDSHAKE on; never 0 there */
	char		address[64];	/* of the Main, from HANDSHAKE on */
	struct monotime	deadline;	/* of HANDSHAKE */
	struct monotime	up_since;
};

struct plan {
	struct plan_uplink	uplinks[LIMIT_UPLINKS];
	uint32_t		n_uplinks;
	bool			taker;		/* there is a front-end */
	bool			held;		/* not to be dialled */
	struct plan_try		link;
	struct plan_try		candidate;	/* only while link is UP */
	uint32_t		tried;		/* this round, as a bit set */
	struct monotime		wait_until;
	int64_t			hold_down_ms;
	struct monotime		hold_from;	/* start of the hold-down */
	struct backoff		backoff;
};

enum plan_do {
	PLAN_DO_NOTHING,
	PLAN_DO_DIAL,		/* uplink, now */
	PLAN_DO_GIVE_UP		/* the front-end does not answer for attempt */
};

struct plan_todo {
	uint32_t	uplink;
	uint64_t	attempt;
};

void		plan_init(struct plan *);
/*
 * A new list of at most LIMIT_UPLINKS.  What is dialled or in use goes on if
 * it is still in it (under a new index), else it is forgotten.
 */
void		plan_set_uplinks(struct plan *, const struct plan_uplink *,
		    uint32_t, struct monotime);
/* How long on a fallback before the primary is tried again, in ms. */
void		plan_set_hold_down(struct plan *, uint32_t);
/*
 * The front-end is there, without an uplink but for one that was adopted; or
 * it is gone, and any uplink with it.
 */
void		plan_set_taker(struct plan *, bool, struct monotime);
/*
 * A front-end, not the taker yet, holds a live uplink with this host, port and
 * path, of that attempt and address.  Returns true if it is the one that is
 * up now: it is configured, and comes before one that was adopted earlier.
 */
bool		plan_adopt(struct plan *, const struct plan_uplink *,
		    uint64_t, const char *, struct monotime);
/*
 * Held: what is not with the front-end yet is not dialled.  Not held any
 * more: dial at once, if it was.
 */
void		plan_hold(struct plan *, bool, struct monotime);
/* Forget the back-off and what Mains asked for; dial now unless one is. */
void		plan_at_once(struct plan *, struct monotime);

/* What to do now; after DIAL and GIVE_UP the owner reports what came of it. */
enum plan_do	plan_poll(struct plan *, struct monotime, struct plan_todo *);
/* How long until plan_poll() may have something, in ms; -1: no timer. */
int64_t		plan_timer_ms(const struct plan *, struct monotime);

/*
 * Who has that attempt, or for 0 who is in PLAN_DIALING; NULL: nobody (any
 * more).  Good until the next call on the plan.
 */
const struct plan_try *plan_find(const struct plan *, uint64_t);

/* The one that was dialled is connected, and handed to the front-end. */
void		plan_connected(struct plan *, uint64_t, const char *,
		    struct monotime);
/* The Main accepted it. */
void		plan_up(struct plan *, uint64_t, struct monotime);
/*
 * The Main answered its registration.  Returns true if it was the candidate:
 * it is the link now, and the attempt that was is forgotten.
 */
bool		plan_registered(struct plan *, uint64_t, struct monotime);
/*
 * That attempt (0: the one in PLAN_DIALING) could not be reached, was
 * refused, or ended; retry_after_ms is what the Main asked for, or 0.  Counts
 * as one failure of the link, with a random number that is uniform over 32
 * bits; a candidate takes its place.  Without such an attempt nothing happens.
 */
void		plan_failed(struct plan *, uint64_t, struct monotime, uint32_t,
		    uint32_t);

#endif
