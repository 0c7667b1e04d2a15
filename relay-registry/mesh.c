/* SPDX-License-Identifier: ISC */
/* Discovery between Mains: life, links, the router and questions. */
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "relay-registry/mesh_impl.h"

const struct mesh_limits mesh_limits_default = {
	LIMIT_PEER_NODES, LIMIT_PEER_BYTES, LIMIT_PEER_BURST, LIMIT_PEER_RATE,
	LIMIT_PEERS_GONE, LIMIT_PEERS_BYTES
};

int
mesh_id_cmp(struct mesh_peer *a, struct mesh_peer *b)
{
	return (strcmp(a->id, b->id));
}

int
mesh_session_cmp(struct mesh_peer *a, struct mesh_peer *b)
{
	return (a->session < b->session ? -1 : a->session > b->session);
}

RB_GENERATE(mesh_ids, mesh_peer, by_id, mesh_id_cmp)
RB_GENERATE(mesh_sessions, mesh_peer, by_session, mesh_session_cmp)

struct mesh *
mesh_new(uint64_t epoch, const struct mesh_limits *limits)
{
	struct mesh *m;

	if ((m = calloc(1, sizeof(*m))) == NULL)
		fatal("no memory for discovery");
	m->limits = *limits;
	m->epoch = epoch;
	mesh_table_init(&m->own);
	RB_INIT(&m->ids);
	RB_INIT(&m->sessions);
	TAILQ_INIT(&m->telling);
	STAILQ_INIT(&m->words);
	mesh_policy_init(m);
	return (m);
}

static void
peer_free(struct mesh *m, struct mesh_peer *p)
{
	if (p->telling)
		TAILQ_REMOVE(&m->telling, p, link);
	if (p->session != 0)
		RB_REMOVE(mesh_sessions, &m->sessions, p);
	RB_REMOVE(mesh_ids, &m->ids, p);
	mesh_table_clear(&p->rows);
	free(p);
}

static void
drop_words(struct mesh *m)
{
	struct mesh_word *word;

	while ((word = STAILQ_FIRST(&m->words)) != NULL) {
		STAILQ_REMOVE_HEAD(&m->words, link);
		free(word);
	}
	m->n_words = 0;
}

void
mesh_free(struct mesh *m)
{
	struct mesh_peer *p;

	while ((p = RB_ROOT(&m->ids)) != NULL)
		peer_free(m, p);
	drop_words(m);
	mesh_share_drop(m);
	mesh_table_clear(&m->own);
	mesh_policy_free(m);
	free(m);
}

/* --- links --- */

static struct mesh_peer *
peer_find(const struct mesh *m, const char *id)
{
	struct mesh_peer *p = RB_ROOT(&m->ids);
	int c;

	while (p != NULL && (c = strcmp(id, p->id)) != 0)
		p = c < 0 ? RB_LEFT(p, by_id) : RB_RIGHT(p, by_id);
	return (p);
}

struct mesh_peer *
mesh_peer_linked(struct mesh *m, uint64_t session)
{
	struct mesh_peer *p = RB_ROOT(&m->sessions);

	while (p != NULL && p->session != session)
		p = session < p->session ? RB_LEFT(p, by_session) :
		    RB_RIGHT(p, by_session);
	return (p);
}

struct mesh_peer *
mesh_peer_after(struct mesh *m, uint64_t session)
{
	struct mesh_peer *p = RB_ROOT(&m->sessions), *next = NULL;

	while (p != NULL) {
		if (p->session > session) {
			next = p;
			p = RB_LEFT(p, by_session);
		} else
			p = RB_RIGHT(p, by_session);
	}
	return (next);
}

void
mesh_peer_tell(struct mesh *m, struct mesh_peer *p)
{
	if (!p->telling)
		TAILQ_INSERT_TAIL(&m->telling, p, link);
	p->telling = true;
}

void
mesh_peer_release(struct mesh *m, struct mesh_peer *p)
{
	if (p->session == 0 && p->told == TOLD_NOTHING && !p->forget &&
	    RB_EMPTY(&p->rows.rows))
		peer_free(m, p);
}

static struct mesh_peer *
peer_add(struct mesh *m, const char *id, struct monotime now)
{
	size_t len = strlen(id) + 1;
	struct mesh_peer *p;

	if ((p = calloc(1, sizeof(*p) + len)) == NULL)
		fatal("no memory for a Main");
	memcpy(p->id, id, len);
	mesh_table_init(&p->rows);
	p->tokens = (int64_t)m->limits.burst * 1000;
	p->tokens_at = now;
	RB_INSERT(mesh_ids, &m->ids, p);
	return (p);
}

