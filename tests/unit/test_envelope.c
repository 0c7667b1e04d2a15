/* SPDX-License-Identifier: ISC */

/*
 * The envelope scan and the splice: what SEED.md's clients send is read, what
 * breaks PROTOCOL.md section 3 is refused, and a forwarded message differs
 * from the received one in the edited values only.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay-router/envelope.h"
#include "tests/unit/suite.h"

static const uint8_t	 secret[HASH_KEY_LEN] = "0123456789abcde";
static struct envelope	 env;

/* Parses from an exact heap copy, so that a read past the end is caught. */
static char	*copy;

static enum env_err
parse_n(const char *text, size_t len)
{
	free(copy);
	copy = malloc(len == 0 ? 1 : len);
	memcpy(copy, text, len);
	return (envelope_parse(&env, copy, len, secret));
}

static enum env_err
parse(const char *text)
{
	return (parse_n(text, strlen(text)));
}

static void
ck_span(struct span s, const char *want)
{
	ck_assert_msg(s.len == strlen(want) && memcmp(s.p, want, s.len) == 0,
	    "%.*s is not %s", (int)s.len, s.p, want);
}

static void
ck_json(const struct json_span *s, const char *want)
{
	ck_assert_msg(s->len == strlen(want) &&
	    memcmp(s->p, want, s->len) == 0, "%.*s is not %s", (int)s->len,
	    s->p, want);
}

/* As Go's encoding/json writes SEED.md's struct, zero values and all. */
START_TEST(seed_go)
{
	ck_assert_int_eq(parse("{\"type\":\"request\",\"message_id\":\"\","
	    "\"timestamp\":\"2024-05-01T10:20:30.12Z\","
	    "\"source_node\":{\"type\":\"home\",\"id\":\"alice.home\"},"
	    "\"destination_node\":{\"type\":\"\",\"id\":\"\"},"
	    "\"routing_path\":null,\"ttl\":0,\"server_name\":\"blog\","
	    "\"method\":\"create\",\"jsonrpc_request\":{\"id\":1,"
	    "\"jsonrpc\":\"2.0\",\"method\":\"create\",\"params\":{\"a\":1}},"
	    "\"data\":null,\"timeout_seconds\":60}\n"), ENV_OK);
	ck_assert_int_eq(env.type, FED_REQUEST);
	ck_assert_uint_eq(env.message_id.len, 0);
	ck_assert_int_eq(env.source.kind, NODE_HOME);
	ck_span(env.source.id, "alice.home");
	ck_assert_uint_eq(env.destination.id.len, 0);
	ck_assert_uint_eq(env.npath, 0);
	ck_assert_int_eq(env.ttl, 0);
	ck_assert_int_eq(env.timeout_ms, 60000);
	ck_assert_int_eq(env.deadline_ms, -1);
	ck_span(env.server_name, "blog");
	ck_span(env.method, "create");
	ck_assert(env.request.present && env.request.versioned);
	ck_assert(!env.response.present);
	ck_json(&env.request.id, "1");
	ck_json(&env.request.method, "\"create\"");
	ck_json(&env.request.params, "{\"a\":1}");
	ck_assert(!env_has(&env, ENV_DATA));
	ck_assert(env_has(&env, ENV_TTL));
}
END_TEST

START_TEST(every_field)
{
	ck_assert_int_eq(parse(" { \"x\" : { \"type\" : 1 } , \"type\" : "
	    "\"response\" , \"message_id\":\"m-1\", \"correlation_id\":\"c\","
	    "\"routing_path\":[\"a\",\"b\",\"c\"],\"ttl\":2,\"priority\":-3,"
	    "\"deadline_ms\":1500,\"timeout_seconds\":0.25,"
	    "\"source_node\":{\"main_relay\":\"m\",\"id\":\"h\",\"x\":[]},"
	    "\"destination_node\":\"bob@relay.example\","
	    "\"jsonrpc_response\":{\"jsonrpc\":\"2.0\",\"id\":\"q\","
	    "\"result\":[1,2]},\"version\":7,\"epoch\":9} "), ENV_OK);
	ck_assert_int_eq(env.type, FED_RESPONSE);
	ck_span(env.message_id, "m-1");
	ck_span(env.correlation_id, "c");
	ck_assert_uint_eq(env.npath, 3);
	ck_span(env.path[2], "c");
	ck_assert_int_eq(env.ttl, 2);
	ck_assert_int_eq(env.priority, -3);
	ck_assert_int_eq(env.deadline_ms, 1500);
	ck_assert_int_eq(env.timeout_ms, 250);
	ck_span(env.source.id, "h");
	ck_span(env.source.main, "m");
	ck_span(env.destination.id, "bob");
	ck_span(env.destination.main, "relay.example");
	ck_assert_int_eq(env.destination.kind, NODE_HOME);
	ck_json(&env.response.id, "\"q\"");
	ck_json(&env.response.result, "[1,2]");
	ck_json(&env.val[ENV_ROUTING_PATH], "[\"a\",\"b\",\"c\"]");
	ck_assert_uint_eq(env.version.len, 0);
}
END_TEST

