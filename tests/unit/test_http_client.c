/* SPDX-License-Identifier: ISC */
/* Responses of http services (relayd/backend/http_client.h). */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relayd/backend/http_client.h"
#include "tests/unit/suite.h"

#define BODY_MAX	1000

#define OK		"HTTP/1.1 200 OK\r\n"

static struct http_client	hc;

static void
setup(void)
{
	hc_init(&hc, BODY_MAX);
}

static void
teardown(void)
{
	hc_free(&hc);
}

/* Feed a text in pieces of that many bytes; returns what is left over. */
static enum hc_event
feed(const char *text, size_t piece, size_t *left)
{
	enum hc_event	 event = HC_MORE;
	struct buf	 in = { 0 };
	size_t		 len = strlen(text), n, took;

	while (event == HC_MORE && len > 0) {
		n = piece < len ? piece : len;
		buf_append(&in, text, n);
		text += n;
		len -= n;
		event = hc_input(&hc, buf_data(&in), in.len, &took);
		ck_assert_uint_le(took, in.len);
		buf_used(&in, took);
	}
	*left = in.len + len;
	buf_free(&in);
	return (event);
}

struct good {
	const char	*text;
	int		 status;
	const char	*body;
	bool		 keepalive;
	size_t		 left;
};

static const struct good goods[] = {
	{ OK "Content-Length: 2\r\n\r\n{}", 200, "{}", true, 0 },
	{ OK "content-length:2 \r\n\r\n{}", 200, "{}", true, 0 },
	{ OK "Content-Length: 2\r\n\r\n{}HTTP", 200, "{}", true, 4 },
	{ OK "Content-Length: 0\r\n\r\n", 200, "", true, 0 },
	{ OK "Content-Length: 2\r\nConnection: close\r\n\r\n{}", 200, "{}",
	    false, 0 },
	{ OK "Content-Length: 1\r\nConnection: Foo, Close\r\n\r\n1", 200, "1",
	    false, 0 },
	{ "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n1", 200, "1", false,
	    0 },
	{ "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n"
	    "Content-Length: 1\r\n\r\n1", 200, "1", true, 0 },
	{ OK "Transfer-Encoding: chunked\r\n\r\n"
	    "1\r\n[\r\n3;x=y\r\n1,2\r\n1\r\n]\r\n0\r\n\r\n", 200, "[1,2]",
	    true, 0 },
	{ OK "Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n\r\nrest", 200,
	    "", true, 4 },
	{ "HTTP/1.1 204 No Content\r\n\r\n", 204, "", true, 0 },
	{ "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 204, "",
	    true, 0 },
	{ "HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Length: 1\r\n\r\n1",
	    200, "1", true, 0 },
	{ "HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\n"
	    "Content-Length: 0\r\n\r\n", 302, "", true, 0 },
	{ "HTTP/1.1 503 \r\nContent-Length: 0\r\n\r\n", 503, "", true, 0 },
};

static void
check_good(const struct good *g, size_t piece)
{
	size_t	left;

	ck_assert_int_eq(feed(g->text, piece, &left), HC_DONE);
	ck_assert_int_eq(hc.status, g->status);
	ck_assert_uint_eq(hc.body.len, strlen(g->body));
	ck_assert_mem_eq(buf_data(&hc.body), g->body, hc.body.len);
	ck_assert(hc.keepalive == g->keepalive);
	ck_assert_uint_eq(left, g->left);
}

START_TEST(good_responses)
{
	check_good(&goods[_i], SIZE_MAX);
}
END_TEST

START_TEST(good_responses_bytewise)
{
	check_good(&goods[_i], 1);
}
END_TEST

START_TEST(body_until_close)
{
	size_t	left;

	ck_assert_int_eq(feed(OK "\r\n{\"a\":", 3, &left), HC_MORE);
	ck_assert_int_eq(feed("1}", 1, &left), HC_MORE);
	ck_assert_int_eq(hc_eof(&hc), HC_DONE);
	ck_assert_uint_eq(hc.body.len, 7);
	ck_assert(!hc.keepalive);
}
END_TEST

static const char *const bads[] = {
	"GET / HTTP/1.1\r\n\r\n",
	"HTTP/2 200 OK\r\n\r\n",
	"HTTP/1.2x 200 OK\r\n\r\n",
	"http/1.1 200 OK\r\n\r\n",
	"HTTP/1.1  200 OK\r\n\r\n",
	"HTTP/1.1 20 OK\r\n\r\n",
	"HTTP/1.1 2000 OK\r\n\r\n",
	"HTTP/1.1 099 OK\r\n\r\n",
	"HTTP/1.1 600 OK\r\n\r\n",
	"HTTP/1.1 2x0 OK\r\n\r\n",
	"HTTP/1.1 101 Switching\r\n\r\n",
	"HTTP/1.1 200 OK\nContent-Length: 0\n\n",
	OK "Content-Length: 1\r\n\r1",
	OK "Content-Length: -1\r\n\r\n",
	OK "Content-Length: +1\r\n\r\n",
	OK "Content-Length: 1x\r\n\r\n",
	OK "Content-Length: 0x1\r\n\r\n",
	OK "Content-Length: \r\n\r\n",
	OK "Content-Length: 1, 1\r\n\r\n",
	OK "Content-Length: 9999999999999999999\r\n\r\n",
	OK "Content-Length: 1\r\nContent-Length: 1\r\n\r\n1",
	OK "Content-Length: 1\r\nContent-Length: 2\r\n\r\n1",
	OK "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"
	    "1\r\n1\r\n0\r\n\r\n",
	OK "Content-Length : 1\r\n\r\n1",
	OK " folded: 1\r\n\r\n",
	OK "A: b\r\n c\r\n\r\n",
	OK "no colon\r\n\r\n",
	OK ": empty\r\n\r\n",
	OK "Transfer-Encoding: gzip\r\n\r\n",
	OK "Transfer-Encoding: gzip, chunked\r\n\r\n",
	OK "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
	"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
	OK "Transfer-Encoding: chunked\r\n\r\nx\r\n",
	OK "Transfer-Encoding: chunked\r\n\r\n\r\n",
	OK "Transfer-Encoding: chunked\r\n\r\n-1\r\n",
	OK "Transfer-Encoding: chunked\r\n\r\n1\n1\r\n0\r\n\r\n",
	OK "Transfer-Encoding: chunked\r\n\r\n1\r\n12\r\n0\r\n\r\n",
	OK "Transfer-Encoding: chunked\r\n\r\n1 \r\n1\r\n0\rX",
	"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\n"
	"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\n"
	"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\nHTTP/1.1 100 C\r\n\r\n",
};

