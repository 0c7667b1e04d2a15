/* SPDX-License-Identifier: ISC */

/*
 * Links with other Mains, beside the calls that go over them: discovery
 * between this Main's registry, which decides, and the peers (PROTOCOL.md
 * section 5).  This process turns rows into JSON and back.
 */

#ifndef RELAY_ROUTER_PEER_LINK_H
#define RELAY_ROUTER_PEER_LINK_H

#include <stdbool.h>

#include "relay-router/router.h"

/* A session with a peer was accepted; and its end, before it is freed. */
void	 peer_up(struct router *, struct session *);
void	 peer_down(struct router *, struct session *);

/* What LINK_QUEUE says of it; its s->full is set already. */
void	 peer_queue(struct router *, struct session *, bool);

/*
 * A service_discovery message from a peer.  It may end the session, which is
 * then freed.
 */
void	 peer_discovery(struct router *, struct session *,
	    const struct envelope *);

/*
 * The peer has sent something malformed.  False if that was once too often:
 * the session has ended for that reason and is freed.
 */
bool	 peer_fault(struct router *, struct session *, const char *);

/*
 * The peer has spoken for a node that is not its own: too often, and the
 * session ends, which is then freed.
 */
void	 peer_foreign(struct router *, struct session *);

/* The channel takes messages again after it was congested. */
void	 peer_registry_drained(struct router *);
void	 peer_frontend_drained(struct router *);

/* Calls back for every peer that has a link; it must not end a session. */
void	 peer_each(struct router *,
	    void (*)(struct router *, struct session *, void *), void *);
/*
 * Sends the message in r->out, which is whole and stays there for the next
 * peer; false if it could not be queued.
 */
bool	 peer_send(struct router *, struct session *);

void	 on_peer_rows(void *, struct channel *, struct wire_get *, int);
void	 on_peer_digest(void *, struct channel *, struct wire_get *, int);
void	 on_peer_resync(void *, struct channel *, struct wire_get *, int);
void	 on_peer_answer(void *, struct channel *, struct wire_get *, int);
void	 on_peer_barrier(void *, struct channel *, struct wire_get *, int);
void	 on_peer_route_set(void *, struct channel *, struct wire_get *, int);
void	 on_peer_route_delete(void *, struct channel *, struct wire_get *,
	    int);
void	 on_peer_routes(void *, struct channel *, struct wire_get *, int);

#endif /* RELAY_ROUTER_PEER_LINK_H */
