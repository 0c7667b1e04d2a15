/* SPDX-License-Identifier: ISC */
/* Who may call a home's own services, by the home's own rules. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/policy_fixture.h"
#include "tests/unit/suite.h"

static uint64_t	 up;

static void
setup(void)
{
	fix_start(true);
	up = fix_dialed("m.main");
	fix_forget();
}

static void
healthy(void)
{
	uint8_t		 buf[64];
	struct wire_put	 w;

	wire_put_init(&w, buf, sizeof(buf));
	put_u32(&w, 0);
	put_u32(&w, RECEIVER_GENERATION);
	put_bool(&w, true);
	put_str(&w, "");
	ck_assert(fix_tell(PROC_BACKEND, MSG_BACKEND_HEALTH, &w));
	fix_forget();
}

/* What the home's Main sends for somebody, or for nobody. */
static void
calls(const char *source, const char *service)
{
	static unsigned int	 n;

	healthy();
	fix_say(up, "{'type':'request','message_id':'u%u',%s%s"
	    "'routing_path':['x','m.main'],'ttl':2,'method':'get',"
	    "'server_name':'%s'," RPC "}", ++n, source,
	    source[0] != '\0' ? "," : "", service);
}

#define HOME(id, main)	"'source_node':{'type':'home','id':'" id "',"	\
			"'main_relay':'" main "'}"
#define MAIN(id)	"'source_node':{'type':'main','id':'" id "'}"

static void
served(void)
{
	ck_assert_ptr_nonnull(fix_sent(MSG_BACKEND_CALL));
	ck_assert_ptr_null(fix_denial());
	call_end_gone(fix_router, &fix_router->backend_end, STAGE_BACKEND);
	fix_forget();
}

static void
refused(const char *caller)
{
	struct denial	*d = fix_denial();

	ck_assert_ptr_nonnull(d);
	ck_assert_str_eq(d->caller, caller);
	fix_forbidden(up, "backend");
}

START_TEST(homes)
{
	calls(HOME("bob", "m.main"), "blog");
	served();
	fix_rules("deny call from home bob service blog");
	calls(HOME("bob", "m.main"), "blog");
	refused("bob@m.main");
	calls(HOME("BOB", "M.main"), "blog");
	refused("bob@m.main");
	calls("'source_node':'bob@m.main'", "blog");
	refused("bob@m.main");
	calls("'source_node':{'id':'bob'}", "blog");
	refused("bob");
	calls(HOME("bob", "other"), "blog");
	served();
	calls(HOME("bo", "m.main"), "blog");
	served();
	calls(MAIN("bob"), "blog");
	served();
	fix_rules("deny call from home *@other");
	calls(HOME("bob", "other"), "blog");
	refused("bob@other");
	calls(HOME("bob", "m.main"), "blog");
	served();
	fix_rules("deny call from home bob@m.main");
	calls(HOME("bob", "m.main"), "blog");
	refused("bob@m.main");
}
END_TEST

START_TEST(mains)
{
	fix_rules("deny call from main m.main");
	calls(MAIN("m.main"), "blog");
	refused("main:m.main");
	/* Whoever the Main does not name is the Main. */
	calls("", "blog");
	refused("main:m.main");
	calls("'source_node':{'id':''}", "blog");
	refused("main:m.main");
	calls("'source_node':{'id':'M.Main'}", "blog");
	refused("main:m.main");
	calls(HOME("bob", "m.main"), "blog");
	served();
	calls(MAIN("n.main"), "blog");
	served();
}
END_TEST

/* A caller whose name is none is allowed nothing, if there are rules. */
START_TEST(nobody)
{
	calls(HOME("b b", "m.main"), "blog");
	served();
	fix_rules("allow call");
	calls(HOME("b b", "m.main"), "blog");
	refused("?@m.main");
	calls(HOME("bob", "m m"), "blog");
	refused("?");
}
END_TEST

