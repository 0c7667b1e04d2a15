/* SPDX-License-Identifier: ISC */

/*
 * Mains, nodes, services and instances; see route.h.
 */

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/name.h"
#include "relay-router/route_impl.h"

void
route_init(struct route_table *t, const uint8_t key[HASH_KEY_LEN])
{
	memset(t, 0, sizeof(*t));
	memcpy(t->key, key, sizeof(t->key));
}

static void *
alloc_or_die(size_t size)
{
	void	*p;

	if ((p = calloc(1, size)) == NULL)
		fatal("out of memory");
	return (p);
}

struct route_service *
route_service_find(struct route_table *t, struct span name, uint64_t hash)
{
	struct map_entry	*e;
	struct route_service	*s;

	for (e = map_find(&t->services, hash); e != NULL;
	    e = map_find_next(e)) {
		s = (struct route_service *)e;
		if (span_eq(span_str(s->name), name))
			return (s);
	}
	return (NULL);
}

static struct route_service *
service_get(struct route_table *t, const char *name)
{
	struct route_service	*s;
	uint64_t		 hash;

	hash = siphash13(t->key, name, strlen(name));
	if ((s = route_service_find(t, span_str(name), hash)) != NULL)
		return (s);
	s = alloc_or_die(sizeof(*s) + strlen(name) + 1);
	TAILQ_INIT(&s->instances);
	memcpy(s->name, name, strlen(name));
	map_add(&t->services, &s->entry, hash);
	return (s);
}

/* A node's key is its id alone, so that those of all Mains are one chain. */
static struct route_node *
node_find(struct route_table *t, const struct route_main *via,
    const char *id, uint64_t hash)
{
	struct map_entry	*e;
	struct route_node	*n;

	for (e = map_find(&t->nodes, hash); e != NULL; e = map_find_next(e)) {
		n = (struct route_node *)e;
		if (n->via == via && strcmp(n->id, id) == 0)
			return (n);
	}
	return (NULL);
}

struct route_node *
route_node_find(struct route_table *t, struct span id)
{
	char	 lower[LIMIT_NODE_ID + 1];

	if (!name_node_lower(id, lower, sizeof(lower)))
		return (NULL);
	return (node_find(t, NULL, lower, siphash13(t->key, lower, id.len)));
}

struct route_node *
route_node_at(struct route_table *t, struct span main_id, struct span id)
{
	struct route_main	*m;
	char			 lower[LIMIT_NODE_ID + 1];

	if ((m = route_main_find(t, main_id)) == NULL ||
	    !name_node_lower(id, lower, sizeof(lower)))
		return (NULL);
	return (node_find(t, m, lower, siphash13(t->key, lower, id.len)));
}

/* How good a node is for a call that names its id alone. */
static int
node_rank(const struct route_node *n)
{
	bool	 linked = route_node_link(n) != NULL;

	if (n->via == NULL)
		return (linked ? 4 : 2);
	return (linked ? 3 : 1);
}

struct route_node *
route_node_any(struct route_table *t, struct span id)
{
	char			 lower[LIMIT_NODE_ID + 1];
	struct map_entry	*e;
	struct route_node	*n, *best = NULL;
	uint64_t		 hash;

	if (!name_node_lower(id, lower, sizeof(lower)))
		return (NULL);
	hash = siphash13(t->key, lower, id.len);
	for (e = map_find(&t->nodes, hash); e != NULL; e = map_find_next(e)) {
		n = (struct route_node *)e;
		if (strcmp(n->id, lower) != 0)
			continue;
		if (best == NULL || node_rank(n) > node_rank(best) ||
		    (node_rank(n) == node_rank(best) &&
		    n->set_seq > best->set_seq))
			best = n;
	}
	return (best);
}

static struct route_node *
node_get(struct route_table *t, struct route_main *via, const char *id)
{
	struct route_node	*n;
	uint64_t		 hash = siphash13(t->key, id, strlen(id));

	if ((n = node_find(t, via, id, hash)) != NULL)
		return (n);
	n = alloc_or_die(sizeof(*n) + strlen(id) + 1);
	TAILQ_INIT(&n->instances);
	memcpy(n->id, id, strlen(id));
	map_add(&t->nodes, &n->entry, hash);
	if ((n->via = via) != NULL) {
		TAILQ_INSERT_TAIL(&via->nodes, n, by_main);
		via->n_nodes++;
	}
	return (n);
}

void
route_instance_free(struct route_instance *i)
{
	service_clear(&i->service);
	free(i);
}

