/* SPDX-License-Identifier: ISC */
/* Peers that are added and deleted while the registry runs. */
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "common/ctl.h"
#include "tests/unit/registry_admin_fixture.h"
#include "tests/unit/registry_fixture.h"
#include "tests/unit/suite.h"

#define KEPT	"SELECT count(*) FROM peer"

static void
ctl(enum peer_op op, const char *name, bool persist, enum ctl_status status,
    const char *text)
{
	struct peer_request q = request_of(op, name);
	const struct reply *e;

	q.persist = persist;
	registry_ctl_peer(r, 7, &q, fx_now());
	ck_assert(registry_commit(r, fx_now()));
	if (status == CTL_OK && op == PEER_OP_ADD)
		fx_expect(r, MSG_PEER_ADD, 0);
	if (status == CTL_OK && op == PEER_OP_DELETE)
		fx_expect(r, MSG_PEER_DELETE, 0);
	e = fx_expect(r, MSG_CTL_END, 7);
	ck_assert_msg(e->status == status && strstr(e->body, text) != NULL,
	    "%u %s", e->status, e->body);
}

/* As the parent does: those of fx_peers() and what was added. */
static void
take_added(uint32_t generation, const char *host, enum peer_origin origin)
{
	struct peer_conf list[2] = { { .host = "p0", .port = 80,
	    .path = "/ws/peers", .origin = PEER_CONFIGURED } };

	list[1] = list[0];
	snprintf(list[1].host, sizeof(list[1].host), "%s", host);
	list[1].origin = origin;
	registry_configure_peers(r, generation, list, 2, fx_now());
}

/* --- add --- */

static const struct {
	const char	*url, *why;
} bad_urls[] = {
	{ "", "url: the URL does not begin" },
	{ "relay-b.example.com", "url: the URL does not begin" },
	{ "http://127.0.0.1", "url: the URL does not begin" },
	{ "ws://", "url: there is no host" },
	{ "ws://127.0.0.1:0", "url: the port" },
	{ "ws://127.0.0.1:65536", "url: the port" },
	{ "ws://1.2.3", "url: the host is not" },
	{ "ws://[::1", "url: the host is not" },
	{ "ws://user:pw@127.0.0.1", "url: a URL cannot carry a user" },
	{ "ws://127.0.0.1/a b", "url: there is a character" },
	{ "ws://127.0.0.1/#x", "url: a URL cannot carry a fragment" },
	{ "ws://relay-b.example.com:8081", "insecure" },
	{ "ws://192.0.2.1/ws/peers", "insecure" },
	{ "\xff\"\\\n", "url: " },
};

START_TEST(add_bad_url)
{
	http_add(bad_urls[_i].url, 400, bad_urls[_i].why);
	ctl(PEER_OP_ADD, bad_urls[_i].url, true, CTL_REFUSED,
	    bad_urls[_i].why);
	fx_silent(r);
	ck_assert_int_eq(fx_number(KEPT), 0);
}
END_TEST

START_TEST(add_own_url)
{
	static const char own[2][REGISTRY_ADDRESS_SIZE] = {
	    "127.0.0.1:8081", "[::]:8082" };
	static const char *const urls[] = { "ws://127.0.0.1:8081",
	    "ws://127.0.0.1:8081/other", "ws://localhost:8081",
	    "ws://[::1]:8082/ws/peers" };
	size_t i;

	registry_configure_addresses(r, own, 2);
	for (i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		http_add(urls[i], 400, "this relay listens there itself");
		ctl(PEER_OP_ADD, urls[i], true, CTL_REFUSED, "listens");
	}
	http_add("ws://127.0.0.1:8083", 201, "peer");
	http_add("ws://127.0.0.2:8081", 201, "peer");
	registry_configure_addresses(r, own, 0);
	http_add(urls[0], 201, "peer");
}
END_TEST

START_TEST(add_long_url)
{
	static char url[20000];

	memset(url, 'a', sizeof(url) - 1);
	memcpy(url, "ws://127.0.0.1/", 15);
	http_add(url, 400, "url: it is too long");
	url[URL_TEXT_MAX] = '\0';
	http_add(url, 400, "url: the path is too long");
}
END_TEST

