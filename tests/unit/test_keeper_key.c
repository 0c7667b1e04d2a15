/* SPDX-License-Identifier: ISC */
/* The keeper's keys: what is loaded, and what they sign. */
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <string.h>

#include "relayd/keeper/content.h"
#include "relayd/keeper/key.h"
#include "tests/unit/suite.h"
#include "tests/unit/tls_fixture.h"

static char	why[1024];

/* --- files --- */

START_TEST(keys_of_each_type)
{
	static const struct {
		const char	*type, *name;
		unsigned int	 bits;
	} all[] = {
		{ "RSA-2048", "rsa", 2048 },
		{ "RSA-3072", "rsa", 3072 },
		{ "P-256", "ecdsa-p256", 256 },
		{ "P-384", "ecdsa-p384", 384 },
		{ "P-521", "ecdsa-p521", 521 },
		{ "ED25519", "ed25519", 256 },
	};
	size_t	i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct keypair p = keypair_new(all[i].type);
		struct key *k = key_load(p.key_pem, why, sizeof(why));
		EVP_PKEY *public = key_of_certificate(p.cert_pem, why,
		    sizeof(why));

		ck_assert_ptr_nonnull(k);
		ck_assert_ptr_nonnull(public);
		ck_assert_str_eq(keytype_name(key_type(k)), all[i].name);
		/* 253 is what OpenSSL says of Ed25519 */
		if (strcmp(all[i].type, "ED25519") != 0)
			ck_assert_uint_eq(key_bits(k), all[i].bits);
		ck_assert(key_belongs(k, public));
		EVP_PKEY_free(public);
		key_free(k);
		keypair_free(&p);
	}
}
END_TEST

START_TEST(keys_in_other_shapes)
{
	static const char *const types[] = { "RSA-2048", "P-256" };
	struct span	both, old;
	struct key	*k;
	size_t		i;

	for (i = 0; i < 2; i++) {
		struct keypair p = keypair_new(types[i]);

		old = fixture_old_pem(p.pkey);
		ck_assert_ptr_null(memmem(old.p, old.len, "BEGIN PRIVATE",
		    13));
		k = key_load(old, why, sizeof(why));
		ck_assert_ptr_nonnull(k);
		key_free(k);
		/* one file with both, whichever is first */
		both = fixture_both(p.cert_pem, p.key_pem);
		k = key_load(both, why, sizeof(why));
		ck_assert_ptr_nonnull(k);
		key_free(k);
		EVP_PKEY_free(key_of_certificate(both, why, sizeof(why)));
		fixture_free(&both);
		both = fixture_both(p.key_pem, p.cert_pem);
		ck_assert_ptr_nonnull(k = key_load(both, why, sizeof(why)));
		key_free(k);
		fixture_free(&both);
		/* what "openssl ecparam -genkey" writes before it */
		both = fixture_both(span_str("-----BEGIN EC PARAMETERS-----\n"
		    "BggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"), old);
		ck_assert_ptr_nonnull(k = key_load(both, why, sizeof(why)));
		key_free(k);
		fixture_free(&both);
		fixture_free(&old);
		keypair_free(&p);
	}
}
END_TEST

static void
refuse_key(struct span pem, const char *text)
{
	why[0] = '\0';
	ck_assert_ptr_null(key_load(pem, why, sizeof(why)));
	if (strstr(why, text) == NULL)
		ck_abort_msg("\"%s\" instead of \"%s\"", why, text);
}

START_TEST(keys_that_are_not_taken)
{
	static const struct {
		const char	*type, *text;
	} all[] = {
		{ "RSA-1024", "RSA of 1024 bits: 2048 to 8192 are needed" },
		{ "RSA-2040", "RSA of 2040 bits" },
		{ "RSA-PSS", "of type RSA-PSS" },
		{ "secp256k1", "EC on secp256k1: it must be P-256" },
		{ "P-224", "EC on secp224r1" },
		{ "ED448", "of type ED448: it must be RSA, EC or Ed25519" },
	};
	size_t	i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct keypair p = keypair_new(all[i].type);

		refuse_key(p.key_pem, all[i].text);
		ck_assert_ptr_null(key_of_certificate(p.cert_pem, why,
		    sizeof(why)));
		if (strstr(why, all[i].text) == NULL)
			ck_abort_msg("\"%s\"", why);
		keypair_free(&p);
	}
}
END_TEST

