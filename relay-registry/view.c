/* SPDX-License-Identifier: ISC */
/*
 * The views of HTTP (PROTOCOL.md section 7), with SEED.md's ServiceInfo: on a
 * Main GET /registry, /federation/registry, /federation/peers and
 * /federation/health, on a home GET /services.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "relay-registry/view_impl.h"

/* Milliseconds a view is given out again while nothing has changed: only
 * times grow old meanwhile. */
#define CACHE_MS	1000

void
view_forget(struct registry *r)
{
	size_t i;

	for (i = 0; i < HTTP_ROUTE_MAX; i++) {
		free(r->cache[i].body);
		r->cache[i].body = NULL;
	}
}

void
view_append(struct view_body *b, const char *s, size_t len)
{
	size_t size = b->size == 0 ? 4096 : b->size;
	char *p;

	if (b->full || len > LIMIT_VIEW_BODY - b->len) {
		b->full = true;
		return;
	}
	while (size - b->len <= len)
		size *= 2;
	if (size != b->size) {
		if ((p = realloc(b->p, size)) == NULL)
			fatal("no memory for a view");
		b->p = p;
		b->size = size;
	}
	memcpy(b->p + b->len, s, len);
	b->len += len;
	b->p[b->len] = '\0';
}

void
view_append_json(struct view_body *b, struct json_object *o)
{
	const char *s;
	size_t len;

	s = json_object_to_json_string_length(o,
	    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	if (s == NULL)
		fatal("no memory for a view");
	view_append(b, s, len);
	json_object_put(o);
}

void
view_add_text(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value));
}

void
view_add_time(struct json_object *o, const char *key, int64_t ms)
{
	char time[32];

	registry_rfc3339(ms, time, sizeof(time));
	json_object_object_add(o, key, time[0] == '\0' ? NULL :
	    json_object_new_string(time));
}

/* --- services --- */

/* main_id: NULL for a home's own view. */
static struct json_object *
node_address(const char *node, const char *main_id)
{
	struct json_object *o = json_object_new_object();

	view_add_text(o, "type", "home");
	view_add_text(o, "id", node);
	if (main_id != NULL)
		view_add_text(o, "main_relay", main_id);
	return (o);
}

static struct json_object *
methods_of(struct registry *r, int64_t service)
{
	struct json_object *list = json_object_new_array();
	int row;

	row = registry_run(r, DB_LIST_METHODS, "i", service);
	while (row == 1) {
		json_object_array_add(list, json_object_new_string(
		    db_text(r->db, DB_LIST_METHODS, 0)));
		row = registry_check(r, db_next(r->db, DB_LIST_METHODS));
	}
	db_done(r->db, DB_LIST_METHODS);
	return (list);
}

/* The present row of LIST_SERVICES as ServiceInfo. */
static struct json_object *
service_info(struct registry *r, struct when now)
{
	struct json_object *o = json_object_new_object();

	view_add_text(o, "service_name", db_text(r->db, DB_LIST_SERVICES, 1));
	json_object_object_add(o, "node_address", node_address(
	    db_text(r->db, DB_LIST_SERVICES, 3),
	    r->role == ROLE_MAIN ? r->node_id : NULL));
	json_object_object_add(o, "methods", methods_of(r,
	    db_int(r->db, DB_LIST_SERVICES, 0)));
	/* A home is always seen by itself. */
	view_add_time(o, "last_seen", r->role == ROLE_HOME ? now.wall_ms :
	    db_int(r->db, DB_LIST_SERVICES, 4));
	json_object_object_add(o, "is_healthy", json_object_new_boolean(
	    db_int(r->db, DB_LIST_SERVICES, 5) != 0));
	view_add_text(o, "version", db_text(r->db, DB_LIST_SERVICES, 2));
	view_add_text(o, "scope", "local");
	return (o);
}

/* Services, joined by commas. */
struct list {
	struct view_body body;
	size_t		 n;
	struct when	 now;
};

static void
list_add(struct list *l, struct json_object *o)
{
	if (l->n++ > 0)
		view_append(&l->body, ",", 1);
	view_append_json(&l->body, o);
}

static void
list_local(struct registry *r, struct list *l)
{
	int row;

	row = registry_run(r, DB_LIST_SERVICES, "i",
	    (int64_t)(r->role == ROLE_HOME));
	while (row == 1 && !l->body.full) {
		list_add(l, service_info(r, l->now));
		row = registry_check(r, db_next(r->db, DB_LIST_SERVICES));
	}
	db_done(r->db, DB_LIST_SERVICES);
}

/* --- services of other Mains --- */

static struct json_object *
method_names(const struct service *s)
{
	struct json_object *list = json_object_new_array();
	size_t i;

	for (i = 0; i < s->n_methods; i++)
		json_object_array_add(list,
		    json_object_new_string(s->methods[i].name));
	return (list);
}

