/* SPDX-License-Identifier: ISC */
/* What the files of the registry's logic share. */
#ifndef RELAY_REGISTRY_REGISTRY_IMPL_H
#define RELAY_REGISTRY_REGISTRY_IMPL_H

#include "relay-registry/clone.h"
#include "relay-registry/registry.h"

/* A view that may be given out again. */
struct view_cache {
	char		*body;		/* NULL: none */
	size_t		 len;
	struct monotime	 made;
};

struct registry {
	struct db		*db;
	enum node_role		 role;
	char			 node_id[LIMIT_NODE_ID + 1];
	uint32_t		 max_nodes;
	int64_t			 n_nodes;
	bool			 broken;	/* this transaction must fail */
	bool			 lost;		/* a former one did */
	bool			 behind;
	struct reply_queue	 waiting;
	struct reply_queue	 ready;
	struct clone_table	 clones;
	int64_t			 clone_told_ms;	/* no warning before */
	struct view_cache	 cache;
	struct registry_stats	 stats;
};

/* Begin a transaction or join the one there is; false if it cannot be. */
bool		 registry_begin(struct registry *);
/* As db_run(), but an error breaks the transaction. */
#define registry_run(r, stmt, ...)					\
	registry_check((r), db_run((r)->db, (stmt), __VA_ARGS__))
int		 registry_check(struct registry *, int);

struct reply	*registry_say(struct registry *, enum msg_type, uint64_t);
/* The node of a live session, to a buffer for an id; false if it has none. */
bool		 registry_node_of(struct registry *, uint64_t, char *);
/* The services have changed. */
void		 view_forget(struct registry *);

#endif