/* Keys and values that are spelled with escapes are the same keys. */
START_TEST(escaped)
{
	ck_assert_int_eq(parse("{\"\\u0074ype\":\"\\u0072equest\","
	    "\"message\\u005fid\":\"a\\/b\",\"destination_node\":"
	    "{\"\\u0069d\":\"b\\u006fb@m\"},\"jsonrpc_request\":"
	    "{\"\\u0069d\":5}}"), ENV_OK);
	ck_assert_int_eq(env.type, FED_REQUEST);
	ck_span(env.message_id, "a/b");
	ck_span(env.destination.id, "bob");
	ck_span(env.destination.main, "m");
	ck_json(&env.request.id, "5");
}
END_TEST

#define T	"{\"type\":\"request\","

static const struct {
	const char	*text;
	enum env_err	 err;
} bad[] = {
	{ "", ENV_E_JSON },
	{ "x", ENV_E_JSON },
	{ "[]", ENV_E_OBJECT },
	{ "\"type\"", ENV_E_OBJECT },
	{ "null", ENV_E_OBJECT },
	{ "[", ENV_E_JSON },
	{ "{}", ENV_E_TYPE },
	{ "{\"type\":\"\"}", ENV_E_TYPE },
	{ "{\"type\":null}", ENV_E_TYPE },
	{ "{\"type\":1}", ENV_E_FIELD },
	{ "{\"type\":\"request\"", ENV_E_JSON },
	{ "{\"type\":\"request\"}}", ENV_E_JSON },
	{ "{\"type\":\"request\"}{}", ENV_E_JSON },
	{ T "\"type\":\"request\"}", ENV_E_DUPLICATE },
	{ T "\"\\u0074ype\":\"response\"}", ENV_E_DUPLICATE },
	{ T "\"ttl\":1,\"ttl\":1}", ENV_E_DUPLICATE },
	{ T "\"x\":1,\"y\":2,\"x\":3}", ENV_E_DUPLICATE },
	{ T "\"x\":1,\"\\u0078\":3}", ENV_E_DUPLICATE },
	{ T "\"\":1,\"\":3}", ENV_E_DUPLICATE },
	{ T "\"message_id\":5}", ENV_E_FIELD },
	{ T "\"message_id\":\"a b\"}", ENV_E_FIELD },
	{ T "\"message_id\":\"a\\u0000\"}", ENV_E_FIELD },
	{ T "\"message_id\":\"\xc3\xa9\"}", ENV_E_FIELD },
	{ T "\"message_id\":\"\\u007f\"}", ENV_E_FIELD },
	{ T "\"message_id\":\"0123456789012345678901234567890123456789"
	    "0123456789012345678901234\"}", ENV_E_FIELD },
	{ T "\"correlation_id\":\"\\n\"}", ENV_E_FIELD },
	{ T "\"correlation_id\":[]}", ENV_E_FIELD },
	{ T "\"ttl\":-1}", ENV_E_FIELD },
	{ T "\"ttl\":1.5}", ENV_E_FIELD },
	{ T "\"ttl\":\"3\"}", ENV_E_FIELD },
	{ T "\"ttl\":99999999999}", ENV_E_FIELD },
	{ T "\"timeout_seconds\":-1}", ENV_E_FIELD },
	{ T "\"timeout_seconds\":\"60\"}", ENV_E_FIELD },
	{ T "\"deadline_ms\":-5}", ENV_E_FIELD },
	{ T "\"priority\":\"high\"}", ENV_E_FIELD },
	{ T "\"source_node\":5}", ENV_E_FIELD },
	{ T "\"source_node\":[]}", ENV_E_FIELD },
	{ T "\"source_node\":{\"id\":1}}", ENV_E_FIELD },
	{ T "\"source_node\":{\"type\":\"moon\",\"id\":\"a\"}}", ENV_E_FIELD },
	{ T "\"source_node\":{\"id\":\"a\",\"id\":\"b\"}}", ENV_E_FIELD },
	{ T "\"source_node\":{\"id\":\"a\",\"\\u0069d\":\"b\"}}", ENV_E_FIELD },
	{ T "\"destination_node\":{\"id\":\"a@\"}}", ENV_E_FIELD },
	{ T "\"destination_node\":{\"id\":\"@m\"}}", ENV_E_FIELD },
	{ T "\"destination_node\":\"@\"}", ENV_E_FIELD },
	{ T "\"destination_node\":{\"id\":\"a@m\",\"main_relay\":\"n\"}}",
	    ENV_E_FIELD },
	{ T "\"destination_node\":{\"type\":\"main\",\"id\":\"a@m\"}}",
	    ENV_E_FIELD },
	{ T "\"routing_path\":\"a\"}", ENV_E_FIELD },
	{ T "\"routing_path\":[1]}", ENV_E_FIELD },
	{ T "\"routing_path\":[\"\"]}", ENV_E_FIELD },
	{ T "\"routing_path\":[null]}", ENV_E_FIELD },
	{ T "\"routing_path\":[\"a\",\"b\",\"c\",\"d\"]}", ENV_E_FIELD },
	{ T "\"jsonrpc_request\":[]}", ENV_E_FIELD },
	{ T "\"jsonrpc_request\":\"x\"}", ENV_E_FIELD },
	{ T "\"jsonrpc_request\":{\"id\":1,\"id\":2}}", ENV_E_FIELD },
	{ T "\"jsonrpc_request\":{\"id\":true}}", ENV_E_FIELD },
	{ T "\"jsonrpc_request\":{\"id\":{}}}", ENV_E_FIELD },
	{ T "\"jsonrpc_request\":{\"id\":[1]}}", ENV_E_FIELD },
	{ T "\"jsonrpc_request\":{\"params\":1,\"params\":2}}", ENV_E_FIELD },
	{ T "\"jsonrpc_request\":{\"id\":1}", ENV_E_JSON },
	{ T "\"server_name\":1}", ENV_E_FIELD },
	{ T "\"method\":[]}", ENV_E_FIELD },
	/* A wrong field before broken JSON is broken JSON all the same. */
	{ T "\"ttl\":\"3\",}", ENV_E_JSON },
	{ T "\"ttl\":1,\"ttl\":1", ENV_E_JSON },
	{ T "\"ttl\":01}", ENV_E_JSON },
	{ T "\"x\":\"\xff\"}", ENV_E_JSON },
	{ T "\"source_node\":{\"id\":\"\xff\"}}", ENV_E_JSON },
};

