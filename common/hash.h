/* SPDX-License-Identifier: ISC */

/*
 * Keyed hash for tables whose keys are chosen by strangers.
 */

#ifndef COMMON_HASH_H
#define COMMON_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_KEY_LEN	16	/* bytes of secret, from the system at start */

/*
 * SipHash-1-3 of len bytes at buf under a secret key (Aumasson and Bernstein,
 * "SipHash: a fast short-input PRF", with c = 1 and d = 3).  The result is
 * the same on every byte order.
 */
uint64_t	 siphash13(const uint8_t [HASH_KEY_LEN], const void *, size_t);

#endif /* COMMON_HASH_H */
