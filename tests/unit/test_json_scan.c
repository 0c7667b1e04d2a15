/* SPDX-License-Identifier: ISC */

/*
 * The JSON scanner against the tree's corpus (tests/corpus/json: y_ must be
 * accepted, n_ refused, i_ is a choice that json_scan.h documents and the
 * table below pins), and against the public suite named by JSON_TEST_SUITE.
 */

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/json_scan.h"
#include "tests/unit/suite.h"

#define FILE_MAX	(1 << 20)

static char	 text[FILE_MAX];

static size_t
load(const char *dir, const char *name)
{
	char	 path[1024];
	size_t	 n;
	FILE	*f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "rb");
	ck_assert_msg(f != NULL, "%s", path);
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	return (n);
}

/* i_ files that are accepted: odd numbers and lone surrogate escapes. */
static bool
choice(const char *name)
{
	if (strncmp(name, "i_number_", 9) == 0)
		return (true);
	return (strstr(name, "surrogate") != NULL &&
	    strstr(name, "U+D800") == NULL);
}

static unsigned int
run_corpus(const char *dir)
{
	unsigned int	 n = 0;
	struct dirent	*de;
	bool		 want;
	size_t		 len;
	DIR		*d;

	d = opendir(dir);
	ck_assert_msg(d != NULL, "%s", dir);
	while ((de = readdir(d)) != NULL) {
		if (de->d_name[1] != '_')
			continue;
		len = load(dir, de->d_name);
		want = de->d_name[0] == 'y' ||
		    (de->d_name[0] == 'i' && choice(de->d_name));
		ck_assert_msg(json_valid(text, len) == want, "%s", de->d_name);
		n++;
	}
	closedir(d);
	return (n);
}

START_TEST(corpus)
{
	const char	*src = getenv("srcdir");
	char		 dir[1024];

	snprintf(dir, sizeof(dir), "%s/tests/corpus/json",
	    src == NULL ? "." : src);
	ck_assert_uint_ge(run_corpus(dir), 100);
}
END_TEST

START_TEST(public_suite)
{
	const char	*dir = getenv("JSON_TEST_SUITE");

	if (dir != NULL)
		ck_assert_uint_ge(run_corpus(dir), 300);
}
END_TEST

static bool
valid(const char *s)
{
	return (json_valid(s, strlen(s)));
}

START_TEST(depth)
{
	char	 buf[4 * LIMIT_JSON_DEPTH + 16];
	int	 i, n;

	for (n = LIMIT_JSON_DEPTH - 1; n <= LIMIT_JSON_DEPTH + 1; n++) {
		struct json_scan	 s;
		size_t			 len = 0;

		for (i = 0; i < n; i++)
			len += snprintf(buf + len, 8, i % 2 ? "[" : "{\"\":");
		buf[len++] = '1';
		for (i = n - 1; i >= 0; i--)
			buf[len++] = i % 2 ? ']' : '}';
		json_scan_init(&s, buf, len);
		ck_assert_int_eq(json_skip(&s, NULL), n <= LIMIT_JSON_DEPTH);
		if (n > LIMIT_JSON_DEPTH)
			ck_assert_int_eq(s.err, JSON_E_DEPTH);
	}
}
END_TEST

/* Every prefix of a text that has everything is refused, and stays inside. */
START_TEST(prefixes)
{
	static const char	 full[] = "{\"a\\u00e9\":[1,-0.5e+3,true,false,"
	    "null,\"\xc3\xa9\xe2\x82\xac\xf0\x9d\x84\x9e\",{}],\"b\":[]}";
	size_t			 n;
	char			*copy;

	for (n = 0; n < sizeof(full) - 1; n++) {
		copy = malloc(n + 1);
		memcpy(copy, full, n);
		ck_assert_msg(!json_valid(copy, n), "%zu", n);
		free(copy);
	}
	ck_assert(json_valid(full, sizeof(full) - 1));
}
END_TEST

/* Each byte value at each place of an eight-byte step inside a string. */
START_TEST(string_bytes)
{
	char	 buf[32];
	int	 c, at;
	bool	 want;

	for (at = 1; at < 20; at++) {
		for (c = 0; c < 256; c++) {
			memset(buf, 'x', sizeof(buf));
			buf[0] = buf[21] = '"';
			buf[at] = (char)c;
			want = c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
			ck_assert_msg(json_valid(buf, 22) == want, "%d %d",
			    at, c);
		}
	}
}
END_TEST

