/* SPDX-License-Identifier: ISC */

/*
 * The router's process: everything its files share.
 */

#ifndef RELAY_ROUTER_ROUTER_H
#define RELAY_ROUTER_ROUTER_H

#include <bsd/sys/queue.h>
#include <event2/event.h>

#include <stdbool.h>
#include <stdint.h>

#include "common/channel.h"
#include "common/child.h"
#include "common/id64.h"
#include "common/monotime.h"
#include "relay-router/envelope.h"
#include "relay-router/map.h"
#include "relay-router/pending.h"
#include "relay-router/route.h"
#include "relay-router/rpc_error.h"
#include "relay-router/text.h"

/* Who stands at an end of a pending call: pending_end.kind. */
enum end_kind {
	END_SESSION = 1,
	END_HTTP,
	END_CTL,
	END_BACKEND,
};

enum session_kind {
	SESSION_HOME = 1,	/* a home's link to this Main */
	SESSION_UPLINK,		/* this home's link to its Main */
};

/* Optional additions (PROTOCOL.md section 3) that a node has announced. */
#define FEATURE_DEADLINE_MS	0x1U
#define FEATURE_CANCEL		0x2U
#define FEATURE_TRACEPARENT	0x4U
#define FEATURE_IDEMPOTENCY_KEY	0x8U

struct registration;

/* A registration whose answer is with the registry. */
struct registration_wait {
	TAILQ_ENTRY(registration_wait) entry;
	uint64_t		 tag;
	struct registration	*reg;		/* what was asked */
	char			 message_id[LIMIT_MESSAGE_ID + 1];
};
TAILQ_HEAD(registration_waits, registration_wait);

struct session {
	struct map_entry	 entry;		/* first: by id */
	TAILQ_ENTRY(session)	 list;		/* by next heartbeat */
	uint64_t		 id;
	uint64_t		 conn;		/* the front-end's */
	uint64_t		 epoch;		/* the registry's */
	enum session_kind	 kind;
	bool			 up;		/* accepted */
	bool			 full;		/* its queue, see LINK_QUEUE */
	bool			 health_untold;	/* to the registry */
	unsigned int		 features;
	int64_t			 opened_ms;
	int64_t			 seen_ms;	/* last text */
	int64_t			 beat_ms;	/* next heartbeat is due */
	int64_t			 answer_ms;	/* none without id before */
	int64_t			 told_ms;	/* nor SESSION_SEEN before */
	uint64_t		 beat_seq;
	uint64_t		 register_seq;
	int64_t			 register_ms;	/* try again then; 0: no need */
	char			 register_id[24]; /* ours to the Main */
	uint64_t		 msgs_in;
	uint64_t		 msgs_out;
	struct pending_end	 end;
	struct route_node	*node;		/* of a home */
	struct registration_waits waits;
	unsigned int		 n_waits;
	char			*node_id;	/* lower case */
	char			*address;	/* as the front-end saw it */
	char			*json;		/* its NodeAddress */
	size_t			 json_len;
	char			*path;		/* routing_path of what comes
						 * over it, this node added */
	size_t			 path_len;
};
TAILQ_HEAD(session_list, session);

struct http_call;
TAILQ_HEAD(http_calls, http_call);

/*
 * An HTTP request that waits: for its calls to end, then for the front-end
 * to take the answer; or for a view.
 */
struct http_call {
	struct map_entry	 entry;		/* first: by id */
	TAILQ_ENTRY(http_call)	 wait;		/* on the list that says why */
	uint64_t		 id;		/* the front-end's */
	struct pending_end	 end;
	struct http_calls	*list;		/* NULL while calls run */
	bool			 batch;
	uint32_t		 n;
	uint32_t		 left;		/* calls without an answer */
	size_t			 bytes;		/* of all answers */
	struct text		 answer[];	/* n of them */
};

/* A call of relay-ctl. */
struct ctl_call {
	TAILQ_ENTRY(ctl_call)	 list;
	uint64_t		 request;
	struct pending_end	 end;
};
TAILQ_HEAD(ctl_calls, ctl_call);

/* What one generation of the configuration says. */
struct router_conf {
	enum node_role		 role;
	char			 node_id[LIMIT_NODE_ID + 1];
	uint32_t		 call_timeout_ms;
	uint32_t		 max_message;
	uint32_t		 max_connections;
	struct service		*services;	/* of a home */
	uint32_t		*timeouts_ms;	/* of each service */
	uint32_t		*indexes;	/* the parent's */
	uint16_t		 n_services;
	bool			 have_node;
	bool			 bad;
};

struct router_stats {
	uint64_t	 requests;
	uint64_t	 notifications;
	uint64_t	 responses;
	uint64_t	 errors;	/* answers of our own */
	uint64_t	 late;		/* responses nobody waits for */
	uint64_t	 stale;		/* messages of ended sessions */
	uint64_t	 malformed;	/* no envelope */
	uint64_t	 timeouts;
	uint64_t	 http;
};

