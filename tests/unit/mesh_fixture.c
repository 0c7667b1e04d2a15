/* SPDX-License-Identifier: ISC */
/* See mesh_fixture.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/mesh_fixture_impl.h"

#define SECONDS		100	/* longer than two digests */
#define ROW_MIN		5	/* bytes of a row in PEER_ROWS */
#define METHODS_LONG	200	/* of a service: about 24 KiB */

void
must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

void *
world_alloc(size_t size)
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

void
world_free(struct world *w)
{
	size_t i, j;

	for (i = 0; i < w->n; i++) {
		mesh_free(w->mains[i].mesh);
		world_drop_routes(&w->mains[i], NULL, true);
		for (j = 0; j < w->n; j++)
			drop_queue(&w->mains[i].to[j]);
	}
}

/* --- own homes --- */

/* Of a variant, each with as long a name as there may be. */
static void
methods(struct service *s, int variant, uint16_t n)
{
	free(s->methods);
	s->methods = world_alloc(n * sizeof(*s->methods));
	for (s->n_methods = 0; s->n_methods < n; s->n_methods++)
		snprintf(s->methods[s->n_methods].name, LIMIT_METHOD_NAME + 1,
		    "m%d.%0*d", variant, n > 1 ? LIMIT_METHOD_NAME - 10 : 1,
		    s->n_methods);
}

struct service *
world_services(int variant, uint16_t *n)
{
	struct service *list;
	uint16_t i;

	*n = (uint16_t)(variant % 4 + 1);
	list = world_alloc(*n * sizeof(*list));
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
	methods(&list[0], variant, 1);
	for (i = 0; i < *n && variant >= WORLD_LONG; i++)
		methods(&list[i], variant, METHODS_LONG);
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

/* --- links --- */

/* A router does not take what it knows of a Main for what is there now. */
static void
doubt(struct world_main *a, const char *main_id)
{
	struct world_route *r;

	for (r = a->routes; r != NULL; r = r->next)
		r->fresh &= strcmp(r->main_id, main_id) != 0;
}

void
world_link(struct world *w, size_t a, size_t b)
{
	struct world_edge *ab = &w->mains[a].to[b], *ba = &w->mains[b].to[a];

	/* A new link in the place of one that is there: a takeover. */
	drop_queue(ab);
	drop_queue(ba);
	*ab = (struct world_edge){ .session = ++w->last_id };
	*ba = (struct world_edge){ .session = ++w->last_id };
	doubt(&w->mains[a], w->mains[b].id);
	doubt(&w->mains[b], w->mains[a].id);
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
	world_drop_routes(main, NULL, true);
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
			world_drop_routes(main, w->mains[b].id, true);
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
	row.services = list = world_alloc((row.n + 1U) * sizeof(*list));
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
	if (why != NULL)
		world_unlink(w, a, b);
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
