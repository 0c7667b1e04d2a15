/* SPDX-License-Identifier: ISC */

/*
 * A request that came over a link: the hop rules, and the call it makes.
 */

#include <string.h>

#include "common/name.h"
#include "relay-router/hop.h"
#include "relay-router/router.h"

static bool
refuse(struct rpc_error *err, const char *detail)
{
	*err = rpc_error(RPC_E_INVALID_REQUEST, STAGE_INGRESS, detail);
	return (false);
}

/* The last entry must be the neighbour, and nothing may repeat. */
static bool
path_ok(const struct session *s, const struct envelope *e)
{
	char		 buf[LIMIT_NODE_ID + 1];
	uint32_t	 i, j;

	/* What a peer sends was checked before. */
	if (e->npath == 0 || s->kind == SESSION_PEER)
		return (true);
	for (i = 0; i < e->npath; i++)
		for (j = 0; j < i; j++)
			if (span_eq(e->path[i], e->path[j]))
				return (false);
	if (s->node_id[0] == '\0')
		return (true);
	if (s->kind == SESSION_HOME && e->npath != 1)
		return (false);
	return (name_node_lower(e->path[e->npath - 1], buf, sizeof(buf)) &&
	    strcmp(buf, s->node_id) == 0);
}

/* The method as plain text: the envelope's, else the request's. */
static bool
take_method(const struct envelope *e, struct call *c, char *buf, size_t size)
{
	int	 n;

	c->method = e->method;
	if (c->method.len != 0 || e->request.method.type == JSON_NONE)
		return (c->method.len != 0);
	if ((n = json_unescape(&e->request.method, buf, size)) <= 0)
		return (false);
	c->method.p = buf;
	c->method.len = (size_t)n;
	return (true);
}

/* The params: of the JSON-RPC request, or from data when there is none. */
static void
take_params(const struct envelope *e, struct call *c)
{
	struct json_span	 v;
	bool			 found;

	if (e->request.present) {
		v = e->request.params;
		found = v.type == JSON_OBJECT || v.type == JSON_ARRAY;
	} else {
		found = env_has(e, ENV_DATA) &&
		    (json_member(&e->val[ENV_DATA], "args", &v) ||
		    json_member(&e->val[ENV_DATA], "params", &v)) &&
		    (v.type == JSON_OBJECT || v.type == JSON_ARRAY);
	}
	if (found) {
		c->params.p = v.p;
		c->params.len = v.len;
	}
}

/*
 * The ttl counts links crossed, the one it came over included: what is left
 * for the next must not be 0.
 */
static int64_t
ttl_after(const struct session *s, int64_t ttl)
{
	/* Zero from a home is Go's way to say nothing. */
	if (s->kind == SESSION_HOME && ttl == 0)
		ttl = LIMIT_HOPS;
	return (hop_ttl(ttl));
}

/* What stands in the envelope as it is. */
static void
take_envelope(struct session *s, const struct envelope *e, struct call *c)
{
	memset(c, 0, sizeof(*c));
	c->env = e;
	c->from = s;
	c->now_ms = s->seen_ms;
	c->to.end = &s->end;
	c->to.message_id = e->message_id;
	c->to.rpc_id.p = e->request.id.p;
	c->to.rpc_id.len = e->request.id.len;
	/* A notification of JSON-RPC; a client without it awaits an answer. */
	c->to.no_answer = e->request.present && e->request.versioned &&
	    e->request.id.type == JSON_NONE;
	c->target = e->destination;
	c->server = e->server_name;
	c->version = e->version;
	c->timeout_ms = e->timeout_ms;
	c->deadline_ms = e->deadline_ms;
	c->priority = e->priority;
	c->ttl = ttl_after(s, e->ttl);
	c->params = span_str("");
}

bool
call_read(struct router *r, struct session *s, const struct envelope *e,
    struct call_names *names, struct call *c, struct rpc_error *err)
{
	take_envelope(s, e, c);
	if (e->message_id.len == 0) {
		message_fresh_id(r, names->fresh);
		c->to.message_id = span_str(names->fresh);
	}
	if (!path_ok(s, e))
		return (refuse(err, "routing_path"));
	if (!take_method(e, c, names->method, sizeof(names->method)))
		return (refuse(err, "method"));
	if (c->version.len != 0 && !name_version(c->version))
		return (refuse(err, "version"));
	take_params(e, c);
	return (true);
}

bool
call_from_link(struct router *r, struct session *s, const struct envelope *e,
    struct rpc_error *err)
{
	struct call_names	 names;
	struct call		 c;

	return (call_read(r, s, e, &names, &c, err) &&
	    call_place(r, &c, err));
}
