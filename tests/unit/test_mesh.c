/* SPDX-License-Identifier: ISC */
/* Discovery between Mains that talk to each other: what they tell. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/mesh_fixture.h"
#include "tests/unit/mesh_pair_fixture.h"
#include "tests/unit/suite.h"

START_TEST(snapshot_on_link_up)
{
	two();
	ck_assert(world_knows(&w, 0, 1));
	ck_assert(about(1, 0).synced);
	ck_assert_uint_eq(about(1, 0).nodes, 10);
	ck_assert_uint_gt(about(1, 0).services, 10);
	ck_assert_uint_eq(stats(0).snapshots_sent, 1);
	ck_assert_uint_eq(stats(1).snapshots, 1);
	ck_assert_uint_eq(stats(1).resyncs, 0);
	ck_assert_uint_eq(w.mains[1].told[MSG_PEER_ROUTES], 2);
	ck_assert_uint_eq(w.mains[1].told[MSG_PEER_ROUTE_SET], 10);
}
END_TEST

START_TEST(nothing_for_others)
{
	two();
	/* What one Main learned it does not tell a third. */
	world_link(&w, 1, 2);
	world_run(&w);
	ck_assert_uint_eq(stats(2).other_nodes, 0);
	ck_assert(!mesh_main(w.mains[2].mesh, w.mains[0].id,
	    &(struct mesh_main){ 0 }));
}
END_TEST

START_TEST(deltas)
{
	two();
	world_own(&w, 0, 3, 9);		/* another set */
	world_own(&w, 0, 4, 0);		/* gone */
	world_own(&w, 0, 5, 7);		/* nothing for the federation left */
	world_own(&w, 0, 15, 2);	/* new */
	world_run(&w);
	ck_assert(world_knows(&w, 1, 0));
	ck_assert_uint_eq(stats(0).deltas_sent, 1);
	ck_assert_uint_eq(stats(0).rows_sent, 14);
	ck_assert_uint_eq(w.mains[1].told[MSG_PEER_ROUTE_DELETE], 2);
	ck_assert_uint_eq(w.mains[1].told[MSG_PEER_ROUTE_SET], 12);
	/* One whole table is enough. */
	ck_assert_uint_eq(w.mains[1].told[MSG_PEER_ROUTES], 2);
}
END_TEST

START_TEST(told_once_however_often_it_changed)
{
	int i;

	two();
	for (i = 1; i < 100; i++)
		world_own(&w, 0, 3, i);
	for (i = 0; i < 10; i++) {
		world_own(&w, 0, 14, 3);
		world_own(&w, 0, 14, 0);
	}
	world_run(&w);
	ck_assert(world_knows(&w, 1, 0));
	/* The one that came and went was never there. */
	ck_assert_uint_eq(stats(0).rows_sent, 10 + 1);
	world_own(&w, 0, 3, 99);
	world_run(&w);
	ck_assert_uint_eq(stats(0).rows_sent, 10 + 1);
}
END_TEST

START_TEST(deleted_and_set_again)
{
	two();
	world_own(&w, 0, 3, 0);
	world_own(&w, 0, 3, 30);
	world_run(&w);
	ck_assert(world_knows(&w, 1, 0));
	ck_assert_uint_eq(w.mains[1].told[MSG_PEER_ROUTE_DELETE], 0);
}
END_TEST

START_TEST(alone_nothing_is_said)
{
	own(0, 10);
	world_own(&w, 0, 3, 0);
	ck_assert_uint_eq(world_pull(&w, 0, 1), 0);
	two();
	ck_assert_uint_eq(stats(0).deltas_sent, 0);
	world_own(&w, 0, 4, 0);
	world_unlink(&w, 0, 1);
	world_own(&w, 0, 5, 0);
	ck_assert_uint_eq(world_pull(&w, 0, 1), 0);
	ck_assert_uint_eq(stats(0).own_nodes, 8);
}
END_TEST

START_TEST(health)
{
	uint16_t n, i;
	struct service *list = world_services(1, &n);

	two();
	/* Not a service of it, and not a home at all. */
	mesh_own_health(w.mains[0].mesh, "n0", "none", "1.0.0", false);
	mesh_own_health(w.mains[0].mesh, "n0", list[0].name, "9.9.9", false);
	mesh_own_health(w.mains[0].mesh, "n15", list[0].name,
	    list[0].version, false);
	mesh_own_health(w.mains[0].mesh, "n0", list[0].name, list[0].version,
	    true);
	world_run(&w);
	ck_assert_uint_eq(stats(0).deltas_sent, 0);
	mesh_own_health(w.mains[0].mesh, "n0", list[0].name, list[0].version,
	    false);
	world_run(&w);
	ck_assert_uint_eq(stats(0).deltas_sent, 1);
	ck_assert(!world_knows(&w, 1, 0));
	for (i = 0; i < n; i++)
		mesh_own_health(w.mains[0].mesh, "n0", list[i].name,
		    list[i].version, true);
	world_run(&w);
	ck_assert(world_knows(&w, 1, 0));
	world_services_free(list, n);
}
END_TEST

START_TEST(two_mains_with_one_home)
{
	own(0, 3);
	own(2, 3);
	world_own(&w, 2, 0, 5);
	world_link(&w, 0, 1);
	world_link(&w, 2, 1);
	world_run(&w);
	world_check(&w);
	ck_assert_uint_eq(stats(1).other_nodes, 6);
	world_own(&w, 2, 1, 0);
	world_run(&w);
	world_check(&w);
	ck_assert_uint_eq(world_routes(&w, 1, 0), 3);
}
END_TEST

/* "main0/n0 " and so on, up to one of them. */
static bool
note(void *arg, const struct mesh_view *view)
{
	char *text = arg;
	size_t len = strlen(text);

	snprintf(text + len, 100 - len, "%s/%s ", view->main_id, view->node);
	return (strcmp(view->node, "n2") != 0 ||
	    strcmp(view->main_id, "main2") != 0);
}

START_TEST(views_in_order)
{
	char text[100] = "";

	world_own(&w, 2, 1, 1);
	world_own(&w, 2, 2, 1);
	world_own(&w, 2, 3, 1);
	world_link(&w, 1, 2);
	world_own(&w, 0, 9, 1);
	world_own(&w, 0, 10, 1);
	world_link(&w, 0, 1);
	world_run(&w);
	mesh_each(w.mains[1].mesh, note, text);
	ck_assert_str_eq(text, "main0/n10 main0/n9 main2/n1 main2/n2 ");
	ck_assert_uint_eq(stats(1).other_nodes, 5);
	ck_assert_uint_eq(stats(1).other_services,
	    about(1, 0).services + about(1, 2).services);
	ck_assert(!mesh_main(w.mains[1].mesh, "nobody",
	    &(struct mesh_main){ 0 }));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("mesh");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, snapshot_on_link_up);
	tcase_add_test(tc, nothing_for_others);
	tcase_add_test(tc, deltas);
	tcase_add_test(tc, told_once_however_often_it_changed);
	tcase_add_test(tc, deleted_and_set_again);
	tcase_add_test(tc, alone_nothing_is_said);
	tcase_add_test(tc, health);
	tcase_add_test(tc, two_mains_with_one_home);
	tcase_add_test(tc, views_in_order);
	return (suite_run("mesh", tc));
}
