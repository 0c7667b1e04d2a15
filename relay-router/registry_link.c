/* SPDX-License-Identifier: ISC */

/*
 * The channel to the registry: it has the truth, this process the routes.
 */

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "relay-router/registration.h"
#include "relay-router/router.h"

bool
registry_register(struct router *r, uint64_t session, uint64_t tag,
    const struct service *s, uint16_t n)
{
	struct wire_put	*w;
	uint16_t	 i;

	if (r->registry == NULL)
		return (false);
	w = channel_begin(r->registry, MSG_REGISTER);
	put_u64(w, session);
	put_u64(w, tag);
	put_u16(w, n);
	for (i = 0; i < n; i++)
		put_service(w, &s[i]);
	return (channel_commit(r->registry) == 0);
}

void
registry_register_self(struct router *r)
{
	if (r->conf.role == ROLE_HOME)
		(void)registry_register(r, 0, 0, r->conf.services,
		    r->conf.n_services);
}

/* --- after the registry's return --- */

static void
resume(struct router *r, const struct session *s)
{
	struct wire_put	*w;

	w = channel_begin(r->registry, MSG_SESSION_RESUME);
	put_u64(w, s->id);
	put_u64(w, s->epoch);
	put_u8(w, (uint8_t)s->kind);
	put_u32(w, s->peer_index);
	put_u32(w, s->peer_generation);
	put_str(w, s->node_id);
	put_str(w, s->address);
	(void)channel_commit(r->registry);
}

/* Registers anew the rows this process holds for a session. */
static void
register_again(struct router *r, const struct session *s)
{
	struct route_instance	*i;
	struct service		*rows;
	uint16_t		 n = 0;

	if ((rows = calloc(LIMIT_SERVICES, sizeof(*rows))) == NULL)
		fatal("out of memory");
	TAILQ_FOREACH(i, &s->node->instances, by_node)
		if (n < LIMIT_SERVICES)
			rows[n++] = i->service;
	(void)registry_register(r, s->id, 0, rows, n);
	free(rows);
}

void
registry_up(struct router *r)
{
	struct session	*s;

	/* What nobody can tell it to us again, it does not know either. */
	route_mains_forget_stale(&r->routes);
	TAILQ_FOREACH(s, &r->session_list, list) {
		if (s->kind != SESSION_HOME || !s->up)
			continue;
		resume(r, s);
		register_again(r, s);
		register_resubmit(r, s);
	}
	/* Behind all homes: what peers are told then is the whole of it. */
	TAILQ_FOREACH(s, &r->session_list, list) {
		if (s->kind != SESSION_HOME && s->up)
			resume(r, s);
	}
	registry_register_self(r);
}

/* --- what it says --- */

static struct session *
live_home(struct router *r, uint64_t id)
{
	struct session	*s = session_find(r, id);

	if (s == NULL || !s->up || s->node == NULL) {
		r->stats.stale++;
		return (NULL);
	}
	return (s);
}

void
on_route_set(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router	*r = arg;
	struct service	*rows = NULL;
	struct session	*s;
	uint64_t	 session;
	uint16_t	 i, n;

	(void)ch;
	(void)fd;
	session = get_u64(msg);
	(void)get_span(msg, LIMIT_NODE_ID);
	n = get_count(msg, LIMIT_SERVICES, SERVICE_WIRE_MIN);
	if (n > 0 && (rows = calloc(n, sizeof(*rows))) == NULL)
		fatal("out of memory");
	for (i = 0; i < n; i++)
		get_service(msg, &rows[i]);
	/* This node's own are routed without the registry. */
	if (get_done(msg) && session != 0 &&
	    (s = live_home(r, session)) != NULL)
		route_set(&r->routes, s->node, rows, n);
	for (i = 0; i < n; i++)
		service_clear(&rows[i]);
	free(rows);
}

void
on_route_delete(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router	*r = arg;
	struct session	*s;
	uint64_t	 session;

	(void)ch;
	(void)fd;
	session = get_u64(msg);
	(void)get_span(msg, LIMIT_NODE_ID);
	/* The end of a link has withdrawn its routes long ago. */
	if (get_done(msg) && (s = session_find(r, session)) != NULL &&
	    s->node != NULL)
		route_set(&r->routes, s->node, NULL, 0);
}

void
on_node_state(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router	*r = arg;
	char		 node_id[LIMIT_NODE_ID + 1];
	bool		 known;

	(void)ch;
	(void)fd;
	get_str(msg, node_id, sizeof(node_id));
	known = get_bool(msg);
	if (get_done(msg))
		route_node_known(&r->routes, node_id, known);
}

void
on_registered(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router	*r = arg;
	struct text	 accepted = { 0 }, rejected = { 0 };
	char		 name[LIMIT_SERVICE_NAME + 1];
	char		 version[LIMIT_VERSION + 1];
	char		 rule[256];
	struct session	*s;
	uint64_t	 session, tag;
	uint16_t	 i, n;
	bool		 ok;

	(void)ch;
	(void)fd;
	session = get_u64(msg);
	tag = get_u64(msg);
	n = get_count(msg, LIMIT_SERVICES, 7);
	for (i = 0; i < n && !msg->bad; i++) {
		get_str(msg, name, sizeof(name));
		get_str(msg, version, sizeof(version));
		ok = get_bool(msg);
		get_str(msg, rule, sizeof(rule));
		if (!msg->bad)
			registration_item(ok ? &accepted : &rejected, name,
			    version, ok ? NULL : rule);
	}
	if (get_done(msg) && (s = session_find(r, session)) != NULL)
		register_answer(r, s, tag, text_get(&accepted),
		    text_get(&rejected));
	text_free(&accepted);
	text_free(&rejected);
}
