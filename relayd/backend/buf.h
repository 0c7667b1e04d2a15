/* SPDX-License-Identifier: ISC */
/* A buffer of bytes that grows at its end and is used up at its start. */
#ifndef BACKEND_BUF_H
#define BACKEND_BUF_H

#include <stddef.h>

/* All zero is an empty one. */
struct buf {
	char	*mem;
	size_t	 off;		/* where the bytes begin */
	size_t	 len;		/* how many there are */
	size_t	 size;		/* of mem */
};

/* Room for n more bytes behind the ones there are; fatal without memory. */
char	*buf_room(struct buf *, size_t);
/* The first n bytes of that room were written. */
void	 buf_added(struct buf *, size_t);
void	 buf_append(struct buf *, const void *, size_t);
/* The bytes there are; valid until the next change. */
const char	*buf_data(const struct buf *);
/* The first n bytes were used.  A large empty buffer gives its memory back. */
void	 buf_used(struct buf *, size_t);
void	 buf_free(struct buf *);

#endif
