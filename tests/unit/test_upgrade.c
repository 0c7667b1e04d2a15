/* SPDX-License-Identifier: ISC */
/* HTTP routes, answers and the WebSocket handshake, of both sides. */
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "relayd/frontend/reply.h"
#include "relayd/frontend/upgrade.h"
#include "tests/unit/http_fixture.h"
#include "tests/unit/suite.h"

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
		{ ROLE_MAIN, "/ws/peers", HTTP_GET, 0, ROUTE_WS_PEERS, NULL },
		{ ROLE_MAIN, "/ws/peers", HTTP_DELETE, 405, 0, "GET" },
		{ ROLE_MAIN, "/ws/peers/", HTTP_GET, 404, 0, NULL },
		{ ROLE_HOME, "/ws/peers", HTTP_GET, 404, 0, NULL },
		{ ROLE_MAIN, "/health", HTTP_DELETE, 405, 0, "GET, HEAD" },
		{ ROLE_MAIN, "/federation/registry", HTTP_HEAD, 0,
		    HTTP_ROUTE_FEDERATION_REGISTRY, NULL },
		{ ROLE_MAIN, "/federation/peers", HTTP_GET, 0,
		    HTTP_ROUTE_FEDERATION_PEERS, NULL },
		{ ROLE_MAIN, "/federation/peers", HTTP_DELETE, 405, 0,
		    "GET, HEAD" },
		{ ROLE_MAIN, "/federation/health", HTTP_GET, 0,
		    HTTP_ROUTE_FEDERATION_HEALTH, NULL },
		{ ROLE_MAIN, "/federation/health", HTTP_POST, 405, 0,
		    "GET, HEAD" },
		{ ROLE_MAIN, "/federation/peers/add", HTTP_POST, 0,
		    HTTP_ROUTE_PEER_ADD, NULL },
		{ ROLE_MAIN, "/federation/peers/add", HTTP_DELETE, 0,
		    HTTP_ROUTE_PEER_DELETE, NULL },
		{ ROLE_MAIN, "/federation/peers/add", HTTP_GET, 405, 0,
		    "DELETE, POST" },
		{ ROLE_MAIN, "/federation/peers/add/", HTTP_POST, 405, 0,
		    "DELETE" },
		{ ROLE_MAIN, "/federation/peers/b", HTTP_DELETE, 0,
		    HTTP_ROUTE_PEER_DELETE, NULL },
		{ ROLE_MAIN, "/federation/peers/", HTTP_DELETE, 0,
		    HTTP_ROUTE_PEER_DELETE, NULL },
		{ ROLE_MAIN, "/federation/peers/b", HTTP_HEAD, 405, 0,
		    "DELETE" },
		{ ROLE_MAIN, "/federation/peers/b", HTTP_OTHER, 405, 0,
		    "DELETE" },
		{ ROLE_MAIN, "/federation/peersx", HTTP_DELETE, 404, 0, NULL },
		{ ROLE_MAIN, "/federation", HTTP_GET, 404, 0, NULL },
		{ ROLE_MAIN, "/federation/", HTTP_GET, 404, 0, NULL },
		{ ROLE_MAIN, "/Federation/health", HTTP_GET, 404, 0, NULL },
		{ ROLE_HOME, "/federation/registry", HTTP_GET, 404, 0, NULL },
		{ ROLE_HOME, "/federation/peers/add", HTTP_POST, 404, 0, NULL },
		{ ROLE_HOME, "/federation/peers/b", HTTP_DELETE, 404, 0, NULL },
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

#define PEERS	"/federation/peers/"

