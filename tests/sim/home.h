/* SPDX-License-Identifier: ISC */
/* A simulated home, and the calls that homes and HTTP clients make. */
#ifndef TESTS_SIM_HOME_H
#define TESTS_SIM_HOME_H

#include "common/backoff.h"
#include "common/wire.h"
#include "tests/sim/net.h"
#include "tests/sim/node.h"
#include "tests/sim/sim.h"

#define HOME_SERVICES	6	/* names there are: s0 ... */

enum home_state {
	HOME_OFF,		/* not running */
	HOME_WAIT,		/* for the next try */
	HOME_DIAL,
	HOME_UPGRADE,
	HOME_LINKED		/* there may be an answer to come yet */
};

struct home {
	unsigned int	 index;
	char		 id[NET_NAME];
	char		 boot[17];
	struct host	*host;
	enum home_state	 state;
	unsigned int	 at;		/* the one it is linked to or dials */
	bool		 registered;	/* it was answered */
	uint8_t		 services;	/* a bit each */
	uint8_t		 told;		/* what it registered last */
	uint8_t		 accepted;	/* what the answer was to */
	bool		 features;	/* announces the additions */
	struct net_end	*end;
	uint64_t	 life;		/* counts its links */
	uint64_t	 messages;
	unsigned int	*calls;		/* its own, by their numbers */
	unsigned int	 n_calls;
	char		 register_id[32];
	struct net_dial	*dial;
	struct backoff	 backoff;
	int64_t		 since_us;	/* of this link */
	int64_t		*seen_us;	/* by Main: last linked there */
	struct timer	 retry, beat, late;
};

struct home	*home_new(unsigned int, const char *);
void	home_start(struct home *);
/* It ends: in silence, or closing what it has. */
void	home_stop(struct home *, bool);
/* Wants another Main: leaves the old one so, or closes it. */
void	home_move(struct home *, unsigned int, bool);
/* Changes what it offers, and says so. */
void	home_offer(struct home *, uint8_t);
/* Says in a heartbeat which of its services are not well. */
void	home_unhealthy(struct home *, uint8_t);
/* Sends text over its link. */
void	home_send(struct home *, const char *, size_t);
/* The head of a message with a fresh id. */
int	home_head(struct home *, char *, size_t, const char *);
/* The number of a service by its name. */
unsigned int	 home_service(const char *);
/* It was linked to that Main at this time or later. */
bool	home_was_at(const char *, unsigned int, int64_t);

/* --- call.c --- */
struct json_object;
/* One call of a home, or of a client of a Main, of somebody. */
void	call_make(void);
/*
 * A call that must succeed, from that home to that one; or fail, if rules deny
 * it.
 */
void	call_must(struct home *, struct home *);
/* A message for a home: a request, or what answers its own. */
void	call_served(struct home *, struct json_object *, const char *);
void	call_answered(struct home *, struct json_object *);
/* Calls that have neither an answer nor an excuse. */
void	call_end_check(void);
/* The text of a peer link has a request: count the links it crosses. */
void	call_crosses(struct span);

#endif
