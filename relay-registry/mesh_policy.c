/* SPDX-License-Identifier: ISC */
/*
 * Discovery between Mains: what policy leaves of rows.
 *
 * Tables hold rows whole, both ways, and policy is held against them when they
 * are told: a change of it needs no memory of what was left out.  For each Main
 * a bit of each own row says whether it may know the row, so that nobody is
 * told of the end of a home it never heard of.
 */
#include <stdlib.h>
#include <string.h>

#include "common/hash.h"
#include "common/log.h"
#include "relay-registry/mesh_impl.h"

static const uint8_t no_key[HASH_KEY_LEN];

/* --- sets of Mains --- */

static bool
set_has(const struct mesh_set *s, uint32_t slot)
{
	return (slot < MESH_SLOTS && (s->words[slot / 64] >> slot % 64 & 1));
}

static void
set_put(struct mesh_set *s, uint32_t slot, bool in)
{
	uint64_t bit = UINT64_C(1) << slot % 64;

	if (slot >= MESH_SLOTS)
		return;
	if (in)
		s->words[slot / 64] |= bit;
	else
		s->words[slot / 64] &= ~bit;
}

/* --- names --- */

int
mesh_name_cmp(struct mesh_name *a, struct mesh_name *b)
{
	return (strcmp(a->name, b->name));
}

RB_GENERATE(mesh_names, mesh_name, entry, mesh_name_cmp)

/* A reference to the name, which mesh_name_put() gives back. */
static struct mesh_name *
name_get(struct mesh *m, const char *name)
{
	struct mesh_name *n = RB_ROOT(&m->names);
	size_t len = strlen(name) + 1;
	int c;

	while (n != NULL && (c = strcmp(name, n->name)) != 0)
		n = c < 0 ? RB_LEFT(n, entry) : RB_RIGHT(n, entry);
	if (n == NULL) {
		if ((n = calloc(1, sizeof(*n) + len)) == NULL)
			fatal("no memory for a name");
		memcpy(n->name, name, len);
		RB_INSERT(mesh_names, &m->names, n);
	}
	n->refs++;
	return (n);
}

static void
name_put(struct mesh *m, struct mesh_name *n)
{
	if (--n->refs > 0)
		return;
	RB_REMOVE(mesh_names, &m->names, n);
	free(n);
}

static bool
may_export(const struct mesh *m, const struct mesh_peer *p,
    struct mesh_name *n)
{
	if (!set_has(&n->asked, p->slot)) {
		set_put(&n->asked, p->slot, true);
		set_put(&n->allowed, p->slot, m->policy.may_export(
		    m->policy.arg, p->id, n->name));
	}
	return (set_has(&n->allowed, p->slot));
}

/* --- life --- */

void
mesh_policy_init(struct mesh *m)
{
	RB_INIT(&m->names);
	TAILQ_INIT(&m->delta);
}

void
mesh_policy_free(struct mesh *m)
{
	free(m->scratch.buf);
}

void
mesh_slot_take(struct mesh *m, struct mesh_peer *p)
{
	struct mesh_name *n;
	struct mesh_row *row;

	for (p->slot = 0; set_has(&m->slots, p->slot); p->slot++)
		;
	set_put(&m->slots, p->slot, true);
	RB_FOREACH(n, mesh_names, &m->names)
		set_put(&n->asked, p->slot, false);
	RB_FOREACH(row, mesh_rows, &m->own.rows)
		mesh_share_know(p, row, false);
}

void
mesh_slot_give(struct mesh *m, struct mesh_peer *p)
{
	set_put(&m->slots, p->slot, false);
}

/* --- own rows --- */

bool
mesh_shares(const struct mesh *m)
{
	return (m->policy.may_export != NULL);
}

void
mesh_share_release(struct mesh *m, struct mesh_row *row)
{
	struct mesh_share *s = row->share;

	if (s == NULL)
		return;
	while (s->n > 0)
		name_put(m, s->parts[--s->n].name);
	free(s->parts);
	s->parts = NULL;
}

static struct mesh_share *
share_of(struct mesh_row *row)
{
	if (row->share == NULL) {
		if ((row->share = calloc(1, sizeof(*row->share))) == NULL)
			fatal("no memory for a home");
		row->share->row = row;
	}
	return (row->share);
}

/* Its services one by one: what they are called and where they end. */
static void
find_parts(struct mesh *m, const struct mesh_row *row, struct mesh_share *s)
{
	struct span encoded = mesh_row_encoded(row);
	struct wire_get get;
	struct service service;

	if ((s->parts = calloc(row->n + 1U, sizeof(*s->parts))) == NULL)
		fatal("no memory for a home");
	wire_get_init(&get, encoded.p, encoded.len);
	for (s->n = 0; s->n < row->n; s->n++) {
		get_service(&get, &service);
		s->parts[s->n].name = name_get(m, service.name);
		s->parts[s->n].end = (uint32_t)((const char *)get.p -
		    encoded.p);
		service_clear(&service);
	}
}

