/* SPDX-License-Identifier: ISC */
/*
 * See audit.h.
 *
 * A record's hash is the SHA-256, in lower-case hex, of seven lines, each ended
 * by a newline: the hash of the record before it, then its seq, time (ms since
 * 1970) and event as decimal numbers, subject, object and detail, as they are
 * in the table `audit'.  Texts are printable ASCII and so never have a newline.
 * The hash before the first record that is there is audit_head.anchor, 64 zeros
 * until the first ones went; audit_head also has the number and the hash of the
 * last.  So anybody can check it with a copy of the file:
 *
 *	printf '%s\n' "$before" "$seq" "$time" "$event" "$subject" \
 *	    "$object" "$detail" | sha256sum
 *
 * What this shows: that one who could change or delete some rows, by mistake or
 * not, did.  What it cannot: there is no key in it, so whoever may write the
 * whole file, as the registry itself or root may, can compute a new chain from
 * where he likes to its end.  Against him helps only a hash that is elsewhere:
 * the log has the head's at each start, audit verify prints it.  Nor does it
 * help against a node that is let in and comes and goes until the oldest went.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "common/log.h"
#include "relay-registry/registry_impl.h"
#include "relay-registry/token.h"

#define TEXT_SIZE	(LIMIT_AUDIT_TEXT + 1)
#define RATE_MS		1000	/* in which LIMIT_AUDIT_RATE are recorded */

static const char *const event_names[AUDIT_MAX] = {
	[AUDIT_START] = "start",
	[AUDIT_CONFIG] = "config",
	[AUDIT_ADMIT] = "admit",
	[AUDIT_REFUSE] = "refuse",
	[AUDIT_END] = "end",
	[AUDIT_REGISTER] = "register",
	[AUDIT_REJECT] = "reject",
	[AUDIT_DENY] = "deny",
	[AUDIT_PEER] = "peer",
	[AUDIT_TOKEN] = "token",
	[AUDIT_NODE] = "node",
	[AUDIT_MORE] = "more",
};

const char *
audit_event_name(int64_t event)
{
	return (event < AUDIT_START || event >= AUDIT_MAX ? "unknown" :
	    event_names[event]);
}

/* --- the chain --- */

static void
hash_row(const char *before, const struct audit_row *row,
    char hash[AUDIT_HASH_SIZE])
{
	char text[AUDIT_HASH_SIZE + 3 * 24 + 3 * TEXT_SIZE];
	int n;

	n = snprintf(text, sizeof(text), "%s\n%" PRIu64 "\n%" PRId64
	    "\n%" PRId64 "\n%s\n%s\n%s\n", before, row->seq, row->time_ms,
	    row->event, row->subject, row->object, row->detail);
	/* Longer texts than are ever written end up with another hash. */
	if ((size_t)n >= sizeof(text))
		n = sizeof(text) - 1;
	token_hash((struct span){ text, (size_t)n }, hash);
}

/* A part of the oldest goes; the chain then begins behind it. */
static void
trim(struct registry *r)
{
	struct audit *a = &r->audit;
	uint64_t part = a->limit / 100 + 1;
	int64_t last;

	if (a->count <= a->limit)
		return;
	last = (int64_t)(a->seq - a->count + part);
	if (registry_run(r, DB_AUDIT_HASH, "i", last) == 1)
		strlcpy(a->anchor, db_text(r->db, DB_AUDIT_HASH, 0),
		    sizeof(a->anchor));
	db_done(r->db, DB_AUDIT_HASH);
	registry_run(r, DB_AUDIT_TRIM, "i", last);
	a->count -= part;
}

static void
add(struct registry *r, enum audit_event event, const char *subject,
    const char *object, const char *detail, struct when now)
{
	struct audit *a = &r->audit;
	const struct audit_row row = { a->seq + 1, now.wall_ms, event,
	    subject, object, detail };

	if (!registry_begin(r))
		return;
	hash_row(a->hash, &row, a->hash);
	a->seq++;
	a->count++;
	a->changed = true;
	registry_run(r, DB_AUDIT_ADD, "iiitttt", (int64_t)row.seq,
	    row.time_ms, row.event, subject, object, detail, a->hash);
	trim(r);
}

/* --- what comes at any pace --- */