static const struct {
	const char	*bytes;
	bool		 ok;
} utf8[] = {
	{ "\xc2\x80", true }, { "\xdf\xbf", true }, { "\xe0\xa0\x80", true },
	{ "\xed\x9f\xbf", true }, { "\xee\x80\x80", true },
	{ "\xef\xbf\xbf", true }, { "\xf0\x90\x80\x80", true },
	{ "\xf4\x8f\xbf\xbf", true },
	{ "\x80", false }, { "\xbf", false }, { "\xc0\x80", false },
	{ "\xc1\xbf", false }, { "\xc2", false }, { "\xc2x", false },
	{ "\xe0\x9f\xbf", false }, { "\xe0\xa0", false },
	{ "\xe1\x80x", false }, { "\xed\xa0\x80", false },
	{ "\xed\xbf\xbf", false }, { "\xf0\x8f\xbf\xbf", false },
	{ "\xf0\x90\x80", false }, { "\xf1\x80\x80x", false },
	{ "\xf4\x90\x80\x80", false }, { "\xf5\x80\x80\x80", false },
	{ "\xf8\x88\x80\x80\x80", false }, { "\xfe", false },
	{ "\xff", false },
};

START_TEST(string_utf8)
{
	struct json_scan	 s;
	char			 buf[32];
	int			 len;

	len = snprintf(buf, sizeof(buf), "\"ab%scd\"", utf8[_i].bytes);
	json_scan_init(&s, buf, (size_t)len);
	ck_assert_int_eq(json_skip(&s, NULL), utf8[_i].ok);
	ck_assert_int_eq(s.err, utf8[_i].ok ? JSON_OK : JSON_E_UTF8);
}
END_TEST

START_TEST(trailing)
{
	ck_assert(valid("{}\n"));
	ck_assert(valid(" \t\r\n{} \t\r\n"));
	ck_assert(!valid("{}{}"));
	ck_assert(!valid("{}x"));
	ck_assert(!json_valid("{}\0", 3));
	ck_assert(!valid("{}\f"));
	ck_assert(!valid(""));
	ck_assert(!valid(" "));
	ck_assert(!valid("\xef\xbb\xbf{}"));
}
END_TEST

static struct json_span
span_of(const char *s)
{
	struct json_scan	 scan;
	struct json_span	 span;

	json_scan_init(&scan, s, strlen(s));
	ck_assert(json_skip(&scan, &span));
	ck_assert(json_scan_end(&scan));
	return (span);
}

static const struct {
	const char	*text;
	const char	*plain;		/* NULL: not UTF-8 in 8 bytes */
} strings[] = {
	{ "\"\"", "" }, { "\"abc\"", "abc" }, { "\"\\u0041\"", "A" },
	{ "\"\\n\\t\\b\\f\\r\"", "\n\t\b\f\r" }, { "\"\\\\\\\"\\/\"", "\\\"/" },
	{ "\"\\u00e9\"", "\xc3\xa9" }, { "\"\\u20AC\"", "\xe2\x82\xac" },
	{ "\"\\ud834\\udd1e\"", "\xf0\x9d\x84\x9e" },
	{ "\"\\ud834\"", NULL }, { "\"\\ud834x\"", NULL },
	{ "\"\\udd1e\\ud834\"", NULL },
	{ "\"12345678\"", "12345678" }, { "\"123456789\"", NULL },
	{ "\"1234567\\u00e9\"", NULL }, { "17", NULL }, { "{}", NULL },
};

START_TEST(unescape)
{
	struct json_span	 span = span_of(strings[_i].text);
	char			 buf[8];
	int			 n;

	n = json_unescape(&span, buf, sizeof(buf));
	if (strings[_i].plain == NULL) {
		ck_assert_int_eq(n, -1);
		return;
	}
	ck_assert_int_eq(n, (int)strlen(strings[_i].plain));
	ck_assert_int_eq(memcmp(buf, strings[_i].plain, (size_t)n), 0);
}
END_TEST

START_TEST(integers)
{
	static const char *const bad[] = { "1.0", "1e2", "-0.0", "101", "-2",
	    "99999999999999999999999", "9223372036854775808", "\"1\"",
	    "true", "null", "{}", "18446744073709551617" };
	struct json_span	 span;
	int64_t			 v;
	size_t			 i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		span = span_of(bad[i]);
		ck_assert_msg(!json_integer(&span, -1, 100, &v), "%s", bad[i]);
	}
	span = span_of("100");
	ck_assert(json_integer(&span, -1, 100, &v));
	ck_assert_int_eq(v, 100);
	span = span_of("-1");
	ck_assert(json_integer(&span, -1, 100, &v));
	ck_assert_int_eq(v, -1);
	span = span_of("1000000000000000");
	ck_assert(json_integer(&span, 0, INT64_MAX, &v));
	ck_assert_int_eq(v, 1000000000000000);
}
END_TEST

