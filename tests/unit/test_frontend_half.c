/* SPDX-License-Identifier: ISC */
/*
 * Connections that are half open, in the real front-end: so many in all and of
 * one address, and what the log hears of the others.
 */
#include <netinet/in.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "relayd/frontend/frontend.h"
#include "tests/unit/suite.h"

#define ADDRESSES	(LIMIT_HANDSHAKES / LIMIT_HANDSHAKES_ADDRESS)

static struct frontend	*fe;

static void
setup(void)
{
	fe = calloc(1, sizeof(*fe));
	ck_assert_ptr_nonnull(fe);
}

static void
teardown(void)
{
	struct addr_count	*p;
	size_t			 i;

	for (i = 0; i < ADDRTAB_BUCKETS; i++)
		while ((p = fe->addrs.buckets[i]) != NULL) {
			fe->addrs.buckets[i] = p->next;
			free(p);
		}
	free(fe);
}

/* The n-th address, whichever port. */
static struct addr
address(unsigned n)
{
	struct sockaddr_in	sin = { .sin_family = AF_INET,
	    .sin_port = htons((in_port_t)(1024 + n)),
	    .sin_addr.s_addr = htonl(0xc0000200U + n) };
	struct addr		a;

	addr_set(&a, (struct sockaddr *)&sin);
	return (a);
}

/* As listen.c has it: one that is refused is not counted at all. */
static bool
begin(unsigned n)
{
	struct addr	a = address(n);

	ck_assert(addrtab_enter(&fe->addrs, &a, UINT_MAX));
	if (half_begin(fe, &a))
		return (true);
	addrtab_leave(&fe->addrs, &a);
	return (false);
}

static void
end(unsigned n)
{
	struct addr	a = address(n);

	half_end(fe, &a);
	addrtab_leave(&fe->addrs, &a);
}

/* How many more of an address may be. */
static unsigned
room(unsigned n)
{
	unsigned	i = 0, k;

	while (begin(n))
		i++;
	for (k = 0; k < i; k++)
		end(n);
	return (i);
}

/* All that may be, of as few addresses as can be. */
static void
fill(void)
{
	unsigned	n, i;

	for (n = 0; n < ADDRESSES; n++)
		for (i = 0; i < LIMIT_HANDSHAKES_ADDRESS; i++)
			ck_assert(begin(n));
	ck_assert_uint_eq(fe->half.n, LIMIT_HANDSHAKES);
	ck_assert_uint_eq(fe->half.refused, 0);
}

START_TEST(of_one_address)
{
	unsigned	i;

	for (i = 0; i < LIMIT_HANDSHAKES_ADDRESS; i++)
		ck_assert(begin(1));
	ck_assert(!begin(1));
	ck_assert_uint_eq(fe->half.refused, 1);
	ck_assert_uint_eq(fe->half.n, LIMIT_HANDSHAKES_ADDRESS);
	/* Others do not notice. */
	ck_assert_uint_eq(room(2), LIMIT_HANDSHAKES_ADDRESS);
	end(1);
	ck_assert(begin(1));
	ck_assert(!begin(1));
}
END_TEST

/* However few of them an address has. */
START_TEST(of_all)
{
	unsigned	n;

	fill();
	for (n = ADDRESSES; n < ADDRESSES + 100; n++)
		ck_assert(!begin(n));
	ck_assert(!begin(0));
	ck_assert_uint_eq(fe->half.n, LIMIT_HANDSHAKES);
	ck_assert_uint_eq(fe->half.refused, 101);
	/* One that is over makes room for one, whosever it is. */
	end(3);
	ck_assert_uint_eq(room(ADDRESSES), 1);
	ck_assert_uint_eq(room(3), 1);
	ck_assert_uint_eq(room(2), 0);
	ck_assert(begin(ADDRESSES + 7));
	ck_assert(!begin(3));
}
END_TEST

/* What was refused is counted nowhere. */
START_TEST(refused_leave_nothing)
{
	unsigned	i;

	fill();
	for (i = 0; i < LIMIT_HANDSHAKES_ADDRESS; i++)
		ck_assert(!begin(ADDRESSES));
	for (i = 0; i < LIMIT_HANDSHAKES_ADDRESS; i++)
		end(0);
	ck_assert_uint_eq(room(ADDRESSES), LIMIT_HANDSHAKES_ADDRESS);
	for (i = 1; i < ADDRESSES; i++)
		ck_assert_uint_eq(room(i), 0);
}
END_TEST

/* The log, up to then. */
static const char *
logged(FILE *f)
{
	static char	text[4096];
	size_t		n;

	rewind(f);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	return (text);
}

START_TEST(the_log_hears_of_it)
{
	FILE	*f = tmpfile();

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(dup2(fileno(f), STDERR_FILENO), STDERR_FILENO);
	fill();
	(void)half_tell(fe, 10000);
	ck_assert_str_eq(logged(f), "");
	ck_assert(!begin(ADDRESSES));
	ck_assert(!begin(5));
	ck_assert(!begin(ADDRESSES));
	(void)half_tell(fe, 20000);
	ck_assert_msg(strstr(logged(f), "3 more refused, at the cap: 4096 in "
	    "all, 512 of the address of 192.0.2.5:1029") != NULL, "%s",
	    logged(f));
	/* Once a second. */
	ck_assert(!begin(ADDRESSES));
	ck_assert(half_tell(fe, 20999));
	ck_assert_ptr_null(strstr(logged(f), "1 more"));
	(void)half_tell(fe, 21000);
	ck_assert_msg(strstr(logged(f), "1 more refused, at the cap: 4096 in "
	    "all, 0 of the address of 192.0.2.8:") != NULL, "%s", logged(f));
	fclose(f);
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("half open");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, of_one_address);
	tcase_add_test(tc, of_all);
	tcase_add_test(tc, refused_leave_nothing);
	tcase_add_test(tc, the_log_hears_of_it);
	return (suite_run("half open", tc));
}
