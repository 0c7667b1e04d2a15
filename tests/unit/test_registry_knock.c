/* SPDX-License-Identifier: ISC */
/* Links that are refused, or cut: what the audit log has of them. */
#include <stdio.h>
#include <string.h>

#include "common/ctl.h"
#include "tests/unit/registry_auth_fixture.h"
#include "tests/unit/suite.h"

#define REFUSED	4	/* AUDIT_REFUSE */
#define ENDED	5	/* AUDIT_END */

static void
setup(void)
{
	struct credentials list = { .n = 0 };

	main_setup();
	give(&list, HOLDER_HOME, 0, "alice.home", AUTH_BY_KEY, key_conf(1),
	    NULL);
	fx_trust(r, AUTH_REQUIRED, &list, 0);
	fx_settle(r);
}

/* Records of a kind with that detail. */
static int64_t
records(int event, const char *node, const char *detail)
{
	char sql[512];

	ck_assert(registry_commit(r, fx_now()));
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM audit WHERE event ="
	    " %d AND subject = '%s' AND detail LIKE '%s%%'", event, node,
	    detail);
	return (fx_number(sql));
}

/* --- knocks --- */

/* The normal way: asked, and answered on the same connection. */
START_TEST(answered)
{
	struct client c = challenged("alice.home", 1, 0);

	ck_assert_uint_eq(r->trust->knocks.n, 1);
	ask(1001, "alice.home", header(&c), 1);
	is_accepted(1001);
	ck_assert_uint_eq(r->trust->knocks.n, 0);
	registry_tick(r, at(2 * LIMIT_NONCE_MS));
	ck_assert_int_eq(records(REFUSED, "alice.home", ""), 0);
	ck_assert_int_eq(records(3, "alice.home", "key"), 1);
}
END_TEST

START_TEST(answered_wrongly)
{
	struct client c = challenged("alice.home", 1, 0);

	c.swap = true;
	ask(1001, "alice.home", header(&c), 1);
	is_challenged(1001, NULL);
	registry_tick(r, at(2 * LIMIT_NONCE_MS));
	ck_assert_int_eq(records(REFUSED, "alice.home", ""), 1);
	ck_assert_int_eq(records(REFUSED, "alice.home", "the signature"), 1);
}
END_TEST

/* Whoever it says it is: with credentials here, or without. */
START_TEST(never_answered)
{
	ask(1, "alice.home", "", 0);
	is_challenged(1, NULL);
	ask(2, "eve.home", "", 1);
	is_challenged(2, NULL);
	registry_tick(r, at(LIMIT_NONCE_MS - 1));
	ck_assert_int_eq(records(REFUSED, "alice.home", ""), 0);
	registry_tick(r, at(LIMIT_NONCE_MS));
	ck_assert_int_eq(records(REFUSED, "alice.home", "it was asked"), 1);
	ck_assert_int_eq(records(REFUSED, "eve.home", ""), 0);
	registry_tick(r, at(LIMIT_NONCE_MS + 1));
	ck_assert_int_eq(records(REFUSED, "eve.home", "it has no cred"), 1);
	registry_tick(r, at(10 * LIMIT_NONCE_MS));
	ck_assert_int_eq(fx_number("SELECT count(*) FROM audit WHERE event ="
	    " 4 AND object = '192.0.2.7:7'"), 2);
	ck_assert_uint_eq(r->trust->knocks.n, 0);
}
END_TEST

/* Each time it comes without is one that was not answered. */
START_TEST(knocks_again)
{
	ask(1, "alice.home", "", 0);
	is_challenged(1, NULL);
	ask(1, "bob.home", "", 1);
	is_challenged(1, NULL);
	ck_assert_int_eq(records(REFUSED, "alice.home", ""), 1);
	ck_assert_int_eq(records(REFUSED, "bob.home", ""), 0);
	ck_assert_uint_eq(r->trust->knocks.n, 1);
	registry_tick(r, at(LIMIT_NONCE_MS + 1));
	ck_assert_int_eq(records(REFUSED, "bob.home", ""), 1);
}
END_TEST

/* On another connection it is not the one that was asked. */
START_TEST(answered_elsewhere)
{
	struct client c = challenged("alice.home", 1, 0);

	ask(7, "alice.home", header(&c), 1);
	is_accepted(7);
	registry_tick(r, at(LIMIT_NONCE_MS));
	ck_assert_int_eq(records(REFUSED, "alice.home", ""), 1);
}
END_TEST

START_TEST(as_many_as_may_be)
{
	uint64_t i;

	for (i = 1; i <= LIMIT_KNOCKS; i++) {
		ask(i, "n.home", "", 0);
		is_challenged(i, NULL);
	}
	ck_assert_int_eq(records(REFUSED, "n.home", ""), 0);
	for (; i <= 2 * LIMIT_KNOCKS; i++) {
		ask(i, "n.home", "", 1);
		is_challenged(i, NULL);
	}
	ck_assert_uint_eq(r->trust->knocks.n, LIMIT_KNOCKS);
	ck_assert_int_eq(records(REFUSED, "n.home", ""), LIMIT_AUDIT_BURST);
	registry_tick(r, at(1001));
	ck_assert(registry_commit(r, fx_now()));
	ck_assert_int_eq(fx_number("SELECT CAST(detail AS INTEGER) FROM audit"
	    " WHERE event = 12"), LIMIT_KNOCKS - LIMIT_AUDIT_BURST);
}
END_TEST