static void
check_bad(const char *text, size_t piece)
{
	char	more[1024];
	size_t	left;

	/* Where more is needed to see that it is wrong. */
	snprintf(more, sizeof(more), "%sxxxx", text);
	ck_assert_int_eq(feed(more, piece, &left), HC_BAD);
	ck_assert_ptr_nonnull(hc.why);
}

START_TEST(bad_responses)
{
	check_bad(bads[_i], SIZE_MAX);
}
END_TEST

START_TEST(bad_responses_bytewise)
{
	check_bad(bads[_i], 1);
}
END_TEST

START_TEST(head_too_long)
{
	static char	text[LIMIT_HTTP_HEAD + 1000];
	size_t		left;

	memset(text, 'a', sizeof(text) - 1);
	memcpy(text, OK "A: ", strlen(OK "A: "));
	ck_assert_int_eq(feed(text, 1000, &left), HC_BAD);
}
END_TEST

START_TEST(too_many_fields)
{
	char	text[8192] = OK;
	size_t	left;
	int	i;

	for (i = 0; i <= LIMIT_HTTP_HEADERS; i++)
		strcat(text, "A: b\r\n");
	strcat(text, "\r\n");
	ck_assert_int_eq(feed(text, SIZE_MAX, &left), HC_BAD);
}
END_TEST

static const char *const larges[] = {
	OK "Content-Length: 1001\r\n\r\n",
	OK "Content-Length: 999999999999999999\r\n\r\n",
	OK "Transfer-Encoding: chunked\r\n\r\n3e9\r\n",
	OK "Transfer-Encoding: chunked\r\n\r\n1\r\n1\r\n3e8\r\n",
};

START_TEST(too_large)
{
	size_t	left;

	ck_assert_int_eq(feed(larges[_i], 7, &left), HC_TOO_LARGE);
}
END_TEST

START_TEST(too_large_until_close)
{
	static char	text[BODY_MAX + 2];
	size_t		left;

	ck_assert_int_eq(feed(OK "\r\n", SIZE_MAX, &left), HC_MORE);
	memset(text, ' ', BODY_MAX);
	ck_assert_int_eq(feed(text, 100, &left), HC_MORE);
	ck_assert_int_eq(feed(" ", 1, &left), HC_TOO_LARGE);
}
END_TEST

static const char *const cuts[] = {
	"",
	"HTTP/1.1 2",
	OK "Content-Length: 2\r\n",
	OK "Content-Length: 2\r\n\r\n{",
	OK "Transfer-Encoding: chunked\r\n\r\n1\r\n1\r\n",
	OK "Transfer-Encoding: chunked\r\n\r\n1\r\n1\r\n0\r\n",
	"HTTP/1.1 100 Continue\r\n\r\n",
};

START_TEST(cut_off)
{
	size_t	left;

	ck_assert_int_eq(feed(cuts[_i], SIZE_MAX, &left), HC_MORE);
	ck_assert_int_eq(hc_eof(&hc), HC_BAD);
	ck_assert(hc.began == (cuts[_i][0] != '\0'));
}
END_TEST

static void
check_request(const char *host, const char *want)
{
	struct buf	out = { 0 };

	hc_request(&out, host, 9000, "/rpc?x", 17);
	buf_append(&out, "", 1);
	ck_assert_str_eq(buf_data(&out), want);
	buf_free(&out);
}

START_TEST(request_head)
{
	check_request("127.0.0.1", "POST /rpc?x HTTP/1.1\r\n"
	    "Host: 127.0.0.1:9000\r\nUser-Agent: relayd\r\n"
	    "Content-Type: application/json\r\nAccept: application/json\r\n"
	    "Content-Length: 17\r\n\r\n");
	check_request("::1", "POST /rpc?x HTTP/1.1\r\n"
	    "Host: [::1]:9000\r\nUser-Agent: relayd\r\n"
	    "Content-Type: application/json\r\nAccept: application/json\r\n"
	    "Content-Length: 17\r\n\r\n");
}
END_TEST

#define COUNT(a)	((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	TCase	*t = tcase_create("http_client");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, good_responses, 0, COUNT(goods));
	tcase_add_loop_test(t, good_responses_bytewise, 0, COUNT(goods));
	tcase_add_test(t, body_until_close);
	tcase_add_loop_test(t, bad_responses, 0, COUNT(bads));
	tcase_add_loop_test(t, bad_responses_bytewise, 0, COUNT(bads));
	tcase_add_test(t, head_too_long);
	tcase_add_test(t, too_many_fields);
	tcase_add_loop_test(t, too_large, 0, COUNT(larges));
	tcase_add_test(t, too_large_until_close);
	tcase_add_loop_test(t, cut_off, 0, COUNT(cuts));
	tcase_add_test(t, request_head);
	return (suite_run("http_client", t));
}
