/* SPDX-License-Identifier: ISC */
/* What this node shows to Mains that it dials, and what they must prove. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/registry_auth_fixture.h"
#include "tests/unit/suite.h"

#define NONCE	"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define ASKED	"Relay nonce=\"" NONCE "\", Bearer"
#define JOIN_TEXT	"AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI"

static struct credentials	list;
static struct auth_proof	shown;	/* the last header of ours */

/* We are asked for a proof; its header, or NULL and there is a reason. */
static const char *
prove(enum node_kind kind, uint64_t conn, uint32_t index, uint32_t generation,
    const char *main_id, const char *challenge)
{
	const struct proof_request q = { conn, kind, index, generation,
	    span_str(main_id), span_str(challenge) };
	const struct reply *reply;

	registry_prove(r, &q, at(0));
	reply = fx_expect(r, MSG_PROOF_ANSWER, conn);
	if (reply->header == NULL) {
		ck_assert_str_ne(reply->reason, "");
		return (NULL);
	}
	ck_assert_str_eq(reply->reason, "");
	ck_assert_ptr_null(auth_parse(span_str(reply->header), &shown));
	return (reply->header);
}

static struct auth_text
text_of(const char *main_id, bool peer, const char *key)
{
	return ((struct auth_text){ shown.method, shown.nonce, shown.cnonce,
	    r->node_id, peer, main_id, key });
}

/* What the Main with the n-th key answers. */
static const char *
answer(const char *main_id, bool peer, uint8_t n)
{
	static char out[PROOF_TEXT];
	char key[AUTH_KEY_TEXT], proof[B64URL_SIZE(AUTH_SIGNATURE)];
	uint8_t seed[AUTH_KEY], bytes[AUTH_SIGNATURE];
	struct auth_text text;

	memset(seed, n, sizeof(seed));
	strcpy(key, key_conf(n) + strlen("ed25519:"));
	text = text_of(main_id, peer, key);
	auth_sign(seed, &text, SIDE_SERVER, bytes);
	b64url_encode(bytes, sizeof(bytes), proof);
	snprintf(out, sizeof(out), "method=key, key=%s, proof=%s", key,
	    proof);
	return (out);
}

static const char *
answer_mac(const char *main_id, const char *secret)
{
	static char out[PROOF_TEXT];
	char proof[B64URL_SIZE(AUTH_MAC)];
	struct auth_text text = text_of(main_id, false, "");
	uint8_t mac[AUTH_MAC];

	auth_mac(span_str(secret), &text, SIDE_SERVER, mac);
	b64url_encode(mac, sizeof(mac), proof);
	snprintf(out, sizeof(out), "method=secret, proof=%s", proof);
	return (out);
}

/* The Main of an uplink or peer lets us in, with this proof. */
static void
opened(enum node_kind kind, uint64_t session, uint64_t conn, uint32_t index,
    const char *main_id, const char *proof)
{
	const struct session_request q = { .session = session, .kind = kind,
	    .node = span_str(main_id), .boot = span_str(""),
	    .address = span_str("192.0.2.2:443"), .peer = index,
	    .generation = 1, .conn = conn, .tls = true,
	    .authorization = span_str(proof), .certificate = span_str("") };

	registry_open(r, &q, at(0));
}

static void
uplink(uint64_t session, uint64_t conn, const char *main_id,
    const char *proof)
{
	opened(NODE_UPLINK, session, conn, 0, main_id, proof);
}

static void
is_denied(uint64_t session, uint16_t status)
{
	const struct reply *reply = fx_expect(r, MSG_SESSION_DENY, session);

	ck_assert_uint_eq(reply->status, status);
	ck_assert_ptr_null(reply->header);
	fx_silent(r);
}

static void
configure(void)
{
	fx_trust(r, AUTH_REQUIRED, &list, 0);
	fx_settle(r);
}

static void
setup(void)
{
	home_setup();
	memset(&list, 0, sizeof(list));
}

static void
expect_key(uint8_t n)
{
	give(&list, HOLDER_UPLINK, 0, "", AUTH_BY_KEY, key_conf(n), NULL);
}

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
    "Relay nonce=x", "Bearer", "Relay", "Relay nonce=\"" NONCE };

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

