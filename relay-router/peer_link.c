/* SPDX-License-Identifier: ISC */

/*
 * Links with other Mains; see peer_link.h.  Here is the way out, from the
 * registry to the peers, and what is owed to both; peer_text.c has the way
 * in.
 *
 * A peer that takes its messages too slowly misses some: it is lagging then,
 * is told no more changes, and gets a snapshot once it has caught up.
 */

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "relay-router/discovery.h"
#include "relay-router/peer_impl.h"

#define FULL_MORE	LIMIT_SESSION_HIGH	/* bytes a peer is still sent
						 * while its queue is full: the
						 * changes of a long while, and
						 * far below the queue's end */

void
peer_up(struct router *r, struct session *s)
{
	(void)r;
	if ((s->peer = calloc(1, sizeof(*s->peer))) == NULL)
		fatal("out of memory");
}

void
peer_down(struct router *r, struct session *s)
{
	query_peer_down(r, s);
	free(s->peer);
	s->peer = NULL;
}

struct each {
	struct router	*r;
	void		(*f)(struct router *, struct session *, void *);
	void		*arg;
};

static void
each_main(void *arg, struct map_entry *e)
{
	struct each	*each = arg;
	struct session	*s = ((struct route_main *)e)->link;

	if (s != NULL && s->peer != NULL)
		each->f(each->r, s, each->arg);
}

void
peer_each(struct router *r,
    void (*f)(struct router *, struct session *, void *), void *arg)
{
	struct each	 each = { r, f, arg };

	map_each(&r->routes.mains, each_main, &each);
}

/* A peer that is up, by session; one that is not counts as stale. */
static struct session *
peer_find(struct router *r, uint64_t id)
{
	struct session	*s = session_find(r, id);

	if (s != NULL && s->peer != NULL)
		return (s);
	r->stats.stale++;
	return (NULL);
}

/* --- sending --- */

bool
peer_send(struct router *r, struct session *s)
{
	struct wire_put	*w;

	if (r->frontend == NULL || r->out.len > message_max(r, s))
		return (false);
	w = channel_begin(r->frontend, MSG_LINK_SEND);
	put_u64(w, s->id);
	put_bytes(w, r->out.p, r->out.len);
	if (channel_commit(r->frontend) == -1)
		return (false);
	s->msgs_out++;
	return (true);
}

/* Begins a discovery message in r->out, up to its data. */
static void
peer_begin(struct router *r, struct span correlation_id)
{
	message_begin(r, "service_discovery", correlation_id);
	message_add(r, ENV_DATA, span_str(""));
}

void
peer_ask_snapshot(struct router *r, struct session *s)
{
	struct discovery	 d = { .op = DISCOVERY_RESYNC };

	peer_begin(r, span_str(""));
	discovery_put(&r->out, &d);
	text_lit(&r->out, "}");
	(void)peer_send(r, s);
}

/* Sends r->out, a change, to a peer that takes it, or has to catch up. */
static void
send_change(struct router *r, struct session *s, void *arg)
{
	struct peer_state	*p = s->peer;

	(void)arg;
	if (p->lagging)
		return;
	if (s->full)
		p->over += r->out.len;
	if (p->over > FULL_MORE || !peer_send(r, s))
		p->lagging = true;
}

/* --- what is owed to the registry --- */

void
peer_tell_registry(struct router *r, enum msg_type type,
    const struct session *s)
{
	struct wire_put	*w;

	if (r->registry == NULL)
		return;
	w = channel_begin(r->registry, type);
	put_u64(w, s->id);
	(void)channel_commit(r->registry);
}

/* There is room on the way to a peer: what it missed, or what is next. */
static void
go_on(struct router *r, struct session *s, void *arg)
{
	struct peer_state	*p = s->peer;

	(void)arg;
	if (s->full || r->frontend == NULL || channel_congested(r->frontend))
		return;
	p->over = 0;
	if (p->lagging)
		peer_tell_registry(r, MSG_PEER_RESYNC, s);
	else if (p->more)
		peer_tell_registry(r, MSG_PEER_MORE, s);
	p->lagging = p->more = false;
}

void
peer_queue(struct router *r, struct session *s, bool full)
{
	if (!full)
		go_on(r, s, NULL);
}

void
peer_frontend_drained(struct router *r)
{
	peer_each(r, go_on, NULL);
}

/* There is room for what a peer says: ask it for what was dropped. */
static void
make_up(struct router *r, struct session *s, void *arg)
{
	struct peer_state	*p = s->peer;

	(void)arg;
	if (p->dropped)
		peer_ask_snapshot(r, s);
	if (p->wants)
		peer_tell_registry(r, MSG_PEER_RESYNC, s);
	p->dropped = p->wants = false;
}

void
peer_registry_drained(struct router *r)
{
	peer_each(r, make_up, NULL);
}

