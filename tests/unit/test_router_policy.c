/* SPDX-License-Identifier: ISC */
/*
 * Who may call what, at a Main: what its homes, peers and HTTP clients call,
 * in the real router.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/policy_fixture.h"
#include "tests/unit/suite.h"

/* alice.h calls; the ids go on, so that none is pending already. */
static void
home_calls(const char *more)
{
	static unsigned int	 n;

	fix_say(fix_home, "{'type':'request','message_id':'h%u',"
	    "'method':'get'," RPC "%s}", ++n, more);
}

static void
peer_calls(const char *source, const char *path, const char *more)
{
	static unsigned int	 n;

	fix_say(fix_peer, "{'type':'request','message_id':'q%u',%s,"
	    "'routing_path':%s,'ttl':2,'method':'get'," RPC "%s}", ++n, source,
	    path, more);
}

#define AH		FROM_A, "['ah','a.main']"
#define A_ITSELF	"'source_node':{'type':'main','id':'a.main'}", "['a.main']"
#define SVC		",'server_name':'svc'"
#define FAR		",'server_name':'far'"

/* It has gone on to that session, or not at all. */
static void
gone_to(uint64_t session)
{
	ck_has(fix_text(session), "'type':'request'");
	ck_assert_ptr_null(fix_sent(MSG_LINK_SEND));
	ck_assert_ptr_null(fix_denial());
	call_end_gone(fix_router, &session_find(fix_router, session)->end,
	    STAGE_HOME_LINK);
	fix_forget();
}

static void
denied(const char *caller, const char *target, const char *rule)
{
	struct denial	*d = fix_denial();

	ck_assert_ptr_nonnull(d);
	ck_assert_str_eq(d->caller, caller);
	ck_assert_str_eq(d->target, target);
	ck_assert_str_eq(d->rule, rule);
	ck_assert_uint_eq(d->more, 0);
	ck_assert_ptr_null(fix_denial());
}

/* --- from a home --- */

START_TEST(home_is_denied)
{
	home_calls(FAR);
	gone_to(fix_peer);
	fix_rules("deny call from home alice.h service far");
	home_calls(FAR);
	fix_forbidden(fix_home, "ingress");
	denied("alice.h", "far",
	    "conf:1: deny call from home \"alice.h\" service \"far\"");
	home_calls(FAR ",'destination_node':'ah@a.main'");
	fix_forbidden(fix_home, "ingress");
	denied("alice.h", "ah@a.main/far",
	    "conf:1: deny call from home \"alice.h\" service \"far\"");
	home_calls(FAR ",'destination_node':{'id':'AH'}");
	fix_forbidden(fix_home, "ingress");
	home_calls(",'server_name':'third'");
	ck_assert_ptr_nonnull(fix_denial());
	gone_to(fix_other);
	ck_assert_uint_eq(fix_router->stats.denied, 3);
}
END_TEST

/* It is who it is, whatever it says. */
START_TEST(home_lies)
{
	fix_rules("allow call from home bob.h\n"
	    "allow call from home *@a.main\n"
	    "deny call from home *");
	home_calls(FAR ",'source_node':{'type':'home','id':'bob.h'}");
	fix_forbidden(fix_home, "ingress");
	home_calls(FAR "," FROM_A);
	fix_forbidden(fix_home, "ingress");
	home_calls(FAR ",'source_node':{'type':'main','id':'" SELF "'}");
	fix_forbidden(fix_home, "ingress");
}
END_TEST

