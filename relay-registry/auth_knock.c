/* SPDX-License-Identifier: ISC */
/* See auth_knock.h. */
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "common/log.h"
#include "relay-registry/audit.h"
#include "relay-registry/auth_impl.h"

struct knock {
	RB_ENTRY(knock)		 entry;
	TAILQ_ENTRY(knock)	 next;
	uint64_t		 conn;
	int64_t			 ends_ms;
	const char		*reason;
	char			 node[LIMIT_NODE_ID + 1];
	char			 address[PEER_ADDRESS_MAX + 1];
};

static int
compare(struct knock *a, struct knock *b)
{
	return (a->conn < b->conn ? -1 : a->conn > b->conn);
}

RB_PROTOTYPE(knock_tree, knock, entry, compare)
RB_GENERATE(knock_tree, knock, entry, compare)

void
knocks_init(struct knocks *k)
{
	RB_INIT(&k->tree);
	TAILQ_INIT(&k->oldest);
	k->n = 0;
}

static void
forget(struct knocks *k, struct knock *one)
{
	RB_REMOVE(knock_tree, &k->tree, one);
	TAILQ_REMOVE(&k->oldest, one, next);
	k->n--;
	free(one);
}

void
knocks_clear(struct knocks *k)
{
	while (!TAILQ_EMPTY(&k->oldest))
		forget(k, TAILQ_FIRST(&k->oldest));
}

/* Nothing came of it. */
static void
refuse(struct registry *r, struct knock *one, struct when now)
{
	audit_text(r, AUDIT_REFUSE, one->node, one->address, one->reason,
	    now);
	forget(&r->trust->knocks, one);
}

void
knock_again(struct registry *r, const struct session_request *q,
    struct when now)
{
	struct knock key = { .conn = q->conn }, *one;

	one = RB_FIND(knock_tree, &r->trust->knocks.tree, &key);
	if (one == NULL)
		return;
	if (q->authorization.len > 0)
		forget(&r->trust->knocks, one);
	else
		refuse(r, one, now);
}

void
knock_add(struct registry *r, const struct session_request *q,
    const char *node, const char *reason, struct when now)
{
	struct knocks *k = &r->trust->knocks;
	struct knock *one;

	/* More than wait for an answer at a time: they do not answer. */
	if (k->n >= LIMIT_KNOCKS)
		refuse(r, TAILQ_FIRST(&k->oldest), now);
	if ((one = calloc(1, sizeof(*one))) == NULL)
		fatal("no memory for a link");
	one->conn = q->conn;
	one->ends_ms = now.mono.ms + LIMIT_NONCE_MS;
	one->reason = reason;
	strlcpy(one->node, node, sizeof(one->node));
	registry_clean(q->address, one->address, sizeof(one->address));
	/* What was there of this connection knock_again() has taken out. */
	(void)RB_INSERT(knock_tree, &k->tree, one);
	TAILQ_INSERT_TAIL(&k->oldest, one, next);
	k->n++;
}

void
knocks_expire(struct registry *r, struct when now)
{
	struct knock *one;

	while ((one = TAILQ_FIRST(&r->trust->knocks.oldest)) != NULL &&
	    one->ends_ms <= now.mono.ms)
		refuse(r, one, now);
}
