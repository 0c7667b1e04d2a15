/* SPDX-License-Identifier: ISC */
/*
 * Calls, queues and slots of the backend (relayd/backend/pool.h), its buffer
 * and its log limit.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "relayd/backend/buf.h"
#include "relayd/backend/lograte.h"
#include "relayd/backend/pool.h"
#include "tests/unit/suite.h"

static struct calls	calls;
static struct pool	pool;
static struct slot	slots[3];
static struct monotime	now;

static void
setup(void)
{
	calls_init(&calls);
	pool_init(&pool, 0, NULL);
	now.ms = 1000;
}

/* Nothing may be left that leaks or counts wrongly. */
static void
teardown(void)
{
	struct call	*c;

	while ((c = calls_any(&calls)) != NULL)
		call_finish(&calls, c);
	now.ms += LIMIT_BACKEND_ABANDON_MS;
	while ((c = calls_abandoned_due(&calls, now)) != NULL)
		call_finish(&calls, c);
	ck_assert_uint_eq(calls.count, 0);
	ck_assert_uint_eq(pool.n_queued, 0);
	ck_assert_uint_eq(pool.queued_bytes, 0);
	ck_assert_uint_eq(pool.in_flight, 0);
}

static struct call *
enqueue(uint64_t id)
{
	struct call	*c = NULL;

	ck_assert_int_eq(pool_enqueue(&calls, &pool, id,
	    monotime_add_ms(now, 1000), false, 10, &c), ENQUEUE_OK);
	call_set_text(c, strdup("0123456789"), 10);
	return (c);
}

static struct call *
take(void)
{
	struct call	*c = NULL;

	ck_assert_int_eq(pool_take(&pool, now, &c), TAKE_SEND);
	ck_assert_int_eq(c->state, CALL_SENT);
	return (c);
}

static void
take_none(void)
{
	struct call	*c;

	ck_assert_int_eq(pool_take(&pool, now, &c), TAKE_NONE);
}

START_TEST(no_slot_no_call)
{
	take_none();
	enqueue(1);
	take_none();
	ck_assert(!pool_has_room(&pool));
	pool_add_slot(&pool, &slots[0], 0, NULL);
	ck_assert(pool_has_room(&pool));
	ck_assert_uint_eq(take()->call, 1);
	take_none();
}
END_TEST

START_TEST(order_is_kept)
{
	uint64_t	i;

	pool_add_slot(&pool, &slots[0], 0, NULL);
	for (i = 1; i < 50; i++)
		enqueue(i * 7919 % 50);
	for (i = 1; i < 50; i++)
		ck_assert_uint_eq(take()->call, i * 7919 % 50);
}
END_TEST

START_TEST(repeated_id)
{
	struct call	*c;

	enqueue(5);
	ck_assert_int_eq(pool_enqueue(&calls, &pool, 5, now, false, 1, &c),
	    ENQUEUE_REPEATED);
	/* A call may come again once it is over. */
	call_finish(&calls, calls_find(&calls, 5));
	ck_assert_ptr_null(calls_find(&calls, 5));
	enqueue(5);
}
END_TEST

START_TEST(full_by_count)
{
	struct call	*c;
	uint64_t	 i;

	for (i = 1; i <= LIMIT_BACKEND_QUEUE; i++)
		enqueue(i);
	ck_assert_int_eq(pool_enqueue(&calls, &pool, i, now, false, 1, &c),
	    ENQUEUE_FULL);
	ck_assert_ptr_null(calls_find(&calls, i));
	call_finish(&calls, calls_find(&calls, 9));
	enqueue(i);
}
END_TEST

START_TEST(full_by_bytes)
{
	struct call	*c;

	enqueue(1);
	ck_assert_int_eq(pool_enqueue(&calls, &pool, 2, now, false,
	    LIMIT_BACKEND_QUEUE_BYTES - 9, &c), ENQUEUE_FULL);
	ck_assert_int_eq(pool_enqueue(&calls, &pool, 2, now, false, SIZE_MAX,
	    &c), ENQUEUE_FULL);
	ck_assert_int_eq(pool_enqueue(&calls, &pool, 2, now, false,
	    LIMIT_BACKEND_QUEUE_BYTES - 10, &c), ENQUEUE_OK);
}
END_TEST

/* The text of a call is a little more than the size it came with. */
START_TEST(over_full_by_bytes)
{
	const size_t	 size = LIMIT_BACKEND_QUEUE_BYTES;
	struct call	*c;

	ck_assert_int_eq(pool_enqueue(&calls, &pool, 1, now, false, size,
	    &c), ENQUEUE_OK);
	call_set_text(c, NULL, size + 60);
	ck_assert_int_eq(pool_enqueue(&calls, &pool, 2, now, false, 1, &c),
	    ENQUEUE_FULL);
	ck_assert_int_eq(pool_enqueue(&calls, &pool, 2, now, false, 0, &c),
	    ENQUEUE_FULL);
}
END_TEST

