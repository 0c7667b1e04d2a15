/* SPDX-License-Identifier: ISC */
/*
 * Calls between Mains in the real router: what goes to a peer, and what may
 * come from one.
 */
#include <stdio.h>

#include "tests/unit/router_calls.h"
#include "tests/unit/suite.h"

#define DEST_AH	"'destination_node':{'type':'home','id':'ah',"		\
		"'main_relay':'a.main'}"

/* --- to a peer --- */

START_TEST(a_home_calls_out)
{
	const char	*t;
	char		 id[128];

	fix_say(fix_home, ASK ",'server_name':'far'}");
	t = fix_text(fix_peer);
	ck_has(t, "'source_node':{'type':'home','id':'alice.h','main_relay':'"
	    SELF "'}");
	ck_has(t, "'routing_path':['alice.h','" SELF "']");
	ck_has(t, "'ttl':2,");
	ck_has(t, "'destination_node':{'type':'home','id':'ah',"
	    "'main_relay':'a.main'}");
	snprintf(id, sizeof(id), "%s", fix_id_of(t));
	fix_say(fix_peer,
	    "{'type':'response','message_id':'x','correlation_id':"
	    "'%s'," FROM_A ",'routing_path':['ah','a.main'],'ttl':2,"
	    "'destination_node':{'type':'home','id':'alice.h','main_relay':'"
	    SELF "'},'jsonrpc_response':{'jsonrpc':'2.0','result':7,'id':1}}",
	    id);
	t = fix_text(fix_home);
	ck_has(t, "'correlation_id':'m1'");
	ck_has(t, FROM_A);
	ck_has(t, "'routing_path':['ah','a.main','" SELF "']");
	ck_has(t, "'ttl':1");
	ck_has(t, "'result':7,'id':1");
	ck_assert_uint_eq(fix_router->pending.n, 0);
	ck_assert_ptr_null(fix_text(fix_other));
}
END_TEST

START_TEST(every_form_of_destination)
{
	static const char *const	 forms[] = {
		"'destination_node':'ah@a.main'",
		"'destination_node':'AH@A.Main'",
		"'destination_node':{'id':'ah'}",
		"'destination_node':{'type':'home','id':'ah'}",
		DEST_AH,
		"'destination_node':{'type':'','id':'','main_relay':''}",
		"'destination_node':null",
	};
	const char	*t;
	size_t		 i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		fix_say(fix_home, "{'type':'request','message_id':'m%zu',"
		    "'method':'get','server_name':'far',%s," RPC "}", i,
		    forms[i]);
		t = fix_text(fix_peer);
		ck_has(t, "'main_relay':'a.main'}");
		ck_assert_msg(fix_has(t, DEST_AH) ||
		    fix_has(t, "'destination_node':{'type':'home','id':'AH',"
		    "'main_relay':'a.main'}"), "%s", t);
	}
	ck_assert_uint_eq(fix_router->pending.n, i);
}
END_TEST

START_TEST(http_calls_out)
{
	unsigned int	 status = 0;
	const char	*t;

	fix_http(1, HTTP_ROUTE_RPC, "", "{'jsonrpc':'2.0','method':"
	    "'remote_call','params':{'server_name':'far','method':'get'},"
	    "'id':9}");
	t = fix_text(fix_peer);
	ck_has(t, "'source_node':{'type':'main','id':'" SELF "'}");
	ck_has(t, "'routing_path':['" SELF "'],'ttl':3");
	ck_has(t, "'destination_node':{'type':'home','id':'ah',"
	    "'main_relay':'a.main'}");
	fix_say(fix_peer,
	    "{'type':'response','message_id':'x','correlation_id':"
	    "'%s'," FROM_A ",'routing_path':['ah','a.main'],'ttl':1,"
	    "'jsonrpc_response':{'jsonrpc':'2.0','result':7,'id':1}}",
	    fix_id_of(t));
	t = fix_answer(1, &status);
	ck_assert_uint_eq(status, 200);
	ck_has(t, "'result':7,'id':9");
}
END_TEST

START_TEST(ping_of_another_main)
{
	const char	*t;

	fix_say(fix_home, ASK ",'server_name':'relay','destination_node':"
	    "{'id':'A.main'}}");
	t = fix_text(fix_peer);
	ck_has(t, "'destination_node':{'type':'main','id':'a.main'}");
}
END_TEST

