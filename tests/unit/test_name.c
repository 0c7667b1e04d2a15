/* SPDX-License-Identifier: ISC */
/* Which names are valid, byte by byte and length by length. */
#include <string.h>

#include "common/limits.h"
#include "common/name.h"
#include "tests/unit/suite.h"

typedef bool (*check_fn)(struct span);

/* A name of n times a byte. */
static struct span
repeat(char c, size_t n)
{
	static char buf[4096];

	memset(buf, c, n);
	return ((struct span){ buf, n });
}

/* Which single bytes the function takes, alone and between two letters. */
static void
assert_bytes(check_fn fn, const char *allowed)
{
	char one, three[3] = { 'a', 0, 'a' };
	int c;

	for (c = 0; c < 256; c++) {
		one = (char)c;
		three[1] = (char)c;
		ck_assert_msg(fn((struct span){ &one, 1 }) ==
		    (c != 0 && strchr(allowed, c) != NULL), "byte %d", c);
		ck_assert_msg(fn((struct span){ three, 3 }) ==
		    (c != 0 && strchr(allowed, c) != NULL), "byte %d", c);
	}
}

#define LOWER	"abcdefghijklmnopqrstuvwxyz"
#define UPPER	"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS	"0123456789"

START_TEST(words)
{
	static const struct {
		check_fn	fn;
		size_t		max;
	} kinds[] = {
		{ name_service, LIMIT_SERVICE_NAME },
		{ name_method, LIMIT_METHOD_NAME },
	};
	size_t i;

	for (i = 0; i < 2; i++) {
		assert_bytes(kinds[i].fn, LOWER UPPER DIGITS "_.-");
		ck_assert(!kinds[i].fn(span_str("")));
		ck_assert(!kinds[i].fn((struct span){ NULL, 0 }));
		ck_assert(kinds[i].fn(repeat('a', kinds[i].max)));
		ck_assert(!kinds[i].fn(repeat('a', kinds[i].max + 1)));
		ck_assert(!kinds[i].fn((struct span){ "a\0", 2 }));
	}
}
END_TEST

START_TEST(nodes)
{
	static const char *const good[] = {
		"a", "0", "-", "_", "a.b", "main-1.example.org", "0.0", "a_b.c-d",
	};
	static const char *const bad[] = {
		"", ".", "..", ".a", "a.", "a..b", "A", "a.B", "a b", "a/b",
		"a:b", "a\n", "\xc3\xa4", "a\x7f",
	};
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(name_node(span_str(good[i])), "%s", good[i]);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!name_node(span_str(bad[i])), "%s", bad[i]);
	ck_assert(!name_node((struct span){ "a\0b", 3 }));
	ck_assert(name_node(repeat('a', LIMIT_NODE_ID)));
	ck_assert(!name_node(repeat('a', LIMIT_NODE_ID + 1)));
}
END_TEST

START_TEST(nodes_in_lower_case)
{
	char buf[LIMIT_NODE_ID + 1], small[4];

	ck_assert(name_node_lower(span_str("Main.Example-1"), buf, sizeof(buf)));
	ck_assert_str_eq(buf, "main.example-1");
	ck_assert(name_node_lower(repeat('A', LIMIT_NODE_ID), buf,
	    sizeof(buf)));
	ck_assert(!name_node_lower(repeat('A', LIMIT_NODE_ID + 1), buf,
	    sizeof(buf)));
	ck_assert(name_node_lower(span_str("ABC"), small, sizeof(small)));
	ck_assert(!name_node_lower(span_str("ABCD"), small, sizeof(small)));
	ck_assert(!name_node_lower(span_str(""), buf, sizeof(buf)));
	ck_assert(!name_node_lower(span_str("A."), buf, sizeof(buf)));
	/* No letter but ASCII's is lowered: not that of U+00C4. */
	ck_assert(!name_node_lower(span_str("\xc3\x84"), buf, sizeof(buf)));
	ck_assert(!name_node_lower((struct span){ "A\0B", 3 }, buf,
	    sizeof(buf)));
}
END_TEST

