/* SPDX-License-Identifier: ISC */
/* See mesh_fixture.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "tests/unit/mesh_fixture.h"

#define SECONDS		100	/* longer than two digests */
#define ROW_MIN		5	/* bytes of a row in PEER_ROWS */
#define DELTA		2	/* op of PEER_ROWS */

static const uint8_t	no_key[HASH_KEY_LEN];
static uint8_t		out[4U << 20];

static void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void *
alloc(size_t size)
{
	void *p = calloc(1, size);

	must(p != NULL, "no memory");
	return (p);
}

void
world_init(struct world *w, size_t n, const struct mesh_limits *limits)
{
	size_t i;

	memset(w, 0, sizeof(*w));
	w->n = n;
	w->limits = *limits;
	w->now.ms = 1000;
	for (i = 0; i < n; i++) {
		snprintf(w->mains[i].id, sizeof(w->mains[i].id), "main%zu", i);
		w->mains[i].mesh = mesh_new(++w->last_id, &w->limits);
		mesh_router_up(w->mains[i].mesh);
	}
}

static void
drop_queue(struct world_edge *e)
{
	struct world_msg *msg;

	while ((msg = e->queue) != NULL) {
		e->queue = msg->next;
		free(msg);
	}
}

static void
drop_routes(struct world_main *a, const char *main_id, bool all)
{
	struct world_route **rp = &a->routes, *r;

	while ((r = *rp) != NULL) {
		if ((main_id == NULL || strcmp(r->main_id, main_id) == 0) &&
		    (all || r->unset)) {
			*rp = r->next;
			free(r);
		} else
			rp = &r->next;
	}
}

void
world_free(struct world *w)
{
	size_t i, j;

	for (i = 0; i < w->n; i++) {
		mesh_free(w->mains[i].mesh);
		drop_routes(&w->mains[i], NULL, true);
		for (j = 0; j < w->n; j++)
			drop_queue(&w->mains[i].to[j]);
	}
}

/* --- own homes --- */

struct service *
world_services(int variant, uint16_t *n)
{
	struct service *list;
	uint16_t i;

	*n = (uint16_t)(variant % 4 + 1);
	list = alloc(*n * sizeof(*list));
	for (i = 0; i < *n; i++) {
		service_init(&list[i]);
		snprintf(list[i].name, sizeof(list[i].name), "s%d",
		    (variant + 3 * i) % 7);
		snprintf(list[i].version, sizeof(list[i].version), "%d.0.0",
		    i);
		list[i].weight = (uint32_t)variant % LIMIT_WEIGHT + 1;
		list[i].healthy = variant % 3 != 0;
		if (i == 1 || variant % 7 == 0)
			list[i].visibility = VISIBILITY_MAIN;
	}
	list[0].n_methods = 1;
	list[0].methods = alloc(sizeof(*list[0].methods));
	snprintf(list[0].methods[0].name, LIMIT_METHOD_NAME, "m%d", variant);
	return (list);
}

void
world_services_free(struct service *list, uint16_t n)
{
	while (n > 0)
		service_clear(&list[--n]);
	free(list);
}

static void
tell_own(struct world_main *a, size_t home)
{
	struct service *list;
	char node[8];
	uint16_t n;

	snprintf(node, sizeof(node), "n%zu", home);
	if (a->own[home] == 0) {
		mesh_own_delete(a->mesh, node);
		return;
	}
	list = world_services(a->own[home], &n);
	mesh_own_set(a->mesh, node, list, n);
	world_services_free(list, n);
}

void
world_own(struct world *w, size_t a, size_t home, int variant)
{
	w->mains[a].own[home] = variant;
	tell_own(&w->mains[a], home);
}

/*
 * The hash that others must have of a home of which they do not have some
 * services, or 0 if they must not know it.
 */
