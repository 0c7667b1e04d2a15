/* SPDX-License-Identifier: ISC */
/* HTTP heads and chunks.  What is asked is in test_upgrade.c. */
#include <stdio.h>
#include <string.h>

#include "common/http_chunk.h"
#include "relayd/frontend/reply.h"
#include "relayd/frontend/upgrade.h"
#include "tests/unit/http_fixture.h"
#include "tests/unit/suite.h"

START_TEST(good_requests)
{
	ck_assert_int_eq(parse("GET /a?b=c HTTP/1.1\r\nhOST:x\r\n"
	    "A: \t b c \t\r\nEmpty:\r\n\r\n"), 0);
	ck_assert(head.method == HTTP_GET && head.minor == 1);
	ck_assert(is(head.target, "/a?b=c") && is(head.path, "/a"));
	ck_assert(head.keepalive && !head.chunked && head.length == 0);
	ck_assert(is(*http_find(&head, "a"), "b c"));
	ck_assert(is(*http_find(&head, "empty"), ""));
	ck_assert_ptr_null(http_find(&head, "b"));
	ck_assert_int_eq(parse("\r\nPOST / HTTP/1.1\r\n" HOST
	    "Content-Length: 1000\r\nConnection: a, CLOSE ,b\r\n\r\n"), 0);
	ck_assert(head.method == HTTP_POST && head.length == 1000);
	ck_assert(head.has_length && !head.keepalive);
	ck_assert_int_eq(parse("HEAD / HTTP/1.0\r\n\r\n"), 0);
	ck_assert(head.method == HTTP_HEAD && !head.keepalive);
	ck_assert_int_eq(parse("X-Y / HTTP/1.0\r\nConnection: Keep-Alive\r\n"
	    "\r\n"), 0);
	ck_assert(head.method == HTTP_OTHER && head.keepalive);
	ck_assert_int_eq(parse("get / HTTP/1.9\r\n" HOST END), 0);
	ck_assert(head.method == HTTP_OTHER && head.minor == 1);
	ck_assert_int_eq(parse("POST / HTTP/1.1\r\n" HOST
	    "Transfer-Encoding: Chunked\r\nExpect: 100-Continue\r\n\r\n"), 0);
	ck_assert(head.chunked && head.expect);
	ck_assert_int_eq(parse("GET / HTTP/1.1\r\nHost: [::1]:80\r\n"
	    "Expect: 100-continue\r\n\r\n"), 0);
	ck_assert(!head.expect);
	ck_assert_int_eq(parse("DELETE /a HTTP/1.1\r\n" HOST END), 0);
	ck_assert(head.method == HTTP_DELETE && head.length == 0);
	ck_assert_int_eq(parse("delete /a HTTP/1.1\r\n" HOST END), 0);
	ck_assert(head.method == HTTP_OTHER);
	ck_assert_int_eq(parse("OPTIONS * HTTP/1.1\r\n" HOST END), 0);
	ck_assert(is(head.path, "*"));
}
END_TEST

START_TEST(absolute_targets)
{
	ck_assert_int_eq(parse("GET http://h:1/p?q HTTP/1.1\r\n" HOST END),
	    0);
	ck_assert(is(head.path, "/p"));
	ck_assert_int_eq(parse("GET HTTPS://h/p HTTP/1.1\r\n" HOST END), 0);
	ck_assert(is(head.path, "/p"));
	ck_assert_int_eq(parse("GET http://h HTTP/1.1\r\n" HOST END), 0);
	ck_assert(is(head.path, "/"));
	ck_assert_int_eq(parse("GET http://h?a=/rpc HTTP/1.1\r\n" HOST END),
	    0);
	ck_assert(is(head.path, "/"));
	ck_assert_int_eq(parse("GET http:///p HTTP/1.1\r\n" HOST END), 400);
	ck_assert_int_eq(parse("GET ftp://h/p HTTP/1.1\r\n" HOST END), 400);
}
END_TEST

