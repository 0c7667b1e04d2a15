/* SPDX-License-Identifier: ISC */
/* Links with other Mains: one a pair. */
#include <stdio.h>

#include "relay-registry/peer.h"
#include "tests/unit/registry_peer_fixture.h"
#include "tests/unit/suite.h"

#define YOUNG	(LIMIT_HANDSHAKE_MS - 1)

#define HEARD	(LIMIT_PING_MS * 3 / 2)	/* silent this long: maybe dead */

static enum peer_verdict
judge(const char *node, uint32_t peer, const char *boot, int64_t ms)
{
	const struct peer_ask q = ask(node, peer, boot);
	struct peer_link *link;

	return (peers_judge(&p, &q, at(ms), &link));
}

/*
 * This Main is m.main: of two that crossed a.main's stays, or ours to
 * z.main.
 */
static const struct {
	const char	*node;
	bool		 old_dialled, new_dialled;
	int64_t		 age;
	enum peer_verdict verdict;
} crossings[] = {
	{ "a.main", false, true, 0, PEER_KEEP },
	{ "a.main", false, true, YOUNG, PEER_KEEP },
	{ "a.main", false, true, YOUNG + 1, PEER_REPLACE },
	{ "a.main", true, false, 0, PEER_KEEP },
	{ "a.main", true, false, YOUNG, PEER_KEEP },
	{ "a.main", true, false, HEARD - 1, PEER_KEEP },
	{ "a.main", true, false, HEARD, PEER_REPLACE },
	{ "z.main", false, true, 0, PEER_REPLACE },
	{ "z.main", false, true, YOUNG, PEER_REPLACE },
	{ "z.main", false, true, YOUNG + 1, PEER_REPLACE },
	{ "z.main", true, false, 0, PEER_KEEP },
	{ "z.main", true, false, YOUNG, PEER_KEEP },
	{ "z.main", true, false, HEARD - 1, PEER_KEEP },
	{ "z.main", true, false, HEARD, PEER_REPLACE },
	/* The same side again: it has lost its link. */
	{ "a.main", false, false, 0, PEER_REPLACE },
	{ "z.main", false, false, YOUNG + 1, PEER_REPLACE },
	{ "a.main", true, true, 0, PEER_REPLACE },
	{ "z.main", true, true, YOUNG + 1, PEER_REPLACE },
};

START_TEST(crossing)
{
	configure(1);
	add(1, crossings[_i].node, crossings[_i].old_dialled ? 0 : PEER_NONE,
	    "boot", 0);
	ck_assert_int_eq(judge(crossings[_i].node, crossings[_i].new_dialled ?
	    0 : PEER_NONE, "boot", crossings[_i].age), crossings[_i].verdict);
}
END_TEST

/*
 * Two Mains that dial each other, each event of which is a request that comes
 * in or the answer to the own one, in each order that can be: the same link,
 * and just one, stays at both.
 */
struct pair {
	struct peers	 side[2];
	bool		 accepted[2];	/* the request of a, of b */
};

/* Side hears of the link that dialler dialled; false: it does not take it. */
static bool
hears(struct pair *pair, int side, int dialler, int64_t ms)
{
	static const char *const names[] = { "a.main", "b.main" };
	const struct peer_ask q = { names[side], names[!side], "",
	    side == dialler ? 0 : PEER_NONE, side == dialler };
	struct peers *ps = &pair->side[side];
	struct peer_link *old;

	switch (peers_judge(ps, &q, at(ms), &old)) {
	case PEER_TAKE:
	case PEER_REPLACE:
		/* The id of a link is its dialler's. */
		peers_link_up(ps, peers_link_add(ps, (uint64_t)dialler + 1, &q,
		    "", at(ms)));
		return (true);
	default:
		return (false);
	}
}