static uint64_t
truth(int variant, const char *node, uint8_t denied)
{
	struct service *list;
	uint16_t i, k, n;
	uint64_t hash;

	if (variant % 7 == 0)
		return (0);
	list = world_services(variant, &n);
	for (i = k = 0; i < n; i++) {
		if (list[i].visibility == VISIBILITY_FEDERATION &&
		    !(denied >> (list[i].name[1] - '0') & 1))
			list[k++] = list[i];
		else
			service_clear(&list[i]);
	}
	hash = k == 0 ? 0 : mesh_row_hash(node, list, k);
	world_services_free(list, k);
	return (hash);
}

/* --- policy --- */

/* "main0" and "s3"; whoever sends any bytes has services of other names. */
static bool
allowed(const uint8_t *denied, const char *main_id, const char *service)
{
	size_t i = (size_t)(main_id[4] - '0');

	must(strncmp(main_id, "main", 4) == 0 && i < WORLD_MAINS,
	    "policy is asked of another Main");
	return (service[0] != 's' || service[1] < '0' || service[1] > '6' ||
	    !(denied[i] >> (service[1] - '0') & 1));
}

static bool
may_export(const void *arg, const char *main_id, const char *service)
{
	const struct world_policy *p = arg;

	return (allowed(p->no_export, main_id, service));
}

static bool
may_import(const void *arg, const char *main_id, const char *service)
{
	const struct world_policy *p = arg;

	return (allowed(p->no_import, main_id, service));
}

static bool
denies(const uint8_t *denied)
{
	static const uint8_t nothing[WORLD_MAINS];

	return (memcmp(denied, nothing, sizeof(nothing)) != 0);
}

/* What is in force, to the mesh: without rules it is not asked. */
static void
set_policy(struct world_main *a)
{
	const struct world_policy *p = &a->policies[a->in_force];
	const struct mesh_policy policy = {
		.may_export = denies(p->no_export) ? may_export : NULL,
		.may_import = denies(p->no_import) ? may_import : NULL,
		.arg = p
	};

	a->filtered = policy.may_export != NULL;
	mesh_set_policy(a->mesh, &policy);
}

void
world_deny(struct world *w, size_t a, size_t b, uint8_t no_export,
    uint8_t no_import)
{
	struct world_main *main = &w->mains[a];
	struct world_policy policy = main->policies[main->in_force];

	policy.no_export[b] = no_export;
	policy.no_import[b] = no_import;
	main->in_force = !main->in_force;
	main->policies[main->in_force] = policy;
	set_policy(main);
}

/* What b must not have of a. */
static uint8_t
denied(const struct world *w, size_t b, size_t a)
{
	const struct world_main *from = &w->mains[a], *to = &w->mains[b];

	return (from->policies[from->in_force].no_export[b] |
	    to->policies[to->in_force].no_import[a]);
}

/* --- links --- */

void
world_link(struct world *w, size_t a, size_t b)
{
	struct world_edge *ab = &w->mains[a].to[b], *ba = &w->mains[b].to[a];

	/* A new link in the place of one that is there: a takeover. */
	drop_queue(ab);
	drop_queue(ba);
	*ab = (struct world_edge){ .session = ++w->last_id };
	*ba = (struct world_edge){ .session = ++w->last_id };
	mesh_link_up(w->mains[a].mesh, ab->session, w->mains[b].id, false,
	    w->now);
	mesh_link_up(w->mains[b].mesh, ba->session, w->mains[a].id, false,
	    w->now);
}

static void
end_edge(struct world *w, size_t a, size_t b)
{
	struct world_edge *e = &w->mains[a].to[b];

	if (e->session != 0)
		mesh_link_down(w->mains[a].mesh, e->session, w->now);
	drop_queue(e);
	*e = (struct world_edge){ 0 };
}

void
world_unlink(struct world *w, size_t a, size_t b)
{
	end_edge(w, a, b);
	end_edge(w, b, a);
}

