/* SPDX-License-Identifier: ISC */

/*
 * The table of pending calls: what is found, refused, expired and left
 * behind, and a random run against a plain model.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay-router/pending.h"
#include "tests/unit/suite.h"

static const uint8_t		 secret[HASH_KEY_LEN] = "0123456789abcde";
static struct pending_table	 t;
static struct pending_end	 a, b, c;
static uint64_t			 next_id;

static void
setup(void)
{
	pending_init(&t, secret, 1000);
	pending_end_init(&a, 1, NULL, 100, 100);
	pending_end_init(&b, 1, NULL, 100, 100);
	pending_end_init(&c, 1, NULL, 2, 2);
}

static void
teardown(void)
{
	pending_free(&t);
}

static enum pending_result
add(struct pending_end *from, const char *id, struct pending_end *to,
    const char *sent, int64_t deadline, struct pending **p)
{
	return (pending_add(&t, ++next_id, from, span_str(id), to,
	    span_str(sent), span_str("1"), 0, deadline, p));
}

START_TEST(found_from_both_ends)
{
	struct pending	*p, *q;

	ck_assert_int_eq(add(&a, "m", &b, "s", 10, &p), PENDING_OK);
	ck_assert_ptr_eq(pending_by_caller(&t, &a, span_str("m")), p);
	ck_assert_ptr_eq(pending_by_callee(&t, &b, span_str("s")), p);
	ck_assert_ptr_null(pending_by_caller(&t, &a, span_str("s")));
	ck_assert_ptr_null(pending_by_caller(&t, &b, span_str("m")));
	ck_assert_ptr_null(pending_by_callee(&t, &a, span_str("s")));
	ck_assert_ptr_null(pending_by_callee(&t, &b, span_str("m")));
	ck_assert_ptr_null(pending_by_callee(&t, &b, span_str("")));
	/* Two homes may choose the same id. */
	ck_assert_int_eq(add(&b, "m", &a, "s", 10, &q), PENDING_OK);
	ck_assert_ptr_ne(p, q);
	pending_remove(&t, p);
	ck_assert_ptr_null(pending_by_caller(&t, &a, span_str("m")));
	ck_assert_ptr_eq(pending_by_caller(&t, &b, span_str("m")), q);
	ck_assert_uint_eq(a.n_made + b.n_serves, 0);
	ck_assert_uint_eq(b.n_made, 1);
}
END_TEST

START_TEST(duplicates)
{
	struct pending	*p, *q;

	ck_assert_int_eq(add(&a, "m", &b, "s", 10, &p), PENDING_OK);
	ck_assert_int_eq(add(&a, "m", &c, "s2", 10, &q), PENDING_DUPLICATE);
	ck_assert_ptr_null(q);
	ck_assert_uint_eq(t.n, 1);
	pending_remove(&t, p);
	ck_assert_int_eq(add(&a, "m", &c, "s2", 10, &q), PENDING_OK);
}
END_TEST

START_TEST(caps)
{
	struct pending	*p;

	ck_assert_int_eq(add(&c, "1", &b, "1", 10, &p), PENDING_OK);
	ck_assert_int_eq(add(&c, "2", &b, "2", 10, &p), PENDING_OK);
	ck_assert_int_eq(add(&c, "3", &b, "3", 10, &p), PENDING_FULL_CALLER);
	ck_assert_int_eq(add(&a, "1", &c, "1", 10, &p), PENDING_OK);
	ck_assert_int_eq(add(&a, "2", &c, "2", 10, &p), PENDING_OK);
	ck_assert_int_eq(add(&a, "3", &c, "3", 10, &p), PENDING_FULL_CALLEE);
	t.max = 4;
	ck_assert_int_eq(add(&a, "4", &b, "4", 10, &p), PENDING_FULL);
	pending_remove(&t, pending_by_caller(&t, &c, span_str("1")));
	ck_assert_int_eq(add(&a, "4", &b, "4", 10, &p), PENDING_OK);
	ck_assert_int_eq(add(&b, "4", &a, "4", 10, &p), PENDING_FULL);
}
END_TEST

START_TEST(long_ids)
{
	char		 id[LIMIT_MESSAGE_ID + 2];
	char		 rpc[500];
	struct pending	*p;
	struct span	 s;

	memset(id, 'x', sizeof(id));
	id[LIMIT_MESSAGE_ID + 1] = '\0';
	ck_assert_ptr_null(pending_by_caller(&t, &a, span_str(id)));
	ck_assert_ptr_null(pending_by_callee(&t, &a, span_str(id)));
	id[LIMIT_MESSAGE_ID] = '\0';
	memset(rpc, '1', sizeof(rpc));
	ck_assert_int_eq(pending_add(&t, 1, &a, span_str(id), &b, span_str(id),
	    (struct span){ rpc, sizeof(rpc) }, 0, 5, &p), PENDING_OK);
	s = pending_rpc_id(p);
	ck_assert_uint_eq(s.len, sizeof(rpc));
	ck_assert_int_eq(memcmp(s.p, rpc, s.len), 0);
	ck_assert(span_eq(pending_caller_id(p), span_str(id)));
	pending_remove(&t, p);
	ck_assert_int_eq(pending_add(&t, 2, &a, span_str(id), &b, span_str(id),
	    span_str(""), 0, 5, &p), PENDING_OK);
	ck_assert_uint_eq(pending_rpc_id(p).len, 0);
	/* No id at all is an empty one. */
	ck_assert_int_eq(pending_add(&t, 3, &b, span_str(id), &a, span_str(id),
	    (struct span){ NULL, 0 }, 0, 5, &p), PENDING_OK);
	ck_assert_uint_eq(pending_rpc_id(p).len, 0);
}
END_TEST