START_TEST(by_method)
{
	fix_rules("allow call method get\ndeny call");
	home_calls(FAR);
	gone_to(fix_peer);
	fix_say(fix_home, "{'type':'request','message_id':'x','method':'put',"
	    "'server_name':'far'}");
	fix_forbidden(fix_home, "ingress");
	/* What is called is what the callee takes for it. */
	fix_say(fix_home, "{'type':'request','message_id':'x','method':'get',"
	    "'server_name':'far','jsonrpc_request':{'jsonrpc':'2.0',"
	    "'method':'put','id':1}}");
	fix_forbidden(fix_home, "ingress");
	fix_say(fix_home, "{'type':'request','message_id':'x','method':'put',"
	    "'server_name':'far'," RPC "}");
	fix_forbidden(fix_home, "ingress");
	fix_say(fix_home, "{'type':'request','message_id':'x','method':'get',"
	    "'server_name':'far','jsonrpc_request':{'jsonrpc':'2.0',"
	    "'method':'\\u0070ut','id':1}}");
	fix_forbidden(fix_home, "ingress");
	fix_say(fix_home, "{'type':'request','message_id':'x','method':'get',"
	    "'server_name':'far','jsonrpc_request':{'jsonrpc':'2.0',"
	    "'method':'','id':1}}");
	fix_forbidden(fix_home, "ingress");
	fix_say(fix_home, "{'type':'request','message_id':'x','method':'get',"
	    "'server_name':'far','jsonrpc_request':{'jsonrpc':'2.0',"
	    "'method':'g\\u0065t','id':1}}");
	while (fix_denial() != NULL)
		;
	gone_to(fix_peer);
}
END_TEST

/* Not even one that cannot be read. */
START_TEST(long_inner_method)
{
	char	 name[4 * LIMIT_METHOD_NAME];

	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	fix_rules("deny call method put");
	fix_say(fix_home, "{'type':'request','message_id':'x','method':'get',"
	    "'server_name':'far','jsonrpc_request':{'jsonrpc':'2.0',"
	    "'method':'\\u0070%s','id':1}}", name);
	fix_forbidden(fix_home, "ingress");
}
END_TEST

/* A home takes a call without a service for whichever it has. */
START_TEST(no_service)
{
	uint64_t	 bob = fix_open(SESSION_HOME, "bob.h");

	fix_route(bob, "bob.h", "open", VISIBILITY_FEDERATION);
	fix_rules("deny call to home bob.h service secret");
	home_calls(",'destination_node':'bob.h'");
	fix_forbidden(fix_home, "ingress");
	denied("alice.h", "bob.h/", "conf:1: deny call to home \"bob.h\" "
	    "service \"secret\"");
	home_calls(",'server_name':'open','destination_node':'bob.h'");
	gone_to(bob);
}
END_TEST

START_TEST(notification)
{
	fix_rules("deny call service far");
	fix_say(fix_home, "{'type':'request','message_id':'n','method':'get',"
	    "'server_name':'far','jsonrpc_request':{'jsonrpc':'2.0',"
	    "'method':'get'}}");
	fix_forbidden(fix_home, "ingress");
	denied("alice.h", "far", "conf:1: deny call service \"far\"");
}
END_TEST

/* --- who is chosen --- */

START_TEST(denied_are_not_chosen)
{
	uint64_t	 bob = fix_open(SESSION_HOME, "bob.h");
	uint64_t	 carl = fix_open(SESSION_HOME, "carl.h");
	int		 i;

	fix_route(bob, "bob.h", "far", VISIBILITY_FEDERATION);
	fix_route(carl, "carl.h", "far", VISIBILITY_FEDERATION);
	fix_forget();
	fix_rules("deny call to home bob.h\ndeny call to main *");
	for (i = 0; i < 4; i++) {
		home_calls(FAR);
		gone_to(carl);
	}
	/* Not even where nothing else would do. */
	fix_down(carl);
	fix_forget();
	home_calls(FAR);
	gone_to(fix_peer);
	fix_rules("deny call to home bob.h\ndeny call to home *@a.main");
	home_calls(FAR);
	fix_forbidden(fix_home, "ingress");
	ck_assert_str_eq(fix_denial()->caller, "alice.h");
	home_calls(FAR ",'destination_node':'bob.h'");
	fix_forbidden(fix_home, "ingress");
	/* What is not there is not forbidden. */
	home_calls(FAR ",'destination_node':{'type':'home','id':'nobody',"
	    "'main_relay':'" SELF "'}");
	ck_has(fix_text(fix_home), "'code':-32010");
}
END_TEST

