/* SPDX-License-Identifier: ISC */

/*
 * Heartbeats of the seed protocol: a sign of life that also says which
 * services are unhealthy.
 */

#include <string.h>

#include "relay-router/router.h"

/* Names this home's services that are not up. */
static void
put_unhealthy(struct router *r, struct text *t)
{
	const struct service	*s;
	uint16_t		 i;
	bool			 any = false;

	text_lit(t, ",\"unhealthy\":[");
	for (i = 0; i < r->conf.n_services; i++) {
		s = &r->conf.services[i];
		if (s->healthy || s->visibility == VISIBILITY_PRIVATE)
			continue;
		text_lit(t, any ? "," : "");
		text_lit(t, "{\"service_name\":");
		text_cstring(t, s->name);
		text_lit(t, ",\"version\":");
		text_cstring(t, s->version);
		text_lit(t, "}");
		any = true;
	}
	text_lit(t, "]");
}

/* A peer's answer to a heartbeat of ours tells how far away it is. */
static void
begin(struct router *r, struct session *s, struct span answers)
{
	if (s->kind != SESSION_PEER || answers.len != 0) {
		message_begin(r, "heartbeat", answers);
		return;
	}
	message_fresh_id(r, s->beat_id);
	s->beat_us = monotime_us();
	message_begin_id(r, "heartbeat", span_str(s->beat_id), answers);
}

void
heartbeat_send(struct router *r, struct session *s, struct span answers)
{
	begin(r, s, answers);
	message_add(r, ENV_DATA, span_str("{\"seq\":"));
	text_int(&r->out, (int64_t)++s->beat_seq);
	if (s->kind == SESSION_UPLINK)
		put_unhealthy(r, &r->out);
	text_lit(&r->out, "}");
	(void)message_send(r, s);
}

/*
 * The list is in the order of the next heartbeat, for each session is put at
 * its end with the same interval.
 */
void
heartbeat_due(struct router *r, int64_t now_ms)
{
	struct session	*s;

	while ((s = TAILQ_FIRST(&r->session_list)) != NULL &&
	    s->beat_ms <= now_ms) {
		TAILQ_REMOVE(&r->session_list, s, list);
		TAILQ_INSERT_TAIL(&r->session_list, s, list);
		s->beat_ms = now_ms + LIMIT_PING_MS;
		if (s->up && !s->full)
			heartbeat_send(r, s, span_str(""));
	}
}

/* --- what a home's heartbeat says --- */

/*
 * A home may change its mind faster than the registry writes: what it has no
 * room for now it is told when it has.
 */
static void
tell_health(struct router *r, struct session *s,
    const struct route_instance *i)
{
	struct wire_put	*w;

	if (r->registry == NULL)
		return;
	if (channel_congested(r->registry)) {
		s->health_untold = true;
		return;
	}
	w = channel_begin(r->registry, MSG_SERVICE_HEALTH);
	put_u64(w, s->id);
	put_str(w, i->service.name);
	put_str(w, i->service.version);
	put_bool(w, i->service.healthy);
	(void)channel_commit(r->registry);
}

void
heartbeat_tell_health(struct router *r)
{
	struct route_instance	*i;
	struct session		*s;

	TAILQ_FOREACH(s, &r->session_list, list) {
		if (!s->health_untold)
			continue;
		s->health_untold = false;
		TAILQ_FOREACH(i, &s->node->instances, by_node)
			tell_health(r, s, i);
	}
}

/* An entry of unhealthy[]: a name, or an object with one and a version. */
struct entry {
	char		 buf[LIMIT_SERVICE_NAME + LIMIT_VERSION];
	struct span	 name;
	struct span	 version;
	bool		 any_version;
};

static bool
read_entry(const struct json_span *v, struct entry *e)
{
	struct json_span	 name = *v, version = { .type = JSON_NONE };
	int			 n;

	if (v->type == JSON_OBJECT) {
		if (!json_member(v, "service_name", &name))
			return (false);
		(void)json_member(v, "version", &version);
	}
	if ((n = json_unescape(&name, e->buf, LIMIT_SERVICE_NAME)) == -1)
		return (false);
	e->name = (struct span){ e->buf, (size_t)n };
	e->any_version = version.type != JSON_STRING;
	e->version = (struct span){ e->buf + n, 0 };
	if (e->any_version)
		return (true);
	n = json_unescape(&version, e->buf + n, LIMIT_VERSION);
	e->version.len = n == -1 ? 0 : (size_t)n;
	return (n != -1);
}

