/* SPDX-License-Identifier: ISC */

/*
 * Table of pending calls: two keyed hash tables with chains, a binary heap of
 * deadlines and two lists an end; see pending.h.
 */

#include <bsd/stdlib.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "relay-router/pending.h"

#define SLAB		64	/* entries allocated at once */
#define FIRST_BUCKETS	256	/* a power of two */

struct slab {
	struct slab	*next;
	struct pending	 entry[SLAB];
};

static void *
alloc_or_die(size_t n, size_t size)
{
	void	*p;

	if ((p = calloc(n, size)) == NULL)
		fatal("out of memory");
	return (p);
}

void
pending_init(struct pending_table *t, const uint8_t key[HASH_KEY_LEN],
    uint32_t max)
{
	memset(t, 0, sizeof(*t));
	memcpy(t->key, key, sizeof(t->key));
	t->max = max;
	t->mask = FIRST_BUCKETS - 1;
	t->by_caller = alloc_or_die(FIRST_BUCKETS, sizeof(*t->by_caller));
	t->by_callee = alloc_or_die(FIRST_BUCKETS, sizeof(*t->by_callee));
}

void
pending_free(struct pending_table *t)
{
	struct slab	*s, *next;
	uint32_t	 i;

	for (i = 0; i < t->n; i++)
		free(t->heap[i]->rpc_big);
	for (s = t->slabs; s != NULL; s = next) {
		next = s->next;
		free(s);
	}
	free(t->by_caller);
	free(t->by_callee);
	free(t->heap);
	memset(t, 0, sizeof(*t));
}

void
pending_end_init(struct pending_end *end, int kind, void *owner,
    uint32_t max_made, uint32_t max_serves)
{
	memset(end, 0, sizeof(*end));
	TAILQ_INIT(&end->made);
	TAILQ_INIT(&end->serves);
	end->kind = kind;
	end->owner = owner;
	end->max_made = max_made;
	end->max_serves = max_serves;
}

static uint64_t
hash_of(const struct pending_table *t, const struct pending_end *end,
    struct span id)
{
	uint8_t		 buf[sizeof(uintptr_t) + LIMIT_MESSAGE_ID];
	uintptr_t	 who = (uintptr_t)end;

	memcpy(buf, &who, sizeof(who));
	memcpy(buf + sizeof(who), id.p, id.len);
	return (siphash13(t->key, buf, sizeof(who) + id.len));
}

/* Doubles the buckets and hangs every entry anew. */
static void
grow_buckets(struct pending_table *t)
{
	uint32_t	 i, mask = t->mask * 2 + 1;
	struct pending	*p;

	free(t->by_caller);
	free(t->by_callee);
	t->by_caller = alloc_or_die((size_t)mask + 1, sizeof(*t->by_caller));
	t->by_callee = alloc_or_die((size_t)mask + 1, sizeof(*t->by_callee));
	t->mask = mask;
	for (i = 0; i < t->n; i++) {
		p = t->heap[i];
		p->next_caller = t->by_caller[p->caller_hash & mask];
		t->by_caller[p->caller_hash & mask] = p;
		p->next_callee = t->by_callee[p->callee_hash & mask];
		t->by_callee[p->callee_hash & mask] = p;
	}
}

static void
heap_put(struct pending_table *t, uint32_t at, struct pending *p)
{
	t->heap[at] = p;
	p->heap_at = at;
}

static void
heap_up(struct pending_table *t, uint32_t at, struct pending *p)
{
	uint32_t	 parent;

	while (at > 0) {
		parent = (at - 1) / 2;
		if (t->heap[parent]->deadline_ms <= p->deadline_ms)
			break;
		heap_put(t, at, t->heap[parent]);
		at = parent;
	}
	heap_put(t, at, p);
}

static void
heap_down(struct pending_table *t, uint32_t at, struct pending *p)
{
	uint32_t	 child;

	while ((child = at * 2 + 1) < t->n) {
		if (child + 1 < t->n && t->heap[child + 1]->deadline_ms <
		    t->heap[child]->deadline_ms)
			child++;
		if (p->deadline_ms <= t->heap[child]->deadline_ms)
			break;
		heap_put(t, at, t->heap[child]);
		at = child;
	}
	heap_put(t, at, p);
}

/* Adds to the heap and counts the entry. */
static void
heap_add(struct pending_table *t, struct pending *p)
{
	struct pending	**heap;
	uint32_t	  size;

	if (t->n == t->heap_size) {
		size = t->heap_size == 0 ? SLAB : t->heap_size * 2;
		heap = reallocarray(t->heap, size, sizeof(*heap));
		if (heap == NULL)
			fatal("out of memory");
		t->heap = heap;
		t->heap_size = size;
	}
	t->n++;
	heap_up(t, t->n - 1, p);
}

static void
heap_remove(struct pending_table *t, uint32_t at)
{
	struct pending	*last = t->heap[--t->n];

	if (at == t->n)
		return;
	if (at > 0 && last->deadline_ms < t->heap[(at - 1) / 2]->deadline_ms)
		heap_up(t, at, last);
	else
		heap_down(t, at, last);
}

static struct pending *
entry_new(struct pending_table *t)
{
	struct pending	*p;
	struct slab	*s;
	size_t		 i;

	if (t->free == NULL) {
		s = alloc_or_die(1, sizeof(*s));
		s->next = t->slabs;
		t->slabs = s;
		for (i = 0; i < SLAB; i++) {
			s->entry[i].next_caller = t->free;
			t->free = &s->entry[i];
		}
	}
	p = t->free;
	t->free = p->next_caller;
	p->instance = NULL;
	p->slot = 0;
	p->no_answer = false;
	return (p);
}

