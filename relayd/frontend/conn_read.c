/* SPDX-License-Identifier: ISC */
/*
 * Connections: receiving, and leaving unread what the router cannot take.
 */
#include "common/log.h"
#include "relayd/frontend/frontend.h"

void
conn_read_on(struct conn *c)
{
	if (c->reading || c->parked || c->dead)
		return;
	c->reading = true;
	event_add(&c->rd, NULL);
	if (conn_io_ready(&c->io))
		event_active(&c->rd, EV_READ, 0);
}

void
conn_read_off(struct conn *c)
{
	if (!c->reading)
		return;
	c->reading = false;
	event_del(&c->rd);
}

/* Leave it unread until the channel to the router has room. */
static void
park(struct conn *c)
{
	conn_read_off(c);
	c->parked = true;
	TAILQ_INSERT_TAIL(&c->fe->parked, c, park_e);
}

void
conn_unpark(struct frontend *fe)
{
	struct conn	*c;

	while ((c = TAILQ_FIRST(&fe->parked)) != NULL) {
		TAILQ_REMOVE(&fe->parked, c, park_e);
		c->parked = false;
		conn_read_on(c);
	}
}

/* --- receiving --- */

/* An octet came: a link is alive. */
static void
heard(struct conn *c)
{
	struct frontend	*fe = c->fe;
	int64_t		 now = monotime_now().ms;

	/* the list stays in order to within a second, and hot lines few */
	if (now - c->rx_ms < 1000)
		return;
	c->rx_ms = now;
	if (c->state == CONN_LINK) {
		TAILQ_REMOVE(&fe->quiet, c, quiet_e);
		TAILQ_INSERT_TAIL(&fe->quiet, c, quiet_e);
	}
}

/* The other side will send no more. */
static void
on_eof(struct conn *c)
{
	if (c->state == CONN_LINGER && (sendq_len(&c->ws.out) > 0 ||
	    conn_io_pending(&c->io)))
		conn_read_off(c);	/* it may still take the answer */
	else if (c->state == CONN_LINK || c->state == CONN_DIAL)
		conn_kill(c, "connection closed by the other side");
	else
		conn_kill(c, "closed");
}

/* n octets are in fe->recv. */
static void
input(struct conn *c, size_t n)
{
	struct frontend	*fe = c->fe;

	switch (c->state) {
	case CONN_LINK:
	case CONN_CLOSING:
		heard(c);
		link_input(c, fe->recv, n);
		break;
	case CONN_DIAL:
		uplink_input(c, fe->recv, n);
		break;
	case CONN_LINGER:
		break;
	default:
		if (!handshake_stray(c, fe->recv, n))
			http_input(c, fe->recv, n);
		break;
	}
}

/* Its first request is here, or was refused: it is not half open any more. */
static void
whole(struct conn *c)
{
	if ((c->state == CONN_HEAD || c->state == CONN_BODY) &&
	    c->due != DUE_IDLE)
		return;
	c->half = false;
	half_end(c->fe, &c->addr);
}

/* What a read of TLS leaves behind: an answer of its own, or an end. */
static void
after_tls(struct conn *c)
{
	if (conn_io_pending(&c->io))
		conn_dirty(c);
	if (conn_io_ready(&c->io) && c->reading)
		event_active(&c->rd, EV_READ, 0);
}

void
conn_on_read(evutil_socket_t fd, short what, void *arg)
{
	struct conn	*c = arg;
	struct frontend	*fe = c->fe;
	ssize_t		 n;

	(void)fd;
	(void)what;
	if (fe->router != NULL && channel_congested(fe->router) &&
	    c->state <= CONN_LINK) {
		park(c);
		return;
	}
	if (c->handshake) {
		handshake_step(c);
		return;
	}
	n = conn_io_read(&c->io, fe->recv, sizeof(fe->recv));
	handshake_again(c);
	if (n == IO_EOF)
		on_eof(c);
	else if (n == IO_FAIL)
		conn_kill(c, conn_io_error(&c->io));
	else if (n > 0)
		input(c, (size_t)n);
	if (c->half && !c->dead)
		whole(c);
	if (c->io.tls != NULL)
		after_tls(c);
}
