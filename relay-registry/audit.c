/* SPDX-License-Identifier: ISC */
/*
 * See audit.h.
 *
 * A record's hash is the SHA-256, in lower-case hex, of seven lines, each ended
 * by a newline: the hash of the record before it in its chain, then its seq,
 * time (ms since 1970) and event as decimal numbers, subject, object and
 * detail, as they are in the table `audit'.  Texts are printable ASCII and so
 * never have a newline.  Numbers go up through all chains; which one a record
 * is of is in `chain'.  The hash before the first record of a chain that is
 * there is audit_head.anchor, 64 zeros until the first ones went; audit_head
 * also has the number and the hash of the last.  So anybody can check it with a
 * copy of the file:
 *
 *	printf '%s\n' "$before" "$seq" "$time" "$event" "$subject" \
 *	    "$object" "$detail" | sha256sum
 *
 * What this shows: that one who could change or delete some rows, by mistake or
 * not, did.  What it cannot: there is no key in it, so whoever may write the
 * whole file, as the registry itself or root may, can compute a new chain from
 * where he likes to its end.  Against him helps only a hash that is elsewhere:
 * the log has those of the last at each start, audit verify prints them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "common/log.h"
#include "relay-registry/audit_impl.h"
#include "relay-registry/registry_impl.h"
#include "relay-registry/token.h"

#define TEXT_SIZE	(LIMIT_AUDIT_TEXT + 1)

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

static const char *const chain_names[AUDIT_CHAINS] = {
	[AUDIT_OPERATOR] = "operator",
	[AUDIT_NODES] = "nodes",
	[AUDIT_STRANGERS] = "strangers",
};

const char *
audit_chain_name(enum audit_chain chain)
{
	return (chain_names[chain]);
}

/* Who causes it. */
static enum audit_chain
chain_of(enum audit_event event)
{
	switch (event) {
	case AUDIT_ADMIT:
	case AUDIT_END:
	case AUDIT_REGISTER:
	case AUDIT_REJECT:
		return (AUDIT_NODES);
	case AUDIT_REFUSE:
	case AUDIT_DENY:
		return (AUDIT_STRANGERS);
	default:
		return (AUDIT_OPERATOR);
	}
}

/* --- the chain --- */

void
audit_hash(const char *before, const struct audit_row *row,
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
trim(struct registry *r, enum audit_chain chain)
{
	struct audit_head *head = &r->audit.heads[chain];
	uint64_t part = r->audit.limit[chain] / 100 + 1;
	int64_t last = 0;

	if (head->count <= r->audit.limit[chain])
		return;
	if (registry_run(r, DB_AUDIT_OLD, "ii", (int64_t)chain,
	    (int64_t)part - 1) == 1) {
		last = db_int(r->db, DB_AUDIT_OLD, 0);
		strlcpy(head->anchor, db_text(r->db, DB_AUDIT_OLD, 1),
		    sizeof(head->anchor));
	}
	db_done(r->db, DB_AUDIT_OLD);
	registry_run(r, DB_AUDIT_TRIM, "ii", (int64_t)chain, last);
	head->count -= part;
}

static void
add(struct registry *r, enum audit_chain chain, enum audit_event event,
    const char *subject, const char *object, const char *detail,
    struct when now)
{
	struct audit *a = &r->audit;
	struct audit_head *head = &a->heads[chain];
	const struct audit_row row = { a->seq + 1, now.wall_ms, event,
	    subject, object, detail };

	if (!registry_begin(r))
		return;
	audit_hash(head->hash, &row, head->hash);
	a->seq = head->seq = row.seq;
	head->count++;
	head->changed = true;
	registry_run(r, DB_AUDIT_ADD, "iiiitttt", (int64_t)row.seq,
	    (int64_t)chain, row.time_ms, row.event, subject, object, detail,
	    head->hash);
	trim(r, chain);
}

/* --- what comes at any pace --- */

/* Whether there is room for it in what its causer may fill. */
static bool
may_add(struct registry *r, enum audit_event event, const char *subject,
    struct when now)
{
	struct audit_budget *b = &r->audit.budget;

	switch (chain_of(event)) {
	case AUDIT_NODES:
		return (audit_budget_node(b, subject, now.mono.ms));
	case AUDIT_STRANGERS:
		return (audit_budget_kind(b, event == AUDIT_REFUSE ?
		    AUDIT_REFUSALS : AUDIT_DENIALS, now.mono.ms));
	default:
		return (true);
	}
}

/* Who is told what was counted. */
struct telling {
	struct registry	*r;
	struct when	 now;
};

static void
tell(void *arg, enum audit_kind kind, const char *node, uint32_t n)
{
	static const char *const objects[AUDIT_KINDS + 1] = {
		[AUDIT_REFUSALS] = "refuse",
		[AUDIT_DENIALS] = "deny",
		[AUDIT_KINDS] = "",
	};
	const struct telling *t = arg;
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu32 " more", n);
	add(t->r, kind == AUDIT_KINDS ? AUDIT_NODES : AUDIT_STRANGERS,
	    AUDIT_MORE, node, objects[kind], text, t->now);
}

void
audit_tick(struct registry *r, struct when now)
{
	struct telling t = { r, now };

	audit_budget_due(&r->audit.budget, now.mono.ms, tell, &t);
}

