/* SPDX-License-Identifier: ISC */
/* HTTP heads and chunks, routes, answers and the WebSocket handshake. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/http_chunk.h"
#include "relayd/frontend/http.h"
#include "relayd/frontend/reply.h"
#include "relayd/frontend/upgrade.h"
#include "tests/unit/suite.h"

#define HOST	"Host: x\r\n"
#define END	"\r\n"

static const struct http_limits lim = { 2000, 100, 8, 1000 };

static struct http_head	head;
static const char	*why;

/* Scan and parse a whole request; 0, a status, or -1 if incomplete. */
static int
parse_n(const char *text, size_t len)
{
	struct http_scan	scan = { 0 };
	const uint8_t		*p = (const uint8_t *)text;
	int			 n = http_scan(&scan, &lim, p, len);

	if (n < 0)
		return (-n);
	if (n == 0)
		return (-1);
	return (http_request(&head, &lim, p, (size_t)n, &why));
}

static int
parse(const char *text)
{
	return (parse_n(text, strlen(text)));
}

static bool
is(struct span s, const char *want)
{
	return (span_eq(s, span_str(want)));
}

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

START_TEST(routes)
{
	static const struct {
		enum node_role	 role;
		const char	*path;
		enum http_method method;
		int		 status, route;
		const char	*allow;
	} t[] = {
		{ ROLE_MAIN, "/registry", HTTP_GET, 0, HTTP_ROUTE_REGISTRY,
		    NULL },
		{ ROLE_MAIN, "/registry", HTTP_HEAD, 0, HTTP_ROUTE_REGISTRY,
		    NULL },
		{ ROLE_HOME, "/registry", HTTP_GET, 404, 0, NULL },
		{ ROLE_MAIN, "/services", HTTP_GET, 404, 0, NULL },
		{ ROLE_HOME, "/services", HTTP_GET, 0, HTTP_ROUTE_SERVICES,
		    NULL },
		{ ROLE_MAIN, "/health", HTTP_GET, 0, HTTP_ROUTE_HEALTH, NULL },
		{ ROLE_HOME, "/health", HTTP_GET, 0, HTTP_ROUTE_HEALTH, NULL },
		{ ROLE_HOME, "/rpc", HTTP_POST, 0, HTTP_ROUTE_RPC, NULL },
		{ ROLE_MAIN, "/rpc", HTTP_GET, 405, 0, "POST" },
		{ ROLE_MAIN, "/rpc", HTTP_HEAD, 405, 0, "POST" },
		{ ROLE_MAIN, "/health", HTTP_POST, 405, 0, "GET, HEAD" },
		{ ROLE_MAIN, "/ws/federation", HTTP_GET, 0,
		    ROUTE_WS_FEDERATION, NULL },
		{ ROLE_MAIN, "/ws/federation", HTTP_HEAD, 405, 0, "GET" },
		{ ROLE_HOME, "/ws/federation", HTTP_GET, 404, 0, NULL },
		{ ROLE_MAIN, "/ws/peers", HTTP_GET, 404, 0, NULL },
		{ ROLE_MAIN, "/", HTTP_GET, 404, 0, NULL },
		{ ROLE_MAIN, "/rpc/", HTTP_POST, 404, 0, NULL },
		{ ROLE_MAIN, "/RPC", HTTP_POST, 404, 0, NULL },
		{ ROLE_MAIN, "//rpc", HTTP_POST, 404, 0, NULL },
		{ ROLE_MAIN, "/%72pc", HTTP_POST, 404, 0, NULL },
	};
	size_t	i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		const char	*allow = NULL;
		int		 route = -1;

		ck_assert_msg(route_find(t[i].role, span_str(t[i].path),
		    t[i].method, &route, &allow) == t[i].status,
		    "case %zu", i);
		ck_assert_int_eq(route, t[i].route);
		if (t[i].allow != NULL)
			ck_assert_str_eq(allow, t[i].allow);
	}
}
END_TEST

START_TEST(origins_and_types)
{
	static const char *const own[] = { "http://a.test",
	    "https://b.test:8443" };
	struct span		 s;
	size_t			 i;
	static const struct {
		const char	*text;
		bool		 good;
	} o[] = {
		{ "http://a.test", true }, { "HTTP://A.Test", true },
		{ "https://b.test:8443", true }, { "https://a.test", false },
		{ "http://a.test:80", false }, { "http://a.test.b", false },
		{ "http://a.tes", false }, { "null", false }, { "", false },
		{ "https://b.test", false }, { "http://a.test/", false },
	}, ct[] = {
		{ "application/json", true }, { "Application/JSON", true },
		{ "application/json; charset=utf-8", true },
		{ "application/json ;x", true }, { "application/jsonp", false },
		{ "text/plain", false }, { "application/json-rpc", false },
		{ "", false }, { "text/plain; application/json", false },
		{ "application/json,text/plain", false },
	};

	for (i = 0; i < sizeof(o) / sizeof(o[0]); i++)
		ck_assert_msg(origin_allowed(span_str(o[i].text), own, 2) ==
		    o[i].good, "origin %s", o[i].text);
	ck_assert(!origin_allowed(span_str("http://a.test"), own, 0));
	for (i = 0; i < sizeof(ct) / sizeof(ct[0]); i++) {
		s = span_str(ct[i].text);
		ck_assert_msg(is_json_type(&s) == ct[i].good, "type %s",
		    ct[i].text);
	}
	ck_assert(!is_json_type(NULL));
}
END_TEST

