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
rows_put(struct rows *r, const struct mesh_row *row)
{
	struct span services = mesh_row_encoded(row);
	size_t len = 2 + strlen(row->node) + 1 + 2 + services.len;

	if (r->n == UINT16_MAX || (r->n > 0 &&
	    r->put->len - r->start + len > LIMIT_PEER_PART))
		return (false);
	put_str(r->put, row->node);
	put_bool(r->put, row->gone);
	put_u16(r->put, row->n);
	put_raw(r->put, services.p, services.len);
	r->n++;
	return (true);
}

static void
rows_end(struct rows *r, struct mesh *m, bool last)
{
	put_bool_at(r->put, r->last_at, last);
	put_u16_at(r->put, r->start - 2, r->n);
	m->stats.rows_sent += r->n;
}

static bool
next_delta(struct mesh *m, enum msg_type *type, struct wire_put *put)
{
	struct mesh_row *row;
	struct rows r;

	if (TAILQ_EMPTY(&m->own.dirty))
		return (false);
	m->seq++;
	rows_begin(&r, put, m, ALL_PEERS, MESH_DELTA, 0);
	while ((row = TAILQ_FIRST(&m->own.dirty)) != NULL && rows_put(&r, row))
		mesh_table_told(&m->own, row);
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

	rows_begin(&r, put, m, p->session, MESH_SNAPSHOT, p->snap_part++);
	row = row_after(m, p->snap_after);
	while (row != NULL && rows_put(&r, row)) {
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

static bool
next_digest(struct mesh *m, enum msg_type *type, struct wire_put *put)
{
	if (!m->digest)
		return (false);
	m->digest = false;
	put_u64(put, ALL_PEERS);
	put_u64(put, m->epoch);
	put_u64(put, m->seq);
	put_u32(put, m->own.count);
	put_u64(put, m->own.digest);
	m->stats.digests_sent++;
	*type = MSG_PEER_DIGEST;
	return (true);
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

static enum msg_type
put_route(struct wire_put *put, struct mesh_peer *p, struct mesh_row *row)
{
	enum msg_type type = row->gone ? MSG_PEER_ROUTE_DELETE :
	    MSG_PEER_ROUTE_SET;
	struct span services = mesh_row_encoded(row);

	put_str(put, p->id);
	put_str(put, row->node);
	if (!row->gone) {
		put_u16(put, row->n);
		put_raw(put, services.p, services.len);
	}
	mesh_table_told(&p->rows, row);
	return (type);
}

/* The next word about that Main, or MSG_NONE. */
static enum msg_type
tell(struct mesh_peer *p, struct wire_put *put)
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
	if ((row = TAILQ_FIRST(&p->rows.dirty)) != NULL)
		return (put_route(put, p, row));
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
		if ((*type = tell(p, put)) != MSG_NONE)
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
