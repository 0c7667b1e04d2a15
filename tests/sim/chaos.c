/* SPDX-License-Identifier: ISC */
/* The disorder: what goes wrong, by the seed. */
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/proc.h"
#include "tests/sim/chaos.h"
#include "tests/sim/child.h"
#include "tests/sim/home.h"
#include "tests/sim/node.h"

static struct {
	int64_t		 until_us;
	int64_t		 every_us;	/* on average */
	int64_t		 call_us;	/* between calls, on average */
	struct timer	 next, call;
} chaos;

static struct node *
any_main(void)
{
	return (sim.mains[rnd(sim.n_mains)]);
}

static struct home *
any_home(void)
{
	return (sim.homes[rnd(sim.n_homes)]);
}

/* Short as a hiccup, or longer than a link lives. */
static int64_t
some_time(void)
{
	return (chance(50) ? rnd_between(0, 10 * US_PER_S) :
	    rnd_between(10 * US_PER_S, 100 * US_PER_S));
}

/* --- paths and links --- */

static void
cut(const struct host *a, const struct host *b, int64_t us)
{
	unsigned int	how = rnd(3);

	if (how != 1)
		net_cut(a, b, us);
	if (how != 2)
		net_cut(b, a, us);
}

static void
cut_mains(void)
{
	const struct node	*a = any_main(), *b = any_main();
	int64_t			 us = some_time();

	sim_say("path of %s and %s is cut for %.1f s", a->id, b->id,
	    (double)us / US_PER_S);
	cut(a->host, b->host, us);
}

static void
cut_home(void)
{
	const struct home	*h = any_home();
	int64_t			 us = some_time();

	sim_say("path of %s and m%u is cut for %.1f s", h->id, h->at,
	    (double)us / US_PER_S);
	cut(h->host, sim.mains[h->at]->host, us);
}

static void
isolate(void)
{
	const struct node	*n = any_main();
	int64_t			 us = some_time();
	unsigned int		 i;

	sim_say("%s is cut off for %.1f s", n->id, (double)us / US_PER_S);
	for (i = 0; i < sim.n_mains; i++)
		if (sim.mains[i] != n)
			cut(n->host, sim.mains[i]->host, us);
}

static void
break_link(void)
{
	struct node		*a = any_main();
	const struct node	*b = any_main();

	if (frontend_break(a, chance(60) ? b->id : any_home()->id))
		sim_say("a link of %s breaks", a->id);
}

static void
slow_link(void)
{
	struct node	*a = any_main();
	int64_t		 us = rnd_between(1, 20) * US_PER_S;

	if (frontend_slow(a, chance(60) ? any_main()->id : any_home()->id, us))
		sim_say("a link of %s is slow", a->id);
}

/* --- Mains --- */

static void
stall(void)
{
	static const enum proc_id	ids[] = {
		PROC_FRONTEND, PROC_DIALER, PROC_ROUTER, PROC_REGISTRY
	};
	struct node	*n = any_main();
	enum proc_id	 id = ids[rnd(4)];

	if (!n->up || n->proc[id] == NULL)
		return;
	sim_say("%s: %s stalls", n->id, proc_name(id));
	child_stall(n->proc[id], rnd_between(1, 1500) * US_PER_MS);
}

static void
kill_process(void)
{
	static const enum proc_id	ids[] = {
		PROC_FRONTEND, PROC_DIALER, PROC_ROUTER, PROC_REGISTRY,
		PROC_REGISTRY
	};

	struct node	*n = any_main();

	node_kill(n, ids[rnd(5)]);
}

static void
start_main(void *arg)
{
	node_start(arg);
}

static void
restart_main(void)
{
	struct node	*n = any_main();

	if (!n->up)
		return;
	node_stop(n, chance(40));
	sim_later(some_time(), start_main, n);
}

static void
change_peers(void)
{
	struct node	*a = any_main(), *b = any_main();
	char		 url[128];
	unsigned int	 op = 1 + rnd(3);

	if (a == b)
		return;
	snprintf(url, sizeof(url), "ws://%s.example:8081/ws/peers", b->id);
	sim_say("%s: peer %s %s", a->id, op == 1 ? "add" : op == 2 ?
	    "delete" : "reset", url);
	parent_ctl_peer(a, op, url, chance(50));
}

/* Both at once, as after a cut. */
static void
both_dial(void)
{
	const struct node	*a = any_main(), *b = any_main();

	if (a != b)
		chaos_redial(a->index, b->index);
}

void
chaos_redial(unsigned int a, unsigned int b)
{
	parent_ctl_peer(sim.mains[a], 3, sim.mains[b]->id, false);
	parent_ctl_peer(sim.mains[b], 3, sim.mains[a]->id, false);
}

