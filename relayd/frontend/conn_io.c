/* SPDX-License-Identifier: ISC */
/*
 * Plain TCP and unix stream sockets, and TLS on them.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>

#include "relayd/frontend/conn_io.h"
#include "relayd/frontend/tls_io.h"

static ssize_t
io_error(void)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
		return (IO_AGAIN);
	return (IO_FAIL);
}

ssize_t
conn_io_read(struct conn_io *io, void *buf, size_t size)
{
	ssize_t	n;

	if (io->tls != NULL)
		return (tls_io_read(io->tls, buf, size));
	n = recv(io->fd, buf, size, 0);
	return (n >= 0 ? n : io_error());
}

ssize_t
conn_io_write(struct conn_io *io, const void *buf, size_t len)
{
	ssize_t	n;

	if (io->tls != NULL)
		return (tls_io_write(io->tls, buf, len));
	n = send(io->fd, buf, len, MSG_NOSIGNAL);
	return (n >= 0 ? n : io_error());
}

bool
conn_io_pending(const struct conn_io *io)
{
	return (io->tls != NULL && tls_io_pending(io->tls));
}

int
conn_io_flush(struct conn_io *io)
{
	return (io->tls != NULL ? tls_io_flush(io->tls) : 0);
}

bool
conn_io_ready(const struct conn_io *io)
{
	return (io->tls != NULL && tls_io_ready(io->tls));
}

const char *
conn_io_error(const struct conn_io *io)
{
	return (io->tls != NULL ? tls_io_why(io->tls) : strerror(errno));
}

void
conn_io_shutdown(struct conn_io *io)
{
	if (io->tls != NULL)
		tls_io_shutdown(io->tls);
	(void)shutdown(io->fd, SHUT_WR);
}

void
conn_io_close(struct conn_io *io)
{
	/* it says goodbye to the other side */
	tls_io_free(io->tls);
	io->tls = NULL;
	if (io->fd != -1)
		close(io->fd);
	io->fd = -1;
}
