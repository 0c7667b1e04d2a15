/* SPDX-License-Identifier: ISC */
/* Services as a whole: who may call some method of one may see it. */
#include <string.h>

#include "tests/unit/rules_fixture.h"
#include "tests/unit/suite.h"

static bool
sees(const char *service)
{
	struct policy_ask a = ask_call(WHO_HOME, "alice", "", service, "");

	return (policy_may_see(&p, &a));
}

START_TEST(test_may_see)
{
	ck_assert(sees("svc"));
	call_rule(false, WHO_ANY, "", "", "x*");
	ck_assert(sees("svc"));
	call_rule(false, WHO_ANY, "", "svc", "");
	ck_assert(!sees("svc"));
	ck_assert(sees("svc2"));
	policy_clear(&p);
	call_rule(true, WHO_ANY, "", "svc", "get");
	call_rule(false, WHO_ANY, "", "", "");
	ck_assert(sees("svc"));
	ck_assert(!sees("other"));
	policy_clear(&p);
	/* What is allowed after it was denied is not. */
	call_rule(false, WHO_ANY, "", "", "g*");
	call_rule(true, WHO_ANY, "", "svc", "get");
	call_rule(true, WHO_ANY, "", "svc", "ge*t*");
	call_rule(false, WHO_ANY, "", "", "");
	ck_assert(!sees("svc"));
	policy_clear(&p);
	call_rule(false, WHO_ANY, "", "", "get");
	call_rule(true, WHO_ANY, "", "svc", "g*");
	call_rule(false, WHO_ANY, "", "", "**");
	ck_assert(sees("svc"));
	policy_clear(&p);
	/* Denials of others do not count. */
	call_rule(false, WHO_HOME, "bob", "", "g*");
	call_rule(true, WHO_ANY, "", "svc", "get");
	call_rule(false, WHO_ANY, "", "", "");
	ck_assert(sees("svc"));
	policy_clear(&p);
	call_rule(false, WHO_HOME, "alice", "", "");
	call_rule(true, WHO_ANY, "", "", "");
	ck_assert(!sees("svc"));
}
END_TEST

static bool
sees_methods(const char *a, const char *b)
{
	struct policy_ask ask = ask_call(WHO_HOME, "alice", "", "svc", "");
	struct service_method m[2];
	struct service s;

	service_init(&s);
	memset(m, 0, sizeof(m));
	strcpy(m[0].name, a);
	strcpy(m[1].name, b);
	s.methods = m;
	s.n_methods = 2;
	return (policy_may_see_service(&p, &ask, &s));
}

START_TEST(test_may_see_methods)
{
	struct policy_ask ask = ask_call(WHO_HOME, "alice", "", "svc", "");
	struct service s;

	ck_assert(sees_methods("get", "put"));
	call_rule(false, WHO_ANY, "", "", "g*");
	ck_assert(sees_methods("get", "put"));
	ck_assert(!sees_methods("get", "go"));
	call_rule(false, WHO_ANY, "", "", "p*");
	ck_assert(!sees_methods("get", "put"));
	ck_assert(sees_methods("get", "xput"));
	service_init(&s);
	ck_assert(policy_may_see_service(&p, &ask, &s));
	call_rule(false, WHO_ANY, "", "", "");
	ck_assert(!policy_may_see_service(&p, &ask, &s));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("policy_see");

	tcase_add_checked_fixture(tc, rules_setup, rules_teardown);
	tcase_add_test(tc, test_may_see);
	tcase_add_test(tc, test_may_see_methods);
	return (suite_run("policy_see", tc));
}
