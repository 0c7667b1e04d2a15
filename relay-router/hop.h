/* SPDX-License-Identifier: ISC */

/*
 * What may come over a link with another Main (PROTOCOL.md sections 2 and
 * 3): who it speaks for, the way it came, and how much further it may go.
 * Pure.
 */

#ifndef RELAY_ROUTER_HOP_H
#define RELAY_ROUTER_HOP_H

#include <stdint.h>

#include "relay-router/envelope.h"
#include "relay-router/text.h"

/* What is wrong, the graver first. */
enum hop_fault {
	HOP_OK = 0,
	HOP_SOURCE,		/* source_node is absent or no NodeAddress */
	HOP_FOREIGN,		/* it is a node of another Main's */
	HOP_PATH,		/* routing_path */
	HOP_TTL,		/* nothing is left of it */
};

/*
 * Checks a message of the peer, a Main of that id, that came to this Main.
 * Both ids are lower case.  Its source_node must be the peer or a home under
 * it; its routing_path one or two ids of which the last is the peer, none
 * comes twice and none is this Main; its ttl over 0.
 */
enum hop_fault	 hop_check(const struct envelope *, const char *,
		    const char *);

/* The faults in words, static. */
const char	*hop_strerror(enum hop_fault);

/* Appends the routing_path of such a message with one more id. */
void		 hop_path(struct text *, const struct envelope *,
		    const char *);

/*
 * What is left of a ttl for the next link: the one it came over is counted,
 * and no ttl is over LIMIT_HOPS.  0 or less: it must not go on.
 */
int64_t		 hop_ttl(int64_t);

#endif /* RELAY_ROUTER_HOP_H */
