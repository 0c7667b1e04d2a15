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
#include "relay-registry/policy_impl.h"
#include "relay-registry/view_impl.h"

/* Milliseconds a view is given out again while nothing has changed: only
 * times grow old meanwhile. */
#define CACHE_MS	1000

void
view_forget(struct registry *r)
{
	size_t i;

	for (i = 0; i < VIEW_CACHES; i++) {
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

/* What is listed, and for whom. */
struct list {
	struct registry	*r;
	struct view_body body;
	size_t		 n;
	struct when	 now;
	struct policy_ask ask;		/* the asker's; action 0: everything
					 * may be seen */
};

/* Whether the asker may call that method of the service in question. */
static bool
may_call(struct list *l, const char *method)
{
	const struct policy_rule *rule;

	l->ask.method = span_str(method);
	return (l->ask.action == 0 ||
	    policy_allows(registry_policy(l->r), &l->ask, &rule));
}

/*
 * A service is shown with the methods that may be called; false if it has some
 * and none of them may, or if any goes and none may.
 */
static bool
is_seen(struct list *l, bool any, const struct json_object *methods)
{
	if (l->ask.action == 0)
		return (true);
	return (any ? policy_may_see(registry_policy(l->r), &l->ask) :
	    json_object_array_length(methods) > 0);
}

static void
ask_about(struct list *l, const char *node, const char *main_id,
    const char *service)
{
	l->ask.to_who = WHO_HOME;
	l->ask.to = span_str(node);
	l->ask.to_main = span_str(main_id);
	l->ask.service = span_str(service);
}

/* Those that may be called; *any: the service has none of its own. */
static struct json_object *
methods_of(struct list *l, int64_t service, bool *any)
{
	struct json_object *names = json_object_new_array();
	struct registry *r = l->r;
	int row;

	row = registry_run(r, DB_LIST_METHODS, "i", service);
	*any = row != 1;
	while (row == 1) {
		if (may_call(l, db_text(r->db, DB_LIST_METHODS, 0)))
			json_object_array_add(names, json_object_new_string(
			    db_text(r->db, DB_LIST_METHODS, 0)));
		row = registry_check(r, db_next(r->db, DB_LIST_METHODS));
	}
	db_done(r->db, DB_LIST_METHODS);
	return (names);
}

/* The present row of LIST_SERVICES as ServiceInfo, with its methods. */
static struct json_object *
service_info(struct registry *r, struct json_object *methods, struct when now)
{
	struct json_object *o = json_object_new_object();

	view_add_text(o, "service_name", db_text(r->db, DB_LIST_SERVICES, 1));
	json_object_object_add(o, "node_address", node_address(
	    db_text(r->db, DB_LIST_SERVICES, 3),
	    r->role == ROLE_MAIN ? r->node_id : NULL));
	json_object_object_add(o, "methods", methods);
	/* A home is always seen by itself. */
	view_add_time(o, "last_seen", r->role == ROLE_HOME ? now.wall_ms :
	    db_int(r->db, DB_LIST_SERVICES, 4));
	json_object_object_add(o, "is_healthy", json_object_new_boolean(
	    db_int(r->db, DB_LIST_SERVICES, 5) != 0));
	view_add_text(o, "version", db_text(r->db, DB_LIST_SERVICES, 2));
	view_add_text(o, "scope", "local");
	return (o);
}

static void
list_add(struct list *l, struct json_object *o)
{
	if (l->n++ > 0)
		view_append(&l->body, ",", 1);
	view_append_json(&l->body, o);
}

/* The present row of LIST_SERVICES, if it may be seen. */
static void
list_row(struct registry *r, struct list *l)
{
	struct json_object *methods;
	bool any;

	ask_about(l, db_text(r->db, DB_LIST_SERVICES, 3), "",
	    db_text(r->db, DB_LIST_SERVICES, 1));
	methods = methods_of(l, db_int(r->db, DB_LIST_SERVICES, 0), &any);
	if (is_seen(l, any, methods))
		list_add(l, service_info(r, methods, l->now));
	else
		json_object_put(methods);
}

static void
list_local(struct registry *r, struct list *l)
{
	int row;

	row = registry_run(r, DB_LIST_SERVICES, "i",
	    (int64_t)(r->role == ROLE_HOME));
	while (row == 1 && !l->body.full) {
		list_row(r, l);
		row = registry_check(r, db_next(r->db, DB_LIST_SERVICES));
	}
	db_done(r->db, DB_LIST_SERVICES);
}

/* --- services of other Mains --- */

static struct json_object *
method_names(struct list *l, const struct service *s)
{
	struct json_object *names = json_object_new_array();
	size_t i;

	for (i = 0; i < s->n_methods; i++) {
		if (may_call(l, s->methods[i].name))
			json_object_array_add(names,
			    json_object_new_string(s->methods[i].name));
	}
	return (names);
}

/* The wall clock's time of a moment that is past. */
static int64_t
wall_of(struct monotime then, struct when now)
{
	return (now.wall_ms - monotime_diff_ms(now.mono, then));
}

static struct json_object *
federated_info(const struct mesh_view *v, const struct service *s,
    struct json_object *methods, struct when now)
{
	struct json_object *o = json_object_new_object();

	view_add_text(o, "service_name", s->name);
	json_object_object_add(o, "node_address", node_address(v->node,
	    v->main_id));
	json_object_object_add(o, "methods", methods);
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
	const struct service *s;
	struct json_object *methods;
	uint16_t i;

	for (i = 0; i < v->n; i++) {
		s = &v->services[i];
		ask_about(l, v->node, v->main_id, s->name);
		methods = method_names(l, s);
		if (is_seen(l, s->n_methods == 0, methods))
			list_add(l, federated_info(v, s, methods, l->now));
		else
			json_object_put(methods);
	}
	return (!l->body.full);
}

/* Whether rules say what each caller may see of a view. */
static bool
has_callers(const struct registry *r, unsigned int route)
{
	return (policy_has(registry_policy(r), POLICY_CALL) &&
	    route != HTTP_ROUTE_FEDERATION_PEERS &&
	    route != HTTP_ROUTE_FEDERATION_HEALTH);
}

/* Whether that caller sees more of other Mains than all do. */
static bool
is_admin(struct registry *r, const struct view_request *q)
{
	char token[LIMIT_TOKEN_NAME + 1];

	return (q->caller.len > 0 && span_copy(q->caller, token,
	    sizeof(token)) && registry_is_admin(r, token));
}

static struct policy_ask
asker(const struct registry *r, const struct view_request *q)
{
	if (!has_callers(r, q->route))
		return ((struct policy_ask){ .action = 0 });
	return ((struct policy_ask){ .action = POLICY_CALL,
	    .who = q->caller.len > 0 ? WHO_TOKEN : WHO_ANONYMOUS,
	    .name = q->caller, .main = span_str(""), .method = span_str(""),
	    .self = span_str(r->role == ROLE_MAIN ? r->node_id : "") });
}

static void
view_services(struct registry *r, const struct view_request *q,
    struct view_body *body, struct when now)
{
	struct list l = { .r = r, .now = now, .ask = asker(r, q) };
	char head[LIMIT_NODE_ID + 96];
	int len;

	list_local(r, &l);
	if (q->route == HTTP_ROUTE_FEDERATION_REGISTRY)
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
		view_of_peers(r, is_admin(r, q), body, now);
	else if (q->route == HTTP_ROUTE_FEDERATION_HEALTH)
		view_of_health(r, q, body, now);
	else
		view_services(r, q, body, now);
}

/* --- views that may be given out again --- */

#define CALLER_VIEW	(1U << 20)	/* bytes of a caller's that is kept */

static bool
is_kept(const struct view_cache *c, const struct view_request *q)
{
	return (c->body != NULL && c->route == q->route &&
	    span_eq(q->caller, span_str(c->caller)));
}

/* The place of a caller's view: that it has, an empty one or the oldest. */
static struct view_cache *
place_of_caller(struct registry *r, const struct view_request *q)
{
	struct view_cache *c, *place = NULL;

	for (c = r->cache + HTTP_ROUTE_MAX; c < r->cache + VIEW_CACHES; c++) {
		if (is_kept(c, q))
			return (c);
		if (place == NULL || (place->body != NULL &&
		    (c->body == NULL || monotime_diff_ms(c->made,
		    place->made) < 0)))
			place = c;
	}
	return (place);
}

static struct view_cache *
place_of(struct registry *r, const struct view_request *q)
{
	bool own = q->route == HTTP_ROUTE_FEDERATION_PEERS ? is_admin(r, q) :
	    q->caller.len > 0 && has_callers(r, q->route);

	return (own ? place_of_caller(r, q) : &r->cache[q->route]);
}

/* Build the view into its place; false if it is too large. */
static bool
build(struct registry *r, const struct view_request *q,
    struct view_cache *cache, struct when now)
{
	struct view_body body = { 0 };

	write_view(r, q, &body, now);
	if (body.full) {
		free(body.p);
		return (false);
	}
	free(cache->body);
	*cache = (struct view_cache){ .body = body.p, .len = body.len,
	    .made = now.mono, .draining = q->draining, .route = q->route };
	if (cache >= r->cache + HTTP_ROUTE_MAX)
		(void)span_copy(q->caller, cache->caller,
		    sizeof(cache->caller));
	return (true);
}

/* It is not kept for the next one who asks. */
static void
let_go(struct view_cache *cache)
{
	free(cache->body);
	cache->body = NULL;
}

static bool
is_fresh(const struct registry *r, const struct view_request *q,
    const struct view_cache *cache, struct when now)
{
	return (cache->body != NULL && cache->draining == q->draining &&
	    monotime_diff_ms(now.mono, cache->made) < CACHE_MS &&
	    (cache < r->cache + HTTP_ROUTE_MAX || is_kept(cache, q)));
}

void
registry_view(struct registry *r, const struct view_request *q,
    struct when now)
{
	struct view_cache *cache;
	struct reply *reply;

	if (!is_there(r, q->route)) {
		view_answer_error(r, q->request, 404, r->role == ROLE_MAIN ?
		    "a Main has no such view" : "a home has no such view");
		return;
	}
	cache = place_of(r, q);
	if (!is_fresh(r, q, cache, now) && !build(r, q, cache, now)) {
		log_err("a view is over %u bytes", LIMIT_VIEW_BODY);
		view_answer_error(r, q->request, 500, "the view is too large");
		return;
	}
	reply = registry_say(r, MSG_VIEW_REPLY, q->request);
	reply_set_body(reply, cache->body, cache->len);
	reply->status = 200;
	if (cache >= r->cache + HTTP_ROUTE_MAX && cache->len > CALLER_VIEW)
		let_go(cache);
}
