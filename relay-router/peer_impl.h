/* SPDX-License-Identifier: ISC */

/*
 * What the files of links with peers share, and nobody else.
 */

#ifndef RELAY_ROUTER_PEER_IMPL_H
#define RELAY_ROUTER_PEER_IMPL_H

#include "relay-router/peer_link.h"
#include "relay-router/query.h"

struct peer_state {
	bool		 lagging;	/* has missed something: it is told
					 * nothing until it gets a snapshot */
	bool		 more;		/* takes the next part, if there is
					 * room; see PEER_MORE */
	size_t		 over;		/* bytes sent to its full queue */
	bool		 dropped;	/* what it said, for want of room */
	bool		 wants;		/* a snapshot, likewise */
	unsigned int	 faults;	/* malformed messages of it */
	unsigned int	 foreign;	/* and for nodes of others */
	unsigned int	 queries;	/* since window_ms */
	int64_t		 window_ms;
};

/* Asks the peer for a snapshot. */
void	 peer_ask_snapshot(struct router *, struct session *);
/* Sends the registry a message that has a session and nothing else. */
void	 peer_tell_registry(struct router *, enum msg_type,
	    const struct session *);
/* A count and services, to be cleared and freed whatever happens. */
struct service	*peer_get_services(struct wire_get *, uint16_t *);

#endif /* RELAY_ROUTER_PEER_IMPL_H */
