/* SPDX-License-Identifier: ISC */
/* A map from 64-bit ids (common/id64.h: never 0) to pointers.  Pure. */
#ifndef FRONTEND_IDMAP_H
#define FRONTEND_IDMAP_H

#include <stddef.h>
#include <stdint.h>

struct idmap_slot {
	uint64_t	 id;		/* 0: free */
	void		*value;
};

/* All zero is an empty map without memory. */
struct idmap {
	struct idmap_slot	*slots;
	size_t			 size;	/* power of two, or 0 */
	size_t			 count;
};

/* Add an id that is not there.  Running out of memory ends the process. */
void	 idmap_add(struct idmap *, uint64_t id, void *value);
/* The value, or NULL. */
void	*idmap_find(const struct idmap *, uint64_t id);
/* Remove it if it is there. */
void	 idmap_remove(struct idmap *, uint64_t id);
void	 idmap_free(struct idmap *);

#endif
