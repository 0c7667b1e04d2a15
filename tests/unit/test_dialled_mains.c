/* SPDX-License-Identifier: ISC */
/*
 * Mains that this node dials: which attempt an answer belongs to, whose name a
 * Main may have by what it has proved, and what is written of it.
 */
#include <stdio.h>
#include <string.h>

#include "relay-registry/audit.h"
#include "tests/unit/registry_prove_fixture.h"
#include "tests/unit/suite.h"

static void
main_prove_setup(void)
{
	main_setup();
	memset(&list, 0, sizeof(list));
	fx_peers(r, 1, 3, 0);
}

/* --- what is shown --- */

/* Who has heard one proof cannot have heard the answer to the next. */
START_TEST(never_the_same)
{
	char first[AUTH_CNONCE_TEXT];

	configure();
	ck_assert_ptr_nonnull(prove(NODE_UPLINK, 1, 0, 1, "main.x", ASKED));
	strcpy(first, shown.cnonce);
	ck_assert_ptr_nonnull(prove(NODE_UPLINK, 2, 0, 1, "main.x", ASKED));
	ck_assert_str_ne(shown.cnonce, first);
	r = fixture_restart(r, 1);
	configure();
	ck_assert_ptr_nonnull(prove(NODE_UPLINK, 1, 0, 1, "main.x", ASKED));
	ck_assert_str_ne(shown.cnonce, first);
}
END_TEST

/* Nothing is shown for a peer of another generation, or behind the last. */
START_TEST(no_such_peer)
{
	ck_assert_ptr_nonnull(prove(NODE_PEER, 1, 2, 1, "b.main", ASKED));
	ck_assert_ptr_null(prove(NODE_PEER, 2, 3, 1, "b.main", ASKED));
	ck_assert_ptr_null(prove(NODE_PEER, 3, PEER_NONE, 1, "b.main",
	    ASKED));
	ck_assert_ptr_null(prove(NODE_PEER, 4, 0, 2, "b.main", ASKED));
	ck_assert_ptr_null(prove(NODE_PEER, 5, 0, 0, "b.main", ASKED));
}
END_TEST

/* --- by what it may have a name --- */

static void
shows_key_1(uint64_t session, const char *node, uint16_t status)
{
	ck_assert_ptr_nonnull(prove(NODE_PEER, session, 0, 1, node, ASKED));
	opened(NODE_PEER, session, session, 0, node, answer(node, true, 1));
	if (status != 0)
		is_denied(session, status);
	else
		is_accepted(session);
}

/* The key is that of a home of this name, or the hash of its token. */
START_TEST(other_credential)
{
	char hash[sizeof("sha256:") + 2 * AUTH_KEY] = "sha256:";
	uint8_t seed[AUTH_KEY], public[AUTH_KEY];
	size_t i;

	memset(seed, 1, sizeof(seed));
	auth_public(seed, public);
	for (i = 0; i < AUTH_KEY; i++)
		snprintf(hash + 7 + 2 * i, 3, "%02x", public[i]);
	give(&list, HOLDER_PEER, 0, "", AUTH_BY_KEY, key_conf(1), NULL);
	give(&list, HOLDER_HOME, 0, "a.home", AUTH_BY_KEY, key_conf(1), NULL);
	give(&list, HOLDER_MAIN, 0, "t.main", AUTH_BY_TOKEN, hash, NULL);
	give(&list, HOLDER_MAIN, 0, "k.main", AUTH_BY_KEY, key_conf(1), NULL);
	configure();
	shows_key_1(1, "a.home", 403);
	shows_key_1(2, "t.main", 403);
	shows_key_1(3, "k.main", 0);
}
END_TEST

/* One whose secret begins with the one that was proved. */
START_TEST(longer_secret)
{
	char proof[PROOF_TEXT], text[B64URL_SIZE(AUTH_MAC)];
	struct auth_text asked;
	uint8_t mac[AUTH_MAC];

	give(&list, HOLDER_PEER, 0, "", AUTH_BY_SECRET, "", SECRET_1);
	give(&list, HOLDER_MAIN, 0, "l.main", AUTH_BY_SECRET, "",
	    SECRET_1 ", and more");
	configure();
	ck_assert_ptr_nonnull(prove(NODE_PEER, 1, 0, 1, "l.main", ASKED));
	asked = text_of("l.main", true, "");
	auth_mac(span_str(SECRET_1), &asked, SIDE_SERVER, mac);
	b64url_encode(mac, sizeof(mac), text);
	snprintf(proof, sizeof(proof), "method=secret, proof=%s", text);
	opened(NODE_PEER, 1, 1, 0, "l.main", proof);
	is_denied(1, 403);
}
END_TEST

