/* SPDX-License-Identifier: ISC */
/*
 * Who has which node: accepting and refusing, takeover, closes that come too
 * late, clones, sessions that outlive the registry, the limit of nodes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/registry_fixture.h"
#include "tests/unit/suite.h"

#define LIVE	"SELECT count(*) FROM session WHERE closed IS NULL AND id <> 0"

static struct registry	*r;

static void
setup(void)
{
	r = fixture_main(100);
}

static void
teardown(void)
{
	fixture_free(r);
}

/* --- accepting --- */

START_TEST(accepts_a_home)
{
	const struct reply *a;

	fx_open(r, 11, "Alice.Home", "b1", "192.0.2.1:1", 0);
	a = fx_expect(r, MSG_NODE_STATE, 0);
	ck_assert_str_eq(a->node, "alice.home");
	ck_assert(a->known);
	a = fx_expect(r, MSG_SESSION_ACCEPT, 11);
	ck_assert_str_eq(a->node, "alice.home");
	ck_assert_uint_eq(a->epoch, 1);
	ck_assert_uint_eq(a->replaced, 0);
	fx_silent(r);
	ck_assert_int_eq(fx_number(LIVE), 1);
	ck_assert_int_eq(fx_number("SELECT since FROM session WHERE id = 11"),
	    T0);
}
END_TEST

START_TEST(says_nothing_before_commit)
{
	fx_open(r, 11, "alice.home", "", "", 0);
	ck_assert(registry_pending(r));
	ck_assert_ptr_null(registry_reply(r));
	ck_assert_int_eq(fx_number(LIVE), 0);
	fx_expect(r, MSG_SESSION_ACCEPT, 11);
	ck_assert_int_eq(fx_number(LIVE), 1);
}
END_TEST

START_TEST(one_transaction_for_a_storm)
{
	uint64_t before = db_commits(registry_db(r));
	char node[32];
	int i;

	for (i = 1; i <= 50; i++) {
		snprintf(node, sizeof(node), "h%d", i);
		fx_open(r, (uint64_t)i, node, "", "192.0.2.1:1", 0);
	}
	fx_settle(r);
	ck_assert_uint_eq(db_commits(registry_db(r)), before + 1);
	ck_assert_int_eq(fx_number(LIVE), 50);
}
END_TEST

static const struct {
	const char	*node;
	enum node_kind	 kind;
	uint16_t	 status;
	int32_t		 code;
} refused[] = {
	{ "", NODE_HOME, 400, REGISTRY_INVALID },
	{ ".", NODE_HOME, 400, REGISTRY_INVALID },
	{ "alice..home", NODE_HOME, 400, REGISTRY_INVALID },
	{ "alice home", NODE_HOME, 400, REGISTRY_INVALID },
	{ "alice@main", NODE_HOME, 400, REGISTRY_INVALID },
	{ "../registry.db", NODE_HOME, 400, REGISTRY_INVALID },
	{ "a'; DROP TABLE node; --", NODE_HOME, 400, REGISTRY_INVALID },
	{ "\xc3\xa4", NODE_HOME, 400, REGISTRY_INVALID },
	{ "main.example", NODE_HOME, 403, REGISTRY_FORBIDDEN },
	{ "MAIN.example", NODE_HOME, 403, REGISTRY_FORBIDDEN },
	{ "other.main", NODE_PEER, 403, REGISTRY_FORBIDDEN },
};

START_TEST(refuses_node)
{
	struct session_request q = { 11, refused[_i].kind,
	    span_str(refused[_i].node), span_str("b"), span_str("a") };
	const struct reply *d;

	registry_open(r, &q, at(0));
	d = fx_expect(r, MSG_SESSION_DENY, 11);
	ck_assert_uint_eq(d->status, refused[_i].status);
	ck_assert_int_eq(d->code, refused[_i].code);
	ck_assert_uint_eq(d->retry_after_ms, 0);
	ck_assert_uint_gt(strlen(d->reason), 0);
	fx_silent(r);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM node"), 1);
}
END_TEST

START_TEST(refuses_long_node)
{
	char node[LIMIT_NODE_ID + 2];

	memset(node, 'a', sizeof(node) - 1);
	node[sizeof(node) - 1] = '\0';
	fx_open(r, 11, node, "", "", 0);
	fx_expect(r, MSG_SESSION_DENY, 11);
	node[LIMIT_NODE_ID] = '\0';
	fx_open(r, 12, node, "", "", 0);
	fx_expect(r, MSG_SESSION_ACCEPT, 12);
}
END_TEST