/* The answer to the dialler's request; what it does not take it closes. */
static void
answered(struct pair *pair, int dialler, int64_t ms)
{
	struct peers *other = &pair->side[!dialler];
	struct peer_link *l;

	if (!pair->accepted[dialler] || hears(pair, dialler, dialler, ms))
		return;
	if ((l = peers_link(other, (uint64_t)dialler + 1)) != NULL)
		peers_link_remove(other, l);
}

/* Events: A and B a request of a or b arrives, a and b its answer. */
static const char *const	 orders[] = { "AaBb", "ABab", "ABba",
    "BbAa", "BAab", "BAba" };

START_TEST(both_sides_agree)
{
	const struct peer_conf list[1] = { conf_of("x", "") };
	struct peer_link *at_a, *at_b;
	struct pair pair = { 0 };
	const char *e;
	int side, d;

	for (side = 0; side < 2; side++) {
		peers_init(&pair.side[side]);
		peers_configure(&pair.side[side], 1, list, 1);
	}
	for (e = orders[_i]; *e != '\0'; e++) {
		d = *e == 'B' || *e == 'b';
		if (*e == 'A' || *e == 'B')
			pair.accepted[d] = hears(&pair, !d, d,
			    e - orders[_i]);
		else
			answered(&pair, d, e - orders[_i]);
	}
	at_a = TAILQ_FIRST(&pair.side[0].links);
	at_b = TAILQ_FIRST(&pair.side[1].links);
	ck_assert(at_a != NULL && at_b != NULL);
	ck_assert_uint_eq(at_a->session, at_b->session);
	ck_assert_uint_eq(peers_linked(&pair.side[0]), 1);
	ck_assert_uint_eq(peers_linked(&pair.side[1]), 1);
	for (side = 0; side < 2; side++)
		peers_clear(&pair.side[side]);
}
END_TEST

START_TEST(two_mains_with_one_id)
{
	configure(1);
	/* We dialled one; another dials us, or answers at another URL. */
	add(1, "a.main", 0, "one", 0);
	ck_assert_int_eq(judge("a.main", PEER_NONE, "two", 0), PEER_CLASH);
	ck_assert_int_eq(judge("a.main", PEER_NONE, "two", YOUNG + 1),
	    PEER_CLASH);
	ck_assert_int_eq(judge("a.main", 2, "two", 0), PEER_CLASH);
	ck_assert_int_eq(judge("a.main", 2, "one", 0), PEER_KEEP);
	ck_assert_int_eq(judge("a.main", 2, "", 0), PEER_KEEP);
	/* The same URL: the Main there was started anew. */
	ck_assert_int_eq(judge("a.main", 0, "two", 0), PEER_REPLACE);
	/* Nothing was heard of the one that is linked. */
	ck_assert_int_eq(judge("a.main", PEER_NONE, "two",
	    LIMIT_PING_MS * 3 / 2), PEER_REPLACE);
	peers_link(&p, 1)->heard = at(LIMIT_PING_MS);
	ck_assert_int_eq(judge("a.main", PEER_NONE, "two",
	    LIMIT_PING_MS * 3 / 2), PEER_CLASH);
	/* What has no boot id cannot be told apart. */
	ck_assert_int_eq(judge("a.main", PEER_NONE, "", 0), PEER_KEEP);
}
END_TEST

START_TEST(one_that_was_told_to_end)
{
	configure(1);
	add(1, "a.main", 0, "one", 0)->ended = true;
	ck_assert_int_eq(judge("a.main", PEER_NONE, "two", 0), PEER_REPLACE);
	ck_assert_int_eq(judge("a.main", 2, "two", 0), PEER_REPLACE);
}
END_TEST