/* The wall clock's time of a moment that is past. */
static int64_t
wall_of(struct monotime then, struct when now)
{
	return (now.wall_ms - monotime_diff_ms(now.mono, then));
}

static struct json_object *
federated_info(const struct mesh_view *v, const struct service *s,
    struct when now)
{
	struct json_object *o = json_object_new_object();

	view_add_text(o, "service_name", s->name);
	json_object_object_add(o, "node_address", node_address(v->node,
	    v->main_id));
	json_object_object_add(o, "methods", method_names(s));
	view_add_time(o, "last_seen", wall_of(v->heard, now));
	json_object_object_add(o, "is_healthy",
	    json_object_new_boolean(s->healthy && !v->stale));
	view_add_text(o, "version", s->version);
	view_add_text(o, "scope", "federated");
	if (v->stale)
		view_add_time(o, "stale_since", wall_of(v->stale_since, now));
	return (o);
}

static bool
list_federated(void *arg, const struct mesh_view *v)
{
	struct list *l = arg;
	uint16_t i;

	for (i = 0; i < v->n; i++)
		list_add(l, federated_info(v, &v->services[i], l->now));
	return (!l->body.full);
}

static void
view_services(struct registry *r, bool federated, struct view_body *body,
    struct when now)
{
	struct list l = { .now = now };
	char head[LIMIT_NODE_ID + 96];
	int len;

	list_local(r, &l);
	if (federated)
		mesh_each(r->mesh, list_federated, &l);
	/* A node id needs no escapes. */
	len = snprintf(head, sizeof(head),
	    "{\"node_id\":\"%s\",\"count\":%zu,\"services\":[", r->node_id,
	    l.n);
	view_append(body, head, (size_t)len);
	if (l.body.p != NULL)
		view_append(body, l.body.p, l.body.len);
	view_append(body, "]}", 2);
	body->full |= l.body.full;
	free(l.body.p);
}

/* --- requests --- */

void
view_answer_error(struct registry *r, uint64_t request, uint16_t status,
    const char *text)
{
	struct json_object *o = json_object_new_object();
	struct reply *reply = registry_say(r, MSG_VIEW_REPLY, request);
	struct view_body body = { 0 };

	view_add_text(o, "error", text);
	view_append_json(&body, o);
	reply_set_body(reply, body.p, body.len);
	reply->status = status;
	free(body.p);
}

static bool
is_there(const struct registry *r, unsigned int route)
{
	switch (route) {
	case HTTP_ROUTE_SERVICES:
		return (r->role == ROLE_HOME);
	case HTTP_ROUTE_REGISTRY:
	case HTTP_ROUTE_FEDERATION_REGISTRY:
	case HTTP_ROUTE_FEDERATION_PEERS:
	case HTTP_ROUTE_FEDERATION_HEALTH:
		return (r->role == ROLE_MAIN);
	default:
		return (false);
	}
}

static void
write_view(struct registry *r, const struct view_request *q,
    struct view_body *body, struct when now)
{
	if (q->route == HTTP_ROUTE_FEDERATION_PEERS)
		view_of_peers(r, body, now);
	else if (q->route == HTTP_ROUTE_FEDERATION_HEALTH)
		view_of_health(r, q, body, now);
	else
		view_services(r, q->route == HTTP_ROUTE_FEDERATION_REGISTRY,
		    body, now);
}

/* Build the view into its cache; false if it is too large. */
static bool
build(struct registry *r, const struct view_request *q, struct when now)
{
	struct view_cache *cache = &r->cache[q->route];
	struct view_body body = { 0 };

	write_view(r, q, &body, now);
	if (body.full) {
		free(body.p);
		return (false);
	}
	free(cache->body);
	*cache = (struct view_cache){ body.p, body.len, now.mono,
	    q->draining };
	return (true);
}

void
registry_view(struct registry *r, const struct view_request *q,
    struct when now)
{
	struct view_cache *cache = &r->cache[q->route];
	struct reply *reply;

	if (!is_there(r, q->route)) {
		view_answer_error(r, q->request, 404, r->role == ROLE_MAIN ?
		    "a Main has no such view" : "a home has no such view");
		return;
	}
	if ((cache->body == NULL || cache->draining != q->draining ||
	    monotime_diff_ms(now.mono, cache->made) >= CACHE_MS) &&
	    !build(r, q, now)) {
		log_err("a view is over %u bytes", LIMIT_VIEW_BODY);
		view_answer_error(r, q->request, 500, "the view is too large");
		return;
	}
	reply = registry_say(r, MSG_VIEW_REPLY, q->request);
	reply_set_body(reply, cache->body, cache->len);
	reply->status = 200;
}
