/* SPDX-License-Identifier: ISC */

/*
 * JSON-RPC 2.0 requests; see jsonrpc.h.
 */

#include <string.h>

#include "common/name.h"
#include "relay-router/jsonrpc.h"

static bool
refuse(struct rpc_call *c, enum rpc_code code, const char *detail)
{
	if (c->bad == RPC_NONE) {
		c->bad = code;
		c->detail = detail;
	}
	return (false);
}

static struct span
raw(const struct json_span *v)
{
	struct span	 s = { v->p, v->len };

	return (s);
}

static bool
is_name(struct span s, const char *name)
{
	return (s.len == strlen(name) && memcmp(s.p, name, s.len) == 0);
}

/* The characters of a string value; false if it is none or too long. */
static bool
plain(struct rpc_call *c, const struct json_span *v, size_t max,
    struct span *out)
{
	int	 n;

	if (v->type != JSON_STRING)
		return (false);
	if (!v->escaped) {
		out->p = v->p + 1;
		out->len = v->len - 2;
	} else {
		n = json_unescape(v, c->scratch + c->nscratch,
		    sizeof(c->scratch) - c->nscratch);
		if (n == -1)
			return (false);
		out->p = c->scratch + c->nscratch;
		out->len = (size_t)n;
		c->nscratch += (size_t)n;
	}
	return (out->len <= max);
}

/* An optional string: absent, null and empty are one. */
static bool
optional(struct rpc_call *c, const struct json_span *v, size_t max,
    struct span *out)
{
	out->p = "";
	out->len = 0;
	if (v->type == JSON_NONE || v->type == JSON_NULL)
		return (true);
	return (plain(c, v, max, out));
}

enum rpc_body
rpc_open(struct rpc_reader *r, const char *body, size_t len,
    enum rpc_code *bad, const char **detail)
{
	size_t	 n = 0;

	memset(r, 0, sizeof(*r));
	*detail = NULL;
	*bad = RPC_E_PARSE;
	if (!json_valid(body, len))
		return (RPC_BODY_BAD);
	*bad = RPC_E_INVALID_REQUEST;
	json_scan_init(&r->s, body, len);
	switch (json_peek(&r->s)) {
	case JSON_OBJECT:
		r->count = 1;
		return (r->kind = RPC_BODY_SINGLE);
	case JSON_ARRAY:
		break;
	default:
		*detail = "neither an object nor an array";
		return (RPC_BODY_BAD);
	}
	json_array_begin(&r->s);
	while (json_array_next(&r->s) == 1) {
		json_skip(&r->s, NULL);
		n++;
	}
	if (n == 0 || n > LIMIT_BATCH) {
		*detail = n == 0 ? "empty batch" : "too many calls in a batch";
		return (RPC_BODY_BAD);
	}
	r->count = n;
	json_scan_init(&r->s, body, len);
	json_array_begin(&r->s);
	return (r->kind = RPC_BODY_BATCH);
}

/* Splits "server.method" at its last dot into server and method. */
static void
split_method(struct rpc_call *c, struct span name)
{
	const char	*dot;

	dot = name.len == 0 ? NULL : memrchr(name.p, '.', name.len);
	if (dot == NULL) {
		refuse(c, RPC_E_METHOD_NOT_FOUND,
		    "neither remote_call nor server.method");
		return;
	}
	c->server.p = name.p;
	c->server.len = (size_t)(dot - name.p);
	c->method.p = dot + 1;
	c->method.len = name.len - c->server.len - 1;
	if (!name_service(c->server) || c->method.len == 0 ||
	    c->method.len > LIMIT_METHOD_NAME)
		refuse(c, RPC_E_METHOD_NOT_FOUND, "no such server.method");
}

enum param {
	P_NODE_ID,
	P_SERVER_NAME,
	P_SERVICE_NAME,
	P_METHOD,
	P_ARGS,
	P_TIMEOUT,
	P_VERSION,
	P_PRIORITY,
	P_TRACE,
	P_IDEMPOTENCY_KEY,
	P_MAX
};

static const char *const params[P_MAX] = {
	"node_id", "server_name", "service_name", "method", "args", "timeout",
	"version", "priority", "trace", "idempotency_key"
};

/* Finds the known parameters; false if one comes twice. */
static bool
find_params(const struct json_span *object, struct json_span v[P_MAX])
{
	struct json_scan	 s;
	struct json_span	 key, value;
	struct span		 name;
	char			 buf[64];
	int			 i, n;

	memset(v, 0, P_MAX * sizeof(v[0]));
	json_scan_init(&s, object->p, object->len);
	if (!json_object_begin(&s))
		return (false);
	while (json_object_next(&s, &key) == 1) {
		if (!json_skip(&s, &value))
			return (false);
		if ((n = json_unescape(&key, buf, sizeof(buf))) == -1)
			continue;
		name.p = buf;
		name.len = (size_t)n;
		for (i = 0; i < P_MAX && !is_name(name, params[i]); i++)
			;
		if (i == P_MAX)
			continue;
		if (v[i].type != JSON_NONE)
			return (false);
		v[i] = value;
	}
	return (s.err == JSON_OK);
}

