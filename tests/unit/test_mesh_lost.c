/* SPDX-License-Identifier: ISC */
/* Discovery between Mains: links that end, lag and lose, and new processes. */
#include "tests/unit/mesh_fixture.h"
#include "tests/unit/mesh_pair_fixture.h"
#include "tests/unit/suite.h"

START_TEST(stale_at_once_and_purged)
{
	two();
	world_own(&w, 0, 0, 0);
	world_unlink(&w, 0, 1);
	world_run(&w);
	/* The router knows by itself that the link is gone. */
	ck_assert_uint_eq(w.mains[1].told[MSG_PEER_ROUTES], 2);
	ck_assert_uint_eq(about(1, 0).nodes, 10);
	ck_assert(!about(1, 0).linked && !about(1, 0).synced);
	w.now.ms += LIMIT_STALE_MS - 1;
	mesh_tick(w.mains[1].mesh, w.now);
	world_run(&w);
	ck_assert_uint_eq(world_routes(&w, 1, 0), 10);
	w.now.ms++;
	mesh_tick(w.mains[1].mesh, w.now);
	ck_assert_uint_eq(stats(1).other_nodes, 0);
	world_run(&w);
	ck_assert_uint_eq(world_routes(&w, 1, 0), 0);
	ck_assert_uint_eq(w.mains[1].told[MSG_PEER_ROUTE_DELETE], 0);
	ck_assert_uint_eq(stats(1).purged, 10);
	ck_assert(!mesh_main(w.mains[1].mesh, w.mains[0].id,
	    &(struct mesh_main){ 0 }));
}
END_TEST

START_TEST(back_before_it_is_forgotten)
{
	two();
	world_unlink(&w, 0, 1);
	w.now.ms += LIMIT_STALE_MS;
	mesh_tick(w.mains[1].mesh, w.now);
	/* Purged, but the router was not told yet, and now need not be. */
	world_link(&w, 0, 1);
	world_run(&w);
	ck_assert(world_knows(&w, 1, 0));
	ck_assert_uint_eq(w.mains[1].told[MSG_PEER_ROUTES], 4);
}
END_TEST

static bool
note_since(void *arg, const struct mesh_view *view)
{
	*(int64_t *)arg = view->stale_since.ms;
	return (false);
}

START_TEST(stale_since_it_was_last_whole)
{
	int64_t since = 0, first;

	two();
	first = w.now.ms;
	world_unlink(&w, 0, 1);
	w.now.ms += 1000;
	/* A link that ends before the snapshot does is no word of them. */
	world_link(&w, 0, 1);
	w.now.ms += 1000;
	world_unlink(&w, 0, 1);
	mesh_each(w.mains[1].mesh, note_since, &since);
	ck_assert_int_eq(since, first);
	world_link(&w, 0, 1);
	world_run(&w);
	w.now.ms += 1000;
	world_unlink(&w, 0, 1);
	mesh_each(w.mains[1].mesh, note_since, &since);
	ck_assert_int_eq(since, first + 3000);
}
END_TEST

static bool
count_stale(void *arg, const struct mesh_view *view)
{
	size_t *n = arg;

	*n += view->stale;
	return (true);
}

static size_t
stale(size_t b)
{
	size_t n = 0;

	mesh_each(w.mains[b].mesh, count_stale, &n);
	return (n);
}

START_TEST(fresh_as_they_are_touched)
{
	two();
	ck_assert_uint_eq(stale(1), 0);
	world_unlink(&w, 0, 1);
	ck_assert_uint_eq(stale(1), 10);
	world_own(&w, 0, 2, 0);
	world_link(&w, 0, 1);
	ck_assert_uint_eq(stale(1), 10);
	world_run(&w);
	ck_assert_uint_eq(stale(1), 0);
	ck_assert(world_knows(&w, 1, 0));
	/* Only the difference went to the router, and that this is all. */
	ck_assert_uint_eq(w.mains[1].told[MSG_PEER_ROUTES], 3);
	ck_assert_uint_eq(w.mains[1].told[MSG_PEER_ROUTE_SET], 10);
	ck_assert_uint_eq(w.mains[1].told[MSG_PEER_ROUTE_DELETE], 1);
}
END_TEST

