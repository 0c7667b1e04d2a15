/* SPDX-License-Identifier: ISC */
/*
 * Discovery between Mains (PROTOCOL.md section 5): what this Main's own homes
 * offer to the federation, told to every peer, and what each peer's homes
 * offer, told to the router.
 *
 * The state of one Main is a set of rows, one a home that offers something to
 * the federation: the home's id and its services.  Its owner numbers every
 * change (seq) within the life of the state (epoch).  A peer gets a snapshot
 * when its link comes up, in parts, then deltas, and a digest now and then; on
 * a gap or a mismatch it asks for a snapshot again.  Rows are absolute, links
 * keep their order, so a delta may come between the parts of a snapshot: what
 * neither a part nor a delta has touched from the first part to the last is
 * gone.  A part bears the number of the last delta before it.
 *
 * Pure: no event loop, clock, socket or JSON.  What is to be sent is pulled
 * with mesh_next() when there is room for it, so that nothing queues up here:
 * a row that changes ten times before it is pulled is told once.
 */
#ifndef RELAY_REGISTRY_MESH_H
#define RELAY_REGISTRY_MESH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/limits.h"
#include "common/monotime.h"
#include "common/msg.h"
#include "common/service.h"
#include "common/wire.h"

struct mesh;

/* How much of others' rows is taken; limits.h, or less in tests. */
struct mesh_limits {
	uint32_t	nodes;		/* LIMIT_PEER_NODES */
	size_t		bytes;		/* LIMIT_PEER_BYTES */
	uint32_t	burst;		/* LIMIT_PEER_BURST */
	uint32_t	rate;		/* LIMIT_PEER_RATE; not 0 */
	uint32_t	gone;		/* LIMIT_PEERS_GONE */
	size_t		total;		/* LIMIT_PEERS_BYTES */
};

extern const struct mesh_limits mesh_limits_default;

/*
 * An empty state with an epoch that no former state of this Main had (random,
 * not 0).  Never NULL; freed by mesh_free().
 */
struct mesh	*mesh_new(uint64_t, const struct mesh_limits *);
void		 mesh_free(struct mesh *);

/*
 * Policy: whether a Main may be told of a service of ours, and whether one of
 * its services is taken in, by the Main's id and the service's name.  NULL:
 * always.  The answers must not change but by mesh_set_policy().
 */
struct mesh_policy {
	bool	(*may_export)(const void *, const char *, const char *);
	bool	(*may_import)(const void *, const char *, const char *);
	const void	*arg;
};

/*
 * Policy from now on; that of before is asked once more meanwhile.  Peers that
 * may have other services than before get a snapshot, and the router is told
 * what is taken in and was not, or the other way round.
 *
 * What a peer may not have is left out of all it is told: rows without any
 * service are not told at all, deltas have the same numbers for every peer and
 * may be empty, and digests are of what it may have.  What is not taken in is
 * kept, for its owner's digests are over it, and comes into sight with a policy
 * that allows it; until then neither the router nor views have it.
 */
void	mesh_set_policy(struct mesh *, const struct mesh_policy *);

/* --- this Main's own homes --- */

/*
 * The services of a home, all of them: those that are for the federation are
 * copied, the home goes if there are none.
 */
void	mesh_own_set(struct mesh *, const char *, const struct service *,
	    uint16_t);
void	mesh_own_delete(struct mesh *, const char *);
void	mesh_own_health(struct mesh *, const char *, const char *,
	    const char *, bool);

/* --- links with peers --- */

/*
 * A session with that Main is up: it gets a snapshot and owes us one.  True
 * for a session that is older than this state (SESSION_RESUME): its Main has
 * sent its snapshot to a former one and is asked for another.
 */
void	mesh_link_up(struct mesh *, uint64_t, const char *, bool,
	    struct monotime);
/* It is over: the Main's rows are stale. */
void	mesh_link_down(struct mesh *, uint64_t, struct monotime);

/* One home of a PEER_ROWS message. */
struct mesh_row_in {
	struct span	 node;		/* checked here */
	bool		 deleted;
	const struct service *services;	/* the caller's */
	uint16_t	 n;
};

