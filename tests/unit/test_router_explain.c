/* SPDX-License-Identifier: ISC */
/* relay-ctl explain: what would become of a call, and nothing comes of it. */
#include <stdio.h>
#include <string.h>

#include "common/ctl.h"
#include "tests/unit/policy_fixture.h"
#include "tests/unit/suite.h"

static bool
decides(const char *caller, const char *target, const char *result,
    const char *rule, const char *stage)
{
	ck_assert_uint_eq(fix_explain(caller, target, "get"), CTL_OK);
	ck_assert_uint_eq(fix_rows("decision", caller, target, ""), 1);
	ck_assert_uint_eq(fix_rows("decision", "", "", ""), 1);
	/* Nothing was sent to anybody. */
	ck_assert_ptr_null(fix_sent(MSG_LINK_SEND));
	ck_assert_ptr_null(fix_sent(MSG_BACKEND_CALL));
	ck_assert_ptr_null(fix_denial());
	ck_assert_uint_eq(fix_router->pending.n, 0);
	return (fix_rows("decision", result, rule, stage) == 1);
}

START_TEST(decisions)
{
	ck_assert(decides("alice.h", "far", "allowed", "the default",
	    "ingress"));
	fix_rules("allow call from home alice.h method put\n"
	    "deny call from home alice.h service far\n"
	    "deny call from home ah@a.main\n"
	    "deny call from main a.main\n"
	    "deny call from token ci\n"
	    "allow call from anonymous service far\n"
	    "deny export to main c.main");
	ck_assert(decides("alice.h", "far", "forbidden",
	    "conf:2: deny call from home \"alice.h\" service \"far\"",
	    "ingress"));
	ck_assert(decides("home:Alice.H", "far", "forbidden", "conf:2:",
	    "ingress"));
	ck_assert(decides("alice.h@" SELF, "far", "forbidden", "conf:2:",
	    "ingress"));
	ck_assert(decides("alice.h", "ah@a.main/far", "forbidden", "conf:2:",
	    "ingress"));
	ck_assert(decides("alice.h", "third", "allowed", "the default",
	    "ingress"));
	ck_assert(decides("alice.h@a.main", "svc", "allowed", "the default",
	    "home-link"));
	ck_assert(decides("ah@a.main", "svc", "forbidden", "conf:3:",
	    "home-link"));
	ck_assert(decides("main:a.main", "svc", "forbidden", "conf:4:",
	    "home-link"));
	ck_assert(decides("x@c.main", "svc", "forbidden", "conf:7:",
	    "home-link"));
	ck_assert(decides("token:ci", "far", "forbidden", "conf:5:",
	    "ingress"));
	ck_assert(decides("token:other", "far", "allowed", "the default",
	    "ingress"));
	ck_assert(decides("anonymous", "far", "allowed", "conf:6:",
	    "ingress"));
	/* A peer gets nowhere but to the homes here. */
	ck_assert(decides("x@d.main", "far", "service_not_found", "none",
	    "peer-link"));
	ck_assert(decides("alice.h", "nothing", "service_not_found", "none",
	    "ingress"));
	ck_assert(decides("alice.h", "nobody/far", "node_not_found", "none",
	    "ingress"));
	ck_assert(decides("alice.h", SELF "/relay", "method_not_found",
	    "none", "ingress") ||
	    decides("alice.h", SELF "/relay", "allowed", "the default",
	    "ingress"));
}
END_TEST

START_TEST(candidates)
{
	uint64_t	 bob = fix_open(SESSION_HOME, "bob.h");
	uint64_t	 carl = fix_open(SESSION_HOME, "carl.h");
	uint64_t	 dora = fix_open(SESSION_HOME, "dora.h");
	const struct route_instance *i;
	uint64_t	 passes = 0, again = 0;
	struct route_service *s;

	fix_route(bob, "bob.h", "far", VISIBILITY_FEDERATION);
	fix_route(carl, "carl.h", "far", VISIBILITY_FEDERATION);
	fix_route(dora, "dora.h", "far", VISIBILITY_PRIVATE);
	fix_rules("deny call to home bob.h");
	s = route_service_named(&fix_router->routes, span_str("far"));
	ck_assert_ptr_nonnull(s);
	TAILQ_FOREACH(i, &s->instances, by_service)
		passes += i->pass + i->in_flight;
	ck_assert(decides("alice.h", "far", "allowed", "the default",
	    "ingress"));
	ck_assert_uint_eq(fix_rows("candidates", "", "", ""), 4);
	ck_assert_uint_eq(fix_rows("candidates", "bob.h", SELF,
	    "denied by conf:1: deny call to home \"bob.h\""), 1);
	ck_assert_uint_eq(fix_rows("candidates", "carl.h", SELF, "chosen"),
	    1);
	ck_assert_uint_eq(fix_rows("candidates", "ah", "a.main", "allowed"),
	    1);
	ck_assert_uint_eq(fix_rows("candidates", "dora.h", SELF,
	    "not for such calls"), 1);
	ck_assert_uint_eq(fix_rows("candidates", "chosen", "", ""), 1);
	TAILQ_FOREACH(i, &s->instances, by_service)
		again += i->pass + i->in_flight;
	ck_assert_uint_eq(passes, again);
	ck_assert_uint_eq(fix_router->stats.denied, 0);
	ck_assert_uint_eq(fix_router->stats.requests, 0);
	/* Of a node that is named only its own. */
	ck_assert(decides("alice.h", "bob.h/far", "forbidden", "conf:1:",
	    "ingress"));
	ck_assert_uint_eq(fix_rows("candidates", "", "", ""), 1);
	fix_down(fix_peer);
	fix_down(carl);
	ck_assert(decides("alice.h", "far", "peer_unreachable", "none",
	    "peer-link"));
	ck_assert_uint_eq(fix_rows("candidates", "ah", "a.main", "no link"),
	    1);
	ck_assert_uint_eq(fix_rows("candidates", "chosen", "", ""), 0);
}
END_TEST

