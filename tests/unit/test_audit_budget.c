/* SPDX-License-Identifier: ISC */
/* How much of the audit log others may fill: the arithmetic. */
#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "relay-registry/audit_budget.h"
#include "tests/unit/suite.h"

static struct audit_budget	b;

/* What was told last, and how often. */
static struct {
	unsigned int	 n;
	uint64_t	 sum;
	enum audit_kind	 kind;
	char		 node[64];
} told;

static void
setup(void)
{
	audit_budget_init(&b);
	memset(&told, 0, sizeof(told));
}

static void
teardown(void)
{
	audit_budget_clear(&b);
	ck_assert_uint_eq(b.n, 0);
}

static void
tell(void *arg, enum audit_kind kind, const char *node, uint32_t n)
{
	ck_assert_ptr_eq(arg, &told);
	ck_assert_uint_gt(n, 0);
	told.n++;
	told.sum += n;
	told.kind = kind;
	snprintf(told.node, sizeof(told.node), "%s", node);
}

static void
due(int64_t ms)
{
	audit_budget_due(&b, ms, tell, &told);
}

/* --- one bucket --- */

static const struct audit_pace pace = { 3, 1000 };

START_TEST(a_burst_and_then_the_pace)
{
	struct audit_bucket one = { 0 };
	int64_t ms;
	int i, n = 0;

	for (i = 0; i < 3; i++)
		ck_assert(audit_bucket_take(&one, &pace, 50));
	ck_assert(!audit_bucket_take(&one, &pace, 50));
	ck_assert(!audit_bucket_take(&one, &pace, 1049));
	ck_assert(audit_bucket_take(&one, &pace, 1050));
	ck_assert(!audit_bucket_take(&one, &pace, 1050));
	for (ms = 1051; ms <= 11050; ms++)
		n += audit_bucket_take(&one, &pace, ms);
	ck_assert_int_eq(n, 10);
	/* It holds no more than the burst, however long it rests. */
	for (i = 0; i < 3; i++)
		ck_assert(audit_bucket_take(&one, &pace, INT64_C(1) << 50));
	ck_assert(!audit_bucket_take(&one, &pace, INT64_C(1) << 50));
}
END_TEST

START_TEST(counts_are_told_seldom)
{
	struct audit_bucket one = { 0 };
	int i;

	ck_assert_uint_eq(audit_bucket_due(&one, 0), 0);
	for (i = 0; i < 10; i++)
		(void)audit_bucket_take(&one, &pace, 100);
	ck_assert_uint_eq(audit_bucket_due(&one, 100), 0);
	ck_assert_uint_eq(audit_bucket_due(&one, 1099), 0);
	ck_assert_uint_eq(audit_bucket_due(&one, 1100), 7);
	ck_assert_uint_eq(audit_bucket_due(&one, 1100), 0);
	/* The next one when its time has come, though it is at once. */
	audit_bucket_more(&one, 5, 1200);
	ck_assert_uint_eq(audit_bucket_due(&one, 1100 + LIMIT_AUDIT_MORE_MS -
	    1), 0);
	audit_bucket_more(&one, 1, 1300);
	ck_assert_uint_eq(audit_bucket_due(&one, 1100 + LIMIT_AUDIT_MORE_MS),
	    6);
	audit_bucket_more(&one, UINT32_MAX, 900000);
	audit_bucket_more(&one, UINT32_MAX, 900000);
	ck_assert_uint_eq(audit_bucket_due(&one, 901000), UINT32_MAX);
}
END_TEST

/* --- all of them --- */

START_TEST(kinds_are_apart)
{
	int i;

	for (i = 0; i < LIMIT_AUDIT_BURST; i++)
		ck_assert(audit_budget_kind(&b, AUDIT_REFUSALS, 0));
	ck_assert(!audit_budget_kind(&b, AUDIT_REFUSALS, 0));
	ck_assert(audit_budget_kind(&b, AUDIT_DENIALS, 0));
	ck_assert(audit_budget_node(&b, "alice.home", 0));
	due(1000);
	ck_assert_uint_eq(told.n, 1);
	ck_assert_uint_eq(told.sum, 1);
	ck_assert_int_eq(told.kind, AUDIT_REFUSALS);
	ck_assert(!audit_budget_kind(&b, AUDIT_REFUSALS,
	    LIMIT_AUDIT_REFILL_MS - 1));
	ck_assert(audit_budget_kind(&b, AUDIT_REFUSALS,
	    LIMIT_AUDIT_REFILL_MS));
}
END_TEST

START_TEST(nodes_are_apart)
{
	int i;

	for (i = 0; i < LIMIT_AUDIT_NODE_BURST; i++)
		ck_assert(audit_budget_node(&b, "mallory.home", 7));
	for (i = 0; i < 5; i++)
		ck_assert(!audit_budget_node(&b, "mallory.home", 7));
	ck_assert(audit_budget_node(&b, "mallory", 7));
	ck_assert(audit_budget_node(&b, "alice.home", 7));
	due(1007);
	ck_assert_uint_eq(told.n, 1);
	ck_assert_uint_eq(told.sum, 5);
	ck_assert_int_eq(told.kind, AUDIT_KINDS);
	ck_assert_str_eq(told.node, "mallory.home");
}
END_TEST

