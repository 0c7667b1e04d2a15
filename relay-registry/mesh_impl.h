/* SPDX-License-Identifier: ISC */
/* The insides of mesh.h, for mesh*.c only. */
#ifndef RELAY_REGISTRY_MESH_IMPL_H
#define RELAY_REGISTRY_MESH_IMPL_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

#include "relay-registry/mesh.h"

/* What PEER_ROWS is. */
#define MESH_SNAPSHOT	1
#define MESH_DELTA	2

/* --- rows: mesh_row.c --- */

/*
 * A home and its services in canonical form.  One that is gone stays as long
 * as it must be told; it then has no services and does not count.
 */
struct mesh_row {
	RB_ENTRY(mesh_row)	 entry;
	TAILQ_ENTRY(mesh_row)	 link;		/* if dirty */
	uint64_t		 hash;
	uint64_t		 mark;		/* the snapshot that has it */
	uint8_t			*body;		/* canonical form, see
						 * mesh_row_hash() */
	uint32_t		 len;		/* bytes of it */
	uint32_t		 cost;		/* see mesh_row_cost() */
	uint16_t		 n;		/* services */
	uint16_t		 cut;		/* of an own one: not told */
	bool			 dirty;		/* to be told */
	bool			 told;		/* somebody may know it */
	bool			 gone;
	bool			 routed;	/* of another Main: the router
						 * has it */
	struct mesh_share	*share;		/* of an own one, or NULL */
	char			 node[];
};

RB_HEAD(mesh_rows, mesh_row);
TAILQ_HEAD(mesh_dirty, mesh_row);

struct mesh_table {
	struct mesh_rows	 rows;		/* by node */
	struct mesh_dirty	 dirty;		/* in the order of changes */
	uint32_t		 count;
	uint32_t		 services;
	size_t			 bytes;
	uint64_t		 digest;
};

/* --- what policy leaves of rows: mesh_policy.c --- */

#define MESH_SLOTS	(2 * LIMIT_PEERS) /* Mains that are linked at a time:
					 * those dialled and those that dial */
#define MESH_WORDS	((MESH_SLOTS + 63) / 64)

/* A set of Mains, by their slots. */
struct mesh_set {
	uint64_t		 words[MESH_WORDS];
};

/* The name of an own service, and who may have it: policy is asked once. */
struct mesh_name {
	RB_ENTRY(mesh_name)	 entry;
	uint32_t		 refs;
	struct mesh_set		 asked;
	struct mesh_set		 allowed;	/* of those */
	char			 name[];
};

RB_HEAD(mesh_names, mesh_name);

RB_PROTOTYPE(mesh_names, mesh_name, entry, mesh_name_cmp)
int	mesh_name_cmp(struct mesh_name *, struct mesh_name *);

/* A service of an own row. */
struct mesh_part {
	struct mesh_name	*name;
	uint32_t		 end;		/* offset in the encoded ones */
};

/*
 * Of an own row while it is told to some Mains and not to others, or in part:
 * its services, and who may know it.  It outlives them with the row.
 */
struct mesh_share {
	TAILQ_ENTRY(mesh_share)	 link;		/* while a delta tells it */
	struct mesh_row		*row;
	uint16_t		 n;
	struct mesh_part	*parts;
	struct mesh_set		 has;
};

TAILQ_HEAD(mesh_delta, mesh_share);

/* A row's services in canonical form, not yet in a table. */
struct mesh_body {
	uint8_t		*p;		/* freed by whoever has it */
	uint32_t	 len;
	uint16_t	 n;
	uint16_t	 cut;		/* services that did not fit */
	uint32_t	 decoded;	/* bytes the router takes for them */
	uint64_t	 hash;
};

RB_PROTOTYPE(mesh_rows, mesh_row, entry, mesh_row_cmp)
int	mesh_row_cmp(struct mesh_row *, struct mesh_row *);

/* Bytes that a row of such a node and body takes here and in the router. */
uint32_t	mesh_row_cost(const char *, const struct mesh_body *);
/*
 * The canonical form of a home's services, whose pointers are sorted on
 * return.  What does not fit in LIMIT_PEER_ROW is left out and counted.
 */
void	mesh_body_make(struct mesh_body *, const char *,
	    const struct service **, uint16_t);
/* Its services: *n of them, to be freed with mesh_services_free(). */
struct service	*mesh_row_services(const struct mesh_row *);
void	mesh_services_free(struct service *, uint16_t);
/* The services as put_service() wrote them: nothing if it is gone. */
struct span	mesh_row_encoded(const struct mesh_row *);

