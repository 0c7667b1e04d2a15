/* SPDX-License-Identifier: ISC */
/*
 * Incremental UTF-8 validation.  ASCII is skipped 16 octets at a time; what
 * is left goes through the ranges of RFC 3629 section 4, octet by octet.
 */
#include <string.h>

#include "common/utf8.h"

#define HIGH_BITS	0x8080808080808080ULL

/* How many of the len octets at p are ASCII for sure, in steps of 16. */
static size_t
ascii_run(const uint8_t *p, size_t len)
{
	uint64_t	a, b;
	size_t		i;

	for (i = 0; i + 16 <= len; i += 16) {
		memcpy(&a, p + i, 8);
		memcpy(&b, p + i + 8, 8);
		if (((a | b) & HIGH_BITS) != 0)
			break;
	}
	return (i);
}

/* The first octet of a character of more than one octet. */
static bool
lead(struct utf8 *u, uint8_t c)
{
	u->lo = 0x80;
	u->hi = 0xbf;
	if (c >= 0xc2 && c <= 0xdf) {
		u->need = 1;
	} else if (c >= 0xe0 && c <= 0xef) {
		u->need = 2;
		if (c == 0xe0)
			u->lo = 0xa0;	/* overlong below */
		else if (c == 0xed)
			u->hi = 0x9f;	/* surrogates above */
	} else if (c >= 0xf0 && c <= 0xf4) {
		u->need = 3;
		if (c == 0xf0)
			u->lo = 0x90;	/* overlong below */
		else if (c == 0xf4)
			u->hi = 0x8f;	/* beyond U+10FFFF above */
	} else {
		return (false);
	}
	return (true);
}

bool
utf8_feed(struct utf8 *u, const uint8_t *p, size_t len)
{
	size_t	i = 0;

	while (i < len) {
		if (u->need > 0) {
			if (p[i] < u->lo || p[i] > u->hi)
				return (false);
			u->lo = 0x80;
			u->hi = 0xbf;
			u->need--;
			i++;
			continue;
		}
		if (p[i] < 0x80) {
			size_t	n = ascii_run(p + i, len - i);

			i += n > 0 ? n : 1;
			continue;
		}
		if (!lead(u, p[i++]))
			return (false);
	}
	return (true);
}
