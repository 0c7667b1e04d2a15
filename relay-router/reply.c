/* SPDX-License-Identifier: ISC */

/*
 * Answers: our own, and those that come over a link.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "relay-router/hop.h"
#include "relay-router/peer_link.h"
#include "relay-router/router.h"

struct reply_to
reply_of(const struct pending *p)
{
	struct reply_to	 to;

	to.end = p->caller;
	to.message_id = pending_caller_id(p);
	to.rpc_id = pending_rpc_id(p);
	to.slot = p->slot;
	to.no_answer = p->no_answer;
	return (to);
}

void
pending_done(struct router *r, struct pending *p)
{
	struct pending_end	*caller = p->caller;

	if (p->instance != NULL)
		route_release(p->instance);
	pending_remove(&r->pending, p);
	pending_ended(r, caller);
}

void
pending_ended(struct router *r, struct pending_end *caller)
{
	/* The owners of these ends are there only for their calls. */
	if (caller->kind == END_HTTP)
		http_check(r, caller->owner);
	else if (caller->kind == END_CTL)
		control_done(r, caller->owner);
	router_drained(r);
}

/* The members every answer to a link's request has. */
static void
link_begin(struct router *r, const char *type, const struct reply_to *to)
{
	const struct session	*s = to->end->owner;

	message_begin(r, type, to->message_id);
	message_add(r, ENV_DESTINATION_NODE,
	    (struct span){ s->json, s->json_len });
	message_way(r);
	message_add(r, ENV_JSONRPC_RESPONSE, span_str(""));
}

static void
link_error(struct router *r, const struct reply_to *to,
    const struct rpc_error *err)
{
	link_begin(r, "error", to);
	rpc_error_response(&r->out, err, r->conf.node_id, to->rpc_id);
	message_add(r, ENV_DATA, span_str(""));
	rpc_error_data_object(&r->out, err, r->conf.node_id);
	(void)message_send(r, to->end->owner);
}

static void
http_error(struct router *r, const struct reply_to *to,
    const struct rpc_error *err)
{
	struct text	 t = { 0 };

	rpc_error_response(&t, err, r->conf.node_id, to->rpc_id);
	http_answer(r, to, &t);
}

static void
ctl_error(struct router *r, const struct reply_to *to,
    const struct rpc_error *err)
{
	struct text	 t = { 0 };

	rpc_error_object(&t, err, r->conf.node_id);
	control_answer(r, to, false, text_get(&t));
	text_free(&t);
}

void
reply_error(struct router *r, const struct reply_to *to,
    const struct rpc_error *err)
{
	if (to->no_answer)
		return;
	r->stats.errors++;
	switch (to->end->kind) {
	case END_SESSION:
		link_error(r, to, err);
		break;
	case END_HTTP:
		http_error(r, to, err);
		break;
	case END_CTL:
		ctl_error(r, to, err);
		break;
	default:
		break;
	}
}

static void
too_large(struct router *r, const struct reply_to *to, const char *detail)
{
	struct rpc_error	 err;

	err = rpc_error(RPC_E_TOO_LARGE, STAGE_QUEUE, detail);
	err.executed = EXECUTED_YES;
	reply_error(r, to, &err);
}

void
reply_json(struct router *r, const struct reply_to *to, bool ok,
    struct span json)
{
	const char	*member = ok ? "result" : "error";
	struct text	 t = { 0 };

	if (to->no_answer)
		return;
	switch (to->end->kind) {
	case END_SESSION:
		link_begin(r, "response", to);
		rpc_response(&r->out, member, json, to->rpc_id);
		if (r->out.len >= message_room(r, to->end->owner))
			too_large(r, to, NULL);
		else
			(void)message_send(r, to->end->owner);
		break;
	case END_HTTP:
		rpc_response(&t, member, json, to->rpc_id);
		if (http_room(r, to, ok, &t)) {
			http_answer(r, to, &t);
			break;
		}
		text_free(&t);
		too_large(r, to, "too much beside the other answers");
		break;
	case END_CTL:
		control_answer(r, to, ok, json);
		break;
	default:
		break;
	}
}

/* --- answers from links --- */

/* What an answer says, as JSON text. */
struct answer {
	bool		 ok;
	struct span	 json;
};

static struct span
raw(const struct json_span *v)
{
	struct span	 s = { v->p, v->len };

	return (s);
}

/* True for what JSON-RPC 2.0 section 5.1 calls an error object. */
static bool
is_error_object(const struct json_span *v)
{
	struct json_span	 code, message;
	int64_t			 n;

	return (json_member(v, "code", &code) &&
	    json_integer(&code, INT32_MIN, INT32_MAX, &n) &&
	    json_member(v, "message", &message) &&
	    message.type == JSON_STRING);
}

