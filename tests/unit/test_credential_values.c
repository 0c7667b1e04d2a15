/* SPDX-License-Identifier: ISC */
/*
 * What the credentials of a configuration may be, up to the edges, and to whom
 * those of a peer belong.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/registry_auth_fixture.h"
#include "tests/unit/suite.h"

#define N(a)	((int)(sizeof(a) / sizeof((a)[0])))

static bool
is_taken(enum holder holder, enum auth_method method, struct span value,
    struct span contents)
{
	struct credentials list = { .n = 0 };
	const struct credential_conf conf = { holder, 0, span_str("a.home"),
	    method, value, contents, span_str("") };
	bool taken = credentials_add(&list, &conf) == NULL;

	ck_assert_uint_eq(list.n, taken);
	credentials_clear(&list);
	return (taken);
}

/* --- hashes of tokens --- */

#define PREFIX	"sha256:"
/* The SHA-256 of TOKEN_1, in digits of both cases. */
#define HASH_OF_TOKEN_1	\
	"3282C594DBDB33E245D995ADCDAFEE3E13621a72aac16fda816cfb23cdc868c0"

START_TEST(hash_of_token)
{
	struct credentials list = { .n = 0 };
	const char *hash = PREFIX HASH_OF_TOKEN_1;

	give(&list, HOLDER_HOME, 0, "frank.home", AUTH_BY_TOKEN, hash, NULL);
	fx_trust(r, AUTH_REQUIRED, &list, 0);
	ask(1, "frank.home", "Bearer " TOKEN_1 "0", 0);
	is_challenged(1, NULL);
	ask(2, "other.home", "Bearer " TOKEN_1, 0);
	is_challenged(2, NULL);
	ask_as(NODE_PEER, 3, "frank.home", "Bearer " TOKEN_1, 0);
	is_challenged(3, NULL);
	ask(4, "frank.home", "Bearer " TOKEN_1, 0);
	/* It is shown, and proves nothing back. */
	ck_assert_ptr_null(is_accepted(4)->header);
}
END_TEST

/* Each digit is one, and what is beside one in ASCII is none. */
START_TEST(hash_digits)
{
	static const char good[] = "09afAF", bad[] = "/:`g@G \n\x80";
	char hash[] = PREFIX HASH_OF_TOKEN_1;
	const size_t head = strlen(PREFIX), len = strlen(hash);
	size_t i, at;

	for (at = head; at < len; at++) {
		for (i = 0; i < strlen(bad); i++) {
			hash[at] = bad[i];
			ck_assert(!is_taken(HOLDER_HOME, AUTH_BY_TOKEN,
			    span_str(hash), span_str("")));
		}
		for (i = 0; i < strlen(good); i++) {
			hash[at] = good[i];
			ck_assert(is_taken(HOLDER_HOME, AUTH_BY_TOKEN,
			    span_str(hash), span_str("")));
		}
	}
	/* One digit less, and one more. */
	ck_assert(!is_taken(HOLDER_HOME, AUTH_BY_TOKEN,
	    (struct span){ hash, len - 1 }, span_str("")));
	ck_assert(!is_taken(HOLDER_HOME, AUTH_BY_TOKEN,
	    span_str(PREFIX HASH_OF_TOKEN_1 "0"), span_str("")));
}
END_TEST

/* --- prefixes --- */

static const struct {
	enum auth_method method;
	const char	*prefix;
} others[] = {
	{ AUTH_BY_KEY, "ed25518:" }, { AUTH_BY_KEY, "ED25519:" },
	{ AUTH_BY_KEY, "ed25519;" }, { AUTH_BY_TOKEN, "sha512:" },
	{ AUTH_BY_TOKEN, "SHA256:" }, { AUTH_BY_TOKEN, "sha256;" },
};

/* Another algorithm's prefix that is as long. */
START_TEST(other_prefix)
{
	char text[96];

	snprintf(text, sizeof(text), "%s%s", others[_i].prefix,
	    others[_i].method == AUTH_BY_KEY ? key_conf(1) +
	    strlen("ed25519:") : HASH_OF_TOKEN_1);
	ck_assert(!is_taken(HOLDER_HOME, others[_i].method, span_str(text),
	    span_str("")));
}
END_TEST

/* --- what this node shows --- */

/* It goes into a header as it is. */
START_TEST(own_token)
{
	static const char bad[] = { ' ', '\t', '\r', '\n', 0x7f, '\x80', '\0' };
	char token[] = "0123456789abcdef";
	size_t i, at;

	for (at = 0; at < strlen("0123456789abcdef"); at++) {
		for (i = 0; i < sizeof(bad); i++) {
			token[at] = bad[i];
			ck_assert(!is_taken(HOLDER_UPLINK, AUTH_BY_TOKEN,
			    span_str(""), (struct span){ token, 16 }));
		}
		token[at] = at % 2 ? '!' : '~';
		ck_assert(is_taken(HOLDER_UPLINK, AUTH_BY_TOKEN, span_str(""),
		    (struct span){ token, 16 }));
	}
	ck_assert(!is_taken(HOLDER_UPLINK, AUTH_BY_TOKEN, span_str(""),
	    span_str("0123456789abcde")));
}
END_TEST