/* node_id: a node, or home@main. */
static bool
read_node(struct rpc_call *c, const struct json_span *v)
{
	char		 lower[LIMIT_NODE_ID + 1];
	const char	*at;
	struct span	 id;

	if (!optional(c, v, 2 * LIMIT_NODE_ID + 1, &id))
		return (false);
	if (id.len == 0)
		return (true);
	c->target.id = id;
	if ((at = memchr(id.p, '@', id.len)) != NULL) {
		c->target.kind = NODE_HOME;
		c->target.id.len = (size_t)(at - id.p);
		c->target.main.p = at + 1;
		c->target.main.len = id.len - c->target.id.len - 1;
		if (!name_node_lower(c->target.main, lower, sizeof(lower)))
			return (false);
	}
	return (name_node_lower(c->target.id, lower, sizeof(lower)));
}

static bool
read_server(struct rpc_call *c, const struct json_span *a,
    const struct json_span *b)
{
	struct span	 alias;

	if (!optional(c, a, LIMIT_SERVICE_NAME, &c->server) ||
	    !optional(c, b, LIMIT_SERVICE_NAME, &alias))
		return (refuse(c, RPC_E_INVALID_PARAMS, "server_name"));
	if (c->server.len == 0)
		c->server = alias;
	else if (alias.len != 0 && !span_eq(c->server, alias))
		return (refuse(c, RPC_E_INVALID_PARAMS,
		    "server_name and service_name differ"));
	if (c->server.len != 0 && !name_service(c->server))
		return (refuse(c, RPC_E_INVALID_PARAMS, "server_name"));
	return (true);
}

static bool
read_args(struct rpc_call *c, const struct json_span *v)
{
	if (v->type == JSON_OBJECT || v->type == JSON_ARRAY)
		c->args = raw(v);
	return (v->type == JSON_OBJECT || v->type == JSON_ARRAY ||
	    v->type == JSON_NONE || v->type == JSON_NULL);
}

static bool
read_numbers(struct rpc_call *c, const struct json_span v[P_MAX])
{
	if (v[P_TIMEOUT].type != JSON_NONE && v[P_TIMEOUT].type != JSON_NULL &&
	    !json_seconds_ms(&v[P_TIMEOUT], LIMIT_TIMEOUT_MAX_MS,
	    &c->timeout_ms))
		return (refuse(c, RPC_E_INVALID_PARAMS, "timeout"));
	if (v[P_PRIORITY].type != JSON_NONE &&
	    v[P_PRIORITY].type != JSON_NULL &&
	    !json_integer(&v[P_PRIORITY], INT32_MIN, INT32_MAX, &c->priority))
		return (refuse(c, RPC_E_INVALID_PARAMS, "priority"));
	return (true);
}

/* trace and idempotency_key travel on as they came. */
static bool
read_extras(struct rpc_call *c, const struct json_span v[P_MAX])
{
	if (!optional(c, &v[P_VERSION], LIMIT_VERSION, &c->version) ||
	    (c->version.len != 0 && !name_version(c->version)))
		return (refuse(c, RPC_E_INVALID_PARAMS, "version"));
	if (v[P_TRACE].type == JSON_STRING)
		c->trace = raw(&v[P_TRACE]);
	else if (v[P_TRACE].type != JSON_NONE && v[P_TRACE].type != JSON_NULL)
		return (refuse(c, RPC_E_INVALID_PARAMS, "trace"));
	if (v[P_IDEMPOTENCY_KEY].type == JSON_STRING)
		c->idempotency_key = raw(&v[P_IDEMPOTENCY_KEY]);
	else if (v[P_IDEMPOTENCY_KEY].type != JSON_NONE &&
	    v[P_IDEMPOTENCY_KEY].type != JSON_NULL)
		return (refuse(c, RPC_E_INVALID_PARAMS, "idempotency_key"));
	if (c->trace.len > LIMIT_LABEL || c->idempotency_key.len > LIMIT_LABEL)
		return (refuse(c, RPC_E_INVALID_PARAMS,
		    "trace or idempotency_key too long"));
	return (true);
}

/*
 * Reads target, server, method and the rest from the params of remote_call;
 * id and notification are left as they are.
 */
static void
read_remote_call(struct rpc_call *c, const struct json_span *object)
{
	struct json_span	 v[P_MAX];

	if (object->type != JSON_OBJECT) {
		refuse(c, RPC_E_INVALID_PARAMS, "params is not an object");
		return;
	}
	if (!find_params(object, v)) {
		refuse(c, RPC_E_INVALID_PARAMS, "a parameter comes twice");
		return;
	}
	if (!read_node(c, &v[P_NODE_ID])) {
		refuse(c, RPC_E_INVALID_PARAMS, "node_id");
		return;
	}
	if (!read_server(c, &v[P_SERVER_NAME], &v[P_SERVICE_NAME]))
		return;
	if (!plain(c, &v[P_METHOD], LIMIT_METHOD_NAME, &c->method) ||
	    c->method.len == 0) {
		refuse(c, RPC_E_INVALID_PARAMS, "method");
		return;
	}
	if (!read_args(c, &v[P_ARGS])) {
		refuse(c, RPC_E_INVALID_PARAMS,
		    "args is neither an object nor an array");
		return;
	}
	if (!read_numbers(c, v) || !read_extras(c, v))
		return;
	if (c->target.id.len == 0 && c->server.len == 0)
		refuse(c, RPC_E_INVALID_PARAMS, "neither node_id nor "
		    "server_name");
}