/* What belongs to a session: the rest outlives it. */
static void
start_session(struct mesh_peer *p, bool resumed, struct monotime now)
{
	p->hear = HEAR_SNAPSHOT;
	p->taking = p->in_part = false;
	p->fresh_mark = p->mark + 1;
	p->heard = p->progress = now;
	p->resync = resumed;
	p->resync_at = now;
	p->snap = SNAP_DUE;
	p->snap_at = now;
	p->credit = true;
	p->digest = false;
}

static void
link_down(struct mesh *m, struct mesh_peer *p, struct monotime now)
{
	RB_REMOVE(mesh_sessions, &m->sessions, p);
	mesh_slot_give(m, p);
	p->session = 0;
	p->hear = HEAR_NOTHING;
	p->resync = false;
	p->snap = SNAP_NONE;
	/* One that never got to its end leaves what was stale as it was. */
	if (!p->stale) {
		p->stale = true;
		p->stale_since = now;
	}
	if (RB_EMPTY(&m->sessions)) {
		mesh_delta_close(m);
		mesh_table_settle(&m->own, true);
		m->digest = false;
	}
}

void
mesh_link_up(struct mesh *m, uint64_t session, const char *id, bool resumed,
    struct monotime now)
{
	struct mesh_peer *p = peer_find(m, id);

	if (p == NULL)
		p = peer_add(m, id, now);
	else if (p->session != 0)
		link_down(m, p, now);
	if (RB_EMPTY(&m->sessions))
		m->digest_at = monotime_add_ms(now, LIMIT_DIGEST_MS);
	p->session = session;
	RB_INSERT(mesh_sessions, &m->sessions, p);
	mesh_slot_take(m, p);
	start_session(p, resumed, now);
	/* What the router has is stale to it until this snapshot's end. */
	if (p->told == TOLD_ALL) {
		p->told = TOLD_BEGIN;
		p->end = false;
	}
	/* What the router has of it, from a process before this, is unknown. */
	if (resumed && p->told == TOLD_NOTHING) {
		p->told = TOLD_BEGIN;
		p->begin = true;
		mesh_peer_tell(m, p);
	}
	/* The end of its snapshot tells the router what is gone. */
	p->forget = false;
}

struct mesh_peer *
mesh_peer_longest_gone(struct mesh *m, uint32_t *n)
{
	struct mesh_peer *p, *longest = NULL;

	*n = 0;
	RB_FOREACH(p, mesh_ids, &m->ids) {
		if (p->session != 0 || !p->stale)
			continue;
		++*n;
		if (longest == NULL || monotime_diff_ms(p->stale_since,
		    longest->stale_since) < 0)
			longest = p;
	}
	return (longest);
}

void
mesh_link_down(struct mesh *m, uint64_t session, struct monotime now)
{
	struct mesh_peer *p = mesh_peer_linked(m, session);
	uint32_t n;

	if (p == NULL)
		return;
	link_down(m, p, now);
	mesh_peer_release(m, p);
	while ((p = mesh_peer_longest_gone(m, &n)) != NULL &&
	    n > m->limits.gone)
		mesh_peer_purge(m, p);
}

void
mesh_resync(struct mesh *m, uint64_t session)
{
	struct mesh_peer *p = mesh_peer_linked(m, session);

	if (p == NULL)
		return;
	p->snap = SNAP_DUE;
	p->credit = true;
}

void
mesh_more(struct mesh *m, uint64_t session)
{
	struct mesh_peer *p = mesh_peer_linked(m, session);

	if (p != NULL)
		p->credit = true;
}

/* --- words --- */

static struct mesh_word *
add_word(struct mesh *m, uint64_t session, struct span id, bool found,
    unsigned int node)
{
	struct mesh_word *word;

	if (m->n_words >= LIMIT_PEER_WORDS) {
		m->stats.dropped++;
		return (NULL);
	}
	if ((word = calloc(1, sizeof(*word) + id.len + 1)) == NULL)
		fatal("no memory for an answer");
	word->session = session;
	word->found = found;
	word->node = (uint8_t)node;
	(void)span_copy(id, word->id, id.len + 1);
	STAILQ_INSERT_TAIL(&m->words, word, link);
	m->n_words++;
	return (word);
}

void
mesh_answer(struct mesh *m, uint64_t session, struct span message_id,
    bool found, unsigned int node)
{
	(void)add_word(m, session, message_id, found, node);
}