/* What discovery must find out by itself. */
static void
lose_rows(void)
{
	if (sim.loses_rows)
		sim.lose_rows = 1 + rnd(2);
}

static void
reload(void)
{
	struct node	*n = any_main();

	if (!n->up)
		return;
	if (rules_are_there() && chance(80))
		rules_choose(n);
	node_reload(n);
}

/* --- homes --- */

static void
start_home(void *arg)
{
	if (!sim.calm)
		home_start(arg);
}

static void
restart_home(void)
{
	struct home	*h = any_home();

	home_stop(h, chance(40));
	sim_later(some_time() / 2, start_home, h);
}

static void
move_home(void)
{
	struct home	*h = any_home();
	unsigned int	 to = rnd(sim.n_mains);

	home_move(h, to, chance(30));
}

static void
change_services(void)
{
	struct home	*h = any_home();

	home_offer(h, (uint8_t)rnd(1U << HOME_SERVICES));
}

static void
change_health(void)
{
	struct home	*h = any_home();

	home_unhealthy(h, (uint8_t)(chance(50) ? 0 :
	    rnd(1U << HOME_SERVICES)));
}

/* --- all of it --- */

struct kind {
	unsigned int	weight;
	void		(*happen)(void);
};

static const struct kind	kinds[] = {
	{ 8, cut_mains }, { 4, cut_home }, { 2, isolate }, { 8, break_link },
	{ 4, slow_link }, { 6, stall }, { 6, kill_process },
	{ 4, restart_main }, { 3, change_peers }, { 2, reload },
	{ 8, restart_home }, { 8, move_home }, { 8, change_services },
	{ 4, change_health }, { 4, both_dial },
	{ 6, lose_rows },
};

static void
happen(void *arg)
{
	const struct kind	*k = arg;

	if (!sim.calm)
		k->happen();
}

static void
call_now(void *arg)
{
	(void)arg;
	call_make();
}

/* Calls that are on their way while it happens. */
static void
calls_around(void)
{
	unsigned int	i, n = rnd(12);

	for (i = 0; i < n; i++)
		sim_later(rnd_between(0, 150 * US_PER_MS), call_now, NULL);
}

static void
on_next(void *arg)
{
	unsigned int	i, sum = 0, r;

	(void)arg;
	if (sim.now_us >= chaos.until_us)
		return;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		sum += kinds[i].weight;
	r = rnd(sum);
	for (i = 0; r >= kinds[i].weight; i++)
		r -= kinds[i].weight;
	sim.stats.disorder++;
	calls_around();
	if (chance(50))
		sim_later(100 * US_PER_MS, happen,
		    (void *)(uintptr_t)&kinds[i]);
	else
		kinds[i].happen();
	timer_in(&chaos.next, rnd_between(0, 2 * chaos.every_us));
}

static void
on_call(void *arg)
{
	(void)arg;
	if (sim.now_us >= chaos.until_us)
		return;
	call_make();
	timer_in(&chaos.call, rnd_between(0, 2 * chaos.call_us));
}

void
chaos_begin(int64_t until_us)
{
	chaos.until_us = until_us;
	chaos.every_us = rnd_between(500, 8000) * US_PER_MS;
	chaos.call_us = rnd_between(50, 1000) * US_PER_MS;
	timer_init(&chaos.next, on_next, NULL);
	timer_init(&chaos.call, on_call, NULL);
	timer_in(&chaos.next, rnd_between(0, 10 * US_PER_S));
	timer_in(&chaos.call, 2 * US_PER_S);
}

/* A clone stays away now: one of two that have one id. */
static bool
has_twin_before(const struct home *h)
{
	unsigned int	i;

	for (i = 0; i < h->index; i++) {
		if (strcmp(sim.homes[i]->id, h->id) == 0)
			return (true);
	}
	return (false);
}

bool
chaos_lost_main(void)
{
	unsigned int	i;

	for (i = 0; i < sim.n_mains; i++) {
		if (sim.mains[i]->gone)
			return (true);
	}
	return (false);
}

static void
lose_main(void)
{
	struct node	*n = any_main();

	node_stop(n, chance(50));
	n->gone = true;
}

void
chaos_end(void)
{
	unsigned int	i;

	sim_say("calm");
	sim.calm = true;
	sim.lose_rows = 0;
	sim.link_high = LIMIT_SESSION_HIGH;
	sim.link_low = LIMIT_SESSION_LOW;
	net_heal();
	if (sim.n_mains > 1 && chance(15))
		lose_main();
	for (i = 0; i < sim.n_mains; i++)
		node_start(sim.mains[i]);
	for (i = 0; i < sim.n_homes; i++) {
		if (has_twin_before(sim.homes[i]))
			home_stop(sim.homes[i], false);
		else
			home_start(sim.homes[i]);
	}
}
