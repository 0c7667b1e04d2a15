/* SPDX-License-Identifier: ISC */

/*
 * JSON-RPC 2.0 bodies: what the specification's examples answer, and what
 * remote_call's parameters mean.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay-router/jsonrpc.h"
#include "tests/unit/suite.h"

static struct rpc_reader reader;
static struct rpc_call	 call;
static enum rpc_code	 bad;
static const char	*detail;

static enum rpc_body
open_body(const char *s)
{
	return (rpc_open(&reader, s, strlen(s), &bad, &detail));
}

static void
one(const char *s)
{
	ck_assert_msg(open_body(s) == RPC_BODY_SINGLE, "%s", s);
	ck_assert(rpc_next(&reader, &call));
}

static void
ck_span(struct span s, const char *want)
{
	ck_assert_msg(s.len == strlen(want) && memcmp(s.p, want, s.len) == 0,
	    "%.*s is not %s", (int)s.len, s.p, want);
}

START_TEST(bodies)
{
	static const struct {
		const char	*text;
		enum rpc_code	 code;
	} t[] = {
		{ "", RPC_E_PARSE }, { "{", RPC_E_PARSE },
		{ "{\"jsonrpc\": \"2.0\", \"method\": \"foobar, \"params\"",
		    RPC_E_PARSE },
		{ "[{\"jsonrpc\":\"2.0\",\"method\"", RPC_E_PARSE },
		{ "\"\xff\"", RPC_E_PARSE },
		{ "[]", RPC_E_INVALID_REQUEST }, { "1", RPC_E_INVALID_REQUEST },
		{ "\"x\"", RPC_E_INVALID_REQUEST },
		{ "null", RPC_E_INVALID_REQUEST },
	};
	size_t	 i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		ck_assert_int_eq(open_body(t[i].text), RPC_BODY_BAD);
		ck_assert_msg(bad == t[i].code, "%s: %d", t[i].text, bad);
	}
}
END_TEST

START_TEST(batch_limit)
{
	char	 buf[4 * LIMIT_BATCH + 16];
	size_t	 len;
	int	 n, i, seen;

	for (n = LIMIT_BATCH; n <= LIMIT_BATCH + 1; n++) {
		len = 0;
		buf[len++] = '[';
		for (i = 0; i < n; i++) {
			buf[len++] = '1';
			buf[len++] = i == n - 1 ? ']' : ',';
		}
		buf[len] = '\0';
		if (n > LIMIT_BATCH) {
			ck_assert_int_eq(open_body(buf), RPC_BODY_BAD);
			ck_assert_int_eq(bad, RPC_E_INVALID_REQUEST);
			continue;
		}
		ck_assert_int_eq(open_body(buf), RPC_BODY_BATCH);
		for (seen = 0; rpc_next(&reader, &call); seen++) {
			ck_assert_int_eq(call.bad, RPC_E_INVALID_REQUEST);
			ck_assert(!call.notification);
		}
		ck_assert_int_eq(seen, n);
	}
}
END_TEST

START_TEST(batch_mixed)
{
	ck_assert_int_eq(open_body("[{\"jsonrpc\":\"2.0\",\"method\":\"a.b\","
	    "\"id\":\"1\"},{\"jsonrpc\":\"2.0\",\"method\":\"a.b\"},"
	    "{\"foo\":\"boo\"},[]]"), RPC_BODY_BATCH);
	ck_assert_uint_eq(reader.count, 4);
	ck_assert(rpc_next(&reader, &call));
	ck_assert_int_eq(call.bad, RPC_NONE);
	ck_span(call.id, "\"1\"");
	ck_assert(rpc_next(&reader, &call));
	ck_assert(call.notification);
	ck_assert_int_eq(call.bad, RPC_NONE);
	ck_assert(rpc_next(&reader, &call));
	ck_assert_int_eq(call.bad, RPC_E_INVALID_REQUEST);
	ck_assert(!call.notification);
	ck_assert(rpc_next(&reader, &call));
	ck_assert_int_eq(call.bad, RPC_E_INVALID_REQUEST);
	ck_assert(!rpc_next(&reader, &call));
}
END_TEST

/* The id comes back with the same type and digits. */
START_TEST(ids)
{
	static const char *const ok[] = { "1", "-0", "1.50", "1e2", "null",
	    "\"\"", "\"\\u0041\"", "12345678901234567890123" };
	static const char *const no[] = { "true", "false", "[]", "{}", "[1]" };
	char			 buf[128];
	size_t			 i;

	for (i = 0; i < sizeof(ok) / sizeof(ok[0]); i++) {
		snprintf(buf, sizeof(buf), "{\"jsonrpc\":\"2.0\","
		    "\"method\":\"a.b\",\"id\": %s }", ok[i]);
		one(buf);
		ck_assert_int_eq(call.bad, RPC_NONE);
		ck_assert(!call.notification);
		ck_span(call.id, ok[i]);
	}
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		snprintf(buf, sizeof(buf), "{\"jsonrpc\":\"2.0\","
		    "\"method\":\"a.b\",\"id\":%s}", no[i]);
		one(buf);
		ck_assert_int_eq(call.bad, RPC_E_INVALID_REQUEST);
		ck_assert_uint_eq(call.id.len, 0);
	}
}
END_TEST

