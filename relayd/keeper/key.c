/* SPDX-License-Identifier: ISC */
/* See key.h. */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/limits.h"
#include "relayd/keeper/content.h"
#include "relayd/keeper/key.h"

_Static_assert(KEY_SIG_MAX * 8 >= LIMIT_RSA_BITS_MAX, "a signature fits");

struct key {
	EVP_PKEY	*pkey;
	enum key_type	 type;
};

/* Nobody is there to be asked: remember that it was wanted. */
static int
no_passphrase(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	*(bool *)arg = true;
	return (-1);
}

static BIO *
bio_of(struct span pem, char *why, size_t size)
{
	BIO *bio = NULL;

	if (pem.len <= INT_MAX)
		bio = BIO_new_mem_buf(pem.p, (int)pem.len);
	if (bio == NULL)
		snprintf(why, size, "too large");
	return (bio);
}

struct key *
key_load(struct span pem, char *why, size_t size)
{
	struct key *k;
	EVP_PKEY *pkey;
	enum key_type type;
	bool encrypted = false;
	BIO *bio;

	if ((bio = bio_of(pem, why, size)) == NULL)
		return (NULL);
	pkey = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, &encrypted);
	BIO_free(bio);
	ERR_clear_error();
	if (pkey == NULL) {
		snprintf(why, size, "%s", encrypted ?
		    "is encrypted: nobody can be asked for its passphrase" :
		    "has no private key that can be read");
		return (NULL);
	}
	k = NULL;
	if (keytype_of(pkey, &type, why, size) &&
	    (k = calloc(1, sizeof(*k))) == NULL)
		snprintf(why, size, "out of memory");
	if (k == NULL) {
		EVP_PKEY_free(pkey);
		return (NULL);
	}
	k->pkey = pkey;
	k->type = type;
	return (k);
}

/* OpenSSL clears the numbers of a private key when it frees them. */
void
key_free(struct key *k)
{
	if (k == NULL)
		return;
	EVP_PKEY_free(k->pkey);
	free(k);
}

enum key_type
key_type(const struct key *k)
{
	return (k->type);
}

unsigned int
key_bits(const struct key *k)
{
	return ((unsigned int)EVP_PKEY_get_bits(k->pkey));
}

EVP_PKEY *
key_of_certificate(struct span pem, char *why, size_t size)
{
	enum key_type type;
	EVP_PKEY *pkey = NULL;
	char what[160];
	X509 *cert;
	BIO *bio;

	if ((bio = bio_of(pem, why, size)) == NULL)
		return (NULL);
	cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	if (cert == NULL)
		snprintf(why, size, "has no certificate that can be read");
	else if ((pkey = X509_get_pubkey(cert)) == NULL)
		snprintf(why, size, "has a key that is of no known type");
	else if (!keytype_of(pkey, &type, what, sizeof(what))) {
		snprintf(why, size, "its key is %s", what);
		EVP_PKEY_free(pkey);
		pkey = NULL;
	}
	X509_free(cert);
	ERR_clear_error();
	return (pkey);
}

/* The scheme of a trial. */
static uint16_t
trial_scheme(enum key_type type)
{
	switch (type) {
	case KEY_RSA:
		return (SCHEME_RSA_PSS_SHA256);
	case KEY_ED25519:
		return (SCHEME_ED25519);
	default:
		return (SCHEME_ECDSA_SHA256);
	}
}

static bool
set_padding(EVP_PKEY_CTX *ctx, enum scheme_kind kind)
{
	if (kind == SCHEME_PKCS1)
		return (EVP_PKEY_CTX_set_rsa_padding(ctx,
		    RSA_PKCS1_PADDING) == 1);
	if (kind == SCHEME_PSS)
		return (EVP_PKEY_CTX_set_rsa_padding(ctx,
		    RSA_PKCS1_PSS_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx,
		    RSA_PSS_SALTLEN_DIGEST) == 1);
	return (true);
}

static bool
verifies(EVP_PKEY *pkey, const struct scheme *s, struct span content,
    const uint8_t *sig, size_t len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;
	bool ok;

	ok = ctx != NULL && EVP_DigestVerifyInit_ex(ctx, &pctx, s->digest,
	    NULL, NULL, pkey, NULL) == 1 && set_padding(pctx, s->kind) &&
	    EVP_DigestVerify(ctx, sig, len, (const uint8_t *)content.p,
	    content.len) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return (ok);
}

bool
key_belongs(const struct key *k, EVP_PKEY *public)
{
	uint16_t number = trial_scheme(k->type);
	struct span content = span_str("relayd: does this key belong?");
	uint8_t sig[KEY_SIG_MAX];
	size_t len = key_sign(k, number, content, sig);

	return (len > 0 && verifies(public, scheme_find(number), content, sig,
	    len));
}

size_t
key_sign(const struct key *k, uint16_t number, struct span content,
    uint8_t *sig)
{
	const struct scheme *s = scheme_find(number);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;
	size_t len = KEY_SIG_MAX;
	bool ok;

	ok = s != NULL && scheme_fits(s, k->type) && ctx != NULL &&
	    EVP_DigestSignInit_ex(ctx, &pctx, s->digest, NULL, NULL, k->pkey,
	    NULL) == 1 && set_padding(pctx, s->kind) &&
	    EVP_DigestSign(ctx, sig, &len, (const uint8_t *)content.p,
	    content.len) == 1;
	EVP_MD_CTX_free(ctx);
	ERR_clear_error();
	return (ok ? len : 0);
}
