/* SPDX-License-Identifier: ISC */
/*
 * Mains that discover each other over links that break, lag and lose, and
 * that are told nonsense.
 *
 * Input: u8 flags (bit 0: three Mains and not two, bit 1: room for few homes,
 * bit 2: few rows a second), then operations, each u8 which, u8 Mains (two
 * bits who, two bits with whom) and the upper four bits a home, u8 argument.
 * What follows the argument of an operation with bytes: that many of them.
 *
 * Whatever comes: no crash, no leak, every message is one of the table, and
 * once everything has settled each Main knows every other that it is linked
 * with as it is, and holds no more than it may.
 */
#include <fcntl.h>
#include <stdint.h>

#include "common/log.h"
#include "tests/unit/mesh_fixture.h"

#define OPERATIONS_MAX	300	/* of one input */
#define TICK_MS		100	/* what an argument counts */

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct operation {
	size_t		 a, b;		/* never the same */
	size_t		 home;
	uint8_t		 arg;
	const uint8_t	*bytes;
	size_t		 len;
};

/* What it would log is what the input asked for. */
static void
quiet(void)
{
	static int fd = -1;

	if (fd == -1 && (fd = open("/dev/null", O_WRONLY)) != -1)
		log_init(fd, LOG_STYLE_TERMINAL, "fuzz", false);
}

static void
op_own(struct world *w, const struct operation *o)
{
	world_own(w, o->a, o->home, o->arg);
}

static void
op_link(struct world *w, const struct operation *o)
{
	world_link(w, o->a, o->b);
}

static void
op_unlink(struct world *w, const struct operation *o)
{
	world_unlink(w, o->a, o->b);
}

static void
op_pull(struct world *w, const struct operation *o)
{
	(void)world_pull(w, o->a, o->arg);
}

static void
op_deliver(struct world *w, const struct operation *o)
{
	(void)world_deliver(w, o->a, o->b, o->arg);
}

static void
op_run(struct world *w, const struct operation *o)
{
	(void)o;
	world_run(w);
}

static void
op_lose(struct world *w, const struct operation *o)
{
	(void)world_lose(w, o->a, o->b);
}

static void
op_lag(struct world *w, const struct operation *o)
{
	world_lag(w, o->a, o->b, o->arg & 1);
}

/* Up to more than what is stale is kept. */
static void
op_time(struct world *w, const struct operation *o)
{
	size_t i;

	w->now.ms += (int64_t)TICK_MS * o->arg * (o->home + 1) * 2;
	for (i = 0; i < w->n; i++)
		mesh_tick(w->mains[i].mesh, w->now);
}

static void
op_router(struct world *w, const struct operation *o)
{
	world_new_router(w, o->a);
}

static void
op_registry(struct world *w, const struct operation *o)
{
	world_new_registry(w, o->a);
}

static void
op_words(struct world *w, const struct operation *o)
{
	struct world_main *a = &w->mains[o->a];

	mesh_answer(a->mesh, a->to[o->b].session, span_str("q"), true, 2);
	mesh_barrier(a->mesh, o->arg, a->to[o->b].session, false, 0);
}

/* Any bytes as rows. */
static void
op_rows(struct world *w, const struct operation *o)
{
	world_rows(w, o->a, o->b, o->bytes, o->len);
}

static void
op_digest(struct world *w, const struct operation *o)
{
	struct world_main *a = &w->mains[o->a];

	mesh_digest(a->mesh, a->to[o->b].session, o->arg & 3, o->home,
	    o->arg >> 4, 0, w->now);
}

/* Other rules at a for b, one way and the other. */
static void
op_deny(struct world *w, const struct operation *o)
{
	world_deny(w, o->a, o->b, o->arg & 0x7f,
	    (uint8_t)(o->home | (o->arg & 0x80) >> 3));
}

static void (*const operations[])(struct world *, const struct operation *) = {
	op_own, op_link, op_unlink, op_pull, op_deliver, op_run, op_lose,
	op_lag, op_time, op_router, op_registry, op_words, op_rows, op_digest,
	op_deny
};

/* One operation; returns what is left. */
static const uint8_t *
one(struct world *w, const uint8_t *p, const uint8_t *end)
{
	size_t which = p[0] % (sizeof(operations) / sizeof(operations[0]));
	struct operation o = { .home = p[1] >> 4, .arg = p[2] };

	o.a = (p[1] & 3) % w->n;
	o.b = (o.a + 1 + (p[1] >> 2 & 3) % (w->n - 1)) % w->n;
	o.bytes = p + 3;
	if (operations[which] == op_rows)
		o.len = o.arg < end - o.bytes ? o.arg :
		    (size_t)(end - o.bytes);
	operations[which](w, &o);
	return (o.bytes + o.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *p, *end = data + size;
	struct mesh_limits limits = mesh_limits_default;
	static struct world w;
	int n;

	if (size < 1)
		return (0);
	quiet();
	if (data[0] & 2) {
		limits.nodes = WORLD_NODES;
		limits.bytes = 100000;
		limits.total = 20000;
		limits.gone = 1;
	}
	if (data[0] & 4) {
		limits.burst = 30;
		limits.rate = 2;
	}
	world_init(&w, data[0] & 1 ? 3 : 2, &limits);
	for (n = 0, p = data + 1; end - p >= 3 && n < OPERATIONS_MAX; n++)
		p = one(&w, p, end);
	world_settle(&w);
	world_check(&w);
	world_free(&w);
	return (0);
}
