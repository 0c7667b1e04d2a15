/* SPDX-License-Identifier: ISC */

/*
 * Strict JSON scanner; see json_scan.h for the rules.
 *
 * Almost all bytes of a message are inside strings, so those are passed
 * eight at a time; everything else is one switch on the next byte.
 */

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "common/limits.h"
#include "common/json_scan.h"

#define ONES	0x0101010101010101ULL
#define HIGHS	0x8080808080808080ULL

_Static_assert(LIMIT_JSON_DEPTH <= 64, "the container stack is one word");

void
json_scan_init(struct json_scan *s, const void *text, size_t len)
{
	memset(s, 0, sizeof(*s));
	s->p = text;
	s->end = s->p + len;
	if (len > UINT32_MAX)
		s->err = JSON_E_SIZE;
}

static bool
fail(struct json_scan *s, enum json_err err)
{
	if (s->err == JSON_OK)
		s->err = err;
	return (false);
}

static inline bool
is_space(uint8_t c)
{
	return (c == ' ' || c == '\n' || c == '\r' || c == '\t');
}

static inline void
skip_space(struct json_scan *s)
{
	while (s->p < s->end && *s->p <= ' ' && is_space(*s->p))
		s->p++;
}

/*
 * Passes eight bytes at a time that mean nothing special in a string.  The
 * lowest marked byte is exact: a borrow can only spoil the bytes above it.
 */
static inline const uint8_t *
skip_blocks(const uint8_t *p, const uint8_t *end)
{
	uint64_t	 w, quote, back, mark;

	while (end - p >= 8) {
		memcpy(&w, p, sizeof(w));
		w = le64toh(w);
		quote = w ^ (ONES * '"');
		back = w ^ (ONES * '\\');
		mark = (((quote - ONES) & ~quote) | ((back - ONES) & ~back) |
		    ((w - ONES * 0x20) & ~w) | w) & HIGHS;
		if (mark != 0)
			return (p + (__builtin_ctzll(mark) >> 3));
		p += 8;
	}
	return (p);
}

static inline const uint8_t *
skip_plain(const uint8_t *p, const uint8_t *end)
{
	p = skip_blocks(p, end);
	while (p < end && *p >= 0x20 && *p < 0x80 && *p != '"' && *p != '\\')
		p++;
	return (p);
}

static inline bool
is_tail(uint8_t c)
{
	return ((c & 0xc0) == 0x80);
}

/*
 * Passes one character above U+007F (RFC 3629 section 4); returns its length
 * in bytes or 0 if it is not UTF-8.
 */
