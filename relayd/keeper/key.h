/* SPDX-License-Identifier: ISC */
/*
 * One private key of TLS: loading it from the bytes of a PEM file, holding it
 * against its certificate, signing.  No I/O, no clock.
 */
#ifndef KEEPER_KEY_H
#define KEEPER_KEY_H

#include <openssl/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wire.h"
#include "relayd/keeper/keytype.h"

#define KEY_SIG_MAX	1024	/* bytes: RSA of LIMIT_RSA_BITS_MAX */

struct key;

/*
 * The first private key of a PEM file, which may have certificates beside
 * it.  NULL with the reason: none in it, damaged, encrypted, or of a type or
 * size that is not taken.  To be freed with key_free().
 */
struct key	*key_load(struct span pem, char *, size_t);
/* Its memory is overwritten.  NULL is fine. */
void		 key_free(struct key *);
enum key_type	 key_type(const struct key *);
unsigned int	 key_bits(const struct key *);

/*
 * The public key of the first certificate of a PEM file, or NULL with the
 * reason.  To be freed with EVP_PKEY_free().
 */
EVP_PKEY	*key_of_certificate(struct span pem, char *, size_t);
/*
 * Whether what the key signs is verified by the public one.  A trial, as a
 * file may have a public part that is not that of its private one.
 */
bool		 key_belongs(const struct key *, EVP_PKEY *);

/*
 * Sign content by a scheme (content.h), into KEY_SIG_MAX bytes.  Returns the
 * length, or 0 if the scheme is not of the key or OpenSSL fails.  Whether the
 * content may be signed at all is not asked here: content_refusal().
 */
size_t		 key_sign(const struct key *, uint16_t scheme,
		    struct span content, uint8_t *);

#endif
