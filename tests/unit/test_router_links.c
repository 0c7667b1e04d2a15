/* SPDX-License-Identifier: ISC */
/*
 * Links between Mains in the real router: what becomes of calls when they
 * end, who has one, and what is shown and asked of them.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/router_calls.h"
#include "tests/unit/suite.h"

static void
call_out(char *id, size_t size)
{
	static int	 n;
	const char	*t;

	fix_say(fix_home, "{'type':'request','message_id':'c%d','method':'get',"
	    "'server_name':'far'," RPC "}", ++n);
	t = fix_text(fix_peer);
	ck_assert_ptr_nonnull(t);
	snprintf(id, size, "%s", fix_id_of(t));
}

/* --- ends --- */

START_TEST(link_with_a_peer_ends)
{
	const char	*t;
	char		 id[128];

	call_out(id, sizeof(id));
	fix_down(fix_peer);
	t = fix_text(fix_home);
	ck_has(t, "'reason':'connection_lost'");
	ck_has(t, "'stage':'peer-link'");
	/* Its rows are there, and of no use. */
	fix_say(fix_home, ASK ",'server_name':'far',"
	    "'destination_node':'ah@a.main'}");
	t = fix_text(fix_home);
	ck_has(t, "'reason':'peer_unreachable'");
	ck_has(t, "'stage':'peer-link'");
	ck_has(t, "'executed':'no'");
	ck_has(t, "'retryable':true");
	fix_say(fix_home, ASK ",'server_name':'far',"
	    "'destination_node':'ah@z.main'}");
	ck_has(fix_text(fix_home), "'reason':'node_not_found'");
	/* Back again. */
	fix_peer = fix_open(SESSION_PEER, "a.main");
	call_out(id, sizeof(id));
}
END_TEST

START_TEST(slow_peer)
{
	const char	*t;

	fix_queue(fix_peer, true);
	fix_say(fix_home, ASK ",'server_name':'far'}");
	t = fix_text(fix_home);
	ck_has(t, "'reason':'overloaded'");
	ck_has(t, "'stage':'peer-link'");
	fix_queue(fix_peer, false);
	fix_say(fix_home, ASK ",'server_name':'far'}");
	ck_assert_ptr_nonnull(fix_text(fix_peer));
}
END_TEST

START_TEST(timeout_at_a_peer)
{
	const char	*t;

	fix_say(fix_home, ASK ",'server_name':'far','timeout_seconds':1}");
	ck_assert_ptr_nonnull(fix_text(fix_peer));
	receiver_later(fix_child, 1100);
	t = fix_text(fix_home);
	ck_has(t, "'reason':'timeout'");
	ck_has(t, "'stage':'peer-link'");
	ck_has(t, "'executed':'maybe'");
}
END_TEST

/* While peers are asked nothing is executed. */
START_TEST(timeout_of_a_held_call)
{
	const char	*t;

	fix_say(fix_home, ASK ",'server_name':'none','deadline_ms':100}");
	ck_has(fix_text(fix_peer), "'op':'query'");
	ck_has(fix_text(fix_other), "'op':'query'");
	ck_assert_uint_eq(fix_router->pending.n, 1);
	/* It is pending as any other. */
	fix_say(fix_home, ASK ",'server_name':'none','deadline_ms':100}");
	ck_has(fix_text(fix_home), "'reason':'invalid_request'");
	receiver_later(fix_child, 120);
	t = fix_text(fix_home);
	ck_has(t, "'reason':'timeout'");
	ck_has(t, "'executed':'no'");
	ck_assert_uint_eq(fix_router->pending.n, 0);
}
END_TEST

/* --- sessions --- */

START_TEST(newer_link_of_a_pair)
{
	uint64_t	 second = fix_open(SESSION_PEER, "A.main");

	ck_assert_ptr_null(session_find(fix_router, fix_peer));
	ck_assert_ptr_eq(route_main_find(&fix_router->routes,
	    span_str("a.main"))->link, session_find(fix_router, second));
	fix_peer = second;
	fix_say(fix_home, ASK ",'server_name':'far'}");
	ck_assert_ptr_nonnull(fix_text(fix_peer));
}
END_TEST

static void
session_end_of(uint64_t id)
{
	uint8_t		 buf[64];
	struct wire_put	 w;

	wire_put_init(&w, buf, sizeof(buf));
	put_u64(&w, id);
	put_u16(&w, 1008);
	put_str(&w, "no");
	ck_assert(fix_tell(PROC_REGISTRY, MSG_SESSION_END, &w));
}

