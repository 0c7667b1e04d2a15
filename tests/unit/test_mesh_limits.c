/* SPDX-License-Identifier: ISC */
/* Discovery between Mains: what a peer may not say. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay-registry/mesh.h"
#include "tests/unit/mesh_rows_fixture.h"
#include "tests/unit/suite.h"

/* --- what a peer may not say --- */

/* The next word ends the link, and nothing after it counts. */
static void
ends_link(const char *why, const char *expected)
{
	ck_assert_ptr_nonnull(why);
	ck_assert_ptr_nonnull(strstr(why, expected));
	(void)said();
	ck_assert_ptr_null(row("q"));
	end(true);
	part(1, 0, true, "q");
	mesh_digest(m, A, 9, 9, 9, 9, now);
	ck_assert_str_eq(said(), "");
	mesh_link_down(m, A, now);
	mesh_link_up(m, A + 1, "a", false, now);
	ck_assert_str_eq(said(), "P");
}

START_TEST(no_operation)
{
	static const unsigned int ops[] = { 0, 3, 255 };

	ends_link(begin(ops[_i], 1, 1, 0), "neither");
}
END_TEST

START_TEST(bad_nodes)
{
	static const char *const bad[] = { "", "N", "x@a", "x/y", "x:1", ".x",
	    "x.", "x..y", "\xc3\xa4", "x y" };

	ck_assert_ptr_null(begin(1, 1, 1, 0));
	ends_link(_i % 2 ? gone(bad[_i / 2]) : row(bad[_i / 2]), "not valid");
}
END_TEST

START_TEST(long_node)
{
	char node[LIMIT_NODE_ID + 2];

	memset(node, 'n', sizeof(node) - 1);
	node[LIMIT_NODE_ID + 1] = '\0';
	ck_assert_ptr_null(begin(1, 1, 1, 0));
	ck_assert_ptr_null(row(node + 1));
	ends_link(row(node), "not valid");
}
END_TEST

START_TEST(itself_as_a_home)
{
	ck_assert_ptr_null(begin(1, 1, 1, 0));
	ends_link(row("a"), "its Main");
}
END_TEST

START_TEST(too_many_homes)
{
	part(1, 0, true, "tuvw");
	ck_assert_ptr_null(begin(2, 1, 2, 0));
	/* One for another is fine, and so is one that is there. */
	ck_assert_ptr_null(gone("t"));
	ck_assert_ptr_null(row("x"));
	ck_assert_ptr_null(row("u"));
	ends_link(row("t"), "more homes");
	ck_assert_uint_eq(main_a().nodes, 4);
}
END_TEST

START_TEST(other_homes_in_the_next_snapshot)
{
	part(1, 0, true, "tuvw");
	/* All new: the old ones go only with the last part. */
	part(1, 0, false, "mn");
	part(1, 1, true, "op");
	ck_assert_uint_eq(main_a().nodes, 4);
}
END_TEST

START_TEST(snapshots_that_never_end)
{
	static const char *const homes[] = { "tuvw", "mnop", "efgh", "ijkl" };
	size_t i;

	for (i = 0; i < 4; i++) {
		now.ms += 5000;
		part(1, 0, false, homes[i]);
		ck_assert_uint_le(main_a().nodes, 2 * small.nodes);
		(void)said();
	}
	part(1, 1, true, "");
	ck_assert_uint_eq(main_a().nodes, 4);
	ck_assert_str_eq(said(), "ddddE");
}
END_TEST