void
mesh_share_update(struct mesh *m, struct mesh_row *row)
{
	mesh_share_release(m, row);
	if (mesh_shares(m) && !row->gone)
		find_parts(m, row, share_of(row));
}

void
mesh_share_drop(struct mesh *m)
{
	struct mesh_row *row;

	mesh_delta_close(m);
	RB_FOREACH(row, mesh_rows, &m->own.rows)
		mesh_share_release(m, row);
}

uint64_t
mesh_mask_all(uint16_t n)
{
	return (n >= 64 ? UINT64_MAX : (UINT64_C(1) << n) - 1);
}

uint64_t
mesh_share_mask(struct mesh *m, const struct mesh_peer *p,
    const struct mesh_row *row)
{
	uint64_t mask = 0;
	uint16_t i;

	if (!mesh_shares(m))
		return (mesh_mask_all(row->n));
	for (i = 0; i < row->n; i++) {
		if (may_export(m, p, row->share->parts[i].name))
			mask |= UINT64_C(1) << i;
	}
	return (mask);
}

bool
mesh_share_has(const struct mesh_peer *p, const struct mesh_row *row)
{
	return (row->share != NULL && set_has(&row->share->has, p->slot));
}

void
mesh_share_know(const struct mesh_peer *p, const struct mesh_row *row,
    bool known)
{
	if (row->share != NULL)
		set_put(&row->share->has, p->slot, known);
}

void
mesh_share_put(struct wire_put *w, const struct mesh_row *row, uint64_t mask)
{
	struct span encoded = mesh_row_encoded(row);
	uint32_t start = 0;
	uint16_t i;

	if (mask == mesh_mask_all(row->n)) {
		put_raw(w, encoded.p, encoded.len);
		return;
	}
	for (i = 0; i < row->n; i++) {
		if (mask >> i & 1)
			put_raw(w, encoded.p + start,
			    row->share->parts[i].end - start);
		start = row->share->parts[i].end;
	}
}

static bool
grow(struct wire_put *w, size_t more)
{
	size_t size = w->size * 2 > w->len + more ? w->size * 2 :
	    w->len + more;
	uint8_t *p;

	if ((p = realloc(w->buf, size)) == NULL)
		fatal("no memory for a home");
	w->buf = p;
	w->size = size;
	return (true);
}

/* The hash of a row that has these services only. */
static uint64_t
hash_of(struct mesh *m, const struct mesh_row *row, uint64_t mask)
{
	if (mask == mesh_mask_all(row->n))
		return (row->hash);
	m->scratch.grow = grow;
	m->scratch.len = 0;
	put_str(&m->scratch, row->node);
	mesh_share_put(&m->scratch, row, mask);
	return (siphash13(no_key, m->scratch.buf, m->scratch.len));
}

void
mesh_share_digest(struct mesh *m, const struct mesh_peer *p, uint32_t *nodes,
    uint64_t *digest)
{
	struct mesh_row *row;
	uint64_t mask;

	*nodes = m->own.count;
	*digest = m->own.digest;
	if (!mesh_shares(m))
		return;
	*nodes = 0;
	*digest = 0;
	RB_FOREACH(row, mesh_rows, &m->own.rows) {
		if (row->gone || (mask = mesh_share_mask(m, p, row)) == 0)
			continue;
		++*nodes;
		*digest += hash_of(m, row, mask);
	}
}

/* --- a delta that is told to one after another --- */

bool
mesh_delta_open(struct mesh *m)
{
	struct mesh_row *row;
	size_t len = 0, n = 0;

	if (TAILQ_EMPTY(&m->own.dirty))
		return (false);
	while ((row = TAILQ_FIRST(&m->own.dirty)) != NULL && n < UINT16_MAX) {
		len += strlen(row->node) + row->len + 8;
		if (n++ > 0 && len > LIMIT_PEER_PART)
			break;
		mesh_table_telling(&m->own, row);
		TAILQ_INSERT_TAIL(&m->delta, share_of(row), link);
	}
	m->seq++;
	m->stats.deltas_sent++;
	m->delta_open = true;
	m->delta_session = 0;
	return (true);
}

/* A row that changed meanwhile is in the next one. */
void
mesh_delta_close(struct mesh *m)
{
	struct mesh_share *s;

	while ((s = TAILQ_FIRST(&m->delta)) != NULL) {
		TAILQ_REMOVE(&m->delta, s, link);
		if (!s->row->dirty)
			mesh_table_told(&m->own, s->row);
	}
	m->delta_open = false;
}