static void
keep_rpc_id(struct pending *p, struct span id)
{
	p->rpc_big = NULL;
	p->rpc_len = (uint32_t)id.len;
	if (id.len == 0)
		return;
	if (id.len <= sizeof(p->rpc_id)) {
		if (id.len > 0)
			memcpy(p->rpc_id, id.p, id.len);
		return;
	}
	p->rpc_big = alloc_or_die(1, id.len);
	memcpy(p->rpc_big, id.p, id.len);
}

static struct pending *
find_caller(struct pending_table *t, const struct pending_end *end,
    struct span id, uint64_t hash)
{
	struct pending	*p;

	for (p = t->by_caller[hash & t->mask]; p != NULL; p = p->next_caller)
		if (p->caller_hash == hash && p->caller == end &&
		    p->caller_len == id.len &&
		    memcmp(p->caller_id, id.p, id.len) == 0)
			return (p);
	return (NULL);
}

struct pending *
pending_by_caller(struct pending_table *t, const struct pending_end *end,
    struct span id)
{
	if (id.len > LIMIT_MESSAGE_ID)
		return (NULL);
	return (find_caller(t, end, id, hash_of(t, end, id)));
}

struct pending *
pending_by_callee(struct pending_table *t, const struct pending_end *end,
    struct span id)
{
	struct pending	*p;
	uint64_t	 hash;

	if (id.len > LIMIT_MESSAGE_ID)
		return (NULL);
	hash = hash_of(t, end, id);
	for (p = t->by_callee[hash & t->mask]; p != NULL; p = p->next_callee)
		if (p->callee_hash == hash && p->callee == end &&
		    p->callee_len == id.len &&
		    memcmp(p->callee_id, id.p, id.len) == 0)
			return (p);
	return (NULL);
}

/* Hangs the entry into both tables and both lists. */
static void
entry_link(struct pending_table *t, struct pending *p)
{
	p->next_caller = t->by_caller[p->caller_hash & t->mask];
	t->by_caller[p->caller_hash & t->mask] = p;
	p->next_callee = t->by_callee[p->callee_hash & t->mask];
	t->by_callee[p->callee_hash & t->mask] = p;
	TAILQ_INSERT_TAIL(&p->caller->made, p, made_entry);
	TAILQ_INSERT_TAIL(&p->callee->serves, p, serves_entry);
	p->caller->n_made++;
	p->callee->n_serves++;
}

enum pending_result
pending_add(struct pending_table *t, uint64_t id, struct pending_end *caller,
    struct span caller_id, struct pending_end *callee, struct span callee_id,
    struct span rpc_id, int64_t now_ms, int64_t deadline_ms,
    struct pending **out)
{
	struct pending	*p;
	uint64_t	 hash;

	*out = NULL;
	hash = hash_of(t, caller, caller_id);
	if (find_caller(t, caller, caller_id, hash) != NULL)
		return (PENDING_DUPLICATE);
	if (caller->n_made >= caller->max_made)
		return (PENDING_FULL_CALLER);
	if (callee->n_serves >= callee->max_serves)
		return (PENDING_FULL_CALLEE);
	if (t->n >= t->max)
		return (PENDING_FULL);
	if (t->n > t->mask)
		grow_buckets(t);
	p = entry_new(t);
	p->id = id;
	p->caller = caller;
	p->callee = callee;
	p->start_ms = now_ms;
	p->deadline_ms = deadline_ms;
	p->caller_hash = hash;
	p->callee_hash = hash_of(t, callee, callee_id);
	p->caller_len = (uint8_t)caller_id.len;
	p->callee_len = (uint8_t)callee_id.len;
	memcpy(p->caller_id, caller_id.p, caller_id.len);
	memcpy(p->callee_id, callee_id.p, callee_id.len);
	keep_rpc_id(p, rpc_id);
	entry_link(t, p);
	heap_add(t, p);
	*out = p;
	return (PENDING_OK);
}

static void
unchain(struct pending_table *t, struct pending *p)
{
	struct pending	**pp;

	for (pp = &t->by_caller[p->caller_hash & t->mask]; *pp != p;
	    pp = &(*pp)->next_caller)
		;
	*pp = p->next_caller;
	for (pp = &t->by_callee[p->callee_hash & t->mask]; *pp != p;
	    pp = &(*pp)->next_callee)
		;
	*pp = p->next_callee;
}

void
pending_remove(struct pending_table *t, struct pending *p)
{
	unchain(t, p);
	TAILQ_REMOVE(&p->caller->made, p, made_entry);
	TAILQ_REMOVE(&p->callee->serves, p, serves_entry);
	p->caller->n_made--;
	p->callee->n_serves--;
	heap_remove(t, p->heap_at);
	free(p->rpc_big);
	p->rpc_big = NULL;
	p->next_caller = t->free;
	t->free = p;
}

struct pending *
pending_expired(struct pending_table *t, int64_t now_ms)
{
	if (t->n == 0 || t->heap[0]->deadline_ms > now_ms)
		return (NULL);
	return (t->heap[0]);
}

int64_t
pending_next_ms(const struct pending_table *t)
{
	return (t->n == 0 ? -1 : t->heap[0]->deadline_ms);
}

struct span
pending_caller_id(const struct pending *p)
{
	struct span	 s = { p->caller_id, p->caller_len };

	return (s);
}

struct span
pending_callee_id(const struct pending *p)
{
	struct span	 s = { p->callee_id, p->callee_len };

	return (s);
}

struct span
pending_rpc_id(const struct pending *p)
{
	struct span	 s = { p->rpc_big == NULL ? p->rpc_id : p->rpc_big,
	    p->rpc_len };

	return (s);
}
