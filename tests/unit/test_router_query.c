/* SPDX-License-Identifier: ISC */
/* The question to peers: servers and nodes. */
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "tests/unit/peer_fixture.h"
#include "tests/unit/query_fixture.h"
#include "tests/unit/suite.h"

START_TEST(found)
{
	const char	*s;
	char		 id[32];

	fx_text(home, CALL("m1", "\"timeout_seconds\":1,"));
	ck_assert_ptr_null(fx_said(home));
	ck_assert_uint_eq(fx.router->pending.n, 1);
	receiver_later(fx.child, 200);
	say(peer_b, asked(peer_b, "blog"), true, "unknown");
	ck_assert_ptr_null(fx_said(peer_b));
	learn("relay-b", "bob", "blog");
	ck_assert_ptr_null(fx_said(peer_b));
	barrier();
	s = fx_said(peer_b);
	ck_assert_ptr_nonnull(s);
	ck_assert_str_eq(fx_member(s, ENV_TYPE), "request");
	strlcpy(id, fx_member(s, ENV_MESSAGE_ID), sizeof(id));
	/* The caller's own id would not tell it from a former call. */
	ck_assert_str_ne(id, "m1");
	ck_assert_ptr_nonnull(strstr(s, "\"params\":{\"text\":\"a \\\"b\\\"\"}"));
	ck_assert_ptr_nonnull(strstr(s, "\"id\":\"alice\""));
	/* What it waited is not given twice. */
	ck_assert_uint_eq(fx.router->pending.n, 1);
	ck_assert_int_eq(pending_next_ms(&fx.router->pending),
	    router_now() + 800);
	fx_text(peer_b, "{\"type\":\"response\",\"message_id\":\"r\","
	    "\"correlation_id\":\"%s\",\"source_node\":{\"type\":\"home\","
	    "\"id\":\"bob\",\"main_relay\":\"relay-b\"},"
	    "\"destination_node\":{\"type\":\"home\",\"id\":\"alice\","
	    "\"main_relay\":\"main.example\"},"
	    "\"routing_path\":[\"bob\",\"relay-b\"],\"ttl\":2,"
	    "\"jsonrpc_response\":{\"jsonrpc\":\"2.0\",\"result\":7,"
	    "\"id\":\"i-m1\"}}", id);
	s = fx_said(home);
	ck_assert_ptr_nonnull(s);
	ck_assert_ptr_nonnull(strstr(s, "\"result\":7,\"id\":\"i-m1\""));
	ck_assert_uint_eq(fx.router->pending.n, 0);
}
END_TEST

START_TEST(nobody_has_it)
{
	char	 id[64];

	peer_c = fx_peer("relay-c");
	fx_text(home, CALL("m1", ""));
	snprintf(id, sizeof(id), "%s", asked(peer_b, "blog"));
	ck_assert_str_eq(asked(peer_c, "blog"), id);
	say(peer_b, id, false, "online");
	ck_assert_ptr_null(fx_said(home));
	say(peer_c, id, false, "unknown");
	fails(home, "m1", "-32011");
	/* Not asked again for a while. */
	fx_text(home, CALL("m2", ""));
	fails(home, "m2", "-32011");
	ck_assert_ptr_null(fx_said(peer_b));
	receiver_later(fx.child, LIMIT_QUERY_MISS_MS);
	fx_text(home, CALL("m3", ""));
	ck_assert_ptr_null(fx_said(home));
	say(peer_b, asked(peer_b, "blog"), false, "unknown");
	ck_assert_ptr_null(fx_said(home));
	receiver_later(fx.child, LIMIT_QUERY_MS);
	fails(home, "m3", "-32011");
	ck_assert_uint_eq(fx.router->pending.n, 0);
}
END_TEST

START_TEST(nobody_answers)
{
	fx_text(home, CALL("m1", ""));
	receiver_later(fx.child, LIMIT_QUERY_MS - 1);
	ck_assert_ptr_null(fx_said(home));
	receiver_later(fx.child, 1);
	fails(home, "m1", "-32011");
	/* Too late. */
	say(peer_b, asked(peer_b, "blog"), true, "unknown");
	ck_assert(!take_barrier(fx_put()));
	ck_assert_uint_eq(fx.router->stats.late, 1);
}
END_TEST

START_TEST(nobody_to_ask)
{
	fx_down(peer_b);
	fx_text(home, CALL("m1", ""));
	fails(home, "m1", "-32011");
	peer_b = fx_peer("relay-b");
	fx_queue(peer_b, true);
	fx_text(home, CALL("m2", ""));
	fails(home, "m2", "-32011");
	fx_queue(peer_b, false);
	fx_text(home, CALL("m3", ""));
	ck_assert_ptr_null(fx_said(home));
}
END_TEST

