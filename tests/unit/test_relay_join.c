/* SPDX-License-Identifier: ISC */
/*
 * relay(1) join: what it accepts of a join string, and what it writes of it.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "relay-ctl/relay.h"
#include "tests/unit/suite.h"

#define NOW_MS		1795000000000
#define PIN		"sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static struct join	 good;
static struct relay_plan plan;
static struct relay_args args;
static char		 why[2048], string[JOIN_TEXT_MAX];

static void
setup(void)
{
	memset(&good, 0, sizeof(good));
	strlcpy(good.url, "wss://relay.example.com:8443", sizeof(good.url));
	strlcpy(good.node_id, "alice.home", sizeof(good.node_id));
	strlcpy(good.main_id, "relay.example.com", sizeof(good.main_id));
	memset(good.main_key, 0xff, sizeof(good.main_key));
	memset(good.secret, 'S', sizeof(good.secret));
	good.expires_ms = NOW_MS + 1;
}

static void
teardown(void)
{
	relay_plan_free(&plan);
}

/* Plan "relay join", with words behind it; string is one of "good". */
static bool
plan_words(const char *const *words, int n)
{
	char	*argv[16] = { (char[]){ "relay" }, (char[]){ "join" } };
	int	 i;

	relay_plan_free(&plan);
	why[0] = '\0';
	for (i = 0; i < n; i++)
		argv[2 + i] = (char *)(uintptr_t)words[i];
	argv[2 + n] = NULL;
	return (relay_args_parse(&args, 2 + n, argv, why, sizeof(why)) &&
	    relay_plan_make(&plan, &args, NOW_MS, why, sizeof(why)));
}

static bool
plan_join(const char *second, const char *third)
{
	const char	*words[] = { string, second, third };

	ck_assert(join_encode(&good, string, sizeof(string)));
	return (plan_words(words, 1 + (second != NULL) + (third != NULL)));
}

static void
refused(const char *second, const char *third, const char *reason)
{
	ck_assert_msg(!plan_join(second, third), "accepted: %s", reason);
	ck_assert_msg(strstr(why, reason) != NULL, "%s: %s", reason, why);
	/* Whatever is wrong, the secret is not for a log. */
	ck_assert_ptr_null(strstr(why, string));
	ck_assert_ptr_null(strstr(why, string + strlen(string) / 2));
}

START_TEST(a_string_is_a_plan)
{
	ck_assert_msg(plan_join("blog.rl", NULL), "%s", why);
	ck_assert_int_eq(plan.role, ROLE_HOME);
	ck_assert_str_eq(plan.node_id, "alice.home");
	ck_assert_str_eq(args.file, "blog.rl");
	ck_assert_uint_eq(plan.nuplinks, 1);
	ck_assert_str_eq(plan.uplinks[0].url.text,
	    "wss://relay.example.com:8443/ws/federation");
	ck_assert(!plan.uplinks[0].insecure);
	ck_assert_ptr_eq(relay_join_uplink(&plan), &plan.uplinks[0]);
	ck_assert_int_eq(plan.join.secret[31], 'S');
	ck_assert_msg(plan_join("-port", "80"), "%s", why);
	ck_assert_uint_eq(plan.port, 80);
	ck_assert_ptr_null(args.file);
}
END_TEST

START_TEST(a_plan_that_is_freed_has_no_secret)
{
	static const struct join	 empty;

	ck_assert(plan_join(NULL, NULL));
	relay_plan_free(&plan);
	ck_assert_mem_eq(&plan.join, &empty, sizeof(empty));
}
END_TEST

START_TEST(strings_expire)
{
	ck_assert(plan_join(NULL, NULL));
	good.expires_ms = NOW_MS;
	refused(NULL, NULL, "expired at 2026-11-18 ");
	good.expires_ms = 0;
	/* The clock that is wrong may be the one here. */
	refused(NULL, NULL, "expired at 1970-01-01 00:00:00 UTC, and here it "
	    "is 2026-11-18 ");
}
END_TEST

START_TEST(damaged_strings_are_refused)
{
	const char	*words[] = { string };
	size_t		 i, len;
	char		 c;

	ck_assert(plan_join(NULL, NULL));
	len = strlen(string);
	for (i = 0; i < len; i++) {
		c = string[i];
		string[i] = c == 'A' ? 'B' : 'A';
		ck_assert_msg(!plan_words(words, 1), "at %zu", i);
		ck_assert_ptr_nonnull(strstr(why, "the join string: "));
		string[i] = '\0';
		ck_assert_msg(!plan_words(words, 1), "cut at %zu", i);
		string[i] = c;
	}
	ck_assert(plan_words(words, 1));
	strlcat(string, "A", sizeof(string));
	ck_assert(!plan_words(words, 1));
	strlcpy(string, "ws://127.0.0.1:8080", sizeof(string));
	ck_assert(!plan_words(words, 1));
}
END_TEST