/* The rule is that of who is chosen, not of who was asked about last. */
START_TEST(rule_of_the_chosen)
{
	uint64_t	 carl = fix_open(SESSION_HOME, "carl.h");
	uint64_t	 zed = fix_open(SESSION_HOME, "zed.h");
	struct route_instance *busy;

	fix_route(carl, "carl.h", "new", VISIBILITY_FEDERATION);
	fix_route(zed, "zed.h", "new", VISIBILITY_FEDERATION);
	fix_rules("deny call to home zed.h\nallow call to home carl.h");
	busy = TAILQ_FIRST(&session_find(fix_router, carl)->node->instances);
	route_take(busy);
	ck_assert(decides("alice.h", "new", "allowed",
	    "conf:2: allow call to home \"carl.h\"", "ingress"));
	route_release(busy);
}
END_TEST

START_TEST(bad_questions)
{
	static const char *const	 callers[] = {
		"", "@", "a@", "@b", "a b", "a@b@c", "main:", "main:a@b",
		("main:" SELF), "token:", "token:*", "token:a b", "home:",
		"anonymous ", "home:main:a", "a/b",
	};
	size_t	 i;

	for (i = 0; i < sizeof(callers) / sizeof(callers[0]); i++) {
		ck_assert_msg(fix_explain(callers[i], "svc", "get") ==
		    CTL_REFUSED, "%s", callers[i]);
		ck_assert_uint_eq(fix_rows("", "", "", ""), 0);
	}
	ck_assert_uint_eq(fix_explain("a", "a/b/c", "get"), CTL_REFUSED);
	ck_assert_uint_eq(fix_explain("a", "a b", "get"), CTL_REFUSED);
	ck_assert_uint_eq(fix_explain("a", "svc", ""), CTL_REFUSED);
}
END_TEST

/* What is decided is what happens. */
START_TEST(as_it_is)
{
	static const char *const	 rules[] = {
		"", "deny call", "deny call from home alice.h",
		"deny call service far", "allow call service far\ndeny call",
		"deny call to home *@a.main", "deny call to main a.main",
		"allow call method put\ndeny call", "deny call method g*",
		"allow call from home *@*\ndeny call",
		"deny call from home *@*", "deny call from anonymous",
	};
	unsigned int	 status;
	size_t		 i;
	bool		 home, http;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		fix_rules(rules[i]);
		(void)fix_explain("alice.h", "far", "get");
		home = fix_rows("decision", "allowed", "", "") == 1;
		(void)fix_explain("anonymous", "far", "get");
		http = fix_rows("decision", "allowed", "", "") == 1;
		fix_say(fix_home, "{'type':'request','message_id':'e%zu',"
		    "'method':'get','server_name':'far'," RPC "}", i);
		ck_assert_int_eq(fix_text(fix_peer) != NULL, home);
		fix_http(i + 1, HTTP_ROUTE_RPC, "",
		    "{'jsonrpc':'2.0','method':'far.get','id':7}");
		ck_assert_int_eq(fix_text(fix_peer) != NULL, http);
		ck_assert_int_eq(fix_answer(i + 1, &status) == NULL, http);
		call_end_gone(fix_router,
		    &session_find(fix_router, fix_peer)->end, STAGE_PEER_LINK);
		fix_forget();
	}
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("router_explain");

	tcase_add_checked_fixture(tc, fix_mains, fix_end);
	tcase_add_test(tc, decisions);
	tcase_add_test(tc, candidates);
	tcase_add_test(tc, rule_of_the_chosen);
	tcase_add_test(tc, bad_questions);
	tcase_add_test(tc, as_it_is);
	return (suite_run("router_explain", tc));
}
