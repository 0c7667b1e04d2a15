/* SPDX-License-Identifier: ISC */
/* Which failures are logged (relayd/dialer/repeat.h). */
#include <check.h>
#include <string.h>

#include "common/limits.h"
#include "relayd/dialer/repeat.h"
#include "tests/unit/suite.h"

static struct repeat r;

static void
setup(void)
{
	memset(&r, 0, sizeof(r));
}

static uint32_t
failed(const char *text, int64_t ms)
{
	const struct monotime now = { ms };

	return (repeat_failed(&r, text, now));
}

START_TEST(same_text_is_told_once)
{
	ck_assert_uint_eq(failed("refused", 0), 1);
	ck_assert_uint_eq(failed("refused", 0), 0);
	ck_assert_uint_eq(failed("refused", LIMIT_REPEAT_MS - 1), 0);
}
END_TEST

START_TEST(told_again_after_the_time_with_the_count)
{
	ck_assert_uint_eq(failed("refused", 5), 1);
	ck_assert_uint_eq(failed("refused", 6), 0);
	ck_assert_uint_eq(failed("refused", 5 + LIMIT_REPEAT_MS), 3);
	ck_assert_uint_eq(failed("refused", 6 + LIMIT_REPEAT_MS), 0);
	ck_assert_uint_eq(failed("refused", 4 + 2 * LIMIT_REPEAT_MS), 0);
	ck_assert_uint_eq(failed("refused", 5 + 2 * LIMIT_REPEAT_MS), 6);
}
END_TEST

START_TEST(another_text_is_told)
{
	ck_assert_uint_eq(failed("refused", 0), 1);
	ck_assert_uint_eq(failed("no such host", 1), 1);
	ck_assert_uint_eq(failed("no such host", 2), 0);
	ck_assert_uint_eq(failed("refused", 3), 1);
	ck_assert_uint_eq(failed("", 4), 1);
	ck_assert_uint_eq(failed("", 5), 0);
}
END_TEST

START_TEST(only_the_beginning_counts)
{
	char a[2 * REPEAT_TEXT], b[2 * REPEAT_TEXT];

	memset(a, 'x', sizeof(a));
	a[sizeof(a) - 1] = '\0';
	memcpy(b, a, sizeof(b));
	b[REPEAT_TEXT - 1] = 'y';
	ck_assert_uint_eq(failed(a, 0), 1);
	ck_assert_uint_eq(failed(b, 1), 0);
	b[REPEAT_TEXT - 2] = 'y';
	ck_assert_uint_eq(failed(b, 2), 1);
	/* The beginning of what was told is another text. */
	a[REPEAT_TEXT - 2] = '\0';
	ck_assert_uint_eq(failed(a, 3), 1);
}
END_TEST

START_TEST(told_after_it_worked)
{
	repeat_clear(&r);
	ck_assert_uint_eq(failed("refused", 0), 1);
	repeat_clear(&r);
	ck_assert_uint_eq(failed("refused", 1), 1);
	ck_assert_uint_eq(failed("refused", 2), 0);
}
END_TEST

START_TEST(goes_on_from_the_second)
{
	ck_assert(!repeat_goes_on(&r, ""));
	failed("is down: replaced", 0);
	ck_assert(!repeat_goes_on(&r, "is down: "));
	failed("is down: replaced", 1);
	ck_assert(repeat_goes_on(&r, "is down: "));
	ck_assert(!repeat_goes_on(&r, "was refused: "));
	ck_assert(!repeat_goes_on(&r, "is down: replaced by"));
	failed("is down: gone", 2);
	ck_assert(!repeat_goes_on(&r, "is down: "));
	failed("is down: gone", 3);
	repeat_clear(&r);
	ck_assert(!repeat_goes_on(&r, "is down: "));
}
END_TEST

int
main(void)
{
	TCase *t = tcase_create("repeat");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, same_text_is_told_once);
	tcase_add_test(t, told_again_after_the_time_with_the_count);
	tcase_add_test(t, another_text_is_told);
	tcase_add_test(t, only_the_beginning_counts);
	tcase_add_test(t, told_after_it_worked);
	tcase_add_test(t, goes_on_from_the_second);
	return (suite_run("dial_repeat", t));
}
