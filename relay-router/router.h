/* SPDX-License-Identifier: ISC */

/*
 * The router's process: everything its files share.  What a call is and the way
 * it takes is in call.h.
 */

#ifndef RELAY_ROUTER_ROUTER_H
#define RELAY_ROUTER_ROUTER_H

#include <bsd/sys/queue.h>
#include <event2/event.h>

#include <stdbool.h>
#include <stdint.h>

#include "common/channel.h"
#include "common/child.h"
#include "common/http_route.h"
#include "common/id64.h"
#include "common/monotime.h"
#include "common/policy.h"
#include "relay-router/call.h"
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
	/*
	 * Held until the peers have said what they know (query.h).  To place
	 * such a call again it is taken from the table by pending_remove(),
	 * placed by call_place_held(), answered by reply_error() if that
	 * fails, and then its caller gets pending_ended().
	 */
	END_QUERY,
};

/* The first two are those of SESSION_OPEN and LINK_AUTH. */
enum session_kind {
	SESSION_HOME = 1,	/* a home's link to this Main */
	SESSION_PEER,		/* a link with another Main */
	SESSION_UPLINK,		/* this home's link to its Main */
};

#define PEER_DIALLED_US	0xffffffffU	/* SESSION_OPEN.peer of such a link */

/* Optional additions (PROTOCOL.md section 3) that a node has announced. */
#define FEATURE_DEADLINE_MS	0x1U
#define FEATURE_CANCEL		0x2U
#define FEATURE_TRACEPARENT	0x4U
#define FEATURE_IDEMPOTENCY_KEY	0x8U

/* What this node understands of them, as data.features says it. */
#define ROUTER_FEATURES	"[\"deadline_ms\",\"cancel\",\"traceparent\"," \
			"\"idempotency_key\"]"

struct registration;
struct peer_state;
struct query_table;
struct caller_table;

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
	uint32_t		 peer_index;	/* of a link with a peer, as */
	uint32_t		 peer_generation; /* SESSION_OPEN says it */
	uint32_t		 max_message;	/* what a peer takes, bytes */
	bool			 up;		/* accepted */
	bool			 full;		/* its queue, see LINK_QUEUE */
	bool			 dialed;	/* by this node */
	bool			 health_untold;	/* to the registry */
	bool			 registered;	/* of an uplink */
	bool			 retired;	/* likewise: has a successor */
	unsigned int		 features;
	int64_t			 opened_ms;
	int64_t			 seen_ms;	/* last text */
	int64_t			 beat_ms;	/* next heartbeat is due */
	int64_t			 answer_ms;	/* none without id before */
	int64_t			 told_ms;	/* nor SESSION_SEEN before */
	int64_t			 retired_ms;
	int64_t			 beat_us;	/* when beat_id was sent */
	char			 beat_id[24];	/* no answer yet; or empty */
	uint64_t		 beat_seq;
	uint64_t		 register_seq;
	int64_t			 register_ms;	/* try again then; 0: no need */
	char			 register_id[24]; /* ours to the Main */
	uint64_t		 msgs_in;
	uint64_t		 msgs_out;
	struct pending_end	 end;
	struct route_node	*node;		/* of a home */
	struct route_main	*main;		/* of a peer */
	struct peer_state	*peer;		/* likewise: peer_link.c's */
	struct registration_waits waits;
	unsigned int		 n_waits;
	char			*node_id;	/* lower case */
	char			*address;	/* as the front-end saw it */
	char			*json;		/* its NodeAddress */
	size_t			 json_len;
	char			*path;		/* routing_path of what comes
						 * over it, this node added */
	size_t			 path_len;	/* (a peer's is built each time) */
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
	uint64_t		 asked;		/* of the registry, by this id */
	bool			 batch;
	uint32_t		 n;
	uint32_t		 left;		/* calls without an answer */
	size_t			 bytes;		/* of all answers */
	struct http_held	*held;		/* until its caller is known */
	char			 caller[LIMIT_TOKEN_NAME + 1]; /* token's name,
						 * or empty: anonymous */
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
	struct policy		 policy;
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
	uint64_t	 foreign;	/* peers that spoke for others' nodes */
	uint64_t	 unanswered;	/* queries of peers, too many */
	uint64_t	 misses;	/* that peers were asked about */
	uint64_t	 denied;	/* calls, by policy */
	uint64_t	 strangers;	/* HTTP requests with unknown tokens */
};

/* Denied calls, as the registry is told of them. */
struct denied {
	int64_t		 since_ms;	/* of n */
	uint32_t	 n;		/* told */
	uint32_t	 more;		/* not told */
};

#define VIEWS	HTTP_ROUTE_MAX	/* views, by their route */

