/* SPDX-License-Identifier: ISC */
/*
 * Open addressing with linear probing, at most half full; removal moves the
 * followers back, so that there are no tombstones.  The ids come from
 * processes that are trusted at least as much as this one, so the hash needs
 * no key.
 */
#include <stdlib.h>

#include "common/log.h"
#include "relayd/frontend/idmap.h"

#define IDMAP_MIN	64U

static size_t
home_of(const struct idmap *m, uint64_t id)
{
	return ((size_t)((id * 0x9e3779b97f4a7c15ULL) >> 32) & (m->size - 1));
}

/* Its slot, or the free one where it would go. */
static size_t
probe(const struct idmap *m, uint64_t id)
{
	size_t	i = home_of(m, id);

	while (m->slots[i].id != 0 && m->slots[i].id != id)
		i = (i + 1) & (m->size - 1);
	return (i);
}

static void
grow(struct idmap *m)
{
	struct idmap	old = *m;
	size_t		i;

	m->size = old.size > 0 ? old.size * 2 : IDMAP_MIN;
	m->slots = calloc(m->size, sizeof(*m->slots));
	if (m->slots == NULL)
		fatal("out of memory for a map of ids");
	for (i = 0; i < old.size; i++) {
		if (old.slots[i].id != 0)
			m->slots[probe(m, old.slots[i].id)] = old.slots[i];
	}
	free(old.slots);
}

void
idmap_add(struct idmap *m, uint64_t id, void *value)
{
	size_t	i;

	if (m->count >= m->size / 2)
		grow(m);
	i = probe(m, id);
	if (m->slots[i].id == 0)
		m->count++;
	m->slots[i].id = id;
	m->slots[i].value = value;
}

void *
idmap_find(const struct idmap *m, uint64_t id)
{
	if (m->size == 0 || id == 0)
		return (NULL);
	return (m->slots[probe(m, id)].value);
}

void
idmap_remove(struct idmap *m, uint64_t id)
{
	size_t	hole, i;

	if (m->size == 0 || id == 0)
		return;
	hole = probe(m, id);
	if (m->slots[hole].id == 0)
		return;
	m->count--;
	for (i = (hole + 1) & (m->size - 1); m->slots[i].id != 0;
	    i = (i + 1) & (m->size - 1)) {
		size_t	home = home_of(m, m->slots[i].id);

		/* may it move back: is the hole between its home and it? */
		if (((i - home) & (m->size - 1)) <
		    ((i - hole) & (m->size - 1)))
			continue;
		m->slots[hole] = m->slots[i];
		hole = i;
	}
	m->slots[hole].id = 0;
	m->slots[hole].value = NULL;
}

void
idmap_free(struct idmap *m)
{
	free(m->slots);
	m->slots = NULL;
	m->size = m->count = 0;
}
