/* SPDX-License-Identifier: ISC */
/* Edges of policy: where texts end, what is no action, who has no Main. */
#include <stdio.h>
#include <string.h>

#include "common/policy_priv.h"
#include "tests/unit/suite.h"

static struct policy	 p;

static void
setup(void)
{
	memset(&p, 0, sizeof(p));
}

static void
teardown(void)
{
	policy_clear(&p);
}

/* What is behind a text is not looked at, though it would match. */
START_TEST(ends)
{
	static const char	 text[] = "abab";
	struct pattern		 twice = pattern_make("*ab*ab*", 7);
	struct pattern		 tail = pattern_make("*ab*b", 5);

	ck_assert(pattern_match(&twice, (struct span){ text, 4 }));
	ck_assert(!pattern_match(&twice, (struct span){ text, 3 }));
	ck_assert(!pattern_match(&twice, (struct span){ text, 2 }));
	ck_assert(pattern_match(&tail, (struct span){ text, 4 }));
	ck_assert(!pattern_match(&tail, (struct span){ text, 3 }));
	ck_assert(!pattern_match(&tail, (struct span){ text, 2 }));
}
END_TEST

static struct policy_rule
call_to(const char *home)
{
	struct policy_rule	 r = { .allow = true, .action = POLICY_CALL,
				    .who = WHO_ANY, .to_who = WHO_HOME };

	snprintf(r.to, sizeof(r.to), "%s", home);
	return (r);
}

/* A rule for one callee does not hide the one for another. */
START_TEST(shadow_of_another)
{
	const struct policy_rule	 a = call_to("anna"), b = call_to("bob"),
					 all = call_to("b*");

	ck_assert(policy_add(&p, &a));
	ck_assert(policy_add(&p, &b));
	ck_assert(policy_add(&p, &all));
	ck_assert(policy_add(&p, &b));
	ck_assert_uint_eq(policy_shadow(&p, 1), UINT32_MAX);
	ck_assert_uint_eq(policy_shadow(&p, 2), UINT32_MAX);
	ck_assert_uint_eq(policy_shadow(&p, 3), 1);
}
END_TEST

START_TEST(no_action)
{
	struct policy_rule	 r = call_to("a");

	r.action = POLICY_ADMIN + 1;
	ck_assert(!policy_add(&p, &r));
	r.action = 0;
	ck_assert(!policy_add(&p, &r));
	ck_assert_uint_eq(p.n, 0);
}
END_TEST

static struct policy_ask
from_main(const char *main_id)
{
	return ((struct policy_ask){ .action = POLICY_CALL, .who = WHO_MAIN,
	    .name = span_str("b"), .main = span_str(main_id),
	    .to_who = WHO_MAIN, .to = span_str("c"),
	    .to_main = span_str(main_id), .service = span_str("s"),
	    .method = span_str("m"), .self = span_str("here") });
}

/* A Main is of no Main, whatever is said of it. */
START_TEST(main_of_a_main)
{
	const struct policy_rule	 deny = { .action = POLICY_CALL,
	    .who = WHO_MAIN, .from = "b", .to_who = WHO_MAIN, .to = "c" };
	const struct policy_ask		 plain = from_main(""),
					 odd = from_main("other");
	const struct policy_rule	*by;

	ck_assert(policy_add(&p, &deny));
	ck_assert(!policy_allows(&p, &plain, &by));
	ck_assert(!policy_allows(&p, &odd, &by));
}
END_TEST

/* Who sees is as much of this Main by its name as who calls. */
START_TEST(sees_by_own_name)
{
	struct policy_rule	 allow = call_to("anna"), deny = call_to("*");
	struct policy_ask	 ask = { .action = POLICY_CALL,
	    .who = WHO_HOME, .name = span_str("alice"),
	    .main = span_str("here"), .to_who = WHO_HOME,
	    .to = span_str("anna"), .to_main = span_str("here"),
	    .service = span_str("s"), .method = span_str(""),
	    .self = span_str("here") };

	allow.who = WHO_HOME;
	snprintf(allow.from, sizeof(allow.from), "alice");
	deny.allow = false;
	deny.to_who = WHO_ANY;
	ck_assert(policy_add(&p, &allow));
	ck_assert(policy_add(&p, &deny));
	ck_assert(policy_may_see(&p, &ask));
	ask.main = span_str("there");
	ck_assert(!policy_may_see(&p, &ask));
	ask.main = span_str("");
	ask.to_main = span_str("there");
	ck_assert(!policy_may_see(&p, &ask));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("policy edges");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, ends);
	tcase_add_test(tc, shadow_of_another);
	tcase_add_test(tc, no_action);
	tcase_add_test(tc, main_of_a_main);
	tcase_add_test(tc, sees_by_own_name);
	return (suite_run("policy edges", tc));
}
