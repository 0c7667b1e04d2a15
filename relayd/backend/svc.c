/* SPDX-License-Identifier: ISC */
/* One service: its state, and who gets which of its calls. */
#include <bsd/stdlib.h>
#include <bsd/string.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "common/service.h"
#include "relayd/backend/backend.h"

static void	on_timer(evutil_socket_t, short, void *);

static void
set_timer(struct svc *svc, int64_t ms)
{
	struct timeval	tv = { ms / 1000, (ms % 1000) * 1000 };

	(void)evtimer_add(svc->timer, &tv);
}

/* Decode what is behind the index of CONF_SERVICE; false if it is wrong. */
static bool
decode(struct svc *svc, const uint8_t *conf, size_t len, uint32_t *max)
{
	struct wire_get	 msg;
	struct service	 s;
	bool		 ok;

	wire_get_init(&msg, conf, len);
	get_service(&msg, &s);
	strlcpy(svc->name, s.name, sizeof(svc->name));
	*max = s.max_concurrency;
	service_clear(&s);
	svc->kind = get_u8(&msg);
	svc->n_instances = get_u32(&msg);
	(void)get_u32(&msg);		/* timeout_ms: each call brings its */
	get_str(&msg, svc->host, sizeof(svc->host));
	svc->port = get_u16(&msg);
	get_str(&msg, svc->path, sizeof(svc->path));
	ok = get_done(&msg) && svc->kind >= SVC_EXEC && svc->kind <= SVC_UNIX;
	if (svc->kind != SVC_EXEC)
		svc->n_instances = 0;
	return (ok && svc->n_instances <= LIMIT_INSTANCES);
}

struct svc *
svc_new(struct backend *b, const uint8_t *conf, size_t len)
{
	struct svc	*svc;
	uint32_t	 max;

	if ((svc = calloc(1, sizeof(*svc))) == NULL ||
	    (svc->conf = malloc(len)) == NULL)
		fatal("out of memory");
	if (!decode(svc, conf, len, &max)) {
		free(svc->conf);
		free(svc);
		return (NULL);
	}
	memcpy(svc->conf, conf, len);
	svc->conf_len = len;
	svc->b = b;
	pool_init(&svc->pool, max, svc);
	TAILQ_INIT(&svc->conns);
	svc->instances = calloc(svc->n_instances + 1, sizeof(*svc->instances));
	svc->timer = evtimer_new(b->base, on_timer, svc);
	if (svc->instances == NULL || svc->timer == NULL)
		fatal("out of memory");
	backoff_init(&svc->backoff, LIMIT_SERVICE_BACKOFF_MIN_MS,
	    LIMIT_SERVICE_BACKOFF_MAX_MS, LIMIT_SERVICE_BACKOFF_MAX_MS);
	svc->state = SVC_STARTING;
	TAILQ_INSERT_TAIL(&b->svcs, svc, entry);
	return (svc);
}

/* Everything queued fails: it was not sent. */
static void
fail_queue(struct svc *svc, const char *reason)
{
	struct call	*c;

	while ((c = TAILQ_FIRST(&svc->pool.queue)) != NULL)
		answer_failed(svc->b, c, FAIL_OVERLOADED, EXECUTED_NO,
		    "service %s: %s", svc->name, reason);
}

void
svc_free(struct svc *svc)
{
	uint32_t	i;

	fail_queue(svc, "not configured");
	for (i = 0; i < svc->n_instances; i++)
		errpipe_free(svc->instances[i].err);
	TAILQ_REMOVE(&svc->b->svcs, svc, entry);
	event_free(svc->timer);
	free(svc->instances);
	free(svc->conf);
	free(svc);
}

void
svc_start(struct svc *svc)
{
	svc->started = true;
	set_timer(svc, LIMIT_SERVICE_START_MS);
	if (svc->kind != SVC_EXEC)
		connect_request(svc);
	svc_dispatch(svc);
}