/* --- from the registry to peers --- */

static void
get_rows(struct wire_get *msg, struct discovery *d, uint64_t *session)
{
	*session = get_u64(msg);
	d->op = get_u8(msg);
	d->epoch = get_u64(msg);
	d->seq = get_u64(msg);
	d->part = get_u32(msg);
	d->last = get_bool(msg);
	/* str, bool, u16 */
	d->n_rows = get_count(msg, UINT16_MAX, 5);
	if (d->op != DISCOVERY_SNAPSHOT && d->op != DISCOVERY_DELTA)
		msg->bad = true;
}

struct service *
peer_get_services(struct wire_get *msg, uint16_t *n)
{
	struct service	*services = NULL;
	uint16_t	 i;

	*n = get_count(msg, LIMIT_SERVICES, SERVICE_WIRE_MIN);
	if (*n > 0 &&
	    (services = calloc(*n, sizeof(*services))) == NULL)
		fatal("out of memory");
	for (i = 0; i < *n; i++)
		get_service(msg, &services[i]);
	return (services);
}

/* Turns the rows into JSON one by one. */
static void
put_rows(struct text *t, struct wire_get *msg, const struct discovery *d)
{
	struct discovery_row	 row;
	uint16_t		 i;

	for (i = 0; i < d->n_rows && !msg->bad; i++) {
		memset(&row, 0, sizeof(row));
		get_str(msg, row.node_id, sizeof(row.node_id));
		row.deleted = get_bool(msg);
		row.services = peer_get_services(msg, &row.n);
		if (!msg->bad)
			discovery_put_row(t, i, &row);
		discovery_row_free(&row);
	}
}

/* What the front-end takes over a link with a peer. */
static uint32_t
peer_max_message(const struct router *r)
{
	return (r->conf.max_message > LIMIT_PEER_MESSAGE ?
	    r->conf.max_message : LIMIT_PEER_MESSAGE);
}

/* A part of a snapshot, for one peer. */
static void
send_part(struct router *r, uint64_t id)
{
	struct session	*s = peer_find(r, id);

	if (s == NULL)
		return;
	s->peer->more = true;
	send_change(r, s, NULL);
	go_on(r, s, NULL);
}

void
on_peer_rows(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router		*r = arg;
	struct discovery	 d = { 0 };
	uint64_t		 session;
	bool			 first;

	(void)ch;
	(void)fd;
	get_rows(msg, &d, &session);
	first = d.op == DISCOVERY_SNAPSHOT && d.part == 0;
	if (first)
		d.max_message = peer_max_message(r);
	peer_begin(r, span_str(""));
	discovery_put_begin(&r->out, &d, first ? ROUTER_FEATURES : NULL);
	put_rows(&r->out, msg, &d);
	discovery_put_end(&r->out);
	text_lit(&r->out, "}");
	if (!get_done(msg))
		return;
	if (r->out.len > LIMIT_PEER_MESSAGE)
		log_warn("rows for peers do not fit in a message: %zu bytes",
		    r->out.len);
	else if (session == 0)
		peer_each(r, send_change, NULL);
	else
		send_part(r, session);
}

void
on_peer_digest(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router		*r = arg;
	struct discovery	 d = { .op = DISCOVERY_DIGEST };
	struct session		*s;
	uint64_t		 session;

	(void)ch;
	(void)fd;
	session = get_u64(msg);
	d.epoch = get_u64(msg);
	d.seq = get_u64(msg);
	d.nodes = get_u32(msg);
	d.digest = get_u64(msg);
	if (!get_done(msg))
		return;
	peer_begin(r, span_str(""));
	discovery_put(&r->out, &d);
	text_lit(&r->out, "}");
	if (session == 0)
		peer_each(r, send_change, NULL);
	else if ((s = peer_find(r, session)) != NULL)
		send_change(r, s, NULL);
}

void
on_peer_resync(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router	*r = arg;
	struct session	*s;
	uint64_t	 session = get_u64(msg);

	(void)ch;
	(void)fd;
	if (get_done(msg) && (s = peer_find(r, session)) != NULL)
		peer_ask_snapshot(r, s);
}

void
on_peer_answer(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router		*r = arg;
	struct discovery	 d = { .op = DISCOVERY_ANSWER };
	struct session		*s;
	struct span		 id;
	uint64_t		 session;

	(void)ch;
	(void)fd;
	session = get_u64(msg);
	id = get_span(msg, LIMIT_MESSAGE_ID);
	d.found = get_bool(msg);
	d.node = get_u8(msg);
	if (d.node > DISCOVERY_ONLINE)
		msg->bad = true;
	if (!get_done(msg) || (s = peer_find(r, session)) == NULL)
		return;
	peer_begin(r, id);
	discovery_put(&r->out, &d);
	text_lit(&r->out, "}");
	(void)peer_send(r, s);
}
