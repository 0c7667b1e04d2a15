/* SPDX-License-Identifier: ISC */
/* Links with other Mains: discovery, questions and restarts. */
#include <string.h>

#include "relay-registry/message.h"
#include "tests/unit/registry_fixture.h"
#include "tests/unit/registry_links_fixture.h"
#include "tests/unit/suite.h"

/* --- what discovery is told --- */

static void
health(uint64_t session, bool healthy)
{
	registry_health(r, session, span_str("echo"), span_str("1.0.0"),
	    healthy, fx_now());
}

START_TEST(rows_of_own_homes)
{
	fx_main(r, 11, "b.main", PEER_NONE, "b", 0);
	fx_settle(r);
	ck_assert_uint_eq(drain(MSG_PEER_ROWS), 1);
	mesh_more(registry_mesh(r), 11);
	fx_home(r, 21, "alice.home", 1);
	ck_assert_uint_eq(drain(MSG_PEER_ROWS), 1);
	ck_assert_uint_eq(drain(MSG_PEER_ROWS), 0);
	health(21, false);
	ck_assert(!registry_pending(r));
	ck_assert_uint_eq(drain(MSG_PEER_ROWS), 1);
	/* No such service, no such session. */
	health(22, false);
	health(11, false);
	ck_assert_uint_eq(drain(MSG_PEER_ROWS), 0);
	/* Taken over: what it offered is gone until it registers again. */
	fx_open(r, 22, "alice.home", "", "192.0.2.1:2", 5);
	fx_settle(r);
	ck_assert_uint_eq(drain(MSG_PEER_ROWS), 1);
	fx_close(r, 22, 6);
	fx_settle(r);
	ck_assert_uint_eq(drain(MSG_PEER_ROWS), 0);
}
END_TEST

/* Health that comes behind a registration in one turn is not lost. */
START_TEST(health_after_registration)
{
	struct service s = fx_service("echo", 1);
	struct service *got = &s;
	struct mesh_stats stats;

	fx_main(r, 11, "b.main", PEER_NONE, "b", 0);
	fx_settle(r);
	(void)drain(MSG_NONE);
	fx_open(r, 21, "alice.home", "", "192.0.2.1:2", 5);
	registry_register(r, 21, 1, &s, 1, fx_now());
	health(21, false);
	fx_settle(r);
	mesh_says(MSG_PEER_ROWS);
	(void)get_u64(&m);
	ck_assert_uint_eq(get_u8(&m), 2);
	(void)get_u64(&m);
	(void)get_u64(&m);
	(void)get_u32(&m);
	(void)get_bool(&m);
	ck_assert_uint_eq(get_u16(&m), 1);
	(void)get_span(&m, UINT16_MAX);
	ck_assert(!get_bool(&m));
	ck_assert_uint_eq(get_u16(&m), 1);
	service_clear(&s);
	get_service(&m, got);
	ck_assert(get_done(&m));
	ck_assert(!got->healthy);
	service_clear(&s);
	mesh_stats(registry_mesh(r), &stats);
	ck_assert_uint_eq(stats.own_nodes, 1);
}
END_TEST

START_TEST(own_services_are_not_for_peers)
{
	struct service s = fx_service("echo", 1);
	struct mesh_stats stats;

	registry_register(r, 0, 1, &s, 1, fx_now());
	fx_settle(r);
	mesh_stats(registry_mesh(r), &stats);
	ck_assert_uint_eq(stats.own_nodes, 0);
	service_clear(&s);
}
END_TEST

START_TEST(rows_that_break_the_rules)
{
	static uint8_t buf[4096];
	struct wire_put put;
	struct wire_get get;
	int i;

	fx_main(r, 11, "b.main", PEER_NONE, "b", 0);
	fx_settle(r);
	for (i = 0; i < 2; i++) {
		wire_put_init(&put, buf, sizeof(buf));
		put_u64(&put, i == 0 ? 99 : 11);
		put_u8(&put, 1);
		put_u64(&put, 5);
		put_u64(&put, 1);
		put_u32(&put, 0);
		put_bool(&put, true);
		put_u16(&put, 1);
		put_str(&put, "not a node");
		put_bool(&put, false);
		put_u16(&put, 0);
		wire_get_init(&get, buf, put.len);
		ck_assert(registry_message(r, MSG_PEER_ROWS, &get, at(1)));
		if (i == 0)
			fx_silent(r);	/* a session that is not there */
	}
	ck_assert_uint_eq(fx_expect(r, MSG_SESSION_END, 11)->status, 1008);
	/* Said once, whatever else comes before it has ended. */
	wire_get_init(&get, buf, put.len);
	ck_assert(registry_message(r, MSG_PEER_ROWS, &get, at(1)));
	registry_violation(r, 11, "again");
	registry_violation(r, 12, "never there");
	fx_silent(r);
	/* It may come back at once. */
	fx_main(r, 12, "b.main", 0, "b", 2);
	accepts(12, 11);
}
END_TEST

