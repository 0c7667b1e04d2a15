/* SPDX-License-Identifier: ISC */
/* Headers, nonces and proofs of authentication, and join strings. */
#include <stdio.h>
#include <string.h>

#include "common/join.h"
#include "relay-registry/auth.h"
#include "tests/unit/suite.h"

/* As long as they must be. */
#define N43	"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
#define C22	"AAAAAAAAAAAAAAAAAAAAAA"
#define S86	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" \
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define KEY	"Relay method=key, nonce=" N43 ", cnonce=" C22 ", key=" N43	\
		", proof=" S86
#define SECRET	"Relay method=secret, nonce=" N43 ", cnonce=" C22		\
		", proof=" N43
#define JOIN	"Relay method=join, nonce=" N43 ", cnonce=" C22 ", key=" N43	\
		", proof=" S86 ", mac=" N43

/* --- Authorization --- */

static const struct {
	const char	*header;
	enum auth_method method;
} good_headers[] = {
	{ KEY, AUTH_BY_KEY }, { SECRET, AUTH_BY_SECRET },
	{ JOIN, AUTH_BY_JOIN },
	{ "  rELAY  PROOF=\"" N43 "\" ,Method=SECRET,nonce = " N43
	  ",\tcnonce=\"" C22 "\" ", AUTH_BY_SECRET },
	{ "Relay method=secret, nonce=" N43 ", cnonce=" N43 ", proof=" N43,
	  AUTH_BY_SECRET },
	{ "Bearer 0123456789abcdef", AUTH_BY_TOKEN },
	{ "bearer   rat_0123456789abcdef=  ", AUTH_BY_TOKEN },
};

START_TEST(headers)
{
	struct auth_proof p;

	ck_assert_ptr_null(auth_parse(span_str(good_headers[_i].header), &p));
	ck_assert_int_eq(p.method, good_headers[_i].method);
	if (p.method != AUTH_BY_TOKEN)
		ck_assert_str_eq(p.nonce, N43);
}
END_TEST

static const char *const bad_headers[] = {
	"", " ", "Relay", "Relay ", "Bearer", "Bearer ", "Basic YTpi",
	"Bearer short", "Bearer 0123456789abcde", "Bearer 0123456789abcdef x",
	"Bearer 0123456789abcd\x7f", "Bearer 0123456789abcd\xc3\xa9",
	"Relaymethod=key", "Relay method", "Relay method=", "Relay =key",
	"Relay method=none", "Relay method=token", "Relay method=certificate",
	KEY ",", KEY ", ", KEY ", proof=" S86, KEY ", key=" N43,
	KEY ", nonce=" N43, KEY ", method=key", KEY ", realm=x",
	KEY ", mac=" N43, SECRET ", key=" N43, SECRET ", mac=" N43,
	"Relay method=join, nonce=" N43 ", cnonce=" C22 ", key=" N43
	", proof=" S86,
	"Relay method=key, nonce=" N43 ", cnonce=" C22 ", proof=" S86,
	"Relay method=key, nonce=" N43 ", key=" N43 ", proof=" S86,
	"Relay method=key, cnonce=" C22 ", key=" N43 ", proof=" S86,
	"Relay method=key, nonce=" N43 ", cnonce=" C22 ", key=" N43,
	"Relay nonce=" N43 ", cnonce=" C22 ", key=" N43 ", proof=" S86,
	/* lengths */
	"Relay method=secret, nonce=" N43 "A, cnonce=" C22 ", proof=" N43,
	"Relay method=secret, nonce=AAAA, cnonce=" C22 ", proof=" N43,
	"Relay method=secret, nonce=" N43 ", cnonce=AAAAAAAAAAAAAAAAAAAA, "
	"proof=" N43,
	"Relay method=secret, nonce=" N43 ", cnonce=" N43 "AA, proof=" N43,
	"Relay method=secret, nonce=" N43 ", cnonce=" C22 ", proof=" S86,
	"Relay method=key, nonce=" N43 ", cnonce=" C22 ", key=" N43
	", proof=" N43,
	"Relay method=key, nonce=" N43 ", cnonce=" C22 ", key=" C22
	", proof=" S86,
	/* bytes */
	"Relay method=secret, nonce=" N43 ", cnonce=AAAAAAAAAAAAAAAAAAAAA=, "
	"proof=" N43,
	"Relay method=secret, nonce=" N43 ", cnonce=AAAAAAAAAAAAAAAAAAAAA+, "
	"proof=" N43,
	/* bits behind the last byte */
	"Relay method=secret, nonce=" N43 ", cnonce=AAAAAAAAAAAAAAAAAAAAAB, "
	"proof=" N43,
	"Relay method=secret, nonce=\"" N43 ", cnonce=" C22 ", proof=" N43,
	"Relay method=secret; nonce=" N43 "; cnonce=" C22 "; proof=" N43,
	"Relay method=secret nonce=" N43 " cnonce=" C22 " proof=" N43,
	"Relay method=secret, nonce=\"" N43 "\"x, cnonce=" C22 ", proof=" N43,
};

