/* SPDX-License-Identifier: ISC */
/*
 * Single values of the configuration that have a syntax of their own and are
 * no URLs (common/url.h): node ids and credentials.  Also for command lines.
 */

#include <string.h>

#include <bsd/string.h>

#include "common/b64url.h"
#include "common/limits.h"
#include "common/name.h"
#include "relayd/conf.h"

const char *
conf_check_node_id(const char *id, char *out, size_t size)
{
	if (id[0] == '\0')
		return ("a node id cannot be empty");
	if (strlen(id) > LIMIT_NODE_ID)
		return ("a node id has at most 253 bytes");
	if (!name_node_lower(span_str(id), out, size))
		return ("a node id has letters, digits, '_' and '-' in labels "
		    "joined by dots, and nothing else");
	return (NULL);
}

#define VALUE_SIZE	32	/* bytes of an Ed25519 key, and of a SHA-256 */

/* What is behind a prefix, or NULL. */
static const char *
after(const char *text, const char *prefix)
{
	size_t	 len = strlen(prefix);

	return (strncmp(text, prefix, len) == 0 ? text + len : NULL);
}

static bool
is_b64url(const char *text)
{
	uint8_t	 bytes[VALUE_SIZE];

	return (b64url_decode(text, strlen(text), bytes, sizeof(bytes)));
}

const char *
conf_check_key(const char *text)
{
	const char	*value = after(text, "ed25519:");

	if (value != NULL && is_b64url(value))
		return (NULL);
	return ("a public key is \"ed25519:\" and 43 characters of base64url");
}

const char *
conf_check_pin(const char *text)
{
	const char	*value = after(text, "sha256:");

	if (value != NULL && is_b64url(value))
		return (NULL);
	return ("a pin is \"sha256:\" and 43 characters of base64url: the "
	    "SHA-256 of the key in the certificate");
}

static void
lower(char *s)
{
	for (; *s != '\0'; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

const char *
conf_check_token(const char *text, char *out, size_t size)
{
	const char	*value = after(text, "sha256:");

	if (value == NULL || strlen(value) != (size_t)2 * VALUE_SIZE ||
	    strspn(value, "0123456789abcdefABCDEF") != strlen(value) ||
	    strlcpy(out, text, size) >= size)
		return ("what is known of a token is \"sha256:\" and 64 "
		    "hexadecimal digits");
	lower(out);
	return (NULL);
}

/* RFC 5280's dNSName as one host: labels, and no '*'. */
static bool
is_dns_name(const char *name)
{
	char	 buf[LIMIT_NODE_ID + 1];

	return (conf_check_node_id(name, buf, sizeof(buf)) == NULL);
}

/* SPIFFE-ID sections 2.1 and 2.2: a trust domain, and segments of a path. */
static bool
is_spiffe_id(const char *rest)
{
	static const char	 domain[] = "abcdefghijklmnopqrstuvwxyz"
				    "0123456789.-_";
	static const char	 segment[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
	size_t			 len = strspn(rest, domain);

	if (len == 0 || len > 255)
		return (false);
	for (rest += len; *rest == '/'; rest += len) {
		rest++;
		if ((len = strspn(rest, segment)) == 0 ||
		    strspn(rest, ".") == len)
			return (false);
	}
	return (*rest == '\0');
}

const char *
conf_check_certificate(const char *text, char *out, size_t size)
{
	const char	*dns = after(text, "dns:");
	const char	*spiffe = after(text, "spiffe://");

	if (strlcpy(out, text, size) < size) {
		if (dns != NULL && is_dns_name(dns)) {
			lower(out);
			return (NULL);
		}
		if (spiffe != NULL && is_spiffe_id(spiffe))
			return (NULL);
	}
	return ("the name in a certificate is \"dns:\" and a host name "
	    "without '*', or a SPIFFE id");
}