/* --- from a peer --- */

START_TEST(a_peer_calls_in)
{
	const char	*t;

	fix_say(fix_peer, PEER_ASK(FROM_A, "['ah','a.main']", "2",
	    ",'server_name':'svc'"));
	t = fix_text(fix_home);
	ck_has(t, FROM_A);
	ck_has(t, "'routing_path':['ah','a.main','" SELF "']");
	ck_has(t, "'ttl':1");
	ck_assert_ptr_null(fix_text(fix_peer));
	/* The home answers as it pleases; its Main stamps it. */
	fix_say(fix_home,
	    "{'type':'response','message_id':'y','correlation_id':"
	    "'%s','source_node':{'type':'home','id':'liar','main_relay':"
	    "'c.main'},'ttl':0,'routing_path':null,'destination_node':{"
	    "'type':'home','id':'ah','main_relay':'a.main'},'data':{"
	    "'result':[2]}}", fix_id_of(t));
	t = fix_text(fix_peer);
	ck_has(t, "'correlation_id':'p1'");
	ck_has(t, "'source_node':{'type':'home','id':'alice.h','main_relay':'"
	    SELF "'}");
	ck_has(t, "'routing_path':['alice.h','" SELF "']");
	ck_has(t, "'ttl':2");
	ck_has(t, "'result':[2]");
	ck_assert_uint_eq(fix_router->pending.n, 0);
	ck_assert_uint_eq(fix_router->stats.foreign, 0);
}
END_TEST

/* Refused, told so, and nobody but the peer hears of it. */
static void
refused(const char *text, const char *reason)
{
	const char	*t;

	fix_say(fix_peer, "%s", text);
	ck_assert_ptr_null(fix_text(fix_home));
	ck_assert_ptr_null(fix_text(fix_other));
	t = fix_text(fix_peer);
	ck_has(t, "'correlation_id':'p1'");
	ck_has(t, reason);
	ck_assert_msg(!fix_has(t, "'stage':'ingress'"), "%s", t);
	ck_assert_uint_eq(fix_router->pending.n, 0);
}

#define SVC	",'server_name':'svc'"

START_TEST(bad_hops)
{
	static const char *const	 bad[] = {
		PEER_ASK(FROM_A, "['ah']", "2", SVC),
		PEER_ASK(FROM_A, "['a.main','ah']", "2", SVC),
		PEER_ASK(FROM_A, "['ah','c.main']", "2", SVC),
		PEER_ASK(FROM_A, "['a.main','a.main']", "2", SVC),
		PEER_ASK(FROM_A, "['ah','c.main','a.main']", "2", SVC),
		PEER_ASK(FROM_A, "['" SELF "','a.main']", "2", SVC),
		PEER_ASK(FROM_A, "[]", "2", SVC),
		PEER_ASK(FROM_A, "null", "2", SVC),
		PEER_ASK("'source_node':null", "['a.main']", "2", SVC),
		PEER_ASK("'source_node':'ah@a.main'", "['a.main']", "2", SVC),
		"{'type':'request','message_id':'p1','method':'get',"
		    "'server_name':'svc'," RPC "}",
	};
	size_t	 i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(bad[i], "'reason':'invalid_request'");
	ck_assert_uint_eq(fix_router->stats.foreign, 0);
	/* Too long for an envelope at all. */
	fix_say(fix_peer, PEER_ASK(FROM_A, "['1','2','3','a.main']", "2", SVC));
	ck_has(fix_text(fix_peer), "'reason':'invalid_request'");
	ck_assert_ptr_null(fix_text(fix_home));
}
END_TEST

START_TEST(no_ttl)
{
	refused(PEER_ASK(FROM_A, "['ah','a.main']", "0", SVC),
	    "'reason':'ttl_exceeded'");
	refused(PEER_ASK(FROM_A, "['ah','a.main']", "1", SVC),
	    "'reason':'ttl_exceeded'");
	refused(PEER_ASK(FROM_A, "['ah','a.main']", "null", SVC),
	    "'reason':'ttl_exceeded'");
	/* The Main itself is no link further. */
	fix_say(fix_peer, "{'type':'request','message_id':'p1'," FROM_A
	    ",'routing_path':['a.main'],'ttl':1,'method':'ping',"
	    "'server_name':'relay'}");
	ck_has(fix_text(fix_peer), "'pong':true");
}
END_TEST

