/* SPDX-License-Identifier: ISC */
/* A simulated home: its link to a Main and what it says over it. */
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include <json.h>

#include "tests/sim/home.h"

#define BEAT_US		(LIMIT_PING_MS * US_PER_MS)
#define TEXT_MAX	4096
/* Asks again when a registration was not taken. */
#define AGAIN_US	(5 * US_PER_S)

static const struct net_ops	net_ops;

/* --- saying --- */

int
home_head(struct home *h, char *buf, size_t size, const char *type)
{
	return (snprintf(buf, size, "{\"type\":\"%s\",\"message_id\":"
	    "\"%s-%llu-%llu\",\"timestamp\":\"2026-01-02T03:04:05Z\","
	    "\"source_node\":{\"type\":\"home\",\"id\":\"%s\"}", type, h->id,
	    (unsigned long long)h->life, (unsigned long long)++h->messages,
	    h->id));
}

void
home_send(struct home *h, const char *text, size_t len)
{
	if (h->state == HOME_LINKED)
		net_send(h->end, NET_TEXT, 0, text, len);
}

static int
put_services(char *buf, size_t size, uint8_t services)
{
	int	n = 0, i;

	for (i = 0; i < HOME_SERVICES; i++) {
		if (!(services & 1U << i))
			continue;
		n += snprintf(buf + n, size - (size_t)n, "%s{\"service_name\":"
		    "\"s%d\",\"version\":\"1.%d.0\",\"methods\":[\"echo\"]"
		    "%s}", n == 0 ? "" : ",", i, i,
		    i == HOME_SERVICES - 1 ? ",\"visibility\":\"main\"" : "");
	}
	return (n);
}

static void
register_now(struct home *h)
{
	char	buf[TEXT_MAX];
	int	n;

	snprintf(h->register_id, sizeof(h->register_id), "%.12s-%llu-%llu",
	    h->id, (unsigned long long)h->life,
	    (unsigned long long)h->messages + 1);
	n = home_head(h, buf, sizeof(buf), "registration");
	n += snprintf(buf + n, sizeof(buf) - (size_t)n,
	    ",\"data\":{\"services\":[");
	n += put_services(buf + n, sizeof(buf) - (size_t)n, h->services);
	n += snprintf(buf + n, sizeof(buf) - (size_t)n, "]%s}}", h->features ?
	    ",\"features\":[\"deadline_ms\",\"cancel\"]" : "");
	h->told = h->services;
	home_send(h, buf, (size_t)n);
}

void
home_offer(struct home *h, uint8_t services)
{
	h->services = services;
	if (h->state == HOME_LINKED)
		register_now(h);
}

static void
say_beat(struct home *h, const char *extra)
{
	char	buf[TEXT_MAX];
	int	n;

	n = home_head(h, buf, sizeof(buf), "heartbeat");
	n += snprintf(buf + n, sizeof(buf) - (size_t)n, "%s}", extra);
	home_send(h, buf, (size_t)n);
}

void
home_unhealthy(struct home *h, uint8_t services)
{
	char	buf[256];
	int	n, i;
	bool	any = false;

	n = snprintf(buf, sizeof(buf), ",\"data\":{\"unhealthy\":[");
	for (i = 0; i < HOME_SERVICES; i++) {
		if (services & 1U << i) {
			n += snprintf(buf + n, sizeof(buf) - (size_t)n,
			    "%s\"s%d\"", any ? "," : "", i);
			any = true;
		}
	}
	snprintf(buf + n, sizeof(buf) - (size_t)n, "]}");
	say_beat(h, buf);
}

static void
on_beat(void *arg)
{
	struct home	*h = arg;

	say_beat(h, ",\"data\":{}");
	timer_in(&h->beat, BEAT_US);
}

/* --- the link --- */

