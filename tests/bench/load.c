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

#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/message.h"
#include "tests/bench/usage.h"
#include "tests/bench/ws.h"

#define SAMPLES_MAX	4000000		/* latencies kept */
#define SEC		UINT64_C(1000000000)

struct slot {
	uint64_t	 start_ns;
	uint32_t	 seq;		/* of the request in flight */
	uint32_t	 pair;
	bool		 busy;
};

struct load {
	int		 port;
	int		 port2;		/* of the callees' Main */
	const char	*mode;
	SSL_CTX		*tls;		/* NULL: in the clear */
	struct usage	 server;
	size_t		 pairs;
	size_t		 depth;		/* in flight a pair; 0: open loop */
	double		 rate;		/* requests/s of an open loop */
	size_t		 bytes;
	uint64_t	 warm_ns, run_ns;

	struct link	*links;		/* 2 a pair: caller, callee */
	int		 ep;
	struct link	**dirty;
	size_t		 ndirty;
	struct slot	*slots;
	uint32_t	*spare;		/* free slots of an open loop */
	size_t		 nslots, nspare;
	uint32_t	 seq;

	bool		 measuring;
	uint64_t	 done, wrong, refused;
	uint32_t	*samples;	/* ns */
	size_t		 nsamples;
};

/* --- messages --- */

static void
mark(struct load *l, struct link *link)
{
	if (link->dirty || link->blocked)
		return;
	link->dirty = true;
	l->dirty[l->ndirty++] = link;
}

static void
send_request(struct load *l, uint32_t slot, uint64_t start_ns)
{
	struct slot	*s = &l->slots[slot];
	struct link	*caller = &l->links[2 * s->pair];

	s->seq = ++l->seq;
	s->start_ns = start_ns;
	s->busy = true;
	message_request(caller, l->bytes, (uint64_t)slot << 32 | s->seq);
	mark(l, caller);
}

static void
send_answer(struct load *l, struct link *callee, const char *id, int id_len)
{
	message_answer(callee, l->bytes, id, id_len);
	mark(l, callee);
}

/* The string behind "key":" within text, and its length; NULL if none. */
static const char *
find(const char *text, size_t n, const char *key, int *len)
{
	const char	*p = memmem(text, n, key, strlen(key)), *end;

	if (p == NULL)
		return (NULL);
	p += strlen(key);
	if ((end = memchr(p, '"', n - (size_t)(p - text))) == NULL)
		return (NULL);
	*len = (int)(end - p);
	return (p);
}

static void
got_answer(struct load *l, const char *text, size_t n)
{
	char		 hex[17] = "";
	struct slot	*s;
	uint64_t	 v, now;
	const char	*id;
	uint32_t	 slot;
	int		 len;

	id = find(text, n, "\"correlation_id\":\"", &len);
	if (id == NULL || len != 16)
		return;			/* of a heartbeat or registration */
	memcpy(hex, id, 16);
	v = strtoull(hex, NULL, 16);
	slot = (uint32_t)(v >> 32);
	if (slot >= l->nslots || !l->slots[slot].busy ||
	    l->slots[slot].seq != (uint32_t)v) {
		l->wrong++;
		return;
	}
	s = &l->slots[slot];
	s->busy = false;
	now = usage_now_ns();
	if (memmem(text, n, "\"result\"", 8) == NULL) {
		if (l->refused++ == 0)
			warnx("refused: %.*s", (int)n, text);
	} else
		l->done++;
	if (l->measuring && l->nsamples < SAMPLES_MAX)
		l->samples[l->nsamples++] = now - s->start_ns > UINT32_MAX ?
		    UINT32_MAX : (uint32_t)(now - s->start_ns);
	if (l->depth > 0)
		send_request(l, slot, now);
	else
		l->spare[l->nspare++] = slot;
}

static void
got(struct load *l, struct link *link, const char *text, size_t n)
{
	const char	*id;
	int		 len;

	if ((link - l->links) % 2 == 0)
		got_answer(l, text, n);
	else if (memmem(text, n, "\"request\"", 9) != NULL &&
	    (id = find(text, n, "\"message_id\":\"", &len)) != NULL)
		send_answer(l, link, id, len);
}

/* --- sockets --- */

static void
watch(struct load *l, struct link *link, bool writable, int op)
{
	struct epoll_event	 ev = { .data.ptr = link };

	ev.events = EPOLLIN | (writable ? EPOLLOUT : 0U);
	if (epoll_ctl(l->ep, op, link->fd, &ev) == -1)
		err(1, "epoll_ctl");
}

static void
flush_link(struct load *l, struct link *link)
{
	bool	 blocked = !link_flush(link);

	if (blocked != link->blocked) {
		link->blocked = blocked;
		watch(l, link, blocked, EPOLL_CTL_MOD);
	}
}

static void
flush_dirty(struct load *l)
{
	size_t	 i;

	for (i = 0; i < l->ndirty; i++) {
		l->dirty[i]->dirty = false;
		flush_link(l, l->dirty[i]);
	}
	l->ndirty = 0;
}