/* It is kept while the call is pending, so its length is bounded. */
START_TEST(long_id)
{
	char	 id[LIMIT_RPC_ID + 2], buf[LIMIT_RPC_ID + 64];
	size_t	 len;

	for (len = LIMIT_RPC_ID; len <= LIMIT_RPC_ID + 1; len++) {
		memset(id, '1', len);
		id[len] = '\0';
		snprintf(buf, sizeof(buf), "{\"jsonrpc\":\"2.0\","
		    "\"method\":\"a.b\",\"id\":%s}", id);
		one(buf);
		ck_assert_int_eq(call.bad, len == LIMIT_RPC_ID ? RPC_NONE :
		    RPC_E_INVALID_REQUEST);
	}
}
END_TEST

static const struct {
	const char	*text;
	enum rpc_code	 code;
} requests[] = {
	{ "{\"jsonrpc\":\"1.0\",\"method\":\"a.b\",\"id\":1}",
	    RPC_E_INVALID_REQUEST },
	{ "{\"jsonrpc\":2.0,\"method\":\"a.b\",\"id\":1}",
	    RPC_E_INVALID_REQUEST },
	{ "{\"method\":\"a.b\",\"id\":1}", RPC_E_INVALID_REQUEST },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1}", RPC_E_INVALID_REQUEST },
	{ "{\"jsonrpc\":\"2.0\",\"method\":1,\"params\":\"bar\"}",
	    RPC_E_INVALID_REQUEST },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"a.b\",\"params\":1,\"id\":1}",
	    RPC_E_INVALID_REQUEST },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"a.b\",\"params\":null,\"id\":1}",
	    RPC_E_INVALID_REQUEST },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"a.b\",\"id\":1,\"id\":2}",
	    RPC_E_INVALID_REQUEST },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"a.b\",\"id\":1,\"\\u0069d\":2}",
	    RPC_E_INVALID_REQUEST },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"foobar\",\"id\":1}",
	    RPC_E_METHOD_NOT_FOUND },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"\",\"id\":1}",
	    RPC_E_METHOD_NOT_FOUND },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\".b\",\"id\":1}",
	    RPC_E_METHOD_NOT_FOUND },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"a.\",\"id\":1}",
	    RPC_E_METHOD_NOT_FOUND },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"a b.c\",\"id\":1}",
	    RPC_E_METHOD_NOT_FOUND },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"remote_call\",\"id\":1}",
	    RPC_E_INVALID_PARAMS },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"remote_call\",\"params\":[1],"
	    "\"id\":1}", RPC_E_INVALID_PARAMS },
};

START_TEST(bad_requests)
{
	one(requests[_i].text);
	ck_assert_msg(call.bad == requests[_i].code, "%s: %d",
	    requests[_i].text, call.bad);
}
END_TEST

static void
remote(const char *params)
{
	static char	 buf[4096];

	snprintf(buf, sizeof(buf), "{\"jsonrpc\":\"2.0\",\"id\":7,"
	    "\"method\":\"remote_call\",\"params\":{%s}}", params);
	one(buf);
}

