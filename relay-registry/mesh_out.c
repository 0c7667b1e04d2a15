/* SPDX-License-Identifier: ISC */
/* Discovery between Mains: what is to be said, one message at a time. */
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "relay-registry/mesh_impl.h"

#define ALL_PEERS	0		/* as a session */

#define ROUTES_BEGIN	1
#define ROUTES_END	2
#define ROUTES_FORGET	3

/* --- rows to peers --- */

/* A PEER_ROWS message that is being filled. */
struct rows {
	struct wire_put	*put;
	size_t		 last_at;	/* offset of "last" */
	size_t		 start;		/* offset of the rows */
	uint16_t	 n;
};

static void
rows_begin(struct rows *r, struct wire_put *put, const struct mesh *m,
    uint64_t session, uint8_t op, uint32_t part)
{
	put_u64(put, session);
	put_u8(put, op);
	put_u64(put, m->epoch);
	put_u64(put, m->seq);
	put_u32(put, part);
	r->put = put;
	r->last_at = put->len;
	put_bool(put, false);
	put_u16(put, 0);
	r->start = put->len;
	r->n = 0;
}

/* False if it belongs in the next message. */
static bool
rows_fit(const struct rows *r, const struct mesh_row *row)
{
	size_t len = 2 + strlen(row->node) + 1 + 2 +
	    mesh_row_encoded(row).len;

	return (r->n < UINT16_MAX && (r->n == 0 ||
	    r->put->len - r->start + len <= LIMIT_PEER_PART));
}

/* A row with the services of a mask; NULL: it is gone. */
static void
rows_put(struct rows *r, const struct mesh_row *row, const uint64_t *mask)
{
	put_str(r->put, row->node);
	put_bool(r->put, mask == NULL);
	put_u16(r->put, mask == NULL ? 0 :
	    (uint16_t)__builtin_popcountll(*mask));
	if (mask != NULL)
		mesh_share_put(r->put, row, *mask);
	r->n++;
}

static void
rows_end(struct rows *r, struct mesh *m, bool last)
{
	put_bool_at(r->put, r->last_at, last);
	put_u16_at(r->put, r->start - 2, r->n);
	m->stats.rows_sent += r->n;
}

/* What that Main may have of the rows of the open delta. */
static void
delta_to(struct mesh *m, const struct mesh_peer *p, struct wire_put *put)
{
	struct mesh_share *s;
	struct rows r;
	uint64_t mask;

	rows_begin(&r, put, m, p->session, MESH_DELTA, 0);
	TAILQ_FOREACH(s, &m->delta, link) {
		/* The next delta says what has become of it. */
		if (s->row->dirty)
			continue;
		mask = s->row->gone ? 0 : mesh_share_mask(m, p, s->row);
		if (mask != 0)
			rows_put(&r, s->row, &mask);
		else if (mesh_share_has(p, s->row))
			rows_put(&r, s->row, NULL);
		mesh_share_know(p, s->row, mask != 0);
	}
	rows_end(&r, m, true);
}

/* To each peer its own, under one number. */
static bool
next_delta_of_each(struct mesh *m, enum msg_type *type, struct wire_put *put)
{
	struct mesh_peer *p;

	while (m->delta_open || mesh_delta_open(m)) {
		p = mesh_peer_after(m, m->delta_session);
		if (p != NULL) {
			m->delta_session = p->session;
			delta_to(m, p, put);
			*type = MSG_PEER_ROWS;
			return (true);
		}
		mesh_delta_close(m);
	}
	return (false);
}

static bool
next_delta(struct mesh *m, enum msg_type *type, struct wire_put *put)
{
	struct mesh_row *row;
	struct rows r;
	uint64_t mask;

	if (m->delta_open || mesh_shares(m))
		return (next_delta_of_each(m, type, put));
	if (TAILQ_EMPTY(&m->own.dirty))
		return (false);
	m->seq++;
	rows_begin(&r, put, m, ALL_PEERS, MESH_DELTA, 0);
	while ((row = TAILQ_FIRST(&m->own.dirty)) != NULL &&
	    rows_fit(&r, row)) {
		mask = mesh_mask_all(row->n);
		rows_put(&r, row, row->gone ? NULL : &mask);
		mesh_table_told(&m->own, row);
	}
	rows_end(&r, m, true);
	m->stats.deltas_sent++;
	*type = MSG_PEER_ROWS;
	return (true);
}

