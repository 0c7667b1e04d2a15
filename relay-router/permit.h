/* SPDX-License-Identifier: ISC */

/*
 * What policy says of a call (PROTOCOL.md section 6): who calls, and whether
 * he may call that at this node.  It is asked where a call comes in, at the
 * callee's Main and at the callee's home, each by its own rules.
 *
 * A home judges the calls of its own services; what its programs call
 * elsewhere is its Main's to judge.  Calls of relay-ctl are not judged, and
 * neither are ping, info and services of a node's `relay` for other nodes.
 * What comes over a link with another Main must also be exported to it.
 */

#ifndef RELAY_ROUTER_PERMIT_H
#define RELAY_ROUTER_PERMIT_H

#include <stdbool.h>

#include "common/limits.h"
#include "common/policy.h"
#include "common/wire.h"
#include "relay-router/rpc_error.h"

struct call;
struct route_instance;
struct router;

/* The question of one call, to be asked of each node that could take it. */
struct permit {
	const struct policy	*policy;	/* NULL: nothing is denied */
	bool			 nobody;	/* the caller has no valid name */
	bool			 relay;		/* free for every node */
	bool			 inner;		/* its JSON-RPC request names */
	struct span		 inner_method;	/* another method, this one */
	struct span		 peer;		/* the Main it came from */
	enum stage		 stage;		/* of a refusal */
	bool			 denied;	/* some node was */
	const struct policy_rule *rule;		/* that decided last */
	const struct policy_rule *denial;	/* that denied first */
	struct policy_ask	 ask;
	char			 name[LIMIT_NODE_ID + 1];
	char			 main[LIMIT_NODE_ID + 1];
	char			 to[LIMIT_NODE_ID + 1];
	char			 method[LIMIT_METHOD_NAME];
};

/* Readies the question; spans point into the call and the permit. */
void	 permit_begin(struct permit *, const struct router *,
	    const struct call *);

/* Where a call is refused, by the way it came. */
enum stage	 permit_stage(const struct call *);

/* True if the call may go to that node, in lower case; main: of a home. */
bool	 permit_node(struct permit *, enum policy_who, struct span,
	    struct span);

/* The same for a home in whatever case of a Main. */
bool	 permit_home(struct permit *, struct span, struct span);

/* The same for the home of an instance; takes a struct permit. */
bool	 permit_instance(void *, const struct route_instance *);

/* True if there may be a method of it that the caller may call. */
bool	 permit_sees(struct permit *, const struct route_instance *);
/* The same for a method of one that may be seen. */
bool	 permit_sees_method(struct permit *, const struct route_instance *,
	    const char *);

/* FORBIDDEN, which tells no reason: false. */
bool	 permit_refuse(const struct permit *, struct rpc_error *);

/* Tells the registry of a call that was denied, now and then. */
void	 permit_tell(struct router *, const struct call *,
	    const struct permit *);
/* Tells it how many it was not told of: all texts are empty then. */
void	 permit_due(struct router *, int64_t);

#endif /* RELAY_ROUTER_PERMIT_H */