START_TEST(seed_call)
{
	remote("\"node_id\": \"alice.home@relay.example.com\","
	    "\"server_name\": \"blog_service\",\"method\": \"create_post\","
	    "\"args\": {\"title\": \"x\"},\"timeout\": 60");
	ck_assert_int_eq(call.bad, RPC_NONE);
	ck_span(call.target.id, "alice.home");
	ck_span(call.target.main, "relay.example.com");
	ck_assert_int_eq(call.target.kind, NODE_HOME);
	ck_span(call.server, "blog_service");
	ck_span(call.method, "create_post");
	ck_span(call.args, "{\"title\": \"x\"}");
	ck_assert_int_eq(call.timeout_ms, 60000);
}
END_TEST

START_TEST(remote_good)
{
	remote("\"service_name\":\"s\",\"method\":\"tools/call\",\"args\":[1],"
	    "\"version\":\"1.2.3\",\"priority\":-2,\"trace\":\"00-a-b-01\","
	    "\"idempotency_key\":\"k\",\"timeout\":0.5,\"unknown\":{}");
	ck_assert_int_eq(call.bad, RPC_NONE);
	ck_span(call.server, "s");
	ck_span(call.method, "tools/call");
	ck_span(call.args, "[1]");
	ck_span(call.version, "1.2.3");
	ck_assert_int_eq(call.priority, -2);
	ck_span(call.trace, "\"00-a-b-01\"");
	ck_span(call.idempotency_key, "\"k\"");
	ck_assert_int_eq(call.timeout_ms, 500);
	remote("\"server_name\":\"s\",\"service_name\":\"s\",\"method\":\"m\"");
	ck_assert_int_eq(call.bad, RPC_NONE);
	ck_assert_uint_eq(call.args.len, 0);
	remote("\"server_\\u006eame\":\"\\u0073\",\"method\":\"\\u006d\"");
	ck_assert_int_eq(call.bad, RPC_NONE);
	ck_span(call.server, "s");
	ck_span(call.method, "m");
	remote("\"node_id\":\"Relay-A\",\"method\":\"m\",\"args\":null,"
	    "\"version\":null,\"timeout\":null,\"priority\":null");
	ck_assert_int_eq(call.bad, RPC_NONE);
	ck_span(call.target.id, "Relay-A");
}
END_TEST

static const char *const bad_params[] = {
	"",
	"\"server_name\":\"s\"",
	"\"method\":\"m\"",
	"\"server_name\":\"s\",\"method\":\"\"",
	"\"server_name\":\"s\",\"method\":1",
	"\"server_name\":\"s\",\"method\":\"\\ud800\"",
	"\"server_name\":\"\",\"node_id\":\"\",\"method\":\"m\"",
	"\"server_name\":\"s\",\"service_name\":\"t\",\"method\":\"m\"",
	"\"server_name\":1,\"method\":\"m\"",
	"\"server_name\":\"a b\",\"method\":\"m\"",
	"\"server_name\":\"a/b\",\"method\":\"m\"",
	"\"server_name\":\"s\",\"server_name\":\"s\",\"method\":\"m\"",
	"\"node_id\":5,\"method\":\"m\"",
	"\"node_id\":\"a b\",\"method\":\"m\"",
	"\"node_id\":\"@m\",\"method\":\"m\"",
	"\"node_id\":\"a@\",\"method\":\"m\"",
	"\"node_id\":\"a@b@c\",\"method\":\"m\"",
	"\"node_id\":\"a..b\",\"method\":\"m\"",
	"\"server_name\":\"s\",\"method\":\"m\",\"args\":1",
	"\"server_name\":\"s\",\"method\":\"m\",\"args\":\"x\"",
	"\"server_name\":\"s\",\"method\":\"m\",\"args\":true",
	"\"server_name\":\"s\",\"method\":\"m\",\"timeout\":-1",
	"\"server_name\":\"s\",\"method\":\"m\",\"timeout\":\"60\"",
	"\"server_name\":\"s\",\"method\":\"m\",\"timeout\":{}",
	"\"server_name\":\"s\",\"method\":\"m\",\"version\":1",
	"\"server_name\":\"s\",\"method\":\"m\",\"version\":\"one\"",
	"\"server_name\":\"s\",\"method\":\"m\",\"version\":\"1.2\"",
	"\"server_name\":\"s\",\"method\":\"m\",\"priority\":\"high\"",
	"\"server_name\":\"s\",\"method\":\"m\",\"priority\":1.5",
	"\"server_name\":\"s\",\"method\":\"m\",\"trace\":1",
	"\"server_name\":\"s\",\"method\":\"m\",\"idempotency_key\":[]",
};

