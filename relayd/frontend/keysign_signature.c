/* SPDX-License-Identifier: ISC */
/*
 * Signatures of our provider, as libssl makes them: the whole content at
 * once, because the keeper wants to see what it signs and not a hash of it.
 */
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "relayd/frontend/keysign_impl.h"
#include "relayd/keeper/content.h"

/* One signature to be. */
struct signature {
	const struct keysign_key *key;
	bool		 pss;		/* of RSA; else PKCS #1 */
	bool		 odd;		/* asked for what TLS does not use */
	char		 digest[32];	/* "" for none */
};

static void *
sig_new(void *provctx, const char *propq)
{
	(void)provctx;
	(void)propq;
	return (calloc(1, sizeof(struct signature)));
}

static void
sig_free(void *ctx)
{
	free(ctx);
}

/* A parameter with a name or, from older callers, a number. */
static bool
param_is(const OSSL_PARAM *p, const char *name, int number)
{
	const char *text;
	int n;

	if (p->data_type == OSSL_PARAM_UTF8_STRING)
		return (OSSL_PARAM_get_utf8_string_ptr(p, &text) == 1 &&
		    strcmp(text, name) == 0);
	return (OSSL_PARAM_get_int(p, &n) == 1 && n == number);
}

/* Padding: PKCS #1, or PSS with a salt as long as the hash. */
static int
sig_set_params(void *ctx, const OSSL_PARAM params[])
{
	struct signature *s = ctx;
	const OSSL_PARAM *p;

	if (params == NULL)
		return (1);
	p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
	if (p != NULL) {
		s->pss = param_is(p, OSSL_PKEY_RSA_PAD_MODE_PSS,
		    RSA_PKCS1_PSS_PADDING);
		if (!s->pss && !param_is(p, OSSL_PKEY_RSA_PAD_MODE_PKCSV15,
		    RSA_PKCS1_PADDING))
			s->odd = true;
	}
	p = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
	if (p != NULL && !param_is(p, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST,
	    RSA_PSS_SALTLEN_DIGEST))
		s->odd = true;
	return (!s->odd);
}

static const OSSL_PARAM *
sig_settable(void *ctx, void *provctx)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL,
		    0),
		OSSL_PARAM_END
	};

	(void)ctx;
	(void)provctx;
	return (types);
}

static int
sig_init(void *ctx, const char *digest, void *keydata,
    const OSSL_PARAM params[])
{
	struct signature *s = ctx;

	if (keydata != NULL)
		s->key = keydata;
	if (digest == NULL)
		digest = "";
	if (s->key == NULL || strlcpy(s->digest, digest, sizeof(s->digest)) >=
	    sizeof(s->digest))
		return (0);
	s->pss = s->odd = false;
	return (sig_set_params(ctx, params));
}

/* The scheme these settings are, or 0. */
static uint16_t
scheme_of(const struct signature *s)
{
	const struct scheme *scheme;
	enum scheme_kind kind;

	switch (s->key->type) {
	case KEY_RSA:
		kind = s->pss ? SCHEME_PSS : SCHEME_PKCS1;
		break;
	case KEY_ED25519:
		kind = SCHEME_EDDSA;
		break;
	default:
		kind = SCHEME_ECDSA;
		break;
	}
	scheme = scheme_by_digest(kind, s->digest[0] == '\0' ? NULL :
	    s->digest);
	return (scheme != NULL && !s->odd ? scheme->number : 0);
}

static int
sig_digest_sign(void *ctx, unsigned char *sig, size_t *len, size_t size,
    const unsigned char *tbs, size_t tbslen)
{
	struct signature *s = ctx;
	struct span content = { (const char *)tbs, tbslen };
	const char *why;
	uint16_t scheme;

	if (sig == NULL) {
		*len = (size_t)EVP_PKEY_get_size(s->key->pub);
		return (1);
	}
	scheme = scheme_of(s);
	why = content_refusal(s->key->type, s->key->server, scheme, content);
	if (why != NULL) {
		keysign_odd(s->key, why);
		return (0);
	}
	return (keysign_ask(s->key, scheme, content, sig, size, len));
}

#define FN(id, f)	{ OSSL_FUNC_SIGNATURE_##id, (void (*)(void))(f) }

static const OSSL_DISPATCH functions[] = {
	FN(NEWCTX, sig_new),
	FN(FREECTX, sig_free),
	FN(DIGEST_SIGN_INIT, sig_init),
	FN(DIGEST_SIGN, sig_digest_sign),
	FN(SET_CTX_PARAMS, sig_set_params),
	FN(SETTABLE_CTX_PARAMS, sig_settable),
	{ 0, NULL }
};

const OSSL_ALGORITHM keysign_signature[] = {
	{ "RSA", KEYSIGN_PROPERTY, functions, "RSA at the keeper" },
	{ "ECDSA", KEYSIGN_PROPERTY, functions, "ECDSA at the keeper" },
	{ "ED25519", KEYSIGN_PROPERTY, functions, "Ed25519 at the keeper" },
	{ NULL, NULL, NULL, NULL }
};
