/* SPDX-License-Identifier: ISC */
/* What policy leaves of registrations, queries and views. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "relay-registry/policy_impl.h"
#include "relay-registry/registry_impl.h"
#include "tests/unit/registry_case.h"
#include "tests/unit/registry_fixture.h"
#include "tests/unit/suite.h"

static struct policy	rules;		/* being written */

/* --- rules --- */

static struct policy_rule
rule(bool allow, enum policy_action action, enum policy_who who,
    const char *from, const char *service)
{
	struct policy_rule one = { .allow = allow, .action = action,
	    .who = who, .to_who = WHO_ANY, .line = rules.n + 1 };

	strlcpy(one.from, from, sizeof(one.from));
	strlcpy(one.service, service, sizeof(one.service));
	strlcpy(one.file, "/etc/secret.conf", sizeof(one.file));
	return (one);
}

static void
add(bool allow, enum policy_action action, enum policy_who who,
    const char *from, const char *service)
{
	struct policy_rule one = rule(allow, action, who, from, service);

	ck_assert(policy_add(&rules, &one));
}

static void
add_call(bool allow, enum policy_who who, const char *from, const char *to,
    const char *service, const char *method)
{
	struct policy_rule one = rule(allow, POLICY_CALL, who, from, service);

	one.to_who = to[0] == '\0' ? WHO_ANY : WHO_HOME;
	strlcpy(one.to, to, sizeof(one.to));
	strlcpy(one.method, method, sizeof(one.method));
	ck_assert(policy_add(&rules, &one));
}

/* The rules that were added are in force; the next ones are others. */
static void
commit(void)
{
	registry_configure_policy(r, &rules, fx_now());
	policy_clear(&rules);
}

/* --- publish --- */

/* A registration of these services; what is said of the i-th, or NULL. */
static const char *
verdict_on(uint64_t session, const char *const *names, size_t n, size_t i)
{
	static char text[300];
	struct service list[4];
	const struct reply *reply;
	size_t k;

	for (k = 0; k < n; k++)
		list[k] = fx_service(names[k], 1);
	register_list(session, 5, list, n);
	reply = fx_expect(r, MSG_ROUTE_SET, session);
	reply = fx_expect(r, MSG_REGISTERED, session);
	ck_assert_uint_eq(reply->count, n);
	if (reply->verdicts[i].rule == NULL)
		return (NULL);
	strlcpy(text, reply->verdicts[i].rule, sizeof(text));
	return (text);
}

static const char *const wiki_and_blog[] = { "wiki", "blog" };

/* How many services are routed of a home, from the next ROUTE_SET. */
static void
routes(uint64_t session, uint16_t n, const char *first)
{
	const struct reply *reply = fx_expect(r, MSG_ROUTE_SET, session);

	ck_assert_uint_eq(reply->count, n);
	if (n > 0)
		ck_assert_str_eq(reply->services[0].name, first);
}

static void
open_home(uint64_t session, const char *node)
{
	fx_open(r, session, node, "", "192.0.2.1:1", 0);
	fx_settle(r);
}

