/* SPDX-License-Identifier: ISC */
/* What must be true of every Main's view, while there is disorder and after. */
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "tests/sim/chaos.h"
#include "tests/sim/child.h"
#include "tests/sim/home.h"
#include "tests/sim/node.h"
#include "tests/sim/programs.h"

#define LOOK_US		(5 * US_PER_S)
/*
 * How long a home that is gone may be listed as live at another Main.  Its
 * own Main may need the death of the link to hear of it; when it then says so
 * on a link of peers that is cut just before, the other one takes as long to
 * find out.  The rest is for delays, frozen processes and the dead rule's
 * own grain.
 */
#define GHOST_US	(2 * LIMIT_DEAD_MS * US_PER_MS + 10 * US_PER_S)
/* The same where rows are lost: a digest finds out, or the one after. */
#define LOST_US		(GHOST_US + 2 * LIMIT_DIGEST_MS * US_PER_MS)
/*
 * From the moment two Mains dial each other to one link.  A link that is
 * refused has to wait 1 s for the next try, and that may meet another.
 */
#define REDIAL_US	(5 * US_PER_S)
#define PURGE_MS	(LIMIT_STALE_MS + 5000)
/*
 * Messages between processes in LOOK_US: many times what there is, and much
 * less than of two that answer each other without an end.
 */
#define STORM		20000
#define STORM_PAIR	100	/* for each Main and home */

/* --- ghosts, and what rules deny --- */

struct look {
	const struct node	*at;
	const char		*who;
	bool			 router;
};

static void
look_at_row(void *arg, const struct peek_row *row)
{
	const struct look	*l = arg;
	const struct node	*of = node_find(row->main_id);
	int64_t			 since_us = sim.now_us -
				    (sim.loses_rows ? LOST_US : GHOST_US);

	if (of == l->at && l->router)
		return;
	if (of == NULL || of == l->at)
		sim_fail("%s: %s lists %s of %s", l->at->id, l->who, row->node,
		    row->main_id);
	if (!row->live && row->stale_ms > PURGE_MS)
		sim_fail("%s: %s has %s of %s stale for %lld ms", l->at->id,
		    l->who, row->node, row->main_id, (long long)row->stale_ms);
	if (row->live && !rules_tell(l->at, of, home_service(row->service)) &&
	    rules_since(l->at, of, since_us))
		sim_fail("%s: %s lists %s of %s, which rules deny", l->at->id,
		    l->who, row->service, row->main_id);
	if (row->live && !home_was_at(row->node, of->index, since_us))
		sim_fail("%s: %s lists %s of %s, which is gone", l->at->id,
		    l->who, row->node, row->main_id);
}

static void
look_everywhere(void)
{
	struct look	 l;
	struct node	*n;
	unsigned int	 i;

	for (i = 0; i < sim.n_mains; i++) {
		l.at = n = sim.mains[i];
		l.who = "the registry";
		l.router = false;
		if (n->up && n->proc[PROC_REGISTRY] != NULL)
			peek_registry(n->proc[PROC_REGISTRY], look_at_row, &l);
		l.who = "the router";
		l.router = true;
		if (n->up && n->proc[PROC_ROUTER] != NULL)
			peek_routes(n->proc[PROC_ROUTER], look_at_row, &l);
	}
}

static struct timer	look_timer;
static uint64_t		messages;	/* until the last look */

static void
look_for_storms(void)
{
	uint64_t	n = sim.stats.msgs - messages;

	if (n > STORM + (uint64_t)STORM_PAIR * sim.n_mains * sim.n_homes)
		sim_fail("%llu messages between processes in %lld s",
		    (unsigned long long)n, (long long)(LOOK_US / US_PER_S));
	messages = sim.stats.msgs;
}

static void
on_look(void *arg)
{
	(void)arg;
	look_everywhere();
	look_for_storms();
	timer_in(&look_timer, LOOK_US);
}

void
check_begin(void)
{
	timer_init(&look_timer, on_look, NULL);
	timer_in(&look_timer, LOOK_US);
}

/* --- the truth --- */

/* Lines "main home service", to be sorted and compared. */
struct lines {
	char		**p;
	size_t		  n;
	const struct node *at;
};

static void
add_line(struct lines *l, const char *main_id, const char *node,
    const char *service)
{
	char	buf[200];

	snprintf(buf, sizeof(buf), "%.60s %.60s %.60s", main_id, node, service);
	l->p = realloc(l->p, (l->n + 1) * sizeof(*l->p));
	if (l->p == NULL || (l->p[l->n++] = strdup(buf)) == NULL)
		abort();
}

static int
compare_lines(const void *a, const void *b)
{
	return (strcmp(*(char *const *)a, *(char *const *)b));
}

static void
sort_lines(struct lines *l)
{
	if (l->n > 0)
		qsort(l->p, l->n, sizeof(*l->p), compare_lines);
}

static void
free_lines(struct lines *l)
{
	while (l->n > 0)
		free(l->p[--l->n]);
	free(l->p);
	l->p = NULL;
}

/* What all homes of other Mains offer to the federation, and its own to it. */
static void
true_lines(struct lines *l, bool own)
{
	const struct home	*h;
	unsigned int		 i, k, n;
	char			 name[16];

	for (i = 0; i < sim.n_homes; i++) {
		h = sim.homes[i];
		n = sim.mains[h->at] == l->at ? HOME_SERVICES :
		    HOME_SERVICES - 1;
		if (h->state != HOME_LINKED || (n == HOME_SERVICES && !own))
			continue;
		for (k = 0; k < n; k++) {
			if (!(h->accepted & 1U << k) ||
			    !rules_tell(l->at, sim.mains[h->at], k))
				continue;
			snprintf(name, sizeof(name), "s%u", k);
			add_line(l, sim.mains[h->at]->id, h->id, name);
		}
	}
	sort_lines(l);
}