/* The call's own time is shorter than that for peers. */
START_TEST(expires)
{
	fx_text(home, CALL("m1", "\"deadline_ms\":100,"));
	receiver_later(fx.child, 100);
	fails(home, "m1", "-32014");
	say(peer_b, asked(peer_b, "blog"), true, "unknown");
	barrier();
	ck_assert_ptr_null(fx_said(home));
	ck_assert_ptr_null(fx_said(peer_b));
	fx_text(home, CALL("m2", "\"deadline_ms\":0,"));
	fails(home, "m2", "-3201");
}
END_TEST

START_TEST(repeated)
{
	fx_text(home, CALL("m1", ""));
	fx_text(home, CALL("m1", ""));
	fails(home, "m1", "-32600");
	ck_assert_uint_eq(fx.router->pending.n, 1);
}
END_TEST

START_TEST(cancelled)
{
	fx_text(home, CALL("m1", ""));
	fx_text(home, "{\"type\":\"cancel\",\"message_id\":\"c\","
	    "\"correlation_id\":\"m1\"}");
	fails(home, "m1", "-32015");
	ck_assert_uint_eq(fx.router->pending.n, 0);
	say(peer_b, asked(peer_b, "blog"), false, "unknown");
	ck_assert_ptr_null(fx_said(home));
}
END_TEST

START_TEST(caller_goes)
{
	fx_text(home, CALL("m1", ""));
	fx_down(home);
	ck_assert_uint_eq(fx.router->pending.n, 0);
	say(peer_b, asked(peer_b, "blog"), true, "unknown");
	learn("relay-b", "bob", "blog");
	barrier();
	ck_assert_ptr_null(fx_said(peer_b));
}
END_TEST

START_TEST(peer_goes)
{
	peer_c = fx_peer("relay-c");
	fx_text(home, CALL("m1", ""));
	fx_down(peer_b);
	ck_assert_ptr_null(fx_said(home));
	fx_down(peer_c);
	fails(home, "m1", "-32011");
	/* Nobody has said no. */
	peer_c = fx_peer("relay-c");
	fx_text(home, CALL("m2", ""));
	ck_assert_ptr_nonnull(fx_said(peer_c));
	ck_assert_ptr_null(fx_said(home));
}
END_TEST

/* Said yes, and was gone before the route was there. */
START_TEST(peer_goes_after_its_answer)
{
	fx_text(home, CALL("m1", ""));
	say(peer_b, asked(peer_b, "blog"), true, "unknown");
	fx_down(peer_b);
	ck_assert_ptr_null(fx_said(home));
	learn("relay-b", "bob", "blog");
	barrier();
	fails(home, "m1", "-32013");
}
END_TEST

START_TEST(one_question_for_many)
{
	int	 i;

	for (i = 0; i < 3; i++)
		fx_text(home, "{\"type\":\"request\",\"message_id\":\"m%d\","
		    "\"server_name\":\"blog\",\"method\":\"get\"}", i);
	say(peer_b, asked(peer_b, "blog"), true, "unknown");
	ck_assert_ptr_null(fx_said(peer_b));
	learn("relay-b", "bob", "blog");
	barrier();
	for (i = 0; i < 3; i++)
		ck_assert_ptr_nonnull(fx_said(peer_b));
	ck_assert_ptr_null(fx_said(peer_b));
	ck_assert_uint_eq(fx.router->pending.n, 3);
}
END_TEST

/* None of these is an answer to the question. */
START_TEST(false_answers)
{
	char	 id[64];

	peer_c = fx_peer("relay-c");
	fx_queue(peer_c, true);
	fx_text(home, CALL("m1", ""));
	snprintf(id, sizeof(id), "%s", asked(peer_b, "blog"));
	say(peer_b, "", true, "online");
	say(peer_b, "m1", true, "online");
	say(peer_b, "q", true, "online");
	say(peer_b, "q0000000000000000", true, "online");
	say(peer_b, "qffffffffffffffffffffff", true, "online");
	say(peer_b, id + 1, true, "online");
	say(peer_c, id, true, "online");
	ck_assert(!take_barrier(fx_put()));
	ck_assert_uint_eq(fx.router->stats.late, 7);
	id[0] = 'Q';
	say(peer_b, id, true, "online");
	id[0] = 'q';
	/* It has the node, but that was not the question. */
	say(peer_b, id, false, "online");
	ck_assert(!take_barrier(fx_put()));
	fails(home, "m1", "-32011");
	say(peer_b, id, true, "online");
	ck_assert(!take_barrier(fx_put()));
}
END_TEST

