/* SPDX-License-Identifier: ISC */
/*
 * The one place where a connection's bytes enter and leave the process: plain
 * on TCP and unix stream sockets, or by TLS (tls_io.h).
 */
#ifndef FRONTEND_CONN_IO_H
#define FRONTEND_CONN_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum {
	IO_EOF = 0,		/* the other side will send no more */
	IO_AGAIN = -1,		/* try when the socket is ready */
	IO_FAIL = -2		/* errno says why */
};

struct tls_io;

struct conn_io {
	int		 fd;		/* non-blocking; -1: none */
	struct tls_io	*tls;		/* ours; NULL: plain */
};

/*
 * Read at most size octets: how many, or IO_EOF, IO_AGAIN, IO_FAIL.  With TLS
 * size is at least TLS_READ_MIN.
 */
ssize_t	conn_io_read(struct conn_io *, void *, size_t size);

/*
 * Write at most len octets: how many, or IO_AGAIN, IO_FAIL.  What TLS took may
 * wait in it: see conn_io_pending().
 */
ssize_t	conn_io_write(struct conn_io *, const void *, size_t len);

/* Has the socket not taken all that conn_io_write() took? */
bool	conn_io_pending(const struct conn_io *);

/* Send that: 0 if it is gone, or IO_AGAIN, IO_FAIL. */
int	conn_io_flush(struct conn_io *);

/* Has the next read something, or the end, though no event may come for it? */
bool	conn_io_ready(const struct conn_io *);

/* What the last IO_FAIL was, good until the next call. */
const char *conn_io_error(const struct conn_io *);

/* Say that no more will be written; what was written still arrives. */
void	conn_io_shutdown(struct conn_io *);

void	conn_io_close(struct conn_io *);

#endif
