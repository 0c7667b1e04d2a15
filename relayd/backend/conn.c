/* SPDX-License-Identifier: ISC */
/* Bytes to and from services; what they mean is in conn_line and conn_http. */
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "relayd/backend/backend.h"

static void	on_read(evutil_socket_t, short, void *);
static void	conn_flush(struct conn *);

static void
on_write(evutil_socket_t fd, short what, void *arg)
{
	struct conn	*c = arg;

	(void)fd;
	(void)what;
	c->writing = false;
	conn_flush(c);
}

struct conn *
conn_new(struct svc *svc, int fd, uint32_t instance)
{
	struct backend	*b = svc->b;
	struct conn	*c;

	if ((c = calloc(1, sizeof(*c))) == NULL)
		fatal("out of memory");
	c->svc = svc;
	c->fd = fd;
	c->instance = instance;
	c->since = c->idle_since = monotime_now();
	c->read_ev = event_new(b->base, fd, EV_READ | EV_PERSIST, on_read, c);
	c->write_ev = event_new(b->base, fd, EV_WRITE, on_write, c);
	if (c->read_ev == NULL || c->write_ev == NULL)
		fatal("out of memory");
	/* What cannot be polled (a regular file) is no connection. */
	if (event_add(c->read_ev, NULL) == -1) {
		log_warn("service %s: its fd cannot be used", svc->name);
		event_free(c->read_ev);
		event_free(c->write_ev);
		free(c);
		return (NULL);
	}
	if (b->held)
		event_del(c->read_ev);
	pool_add_slot(&svc->pool, &c->slot, svc->kind == SVC_HTTP ? 1 : 0, c);
	TAILQ_INSERT_TAIL(&svc->conns, c, entry);
	if (svc->kind == SVC_HTTP)
		backend_tick(b);
	return (c);
}

void
conn_close(struct conn *c)
{
	struct svc	*svc = c->svc;

	if (c->dirty)
		TAILQ_REMOVE(&svc->b->dirty, c, dirty_entry);
	if (svc->kind == SVC_EXEC)
		svc->instances[c->instance].conn = NULL;
	pool_remove_slot(&c->slot);
	TAILQ_REMOVE(&svc->conns, c, entry);
	event_free(c->read_ev);
	event_free(c->write_ev);
	close(c->fd);
	buf_free(&c->in);
	buf_free(&c->out);
	hc_free(&c->http);
	free(c);
	if (svc->retired)
		backend_tick(svc->b);
}

void
conn_lost(struct conn *c, const char *reason)
{
	struct svc	*svc = c->svc;
	struct call	*call;
	int64_t		 held_ms;

	held_ms = monotime_diff_ms(monotime_now(), c->since);
	while ((call = TAILQ_FIRST(&c->slot.calls)) != NULL)
		answer_failed(svc->b, call, FAIL_CONNECTION_LOST,
		    EXECUTED_MAYBE, "service %s: %s", svc->name, reason);
	conn_close(c);
	svc_conn_lost(svc, reason, held_ms);
	svc_dispatch(svc);
}

/* --- sending --- */

void
conn_dirty(struct conn *c)
{
	struct backend	*b = c->svc->b;

	if (c->out.len > LIMIT_SERVICE_HIGH)
		c->slot.blocked = true;
	if (c->dirty || c->writing)
		return;
	c->dirty = true;
	if (TAILQ_EMPTY(&b->dirty))
		event_active(b->flush_ev, EV_WRITE, 0);
	TAILQ_INSERT_TAIL(&b->dirty, c, dirty_entry);
}

void
conn_send(struct conn *c, struct call *call)
{
	c->svc->stats.calls++;
	if (c->svc->kind == SVC_HTTP)
		http_send(c, call);
	else
		line_send(c, call);
}

