/* SPDX-License-Identifier: ISC */
/*
 * What Mains have proved, after another configuration is in force and after
 * another registry has started, which did not see it.
 */
#include "tests/unit/registry_prove_fixture.h"
#include "tests/unit/suite.h"

START_TEST(uplink_is_cut)
{
	const struct reply *reply;

	expect_key(1);
	configure();
	(void)prove(NODE_UPLINK, 5, 0, 1, "main.x", ASKED);
	uplink(1, 5, "main.x", answer("main.x", false, 1));
	is_accepted(1);
	expect_key(2);
	expect_key(1);
	fx_trust(r, AUTH_REQUIRED, &list, 0);
	fx_silent(r);
	expect_key(2);
	fx_trust(r, AUTH_REQUIRED, &list, 0);
	reply = fx_expect(r, MSG_SESSION_END, 1);
	ck_assert_uint_eq(reply->status, 1008);
	fx_trust(r, AUTH_REQUIRED, NULL, 0);
	fx_silent(r);
}
END_TEST

/* Who may not stay goes, whether that can be written or not. */
START_TEST(cut_without_writing)
{
	struct client c;
	sqlite3 *lock;

	teardown();
	main_setup();
	give(&list, HOLDER_HOME, 0, "a.home", AUTH_BY_KEY, key_conf(1), NULL);
	give(&list, HOLDER_HOME, 0, "b.home", AUTH_BY_KEY, key_conf(2), NULL);
	configure();
	c = challenged("a.home", 1, 0);
	ask(1, "a.home", header(&c), 0);
	is_accepted(1);
	c = challenged("b.home", 2, 0);
	ask(2, "b.home", header(&c), 0);
	is_accepted(2);
	lock = fx_lock();
	fx_trust(r, AUTH_REQUIRED, NULL, 1);
	ck_assert_uint_eq(fx_expect(r, MSG_SESSION_END, 1)->status, 1008);
	ck_assert_uint_eq(fx_expect(r, MSG_SESSION_END, 2)->status, 1008);
	fx_unlock(lock);
}
END_TEST

/* The configuration names another Main for the uplink that is up. */
START_TEST(uplink_of_another)
{
	static const struct uplink_conf uplinks[] = {
		{ "up0", 443, "/ws/federation", "main.x" },
		{ "up1", 443, "/ws/federation", "main.two" } };
	const struct trust_conf conf = { AUTH_REQUIRED, "", uplinks, 2 };

	configure();
	uplink(1, 5, "main.x", "");
	is_accepted(1);
	opened(NODE_UPLINK, 2, 6, 1, "main.one", "");
	is_accepted(2);
	fx_settle(r);
	registry_configure_trust(r, 1, &conf, &list, at(1));
	ck_assert_uint_eq(fx_expect(r, MSG_SESSION_END, 2)->status, 1008);
	fx_silent(r);
}
END_TEST

/* The router has that link, which it dialled for that generation. */
static void
resumed(enum node_kind kind, uint64_t session, uint32_t index,
    uint32_t generation, const char *main_id)
{
	const struct session_request q = { .session = session, .kind = kind,
	    .node = span_str(main_id), .boot = span_str(""),
	    .address = span_str("192.0.2.2:443"), .peer = index,
	    .generation = generation };

	registry_resume(r, &q, 1, at(1));
}

static void
is_cut(uint64_t session)
{
	ck_assert_uint_eq(fx_expect(r, MSG_SESSION_END, session)->status,
	    1008);
	fx_silent(r);
}

/* An uplink that has proved the first key, and then the next registry. */
static void
restarted(void)
{
	expect_key(1);
	configure();
	(void)prove(NODE_UPLINK, 5, 0, 1, "main.x", ASKED);
	uplink(1, 5, "main.x", answer("main.x", false, 1));
	is_accepted(1);
	fx_settle(r);
	r = fixture_restart(r, 1);
	fx_settle(r);
}

/* Its generation and index may be those of another configuration. */
START_TEST(uplink_outlives)
{
	restarted();
	expect_key(1);
	configure();
	resumed(NODE_UPLINK, 1, _i, 1 - (uint32_t)_i, "main.x");
	fx_silent(r);
	expect_key(2);
	expect_key(1);
	fx_trust(r, AUTH_REQUIRED, &list, 0);
	fx_silent(r);
	expect_key(2);
	fx_trust(r, AUTH_REQUIRED, &list, 0);
	is_cut(1);
}
END_TEST