static void
on_event(struct load *l, const struct epoll_event *ev)
{
	struct link	*link = ev->data.ptr;
	char		*text;
	size_t		 n;

	if (ev->events & EPOLLOUT)
		flush_link(l, link);
	if (!(ev->events & (EPOLLIN | EPOLLHUP | EPOLLERR)))
		return;
	if (!link_fill(link))
		return;
	while ((text = link_next(link, &n)) != NULL)
		got(l, link, text, n);
	if (link->out.off < link->out.len)
		mark(l, link);
}

/* --- the run --- */

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

static void
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

static double
exponential(void)
{
	return (-log(1.0 - drand48()));
}

/* Send what is due at now; returns when the next one is. */
static double
send_due(struct load *l, double next, uint64_t now)
{
	uint32_t	 slot;

	while (next <= (double)now) {
		if (l->nspare == 0)
			errx(1, "%zu requests are not answered", l->nslots);
		slot = l->spare[--l->nspare];
		l->slots[slot].pair = (uint32_t)lrand48() % (uint32_t)l->pairs;
		send_request(l, slot, (uint64_t)next);
		next += exponential() * 1e9 / l->rate;
	}
	return (next);
}

static void
start_requests(struct load *l)
{
	size_t	 i;

	for (i = 0; i < l->nslots; i++) {
		if (l->depth > 0) {
			l->slots[i].pair = (uint32_t)(i / l->depth);
			send_request(l, (uint32_t)i, usage_now_ns());
		} else
			l->spare[l->nspare++] = (uint32_t)i;
	}
	flush_dirty(l);
}

/* One turn until deadline or the next request of an open loop. */
static void
turn(struct load *l, uint64_t deadline_ns, double *next)
{
	struct epoll_event	 ev[256];
	struct timespec		 ts;
	uint64_t		 now = usage_now_ns(), until = deadline_ns;
	int			 i, n;

	if (l->depth == 0) {
		*next = send_due(l, *next, now);
		flush_dirty(l);
		if (*next < (double)until)
			until = (uint64_t)*next;
		now = usage_now_ns();
	}
	until = until > now ? until - now : 0;
	ts.tv_sec = (time_t)(until / SEC);
	ts.tv_nsec = (long)(until % SEC);
	if ((n = epoll_pwait2(l->ep, ev, 256, &ts, NULL)) == -1)
		err(1, "epoll_pwait2");
	for (i = 0; i < n; i++)
		on_event(l, &ev[i]);
	flush_dirty(l);
}

static int
by_value(const void *a, const void *b)
{
	uint32_t	 x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x < y ? -1 : x > y);
}

static double
percentile_us(const struct load *l, double p)
{
	if (l->nsamples == 0)
		return (0);
	return ((double)l->samples[(size_t)((double)(l->nsamples - 1) * p)] /
	    1e3);
}

static void
run_calls(struct load *l)
{
	uint64_t	 start, end, cpu;
	double		 next, secs;
	size_t		 i;

	l->nslots = l->depth > 0 ? l->pairs * l->depth : 8192;
	l->slots = calloc(l->nslots, sizeof(*l->slots));
	l->spare = calloc(l->nslots, sizeof(*l->spare));
	l->samples = calloc(SAMPLES_MAX, sizeof(*l->samples));
	l->dirty = calloc(2 * l->pairs, sizeof(struct link *));
	if (l->slots == NULL || l->spare == NULL || l->samples == NULL ||
	    l->dirty == NULL || (l->ep = epoll_create1(EPOLL_CLOEXEC)) == -1)
		err(1, NULL);
	open_links(l, 2 * l->pairs, true);
	/* The callers' Main learns of the callees. */
	if (l->port2 != l->port)
		usleep(300000);
	for (i = 0; i < 2 * l->pairs; i++) {
		fcntl(l->links[i].fd, F_SETFL, O_NONBLOCK);
		watch(l, &l->links[i], false, EPOLL_CTL_ADD);
	}
	start = usage_now_ns();
	next = (double)start;
	start_requests(l);
	while (usage_now_ns() < start + l->warm_ns)
		turn(l, start + l->warm_ns, &next);
	l->measuring = true;
	l->done = 0;
	cpu = usage_cpu_ns(&l->server);
	start = usage_now_ns();
	while (usage_now_ns() < start + l->run_ns)
		turn(l, start + l->run_ns, &next);
	end = usage_now_ns();
	cpu = usage_cpu_ns(&l->server) - cpu;
	secs = (double)(end - start) / 1e9;
	qsort(l->samples, l->nsamples, sizeof(*l->samples), by_value);
	printf("{\"mode\":\"%s\",\"rpcs\":%" PRIu64 ",\"rps\":%.0f,"
	    "\"cpu_us\":%.3f,\"p50_us\":%.1f,\"p99_us\":%.1f,"
	    "\"server_load\":%.3f,\"refused\":%" PRIu64 ",\"wrong\":%" PRIu64
	    ",\"rss_kb\":%ld}\n", l->mode, l->done, (double)l->done / secs,
	    l->done > 0 ? (double)cpu / 1e3 / (double)l->done : 0,
	    percentile_us(l, .5), percentile_us(l, .99),
	    (double)cpu / 1e9 / secs, l->refused, l->wrong,
	    usage_rss_kb(&l->server));
	if (l->done == 0 || l->refused > 0 || l->wrong > 0)
		exit(1);
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
