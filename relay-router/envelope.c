/* SPDX-License-Identifier: ISC */

/*
 * Scan of a federation message; see envelope.h.
 */

#include <stdint.h>
#include <string.h>

#include "relay-router/envelope_impl.h"

static const struct {
	const char	*name;
	size_t		 len;
} keys[ENV_NKEYS] = {
#define X(name, text)	{ text, sizeof(text) - 1 },
	ENV_KEYS(X)
#undef X
};

static const char *const types[FED_NTYPES] = {
	NULL,
#define X(name, text)	text,
	FED_TYPES(X)
#undef X
};

_Static_assert(ENV_NKEYS <= 32, "seen is one word");

const char *
env_key_name(enum env_key key)
{
	return (keys[key].name);
}

const char *
fed_type_name(enum fed_type type)
{
	return (types[type]);
}

const char *
env_strerror(enum env_err err)
{
	switch (err) {
	case ENV_OK:
		return ("no error");
	case ENV_E_JSON:
		return ("not strict JSON in UTF-8");
	case ENV_E_DEPTH:
		return ("nested too deep");
	case ENV_E_OBJECT:
		return ("not an object");
	case ENV_E_DUPLICATE:
		return ("duplicate key");
	case ENV_E_MEMBERS:
		return ("too many keys");
	case ENV_E_KEY:
		return ("key too long");
	case ENV_E_FIELD:
		return ("bad value of a known key");
	case ENV_E_TYPE:
		return ("no type");
	}
	return ("unknown error");
}

static inline bool
is_key(struct span k, enum env_key key)
{
	return (memcmp(keys[key].name, k.p, k.len) == 0);
}

#define TRY(k, key)	do {						\
	if (is_key((k), (key)))						\
		return (key);						\
} while (0)

/* Which known key this is, or ENV_NKEYS. */
static enum env_key
key_of(struct span k)
{
	switch (k.len) {
	case 3:
		TRY(k, ENV_TTL);
		break;
	case 4:
		TRY(k, ENV_TYPE);
		TRY(k, ENV_DATA);
		break;
	case 5:
		TRY(k, ENV_EPOCH);
		break;
	case 6:
		TRY(k, ENV_METHOD);
		break;
	case 7:
		TRY(k, ENV_VERSION);
		break;
	case 8:
		TRY(k, ENV_PRIORITY);
		break;
	case 9:
		TRY(k, ENV_TIMESTAMP);
		break;
	case 10:
		TRY(k, ENV_MESSAGE_ID);
		break;
	case 11:
		TRY(k, ENV_SOURCE_NODE);
		TRY(k, ENV_SERVER_NAME);
		TRY(k, ENV_DEADLINE_MS);
		TRY(k, ENV_TRACEPARENT);
		break;
	case 12:
		TRY(k, ENV_ROUTING_PATH);
		break;
	case 14:
		TRY(k, ENV_CORRELATION_ID);
		break;
	case 15:
		TRY(k, ENV_JSONRPC_REQUEST);
		TRY(k, ENV_TIMEOUT_SECONDS);
		TRY(k, ENV_IDEMPOTENCY_KEY);
		break;
	case 16:
		TRY(k, ENV_DESTINATION_NODE);
		TRY(k, ENV_JSONRPC_RESPONSE);
		break;
	default:
		break;
	}
	return (ENV_NKEYS);
}

/* An id: printable ASCII without space (PROTOCOL.md section 3). */
static bool
take_id(struct envelope *e, const struct json_span *v, struct span *out)
{
	size_t	 i;

	if (!env_take_text(e, v, LIMIT_MESSAGE_ID, out))
		return (false);
	for (i = 0; i < out->len; i++)
		if (out->p[i] <= ' ' || out->p[i] > '~')
			return (false);
	return (true);
}

static bool
take_int(const struct json_span *v, int64_t min, int64_t *out)
{
	if (v->type == JSON_NULL)
		return (true);
	return (json_integer(v, min, INT32_MAX, out));
}

static struct json_span *
rpc_field(struct env_rpc *rpc, struct span key)
{
	switch (key.len) {
	case 2:
		return (env_is_name(key, "id") ? &rpc->id : NULL);
	case 5:
		return (env_is_name(key, "error") ? &rpc->error : NULL);
	case 6:
		if (env_is_name(key, "method"))
			return (&rpc->method);
		if (env_is_name(key, "params"))
			return (&rpc->params);
		return (env_is_name(key, "result") ? &rpc->result : NULL);
	default:
		return (NULL);
	}
}