START_TEST(denied_service)
{
	const char *why;

	add(false, POLICY_PUBLISH, WHO_HOME, "alice.*", "wi*");
	commit();
	open_home(11, "alice.home");
	open_home(12, "bob.home");
	why = verdict_on(11, wiki_and_blog, 2, 0);
	ck_assert_ptr_nonnull(why);
	ck_assert_ptr_nonnull(strstr(why, "deny publish from home"));
	/* Where the operator keeps his rules is his own. */
	ck_assert_ptr_null(strstr(why, "secret"));
	ck_assert_ptr_null(verdict_on(11, wiki_and_blog, 2, 1));
	ck_assert_ptr_null(verdict_on(12, wiki_and_blog, 2, 0));
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

START_TEST(denied_visibility)
{
	struct policy_rule one = rule(false, POLICY_PUBLISH, WHO_ANY, "", "");
	struct service list[2] = { fx_service("wiki", 0),
	    fx_service("blog", 0) };
	const struct reply *reply;

	one.visibility = VISIBILITY_FEDERATION;
	ck_assert(policy_add(&rules, &one));
	commit();
	open_home(11, "alice.home");
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
	struct policy_rule one = rule(false, POLICY_PUBLISH, WHO_ANY, "", "");
	struct service list[2] = { fx_service("wiki", 0),
	    fx_service("wiki", 0) };
	const struct reply *reply;

	one.visibility = VISIBILITY_FEDERATION;
	ck_assert(policy_add(&rules, &one));
	commit();
	open_home(11, "alice.home");
	list[1].visibility = VISIBILITY_MAIN;
	register_list(11, 5, list, 2);
	routes(11, 0, NULL);
	reply = fx_expect(r, MSG_REGISTERED, 11);
	ck_assert_ptr_nonnull(strstr(reply->verdicts[1].rule, "duplicate"));
}
END_TEST

START_TEST(long_rules_are_cut)
{
	struct policy_rule one = rule(false, POLICY_PUBLISH, WHO_HOME, "", "");
	const char *why;

	memset(one.from, '*', LIMIT_NODE_ID);
	memset(one.service, '*', LIMIT_SERVICE_NAME);
	ck_assert(policy_add(&rules, &one));
	commit();
	open_home(11, "alice.home");
	why = verdict_on(11, wiki_and_blog, 2, 0);
	ck_assert_ptr_nonnull(why);
	/* The router takes no more. */
	ck_assert_uint_eq(strlen(why), 255);
}
END_TEST

START_TEST(without_rules_nothing_is_denied)
{
	commit();
	open_home(11, "alice.home");
	ck_assert_ptr_null(verdict_on(11, wiki_and_blog, 2, 0));
	add(false, POLICY_CALL, WHO_ANY, "", "");
	add(false, POLICY_EXPORT, WHO_ANY, "", "");
	add(false, POLICY_IMPORT, WHO_ANY, "", "");
	commit();
	ck_assert_ptr_null(verdict_on(11, wiki_and_blog, 2, 0));
	/* This node's own are its operator's. */
	add(false, POLICY_PUBLISH, WHO_ANY, "", "");
	commit();
	fx_settle(r);
	ck_assert_ptr_null(verdict_on(0, wiki_and_blog, 2, 0));
}
END_TEST

/* --- a new policy --- */

START_TEST(judged_again)
{
	add(false, POLICY_PUBLISH, WHO_HOME, "alice.home", "wiki");
	commit();
	open_home(11, "alice.home");
	open_home(12, "bob.home");
	(void)verdict_on(11, wiki_and_blog, 2, 0);
	(void)verdict_on(12, wiki_and_blog, 2, 0);
	fx_silent(r);
	/* Now the other one of the two is denied, of everybody. */
	add(false, POLICY_PUBLISH, WHO_ANY, "", "blog");
	commit();
	routes(11, 1, "wiki");
	routes(12, 1, "wiki");
	fx_silent(r);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM service WHERE"
	    " denied AND name = 'blog'"), 2);
	/* The same in other words: nothing to say. */
	add(false, POLICY_PUBLISH, WHO_ANY, "*", "blog*");
	add(true, POLICY_PUBLISH, WHO_ANY, "", "");
	commit();
	fx_silent(r);
	/* Without rules everything is back, as it was registered. */
	commit();
	routes(11, 2, "wiki");
	routes(12, 2, "wiki");
	fx_silent(r);
	/* Nothing is left for a home to register. */
	add(false, POLICY_PUBLISH, WHO_ANY, "", "");
	commit();
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

	add(false, POLICY_PUBLISH, WHO_ANY, "", "");
	commit();
	open_home(11, "alice.home");
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
	commit();
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

START_TEST(not_of_who_is_gone)
{
	open_home(11, "alice.home");
	(void)verdict_on(11, wiki_and_blog, 2, 0);
	fx_close(r, 11, 5);
	fx_settle(r);
	add(false, POLICY_PUBLISH, WHO_ANY, "", "");
	commit();
	fx_silent(r);
}
END_TEST

START_TEST(a_database_that_fails)
{
	sqlite3 *db;

	open_home(11, "alice.home");
	(void)verdict_on(11, wiki_and_blog, 2, 0);
	db = fx_lock();
	add(false, POLICY_PUBLISH, WHO_ANY, "", "");
	commit();
	fx_silent(r);
	fx_unlock(db);
	/* What comes from now on obeys; a new start catches up (registry.h). */
	ck_assert_ptr_nonnull(verdict_on(11, wiki_and_blog, 2, 0));
	registry_tick(r, at(2000));
	ck_assert(registry_behind(r));
}
END_TEST

