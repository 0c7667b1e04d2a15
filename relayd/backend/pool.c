/* SPDX-License-Identifier: ISC */
/* See pool.h. */
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/log.h"
#include "relayd/backend/pool.h"

static int
call_cmp(const struct call *a, const struct call *b)
{
	return (a->call < b->call ? -1 : a->call > b->call);
}

static int
id_cmp(const struct call *a, const struct call *b)
{
	return (a->id < b->id ? -1 : a->id > b->id);
}

#define TREE	static __attribute__((unused))

RB_GENERATE_INTERNAL(call_tree, call, by_call, call_cmp, TREE)
RB_GENERATE_INTERNAL(id_tree, call, by_id, id_cmp, TREE)

void
calls_init(struct calls *cs)
{
	memset(cs, 0, sizeof(*cs));
	RB_INIT(&cs->by_call);
	RB_INIT(&cs->by_id);
	TAILQ_INIT(&cs->abandoned);
	cs->next_id = 1;
}

void
pool_init(struct pool *p, uint32_t max, void *owner)
{
	memset(p, 0, sizeof(*p));
	TAILQ_INIT(&p->slots);
	TAILQ_INIT(&p->queue);
	p->max = max;
	p->owner = owner;
}

void
pool_add_slot(struct pool *p, struct slot *s, uint32_t max, void *io)
{
	memset(s, 0, sizeof(*s));
	TAILQ_INIT(&s->calls);
	s->pool = p;
	s->max = max;
	s->io = io;
	/* A fresh one goes to the front: it has waited for no call yet. */
	TAILQ_INSERT_HEAD(&p->slots, s, entry);
	p->n_slots++;
}

void
pool_remove_slot(struct slot *s)
{
	TAILQ_REMOVE(&s->pool->slots, s, entry);
	s->pool->n_slots--;
}

enum enqueue
pool_enqueue(struct calls *cs, struct pool *p, uint64_t id,
    struct monotime deadline, bool notification, size_t size, struct call **out)
{
	struct call *c;

	if (calls_find(cs, id) != NULL)
		return (ENQUEUE_REPEATED);
	if (p->n_queued >= LIMIT_BACKEND_QUEUE ||
	    p->queued_bytes > LIMIT_BACKEND_QUEUE_BYTES ||
	    size > LIMIT_BACKEND_QUEUE_BYTES - p->queued_bytes)
		return (ENQUEUE_FULL);
	if ((c = calloc(1, sizeof(*c))) == NULL)
		fatal("out of memory");
	c->state = CALL_QUEUED;
	c->call = id;
	c->id = cs->next_id++;
	c->pool = p;
	c->deadline = deadline;
	c->notification = notification;
	RB_INSERT(call_tree, &cs->by_call, c);
	RB_INSERT(id_tree, &cs->by_id, c);
	TAILQ_INSERT_TAIL(&p->queue, c, entry);
	p->n_queued++;
	cs->count++;
	*out = c;
	return (ENQUEUE_OK);
}

void
call_set_text(struct call *c, char *text, size_t len)
{
	c->text = text;
	c->text_len = len;
	c->pool->queued_bytes += len;
}

static bool
slot_free(const struct slot *s)
{
	return (!s->blocked && (s->max == 0 || s->in_flight < s->max));
}

static struct slot *
choose(const struct pool *p)
{
	struct slot *s, *best = NULL;

	if (p->max != 0 && p->in_flight >= p->max)
		return (NULL);
	TAILQ_FOREACH(s, &p->slots, entry) {
		if (slot_free(s) &&
		    (best == NULL || s->in_flight < best->in_flight))
			best = s;
	}
	return (best);
}

bool
pool_has_room(const struct pool *p)
{
	return (choose(p) != NULL);
}

static void
unqueue(struct call *c)
{
	TAILQ_REMOVE(&c->pool->queue, c, entry);
	c->pool->n_queued--;
	c->pool->queued_bytes -= c->text_len;
}

enum take
pool_take(struct pool *p, struct monotime now, struct call **out)
{
	struct slot *s;
	struct call *c;

	if ((c = TAILQ_FIRST(&p->queue)) == NULL)
		return (TAKE_NONE);
	*out = c;
	if (monotime_reached(c->deadline, now))
		return (TAKE_EXPIRED);
	if ((s = choose(p)) == NULL)
		return (TAKE_NONE);
	unqueue(c);
	c->state = CALL_SENT;
	c->slot = s;
	TAILQ_INSERT_TAIL(&s->calls, c, entry);
	s->in_flight++;
	p->in_flight++;
	/* Behind its equals, so that they take turns. */
	TAILQ_REMOVE(&p->slots, s, entry);
	TAILQ_INSERT_TAIL(&p->slots, s, entry);
	return (TAKE_SEND);
}

void
pool_return(struct call *c)
{
	TAILQ_REMOVE(&c->slot->calls, c, entry);
	c->slot->in_flight--;
	c->pool->in_flight--;
	c->slot = NULL;
	c->state = CALL_QUEUED;
	TAILQ_INSERT_HEAD(&c->pool->queue, c, entry);
	c->pool->n_queued++;
	c->pool->queued_bytes += c->text_len;
}

struct call *
calls_find(struct calls *cs, uint64_t call)
{
	struct call key;

	key.call = call;
	return (RB_FIND(call_tree, &cs->by_call, &key));
}

struct call *
calls_find_id(struct calls *cs, const struct slot *s, uint64_t id)
{
	struct call key, *c;

	key.id = id;
	c = RB_FIND(id_tree, &cs->by_id, &key);
	return (c != NULL && c->state != CALL_QUEUED && c->slot == s ? c :
	    NULL);
}

struct call *
calls_any(struct calls *cs)
{
	return (RB_MIN(call_tree, &cs->by_call));
}

void
call_finish(struct calls *cs, struct call *c)
{
	switch (c->state) {
	case CALL_QUEUED:
		unqueue(c);
		break;
	case CALL_ABANDONED:
		TAILQ_REMOVE(&cs->abandoned, c, abandoned);
		/* FALLTHROUGH */
	case CALL_SENT:
		TAILQ_REMOVE(&c->slot->calls, c, entry);
		c->slot->in_flight--;
		c->pool->in_flight--;
		break;
	}
	if (c->state != CALL_ABANDONED)
		RB_REMOVE(call_tree, &cs->by_call, c);
	RB_REMOVE(id_tree, &cs->by_id, c);
	cs->count--;
	free(c->text);
	free(c);
}

void
call_abandon(struct calls *cs, struct call *c, struct monotime now)
{
	if (c->state != CALL_SENT)
		return;
	c->state = CALL_ABANDONED;
	c->since = now;
	RB_REMOVE(call_tree, &cs->by_call, c);
	TAILQ_INSERT_TAIL(&cs->abandoned, c, abandoned);
}

struct call *
calls_abandoned_due(struct calls *cs, struct monotime now)
{
	struct call *c = TAILQ_FIRST(&cs->abandoned);

	if (c == NULL || monotime_diff_ms(now, c->since) <
	    LIMIT_BACKEND_ABANDON_MS)
		return (NULL);
	return (c);
}