START_TEST(speaks_for_others)
{
	static const char *const	 bad[] = {
		PEER_ASK("'source_node':{'type':'home','id':'ch',"
		    "'main_relay':'c.main'}", "['ch','a.main']", "2", SVC),
		PEER_ASK("'source_node':{'type':'home','id':'alice.h',"
		    "'main_relay':'" SELF "'}", "['a.main']", "2", SVC),
		PEER_ASK("'source_node':{'type':'main','id':'c.main'}",
		    "['a.main']", "2", SVC),
		PEER_ASK("'source_node':{'type':'main','id':'" SELF "'}",
		    "['a.main']", "2", SVC),
		PEER_ASK("'source_node':{'type':'home','id':'ah'}",
		    "['a.main']", "2", SVC),
	};
	size_t	 i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		refused(bad[i], "'reason':'forbidden'");
		ck_assert_uint_eq(fix_router->stats.foreign, i + 1);
	}
	ck_assert_ptr_nonnull(session_find(fix_router, fix_peer));
}
END_TEST

START_TEST(too_often_for_others)
{
	struct sent	*s;
	uint64_t	 n;

	for (n = 0; session_find(fix_router, fix_peer) != NULL && n < 100; n++)
		fix_say(fix_peer, PEER_ASK("'source_node':{'type':'main','id':"
		    "'c.main'}", "['a.main']", "2", SVC));
	ck_assert_uint_eq(n, 17);
	s = fix_sent(MSG_LINK_CLOSE);
	ck_assert_ptr_nonnull(s);
	ck_assert_uint_eq(get_u64(&s->get), fix_peer);
	ck_assert_uint_eq(get_u16(&s->get), 1008);
	ck_assert(span_eq(get_span(&s->get, 256),
	    span_str("speaks for nodes of others")));
	ck_assert_ptr_nonnull(fix_sent(MSG_SESSION_CLOSE));
	ck_assert_ptr_nonnull(session_find(fix_router, fix_other));
}
END_TEST

START_TEST(structural_rule)
{
	static const struct {
		const char	*text, *reason;
	} bad[] = {
		{ PEER_ASK(FROM_A, "['a.main']", "2", ",'server_name':'third'"
		    ",'destination_node':'ch@c.main'"), "node_not_found" },
		{ PEER_ASK(FROM_A, "['a.main']", "2", ",'server_name':'third'"
		    ",'destination_node':{'id':'ch'}"), "node_not_found" },
		{ PEER_ASK(FROM_A, "['a.main']", "2",
		    ",'server_name':'third'"), "service_not_found" },
		{ PEER_ASK(FROM_A, "['a.main']", "2", ",'server_name':'far'"),
		    "service_not_found" },
		{ PEER_ASK(FROM_A, "['a.main']", "2", ",'server_name':'relay'"
		    ",'destination_node':{'type':'main','id':'c.main'}"),
		    "node_not_found" },
		{ PEER_ASK(FROM_A, "['a.main']", "2", ",'server_name':'svc'"
		    ",'destination_node':'alice.h@c.main'"),
		    "node_not_found" },
		{ PEER_ASK(FROM_A, "['a.main']", "2", ",'server_name':'none'"
		    ",'destination_node':'alice.h@" SELF "'"),
		    "service_not_found" },
		{ PEER_ASK(FROM_A, "['a.main']", "2", ",'server_name':'svc'"
		    ",'destination_node':'none@" SELF "'"),
		    "node_not_found" },
		{ PEER_ASK(FROM_A, "['a.main']", "2",
		    ",'destination_node':'alice.h@" SELF "'"),
		    "invalid_params" },
	};
	size_t	 i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		refused(bad[i].text, bad[i].reason);
	/* What is for this Main only is not there for a peer. */
	fix_route(fix_home, "alice.h", "svc", VISIBILITY_MAIN);
	refused(PEER_ASK(FROM_A, "['a.main']", "2", SVC),
	    "service_not_found");
	refused(PEER_ASK(FROM_A, "['a.main']", "2", SVC
	    ",'destination_node':'alice.h@" SELF "'"), "service_not_found");
	/* Nor in the list that it gets. */
	fix_say(fix_peer, "{'type':'request','message_id':'p2'," FROM_A
	    ",'routing_path':['a.main'],'ttl':2,'method':'services',"
	    "'server_name':'relay'}");
	ck_has(fix_text(fix_peer), "'services':[]");
	ck_assert_ptr_null(fix_sent(MSG_PEER_BARRIER));
	ck_assert_ptr_null(fix_text(fix_other));
}
END_TEST