START_TEST(malformed_headers)
{
	struct auth_proof p;

	ck_assert_msg(auth_parse(span_str(bad_headers[_i]), &p) != NULL,
	    "%s", bad_headers[_i]);
}
END_TEST

/* Of a good one no part is good, and nothing behind its end is read. */
START_TEST(truncated_headers)
{
	static const char *const all[] = { KEY, SECRET, JOIN };
	struct auth_proof p;
	char *copy;
	size_t i, n = strlen(all[_i]);

	for (i = 0; i < n; i++) {
		ck_assert_ptr_nonnull(copy = malloc(i + 1));
		memcpy(copy, all[_i], i);
		copy[i] = '\x01';
		ck_assert_ptr_nonnull(auth_parse((struct span){ copy, i },
		    &p));
		ck_assert_ptr_nonnull(auth_parse((struct span){ copy, i + 1 },
		    &p));
		free(copy);
	}
}
END_TEST

START_TEST(long_headers)
{
	static char text[70000];
	struct auth_proof p;

	memset(text, 'A', sizeof(text) - 1);
	memcpy(text, "Bearer ", 7);
	ck_assert_ptr_nonnull(auth_parse(span_str(text), &p));
	ck_assert_ptr_nonnull(auth_parse((struct span){ text,
	    7 + AUTH_SECRET_MAX + 1 }, &p));
	ck_assert_ptr_null(auth_parse((struct span){ text,
	    7 + AUTH_SECRET_MAX }, &p));
	memcpy(text, "Relay method=", 13);
	ck_assert_ptr_nonnull(auth_parse(span_str(text), &p));
}
END_TEST

START_TEST(server_proofs)
{
	struct auth_proof p;

	ck_assert_ptr_null(auth_parse_server(span_str("method=key, key=" N43
	    ", proof=" S86), &p));
	ck_assert_int_eq(p.method, AUTH_BY_KEY);
	ck_assert_ptr_null(auth_parse_server(span_str("method=secret, proof="
	    N43), &p));
	ck_assert_ptr_nonnull(auth_parse_server(span_str(""), &p));
	ck_assert_ptr_nonnull(auth_parse_server(span_str("proof=" N43), &p));
	ck_assert_ptr_nonnull(auth_parse_server(span_str(KEY), &p));
	ck_assert_ptr_nonnull(auth_parse_server(span_str("method=key, proof="
	    S86), &p));
	ck_assert_ptr_nonnull(auth_parse_server(span_str("method=secret, key="
	    N43 ", proof=" N43), &p));
	ck_assert_ptr_nonnull(auth_parse_server(span_str("method=key, nonce="
	    N43 ", key=" N43 ", proof=" S86), &p));
	ck_assert_ptr_nonnull(auth_parse_server(span_str("method=token, proof="
	    N43), &p));
}
END_TEST

