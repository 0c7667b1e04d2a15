/* SPDX-License-Identifier: ISC */
/*
 * Discovery between Mains: what is written is what is read, and what breaks a
 * rule is refused.  Rows are in test_discovery_rows.c.
 */
#include <stdio.h>
#include <string.h>

#include "relay-router/discovery.h"
#include "tests/unit/discovery_fixture.h"
#include "tests/unit/suite.h"

static bool
read_text(const char *s)
{
	return (read_span(span_str(s)));
}

/* --- what has no rows --- */

static void
again(const struct discovery *d)
{
	text_reset(&text);
	discovery_put(&text, d);
	ck_assert_msg(read_span(text_get(&text)), "%s", why);
	ck_assert_int_eq(got.op, d->op);
}

START_TEST(digest)
{
	struct discovery	 d = { .op = DISCOVERY_DIGEST };

	d.epoch = 0xfedcba9876543210ULL;
	d.seq = DISCOVERY_SEQ_MAX;
	d.nodes = UINT32_MAX;
	d.digest = 0x0123456789abcdefULL;
	again(&d);
	ck_assert(got.epoch == d.epoch && got.seq == d.seq);
	ck_assert(got.nodes == d.nodes && got.digest == d.digest);
	d.digest = 0;
	d.seq = 0;
	d.nodes = 0;
	again(&d);
	ck_assert(got.seq == 0 && got.nodes == 0 && got.digest == 0);
}
END_TEST

START_TEST(questions)
{
	struct discovery	 d = { .op = DISCOVERY_RESYNC };

	again(&d);
	d.op = DISCOVERY_QUERY;
	again(&d);
	ck_assert_str_eq(got.node_id, "");
	memcpy(d.node_id, "alice.home", 11);
	again(&d);
	ck_assert_str_eq(got.node_id, "alice.home");
	ck_assert(read_text("{\"op\":\"query\",\"node_id\":\"Alice\"}"));
	ck_assert_str_eq(got.node_id, "alice");
}
END_TEST

START_TEST(answers)
{
	struct discovery	 d = { .op = DISCOVERY_ANSWER };
	int			 i;

	for (i = 0; i < 6; i++) {
		d.found = i % 2 == 1;
		d.node = (enum discovery_node)(i / 2);
		again(&d);
		ck_assert(got.found == d.found && got.node == d.node);
	}
}
END_TEST

/* What others may add, and how they may spell it. */
START_TEST(liberal)
{
	ck_assert(read_text("{\"\\u006fp\":\"dige\\u0073t\",\"x\":[1],"
	    "\"y\":{},\"y\":1," PLACE ",\"nodes\":1,"
	    "\"digest\":\"00000000000000ff\",\"features\":null}"));
	ck_assert_int_eq(got.op, DISCOVERY_DIGEST);
	ck_assert_uint_eq(got.digest, 255);
	ck_assert(read_text("{\"op\":\"query\",\"want\":null}"));
	ck_assert_int_eq(got.op, DISCOVERY_QUERY);
}
END_TEST

