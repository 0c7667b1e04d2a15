/* SPDX-License-Identifier: ISC */
/*
 * Listeners: accepting within the caps, and what to do when there are no
 * descriptors left.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>

#include "common/log.h"
#include "relayd/frontend/frontend.h"

static const char busy[] = "HTTP/1.1 503 Service Unavailable\r\n"
    "Content-Type: application/json\r\nContent-Length: 32\r\n"
    "Retry-After: 1\r\nConnection: close\r\n\r\n"
    "{\"error\":\"too many connections\"}";

static void	on_accept(evutil_socket_t, short, void *);

void
listen_start(struct frontend *fe, struct listener *l)
{
	l->fe = fe;
	l->ev = event_new(fe->base, l->fd, EV_READ | EV_PERSIST, on_accept, l);
	if (l->ev == NULL || event_add(l->ev, NULL) == -1)
		fatal("out of memory for a listener");
	log_debug("listening on %s", l->address);
}

void
listen_stop(struct listener *l)
{
	if (l->ev != NULL)
		event_free(l->ev);
	l->ev = NULL;
	if (l->fd != -1)
		close(l->fd);
	l->fd = -1;
}

void
listen_resume(struct frontend *fe)
{
	size_t	i;

	fe->accept_paused = false;
	for (i = 0; i < fe->conf->nlisteners; i++)
		if (fe->conf->listeners[i].ev != NULL)
			event_add(fe->conf->listeners[i].ev, NULL);
}

/* Nothing can be accepted now: try again at the next tick. */
static void
pause_all(struct frontend *fe, const char *why)
{
	static const struct timeval	tv = { 0, TICK_MS * 1000 };
	size_t				i;

	log_warn("accepting paused: %s", why);
	fe->accept_paused = true;
	for (i = 0; i < fe->conf->nlisteners; i++)
		if (fe->conf->listeners[i].ev != NULL)
			event_del(fe->conf->listeners[i].ev);
	evtimer_add(fe->tick, &tv);
}

/* Tell a client why it cannot stay, as far as that goes without waiting. */
static void
turn_away(struct frontend *fe, int fd)
{
	static const struct timeval	tv = { 0, TICK_MS * 1000 };

	fe->stats.refused++;
	(void)send(fd, busy, sizeof(busy) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	(void)shutdown(fd, SHUT_WR);
	close(fd);
	if (!evtimer_pending(fe->tick, NULL))
		evtimer_add(fe->tick, &tv);
}

/*
 * Out of descriptors: give up the spare one to take a client off the queue
 * and turn it away.  False if that did not work either.
 */
static bool
use_spare(struct frontend *fe, int listen_fd)
{
	int	fd;

	if (fe->spare_fd == -1)
		return (false);
	close(fe->spare_fd);
	fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd != -1)
		turn_away(fe, fd);
	fe->spare_fd = fcntl(CHILD_FD, F_DUPFD_CLOEXEC, 0);
	return (fd != -1 && fe->spare_fd != -1);
}

/* Too many begin and do not go on: close it, and leave no trace. */
static void
drop(struct frontend *fe, int fd)
{
	static const struct linger	now = { .l_onoff = 1 };
	static const struct timeval	tv = { 0, TICK_MS * 1000 };

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
	if (!evtimer_pending(fe->tick, NULL))
		evtimer_add(fe->tick, &tv);
}

static void
take(struct listener *l, int fd, const struct sockaddr *sa)
{
	struct frontend	*fe = l->fe;
	struct addr	 addr;
	struct conn	*c;

	addr_set(&addr, sa);
	if (fe->nconns >= fe->conf->max_connections ||
	    fe->nconns >= fe->fd_max || !addrtab_enter(&fe->addrs, &addr,
	    fe->conf->max_per_address)) {
		turn_away(fe, fd);
		return;
	}
	if (!half_begin(fe, &addr)) {
		addrtab_leave(&fe->addrs, &addr);
		drop(fe, fd);
		return;
	}
	fe->stats.accepted++;
	c = conn_new(fe, fd, &addr, l->local && addr_is_loopback(&addr));
	c->counted = c->half = true;
	if (l->tls)
		handshake_accept(c);
}

static void
on_accept(evutil_socket_t listen_fd, short what, void *arg)
{
	struct listener		*l = arg;
	struct frontend		*fe = l->fe;
	struct sockaddr_storage	 ss;
	socklen_t		 len;
	int			 fd, i;

	(void)what;
	for (i = 0; i < LIMIT_ACCEPT_BUDGET; i++) {
		len = sizeof(ss);
		memset(&ss, 0, sizeof(ss));
		fd = accept4(listen_fd, (struct sockaddr *)&ss, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd != -1) {
			take(l, fd, (struct sockaddr *)&ss);
			continue;
		}
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return;
		if (errno == EMFILE || errno == ENFILE) {
			if (use_spare(fe, listen_fd))
				continue;
			pause_all(fe, "no descriptors");
			return;
		}
		if (errno == ENOMEM || errno == ENOBUFS) {
			pause_all(fe, strerror(errno));
			return;
		}
		/* the client is gone already, or the network had an error */
		if (errno != ECONNABORTED && errno != EINTR)
			log_debug("accept on %s: %s", l->address,
			    strerror(errno));
	}
}