START_TEST(too_many_bytes)
{
	struct mesh_limits limits = small;
	struct service s;
	char node[2] = "x";
	uint64_t before;
	int i;

	limits.bytes = 32768;
	limit(&limits);
	service_init(&s);
	snprintf(s.name, sizeof(s.name), "s");
	s.n_methods = 40;
	s.methods = calloc(40, sizeof(*s.methods));
	ck_assert_ptr_nonnull(s.methods);
	for (i = 0; i < 40; i++)
		memset(s.methods[i].name, 'm', LIMIT_METHOD_NAME);
	ck_assert_ptr_null(begin(1, 1, 1, 0));
	ck_assert_ptr_null(row_of("x", &s, 1));
	ck_assert_ptr_null(row_of("x", &s, 1));
	ck_assert_ptr_null(row_of("y", &s, 1));
	before = stats().other_bytes;
	ck_assert_uint_gt(before, 2 * 40 * LIMIT_METHOD_NAME);
	/* In the place of a small one it is too much as well. */
	ck_assert_ptr_null(row("z"));
	node[0] = _i ? 'z' : 'w';
	ends_link(row_of(node, &s, 1), "more bytes");
	ck_assert_uint_le(stats().other_bytes, limits.bytes);
	ck_assert_uint_gt(stats().other_bytes, before);
	service_clear(&s);
}
END_TEST

/* --- all Mains together --- */

#define OTHERS	100	/* the session of the first of them */

/* Main number i links and has some homes, all alike; NULL or a violation. */
static const char *
other_main(unsigned int i, const char *homes)
{
	struct mesh_row_in in = { .n = 1 };
	struct service s;
	const char *why = NULL;
	char id[16], node[2] = "";

	service_init(&s);
	snprintf(s.name, sizeof(s.name), "s");
	in.services = &s;
	snprintf(id, sizeof(id), "m%u", i);
	mesh_link_up(m, OTHERS + i, id, false, now);
	ck_assert_ptr_null(mesh_rows_begin(m, OTHERS + i, 1, 1, 1, 0, now));
	for (; *homes != '\0' && why == NULL; homes++) {
		node[0] = *homes;
		in.node = span_str(node);
		why = mesh_rows_row(m, OTHERS + i, &in, now);
	}
	if (why == NULL)
		why = mesh_rows_end(m, OTHERS + i, true, now);
	return (why);
}

static bool
is_known(unsigned int i)
{
	struct mesh_main main;
	char id[16];

	snprintf(id, sizeof(id), "m%u", i);
	return (mesh_main(m, id, &main) && main.nodes > 0);
}

/* Ids cost nothing: who is gone the longest makes room. */
START_TEST(mains_that_come_and_go)
{
	unsigned int i;

	part(1, 0, true, "tuvw");
	for (i = 0; i < 20; i++) {
		now.ms++;
		ck_assert_ptr_null(other_main(i, "xy"));
		if (_i)
			(void)said();
		mesh_link_down(m, OTHERS + i, now);
		ck_assert_uint_le(stats().other_nodes, 4 + 2 * 2);
	}
	ck_assert(is_known(19) && is_known(18) && !is_known(17));
	(void)said();
	ck_assert_uint_eq(main_a().nodes, 4);
	/* One that is back is not gone, and had not been the longest. */
	ck_assert_ptr_null(other_main(18, "xy"));
	ck_assert_ptr_null(other_main(20, "xy"));
	mesh_link_down(m, OTHERS + 20, now);
	ck_assert(is_known(18) && is_known(19) && is_known(20));
}
END_TEST

/* Who has little may have it still when others have all the rest. */
START_TEST(too_many_bytes_of_all)
{
	struct mesh_limits limits = small;
	size_t one;

	part(1, 0, true, "t");
	one = stats().other_bytes;
	ck_assert_uint_gt(one, sizeof(struct service));
	limits.total = 7 * one;
	limit(&limits);
	ck_assert_ptr_null(other_main(1, "xyz"));
	ck_assert_ptr_null(other_main(2, "xyz"));
	mesh_link_down(m, OTHERS + 1, now);
	/* First goes what is stale. */
	ck_assert_ptr_null(other_main(3, "xyz"));
	ck_assert(!is_known(1) && is_known(2));
	ck_assert_ptr_null(begin(1, 1, 1, 0));
	ck_assert_ptr_null(row("t"));
	ends_link(row("u"), "more bytes");
	ck_assert(is_known(2) && is_known(3));
	limits.total = LIMIT_PEERS * one;
	limit(&limits);
	ck_assert_ptr_null(other_main(1, "x"));
	part(1, 0, true, "t");
	ck_assert_uint_eq(main_a().nodes, 1);
}
END_TEST

