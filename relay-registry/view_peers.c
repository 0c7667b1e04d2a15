/* SPDX-License-Identifier: ISC */
/* The views of other Mains and of the federation's health. */
#include <stdio.h>
#include <stdlib.h>

#include "relay-registry/peer_list.h"
#include "relay-registry/view_impl.h"

/* A text, or null for none. */
static void
add_text_or_null(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, value[0] == '\0' ? NULL :
	    json_object_new_string(value));
}

static void
add_rtt(struct json_object *o, uint32_t us)
{
	char text[32];

	snprintf(text, sizeof(text), "%u.%03u", us / 1000, us % 1000);
	json_object_object_add(o, "rtt_ms", us == 0 ? NULL :
	    json_object_new_double_s(us / 1000.0, text));
}

/* Why a link fails tells of keys and names: it is for who may change peers. */
static struct json_object *
peer_json(const struct peer_info *p, bool admin)
{
	struct json_object *o = json_object_new_object();

	add_text_or_null(o, "node_id", p->node);
	add_text_or_null(o, "url", p->url);
	view_add_text(o, "state", p->state);
	json_object_object_add(o, "is_healthy",
	    json_object_new_boolean(p->up));
	add_text_or_null(o, "direction", p->direction);
	view_add_time(o, "last_seen", p->last_seen_ms);
	add_rtt(o, p->rtt_us);
	json_object_object_add(o, "services",
	    json_object_new_int64(p->services));
	json_object_object_add(o, "reconnect_in_ms", p->retry_in_ms < 0 ?
	    NULL : json_object_new_int64(p->retry_in_ms));
	if (admin)
		add_text_or_null(o, "reason", p->reason);
	view_add_text(o, "origin", p->origin);
	return (o);
}

/* --- /federation/peers --- */

struct list {
	struct view_body body;
	size_t		 n;
	bool		 admin;		/* for one who has these rights */
};

static void
list_peer(void *arg, const struct peer_info *p)
{
	struct list *l = arg;

	if (l->n++ > 0)
		view_append(&l->body, ",", 1);
	view_append_json(&l->body, peer_json(p, l->admin));
}

void
view_of_peers(struct registry *r, bool admin, struct view_body *body,
    struct when now)
{
	struct list l = { .admin = admin };
	char head[64];
	int len;

	registry_each_peer(r, list_peer, &l, now);
	len = snprintf(head, sizeof(head), "{\"count\":%zu,\"peers\":[", l.n);
	view_append(body, head, (size_t)len);
	if (l.body.p != NULL)
		view_append(body, l.body.p, l.body.len);
	view_append(body, "]}", 2);
	body->full |= l.body.full;
	free(l.body.p);
}

static void
only_peer(void *arg, const struct peer_info *p)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "peer", peer_json(p, true));
	view_append_json(arg, o);
}

void
view_answer_peer(struct registry *r, uint64_t request, uint16_t status,
    const struct peer_conf *conf, struct when now)
{
	struct reply *reply = registry_say(r, MSG_VIEW_REPLY, request);
	struct view_body body = { 0 };

	registry_peer_at(r, conf, only_peer, &body, now);
	reply_set_body(reply, body.p, body.len);
	reply->status = status;
	free(body.p);
}

/* --- /federation/health --- */

struct health {
	uint32_t	configured, away;
	uint64_t	services, failed;
};

static void
count_peer(void *arg, const struct peer_info *p)
{
	struct health *h = arg;

	h->configured += p->ours;
	h->away += p->ours && !p->up;
}

static bool
count_services(void *arg, const struct mesh_view *v)
{
	struct health *h = arg;
	uint16_t i;

	h->services += v->n;
	for (i = 0; i < v->n; i++)
		h->failed += v->stale || !v->services[i].healthy;
	return (true);
}

/* A Main that sees less than half of the others may be the one cut off. */
static const char *
status_name(const struct health *h, bool draining)
{
	if (draining)
		return ("draining");
	if (h->away == 0)
		return ("healthy");
	return (2 * h->away > h->configured ? "partitioned" : "degraded");
}

static void
add_count(struct json_object *o, const char *key, uint64_t n)
{
	json_object_object_add(o, key, json_object_new_int64((int64_t)n));
}

void
view_of_health(struct registry *r, const struct view_request *q,
    struct view_body *body, struct when now)
{
	struct json_object *o = json_object_new_object();
	struct health h = { 0 };
	int64_t homes = 0;

	registry_each_peer(r, count_peer, &h, now);
	mesh_each(r->mesh, count_services, &h);
	if (registry_run(r, DB_COUNTS, "") == 1) {
		homes = db_int(r->db, DB_COUNTS, 1);
		h.services += (uint64_t)db_int(r->db, DB_COUNTS, 2);
		h.failed += (uint64_t)db_int(r->db, DB_COUNTS, 3);
	}
	db_done(r->db, DB_COUNTS);
	view_add_text(o, "status", status_name(&h, q->draining));
	view_add_text(o, "node_id", r->node_id);
	add_count(o, "connected_homes", (uint64_t)homes);
	add_count(o, "connected_peers", peers_linked(&r->peers));
	add_count(o, "configured_peers", h.configured);
	add_count(o, "total_services", h.services);
	add_count(o, "failed_services", h.failed);
	add_count(o, "average_latency_ms", q->latency_ms);
	view_append_json(body, o);
}
