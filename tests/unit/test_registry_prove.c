/* SPDX-License-Identifier: ISC */
/* What this node shows to Mains that it dials, and what they must prove. */
#include <stdio.h>
#include <string.h>

#include "common/ctl.h"
#include "tests/unit/registry_prove_fixture.h"
#include "tests/unit/suite.h"

START_TEST(by_own_key)
{
	struct auth_text text;

	configure();
	ck_assert_ptr_nonnull(prove(NODE_UPLINK, 5, 0, 1, "Main.X", ASKED));
	ck_assert_int_eq(shown.method, AUTH_BY_KEY);
	ck_assert_str_eq(shown.nonce, NONCE);
	ck_assert_str_eq(shown.key_text, r->trust->public_text);
	text = text_of("main.x", false, shown.key_text);
	ck_assert(auth_verify(shown.key, &text, SIDE_CLIENT,
	    shown.signature));
	/* Nothing is asked of it: TLS says who it is. */
	uplink(1, 5, "main.x", "");
	ck_assert_str_eq(is_accepted(1)->node, "main.x");
	/* One of the seed asks for nothing and has no name. */
	uplink(2, 6, "", "");
	ck_assert_str_eq(is_accepted(2)->node, "");
	ck_assert_int_eq(fx_number("SELECT count(*) FROM session"
	    " WHERE id <> 0"), 0);
}
END_TEST

static const char *const bad_challenges[] = { "", "Basic realm=x",
    "Relay nonce=x", "Bearer", "Relay", ("Relay nonce=\"" NONCE) };

START_TEST(bad_challenge)
{
	configure();
	ck_assert_ptr_null(prove(NODE_UPLINK, 5, 0, 1, "main.x",
	    bad_challenges[_i]));
}
END_TEST

START_TEST(wrong_main)
{
	configure();
	ck_assert_ptr_null(prove(NODE_UPLINK, 5, 0, 1, "", ASKED));
	ck_assert_ptr_null(prove(NODE_UPLINK, 5, 0, 1, "a b", ASKED));
	ck_assert_ptr_null(prove(NODE_UPLINK, 5, 0, 1, "alice.home", ASKED));
	ck_assert_ptr_null(prove(NODE_UPLINK, 5, 1, 1, "main.x", ASKED));
	ck_assert_ptr_nonnull(prove(NODE_UPLINK, 5, 1, 1, "main.one", ASKED));
	ck_assert_ptr_null(prove(NODE_UPLINK, 5, 2, 1, "main.x", ASKED));
	ck_assert_ptr_null(prove(NODE_UPLINK, 5, 0, 2, "main.x", ASKED));
	opened(NODE_UPLINK, 1, 5, 1, "main.x", "");
	is_denied(1, 403);
	opened(NODE_UPLINK, 2, 5, 1, "", "");
	is_denied(2, 403);
	opened(NODE_UPLINK, 3, 5, 2, "main.x", "");
	is_denied(3, 503);
}
END_TEST

START_TEST(main_proves_key)
{
	expect_key(1);
	expect_key(2);
	configure();
	ck_assert_ptr_nonnull(prove(NODE_UPLINK, 5, 0, 1, "main.x", ASKED));
	uplink(1, 5, "main.x", answer("main.x", false, 2));
	is_accepted(1);
	fx_silent(r);
}
END_TEST

