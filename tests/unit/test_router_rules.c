/* SPDX-License-Identifier: ISC */
/*
 * What is judged at all: rules by this Main's own name, rules of import alone,
 * and methods that are free of one service only.  In the real router.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/policy_fixture.h"
#include "tests/unit/suite.h"

/* Homes here are those of this Main, for who names it. */
START_TEST(own_name)
{
	unsigned int	 status = 0;

	fix_rules("deny call from home alice.h@" SELF " service far");
	fix_home_calls(FAR);
	fix_forbidden(fix_home, "ingress");
	ck_assert_ptr_nonnull(fix_denial());
	fix_rules("deny call from home alice.h@a.main service far");
	fix_home_calls(FAR);
	fix_gone_to(fix_peer);
	fix_rules("deny call to home alice.h@" SELF);
	fix_http(1, HTTP_ROUTE_RPC, "",
	    "{'jsonrpc':'2.0','method':'svc.get','id':1}");
	ck_has(fix_answer(1, &status), "'code':-32020");
	fix_peer_calls(AH, SVC);
	fix_forbidden(fix_peer, "home-link");
}
END_TEST

/* What may not be taken in may not be called either. */
START_TEST(import_alone)
{
	unsigned int	 status = 0;

	fix_rules("deny import from main a.main");
	fix_home_calls(FAR);
	fix_forbidden(fix_home, "ingress");
	fix_denied("alice.h", "far",
	    "conf:1: deny import from main \"a.main\"");
	fix_home_calls(",'server_name':'third'");
	fix_gone_to(fix_other);
	fix_http(1, HTTP_ROUTE_RPC, "",
	    "{'jsonrpc':'2.0','method':'far.get','id':1}");
	ck_has(fix_answer(1, &status), "'code':-32020");
}
END_TEST

static const char *const free_methods[] = { "ping", "info", "services" };

/* They are free of relay, and of no service that has some of that name. */
START_TEST(free_of_relay_only)
{
	fix_rules("deny call");
	fix_say(fix_home, "{'type':'request','message_id':'f','method':'%s',"
	    "'server_name':'far','jsonrpc_request':{'jsonrpc':'2.0',"
	    "'method':'%s','id':1}}", free_methods[_i], free_methods[_i]);
	fix_forbidden(fix_home, "ingress");
	fix_say(fix_home, "{'type':'request','message_id':'r','method':'%s',"
	    "'server_name':'relay'}", free_methods[_i]);
	ck_has(fix_text(fix_home), "'type':'response'");
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("router rules");

	tcase_add_checked_fixture(tc, fix_mains, fix_end);
	tcase_add_test(tc, own_name);
	tcase_add_test(tc, import_alone);
	tcase_add_loop_test(tc, free_of_relay_only, 0, 3);
	return (suite_run("router rules", tc));
}