START_TEST(expired_in_the_queue_is_not_sent)
{
	struct call	*c;

	pool_add_slot(&pool, &slots[0], 0, NULL);
	enqueue(1);
	now.ms += 999;
	enqueue(2);
	now.ms += 1;
	ck_assert_int_eq(pool_take(&pool, now, &c), TAKE_EXPIRED);
	ck_assert_uint_eq(c->call, 1);
	ck_assert_int_eq(c->state, CALL_QUEUED);
	call_finish(&calls, c);
	ck_assert_uint_eq(take()->call, 2);
}
END_TEST

START_TEST(expiry_needs_no_slot)
{
	struct call	*c;

	enqueue(1);
	now.ms += 1000;
	ck_assert_int_eq(pool_take(&pool, now, &c), TAKE_EXPIRED);
}
END_TEST

START_TEST(least_in_flight)
{
	struct call	*c[3];
	int		 i;

	for (i = 0; i < 3; i++)
		pool_add_slot(&pool, &slots[i], 0, NULL);
	for (i = 0; i < 3; i++) {
		enqueue((uint64_t)i + 1);
		c[i] = take();
	}
	ck_assert_ptr_ne(c[0]->slot, c[1]->slot);
	ck_assert_ptr_ne(c[1]->slot, c[2]->slot);
	ck_assert_ptr_ne(c[0]->slot, c[2]->slot);
	/* The one that got free is next. */
	enqueue(4);
	enqueue(5);
	(void)take();
	call_finish(&calls, c[1]);
	ck_assert_uint_eq(pool.in_flight, 3);
	(void)take();
	ck_assert_uint_eq(slots[0].in_flight + slots[1].in_flight +
	    slots[2].in_flight, 4);
	ck_assert_uint_le(slots[0].in_flight, 2);
	ck_assert_uint_le(slots[1].in_flight, 2);
	ck_assert_uint_le(slots[2].in_flight, 2);
}
END_TEST

START_TEST(max_concurrency)
{
	struct call	*c;

	pool.max = 2;
	pool_add_slot(&pool, &slots[0], 0, NULL);
	pool_add_slot(&pool, &slots[1], 0, NULL);
	pool_add_slot(&pool, &slots[2], 0, NULL);
	enqueue(1);
	enqueue(2);
	enqueue(3);
	c = take();
	(void)take();
	take_none();
	call_finish(&calls, c);
	ck_assert_uint_eq(take()->call, 3);
}
END_TEST

START_TEST(slot_with_one_place)
{
	struct call	*c;

	pool_add_slot(&pool, &slots[0], 1, NULL);
	enqueue(1);
	enqueue(2);
	c = take();
	take_none();
	call_finish(&calls, c);
	ck_assert_uint_eq(take()->call, 2);
}
END_TEST

START_TEST(blocked_slot)
{
	pool_add_slot(&pool, &slots[0], 0, NULL);
	slots[0].blocked = true;
	enqueue(1);
	take_none();
	pool_add_slot(&pool, &slots[1], 0, NULL);
	ck_assert_ptr_eq(take()->slot, &slots[1]);
	slots[1].blocked = true;
	enqueue(2);
	take_none();
	slots[0].blocked = false;
	ck_assert_ptr_eq(take()->slot, &slots[0]);
}
END_TEST

START_TEST(answers_find_their_call)
{
	struct call	*c;

	pool_add_slot(&pool, &slots[0], 0, NULL);
	pool_add_slot(&pool, &slots[1], 0, NULL);
	c = enqueue(1);
	/* Not sent: nobody can answer it. */
	ck_assert_ptr_null(calls_find_id(&calls, &slots[0], c->id));
	ck_assert_ptr_eq(take(), c);
	ck_assert_ptr_eq(calls_find_id(&calls, c->slot, c->id), c);
	/* Another instance cannot answer for it. */
	ck_assert_ptr_null(calls_find_id(&calls,
	    c->slot == &slots[0] ? &slots[1] : &slots[0], c->id));
	ck_assert_ptr_null(calls_find_id(&calls, c->slot, c->id + 1));
	ck_assert_ptr_null(calls_find_id(&calls, c->slot, 0));
}
END_TEST

START_TEST(ids_are_not_reused)
{
	uint64_t	first = enqueue(1)->id;

	call_finish(&calls, calls_find(&calls, 1));
	ck_assert_uint_gt(enqueue(1)->id, first);
}
END_TEST

START_TEST(returned_call_is_first)
{
	struct call	*c;

	pool_add_slot(&pool, &slots[0], 1, NULL);
	enqueue(1);
	enqueue(2);
	c = take();
	ck_assert_uint_eq(pool.queued_bytes, 10);
	pool_return(c);
	ck_assert_uint_eq(pool.queued_bytes, 20);
	ck_assert_uint_eq(slots[0].in_flight, 0);
	ck_assert_uint_eq(take()->call, 1);
}
END_TEST