static const struct {
	enum discovery_op	 op;		/* as far as it can be told */
	const char		*why;		/* how it begins */
	const char		*text;
} bad_data[] = {
	{ DISCOVERY_NONE, "data.op", "null" },
	{ DISCOVERY_NONE, "data.op", "[]" },
	{ DISCOVERY_NONE, "data.op", "\"snapshot\"" },
	{ DISCOVERY_NONE, "data.op", "7" },
	{ DISCOVERY_NONE, "data.op", "{}" },
	{ DISCOVERY_NONE, "data.op", "{\"op\":null}" },
	{ DISCOVERY_NONE, "data.op", "{\"op\":1}" },
	{ DISCOVERY_NONE, "data.op", "{\"op\":[\"delta\"]}" },
	{ DISCOVERY_NONE, "data.op", "{\"op\":\"\"}" },
	{ DISCOVERY_NONE, "data.op", "{\"op\":\"Delta\"}" },
	{ DISCOVERY_NONE, "data.op", "{\"op\":\"delta \"}" },
	{ DISCOVERY_NONE, "data.op", "{\"op\":\"resync\"}" },
	{ DISCOVERY_NONE, "data.op", "{\"op\":\"delta\\u0000\"}" },
	{ DISCOVERY_DELTA, "data:", "{\"op\":\"delta\",\"op\":\"digest\"}" },
	{ DISCOVERY_DELTA, "data:", "{\"op\":\"delta\"," PLACE
	    ",\"seq\":7,\"nodes\":[]}" },
	{ DISCOVERY_DELTA, "data:", "{\"op\":\"delta\"," PLACE
	    ",\"s\\u0065q\":7,\"nodes\":[]}" },
	{ DISCOVERY_DELTA, "data:", "{\"op\":\"delta\"," PLACE
	    ",\"nodes\":null,\"nodes\":[]}" },
	/* places */
	{ DISCOVERY_DELTA, "data.epoch", "{\"op\":\"delta\"}" },
	{ DISCOVERY_DELTA, "data.epoch", "{\"op\":\"delta\",\"seq\":1,"
	    "\"nodes\":[]}" },
	{ DISCOVERY_DELTA, "data.epoch", "{\"op\":\"delta\",\"epoch\":1,"
	    "\"seq\":1,\"nodes\":[]}" },
	{ DISCOVERY_DELTA, "data.epoch", "{\"op\":\"delta\","
	    "\"epoch\":\"1\",\"seq\":1,\"nodes\":[]}" },
	{ DISCOVERY_DELTA, "data.epoch", "{\"op\":\"delta\","
	    "\"epoch\":\"00000000000000A1\",\"seq\":1,\"nodes\":[]}" },
	{ DISCOVERY_DELTA, "data.epoch", "{\"op\":\"delta\","
	    "\"epoch\":\"000000000000000g\",\"seq\":1,\"nodes\":[]}" },
	{ DISCOVERY_DELTA, "data.epoch", "{\"op\":\"delta\","
	    "\"epoch\":\"0x000000000000a1\",\"seq\":1,\"nodes\":[]}" },
	{ DISCOVERY_DELTA, "data.epoch", "{\"op\":\"delta\","
	    "\"epoch\":\" 0000000000000a1\",\"seq\":1,\"nodes\":[]}" },
	{ DISCOVERY_DELTA, "data.epoch", "{\"op\":\"delta\","
	    "\"epoch\":\"-0000000000000a1\",\"seq\":1,\"nodes\":[]}" },
	{ DISCOVERY_DELTA, "data.epoch", "{\"op\":\"delta\","
	    "\"epoch\":\"00000000000000a\",\"seq\":1,\"nodes\":[]}" },
	{ DISCOVERY_DELTA, "data.epoch", "{\"op\":\"delta\","
	    "\"epoch\":\"000000000000000a1\",\"seq\":1,\"nodes\":[]}" },
	{ DISCOVERY_DELTA, "data.epoch", "{\"op\":\"delta\","
	    "\"epoch\":\"00000000000000a\\u0000\",\"seq\":1,\"nodes\":[]}" },
	{ DISCOVERY_DELTA, "data.epoch", "{\"op\":\"delta\","
	    "\"epoch\":\"0000000000000000\",\"seq\":1,\"nodes\":[]}" },
	{ DISCOVERY_DELTA, "data.seq", "{\"op\":\"delta\","
	    "\"epoch\":\"00000000000000a1\",\"nodes\":[]}" },
	{ DISCOVERY_DELTA, "data.seq", "{\"op\":\"delta\","
	    "\"epoch\":\"00000000000000a1\",\"seq\":-1,\"nodes\":[]}" },
	{ DISCOVERY_DELTA, "data.seq", "{\"op\":\"delta\","
	    "\"epoch\":\"00000000000000a1\",\"seq\":9007199254740992,"
	    "\"nodes\":[]}" },
	{ DISCOVERY_DELTA, "data.seq", "{\"op\":\"delta\","
	    "\"epoch\":\"00000000000000a1\",\"seq\":18446744073709551617,"
	    "\"nodes\":[]}" },
	{ DISCOVERY_DELTA, "data.seq", "{\"op\":\"delta\","
	    "\"epoch\":\"00000000000000a1\",\"seq\":1.0,\"nodes\":[]}" },
	{ DISCOVERY_DELTA, "data.seq", "{\"op\":\"delta\","
	    "\"epoch\":\"00000000000000a1\",\"seq\":1e3,\"nodes\":[]}" },
	{ DISCOVERY_DELTA, "data.seq", "{\"op\":\"delta\","
	    "\"epoch\":\"00000000000000a1\",\"seq\":\"1\",\"nodes\":[]}" },
	{ DISCOVERY_DELTA, "data.seq", "{\"op\":\"delta\","
	    "\"epoch\":\"00000000000000a1\",\"seq\":null,\"nodes\":[]}" },
	/* rows as a whole */
	{ DISCOVERY_DELTA, "data.nodes", "{\"op\":\"delta\"," PLACE "}" },
	{ DISCOVERY_DELTA, "data.nodes", "{\"op\":\"delta\"," PLACE
	    ",\"nodes\":null}" },
	{ DISCOVERY_DELTA, "data.nodes", "{\"op\":\"delta\"," PLACE
	    ",\"nodes\":{}}" },
	{ DISCOVERY_DELTA, "data.nodes", "{\"op\":\"delta\"," PLACE
	    ",\"nodes\":1}" },
	{ DISCOVERY_SNAPSHOT, "data.part", "{\"op\":\"snapshot\"," PLACE
	    ",\"last\":true,\"nodes\":[]}" },
	{ DISCOVERY_SNAPSHOT, "data.part", "{\"op\":\"snapshot\"," PLACE
	    ",\"part\":-1,\"last\":true,\"nodes\":[]}" },
	{ DISCOVERY_SNAPSHOT, "data.part", "{\"op\":\"snapshot\"," PLACE
	    ",\"part\":4294967296,\"last\":true,\"nodes\":[]}" },
	{ DISCOVERY_SNAPSHOT, "data.part", "{\"op\":\"snapshot\"," PLACE
	    ",\"part\":\"0\",\"last\":true,\"nodes\":[]}" },
	{ DISCOVERY_SNAPSHOT, "data.last", "{\"op\":\"snapshot\"," PLACE
	    ",\"part\":0,\"nodes\":[]}" },
	{ DISCOVERY_SNAPSHOT, "data.last", "{\"op\":\"snapshot\"," PLACE
	    ",\"part\":0,\"last\":1,\"nodes\":[]}" },
	{ DISCOVERY_SNAPSHOT, "data.last", "{\"op\":\"snapshot\"," PLACE
	    ",\"part\":0,\"last\":\"true\",\"nodes\":[]}" },
	{ DISCOVERY_SNAPSHOT, "data.nodes", "{\"op\":\"snapshot\"," PLACE
	    ",\"part\":0,\"last\":true}" },
	/* digests */
	{ DISCOVERY_DIGEST, "data.epoch", "{\"op\":\"digest\"}" },
	{ DISCOVERY_DIGEST, "data.nodes", "{\"op\":\"digest\"," PLACE
	    ",\"digest\":\"0000000000000000\"}" },
	{ DISCOVERY_DIGEST, "data.nodes", "{\"op\":\"digest\"," PLACE
	    ",\"nodes\":[],\"digest\":\"0000000000000000\"}" },
	{ DISCOVERY_DIGEST, "data.nodes", "{\"op\":\"digest\"," PLACE
	    ",\"nodes\":-1,\"digest\":\"0000000000000000\"}" },
	{ DISCOVERY_DIGEST, "data.nodes", "{\"op\":\"digest\"," PLACE
	    ",\"nodes\":4294967296,\"digest\":\"0000000000000000\"}" },
	{ DISCOVERY_DIGEST, "data.digest", "{\"op\":\"digest\"," PLACE
	    ",\"nodes\":1}" },
	{ DISCOVERY_DIGEST, "data.digest", "{\"op\":\"digest\"," PLACE
	    ",\"nodes\":1,\"digest\":0}" },
	{ DISCOVERY_DIGEST, "data.digest", "{\"op\":\"digest\"," PLACE
	    ",\"nodes\":1,\"digest\":\"ABCDEFABCDEFABCD\"}" },
	/* questions and answers */
	{ DISCOVERY_RESYNC, "data.want", "{\"op\":\"query\",\"want\":1}" },
	{ DISCOVERY_RESYNC, "data.want", "{\"op\":\"query\",\"want\":\"all\"}" },
	{ DISCOVERY_QUERY, "data.node_id", "{\"op\":\"query\",\"node_id\":1}" },
	{ DISCOVERY_QUERY, "data.node_id", "{\"op\":\"query\",\"node_id\":\"\"}" },
	{ DISCOVERY_QUERY, "data.node_id", "{\"op\":\"query\","
	    "\"node_id\":\"a b\"}" },
	{ DISCOVERY_QUERY, "data.node_id", "{\"op\":\"query\","
	    "\"node_id\":\"a@b\"}" },
	{ DISCOVERY_QUERY, "data.node_id", "{\"op\":\"query\","
	    "\"node_id\":\"a\\u0000b\"}" },
	{ DISCOVERY_ANSWER, "data.found", "{\"op\":\"answer\"}" },
	{ DISCOVERY_ANSWER, "data.found", "{\"op\":\"answer\","
	    "\"found\":1,\"node\":\"online\"}" },
	{ DISCOVERY_ANSWER, "data.node", "{\"op\":\"answer\",\"found\":true}" },
	{ DISCOVERY_ANSWER, "data.node", "{\"op\":\"answer\",\"found\":true,"
	    "\"node\":2}" },
	{ DISCOVERY_ANSWER, "data.node", "{\"op\":\"answer\",\"found\":true,"
	    "\"node\":\"up\"}" },
	{ DISCOVERY_ANSWER, "data.node", "{\"op\":\"answer\",\"found\":true,"
	    "\"node\":\"\"}" },
};

