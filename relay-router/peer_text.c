/* SPDX-License-Identifier: ISC */

/*
 * What peers say of their homes and ask of ours, on its way to the registry;
 * see peer_link.h.
 */

#include <stdlib.h>

#include "common/log.h"
#include "common/name.h"
#include "relay-router/discovery.h"
#include "relay-router/peer_impl.h"

#define CLOSE_POLICY	1008	/* RFC 6455 section 7.4.1 */
#define WINDOW_MS	1000	/* of LIMIT_PEER_QUERIES */

void
peer_foreign(struct router *r, struct session *s)
{
	if (++s->peer->foreign > LIMIT_PEER_FAULTS)
		session_close(r, s, CLOSE_POLICY,
		    "speaks for nodes of others");
}

bool
peer_fault(struct router *r, struct session *s, const char *reason)
{
	if (++s->peer->faults <= LIMIT_PEER_FAULTS)
		return (true);
	session_close(r, s, CLOSE_POLICY, reason);
	return (false);
}

/* Refuses a message; rows that are lost must come again. */
static void
malformed(struct router *r, struct session *s, const struct envelope *e,
    enum discovery_op op, const char *why)
{
	struct rpc_error	 err;

	r->stats.malformed++;
	log_debug("%s sent malformed discovery: %s", s->node_id, why);
	if (!peer_fault(r, s, "malformed discovery"))
		return;
	err = rpc_error(RPC_E_INVALID_REQUEST, STAGE_PEER_LINK, why);
	message_error(r, s, e->message_id, &err);
	if (op == DISCOVERY_SNAPSHOT || op == DISCOVERY_DELTA)
		peer_ask_snapshot(r, s);
}

/* False if the registry has no room for a word of this peer's now. */
static bool
registry_takes(const struct router *r)
{
	return (r->registry != NULL && !channel_congested(r->registry));
}

/* --- rows --- */

static void
put_row(struct wire_put *w, const struct discovery_row *row)
{
	uint16_t	 i;

	put_str(w, row->node_id);
	put_bool(w, row->deleted);
	put_u16(w, row->n);
	for (i = 0; i < row->n; i++)
		put_service(w, &row->services[i]);
}

/* Passes rows on as they are read: true if all of them are well formed. */
static bool
put_rows(struct wire_put *w, const struct session *s,
    const struct discovery *d, struct discovery_rows *rows)
{
	struct discovery_row	 row;
	int			 more;

	put_u64(w, s->id);
	put_u8(w, (uint8_t)d->op);
	put_u64(w, d->epoch);
	put_u64(w, d->seq);
	put_u32(w, d->part);
	put_bool(w, d->last);
	put_u16(w, d->n_rows);
	discovery_rows_begin(rows, d, s->node_id);
	while ((more = discovery_rows_next(rows, &row)) == 1) {
		put_row(w, &row);
		discovery_row_free(&row);
	}
	return (more == 0);
}

_Static_assert(LIMIT_PEER_MESSAGE == 1U << 20, "a text below says so");

static void
on_rows(struct router *r, struct session *s, const struct envelope *e,
    const struct discovery *d)
{
	struct discovery_rows	 rows;

	/* The channel to the registry takes no more than these become. */
	if (e->close >= LIMIT_PEER_MESSAGE) {
		malformed(r, s, e, d->op, "data: longer than 1 MiB");
		return;
	}
	if (d->op == DISCOVERY_SNAPSHOT && d->part == 0) {
		register_features(s, e);
		/* Every Main takes what discovery needs. */
		s->max_message = d->max_message > LIMIT_PEER_MESSAGE ?
		    d->max_message : LIMIT_PEER_MESSAGE;
	}
	if (!registry_takes(r)) {
		s->peer->dropped = true;
		return;
	}
	if (put_rows(channel_begin(r->registry, MSG_PEER_ROWS), s, d, &rows)) {
		if (channel_commit(r->registry) == -1)
			s->peer->dropped = true;
		return;
	}
	channel_abort(r->registry);
	if (!rows.foreign) {
		malformed(r, s, e, d->op, rows.why);
		return;
	}
	r->stats.foreign++;
	session_close(r, s, CLOSE_POLICY, "advertises nodes of others");
}

/* --- the rest --- */

static void
on_digest(struct router *r, struct session *s, const struct discovery *d)
{
	struct wire_put	*w;

	/* There will be another. */
	if (!registry_takes(r))
		return;
	w = channel_begin(r->registry, MSG_PEER_DIGEST);
	put_u64(w, s->id);
	put_u64(w, d->epoch);
	put_u64(w, d->seq);
	put_u32(w, d->nodes);
	put_u64(w, d->digest);
	(void)channel_commit(r->registry);
}