static size_t
utf8_len(const uint8_t *p, size_t left)
{
	if (p[0] < 0xc2)
		return (0);
	if (p[0] < 0xe0)
		return (left >= 2 && is_tail(p[1]) ? 2 : 0);
	if (p[0] < 0xf0) {
		if (left < 3 || !is_tail(p[1]) || !is_tail(p[2]))
			return (0);
		if ((p[0] == 0xe0 && p[1] < 0xa0) ||
		    (p[0] == 0xed && p[1] > 0x9f))
			return (0);
		return (3);
	}
	if (p[0] > 0xf4 || left < 4 || !is_tail(p[1]) || !is_tail(p[2]) ||
	    !is_tail(p[3]))
		return (0);
	if ((p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return (0);
	return (4);
}

/* The length of the escape sequence at p, or 0. */
static size_t
escape_len(const uint8_t *p, const uint8_t *end)
{
	if (end - p < 2)
		return (0);
	switch (p[1]) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return (2);
	case 'u':
		return (json_hex4(p + 2, end) == -1 ? 0 : 6);
	default:
		return (0);
	}
}

/* Passes a string; the scan stands at its opening quote. */
static bool
scan_string(struct json_scan *s, bool *escaped)
{
	const uint8_t	*p = s->p + 1;
	size_t		 n;

	for (;;) {
		p = skip_plain(p, s->end);
		if (p == s->end)
			return (fail(s, JSON_E_SYNTAX));
		if (*p == '"')
			break;
		if (*p == '\\') {
			*escaped = true;
			if ((n = escape_len(p, s->end)) == 0)
				return (fail(s, JSON_E_SYNTAX));
		} else if (*p < 0x20) {
			return (fail(s, JSON_E_SYNTAX));
		} else if ((n = utf8_len(p, s->end - p)) == 0) {
			return (fail(s, JSON_E_UTF8));
		}
		p += n;
	}
	s->p = p + 1;
	return (true);
}

static inline const uint8_t *
skip_digits(const uint8_t *p, const uint8_t *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return (p);
}

/* RFC 8259 section 6: [ minus ] int [ frac ] [ exp ] */
static bool
scan_number(struct json_scan *s)
{
	const uint8_t	*p = s->p, *end = s->end, *digits;

	if (*p == '-')
		p++;
	digits = p;
	p = skip_digits(p, end);
	if (p == digits || (*digits == '0' && p - digits > 1))
		return (fail(s, JSON_E_SYNTAX));
	if (p < end && *p == '.') {
		digits = ++p;
		p = skip_digits(p, end);
		if (p == digits)
			return (fail(s, JSON_E_SYNTAX));
	}
	if (p < end && (*p | 0x20) == 'e') {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		digits = p;
		p = skip_digits(p, end);
		if (p == digits)
			return (fail(s, JSON_E_SYNTAX));
	}
	s->p = p;
	return (true);
}

static bool
scan_word(struct json_scan *s, const char *word, size_t len)
{
	if ((size_t)(s->end - s->p) < len || memcmp(s->p, word, len) != 0)
		return (fail(s, JSON_E_SYNTAX));
	s->p += len;
	return (true);
}

/* What a value is by its first byte; JSON_NONE for what begins none. */
static const uint8_t kinds[256] = {
	['"'] = JSON_STRING, ['{'] = JSON_OBJECT, ['['] = JSON_ARRAY,
	['t'] = JSON_TRUE, ['f'] = JSON_FALSE, ['n'] = JSON_NULL,
	['-'] = JSON_NUMBER,
	['0'] = JSON_NUMBER, ['1'] = JSON_NUMBER, ['2'] = JSON_NUMBER,
	['3'] = JSON_NUMBER, ['4'] = JSON_NUMBER, ['5'] = JSON_NUMBER,
	['6'] = JSON_NUMBER, ['7'] = JSON_NUMBER, ['8'] = JSON_NUMBER,
	['9'] = JSON_NUMBER,
};

static inline enum json_kind
peek(struct json_scan *s)
{
	skip_space(s);
	if (s->err != JSON_OK || s->p == s->end)
		return (JSON_NONE);
	return (kinds[*s->p]);
}

enum json_kind
json_peek(struct json_scan *s)
{
	return (peek(s));
}

static bool
scan_scalar(struct json_scan *s, enum json_kind type, bool *escaped)
{
	switch (type) {
	case JSON_STRING:
		return (scan_string(s, escaped));
	case JSON_NUMBER:
		return (scan_number(s));
	case JSON_TRUE:
		return (scan_word(s, "true", 4));
	case JSON_FALSE:
		return (scan_word(s, "false", 5));
	case JSON_NULL:
		return (scan_word(s, "null", 4));
	default:
		return (fail(s, JSON_E_SYNTAX));
	}
}

/* A key and its colon; the scan stands anywhere before the key. */
static bool
scan_key(struct json_scan *s, bool *escaped)
{
	skip_space(s);
	if (s->p == s->end || *s->p != '"')
		return (fail(s, JSON_E_SYNTAX));
	if (!scan_string(s, escaped))
		return (false);
	skip_space(s);
	if (s->p == s->end || *s->p != ':')
		return (fail(s, JSON_E_SYNTAX));
	s->p++;
	return (true);
}

/*
 * Passes a container and all in it.  The kinds of the containers that are
 * open are the bits of one word, 1 for an object.
 */
static bool
scan_container(struct json_scan *s)
{
	const uint32_t	 outer = s->depth;
	uint64_t	 open = 0;
	enum json_kind	 type;
	bool		 escaped;
	uint8_t		 c;

	for (;;) {
		type = peek(s);
		if (type != JSON_OBJECT && type != JSON_ARRAY) {
			if (!scan_scalar(s, type, &escaped))
				return (false);
		} else {
			if (s->depth == LIMIT_JSON_DEPTH)
				return (fail(s, JSON_E_DEPTH));
			s->depth++;
			s->p++;
			open = open << 1 | (type == JSON_OBJECT);
			skip_space(s);
			c = type == JSON_OBJECT ? '}' : ']';
			if (s->p == s->end || *s->p != c) {
				if ((open & 1) && !scan_key(s, &escaped))
					return (false);
				continue;
			}
			s->p++;
			s->depth--;
			open >>= 1;
		}
		/* A value is complete: close what it completes. */
		for (;;) {
			if (s->depth == outer)
				return (true);
			skip_space(s);
			if (s->p == s->end)
				return (fail(s, JSON_E_SYNTAX));
			c = *s->p++;
			if (c == ',')
				break;
			if (c != ((open & 1) ? '}' : ']'))
				return (fail(s, JSON_E_SYNTAX));
			s->depth--;
			open >>= 1;
		}
		if ((open & 1) && !scan_key(s, &escaped))
			return (false);
	}
}

bool
json_skip(struct json_scan *s, struct json_span *span)
{
	const uint8_t	*start;
	enum json_kind	 type;
	bool		 ok, escaped = false;

	type = peek(s);
	start = s->p;
	if (s->err != JSON_OK)
		return (false);
	if (type == JSON_STRING)
		ok = scan_string(s, &escaped);
	else if (type == JSON_OBJECT || type == JSON_ARRAY)
		ok = scan_container(s);
	else
		ok = scan_scalar(s, type, &escaped);
	s->first = false;
	if (ok && span != NULL) {
		span->p = (const char *)start;
		span->len = (uint32_t)(s->p - start);
		span->type = type;
		span->escaped = escaped;
	}
	return (ok);
}

bool
json_scan_end(struct json_scan *s)
{
	skip_space(s);
	if (s->err == JSON_OK && s->p != s->end)
		s->err = JSON_E_SYNTAX;
	return (s->err == JSON_OK);
}

static bool
container_begin(struct json_scan *s, enum json_kind type)
{
	if (json_peek(s) != type)
		return (fail(s, JSON_E_SYNTAX));
	if (s->depth == LIMIT_JSON_DEPTH)
		return (fail(s, JSON_E_DEPTH));
	s->depth++;
	s->p++;
	s->first = true;
	return (true);
}

/*
 * Takes the comma before the next item or the closing bracket.  When a
 * container ends, the one around it has seen a value, so first is false.
 */
static int
container_next(struct json_scan *s, uint8_t close)
{
	bool	 first = s->first;

	skip_space(s);
	s->first = false;
	if (s->err != JSON_OK || s->p == s->end) {
		fail(s, JSON_E_SYNTAX);
		return (-1);
	}
	if (*s->p == close) {
		s->p++;
		s->depth--;
		return (0);
	}
	if (first)
		return (1);
	if (*s->p != ',') {
		fail(s, JSON_E_SYNTAX);
		return (-1);
	}
	s->p++;
	return (1);
}

bool
json_object_begin(struct json_scan *s)
{
	return (container_begin(s, JSON_OBJECT));
}

int
json_object_next(struct json_scan *s, struct json_span *key)
{
	const uint8_t	*q;
	int		 more;

	if ((more = container_next(s, '}')) != 1)
		return (more);
	skip_space(s);
	key->p = (const char *)s->p;
	key->type = JSON_STRING;
	key->escaped = false;
	if (s->p == s->end || *s->p != '"') {
		fail(s, JSON_E_SYNTAX);
		return (-1);
	}
	if (!scan_string(s, &key->escaped))
		return (-1);
	q = s->p;
	key->len = (uint32_t)(q - (const uint8_t *)key->p);
	skip_space(s);
	if (s->p == s->end || *s->p != ':') {
		fail(s, JSON_E_SYNTAX);
		return (-1);
	}
	s->p++;
	return (1);
}

bool
json_array_begin(struct json_scan *s)
{
	return (container_begin(s, JSON_ARRAY));
}

int
json_array_next(struct json_scan *s)
{
	return (container_next(s, ']'));
}

bool
json_valid(const void *text, size_t len)
{
	struct json_scan	 s;

	json_scan_init(&s, text, len);
	return (json_skip(&s, NULL) && json_scan_end(&s));
}