START_TEST(malformed)
{
	const char	*want = bad_data[_i].why;

	ck_assert_msg(!read_text(bad_data[_i].text), "%s", bad_data[_i].text);
	ck_assert_msg(strncmp(why, want, strlen(want)) == 0, "%s: %s",
	    bad_data[_i].text, why);
	ck_assert_int_eq(got.op, bad_data[_i].op);
}
END_TEST

/* --- limits --- */

START_TEST(counts)
{
	ck_assert_int_eq(with_services(LIMIT_SERVICES, LIMIT_METHODS, 0), 1);
	ck_assert_int_eq(with_services(LIMIT_SERVICES + 1, 0, 0), -1);
	ck_assert_int_eq(with_services(1, LIMIT_METHODS + 1, 0), -1);
	ck_assert_int_eq(with_services(1, 0, LIMIT_LABELS), 1);
	ck_assert_int_eq(with_services(1, 0, LIMIT_LABELS + 1), -1);
}
END_TEST

static bool
with_lengths(size_t node, size_t name, size_t method, size_t label)
{
	char			 buf[2048], a[512];
	struct discovery_rows	 rows;

	memset(a, 'a', sizeof(a));
	snprintf(buf, sizeof(buf), "{\"node_id\":\"%.*s\",\"services\":["
	    "{\"service_name\":\"%.*s\",\"methods\":[\"%.*s\"],"
	    "\"labels\":{\"%.*s\":\"%.*s\"}}]}", (int)node, a, (int)name, a,
	    (int)method, a, (int)label, a, (int)label, a);
	ck_assert(read_nodes(false, buf));
	return (walk(&rows) == 1);
}

