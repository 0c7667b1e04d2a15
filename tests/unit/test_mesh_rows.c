/* SPDX-License-Identifier: ISC */
/* Discovery between Mains: what a peer says. */
#include <stdio.h>

#include "relay-registry/mesh.h"
#include "tests/unit/mesh_rows_fixture.h"
#include "tests/unit/suite.h"

START_TEST(snapshot_in_parts)
{
	ck_assert_str_eq(said(), "P");
	part(5, 0, false, "xy");
	ck_assert_str_eq(said(), "Bss");
	ck_assert(!main_a().synced);
	part(5, 1, false, "z");
	part(5, 2, true, "");
	ck_assert(main_a().synced);
	ck_assert_str_eq(said(), "sE");
	ck_assert_uint_eq(main_a().nodes, 3);
	/* Another one: what it does not have is gone. */
	part(9, 0, false, "x");
	part(9, 1, true, "w");
	ck_assert_str_eq(said(), "sdd");
	ck_assert_uint_eq(main_a().nodes, 2);
	ck_assert_uint_eq(stats().snapshots, 2);
}
END_TEST

START_TEST(delta_between_parts)
{
	part(5, 0, true, "wxy");
	part(5, 0, false, "x");
	ck_assert_ptr_null(begin(2, 1, 6, 0));
	ck_assert_ptr_null(row("y"));
	ck_assert_ptr_null(gone("x"));
	end(true);
	/* Its "last" did not end the snapshot. */
	ck_assert(!main_a().synced);
	part(6, 1, true, "z");
	ck_assert(main_a().synced);
	ck_assert_uint_eq(main_a().nodes, 2);
	delta(7, "v");
	ck_assert_uint_eq(main_a().nodes, 3);
	ck_assert_uint_eq(stats().gaps, 0);
	ck_assert_uint_eq(stats().deltas, 2);
}
END_TEST

START_TEST(deltas_before_a_snapshot)
{
	delta(1, "x");
	delta(5, "y");
	part(5, 1, true, "z");
	ck_assert_uint_eq(main_a().nodes, 0);
	ck_assert_uint_eq(main_a().refused_rows, 3);
	ck_assert_uint_eq(stats().gaps, 0);
	mesh_digest(m, A, 1, 5, 99, 99, now);
	ck_assert_str_eq(said(), "P");
	/* But one that never comes is asked for in the end. */
	now.ms += LIMIT_DIGEST_MS;
	mesh_digest(m, A, 1, 5, 99, 99, now);
	ck_assert_str_eq(said(), "r");
}
END_TEST

START_TEST(gaps)
{
	static const struct {
		unsigned int	op;
		uint64_t	epoch, seq;
		uint32_t	part;
	} bad[] = {
		{ 2, 1, 5, 0 },		/* again */
		{ 2, 1, 7, 0 },		/* one left out */
		{ 2, 1, 4, 0 },
		{ 2, 1, 0, 0 },
		{ 2, 2, 6, 0 },		/* another life */
		{ 1, 1, 5, 2 },		/* a part left out */
		{ 1, 1, 5, 3 },
		{ 1, 1, 6, 1 },		/* a delta before it was lost */
		{ 1, 2, 5, 1 },
	};

	part(5, 0, _i < 5, "x");
	(void)said();
	ck_assert_ptr_null(begin(bad[_i].op, bad[_i].epoch, bad[_i].seq,
	    bad[_i].part));
	ck_assert_ptr_null(row("y"));
	end(true);
	ck_assert_uint_eq(stats().gaps, 1);
	ck_assert(!main_a().synced);
	ck_assert_uint_eq(main_a().nodes, 1);
	ck_assert_str_eq(said(), "r");
	/* What would have been right before is not now. */
	delta(6, "z");
	ck_assert_uint_eq(main_a().nodes, 1);
	ck_assert_str_eq(said(), "");
	part(8, 0, true, "yz");
	delta(9, "x");
	ck_assert_uint_eq(main_a().nodes, 3);
	ck_assert_uint_eq(stats().gaps, 1);
}
END_TEST

START_TEST(part_when_in_step)
{
	part(5, 0, true, "x");
	part(5, 1, true, "y");
	ck_assert_uint_eq(stats().gaps, 1);
	ck_assert_uint_eq(main_a().nodes, 1);
}
END_TEST

START_TEST(digests)
{
	struct service s;
	uint64_t digest;

	service_init(&s);
	snprintf(s.name, sizeof(s.name), "s");
	digest = mesh_row_hash("x", &s, 1) + mesh_row_hash("y", &s, 1);
	part(5, 0, true, "xyz");
	ck_assert_ptr_null(begin(2, 1, 6, 0));
	ck_assert_ptr_null(gone("z"));
	ck_assert_ptr_null(gone("z"));
	ck_assert_ptr_null(gone("nobody"));
	end(true);
	(void)said();
	mesh_digest(m, A, 1, 6, 2, digest, now);
	ck_assert_str_eq(said(), "");
	switch (_i) {
	case 0:
		mesh_digest(m, A, 1, 6, 2, digest + 1, now);
		break;
	case 1:
		mesh_digest(m, A, 1, 6, 3, digest, now);
		break;
	case 2:
		mesh_digest(m, A, 1, 7, 2, digest, now);
		break;
	case 3:
		mesh_digest(m, A, 2, 6, 2, digest, now);
		break;
	}
	ck_assert_uint_eq(stats().mismatches, _i < 2);
	ck_assert_uint_eq(stats().gaps, _i >= 2);
	ck_assert_str_eq(said(), "r");
}
END_TEST

START_TEST(one_request_a_while)
{
	part(5, 0, true, "x");
	(void)said();
	delta(9, "");
	part(5, 0, true, "x");
	/* Found again before it was sent. */
	ck_assert_str_eq(said(), "");
	delta(9, "");
	ck_assert_str_eq(said(), "r");
	part(5, 0, true, "x");
	delta(9, "");
	now.ms += LIMIT_RESYNC_MS - 1;
	ck_assert_str_eq(said(), "");
	now.ms++;
	ck_assert_str_eq(said(), "r");
	ck_assert_uint_eq(stats().resyncs, 2);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("mesh rows");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, snapshot_in_parts);
	tcase_add_test(tc, delta_between_parts);
	tcase_add_test(tc, deltas_before_a_snapshot);
	tcase_add_loop_test(tc, gaps, 0, 9);
	tcase_add_test(tc, part_when_in_step);
	tcase_add_loop_test(tc, digests, 0, 4);
	tcase_add_test(tc, one_request_a_while);
	return (suite_run("mesh rows", tc));
}