START_TEST(barriers_out_of_nowhere)
{
	uint8_t		 buf[64];
	struct wire_put	 kept, *w = fx_put();

	put_u64(w, 77);
	put_u64(w, peer_b);
	put_bool(w, true);
	put_u8(w, 2);
	ck_assert(fx_tell(PROC_REGISTRY, MSG_PEER_BARRIER, w));
	ck_assert_uint_eq(fx.router->stats.stale, 1);
	fx_text(home, CALL("m1", ""));
	say(peer_b, asked(peer_b, "blog"), true, "unknown");
	wire_put_init(&kept, buf, sizeof(buf));
	ck_assert(take_barrier(&kept));
	learn("relay-b", "bob", "blog");
	ck_assert(fx_tell(PROC_REGISTRY, MSG_PEER_BARRIER, &kept));
	ck_assert(fx_tell(PROC_REGISTRY, MSG_PEER_BARRIER, &kept));
	ck_assert_ptr_nonnull(fx_said(peer_b));
	ck_assert_ptr_null(fx_said(peer_b));
}
END_TEST

/* A peer says yes, the registry says nothing. */
START_TEST(no_barrier)
{
	fx_text(home, CALL("m1", ""));
	say(peer_b, asked(peer_b, "blog"), true, "unknown");
	receiver_later(fx.child, LIMIT_QUERY_MS);
	fails(home, "m1", "-32011");
	barrier();
	ck_assert_ptr_null(fx_said(peer_b));
	/* It is not forgotten that somebody has it. */
	fx_text(home, CALL("m2", ""));
	ck_assert_ptr_nonnull(fx_said(peer_b));
}
END_TEST

#define TO_NODE(id, node) "{\"type\":\"request\",\"message_id\":\"" id "\"," \
	"\"destination_node\":{\"id\":\"" node "\"}," \
	"\"server_name\":\"blog\",\"method\":\"get\"}"

static const char *
asked_node(uint64_t peer, const char *node)
{
	static char	 id[64];
	char		 want[128];
	const char	*s = fx_said(peer);

	ck_assert_ptr_nonnull(s);
	snprintf(want, sizeof(want),
	    "\"data\":{\"op\":\"query\",\"node_id\":\"%s\"}", node);
	ck_assert_ptr_nonnull(strstr(s, want));
	snprintf(id, sizeof(id), "%s", fx_member(s, ENV_MESSAGE_ID));
	return (id);
}

/* It offers nothing to the federation, so there is no row. */
START_TEST(node_without_row)
{
	const char	*s;

	fx_text(home, TO_NODE("m1", "Bob"));
	say(peer_b, asked_node(peer_b, "bob"), false, "online");
	barrier();
	s = fx_said(peer_b);
	ck_assert_ptr_nonnull(s);
	ck_assert_str_eq(fx_member(s, ENV_TYPE), "request");
}
END_TEST

START_TEST(node_that_is_away)
{
	fx_text(home, TO_NODE("m1", "bob"));
	say(peer_b, asked_node(peer_b, "bob"), true, "offline");
	ck_assert(!take_barrier(fx_put()));
	fails(home, "m1", "-32012");
	fx_text(home, TO_NODE("m2", "carol"));
	say(peer_b, asked_node(peer_b, "carol"), false, "online");
	fx_down(peer_b);
	barrier();
	fails(home, "m2", "-32010");
}
END_TEST

/* The registry names a session that is no peer's. */
START_TEST(barrier_for_no_peer)
{
	struct wire_get	 r;
	struct wire_put	*w;
	uint64_t	 query;

	fx_text(home, TO_NODE("m1", "bob"));
	say(peer_b, asked_node(peer_b, "bob"), false, "online");
	ck_assert(fx_sent(PROC_REGISTRY, MSG_PEER_BARRIER, &r));
	query = get_u64(&r);
	w = fx_put();
	put_u64(w, query);
	put_u64(w, home);
	put_bool(w, false);
	put_u8(w, 2);
	ck_assert(fx_tell(PROC_REGISTRY, MSG_PEER_BARRIER, w));
	fails(home, "m1", "-32010");
}
END_TEST

/* It was a home of ours, and is now somewhere else. */
START_TEST(node_that_moved)
{
	uint64_t	 bob = fx_home("bob");
	struct wire_put	*w;
	const char	*s;

	w = fx_put();
	put_str(w, "bob");
	put_bool(w, true);
	ck_assert(fx_tell(PROC_REGISTRY, MSG_NODE_STATE, w));
	fx_down(bob);
	fx_forget();
	fx_text(home, TO_NODE("m1", "bob"));
	say(peer_b, asked_node(peer_b, "bob"), true, "online");
	learn("relay-b", "bob", "blog");
	barrier();
	s = fx_said(peer_b);
	ck_assert_ptr_nonnull(s);
	ck_assert_str_eq(fx_member(s, ENV_TYPE), "request");
	fx_text(home, TO_NODE("m2", "alice@relay-x"));
	fails(home, "m2", "-32010");
	ck_assert_ptr_null(fx_said(peer_b));
}
END_TEST