void
world_new_router(struct world *w, size_t a)
{
	struct world_main *main = &w->mains[a];
	size_t b, home;

	mesh_router_gone(main->mesh, w->now);
	for (b = 0; b < w->n; b++) {
		main->to[b].session = 0;
		world_unlink(w, a, b);
	}
	drop_routes(main, NULL, true);
	mesh_router_up(main->mesh);
	/* The homes come back. */
	for (home = 0; home < WORLD_NODES; home++)
		tell_own(main, home);
}

void
world_new_registry(struct world *w, size_t a)
{
	struct world_main *main = &w->mains[a];
	size_t b, home;

	mesh_free(main->mesh);
	main->mesh = mesh_new(++w->last_id, &w->limits);
	set_policy(main);
	mesh_router_up(main->mesh);
	/* The router forgets on its own the Mains that are not linked. */
	for (b = 0; b < w->n; b++) {
		if (main->to[b].session == 0)
			drop_routes(main, w->mains[b].id, true);
		else
			mesh_link_up(main->mesh, main->to[b].session,
			    w->mains[b].id, true, w->now);
		memset(main->to[b].told, 0, sizeof(main->to[b].told));
	}
	for (home = 0; home < WORLD_NODES; home++)
		tell_own(main, home);
}

void
world_lag(struct world *w, size_t a, size_t b, bool lagging)
{
	struct world_edge *e = &w->mains[a].to[b];

	if (e->lagging && !lagging && e->session != 0)
		mesh_resync(w->mains[a].mesh, e->session);
	e->lagging = lagging;
}

/* --- the router's side of what a mesh says --- */

/* Where that route is, or where it would be put. */
static struct world_route **
route_at(struct world_main *a, struct span main_id, struct span node)
{
	struct world_route **rp = &a->routes;

	while (*rp != NULL && (!span_eq(span_str((*rp)->main_id), main_id) ||
	    !span_eq(span_str((*rp)->node), node)))
		rp = &(*rp)->next;
	return (rp);
}

static void
route_set(struct world_main *a, struct wire_get *get)
{
	struct span main_id = get_span(get, LIMIT_NODE_ID);
	const uint8_t *start = get->p;
	struct span node = get_span(get, LIMIT_NODE_ID);
	struct world_route **rp = route_at(a, main_id, node);
	struct wire_put put;
	uint8_t *canonical;
	size_t left;

	canonical = alloc((size_t)(get->end - start));
	wire_put_init(&put, canonical, (size_t)(get->end - start));
	put_span(&put, node);
	(void)get_u16(get);
	left = (size_t)(get->end - get->p);
	put_raw(&put, get->p, left);
	must(!put.bad && !get->bad, "a route that cannot be read");
	if (*rp == NULL) {
		*rp = alloc(sizeof(**rp));
		(void)span_copy(main_id, (*rp)->main_id, LIMIT_NODE_ID + 1);
		(void)span_copy(node, (*rp)->node, LIMIT_NODE_ID + 1);
	}
	(*rp)->unset = false;
	(*rp)->hash = siphash13(no_key, canonical, put.len);
	free(canonical);
}

static void
route_delete(struct world_main *a, struct wire_get *get)
{
	struct span main_id = get_span(get, LIMIT_NODE_ID);
	struct span node = get_span(get, LIMIT_NODE_ID);
	struct world_route **rp = route_at(a, main_id, node), *r = *rp;

	must(get_done(get), "a route to delete that cannot be read");
	must(r != NULL, "a route to delete that the router never had");
	*rp = r->next;
	free(r);
}

static void
route_phase(struct world_main *a, struct wire_get *get)
{
	char main_id[LIMIT_NODE_ID + 1];
	struct world_route *r;
	uint8_t phase;

	get_str(get, main_id, sizeof(main_id));
	phase = get_u8(get);
	must(get_done(get) && phase >= 1 && phase <= 3, "a bad phase");
	if (phase != 1) {
		drop_routes(a, main_id, phase == 3);
		return;
	}
	for (r = a->routes; r != NULL; r = r->next) {
		if (strcmp(r->main_id, main_id) == 0)
			r->unset = true;
	}
}

