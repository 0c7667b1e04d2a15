/* SPDX-License-Identifier: ISC */
/* Admin tokens, and what is shown of peers. */
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "common/ctl.h"
#include "relay-registry/policy_impl.h"
#include "relay-registry/token.h"
#include "tests/unit/registry_admin_fixture.h"
#include "tests/unit/registry_fixture.h"
#include "tests/unit/suite.h"

/* --- tokens --- */

START_TEST(tokens)
{
	char a[TOKEN_SIZE], b[TOKEN_SIZE], hash[TOKEN_HASH_SIZE];
	int i;

	for (i = 0; i < 100; i++) {
		token_make(a);
		token_make(b);
		ck_assert_uint_eq(strlen(a), TOKEN_SIZE - 1);
		ck_assert_int_eq(strncmp(a, "rat_", 4), 0);
		ck_assert_uint_eq(strspn(a + 4, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		    "abcdefghijklmnopqrstuvwxyz0123456789-_"), 43);
		ck_assert_str_ne(a, b);
	}
	token_hash(span_str("abc"), hash);	/* FIPS 180-4 */
	ck_assert_str_eq(hash, "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad");
}
END_TEST

static const struct {
	const char	*header, *token;
} headers[] = {
	{ "Bearer x", "x" }, { "bearer x", "x" }, { "BEARER  rat_y", "rat_y" },
	{ "", "" }, { "Bearer", "" }, { "Bearer ", "" }, { "Bearerx", "" },
	{ "Basic x", "" }, { "x", "" }, { " Bearer x", "" },
	{ "Bearer\tx", "" }, { "Relay x", "" },
};

START_TEST(bearer_headers)
{
	ck_assert(span_eq(token_bearer(span_str(headers[_i].header)),
	    span_str(headers[_i].token)));
}
END_TEST

static void
is_refused(const char *authorization)
{
	struct peer_request q = request_of(PEER_OP_ADD, "ws://127.0.0.1:81");

	http(authorization, &q);
	answers(401, "admin rights are needed");
	q.op = PEER_OP_DELETE;
	http(authorization, &q);
	answers(401, "admin rights are needed");
	fx_silent(r);
}

START_TEST(without_admin_rights)
{
	char text[128], hash[TOKEN_HASH_SIZE];

	is_refused("");
	is_refused("Bearer ");
	is_refused("Bearer rat_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");
	is_refused(bearer + strlen("Bearer "));
	snprintf(text, sizeof(text), "Basic %s", bearer + strlen("Bearer "));
	is_refused(text);
	snprintf(text, sizeof(text), "%sx", bearer);
	is_refused(text);
	snprintf(text, sizeof(text), "%.*s", (int)strlen(bearer) - 1, bearer);
	is_refused(text);
	/* What is kept is of no use. */
	token_hash(span_str(bearer + strlen("Bearer ")), hash);
	ck_assert_int_eq(fx_number("SELECT length(hash) FROM token"), 64);
	snprintf(text, sizeof(text), "Bearer %s", hash);
	is_refused(text);
	http_add("ws://127.0.0.1:81", 201, "peer");
}
END_TEST

START_TEST(two_tokens_at_most)
{
	char second[64], third[64];

	make_token(second, sizeof(second));
	make_token(third, sizeof(third));
	is_refused(bearer);
	strcpy(bearer, second);
	http_add("ws://127.0.0.1:81", 201, "peer");
	strcpy(bearer, third);
	http_add("ws://127.0.0.1:82", 201, "peer");
	ck_assert_int_eq(fx_number("SELECT count(*) FROM token"),
	    LIMIT_TOKENS);
	/* They are valid over a restart, and no more once they end. */
	r = fixture_restart(r, 100);
	http_add("ws://127.0.0.1:81", 201, "peer");
	registry_ctl_token(r, 6, CTL_TOKEN_REVOKE, span_str("admin"),
	    at(200));
	ck_assert_uint_eq(fx_expect(r, MSG_CTL_END, 6)->status, CTL_OK);
	is_refused(second);
	is_refused(third);
	make_token(bearer, sizeof(bearer));
	http_add("ws://127.0.0.1:83", 201, "peer");
}
END_TEST

