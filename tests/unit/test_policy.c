/* SPDX-License-Identifier: ISC */
/* Rules and what they decide: who, where to, what; the first that matches. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/rules_fixture.h"
#include "tests/unit/suite.h"

static void
to_rule(bool allow, enum policy_who to_who, const char *to)
{
	struct policy_rule r = rule(allow, POLICY_CALL, WHO_ANY, "");

	r.to_who = to_who;
	strcpy(r.to, to);
	add(r);
}

/* A call of svc.get by someone. */
static bool
may(enum policy_who who, const char *name, const char *main)
{
	return (allows(ask_call(who, name, main, "svc", "get")));
}

static bool
may_method(const char *service, const char *method)
{
	return (allows(ask_call(WHO_HOME, "alice", "", service, method)));
}

START_TEST(test_no_rules)
{
	struct policy_ask a;
	int action;

	for (action = POLICY_CONNECT; action < POLICY_ADMIN; action++) {
		a = ask_call(WHO_HOME, "alice", "", "svc", "get");
		a.action = (enum policy_action)action;
		decided = (void *)&a;
		ck_assert(policy_allows(&p, &a, &decided));
		ck_assert_ptr_null(decided);
		ck_assert(!policy_has(&p, (enum policy_action)action));
	}
}
END_TEST

START_TEST(test_admin_default)
{
	struct policy_ask a = ask_call(WHO_TOKEN, "admin", "", "", "");

	a.action = POLICY_ADMIN;
	ck_assert(policy_allows(&p, &a, &decided));
	a.name = span_str("admin2");
	ck_assert(!policy_allows(&p, &a, &decided));
	ck_assert_ptr_null(decided);
	a.name = span_str("adm");
	ck_assert(!policy_allows(&p, &a, &decided));
	a.name = span_str("Admin");
	ck_assert(!policy_allows(&p, &a, &decided));
	a.name = span_str("");
	ck_assert(!policy_allows(&p, &a, &decided));
	a.who = WHO_ANONYMOUS;
	a.name = span_str("admin");
	ck_assert(!policy_allows(&p, &a, &decided));
	add(rule(false, POLICY_ADMIN, WHO_TOKEN, "admin"));
	a.who = WHO_TOKEN;
	ck_assert(!policy_allows(&p, &a, &decided));
	ck_assert_ptr_eq(decided, &p.rules[0]);
}
END_TEST

START_TEST(test_first_match)
{
	call_rule(true, WHO_HOME, "alice", "", "");
	call_rule(false, WHO_HOME, "a*", "", "");
	call_rule(true, WHO_ANY, "", "", "");
	call_rule(false, WHO_ANY, "", "", "");
	ck_assert(may(WHO_HOME, "alice", ""));
	ck_assert_ptr_eq(decided, &p.rules[0]);
	ck_assert(!may(WHO_HOME, "anna", ""));
	ck_assert_ptr_eq(decided, &p.rules[1]);
	ck_assert(may(WHO_HOME, "bob", ""));
	ck_assert_ptr_eq(decided, &p.rules[2]);
}
END_TEST

/* A rule is of its action, and of those of a kind. */
START_TEST(test_others)
{
	struct policy_ask a;

	add(rule(false, POLICY_CONNECT, WHO_ANY, ""));
	ck_assert(may(WHO_HOME, "alice", ""));
	ck_assert(policy_has(&p, POLICY_CONNECT));
	ck_assert(!policy_has(&p, POLICY_CALL));
	call_rule(false, WHO_HOME, "alice", "", "");
	ck_assert(policy_has(&p, POLICY_CALL));
	ck_assert(!may(WHO_HOME, "alice", ""));
	ck_assert(may(WHO_MAIN, "alice", ""));
	ck_assert(may(WHO_TOKEN, "alice", ""));
	ck_assert(may(WHO_ANONYMOUS, "", ""));
	ck_assert(may(WHO_HOME, "alice2", ""));
	ck_assert(may(WHO_HOME, "alic", ""));
	ck_assert(may(WHO_HOME, "", ""));
	a = ask_call(WHO_HOME, "alice", "", "svc", "get");
	a.action = POLICY_EXPORT;
	ck_assert(allows(a));
}
END_TEST

START_TEST(test_anonymous)
{
	call_rule(false, WHO_ANONYMOUS, "", "", "");
	ck_assert(!may(WHO_ANONYMOUS, "", ""));
	ck_assert(may(WHO_TOKEN, "anonymous", ""));
	ck_assert(may(WHO_HOME, "anonymous", ""));
}
END_TEST

