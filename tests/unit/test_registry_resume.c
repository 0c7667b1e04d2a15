/* SPDX-License-Identifier: ISC */
/* The registry: sessions that outlive it, limits, and this node. */
#include "tests/unit/registry_case.h"
#include "tests/unit/registry_fixture.h"
#include "tests/unit/suite.h"

/* --- sessions that outlive the registry --- */

START_TEST(restart_closes_sessions)
{
	fx_home(r, 11, "alice.home", 0);
	r = fixture_restart(r, 100);
	ck_assert_int_eq(fx_number(LIVE), 0);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM service"), 0);
	ck_assert_int_eq(fx_number("SELECT closed FROM session"
	    " WHERE id = 11 AND reason = 'restart'"), T0 + 100);
}
END_TEST

START_TEST(resume_brings_back)
{
	fx_open(r, 11, "alice.home", "boot", "192.0.2.1:1", 0);
	fx_settle(r);
	r = fixture_restart(r, 100);
	fx_resume(r, 11, 1, "alice.home", 110);
	fx_silent(r);
	ck_assert_int_eq(fx_number("SELECT since FROM session WHERE id = 11"
	    " AND closed IS NULL AND epoch = 1 AND boot = 'boot'"), T0);
	/* It is the current one again in every way. */
	fx_home(r, 12, "alice.home", 120);
	fx_close(r, 11, 130);
	fx_silent(r);
	ck_assert_int_eq(fx_number("SELECT epoch FROM session WHERE id = 12"),
	    2);
}
END_TEST

START_TEST(resume_without_a_row)
{
	fx_resume(r, 11, 41, "alice.home", 0);
	ck_assert(fx_expect(r, MSG_NODE_STATE, 0)->known);
	ck_assert_int_eq(fx_number("SELECT epoch FROM session WHERE id = 11"
	    " AND closed IS NULL"), 41);
	fx_open(r, 12, "alice.home", "", "", 10);
	ck_assert_uint_eq(fx_expect(r, MSG_SESSION_ACCEPT, 12)->epoch, 42);
}
END_TEST

START_TEST(resume_of_an_old_epoch)
{
	fx_resume(r, 11, 41, "alice.home", 0);
	fx_close(r, 11, 1);
	fx_settle(r);
	/* Nobody has the node, so it may; the next one is new all the same. */
	fx_resume(r, 12, 7, "alice.home", 2);
	fx_settle(r);
	ck_assert_int_eq(fx_number(LIVE), 1);
	fx_open(r, 13, "alice.home", "", "", 10);
	ck_assert_uint_eq(fx_expect(r, MSG_SESSION_ACCEPT, 13)->epoch, 42);
}
END_TEST

START_TEST(resume_of_what_is_stale)
{
	fx_open(r, 11, "alice.home", "", "", 0);
	fx_open(r, 12, "alice.home", "", "", 0);
	fx_settle(r);
	/* An older session, the same epoch by another, a wrong epoch. */
	fx_resume(r, 11, 1, "alice.home", 10);
	fx_silent(r);
	fx_resume(r, 13, 2, "alice.home", 10);
	fx_silent(r);
	fx_resume(r, 12, 9, "alice.home", 10);
	fx_silent(r);
	/* A session of another node, an id nobody may have. */
	fx_resume(r, 12, 2, "bob.home", 10);
	fx_silent(r);
	fx_resume(r, 14, 1, "no node", 10);
	fx_silent(r);
	fx_resume(r, 15, 1, "main.example", 10);
	fx_silent(r);
	ck_assert_int_eq(fx_number(LIVE), 1);
	ck_assert_int_eq(fx_number("SELECT epoch FROM session WHERE id = 12"
	    " AND node = 'alice.home'"), 2);
	ck_assert_uint_eq(registry_stats(r)->stale, 6);
	ck_assert_uint_eq(registry_stats(r)->resumed, 0);
}
END_TEST

START_TEST(router_gone_ends_sessions)
{
	fx_home(r, 11, "alice.home", 0);
	fx_open(r, 12, "bob.home", "", "", 0);
	registry_router_gone(r, at(10));
	fx_silent(r);
	ck_assert_int_eq(fx_number(LIVE), 0);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM service"), 0);
	/* The channel alone broke: its sessions come back. */
	fx_resume(r, 11, 1, "alice.home", 20);
	fx_silent(r);
	ck_assert_int_eq(fx_number(LIVE), 1);
}
END_TEST