/* The first own row behind that node, or NULL. */
static struct mesh_row *
row_after(struct mesh *m, const char *node)
{
	struct mesh_row *row = RB_ROOT(&m->own.rows), *next = NULL;

	while (row != NULL) {
		if (strcmp(row->node, node) > 0) {
			next = row;
			row = RB_LEFT(row, entry);
		} else
			row = RB_RIGHT(row, entry);
	}
	return (next);
}

/* All deltas are told: every row is as the numbers say. */
static void
snapshot_part(struct mesh *m, struct mesh_peer *p, struct wire_put *put)
{
	struct mesh_row *row;
	struct rows r;
	uint64_t mask;

	rows_begin(&r, put, m, p->session, MESH_SNAPSHOT, p->snap_part++);
	row = row_after(m, p->snap_after);
	while (row != NULL && rows_fit(&r, row)) {
		mask = mesh_share_mask(m, p, row);
		if (mask != 0 || !mesh_shares(m))
			rows_put(&r, row, &mask);
		mesh_share_know(p, row, mask != 0);
		strlcpy(p->snap_after, row->node, sizeof(p->snap_after));
		row = RB_NEXT(mesh_rows, &m->own.rows, row);
	}
	rows_end(&r, m, row == NULL);
	p->credit = false;
	if (row == NULL) {
		p->snap = SNAP_NONE;
		m->stats.snapshots_sent++;
	}
}

static bool
next_part(struct mesh *m, enum msg_type *type, struct wire_put *put,
    struct monotime now)
{
	struct mesh_peer *p;

	RB_FOREACH(p, mesh_sessions, &m->sessions) {
		if (p->snap == SNAP_NONE || !p->credit ||
		    (p->snap == SNAP_DUE && !monotime_reached(p->snap_at, now)))
			continue;
		if (p->snap == SNAP_DUE) {
			p->snap = SNAP_PARTS;
			p->snap_part = 0;
			p->snap_after[0] = '\0';
			p->snap_at = monotime_add_ms(now, LIMIT_RESYNC_MS);
		}
		snapshot_part(m, p, put);
		*type = MSG_PEER_ROWS;
		return (true);
	}
	return (false);
}

static void
put_digest(struct mesh *m, struct wire_put *put, uint64_t session,
    uint32_t nodes, uint64_t digest)
{
	put_u64(put, session);
	put_u64(put, m->epoch);
	put_u64(put, m->seq);
	put_u32(put, nodes);
	put_u64(put, digest);
	m->stats.digests_sent++;
}

/* Who is about to get a snapshot is not to ask for one. */
static bool
next_digest_of_one(struct mesh *m, struct wire_put *put)
{
	struct mesh_peer *p;
	uint64_t digest;
	uint32_t nodes;

	RB_FOREACH(p, mesh_sessions, &m->sessions) {
		if (!p->digest)
			continue;
		p->digest = false;
		if (p->snap == SNAP_DUE)
			continue;
		mesh_share_digest(m, p, &nodes, &digest);
		put_digest(m, put, p->session, nodes, digest);
		return (true);
	}
	return (false);
}

static bool
next_digest(struct mesh *m, enum msg_type *type, struct wire_put *put)
{
	struct mesh_peer *p;
	bool due = m->digest;

	*type = MSG_PEER_DIGEST;
	m->digest = false;
	if (due && !mesh_shares(m)) {
		put_digest(m, put, ALL_PEERS, m->own.count, m->own.digest);
		return (true);
	}
	if (due)
		RB_FOREACH(p, mesh_sessions, &m->sessions)
			p->digest = true;
	return (next_digest_of_one(m, put));
}

static bool
next_resync(struct mesh *m, enum msg_type *type, struct wire_put *put,
    struct monotime now)
{
	struct mesh_peer *p;

	RB_FOREACH(p, mesh_sessions, &m->sessions) {
		if (!p->resync || !monotime_reached(p->resync_at, now))
			continue;
		p->resync = false;
		p->resync_at = monotime_add_ms(now, LIMIT_RESYNC_MS);
		p->progress = now;
		p->resyncs++;
		m->stats.resyncs++;
		put_u64(put, p->session);
		*type = MSG_PEER_RESYNC;
		return (true);
	}
	return (false);
}

