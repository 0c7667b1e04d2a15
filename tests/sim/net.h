/* SPDX-License-Identifier: ISC */
/*
 * The simulated network: connections between hosts that keep their order,
 * each direction with a delay of its own.  While a path is cut its bytes wait
 * for it to heal, as TCP would send them again; a host that crashed says
 * nothing and forgets.  On top of that what a WebSocket has: the upgrade,
 * pings, and the end of a link that was silent for LIMIT_DEAD_MS.
 */
#ifndef TESTS_SIM_NET_H
#define TESTS_SIM_NET_H

#include <bsd/sys/queue.h>

#include "common/limits.h"
#include "tests/sim/sim.h"

#define NET_NAME	40		/* bytes of an id here */

enum net_kind {
	NET_UPGRADE = 1,	/* GET: who asks; struct net_hello */
	NET_WELCOME,		/* 101: who answers; struct net_hello */
	NET_REFUSE,		/* another status; struct net_hello, reason */
	NET_TEXT,
	NET_PING,
	NET_PONG,
	NET_CLOSE,		/* the close frame, with its code */
	NET_FIN			/* nothing comes after it */
};

struct net_hello {
	char		node[NET_NAME];
	char		boot[LIMIT_BOOT_ID + 1];
	bool		peer;		/* X-Relay-Node-Type: main */
	uint16_t	status;
	uint32_t	retry_after_ms;
	char		reason[128];
};

struct net_msg {
	STAILQ_ENTRY(net_msg)	 entry;
	enum net_kind		 kind;
	uint16_t		 code;
	int64_t			 at_us;
	size_t			 len;
	char			 data[];	/* text has a NUL behind it */
};

struct net_end;

struct net_ops {
	/* Not for pings, pongs and the end. */
	void	(*message)(void *, struct net_end *, const struct net_msg *);
	/* It has ended there, or is dead; it is freed after this. */
	void	(*closed)(void *, struct net_end *, const char *);
	/* What was sent and has not arrived grew over a limit, or no longer. */
	void	(*full)(void *, struct net_end *, bool);
};

/* A host of the network: a Main or a home. */
struct host {
	unsigned int	 index;
	bool		 listens;	/* its Main takes connections */
	bool		 crashed;	/* refuses not, nor answers */
	/* A connection came. */
	void		(*accept)(void *, struct net_end *);
	void		*arg;
	LIST_HEAD(, net_end) ends;
};

struct net_end {
	LIST_ENTRY(net_end)	 entry;		/* of its host */
	struct host		*host;
	struct net_end		*other;
	const struct net_ops	*ops;
	void			*arg;
	bool			 open;
	bool			 full;		/* as its owner was told */
	bool			 freed;		/* soon */
	bool			 paused;	/* its owner does not read */
	STAILQ_HEAD(, net_msg)	 in;		/* on their way here */
	size_t			 in_bytes;
	int64_t			 last_us;	/* when the last one arrives */
	int64_t			 heard_us;
	int64_t			 stalled_us;	/* when one had to wait */
	int64_t			 slow_us;	/* takes nothing until then */
	struct timer		 deliver, ping, dead;
};

struct host	*host_new(void);
/*
 * Connects two hosts; calls back with the end, or NULL and why not.  Returns
 * a handle to cancel it until then.
 */
struct net_dial;
typedef void (*net_connected)(void *, struct net_end *, const char *);
struct net_dial	*net_connect(struct host *, struct host *, net_connected,
		    void *);
void	net_cancel(struct net_dial *);
/* How many were made so far. */
uint64_t	net_connections(void);

void	net_send(struct net_end *, enum net_kind, uint16_t, const void *,
	    size_t);
/* Our side is over: what was sent still arrives, and then the end. */
void	net_close(struct net_end *);
/* Its owner stops reading, or goes on. */
void	net_pause(struct net_end *, bool);
/* Every connection of the host is gone; the others hear of it or do not. */
void	net_drop_host(struct host *, bool);

/* A path in one direction. */
void	net_cut(const struct host *, const struct host *, int64_t);
void	net_heal(void);
bool	net_is_cut(const struct host *, const struct host *);
/* When it was last cut, in either direction, or is; 0: never. */
int64_t	net_cut_until(const struct host *, const struct host *);

#endif
