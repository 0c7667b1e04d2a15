/* SPDX-License-Identifier: ISC */
/* Names in certificates. */
#include <openssl/x509v3.h>

#include <string.h>

#include "relayd/frontend/tls_name.h"
#include "tests/unit/suite.h"
#include "tests/unit/tls_fixture.h"

START_TEST(match)
{
	static const struct {
		const char	*name, *host;
		enum tls_match	 match;
	} t[] = {
		{ "a.test", "a.test", TLS_MATCH_EXACT },
		{ "A.Test", "a.tESt", TLS_MATCH_EXACT },
		{ "a.test.", "a.test", TLS_MATCH_EXACT },
		{ "a.test", "a.test.", TLS_MATCH_EXACT },
		{ "localhost", "localhost", TLS_MATCH_EXACT },
		{ "*.b.test", "a.b.test", TLS_MATCH_WILDCARD },
		{ "*.b.test", "A.B.TEST.", TLS_MATCH_WILDCARD },
		{ "*.b.test", "*.b.test", TLS_MATCH_EXACT },
		{ "a.test", "b.test", TLS_MATCH_NONE },
		{ "a.test", "a.tes", TLS_MATCH_NONE },
		{ "a.test", "xa.test", TLS_MATCH_NONE },
		{ "a.test", "", TLS_MATCH_NONE },
		{ "", "", TLS_MATCH_NONE },
		{ ".", ".", TLS_MATCH_NONE },
		{ "*.b.test", "b.test", TLS_MATCH_NONE },
		{ "*.b.test", ".b.test", TLS_MATCH_NONE },
		{ "*.b.test", "x.a.b.test", TLS_MATCH_NONE },
		{ "*.test", "a.test", TLS_MATCH_NONE },
		{ "*", "test", TLS_MATCH_NONE },
		{ "*.", "a.", TLS_MATCH_NONE },
		{ "*.", "a.b", TLS_MATCH_NONE },
		{ "*..", "a.b", TLS_MATCH_NONE },
		{ "a*.b.test", "ax.b.test", TLS_MATCH_NONE },
		{ "x.*.test", "x.y.test", TLS_MATCH_NONE },
		{ "**.b.test", "a.b.test", TLS_MATCH_NONE },
	};
	size_t	i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		ck_assert_msg(tls_name_match(t[i].name, t[i].host) ==
		    t[i].match, "%s %s", t[i].name, t[i].host);
}
END_TEST

static void
add_name(GENERAL_NAMES *all, int type, const char *p, size_t len)
{
	GENERAL_NAME	*n = GENERAL_NAME_new();
	ASN1_IA5STRING	*s = ASN1_IA5STRING_new();

	ck_assert(ASN1_STRING_set(s, p, (int)len) == 1);
	GENERAL_NAME_set0_value(n, type, s);
	sk_GENERAL_NAME_push(all, n);
}

START_TEST(all_names)
{
	EVP_PKEY		*key = fixture_key("P-256");
	X509			*cert = fixture_named(key,
	    "DNS:a.test,URI:spiffe://x/y,"
	    "email:a@b.test,IP:127.0.0.1,DNS:*.b.test");
	struct tls_names	 names;
	char			*text = tls_client_names(cert);
	char			 shown[TLS_NAMES_MAX];

	tls_names_text(cert, shown);
	ck_assert_str_eq(shown, "a.test spiffe://x/y 127.0.0.1 *.b.test");
	tls_names_get(cert, &names);
	ck_assert_uint_eq(names.n, 2);
	ck_assert_str_eq(names.v[0], "a.test");
	ck_assert_str_eq(names.v[1], "*.b.test");
	ck_assert(tls_names_match(&names, "x.b.test") == TLS_MATCH_WILDCARD);
	ck_assert(tls_names_match(&names, "a.test") == TLS_MATCH_EXACT);
	ck_assert(tls_names_match(&names, "c.test") == TLS_MATCH_NONE);
	/* a wildcard is nobody */
	ck_assert_str_eq(text, "dns:a.test uri:spiffe://x/y");
	free(text);
	tls_names_free(&names);
	X509_free(cert);
	cert = fixture_certificate(key);	/* none, only a CN */
	tls_names_get(cert, &names);
	ck_assert_uint_eq(names.n, 0);
	ck_assert_ptr_null(tls_client_names(cert));
	tls_names_text(cert, shown);
	ck_assert_str_eq(shown, "");
	X509_free(cert);
	cert = fixture_named(key, "IP:2001:db8::1,DNS:*.b.test,DNS:a*.test");
	ck_assert_ptr_null(tls_client_names(cert));
	tls_names_text(cert, shown);
	ck_assert_str_eq(shown, "2001:db8::1 *.b.test a*.test");
	X509_free(cert);
	EVP_PKEY_free(key);
}
END_TEST

/* What would forge another name in the list, or in a log. */
START_TEST(odd_names)
{
	static const struct {
		const char	*p;
		size_t		 len;
	} odd[] = {
		{ "", 0 }, { "a b", 3 }, { "a\0b", 3 }, { "a.test\0", 7 },
		{ "a\nb", 3 }, { "\x7f", 1 }, { "\xc3\xa4", 2 }, { " a", 2 },
	};
	EVP_PKEY		*key = fixture_key("P-256");
	X509			*cert = fixture_certificate(key);
	GENERAL_NAMES		*all = sk_GENERAL_NAME_new_null();
	struct tls_names	 names;
	char			*text, big[TLS_NAMES_MAX];
	size_t			 i;

	memset(big, 'x', sizeof(big));
	for (i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		add_name(all, GEN_DNS, odd[i].p, odd[i].len);
		add_name(all, GEN_URI, odd[i].p, odd[i].len);
	}
	add_name(all, GEN_DNS, big, sizeof(big) - 4);
	add_name(all, GEN_URI, big, 1000);
	add_name(all, GEN_DNS, "good.test", 9);
	add_name(all, GEN_URI, big, 1000);	/* no room any more? it has */
	add_name(all, GEN_URI, big, 1000);	/* now there is none */
	add_name(all, GEN_DNS, "last.test", 9);
	ck_assert(X509_add1_ext_i2d(cert, NID_subject_alt_name, all, 0,
	    X509V3_ADD_DEFAULT) == 1);
	GENERAL_NAMES_free(all);
	tls_names_get(cert, &names);
	ck_assert_uint_eq(names.n, 2);
	ck_assert_str_eq(names.v[0], "good.test");
	text = tls_client_names(cert);
	ck_assert_uint_eq(strlen(text), 4 + 1000 + 1 + 13 + 1 + 4 + 1000 + 1 +
	    13);
	ck_assert_ptr_nonnull(strstr(text, " dns:good.test uri:xxx"));
	ck_assert_ptr_nonnull(strstr(text, "x dns:last.test"));
	free(text);
	tls_names_free(&names);
	X509_free(cert);
	EVP_PKEY_free(key);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("tls names");

	tcase_add_test(tc, match);
	tcase_add_test(tc, all_names);
	tcase_add_test(tc, odd_names);
	return (suite_run("tls names", tc));
}