/* Each breaks a good answer in one way. */
START_TEST(main_does_not)
{
	const char *id = "main.x", *proof;
	uint64_t conn = 5;

	expect_key(1);
	configure();
	if (_i != 0)
		ck_assert_ptr_nonnull(prove(NODE_UPLINK, 5, 0, 1, "main.x",
		    ASKED));
	else
		memset(&shown, 0, sizeof(shown));	/* never asked */
	proof = answer("main.x", false, 1);
	switch (_i) {
	case 0:
		break;
	case 1:
		proof = "";
		break;
	case 2:
		proof = "garbage";
		break;
	case 3:
		proof = answer("main.x", false, 2);	/* another key */
		break;
	case 4:
		proof = answer("main.y", false, 1);	/* another id */
		break;
	case 5:
		proof = answer("main.x", true, 1);	/* another role */
		break;
	case 6:
		id = "main.y";
		break;
	case 7:
		conn = 6;				/* another link */
		break;
	case 8:
		proof = answer_mac("main.x", SECRET_1);
		break;
	case 9:
		strcpy(shown.cnonce, "AAAAAAAAAAAAAAAAAAAAAA");
		proof = answer("main.x", false, 1);	/* an old answer */
		break;
	default:
		/* Our own words back. */
		proof = "method=key, nonce=" NONCE;
	}
	uplink(1, conn, id, proof);
	is_denied(1, 403);
	if (_i != 0) {
		/* The right one still may come. */
		strcpy(shown.cnonce, r->trust->to_uplinks[0].cnonce);
		uplink(2, 5, "main.x", answer("main.x", false, 1));
		is_accepted(2);
	}
}
END_TEST

/* The proof of the Main is for one link only. */
START_TEST(answer_twice)
{
	char once[PROOF_TEXT];

	expect_key(1);
	configure();
	(void)prove(NODE_UPLINK, 5, 0, 1, "main.x", ASKED);
	strcpy(once, answer("main.x", false, 1));
	uplink(1, 5, "main.x", once);
	is_accepted(1);
	uplink(2, 5, "main.x", once);
	is_denied(2, 403);
	(void)prove(NODE_UPLINK, 6, 0, 1, "main.x", ASKED);
	uplink(3, 6, "main.x", once);
	is_denied(3, 403);
}
END_TEST

START_TEST(main_proves_secret)
{
	struct auth_text text;
	int i, first = 0;

	give(&list, HOLDER_UPLINK, 0, "", AUTH_BY_SECRET, "", SECRET_1);
	give(&list, HOLDER_UPLINK, 0, "", AUTH_BY_SECRET, "", SECRET_2);
	configure();
	/* Each has its turn until one works, which is then kept. */
	for (i = 0; i < 4; i++) {
		ck_assert_ptr_nonnull(prove(NODE_UPLINK, 5, 0, 1, "main.x",
		    ASKED));
		ck_assert_int_eq(shown.method, AUTH_BY_SECRET);
		text = text_of("main.x", false, "");
		first += auth_verify_mac(span_str(SECRET_1), &text,
		    SIDE_CLIENT, shown.mac);
	}
	ck_assert_int_eq(first, 2);
	uplink(1, 5, "main.x", answer_mac("main.x", SECRET_1));
	is_denied(1, 403);
	uplink(2, 5, "main.x", answer("main.x", false, 1));
	is_denied(2, 403);
	uplink(3, 5, "main.x", answer_mac("main.x", SECRET_2));
	is_accepted(3);
	(void)prove(NODE_UPLINK, 6, 0, 1, "main.x", ASKED);
	text = text_of("main.x", false, "");
	ck_assert(auth_verify_mac(span_str(SECRET_2), &text, SIDE_CLIENT,
	    shown.mac));
	/* Who has no secret asks for nothing. */
	uplink(4, 7, "main.x", "");
	is_denied(4, 403);
}
END_TEST

START_TEST(by_token)
{
	const char *text;

	give(&list, HOLDER_UPLINK, 0, "", AUTH_BY_TOKEN, "", TOKEN_1);
	configure();
	text = prove(NODE_UPLINK, 5, 0, 1, "main.x", ASKED);
	ck_assert_str_eq(text, "Bearer " TOKEN_1);
	ck_assert_ptr_null(prove(NODE_UPLINK, 5, 0, 1, "main.x",
	    "Relay nonce=" NONCE));
	ck_assert_ptr_nonnull(prove(NODE_UPLINK, 5, 0, 1, "main.x",
	    "Bearer"));
	uplink(1, 5, "main.x", "");
	is_accepted(1);
}
END_TEST

/* --- what is said of it --- */