/* Not before its last part, and not the end of what was before the link. */
START_TEST(no_end_before_the_snapshot_has_one)
{
	own(0, 10);
	world_link(&w, 0, 1);
	(void)world_pull(&w, 0, SIZE_MAX);
	(void)world_deliver(&w, 0, 1, SIZE_MAX);
	/* All but the end is told. */
	(void)world_pull(&w, 1, 11);
	ck_assert_uint_eq(w.mains[1].told[MSG_PEER_ROUTES], 1);
	ck_assert_uint_eq(world_routes(&w, 1, 0), 10);
	world_link(&w, 0, 1);
	(void)world_pull(&w, 1, SIZE_MAX);
	ck_assert_uint_eq(w.mains[1].told[MSG_PEER_ROUTES], 1);
	/* Nor when the router has had it all and there is nothing new. */
	world_run(&w);
	ck_assert_uint_eq(w.mains[1].told[MSG_PEER_ROUTES], 2);
	world_link(&w, 0, 1);
	(void)world_pull(&w, 1, SIZE_MAX);
	ck_assert_uint_eq(w.mains[1].told[MSG_PEER_ROUTES], 2);
	world_run(&w);
	ck_assert_uint_eq(w.mains[1].told[MSG_PEER_ROUTES], 3);
	ck_assert_uint_eq(w.mains[1].told[MSG_PEER_ROUTE_SET], 10);
	world_check(&w);
}
END_TEST

/* The router takes what it is told for what is there now. */
START_TEST(nothing_of_before_is_told_after)
{
	uint64_t told;

	two();
	world_own(&w, 0, 0, 20);
	world_own(&w, 0, 12, 20);
	(void)world_pull(&w, 0, SIZE_MAX);
	(void)world_deliver(&w, 0, 1, SIZE_MAX);
	told = w.mains[1].told[MSG_PEER_ROUTE_SET];
	/* Two changes that are still to be told when the link is another. */
	world_link(&w, 0, 1);
	(void)world_pull(&w, 1, SIZE_MAX);
	ck_assert_uint_eq(w.mains[1].told[MSG_PEER_ROUTE_SET], told);
	world_run(&w);
	ck_assert_uint_eq(w.mains[1].told[MSG_PEER_ROUTE_SET], told + 2);
	world_check(&w);
	/* A new router is told of what is stale, but not as if it were not. */
	told += 2;
	world_new_router(&w, 1);
	world_link(&w, 0, 1);
	(void)world_pull(&w, 1, SIZE_MAX);
	ck_assert_uint_eq(w.mains[1].told[MSG_PEER_ROUTE_SET], told);
	ck_assert_uint_eq(world_routes(&w, 1, 0), 0);
	world_run(&w);
	ck_assert_uint_eq(w.mains[1].told[MSG_PEER_ROUTE_SET], told + 11);
	world_check(&w);
}
END_TEST

START_TEST(linked_but_never_in_step)
{
	two();
	world_unlink(&w, 0, 1);
	world_link(&w, 0, 1);
	(void)world_pull(&w, 0, SIZE_MAX);
	while (world_lose(&w, 0, 1))
		;
	w.now.ms += LIMIT_STALE_MS;
	mesh_tick(w.mains[1].mesh, w.now);
	(void)world_pull(&w, 1, SIZE_MAX);
	ck_assert_uint_eq(world_routes(&w, 1, 0), 0);
	ck_assert_uint_eq(stats(1).purged, 10);
	world_settle(&w);
	world_check(&w);
}
END_TEST

START_TEST(takeover_by_another_session)
{
	two();
	world_own(&w, 0, 2, 0);
	world_link(&w, 0, 1);
	world_run(&w);
	world_check(&w);
	ck_assert_uint_eq(stale(1), 0);
}
END_TEST

