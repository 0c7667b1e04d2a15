/* SPDX-License-Identifier: ISC */
/* Rows of discovery between Mains: their canonical form and their tables. */
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/log.h"
#include "relay-registry/mesh_impl.h"

#define BODY_ROOM	512	/* bytes: most homes have a few services */

static const uint8_t no_key[HASH_KEY_LEN];

int
mesh_row_cmp(struct mesh_row *a, struct mesh_row *b)
{
	return (strcmp(a->node, b->node));
}

RB_GENERATE(mesh_rows, mesh_row, entry, mesh_row_cmp)

uint32_t
mesh_row_cost(const char *node, const struct mesh_body *b)
{
	return ((uint32_t)(sizeof(struct mesh_row) + strlen(node) + 1) +
	    b->len + b->decoded);
}

/* --- bodies --- */

/* Bytes of a service outside of messages: a short one takes many times more. */
static uint32_t
decoded_size(const struct service *s)
{
	return ((uint32_t)(sizeof(*s) + s->n_methods * sizeof(*s->methods) +
	    s->n_labels * sizeof(*s->labels)));
}

static bool
grow(struct wire_put *w, size_t n)
{
	size_t size = w->size * 2 > w->len + n ? w->size * 2 : w->len + n;
	uint8_t *p;

	if ((p = realloc(w->buf, size)) == NULL)
		fatal("no memory for a home");
	w->buf = p;
	w->size = size;
	return (true);
}

static int
by_name(const void *a, const void *b)
{
	const struct service *s = *(const struct service *const *)a;
	const struct service *t = *(const struct service *const *)b;
	int c = strcmp(s->name, t->name);

	return (c != 0 ? c : strcmp(s->version, t->version));
}

void
mesh_body_make(struct mesh_body *b, const char *node,
    const struct service **services, uint16_t n)
{
	struct wire_put w;
	size_t before, head;
	uint16_t i;

	wire_put_init(&w, NULL, 0);
	w.grow = grow;
	(void)grow(&w, BODY_ROOM);
	put_str(&w, node);
	head = w.len;
	memset(b, 0, sizeof(*b));
	if (n > 0)
		qsort(services, n, sizeof(*services), by_name);
	for (i = 0; i < n; i++) {
		before = w.len;
		put_service(&w, services[i]);
		if (w.len - head <= LIMIT_PEER_ROW) {
			b->n++;
			b->decoded += decoded_size(services[i]);
			continue;
		}
		w.len = before;
		b->cut++;
	}
	if (w.bad || (b->p = realloc(w.buf, w.len)) == NULL)
		fatal("a home that cannot be encoded");
	b->len = (uint32_t)w.len;
	b->hash = siphash13(no_key, b->p, b->len);
}

uint64_t
mesh_row_hash(const char *node, const struct service *services, uint16_t n)
{
	const struct service *sorted[LIMIT_SERVICES];
	struct mesh_body b;
	uint16_t i;

	for (i = 0; i < n && i < LIMIT_SERVICES; i++)
		sorted[i] = &services[i];
	mesh_body_make(&b, node, sorted, i);
	free(b.p);
	return (b.hash);
}

struct span
mesh_row_encoded(const struct mesh_row *row)
{
	size_t head = sizeof(uint16_t) + strlen(row->node);

	if (row->gone)
		return (span_str(""));
	return ((struct span){ (const char *)row->body + head,
	    row->len - head });
}

struct service *
mesh_row_services(const struct mesh_row *row)
{
	struct span s = mesh_row_encoded(row);
	struct service *services;
	struct wire_get get;
	uint16_t i;

	if ((services = calloc(row->n + 1U, sizeof(*services))) == NULL)
		fatal("no memory for services");
	wire_get_init(&get, s.p, s.len);
	for (i = 0; i < row->n; i++)
		get_service(&get, &services[i]);
	return (services);
}

void
mesh_services_free(struct service *services, uint16_t n)
{
	while (n > 0)
		service_clear(&services[--n]);
	free(services);
}

/* --- tables --- */

void
mesh_table_init(struct mesh_table *t)
{
	memset(t, 0, sizeof(*t));
	RB_INIT(&t->rows);
	TAILQ_INIT(&t->dirty);
}