/* What the second uplink is shown comes from that file. */
static void
give_file(enum auth_method method, const char *contents, const char *file)
{
	const struct credential_conf conf = { HOLDER_UPLINK, 1, span_str(""),
	    method, span_str(""), span_str(contents), span_str(file) };

	ck_assert_ptr_null(credentials_add(&list, &conf));
}

START_TEST(says_what_is_shown)
{
	static const struct {
		enum auth_method method;
		const char	*contents, *file, *text;
	} of[] = {
		{ AUTH_BY_SECRET, SECRET_1, "/etc/a b", "the secret in /etc/a b" },
		{ AUTH_BY_TOKEN, TOKEN_1, "/etc/t", "the token in /etc/t" },
		{ AUTH_BY_JOIN, JOIN_TEXT, "/var/join",
		    "the one-time secret in /var/join" },
	};

	if (of[_i].method == AUTH_BY_JOIN)
		give(&list, HOLDER_UPLINK, 1, "", AUTH_BY_KEY, key_conf(1),
		    NULL);
	give_file(of[_i].method, of[_i].contents, of[_i].file);
	configure();
	ck_assert_ptr_nonnull(prove(NODE_UPLINK, 5, 1, 1, "main.one", ASKED));
	ck_assert_str_eq(said, of[_i].text);
	ck_assert_ptr_null(strstr(said, of[_i].contents));
}
END_TEST

/* Of two it is the one that was shown. */
START_TEST(says_which_is_shown)
{
	give_file(AUTH_BY_SECRET, SECRET_1, "/one");
	give_file(AUTH_BY_SECRET, SECRET_2, "/two");
	configure();
	(void)prove(NODE_UPLINK, 5, 1, 1, "main.one", ASKED);
	ck_assert_str_eq(said, "the secret in /one");
	(void)prove(NODE_UPLINK, 6, 1, 1, "main.one", ASKED);
	ck_assert_str_eq(said, "the secret in /two");
}
END_TEST

START_TEST(says_end_of_a_long_path)
{
	char file[CREDENTIAL_FILE_MAX + 1], want[128 + sizeof(file)];
	size_t end = CREDENTIAL_FILE_MAX - 120;

	memset(file, 'x', sizeof(file));
	file[end] = '/';
	file[CREDENTIAL_FILE_MAX] = '\0';
	give_file(AUTH_BY_SECRET, SECRET_1, file + end);
	give_file(AUTH_BY_SECRET, SECRET_2, file);
	configure();
	(void)prove(NODE_UPLINK, 5, 1, 1, "main.one", ASKED);
	snprintf(want, sizeof(want), "the secret in %s", file + end);
	ck_assert_str_eq(said, want);
	(void)prove(NODE_UPLINK, 6, 1, 1, "main.one", ASKED);
	snprintf(want, sizeof(want), "the secret in ...%s", file + end);
	ck_assert_str_eq(said, want);
}
END_TEST

/* With the longest of ids nothing is cut. */
START_TEST(says_key_and_node)
{
	char want[LIMIT_DENIAL];

	memset(r->node_id, 'n', LIMIT_NODE_ID);
	r->node_id[LIMIT_NODE_ID] = '\0';
	configure();
	ck_assert_ptr_nonnull(prove(NODE_UPLINK, 5, 0, 1, "main.x", ASKED));
	snprintf(want, sizeof(want), "the key ed25519:%s of %s",
	    r->trust->public_text, r->node_id);
	ck_assert_str_eq(said, want);
}
END_TEST

/* Both ids are said where it asks as where it has let us in. */
START_TEST(says_who_it_is_not)
{
	char node[LIMIT_NODE_ID + 1], want[LIMIT_DENIAL];

	memset(node, 'm', LIMIT_NODE_ID);
	node[LIMIT_NODE_ID] = '\0';
	configure();
	ck_assert_ptr_null(prove(NODE_UPLINK, 5, 1, 1, node, ASKED));
	snprintf(want, sizeof(want), "it calls itself %s, the configuration "
	    "says main.one", node);
	ck_assert_str_eq(said, want);
	opened(NODE_UPLINK, 1, 5, 1, node, "");
	ck_assert_str_eq(fx_expect(r, MSG_SESSION_DENY, 1)->detail, want);
	opened(NODE_UPLINK, 2, 5, 1, "", "");
	ck_assert_str_eq(fx_expect(r, MSG_SESSION_DENY, 2)->detail,
	    "it calls itself nothing, the configuration says main.one");
}
END_TEST

