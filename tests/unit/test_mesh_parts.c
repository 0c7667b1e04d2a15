/* SPDX-License-Identifier: ISC */
/*
 * Snapshots of several parts of which policy leaves homes or services out.  The
 * world of the fixture aborts if a Main is told of what it must not have, or
 * takes for there what it was not told of.
 */
#include "tests/unit/mesh_fixture.h"
#include "tests/unit/mesh_pair_fixture.h"
#include "tests/unit/suite.h"

#define ALL	0x7f		/* s0 to s6 */
#define SOME	0x25		/* s0, s2, s5 */
#define HOMES	14		/* of Main 0, all long */

/* Variants whose services are for the federation. */
static void
long_homes(void)
{
	size_t i;

	for (i = 0; i < HOMES; i++)
		world_own(&w, 0, i, WORLD_LONG + (int)(i + i / 6 + 2));
}

/* How many messages of rows the first Main sends to b until it is silent. */
static uint64_t
parts_to(size_t b)
{
	uint64_t before = w.mains[0].told[MSG_PEER_ROWS];

	while (world_pull(&w, 0, 1) > 0)
		(void)world_deliver(&w, 0, b, SIZE_MAX);
	return (w.mains[0].told[MSG_PEER_ROWS] - before);
}

static void
knows(size_t b, uint64_t snapshots)
{
	world_run(&w);
	ck_assert(world_knows(&w, b, 0));
	ck_assert(about(b, 0).synced);
	ck_assert_uint_eq(stats(b).snapshots, snapshots);
}

/* What was told was whole: digests matched and nobody asked again. */
static void
no_resyncs(void)
{
	size_t i;

	world_settle(&w);
	world_check(&w);
	for (i = 0; i < 3; i++) {
		ck_assert_uint_gt(stats(i).digests, 0);
		ck_assert_uint_eq(stats(i).gaps, 0);
		ck_assert_uint_eq(stats(i).mismatches, 0);
		ck_assert_uint_eq(stats(i).resyncs, 0);
	}
}

static void
both_linked(void)
{
	world_link(&w, 0, 1);
	world_link(&w, 0, 2);
}

START_TEST(counts_and_digests)
{
	world_deny(&w, 0, 1, SOME, 0);
	long_homes();
	world_link(&w, 0, 1);
	ck_assert_uint_gt(parts_to(1), 3);
	knows(1, 1);
	world_link(&w, 0, 2);
	ck_assert_uint_gt(parts_to(2), 4);
	knows(2, 1);
	/* Homes of which nothing is left are not told of at all. */
	ck_assert_uint_eq(about(2, 0).nodes, HOMES);
	ck_assert_uint_lt(about(1, 0).nodes, HOMES);
	ck_assert_uint_gt(about(1, 0).nodes, HOMES / 2);
	ck_assert_uint_eq(world_routes(&w, 1, 0), about(1, 0).nodes);
	ck_assert_uint_lt(about(1, 0).services, about(2, 0).services);
	no_resyncs();
}
END_TEST

/* Homes that are left are few and far between, or there are none. */
START_TEST(hardly_anything_is_left)
{
	unsigned int i;

	long_homes();
	both_linked();
	world_run(&w);
	/* All but one of the names, then all of them. */
	for (i = 0; i < 7; i++) {
		world_deny(&w, 0, 1, (uint8_t)(ALL & ~(1U << i)), 0);
		w.now.ms += LIMIT_RESYNC_MS;
		knows(1, i + 2);
		ck_assert_uint_gt(about(1, 0).nodes, 0);
		ck_assert_uint_lt(about(1, 0).nodes, HOMES / 2);
	}
	world_deny(&w, 0, 1, ALL, 0);
	w.now.ms += LIMIT_RESYNC_MS;
	knows(1, 9);
	ck_assert_uint_eq(about(1, 0).nodes, 0);
	ck_assert_uint_eq(world_routes(&w, 1, 0), 0);
	knows(2, 1);
	no_resyncs();
}
END_TEST

/* Homes that a part has told of already, and homes that are to come. */
START_TEST(deltas_between_the_parts)
{
	size_t i;

	world_deny(&w, 0, 1, SOME, 0);
	long_homes();
	both_linked();
	for (i = 0; i < HOMES; i++) {
		ck_assert_uint_le(world_pull(&w, 0, 1), 1);
		(void)world_deliver(&w, 0, 1, SIZE_MAX);
		(void)world_deliver(&w, 0, 2, SIZE_MAX);
		/* It ends, is short, has others or just other services. */
		world_own(&w, 0, i, i % 4 == 0 ? 0 : (int)i + 1);
		world_own(&w, 0, HOMES - 1 - i, i % 3 == 0 ? 0 :
		    WORLD_LONG + (int)(5 * i) + 1);
	}
	knows(1, 1);
	knows(2, 1);
	/* And behind them all. */
	long_homes();
	knows(1, 1);
	knows(2, 1);
	no_resyncs();
}
END_TEST