START_TEST(abandoned_keeps_its_place)
{
	struct call	*c;
	uint64_t	 id;

	pool.max = 1;
	pool_add_slot(&pool, &slots[0], 0, NULL);
	enqueue(1);
	enqueue(2);
	c = take();
	id = c->id;
	call_abandon(&calls, c, now);
	/* The router does not know it any more; the service does. */
	ck_assert_ptr_null(calls_find(&calls, 1));
	ck_assert_ptr_eq(calls_find_id(&calls, &slots[0], id), c);
	take_none();
	now.ms += LIMIT_BACKEND_ABANDON_MS - 1;
	ck_assert_ptr_null(calls_abandoned_due(&calls, now));
	now.ms += 1;
	ck_assert_ptr_eq(calls_abandoned_due(&calls, now), c);
	call_finish(&calls, c);
	ck_assert_ptr_null(calls_find_id(&calls, &slots[0], id));
	ck_assert(pool_has_room(&pool));
}
END_TEST

START_TEST(abandon_what_is_queued_or_abandoned)
{
	struct call	*c;

	pool_add_slot(&pool, &slots[0], 0, NULL);
	c = enqueue(1);
	call_abandon(&calls, c, now);
	ck_assert_int_eq(c->state, CALL_QUEUED);
	(void)take();
	call_abandon(&calls, c, now);
	call_abandon(&calls, c, now);
	ck_assert_int_eq(c->state, CALL_ABANDONED);
	/* Its id is free again for the router. */
	enqueue(1);
}
END_TEST

START_TEST(removed_slot_gets_nothing)
{
	pool_add_slot(&pool, &slots[0], 0, NULL);
	pool_add_slot(&pool, &slots[1], 0, NULL);
	pool_remove_slot(&slots[0]);
	ck_assert_uint_eq(pool.n_slots, 1);
	enqueue(1);
	ck_assert_ptr_eq(take()->slot, &slots[1]);
	enqueue(2);
	ck_assert_ptr_eq(take()->slot, &slots[1]);
}
END_TEST

START_TEST(buffer)
{
	struct buf	b = { 0 };
	char		text[1000];
	size_t		i, added = 0;

	for (i = 0; i < sizeof(text); i++)
		text[i] = (char)i;
	ck_assert_ptr_nonnull(buf_data(&b));
	buf_append(&b, NULL, 0);
	for (i = 0; i < 500; i++) {
		buf_append(&b, text + added % 500, i);
		added += i;
		ck_assert_mem_eq(buf_data(&b) + b.len - i, text +
		    (added - i) % 500, i);
		buf_used(&b, b.len / 3);
	}
	buf_used(&b, b.len);
	ck_assert_uint_eq(b.len, 0);
	ck_assert_uint_eq(b.off, 0);
	/* A large one gives its memory back. */
	memset(buf_room(&b, 4U << 20), 0, 4U << 20);
	buf_added(&b, 4U << 20);
	buf_used(&b, 4U << 20);
	ck_assert_uint_eq(b.size, 0);
	buf_free(&b);
}
END_TEST

START_TEST(log_limit)
{
	struct lograte	r = { 0 };
	uint64_t	suppressed;
	int		i;

	now.ms = 100000;
	for (i = 0; i < LIMIT_SERVICE_LOG_LINES; i++) {
		ck_assert(lograte_allow(&r, now, &suppressed));
		ck_assert_uint_eq(suppressed, 0);
	}
	now.ms += LIMIT_SERVICE_LOG_MS - 1;
	for (i = 0; i < 7; i++)
		ck_assert(!lograte_allow(&r, now, &suppressed));
	now.ms += 1;
	ck_assert(lograte_allow(&r, now, &suppressed));
	ck_assert_uint_eq(suppressed, 7);
	ck_assert(lograte_allow(&r, now, &suppressed));
	ck_assert_uint_eq(suppressed, 0);
}
END_TEST

int
main(void)
{
	TCase	*t = tcase_create("backend_core");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, no_slot_no_call);
	tcase_add_test(t, order_is_kept);
	tcase_add_test(t, repeated_id);
	tcase_add_test(t, full_by_count);
	tcase_add_test(t, full_by_bytes);
	tcase_add_test(t, over_full_by_bytes);
	tcase_add_test(t, expired_in_the_queue_is_not_sent);
	tcase_add_test(t, expiry_needs_no_slot);
	tcase_add_test(t, least_in_flight);
	tcase_add_test(t, max_concurrency);
	tcase_add_test(t, slot_with_one_place);
	tcase_add_test(t, blocked_slot);
	tcase_add_test(t, answers_find_their_call);
	tcase_add_test(t, ids_are_not_reused);
	tcase_add_test(t, returned_call_is_first);
	tcase_add_test(t, abandoned_keeps_its_place);
	tcase_add_test(t, abandon_what_is_queued_or_abandoned);
	tcase_add_test(t, removed_slot_gets_nothing);
	tcase_add_test(t, buffer);
	tcase_add_test(t, log_limit);
	return (suite_run("backend_core", t));
}