static void
try_later(struct home *h, int64_t least_us)
{
	int64_t	us;

	us = backoff_next_ms(&h->backoff, (uint32_t)rnd64()) * US_PER_MS;
	h->state = HOME_WAIT;
	timer_in(&h->retry, us > least_us ? us : least_us);
}

/* What there was of a link is over. */
static void
forget_link(struct home *h)
{
	if (h->state == HOME_LINKED && h->seen_us != NULL)
		h->seen_us[h->at] = sim.now_us;
	if (h->state == HOME_LINKED)
		backoff_held(&h->backoff, (sim.now_us - h->since_us) /
		    US_PER_MS);
	h->registered = false;
	h->end = NULL;
	h->life++;
	timer_del(&h->beat);
	timer_del(&h->late);
	timer_del(&h->retry);
}

static void
leave(struct home *h, bool silent)
{
	if (h->dial != NULL)
		net_cancel(h->dial);
	h->dial = NULL;
	if (h->end != NULL && !silent) {
		h->end->ops = NULL;
		net_close(h->end);
	}
	forget_link(h);
}

static void
on_late(void *arg)
{
	struct home	*h = arg;

	if (h->state == HOME_LINKED) {
		register_now(h);
		timer_in(&h->late, 2 * AGAIN_US);
		return;
	}
	leave(h, false);
	try_later(h, 0);
}

static void
linked(struct home *h)
{
	h->state = HOME_LINKED;
	h->since_us = sim.now_us;
	sim_say("%s is linked to m%u", h->id, h->at);
	timer_in(&h->beat, BEAT_US);
	timer_in(&h->late, 2 * AGAIN_US);
	register_now(h);
}

static void
on_connected(void *arg, struct net_end *end, const char *why)
{
	struct home		*h = arg;
	struct net_hello	 hello = { .peer = false };

	h->dial = NULL;
	if (end == NULL) {
		/* It has fallbacks: every Main there is. */
		sim_say("%s cannot reach m%u: %s", h->id, h->at, why);
		h->at = (h->at + 1) % sim.n_mains;
		try_later(h, 0);
		return;
	}
	h->end = end;
	end->ops = &net_ops;
	end->arg = h;
	h->state = HOME_UPGRADE;
	strlcpy(hello.node, h->id, sizeof(hello.node));
	strlcpy(hello.boot, h->boot, sizeof(hello.boot));
	net_send(end, NET_UPGRADE, 0, &hello, sizeof(hello));
	timer_in(&h->late, LIMIT_HANDSHAKE_MS * US_PER_MS);
}

static void
on_retry(void *arg)
{
	struct home	*h = arg;

	h->state = HOME_DIAL;
	h->dial = net_connect(h->host, sim.mains[h->at]->host, on_connected,
	    h);
}

/* --- what it is told --- */

static const char *
text_of(struct json_object *o, const char *key)
{
	struct json_object	*v;

	if (!json_object_object_get_ex(o, key, &v))
		return ("");
	return (json_object_get_string(v));
}

static void
on_registration(struct home *h, struct json_object *o)
{
	if (strcmp(text_of(o, "correlation_id"), h->register_id) != 0)
		return;
	h->registered = true;
	h->accepted = h->told;
	timer_del(&h->late);
}

static void
on_heartbeat(struct home *h, struct json_object *o)
{
	char	buf[128];

	if (*text_of(o, "correlation_id") != '\0')
		return;
	snprintf(buf, sizeof(buf), ",\"correlation_id\":\"%s\",\"data\":{}",
	    text_of(o, "message_id"));
	say_beat(h, buf);
}

static void
on_text(struct home *h, const struct net_msg *m)
{
	struct json_object	*o = json_tokener_parse(m->data);
	const char		*type;

	if (o == NULL)
		sim_fail("%s gets what is no JSON: %s", h->id, m->data);
	type = text_of(o, "type");
	if (strcmp(type, "registration") == 0)
		on_registration(h, o);
	else if (strcmp(type, "heartbeat") == 0)
		on_heartbeat(h, o);
	else if (strcmp(type, "request") == 0)
		call_served(h, o, m->data);
	else if (strcmp(type, "response") == 0 || strcmp(type, "error") == 0)
		call_answered(h, o);
	json_object_put(o);
}