static bool
is_limited(enum audit_event event)
{
	return (event == AUDIT_REFUSE || event == AUDIT_REJECT ||
	    event == AUDIT_DENY);
}

/* The second is over. */
static void
next_second(struct registry *r, enum audit_event event, struct when now)
{
	struct audit_rate *rate = &r->audit.rate[event];
	char text[32];

	if (now.mono.ms - rate->since_ms < RATE_MS)
		return;
	snprintf(text, sizeof(text), "%" PRIu32 " more", rate->more);
	if (rate->more > 0)
		add(r, AUDIT_MORE, "", event_names[event], text, now);
	*rate = (struct audit_rate){ .since_ms = now.mono.ms };
}

void
audit_more(struct registry *r, enum audit_event event, uint32_t n,
    struct when now)
{
	struct audit_rate *rate = &r->audit.rate[event];

	if (n == 0)
		return;
	next_second(r, event, now);
	rate->more = n > UINT32_MAX - rate->more ? UINT32_MAX :
	    rate->more + n;
}

void
audit_tick(struct registry *r, struct when now)
{
	int event;

	for (event = AUDIT_START; event < AUDIT_MAX; event++) {
		if (r->audit.rate[event].more > 0)
			next_second(r, event, now);
	}
}

void
audit_note(struct registry *r, enum audit_event event, struct span subject,
    struct span object, struct span detail, struct when now)
{
	char subject_text[TEXT_SIZE], object_text[TEXT_SIZE];
	char detail_text[TEXT_SIZE];

	if (is_limited(event)) {
		next_second(r, event, now);
		if (r->audit.rate[event].n >= LIMIT_AUDIT_RATE) {
			audit_more(r, event, 1, now);
			return;
		}
		r->audit.rate[event].n++;
	}
	registry_clean(subject, subject_text, sizeof(subject_text));
	registry_clean(object, object_text, sizeof(object_text));
	registry_clean(detail, detail_text, sizeof(detail_text));
	add(r, event, subject_text, object_text, detail_text, now);
}

void
audit_text(struct registry *r, enum audit_event event, const char *subject,
    const char *object, const char *detail, struct when now)
{
	audit_note(r, event, span_str(subject), span_str(object),
	    span_str(detail), now);
}

/* --- the head --- */

/* What the database says of it; false: it has none. */
static bool
read_head(struct registry *r, struct audit *a)
{
	bool found;

	found = registry_run(r, DB_AUDIT_HEAD, "") == 1;
	if (found) {
		a->count = (uint64_t)db_int(r->db, DB_AUDIT_HEAD, 0);
		strlcpy(a->anchor, db_text(r->db, DB_AUDIT_HEAD, 1),
		    sizeof(a->anchor));
		a->seq = (uint64_t)db_int(r->db, DB_AUDIT_HEAD, 2);
		strlcpy(a->hash, db_text(r->db, DB_AUDIT_HEAD, 3),
		    sizeof(a->hash));
	}
	db_done(r->db, DB_AUDIT_HEAD);
	return (found);
}

/* The number and hash of the last row. */
static void
read_last(struct registry *r, struct audit *last)
{
	memset(last, 0, sizeof(*last));
	if (registry_run(r, DB_AUDIT_LAST, "") == 1) {
		last->seq = (uint64_t)db_int(r->db, DB_AUDIT_LAST, 0);
		strlcpy(last->hash, db_text(r->db, DB_AUDIT_LAST, 1),
		    sizeof(last->hash));
	}
	db_done(r->db, DB_AUDIT_LAST);
}

/*
 * A head that does not fit the last row stays what the next record is chained
 * to, so that the break is there for as long as the records around it.
 */
static void
find_head(struct registry *r)
{
	struct audit *a = &r->audit, last;
	bool whole = read_head(r, a);

	if (!whole) {
		memset(a->anchor, '0', AUDIT_HASH_SIZE - 1);
		strlcpy(a->hash, "lost", sizeof(a->hash));
	}
	read_last(r, &last);
	if (whole && a->seq == last.seq &&
	    (a->seq == 0 || strcmp(a->hash, last.hash) == 0))
		return;
	log_err("the audit log was changed by somebody else, or cut: "
	    "audit verify says where");
	if (last.seq > a->seq) {
		a->count += last.seq - a->seq;
		a->seq = last.seq;
	}
}

