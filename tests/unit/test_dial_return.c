/* SPDX-License-Identifier: ISC */
/* The return to the primary, and peers that are held (relayd/dialer/plan.h). */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/dial_plan_fixture.h"
#include "tests/unit/suite.h"

/* On uplink 1 of n, as the primary could not be reached: its attempt. */
static uint64_t
on_fallback(uint32_t n)
{
	start(n);
	expect_dial(0);
	unreached(0);
	return (bring_up(1));
}

/* The same, with the primary dialled again after the hold-down. */
static uint64_t
returning(uint32_t n)
{
	uint64_t	attempt = on_fallback(n);

	later(LIMIT_HOLD_DOWN_MS);
	expect_dial(0);
	expect_link(PLAN_UP, 1);
	expect_candidate(PLAN_DIALING);
	return (attempt);
}

START_TEST(primary_after_hold_down)
{
	on_fallback(3);
	expect_timer(LIMIT_HOLD_DOWN_MS);
	later(LIMIT_HOLD_DOWN_MS - 1);
	expect_nothing();
	expect_timer(1);
	later(1);
	expect_dial(0);
	/* One is enough. */
	expect_nothing();
	expect_timer(-1);
}
END_TEST

START_TEST(hold_down_can_change)
{
	on_fallback(2);
	plan_set_hold_down(&plan, 5000);
	later(4999);
	expect_nothing();
	plan_set_hold_down(&plan, 7000);
	later(2000);
	expect_nothing();
	later(1);
	expect_dial(0);
	unreached(0);
	/* Nothing is still a pause. */
	plan_set_hold_down(&plan, 0);
	expect_nothing();
	expect_timer(LIMIT_BACKOFF_MIN_MS);
}
END_TEST

START_TEST(candidate_takes_over_when_registered)
{
	uint64_t	old = returning(2), attempt = connected();

	expect_candidate(PLAN_HANDSHAKE);
	expect_timer(LIMIT_HANDSHAKE_MS + LIMIT_CLOSE_MS);
	/* Not before it is up. */
	ck_assert(!plan_registered(&plan, attempt, now));
	expect_link(PLAN_UP, 1);
	plan_up(&plan, attempt, now);
	expect_link(PLAN_UP, 1);
	expect_candidate(PLAN_UP);
	/* That the old one is registered says nothing of it. */
	ck_assert(!plan_registered(&plan, old, now));
	expect_link(PLAN_UP, 1);
	ck_assert(plan_registered(&plan, attempt, now));
	expect_link(PLAN_UP, 0);
	expect_candidate(PLAN_IDLE);
	ck_assert_uint_eq(plan.link.attempt, attempt);
	/* The old one is forgotten: its end is no failure. */
	ck_assert_ptr_null(plan_find(&plan, old));
	ended(old, 60000, RANDOM_MAX);
	expect_link(PLAN_UP, 0);
	expect_nothing();
	expect_timer(-1);
}
END_TEST

START_TEST(candidate_not_reached)
{
	uint64_t	old = returning(2);

	unreached(RANDOM_MAX);
	expect_link(PLAN_UP, 1);
	expect_candidate(PLAN_IDLE);
	ck_assert_uint_eq(plan.link.attempt, old);
	/* No back-off, but the hold-down again. */
	expect_timer(LIMIT_HOLD_DOWN_MS);
	later(LIMIT_HOLD_DOWN_MS);
	expect_dial(0);
}
END_TEST

START_TEST(candidate_refused)
{
	uint64_t	old = returning(2);

	ended(connected(), 0, RANDOM_MAX);
	expect_link(PLAN_UP, 1);
	ck_assert_uint_eq(plan.link.attempt, old);
	expect_timer(LIMIT_HOLD_DOWN_MS);
	/* Its failures are none of the link's. */
	ended(old, 0, RANDOM_MAX);
	expect_timer(LIMIT_BACKOFF_MIN_MS);
}
END_TEST

START_TEST(candidate_asked_for_later)
{
	returning(2);
	ended(connected(), LIMIT_HOLD_DOWN_MS + 1000, RANDOM_MAX);
	expect_timer(LIMIT_HOLD_DOWN_MS + 1000);
	later(LIMIT_HOLD_DOWN_MS);
	expect_nothing();
	later(1000);
	expect_dial(0);
	/* Less than the hold-down does not shorten it. */
	ended(connected(), 1000, RANDOM_MAX);
	expect_timer(LIMIT_HOLD_DOWN_MS);
}
END_TEST

START_TEST(candidate_ends_before_it_is_registered)
{
	uint64_t	old = returning(2), attempt = connected();

	plan_up(&plan, attempt, now);
	ended(attempt, 0, RANDOM_MAX);
	expect_link(PLAN_UP, 1);
	ck_assert_uint_eq(plan.link.attempt, old);
	expect_candidate(PLAN_IDLE);
	ck_assert(!plan_registered(&plan, attempt, now));
	expect_link(PLAN_UP, 1);
	expect_timer(LIMIT_HOLD_DOWN_MS);
}
END_TEST