START_TEST(refused)
{
	enum env_err	 err = parse(bad[_i].text);

	ck_assert_msg(err == bad[_i].err, "%s: %s", bad[_i].text,
	    env_strerror(err));
}
END_TEST

/* What was read before the error serves the answer. */
START_TEST(partial)
{
	ck_assert_int_eq(parse("{\"type\":\"request\",\"message_id\":\"m1\","
	    "\"ttl\":\"x\"}"), ENV_E_FIELD);
	ck_assert_int_eq(env.bad_field, ENV_TTL);
	ck_span(env.message_id, "m1");
	ck_assert_int_eq(env.type, FED_REQUEST);
	ck_assert_int_eq(parse("{\"ttl\":1,\"ttl\":1,\"type\":\"response\","
	    "\"message_id\":\"m2\",\"correlation_id\":\"c2\"}"),
	    ENV_E_DUPLICATE);
	ck_span(env.message_id, "m2");
	ck_span(env.correlation_id, "c2");
	ck_assert_int_eq(env.type, FED_RESPONSE);
	/* Of two ids none is believed. */
	ck_assert_int_eq(parse("{\"ttl\":\"1\",\"message_id\":\"a\","
	    "\"message_id\":\"b\"}"), ENV_E_FIELD);
	ck_assert_uint_eq(env.message_id.len, 0);
}
END_TEST

START_TEST(members)
{
	char	 buf[16 * (LIMIT_MEMBERS + 2)];
	size_t	 len;
	int	 n, i;

	for (n = LIMIT_MEMBERS; n <= LIMIT_MEMBERS + 1; n++) {
		len = (size_t)snprintf(buf, sizeof(buf), "{\"type\":\"x\"");
		for (i = 0; i < n; i++)
			len += (size_t)snprintf(buf + len, sizeof(buf) - len,
			    ",\"k%d\":0", i);
		buf[len++] = '}';
		ck_assert_int_eq(parse_n(buf, len),
		    n > LIMIT_MEMBERS ? ENV_E_MEMBERS : ENV_OK);
	}
}
END_TEST

