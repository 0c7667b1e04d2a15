/* SPDX-License-Identifier: ISC */
/* See load.h: requests and answers over links, closed and open loop. */
#include <sys/epoll.h>

#include <err.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/load.h"
#include "tests/bench/message.h"

#define SAMPLES_MAX	4000000		/* latencies kept */

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

void
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