START_TEST(test_token)
{
	call_rule(false, WHO_TOKEN, "Ci-*", "", "");
	ck_assert(!may(WHO_TOKEN, "Ci-1", ""));
	ck_assert(!may(WHO_TOKEN, "Ci-", ""));
	ck_assert(may(WHO_TOKEN, "ci-1", ""));
	ck_assert(may(WHO_TOKEN, "xCi-1", ""));
	ck_assert(may(WHO_ANONYMOUS, "Ci-1", ""));
}
END_TEST

/* Without '@' of this Main only, with it of whatever Main. */
START_TEST(test_homes)
{
	call_rule(false, WHO_HOME, "alice", "", "");
	ck_assert(!may(WHO_HOME, "alice", ""));
	ck_assert(!may(WHO_HOME, "alice", "here"));
	ck_assert(may(WHO_HOME, "alice", "there"));
	policy_clear(&p);
	call_rule(false, WHO_HOME, "*", "", "");
	ck_assert(!may(WHO_HOME, "alice", ""));
	ck_assert(may(WHO_HOME, "alice", "there"));
	policy_clear(&p);
	call_rule(false, WHO_HOME, "alice@there", "", "");
	ck_assert(!may(WHO_HOME, "alice", "there"));
	ck_assert(may(WHO_HOME, "alice", ""));
	ck_assert(may(WHO_HOME, "alice", "here"));
	ck_assert(may(WHO_HOME, "alice", "there2"));
	ck_assert(may(WHO_HOME, "alic", "there"));
	policy_clear(&p);
	call_rule(false, WHO_HOME, "*@*", "", "");
	ck_assert(!may(WHO_HOME, "alice", "there"));
	ck_assert(!may(WHO_HOME, "alice", ""));
	ck_assert(may(WHO_MAIN, "there", ""));
	policy_clear(&p);
	call_rule(false, WHO_HOME, "a*@h*", "", "");
	ck_assert(!may(WHO_HOME, "alice", ""));
	ck_assert(may(WHO_HOME, "bob", ""));
	ck_assert(may(WHO_HOME, "alice", "there"));
}
END_TEST

/* A Main that is not known is none that a pattern names. */
START_TEST(test_self_unknown)
{
	struct policy_ask a = ask_call(WHO_HOME, "alice", "", "svc", "get");

	a.self = span_str("");
	call_rule(false, WHO_HOME, "alice@h*", "", "");
	ck_assert(allows(a));
	call_rule(false, WHO_HOME, "alice@*", "", "");
	ck_assert(!allows(a));
}
END_TEST

START_TEST(test_to)
{
	struct policy_ask a = ask_call(WHO_HOME, "alice", "", "svc", "get");

	to_rule(false, WHO_HOME, "bob");
	ck_assert(!allows(a));
	a.to_main = span_str("here");
	ck_assert(!allows(a));
	a.to_main = span_str("there");
	ck_assert(allows(a));
	to_rule(false, WHO_HOME, "*@there");
	ck_assert(!allows(a));
	a.to = span_str("anna");
	ck_assert(!allows(a));
	a.to_main = span_str("");
	ck_assert(allows(a));
	a.to_who = WHO_MAIN;
	a.to = span_str("bob");
	ck_assert(allows(a));
	to_rule(false, WHO_MAIN, "b*b");
	ck_assert(!allows(a));
	a.to_who = 0;
	a.to = span_str("");
	ck_assert(allows(a));
	to_rule(false, WHO_ANY, "");
	ck_assert(!allows(a));
}
END_TEST

START_TEST(test_service_method)
{
	call_rule(true, WHO_ANY, "", "blog", "get*");
	call_rule(false, WHO_ANY, "", "blog", "");
	call_rule(false, WHO_ANY, "", "", "drop");
	ck_assert(may_method("blog", "get"));
	ck_assert(may_method("blog", "get.all"));
	ck_assert(!may_method("blog", "ge"));
	ck_assert(!may_method("blog", "Get"));
	ck_assert(!may_method("blog", "xget"));
	ck_assert(may_method("blog2", "put"));
	ck_assert(may_method("Blog", "put"));
	ck_assert(!may_method("other", "drop"));
	ck_assert(may_method("other", "drop2"));
}
END_TEST

