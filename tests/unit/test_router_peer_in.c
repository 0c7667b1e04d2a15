/* SPDX-License-Identifier: ISC */
/* Discovery over links with peers: what comes in. */
#include <string.h>

#include "relay-router/peer_link.h"
#include "tests/unit/peer_fixture.h"
#include "tests/unit/router_peer_fixture.h"
#include "tests/unit/suite.h"

#define DISCOVERY(id, data) "{\"type\":\"service_discovery\"," \
	"\"message_id\":\"" id "\",\"data\":" data "}"

#define NODES(list) "{\"op\":\"delta\"," PLACE ",\"nodes\":[" list "]}"

/* The link was closed for breaking a rule. */
static bool
closed(uint64_t session, const char *reason)
{
	struct wire_get	 r;

	if (!fx_sent(PROC_FRONTEND, MSG_LINK_CLOSE, &r))
		return (false);
	ck_assert_uint_eq(get_u64(&r), session);
	ck_assert_uint_eq(get_u16(&r), 1008);
	ck_assert(span_eq(get_span(&r, 256), span_str(reason)));
	ck_assert_ptr_null(session_find(fx.router, session));
	return (true);
}

START_TEST(rows_come)
{
	struct wire_get	 r;
	struct wire_put	*w;

	fx_text(peer_b, DISCOVERY("a", "{\"op\":\"snapshot\",\"part\":0,"
	    "\"last\":true," PLACE ",\"features\":[\"cancel\"],\"nodes\":["
	    "{\"node_id\":\"Alice\",\"services\":[{\"service_name\":\"blog\","
	    "\"labels\":{\"l\":\"x\"}}]}]}"));
	ck_assert(fx_sent(PROC_REGISTRY, MSG_PEER_ROWS, &r));
	w = rows_begin(peer_b, 1, 0, 1);
	put_row(w, "alice", "x");
	ck_assert_uint_eq(w->len, (size_t)(r.end - r.p));
	ck_assert_mem_eq(w->buf, r.p, w->len);
	ck_assert_uint_eq(session_find(fx.router, peer_b)->features,
	    FEATURE_CANCEL);
	/* A later message does not take that back. */
	fx_text(peer_b, DISCOVERY("a", NODES("{\"node_id\":\"alice\","
	    "\"deleted\":true}")));
	ck_assert(fx_sent(PROC_REGISTRY, MSG_PEER_ROWS, &r));
	ck_assert_uint_eq(session_find(fx.router, peer_b)->features,
	    FEATURE_CANCEL);
	ck_assert_ptr_null(fx_said(peer_b));
}
END_TEST

/* Another Main may be configured to take less than this one. */
START_TEST(takes_as_much_as_it_says)
{
	static const struct {
		const char	*said;
		uint32_t	 max;
	} list[] = {
		{ "", LIMIT_PEER_MESSAGE },
		{ ",\"max_message\":4194304", 4194304 },
		/* Less than discovery needs nobody takes. */
		{ ",\"max_message\":10", LIMIT_PEER_MESSAGE },
		{ ",\"max_message\":null", LIMIT_PEER_MESSAGE },
	};
	const struct session	*s = session_find(fx.router, peer_b);
	size_t			 i;

	ck_assert_uint_eq(s->max_message, LIMIT_PEER_MESSAGE);
	for (i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		fx_text(peer_b, DISCOVERY("a", "{\"op\":\"snapshot\","
		    "\"part\":0,\"last\":true," PLACE "%s,\"nodes\":[]}"),
		    list[i].said);
		ck_assert_uint_eq(s->max_message, list[i].max);
	}
	fx_text(peer_b, DISCOVERY("a", "{\"op\":\"snapshot\",\"part\":0,"
	    "\"last\":true," PLACE ",\"max_message\":-1,\"nodes\":[]}"));
	ck_assert_ptr_nonnull(strstr(fx_said(peer_b), "data.max_message"));
}
END_TEST

static void
call_far(const char *id)
{
	fx_text(home, "{\"type\":\"request\",\"message_id\":\"%s\","
	    "\"destination_node\":{\"type\":\"home\",\"id\":\"x\","
	    "\"main_relay\":\"relay-b\"},\"server_name\":\"blog\","
	    "\"method\":\"get\",\"data\":\"%2000s\"}", id, "");
}

