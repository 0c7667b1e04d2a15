/* SPDX-License-Identifier: ISC */
/*
 * The registry views of HTTP (PROTOCOL.md section 7), with SEED.md's
 * ServiceInfo: GET /registry on a Main, GET /services on a home.
 */
#include <json-c/json.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "relay-registry/registry_impl.h"

/* Milliseconds a view of unchanged services is given out again: only its
 * last_seen grows old meanwhile. */
#define CACHE_MS	1000

/* Text that grows up to a limit. */
struct body {
	char	*p;
	size_t	 len;
	size_t	 size;
	bool	 full;
};

void
view_forget(struct registry *r)
{
	free(r->cache.body);
	r->cache.body = NULL;
}

static void
append(struct body *b, const char *s, size_t len)
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

static void
append_json(struct body *b, struct json_object *o)
{
	const char *s;
	size_t len;

	s = json_object_to_json_string_length(o,
	    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &len);
	if (s == NULL)
		fatal("no memory for a view");
	append(b, s, len);
	json_object_put(o);
}

static void
add_text(struct json_object *o, const char *key, const char *value)
{
	json_object_object_add(o, key, json_object_new_string(value));
}

static struct json_object *
node_address(const struct registry *r, const char *node)
{
	struct json_object *o = json_object_new_object();

	add_text(o, "type", "home");
	add_text(o, "id", node);
	if (r->role == ROLE_MAIN)
		add_text(o, "main_relay", r->node_id);
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
	int64_t seen = db_int(r->db, DB_LIST_SERVICES, 4);
	char time[32];

	/* A home is always seen by itself. */
	registry_rfc3339(r->role == ROLE_HOME ? now.wall_ms : seen, time,
	    sizeof(time));
	add_text(o, "service_name", db_text(r->db, DB_LIST_SERVICES, 1));
	json_object_object_add(o, "node_address", node_address(r,
	    db_text(r->db, DB_LIST_SERVICES, 3)));
	json_object_object_add(o, "methods", methods_of(r,
	    db_int(r->db, DB_LIST_SERVICES, 0)));
	add_text(o, "last_seen", time);
	json_object_object_add(o, "is_healthy", json_object_new_boolean(
	    db_int(r->db, DB_LIST_SERVICES, 5) != 0));
	add_text(o, "version", db_text(r->db, DB_LIST_SERVICES, 2));
	add_text(o, "scope", "local");
	return (o);
}

/* All services, joined by commas; returns how many. */
static size_t
append_services(struct registry *r, struct body *b, struct when now)
{
	size_t n = 0;
	int row;

	row = registry_run(r, DB_LIST_SERVICES, "i",
	    (int64_t)(r->role == ROLE_HOME));
	while (row == 1 && !b->full) {
		if (n++ > 0)
			append(b, ",", 1);
		append_json(b, service_info(r, now));
		row = registry_check(r, db_next(r->db, DB_LIST_SERVICES));
	}
	db_done(r->db, DB_LIST_SERVICES);
	return (n);
}

/* Build the view into the cache; false if it is too large. */
static bool
build(struct registry *r, struct when now)
{
	struct body services = { 0 }, all = { 0 };
	char head[LIMIT_NODE_ID + 96];
	size_t n;
	int len;

	n = append_services(r, &services, now);
	/* A node id needs no escapes. */
	len = snprintf(head, sizeof(head),
	    "{\"node_id\":\"%s\",\"count\":%zu,\"services\":[", r->node_id, n);
	append(&all, head, (size_t)len);
	if (services.p != NULL)
		append(&all, services.p, services.len);
	append(&all, "]}", 2);
	if (services.full)
		all.full = true;
	free(services.p);
	if (all.full) {
		free(all.p);
		return (false);
	}
	view_forget(r);
	r->cache.body = all.p;
	r->cache.len = all.len;
	r->cache.made = now.mono;
	return (true);
}

static void
answer(struct reply *reply, uint16_t status, const char *body, size_t len)
{
	reply->status = status;
	if ((reply->body = malloc(len + 1)) == NULL)
		fatal("no memory for a view");
	memcpy(reply->body, body, len);
	reply->body[len] = '\0';
	reply->body_len = len;
}

static void
answer_error(struct reply *reply, uint16_t status, const char *what)
{
	char body[128];
	int len;

	len = snprintf(body, sizeof(body), "{\"error\":\"%s\"}", what);
	answer(reply, status, body, (size_t)len);
}

void
registry_view(struct registry *r, uint64_t request, unsigned int route,
    struct when now)
{
	struct reply *reply = registry_say(r, MSG_VIEW_REPLY, request);

	if (route != (r->role == ROLE_MAIN ? HTTP_ROUTE_REGISTRY :
	    HTTP_ROUTE_SERVICES)) {
		answer_error(reply, 404, r->role == ROLE_MAIN ?
		    "a Main has no such view" : "a home has no such view");
		return;
	}
	if (r->cache.body != NULL &&
	    monotime_diff_ms(now.mono, r->cache.made) < CACHE_MS) {
		answer(reply, 200, r->cache.body, r->cache.len);
		return;
	}
	if (!build(r, now)) {
		log_err("the registry view is over %u bytes", LIMIT_VIEW_BODY);
		answer_error(reply, 500, "the view is too large");
		return;
	}
	answer(reply, 200, r->cache.body, r->cache.len);
}
