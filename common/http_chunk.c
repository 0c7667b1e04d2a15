/* SPDX-License-Identifier: ISC */
/*
 * Bodies in chunks: RFC 9112 section 7.1, decoded octet by octet outside of
 * the data.
 */
#include <stdbool.h>

#include "common/http_chunk.h"
#include "common/http_head.h"
#include "common/limits.h"

#define CHUNK_DIGITS	8	/* of a chunk's size: 4 GiB is over any cap */

enum chunk_state {
	CH_SIZE,	/* first digit of a size */
	CH_DIGITS,
	CH_EXT,		/* extension, up to CR */
	CH_SIZE_LF,
	CH_DATA,
	CH_DATA_CR,
	CH_DATA_LF,
	CH_TRAILER,	/* first octet of a trailer line */
	CH_FIELD,	/* inside one */
	CH_FIELD_LF,
	CH_END_LF,
	CH_END
};

int
http_hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	if (c >= 'a' && c <= 'f')
		return (c - 'a' + 10);
	if (c >= 'A' && c <= 'F')
		return (c - 'A' + 10);
	return (-1);
}

/* A size line; false if c does not belong there. */
static bool
chunk_size(struct http_chunked *k, uint8_t c)
{
	int	v = http_hex(c);

	switch (k->state) {
	case CH_SIZE:
		if (v < 0)
			return (false);
		k->left = 0;
		k->digits = 0;
		k->state = CH_DIGITS;
		/* FALLTHROUGH */
	case CH_DIGITS:
		if (v >= 0) {
			k->left = k->left << 4 | (uint64_t)v;
			return (++k->digits <= CHUNK_DIGITS);
		}
		if (c == ';')
			k->state = CH_EXT;
		else if (c == '\r')
			k->state = CH_SIZE_LF;
		return (c == ';' || c == '\r');
	case CH_EXT:
		if (c == '\r')
			k->state = CH_SIZE_LF;
		return (c == '\r' || c == '\t' || (c >= 0x20 && c != 0x7f));
	default:	/* CH_SIZE_LF */
		k->state = k->left > 0 ? CH_DATA : CH_TRAILER;
		return (c == '\n');
	}
}

/* Behind the data, and the trailer section. */
static bool
chunk_tail(struct http_chunked *k, uint8_t c)
{
	switch (k->state) {
	case CH_DATA_CR:
		k->state = CH_DATA_LF;
		return (c == '\r');
	case CH_DATA_LF:
		k->state = CH_SIZE;
		return (c == '\n');
	case CH_TRAILER:
		k->state = c == '\r' ? CH_END_LF : CH_FIELD;
		return (c == '\r' || http_is_tchar(c));
	case CH_FIELD:
		if (c == '\r')
			k->state = CH_FIELD_LF;
		return (c == '\r' || c == '\t' || (c >= 0x20 && c != 0x7f));
	case CH_FIELD_LF:
		k->state = CH_TRAILER;
		return (c == '\n');
	default:	/* CH_END_LF */
		k->state = CH_END;
		return (c == '\n');
	}
}

int
http_chunked(struct http_chunked *k, const uint8_t *p, size_t len,
    uint64_t body_max, size_t *took, struct span *data)
{
	size_t	i = 0, n;
	bool	good;

	while (i < len && k->state != CH_END) {
		if (k->state == CH_DATA) {
			n = len - i < k->left ? len - i : (size_t)k->left;
			*data = (struct span){ (const char *)p + i, n };
			*took = i + n;
			k->left -= n;
			if (k->left == 0)
				k->state = CH_DATA_CR;
			return (HTTP_CHUNK_DATA);
		}
		if (++k->overhead > LIMIT_HTTP_CHUNK_EXTRA + 8 * k->total)
			return (-400);
		if (k->state > CH_DATA) {
			good = chunk_tail(k, p[i++]);
		} else {
			good = chunk_size(k, p[i++]);
			if (k->state == CH_DATA) {
				if (k->left > body_max - k->total)
					return (-413);
				k->total += k->left;
			}
		}
		if (!good)
			return (-400);
	}
	*took = i;
	return (k->state == CH_END ? HTTP_CHUNK_END : HTTP_CHUNK_MORE);
}
