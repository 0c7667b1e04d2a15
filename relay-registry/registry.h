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
#include "relay-registry/credential.h"
#include "relay-registry/db.h"
#include "relay-registry/mesh.h"
#include "relay-registry/peer.h"
#include "relay-registry/reply.h"

/* Codes of a denial (PROTOCOL.md section 6). */
#define REGISTRY_INVALID	(-32600)
#define REGISTRY_OVERLOADED	(-32017)
#define REGISTRY_UNAUTHENTICATED	(-32019)
#define REGISTRY_FORBIDDEN	(-32020)
#define REGISTRY_DUPLICATE_NODE	(-32026)

#define REGISTRY_RETRY_MS	1000	/* after a failure that may pass */

#define REGISTRY_ADDRESSES	(2 * LIMIT_LISTENERS) /* a listener on any
					 * address has one of each family */
#define REGISTRY_ADDRESS_SIZE	64	/* "[IPv6 address]:port" and a NUL */

/* kind of a node in the database, and of a link's other end. */
enum node_kind {
	NODE_HOME = 1,
	NODE_PEER = 2,
	NODE_SELF = 3,
	NODE_UPLINK = 4		/* the Main a home has dialled: of links only */
};

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
	/* Whom we dialled, by CONF_PEER or CONF_UPLINK, or PEER_NONE. */
	uint32_t	 peer;
	uint32_t	 generation;
	uint64_t	 conn;		/* as in PROOF_ASK */
	bool		 local;		/* over loopback or a unix socket */
	bool		 tls;
	struct span	 authorization;	/* of whom we dialled: its proof */
	struct span	 certificate;	/* names of the client's */
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

/* Which nodes that have no credentials here may come; as in CONF_NODE. */
enum authentication { AUTH_REQUIRED = 1, AUTH_LOOPBACK, AUTH_OPEN };

/* A Main that this home dials. */
struct uplink_conf {
	char		 host[PEER_HOST_MAX + 1];
	uint16_t	 port;
	char		 path[URL_TEXT_MAX + 1];
	char		 node[LIMIT_NODE_ID + 1];	/* empty: anyone */
};

/* What a generation says of trust. */
struct trust_conf {
	enum authentication authentication;
	const char	*url;		/* where homes reach this Main, or "" */
	const struct uplink_conf *uplinks;
	uint32_t	 n_uplinks;	/* at most LIMIT_UPLINKS */
};

/*
 * The trust of a generation, and its sealed credentials, which are taken over:
 * the caller's are empty then.  To be said behind registry_configure_peers()
 * and registry_configure_policy(), with the same generation: sessions end that
 * could not be opened any more.  Before the first, nobody is let in without
 * credentials.  It ends the transaction.
 */
void	registry_configure_trust(struct registry *, uint32_t,
	    const struct trust_conf *, struct credentials *, struct when);
/* NULL, or why these credentials cannot be in force: static text. */
const char *registry_check_trust(const struct credentials *);

/* --- what the router says; every one may add replies to the queue --- */
void	registry_open(struct registry *, const struct session_request *,
	    struct when);
/* A session that outlived this process, with its epoch. */
void	registry_resume(struct registry *, const struct session_request *,
	    uint64_t, struct when);
/* A Main that we dialled wants a proof. */
struct proof_request {
	uint64_t	 conn;
	enum node_kind	 kind;		/* PEER or UPLINK */
	uint32_t	 index;
	uint32_t	 generation;
	struct span	 main_id;	/* as it named itself */
	struct span	 challenge;
};

void	registry_prove(struct registry *, const struct proof_request *,
	    struct when);
/* Something was received; the round trip in microseconds or 0. */
void	registry_seen(struct registry *, uint64_t, uint32_t, struct when);
void	registry_close(struct registry *, uint64_t, struct span, struct when);
/* At most LIMIT_SERVICES services, which are copied, and their tag. */
void	registry_register(struct registry *, uint64_t, uint64_t,
	    const struct service *, size_t, struct when);
void	registry_health(struct registry *, uint64_t, struct span, struct span,
	    bool, struct when);
/* GET of a view: what the router knows comes with it. */
struct view_request {
	uint64_t	request;
	unsigned int	route;		/* enum http_route */
	bool		draining;
	uint32_t	latency_ms;	/* of calls, on average */
	struct span	caller;		/* name of its token; empty: none */
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
	struct span	 address;	/* of who asks over HTTP */
};

/* From HTTP: request id and authorization, which is checked. */
void	registry_peer_request(struct registry *, uint64_t, struct span,
	    const struct peer_request *, struct when);
/* From the control socket, whose clients have admin rights. */
void	registry_ctl_peer(struct registry *, uint64_t,
	    const struct peer_request *, struct when);

/* --- tokens of callers (token_admin.c) --- */

/* CALLER_ASK: whose token an authorization has that came from an address. */
void	registry_caller(struct registry *, uint64_t, struct span, struct span,
	    struct when);
/*
 * A new token of a name, or an end of all of that name (enum ctl_token); of
 * a list only the end of the answer.
 */
void	registry_ctl_token(struct registry *, uint64_t, unsigned int,
	    struct span, struct when);
/* Name and time of making (ms since 1970) of each, by name; false: it failed. */
bool	registry_each_token(struct registry *, void (*)(void *, const char *,
	    int64_t), void *);
/* POLICY_DENIED: how many more, caller, target, method, rule. */
void	registry_denied(struct registry *, uint32_t, struct span, struct span,
	    struct span, struct span, struct when);

/* --- nodes and their credentials (node_admin.c) --- */

struct node_request {
	unsigned int	 op;		/* enum ctl_node, but LIST */
	struct span	 node;
	struct span	 url;		/* of this Main; may be empty */
	struct span	 pin;
	uint32_t	 expires_s;	/* 0: LIMIT_JOIN_S */
};

void	registry_ctl_node(struct registry *, uint64_t,
	    const struct node_request *, struct when);

/* What is shown of a node that has credentials here or is disabled. */
struct node_info {
	const char	*node;
	enum node_kind	 kind;		/* 0: it was never here */
	bool		 configured, enrolled;
	char		 methods[64];	/* joined by commas */
	bool		 disabled, connected;
	int64_t		 last_seen_ms;	/* 0: never */
};

/* In order of their ids, until the callback returns false. */
void	registry_each_node(struct registry *, bool (*)(void *,
	    const struct node_info *), void *, struct when);
/*
 * This node's public keys, as relayd.conf(5) has them: its own first, with an
 * empty id, then each that is in force for the Main of the id only.
 */
void	registry_each_identity(struct registry *, void (*)(void *,
	    const char *, const char *), void *);

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