START_TEST(seconds)
{
	static const struct {
		const char	*text;
		int64_t		 ms;	/* -1: refused */
	} t[] = {
		{ "0", 0 }, { "1", 1000 }, { "0.5", 500 }, { "0.0001", 1 },
		{ "60", 60000 }, { "300", 300000 }, { "301", 300000 },
		{ "1e300", 300000 }, { "1e999", 300000 }, { "2.5e-1", 250 },
		{ "-1", -1 }, { "-0", -1 }, { "\"5\"", -1 }, { "null", -1 },
		{ "[]", -1 }, { "true", -1 },
	};
	struct json_span	 span;
	int64_t			 ms;
	size_t			 i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		span = span_of(t[i].text);
		ck_assert_msg(json_seconds_ms(&span, 300000, &ms) ==
		    (t[i].ms != -1), "%s", t[i].text);
		if (t[i].ms != -1)
			ck_assert_int_eq(ms, t[i].ms);
	}
}
END_TEST

START_TEST(walk)
{
	static const char	 in[] =
	    " { \"a\" : [ 1 , [ ] , { } ] , \"b\\u0062\":{\"c\":2} } ";
	struct json_scan	 s;
	struct json_span	 key, v;

	json_scan_init(&s, in, sizeof(in) - 1);
	ck_assert(json_object_begin(&s));
	ck_assert_int_eq(json_object_next(&s, &key), 1);
	ck_assert_int_eq(key.len, 3);
	ck_assert(json_array_begin(&s));
	ck_assert_int_eq(json_array_next(&s), 1);
	ck_assert(json_skip(&s, &v));
	ck_assert_int_eq(v.type, JSON_NUMBER);
	ck_assert_int_eq(json_array_next(&s), 1);
	ck_assert(json_array_begin(&s));
	ck_assert_int_eq(json_array_next(&s), 0);
	ck_assert_int_eq(json_array_next(&s), 1);
	ck_assert(json_skip(&s, &v));
	ck_assert_int_eq(v.type, JSON_OBJECT);
	ck_assert_int_eq(v.len, 3);
	ck_assert_int_eq(json_array_next(&s), 0);
	ck_assert_int_eq(json_object_next(&s, &key), 1);
	ck_assert(key.escaped);
	ck_assert(json_object_begin(&s));
	ck_assert_int_eq(json_object_next(&s, &key), 1);
	ck_assert(json_skip(&s, &v));
	ck_assert_int_eq(json_object_next(&s, &key), 0);
	ck_assert_int_eq(json_object_next(&s, &key), 0);
	ck_assert(json_scan_end(&s));
}
END_TEST

START_TEST(walk_bad)
{
	static const char *const bad[] = { "{,}", "{\"a\":1,}", "{\"a\":1 \"b\":2}",
	    "{\"a\"}", "{\"a\",1}", "{1:2}", "{\"a\":1", "{", "{\"a\":}",
	    "{\"a\":1,,\"b\":2}", "{]", "[", "", "\"a\"", "{\"a\":1]",
	    "{\"a\" 1}", "{\"a\":1;\"b\":2}" };
	struct json_scan	 s;
	struct json_span	 key;
	size_t			 i;
	int			 more = 0;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		json_scan_init(&s, bad[i], strlen(bad[i]));
		if (json_object_begin(&s)) {
			while ((more = json_object_next(&s, &key)) == 1)
				if (!json_skip(&s, NULL))
					break;
			ck_assert_msg(more != 0, "%s", bad[i]);
		}
		ck_assert_msg(s.err != JSON_OK, "%s", bad[i]);
	}
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("json_scan");

	tcase_add_test(tc, corpus);
	tcase_add_test(tc, public_suite);
	tcase_add_test(tc, depth);
	tcase_add_test(tc, prefixes);
	tcase_add_test(tc, string_bytes);
	tcase_add_loop_test(tc, string_utf8, 0,
	    (int)(sizeof(utf8) / sizeof(utf8[0])));
	tcase_add_test(tc, trailing);
	tcase_add_loop_test(tc, unescape, 0,
	    (int)(sizeof(strings) / sizeof(strings[0])));
	tcase_add_test(tc, integers);
	tcase_add_test(tc, seconds);
	tcase_add_test(tc, walk);
	tcase_add_test(tc, walk_bad);
	return (suite_run("json_scan", tc));
}