/*
 * Whoever is in between takes the challenge away and leaves what would give it
 * something: it gets nothing that it could use.
 */
START_TEST(stripped)
{
	static const enum auth_method methods[] = { AUTH_BY_KEY,
	    AUTH_BY_SECRET, AUTH_BY_JOIN };
	static const char *const left[] = { "Bearer", "Basic realm=x, Bearer",
	    "Relay, Bearer", "Bearer realm=\"Relay nonce=" NONCE "\"" };
	enum auth_method method = methods[_i % 3];

	give(&list, HOLDER_UPLINK, 1, "", AUTH_BY_KEY, key_conf(1), NULL);
	if (method != AUTH_BY_KEY)
		give(&list, HOLDER_UPLINK, 1, "", method, "",
		    method == AUTH_BY_JOIN ? JOIN_TEXT : SECRET_1);
	if (method == AUTH_BY_SECRET)
		give(&list, HOLDER_UPLINK, 1, "", AUTH_BY_TOKEN, "", TOKEN_1);
	configure();
	ck_assert_ptr_null(prove(NODE_UPLINK, 5, 1, 1, "main.one",
	    left[_i / 3]));
	opened(NODE_UPLINK, 1, 5, 1, "main.one", "");
	is_denied(1, 403);
}
END_TEST

/* Who is shown a token cannot prove a key: that is a mistake of the file. */
START_TEST(token_and_key)
{
	expect_key(1);
	ck_assert_ptr_null(registry_check_trust(&list));
	give(&list, HOLDER_UPLINK, 0, "", AUTH_BY_TOKEN, "", TOKEN_1);
	ck_assert_ptr_nonnull(registry_check_trust(&list));
	give(&list, HOLDER_UPLINK, 0, "", AUTH_BY_SECRET, "", SECRET_1);
	ck_assert_ptr_null(registry_check_trust(&list));
	credentials_clear(&list);
}
END_TEST

/* --- a Main that dials another --- */

START_TEST(peers)
{
	dials_peers(2);
	give(&list, HOLDER_PEER, 0, "b.main", AUTH_BY_KEY, key_conf(1), NULL);
	configure();
	ck_assert_ptr_null(prove(NODE_PEER, 5, 0, 1, "main.example", ASKED));
	ck_assert_ptr_nonnull(prove(NODE_PEER, 5, 0, 1, "b.main", ASKED));
	opened(NODE_PEER, 1, 5, 0, "b.main", "");
	is_denied(1, 403);
	opened(NODE_PEER, 2, 5, 0, "b.main", answer("b.main", false, 1));
	is_denied(2, 403);
	opened(NODE_PEER, 3, 5, 0, "b.main", answer("b.main", true, 1));
	ck_assert_ptr_null(is_accepted(3)->header);
	give(&list, HOLDER_PEER, 0, "b.main", AUTH_BY_KEY, key_conf(2), NULL);
	fx_trust(r, AUTH_REQUIRED, &list, 0);
	ck_assert_uint_eq(fx_expect(r, MSG_SESSION_END, 3)->status, 1008);
	/* Nobody expects anything of the second one but its id. */
	opened(NODE_PEER, 4, 7, 1, "c.main", "");
	is_denied(4, 403);
	opened(NODE_PEER, 5, 7, 1, "expected.main", "");
	is_accepted(5);
}
END_TEST