/* A seed's Main need not name itself: all it has are its own. */
START_TEST(main_without_a_name)
{
	session_end_all(fix_router, "over");
	up = fix_dialed("");
	fix_rules("deny call from home bob");
	calls(HOME("bob", "whatever"), "blog");
	refused("bob@whatever");
	calls(HOME("carl", "whatever"), "blog");
	served();
	fix_rules("deny call from home bob@what*");
	calls(HOME("bob", "whatever"), "blog");
	refused("bob@whatever");
}
END_TEST

/* The home's Main asks the home's relay itself. */
static void
asks_relay(const char *method)
{
	fix_say(up, "{'type':'request','message_id':'r'," MAIN("m.main")
	    ",'routing_path':['m.main'],'ttl':2,'method':'%s',"
	    "'server_name':'relay'}", method);
}

START_TEST(relay_of_a_home)
{
	fix_rules("deny call");
	asks_relay("ping");
	ck_has(fix_text(up), "'pong':true");
	asks_relay("services");
	ck_has(fix_text(up), "'count':0");
	fix_rules("deny call service blog");
	asks_relay("services");
	ck_has(fix_text(up), "'count':1");
}
END_TEST

/* Its own programs: its services by its rules, all else as its Main has it. */
START_TEST(own_programs)
{
	unsigned int	 status = 0;

	fix_rules("deny call from anonymous");
	healthy();
	fix_http(1, HTTP_ROUTE_RPC, "",
	    "{'jsonrpc':'2.0','method':'blog.get','id':1}");
	ck_has(fix_answer(1, &status), "'code':-32020");
	ck_assert_ptr_null(fix_sent(MSG_BACKEND_CALL));
	ck_assert_str_eq(fix_denial()->caller, "anonymous");
	fix_http(2, HTTP_ROUTE_RPC, "",
	    "{'jsonrpc':'2.0','method':'far.get','id':1}");
	ck_has(fix_text(up), "'server_name':'far'");
	ck_assert_ptr_null(fix_denial());
}
END_TEST

/* What is not published is not for the Main, nor for anybody there. */
START_TEST(publish)
{
	unsigned int	 status = 0;
	const char	*t;

	fix_rules("allow publish service shop\ndeny publish");
	register_with_main(fix_router, fix_router->uplink);
	t = fix_text(up);
	ck_has(t, "'type':'registration'");
	ck_has(t, "'shop'");
	ck_assert_ptr_null(strstr(t, "blog"));
	calls(HOME("bob", "m.main"), "blog");
	ck_has(fix_text(up), "'code':-32011");
	ck_assert_ptr_null(fix_sent(MSG_BACKEND_CALL));
	fix_http(1, HTTP_ROUTE_RPC, "",
	    "{'jsonrpc':'2.0','method':'blog.get','id':1}");
	served();
	(void)fix_answer(1, &status);
	fix_rules("deny publish from home other\n"
	    "allow publish from home home.example");
	calls(HOME("bob", "m.main"), "blog");
	served();
}
END_TEST

/* A malformed rule is no configuration. */
START_TEST(bad_rule)
{
	struct policy_rule	 r = { .action = POLICY_CALL, .who = WHO_ANY,
				    .to_who = WHO_ANY, .from = "*",
				    .to = "*", .service = "a b",
				    .method = "*" };
	uint8_t			 buf[1024];
	struct wire_put		 w;

	wire_put_init(&w, buf, sizeof(buf));
	put_u32(&w, 0);
	put_rule(&w, &r);
	ck_assert(!fix_tell(PROC_PARENT, MSG_CONF_RULE, &w));
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("router_home_policy");

	tcase_add_checked_fixture(tc, setup, fix_end);
	tcase_add_test(tc, homes);
	tcase_add_test(tc, mains);
	tcase_add_test(tc, nobody);
	tcase_add_test(tc, main_without_a_name);
	tcase_add_test(tc, relay_of_a_home);
	tcase_add_test(tc, own_programs);
	tcase_add_test(tc, publish);
	tcase_add_test(tc, bad_rule);
	return (suite_run("router_home_policy", tc));
}
