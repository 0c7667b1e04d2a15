/* SPDX-License-Identifier: ISC */
/* Binding the listening sockets, and keeping them over a reload. */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <netinet/in.h>
#include <arpa/inet.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>

#include <bsd/string.h>

#include "common/log.h"
#include "relayd/relayd.h"

#define BACKLOG		4096	/* the kernel lowers it to somaxconn */
#define UNIX_MODE	0666	/* as open as a port on loopback */

/* "[::1]:8080", "127.0.0.1:8080" or a path: what a client can connect to. */
static void
bound_name(int fd, char *buf, size_t size)
{
	struct sockaddr_storage ss;
	const struct sockaddr_in *sin = (const void *)&ss;
	const struct sockaddr_in6 *sin6 = (const void *)&ss;
	const struct sockaddr_un *sun = (const void *)&ss;
	socklen_t len = sizeof(ss);
	char host[INET6_ADDRSTRLEN] = "?";

	memset(&ss, 0, sizeof(ss));
	if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1) {
		strlcpy(buf, "?", size);
		return;
	}
	switch (ss.ss_family) {
	case AF_INET:
		inet_ntop(AF_INET, &sin->sin_addr, host, sizeof(host));
		snprintf(buf, size, "%s:%u", host, ntohs(sin->sin_port));
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &sin6->sin6_addr, host, sizeof(host));
		snprintf(buf, size, "[%s]:%u", host, ntohs(sin6->sin6_port));
		break;
	default:
		snprintf(buf, size, "%.*s", (int)sizeof(sun->sun_path),
		    sun->sun_path);
		break;
	}
}

/* Whether a process still answers behind this socket file. */
static bool
unix_alive(const struct sockaddr_un *sun)
{
	bool alive;
	int fd;

	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return (true);
	/* Only a refusal proves that nobody listens. */
	alive = connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == 0 ||
	    errno != ECONNREFUSED;
	close(fd);
	return (alive);
}

static int
bind_unix(int fd, const struct sockaddr_un *sun, mode_t mode)
{
	struct stat st;
	mode_t old;
	int rc;

	/* By umask and not by chmod: there is no moment with other rights. */
	old = umask(0777 & ~mode);
	rc = bind(fd, (const struct sockaddr *)sun, sizeof(*sun));
	if (rc == -1 && errno == EADDRINUSE) {
		if (lstat(sun->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
		    !unix_alive(sun) && unlink(sun->sun_path) == 0)
			rc = bind(fd, (const struct sockaddr *)sun,
			    sizeof(*sun));
		else
			errno = EADDRINUSE;
	}
	umask(old);
	return (rc);
}

int
listen_unix(const char *path, mode_t mode, int backlog)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, saved;

	if (strlcpy(sun.sun_path, path, sizeof(sun.sun_path)) >=
	    sizeof(sun.sun_path)) {
		errno = ENAMETOOLONG;
		return (-1);
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return (-1);
	if (bind_unix(fd, &sun, mode) == -1 || listen(fd, backlog) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return (-1);
	}
	return (fd);
}

/* Returns the fd, or -1 with errno. */
static int
listen_inet(const struct conf_listener *l, int family)
{
	struct sockaddr_storage ss;
	socklen_t len;
	int fd, saved, on = 1;

	len = conf_listener_sockaddr(l, family, &ss);
	fd = socket(ss.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (fd == -1)
		return (-1);
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1 ||
	    (ss.ss_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6,
	    IPV6_V6ONLY, &on, sizeof(on)) == -1) ||
	    bind(fd, (struct sockaddr *)&ss, len) == -1 ||
	    listen(fd, BACKLOG) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return (-1);
	}
	return (fd);
}

static void
add(struct listeners *set, const struct conf_listener *conf, int fd,
    bool fresh)
{
	struct listener *list, *l;

	list = reallocarray(set->list, set->count + 1, sizeof(*list));
	if (list == NULL)
		fatal("out of memory");
	set->list = list;
	l = &list[set->count++];
	l->conf = conf;
	l->fd = fd;
	l->fresh = fresh;
	bound_name(fd, l->bound, sizeof(l->bound));
}

