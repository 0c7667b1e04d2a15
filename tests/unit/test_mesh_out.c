/* SPDX-License-Identifier: ISC */
/* Discovery between Mains: what is said. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "relay-registry/mesh.h"
#include "tests/unit/mesh_rows_fixture.h"
#include "tests/unit/suite.h"

static void
own(const char *node, const struct service *s)
{
	mesh_own_set(m, node, s, 1);
}

static void
own_small(const char *node)
{
	struct service s;

	service_init(&s);
	snprintf(s.name, sizeof(s.name), "s");
	own(node, &s);
}

START_TEST(order)
{
	ck_assert_str_eq(said(), "P");
	mesh_resync(m, A);
	mesh_tick(m, (struct monotime){ now.ms + LIMIT_DIGEST_MS });
	mesh_barrier(m, 1, A, true, 2);
	mesh_answer(m, A, span_str("q"), true, 2);
	part(5, 0, true, "xy");
	delta(9, "");
	own_small("n1");
	now.ms += LIMIT_RESYNC_MS;
	ck_assert_str_eq(said(), "DBssEbaPgr");
}
END_TEST

START_TEST(words_as_they_are)
{
	static const uint8_t answer[] = { A, 0, 0, 0, 0, 0, 0, 0,
	    2, 0, 'q', '1', 1, 2 };
	static const uint8_t barrier[] = { 9, 0, 0, 0, 0, 0, 0, 0,
	    A, 0, 0, 0, 0, 0, 0, 0, 0, 1 };

	mesh_answer(m, A, (struct span){ "q1xx", 2 }, true, 2);
	mesh_barrier(m, 9, A, false, 1);
	ck_assert(next());
	ck_assert_int_eq(type, MSG_PEER_ANSWER);
	ck_assert_uint_eq(put.len, sizeof(answer));
	ck_assert_mem_eq(out, answer, sizeof(answer));
	ck_assert(next());
	ck_assert_int_eq(type, MSG_PEER_BARRIER);
	ck_assert_uint_eq(put.len, sizeof(barrier));
	ck_assert_mem_eq(out, barrier, sizeof(barrier));
}
END_TEST

START_TEST(words_are_bounded)
{
	uint32_t i;

	(void)said();
	for (i = 0; i < LIMIT_PEER_WORDS; i++)
		mesh_barrier(m, i, A, true, 2);
	ck_assert_uint_eq(stats().dropped, 0);
	mesh_barrier(m, i, A, true, 2);
	mesh_answer(m, A, span_str("q"), true, 2);
	ck_assert_uint_eq(stats().dropped, 2);
	ck_assert(next());
	mesh_answer(m, A, span_str("q"), true, 2);
	ck_assert_uint_eq(stats().dropped, 2);
	for (i = 0; next(); i++)
		;
	ck_assert_uint_eq(i, LIMIT_PEER_WORDS);
	mesh_barrier(m, i, A, true, 2);
	mesh_router_gone(m, now);
	ck_assert(!next());
}
END_TEST

START_TEST(rows_as_they_are)
{
	static const uint8_t rows[] = {
	    0, 0, 0, 0, 0, 0, 0, 0, 2, 0xed, 0xfe, 0, 0, 0, 0, 0, 0,
	    2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0,
	    2, 0, 'n', '1', 1, 0, 0,
	    2, 0, 'n', '2', 0, 1, 0,
	    1, 0, 's', 5, 0, '0', '.', '0', '.', '0', 1, 0, 0, 0, 0, 0, 0, 0,
	    3, 1, 0, 0, 0, 0 };

	own_small("n1");
	(void)said();
	mesh_own_delete(m, "n1");
	own_small("n2");
	ck_assert(next());
	ck_assert_int_eq(type, MSG_PEER_ROWS);
	ck_assert_uint_eq(put.len, sizeof(rows));
	ck_assert_mem_eq(out, rows, sizeof(rows));
}
END_TEST

/* A service of about so many bytes when encoded. */
static void
big(struct service *s, const char *name, uint16_t n_methods)
{
	uint16_t i;

	service_init(s);
	snprintf(s->name, sizeof(s->name), "%s", name);
	s->n_methods = n_methods;
	s->methods = calloc(n_methods, sizeof(*s->methods));
	ck_assert_ptr_nonnull(s->methods);
	for (i = 0; i < n_methods; i++) {
		memset(s->methods[i].name, 'm', LIMIT_METHOD_NAME);
		snprintf(s->methods[i].name, 8, "m%u", i);
		s->methods[i].name[strlen(s->methods[i].name)] = 'm';
	}
}