void	mesh_table_init(struct mesh_table *);
void	mesh_table_clear(struct mesh_table *);
/* The row of a node, also one that is gone, or NULL. */
struct mesh_row	*mesh_table_find(struct mesh_table *, const char *);
/* Set a row; the body is taken over.  True if that changed anything. */
bool	mesh_table_set(struct mesh_table *, const char *, struct mesh_body *,
	    struct mesh_row **);
/* Delete a row that is there: it goes at once if nobody knows it. */
void	mesh_table_delete(struct mesh_table *, struct mesh_row *);
/* A dirty row was told. */
void	mesh_table_told(struct mesh_table *, struct mesh_row *);
/* It is being told: nothing of it is to be told any more, but it stays. */
void	mesh_table_telling(struct mesh_table *, struct mesh_row *);
/* It is to be told again. */
void	mesh_table_touch(struct mesh_table *, struct mesh_row *);
/* Nothing need be told: whoever comes is told everything. */
void	mesh_table_settle(struct mesh_table *, bool);
/* All that is there is to be told. */
void	mesh_table_dirty(struct mesh_table *);

/* --- Mains --- */

enum mesh_hear {		/* what is taken from a Main */
	HEAR_NOTHING,		/* it broke the rules */
	HEAR_SNAPSHOT,		/* only the first part of a snapshot */
	HEAR_PARTS,		/* a snapshot has begun */
	HEAR_DELTAS		/* in step */
};

enum mesh_snap {		/* the snapshot it gets */
	SNAP_NONE,
	SNAP_DUE,		/* its first part */
	SNAP_PARTS
};

enum mesh_told {		/* what the router knows of a Main */
	TOLD_NOTHING,
	TOLD_BEGIN,		/* some rows, and not yet that they are all */
	TOLD_ALL		/* the differences since are dirty rows */
};

struct mesh_peer {
	RB_ENTRY(mesh_peer)	 by_id;
	RB_ENTRY(mesh_peer)	 by_session;	/* if linked */
	TAILQ_ENTRY(mesh_peer)	 link;		/* if telling */
	uint64_t		 session;	/* 0: not linked */

	/* what it says */
	struct mesh_table	 rows;
	enum mesh_hear		 hear;
	bool			 taking;	/* rows of the present message */
	bool			 in_part;	/* which is a part */
	uint64_t		 epoch;
	uint64_t		 seq;		/* of its last delta */
	uint32_t		 part;		/* of a snapshot, the next */
	uint64_t		 mark;		/* the last snapshot that began */
	uint64_t		 fresh_mark;	/* rows below it are stale */
	uint32_t		 fresh;		/* rows of this mark ... */
	size_t			 fresh_bytes;	/* ... and what they take */
	int64_t			 tokens;	/* thousandths of a row */
	struct monotime		 tokens_at;
	struct monotime		 heard;
	struct monotime		 progress;	/* towards being in step */
	bool			 stale;		/* it may have stale rows */
	struct monotime		 stale_since;
	bool			 resync;	/* to be asked for a snapshot */
	struct monotime		 resync_at;	/* not before */
	uint64_t		 resyncs;
	uint64_t		 refused_rows;

	/* what it gets */
	enum mesh_snap		 snap;
	bool			 credit;	/* for one part */
	bool			 digest;	/* of its own is due */
	uint32_t		 slot;		/* in struct mesh_set */
	struct monotime		 snap_at;	/* no first part before */
	uint32_t		 snap_part;
	char			 snap_after[LIMIT_NODE_ID + 1];

	/* what the router knows */
	enum mesh_told		 told;
	bool			 telling;	/* in the list */
	bool			 begin, end, forget;	/* to be told */

	char			 id[];
};

RB_HEAD(mesh_ids, mesh_peer);
RB_HEAD(mesh_sessions, mesh_peer);
TAILQ_HEAD(mesh_telling, mesh_peer);

RB_PROTOTYPE(mesh_ids, mesh_peer, by_id, mesh_id_cmp)
RB_PROTOTYPE(mesh_sessions, mesh_peer, by_session, mesh_session_cmp)
int	mesh_id_cmp(struct mesh_peer *, struct mesh_peer *);
int	mesh_session_cmp(struct mesh_peer *, struct mesh_peer *);

