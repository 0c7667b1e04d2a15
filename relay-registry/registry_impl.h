/* SPDX-License-Identifier: ISC */
/* What the files of the registry's logic share. */
#ifndef RELAY_REGISTRY_REGISTRY_IMPL_H
#define RELAY_REGISTRY_REGISTRY_IMPL_H

#include "common/policy.h"
#include "relay-registry/audit.h"
#include "relay-registry/clone.h"
#include "relay-registry/mesh.h"
#include "relay-registry/peer.h"
#include "relay-registry/registry.h"

/* A view that may be given out again. */
struct view_cache {
	char		*body;		/* NULL: none */
	size_t		 len;
	struct monotime	 made;
	bool		 draining;	/* when it was made */
	unsigned int	 route;
	/* Whose view it is; empty for all, or for the anonymous if there
	 * are rules. */
	char		 caller[LIMIT_TOKEN_NAME + 1];
};

#define VIEW_CACHES	(HTTP_ROUTE_MAX + 16)	/* one a route, and some
						 * callers' */

#define DENIED_BY_TEXT	(LIMIT_RULE_FILE + 528)	/* bytes of which rule it was,
						 * NUL included */

/* Why a link may not be a session. */
struct denial {
	uint16_t	 status;
	int32_t		 code;
	uint32_t	 retry_after_ms;
	const char	*reason;
	bool		 challenge;	/* ask for a proof */
	char		 detail[LIMIT_DENIAL];	/* said instead */
};

struct trust;

struct registry {
	struct db		*db;
	enum node_role		 role;
	char			 node_id[LIMIT_NODE_ID + 1];
	uint32_t		 max_nodes;
	int64_t			 n_nodes;
	bool			 broken;	/* this transaction must fail */
	bool			 sync;		/* it must survive a power cut */
	bool			 lost;		/* a former one did */
	bool			 behind;
	struct reply_queue	 waiting;
	struct reply_queue	 ready;
	struct clone_table	 clones;
	int64_t			 warned_ms;	/* a new second for them */
	uint32_t		 warned;	/* of strangers, in this one */
	int64_t			 own_warned_ms;	/* of this node's own id */
	struct mesh		*mesh;
	struct peers		 peers;
	struct trust		*trust;
	char			 own[REGISTRY_ADDRESSES][REGISTRY_ADDRESS_SIZE];
	uint32_t		 n_own;
	bool			 peers_known;	/* persisted ones were said */
	struct monotime		 started;
	struct view_cache	 cache[VIEW_CACHES];
	struct policy		*policy;	/* in force; NULL: no rules */
	struct audit		 audit;
	struct registry_stats	 stats;
};

/* Begin a transaction or join the one there is; false if it cannot be. */
bool		 registry_begin(struct registry *);
/* As db_run(), but an error breaks the transaction. */
#define registry_run(r, stmt, ...)					\
	registry_check((r), db_run((r)->db, (stmt), __VA_ARGS__))
int		 registry_check(struct registry *, int);

struct reply	*registry_say(struct registry *, enum msg_type, uint64_t);
/* The node of a live session, to a buffer for an id, and its kind; 0: none. */
enum node_kind	 registry_node_of(struct registry *, uint64_t, char *);
/* Copy what fits, with '?' for what is not printable ASCII. */
void		 registry_clean(struct span, char *, size_t);
/* True now and then: strangers may ask for a log line at any pace. */
bool		 registry_may_warn(struct registry *, struct when);
/* What views show has changed. */
void		 view_forget(struct registry *);

/* Tell the router to end a session. */
void		 registry_end(struct registry *, uint64_t, uint16_t,
		    const char *);

/*
 * End one that may not stay, of a node at an address, for that reason, which
 * is recorded.
 */
void		 registry_cut(struct registry *, uint64_t, const char *,
		    const char *, const char *, struct when);

/* CTL_END: status (enum ctl_status) and text. */
void		 registry_ctl_end(struct registry *, uint64_t, uint16_t,
		    const char *);

#define TOKEN_BY_SIZE	(LIMIT_TOKEN_NAME + sizeof("token:"))

/* Whose token an authorization has: its name, or false and an empty one. */
bool		 token_holder(struct registry *, struct span,
		    char [LIMIT_TOKEN_NAME + 1]);
/* "token:NAME", as policy and the audit log have it; "anonymous" for none. */
void		 token_by(const char *, char [TOKEN_BY_SIZE]);

/* --- sessions with other Mains --- */

/* Whether one with this node's own id asks; why not then. */
bool		 peer_is_own(struct registry *, const struct session_request *,
		    const char *, struct denial *, struct when);
/* One that we dialled is who it should be, or why not. */
bool		 peer_is_expected(struct registry *,
		    const struct session_request *, const char *,
		    struct denial *);

/*
 * Whether a link with that Main may be; the session it then replaces, or 0, or
 * why not.
 */
bool		 peer_may_link(struct registry *,
		    const struct session_request *, const char *, uint64_t *,
		    struct denial *, struct when);
/* It may, if the transaction succeeds. */
void		 peer_linked(struct registry *, const struct session_request *,
		    const char *, struct monotime);
void		 peer_resumed(struct registry *,
		    const struct session_request *, const char *,
		    struct monotime);

/* --- what a reply means for discovery --- */

/* It is true; if it is the registry's own, it is done with. */
void		 discovery_committed(struct registry *, const struct reply *,
		    struct when);
/* Its transaction failed. */
void		 discovery_refused(struct registry *, const struct reply *);

#endif