START_TEST(long_escaped_key)
{
	char	 buf[512];
	int	 len;

	len = snprintf(buf, sizeof(buf), "{\"type\":\"x\",\"%0*d\\n\":1}",
	    200, 0);
	ck_assert_int_eq(parse_n(buf, (size_t)len), ENV_E_KEY);
	len = snprintf(buf, sizeof(buf), "{\"type\":\"x\",\"%0*d\":1}", 200, 0);
	ck_assert_int_eq(parse_n(buf, (size_t)len), ENV_OK);
}
END_TEST

START_TEST(too_deep)
{
	char	 buf[256];
	size_t	 len, i;

	len = (size_t)snprintf(buf, sizeof(buf), "{\"type\":\"x\",\"a\":");
	for (i = 0; i < LIMIT_JSON_DEPTH; i++)
		buf[len++] = '[';
	for (i = 0; i < LIMIT_JSON_DEPTH; i++)
		buf[len++] = ']';
	buf[len++] = '}';
	ck_assert_int_eq(parse_n(buf, len), ENV_E_DEPTH);
}
END_TEST

/* The longest node addresses, all escaped, must fit the scratch or fail. */
START_TEST(long_rpc_id)
{
	static char	 id[LIMIT_RPC_ID + 2];
	char		 buf[LIMIT_RPC_ID + 128];
	size_t		 len;

	for (len = LIMIT_RPC_ID; len <= LIMIT_RPC_ID + 1; len++) {
		memset(id, '1', len);
		snprintf(buf, sizeof(buf), "{\"type\":\"request\","
		    "\"jsonrpc_request\":{\"id\":%s}}", id);
		ck_assert_int_eq(parse(buf),
		    len == LIMIT_RPC_ID ? ENV_OK : ENV_E_FIELD);
	}
}
END_TEST

START_TEST(scratch)
{
	char	 buf[8192], id[8 * 64 + 1];
	size_t	 i;
	int	 len;

	for (i = 0; i < 64; i++)
		memcpy(id + 6 * i, "\\u0061", 7);
	len = snprintf(buf, sizeof(buf), "{\"type\":\"request\","
	    "\"message_id\":\"%s\",\"correlation_id\":\"%s\","
	    "\"source_node\":{\"id\":\"%s\"},\"destination_node\":\"%s@%s\","
	    "\"routing_path\":[\"%s\",\"%s\"],\"server_name\":\"%s\","
	    "\"method\":\"%s\"}", id, id, id, id, id, id, id, id, id);
	ck_assert_int_eq(parse_n(buf, (size_t)len), ENV_OK);
	ck_assert_uint_eq(env.destination.main.len, 64);
	ck_assert_uint_eq(env.method.len, 64);
}
END_TEST

START_TEST(every_prefix)
{
	static const char	 full[] = "{\"type\":\"request\",\"ttl\":1,"
	    "\"source_node\":{\"id\":\"a\"},\"routing_path\":[\"a\"],"
	    "\"jsonrpc_request\":{\"id\":1},\"data\":{}}";
	size_t			 n;

	for (n = 0; n < sizeof(full) - 1; n++)
		ck_assert_msg(parse_n(full, n) != ENV_OK, "%zu", n);
	ck_assert_int_eq(parse_n(full, n), ENV_OK);
}
END_TEST

static void
ck_splice(struct splice *s, const char *want)
{
	char	*buf = malloc(s->size), *end;

	end = splice_write(s, buf);
	ck_assert_uint_eq((size_t)(end - buf), s->size);
	ck_assert_msg(s->size == strlen(want) &&
	    memcmp(buf, want, s->size) == 0, "%.*s", (int)s->size, buf);
	free(buf);
}

