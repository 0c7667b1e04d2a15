/* SPDX-License-Identifier: ISC */
/*
 * What a TLS key may sign.  The keeper signs nothing but handshakes of TLS,
 * so that whoever owns the front-end cannot have certificates, tokens or
 * messages of other protocols signed.  The front-end judges by the same
 * function before it asks.  Pure.
 */
#ifndef KEEPER_CONTENT_H
#define KEEPER_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wire.h"
#include "relayd/keeper/keytype.h"

/* RFC 8446 section 4.2.3; TLS 1.2 has the same numbers (RFC 5246, 8422). */
#define SCHEME_RSA_PKCS1_SHA256	0x0401
#define SCHEME_RSA_PKCS1_SHA384	0x0501
#define SCHEME_RSA_PKCS1_SHA512	0x0601
#define SCHEME_ECDSA_SHA256	0x0403
#define SCHEME_ECDSA_SHA384	0x0503
#define SCHEME_ECDSA_SHA512	0x0603
#define SCHEME_RSA_PSS_SHA256	0x0804
#define SCHEME_RSA_PSS_SHA384	0x0805
#define SCHEME_RSA_PSS_SHA512	0x0806
#define SCHEME_ED25519		0x0807

enum scheme_kind { SCHEME_PKCS1, SCHEME_PSS, SCHEME_ECDSA, SCHEME_EDDSA };

struct scheme {
	uint16_t	 number;
	enum scheme_kind kind;
	const char	*digest;	/* NULL: its own */
	enum key_type	 tls13_type;	/* of ECDSA: the curve of TLS 1.3 */
};

/* A scheme that is known, or NULL. */
const struct scheme	*scheme_find(uint16_t);
/* The one of this kind and digest (OpenSSL's name, or NULL), or NULL. */
const struct scheme	*scheme_by_digest(enum scheme_kind, const char *);
/* Whether keys of that type sign by it at all. */
bool			 scheme_fits(const struct scheme *, enum key_type);

/*
 * Whether a key of that type, that is a server's or shown to servers, may
 * sign this content by this scheme: NULL if so, else why not as static text.
 *
 * Both:   CertificateVerify of TLS 1.3 of its own side (RFC 8446 section
 *	   4.4.3): 64 spaces, the context string, 0, a transcript hash of 32 or
 *	   48 bytes.  No PKCS #1, and ECDSA with the hash of its curve.
 * Server: ServerKeyExchange of TLS 1.2 (RFC 8422 section 5.4): both randoms,
 *	   a named curve and its point.
 * Client: nothing of TLS 1.2, where it would be the whole handshake.
 */
const char	*content_refusal(enum key_type, bool server, uint16_t scheme,
		    struct span content);

#endif
