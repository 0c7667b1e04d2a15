/* SPDX-License-Identifier: ISC */
/* The keeper's keys: what is loaded, what belongs together, what is signed. */
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "relayd/keeper/content.h"
#include "relayd/keeper/keyset.h"
#include "tests/unit/suite.h"
#include "tests/unit/tls_fixture.h"

static char	why[1024];

/* A key, its certificate, and both as files. */
struct pair {
	EVP_PKEY	*pkey;
	X509		*cert;
	struct span	 key_pem, cert_pem;
};

static struct pair
pair_new(const char *type)
{
	struct pair	p;

	p.pkey = fixture_key(type);
	p.cert = fixture_certificate(p.pkey);
	p.key_pem = fixture_key_pem(p.pkey, NULL);
	p.cert_pem = fixture_certificate_pem(p.cert);
	return (p);
}

static void
pair_free(struct pair *p)
{
	fixture_free(&p->key_pem);
	fixture_free(&p->cert_pem);
	X509_free(p->cert);
	EVP_PKEY_free(p->pkey);
}

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
		struct pair p = pair_new(all[i].type);
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
		pair_free(&p);
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
		struct pair p = pair_new(types[i]);

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
		pair_free(&p);
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
		struct pair p = pair_new(all[i].type);

		refuse_key(p.key_pem, all[i].text);
		ck_assert_ptr_null(key_of_certificate(p.cert_pem, why,
		    sizeof(why)));
		if (strstr(why, all[i].text) == NULL)
			ck_abort_msg("\"%s\"", why);
		pair_free(&p);
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
	struct pair	p = pair_new("P-256");
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
	pair_free(&p);
}
END_TEST

START_TEST(keys_of_other_certificates)
{
	static const char *const types[] = {
		"RSA-2048", "RSA-2048", "P-256", "P-256", "P-384", "ED25519",
		"ED25519"
	};
	struct pair	p[7];
	struct key	*k;
	EVP_PKEY	*public;
	size_t		i, j;

	for (i = 0; i < 7; i++)
		p[i] = pair_new(types[i]);
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
		pair_free(&p[i]);
}
END_TEST

/* The public part in the file is that of the certificate, the private not. */
START_TEST(a_key_that_only_looks_right)
{
	struct pair	 a = pair_new("P-256"), b = pair_new("P-256");
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
	pair_free(&a);
	pair_free(&b);
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
		struct pair p = pair_new(all[i].type);
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
		pair_free(&p);
	}
}
END_TEST

/* --- generations --- */

static void
add(struct keyset *set, uint32_t index, bool server, const struct pair *key,
    const struct pair *cert)
{
	ck_assert(keyset_key(set, index, &key->key_pem, NULL, "/k.pem"));
	ck_assert(keyset_certificate(set, index, server, &cert->cert_pem,
	    NULL, "/c.pem"));
}

static void
commit(struct keyset *set, uint32_t generation, const struct pair *p)
{
	keyset_begin(set, generation);
	if (p != NULL)
		add(set, 0, true, p, p);
	ck_assert_msg(keyset_end(set, why, sizeof(why)), "%s", why);
	keyset_commit(set);
}

static enum keyset_verdict
ask(struct keyset *set, uint32_t generation, uint32_t index)
{
	static struct keyset_answer	a;
	char				buf[CONTENT_MAX];

	keyset_sign(set, generation, index, SCHEME_ED25519,
	    fixture_tls13(buf, true, 32), &a);
	ck_assert((a.len > 0) == (a.verdict == KEYSET_SIGNED));
	ck_assert((a.why == NULL) == (a.verdict == KEYSET_SIGNED));
	return (a.verdict);
}

