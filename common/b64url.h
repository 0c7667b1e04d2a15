/* SPDX-License-Identifier: ISC */
/*
 * base64url without padding (RFC 4648 section 5), strict: no other characters,
 * and no bits set beyond the last byte, so that each text has one meaning.
 */
#ifndef COMMON_B64URL_H
#define COMMON_B64URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define B64URL_SIZE(n)	(((n) * 4 + 2) / 3 + 1)	/* of n bytes, with a NUL */

/* Write n bytes as text of B64URL_SIZE(n) bytes. */
void	b64url_encode(const uint8_t *, size_t n, char *);
/* Read exactly n bytes from text of that length; false if it is malformed. */
bool	b64url_decode(const char *, size_t, uint8_t *, size_t n);

#endif
