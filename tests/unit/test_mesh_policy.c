/* SPDX-License-Identifier: ISC */
/*
 * Discovery between Mains under policy.  The world of the fixture aborts if a
 * Main is told of a service it must not have, or of the end of a home it never
 * had.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/mesh_fixture.h"
#include "tests/unit/mesh_pair_fixture.h"
#include "tests/unit/suite.h"

#define ALL	0x7f		/* s0 to s6 */
#define SOME	0x25		/* s0, s2, s5 */

/* Nobody had to ask again: what was told was whole. */
static void
no_resyncs(void)
{
	size_t i;

	for (i = 0; i < 3; i++) {
		ck_assert_uint_eq(stats(i).gaps, 0);
		ck_assert_uint_eq(stats(i).mismatches, 0);
		ck_assert_uint_eq(stats(i).resyncs, 0);
	}
}

/* --- export --- */

START_TEST(snapshot_without_what_is_denied)
{
	world_deny(&w, 0, 1, SOME, 0);
	two();
	world_link(&w, 0, 2);
	world_run(&w);
	ck_assert(world_knows(&w, 1, 0));
	ck_assert(world_knows(&w, 2, 0));
	ck_assert_uint_lt(about(1, 0).services, about(2, 0).services);
	world_settle(&w);
	no_resyncs();
}
END_TEST

START_TEST(nothing_for_one_main)
{
	world_deny(&w, 0, 1, ALL, 0);
	own(0, 10);
	world_link(&w, 0, 1);
	world_link(&w, 0, 2);
	world_run(&w);
	ck_assert_uint_eq(about(1, 0).nodes, 0);
	ck_assert(about(1, 0).synced);
	ck_assert_uint_eq(world_routes(&w, 1, 0), 0);
	ck_assert_uint_eq(world_routes(&w, 2, 0), 10);
	/* Nor is it told that a home ends that it never had. */
	world_own(&w, 0, 3, 0);
	world_own(&w, 0, 4, 5);
	world_run(&w);
	ck_assert_uint_eq(stats(1).rows, 0);
	ck_assert(world_knows(&w, 2, 0));
	world_settle(&w);
	no_resyncs();
}
END_TEST

START_TEST(deltas_under_shared_numbers)
{
	int i;

	world_deny(&w, 0, 1, SOME, 0);
	own(0, 8);
	world_link(&w, 0, 1);
	world_link(&w, 0, 2);
	world_run(&w);
	for (i = 1; i < 200; i++) {
		world_own(&w, 0, (size_t)i % 12, i * 5 % 17);
		world_run(&w);
		ck_assert(world_knows(&w, 1, 0));
		ck_assert(world_knows(&w, 2, 0));
	}
	world_settle(&w);
	ck_assert_uint_eq(stats(1).deltas, stats(2).deltas);
	no_resyncs();
}
END_TEST

/* A delta is half told when rows of it change, and Mains come and go. */
START_TEST(changes_while_a_delta_is_told)
{
	size_t i;

	world_deny(&w, 0, 1, SOME, 0);
	own(0, 12);
	world_link(&w, 0, 1);
	world_link(&w, 0, 2);
	world_run(&w);
	for (i = 0; i < 12; i++)
		world_own(&w, 0, i, (int)i + 1);
	ck_assert_uint_eq(world_pull(&w, 0, 1), 1);
	world_own(&w, 0, 0, 0);
	world_own(&w, 0, 1, 9);
	world_own(&w, 0, 2, 0);
	world_own(&w, 0, 2, 10);
	world_own(&w, 0, 13, 3);
	world_run(&w);
	ck_assert(world_knows(&w, 1, 0));
	ck_assert(world_knows(&w, 2, 0));
	/* One of the two links ends in the middle, then both. */
	world_own(&w, 0, 3, 0);
	ck_assert_uint_eq(world_pull(&w, 0, 1), 1);
	world_unlink(&w, 0, 2);
	world_run(&w);
	ck_assert(world_knows(&w, 1, 0));
	world_own(&w, 0, 4, 0);
	world_link(&w, 0, 2);
	ck_assert_uint_eq(world_pull(&w, 0, 1), 1);
	world_own(&w, 0, 5, 0);
	world_unlink(&w, 0, 1);
	world_unlink(&w, 0, 2);
	world_link(&w, 0, 1);
	world_run(&w);
	ck_assert(world_knows(&w, 1, 0));
	no_resyncs();
}
END_TEST

START_TEST(an_end_while_a_delta_is_told)
{
	world_deny(&w, 0, 1, SOME, 0);
	own(0, 12);
	world_link(&w, 0, 1);
	world_link(&w, 0, 2);
	world_run(&w);
	world_own(&w, 0, 3, 0);
	world_own(&w, 0, 4, 2);
	ck_assert_uint_eq(world_pull(&w, 0, 1), 1);
	world_new_router(&w, 0);
	world_link(&w, 0, 1);
	world_run(&w);
	ck_assert(world_knows(&w, 1, 0));
	world_own(&w, 0, 3, 1);
	world_own(&w, 0, 4, 0);
	ck_assert_uint_eq(world_pull(&w, 0, 1), 1);
	/* and freed in the middle */
}
END_TEST

