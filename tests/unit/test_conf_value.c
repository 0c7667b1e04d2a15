/* SPDX-License-Identifier: ISC */
/* The configuration: node ids, URLs and origins. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "common/limits.h"
#include "relayd/conf.h"
#include "tests/unit/suite.h"

static const char *const bad_ids[] = {
	"", ".", "..", "a.", ".a", "a..b", "a@b", "a/b", "a:b", "a b", "a\n",
	"\xc3\xa4", "a\\b", "a*", "\x7f"
};

START_TEST(test_bad_node_id)
{
	char	 out[LIMIT_NODE_ID + 1];

	ck_assert_msg(conf_check_node_id(bad_ids[_i], out, sizeof(out)) !=
	    NULL, "accepted: \"%s\"", bad_ids[_i]);
}
END_TEST

START_TEST(test_node_id)
{
	char	 out[LIMIT_NODE_ID + 1], id[LIMIT_NODE_ID + 2];

	ck_assert_ptr_null(conf_check_node_id("Relay-1_A.Example.COM", out,
	    sizeof(out)));
	ck_assert_str_eq(out, "relay-1_a.example.com");
	memset(id, 'a', LIMIT_NODE_ID);
	id[LIMIT_NODE_ID] = '\0';
	ck_assert_ptr_null(conf_check_node_id(id, out, sizeof(out)));
	strlcat(id, "a", sizeof(id));
	ck_assert_ptr_nonnull(conf_check_node_id(id, out, sizeof(out)));
}
END_TEST

static const char *const bad_urls[] = {
	"", "ws", "ws:", "ws:/", "ws:a", "ws//a", "http://a",
	"https://a", "wss:/a", "wss//a", "wss://", "wss://a:0", "wss://a@b",
	"wss://a/#", "wss://[::1", "wsss://a", "wss:ws://a",
	" ws://a", "ws://", "ws:///x", "ws://:80", "ws://a:",
	"ws://a:0", "ws://a:65536", "ws://a:099999", "ws://a:8 0",
	"ws://a:80:80", "ws://a:-1", "ws://a:+1", "ws://a@b", "ws://a:b@c",
	"ws://a/#", "ws://a#b", "ws://a/ ", "ws://a/\x7f", "ws://a/\xc3\xa4",
	"ws://a/\"", "ws://a/<", "ws://a/\\", "ws://a/^", "ws://a/`",
	"ws://a/{", "ws://a/|", "ws://a..b", "ws://.a", "ws://a.", "ws://-a",
	"ws://a-", "ws://a b", "ws://a%20b", "ws://a,b", "ws://1", "ws://1.2",
	"ws://1.2.3.256", "ws://1.2.3.4.5", "ws://01.2.3.4", "ws://a.1",
	"ws://[", "ws://[]", "ws://[::1", "ws://[::1]a", "ws://[::1]:",
	"ws://[::g]", "ws://[1.2.3.4]", "ws://[fe80::1%lo]", "ws://::1",
	"ws://[::1]:70000"
};

START_TEST(test_bad_url)
{
	struct url	 url;

	ck_assert_msg(url_check(bad_urls[_i], "ws", "/d", &url) != NULL,
	    "accepted: \"%s\"", bad_urls[_i]);
	/* Nothing is left to free. */
	ck_assert_ptr_null(url.host);
	ck_assert_ptr_null(url.text);
}
END_TEST

static const struct {
	const char	*in, *text, *host, *authority, *path;
	uint16_t	 port;
	bool		 numeric, loopback, tls;
} urls[] = {
	{ "ws://a", "ws://a:80/d", "a", "a:80", "/d", 80, false, false,
	    false },
	{ "Ws://A.B-c_d:1?q", "ws://a.b-c_d:1/d?q", "a.b-c_d", "a.b-c_d:1",
	    "/d?q", 1, false, false,
	    false },
	{ "ws://a/", "ws://a:80/", "a", "a:80", "/", 80, false, false,
	    false },
	{ "ws://a:65535/x%20?y=/z", "ws://a:65535/x%20?y=/z", "a", "a:65535",
	    "/x%20?y=/z", 65535, false, false,
	    false },
	{ "ws://127.255.0.1/x", "ws://127.255.0.1:80/x", "127.255.0.1",
	    "127.255.0.1:80", "/x", 80, true, true,
	    false },
	{ "ws://128.0.0.1/x", "ws://128.0.0.1:80/x", "128.0.0.1",
	    "128.0.0.1:80", "/x", 80, true, false,
	    false },
	{ "ws://[0:0::1]:8/x", "ws://[::1]:8/x", "::1", "[::1]:8", "/x", 8,
	    true, true,
	    false },
	{ "ws://[2001:DB8::]/x", "ws://[2001:db8::]:80/x", "2001:db8::",
	    "[2001:db8::]:80", "/x", 80, true, false,
	    false },
	{ "ws://[::ffff:127.0.0.1]/x", "ws://[::ffff:127.0.0.1]:80/x",
	    "::ffff:127.0.0.1", "[::ffff:127.0.0.1]:80", "/x", 80, true,
	    true,
	    false },
	{ "ws://LocalHost/x", "ws://localhost:80/x", "localhost",
	    "localhost:80", "/x", 80, false, true,
	    false },
	{ "ws://a.localhost/x", "ws://a.localhost:80/x", "a.localhost",
	    "a.localhost:80", "/x", 80, false, true,
	    false },
	{ "ws://alocalhost/x", "ws://alocalhost:80/x", "alocalhost",
	    "alocalhost:80", "/x", 80, false, false,
	    false },
	{ "wss://a", "wss://a:443/d", "a", "a:443", "/d", 443, false, false,
	    true },
	{ "WSS://A:80/x?y", "wss://a:80/x?y", "a", "a:80", "/x?y", 80, false,
	    false, true },
	{ "wss://[::1]", "wss://[::1]:443/d", "::1", "[::1]:443", "/d", 443,
	    true, true, true },
};