START_TEST(what_a_peer_may_not_send)
{
	fix_say(fix_peer, "{'type':'registration','message_id':'p1'," FROM_A
	    ",'data':{'services':['x']}}");
	ck_has(fix_text(fix_peer), "'reason':'invalid_request'");
	ck_assert_ptr_null(fix_sent(MSG_REGISTER));
}
END_TEST

/* --- answers that are no good --- */

#define ANSWER(source, path, ttl)					\
	"{'type':'response','message_id':'x','correlation_id':'%s',"	\
	source ",'routing_path':" path ",'ttl':" ttl			\
	",'jsonrpc_response':{'jsonrpc':'2.0','result':7,'id':1}}"

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

START_TEST(bad_answers)
{
	char		 id[128];
	const char	*t;

#define BAD(source, path, ttl, reason) do {				\
	call_out(id, sizeof(id));					\
	fix_say(fix_peer, ANSWER(source, path, ttl), id);			\
	t = fix_text(fix_home);						\
	ck_has(t, "'reason':'" reason "'");				\
	ck_has(t, "'stage':'peer-link'");				\
	ck_has(t, "'executed':'maybe'");				\
	ck_assert(!fix_has(t, "'result'"));				\
	ck_assert_uint_eq(fix_router->pending.n, 0);			\
} while (0)
	BAD("'source_node':{'type':'home','id':'ch','main_relay':'c.main'}",
	    "['a.main']", "2", "internal_error");
	ck_assert_uint_eq(fix_router->stats.foreign, 1);
	BAD("'source_node':{'type':'home','id':'alice.h','main_relay':'" SELF
	    "'}", "['a.main']", "2", "internal_error");
	ck_assert_uint_eq(fix_router->stats.foreign, 2);
	BAD("'source_node':null", "['a.main']", "2", "internal_error");
	BAD(FROM_A, "['ah']", "2", "internal_error");
	BAD(FROM_A, "['c.main','ah','a.main']", "2", "internal_error");
	BAD(FROM_A, "['ah','a.main']", "0", "ttl_exceeded");
	BAD(FROM_A, "['ah','a.main']", "1", "ttl_exceeded");
	ck_assert_uint_eq(fix_router->stats.foreign, 2);
	ck_assert_ptr_null(fix_text(fix_peer));
#undef BAD
}
END_TEST

/* Each link has its own ids: no peer answers for another. */
START_TEST(answers_of_the_wrong_one)
{
	const char	*t;
	char		 id[128];

	call_out(id, sizeof(id));
	fix_say(fix_other, ANSWER("'source_node':{'type':'main','id':'c.main'}",
	    "['c.main']", "2"), id);
	ck_assert_ptr_null(fix_text(fix_home));
	ck_assert_uint_eq(fix_router->stats.late, 1);
	ck_assert_uint_eq(fix_router->pending.n, 1);
	/* Nobody asked, and it is foreign all the same. */
	fix_say(fix_other, ANSWER(FROM_A, "['c.main']", "2"), "none");
	ck_assert_uint_eq(fix_router->stats.foreign, 1);
	fix_say(fix_peer, ANSWER(FROM_A, "['a.main']", "3"), id);
	t = fix_text(fix_home);
	ck_has(t, "'result':7");
	ck_has(t, "'ttl':2");
	fix_say(fix_peer, ANSWER(FROM_A, "['a.main']", "2"), id);
	ck_assert_ptr_null(fix_text(fix_home));
	ck_assert_uint_eq(fix_router->stats.late, 2);
}
END_TEST

