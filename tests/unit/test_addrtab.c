/* SPDX-License-Identifier: ISC */
/* Connections counted by address: of many addresses each its own. */
#include <stdlib.h>

#include "relayd/frontend/addrtab.h"
#include "tests/unit/suite.h"

#define MANY	(4 * ADDRTAB_BUCKETS)	/* so that they share buckets */

static struct addrtab	*t;

static void
setup(void)
{
	t = calloc(1, sizeof(*t));
	ck_assert_ptr_nonnull(t);
}

static void
teardown(void)
{
	free(t);
}

/* 10.x.y.z */
static struct addr
nth(unsigned int n)
{
	struct addr	a = { .ip = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff,
			    0xff, 10 } };

	a.ip[13] = (uint8_t)(n >> 16);
	a.ip[14] = (uint8_t)(n >> 8);
	a.ip[15] = (uint8_t)n;
	return (a);
}

static size_t
kept(void)
{
	const struct addr_count	*c;
	size_t			 i, n = 0;

	for (i = 0; i < ADDRTAB_BUCKETS; i++) {
		for (c = t->buckets[i]; c != NULL; c = c->next)
			n++;
	}
	return (n);
}

START_TEST(many)
{
	struct addr	a;
	unsigned int	i, n;

	for (i = 0; i < MANY; i++) {
		a = nth(i);
		ck_assert(addrtab_enter(t, &a, 1));
		ck_assert(addrtab_half_enter(t, &a, 1, &n));
		ck_assert_uint_eq(n, 1);
	}
	ck_assert_uint_eq(kept(), MANY);
	for (i = 0; i < MANY; i++) {
		a = nth(i);
		ck_assert(!addrtab_enter(t, &a, 1));
		ck_assert(!addrtab_half_enter(t, &a, 1, &n));
	}
	/* One goes: no other is forgotten with it. */
	for (i = 0; i < MANY; i += 2) {
		a = nth(i);
		addrtab_leave(t, &a);
	}
	ck_assert_uint_eq(kept(), MANY / 2);
	for (i = 1; i < MANY; i += 2) {
		a = nth(i);
		ck_assert(!addrtab_enter(t, &a, 1));
		addrtab_leave(t, &a);
	}
	ck_assert_uint_eq(kept(), 0);
}
END_TEST

/* Sockets of this machine are not counted, nor is what was not begun. */
START_TEST(not_counted)
{
	struct addr	local = { .local = true }, a = nth(1);
	unsigned int	n = 7;

	ck_assert(addrtab_enter(t, &local, 0));
	ck_assert(addrtab_half_enter(t, &local, 0, &n));
	ck_assert_uint_eq(n, 0);
	addrtab_half_leave(t, &local);
	addrtab_leave(t, &local);
	ck_assert_uint_eq(kept(), 0);
	addrtab_leave(t, &a);
	addrtab_half_leave(t, &a);
	n = 7;
	ck_assert(addrtab_half_enter(t, &a, 0, &n));
	ck_assert_uint_eq(n, 0);
	ck_assert_uint_eq(kept(), 0);
	ck_assert(addrtab_enter(t, &a, 1));
	addrtab_half_leave(t, &a);		/* it was not half open */
	ck_assert(addrtab_half_enter(t, &a, 1, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert(!addrtab_half_enter(t, &a, 1, &n));
	ck_assert_uint_eq(n, 1);
	addrtab_leave(t, &a);
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("addresses");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, many);
	tcase_add_test(tc, not_counted);
	return (suite_run("addresses", tc));
}