/* --- challenges --- */

static const struct {
	const char	*header;
	bool		 good, relay, bearer;
} challenges[] = {
	{ "Relay nonce=\"" N43 "\", Bearer", true, true, true },
	{ "relay nonce=" N43, true, true, false },
	{ "Bearer, Relay nonce=" N43, true, true, true },
	{ ", Bearer realm=\"a, Relay nonce=b\",, Relay realm=x, NONCE=" N43,
	  true, true, true },
	{ "Basic realm=\"\\\"\", Digest a=b, c=d", true, false, false },
	{ "Negotiate YWJj==, Bearer", true, false, true },
	{ "", true, false, false },
	{ "Relay", false, false, false },
	{ "Relay realm=x", false, false, false },
	{ "Relay nonce=x", false, false, false },
	{ "Relay nonce=\"" N43, false, false, false },
	{ "Relay nonce=" N43 ", nonce=" N43, false, false, false },
	{ "Relay nonce=" N43 ", Relay nonce=" N43, false, false, false },
	{ "Relay nonce=" N43 " x", false, false, false },
	{ "=", false, false, false },
	{ "Bearer \x01", false, false, false },
	{ "\"Relay\"", false, false, false },
};

START_TEST(what_is_asked)
{
	struct auth_challenge c;

	ck_assert(auth_parse_challenge(span_str(challenges[_i].header), &c) ==
	    challenges[_i].good);
	if (!challenges[_i].good)
		return;
	ck_assert(c.relay == challenges[_i].relay);
	ck_assert(c.bearer == challenges[_i].bearer);
	if (c.relay)
		ck_assert_str_eq(c.nonce, N43);
}
END_TEST

/* --- nonces --- */

static const uint8_t key_1[32] = { 1 }, key_2[32] = { 2 };

START_TEST(nonces)
{
	struct auth_nonces a, b;
	char n[AUTH_NONCE_TEXT], m[AUTH_NONCE_TEXT];
	size_t i;

	auth_nonces_init(&a, key_1, 2);
	auth_nonces_init(&b, key_2, 2);
	auth_nonce_make(&a, 1000, n);
	auth_nonce_make(&a, 1000, m);
	ck_assert_uint_eq(strlen(n), 43);
	ck_assert_str_ne(n, m);
	ck_assert_int_eq(auth_nonce_check(&a, n, 1000), NONCE_GOOD);
	ck_assert_int_eq(auth_nonce_check(&a, n, 999 + LIMIT_NONCE_MS),
	    NONCE_GOOD);
	ck_assert_int_eq(auth_nonce_check(&a, n, 1000 + LIMIT_NONCE_MS),
	    NONCE_EXPIRED);
	ck_assert_int_eq(auth_nonce_check(&a, n, 999), NONCE_EXPIRED);
	ck_assert_int_eq(auth_nonce_check(&b, n, 1000), NONCE_FOREIGN);
	ck_assert_int_eq(auth_nonce_check(&a, N43, 1000), NONCE_FOREIGN);
	ck_assert_int_eq(auth_nonce_check(&a, "", 1000), NONCE_FOREIGN);
	for (i = 0; i < 43; i++) {
		strcpy(m, n);
		m[i] = m[i] == 'A' ? 'B' : 'A';
		ck_assert_int_eq(auth_nonce_check(&a, m, 1000),
		    NONCE_FOREIGN);
	}
	auth_nonces_clear(&a);
	auth_nonces_clear(&b);
}
END_TEST

