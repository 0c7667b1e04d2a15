/* SPDX-License-Identifier: ISC */
/*
 * The notification protocol of systemd(1) (sd_notify(3)): one datagram a
 * state, to the socket that $NOTIFY_SOCKET names.
 */
#include <sys/socket.h>
#include <sys/un.h>

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "relayd/relayd.h"

int
sdnotify_open(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const char *path;
	size_t len;
	int fd;

	if ((path = getenv("NOTIFY_SOCKET")) == NULL ||
	    (path[0] != '/' && path[0] != '@') ||
	    (len = strlen(path)) >= sizeof(sun.sun_path))
		return (-1);
	memcpy(sun.sun_path, path, len);
	/* '@' stands for the NUL of an abstract name. */
	if (path[0] == '@')
		sun.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return (-1);
	if (connect(fd, (struct sockaddr *)&sun,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) == -1) {
		close(fd);
		return (-1);
	}
	return (fd);
}

void
sdnotify(int fd, const char *fmt, ...)
{
	char buf[512];
	va_list ap;
	int len;

	if (fd == -1)
		return;
	va_start(ap, fmt);
	len = vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	if (len < 0)
		return;
	if ((size_t)len >= sizeof(buf))
		len = sizeof(buf) - 1;
	/* A manager that does not listen finds out by its own timeout. */
	(void)send(fd, buf, (size_t)len, MSG_NOSIGNAL);
}

void
sdnotify_reloading(int fd)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	sdnotify(fd, "RELOADING=1\nMONOTONIC_USEC=%lld\n"
	    "STATUS=reading the configuration",
	    (long long)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
}

uint32_t
sdnotify_watchdog_ms(void)
{
	const char *usec, *pid;
	char *end;
	long long v;

	if ((usec = getenv("WATCHDOG_USEC")) == NULL)
		return (0);
	if ((pid = getenv("WATCHDOG_PID")) != NULL &&
	    strtoll(pid, NULL, 10) != (long long)getpid())
		return (0);
	v = strtoll(usec, &end, 10);
	if (*usec == '\0' || *end != '\0' || v < 2000 || v > INT64_C(1) << 40)
		return (0);
	return ((uint32_t)(v / 2000));
}
