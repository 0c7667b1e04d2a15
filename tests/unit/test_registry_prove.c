/* SPDX-License-Identifier: ISC */
/* What this node shows to Mains that it dials, and what they must prove. */
#include <stdio.h>
#include <string.h>

#include "common/ctl.h"
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

/* --- joining --- */

/* The second uplink, which is main.one's, has a key and a one-time secret. */
static void
configure_join(const char *secret)
{
	give(&list, HOLDER_UPLINK, 1, "", AUTH_BY_KEY, key_conf(1), NULL);
	if (secret != NULL)
		give(&list, HOLDER_UPLINK, 1, "", AUTH_BY_JOIN, "", secret);
	configure();
}

/* It asks; by which method and key it is answered. */
static void
asks(uint64_t conn, enum auth_method method, char key[AUTH_KEY_TEXT])
{
	struct auth_text text;

	ck_assert_ptr_nonnull(prove(NODE_UPLINK, conn, 1, 1, "main.one",
	    ASKED));
	ck_assert_int_eq(shown.method, method);
	text = text_of("main.one", false, shown.key_text);
	ck_assert(auth_verify(shown.key, &text, SIDE_CLIENT,
	    shown.signature));
	strcpy(key, shown.key_text);
}

static void
lets_in(uint64_t session, uint64_t conn)
{
	opened(NODE_UPLINK, session, conn, 1, "main.one",
	    answer("main.one", false, 1));
	is_accepted(session);
}

static void
joined(uint32_t generation)
{
	ck_assert_uint_eq(fx_expect(r, MSG_JOINED, 1)->tag, generation);
	fx_silent(r);
}

static int64_t
identities(const char *where)
{
	char sql[128];

	snprintf(sql, sizeof(sql), "SELECT count(*) FROM identity WHERE %s",
	    where);
	return (fx_number(sql));
}

struct identities {
	char	text[512];
};

static void
list_identity(void *arg, const char *key, const char *main_id)
{
	struct identities *l = arg;
	size_t at = strlen(l->text);

	snprintf(l->text + at, sizeof(l->text) - at, "%s %s\n", key, main_id);
}

/* The keys that are shown: the node's own, and that of main.one, or NULL. */
static void
are_identities(const char *key)
{
	struct identities l = { "" };
	char want[512];

	snprintf(want, sizeof(want), "ed25519:%s \n%s%s%s",
	    r->trust->public_text, key != NULL ? "ed25519:" : "",
	    key != NULL ? key : "", key != NULL ? " main.one\n" : "");
	registry_each_identity(r, list_identity, &l);
	ck_assert_str_eq(l.text, want);
}

START_TEST(joins)
{
	struct auth_text text;
	char secret[33], key[AUTH_KEY_TEXT], again[AUTH_KEY_TEXT];

	memset(secret, 2, sizeof(secret));
	configure_join(JOIN_TEXT);
	asks(5, AUTH_BY_JOIN, key);
	text = text_of("main.one", false, key);
	ck_assert(auth_verify_mac((struct span){ secret, 32 }, &text,
	    SIDE_JOIN, shown.mac));
	/* It is one for this Main, and kept before anybody hears of it. */
	ck_assert_str_ne(key, r->trust->public_text);
	ck_assert_int_eq(identities("main = 'main.one' AND joining <> ''"), 1);
	are_identities(NULL);
	opened(NODE_UPLINK, 1, 5, 1, "main.one", "");
	is_denied(1, 403);			/* not joined by that */
	are_identities(NULL);
	lets_in(2, 5);
	joined(1);
	ck_assert_int_eq(identities("joining <> ''"), 0);
	are_identities(key);
	/* From now on by that key, also after a start. */
	asks(6, AUTH_BY_KEY, again);
	ck_assert_str_eq(again, key);
	r = fixture_restart(r, 1);
	configure_join(NULL);
	are_identities(key);
	asks(5, AUTH_BY_KEY, again);
	ck_assert_str_eq(again, key);
	/* Whoever is not main.one by the configuration sees the own one. */
	ck_assert_ptr_nonnull(prove(NODE_UPLINK, 6, 0, 1, "main.x", ASKED));
	ck_assert_str_eq(shown.key_text, r->trust->public_text);
	ck_assert_ptr_nonnull(prove(NODE_UPLINK, 7, 0, 1, "main.one", ASKED));
	ck_assert_str_eq(shown.key_text, r->trust->public_text);
}
END_TEST

/* Which Main that is must be known. */
START_TEST(joins_nobody)
{
	expect_key(1);
	give(&list, HOLDER_UPLINK, 0, "", AUTH_BY_JOIN, "", JOIN_TEXT);
	configure();
	(void)prove(NODE_UPLINK, 5, 0, 1, "main.x", ASKED);
	ck_assert_int_eq(shown.method, AUTH_BY_KEY);
	ck_assert_str_eq(shown.key_text, r->trust->public_text);
}
END_TEST