static void
enqueue(struct world_edge *e, enum msg_type type, const uint8_t *p, size_t len)
{
	struct world_msg **tail = &e->queue, *msg;

	msg = alloc(sizeof(*msg) + len);
	msg->type = type;
	msg->len = len;
	memcpy(msg->payload, p, len);
	while (*tail != NULL)
		tail = &(*tail)->next;
	*tail = msg;
}

/* --- nothing that policy denies goes out --- */

/* A row to b, which is not to know what is denied, nor of homes it never had. */
static void
check_row(struct world_edge *e, uint8_t no_export, struct wire_get *get)
{
	char node[LIMIT_NODE_ID + 1];
	struct service s;
	size_t home;
	uint16_t n;
	bool deleted;

	get_str(get, node, sizeof(node));
	home = (size_t)strtoul(node + 1, NULL, 10);
	deleted = get_bool(get);
	must(home < WORLD_NODES && (!deleted || e->told[home]),
	    "the end of a home that nobody was told of");
	n = get_count(get, LIMIT_SERVICES, SERVICE_WIRE_MIN);
	must(deleted == (n == 0), "a home without services");
	e->told[home] = !deleted;
	for (; n > 0; n--) {
		get_service(get, &s);
		must(!(no_export >> (s.name[1] - '0') & 1),
		    "a service that must not be told");
		service_clear(&s);
	}
}

static void
check_rows(struct world_main *a, size_t b, size_t len)
{
	const struct world_policy *p = &a->policies[a->in_force];
	struct wire_get get;
	uint16_t n;

	wire_get_init(&get, out, len);
	must(get_u64(&get) != 0 || !a->filtered, "rows for everybody");
	(void)get_u8(&get);
	(void)get_u64(&get);
	(void)get_u64(&get);
	(void)get_u32(&get);
	(void)get_bool(&get);
	for (n = get_u16(&get); n > 0 && a->filtered; n--)
		check_row(&a->to[b], p->no_export[b],
		    &get);
	/* What goes to everybody may be of homes it did not have. */
	if (!a->filtered)
		memset(a->to[b].told, 1, sizeof(a->to[b].told));
}

/* To the session in it, or to all; deltas not to those that are lagging. */
static void
forward(struct world *w, struct world_main *a, enum msg_type type, size_t len)
{
	struct wire_get get;
	uint64_t session;
	size_t b;

	wire_get_init(&get, out, len);
	session = get_u64(&get);
	for (b = 0; b < w->n; b++) {
		if (a->to[b].session == 0 ||
		    (session != 0 && session != a->to[b].session))
			continue;
		if (type == MSG_PEER_ROWS)
			check_rows(a, b, len);
		if (type != MSG_PEER_ROWS || out[8] != DELTA ||
		    !a->to[b].lagging)
			enqueue(&a->to[b], type, out, len);
	}
}

static void
take_out(struct world *w, struct world_main *a, enum msg_type type, size_t len)
{
	struct wire_get get;

	wire_get_init(&get, out, len);
	switch (type) {
	case MSG_PEER_ROUTE_SET:
		route_set(a, &get);
		break;
	case MSG_PEER_ROUTE_DELETE:
		route_delete(a, &get);
		break;
	case MSG_PEER_ROUTES:
		route_phase(a, &get);
		break;
	case MSG_PEER_ROWS:
	case MSG_PEER_DIGEST:
	case MSG_PEER_RESYNC:
		forward(w, a, type, len);
		break;
	default:
		must(type == MSG_PEER_ANSWER || type == MSG_PEER_BARRIER,
		    "a message that is not a mesh's");
	}
}

