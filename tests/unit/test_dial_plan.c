/* SPDX-License-Identifier: ISC */
/* Which uplink is dialled when (relayd/dialer/plan.h). */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relayd/dialer/plan.h"
#include "tests/unit/suite.h"

#define RANDOM_MAX	UINT32_MAX	/* the longest delay of a back-off */

static struct plan	plan;
static struct monotime	now;

static void
setup(void)
{
	plan_init(&plan);
	now.ms = 1000000;
}

static void
later(int64_t ms)
{
	now = monotime_add_ms(now, ms);
}

/* Configure n uplinks on ports 1 to n of one host. */
static bool
configure(uint32_t n)
{
	struct plan_uplink	list[LIMIT_UPLINKS];
	uint32_t		i;

	memset(list, 0, sizeof(list));
	for (i = 0; i < n; i++) {
		strcpy(list[i].host, "main.example");
		strcpy(list[i].path, "/ws/federation");
		list[i].port = (uint16_t)(i + 1);
	}
	return (plan_set_uplinks(&plan, list, n, now));
}

static void
start(uint32_t n)
{
	ck_assert(configure(n));
	plan_set_taker(&plan, true, now);
}

static void
expect_dial(uint32_t uplink)
{
	ck_assert_int_eq(plan_poll(&plan, now), PLAN_DO_DIAL);
	ck_assert_uint_eq(plan.current, uplink);
	ck_assert_int_eq(plan.state, PLAN_DIALING);
}

static void
expect_nothing(void)
{
	ck_assert_int_eq(plan_poll(&plan, now), PLAN_DO_NOTHING);
}

static void
bring_up(uint32_t uplink)
{
	expect_dial(uplink);
	plan_connected(&plan, now);
	plan_up(&plan, now);
	ck_assert_int_eq(plan.state, PLAN_UP);
}

START_TEST(nothing_without_uplink_or_taker)
{
	expect_nothing();
	ck_assert_int_eq(plan_timer_ms(&plan, now), -1);
	plan_set_taker(&plan, true, now);
	expect_nothing();
	plan_set_taker(&plan, false, now);
	configure(2);
	expect_nothing();
	ck_assert_int_eq(plan_timer_ms(&plan, now), -1);
}
END_TEST

START_TEST(primary_first_at_once)
{
	start(3);
	ck_assert_int_eq(plan_timer_ms(&plan, now), 0);
	expect_dial(0);
	/* One at a time. */
	expect_nothing();
	ck_assert_int_eq(plan_timer_ms(&plan, now), -1);
}
END_TEST

START_TEST(fallbacks_in_order_then_backoff)
{
	uint32_t	i;

	start(3);
	for (i = 0; i < 3; i++) {
		expect_dial(i);
		plan_failed(&plan, now, 0, RANDOM_MAX);
	}
	expect_nothing();
	ck_assert_int_eq(plan_timer_ms(&plan, now), LIMIT_BACKOFF_MIN_MS);
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
		plan_failed(&plan, now, 0, RANDOM_MAX);
		ck_assert_int_eq(plan_timer_ms(&plan, now), want);
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
	plan_failed(&plan, now, 0, 0);
	ck_assert_int_eq(plan_timer_ms(&plan, now), 0);
	expect_dial(0);
	plan_failed(&plan, now, 0, UINT32_MAX / 2);
	ck_assert_int_eq(plan_timer_ms(&plan, now), LIMIT_BACKOFF_MIN_MS);
}
END_TEST

START_TEST(retry_after_wins)
{
	start(1);
	expect_dial(0);
	plan_connected(&plan, now);
	plan_failed(&plan, now, 30000, 0);
	ck_assert_int_eq(plan_timer_ms(&plan, now), 30000);
	later(29999);
	expect_nothing();
	later(1);
	expect_dial(0);
	/* Also when it is shorter. */
	plan_failed(&plan, now, 5, RANDOM_MAX);
	ck_assert_int_eq(plan_timer_ms(&plan, now), 5);
	/* It was for once. */
	later(5);
	expect_dial(0);
	plan_failed(&plan, now, 0, RANDOM_MAX);
	ck_assert_int_eq(plan_timer_ms(&plan, now), 4 * LIMIT_BACKOFF_MIN_MS);
}
END_TEST

START_TEST(retry_after_has_a_cap)
{
	start(1);
	expect_dial(0);
	plan_failed(&plan, now, UINT32_MAX, 0);
	ck_assert_int_eq(plan_timer_ms(&plan, now), LIMIT_RETRY_AFTER_MS);
}
END_TEST

