/* SPDX-License-Identifier: ISC */
/* See buf.h. */
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/log.h"
#include "relayd/backend/buf.h"

char *
buf_room(struct buf *b, size_t n)
{
	size_t	size = b->size == 0 ? 4096 : b->size;
	char	*mem;

	if (b->size - b->off - b->len >= n && b->mem != NULL)
		return (b->mem + b->off + b->len);
	if (b->off > 0 && b->len > 0)
		memmove(b->mem, b->mem + b->off, b->len);
	b->off = 0;
	while (size - b->len < n)
		size *= 2;
	if (size != b->size) {
		if ((mem = realloc(b->mem, size)) == NULL)
			fatal("out of memory");
		b->mem = mem;
		b->size = size;
	}
	return (b->mem + b->len);
}

void
buf_added(struct buf *b, size_t n)
{
	b->len += n;
}

void
buf_append(struct buf *b, const void *p, size_t n)
{
	if (n == 0)
		return;
	memcpy(buf_room(b, n), p, n);
	b->len += n;
}

const char *
buf_data(const struct buf *b)
{
	return (b->mem == NULL ? "" : b->mem + b->off);
}

void
buf_used(struct buf *b, size_t n)
{
	b->off += n;
	b->len -= n;
	if (b->len > 0)
		return;
	b->off = 0;
	if (b->size > 4 * LIMIT_SERVICE_RECV)
		buf_free(b);
}

void
buf_free(struct buf *b)
{
	free(b->mem);
	memset(b, 0, sizeof(*b));
}
