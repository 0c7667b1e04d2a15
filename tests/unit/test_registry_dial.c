/* SPDX-License-Identifier: ISC */
/* Links with other Mains: the dialer, and generations. */
#include "relay-registry/peer.h"
#include "tests/unit/registry_peer_fixture.h"
#include "tests/unit/suite.h"

static bool
told(uint32_t index, enum peer_state state, const char *node)
{
	return (peers_told(&p, index, p.generation, state, 500, node, "why",
	    at(0)));
}

/* The next thing to say must be this, or nothing (0). */
static void
says(uint32_t index, enum peer_dial want)
{
	enum peer_dial what;
	uint32_t i;

	if (!peers_next_dial(&p, &i, &what)) {
		ck_assert_msg(want == 0, "nothing is said");
		return;
	}
	ck_assert_msg(want != 0, "%u is told %d", i, what);
	ck_assert_uint_eq(i, index);
	ck_assert_int_eq(what, want);
}

/* --- the dialer --- */

START_TEST(nothing_is_said_of_itself)
{
	configure(1);
	says(0, 0);
	ck_assert(told(0, PEER_WAITING, ""));
	ck_assert(told(1, PEER_DIALING, ""));
	ck_assert(told(2, PEER_UP, "c.main"));
	says(0, 0);
	add(1, "c.main", 2, "", 0);
	says(0, 0);
	add(2, "x.main", PEER_NONE, "", 0);
	says(0, 0);
}
END_TEST

START_TEST(holds_who_is_linked)
{
	configure(1);
	add(1, "b.main", PEER_NONE, "", 0);
	says(1, PEER_HOLD);
	says(0, 0);
	peers_link_remove(&p, peers_link(&p, 1));
	says(1, PEER_GO_ON);
	says(0, 0);
}
END_TEST

START_TEST(learns_who_is_linked)
{
	configure(1);
	add(1, "a.main", PEER_NONE, "", 0);
	says(0, 0);
	/* It answered at a: linked already. */
	ck_assert(told(0, PEER_WAITING, "a.main"));
	says(0, PEER_HOLD);
	says(0, 0);
	/* A state without a name teaches nothing. */
	ck_assert(told(0, PEER_HELD, ""));
	ck_assert_str_eq(peer_id(&p.list[0]), "a.main");
	/* Another answers there now. */
	ck_assert(told(0, PEER_HELD, "new.main"));
	says(0, PEER_GO_ON);
	/* Where it is configured, that counts. */
	ck_assert(told(1, PEER_WAITING, "a.main"));
	ck_assert_str_eq(peer_id(&p.list[1]), "b.main");
	says(0, 0);
}
END_TEST

START_TEST(two_urls_of_one_main)
{
	configure(1);
	ck_assert(told(0, PEER_UP, "a.main"));
	add(1, "a.main", 0, "", 0);
	ck_assert(told(2, PEER_WAITING, "a.main"));
	says(2, PEER_HOLD);
	says(0, 0);
	peers_link_remove(&p, peers_link(&p, 1));
	says(2, PEER_GO_ON);
}
END_TEST

START_TEST(dialer_that_was_started_anew)
{
	configure(1);
	add(1, "b.main", PEER_NONE, "", 0);
	says(1, PEER_HOLD);
	ck_assert(told(1, PEER_HELD, ""));
	says(0, 0);
	/* It knows of no hold. */
	ck_assert(told(1, PEER_DIALING, ""));
	says(1, PEER_HOLD);
	/* One that is held, by a former registry, for a link that is gone. */
	peers_link_remove(&p, peers_link(&p, 1));
	says(1, PEER_GO_ON);
	ck_assert(told(2, PEER_HELD, ""));
	says(2, PEER_GO_ON);
	says(0, 0);
}
END_TEST

