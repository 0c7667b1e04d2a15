/* SPDX-License-Identifier: ISC */
/*
 * How much of the audit log others may fill, so that nobody pushes out in a
 * short time what is there.  Records are taken from buckets, each of which
 * holds a burst and is filled up again at a slow pace: one for each kind that
 * strangers cause, one for each node that was let in, and one for all of these
 * together.  What finds its bucket empty is counted, and the counts are told at
 * most once in LIMIT_AUDIT_MORE_MS each.  What the operator does has no bucket.
 *
 * Pure: time is passed in, in ms of a clock that only goes forward.
 */
#ifndef RELAY_REGISTRY_AUDIT_BUDGET_H
#define RELAY_REGISTRY_AUDIT_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include <bsd/sys/tree.h>

/* So many at once, and one more in each such time. */
struct audit_pace {
	uint32_t	burst;
	int64_t		refill_ms;
};

/* All zero is a full one. */
struct audit_bucket {
	int64_t		full_ms;	/* when it is full again */
	int64_t		tell_ms;	/* the count is not told before */
	uint32_t	more;		/* that found it empty */
};

/* Whether one may be recorded; else it is counted. */
bool		audit_bucket_take(struct audit_bucket *,
		    const struct audit_pace *, int64_t);
/* So many more are counted. */
void		audit_bucket_more(struct audit_bucket *, uint32_t, int64_t);
/* How many are to be told now; 0: none, or not yet. */
uint32_t	audit_bucket_due(struct audit_bucket *, int64_t);

struct audit_node;
RB_HEAD(audit_nodes, audit_node);

/* What strangers cause. */
enum audit_kind { AUDIT_REFUSALS, AUDIT_DENIALS, AUDIT_KINDS };

struct audit_budget {
	struct audit_bucket	 kinds[AUDIT_KINDS];
	struct audit_bucket	 all;		/* of nodes */
	struct audit_nodes	 nodes;		/* whose bucket is not full */
	uint32_t		 n;
	uint32_t		 max;
};

void		audit_budget_init(struct audit_budget *);
void		audit_budget_clear(struct audit_budget *);
bool		audit_budget_kind(struct audit_budget *, enum audit_kind,
		    int64_t);
bool		audit_budget_node(struct audit_budget *, const char *,
		    int64_t);

/*
 * What is to be told now, by calls with the kind, or AUDIT_KINDS and the node
 * (empty: of all), and how many; and forget nodes whose bucket is full.
 */
void		audit_budget_due(struct audit_budget *, int64_t,
		    void (*)(void *, enum audit_kind, const char *, uint32_t),
		    void *);

#endif
