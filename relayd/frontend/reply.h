/* SPDX-License-Identifier: ISC */
/*
 * What an HTTP request is for, and the heads of the answers.  Pure.
 */
#ifndef FRONTEND_REPLY_H
#define FRONTEND_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "common/http_head.h"
#include "common/http_route.h"
#include "common/proc.h"
#include "common/wire.h"

/* Beside the routes the router answers: links of homes, and of Mains. */
#define ROUTE_WS_FEDERATION	((int)HTTP_ROUTE_MAX)
#define ROUTE_WS_PEERS		((int)HTTP_ROUTE_MAX + 1)

/*
 * The route of a path on a node of that role (PROTOCOL.md section 7): an enum
 * http_route or one of the above.  Returns 0, 404, or 405 with *allow the
 * methods for the Allow field.
 */
int	route_find(enum node_role, struct span path, enum http_method,
	    int *route, const char **allow);

#define PEER_NAME_MAX	2048	/* octets of a URL or node id in a path */

/*
 * The NAME of a path /federation/peers/NAME, percent-decoded (RFC 3986
 * section 2.1) into buf: a URL or a node id.  Returns its length, or 0 if it
 * is empty or too long, an escape is malformed, or it has a control character.
 */
size_t	route_peer_name(struct span path, char buf[PEER_NAME_MAX]);

/*
 * May a request with that Origin be served?  It must equal (RFC 6454 section
 * 6.2: scheme, host and port, without case) one of the n origins.
 */
bool	origin_allowed(struct span origin, const char *const *origins,
	    size_t n);

/* Is this Content-Type application/json, with any parameters? */
bool	is_json_type(const struct span *);

/* Standard text of a status this program uses, "Error" for others. */
const char *status_text(int status);

#define REPLY_HEAD_MAX	1024	/* octets reply_head() may need */

struct reply {
	int		 status;
	time_t		 date;		/* wall clock, seconds */
	size_t		 length;	/* of the body, octets */
	bool		 keepalive;
	const char	*type;		/* content type, NULL: no body */
	/* more fields, each "Name: value\r\n"; at most 512 octets */
	const char	*extra;
};

/*
 * Write the head of an answer with its blank line.  Returns its length, or 0
 * if it does not fit into size.
 */
size_t	reply_head(char *, size_t size, const struct reply *);

/*
 * The body of an answer that refuses a request: {"error": reason}, with what
 * JSON or a terminal might trip over written as "?".  At most size octets
 * with the NUL.  Returns its length.
 */
size_t	reply_error_body(char *, size_t size, const char *reason);

#endif