/* --- rows of others --- */

/* Whether a service of another Main is taken in. */
static bool
may_import(const struct mesh_policy *policy, const struct mesh_peer *p,
    const char *service)
{
	return (policy->may_import == NULL ||
	    policy->may_import(policy->arg, p->id, service));
}

bool
mesh_row_hidden(const struct mesh *m, const struct mesh_peer *p,
    const struct mesh_row *row)
{
	struct service *services;
	bool hidden = true;
	uint16_t i;

	/* With a link the router takes what it is told for what is there. */
	if (p->session != 0 && mesh_row_stale(p, row))
		return (true);
	if (m->policy.may_import == NULL || row->gone || row->n == 0)
		return (false);
	services = mesh_row_services(row);
	for (i = 0; i < row->n && hidden; i++)
		hidden = !may_import(&m->policy, p, services[i].name);
	mesh_services_free(services, row->n);
	return (hidden);
}

uint16_t
mesh_import(const struct mesh *m, const struct mesh_peer *p,
    struct service *services, uint16_t n)
{
	uint16_t i, k = 0;

	for (i = 0; i < n; i++) {
		if (may_import(&m->policy, p, services[i].name))
			services[k++] = services[i];
		else
			service_clear(&services[i]);
	}
	return (k);
}

/* --- a new policy --- */

static bool
differs(const struct mesh_policy *a, const struct mesh_policy *b,
    const struct mesh_peer *p, const struct mesh_row *row)
{
	struct service *services = mesh_row_services(row);
	bool other = false;
	uint16_t i;

	for (i = 0; i < row->n && !other; i++)
		other = may_import(a, p, services[i].name) !=
		    may_import(b, p, services[i].name);
	mesh_services_free(services, row->n);
	return (other);
}

/* The router is to be told of rows of which other services are taken in. */
static void
import_anew(struct mesh *m, const struct mesh_policy *policy)
{
	struct mesh_peer *p;
	struct mesh_row *row;

	if (m->policy.may_import == NULL && policy->may_import == NULL)
		return;
	RB_FOREACH(p, mesh_ids, &m->ids) {
		if (p->told == TOLD_NOTHING)
			continue;
		RB_FOREACH(row, mesh_rows, &p->rows.rows) {
			if (!row->gone && differs(&m->policy, policy, p, row))
				mesh_table_touch(&p->rows, row);
		}
		mesh_peer_tell(m, p);
	}
}

/*
 * Until now everybody was told everything: who is not waiting for a snapshot
 * has it, and who is in the middle of one begins again.
 */
static struct mesh_set
who_knows(struct mesh *m)
{
	struct mesh_set all = { { 0 } };
	struct mesh_peer *p;

	RB_FOREACH(p, mesh_sessions, &m->sessions) {
		if (p->snap == SNAP_NONE)
			set_put(&all, p->slot, true);
		if (p->snap == SNAP_PARTS) {
			p->snap = SNAP_DUE;
			p->credit = true;
		}
	}
	return (all);
}

/* Policy is another: shares as it needs them. */
static void
share_anew(struct mesh *m, bool shared)
{
	struct mesh_set all;
	struct mesh_name *n;
	struct mesh_row *row;

	RB_FOREACH(n, mesh_names, &m->names)
		memset(&n->asked, 0, sizeof(n->asked));
	if (shared == mesh_shares(m))
		return;
	if (!shared)
		all = who_knows(m);
	RB_FOREACH(row, mesh_rows, &m->own.rows) {
		mesh_share_update(m, row);
		if (!shared)
			share_of(row)->has = row->told ? all :
			    (struct mesh_set){ { 0 } };
	}
}

/* What a Main may have, in short. */
struct sum {
	uint32_t	nodes;
	uint64_t	digest;
};

void
mesh_set_policy(struct mesh *m, const struct mesh_policy *policy)
{
	struct sum before[MESH_SLOTS], now;
	bool shared = mesh_shares(m);
	struct mesh_peer *p;

	RB_FOREACH(p, mesh_sessions, &m->sessions) {
		if (p->slot < MESH_SLOTS)
			mesh_share_digest(m, p, &before[p->slot].nodes,
			    &before[p->slot].digest);
	}
	import_anew(m, policy);
	m->policy = *policy;
	share_anew(m, shared);
	RB_FOREACH(p, mesh_sessions, &m->sessions) {
		mesh_share_digest(m, p, &now.nodes, &now.digest);
		if (p->slot < MESH_SLOTS &&
		    now.nodes == before[p->slot].nodes &&
		    now.digest == before[p->slot].digest)
			continue;
		p->snap = SNAP_DUE;
		p->credit = true;
	}
}