void
svc_retire(struct svc *svc)
{
	struct conn	*c, *next;

	svc->retired = true;
	evtimer_del(svc->timer);
	fail_queue(svc, "no longer configured");
	for (c = TAILQ_FIRST(&svc->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		/* The parent ends the processes of exec services. */
		if (svc->kind != SVC_EXEC && c->slot.in_flight == 0)
			conn_close(c);
	}
}

void
svc_report_health(struct svc *svc)
{
	struct channel	*router = child_peer(svc->b->child, PROC_ROUTER);
	struct wire_put	*w;

	if (router == NULL || svc->state == SVC_STARTING || svc->retired ||
	    !svc->started)
		return;
	w = channel_begin(router, MSG_BACKEND_HEALTH);
	put_u32(w, svc->index);
	put_u32(w, svc->b->cur->number);
	put_bool(w, svc->state == SVC_UP);
	put_str(w, svc->state == SVC_UP ? "" : svc->reason);
	(void)channel_commit(router);
}

void
svc_up(struct svc *svc)
{
	if (svc->state == SVC_UP || svc->retired)
		return;
	svc->state = SVC_UP;
	log_notice("service %s is up", svc->name);
	svc_report_health(svc);
}

void
svc_down(struct svc *svc, const char *reason)
{
	if (svc->retired)
		return;
	strlcpy(svc->reason, reason, sizeof(svc->reason));
	if (svc->state != SVC_DOWN) {
		svc->state = SVC_DOWN;
		log_warn("service %s is down: %s", svc->name, reason);
		svc_report_health(svc);
	}
	/* The reason has paths and addresses: it is for the log alone. */
	fail_queue(svc, "it is down");
}

/* --- connections --- */

static void
try_later(struct svc *svc)
{
	if (!svc->retired)
		set_timer(svc, backoff_next_ms(&svc->backoff, arc4random()));
}

/*
 * True if a process has shown that it can run.  Else the timer runs for the
 * oldest one, so that a program that ends at once is never called up.
 */
static bool
is_proven(struct svc *svc)
{
	struct conn	*c = TAILQ_FIRST(&svc->conns);
	int64_t		 age_ms;

	if (c == NULL)
		return (false);
	age_ms = monotime_diff_ms(monotime_now(), c->since);
	if (age_ms >= LIMIT_SERVICE_PROOF_MS)
		return (true);
	set_timer(svc, LIMIT_SERVICE_PROOF_MS - age_ms);
	return (false);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct svc	*svc = arg;

	(void)fd;
	(void)what;
	if (svc->kind == SVC_EXEC && !TAILQ_EMPTY(&svc->conns)) {
		if (is_proven(svc))
			svc_up(svc);
		return;
	}
	if (svc->state == SVC_STARTING)
		svc_down(svc, "it does not start");
	if (svc->kind == SVC_EXEC || svc->connecting > 0)
		return;
	if (svc->kind == SVC_HTTP && svc->state == SVC_UP)
		svc_dispatch(svc);
	else if (svc->pool.n_slots == 0)
		connect_request(svc);
}

/* Ask for as many connections as there are calls that need one. */
static void
want_connections(struct svc *svc)
{
	struct pool	*p = &svc->pool;
	uint32_t	 want = p->n_queued;

	if (svc->kind != SVC_HTTP || svc->state != SVC_UP || svc->retired ||
	    evtimer_pending(svc->timer, NULL))
		return;
	if (p->max != 0 && want > p->max - p->in_flight)
		want = p->max - p->in_flight;
	while (svc->connecting < want &&
	    p->n_slots + svc->connecting < LIMIT_HTTP_POOL) {
		if (svc->state != SVC_UP || svc->retired)
			return;
		connect_request(svc);
		want = p->n_queued < want ? p->n_queued : want;
	}
}

void
svc_dispatch(struct svc *svc)
{
	struct call	*c;
	enum take	 take;

	while ((take = pool_take(&svc->pool, monotime_now(), &c)) !=
	    TAKE_NONE) {
		if (take == TAKE_EXPIRED)
			answer_failed(svc->b, c, FAIL_TIMEOUT, EXECUTED_NO,
			    "expired while it waited for service %s",
			    svc->name);
		else if (svc->kind == SVC_HTTP && !http_usable(c->slot->io))
			continue;
		else
			conn_send(c->slot->io, c);
	}
	if (!TAILQ_EMPTY(&svc->pool.queue))
		want_connections(svc);
}

void
svc_conn_made(struct svc *svc)
{
	evtimer_del(svc->timer);
	if (svc->kind == SVC_HTTP)
		backoff_reset(&svc->backoff);
	if (svc->kind != SVC_EXEC || is_proven(svc))
		svc_up(svc);
	svc_dispatch(svc);
}

void
svc_conn_lost(struct svc *svc, const char *reason, int64_t held_ms)
{
	/* Without one an http service is up: the next call makes one. */
	if (svc->retired || svc->kind == SVC_HTTP || svc->pool.n_slots > 0)
		return;
	svc_down(svc, reason);
	if (svc->kind == SVC_UNIX) {
		backoff_held(&svc->backoff, held_ms);
		try_later(svc);
	}
}

void
svc_seek(struct svc *svc)
{
	if (svc->started && !svc->retired && svc->kind == SVC_HTTP &&
	    svc->state != SVC_UP && svc->connecting == 0)
		connect_request(svc);
}

void
svc_connected(struct svc *svc, int fd, const char *error)
{
	if (fd == -1) {
		log_debug("service %s: connect: %s", svc->name, error);
		/* Other connections to it still live: only wait. */
		if (svc->pool.n_slots == 0)
			svc_down(svc, error);
		try_later(svc);
		return;
	}
	if (svc->retired || (svc->kind == SVC_UNIX && svc->pool.n_slots > 0)) {
		close(fd);
		return;
	}
	if (conn_new(svc, fd, 0) == NULL)
		close(fd);
	else
		svc_conn_made(svc);
}

/* --- time --- */

void
svc_forget_call(struct backend *b, struct call *c)
{
	struct svc	*svc = c->pool->owner;
	struct conn	*conn;

	switch (c->state) {
	case CALL_QUEUED:
		call_finish(&b->calls, c);
		break;
	case CALL_SENT:
		if (svc->kind != SVC_HTTP) {
			call_abandon(&b->calls, c, monotime_now());
			backend_tick(b);
			break;
		}
		/* Closing the connection is how HTTP/1.1 cancels. */
		conn = c->slot->io;
		call_finish(&b->calls, c);
		conn_close(conn);
		svc_dispatch(svc);
		break;
	case CALL_ABANDONED:
		break;
	}
}

static bool
tick_retired(struct svc *svc)
{
	struct backend	*b = svc->b;
	struct conn	*c, *next;
	size_t		 i;

	for (c = TAILQ_FIRST(&svc->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (svc->kind != SVC_EXEC && c->slot.in_flight == 0)
			conn_close(c);
	}
	if (!TAILQ_EMPTY(&svc->conns) || svc->connecting > 0)
		return (true);
	for (i = 0; b->prev != NULL && i < LIMIT_SERVICES; i++) {
		if (b->prev->svcs[i] == svc)
			b->prev->svcs[i] = NULL;
	}
	svc_free(svc);
	return (false);
}

bool
svc_tick(struct svc *svc, struct monotime now)
{
	struct conn	*c, *next;
	bool		 more = false;

	if (svc->kind == SVC_HTTP) {
		for (c = TAILQ_FIRST(&svc->conns); c != NULL; c = next) {
			next = TAILQ_NEXT(c, entry);
			if (http_tick(c, now))
				more = true;
		}
		svc_dispatch(svc);
	}
	if (svc->kind == SVC_EXEC && instance_tick(svc, now))
		more = true;
	if (svc->retired)
		return (tick_retired(svc));
	return (more);
}