/* Fields of the PEER_ROWS that is in the buffer. */
static void
rows_head(uint32_t *number, bool *last, uint16_t *n)
{
	struct wire_get get;

	ck_assert_int_eq(type, MSG_PEER_ROWS);
	wire_get_init(&get, out + 25, put.len - 25);
	*number = get_u32(&get);
	*last = get_bool(&get);
	*n = get_u16(&get);
}

START_TEST(parts_by_credit)
{
	struct service s;
	char node[16];
	uint32_t number, i;
	uint16_t n, total = 0;
	bool last = false;

	limit(&mesh_limits_default);
	(void)said();
	big(&s, "s", 200);		/* 27 KB: four in a part */
	for (i = 0; i < 10; i++) {
		snprintf(node, sizeof(node), "n%u", i);
		own(node, &s);
	}
	/* Deltas are not a matter of credit, but of size. */
	ck_assert_str_eq(said(), "DDD");
	now.ms += LIMIT_RESYNC_MS;
	mesh_resync(m, A);
	for (i = 0; i < 3; i++) {
		ck_assert(!last);
		ck_assert(next());
		rows_head(&number, &last, &n);
		ck_assert_uint_eq(number, i);
		ck_assert_uint_le(put.len, LIMIT_PEER_PART + 32);
		total += n;
		ck_assert(!next());
		mesh_more(m, A + 1);
		ck_assert(!next());
		mesh_more(m, A);
		mesh_more(m, A);
	}
	ck_assert(last);
	ck_assert_uint_eq(total, 10);
	ck_assert(!next());
	service_clear(&s);
}
END_TEST

START_TEST(changes_between_parts)
{
	struct service s;
	char node[16];
	uint32_t number, i;
	uint16_t n;
	bool last;

	limit(&mesh_limits_default);
	big(&s, "s", 200);
	for (i = 0; i < 10; i++) {
		snprintf(node, sizeof(node), "n%u", i);
		own(node, &s);
	}
	ck_assert_str_eq(said(), "DDDP");
	/* The last one told, the next one, and all behind them. */
	for (i = 3; i < 10; i++) {
		snprintf(node, sizeof(node), "n%u", i);
		mesh_own_delete(m, node);
	}
	mesh_more(m, A);
	ck_assert(next());
	ck_assert_uint_eq(out[8], 2);
	ck_assert(next());
	rows_head(&number, &last, &n);
	ck_assert_uint_eq(number, 1);
	ck_assert(last);
	ck_assert_uint_eq(n, 0);
	service_clear(&s);
}
END_TEST

START_TEST(snapshots_are_rare)
{
	int i;

	ck_assert_str_eq(said(), "P");
	for (i = 0; i < 10; i++) {
		mesh_resync(m, A);
		ck_assert_str_eq(said(), "");
		now.ms += LIMIT_RESYNC_MS / 10;
	}
	ck_assert_str_eq(said(), "P");
}
END_TEST

START_TEST(resumed_link)
{
	(void)said();
	/* What the router has of it is of another process: begun anew. */
	mesh_link_up(m, A + 1, "b", true, now);
	ck_assert_str_eq(said(), "BPr");
}
END_TEST

/* The homes' links went with it: nobody would ever take their rows back. */
START_TEST(router_gone_takes_own_rows)
{
	struct service s;

	service_init(&s);
	strlcpy(s.name, "svc", sizeof(s.name));
	mesh_own_set(m, "n", &s, 1);
	ck_assert_uint_eq(stats().own_nodes, 1);
	mesh_router_gone(m, now);
	mesh_router_up(m);
	ck_assert_uint_eq(stats().own_nodes, 0);
	mesh_link_up(m, A + 1, "b", false, now);
	/* An empty snapshot. */
	ck_assert_str_eq(said(), "P");
	ck_assert_uint_eq(stats().rows_sent, 0);
	service_clear(&s);
}
END_TEST

