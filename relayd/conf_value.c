/* SPDX-License-Identifier: ISC */
/*
 * Single values of the configuration that have a syntax of their own: node
 * ids, origins and URLs.  Also for command lines.
 */

#include <sys/types.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <bsd/string.h>

#include "common/limits.h"
#include "common/name.h"
#include "relayd/conf.h"
#include "relayd/conf_parse.h"

#define HOST_MAX	253	/* bytes of a host name, RFC 1035 */
#define HOST_LABEL_MAX	63
#define ORIGIN_MAX	320	/* scheme, host, port */

static void
lower(char *s)
{
	for (; *s != '\0'; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

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
url_host_name(struct conf_url *url, const char *text)
{
	struct in_addr	 in;

	url->host = conf_strdup(text);
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
url_host_inet6(struct conf_url *url, const char *text)
{
	struct in6_addr	 in6;
	char		 host[INET6_ADDRSTRLEN];

	if (inet_pton(AF_INET6, text, &in6) != 1)
		return ("the host is not an IPv6 address");
	inet_ntop(AF_INET6, &in6, host, sizeof(host));
	url->host = conf_strdup(host);
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
url_authority(struct conf_url *url, char *authority, uint16_t defport)
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

static void
url_compose(struct conf_url *url, const char *scheme)
{
	char	 buf[HOST_MAX + 16];
	size_t	 size;

	snprintf(buf, sizeof(buf), strchr(url->host, ':') != NULL ?
	    "[%s]:%u" : "%s:%u", url->host, url->port);
	url->authority = conf_strdup(buf);
	size = strlen(scheme) + 3 + strlen(buf) + strlen(url->path) + 1;
	url->text = conf_alloc(size);
	snprintf(url->text, size, "%s://%s%s", scheme, buf, url->path);
}

static const char *
url_parse(const char *rest, const char *scheme, const char *defpath,
    struct conf_url *url)
{
	char		 authority[HOST_MAX + 16], path[LIMIT_CONF_STRING];
	const char	*why;
	size_t		 len = strcspn(rest, "/?#");

	if (len >= sizeof(authority))
		return ("the host name is too long");
	memcpy(authority, rest, len);
	authority[len] = '\0';
	rest += len;
	if ((why = url_authority(url, authority, 80)) != NULL)
		return (why);
	if ((size_t)snprintf(path, sizeof(path), "%s%s",
	    *rest == '/' ? "" : defpath, rest) >= sizeof(path) - 300)
		return ("the path is too long");
	if ((why = check_path(path)) != NULL)
		return (why);
	url->path = conf_strdup(path);
	url_compose(url, scheme);
	return (NULL);
}

const char *
conf_check_url(const char *text, const char *scheme, const char *defpath,
    struct conf_url *url)
{
	const char	*rest, *why;

	memset(url, 0, sizeof(*url));
	if (after_scheme(text, "wss") != NULL ||
	    after_scheme(text, "https") != NULL)
		return ("TLS is not available in this version");
	if ((rest = after_scheme(text, scheme)) == NULL)
		return (strcmp(scheme, "ws") == 0 ?
		    "the URL does not begin with ws://" :
		    "the URL does not begin with http://");
	if ((why = url_parse(rest, scheme, defpath, url)) != NULL)
		conf_url_free(url);
	return (why);
}

void
conf_url_free(struct conf_url *url)
{
	free(url->text);
	free(url->host);
	free(url->authority);
	free(url->path);
	memset(url, 0, sizeof(*url));
}

const char *
conf_check_origin(const char *text, char *out, size_t size)
{
	struct conf_url	 url = { 0 };
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
	conf_url_free(&url);
	return (why);
}