START_TEST(nonces_once)
{
	struct auth_nonces a;
	char n[3][AUTH_NONCE_TEXT];
	int i;

	auth_nonces_init(&a, key_1, 2);
	for (i = 0; i < 3; i++)
		auth_nonce_make(&a, 1000, n[i]);
	ck_assert(auth_nonce_use(&a, n[0], 1000));
	ck_assert_int_eq(auth_nonce_check(&a, n[0], 1001), NONCE_USED);
	ck_assert_int_eq(auth_nonce_check(&a, n[1], 1001), NONCE_GOOD);
	ck_assert(!auth_nonce_use(&a, n[0], 1001));
	ck_assert(auth_nonce_use(&a, n[1], 1001));
	/* Full, until the first has expired. */
	ck_assert(!auth_nonce_use(&a, n[2], 1002));
	ck_assert_int_eq(auth_nonce_check(&a, n[2], 1002), NONCE_GOOD);
	ck_assert(!auth_nonce_use(&a, n[2], 999 + LIMIT_NONCE_MS));
	ck_assert(auth_nonce_use(&a, n[2], 1000 + LIMIT_NONCE_MS));
	/* What was used is used as long as it would be good. */
	ck_assert_int_eq(auth_nonce_check(&a, n[1], 999 + LIMIT_NONCE_MS),
	    NONCE_USED);
	auth_nonces_expire(&a, 1001 + LIMIT_NONCE_MS);
	ck_assert_uint_eq(a.n, 1);
	auth_nonces_clear(&a);
}
END_TEST

/* --- proofs --- */

/* Those of the example in relay(7): RFC 8032 section 7.1, tests 1 and 2. */
static const uint8_t home_seed[32] = {
	0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a,
	0xf4, 0x92, 0xec, 0x2c, 0xc4, 0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32,
	0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60 };
static const uint8_t main_seed[32] = {
	0x4c, 0xcd, 0x08, 0x9b, 0x28, 0xff, 0x96, 0xda, 0x9d, 0xb6, 0xc3,
	0x46, 0xec, 0x11, 0x4e, 0x0f, 0x5b, 0x8a, 0x31, 0x9f, 0x35, 0xab,
	0xa6, 0x24, 0xda, 0x8c, 0xf6, 0xed, 0x4f, 0xb8, 0xa6, 0xfb };

#include "tests/unit/auth_example.h"

START_TEST(example)
{
	struct auth_text t = { AUTH_BY_KEY, EXAMPLE_NONCE, EXAMPLE_CNONCE,
	    "alice.home", false, "relay.example.com", EXAMPLE_HOME_KEY };
	char text[AUTH_TEXT_MAX], b64[B64URL_SIZE(AUTH_SIGNATURE)];
	uint8_t bytes[AUTH_SIGNATURE], public[AUTH_KEY];

	(void)auth_text(&t, SIDE_CLIENT, text);
	ck_assert_str_eq(text, EXAMPLE_TEXT);
	auth_public(home_seed, public);
	b64url_encode(public, sizeof(public), b64);
	ck_assert_str_eq(b64, EXAMPLE_HOME_KEY);
	auth_sign(home_seed, &t, SIDE_CLIENT, bytes);
	b64url_encode(bytes, sizeof(bytes), b64);
	ck_assert_str_eq(b64, EXAMPLE_HOME_PROOF);
	auth_public(main_seed, public);
	b64url_encode(public, sizeof(public), b64);
	ck_assert_str_eq(b64, EXAMPLE_MAIN_KEY);
	t.key = EXAMPLE_MAIN_KEY;
	auth_sign(main_seed, &t, SIDE_SERVER, bytes);
	b64url_encode(bytes, sizeof(bytes), b64);
	ck_assert_str_eq(b64, EXAMPLE_MAIN_PROOF);
	t.method = AUTH_BY_SECRET;
	t.key = "";
	auth_mac(span_str("correct horse battery staple"), &t, SIDE_CLIENT,
	    bytes);
	b64url_encode(bytes, AUTH_MAC, b64);
	ck_assert_str_eq(b64, EXAMPLE_HOME_MAC);
	auth_mac(span_str("correct horse battery staple"), &t, SIDE_SERVER,
	    bytes);
	b64url_encode(bytes, AUTH_MAC, b64);
	ck_assert_str_eq(b64, EXAMPLE_MAIN_MAC);
}
END_TEST