/* --- connect --- */

START_TEST(connect)
{
	const struct policy_rule *why;

	ck_assert(registry_may_connect(r, NODE_HOME, "alice.home", &why));
	ck_assert_ptr_null(why);
	add(true, POLICY_CONNECT, WHO_HOME, "alice.*", "");
	add(false, POLICY_CONNECT, WHO_HOME, "*", "");
	add(false, POLICY_CONNECT, WHO_MAIN, "evil.main", "");
	commit();
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
	add(true, POLICY_CONNECT, WHO_HOME, "alice.*", "");
	add(false, POLICY_CONNECT, WHO_HOME, "*", "");
	add(false, POLICY_CONNECT, WHO_MAIN, "evil.main", "");
	rules.rules[1].line = 77;
	commit();
	ck_assert(!registry_may_connect(r, NODE_HOME, "bob.home", &why));
	ck_assert_uint_eq(why->line, 77);
}
END_TEST

/* --- peers --- */

static void
answer(uint64_t session, const char *node, const char *service, bool found,
    uint8_t state)
{
	struct wire_get get;
	enum msg_type type;

	registry_query(r, session, span_str("q"), span_str(node),
	    span_str(service));
	fx_settle(r);
	while ((type = fx_mesh(r, &get)) != MSG_PEER_ANSWER)
		ck_assert_int_ne(type, MSG_NONE);
	(void)get_u64(&get);
	(void)get_span(&get, 10);
	ck_assert_msg(get_bool(&get) == found, "%s of %s", service, node);
	ck_assert_uint_eq(get_u8(&get), state);
}

START_TEST(queries)
{
	open_home(11, "alice.home");
	(void)verdict_on(11, wiki_and_blog, 2, 0);
	open_home(12, "bob.home");
	(void)verdict_on(12, wiki_and_blog + 1, 1, 0);
	fx_main(r, 21, "b.main", PEER_NONE, "b", 0);
	fx_main(r, 22, "c.main", PEER_NONE, "c", 0);
	fx_settle(r);
	answer(21, "", "wiki", true, 0);
	add(true, POLICY_EXPORT, WHO_MAIN, "b.main", "blog");
	add(false, POLICY_EXPORT, WHO_MAIN, "b.main", "");
	add(false, POLICY_EXPORT, WHO_MAIN, "d.main", "");
	commit();
	answer(21, "", "wiki", false, 0);
	answer(21, "alice.home", "wiki", false, 0);
	answer(21, "", "blog", true, 0);
	answer(21, "bob.home", "blog", true, 2);
	answer(22, "", "wiki", true, 0);
	answer(22, "alice.home", "", true, 2);
	/* A home is there for who may have one of its services. */
	answer(21, "bob.home", "", true, 2);
	answer(21, "nobody.home", "", false, 0);
	add(true, POLICY_EXPORT, WHO_MAIN, "b.main", "wiki");
	add(false, POLICY_EXPORT, WHO_MAIN, "b.main", "");
	commit();
	answer(21, "bob.home", "", false, 0);
	answer(21, "alice.home", "", true, 2);
	fx_close(r, 11, 5);
	fx_settle(r);
	answer(21, "alice.home", "", false, 0);
	answer(22, "alice.home", "", false, 1);
	/* What policy keeps from its own Main it keeps from others. */
	add(false, POLICY_PUBLISH, WHO_ANY, "", "blog");
	commit();
	fx_settle(r);
	answer(22, "", "blog", false, 0);
}
END_TEST

/* Services named in the next words of discovery to a session. */
static bool
told_of(const char *service)
{
	struct wire_get get;
	bool found = false;

	while (fx_mesh(r, &get) != MSG_NONE)
		found |= memmem(get.p, (size_t)(get.end - get.p), service,
		    strlen(service)) != NULL;
	return (found);
}