START_TEST(keys_that_are_encrypted)
{
	EVP_PKEY	*pkey = fixture_key("P-256");
	struct span	 pem = fixture_key_pem(pkey, "hush");

	refuse_key(pem, "is encrypted");
	fixture_free(&pem);
	/* of before PKCS #8 */
	refuse_key(span_str("-----BEGIN EC PRIVATE KEY-----\n"
	    "Proc-Type: 4,ENCRYPTED\n"
	    "DEK-Info: AES-128-CBC,0123456789ABCDEF0123456789ABCDEF\n\n"
	    "AAAAAAAAAAAAAAAAAAAAAA==\n-----END EC PRIVATE KEY-----\n"),
	    "is encrypted");
	EVP_PKEY_free(pkey);
}
END_TEST

START_TEST(files_without_a_key)
{
	struct keypair	p = keypair_new("P-256");
	struct span	s;
	char		zeros[4096];
	size_t		i;

	refuse_key(span_str("hello"), "no private key");
	refuse_key(span_str("-----BEGIN PRIVATE KEY-----\n"),
	    "no private key");
	refuse_key(span_str("-----BEGIN PRIVATE KEY-----\nAAAA\n"
	    "-----END PRIVATE KEY-----\n"), "no private key");
	refuse_key(p.cert_pem, "no private key");
	memset(zeros, 0, sizeof(zeros));
	refuse_key((struct span){ zeros, sizeof(zeros) }, "no private key");
	for (i = 1; i < p.key_pem.len; i++) {
		/* all but the newline at its end, which may be missing */
		s = (struct span){ p.key_pem.p, p.key_pem.len - 1 - i };
		refuse_key(s, "no private key");
	}
	ck_assert_ptr_null(key_of_certificate(p.key_pem, why, sizeof(why)));
	ck_assert_str_eq(why, "has no certificate that can be read");
	for (i = 1; i < p.cert_pem.len; i += 7) {
		s = (struct span){ p.cert_pem.p, p.cert_pem.len - 1 - i };
		ck_assert_ptr_null(key_of_certificate(s, why, sizeof(why)));
	}
	keypair_free(&p);
}
END_TEST

START_TEST(keys_of_other_certificates)
{
	static const char *const types[] = {
		"RSA-2048", "RSA-2048", "P-256", "P-256", "P-384", "ED25519",
		"ED25519"
	};
	struct keypair	p[7];
	struct key	*k;
	EVP_PKEY	*public;
	size_t		i, j;

	for (i = 0; i < 7; i++)
		p[i] = keypair_new(types[i]);
	for (i = 0; i < 7; i++) {
		k = key_load(p[i].key_pem, why, sizeof(why));
		for (j = 0; j < 7; j++) {
			public = key_of_certificate(p[j].cert_pem, why,
			    sizeof(why));
			ck_assert(key_belongs(k, public) == (i == j));
			EVP_PKEY_free(public);
		}
		key_free(k);
	}
	for (i = 0; i < 7; i++)
		keypair_free(&p[i]);
}
END_TEST

