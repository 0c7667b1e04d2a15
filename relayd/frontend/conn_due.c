/* SPDX-License-Identifier: ISC */
/*
 * Connections: what is due when, and what becomes of those that are late.
 */
#include "common/log.h"
#include "relayd/frontend/frontend.h"

static const int64_t due_ms[DUE_MAX] = {
	[DUE_HANDSHAKE] = LIMIT_HANDSHAKE_MS,
	[DUE_BODY] = LIMIT_HTTP_BODY_MS,
	[DUE_IDLE] = LIMIT_HTTP_IDLE_MS,
	[DUE_PING] = LIMIT_PING_MS,
	[DUE_CLOSE] = LIMIT_CLOSE_MS,
};

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
conn_start_tick(struct frontend *fe)
{
	static const struct timeval	tv = { 0, TICK_MS * 1000 };

	if (!evtimer_pending(fe->tick, NULL))
		evtimer_add(fe->tick, &tv);
}

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
		conn_start_tick(fe);
}