/* The hold is for what comes after it: to say it again would never end. */
START_TEST(a_handshake_goes_on)
{
	configure(1);
	ck_assert(told(1, PEER_HANDSHAKE, ""));
	add(1, "b.main", PEER_NONE, "", 0);
	says(1, PEER_HOLD);
	ck_assert(told(1, PEER_HANDSHAKE, ""));
	says(1, 0);
	ck_assert(told(1, PEER_HELD, ""));
	says(1, 0);
	/* One that dials after that was started anew. */
	ck_assert(told(1, PEER_WAITING, ""));
	says(1, PEER_HOLD);
	peers_link_remove(&p, peers_link(&p, 1));
	says(1, PEER_GO_ON);
}
END_TEST

START_TEST(registry_that_was_started_anew)
{
	configure(1);
	ck_assert(told(0, PEER_WAITING, ""));
	add(1, "b.main", PEER_NONE, "", 0);
	says(1, PEER_HOLD);
	peers_release_unknown(&p);
	says(2, PEER_GO_ON);
	says(0, 0);
	peers_release_unknown(&p);
	says(0, 0);
}
END_TEST

START_TEST(at_once)
{
	configure(1);
	p.list[0].at_once = true;
	says(0, PEER_AT_ONCE);
	says(0, 0);
	/* Not one that is linked by the other side. */
	add(1, "b.main", PEER_NONE, "", 0);
	p.list[1].at_once = true;
	says(1, PEER_HOLD);
	says(0, 0);
	p.list[1].at_once = true;
	says(0, 0);
	peers_link_remove(&p, peers_link(&p, 1));
	says(1, PEER_GO_ON);
	says(1, PEER_AT_ONCE);
	says(0, 0);
}
END_TEST

START_TEST(states_that_do_not_count)
{
	configure(7);
	ck_assert(!peers_told(&p, 0, 6, PEER_UP, 0, "a.main", "", at(0)));
	ck_assert(!peers_told(&p, 0, 8, PEER_UP, 0, "a.main", "", at(0)));
	ck_assert(!peers_told(&p, 3, 7, PEER_UP, 0, "a.main", "", at(0)));
	ck_assert(!peers_told(&p, PEER_NONE, 7, PEER_UP, 0, "", "", at(0)));
	ck_assert_int_eq(p.list[0].state, PEER_UNKNOWN);
	ck_assert_str_eq(p.list[0].learned, "");
}
END_TEST

START_TEST(time_to_the_next_dial)
{
	configure(1);
	ck_assert(peers_told(&p, 0, 1, PEER_WAITING, 700, "", "", at(100)));
	ck_assert_int_eq(peer_retry_in_ms(&p.list[0], at(100)), 700);
	ck_assert_int_eq(peer_retry_in_ms(&p.list[0], at(300)), 500);
	ck_assert_int_eq(peer_retry_in_ms(&p.list[0], at(5000)), 0);
	ck_assert(told(0, PEER_DIALING, ""));
	ck_assert_int_eq(peer_retry_in_ms(&p.list[0], at(0)), 0);
	ck_assert(told(0, PEER_UP, ""));
	ck_assert_int_eq(peer_retry_in_ms(&p.list[0], at(0)), -1);
	ck_assert(told(0, PEER_HELD, ""));
	ck_assert_int_eq(peer_retry_in_ms(&p.list[0], at(0)), -1);
}
END_TEST

/* --- generations --- */

