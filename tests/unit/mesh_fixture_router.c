/* SPDX-License-Identifier: ISC */
/*
 * The router's side of what a mesh says, see mesh_fixture.h: its table, and
 * what goes out to other Mains, in which nothing may be that policy denies.
 */
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "tests/unit/mesh_fixture_impl.h"

#define DELTA		2	/* op of PEER_ROWS */

static const uint8_t	no_key[HASH_KEY_LEN];
static uint8_t		out[4U << 20];

void
world_drop_routes(struct world_main *a, const char *main_id, bool all)
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

/* --- what a router takes for what is there must be that --- */

struct fresh {
	const char	*main_id;
	const char	*node;		/* or NULL: all */
};

static bool
must_be_fresh(void *arg, const struct mesh_view *view)
{
	const struct fresh *f = arg;

	must(strcmp(view->main_id, f->main_id) != 0 || !view->stale ||
	    (f->node != NULL && strcmp(view->node, f->node) != 0),
	    "what is stale is told as if it were not");
	return (true);
}

/* Routes of a Main are told over a link, one or all. */
static void
confirm(struct world_main *a, const char *main_id, const char *node)
{
	struct fresh f = { main_id, node };
	struct world_route *r;

	/* "main0" */
	if (a->to[main_id[4] - '0'].session != 0)
		mesh_each(a->mesh, must_be_fresh, &f);
	for (r = a->routes; r != NULL; r = r->next) {
		if (strcmp(r->main_id, main_id) == 0 &&
		    (node == NULL || strcmp(r->node, node) == 0))
			r->fresh = true;
	}
}

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

	canonical = world_alloc((size_t)(get->end - start));
	wire_put_init(&put, canonical, (size_t)(get->end - start));
	put_span(&put, node);
	(void)get_u16(get);
	left = (size_t)(get->end - get->p);
	put_raw(&put, get->p, left);
	must(!put.bad && !get->bad, "a route that cannot be read");
	if (*rp == NULL) {
		*rp = world_alloc(sizeof(**rp));
		(void)span_copy(main_id, (*rp)->main_id, LIMIT_NODE_ID + 1);
		(void)span_copy(node, (*rp)->node, LIMIT_NODE_ID + 1);
	}
	(*rp)->unset = false;
	(*rp)->hash = siphash13(no_key, canonical, put.len);
	free(canonical);
	confirm(a, (*rp)->main_id, (*rp)->node);
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
		world_drop_routes(a, main_id, phase == 3);
		confirm(a, main_id, NULL);
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

	msg = world_alloc(sizeof(*msg) + len);
	msg->type = type;
	msg->len = len;
	memcpy(msg->payload, p, len);
	while (*tail != NULL)
		tail = &(*tail)->next;
	*tail = msg;
}

/* --- nothing that policy denies goes out --- */

/* A row to another Main: nothing denied, no end of what it never had. */
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
		check_row(&a->to[b], p->no_export[b], &get);
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
