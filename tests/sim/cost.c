/* SPDX-License-Identifier: ISC */
/*
 * What discovery costs.  Homes register at Mains that do not know each other,
 * then the Mains are told of each other: that is the cost of a snapshot.  Then
 * homes change what they offer, one a second: the cost of a change and its
 * time to every other Main's router.  Then nothing happens: what is left are
 * the digests.
 */
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <sys/wait.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/sim/child.h"
#include "tests/sim/cost.h"
#include "tests/sim/home.h"
#include "tests/sim/node.h"

#define CHANGES		200
#define CHANGE_US	US_PER_S
#define QUIET_US	(120 * US_PER_S)
#define SERVICES	0x07	/* three a home, before it changes */

enum op { OP_SNAPSHOT, OP_DELTA, OP_DIGEST, OP_OTHER, N_OPS };

/* The figures of one federation, for the second table. */
struct figures {
	unsigned int	mains, homes;
	double		snapshot_messages, snapshot_bytes;
	double		change_messages, change_bytes;
	double		quiet_messages, quiet_bytes;
	double		megabytes;
};

static struct {
	struct figures	*out;		/* shared with who prints them */
	uint64_t	 messages[N_OPS], bytes[N_OPS];
	/* Rows that routers were told of. */
	uint64_t	 rows, rows_wanted;
	int64_t		 rows_us;	/* when the last of them was */
	const char	*changed;	/* a home, waited for */
	int64_t		 changed_us;
	int64_t		*seen;		/* microseconds each */
	size_t		 n_seen;
} cost;

void
cost_peer_text(struct span text)
{
	static const char *const	marks[N_OPS] = {
		"\"op\":\"snapshot\"", "\"op\":\"delta\"", "\"op\":\"digest\"",
		"\"op\":\""
	};
	unsigned int			i;

	for (i = 0; i < N_OPS; i++) {
		if (memmem(text.p, text.len, marks[i], strlen(marks[i])) ==
		    NULL)
			continue;
		cost.messages[i]++;
		cost.bytes[i] += text.len;
		return;
	}
}

/* A router hears of a home of another Main. */
static void
spy(struct child *c, enum proc_id from, enum msg_type type,
    const uint8_t *data, size_t len)
{
	struct wire_get	msg;
	struct span	node;

	(void)from;
	if (type != MSG_PEER_ROUTE_SET || c->id != PROC_ROUTER)
		return;
	wire_get_init(&msg, data, len);
	(void)get_span(&msg, UINT16_MAX);
	node = get_span(&msg, UINT16_MAX);
	if (cost.changed == NULL) {
		cost.rows++;
		cost.rows_us = sim.now_us;
	} else if (span_eq(node, span_str(cost.changed)))
		cost.seen[cost.n_seen++] = sim.now_us - cost.changed_us;
}

/* --- the federation --- */

static void
start_home(void *arg)
{
	home_start(arg);
}

static void
make(unsigned int mains, unsigned int homes)
{
	unsigned int	i;
	char		id[32];

	sim.n_mains = mains;
	sim.n_homes = homes;
	for (i = 0; i < mains; i++) {
		sim.mains[i] = node_new(i);
		node_start(sim.mains[i]);
	}
	sim.homes = sim_alloc(homes * sizeof(*sim.homes));
	for (i = 0; i < homes; i++) {
		snprintf(id, sizeof(id), "home-%05u", i);
		sim.homes[i] = home_new(i, id);
		sim.homes[i]->at = i % mains;
		sim.homes[i]->services = SERVICES;
		sim_later(rnd_between(0, 10 * US_PER_S), start_home,
		    sim.homes[i]);
	}
	sim_run_until(30 * US_PER_S);
	for (i = 0; i < homes; i++) {
		if (!sim.homes[i]->registered)
			sim_fail("%s is not registered", sim.homes[i]->id);
	}
}

/* Each pair is configured at both, as it would be. */
static void
introduce(void)
{
	unsigned int	 i, j;
	struct node	*n;

	for (i = 0; i < sim.n_mains; i++) {
		n = sim.mains[i];
		for (j = 0; j < sim.n_mains; j++) {
			if (i != j)
				node_peer(n, sim.mains[j], true);
		}
		node_reload(n);
	}
}

static void
forget_counts(void)
{
	memset(cost.messages, 0, sizeof(cost.messages));
	memset(cost.bytes, 0, sizeof(cost.bytes));
}

/* --- the figures --- */

static void
print_snapshot(int64_t began_us)
{
	struct figures	*f = cost.out;

	f->snapshot_messages = (double)(cost.messages[OP_SNAPSHOT] +
	    cost.messages[OP_DELTA]);
	f->snapshot_bytes = (double)(cost.bytes[OP_SNAPSHOT] +
	    cost.bytes[OP_DELTA]);
	if (cost.rows < cost.rows_wanted)
		sim_fail("%" PRIu64 " of %" PRIu64 " rows were told",
		    cost.rows, cost.rows_wanted);
	printf("%5u %6u  %8.0f %12.0f %6.2f", f->mains, f->homes,
	    f->snapshot_messages, f->snapshot_bytes,
	    (double)(cost.rows_us - began_us) / US_PER_S);
}

