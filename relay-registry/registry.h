/* SPDX-License-Identifier: ISC */
/*
 * The registry's logic: which nodes are known, which session has each of
 * them, what services they registered, and which other Mains there are.
 * SQLite is its memory, apart from what tells clones apart, the links with
 * other Mains (peer.h) and what they and this one tell each other (mesh.h).
 *
 * It knows no event loop, clock or socket: time comes in as struct when, and
 * what it has to say waits in a queue until registry_commit().  All calls of
 * one turn of the loop share a transaction.  If that fails they never
 * happened: sessions are denied, registrations rejected, and what nobody asks
 * about (closes, health) is lost, which registry_behind() tells.
 *
 * Text that came from strangers is checked or cleaned here, never trusted to
 * be what the router should have made of it.
 */
#ifndef RELAY_REGISTRY_REGISTRY_H
#define RELAY_REGISTRY_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/http_route.h"
#include "common/limits.h"
#include "common/monotime.h"
#include "common/proc.h"
#include "common/service.h"
#include "common/wire.h"
#include "relay-registry/db.h"
#include "relay-registry/mesh.h"
#include "relay-registry/peer.h"
#include "relay-registry/reply.h"

/* Codes of a denial (PROTOCOL.md section 6). */
#define REGISTRY_INVALID	(-32600)
#define REGISTRY_OVERLOADED	(-32017)
#define REGISTRY_FORBIDDEN	(-32020)
#define REGISTRY_DUPLICATE_NODE	(-32026)

#define REGISTRY_RETRY_MS	1000	/* after a failure that may pass */

#define REGISTRY_ADDRESSES	(2 * LIMIT_LISTENERS) /* a listener on any
					 * address has one of each family */
#define REGISTRY_ADDRESS_SIZE	64	/* "[IPv6 address]:port" and a NUL */

/* kind of a node in messages and in the database. */
enum node_kind { NODE_HOME = 1, NODE_PEER = 2, NODE_SELF = 3 };

/* The time, both ways: for decisions, and for people and the database. */
struct when {
	struct monotime	mono;
	int64_t		wall_ms;	/* since 1970 */
};

/* A link that asks to be a session. */
struct session_request {
	uint64_t	 session;
	enum node_kind	 kind;
	struct span	 node;
	struct span	 boot;		/* may be empty */
	struct span	 address;
	/* Of a peer: whom we dialled, by CONF_PEER, or PEER_NONE. */
	uint32_t	 peer;
	uint32_t	 generation;
};

struct registry_stats {
	uint64_t	accepted, denied, resumed, replaced, closed;
	uint64_t	registrations, rejected_services, purged;
	uint64_t	stale;		/* for a session that is not current */
	uint64_t	failed;		/* transactions */
};

struct registry;

/*
 * A registry on a database, which it owns from now on, with room for so many
 * nodes.  Sessions of a former run are closed.  Returns it, to be freed by
 * registry_free(), or NULL with the reason in the buffer (the database is then
 * still the caller's).
 */
struct registry	*registry_new(struct db *, uint32_t, struct when, char *,
		    size_t);
void		 registry_free(struct registry *);

/* Who this node is; to be said before anything else, and after a reload. */
void	registry_configure(struct registry *, enum node_role, const char *,
	    struct when);
/*
 * Where this node listens, as in url_reaches(): no peer may be there.  At most
 * REGISTRY_ADDRESSES, which are copied.
 */
void	registry_configure_addresses(struct registry *,
	    const char (*)[REGISTRY_ADDRESS_SIZE], uint32_t);
/*
 * The peers of a generation, by their index in it; at most LIMIT_PEERS.  After
 * the first, those are asked for (PEER_ADD) that were added to stay.
 */
void	registry_configure_peers(struct registry *, uint32_t,
	    const struct peer_conf *, uint32_t, struct when);

/* --- what the router says; every one may add replies to the queue --- */
void	registry_open(struct registry *, const struct session_request *,
	    struct when);