START_TEST(no_token_without_the_database)
{
	sqlite3 *db = fx_lock();
	const struct reply *e;

	registry_ctl_token(r, 6, CTL_TOKEN_CREATE, span_str("admin"), at(1));
	e = fx_expect(r, MSG_CTL_END, 6);
	ck_assert_uint_eq(e->status, CTL_REFUSED);
	ck_assert_ptr_null(strstr(e->body, "rat_"));
	fx_unlock(db);
}
END_TEST

/* --- tokens of names --- */

static void
ctl_token(unsigned int op, const char *name, uint16_t status,
    const char *text)
{
	const struct reply *e;

	registry_ctl_token(r, 6, op, span_str(name), fx_now());
	e = fx_expect(r, MSG_CTL_END, 6);
	ck_assert_msg(e->status == status && strstr(e->body, text) != NULL,
	    "%s: %u %s", name, e->status, e->body);
	fx_silent(r);
}

/* Whose token it is that is shown; NULL: nobody's. */
static void
is_of(const char *authorization, const char *name)
{
	const struct reply *a;

	registry_caller(r, 8, span_str(authorization));
	a = fx_expect(r, MSG_CALLER_ANSWER, 8);
	ck_assert(a->known == (name != NULL));
	ck_assert_str_eq(a->node, name == NULL ? "" : name);
}

static const char *const bad_names[] = {
	"", "A", "a b", "a/b", "a:b", "\xc3\xa4", "*", "a\n", "'", "a@b",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
};

START_TEST(bad_token_names)
{
	ctl_token(CTL_TOKEN_CREATE, bad_names[_i], CTL_REFUSED,
	    "1 to 64 bytes");
	ctl_token(CTL_TOKEN_REVOKE, bad_names[_i], CTL_REFUSED,
	    "1 to 64 bytes");
	ck_assert_int_eq(fx_number("SELECT count(*) FROM token"), 1);
}
END_TEST

START_TEST(callers)
{
	char app[64], second[64], third[64], text[200];

	make_token_of("app-1.x_y", app, sizeof(app));
	is_of(app, "app-1.x_y");
	is_of(bearer, "admin");
	is_of("", NULL);
	is_of("Bearer", NULL);
	is_of("Bearer x", NULL);
	is_of(app + strlen("Bearer "), NULL);
	snprintf(text, sizeof(text), "%sx", app);
	is_of(text, NULL);
	snprintf(text, sizeof(text), "%.*s", (int)strlen(app) - 1, app);
	is_of(text, NULL);
	snprintf(text, sizeof(text), "Relay %s", app + strlen("Bearer "));
	is_of(text, NULL);
	/* Two of a name: the oldest goes, other names are left alone. */
	make_token_of("app-1.x_y", second, sizeof(second));
	is_of(app, "app-1.x_y");
	make_token_of("app-1.x_y", third, sizeof(third));
	is_of(app, NULL);
	is_of(second, "app-1.x_y");
	is_of(bearer, "admin");
	r = fixture_restart(r, 100);
	is_of(third, "app-1.x_y");
	ctl_token(CTL_TOKEN_REVOKE, "app", CTL_NOT_FOUND, "no token");
	ctl_token(CTL_TOKEN_REVOKE, "app-1.x_y", CTL_OK, "");
	ctl_token(CTL_TOKEN_REVOKE, "app-1.x_y", CTL_NOT_FOUND, "no token");
	is_of(second, NULL);
	is_of(third, NULL);
	is_of(bearer, "admin");
}
END_TEST

static void
list_one(void *arg, const char *name, int64_t created_ms)
{
	ck_assert_int_eq(created_ms, T0);
	strlcat(arg, name, 64);
	strlcat(arg, " ", 64);
}

START_TEST(list_of_tokens)
{
	char b[64], text[64] = "";

	make_token_of("b", b, sizeof(b));
	make_token_of("b", b, sizeof(b));
	make_token_of("a", b, sizeof(b));
	ck_assert(registry_each_token(r, list_one, text));
	ck_assert_str_eq(text, "a admin b b ");
	ctl_token(CTL_TOKEN_LIST, "", CTL_OK, "");
}
END_TEST