/* Send what is queued; the connection may be freed by it. */
static void
conn_flush(struct conn *c)
{
	struct svc	*svc = c->svc;
	ssize_t		 n;

	while (c->out.len > 0) {
		n = send(c->fd, buf_data(&c->out), c->out.len, MSG_NOSIGNAL);
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1 && errno == EAGAIN) {
			c->writing = true;
			(void)event_add(c->write_ev, NULL);
			break;
		}
		if (n == -1) {
			/* What it answered before it went still counts. */
			buf_free(&c->out);
			c->slot.blocked = true;
			if (conn_drain(c))
				conn_lost(c, "it does not read any more");
			return;
		}
		buf_used(&c->out, (size_t)n);
	}
	if (c->slot.blocked && c->out.len < LIMIT_SERVICE_LOW) {
		c->slot.blocked = false;
		svc_dispatch(svc);
	}
}

void
conn_flush_all(struct backend *b)
{
	struct conn	*c;

	while ((c = TAILQ_FIRST(&b->dirty)) != NULL) {
		TAILQ_REMOVE(&b->dirty, c, dirty_entry);
		c->dirty = false;
		conn_flush(c);
	}
}

/* --- receiving --- */

static bool
conn_input(struct conn *c)
{
	return (c->svc->kind == SVC_HTTP ? http_input(c) : line_input(c));
}

/* The other side has closed, or it broke. */
static void
conn_eof(struct conn *c, int error)
{
	struct instance	*in;

	if (c->svc->kind == SVC_EXEC) {
		in = &c->svc->instances[c->instance];
		in->closed = true;
		in->closed_at = monotime_now();
		backend_tick(c->svc->b);
	}
	if (c->svc->kind == SVC_HTTP && error == 0)
		http_eof(c);
	else
		conn_lost(c, error == 0 ? "it closed the connection" :
		    strerror(error));
}

enum read { READ_MORE, READ_NOTHING, READ_FREED };

/* One receive, and what came with it. */
static enum read
read_once(struct conn *c)
{
	ssize_t	n;

	if (conn_held(c->svc->b))
		return (READ_NOTHING);
	/* Left over from when reading was on hold. */
	if (c->in.len > 0 && !conn_input(c))
		return (READ_FREED);
	n = recv(c->fd, buf_room(&c->in, LIMIT_SERVICE_RECV),
	    LIMIT_SERVICE_RECV, 0);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return (READ_NOTHING);
	if (n <= 0) {
		conn_eof(c, n == 0 ? 0 : errno);
		return (READ_FREED);
	}
	buf_added(&c->in, (size_t)n);
	return (conn_input(c) ? READ_MORE : READ_FREED);
}

static void
on_read(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)read_once(arg);
}

bool
conn_drain(struct conn *c)
{
	enum read	r = READ_MORE;
	unsigned int	i;

	/* No more than a socket holds: somebody may write for ever. */
	for (i = 0; i < LIMIT_SERVICE_DRAIN && r == READ_MORE; i++)
		r = read_once(c);
	return (r != READ_FREED);
}

/* Stop reading from all services. */
static void
hold_all(struct backend *b)
{
	struct svc	*svc;
	struct conn	*c;

	b->held = true;
	TAILQ_FOREACH(svc, &b->svcs, entry) {
		TAILQ_FOREACH(c, &svc->conns, entry)
			event_del(c->read_ev);
	}
}

bool
conn_held(struct backend *b)
{
	struct channel	*router = child_peer(b->child, PROC_ROUTER);

	if (!b->held && router != NULL && channel_congested(router))
		hold_all(b);
	return (b->held);
}

void
conn_resume_all(struct backend *b)
{
	struct svc	*svc;
	struct conn	*c;

	b->held = false;
	TAILQ_FOREACH(svc, &b->svcs, entry) {
		TAILQ_FOREACH(c, &svc->conns, entry) {
			(void)event_add(c->read_ev, NULL);
			/* What was read before is still to be handled. */
			event_active(c->read_ev, EV_READ, 0);
		}
	}
}