/* An answer or a barrier that waits for its turn. */
struct mesh_word {
	STAILQ_ENTRY(mesh_word)	 link;
	bool			 barrier;
	uint64_t		 session;
	uint64_t		 query;		/* of a barrier */
	bool			 found;
	uint8_t			 node;
	char			 id[];		/* of an answer's question */
};

STAILQ_HEAD(mesh_words, mesh_word);

struct mesh {
	struct mesh_limits	 limits;
	struct mesh_stats	 stats;
	uint64_t		 epoch;
	uint64_t		 seq;		/* of the last delta */
	struct mesh_table	 own;
	struct mesh_ids		 ids;
	struct mesh_sessions	 sessions;
	struct mesh_telling	 telling;	/* with something for the
						 * router */
	struct mesh_words	 words;
	uint32_t		 n_words;
	bool			 full;		/* no more own rows: was said */
	bool			 digest;	/* to be told */
	struct monotime		 digest_at;

	/* what policy leaves */
	struct mesh_policy	 policy;
	struct mesh_set		 slots;		/* in use */
	struct mesh_names	 names;
	struct mesh_delta	 delta;		/* told to one after another */
	bool			 delta_open;
	uint64_t		 delta_session;	/* the last that was told */
	struct wire_put		 scratch;
};

/* The Main that is linked by that session, or NULL. */
struct mesh_peer	*mesh_peer_linked(struct mesh *, uint64_t);
/* There is something to tell the router of it. */
void	mesh_peer_tell(struct mesh *, struct mesh_peer *);
/*
 * Of the Mains that are gone, the one that has been for the longest time, or
 * NULL; how many there are.
 */
struct mesh_peer	*mesh_peer_longest_gone(struct mesh *, uint32_t *);
/* Its stale rows are not listed any more: it may be freed. */
void	mesh_peer_purge(struct mesh *, struct mesh_peer *);
/* Delete its rows whose mark is lower. */
void	mesh_peer_sweep(struct mesh *, struct mesh_peer *, uint64_t);
/* Whether it has not said that the row is there since its last link began. */
bool	mesh_row_stale(const struct mesh_peer *, const struct mesh_row *);
/* Free it if nothing is left of it. */
void	mesh_peer_release(struct mesh *, struct mesh_peer *);
/* The linked Main with the next higher session, or NULL. */
struct mesh_peer	*mesh_peer_after(struct mesh *, uint64_t);

/* --- mesh_policy.c --- */

void	mesh_policy_init(struct mesh *);
void	mesh_policy_free(struct mesh *);
/* A Main that is linked gets a slot, in which nothing is known; or gives it. */
void	mesh_slot_take(struct mesh *, struct mesh_peer *);
void	mesh_slot_give(struct mesh *, struct mesh_peer *);

/* Whether each Main may be told other rows: the rest below is for that. */
bool	mesh_shares(const struct mesh *);
/* A row's services are others, or it is gone. */
void	mesh_share_update(struct mesh *, struct mesh_row *);
void	mesh_share_release(struct mesh *, struct mesh_row *);
/* No row has services any more, nor is any being told. */
void	mesh_share_drop(struct mesh *);
/* Which of its services that Main may have; 0: it must not know the row. */
uint64_t	 mesh_share_mask(struct mesh *, const struct mesh_peer *,
		    const struct mesh_row *);
/* All of them. */
uint64_t	 mesh_mask_all(uint16_t);
/* Whether that Main may know the row, and from now on. */
bool	mesh_share_has(const struct mesh_peer *, const struct mesh_row *);
void	mesh_share_know(const struct mesh_peer *, const struct mesh_row *,
	    bool);
/* The services of a mask, encoded, behind what the writer has. */
void	mesh_share_put(struct wire_put *, const struct mesh_row *, uint64_t);
/* Count and sum of the hashes of what that Main may have. */
void	mesh_share_digest(struct mesh *, const struct mesh_peer *, uint32_t *,
	    uint64_t *);

/* Open a delta of all that is dirty, as much as fits; false: nothing is. */
bool	mesh_delta_open(struct mesh *);
void	mesh_delta_close(struct mesh *);

/*
 * The router is not to have a row now: none of its services is taken in, or
 * its Main has not said over its present link that it is there.
 */
bool	mesh_row_hidden(const struct mesh *, const struct mesh_peer *,
	    const struct mesh_row *);
/* Of n services those that are taken in, at the front; the others cleared. */
uint16_t	 mesh_import(const struct mesh *, const struct mesh_peer *,
		    struct service *, uint16_t);

#endif
