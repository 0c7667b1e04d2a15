/* SPDX-License-Identifier: ISC */
/*
 * Incremental UTF-8 validation (RFC 3629): text may be cut anywhere, and the
 * first octet that can no longer be part of valid text is refused at once.
 */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero is the start of a text. */
struct utf8 {
	uint8_t	need;	/* continuation octets still to come */
	uint8_t	lo, hi;	/* range the next one must fall in, if need > 0 */
};

/*
 * Feed len octets.  False as soon as the text so far cannot be the beginning
 * of valid UTF-8: overlong forms, surrogates, beyond U+10FFFF, stray
 * continuation octets.  After false the state is meaningless.
 */
bool	utf8_feed(struct utf8 *, const uint8_t *, size_t len);

/* True between two characters: where a text may end. */
static inline bool
utf8_complete(const struct utf8 *u)
{
	return (u->need == 0);
}

#endif