/* --- queries --- */

static void
answers(uint64_t session, const char *node, const char *service, bool found,
    uint8_t state)
{
	registry_query(r, session, span_str("m-1"), span_str(node),
	    span_str(service));
	fx_silent(r);
	while (fx_mesh(r, &m) != MSG_PEER_ANSWER)
		ck_assert(!m.bad);
	ck_assert_uint_eq(get_u64(&m), session);
	ck_assert(span_eq(get_span(&m, 64), span_str("m-1")));
	ck_assert(get_bool(&m) == found);
	ck_assert_uint_eq(get_u8(&m), state);
	ck_assert(get_done(&m));
}

START_TEST(queries)
{
	struct service s = fx_service("inner", 0);
	char name[300];

	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	fx_main(r, 11, "b.main", PEER_NONE, "b", 0);
	fx_home(r, 21, "alice.home", 1);
	fx_open(r, 22, "bob.home", "", "192.0.2.1:2", 1);
	s.visibility = VISIBILITY_MAIN;
	registry_register(r, 22, 1, &s, 1, fx_now());
	fx_settle(r);
	fx_home(r, 23, "carol.home", 1);
	fx_close(r, 23, 2);
	fx_settle(r);
	answers(11, "", "echo", true, 0);
	answers(11, "Alice.Home", "", true, 2);
	answers(11, "alice.home", "echo", true, 2);
	answers(11, "bob.home", "echo", false, 2);
	answers(11, "bob.home", "", true, 2);
	answers(11, "", "inner", false, 0);	/* not for the federation */
	answers(11, "carol.home", "", false, 1);
	answers(11, "carol.home", "echo", false, 1);
	answers(11, "nobody", "", false, 0);
	answers(11, "", "nothing", false, 0);
	answers(11, "", "", false, 0);
	answers(11, "no node", "echo", false, 0);
	answers(11, name, "", false, 0);
	answers(11, "", name, false, 0);
	answers(11, "b.main", "", false, 0);	/* a Main is no home */
	answers(11, "main.example", "", false, 0);
	service_clear(&s);
	/* Who is not linked is not answered. */
	registry_query(r, 21, span_str("m-1"), span_str(""), span_str("echo"));
	registry_query(r, 99, span_str("m-1"), span_str(""), span_str("echo"));
	fx_silent(r);
	ck_assert_uint_eq(drain(MSG_PEER_ANSWER), 0);
}
END_TEST

/* An answer comes behind the rows of what was true when it was given. */
START_TEST(answer_behind_rows)
{
	struct service s = fx_service("echo", 0);

	fx_main(r, 11, "b.main", PEER_NONE, "b", 0);
	fx_settle(r);
	(void)drain(MSG_NONE);
	fx_open(r, 21, "alice.home", "", "192.0.2.1:2", 1);
	registry_register(r, 21, 1, &s, 1, fx_now());
	registry_query(r, 11, span_str("m-1"), span_str(""), span_str("echo"));
	ck_assert_int_eq(fx_mesh(r, &m), MSG_NONE);
	fx_settle(r);
	mesh_says(MSG_PEER_ROWS);
	mesh_says(MSG_PEER_ANSWER);
	service_clear(&s);
}
END_TEST

/* --- restarts --- */

static void
resume(uint64_t session, uint64_t epoch, const char *node, uint32_t peer,
    uint32_t generation)
{
	struct session_request q = { .session = session, .kind = NODE_PEER,
	    .node = span_str(node), .boot = span_str(""),
	    .address = span_str("192.0.2.2:8081"), .peer = peer,
	    .generation = generation };

	registry_resume(r, &q, epoch, at(200));
}

