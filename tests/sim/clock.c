/* SPDX-License-Identifier: ISC */
/* Virtual time: a heap of what is to happen, and the seed's random numbers. */
#include <sys/random.h>

#include <bsd/stdlib.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/monotime.h"
#include "tests/sim/sim.h"

#define WALL_START_S	1767323045	/* the wall clock when a run begins */
#define MONO_START_US	(1000 * US_PER_S)

#define SAME_MAX	1000000

static struct {
	struct timer	**heap;		/* from 1 */
	size_t		  n, size;
	uint64_t	  seq;
	uint64_t	  same;		/* steps without any time */
	uint64_t	  state;	/* of the random numbers */
} q;

/* --- chance --- */

void
sim_seed(uint64_t seed)
{
	q.state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

/* splitmix64 (Steele, Lea and Flood). */
uint64_t
rnd64(void)
{
	uint64_t	z = q.state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return (z ^ z >> 31);
}

uint32_t
rnd(uint32_t n)
{
	return (n == 0 ? 0 : (uint32_t)(rnd64() % n));
}

bool
chance(unsigned int percent)
{
	return (rnd(100) < percent);
}

int64_t
rnd_between(int64_t from, int64_t to)
{
	return (from + (int64_t)(rnd64() % (uint64_t)(to - from + 1)));
}

/* --- the heap --- */

static bool
before(const struct timer *a, const struct timer *b)
{
	return (a->at_us != b->at_us ? a->at_us < b->at_us : a->seq < b->seq);
}

static void
put_at(size_t pos, struct timer *t)
{
	q.heap[pos] = t;
	t->pos = pos;
}

static void
sift_up(size_t pos, struct timer *t)
{
	for (; pos > 1 && before(t, q.heap[pos / 2]); pos /= 2)
		put_at(pos, q.heap[pos / 2]);
	put_at(pos, t);
}

static void
sift_down(size_t pos, struct timer *t)
{
	size_t	child;

	while ((child = pos * 2) <= q.n) {
		if (child < q.n && before(q.heap[child + 1], q.heap[child]))
			child++;
		if (!before(q.heap[child], t))
			break;
		put_at(pos, q.heap[child]);
		pos = child;
	}
	put_at(pos, t);
}

void
timer_init(struct timer *t, sim_fn fn, void *arg)
{
	memset(t, 0, sizeof(*t));
	t->fn = fn;
	t->arg = arg;
}

void
timer_del(struct timer *t)
{
	struct timer	*last;
	size_t		 pos = t->pos;

	if (pos == 0)
		return;
	t->pos = 0;
	last = q.heap[q.n--];
	if (last == t)
		return;
	sift_up(pos, last);
	sift_down(last->pos, last);
}

void
timer_at(struct timer *t, int64_t at_us)
{
	timer_del(t);
	t->at_us = at_us < sim.now_us ? sim.now_us : at_us;
	t->seq = ++q.seq;
	if (q.n + 2 > q.size) {
		q.size = q.size == 0 ? 1024 : q.size * 2;
		q.heap = realloc(q.heap, q.size * sizeof(*q.heap));
		if (q.heap == NULL)
			abort();
	}
	sift_up(++q.n, t);
}

void
timer_in(struct timer *t, int64_t us)
{
	timer_at(t, sim.now_us + us);
}

struct once {
	struct timer	 timer;
	sim_fn		 fn;
	void		*arg;
};

static void
run_once(void *arg)
{
	struct once	*o = arg;

	o->fn(o->arg);
	free(o);
}

void
sim_later(int64_t us, sim_fn fn, void *arg)
{
	struct once	*o = sim_alloc(sizeof(*o));

	o->fn = fn;
	o->arg = arg;
	timer_init(&o->timer, run_once, o);
	timer_in(&o->timer, us);
}

int64_t
sim_now(void)
{
	return (sim.now_us);
}

void
sim_run_until(int64_t until_us)
{
	struct timer	*t;

	while (q.n > 0 && q.heap[1]->at_us <= until_us) {
		t = q.heap[1];
		q.same = t->at_us == sim.now_us ? q.same + 1 : 0;
		if (q.same > SAME_MAX)
			sim_fail("time stands still");
		sim.now_us = t->at_us;
		timer_del(t);
		t->fn(t->arg);
	}
	sim.now_us = until_us;
}

/* --- what programs ask the system --- */

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int64_t	us = sim.now_us + MONO_START_US;

	if (id == CLOCK_REALTIME)
		us += WALL_START_S * US_PER_S;
	ts->tv_sec = us / US_PER_S;
	ts->tv_nsec = us % US_PER_S * 1000;
	return (0);
}

ssize_t
getrandom(void *buf, size_t len, unsigned int flags)
{
	(void)flags;
	arc4random_buf(buf, len);
	return ((ssize_t)len);
}

uint32_t
arc4random(void)
{
	return ((uint32_t)rnd64());
}

void
arc4random_buf(void *buf, size_t len)
{
	uint8_t	*p = buf;

	while (len-- > 0)
		*p++ = (uint8_t)rnd64();
}

uint32_t
arc4random_uniform(uint32_t n)
{
	return (rnd(n));
}