START_TEST(tokens_are_bounded)
{
	char token[64], name[16];
	int i;

	for (i = 1; i < LIMIT_CALLER_TOKENS; i++) {
		snprintf(name, sizeof(name), "t%d", i);
		make_token_of(name, token, sizeof(token));
	}
	ctl_token(CTL_TOKEN_CREATE, "more", CTL_REFUSED, "as many");
	ctl_token(CTL_TOKEN_CREATE, "t5", CTL_REFUSED, "as many");
	ctl_token(CTL_TOKEN_REVOKE, "t5", CTL_OK, "");
	make_token_of("t6", token, sizeof(token));
	ctl_token(CTL_TOKEN_CREATE, "t7", CTL_REFUSED, "as many");
	/* Another in the place of one there is takes no room. */
	make_token_of("t6", token, sizeof(token));
	is_of(token, "t6");
}
END_TEST

START_TEST(no_admin_rights_by_another_name)
{
	struct peer_request q = request_of(PEER_OP_ADD, "ws://127.0.0.1:81");
	char app[64];

	make_token_of("app", app, sizeof(app));
	http(app, &q);
	answers(403, "no admin rights");
	fx_silent(r);
	q.op = PEER_OP_DELETE;
	http(app, &q);
	answers(403, "no admin rights");
	ck_assert_int_eq(fx_number("SELECT count(*) FROM audit WHERE event ="
	    " 4 AND subject = 'token:app'"), 2);
	is_refused("Bearer x");
	ck_assert_int_eq(fx_number("SELECT count(*) FROM audit WHERE event ="
	    " 4 AND subject = 'anonymous'"), 2);
}
END_TEST

START_TEST(admin_rights_by_policy)
{
	struct policy_rule rule = { .allow = true, .action = POLICY_ADMIN,
	    .who = WHO_TOKEN, .from = "ops*" };
	struct policy rules = { .n = 0 };
	struct peer_request q = request_of(PEER_OP_ADD, "ws://127.0.0.1:81");
	char ops[64];

	make_token_of("ops1", ops, sizeof(ops));
	ck_assert(policy_add(&rules, &rule));
	rule.allow = false;
	rule.who = WHO_ANY;
	strcpy(rule.from, "*");
	ck_assert(policy_add(&rules, &rule));
	registry_configure_policy(r, &rules, fx_now());
	policy_clear(&rules);
	http(bearer, &q);
	answers(403, "no admin rights");
	strcpy(bearer, ops);
	http_add("ws://127.0.0.1:81", 201, "peer");
	ck_assert_int_eq(fx_number("SELECT count(*) FROM audit WHERE event ="
	    " 9 AND subject = 'token:ops1' AND object ="
	    " 'ws://127.0.0.1:81/ws/peers' AND detail = 'added'"), 1);
	/* No secret of any kind is in the log. */
	ck_assert_int_eq(fx_number("SELECT count(*) FROM audit WHERE"
	    " instr(subject || object || detail, 'rat_') > 0 OR"
	    " detail IN (SELECT hash FROM token)"), 0);
}
END_TEST

START_TEST(made_and_revoked_is_recorded)
{
	char app[64];

	make_token_of("app", app, sizeof(app));
	ctl_token(CTL_TOKEN_REVOKE, "app", CTL_OK, "");
	ctl_token(CTL_TOKEN_REVOKE, "app", CTL_NOT_FOUND, "");
	ck_assert_int_eq(fx_number("SELECT count(*) FROM audit WHERE event ="
	    " 10 AND subject = 'control socket' AND object = 'app'"), 2);
}
END_TEST

/* --- views --- */

static void
view_has(unsigned int route, const char *text)
{
	const char *body = fx_get(r, route, 200, fx_now().mono.ms - 1000000);

	ck_assert_msg(strstr(body, text) != NULL, "%s", body);
}

