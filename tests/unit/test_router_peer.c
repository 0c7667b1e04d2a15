/* SPDX-License-Identifier: ISC */
/* Discovery over links with peers: what goes out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/peer_fixture.h"
#include "tests/unit/router_peer_fixture.h"
#include "tests/unit/suite.h"

static bool
tell_rows(const struct wire_put *w)
{
	return (fx_tell(PROC_REGISTRY, MSG_PEER_ROWS, w));
}

/* One small change, to all. */
static void
delta(void)
{
	struct wire_put	*w = rows_begin(0, 2, 0, 1);

	put_row(w, "alice", "x");
	ck_assert(tell_rows(w));
}

START_TEST(change_goes_to_all_peers)
{
	char		 b[1024];
	const char	*s;

	delta();
	ck_assert_ptr_nonnull(s = fx_said(peer_b));
	snprintf(b, sizeof(b), "%s", s);
	ck_assert_ptr_nonnull(s = fx_said(peer_c));
	ck_assert_str_eq(s, b);
	ck_assert_str_eq(fx_member(s, ENV_TYPE), "service_discovery");
	ck_assert_ptr_nonnull(strstr(s, "\"data\":{\"op\":\"delta\"," PLACE
	    ",\"nodes\":[{\"node_id\":\"alice\",\"services\":["
	    "{\"service_name\":\"blog\",\"labels\":{\"l\":\"x\"}}]}]}}"));
	ck_assert_ptr_null(fx_said(home));
	fx_down(peer_b);
	delta();
	ck_assert_ptr_null(fx_said(peer_b));
	ck_assert_ptr_nonnull(fx_said(peer_c));
	ck_assert(!told(MSG_PEER_MORE, 0));
}
END_TEST

START_TEST(part_goes_to_one)
{
	struct wire_put	*w = rows_begin(peer_c, 1, 0, 0);
	const char	*s;

	ck_assert(tell_rows(w));
	ck_assert_ptr_null(fx_said(peer_b));
	ck_assert_ptr_nonnull(s = fx_said(peer_c));
	ck_assert_ptr_nonnull(strstr(s, "\"op\":\"snapshot\"," PLACE
	    ",\"part\":0,\"last\":true,\"features\":[\"deadline_ms\""));
	ck_assert_ptr_nonnull(strstr(s, ",\"max_message\":1048576,\"nodes\":"));
	ck_assert(told(MSG_PEER_MORE, peer_c));
	ck_assert(tell_rows(rows_begin(peer_c, 1, 1, 0)));
	ck_assert_ptr_null(strstr(fx_said(peer_c), "features"));
	ck_assert(told(MSG_PEER_MORE, peer_c));
	/* Not of a home, and not of what is gone. */
	ck_assert(tell_rows(rows_begin(home, 1, 0, 0)));
	ck_assert(tell_rows(rows_begin(4711, 1, 0, 0)));
	ck_assert_uint_eq(fx.router->stats.stale, 2);
	ck_assert_ptr_null(fx_said(home));
	ck_assert(!told(MSG_PEER_MORE, 0));
}
END_TEST

START_TEST(part_waits_for_room)
{
	fx_queue(peer_c, true);
	ck_assert(tell_rows(rows_begin(peer_c, 1, 0, 0)));
	ck_assert_ptr_nonnull(fx_said(peer_c));
	ck_assert(!told(MSG_PEER_MORE, 0));
	fx_queue(peer_c, false);
	ck_assert(told(MSG_PEER_MORE, peer_c));
	fx_queue(peer_c, true);
	fx_queue(peer_c, false);
	ck_assert(!told(MSG_PEER_MORE, 0));
	ck_assert(!told(MSG_PEER_RESYNC, 0));
}
END_TEST

/* A slow peer gets what is bounded, then a snapshot instead of the rest. */
START_TEST(lagging)
{
	char		 label[LIMIT_LABEL + 1], node[32];
	struct wire_put	*w;
	int		 i, k, n = 0;

	memset(label, 'x', sizeof(label) - 1);
	label[sizeof(label) - 1] = '\0';
	fx_queue(peer_c, true);
	for (i = 0; i < 200; i++) {
		w = rows_begin(0, 2, 0, 50);
		for (k = 0; k < 50; k++) {
			snprintf(node, sizeof(node), "node-%d-%d", i, k);
			put_row(w, node, label);
		}
		ck_assert(tell_rows(w));
		ck_assert_ptr_nonnull(fx_said(peer_b));
		n += fx_said(peer_c) != NULL;
	}
	ck_assert_int_gt(n, 10);
	ck_assert_int_lt(n, 150);
	ck_assert(!told(MSG_PEER_RESYNC, 0));
	/* Not even a snapshot: another comes. */
	ck_assert(tell_rows(rows_begin(peer_c, 1, 0, 0)));
	ck_assert_ptr_null(fx_said(peer_c));
	fx_queue(peer_c, false);
	ck_assert(told(MSG_PEER_RESYNC, peer_c));
	ck_assert(!told(MSG_PEER_RESYNC, 0));
	ck_assert(!told(MSG_PEER_MORE, 0));
	delta();
	ck_assert_ptr_nonnull(fx_said(peer_c));
}
END_TEST

static uint64_t
words_to_registry(void)
{
	return (channel_stats(fx.router->registry)->msgs_out);
}