START_TEST(own_row_is_cut)
{
	struct service *list = calloc(LIMIT_SERVICES, sizeof(*list));
	struct wire_put w;
	uint16_t i, n;
	uint32_t number;
	size_t first;
	bool last;

	ck_assert_ptr_nonnull(list);
	(void)said();
	for (i = 0; i < LIMIT_SERVICES; i++) {
		big(&list[i], "s", 200);
		snprintf(list[i].name, sizeof(list[i].name), "s%u",
		    (i * 7U) % LIMIT_SERVICES);
	}
	mesh_own_set(m, "n", list, LIMIT_SERVICES);
	ck_assert(next());
	rows_head(&number, &last, &n);
	ck_assert_uint_eq(n, 1);
	first = put.len;
	ck_assert_uint_gt(first, LIMIT_PEER_ROW * 9 / 10);
	ck_assert_uint_le(first, LIMIT_PEER_ROW + 64);
	wire_put_init(&w, out, sizeof(out));
	put_service(&w, &list[0]);
	ck_assert_uint_eq(stats().cut, LIMIT_SERVICES - LIMIT_PEER_ROW / w.len);
	/* The same whatever the order; health leaves the cut as it is. */
	for (i = 0; i < LIMIT_SERVICES / 2; i++) {
		struct service swap = list[i];

		list[i] = list[LIMIT_SERVICES - 1 - i];
		list[LIMIT_SERVICES - 1 - i] = swap;
	}
	mesh_own_set(m, "n", list, LIMIT_SERVICES);
	ck_assert(!next());
	mesh_own_health(m, "n", "s0", "0.0.0", false);
	ck_assert(next());
	ck_assert_uint_eq(put.len, first);
	ck_assert_uint_eq(stats().cut, LIMIT_SERVICES - LIMIT_PEER_ROW / w.len);
	mesh_own_set(m, "n", list, 1);
	ck_assert_uint_eq(stats().cut, 0);
	mesh_own_set(m, "n", list, LIMIT_SERVICES);
	ck_assert_uint_gt(stats().cut, 0);
	mesh_own_delete(m, "n");
	ck_assert_uint_eq(stats().cut, 0);
	for (i = 0; i < LIMIT_SERVICES; i++)
		service_clear(&list[i]);
	free(list);
}
END_TEST

/* Peers would end the link of a Main that told of more. */
START_TEST(own_homes_within_limits)
{
	static struct service s, small_one;
	struct mesh_limits limits = small;
	char node[8];
	unsigned int i;

	limits.nodes = 20;
	limits.bytes = 256U << 10;
	limit(&limits);
	big(&s, "s", 200);
	service_init(&small_one);
	snprintf(small_one.name, sizeof(small_one.name), "s");
	for (i = 0; i < 15; i++) {
		snprintf(node, sizeof(node), "big%u", i);
		mesh_own_set(m, node, &s, 1);
	}
	ck_assert_uint_gt(stats().cut, 0);
	ck_assert_uint_lt(stats().cut, 15);
	/* These have room whatever the others have. */
	for (i = 0; i < 5; i++) {
		snprintf(node, sizeof(node), "tiny%u", i);
		mesh_own_set(m, node, &small_one, 1);
	}
	i = (unsigned int)stats().cut;
	mesh_own_set(m, "tiny0", &small_one, 1);
	mesh_own_set(m, "big14", &s, 1);
	mesh_own_health(m, "big14", "s", "0.0.0", false);
	ck_assert_uint_eq(stats().cut, i);
	ck_assert_uint_eq(stats().own_nodes, 20);
	mesh_own_set(m, "more", &small_one, 1);
	ck_assert_uint_eq(stats().own_nodes, 20);
	mesh_own_delete(m, "big0");
	mesh_own_set(m, "big14", &s, 1);
	mesh_own_set(m, "more", &small_one, 1);
	ck_assert_uint_eq(stats().own_nodes, 20);
	ck_assert_uint_eq(stats().cut, i - 1);
	service_clear(&s);
}
END_TEST

START_TEST(hash_of_a_row)
{
	struct service list[2], swap;
	uint64_t hash;

	service_init(&list[0]);
	service_init(&list[1]);
	snprintf(list[0].name, sizeof(list[0].name), "blog");
	snprintf(list[1].name, sizeof(list[1].name), "blog");
	snprintf(list[1].version, sizeof(list[1].version), "1.2.3");
	hash = mesh_row_hash("alice", list, 2);
	ck_assert_uint_eq(hash, 0x3492991556039401ULL);
	swap = list[0];
	list[0] = list[1];
	list[1] = swap;
	ck_assert_uint_eq(mesh_row_hash("alice", list, 2), hash);
	ck_assert_uint_ne(mesh_row_hash("alice", list, 1), hash);
	ck_assert_uint_ne(mesh_row_hash("alicf", list, 2), hash);
	list[0].healthy = false;
	ck_assert_uint_ne(mesh_row_hash("alice", list, 2), hash);
	ck_assert_uint_eq(mesh_row_hash("x", NULL, 0), 0xf54f0b562dc5cfceULL);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("mesh out");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, order);
	tcase_add_test(tc, words_as_they_are);
	tcase_add_test(tc, words_are_bounded);
	tcase_add_test(tc, rows_as_they_are);
	tcase_add_test(tc, parts_by_credit);
	tcase_add_test(tc, changes_between_parts);
	tcase_add_test(tc, snapshots_are_rare);
	tcase_add_test(tc, resumed_link);
	tcase_add_test(tc, router_gone_takes_own_rows);
	tcase_add_test(tc, own_row_is_cut);
	tcase_add_test(tc, own_homes_within_limits);
	tcase_add_test(tc, hash_of_a_row);
	return (suite_run("mesh out", tc));
}
