/* SPDX-License-Identifier: ISC */
/*
 * Private header of relay-dialer: name look-ups and connections for uplinks
 * and http services that are configured.  It hands over connected sockets and
 * never reads or writes a byte on them.
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
	struct plan_uplink	uplinks[LIMIT_UPLINKS];
	uint32_t		n_uplinks;
	struct endpoint		endpoints[LIMIT_SERVICES];
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
	struct plan		 plan;
	struct event		*timer;		/* plan_poll() */
	struct dial		*dial;		/* while PLAN_DIALING */
	struct id64		 attempts;
	uint64_t		 attempt;	/* the present one */
	char			 address[64];	/* of the present uplink */
	TAILQ_HEAD(, errand)	 errands;
	uint64_t		 dials;		/* connections asked for */
	uint64_t		 connected;
	uint64_t		 failed;
	uint64_t		 stale;		/* of another attempt */
};

/* --- uplink.c: the plan put to work --- */
void	uplink_init(struct dialer *);
void	uplink_configure(struct dialer *);
/*
 * The front-end says, once, what it has: the attempt it holds a live uplink
 * of, the uplink as it was configured then and the Main's address; or
 * attempt 0 for none.
 */
void	uplink_sync(struct dialer *, uint64_t, const struct plan_uplink *,
	    const char *);
/* The front-end is gone. */
void	uplink_gone(struct dialer *);
void	uplink_state(struct dialer *, uint64_t, unsigned int, uint32_t,
	    const char *);
/* The host and port of an uplink as a log line names it. */
void	uplink_name(const struct dialer *, uint32_t, char *, size_t);

#endif