START_TEST(retry_after_of_one_leaves_the_others)
{
	start(2);
	expect_dial(0);
	plan_failed(&plan, now, 60000, 0);
	expect_dial(1);
	plan_failed(&plan, now, 0, RANDOM_MAX);
	/* The next round has only the second. */
	later(LIMIT_BACKOFF_MIN_MS);
	expect_dial(1);
	plan_failed(&plan, now, 0, RANDOM_MAX);
	later(60000);
	expect_dial(0);
}
END_TEST

START_TEST(all_asked_for_later)
{
	start(2);
	expect_dial(0);
	plan_failed(&plan, now, 9000, 0);
	expect_dial(1);
	plan_failed(&plan, now, 7000, 0);
	expect_nothing();
	ck_assert_int_eq(plan_timer_ms(&plan, now), 7000);
	later(7000);
	expect_dial(1);
}
END_TEST

START_TEST(link_that_ends_early_keeps_the_backoff)
{
	int	i;

	start(1);
	for (i = 0; i < 3; i++) {
		bring_up(0);
		later(LIMIT_STABLE_MS - 1);
		plan_failed(&plan, now, 0, RANDOM_MAX);
		ck_assert_int_eq(plan_timer_ms(&plan, now),
		    LIMIT_BACKOFF_MIN_MS << i);
		later(LIMIT_BACKOFF_MIN_MS << i);
	}
	bring_up(0);
	later(LIMIT_STABLE_MS);
	plan_failed(&plan, now, 0, RANDOM_MAX);
	ck_assert_int_eq(plan_timer_ms(&plan, now), LIMIT_BACKOFF_MIN_MS);
}
END_TEST

START_TEST(after_a_link_the_primary_is_first)
{
	start(2);
	expect_dial(0);
	plan_failed(&plan, now, 0, 0);
	bring_up(1);
	plan_failed(&plan, now, 0, 0);
	expect_dial(0);
}
END_TEST

START_TEST(silent_taker)
{
	start(2);
	expect_dial(0);
	plan_connected(&plan, now);
	ck_assert_int_eq(plan_timer_ms(&plan, now),
	    LIMIT_HANDSHAKE_MS + LIMIT_CLOSE_MS);
	later(LIMIT_HANDSHAKE_MS + LIMIT_CLOSE_MS - 1);
	expect_nothing();
	later(1);
	ck_assert_int_eq(plan_poll(&plan, now), PLAN_DO_GIVE_UP);
	plan_failed(&plan, now, 0, 0);
	expect_dial(1);
}
END_TEST

START_TEST(up_has_no_timer)
{
	start(1);
	bring_up(0);
	later(10 * LIMIT_STABLE_MS);
	expect_nothing();
	ck_assert_int_eq(plan_timer_ms(&plan, now), -1);
}
END_TEST

START_TEST(events_out_of_turn)
{
	start(1);
	/* Not dialled: cannot fail or come up. */
	plan_failed(&plan, now, 5000, RANDOM_MAX);
	plan_up(&plan, now);
	ck_assert_int_eq(plan.state, PLAN_WAIT);
	expect_dial(0);
	plan_up(&plan, now);
	ck_assert_int_eq(plan.state, PLAN_DIALING);
}
END_TEST

START_TEST(new_taker_dials_at_once)
{
	start(1);
	expect_dial(0);
	plan_failed(&plan, now, 0, RANDOM_MAX);
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

	start(2);
	expect_dial(0);
	plan_failed(&plan, now, 0, 0);
	bring_up(1);
	/* The same list changes nothing, not even a wait. */
	ck_assert(configure(2));
	ck_assert_int_eq(plan.state, PLAN_UP);
	/* The one in use is now the first. */
	list[0] = plan.uplinks[1];
	list[1] = plan.uplinks[0];
	ck_assert(plan_set_uplinks(&plan, list, 2, now));
	ck_assert_int_eq(plan.state, PLAN_UP);
	ck_assert_uint_eq(plan.current, 0);
	/* A path makes it another one. */
	strcpy(list[0].path, "/other");
	ck_assert(!plan_set_uplinks(&plan, list, 2, now));
	expect_dial(0);
}
END_TEST

START_TEST(reload_ends_a_wait_only_if_it_changes)
{
	start(1);
	expect_dial(0);
	plan_failed(&plan, now, 0, RANDOM_MAX);
	ck_assert(configure(1));
	expect_nothing();
	ck_assert(configure(2));
	expect_dial(0);
}
END_TEST