void
audit_more(struct registry *r, uint32_t n, struct when now)
{
	if (n > 0)
		audit_bucket_more(&r->audit.budget.kinds[AUDIT_DENIALS], n,
		    now.mono.ms);
}

void
audit_note(struct registry *r, enum audit_event event, struct span subject,
    struct span object, struct span detail, struct when now)
{
	char subject_text[TEXT_SIZE], object_text[TEXT_SIZE];
	char detail_text[TEXT_SIZE];

	registry_clean(subject, subject_text, sizeof(subject_text));
	if (!may_add(r, event, subject_text, now))
		return;
	registry_clean(object, object_text, sizeof(object_text));
	registry_clean(detail, detail_text, sizeof(detail_text));
	add(r, chain_of(event), event, subject_text, object_text, detail_text,
	    now);
}

void
audit_text(struct registry *r, enum audit_event event, const char *subject,
    const char *object, const char *detail, struct when now)
{
	audit_note(r, event, span_str(subject), span_str(object),
	    span_str(detail), now);
}

/* --- the heads --- */

bool
audit_read_head(struct registry *r, enum audit_chain chain,
    struct audit_head *head)
{
	bool found;

	found = registry_run(r, DB_AUDIT_HEAD, "i", (int64_t)chain) == 1;
	if (found) {
		head->count = (uint64_t)db_int(r->db, DB_AUDIT_HEAD, 0);
		strlcpy(head->anchor, db_text(r->db, DB_AUDIT_HEAD, 1),
		    sizeof(head->anchor));
		head->seq = (uint64_t)db_int(r->db, DB_AUDIT_HEAD, 2);
		strlcpy(head->hash, db_text(r->db, DB_AUDIT_HEAD, 3),
		    sizeof(head->hash));
	}
	db_done(r->db, DB_AUDIT_HEAD);
	return (found);
}

/* The number and hash of the last row. */
static void
read_last(struct registry *r, enum audit_chain chain, struct audit_head *last)
{
	memset(last, 0, sizeof(*last));
	if (registry_run(r, DB_AUDIT_LAST, "i", (int64_t)chain) == 1) {
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
find_head(struct registry *r, enum audit_chain chain)
{
	struct audit_head *head = &r->audit.heads[chain], last;
	bool whole = audit_read_head(r, chain, head);

	if (!whole) {
		memset(head->anchor, '0', AUDIT_HASH_SIZE - 1);
		strlcpy(head->hash, "lost", sizeof(head->hash));
	}
	read_last(r, chain, &last);
	if (!whole || head->seq != last.seq || (last.seq != 0 &&
	    strcmp(head->hash, last.hash) != 0)) {
		log_err("the audit log was changed by somebody else, or cut: "
		    "audit verify says where");
		if (last.seq > head->seq) {
			head->count += last.seq - head->seq;
			head->seq = last.seq;
		}
	} else if (head->seq > 0)
		log_info("audit log: %" PRIu64 " records of %s, the last is %"
		    PRIu64 " %s", head->count, chain_names[chain], head->seq,
		    head->hash);
}

bool
audit_open(struct registry *r, struct when now)
{
	struct audit *a = &r->audit;
	int chain;

	memset(a, 0, sizeof(*a));
	audit_budget_init(&a->budget);
	a->limit[AUDIT_NODES] = LIMIT_AUDIT_NODES;
	a->limit[AUDIT_STRANGERS] = LIMIT_AUDIT_STRANGERS;
	a->limit[AUDIT_OPERATOR] = LIMIT_AUDIT - LIMIT_AUDIT_NODES -
	    LIMIT_AUDIT_STRANGERS;
	for (chain = AUDIT_OPERATOR; chain < AUDIT_CHAINS; chain++) {
		find_head(r, (enum audit_chain)chain);
		if (a->seq < a->heads[chain].seq)
			a->seq = a->heads[chain].seq;
	}
	audit_text(r, AUDIT_START, "", "", PACKAGE_VERSION, now);
	audit_commit(r);
	return (!r->broken);
}

void
audit_clear(struct registry *r)
{
	audit_budget_clear(&r->audit.budget);
}

bool
audit_pending(const struct registry *r)
{
	int chain;

	for (chain = AUDIT_OPERATOR; chain < AUDIT_CHAINS; chain++) {
		if (r->audit.heads[chain].changed)
			return (true);
	}
	return (false);
}

void
audit_commit(struct registry *r)
{
	struct audit_head *head;
	int64_t chain;

	for (chain = AUDIT_OPERATOR; chain < AUDIT_CHAINS && !r->broken;
	    chain++) {
		head = &r->audit.heads[chain];
		if (!head->changed)
			continue;
		registry_run(r, DB_AUDIT_HEAD_SET, "iitit", chain,
		    (int64_t)head->count, head->anchor, (int64_t)head->seq,
		    head->hash);
		head->changed = false;
	}
}

void
audit_rollback(struct registry *r)
{
	struct audit *a = &r->audit;
	int chain;

	a->seq = 0;
	for (chain = AUDIT_OPERATOR; chain < AUDIT_CHAINS; chain++) {
		a->heads[chain].changed = false;
		(void)audit_read_head(r, (enum audit_chain)chain,
		    &a->heads[chain]);
		if (a->seq < a->heads[chain].seq)
			a->seq = a->heads[chain].seq;
	}
}
