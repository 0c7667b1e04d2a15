/* SPDX-License-Identifier: ISC */
/* What policy leaves of registrations and of who links. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "relay-registry/policy_impl.h"
#include "relay-registry/registry_impl.h"
#include "tests/unit/registry_policy_fixture.h"
#include "tests/unit/suite.h"

/* How many services are routed of a home, from the next ROUTE_SET. */
static void
routes(uint64_t session, uint16_t n, const char *first)
{
	const struct reply *reply = fx_expect(r, MSG_ROUTE_SET, session);

	ck_assert_uint_eq(reply->count, n);
	if (n > 0)
		ck_assert_str_eq(reply->services[0].name, first);
}

/* --- publish --- */

START_TEST(denied_service)
{
	const char *why;

	fx_rule(false, POLICY_PUBLISH, WHO_HOME, "alice.*", "wi*");
	fx_rules();
	fx_open_home(11, "alice.home");
	fx_open_home(12, "bob.home");
	why = fx_verdict(11, wiki_and_blog, 2, 0);
	ck_assert_ptr_nonnull(why);
	ck_assert_ptr_nonnull(strstr(why, "deny publish from home"));
	/* Where the operator keeps his rules is his own. */
	ck_assert_ptr_null(strstr(why, "secret"));
	ck_assert_ptr_null(fx_verdict(11, wiki_and_blog, 2, 1));
	ck_assert_ptr_null(fx_verdict(12, wiki_and_blog, 2, 0));
	/* It is nowhere to be seen or found. */
	ck_assert_ptr_nonnull(strstr(fx_view(r, 200, 2000), "\"count\":3"));
	ck_assert_int_eq(fx_number("SELECT count(*) FROM service WHERE"
	    " denied"), 1);
	/* The operator's words are in the audit log. */
	ck_assert_int_ge(fx_number("SELECT count(*) FROM audit WHERE event ="
	    " 7 AND object = 'wiki 1.0.0' AND detail LIKE"
	    " '/etc/secret.conf:1: deny publish%'"), 1);
}
END_TEST

/* alice.home is linked, and nothing is published beyond this Main. */
static void
alice_is_for_the_main(void)
{
	struct policy_rule one = fx_new_rule(false, POLICY_PUBLISH,
	    WHO_ANY, "", "");

	one.visibility = VISIBILITY_FEDERATION;
	fx_add_rule(&one);
	fx_rules();
	fx_open_home(11, "alice.home");
}

START_TEST(denied_visibility)
{
	struct service list[2] = { fx_service("wiki", 0),
	    fx_service("blog", 0) };
	const struct reply *reply;

	alice_is_for_the_main();
	list[0].visibility = VISIBILITY_MAIN;
	register_list(11, 5, list, 2);
	routes(11, 1, "wiki");
	reply = fx_expect(r, MSG_REGISTERED, 11);
	ck_assert_ptr_null(reply->verdicts[0].rule);
	ck_assert_ptr_nonnull(reply->verdicts[1].rule);
}
END_TEST

/* One that policy denies and one that it does not, of one name and version. */
START_TEST(denied_and_repeated)
{
	struct service list[2] = { fx_service("wiki", 0),
	    fx_service("wiki", 0) };
	const struct reply *reply;

	alice_is_for_the_main();
	list[1].visibility = VISIBILITY_MAIN;
	register_list(11, 5, list, 2);
	routes(11, 0, NULL);
	reply = fx_expect(r, MSG_REGISTERED, 11);
	ck_assert_ptr_nonnull(strstr(reply->verdicts[1].rule, "duplicate"));
}
END_TEST

START_TEST(long_rules_are_cut)
{
	struct policy_rule one = fx_new_rule(false, POLICY_PUBLISH,
	    WHO_HOME, "", "");
	const char *why;

	memset(one.from, '*', LIMIT_NODE_ID);
	memset(one.service, '*', LIMIT_SERVICE_NAME);
	fx_add_rule(&one);
	fx_rules();
	fx_open_home(11, "alice.home");
	why = fx_verdict(11, wiki_and_blog, 2, 0);
	ck_assert_ptr_nonnull(why);
	/* The router takes no more. */
	ck_assert_uint_eq(strlen(why), 255);
}
END_TEST

START_TEST(without_rules_nothing_is_denied)
{
	fx_rules();
	fx_open_home(11, "alice.home");
	ck_assert_ptr_null(fx_verdict(11, wiki_and_blog, 2, 0));
	fx_rule(false, POLICY_CALL, WHO_ANY, "", "");
	fx_rule(false, POLICY_EXPORT, WHO_ANY, "", "");
	fx_rule(false, POLICY_IMPORT, WHO_ANY, "", "");
	fx_rules();
	ck_assert_ptr_null(fx_verdict(11, wiki_and_blog, 2, 0));
	/* This node's own are its operator's. */
	fx_rule(false, POLICY_PUBLISH, WHO_ANY, "", "");
	fx_rules();
	fx_settle(r);
	ck_assert_ptr_null(fx_verdict(0, wiki_and_blog, 2, 0));
}
END_TEST

