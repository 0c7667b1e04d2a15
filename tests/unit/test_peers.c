/* SPDX-License-Identifier: ISC */
/* Peers in the parent: adding them. */
#include "common/wire.h"
#include "relayd/relayd.h"
#include "tests/unit/parent_peers_fixture.h"
#include "tests/unit/suite.h"

START_TEST(an_added_peer_is_in_the_next_generation)
{
	const struct peer *p;

	ck_assert_uint_eq(rd.peers.count, 2);
	ck_assert(say_add("b.example", 80, "/ws/peers", "b.main", true, true));
	ck_assert_uint_eq(changes, 1);
	ck_assert_uint_eq(rd.peers.count, 2);
	commit();
	ck_assert_uint_eq(rd.peers.count, 3);
	p = &rd.peers.list[2];
	ck_assert_str_eq(p->host, "b.example");
	ck_assert_uint_eq(p->port, 80);
	ck_assert_str_eq(p->path, "/ws/peers");
	ck_assert_str_eq(p->node_id, "b.main");
	ck_assert_int_eq(p->origin, PEER_PERSISTED);
	ck_assert_int_eq(rd.peers.list[0].origin, PEER_CONFIGURED);
	peers_apply(&rd);
	ck_assert_uint_eq(changes, 1);
}
END_TEST

START_TEST(what_is_there_already_changes_nothing)
{
	ck_assert(say_add("127.0.0.1", 1, "/ws/peers", "", false, true));
	ck_assert_uint_eq(changes, 0);
	ck_assert_uint_eq(rd.added.count, 0);
	ck_assert(say_add("::1", 3, "/", "", false, false));
	commit();
	ck_assert(say_add("::1", 3, "/", "", false, false));
	ck_assert_uint_eq(changes, 1);
	ck_assert_uint_eq(rd.added.count, 1);
	/* But what is said about it may change. */
	ck_assert(say_add("::1", 3, "/", "c.main", false, true));
	ck_assert_uint_eq(changes, 2);
	ck_assert_uint_eq(rd.added.count, 1);
	commit();
	ck_assert_str_eq(rd.peers.list[2].node_id, "c.main");
	ck_assert_int_eq(rd.peers.list[2].origin, PEER_PERSISTED);
	ck_assert(say_add("::1", 3, "/", "c.main", false, false));
	ck_assert_uint_eq(changes, 3);
	commit();
	ck_assert_int_eq(rd.peers.list[2].origin, PEER_ADDED);
	ck_assert(say_add("::1", 3, "/", "c.main", true, false));
	ck_assert_uint_eq(changes, 4);
}
END_TEST

START_TEST(with_tls_and_without_it_is_the_same_peer)
{
	char url[URL_TEXT_MAX + 1];

	ck_assert(say_add("b.example", 1, "/", "", true, false));
	commit();
	ck_assert_str_eq(peer_text(&rd.peers.list[2], url),
	    "ws://b.example:1/");
	ck_assert(say_add_tls("b.example", 1, "/", false));
	ck_assert_uint_eq(changes, 2);
	ck_assert_uint_eq(rd.added.count, 1);
	commit();
	ck_assert_uint_eq(rd.peers.count, 3);
	ck_assert(rd.peers.list[2].tls);
	ck_assert(!rd.peers.list[2].insecure);
	ck_assert_str_eq(peer_text(&rd.peers.list[2], url),
	    "wss://b.example:1/");
	ck_assert(say_add_tls("b.example", 1, "/", false));
	ck_assert_uint_eq(changes, 2);
	/* On loopback nothing else tells one from the other. */
	ck_assert(say_add("127.0.0.1", 7, "/", "", false, false));
	commit();
	ck_assert(say_add_tls("127.0.0.1", 7, "/", false));
	ck_assert_uint_eq(changes, 4);
	commit();
	ck_assert_uint_eq(rd.peers.count, 4);
	ck_assert(rd.peers.list[3].tls);
	/* And one of the configuration stays what it is there. */
	ck_assert(say_add_tls("127.0.0.1", 1, "/ws/peers", false));
	ck_assert_uint_eq(changes, 4);
}
END_TEST

START_TEST(tls_is_not_insecure)
{
	ck_assert(!say_add_tls("b.example", 1, "/", true));
	ck_assert(!say_add_tls("127.0.0.1", 1, "/", true));
	ck_assert(!say_add_tls("b..example", 1, "/", false));
	ck_assert(!say_add_tls("b.example", 0, "/", false));
	ck_assert_uint_eq(changes, 0);
	ck_assert_uint_eq(rd.added.count, 0);
}
END_TEST

START_TEST(a_change_under_way_is_waited_for)
{
	rd.change.state = CHANGE_SENT;
	ck_assert(say_add("::1", 3, "/", "", false, false));
	ck_assert(say_add("::1", 4, "/", "", false, false));
	ck_assert_uint_eq(changes, 0);
	rd.change.state = CHANGE_NONE;
	peers_apply(&rd);
	ck_assert_uint_eq(changes, 1);
	commit();
	ck_assert_uint_eq(rd.peers.count, 4);
}
END_TEST