/* A call that is too long for the peer must not cost the link. */
START_TEST(longer_than_it_takes)
{
	struct session	*s = session_find(fx.router, peer_b);
	const char	*text;

	s->max_message = 2000;
	call_far("m1");
	ck_assert_ptr_null(fx_said(peer_b));
	ck_assert_ptr_nonnull(text = fx_said(home));
	ck_assert_ptr_nonnull(strstr(text, "-32021"));
	ck_assert_uint_eq(fx.router->pending.n, 0);
	s->max_message = 4000;
	call_far("m2");
	ck_assert_ptr_nonnull(fx_said(peer_b));
	ck_assert_ptr_null(fx_said(home));
	/* Nor does an answer. */
	s->max_message = 100;
	fx_text(peer_b, "{\"type\":\"request\",\"message_id\":\"p1\","
	    "\"source_node\":{\"type\":\"main\",\"id\":\"relay-b\"},"
	    "\"destination_node\":{\"type\":\"main\","
	    "\"id\":\"main.example\"},\"routing_path\":[\"relay-b\"],"
	    "\"ttl\":2,\"server_name\":\"relay\",\"method\":\"info\","
	    "\"jsonrpc_request\":{\"jsonrpc\":\"2.0\",\"method\":\"info\","
	    "\"id\":1}}");
	ck_assert_ptr_nonnull(text = fx_said(peer_b));
	ck_assert_ptr_nonnull(strstr(text, "-32021"));
}
END_TEST

START_TEST(small_words_in)
{
	struct wire_get	 r;

	fx_text(peer_b, DISCOVERY("a", "{\"op\":\"digest\"," PLACE
	    ",\"nodes\":3,\"digest\":\"00000000000000ff\"}"));
	ck_assert(fx_sent(PROC_REGISTRY, MSG_PEER_DIGEST, &r));
	ck_assert_uint_eq(get_u64(&r), peer_b);
	ck_assert_uint_eq(get_u64(&r), 0xa1);
	ck_assert_uint_eq(get_u64(&r), 7);
	ck_assert_uint_eq(get_u32(&r), 3);
	ck_assert_uint_eq(get_u64(&r), 0xff);
	fx_text(peer_c, DISCOVERY("a",
	    "{\"op\":\"query\",\"want\":\"snapshot\"}"));
	ck_assert(told(MSG_PEER_RESYNC, peer_c));
	fx_text(peer_c, "{\"type\":\"service_discovery\",\"message_id\":\"q\","
	    "\"server_name\":\"blog\",\"data\":{\"op\":\"query\","
	    "\"node_id\":\"Alice\"}}");
	ck_assert(fx_sent(PROC_REGISTRY, MSG_PEER_QUERY, &r));
	ck_assert_uint_eq(get_u64(&r), peer_c);
	ck_assert(span_eq(get_span(&r, 64), span_str("q")));
	ck_assert(span_eq(get_span(&r, 253), span_str("alice")));
	ck_assert(span_eq(get_span(&r, 128), span_str("blog")));
	ck_assert_ptr_null(fx_said(peer_c));
}
END_TEST

static const struct {
	const char	*text;
	bool		 rows;		/* which must come again */
} bad[] = {
	{ DISCOVERY("a", "null"), false },
	{ DISCOVERY("a", "{\"op\":\"query\"}"), false },
	{ DISCOVERY("", "{\"op\":\"query\",\"node_id\":\"x\"}"), false },
	{ "{\"type\":\"service_discovery\",\"message_id\":\"a\"}", false },
	{ "{\"type\":\"service_discovery\",\"message_id\":\"a\","
	    "\"server_name\":\"a b\",\"data\":{\"op\":\"query\"}}", false },
	{ DISCOVERY("a", "{\"op\":\"delta\"}"), true },
	{ DISCOVERY("a", "{\"op\":\"snapshot\"," PLACE "}"), true },
	{ DISCOVERY("a", NODES("{\"node_id\":\"a\",\"services\":[]},{}")),
	    true },
	{ DISCOVERY("a", "{\"op\":\"digest\"," PLACE "}"), false },
	{ DISCOVERY("a", "{\"op\":\"answer\"}"), false },
};

