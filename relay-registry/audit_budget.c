/* SPDX-License-Identifier: ISC */
/* See audit_budget.h. */
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/log.h"
#include "relay-registry/audit_budget.h"

#define SOON_MS	1000	/* in which what comes at once is counted together */

struct audit_node {
	RB_ENTRY(audit_node)	 entry;
	struct audit_bucket	 bucket;
	char			 id[];
};

static const struct audit_pace kind_pace = { LIMIT_AUDIT_BURST,
    LIMIT_AUDIT_REFILL_MS };
static const struct audit_pace node_pace = { LIMIT_AUDIT_NODE_BURST,
    LIMIT_AUDIT_NODE_REFILL_MS };
static const struct audit_pace all_pace = { LIMIT_AUDIT_ALL_BURST,
    LIMIT_AUDIT_ALL_REFILL_MS };

/* --- one bucket --- */

bool
audit_bucket_take(struct audit_bucket *b, const struct audit_pace *pace,
    int64_t now_ms)
{
	int64_t full_ms = b->full_ms > now_ms ? b->full_ms : now_ms;

	if (full_ms - now_ms > (pace->burst - 1) * pace->refill_ms) {
		audit_bucket_more(b, 1, now_ms);
		return (false);
	}
	b->full_ms = full_ms + pace->refill_ms;
	return (true);
}

void
audit_bucket_more(struct audit_bucket *b, uint32_t n, int64_t now_ms)
{
	if (b->more == 0 && b->tell_ms < now_ms + SOON_MS)
		b->tell_ms = now_ms + SOON_MS;
	b->more = n > UINT32_MAX - b->more ? UINT32_MAX : b->more + n;
}

uint32_t
audit_bucket_due(struct audit_bucket *b, int64_t now_ms)
{
	uint32_t n = b->more;

	if (n == 0 || now_ms < b->tell_ms)
		return (0);
	b->more = 0;
	b->tell_ms = now_ms + LIMIT_AUDIT_MORE_MS;
	return (n);
}

/* It is as one that was never used. */
static bool
is_full(const struct audit_bucket *b, int64_t now_ms)
{
	return (b->more == 0 && b->full_ms <= now_ms && b->tell_ms <= now_ms);
}

/* --- all of them --- */

static int
compare(struct audit_node *a, struct audit_node *b)
{
	return (strcmp(a->id, b->id));
}

RB_PROTOTYPE(audit_nodes, audit_node, entry, compare)
RB_GENERATE(audit_nodes, audit_node, entry, compare)

void
audit_budget_init(struct audit_budget *b)
{
	memset(b, 0, sizeof(*b));
	RB_INIT(&b->nodes);
	b->max = LIMIT_AUDIT_PACED;
}

static void
forget(struct audit_budget *b, struct audit_node *node)
{
	RB_REMOVE(audit_nodes, &b->nodes, node);
	b->n--;
	free(node);
}

void
audit_budget_clear(struct audit_budget *b)
{
	struct audit_node *node;

	while ((node = RB_MIN(audit_nodes, &b->nodes)) != NULL)
		forget(b, node);
}

bool
audit_budget_kind(struct audit_budget *b, enum audit_kind kind,
    int64_t now_ms)
{
	return (audit_bucket_take(&b->kinds[kind], &kind_pace, now_ms));
}

/* NULL: there are as many as may be. */
static struct audit_node *
find(struct audit_budget *b, const char *id)
{
	struct audit_node *node, *known;
	size_t size = strlen(id) + 1;

	if ((node = calloc(1, sizeof(*node) + size)) == NULL)
		fatal("no memory for the audit log");
	memcpy(node->id, id, size);
	known = b->n < b->max ? RB_INSERT(audit_nodes, &b->nodes, node) :
	    RB_FIND(audit_nodes, &b->nodes, node);
	if (known == NULL && b->n < b->max) {
		b->n++;
		return (node);
	}
	free(node);
	return (known);
}

bool
audit_budget_node(struct audit_budget *b, const char *id, int64_t now_ms)
{
	struct audit_node *node = find(b, id);

	if (node == NULL) {
		audit_bucket_more(&b->all, 1, now_ms);
		return (false);
	}
	return (audit_bucket_take(&node->bucket, &node_pace, now_ms) &&
	    audit_bucket_take(&b->all, &all_pace, now_ms));
}

/* Its count is a record of a node, too: of many the rest is counted together. */
static bool
may_tell(struct audit_budget *b, uint32_t n, int64_t now_ms)
{
	if (audit_bucket_take(&b->all, &all_pace, now_ms))
		return (true);
	audit_bucket_more(&b->all, n - 1, now_ms);
	return (false);
}

void
audit_budget_due(struct audit_budget *b, int64_t now_ms,
    void (*tell)(void *, enum audit_kind, const char *, uint32_t), void *arg)
{
	struct audit_node *node, *next;
	unsigned int kind;
	uint32_t n;

	for (kind = 0; kind < AUDIT_KINDS; kind++) {
		if ((n = audit_bucket_due(&b->kinds[kind], now_ms)) > 0)
			tell(arg, (enum audit_kind)kind, "", n);
	}
	if ((n = audit_bucket_due(&b->all, now_ms)) > 0)
		tell(arg, AUDIT_KINDS, "", n);
	for (node = RB_MIN(audit_nodes, &b->nodes); node != NULL;
	    node = next) {
		next = RB_NEXT(audit_nodes, &b->nodes, node);
		if ((n = audit_bucket_due(&node->bucket, now_ms)) > 0 &&
		    may_tell(b, n, now_ms))
			tell(arg, AUDIT_KINDS, node->id, n);
		if (is_full(&node->bucket, now_ms))
			forget(b, node);
	}
}