/* One that may be called, but cannot be now: it is not policy's fault. */
START_TEST(not_forbidden)
{
	uint64_t	 bob = fix_open(SESSION_HOME, "bob.h");

	fix_route(bob, "bob.h", "far", VISIBILITY_FEDERATION);
	fix_rules("deny call to home *@a.main");
	(void)route_health(route_node_find(&fix_router->routes,
	    span_str("bob.h")), span_str("far"), span_str(""), false);
	home_calls(FAR);
	ck_has(fix_text(fix_home), "'code':-32017");
	ck_assert_ptr_null(fix_denial());
	/* The other way round it is. */
	fix_rules("deny call to home bob.h");
	fix_down(fix_peer);
	fix_route(bob, "bob.h", "only", VISIBILITY_FEDERATION);
	fix_forget();
	home_calls(",'server_name':'only'");
	fix_forbidden(fix_home, "ingress");
	/* Nor may the rest of it be found out. */
	home_calls(",'server_name':'only','version':'9.9.9'");
	fix_forbidden(fix_home, "ingress");
}
END_TEST

/* --- from a peer --- */

START_TEST(peer_is_denied)
{
	peer_calls(AH, SVC);
	gone_to(fix_home);
	fix_rules("deny call from home ah@a.main");
	peer_calls(AH, SVC);
	fix_forbidden(fix_peer, "home-link");
	denied("ah@a.main", "svc",
	    "conf:1: deny call from home \"ah@a.main\"");
	peer_calls(A_ITSELF, SVC);
	gone_to(fix_home);
	fix_rules("deny call from home ah");
	peer_calls(AH, SVC);
	gone_to(fix_home);
	fix_rules("deny call from main a.main");
	peer_calls(AH, SVC);
	gone_to(fix_home);
	peer_calls(A_ITSELF, SVC);
	fix_forbidden(fix_peer, "home-link");
	denied("main:a.main", "svc", "conf:1: deny call from main \"a.main\"");
	fix_rules("deny call to home alice.h");
	peer_calls(AH, SVC ",'destination_node':'alice.h@" SELF "'");
	fix_forbidden(fix_peer, "home-link");
	fix_rules("deny call to home alice.h@" SELF);
	peer_calls(AH, SVC ",'destination_node':'alice.h@" SELF "'");
	fix_forbidden(fix_peer, "home-link");
}
END_TEST

START_TEST(export)
{
	fix_rules("deny export to main a.main service s*");
	peer_calls(AH, SVC);
	fix_forbidden(fix_peer, "home-link");
	denied("ah@a.main", "svc",
	    "conf:1: deny export to main \"a.main\" service \"s*\"");
	peer_calls(AH, SVC ",'destination_node':'alice.h@" SELF "'");
	fix_forbidden(fix_peer, "home-link");
	fix_rules("allow call\ndeny export to main a.main service svc");
	peer_calls(AH, SVC);
	fix_forbidden(fix_peer, "home-link");
	fix_rules("deny export to main c.main\ndeny export to any service x");
	peer_calls(AH, SVC);
	gone_to(fix_home);
	/* It is about peers only. */
	fix_rules("deny export");
	home_calls(",'server_name':'far'");
	gone_to(fix_peer);
}
END_TEST

/* --- relay --- */

#define RELAY(method) "{'type':'request','message_id':'r','method':'"	\
	method "','server_name':'relay'}"

