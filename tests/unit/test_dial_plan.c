/* SPDX-License-Identifier: ISC */
/* Which uplink is dialled when (relayd/dialer/plan.h). */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/dial_plan_fixture.h"
#include "tests/unit/suite.h"

START_TEST(nothing_without_uplink_or_taker)
{
	expect_nothing();
	expect_timer(-1);
	plan_set_taker(&plan, true, now);
	expect_nothing();
	plan_set_taker(&plan, false, now);
	configure(2);
	expect_nothing();
	expect_timer(-1);
}
END_TEST

START_TEST(primary_first_at_once)
{
	start(3);
	expect_timer(0);
	expect_dial(0);
	/* One at a time. */
	expect_nothing();
	expect_timer(-1);
}
END_TEST

START_TEST(fallbacks_in_order_then_backoff)
{
	uint32_t	i;

	start(3);
	for (i = 0; i < 3; i++) {
		expect_dial(i);
		unreached(RANDOM_MAX);
	}
	expect_nothing();
	expect_timer(LIMIT_BACKOFF_MIN_MS);
	later(LIMIT_BACKOFF_MIN_MS - 1);
	expect_nothing();
	later(1);
	expect_dial(0);
}
END_TEST

START_TEST(backoff_doubles_to_its_cap)
{
	int64_t	want = LIMIT_BACKOFF_MIN_MS;
	int	i;

	start(1);
	for (i = 0; i < 40; i++) {
		expect_dial(0);
		unreached(RANDOM_MAX);
		expect_timer(want);
		later(want);
		want = want * 2 < LIMIT_BACKOFF_MAX_MS ? want * 2 :
		    LIMIT_BACKOFF_MAX_MS;
	}
}
END_TEST

START_TEST(jitter_is_full)
{
	start(1);
	expect_dial(0);
	unreached(0);
	expect_timer(0);
	expect_dial(0);
	unreached(UINT32_MAX / 2);
	expect_timer(LIMIT_BACKOFF_MIN_MS);
}
END_TEST

START_TEST(retry_after_wins)
{
	start(1);
	expect_dial(0);
	ended(connected(), 30000, 0);
	expect_timer(30000);
	later(29999);
	expect_nothing();
	later(1);
	expect_dial(0);
	/* Also when it is shorter. */
	ended(0, 5, RANDOM_MAX);
	expect_timer(5);
	/* It was for once. */
	later(5);
	expect_dial(0);
	unreached(RANDOM_MAX);
	expect_timer(4 * LIMIT_BACKOFF_MIN_MS);
}
END_TEST

START_TEST(retry_after_has_a_cap)
{
	start(1);
	expect_dial(0);
	ended(0, UINT32_MAX, 0);
	expect_timer(LIMIT_RETRY_AFTER_MS);
}
END_TEST

START_TEST(retry_after_of_one_leaves_the_others)
{
	start(2);
	expect_dial(0);
	ended(0, 60000, 0);
	expect_dial(1);
	unreached(RANDOM_MAX);
	/* The next round has only the second. */
	later(LIMIT_BACKOFF_MIN_MS);
	expect_dial(1);
	unreached(RANDOM_MAX);
	later(60000);
	expect_dial(0);
}
END_TEST

START_TEST(all_asked_for_later)
{
	start(2);
	expect_dial(0);
	ended(0, 9000, 0);
	expect_dial(1);
	ended(0, 7000, 0);
	expect_nothing();
	expect_timer(7000);
	later(7000);
	expect_dial(1);
}
END_TEST

START_TEST(link_that_ends_early_keeps_the_backoff)
{
	uint64_t	attempt;
	int		i;

	start(1);
	for (i = 0; i < 3; i++) {
		attempt = bring_up(0);
		later(LIMIT_STABLE_MS - 1);
		ended(attempt, 0, RANDOM_MAX);
		expect_timer((int64_t)LIMIT_BACKOFF_MIN_MS << i);
		later(LIMIT_BACKOFF_MIN_MS << i);
	}
	attempt = bring_up(0);
	later(LIMIT_STABLE_MS);
	ended(attempt, 0, RANDOM_MAX);
	expect_timer(LIMIT_BACKOFF_MIN_MS);
}
END_TEST

START_TEST(after_a_link_the_primary_is_first)
{
	start(2);
	expect_dial(0);
	unreached(0);
	ended(bring_up(1), 0, 0);
	expect_dial(0);
}
END_TEST

START_TEST(silent_taker)
{
	uint64_t	attempt;

	start(2);
	expect_dial(0);
	attempt = connected();
	expect_timer(LIMIT_HANDSHAKE_MS + LIMIT_CLOSE_MS);
	later(LIMIT_HANDSHAKE_MS + LIMIT_CLOSE_MS - 1);
	expect_nothing();
	later(1);
	ck_assert_int_eq(plan_poll(&plan, now, &todo), PLAN_DO_GIVE_UP);
	ck_assert_uint_eq(todo.attempt, attempt);
	ended(todo.attempt, 0, 0);
	expect_dial(1);
}
END_TEST