START_TEST(malformed)
{
	struct wire_get	 r;
	const char	*s;
	int		 i;

	for (i = 0; i < LIMIT_PEER_FAULTS; i++) {
		fx_text(peer_b, "%s", bad[_i].text);
		ck_assert_ptr_nonnull(s = fx_said(peer_b));
		ck_assert_str_eq(fx_member(s, ENV_TYPE), "error");
		ck_assert((fx_said(peer_b) != NULL) == bad[_i].rows);
		ck_assert_ptr_null(fx_said(peer_b));
	}
	ck_assert(!fx_sent(PROC_REGISTRY, MSG_PEER_ROWS, &r));
	ck_assert(!fx_sent(PROC_REGISTRY, MSG_PEER_QUERY, &r));
	fx_text(peer_b, "%s", bad[_i].text);
	ck_assert(closed(peer_b, "malformed discovery"));
	ck_assert_ptr_null(fx_said(peer_b));
	ck_assert_ptr_nonnull(session_find(fx.router, peer_c));
}
END_TEST

/* Text that is no envelope at all, and an answer that is none. */
START_TEST(malformed_envelopes)
{
	static const char *const	 texts[] = {
		"", "{", "[]", "{}", "{\"type\":7}",
		"{\"type\":\"response\",\"correlation_id\":7}",
	};
	uint64_t			 bob = fx_home("bob");
	int				 i;

	for (i = 0; i < LIMIT_PEER_FAULTS; i++) {
		fx_text(peer_b, "%s", texts[_i]);
		fx_text(bob, "%s", texts[_i]);
	}
	ck_assert(!closed(peer_b, ""));
	fx_forget();
	fx_text(peer_b, "%s", texts[_i]);
	ck_assert(closed(peer_b, "malformed messages"));
	ck_assert_ptr_null(fx_said(peer_b));
	fx_text(bob, "%s", texts[_i]);
	ck_assert_ptr_nonnull(session_find(fx.router, bob));
	ck_assert_ptr_nonnull(session_find(fx.router, peer_c));
}
END_TEST

/* Whatever calls may be: discovery is cut to fit. */
START_TEST(longer_than_discovery_is)
{
	struct wire_get	 r;
	const char	*s;

	fx_text(peer_b, DISCOVERY("a", "{\"op\":\"delta\"," PLACE
	    ",\"nodes\":[],\"pad\":\"%*s\"}"), (int)LIMIT_PEER_MESSAGE, "");
	ck_assert_ptr_nonnull(s = fx_said(peer_b));
	ck_assert_ptr_nonnull(strstr(s, "longer than 1 MiB"));
	ck_assert_ptr_nonnull(strstr(fx_said(peer_b), "\"want\""));
	ck_assert(!fx_sent(PROC_REGISTRY, MSG_PEER_ROWS, &r));
	fx_text(peer_b, DISCOVERY("a", "{\"op\":\"delta\"," PLACE
	    ",\"nodes\":[],\"pad\":\"%*s\"}"),
	    (int)LIMIT_PEER_MESSAGE - 200, "");
	ck_assert(fx_sent(PROC_REGISTRY, MSG_PEER_ROWS, &r));
}
END_TEST

START_TEST(nodes_of_others)
{
	struct wire_get	 r;

	fx_text(peer_b, DISCOVERY("a", NODES("{\"node_id\":\"z\",\"services\":"
	    "[]},{\"node_id\":\"a\",\"services\":[],"
	    "\"main_relay\":\"relay-c\"}")));
	ck_assert(closed(peer_b, "advertises nodes of others"));
	ck_assert(!fx_sent(PROC_REGISTRY, MSG_PEER_ROWS, &r));
	ck_assert_uint_eq(fx.router->stats.foreign, 1);
}
END_TEST

START_TEST(speaks_for_others)
{
	int	 i;

	for (i = 0; i < LIMIT_PEER_FAULTS; i++)
		peer_foreign(fx.router, session_find(fx.router, peer_b));
	ck_assert(!closed(peer_b, ""));
	peer_foreign(fx.router, session_find(fx.router, peer_b));
	ck_assert(closed(peer_b, "speaks for nodes of others"));
}
END_TEST

