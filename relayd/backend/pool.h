/* SPDX-License-Identifier: ISC */
/*
 * Calls to services: a queue for each service (its pool), slots that take
 * calls from it (an instance, or a connection), and the two indexes by which
 * a call is found again.  Pure: no event loop, no clock, no socket.
 */
#ifndef BACKEND_POOL_H
#define BACKEND_POOL_H

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/monotime.h"
#include "common/wire.h"

struct pool;
struct slot;

enum call_state {
	CALL_QUEUED,
	CALL_SENT,
	CALL_ABANDONED		/* sent; nobody waits for the answer */
};

struct call {
	RB_ENTRY(call)		 by_call;
	RB_ENTRY(call)		 by_id;
	TAILQ_ENTRY(call)	 entry;		/* pool's queue or slot's list */
	TAILQ_ENTRY(call)	 abandoned;
	enum call_state		 state;
	uint64_t		 call;		/* the router's id */
	uint64_t		 id;		/* ours, the JSON-RPC id */
	struct pool		*pool;
	struct slot		*slot;		/* unless queued */
	struct monotime		 deadline;
	struct monotime		 since;		/* when abandoned */
	bool			 notification;
	char			*text;		/* the request; NULL once sent */
	size_t			 text_len;
};

TAILQ_HEAD(call_list, call);
RB_HEAD(call_tree, call);
RB_HEAD(id_tree, call);

/* What takes calls: one process or one connection. */
struct slot {
	TAILQ_ENTRY(slot)	 entry;
	struct call_list	 calls;
	struct pool		*pool;
	uint32_t		 in_flight;
	uint32_t		 max;		/* calls at once; 0: no limit */
	bool			 blocked;	/* too much is queued to it */
	void			*io;		/* the owner's */
};

/* One service. */
struct pool {
	TAILQ_HEAD(, slot)	 slots;
	struct call_list	 queue;
	uint32_t		 n_queued;
	size_t			 queued_bytes;
	uint32_t		 in_flight;
	uint32_t		 max;		/* max_concurrency; 0: no limit */
	uint32_t		 n_slots;
	void			*owner;		/* the owner's */
};

/* All calls of the process. */
struct calls {
	struct call_tree	 by_call;
	struct id_tree		 by_id;
	struct call_list	 abandoned;	/* oldest first */
	uint64_t		 next_id;
	uint32_t		 count;
};

void	calls_init(struct calls *);
/*
 * A pool that has at most max calls sent at once (0: any number), and its
 * owner.  It must have no call and no slot left when it is forgotten.
 */
void	pool_init(struct pool *, uint32_t, void *);
/* Adds a slot that takes at most max calls at once (0: any number). */
void	pool_add_slot(struct pool *, struct slot *, uint32_t, void *);
/* Removes it; it must have no call left. */
void	pool_remove_slot(struct slot *);

enum enqueue { ENQUEUE_OK, ENQUEUE_FULL, ENQUEUE_REPEATED };

/*
 * Puts a call at the end of the pool's queue.  The text comes later, from
 * call_set_text(), because it holds the id.  FULL: LIMIT_BACKEND_QUEUE or
 * LIMIT_BACKEND_QUEUE_BYTES (with the size given) is reached.  REPEATED: a
 * call of that id is there.  The call is owned by calls.
 */
enum enqueue	pool_enqueue(struct calls *, struct pool *, uint64_t,
		    struct monotime, bool, size_t, struct call **);
/* text is the call's from now on (free()). */
void		call_set_text(struct call *, char *, size_t);

enum take {
	TAKE_NONE,		/* nothing is queued, or nobody may take it */
	TAKE_SEND,		/* the call, now on call->slot */
	TAKE_EXPIRED		/* its deadline passed: finish it, unsent */
};

/*
 * The next call of the queue, for the slot with the fewest calls (the one
 * that waits longest among equals).
 */
enum take	pool_take(struct pool *, struct monotime, struct call **);
/* Back to the head of the queue, with its text: it could not be sent. */
void		pool_return(struct call *);
/* True if pool_take() would find a slot. */
bool		pool_has_room(const struct pool *);

struct call	*calls_find(struct calls *, uint64_t);
/* By our id, and only if it was sent over that slot. */
struct call	*calls_find_id(struct calls *, const struct slot *, uint64_t);
/* Any call; NULL when there is none. */
struct call	*calls_any(struct calls *);

/* Over: out of every list and freed. */
void		 call_finish(struct calls *, struct call *);
/*
 * Nobody waits any more.  It keeps its place at the slot, because the service
 * still works on it, until the answer or calls_abandoned_due().
 */
void		 call_abandon(struct calls *, struct call *, struct monotime);
/* A call abandoned LIMIT_BACKEND_ABANDON_MS ago or more, or NULL. */
struct call	*calls_abandoned_due(struct calls *, struct monotime);

#endif
