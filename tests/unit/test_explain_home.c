/* SPDX-License-Identifier: ISC */
/* relay-ctl explain at a home: who calls its services, over its uplink. */
#include <stdio.h>
#include <string.h>

#include "common/ctl.h"
#include "tests/unit/policy_fixture.h"
#include "tests/unit/suite.h"

static uint64_t	 up;

static void
setup(void)
{
	uint8_t		 buf[64];
	struct wire_put	 w;

	fix_start(true);
	up = fix_dialed("m.main");
	wire_put_init(&w, buf, sizeof(buf));
	put_u32(&w, 0);
	put_u32(&w, RECEIVER_GENERATION);
	put_bool(&w, true);
	put_str(&w, "");
	ck_assert(fix_tell(PROC_BACKEND, MSG_BACKEND_HEALTH, &w));
	fix_forget();
}

static void
decides(const char *caller, const char *result, const char *rule)
{
	ck_assert_uint_eq(fix_explain(caller, "blog", "get"), CTL_OK);
	ck_assert_uint_eq(fix_rows("decision", caller, "blog", "get"), 1);
	ck_assert_msg(fix_rows("decision", result, rule, "backend") == 1,
	    "%s", caller);
	ck_assert_ptr_null(fix_sent(MSG_BACKEND_CALL));
}

START_TEST(callers)
{
	decides("bob@m.main", "allowed", "the default");
	fix_rules("deny call from home bob@m.main\n"
	    "deny call from main n.main\n"
	    "deny call from home carl service blog");
	decides("bob@m.main", "forbidden", "conf:1:");
	decides("home:Bob@M.main", "forbidden", "conf:1:");
	decides("bob@other", "allowed", "the default");
	decides("main:n.main", "forbidden", "conf:2:");
	decides("main:m.main", "allowed", "the default");
	decides("carl@m.main", "forbidden", "conf:3:");
	decides("n.main@m.main", "allowed", "the default");
}
END_TEST

/* What is decided is what happens. */
START_TEST(as_it_is)
{
	fix_rules("deny call from home bob@m.main");
	decides("bob@m.main", "forbidden", "conf:1:");
	fix_say(up, "{'type':'request','message_id':'u1','source_node':"
	    "{'type':'home','id':'bob','main_relay':'m.main'},"
	    "'routing_path':['x','m.main'],'ttl':2,'method':'get',"
	    "'server_name':'blog'," RPC "}");
	fix_forbidden(up, "backend");
}
END_TEST

/* Without a link there is nobody who could call, and it can be asked. */
START_TEST(without_uplink)
{
	session_end_all(fix_router, "over");
	fix_rules("deny call from home bob@m.main");
	decides("bob@m.main", "forbidden", "conf:1:");
	decides("carl@m.main", "allowed", "the default");
}
END_TEST

static void
candidate(const char *a, const char *b, const char *c)
{
	ck_assert_uint_eq(fix_rows("candidates", a, b, c), 1);
}

START_TEST(candidates)
{
	ck_assert_uint_eq(fix_explain("bob@m.main", "blog", "get"), CTL_OK);
	candidate("service_name", "blog", "chosen");
	candidate("version", "healthy", "true");
	candidate("in_flight", "", "");
}
END_TEST

/* A rule for one method is for that one. */
START_TEST(methods)
{
	ck_assert_uint_eq(fix_explain("carl@m.main", "blog", "put"), CTL_OK);
	ck_assert_uint_eq(fix_rows("decision", "blog", "method", "put"), 1);
	fix_rules("deny call method put");
	decides("carl@m.main", "allowed", "the default");
	ck_assert_uint_eq(fix_explain("carl@m.main", "blog", "put"), CTL_OK);
	ck_assert_uint_eq(fix_rows("decision", "forbidden", "conf:1:", ""),
	    1);
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("explain at a home");

	tcase_add_checked_fixture(tc, setup, fix_end);
	tcase_add_test(tc, callers);
	tcase_add_test(tc, as_it_is);
	tcase_add_test(tc, without_uplink);
	tcase_add_test(tc, candidates);
	tcase_add_test(tc, methods);
	return (suite_run("explain at a home", tc));
}
