/* SPDX-License-Identifier: ISC */

/*
 * The route table: which nodes there are, which of them are connected, and
 * which instance of a service takes a call.
 */

#ifndef RELAY_ROUTER_ROUTE_H
#define RELAY_ROUTER_ROUTE_H

#include <bsd/sys/queue.h>

#include <stdbool.h>
#include <stdint.h>

#include "common/hash.h"
#include "common/limits.h"
#include "common/service.h"
#include "common/wire.h"
#include "relay-router/map.h"

struct route_service;
struct route_node;

/* One (service, version, home). */
struct route_instance {
	TAILQ_ENTRY(route_instance) by_service;
	TAILQ_ENTRY(route_instance) by_node;
	struct route_service	*of;
	struct route_node	*node;		/* NULL once withdrawn */
	struct service		 service;
	uint32_t		 in_flight;
	uint64_t		 pass;		/* see route_take() */
	uint32_t		 index;		/* place in its set */
};
TAILQ_HEAD(route_instances, route_instance);

struct route_service {
	struct map_entry	 entry;
	struct route_instances	 instances;
	uint64_t		 pass;		/* the highest of them */
	char			 name[];
};

/* A node that is known; link is the owner's, NULL while not connected. */
struct route_node {
	struct map_entry	 entry;
	struct route_instances	 instances;
	void			*link;
	bool			 known;		/* the registry has it */
	char			 id[];		/* lower case */
};

struct route_table {
	uint8_t			 key[HASH_KEY_LEN];
	struct map		 nodes;
	struct map		 services;
	uint32_t		 n_instances;
};

enum route_result {
	ROUTE_OK = 0,
	ROUTE_NO_SERVICE,
	ROUTE_NO_VERSION,
	ROUTE_NO_METHOD,
	ROUTE_UNHEALTHY,	/* there, but none is healthy */
	ROUTE_OVERLOADED,	/* each has max_concurrency calls in flight */
};

struct route_query {
	const struct route_node	*node;		/* exactly this one, or NULL */
	struct span		 server;
	struct span		 version;	/* empty: the highest */
	struct span		 method;	/* empty: not checked */
	bool			 outside;	/* nothing private */
};

void	 route_init(struct route_table *, const uint8_t [HASH_KEY_LEN]);
void	 route_free(struct route_table *);

/* The node of that id, in whatever case, or NULL. */
struct route_node	*route_node_find(struct route_table *, struct span);

/* Connects a node, known from now on; link must not be NULL. */
struct route_node	*route_node_up(struct route_table *, const char *,
			    void *);

/*
 * The node is no longer connected by that link (another link is left alone):
 * its instances are withdrawn.
 */
void	 route_node_down(struct route_table *, const char *, const void *);

/* The registry knows, or no longer knows, a node. */
void	 route_node_known(struct route_table *, const char *, bool);

/*
 * Replaces all instances of a node that is up; instances that stay keep
 * their calls in flight.  The services are copied.
 */
void	 route_set(struct route_table *, struct route_node *,
	    const struct service *, uint16_t);

/*
 * Sets the health of a service of a node, of all its versions if version is
 * empty; returns how many instances changed.
 */
unsigned int	 route_health(struct route_node *, struct span, struct span,
		    bool);

/*
 * Chooses the instance for a call (PROTOCOL.md section 6): version, method,
 * healthy, then the least calls in flight for its weight; among equals each
 * in turn, as often as its weight says.  Without a version a release comes
 * before a pre-release.  With a node given one that
 * is not healthy will do if there is no other: that very node was asked for.
 */
enum route_result	 route_choose(struct route_table *,
			    const struct route_query *,
			    struct route_instance **);

/*
 * Counts a call in flight, and its end; the last end may free it.  Each call
 * moves the instance's pass on by a stride that is shorter the greater its
 * weight is; the lowest pass is the next in turn.
 */
void	 route_take(struct route_instance *);
void	 route_release(struct route_instance *);

#endif /* RELAY_ROUTER_ROUTE_H */
