/* SPDX-License-Identifier: ISC */
/*
 * Private header of relay-dialer: name look-ups and connections for uplinks,
 * peers and http services that are configured.  It hands over connected
 * sockets and never reads or writes a byte on them.
 */
#ifndef DIALER_DIALER_H
#define DIALER_DIALER_H

#include <event2/event.h>

#include <bsd/sys/queue.h>

#include <sys/types.h>

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "common/child.h"
#include "common/id64.h"
#include "common/limits.h"
#include "relayd/dialer/plan.h"
#include "relayd/dialer/race.h"
#include "relayd/dialer/repeat.h"

#define DIAL_ERROR	400	/* bytes of what went wrong */
#define DIAL_NAME	300	/* bytes of "host:port" */

struct dialer;
struct dial;
struct evdns_base;
struct evdns_getaddrinfo_request;

/* --- resolve.c: names to addresses --- */

/* What a file looked like when it was read. */
struct seen {
	bool		there;
	dev_t		dev;
	ino_t		ino;
	off_t		size;
	struct timespec	mtime;
};

struct resolver {
	struct event_base	*base;
	struct evdns_base	*dns;
	struct seen		 conf;		/* /etc/resolv.conf */
	struct seen		 hosts;		/* /etc/hosts */
	unsigned int		 lookups;	/* under way */
};

struct lookup;

/* The addresses were added to the race, or NULL and what went wrong. */
typedef void (*lookup_done)(void *, const char *);

/* Read the system's files: before the sandbox closes, to load what it needs. */
void		 resolver_init(struct resolver *, struct event_base *);
/*
 * Look up a host and add its addresses to the race.  Calls back when it is
 * done, which may be before it returns; returns NULL then, else a handle to
 * cancel it.
 */
struct lookup	*lookup_start(struct resolver *, const char *, uint16_t,
		    struct race *, lookup_done, void *);
void		 lookup_cancel(struct lookup *);

/* --- dial.c: one host to one connected socket --- */

/*
 * The end of a dial: a socket that is connected (with its address) and the
 * callee's, or -1 and what went wrong.
 */
typedef void (*dial_done)(void *, int, const char *, const char *);

/*
 * Connect to host and port within LIMIT_DIAL_MS.  Calls back later, never
 * before it returns.  The caller may cancel until then.
 */
struct dial	*dial_start(struct dialer *, const char *, uint16_t, dial_done,
		    void *);
void		 dial_cancel(struct dial *);

/* --- the process --- */

/* An http service of this home. */
struct endpoint {
	bool		there;
	char		host[256];
	uint16_t	port;
};

struct generation {
	uint32_t		number;
	uint32_t		hold_down_ms;
	/* of a home in order, or the peers of a Main */
	struct plan_uplink	uplinks[LIMIT_PEERS];
	uint32_t		n_uplinks;
	struct endpoint		endpoints[LIMIT_SERVICES];
};

/*
 * One place to be linked to: the uplinks of a home in their order, or one
 * peer of a Main.
 */
struct target {
	struct dialer	*d;
	uint32_t	 index;		/* of a peer */
	struct plan	 plan;
	struct event	*timer;		/* plan_poll() */
	struct dial	*dial;		/* while one is in PLAN_DIALING */
	char		 main_id[LIMIT_NODE_ID + 1]; /* as it named itself */
	/* Of the last failure, and what failed; empty if it is up. */
	char		 reason[LIMIT_DENIAL + 32];
	int		 told;		/* the last DIAL_STATE, or 0 */
	struct repeat	 logged[LIMIT_UPLINKS];	/* failures, by uplink */
};

/* A SERVICE_CONNECT that is not answered. */
struct errand {
	TAILQ_ENTRY(errand)	 entry;
	struct dialer		*d;
	uint64_t		 request;
	struct dial		*dial;
};

struct dialer {
	struct child		*child;
	struct event_base	*base;
	struct resolver		 resolver;
	struct generation	*cur, *next;
	struct target		*targets[LIMIT_PEERS];
	uint32_t		 n_targets;
	bool			 synced;	/* the front-end said what it has */
	struct id64		 attempts;
	TAILQ_HEAD(, errand)	 errands;
	uint64_t		 dials;		/* connections asked for */
	uint64_t		 connected;
	uint64_t		 failed;
	uint64_t		 stale;		/* of what is gone */
};

/* --- target.c: the plans put to work --- */
void	targets_init(struct dialer *);
/* A generation is in force. */
void	targets_configure(struct dialer *);
/*
 * The front-end says what it has when it comes: for each live link the
 * attempt it is of, the uplink as it was configured then, and the address of
 * the Main ...
 */
void	targets_adopt(struct dialer *, uint64_t, const struct plan_uplink *,
	    const char *, const char *);
/* ... and that this was all.  Nothing is dialled before. */
void	targets_synced(struct dialer *);
/* The front-end is gone. */
void	targets_gone(struct dialer *);
/* UPLINK_STATE, but for its attempt with strings that fit. */
void	targets_state(struct dialer *, uint64_t, unsigned int, uint32_t,
	    const char *, const char *);
/*
 * DIAL_ORDER: 1 hold, 2 go on, 3 at once.  Always answered with the state, so
 * that a new registry learns it.
 */
void	target_dial(struct target *, unsigned int);
/* "host:port" of one of its uplinks. */
void	target_host(const struct target *, uint32_t, char *, size_t);

/* --- show.c: rows of the summary --- */
void	dialer_show(struct dialer *, struct channel *, uint64_t);

#endif
