/* SPDX-License-Identifier: ISC */
/*
 * What the homes of other Mains may call at a Main, and what the relay itself
 * answers of what may be called.
 */
#include <string.h>

#include "tests/unit/policy_fixture.h"
#include "tests/unit/suite.h"

/* --- from a peer --- */

START_TEST(peer_is_denied)
{
	fix_peer_calls(AH, SVC);
	fix_gone_to(fix_home);
	fix_rules("deny call from home ah@a.main");
	fix_peer_calls(AH, SVC);
	fix_forbidden(fix_peer, "home-link");
	fix_denied("ah@a.main", "svc",
	    "conf:1: deny call from home \"ah@a.main\"");
	fix_peer_calls(A_ITSELF, SVC);
	fix_gone_to(fix_home);
	fix_rules("deny call from home ah");
	fix_peer_calls(AH, SVC);
	fix_gone_to(fix_home);
	fix_rules("deny call from main a.main");
	fix_peer_calls(AH, SVC);
	fix_gone_to(fix_home);
	fix_peer_calls(A_ITSELF, SVC);
	fix_forbidden(fix_peer, "home-link");
	fix_denied("main:a.main", "svc",
	    "conf:1: deny call from main \"a.main\"");
	fix_rules("deny call to home alice.h");
	fix_peer_calls(AH, SVC ",'destination_node':'alice.h@" SELF "'");
	fix_forbidden(fix_peer, "home-link");
	fix_rules("deny call to home alice.h@" SELF);
	fix_peer_calls(AH, SVC ",'destination_node':'alice.h@" SELF "'");
	fix_forbidden(fix_peer, "home-link");
}
END_TEST

START_TEST(export)
{
	fix_rules("deny export to main a.main service s*");
	fix_peer_calls(AH, SVC);
	fix_forbidden(fix_peer, "home-link");
	fix_denied("ah@a.main", "svc",
	    "conf:1: deny export to main \"a.main\" service \"s*\"");
	fix_peer_calls(AH, SVC ",'destination_node':'alice.h@" SELF "'");
	fix_forbidden(fix_peer, "home-link");
	fix_rules("allow call\ndeny export to main a.main service svc");
	fix_peer_calls(AH, SVC);
	fix_forbidden(fix_peer, "home-link");
	fix_rules("deny export to main c.main\ndeny export to any service x");
	fix_peer_calls(AH, SVC);
	fix_gone_to(fix_home);
	/* It is about peers only. */
	fix_rules("deny export");
	fix_home_calls(",'server_name':'far'");
	fix_gone_to(fix_peer);
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

/* svc of alice.h, with the methods get and put. */
static void
route_methods(void)
{
	struct service_method	 methods[] = { { .name = "get" },
				    { .name = "put" } };
	uint8_t			 buf[1024];
	struct service		 s;
	struct wire_put		 w;

	service_init(&s);
	strcpy(s.name, "svc");
	s.visibility = VISIBILITY_FEDERATION;
	s.methods = methods;
	s.n_methods = 2;
	wire_put_init(&w, buf, sizeof(buf));
	put_u64(&w, fix_home);
	put_str(&w, "alice.h");
	put_u16(&w, 1);
	put_service(&w, &s);
	ck_assert(fix_tell(PROC_REGISTRY, MSG_ROUTE_SET, &w));
}

/* As in the views: what may not be called is not named either. */
START_TEST(relay_names_what_may_be_called)
{
	const char	*t;

	route_methods();
	fix_say(fix_home, RELAY("services"));
	ck_has(fix_text(fix_home), "'methods':['get','put']");
	fix_rules("deny call method put");
	fix_say(fix_home, RELAY("services"));
	t = fix_text(fix_home);
	ck_has(t, "'methods':['get']");
	ck_has(t, "'count':3");
	fix_say(fix_peer, "{'type':'request','message_id':'z'," FROM_A
	    ",'routing_path':['ah','a.main'],'ttl':2,'method':'services',"
	    "'server_name':'relay'}");
	ck_has(fix_text(fix_peer), "'methods':['get']");
	fix_rules("deny call method put\ndeny call method get");
	fix_say(fix_home, RELAY("services"));
	ck_has(fix_text(fix_home), "'count':2");
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("router_peer_policy");

	tcase_add_checked_fixture(tc, fix_mains, fix_end);
	tcase_add_test(tc, peer_is_denied);
	tcase_add_test(tc, export);
	tcase_add_test(tc, relay_of_nodes);
	tcase_add_test(tc, relay_names_what_may_be_called);
	return (suite_run("router_peer_policy", tc));
}
