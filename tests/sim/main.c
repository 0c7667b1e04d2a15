/* SPDX-License-Identifier: ISC */
/* The simulator's command line: one seed, many, or what discovery costs. */
#include <sys/types.h>
#include <sys/wait.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/stdlib.h>

#include "common/limits.h"
#include "tests/sim/chaos.h"
#include "tests/sim/cost.h"
#include "tests/sim/home.h"
#include "tests/sim/node.h"
#include "tests/sim/sim.h"

#define SETTLE_US	(200 * US_PER_S)
#define CALLS_US	(15 * US_PER_S)
/* From then on nothing may be left of a Main that stays away. */
#define PURGE_US	((LIMIT_STALE_MS + 60000) * US_PER_MS)

struct sim	sim;

static void
usage(void)
{
	fputs("usage: sim -s SEED [-m mains] [-h homes] [-t seconds] [-v]\n"
	    "       sim -n COUNT [-s FIRST] [-m mains] [-h homes] "
	    "[-t seconds]\n       sim -c [-s SEED]\n", stderr);
	exit(2);
}

static uint64_t
number(const char *text, long long least, long long most)
{
	const char	*why;
	long long	 v = strtonum(text, least, most, &why);

	if (why != NULL) {
		fprintf(stderr, "sim: %s is %s\n", text, why);
		exit(2);
	}
	return ((uint64_t)v);
}

/* --- one seed --- */

/* Limits that a small federation can reach, or the real ones. */
static void
choose_limits(void)
{
	bool	small = !sim.conf.costs && chance(40);

	sim.channel_high = small ? 256 + rnd(4096) : LIMIT_CHANNEL_HIGH;
	sim.channel_low = small ? sim.channel_high / 4 : LIMIT_CHANNEL_LOW;
	small = !sim.conf.costs && chance(40);
	sim.link_high = small ? 1024 + rnd(4096) : LIMIT_SESSION_HIGH;
	sim.link_low = small ? sim.link_high / 4 : LIMIT_SESSION_LOW;
	sim.loses_rows = chance(30);
	sim.link_max = small ? 64U << 10 : LIMIT_SESSION_QUEUE;
}

/* Each pair is configured at one of them or at both, by name or not. */
static void
choose_peers(void)
{
	unsigned int	a, b, how;

	for (a = 0; a < sim.n_mains; a++) {
		for (b = 0; b < a; b++) {
			how = rnd(4);
			if (how != 0)
				node_peer(sim.mains[a], sim.mains[b],
				    chance(50));
			if (how != 1)
				node_peer(sim.mains[b], sim.mains[a],
				    chance(50));
		}
	}
}

static void
make_homes(void)
{
	unsigned int	i;
	char		id[32];

	sim.homes = sim_alloc(sim.n_homes * sizeof(*sim.homes));
	for (i = 0; i < sim.n_homes; i++) {
		/* Now and then two have one id. */
		if (i > 0 && chance(8))
			snprintf(id, sizeof(id), "h%u", rnd(i));
		else
			snprintf(id, sizeof(id), "h%u", i);
		sim.homes[i] = home_new(i, id);
		sim.homes[i]->services =
		    (uint8_t)rnd(1U << HOME_SERVICES);
	}
}

static void
start_main(void *arg)
{
	node_start(arg);
}

static void
start_home(void *arg)
{
	home_start(arg);
}

static void
make_federation(void)
{
	unsigned int	i;
	bool		at_once;

	sim.n_mains = sim.conf.mains != 0 ? sim.conf.mains : 2 + rnd(4);
	sim.n_homes = sim.conf.homes != 0 ? sim.conf.homes : 2 + rnd(10);
	choose_limits();
	for (i = 0; i < sim.n_mains; i++)
		sim.mains[i] = node_new(i);
	choose_peers();
	for (i = 0; i < sim.n_mains && rules_are_there(); i++)
		rules_choose(sim.mains[i]);
	make_homes();
	at_once = chance(50);
	for (i = 0; i < sim.n_mains; i++)
		sim_later(at_once ? 0 : rnd_between(0, 3 * US_PER_S),
		    start_main, sim.mains[i]);
	for (i = 0; i < sim.n_homes; i++)
		sim_later(rnd_between(0, 10 * US_PER_S), start_home,
		    sim.homes[i]);
}