size_t
world_pull(struct world *w, size_t a, size_t max)
{
	struct wire_put put;
	enum msg_type type;
	size_t n;

	for (n = 0; n < max; n++) {
		wire_put_init(&put, out, sizeof(out));
		if (!mesh_next(w->mains[a].mesh, &type, &put, w->now)) {
			must(put.len == 0, "bytes of no message");
			break;
		}
		must(!put.bad && msg_check(type, PROC_REGISTRY, PROC_ROUTER,
		    PHASE_RUN, (uint32_t)put.len, false) == NULL,
		    "a message the table does not know");
		w->mains[a].told[type]++;
		take_out(w, &w->mains[a], type, put.len);
	}
	return (n);
}

/* --- delivery --- */

static const char *
feed_row(struct world *w, struct mesh *m, uint64_t session,
    struct wire_get *get)
{
	struct mesh_row_in row = { .node = get_span(get, LIMIT_NODE_ID) };
	struct service *list;
	const char *why = NULL;
	uint16_t i;

	row.deleted = get_bool(get);
	row.n = get_count(get, LIMIT_SERVICES, SERVICE_WIRE_MIN);
	row.services = list = alloc((row.n + 1U) * sizeof(*list));
	for (i = 0; i < row.n; i++)
		get_service(get, &list[i]);
	if (!get->bad)
		why = mesh_rows_row(m, session, &row, w->now);
	world_services_free(list, row.n);
	return (why);
}

static const char *
feed_rows(struct world *w, struct mesh *m, uint64_t session,
    struct wire_get *get)
{
	uint8_t op = get_u8(get);
	uint64_t epoch = get_u64(get), seq = get_u64(get);
	uint32_t part = get_u32(get);
	bool last = get_bool(get);
	uint16_t i, n = get_count(get, UINT16_MAX, ROW_MIN);
	const char *why;

	if (get->bad)
		return (NULL);
	why = mesh_rows_begin(m, session, op, epoch, seq, part, w->now);
	for (i = 0; i < n && why == NULL && !get->bad; i++)
		why = feed_row(w, m, session, get);
	if (why == NULL)
		why = mesh_rows_end(m, session, last && !get->bad, w->now);
	return (why);
}

/* From a to b; a link ends when b says so. */
static void
feed(struct world *w, size_t a, size_t b, enum msg_type type,
    struct wire_get *get)
{
	struct mesh *m = w->mains[b].mesh;
	uint64_t session = w->mains[b].to[a].session, epoch, seq;
	const char *why = NULL;
	uint32_t nodes;

	(void)get_u64(get);
	if (type == MSG_PEER_ROWS)
		why = feed_rows(w, m, session, get);
	else if (type == MSG_PEER_DIGEST) {
		epoch = get_u64(get);
		seq = get_u64(get);
		nodes = get_u32(get);
		mesh_digest(m, session, epoch, seq, nodes, get_u64(get),
		    w->now);
	} else
		mesh_resync(m, session);
	if (why != NULL) {
		w->violation = why;
		world_unlink(w, a, b);
	}
}

/* A part of a snapshot makes room for the next once it is on its way. */
static bool
is_part(const struct world_msg *msg)
{
	return (msg->type == MSG_PEER_ROWS && msg->payload[8] == 1);
}

size_t
world_deliver(struct world *w, size_t a, size_t b, size_t max)
{
	struct world_edge *e = &w->mains[a].to[b];
	struct world_msg *msg;
	struct wire_get get;
	size_t n;

	for (n = 0; n < max && (msg = e->queue) != NULL; n++) {
		e->queue = msg->next;
		if (is_part(msg))
			mesh_more(w->mains[a].mesh, e->session);
		wire_get_init(&get, msg->payload, msg->len);
		feed(w, a, b, msg->type, &get);
		free(msg);
	}
	return (n);
}

bool
world_lose(struct world *w, size_t a, size_t b)
{
	struct world_edge *e = &w->mains[a].to[b];
	struct world_msg *msg = e->queue;

	if (msg == NULL)
		return (false);
	e->queue = msg->next;
	free(msg);
	return (true);
}