/* --- joining --- */

static void
joined(uint32_t generation)
{
	ck_assert_uint_eq(fx_expect(r, MSG_JOINED, 0)->tag, generation);
}

START_TEST(joins)
{
	struct auth_text text;
	char secret[33];

	memset(secret, 2, sizeof(secret));
	expect_key(1);
	give(&list, HOLDER_UPLINK, 0, "", AUTH_BY_JOIN, "", JOIN_TEXT);
	configure();
	ck_assert_ptr_nonnull(prove(NODE_UPLINK, 5, 0, 1, "main.x", ASKED));
	ck_assert_int_eq(shown.method, AUTH_BY_JOIN);
	text = text_of("main.x", false, shown.key_text);
	ck_assert(auth_verify(shown.key, &text, SIDE_CLIENT,
	    shown.signature));
	ck_assert(auth_verify_mac((struct span){ secret, 32 }, &text,
	    SIDE_JOIN, shown.mac));
	uplink(1, 5, "main.x", "");
	is_denied(1, 403);			/* not joined by that */
	uplink(2, 5, "main.x", answer("main.x", false, 1));
	is_accepted(2);
	joined(1);
	/* From now on by key. */
	(void)prove(NODE_UPLINK, 6, 0, 1, "main.x", ASKED);
	ck_assert_int_eq(shown.method, AUTH_BY_KEY);
}
END_TEST

/* A secret that was used, with the answer lost, locks nobody out. */
START_TEST(joined_before)
{
	expect_key(1);
	give(&list, HOLDER_UPLINK, 0, "", AUTH_BY_JOIN, "", JOIN_TEXT);
	configure();
	(void)prove(NODE_UPLINK, 5, 0, 1, "main.x", ASKED);
	ck_assert_int_eq(shown.method, AUTH_BY_JOIN);
	(void)prove(NODE_UPLINK, 6, 0, 1, "main.x", ASKED);
	ck_assert_int_eq(shown.method, AUTH_BY_KEY);
	(void)prove(NODE_UPLINK, 7, 0, 1, "main.x", ASKED);
	ck_assert_int_eq(shown.method, AUTH_BY_JOIN);
	(void)prove(NODE_UPLINK, 8, 0, 1, "main.x", ASKED);
	uplink(1, 8, "main.x", answer("main.x", false, 1));
	is_accepted(1);
	joined(1);
}
END_TEST

/* --- what is not asked for any more --- */

START_TEST(uplink_is_cut)
{
	const struct reply *reply;

	expect_key(1);
	configure();
	(void)prove(NODE_UPLINK, 5, 0, 1, "main.x", ASKED);
	uplink(1, 5, "main.x", answer("main.x", false, 1));
	is_accepted(1);
	expect_key(2);
	expect_key(1);
	fx_trust(r, AUTH_REQUIRED, &list, 0);
	fx_silent(r);
	expect_key(2);
	fx_trust(r, AUTH_REQUIRED, &list, 0);
	reply = fx_expect(r, MSG_SESSION_END, 1);
	ck_assert_uint_eq(reply->status, 1008);
	fx_trust(r, AUTH_REQUIRED, NULL, 0);
	fx_silent(r);
}
END_TEST

/* --- a Main that dials another --- */

START_TEST(peers)
{
	teardown();
	main_setup();
	fx_peers(r, 1, 2, 0);
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

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, by_own_key);
	tcase_add_loop_test(tc, bad_challenge, 0, N(bad_challenges));
	tcase_add_test(tc, wrong_main);
	tcase_add_test(tc, main_proves_key);
	tcase_add_loop_test(tc, main_does_not, 0, 11);
	tcase_add_test(tc, answer_twice);
	tcase_add_test(tc, main_proves_secret);
	tcase_add_test(tc, by_token);
	tcase_add_test(tc, token_and_key);
	tcase_add_test(tc, joins);
	tcase_add_test(tc, joined_before);
	tcase_add_test(tc, uplink_is_cut);
	tcase_add_test(tc, peers);
	tcase_add_test(tc, wrong_role);
	return (suite_run("proofs", tc));
}