START_TEST(relay_of_nodes)
{
	const char	*t;

	fix_rules("deny call");
	fix_say(fix_home, RELAY("ping"));
	ck_has(fix_text(fix_home), "'pong':true");
	fix_say(fix_home, RELAY("info"));
	ck_has(fix_text(fix_home), "'node_type':'main'");
	fix_say(fix_home, RELAY("services"));
	ck_has(fix_text(fix_home), "'services':[],'count':0");
	fix_say(fix_home, RELAY("other"));
	fix_forbidden(fix_home, "ingress");
	fix_say(fix_home, "{'type':'request','message_id':'r',"
	    "'method':'ping','server_name':'relay','jsonrpc_request':{"
	    "'jsonrpc':'2.0','method':'other','id':1}}");
	fix_forbidden(fix_home, "ingress");
	fix_rules("deny call to home *@c.main\ndeny call method x*\n"
	    "deny call from home alice.h service svc");
	fix_say(fix_home, RELAY("services"));
	t = fix_text(fix_home);
	ck_has(t, "'service_name':'far'");
	ck_has(t, "'count':1");
	fix_say(fix_home, "{'type':'service_discovery','message_id':'d'}");
	t = fix_text(fix_home);
	ck_has(t, "'service_name':'far'");
	ck_has(t, "'count':1");
	fix_rules("deny export to main a.main");
	fix_say(fix_peer, PEER_ASK(FROM_A, "['ah','a.main']", "2",
	    ",'server_name':'relay'"));
	ck_has(fix_text(fix_peer), "'code':-32020");
	fix_say(fix_peer, "{'type':'request','message_id':'z'," FROM_A
	    ",'routing_path':['ah','a.main'],'ttl':2,'method':'services',"
	    "'server_name':'relay'}");
	ck_has(fix_text(fix_peer), "'count':0");
}
END_TEST

/* --- HTTP and relay-ctl --- */

static void
post(uint64_t id, const char *body)
{
	fix_http(id, HTTP_ROUTE_RPC, "", body);
}

START_TEST(anonymous)
{
	unsigned int	 status = 0;
	const char	*t;

	fix_rules("deny call from anonymous service far\n"
	    "deny call from anonymous service relay");
	post(1, "{'jsonrpc':'2.0','method':'far.get','id':9}");
	t = fix_answer(1, &status);
	ck_assert_uint_eq(status, 200);
	ck_has(t, "'code':-32020");
	ck_has(t, "'stage':'ingress'");
	ck_has(t, "'id':9");
	denied("anonymous", "far",
	    "conf:1: deny call from anonymous service \"far\"");
	/* Silent for who wants no answer, but not for the audit. */
	post(2, "{'jsonrpc':'2.0','method':'far.get'}");
	ck_assert_str_eq(fix_answer(2, &status), "");
	ck_assert_uint_eq(status, 204);
	ck_assert_ptr_nonnull(fix_denial());
	post(3, "{'jsonrpc':'2.0','method':'relay.ping','id':1}");
	ck_has(fix_answer(3, &status), "'code':-32020");
	ck_assert_ptr_nonnull(fix_denial());
	ck_assert_ptr_null(fix_sent(MSG_LINK_SEND));
	post(4, "[{'jsonrpc':'2.0','method':'far.get','id':1},"
	    "{'jsonrpc':'2.0','method':'svc.get','id':2}]");
	ck_assert_ptr_null(fix_answer(4, &status));
	t = fix_text(fix_home);
	ck_has(t, "'server_name':'svc'");
	fix_say(fix_home, "{'type':'response','message_id':'y',"
	    "'correlation_id':'%s','data':{'result':3}}", fix_id_of(t));
	t = fix_answer(4, &status);
	ck_has(t, "'code':-32020");
	ck_has(t, "'result':3,'id':2");
}
END_TEST

START_TEST(relay_ctl_is_trusted)
{
	uint8_t		 buf[256];
	struct wire_put	 w;

	fix_rules("deny call");
	wire_put_init(&w, buf, sizeof(buf));
	put_u64(&w, 1);
	put_str(&w, "far");
	put_str(&w, "get");
	put_u32(&w, 0);
	put_bytes(&w, "", 0);
	ck_assert(fix_tell(PROC_PARENT, MSG_CTL_CALL, &w));
	gone_to(fix_peer);
}
END_TEST

/* --- the audit --- */

