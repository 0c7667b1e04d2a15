/* SPDX-License-Identifier: ISC */
/* Which address is connected to when (relayd/dialer/race.h). */
#include <arpa/inet.h>

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relayd/dialer/race.h"
#include "tests/unit/suite.h"

static struct race	race;
static struct monotime	now;

static void
setup(void)
{
	now.ms = 5000;
	race_init(&race, now);
}

static void
add(const char *text)
{
	union race_sockaddr	a;

	memset(&a, 0, sizeof(a));
	if (inet_pton(AF_INET, text, &a.in.sin_addr) == 1)
		a.sa.sa_family = AF_INET;
	else {
		ck_assert_int_eq(inet_pton(AF_INET6, text,
		    &a.in6.sin6_addr), 1);
		a.sa.sa_family = AF_INET6;
	}
	race_add(&race, &a.sa, 8080);
}

static void
later(int64_t ms)
{
	now = monotime_add_ms(now, ms);
}

static void
expect_start(const char *name)
{
	char	text[64];
	size_t	i = 99;

	ck_assert_int_eq(race_poll(&race, now, &i), RACE_DO_START);
	race_name(&race.addrs[i], text, sizeof(text));
	ck_assert_str_eq(text, name);
}

static void
expect(enum race_do what)
{
	size_t	i;

	ck_assert_int_eq(race_poll(&race, now, &i), what);
}

START_TEST(families_take_turns)
{
	add("192.0.2.1");
	add("192.0.2.2");
	add("2001:db8::1");
	add("192.0.2.3");
	add("2001:db8::2");
	race_order(&race, now);
	expect_start("[2001:db8::1]:8080");
	later(LIMIT_RACE_MS);
	expect_start("192.0.2.1:8080");
	later(LIMIT_RACE_MS);
	expect_start("[2001:db8::2]:8080");
	later(LIMIT_RACE_MS);
	expect_start("192.0.2.2:8080");
	later(LIMIT_RACE_MS);
	expect_start("192.0.2.3:8080");
	expect(RACE_DO_WAIT);
}
END_TEST

START_TEST(head_start)
{
	add("192.0.2.1");
	add("2001:db8::1");
	race_order(&race, now);
	expect_start("[2001:db8::1]:8080");
	expect(RACE_DO_WAIT);
	ck_assert_int_eq(race_timer_ms(&race, now), LIMIT_RACE_MS);
	later(LIMIT_RACE_MS - 1);
	expect(RACE_DO_WAIT);
	later(1);
	expect_start("192.0.2.1:8080");
	ck_assert_int_eq(race_timer_ms(&race, now),
	    LIMIT_DIAL_MS - LIMIT_RACE_MS);
}
END_TEST

START_TEST(failure_ends_the_head_start)
{
	add("192.0.2.1");
	add("2001:db8::1");
	race_order(&race, now);
	expect_start("[2001:db8::1]:8080");
	later(3);
	race_failed(&race, 0, now);
	ck_assert_int_eq(race_timer_ms(&race, now), 0);
	expect_start("192.0.2.1:8080");
	race_failed(&race, 1, now);
	expect(RACE_DO_LOST);
}
END_TEST

START_TEST(not_lost_while_one_runs)
{
	add("192.0.2.1");
	add("192.0.2.2");
	race_order(&race, now);
	expect_start("192.0.2.1:8080");
	later(LIMIT_RACE_MS);
	expect_start("192.0.2.2:8080");
	race_failed(&race, 1, now);
	expect(RACE_DO_WAIT);
	race_failed(&race, 0, now);
	expect(RACE_DO_LOST);
}
END_TEST

START_TEST(no_address_is_lost)
{
	race_order(&race, now);
	expect(RACE_DO_LOST);
}
END_TEST

START_TEST(deadline_counts_the_lookup)
{
	later(LIMIT_DIAL_MS - 1);
	add("192.0.2.1");
	race_order(&race, now);
	expect_start("192.0.2.1:8080");
	ck_assert_int_eq(race_timer_ms(&race, now), 1);
	later(1);
	expect(RACE_DO_TIMEOUT);
}
END_TEST

START_TEST(no_start_after_the_deadline)
{
	add("192.0.2.1");
	race_order(&race, now);
	later(LIMIT_DIAL_MS);
	expect(RACE_DO_TIMEOUT);
	ck_assert_int_eq(race_timer_ms(&race, now), 0);
}
END_TEST

START_TEST(repeated_addresses_once)
{
	add("192.0.2.1");
	add("192.0.2.1");
	add("2001:db8::1");
	add("2001:db8::1");
	ck_assert_uint_eq(race.n, 2);
}
END_TEST

START_TEST(too_many_addresses)
{
	char	text[32];
	int	i;

	for (i = 0; i < LIMIT_DIAL_ADDRESSES + 5; i++) {
		snprintf(text, sizeof(text), "192.0.2.%d", i);
		add(text);
	}
	ck_assert_uint_eq(race.n, LIMIT_DIAL_ADDRESSES);
	race_order(&race, now);
	expect_start("192.0.2.0:8080");
}
END_TEST

START_TEST(other_families_are_left_out)
{
	struct sockaddr	sa;

	memset(&sa, 0, sizeof(sa));
	sa.sa_family = AF_UNIX;
	race_add(&race, &sa, 1);
	ck_assert_uint_eq(race.n, 0);
}
END_TEST

int
main(void)
{
	TCase	*t = tcase_create("dial_race");

	tcase_add_checked_fixture(t, setup, NULL);
	tcase_add_test(t, families_take_turns);
	tcase_add_test(t, head_start);
	tcase_add_test(t, failure_ends_the_head_start);
	tcase_add_test(t, not_lost_while_one_runs);
	tcase_add_test(t, no_address_is_lost);
	tcase_add_test(t, deadline_counts_the_lookup);
	tcase_add_test(t, no_start_after_the_deadline);
	tcase_add_test(t, repeated_addresses_once);
	tcase_add_test(t, too_many_addresses);
	tcase_add_test(t, other_families_are_left_out);
	return (suite_run("dial_race", t));
}