/* Whatever destination an answer names, it goes to who asked. */
START_TEST(answer_for_somebody_else)
{
	static const char *const	 to[] = {
		"'ch@c.main'", "{'type':'main','id':'c.main'}", "'bob.h'",
		"null", "{'type':'main','id':'" SELF "'}"
	};
	const char	*t;
	char		 id[128];
	size_t		 i;

	for (i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
		call_out(id, sizeof(id));
		fix_say(fix_peer, "{'type':'response','correlation_id':'%s',"
		    FROM_A ",'routing_path':['a.main'],'ttl':2,"
		    "'destination_node':%s,'data':{'result':7}}", id, to[i]);
		t = fix_text(fix_home);
		ck_has(t, "'destination_node':{'type':'home','id':'alice.h',"
		    "'main_relay':'" SELF "'}");
		ck_assert_ptr_null(fix_text(fix_other));
	}
}
END_TEST

START_TEST(malformed_answer)
{
	char	 id[128];

	call_out(id, sizeof(id));
	fix_say(fix_peer, "{'type':'response','correlation_id':'%s','ttl':'x'}",
	    id);
	ck_has(fix_text(fix_home), "'stage':'peer-link'");
	ck_assert_uint_eq(fix_router->pending.n, 0);
}
END_TEST

/* --- cancels --- */

#define CANCEL(source, path)						\
	"{'type':'cancel','message_id':'z','correlation_id':'p1',"	\
	source ",'routing_path':" path ",'ttl':3}"

START_TEST(cancels)
{
	fix_say(fix_peer, PEER_ASK(FROM_A, "['ah','a.main']", "2", SVC));
	ck_assert_ptr_nonnull(fix_text(fix_home));
	fix_say(fix_peer, CANCEL("'source_node':{'type':'main','id':'c.main'}",
	    "['a.main']"));
	ck_assert_uint_eq(fix_router->stats.foreign, 1);
	fix_say(fix_peer, CANCEL("'source_node':{'type':'main','id':'a.main'}",
	    "['c.main']"));
	fix_say(fix_other, CANCEL("'source_node':{'type':'main','id':'c.main'}",
	    "['c.main']"));
	ck_assert_uint_eq(fix_router->pending.n, 1);
	ck_assert_ptr_null(fix_text(fix_peer));
	fix_say(fix_peer, CANCEL("'source_node':{'type':'main','id':'a.main'}",
	    "['a.main']"));
	ck_has(fix_text(fix_peer), "'reason':'cancelled'");
	ck_assert_uint_eq(fix_router->pending.n, 0);
}
END_TEST

/* Ours is one that a peer takes. */
START_TEST(cancel_to_a_peer)
{
	const char	*t;
	char		 id[128];

	session_find(fix_router, fix_peer)->features = FEATURE_CANCEL;
	call_out(id, sizeof(id));
	fix_down(fix_home);
	t = fix_text(fix_peer);
	ck_has(t, "'type':'cancel'");
	ck_has(t, id);
	ck_has(t, "'source_node':{'type':'main','id':'" SELF "'}");
	ck_has(t, "'routing_path':['" SELF "'],'ttl':3");
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("router_calls");

	tcase_add_checked_fixture(tc, fix_mains, fix_end);
	tcase_add_test(tc, a_home_calls_out);
	tcase_add_test(tc, every_form_of_destination);
	tcase_add_test(tc, http_calls_out);
	tcase_add_test(tc, ping_of_another_main);
	tcase_add_test(tc, a_peer_calls_in);
	tcase_add_test(tc, bad_hops);
	tcase_add_test(tc, no_ttl);
	tcase_add_test(tc, speaks_for_others);
	tcase_add_test(tc, too_often_for_others);
	tcase_add_test(tc, structural_rule);
	tcase_add_test(tc, what_a_peer_may_not_send);
	tcase_add_test(tc, bad_answers);
	tcase_add_test(tc, answers_of_the_wrong_one);
	tcase_add_test(tc, answer_for_somebody_else);
	tcase_add_test(tc, malformed_answer);
	tcase_add_test(tc, cancels);
	tcase_add_test(tc, cancel_to_a_peer);
	return (suite_run("router_calls", tc));
}