START_TEST(bad_requests)
{
	static const struct {
		const char	*text;
		int		 status;
	} t[] = {
		{ "GET\r\n\r\n", 400 }, { " GET / HTTP/1.1\r\n" HOST END, 400 },
		{ "GET  / HTTP/1.1\r\n" HOST END, 400 },
		{ "GET /  HTTP/1.1\r\n" HOST END, 400 },
		{ "GET / HTTP/1.1 \r\n" HOST END, 400 },
		{ "GET\t/ HTTP/1.1\r\n" HOST END, 400 },
		{ "GET / HTTP/1.1\r\r\n" HOST END, 400 },
		{ "GET /\r\n\r\n", 400 }, { "GET / HTTP/11\r\n\r\n", 400 },
		{ "GET / http/1.1\r\n" HOST END, 400 },
		{ "GET / HTTP/1.10\r\n" HOST END, 400 },
		{ "GET / HTTP/2.0\r\n" HOST END, 505 },
		{ "GET / HTTP/0.9\r\n" HOST END, 505 },
		{ "G(T / HTTP/1.1\r\n" HOST END, 400 },
		{ "GET a HTTP/1.1\r\n" HOST END, 400 },
		{ "GET * HTTP/1.1\r\n" HOST END, 400 },
		{ "DELETE * HTTP/1.1\r\n" HOST END, 400 },
		{ "GET /a#b HTTP/1.1\r\n" HOST END, 400 },
		{ "GET /\x7f HTTP/1.1\r\n" HOST END, 400 },
		{ "GET /\xc3\xa9 HTTP/1.1\r\n" HOST END, 400 },
		{ "CONNECT h:1 HTTP/1.1\r\n" HOST END, 400 },
		{ "GET / HTTP/1.1\n" HOST END, 400 },
		{ "GET / HTTP/1.1\r\nHost: x\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" HOST "A: bc\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" HOST "A: b\r\n\n", 400 },
		{ "\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" HOST "A: b\rc\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" HOST "A: b\r\n\tc\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n " HOST END, 400 },
		{ "GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" HOST "A\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" HOST "A(: b\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" HOST "A: \x01\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" HOST "A: \x7f\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" HOST HOST END, 400 },
		{ "GET / HTTP/1.0\r\n" HOST "hOsT: x\r\n\r\n", 400 },
		{ "\r\n\r\nGET / HTTP/1.1\r\n" HOST END, 400 },
		{ "GET / HTTP/1.1\r\n" HOST "Expect: x\r\n\r\n", 417 },
	};
	size_t	i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		ck_assert_msg(parse(t[i].text) == t[i].status,
		    "case %zu: %d", i, parse(t[i].text));
	ck_assert_int_eq(parse_n("GET /\0 HTTP/1.1\r\n\r\n", 20), 400);
	ck_assert_int_eq(parse_n("GET / HTTP/1.1\r\nA: \0\r\n\r\n", 24), 400);
}
END_TEST

