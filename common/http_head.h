/* SPDX-License-Identifier: ISC */
/*
 * Heads of HTTP/1.1 messages (RFC 9112), strictly: what a lenient parser
 * would repair is refused here, as two readers that repair differently are
 * how requests get smuggled.  Pure: bytes in, pointers into them out.
 */
#ifndef COMMON_HTTP_HEAD_H
#define COMMON_HTTP_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/limits.h"
#include "common/wire.h"

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_DELETE,
	HTTP_OTHER		/* any other token */
};

struct http_field {
	struct span	name;	/* as it came: compare without case */
	struct span	value;	/* without white space around it */
};

/* Caps, in octets and lines, and the body a request may bring. */
struct http_limits {
	size_t		head;		/* start line and all fields */
	size_t		target;		/* request target */
	size_t		fields;		/* lines, <= LIMIT_HTTP_HEADERS */
	uint64_t	body;		/* decoded octets */
};

/* How far the end of a head has been looked for.  All zero to begin. */
struct http_scan {
	size_t	off;		/* octets looked at */
	size_t	line;		/* where the present line begins */
	bool	first;		/* the start line is complete */
};

struct http_head {
	size_t			len;	/* octets, blank line included */
	int			minor;	/* HTTP/1.minor: 0 or 1 */
	size_t			nfields;
	struct http_field	fields[LIMIT_HTTP_HEADERS];
	/* a request */
	enum http_method	method;
	struct span		target;	/* as it came */
	struct span		path;	/* without authority and query */
	bool			keepalive;
	bool			expect;		/* wants a 100 first */
	bool			chunked;
	bool			has_length;
	uint64_t		length;		/* Content-Length, or 0 */
	/* a response */
	int			status;
	struct span		reason;
};

/*
 * Look for the end of a head in len octets from the beginning of the message;
 * call again with more and the same scan.  Returns its length when complete,
 * 0 for more, or the negative status to refuse it with: -400 for a line end
 * that is not CRLF, a NUL or a folded line, -414, -431.
 */
int	http_scan(struct http_scan *, const struct http_limits *,
	    const uint8_t *, size_t len);

/*
 * Take apart a complete response head of len octets, as found by http_scan().
 * Returns 0 or -1; *why then is a static text for the log.
 */
int	http_response(struct http_head *, const struct http_limits *,
	    const uint8_t *, size_t len, const char **why);

/* The value of the first field of that name (lower case), or NULL. */
const struct span *http_find(const struct http_head *, const char *name);

/* How many fields have that name (lower case). */
size_t	http_count(const struct http_head *, const char *name);

/* Is the token (lower case) in the list(s) of fields of that name? */
bool	http_has_token(const struct http_head *, const char *name,
	    const char *token);

/* May it stand in a token?  RFC 9110 section 5.6.2 */
bool	http_is_tchar(uint8_t);

/* Equal without regard to ASCII case? */
bool	http_eq(struct span, const char *);

/* --- pieces that requests and responses have in common --- */

/* The next line without its CRLF; *p moves behind it. */
struct span http_next_line(const uint8_t **p, const uint8_t *end);
/*
 * The field lines of a complete head from p on, behind its start line.
 * Returns 0, or 400 or 431 and *why.
 */
int	http_parse_fields(struct http_head *, const struct http_limits *,
	    const uint8_t *p, const uint8_t *end, const char **why);
/* "HTTP/1.x": 0, or 400 or 505. */
int	http_parse_version(struct span, int *minor);
/* Of a Content-Length: digits only; false if not, or too many. */
bool	http_parse_length(struct span, uint64_t *);

#endif
