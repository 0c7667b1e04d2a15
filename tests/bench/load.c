/* SPDX-License-Identifier: ISC */
/*
 * Loads a Main Relay the way homes do and says what that costs it.
 *
 *	load -p port -P pid[,pid] -m mode [-2 port] [-b bytes] [-c cpu]
 *	    [-n count] [-s] [-t seconds] [-w seconds]
 *
 * Homes are connected in pairs.  One of a pair sends requests of -b bytes
 * (the whole message) and the other answers with as many; with -2 it does so
 * at another Main; with -s all speak TLS.  Modes:
 *
 *	w1	one pair, 1 request in flight
 *	w64	one pair, 64 in flight
 *	w200	100 pairs, 1 in flight each
 *	r2k	100 pairs, 2,000 requests/s at random (Poisson)
 *	idle	-n homes that do nothing: memory a connection
 *	storm	-n homes that connect at once and register: CPU a connection
 *
 * CPU is that of the processes in -P and their descendants, in ns clocks,
 * after a time to warm up.  One line of JSON on standard output.
 */

#include <sys/prctl.h>
#include <sys/resource.h>

#include <err.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/load.h"
#include "tests/bench/message.h"

static void
name_link(const struct load *l, struct link *link, size_t i)
{
	uint8_t	 k;

	snprintf(link->id, sizeof(link->id), "%s%05zu.%s",
	    i % 2 == 0 ? "caller" : "callee", i / 2, l->mode);
	for (k = 0; k < 4; k++)
		link->mask[k] = link->mask[k + 4] =
		    (uint8_t)(1 + (i * 37 + k * 101) % 255);
}

static void
start_link(struct load *l, size_t i)
{
	name_link(l, &l->links[i], i);
	link_start(&l->links[i], i % 2 == 0 ? l->port : l->port2,
	    "/ws/federation", l->tls);
}

/* Callees register the one service, callers an empty set. */
static void
send_registration(struct load *l, size_t i)
{
	struct link	*link = &l->links[i];
	char		 msg[512];
	int		 n;

	n = snprintf(msg, sizeof(msg),
	    "{\"type\":\"registration\",\"message_id\":\"r\",\"timestamp\":"
	    "\"2026-11-22T12:00:00Z\",\"source_node\":{\"type\":\"home\","
	    "\"id\":\"%s\"},\"data\":{\"services\":[%s]}}", link->id,
	    i % 2 == 0 ? "" : "\"bench\"");
	link_text(link, msg, (size_t)n);
	link_flush(link);
}

void
open_links(struct load *l, size_t n, bool registers)
{
	size_t	 i;

	for (i = 0; i < n; i++)
		start_link(l, i);
	for (i = 0; i < n; i++) {
		link_finish(&l->links[i]);
		if (registers)
			send_registration(l, i);
	}
	for (i = 0; registers && i < n; i++)
		link_expect(&l->links[i], "\"registration\"");
}

/* Connect n homes; storm says what they cost, idle what they keep. */
static void
run_connections(struct load *l, size_t n, bool storm)
{
	struct rlimit	 rl = { n + 64, n + 64 };
	uint64_t	 cpu, start;
	long		 rss;

	if (setrlimit(RLIMIT_NOFILE, &rl) == -1)
		err(1, "%zu descriptors", n + 64);
	rss = usage_rss_kb(&l->server);
	cpu = usage_cpu_ns(&l->server);
	start = usage_now_ns();
	open_links(l, n, storm);
	start = usage_now_ns() - start;
	/* Memory settles; a storm is over with its last answer. */
	if (!storm)
		sleep(2);
	cpu = usage_cpu_ns(&l->server) - cpu;
	rss = usage_rss_kb(&l->server) - rss;
	printf("{\"mode\":\"%s\",\"connections\":%zu,\"cpu_us\":%.2f,"
	    "\"bytes\":%.0f,\"took_ms\":%.0f}\n", l->mode, n,
	    (double)cpu / 1e3 / (double)n, (double)rss * 1024 / (double)n,
	    (double)start / 1e6);
}

static void __attribute__((noreturn))
usage(void)
{
	fprintf(stderr, "usage: load -p port -P pid[,pid] "
	    "-m w1|w64|w200|r2k|idle|storm\n"
	    "            [-2 port] [-b bytes] [-c cpu] [-n count] [-s] "
	    "[-t seconds]\n            [-w seconds]\n");
	exit(2);
}

static void
set_mode(struct load *l, size_t count)
{
	static const struct {
		const char	*name;
		size_t		 pairs, depth;
		double		 rate;
	} modes[] = {
		{ "w1", 1, 1, 0 }, { "w64", 1, 64, 0 },
		{ "w200", 100, 1, 0 }, { "r2k", 100, 0, 2000 },
		{ "idle", 0, 0, 0 }, { "storm", 0, 0, 0 },
	};
	size_t	 i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (l->mode == NULL || strcmp(l->mode, modes[i].name) != 0)
			continue;
		l->pairs = modes[i].pairs;
		l->depth = modes[i].depth;
		l->rate = modes[i].rate;
		l->links = calloc(l->pairs > 0 ? 2 * l->pairs : count,
		    sizeof(*l->links));
		if (l->links == NULL)
			err(1, NULL);
		return;
	}
	usage();
}

int
main(int argc, char **argv)
{
	struct load	 l = { .bytes = 600, .warm_ns = SEC / 2,
			    .run_ns = 2 * SEC };
	cpu_set_t	 cpus;
	size_t		 count = 1000;
	int		 ch;

	while ((ch = getopt(argc, argv, "2:b:c:m:n:p:P:st:w:")) != -1)
		switch (ch) {
		case '2':
			l.port2 = (int)strtol(optarg, NULL, 10);
			break;
		case 'b':
			l.bytes = strtoul(optarg, NULL, 10);
			break;
		case 'c':
			CPU_ZERO(&cpus);
			CPU_SET(strtoul(optarg, NULL, 10), &cpus);
			if (sched_setaffinity(0, sizeof(cpus), &cpus) == -1)
				err(1, "cpu %s", optarg);
			break;
		case 'm':
			l.mode = optarg;
			break;
		case 'n':
			count = strtoul(optarg, NULL, 10);
			break;
		case 'p':
			l.port = (int)strtol(optarg, NULL, 10);
			break;
		case 'P':
			if (usage_pids(&l.server, optarg) == -1)
				usage();
			break;
		case 's':
			l.tls = tls_client(NULL, NULL);
			break;
		case 't':
			l.run_ns = (uint64_t)(strtod(optarg, NULL) * 1e9);
			break;
		case 'w':
			l.warm_ns = (uint64_t)(strtod(optarg, NULL) * 1e9);
			break;
		default:
			usage();
		}
	if (argc != optind || l.port <= 0 || l.server.n == 0 ||
	    count == 0 || l.bytes > MESSAGE_MAX / 2)
		usage();
	if (l.port2 == 0)
		l.port2 = l.port;
	set_mode(&l, count);
	/* Timers to the microsecond, for the open loop. */
	prctl(PR_SET_TIMERSLACK, 1000);
	srand48(42);
	if (l.pairs > 0)
		run_calls(&l);
	else
		run_connections(&l, count, strcmp(l.mode, "storm") == 0);
	return (0);
}
