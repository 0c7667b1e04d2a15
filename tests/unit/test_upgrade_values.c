/* SPDX-License-Identifier: ISC */
/* What an upgrade is asked with and refused for, byte by byte. */
#include <stdio.h>
#include <string.h>

#include "relayd/frontend/upgrade.h"
#include "tests/unit/suite.h"

/* A value of a field is printable ASCII, or it is none. */
START_TEST(values)
{
	char	text[3] = "a_";
	int	c;

	for (c = 0; c < 256; c++) {
		text[1] = (char)c;
		ck_assert_int_eq(upgrade_value((struct span){ text, 2 }),
		    c >= ' ' && c <= '~');
	}
	ck_assert(upgrade_value(span_str("")));
}
END_TEST

static size_t
request_of(char *buf, size_t size, const char *host, const char *path,
    const char *node_id, const char *node_type)
{
	struct upgrade_request	r = { .host = host, .path = path,
				    .node_id = node_id,
				    .node_type = node_type };

	return (upgrade_request(buf, size, &r));
}

/* Nothing of it can end a line, or be another field. */
START_TEST(requests)
{
	char	buf[2048], odd[3] = "a_";
	size_t	n;
	int	c;

	for (c = 1; c < 256; c++) {
		odd[1] = (char)c;
		n = c > ' ' && c <= '~';
		ck_assert_int_eq(request_of(buf, sizeof(buf), odd, "/", "a",
		    "home") > 0, n);
		ck_assert_int_eq(request_of(buf, sizeof(buf), "h", odd, "a",
		    "home") > 0, n);
		ck_assert_int_eq(request_of(buf, sizeof(buf), "h", "/", odd,
		    "home") > 0, n);
		ck_assert_int_eq(request_of(buf, sizeof(buf), "h", "/", "a",
		    odd) > 0, n);
	}
	n = request_of(buf, sizeof(buf), "h", "/", NULL, NULL);
	ck_assert_uint_eq(n, strlen(buf));
	ck_assert_ptr_null(strstr(buf, "X-Relay"));
	ck_assert_uint_eq(request_of(buf, n, "h", "/", NULL, NULL), 0);
	ck_assert_uint_eq(request_of(buf, n + 1, "h", "/", NULL, NULL), n);
}
END_TEST

/* An identity that is too long for the fields is not cut. */
START_TEST(long_identity)
{
	char	buf[2048], id[600];

	memset(id, 'a', sizeof(id) - 1);
	id[sizeof(id) - 1] = '\0';
	ck_assert_uint_eq(request_of(buf, sizeof(buf), "h", "/", id, "home"),
	    0);
}
END_TEST

START_TEST(answers)
{
	const char	*key = "dGhlIHNhbXBsZSBub25jZQ==";
	char		 buf[512];
	size_t		 n = upgrade_answer(buf, sizeof(buf), key, "A: b\r\n");

	/* RFC 6455 section 1.3 */
	ck_assert_ptr_nonnull(strstr(buf, "Sec-WebSocket-Accept: "
	    "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nA: b\r\n\r\n"));
	ck_assert_uint_eq(upgrade_answer(buf, n, key, "A: b\r\n"), 0);
	ck_assert_uint_eq(upgrade_answer(buf, n + 1, key, "A: b\r\n"), n);
	n = upgrade_answer(buf, sizeof(buf), key, NULL);
	ck_assert_str_eq(buf + n - 32, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n");
}
END_TEST

static struct upgrade_result
result_of(const char *head, const char *body)
{
	static const uint8_t	 nonce[WS_KEY_RAW];
	struct upgrade_result	 r;
	char			 text[4096];
	int			 n = snprintf(text, sizeof(text), "%s\r\n%s",
				    head, body);

	upgrade_result(&r, (const uint8_t *)text, strlen(head) + 2,
	    (size_t)n, nonce);
	return (r);
}

#define R503(after)	"HTTP/1.1 503 Busy\r\nRetry-After: " after "\r\n"

/* Seconds, of six digits at most; all else is none. */
START_TEST(retry_after)
{
	static const struct {
		const char	*head;
		uint32_t	 s;
	} all[] = {
		{ R503("0"), 0 }, { R503("19"), 19 }, { R503("90"), 90 },
		{ R503("999999"), 999999 }, { R503("1000000"), 0 },
		{ R503(""), 0 }, { R503("1/"), 0 }, { R503("1:"), 0 },
		{ R503("-1"), 0 }, { R503("1 2"), 0 },
	};
	size_t	i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		ck_assert_msg(result_of(all[i].head, "").retry_after_s ==
		    all[i].s, "%s", all[i].head);
}
END_TEST

/* What is shown of who refused is printable, and one line of it. */
START_TEST(words)
{
	struct upgrade_result	r;

	r = result_of("HTTP/1.1 503 Busy\r\n", "a~\x7f\x80\tb\r\nnot this");
	ck_assert_str_eq(r.why, "HTTP 503 Busy: a~???b");
	r = result_of("HTTP/1.1 503 Busy\r\n", "a\nnot this");
	ck_assert_str_eq(r.why, "HTTP 503 Busy: a");
	r = result_of("HTTP/1.1 503 Busy\r\n", "{\"error\":\"no room\"}\r\n");
	ck_assert_str_eq(r.why, "HTTP 503 Busy: no room");
	r = result_of("HTTP/1.1 503 Busy\r\n", "{\"other\":\"no room\"}");
	ck_assert_str_eq(r.why, "HTTP 503 Busy: {\"other\":\"no room\"}");
}
END_TEST

#define R401(fields)	"HTTP/1.1 401 No\r\nContent-Length: 0\r\n" fields "\r\n"
#define WWW		"WWW-Authenticate: "

/* The schemes that are known here, of the field that is for them. */
START_TEST(challenges)
{
	static const struct {
		const char	*head, *challenge;
	} all[] = {
		{ R401(WWW "Bearer"), "Bearer" },
		{ R401(WWW "bearer realm"), "Bearer" },
		{ R401(WWW "Relay n=x"), "Relay n=x" },
		{ R401(WWW "Bearer\r\n" WWW "Relay n"), "Relay n, Bearer" },
		{ R401(WWW "Basic x"), "" }, { R401(WWW "Bearerx"), "" },
		{ R401(WWW "Relayx"), "" }, { R401(WWW "Rela"), "" },
		{ R401("X-Other: Bearer"), "" }, { R401("X-Other: Relay n"), "" },
		{ "HTTP/1.1 403 No\r\nContent-Length: 0\r\n" WWW "Bearer\r\n",
		    "" },
	};
	size_t	i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		ck_assert_str_eq(result_of(all[i].head, "").challenge,
		    all[i].challenge);
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("upgrade values");

	tcase_add_test(tc, values);
	tcase_add_test(tc, requests);
	tcase_add_test(tc, long_identity);
	tcase_add_test(tc, answers);
	tcase_add_test(tc, retry_after);
	tcase_add_test(tc, words);
	tcase_add_test(tc, challenges);
	return (suite_run("upgrade values", tc));
}