START_TEST(answers)
{
	struct reply	r = { .status = 200, .date = 784111777, .length = 5,
	    .keepalive = true, .type = "application/json" };
	char		buf[REPLY_HEAD_MAX];

	ck_assert_uint_eq(reply_head(buf, sizeof(buf), &r), strlen(buf));
	ck_assert_str_eq(buf, "HTTP/1.1 200 OK\r\n"
	    "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
	    "Cache-Control: no-store\r\nConnection: keep-alive\r\n"
	    "Content-Type: application/json\r\n"
	    "X-Content-Type-Options: nosniff\r\nContent-Length: 5\r\n\r\n");
	r.status = 204;
	r.type = NULL;
	r.keepalive = false;
	r.extra = "Retry-After: 1\r\n";
	ck_assert_uint_gt(reply_head(buf, sizeof(buf), &r), 0);
	ck_assert_ptr_null(strstr(buf, "Content-"));
	ck_assert_ptr_nonnull(strstr(buf, "Connection: close\r\n"));
	ck_assert_ptr_nonnull(strstr(buf, "Retry-After: 1\r\n\r\n"));
	ck_assert_uint_eq(reply_head(buf, 50, &r), 0);
	ck_assert_uint_eq(reply_error_body(buf, sizeof(buf), "a\"b\\c\n\xff"),
	    strlen(buf));
	ck_assert_str_eq(buf, "{\"error\":\"a?b?c??\"}\n");
	ck_assert_uint_eq(reply_error_body(buf, 20, "a long reason indeed"),
	    19);
	ck_assert_str_eq(buf, "{\"error\":\"a long\"}\n");
	ck_assert_uint_eq(reply_error_body(buf, 10, "x"), 0);
}
END_TEST

#define UP	"Upgrade: websocket\r\n"
#define CO	"Connection: keep-alive, Upgrade\r\n"
#define VE	"Sec-WebSocket-Version: 13\r\n"
#define KE	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

START_TEST(upgrades)
{
	static const struct {
		const char	*text;
		int		 status;
	} t[] = {
		{ "GET / HTTP/1.1\r\n" HOST UP CO VE KE END, 0 },
		{ "POST / HTTP/1.1\r\n" HOST UP CO VE KE END, 405 },
		{ "GET / HTTP/1.0\r\n" HOST UP CO VE KE END, 400 },
		{ "GET / HTTP/1.1\r\n" HOST CO VE KE END, 426 },
		{ "GET / HTTP/1.1\r\n" HOST UP VE KE END, 426 },
		{ "GET / HTTP/1.1\r\n" HOST UP CO KE END, 426 },
		{ "GET / HTTP/1.1\r\n" HOST UP CO VE END, 400 },
		{ "GET / HTTP/1.1\r\n" HOST UP CO KE
		    "Sec-WebSocket-Version: 12\r\n\r\n", 426 },
		{ "GET / HTTP/1.1\r\n" HOST "Upgrade: websockets\r\n" CO VE KE
		    END, 426 },
		{ "GET / HTTP/1.1\r\n" HOST UP CO VE
		    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=\r\n" END,
		    400 },
		{ "GET / HTTP/1.1\r\n" HOST UP CO VE
		    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==\r\n" END,
		    400 },
		{ "GET / HTTP/1.1\r\n" HOST UP CO VE
		    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQAA\r\n" END,
		    400 },
		{ "GET / HTTP/1.1\r\n" HOST UP CO VE
		    "Sec-WebSocket-Key: dGhlIHNhbXBs-SBub25jZQ==\r\n" END,
		    400 },
		{ "GET / HTTP/1.1\r\n" HOST UP CO VE KE
		    "Content-Length: 1\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" HOST UP CO VE KE
		    "Transfer-Encoding: chunked\r\n\r\n", 400 },
	};
	const char	*k;
	char		 buf[WS_UPGRADE_MAX];
	size_t		 i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		ck_assert_int_eq(parse(t[i].text), 0);
		ck_assert_msg(upgrade_check(&head, &k, &why) == t[i].status,
		    "case %zu", i);
		if (t[i].status == 0)
			ck_assert(memcmp(k, "dGhlIHNhbXBsZSBub25jZQ==", 24) ==
			    0);
	}
	/* the key and accept of RFC 6455 section 1.3 */
	i = upgrade_answer(buf, sizeof(buf), "dGhlIHNhbXBsZSBub25jZQ==",
	    "X: y\r\n");
	ck_assert_uint_eq(i, strlen(buf));
	ck_assert_ptr_nonnull(strstr(buf,
	    "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
	    "X: y\r\n\r\n"));
	ck_assert_uint_eq(upgrade_answer(buf, 60, "dGhlIHNhbXBsZSBub25jZQ==",
	    NULL), 0);
}
END_TEST

