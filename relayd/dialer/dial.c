/* SPDX-License-Identifier: ISC */
/* One host to one connected socket: look up, race, hand over. */
#include <sys/socket.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <bsd/string.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "relayd/dialer/dialer.h"

/* One address that is being connected to. */
struct runner_io {
	struct dial	*dial;
	int		 fd;		/* -1: none */
	struct event	*ev;
};

struct dial {
	struct dialer	*d;
	char		 host[256];
	uint16_t	 port;
	dial_done	 done;
	void		*arg;
	struct lookup	*lookup;
	bool		 looked_up;
	struct race	 race;
	struct runner_io io[LIMIT_DIAL_ADDRESSES];
	struct event	*timer;
	char		 error[DIAL_ERROR];
};

static void	step(struct dial *);

static void
add_error(struct dial *k, const char *where, const char *what)
{
	size_t	len = strlen(k->error);

	snprintf(k->error + len, sizeof(k->error) - len, "%s%s%s%s",
	    len > 0 ? "; " : "", where, *where != '\0' ? ": " : "", what);
}

static void
runner_stop(struct runner_io *io)
{
	if (io->ev != NULL)
		event_free(io->ev);
	if (io->fd != -1)
		close(io->fd);
	io->ev = NULL;
	io->fd = -1;
}

void
dial_cancel(struct dial *k)
{
	size_t	i;

	if (k->lookup != NULL)
		lookup_cancel(k->lookup);
	for (i = 0; i < LIMIT_DIAL_ADDRESSES; i++)
		runner_stop(&k->io[i]);
	event_free(k->timer);
	free(k);
}

/* The end: k is gone when the callee has been told. */
static void
finish(struct dial *k, int fd, const char *address)
{
	dial_done	 done = k->done;
	void		*arg = k->arg;
	char		 error[DIAL_ERROR];

	strlcpy(error, k->error, sizeof(error));
	dial_cancel(k);
	done(arg, fd, address, error);
}

static void
runner_failed(struct dial *k, size_t i, int error)
{
	char	name[64];

	race_name(&k->race.addrs[i], name, sizeof(name));
	add_error(k, name, strerror(error));
	runner_stop(&k->io[i]);
	race_failed(&k->race, i, monotime_now());
}

static void
runner_won(struct dial *k, size_t i)
{
	char	name[64];
	int	fd = k->io[i].fd;

	race_name(&k->race.addrs[i], name, sizeof(name));
	event_free(k->io[i].ev);
	k->io[i].ev = NULL;
	k->io[i].fd = -1;
	finish(k, fd, name);
}

static void
on_connect(evutil_socket_t fd, short what, void *arg)
{
	struct runner_io	*io = arg;
	struct dial		*k = io->dial;
	size_t			 i = (size_t)(io - k->io);
	socklen_t		 len = sizeof(int);
	int			 error = 0;

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
		error = errno;
	if (error == 0) {
		runner_won(k, i);
		return;
	}
	runner_failed(k, i, error);
	step(k);
}

/* Begin to connect to address i; returns 0 or the errno it failed with. */
static int
runner_start(struct dial *k, size_t i)
{
	const union race_sockaddr *a = &k->race.addrs[i];
	struct runner_io	*io = &k->io[i];
	int			 one = 1;

	k->d->dials++;
	io->fd = socket(a->sa.sa_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP);
	if (io->fd == -1)
		return (errno);
	/* Messages are gathered before they are written: never wait here. */
	(void)setsockopt(io->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(io->fd, &a->sa, race_len(a)) == -1 &&
	    errno != EINPROGRESS)
		return (errno);
	io->ev = event_new(k->d->base, io->fd, EV_WRITE, on_connect, io);
	if (io->ev == NULL || event_add(io->ev, NULL) == -1)
		return (ENOMEM);
	return (0);
}

static void
set_timer(struct dial *k, int64_t ms)
{
	struct timeval	tv = { ms / 1000, (ms % 1000) * 1000 };

	(void)evtimer_add(k->timer, &tv);
}

/* Do what is due; k may be gone afterwards. */
static void
step(struct dial *k)
{
	struct monotime	now = monotime_now();
	enum race_do	what;
	size_t		i;
	int		error;

	while ((what = race_poll(&k->race, now, &i)) == RACE_DO_START) {
		if ((error = runner_start(k, i)) != 0)
			runner_failed(k, i, error);
	}
	switch (what) {
	case RACE_DO_TIMEOUT:
		add_error(k, "", k->looked_up ? "no connection in time" :
		    "no address in time");
		finish(k, -1, "");
		return;
	case RACE_DO_LOST:
		if (k->looked_up) {
			finish(k, -1, "");
			return;
		}
		break;
	case RACE_DO_WAIT:
	case RACE_DO_START:
		break;
	}
	set_timer(k, race_timer_ms(&k->race, now));
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	step(arg);
}

/* The look-up is over; what is next comes from the timer. */
static void
on_lookup(void *arg, const char *error)
{
	struct dial	*k = arg;

	k->lookup = NULL;
	k->looked_up = true;
	if (error != NULL)
		add_error(k, k->host, error);
	else if (k->race.n == 0)
		add_error(k, k->host, "no address");
	race_order(&k->race, monotime_now());
	set_timer(k, 0);
}

struct dial *
dial_start(struct dialer *d, const char *host, uint16_t port, dial_done done,
    void *arg)
{
	struct dial	*k;
	struct lookup	*lookup;
	struct monotime	 now = monotime_now();
	size_t		 i;

	if ((k = calloc(1, sizeof(*k))) == NULL ||
	    (k->timer = evtimer_new(d->base, on_timer, k)) == NULL)
		fatal("out of memory");
	k->d = d;
	strlcpy(k->host, host, sizeof(k->host));
	k->port = port;
	k->done = done;
	k->arg = arg;
	for (i = 0; i < LIMIT_DIAL_ADDRESSES; i++) {
		k->io[i].dial = k;
		k->io[i].fd = -1;
	}
	race_init(&k->race, now);
	set_timer(k, LIMIT_DIAL_MS);
	lookup = lookup_start(&d->resolver, host, port, &k->race, on_lookup, k);
	if (!k->looked_up)
		k->lookup = lookup;
	return (k);
}