/* --- the limit of nodes --- */

START_TEST(limit_purges_longest_not_seen)
{
	const struct reply *n;

	fixture_free(r);
	r = fixture_main(4);			/* itself and three more */
	fx_home(r, 1, "a", 0);
	fx_home(r, 2, "b", 1);
	fx_home(r, 3, "c", 2);
	fx_close(r, 1, 10);
	fx_close(r, 2, 10);
	fx_settle(r);
	fx_open(r, 4, "d", "", "", 20);
	n = fx_expect(r, MSG_NODE_STATE, 0);
	ck_assert_str_eq(n->node, "a");
	ck_assert(!n->known);
	fx_expect(r, MSG_SESSION_ACCEPT, 4);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM node"), 4);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM node"
	    " WHERE id IN ('a')"), 0);
}
END_TEST

START_TEST(limit_never_purges_the_connected)
{
	const struct reply *d;

	fixture_free(r);
	r = fixture_main(3);
	fx_home(r, 1, "a", 0);
	fx_home(r, 2, "b", 0);
	fx_open(r, 3, "c", "", "", 10);
	d = fx_expect(r, MSG_SESSION_DENY, 3);
	ck_assert_uint_eq(d->status, 503);
	ck_assert_int_eq(d->code, REGISTRY_OVERLOADED);
	ck_assert_uint_gt(d->retry_after_ms, 0);
	fx_resume(r, 4, 1, "d", 10);
	fx_silent(r);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM node"), 3);
	/* One that is known needs no room. */
	fx_open(r, 5, "a", "", "", 10);
	fx_expect(r, MSG_SESSION_ACCEPT, 5);
}
END_TEST

START_TEST(limit_counts_over_a_restart)
{
	fx_home(r, 1, "a", 0);
	fx_home(r, 2, "b", 0);
	r = fixture_restart(r, 1);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM node"), 3);
	fx_open(r, 3, "c", "", "", 10);
	fx_expect(r, MSG_SESSION_ACCEPT, 3);
}
END_TEST

/* --- this node --- */

START_TEST(new_own_id)
{
	char ids[4][LIMIT_NODE_ID + 1];

	fx_home(r, 1, "alice.home", 0);
	/* It takes the id of a node that was a home. */
	registry_configure(r, ROLE_MAIN, "alice.home", at(5));
	ck_assert_int_eq(fx_number("SELECT count(*) FROM node"), 1);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM session"
	    " WHERE id = 0 AND node = 'alice.home'"), 1);
	ck_assert_uint_eq(registry_nodes(r, "", ids, 4), 0);
	fx_open(r, 2, "alice.home", "", "", 10);
	fx_expect(r, MSG_SESSION_DENY, 2);
	fx_open(r, 3, "main.example", "", "", 10);
	fx_expect(r, MSG_SESSION_ACCEPT, 3);
}
END_TEST

START_TEST(nodes_in_parts)
{
	char ids[2][LIMIT_NODE_ID + 1];

	fx_home(r, 1, "c", 0);
	fx_home(r, 2, "a", 0);
	fx_home(r, 3, "b", 0);
	fx_close(r, 3, 1);
	fx_settle(r);
	ck_assert_uint_eq(registry_nodes(r, "", ids, 2), 2);
	ck_assert_str_eq(ids[0], "a");
	ck_assert_str_eq(ids[1], "b");
	ck_assert_uint_eq(registry_nodes(r, "b", ids, 2), 1);
	ck_assert_str_eq(ids[0], "c");
	ck_assert_uint_eq(registry_nodes(r, "c", ids, 2), 0);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("resume");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, restart_closes_sessions);
	tcase_add_test(tc, resume_brings_back);
	tcase_add_test(tc, resume_without_a_row);
	tcase_add_test(tc, resume_of_an_old_epoch);
	tcase_add_test(tc, resume_of_what_is_stale);
	tcase_add_test(tc, router_gone_ends_sessions);
	tcase_add_test(tc, limit_purges_longest_not_seen);
	tcase_add_test(tc, limit_never_purges_the_connected);
	tcase_add_test(tc, limit_counts_over_a_restart);
	tcase_add_test(tc, new_own_id);
	tcase_add_test(tc, nodes_in_parts);
	return (suite_run("registry resume", tc));
}