START_TEST(refuses_session_id_in_use)
{
	fx_home(r, 11, "alice.home", 0);
	fx_open(r, 11, "bob.home", "", "", 0);
	ck_assert_uint_eq(fx_expect(r, MSG_SESSION_DENY, 11)->status, 400);
	fx_open(r, 11, "alice.home", "", "", 0);
	fx_expect(r, MSG_SESSION_DENY, 11);
	fx_close(r, 11, 1);
	fx_settle(r);
	fx_open(r, 11, "bob.home", "", "", 2);
	fx_expect(r, MSG_SESSION_DENY, 11);
}
END_TEST

START_TEST(a_home_takes_no_links)
{
	fixture_free(r);
	r = fixture_home();
	fx_open(r, 11, "bob.home", "", "", 0);
	ck_assert_uint_eq(fx_expect(r, MSG_SESSION_DENY, 11)->status, 403);
	fx_resume(r, 12, 4, "bob.home", 0);
	fx_silent(r);
	ck_assert_int_eq(fx_number(LIVE), 0);
}
END_TEST

START_TEST(cleans_text_of_strangers)
{
	char boot[300];

	memset(boot, '\x1b', sizeof(boot) - 1);
	boot[sizeof(boot) - 1] = '\0';
	fx_open(r, 11, "alice.home", boot, "\xff\n", 0);
	fx_expect(r, MSG_SESSION_ACCEPT, 11);
	ck_assert_int_eq(fx_number("SELECT length(boot) FROM session"
	    " WHERE id = 11 AND address = '?' || '?' AND boot NOT LIKE '%' || "
	    "char(27) || '%'"), LIMIT_BOOT_ID);
}
END_TEST

/* --- takeover and late closes --- */

START_TEST(takeover)
{
	const struct reply *a;

	fx_home(r, 11, "alice.home", 0);
	fx_open(r, 12, "alice.home", "", "192.0.2.1:2", 10);
	a = fx_expect(r, MSG_SESSION_ACCEPT, 12);
	ck_assert_uint_eq(a->replaced, 11);
	ck_assert_uint_eq(a->epoch, 2);
	ck_assert_int_eq(fx_number(LIVE), 1);
	/* What the old one offered is gone with it. */
	ck_assert_int_eq(fx_number("SELECT count(*) FROM service"), 0);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM method"), 0);
}
END_TEST

START_TEST(late_close_removes_nothing)
{
	fx_home(r, 11, "alice.home", 0);
	fx_home(r, 12, "alice.home", 10);
	fx_close(r, 11, 20);
	fx_silent(r);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM session"
	    " WHERE id = 12 AND closed IS NULL"), 1);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM service"
	    " WHERE session = 12"), 1);
	ck_assert_uint_eq(registry_stats(r)->stale, 1);
}
END_TEST

START_TEST(closes)
{
	const struct reply *d;

	fx_home(r, 11, "alice.home", 0);
	fx_close(r, 11, 20);
	d = fx_expect(r, MSG_ROUTE_DELETE, 11);
	ck_assert_str_eq(d->node, "alice.home");
	ck_assert_int_eq(fx_number(LIVE), 0);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM service"), 0);
	ck_assert_int_eq(fx_number("SELECT closed FROM session"
	    " WHERE id = 11 AND reason = 'gone'"), T0 + 20);
	/* Known, not connected. */
	ck_assert_int_eq(fx_number("SELECT count(*) FROM node"), 2);
	fx_close(r, 11, 30);
	fx_silent(r);
	fx_close(r, 999, 30);
	fx_silent(r);
	ck_assert_int_eq(fx_number("SELECT closed FROM session WHERE id = 11"),
	    T0 + 20);
}
END_TEST

START_TEST(own_session_cannot_be_closed)
{
	fx_close(r, 0, 1);
	fx_silent(r);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM session"
	    " WHERE id = 0 AND closed IS NULL"), 1);
}
END_TEST

START_TEST(epochs_never_fall)
{
	uint64_t i;

	for (i = 1; i <= 5; i++) {
		fx_open(r, i, "alice.home", "", "192.0.2.1:1", (int64_t)i);
		ck_assert_uint_eq(fx_expect(r, MSG_SESSION_ACCEPT, i)->epoch,
		    i);
		fx_close(r, i, (int64_t)i);
		fx_settle(r);
		r = fixture_restart(r, (int64_t)i);
	}
}
END_TEST