void
mesh_barrier(struct mesh *m, uint64_t query, uint64_t session, bool found,
    unsigned int node)
{
	struct mesh_word *word;

	word = add_word(m, session, span_str(""), found, node);
	if (word != NULL) {
		word->barrier = true;
		word->query = query;
	}
}

/* --- the router and time --- */

void
mesh_router_gone(struct mesh *m, struct monotime now)
{
	struct mesh_peer *p, *next;

	RB_FOREACH_SAFE(p, mesh_ids, &m->ids, next) {
		if (p->session != 0)
			link_down(m, p, now);
		mesh_table_settle(&p->rows, false);
		p->told = TOLD_NOTHING;
		p->begin = p->end = p->forget = false;
		mesh_peer_release(m, p);
	}
	/* The homes' links went with it; those that come back register. */
	mesh_share_drop(m);
	mesh_table_clear(&m->own);
	mesh_table_init(&m->own);
	m->stats.cut = 0;
	drop_words(m);
}

void
mesh_router_up(struct mesh *m)
{
	struct mesh_peer *p;

	RB_FOREACH(p, mesh_ids, &m->ids) {
		if (p->rows.count == 0)
			continue;
		mesh_table_dirty(&p->rows);
		p->told = TOLD_ALL;
		p->begin = p->end = true;
		mesh_peer_tell(m, p);
	}
}

void
mesh_peer_purge(struct mesh *m, struct mesh_peer *p)
{
	uint32_t before = p->rows.count;

	p->stale = false;
	if (p->session != 0) {
		/* It is back, but never got to the end of its snapshot. */
		mesh_peer_sweep(m, p, p->fresh_mark);
		m->stats.purged += before - p->rows.count;
		return;
	}
	m->stats.purged += before;
	mesh_table_clear(&p->rows);
	p->begin = p->end = false;
	if (p->told != TOLD_NOTHING) {
		p->told = TOLD_NOTHING;
		p->forget = true;
		mesh_peer_tell(m, p);
	}
	mesh_peer_release(m, p);
}

void
mesh_tick(struct mesh *m, struct monotime now)
{
	struct mesh_peer *p, *next;

	if (!RB_EMPTY(&m->sessions) && monotime_reached(m->digest_at, now)) {
		m->digest = true;
		m->digest_at = monotime_add_ms(now, LIMIT_DIGEST_MS);
	}
	RB_FOREACH_SAFE(p, mesh_ids, &m->ids, next) {
		if (p->stale && monotime_reached(monotime_add_ms(
		    p->stale_since, LIMIT_STALE_MS), now))
			mesh_peer_purge(m, p);
	}
}

/* --- questions --- */

static bool
view_row(const struct mesh *m, const struct mesh_peer *p,
    const struct mesh_row *row, bool (*each)(void *, const struct mesh_view *),
    void *arg)
{
	struct service *services = mesh_row_services(row);
	uint16_t n = mesh_import(m, p, services, row->n);
	struct mesh_view view = {
		.main_id = p->id,
		.node = row->node,
		.services = services,
		.n = n,
		.stale = mesh_row_stale(p, row),
		.stale_since = p->stale_since,
		.heard = p->heard
	};
	bool more = (n == 0 && row->n > 0) || each(arg, &view);

	mesh_services_free(services, n);
	return (more);
}

void
mesh_each(struct mesh *m, bool (*each)(void *, const struct mesh_view *),
    void *arg)
{
	struct mesh_peer *p;
	struct mesh_row *row;

	RB_FOREACH(p, mesh_ids, &m->ids) {
		RB_FOREACH(row, mesh_rows, &p->rows.rows) {
			if (!row->gone && !view_row(m, p, row, each, arg))
				return;
		}
	}
}

bool
mesh_main(const struct mesh *m, const char *id, struct mesh_main *out)
{
	const struct mesh_peer *p = peer_find(m, id);

	memset(out, 0, sizeof(*out));
	if (p == NULL)
		return (false);
	out->nodes = p->rows.count;
	out->services = p->rows.services;
	out->linked = p->session != 0;
	out->synced = p->hear == HEAR_DELTAS;
	out->resyncs = p->resyncs;
	out->refused_rows = p->refused_rows;
	return (true);
}

void
mesh_stats(struct mesh *m, struct mesh_stats *out)
{
	struct mesh_peer *p;

	*out = m->stats;
	out->own_nodes = m->own.count;
	RB_FOREACH(p, mesh_ids, &m->ids) {
		out->other_nodes += p->rows.count;
		out->other_services += p->rows.services;
		out->other_bytes += p->rows.bytes;
	}
}