/* Nodes join by what was enrolled, not by the configuration. */
START_TEST(join_of_a_node)
{
	const struct span secret = span_str(
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA");

	ck_assert(is_taken(HOLDER_UPLINK, AUTH_BY_JOIN, span_str(""),
	    secret));
	ck_assert(!is_taken(HOLDER_HOME, AUTH_BY_JOIN, span_str(""), secret));
	ck_assert(!is_taken(HOLDER_MAIN, AUTH_BY_JOIN, span_str(""), secret));
}
END_TEST

/* --- files --- */

/* Blanks may be in a secret, DEL may not; a directory is no file. */
START_TEST(odd_files)
{
	static const char blank[] = "0123456789 abcdef ";
	static const char del[] = "0123456789\x7f" "abcdef";
	static char big[2 * AUTH_SECRET_MAX];
	char out[AUTH_SECRET_MAX + 2] = "";
	size_t len;
	int fds[2];

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(write(fds[1], blank, strlen(blank)),
	    (int)strlen(blank));
	close(fds[1]);
	ck_assert_ptr_null(credential_read(fds[0], out, &len));
	ck_assert_uint_eq(len, strlen(blank));
	ck_assert_int_eq(memcmp(out, blank, len), 0);
	close(fds[0]);
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(write(fds[1], del, strlen(del)), (int)strlen(del));
	close(fds[1]);
	ck_assert_str_eq(credential_read(fds[0], out, &len),
	    "has control characters");
	close(fds[0]);
	/* Of what is refused nothing is handed out. */
	memset(big, 'x', sizeof(big));
	memset(out, 0, sizeof(out));
	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_eq(write(fds[1], big, sizeof(big)), (int)sizeof(big));
	close(fds[1]);
	ck_assert_str_eq(credential_read(fds[0], out, &len),
	    "has more than 512 bytes");
	close(fds[0]);
	for (len = 0; len < sizeof(out); len++)
		ck_assert_int_eq(out[len], 0);
	ck_assert_int_ge(fds[0] = open("/", O_RDONLY | O_DIRECTORY), 0);
	ck_assert_str_eq(credential_read(fds[0], out, &len),
	    "cannot be read");
	close(fds[0]);
}
END_TEST

/* --- how many, and whose --- */

START_TEST(too_many)
{
	struct credentials list = { .n = 0 };
	const struct credential_conf conf = { HOLDER_HOME, 0,
	    span_str("a.home"), AUTH_BY_CERTIFICATE, span_str("dns:a"),
	    span_str(""), span_str("") };
	uint32_t i;

	for (i = 0; i < LIMIT_CONF_CREDENTIALS; i++)
		ck_assert_ptr_null(credentials_add(&list, &conf));
	ck_assert_str_eq(credentials_add(&list, &conf),
	    "is one more credential than may be");
	ck_assert_uint_eq(list.n, LIMIT_CONF_CREDENTIALS);
	credentials_clear(&list);
	ck_assert_ptr_null(list.list);
	ck_assert_uint_eq(list.n, 0);
}
END_TEST

/*
 * A secret of a peer block is also what that Main shows when it links with us;
 * a token of it is ours to show, and asks nothing of that Main.
 */
START_TEST(of_a_peer)
{
	struct credentials list = { .n = 0 };
	struct client c;

	give(&list, HOLDER_PEER, 0, "c.main", AUTH_BY_SECRET, "", SECRET_1);
	give(&list, HOLDER_PEER, 1, "d.main", AUTH_BY_TOKEN, "", TOKEN_1);
	give(&list, HOLDER_PEER, 2, "", AUTH_BY_KEY, key_conf(6), NULL);
	fx_trust(r, AUTH_OPEN, &list, 0);
	ask_as(NODE_PEER, 1, "c.main", "", 0);
	is_challenged(1, NULL);
	c = challenged("c.main", 1, 0);
	c.main = true;
	c.method = AUTH_BY_SECRET;
	c.secret = span_str(SECRET_1);
	ask_as(NODE_PEER, 2, "c.main", header(&c), 1);
	proved_back(is_accepted(2), &c);
	ask_as(NODE_PEER, 3, "d.main", "", 0);
	is_accepted(3);
	ck_assert_ptr_null(credentials_of(&r->trust->credentials, "", 0));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("values");

	tcase_add_checked_fixture(tc, main_setup, teardown);
	tcase_add_test(tc, hash_of_token);
	tcase_add_test(tc, hash_digits);
	tcase_add_loop_test(tc, other_prefix, 0, N(others));
	tcase_add_test(tc, own_token);
	tcase_add_test(tc, join_of_a_node);
	tcase_add_test(tc, odd_files);
	tcase_add_test(tc, too_many);
	tcase_add_test(tc, of_a_peer);
	return (suite_run("credential values", tc));
}
