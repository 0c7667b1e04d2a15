/* SPDX-License-Identifier: ISC */
/*
 * The body in chunks (RFC 9112 section 7.1).  Chunk extensions and trailer
 * fields are skipped, within a cap on all octets that are not body.
 */
#ifndef COMMON_HTTP_CHUNK_H
#define COMMON_HTTP_CHUNK_H

#include <stddef.h>
#include <stdint.h>

#include "common/wire.h"

/* All zero is the state to begin with. */
struct http_chunked {
	uint8_t		state;
	uint8_t		digits;		/* of this chunk's size */
	uint32_t	overhead;	/* octets that were not body */
	uint64_t	left;		/* of this chunk */
	uint64_t	total;		/* body so far, announced included */
};

enum http_chunk_event {
	HTTP_CHUNK_MORE,
	HTTP_CHUNK_DATA,
	HTTP_CHUNK_END
};

/*
 * Decode from the buffer until there is data (a piece of it, in place) or
 * the end.  *took is how many octets were used.  Returns an event, or the
 * negative status: -400, or -413 when more than body_max are announced.
 */
int	http_chunked(struct http_chunked *, const uint8_t *, size_t len,
	    uint64_t body_max, size_t *took, struct span *data);
/* The value of a hexadecimal digit, or -1. */
int	http_hex(uint8_t);

#endif
