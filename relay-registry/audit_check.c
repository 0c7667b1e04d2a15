/* SPDX-License-Identifier: ISC */
/* See audit.h: what is asked of the audit log. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "relay-registry/audit_impl.h"
#include "relay-registry/registry_impl.h"

/* --- what it has --- */

static void
get_row(struct registry *r, enum db_stmt stmt, struct audit_row *row)
{
	row->seq = (uint64_t)db_int(r->db, stmt, 0);
	row->time_ms = db_int(r->db, stmt, 1);
	row->event = db_int(r->db, stmt, 2);
	row->subject = db_text(r->db, stmt, 3);
	row->object = db_text(r->db, stmt, 4);
	row->detail = db_text(r->db, stmt, 5);
}

bool
audit_each(struct registry *r, uint64_t before, uint32_t count,
    void (*each)(void *, const struct audit_row *), void *arg)
{
	int64_t end = before == 0 || before > INT64_MAX ? INT64_MAX :
	    (int64_t)before;
	struct audit_row one;
	int row;

	if (count > AUDIT_PAGE)
		count = AUDIT_PAGE;
	row = registry_run(r, DB_AUDIT_PAGE, "ii", end, (int64_t)count);
	for (; row == 1; row = registry_check(r, db_next(r->db,
	    DB_AUDIT_PAGE))) {
		get_row(r, DB_AUDIT_PAGE, &one);
		each(arg, &one);
	}
	db_done(r->db, DB_AUDIT_PAGE);
	return (row == 0);
}

/* --- whether it is whole --- */

/*
 * Whether the row at hand is the one that must come next.  Its bytes are
 * counted as well: behind a NUL there could be more than is hashed.
 */
static bool
is_next(struct registry *r, const char *before, uint64_t after)
{
	struct audit_row row;
	char hash[AUDIT_HASH_SIZE];
	size_t bytes;

	get_row(r, DB_AUDIT_LIST, &row);
	bytes = strlen(row.subject) + strlen(row.object) + strlen(row.detail) +
	    strlen(db_text(r->db, DB_AUDIT_LIST, 6));
	if (row.seq <= after || row.seq > INT64_MAX ||
	    db_int(r->db, DB_AUDIT_LIST, 7) != (int64_t)bytes)
		return (false);
	audit_hash(before, &row, hash);
	return (strcmp(hash, db_text(r->db, DB_AUDIT_LIST, 6)) == 0);
}

/* What was seen of a chain. */
struct walk {
	uint64_t	records, last_seq, broken_at;
	char		hash[AUDIT_HASH_SIZE];
};

static void
broken(struct audit_check *c, uint64_t seq)
{
	if (c->broken_at == 0 || seq < c->broken_at)
		c->broken_at = seq;
}

/* The row at hand. */
static void
check_row(struct registry *r, struct audit_check *c, struct walk *w)
{
	int64_t number = db_int(r->db, DB_AUDIT_LIST, 0);
	uint64_t seq = number < 1 ? 1 : (uint64_t)number;

	if (w->broken_at == 0 && !is_next(r, w->hash, w->last_seq))
		w->broken_at = seq;
	if (c->records++ == 0 || seq < c->first_seq)
		c->first_seq = seq;
	if (seq > c->last_seq)
		c->last_seq = seq;
	w->records++;
	w->last_seq = seq;
	strlcpy(w->hash, db_text(r->db, DB_AUDIT_LIST, 6), sizeof(w->hash));
}

/* What the registry knows of the head is what the database has. */
static bool
same_head(const struct audit_head *a, const struct audit_head *b)
{
	return (a->seq == b->seq && a->count == b->count &&
	    strcmp(a->hash, b->hash) == 0 && strcmp(a->anchor, b->anchor) == 0);
}

static bool
check_chain(struct registry *r, struct audit_check *c, enum audit_chain chain)
{
	const struct audit_head *head = &r->audit.heads[chain];
	struct audit_head read;
	struct walk w = { 0 };
	int row;

	memset(&read, 0, sizeof(read));
	(void)audit_read_head(r, chain, &read);
	strlcpy(w.hash, head->anchor, sizeof(w.hash));
	row = registry_run(r, DB_AUDIT_LIST, "i", (int64_t)chain);
	for (; row == 1; row = registry_check(r, db_next(r->db,
	    DB_AUDIT_LIST)))
		check_row(r, c, &w);
	db_done(r->db, DB_AUDIT_LIST);
	if (w.broken_at == 0 && (w.records != head->count ||
	    w.last_seq != head->seq || strcmp(w.hash, head->hash) != 0 ||
	    !same_head(head, &read)))
		w.broken_at = w.last_seq + 1;
	if (w.broken_at != 0)
		broken(c, w.broken_at);
	return (row == 0);
}

/* One that is of no chain is shown, and so must not be there. */
static bool
check_strays(struct registry *r, struct audit_check *c)
{
	int row = registry_run(r, DB_AUDIT_STRAY, "");
	int64_t seq;

	if (row == 1) {
		seq = db_int(r->db, DB_AUDIT_STRAY, 0);
		c->records++;
		broken(c, seq < 1 ? 1 : (uint64_t)seq);
	}
	db_done(r->db, DB_AUDIT_STRAY);
	return (row != -1);
}

static void
write_heads(const struct registry *r, struct audit_check *c)
{
	const struct audit_head *head;
	char text[AUDIT_HASH_SIZE + 40];
	int chain;

	for (chain = AUDIT_OPERATOR; chain < AUDIT_CHAINS; chain++) {
		head = &r->audit.heads[chain];
		snprintf(text, sizeof(text), "%s%s %" PRIu64 " %s",
		    chain == AUDIT_OPERATOR ? "" : ", ",
		    audit_chain_name((enum audit_chain)chain), head->seq,
		    head->hash);
		strlcat(c->heads, text, sizeof(c->heads));
	}
}

bool
audit_verify(struct registry *r, struct audit_check *c)
{
	int chain;

	memset(c, 0, sizeof(*c));
	audit_commit(r);
	for (chain = AUDIT_OPERATOR; chain < AUDIT_CHAINS; chain++) {
		if (!check_chain(r, c, (enum audit_chain)chain))
			return (false);
	}
	if (!check_strays(r, c))
		return (false);
	c->ok = c->broken_at == 0;
	write_heads(r, c);
	return (true);
}
