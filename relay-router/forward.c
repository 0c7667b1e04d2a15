/* SPDX-License-Identifier: ISC */

/*
 * Requests on their way out: the caller's own text with a few values
 * replaced, or a message of this node's.
 */

#include <string.h>

#include "relay-router/hop.h"
#include "relay-router/router.h"

/* What the values of a forwarded message are written into. */
struct parts {
	char	 id[24];
	char	 ttl[24];
	char	 deadline[24];
	char	 quoted[LIMIT_MESSAGE_ID + 32];
};

/* A number that is not negative, written at the end of the buffer. */
static struct span
span_number(char *buf, size_t size, int64_t v)
{
	char		*p = buf + size;
	struct span	 s;

	do {
		*--p = (char)('0' + v % 10);
		v /= 10;
	} while (v > 0);
	s.p = p;
	s.len = (size_t)(buf + size - p);
	return (s);
}

/* A fresh id, which needs no escapes, as a JSON string. */
static struct span
span_quoted(char *buf, size_t size, struct span id)
{
	struct span	 s = { buf, id.len + 2 };

	if (s.len > size)
		return (span_str("\"\""));
	buf[0] = '"';
	memcpy(buf + 1, id.p, id.len);
	buf[id.len + 1] = '"';
	return (s);
}

/* A NodeAddress; main may be empty, and the kind unsaid. */
static void
put_address(struct text *t, enum node_kind kind, struct span id,
    struct span main_id)
{
	text_lit(t, kind == NODE_MAIN ? "{\"type\":\"main\",\"id\":" :
	    kind == NODE_HOME ? "{\"type\":\"home\",\"id\":" : "{\"id\":");
	text_string(t, id);
	if (main_id.len != 0) {
		text_lit(t, ",\"main_relay\":");
		text_string(t, main_id);
	}
	text_lit(t, "}");
}

/*
 * For a peer the destination is said in full: it takes only what is its own
 * home's.  null leaves the choice of the home to it.
 */
static void
put_at_peer(struct text *t, const struct call *c, const struct target *to)
{
	struct span	 id = c->target.id;

	if (to->instance != NULL)
		id = span_str(to->instance->node->id);
	if (to->relay)
		text_put(t, to->session->json, to->session->json_len);
	else if (id.len == 0)
		text_lit(t, "null");
	else
		put_address(t, NODE_HOME, id,
		    span_str(to->session->node_id));
}

static void
set_destination(struct router *r, struct splice *sp, const struct call *c,
    const struct target *t)
{
	const struct session	*s = t->session;

	if (s->kind == SESSION_PEER) {
		text_reset(&r->body);
		put_at_peer(&r->body, c, t);
		splice_set(sp, ENV_DESTINATION_NODE, text_get(&r->body));
	} else if (c->target.id.len == 0) {
		splice_set(sp, ENV_DESTINATION_NODE,
		    (struct span){ s->json, s->json_len });
	}
}

/* Who calls and which way it came: a peer's word was checked. */
static void
set_origin(struct router *r, struct splice *sp, const struct call *c)
{
	const struct session	*from = c->from;

	if (from->kind == SESSION_PEER) {
		text_reset(&r->path);
		hop_path(&r->path, c->env, r->conf.node_id);
		splice_set(sp, ENV_ROUTING_PATH, text_get(&r->path));
		return;
	}
	splice_set(sp, ENV_SOURCE_NODE,
	    (struct span){ from->json, from->json_len });
	splice_set(sp, ENV_ROUTING_PATH,
	    (struct span){ from->path, from->path_len });
}

bool
forward_text(struct router *r, const struct call *c, const struct target *t,
    struct span id, int64_t limit_ms, struct rpc_error *err)
{
	struct session	*s = t->session;
	struct splice	 sp;
	struct parts	 b;

	splice_init(&sp, c->env);
	set_origin(r, &sp, c);
	splice_set(&sp, ENV_TTL, span_number(b.ttl, sizeof(b.ttl), c->ttl));
	splice_set(&sp, ENV_MESSAGE_ID,
	    span_quoted(b.quoted, sizeof(b.quoted), id));
	set_destination(r, &sp, c, t);
	if ((s->features & FEATURE_DEADLINE_MS) ||
	    env_has(c->env, ENV_DEADLINE_MS))
		splice_set(&sp, ENV_DEADLINE_MS,
		    span_number(b.deadline, sizeof(b.deadline), limit_ms));
	/* The other end closes a link that brings more than it takes. */
	if (sp.size > message_room(r, s))
		return (rpc_refuse(err, RPC_E_TOO_LARGE, STAGE_QUEUE, NULL));
	if (!message_splice(r, s, &sp))
		return (rpc_refuse(err, RPC_E_OVERLOADED, STAGE_QUEUE, NULL));
	return (true);
}

