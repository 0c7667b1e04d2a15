/* SPDX-License-Identifier: ISC */
/*
 * A few Mains that discover each other: their meshes, models of their routers'
 * tables and links that keep the order of messages and lose all that is under
 * way when they break.  For unit tests and the fuzzer alike: what must not be
 * aborts.
 */
#ifndef TESTS_UNIT_MESH_FIXTURE_H
#define TESTS_UNIT_MESH_FIXTURE_H

#include "relay-registry/mesh.h"

#define WORLD_MAINS	3
#define WORLD_NODES	16	/* homes of a Main: "n0" to "n15" */

/* What a router was told of one home of another Main. */
struct world_route {
	struct world_route	*next;
	char			 main_id[LIMIT_NODE_ID + 1];
	char			 node[LIMIT_NODE_ID + 1];
	uint64_t		 hash;
	bool			 unset;		/* since "begin" */
	bool			 fresh;		/* told over this link, or of
						 * which the end came */
};

struct world_msg {
	struct world_msg	*next;
	enum msg_type		 type;
	size_t			 len;
	uint8_t			 payload[];
};

/* From one Main to another, as the sender sees it. */
struct world_edge {
	uint64_t		 session;	/* 0: down */
	bool			 lagging;	/* deltas are not for it */
	bool			 told[WORLD_NODES];	/* homes it may know */
	struct world_msg	*queue;
};

/* Services, by their numbers as bits, that a Main does not get or take. */
struct world_policy {
	uint8_t			 no_export[WORLD_MAINS];
	uint8_t			 no_import[WORLD_MAINS];
};

struct world_main {
	struct mesh		*mesh;
	struct world_policy	 policies[2];
	unsigned int		 in_force;	/* which of them */
	bool			 filtered;	/* exports are */
	char			 id[32];
	int			 own[WORLD_NODES];	/* 0, or a variant */
	struct world_route	*routes;
	struct world_edge	 to[WORLD_MAINS];
	uint64_t		 told[MSG_MAX];		/* messages pulled */
};

struct world {
	struct world_main	 mains[WORLD_MAINS];
	size_t			 n;
	struct mesh_limits	 limits;
	struct monotime		 now;
	uint64_t		 last_id;
};

void	world_init(struct world *, size_t, const struct mesh_limits *);
void	world_free(struct world *);

/*
 * The services of a variant from 1 on, "s0" to "s6", to be freed with
 * world_services_free(); every seventh has none that is for the federation.
 * Those from WORLD_LONG on are so long that a message takes a few homes.
 */
#define WORLD_LONG	1000
struct service	*world_services(int, uint16_t *);
void		 world_services_free(struct service *, uint16_t);

/* Main a's home of that number has the services of a variant, or goes (0). */
void	world_own(struct world *, size_t, size_t, int);
void	world_link(struct world *, size_t, size_t);
void	world_unlink(struct world *, size_t, size_t);
/* The router of a Main dies, and another one takes its place. */
void	world_new_router(struct world *, size_t);
/* The registry of a Main dies; its links stay. */
void	world_new_registry(struct world *, size_t);
/* Deltas do not go from a to b, or go again. */
void	world_lag(struct world *, size_t, size_t, bool);

/*
 * Of a's services b does not get those of a bit in the first set, and of b's
 * services a does not take in those of the second.
 */
void	world_deny(struct world *, size_t, size_t, uint8_t, uint8_t);

/* At most so many messages of a Main; returns how many there were. */
size_t	world_pull(struct world *, size_t, size_t);
/* At most so many messages from a to b; the same. */
size_t	world_deliver(struct world *, size_t, size_t, size_t);
/* The first message from a to b is lost; false if there is none. */
bool	world_lose(struct world *, size_t, size_t);
/* Take any bytes as a PEER_ROWS of the session from b to a. */
void	world_rows(struct world *, size_t, size_t, const uint8_t *, size_t);
/* Pull and deliver until there is nothing more. */
void	world_run(struct world *);
/* The same with time passing, for longer than anything waits. */
void	world_settle(struct world *);

/* Whether b knows a's homes as they are. */
bool	world_knows(struct world *, size_t, size_t);
/* Homes of a that b's router was told of. */
size_t	world_routes(struct world *, size_t, size_t);
/* Abort unless every linked Main knows the other, and limits hold. */
void	world_check(struct world *);

#endif