START_TEST(view_of_peers)
{
	struct peers *p = registry_peers(r);

	ck_assert(peers_told(p, 0, 1, PEER_WAITING, 700, "", "refused \"x\"",
	    at(0).mono));
	ck_assert(peers_told(p, 1, 1, PEER_HELD, 0, "expected.main", "",
	    at(0).mono));
	fx_main(r, 11, "expected.main", PEER_NONE, "b", 5);
	fx_main(r, 12, "who.dials.us", PEER_NONE, "b", 5);
	fx_main(r, 13, "c.main", 2, "b", 5);
	registry_seen(r, 13, 1234, at(6));
	fx_settle(r);
	at(100);
	ck_assert_str_eq(fx_get(r, HTTP_ROUTE_FEDERATION_PEERS, 200, 100),
	    "{\"count\":4,\"peers\":["
	    "{\"node_id\":null,\"url\":\"ws://p0:80/ws/peers\","
	    "\"state\":\"waiting\",\"is_healthy\":false,\"direction\":null,"
	    "\"last_seen\":null,\"rtt_ms\":null,\"services\":0,"
	    "\"reconnect_in_ms\":600,\"reason\":\"refused \\\"x\\\"\","
	    "\"origin\":\"configured\"},"
	    "{\"node_id\":\"expected.main\",\"url\":\"ws://p1:80/ws/peers\","
	    "\"state\":\"up\",\"is_healthy\":true,\"direction\":\"inbound\","
	    "\"last_seen\":\"2026-01-02T03:04:05.683Z\",\"rtt_ms\":null,"
	    "\"services\":0,\"reconnect_in_ms\":null,\"reason\":null,"
	    "\"origin\":\"configured\"},"
	    "{\"node_id\":\"c.main\",\"url\":\"ws://p2:80/ws/peers\","
	    "\"state\":\"up\",\"is_healthy\":true,\"direction\":\"outbound\","
	    "\"last_seen\":\"2026-01-02T03:04:05.684Z\",\"rtt_ms\":1.234,"
	    "\"services\":0,\"reconnect_in_ms\":null,\"reason\":null,"
	    "\"origin\":\"configured\"},"
	    "{\"node_id\":\"who.dials.us\",\"url\":null,\"state\":\"up\","
	    "\"is_healthy\":true,\"direction\":\"inbound\","
	    "\"last_seen\":\"2026-01-02T03:04:05.683Z\",\"rtt_ms\":null,"
	    "\"services\":0,\"reconnect_in_ms\":null,\"reason\":null,"
	    "\"origin\":\"inbound\"}]}");
	/* Who linked by itself and left without a trace is not shown. */
	fx_close(r, 12, 101);
	fx_close(r, 13, 101);
	fx_settle(r);
	view_has(HTTP_ROUTE_FEDERATION_PEERS, "\"count\":3");
	/* Who answered at p2 is remembered. */
	view_has(HTTP_ROUTE_FEDERATION_PEERS, "{\"node_id\":\"c.main\","
	    "\"url\":\"ws://p2:80/ws/peers\",\"state\":\"waiting\"");
}
END_TEST

/* A snapshot of one home with one service. */
static void
snapshot(uint64_t session, const char *node, bool healthy)
{
	struct service s = fx_service("wiki", 1);
	struct mesh_row_in row = { span_str(node), false, &s, 1 };
	struct mesh *mesh = registry_mesh(r);

	s.healthy = healthy;
	ck_assert_ptr_null(mesh_rows_begin(mesh, session, 1, 5, 1, 0,
	    fx_now().mono));
	ck_assert_ptr_null(mesh_rows_row(mesh, session, &row, fx_now().mono));
	ck_assert_ptr_null(mesh_rows_end(mesh, session, true, fx_now().mono));
	service_clear(&s);
}

START_TEST(view_of_the_federation)
{
	fx_home(r, 21, "alice.home", 0);
	fx_main(r, 11, "b.main", PEER_NONE, "b", 5);
	fx_settle(r);
	snapshot(11, "carol.home", true);
	at(1000);
	ck_assert_str_eq(fx_get(r, HTTP_ROUTE_FEDERATION_REGISTRY, 200, 1000),
	    "{\"node_id\":\"main.example\",\"count\":2,\"services\":[{"
	    "\"service_name\":\"echo\",\"node_address\":{\"type\":\"home\","
	    "\"id\":\"alice.home\",\"main_relay\":\"main.example\"},"
	    "\"methods\":[\"m0\"],\"last_seen\":\"2026-01-02T03:04:05.678Z\","
	    "\"is_healthy\":true,\"version\":\"1.0.0\",\"scope\":\"local\"},"
	    "{\"service_name\":\"wiki\",\"node_address\":{\"type\":\"home\","
	    "\"id\":\"carol.home\",\"main_relay\":\"b.main\"},"
	    "\"methods\":[\"m0\"],\"last_seen\":\"2026-01-02T03:04:05.683Z\","
	    "\"is_healthy\":true,\"version\":\"1.0.0\","
	    "\"scope\":\"federated\"}]}");
	/* GET /registry is of this Main's own homes. */
	view_has(HTTP_ROUTE_REGISTRY, "\"count\":1");
	fx_close(r, 11, 2000);
	fx_settle(r);
	view_has(HTTP_ROUTE_FEDERATION_REGISTRY, "\"is_healthy\":false,"
	    "\"version\":\"1.0.0\",\"scope\":\"federated\","
	    "\"stale_since\":\"2026-01-02T03:04:07.678Z\"");
	/* Who left services behind is shown. */
	view_has(HTTP_ROUTE_FEDERATION_PEERS, "{\"node_id\":\"b.main\","
	    "\"url\":null,\"state\":\"gone\",\"is_healthy\":false,"
	    "\"direction\":null");
	registry_tick(r, at(2000 + LIMIT_STALE_MS));
	view_has(HTTP_ROUTE_FEDERATION_REGISTRY, "\"count\":1");
	view_has(HTTP_ROUTE_FEDERATION_PEERS, "\"count\":3");
}
END_TEST