START_TEST(what_is_in_it_is_checked)
{
	strlcpy(good.url, "ws://relay.example.com", sizeof(good.url));
	refused(NULL, NULL, "add -insecure");
	ck_assert(plan_join("-insecure", NULL));
	ck_assert(plan.uplinks[0].insecure);
	strlcpy(good.url, "ws://127.0.0.1:1", sizeof(good.url));
	ck_assert(plan_join(NULL, NULL));
	ck_assert(!plan.uplinks[0].insecure);
	strlcpy(good.url, "wss://", sizeof(good.url));
	refused(NULL, NULL, "the join string: there is no host");
	strlcpy(good.url, "http://127.0.0.1", sizeof(good.url));
	refused(NULL, NULL, "the join string: ");
	setup();
	strlcpy(good.node_id, "alice@home", sizeof(good.node_id));
	refused(NULL, NULL, "the join string: ");
	setup();
	strlcpy(good.node_id, "../../etc", sizeof(good.node_id));
	refused(NULL, NULL, "the join string: ");
	setup();
	good.main_id[0] = '\0';
	refused(NULL, NULL, "the join string: ");
	setup();
	strlcpy(good.pin, "sha256:short", sizeof(good.pin));
	refused(NULL, NULL, "the join string: ");
}
END_TEST

START_TEST(other_flags_contradict_it)
{
	const char	*none[] = { "-port", "1" };

	refused("-server", NULL, "-server: not together with join");
	refused("-node-id", "x", "-node-id: not together");
	refused("-node-type", "home", "-node-type: not together");
	refused("-connect", "ws://127.0.0.1", "-connect: not together");
	refused("-fallback", "ws://127.0.0.1", "-fallback: not together");
	refused("-peers", "ws://127.0.0.1", "-peers: not together");
	refused("-tls-cert", "x", "-tls-cert: not together");
	refused("-tls-key", "x", "-tls-key: not together");
	refused("a.rl", "b.rl", "only one service file");
	refused("-host", "0.0.0.0", "a Home listens");
	refused("-o", NULL, "-o: its value is missing");
	ck_assert(plan_join("-o", "x.conf"));
	ck_assert_str_eq(args.output, "x.conf");
	ck_assert(!plan_words(none, 0));
	ck_assert_str_eq(why, "join: its string is missing");
	ck_assert(!plan_words(none, 2));
	ck_assert_str_eq(why, "join: its string is missing");
}
END_TEST

START_TEST(standard_input_has_a_name)
{
	const char	*words[] = { "-", "blog.rl" };

	/* It is for the caller to read it. */
	ck_assert(!plan_words(words, 2));
	ck_assert_str_eq(args.string, "-");
	ck_assert_str_eq(args.file, "blog.rl");
}
END_TEST

static char *
printed(void)
{
	char	*text;
	size_t	 n;
	FILE	*f = open_memstream(&text, &n);

	relay_join_print(f, &plan);
	fclose(f);
	return (text);
}

START_TEST(the_block_of_the_uplink)
{
	char	*text;

	ck_assert(plan_join(NULL, NULL));
	strlcpy(plan.join_file, "/state/\"x\"", sizeof(plan.join_file));
	ck_assert_str_eq(text = printed(),
	    "uplink \"wss://relay.example.com:8443/ws/federation\" {\n"
	    "\tnode \"relay.example.com\"\n"
	    "\tkey \"ed25519:__________________________________________8\"\n"
	    "\tjoin \"/state/\\\"x\\\"\"\n"
	    "}\n");
	free(text);
	strlcpy(good.url, "ws://a.com", sizeof(good.url));
	strlcpy(good.pin, PIN, sizeof(good.pin));
	ck_assert(plan_join("-insecure", NULL));
	text = printed();
	ck_assert_ptr_nonnull(strstr(text, "/ws/federation\" insecure {\n"));
	ck_assert_ptr_nonnull(strstr(text, "\tpin \"" PIN "\"\n"));
	ck_assert_ptr_null(strstr(text, "join"));
	free(text);
}
END_TEST

START_TEST(only_the_same_url_is_the_uplink_of_a_join)
{
	char	*argv[] = { (char[]){ "relay" }, (char[]){ "-connect" },
		    (char[]){ "wss://relay.example.com:8444" },
		    (char[]){ "-fallback" },
		    (char[]){ "wss://RELAY.example.com:8443" }, NULL };

	ck_assert(relay_args_parse(&args, 5, argv, why, sizeof(why)));
	ck_assert(relay_plan_make(&plan, &args, NOW_MS, why, sizeof(why)));
	ck_assert_ptr_null(relay_join_uplink(&plan));
	plan.join = good;
	ck_assert_ptr_eq(relay_join_uplink(&plan), &plan.uplinks[1]);
	strlcpy(plan.join.url, "ws://relay.example.com:8443",
	    sizeof(plan.join.url));
	ck_assert_ptr_null(relay_join_uplink(&plan));
	strlcpy(plan.join.url, "rubbish", sizeof(plan.join.url));
	ck_assert_ptr_null(relay_join_uplink(&plan));
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("join");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_string_is_a_plan);
	tcase_add_test(tc, a_plan_that_is_freed_has_no_secret);
	tcase_add_test(tc, strings_expire);
	tcase_add_test(tc, damaged_strings_are_refused);
	tcase_add_test(tc, what_is_in_it_is_checked);
	tcase_add_test(tc, other_flags_contradict_it);
	tcase_add_test(tc, standard_input_has_a_name);
	tcase_add_test(tc, the_block_of_the_uplink);
	tcase_add_test(tc, only_the_same_url_is_the_uplink_of_a_join);
	return (suite_run("relay_join", tc));
}