START_TEST(peer_names)
{
	static const struct {
		const char	*path, *name;	/* NULL: refused */
	} t[] = {
		{ PEERS "relay-b.example", "relay-b.example" },
		{ PEERS "ws%3A%2f%2Fb%3a1", "ws://b:1" },
		{ PEERS "ws://b:1/p", "ws://b:1/p" },
		{ PEERS "%25%32%35", "%25" }, { PEERS "%20", " " },
		{ PEERS "%fF", "\xff" }, { PEERS "+", "+" },
		{ PEERS, NULL }, { PEERS "%", NULL }, { PEERS "a%", NULL },
		{ PEERS "%4", NULL }, { PEERS "%4g", NULL },
		{ PEERS "%g4", NULL }, { PEERS "%%41", NULL },
		{ PEERS "%0x", NULL }, { PEERS "% 4", NULL },
		{ PEERS "%00", NULL }, { PEERS "a%00b", NULL },
		{ PEERS "a%0Db", NULL }, { PEERS "%1f", NULL },
		{ PEERS "%7f", NULL }, { PEERS "%+4", NULL },
	};
	char		buf[PEER_NAME_MAX], path[4 * PEER_NAME_MAX];
	struct span	got = { buf, 0 }, s = { path, 0 };
	size_t		i, n = sizeof(PEERS) - 1;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		got.len = route_peer_name(span_str(t[i].path), buf);
		ck_assert_msg(is(got, t[i].name != NULL ? t[i].name : ""),
		    "case %zu", i);
	}
	/* the octets count, not how they are written */
	memcpy(path, PEERS, n);
	for (i = 0; i < PEER_NAME_MAX + 1; i++)
		memcpy(path + n + 3 * i, "%41", 3);
	s.len = n + (size_t)3 * PEER_NAME_MAX;
	ck_assert_uint_eq(route_peer_name(s, buf), PEER_NAME_MAX);
	ck_assert_int_eq(buf[PEER_NAME_MAX - 1], 'A');
	s.len += 3;
	ck_assert_uint_eq(route_peer_name(s, buf), 0);
	/* an escape is not read beyond the path */
	s.len = n + 2;
	ck_assert_uint_eq(route_peer_name(s, buf), 0);
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

	judge(&r, S101 UP CO AC "X-Relay-Node-ID: m.test\r\n"
	    "X-Relay-Boot-ID: b1\r\n\r\nframes");
	ck_assert(r.open);
	ck_assert_str_eq(r.node_id, "m.test");
	ck_assert_str_eq(r.boot_id, "b1");
	judge(&r, "HTTP/1.1 101\r\n" UP CO AC END);
	ck_assert(r.open);
	ck_assert_str_eq(r.node_id, "");
	ck_assert_str_eq(r.boot_id, "");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		judge(&r, bad[i]);
		ck_assert_msg(!r.open && r.why[0] != '\0', "case %zu", i);
	}
	judge(&r, "HTTP/1.1 503 a\tb\x1b\r\nRetry-After: 30\r\n\r\nwhy\nx");
	ck_assert(!r.open && r.status == 503 && r.retry_after_s == 30);
	ck_assert_str_eq(r.why, "HTTP 503 a?b?: why");
	judge(&r, "HTTP/1.1 409 No\r\n\r\n{\"error\":\"linked already\"}\r\n");
	ck_assert_str_eq(r.why, "HTTP 409 No: linked already");
	judge(&r, "HTTP/1.1 409 No\r\n\r\n{\"error\":\"linked");
	ck_assert_str_eq(r.why, "HTTP 409 No: {\"error\":\"linked");
	judge(&r, "HTTP/1.1 409 No\r\n\r\n{\"error\":\"\"}");
	ck_assert_str_eq(r.why, "HTTP 409 No: {\"error\":\"\"}");
	judge(&r, "HTTP/1.1 409 No\r\n\r\n\n");
	ck_assert_str_eq(r.why, "HTTP 409 No");
	judge(&r, "HTTP/1.1 503 x\r\nRetry-After: Wed, 21 Oct\r\n\r\n");
	ck_assert_uint_eq(r.retry_after_s, 0);
	judge(&r, "HTTP/1.1 503 x\r\nRetry-After: 9999999\r\n\r\n");
	ck_assert_uint_eq(r.retry_after_s, 0);
}
END_TEST

/* Who refused us is known only by a name that is one. */
START_TEST(client_refused)
{
	static const struct {
		const char	*fields, *id;
	} t[] = {
		{ "X-Relay-Node-ID: B.Test\r\n", "b.test" },
		{ "", "" }, { "X-Relay-Node-ID:\r\n", "" },
		{ "X-Relay-Node-ID: a b\r\n", "" },
		{ "X-Relay-Node-ID: a@b\r\n", "" },
		{ "X-Relay-Node-ID: \xc3\xa9\r\n", "" },
		{ "X-Relay-Node-ID: .a\r\n", "" },
	};
	struct upgrade_result	r;
	char			text[1000], longest[LIMIT_NODE_ID + 2];
	size_t			i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		snprintf(text, sizeof(text), "HTTP/1.1 409 linked\r\n%s\r\n",
		    t[i].fields);
		judge(&r, text);
		ck_assert_msg(!r.open && r.status == 409, "case %zu", i);
		ck_assert_str_eq(r.node_id, t[i].id);
		ck_assert_str_eq(r.boot_id, "");
	}
	memset(longest, 'a', sizeof(longest));
	for (i = LIMIT_NODE_ID; i <= LIMIT_NODE_ID + 1; i++) {
		snprintf(text, sizeof(text), "HTTP/1.1 409 linked\r\n"
		    "X-Relay-Node-ID: %.*s\r\n\r\n", (int)i, longest);
		judge(&r, text);
		ck_assert(!r.open);
		ck_assert_uint_eq(strlen(r.node_id),
		    i == LIMIT_NODE_ID ? i : 0);
		/* of who lets us in, one that is cut is worse than none */
		snprintf(text, sizeof(text), S101 UP CO AC
		    "X-Relay-Node-ID: %.*s\r\n\r\n", (int)i, longest);
		judge(&r, text);
		ck_assert(r.open == (i == LIMIT_NODE_ID));
	}
	for (i = LIMIT_BOOT_ID; i <= LIMIT_BOOT_ID + 1; i++) {
		snprintf(text, sizeof(text), S101 UP CO AC
		    "X-Relay-Boot-ID: %.*s\r\n\r\n", (int)i, longest);
		judge(&r, text);
		ck_assert(r.open == (i == LIMIT_BOOT_ID));
	}
}
END_TEST