START_TEST(lengths)
{
	ck_assert(with_lengths(LIMIT_NODE_ID, LIMIT_SERVICE_NAME,
	    LIMIT_METHOD_NAME, LIMIT_LABEL));
	ck_assert(!with_lengths(LIMIT_NODE_ID + 1, 1, 1, 1));
	ck_assert(!with_lengths(1, LIMIT_SERVICE_NAME + 1, 1, 1));
	ck_assert(!with_lengths(1, 1, LIMIT_METHOD_NAME + 1, 1));
	ck_assert(!with_lengths(1, 1, 1, LIMIT_LABEL + 1));
}
END_TEST

START_TEST(many_nodes)
{
	struct discovery_rows	 rows;
	struct text		 t = { 0 };
	int			 i;

	for (i = 0; i < 10000; i++) {
		text_lit(&t, i == 0 ? "" : ",");
		text_lit(&t, "{\"node_id\":\"home-");
		text_int(&t, i);
		text_lit(&t, "\",\"services\":[{\"service_name\":\"blog\"}]}");
	}
	text_put(&t, "", 1);
	ck_assert(read_nodes(true, t.p));
	ck_assert_uint_eq(got.n_rows, 10000);
	ck_assert_int_eq(walk(&rows), 10000);
	text_reset(&t);
	for (i = 0; i <= UINT16_MAX; i++)
		text_lit(&t, i == 0 ? "{}" : ",{}");
	text_put(&t, "", 1);
	ck_assert(!read_nodes(true, t.p));
	ck_assert_str_eq(why, "data.nodes");
	text_free(&t);
}
END_TEST

/* As deep as the scanner goes, where nobody looks. */
START_TEST(deep)
{
	char			 row[256];
	struct discovery_rows	 rows;
	struct json_scan	 sc;
	struct json_span	 v;

	snprintf(row, sizeof(row), "{\"node_id\":\"a\",\"services\":[],"
	    "\"x\":%.*s%.*s}", LIMIT_JSON_DEPTH - 3,
	    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", LIMIT_JSON_DEPTH - 3,
	    "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
	ck_assert(read_nodes(true, row));
	ck_assert_int_eq(walk(&rows), 1);
	snprintf(row, sizeof(row), "{\"node_id\":\"a\",\"services\":"
	    "%.*s%.*s}", LIMIT_JSON_DEPTH - 3,
	    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", LIMIT_JSON_DEPTH - 3,
	    "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
	ck_assert(read_nodes(true, row));
	ck_assert_int_eq(walk(&rows), -1);
	snprintf(row, sizeof(row), "{\"x\":%.*s%.*s}", LIMIT_JSON_DEPTH,
	    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", LIMIT_JSON_DEPTH,
	    "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
	json_scan_init(&sc, row, strlen(row));
	ck_assert(!json_skip(&sc, &v));
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("discovery");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, digest);
	tcase_add_test(tc, questions);
	tcase_add_test(tc, answers);
	tcase_add_test(tc, liberal);
	tcase_add_loop_test(tc, malformed, 0,
	    (int)(sizeof(bad_data) / sizeof(bad_data[0])));
	tcase_add_test(tc, counts);
	tcase_add_test(tc, lengths);
	tcase_add_test(tc, many_nodes);
	tcase_add_test(tc, deep);
	return (suite_run("discovery", tc));
}
