/* SPDX-License-Identifier: ISC */
/* See content.h. */
#include <string.h>
#include <strings.h>

#include "relayd/keeper/content.h"

#define PAD		64	/* spaces before a context string */
#define RANDOMS		64	/* bytes of both randoms of TLS 1.2 */
#define NAMED_CURVE	3	/* ECCurveType (RFC 8422 section 5.4) */
#define POINT_PLAIN	4	/* first byte of an uncompressed point */

static const struct scheme schemes[] = {
	{ SCHEME_RSA_PKCS1_SHA256, SCHEME_PKCS1, "SHA256", KEY_RSA },
	{ SCHEME_RSA_PKCS1_SHA384, SCHEME_PKCS1, "SHA384", KEY_RSA },
	{ SCHEME_RSA_PKCS1_SHA512, SCHEME_PKCS1, "SHA512", KEY_RSA },
	{ SCHEME_ECDSA_SHA256, SCHEME_ECDSA, "SHA256", KEY_P256 },
	{ SCHEME_ECDSA_SHA384, SCHEME_ECDSA, "SHA384", KEY_P384 },
	{ SCHEME_ECDSA_SHA512, SCHEME_ECDSA, "SHA512", KEY_P521 },
	{ SCHEME_RSA_PSS_SHA256, SCHEME_PSS, "SHA256", KEY_RSA },
	{ SCHEME_RSA_PSS_SHA384, SCHEME_PSS, "SHA384", KEY_RSA },
	{ SCHEME_RSA_PSS_SHA512, SCHEME_PSS, "SHA512", KEY_RSA },
	{ SCHEME_ED25519, SCHEME_EDDSA, NULL, KEY_ED25519 },
};

/* Groups of ECDHE by their number (RFC 8422 section 5.1.1). */
static const struct {
	uint16_t	 number;
	uint8_t		 len;		/* of a point */
	bool		 plain;		/* POINT_PLAIN goes before it */
} groups[] = {
	{ 23, 65, true },	/* P-256 */
	{ 24, 97, true },	/* P-384 */
	{ 25, 133, true },	/* P-521 */
	{ 29, 32, false },	/* X25519 */
	{ 30, 56, false },	/* X448 */
};

#define N(a)	(sizeof(a) / sizeof((a)[0]))

const struct scheme *
scheme_find(uint16_t number)
{
	size_t i;

	for (i = 0; i < N(schemes); i++) {
		if (schemes[i].number == number)
			return (&schemes[i]);
	}
	return (NULL);
}

/* OpenSSL says SHA256 or SHA2-256. */
static bool
same_digest(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return (a == b);
	if (strcasecmp(a, b) == 0)
		return (true);
	return (strncasecmp(b, "SHA2-", 5) == 0 &&
	    strcasecmp(a + 3, b + 5) == 0);
}

const struct scheme *
scheme_by_digest(enum scheme_kind kind, const char *digest)
{
	size_t i;

	for (i = 0; i < N(schemes); i++) {
		if (schemes[i].kind == kind &&
		    same_digest(schemes[i].digest, digest))
			return (&schemes[i]);
	}
	return (NULL);
}

/* 64 spaces, the context string, 0 and a hash; nothing else is so long. */
static bool
is_tls13(struct span c, bool server)
{
	static const char *const contexts[] = {
		"TLS 1.3, client CertificateVerify",
		"TLS 1.3, server CertificateVerify",
	};
	const char *context = contexts[server];
	size_t i, head = PAD + strlen(context) + 1;

	if (c.len != head + 32 && c.len != head + 48)
		return (false);
	for (i = 0; i < PAD; i++) {
		if (c.p[i] != ' ')
			return (false);
	}
	/* with its NUL, which is the 0 */
	return (memcmp(c.p + PAD, context, strlen(context) + 1) == 0);
}

/* ServerECDHParams behind the randoms, to the last byte. */
static bool
is_tls12(struct span c)
{
	const uint8_t *p;
	uint16_t number;
	size_t i;

	if (c.len < RANDOMS + 5)
		return (false);
	p = (const uint8_t *)c.p + RANDOMS;
	number = (uint16_t)(p[1] << 8 | p[2]);
	for (i = 0; i < N(groups); i++) {
		if (groups[i].number == number)
			break;
	}
	return (i < N(groups) && p[0] == NAMED_CURVE &&
	    p[3] == groups[i].len && c.len == RANDOMS + 4U + groups[i].len &&
	    (!groups[i].plain || p[4] == POINT_PLAIN));
}

bool
scheme_fits(const struct scheme *s, enum key_type type)
{
	switch (s->kind) {
	case SCHEME_PKCS1:
	case SCHEME_PSS:
		return (type == KEY_RSA);
	case SCHEME_ECDSA:
		return (type == KEY_P256 || type == KEY_P384 ||
		    type == KEY_P521);
	case SCHEME_EDDSA:
		return (type == KEY_ED25519);
	}
	return (false);
}

const char *
content_refusal(enum key_type type, bool server, uint16_t scheme,
    struct span content)
{
	const struct scheme *s = scheme_find(scheme);

	if (s == NULL)
		return ("a scheme that is unknown");
	if (!scheme_fits(s, type))
		return ("a scheme that is not of its key");
	if (is_tls13(content, server)) {
		if (s->kind == SCHEME_PKCS1)
			return ("PKCS #1 in TLS 1.3");
		if (s->tls13_type != type)
			return ("a hash that TLS 1.3 does not have with that "
			    "curve");
		return (NULL);
	}
	if (server && is_tls12(content))
		return (NULL);
	return ("content that is no handshake");
}
