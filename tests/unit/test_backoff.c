/* SPDX-License-Identifier: ISC */
/* Back-off: bounds, spread, and when it starts over. */
#include <stdlib.h>

#include "common/backoff.h"
#include "tests/unit/suite.h"

#define MIN_MS		100
#define MAX_MS		10000
#define STABLE_MS	60000

static struct backoff
made(void)
{
	struct backoff b;

	backoff_init(&b, MIN_MS, MAX_MS, STABLE_MS);
	return (b);
}

START_TEST(bound_doubles_to_the_maximum)
{
	static const uint32_t want[] = { 100, 200, 400, 800, 1600, 3200, 6400,
	    10000, 10000 };
	struct backoff b = made();
	size_t i;

	for (i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		ck_assert_uint_eq(backoff_bound_ms(&b), want[i]);
		backoff_next_ms(&b, 0);
	}
}
END_TEST

START_TEST(delay_is_spread_over_zero_to_the_bound)
{
	struct backoff b = made();

	ck_assert_uint_eq(backoff_next_ms(&b, 0), 0);
	b = made();
	ck_assert_uint_eq(backoff_next_ms(&b, UINT32_MAX), MIN_MS);
	b = made();
	ck_assert_uint_eq(backoff_next_ms(&b, UINT32_MAX / 2), MIN_MS / 2);
}
END_TEST

START_TEST(delay_never_exceeds_the_bound)
{
	struct backoff b = made();
	uint32_t bound, random = 1;
	int i;

	for (i = 0; i < 10000; i++) {
		random = random * 1664525 + 1013904223;
		bound = backoff_bound_ms(&b);
		ck_assert_uint_le(backoff_next_ms(&b, random), bound);
		ck_assert_uint_le(bound, MAX_MS);
	}
}
END_TEST

START_TEST(many_failures_do_not_overflow)
{
	struct backoff b;
	int i;

	backoff_init(&b, UINT32_MAX, UINT32_MAX, STABLE_MS);
	for (i = 0; i < 1000; i++)
		ck_assert_uint_eq(backoff_next_ms(&b, UINT32_MAX), UINT32_MAX);
	backoff_init(&b, 1, UINT32_MAX, STABLE_MS);
	for (i = 0; i < 31; i++)
		backoff_next_ms(&b, 0);
	ck_assert_uint_eq(backoff_bound_ms(&b), UINT32_C(1) << 31);
	backoff_next_ms(&b, 0);
	ck_assert_uint_eq(backoff_bound_ms(&b), UINT32_MAX);
}
END_TEST

START_TEST(short_life_does_not_start_over)
{
	struct backoff b = made();

	backoff_next_ms(&b, 0);
	backoff_held(&b, STABLE_MS - 1);
	ck_assert_uint_eq(backoff_bound_ms(&b), 2 * MIN_MS);
	backoff_held(&b, -1);
	ck_assert_uint_eq(backoff_bound_ms(&b), 2 * MIN_MS);
}
END_TEST

START_TEST(long_life_starts_over)
{
	struct backoff b = made();

	backoff_next_ms(&b, 0);
	backoff_held(&b, STABLE_MS);
	ck_assert_uint_eq(backoff_bound_ms(&b), MIN_MS);
}
END_TEST

START_TEST(reset_starts_over)
{
	struct backoff b = made();

	backoff_next_ms(&b, 0);
	backoff_next_ms(&b, 0);
	backoff_reset(&b);
	ck_assert_uint_eq(backoff_bound_ms(&b), MIN_MS);
}
END_TEST

START_TEST(first_bound_is_no_more_than_the_maximum)
{
	struct backoff b;

	backoff_init(&b, 500, 300, STABLE_MS);
	ck_assert_uint_eq(backoff_bound_ms(&b), 300);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("backoff");

	tcase_add_test(tc, bound_doubles_to_the_maximum);
	tcase_add_test(tc, delay_is_spread_over_zero_to_the_bound);
	tcase_add_test(tc, delay_never_exceeds_the_bound);
	tcase_add_test(tc, many_failures_do_not_overflow);
	tcase_add_test(tc, short_life_does_not_start_over);
	tcase_add_test(tc, long_life_starts_over);
	tcase_add_test(tc, reset_starts_over);
	tcase_add_test(tc, first_bound_is_no_more_than_the_maximum);
	return (suite_run("backoff", tc));
}