START_TEST(registry_ends_it)
{
	struct sent	*s;

	session_end_of(12345);
	ck_assert_uint_eq(fix_router->stats.stale, 1);
	ck_assert_ptr_null(fix_sent(MSG_LINK_CLOSE));
	session_end_of(fix_peer);
	ck_assert_ptr_null(session_find(fix_router, fix_peer));
	s = fix_sent(MSG_LINK_CLOSE);
	ck_assert_ptr_nonnull(s);
	ck_assert_uint_eq(get_u64(&s->get), fix_peer);
	ck_assert_uint_eq(get_u16(&s->get), 1008);
}
END_TEST

START_TEST(dialed)
{
	uint8_t		 buf[256];
	struct wire_put	 w;
	struct sent	*s;
	uint64_t	 id;

	wire_put_init(&w, buf, sizeof(buf));
	put_u64(&w, 77);
	put_u32(&w, 3);
	put_u32(&w, 9);
	put_str(&w, "d.main");
	put_str(&w, "boot");
	put_str(&w, "");
	put_str(&w, "192.0.2.1");
	ck_assert(fix_tell(PROC_FRONTEND, MSG_LINK_DIALED, &w));
	s = fix_sent(MSG_SESSION_OPEN);
	ck_assert_ptr_nonnull(s);
	id = get_u64(&s->get);
	ck_assert_uint_eq(get_u64(&s->get), 77);
	ck_assert_uint_eq(get_u8(&s->get), SESSION_PEER);
	ck_assert_uint_eq(get_u32(&s->get), 3);
	ck_assert_uint_eq(get_u32(&s->get), 9);
	ck_assert_ptr_null(fix_sent(MSG_LINK_ACCEPT));
	wire_put_init(&w, buf, sizeof(buf));
	put_u64(&w, id);
	put_u64(&w, 1);
	put_u64(&w, 0);
	put_str(&w, "d.main");
	put_str(&w, "");
	ck_assert(fix_tell(PROC_REGISTRY, MSG_SESSION_ACCEPT, &w));
	ck_assert_ptr_nonnull(fix_sent(MSG_LINK_ACCEPT));
	s = fix_sent(MSG_LINK_READY);
	ck_assert_ptr_nonnull(s);
	ck_assert_uint_eq(get_u64(&s->get), id);
}
END_TEST

START_TEST(registry_comes_back)
{
	struct receiver_message	 m = { .from = PROC_REGISTRY,
				    .type = RECEIVER_END_PEER };
	struct sent		*s;
	int			 peers = 0, homes = 0;

	fix_down(fix_other);
	fix_forget();
	(void)receiver_take(fix_child, &m);
	while ((s = fix_sent(MSG_SESSION_RESUME)) != NULL) {
		(void)get_u64(&s->get);
		(void)get_u64(&s->get);
		if (get_u8(&s->get) == SESSION_PEER)
			peers++;
		else
			homes++;
	}
	ck_assert_int_eq(peers, 1);
	ck_assert_int_eq(homes, 1);
	/* Only what a link leads to is left of others. */
	ck_assert_ptr_nonnull(route_main_find(&fix_router->routes,
	    span_str("a.main")));
	ck_assert_ptr_null(route_main_find(&fix_router->routes,
	    span_str("c.main")));
}
END_TEST

START_TEST(round_trip_time)
{
	struct sent	*s;
	const char	*t = NULL;
	int		 i;

	for (i = 0; i < 40 && !fix_has(t, "'type':'heartbeat'"); i++) {
		receiver_later(fix_child, 500);
		t = fix_text(fix_peer);
	}
	ck_has(t, "'type':'heartbeat'");
	while (fix_sent(MSG_SESSION_SEEN) != NULL)
		;
	receiver_later(fix_child, 30);
	fix_say(fix_peer, "{'type':'heartbeat','message_id':'h',"
	    "'correlation_id':'%s'}", fix_id_of(t));
	s = fix_sent(MSG_SESSION_SEEN);
	ck_assert_ptr_nonnull(s);
	ck_assert_uint_eq(get_u64(&s->get), fix_peer);
	ck_assert_uint_eq(get_u32(&s->get), 30000);
	/* Its own heartbeats measure nothing, nor does a second answer. */
	receiver_later(fix_child, 1500);
	fix_say(fix_peer, "{'type':'heartbeat','message_id':'h',"
	    "'correlation_id':'%s'}", fix_id_of(t));
	s = fix_sent(MSG_SESSION_SEEN);
	ck_assert_ptr_nonnull(s);
	(void)get_u64(&s->get);
	ck_assert_uint_eq(get_u32(&s->get), 0);
}
END_TEST

