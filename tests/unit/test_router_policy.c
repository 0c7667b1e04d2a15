/* SPDX-License-Identifier: ISC */
/*
 * Who may call what, at a Main: what its homes and HTTP clients call, in the
 * real router.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/policy_fixture.h"
#include "tests/unit/suite.h"

/* --- from a home --- */

START_TEST(home_is_denied)
{
	fix_home_calls(FAR);
	fix_gone_to(fix_peer);
	fix_rules("deny call from home alice.h service far");
	fix_home_calls(FAR);
	fix_forbidden(fix_home, "ingress");
	fix_denied("alice.h", "far",
	    "conf:1: deny call from home \"alice.h\" service \"far\"");
	fix_home_calls(FAR ",'destination_node':'ah@a.main'");
	fix_forbidden(fix_home, "ingress");
	fix_denied("alice.h", "ah@a.main/far",
	    "conf:1: deny call from home \"alice.h\" service \"far\"");
	fix_home_calls(FAR ",'destination_node':{'id':'AH'}");
	fix_forbidden(fix_home, "ingress");
	fix_home_calls(",'server_name':'third'");
	ck_assert_ptr_nonnull(fix_denial());
	fix_gone_to(fix_other);
	ck_assert_uint_eq(fix_router->stats.denied, 3);
}
END_TEST

/* It is who it is, whatever it says. */
START_TEST(home_lies)
{
	fix_rules("allow call from home bob.h\n"
	    "allow call from home *@a.main\n"
	    "deny call from home *");
	fix_home_calls(FAR ",'source_node':{'type':'home','id':'bob.h'}");
	fix_forbidden(fix_home, "ingress");
	fix_home_calls(FAR "," FROM_A);
	fix_forbidden(fix_home, "ingress");
	fix_home_calls(FAR ",'source_node':{'type':'main','id':'" SELF "'}");
	fix_forbidden(fix_home, "ingress");
}
END_TEST

START_TEST(by_method)
{
	fix_rules("allow call method get\ndeny call");
	fix_home_calls(FAR);
	fix_gone_to(fix_peer);
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
	fix_gone_to(fix_peer);
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
	fix_home_calls(",'destination_node':'bob.h'");
	fix_forbidden(fix_home, "ingress");
	fix_denied("alice.h", "bob.h/", "conf:1: deny call to home \"bob.h\" "
	    "service \"secret\"");
	fix_home_calls(",'server_name':'open','destination_node':'bob.h'");
	fix_gone_to(bob);
}
END_TEST

START_TEST(notification)
{
	fix_rules("deny call service far");
	fix_say(fix_home, "{'type':'request','message_id':'n','method':'get',"
	    "'server_name':'far','jsonrpc_request':{'jsonrpc':'2.0',"
	    "'method':'get'}}");
	fix_forbidden(fix_home, "ingress");
	fix_denied("alice.h", "far", "conf:1: deny call service \"far\"");
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
		fix_home_calls(FAR);
		fix_gone_to(carl);
	}
	/* Not even where nothing else would do. */
	fix_down(carl);
	fix_forget();
	fix_home_calls(FAR);
	fix_gone_to(fix_peer);
	fix_rules("deny call to home bob.h\ndeny call to home *@a.main");
	fix_home_calls(FAR);
	fix_forbidden(fix_home, "ingress");
	ck_assert_str_eq(fix_denial()->caller, "alice.h");
	fix_home_calls(FAR ",'destination_node':'bob.h'");
	fix_forbidden(fix_home, "ingress");
	/* What is not there is not forbidden. */
	fix_home_calls(FAR ",'destination_node':{'type':'home','id':'nobody',"
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
	fix_home_calls(FAR);
	ck_has(fix_text(fix_home), "'code':-32017");
	ck_assert_ptr_null(fix_denial());
	/* The other way round it is. */
	fix_rules("deny call to home bob.h");
	fix_down(fix_peer);
	fix_route(bob, "bob.h", "only", VISIBILITY_FEDERATION);
	fix_forget();
	fix_home_calls(",'server_name':'only'");
	fix_forbidden(fix_home, "ingress");
	/* Nor may the rest of it be found out. */
	fix_home_calls(",'server_name':'only','version':'9.9.9'");
	fix_forbidden(fix_home, "ingress");
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
	fix_denied("anonymous", "far",
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
	fix_gone_to(fix_peer);
}
END_TEST

/* --- the audit --- */

START_TEST(not_too_many)
{
	struct denial	*d;
	int		 i;

	fix_rules("deny call service far");
	for (i = 0; i < LIMIT_AUDIT_RATE + 5; i++)
		fix_home_calls(FAR);
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
		fix_home_calls(FAR);
	fix_forget();
	fix_router->denied.since_ms -= 1000;
	fix_home_calls(FAR);
	ck_assert_uint_eq(fix_denial()->more, 3);
}
END_TEST

/* What callers write is not believed to be printable. */
START_TEST(odd_names)
{
	struct denial	*d;

	fix_rules("deny call");
	fix_home_calls(",'server_name':'a\\u0000b\\nc','destination_node':"
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
		fix_home_calls(i == 0 ? ",'server_name':'new'" :
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
	TCase *tc = tcase_create("router_policy");

	tcase_add_checked_fixture(tc, fix_mains, fix_end);
	tcase_add_test(tc, home_is_denied);
	tcase_add_test(tc, home_lies);
	tcase_add_test(tc, by_method);
	tcase_add_test(tc, long_inner_method);
	tcase_add_test(tc, no_service);
	tcase_add_test(tc, notification);
	tcase_add_test(tc, denied_are_not_chosen);
	tcase_add_test(tc, not_forbidden);
	tcase_add_test(tc, anonymous);
	tcase_add_test(tc, relay_ctl_is_trusted);
	tcase_add_test(tc, not_too_many);
	tcase_add_test(tc, odd_names);
	tcase_add_test(tc, held);
	return (suite_run("router_policy", tc));
}