/* A session that outlived this process, with its epoch. */
void	registry_resume(struct registry *, const struct session_request *,
	    uint64_t, struct when);
/* Something was received; the round trip in microseconds or 0. */
void	registry_seen(struct registry *, uint64_t, uint32_t, struct when);
void	registry_close(struct registry *, uint64_t, struct span, struct when);
/* At most LIMIT_SERVICES services, which are copied, and their tag. */
void	registry_register(struct registry *, uint64_t, uint64_t,
	    const struct service *, size_t);
void	registry_health(struct registry *, uint64_t, struct span, struct span,
	    bool, struct when);
/* GET of a view: what the router knows comes with it. */
struct view_request {
	uint64_t	request;
	unsigned int	route;		/* enum http_route */
	bool		draining;
	uint32_t	latency_ms;	/* of calls, on average */
};

void	registry_view(struct registry *, const struct view_request *,
	    struct when);

/*
 * PEER_QUERY: what this Main has, asked by the peer of a session, with the
 * message id to answer to, a home's id and the name of a service (either may
 * be empty).
 */
void	registry_query(struct registry *, uint64_t, struct span, struct span,
	    struct span);
/* What a peer sent breaks the rules: static text, why its link must end. */
void	registry_violation(struct registry *, uint64_t, const char *);

/* --- peers that are added at run time (peer_admin.c) --- */

/* PEER_REQUEST and CTL_PEER, by their op. */
enum peer_op { PEER_OP_ADD = 1, PEER_OP_DELETE, PEER_OP_RESET };

struct peer_request {
	enum peer_op	 op;
	struct span	 name;		/* URL; but to add, also a node id */
	struct span	 node;		/* who must answer; empty: anyone */
	bool		 persist;
	bool		 insecure;
};

/* From HTTP: request id and authorization, which is checked. */
void	registry_peer_request(struct registry *, uint64_t, struct span,
	    const struct peer_request *, struct when);
/* From the control socket, whose clients have admin rights. */
void	registry_ctl_peer(struct registry *, uint64_t,
	    const struct peer_request *, struct when);
/* A new admin token, or (true) an end of all of them. */
void	registry_ctl_token(struct registry *, uint64_t, bool, struct when);

/* A router is there that knows nothing. */
void	registry_router_up(struct registry *);
/*
 * The router has ended or will start over: its sessions end, as it would have
 * said, and nobody waits for replies.
 */
void	registry_router_gone(struct registry *, struct when);

/* --- the turn of the loop, and every second or so --- */

/* True if replies wait: registry_commit() should be called this turn. */
bool		 registry_pending(const struct registry *);
/*
 * End the transaction.  Replies that waited may be taken with
 * registry_reply(), which returns NULL after the last; each is the caller's to
 * reply_free(), and for whom reply_to() says.  Returns false if the
 * transaction failed (and says so in the log).
 */
bool		 registry_commit(struct registry *, struct when);
struct reply	*registry_reply(struct registry *);
/* Write what may wait, forget what is old. */
void		 registry_tick(struct registry *, struct when);
/*
 * True if writes were lost in a failed transaction and one has succeeded
 * since: only a new start, with the router's resumed sessions, brings the
 * database up to date.
 */
bool		 registry_behind(const struct registry *);

/* --- questions --- */

/*
 * Up to n ids of known nodes after the given one ("" for the first), in
 * order, to buf; returns how many.
 */
size_t	registry_nodes(struct registry *, const char *,
	    char (*)[LIMIT_NODE_ID + 1], size_t);
struct db	*registry_db(struct registry *);
struct mesh	*registry_mesh(struct registry *);
struct peers	*registry_peers(struct registry *);
const struct registry_stats *registry_stats(const struct registry *);
enum node_role	registry_role(const struct registry *);

/* 2026-01-02T03:04:05.678Z into at least 25 bytes; empty for 0. */
void	registry_rfc3339(int64_t, char *, size_t);

#endif
