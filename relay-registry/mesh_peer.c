/* SPDX-License-Identifier: ISC */
/* Discovery between Mains: what the others say. */
#include <stdlib.h>
#include <string.h>

#include "common/name.h"
#include "relay-registry/mesh_impl.h"

#define BAD_OP		"rows that are neither a snapshot nor a delta"
#define BAD_NODE	"a home whose node id is not valid"
#define BAD_ITSELF	"a home that has the node id of its Main"
#define BAD_SERVICES	"a home with more services than are allowed"
#define BAD_LENGTH	"a home with longer services than are allowed"
#define BAD_TWICE	"a home with one service twice"
#define BAD_PRIVATE	"a service that is not for the federation"
#define BAD_NODES	"more homes than are allowed"
#define BAD_BYTES	"more bytes of homes than are allowed"
#define BAD_TOTAL	"more bytes of homes than there is room for"
#define BAD_RATE	"more changes than are allowed"

/* It must not be heard any more: the caller ends the link. */
static const char *
violation(struct mesh_peer *p, const char *why)
{
	p->hear = HEAR_NOTHING;
	p->taking = false;
	p->resync = false;
	p->refused_rows++;
	return (why);
}

/* Out of step: nothing counts until a snapshot begins. */
static void
out_of_step(struct mesh_peer *p, struct monotime now)
{
	p->hear = HEAR_SNAPSHOT;
	p->taking = false;
	p->resync = true;
	p->progress = now;
}

static void
gap(struct mesh *m, struct mesh_peer *p, struct monotime now)
{
	m->stats.gaps++;
	out_of_step(p, now);
}

/* --- the head of a message --- */

static void
begin_snapshot(struct mesh *m, struct mesh_peer *p, uint64_t epoch,
    uint64_t seq)
{
	p->hear = HEAR_PARTS;
	p->epoch = epoch;
	p->seq = seq;
	p->mark++;
	p->fresh = 0;
	p->fresh_bytes = 0;
	p->resync = false;
	if (p->told == TOLD_NOTHING) {
		p->told = TOLD_BEGIN;
		p->begin = true;
		mesh_peer_tell(m, p);
	}
}

static void
take_part(struct mesh *m, struct mesh_peer *p, uint64_t epoch, uint64_t seq,
    uint32_t part, struct monotime now)
{
	if (part == 0)
		begin_snapshot(m, p, epoch, seq);
	else if (p->hear == HEAR_SNAPSHOT)
		return;
	else if (p->hear != HEAR_PARTS || epoch != p->epoch ||
	    seq != p->seq || part != p->part) {
		gap(m, p, now);
		return;
	}
	p->part = part + 1;
	p->progress = now;
	p->taking = p->in_part = true;
}

static void
take_delta(struct mesh *m, struct mesh_peer *p, uint64_t epoch, uint64_t seq,
    struct monotime now)
{
	if (p->hear == HEAR_SNAPSHOT)
		return;
	if (epoch != p->epoch || seq != p->seq + 1) {
		gap(m, p, now);
		return;
	}
	p->seq = seq;
	p->taking = true;
	m->stats.deltas++;
}

const char *
mesh_rows_begin(struct mesh *m, uint64_t session, unsigned int op,
    uint64_t epoch, uint64_t seq, uint32_t part, struct monotime now)
{
	struct mesh_peer *p = mesh_peer_linked(m, session);

	if (p == NULL || p->hear == HEAR_NOTHING)
		return (NULL);
	p->heard = now;
	p->taking = p->in_part = false;
	if (op == MESH_SNAPSHOT)
		take_part(m, p, epoch, seq, part, now);
	else if (op == MESH_DELTA)
		take_delta(m, p, epoch, seq, now);
	else
		return (violation(p, BAD_OP));
	return (NULL);
}

/* --- rows --- */

