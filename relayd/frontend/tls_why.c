/* SPDX-License-Identifier: ISC */
/*
 * Why TLS with somebody failed, as an operator can use it: which host, which
 * file.
 */
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "relayd/frontend/tls_io.h"

static char * __attribute__((format(printf, 1, 2)))
text(const char *fmt, ...)
{
	va_list	 ap;
	char	*p;
	int	 n;

	va_start(ap, fmt);
	n = vasprintf(&p, fmt, ap);
	va_end(ap);
	if (n == -1)
		fatal("out of memory for a connection");
	return (p);
}

/* Where the authorities are that it has to be of. */
static const char *
authorities(const struct tls_io *io)
{
	const struct tls_ca	*ca = io->target != NULL ? io->target->believed :
	    io->conf != NULL ? tls_conf_client_ca(io->conf) : NULL;

	return (ca != NULL ? ca->file.name : "any file");
}

/* The certificate of the other side was not good enough. */
static char *
verify_text(const struct tls_io *io, long verify)
{
	const char	*who = io->target != NULL ? io->target->host :
	    "the client";
	const char	*why = X509_verify_cert_error_string(verify);

	switch (verify) {
	case X509_V_ERR_APPLICATION_VERIFICATION:
		return (text("the key of %s is not the one of the pin, it is "
		    "%s", who, io->shown != NULL ? io->shown : "unknown"));
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		return (text("the certificate is not for %s (%s)", who, why));
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return (text("the certificate of %s has expired", who));
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return (text("the certificate of %s is not yet valid", who));
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_SIGNATURE_FAILURE:
		return (text("the certificate of %s is of no authority in %s "
		    "(%s)", who, authorities(io), why));
	default:
		return (text("the certificate of %s: %s", who, why));
	}
}

/* Does this alert (RFC 8446 section 6.2) say that ours will not do? */
static bool
is_ours(int alert)
{
	switch (alert) {
	case SSL_AD_BAD_CERTIFICATE:
	case SSL_AD_UNSUPPORTED_CERTIFICATE:
	case SSL_AD_CERTIFICATE_REVOKED:
	case SSL_AD_CERTIFICATE_EXPIRED:
	case SSL_AD_CERTIFICATE_UNKNOWN:
	case SSL_AD_UNKNOWN_CA:
	case SSL_AD_ACCESS_DENIED:
	case TLS13_AD_CERTIFICATE_REQUIRED:
		return (true);
	default:
		return (false);
	}
}

static char *
alert_text(const struct tls_io *io, int alert)
{
	const char	*said = SSL_alert_desc_string_long(alert);

	if (io->ours != NULL && is_ours(alert))
		return (text("alert from the other side: %s (our certificate: "
		    "%s)", said, io->ours));
	return (text("alert from the other side: %s", said));
}

char *
tls_io_reason(const struct tls_io *io, unsigned long code)
{
	const char	*keeper = keysign_failure(&io->wait);
	long		 verify = SSL_get_verify_result(io->ssl);
	int		 alert = ERR_GET_REASON(code) - SSL_AD_REASON_OFFSET;

	if (io->again)
		return (text("renegotiation is refused"));
	if (keeper != NULL)
		return (text("%s", keeper));
	if (!io->done && io->error == 0 && verify != X509_V_OK)
		return (verify_text(io, verify));
	if (io->eof)
		return (text("closed by the other side"));
	if (io->error != 0)
		return (NULL);
	if (ERR_GET_LIB(code) == ERR_LIB_SSL && alert >= 0 && alert <= 255)
		return (alert_text(io, alert));
	return (text("%s", tls_reason()));
}
