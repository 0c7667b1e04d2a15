/* SPDX-License-Identifier: ISC */
/* See auth.h: what is signed, and the signatures, by libcrypto. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "common/log.h"
#include "relay-registry/auth.h"

/* --- the text --- */

size_t
auth_text(const struct auth_text *t, enum auth_side side,
    char buf[AUTH_TEXT_MAX])
{
	static const char *const says[] = {
		[SIDE_CLIENT] = "client", [SIDE_SERVER] = "server",
		[SIDE_JOIN] = "join"
	};
	int	n;

	n = snprintf(buf, AUTH_TEXT_MAX,
	    "relay/1 %s\n%s\n%s\n%s\n%s\n%s\n%s\n%s\n%s\n", says[side],
	    auth_method_name(t->method), t->nonce, t->cnonce, t->client,
	    t->main ? "main" : "home", t->server,
	    t->main ? "/ws/peers" : "/ws/federation", t->key);
	if (n < 0 || n >= AUTH_TEXT_MAX)
		fatal("a text to be signed is too long");
	return ((size_t)n);
}

static struct span
text_of(const struct auth_text *t, enum auth_side side, char *buf)
{
	return ((struct span){ buf, auth_text(t, side, buf) });
}

/* --- Ed25519 (RFC 8032) --- */

static EVP_PKEY *
private_key(const uint8_t seed[AUTH_KEY])
{
	EVP_PKEY *key;

	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed,
	    AUTH_KEY);
	if (key == NULL)
		fatal("libcrypto has no Ed25519");
	return (key);
}

void
auth_public(const uint8_t seed[AUTH_KEY], uint8_t public[AUTH_KEY])
{
	EVP_PKEY *key = private_key(seed);
	size_t	  n = AUTH_KEY;

	if (EVP_PKEY_get_raw_public_key(key, public, &n) != 1 || n != AUTH_KEY)
		fatal("the public key cannot be computed");
	EVP_PKEY_free(key);
}

void
auth_sign(const uint8_t seed[AUTH_KEY], const struct auth_text *t,
    enum auth_side side, uint8_t signature[AUTH_SIGNATURE])
{
	char	    buf[AUTH_TEXT_MAX];
	struct span text = text_of(t, side, buf);
	EVP_PKEY   *key = private_key(seed);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	size_t	    n = AUTH_SIGNATURE;

	if (md == NULL ||
	    EVP_DigestSignInit(md, NULL, NULL, NULL, key) != 1 ||
	    EVP_DigestSign(md, signature, &n, (const unsigned char *)text.p,
	    text.len) != 1 || n != AUTH_SIGNATURE)
		fatal("a proof cannot be signed");
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
}

bool
auth_verify(const uint8_t public[AUTH_KEY], const struct auth_text *t,
    enum auth_side side, const uint8_t signature[AUTH_SIGNATURE])
{
	char	    buf[AUTH_TEXT_MAX];
	struct span text = text_of(t, side, buf);
	EVP_PKEY   *key;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool	    good;

	/* Any 32 bytes are taken for a key here; bad ones verify nothing. */
	key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, public,
	    AUTH_KEY);
	good = key != NULL && md != NULL &&
	    EVP_DigestVerifyInit(md, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestVerify(md, signature, AUTH_SIGNATURE,
	    (const unsigned char *)text.p, text.len) == 1;
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
	return (good);
}

/* --- SHA-256 --- */

void
auth_hmac(struct span key, struct span data, uint8_t mac[AUTH_MAC])
{
	unsigned int n = 0;

	if (HMAC(EVP_sha256(), key.p, (int)key.len,
	    (const unsigned char *)data.p, data.len, mac, &n) == NULL ||
	    n != AUTH_MAC)
		fatal("HMAC-SHA256 cannot be computed");
}

void
auth_hash(struct span data, uint8_t hash[AUTH_MAC])
{
	unsigned int n = 0;

	if (EVP_Digest(data.p, data.len, hash, &n, EVP_sha256(), NULL) != 1 ||
	    n != AUTH_MAC)
		fatal("SHA-256 cannot be computed");
}

void
auth_mac(struct span secret, const struct auth_text *t, enum auth_side side,
    uint8_t mac[AUTH_MAC])
{
	char	buf[AUTH_TEXT_MAX];

	auth_hmac(secret, text_of(t, side, buf), mac);
}

bool
auth_verify_mac(struct span secret, const struct auth_text *t,
    enum auth_side side, const uint8_t mac[AUTH_MAC])
{
	uint8_t	good[AUTH_MAC];

	auth_mac(secret, t, side, good);
	return (CRYPTO_memcmp(good, mac, AUTH_MAC) == 0);
}

void
auth_warm_up(void)
{
	static const struct auth_text text = { AUTH_BY_KEY, "", "", "", false,
	    "", "" };
	static const uint8_t seed[AUTH_KEY];
	uint8_t	public[AUTH_KEY], signature[AUTH_SIGNATURE], mac[AUTH_MAC];

	auth_public(seed, public);
	auth_sign(seed, &text, SIDE_CLIENT, signature);
	if (!auth_verify(public, &text, SIDE_CLIENT, signature))
		fatal("libcrypto does not verify what it signed");
	auth_hash(span_str(""), mac);
	auth_mac(span_str("warm"), &text, SIDE_CLIENT, mac);
}
