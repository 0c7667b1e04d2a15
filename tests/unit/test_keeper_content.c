/* SPDX-License-Identifier: ISC */
/* What a key may sign: handshakes of TLS, and nothing else. */
#include <stdbool.h>
#include <string.h>

#include "relayd/keeper/content.h"
#include "tests/unit/suite.h"
#include "tests/unit/tls_fixture.h"

static char	buf[CONTENT_MAX];

static bool
may(enum key_type type, bool server, uint16_t scheme, struct span content)
{
	return (content_refusal(type, server, scheme, content) == NULL);
}

START_TEST(tls13_of_its_own_side)
{
	bool	server;
	size_t	hash;

	for (server = false;; server = true) {
		for (hash = 32; hash <= 48; hash += 16) {
			struct span c = fixture_tls13(buf, server, hash);

			ck_assert(may(KEY_RSA, server, SCHEME_RSA_PSS_SHA256,
			    c));
			ck_assert(may(KEY_RSA, server, SCHEME_RSA_PSS_SHA384,
			    c));
			ck_assert(may(KEY_RSA, server, SCHEME_RSA_PSS_SHA512,
			    c));
			ck_assert(may(KEY_P256, server, SCHEME_ECDSA_SHA256,
			    c));
			ck_assert(may(KEY_P384, server, SCHEME_ECDSA_SHA384,
			    c));
			ck_assert(may(KEY_P521, server, SCHEME_ECDSA_SHA512,
			    c));
			ck_assert(may(KEY_ED25519, server, SCHEME_ED25519, c));
			ck_assert(!may(KEY_ED25519, !server, SCHEME_ED25519,
			    c));
		}
		if (server)
			break;
	}
}
END_TEST

START_TEST(tls13_has_no_pkcs1_and_a_hash_for_each_curve)
{
	struct span	c = fixture_tls13(buf, true, 32);

	ck_assert(!may(KEY_RSA, true, SCHEME_RSA_PKCS1_SHA256, c));
	ck_assert(!may(KEY_P256, true, SCHEME_ECDSA_SHA384, c));
	ck_assert(!may(KEY_P384, true, SCHEME_ECDSA_SHA256, c));
	ck_assert(!may(KEY_P521, true, SCHEME_ECDSA_SHA384, c));
}
END_TEST

START_TEST(tls13_with_any_byte_of_its_frame_changed)
{
	struct span	c = fixture_tls13(buf, true, 32);
	size_t		i;

	for (i = 0; i < 64 + 33 + 1; i++) {
		buf[i] ^= 1;
		ck_assert(!may(KEY_ED25519, true, SCHEME_ED25519, c));
		buf[i] ^= 1;
	}
	for (; i < c.len; i++) {
		buf[i] ^= 1;
		ck_assert(may(KEY_ED25519, true, SCHEME_ED25519, c));
	}
}
END_TEST

START_TEST(tls13_of_other_lengths)
{
	struct span	c = fixture_tls13(buf, true, 200);
	size_t		n, frame = 64 + 33 + 1;

	for (n = 0; n <= 200; n++) {
		c.len = frame + n;
		ck_assert(may(KEY_P256, true, SCHEME_ECDSA_SHA256, c) ==
		    (n == 32 || n == 48));
	}
	for (n = 0; n < frame; n++) {
		c.len = n;
		ck_assert(!may(KEY_P256, true, SCHEME_ECDSA_SHA256, c));
	}
}
END_TEST

static const struct {
	uint16_t	group;
	size_t		point;
} groups[] = {
	{ 23, 65 }, { 24, 97 }, { 25, 133 }, { 29, 32 }, { 30, 56 },
};

START_TEST(tls12_of_a_server)
{
	size_t	i;

	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		struct span c = fixture_tls12(buf, groups[i].group,
		    groups[i].point);

		ck_assert(may(KEY_RSA, true, SCHEME_RSA_PKCS1_SHA256, c));
		ck_assert(may(KEY_RSA, true, SCHEME_RSA_PKCS1_SHA384, c));
		ck_assert(may(KEY_RSA, true, SCHEME_RSA_PKCS1_SHA512, c));
		ck_assert(may(KEY_RSA, true, SCHEME_RSA_PSS_SHA256, c));
		ck_assert(may(KEY_P256, true, SCHEME_ECDSA_SHA256, c));
		ck_assert(may(KEY_P256, true, SCHEME_ECDSA_SHA512, c));
		ck_assert(may(KEY_ED25519, true, SCHEME_ED25519, c));
	}
}
END_TEST

START_TEST(tls12_never_of_a_client)
{
	struct span	c = fixture_tls12(buf, 29, 32);

	ck_assert(!may(KEY_RSA, false, SCHEME_RSA_PKCS1_SHA256, c));
	ck_assert(!may(KEY_RSA, false, SCHEME_RSA_PSS_SHA256, c));
	ck_assert(!may(KEY_P256, false, SCHEME_ECDSA_SHA256, c));
	ck_assert(!may(KEY_ED25519, false, SCHEME_ED25519, c));
}
END_TEST