START_TEST(test_url)
{
	struct url	 url;

	ck_assert_ptr_null(url_check(urls[_i].in, "ws", "/d", &url));
	ck_assert_str_eq(url.text, urls[_i].text);
	ck_assert_str_eq(url.host, urls[_i].host);
	ck_assert_str_eq(url.authority, urls[_i].authority);
	ck_assert_str_eq(url.path, urls[_i].path);
	ck_assert_uint_eq(url.port, urls[_i].port);
	ck_assert(url.numeric == urls[_i].numeric);
	ck_assert(url.loopback == urls[_i].loopback);
	ck_assert(url.tls == urls[_i].tls);
	url_free(&url);
}
END_TEST

START_TEST(test_long_url)
{
	struct url	 url;
	char		 text[2048];

	memset(text, 'a', sizeof(text));
	memcpy(text, "ws://", 5);
	text[sizeof(text) - 1] = '\0';
	ck_assert_ptr_nonnull(url_check(text, "ws", "/", &url));
	memcpy(text, "ws://h/", 7);
	ck_assert_ptr_nonnull(url_check(text, "ws", "/", &url));
	text[5 + 64] = '\0';
	memset(text + 5, 'a', 64);
	ck_assert_ptr_nonnull(url_check(text, "ws", "/", &url));
	text[5 + 63] = '\0';
	ck_assert_ptr_null(url_check(text, "ws", "/", &url));
	url_free(&url);
}
END_TEST

static const struct {
	const char	*a, *b;
	bool		 same;
} places[] = {
	{ "ws://a:1/x", "wss://a:1/x", true },
	{ "wss://a", "wss://A:443", true },
	{ "ws://a", "wss://a", false },
	{ "ws://a:1/x", "ws://a:1/y", false },
	{ "ws://a:1/x", "ws://a:2/x", false },
	{ "ws://a:1/x", "ws://b:1/x", false },
	{ "ws://a:1/x", "ws://a:1/x?", false },
};

START_TEST(test_same_place)
{
	struct url	 a, b;

	ck_assert_ptr_null(url_check(places[_i].a, "ws", "/", &a));
	ck_assert_ptr_null(url_check(places[_i].b, "ws", "/", &b));
	ck_assert_msg(url_same_place(&a, &b) == places[_i].same, "%s %s",
	    places[_i].a, places[_i].b);
	url_free(&a);
	url_free(&b);
}
END_TEST

START_TEST(test_http_is_without_tls)
{
	struct url	 url;

	ck_assert_ptr_nonnull(url_check("https://a", "http", "/", &url));
	ck_assert_ptr_nonnull(url_check("wss://a", "http", "/", &url));
	ck_assert_ptr_nonnull(url_check("ws://a", "http", "/", &url));
	ck_assert_ptr_null(url_check("http://a", "http", "/", &url));
	ck_assert(!url.tls);
	ck_assert_uint_eq(url.port, 80);
	url_free(&url);
}
END_TEST