static bool
spend_token(const struct mesh *m, struct mesh_peer *p, struct monotime now)
{
	int64_t most = (int64_t)m->limits.burst * 1000;
	int64_t ms = monotime_diff_ms(now, p->tokens_at);

	/* What fills it up to the brim is enough; more might overflow. */
	if (ms > most / m->limits.rate + 1)
		ms = most / m->limits.rate + 1;
	if (ms > 0) {
		p->tokens += ms * m->limits.rate;
		p->tokens_at = now;
	}
	if (p->tokens > most)
		p->tokens = most;
	if (p->tokens < 1000)
		return (false);
	p->tokens -= 1000;
	return (true);
}

/* Whether a row counts against the limits: the present snapshot has it. */
static bool
is_fresh(const struct mesh_peer *p, const struct mesh_row *row)
{
	return (row != NULL && !row->gone && row->mark == p->mark);
}

bool
mesh_row_stale(const struct mesh_peer *p, const struct mesh_row *row)
{
	return (!row->gone && (p->session == 0 || row->mark < p->fresh_mark));
}

static void
delete_row(struct mesh *m, struct mesh_peer *p, struct mesh_row *row)
{
	if (is_fresh(p, row)) {
		p->fresh--;
		p->fresh_bytes -= row->cost;
	}
	mesh_table_delete(&p->rows, row);
	mesh_peer_tell(m, p);
}

void
mesh_peer_sweep(struct mesh *m, struct mesh_peer *p, uint64_t mark)
{
	struct mesh_row *row, *next;

	RB_FOREACH_SAFE(row, mesh_rows, &p->rows.rows, next) {
		if (!row->gone && row->mark < mark)
			delete_row(m, p, row);
	}
}

/* The same service comes next to itself in canonical order. */
static const char *
check_services(const struct service *const *sorted, uint16_t n)
{
	uint16_t i;

	for (i = 0; i < n; i++) {
		if (sorted[i]->visibility != VISIBILITY_FEDERATION)
			return (BAD_PRIVATE);
		if (i > 0 &&
		    strcmp(sorted[i]->name, sorted[i - 1]->name) == 0 &&
		    strcmp(sorted[i]->version, sorted[i - 1]->version) == 0)
			return (BAD_TWICE);
	}
	return (NULL);
}

/*
 * Rows that the present snapshot does not have yet stay until its end, but
 * many that begin and never end must not leave ever more of them.
 */
static void
make_room(struct mesh *m, struct mesh_peer *p, size_t bytes)
{
	if (p->rows.count >= 2 * (uint64_t)m->limits.nodes ||
	    p->rows.bytes + bytes > 2 * m->limits.bytes)
		mesh_peer_sweep(m, p, p->mark);
}

static size_t
bytes_of_all(struct mesh *m)
{
	struct mesh_peer *p;
	size_t bytes = 0;

	RB_FOREACH(p, mesh_ids, &m->ids)
		bytes += p->rows.bytes;
	return (bytes);
}

/* An equal share is everybody's; beyond it there must be room for it. */
static bool
has_room(struct mesh *m, const struct mesh_peer *p, size_t bytes)
{
	struct mesh_peer *gone;
	uint32_t n;

	if (p->rows.bytes + bytes <= m->limits.total / LIMIT_PEERS)
		return (true);
	while (bytes_of_all(m) + bytes > m->limits.total) {
		if ((gone = mesh_peer_longest_gone(m, &n)) == NULL)
			return (false);
		mesh_peer_purge(m, gone);
	}
	return (true);
}

/* A row in the place of what was there of that node, if it may be. */
static const char *
put_row(struct mesh *m, struct mesh_peer *p, const char *node,
    struct mesh_body *body)
{
	uint32_t cost = mesh_row_cost(node, body), nodes = p->fresh + 1;
	size_t bytes = p->fresh_bytes + cost;
	struct mesh_row *row;