START_TEST(uplink_changed_meanwhile)
{
	restarted();
	expect_key(2);
	configure();
	resumed(NODE_UPLINK, 1, 0, 1, "main.x");
	is_cut(1);
	ck_assert_uint_ne(fx_number("SELECT count(*) FROM audit"
	    " WHERE detail LIKE 'what it has proved%'"), 0);
}
END_TEST

/* Now the block names another, or it is none of these. */
START_TEST(uplink_moved)
{
	static const struct uplink_conf uplinks[] = {
		{ "other", 443, "/ws/federation", "main.x" },
		{ "up0", 443, "/ws/federation", "main.y" } };
	const struct trust_conf conf = { AUTH_REQUIRED, "", uplinks,
	    _i == 0 ? 2 : 1 };

	restarted();
	give(&list, HOLDER_UPLINK, 1, "", AUTH_BY_KEY, key_conf(1), NULL);
	ck_assert(credentials_seal(&list));
	registry_configure_trust(r, 1, &conf, &list, at(1));
	resumed(NODE_UPLINK, 1, 0, 1, "main.x");
	if (_i == 0)
		is_cut(1);
	else		/* the front-end closes it */
		fx_silent(r);
}
END_TEST

/* Its row was lost: without one it has proved nothing. */
START_TEST(uplink_without_a_row)
{
	restarted();
	fx_sql("DELETE FROM place");
	if (_i > 0)
		expect_key(1);
	configure();
	resumed(NODE_UPLINK, 1, 0, _i == 2 ? 7 : 1, "main.x");
	if (_i > 0) {
		is_cut(1);
		return;
	}
	fx_silent(r);
	resumed(NODE_UPLINK, 2, 0, 1, "main.x");	/* there is one */
	is_cut(2);
	expect_key(1);
	fx_trust(r, AUTH_REQUIRED, &list, 0);
	is_cut(1);
}
END_TEST

/* What has ended is not ended again, and nothing is left of it. */
START_TEST(uplink_is_gone)
{
	restarted();
	expect_key(1);
	configure();
	resumed(NODE_UPLINK, 1, 0, 1, "main.x");
	if (_i == 0)
		fx_close(r, 1, 2);
	else
		registry_router_gone(r, at(2));
	fx_settle(r);
	expect_key(2);
	fx_trust(r, AUTH_REQUIRED, &list, 0);
	fx_silent(r);
	if (_i == 0) {
		ck_assert_int_eq(fx_number("SELECT count(*) FROM place"), 0);
		ck_assert_int_eq(fx_number("SELECT count(*) FROM audit"
		    " WHERE subject = 'main.x' AND detail = 'gone'"), 1);
	} else {
		/* The channel alone broke. */
		resumed(NODE_UPLINK, 1, 0, 1, "main.x");
		is_cut(1);
	}
}
END_TEST

/* It was dialled for a generation that is long gone. */
START_TEST(peer_outlives)
{
	dials_peers(1);
	give(&list, HOLDER_PEER, 0, "b.main", AUTH_BY_KEY, key_conf(1), NULL);
	configure();
	ck_assert_ptr_nonnull(prove(NODE_PEER, 5, 0, 1, "b.main", ASKED));
	opened(NODE_PEER, 1, 5, 0, "b.main", answer("b.main", true, 1));
	is_accepted(1);
	fx_settle(r);
	r = fixture_restart(r, 1);
	fx_peers(r, _i == 0 ? 1 : 2, 1, 0);
	give(&list, HOLDER_PEER, 0, "b.main", AUTH_BY_KEY, key_conf(1), NULL);
	configure();
	resumed(NODE_PEER, 1, 0, 1, "b.main");
	fx_silent(r);
	give(&list, HOLDER_PEER, 0, "b.main", AUTH_BY_KEY, key_conf(2), NULL);
	fx_trust(r, AUTH_REQUIRED, &list, 0);
	is_cut(1);
	fx_close(r, 1, 2);
	fx_settle(r);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM place"), 0);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("outlives");

	tcase_add_checked_fixture(tc, prove_setup, teardown);
	tcase_add_test(tc, uplink_is_cut);
	tcase_add_test(tc, cut_without_writing);
	tcase_add_test(tc, uplink_of_another);
	tcase_add_loop_test(tc, uplink_outlives, 0, 2);
	tcase_add_test(tc, uplink_changed_meanwhile);
	tcase_add_loop_test(tc, uplink_moved, 0, 2);
	tcase_add_loop_test(tc, uplink_without_a_row, 0, 3);
	tcase_add_loop_test(tc, uplink_is_gone, 0, 2);
	tcase_add_loop_test(tc, peer_outlives, 0, 2);
	return (suite_run("outlives", tc));
}