START_TEST(registry_started_anew)
{
	fx_main(r, 11, "b.main", PEER_NONE, "b", 0);
	fx_main(r, 12, "a.main", 0, "a", 0);
	fx_settle(r);
	r = fixture_restart(r, 100);
	fx_peers(r, 1, 3, 100);
	ck_assert_uint_eq(peers_linked(registry_peers(r)), 0);
	resume(11, 1, "b.main", PEER_NONE, 0);
	resume(12, 1, "a.main", 0, 1);
	ck_assert(!linked("b.main"));
	fx_silent(r);
	ck_assert(linked("b.main") && linked("a.main"));
	ck_assert_uint_eq(peers_link(registry_peers(r), 12)->peer, 0);
	/* Both sides start anew: a snapshot each, and each is asked for. */
	ck_assert_uint_eq(drain(MSG_PEER_RESYNC), 2);
	/* Said twice, it is still there once. */
	resume(11, 1, "b.main", PEER_NONE, 0);
	fx_silent(r);
	ck_assert_uint_eq(peers_linked(registry_peers(r)), 2);
	ck_assert_uint_eq(drain(MSG_PEER_RESYNC), 0);
	fx_main(r, 13, "a.main", PEER_NONE, "a", 210);
	denies(13, 409, REGISTRY_DUPLICATE_NODE, "linked already");
}
END_TEST

/* Its index is none of this one; where it was dialled to is known. */
START_TEST(resumed_for_another_generation)
{
	static const uint32_t peers[] = { 0, PEER_NONE, PEER_NONE };

	fx_main(r, 12, "a.main", 0, "a", 0);
	fx_settle(r);
	if (_i == 2)
		fx_sql("DELETE FROM place");
	r = fixture_restart(r, 100);
	fx_peers(r, 2, _i == 1 ? 0 : 3, 100);
	resume(12, 1, "a.main", 2, 1);
	fx_settle(r);
	ck_assert_uint_eq(peers_link(registry_peers(r), 12)->peer, peers[_i]);
	ck_assert(peers_link(registry_peers(r), 12)->dialled);
}
END_TEST

START_TEST(resumed_in_vain)
{
	fx_main(r, 11, "b.main", PEER_NONE, "b", 0);
	fx_main(r, 12, "b.main", PEER_NONE, "b", 0);
	fx_settle(r);
	resume(11, 1, "b.main", PEER_NONE, 0);	/* replaced */
	resume(13, 1, "main.example", PEER_NONE, 0);
	resume(14, 2, "b.main", PEER_NONE, 0);	/* another's epoch */
	resume(15, 1, "no node", PEER_NONE, 0);
	fx_silent(r);
	ck_assert_uint_eq(peers_linked(registry_peers(r)), 1);
	ck_assert_uint_eq(peers_link_of(registry_peers(r), "b.main")->session,
	    12);
}
END_TEST

START_TEST(router_started_anew)
{
	fx_main(r, 11, "b.main", PEER_NONE, "b", 0);
	fx_settle(r);
	registry_violation(r, 11, "why");
	registry_router_gone(r, at(10));
	fx_silent(r);
	ck_assert(!linked("b.main"));
	ck_assert_uint_eq(peers_linked(registry_peers(r)), 0);
	ck_assert_int_eq(fx_mesh(r, &m), MSG_NONE);
	registry_router_up(r);
	fx_main(r, 12, "b.main", PEER_NONE, "b", 20);
	accepts(12, 0);
	ck_assert(linked("b.main"));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("mesh");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, rows_of_own_homes);
	tcase_add_test(tc, health_after_registration);
	tcase_add_test(tc, own_services_are_not_for_peers);
	tcase_add_test(tc, rows_that_break_the_rules);
	tcase_add_test(tc, queries);
	tcase_add_test(tc, answer_behind_rows);
	tcase_add_test(tc, registry_started_anew);
	tcase_add_loop_test(tc, resumed_for_another_generation, 0, 3);
	tcase_add_test(tc, resumed_in_vain);
	tcase_add_test(tc, router_started_anew);
	return (suite_run("registry mesh", tc));
}
