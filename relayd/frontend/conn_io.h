/* SPDX-License-Identifier: ISC */
/*
 * The one place where a connection's bytes enter and leave the process; a
 * transport other than plain TCP differs from it in this struct and these
 * functions only.
 */
#ifndef FRONTEND_CONN_IO_H
#define FRONTEND_CONN_IO_H

#include <stddef.h>
#include <sys/types.h>

enum {
	IO_EOF = 0,		/* the other side will send no more */
	IO_AGAIN = -1,		/* try when the socket is ready */
	IO_FAIL = -2		/* errno says why */
};

struct conn_io {
	int	fd;		/* non-blocking; -1: none */
};

/* Read at most size octets: how many, or IO_EOF, IO_AGAIN, IO_FAIL. */
ssize_t	conn_io_read(struct conn_io *, void *, size_t size);

/* Write at most len octets: how many, or IO_AGAIN, IO_FAIL. */
ssize_t	conn_io_write(struct conn_io *, const void *, size_t len);

/* Say that no more will be written; what was written still arrives. */
void	conn_io_shutdown(struct conn_io *);

void	conn_io_close(struct conn_io *);

#endif