/* How long is the body?  Where two readers could differ: refused. */
START_TEST(framing)
{
	static const struct {
		const char	*fields;
		int		 status;
	} t[] = {
		{ "Content-Length: 0\r\n", 0 },
		{ "Content-Length: 007\r\n", 0 },
		{ "Content-Length: 1001\r\n", 413 },
		{ "Content-Length: 999999999999999999\r\n", 413 },
		{ "Content-Length: 18446744073709551617\r\n", 400 },
		{ "Content-Length:\r\n", 400 },
		{ "Content-Length: -1\r\n", 400 },
		{ "Content-Length: +1\r\n", 400 },
		{ "Content-Length: 1 1\r\n", 400 },
		{ "Content-Length: 1, 1\r\n", 400 },
		{ "Content-Length: 0x1\r\n", 400 },
		{ "Content-Length: 1\r\nContent-Length: 1\r\n", 400 },
		{ "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n", 400 },
		{ "Transfer-Encoding: chunked\r\n", 0 },
		{ "Transfer-Encoding: chunked\r\n"
		    "Transfer-Encoding: chunked\r\n", 400 },
		{ "Transfer-Encoding: gzip, chunked\r\n", 501 },
		{ "Transfer-Encoding: chunked, identity\r\n", 501 },
		{ "Transfer-Encoding: xchunked\r\n", 501 },
		{ "Transfer-Encoding:\r\n", 501 },
		{ "Transfer-Encoding : chunked\r\n", 400 },
	};
	char	text[500];
	size_t	i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		snprintf(text, sizeof(text), "POST / HTTP/1.1\r\n" HOST
		    "%s\r\n", t[i].fields);
		ck_assert_msg(parse(text) == t[i].status, "case %zu: %d", i,
		    parse(text));
	}
	ck_assert_int_eq(parse("POST / HTTP/1.0\r\nTransfer-Encoding: chunked"
	    "\r\n\r\n"), 400);
}
END_TEST

START_TEST(caps)
{
	char	text[4000], path[200];
	int	i, n;

	memset(path, 'a', sizeof(path));
	path[0] = '/';
	path[100] = '\0';
	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" HOST END, path);
	ck_assert_int_eq(parse(text), 0);
	path[100] = 'a';
	path[101] = '\0';
	snprintf(text, sizeof(text), "GET %s HTTP/1.1\r\n" HOST END, path);
	ck_assert_int_eq(parse(text), 414);
	/* refused before the line ends */
	memset(text, 'a', sizeof(text));
	ck_assert_int_eq(parse_n(text, 164), -1);
	ck_assert_int_eq(parse_n(text, 165), 414);
	/* 8 fields, not 9 */
	for (i = 7; i <= 8; i++) {
		n = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n" HOST);
		for (int k = 0; k < i; k++)
			n += sprintf(text + n, "A: b\r\n");
		sprintf(text + n, "\r\n");
		ck_assert_int_eq(parse(text), i == 7 ? 0 : 431);
	}
	/* 2000 octets, not 2001 */
	for (i = 2000; i <= 2001; i++) {
		n = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\n" HOST
		    "A: ");
		memset(text + n, 'a', sizeof(text) - (size_t)n);
		memcpy(text + i - 4, "\r\n\r\n", 4);
		ck_assert_int_eq(parse_n(text, (size_t)i),
		    i == 2000 ? 0 : 431);
	}
	memset(text + n, 'a', sizeof(text) - (size_t)n);
	ck_assert_int_eq(parse_n(text, 2000), -1);
	ck_assert_int_eq(parse_n(text, 2001), 431);
}
END_TEST

/* Octet by octet is as good as whole, and what follows is not touched. */
START_TEST(scan_in_pieces)
{
	static const char	text[] = "GET / HTTP/1.1\r\n" HOST END
	    "GET /more";
	struct http_scan	scan = { 0 };
	size_t			i, want = sizeof(text) - 1 - 9;

	for (i = 1; i < want; i++)
		ck_assert_int_eq(http_scan(&scan, &lim,
		    (const uint8_t *)text, i), 0);
	ck_assert_int_eq(http_scan(&scan, &lim, (const uint8_t *)text,
	    sizeof(text) - 1), (int)want);
}
END_TEST

START_TEST(tokens)
{
	ck_assert_int_eq(parse("GET / HTTP/1.1\r\n" HOST "C: a,, B ,c\r\n"
	    "C: d\r\n\r\n"), 0);
	ck_assert(http_has_token(&head, "c", "b"));
	ck_assert(http_has_token(&head, "c", "d"));
	ck_assert(!http_has_token(&head, "c", "a,"));
	ck_assert(!http_has_token(&head, "c", "e"));
	ck_assert(!http_has_token(&head, "x", "a"));
	ck_assert_uint_eq(http_count(&head, "c"), 2);
}
END_TEST