void
world_rows(struct world *w, size_t a, size_t b, const uint8_t *p, size_t len)
{
	struct wire_get get;

	if (w->mains[a].to[b].session == 0)
		return;
	wire_get_init(&get, p, len);
	feed(w, b, a, MSG_PEER_ROWS, &get);
}

void
world_run(struct world *w)
{
	size_t a, b, n;

	do {
		n = 0;
		for (a = 0; a < w->n; a++) {
			n += world_pull(w, a, SIZE_MAX);
			for (b = 0; b < w->n; b++)
				n += world_deliver(w, a, b, SIZE_MAX);
		}
	} while (n > 0);
}

void
world_settle(struct world *w)
{
	size_t a, b, i;

	for (a = 0; a < w->n; a++) {
		for (b = 0; b < w->n; b++)
			world_lag(w, a, b, false);
	}
	for (i = 0; i < SECONDS; i++) {
		for (a = 0; a < w->n; a++)
			mesh_tick(w->mains[a].mesh, w->now);
		world_run(w);
		w->now.ms += 1000;
	}
}

/* --- what must hold --- */

struct known {
	const char	*main_id;
	const int	*own;
	uint8_t		 denied;
	size_t		 n;
	bool		 linked;
	bool		 right;
};

/* Whether a home is as it is in truth. */
static bool
is_true(const int *own, const char *node, uint8_t without, uint64_t hash)
{
	long home = strtol(node + 1, NULL, 10);

	return (node[0] == 'n' && home >= 0 && home < WORLD_NODES &&
	    own[home] != 0 && hash == truth(own[home], node, without));
}

static bool
know(void *arg, const struct mesh_view *view)
{
	struct known *k = arg;

	if (strcmp(view->main_id, k->main_id) != 0)
		return (true);
	k->n++;
	k->right &= view->stale != k->linked && is_true(k->own, view->node,
	    k->denied, mesh_row_hash(view->node, view->services, view->n));
	return (true);
}

static size_t
count_true(const struct world_main *a, uint8_t without)
{
	size_t home, n = 0;

	for (home = 0; home < WORLD_NODES; home++)
		n += truth(a->own[home], "", without) != 0;
	return (n);
}

/* Routes of a Main, and whether all are as they are in truth. */
static size_t
routes_of(const struct world_main *b, const struct world_main *a,
    uint8_t without, bool *right)
{
	struct world_route *r;
	size_t n = 0;

	for (r = b->routes; r != NULL; r = r->next) {
		if (strcmp(r->main_id, a->id) != 0)
			continue;
		n++;
		*right &= is_true(a->own, r->node, without, r->hash);
	}
	return (n);
}

bool
world_knows(struct world *w, size_t b, size_t a)
{
	struct known k = { .main_id = w->mains[a].id,
	    .own = w->mains[a].own, .denied = denied(w, b, a),
	    .linked = w->mains[b].to[a].session != 0, .right = true };
	size_t n = count_true(&w->mains[a], k.denied);

	mesh_each(w->mains[b].mesh, know, &k);
	return (k.n == n && routes_of(&w->mains[b], &w->mains[a], k.denied,
	    &k.right) == n && k.right);
}

size_t
world_routes(struct world *w, size_t b, size_t a)
{
	bool right = true;

	return (routes_of(&w->mains[b], &w->mains[a], 0, &right));
}

void
world_check(struct world *w)
{
	struct mesh_main main;
	struct mesh_stats stats;
	size_t a, b;

	for (b = 0; b < w->n; b++) {
		mesh_stats(w->mains[b].mesh, &stats);
		must(stats.other_bytes <= 2 * w->n * w->limits.bytes,
		    "more bytes than allowed");
		for (a = 0; a < w->n; a++) {
			(void)mesh_main(w->mains[b].mesh, w->mains[a].id,
			    &main);
			must(main.nodes <= 2 * w->limits.nodes,
			    "more homes than allowed");
			must(w->mains[b].to[a].session == 0 ||
			    (main.synced && world_knows(w, b, a)),
			    "a Main that does not know another");
		}
	}
}