/* --- a new policy --- */

START_TEST(judged_again)
{
	fx_rule(false, POLICY_PUBLISH, WHO_HOME, "alice.home", "wiki");
	fx_rules();
	fx_open_home(11, "alice.home");
	fx_open_home(12, "bob.home");
	(void)fx_verdict(11, wiki_and_blog, 2, 0);
	(void)fx_verdict(12, wiki_and_blog, 2, 0);
	fx_silent(r);
	/* Now the other one of the two is denied, of everybody. */
	fx_rule(false, POLICY_PUBLISH, WHO_ANY, "", "blog");
	fx_rules();
	routes(11, 1, "wiki");
	routes(12, 1, "wiki");
	fx_silent(r);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM service WHERE"
	    " denied AND name = 'blog'"), 2);
	/* The same in other words: nothing to say. */
	fx_rule(false, POLICY_PUBLISH, WHO_ANY, "*", "blog*");
	fx_rule(true, POLICY_PUBLISH, WHO_ANY, "", "");
	fx_rules();
	fx_silent(r);
	/* Without rules everything is back, as it was registered. */
	fx_rules();
	routes(11, 2, "wiki");
	routes(12, 2, "wiki");
	fx_silent(r);
	/* Nothing is left for a home to register. */
	fx_rule(false, POLICY_PUBLISH, WHO_ANY, "", "");
	fx_rules();
	routes(11, 0, NULL);
	routes(12, 0, NULL);
	ck_assert_ptr_nonnull(strstr(fx_view(r, 200, 10), "\"count\":0"));
}
END_TEST

START_TEST(comes_back_whole)
{
	struct service s = fx_service("wiki", 3);
	const struct reply *reply;
	const struct service *back;

	fx_rule(false, POLICY_PUBLISH, WHO_ANY, "", "");
	fx_rules();
	fx_open_home(11, "alice.home");
	s.weight = 7;
	s.max_concurrency = 9;
	s.methods[1].idempotent = true;
	s.methods[2].timeout_ms = 1234;
	s.labels = calloc(2, sizeof(*s.labels));
	ck_assert_ptr_nonnull(s.labels);
	s.n_labels = 2;
	strlcpy(s.labels[0].key, "a", sizeof(s.labels[0].key));
	strlcpy(s.labels[0].value, "x y", sizeof(s.labels[0].value));
	strlcpy(s.labels[1].key, "b", sizeof(s.labels[1].key));
	registry_register(r, 11, 1, &s, 1, fx_now());
	fx_settle(r);
	/* Its health goes on meanwhile, unseen. */
	registry_health(r, 11, span_str("wiki"), span_str("1.0.0"), false,
	    fx_now());
	fx_settle(r);
	fx_rules();
	reply = fx_expect(r, MSG_ROUTE_SET, 11);
	ck_assert_str_eq(reply->node, "alice.home");
	ck_assert_uint_eq(reply->count, 1);
	back = &reply->services[0];
	ck_assert(!back->healthy);
	ck_assert_uint_eq(back->weight, 7);
	ck_assert_uint_eq(back->max_concurrency, 9);
	ck_assert_uint_eq(back->n_methods, 3);
	ck_assert_str_eq(back->methods[0].name, "m0");
	ck_assert(back->methods[1].idempotent);
	ck_assert_uint_eq(back->methods[2].timeout_ms, 1234);
	ck_assert_uint_eq(back->n_labels, 2);
	ck_assert_str_eq(back->labels[0].value, "x y");
	service_clear(&s);
}
END_TEST

/*
 * The next registry has from the router what is routed, and no home registers
 * for it: what policy has denied must be there still.
 */
START_TEST(denied_outlives)
{
	struct service blog = fx_service("blog", 1);

	fx_rule(false, POLICY_PUBLISH, WHO_HOME, "alice.home", "wiki");
	fx_rules();
	fx_open_home(11, "alice.home");
	(void)fx_verdict(11, wiki_and_blog, 2, 0);
	r = fixture_restart(r, 1);
	if (_i == 0)
		fx_rule(false, POLICY_PUBLISH, WHO_HOME, "alice.home", "wiki");
	fx_rules();
	fx_resume(r, 11, 1, "alice.home", 2);
	fx_settle(r);
	registry_register(r, 11, 0, &blog, 1, fx_now());
	service_clear(&blog);
	routes(11, 1, "blog");
	if (_i == 0) {
		fx_expect(r, MSG_REGISTERED, 11);
		fx_silent(r);
		fx_rules();
	}
	/* It was changed before or after: now it may be. */
	routes(11, 2, "wiki");
	fx_settle(r);
	/* What the home itself says replaces all. */
	(void)fx_verdict(11, wiki_and_blog, 1, 0);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM service"), 1);
}
END_TEST