static void
add_row(void *arg, const struct peek_row *row)
{
	if (row->live)
		add_line(arg, row->main_id, row->node, row->service);
}

static void
compare(const struct lines *truth, struct lines *seen, const char *who)
{
	size_t	i;
	int	c;

	sort_lines(seen);
	for (i = 0; i < truth->n || i < seen->n; i++) {
		c = i == truth->n ? 1 : i == seen->n ? -1 :
		    strcmp(truth->p[i], seen->p[i]);
		if (c != 0)
			sim_fail("%s: %s %s: %s", truth->at->id, who, c < 0 ?
			    "does not have" : "has what is not there",
			    c < 0 ? truth->p[i] : seen->p[i]);
	}
	free_lines(seen);
}

static void
check_views(struct node *n)
{
	struct lines	truth = { .at = n }, seen = { .at = n };

	true_lines(&truth, false);
	peek_registry(n->proc[PROC_REGISTRY], add_row, &seen);
	compare(&truth, &seen, "the registry");
	free_lines(&truth);
	true_lines(&truth, true);
	peek_routes(n->proc[PROC_ROUTER], add_row, &seen);
	compare(&truth, &seen, "the router");
	free_lines(&truth);
}

/* --- links --- */

static void
check_pair(struct node *a, struct node *b)
{
	struct link_count	x, y;

	frontend_links(a, b->id, &x);
	frontend_links(b, a->id, &y);
	if (x.in + x.out != 1 || y.in + y.out != 1 || x.out != y.in)
		sim_fail("%s has %u links dialled to %s and %u from it, which "
		    "has %u and %u", a->id, x.out, b->id, x.in, y.out, y.in);
}

static void
check_links(void)
{
	unsigned int	i, j;

	for (i = 0; i < sim.n_mains; i++) {
		for (j = 0; j < i; j++) {
			if (sim.mains[i]->up && sim.mains[j]->up)
				check_pair(sim.mains[i], sim.mains[j]);
		}
	}
}

/* --- after the quiet --- */

static uint64_t	connections;	/* that were made until then */

static void
check_homes(void)
{
	const struct home	*h;
	unsigned int		 i;

	for (i = 0; i < sim.n_homes; i++) {
		h = sim.homes[i];
		if (h->state != HOME_OFF && !h->registered)
			sim_fail("%s is not registered after the quiet", h->id);
	}
}

/* After the last calls: nothing is left of any, and nobody dials any more. */
void
check_rest(void)
{
	const struct node	*n;
	unsigned int		 i;

	for (i = 0; i < sim.n_mains; i++) {
		n = sim.mains[i];
		if (n->up && peek_pending(n->proc[PROC_ROUTER]) != 0)
			sim_fail("%s: %u calls are pending, and nobody made "
			    "any", n->id, peek_pending(n->proc[PROC_ROUTER]));
	}
	if (net_connections() != connections)
		sim_fail("%llu connections were made after the quiet",
		    (unsigned long long)(net_connections() - connections));
}

static void
call_around(void)
{
	struct home	*h, *to;
	unsigned int	 i, j;

	for (i = 0; i < sim.n_homes; i++) {
		for (j = 0; j < 3; j++) {
			h = sim.homes[i];
			to = sim.homes[rnd(sim.n_homes)];
			if (h->state == HOME_LINKED &&
			    to->state == HOME_LINKED)
				call_must(h, to);
		}
	}
}

void
check_truth(void)
{
	unsigned int	i;

	connections = net_connections();
	check_homes();
	check_links();
	for (i = 0; i < sim.n_mains; i++) {
		if (sim.mains[i]->up)
			check_views(sim.mains[i]);
	}
	call_around();
}

void
check_redial(void)
{
	unsigned int	i, j;

	for (i = 0; i < sim.n_mains; i++) {
		for (j = 0; j < i; j++)
			chaos_redial(i, j);
	}
	sim_run_until(sim.now_us + REDIAL_US);
	check_links();
}

/* The calls of others to a home that has just moved. */
static void
check_move(struct home *h)
{
	struct home	*from;
	unsigned int	 i, to = rnd(sim.n_mains);
	int64_t		 until = sim.now_us + 10 * US_PER_S;

	if (h->state != HOME_LINKED || !sim.mains[to]->up)
		return;
	home_move(h, to, false);
	while (!h->registered && sim.now_us < until)
		sim_run_until(sim.now_us + 10 * US_PER_MS);
	if (!h->registered)
		sim_fail("%s cannot move to m%u", h->id, to);
	sim_run_until(sim.now_us + US_PER_S);
	for (i = 0; i < sim.n_homes; i++) {
		from = sim.homes[i];
		if (from->state == HOME_LINKED)
			call_must(from, h);
	}
	sim_run_until(sim.now_us + 3 * US_PER_S);
}

void
check_moves(void)
{
	unsigned int	i;

	for (i = 0; i < 3; i++)
		check_move(sim.homes[rnd(sim.n_homes)]);
	sim_run_until(sim.now_us + 12 * US_PER_S);
	call_end_check();
}

static void
no_row(void *arg, const struct peek_row *row)
{
	const struct node	*at = arg, *of = node_find(row->main_id);

	if (of != NULL && of->gone)
		sim_fail("%s still lists %s of %s, which is gone for good",
		    at->id, row->node, of->id);
}

void
check_purged(void)
{
	struct node	*n;
	unsigned int	 i;

	for (i = 0; i < sim.n_mains; i++) {
		n = sim.mains[i];
		if (!n->up)
			continue;
		peek_registry(n->proc[PROC_REGISTRY], no_row, n);
		peek_routes(n->proc[PROC_ROUTER], no_row, n);
	}
}