START_TEST(splice_replace)
{
	struct splice	 s;

	ck_assert_int_eq(parse(" {\"a\" : 1,\"ttl\" : 3, \"type\":\"request\","
	    "\"source_node\":{ },\"z\":[ 1 ]} \n"), ENV_OK);
	splice_init(&s, &env);
	ck_splice(&s, " {\"a\" : 1,\"ttl\" : 3, \"type\":\"request\","
	    "\"source_node\":{ },\"z\":[ 1 ]}");
	splice_set(&s, ENV_SOURCE_NODE, span_str("{\"id\":\"x\"}"));
	splice_set(&s, ENV_TTL, span_str("2"));
	ck_splice(&s, " {\"a\" : 1,\"ttl\" : 2, \"type\":\"request\","
	    "\"source_node\":{\"id\":\"x\"},\"z\":[ 1 ]}");
	splice_set(&s, ENV_ROUTING_PATH, span_str("[\"x\"]"));
	splice_set(&s, ENV_DEADLINE_MS, span_str("17"));
	ck_splice(&s, " {\"a\" : 1,\"ttl\" : 2, \"type\":\"request\","
	    "\"source_node\":{\"id\":\"x\"},\"z\":[ 1 ],"
	    "\"routing_path\":[\"x\"],\"deadline_ms\":17}");
}
END_TEST

START_TEST(splice_inside)
{
	struct splice	 s;

	ck_assert_int_eq(parse("{\"type\":\"response\",\"jsonrpc_response\":"
	    "{\"id\":1e3,\"result\":null},\"ttl\":0}"), ENV_OK);
	splice_init(&s, &env);
	splice_set(&s, ENV_TTL, span_str("3"));
	splice_swap(&s, &env.response.id, span_str("\"1000\""));
	ck_splice(&s, "{\"type\":\"response\",\"jsonrpc_response\":"
	    "{\"id\":\"1000\",\"result\":null},\"ttl\":3}");
}
END_TEST

START_TEST(splice_empty)
{
	struct splice	 s;

	ck_assert_int_eq(parse("{ }"), ENV_E_TYPE);
	splice_init(&s, &env);
	splice_set(&s, ENV_TTL, span_str("3"));
	splice_set(&s, ENV_TYPE, span_str("\"x\""));
	ck_splice(&s, "{ \"ttl\":3,\"type\":\"x\"}");
}
END_TEST

START_TEST(member)
{
	struct json_span	 v;

	ck_assert_int_eq(parse("{\"type\":\"heartbeat\",\"data\":{\"seq\":4,"
	    "\"a\":1,\"\\u0061\":2,\"n\":{\"seq\":5}}}"), ENV_OK);
	ck_assert(json_member(&env.val[ENV_DATA], "seq", &v));
	ck_json(&v, "4");
	ck_assert(!json_member(&env.val[ENV_DATA], "a", &v));
	ck_assert(!json_member(&env.val[ENV_DATA], "absent", &v));
	ck_assert(!json_member(&env.val[ENV_TYPE], "seq", &v));
}
END_TEST

START_TEST(names)
{
	ck_assert_str_eq(env_key_name(ENV_ROUTING_PATH), "routing_path");
	ck_assert_str_eq(fed_type_name(FED_CANCEL), "cancel");
	ck_assert_ptr_null(fed_type_name(FED_UNKNOWN));
	ck_assert_int_eq(parse("{\"type\":\"Request\"}"), ENV_OK);
	ck_assert_int_eq(env.type, FED_UNKNOWN);
	ck_span(env.type_name, "Request");
}
END_TEST

/* Every known key is found by its name: its absence here would be a gap. */
START_TEST(all_keys)
{
	enum env_key	 key;
	char		 buf[128];

	for (key = 0; key < ENV_NKEYS; key++) {
		snprintf(buf, sizeof(buf), "{\"%s\":null}", env_key_name(key));
		parse(buf);
		ck_assert_msg(env.seen == 1U << key, "%s", env_key_name(key));
		ck_assert(!env_has(&env, key));
	}
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("envelope");

	tcase_add_test(tc, seed_go);
	tcase_add_test(tc, every_field);
	tcase_add_test(tc, escaped);
	tcase_add_loop_test(tc, refused, 0,
	    (int)(sizeof(bad) / sizeof(bad[0])));
	tcase_add_test(tc, partial);
	tcase_add_test(tc, members);
	tcase_add_test(tc, long_escaped_key);
	tcase_add_test(tc, too_deep);
	tcase_add_test(tc, long_rpc_id);
	tcase_add_test(tc, scratch);
	tcase_add_test(tc, every_prefix);
	tcase_add_test(tc, splice_replace);
	tcase_add_test(tc, splice_inside);
	tcase_add_test(tc, splice_empty);
	tcase_add_test(tc, member);
	tcase_add_test(tc, names);
	tcase_add_test(tc, all_keys);
	return (suite_run("envelope", tc));
}
