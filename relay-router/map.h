/* SPDX-License-Identifier: ISC */

/*
 * An intrusive hash map with chains.  The caller hashes (with a secret where
 * strangers choose the keys) and compares; the map only keeps the chains
 * short.
 */

#ifndef RELAY_ROUTER_MAP_H
#define RELAY_ROUTER_MAP_H

#include <stddef.h>
#include <stdint.h>

/* The first member of what is kept in a map. */
struct map_entry {
	struct map_entry	*next;
	uint64_t		 hash;
};

struct map {
	struct map_entry       **bucket;	/* NULL while empty */
	size_t			 size;		/* buckets, a power of two */
	size_t			 n;
};

/* Frees the buckets, not the entries. */
void			 map_free(struct map *);
void			 map_add(struct map *, struct map_entry *, uint64_t);
void			 map_remove(struct map *, struct map_entry *);

/* The first and next entry with this hash, or NULL. */
struct map_entry	*map_find(const struct map *, uint64_t);
struct map_entry	*map_find_next(const struct map_entry *);

/* Calls back for every entry; the callback may remove that entry. */
void			 map_each(struct map *,
			    void (*)(void *, struct map_entry *), void *);

#endif /* RELAY_ROUTER_MAP_H */