START_TEST(too_many_services)
{
	struct service *list = calloc(LIMIT_SERVICES + 1, sizeof(*list));
	uint16_t i;

	ck_assert_ptr_nonnull(list);
	for (i = 0; i <= LIMIT_SERVICES; i++) {
		service_init(&list[i]);
		snprintf(list[i].name, sizeof(list[i].name), "s%u", i);
	}
	ck_assert_ptr_null(begin(1, 1, 1, 0));
	ck_assert_ptr_null(row_of("x", list, LIMIT_SERVICES));
	ends_link(row_of("y", list, LIMIT_SERVICES + 1), "more services");
	free(list);
}
END_TEST

START_TEST(bad_services)
{
	struct service list[3];
	size_t i;

	for (i = 0; i < 3; i++) {
		service_init(&list[i]);
		snprintf(list[i].name, sizeof(list[i].name), "s%zu", i % 2);
		snprintf(list[i].version, sizeof(list[i].version), "%zu.0.0",
		    i);
	}
	ck_assert_ptr_null(begin(1, 1, 1, 0));
	ck_assert_ptr_null(row_of("x", list, 3));
	ck_assert_ptr_null(row_of("none", list, 0));
	switch (_i) {
	case 0:
		list[2].version[0] = '0';
		ends_link(row_of("x", list, 3), "twice");
		break;
	case 1:
		list[1].visibility = VISIBILITY_MAIN;
		ends_link(row_of("x", list, 3), "not for the federation");
		break;
	case 2:
		list[0].visibility = VISIBILITY_PRIVATE;
		ends_link(row_of("x", list, 3), "not for the federation");
		break;
	}
	ck_assert_uint_eq(main_a().nodes, 2);
	ck_assert_uint_eq(main_a().services, 3);
}
END_TEST

START_TEST(too_many_rows)
{
	int i;

	/* Those that are not taken cost as much. */
	ck_assert_ptr_null(begin(_i ? 1 : 2, 1, 1, 0));
	for (i = 0; i < 10; i++)
		ck_assert_ptr_null(i % 2 ? gone("x") : row("x"));
	/* Two a second are made up for, and a clock that jumps is no harm. */
	now.ms += 999;
	ck_assert_ptr_null(row("x"));
	now.ms += 1;
	ck_assert_ptr_null(row("x"));
	now.ms -= 5000;
	ends_link(row("x"), "more changes");
}
END_TEST

START_TEST(tokens_are_no_more_than_the_burst)
{
	int i;

	now.ms = INT64_MAX / 2;
	ck_assert_ptr_null(begin(1, 1, 1, 0));
	for (i = 0; i < 10; i++)
		ck_assert_ptr_null(row("x"));
	ends_link(row("x"), "more changes");
}
END_TEST

START_TEST(a_new_link_is_no_new_burst)
{
	part(1, 0, true, "tuvw");
	part(1, 0, true, "tuvw");
	mesh_link_down(m, A, now);
	mesh_link_up(m, A, "a", false, now);
	ck_assert_ptr_null(begin(1, 1, 1, 0));
	ck_assert_ptr_null(row("t"));
	ck_assert_ptr_null(row("u"));
	ends_link(row("v"), "more changes");
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("mesh limits");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, no_operation, 0, 3);
	tcase_add_loop_test(tc, bad_nodes, 0, 20);
	tcase_add_test(tc, long_node);
	tcase_add_test(tc, itself_as_a_home);
	tcase_add_test(tc, too_many_homes);
	tcase_add_test(tc, other_homes_in_the_next_snapshot);
	tcase_add_test(tc, snapshots_that_never_end);
	tcase_add_loop_test(tc, too_many_bytes, 0, 2);
	tcase_add_loop_test(tc, mains_that_come_and_go, 0, 2);
	tcase_add_test(tc, too_many_bytes_of_all);
	tcase_add_test(tc, too_many_services);
	tcase_add_loop_test(tc, bad_services, 0, 3);
	tcase_add_loop_test(tc, too_many_rows, 0, 2);
	tcase_add_test(tc, tokens_are_no_more_than_the_burst);
	tcase_add_test(tc, a_new_link_is_no_new_burst);
	return (suite_run("mesh limits", tc));
}
