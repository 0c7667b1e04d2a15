/* SPDX-License-Identifier: ISC */
/* Join strings and base64url, at their edges. */
#include <openssl/evp.h>

#include <stdio.h>
#include <string.h>

#include "common/b64url.h"
#include "common/join.h"
#include "tests/unit/suite.h"

#define N(a)	((int)(sizeof(a) / sizeof((a)[0])))
#define PREFIX	"relay-join-1."
#define CHECK	4
#define ROOM	3060		/* bytes of the longest that is read */

static const char damaged[] =
    "it is not as it was printed: cut, or mistyped";
static const char malformed[] = "it is malformed";

static struct join
one(const char *url)
{
	struct join j = { .node_id = "a.home", .main_id = "main.example",
	    .expires_ms = 1, .pin = "" };

	snprintf(j.url, sizeof(j.url), "%s", url);
	memset(j.secret, 's', sizeof(j.secret));
	memset(j.main_key, 'k', sizeof(j.main_key));
	return (j);
}

/* These bytes and what checks them, as a join string. */
static const char *
text_of(const uint8_t *p, size_t n)
{
	static char text[JOIN_TEXT_MAX + 8];
	static uint8_t buf[ROOM + CHECK];
	unsigned char hash[EVP_MAX_MD_SIZE];

	memcpy(buf, p, n);
	ck_assert_int_eq(EVP_Digest(p, n, hash, NULL, EVP_sha256(), NULL), 1);
	memcpy(buf + n, hash, CHECK);
	strcpy(text, PREFIX);
	b64url_encode(buf, n + CHECK, text + strlen(PREFIX));
	return (text);
}

static void
refused(const char *text, const char *why)
{
	struct join j, none;

	memset(&j, 'x', sizeof(j));
	memset(&none, 0, sizeof(none));
	ck_assert_pstr_eq(join_decode(text, &j), why);
	/* Nor is a secret left of what was no join. */
	ck_assert_mem_eq(&j, &none, sizeof(j));
}

/* --- what is written --- */

START_TEST(no_room)
{
	struct join j = one("wss://m");
	char text[JOIN_TEXT_MAX], small[JOIN_TEXT_MAX];
	size_t size;

	ck_assert(join_encode(&j, text, sizeof(text)));
	size = strlen(text) + 1;
	memset(small, '#', sizeof(small));
	ck_assert(!join_encode(&j, small, size - 1));
	ck_assert_int_eq(small[0], '#');
	ck_assert(join_encode(&j, small, size));
	ck_assert_str_eq(small, text);
	ck_assert_int_eq(small[size], '#');
}
END_TEST

/* --- what is read --- */

static const struct {
	const char	*url;
	const char	*why;
} urls[] = {
	{ "ws://m", NULL },
	{ "wss://m/!~", NULL },
	{ "http://m", malformed },
	{ "ws:/m", malformed },
	{ "", malformed },
	{ "wss://m/ ", malformed },
	{ "wss://m/\n", malformed },
	{ "wss://m/\x7f", malformed },
	{ "wss://m/\x80", malformed },
	{ "wss://m/\"", malformed },
	{ "wss://m/\\", malformed },
};

START_TEST(reads_urls)
{
	struct join j = one(urls[_i].url), got;
	char text[JOIN_TEXT_MAX];

	ck_assert(join_encode(&j, text, sizeof(text)));
	if (urls[_i].why != NULL) {
		refused(text, urls[_i].why);
		return;
	}
	ck_assert_ptr_null(join_decode(text, &got));
	ck_assert_str_eq(got.url, j.url);
	ck_assert_mem_eq(got.secret, j.secret, sizeof(j.secret));
}
END_TEST

/* The check is right, and so it is not a matter of typing. */
START_TEST(other_bytes)
{
	static uint8_t p[ROOM];

	refused(text_of(p, 0), damaged);
	p[0] = 2;
	refused(text_of(p, 1), "it is of a newer version than this program");
	p[0] = 1;
	refused(text_of(p, 1), malformed);
	refused(text_of(p, ROOM - CHECK), malformed);
}
END_TEST

START_TEST(too_long)
{
	char text[JOIN_TEXT_MAX + 200];
	size_t n;

	for (n = JOIN_TEXT_MAX - 4; n < sizeof(text); n++) {
		memset(text, 'A', n);
		memcpy(text, PREFIX, strlen(PREFIX));
		text[n] = '\0';
		refused(text, damaged);
	}
	refused("", "it is no join string of this version: one begins with "
	    PREFIX);
	refused(PREFIX, damaged);
}
END_TEST

/* The same bytes, but not as they are printed. */
START_TEST(odd_end)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *urls_of[] = { "ws://m", "ws://mm", "ws://mmm" };
	char text[JOIN_TEXT_MAX], *last;
	struct join j, got;
	int i, odd = 0;

	for (i = 0; i < N(urls_of); i++) {
		j = one(urls_of[i]);
		ck_assert(join_encode(&j, text, sizeof(text)));
		ck_assert_ptr_null(join_decode(text, &got));
		if (strlen(text + strlen(PREFIX)) % 4 == 0)
			continue;
		last = text + strlen(text) - 1;
		*last = digits[strchr(digits, *last) - digits + 1];
		refused(text, damaged);
		odd++;
	}
	ck_assert_int_eq(odd, 2);
}
END_TEST

/* --- base64url --- */

START_TEST(all_digits)
{
	static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-_";
	uint8_t bytes[48], of_one[3];
	char text[sizeof(all)], four[] = "AAAA";
	int c;

	ck_assert(b64url_decode(all, 64, bytes, sizeof(bytes)));
	b64url_encode(bytes, sizeof(bytes), text);
	ck_assert_str_eq(text, all);
	for (c = 0; c < 256; c++) {
		four[1] = (char)c;
		ck_assert_int_eq(b64url_decode(four, 4, of_one, 3), c != 0 &&
		    strchr(all, c) != NULL);
	}
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("join strings");

	tcase_add_test(tc, no_room);
	tcase_add_loop_test(tc, reads_urls, 0, N(urls));
	tcase_add_test(tc, other_bytes);
	tcase_add_test(tc, too_long);
	tcase_add_test(tc, odd_end);
	tcase_add_test(tc, all_digits);
	return (suite_run("join strings", tc));
}
