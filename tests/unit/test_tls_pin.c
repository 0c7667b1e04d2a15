/* SPDX-License-Identifier: ISC */
/* Who a certificate is: the pin of its key, and the names that count. */
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <stdlib.h>
#include <string.h>

#include "common/b64url.h"
#include "relayd/frontend/tls_name.h"
#include "tests/unit/suite.h"
#include "tests/unit/tls_fixture.h"

/* As openssl pkey -pubout -outform DER | openssl dgst -sha256 has it. */
static void
pin_of(EVP_PKEY *key, char pin[TLS_PIN_MAX])
{
	unsigned char	*der = NULL, hash[EVP_MAX_MD_SIZE];
	int		 len = i2d_PUBKEY(key, &der);

	ck_assert_int_gt(len, 0);
	ck_assert_int_eq(EVP_Digest(der, (size_t)len, hash, NULL, EVP_sha256(),
	    NULL), 1);
	OPENSSL_free(der);
	strcpy(pin, "sha256:");
	b64url_encode(hash, 32, pin + strlen(pin));
}

START_TEST(pin_of_key)
{
	static const char *const types[] = { "P-256", "P-384" };
	char		 want[2][TLS_PIN_MAX], pin[TLS_PIN_MAX];
	EVP_PKEY	*key;
	X509		*cert, *named;
	size_t		 i;

	for (i = 0; i < 2; i++) {
		key = fixture_key(types[i]);
		cert = fixture_certificate(key);
		named = fixture_named(key, "DNS:other.test");
		pin_of(key, want[i]);
		memset(pin, 'x', sizeof(pin));
		tls_pin(cert, pin);
		ck_assert_str_eq(pin, want[i]);
		/* It is the key's, whatever else the certificate says. */
		memset(pin, 'x', sizeof(pin));
		tls_pin(named, pin);
		ck_assert_str_eq(pin, want[i]);
		X509_free(cert);
		X509_free(named);
		EVP_PKEY_free(key);
	}
	ck_assert_str_ne(want[0], want[1]);
}
END_TEST

/* A star is a wildcard in a name of a host, and a character in a URI. */
START_TEST(client)
{
	EVP_PKEY	*key = fixture_key("P-256");
	X509		*cert = fixture_named(key, "URI:spiffe://x/*,"
			    "DNS:a*.test,DNS:*,DNS:~.test,URI:x y");
	char		*text = tls_client_names(cert);

	ck_assert_str_eq(text, "uri:spiffe://x/* dns:~.test");
	free(text);
	X509_free(cert);
	EVP_PKEY_free(key);
}
END_TEST

/* As long as another, its beginning, or with one letter for the star. */
START_TEST(almost)
{
	static const char *const pairs[][2] = {
		{ "a.b.test", "x.b.test" }, { "a.tes", "a.test" },
		{ "a.b.tes", "a.b.test" }, { "*.b.tes", "a.b.test" },
		{ "*.b.test", "a.b.tes" }, { "?.b.test", "a.b.test" },
		{ "*.b.test", "test" }, { "*xb.test", "a.b.test" },
	};
	size_t	i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		ck_assert_msg(tls_name_match(pairs[i][0], pairs[i][1]) ==
		    TLS_MATCH_NONE, "%s %s", pairs[i][0], pairs[i][1]);
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("pin");

	tcase_add_test(tc, pin_of_key);
	tcase_add_test(tc, client);
	tcase_add_test(tc, almost);
	return (suite_run("tls_pin", tc));
}