START_TEST(generations)
{
	struct keyset	set = { NULL, NULL, NULL };
	struct pair	p = pair_new("ED25519");

	ck_assert_int_eq(ask(&set, 0, 0), KEYSET_STALE);
	ck_assert_int_eq(ask(&set, 1, 0), KEYSET_STALE);
	commit(&set, 1, &p);
	ck_assert_int_eq(ask(&set, 1, 0), KEYSET_SIGNED);
	ck_assert_int_eq(ask(&set, 1, 1), KEYSET_OFFENCE);
	ck_assert_int_eq(ask(&set, 1, LIMIT_KEYS), KEYSET_OFFENCE);
	ck_assert_int_eq(ask(&set, 1, UINT32_MAX), KEYSET_OFFENCE);
	ck_assert_int_eq(ask(&set, 0, 0), KEYSET_STALE);
	ck_assert_int_eq(ask(&set, 2, 0), KEYSET_STALE);
	commit(&set, 2, &p);
	ck_assert_int_eq(ask(&set, 1, 0), KEYSET_SIGNED);
	ck_assert_int_eq(ask(&set, 2, 0), KEYSET_SIGNED);
	/* what was collected is not there before it was checked ... */
	keyset_begin(&set, 3);
	add(&set, 0, true, &p, &p);
	ck_assert_int_eq(ask(&set, 3, 0), KEYSET_STALE);
	ck_assert(keyset_end(&set, why, sizeof(why)));
	/* ... and then the front-end may be ahead */
	ck_assert_int_eq(ask(&set, 3, 0), KEYSET_SIGNED);
	keyset_abort(&set);
	ck_assert_int_eq(ask(&set, 3, 0), KEYSET_STALE);
	ck_assert_int_eq(ask(&set, 1, 0), KEYSET_SIGNED);
	/* a configuration without keys */
	commit(&set, 4, NULL);
	ck_assert_int_eq(ask(&set, 1, 0), KEYSET_STALE);
	ck_assert_int_eq(ask(&set, 2, 0), KEYSET_SIGNED);
	ck_assert_int_eq(ask(&set, 4, 0), KEYSET_OFFENCE);
	keyset_free(&set);
	pair_free(&p);
}
END_TEST

START_TEST(counters_go_on_with_the_file)
{
	struct keyset	set = { NULL, NULL, NULL };
	struct pair	p = pair_new("ED25519");
	const struct keyslot *slot;

	commit(&set, 1, &p);
	ask(&set, 1, 0);
	ask(&set, 1, 0);
	commit(&set, 2, &p);
	ask(&set, 2, 0);
	slot = &set.cur->slots[0];
	ck_assert_uint_eq(slot->signatures, 3);
	ck_assert_uint_eq(slot->refused, 0);
	/* another file */
	keyset_begin(&set, 3);
	ck_assert(keyset_key(&set, 0, &p.key_pem, NULL, "/other.pem"));
	ck_assert(keyset_certificate(&set, 0, true, &p.cert_pem, NULL,
	    "/c.pem"));
	ck_assert(keyset_end(&set, why, sizeof(why)));
	keyset_commit(&set);
	ck_assert_uint_eq(set.cur->slots[0].signatures, 0);
	keyset_free(&set);
	pair_free(&p);
}
END_TEST

static void
reject(struct keyset *set, const char *text)
{
	why[0] = '\0';
	ck_assert(!keyset_end(set, why, sizeof(why)));
	ck_assert_str_eq(why, text);
	ck_assert_int_eq(ask(set, 7, 0), KEYSET_STALE);
	keyset_abort(set);
}

START_TEST(configurations_that_are_rejected)
{
	struct keyset	set = { NULL, NULL, NULL };
	struct pair	p = pair_new("ED25519"), q = pair_new("ED25519");
	struct span	junk = span_str("junk");

	keyset_begin(&set, 7);
	add(&set, 0, true, &p, &p);
	add(&set, 3, true, &p, &q);
	reject(&set, "tls key /k.pem: does not belong to /c.pem");
	keyset_begin(&set, 7);
	keyset_key(&set, 0, &p.key_pem, NULL, "/k.pem");
	reject(&set, "tls key /k.pem: has no certificate");
	keyset_begin(&set, 7);
	keyset_certificate(&set, 63, true, &p.cert_pem, NULL, "/c.pem");
	reject(&set, "tls certificate /c.pem: has no key");
	keyset_begin(&set, 7);
	keyset_key(&set, 0, NULL, "is empty", "/k.pem");
	keyset_certificate(&set, 0, true, NULL, "is empty", "/c.pem");
	reject(&set, "tls key /k.pem: is empty");
	keyset_begin(&set, 7);
	keyset_certificate(&set, 0, true, NULL, "is empty", "/c.pem");
	reject(&set, "tls certificate /c.pem: is empty");
	keyset_begin(&set, 7);
	keyset_certificate(&set, 0, true, &junk, NULL, "/c.pem");
	keyset_key(&set, 0, &junk, NULL, "/k.pem");
	reject(&set, "tls certificate /c.pem: has no certificate that can be "
	    "read");
	commit(&set, 8, &p);
	keyset_free(&set);
	pair_free(&p);
	pair_free(&q);
}
END_TEST

