/* SPDX-License-Identifier: ISC */
/* Whether a certificate is valid, and for how long.  Pure. */
#ifndef FRONTEND_TLS_AGE_H
#define FRONTEND_TLS_AGE_H

#include <openssl/x509.h>

#include <time.h>

#define TLS_AGE_WARN_DAYS	14	/* before it expires, an operator hears */
#define TLS_AGE_CHECK_S		86400	/* seconds from one look to the next */

enum tls_age {
	TLS_AGE_GOOD,
	TLS_AGE_EARLY,		/* it is not valid yet */
	TLS_AGE_SOON,		/* less than TLS_AGE_WARN_DAYS are left */
	TLS_AGE_EXPIRED,
	TLS_AGE_UNKNOWN		/* its times cannot be read */
};

/*
 * At that time, in seconds since the epoch, as a verification has it: expired
 * from the second of notAfter on.  days: whole ones that are left if it expires
 * soon, else 0.
 */
enum tls_age	tls_age(const X509 *, time_t now, int *days);

#endif