/* --- a one-time secret --- */

static void
one_time(const char *secret)
{
	give(&list, HOLDER_UPLINK, 1, "", AUTH_BY_JOIN, "", JOIN_TEXT);
	if (secret != NULL)
		give(&list, HOLDER_UPLINK, 1, "", AUTH_BY_SECRET, "", secret);
	configure();
	ck_assert_ptr_nonnull(prove(NODE_UPLINK, 5, 1, 1, "main.one", ASKED));
	ck_assert_int_eq(shown.method, AUTH_BY_JOIN);
}

/* Its Main let us in on another connection, where it asked for nothing. */
START_TEST(not_asked)
{
	one_time(NULL);
	opened(NODE_UPLINK, 1, 6, 1, "main.one", "");
	is_accepted(1);
	fx_silent(r);
}
END_TEST

/* It asked again, for what we do not understand, and let us in anyway. */
START_TEST(asked_for_more)
{
	one_time(NULL);
	ck_assert_ptr_null(prove(NODE_UPLINK, 5, 1, 1, "main.one", "Relay"));
	opened(NODE_UPLINK, 1, 5, 1, "main.one", "");
	is_accepted(1);
	fx_silent(r);
}
END_TEST

/* It was the secret that it let us in by. */
START_TEST(not_by_it)
{
	one_time(SECRET_1);
	ck_assert_ptr_nonnull(prove(NODE_UPLINK, 6, 1, 1, "main.one", ASKED));
	ck_assert_int_eq(shown.method, AUTH_BY_SECRET);
	opened(NODE_UPLINK, 1, 6, 1, "main.one", answer_mac("main.one",
	    SECRET_1));
	is_accepted(1);
	fx_silent(r);
}
END_TEST

/* --- what is written --- */

static int64_t
records(enum audit_event event, const char *node, const char *detail)
{
	char sql[512];

	fx_settle(r);
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM audit WHERE event = "
	    "%d AND subject LIKE '%s' AND object = '192.0.2.2:443' AND detail "
	    "LIKE '%s'", event, node, detail);
	return (fx_number(sql));
}

START_TEST(is_written)
{
	expect_key(1);
	configure();
	ck_assert_ptr_nonnull(prove(NODE_UPLINK, 5, 0, 1, "main.x", ASKED));
	uplink(1, 5, "main.x", answer("main.x", false, 2));
	is_denied(1, 403);
	ck_assert_int_eq(records(AUDIT_REFUSE, "main.x",
	    "the Main did not prove its key: its key is another %"), 1);
	ck_assert_ptr_nonnull(prove(NODE_UPLINK, 6, 0, 1, "main.x", ASKED));
	uplink(2, 6, "main.x", answer("main.x", false, 1));
	is_accepted(2);
	ck_assert_int_eq(records(AUDIT_ADMIT, "main.x", "dialled"), 1);
	/* An answer for what is not configured any more is nobody's fault. */
	opened(NODE_UPLINK, 3, 7, 2, "main.x", "");
	is_denied(3, 503);
	ck_assert_int_eq(records(AUDIT_REFUSE, "%", "%"), 1);
}
END_TEST

int
main(void)
{
	Suite *s = suite_create("dialled Mains");
	TCase *home = tcase_create("uplinks"), *peers = tcase_create("peers");
	SRunner *sr;
	int failed;

	tcase_add_checked_fixture(home, prove_setup, teardown);
	tcase_add_test(home, never_the_same);
	tcase_add_test(home, not_asked);
	tcase_add_test(home, asked_for_more);
	tcase_add_test(home, not_by_it);
	tcase_add_test(home, is_written);
	tcase_add_checked_fixture(peers, main_prove_setup, teardown);
	tcase_add_test(peers, no_such_peer);
	tcase_add_test(peers, other_credential);
	tcase_add_test(peers, longer_secret);
	suite_add_tcase(s, home);
	suite_add_tcase(s, peers);
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
}