START_TEST(messages_out_of_order)
{
	struct keyset	set = { NULL, NULL, NULL };
	struct pair	p = pair_new("ED25519");

	ck_assert(!keyset_key(&set, 0, &p.key_pem, NULL, "/k"));
	ck_assert(!keyset_certificate(&set, 0, true, &p.cert_pem, NULL, "/c"));
	keyset_begin(&set, 1);
	ck_assert(!keyset_key(&set, LIMIT_KEYS, &p.key_pem, NULL, "/k"));
	ck_assert(!keyset_certificate(&set, LIMIT_KEYS, true, &p.cert_pem,
	    NULL, "/c"));
	/* in either order, each once */
	ck_assert(keyset_certificate(&set, 0, true, &p.cert_pem, NULL, "/c"));
	ck_assert(!keyset_certificate(&set, 0, true, &p.cert_pem, NULL, "/c"));
	ck_assert(keyset_key(&set, 0, &p.key_pem, NULL, "/k"));
	ck_assert(!keyset_key(&set, 0, &p.key_pem, NULL, "/k"));
	ck_assert(keyset_end(&set, why, sizeof(why)));
	ck_assert(!keyset_key(&set, 1, &p.key_pem, NULL, "/k"));
	keyset_free(&set);
	pair_free(&p);
}
END_TEST

START_TEST(offences)
{
	static struct keyset_answer a;
	struct keyset	set = { NULL, NULL, NULL };
	struct pair	p = pair_new("P-256");
	char		buf[CONTENT_MAX];

	keyset_begin(&set, 1);
	add(&set, 0, true, &p, &p);
	add(&set, 1, false, &p, &p);
	ck_assert(keyset_end(&set, why, sizeof(why)));
	keyset_commit(&set);
	keyset_sign(&set, 1, 0, SCHEME_ECDSA_SHA256, span_str("Hi"), &a);
	ck_assert_int_eq(a.verdict, KEYSET_OFFENCE);
	keyset_sign(&set, 1, 0, SCHEME_RSA_PSS_SHA256,
	    fixture_tls13(buf, true, 32), &a);
	ck_assert_int_eq(a.verdict, KEYSET_OFFENCE);
	/* each side only its own */
	keyset_sign(&set, 1, 0, SCHEME_ECDSA_SHA256,
	    fixture_tls13(buf, false, 32), &a);
	ck_assert_int_eq(a.verdict, KEYSET_OFFENCE);
	keyset_sign(&set, 1, 1, SCHEME_ECDSA_SHA256,
	    fixture_tls13(buf, true, 32), &a);
	ck_assert_int_eq(a.verdict, KEYSET_OFFENCE);
	keyset_sign(&set, 1, 1, SCHEME_ECDSA_SHA256,
	    fixture_tls12(buf, 29, 32), &a);
	ck_assert_int_eq(a.verdict, KEYSET_OFFENCE);
	ck_assert_uint_eq(set.cur->slots[0].refused, 3);
	ck_assert_uint_eq(set.cur->slots[1].refused, 2);
	ck_assert_uint_eq(a.len, 0);
	keyset_sign(&set, 1, 1, SCHEME_ECDSA_SHA256,
	    fixture_tls13(buf, false, 48), &a);
	ck_assert_int_eq(a.verdict, KEYSET_SIGNED);
	ck_assert_uint_eq(set.cur->slots[1].signatures, 1);
	keyset_free(&set);
	pair_free(&p);
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("keeper");

	tcase_add_test(tc, keys_of_each_type);
	tcase_add_test(tc, keys_in_other_shapes);
	tcase_add_test(tc, keys_that_are_not_taken);
	tcase_add_test(tc, keys_that_are_encrypted);
	tcase_add_test(tc, files_without_a_key);
	tcase_add_test(tc, keys_of_other_certificates);
	tcase_add_test(tc, a_key_that_only_looks_right);
	tcase_add_test(tc, signatures_verify);
	tcase_add_test(tc, generations);
	tcase_add_test(tc, counters_go_on_with_the_file);
	tcase_add_test(tc, configurations_that_are_rejected);
	tcase_add_test(tc, messages_out_of_order);
	tcase_add_test(tc, offences);
	return (suite_run("keeper", tc));
}