struct router {
	struct child		*child;
	struct channel		*frontend;
	struct channel		*registry;
	struct channel		*backend;
	bool			 paused;	/* see router_hold_back() */
	uint8_t			 key[HASH_KEY_LEN];
	struct id64		 ids;
	struct router_conf	 conf;		/* in force */
	struct router_conf	 next;		/* being collected */
	struct monotime		 started;

	struct map		 sessions;
	struct session_list	 session_list;
	uint32_t		 n_up;
	uint32_t		 refused;	/* links since the last beat */
	struct session		*uplink;	/* of a home; NULL if down */
	struct map		 https;
	size_t			 http_bytes;	/* of all answers kept there */
	struct http_calls	 views;		/* that wait for the registry */
	struct http_calls	 ended;		/* for the front-end */
	uint64_t		 view_asked;	/* the one on its way, or 0 */
	struct ctl_calls	 ctl_calls;
	struct pending_end	 backend_end;
	struct pending_table	 pending;
	struct route_table	 routes;
	struct router_stats	 stats;

	struct event		*timer;		/* next deadline */
	int64_t			 armed_ms;	/* -1: not armed */
	struct event		*beat;		/* heartbeats */
	struct event		*drain;		/* end of the grace */
	bool			 draining;
	bool			 drain_told;

	char			*self_json;	/* this node's NodeAddress */
	char			*self_path;	/* routing_path from here */
	struct envelope		 env;		/* scratch of one message */
	struct text		 body;		/* scratch of JSON-RPC parts */
	struct text		 out;		/* scratch of whole messages */
};

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
};

/* --- main.c --- */
int64_t	 router_now(void);
/* Arms the deadline timer if something is due before it fires. */
void	 router_arm(struct router *);
/*
 * Stops reading what makes messages to the front-end, itself and the backend,
 * while it does not take them.
 */
void	 router_hold_back(struct router *);
/* Tells the parent once when a drain has come to its end. */
void	 router_drained(struct router *);

/* --- session.c --- */
struct session	*session_find(struct router *, uint64_t);
/* Ends a session: its calls fail, its routes go. */
void	 session_end(struct router *, struct session *, const char *);
void	 session_end_all(struct router *, const char *);
/* Logs how many refused links of this beat were not logged one by one. */
void	 session_tell_refused(struct router *);
/* Denies every link that waits for the registry. */
void	 session_deny_waiting(struct router *);
void	 on_link_auth(void *, struct channel *, struct wire_get *, int);
void	 on_link_dialed(void *, struct channel *, struct wire_get *, int);
void	 on_link_down(void *, struct channel *, struct wire_get *, int);
void	 on_link_queue(void *, struct channel *, struct wire_get *, int);
void	 on_session_accept(void *, struct channel *, struct wire_get *, int);
void	 on_session_deny(void *, struct channel *, struct wire_get *, int);

/* --- link_text.c --- */
void	 on_link_text(void *, struct channel *, struct wire_get *, int);

/* --- call.c --- */
/*
 * Places a call: with an answer to come (or none wanted) true; else false
 * and *err says why it was refused.
 */
bool	 call_place(struct router *, const struct call *,
	    struct rpc_error *);
/* The caller withdraws a call. */
void	 call_cancel(struct router *, struct pending *);
/* Calls whose deadline is reached are answered. */
void	 call_expire(struct router *, int64_t);
/* Ends every call that has to do with this end. */
void	 call_end_gone(struct router *, struct pending_end *, enum stage);

/* --- request.c --- */
/* The link's request: true or false as call_place(). */
bool	 call_from_link(struct router *, struct session *,
	    const struct envelope *, struct rpc_error *);

/* --- target.c --- */
enum target_kind { TARGET_SESSION, TARGET_BACKEND, TARGET_SELF };

struct target {
	enum target_kind	 kind;
	struct session		*session;
	struct route_instance	*instance;	/* NULL if not known */
};

/* Finds who takes a call; false with *err if nobody does. */
bool	 target_find(struct router *, const struct call *, struct target *,
	    struct rpc_error *);

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
/* A response or an error that came over a link. */
void	 reply_from_link(struct router *, struct session *,
	    const struct envelope *);

/* --- message.c --- */
/* A fresh message id into a buffer of at least 24 bytes. */
void	 message_fresh_id(struct router *, char *);
/*
 * Begins a message in r->out: type, a fresh message_id, timestamp,
 * correlation_id (unless empty), source_node.
 */
void	 message_begin(struct router *, const char *, struct span);
/* The same with a message_id that was chosen before. */
void	 message_begin_id(struct router *, const char *, struct span,
	    struct span);
