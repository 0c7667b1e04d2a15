/* SPDX-License-Identifier: ISC */
/* The inside of the simulated front-end, shared by its files. */
#ifndef TESTS_SIM_FRONTEND_H
#define TESTS_SIM_FRONTEND_H

#include "tests/sim/child.h"
#include "tests/sim/node.h"

enum conn_state {
	CONN_UPGRADE = 1,	/* came, and has not said who it is */
	CONN_ASKED,		/* the router decides */
	CONN_OFFERED,		/* ours, the upgrade is sent */
	CONN_DIALED,		/* ours and welcome, the router decides */
	CONN_UP
};

struct fe_conn {
	struct map_entry	 entry;		/* first: by id */
	struct frontend		*fe;
	uint64_t		 id;
	enum conn_state		 state;
	struct net_end		*end;
	bool			 ours;		/* we dialled */
	bool			 peer;
	struct fe_session	*session;
	struct peer_conf	 conf;		/* where it was dialled to */
	uint64_t		 attempt;
	char			 address[64];
	char			 node[NET_NAME];
	struct timer		 late;		/* end of the handshake */
};

/* The same connection by the session it became. */
struct fe_session {
	struct map_entry	 entry;		/* first: by session */
	struct fe_conn		*conn;
	uint64_t		 id;
};

struct fe_http {
	LIST_ENTRY(fe_http)	 entry;
	uint64_t		 id;
	http_done		 done;
	void			*arg;
};

/* The peers of a generation. */
struct fe_conf {
	uint32_t		 generation;	/* 0: none */
	struct peer_conf	 peers[LIMIT_PEERS];
	unsigned int		 n;
};

struct frontend {
	struct child		*child;
	struct node		*node;
	char			 boot[17];
	uint64_t		 last_id;
	struct map		 conns, sessions;
	LIST_HEAD(, fe_http)	 https;
	struct fe_conf		 cur, next;
};

extern const channel_handler	frontend_handlers[];

struct channel	*fe_router(const struct frontend *);
struct fe_conn	*fe_conn_new(struct frontend *, struct net_end *);
/* Ends a connection: with a close frame or without, and tells who must know. */
void	fe_end(struct fe_conn *, uint16_t, const char *);
/* The router is told that this session is over. */
void	fe_down(const struct frontend *, uint64_t, const char *);
/* UPLINK_STATE of a connection that is ours: 1 up 2 down 3 refused 4 ready. */
void	fe_uplink_state(const struct fe_conn *, unsigned int, uint32_t,
	    const char *);
/* The same once it is over; it is not ours any more then. */
void	fe_uplink_over(struct fe_conn *, uint32_t, const char *);
/* The connection is a live link. */
void	fe_set_session(struct fe_conn *, uint64_t);
/* The configuration of that number, in force or about to be; or NULL. */
const struct fe_conf	*fe_conf_find(const struct frontend *, uint32_t);
/* Asks for the upgrade of a connection that was dialled. */
void	fe_offer(struct frontend *, struct net_end *, const struct peer_conf *,
	    uint64_t);
void	fe_http_end_all(struct frontend *);

#endif
