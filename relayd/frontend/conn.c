/* SPDX-License-Identifier: ISC */
/*
 * Connections: life, lists of deadlines, reading and flushing.
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

static const int64_t due_ms[DUE_MAX] = {
	[DUE_HANDSHAKE] = LIMIT_HANDSHAKE_MS,
	[DUE_BODY] = LIMIT_HTTP_BODY_MS,
	[DUE_IDLE] = LIMIT_HTTP_IDLE_MS,
	[DUE_PING] = LIMIT_PING_MS,
	[DUE_CLOSE] = LIMIT_CLOSE_MS,
};

static void	on_read(evutil_socket_t, short, void *);
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
conn_due(struct conn *c, enum due_list list)
{
	struct frontend	*fe = c->fe;

	if (c->due != DUE_NONE)
		TAILQ_REMOVE(&fe->due[c->due], c, due_e);
	c->due = (uint8_t)list;
	if (list == DUE_NONE)
		return;
	c->deadline_ms = monotime_now().ms + due_ms[list];
	TAILQ_INSERT_TAIL(&fe->due[list], c, due_e);
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
conn_read_on(struct conn *c)
{
	if (c->reading || c->parked || c->dead)
		return;
	c->reading = true;
	event_add(&c->rd, NULL);
	if (conn_io_ended(&c->io))
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

/* --- life --- */

static void
start_tick(struct frontend *fe)
{
	static const struct timeval	tv = { 0, TICK_MS * 1000 };

	if (!evtimer_pending(fe->tick, NULL))
		evtimer_add(fe->tick, &tv);
}

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
	event_assign(&c->rd, fe->base, fd, EV_READ | EV_PERSIST, on_read, c);
	idmap_add(&fe->by_id, c->id, c);
	TAILQ_INSERT_TAIL(&fe->all, c, all);
	fe->nconns++;
	conn_due(c, DUE_HANDSHAKE);
	conn_read_on(c);
	start_tick(fe);
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

/* --- receiving --- */

void
conn_heard(struct conn *c)
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
		conn_heard(c);
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
	if (conn_io_ended(&c->io) && c->reading)
		event_active(&c->rd, EV_READ, 0);
}

static void
on_read(evutil_socket_t fd, short what, void *arg)
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

/* --- deadlines --- */

static void
expire(struct conn *c)
{
	if (c->handshake) {
		handshake_expire(c);
		return;
	}
	switch (c->state) {
	case CONN_HEAD:
		if (c->due == DUE_HANDSHAKE && c->http != NULL)
			http_refuse(c, 408, 0, "request took too long", NULL);
		else
			conn_kill(c, "idle");
		break;
	case CONN_BODY:
		http_refuse(c, 408, 0, "body took too long", NULL);
		break;
	case CONN_AUTH:
		http_refuse(c, 503, 1000, "authentication took too long",
		    NULL);
		break;
	case CONN_LINK:
		wsio_ping(&c->ws, &c->fe->masks);
		conn_due(c, DUE_PING);
		conn_dirty(c);
		break;
	case CONN_DIAL:
	case CONN_DIALED:
		conn_kill(c, "upgrade took too long");
		break;
	default:
		conn_kill(c, "took too long to close");
		break;
	}
}

static void
sweep(struct frontend *fe, int64_t now)
{
	struct conn	*c;
	int		 i;

	for (i = 0; i < DUE_MAX; i++) {
		while ((c = TAILQ_FIRST(&fe->due[i])) != NULL &&
		    c->deadline_ms <= now)
			expire(c);
	}
	while ((c = TAILQ_FIRST(&fe->quiet)) != NULL &&
	    c->rx_ms + LIMIT_DEAD_MS <= now)
		conn_kill(c, "dead: nothing received");
}

void
conn_tick(evutil_socket_t fd, short what, void *arg)
{
	struct frontend	*fe = arg;
	int64_t		 now = monotime_now().ms;
	bool		 more;

	(void)fd;
	(void)what;
	sweep(fe, now);
	if (fe->accept_paused)
		listen_resume(fe);
	if (fe->stats.refused != fe->refused_told) {
		log_warn("connections refused: %llu, at the cap",
		    (unsigned long long)(fe->stats.refused -
		    fe->refused_told));
		fe->refused_told = fe->stats.refused;
	}
	more = half_tell(fe, now);
	if (fe->stopping && (fe->nconns == 0 || fe->stop_ms <= now))
		child_exit(fe->child);
	if (fe->nconns > 0 || fe->stopping || more)
		start_tick(fe);
}