/* Takes an instance out of the table; its calls may still be in flight. */
static void
withdraw(struct route_table *t, struct route_instance *i)
{
	TAILQ_REMOVE(&i->node->instances, i, by_node);
	TAILQ_REMOVE(&i->of->instances, i, by_service);
	if (TAILQ_EMPTY(&i->of->instances)) {
		map_remove(&t->services, &i->of->entry);
		free(i->of);
	}
	t->n_instances--;
	i->node = NULL;
	i->of = NULL;
	if (i->in_flight == 0)
		route_instance_free(i);
}

static void
withdraw_all(struct route_table *t, struct route_node *n)
{
	while (!TAILQ_EMPTY(&n->instances))
		withdraw(t, TAILQ_FIRST(&n->instances));
}

/* A node that is neither connected nor known need not be kept. */
static void
node_forget(struct route_table *t, struct route_node *n)
{
	if (n->link != NULL || n->known)
		return;
	map_remove(&t->nodes, &n->entry);
	free(n);
}

struct route_node *
route_node_up(struct route_table *t, const char *id, void *link)
{
	struct route_node	*n = node_get(t, NULL, id);

	n->link = link;
	n->known = true;
	return (n);
}

void
route_node_down(struct route_table *t, const char *id, const void *link)
{
	struct route_node	*n = route_node_find(t, span_str(id));

	if (n == NULL || n->link != link)
		return;
	withdraw_all(t, n);
	n->link = NULL;
	node_forget(t, n);
}

void
route_node_known(struct route_table *t, const char *id, bool known)
{
	struct route_node	*n;

	if (known) {
		node_get(t, NULL, id)->known = true;
		return;
	}
	if ((n = route_node_find(t, span_str(id))) == NULL)
		return;
	n->known = false;
	node_forget(t, n);
}

static struct route_instance *
instance_of(struct route_node *n, const struct service *s)
{
	struct route_instance	*i;

	TAILQ_FOREACH(i, &n->instances, by_node)
		if (strcmp(i->service.name, s->name) == 0 &&
		    strcmp(i->service.version, s->version) == 0)
			return (i);
	return (NULL);
}

static struct route_instance *
instance_add(struct route_table *t, struct route_node *n,
    const struct service *s)
{
	struct route_instance	*i = alloc_or_die(sizeof(*i));

	service_copy(&i->service, s);
	i->node = n;
	i->of = service_get(t, s->name);
	TAILQ_INSERT_TAIL(&n->instances, i, by_node);
	TAILQ_INSERT_TAIL(&i->of->instances, i, by_service);
	t->n_instances++;
	return (i);
}

#define GONE	UINT32_MAX	/* an index no set has */

void
route_set(struct route_table *t, struct route_node *n,
    const struct service *s, uint16_t count)
{
	struct route_instance	*i, *next;
	uint16_t		 k;

	TAILQ_FOREACH(i, &n->instances, by_node)
		i->index = GONE;
	for (k = 0; k < count; k++) {
		if ((i = instance_of(n, &s[k])) == NULL) {
			i = instance_add(t, n, &s[k]);
		} else {
			service_clear(&i->service);
			service_copy(&i->service, &s[k]);
		}
		i->index = k;
	}
	for (i = TAILQ_FIRST(&n->instances); i != NULL; i = next) {
		next = TAILQ_NEXT(i, by_node);
		if (i->index == GONE)
			withdraw(t, i);
	}
}

unsigned int
route_health(struct route_node *n, struct span name, struct span version,
    bool healthy)
{
	struct route_instance	*i;
	unsigned int		 changed = 0;

	TAILQ_FOREACH(i, &n->instances, by_node) {
		if (!span_eq(span_str(i->service.name), name) ||
		    i->service.healthy == healthy)
			continue;
		if (version.len != 0 &&
		    !span_eq(span_str(i->service.version), version))
			continue;
		i->service.healthy = healthy;
		changed++;
	}
	return (changed);
}

/* --- other Mains --- */

static struct route_main *
main_find(struct route_table *t, const char *id, uint64_t hash)
{
	struct map_entry	*e;
	struct route_main	*m;

	for (e = map_find(&t->mains, hash); e != NULL; e = map_find_next(e)) {
		m = (struct route_main *)e;
		if (strcmp(m->id, id) == 0)
			return (m);
	}
	return (NULL);
}