/* Decode chunks fed in steps; total decoded, or -status, or -1 for more. */
static int
chunks(const char *text, size_t step, char *out)
{
	struct http_chunked	k = { 0 };
	struct span		data;
	size_t			len = strlen(text), at = 0, took, end, n = 0;
	int			ev;

	for (end = step; ; end += step) {
		if (end > len)
			end = len;
		do {
			ev = http_chunked(&k, (const uint8_t *)text + at,
			    end - at, 20, &took, &data);
			if (ev < 0)
				return (ev);
			at += took;
			if (ev == HTTP_CHUNK_DATA) {
				memcpy(out + n, data.p, data.len);
				n += data.len;
			}
		} while (ev == HTTP_CHUNK_DATA);
		if (ev == HTTP_CHUNK_END)
			return ((int)n);
		if (end == len)
			return (-1);
	}
}

START_TEST(chunked)
{
	static const struct {
		const char	*text;
		int		 want;
	} t[] = {
		{ "0\r\n\r\n", 0 }, { "5\r\nhello\r\n0\r\n\r\n", 5 },
		{ "5\r\nhello\r\n5;a=\"b\"\r\nworld\r\n00\r\nT: x\r\n\r\n",
		    10 },
		{ "A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n", 20 },
		{ "A\r\n0123456789\r\nb\r\n", -413 }, { "15\r\n", -413 },
		{ "ffffffff\r\n", -413 }, { "fffffffff\r\n", -400 },
		{ "000000000\r\n", -400 }, { "5\r\nhellox", -400 },
		{ "5\r\nhello\rx", -400 }, { "5\nhello", -400 },
		{ "5 \r\n", -400 }, { "\r\n", -400 }, { "-1\r\n", -400 },
		{ "+1\r\n", -400 }, { "0x5\r\n", -400 }, { "g\r\n", -400 },
		{ "5;a\x01\r\n", -400 }, { "5;a\n", -400 },
		{ "0\r\n\rx", -400 }, { "0\r\n\n", -400 },
		{ "0\r\n x\r\n\r\n", -400 }, { "0\r\nA: b\n\r\n", -400 },
		{ "5\r\nhell", -1 }, { "0\r\n", -1 }, { "0\r\n\r", -1 },
		{ "", -1 },
	};
	char	out[100];
	size_t	i, step;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		for (step = 1; step < 8; step++) {
			int	got = chunks(t[i].text, step, out);

			ck_assert_msg(got == t[i].want, "case %zu: %d", i,
			    got);
			if (got == 10)
				ck_assert(memcmp(out, "helloworld", 10) == 0);
		}
	}
}
END_TEST

START_TEST(chunk_overhead)
{
	struct http_chunked	k = { 0 };
	struct span		data;
	size_t			took, n = 0;
	int			ev;

	ck_assert_int_eq(http_chunked(&k, (const uint8_t *)"0\r\n", 3, 20,
	    &took, &data), HTTP_CHUNK_MORE);
	do {
		ev = http_chunked(&k, (const uint8_t *)"A: bcdef\r\n", 10, 20,
		    &took, &data);
		n += 10;
	} while (ev == HTTP_CHUNK_MORE && n < 1000000);
	ck_assert_int_eq(ev, -400);
	ck_assert_uint_le(n, LIMIT_HTTP_CHUNK_EXTRA + 10);
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("http");

	tcase_add_test(tc, good_requests);
	tcase_add_test(tc, absolute_targets);
	tcase_add_test(tc, bad_requests);
	tcase_add_test(tc, framing);
	tcase_add_test(tc, caps);
	tcase_add_test(tc, scan_in_pieces);
	tcase_add_test(tc, tokens);
	tcase_add_test(tc, chunked);
	tcase_add_test(tc, chunk_overhead);
	return (suite_run("http", tc));
}
