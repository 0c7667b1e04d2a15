/* SPDX-License-Identifier: ISC */
/* The names in certificates: whom they are for, and whom they are of.  Pure. */
#ifndef FRONTEND_TLS_NAME_H
#define FRONTEND_TLS_NAME_H

#include <openssl/x509.h>

#include <stddef.h>

#define TLS_NAMES_MAX	2048	/* octets of names as text, NUL included */
#define TLS_PIN_MAX	56	/* octets of "sha256:" and 43 more, and a NUL */
#define TLS_HASH_LEN	32	/* octets of a SHA-256 */

/* The names a server's certificate is for. */
struct tls_names {
	char	**v;
	size_t	  n;
};

/*
 * Its dNSNames (RFC 6125: the subject's common name is none), those with
 * octets that no host name has left out.
 */
void	 tls_names_get(X509 *, struct tls_names *);
void	 tls_names_free(struct tls_names *);

enum tls_match { TLS_MATCH_NONE, TLS_MATCH_WILDCARD, TLS_MATCH_EXACT };

/*
 * Is the host meant by the name (RFC 6125 section 6.4)?  "*" stands for one
 * whole label, the first; case and a final dot do not matter.
 */
enum tls_match	 tls_name_match(const char *name, const char *host);
/* The best match among names. */
enum tls_match	 tls_names_match(const struct tls_names *, const char *host);

/*
 * Who shows this certificate: its dNSNames and URIs as "dns:a uri:b", those
 * that are not printable ASCII without spaces left out, so those with a "*",
 * and those that would make it longer than TLS_NAMES_MAX.  NULL if there are
 * none; to be freed.
 */
char	*tls_client_names(X509 *);

/*
 * For operators: its dNSNames, addresses and URIs with spaces between, as many
 * as there is room for.
 */
void	 tls_names_text(X509 *, char [TLS_NAMES_MAX]);

/* "sha256:" and the SHA-256 of its SubjectPublicKeyInfo as base64url. */
void	 tls_pin(X509 *, char [TLS_PIN_MAX]);

#endif
