/* SPDX-License-Identifier: ISC */
/*
 * Reading configuration files: the one part of the configuration that
 * touches the file system.
 */

#include <sys/types.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/limits.h"
#include "relayd/conf.h"

/* Up to one byte more than allowed, so that the parser sees the excess. */
static int
read_all(int fd, char **data, size_t *len)
{
	const size_t	 size = LIMIT_CONF_FILE + 1;
	char		*buf;
	ssize_t		 n;
	size_t		 off = 0;
	int		 error;

	if ((buf = malloc(size)) == NULL)
		return (errno);
	while (off < size && (n = read(fd, buf + off, size - off)) != 0) {
		if (n > 0) {
			off += (size_t)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		error = errno;
		free(buf);
		return (error);
	}
	*data = buf;
	*len = off;
	return (0);
}

int
conf_open_file(void *ctx, const char *path, char **data, size_t *len)
{
	struct stat	 st;
	int		 fd, error;

	(void)ctx;
	if (strcmp(path, "-") == 0)
		return (read_all(STDIN_FILENO, data, len));
	/* Nonblocking: a fifo must not hold up a reload. */
	if ((fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) == -1)
		return (errno);
	if (fstat(fd, &st) == -1)
		error = errno;
	else if (S_ISDIR(st.st_mode))
		error = EISDIR;
	else if (!S_ISREG(st.st_mode))
		error = EINVAL;
	else
		error = read_all(fd, data, len);
	close(fd);
	return (error);
}