/* --- routes to the router --- */

static enum msg_type
put_phase(struct wire_put *put, const struct mesh_peer *p, uint8_t phase)
{
	put_str(put, p->id);
	put_u8(put, phase);
	return (MSG_PEER_ROUTES);
}

/* The services of a row that are taken in. */
static void
put_imported(struct wire_put *put, struct mesh *m, const struct mesh_peer *p,
    const struct mesh_row *row)
{
	struct span encoded = mesh_row_encoded(row);
	struct service *services;
	uint16_t i, n;

	if (m->policy.may_import == NULL) {
		put_u16(put, row->n);
		put_raw(put, encoded.p, encoded.len);
		return;
	}
	services = mesh_row_services(row);
	n = mesh_import(m, p, services, row->n);
	put_u16(put, n);
	for (i = 0; i < n; i++)
		put_service(put, &services[i]);
	mesh_services_free(services, n);
}

static enum msg_type
put_route(struct wire_put *put, struct mesh *m, struct mesh_peer *p,
    struct mesh_row *row)
{
	bool gone = row->gone || mesh_row_hidden(m, p, row);

	put_str(put, p->id);
	put_str(put, row->node);
	if (!gone)
		put_imported(put, m, p, row);
	row->routed = !gone;
	mesh_table_told(&p->rows, row);
	return (gone ? MSG_PEER_ROUTE_DELETE : MSG_PEER_ROUTE_SET);
}

/* The next row that is news to the router, or NULL. */
static struct mesh_row *
row_to_tell(struct mesh *m, struct mesh_peer *p)
{
	struct mesh_row *row;

	while ((row = TAILQ_FIRST(&p->rows.dirty)) != NULL) {
		if (row->routed || !(row->gone || mesh_row_hidden(m, p, row)))
			break;
		mesh_table_told(&p->rows, row);
	}
	return (row);
}

/* The next word about that Main, or MSG_NONE. */
static enum msg_type
tell(struct mesh *m, struct mesh_peer *p, struct wire_put *put)
{
	struct mesh_row *row;

	if (p->forget) {
		p->forget = false;
		return (put_phase(put, p, ROUTES_FORGET));
	}
	if (p->begin) {
		p->begin = false;
		return (put_phase(put, p, ROUTES_BEGIN));
	}
	if ((row = row_to_tell(m, p)) != NULL)
		return (put_route(put, m, p, row));
	if (p->end) {
		p->end = false;
		return (put_phase(put, p, ROUTES_END));
	}
	return (MSG_NONE);
}

static bool
next_route(struct mesh *m, enum msg_type *type, struct wire_put *put)
{
	struct mesh_peer *p;

	while ((p = TAILQ_FIRST(&m->telling)) != NULL) {
		if ((*type = tell(m, p, put)) != MSG_NONE)
			return (true);
		TAILQ_REMOVE(&m->telling, p, link);
		p->telling = false;
		mesh_peer_release(m, p);
	}
	return (false);
}

/* --- answers and barriers --- */

static bool
next_word(struct mesh *m, enum msg_type *type, struct wire_put *put)
{
	struct mesh_word *word = STAILQ_FIRST(&m->words);

	if (word == NULL)
		return (false);
	STAILQ_REMOVE_HEAD(&m->words, link);
	m->n_words--;
	*type = word->barrier ? MSG_PEER_BARRIER : MSG_PEER_ANSWER;
	if (word->barrier)
		put_u64(put, word->query);
	put_u64(put, word->session);
	if (!word->barrier)
		put_str(put, word->id);
	put_bool(put, word->found);
	put_u8(put, word->node);
	free(word);
	return (true);
}

bool
mesh_next(struct mesh *m, enum msg_type *type, struct wire_put *put,
    struct monotime now)
{
	/* An answer is true only behind the deltas, a barrier the routes. */
	return (next_delta(m, type, put) || next_route(m, type, put) ||
	    next_word(m, type, put) || next_part(m, type, put, now) ||
	    next_digest(m, type, put) || next_resync(m, type, put, now));
}
