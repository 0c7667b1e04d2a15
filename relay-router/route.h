/* SPDX-License-Identifier: ISC */

/*
 * The route table: which nodes there are, here and at other Mains, which of
 * them can be reached, and which instance of a service takes a call.
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

TAILQ_HEAD(route_nodes, route_node);

/*
 * Another Main.  link is the owner's, NULL while there is none: what it has
 * is then stale.  With another link it stays so until the Main has said over
 * that link that it is still there: what a former life of it had may be gone.
 * It is kept as long as it has a link or a node.
 */
struct route_main {
	struct map_entry	 entry;
	struct route_nodes	 nodes;
	uint32_t		 n_nodes;
	uint32_t		 mark;		/* see route_peers_phase() */
	uint32_t		 life;		/* one more with each link */
	void			*link;
	char			 id[];		/* lower case */
};

/*
 * A node that is known.  One of this Main's own has no via; its link is the
 * owner's, NULL while not connected.  The others are reached via their Main.
 */
struct route_node {
	struct map_entry	 entry;
	TAILQ_ENTRY(route_node)	 by_main;
	struct route_instances	 instances;
	struct route_main	*via;
	void			*link;
	bool			 known;		/* the registry has it */
	uint32_t		 mark;		/* see route_peers_phase() */
	uint32_t		 life;		/* of its Main that has it */
	uint64_t		 set_seq;	/* the higher was set later */
	char			 id[];		/* lower case */
};

struct route_table {
	uint8_t			 key[HASH_KEY_LEN];
	struct map		 nodes;		/* by id, whatever their Main */
	struct map		 mains;
	struct map		 services;
	uint64_t		 set_seq;
	uint32_t		 n_instances;
};

enum route_result {
	ROUTE_OK = 0,
	ROUTE_NO_SERVICE,
	ROUTE_NO_VERSION,
	ROUTE_NO_METHOD,
	ROUTE_UNREACHABLE,	/* there, but stale */
	ROUTE_UNHEALTHY,	/* there, but none is healthy */
	ROUTE_OVERLOADED,	/* each has max_concurrency calls in flight */
	ROUTE_FORBIDDEN,	/* there, but the caller may call none */
};

struct route_query {
	const struct route_node	*node;		/* exactly this one, or NULL */
	struct span		 server;
	struct span		 version;	/* empty: the highest */
	struct span		 method;	/* empty: not checked */
	enum visibility		 least;		/* nothing less visible */
	bool			 own_only;	/* nothing of other Mains */
	/*
	 * The link of a Main that has just said that it has it, or NULL: stale,
	 * its nodes will do if there are no others.
	 */
	const void		*vouched;
	/* True if the caller may call that instance; NULL: all. */
	bool			(*permit)(void *,
				    const struct route_instance *);
	void			*permit_arg;
};

void	 route_init(struct route_table *, const uint8_t [HASH_KEY_LEN]);
void	 route_free(struct route_table *);

/* This Main's own node of that id, in whatever case, or NULL. */
struct route_node	*route_node_find(struct route_table *, struct span);

/* The node of that id of another Main, both in whatever case, or NULL. */
struct route_node	*route_node_at(struct route_table *, struct span,
			    struct span);

/*
 * The node of that id wherever it is: an own one that is connected, else one
 * of another Main that is not stale (that was set last), else an own one, else
 * one of any Main, else NULL.
 */
struct route_node	*route_node_any(struct route_table *, struct span);

/* The link that leads to a node, or NULL: there is none, or it is stale. */
static inline void *
route_node_link(const struct route_node *n)
{
	if (n->via == NULL)
		return (n->link);
	return (n->life == n->via->life ? n->via->link : NULL);
}

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

/* The service of that name, or NULL. */
struct route_service	*route_service_named(struct route_table *,
			    struct span);

/* The other Main of that id, in whatever case, or NULL. */
struct route_main	*route_main_find(struct route_table *, struct span);

/* It has a link, which must not be NULL: all its nodes are stale until set. */
struct route_main	*route_main_up(struct route_table *, const char *,
			    void *);

/*
 * It has no longer that link (another is left alone): its nodes are stale.
 * Without any it is freed.
 */
void	 route_main_down(struct route_table *, const char *, const void *);

/* Forgets what Mains without a link have. */
void	 route_mains_forget_stale(struct route_table *);

/*
 * Replaces all instances of a node of another Main, and makes both known; the
 * services are copied.  And the end of such a node.  Ids are valid and lower
 * case.
 */
void	 route_peer_set(struct route_table *, const char *, const char *,
	    const struct service *, uint16_t);
void	 route_peer_delete(struct route_table *, const char *, const char *);

/* What PEER_ROUTES says: phase is one of enum route_phase, else ignored. */
enum route_phase {
	ROUTE_PHASE_BEGIN = 1,
	ROUTE_PHASE_END,	/* what was not set since the begin goes, what
				 * is left is not stale */
	ROUTE_PHASE_FORGET,	/* all of it goes */
};
void	 route_peers_phase(struct route_table *, const char *, unsigned int);

/*
 * Sets the health of a service of a node, of all its versions if version is
 * empty; returns how many instances changed.
 */
unsigned int	 route_health(struct route_node *, struct span, struct span,
		    bool);

/*
 * Chooses the instance for a call (PROTOCOL.md section 6): version, method,
 * healthy, not full, of this Main rather than another, then the least calls
 * in flight for its weight; among equals each in turn, as often as its weight
 * says.  Without a version a release comes before a pre-release.  With a node
 * given one that is not healthy will do if there is no other: that very node
 * was asked for.  What is stale is never chosen, and what
 * the caller may not call is as if it were not there: if nothing else has the
 * service, the call is forbidden.
 */
enum route_result	 route_choose(struct route_table *,
			    const struct route_query *,
			    struct route_instance **);

/*
 * How far one instance gets by the same rules, but for what the caller may
 * call: ROUTE_NO_SERVICE if it is not for such a call at all.
 */
enum route_result	 route_verdict(const struct route_query *,
			    const struct route_instance *);

/*
 * Counts a call in flight, and its end; the last end may free it.  Each call
 * moves the instance's pass on by a stride that is shorter the greater its
 * weight is; the lowest pass is the next in turn.
 */
void	 route_take(struct route_instance *);
void	 route_release(struct route_instance *);

#endif /* RELAY_ROUTER_ROUTE_H */
