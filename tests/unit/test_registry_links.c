/* SPDX-License-Identifier: ISC */
/* Links with other Mains: who may, and which one stays. */
#include <stdio.h>

#include "tests/unit/registry_fixture.h"
#include "tests/unit/registry_links_fixture.h"
#include "tests/unit/suite.h"

#define YOUNG	(LIMIT_HANDSHAKE_MS - 1)

#define SILENT	(LIMIT_PING_MS * 3 / 2)	/* a link may be dead */

/* --- who may link --- */

START_TEST(accepts_a_main)
{
	fx_main(r, 11, "B.Main", PEER_NONE, "b", 0);
	ck_assert_ptr_null(registry_reply(r));
	ck_assert(!linked("b.main"));
	ck_assert_str_eq(accepts(11, 0)->node, "b.main");
	/* It is no home that the router should know of. */
	fx_silent(r);
	ck_assert(linked("b.main"));
	ck_assert_int_eq(fx_number("SELECT count(*) FROM node"
	    " WHERE id = 'b.main' AND kind = 2"), 1);
	mesh_says(MSG_PEER_ROWS);
}
END_TEST

START_TEST(own_id)
{
	fx_main(r, 11, "main.example", PEER_NONE, "b", 0);
	denies(11, 409, REGISTRY_DUPLICATE_NODE, "this relay's own");
	fx_main(r, 12, "MAIN.example", 0, "b", 0);
	denies(12, 409, REGISTRY_DUPLICATE_NODE, "dials itself");
	ck_assert_uint_eq(drain(MSG_PEER_ROWS), 0);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM node"), 1);
}
END_TEST

START_TEST(id_of_a_live_home)
{
	fx_home(r, 11, "alice.home", 0);
	fx_main(r, 12, "alice.home", PEER_NONE, "b", 1);
	denies(12, 409, REGISTRY_DUPLICATE_NODE, "a home with this id");
	fx_main(r, 13, "alice.home", 0, "b", 1);
	denies(13, 409, REGISTRY_DUPLICATE_NODE, "a home with this id");
	/* Once it has left, the id is free, and known as a home's no more. */
	fx_close(r, 11, 2);
	fx_settle(r);
	fx_main(r, 14, "alice.home", PEER_NONE, "b", 3);
	ck_assert(!fx_expect(r, MSG_NODE_STATE, 0)->known);
	accepts(14, 0);
}
END_TEST

START_TEST(home_with_the_id_of_a_main)
{
	fx_main(r, 11, "b.main", PEER_NONE, "b", 0);
	fx_settle(r);
	fx_open(r, 12, "b.main", "x", "192.0.2.1:1", 1);
	denies(12, 409, REGISTRY_DUPLICATE_NODE, "a Main with this id");
	fx_resume(r, 13, 9, "b.main", 1);
	fx_silent(r);
	ck_assert(linked("b.main"));
	fx_close(r, 11, 2);
	fx_settle(r);
	fx_open(r, 14, "b.main", "x", "192.0.2.1:1", 3);
	accepts(14, 0);
}
END_TEST

START_TEST(not_who_is_configured)
{
	fx_main(r, 11, "other.main", 1, "b", 0);
	denies(11, 403, REGISTRY_FORBIDDEN,
	    "it calls itself other.main, the configuration says "
	    "expected.main");
	fx_main(r, 12, "expected.main", 1, "b", 0);
	accepts(12, 0);
	/* Who dials us is asked by nobody who it should be. */
	fx_main(r, 13, "other.main", PEER_NONE, "b", 0);
	accepts(13, 0);
}
END_TEST

START_TEST(dialled_for_another_generation)
{
	struct session_request q = { .session = 11, .kind = NODE_PEER,
	    .node = span_str("b.main"), .boot = span_str("b"),
	    .address = span_str("x:1"), .peer = 0, .generation = 2 };

	registry_open(r, &q, at(0));
	denies(11, 503, REGISTRY_OVERLOADED, "no longer in force");
	q.generation = 1;
	q.peer = 3;
	registry_open(r, &q, at(0));
	denies(11, 503, REGISTRY_OVERLOADED, "no longer in force");
	fx_peers(r, 2, 3, 0);
	q.peer = 0;
	registry_open(r, &q, at(0));
	denies(11, 503, REGISTRY_OVERLOADED, "no longer in force");
}
END_TEST

START_TEST(no_room)
{
	char node[16];
	uint64_t i;

	/* Of one the id is configured. */
	for (i = 1; i <= LIMIT_PEERS - 1; i++) {
		snprintf(node, sizeof(node), "n%02u", (unsigned int)i);
		fx_main(r, i, node, PEER_NONE, "b", 0);
	}
	fx_settle(r);
	fx_main(r, 100, "one.more", PEER_NONE, "b", 1);
	denies(100, 503, REGISTRY_OVERLOADED, "as many Mains as may be");
	fx_main(r, 101, "n07", PEER_NONE, "b", 1);
	accepts(101, 7);
	fx_main(r, 102, "expected.main", PEER_NONE, "b", 1);
	accepts(102, 0);
}
END_TEST

