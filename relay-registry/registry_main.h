/* SPDX-License-Identifier: ISC */
/* What the files that join the registry's logic to the event loop share. */
#ifndef RELAY_REGISTRY_REGISTRY_MAIN_H
#define RELAY_REGISTRY_REGISTRY_MAIN_H

#include "common/child.h"
#include "common/policy.h"
#include "relay-registry/registry.h"

/* A configuration while it is collected. */
struct staged {
	bool		 there;
	uint32_t	 generation;
	enum node_role	 role;
	char		 node_id[LIMIT_NODE_ID + 1];
	char		 addresses[REGISTRY_ADDRESSES][REGISTRY_ADDRESS_SIZE];
	uint32_t	 n_addresses;
	struct peer_conf peers[LIMIT_PEERS];
	uint32_t	 n_peers;
	enum authentication authentication;
	char		 url[URL_TEXT_MAX + 1];
	struct uplink_conf uplinks[LIMIT_UPLINKS];
	uint32_t	 n_uplinks;
	struct credentials credentials;
	struct policy	 policy;
	char		 fault[512];	/* of a credential; empty: none */
};

/* One relay-registry. */
struct context {
	struct child	*child;
	struct registry	*registry;	/* NULL until the first conf_end */
	struct staged	 staged;
	struct monotime	 started;
	struct event	*commit_ev;	/* when the loop turns */
	struct event	*tick_ev;
	/* The last node told to a new router; not told: false. */
	bool		 telling;
	char		 told[LIMIT_NODE_ID + 1];
	/* A message of discovery while it is written. */
	struct wire_put	 out;
};

struct when	when_now(void);

/* --- staged.c: the configuration --- */

/* Forget what was collected. */
void	staged_clear(struct staged *);
void	registry_on_conf_node(void *, struct channel *, struct wire_get *, int);
void	registry_on_conf_address(void *, struct channel *, struct wire_get *,
	    int);
void	registry_on_conf_peer(void *, struct channel *, struct wire_get *, int);
void	registry_on_conf_uplink(void *, struct channel *, struct wire_get *,
	    int);
void	registry_on_conf_credential(void *, struct channel *,
	    struct wire_get *, int);
void	registry_on_conf_rule(void *, struct channel *, struct wire_get *, int);
/* All of it is there: false if it cannot be in force, with the reason. */
bool	staged_check(struct staged *, char *, size_t);

/* --- links.c: the router and the parent --- */

/* The handlers of what they send while the process runs. */
extern const channel_handler	registry_handlers[MSG_MAX];

/* An event's callback: all that this turn of the loop wrote becomes true,
 * then it is said. */
void	registry_turn(evutil_socket_t, short, void *);
/* Say what is to be said, as far as there is room. */
void	registry_send(struct context *);

void	registry_peer_up(void *, enum proc_id, struct channel *);
void	registry_peer_down(void *, enum proc_id);
void	registry_peer_drained(void *, enum proc_id);

#endif