/* Those of whom nothing is known but that their bucket is full cost nothing. */
START_TEST(nodes_are_forgotten)
{
	const int64_t refill = LIMIT_AUDIT_NODE_REFILL_MS;

	ck_assert(audit_budget_node(&b, "a", 0));
	ck_assert(audit_budget_node(&b, "b", 0));
	ck_assert(audit_budget_node(&b, "b", 0));
	due(refill - 1);
	ck_assert_uint_eq(b.n, 2);
	due(refill);
	ck_assert_uint_eq(b.n, 1);
	due(2 * refill);
	ck_assert_uint_eq(b.n, 0);
	ck_assert_uint_eq(told.n, 0);
}
END_TEST

/* Not by being many, either: where nodes need no credentials. */
START_TEST(many_nodes)
{
	char id[32];
	uint32_t i, n = 0;

	for (i = 0; i < LIMIT_AUDIT_ALL_BURST + 100; i++) {
		snprintf(id, sizeof(id), "n%u", i / 10);
		n += audit_budget_node(&b, id, 0);
	}
	ck_assert_uint_eq(n, LIMIT_AUDIT_ALL_BURST);
	due(1000);
	ck_assert_uint_eq(told.n, 1);
	ck_assert_uint_eq(told.sum, 100);
	ck_assert_str_eq(told.node, "");
	ck_assert_int_eq(told.kind, AUDIT_KINDS);
}
END_TEST

/* Nor by the counts of each of them. */
START_TEST(counts_of_many_nodes)
{
	const uint32_t nodes = 200;
	char id[32];
	uint32_t i;

	for (i = 0; i < nodes * (LIMIT_AUDIT_NODE_BURST + 1); i++) {
		snprintf(id, sizeof(id), "n%u", i % nodes);
		(void)audit_budget_node(&b, id, 0);
	}
	due(1000);
	/* One was free again by then; what all left out had been told. */
	ck_assert_uint_eq(told.n, 2);
	due(1000 + LIMIT_AUDIT_MORE_MS);
	ck_assert_uint_eq(told.n, 3);
	ck_assert_str_eq(told.node, "");
	ck_assert_uint_eq(told.sum, nodes * (LIMIT_AUDIT_NODE_BURST + 1) -
	    LIMIT_AUDIT_ALL_BURST);
}
END_TEST

START_TEST(as_many_as_are_remembered)
{
	b.max = 2;
	ck_assert(audit_budget_node(&b, "a", 0));
	ck_assert(audit_budget_node(&b, "b", 0));
	ck_assert(!audit_budget_node(&b, "c", 0));
	ck_assert(audit_budget_node(&b, "a", 0));
	ck_assert_uint_eq(b.n, 2);
	due(1000);
	ck_assert_uint_eq(told.sum, 1);
	ck_assert_str_eq(told.node, "");
	due(2 * LIMIT_AUDIT_NODE_REFILL_MS);
	ck_assert(audit_budget_node(&b, "c", 2 * LIMIT_AUDIT_NODE_REFILL_MS));
}
END_TEST

/* What limits.h says of how long a part of the log lasts against a flood. */
START_TEST(how_long_it_lasts)
{
	const double day = 24 * 3600 * 1000.0;
	double one = 1.0 / LIMIT_AUDIT_MORE_MS;
	double kinds = 2 * (one + 1.0 / LIMIT_AUDIT_REFILL_MS);
	double node = one + 1.0 / LIMIT_AUDIT_NODE_REFILL_MS;
	double all = one + 1.0 / LIMIT_AUDIT_ALL_REFILL_MS;

	ck_assert_double_ge((LIMIT_AUDIT_STRANGERS - 2 * LIMIT_AUDIT_BURST) /
	    kinds, 2 * day);
	ck_assert_double_ge((LIMIT_AUDIT_NODES - LIMIT_AUDIT_NODE_BURST) /
	    node, 20 * day);
	ck_assert_double_ge((LIMIT_AUDIT_NODES - LIMIT_AUDIT_ALL_BURST) / all,
	    day * 10 / 24);
	ck_assert_int_gt(LIMIT_AUDIT, LIMIT_AUDIT_NODES +
	    LIMIT_AUDIT_STRANGERS);
	ck_assert_int_ge(LIMIT_AUDIT_NODE_BURST, 2 * (LIMIT_SERVICES + 3));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("budget");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_burst_and_then_the_pace);
	tcase_add_test(tc, counts_are_told_seldom);
	tcase_add_test(tc, kinds_are_apart);
	tcase_add_test(tc, nodes_are_apart);
	tcase_add_test(tc, nodes_are_forgotten);
	tcase_add_test(tc, many_nodes);
	tcase_add_test(tc, counts_of_many_nodes);
	tcase_add_test(tc, as_many_as_are_remembered);
	tcase_add_test(tc, how_long_it_lasts);
	return (suite_run("audit budget", tc));
}