	make_room(m, p, cost);
	row = mesh_table_find(&p->rows, node);
	if (is_fresh(p, row)) {
		bytes -= row->cost;
		nodes--;
	}
	if (body->cut > 0)
		return (BAD_LENGTH);
	if (nodes > m->limits.nodes)
		return (BAD_NODES);
	if (bytes > m->limits.bytes)
		return (BAD_BYTES);
	if (!has_room(m, p, cost))
		return (BAD_TOTAL);
	if (mesh_table_set(&p->rows, node, body, &row) || !row->routed) {
		/* It may have been kept from the router while it was stale. */
		mesh_table_touch(&p->rows, row);
		mesh_peer_tell(m, p);
	}
	row->mark = p->mark;
	p->fresh = nodes;
	p->fresh_bytes = bytes;
	return (NULL);
}

static const char *
set_row(struct mesh *m, struct mesh_peer *p, const char *node,
    const struct mesh_row_in *in)
{
	const struct service *sorted[LIMIT_SERVICES];
	struct mesh_body body;
	const char *why;
	uint16_t i;

	if (in->n > LIMIT_SERVICES)
		return (BAD_SERVICES);
	for (i = 0; i < in->n; i++)
		sorted[i] = &in->services[i];
	mesh_body_make(&body, node, sorted, in->n);
	if ((why = check_services(sorted, in->n)) != NULL ||
	    (why = put_row(m, p, node, &body)) != NULL)
		free(body.p);
	return (why);
}

const char *
mesh_rows_row(struct mesh *m, uint64_t session, const struct mesh_row_in *in,
    struct monotime now)
{
	struct mesh_peer *p = mesh_peer_linked(m, session);
	char node[LIMIT_NODE_ID + 1];
	struct mesh_row *row;
	const char *why;

	if (p == NULL || p->hear == HEAR_NOTHING)
		return (NULL);
	if (!spend_token(m, p, now))
		return (violation(p, BAD_RATE));
	if (!p->taking) {
		p->refused_rows++;
		return (NULL);
	}
	if (!name_node(in->node) || !span_copy(in->node, node, sizeof(node)))
		return (violation(p, BAD_NODE));
	if (strcmp(node, p->id) == 0)
		return (violation(p, BAD_ITSELF));
	m->stats.rows++;
	if (!in->deleted) {
		why = set_row(m, p, node, in);
		return (why != NULL ? violation(p, why) : NULL);
	}
	row = mesh_table_find(&p->rows, node);
	if (row != NULL && !row->gone)
		delete_row(m, p, row);
	return (NULL);
}

/* --- the end of a message --- */

static void
end_snapshot(struct mesh *m, struct mesh_peer *p)
{
	mesh_peer_sweep(m, p, p->mark);
	p->hear = HEAR_DELTAS;
	p->stale = false;
	if (p->told == TOLD_BEGIN) {
		p->told = TOLD_ALL;
		p->end = true;
		mesh_peer_tell(m, p);
	}
	m->stats.snapshots++;
}

const char *
mesh_rows_end(struct mesh *m, uint64_t session, bool last, struct monotime now)
{
	struct mesh_peer *p = mesh_peer_linked(m, session);

	if (p == NULL || !p->taking)
		return (NULL);
	p->taking = false;
	p->heard = now;
	if (p->in_part && last)
		end_snapshot(m, p);
	return (NULL);
}

/* --- digests --- */

void
mesh_digest(struct mesh *m, uint64_t session, uint64_t epoch, uint64_t seq,
    uint32_t nodes, uint64_t digest, struct monotime now)
{
	struct mesh_peer *p = mesh_peer_linked(m, session);

	if (p == NULL || p->hear == HEAR_NOTHING)
		return;
	m->stats.digests++;
	p->heard = now;
	if (p->hear != HEAR_DELTAS &&
	    monotime_diff_ms(now, p->progress) >= LIMIT_DIGEST_MS) {
		/* Its snapshot was lost on the way. */
		gap(m, p, now);
	} else if (p->hear == HEAR_SNAPSHOT) {
		return;
	} else if (epoch != p->epoch || seq != p->seq) {
		gap(m, p, now);
	} else if (p->hear == HEAR_DELTAS && (nodes != p->rows.count ||
	    digest != p->rows.digest)) {
		m->stats.mismatches++;
		out_of_step(p, now);
	}
}