START_TEST(nothing_begins_while_relayd_stops)
{
	rd.stop.stage = STOP_DRAIN;
	ck_assert(say_add("::1", 3, "/", "", false, false));
	ck_assert_uint_eq(changes, 0);
}
END_TEST

static const struct {
	const char	*host;
	uint16_t	 port;
	const char	*path;
	const char	*node;
	bool		 insecure;
} bad_peers[] = {
	{ "", 1, "/", "", true },
	{ "b.example", 0, "/", "", true },
	{ "b.example", 1, "", "", true },
	{ "b.example", 1, "x", "", true },
	{ "b.example", 1, "/#x", "", true },
	{ "b.example", 1, "/x y", "", true },
	{ "b.example", 1, "/", "", false },
	{ "192.0.2.1", 1, "/", "", false },
	{ "B.example", 1, "/", "", true },
	{ "b..example", 1, "/", "", true },
	{ "b@example", 1, "/", "", true },
	{ "b.example:1", 1, "/", "", true },
	{ "b/example", 1, "/", "", true },
	{ "b.example#", 1, "/", "", true },
	{ "[::1]", 1, "/", "", true },
	{ "0:0::1", 1, "/", "", true },
	{ "fe80::1%eth0", 1, "/", "", true },
	{ "127.1", 1, "/", "", true },
	{ "::1", 1, "/", "B.main", true },
	{ "::1", 1, "/", "b@main", true },
	{ "::1", 1, "/", "..", true },
};

START_TEST(a_bad_peer_is_the_registrys_fault)
{
	ck_assert_msg(!say_add(bad_peers[_i].host, bad_peers[_i].port,
	    bad_peers[_i].path, bad_peers[_i].node, bad_peers[_i].insecure,
	    false), "accepted: %s %u %s %s", bad_peers[_i].host,
	    bad_peers[_i].port, bad_peers[_i].path, bad_peers[_i].node);
	ck_assert_uint_eq(changes, 0);
	ck_assert_uint_eq(rd.added.count, 0);
}
END_TEST

START_TEST(a_home_has_no_peers)
{
	conf.role = ROLE_HOME;
	ck_assert(!say_add("::1", 3, "/", "", false, false));
	ck_assert_uint_eq(rd.added.count, 0);
}
END_TEST

START_TEST(malformed_messages_are_faults)
{
	struct wire_put *w = say();

	put_str(w, "::1");
	ck_assert(!heard(peers_on_add, PROC_REGISTRY));
	ck_assert(!heard(peers_on_delete, PROC_REGISTRY));
	ck_assert(!heard(peers_on_dial, PROC_REGISTRY));
	ck_assert(!heard(peers_on_state, PROC_DIALER));
	ck_assert(!say_dial(0, GENERATION, 0));
	ck_assert(!say_dial(0, GENERATION, 4));
	ck_assert(!say_state(0, GENERATION, 0, 0, "", ""));
	ck_assert(!say_state(0, GENERATION, 6, 0, "", ""));
	nothing(PROC_DIALER);
	nothing(PROC_REGISTRY);
	ck_assert_uint_eq(changes, 0);
}
END_TEST

START_TEST(there_is_a_limit)
{
	uint16_t i;

	for (i = 0; i < LIMIT_PEERS + 5; i++)
		ck_assert(say_add("::1", (uint16_t)(i + 1), "/", "", false,
		    false));
	commit();
	ck_assert_uint_eq(rd.peers.count, LIMIT_PEERS);
	ck_assert_uint_eq(rd.added.count, LIMIT_PEERS - 2);
	changes = 0;
	peers_apply(&rd);
	ck_assert_uint_eq(changes, 0);
}
END_TEST

START_TEST(a_reload_with_many_leaves_no_room)
{
	struct peers set = { NULL, 0 }, made;
	struct peer p = { .host = (char[]){ "::1" }, .path = (char[]){ "/" },
	    .origin = PEER_ADDED };

	for (p.port = 1; p.port <= LIMIT_PEERS; p.port++)
		peers_append(&set, &p);
	peers_make(&made, &conf, &set);
	ck_assert_uint_eq(made.count, LIMIT_PEERS);
	ck_assert_int_eq(made.list[1].origin, PEER_CONFIGURED);
	ck_assert_uint_eq(made.list[LIMIT_PEERS - 1].port, LIMIT_PEERS - 2);
	peers_free(&made);
	peers_free(&set);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("peers");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, an_added_peer_is_in_the_next_generation);
	tcase_add_test(tc, what_is_there_already_changes_nothing);
	tcase_add_test(tc, with_tls_and_without_it_is_the_same_peer);
	tcase_add_test(tc, tls_is_not_insecure);
	tcase_add_test(tc, a_change_under_way_is_waited_for);
	tcase_add_test(tc, nothing_begins_while_relayd_stops);
	tcase_add_loop_test(tc, a_bad_peer_is_the_registrys_fault, 0,
	    sizeof(bad_peers) / sizeof(bad_peers[0]));
	tcase_add_test(tc, a_home_has_no_peers);
	tcase_add_test(tc, malformed_messages_are_faults);
	tcase_add_test(tc, there_is_a_limit);
	tcase_add_test(tc, a_reload_with_many_leaves_no_room);
	return (suite_run("peers", tc));
}
