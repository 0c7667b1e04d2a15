/* SPDX-License-Identifier: ISC */
/* Keys that are at a keeper, in handshakes that end well. */
#include <openssl/err.h>
#include <openssl/pem.h>

#include <string.h>

#include "tests/unit/keysign_fixture.h"
#include "tests/unit/suite.h"
#include "tests/unit/tls_fixture.h"

/* --- handshakes that end well --- */

static void
handshake(const char *type, int version, const char *sigalgs, uint16_t scheme)
{
	struct world	*w = world_new(type);
	struct pair	 p;

	SSL_CTX_set_min_proto_version(w->client, version);
	SSL_CTX_set_max_proto_version(w->client, version);
	if (sigalgs != NULL)
		ck_assert(SSL_CTX_set1_sigalgs_list(w->client, sigalgs) == 1);
	pair_begin(&p, w);
	ck_assert_msg(w->n_asked == 1, "%s %x %s: %zu asked", type, version,
	    sigalgs, w->n_asked);
	ck_assert_int_eq(p.error, SSL_ERROR_WANT_ASYNC);
	ck_assert_uint_eq(w->asked[0].index, 7);
	ck_assert_uint_eq(w->asked[0].generation, 5);
	if (scheme != 0)
		ck_assert_uint_eq(w->asked[0].scheme, scheme);
	answer(w, 0);
	ck_assert_uint_eq(w->resumes, 1);
	steps(&p);
	ck_assert_int_eq(SSL_version(p.ours), version);
	check_talk(&p);
	ck_assert_uint_eq(stats(w).answered, 1);
	ck_assert_uint_eq(stats(w).odd, 0);
	pair_free(&p);
	world_free(w);
}

START_TEST(each_type_and_version)
{
	static const struct {
		const char	*type, *sigalgs;
		uint16_t	 tls12, tls13;
	} all[] = {
		{ "RSA-2048", NULL, 0, 0x0804 },
		{ "RSA-2048", "RSA+SHA256", 0x0401, 0 },
		{ "RSA-2048", "RSA+SHA384", 0x0501, 0 },
		{ "RSA-2048", "RSA+SHA512", 0x0601, 0 },
		{ "RSA-2048", "RSA-PSS+SHA256", 0x0804, 0x0804 },
		{ "RSA-2048", "RSA-PSS+SHA384:RSA+SHA256", 0x0805, 0x0805 },
		{ "RSA-4096", "RSA-PSS+SHA512:RSA+SHA256", 0x0806, 0x0806 },
		{ "P-256", NULL, 0, 0x0403 },
		{ "P-256", "ECDSA+SHA512:ECDSA+SHA256", 0x0603, 0x0403 },
		{ "P-384", "ECDSA+SHA384:ECDSA+SHA256", 0x0503, 0x0503 },
		{ "P-521", "ECDSA+SHA512:ECDSA+SHA256", 0x0603, 0x0603 },
		{ "ED25519", NULL, 0x0807, 0x0807 },
	};
	size_t	i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (all[i].tls12 != 0 || all[i].sigalgs == NULL)
			handshake(all[i].type, TLS1_2_VERSION, all[i].sigalgs,
			    all[i].tls12);
		if (all[i].tls13 != 0)
			handshake(all[i].type, TLS1_3_VERSION, all[i].sigalgs,
			    all[i].tls13);
	}
}
END_TEST

/* The groups of TLS 1.2, of which the keeper knows each. */
START_TEST(each_group)
{
	static const char *const groups[] = {
		"X25519:P-256", "P-256", "P-384:P-256", "P-521:P-256",
		"X448:P-256"
	};
	struct world	*w = world_new("P-256");
	struct pair	 p;
	size_t		 i;
	int		 version;

	for (version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		SSL_CTX_set_min_proto_version(w->client, version);
		SSL_CTX_set_max_proto_version(w->client, version);
		for (i = 0; i < 5; i++) {
			ck_assert(SSL_CTX_set1_groups_list(w->client,
			    groups[i]) == 1);
			pair_begin(&p, w);
			ck_assert_uint_eq(w->n_asked, 1);
			answer(w, 0);
			w->n_asked = 0;
			steps(&p);
			check_talk(&p);
			pair_free(&p);
		}
	}
	world_free(w);
}
END_TEST

static int
accept_any(int ok, X509_STORE_CTX *ctx)
{
	(void)ok;
	(void)ctx;
	return (1);
}

