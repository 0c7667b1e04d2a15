/* SPDX-License-Identifier: ISC */
/*
 * The real router among processes that are made up (tests/fuzz/receiver.h),
 * and what it sends to them.
 */
#ifndef TESTS_UNIT_ROUTER_CALLS_H
#define TESTS_UNIT_ROUTER_CALLS_H

#include "relay-router/router.h"
#include "tests/fuzz/receiver.h"

#define SELF	"main.example"	/* the Main's id */

/* One message that was sent and not looked at yet. */
struct sent {
	enum proc_id	 to;
	enum msg_type	 type;
	size_t		 len;
	uint8_t		*data;
	struct wire_get	 get;		/* over its data */
};

extern struct child	*fix_child;
extern struct router	*fix_router;

/* A Main or a home, connected to all; and the end, which must be clean. */
void		 fix_start(bool);
void		 fix_end(void);

/*
 * Takes the first message of that type that was sent; NULL if there is none.
 * Valid until the next one is taken.
 */
struct sent	*fix_sent(enum msg_type);
/* The same for the text of LINK_SEND to a session. */
const char	*fix_text(uint64_t);
/* Forgets all that was sent. */
void		 fix_forget(void);

/* True if a text has that part, which has apostrophes for quotes. */
bool		 fix_has(const char *, const char *);
/* The message_id of a text that was sent; in a buffer of its own. */
const char	*fix_id_of(const char *);

#define ck_has(text, part)						\
	ck_assert_msg(fix_has(text, part), "%s in %s", part,		\
	    (text) == NULL ? "nothing" : (text))

/* Messages to the router; true if they were well formed. */
bool		 fix_tell(enum proc_id, enum msg_type, const struct wire_put *);
/* A text over a session, with apostrophes for quotes. */
void		 fix_say(uint64_t, const char *, ...)
		    __attribute__((format(printf, 2, 3)));

/* A session of a home or a peer that the registry has accepted. */
uint64_t	 fix_open(enum session_kind, const char *);
/* The registry accepts a session as that node's. */
void		 fix_accept(uint64_t, const char *);
/* The dialer has a link to that Main, which the registry accepts. */
uint64_t	 fix_dialed(const char *);
/* LINK_DOWN and LINK_QUEUE. */
void		 fix_down(uint64_t);
void		 fix_queue(uint64_t, bool);
/* ROUTE_SET or PEER_ROUTE_SET with one service of that visibility. */
void		 fix_route(uint64_t, const char *, const char *,
		    enum visibility);
void		 fix_peer_route(const char *, const char *, const char *);
/* POST /rpc or another route with a body, apostrophes for quotes. */
void		 fix_http(uint64_t, uint8_t, const char *, const char *);
/* The body of the answer to that request, and its status; NULL if none. */
const char	*fix_answer(uint64_t, unsigned int *);

/*
 * A Main with a home, alice.h, that has svc, and its links with a.main, where
 * ah has far, and with c.main, where ch has third.
 */
extern uint64_t	 fix_home, fix_peer, fix_other;	/* their sessions */
void		 fix_mains(void);

#define RPC	"'jsonrpc_request':{'jsonrpc':'2.0','method':'get'," \
		"'params':[1],'id':1}"

/* A request of a home, as SEED.md has them. */
#define ASK	"{'type':'request','message_id':'m1','ttl':8,"		\
		"'routing_path':['alice.h'],'method':'get'," RPC

/* A request of a.main for its home ah. */
#define FROM_A	"'source_node':{'type':'home','id':'ah',"		\
		"'main_relay':'a.main'}"
#define PEER_ASK(source, path, ttl, more)				\
	"{'type':'request','message_id':'p1'," source			\
	",'routing_path':" path ",'ttl':" ttl ",'method':'get'," RPC more "}"

#endif