START_TEST(primary_up_has_no_timer)
{
	start(2);
	bring_up(0);
	later(10 * (LIMIT_STABLE_MS + LIMIT_HOLD_DOWN_MS));
	expect_nothing();
	expect_timer(-1);
}
END_TEST

START_TEST(events_out_of_turn)
{
	uint64_t	attempt;

	start(1);
	/* Not dialled: cannot connect, fail or come up. */
	ended(0, 5000, RANDOM_MAX);
	ended(1, 5000, RANDOM_MAX);
	plan_up(&plan, 0, now);
	plan_connected(&plan, 9, "x", now);
	ck_assert(!plan_registered(&plan, 0, now));
	expect_link(PLAN_WAIT, 0);
	expect_dial(0);
	plan_up(&plan, 0, now);
	ck_assert(!plan_registered(&plan, 0, now));
	expect_link(PLAN_DIALING, 0);
	attempt = connected();
	/* Connected: no dial is under way, and another attempt is none. */
	ended(0, 5000, RANDOM_MAX);
	ended(attempt + 1, 5000, RANDOM_MAX);
	plan_up(&plan, attempt + 1, now);
	ck_assert(!plan_registered(&plan, attempt, now));
	plan_connected(&plan, 9, "x", now);
	expect_link(PLAN_HANDSHAKE, 0);
	ck_assert_ptr_null(plan_find(&plan, 0));
	ck_assert_ptr_null(plan_find(&plan, 9));
	plan_up(&plan, attempt, now);
	/* Registered changes nothing where there is no candidate. */
	ck_assert(!plan_registered(&plan, attempt, now));
	plan_up(&plan, attempt, now);
	expect_link(PLAN_UP, 0);
	ended(attempt, 0, RANDOM_MAX);
	expect_timer(LIMIT_BACKOFF_MIN_MS);
	/* Twice is once. */
	ended(attempt, 60000, RANDOM_MAX);
	expect_timer(LIMIT_BACKOFF_MIN_MS);
}
END_TEST

START_TEST(new_taker_dials_at_once)
{
	start(1);
	expect_dial(0);
	unreached(RANDOM_MAX);
	plan_set_taker(&plan, false, now);
	expect_nothing();
	later(100000);
	expect_nothing();
	plan_set_taker(&plan, true, now);
	expect_dial(0);
}
END_TEST

START_TEST(reload_keeps_what_is_still_there)
{
	struct plan_uplink	list[2];
	uint64_t		attempt;

	start(2);
	expect_dial(0);
	unreached(0);
	attempt = bring_up(1);
	/* The same list changes nothing, not even a wait. */
	configure(2);
	expect_link(PLAN_UP, 1);
	/* The one in use is now the first. */
	list[0] = plan.uplinks[1];
	list[1] = plan.uplinks[0];
	plan_set_uplinks(&plan, list, 2, now);
	expect_link(PLAN_UP, 0);
	ck_assert_uint_eq(plan.link.attempt, attempt);
	/* A path makes it another one. */
	strcpy(list[0].path, "/other");
	plan_set_uplinks(&plan, list, 2, now);
	ck_assert_ptr_null(plan_find(&plan, attempt));
	expect_dial(0);
}
END_TEST

START_TEST(reload_ends_a_dial_that_is_not_wanted)
{
	start(2);
	expect_dial(0);
	unreached(0);
	expect_dial(1);
	configure(1);
	ck_assert_ptr_null(plan_find(&plan, 0));
	expect_dial(0);
}
END_TEST

START_TEST(reload_ends_a_wait_only_if_it_changes)
{
	start(1);
	expect_dial(0);
	unreached(RANDOM_MAX);
	configure(1);
	expect_nothing();
	configure(2);
	expect_dial(0);
}
END_TEST

START_TEST(reload_does_not_forget_what_a_main_asked)
{
	start(1);
	expect_dial(0);
	ended(0, 60000, 0);
	configure(2);
	expect_dial(1);
}
END_TEST

START_TEST(reload_to_none)
{
	uint64_t	attempt;

	start(2);
	attempt = bring_up(0);
	configure(0);
	expect_nothing();
	expect_link(PLAN_IDLE, 0);
	ended(attempt, 0, 0);
	expect_link(PLAN_IDLE, 0);
	expect_timer(-1);
	configure(LIMIT_UPLINKS);
	expect_dial(0);
}
END_TEST

/* --- what a front-end holds when it comes --- */

/* As configure() makes it. */
static bool
adopt(uint16_t port, const char *path)
{
	struct plan_uplink	u;

	memset(&u, 0, sizeof(u));
	strcpy(u.host, "main.example");
	strcpy(u.path, path);
	u.port = port;
	return (plan_adopt(&plan, &u, 100U + port, "192.0.2.9:1", now));
}

/* The one on that port, and that is all. */
static void
adopt_only(uint16_t port)
{
	ck_assert(adopt(port, "/ws/federation"));
	plan_set_taker(&plan, true, now);
}