/* Marks the instances of a node, by their place, that the entry means. */
static void
mark(const struct route_node *node, const struct entry *e,
    bool listed[LIMIT_SERVICES])
{
	const struct route_instance	*i;
	size_t				 k = 0;

	TAILQ_FOREACH(i, &node->instances, by_node) {
		if (k == LIMIT_SERVICES)
			return;
		if (span_eq(e->name, span_str(i->service.name)) &&
		    (e->any_version ||
		    span_eq(e->version, span_str(i->service.version))))
			listed[k] = true;
		k++;
	}
}

static void
read_list(const struct route_node *node, const struct json_span *list,
    bool listed[LIMIT_SERVICES])
{
	struct json_scan	 sc;
	struct json_span	 v;
	struct entry		 e;

	json_scan_init(&sc, list->p, list->len);
	(void)json_array_begin(&sc);
	while (json_array_next(&sc) == 1 && json_skip(&sc, &v))
		if (read_entry(&v, &e))
			mark(node, &e, listed);
}

#define UNHEALTHY_MAX	16384	/* bytes of unhealthy[]: each entry is
				 * compared with each service */

/* A list is the whole truth; without one nothing changes. */
static void
take_health(struct router *r, struct session *s, const struct envelope *e)
{
	bool			 listed[LIMIT_SERVICES] = { false };
	struct route_instance	*i;
	struct json_span	 list;
	size_t			 k = 0;

	if (s->node == NULL || !env_has(e, ENV_DATA) ||
	    !json_member(&e->val[ENV_DATA], "unhealthy", &list) ||
	    list.type != JSON_ARRAY || list.len > UNHEALTHY_MAX)
		return;
	read_list(s->node, &list, listed);
	TAILQ_FOREACH(i, &s->node->instances, by_node) {
		if (k == LIMIT_SERVICES)
			break;
		if (listed[k++] != i->service.healthy)
			continue;
		i->service.healthy = !i->service.healthy;
		tell_health(r, s, i);
	}
}

#define ANSWER_MS	1000	/* least time between answers without an id */

/*
 * An answer is not answered.  A heartbeat without an id may come from one
 * that answers each with another, so those are answered slowly.
 */
static void
answer(struct router *r, struct session *s, const struct envelope *e)
{
	char	 fresh[24];

	if (e->correlation_id.len != 0)
		return;
	if (e->message_id.len != 0) {
		heartbeat_send(r, s, e->message_id);
		return;
	}
	if (s->seen_ms < s->answer_ms)
		return;
	s->answer_ms = s->seen_ms + ANSWER_MS;
	message_fresh_id(r, fresh);
	heartbeat_send(r, s, span_str(fresh));
}

#define SEEN_MS		1000	/* least time between words to the registry */

static void
tell_seen(struct router *r, struct session *s, uint32_t rtt_us)
{
	struct wire_put	*w;

	if (r->registry == NULL || channel_congested(r->registry) ||
	    (rtt_us == 0 && s->seen_ms < s->told_ms))
		return;
	s->told_ms = s->seen_ms + SEEN_MS;
	w = channel_begin(r->registry, MSG_SESSION_SEEN);
	put_u64(w, s->id);
	put_u32(w, rtt_us);
	(void)channel_commit(r->registry);
}

/* The time from our heartbeat to its answer, once; 0 if this is none. */
static uint32_t
take_rtt(struct session *s, const struct envelope *e)
{
	int64_t	 us;

	if (s->beat_id[0] == '\0' ||
	    !span_eq(e->correlation_id, span_str(s->beat_id)))
		return (0);
	s->beat_id[0] = '\0';
	us = monotime_us() - s->beat_us;
	return (us < 1 ? 1 : us > UINT32_MAX ? UINT32_MAX : (uint32_t)us);
}

void
heartbeat_received(struct router *r, struct session *s,
    const struct envelope *e)
{
	switch (s->kind) {
	case SESSION_HOME:
		take_health(r, s, e);
		tell_seen(r, s, 0);
		break;
	case SESSION_PEER:
		tell_seen(r, s, take_rtt(s, e));
		break;
	case SESSION_UPLINK:
		break;
	}
	answer(r, s, e);
}
