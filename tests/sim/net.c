/* SPDX-License-Identifier: ISC */
/* See net.h. */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/net.h"

#define PING_US		(LIMIT_PING_MS * US_PER_MS)
#define DEAD_US		(LIMIT_DEAD_MS * US_PER_MS)
#define AGAIN_MIN_US	(200 * US_PER_MS)	/* TCP sends again */
#define AGAIN_MAX_US	(1500 * US_PER_MS)

/* A path that is cut, in one direction. */
struct cut {
	unsigned int	from, to;
	int64_t		until_us;
};

static struct {
	unsigned int	 n_hosts;
	struct cut	*cuts;
	size_t		 n_cuts;
	uint64_t	 connections;
} net;

/* --- hosts and paths --- */

struct host *
host_new(void)
{
	struct host	*h = sim_alloc(sizeof(*h));

	h->index = net.n_hosts++;
	LIST_INIT(&h->ends);
	return (h);
}

void
net_cut(const struct host *from, const struct host *to, int64_t us)
{
	net.cuts = realloc(net.cuts, (net.n_cuts + 1) * sizeof(*net.cuts));
	if (net.cuts == NULL)
		abort();
	net.cuts[net.n_cuts].from = from->index;
	net.cuts[net.n_cuts].to = to->index;
	net.cuts[net.n_cuts].until_us = sim.now_us + us;
	net.n_cuts++;
}

void
net_heal(void)
{
	size_t	i;

	for (i = 0; i < net.n_cuts; i++) {
		if (net.cuts[i].until_us > sim.now_us)
			net.cuts[i].until_us = sim.now_us;
	}
}

bool
net_is_cut(const struct host *from, const struct host *to)
{
	size_t	i;

	for (i = 0; i < net.n_cuts; i++) {
		if (net.cuts[i].from == from->index &&
		    net.cuts[i].to == to->index &&
		    net.cuts[i].until_us > sim.now_us)
			return (true);
	}
	return (false);
}

int64_t
net_cut_until(const struct host *a, const struct host *b)
{
	int64_t	us = 0;
	size_t	i;

	for (i = 0; i < net.n_cuts; i++) {
		if (((net.cuts[i].from == a->index &&
		    net.cuts[i].to == b->index) ||
		    (net.cuts[i].from == b->index &&
		    net.cuts[i].to == a->index)) && net.cuts[i].until_us > us)
			us = net.cuts[i].until_us;
	}
	return (us);
}

/* One way: 0.2 to 40 ms by the pair, and a little more by chance. */
static int64_t
delay_us(const struct host *a, const struct host *b)
{
	uint64_t	h = sim.conf.seed;
	int64_t		base;

	h = (h ^ (a->index + b->index)) * UINT64_C(0x9e3779b97f4a7c15);
	h = (h ^ (uint64_t)a->index * b->index) * UINT64_C(0xbf58476d1ce4e5b9);
	base = 200 + (int64_t)(h >> 40) % 40000;
	if (!sim.conf.costs && chance(2))
		base += rnd_between(0, 300 * US_PER_MS);
	return (base + rnd((uint32_t)base / 5 + 1));
}

/* --- ends --- */

static void
free_end(void *arg)
{
	struct net_end	*e = arg;
	struct net_msg	*m;

	while ((m = STAILQ_FIRST(&e->in)) != NULL) {
		STAILQ_REMOVE_HEAD(&e->in, entry);
		free(m);
	}
	free(e);
}

/* It is of no more use to its owner; the other end may still send to it. */
static void
end_shut(struct net_end *e)
{
	e->open = false;
	timer_del(&e->ping);
	timer_del(&e->dead);
	LIST_REMOVE(e, entry);
	net_pause(e, false);
}

/* Both sides are over and nothing is on its way. */
static void
free_over(struct net_end *e)
{
	struct net_end	*o = e->other;

	if (e->open || o->open || e->freed || !STAILQ_EMPTY(&e->in) ||
	    !STAILQ_EMPTY(&o->in))
		return;
	e->freed = o->freed = true;
	timer_del(&e->deliver);
	timer_del(&o->deliver);
	sim_later(0, free_end, o);
	sim_later(0, free_end, e);
}

/* It has ended, and its owner hears of it. */
static void
end_closed(struct net_end *e, const char *why)
{
	void	*arg = e->arg;

	if (!e->open)
		return;
	end_shut(e);
	if (e->ops != NULL)
		e->ops->closed(arg, e, why);
	free_over(e);
}

static void
tell_full(struct net_end *sender, bool full)
{
	if (sender->full == full || !sender->open || sender->ops == NULL ||
	    sender->ops->full == NULL)
		return;
	sender->full = full;
	sender->ops->full(sender->arg, sender, full);
}

void
net_send(struct net_end *e, enum net_kind kind, uint16_t code,
    const void *data, size_t len)
{
	struct net_end	*to = e->other;
	struct net_msg	*m;

	if ((m = malloc(sizeof(*m) + len + 1)) == NULL)
		abort();
	m->kind = kind;
	m->code = code;
	m->len = len;
	if (len > 0)
		memcpy(m->data, data, len);
	m->data[len] = '\0';
	m->at_us = sim.now_us + delay_us(e->host, to->host);
	if (m->at_us <= to->last_us)
		m->at_us = to->last_us + 1;
	to->last_us = m->at_us;
	STAILQ_INSERT_TAIL(&to->in, m, entry);
	to->in_bytes += len;
	if (to->deliver.pos == 0)
		timer_at(&to->deliver, m->at_us);
	if (to->in_bytes > sim.link_high)
		tell_full(e, true);
}

