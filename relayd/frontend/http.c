/* SPDX-License-Identifier: ISC */
/*
 * Heads of HTTP/1.1 requests: RFC 9112 sections 3 and 6, RFC 9110 section 10.
 */
#include <string.h>
#include <strings.h>

#include "relayd/frontend/http.h"

static enum http_method
method_of(struct span s)
{
	/* methods are case-sensitive: RFC 9110 section 9.1 */
	if (s.len == 3 && memcmp(s.p, "GET", 3) == 0)
		return (HTTP_GET);
	if (s.len == 4 && memcmp(s.p, "HEAD", 4) == 0)
		return (HTTP_HEAD);
	if (s.len == 4 && memcmp(s.p, "POST", 4) == 0)
		return (HTTP_POST);
	if (s.len == 6 && memcmp(s.p, "DELETE", 6) == 0)
		return (HTTP_DELETE);
	return (HTTP_OTHER);
}

/* Visible ASCII and no fragment. */
static bool
target_chars(struct span s)
{
	size_t	i;

	for (i = 0; i < s.len; i++) {
		uint8_t	c = (uint8_t)s.p[i];

		if (c <= 0x20 || c >= 0x7f || c == '#')
			return (false);
	}
	return (s.len > 0);
}

/* The path of a target: RFC 9112 section 3.2. */
static bool
parse_target(struct http_head *h)
{
	struct span	s = h->target;
	const char	*q;
	size_t		scheme = 0, i;

	if (!target_chars(s))
		return (false);
	if (s.len > 7 && strncasecmp(s.p, "http://", 7) == 0)
		scheme = 7;
	else if (s.len > 8 && strncasecmp(s.p, "https://", 8) == 0)
		scheme = 8;
	if (scheme > 0) {
		for (i = scheme; i < s.len && s.p[i] != '/' && s.p[i] != '?';
		    i++)
			;
		if (i == scheme)
			return (false);		/* no authority */
		s.p += i;
		s.len -= i;
		if (s.len == 0 || s.p[0] == '?')
			s = span_str("/");
	}
	if (s.p[0] != '/' && !(s.len == 1 && s.p[0] == '*' &&
	    h->method == HTTP_OTHER))
		return (false);
	q = memchr(s.p, '?', s.len);
	if (q != NULL)
		s.len = (size_t)(q - s.p);
	h->path = s;
	return (true);
}

static int
parse_request_line(struct http_head *h, const struct http_limits *lim,
    struct span line, const char **why)
{
	const char	*sp1, *sp2;
	struct span	 method, version;
	size_t		 i;
	int		 status;

	*why = "malformed request line";
	sp1 = memchr(line.p, ' ', line.len);
	sp2 = memrchr(line.p, ' ', line.len);
	if (sp1 == NULL || sp1 == sp2 || sp1 == line.p)
		return (400);
	method.p = line.p;
	method.len = (size_t)(sp1 - line.p);
	for (i = 0; i < method.len; i++) {
		if (!http_is_tchar((uint8_t)method.p[i]))
			return (400);
	}
	h->method = method_of(method);
	h->target.p = sp1 + 1;
	h->target.len = (size_t)(sp2 - sp1) - 1;
	if (h->target.len > lim->target) {
		*why = "request target too long";
		return (414);
	}
	version.p = sp2 + 1;
	version.len = line.len - (size_t)(version.p - line.p);
	status = http_parse_version(version, &h->minor);
	if (status != 0)
		return (status);
	if (!parse_target(h)) {
		*why = "bad request target";
		return (400);
	}
	return (0);
}

/* How the body is framed: RFC 9112 section 6. */
static int
parse_framing(struct http_head *h, const struct http_limits *lim,
    const char **why)
{
	const struct span	*te, *cl;

	te = http_find(h, "transfer-encoding");
	cl = http_find(h, "content-length");
	if (te != NULL) {
		*why = "transfer-encoding beside content-length or in 1.0";
		if (cl != NULL || h->minor == 0)
			return (400);
		*why = "transfer-encoding other than chunked";
		if (!http_eq(*te, "chunked"))
			return (501);
		h->chunked = true;
	}
	if (cl != NULL) {
		h->has_length = true;
		*why = "malformed content-length";
		if (!http_parse_length(*cl, &h->length))
			return (400);
		*why = "body too big";
		if (h->length > lim->body)
			return (413);
	}
	return (0);
}

/* The characters of a host (RFC 3986 section 3.2.2) and a port. */
static bool
host_valid(struct span s)
{
	size_t	i;

	for (i = 0; i < s.len; i++) {
		uint8_t	c = (uint8_t)s.p[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'z') &&
		    !(c >= 'A' && c <= 'Z') &&
		    (c == 0 || strchr("-._~!$&'()*+,;=%[]:", c) == NULL))
			return (false);
	}
	return (s.len > 0);
}

static int
parse_host(const struct http_head *h, const char **why)
{
	const struct span	*host = http_find(h, "host");

	if (host == NULL) {
		*why = "no host";
		return (h->minor == 0 ? 0 : 400);
	}
	*why = "malformed host";
	return (host_valid(*host) ? 0 : 400);
}

static int
parse_expect(struct http_head *h, const char **why)
{
	const struct span	*expect = http_find(h, "expect");

	if (expect == NULL || h->minor == 0)
		return (0);	/* RFC 9110 section 10.1.1 */
	*why = "unknown expectation";
	if (!http_eq(*expect, "100-continue"))
		return (417);
	h->expect = h->chunked || h->length > 0;
	return (0);
}

/* Skip the one empty line that may come first. */
static const uint8_t *
skip_blank(const uint8_t *p)
{
	return (p[0] == '\r' ? p + 2 : p);
}

int
http_request(struct http_head *h, const struct http_limits *lim,
    const uint8_t *p, size_t len, const char **why)
{
	const uint8_t	*end = p + len;
	int		 status;

	h->nfields = 0;
	h->len = len;
	h->length = 0;
	h->expect = h->chunked = h->has_length = false;
	p = skip_blank(p);
	status = parse_request_line(h, lim, http_next_line(&p, end), why);
	if (status == 0)
		status = http_parse_fields(h, lim, p, end, why);
	if (status == 0)
		status = parse_host(h, why);
	if (status == 0)
		status = parse_framing(h, lim, why);
	if (status == 0)
		status = parse_expect(h, why);
	if (status != 0)
		return (status);
	h->keepalive = !http_has_token(h, "connection", "close") &&
	    (h->minor > 0 || http_has_token(h, "connection", "keep-alive"));
	return (0);
}