/* A view of the registry's: who waits for it, and the question on its way. */
struct view {
	struct http_calls	 waiting;
	uint64_t		 asked;		/* or 0 */
	char			 caller[LIMIT_TOKEN_NAME + 1]; /* for whom */
};

struct router {
	struct child		*child;
	struct channel		*frontend;
	struct channel		*registry;
	struct channel		*backend;
	bool			 paused;	/* see router_hold_back() */
	uint8_t			 key[HASH_KEY_LEN];
	struct id64		 ids;
	uint32_t		 id_tag;	/* of this process, in its ids */
	struct router_conf	 conf;		/* in force */
	struct router_conf	 next;		/* being collected */
	struct monotime		 started;

	struct map		 sessions;
	struct session_list	 session_list;
	uint32_t		 n_up;
	uint32_t		 refused;	/* links since the last beat */
	struct session		*uplink;	/* of a home; NULL if down */
	struct session		*candidate;	/* to be the next uplink */
	struct map		 https;
	size_t			 http_bytes;	/* of all answers kept there */
	struct http_calls	 ended;		/* for the front-end */
	struct view		 views[VIEWS];
	struct http_calls	 peer_asks;	/* changes of the peers */
	uint32_t		 n_peer_asks;
	struct ctl_calls	 ctl_calls;
	struct pending_end	 backend_end;
	struct pending_table	 pending;
	struct route_table	 routes;
	struct query_table	*queries;	/* query.c's */
	struct router_stats	 stats;
	struct denied		 denied;
	struct caller_table	*callers;	/* caller.c's */
	int64_t			 latency_16ths;	/* ms of calls, on average */

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
	struct text		 path;		/* scratch of a routing_path */
	struct text		 id;		/* scratch of a quoted id */
	struct text		 out;		/* scratch of whole messages */
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
/* The first configuration is in force: what is due is looked for. */
void	 router_start(struct router *);

/* --- conf.c --- */
void	 on_conf_node(void *, struct channel *, struct wire_get *, int);
void	 on_conf_service(void *, struct channel *, struct wire_get *, int);
void	 on_conf_rule(void *, struct channel *, struct wire_get *, int);
/* As struct child_ops has them. */
void	 router_conf_begin(void *, uint32_t);
bool	 router_conf_end(void *, char *, size_t);
void	 router_conf_commit(void *);
void	 router_conf_abort(void *);

/* --- session.c --- */
struct session	*session_find(struct router *, uint64_t);
/* A session that is not up yet, for a link of the front-end's. */
struct session	*session_new(struct router *, uint64_t, enum session_kind,
		    struct span);
/* One that was never up goes without a word to the front-end. */
void	 session_free(struct router *, struct session *);
/* Who it speaks for, a valid id, as it is stamped on its messages. */
void	 session_identify(struct router *, struct session *, struct span);
/* Accepts its link, with what proves this node to it, or empty: it is up. */
void	 session_up(struct router *, struct session *, struct span);
/* Ends a session whose link is gone: its calls fail, its routes go. */
void	 session_end(struct router *, struct session *, const char *);
/* The same, with a close frame of that code for the link. */
void	 session_close(struct router *, struct session *, uint16_t,
	    const char *);
void	 session_end_all(struct router *, const char *);

/* --- link.c --- */
void	 link_deny(struct router *, uint64_t, uint16_t, uint32_t,
	    const char *);
/* The same with a challenge: it may ask again with a proof. */
void	 link_challenge(struct router *, uint64_t, uint16_t, uint32_t,
	    const char *, const char *);
/* Tells the front-end that an outbound link is of use. */
void	 link_ready(struct router *, const struct session *);
void	 on_link_auth(void *, struct channel *, struct wire_get *, int);
void	 on_link_dialed(void *, struct channel *, struct wire_get *, int);
void	 on_link_challenged(void *, struct channel *, struct wire_get *, int);
void	 on_proof_answer(void *, struct channel *, struct wire_get *, int);
void	 on_link_down(void *, struct channel *, struct wire_get *, int);
void	 on_link_queue(void *, struct channel *, struct wire_get *, int);

/* --- verdict.c --- */
/* Logs that something from an address is refused, as often as that is good. */
void	 verdict_refused(struct router *, const char *, struct span,
	    const char *);
/* Logs how many refusals of this beat were not logged one by one. */
void	 verdict_tell_refused(struct router *);
/* Denies every link that waits for the registry. */
void	 verdict_deny_waiting(struct router *);
void	 on_session_accept(void *, struct channel *, struct wire_get *, int);
void	 on_session_deny(void *, struct channel *, struct wire_get *, int);
void	 on_session_end(void *, struct channel *, struct wire_get *, int);

/* --- uplink.c --- */
/* A home's new link to a Main, beside the one that is there if any. */
void	 uplink_new(struct router *, struct session *);
/* The Main has taken the registration over it. */
void	 uplink_registered(struct router *, struct session *);
/* It is about to be freed. */
void	 uplink_gone(struct router *, struct session *);
/* Closes those that have a successor and nothing more to do. */
void	 uplink_due(struct router *, int64_t);

/* --- link_text.c --- */
void	 on_link_text(void *, struct channel *, struct wire_get *, int);

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
/* Adds routing_path and ttl of what this node originates. */
void	 message_way(struct router *);
/* Adds a key with JSON text as the value. */
void	 message_add(struct router *, enum env_key, struct span);
/* Ends it and sends it over a session; false if it could not be queued. */
bool	 message_send(struct router *, struct session *);
/* Sends a spliced message; false if it could not be queued. */
bool	 message_splice(struct router *, struct session *,
	    const struct splice *);
/* Bytes a message to that session may have. */
size_t	 message_max(const struct router *, const struct session *);
/*
 * The same for what callers and services write: a peer closes a link that
 * brings more than it takes, and with it the calls of everybody else.
 */
size_t	 message_room(const struct router *, const struct session *);
/* Answers a message that is no call with `error`. */
void	 message_error(struct router *, struct session *, struct span,
	    const struct rpc_error *);

/* --- caller.c --- */
void	 caller_init(struct router *);
/*
 * Serves a request from an address by http_serve() once it is known whose
 * authorization that is; 401 if it is nobody's, 503 if it cannot be told now.
 */
void	 caller_request(struct router *, uint64_t, uint8_t, struct span,
	    struct span, struct span);
/* A request that waits is freed. */
void	 caller_gone(struct router *, struct http_call *);
/* What was told before is not believed any more. */
void	 caller_forget(struct router *);
/* The registry is gone: nobody waits any more. */
void	 caller_fail(struct router *);
void	 on_caller_answer(void *, struct channel *, struct wire_get *, int);

/* --- http.c --- */
/* A request of a known caller (a token's name, or empty): route, body. */
void	 http_serve(struct router *, uint64_t, uint8_t, const char *,
	    struct span);
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
/* A request of a caller that waits, for n answers, and its end. */
struct http_call	*http_call_new(struct router *, uint64_t, uint32_t,
			    const char *);
void	 http_call_free(struct router *, struct http_call *);
/* Puts it on a list, until it is freed. */
void	 http_call_wait(struct http_call *, struct http_calls *);

/* --- view.c --- */
void	 view_init(struct router *);
/* GET /health. */
void	 view_health(struct router *, uint64_t);
/*
 * GET of what the registry knows, and tells that caller (as http_serve()):
 * true if this node has such a view.
 */
bool	 view_wanted(struct router *, uint64_t, uint8_t, const char *);
/* Asks the registry, if anybody waits and the front-end can take it. */
void	 view_ask(struct router *);
/* 503: there is no registry to ask. */
void	 view_unavailable(struct router *, uint64_t);
/* The registry is gone: nobody waits any more. */
void	 view_fail(struct router *);
void	 on_view_reply(void *, struct channel *, struct wire_get *, int);

/* --- peer_ask.c --- */
/* POST /federation/peers/add and DELETE: authorization, body. */
void	 peer_ask_add(struct router *, uint64_t, struct span, struct span,
	    struct span);
void	 peer_ask_delete(struct router *, uint64_t, struct span, struct span,
	    struct span);
/* The registry's answer; false if nobody asked that. */
bool	 peer_ask_reply(struct router *, uint64_t, uint16_t, struct span);
/* The registry is gone. */
void	 peer_ask_fail(struct router *);

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
/* Notes which additions the other side has announced in data.features. */
void	 register_features(struct session *, const struct envelope *);
/* Asks a registry that came back again for what it has not answered. */
void	 register_resubmit(struct router *, struct session *);
/*
 * Sends this home's own registration to its Main: one without services over
 * an uplink that is retired.
 */
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

/* --- explain.c --- */
void	 on_ctl_explain(void *, struct channel *, struct wire_get *, int);

/* --- control.c --- */
/*
 * Reads a target into a call: a service, a node and a service with a slash
 * between, or a node and a slash.
 */
bool	 control_target(struct call *, struct span);
void	 on_ctl_call(void *, struct channel *, struct wire_get *, int);
void	 control_answer(struct router *, const struct reply_to *, bool,
	    struct span);
/* Frees a call of relay-ctl that has its answer. */
void	 control_done(struct router *, struct ctl_call *);
void	 control_show(void *, struct channel *, uint64_t, enum ctl_show);

#endif /* RELAY_ROUTER_ROUTER_H */