/* --- what relay-ctl shows --- */

/* How many rows an answer has that have all of these texts in them. */
static unsigned int
rows(enum ctl_show what, const char *a, const char *b)
{
	uint8_t		 buf[16];
	struct wire_put	 w;
	struct sent	*s;
	unsigned int	 n = 0;

	wire_put_init(&w, buf, sizeof(buf));
	put_u64(&w, 1);
	put_u8(&w, (uint8_t)what);
	ck_assert(fix_tell(PROC_PARENT, MSG_CTL_SHOW, &w));
	while ((s = fix_sent(MSG_CTL_ROW)) != NULL)
		n += memmem(s->data, s->len, a, strlen(a)) != NULL &&
		    memmem(s->data, s->len, b, strlen(b)) != NULL;
	return (n);
}

START_TEST(shown)
{
	ck_assert_uint_eq(rows(CTL_SHOW_ROUTES, "linked", ""), 3);
	ck_assert_uint_eq(rows(CTL_SHOW_ROUTES, "alice.h", SELF), 1);
	ck_assert_uint_eq(rows(CTL_SHOW_ROUTES, "ah", "a.main"), 1);
	ck_assert_uint_eq(rows(CTL_SHOW_ROUTES, "federated", "c.main"), 1);
	fix_down(fix_other);
	ck_assert_uint_eq(rows(CTL_SHOW_ROUTES, "stale", "c.main"), 1);
	ck_assert_uint_eq(rows(CTL_SHOW_ROUTES, "linked", ""), 2);
	ck_assert_uint_eq(rows(CTL_SHOW_SESSIONS, "peer", "a.main"), 1);
	ck_assert_uint_eq(rows(CTL_SHOW_SESSIONS, "peer", "c.main"), 0);
	ck_assert_uint_eq(rows(CTL_SHOW_SESSIONS, "home", "alice.h"), 1);
}
END_TEST

/* --- HTTP --- */

START_TEST(changes_of_peers)
{
	static const char *const	 bad[] = {
		"", "x", "[]", "{}", "{'url':1}", "{'url':''}",
		"{'url':null}", "{'node_id':'x'}", "{'url':'x','url':'y'}",
		"{'url':'x\\u0000'}", "{'url':'x','persist':1}",
		"{'url':'x','persist':'true'}", "{'url':'x','insecure':null}",
		"{'url':'x','node_id':7}", "{'url':'x'} {}", "{'url':'x',}",
	};
	unsigned int	 status = 0;
	struct wire_put	 w;
	struct sent	*s;
	uint8_t		 buf[128];
	uint64_t	 asked;
	size_t		 i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fix_http(100 + i, HTTP_ROUTE_PEER_ADD, "Bearer x", bad[i]);
		ck_assert_ptr_nonnull(fix_answer(100 + i, &status));
		ck_assert_msg(status == 400, "%s: %u", bad[i], status);
	}
	fix_http(90, HTTP_ROUTE_PEER_DELETE, "Bearer x", "");
	ck_assert_ptr_nonnull(fix_answer(90, &status));
	ck_assert_uint_eq(status, 400);
	ck_assert_ptr_null(fix_sent(MSG_PEER_REQUEST));
	fix_http(91, HTTP_ROUTE_PEER_ADD, "Bearer x",
	    "{'url':'ws:\\/\\/b','persist':true,'x':[1],'node_id':'b'}");
	s = fix_sent(MSG_PEER_REQUEST);
	ck_assert_ptr_nonnull(s);
	asked = get_u64(&s->get);
	ck_assert_uint_eq(get_u8(&s->get), 1);
	ck_assert(span_eq(get_span(&s->get, 99), span_str("Bearer x")));
	ck_assert(span_eq(get_span(&s->get, 99), span_str("ws://b")));
	ck_assert(span_eq(get_span(&s->get, 99), span_str("b")));
	ck_assert(get_bool(&s->get));
	ck_assert(!get_bool(&s->get));
	ck_assert(span_eq(get_span(&s->get, 99), span_str("127.0.0.1")));
	ck_assert(get_done(&s->get));
	ck_assert_ptr_null(fix_answer(91, &status));
	wire_put_init(&w, buf, sizeof(buf));
	put_u64(&w, asked);
	put_u16(&w, 201);
	put_bytes(&w, "{}", 2);
	ck_assert(fix_tell(PROC_REGISTRY, MSG_VIEW_REPLY, &w));
	ck_assert_ptr_nonnull(fix_answer(91, &status));
	ck_assert_uint_eq(status, 201);
	ck_assert(fix_tell(PROC_REGISTRY, MSG_VIEW_REPLY, &w));
	ck_assert_uint_eq(fix_router->stats.stale, 1);
}
END_TEST