/* --- clones --- */

START_TEST(clone_is_denied)
{
	const struct reply *d;
	uint64_t i;

	for (i = 1; i <= 4; i++) {
		fx_open(r, i, "alice.home", i % 2 ? "a" : "b", "x:1",
		    (int64_t)i * 1000);
		fx_expect(r, MSG_SESSION_ACCEPT, i);
	}
	fx_open(r, 5, "alice.home", "a", "x:1", 5000);
	d = fx_expect(r, MSG_SESSION_DENY, 5);
	ck_assert_uint_eq(d->status, 409);
	ck_assert_int_eq(d->code, REGISTRY_DUPLICATE_NODE);
	ck_assert_uint_eq(d->retry_after_ms, LIMIT_CLONE_MS);
	/* The one that has the node keeps it. */
	ck_assert_int_eq(fx_number("SELECT id FROM session"
	    " WHERE node = 'alice.home' AND closed IS NULL"), 4);
	/* Once it has left, the other may. */
	fx_close(r, 4, 6000);
	fx_settle(r);
	fx_open(r, 6, "alice.home", "a", "x:1", 7000);
	ck_assert_uint_eq(fx_expect(r, MSG_SESSION_ACCEPT, 6)->replaced, 0);
}
END_TEST

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

/* --- seen --- */

START_TEST(seen_waits_for_the_tick)
{
	fx_home(r, 11, "alice.home", 0);
	registry_seen(r, 11, at(500));
	ck_assert(!registry_pending(r));
	ck_assert_int_eq(fx_number("SELECT last_seen FROM node"
	    " WHERE id = 'alice.home'"), T0);
	registry_tick(r, at(1000));
	ck_assert_int_eq(fx_number("SELECT last_seen FROM node"
	    " WHERE id = 'alice.home'"), T0 + 500);
}
END_TEST

START_TEST(seen_by_whom_it_does_not_count)
{
	fx_home(r, 11, "alice.home", 0);
	fx_home(r, 12, "alice.home", 10);
	registry_seen(r, 11, at(500));		/* replaced */
	registry_seen(r, 99, at(500));		/* never there */
	registry_seen(r, 12, at(-5000));	/* the clock was set back */
	registry_tick(r, at(1000));
	ck_assert_int_eq(fx_number("SELECT max(last_seen) FROM node"),
	    T0 + 10);
	fx_close(r, 12, 1000);
	registry_seen(r, 12, at(1500));		/* closed */
	registry_tick(r, at(2000));
	ck_assert_int_eq(fx_number("SELECT max(last_seen) FROM node"),
	    T0 + 10);
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
	registry_free(r);
	r = fixture_restart(NULL, 1);
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
	TCase *tc = tcase_create("sessions");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, accepts_a_home);
	tcase_add_test(tc, says_nothing_before_commit);
	tcase_add_test(tc, one_transaction_for_a_storm);
	tcase_add_loop_test(tc, refuses_node, 0,
	    (int)(sizeof(refused) / sizeof(refused[0])));
	tcase_add_test(tc, refuses_long_node);
	tcase_add_test(tc, refuses_session_id_in_use);
	tcase_add_test(tc, a_home_takes_no_links);
	tcase_add_test(tc, cleans_text_of_strangers);
	tcase_add_test(tc, takeover);
	tcase_add_test(tc, late_close_removes_nothing);
	tcase_add_test(tc, closes);
	tcase_add_test(tc, own_session_cannot_be_closed);
	tcase_add_test(tc, epochs_never_fall);
	tcase_add_test(tc, clone_is_denied);
	tcase_add_test(tc, restart_closes_sessions);
	tcase_add_test(tc, resume_brings_back);
	tcase_add_test(tc, resume_without_a_row);
	tcase_add_test(tc, resume_of_an_old_epoch);
	tcase_add_test(tc, resume_of_what_is_stale);
	tcase_add_test(tc, router_gone_ends_sessions);
	tcase_add_test(tc, seen_waits_for_the_tick);
	tcase_add_test(tc, seen_by_whom_it_does_not_count);
	tcase_add_test(tc, limit_purges_longest_not_seen);
	tcase_add_test(tc, limit_never_purges_the_connected);
	tcase_add_test(tc, limit_counts_over_a_restart);
	tcase_add_test(tc, new_own_id);
	tcase_add_test(tc, nodes_in_parts);
	return (suite_run("registry", tc));
}