/* Puts whatever stands for an error into r->body as an error object. */
static struct span
make_error(struct router *r, const struct json_span *v)
{
	struct json_span	 code, message;
	int64_t			 n = RPC_E_APPLICATION;

	if (is_error_object(v) && !json_member(v, "reason", &code))
		return (raw(v));
	if (!json_member(v, "code", &code) ||
	    !json_integer(&code, INT32_MIN, INT32_MAX, &n))
		n = RPC_E_APPLICATION;
	text_reset(&r->body);
	text_lit(&r->body, "{\"code\":");
	text_int(&r->body, n);
	text_lit(&r->body, ",\"message\":");
	if ((json_member(v, "message", &message) ||
	    json_member(v, "reason", &message)) &&
	    message.type == JSON_STRING)
		text_span(&r->body, raw(&message));
	else if (v->type == JSON_STRING)
		text_span(&r->body, raw(v));
	else
		text_cstring(&r->body, "Application error");
	text_lit(&r->body, ",\"data\":");
	text_span(&r->body, raw(v));
	text_lit(&r->body, "}");
	return (text_get(&r->body));
}

/* An answer without jsonrpc_response: what data has (section 3). */
static struct answer
answer_from_data(struct router *r, const struct envelope *e)
{
	const struct json_span	*data = &e->val[ENV_DATA];
	struct json_span	 v;
	struct answer		 a = { true, { "null", 4 } };

	if (!env_has(e, ENV_DATA)) {
		if (e->type == FED_ERROR) {
			a.ok = false;
			a.json = span_str("{\"code\":-32000,"
			    "\"message\":\"Application error\"}");
		}
		return (a);
	}
	if (e->type == FED_ERROR) {
		a.ok = false;
		a.json = make_error(r, data);
	} else if (json_member(data, "result", &v)) {
		a.json = raw(&v);
	} else if (json_member(data, "error", &v) && v.type != JSON_NULL) {
		a.ok = false;
		a.json = make_error(r, &v);
	} else {
		a.json = raw(data);
	}
	return (a);
}

static struct answer
answer_of(struct router *r, const struct envelope *e)
{
	const struct env_rpc	*rpc = &e->response;
	struct answer		 a = { true, { "null", 4 } };

	if (!rpc->present)
		return (answer_from_data(r, e));
	if (rpc->error.type != JSON_NONE && rpc->error.type != JSON_NULL) {
		a.ok = false;
		a.json = is_error_object(&rpc->error) ? raw(&rpc->error) :
		    make_error(r, &rpc->error);
	} else if (rpc->result.type != JSON_NONE) {
		a.json = raw(&rpc->result);
	}
	return (a);
}

/*
 * True if the JSON-RPC response can go on as it is but for its id: it must
 * be well formed, for the caller checks it.
 */
static bool
is_whole(const struct envelope *e)
{
	const struct env_rpc	*rpc = &e->response;

	if (!rpc->present || !rpc->versioned || rpc->id.type == JSON_NONE)
		return (false);
	if (rpc->error.type != JSON_NONE)
		return (rpc->result.type == JSON_NONE &&
		    is_error_object(&rpc->error));
	return (rpc->result.type != JSON_NONE);
}

/* Sets jsonrpc_response right: the caller's id, the very same bytes. */
static void
fix_response(struct router *r, struct splice *sp, const struct envelope *e,
    struct span rpc_id, struct text *built)
{
	struct answer	 a;

	if (rpc_id.len == 0)
		rpc_id = span_str("null");
	if (is_whole(e)) {
		if (!span_eq(raw(&e->response.id), rpc_id))
			splice_swap(sp, &e->response.id, rpc_id);
		return;
	}
	a = answer_of(r, e);
	rpc_response(built, a.ok ? "result" : "error", a.json, rpc_id);
	splice_set(sp, ENV_JSONRPC_RESPONSE, text_get(built));
}

/*
 * Links the answer may still cross.  A home need not know what it sends back,
 * so its Main says it anew; a peer is taken at its word.
 */
static int64_t
ttl_of(const struct session *from, const struct session *caller,
    const struct envelope *e)
{
	if (from->kind == SESSION_PEER)
		return (hop_ttl(e->ttl));
	if (caller->kind == SESSION_PEER)
		return (LIMIT_HOPS - 1);
	return (e->ttl > 0 && e->ttl <= LIMIT_HOPS ? e->ttl : LIMIT_HOPS);
}

