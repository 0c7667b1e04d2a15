/* SPDX-License-Identifier: ISC */

/*
 * Registration: a home's set of services on its way to the registry, and
 * this home's own on its way to its Main.
 */

#include <bsd/string.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "relay-router/registration.h"
#include "relay-router/router.h"

#define AGAIN_MS	5000	/* before a refused registration is sent anew */
#define WAITS_MAX	16	/* registrations of a session at a time */

static void
wait_free(struct session *s, struct registration_wait *w)
{
	TAILQ_REMOVE(&s->waits, w, entry);
	s->n_waits--;
	registration_free(w->reg);
	free(w->reg);
	free(w);
}

void
register_forget(struct session *s)
{
	while (!TAILQ_EMPTY(&s->waits))
		wait_free(s, TAILQ_FIRST(&s->waits));
}

static unsigned int
feature_bit(const struct json_span *v)
{
	static const struct {
		const char	*text;		/* as in JSON */
		unsigned int	 bit;
	} features[] = {
		{ "\"deadline_ms\"", FEATURE_DEADLINE_MS },
		{ "\"cancel\"", FEATURE_CANCEL },
		{ "\"traceparent\"", FEATURE_TRACEPARENT },
		{ "\"idempotency_key\"", FEATURE_IDEMPOTENCY_KEY },
	};
	size_t	 i;

	for (i = 0; i < sizeof(features) / sizeof(features[0]); i++)
		if (span_eq((struct span){ v->p, v->len },
		    span_str(features[i].text)))
			return (features[i].bit);
	return (0);
}

void
register_features(struct session *s, const struct envelope *e)
{
	struct json_scan	 sc;
	struct json_span	 list, v;

	s->features = 0;
	if (!env_has(e, ENV_DATA) ||
	    !json_member(&e->val[ENV_DATA], "features", &list))
		return;
	json_scan_init(&sc, list.p, list.len);
	if (!json_array_begin(&sc))
		return;
	while (json_array_next(&sc) == 1 && json_skip(&sc, &v))
		s->features |= feature_bit(&v);
}

static void
refuse(struct router *r, struct session *s, const struct envelope *e,
    enum rpc_code code, const char *detail)
{
	struct rpc_error	 err = rpc_error(code, STAGE_INGRESS, detail);

	message_error(r, s, e->message_id, &err);
}

/* Keeps what was asked until the answer and passes the rows on. */
static void
submit(struct router *r, struct session *s, const struct envelope *e,
    struct registration *reg)
{
	struct registration_wait	*w;

	if ((w = calloc(1, sizeof(*w))) == NULL)
		fatal("out of memory");
	w->tag = id64_next(&r->ids);
	w->reg = reg;
	(void)span_copy(e->message_id, w->message_id, sizeof(w->message_id));
	TAILQ_INSERT_TAIL(&s->waits, w, entry);
	s->n_waits++;
	if (registry_register(r, s->id, w->tag, reg->services, reg->n))
		return;
	refuse(r, s, e, RPC_E_OVERLOADED, "registry is not available");
	wait_free(s, w);
}

void
register_from_home(struct router *r, struct session *s,
    const struct envelope *e)
{
	struct registration	*reg;
	struct json_span	 list;
	struct span		 json = { "", 0 };

	if (r->registry == NULL || s->n_waits >= WAITS_MAX) {
		refuse(r, s, e, RPC_E_OVERLOADED, "registry is not available");
		return;
	}
	if (env_has(e, ENV_DATA) && e->val[ENV_DATA].type != JSON_OBJECT) {
		refuse(r, s, e, RPC_E_INVALID_REQUEST, "data");
		return;
	}
	if (env_has(e, ENV_DATA) &&
	    json_member(&e->val[ENV_DATA], "services", &list)) {
		json.p = list.p;
		json.len = list.len;
	}
	if ((reg = malloc(sizeof(*reg))) == NULL)
		fatal("out of memory");
	if (registration_parse(reg, json)) {
		register_features(s, e);
		submit(r, s, e, reg);
		return;
	}
	refuse(r, s, e, RPC_E_INVALID_REQUEST,
	    "data.services is not a list, or is too long");
	registration_free(reg);
	free(reg);
}

void
register_resubmit(struct router *r, struct session *s)
{
	struct registration_wait	*w;

	TAILQ_FOREACH(w, &s->waits, entry)
		(void)registry_register(r, s->id, w->tag, w->reg->services,
		    w->reg->n);
}