START_TEST(discovery_obeys)
{
	add(false, POLICY_EXPORT, WHO_MAIN, "b.*", "wiki");
	commit();
	open_home(11, "alice.home");
	(void)verdict_on(11, wiki_and_blog, 2, 0);
	fx_main(r, 21, "b.main", PEER_NONE, "b", 0);
	fx_settle(r);
	ck_assert(!told_of("wiki"));
	fx_main(r, 22, "c.main", PEER_NONE, "b", 0);
	fx_settle(r);
	ck_assert(told_of("wiki"));
	commit();
	at(LIMIT_RESYNC_MS);
	ck_assert(told_of("wiki"));
	ck_assert(!told_of("wiki"));
	/* What may not be published is told to nobody. */
	add(false, POLICY_PUBLISH, WHO_ANY, "", "wiki");
	commit();
	fx_settle(r);
	at(2 * LIMIT_RESYNC_MS);
	ck_assert(!told_of("wiki"));
	ck_assert_int_eq((int)registry_policy(r)->n, 1);
}
END_TEST

/* A home of b.main with two services comes in by a snapshot. */
static void
take_in(uint64_t session)
{
	struct service list[2] = { fx_service("wiki", 1),
	    fx_service("blog", 0) };
	struct mesh_row_in row = { span_str("carol.home"), false, list, 2 };
	struct mesh *mesh = registry_mesh(r);

	ck_assert_ptr_null(mesh_rows_begin(mesh, session, 1, 5, 1, 0,
	    fx_now().mono));
	ck_assert_ptr_null(mesh_rows_row(mesh, session, &row, fx_now().mono));
	ck_assert_ptr_null(mesh_rows_end(mesh, session, true, fx_now().mono));
	service_clear(&list[0]);
	view_forget(r);
}

static void
federation_has(const char *text, bool has)
{
	const char *body = fx_get(r, HTTP_ROUTE_FEDERATION_REGISTRY, 200,
	    fx_now().mono.ms - 1000000);

	ck_assert_msg((strstr(body, text) != NULL) == has, "%s", body);
}

START_TEST(imports)
{
	add(false, POLICY_IMPORT, WHO_MAIN, "b.main", "wiki");
	commit();
	fx_main(r, 21, "b.main", PEER_NONE, "b", 0);
	fx_settle(r);
	take_in(21);
	federation_has("wiki", false);
	federation_has("blog", true);
	ck_assert(!told_of("wiki"));
	commit();
	federation_has("wiki", true);
	ck_assert(told_of("wiki"));
	add(false, POLICY_IMPORT, WHO_ANY, "", "");
	commit();
	federation_has("\"count\":0", true);
	ck_assert(!told_of("wiki"));
}
END_TEST

/* --- views --- */

static const char *
view_of(const char *caller, unsigned int route)
{
	const struct view_request q = { .request = 77, .route = route,
	    .caller = span_str(caller) };
	const struct reply *v;

	registry_view(r, &q, fx_now());
	v = fx_expect(r, MSG_VIEW_REPLY, 77);
	ck_assert_uint_eq(v->status, 200);
	return (v->body);
}

static void
sees(const char *caller, const char *text, bool does)
{
	const char *body = view_of(caller, HTTP_ROUTE_REGISTRY);

	ck_assert_msg((strstr(body, text) != NULL) == does, "%s: %s", caller,
	    body);
}

START_TEST(views_for_the_asker)
{
	struct service s = fx_service("admin", 3);

	open_home(11, "alice.home");
	(void)verdict_on(11, wiki_and_blog, 2, 0);
	open_home(12, "bob.home");
	register_list(12, 1, &s, 1);
	fx_settle(r);
	sees("", "\"count\":3", true);
	sees("anybody", "\"count\":3", true);
	add_call(true, WHO_TOKEN, "ops", "", "", "");
	add_call(false, WHO_TOKEN, "app*", "", "admin", "m1");
	add_call(true, WHO_TOKEN, "app*", "bob.home", "", "");
	add_call(true, WHO_ANONYMOUS, "", "", "wiki", "");
	add_call(false, WHO_ANY, "", "", "", "");
	commit();
	sees("ops", "\"count\":3", true);
	sees("", "\"count\":1", true);
	sees("", "\"service_name\":\"wiki\"", true);
	sees("", "admin", false);
	sees("", "blog", false);
	sees("app1", "\"count\":1", true);
	sees("app1", "\"methods\":[\"m0\",\"m2\"]", true);
	sees("other", "\"count\":0", true);
	sees("anonymous", "\"count\":0", true);
	/* Each time again, from wherever it is kept. */
	sees("ops", "\"count\":3", true);
	sees("", "\"count\":1", true);
	sees("app1", "\"count\":1", true);
	/* Numbers of the federation are not about services one may call. */
	ck_assert_str_eq(view_of("", HTTP_ROUTE_FEDERATION_PEERS),
	    "{\"count\":0,\"peers\":[]}");
	ck_assert_ptr_nonnull(strstr(view_of("other",
	    HTTP_ROUTE_FEDERATION_HEALTH), "\"total_services\":3"));
	commit();
	sees("other", "\"count\":3", true);
	sees("", "\"count\":3", true);
}
END_TEST