bool
audit_open(struct registry *r, struct when now)
{
	struct audit *a = &r->audit;

	memset(a, 0, sizeof(*a));
	a->limit = LIMIT_AUDIT;
	find_head(r);
	if (a->seq > 0)
		log_info("audit log: %" PRIu64 " records, the last is %"
		    PRIu64 " %s", a->count, a->seq, a->hash);
	audit_text(r, AUDIT_START, "", "", PACKAGE_VERSION, now);
	audit_commit(r);
	return (!r->broken);
}

bool
audit_pending(const struct registry *r)
{
	return (r->audit.changed);
}

void
audit_commit(struct registry *r)
{
	struct audit *a = &r->audit;

	if (!a->changed || r->broken)
		return;
	registry_run(r, DB_AUDIT_HEAD_SET, "itit", (int64_t)a->count,
	    a->anchor, (int64_t)a->seq, a->hash);
	a->changed = false;
}

void
audit_rollback(struct registry *r)
{
	struct audit head;

	r->audit.changed = false;
	if (!read_head(r, &head))
		return;
	r->audit.count = head.count;
	r->audit.seq = head.seq;
	memcpy(r->audit.anchor, head.anchor, sizeof(head.anchor));
	memcpy(r->audit.hash, head.hash, sizeof(head.hash));
}

/* --- questions --- */

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

/*
 * Whether the row at hand is the one that must come next.  Its bytes are
 * counted as well: behind a NUL there could be more than is hashed.
 */
static bool
is_next(struct registry *r, const char *before, uint64_t seq)
{
	struct audit_row row;
	char hash[AUDIT_HASH_SIZE];
	size_t bytes;

	get_row(r, DB_AUDIT_LIST, &row);
	bytes = strlen(row.subject) + strlen(row.object) + strlen(row.detail) +
	    strlen(db_text(r->db, DB_AUDIT_LIST, 6));
	if (row.seq != seq || db_int(r->db, DB_AUDIT_LIST, 7) !=
	    (int64_t)bytes)
		return (false);
	hash_row(before, &row, hash);
	return (strcmp(hash, db_text(r->db, DB_AUDIT_LIST, 6)) == 0);
}

static bool
check_rows(struct registry *r, struct audit_check *c, uint64_t next,
    char hash[AUDIT_HASH_SIZE])
{
	int row = registry_run(r, DB_AUDIT_LIST, "");

	for (; row == 1; row = registry_check(r, db_next(r->db,
	    DB_AUDIT_LIST)), next++) {
		c->last_seq = (uint64_t)db_int(r->db, DB_AUDIT_LIST, 0);
		if (c->records++ == 0)
			c->first_seq = c->last_seq;
		if (c->broken_at == 0 && !is_next(r, hash, next))
			c->broken_at = next;
		strlcpy(hash, db_text(r->db, DB_AUDIT_LIST, 6),
		    AUDIT_HASH_SIZE);
	}
	db_done(r->db, DB_AUDIT_LIST);
	return (row == 0);
}

/* What the registry knows of the head is what the database has. */
static bool
same_head(const struct audit *a, const struct audit *b)
{
	return (a->seq == b->seq && a->count == b->count &&
	    strcmp(a->hash, b->hash) == 0 && strcmp(a->anchor, b->anchor) == 0);
}

bool
audit_verify(struct registry *r, struct audit_check *c)
{
	const struct audit *a = &r->audit;
	char hash[AUDIT_HASH_SIZE];
	struct audit head;

	memset(c, 0, sizeof(*c));
	audit_commit(r);
	memset(&head, 0, sizeof(head));
	(void)read_head(r, &head);
	strlcpy(hash, a->anchor, sizeof(hash));
	if (!check_rows(r, c, a->seq - a->count + 1, hash))
		return (false);
	if (c->broken_at == 0 && (c->records != a->count ||
	    strcmp(hash, a->hash) != 0 || !same_head(a, &head)))
		c->broken_at = c->records > a->count ? a->seq + 1 :
		    a->seq - a->count + c->records + 1;
	c->ok = c->broken_at == 0;
	strlcpy(c->head, a->hash, sizeof(c->head));
	return (true);
}