static int
compare(const void *a, const void *b)
{
	const int64_t	*x = a, *y = b;

	return (*x < *y ? -1 : *x > *y);
}

static double
seen_ms(unsigned int percent)
{
	size_t	i = (cost.n_seen * percent + 99) / 100;

	return (cost.n_seen == 0 ? 0 :
	    (double)cost.seen[i == 0 ? 0 : i - 1] / US_PER_MS);
}

static void
print_changes(void)
{
	struct figures	*f = cost.out;

	f->change_messages = (double)cost.messages[OP_DELTA] / CHANGES;
	f->change_bytes = (double)cost.bytes[OP_DELTA] / CHANGES;
	qsort(cost.seen, cost.n_seen, sizeof(*cost.seen), compare);
	if (cost.n_seen != (size_t)CHANGES * (sim.n_mains - 1))
		sim_fail("%zu of %zu changes were seen", cost.n_seen,
		    (size_t)CHANGES * (sim.n_mains - 1));
	printf("  %6.1f %8.0f %6.1f %6.1f %6.1f",
	    f->change_messages, f->change_bytes, seen_ms(50), seen_ms(99),
	    seen_ms(100));
}

static void
print_quiet(void)
{
	struct rusage	ru;
	const double	minutes = (double)QUIET_US / (60 * US_PER_S);
	struct figures	*f = cost.out;

	getrusage(RUSAGE_SELF, &ru);
	f->quiet_messages = (double)cost.messages[OP_DIGEST] / minutes;
	f->quiet_bytes = (double)cost.bytes[OP_DIGEST] / minutes;
	f->megabytes = (double)ru.ru_maxrss / 1024;
	printf("  %6.0f %8.0f  %6.0f %6.1f\n", f->quiet_messages,
	    f->quiet_bytes, f->megabytes,
	    (double)ru.ru_utime.tv_sec + (double)ru.ru_stime.tv_sec +
	    (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6);
}

static void
change(unsigned int i)
{
	struct home	*h = sim.homes[(i * 7919) % sim.n_homes];

	cost.changed = h->id;
	cost.changed_us = sim.now_us;
	home_offer(h, h->services ^ 0x08);
	sim_run_until(sim.now_us + CHANGE_US);
}

static void
measure(unsigned int mains, unsigned int homes)
{
	int64_t		began_us;
	unsigned int	i;

	node_make_dir();
	sim_seed(sim.conf.seed);
	make(mains, homes);
	cost.seen = sim_alloc((size_t)CHANGES * mains * sizeof(*cost.seen));
	cost.rows_wanted = (uint64_t)homes * (mains - 1);
	channel_spied = spy;
	began_us = sim.now_us;
	introduce();
	sim_run_until(sim.now_us + 60 * US_PER_S);
	print_snapshot(began_us);
	forget_counts();
	for (i = 0; i < CHANGES; i++)
		change(i);
	print_changes();
	forget_counts();
	sim_run_until(sim.now_us + QUIET_US);
	print_quiet();
	node_remove_dir();
}

/* --- all of them --- */

static void
print_head(void)
{
	puts("              all snapshots                    "
	    "one change, until it is everywhere      digests/min  this run");
	puts("Mains  homes  messages        bytes      s  "
	    "  msgs    bytes    p50    p99 max ms    msgs    bytes  "
	    "    MB  CPU s");
}

/* The same divided by what it grows with: what stays the same is linear. */
static void
print_growth(const struct figures *f, size_t n)
{
	double	others, pairs;

	puts("\nThe same, divided by what it grows with");
	puts("              snapshots: bytes  messages  one change: a peer  "
	    "digests/min: a link   memory: KB");
	puts("Mains  homes  a home and peer    a link     msgs   bytes  "
	    "     msgs   bytes    a home and Main");
	for (; n-- > 0; f++) {
		others = f->mains - 1;
		pairs = f->mains * others;
		printf("%5u %6u  %15.0f  %8.1f  %7.1f %7.0f  %9.1f %7.0f  "
		    "%16.2f\n", f->mains, f->homes, f->snapshot_bytes /
		    (f->homes * others), f->snapshot_messages * 2 / pairs,
		    f->change_messages / others, f->change_bytes / others,
		    f->quiet_messages * 2 / pairs, f->quiet_bytes * 2 / pairs,
		    f->megabytes * 1024 / f->homes / f->mains);
	}
}

static bool
run_child(struct figures *f)
{
	int	status;
	pid_t	pid;

	fflush(NULL);
	if ((pid = fork()) == 0) {
		cost.out = f;
		measure(f->mains, f->homes);
		fflush(NULL);
		_exit(0);
	}
	return (pid != -1 && waitpid(pid, &status, 0) == pid && status == 0);
}

int
cost_run(void)
{
	static const unsigned int	mains[] = { 3, 10, 50 };
	static const unsigned int	homes[] = { 1000, 10000 };
	struct figures			*f;
	size_t				 i;

	f = mmap(NULL, 6 * sizeof(*f), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (f == MAP_FAILED)
		abort();
	print_head();
	for (i = 0; i < 6; i++) {
		f[i].mains = mains[i % 3];
		f[i].homes = homes[i / 3];
		if (!run_child(&f[i]))
			return (1);
	}
	print_growth(f, 6);
	return (0);
}