/* Adds a key with JSON text as the value. */
void	 message_add(struct router *, enum env_key, struct span);
/* Ends it and sends it over a session; false if it could not be queued. */
bool	 message_send(struct router *, struct session *);
/* Sends a spliced message; false if it could not be queued. */
bool	 message_splice(struct router *, struct session *,
	    const struct splice *);
/* Answers a message that is no call with `error`. */
void	 message_error(struct router *, struct session *, struct span,
	    const struct rpc_error *);

/* --- http.c --- */
void	 on_http_request(void *, struct channel *, struct wire_get *, int);
void	 on_http_cancel(void *, struct channel *, struct wire_get *, int);
/* True if there is room to keep this answer, a result or an error. */
bool	 http_room(const struct router *, const struct reply_to *, bool,
	    const struct text *);
/* Keeps the answer of one call, which is the callee's from now on. */
void	 http_answer(struct router *, const struct reply_to *, struct text *);
/* Responds if every call has its answer. */
void	 http_check(struct router *, struct http_call *);
void	 http_end_all(struct router *);
/* Answers an HTTP request with a status and a body. */
void	 http_respond(struct router *, uint64_t, uint16_t, uint32_t,
	    struct span);
/* Answers what had to wait for the front-end. */
void	 http_go_on(struct router *);
/* A request that waits, for n answers, in the map of them; and its end. */
struct http_call	*http_call_new(struct router *, uint64_t, uint32_t);
void	 http_call_free(struct router *, struct http_call *);
/* Puts it on a list, until it is freed. */
void	 http_call_wait(struct http_call *, struct http_calls *);

/* --- view.c --- */
/* GET /health. */
void	 view_health(struct router *, uint64_t);
/* GET of what the registry knows: true if this node has such a view. */
bool	 view_wanted(struct router *, uint64_t, uint8_t);
/* Asks the registry, if anybody waits and the front-end can take it. */
void	 view_ask(struct router *);
/* The registry is gone: nobody waits any more. */
void	 view_fail(struct router *);
void	 on_view_reply(void *, struct channel *, struct wire_get *, int);

/* --- registry_link.c --- */
void	 on_route_set(void *, struct channel *, struct wire_get *, int);
void	 on_route_delete(void *, struct channel *, struct wire_get *, int);
void	 on_node_state(void *, struct channel *, struct wire_get *, int);
void	 on_registered(void *, struct channel *, struct wire_get *, int);
void	 registry_up(struct router *);
/* Registers the services of this home. */
void	 registry_register_self(struct router *);
bool	 registry_register(struct router *, uint64_t, uint64_t,
	    const struct service *, uint16_t);

/* --- register.c --- */
/* A registration from a home. */
void	 register_from_home(struct router *, struct session *,
	    const struct envelope *);
/*
 * The registry's verdict, by tag: JSON list items of what was accepted and
 * of what was rejected.
 */
void	 register_answer(struct router *, struct session *, uint64_t,
	    struct span, struct span);
void	 register_forget(struct session *);
/* Asks a registry that came back again for what it has not answered. */
void	 register_resubmit(struct router *, struct session *);
/* Sends this home's own registration to its Main. */
void	 register_with_main(struct router *, struct session *);
/* Tries again if the Main has refused it for now. */
void	 register_due(struct router *, int64_t);
/* True if the error answers it: the Main could not take it. */
bool	 register_refused(struct router *, struct session *,
	    const struct envelope *);
/* The Main's answer to it. */
void	 register_reply(struct router *, struct session *,
	    const struct envelope *);

/* --- heartbeat.c --- */
void	 heartbeat_received(struct router *, struct session *,
	    const struct envelope *);
void	 heartbeat_send(struct router *, struct session *, struct span);
/* Those that are due. */
void	 heartbeat_due(struct router *, int64_t);
/* Tells the registry what it had no room for. */
void	 heartbeat_tell_health(struct router *);

/* --- backend_link.c --- */
bool	 backend_call(struct router *, const struct call *,
	    const struct route_instance *, int64_t, uint64_t,
	    struct rpc_error *);
void	 backend_cancel(struct router *, uint64_t);
void	 on_backend_result(void *, struct channel *, struct wire_get *, int);
void	 on_backend_health(void *, struct channel *, struct wire_get *, int);

/* --- relay_server.c --- */
/* The built-in server `relay`: false with *err for an unknown method. */
bool	 relay_server_call(struct router *, const struct call *,
	    struct rpc_error *);
/* Answers a service_discovery query. */
void	 relay_server_discovery(struct router *, struct session *,
	    const struct envelope *);

/* --- control.c --- */
void	 on_ctl_call(void *, struct channel *, struct wire_get *, int);
void	 control_answer(struct router *, const struct reply_to *, bool,
	    struct span);
/* Frees a call of relay-ctl that has its answer. */
void	 control_done(struct router *, struct ctl_call *);
void	 control_show(void *, struct channel *, uint64_t, enum ctl_show);

#endif /* RELAY_ROUTER_ROUTER_H */
