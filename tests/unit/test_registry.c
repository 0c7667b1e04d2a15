/* SPDX-License-Identifier: ISC */
/* The registry: sessions. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/registry_case.h"
#include "tests/unit/registry_fixture.h"
#include "tests/unit/suite.h"

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
	{ "", NODE_PEER, 400, REGISTRY_INVALID },
	{ "other main", NODE_PEER, 400, REGISTRY_INVALID },
	{ "other.main@main.example", NODE_PEER, 400, REGISTRY_INVALID },
	{ "main.example", NODE_PEER, 409, REGISTRY_DUPLICATE_NODE },
	{ "Main.Example", NODE_PEER, 409, REGISTRY_DUPLICATE_NODE },
};

START_TEST(refuses_node)
{
	struct session_request q = { .session = 11, .kind = refused[_i].kind,
	    .node = span_str(refused[_i].node), .boot = span_str("b"),
	    .address = span_str("a"), .peer = PEER_NONE, .local = true };
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

/* --- seen --- */

START_TEST(seen_waits_for_the_tick)
{
	fx_home(r, 11, "alice.home", 0);
	registry_seen(r, 11, 0, at(500));
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
	registry_seen(r, 11, 0, at(500));		/* replaced */
	registry_seen(r, 99, 0, at(500));		/* never there */
	registry_seen(r, 12, 0, at(-5000));	/* the clock was set back */
	registry_tick(r, at(1000));
	ck_assert_int_eq(fx_number("SELECT max(last_seen) FROM node"),
	    T0 + 10);
	fx_close(r, 12, 1000);
	registry_seen(r, 12, 0, at(1500));		/* closed */
	registry_tick(r, at(2000));
	ck_assert_int_eq(fx_number("SELECT max(last_seen) FROM node"),
	    T0 + 10);
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
	tcase_add_test(tc, seen_waits_for_the_tick);
	tcase_add_test(tc, seen_by_whom_it_does_not_count);
	return (suite_run("registry", tc));
}