START_TEST(policy_changes_between_the_parts)
{
	static const uint8_t sets[] = { SOME, 0, 0x12, SOME, ALL };
	uint64_t parts;
	size_t i;

	long_homes();
	both_linked();
	world_run(&w);
	for (i = 0; i < sizeof(sets); i++) {
		mesh_resync(w.mains[0].mesh, w.mains[0].to[1].session);
		w.now.ms += LIMIT_RESYNC_MS;
		parts = w.mains[0].told[MSG_PEER_ROWS];
		ck_assert_uint_eq(world_pull(&w, 0, 1), 1);
		(void)world_deliver(&w, 0, 1, SIZE_MAX);
		(void)world_pull(&w, 0, 1);
		ck_assert_uint_gt(w.mains[0].told[MSG_PEER_ROWS], parts);
		world_deny(&w, 0, 1, sets[i], 0);
		world_own(&w, 0, i, WORLD_LONG + 20 + (int)i);
		/* What had begun has no end, a new one has. */
		w.now.ms += LIMIT_RESYNC_MS;
		knows(1, i + 2);
		knows(2, 1);
	}
	no_resyncs();
}
END_TEST

/* Who is affected gets a new snapshot at once, of all that it may have now. */
START_TEST(policy_changes_after_it)
{
	long_homes();
	both_linked();
	world_run(&w);
	w.now.ms += LIMIT_RESYNC_MS;
	world_deny(&w, 0, 1, SOME, 0);
	ck_assert_uint_gt(parts_to(1), 3);
	knows(1, 2);
	world_own(&w, 0, 3, WORLD_LONG + 30);
	world_own(&w, 0, 4, 0);
	knows(1, 2);
	w.now.ms += LIMIT_RESYNC_MS;
	world_deny(&w, 0, 1, 0, 0);
	ck_assert_uint_gt(parts_to(1), 4);
	knows(1, 3);
	ck_assert_uint_eq(about(1, 0).nodes, HOMES - 1);
	knows(2, 1);
	no_resyncs();
}
END_TEST

/* What is not taken in counts all the same, but is no route. */
START_TEST(imports)
{
	size_t i;

	world_deny(&w, 1, 0, 0, SOME);
	long_homes();
	both_linked();
	for (i = 0; i < HOMES; i++) {
		(void)world_pull(&w, 0, 1);
		(void)world_deliver(&w, 0, 1, 1);
		(void)world_pull(&w, 1, 2);
		/* In the middle of the parts, too. */
		world_deny(&w, 1, 0, 0, i % 2 == 0 ? 0x12 : SOME);
	}
	knows(1, 1);
	ck_assert_uint_eq(about(1, 0).nodes, HOMES);
	ck_assert_uint_lt(world_routes(&w, 1, 0), HOMES);
	world_deny(&w, 1, 0, 0, ALL);
	knows(1, 1);
	ck_assert_uint_eq(world_routes(&w, 1, 0), 0);
	world_deny(&w, 1, 0, 0, 0);
	knows(1, 1);
	ck_assert_uint_eq(world_routes(&w, 1, 0), HOMES);
	no_resyncs();
}
END_TEST

/* The link ends between two parts, and what is there is another policy's. */
START_TEST(links_that_end_between_the_parts)
{
	size_t i;

	long_homes();
	world_link(&w, 0, 1);
	world_run(&w);
	for (i = 1; i < 8; i++) {
		world_deny(&w, 0, 1, (uint8_t)(i % 2 == 0 ? SOME : 0x12), 0);
		world_deny(&w, 1, 0, 0, (uint8_t)(1U << i % 7));
		world_link(&w, 0, 1);
		while (w.mains[0].to[1].queue == NULL)
			ck_assert_uint_eq(world_pull(&w, 0, 1), 1);
		(void)world_deliver(&w, 0, 1, 1);
		(void)world_pull(&w, 1, i);
		ck_assert(!about(1, 0).synced);
		if (i % 3 == 0)
			world_new_router(&w, 1);
		(void)world_pull(&w, 1, i);
	}
	/* Another Main takes its place in line, under rules of its own. */
	world_unlink(&w, 0, 1);
	world_link(&w, 0, 2);
	world_link(&w, 0, 1);
	world_run(&w);
	no_resyncs();
	knows(1, 2);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("parts");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, counts_and_digests);
	tcase_add_test(tc, hardly_anything_is_left);
	tcase_add_test(tc, deltas_between_the_parts);
	tcase_add_test(tc, policy_changes_between_the_parts);
	tcase_add_test(tc, policy_changes_after_it);
	tcase_add_test(tc, imports);
	tcase_add_test(tc, links_that_end_between_the_parts);
	return (suite_run("mesh parts", tc));
}