START_TEST(add_node_id)
{
	struct peer_request q = request_of(PEER_OP_ADD, "ws://127.0.0.1:81");
	static const char *const bad[] = { "not a node", "a@b", "main.example",
	    "MAIN.example", "a..b", "expected.main" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		q.node = span_str(bad[i]);
		http(bearer, &q);
		answers(i < 5 ? 400 : 409, i < 5 ? "node_id: " :
		    "ws://p1:80/ws/peers");
	}
	q.node = span_str("Relay-B");
	http(bearer, &q);
	ck_assert_str_eq(fx_expect(r, MSG_PEER_ADD, 0)->node, "relay-b");
	answers(201, "\"node_id\":\"relay-b\"");
}
END_TEST

START_TEST(add_duplicate)
{
	http_add("ws://p0", 400, "insecure");
	ctl(PEER_OP_ADD, "ws://127.0.0.1:81", false, CTL_OK, "added");
	/* Whether it is in force yet or not, however it is written. */
	http_add("ws://127.0.0.1:81", 409, "there already");
	http_add("WS://127.0.0.1:81/ws/peers", 409, "there already");
	http_add("ws://127.0.0.1:81/other", 201, "peer");
	take_added(2, "127.0.0.1", PEER_ADDED);
	http_add("ws://127.0.0.1", 409, "there already");
	ctl(PEER_OP_ADD, "ws://127.0.0.1/", true, CTL_OK, "added");
	/* Nothing came of it: it may be tried again. */
	registry_tick(r, at(3 * LIMIT_SETUP_MS));
	http_add("ws://127.0.0.1/", 201, "peer");
}
END_TEST

START_TEST(add_too_many)
{
	char url[64];
	int i;

	for (i = 3; i < LIMIT_PEERS; i++) {
		snprintf(url, sizeof(url), "ws://127.0.0.1:%d", 1000 + i);
		http_add(url, 201, "peer");
	}
	http_add("ws://127.0.0.1:999", 400, "as many as may be");
	http_add("ws://127.0.0.1:1003", 409, "there already");
	fx_peers(r, 2, LIMIT_PEERS, 0);
	http_add("ws://127.0.0.1:999", 400, "as many as may be");
}
END_TEST

START_TEST(add_says_what_is_known)
{
	struct peer_request q = request_of(PEER_OP_ADD,
	    "ws://relay-b.example.com:8081");
	const struct reply *p;

	q.insecure = true;
	http(bearer, &q);
	p = fx_expect(r, MSG_PEER_ADD, 0);
	ck_assert_str_eq(p->peer->host, "relay-b.example.com");
	ck_assert_uint_eq(p->peer->port, 8081);
	ck_assert_str_eq(p->peer->path, "/ws/peers");
	ck_assert(p->peer->insecure && !p->peer->persist);
	answers(201, "{\"peer\":{\"node_id\":null,"
	    "\"url\":\"ws://relay-b.example.com:8081/ws/peers\","
	    "\"state\":\"waiting\",\"is_healthy\":false,\"direction\":null,"
	    "\"last_seen\":null,\"rtt_ms\":null,\"services\":0,"
	    "\"reconnect_in_ms\":0,\"reason\":null,\"origin\":\"added\"}}");
	ck_assert_int_eq(fx_number(KEPT), 0);
}
END_TEST

START_TEST(add_with_tls)
{
	struct peer_request q = request_of(PEER_OP_ADD,
	    "wss://relay-b.example.com");
	const struct reply *p;

	q.insecure = true;
	http(bearer, &q);
	answers(400, "insecure");
	q.insecure = false;
	q.persist = true;
	http(bearer, &q);
	p = fx_expect(r, MSG_PEER_ADD, 0);
	ck_assert(p->peer->tls && !p->peer->insecure);
	ck_assert_uint_eq(p->peer->port, 443);
	answers(201, "\"url\":\"wss://relay-b.example.com:443/ws/peers\"");
	ck_assert_int_eq(fx_number("SELECT tls FROM peer"), 1);
	/* In the clear it is the same place. */
	q.name = span_str("ws://relay-b.example.com:443");
	q.insecure = true;
	http(bearer, &q);
	answers(409, "there already");
	r = fixture_restart(r, 100);
	fx_peers(r, 1, 3, 100);
	p = fx_expect(r, MSG_PEER_ADD, 0);
	ck_assert(p->peer->tls);
}
END_TEST