enum field { F_JSONRPC, F_METHOD, F_PARAMS, F_ID, F_MAX };

static const char *const fields[F_MAX] = {
	"jsonrpc", "method", "params", "id"
};

/* Finds the members of a request object; false if one comes twice. */
static bool
find_fields(const struct json_span *object, struct json_span v[F_MAX])
{
	struct json_scan	 s;
	struct json_span	 key, value;
	struct span		 name;
	char			 buf[16];
	bool			 ok = true;
	int			 i, n;

	memset(v, 0, F_MAX * sizeof(v[0]));
	json_scan_init(&s, object->p, object->len);
	if (!json_object_begin(&s))
		return (false);
	while (json_object_next(&s, &key) == 1) {
		json_skip(&s, &value);
		if ((n = json_unescape(&key, buf, sizeof(buf))) == -1)
			continue;
		name.p = buf;
		name.len = (size_t)n;
		for (i = 0; i < F_MAX && !is_name(name, fields[i]); i++)
			;
		if (i == F_MAX)
			continue;
		if (v[i].type != JSON_NONE)
			ok = false;
		v[i] = value;
	}
	return (ok);
}

/* Takes the id; anything but a string, a number or null is refused. */
static bool
read_id(struct rpc_call *c, const struct json_span *v)
{
	c->notification = v->type == JSON_NONE;
	switch (v->type) {
	case JSON_NONE:
		return (true);
	case JSON_NULL:
	case JSON_NUMBER:
	case JSON_STRING:
		if (v->len > LIMIT_RPC_ID)
			return (refuse(c, RPC_E_INVALID_REQUEST,
			    "id too long"));
		c->id = raw(v);
		return (true);
	default:
		return (refuse(c, RPC_E_INVALID_REQUEST, "id"));
	}
}

#define PARAMS_DEPTH	2	/* containers around params in a message */

/*
 * Whether the params still nest no deeper than LIMIT_JSON_DEPTH inside a
 * message to another node: the callee would refuse all of it.
 */
static bool
fits_message(const struct json_span *v)
{
	struct json_scan	 s;

	json_scan_init(&s, v->p, v->len);
	s.depth = PARAMS_DEPTH;
	return (json_skip(&s, NULL));
}

static void
read_request(struct rpc_call *c, const struct json_span *object)
{
	struct json_span	 v[F_MAX];
	struct span		 name;

	if (!find_fields(object, v)) {
		refuse(c, RPC_E_INVALID_REQUEST, "not a request object");
		return;
	}
	if (!read_id(c, &v[F_ID]))
		return;
	if (v[F_JSONRPC].len != 5 ||
	    memcmp(v[F_JSONRPC].p, "\"2.0\"", 5) != 0) {
		refuse(c, RPC_E_INVALID_REQUEST, "jsonrpc is not \"2.0\"");
		return;
	}
	if (v[F_METHOD].type != JSON_STRING) {
		refuse(c, RPC_E_INVALID_REQUEST, "method");
		return;
	}
	if (v[F_PARAMS].type != JSON_NONE && v[F_PARAMS].type != JSON_OBJECT &&
	    v[F_PARAMS].type != JSON_ARRAY) {
		refuse(c, RPC_E_INVALID_REQUEST,
		    "params is neither an object nor an array");
		return;
	}
	if (!plain(c, &v[F_METHOD], sizeof(c->scratch), &name)) {
		refuse(c, RPC_E_METHOD_NOT_FOUND, "method name too long");
		return;
	}
	if (is_name(name, "remote_call")) {
		read_remote_call(c, &v[F_PARAMS]);
		return;
	}
	if (v[F_PARAMS].type != JSON_NONE) {
		if (!fits_message(&v[F_PARAMS])) {
			refuse(c, RPC_E_INVALID_REQUEST, "params nest too deep");
			return;
		}
		c->args = raw(&v[F_PARAMS]);
	}
	split_method(c, name);
}

bool
rpc_next(struct rpc_reader *r, struct rpc_call *c)
{
	struct json_span	 v;

	memset(c, 0, offsetof(struct rpc_call, scratch));
	c->nscratch = 0;
	c->server.p = c->method.p = c->version.p = "";
	c->target.id.p = c->target.main.p = c->id.p = c->args.p = "";
	if (r->taken == r->count)
		return (false);
	r->taken++;
	if (r->kind == RPC_BODY_BATCH && json_array_next(&r->s) != 1)
		return (false);
	if (!json_skip(&r->s, &v))
		return (false);
	read_request(c, &v);
	/* What is no valid request has an answer, though it has no id. */
	if (c->bad == RPC_E_INVALID_REQUEST)
		c->notification = false;
	return (true);
}
