/* SPDX-License-Identifier: ISC */
/* Telling clones from nodes that were restarted, roam or come back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "relay-registry/clone.h"
#include "tests/unit/suite.h"

static const uint8_t		 key[HASH_KEY_LEN] = "0123456789abcde";
static struct clone_table	 t;

static void
setup(void)
{
	clone_init(&t, key, 100);
}

static void
teardown(void)
{
	clone_clear(&t);
	ck_assert_uint_eq(t.count, 0);
}

static uint32_t
enter(const char *node, const char *boot, const char *address, bool live,
    int64_t s)
{
	return (clone_open(&t, node, span_str(boot), span_str(address), live,
	    (struct monotime){ s * 1000 }));
}

/* Boots in order, one a second: how many were let in before the first no. */
static size_t
run(const char *boots, int64_t s, int64_t step)
{
	char boot[2] = "";
	size_t i;

	for (i = 0; boots[i] != '\0'; i++) {
		boot[0] = boots[i];
		if (enter("n", boot, "", i > 0, s + (int64_t)i * step) > 0)
			break;
	}
	return (i);
}

START_TEST(two_that_alternate)
{
	ck_assert_uint_eq(run("ababab", 0, 1), 4);
}
END_TEST

START_TEST(three_that_alternate)
{
	ck_assert_uint_eq(run("abcabc", 0, 1), 4);
}
END_TEST

START_TEST(not_a_clone)
{
	static const char *const boots[] = {
		"aaaaaaaaaa",		/* a link that breaks all the time */
		"abcdefghij",		/* a program that crashes */
		"abababab",		/* slow: two in a window, see below */
		"aabbaabb",		/* not more than three changes */
	};
	const int64_t step[] = { 1, 1, 21, 1 };

	ck_assert_uint_eq(run(boots[_i], 0, step[_i]), strlen(boots[_i]));
}
END_TEST

START_TEST(retry_after_is_the_window)
{
	(void)run("abab", 0, 1);
	ck_assert_uint_eq(enter("n", "a", "", true, 5), LIMIT_CLONE_MS);
}
END_TEST

START_TEST(owner_may_come_back)
{
	(void)run("abab", 0, 1);
	ck_assert_uint_gt(enter("n", "a", "", true, 5), 0);
	/* Its own link broke, whether that is known already or not. */
	ck_assert_uint_eq(enter("n", "b", "", true, 6), 0);
	ck_assert_uint_eq(enter("n", "b", "", false, 7), 0);
	ck_assert_uint_gt(enter("n", "a", "", true, 8), 0);
}
END_TEST

START_TEST(held_out_as_long_as_it_tries)
{
	int64_t s;

	(void)run("abab", 0, 1);
	for (s = 5; s < 1000; s += LIMIT_CLONE_MS / 1000)
		ck_assert_uint_gt(enter("n", "a", "", true, s), 0);
	/* It gave up for long enough: perhaps the other is the stale one. */
	ck_assert_uint_eq(enter("n", "a", "", true, s + 130), 0);
}
END_TEST

START_TEST(owner_left)
{
	(void)run("abab", 0, 1);
	ck_assert_uint_gt(enter("n", "a", "", true, 5), 0);
	ck_assert_uint_eq(enter("n", "a", "", false, 6), 0);
	/* Now it is the other that is held out. */
	ck_assert_uint_gt(enter("n", "b", "", true, 7), 0);
}
END_TEST

START_TEST(stranger_boot_is_a_restart)
{
	(void)run("abab", 0, 1);
	ck_assert_uint_gt(enter("n", "a", "", true, 5), 0);
	ck_assert_uint_eq(enter("n", "c", "", true, 6), 0);
}
END_TEST

START_TEST(other_nodes_are_not_concerned)
{
	(void)run("abab", 0, 1);
	ck_assert_uint_gt(enter("n", "a", "", true, 5), 0);
	ck_assert_uint_eq(enter("m", "a", "", true, 5), 0);
}
END_TEST

START_TEST(address_without_port)
{
	static const char *const one[] = { "192.0.2.1:", "[2001:db8::1]:" };
	static const char *const two[] = { "192.0.2.2:", "[2001:db8::2]:" };
	char a[64];
	int i;

	/* One address, a new port each time: not a clone. */
	for (i = 0; i < 10; i++) {
		snprintf(a, sizeof(a), "%s%d", one[_i], 1000 + i);
		ck_assert_uint_eq(enter("n", "", a, true, i), 0);
	}
	for (i = 10; i < 13; i++) {
		snprintf(a, sizeof(a), "%s%d", i % 2 ? one[_i] : two[_i],
		    1000 + i);
		ck_assert_uint_eq(enter("n", "", a, true, i), 0);
	}
	snprintf(a, sizeof(a), "%s77", one[_i]);
	ck_assert_uint_gt(enter("n", "", a, true, 13), 0);
	snprintf(a, sizeof(a), "%s78", two[_i]);
	ck_assert_uint_eq(enter("n", "", a, true, 14), 0);
}
END_TEST

START_TEST(odd_addresses)
{
	static const char *const odd[] = { "", ":", "::", "unix", ":80",
	    "[::1]", "a:b" };
	size_t i;

	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		ck_assert_uint_eq(enter(odd[i], "", odd[i], true, 0), 0);
}
END_TEST

START_TEST(bounded)
{
	char node[32];
	int i;

	for (i = 0; i < 1000; i++) {
		snprintf(node, sizeof(node), "n%d", i);
		ck_assert_uint_eq(enter(node, "a", "", true, 1), 0);
	}
	ck_assert_uint_eq(t.count, 100);
	clone_expire(&t, (struct monotime){ 100 * 1000 });
	ck_assert_uint_eq(t.count, 100);
	clone_expire(&t, (struct monotime){ 121 * 1000 });
	ck_assert_uint_eq(t.count, 0);
}
END_TEST

START_TEST(many_boots)
{
	char boot[32];
	int i;

	(void)run("abab", 0, 1);
	for (i = 0; i < 1000; i++) {
		snprintf(boot, sizeof(boot), "boot%d", i);
		ck_assert_uint_eq(enter("n", boot, "", true, 5), 0);
	}
	ck_assert_uint_eq(t.count, 1);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("clone");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, two_that_alternate);
	tcase_add_test(tc, three_that_alternate);
	tcase_add_loop_test(tc, not_a_clone, 0, 4);
	tcase_add_test(tc, retry_after_is_the_window);
	tcase_add_test(tc, owner_may_come_back);
	tcase_add_test(tc, held_out_as_long_as_it_tries);
	tcase_add_test(tc, owner_left);
	tcase_add_test(tc, stranger_boot_is_a_restart);
	tcase_add_test(tc, other_nodes_are_not_concerned);
	tcase_add_loop_test(tc, address_without_port, 0, 2);
	tcase_add_test(tc, odd_addresses);
	tcase_add_test(tc, bounded);
	tcase_add_test(tc, many_boots);
	return (suite_run("registry clone", tc));
}