#define S401	"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer\r\n"
#define OLD	"HTTP/1.0 401 x\r\nWWW-Authenticate: Bearer\r\n"
#define CHUNKS	S401 "Transfer-Encoding: chunked\r\n\r\n"

/* Where the answer ends behind which a proof may follow. */
START_TEST(client_challenged)
{
	static const char *const ends[] = {
		S401 "Content-Length: 0\r\n\r\n",
		S401 "Content-Length: 3\r\n\r\nwhy",
		CHUNKS "0\r\n\r\n", CHUNKS "3\r\nwhy\r\n0\r\n\r\n",
		CHUNKS "1;x=y\r\nw\r\n2\r\nhy\r\n0\r\nA: b\r\n\r\n",
		S401 "Transfer-Encoding: Chunked\r\n\r\n0\r\n\r\n",
	};
	static const char *const none[] = {
		S401 "\r\n", S401 "Content-Length: 4097\r\n\r\n",
		S401 "Connection: close\r\nContent-Length: 0\r\n\r\n",
		CHUNKS "x\r\n", CHUNKS "1001\r\n", CHUNKS "-1\r\n",
		CHUNKS "1\r\nab",
		S401 "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		S401 "Transfer-Encoding: chunked\r\n"
		    "Content-Length: 5\r\n\r\n0\r\n\r\n",
		S401 "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
		    "0\r\n\r\n",
		OLD "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
	};
	struct upgrade_result	r;
	char			text[20000], behind[500];
	size_t			i, n;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		judge(&r, ends[i]);
		ck_assert_str_eq(r.challenge, "Bearer");
		ck_assert_msg(r.end == strlen(ends[i]), "case %zu", i);
		snprintf(behind, sizeof(behind), "%sx", ends[i]);
		judge(&r, behind);
		ck_assert_msg(r.end == strlen(ends[i]), "case %zu", i);
		/* it is still to come */
		for (n = strlen(ends[i]) - 1; strstr(ends[i], "\r\n\r\n") + 4 <=
		    ends[i] + n; n--) {
			snprintf(text, sizeof(text), "%.*s", (int)n, ends[i]);
			judge(&r, text);
			ck_assert_msg(r.end > n, "case %zu %zu", i, n);
		}
	}
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		judge(&r, none[i]);
		ck_assert_msg(r.end == 0, "case %zu", i);
		ck_assert_ptr_nonnull(strstr(r.why, "no proof can follow"));
	}
	/* chunks without end, of next to nothing */
	strlcpy(text, CHUNKS, sizeof(text));
	for (i = 0; i < 1500; i++)
		strlcat(text, "1\r\nx\r\n", sizeof(text));
	judge(&r, text);
	ck_assert_uint_eq(r.end, 0);
	/* their sizes are no reason */
	judge(&r, CHUNKS "3\r\nwhy\r\n0\r\n\r\n");
	ck_assert_str_eq(r.why, "HTTP 401 Unauthorized");
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("upgrade");

	tcase_add_test(tc, routes);
	tcase_add_test(tc, peer_names);
	tcase_add_test(tc, origins_and_types);
	tcase_add_test(tc, answers);
	tcase_add_test(tc, upgrades);
	tcase_add_test(tc, client_request);
	tcase_add_test(tc, client_judges);
	tcase_add_test(tc, client_refused);
	tcase_add_test(tc, client_challenged);
	return (suite_run("upgrade", tc));
}
