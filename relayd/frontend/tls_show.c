/* SPDX-License-Identifier: ISC */
/*
 * What the log and relay-ctl show tls say of the certificates in force.
 */
#include <openssl/err.h>
#include <openssl/evp.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/ctl.h"
#include "common/log.h"
#include "relayd/frontend/frontend.h"
#include "relayd/frontend/tls_age.h"

#define TIME_TEXT_MAX	32	/* octets of a time as text, NUL included */

/* A time of a certificate, "2026-11-22T20:00:00Z". */
static void
time_text(const ASN1_TIME *t, char *buf, size_t size)
{
	struct tm	tm;

	/* strftime() would look for the file of the time zone */
	if (ASN1_TIME_to_tm(t, &tm) != 1)
		snprintf(buf, size, "unknown");
	else
		snprintf(buf, size, "%04d-%02d-%02dT%02d:%02d:%02dZ",
		    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour,
		    tm.tm_min, tm.tm_sec);
}

static void
warn_cert(const struct tls_cert *cert)
{
	const char	*file = cert->file.name;
	char		 begin[TIME_TEXT_MAX], end[TIME_TEXT_MAX];
	char		 names[TLS_NAMES_MAX];
	int		 days;

	time_text(X509_get0_notBefore(cert->leaf), begin, sizeof(begin));
	time_text(X509_get0_notAfter(cert->leaf), end, sizeof(end));
	tls_names_text(cert->leaf, names);
	switch (tls_age(cert->leaf, time(NULL), &days)) {
	case TLS_AGE_GOOD:
		break;
	case TLS_AGE_EARLY:
		log_warn("tls certificate %s: not valid before %s; names: %s",
		    file, begin, names);
		break;
	case TLS_AGE_SOON:
		log_warn("tls certificate %s: expires in %d days, at %s; "
		    "names: %s", file, days, end, names);
		break;
	case TLS_AGE_EXPIRED:
		log_warn("tls certificate %s: expired at %s; names: %s", file,
		    end, names);
		break;
	case TLS_AGE_UNKNOWN:
		log_warn("tls certificate %s: its times cannot be read", file);
		break;
	}
}

void
tls_conf_warn(const struct tls_conf *conf)
{
	size_t	i;

	for (i = 0; i < conf->ncerts; i++)
		warn_cert(&conf->certs[i]);
}

/* "EC P-256", "RSA 2048", "ED25519". */
static void
key_type(X509 *cert, char *buf, size_t size)
{
	EVP_PKEY	*key = X509_get0_pubkey(cert);
	const char	*type = key != NULL ? EVP_PKEY_get0_type_name(key) :
	    NULL;
	char		 curve[64];
	size_t		 len;

	if (type == NULL)
		snprintf(buf, size, "unknown");
	else if (EVP_PKEY_get_group_name(key, curve, sizeof(curve), &len) == 1)
		snprintf(buf, size, "%s %s", type, curve);
	else if (strcmp(type, "RSA") == 0)
		snprintf(buf, size, "RSA %d", EVP_PKEY_get_bits(key));
	else
		snprintf(buf, size, "%s", type);
	ERR_clear_error();
}

static void
show_one(const struct tls_cert *cert, struct channel *ch, uint64_t request)
{
	struct ctl_row	row;
	char		text[TLS_NAMES_MAX];

	ctl_row_begin(&row, ch, request, "certificates");
	ctl_number(&row, "index", (int64_t)cert->file.index);
	ctl_text(&row, "file", cert->file.name);
	ctl_text(&row, "shown_to", cert->server ? "clients" : "mains");
	tls_names_text(cert->leaf, text);
	ctl_text(&row, "names", text);
	time_text(X509_get0_notAfter(cert->leaf), text, sizeof(text));
	ctl_text(&row, "not_after", text);
	tls_pin(cert->leaf, text);
	ctl_text(&row, "pin", text);
	key_type(cert->leaf, text, sizeof(text));
	ctl_text(&row, "key", text);
	ctl_row_end(&row);
}

void
tls_conf_show(const struct tls_conf *conf, struct channel *ch,
    uint64_t request)
{
	size_t	i;

	for (i = 0; i < conf->ncerts; i++)
		show_one(&conf->certs[i], ch, request);
}
