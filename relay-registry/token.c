/* SPDX-License-Identifier: ISC */
/* See token.h. */
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "common/log.h"
#include "relay-registry/token.h"

#define PREFIX		"rat_"
#define RANDOM		32	/* bytes */
#define HASH		32	/* bytes of a SHA-256 */
#define BASE64		44	/* characters of RANDOM bytes with padding */

void
token_make(char token[TOKEN_SIZE])
{
	unsigned char random[RANDOM], text[BASE64 + 1];
	char *p;

	arc4random_buf(random, sizeof(random));
	EVP_EncodeBlock(text, random, sizeof(random));
	snprintf(token, TOKEN_SIZE, "%s%.*s", PREFIX, BASE64 - 1,
	    (const char *)text);
	for (p = token; *p != '\0'; p++) {
		if (*p == '+')
			*p = '-';
		else if (*p == '/')
			*p = '_';
	}
	explicit_bzero(random, sizeof(random));
	explicit_bzero(text, sizeof(text));
}

void
token_hash(struct span token, char hash[TOKEN_HASH_SIZE])
{
	static const char hex[] = "0123456789abcdef";
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int len = 0, i;

	if (EVP_Digest(token.p, token.len, md, &len, EVP_sha256(), NULL) != 1 ||
	    len != HASH)
		fatal("SHA-256 cannot be computed");
	for (i = 0; i < len; i++) {
		hash[2 * i] = hex[md[i] >> 4];
		hash[2 * i + 1] = hex[md[i] & 0xf];
	}
	hash[2 * len] = '\0';
}

struct span
token_bearer(struct span s)
{
	static const char scheme[] = "Bearer";
	const size_t len = sizeof(scheme) - 1;

	if (s.len <= len || strncasecmp(s.p, scheme, len) != 0 ||
	    s.p[len] != ' ')
		return ((struct span){ s.p, 0 });
	s.p += len;
	s.len -= len;
	while (s.len > 0 && s.p[0] == ' ') {
		s.p++;
		s.len--;
	}
	return (s);
}

bool
token_same(const char a[TOKEN_HASH_SIZE], const char b[TOKEN_HASH_SIZE])
{
	return (CRYPTO_memcmp(a, b, TOKEN_HASH_SIZE) == 0);
}