/* Our key is that of a client; TLS 1.2 has it sign too much. */
static void
client_handshake(const char *type, int version, bool works)
{
	struct world	*w = world_new(type);
	struct pair	 p;
	SSL_CTX		*plain = SSL_CTX_new(TLS_method());

	keyset_free(&w->keys);
	keeper_start(w, false);
	SSL_CTX_free(w->server);
	SSL_CTX_free(w->client);
	w->client = our_context(w, false);
	w->server = plain;
	ck_assert(SSL_CTX_use_certificate(plain, w->cert) == 1);
	ck_assert(SSL_CTX_use_PrivateKey(plain, w->pkey) == 1);
	SSL_CTX_set_verify(plain, SSL_VERIFY_PEER |
	    SSL_VERIFY_FAIL_IF_NO_PEER_CERT, accept_any);
	SSL_CTX_set_max_proto_version(plain, version);
	pair_new(&p, w, false);
	steps(&p);
	if (works) {
		ck_assert_uint_eq(w->n_asked, 1);
		pair_finish(&p);
	} else {
		ck_assert(p.failed);
		ck_assert_uint_eq(w->n_asked, 0);
		ck_assert_uint_eq(stats(w).odd, 1);
		ck_assert_str_eq(keysign_failure(&p.wait),
		    "content that is no handshake");
	}
	pair_free(&p);
	world_free(w);
}

START_TEST(keys_of_clients)
{
	client_handshake("P-256", TLS1_3_VERSION, true);
	client_handshake("RSA-2048", TLS1_3_VERSION, true);
	client_handshake("ED25519", TLS1_3_VERSION, true);
	client_handshake("P-256", TLS1_2_VERSION, false);
	client_handshake("RSA-2048", TLS1_2_VERSION, false);
}
END_TEST

START_TEST(a_session_that_is_resumed_needs_no_keeper)
{
	struct world	*w = world_new("P-256");
	SSL_SESSION	*session;
	struct pair	 p;

	pair_begin(&p, w);
	pair_finish(&p);
	session = SSL_get1_session(p.theirs);
	SSL_shutdown(p.theirs);
	pair_free(&p);
	pair_new(&p, w, true);
	ck_assert(SSL_set_session(p.theirs, session) == 1);
	steps(&p);
	check_talk(&p);
	ck_assert(SSL_session_reused(p.theirs));
	ck_assert_uint_eq(w->n_asked, 1);
	pair_free(&p);
	SSL_SESSION_free(session);
	world_free(w);
}
END_TEST

/* --- many at once --- */

START_TEST(answers_out_of_order)
{
	struct world	*w = world_new("ED25519");
	struct pair	 p[16];
	size_t		 i;

	for (i = 0; i < 16; i++) {
		pair_begin(&p[i], w);
	}
	ck_assert_uint_eq(w->n_asked, 16);
	ck_assert_uint_eq(stats(w).pending, 16);
	/* 5 is prime to 16 */
	for (i = 0; i < 16; i++) {
		answer(w, i * 5 % 16);
		ck_assert_uint_eq(stats(w).pending, 15 - i);
	}
	for (i = 0; i < 16; i++) {
		steps(&p[i]);
		check_talk(&p[i]);
	}
	for (i = 0; i < 16; i++)
		pair_free(&p[i]);
	world_free(w);
}
END_TEST

/* What enters before the answer waits on, and the request is sent once. */
START_TEST(entered_too_early)
{
	struct world	*w = world_new("P-256");
	struct pair	 p;
	int		 i;

	pair_new(&p, w, true);
	for (i = 0; i < 20; i++)
		steps(&p);
	ck_assert_uint_eq(w->n_asked, 1);
	ck_assert_int_eq(p.error, SSL_ERROR_WANT_ASYNC);
	pair_finish(&p);
	pair_free(&p);
	world_free(w);
}
END_TEST

/* --- keys --- */