START_TEST(versions)
{
	static const char *const good[] = {
		"0.0.0", "1.2.3", "10.20.30", "1.0.0-alpha", "1.0.0-alpha.1",
		"1.0.0-0.3.7", "1.0.0-x.7.z.92", "1.0.0-x-y-z.--", "1.0.0+001",
		"1.0.0-beta+exp.sha.5114f85", "1.0.0+21AF26D3---117B344092BD",
		"99999999999999999999999.999999999999999999.99999999999999999",
		"1.0.0-0A", "1.0.0--", "1.0.0+0.00", "1.0.0-a+b-c", "1.0.0+a-b",
	};
	static const char *const bad[] = {
		"", "1", "1.2", "1.2.3.4", "01.1.1", "1.01.1", "1.1.01", ".1.2",
		"1..2", "1.2.", "v1.2.3", "1.2.3 ", " 1.2.3", "1.2.3-", "1.2.3+",
		"1.2.3-+", "1.2.3-a..b", "1.2.3-.a", "1.2.3-a.", "1.2.3-01",
		"1.2.3-a.01", "1.2.3+a..b", "1.2.3+a+b", "1.2.3-a_b", "1.2.x",
		"-1.2.3", "+1.2.3", "1.2.3-\xc3\xa4", "1,2,3", "1.2.3\n",
		"1.2-3.4", "1.2+3.4", "1-2.3.4",
	};
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ck_assert_msg(name_version(span_str(good[i])), "%s", good[i]);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ck_assert_msg(!name_version(span_str(bad[i])), "%s", bad[i]);
	ck_assert(!name_version((struct span){ "1.2.3\0", 6 }));
	ck_assert(!name_version((struct span){ NULL, 0 }));
}
END_TEST

START_TEST(version_lengths)
{
	char buf[LIMIT_VERSION + 2];

	memset(buf, 'a', sizeof(buf));
	memcpy(buf, "1.0.0-", 6);
	ck_assert(name_version((struct span){ buf, LIMIT_VERSION }));
	ck_assert(!name_version((struct span){ buf, LIMIT_VERSION + 1 }));
}
END_TEST

/* semver.org section 11, each before the next. */
START_TEST(version_order)
{
	static const char *const order[] = {
		"0.0.0-0", "0.0.0", "0.0.1", "0.1.0", "1.0.0-1", "1.0.0-2",
		"1.0.0-11", "1.0.0--", "1.0.0-1a", "1.0.0-alpha",
		"1.0.0-alpha.1", "1.0.0-alpha.1.0", "1.0.0-alpha.beta",
		"1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1",
		"1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0", "10.0.0",
		"18446744073709551616.0.0", "18446744073709551617.0.0",
	};
	size_t i, j, n = sizeof(order) / sizeof(order[0]);
	int c;

	for (i = 0; i < n; i++) {
		ck_assert(name_version(span_str(order[i])));
		for (j = 0; j < n; j++) {
			c = name_version_cmp(span_str(order[i]),
			    span_str(order[j]));
			ck_assert_msg((c < 0) == (i < j) && (c > 0) == (i > j),
			    "%s and %s: %d", order[i], order[j], c);
		}
	}
}
END_TEST

START_TEST(build_does_not_count)
{
	ck_assert_int_eq(name_version_cmp(span_str("1.0.0+a"),
	    span_str("1.0.0+b")), 0);
	ck_assert_int_eq(name_version_cmp(span_str("1.0.0+a"),
	    span_str("1.0.0")), 0);
	ck_assert_int_lt(name_version_cmp(span_str("1.0.0-a+b"),
	    span_str("1.0.0+a")), 0);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("name");

	tcase_add_test(tc, words);
	tcase_add_test(tc, nodes);
	tcase_add_test(tc, nodes_in_lower_case);
	tcase_add_test(tc, versions);
	tcase_add_test(tc, version_lengths);
	tcase_add_test(tc, version_order);
	tcase_add_test(tc, build_does_not_count);
	return (suite_run("name", tc));
}