START_TEST(add_without_the_database)
{
	struct peer_request q = request_of(PEER_OP_ADD, "ws://127.0.0.1:81");
	sqlite3 *db = fx_lock();

	q.persist = true;
	http(bearer, &q);
	answers(503, "cannot write");
	fx_silent(r);
	fx_unlock(db);
	http_add("ws://127.0.0.1:81", 201, "peer");
}
END_TEST

/* --- delete and reset --- */

START_TEST(delete)
{
	struct peer_request q = request_of(PEER_OP_DELETE, "");

	fx_main(r, 11, "who.dials.us", PEER_NONE, "b", 0);
	fx_settle(r);
	ctl(PEER_OP_DELETE, "", false, CTL_NOT_FOUND, "no such peer");
	ctl(PEER_OP_DELETE, "ws://", false, CTL_NOT_FOUND, "no such peer");
	ctl(PEER_OP_DELETE, "ws://127.0.0.1:81", false, CTL_NOT_FOUND,
	    "no such peer");
	ctl(PEER_OP_DELETE, "nobody", false, CTL_NOT_FOUND, "no such peer");
	ctl(PEER_OP_DELETE, "who.dials.us", false, CTL_NOT_FOUND,
	    "does not dial that Main");
	ctl(PEER_OP_DELETE, "ws://p0", false, CTL_REFUSED,
	    "configured in relayd.conf");
	ctl(PEER_OP_DELETE, "expected.main", false, CTL_REFUSED,
	    "configured in relayd.conf");
	fx_silent(r);
	/* Before it is in force, and after. */
	ctl(PEER_OP_ADD, "ws://127.0.0.1:81", true, CTL_OK, "");
	ck_assert_int_eq(fx_number(KEPT), 1);
	ctl(PEER_OP_DELETE, "ws://127.0.0.1:81", false, CTL_OK, "deleted");
	ck_assert_int_eq(fx_number(KEPT), 0);
	ctl(PEER_OP_DELETE, "ws://127.0.0.1:81", false, CTL_NOT_FOUND, "");
	ctl(PEER_OP_ADD, "ws://127.0.0.1", true, CTL_OK, "");
	take_added(2, "127.0.0.1", PEER_PERSISTED);
	ck_assert(peers_told(registry_peers(r), 1, 2, PEER_WAITING, 1,
	    "b.main", "", at(0).mono));
	q.name = span_str("B.main");
	http(bearer, &q);
	ck_assert_str_eq(fx_expect(r, MSG_PEER_DELETE, 0)->peer->host,
	    "127.0.0.1");
	answers(200, "\"origin\":\"persisted\"");
	ck_assert_int_eq(fx_number(KEPT), 0);
}
END_TEST

START_TEST(reset)
{
	ctl(PEER_OP_RESET, "ws://127.0.0.1", false, CTL_NOT_FOUND, "");
	ctl(PEER_OP_RESET, "nobody", false, CTL_NOT_FOUND, "");
	ctl(PEER_OP_RESET, "", false, CTL_NOT_FOUND, "");
	fx_dial(r, 0, 0);
	ctl(PEER_OP_RESET, "ws://p2/ws/peers", false, CTL_OK, "reset");
	fx_dial(r, 2, PEER_AT_ONCE);
	fx_main(r, 11, "who.dials.us", PEER_NONE, "b", 0);
	fx_main(r, 12, "expected.main", 1, "b", 0);
	fx_settle(r);
	registry_ctl_peer(r, 7, &(struct peer_request){ PEER_OP_RESET,
	    span_str("who.dials.us"), span_str(""), false, false,
	    span_str("") }, at(0));
	ck_assert_uint_eq(fx_expect(r, MSG_SESSION_END, 11)->status, 1000);
	fx_expect(r, MSG_CTL_END, 7);
	fx_dial(r, 0, 0);
	registry_ctl_peer(r, 7, &(struct peer_request){ PEER_OP_RESET,
	    span_str("expected.main"), span_str(""), false, false,
	    span_str("") }, at(0));
	fx_expect(r, MSG_SESSION_END, 12);
	fx_expect(r, MSG_CTL_END, 7);
	fx_dial(r, 1, PEER_AT_ONCE);
	/* It has been told. */
	ctl(PEER_OP_RESET, "expected.main", false, CTL_OK, "");
}
END_TEST