START_TEST(keys_are_public_only)
{
	static const char *const types[] = { "RSA-2048", "P-384", "ED25519" };
	char		 why[200];
	EVP_PKEY	*ours, *other;
	OSSL_PARAM	*params = NULL;
	size_t		 i, len;
	BIO		*bio;

	for (i = 0; i < 3; i++) {
		struct world *w = world_new(types[i]);

		ours = keysign_key(w->ks, 1, 0, true, w->cert, why,
		    sizeof(why));
		ck_assert_ptr_nonnull(ours);
		ck_assert(X509_check_private_key(w->cert, ours) == 1);
		ck_assert(EVP_PKEY_eq(ours, w->pkey) == 1);
		ck_assert(EVP_PKEY_eq(w->pkey, ours) == 1);
		ck_assert(EVP_PKEY_eq(ours, ours) == 1);
		ck_assert_int_eq(EVP_PKEY_get_bits(ours),
		    EVP_PKEY_get_bits(w->pkey));
		ck_assert_int_eq(EVP_PKEY_get_size(ours),
		    EVP_PKEY_get_size(w->pkey));
		ck_assert_int_eq(EVP_PKEY_get_base_id(ours),
		    EVP_PKEY_get_base_id(w->pkey));
		ck_assert_int_ne(EVP_PKEY_todata(ours, EVP_PKEY_KEYPAIR,
		    &params), 1);
		bio = BIO_new(BIO_s_mem());
		ck_assert_int_ne(PEM_write_bio_PrivateKey(bio, ours, NULL,
		    NULL, 0, NULL, NULL), 1);
		BIO_free(bio);
		len = 0;
		ck_assert_int_ne(EVP_PKEY_get_raw_private_key(ours, NULL,
		    &len), 1);
		other = fixture_key(types[i]);
		ck_assert(EVP_PKEY_eq(ours, other) != 1);
		ck_assert(EVP_PKEY_eq(other, ours) != 1);
		EVP_PKEY_free(other);
		other = fixture_key("P-256");
		ck_assert(EVP_PKEY_eq(ours, other) != 1);
		EVP_PKEY_free(other);
		EVP_PKEY_free(ours);
		ERR_clear_error();
		world_free(w);
	}
}
END_TEST

START_TEST(keys_of_other_certificates)
{
	struct world	*w = world_new("P-256");
	EVP_PKEY	*pkey = fixture_key("P-256"), *ours;
	X509		*cert = fixture_certificate(pkey);
	char		 why[200];

	/* whichever is set first */
	ours = keysign_key(w->ks, 1, 0, true, cert, why, sizeof(why));
	ck_assert_ptr_nonnull(ours);
	ck_assert(X509_check_private_key(w->cert, ours) != 1);
	ck_assert(SSL_CTX_use_PrivateKey(w->server, ours) != 1);
	ck_assert(SSL_CTX_use_certificate(w->client, w->cert) == 1);
	ck_assert(SSL_CTX_use_PrivateKey(w->client, ours) != 1);
	ERR_clear_error();
	EVP_PKEY_free(ours);
	X509_free(cert);
	EVP_PKEY_free(pkey);
	world_free(w);
}
END_TEST

START_TEST(certificates_that_are_not_taken)
{
	static const struct {
		const char	*type, *text;
	} all[] = {
		{ "RSA-1024", "RSA of 1024 bits" },
		{ "RSA-PSS", "of type RSA-PSS" },
		{ "secp256k1", "EC on secp256k1" },
		{ "ED448", "of type ED448" },
	};
	struct world	*w = world_new("P-256");
	char		 why[200];
	size_t		 i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		EVP_PKEY *pkey = fixture_key(all[i].type);
		X509 *cert = fixture_certificate(pkey);

		ck_assert_ptr_null(keysign_key(w->ks, 1, 0, true, cert, why,
		    sizeof(why)));
		if (strstr(why, all[i].text) == NULL)
			ck_abort_msg("\"%s\"", why);
		X509_free(cert);
		EVP_PKEY_free(pkey);
	}
	world_free(w);
}
END_TEST

/* Two at once share nothing, and everybody else's keys are not ours. */
START_TEST(nothing_is_global)
{
	struct world	*a = world_new("P-256"), *b = world_new("P-256");
	struct pair	 p, q;
	EVP_PKEY	*plain;

	plain = EVP_PKEY_Q_keygen(keysign_libctx(a->ks), NULL, "ED25519");
	ck_assert_ptr_nonnull(plain);
	EVP_PKEY_free(plain);
	pair_new(&p, a, true);
	pair_new(&q, b, true);
	steps(&p);
	steps(&q);
	ck_assert_uint_eq(a->n_asked, 1);
	ck_assert_uint_eq(b->n_asked, 1);
	answer(b, 0);
	steps(&q);
	check_talk(&q);
	pair_free(&q);
	world_free(b);
	answer(a, 0);
	steps(&p);
	check_talk(&p);
	pair_free(&p);
	world_free(a);
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("keysign");

	tcase_add_test(tc, each_type_and_version);
	tcase_add_test(tc, each_group);
	tcase_add_test(tc, keys_of_clients);
	tcase_add_test(tc, a_session_that_is_resumed_needs_no_keeper);
	tcase_add_test(tc, answers_out_of_order);
	tcase_add_test(tc, entered_too_early);
	tcase_add_test(tc, keys_are_public_only);
	tcase_add_test(tc, keys_of_other_certificates);
	tcase_add_test(tc, certificates_that_are_not_taken);
	tcase_add_test(tc, nothing_is_global);
	return (suite_run("keysign", tc));
}
