/* SPDX-License-Identifier: ISC */

/*
 * A call in the router: read (request.c, or http.c and control.c), aimed
 * (target.c), placed (call.c), sent on (forward.c), answered (reply.c).
 */

#ifndef RELAY_ROUTER_CALL_H
#define RELAY_ROUTER_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/limits.h"
#include "common/service.h"
#include "common/wire.h"
#include "relay-router/envelope.h"
#include "relay-router/pending.h"
#include "relay-router/permit.h"
#include "relay-router/route.h"
#include "relay-router/rpc_error.h"

struct router;
struct session;
struct target;

/* Where an answer goes. */
struct reply_to {
	struct pending_end	*end;
	struct span		 message_id;
	struct span		 rpc_id;	/* JSON text; empty: null */
	uint32_t		 slot;
	bool			 no_answer;
};

/* A call on its way in, whoever makes it. */
struct call {
	struct reply_to		 to;
	const struct envelope	*env;		/* a link's own text, or NULL */
	struct session		*from;		/* with env */
	struct env_node		 target;
	struct span		 server;
	struct span		 method;	/* plain text */
	struct span		 version;
	struct span		 params;	/* JSON text or empty */
	struct span		 trace;		/* JSON string or empty */
	struct span		 idempotency_key;	/* likewise */
	int64_t			 timeout_ms;	/* 0: the default */
	int64_t			 deadline_ms;	/* time left; -1: none */
	int64_t			 priority;
	int64_t			 ttl;		/* after this node */
	int64_t			 now_ms;	/* it came; limits run from it */
	const struct session	*vouched;	/* the peer that has just
						 * said it has it, or NULL */
};

/* --- call.c --- */
/*
 * Places a call: with an answer to come (or none wanted) true; else false
 * and *err says why it was refused.
 */
bool	 call_place(struct router *, const struct call *,
	    struct rpc_error *);
/*
 * The same for a call that was held and is not held again.  If a peer's
 * session is given, which has said that it has what is wanted, its stale routes
 * will do, and what is for a node goes there without any route.
 */
bool	 call_place_held(struct router *, const struct call *,
	    struct session *, struct rpc_error *);
/*
 * How long a call may take, in ms: its own word, then the method's, then the
 * default.  The target may be NULL.
 */
int64_t	 call_limit_ms(const struct router *, const struct call *,
	    const struct target *);
/* The caller withdraws a call. */
void	 call_cancel(struct router *, struct pending *);
/* Calls whose deadline is reached are answered. */
void	 call_expire(struct router *, int64_t);
/* Ends every call that has to do with this end. */
void	 call_end_gone(struct router *, struct pending_end *, enum stage);

/* --- request.c --- */
/* Where names of a call are kept that its envelope does not hold. */
struct call_names {
	char	 fresh[24];
	char	 method[LIMIT_METHOD_NAME];
};

/*
 * Reads the call of a link's request, whose spans point into envelope and
 * names; false with *err if it breaks a rule.
 */
bool	 call_read(struct router *, struct session *,
	    const struct envelope *, struct call_names *, struct call *,
	    struct rpc_error *);
/* The link's request: true or false as call_place(). */
bool	 call_from_link(struct router *, struct session *,
	    const struct envelope *, struct rpc_error *);

/* --- target.c --- */
enum target_kind { TARGET_SESSION, TARGET_BACKEND, TARGET_SELF };

struct target {
	enum target_kind	 kind;
	struct session		*session;
	struct route_instance	*instance;	/* NULL if not known */
	bool			 relay;		/* session's own node is meant,
						 * a Main */
	bool			 miss;		/* with an error: a peer may
						 * know better */
	struct permit		 permit;	/* what policy says: last */
};

/* The node of a session takes it; false with *err if its queue is full. */
bool	 target_session(struct session *, struct target *,
	    struct rpc_error *);
/* What the caller may see. */
enum visibility	 target_least(const struct call *);
/* What is looked for to take a call, at that node or, if NULL, at any. */
struct route_query	 target_query(const struct call *,
			    const struct route_node *, struct target *);
/*
 * Finds who takes a call; false with *err if nobody does, or nobody whom the
 * caller may call: FORBIDDEN.  Nothing is changed or sent by it.
 */
bool	 target_find(struct router *, const struct call *, struct target *,
	    struct rpc_error *);

/* --- forward.c --- */
/*
 * Sends a call to the target's session under a message id that is this
 * node's own, with that many ms left: the link's own text, or a request that
 * is written here, for HTTP or control.
 */
bool	 forward_text(struct router *, const struct call *,
	    const struct target *, struct span, int64_t, struct rpc_error *);
bool	 forward_new(struct router *, const struct call *,
	    const struct target *, struct span, int64_t, struct rpc_error *);

/* --- reply.c --- */
/* Answers with an error of this node's own. */
void	 reply_error(struct router *, const struct reply_to *,
	    const struct rpc_error *);
/* Answers with a result or with an error object, JSON text both. */
void	 reply_json(struct router *, const struct reply_to *, bool,
	    struct span);
/* Ends a pending call: where its answer goes, then removal. */
struct reply_to	 reply_of(const struct pending *);
void	 pending_done(struct router *, struct pending *);
/*
 * What is left to do when a call of this caller's was removed from the table
 * without pending_done(): the caller may be freed by it.
 */
void	 pending_ended(struct router *, struct pending_end *);
/* A response or an error that came over a link. */
void	 reply_from_link(struct router *, struct session *,
	    const struct envelope *);

#endif /* RELAY_ROUTER_CALL_H */