START_TEST(registers_no_services)
{
	struct service s = fx_service("evil", 0);
	const struct reply *v;

	fx_main(r, 11, "b.main", PEER_NONE, "b", 0);
	fx_settle(r);
	registry_register(r, 11, 5, &s, 1, fx_now());
	v = fx_expect(r, MSG_REGISTERED, 11);
	ck_assert_ptr_nonnull(v->verdicts[0].rule);
	fx_silent(r);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM service"), 0);
	service_clear(&s);
}
END_TEST

START_TEST(a_home_takes_no_mains)
{
	fixture_free(r);
	r = fixture_home();
	fx_main(r, 11, "b.main", PEER_NONE, "b", 0);
	denies(11, 403, REGISTRY_FORBIDDEN, "a home takes no links");
	ck_assert_uint_eq(drain(MSG_PEER_ROWS), 0);
}
END_TEST

/* --- which link stays: more of it in test_registry_peer.c --- */

/* a.main is before main.example, z.main behind it. */
static const struct {
	const char	*node;
	uint32_t	 first, second;
	int64_t		 age;
	bool		 replaces;
} crossings[] = {
	{ "a.main", 0, PEER_NONE, 5, false },
	{ "a.main", PEER_NONE, 0, 5, false },
	{ "a.main", PEER_NONE, 0, YOUNG + 1, true },
	{ "z.main", 0, PEER_NONE, 5, false },
	{ "z.main", 0, PEER_NONE, YOUNG + 1, false },
	{ "z.main", 0, PEER_NONE, SILENT, true },
	{ "z.main", PEER_NONE, 0, 5, true },
	{ "z.main", PEER_NONE, PEER_NONE, 5, true },
	{ "a.main", 0, 0, 5, true },
};

/* Whether the first was committed before the second came or not. */
START_TEST(crossing)
{
	size_t i = (size_t)_i / 2;

	fx_main(r, 11, crossings[i].node, crossings[i].first, "b", 0);
	if (_i % 2 == 0 || crossings[i].age > YOUNG)
		fx_settle(r);
	fx_main(r, 12, crossings[i].node, crossings[i].second, "b",
	    crossings[i].age);
	if (_i % 2 != 0 && crossings[i].age <= YOUNG)
		accepts(11, 0);
	if (crossings[i].replaces)
		accepts(12, 11);
	else
		denies(12, 409, REGISTRY_DUPLICATE_NODE, "linked already");
	fx_silent(r);
	ck_assert_uint_eq(peers_linked(registry_peers(r)), 1);
	ck_assert_uint_eq(peers_link_of(registry_peers(r),
	    crossings[i].node)->session, crossings[i].replaces ? 12 : 11);
	/* The end of the other one changes nothing. */
	fx_close(r, crossings[i].replaces ? 11 : 12, crossings[i].age);
	fx_settle(r);
	ck_assert(linked(crossings[i].node));
}
END_TEST

START_TEST(two_mains_with_one_id)
{
	fx_main(r, 11, "a.main", 0, "one", 0);
	fx_settle(r);
	fx_main(r, 12, "a.main", PEER_NONE, "two", 20);
	denies(12, 409, REGISTRY_DUPLICATE_NODE, "another Main with this id");
	fx_main(r, 13, "a.main", 2, "two", YOUNG + 1);
	denies(13, 409, REGISTRY_DUPLICATE_NODE, "another Main with this id");
	registry_seen(r, 11, 0, at(LIMIT_PING_MS));
	fx_main(r, 14, "a.main", PEER_NONE, "two", LIMIT_PING_MS * 2);
	denies(14, 409, REGISTRY_DUPLICATE_NODE, "another Main with this id");
	/* It is not heard of any more. */
	fx_main(r, 15, "a.main", PEER_NONE, "two", LIMIT_PING_MS * 3);
	accepts(15, 11);
}
END_TEST

/* Both dial us: as with homes. */
START_TEST(clones)
{
	uint64_t i;

	for (i = 1; i <= 4; i++) {
		fx_main(r, i, "a.main", PEER_NONE, i % 2 ? "one" : "two",
		    (int64_t)i * 1000);
		accepts(i, i - 1);
	}
	fx_main(r, 5, "a.main", PEER_NONE, "one", 5000);
	denies(5, 409, REGISTRY_DUPLICATE_NODE, "another node with this id");
	ck_assert_uint_eq(peers_link_of(registry_peers(r), "a.main")->session,
	    4);
}
END_TEST

START_TEST(dialer_hears_of_it)
{
	struct peers *p = registry_peers(r);

	fx_main(r, 11, "expected.main", PEER_NONE, "b", 0);
	fx_dial(r, 1, 0);
	fx_settle(r);
	fx_dial(r, 1, PEER_HOLD);
	fx_close(r, 11, 1);
	fx_dial(r, 1, 0);
	fx_settle(r);
	fx_dial(r, 1, PEER_GO_ON);
	/* One whose id is learned from its refusal. */
	fx_main(r, 12, "a.main", PEER_NONE, "b", 2);
	fx_settle(r);
	fx_dial(r, 0, 0);
	ck_assert(peers_told(p, 0, 1, PEER_WAITING, 1000, "a.main",
	    "409 linked already", at(2).mono));
	fx_dial(r, 0, PEER_HOLD);
	registry_router_gone(r, at(3));
	fx_dial(r, 0, PEER_GO_ON);
	fx_dial(r, 0, 0);
}
END_TEST

