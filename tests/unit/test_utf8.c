/* SPDX-License-Identifier: ISC */
/* Incremental UTF-8 validation, against a table of its own. */
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"
#include "tests/unit/suite.h"

/* How many octets are taken before the first that is refused; -1: none. */
static int
refused_at(const uint8_t *p, size_t len)
{
	struct utf8	u = { 0, 0, 0 };
	size_t		i;

	for (i = 0; i < len; i++) {
		if (!utf8_feed(&u, p + i, 1))
			return ((int)i);
	}
	return (-1);
}

static bool
whole(const uint8_t *p, size_t len)
{
	struct utf8	u = { 0, 0, 0 };

	return (utf8_feed(&u, p, len) && utf8_complete(&u));
}

/* Encode a code point as RFC 3629 section 3 says, valid or not. */
static size_t
encode(uint32_t c, uint8_t *out)
{
	if (c < 0x80) {
		out[0] = (uint8_t)c;
		return (1);
	}
	if (c < 0x800) {
		out[0] = (uint8_t)(0xc0 | c >> 6);
		out[1] = (uint8_t)(0x80 | (c & 0x3f));
		return (2);
	}
	if (c < 0x10000) {
		out[0] = (uint8_t)(0xe0 | c >> 12);
		out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		out[2] = (uint8_t)(0x80 | (c & 0x3f));
		return (3);
	}
	out[0] = (uint8_t)(0xf0 | c >> 18);
	out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	out[3] = (uint8_t)(0x80 | (c & 0x3f));
	return (4);
}

START_TEST(every_code_point)
{
	uint8_t		b[4];
	uint32_t	c;

	for (c = 0; c < 0x1fffff; c++) {
		size_t	n = encode(c, b);
		bool	good = c <= 0x10ffff && !(c >= 0xd800 && c <= 0xdfff);

		if (whole(b, n) != good)
			ck_abort_msg("U+%04X", c);
	}
}
END_TEST

/* All sequences of one to three octets, against RFC 3629 section 4. */
START_TEST(every_short_sequence)
{
	uint32_t	v;

	for (v = 0; v < 0x1000000; v += 1 + (v >> 16 >= 0x80 ? 0 : 0xfff)) {
		uint8_t	b[3] = { (uint8_t)(v >> 16), (uint8_t)(v >> 8),
		    (uint8_t)v };
		bool	good = false;

		if (b[0] < 0x80)
			continue;
		if (b[0] >= 0xe0 && b[0] <= 0xef && (b[1] & 0xc0) == 0x80 &&
		    (b[2] & 0xc0) == 0x80) {
			uint32_t	c = (uint32_t)(b[0] & 15) << 12 |
			    (uint32_t)(b[1] & 63) << 6 | (b[2] & 63U);

			good = c >= 0x800 && !(c >= 0xd800 && c <= 0xdfff);
		} else if (b[0] >= 0xc2 && b[0] <= 0xdf &&
		    (b[1] & 0xc0) == 0x80) {
			good = b[2] < 0x80;
		}
		if (whole(b, 3) != good)
			ck_abort_msg("%02x %02x %02x", b[0], b[1], b[2]);
	}
}
END_TEST

START_TEST(refused_at_once)
{
	static const struct {
		const char	*text;
		int		 at;
	} t[] = {
		{ "\x80", 0 }, { "\xbf", 0 }, { "\xc0\x80", 0 },
		{ "\xc1\xbf", 0 }, { "a\xc2" "a", 2 }, { "\xc2\xc2", 1 },
		{ "\xe0\x9f\xbf", 1 }, { "\xe0\xa0\x41", 2 },
		{ "\xed\xa0\x80", 1 }, { "\xed\xbf\xbf", 1 },
		{ "\xf0\x8f\xbf\xbf", 1 }, { "\xf4\x90\x80\x80", 1 },
		{ "\xf5\x80\x80\x80", 0 }, { "\xf1\x80\x80\xc0", 3 },
		{ "\xfe", 0 }, { "\xff", 0 }, { "\xf8\x88\x80\x80\x80", 0 },
		{ "0123456789abcdef0123456789abcde\xff", 31 },
		{ "\xed\x9f\xbf", -1 }, { "\xee\x80\x80", -1 },
		{ "\xf4\x8f\xbf\xbf", -1 }, { "\xf0\x90\x80\x80", -1 },
		{ "\xef\xbf\xbf", -1 }, { "\xc2\x80", -1 }, { "\x7f", -1 },
	};
	size_t	i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		ck_assert_msg(refused_at((const uint8_t *)t[i].text,
		    strlen(t[i].text)) == t[i].at, "case %zu", i);
}
END_TEST

START_TEST(unfinished)
{
	static const char *const t[] = { "\xc2", "\xe1", "\xe1\x80", "\xf1",
	    "\xf1\x80", "\xf1\x80\x80", "abc\xc3" };
	size_t	i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct utf8	u = { 0, 0, 0 };

		ck_assert(utf8_feed(&u, (const uint8_t *)t[i],
		    strlen(t[i])));
		ck_assert(!utf8_complete(&u));
	}
}
END_TEST

/* An octet that is wrong at any place of any length is found. */
START_TEST(every_alignment)
{
	uint8_t	b[70];
	size_t	len, at;

	for (len = 1; len <= sizeof(b); len++) {
		memset(b, 'x', sizeof(b));
		ck_assert(whole(b, len));
		for (at = 0; at < len; at++) {
			b[at] = 0xff;
			ck_assert(!whole(b, len));
			b[at] = 'x';
		}
	}
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("utf8");

	tcase_add_test(tc, every_code_point);
	tcase_add_test(tc, every_short_sequence);
	tcase_add_test(tc, refused_at_once);
	tcase_add_test(tc, unfinished);
	tcase_add_test(tc, every_alignment);
	return (suite_run("utf8", tc));
}
