/* SPDX-License-Identifier: ISC */

/*
 * The tables of the miss query: questions, misses, calls that wait.
 */

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/name.h"
#include "relay-router/query_impl.h"

/* --- keys --- */

bool
query_key(const struct call *c, char key[KEY_SIZE])
{
	key[0] = 'n';
	if (c->target.id.len != 0)
		return (name_node_lower(c->target.id, key + 1, KEY_SIZE - 1));
	key[0] = 's';
	return (name_service(c->server) &&
	    span_copy(c->server, key + 1, KEY_SIZE - 1));
}

static uint64_t
hash_key(const struct router *r, const char *key)
{
	return (siphash13(r->key, key, strlen(key)));
}

struct query *
query_find(struct router *r, const char *key)
{
	struct map_entry	*e;
	struct query		*q;

	for (e = map_find(&r->queries->by_key, hash_key(r, key)); e != NULL;
	    e = map_find_next(e)) {
		q = (struct query *)e;
		if (strcmp(q->key, key) == 0)
			return (q);
	}
	return (NULL);
}

struct query *
query_find_id(struct router *r, uint64_t id)
{
	struct map_entry	*e = map_find(&r->queries->by_id, id);

	/* Ids are unique, so the first with the hash is the one. */
	return (e == NULL ? NULL : (struct query *)(void *)((char *)e -
	    offsetof(struct query, by_id)));
}

struct query *
query_new(struct router *r, const char *key)
{
	struct query_table	*t = r->queries;
	struct query		*q;

	if ((q = calloc(1, sizeof(*q))) == NULL)
		fatal("out of memory");
	TAILQ_INIT(&q->held);
	q->id = id64_next(&r->ids);
	q->due_ms = router_now() + LIMIT_QUERY_MS;
	memcpy(q->key, key, sizeof(q->key));
	map_add(&t->by_key, &q->by_key, hash_key(r, key));
	map_add(&t->by_id, &q->by_id, q->id);
	TAILQ_INSERT_TAIL(&t->list, q, entry);
	return (q);
}

void
query_take(struct query_table *t, struct query *q)
{
	map_remove(&t->by_key, &q->by_key);
	map_remove(&t->by_id, &q->by_id);
	TAILQ_REMOVE(&t->list, q, entry);
}

/* --- what nobody has --- */

void
miss_forget(struct query_table *t, struct miss *m)
{
	map_remove(&t->missed, &m->by_key);
	TAILQ_REMOVE(&t->misses, m, entry);
	t->n_misses--;
	free(m);
}

bool
miss_known(struct router *r, const char *key, int64_t now_ms)
{
	struct query_table	*t = r->queries;
	struct map_entry	*e;
	struct miss		*m;

	while ((m = TAILQ_FIRST(&t->misses)) != NULL && m->until_ms <= now_ms)
		miss_forget(t, m);
	for (e = map_find(&t->missed, hash_key(r, key)); e != NULL;
	    e = map_find_next(e)) {
		m = (struct miss *)e;
		if (strcmp(m->key, key) == 0)
			return (true);
	}
	return (false);
}

void
miss_remember(struct router *r, const char *key, int64_t now_ms)
{
	struct query_table	*t = r->queries;
	struct miss		*m;

	if (miss_known(r, key, now_ms))
		return;
	if (t->n_misses == LIMIT_QUERIES)
		miss_forget(t, TAILQ_FIRST(&t->misses));
	if ((m = calloc(1, sizeof(*m))) == NULL)
		fatal("out of memory");
	memcpy(m->key, key, sizeof(m->key));
	m->until_ms = now_ms + LIMIT_QUERY_MISS_MS;
	map_add(&t->missed, &m->by_key, hash_key(r, key));
	TAILQ_INSERT_TAIL(&t->misses, m, entry);
	t->n_misses++;
}

/* --- copies of calls --- */

/* Moves what a span points at into the copy. */
static void
move_span(struct span *s, char **at)
{
	if (s->len != 0)
		memcpy(*at, s->p, s->len);
	s->p = *at;
	*at += s->len;
}

/* All that a call points at; of a link's there is the text to read again. */
static size_t
spans_of(struct call *c, struct span *list[])
{
	size_t	 n = 0;

	list[n++] = &c->to.message_id;
	list[n++] = &c->to.rpc_id;
	if (c->env != NULL)
		return (n);
	list[n++] = &c->target.id;
	list[n++] = &c->target.main;
	list[n++] = &c->server;
	list[n++] = &c->method;
	list[n++] = &c->version;
	list[n++] = &c->params;
	list[n++] = &c->trace;
	list[n++] = &c->idempotency_key;
	return (n);
}

#define SPANS_MAX	10

struct held *
held_new(const struct call *c, const struct rpc_error *why)
{
	struct call	 copy = *c;
	struct span	*list[SPANS_MAX], text = { "", 0 };
	struct held	*h;
	size_t		 i, n = spans_of(&copy, list), size = sizeof(*h);
	char		*at;

	if (c->env != NULL)
		text = (struct span){ c->env->text,
		    (size_t)c->env->close + 1 };
	size += text.len;
	for (i = 0; i < n; i++)
		size += list[i]->len;
	if ((h = calloc(1, size)) == NULL)
		fatal("out of memory");
	at = h->data;
	for (i = 0; i < n; i++)
		move_span(list[i], &at);
	move_span(&text, &at);
	h->size = size;
	h->why = *why;
	h->text = text;
	h->call = copy;
	h->call.env = NULL;
	return (h);
}

struct pending *
held_pending(struct router *r, const struct held *h)
{
	return (pending_by_callee(&r->pending, &r->queries->end,
	    (struct span){ (const char *)&h->id, sizeof(h->id) }));
}

bool
held_add(struct router *r, struct query *q, struct held *h)
{
	struct query_table	*t = r->queries;
	const struct call	*c = &h->call;
	struct pending		*p;

	h->id = id64_next(&r->ids);
	if (pending_add(&r->pending, h->id, c->to.end, c->to.message_id,
	    &t->end, (struct span){ (const char *)&h->id, sizeof(h->id) },
	    c->to.rpc_id, c->now_ms, c->now_ms + call_limit_ms(r, c, NULL),
	    &p) != PENDING_OK)
		return (false);
	p->slot = c->to.slot;
	p->no_answer = c->to.no_answer;
	TAILQ_INSERT_TAIL(&q->held, h, entry);
	t->n_held++;
	t->bytes += h->size;
	router_arm(r);
	return (true);
}

void
held_free(struct query_table *t, struct query *q, struct held *h)
{
	TAILQ_REMOVE(&q->held, h, entry);
	t->n_held--;
	t->bytes -= h->size;
	free(h);
}

bool
held_call(struct router *r, const struct held *h, struct call_names *names,
    struct call *c, struct rpc_error *err)
{
	*c = h->call;
	*err = h->why;
	return (h->text.len == 0 || (envelope_parse(&r->env, h->text.p,
	    h->text.len, r->key) == ENV_OK &&
	    call_read(r, h->call.from, &r->env, names, c, err)));
}