static bool
open_one(struct listeners *set, const struct conf_listener *conf, int family,
    struct conf_errors *errs)
{
	char name[192];
	int fd;

	if (conf->kind == CONF_LISTEN_UNIX)
		fd = listen_unix(conf->path, UNIX_MODE, BACKLOG);
	else
		fd = listen_inet(conf, family);
	if (fd != -1) {
		add(set, conf, fd, true);
		return (true);
	}
	conf_listener_name(conf, name, sizeof(name));
	complain(errs, &conf->pos, "cannot listen on %s: %s", name,
	    strerror(errno));
	return (false);
}

/* "*": both families; a machine without one of them still listens. */
static void
open_any(struct listeners *set, const struct conf_listener *conf,
    struct conf_errors *errs)
{
	struct conf_listener pinned = *conf;
	const struct sockaddr_in *sin;
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	int fd;

	if (!open_one(set, conf, AF_INET, errs))
		return;
	/* Port 0: both families get the one that was picked first. */
	fd = set->list[set->count - 1].fd;
	if (pinned.port == 0 &&
	    getsockname(fd, (struct sockaddr *)&ss, &len) == 0) {
		sin = (const void *)&ss;
		pinned.port = ntohs(sin->sin_port);
	}
	if ((fd = listen_inet(&pinned, AF_INET6)) != -1)
		add(set, conf, fd, true);
	else if (errno == EAFNOSUPPORT || errno == EADDRNOTAVAIL)
		log_warn("no IPv6 on this machine: listening on IPv4 only");
	else
		complain(errs, &conf->pos, "cannot listen on * port %u "
		    "(IPv6): %s", pinned.port, strerror(errno));
}

/* What bind(2) would see; insecure is about who may use it. */
static bool
same_address(const struct conf_listener *a, const struct conf_listener *b)
{
	if (a->kind != b->kind)
		return (false);
	if (a->kind == CONF_LISTEN_UNIX)
		return (strcmp(a->path, b->path) == 0);
	return (a->port == b->port &&
	    memcmp(a->addr, b->addr, sizeof(a->addr)) == 0);
}

/* Take over the sockets of the same address; false if there are none. */
static bool
take_over(struct listeners *set, const struct conf_listener *conf,
    const struct listeners *old)
{
	bool found = false;
	size_t i;
	int fd;

	for (i = 0; i < old->count; i++) {
		if (!same_address(conf, old->list[i].conf))
			continue;
		fd = fcntl(old->list[i].fd, F_DUPFD_CLOEXEC, 0);
		if (fd == -1)
			fatal("dup of a listener: %s", strerror(errno));
		add(set, conf, fd, false);
		found = true;
	}
	return (found);
}

bool
listeners_open(const struct conf *conf, const struct listeners *old,
    struct listeners *set, struct conf_errors *errs)
{
	const struct conf_listener *l;
	size_t before = errs->nerrors, i;

	memset(set, 0, sizeof(*set));
	for (i = 0; i < conf->nlisteners; i++) {
		l = &conf->listeners[i];
		if (take_over(set, l, old))
			continue;
		if (l->kind == CONF_LISTEN_ANY)
			open_any(set, l, errs);
		else
			(void)open_one(set, l, AF_UNSPEC, errs);
	}
	if (errs->nerrors == before)
		return (true);
	listeners_close(set, old);
	return (false);
}

static bool
has_path(const struct listeners *set, const char *path)
{
	size_t i;

	for (i = 0; set != NULL && i < set->count; i++) {
		if (set->list[i].conf->kind == CONF_LISTEN_UNIX &&
		    strcmp(set->list[i].conf->path, path) == 0)
			return (true);
	}
	return (false);
}

void
listeners_close(struct listeners *set, const struct listeners *keep)
{
	const struct conf_listener *conf;
	size_t i;

	for (i = 0; i < set->count; i++) {
		conf = set->list[i].conf;
		if (conf->kind == CONF_LISTEN_UNIX &&
		    !has_path(keep, conf->path))
			(void)unlink(conf->path);
		close(set->list[i].fd);
	}
	free(set->list);
	memset(set, 0, sizeof(*set));
}