/* A row's share in the sums of its table. */
static void
count(struct mesh_table *t, const struct mesh_row *row)
{
	t->count++;
	t->services += row->n;
	t->bytes += row->cost;
	t->digest += row->hash;
}

static void
uncount(struct mesh_table *t, const struct mesh_row *row)
{
	t->count--;
	t->services -= row->n;
	t->bytes -= row->cost;
	t->digest -= row->hash;
}

static void
set_dirty(struct mesh_table *t, struct mesh_row *row)
{
	if (!row->dirty)
		TAILQ_INSERT_TAIL(&t->dirty, row, link);
	row->dirty = true;
}

static void
set_clean(struct mesh_table *t, struct mesh_row *row)
{
	if (row->dirty)
		TAILQ_REMOVE(&t->dirty, row, link);
	row->dirty = false;
}

/* It is gone already. */
static void
forget(struct mesh_table *t, struct mesh_row *row)
{
	set_clean(t, row);
	RB_REMOVE(mesh_rows, &t->rows, row);
	free(row->share);
	free(row);
}

static void
end(struct mesh_table *t, struct mesh_row *row)
{
	uncount(t, row);
	free(row->body);
	row->body = NULL;
	row->len = 0;
	row->n = 0;
	row->gone = true;
}

void
mesh_table_clear(struct mesh_table *t)
{
	struct mesh_row *row, *next;

	RB_FOREACH_SAFE(row, mesh_rows, &t->rows, next) {
		if (!row->gone)
			end(t, row);
		forget(t, row);
	}
}

struct mesh_row *
mesh_table_find(struct mesh_table *t, const char *node)
{
	struct mesh_row *row = RB_ROOT(&t->rows);
	int c;

	while (row != NULL && (c = strcmp(node, row->node)) != 0)
		row = c < 0 ? RB_LEFT(row, entry) : RB_RIGHT(row, entry);
	return (row);
}

/* A row as one that is gone, which nobody knows. */
static struct mesh_row *
add(struct mesh_table *t, const char *node)
{
	size_t len = strlen(node) + 1;
	struct mesh_row *row;

	if ((row = calloc(1, sizeof(*row) + len)) == NULL)
		fatal("no memory for a home");
	memcpy(row->node, node, len);
	row->gone = true;
	RB_INSERT(mesh_rows, &t->rows, row);
	return (row);
}

bool
mesh_table_set(struct mesh_table *t, const char *node, struct mesh_body *b,
    struct mesh_row **rowp)
{
	struct mesh_row *row;

	if ((row = mesh_table_find(t, node)) == NULL)
		row = add(t, node);
	*rowp = row;
	if (!row->gone && row->hash == b->hash && row->len == b->len &&
	    memcmp(row->body, b->p, b->len) == 0) {
		free(b->p);
		return (false);
	}
	if (!row->gone)
		end(t, row);
	row->gone = false;
	row->hash = b->hash;
	row->body = b->p;
	row->len = b->len;
	row->cost = mesh_row_cost(node, b);
	row->n = b->n;
	count(t, row);
	set_dirty(t, row);
	return (true);
}

void
mesh_table_delete(struct mesh_table *t, struct mesh_row *row)
{
	end(t, row);
	if (row->told)
		set_dirty(t, row);
	else
		forget(t, row);
}

void
mesh_table_told(struct mesh_table *t, struct mesh_row *row)
{
	row->told = true;
	if (row->gone)
		forget(t, row);
	else
		set_clean(t, row);
}

void
mesh_table_telling(struct mesh_table *t, struct mesh_row *row)
{
	row->told = true;
	set_clean(t, row);
}

void
mesh_table_touch(struct mesh_table *t, struct mesh_row *row)
{
	set_dirty(t, row);
}

void
mesh_table_settle(struct mesh_table *t, bool told)
{
	struct mesh_row *row, *next;

	RB_FOREACH_SAFE(row, mesh_rows, &t->rows, next) {
		row->told = told;
		row->routed = false;
		if (row->gone)
			forget(t, row);
		else
			set_clean(t, row);
	}
}

void
mesh_table_dirty(struct mesh_table *t)
{
	struct mesh_row *row;

	RB_FOREACH(row, mesh_rows, &t->rows)
		set_dirty(t, row);
}
