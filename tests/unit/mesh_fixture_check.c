/* SPDX-License-Identifier: ISC */
/* What must hold between Mains that discover each other, see mesh_fixture.h. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/mesh_fixture_impl.h"

/*
 * The hash that others must have of a home of which they do not have some
 * services, or 0 if they must not know it.
 */
static uint64_t
truth(int variant, const char *node, uint8_t denied)
{
	struct service *list;
	uint16_t i, k, n;
	uint64_t hash;

	if (variant % 7 == 0)
		return (0);
	list = world_services(variant, &n);
	for (i = k = 0; i < n; i++) {
		if (list[i].visibility == VISIBILITY_FEDERATION &&
		    !(denied >> (list[i].name[1] - '0') & 1))
			list[k++] = list[i];
		else
			service_clear(&list[i]);
	}
	hash = k == 0 ? 0 : mesh_row_hash(node, list, k);
	world_services_free(list, k);
	return (hash);
}

/* What b must not have of a. */
static uint8_t
denied(const struct world *w, size_t b, size_t a)
{
	const struct world_main *from = &w->mains[a], *to = &w->mains[b];

	return (from->policies[from->in_force].no_export[b] |
	    to->policies[to->in_force].no_import[a]);
}

struct known {
	const char	*main_id;
	const int	*own;
	uint8_t		 denied;
	size_t		 n;
	bool		 linked;
	bool		 right;
};

/* Whether a home is as it is in truth. */
static bool
is_true(const int *own, const char *node, uint8_t without, uint64_t hash)
{
	long home = strtol(node + 1, NULL, 10);

	return (node[0] == 'n' && home >= 0 && home < WORLD_NODES &&
	    own[home] != 0 && hash == truth(own[home], node, without));
}

static bool
know(void *arg, const struct mesh_view *view)
{
	struct known *k = arg;

	if (strcmp(view->main_id, k->main_id) != 0)
		return (true);
	k->n++;
	k->right &= view->stale != k->linked && is_true(k->own, view->node,
	    k->denied, mesh_row_hash(view->node, view->services, view->n));
	return (true);
}

static size_t
count_true(const struct world_main *a, uint8_t without)
{
	size_t home, n = 0;

	for (home = 0; home < WORLD_NODES; home++)
		n += truth(a->own[home], "", without) != 0;
	return (n);
}

/*
 * Routes of a Main, and whether all are as they are in truth, and taken for
 * that if there is a link.
 */
static size_t
routes_of(const struct world_main *b, const struct world_main *a,
    uint8_t without, bool linked, bool *right)
{
	struct world_route *r;
	size_t n = 0;

	for (r = b->routes; r != NULL; r = r->next) {
		if (strcmp(r->main_id, a->id) != 0)
			continue;
		n++;
		*right &= is_true(a->own, r->node, without, r->hash) &&
		    (r->fresh || !linked);
	}
	return (n);
}

bool
world_knows(struct world *w, size_t b, size_t a)
{
	struct known k = { .main_id = w->mains[a].id,
	    .own = w->mains[a].own, .denied = denied(w, b, a),
	    .linked = w->mains[b].to[a].session != 0, .right = true };
	size_t n = count_true(&w->mains[a], k.denied);

	mesh_each(w->mains[b].mesh, know, &k);
	return (k.n == n && routes_of(&w->mains[b], &w->mains[a], k.denied,
	    k.linked, &k.right) == n && k.right);
}

size_t
world_routes(struct world *w, size_t b, size_t a)
{
	bool right = true;

	return (routes_of(&w->mains[b], &w->mains[a], 0, false, &right));
}

void
world_check(struct world *w)
{
	struct mesh_main main;
	struct mesh_stats stats;
	size_t a, b;

	for (b = 0; b < w->n; b++) {
		mesh_stats(w->mains[b].mesh, &stats);
		must(stats.other_bytes <= 2 * w->n * w->limits.bytes,
		    "more bytes than allowed");
		for (a = 0; a < w->n; a++) {
			(void)mesh_main(w->mains[b].mesh, w->mains[a].id,
			    &main);
			must(main.nodes <= 2 * w->limits.nodes,
			    "more homes than allowed");
			must(w->mains[b].to[a].session == 0 ||
			    (main.synced && world_knows(w, b, a)),
			    "a Main that does not know another");
		}
	}
}