/* The id of JSON-RPC is opaque, but a short scalar, not a boolean. */
static bool
rpc_id_ok(const struct json_span *id)
{
	return (id->type == JSON_NONE || id->type == JSON_NULL ||
	    ((id->type == JSON_NUMBER || id->type == JSON_STRING) &&
	    id->len <= LIMIT_RPC_ID));
}

static bool
take_rpc(struct json_scan *s, struct env_rpc *rpc)
{
	char			 buf[KEY_ESCAPED_MAX];
	struct json_span	 k, v, *field;
	struct span		 key;
	int			 more;

	if (json_peek(s) == JSON_NULL)
		return (json_skip(s, NULL));
	if (!json_object_begin(s))
		return (false);
	rpc->present = true;
	while ((more = json_object_next(s, &k)) == 1) {
		if (!env_plain_text(&k, buf, sizeof(buf), &key) ||
		    !json_skip(s, &v))
			return (false);
		if (env_is_name(key, "jsonrpc"))
			rpc->versioned = v.len == 5 &&
			    memcmp(v.p, "\"2.0\"", 5) == 0;
		if ((field = rpc_field(rpc, key)) == NULL)
			continue;
		if (field->type != JSON_NONE)
			return (false);
		*field = v;
	}
	return (more == 0 && rpc_id_ok(&rpc->id));
}

static void
take_type(struct envelope *e)
{
	enum fed_type	 t;

	for (t = FED_UNKNOWN + 1; t < FED_NTYPES; t++)
		if (env_is_name(e->type_name, types[t]))
			break;
	e->type = t == FED_NTYPES ? FED_UNKNOWN : t;
}

static bool
take_timeout(const struct json_span *v, int64_t *out)
{
	if (v->type == JSON_NULL)
		return (true);
	return (json_seconds_ms(v, INT32_MAX, out));
}

/* Reads a known value that is a scalar. */
static bool
take_scalar(struct envelope *e, enum env_key key, const struct json_span *v)
{
	switch (key) {
	case ENV_TYPE:
		if (!env_take_text(e, v, LIMIT_METHOD_NAME, &e->type_name))
			return (false);
		take_type(e);
		return (true);
	case ENV_MESSAGE_ID:
		return (take_id(e, v, &e->message_id));
	case ENV_CORRELATION_ID:
		return (take_id(e, v, &e->correlation_id));
	case ENV_SERVER_NAME:
		return (env_take_text(e, v, LIMIT_SERVICE_NAME,
		    &e->server_name));
	case ENV_METHOD:
		return (env_take_text(e, v, LIMIT_METHOD_NAME, &e->method));
	case ENV_VERSION:
		/* No key of SEED.md: of another kind it is a stranger's. */
		if (v->type != JSON_STRING)
			return (true);
		return (env_take_text(e, v, LIMIT_VERSION, &e->version));
	case ENV_TTL:
		return (take_int(v, 0, &e->ttl));
	case ENV_PRIORITY:
		return (take_int(v, INT32_MIN, &e->priority));
	case ENV_TIMEOUT_SECONDS:
		return (take_timeout(v, &e->timeout_ms));
	case ENV_DEADLINE_MS:
		return (take_int(v, 0, &e->deadline_ms));
	default:
		return (true);
	}
}

/* Reads the value of a known key, at which the scan stands. */
static bool
take_value(struct envelope *e, struct json_scan *s, enum env_key key)
{
	struct json_span	*v = &e->val[key];
	bool			 ok;

	v->type = json_peek(s);
	v->p = (const char *)s->p;
	v->escaped = false;
	switch (key) {
	case ENV_SOURCE_NODE:
		ok = env_take_node(e, s, &e->source);
		break;
	case ENV_DESTINATION_NODE:
		ok = env_take_node(e, s, &e->destination);
		break;
	case ENV_ROUTING_PATH:
		ok = env_take_path(e, s);
		break;
	case ENV_JSONRPC_REQUEST:
		ok = take_rpc(s, &e->request);
		break;
	case ENV_JSONRPC_RESPONSE:
		ok = take_rpc(s, &e->response);
		break;
	default:
		return (json_skip(s, v) && take_scalar(e, key, v));
	}
	v->len = (uint32_t)((const char *)s->p - v->p);
	return (ok);
}

static enum env_err
json_failure(const struct json_scan *s)
{
	return (s->err == JSON_E_DEPTH ? ENV_E_DEPTH : ENV_E_JSON);
}

