/* SPDX-License-Identifier: ISC */

/*
 * Intrusive hash map; see map.h.
 */

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "relay-router/map.h"

#define MAP_FIRST	64	/* buckets, a power of two */

void
map_free(struct map *m)
{
	free(m->bucket);
	memset(m, 0, sizeof(*m));
}

static void
map_resize(struct map *m, size_t size)
{
	struct map_entry	**bucket, *e, *next;
	size_t			  i, at;

	if ((bucket = calloc(size, sizeof(*bucket))) == NULL)
		fatal("out of memory");
	for (i = 0; i < m->size; i++) {
		for (e = m->bucket[i]; e != NULL; e = next) {
			next = e->next;
			at = e->hash & (size - 1);
			e->next = bucket[at];
			bucket[at] = e;
		}
	}
	free(m->bucket);
	m->bucket = bucket;
	m->size = size;
}

void
map_add(struct map *m, struct map_entry *e, uint64_t hash)
{
	size_t	 at;

	if (m->n >= m->size)
		map_resize(m, m->size == 0 ? MAP_FIRST : m->size * 2);
	at = hash & (m->size - 1);
	e->hash = hash;
	e->next = m->bucket[at];
	m->bucket[at] = e;
	m->n++;
}

void
map_remove(struct map *m, struct map_entry *e)
{
	struct map_entry	**pp = &m->bucket[e->hash & (m->size - 1)];

	while (*pp != e)
		pp = &(*pp)->next;
	*pp = e->next;
	m->n--;
}

static struct map_entry *
with_hash(struct map_entry *e, uint64_t hash)
{
	while (e != NULL && e->hash != hash)
		e = e->next;
	return (e);
}

struct map_entry *
map_find(const struct map *m, uint64_t hash)
{
	if (m->size == 0)
		return (NULL);
	return (with_hash(m->bucket[hash & (m->size - 1)], hash));
}

struct map_entry *
map_find_next(const struct map_entry *e)
{
	return (with_hash(e->next, e->hash));
}

void
map_each(struct map *m, void (*fn)(void *, struct map_entry *), void *arg)
{
	struct map_entry	*e, *next;
	size_t			 i;

	for (i = 0; i < m->size; i++) {
		for (e = m->bucket[i]; e != NULL; e = next) {
			next = e->next;
			fn(arg, e);
		}
	}
}
