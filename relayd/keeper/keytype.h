/* SPDX-License-Identifier: ISC */
/*
 * The types of TLS keys that are taken, as the keeper, which has the private
 * part, and the front-end, which has the public one, both judge them.
 */
#ifndef KEEPER_KEYTYPE_H
#define KEEPER_KEYTYPE_H

#include <openssl/types.h>

#include <stdbool.h>
#include <stddef.h>

enum key_type {
	KEY_RSA,
	KEY_P256,
	KEY_P384,
	KEY_P521,
	KEY_ED25519,
	KEY_TYPE_MAX
};

/*
 * The type of a key, private or public.  False with the reason as what
 * follows "it is ..." or "its key is ..." if it is none that is taken: "of
 * type DSA: ...", "RSA of 1024 bits: ...".
 */
bool		 keytype_of(const EVP_PKEY *, enum key_type *, char *, size_t);
/* "rsa", "ecdsa-p256", "ed25519" ...  Static storage. */
const char	*keytype_name(enum key_type);

#endif
