/* SPDX-License-Identifier: ISC */

/*
 * Nodes, services and instances; see route.h.
 */

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/name.h"
#include "relay-router/route.h"

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

static struct route_service *
service_find(struct route_table *t, struct span name, uint64_t hash)
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
	if ((s = service_find(t, span_str(name), hash)) != NULL)
		return (s);
	s = alloc_or_die(sizeof(*s) + strlen(name) + 1);
	TAILQ_INIT(&s->instances);
	memcpy(s->name, name, strlen(name));
	map_add(&t->services, &s->entry, hash);
	return (s);
}

static struct route_node *
node_find(struct route_table *t, const char *id, uint64_t hash)
{
	struct map_entry	*e;
	struct route_node	*n;

	for (e = map_find(&t->nodes, hash); e != NULL; e = map_find_next(e)) {
		n = (struct route_node *)e;
		if (strcmp(n->id, id) == 0)
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
	return (node_find(t, lower, siphash13(t->key, lower, id.len)));
}

static struct route_node *
node_get(struct route_table *t, const char *id)
{
	struct route_node	*n;
	uint64_t		 hash = siphash13(t->key, id, strlen(id));

	if ((n = node_find(t, id, hash)) != NULL)
		return (n);
	n = alloc_or_die(sizeof(*n) + strlen(id) + 1);
	TAILQ_INIT(&n->instances);
	memcpy(n->id, id, strlen(id));
	map_add(&t->nodes, &n->entry, hash);
	return (n);
}

static void
instance_free(struct route_instance *i)
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
		instance_free(i);
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
	struct route_node	*n = node_get(t, id);

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
		node_get(t, id)->known = true;
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

/* How far the best candidate got; a later filter is a better answer. */
static enum route_result
judge(const struct route_query *q, const struct route_instance *i)
{
	if (q->version.len != 0 && name_version_cmp(q->version,
	    span_str(i->service.version)) != 0)
		return (ROUTE_NO_VERSION);
	if (q->method.len != 0 && !service_takes(&i->service, q->method))
		return (ROUTE_NO_METHOD);
	if (q->node == NULL && !i->service.healthy)
		return (ROUTE_UNHEALTHY);
	return (ROUTE_OK);
}

static bool
is_full(const struct route_instance *i)
{
	return (i->service.max_concurrency != 0 &&
	    i->in_flight >= i->service.max_concurrency);
}

/* Semantic versions: a hyphen before any build metadata. */
static bool
is_prerelease(const struct route_instance *i)
{
	return (i->service.version[strcspn(i->service.version, "-+")] == '-');
}

/* True if a is the better choice of two that both would do. */
static bool
better(const struct route_query *q, const struct route_instance *a,
    const struct route_instance *b)
{
	uint64_t	 la, lb;
	int		 cmp;

	if (a->service.healthy != b->service.healthy)
		return (a->service.healthy);
	if (q->version.len == 0) {
		if (is_prerelease(a) != is_prerelease(b))
			return (is_prerelease(b));
		cmp = name_version_cmp(span_str(a->service.version),
		    span_str(b->service.version));
		if (cmp != 0)
			return (cmp > 0);
	}
	if (is_full(a) != is_full(b))
		return (is_full(b));
	la = (uint64_t)a->in_flight * b->service.weight;
	lb = (uint64_t)b->in_flight * a->service.weight;
	if (la != lb)
		return (la < lb);
	return (a->pass < b->pass);
}

enum route_result
route_choose(struct route_table *t, const struct route_query *q,
    struct route_instance **out)
{
	struct route_service	*s;
	struct route_instance	*i, *best = NULL;
	enum route_result	 r, far = ROUTE_NO_SERVICE;

	*out = NULL;
	s = service_find(t, q->server,
	    siphash13(t->key, q->server.p, q->server.len));
	if (s == NULL)
		return (ROUTE_NO_SERVICE);
	TAILQ_FOREACH(i, &s->instances, by_service) {
		if (q->node != NULL && i->node != q->node)
			continue;
		if (q->outside &&
		    i->service.visibility == VISIBILITY_PRIVATE)
			continue;
		if ((r = judge(q, i)) != ROUTE_OK) {
			if (r > far)
				far = r;
		} else if (best == NULL || better(q, i, best)) {
			best = i;
		}
	}
	if (best == NULL)
		return (far);
	if (is_full(best))
		return (ROUTE_OVERLOADED);
	*out = best;
	return (ROUTE_OK);
}

#define STRIDE	(1ULL << 20)	/* of weight 1; many times LIMIT_WEIGHT */

void
route_take(struct route_instance *i)
{
	struct route_service	*s = i->of;

	i->in_flight++;
	/* One that is new or was away has nothing to catch up on. */
	if (s->pass > STRIDE && i->pass < s->pass - STRIDE)
		i->pass = s->pass - STRIDE;
	i->pass += STRIDE / i->service.weight;
	if (i->pass > s->pass)
		s->pass = i->pass;
}

void
route_release(struct route_instance *i)
{
	if (--i->in_flight == 0 && i->node == NULL)
		instance_free(i);
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
	map_each(&t->nodes, free_node, t);
	map_free(&t->nodes);
	map_free(&t->services);
}