/* Byte 64 and on: type of curve, curve, length, and how a point begins. */
START_TEST(tls12_with_other_parameters)
{
	struct span	c;
	size_t		i, n;

	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		c = fixture_tls12(buf, groups[i].group, groups[i].point);
		for (n = 64; n < 68; n++) {
			buf[n] ^= 0x40;
			ck_assert(!may(KEY_RSA, true, SCHEME_RSA_PSS_SHA256,
			    c));
			buf[n] ^= 0x40;
		}
		buf[68] = 2;
		ck_assert(may(KEY_RSA, true, SCHEME_RSA_PSS_SHA256, c) ==
		    (groups[i].group >= 29));
	}
	/* explicit_prime, secp256k1, ffdhe2048, none */
	c = fixture_tls12(buf, 23, 65);
	buf[64] = 1;
	ck_assert(!may(KEY_RSA, true, SCHEME_RSA_PSS_SHA256, c));
	ck_assert(!may(KEY_RSA, true, SCHEME_RSA_PSS_SHA256,
	    fixture_tls12(buf, 22, 65)));
	ck_assert(!may(KEY_RSA, true, SCHEME_RSA_PSS_SHA256,
	    fixture_tls12(buf, 256, 65)));
	ck_assert(!may(KEY_RSA, true, SCHEME_RSA_PSS_SHA256,
	    fixture_tls12(buf, 0, 65)));
}
END_TEST

START_TEST(tls12_of_other_lengths)
{
	struct span	c;
	size_t		i, n;

	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		c = fixture_tls12(buf, groups[i].group, groups[i].point);
		for (n = 0; n <= CONTENT_MAX; n++) {
			c.len = n;
			ck_assert(may(KEY_P256, true, SCHEME_ECDSA_SHA256,
			    c) == (n == 68 + groups[i].point));
		}
	}
}
END_TEST

START_TEST(schemes_of_other_keys_and_unknown_ones)
{
	static const enum key_type types[] = {
		KEY_RSA, KEY_P256, KEY_P384, KEY_P521, KEY_ED25519
	};
	/* SHA-1, SHA-224, DSA, Ed448, PSS of PSS keys, MD5, brainpool */
	static const uint16_t odd[] = {
		0, 1, 0x0201, 0x0203, 0x0301, 0x0303, 0x0402, 0x0808, 0x0809,
		0x080a, 0x080b, 0x0101, 0x081a, 0xffff
	};
	struct span	c = fixture_tls12(buf, 29, 32);
	size_t		i, j;
	uint32_t	scheme;
	int		taken = 0;

	for (i = 0; i < 5; i++) {
		for (j = 0; j < sizeof(odd) / sizeof(odd[0]); j++)
			ck_assert(!may(types[i], true, odd[j], c));
		for (scheme = 0; scheme <= 0xffff; scheme++)
			taken += may(types[i], true, (uint16_t)scheme, c);
	}
	/* six of RSA, three of each curve, one */
	ck_assert_int_eq(taken, 6 + 3 * 3 + 1);
	ck_assert(!may(KEY_P256, true, SCHEME_RSA_PSS_SHA256, c));
	ck_assert(!may(KEY_RSA, true, SCHEME_ECDSA_SHA256, c));
	ck_assert(!may(KEY_RSA, true, SCHEME_ED25519, c));
}
END_TEST

/* What else a key of TLS may be wanted for. */
START_TEST(content_of_others)
{
	static const char *const texts[] = {
		"", "x", "-----BEGIN CERTIFICATE REQUEST-----",
		"eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhZG1pbiJ9",
		"SSH-2.0-OpenSSH_9.2", "relay/1 server\nkey\n",
	};
	size_t	i;
	int	server;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (server = 0; server < 2; server++)
			ck_assert(!may(KEY_ED25519, server, SCHEME_ED25519,
			    span_str(texts[i])));
	}
	memset(buf, 0, sizeof(buf));
	for (i = 0; i <= sizeof(buf); i++)
		ck_assert(!may(KEY_ED25519, true, SCHEME_ED25519,
		    (struct span){ buf, i }));
}
END_TEST

START_TEST(schemes_by_digest)
{
	const struct scheme	*s;

	s = scheme_by_digest(SCHEME_ECDSA, "SHA256");
	ck_assert_uint_eq(s->number, SCHEME_ECDSA_SHA256);
	s = scheme_by_digest(SCHEME_PSS, "SHA2-384");
	ck_assert_uint_eq(s->number, SCHEME_RSA_PSS_SHA384);
	s = scheme_by_digest(SCHEME_PKCS1, "sha2-512");
	ck_assert_uint_eq(s->number, SCHEME_RSA_PKCS1_SHA512);
	s = scheme_by_digest(SCHEME_EDDSA, NULL);
	ck_assert_uint_eq(s->number, SCHEME_ED25519);
	ck_assert_ptr_null(scheme_by_digest(SCHEME_EDDSA, "SHA512"));
	ck_assert_ptr_null(scheme_by_digest(SCHEME_ECDSA, NULL));
	ck_assert_ptr_null(scheme_by_digest(SCHEME_ECDSA, ""));
	ck_assert_ptr_null(scheme_by_digest(SCHEME_ECDSA, "SHA1"));
	ck_assert_ptr_null(scheme_by_digest(SCHEME_ECDSA, "SHA2-224"));
	ck_assert_ptr_null(scheme_by_digest(SCHEME_ECDSA, "SHA3-256"));
	ck_assert_ptr_null(scheme_by_digest(SCHEME_PSS, "SHA2-512/256"));
	ck_assert_ptr_null(scheme_find(0x0201));
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("content");

	tcase_add_test(tc, tls13_of_its_own_side);
	tcase_add_test(tc, tls13_has_no_pkcs1_and_a_hash_for_each_curve);
	tcase_add_test(tc, tls13_with_any_byte_of_its_frame_changed);
	tcase_add_test(tc, tls13_of_other_lengths);
	tcase_add_test(tc, tls12_of_a_server);
	tcase_add_test(tc, tls12_never_of_a_client);
	tcase_add_test(tc, tls12_with_other_parameters);
	tcase_add_test(tc, tls12_of_other_lengths);
	tcase_add_test(tc, schemes_of_other_keys_and_unknown_ones);
	tcase_add_test(tc, content_of_others);
	tcase_add_test(tc, schemes_by_digest);
	return (suite_run("keeper_content", tc));
}
