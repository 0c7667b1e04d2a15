/* SPDX-License-Identifier: ISC */
/*
 * Join strings (relay-ctl enroll, relay join): all that a home needs to become
 * known to a Main, once.  "relay-join-1." and base64url (RFC 4648 section 5,
 * without padding) of: u8 version, str url, str node_id, str main_id, the
 * Main's Ed25519 public key (32 bytes), the one-time secret (32 bytes), u64
 * expiry in ms since 1970, str pin, then the first 4 bytes of the SHA-256 of
 * all before, so that a string that was cut or mistyped is told from one that
 * is refused.  Pure.
 */
#ifndef COMMON_JOIN_H
#define COMMON_JOIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/limits.h"
#include "common/url.h"

#define JOIN_SECRET	32	/* bytes */
#define JOIN_KEY	32	/* bytes of an Ed25519 public key */
#define JOIN_PIN	64	/* characters of a pin at most */
#define JOIN_TEXT_MAX	4096	/* bytes of a join string, NUL included */

struct join {
	char		 url[URL_TEXT_MAX + 1];	/* of the Main, ws or wss */
	char		 node_id[LIMIT_NODE_ID + 1];
	char		 main_id[LIMIT_NODE_ID + 1];
	uint8_t		 main_key[JOIN_KEY];
	uint8_t		 secret[JOIN_SECRET];
	uint64_t	 expires_ms;	/* since 1970 */
	char		 pin[JOIN_PIN + 1];	/* empty: none */
};

/* Write it; false if it does not fit. */
bool		 join_encode(const struct join *, char *, size_t);
/* Read it; NULL, or why it is none (a constant string). */
const char	*join_decode(const char *, struct join *);

#endif