static void
health_is(const char *status, bool draining)
{
	const struct view_request q = { .request = 77,
	    .route = HTTP_ROUTE_FEDERATION_HEALTH, .draining = draining,
	    .latency_ms = 12 };
	char text[64];
	const struct reply *v;

	snprintf(text, sizeof(text), "{\"status\":\"%s\",", status);
	registry_view(r, &q, fx_now());
	v = fx_expect(r, MSG_VIEW_REPLY, 77);
	ck_assert_msg(strncmp(v->body, text, strlen(text)) == 0, "%s",
	    v->body);
}

START_TEST(view_of_health)
{
	fx_peers(r, 2, 0, 0);
	health_is("healthy", false);
	fx_peers(r, 3, 4, 0);
	health_is("partitioned", false);
	fx_main(r, 10, "who.dials.us", PEER_NONE, "b", 0);
	fx_main(r, 11, "expected.main", PEER_NONE, "b", 0);
	fx_settle(r);
	health_is("partitioned", false);
	fx_main(r, 12, "c.main", 2, "b", 0);
	fx_settle(r);
	health_is("degraded", false);		/* half of them */
	fx_main(r, 13, "d.main", 3, "b", 0);
	fx_settle(r);
	health_is("degraded", false);
	health_is("draining", true);
	health_is("degraded", false);
	fx_main(r, 14, "a.main", 0, "b", 0);
	fx_settle(r);
	health_is("healthy", false);
	fx_home(r, 21, "alice.home", 0);
	snapshot(10, "carol.home", false);
	registry_health(r, 21, span_str("echo"), span_str("1.0.0"), true,
	    fx_now());
	ck_assert_str_eq(fx_get(r, HTTP_ROUTE_FEDERATION_HEALTH, 200, 0),
	    "{\"status\":\"healthy\",\"node_id\":\"main.example\","
	    "\"connected_homes\":1,\"connected_peers\":5,"
	    "\"configured_peers\":4,\"total_services\":2,"
	    "\"failed_services\":1,\"average_latency_ms\":0}");
	fx_close(r, 10, 1);
	fx_close(r, 12, 1);
	fx_settle(r);
	health_is("degraded", false);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("tokens");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, tokens);
	tcase_add_loop_test(tc, bearer_headers, 0,
	    (int)(sizeof(headers) / sizeof(headers[0])));
	tcase_add_test(tc, without_admin_rights);
	tcase_add_test(tc, two_tokens_at_most);
	tcase_add_test(tc, no_token_without_the_database);
	tcase_add_loop_test(tc, bad_token_names, 0,
	    (int)(sizeof(bad_names) / sizeof(bad_names[0])));
	tcase_add_test(tc, callers);
	tcase_add_test(tc, list_of_tokens);
	tcase_add_test(tc, tokens_are_bounded);
	tcase_add_test(tc, no_admin_rights_by_another_name);
	tcase_add_test(tc, admin_rights_by_policy);
	tcase_add_test(tc, made_and_revoked_is_recorded);
	tcase_add_test(tc, view_of_peers);
	tcase_add_test(tc, view_of_the_federation);
	tcase_add_test(tc, view_of_health);
	return (suite_run("registry tokens", tc));
}
