/* SPDX-License-Identifier: ISC */
/* Credentials of the configuration, and the files that some are in. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/registry_auth_fixture.h"
#include "tests/unit/suite.h"

static const struct {
	enum holder	 holder;
	const char	*node;
	enum auth_method method;
	const char	*value, *contents;
} bad_conf[] = {
	{ HOLDER_HOME, "", AUTH_BY_KEY, NULL, "" },
	{ HOLDER_HOME, "a b", AUTH_BY_KEY, NULL, "" },
	{ HOLDER_HOME, "a", AUTH_BY_KEY, "", "" },
	{ HOLDER_HOME, "a", AUTH_BY_KEY, "ed25519:short", "" },
	{ HOLDER_HOME, "a", AUTH_BY_KEY, "rsa:", "" },
	{ HOLDER_HOME, "a", AUTH_BY_SECRET, "", "" },
	{ HOLDER_HOME, "a", AUTH_BY_TOKEN, "", "0123456789abcdef" },
	{ HOLDER_HOME, "a", AUTH_BY_TOKEN, "sha256:00", "" },
	{ HOLDER_HOME, "a", AUTH_BY_TOKEN, "sha256:"
	  "g0000000000000000000000000000000"
	  "00000000000000000000000000000000", "" },
	{ HOLDER_HOME, "a", AUTH_BY_CERTIFICATE, "dns:", "" },
	{ HOLDER_HOME, "a", AUTH_BY_CERTIFICATE, "x", "" },
	{ HOLDER_HOME, "a", AUTH_BY_JOIN, "", "0123456789abcdef" },
	{ HOLDER_UPLINK, "", AUTH_BY_JOIN, "", "0123456789abcdef" },
	{ HOLDER_UPLINK, "", AUTH_BY_TOKEN, "", "0123456789 abcdef" },
	{ HOLDER_UPLINK, "", AUTH_BY_TOKEN, "sha256:", "" },
	{ HOLDER_UPLINK, "", AUTH_BY_CERTIFICATE, "dns:a", "" },
};

START_TEST(bad_credentials)
{
	struct credentials none = { .n = 0 };
	const struct credential_conf conf = { bad_conf[_i].holder, 0,
	    span_str(bad_conf[_i].node), bad_conf[_i].method,
	    span_str(bad_conf[_i].value != NULL ? bad_conf[_i].value :
	    key_conf(1)), span_str(bad_conf[_i].contents), span_str("") };

	ck_assert_ptr_nonnull(credentials_add(&none, &conf));
	ck_assert_uint_eq(none.n, 0);
	credentials_clear(&none);
}
END_TEST

static const struct {
	const char	*text;
	const char	*line;		/* NULL: refused */
} files[] = {
	{ "0123456789abcdef\n", "0123456789abcdef" },
	{ "0123456789abcdef", "0123456789abcdef" },
	{ "0123456789abcde\n", NULL },
	{ "", NULL }, { "\n", NULL },
	{ "0123456789abcdef\n\n", NULL },
	{ "0123456789abcdef\nx", NULL },
	{ "0123456789abcdef\r\n", NULL },
	{ "0123456789\tabcdef", NULL },
};

static const char *
read_text(const char *text, size_t n, char *out, size_t *len)
{
	const char *why;
	FILE *f = tmpfile();

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, n, f), n);
	rewind(f);
	why = credential_read(fileno(f), out, len);
	fclose(f);
	return (why);
}

START_TEST(secret_files)
{
	static char big[AUTH_SECRET_MAX + 2];
	char out[AUTH_SECRET_MAX];
	size_t i, n;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		ck_assert((read_text(files[i].text, strlen(files[i].text), out,
		    &n) == NULL) == (files[i].line != NULL));
		if (files[i].line != NULL)
			ck_assert(n == strlen(files[i].line) &&
			    memcmp(out, files[i].line, n) == 0);
	}
	memset(big, 'x', sizeof(big));
	ck_assert_ptr_null(read_text(big, AUTH_SECRET_MAX, out, &n));
	ck_assert_uint_eq(n, AUTH_SECRET_MAX);
	ck_assert_ptr_nonnull(read_text(big, AUTH_SECRET_MAX + 1, out, &n));
	ck_assert_ptr_nonnull(read_text(big, AUTH_SECRET_MAX + 2, out, &n));
	big[AUTH_SECRET_MAX] = '\n';
	ck_assert_ptr_null(read_text(big, AUTH_SECRET_MAX + 1, out, &n));
	ck_assert_ptr_nonnull(read_text("0123456789abcdef\0", 17, out, &n));
}
END_TEST

#define N(a)	((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	TCase *tc = tcase_create("credentials");

	tcase_add_loop_test(tc, bad_credentials, 0, N(bad_conf));
	tcase_add_test(tc, secret_files);
	return (suite_run("credentials", tc));
}
