/* SPDX-License-Identifier: ISC */

/*
 * A strict, single-pass scanner for JSON text (RFC 8259).  It builds no tree
 * and allocates nothing: it says whether the text is JSON and where values
 * begin and end.
 *
 * Policy where RFC 8259 leaves a choice:
 *  - the text must be UTF-8 without a byte order mark (section 8.1); every
 *    string is checked, surrogates and overlong forms are refused;
 *  - \u escapes of lone surrogates are accepted, as the grammar allows them
 *    (section 8.2): nothing is lost, for the text is forwarded as it came;
 *  - numbers have no range (section 6): 1e999 is well formed;
 *  - containers may nest LIMIT_JSON_DEPTH deep (section 9);
 *  - duplicate names are left to the caller.
 */

#ifndef COMMON_JSON_SCAN_H
#define COMMON_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_kind {
	JSON_NONE = 0,
	JSON_NULL,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

enum json_err {
	JSON_OK = 0,
	JSON_E_SYNTAX,		/* not RFC 8259 */
	JSON_E_UTF8,		/* not UTF-8 */
	JSON_E_DEPTH,		/* nested too deep */
	JSON_E_SIZE,		/* longer than a span can say */
};

/*
 * A value in the text that was scanned; p points at its first byte and len
 * counts to its last, quotes and brackets included.
 */
struct json_span {
	const char	*p;
	uint32_t	 len;
	uint8_t		 type;		/* enum json_kind */
	bool		 escaped;	/* a string with a backslash in it */
};

/* The state of one scan; borrowed text, no resources to free. */
struct json_scan {
	const uint8_t	*p;
	const uint8_t	*end;
	enum json_err	 err;		/* sticky */
	uint32_t	 depth;		/* open containers */
	bool		 first;		/* nothing yet in the innermost one */
};

/* Starts a scan over len bytes at text, which must outlive all spans. */
void	 json_scan_init(struct json_scan *, const void *, size_t);

/* True if nothing but white space is left and no error happened. */
bool	 json_scan_end(struct json_scan *);

/* The type of the next value, going by its first byte; JSON_NONE if none. */
enum json_kind	 json_peek(struct json_scan *);

/*
 * Passes over the next value, whatever it is, and tells its span if the
 * pointer is not NULL.  False on error, which stays in err.
 */
bool	 json_skip(struct json_scan *, struct json_span *);

/*
 * Walks an object: begin takes the brace; next takes a key and its colon, so
 * that the scan stands at the value, which the caller must take.  next
 * returns 1 for a member, 0 at the end of the object, -1 on error.
 */
bool	 json_object_begin(struct json_scan *);
int	 json_object_next(struct json_scan *, struct json_span *);

/* The same for an array; the caller takes the element when next returns 1. */
bool	 json_array_begin(struct json_scan *);
int	 json_array_next(struct json_scan *);

/* True if text is one whole JSON text. */
bool	 json_valid(const void *, size_t);

/*
 * Writes the characters of a string span, escapes resolved, to dst (size
 * bytes, no NUL added), so that the result is UTF-8.  Returns the length or -1
 * if it does not fit or a lone surrogate has no place in UTF-8.
 */
int	 json_unescape(const struct json_span *, char *, size_t);

/*
 * The value of a number span that is an integer between the two bounds,
 * inclusive.  False if it is anything else; a fraction is not an integer.
 */
bool	 json_integer(const struct json_span *, int64_t, int64_t, int64_t *);

/*
 * A number span of seconds, fractions allowed, as milliseconds, rounded up
 * and limited to max_ms.  False if it is no number or negative.
 */
bool	 json_seconds_ms(const struct json_span *, int64_t, int64_t *);

/*
 * The value of the four hexadecimal digits at p, which ends at end; -1 if
 * they are not that.
 */
int	 json_hex4(const uint8_t *p, const uint8_t *end);

#endif /* COMMON_JSON_SCAN_H */
