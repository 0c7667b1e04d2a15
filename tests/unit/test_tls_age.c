/* SPDX-License-Identifier: ISC */
/* When a certificate is no good any more, and when that is said before. */
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "relayd/frontend/tls_age.h"
#include "tests/unit/suite.h"
#include "tests/unit/tls_fixture.h"

#define DAY	86400
#define BEGIN	1800000000	/* notBefore, seconds since the epoch */
#define END	(BEGIN + 90 * (time_t)DAY)

static X509 *
certificate(void)
{
	EVP_PKEY	*key = fixture_key("P-256");
	X509		*cert = fixture_certificate(key);

	ck_assert_ptr_nonnull(ASN1_TIME_set(X509_getm_notBefore(cert),
	    BEGIN));
	ck_assert_ptr_nonnull(ASN1_TIME_set(X509_getm_notAfter(cert), END));
	EVP_PKEY_free(key);
	return (cert);
}

START_TEST(ages)
{
	static const struct {
		time_t		now;
		enum tls_age	age;
		int		days;
	} t[] = {
		{ 0, TLS_AGE_EARLY, 0 },
		{ BEGIN - 2 * DAY, TLS_AGE_EARLY, 0 },
		{ BEGIN - 1, TLS_AGE_EARLY, 0 },
		{ BEGIN, TLS_AGE_GOOD, 0 },
		{ END - 15 * DAY, TLS_AGE_GOOD, 0 },
		{ END - 14 * DAY, TLS_AGE_GOOD, 0 },
		{ END - 14 * DAY + 1, TLS_AGE_SOON, 13 },
		{ END - 2 * DAY, TLS_AGE_SOON, 2 },
		{ END - DAY, TLS_AGE_SOON, 1 },
		{ END - DAY + 1, TLS_AGE_SOON, 0 },
		{ END - 1, TLS_AGE_SOON, 0 },
		{ END, TLS_AGE_EXPIRED, 0 },
		{ END + 1, TLS_AGE_EXPIRED, 0 },
		{ END + 1000 * (time_t)DAY, TLS_AGE_EXPIRED, 0 },
	};
	X509	*cert = certificate();
	int	 days = -1;

	ck_assert_int_eq(tls_age(cert, t[_i].now, &days), t[_i].age);
	ck_assert_int_eq(days, t[_i].days);
	X509_free(cert);
}
END_TEST

/* What a verification says, second by second. */
START_TEST(as_openssl)
{
	X509	*cert = certificate();
	time_t	 now, i;
	int	 days;

	for (i = -2; i <= 2; i++) {
		now = END + i;
		ck_assert_int_eq(tls_age(cert, now, &days) == TLS_AGE_EXPIRED,
		    X509_cmp_time(X509_get0_notAfter(cert), &now) < 0);
		now = BEGIN + i;
		ck_assert_int_eq(tls_age(cert, now, &days) == TLS_AGE_EARLY,
		    X509_cmp_time(X509_get0_notBefore(cert), &now) > 0);
	}
	X509_free(cert);
}
END_TEST

/* Valid for less than the time of the warning; expired before it began. */
START_TEST(short_lives)
{
	X509	*cert = certificate();
	int	 days;

	ASN1_TIME_set(X509_getm_notAfter(cert), BEGIN + DAY);
	ck_assert_int_eq(tls_age(cert, BEGIN - 1, &days), TLS_AGE_EARLY);
	ck_assert_int_eq(tls_age(cert, BEGIN, &days), TLS_AGE_SOON);
	ck_assert_int_eq(days, 1);
	ASN1_TIME_set(X509_getm_notAfter(cert), BEGIN - DAY);
	ck_assert_int_eq(tls_age(cert, BEGIN - 1, &days), TLS_AGE_EXPIRED);
	X509_free(cert);
}
END_TEST

/* A time that is none. */
START_TEST(unreadable)
{
	X509	*cert = certificate();
	int	 days = -1;

	ck_assert_int_eq(ASN1_STRING_set(X509_getm_notAfter(cert), "soon", 4),
	    1);
	ck_assert_int_eq(tls_age(cert, BEGIN, &days), TLS_AGE_UNKNOWN);
	ck_assert_int_eq(days, 0);
	X509_free(cert);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("tls_age");

	tcase_add_loop_test(tc, ages, 0, 14);
	tcase_add_test(tc, as_openssl);
	tcase_add_test(tc, short_lives);
	tcase_add_test(tc, unreadable);
	return (suite_run("tls_age", tc));
}