/* The link with relay-b, which had bob with blog, is another. */
static void
link_again(void)
{
	learn("relay-b", "bob", "blog");
	fx_down(peer_b);
	peer_b = fx_peer("relay-b");
	fx_forget();
}

static void
gets_call(uint64_t peer)
{
	const char	*s = fx_said(peer);

	ck_assert_ptr_nonnull(s);
	ck_assert_str_eq(fx_member(s, ENV_TYPE), "request");
	ck_assert_ptr_null(fx_said(peer));
}

START_TEST(stale_and_silent)
{
	link_again();
	fx_text(home, CALL("m1", ""));
	(void)asked(peer_b, "blog");
	fx_text(home, TO_NODE("m2", "bob"));
	(void)asked_node(peer_b, "bob");
	ck_assert_ptr_null(fx_said(peer_b));
	receiver_later(fx.child, LIMIT_QUERY_MS);
	ck_assert_ptr_nonnull(strstr(fx_said(home), "-32013"));
	fails(home, "m2", "-32013");
	/* Exactly there: that Main has the last word. */
	fx_text(home, "{\"type\":\"request\",\"message_id\":\"m3\","
	    "\"destination_node\":{\"id\":\"bob\",\"main_relay\":"
	    "\"relay-b\"},\"server_name\":\"blog\",\"method\":\"get\"}");
	gets_call(peer_b);
}
END_TEST

/* Its rows are on their way, but it says that it has what is wanted. */
START_TEST(stale_and_vouched_for)
{
	link_again();
	fx_text(home, CALL("m1", ""));
	say(peer_b, asked(peer_b, "blog"), true, "unknown");
	barrier();
	gets_call(peer_b);
	fx_text(home, TO_NODE("m2", "bob"));
	say(peer_b, asked_node(peer_b, "bob"), true, "online");
	barrier();
	gets_call(peer_b);
	/* That was for these calls. */
	fx_text(home, CALL("m3", ""));
	(void)asked(peer_b, "blog");
}
END_TEST

/* What one Main says is no word about another. */
START_TEST(stale_and_another_vouches)
{
	link_again();
	peer_c = fx_peer("relay-c");
	fx_text(home, CALL("m1", ""));
	say(peer_c, asked(peer_c, "blog"), true, "unknown");
	(void)asked(peer_b, "blog");
	barrier();
	fails(home, "m1", "-32013");
	ck_assert_ptr_null(fx_said(peer_b));
	/* What is known comes before what is vouched for. */
	fx_text(home, CALL("m2", ""));
	learn("relay-c", "carol", "blog");
	say(peer_b, asked(peer_b, "blog"), true, "unknown");
	(void)asked(peer_c, "blog");
	barrier();
	gets_call(peer_c);
	ck_assert_ptr_null(fx_said(peer_b));
}
END_TEST

START_TEST(stale_until_the_end)
{
	struct wire_put	*w;

	link_again();
	w = fx_put();
	put_str(w, "relay-b");
	put_u8(w, ROUTE_PHASE_END);
	ck_assert(fx_tell(PROC_REGISTRY, MSG_PEER_ROUTES, w));
	fx_text(home, CALL("m1", ""));
	gets_call(peer_b);
	fx_text(home, TO_NODE("m2", "bob"));
	gets_call(peer_b);
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("router_query");

	tcase_add_checked_fixture(tc, setup, fx_teardown);
	tcase_add_test(tc, found);
	tcase_add_test(tc, nobody_has_it);
	tcase_add_test(tc, nobody_answers);
	tcase_add_test(tc, nobody_to_ask);
	tcase_add_test(tc, expires);
	tcase_add_test(tc, repeated);
	tcase_add_test(tc, cancelled);
	tcase_add_test(tc, caller_goes);
	tcase_add_test(tc, peer_goes);
	tcase_add_test(tc, peer_goes_after_its_answer);
	tcase_add_test(tc, one_question_for_many);
	tcase_add_test(tc, false_answers);
	tcase_add_test(tc, barriers_out_of_nowhere);
	tcase_add_test(tc, no_barrier);
	tcase_add_test(tc, node_without_row);
	tcase_add_test(tc, node_that_is_away);
	tcase_add_test(tc, barrier_for_no_peer);
	tcase_add_test(tc, node_that_moved);
	tcase_add_test(tc, stale_and_silent);
	tcase_add_test(tc, stale_and_vouched_for);
	tcase_add_test(tc, stale_and_another_vouches);
	tcase_add_test(tc, stale_until_the_end);
	return (suite_run("router_query", tc));
}
