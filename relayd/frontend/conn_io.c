/* SPDX-License-Identifier: ISC */
/*
 * Plain TCP and unix stream sockets.
 */
#include <errno.h>
#include <unistd.h>
#include <sys/socket.h>

#include "relayd/frontend/conn_io.h"

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
	ssize_t	n = recv(io->fd, buf, size, 0);

	return (n >= 0 ? n : io_error());
}

ssize_t
conn_io_write(struct conn_io *io, const void *buf, size_t len)
{
	ssize_t	n = send(io->fd, buf, len, MSG_NOSIGNAL);

	return (n >= 0 ? n : io_error());
}

void
conn_io_shutdown(struct conn_io *io)
{
	(void)shutdown(io->fd, SHUT_WR);
}

void
conn_io_close(struct conn_io *io)
{
	if (io->fd != -1)
		close(io->fd);
	io->fd = -1;
}
