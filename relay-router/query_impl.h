/* SPDX-License-Identifier: ISC */

/*
 * The questions that are under way and the calls that wait for them: what
 * query.c and query_table.c share, and nobody else.
 */

#ifndef RELAY_ROUTER_QUERY_IMPL_H
#define RELAY_ROUTER_QUERY_IMPL_H

#include "relay-router/query.h"

#define KEY_SIZE	(LIMIT_NODE_ID + 2)	/* 'n' and a node's id, or 's'
						 * and a service's name */

#define QUERY_PEERS	(2 * LIMIT_PEERS)	/* those that are configured, and
						 * as many that came by
						 * themselves */

/* A call that waits; it is in the table of pending calls under its id. */
struct held {
	TAILQ_ENTRY(held)	 entry;
	uint64_t		 id;
	size_t			 size;		/* bytes of it */
	struct rpc_error	 why;
	struct call		 call;		/* spans point into data */
	struct span		 text;		/* a link's own, or empty */
	char			 data[];
};

struct query {
	struct map_entry	 by_key;	/* first */
	struct map_entry	 by_id;
	TAILQ_ENTRY(query)	 entry;
	TAILQ_HEAD(, held)	 held;
	uint64_t		 id;
	int64_t			 due_ms;
	bool			 barrier;	/* on its way */
	bool			 offline;	/* a peer knows the node */
	uint32_t		 n_asked;
	uint64_t		 asked[QUERY_PEERS]; /* have not answered */
	char			 key[KEY_SIZE];
};
TAILQ_HEAD(queries, query);

/* What nobody had. */
struct miss {
	struct map_entry	 by_key;	/* first */
	TAILQ_ENTRY(miss)	 entry;
	int64_t			 until_ms;
	char			 key[KEY_SIZE];
};
TAILQ_HEAD(misses, miss);

struct query_table {
	struct map		 by_key;
	struct map		 by_id;
	struct queries		 list;		/* in the order they are due */
	struct map		 missed;
	struct misses		 misses;	/* in the order they end */
	uint32_t		 n_misses;
	uint32_t		 n_held;
	size_t			 bytes;		/* of what is held */
	struct pending_end	 end;
	struct event		*timer;
};

/* What a call misses: the node that it names, else the service. */
bool	 query_key(const struct call *, char [KEY_SIZE]);

/* A new question about that key, due in LIMIT_QUERY_MS; and those there are. */
struct query	*query_new(struct router *, const char *);
struct query	*query_find(struct router *, const char *);
struct query	*query_find_id(struct router *, uint64_t);
/* Nothing leads to it any more; its calls and memory are the caller's. */
void	 query_take(struct query_table *, struct query *);

/* What nobody had, for LIMIT_QUERY_MISS_MS. */
bool	 miss_known(struct router *, const char *, int64_t);
void	 miss_remember(struct router *, const char *, int64_t);
void	 miss_forget(struct query_table *, struct miss *);

/* A deep copy of a call that was refused with that error. */
struct held	*held_new(const struct call *, const struct rpc_error *);
/* Makes it pending toward the peers' answers; false if that cannot be. */
bool	 held_add(struct router *, struct query *, struct held *);
void	 held_free(struct query_table *, struct query *, struct held *);
/* Its place in the table of pending calls; NULL if it has ended. */
struct pending	*held_pending(struct router *, const struct held *);
/*
 * The call as it came, with spans into the copy and names; false with *err if
 * its text is no longer accepted.
 */
bool	 held_call(struct router *, const struct held *, struct call_names *,
	    struct call *, struct rpc_error *);

#endif /* RELAY_ROUTER_QUERY_IMPL_H */
