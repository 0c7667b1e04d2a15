/* SPDX-License-Identifier: ISC */
/* See tls_name.h. */
#include <openssl/sha.h>
#include <openssl/x509v3.h>

#include <arpa/inet.h>
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/b64url.h"
#include "common/log.h"
#include "relayd/frontend/tls_name.h"

#define HOST_MAX	255	/* octets of a host name */

/* Printable ASCII without spaces, and not empty? */
static bool
is_plain(const uint8_t *p, size_t len)
{
	size_t	i;

	for (i = 0; i < len; i++) {
		if (p[i] <= ' ' || p[i] > '~')
			return (false);
	}
	return (len > 0);
}

/* The text of a name of that type, or NULL: not of it, or not plain. */
static const uint8_t *
plain_name(const GENERAL_NAME *name, int type, size_t *len)
{
	const ASN1_IA5STRING	*s;
	const uint8_t		*p;

	if (name->type != type)
		return (NULL);
	s = type == GEN_DNS ? name->d.dNSName :
	    name->d.uniformResourceIdentifier;
	p = ASN1_STRING_get0_data(s);
	*len = (size_t)ASN1_STRING_length(s);
	return (is_plain(p, *len) ? p : NULL);
}

static GENERAL_NAMES *
alternatives(X509 *cert)
{
	return (X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL));
}

void
tls_names_get(X509 *cert, struct tls_names *names)
{
	GENERAL_NAMES	*all = alternatives(cert);
	const uint8_t	*p;
	size_t		 len;
	int		 i;

	memset(names, 0, sizeof(*names));
	for (i = 0; i < sk_GENERAL_NAME_num(all); i++) {
		p = plain_name(sk_GENERAL_NAME_value(all, i), GEN_DNS, &len);
		if (p == NULL || len > HOST_MAX)
			continue;
		names->v = reallocarray(names->v, names->n + 1,
		    sizeof(*names->v));
		if (names->v == NULL || (names->v[names->n] =
		    strndup((const char *)p, len)) == NULL)
			fatal("out of memory for a certificate");
		names->n++;
	}
	GENERAL_NAMES_free(all);
}

void
tls_names_free(struct tls_names *names)
{
	size_t	i;

	for (i = 0; i < names->n; i++)
		free(names->v[i]);
	free(names->v);
	memset(names, 0, sizeof(*names));
}

/* Its length without a final dot. */
static size_t
host_len(const char *s)
{
	size_t	n = strlen(s);

	return (n > 0 && s[n - 1] == '.' ? n - 1 : n);
}

static bool
same(const char *a, size_t alen, const char *b, size_t blen)
{
	return (alen == blen && alen > 0 && strncasecmp(a, b, alen) == 0);
}

enum tls_match
tls_name_match(const char *name, const char *host)
{
	size_t		 n = host_len(name), len = host_len(host), first;
	const char	*dot;

	if (same(name, n, host, len))
		return (TLS_MATCH_EXACT);
	dot = memchr(host, '.', len);
	if (n < 2 || strncmp(name, "*.", 2) != 0 || dot == NULL || dot == host)
		return (TLS_MATCH_NONE);
	/* "*" and at least two labels behind it */
	first = (size_t)(dot - host);
	if (memchr(name + 2, '.', n - 2) == NULL ||
	    !same(name + 1, n - 1, dot, len - first))
		return (TLS_MATCH_NONE);
	return (TLS_MATCH_WILDCARD);
}

enum tls_match
tls_names_match(const struct tls_names *names, const char *host)
{
	enum tls_match	best = TLS_MATCH_NONE, match;
	size_t		i;

	for (i = 0; i < names->n; i++) {
		match = tls_name_match(names->v[i], host);
		if (match > best)
			best = match;
	}
	return (best);
}

/* Append a word if it fits, with a space before it; returns the new length. */
static size_t
append(char *buf, size_t at, const char *prefix, const char *p, size_t len)
{
	if (at + 1 + strlen(prefix) + len >= TLS_NAMES_MAX)
		return (at);
	return (at + (size_t)snprintf(buf + at, TLS_NAMES_MAX - at,
	    "%s%s%.*s", at > 0 ? " " : "", prefix, (int)len, p));
}

/*
 * One that shows a certificate for all names of a domain is none of them: a
 * wildcard says nothing of who it is.
 */
static size_t
append_client(char *buf, size_t at, const GENERAL_NAME *name)
{
	bool		 dns = name->type == GEN_DNS;
	const uint8_t	*p;
	size_t		 len;

	p = plain_name(name, dns ? GEN_DNS : GEN_URI, &len);
	if (p == NULL || (dns && memchr(p, '*', len) != NULL))
		return (at);
	return (append(buf, at, dns ? "dns:" : "uri:", (const char *)p, len));
}

char *
tls_client_names(X509 *cert)
{
	GENERAL_NAMES	*all = alternatives(cert);
	char		*buf = malloc(TLS_NAMES_MAX), *names = NULL;
	size_t		 n = 0;
	int		 i;

	if (buf == NULL)
		fatal("out of memory for a certificate");
	for (i = 0; i < sk_GENERAL_NAME_num(all); i++)
		n = append_client(buf, n, sk_GENERAL_NAME_value(all, i));
	GENERAL_NAMES_free(all);
	if (n > 0 && (names = strdup(buf)) == NULL)
		fatal("out of memory for a certificate");
	free(buf);
	return (names);
}

/* An address as text; false if it is none. */
static bool
address_text(const GENERAL_NAME *name, char buf[INET6_ADDRSTRLEN])
{
	const ASN1_OCTET_STRING	*s = name->d.iPAddress;
	int			 len;

	if (name->type != GEN_IPADD)
		return (false);
	len = ASN1_STRING_length(s);
	return ((len == 4 || len == 16) && inet_ntop(len == 4 ? AF_INET :
	    AF_INET6, ASN1_STRING_get0_data(s), buf, INET6_ADDRSTRLEN) !=
	    NULL);
}

static size_t
append_shown(char *buf, size_t at, const GENERAL_NAME *name)
{
	char		 address[INET6_ADDRSTRLEN];
	const uint8_t	*p;
	size_t		 len;

	if (address_text(name, address))
		return (append(buf, at, "", address, strlen(address)));
	p = plain_name(name, name->type == GEN_DNS ? GEN_DNS : GEN_URI, &len);
	return (p != NULL ? append(buf, at, "", (const char *)p, len) : at);
}

void
tls_names_text(X509 *cert, char buf[TLS_NAMES_MAX])
{
	GENERAL_NAMES	*all = alternatives(cert);
	size_t		 n = 0;
	int		 i;

	buf[0] = '\0';
	for (i = 0; i < sk_GENERAL_NAME_num(all); i++)
		n = append_shown(buf, n, sk_GENERAL_NAME_value(all, i));
	GENERAL_NAMES_free(all);
}

void
tls_pin(X509 *cert, char pin[TLS_PIN_MAX])
{
	uint8_t	*der = NULL, hash[TLS_HASH_LEN];
	int	 len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);

	pin[0] = '\0';
	if (len <= 0)
		return;
	SHA256(der, (size_t)len, hash);
	OPENSSL_free(der);
	strlcpy(pin, "sha256:", TLS_PIN_MAX);
	b64url_encode(hash, sizeof(hash), pin + strlen(pin));
}