START_TEST(stale_sessions_say_nothing)
{
	uint64_t old;

	two();
	old = w.mains[1].to[0].session;
	world_link(&w, 0, 1);
	world_run(&w);
	mesh_digest(w.mains[1].mesh, old, 1, 1, 1, 1, w.now);
	mesh_link_down(w.mains[1].mesh, old, w.now);
	mesh_resync(w.mains[1].mesh, old);
	mesh_more(w.mains[1].mesh, old);
	ck_assert_ptr_null(mesh_rows_begin(w.mains[1].mesh, old, 9, 0, 0, 0,
	    w.now));
	ck_assert_ptr_null(mesh_rows_row(w.mains[1].mesh, old,
	    &(struct mesh_row_in){ .node = { "@", 1 } }, w.now));
	ck_assert_ptr_null(mesh_rows_end(w.mains[1].mesh, old, true, w.now));
	ck_assert_uint_eq(world_pull(&w, 1, 1), 0);
	world_check(&w);
}
END_TEST

START_TEST(lost_delta)
{
	two();
	world_own(&w, 0, 3, 20);
	(void)world_pull(&w, 0, SIZE_MAX);
	ck_assert(world_lose(&w, 0, 1));
	world_own(&w, 0, 4, 21);
	world_run(&w);
	ck_assert_uint_eq(stats(1).gaps, 1);
	ck_assert_uint_eq(stats(1).resyncs, 1);
	ck_assert_uint_eq(about(1, 0).resyncs, 1);
	ck_assert_uint_eq(about(1, 0).refused_rows, 1);
	/* Its snapshot comes within the time that a second one may take. */
	w.now.ms += LIMIT_RESYNC_MS;
	world_run(&w);
	world_check(&w);
	ck_assert_uint_eq(stats(0).snapshots_sent, 2);
}
END_TEST

START_TEST(lost_delta_found_by_digest)
{
	two();
	world_own(&w, 0, 3, 20);
	(void)world_pull(&w, 0, SIZE_MAX);
	ck_assert(world_lose(&w, 0, 1));
	ck_assert(!world_knows(&w, 1, 0));
	w.now.ms += LIMIT_DIGEST_MS - 1;
	mesh_tick(w.mains[0].mesh, w.now);
	ck_assert_uint_eq(world_pull(&w, 0, 1), 0);
	w.now.ms++;
	mesh_tick(w.mains[0].mesh, w.now);
	world_run(&w);
	ck_assert_uint_eq(stats(1).gaps, 1);
	ck_assert_uint_eq(stats(1).mismatches, 0);
	world_check(&w);
}
END_TEST

START_TEST(lost_snapshot)
{
	own(0, 10);
	world_link(&w, 0, 1);
	(void)world_pull(&w, 0, SIZE_MAX);
	ck_assert(world_lose(&w, 0, 1));
	world_settle(&w);
	world_check(&w);
	ck_assert_uint_eq(stats(1).gaps, 1);
}
END_TEST

START_TEST(resyncs_are_rare)
{
	int i;

	two();
	for (i = 0; i < 50; i++) {
		world_own(&w, 0, 3, 20 + i);
		(void)world_pull(&w, 0, SIZE_MAX);
		(void)world_lose(&w, 0, 1);
		world_own(&w, 0, 3, 120 + i);
		w.now.ms += LIMIT_RESYNC_MS / 10;
		world_run(&w);
	}
	ck_assert_uint_ge(stats(1).gaps, 5);
	ck_assert_uint_le(stats(1).resyncs, 6);
	ck_assert_uint_le(stats(0).snapshots_sent, 6);
	world_settle(&w);
	world_check(&w);
}
END_TEST