/* --- other refusals --- */

START_TEST(refused_by_name)
{
	ask(1, "not a name", "", 0);
	fx_expect(r, MSG_SESSION_DENY, 1);
	ck_assert_int_eq(records(REFUSED, "not a name", "node id"), 1);
	ask(2, "main.example", "", 0);
	fx_expect(r, MSG_SESSION_DENY, 2);
	ck_assert_int_eq(records(REFUSED, "main.example", "the node id is"),
	    1);
	ask_as(NODE_PEER, 3, "main.example", "", 0);
	fx_expect(r, MSG_SESSION_DENY, 3);
	ck_assert_int_eq(records(REFUSED, "main.example", "the node id is"),
	    2);
}
END_TEST

START_TEST(refused_as_a_clone)
{
	int i;

	fx_trust(r, AUTH_OPEN, NULL, 0);
	for (i = 1; i <= 2 * LIMIT_CLONE_SWITCHES + 2; i++)
		fx_open(r, (uint64_t)i, "bob.home", i % 2 ? "a" : "b", "x",
		    i);
	fx_settle(r);
	ck_assert_int_ge(records(REFUSED, "bob.home", "another node with"),
	    1);
}
END_TEST

/* --- ends --- */

static void
link_alice(uint64_t session)
{
	struct client c = challenged("alice.home", 1, 0);

	ask(session, "alice.home", header(&c), 1);
	is_accepted(session);
}

static void
order(uint8_t op)
{
	const struct node_request q = { .op = op,
	    .node = span_str("alice.home"), .url = span_str(""),
	    .pin = span_str("") };

	registry_ctl_node(r, 9, &q, fx_now());
	fx_settle(r);
}

START_TEST(a_cut_link_ends_once)
{
	link_alice(5);
	order(CTL_NODE_DISABLE);
	ck_assert_int_eq(records(ENDED, "alice.home", "the node is disabled"),
	    1);
	/* Asked for again before the router has done it. */
	order(CTL_NODE_DISABLE);
	registry_close(r, 5, span_str("no longer authorized"), at(3));
	fx_settle(r);
	ck_assert_int_eq(records(ENDED, "alice.home", ""), 1);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM audit WHERE event ="
	    " 5 AND object = '192.0.2.7:7'"), 1);
	/* And so it is in the database. */
	ck_assert_int_eq(fx_number("SELECT count(*) FROM session WHERE reason"
	    " = 'the node is disabled' AND closed IS NOT NULL"), 1);
}
END_TEST

START_TEST(others_end_by_the_routers_word)
{
	link_alice(5);
	registry_close(r, 5, span_str("timeout"), at(3));
	registry_close(r, 5, span_str("timeout"), at(3));
	fx_settle(r);
	ck_assert_int_eq(records(ENDED, "alice.home", "timeout"), 1);
	ck_assert_int_eq(records(ENDED, "alice.home", ""), 1);
}
END_TEST

/* The next session of that node has an end of its own. */
START_TEST(and_the_next_one)
{
	link_alice(5);
	order(CTL_NODE_DISABLE);
	registry_close(r, 5, span_str("no longer authorized"), at(3));
	order(CTL_NODE_ENABLE);
	link_alice(6);
	registry_close(r, 6, span_str("gone"), at(4));
	fx_settle(r);
	ck_assert_int_eq(records(ENDED, "alice.home", ""), 2);
	ck_assert_int_eq(records(ENDED, "alice.home", "gone"), 1);
}
END_TEST

START_TEST(a_resumed_link_that_is_cut)
{
	link_alice(5);
	fx_settle(r);
	r = fixture_restart(r, 10);
	fx_trust(r, AUTH_REQUIRED, NULL, 10);
	fx_settle(r);
	fx_resume(r, 5, 1, "alice.home", 11);
	fx_settle(r);
	ck_assert_int_eq(records(ENDED, "alice.home", "its credential is gone"),
	    1);
	registry_close(r, 5, span_str("no longer authorized"), at(12));
	fx_settle(r);
	ck_assert_int_eq(records(ENDED, "alice.home", ""), 1);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("knock");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, answered);
	tcase_add_test(tc, answered_wrongly);
	tcase_add_test(tc, never_answered);
	tcase_add_test(tc, knocks_again);
	tcase_add_test(tc, answered_elsewhere);
	tcase_add_test(tc, as_many_as_may_be);
	tcase_add_test(tc, refused_by_name);
	tcase_add_test(tc, refused_as_a_clone);
	tcase_add_test(tc, a_cut_link_ends_once);
	tcase_add_test(tc, others_end_by_the_routers_word);
	tcase_add_test(tc, and_the_next_one);
	tcase_add_test(tc, a_resumed_link_that_is_cut);
	return (suite_run("registry knock", tc));
}
