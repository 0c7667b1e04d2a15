/* SPDX-License-Identifier: ISC */
/* See url.h. */
#include <sys/types.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <bsd/string.h>

#include "common/log.h"
#include "common/url.h"

#define HOST_MAX	253	/* bytes of a host name, RFC 1035 */
#define HOST_LABEL_MAX	63
#define PATH_SIZE	(URL_TEXT_MAX - 300)	/* bytes of a path and a NUL:
					 * scheme, host and port take the rest */

static char *
copy_text(const char *s)
{
	char	*copy;

	if ((copy = strdup(s)) == NULL)
		fatal("no memory for a URL");
	return (copy);
}

static void
lower(char *s)
{
	for (; *s != '\0'; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

/* RFC 1123 host name; NULL or why not. */
static const char *
check_host_name(const char *host)
{
	size_t	 len;

	if (strlen(host) > HOST_MAX)
		return ("the host name is too long");
	for (;; host += len + 1) {
		len = strcspn(host, ".");
		if (len == 0)
			return ("the host name has an empty label");
		if (len > HOST_LABEL_MAX)
			return ("the host name has a label over 63 bytes");
		if (host[0] == '-' || host[len - 1] == '-')
			return ("the host name has a label that begins or "
			    "ends with '-'");
		if (strspn(host, "abcdefghijklmnopqrstuvwxyz0123456789-_") <
		    len)
			return ("the host is no name, IPv4 address or "
			    "[IPv6 address]");
		if (host[len] == '\0')
			return (NULL);
	}
}

/* The last label is a number: by the URL standard then it is an address. */
static bool
looks_numeric(const char *host)
{
	const char	*last = strrchr(host, '.');

	last = last == NULL ? host : last + 1;
	return (last[0] != '\0' && strspn(last, "0123456789") == strlen(last));
}

static bool
is_localhost(const char *host)
{
	size_t	 len = strlen(host);

	/* RFC 6761 section 6.3 */
	return (strcmp(host, "localhost") == 0 ||
	    (len > 10 && strcmp(host + len - 10, ".localhost") == 0));
}

/* Fill host, numeric and loopback from text, which is not bracketed. */
static const char *
url_host_name(struct url *url, const char *text)
{
	struct in_addr	 in;

	url->host = copy_text(text);
	lower(url->host);
	if (url->host[0] == '\0')
		return ("there is no host");
	if (looks_numeric(url->host)) {
		if (inet_pton(AF_INET, url->host, &in) != 1)
			return ("the host is not an IPv4 address");
		url->numeric = true;
		url->loopback = (ntohl(in.s_addr) >> 24) == 127;
		return (NULL);
	}
	url->loopback = is_localhost(url->host);
	return (check_host_name(url->host));
}

static const char *
url_host_inet6(struct url *url, const char *text)
{
	struct in6_addr	 in6;
	char		 host[INET6_ADDRSTRLEN];

	if (inet_pton(AF_INET6, text, &in6) != 1)
		return ("the host is not an IPv6 address");
	inet_ntop(AF_INET6, &in6, host, sizeof(host));
	url->host = copy_text(host);
	url->numeric = true;
	url->loopback = IN6_IS_ADDR_LOOPBACK(&in6) ||
	    (IN6_IS_ADDR_V4MAPPED(&in6) && in6.s6_addr[12] == 127);
	return (NULL);
}

/* text is ":port" or empty. */
static const char *
url_port(const char *text, uint16_t defport, uint16_t *port)
{
	unsigned long	 n;
	size_t		 len;

	*port = defport;
	if (text[0] == '\0')
		return (NULL);
	len = strlen(++text);
	if (len == 0 || len > 5 || strspn(text, "0123456789") != len)
		return ("the port is not a number between 1 and 65535");
	n = strtoul(text, NULL, 10);
	if (n < 1 || n > 65535)
		return ("the port is not a number between 1 and 65535");
	*port = (uint16_t)n;
	return (NULL);
}

/* host[:port]; authority is writable and cut to pieces. */
static const char *
url_authority(struct url *url, char *authority, uint16_t defport)
{
	const char	*why;
	char		*end;

	if (strchr(authority, '@') != NULL)
		return ("a URL cannot carry a user or a password");
	if (authority[0] == '[') {
		if ((end = strchr(authority, ']')) == NULL ||
		    (end[1] != '\0' && end[1] != ':'))
			return ("the host is not an IPv6 address");
		*end++ = '\0';
		if ((why = url_host_inet6(url, authority + 1)) != NULL)
			return (why);
		return (url_port(end, defport, &url->port));
	}
	end = authority + strcspn(authority, ":");
	if ((why = url_port(end, defport, &url->port)) != NULL)
		return (why);
	*end = '\0';
	return (url_host_name(url, authority));
}

/* RFC 3986 section 3.3 and 3.4, with a leading slash; %XX not looked at. */
static const char *
check_path(const char *path)
{
	for (; *path != '\0'; path++) {
		if (*path == '#')
			return ("a URL cannot carry a fragment (#)");
		if (*path <= 0x20 || *path == 0x7f ||
		    strchr("\"<>\\^`{|}", *path) != NULL)
			return ("there is a character in the path that must "
			    "be written as %XX");
	}
	return (NULL);
}

/* Text of the scheme and what is left; NULL: another scheme. */
static const char *
after_scheme(const char *text, const char *scheme)
{
	size_t	 len = strlen(scheme);

	if (strncasecmp(text, scheme, len) != 0 ||
	    strncmp(text + len, "://", 3) != 0)
		return (NULL);
	return (text + len + 3);
}

bool
url_text(const char *scheme, const char *host, uint16_t port,
    const char *path, char *buf, size_t size)
{
	int	 len;

	len = snprintf(buf, size, strchr(host, ':') != NULL ?
	    "%s://[%s]:%u%s" : "%s://%s:%u%s", scheme, host, port, path);
	return (len >= 0 && (size_t)len < size);
}

static void
url_compose(struct url *url, const char *scheme)
{
	char	 text[URL_TEXT_MAX + 1];
	size_t	 skip = strlen(scheme) + strlen("://");

	/* url_parse() has measured the parts. */
	if (!url_text(scheme, url->host, url->port, "", text, sizeof(text)))
		fatal("a URL outgrew its room");
	url->authority = copy_text(text + skip);
	if (!url_text(scheme, url->host, url->port, url->path, text,
	    sizeof(text)))
		fatal("a URL outgrew its room");
	url->text = copy_text(text);
}

static const char *
url_parse(const char *rest, const char *scheme, const char *defpath,
    uint16_t defport, struct url *url)
{
	char		 authority[HOST_MAX + 16], path[PATH_SIZE];
	const char	*why;
	size_t		 len = strcspn(rest, "/?#");

	if (len >= sizeof(authority))
		return ("the host name is too long");
	memcpy(authority, rest, len);
	authority[len] = '\0';
	rest += len;
	if ((why = url_authority(url, authority, defport)) != NULL)
		return (why);
	if ((size_t)snprintf(path, sizeof(path), "%s%s",
	    *rest == '/' ? "" : defpath, rest) >= sizeof(path))
		return ("the path is too long");
	if ((why = check_path(path)) != NULL)
		return (why);
	url->path = copy_text(path);
	url_compose(url, scheme);
	return (NULL);
}

const char *
url_check(const char *text, const char *scheme, const char *defpath,
    struct url *url)
{
	const char	*rest, *why;

	memset(url, 0, sizeof(*url));
	if (strcmp(scheme, "ws") == 0 &&
	    (rest = after_scheme(text, "wss")) != NULL) {
		url->tls = true;
		why = url_parse(rest, "wss", defpath, 443, url);
	} else if ((rest = after_scheme(text, scheme)) != NULL)
		why = url_parse(rest, scheme, defpath, 80, url);
	else if (strcmp(scheme, "ws") == 0)
		why = "the URL does not begin with wss:// or ws://";
	else if (after_scheme(text, "https") != NULL)
		why = "TLS to services is not available";
	else
		why = "the URL does not begin with http://";
	if (why != NULL)
		url_free(url);
	return (why);
}

void
url_free(struct url *url)
{
	free(url->text);
	free(url->host);
	free(url->authority);
	free(url->path);
	memset(url, 0, sizeof(*url));
}

bool
url_same_place(const struct url *a, const struct url *b)
{
	return (a->port == b->port && strcmp(a->host, b->host) == 0 &&
	    strcmp(a->path, b->path) == 0);
}

const char *
url_check_origin(const char *text, char *out, size_t size)
{
	struct url	 url = { 0 };
	char		 authority[HOST_MAX + 16], port[8] = "";
	const char	*rest, *why, *scheme = "https";
	uint16_t	 defport = 443;
	int		 len;

	if ((rest = after_scheme(text, scheme)) == NULL) {
		scheme = "http";
		defport = 80;
		rest = after_scheme(text, scheme);
	}
	if (rest == NULL)
		return ("an origin begins with https:// or http://");
	if (strpbrk(rest, "/?#") != NULL)
		return ("an origin ends with the host or the port, "
		    "without a path or a slash");
	if (strlcpy(authority, rest, sizeof(authority)) >= sizeof(authority))
		return ("the host name is too long");
	if ((why = url_authority(&url, authority, defport)) == NULL) {
		if (url.port != defport)
			snprintf(port, sizeof(port), ":%u", url.port);
		len = snprintf(out, size, strchr(url.host, ':') != NULL ?
		    "%s://[%s]%s" : "%s://%s%s", scheme, url.host, port);
		if (len < 0 || (size_t)len >= size)
			why = "the host name is too long";
	}
	url_free(&url);
	return (why);
}

/* --- where it leads --- */

/*
 * The bytes of a numeric address, those of IPv4 also where it is mapped into
 * IPv6; how many, or 0 if it is none.
 */
static size_t
address_bytes(const char *host, uint8_t bytes[16])
{
	struct in6_addr	 in6;

	if (inet_pton(AF_INET, host, bytes) == 1)
		return (4);
	if (inet_pton(AF_INET6, host, &in6) != 1)
		return (0);
	if (IN6_IS_ADDR_V4MAPPED(&in6)) {
		memcpy(bytes, &in6.s6_addr[12], 4);
		return (4);
	}
	memcpy(bytes, &in6, 16);
	return (16);
}

static bool
is_wildcard(const uint8_t *bytes, size_t n)
{
	static const uint8_t	 zero[16];

	return (memcmp(bytes, zero, n) == 0);
}

/* What localhost stands for. */
static bool
is_first_loopback(const uint8_t *bytes, size_t n)
{
	static const uint8_t	 first[4] = { 127, 0, 0, 1 };

	return (memcmp(bytes, n == 4 ? first : in6addr_loopback.s6_addr, n) ==
	    0);
}

/* "address:port" into its parts; the bytes of the address, 0 if it is bad. */
static size_t
split_address(const char *text, uint8_t bytes[16], uint16_t *port)
{
	char	 host[INET6_ADDRSTRLEN + 2];
	char	*s = host, *colon;

	if (strlcpy(host, text, sizeof(host)) >= sizeof(host) ||
	    (colon = strrchr(host, ':')) == NULL ||
	    url_port(text + (colon - host), 0, port) != NULL)
		return (0);
	*colon = '\0';
	if (host[0] == '[' && colon > host + 1 && colon[-1] == ']') {
		colon[-1] = '\0';
		s++;
	}
	return (address_bytes(s, bytes));
}

bool
url_reaches(const struct url *url, const char *address)
{
	uint8_t		 at[16], to[16];
	uint16_t	 port;
	size_t		 n;

	if ((n = split_address(address, at, &port)) == 0 || port != url->port)
		return (false);
	if (!url->numeric)
		return (url->loopback && (is_wildcard(at, n) ||
		    is_first_loopback(at, n)));
	if (address_bytes(url->host, to) != n)
		return (false);
	/* To connect to 0.0.0.0 or :: is to connect to this machine. */
	if (is_wildcard(to, n))
		return (is_wildcard(at, n) || is_first_loopback(at, n));
	return (is_wildcard(at, n) ? url->loopback : memcmp(at, to, n) == 0);
}