/* What has no name may be anything. */
START_TEST(test_unnamed)
{
	call_rule(true, WHO_ANY, "", "blog", "get");
	ck_assert(may_method("", "get"));
	ck_assert_ptr_null(decided);
	call_rule(false, WHO_ANY, "", "secret", "");
	ck_assert(!may_method("", "get"));
	ck_assert(!may_method("", ""));
	ck_assert(may_method("blog", ""));
	call_rule(false, WHO_ANY, "", "blog", "drop");
	ck_assert(!may_method("blog", ""));
	ck_assert(may_method("blog", "get"));
	policy_clear(&p);
	call_rule(true, WHO_ANY, "", "*", "**");
	call_rule(false, WHO_ANY, "", "", "");
	ck_assert(may_method("", ""));
}
END_TEST

START_TEST(test_visibility)
{
	struct policy_rule r = rule(false, POLICY_PUBLISH, WHO_HOME, "al*");
	struct policy_ask a = ask_call(WHO_HOME, "alice", "", "svc", "");

	a.action = POLICY_PUBLISH;
	a.visibility = VISIBILITY_FEDERATION;
	r.visibility = VISIBILITY_FEDERATION;
	strcpy(r.service, "s*");
	add(r);
	ck_assert(!allows(a));
	a.visibility = VISIBILITY_MAIN;
	ck_assert(allows(a));
	a.visibility = VISIBILITY_FEDERATION;
	a.service = span_str("tsvc");
	ck_assert(allows(a));
	a.service = span_str("svc");
	a.name = span_str("bob");
	ck_assert(allows(a));
}
END_TEST

/* More than one block of memory, and no more than there may be. */
START_TEST(test_many)
{
	struct policy_rule r = rule(false, POLICY_CALL, WHO_HOME, "x");
	char name[16];
	int i;

	for (i = 0; i < LIMIT_RULES; i++) {
		snprintf(r.from, sizeof(r.from), "h%d", i);
		ck_assert(policy_add(&p, &r));
	}
	ck_assert(!policy_add(&p, &r));
	ck_assert_uint_eq(p.n, LIMIT_RULES);
	for (i = 0; i < LIMIT_RULES; i++) {
		snprintf(name, sizeof(name), "h%d", i);
		ck_assert(!may(WHO_HOME, name, ""));
		ck_assert_ptr_eq(decided, &p.rules[i]);
	}
	ck_assert(may(WHO_HOME, "h1000", ""));
}
END_TEST

START_TEST(test_add_bad)
{
	struct policy_rule r = rule(true, 0, WHO_ANY, "");

	ck_assert(!policy_add(&p, &r));
	r.action = POLICY_ADMIN + 1;
	ck_assert(!policy_add(&p, &r));
	ck_assert_uint_eq(p.n, 0);
}
END_TEST

START_TEST(test_equal)
{
	struct policy q;
	struct policy_rule r;

	memset(&q, 0, sizeof(q));
	ck_assert(policy_equal(&p, &q));
	call_rule(true, WHO_HOME, "a", "s", "m");
	ck_assert(!policy_equal(&p, &q));
	r = p.rules[0];
	r.line = 99;
	strcpy(r.file, "other");
	ck_assert(policy_add(&q, &r));
	ck_assert(policy_equal(&p, &q));
#define differs(field)							\
	do {								\
		policy_clear(&q);					\
		r = p.rules[0];						\
		field;							\
		ck_assert(policy_add(&q, &r));				\
		ck_assert(!policy_equal(&p, &q));			\
	} while (0)
	differs(r.allow = false);
	differs(r.action = POLICY_CONNECT);
	differs(r.who = WHO_MAIN);
	differs(r.from[0] = 'b');
	differs(r.to_who = WHO_HOME);
	differs(r.to[0] = 'b');
	differs(r.service[0] = 'b');
	differs(r.method[0] = 'b');
	differs(r.visibility = VISIBILITY_MAIN);
	policy_clear(&q);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("policy");

	tcase_add_checked_fixture(tc, rules_setup, rules_teardown);
	tcase_add_test(tc, test_no_rules);
	tcase_add_test(tc, test_admin_default);
	tcase_add_test(tc, test_first_match);
	tcase_add_test(tc, test_others);
	tcase_add_test(tc, test_anonymous);
	tcase_add_test(tc, test_token);
	tcase_add_test(tc, test_homes);
	tcase_add_test(tc, test_self_unknown);
	tcase_add_test(tc, test_to);
	tcase_add_test(tc, test_service_method);
	tcase_add_test(tc, test_unnamed);
	tcase_add_test(tc, test_visibility);
	tcase_add_test(tc, test_many);
	tcase_add_test(tc, test_add_bad);
	tcase_add_test(tc, test_equal);
	return (suite_run("policy", tc));
}