START_TEST(client_request)
{
	struct upgrade_request	r = { .host = "h:1", .path = "/p?q",
	    .nonce = "the sample nonce", .node_id = "a.home",
	    .node_type = "home", .extra = "X: y\r\n" };
	char			buf[WS_UPGRADE_MAX];
	const char		*k;

	ck_assert_uint_eq(upgrade_request(buf, sizeof(buf), &r), strlen(buf));
	ck_assert_int_eq(parse(buf), 0);
	ck_assert_int_eq(upgrade_check(&head, &k, &why), 0);
	ck_assert(memcmp(k, "dGhlIHNhbXBsZSBub25jZQ==", 24) == 0);
	ck_assert(is(*http_find(&head, "x-relay-node-id"), "a.home"));
	ck_assert(is(*http_find(&head, "x-relay-node-type"), "home"));
	ck_assert(is(head.target, "/p?q") && is(*http_find(&head, "x"), "y"));
	ck_assert_uint_eq(upgrade_request(buf, 100, &r), 0);
	r.path = "/p HTTP/1.1\r\nX: ";
	ck_assert_uint_eq(upgrade_request(buf, sizeof(buf), &r), 0);
	r.path = "/";
	r.host = "h\r\n";
	ck_assert_uint_eq(upgrade_request(buf, sizeof(buf), &r), 0);
	r.host = "h";
	r.node_id = "a b";
	ck_assert_uint_eq(upgrade_request(buf, sizeof(buf), &r), 0);
}
END_TEST

static void
judge(struct upgrade_result *r, const char *text)
{
	struct http_scan	scan = { 0 };
	const uint8_t		*p = (const uint8_t *)text;
	int			 n = http_scan(&scan, &lim, p, strlen(text));

	ck_assert_int_gt(n, 0);
	upgrade_result(r, p, (size_t)n, strlen(text),
	    (const uint8_t *)"the sample nonce");
}

#define S101	"HTTP/1.1 101 Switching Protocols\r\n"
#define AC	"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"

START_TEST(client_judges)
{
	static const char *const bad[] = {
		"HTTP/1.0 101 OK\r\n" UP CO AC END,
		S101 CO AC END, S101 UP AC END, S101 UP CO END,
		S101 "Upgrade: websocket, h2c\r\n" CO AC END,
		S101 UP UP CO AC END, S101 UP CO AC AC END,
		S101 UP CO "Sec-WebSocket-Accept: "
		    "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
		S101 UP CO AC "Sec-WebSocket-Extensions: x\r\n\r\n",
		S101 UP CO AC "Sec-WebSocket-Protocol: x\r\n\r\n",
		"HTTP/1.1 200 OK\r\n" UP CO AC END,
		"HTTP/1.1 10 OK\r\n\r\n", "HTTP/1.1 1010 OK\r\n\r\n",
		"HTTP/1.1  101 OK\r\n\r\n", "HTTP/2.0 101 OK\r\n\r\n",
		"GET / HTTP/1.1\r\n\r\n", "nonsense\r\n\r\n",
		S101 UP CO AC "bad field\r\n\r\n",
	};
	struct upgrade_result	r;
	size_t			i;

	judge(&r, S101 UP CO AC "X-Relay-Node-ID: m.test\r\n\r\nframes");
	ck_assert(r.open);
	ck_assert_str_eq(r.node_id, "m.test");
	judge(&r, "HTTP/1.1 101\r\n" UP CO AC END);
	ck_assert(r.open);
	ck_assert_str_eq(r.node_id, "");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		judge(&r, bad[i]);
		ck_assert_msg(!r.open && r.why[0] != '\0', "case %zu", i);
	}
	judge(&r, "HTTP/1.1 503 a\tb\x1b\r\nRetry-After: 30\r\n\r\nwhy\nx");
	ck_assert(!r.open && r.status == 503 && r.retry_after_s == 30);
	ck_assert_str_eq(r.why, "HTTP 503 a?b?: why");
	judge(&r, "HTTP/1.1 503 x\r\nRetry-After: Wed, 21 Oct\r\n\r\n");
	ck_assert_uint_eq(r.retry_after_s, 0);
	judge(&r, "HTTP/1.1 503 x\r\nRetry-After: 9999999\r\n\r\n");
	ck_assert_uint_eq(r.retry_after_s, 0);
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
	tcase_add_test(tc, routes);
	tcase_add_test(tc, origins_and_types);
	tcase_add_test(tc, answers);
	tcase_add_test(tc, upgrades);
	tcase_add_test(tc, client_request);
	tcase_add_test(tc, client_judges);
	return (suite_run("http", tc));
}
