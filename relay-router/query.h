/* SPDX-License-Identifier: ISC */

/*
 * The miss query (PROTOCOL.md section 5): a call whose service or node is not
 * in the route table waits while every peer is asked, at most LIMIT_QUERY_MS.
 * Calls that want the same wait for one question.  What nobody has is not
 * asked about again for LIMIT_QUERY_MISS_MS.
 *
 * A held call is pending toward an end of kind END_QUERY under the deadline
 * of the call itself, so that a repeated id is refused and it can be
 * cancelled, expire or lose its caller as any other: whoever ends a pending
 * call need not tell this file.
 */

#ifndef RELAY_ROUTER_QUERY_H
#define RELAY_ROUTER_QUERY_H

#include <stdbool.h>
#include <stdint.h>

#include "relay-router/router.h"

/* Makes r->queries, with its own timer. */
void	 query_init(struct router *);

/*
 * Holds a call that was refused with this error, for want of a route: a deep
 * copy of it.  True if the answer is now this file's to give: by
 * call_place_held() if a peer knows better, else that error.  False if it is
 * not to be held (no peer to ask, asked lately, too many); the caller then
 * gives the error.
 */
bool	 query_hold(struct router *, const struct call *,
	    const struct rpc_error *);

/*
 * Answers all held calls with their errors: the registry is gone, and with it
 * what the peers' answers would lead to.
 */
void	 query_end_all(struct router *);

/* A peer's answer to the message of that id: node as in PEER_ANSWER. */
void	 query_answer(struct router *, struct session *, struct span, bool,
	    unsigned int);
/* PEER_BARRIER came back: query, session, found, node. */
void	 query_barrier(struct router *, uint64_t, uint64_t, bool,
	    unsigned int);
/* The link with a peer is gone, and with it its answers. */
void	 query_peer_down(struct router *, const struct session *);

#endif /* RELAY_ROUTER_QUERY_H */