START_TEST(candidate_without_an_answer)
{
	uint64_t	old = returning(2), attempt = connected();

	later(LIMIT_HANDSHAKE_MS + LIMIT_CLOSE_MS);
	ck_assert_int_eq(plan_poll(&plan, now, &todo), PLAN_DO_GIVE_UP);
	ck_assert_uint_eq(todo.attempt, attempt);
	ck_assert_uint_eq(todo.uplink, 0);
	ended(attempt, 0, 0);
	ck_assert_uint_eq(plan.link.attempt, old);
	expect_timer(LIMIT_HOLD_DOWN_MS);
}
END_TEST

START_TEST(link_ends_while_candidate_dials)
{
	uint64_t	old = returning(3), attempt;

	ended(old, 0, RANDOM_MAX);
	/* It is the dial under way, and no other is begun. */
	expect_link(PLAN_DIALING, 0);
	expect_candidate(PLAN_IDLE);
	expect_nothing();
	expect_timer(-1);
	attempt = connected();
	plan_up(&plan, attempt, now);
	expect_link(PLAN_UP, 0);
	ck_assert(!plan_registered(&plan, attempt, now));
	expect_link(PLAN_UP, 0);
}
END_TEST

START_TEST(link_ends_then_candidate_fails)
{
	uint64_t	old = returning(3);

	ended(old, 0, RANDOM_MAX);
	unreached(RANDOM_MAX);
	/* As in any round: the fallbacks at once, then the back-off. */
	expect_dial(1);
	unreached(RANDOM_MAX);
	expect_dial(2);
	unreached(RANDOM_MAX);
	expect_timer(LIMIT_BACKOFF_MIN_MS);
}
END_TEST

/* It begins a round of its own, whoever was tried before. */
START_TEST(link_ends_then_all_are_tried)
{
	uint64_t	old;

	start(3);
	expect_dial(0);
	unreached(0);
	expect_dial(1);
	unreached(0);
	old = bring_up(2);
	later(LIMIT_HOLD_DOWN_MS);
	expect_dial(0);
	ended(old, 0, RANDOM_MAX);
	unreached(RANDOM_MAX);
	expect_dial(1);
}
END_TEST

START_TEST(link_ends_while_candidate_shakes_hands)
{
	uint64_t	old = returning(2), attempt = connected();

	/* What the old Main asks for is kept. */
	ended(old, 60000, RANDOM_MAX);
	expect_link(PLAN_HANDSHAKE, 0);
	expect_timer(LIMIT_HANDSHAKE_MS + LIMIT_CLOSE_MS);
	ended(attempt, 0, RANDOM_MAX);
	expect_nothing();
	expect_timer(LIMIT_BACKOFF_MIN_MS);
	later(LIMIT_BACKOFF_MIN_MS);
	expect_dial(0);
}
END_TEST

START_TEST(link_ends_while_candidate_is_up)
{
	uint64_t	old = returning(2), attempt = connected();

	plan_up(&plan, attempt, now);
	ended(old, 0, RANDOM_MAX);
	expect_link(PLAN_UP, 0);
	ck_assert_uint_eq(plan.link.attempt, attempt);
	expect_nothing();
	expect_timer(-1);
}
END_TEST

START_TEST(candidate_ends_with_its_taker)
{
	uint64_t	attempt;

	returning(2);
	attempt = connected();
	plan_set_taker(&plan, false, now);
	expect_link(PLAN_IDLE, 0);
	expect_candidate(PLAN_IDLE);
	ck_assert_ptr_null(plan_find(&plan, attempt));
	expect_timer(-1);
	plan_set_taker(&plan, true, now);
	expect_dial(0);
	expect_link(PLAN_DIALING, 0);
}
END_TEST

START_TEST(reload_without_the_candidate)
{
	uint64_t	old = returning(3), attempt = connected();

	plan_up(&plan, attempt, now);
	reorder(1, 2);
	expect_link(PLAN_UP, 0);
	ck_assert_uint_eq(plan.link.attempt, old);
	expect_candidate(PLAN_IDLE);
	ck_assert(!plan_registered(&plan, attempt, now));
	expect_nothing();
	expect_timer(-1);
}
END_TEST

START_TEST(reload_ends_the_dial_of_a_candidate)
{
	returning(3);
	reorder(1, 2);
	ck_assert_ptr_null(plan_find(&plan, 0));
	expect_link(PLAN_UP, 0);
}
END_TEST

START_TEST(reload_without_the_link)
{
	uint64_t	old = returning(3), attempt = connected();

	reorder(0, 2);
	ck_assert_ptr_null(plan_find(&plan, old));
	expect_link(PLAN_HANDSHAKE, 0);
	ck_assert_uint_eq(plan.link.attempt, attempt);
	plan_up(&plan, attempt, now);
	expect_link(PLAN_UP, 0);
}
END_TEST

