/* SPDX-License-Identifier: ISC */
/* Views of peers: themselves, what they offer, and how this Main is. */
#include <stdio.h>
#include <string.h>

#include "common/ctl.h"
#include "relay-registry/policy_impl.h"
#include "tests/unit/registry_admin_fixture.h"
#include "tests/unit/registry_fixture.h"
#include "tests/unit/suite.h"

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
	    "\"reconnect_in_ms\":600,\"origin\":\"configured\"},"
	    "{\"node_id\":\"expected.main\",\"url\":\"ws://p1:80/ws/peers\","
	    "\"state\":\"up\",\"is_healthy\":true,\"direction\":\"inbound\","
	    "\"last_seen\":\"2026-01-02T03:04:05.683Z\",\"rtt_ms\":null,"
	    "\"services\":0,\"reconnect_in_ms\":null,"
	    "\"origin\":\"configured\"},"
	    "{\"node_id\":\"c.main\",\"url\":\"ws://p2:80/ws/peers\","
	    "\"state\":\"up\",\"is_healthy\":true,\"direction\":\"outbound\","
	    "\"last_seen\":\"2026-01-02T03:04:05.684Z\",\"rtt_ms\":1.234,"
	    "\"services\":0,\"reconnect_in_ms\":null,"
	    "\"origin\":\"configured\"},"
	    "{\"node_id\":\"who.dials.us\",\"url\":null,\"state\":\"up\","
	    "\"is_healthy\":true,\"direction\":\"inbound\","
	    "\"last_seen\":\"2026-01-02T03:04:05.683Z\",\"rtt_ms\":null,"
	    "\"services\":0,\"reconnect_in_ms\":null,"
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

/* A rule, so that only this token has admin rights. */
static void
admin_is(const char *name)
{
	struct policy p = { .n = 0 };
	struct policy_rule rule = { .allow = true, .action = POLICY_ADMIN,
	    .who = WHO_TOKEN, .to_who = WHO_ANY, .to = "*", .service = "*",
	    .method = "*", .file = "relayd.conf", .line = 1 };

	snprintf(rule.from, sizeof(rule.from), "%s", name);
	ck_assert(policy_add(&p, &rule));
	rule.allow = false;
	rule.who = WHO_ANY;
	strcpy(rule.from, "*");
	ck_assert(policy_add(&p, &rule));
	registry_configure_policy(r, &p, fx_now());
	policy_clear(&p);
}

static bool
is_told_why(const char *caller)
{
	const struct view_request q = { .request = 77,
	    .route = HTTP_ROUTE_FEDERATION_PEERS,
	    .caller = span_str(caller) };
	const struct reply *v;

	registry_view(r, &q, fx_now());
	v = fx_expect(r, MSG_VIEW_REPLY, 77);
	ck_assert_uint_eq(v->status, 200);
	ck_assert_ptr_nonnull(strstr(v->body, "\"count\":3"));
	ck_assert((strstr(v->body, "\"reason\":") != NULL) ==
	    (strstr(v->body, "\"reason\":\"it has no key\"") != NULL));
	return (strstr(v->body, "\"reason\":") != NULL);
}

/* Why a link fails may be of trust: it is for who may change peers. */
START_TEST(reasons_for_admins)
{
	ck_assert(peers_told(registry_peers(r), 0, 1, PEER_WAITING, 700, "",
	    "it has no key", at(0).mono));
	/* One after the other: none gets what was made for another. */
	ck_assert(!is_told_why(""));
	ck_assert(is_told_why("admin"));
	ck_assert(!is_told_why(""));
	ck_assert(!is_told_why("ci"));
	admin_is("op");
	ck_assert(!is_told_why("admin"));
	ck_assert(is_told_why("op"));
	ck_assert(!is_told_why("ci"));
	ck_assert(is_told_why("op"));
	admin_is("ci");
	ck_assert(!is_told_why("op"));
	ck_assert(is_told_why("ci"));
	ck_assert(!is_told_why(""));
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
	TCase *tc = tcase_create("views");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, view_of_peers);
	tcase_add_test(tc, reasons_for_admins);
	tcase_add_test(tc, view_of_the_federation);
	tcase_add_test(tc, view_of_health);
	return (suite_run("registry views of peers", tc));
}
