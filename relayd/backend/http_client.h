/* SPDX-License-Identifier: ISC */
/*
 * The HTTP/1.1 client of a service: the head of a POST out, one response in
 * (RFC 9112, strictly).  Pure.
 */
#ifndef BACKEND_HTTP_CLIENT_H
#define BACKEND_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/http_chunk.h"
#include "common/http_head.h"
#include "relayd/backend/buf.h"

enum hc_event {
	HC_MORE,		/* not complete */
	HC_DONE,		/* complete: status, body, keepalive */
	HC_TOO_LARGE,		/* its body is over the cap */
	HC_BAD			/* not an HTTP response; why */
};

struct http_client {
	struct http_scan	 scan;
	struct http_chunked	 chunked;
	enum hc_framing {
		HC_HEAD, HC_NONE, HC_LENGTH, HC_CHUNKED, HC_UNTIL_CLOSE
	}			 framing;
	uint64_t		 left;		/* of Content-Length */
	size_t			 body_max;
	unsigned int		 interim;	/* 1xx responses so far */
	bool			 began;		/* any byte has come */
	/* the response */
	int			 status;
	bool			 keepalive;	/* the connection may be reused */
	struct buf		 body;
	const char		*why;		/* static text */
};

/* Ready for a response with a body of at most that many bytes. */
void		 hc_init(struct http_client *, size_t);
void		 hc_free(struct http_client *);

/*
 * Take what has arrived; *took says how many bytes were used (the head is
 * used all at once).  Bytes left over after HC_DONE belong to no request:
 * the connection must not be reused.
 */
enum hc_event	 hc_input(struct http_client *, const char *, size_t,
		    size_t *);
/* The connection was closed: HC_DONE or HC_BAD. */
enum hc_event	 hc_eof(struct http_client *);

/*
 * Append the head of a POST to path at host:port with a body of that many
 * bytes of JSON.
 */
void		 hc_request(struct buf *, const char *, uint16_t, const char *,
		    size_t);

#endif