/* A secret that was used, with the answer lost, locks nobody out. */
START_TEST(joined_before)
{
	char key[AUTH_KEY_TEXT], again[AUTH_KEY_TEXT];

	configure_join(JOIN_TEXT);
	asks(5, AUTH_BY_JOIN, key);
	if (_i % 2 == 1) {		/* killed at once */
		r = fixture_restart(r, 1);
		configure_join(JOIN_TEXT);
		asks(5, AUTH_BY_JOIN, again);
		ck_assert_str_eq(again, key);
	}
	asks(6, AUTH_BY_KEY, again);
	ck_assert_str_eq(again, key);
	asks(7, AUTH_BY_JOIN, again);
	ck_assert_str_eq(again, key);
	asks(8, AUTH_BY_KEY, again);
	ck_assert_str_eq(again, r->trust->public_text);
	if (_i < 2) {
		asks(9, AUTH_BY_JOIN, again);
		asks(10, AUTH_BY_KEY, again);
		ck_assert_str_eq(again, key);
		lets_in(1, 10);
		joined(1);
		are_identities(key);
	} else {
		/* It never was: the key of before is the right one. */
		lets_in(1, 8);
		joined(1);
		are_identities(NULL);
		ck_assert_int_eq(identities("main <> ''"), 0);
	}
}
END_TEST

#define OTHER_JOIN	"AwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwM"

START_TEST(joins_again)
{
	char first[AUTH_KEY_TEXT], key[AUTH_KEY_TEXT], again[AUTH_KEY_TEXT];

	configure_join(JOIN_TEXT);
	asks(5, AUTH_BY_JOIN, first);
	lets_in(1, 5);
	joined(1);
	configure_join(OTHER_JOIN);
	asks(6, AUTH_BY_JOIN, key);
	ck_assert_str_ne(key, first);
	ck_assert_str_ne(key, r->trust->public_text);
	are_identities(first);
	if (_i == 0) {
		lets_in(2, 6);
	} else {
		r = fixture_restart(r, 1);
		configure_join(OTHER_JOIN);
		asks(6, AUTH_BY_JOIN, again);
		asks(7, AUTH_BY_KEY, again);
		ck_assert_str_eq(again, key);
		if (_i == 2) {
			asks(8, AUTH_BY_JOIN, again);
			asks(9, AUTH_BY_KEY, again);
			ck_assert_str_eq(again, first);
		}
		lets_in(2, _i == 2 ? 9 : 7);
	}
	joined(1);
	are_identities(_i == 2 ? first : key);
	ck_assert_int_eq(identities("joining <> ''"), 0);
	ck_assert_int_eq(identities("1"), 2);
}
END_TEST

/* A key that is not in the database is shown to nobody. */
START_TEST(join_not_written)
{
	char key[AUTH_KEY_TEXT];
	sqlite3 *lock;

	configure_join(JOIN_TEXT);
	lock = fx_lock();
	ck_assert_ptr_null(prove(NODE_UPLINK, 5, 1, 1, "main.one", ASKED));
	fx_unlock(lock);
	ck_assert_int_eq(identities("1"), 1);
	asks(6, AUTH_BY_KEY, key);
	ck_assert_str_eq(key, r->trust->public_text);
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

/* The configuration names another Main for the uplink that is up. */
START_TEST(uplink_of_another)
{
	static const struct uplink_conf uplinks[] = {
		{ "up0", 443, "/ws/federation", "main.x" },
		{ "up1", 443, "/ws/federation", "main.two" } };
	const struct trust_conf conf = { AUTH_REQUIRED, "", uplinks, 2 };

	configure();
	uplink(1, 5, "main.x", "");
	is_accepted(1);
	opened(NODE_UPLINK, 2, 6, 1, "main.one", "");
	is_accepted(2);
	fx_settle(r);
	registry_configure_trust(r, 1, &conf, &list, at(1));
	ck_assert_uint_eq(fx_expect(r, MSG_SESSION_END, 2)->status, 1008);
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

/* Whom we dial is no better than who dials us. */
START_TEST(disabled_peer)
{
	const struct node_request q = { .op = CTL_NODE_DISABLE,
	    .node = span_str("b.main"), .url = span_str(""),
	    .pin = span_str("") };

	teardown();
	main_setup();
	fx_peers(r, 1, 2, 0);
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
	teardown();
	main_setup();
	fx_peers(r, 1, 3, 0);
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

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, by_own_key);
	tcase_add_loop_test(tc, bad_challenge, 0, N(bad_challenges));
	tcase_add_test(tc, wrong_main);
	tcase_add_test(tc, main_proves_key);
	tcase_add_loop_test(tc, main_does_not, 0, 11);
	tcase_add_test(tc, answer_twice);
	tcase_add_test(tc, main_proves_secret);
	tcase_add_test(tc, by_token);
	tcase_add_loop_test(tc, stripped, 0, 12);
	tcase_add_test(tc, token_and_key);
	tcase_add_test(tc, joins);
	tcase_add_test(tc, joins_nobody);
	tcase_add_loop_test(tc, joined_before, 0, 4);
	tcase_add_loop_test(tc, joins_again, 0, 3);
	tcase_add_test(tc, join_not_written);
	tcase_add_test(tc, uplink_is_cut);
	tcase_add_test(tc, peers);
	tcase_add_test(tc, disabled_peer);
	tcase_add_test(tc, peer_takes_a_name);
	tcase_add_test(tc, uplink_of_another);
	tcase_add_test(tc, wrong_role);
	return (suite_run("proofs", tc));
}
