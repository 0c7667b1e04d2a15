/* SPDX-License-Identifier: ISC */
/* The life of a channel; channel_send.c and channel_recv.c move its bytes. */
#include <sys/socket.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/channel_priv.h"

int
channel_pair(int fds[2])
{
	int i, size = LIMIT_CHANNEL_SOCKBUF;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    fds) == -1)
		return (-1);
	for (i = 0; i < 2; i++) {
		/* A smaller buffer than asked for costs wake-ups, not more. */
		(void)setsockopt(fds[i], SOL_SOCKET, SO_SNDBUF, &size,
		    sizeof(size));
		(void)setsockopt(fds[i], SOL_SOCKET, SO_RCVBUF, &size,
		    sizeof(size));
	}
	return (0);
}

void
channel_raise(struct channel *ch, enum channel_fault fault, const char *fmt,
    ...)
{
	va_list ap;

	if (ch->closed)
		return;
	ch->closed = true;
	ch->fault = fault;
	va_start(ap, fmt);
	vsnprintf(ch->fault_text, sizeof(ch->fault_text), fmt, ap);
	va_end(ap);
	event_del(ch->read_ev);
	event_del(ch->write_ev);
	event_active(ch->fault_ev, EV_TIMEOUT, 0);
}

static void
on_fault(evutil_socket_t fd, short what, void *arg)
{
	struct channel *ch = arg;

	(void)fd;
	(void)what;
	ch->ops->fault(ch->arg, ch, ch->fault, ch->fault_text);
}

struct channel *
channel_new(struct event_base *base, int fd, enum proc_id self,
    enum proc_id peer, unsigned int phase, const struct channel_ops *ops,
    void *arg)
{
	struct channel *ch;

	if ((ch = calloc(1, sizeof(*ch))) == NULL)
		return (NULL);
	ch->base = base;
	ch->ops = ops;
	ch->arg = arg;
	ch->fd = -1;
	ch->self = self;
	ch->peer = peer;
	ch->phase = phase;
	ch->in_size = LIMIT_CHANNEL_RECV;
	ch->in = malloc(ch->in_size);
	wire_put_init(&ch->out, NULL, 0);
	ch->out.grow = channel_grow_out;
	ch->out.arg = ch;
	ch->read_ev = event_new(base, fd, EV_READ | EV_PERSIST, channel_on_read, ch);
	ch->write_ev = event_new(base, fd, EV_WRITE, channel_on_flush, ch);
	ch->flush_ev = event_new(base, -1, 0, channel_on_flush, ch);
	ch->fault_ev = event_new(base, -1, 0, on_fault, ch);
	if (ch->in == NULL || ch->read_ev == NULL || ch->write_ev == NULL ||
	    ch->flush_ev == NULL || ch->fault_ev == NULL ||
	    event_add(ch->read_ev, NULL) == -1) {
		channel_free(ch);
		errno = ENOMEM;
		return (NULL);
	}
	ch->fd = fd;
	return (ch);
}

static void
event_free_if(struct event *ev)
{
	if (ev != NULL)
		event_free(ev);
}

void
channel_free(struct channel *ch)
{
	size_t i;

	if (ch == NULL)
		return;
	event_free_if(ch->read_ev);
	event_free_if(ch->write_ev);
	event_free_if(ch->flush_ev);
	event_free_if(ch->fault_ev);
	for (i = 0; i < ch->n_in_fds; i++)
		close(ch->in_fds[i]);
	for (i = 0; i < ch->n_out_fds; i++)
		close(ch->out_fds[i].fd);
	if (ch->fd != -1)
		close(ch->fd);
	free(ch->in);
	free(ch->out.buf);
	free(ch);
}

void
channel_close(struct channel *ch)
{
	ch->closed = true;
	event_del(ch->read_ev);
	event_del(ch->write_ev);
	event_del(ch->flush_ev);
	event_del(ch->fault_ev);
}

enum proc_id
channel_peer(const struct channel *ch)
{
	return (ch->peer);
}

int
channel_fd(const struct channel *ch)
{
	return (ch->fd);
}

void
channel_set_phase(struct channel *ch, unsigned int phase)
{
	ch->phase = phase;
}

const struct channel_stats *
channel_stats(const struct channel *ch)
{
	return (&ch->stats);
}

void
channel_pause(struct channel *ch)
{
	if (ch->paused || ch->closed)
		return;
	ch->paused = true;
	event_del(ch->read_ev);
}

void
channel_resume(struct channel *ch)
{
	if (!ch->paused || ch->closed)
		return;
	ch->paused = false;
	event_add(ch->read_ev, NULL);
	/* What was received before the pause has not been handled yet. */
	if (ch->in_len > 0)
		event_active(ch->read_ev, EV_READ, 0);
}

bool
channel_congested(const struct channel *ch)
{
	return (ch->congested);
}