START_TEST(carries_over)
{
	const struct peer_conf list[2] = { conf_of("new", ""),
	    conf_of("a", "") };

	configure(1);
	ck_assert(told(0, PEER_UP, "a.main"));
	ck_assert(told(2, PEER_WAITING, "c.main"));
	add(1, "a.main", 0, "", 0);
	add(2, "c.main", PEER_NONE, "", 0);
	add(3, "b.main", 1, "", 0);
	says(2, PEER_HOLD);
	peers_configure(&p, 2, list, 2);
	ck_assert_str_eq(p.list[0].learned, "");
	ck_assert_int_eq(p.list[0].state, PEER_UNKNOWN);
	ck_assert_str_eq(p.list[1].learned, "a.main");
	ck_assert_int_eq(p.list[1].state, PEER_UP);
	ck_assert_uint_eq(peers_link(&p, 1)->peer, 1);
	/* Its URL is configured no more; the link is. */
	ck_assert_uint_eq(peers_link(&p, 3)->peer, PEER_NONE);
	ck_assert(peers_link(&p, 3)->dialled);
	says(0, 0);
	/* It is there again, under another URL: that may be dialled. */
	configure(3);
	says(0, 0);
	ck_assert_uint_eq(peers_find_id(&p, "a.main"), 0);
	ck_assert_uint_eq(peers_find_id(&p, ""), PEER_NONE);
	ck_assert_uint_eq(peers_find_url(&p, "c", 80, "/ws/peers"), 2);
	ck_assert_uint_eq(peers_find_url(&p, "c", 81, "/ws/peers"), PEER_NONE);
	ck_assert_uint_eq(peers_find_url(&p, "c", 80, "/ws"), PEER_NONE);
	ck_assert_uint_eq(peers_find_url(&p, "d", 80, "/ws/peers"), PEER_NONE);
}
END_TEST

START_TEST(a_hold_is_carried_over)
{
	configure(1);
	add(1, "b.main", PEER_NONE, "", 0);
	says(1, PEER_HOLD);
	configure(2);
	says(0, 0);
	peers_link_remove(&p, peers_link(&p, 1));
	says(1, PEER_GO_ON);
}
END_TEST

START_TEST(coming)
{
	struct peer_conf c = conf_of("d", "");
	int i;

	configure(1);
	ck_assert(peers_coming_add(&p, &c, at(0)));
	ck_assert(!peers_coming_add(&p, &c, at(0)));
	ck_assert_ptr_nonnull(peers_coming(&p, "d", 80, "/ws/peers"));
	/* A generation that had begun without it. */
	configure(2);
	ck_assert_uint_eq(p.n_coming, 1);
	peers_configure(&p, 3, &c, 1);
	ck_assert_uint_eq(p.n_coming, 0);
	/* One that never comes. */
	c.port = 81;
	ck_assert(peers_coming_add(&p, &c, at(0)));
	c.port = 82;
	ck_assert(peers_coming_add(&p, &c, at(1)));
	peers_coming_expire(&p, at(2 * LIMIT_SETUP_MS - 1));
	ck_assert_uint_eq(p.n_coming, 2);
	peers_coming_expire(&p, at(2 * LIMIT_SETUP_MS));
	ck_assert_uint_eq(p.n_coming, 1);
	ck_assert_ptr_null(peers_coming(&p, "d", 81, "/ws/peers"));
	for (i = 0; p.n + p.n_coming < LIMIT_PEERS; i++) {
		c.port = (uint16_t)(100 + i);
		ck_assert(peers_coming_add(&p, &c, at(2)));
	}
	c.port = 99;
	ck_assert(!peers_coming_add(&p, &c, at(2)));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("dialer");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, nothing_is_said_of_itself);
	tcase_add_test(tc, holds_who_is_linked);
	tcase_add_test(tc, learns_who_is_linked);
	tcase_add_test(tc, two_urls_of_one_main);
	tcase_add_test(tc, dialer_that_was_started_anew);
	tcase_add_test(tc, a_handshake_goes_on);
	tcase_add_test(tc, registry_that_was_started_anew);
	tcase_add_test(tc, at_once);
	tcase_add_test(tc, states_that_do_not_count);
	tcase_add_test(tc, time_to_the_next_dial);
	tcase_add_test(tc, carries_over);
	tcase_add_test(tc, a_hold_is_carried_over);
	tcase_add_test(tc, coming);
	return (suite_run("registry dialer", tc));
}
