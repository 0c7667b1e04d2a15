/* SPDX-License-Identifier: ISC */

/*
 * Values of spans that the scanner found: strings without their escapes,
 * numbers as integers and as durations; see json_scan.h.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/json_scan.h"

static int
hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return (c - '0');
	c |= 0x20;
	if (c >= 'a' && c <= 'f')
		return (c - 'a' + 10);
	return (-1);
}

int
json_hex4(const uint8_t *p, const uint8_t *end)
{
	int	 i, h, v = 0;

	if (end - p < 4)
		return (-1);
	for (i = 0; i < 4; i++) {
		if ((h = hex_value(p[i])) == -1)
			return (-1);
		v = v << 4 | h;
	}
	return (v);
}

/* Writes a code point as UTF-8; returns its length, 0 for a surrogate. */
static size_t
put_utf8(uint32_t cp, char out[4])
{
	if (cp >= 0xd800 && cp < 0xe000)
		return (0);
	if (cp < 0x80) {
		out[0] = (char)cp;
		return (1);
	}
	if (cp < 0x800) {
		out[0] = (char)(0xc0 | cp >> 6);
		out[1] = (char)(0x80 | (cp & 0x3f));
		return (2);
	}
	if (cp < 0x10000) {
		out[0] = (char)(0xe0 | cp >> 12);
		out[1] = (char)(0x80 | (cp >> 6 & 0x3f));
		out[2] = (char)(0x80 | (cp & 0x3f));
		return (3);
	}
	out[0] = (char)(0xf0 | cp >> 18);
	out[1] = (char)(0x80 | (cp >> 12 & 0x3f));
	out[2] = (char)(0x80 | (cp >> 6 & 0x3f));
	out[3] = (char)(0x80 | (cp & 0x3f));
	return (4);
}

/* Decodes the \u escape at *pp, with its second half if it has one. */
static uint32_t
take_unicode(const uint8_t **pp, const uint8_t *end)
{
	const uint8_t	*p = *pp + 2;
	uint32_t	 cp;
	int		 low;

	cp = (uint32_t)json_hex4(p, end);
	p += 4;
	if (cp >= 0xd800 && cp < 0xdc00 && end - p >= 6 && p[0] == '\\' &&
	    p[1] == 'u') {
		low = json_hex4(p + 2, end);
		if (low >= 0xdc00 && low < 0xe000) {
			cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
			p += 6;
		}
	}
	*pp = p;
	return (cp);
}

static uint32_t
take_escape(const uint8_t **pp, const uint8_t *end)
{
	uint8_t	 c = (*pp)[1];

	if (c == 'u')
		return (take_unicode(pp, end));
	*pp += 2;
	switch (c) {
	case 'b':
		return ('\b');
	case 'f':
		return ('\f');
	case 'n':
		return ('\n');
	case 'r':
		return ('\r');
	case 't':
		return ('\t');
	default:
		return (c);
	}
}

int
json_unescape(const struct json_span *span, char *dst, size_t size)
{
	const uint8_t	*p = (const uint8_t *)span->p + 1, *end;
	char		 buf[4];
	size_t		 n, len = 0;

	if (span->type != JSON_STRING)
		return (-1);
	end = p + span->len - 2;
	while (p < end) {
		if (*p == '\\') {
			n = put_utf8(take_escape(&p, end), buf);
		} else {
			buf[0] = (char)*p++;
			n = 1;
		}
		if (n == 0 || size - len < n)
			return (-1);
		memcpy(dst + len, buf, n);
		len += n;
	}
	return ((int)len);
}

bool
json_integer(const struct json_span *span, int64_t min, int64_t max,
    int64_t *out)
{
	const char	*p = span->p, *end;
	bool		 negative;
	int64_t		 v = 0;

	/* The text of a missing value is NULL. */
	if (span->type != JSON_NUMBER || span->len > 19)
		return (false);
	end = p + span->len;
	if ((negative = *p == '-'))
		p++;
	for (; p < end; p++) {
		if (*p < '0' || *p > '9')
			return (false);
		v = v * 10 + (*p - '0');
		if (v > INT64_MAX / 16)
			return (false);
	}
	if (negative)
		v = -v;
	if (v < min || v > max)
		return (false);
	*out = v;
	return (true);
}

bool
json_seconds_ms(const struct json_span *span, int64_t max_ms, int64_t *out)
{
	char	 buf[64];
	double	 ms;

	if (json_integer(span, 0, max_ms / 1000, out)) {
		*out *= 1000;
		return (span->p[0] != '-');
	}
	if (span->type != JSON_NUMBER || span->len >= sizeof(buf) ||
	    *span->p == '-')
		return (false);
	memcpy(buf, span->p, span->len);
	buf[span->len] = '\0';
	ms = strtod(buf, NULL) * 1000.0;
	if (!(ms < (double)max_ms)) {
		*out = max_ms;
		return (true);
	}
	*out = (int64_t)ms;
	if ((double)*out < ms)
		(*out)++;
	return (true);
}