/* Who answers and which way it came: a peer's word was checked. */
static void
set_origin(struct router *r, struct splice *sp, const struct session *from,
    const struct envelope *e)
{
	if (from->kind == SESSION_PEER) {
		text_reset(&r->path);
		hop_path(&r->path, e, r->conf.node_id);
		splice_set(sp, ENV_ROUTING_PATH, text_get(&r->path));
		return;
	}
	splice_set(sp, ENV_SOURCE_NODE,
	    (struct span){ from->json, from->json_len });
	splice_set(sp, ENV_ROUTING_PATH,
	    (struct span){ from->path, from->path_len });
}

static void
forward(struct router *r, struct session *from, const struct envelope *e,
    const struct reply_to *to, bool new_id)
{
	struct session	*caller = to->end->owner;
	static const char ttls[] = "0123";
	char		 fresh[24];
	char		 quoted[LIMIT_MESSAGE_ID * 2 + 3];
	struct text	 built = { 0 };
	struct splice	 sp;
	struct span	 id = { quoted, 0 };
	int64_t		 ttl = ttl_of(from, caller, e);

	splice_init(&sp, e);
	set_origin(r, &sp, from, e);
	splice_set(&sp, ENV_TTL, (struct span){ &ttls[ttl], 1 });
	/*
	 * A home answers the Main that asked.  What then comes to the caller
	 * must name the caller: one that routes as SEED.md shows would send
	 * anything else back.
	 */
	if (e->destination.id.len == 0 || from->kind == SESSION_PEER ||
	    span_eq(e->destination.id, span_str(r->conf.node_id)))
		splice_set(&sp, ENV_DESTINATION_NODE,
		    (struct span){ caller->json, caller->json_len });
	if (e->message_id.len == 0) {
		message_fresh_id(r, fresh);
		id.len = (size_t)snprintf(quoted, sizeof(quoted), "\"%s\"",
		    fresh);
		splice_set(&sp, ENV_MESSAGE_ID, id);
	}
	if (new_id) {
		text_reset(&r->id);
		text_string(&r->id, to->message_id);
		splice_set(&sp, ENV_CORRELATION_ID, text_get(&r->id));
	}
	fix_response(r, &sp, e, to->rpc_id, &built);
	if (sp.size > message_room(r, caller))
		too_large(r, to, NULL);
	else
		(void)message_splice(r, caller, &sp);
	text_free(&built);
}

/* Ends the call that a peer answers in a way it may not. */
static void
refuse_answer(struct router *r, struct pending *p, enum hop_fault fault)
{
	struct rpc_error	 err;
	struct reply_to		 to;

	err = rpc_error(fault == HOP_TTL ? RPC_E_TTL_EXCEEDED :
	    RPC_E_INTERNAL, STAGE_PEER_LINK, hop_strerror(fault));
	err.executed = EXECUTED_MAYBE;
	to = reply_of(p);
	reply_error(r, &to, &err);
	pending_done(r, p);
}

/* What is wrong with an answer from a peer, for the one who waits. */
static enum hop_fault
answer_fault(const struct router *r, const struct session *s,
    const struct envelope *e, const struct pending *p)
{
	enum hop_fault	 fault;

	if (s->kind != SESSION_PEER)
		return (HOP_OK);
	fault = hop_check(e, s->node_id, r->conf.node_id);
	if (fault == HOP_OK && p != NULL && p->caller->kind == END_SESSION &&
	    hop_ttl(e->ttl) <= 0)
		fault = HOP_TTL;
	return (fault);
}

/* A moving average, each call a sixteenth of it. */
static void
note_latency(struct router *r, int64_t ms)
{
	if (ms >= 0)
		r->latency_16ths += ms - r->latency_16ths / 16;
}

void
reply_from_link(struct router *r, struct session *s, const struct envelope *e)
{
	enum hop_fault	 fault;
	struct pending	*p = NULL;
	struct reply_to	 to;
	struct answer	 a;

	if (e->correlation_id.len != 0)
		p = pending_by_callee(&r->pending, &s->end,
		    e->correlation_id);
	if ((fault = answer_fault(r, s, e, p)) != HOP_OK) {
		if (p != NULL)
			refuse_answer(r, p, fault);
		if (fault == HOP_FOREIGN) {
			r->stats.foreign++;
			peer_foreign(r, s);
		}
		return;
	}
	if (p == NULL) {
		r->stats.late++;
		return;
	}
	r->stats.responses++;
	note_latency(r, s->seen_ms - p->start_ms);
	to = reply_of(p);
	if (to.end->kind == END_SESSION) {
		forward(r, s, e, &to,
		    !span_eq(to.message_id, pending_callee_id(p)));
	} else {
		a = answer_of(r, e);
		reply_json(r, &to, a.ok, a.json);
	}
	pending_done(r, p);
}
