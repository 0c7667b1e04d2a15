/* SPDX-License-Identifier: ISC */

/*
 * What another Main may send: whose source_node, which routing_path, which
 * ttl.
 */

#include <stdio.h>
#include <string.h>

#include "relay-router/hop.h"
#include "tests/unit/suite.h"

static const uint8_t	 secret[HASH_KEY_LEN] = "0123456789abcde";
static struct envelope	 env;
static char		 msg[4096];

#define GOOD_SOURCE	"{\"type\":\"home\",\"id\":\"h\",\"main_relay\":\"a\"}"

/* A message to the Main "b" from its peer "a"; NULL leaves a member out. */
static enum hop_fault
check(const char *source, const char *path, const char *ttl)
{
	int	 n;

	n = snprintf(msg, sizeof(msg), "{%s%s%s%s%s%s\"type\":\"request\"}",
	    source == NULL ? "" : "\"source_node\":",
	    source == NULL ? "" : source, source == NULL ? "" : ",",
	    path == NULL ? "" : "\"routing_path\":",
	    path == NULL ? "" : path, path == NULL ? "" : ",");
	if (ttl != NULL)
		n = snprintf(msg + n - 1, sizeof(msg) - (size_t)n,
		    ",\"ttl\":%s}", ttl) + n - 1;
	ck_assert_int_eq(envelope_parse(&env, msg, (size_t)n, secret), ENV_OK);
	return (hop_check(&env, "a", "b"));
}

START_TEST(good)
{
	ck_assert_int_eq(check(GOOD_SOURCE, "[\"h\",\"a\"]", "2"), HOP_OK);
	ck_assert_int_eq(check(GOOD_SOURCE, "[\"a\"]", "1"), HOP_OK);
	ck_assert_int_eq(check("{\"type\":\"main\",\"id\":\"a\"}", "[\"a\"]",
	    "3"), HOP_OK);
	ck_assert_int_eq(check("{\"type\":\"main\",\"id\":\"A\","
	    "\"main_relay\":\"a\"}", "[\"A\"]", "300"), HOP_OK);
	ck_assert_int_eq(check("{\"type\":\"home\",\"id\":\"H\","
	    "\"main_relay\":\"A\"}", "[\"H\",\"A\"]", "2"), HOP_OK);
	ck_assert_int_eq(check("{\"type\":\"home\",\"id\":\"h@a\"}",
	    "[\"h\",\"a\"]", "2"), HOP_OK);
}
END_TEST

START_TEST(foreign_source)
{
	static const char *const	 foreign[] = {
		/* another's home, ours, ourselves, a third Main */
		"{\"type\":\"home\",\"id\":\"h\",\"main_relay\":\"c\"}",
		"{\"type\":\"home\",\"id\":\"h\",\"main_relay\":\"b\"}",
		"{\"type\":\"main\",\"id\":\"b\"}",
		"{\"type\":\"main\",\"id\":\"c\"}",
		"{\"type\":\"main\",\"id\":\"c\",\"main_relay\":\"a\"}",
		"{\"type\":\"main\",\"id\":\"a\",\"main_relay\":\"c\"}",
		/* whose home it does not say */
		"{\"type\":\"home\",\"id\":\"h\"}",
		"{\"type\":\"home\",\"id\":\"h\",\"main_relay\":\"\"}",
		"{\"type\":\"home\",\"id\":\"h@c\"}",
		/* ids that merely look alike, or are none */
		"{\"type\":\"home\",\"id\":\"h\",\"main_relay\":\"a.\"}",
		"{\"type\":\"home\",\"id\":\"h\",\"main_relay\":\"aa\"}",
		"{\"type\":\"home\",\"id\":\"h/x\",\"main_relay\":\"a\"}",
		"{\"type\":\"main\",\"id\":\"a \"}",
	};
	size_t	 i;

	for (i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		ck_assert_msg(check(foreign[i], "[\"a\"]", "2") ==
		    HOP_FOREIGN, "%s", foreign[i]);
}
END_TEST

START_TEST(no_source)
{
	static const char *const	 none[] = {
		NULL, "null", "{}", "\"h@a\"", "\"a\"",
		"{\"type\":\"home\",\"id\":\"\",\"main_relay\":\"a\"}",
		"{\"id\":\"h\",\"main_relay\":\"a\"}",
		"{\"type\":\"\",\"id\":\"h\",\"main_relay\":\"a\"}",
		"{\"type\":\"main\"}",
	};
	size_t	 i;

	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		ck_assert_msg(check(none[i], "[\"a\"]", "2") == HOP_SOURCE,
		    "%s", none[i] == NULL ? "none" : none[i]);
}
END_TEST

START_TEST(bad_path)
{
	static const char *const	 bad[] = {
		NULL, "null", "[]",
		"[\"h\"]", "[\"a\",\"h\"]",		/* not the peer's */
		"[\"c\"]", "[\"h\",\"c\"]",
		"[\"a\",\"a\"]", "[\"A\",\"a\"]",	/* repeats */
		"[\"b\",\"a\"]", "[\"B\",\"a\"]",	/* it was here */
		"[\"b\"]",
		"[\"h\",\"c\",\"a\"]",			/* too long */
		"[\"h\",\"h\",\"a\"]",
		"[\"h/x\",\"a\"]", "[\"h\",\"a \"]",	/* no ids */
	};
	size_t	 i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(check(GOOD_SOURCE, bad[i], "2") == HOP_PATH,
		    "%s", bad[i] == NULL ? "none" : bad[i]);
}
END_TEST

START_TEST(no_ttl)
{
	ck_assert_int_eq(check(GOOD_SOURCE, "[\"a\"]", NULL), HOP_TTL);
	ck_assert_int_eq(check(GOOD_SOURCE, "[\"a\"]", "0"), HOP_TTL);
	ck_assert_int_eq(check(GOOD_SOURCE, "[\"a\"]", "null"), HOP_TTL);
}
END_TEST

/* The graver fault is told, for that one is counted. */
START_TEST(graver_first)
{
	const char	*foreign = "{\"type\":\"main\",\"id\":\"c\"}";

	ck_assert_int_eq(check(foreign, NULL, NULL), HOP_FOREIGN);
	ck_assert_int_eq(check(GOOD_SOURCE, NULL, NULL), HOP_PATH);
}
END_TEST

START_TEST(ttl)
{
	ck_assert_int_eq(hop_ttl(3), 2);
	ck_assert_int_eq(hop_ttl(1), 0);
	ck_assert_int_eq(hop_ttl(0), -1);
	ck_assert_int_eq(hop_ttl(1000000), 2);
}
END_TEST

START_TEST(path_grows)
{
	struct text	 t = { 0 };

	check(GOOD_SOURCE, "[\"h\",\"a\"]", "2");
	hop_path(&t, &env, "b");
	ck_assert(span_eq(text_get(&t), span_str("[\"h\",\"a\",\"b\"]")));
	text_reset(&t);
	check(GOOD_SOURCE, "[\"a\"]", "2");
	hop_path(&t, &env, "b");
	ck_assert(span_eq(text_get(&t), span_str("[\"a\",\"b\"]")));
	text_free(&t);
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("hop");

	tcase_add_test(tc, good);
	tcase_add_test(tc, foreign_source);
	tcase_add_test(tc, no_source);
	tcase_add_test(tc, bad_path);
	tcase_add_test(tc, no_ttl);
	tcase_add_test(tc, graver_first);
	tcase_add_test(tc, ttl);
	tcase_add_test(tc, path_grows);
	return (suite_run("hop", tc));
}
