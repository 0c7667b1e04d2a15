/* SPDX-License-Identifier: ISC */
/* Another policy: what is written of it, and what many services become. */
#include <stdio.h>
#include <string.h>

#include "relay-registry/audit.h"
#include "relay-registry/policy_impl.h"
#include "relay-registry/registry_impl.h"
#include "tests/unit/registry_policy_fixture.h"
#include "tests/unit/suite.h"

#define HOMES	5		/* with as many services as each may have */
#define DENIED	"SELECT count(*) FROM service WHERE denied"

static int64_t
written(enum audit_event event, const char *node, const char *object,
    const char *detail)
{
	char sql[512];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM audit WHERE event = "
	    "%d AND subject = '%s' AND object = '%s' AND detail = '%s'",
	    (int)event, node, object, detail);
	return (fx_number(sql));
}

/* It is there as soon as the policy is, as is what became of services. */
START_TEST(change_is_written)
{
	fx_open_home(11, "alice.home");
	(void)fx_verdict(11, wiki_and_blog, 2, 0);
	fx_settle(r);
	fx_rule(false, POLICY_PUBLISH, WHO_HOME, "", "wiki");
	fx_rules();
	ck_assert_int_eq(written(AUDIT_CONFIG, "main.example", "",
	    "generation 0, 1 rules"), 1);
	ck_assert_int_eq(written(AUDIT_REJECT, "alice.home", "wiki",
	    "/etc/secret.conf:1: deny publish from home \"*\" service "
	    "\"wiki\""), 1);
	ck_assert_int_eq(written(AUDIT_REGISTER, "alice.home", "",
	    "policy has changed: 1 services"), 1);
	fx_settle(r);
	/* What may be published again was not denied. */
	fx_rules();
	ck_assert_int_eq(written(AUDIT_REGISTER, "alice.home", "",
	    "policy has changed: 2 services"), 1);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM audit WHERE object "
	    "= 'wiki'"), 1);
}
END_TEST

static void
register_all(uint64_t session, const char *node)
{
	struct service list[LIMIT_SERVICES];
	char name[32];
	size_t i;

	for (i = 0; i < LIMIT_SERVICES; i++) {
		snprintf(name, sizeof(name), "s%zu", i);
		list[i] = fx_service(name, 1);
	}
	fx_open_home(session, node);
	register_list(session, 1, list, LIMIT_SERVICES);
	fx_settle(r);
}

static void
each_has(uint16_t n)
{
	uint64_t i;

	for (i = 0; i < HOMES; i++)
		ck_assert_uint_eq(fx_expect(r, MSG_ROUTE_SET, 11 + i)->count,
		    n);
	fx_silent(r);
}

START_TEST(many_change)
{
	char node[32];
	uint64_t i;

	for (i = 0; i < HOMES; i++) {
		snprintf(node, sizeof(node), "n%d.home", (int)i);
		register_all(11 + i, node);
	}
	fx_rule(false, POLICY_PUBLISH, WHO_HOME, "", "");
	fx_rules();
	each_has(0);
	ck_assert_int_eq(fx_number(DENIED), HOMES * LIMIT_SERVICES);
	fx_rules();
	each_has(LIMIT_SERVICES);
	ck_assert_int_eq(fx_number(DENIED), 0);
}
END_TEST

/* Homes of this Main are its own in patterns that name a Main. */
START_TEST(connect_by_main)
{
	const struct policy_rule *why;
	char text[DENIED_BY_TEXT];

	fx_rule(false, POLICY_CONNECT, WHO_HOME, "alice.*@other.main", "");
	fx_rule(false, POLICY_CONNECT, WHO_HOME, "bob.*@main.example", "");
	fx_rules();
	ck_assert(registry_may_connect(r, NODE_HOME, "alice.home", &why));
	ck_assert(!registry_may_connect(r, NODE_HOME, "bob.home", &why));
	registry_denied_by(why, text);
	ck_assert_str_eq(text, "denied by /etc/secret.conf:2: deny connect "
	    "from home \"bob.*@main.example\"");
}
END_TEST

/* That it counts calls whose callers it does not know is no record of one. */
START_TEST(denials_of_nobody)
{
	registry_denied(r, 7, span_str(""), span_str("alice.home"),
	    span_str("wiki.m0"), span_str("a rule"), fx_now());
	fx_settle(r);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM audit WHERE object "
	    "= 'alice.home'"), 0);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("policy changes");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, change_is_written);
	tcase_add_test(tc, many_change);
	tcase_add_test(tc, connect_by_main);
	tcase_add_test(tc, denials_of_nobody);
	return (suite_run("policy changes", tc));
}