static void
on_resync(struct router *r, struct session *s)
{
	if (registry_takes(r))
		peer_tell_registry(r, MSG_PEER_RESYNC, s);
	else
		s->peer->wants = true;
}

/* True if the peer has asked more than it may. */
static bool
asks_too_much(struct session *s)
{
	struct peer_state	*p = s->peer;

	if (s->seen_ms - p->window_ms >= WINDOW_MS) {
		p->window_ms = s->seen_ms;
		p->queries = 0;
	}
	return (++p->queries > LIMIT_PEER_QUERIES);
}

static void
on_query(struct router *r, struct session *s, const struct envelope *e,
    const struct discovery *d)
{
	struct wire_put	*w;

	if (e->message_id.len == 0 ||
	    (e->server_name.len != 0 && !name_service(e->server_name)) ||
	    (e->server_name.len == 0 && d->node_id[0] == '\0')) {
		malformed(r, s, e, d->op, "message_id, server_name or "
		    "data.node_id");
		return;
	}
	if (asks_too_much(s) || !registry_takes(r)) {
		r->stats.unanswered++;
		return;
	}
	w = channel_begin(r->registry, MSG_PEER_QUERY);
	put_u64(w, s->id);
	put_span(w, e->message_id);
	put_str(w, d->node_id);
	put_span(w, e->server_name);
	(void)channel_commit(r->registry);
}

void
peer_discovery(struct router *r, struct session *s, const struct envelope *e)
{
	static const struct json_span	 none;
	struct discovery		 d;
	const char			*why;

	if (!discovery_read(&d, env_has(e, ENV_DATA) ? &e->val[ENV_DATA] :
	    &none, &why)) {
		malformed(r, s, e, d.op, why);
		return;
	}
	switch (d.op) {
	case DISCOVERY_SNAPSHOT:
	case DISCOVERY_DELTA:
		on_rows(r, s, e, &d);
		break;
	case DISCOVERY_DIGEST:
		on_digest(r, s, &d);
		break;
	case DISCOVERY_RESYNC:
		on_resync(r, s);
		break;
	case DISCOVERY_QUERY:
		on_query(r, s, e, &d);
		break;
	default:
		query_answer(r, s, e->correlation_id, d.found, d.node);
		break;
	}
}

/* --- what the registry makes of it --- */

void
on_peer_route_set(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router	*r = arg;
	char		 main_id[LIMIT_NODE_ID + 1];
	char		 node_id[LIMIT_NODE_ID + 1];
	struct service	*services;
	uint16_t	 i, n;

	(void)ch;
	(void)fd;
	get_str(msg, main_id, sizeof(main_id));
	get_str(msg, node_id, sizeof(node_id));
	services = peer_get_services(msg, &n);
	if (!name_node(span_str(main_id)) || !name_node(span_str(node_id)))
		msg->bad = true;
	if (get_done(msg))
		route_peer_set(&r->routes, main_id, node_id, services, n);
	for (i = 0; i < n; i++)
		service_clear(&services[i]);
	free(services);
}

void
on_peer_route_delete(void *arg, struct channel *ch, struct wire_get *msg,
    int fd)
{
	struct router	*r = arg;
	char		 main_id[LIMIT_NODE_ID + 1];
	char		 node_id[LIMIT_NODE_ID + 1];

	(void)ch;
	(void)fd;
	get_str(msg, main_id, sizeof(main_id));
	get_str(msg, node_id, sizeof(node_id));
	if (get_done(msg))
		route_peer_delete(&r->routes, main_id, node_id);
}

void
on_peer_routes(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router	*r = arg;
	char		 main_id[LIMIT_NODE_ID + 1];
	uint8_t		 phase;

	(void)ch;
	(void)fd;
	get_str(msg, main_id, sizeof(main_id));
	phase = get_u8(msg);
	if (get_done(msg))
		route_peers_phase(&r->routes, main_id, phase);
}

void
on_peer_barrier(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router	*r = arg;
	uint64_t	 query, session;
	uint8_t		 node;
	bool		 found;

	(void)ch;
	(void)fd;
	query = get_u64(msg);
	session = get_u64(msg);
	found = get_bool(msg);
	node = get_u8(msg);
	if (get_done(msg))
		query_barrier(r, query, session, found, node);
}