static void
run_seed(void)
{
	int64_t	until;

	sim_seed(sim.conf.seed);
	if (sim.dir[0] == '\0')
		node_make_dir();
	make_federation();
	until = sim.conf.time_us != 0 ? sim.conf.time_us :
	    rnd_between(30, 180) * US_PER_S;
	chaos_begin(until);
	check_begin();
	sim_run_until(until);
	chaos_end();
	sim_run_until(sim.now_us + SETTLE_US);
	check_truth();
	check_http();
	sim_run_until(sim.now_us + CALLS_US);
	call_end_check();
	check_http_done();
	check_rest();
	check_moves();
	check_redial();
	if (chaos_lost_main()) {
		sim_run_until(sim.now_us + PURGE_US);
		check_purged();
	}
	node_remove_dir();
}

static void
print_command(FILE *f)
{
	fprintf(f, "sim -s %" PRIu64, sim.conf.seed);
	if (sim.conf.mains != 0)
		fprintf(f, " -m %u", sim.conf.mains);
	if (sim.conf.homes != 0)
		fprintf(f, " -h %u", sim.conf.homes);
	if (sim.conf.time_us != 0)
		fprintf(f, " -t %" PRId64, sim.conf.time_us / US_PER_S);
}

static int
run_one(void)
{
	run_seed();
	printf("seed %" PRIu64 ": %u Mains, %u homes, %" PRIu64 " disorders, %"
	    PRIu64 " messages, %" PRIu64 " calls: %" PRIu64 " answered (%"
	    PRIu64 " results), %" PRIu64 " lost; hash %016" PRIx64 "\n",
	    sim.conf.seed, sim.n_mains, sim.n_homes, sim.stats.disorder,
	    sim.stats.msgs, sim.stats.calls, sim.stats.answered,
	    sim.stats.results, sim.stats.lost, sim.trace);
	return (0);
}

/* --- many seeds, each in a process of its own --- */

static bool
run_child(void)
{
	int	status;
	pid_t	pid;

	fflush(NULL);
	/* Here, so that it goes however the child ends. */
	node_make_dir();
	if ((pid = fork()) == -1) {
		perror("sim: fork");
		exit(1);
	}
	if (pid == 0) {
		run_seed();
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		exit(1);
	node_remove_dir();
	sim.dir[0] = '\0';
	if (WIFSIGNALED(status))
		printf("seed %" PRIu64 ": ended by signal %d\n",
		    sim.conf.seed, WTERMSIG(status));
	return (WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static int
run_many(uint64_t count)
{
	uint64_t	i, first = sim.conf.seed, failed = 0;

	for (i = 0; i < count; i++) {
		sim.conf.seed = first + i;
		if (run_child())
			continue;
		failed++;
		fputs("failed: ", stdout);
		print_command(stdout);
		putchar('\n');
	}
	printf("%" PRIu64 " seeds passed, %" PRIu64 " failed\n",
	    count - failed, failed);
	return (failed != 0);
}

int
main(int argc, char *argv[])
{
	uint64_t	count = 0;
	int		ch;

	sim.conf.seed = 1;
	while ((ch = getopt(argc, argv, "cs:n:m:h:t:v")) != -1) {
		switch (ch) {
		case 'c':
			sim.conf.costs = true;
			break;
		case 's':
			sim.conf.seed = number(optarg, 0, INT64_MAX);
			break;
		case 'n':
			count = number(optarg, 1, 1000000);
			break;
		case 'm':
			sim.conf.mains = (unsigned int)number(optarg, 1,
			    SIM_MAINS);
			break;
		case 'h':
			sim.conf.homes = (unsigned int)number(optarg, 1,
			    100000);
			break;
		case 't':
			sim.conf.time_us = (int64_t)number(optarg, 1,
			    1000000) * US_PER_S;
			break;
		case 'v':
			sim.conf.verbose = true;
			break;
		default:
			usage();
		}
	}
	if (optind != argc)
		usage();
	sim.out = stdout;
	if (sim.conf.costs) {
		choose_limits();
		return (cost_run());
	}
	return (count > 0 ? run_many(count) : run_one());
}