START_TEST(lagging_link)
{
	two();
	world_lag(&w, 0, 1, true);
	world_own(&w, 0, 3, 20);
	world_run(&w);
	ck_assert(!world_knows(&w, 1, 0));
	w.now.ms += LIMIT_RESYNC_MS;
	world_lag(&w, 0, 1, false);
	world_run(&w);
	world_check(&w);
	ck_assert_uint_eq(stats(1).gaps, 0);
}
END_TEST

START_TEST(digests_that_match)
{
	int i;

	two();
	world_link(&w, 1, 2);
	for (i = 0; i < 10; i++) {
		w.now.ms += LIMIT_DIGEST_MS;
		mesh_tick(w.mains[0].mesh, w.now);
		mesh_tick(w.mains[1].mesh, w.now);
		world_own(&w, 0, (size_t)i, 30 + i);
		world_run(&w);
	}
	ck_assert_uint_eq(stats(0).digests_sent, 10);
	ck_assert_uint_eq(stats(1).digests, 10);
	ck_assert_uint_eq(stats(0).digests + stats(2).digests, 20);
	ck_assert_uint_eq(stats(1).mismatches + stats(1).gaps, 0);
	ck_assert_uint_eq(stats(1).resyncs, 0);
}
END_TEST

START_TEST(new_router)
{
	own(2, 4);
	world_link(&w, 2, 1);
	two();
	world_unlink(&w, 0, 1);
	world_new_router(&w, 1);
	world_run(&w);
	/* It knows what is stale, to say so. */
	ck_assert_uint_eq(world_routes(&w, 1, 0), 10);
	ck_assert_uint_eq(world_routes(&w, 1, 2), 4);
	ck_assert_uint_eq(stale(1), 14);
	world_own(&w, 0, 3, 0);
	world_link(&w, 0, 1);
	world_link(&w, 1, 2);
	world_run(&w);
	world_check(&w);
}
END_TEST

START_TEST(new_router_in_the_middle)
{
	own(0, 10);
	world_link(&w, 0, 1);
	(void)world_pull(&w, 0, SIZE_MAX);
	(void)world_deliver(&w, 0, 1, SIZE_MAX);
	(void)world_pull(&w, 1, 4);
	world_own(&w, 0, 1, 0);
	world_new_router(&w, 1);
	(void)world_pull(&w, 1, 4);
	world_link(&w, 0, 1);
	world_run(&w);
	world_check(&w);
}
END_TEST

START_TEST(new_registry)
{
	two();
	world_link(&w, 1, 2);
	own(2, 4);
	world_run(&w);
	world_unlink(&w, 1, 2);
	world_new_registry(&w, 1);
	world_own(&w, 0, 4, 0);
	world_own(&w, 1, 4, 4);
	world_run(&w);
	w.now.ms += LIMIT_RESYNC_MS;
	world_run(&w);
	world_check(&w);
	ck_assert_uint_eq(stats(1).resyncs, 1);
	/* And the other side takes the new epoch without asking. */
	ck_assert_uint_eq(stats(0).resyncs, 0);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("lost");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, stale_at_once_and_purged);
	tcase_add_test(tc, back_before_it_is_forgotten);
	tcase_add_test(tc, stale_since_it_was_last_whole);
	tcase_add_test(tc, fresh_as_they_are_touched);
	tcase_add_test(tc, no_end_before_the_snapshot_has_one);
	tcase_add_test(tc, nothing_of_before_is_told_after);
	tcase_add_test(tc, linked_but_never_in_step);
	tcase_add_test(tc, takeover_by_another_session);
	tcase_add_test(tc, stale_sessions_say_nothing);
	tcase_add_test(tc, lost_delta);
	tcase_add_test(tc, lost_delta_found_by_digest);
	tcase_add_test(tc, lost_snapshot);
	tcase_add_test(tc, resyncs_are_rare);
	tcase_add_test(tc, lagging_link);
	tcase_add_test(tc, digests_that_match);
	tcase_add_test(tc, new_router);
	tcase_add_test(tc, new_router_in_the_middle);
	tcase_add_test(tc, new_registry);
	return (suite_run("mesh lost", tc));
}