/* A Main says so twice: by its role, and by the path it asks for. */
START_TEST(text_of_a_main)
{
	const struct auth_text t = { AUTH_BY_SECRET, EXAMPLE_NONCE,
	    EXAMPLE_CNONCE, "relay-b", true, "relay.example.com", "" };
	char text[AUTH_TEXT_MAX];

	(void)auth_text(&t, SIDE_SERVER, text);
	ck_assert_str_eq(text, "relay/1 server\nsecret\n" EXAMPLE_NONCE "\n"
	    EXAMPLE_CNONCE "\nrelay-b\nmain\nrelay.example.com\n/ws/peers\n"
	    "\n");
}
END_TEST

/* The manual has the same values. */
START_TEST(example_is_told)
{
	static const char *const values[] = { EXAMPLE_NONCE, EXAMPLE_CNONCE,
	    EXAMPLE_HOME_KEY, EXAMPLE_HOME_PROOF, EXAMPLE_MAIN_KEY,
	    EXAMPLE_MAIN_PROOF, EXAMPLE_HOME_MAC, EXAMPLE_MAIN_MAC };
	static char page[200000];
	size_t i, n;
	FILE *f;

	ck_assert_ptr_nonnull(f = fopen(TEST_DIR "/../../man/relay.7.in",
	    "r"));
	n = fread(page, 1, sizeof(page) - 1, f);
	fclose(f);
	page[n] = '\0';
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		ck_assert_msg(strstr(page, values[i]) != NULL,
		    "relay(7) does not have %s", values[i]);
}
END_TEST

/* A proof is one over all that it says, and nothing else. */
START_TEST(proofs)
{
	static const struct auth_text all[] = {
		{ AUTH_BY_KEY, "n", "c", "a", false, "s", "k" },
		{ AUTH_BY_JOIN, "n", "c", "a", false, "s", "k" },
		{ AUTH_BY_KEY, "m", "c", "a", false, "s", "k" },
		{ AUTH_BY_KEY, "n", "d", "a", false, "s", "k" },
		{ AUTH_BY_KEY, "n", "c", "b", false, "s", "k" },
		{ AUTH_BY_KEY, "n", "c", "a", true, "s", "k" },
		{ AUTH_BY_KEY, "n", "c", "a", false, "t", "k" },
		{ AUTH_BY_KEY, "n", "c", "a", false, "s", "l" } };
	uint8_t sig[AUTH_SIGNATURE], mac[AUTH_MAC], public[AUTH_KEY];
	uint8_t other[AUTH_KEY];
	size_t i;

	auth_public(home_seed, public);
	auth_public(main_seed, other);
	auth_sign(home_seed, &all[0], SIDE_CLIENT, sig);
	auth_mac(span_str("secret"), &all[0], SIDE_CLIENT, mac);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		ck_assert(auth_verify(public, &all[i], SIDE_CLIENT, sig) ==
		    (i == 0));
		ck_assert(auth_verify_mac(span_str("secret"), &all[i],
		    SIDE_CLIENT, mac) == (i == 0));
	}
	ck_assert(!auth_verify(public, &all[0], SIDE_SERVER, sig));
	ck_assert(!auth_verify(other, &all[0], SIDE_CLIENT, sig));
	ck_assert(!auth_verify_mac(span_str("secres"), &all[0], SIDE_CLIENT,
	    mac));
	ck_assert(!auth_verify_mac(span_str("secret"), &all[0], SIDE_JOIN,
	    mac));
	for (i = 0; i < sizeof(sig); i++) {
		sig[i] ^= 1;
		ck_assert(!auth_verify(public, &all[0], SIDE_CLIENT, sig));
		sig[i] ^= 1;
	}
	/* No key at all: not on the curve, or of small order. */
	memset(other, 0xff, sizeof(other));
	ck_assert(!auth_verify(other, &all[0], SIDE_CLIENT, sig));
	memset(other, 0, sizeof(other));
	ck_assert(!auth_verify(other, &all[0], SIDE_CLIENT, sig));
}
END_TEST