START_TEST(remote_bad)
{
	remote(bad_params[_i]);
	ck_assert_msg(call.bad == RPC_E_INVALID_PARAMS, "%s: %d",
	    bad_params[_i], call.bad);
	ck_assert_ptr_nonnull(call.detail);
	ck_span(call.id, "7");
}
END_TEST

START_TEST(server_method)
{
	one("{\"jsonrpc\":\"2.0\",\"method\":\"com.example.blog.post\","
	    "\"params\":[1,2],\"id\":1}");
	ck_assert_int_eq(call.bad, RPC_NONE);
	ck_span(call.server, "com.example.blog");
	ck_span(call.method, "post");
	ck_span(call.args, "[1,2]");
}
END_TEST

START_TEST(errors)
{
	struct rpc_error	 e;
	struct text		 t = { 0 };

	e = rpc_error(RPC_E_OVERLOADED, STAGE_HOME_LINK, NULL);
	e.retry_after_ms = 250;
	rpc_error_response(&t, &e, "m", span_str("\"x\""));
	ck_span(text_get(&t), "{\"jsonrpc\":\"2.0\",\"error\":{\"code\":-32017,"
	    "\"message\":\"Overloaded\",\"data\":{\"reason\":\"overloaded\","
	    "\"stage\":\"home-link\",\"node\":\"m\",\"executed\":\"no\","
	    "\"retryable\":true,\"retry_after_ms\":250}},\"id\":\"x\"}");
	text_reset(&t);
	/* A timeout is only worth a retry if nothing has happened. */
	e = rpc_error(RPC_E_TIMEOUT, STAGE_BACKEND, NULL);
	rpc_error_data(&t, &e, "m");
	ck_span(text_get(&t), "\"reason\":\"timeout\",\"stage\":\"backend\","
	    "\"node\":\"m\",\"executed\":\"maybe\",\"retryable\":false");
	text_reset(&t);
	e.executed = EXECUTED_NO;
	rpc_error_data(&t, &e, "m");
	ck_span(text_get(&t), "\"reason\":\"timeout\",\"stage\":\"backend\","
	    "\"node\":\"m\",\"executed\":\"no\",\"retryable\":true");
	text_reset(&t);
	rpc_response(&t, "result", span_str("[]"), span_str(""));
	ck_span(text_get(&t), "{\"jsonrpc\":\"2.0\",\"result\":[],"
	    "\"id\":null}");
	text_reset(&t);
	text_string(&t, (struct span){ "a\"\\\n\0\xc3\xa9", 7 });
	ck_span(text_get(&t), "\"a\\\"\\\\\\u000a\\u0000\xc3\xa9\"");
	text_free(&t);
	ck_assert_str_eq(rpc_error_reason(RPC_E_DUPLICATE_NODE),
	    "duplicate_node");
	ck_assert_str_eq(rpc_error_reason((enum rpc_code)-32025), "unknown");
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("jsonrpc");

	tcase_add_test(tc, bodies);
	tcase_add_test(tc, batch_limit);
	tcase_add_test(tc, batch_mixed);
	tcase_add_test(tc, ids);
	tcase_add_test(tc, long_id);
	tcase_add_loop_test(tc, bad_requests, 0,
	    (int)(sizeof(requests) / sizeof(requests[0])));
	tcase_add_test(tc, seed_call);
	tcase_add_test(tc, remote_good);
	tcase_add_loop_test(tc, remote_bad, 0,
	    (int)(sizeof(bad_params) / sizeof(bad_params[0])));
	tcase_add_test(tc, server_method);
	tcase_add_test(tc, errors);
	return (suite_run("jsonrpc", tc));
}