START_TEST(a_home_has_no_peers)
{
	struct peer_request q = request_of(PEER_OP_ADD, "ws://127.0.0.1:81");

	fixture_free(r);
	r = fixture_home();
	http(bearer, &q);
	answers(404, "a home has no peers");
	ctl(PEER_OP_ADD, "ws://127.0.0.1:81", true, CTL_REFUSED, "a home");
	ctl(PEER_OP_RESET, "b.main", true, CTL_REFUSED, "a home");
	/* But callers, whose tokens are its own. */
	registry_ctl_token(r, 6, CTL_TOKEN_CREATE, span_str("x"), at(1));
	ck_assert_uint_eq(fx_expect(r, MSG_CTL_END, 6)->status, CTL_OK);
}
END_TEST

/* --- another node id in the configuration --- */

START_TEST(node_id_changes)
{
	struct peer_conf list[3];
	uint32_t i;

	for (i = 0; i < 3; i++) {
		list[i] = (struct peer_conf){ .port = 80, .path = "/ws/peers",
		    .origin = PEER_CONFIGURED };
		snprintf(list[i].host, sizeof(list[i].host), "p%u", i);
	}
	strlcpy(list[0].node, "learned.main", sizeof(list[0].node));
	strlcpy(list[1].node, "another.main", sizeof(list[1].node));
	strlcpy(list[2].node, "elsewhere.main", sizeof(list[2].node));
	fx_main(r, 11, "learned.main", 0, "b", 0);
	fx_main(r, 12, "expected.main", 1, "b", 0);
	fx_main(r, 13, "who.dials.us", PEER_NONE, "b", 0);
	fx_settle(r);
	registry_configure_peers(r, 2, list, 3, fx_now());
	ck_assert_uint_eq(fx_expect(r, MSG_SESSION_END, 12)->status, 1000);
	fx_silent(r);
	/* Said once. */
	registry_configure_peers(r, 3, list, 3, fx_now());
	fx_silent(r);
}
END_TEST

/* --- what stays --- */

START_TEST(persists)
{
	const struct reply *p;

	ctl(PEER_OP_ADD, "ws://127.0.0.1", true, CTL_OK, "");
	ctl(PEER_OP_ADD, "ws://127.0.0.1:82", false, CTL_OK, "");
	r = fixture_restart(r, 100);
	fx_silent(r);
	fx_peers(r, 1, 3, 100);
	p = fx_expect(r, MSG_PEER_ADD, 0);
	ck_assert_str_eq(p->peer->host, "127.0.0.1");
	ck_assert(p->peer->persist);
	fx_silent(r);
	/* Asked for once. */
	fx_peers(r, 2, 3, 100);
	fx_silent(r);
	/* It is there already: the registry alone was started anew. */
	r = fixture_restart(r, 200);
	take_added(3, "127.0.0.1", PEER_PERSISTED);
	fx_silent(r);
	ck_assert_int_eq(fx_number(KEPT), 1);
	/* The file has it now, so it is the file's to delete. */
	r = fixture_restart(r, 300);
	take_added(4, "127.0.0.1", PEER_CONFIGURED);
	fx_silent(r);
	ck_assert_int_eq(fx_number(KEPT), 0);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("admin");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, add_bad_url, 0,
	    (int)(sizeof(bad_urls) / sizeof(bad_urls[0])));
	tcase_add_test(tc, add_own_url);
	tcase_add_test(tc, add_long_url);
	tcase_add_test(tc, add_node_id);
	tcase_add_test(tc, add_duplicate);
	tcase_add_test(tc, add_too_many);
	tcase_add_test(tc, add_says_what_is_known);
	tcase_add_test(tc, add_with_tls);
	tcase_add_test(tc, add_without_the_database);
	tcase_add_test(tc, delete);
	tcase_add_test(tc, reset);
	tcase_add_test(tc, node_id_changes);
	tcase_add_test(tc, a_home_has_no_peers);
	tcase_add_test(tc, persists);
	return (suite_run("registry admin", tc));
}