/* Reads a key the scan did not come to, so that an answer can name it. */
static void
late_id(struct envelope *e, const struct json_span *all, enum env_key key,
    struct span *out)
{
	struct json_span	 v;

	if (out->len == 0 && json_member(all, keys[key].name, &v) &&
	    !take_id(e, &v, out))
		out->len = 0;
}

static void
late_type(struct envelope *e, const struct json_span *all)
{
	struct json_span	 v;

	if (e->type_name.len == 0 && json_member(all, "type", &v))
		(void)take_scalar(e, ENV_TYPE, &v);
}

/*
 * A scan stops at the first wrong field, though the text after it may not
 * even be JSON.  Go over it again, so that the answer is the same whatever
 * the order of the keys.
 */
static enum env_err
field_failure(struct envelope *e, size_t len, enum env_err err)
{
	struct json_scan	 s;
	struct json_span	 all;

	json_scan_init(&s, e->text, len);
	if (!json_skip(&s, &all) || !json_scan_end(&s))
		return (json_failure(&s));
	late_type(e, &all);
	late_id(e, &all, ENV_MESSAGE_ID, &e->message_id);
	late_id(e, &all, ENV_CORRELATION_ID, &e->correlation_id);
	return (err);
}

/* The hashes of the unknown keys met so far. */
struct strange {
	uint32_t	 n;
	uint64_t	 hash[LIMIT_MEMBERS];
};

/*
 * Notes an unknown key and passes its value.  Equal keyed hashes of 64 bits
 * are taken for equal keys.
 */
static enum env_err
take_unknown(struct json_scan *s, struct span key, struct strange *st,
    const uint8_t *secret)
{
	uint64_t	 h;
	uint32_t	 i;

	if (st->n == LIMIT_MEMBERS)
		return (ENV_E_MEMBERS);
	h = siphash13(secret, key.p, key.len);
	for (i = 0; i < st->n; i++)
		if (st->hash[i] == h)
			return (ENV_E_DUPLICATE);
	st->hash[st->n++] = h;
	return (json_skip(s, NULL) ? ENV_OK : json_failure(s));
}

static enum env_err
take_member(struct envelope *e, struct json_scan *s,
    const struct json_span *name, struct strange *st, const uint8_t *secret)
{
	char		 buf[KEY_ESCAPED_MAX];
	struct span	 k;
	enum env_key	 key;

	if (!env_plain_text(name, buf, sizeof(buf), &k))
		return (ENV_E_KEY);
	if ((key = k.len == 0 ? ENV_NKEYS : key_of(k)) == ENV_NKEYS)
		return (take_unknown(s, k, st, secret));
	if (e->seen & (1U << key))
		return (ENV_E_DUPLICATE);
	e->seen |= 1U << key;
	if (take_value(e, s, key))
		return (ENV_OK);
	e->bad_field = key;
	return (s->err == JSON_E_DEPTH || s->err == JSON_E_UTF8 ?
	    json_failure(s) : ENV_E_FIELD);
}

/* Nothing read yet; absent strings are empty ones. */
static void
clear(struct envelope *e, const char *text)
{
	memset(e, 0, offsetof(struct envelope, scratch));
	e->text = text;
	e->deadline_ms = -1;
	e->empty = true;
	e->type_name.p = e->message_id.p = e->correlation_id.p = "";
	e->server_name.p = e->method.p = e->version.p = "";
	e->source.id.p = e->source.main.p = "";
	e->destination.id.p = e->destination.main.p = "";
	e->request.id.p = e->response.id.p = "";
}

enum env_err
envelope_parse(struct envelope *e, const char *text, size_t len,
    const uint8_t secret[HASH_KEY_LEN])
{
	struct json_scan	 s;
	struct json_span	 name;
	struct strange		 st;
	enum env_err		 err;
	int			 more;

	clear(e, text);
	st.n = 0;
	json_scan_init(&s, text, len);
	if (json_peek(&s) != JSON_OBJECT)
		return (field_failure(e, len, ENV_E_OBJECT));
	if (!json_object_begin(&s))
		return (json_failure(&s));
	while ((more = json_object_next(&s, &name)) == 1) {
		e->empty = false;
		err = take_member(e, &s, &name, &st, secret);
		if (err != ENV_OK)
			return (field_failure(e, len, err));
	}
	e->close = (uint32_t)((const char *)s.p - text) - 1;
	if (more == -1 || !json_scan_end(&s))
		return (json_failure(&s));
	return (e->type_name.len == 0 ? ENV_E_TYPE : ENV_OK);
}