struct route_main *
route_main_find(struct route_table *t, struct span id)
{
	char	 lower[LIMIT_NODE_ID + 1];

	if (!name_node_lower(id, lower, sizeof(lower)))
		return (NULL);
	return (main_find(t, lower, siphash13(t->key, lower, id.len)));
}

static struct route_main *
main_get(struct route_table *t, const char *id)
{
	struct route_main	*m;
	uint64_t		 hash = siphash13(t->key, id, strlen(id));

	if ((m = main_find(t, id, hash)) != NULL)
		return (m);
	m = alloc_or_die(sizeof(*m) + strlen(id) + 1);
	TAILQ_INIT(&m->nodes);
	memcpy(m->id, id, strlen(id));
	map_add(&t->mains, &m->entry, hash);
	return (m);
}

/* A Main that has neither a link nor nodes need not be kept. */
static void
main_forget(struct route_table *t, struct route_main *m)
{
	if (m->link != NULL || m->n_nodes != 0)
		return;
	map_remove(&t->mains, &m->entry);
	free(m);
}

static void
peer_node_free(struct route_table *t, struct route_node *n)
{
	withdraw_all(t, n);
	TAILQ_REMOVE(&n->via->nodes, n, by_main);
	n->via->n_nodes--;
	map_remove(&t->nodes, &n->entry);
	free(n);
}

/* Frees a Main's nodes: all, or those without its mark; the rest is fresh. */
static void
peer_nodes_free(struct route_table *t, struct route_main *m, bool all)
{
	struct route_node	*n, *next;

	for (n = TAILQ_FIRST(&m->nodes); n != NULL; n = next) {
		next = TAILQ_NEXT(n, by_main);
		if (all || n->mark != m->mark)
			peer_node_free(t, n);
		else
			n->life = m->life;
	}
}

struct route_main *
route_main_up(struct route_table *t, const char *id, void *link)
{
	struct route_main	*m = main_get(t, id);

	m->link = link;
	m->life++;
	return (m);
}

void
route_main_down(struct route_table *t, const char *id, const void *link)
{
	struct route_main	*m = route_main_find(t, span_str(id));

	if (m == NULL || m->link != link)
		return;
	m->link = NULL;
	main_forget(t, m);
}

static void
forget_stale(void *arg, struct map_entry *e)
{
	struct route_main	*m = (struct route_main *)e;

	if (m->link != NULL)
		return;
	peer_nodes_free(arg, m, true);
	main_forget(arg, m);
}

void
route_mains_forget_stale(struct route_table *t)
{
	map_each(&t->mains, forget_stale, t);
}

void
route_peer_set(struct route_table *t, const char *main_id, const char *id,
    const struct service *s, uint16_t count)
{
	struct route_main	*m = main_get(t, main_id);
	struct route_node	*n = node_get(t, m, id);

	n->mark = m->mark;
	n->life = m->life;
	n->set_seq = ++t->set_seq;
	route_set(t, n, s, count);
}

void
route_peer_delete(struct route_table *t, const char *main_id, const char *id)
{
	struct route_main	*m;
	struct route_node	*n;

	n = route_node_at(t, span_str(main_id), span_str(id));
	if (n == NULL)
		return;
	m = n->via;
	peer_node_free(t, n);
	main_forget(t, m);
}

void
route_peers_phase(struct route_table *t, const char *main_id,
    unsigned int phase)
{
	struct route_main	*m = route_main_find(t, span_str(main_id));

	if (m == NULL)
		return;
	switch (phase) {
	case ROUTE_PHASE_BEGIN:
		m->mark++;
		return;
	case ROUTE_PHASE_END:
		peer_nodes_free(t, m, false);
		break;
	case ROUTE_PHASE_FORGET:
		peer_nodes_free(t, m, true);
		break;
	default:
		return;
	}
	main_forget(t, m);
}

static void
free_main(void *arg, struct map_entry *e)
{
	struct route_table	*t = arg;
	struct route_main	*m = (struct route_main *)e;

	peer_nodes_free(t, m, true);
	map_remove(&t->mains, &m->entry);
	free(m);
}

static void
free_node(void *arg, struct map_entry *e)
{
	struct route_table	*t = arg;
	struct route_node	*n = (struct route_node *)e;

	withdraw_all(t, n);
	map_remove(&t->nodes, &n->entry);
	free(n);
}

void
route_free(struct route_table *t)
{
	map_each(&t->mains, free_main, t);
	map_each(&t->nodes, free_node, t);
	map_free(&t->mains);
	map_free(&t->nodes);
	map_free(&t->services);
}
