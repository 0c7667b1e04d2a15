/* SPDX-License-Identifier: ISC */
/*
 * Admin tokens: "rat_" and 32 random bytes as base64url (RFC 4648 section 5)
 * without padding.  Only their SHA-256 is kept.
 */
#ifndef RELAY_REGISTRY_TOKEN_H
#define RELAY_REGISTRY_TOKEN_H

#include <stdbool.h>

#include "common/wire.h"

#define TOKEN_SIZE	48	/* bytes of a token and a NUL */
#define TOKEN_HASH_SIZE	65	/* bytes of its hash in lower-case hex, NUL */

/* A new token. */
void	token_make(char [TOKEN_SIZE]);
/* The hash of any bytes; the first call, which may read files, is for
 * before the sandbox. */
void	token_hash(struct span, char [TOKEN_HASH_SIZE]);
/*
 * The credentials of an Authorization header with scheme Bearer (RFC 6750
 * section 2.1); an empty span if there are none.
 */
struct span	token_bearer(struct span);
/* Compare two hashes in constant time. */
bool	token_same(const char [TOKEN_HASH_SIZE], const char [TOKEN_HASH_SIZE]);

#endif
