/* SPDX-License-Identifier: ISC */
/*
 * Who has been let in, and may not be any more: by another configuration, or
 * after another registry has started.
 */
#include <stdio.h>
#include <string.h>

#include "relay-registry/policy_impl.h"
#include "tests/unit/registry_auth_fixture.h"
#include "tests/unit/suite.h"

static void
is_ended(uint64_t session)
{
	const struct reply *reply = fx_expect(r, MSG_SESSION_END, session);

	ck_assert_uint_eq(reply->status, 1008);
	ck_assert_str_eq(reply->reason, "no longer authorized");
}

static void
let_in(void)
{
	struct client c = challenged("alice.home", 1, 0);

	ask(1, "alice.home", header(&c), 5);
	is_accepted(1);
}

/* Its keys are these after a reload; 0: none. */
static void
reload(uint8_t a, uint8_t b, enum authentication how)
{
	struct credentials keys = { .n = 0 };

	if (a != 0)
		give(&keys, HOLDER_HOME, 0, "alice.home", AUTH_BY_KEY,
		    key_conf(a), NULL);
	if (b != 0)
		give(&keys, HOLDER_HOME, 0, "alice.home", AUTH_BY_KEY,
		    key_conf(b), NULL);
	fx_trust(r, how, &keys, 10);
}

START_TEST(credential_goes)
{
	let_in();
	reload(1, 2, AUTH_REQUIRED);
	fx_silent(r);
	reload(1, 9, AUTH_REQUIRED);		/* the other one is replaced */
	fx_silent(r);
	reload(9, 8, AUTH_REQUIRED);
	is_ended(1);
	fx_silent(r);
}
END_TEST

START_TEST(node_goes)
{
	let_in();
	reload(0, 0, AUTH_OPEN);
	is_ended(1);
}
END_TEST

/* Who came without is asked once it has some, or may not any more. */
START_TEST(none_goes)
{
	fx_trust(r, AUTH_OPEN, NULL, 0);
	ask_openly(1, "alice.home", false);
	is_accepted(1);
	ask_openly(2, "x.home", true);
	is_accepted(2);
	fx_trust(r, AUTH_OPEN, NULL, 0);
	fx_silent(r);
	reload(1, 0, AUTH_OPEN);
	is_ended(1);
	fx_close(r, 1, 20);
	fx_expect(r, MSG_ROUTE_DELETE, 1);
	fx_trust(r, AUTH_LOOPBACK, NULL, 0);
	fx_silent(r);
	fx_trust(r, AUTH_REQUIRED, NULL, 0);
	is_ended(2);
}
END_TEST

/* A rule that denies homes to connect. */
static void
deny_connect(const char *name, int64_t ms)
{
	struct policy p = { .n = 0 };
	struct policy_rule rule = { .allow = false, .action = POLICY_CONNECT,
	    .who = WHO_HOME, .to_who = WHO_ANY, .to = "*", .service = "*",
	    .method = "*", .file = "relayd.conf", .line = 7 };

	snprintf(rule.from, sizeof(rule.from), "%s", name);
	ck_assert(policy_add(&p, &rule));
	registry_configure_policy(r, &p, at(ms));
	policy_clear(&p);
}

START_TEST(denied_by_rule)
{
	const struct reply *reply;
	struct client c;

	deny_connect("al*", 0);
	/* Who has not proved who it is does not learn of the rule. */
	c = challenged("alice.home", 1, 0);
	ask(1, "alice.home", header(&c), 5);
	reply = fx_expect(r, MSG_SESSION_DENY, 1);
	ck_assert_uint_eq(reply->status, 403);
	ck_assert_str_eq(reply->reason, "forbidden");
	ck_assert_ptr_null(reply->header);
	ck_assert_ptr_null(reply->detail);
	deny_connect("bob*", 10);
	c = challenged("alice.home", 1, 10);
	ask(2, "alice.home", header(&c), 15);
	is_accepted(2);
	deny_connect("al*", 20);
	reload(1, 0, AUTH_REQUIRED);
	is_ended(2);
	fx_settle(r);
	/* The record says which, as that of the one who was not let in. */
	ck_assert_int_eq(fx_number("SELECT count(*) FROM audit WHERE subject ="
	    " 'alice.home' AND detail LIKE 'denied by relayd.conf:7: deny%'"
	    " AND event IN (4, 5)"), 2);
}
END_TEST

/* The registry starts anew; the router resumes what was let in. */
START_TEST(resumed)
{
	let_in();
	r = fixture_restart(r, 20);
	reload(1, 0, AUTH_REQUIRED);
	fx_resume(r, 1, 1, "alice.home", 30);
	fx_silent(r);
	ck_assert_int_eq(fx_number(SESSIONS), 1);
	r = fixture_restart(r, 40);
	reload(2, 0, AUTH_REQUIRED);
	fx_resume(r, 1, 1, "alice.home", 50);
	is_ended(1);
}
END_TEST

/*
 * By what it was let in is not in the database: the router's word alone is
 * enough only where nothing is asked for.
 */
START_TEST(resumed_without_a_row)
{
	reload(1, 0, AUTH_REQUIRED);
	fx_resume(r, 7, 99, "alice.home", 10);
	is_ended(7);
	fx_resume(r, 8, 99, "nobody.home", 10);
	is_ended(8);
	reload(1, 0, AUTH_LOOPBACK);
	fx_settle(r);
	fx_resume(r, 9, 99, "open.home", 20);
	fx_expect(r, MSG_NODE_STATE, 0);
	fx_silent(r);
	fx_resume(r, 10, 100, "alice.home", 20);
	is_ended(10);
}
END_TEST

START_TEST(resumed_disabled)
{
	let_in();
	r = fixture_restart(r, 20);
	reload(1, 0, AUTH_REQUIRED);
	fx_sql("INSERT INTO disabled VALUES ('alice.home', 1)");
	fx_resume(r, 1, 1, "alice.home", 30);
	is_ended(1);
}
END_TEST

/* A nonce of the process that was before is none. */
START_TEST(nonce_of_before)
{
	struct client c = challenged("alice.home", 1, 0);

	r = fixture_restart(r, 1);
	reload(1, 0, AUTH_REQUIRED);
	ask(1, "alice.home", header(&c), 5);
	is_challenged(1, NULL);
}
END_TEST

START_TEST(identity_stays)
{
	char before[AUTH_KEY_TEXT];

	strcpy(before, r->trust->public_text);
	r = fixture_restart(r, 20);
	ck_assert_str_eq(before, r->trust->public_text);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM identity"), 1);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("cut");

	tcase_add_checked_fixture(tc, nodes_setup, teardown);
	tcase_add_test(tc, credential_goes);
	tcase_add_test(tc, node_goes);
	tcase_add_test(tc, none_goes);
	tcase_add_test(tc, denied_by_rule);
	tcase_add_test(tc, resumed);
	tcase_add_test(tc, resumed_without_a_row);
	tcase_add_test(tc, resumed_disabled);
	tcase_add_test(tc, nonce_of_before);
	tcase_add_test(tc, identity_stays);
	return (suite_run("cut", tc));
}