START_TEST(not_too_many)
{
	struct denial	*d;
	int		 i;

	fix_rules("deny call service far");
	for (i = 0; i < LIMIT_AUDIT_RATE + 5; i++)
		home_calls(FAR);
	for (i = 0; (d = fix_denial()) != NULL; i++)
		ck_assert_uint_eq(d->more, 0);
	ck_assert_int_eq(i, LIMIT_AUDIT_RATE);
	ck_assert_uint_eq(fix_router->stats.denied, LIMIT_AUDIT_RATE + 5);
	receiver_later(fix_child, 1001);
	d = fix_denial();
	ck_assert_ptr_nonnull(d);
	ck_assert_uint_eq(d->more, 5);
	ck_assert_str_eq(d->caller, "");
	receiver_later(fix_child, 1001);
	ck_assert_ptr_null(fix_denial());
	for (i = 0; i < LIMIT_AUDIT_RATE + 3; i++)
		home_calls(FAR);
	fix_forget();
	fix_router->denied.since_ms -= 1000;
	home_calls(FAR);
	ck_assert_uint_eq(fix_denial()->more, 3);
}
END_TEST

/* What callers write is not believed to be printable. */
START_TEST(odd_names)
{
	struct denial	*d;

	fix_rules("deny call");
	home_calls(",'server_name':'a\\u0000b\\nc','destination_node':"
	    "'x@a.main'");
	d = fix_denial();
	ck_assert_ptr_nonnull(d);
	ck_assert_str_eq(d->target, "x@a.main/a?b?c");
}
END_TEST

/* --- held calls --- */

/* The rules when it is placed decide. */
START_TEST(held)
{
	const char	*t;
	char		 id[64];
	uint8_t		 buf[64];
	struct wire_put	 w;
	struct sent	*s;
	uint64_t	 query;
	int		 i;

	for (i = 0; i < 2; i++) {
		home_calls(i == 0 ? ",'server_name':'new'" :
		    ",'destination_node':{'type':'home','id':'zed'},"
		    "'server_name':'x'");
		t = fix_text(fix_peer);
		ck_has(t, "'op':'query'");
		snprintf(id, sizeof(id), "%s", fix_id_of(t));
		fix_say(fix_peer, "{'type':'service_discovery','message_id':"
		    "'a','correlation_id':'%s'," FROM_A ",'data':{'op':"
		    "'answer','found':%s,'node':'%s'}}", id, i == 0 ? "true" :
		    "false", i == 0 ? "unknown" : "online");
		s = fix_sent(MSG_PEER_BARRIER);
		ck_assert_ptr_nonnull(s);
		query = get_u64(&s->get);
		if (i == 0)
			fix_peer_route("a.main", "ah", "new");
		fix_rules("deny call to home *@a.main");
		wire_put_init(&w, buf, sizeof(buf));
		put_u64(&w, query);
		put_u64(&w, fix_peer);
		put_bool(&w, true);
		put_u8(&w, 2);
		ck_assert(fix_tell(PROC_REGISTRY, MSG_PEER_BARRIER, &w));
		fix_forbidden(fix_home, "ingress");
		ck_assert_ptr_nonnull(fix_denial());
		fix_rules("");
	}
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("router_policy");

	tcase_add_checked_fixture(tc, fix_mains, fix_end);
	tcase_add_test(tc, home_is_denied);
	tcase_add_test(tc, home_lies);
	tcase_add_test(tc, by_method);
	tcase_add_test(tc, long_inner_method);
	tcase_add_test(tc, no_service);
	tcase_add_test(tc, notification);
	tcase_add_test(tc, denied_are_not_chosen);
	tcase_add_test(tc, not_forbidden);
	tcase_add_test(tc, peer_is_denied);
	tcase_add_test(tc, export);
	tcase_add_test(tc, relay_of_nodes);
	tcase_add_test(tc, anonymous);
	tcase_add_test(tc, relay_ctl_is_trusted);
	tcase_add_test(tc, not_too_many);
	tcase_add_test(tc, odd_names);
	tcase_add_test(tc, held);
	return (suite_run("router_policy", tc));
}