/*
 * A part of a snapshot or a delta: session, op, epoch, seq, part and last as
 * in PEER_ROWS.  The rows come one by one between begin and end.  Each
 * returns NULL, or as static text what is not allowed: the link must then
 * end, and nothing more of that session counts.
 */
const char	*mesh_rows_begin(struct mesh *, uint64_t, unsigned int,
		    uint64_t, uint64_t, uint32_t, struct monotime);
const char	*mesh_rows_row(struct mesh *, uint64_t,
		    const struct mesh_row_in *, struct monotime);
const char	*mesh_rows_end(struct mesh *, uint64_t, bool, struct monotime);
/* A digest: epoch, seq, nodes, digest. */
void	mesh_digest(struct mesh *, uint64_t, uint64_t, uint64_t, uint32_t,
	    uint64_t, struct monotime);
/* The peer of that session wants a snapshot. */
void	mesh_resync(struct mesh *, uint64_t);
/* The session takes the next part of its snapshot (PEER_MORE). */
void	mesh_more(struct mesh *, uint64_t);

/* To be sent behind the deltas of all own changes so far (PEER_ANSWER). */
void	mesh_answer(struct mesh *, uint64_t, struct span, bool, unsigned int);
/* To be returned behind all routes learned so far (PEER_BARRIER). */
void	mesh_barrier(struct mesh *, uint64_t, uint64_t, bool, unsigned int);

/* --- the router --- */

/* It is new, knows nothing and has no link: each Main's rows are told again. */
void	mesh_router_up(struct mesh *);
/* It is gone, and every link with it. */
void	mesh_router_gone(struct mesh *, struct monotime);

/*
 * Write the next message to the router into a buffer that was reset, and its
 * type; false if there is nothing to say.  To be called until then or until
 * the channel is congested; a message pulled is taken for sent.
 */
bool	mesh_next(struct mesh *, enum msg_type *, struct wire_put *,
	    struct monotime);
/* Digests that are due, and rows that were stale for LIMIT_STALE_MS. */
void	mesh_tick(struct mesh *, struct monotime);

/* --- questions --- */

/* A home of another Main as views show it. */
struct mesh_view {
	const char		*main_id;
	const char		*node;
	const struct service	*services;
	uint16_t		 n;
	bool			 stale;
	struct monotime		 stale_since;	/* if so */
	struct monotime		 heard;		/* last word of its Main */
};

/*
 * Every home of every other Main, by Main and node, until it says false.  It
 * must not change anything here; what a view points at is its own for the call.
 */
void	mesh_each(struct mesh *, bool (*)(void *,
	    const struct mesh_view *), void *);

/* What is known of one Main; what it tells, whether it is taken in or not. */
struct mesh_main {
	uint32_t	nodes, services;
	bool		linked, synced;
	uint64_t	resyncs;	/* asked for */
	uint64_t	refused_rows;	/* against the rules, or after a gap */
};

/* False if nothing is. */
bool	mesh_main(const struct mesh *, const char *, struct mesh_main *);

struct mesh_stats {
	uint64_t	snapshots_sent, deltas_sent, rows_sent, digests_sent;
	uint64_t	snapshots, deltas, rows, digests;	/* received */
	uint64_t	gaps, mismatches, resyncs, purged;
	uint64_t	dropped;	/* answers and barriers */
	uint64_t	cut;		/* own services peers are not told of */
	uint32_t	own_nodes, other_nodes, other_services;
	size_t		other_bytes;
};

void	mesh_stats(struct mesh *, struct mesh_stats *);

/*
 * The hash of a row: SipHash-1-3 under a key of zeros over its canonical form,
 * which is the node id as str and its services, in the order of name and
 * version, as put_service() writes them.  A digest is the sum of all rows'
 * hashes modulo 2^64.  At most LIMIT_SERVICES services, in any order.
 */
uint64_t	mesh_row_hash(const char *, const struct service *, uint16_t);

#endif