/* One that has another's id by mistake is dialled until it has its own. */
START_TEST(a_false_id_holds_no_dial)
{
	struct peers *p = registry_peers(r);

	fx_main(r, 11, "a.main", PEER_NONE, "one", 0);
	accepts(11, 0);
	ck_assert(peers_told(p, 0, 1, PEER_UP, 0, "a.main", "", at(1).mono));
	fx_dial(r, 0, PEER_HOLD);
	fx_main(r, 12, "a.main", 0, "two", 1);
	denies(12, 409, REGISTRY_DUPLICATE_NODE, "another Main with this id");
	fx_dial(r, 0, PEER_GO_ON);
	ck_assert(peers_told(p, 0, 1, PEER_WAITING, 1000, "a.main",
	    "another Main with this id is linked", at(2).mono));
	fx_dial(r, 0, 0);
	/* One Main that is linked already is another matter. */
	fx_main(r, 13, "a.main", 2, "one", YOUNG);
	fx_settle(r);
	ck_assert(peers_told(p, 2, 1, PEER_WAITING, 1000, "a.main",
	    "linked already", at(YOUNG).mono));
	fx_main(r, 14, "c.main", 0, "two", YOUNG + 1);
	fx_settle(r);
	ck_assert(linked("a.main") && linked("c.main"));
}
END_TEST

START_TEST(learns_whom_it_dialled)
{
	fx_main(r, 11, "a.main", 0, "b", 0);
	fx_settle(r);
	fx_main(r, 12, "a.main", PEER_NONE, "b", SILENT);
	accepts(12, 11);
	fx_dial(r, 0, PEER_HOLD);
	fx_close(r, 12, SILENT + 1);
	fx_settle(r);
	fx_dial(r, 0, PEER_GO_ON);
	ck_assert_uint_eq(peers_find_id(registry_peers(r), "a.main"), 0);
}
END_TEST

/* --- a transaction that fails --- */

START_TEST(refused_with_the_transaction)
{
	sqlite3 *db;

	fx_main(r, 11, "a.main", PEER_NONE, "b", 0);
	fx_settle(r);
	(void)drain(MSG_NONE);
	db = fx_lock();
	fx_main(r, 12, "a.main", PEER_NONE, "b", 1);
	fx_main(r, 13, "b.main", PEER_NONE, "b", 1);
	ck_assert(!registry_commit(r, at(1)));
	denies(12, 503, REGISTRY_OVERLOADED, "cannot write");
	denies(13, 503, REGISTRY_OVERLOADED, "cannot write");
	ck_assert(linked("a.main"));
	ck_assert(!linked("b.main"));
	ck_assert_uint_eq(peers_link_of(registry_peers(r), "a.main")->session,
	    11);
	ck_assert_uint_eq(drain(MSG_PEER_ROWS), 0);
	/* A close needs no permission. */
	fx_close(r, 11, 2);
	(void)registry_commit(r, at(2));
	ck_assert(!linked("a.main"));
	fx_unlock(db);
	fx_main(r, 14, "a.main", PEER_NONE, "b", 3);
	accepts(14, 0);
}
END_TEST

START_TEST(open_and_close_in_one_turn)
{
	fx_main(r, 11, "a.main", PEER_NONE, "b", 0);
	fx_close(r, 11, 0);
	accepts(11, 0);
	fx_silent(r);
	ck_assert(!linked("a.main"));
	ck_assert_uint_eq(peers_linked(registry_peers(r)), 0);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("links");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, accepts_a_main);
	tcase_add_test(tc, own_id);
	tcase_add_test(tc, id_of_a_live_home);
	tcase_add_test(tc, home_with_the_id_of_a_main);
	tcase_add_test(tc, not_who_is_configured);
	tcase_add_test(tc, dialled_for_another_generation);
	tcase_add_test(tc, no_room);
	tcase_add_test(tc, registers_no_services);
	tcase_add_test(tc, a_home_takes_no_mains);
	tcase_add_loop_test(tc, crossing, 0,
	    2 * (int)(sizeof(crossings) / sizeof(crossings[0])));
	tcase_add_test(tc, two_mains_with_one_id);
	tcase_add_test(tc, clones);
	tcase_add_test(tc, dialer_hears_of_it);
	tcase_add_test(tc, a_false_id_holds_no_dial);
	tcase_add_test(tc, learns_whom_it_dialled);
	tcase_add_test(tc, refused_with_the_transaction);
	tcase_add_test(tc, open_and_close_in_one_turn);
	return (suite_run("registry links", tc));
}