static void
on_message(void *arg, struct net_end *end, const struct net_msg *m)
{
	struct home		*h = arg;
	const struct net_hello	*hello = (const void *)m->data;

	(void)end;
	if (m->kind == NET_TEXT && h->state == HOME_LINKED)
		on_text(h, m);
	else if (m->kind == NET_WELCOME && h->state == HOME_UPGRADE) {
		timer_del(&h->late);
		linked(h);
	} else if (m->kind == NET_REFUSE) {
		sim_say("%s is refused by m%u: %u %s", h->id, h->at,
		    hello->status, hello->reason);
		leave(h, false);
		try_later(h, hello->retry_after_ms * US_PER_MS);
	} else if (m->kind == NET_CLOSE) {
		leave(h, false);
		try_later(h, 0);
	}
}

static void
on_closed(void *arg, struct net_end *end, const char *why)
{
	struct home	*h = arg;

	(void)end;
	sim_say("%s: link to m%u ends: %s", h->id, h->at, why);
	forget_link(h);
	if (chance(30))
		h->at = rnd(sim.n_mains);
	try_later(h, 0);
}

static const struct net_ops	net_ops = {
	.message = on_message,
	.closed = on_closed,
};

/* --- life --- */

struct home *
home_new(unsigned int index, const char *id)
{
	struct home	*h = sim_alloc(sizeof(*h));

	h->index = index;
	strlcpy(h->id, id, sizeof(h->id));
	h->host = host_new();
	h->at = rnd(sim.n_mains);
	h->features = chance(70);
	backoff_init(&h->backoff, LIMIT_BACKOFF_MIN_MS, LIMIT_BACKOFF_MAX_MS,
	    LIMIT_STABLE_MS);
	if (!sim.conf.costs)
		h->seen_us = sim_alloc(SIM_MAINS * sizeof(*h->seen_us));
	timer_init(&h->retry, on_retry, h);
	timer_init(&h->beat, on_beat, h);
	timer_init(&h->late, on_late, h);
	return (h);
}

void
home_start(struct home *h)
{
	if (h->state != HOME_OFF)
		return;
	h->host->crashed = false;
	snprintf(h->boot, sizeof(h->boot), "%016llx",
	    (unsigned long long)rnd64());
	backoff_reset(&h->backoff);
	h->state = HOME_WAIT;
	timer_in(&h->retry, rnd_between(0, US_PER_S));
}

void
home_stop(struct home *h, bool silent)
{
	if (h->state == HOME_OFF)
		return;
	sim_say("%s %s", h->id, silent ? "crashes" : "stops");
	leave(h, silent);
	h->host->crashed = silent;
	net_drop_host(h->host, silent);
	h->state = HOME_OFF;
}

void
home_move(struct home *h, unsigned int to, bool silent)
{
	if (h->state == HOME_OFF)
		return;
	sim_say("%s moves to m%u", h->id, to);
	leave(h, silent);
	if (silent)
		net_drop_host(h->host, true);
	h->at = to;
	h->state = HOME_WAIT;
	timer_in(&h->retry, rnd_between(0, 200 * US_PER_MS));
}

unsigned int
home_service(const char *name)
{
	return ((unsigned int)(name[1] - '0'));
}

bool
home_was_at(const char *id, unsigned int at, int64_t since_us)
{
	const struct home	*h;
	unsigned int		 i;

	for (i = 0; i < sim.n_homes; i++) {
		h = sim.homes[i];
		if (strcmp(h->id, id) != 0)
			continue;
		if ((h->state == HOME_LINKED && h->at == at) ||
		    (h->seen_us[at] != 0 && h->seen_us[at] >= since_us))
			return (true);
	}
	return (false);
}