/* A part of a snapshot for one peer, of 100 kilobytes or so. */
static void
big_part(uint64_t peer)
{
	char		 label[LIMIT_LABEL + 1];
	struct wire_put	*w = rows_begin(peer, 1, 0, 500);
	int		 i;

	memset(label, 'x', sizeof(label) - 1);
	label[sizeof(label) - 1] = '\0';
	for (i = 0; i < 500; i++)
		put_row(w, "node", label);
	ck_assert(tell_rows(w));
}

static void
turn_until_free(void)
{
	int	 i;

	for (i = 0; i < 1000 && channel_congested(fx.router->frontend); i++)
		receiver_turn(fx.child);
	receiver_turn(fx.child);
}

/* The channel itself is full: as for a slow peer, but nothing is lost yet. */
START_TEST(congested_front_end)
{
	uint64_t	 before = words_to_registry();
	int		 i;

	for (i = 0; !channel_congested(fx.router->frontend); i++)
		big_part(peer_b);
	ck_assert_int_gt(i, 1);
	/* What came last waits for the way to be free. */
	ck_assert_uint_eq(words_to_registry(), before + (uint64_t)i - 1);
	turn_until_free();
	ck_assert_uint_eq(words_to_registry(), before + (uint64_t)i);
	for (; i > 0; i--)
		ck_assert(told(MSG_PEER_MORE, peer_b));
	ck_assert(!told(MSG_PEER_MORE, 0));
	ck_assert(!told(MSG_PEER_RESYNC, 0));
}
END_TEST

/* It does not take any more: what both have lost is made good. */
START_TEST(refusing_front_end)
{
	const struct channel_stats	*stats;
	uint64_t			 before = words_to_registry();

	stats = channel_stats(fx.router->frontend);
	while (stats->refused == 0)
		big_part(peer_b);
	before = words_to_registry();
	delta();
	ck_assert_uint_eq(words_to_registry(), before);
	turn_until_free();
	ck_assert_uint_eq(words_to_registry(), before + 2);
	fx_forget();
	delta();
	ck_assert_ptr_nonnull(fx_said(peer_b));
}
END_TEST

START_TEST(small_words_out)
{
	struct wire_put	*w = fx_put();
	const char	*s;

	put_u64(w, 0);
	put_u64(w, 0xa1);
	put_u64(w, 7);
	put_u32(w, 3);
	put_u64(w, 0xff);
	ck_assert(fx_tell(PROC_REGISTRY, MSG_PEER_DIGEST, w));
	ck_assert_ptr_nonnull(fx_said(peer_b));
	ck_assert_ptr_nonnull(s = fx_said(peer_c));
	ck_assert_ptr_nonnull(strstr(s, "\"data\":{\"op\":\"digest\"," PLACE
	    ",\"nodes\":3,\"digest\":\"00000000000000ff\"}"));
	w = fx_put();
	put_u64(w, peer_b);
	ck_assert(fx_tell(PROC_REGISTRY, MSG_PEER_RESYNC, w));
	ck_assert_ptr_nonnull(s = fx_said(peer_b));
	ck_assert_ptr_nonnull(strstr(s,
	    "\"data\":{\"op\":\"query\",\"want\":\"snapshot\"}"));
	w = fx_put();
	put_u64(w, peer_c);
	put_str(w, "a \"b\"");
	put_bool(w, true);
	put_u8(w, 1);
	ck_assert(fx_tell(PROC_REGISTRY, MSG_PEER_ANSWER, w));
	ck_assert_ptr_nonnull(s = fx_said(peer_c));
	ck_assert_str_eq(fx_member(s, ENV_CORRELATION_ID), "a \"b\"");
	ck_assert_ptr_nonnull(strstr(s,
	    "\"data\":{\"op\":\"answer\",\"found\":true,\"node\":\"offline\"}"));
	ck_assert_ptr_null(fx_said(peer_b));
}
END_TEST

/* The registry does not send such; if it does, it is not believed. */
START_TEST(malformed_words)
{
	struct wire_put	*w;

	ck_assert(!tell_rows(rows_begin(0, 0, 0, 0)));
	ck_assert(!tell_rows(rows_begin(0, 3, 0, 0)));
	ck_assert(!tell_rows(rows_begin(0, 2, 0, 1)));
	w = rows_begin(0, 2, 0, 0);
	put_u8(w, 0);
	ck_assert(!tell_rows(w));
	w = rows_begin(0, 2, 0, 1);
	put_row(w, "alice", "x");
	w->len--;
	ck_assert(!tell_rows(w));
	w = fx_put();
	put_u64(w, peer_c);
	put_str(w, "a");
	put_bool(w, true);
	put_u8(w, 3);
	ck_assert(!fx_tell(PROC_REGISTRY, MSG_PEER_ANSWER, w));
	w = fx_put();
	put_str(w, "Relay B");
	put_str(w, "alice");
	put_u16(w, 0);
	ck_assert(!fx_tell(PROC_REGISTRY, MSG_PEER_ROUTE_SET, w));
	ck_assert_ptr_null(fx_said(peer_b));
	ck_assert_ptr_null(fx_said(peer_c));
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("router_peer");

	tcase_add_checked_fixture(tc, setup, fx_teardown);
	tcase_add_test(tc, change_goes_to_all_peers);
	tcase_add_test(tc, part_goes_to_one);
	tcase_add_test(tc, part_waits_for_room);
	tcase_add_test(tc, lagging);
	tcase_add_test(tc, congested_front_end);
	tcase_add_test(tc, refusing_front_end);
	tcase_add_test(tc, small_words_out);
	tcase_add_test(tc, malformed_words);
	return (suite_run("router_peer", tc));
}
