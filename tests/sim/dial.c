/* SPDX-License-Identifier: ISC */
/*
 * The real dialer on the simulated network: what dial.c and resolve.c have in
 * its program.
 */
#include <stdlib.h>

#include "relayd/dialer/dialer.h"
#include "tests/sim/child.h"
#include "tests/sim/net.h"
#include "tests/sim/node.h"
#include "tests/sim/programs.h"

const struct program	program_dialer = {
	dialer_main, sizeof(struct dialer)
};

struct dial {
	struct dialer	*d;
	struct child	*child;
	struct net_dial	*net;
	dial_done	 done;
	void		*arg;
	struct timer	 unknown;	/* there is no such host */
};

void
resolver_init(struct resolver *r, struct event_base *base)
{
	r->base = base;
}

static void
finish(struct dial *k, int fd, const char *error)
{
	struct child	*c = k->child;
	dial_done	 done = k->done;
	void		*arg = k->arg;

	timer_del(&k->unknown);
	free(k);
	sim.running = c;
	done(arg, fd, "192.0.2.1:8081", error);
	sim.running = NULL;
}

/* A dialer that died in between has nothing to be told. */
static void
on_connected(void *arg, struct net_end *end, const char *why)
{
	struct dial	*k = arg;

	k->net = NULL;
	if (k->child->alive)
		finish(k, end == NULL ? -1 : fd_of(end), why);
	else if (end != NULL)
		net_close(end);
}

static void
on_unknown(void *arg)
{
	struct dial	*k = arg;

	if (k->child->alive)
		finish(k, -1, "name not known");
}

struct dial *
dial_start(struct dialer *d, const char *host, uint16_t port, dial_done done,
    void *arg)
{
	struct node	*to = node_at(host, port);
	struct dial	*k = sim_alloc(sizeof(*k));

	k->d = d;
	k->child = d->child;
	k->done = done;
	k->arg = arg;
	timer_init(&k->unknown, on_unknown, k);
	if (to == NULL)
		timer_in(&k->unknown, 5 * US_PER_MS);
	else
		k->net = net_connect(d->child->node->host, to->host,
		    on_connected, k);
	return (k);
}

void
dial_cancel(struct dial *k)
{
	if (k->net != NULL)
		net_cancel(k->net);
	timer_del(&k->unknown);
	free(k);
}