START_TEST(too_many_changes)
{
	struct receiver_message	 m = { .from = PROC_REGISTRY,
				    .type = RECEIVER_LOSE_PEER };
	unsigned int		 status = 0;
	uint64_t		 i;

	/* No more requests than connections, in this configuration. */
	for (i = 0; i < 16; i++) {
		fix_http(200 + i, HTTP_ROUTE_PEER_DELETE, "", "b");
		ck_assert_ptr_nonnull(fix_sent(MSG_PEER_REQUEST));
	}
	fix_http(300, HTTP_ROUTE_PEER_DELETE, "", "b");
	ck_assert_ptr_null(fix_sent(MSG_PEER_REQUEST));
	ck_assert_ptr_nonnull(fix_answer(300, &status));
	ck_assert_uint_eq(status, 503);
	(void)receiver_take(fix_child, &m);
	for (i = 0; i < 16; i++) {
		ck_assert_ptr_nonnull(fix_answer(200 + i, &status));
		ck_assert_uint_eq(status, 503);
	}
	ck_assert_uint_eq(fix_router->n_peer_asks, 0);
}
END_TEST

START_TEST(views)
{
	static const uint8_t	 routes[] = {
		HTTP_ROUTE_REGISTRY, HTTP_ROUTE_FEDERATION_REGISTRY,
		HTTP_ROUTE_FEDERATION_PEERS, HTTP_ROUTE_FEDERATION_HEALTH
	};
	unsigned int	 status = 0;
	struct wire_put	 w;
	struct sent	*s;
	uint8_t		 buf[128];
	uint64_t	 asked[4];
	size_t		 i;

	for (i = 0; i < 4; i++) {
		fix_http(10 + i, routes[i], "", "");
		s = fix_sent(MSG_VIEW_REQUEST);
		ck_assert_ptr_nonnull(s);
		asked[i] = get_u64(&s->get);
		ck_assert_uint_eq(get_u8(&s->get), routes[i]);
		/* One of each is under way. */
		fix_http(20 + i, routes[i], "", "");
		ck_assert_ptr_null(fix_sent(MSG_VIEW_REQUEST));
	}
	for (i = 4; i-- > 0;) {
		wire_put_init(&w, buf, sizeof(buf));
		put_u64(&w, asked[i]);
		put_u16(&w, (uint16_t)(200 + i));
		put_bytes(&w, "{}", 2);
		ck_assert(fix_tell(PROC_REGISTRY, MSG_VIEW_REPLY, &w));
		ck_assert_ptr_nonnull(fix_answer(10 + i, &status));
		ck_assert_uint_eq(status, 200 + i);
		ck_assert_ptr_nonnull(fix_answer(20 + i, &status));
		ck_assert_uint_eq(status, 200 + i);
	}
	fix_http(30, HTTP_ROUTE_SERVICES, "", "");
	ck_assert_ptr_nonnull(fix_answer(30, &status));
	ck_assert_uint_eq(status, 404);
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("router_links");

	tcase_add_checked_fixture(tc, fix_mains, fix_end);
	tcase_add_test(tc, link_with_a_peer_ends);
	tcase_add_test(tc, slow_peer);
	tcase_add_test(tc, timeout_at_a_peer);
	tcase_add_test(tc, timeout_of_a_held_call);
	tcase_add_test(tc, newer_link_of_a_pair);
	tcase_add_test(tc, registry_ends_it);
	tcase_add_test(tc, dialed);
	tcase_add_test(tc, registry_comes_back);
	tcase_add_test(tc, round_trip_time);
	tcase_add_test(tc, shown);
	tcase_add_test(tc, changes_of_peers);
	tcase_add_test(tc, too_many_changes);
	tcase_add_test(tc, views);
	return (suite_run("router_links", tc));
}
