/* SPDX-License-Identifier: ISC */

/*
 * The calls that wait for an answer (PROTOCOL.md section 3: pending tables
 * are keyed by (session, id)).
 *
 * A call stands between two ends: the caller who gets the answer and the
 * callee who gives it.  It is found from either end by the id used there, and
 * by its deadline; when an end goes, all its calls can be walked.  Entries
 * come from a free list.
 */

#ifndef RELAY_ROUTER_PENDING_H
#define RELAY_ROUTER_PENDING_H

#include <bsd/sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/hash.h"
#include "common/limits.h"
#include "common/wire.h"

struct pending;
TAILQ_HEAD(pending_list, pending);

/*
 * One end: a session, an HTTP request, the backend.  Embedded in its owner;
 * its address is its identity while calls are pending on it.
 */
struct pending_end {
	struct pending_list	 made;		/* calls it made */
	struct pending_list	 serves;	/* calls it is to answer */
	uint32_t		 n_made;
	uint32_t		 n_serves;
	uint32_t		 max_made;
	uint32_t		 max_serves;
	int			 kind;		/* the owner's */
	void			*owner;
};

#define PENDING_RPC_ID	32	/* bytes of a JSON-RPC id kept in place */

struct pending {
	uint64_t		 id;		/* never reused */
	struct pending_end	*caller;
	struct pending_end	*callee;
	int64_t			 deadline_ms;	/* monotonic */
	int64_t			 start_ms;
	void			*instance;	/* the owner's */
	uint32_t		 slot;		/* the owner's: batch place */
	bool			 no_answer;	/* the caller wants none */

	/* Private to pending.c from here on. */
	TAILQ_ENTRY(pending)	 made_entry;
	TAILQ_ENTRY(pending)	 serves_entry;
	struct pending		*next_caller;	/* chain; also the free list */
	struct pending		*next_callee;
	uint64_t		 caller_hash;
	uint64_t		 callee_hash;
	uint32_t		 heap_at;
	uint8_t			 caller_len;
	uint8_t			 callee_len;
	uint32_t		 rpc_len;
	char			*rpc_big;	/* an id over PENDING_RPC_ID */
	char			 caller_id[LIMIT_MESSAGE_ID];
	char			 callee_id[LIMIT_MESSAGE_ID];
	char			 rpc_id[PENDING_RPC_ID];
};

struct pending_table {
	uint8_t			 key[HASH_KEY_LEN];
	uint32_t		 max;
	uint32_t		 n;
	uint32_t		 mask;		/* buckets - 1 */
	struct pending	       **by_caller;
	struct pending	       **by_callee;
	struct pending	       **heap;		/* by deadline */
	uint32_t		 heap_size;
	struct pending		*free;
	void			*slabs;
};

enum pending_result {
	PENDING_OK = 0,
	PENDING_DUPLICATE,	/* the caller already waits for this id */
	PENDING_FULL_CALLER,	/* max_made */
	PENDING_FULL_CALLEE,	/* max_serves */
	PENDING_FULL,		/* the table's max */
};

/* An empty table of at most max calls under a secret key. */
void	 pending_init(struct pending_table *, const uint8_t [HASH_KEY_LEN],
	    uint32_t);
/* Frees all of it; no end may be used with it afterwards. */
void	 pending_free(struct pending_table *);

void	 pending_end_init(struct pending_end *, int, void *, uint32_t,
	    uint32_t);

/*
 * Adds a call.  caller_id and callee_id are at most LIMIT_MESSAGE_ID bytes
 * (any bytes) and are copied, as is the JSON-RPC id, which is JSON text.  The
 * callee_id must not be pending toward the callee: ask pending_by_callee().
 * Times are monotonic milliseconds.  The owner's fields are zero.
 */
enum pending_result	 pending_add(struct pending_table *, uint64_t,
			    struct pending_end *, struct span,
			    struct pending_end *, struct span, struct span,
			    int64_t, int64_t, struct pending **);

struct pending	*pending_by_caller(struct pending_table *,
		    const struct pending_end *, struct span);
struct pending	*pending_by_callee(struct pending_table *,
		    const struct pending_end *, struct span);

/* Removes and frees a call. */
void		 pending_remove(struct pending_table *, struct pending *);

/* A call whose deadline is reached at now, or NULL; it stays in the table. */
struct pending	*pending_expired(struct pending_table *, int64_t);

/* The earliest deadline, or -1 if nothing is pending. */
int64_t		 pending_next_ms(const struct pending_table *);

/* The ids of a call, valid while it is in the table. */
struct span	 pending_caller_id(const struct pending *);
struct span	 pending_callee_id(const struct pending *);
struct span	 pending_rpc_id(const struct pending *);

#endif /* RELAY_ROUTER_PENDING_H */