/* The router had not heard yet that it is denied. */
START_TEST(denied_and_routed)
{
	struct service wiki = fx_service("wiki", 1);

	fx_rule(false, POLICY_PUBLISH, WHO_HOME, "alice.home", "wiki");
	fx_rules();
	fx_open_home(11, "alice.home");
	(void)fx_verdict(11, wiki_and_blog, 2, 0);
	r = fixture_restart(r, 1);
	fx_rule(false, POLICY_PUBLISH, WHO_HOME, "alice.home", "wiki");
	fx_rules();
	fx_resume(r, 11, 1, "alice.home", 2);
	fx_settle(r);
	registry_register(r, 11, 0, &wiki, 1, fx_now());
	service_clear(&wiki);
	routes(11, 0, NULL);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM service WHERE"
	    " denied"), 1);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM method"), 1);
}
END_TEST

/* Unless the session has ended, or has another set by now. */
START_TEST(denied_goes)
{
	fx_rule(false, POLICY_PUBLISH, WHO_HOME, "alice.home", "wiki");
	fx_rules();
	fx_open_home(11, "alice.home");
	(void)fx_verdict(11, wiki_and_blog, 2, 0);
	r = fixture_restart(r, 1);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM service"), 1);
	fx_rules();
	fx_silent(r);
	ck_assert_ptr_nonnull(strstr(fx_view(r, 200, 10), "\"count\":0"));
	fx_open_home(12, "alice.home");
	ck_assert_int_eq(fx_number("SELECT count(*) FROM service"), 0);
}
END_TEST

START_TEST(not_of_who_is_gone)
{
	fx_open_home(11, "alice.home");
	(void)fx_verdict(11, wiki_and_blog, 2, 0);
	fx_close(r, 11, 5);
	fx_settle(r);
	fx_rule(false, POLICY_PUBLISH, WHO_ANY, "", "");
	fx_rules();
	fx_silent(r);
}
END_TEST

START_TEST(a_database_that_fails)
{
	sqlite3 *db;

	fx_open_home(11, "alice.home");
	(void)fx_verdict(11, wiki_and_blog, 2, 0);
	db = fx_lock();
	fx_rule(false, POLICY_PUBLISH, WHO_ANY, "", "");
	fx_rules();
	fx_silent(r);
	fx_unlock(db);
	/* What comes from now on obeys; a new start catches up (registry.h). */
	ck_assert_ptr_nonnull(fx_verdict(11, wiki_and_blog, 2, 0));
	registry_tick(r, at(2000));
	ck_assert(registry_behind(r));
}
END_TEST

/* --- connect --- */

START_TEST(connect)
{
	struct policy_rule one;
	const struct policy_rule *why;

	ck_assert(registry_may_connect(r, NODE_HOME, "alice.home", &why));
	ck_assert_ptr_null(why);
	fx_rule(true, POLICY_CONNECT, WHO_HOME, "alice.*", "");
	fx_rule(false, POLICY_CONNECT, WHO_HOME, "*", "");
	fx_rule(false, POLICY_CONNECT, WHO_MAIN, "evil.main", "");
	fx_rules();
	ck_assert(registry_may_connect(r, NODE_HOME, "alice.home", &why));
	ck_assert_uint_eq(why->line, 1);
	ck_assert(!registry_may_connect(r, NODE_HOME, "bob.home", &why));
	ck_assert_uint_eq(why->line, 2);
	ck_assert(!registry_may_connect(r, NODE_HOME, "evil.main", &why));
	ck_assert_uint_eq(why->line, 2);
	ck_assert(!registry_may_connect(r, NODE_PEER, "evil.main", &why));
	ck_assert_uint_eq(why->line, 3);
	ck_assert(registry_may_connect(r, NODE_PEER, "bob.home", &why));
	ck_assert_ptr_null(why);
	/* The same rules elsewhere: whoever asks is told where they are now. */
	fx_rule(true, POLICY_CONNECT, WHO_HOME, "alice.*", "");
	one = fx_new_rule(false, POLICY_CONNECT, WHO_HOME, "*", "");
	one.line = 77;
	fx_add_rule(&one);
	fx_rule(false, POLICY_CONNECT, WHO_MAIN, "evil.main", "");
	fx_rules();
	ck_assert(!registry_may_connect(r, NODE_HOME, "bob.home", &why));
	ck_assert_uint_eq(why->line, 77);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("policy");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, denied_service);
	tcase_add_test(tc, denied_visibility);
	tcase_add_test(tc, denied_and_repeated);
	tcase_add_test(tc, long_rules_are_cut);
	tcase_add_test(tc, without_rules_nothing_is_denied);
	tcase_add_test(tc, judged_again);
	tcase_add_test(tc, comes_back_whole);
	tcase_add_loop_test(tc, denied_outlives, 0, 2);
	tcase_add_test(tc, denied_and_routed);
	tcase_add_test(tc, denied_goes);
	tcase_add_test(tc, not_of_who_is_gone);
	tcase_add_test(tc, a_database_that_fails);
	tcase_add_test(tc, connect);
	return (suite_run("registry policy", tc));
}