void
register_answer(struct router *r, struct session *s, uint64_t tag,
    struct span accepted, struct span rejected)
{
	struct registration_wait	*w;

	TAILQ_FOREACH(w, &s->waits, entry)
		if (w->tag == tag)
			break;
	if (w == NULL)
		return;
	message_begin(r, "registration", span_str(w->message_id));
	message_add(r, ENV_DESTINATION_NODE,
	    (struct span){ s->json, s->json_len });
	message_add(r, ENV_DATA, span_str("{\"accepted\":["));
	text_span(&r->out, accepted);
	text_lit(&r->out, "],\"rejected\":[");
	text_span(&r->out, rejected);
	text_lit(&r->out, rejected.len != 0 && w->reg->rejected.len != 0 ?
	    "," : "");
	text_span(&r->out, text_get(&w->reg->rejected));
	text_lit(&r->out, "],\"epoch\":");
	text_int(&r->out, (int64_t)s->epoch);
	text_lit(&r->out, ",\"features\":" ROUTER_FEATURES "}");
	(void)message_send(r, s);
	wait_free(s, w);
}

/* --- a home's own --- */

void
register_with_main(struct router *r, struct session *s)
{
	const struct service	*svc;
	uint16_t		 i;
	bool			 any = false;

	s->register_ms = 0;
	message_fresh_id(r, s->register_id);
	message_begin_id(r, "registration", span_str(s->register_id),
	    span_str(""));
	message_add(r, ENV_DATA, span_str("{\"services\":["));
	for (i = 0; i < r->conf.n_services; i++) {
		svc = &r->conf.services[i];
		if (s->retired || svc->visibility == VISIBILITY_PRIVATE)
			continue;
		text_lit(&r->out, any ? "," : "");
		registration_put(&r->out, svc);
		any = true;
	}
	text_lit(&r->out, "],\"seq\":");
	text_int(&r->out, (int64_t)++s->register_seq);
	text_lit(&r->out, ",\"features\":" ROUTER_FEATURES "}");
	if (!message_send(r, s))
		log_warn("the registration could not be sent");
}

bool
register_refused(struct router *r, struct session *s,
    const struct envelope *e)
{
	struct json_span	 reason = { .p = "", .len = 0 };

	(void)r;
	if (e->correlation_id.len == 0 ||
	    !span_eq(e->correlation_id, span_str(s->register_id)))
		return (false);
	if (s->retired) {
		s->registered = true;	/* it matters no more what it says */
		return (true);
	}
	if (env_has(e, ENV_DATA))
		(void)json_member(&e->val[ENV_DATA], "reason", &reason);
	log_warn("%s does not take the registration: %.*s", s->node_id,
	    (int)reason.len, reason.p);
	s->register_ms = s->seen_ms + AGAIN_MS;
	return (true);
}

static void
try_again(struct router *r, struct session *s, int64_t now_ms)
{
	if (s != NULL && s->register_ms != 0 && s->register_ms <= now_ms)
		register_with_main(r, s);
}

void
register_due(struct router *r, int64_t now_ms)
{
	try_again(r, r->uplink, now_ms);
	try_again(r, r->candidate, now_ms);
}

static void
log_rejected(const struct session *s, const struct json_span *item)
{
	struct json_span	 name, rule;

	if (json_member(item, "service_name", &name) &&
	    json_member(item, "rule", &rule))
		log_warn("%s rejects service %.*s: %.*s", s->node_id,
		    (int)name.len, name.p, (int)rule.len, rule.p);
}

void
register_reply(struct router *r, struct session *s, const struct envelope *e)
{
	struct json_scan	 sc;
	struct json_span	 list, item;
	unsigned int		 n = 0;

	/* One that was sent before the last one says nothing of it. */
	if (e->correlation_id.len != 0 &&
	    !span_eq(e->correlation_id, span_str(s->register_id)))
		return;
	register_features(s, e);
	if (env_has(e, ENV_DATA) &&
	    json_member(&e->val[ENV_DATA], "rejected", &list)) {
		json_scan_init(&sc, list.p, list.len);
		if (json_array_begin(&sc))
			for (; json_array_next(&sc) == 1 &&
			    json_skip(&sc, &item); n++)
				log_rejected(s, &item);
	}
	if (!s->retired)
		log_info("registered with %s, %u services rejected",
		    s->node_id, n);
	uplink_registered(r, s);
}
