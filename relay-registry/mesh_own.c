/* SPDX-License-Identifier: ISC */
/* Discovery between Mains: what this one's own homes offer. */
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "relay-registry/mesh_impl.h"

/* Without a peer nobody need be told: one that comes gets a snapshot. */
static bool
alone(const struct mesh *m)
{
	return (RB_EMPTY(&m->sessions));
}

/*
 * Peers end the link of a Main whose homes exceed their limits, and anybody
 * may be a home.  Those that take much have half of the room together, so
 * that there is always some for the others.
 */
static bool
fits(struct mesh *m, const char *node, const struct mesh_body *body)
{
	const struct mesh_row *row = mesh_table_find(&m->own, node);
	size_t cost = mesh_row_cost(node, body), had = 0;

	if (cost <= m->limits.bytes / 4 / m->limits.nodes)
		return (true);
	if (row != NULL && !row->gone)
		had = row->cost;
	return (cost <= had ||
	    m->own.bytes - had + cost <= m->limits.bytes / 2);
}

/* The row without services, which are cut. */
static void
empty(struct mesh_body *body, const char *node)
{
	uint16_t cut = body->n + body->cut;

	free(body->p);
	mesh_body_make(body, node, NULL, 0);
	body->cut = cut;
}

/* One more home may be told. */
static bool
has_place(struct mesh *m, const char *node)
{
	const struct mesh_row *row = mesh_table_find(&m->own, node);

	return ((row != NULL && !row->gone) ||
	    m->own.count < m->limits.nodes);
}

static void
set_row(struct mesh *m, const char *node, struct mesh_body *body)
{
	struct mesh_row *row;

	if (!has_place(m, node)) {
		if (!m->full)
			log_warn("home %s: peers are not told of it, nor of "
			    "more: they take %u homes of one relay", node,
			    m->limits.nodes);
		m->full = true;
		free(body->p);
		return;
	}
	if (!fits(m, node, body))
		empty(body, node);
	if (mesh_table_set(&m->own, node, body, &row)) {
		mesh_share_update(m, row);
		if (alone(m))
			mesh_table_told(&m->own, row);
	}
	if (body->cut > 0 && row->cut == 0)
		log_warn("home %s: peers are not told of %u of its services, "
		    "as all are too long for one message, or for what they "
		    "take of one relay", node, body->cut);
	m->stats.cut += body->cut;
	m->stats.cut -= row->cut;
	row->cut = body->cut;
}

void
mesh_own_set(struct mesh *m, const char *node, const struct service *services,
    uint16_t n)
{
	const struct service *federated[LIMIT_SERVICES];
	struct mesh_body body;
	uint16_t i, k = 0;

	for (i = 0; i < n && k < LIMIT_SERVICES; i++) {
		if (services[i].visibility == VISIBILITY_FEDERATION)
			federated[k++] = &services[i];
	}
	if (k == 0) {
		mesh_own_delete(m, node);
		return;
	}
	mesh_body_make(&body, node, federated, k);
	set_row(m, node, &body);
}

void
mesh_own_delete(struct mesh *m, const char *node)
{
	struct mesh_row *row = mesh_table_find(&m->own, node);

	if (row == NULL || row->gone)
		return;
	m->full = false;
	m->stats.cut -= row->cut;
	row->cut = 0;
	if (alone(m))
		row->told = false;
	mesh_share_release(m, row);
	mesh_table_delete(&m->own, row);
}

void
mesh_own_health(struct mesh *m, const char *node, const char *name,
    const char *version, bool healthy)
{
	struct mesh_row *row = mesh_table_find(&m->own, node);
	const struct service *pointers[LIMIT_SERVICES];
	struct service *services;
	struct mesh_body body;
	uint16_t i, n;

	if (row == NULL || row->gone)
		return;
	n = row->n;
	services = mesh_row_services(row);
	for (i = 0; i < n; i++) {
		pointers[i] = &services[i];
		if (strcmp(services[i].name, name) == 0 &&
		    strcmp(services[i].version, version) == 0)
			services[i].healthy = healthy;
	}
	mesh_body_make(&body, node, pointers, n);
	body.cut += row->cut;
	set_row(m, node, &body);
	mesh_services_free(services, n);
}
