/* SPDX-License-Identifier: ISC */
/* See pemfile.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#include "common/limits.h"
#include "relayd/keeper/pemfile.h"

/* As read(2), until len bytes or the end. */
static ssize_t
read_all(int fd, char *buf, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = read(fd, buf + done, len - done);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return (-1);
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return ((ssize_t)done);
}

/*
 * What has a position and a size is a file: fstat(3) would need a system call
 * that names files too.
 */
bool
pemfile_read(int fd, struct span *file, char *why, size_t size)
{
	off_t end;
	ssize_t n;
	char *buf;

	if ((end = lseek(fd, 0, SEEK_END)) == -1 ||
	    lseek(fd, 0, SEEK_SET) == -1) {
		snprintf(why, size, "is not a regular file");
		return (false);
	}
	if (end == 0 || end > (off_t)LIMIT_PEM) {
		snprintf(why, size, end == 0 ? "is empty" :
		    "is over %u bytes", LIMIT_PEM);
		return (false);
	}
	if ((buf = malloc((size_t)end)) == NULL) {
		snprintf(why, size, "out of memory");
		return (false);
	}
	if ((n = read_all(fd, buf, (size_t)end)) <= 0) {
		snprintf(why, size, "%s", n == 0 ? "became empty" :
		    strerror(errno));
		freezero(buf, (size_t)end);
		return (false);
	}
	file->p = buf;
	file->len = (size_t)n;
	return (true);
}

void
pemfile_free(struct span *file)
{
	freezero((void *)(uintptr_t)file->p, file->len);
	file->p = NULL;
	file->len = 0;
}