START_TEST(deadlines)
{
	static const int	 order[] = { 5, 1, 9, 3, 7, 2, 8, 4, 6, 5 };
	struct pending		*p;
	char			 id[16];
	int64_t			 last = 0;
	size_t			 i, n = 0;

	ck_assert_int_eq(pending_next_ms(&t), -1);
	ck_assert_ptr_null(pending_expired(&t, INT64_MAX));
	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		snprintf(id, sizeof(id), "%zu", i);
		add(&a, id, &b, id, order[i], &p);
	}
	ck_assert_int_eq(pending_next_ms(&t), 1);
	ck_assert_ptr_null(pending_expired(&t, 0));
	while ((p = pending_expired(&t, 7)) != NULL) {
		ck_assert_int_ge(p->deadline_ms, last);
		last = p->deadline_ms;
		pending_remove(&t, p);
		n++;
	}
	ck_assert_uint_eq(n, 8);
	ck_assert_int_eq(pending_next_ms(&t), 8);
}
END_TEST

/* An end that goes takes all its calls, of both kinds, and no other. */
START_TEST(end_gone)
{
	struct pending	*p;
	char		 id[16];
	int		 i;

	for (i = 0; i < 50; i++) {
		snprintf(id, sizeof(id), "%d", i);
		add(&a, id, &b, id, i, &p);
		snprintf(id, sizeof(id), "r%d", i);
		add(&b, id, &a, id, i, &p);
		snprintf(id, sizeof(id), "s%d", i);
		add(&a, id, &a, id, i, &p);
	}
	add(&b, "x", &c, "x", 1, &p);
	while ((p = TAILQ_FIRST(&a.made)) != NULL)
		pending_remove(&t, p);
	while ((p = TAILQ_FIRST(&a.serves)) != NULL)
		pending_remove(&t, p);
	ck_assert_uint_eq(a.n_made + a.n_serves, 0);
	ck_assert_uint_eq(t.n, 1);
	ck_assert_ptr_nonnull(pending_by_caller(&t, &b, span_str("x")));
}
END_TEST

/* The earliest deadline is always on top, and so at every level. */
static void
ck_heap(void)
{
	uint32_t	 i;

	for (i = 1; i < t.n; i++)
		ck_assert_int_le(t.heap[(i - 1) / 2]->deadline_ms,
		    t.heap[i]->deadline_ms);
}

#define RUN_ENDS	8
#define RUN_IDS		200

START_TEST(random_run)
{
	static struct pending_end	 end[RUN_ENDS];
	static struct pending		*model[RUN_ENDS][RUN_IDS];
	struct pending			*p;
	char				 id[16], sent[16];
	int				 i, from, n, live = 0;
	int64_t				 now = 0;

	for (i = 0; i < RUN_ENDS; i++)
		pending_end_init(&end[i], i, NULL, 10000, 10000);
	srand(7);
	for (i = 0; i < 200000; i++) {
		from = rand() % RUN_ENDS;
		n = rand() % RUN_IDS;
		snprintf(id, sizeof(id), "%d", n);
		snprintf(sent, sizeof(sent), "%d-%d", from, n);
		p = pending_by_caller(&t, &end[from], span_str(id));
		ck_assert_ptr_eq(p, model[from][n]);
		if (p != NULL && rand() % 2) {
			ck_assert_ptr_eq(pending_by_callee(&t, p->callee,
			    span_str(sent)), p);
			pending_remove(&t, p);
			model[from][n] = NULL;
			live--;
		} else if (p == NULL && t.n < t.max) {
			ck_assert_int_eq(add(&end[from], id,
			    &end[rand() % RUN_ENDS], sent, now + rand() % 1000,
			    &model[from][n]), PENDING_OK);
			model[from][n]->slot = (uint32_t)n;
			live++;
		}
		now += rand() % 3;
		while ((p = pending_expired(&t, now)) != NULL) {
			ck_assert_int_le(p->deadline_ms, now);
			from = p->caller->kind;
			ck_assert_ptr_eq(model[from][p->slot], p);
			model[from][p->slot] = NULL;
			pending_remove(&t, p);
			live--;
		}
		ck_assert_uint_eq(t.n, (uint32_t)live);
		if (i % 64 == 0)
			ck_heap();
	}
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("pending");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, found_from_both_ends);
	tcase_add_test(tc, duplicates);
	tcase_add_test(tc, caps);
	tcase_add_test(tc, long_ids);
	tcase_add_test(tc, deadlines);
	tcase_add_test(tc, end_gone);
	tcase_add_test(tc, random_run);
	return (suite_run("pending", tc));
}