START_TEST(reload_does_not_forget_what_a_main_asked)
{
	start(1);
	expect_dial(0);
	plan_failed(&plan, now, 60000, 0);
	ck_assert(configure(2));
	expect_dial(1);
}
END_TEST

START_TEST(reload_to_none)
{
	start(2);
	bring_up(0);
	ck_assert(!configure(0));
	expect_nothing();
	ck_assert_int_eq(plan.state, PLAN_IDLE);
	plan_failed(&plan, now, 0, 0);
	ck_assert_int_eq(plan.state, PLAN_IDLE);
	ck_assert_int_eq(plan_timer_ms(&plan, now), -1);
	ck_assert(configure(LIMIT_UPLINKS));
	expect_dial(0);
}
END_TEST

/* What the front-end says it holds: as configure() makes it. */
static bool
adopt(uint16_t port, const char *path)
{
	struct plan_uplink	u;

	memset(&u, 0, sizeof(u));
	strcpy(u.host, "main.example");
	strcpy(u.path, path);
	u.port = port;
	return (plan_adopt(&plan, &u, now));
}

START_TEST(adopted_is_up)
{
	ck_assert(configure(3));
	expect_nothing();
	ck_assert(adopt(2, "/ws/federation"));
	ck_assert_int_eq(plan.state, PLAN_UP);
	ck_assert_uint_eq(plan.current, 1);
	later(10 * LIMIT_STABLE_MS);
	expect_nothing();
	ck_assert_int_eq(plan_timer_ms(&plan, now), -1);
	/* As any other that is up. */
	ck_assert(configure(2));
	ck_assert_int_eq(plan.state, PLAN_UP);
	ck_assert(!configure(1));
	expect_dial(0);
}
END_TEST

START_TEST(adopts_only_what_is_configured)
{
	ck_assert(configure(2));
	ck_assert(!adopt(3, "/ws/federation"));
	ck_assert_int_eq(plan.state, PLAN_WAIT);
	expect_dial(0);
	plan_set_taker(&plan, false, now);
	ck_assert(!adopt(1, "/other"));
	expect_dial(0);
	plan_set_taker(&plan, false, now);
	ck_assert(configure(0));
	ck_assert(!adopt(1, "/ws/federation"));
	ck_assert_int_eq(plan.state, PLAN_IDLE);
	expect_nothing();
}
END_TEST

START_TEST(adopted_then_down)
{
	ck_assert(configure(3));
	ck_assert(adopt(2, "/ws/federation"));
	plan_failed(&plan, now, 0, RANDOM_MAX);
	ck_assert_int_eq(plan.state, PLAN_WAIT);
	ck_assert_int_eq(plan_timer_ms(&plan, now), LIMIT_BACKOFF_MIN_MS);
	later(LIMIT_BACKOFF_MIN_MS);
	expect_dial(0);
	plan_failed(&plan, now, 0, RANDOM_MAX);
	expect_dial(1);
}
END_TEST

START_TEST(adopted_then_asked_for_later)
{
	ck_assert(configure(1));
	ck_assert(adopt(1, "/ws/federation"));
	plan_failed(&plan, now, 5000, 0);
	later(4999);
	expect_nothing();
	later(1);
	expect_dial(0);
}
END_TEST

START_TEST(adopted_ends_with_its_taker)
{
	ck_assert(configure(2));
	ck_assert(adopt(2, "/ws/federation"));
	plan_set_taker(&plan, false, now);
	ck_assert_int_eq(plan.state, PLAN_IDLE);
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
	tcase_add_test(t, up_has_no_timer);
	tcase_add_test(t, events_out_of_turn);
	tcase_add_test(t, new_taker_dials_at_once);
	tcase_add_test(t, reload_keeps_what_is_still_there);
	tcase_add_test(t, reload_ends_a_wait_only_if_it_changes);
	tcase_add_test(t, reload_does_not_forget_what_a_main_asked);
	tcase_add_test(t, reload_to_none);
	tcase_add_test(t, adopted_is_up);
	tcase_add_test(t, adopts_only_what_is_configured);
	tcase_add_test(t, adopted_then_down);
	tcase_add_test(t, adopted_then_asked_for_later);
	tcase_add_test(t, adopted_ends_with_its_taker);
	return (suite_run("dial_plan", t));
}
