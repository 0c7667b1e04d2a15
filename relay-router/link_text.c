/* SPDX-License-Identifier: ISC */

/*
 * Text that came over a link: by its type to whom it concerns.
 */

#include <string.h>

#include "common/log.h"
#include "relay-router/hop.h"
#include "relay-router/peer_link.h"
#include "relay-router/router.h"

typedef void (*fed_handler)(struct router *, struct session *,
    const struct envelope *);

/*
 * A handler of what a peer sends may end the session: it is not touched after
 * it.
 */

/* Refuses a message with an error that names it. */
static void
refuse(struct router *r, struct session *s, const struct envelope *e,
    const char *detail)
{
	struct rpc_error	 err;

	err = rpc_error(RPC_E_INVALID_REQUEST, STAGE_INGRESS, detail);
	message_error(r, s, e->message_id, &err);
}

/* Answers a request that is refused. */
static void
refuse_request(struct router *r, struct session *s, const struct envelope *e,
    const struct rpc_error *err)
{
	struct reply_to	 to;

	memset(&to, 0, sizeof(to));
	to.end = &s->end;
	to.message_id = e->message_id;
	to.rpc_id.p = e->request.id.p;
	to.rpc_id.len = e->request.id.len;
	/* Even a notification: over a link a failure is never silent. */
	reply_error(r, &to, err);
}

/* A peer has broken the rules of hop.h: its session may end here. */
static void
bad_hop(struct router *r, struct session *s, const struct envelope *e,
    enum hop_fault fault)
{
	struct rpc_error	 err;
	enum rpc_code		 code;

	switch (fault) {
	case HOP_FOREIGN:
		code = RPC_E_FORBIDDEN;
		break;
	case HOP_TTL:
		code = RPC_E_TTL_EXCEEDED;
		break;
	default:
		code = RPC_E_INVALID_REQUEST;
		break;
	}
	err = rpc_error(code, STAGE_PEER_LINK, hop_strerror(fault));
	if (e->type == FED_REQUEST)
		refuse_request(r, s, e, &err);
	if (fault == HOP_FOREIGN) {
		r->stats.foreign++;
		peer_foreign(r, s);
	}
}

/* True if the message may go on; what comes from homes is stamped anyway. */
static bool
check_hop(struct router *r, struct session *s, const struct envelope *e)
{
	enum hop_fault	 fault;

	if (s->kind != SESSION_PEER)
		return (true);
	fault = hop_check(e, s->node_id, r->conf.node_id);
	if (fault != HOP_OK)
		bad_hop(r, s, e, fault);
	return (fault == HOP_OK);
}

static void
on_request(struct router *r, struct session *s, const struct envelope *e)
{
	struct rpc_error	 err;

	if (!check_hop(r, s, e) || call_from_link(r, s, e, &err))
		return;
	/* The call came in elsewhere: here it has crossed a link already. */
	if (s->kind == SESSION_PEER && err.stage == STAGE_INGRESS)
		err.stage = STAGE_PEER_LINK;
	refuse_request(r, s, e, &err);
}

static void
on_registration(struct router *r, struct session *s, const struct envelope *e)
{
	switch (s->kind) {
	case SESSION_HOME:
		register_from_home(r, s, e);
		break;
	case SESSION_UPLINK:
		register_reply(r, s, e);
		break;
	case SESSION_PEER:
		refuse(r, s, e, "a Main registers nothing");
		break;
	}
}

static void
on_discovery(struct router *r, struct session *s, const struct envelope *e)
{
	if (s->kind == SESSION_PEER)
		peer_discovery(r, s, e);
	else
		relay_server_discovery(r, s, e);
}

static void
on_cancel(struct router *r, struct session *s, const struct envelope *e)
{
	struct pending	*p;

	if (!check_hop(r, s, e))
		return;
	p = e->correlation_id.len == 0 ? NULL :
	    pending_by_caller(&r->pending, &s->end, e->correlation_id);
	if (p == NULL)
		r->stats.late++;
	else
		call_cancel(r, p);
}

/* An error answers a call or our registration. */
static void
on_error(struct router *r, struct session *s, const struct envelope *e)
{
	if (s->kind == SESSION_UPLINK && register_refused(r, s, e))
		return;
	reply_from_link(r, s, e);
}

static const fed_handler	 fed_handlers[FED_NTYPES] = {
	[FED_REGISTRATION] = on_registration,
	[FED_HEARTBEAT] = heartbeat_received,
	[FED_REQUEST] = on_request,
	[FED_RESPONSE] = reply_from_link,
	[FED_SERVICE_DISCOVERY] = on_discovery,
	[FED_ERROR] = on_error,
	[FED_CANCEL] = on_cancel,
};

/* A broken answer still ends the call it names. */
static void
broken_answer(struct router *r, struct session *s, const struct envelope *e)
{
	struct rpc_error	 err;
	struct reply_to		 to;
	struct pending		*p = NULL;

	if (e->correlation_id.len != 0)
		p = pending_by_callee(&r->pending, &s->end,
		    e->correlation_id);
	if (p == NULL)
		return;
	err = rpc_error(RPC_E_INTERNAL, s->kind == SESSION_PEER ?
	    STAGE_PEER_LINK : STAGE_HOME_LINK, "malformed response");
	err.executed = EXECUTED_MAYBE;
	to = reply_of(p);
	reply_error(r, &to, &err);
	pending_done(r, p);
}

static void
malformed(struct router *r, struct session *s, const struct envelope *e,
    enum env_err why)
{
	struct rpc_error	 err;
	const char		*detail = env_strerror(why);
	bool			 is_answer;

	is_answer = e->type == FED_RESPONSE || e->type == FED_ERROR;
	r->stats.malformed++;
	log_debug("%s sent a malformed message: %s%s%s", s->node_id, detail,
	    why == ENV_E_FIELD ? ": " : "",
	    why == ENV_E_FIELD ? env_key_name(e->bad_field) : "");
	/* An error is not answered with an error, so that none can bounce. */
	if (is_answer)
		broken_answer(r, s, e);
	/* A home may be anybody's program, a Main should know better. */
	if (s->kind == SESSION_PEER && !peer_fault(r, s, "malformed messages"))
		return;
	if (is_answer)
		return;
	if (why == ENV_E_FIELD)
		detail = env_key_name(e->bad_field);
	err = rpc_error(why == ENV_E_JSON || why == ENV_E_DEPTH ?
	    RPC_E_PARSE : RPC_E_INVALID_REQUEST, STAGE_INGRESS, detail);
	message_error(r, s, e->message_id, &err);
}

void
on_link_text(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router	*r = arg;
	struct session	*s;
	struct span	 text;
	uint64_t	 id;
	enum env_err	 err;

	(void)ch;
	(void)fd;
	id = get_u64(msg);
	text = get_bytes(msg);
	if (!get_done(msg))
		return;
	if ((s = session_find(r, id)) == NULL || !s->up) {
		r->stats.stale++;
		return;
	}
	s->msgs_in++;
	s->seen_ms = router_now();
	err = envelope_parse(&r->env, text.p, text.len, r->key);
	if (err != ENV_OK)
		malformed(r, s, &r->env, err);
	else if (r->env.type == FED_UNKNOWN)
		refuse(r, s, &r->env, "unknown type");
	else
		fed_handlers[r->env.type](r, s, &r->env);
	router_hold_back(r);
}