START_TEST(health_of_what_is_denied)
{
	uint16_t i, n;
	struct service *list = world_services(2, &n);

	world_own(&w, 0, 0, 2);
	world_deny(&w, 0, 1, (uint8_t)(1U << (list[0].name[1] - '0')), 0);
	world_link(&w, 0, 1);
	world_link(&w, 0, 2);
	world_run(&w);
	for (i = 0; i < n; i++)
		mesh_own_health(w.mains[0].mesh, "n0", list[i].name,
		    list[i].version, false);
	world_run(&w);
	for (i = 0; i < n; i++)
		mesh_own_health(w.mains[0].mesh, "n0", list[i].name,
		    list[i].version, true);
	world_run(&w);
	ck_assert(world_knows(&w, 1, 0));
	ck_assert(world_knows(&w, 2, 0));
	world_settle(&w);
	no_resyncs();
	world_services_free(list, n);
}
END_TEST

START_TEST(policy_changes)
{
	static const uint8_t sets[] = { SOME, 0, ALL, 1, SOME, SOME, 0, 0,
	    ALL, 0 };
	size_t i;

	own(0, 12);
	world_link(&w, 0, 1);
	world_link(&w, 0, 2);
	world_run(&w);
	for (i = 0; i < sizeof(sets); i++) {
		w.now.ms += LIMIT_RESYNC_MS;
		world_deny(&w, 0, 1, sets[i], 0);
		world_run(&w);
		ck_assert(world_knows(&w, 1, 0));
		ck_assert(world_knows(&w, 2, 0));
		world_own(&w, 0, 3, (int)i + 1);
		world_own(&w, 0, 5, i % 2 == 0 ? 0 : 4);
		world_run(&w);
		ck_assert(world_knows(&w, 1, 0));
		ck_assert(world_knows(&w, 2, 0));
	}
	world_settle(&w);
	no_resyncs();
	/* Who was not affected was left alone. */
	ck_assert_uint_eq(stats(2).snapshots, 1);
	ck_assert_uint_ge(stats(1).snapshots, 6);
}
END_TEST

START_TEST(the_same_policy_again)
{
	world_deny(&w, 0, 1, SOME, SOME);
	two();
	world_deny(&w, 0, 1, SOME, SOME);
	ck_assert_uint_eq(world_pull(&w, 0, SIZE_MAX), 0);
	/* One that makes no difference, as nobody has such a service. */
	world_own(&w, 1, 0, 0);
	world_deny(&w, 1, 0, ALL, 0);
	world_run(&w);
	ck_assert_uint_eq(stats(0).snapshots, 1);
}
END_TEST

START_TEST(policy_changes_within_a_snapshot)
{
	two();
	mesh_resync(w.mains[0].mesh, w.mains[0].to[1].session);
	w.now.ms += LIMIT_RESYNC_MS;
	ck_assert_uint_eq(world_pull(&w, 0, 1), 1);
	world_deny(&w, 0, 1, SOME, 0);
	world_own(&w, 0, 2, 9);
	world_run(&w);
	w.now.ms += LIMIT_RESYNC_MS;
	world_run(&w);
	ck_assert(world_knows(&w, 1, 0));
	/* and while a delta is told to one after another */
	world_own(&w, 0, 2, 10);
	world_own(&w, 0, 3, 0);
	world_link(&w, 0, 2);
	ck_assert_uint_eq(world_pull(&w, 0, 1), 1);
	world_deny(&w, 0, 1, 0, 0);
	world_own(&w, 0, 4, 0);
	world_settle(&w);
	ck_assert(world_knows(&w, 1, 0));
	ck_assert(world_knows(&w, 2, 0));
	no_resyncs();
}
END_TEST

START_TEST(digests_find_what_is_lost)
{
	world_deny(&w, 0, 1, SOME, 0);
	two();
	world_own(&w, 0, 3, 9);
	(void)world_pull(&w, 0, SIZE_MAX);
	ck_assert(world_lose(&w, 0, 1));
	world_settle(&w);
	ck_assert(world_knows(&w, 1, 0));
	ck_assert_uint_gt(stats(1).resyncs, 0);
}
END_TEST

START_TEST(a_lagging_peer)
{
	world_deny(&w, 0, 1, SOME, 0);
	two();
	world_lag(&w, 0, 1, true);
	world_own(&w, 0, 3, 9);
	world_own(&w, 0, 4, 0);
	world_run(&w);
	world_deny(&w, 0, 1, 1, 0);
	world_own(&w, 0, 6, 11);
	world_run(&w);
	world_settle(&w);
	ck_assert(world_knows(&w, 1, 0));
}
END_TEST

/* --- import --- */

START_TEST(not_taken_in)
{
	world_deny(&w, 1, 0, 0, SOME);
	two();
	ck_assert(about(1, 0).synced);
	ck_assert_uint_eq(about(1, 0).nodes, 10);
	world_own(&w, 0, 3, 9);
	world_own(&w, 0, 4, 0);
	world_own(&w, 0, 12, 8);
	world_run(&w);
	ck_assert(world_knows(&w, 1, 0));
	world_settle(&w);
	/* Its own digests are right, so it does not ask again and again. */
	no_resyncs();
}
END_TEST

