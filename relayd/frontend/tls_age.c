/* SPDX-License-Identifier: ISC */
/* See tls_age.h. */
#include <stdbool.h>

#include "relayd/frontend/tls_age.h"

/*
 * From now until then, as whole days and seconds, both below 0 for what was
 * before; false if it cannot be told.
 */
static bool
until(time_t now, const ASN1_TIME *then, int *days, int *seconds)
{
	ASN1_TIME	*from = ASN1_TIME_set(NULL, now);
	bool		 ok;

	ok = from != NULL && ASN1_TIME_diff(days, seconds, from, then) == 1;
	ASN1_TIME_free(from);
	return (ok);
}

enum tls_age
tls_age(const X509 *cert, time_t now, int *days)
{
	int	left, seconds, wait, more;

	*days = 0;
	if (!until(now, X509_get0_notAfter(cert), &left, &seconds) ||
	    !until(now, X509_get0_notBefore(cert), &wait, &more))
		return (TLS_AGE_UNKNOWN);
	if (left < 0 || (left == 0 && seconds <= 0))
		return (TLS_AGE_EXPIRED);
	if (wait > 0 || more > 0)
		return (TLS_AGE_EARLY);
	if (left >= TLS_AGE_WARN_DAYS)
		return (TLS_AGE_GOOD);
	*days = left;
	return (TLS_AGE_SOON);
}