static void
take(struct net_end *e, struct net_msg *m)
{
	e->heard_us = sim.now_us;
	switch (m->kind) {
	case NET_PING:
		net_send(e, NET_PONG, 0, NULL, 0);
		break;
	case NET_PONG:
		break;
	case NET_FIN:
		end_closed(e, "closed");
		break;
	default:
		if (e->ops != NULL)
			e->ops->message(e->arg, e, m);
		break;
	}
}

/* The first message arrives, or has to wait. */
static void
on_deliver(void *arg)
{
	struct net_end	*e = arg;
	struct net_msg	*m = STAILQ_FIRST(&e->in);

	if (e->paused && e->open)
		return;
	if (net_is_cut(e->other->host, e->host) || e->slow_us > sim.now_us) {
		e->stalled_us = e->other->stalled_us = sim.now_us;
		timer_in(&e->deliver, rnd_between(AGAIN_MIN_US, AGAIN_MAX_US));
		return;
	}
	STAILQ_REMOVE_HEAD(&e->in, entry);
	e->in_bytes -= m->len;
	if (!STAILQ_EMPTY(&e->in))
		timer_at(&e->deliver, STAILQ_FIRST(&e->in)->at_us);
	if (e->in_bytes < sim.link_low)
		tell_full(e->other, false);
	if (e->open)
		take(e, m);
	else if (e->other->open && !e->host->crashed)
		/* Nobody is there, and the host says so. */
		net_send(e, NET_FIN, 0, NULL, 0);
	free(m);
	free_over(e);
}

static void
on_ping(void *arg)
{
	struct net_end	*e = arg;

	net_send(e, NET_PING, 0, NULL, 0);
	timer_in(&e->ping, PING_US);
}

static void
on_dead(void *arg)
{
	struct net_end	*e = arg;

	if (sim.now_us < e->heard_us + DEAD_US) {
		timer_at(&e->dead, e->heard_us + DEAD_US);
		return;
	}
	net_send(e, NET_FIN, 0, NULL, 0);
	end_closed(e, "dead");
}

static struct net_end *
end_new(struct host *h)
{
	struct net_end	*e = sim_alloc(sizeof(*e));

	e->host = h;
	e->open = true;
	STAILQ_INIT(&e->in);
	e->heard_us = sim.now_us;
	timer_init(&e->deliver, on_deliver, e);
	timer_init(&e->ping, on_ping, e);
	timer_init(&e->dead, on_dead, e);
	timer_in(&e->ping, PING_US);
	timer_in(&e->dead, DEAD_US);
	LIST_INSERT_HEAD(&h->ends, e, entry);
	return (e);
}

void
net_close(struct net_end *e)
{
	if (!e->open)
		return;
	net_send(e, NET_FIN, 0, NULL, 0);
	end_shut(e);
}

void
net_pause(struct net_end *e, bool pause)
{
	e->paused = pause;
	if (!pause && !STAILQ_EMPTY(&e->in) && e->deliver.pos == 0)
		timer_at(&e->deliver, STAILQ_FIRST(&e->in)->at_us);
}

void
net_drop_host(struct host *h, bool silent)
{
	struct net_end	*e;

	while ((e = LIST_FIRST(&h->ends)) != NULL) {
		if (!silent)
			net_send(e, NET_FIN, 0, NULL, 0);
		end_shut(e);
	}
}

/* --- connecting --- */

struct net_dial {
	struct host	*from, *to;
	net_connected	 done;
	void		*arg;
	struct timer	 timer;
	int64_t		 until_us;
};

static void
dial_end(struct net_dial *d, struct net_end *e, const char *why)
{
	net_connected	 done = d->done;
	void		*arg = d->arg;

	timer_del(&d->timer);
	free(d);
	done(arg, e, why);
}

static void
on_dial(void *arg)
{
	struct net_dial	*d = arg;
	struct net_end	*a, *b;

	if (d->to->crashed || net_is_cut(d->from, d->to) ||
	    net_is_cut(d->to, d->from)) {
		if (sim.now_us >= d->until_us)
			dial_end(d, NULL, "timed out");
		else
			timer_in(&d->timer, US_PER_S);
		return;
	}
	if (!d->to->listens) {
		dial_end(d, NULL, "connection refused");
		return;
	}
	net.connections++;
	a = end_new(d->from);
	b = end_new(d->to);
	a->other = b;
	b->other = a;
	d->to->accept(d->to->arg, b);
	dial_end(d, a, NULL);
}

struct net_dial *
net_connect(struct host *from, struct host *to, net_connected done, void *arg)
{
	struct net_dial	*d = sim_alloc(sizeof(*d));

	d->from = from;
	d->to = to;
	d->done = done;
	d->arg = arg;
	d->until_us = sim.now_us + LIMIT_DIAL_MS * US_PER_MS;
	timer_init(&d->timer, on_dial, d);
	timer_in(&d->timer, delay_us(from, to) + delay_us(to, from));
	return (d);
}

uint64_t
net_connections(void)
{
	return (net.connections);
}

void
net_cancel(struct net_dial *d)
{
	timer_del(&d->timer);
	free(d);
}