START_TEST(nothing_taken_in)
{
	world_deny(&w, 1, 0, 0, ALL);
	two();
	ck_assert_uint_eq(world_routes(&w, 1, 0), 0);
	ck_assert_uint_eq(w.mains[1].told[MSG_PEER_ROUTE_SET], 0);
	world_own(&w, 0, 3, 0);
	world_own(&w, 0, 4, 9);
	world_run(&w);
	ck_assert_uint_eq(w.mains[1].told[MSG_PEER_ROUTE_DELETE], 0);
	world_unlink(&w, 0, 1);
	world_run(&w);
	ck_assert(world_knows(&w, 1, 0));
	w.now.ms += LIMIT_STALE_MS;
	mesh_tick(w.mains[1].mesh, w.now);
	world_run(&w);
	ck_assert_uint_eq(stats(1).other_nodes, 0);
}
END_TEST

START_TEST(import_changes)
{
	static const uint8_t sets[] = { SOME, ALL, 0, 2, ALL, SOME, 0 };
	size_t i;

	own(0, 12);
	own(2, 3);
	world_link(&w, 0, 1);
	world_link(&w, 2, 1);
	world_run(&w);
	for (i = 0; i < sizeof(sets); i++) {
		world_deny(&w, 1, 0, 0, sets[i]);
		world_run(&w);
		ck_assert(world_knows(&w, 1, 0));
		ck_assert(world_knows(&w, 1, 2));
		world_own(&w, 0, 3, (int)i + 1);
		world_run(&w);
		ck_assert(world_knows(&w, 1, 0));
	}
	/* Of the other Main, nothing was told twice. */
	ck_assert_uint_eq(stats(1).snapshots, 2);
	world_deny(&w, 1, 0, 0, SOME);
	world_new_router(&w, 1);
	world_link(&w, 0, 1);
	world_settle(&w);
	ck_assert(world_knows(&w, 1, 0));
	/* A Main that is gone: what is stale of it obeys as well. */
	world_unlink(&w, 0, 1);
	world_deny(&w, 1, 0, 0, ALL);
	world_run(&w);
	ck_assert_uint_eq(world_routes(&w, 1, 0), 0);
	world_deny(&w, 1, 0, 0, 0);
	world_run(&w);
	ck_assert(world_knows(&w, 1, 0));
}
END_TEST

/* --- all of it, in any order --- */

static uint32_t
dice(uint64_t *state, uint32_t sides)
{
	*state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
	return ((uint32_t)(*state >> 33) % sides);
}

static void
one_thing(uint64_t *s)
{
	size_t a = dice(s, 3), b = (a + 1 + dice(s, 2)) % 3;

	switch (dice(s, 12)) {
	case 0:
		world_link(&w, a, b);
		break;
	case 1:
		world_unlink(&w, a, b);
		break;
	case 2:
	case 3:
		world_deny(&w, a, b, (uint8_t)(dice(s, 3) == 0 ? 0 :
		    dice(s, 128)), (uint8_t)(dice(s, 2) == 0 ? 0 :
		    dice(s, 128)));
		break;
	case 4:
		if (dice(s, 8) == 0)
			world_new_router(&w, a);
		break;
	case 5:
		if (dice(s, 8) == 0)
			world_new_registry(&w, a);
		break;
	case 6:
		world_lag(&w, a, b, dice(s, 2) == 0);
		break;
	case 7:
		w.now.ms += dice(s, 3000);
		mesh_tick(w.mains[a].mesh, w.now);
		break;
	case 8:
		(void)world_pull(&w, a, dice(s, 4));
		break;
	case 9:
		(void)world_deliver(&w, a, b, dice(s, 4));
		break;
	default:
		world_own(&w, a, dice(s, WORLD_NODES), (int)dice(s, 20));
	}
}

START_TEST(anything)
{
	uint64_t s = (uint64_t)_i + 1;
	int i, round;

	for (round = 0; round < 5; round++) {
		for (i = 0; i < 200; i++)
			one_thing(&s);
		world_settle(&w);
		world_check(&w);
	}
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("policy");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, snapshot_without_what_is_denied);
	tcase_add_test(tc, nothing_for_one_main);
	tcase_add_test(tc, deltas_under_shared_numbers);
	tcase_add_test(tc, changes_while_a_delta_is_told);
	tcase_add_test(tc, an_end_while_a_delta_is_told);
	tcase_add_test(tc, health_of_what_is_denied);
	tcase_add_test(tc, policy_changes);
	tcase_add_test(tc, the_same_policy_again);
	tcase_add_test(tc, policy_changes_within_a_snapshot);
	tcase_add_test(tc, digests_find_what_is_lost);
	tcase_add_test(tc, a_lagging_peer);
	tcase_add_test(tc, not_taken_in);
	tcase_add_test(tc, nothing_taken_in);
	tcase_add_test(tc, import_changes);
	tcase_add_loop_test(tc, anything, 0, 40);
	return (suite_run("mesh policy", tc));
}