START_TEST(adopted_is_up)
{
	configure(3);
	expect_nothing();
	adopt_only(2);
	expect_link(PLAN_UP, 1);
	ck_assert_uint_eq(plan.link.attempt, 102);
	ck_assert_str_eq(plan.link.address, "192.0.2.9:1");
	expect_nothing();
	expect_timer(LIMIT_HOLD_DOWN_MS);
	/* As any other that is up. */
	configure(2);
	expect_link(PLAN_UP, 1);
	configure(1);
	expect_dial(0);
}
END_TEST

START_TEST(adopts_only_what_is_configured)
{
	configure(2);
	ck_assert(!adopt(3, "/ws/federation"));
	ck_assert(!adopt(1, "/other"));
	expect_nothing();
	plan_set_taker(&plan, true, now);
	expect_dial(0);
	plan_set_taker(&plan, false, now);
	configure(0);
	ck_assert(!adopt(1, "/ws/federation"));
	plan_set_taker(&plan, true, now);
	expect_link(PLAN_IDLE, 0);
	expect_nothing();
}
END_TEST

START_TEST(adopts_the_first_in_the_list)
{
	configure(3);
	ck_assert(adopt(3, "/ws/federation"));
	ck_assert(adopt(2, "/ws/federation"));
	/* Not a later one, nor the same again. */
	ck_assert(!adopt(3, "/ws/federation"));
	ck_assert(!adopt(2, "/ws/federation"));
	plan_set_taker(&plan, true, now);
	expect_link(PLAN_UP, 1);
	ck_assert_uint_eq(plan.link.attempt, 102);
	ck_assert_ptr_null(plan_find(&plan, 103));
	/* Not once it said that this was all. */
	ck_assert(!adopt(1, "/ws/federation"));
}
END_TEST

START_TEST(adopted_then_down)
{
	configure(3);
	adopt_only(2);
	ended(102, 0, RANDOM_MAX);
	expect_link(PLAN_WAIT, 0);
	expect_timer(LIMIT_BACKOFF_MIN_MS);
	later(LIMIT_BACKOFF_MIN_MS);
	expect_dial(0);
	unreached(RANDOM_MAX);
	expect_dial(1);
}
END_TEST

START_TEST(adopted_then_asked_for_later)
{
	configure(1);
	adopt_only(1);
	ended(101, 5000, 0);
	later(4999);
	expect_nothing();
	later(1);
	expect_dial(0);
}
END_TEST

START_TEST(adopted_and_down_before_the_end)
{
	configure(1);
	ck_assert(adopt(1, "/ws/federation"));
	ended(101, 5000, 0);
	expect_nothing();
	expect_link(PLAN_IDLE, 0);
	plan_set_taker(&plan, true, now);
	expect_nothing();
	later(5000);
	expect_dial(0);
}
END_TEST

START_TEST(adopted_ends_with_its_taker)
{
	configure(2);
	adopt_only(2);
	plan_set_taker(&plan, false, now);
	expect_link(PLAN_IDLE, 0);
	expect_nothing();
	plan_set_taker(&plan, true, now);
	expect_dial(0);
}
END_TEST

int
main(void)
{
	TCase	*t = tcase_create("dial_plan");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, nothing_without_uplink_or_taker);
	tcase_add_test(t, primary_first_at_once);
	tcase_add_test(t, fallbacks_in_order_then_backoff);
	tcase_add_test(t, backoff_doubles_to_its_cap);
	tcase_add_test(t, jitter_is_full);
	tcase_add_test(t, retry_after_wins);
	tcase_add_test(t, retry_after_has_a_cap);
	tcase_add_test(t, retry_after_of_one_leaves_the_others);
	tcase_add_test(t, all_asked_for_later);
	tcase_add_test(t, link_that_ends_early_keeps_the_backoff);
	tcase_add_test(t, after_a_link_the_primary_is_first);
	tcase_add_test(t, silent_taker);
	tcase_add_test(t, primary_up_has_no_timer);
	tcase_add_test(t, events_out_of_turn);
	tcase_add_test(t, new_taker_dials_at_once);
	tcase_add_test(t, reload_keeps_what_is_still_there);
	tcase_add_test(t, reload_ends_a_dial_that_is_not_wanted);
	tcase_add_test(t, reload_ends_a_wait_only_if_it_changes);
	tcase_add_test(t, reload_does_not_forget_what_a_main_asked);
	tcase_add_test(t, reload_to_none);
	tcase_add_test(t, adopted_is_up);
	tcase_add_test(t, adopts_only_what_is_configured);
	tcase_add_test(t, adopts_the_first_in_the_list);
	tcase_add_test(t, adopted_then_down);
	tcase_add_test(t, adopted_then_asked_for_later);
	tcase_add_test(t, adopted_and_down_before_the_end);
	tcase_add_test(t, adopted_ends_with_its_taker);
	return (suite_run("dial_plan", t));
}
