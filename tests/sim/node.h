/* SPDX-License-Identifier: ISC */
/* A Main: its processes, of which parent and front-end are simulated. */
#ifndef TESTS_SIM_NODE_H
#define TESTS_SIM_NODE_H

#include "common/http_route.h"
#include "common/limits.h"
#include "common/proc.h"
#include "common/wire.h"
#include "relay-router/map.h"
#include "tests/sim/net.h"
#include "tests/sim/rules.h"
#include "tests/sim/sim.h"

struct child;
struct frontend;

/* A peer, and what was last said of it. */
struct peer_conf {
	char		host[64];
	uint16_t	port;
	char		path[32];
	char		node_id[NET_NAME];
	uint8_t		origin;		/* as in CONF_PEER */
	bool		held;
	uint8_t		state;		/* as in PEER_STATE; 0: none */
	int64_t		retry_us;
	char		said_id[NET_NAME];
	char		reason[256];
};

struct peer_list {
	struct peer_conf	p[LIMIT_PEERS];
	unsigned int		n;
};

struct node {
	unsigned int		 index;
	enum node_role		 role;
	char			 id[NET_NAME];
	char			 dir[96];
	struct host		*host;
	bool			 up;
	bool			 gone;		/* for good */
	struct child		*proc[PROC_MAX];
	struct frontend		*fe;
	struct rules		 rules;
	struct peer_list	 configured;	/* by its file */
	struct peer_list	 added;
	struct peer_list	 peers, former;	/* of these generations */
	uint32_t		 generation, former_generation;
	uint64_t		 ctl_request;
	int64_t			 up_us;		/* when it last came up */
	struct timer		 reload;
};

/* --- node.c --- */
struct node	*node_new(unsigned int);
void	node_peer(struct node *, const struct node *, bool);
void	node_start(struct node *);
/* All of it ends: in silence as a host that lost its power, or not. */
void	node_stop(struct node *, bool);
/* One process dies, and is there again after a while. */
void	node_kill(struct node *, enum proc_id);
/* A new generation with the peers there are now, soon. */
void	node_reload(struct node *);
/* Both lead to the same place. */
bool	peer_same(const struct peer_conf *, const struct peer_conf *);
/* Directories of databases. */
void	node_make_dir(void);
void	node_remove_dir(void);
/* The Main that listens at this host and port, or NULL. */
struct node	*node_at(const char *, uint16_t);
struct node	*node_find(const char *);

/* --- parent.c --- */
struct child	*parent_new(struct node *);
/* The lists of the next generation. */
void	parent_new_generation(struct node *);
/* A process has its configuration: what the parent has to tell it. */
void	parent_child_up(struct node *, enum proc_id);
/* CTL_PEER: 1 add, 2 delete, 3 reset. */
void	parent_ctl_peer(struct node *, unsigned int, const char *, bool);

/* --- frontend.c --- */
struct child	*frontend_new(struct node *);
void	frontend_free(struct child *);
/* An HTTP request; the answer comes later, and always. */
typedef void (*http_done)(void *, unsigned int, struct span);
void	frontend_http(struct node *, enum http_route, const char *, http_done,
	    void *);
/* Counts live links with a Main, by who dialled; in sessions both. */
struct link_count {
	unsigned int	in, out;
};
void	frontend_links(struct node *, const char *, struct link_count *);
/* Closes one of the links with that Main, if there is one. */
bool	frontend_break(struct node *, const char *);
/* Makes what a link carries wait for so long. */
bool	frontend_slow(struct node *, const char *, int64_t);

#endif