/* Whom we dial is no better than who dials us. */
START_TEST(disabled_peer)
{
	const struct node_request q = { .op = CTL_NODE_DISABLE,
	    .node = span_str("b.main"), .url = span_str(""),
	    .pin = span_str("") };

	dials_peers(2);
	opened(NODE_PEER, 1, 5, 0, "b.main", "");
	is_accepted(1);
	registry_ctl_node(r, 9, &q, at(1));
	ck_assert_uint_eq(fx_expect(r, MSG_SESSION_END, 1)->status, 1008);
	ck_assert_uint_eq(fx_expect(r, MSG_CTL_END, 9)->status, CTL_OK);
	registry_close(r, 1, span_str("gone"), at(2));
	fx_settle(r);
	opened(NODE_PEER, 2, 6, 0, "b.main", "");
	is_denied(2, 403);
	opened(NODE_PEER, 3, 6, 0, "c.main", "");
	is_accepted(3);
}
END_TEST

/*
 * A Main that we dial may not call itself as a node with credentials here, if
 * neither the file says that it is that one nor it has proved it.
 */
START_TEST(peer_takes_a_name)
{
	dials_peers(3);
	give(&list, HOLDER_MAIN, 0, "b.main", AUTH_BY_KEY, key_conf(1), NULL);
	give(&list, HOLDER_HOME, 0, "a.home", AUTH_BY_KEY, key_conf(3), NULL);
	give(&list, HOLDER_MAIN, 0, "expected.main", AUTH_BY_KEY, key_conf(4),
	    NULL);
	give(&list, HOLDER_PEER, 2, "", AUTH_BY_KEY, key_conf(2), NULL);
	give(&list, HOLDER_PEER, 2, "", AUTH_BY_KEY, key_conf(1), NULL);
	configure();
	opened(NODE_PEER, 1, 5, 0, "b.main", "");
	is_denied(1, 403);
	opened(NODE_PEER, 2, 5, 0, "a.home", "");
	is_denied(2, 403);
	(void)prove(NODE_PEER, 6, 2, 1, "b.main", ASKED);
	opened(NODE_PEER, 3, 6, 2, "b.main", answer("b.main", true, 2));
	is_denied(3, 403);
	(void)prove(NODE_PEER, 7, 2, 1, "b.main", ASKED);
	opened(NODE_PEER, 4, 7, 2, "b.main", answer("b.main", true, 1));
	is_accepted(4);
	opened(NODE_PEER, 5, 8, 0, "c.main", "");
	is_accepted(5);
	opened(NODE_PEER, 6, 9, 1, "expected.main", "");
	is_accepted(6);
}
END_TEST

START_TEST(wrong_role)
{
	uplink(1, 5, "main.x", "");
	is_accepted(1);
	opened(NODE_HOME, 2, 5, PEER_NONE, "x.home", "");
	is_denied(2, 403);
	teardown();
	main_setup();
	uplink(3, 5, "main.x", "");
	is_denied(3, 403);
}
END_TEST

#define N(a)	((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	TCase *tc = tcase_create("proofs");

	tcase_add_checked_fixture(tc, prove_setup, teardown);
	tcase_add_test(tc, by_own_key);
	tcase_add_loop_test(tc, bad_challenge, 0, N(bad_challenges));
	tcase_add_test(tc, wrong_main);
	tcase_add_test(tc, main_proves_key);
	tcase_add_loop_test(tc, main_does_not, 0, 11);
	tcase_add_test(tc, answer_twice);
	tcase_add_test(tc, main_proves_secret);
	tcase_add_test(tc, by_token);
	tcase_add_loop_test(tc, says_what_is_shown, 0, 3);
	tcase_add_test(tc, says_which_is_shown);
	tcase_add_test(tc, says_end_of_a_long_path);
	tcase_add_test(tc, says_key_and_node);
	tcase_add_test(tc, says_who_it_is_not);
	tcase_add_loop_test(tc, stripped, 0, 12);
	tcase_add_test(tc, token_and_key);
	tcase_add_test(tc, peers);
	tcase_add_test(tc, disabled_peer);
	tcase_add_test(tc, peer_takes_a_name);
	tcase_add_test(tc, wrong_role);
	return (suite_run("proofs", tc));
}
