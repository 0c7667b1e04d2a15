/* SPDX-License-Identifier: ISC */
/*
 * Connections: life and sending.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "common/log.h"
#include "relayd/frontend/frontend.h"

static void	on_write(evutil_socket_t, short, void *);

/* The address for a log line; good until the next call. */
const char *
conn_addr(const struct conn *c)
{
	return (addr_text(&c->addr, c->fe->addr_buf));
}

static void
schedule_turn(struct frontend *fe)
{
	if (fe->turn_due)
		return;
	fe->turn_due = true;
	event_active(fe->turn, EV_TIMEOUT, 0);
}

void
conn_count(struct conn *c)
{
	struct frontend	*fe = c->fe;
	/* what was sent of it still takes memory */
	size_t		 out = c->dead ? 0 : c->ws.out.len;
	size_t		 part = c->dead ? 0 : c->ws.join_cap;

	fe->out_octets += out - c->out_counted;
	c->out_counted = out;
	fe->part_octets += part - c->part_counted;
	c->part_counted = part;
}

void
conn_dirty(struct conn *c)
{
	conn_count(c);
	if (c->dirty || c->dead || c->wr != NULL)
		return;
	c->dirty = true;
	TAILQ_INSERT_TAIL(&c->fe->dirty, c, turn_e);
	schedule_turn(c->fe);
}

void
conn_write_on(struct conn *c)
{
	if (c->wr != NULL)
		return;
	c->wr = event_new(c->fe->base, c->io.fd, EV_WRITE | EV_PERSIST,
	    on_write, c);
	if (c->wr == NULL)
		fatal("out of memory for an event");
	event_add(c->wr, NULL);
}

void
conn_write_off(struct conn *c)
{
	if (c->wr != NULL)
		event_free(c->wr);
	c->wr = NULL;
}

/* --- life --- */

struct conn *
conn_new(struct frontend *fe, int fd, const struct addr *addr, bool local)
{
	struct conn	*c = calloc(1, sizeof(*c));
	int		 on = 1;

	if (c == NULL)
		fatal("out of memory for a connection");
	if (!addr->local)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
		    sizeof(on));
	c->fe = fe;
	c->io.fd = fd;
	c->addr = *addr;
	c->local = local;
	c->due = DUE_NONE;
	c->id = id64_next(&fe->ids);
	c->rx_ms = monotime_now().ms;
	event_assign(&c->rd, fe->base, fd, EV_READ | EV_PERSIST,
	    conn_on_read, c);
	idmap_add(&fe->by_id, c->id, c);
	TAILQ_INSERT_TAIL(&fe->all, c, all);
	fe->nconns++;
	conn_due(c, DUE_HANDSHAKE);
	conn_read_on(c);
	conn_start_tick(fe);
	return (c);
}

void
conn_kill(struct conn *c, const char *why)
{
	struct frontend	*fe = c->fe;

	if (c->dead)
		return;
	log_debug("connection from %s: ended: %s", conn_addr(c), why);
	http_cancel(c);
	if (c->session != 0 || c->up != NULL)
		link_down(c, why);
	c->dead = true;
	conn_count(c);
	conn_due(c, DUE_NONE);
	conn_read_off(c);
	conn_write_off(c);
	conn_io_close(&c->io);
	idmap_remove(&fe->by_id, c->id);
	if (c->parked)
		TAILQ_REMOVE(&fe->parked, c, park_e);
	if (c->dirty)
		TAILQ_REMOVE(&fe->dirty, c, turn_e);
	TAILQ_REMOVE(&fe->all, c, all);
	TAILQ_INSERT_TAIL(&fe->dead, c, turn_e);
	if (c->half)
		half_end(fe, &c->addr);
	if (c->counted)
		addrtab_leave(&fe->addrs, &c->addr);
	fe->nconns--;
	schedule_turn(fe);
}

static void
conn_free(struct conn *c)
{
	http_free(c);
	wsio_clear(&c->ws);
	free(c->node);
	free(c);
}

/* --- sending --- */

/* All that was queued has left. */
static void
drained(struct conn *c)
{
	conn_write_off(c);
	switch (c->state) {
	case CONN_LINGER:
		if (!c->reading && !c->parked) {
			conn_kill(c, "closed");	/* EOF came before */
			break;
		}
		/* FALLTHROUGH */
	case CONN_CLOSING:
		if (c->shut || (c->state == CONN_CLOSING &&
		    c->ws.state != WSIO_CLOSED))
			break;
		conn_io_shutdown(&c->io);
		c->shut = true;
		conn_due(c, DUE_CLOSE);
		break;
	case CONN_LINK:
		link_queue(c);
		break;
	case CONN_HEAD:
		conn_read_on(c);
		http_step(c);
		break;
	default:
		break;
	}
}

void
conn_flush(struct conn *c)
{
	size_t	before = sendq_len(&c->ws.out);
	int	sent;

	if (c->handshake)
		return;		/* it waits until TLS is there */
	sent = sendq_flush(&c->ws.out, &c->io);
	conn_count(c);
	switch (sent) {
	case 0:
		drained(c);
		return;
	case IO_FAIL:
		conn_kill(c, conn_io_error(&c->io));
		return;
	}
	conn_write_on(c);
	if (c->state == CONN_LINK)
		link_queue(c);
	else if (c->fe->out_octets > LIMIT_OUTPUT &&
	    c->out_counted > LIMIT_SESSION_LOW)
		conn_kill(c, "slow: too much is queued in all");
	else if (c->due == DUE_IDLE && sendq_len(&c->ws.out) < before)
		conn_due(c, DUE_IDLE);
}

static void
on_write(evutil_socket_t fd, short what, void *arg)
{
	struct conn	*c = arg;

	(void)fd;
	(void)what;
	if (c->handshake)
		handshake_step(c);
	else
		conn_flush(c);
}

void
conn_linger(struct conn *c)
{
	c->state = CONN_LINGER;
	http_free(c);
	conn_due(c, DUE_IDLE);
	conn_read_on(c);
	conn_dirty(c);
}

void
conn_closing(struct conn *c)
{
	if (c->state == CONN_CLOSING)
		return;
	c->state = CONN_CLOSING;
	conn_due(c, DUE_CLOSE);
	conn_dirty(c);
}

void
conn_turn(evutil_socket_t fd, short what, void *arg)
{
	struct frontend	*fe = arg;
	struct conn	*c;

	(void)fd;
	(void)what;
	fe->turn_due = false;
	while ((c = TAILQ_FIRST(&fe->dirty)) != NULL) {
		TAILQ_REMOVE(&fe->dirty, c, turn_e);
		c->dirty = false;
		conn_flush(c);
	}
	while ((c = TAILQ_FIRST(&fe->dead)) != NULL) {
		TAILQ_REMOVE(&fe->dead, c, turn_e);
		conn_free(c);
	}
	if (fe->stopping && fe->nconns == 0)
		child_exit(fe->child);
}
