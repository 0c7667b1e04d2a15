/* SPDX-License-Identifier: ISC */
/* Texts to and from services (relayd/backend/jsonrpc.h). */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "relayd/backend/jsonrpc.h"
#include "tests/unit/suite.h"

struct sample {
	const char	*text;
	enum rpc_kind	 kind;
	uint64_t	 id;		/* of all but UNASKED and GARBAGE */
	const char	*json;		/* of RESULT and ERROR */
	int32_t		 code;
};

#define R	"{\"jsonrpc\":\"2.0\",\"id\":7,"

static const struct sample samples[] = {
	{ R "\"result\":1}", RPC_RESULT, 7, "1", 0 },
	{ R "\"result\":null}", RPC_RESULT, 7, "null", 0 },
	{ "{ \"result\" : {\"a\": [1.50, \"\\u00e9\"] } ,\"id\":7,\n"
	    "\"jsonrpc\":\"2.0\"}", RPC_RESULT, 7,
	    "{\"a\": [1.50, \"\\u00e9\"] }", 0 },
	{ R "\"re\\u0073ult\":2,\"extra\":0}", RPC_RESULT, 7, "2", 0 },
	{ "{\"jsonrpc\":\"\\u0032.0\",\"id\":7,\"result\":1}", RPC_RESULT, 7,
	    "1", 0 },
	{ R "\"error\":{\"code\":-32601,\"message\":\"x\",\"data\":[1]}}",
	    RPC_ERROR, 7, "{\"code\":-32601,\"message\":\"x\",\"data\":[1]}",
	    -32601 },
	{ R "\"error\":{\"message\":\"\",\"code\":0}}", RPC_ERROR, 7,
	    "{\"message\":\"\",\"code\":0}", 0 },
	{ "{\"jsonrpc\":\"2.0\",\"id\":9007199254740993,\"result\":0}",
	    RPC_RESULT, 9007199254740993, "0", 0 },

	{ R "\"result\":1,\"error\":{\"code\":1,\"message\":\"\"}}",
	    RPC_FAULTY, 7, NULL, 0 },
	{ R "\"result\":null,\"error\":null}", RPC_FAULTY, 7, NULL, 0 },
	{ R "\"error\":null}", RPC_FAULTY, 7, NULL, 0 },
	{ R "\"error\":\"oops\"}", RPC_FAULTY, 7, NULL, 0 },
	{ R "\"error\":[]}", RPC_FAULTY, 7, NULL, 0 },
	{ R "\"error\":{}}", RPC_FAULTY, 7, NULL, 0 },
	{ R "\"error\":{\"code\":1}}", RPC_FAULTY, 7, NULL, 0 },
	{ R "\"error\":{\"message\":\"x\"}}", RPC_FAULTY, 7, NULL, 0 },
	{ R "\"error\":{\"code\":\"1\",\"message\":\"x\"}}", RPC_FAULTY, 7,
	    NULL, 0 },
	{ R "\"error\":{\"code\":1.5,\"message\":\"x\"}}", RPC_FAULTY, 7,
	    NULL, 0 },
	{ R "\"error\":{\"code\":2147483648,\"message\":\"x\"}}", RPC_FAULTY,
	    7, NULL, 0 },
	{ R "\"error\":{\"code\":1,\"code\":1,\"message\":\"x\"}}",
	    RPC_FAULTY, 7, NULL, 0 },
	{ R "\"error\":{\"code\":1,\"message\":1}}", RPC_FAULTY, 7, NULL, 0 },
	{ R "\"other\":1}", RPC_FAULTY, 7, NULL, 0 },
	{ R "\"result\":1,\"result\":1}", RPC_FAULTY, 7, NULL, 0 },
	{ R "\"id\":7,\"result\":1}", RPC_FAULTY, 7, NULL, 0 },
	{ "{\"id\":7,\"result\":1}", RPC_FAULTY, 7, NULL, 0 },
	{ "{\"jsonrpc\":\"1.0\",\"id\":7,\"result\":1}", RPC_FAULTY, 7, NULL,
	    0 },
	{ "{\"jsonrpc\":2.0,\"id\":7,\"result\":1}", RPC_FAULTY, 7, NULL, 0 },
	{ "{\"jsonrpc\":\"2.0 \",\"id\":7,\"result\":1}", RPC_FAULTY, 7, NULL,
	    0 },

	{ "{\"jsonrpc\":\"2.0\",\"method\":\"log\"}", RPC_UNASKED, 0, NULL,
	    0 },
	{ "{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"ask\",\"params\":{}}",
	    RPC_UNASKED, 0, NULL, 0 },
	{ "{\"method\":null,\"id\":7,\"result\":1}", RPC_UNASKED, 0, NULL, 0 },

	{ "", RPC_GARBAGE, 0, NULL, 0 },
	{ "hello", RPC_GARBAGE, 0, NULL, 0 },
	{ "[]", RPC_GARBAGE, 0, NULL, 0 },
	{ "[" R "\"result\":1}]", RPC_GARBAGE, 0, NULL, 0 },
	{ "7", RPC_GARBAGE, 0, NULL, 0 },
	{ "{}", RPC_GARBAGE, 0, NULL, 0 },
	{ "{\"jsonrpc\":\"2.0\",\"result\":1}", RPC_GARBAGE, 0, NULL, 0 },
	{ "{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700,"
	    "\"message\":\"Parse error\"}}", RPC_GARBAGE, 0, NULL, 0 },
	{ "{\"jsonrpc\":\"2.0\",\"id\":\"7\",\"result\":1}", RPC_GARBAGE, 0,
	    NULL, 0 },
	{ "{\"jsonrpc\":\"2.0\",\"id\":7.0,\"result\":1}", RPC_GARBAGE, 0,
	    NULL, 0 },
	{ "{\"jsonrpc\":\"2.0\",\"id\":-7,\"result\":1}", RPC_GARBAGE, 0,
	    NULL, 0 },
	{ "{\"jsonrpc\":\"2.0\",\"id\":0,\"result\":1}", RPC_GARBAGE, 0, NULL,
	    0 },
	{ "{\"jsonrpc\":\"2.0\",\"id\":99999999999999999999,\"result\":1}",
	    RPC_GARBAGE, 0, NULL, 0 },
	{ "{\"jsonrpc\":\"2.0\",\"id\":[7],\"result\":1}", RPC_GARBAGE, 0,
	    NULL, 0 },
	{ R "\"result\":1", RPC_GARBAGE, 0, NULL, 0 },
	{ R "\"result\":1}}", RPC_GARBAGE, 0, NULL, 0 },
	{ R "\"result\":1}" R "\"result\":1}", RPC_GARBAGE, 0, NULL, 0 },
	{ R "\"result\":1,}", RPC_GARBAGE, 0, NULL, 0 },
	{ R "\"result\":NaN}", RPC_GARBAGE, 0, NULL, 0 },
	{ R "\"result\":'a'}", RPC_GARBAGE, 0, NULL, 0 },
	{ R "\"result\":\"\xff\"}", RPC_GARBAGE, 0, NULL, 0 },
	{ R "\"result\":\"\xed\xa0\x80\"}", RPC_GARBAGE, 0, NULL, 0 },
	{ R "\"result\":\"a\tb\"}", RPC_GARBAGE, 0, NULL, 0 },
	{ "\xef\xbb\xbf" R "\"result\":1}", RPC_GARBAGE, 0, NULL, 0 },
};