static const struct {
	const char	*url, *address;
	bool		 reached;
} targets[] = {
	{ "ws://127.0.0.1:80", "127.0.0.1:80", true },
	{ "ws://127.0.0.1:80", "127.0.0.1:81", false },
	{ "ws://127.0.0.1:80", "127.0.0.2:80", false },
	{ "ws://127.0.0.1:80", "0.0.0.0:80", true },
	{ "ws://127.0.0.1:80", "[::]:80", false },
	{ "ws://127.0.0.1:80", "[::1]:80", false },
	{ "ws://[::ffff:127.0.0.1]:80", "127.0.0.1:80", true },
	{ "ws://127.0.0.1:80", "[::ffff:127.0.0.1]:80", true },
	{ "ws://[::1]:80", "[::1]:80", true },
	{ "ws://[::1]:80", "[0:0::1]:80", true },
	{ "ws://[::1]:80", "[::]:80", true },
	{ "ws://[::1]:80", "0.0.0.0:80", false },
	{ "ws://localhost:80", "127.0.0.1:80", true },
	{ "ws://localhost:80", "[::1]:80", true },
	{ "ws://a.localhost:80", "[::]:80", true },
	{ "ws://localhost:80", "127.0.0.2:80", false },
	{ "ws://localhost:80", "192.0.2.1:80", false },
	{ "ws://relay.example.com:80", "127.0.0.1:80", false },
	{ "ws://relay.example.com:80", "0.0.0.0:80", false },
	{ "ws://192.0.2.1:80", "192.0.2.1:80", true },
	{ "ws://192.0.2.1:80", "0.0.0.0:80", false },
	{ "ws://0.0.0.0:80", "127.0.0.1:80", true },
	{ "ws://0.0.0.0:80", "0.0.0.0:80", true },
	{ "ws://0.0.0.0:80", "192.0.2.1:80", false },
	{ "ws://[::]:80", "[::1]:80", true },
	{ "ws://[::]:80", "127.0.0.1:80", false },
	/* What is no address is nobody's. */
	{ "ws://127.0.0.1:80", "", false },
	{ "ws://127.0.0.1:80", ":80", false },
	{ "ws://127.0.0.1:80", "127.0.0.1", false },
	{ "ws://127.0.0.1:80", "127.0.0.1:", false },
	{ "ws://127.0.0.1:80", "127.0.0.1:80x", false },
	{ "ws://127.0.0.1:80", "127.0.0.1:65616", false },
	{ "ws://localhost:80", "localhost:80", false },
	{ "ws://localhost:80", "/run/a.sock:80", false },
	{ "ws://[::1]:80", "[]:80", false },
	{ "ws://[::1]:80", "[:80", false },
	{ "wss://127.0.0.1", "127.0.0.1:443", true },
	{ "wss://127.0.0.1", "127.0.0.1:80", false },
};

START_TEST(test_url_reaches)
{
	struct url	 url;

	ck_assert_ptr_null(url_check(targets[_i].url, "ws", "/", &url));
	ck_assert_msg(url_reaches(&url, targets[_i].address) ==
	    targets[_i].reached, "%s %s", targets[_i].url,
	    targets[_i].address);
	url_free(&url);
}
END_TEST

static const char *const bad_origins[] = {
	"", "*", "null", "https", "https:", "https://", "ws://a", "ftp://a",
	"https://a/", "https://a/x", "https://a?x", "https://a#x",
	"https://a b", "https://u@a", "https://a:", "https://a:0",
	"https://a:70000", "https://[::1", "https://1.2", "a", "//a",
	"https://a,https://b"
};

START_TEST(test_bad_origin)
{
	char	 out[512];

	ck_assert_msg(url_check_origin(bad_origins[_i], out, sizeof(out)) !=
	    NULL, "accepted: \"%s\"", bad_origins[_i]);
}
END_TEST

START_TEST(test_origin)
{
	char	 out[512];

	ck_assert_ptr_null(url_check_origin("HTTPS://A.example:443", out,
	    sizeof(out)));
	ck_assert_str_eq(out, "https://a.example");
	ck_assert_ptr_null(url_check_origin("http://a:443", out,
	    sizeof(out)));
	ck_assert_str_eq(out, "http://a:443");
	ck_assert_ptr_null(url_check_origin("http://[::1]:80", out,
	    sizeof(out)));
	ck_assert_str_eq(out, "http://[::1]");
	ck_assert_ptr_nonnull(url_check_origin("http://abc", out, 10));
	ck_assert_ptr_null(url_check_origin("http://abc", out, 11));
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("values");

	tcase_add_loop_test(tc, test_bad_node_id, 0,
	    sizeof(bad_ids) / sizeof(bad_ids[0]));
	tcase_add_test(tc, test_node_id);
	tcase_add_loop_test(tc, test_bad_url, 0,
	    sizeof(bad_urls) / sizeof(bad_urls[0]));
	tcase_add_loop_test(tc, test_url, 0, sizeof(urls) / sizeof(urls[0]));
	tcase_add_test(tc, test_long_url);
	tcase_add_loop_test(tc, test_bad_origin, 0,
	    sizeof(bad_origins) / sizeof(bad_origins[0]));
	tcase_add_test(tc, test_origin);
	tcase_add_loop_test(tc, test_same_place, 0,
	    sizeof(places) / sizeof(places[0]));
	tcase_add_test(tc, test_http_is_without_tls);
	tcase_add_loop_test(tc, test_url_reaches, 0,
	    sizeof(targets) / sizeof(targets[0]));
	return (suite_run("conf values", tc));
}