/* --- join strings --- */

static struct join
a_join(void)
{
	struct join j = { .url = "wss://relay.example.com:8443/ws/federation",
	    .node_id = "alice.home", .main_id = "relay.example.com",
	    .expires_ms = UINT64_C(1767323045678), .pin = "sha256:" N43 };

	memset(j.main_key, 1, sizeof(j.main_key));
	memset(j.secret, 2, sizeof(j.secret));
	return (j);
}

START_TEST(joins)
{
	struct join j = a_join(), k;
	char text[JOIN_TEXT_MAX];
	size_t i, n;
	char old;

	ck_assert(join_encode(&j, text, sizeof(text)));
	n = strlen(text);
	ck_assert_ptr_null(join_decode(text, &k));
	ck_assert_str_eq(k.url, j.url);
	ck_assert_str_eq(k.node_id, j.node_id);
	ck_assert_str_eq(k.main_id, j.main_id);
	ck_assert_str_eq(k.pin, j.pin);
	ck_assert_uint_eq(k.expires_ms, j.expires_ms);
	ck_assert_mem_eq(k.main_key, j.main_key, sizeof(k.main_key));
	ck_assert_mem_eq(k.secret, j.secret, sizeof(k.secret));
	ck_assert(!join_encode(&j, text, n));
	ck_assert(join_encode(&j, text, n + 1));
	/* Mistyped and cut. */
	for (i = 0; i < n; i++) {
		old = text[i];
		text[i] = old == 'A' ? 'B' : 'A';
		ck_assert_ptr_nonnull(join_decode(text, &k));
		text[i] = '\0';
		ck_assert_ptr_nonnull(join_decode(text, &k));
		text[i] = old;
	}
	strcat(text, "A");
	ck_assert_ptr_nonnull(join_decode(text, &k));
	ck_assert_ptr_nonnull(join_decode("", &k));
	ck_assert_ptr_nonnull(join_decode("relay-join-2.AAAA", &k));
}
END_TEST

/* The sum is right, but what it is of is not. */
START_TEST(odd_joins)
{
	struct join j = a_join(), k;
	char text[JOIN_TEXT_MAX];

	switch (_i) {
	case 0:
		strcpy(j.node_id, "Alice.home");
		break;
	case 1:
		strcpy(j.main_id, "");
		break;
	case 2:
		strcpy(j.url, "http://relay.example.com");
		break;
	case 3:
		strcpy(j.url, "wss://relay.example.com\" insecure");
		break;
	case 4:
		strcpy(j.pin, "sha256:\n");
		break;
	default:
		strcpy(j.node_id, "alice.home\x1b[2J");
	}
	ck_assert(join_encode(&j, text, sizeof(text)));
	ck_assert_ptr_nonnull(join_decode(text, &k));
}
END_TEST

#define N(list)	((int)(sizeof(list) / sizeof((list)[0])))

int
main(void)
{
	TCase *tc = tcase_create("authentication");

	tcase_add_loop_test(tc, headers, 0, N(good_headers));
	tcase_add_loop_test(tc, malformed_headers, 0, N(bad_headers));
	tcase_add_loop_test(tc, truncated_headers, 0, 3);
	tcase_add_test(tc, long_headers);
	tcase_add_test(tc, server_proofs);
	tcase_add_loop_test(tc, what_is_asked, 0, N(challenges));
	tcase_add_test(tc, nonces);
	tcase_add_test(tc, nonces_once);
	tcase_add_test(tc, example);
	tcase_add_test(tc, text_of_a_main);
	tcase_add_test(tc, example_is_told);
	tcase_add_test(tc, proofs);
	tcase_add_test(tc, joins);
	tcase_add_loop_test(tc, odd_joins, 0, 6);
	return (suite_run("authentication", tc));
}