START_TEST(as_many_as_may_be)
{
	char node[16];
	uint64_t i;

	for (i = 1; i < LIMIT_PEERS; i++) {
		snprintf(node, sizeof(node), "n%02u", (unsigned int)i);
		add(i, node, PEER_NONE, "", 0);
	}
	/* Twice the same one, before the first is committed. */
	(void)peers_link_add(&p, 100, &(struct peer_ask){ "m.main", "n01", "",
	    PEER_NONE, false }, "", at(0));
	ck_assert_int_eq(judge("more", PEER_NONE, "", 0), PEER_TAKE);
	add(200, "more", PEER_NONE, "", 0);
	ck_assert_int_eq(judge("most", PEER_NONE, "", 0), PEER_FULL);
	/* Whom this one dials is somebody's will. */
	ck_assert_int_eq(judge("most", 0, "", 0), PEER_TAKE);
	ck_assert_int_eq(judge("more", PEER_NONE, "", 0), PEER_REPLACE);
	ck_assert_uint_eq(peers_linked(&p), LIMIT_PEERS);
	peers_link_remove(&p, peers_link(&p, 200));
	ck_assert_int_eq(judge("most", PEER_NONE, "", 0), PEER_TAKE);
}
END_TEST

/* Who comes by himself takes no place of one that is configured. */
START_TEST(room_for_the_configured)
{
	char node[16];
	uint64_t i;

	configure(1);
	/* Of one the id is known. */
	for (i = 1; i <= LIMIT_PEERS - 1; i++) {
		snprintf(node, sizeof(node), "n%02u", (unsigned int)i);
		ck_assert_int_eq(judge(node, PEER_NONE, "", 0), PEER_TAKE);
		add(i, node, PEER_NONE, "", 0);
	}
	ck_assert_int_eq(judge("more", PEER_NONE, "", 0), PEER_FULL);
	ck_assert_int_eq(judge("n01", PEER_NONE, "", 0), PEER_REPLACE);
	ck_assert_int_eq(judge("b.main", PEER_NONE, "", 0), PEER_TAKE);
	ck_assert_int_eq(judge("a.main", 0, "", 0), PEER_TAKE);
	add(100, "b.main", PEER_NONE, "", 0);
	add(101, "a.main", 0, "", 0);
	ck_assert_int_eq(judge("more", PEER_NONE, "", 0), PEER_FULL);
	add(102, "c.main", 2, "", 0);
	ck_assert_uint_eq(peers_linked(&p), LIMIT_PEERS + 2);
	/* Now that all are known there are two too many. */
	for (i = 1; i <= 3; i++) {
		ck_assert_int_eq(judge("more", PEER_NONE, "", 0), PEER_FULL);
		peers_link_remove(&p, peers_link(&p, i));
	}
	ck_assert_int_eq(judge("more", PEER_NONE, "", 0), PEER_TAKE);
}
END_TEST

START_TEST(up_only_when_committed)
{
	const struct peer_ask q = ask("a.main", PEER_NONE, "");
	struct peer_link *l;

	add(1, "a.main", PEER_NONE, "", 0);
	l = peers_link_add(&p, 2, &q, "", at(1));
	ck_assert_ptr_eq(peers_link_of(&p, "a.main"), peers_link(&p, 1));
	ck_assert_uint_eq(peers_linked(&p), 1);
	/* It fails: the first one was never replaced. */
	peers_link_remove(&p, l);
	ck_assert_ptr_eq(peers_link_of(&p, "a.main"), peers_link(&p, 1));
	l = peers_link_add(&p, 3, &q, "", at(1));
	peers_link_up(&p, l);
	ck_assert_ptr_null(peers_link(&p, 1));
	ck_assert_ptr_eq(peers_link_of(&p, "a.main"), l);
	ck_assert_ptr_null(peers_link(&p, 99));
	ck_assert_ptr_null(peers_link_of(&p, ""));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("peers");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, crossing, 0,
	    (int)(sizeof(crossings) / sizeof(crossings[0])));
	tcase_add_loop_test(tc, both_sides_agree, 0,
	    (int)(sizeof(orders) / sizeof(orders[0])));
	tcase_add_test(tc, two_mains_with_one_id);
	tcase_add_test(tc, one_that_was_told_to_end);
	tcase_add_test(tc, as_many_as_may_be);
	tcase_add_test(tc, room_for_the_configured);
	tcase_add_test(tc, up_only_when_committed);
	return (suite_run("registry peers", tc));
}