/* The public part in the file is that of the certificate, the private not. */
START_TEST(a_key_that_only_looks_right)
{
	struct keypair	 a = keypair_new("P-256"), b = keypair_new("P-256");
	unsigned char	*der_a = NULL, *der_b = NULL;
	struct key	*k;
	EVP_PKEY	*mixed, *public;
	struct span	 pem;
	const unsigned char *p;
	int		 na, nb;

	/* ECPrivateKey has the scalar at 7, the point at its end */
	na = i2d_PrivateKey(a.pkey, &der_a);
	nb = i2d_PrivateKey(b.pkey, &der_b);
	ck_assert_int_eq(na, nb);
	memcpy(der_b + 7, der_a + 7, 32);
	p = der_b;
	mixed = d2i_PrivateKey(EVP_PKEY_EC, NULL, &p, nb);
	ck_assert_ptr_nonnull(mixed);
	pem = fixture_key_pem(mixed, NULL);
	k = key_load(pem, why, sizeof(why));
	ck_assert_ptr_nonnull(k);
	public = key_of_certificate(b.cert_pem, why, sizeof(why));
	ck_assert(EVP_PKEY_eq(mixed, public) == 1);
	ck_assert(!key_belongs(k, public));
	EVP_PKEY_free(public);
	key_free(k);
	fixture_free(&pem);
	EVP_PKEY_free(mixed);
	OPENSSL_free(der_a);
	OPENSSL_free(der_b);
	keypair_free(&a);
	keypair_free(&b);
}
END_TEST

/* --- signatures --- */

static bool
verify(EVP_PKEY *pkey, const struct scheme *s, struct span c,
    const uint8_t *sig, size_t len)
{
	EVP_MD_CTX	*ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX	*pctx;
	bool		 ok;

	ck_assert(EVP_DigestVerifyInit_ex(ctx, &pctx, s->digest, NULL, NULL,
	    pkey, NULL) == 1);
	if (s->kind == SCHEME_PSS) {
		EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING);
		EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST);
	}
	ok = EVP_DigestVerify(ctx, sig, len, (const uint8_t *)c.p, c.len) == 1;
	EVP_MD_CTX_free(ctx);
	return (ok);
}

START_TEST(signatures_verify)
{
	static const struct {
		const char	*type;
		uint16_t	 scheme[6];
	} all[] = {
		{ "RSA-2048", { 0x0401, 0x0501, 0x0601, 0x0804, 0x0805,
		    0x0806 } },
		{ "P-256", { 0x0403, 0x0503, 0x0603 } },
		{ "P-384", { 0x0403, 0x0503, 0x0603 } },
		{ "P-521", { 0x0403, 0x0503, 0x0603 } },
		{ "ED25519", { 0x0807 } },
	};
	uint8_t		sig[KEY_SIG_MAX];
	char		buf[CONTENT_MAX];
	struct span	c = fixture_tls12(buf, 29, 32);
	size_t		i, j, n;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct keypair p = keypair_new(all[i].type);
		struct key *k = key_load(p.key_pem, why, sizeof(why));

		for (j = 0; j < 6 && all[i].scheme[j] != 0; j++) {
			const struct scheme *s = scheme_find(all[i].scheme[j]);

			n = key_sign(k, s->number, c, sig);
			ck_assert_uint_gt(n, 0);
			ck_assert(verify(p.pkey, s, c, sig, n));
			buf[3] ^= 1;
			ck_assert(!verify(p.pkey, s, c, sig, n));
			buf[3] ^= 1;
		}
		/* of another key, and none */
		ck_assert_uint_eq(key_sign(k, all[i].type[0] == 'E' ? 0x0403 :
		    0x0807, c, sig), 0);
		ck_assert_uint_eq(key_sign(k, 0, c, sig), 0);
		key_free(k);
		keypair_free(&p);
	}
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("keeper keys");

	tcase_add_test(tc, keys_of_each_type);
	tcase_add_test(tc, keys_in_other_shapes);
	tcase_add_test(tc, keys_that_are_not_taken);
	tcase_add_test(tc, keys_that_are_encrypted);
	tcase_add_test(tc, files_without_a_key);
	tcase_add_test(tc, keys_of_other_certificates);
	tcase_add_test(tc, a_key_that_only_looks_right);
	tcase_add_test(tc, signatures_verify);
	return (suite_run("keeper keys", tc));
}