/*
 * What a home takes the node for that a call names without saying.  Only its
 * own Main it knows; `relay` is a server of Mains and of homes.
 */
static enum node_kind
kind_of(const struct call *c, const struct session *s)
{
	if (c->target.kind != NODE_NONE)
		return (c->target.kind);
	if (c->target.main.len != 0)
		return (NODE_HOME);
	if (s->node_id[0] != '\0' &&
	    span_eq(c->target.id, span_str(s->node_id)))
		return (NODE_MAIN);
	return (span_eq(c->server, span_str("relay")) ? NODE_NONE : NODE_HOME);
}

/* The same for a message of our own. */
static void
put_destination(struct router *r, const struct call *c,
    const struct target *t)
{
	const struct session	*s = t->session;

	text_lit(&r->out, ",\"destination_node\":");
	if (s->kind == SESSION_PEER) {
		put_at_peer(&r->out, c, t);
	} else if (r->conf.role == ROLE_MAIN) {
		text_put(&r->out, s->json, s->json_len);
	} else {
		put_address(&r->out, kind_of(c, s), c->target.id,
		    c->target.main);
	}
}

/* The JSON-RPC request inside a message of our own. */
static void
put_request(struct router *r, const struct call *c)
{
	text_lit(&r->out, ",\"jsonrpc_request\":{\"jsonrpc\":\"2.0\","
	    "\"method\":");
	text_string(&r->out, c->method);
	if (c->params.len != 0) {
		text_lit(&r->out, ",\"params\":");
		text_span(&r->out, c->params);
	}
	if (!c->to.no_answer) {
		text_lit(&r->out, ",\"id\":");
		text_span(&r->out, c->to.rpc_id);
	}
	text_lit(&r->out, "}");
}

static void
put_string(struct router *r, enum env_key key, struct span value)
{
	if (value.len == 0)
		return;
	message_add(r, key, span_str(""));
	text_string(&r->out, value);
}

static void
put_optional(struct router *r, const struct call *c, const struct session *s,
    int64_t limit_ms)
{
	char	 buf[24];

	put_string(r, ENV_VERSION, c->version);
	/* Without the caller's word the service's own timeout holds there. */
	if (c->timeout_ms != 0)
		message_add(r, ENV_TIMEOUT_SECONDS, span_number(buf,
		    sizeof(buf), (c->timeout_ms + 999) / 1000));
	if (c->priority != 0) {
		message_add(r, ENV_PRIORITY, span_str(""));
		text_int(&r->out, c->priority);
	}
	if (c->trace.len != 0 && (s->features & FEATURE_TRACEPARENT))
		message_add(r, ENV_TRACEPARENT, c->trace);
	if (c->idempotency_key.len != 0 &&
	    (s->features & FEATURE_IDEMPOTENCY_KEY))
		message_add(r, ENV_IDEMPOTENCY_KEY, c->idempotency_key);
	if (s->features & FEATURE_DEADLINE_MS)
		message_add(r, ENV_DEADLINE_MS,
		    span_number(buf, sizeof(buf), limit_ms));
}

bool
forward_new(struct router *r, const struct call *c, const struct target *t,
    struct span id, int64_t limit_ms, struct rpc_error *err)
{
	struct session	*s = t->session;

	message_begin_id(r, "request", id, span_str(""));
	if (c->target.id.len != 0 || r->conf.role == ROLE_MAIN)
		put_destination(r, c, t);
	message_way(r);
	put_string(r, ENV_SERVER_NAME, c->server);
	put_string(r, ENV_METHOD, c->method);
	put_request(r, c);
	put_optional(r, c, s, limit_ms);
	if (r->out.len >= message_room(r, s))
		return (rpc_refuse(err, RPC_E_TOO_LARGE, STAGE_QUEUE, NULL));
	if (!message_send(r, s))
		return (rpc_refuse(err, RPC_E_OVERLOADED, STAGE_QUEUE, NULL));
	return (true);
}
