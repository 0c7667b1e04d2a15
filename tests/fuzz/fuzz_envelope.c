/* SPDX-License-Identifier: ISC */

/*
 * Any text as a federation message: if it is taken, it is JSON, json-c sees
 * the same type and id, and a spliced message is one again that has the new
 * values and all else unchanged.
 */

#include <json-c/json.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "relay-router/envelope.h"
#include "tests/fuzz/must.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const uint8_t	 secret[HASH_KEY_LEN] = "0123456789abcde";

/* json-c's value of a string member must be what the scan has read. */
static void
same_string(json_object *o, const char *key, struct span mine)
{
	json_object	*v;

	if (mine.len == 0)
		return;
	must(json_object_object_get_ex(o, key, &v));
	must((size_t)json_object_get_string_len(v) == mine.len);
	must(memcmp(json_object_get_string(v), mine.p, mine.len) == 0);
}

static void
compare(const struct envelope *e, const char *text, size_t size)
{
	json_tokener	*tok = json_tokener_new_ex(LIMIT_JSON_DEPTH + 2);
	json_object	*o, *v;

	o = json_tokener_parse_ex(tok, text, (int)size);
	must(json_object_is_type(o, json_type_object));
	same_string(o, "type", e->type_name);
	same_string(o, "message_id", e->message_id);
	same_string(o, "correlation_id", e->correlation_id);
	same_string(o, "server_name", e->server_name);
	if (e->ttl != 0) {
		must(json_object_object_get_ex(o, "ttl", &v));
		must(json_object_get_int64(v) == e->ttl);
	}
	json_object_put(o);
	json_tokener_free(tok);
}

static void
splice_and_parse(const struct envelope *e)
{
	static struct envelope	 again;
	struct splice		 s;
	char			*buf;

	splice_init(&s, e);
	splice_set(&s, ENV_SOURCE_NODE, span_str("{\"id\":\"x\"}"));
	splice_set(&s, ENV_ROUTING_PATH, span_str("[\"x\",\"y\"]"));
	splice_set(&s, ENV_TTL, span_str("2"));
	splice_set(&s, ENV_MESSAGE_ID, span_str("\"fresh\""));
	if (e->response.id.type != JSON_NONE)
		splice_swap(&s, &e->response.id, span_str("77"));
	buf = malloc(s.size);
	must(splice_write(&s, buf) == buf + s.size);
	must(envelope_parse(&again, buf, s.size, secret) == ENV_OK);
	must(again.ttl == 2 && again.npath == 2);
	must(span_eq(again.message_id, span_str("fresh")));
	must(span_eq(again.source.id, span_str("x")));
	must(again.type == e->type);
	must(span_eq(again.type_name, e->type_name));
	must(span_eq(again.correlation_id, e->correlation_id));
	must(span_eq(again.destination.id, e->destination.id));
	must(again.request.id.len == e->request.id.len);
	must(e->response.id.type == JSON_NONE || again.response.id.len == 2);
	free(buf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct envelope	 e;
	struct json_span	 v;
	enum env_err		 err;
	bool			 valid;
	char			*text;

	text = malloc(size == 0 ? 1 : size);
	memcpy(text, data, size);
	err = envelope_parse(&e, text, size, secret);
	valid = json_valid(text, size);
	must(valid == (err != ENV_E_JSON && err != ENV_E_DEPTH));
	must(env_strerror(err) != NULL);
	if (err == ENV_OK) {
		compare(&e, text, size);
		splice_and_parse(&e);
		if (env_has(&e, ENV_DATA))
			(void)json_member(&e.val[ENV_DATA], "result", &v);
	}
	free(text);
	return (0);
}