START_TEST(views_of_others_for_the_asker)
{
	fx_main(r, 21, "b.main", PEER_NONE, "b", 0);
	fx_settle(r);
	take_in(21);
	add_call(true, WHO_TOKEN, "x", "*@b.main", "wiki", "m0");
	add_call(true, WHO_TOKEN, "y", "carol.home", "", "");
	add_call(true, WHO_TOKEN, "z", "*@c.main", "", "");
	add_call(false, WHO_ANY, "", "", "", "");
	commit();
	ck_assert_ptr_nonnull(strstr(view_of("x",
	    HTTP_ROUTE_FEDERATION_REGISTRY), "\"count\":1"));
	/* A pattern without a Main is of homes here. */
	ck_assert_ptr_nonnull(strstr(view_of("y",
	    HTTP_ROUTE_FEDERATION_REGISTRY), "\"count\":0"));
	ck_assert_ptr_nonnull(strstr(view_of("z",
	    HTTP_ROUTE_FEDERATION_REGISTRY), "\"count\":0"));
	ck_assert_ptr_nonnull(strstr(view_of("",
	    HTTP_ROUTE_FEDERATION_REGISTRY), "\"count\":0"));
}
END_TEST

/* More callers than are kept: none gets what is another's. */
START_TEST(many_callers)
{
	char name[16], home[32], text[256];
	int i, round;

	for (i = 0; i < 40; i++) {
		snprintf(home, sizeof(home), "h%d.home", i);
		fx_home(r, 100 + (uint64_t)i, home, 0);
		snprintf(name, sizeof(name), "t%d", i);
		add_call(true, WHO_TOKEN, name, home, "", "");
	}
	add_call(false, WHO_ANY, "", "", "", "");
	commit();
	for (round = 0; round < 3; round++) {
		for (i = 0; i < 40; i++) {
			snprintf(name, sizeof(name), "t%d", i);
			snprintf(text, sizeof(text), "\"count\":1,\"services\":"
			    "[{\"service_name\":\"echo\",\"node_address\":{"
			    "\"type\":\"home\",\"id\":\"h%d.home\"", i);
			sees(name, text, true);
		}
		sees("", "\"count\":0", true);
	}
	/* What is kept of a caller is thrown away with a change. */
	sees("t39", "\"count\":1", true);
	fx_close(r, 139, 5);
	fx_settle(r);
	sees("t39", "\"count\":0", true);
}
END_TEST

START_TEST(a_home_s_own_view)
{
	struct service s = fx_service("wiki", 0);
	const struct view_request q = { .request = 77,
	    .route = HTTP_ROUTE_SERVICES, .caller = span_str("x") };

	fixture_free(r);
	r = fixture_home();
	register_list(0, 1, &s, 1);
	fx_settle(r);
	ck_assert_ptr_nonnull(strstr(view_of("x", HTTP_ROUTE_SERVICES),
	    "\"count\":1"));
	add_call(false, WHO_ANONYMOUS, "", "", "wiki", "");
	commit();
	ck_assert_ptr_nonnull(strstr(view_of("", HTTP_ROUTE_SERVICES),
	    "\"count\":0"));
	ck_assert_ptr_nonnull(strstr(view_of("x", HTTP_ROUTE_SERVICES),
	    "\"count\":1"));
	registry_view(r, &q, fx_now());
	fx_settle(r);
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
	tcase_add_test(tc, not_of_who_is_gone);
	tcase_add_test(tc, a_database_that_fails);
	tcase_add_test(tc, connect);
	tcase_add_test(tc, queries);
	tcase_add_test(tc, discovery_obeys);
	tcase_add_test(tc, imports);
	tcase_add_test(tc, views_for_the_asker);
	tcase_add_test(tc, views_of_others_for_the_asker);
	tcase_add_test(tc, many_callers);
	tcase_add_test(tc, a_home_s_own_view);
	return (suite_run("registry policy", tc));
}