START_TEST(reload_that_turns_the_list)
{
	uint64_t	attempt;

	returning(2);
	attempt = connected();
	reorder(1, 0);
	expect_link(PLAN_UP, 0);
	ck_assert_uint_eq(plan.candidate.uplink, 1);
	plan_up(&plan, attempt, now);
	/* The router moves to it all the same; from there back in time. */
	ck_assert(plan_registered(&plan, attempt, now));
	expect_link(PLAN_UP, 1);
	expect_timer(LIMIT_HOLD_DOWN_MS);
	later(LIMIT_HOLD_DOWN_MS);
	expect_dial(0);
}
END_TEST

/* --- peers: held, and at once --- */

START_TEST(held_is_not_dialled)
{
	start(1);
	plan_hold(&plan, true, now);
	expect_nothing();
	expect_timer(-1);
	later(10 * LIMIT_BACKOFF_MAX_MS);
	expect_nothing();
	/* Again changes nothing. */
	plan_hold(&plan, true, now);
	plan_set_taker(&plan, false, now);
	plan_set_taker(&plan, true, now);
	expect_nothing();
	plan_hold(&plan, false, now);
	expect_timer(0);
	expect_dial(0);
}
END_TEST

START_TEST(hold_ends_a_dial)
{
	start(1);
	expect_dial(0);
	plan_hold(&plan, true, now);
	ck_assert_ptr_null(plan_find(&plan, 0));
	expect_link(PLAN_IDLE, 0);
	unreached(RANDOM_MAX);
	expect_timer(-1);
}
END_TEST

START_TEST(hold_leaves_a_handshake)
{
	uint64_t	attempt;

	start(1);
	expect_dial(0);
	attempt = connected();
	plan_hold(&plan, true, now);
	expect_link(PLAN_HANDSHAKE, 0);
	plan_up(&plan, attempt, now);
	expect_link(PLAN_UP, 0);
	ended(attempt, 0, RANDOM_MAX);
	expect_link(PLAN_IDLE, 0);
	expect_timer(-1);
	plan_hold(&plan, false, now);
	expect_dial(0);
}
END_TEST

START_TEST(go_on_keeps_a_backoff)
{
	start(1);
	expect_dial(0);
	unreached(RANDOM_MAX);
	/* It was not held: nothing is sooner. */
	plan_hold(&plan, false, now);
	expect_nothing();
	expect_timer(LIMIT_BACKOFF_MIN_MS);
	plan_hold(&plan, true, now);
	plan_hold(&plan, false, now);
	expect_dial(0);
	unreached(RANDOM_MAX);
	expect_timer(2 * LIMIT_BACKOFF_MIN_MS);
}
END_TEST

START_TEST(at_once_forgets_what_was)
{
	start(1);
	expect_dial(0);
	unreached(RANDOM_MAX);
	later(LIMIT_BACKOFF_MIN_MS);
	expect_dial(0);
	ended(connected(), 60000, RANDOM_MAX);
	plan_at_once(&plan, now);
	expect_dial(0);
	unreached(RANDOM_MAX);
	expect_timer(LIMIT_BACKOFF_MIN_MS);
	plan_hold(&plan, true, now);
	plan_at_once(&plan, now);
	expect_dial(0);
}
END_TEST

START_TEST(at_once_leaves_what_is_under_way)
{
	uint64_t	attempt;

	start(1);
	expect_dial(0);
	plan_at_once(&plan, now);
	expect_nothing();
	attempt = connected();
	plan_at_once(&plan, now);
	expect_nothing();
	plan_up(&plan, attempt, now);
	plan_at_once(&plan, now);
	expect_link(PLAN_UP, 0);
	expect_nothing();
	/* Nor without a front-end. */
	plan_set_taker(&plan, false, now);
	plan_at_once(&plan, now);
	expect_nothing();
}
END_TEST

int
main(void)
{
	TCase	*t = tcase_create("dial_return");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, primary_after_hold_down);
	tcase_add_test(t, hold_down_can_change);
	tcase_add_test(t, candidate_takes_over_when_registered);
	tcase_add_test(t, candidate_not_reached);
	tcase_add_test(t, candidate_refused);
	tcase_add_test(t, candidate_asked_for_later);
	tcase_add_test(t, candidate_ends_before_it_is_registered);
	tcase_add_test(t, candidate_without_an_answer);
	tcase_add_test(t, link_ends_while_candidate_dials);
	tcase_add_test(t, link_ends_then_candidate_fails);
	tcase_add_test(t, link_ends_then_all_are_tried);
	tcase_add_test(t, link_ends_while_candidate_shakes_hands);
	tcase_add_test(t, link_ends_while_candidate_is_up);
	tcase_add_test(t, candidate_ends_with_its_taker);
	tcase_add_test(t, reload_without_the_candidate);
	tcase_add_test(t, reload_ends_the_dial_of_a_candidate);
	tcase_add_test(t, reload_without_the_link);
	tcase_add_test(t, reload_that_turns_the_list);
	tcase_add_test(t, held_is_not_dialled);
	tcase_add_test(t, hold_ends_a_dial);
	tcase_add_test(t, hold_leaves_a_handshake);
	tcase_add_test(t, go_on_keeps_a_backoff);
	tcase_add_test(t, at_once_forgets_what_was);
	tcase_add_test(t, at_once_leaves_what_is_under_way);
	return (suite_run("dial_return", t));
}
