/* SPDX-License-Identifier: ISC */
/* What policy leaves of queries, discovery and views. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay-registry/policy_impl.h"
#include "relay-registry/registry_impl.h"
#include "tests/unit/registry_policy_fixture.h"
#include "tests/unit/suite.h"

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
	fx_open_home(11, "alice.home");
	(void)fx_verdict(11, wiki_and_blog, 2, 0);
	fx_open_home(12, "bob.home");
	(void)fx_verdict(12, wiki_and_blog + 1, 1, 0);
	fx_main(r, 21, "b.main", PEER_NONE, "b", 0);
	fx_main(r, 22, "c.main", PEER_NONE, "c", 0);
	fx_settle(r);
	answer(21, "", "wiki", true, 0);
	fx_rule(true, POLICY_EXPORT, WHO_MAIN, "b.main", "blog");
	fx_rule(false, POLICY_EXPORT, WHO_MAIN, "b.main", "");
	fx_rule(false, POLICY_EXPORT, WHO_MAIN, "d.main", "");
	fx_rules();
	answer(21, "", "wiki", false, 0);
	answer(21, "alice.home", "wiki", false, 0);
	answer(21, "", "blog", true, 0);
	answer(21, "bob.home", "blog", true, 2);
	answer(22, "", "wiki", true, 0);
	answer(22, "alice.home", "", true, 2);
	/* A home is there for who may have one of its services. */
	answer(21, "bob.home", "", true, 2);
	answer(21, "nobody.home", "", false, 0);
	fx_rule(true, POLICY_EXPORT, WHO_MAIN, "b.main", "wiki");
	fx_rule(false, POLICY_EXPORT, WHO_MAIN, "b.main", "");
	fx_rules();
	answer(21, "bob.home", "", false, 0);
	answer(21, "alice.home", "", true, 2);
	fx_close(r, 11, 5);
	fx_settle(r);
	answer(21, "alice.home", "", false, 0);
	answer(22, "alice.home", "", false, 1);
	/* What policy keeps from its own Main it keeps from others. */
	fx_rule(false, POLICY_PUBLISH, WHO_ANY, "", "blog");
	fx_rules();
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
	fx_rule(false, POLICY_EXPORT, WHO_MAIN, "b.*", "wiki");
	fx_rules();
	fx_open_home(11, "alice.home");
	(void)fx_verdict(11, wiki_and_blog, 2, 0);
	fx_main(r, 21, "b.main", PEER_NONE, "b", 0);
	fx_settle(r);
	ck_assert(!told_of("wiki"));
	fx_main(r, 22, "c.main", PEER_NONE, "b", 0);
	fx_settle(r);
	ck_assert(told_of("wiki"));
	fx_rules();
	at(LIMIT_RESYNC_MS);
	ck_assert(told_of("wiki"));
	ck_assert(!told_of("wiki"));
	/* What may not be published is told to nobody. */
	fx_rule(false, POLICY_PUBLISH, WHO_ANY, "", "wiki");
	fx_rules();
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
	fx_rule(false, POLICY_IMPORT, WHO_MAIN, "b.main", "wiki");
	fx_rules();
	fx_main(r, 21, "b.main", PEER_NONE, "b", 0);
	fx_settle(r);
	take_in(21);
	federation_has("wiki", false);
	federation_has("blog", true);
	ck_assert(!told_of("wiki"));
	fx_rules();
	federation_has("wiki", true);
	ck_assert(told_of("wiki"));
	fx_rule(false, POLICY_IMPORT, WHO_ANY, "", "");
	fx_rules();
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

	fx_open_home(11, "alice.home");
	(void)fx_verdict(11, wiki_and_blog, 2, 0);
	fx_open_home(12, "bob.home");
	register_list(12, 1, &s, 1);
	fx_settle(r);
	sees("", "\"count\":3", true);
	sees("anybody", "\"count\":3", true);
	fx_call_rule(true, WHO_TOKEN, "ops", "", "", "");
	fx_call_rule(false, WHO_TOKEN, "app*", "", "admin", "m1");
	fx_call_rule(true, WHO_TOKEN, "app*", "bob.home", "", "");
	fx_call_rule(true, WHO_ANONYMOUS, "", "", "wiki", "");
	fx_call_rule(false, WHO_ANY, "", "", "", "");
	fx_rules();
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
	fx_rules();
	sees("other", "\"count\":3", true);
	sees("", "\"count\":3", true);
}
END_TEST

START_TEST(views_of_others_for_the_asker)
{
	fx_main(r, 21, "b.main", PEER_NONE, "b", 0);
	fx_settle(r);
	take_in(21);
	fx_call_rule(true, WHO_TOKEN, "x", "*@b.main", "wiki", "m0");
	fx_call_rule(true, WHO_TOKEN, "y", "carol.home", "", "");
	fx_call_rule(true, WHO_TOKEN, "z", "*@c.main", "", "");
	fx_call_rule(false, WHO_ANY, "", "", "", "");
	fx_rules();
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
		fx_call_rule(true, WHO_TOKEN, name, home, "", "");
	}
	fx_call_rule(false, WHO_ANY, "", "", "", "");
	fx_rules();
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
	fx_call_rule(false, WHO_ANONYMOUS, "", "", "wiki", "");
	fx_rules();
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
	TCase *tc = tcase_create("policy view");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, queries);
	tcase_add_test(tc, discovery_obeys);
	tcase_add_test(tc, imports);
	tcase_add_test(tc, views_for_the_asker);
	tcase_add_test(tc, views_of_others_for_the_asker);
	tcase_add_test(tc, many_callers);
	tcase_add_test(tc, a_home_s_own_view);
	return (suite_run("registry policy view", tc));
}
