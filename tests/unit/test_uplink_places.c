/* SPDX-License-Identifier: ISC */
/*
 * Links of a home with its Mains that the next registry finds: which uplink
 * they are of, what ends with one of them, and on whose word they are let in.
 */
#include "relay-registry/audit.h"
#include "tests/unit/registry_prove_fixture.h"
#include "tests/unit/suite.h"

static void
resumed(uint64_t session, uint32_t index, uint32_t generation)
{
	const struct session_request q = { .session = session,
	    .kind = NODE_UPLINK, .node = span_str("main.x"),
	    .boot = span_str(""), .address = span_str("192.0.2.2:443"),
	    .peer = index, .generation = generation };

	registry_resume(r, &q, 1, at(1));
}

static void
is_cut(uint64_t session)
{
	ck_assert_uint_eq(fx_expect(r, MSG_SESSION_END, session)->status,
	    1008);
	fx_silent(r);
}

/* The first uplink is linked, and then there is another registry. */
static void
restarted(void)
{
	configure();
	uplink(1, 5, "main.x", "");
	is_accepted(1);
	fx_settle(r);
	r = fixture_restart(r, 1);
	fx_settle(r);
}

/* One place is host, port and path; what is at another is none of it. */
START_TEST(other_place)
{
	static const struct uplink_conf others[] = {
		{ "up0", 443, "/ws/federation", "" },
		{ "up0", 8443, "/ws/federation", "" },
		{ "up0", 443, "/ws/other", "" },
		{ "up00", 443, "/ws/federation", "" } };
	const struct trust_conf conf = { AUTH_REQUIRED, "", &others[_i], 1 };

	restarted();
	expect_key(1);
	ck_assert(credentials_seal(&list));
	registry_configure_trust(r, 1, &conf, &list, at(1));
	resumed(1, 0, 1);
	if (_i == 0)
		is_cut(1);	/* it has proved no key */
	else			/* the front-end closes it */
		fx_silent(r);
}
END_TEST

/* Without a row its word counts, if it is of this configuration. */
START_TEST(by_its_word)
{
	static const struct {
		uint32_t	index, generation;
		bool		stays;
	} words[] = { { 0, 1, true }, { 2, 1, false },
	    { PEER_NONE, 1, false }, { 0, 2, false }, { 1, 0, false } };
	uint64_t before;

	restarted();
	fx_sql("DELETE FROM place");
	configure();
	before = r->stats.resumed;
	resumed(1, words[_i].index, words[_i].generation);
	ck_assert_uint_eq(r->stats.resumed - before, words[_i].stays);
	if (words[_i].stays)
		fx_silent(r);
	else
		is_cut(1);
}
END_TEST

/* The end of one is not that of the other. */
START_TEST(one_of_two)
{
	configure();
	uplink(1, 5, "main.x", "");
	is_accepted(1);
	opened(NODE_UPLINK, 2, 6, 1, "main.one", "");
	is_accepted(2);
	fx_close(r, 1, 2);
	fx_settle(r);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM audit WHERE subject"
	    " = 'main.x' AND detail = 'gone'"), 1);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM audit WHERE subject"
	    " = 'main.one' AND detail = 'gone'"), 0);
	give(&list, HOLDER_UPLINK, 1, "", AUTH_BY_KEY, key_conf(1), NULL);
	fx_trust(r, AUTH_REQUIRED, &list, 3);
	is_cut(2);
}
END_TEST

/* --- let in --- */

static void
asks_for(uint64_t session, uint32_t index, uint32_t generation,
    const char *main_id)
{
	const struct session_request q = { .session = session,
	    .kind = NODE_UPLINK, .node = span_str(main_id),
	    .boot = span_str(""), .address = span_str("192.0.2.2:443"),
	    .peer = index, .generation = generation, .conn = 5, .tls = true,
	    .authorization = span_str(""), .certificate = span_str("") };

	registry_open(r, &q, at(0));
}

/* Who must be there is asked of the configuration it was dialled for. */
START_TEST(of_another_configuration)
{
	configure();
	asks_for(1, 1, 1, "main.x");
	is_denied(1, 403);
	asks_for(2, 1, 2, "main.x");
	is_denied(2, 503);
	asks_for(3, 2, 1, "main.x");
	is_denied(3, 503);
	asks_for(4, LIMIT_UPLINKS, 1, "main.x");
	is_denied(4, 503);
}
END_TEST

START_TEST(what_the_router_is_told)
{
	const struct reply *reply;

	configure();
	asks_for(1, 0, 1, "Main.X");
	reply = is_accepted(1);
	ck_assert_str_eq(reply->node, "main.x");
	ck_assert_int_eq(reply->kind, NODE_UPLINK);
	ck_assert_uint_eq(reply->epoch, 1);
	fx_silent(r);
}
END_TEST

/* Who lets us in by a secret has not taken the key that was made to join. */
START_TEST(by_secret_while_joining)
{
	give(&list, HOLDER_UPLINK, 1, "", AUTH_BY_SECRET, "", SECRET_1);
	give(&list, HOLDER_UPLINK, 1, "", AUTH_BY_JOIN, "", JOIN_TEXT);
	give(&list, HOLDER_UPLINK, 1, "", AUTH_BY_KEY, key_conf(1), NULL);
	configure();
	ck_assert_ptr_nonnull(prove(NODE_UPLINK, 5, 1, 1, "main.one",
	    ASKED));
	ck_assert_int_eq(shown.method, AUTH_BY_JOIN);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM identity WHERE main"
	    " = 'main.one' AND joining <> ''"), 1);
	/* It is tried every other time. */
	ck_assert_ptr_nonnull(prove(NODE_UPLINK, 6, 1, 1, "main.one",
	    ASKED));
	ck_assert_int_eq(shown.method, AUTH_BY_SECRET);
	opened(NODE_UPLINK, 1, 6, 1, "main.one",
	    answer_mac("main.one", SECRET_1));
	is_accepted(1);
	fx_silent(r);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM identity WHERE main"
	    " = 'main.one' AND joining <> ''"), 1);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("uplinks");

	tcase_add_checked_fixture(tc, prove_setup, teardown);
	tcase_add_loop_test(tc, other_place, 0, 4);
	tcase_add_loop_test(tc, by_its_word, 0, 5);
	tcase_add_test(tc, one_of_two);
	tcase_add_test(tc, of_another_configuration);
	tcase_add_test(tc, what_the_router_is_told);
	tcase_add_test(tc, by_secret_while_joining);
	return (suite_run("places of uplinks", tc));
}