#define QUERY	DISCOVERY("a", "{\"op\":\"query\",\"node_id\":\"x\"}")

static int
queries_passed(int n)
{
	struct wire_get	 r;
	int		 i, passed = 0;

	for (i = 0; i < n; i++)
		fx_text(peer_b, QUERY);
	while (fx_sent(PROC_REGISTRY, MSG_PEER_QUERY, &r))
		passed++;
	return (passed);
}

START_TEST(too_many_queries)
{
	struct wire_get	 r;

	ck_assert_int_eq(queries_passed(LIMIT_PEER_QUERIES + 5),
	    LIMIT_PEER_QUERIES);
	ck_assert_uint_eq(fx.router->stats.unanswered, 5);
	fx_text(peer_c, QUERY);
	ck_assert(fx_sent(PROC_REGISTRY, MSG_PEER_QUERY, &r));
	receiver_later(fx.child, 999);
	ck_assert_int_eq(queries_passed(1), 0);
	receiver_later(fx.child, 1);
	ck_assert_int_eq(queries_passed(2), 2);
}
END_TEST

/* What does not fit is dropped and asked for later, once. */
START_TEST(congested_registry)
{
	struct wire_get	 r;
	const char	*s;
	struct text	 t = { 0 };
	int		 i, n;

	text_lit(&t, "{\"type\":\"service_discovery\",\"data\":"
	    "{\"op\":\"delta\"," PLACE ",\"nodes\":[");
	for (i = 0; i < 30000; i++)
		text_lit(&t, i == 0 ?
		    "{\"node_id\":\"a\",\"deleted\":true}" :
		    ",{\"node_id\":\"a\",\"deleted\":true}");
	text_lit(&t, "]}}");
	text_put(&t, "", 1);
	for (i = 0; i < 1000 && !channel_congested(fx.router->registry); i++)
		fx_text(peer_b, "%s", t.p);
	fx_text(peer_b, "%s", t.p);
	fx_text(peer_b, "%s", t.p);
	fx_text(peer_c, DISCOVERY("a",
	    "{\"op\":\"query\",\"want\":\"snapshot\"}"));
	fx_text(peer_c, QUERY);
	fx_text(peer_c, DISCOVERY("a", "{\"op\":\"digest\"," PLACE
	    ",\"nodes\":3,\"digest\":\"00000000000000ff\"}"));
	text_free(&t);
	for (n = 0; fx_sent(PROC_REGISTRY, MSG_PEER_ROWS, &r); n++)
		;
	ck_assert_int_eq(n, i);
	ck_assert(!channel_congested(fx.router->registry));
	ck_assert_ptr_nonnull(s = fx_said(peer_b));
	ck_assert_ptr_nonnull(strstr(s, "\"want\":\"snapshot\""));
	ck_assert_ptr_null(fx_said(peer_b));
	ck_assert(told(MSG_PEER_RESYNC, peer_c));
	ck_assert(!told(MSG_PEER_RESYNC, 0));
	ck_assert(!fx_sent(PROC_REGISTRY, MSG_PEER_QUERY, &r));
	ck_assert(!fx_sent(PROC_REGISTRY, MSG_PEER_DIGEST, &r));
	peer_registry_drained(fx.router);
	ck_assert_ptr_null(fx_said(peer_b));
	ck_assert(!told(MSG_PEER_RESYNC, 0));
	ck_assert_uint_eq(fx.router->stats.unanswered, 1);
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("router_peer_in");

	tcase_add_checked_fixture(tc, setup, fx_teardown);
	tcase_add_test(tc, rows_come);
	tcase_add_test(tc, takes_as_much_as_it_says);
	tcase_add_test(tc, longer_than_it_takes);
	tcase_add_test(tc, small_words_in);
	tcase_add_loop_test(tc, malformed, 0,
	    (int)(sizeof(bad) / sizeof(bad[0])));
	tcase_add_loop_test(tc, malformed_envelopes, 0, 6);
	tcase_add_test(tc, longer_than_discovery_is);
	tcase_add_test(tc, nodes_of_others);
	tcase_add_test(tc, speaks_for_others);
	tcase_add_test(tc, too_many_queries);
	tcase_add_test(tc, congested_registry);
	return (suite_run("router_peer_in", tc));
}
