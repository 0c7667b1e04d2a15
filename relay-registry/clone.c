/* SPDX-License-Identifier: ISC */
/* See clone.h. */
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/log.h"
#include "relay-registry/clone.h"

#define OPENS	(LIMIT_CLONE_SWITCHES + 3)	/* changes remembered */
#define HELD	4				/* held out at a time */
#define HOLD_MS	(2 * LIMIT_CLONE_MS)		/* longer than retry_after */

struct seen {
	uint64_t	boot;	/* hash of the boot id */
	int64_t		ms;
};

struct clone_node {
	RB_ENTRY(clone_node)	 entry;
	TAILQ_ENTRY(clone_node)	 link;
	int64_t			 last_ms;
	struct seen		 opens[OPENS];	/* oldest first; the last one
						 * has the node */
	size_t			 n_opens;
	struct seen		 held[HELD];	/* ms: until when */
	size_t			 n_held;
	char			 id[];
};

static int
compare(struct clone_node *a, struct clone_node *b)
{
	return (strcmp(a->id, b->id));
}

RB_PROTOTYPE(clone_tree, clone_node, entry, compare)
RB_GENERATE(clone_tree, clone_node, entry, compare)

void
clone_init(struct clone_table *t, const uint8_t key[HASH_KEY_LEN], size_t max)
{
	memset(t, 0, sizeof(*t));
	RB_INIT(&t->tree);
	TAILQ_INIT(&t->oldest);
	t->max = max;
	memcpy(t->key, key, sizeof(t->key));
}

static void
forget(struct clone_table *t, struct clone_node *n)
{
	RB_REMOVE(clone_tree, &t->tree, n);
	TAILQ_REMOVE(&t->oldest, n, link);
	t->count--;
	free(n);
}

void
clone_clear(struct clone_table *t)
{
	struct clone_node *n;

	while ((n = TAILQ_FIRST(&t->oldest)) != NULL)
		forget(t, n);
}

void
clone_expire(struct clone_table *t, struct monotime now)
{
	struct clone_node *n;

	while ((n = TAILQ_FIRST(&t->oldest)) != NULL &&
	    n->last_ms + HOLD_MS <= now.ms)
		forget(t, n);
}

/* The node's entry, made if need be, as the one used last. */
static struct clone_node *
find(struct clone_table *t, const char *id, struct monotime now)
{
	struct clone_node *n, *old;
	size_t len = strlen(id) + 1;

	if ((n = calloc(1, sizeof(*n) + len)) == NULL)
		fatal("no memory for a node");
	memcpy(n->id, id, len);
	if ((old = RB_INSERT(clone_tree, &t->tree, n)) != NULL) {
		free(n);
		n = old;
		TAILQ_REMOVE(&t->oldest, n, link);
	} else if (++t->count > t->max)
		forget(t, TAILQ_FIRST(&t->oldest));
	TAILQ_INSERT_TAIL(&t->oldest, n, link);
	n->last_ms = now.ms;
	return (n);
}

static void
drop(struct seen *list, size_t *n, size_t i)
{
	memmove(&list[i], &list[i + 1], (*n - i - 1) * sizeof(*list));
	(*n)--;
}

static bool
has(const struct seen *list, size_t n, uint64_t boot)
{
	while (n > 0) {
		if (list[--n].boot == boot)
			return (true);
	}
	return (false);
}

/* Only the present owner is remembered beyond the window. */
static void
age(struct clone_node *n, struct monotime now)
{
	size_t i;

	while (n->n_opens > 1 && n->opens[0].ms + LIMIT_CLONE_MS <= now.ms)
		drop(n->opens, &n->n_opens, 0);
	for (i = n->n_held; i-- > 0;) {
		if (n->held[i].ms <= now.ms)
			drop(n->held, &n->n_held, i);
	}
}

static void
remember(struct seen *list, size_t *n, size_t max, uint64_t boot, int64_t ms)
{
	size_t i;

	for (i = 0; i < *n && list[i].boot != boot; i++)
		;
	if (i == *n && *n == max)
		drop(list, n, 0);
	else if (i < *n)
		drop(list, n, i);
	list[(*n)++] = (struct seen){ boot, ms };
}

static void
owns(struct clone_node *n, uint64_t boot, struct monotime now)
{
	size_t i;

	for (i = n->n_held; i-- > 0;) {
		if (n->held[i].boot == boot)
			drop(n->held, &n->n_held, i);
	}
	if (n->n_opens == OPENS)
		drop(n->opens, &n->n_opens, 0);
	n->opens[n->n_opens++] = (struct seen){ boot, now.ms };
}

/* "[2001:db8::1]:443" and "192.0.2.1:443" without the port. */
static struct span
host_of(struct span address)
{
	size_t i;

	for (i = address.len; i-- > 0;) {
		if (address.p[i] == ':')
			return ((struct span){ address.p, i });
		if (address.p[i] < '0' || address.p[i] > '9')
			break;
	}
	return (address);
}

uint32_t
clone_open(struct clone_table *t, const char *id, struct span boot_id,
    struct span address, bool live, struct monotime now)
{
	struct clone_node *n = find(t, id, now);
	struct span who = boot_id.len > 0 ? boot_id : host_of(address);
	uint64_t boot = siphash13(t->key, who.p, who.len);

	age(n, now);
	if (n->n_opens > 0 && n->opens[n->n_opens - 1].boot == boot) {
		n->opens[n->n_opens - 1].ms = now.ms;
		return (0);
	}
	/* Each open but the first was a change, and this one is another. */
	if (live && (has(n->held, n->n_held, boot) ||
	    (n->n_opens > LIMIT_CLONE_SWITCHES &&
	    has(n->opens, n->n_opens, boot)))) {
		remember(n->held, &n->n_held, HELD, boot, now.ms + HOLD_MS);
		return (LIMIT_CLONE_MS);
	}
	owns(n, boot, now);
	return (0);
}