START_TEST(answers)
{
	const struct sample	*s = &samples[_i];
	struct rpc_answer	 a;

	rpc_parse(s->text, strlen(s->text), &a);
	ck_assert_msg(a.kind == s->kind, "%s: kind %d", s->text, a.kind);
	if (a.kind == RPC_FAULTY || a.kind == RPC_GARBAGE)
		ck_assert_ptr_nonnull(a.why);
	else
		ck_assert_ptr_null(a.why);
	ck_assert_uint_eq(a.id, s->id);
	if (s->json != NULL) {
		ck_assert_uint_eq(a.json.len, strlen(s->json));
		ck_assert_mem_eq(a.json.p, s->json, a.json.len);
		ck_assert_int_eq(a.code, s->code);
	} else
		ck_assert_uint_eq(a.json.len, 0);
}
END_TEST

/* An answer whose result is nested arrays. */
static enum rpc_kind
parse_nested(int depth)
{
	struct rpc_answer	 a;
	char			 text[256] = R "\"result\":";
	int			 i;

	for (i = 0; i < depth; i++)
		strcat(text, "[");
	for (i = 0; i < depth; i++)
		strcat(text, "]");
	strcat(text, "}");
	rpc_parse(text, strlen(text), &a);
	return (a.kind);
}

START_TEST(depth_leaves_room_for_the_envelope)
{
	ck_assert_int_eq(parse_nested(LIMIT_JSON_DEPTH - 2), RPC_RESULT);
	ck_assert_int_eq(parse_nested(LIMIT_JSON_DEPTH - 1), RPC_GARBAGE);
}
END_TEST

static void
check_request(uint64_t id, const char *params, const char *want)
{
	char	*text;
	size_t	 len;

	text = rpc_request(id, span_str("get_post"), span_str(params), &len);
	ck_assert_ptr_nonnull(text);
	ck_assert_uint_eq(len, strlen(want));
	ck_assert_mem_eq(text, want, len);
	free(text);
}

START_TEST(requests)
{
	check_request(1, "", "{\"jsonrpc\":\"2.0\",\"id\":1,"
	    "\"method\":\"get_post\"}");
	check_request(UINT64_MAX, "{\"id\":1}",
	    "{\"jsonrpc\":\"2.0\",\"id\":18446744073709551615,"
	    "\"method\":\"get_post\",\"params\":{\"id\":1}}");
	check_request(0, "[1]", "{\"jsonrpc\":\"2.0\","
	    "\"method\":\"get_post\",\"params\":[1]}");
}
END_TEST

START_TEST(request_is_one_line)
{
	check_request(2, "{\r\n\"a\":\n\"\\n\"}", "{\"jsonrpc\":\"2.0\","
	    "\"id\":2,\"method\":\"get_post\",\"params\":{  \"a\": "
	    "\"\\n\"}}");
}
END_TEST

#define COUNT(a)	((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	TCase	*t = tcase_create("backend_jsonrpc");

	tcase_add_loop_test(t, answers, 0, COUNT(samples));
	tcase_add_test(t, depth_leaves_room_for_the_envelope);
	tcase_add_test(t, requests);
	tcase_add_test(t, request_is_one_line);
	return (suite_run("backend_jsonrpc", t));
}
