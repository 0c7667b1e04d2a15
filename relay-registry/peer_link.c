/* SPDX-License-Identifier: ISC */
/* See peer.h: the links with other Mains, one a pair. */
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "common/log.h"
#include "relay-registry/peer.h"

/* A link that is alive was heard in this time: a heartbeat and a half. */
#define HEARD_MS	(LIMIT_PING_MS + LIMIT_PING_MS / 2)

struct peer_link *
peers_link(const struct peers *p, uint64_t session)
{
	struct peer_link *l;

	TAILQ_FOREACH(l, &p->links, entry) {
		if (l->session == session)
			return (l);
	}
	return (NULL);
}

struct peer_link *
peers_link_of(const struct peers *p, const char *node)
{
	struct peer_link *l;

	TAILQ_FOREACH(l, &p->links, entry) {
		if (l->up && strcmp(l->node, node) == 0)
			return (l);
	}
	return (NULL);
}

uint32_t
peers_linked(const struct peers *p)
{
	struct peer_link *l;
	uint32_t n = 0;

	TAILQ_FOREACH(l, &p->links, entry)
		n += l->up;
	return (n);
}

/* The one accepted last, whether it is up yet or not. */
static struct peer_link *
present(const struct peers *p, const char *node)
{
	struct peer_link *l;

	TAILQ_FOREACH_REVERSE(l, &p->links, peer_links, entry) {
		if (strcmp(l->node, node) == 0)
			return (l);
	}
	return (NULL);
}

/*
 * It is another Main than the one that is linked, which is there: one that
 * was started anew has lost its link.
 */
static bool
clashes(const struct peer_link *old, const struct peer_ask *q,
    struct monotime now)
{
	return (old->boot[0] != '\0' && q->boot[0] != '\0' &&
	    strcmp(old->boot, q->boot) != 0 &&
	    monotime_diff_ms(now, old->heard) < HEARD_MS);
}

/*
 * One was dialled by the other side, the other one by ours.
 *
 * A link that works is not given up for one that is no better: calls are in
 * flight on it.  Who dials us although we have dialled him does not know yet
 * that his URL leads here, and learns it from the denial; or he has lost the
 * link, and then it falls silent here too.
 *
 * What he has accepted stands.  Only if each side dialled before it had the
 * other's request are there two such links, both young: the one that was
 * dialled by the Main with the lower id stays, and both sides see that.
 */
static enum peer_verdict
judge_crossing(const struct peer_link *old, const struct peer_ask *q,
    struct monotime now)
{
	if (clashes(old, q, now))
		return (PEER_CLASH);
	if (!q->dialled)
		return (monotime_diff_ms(now, old->heard) < HEARD_MS ?
		    PEER_KEEP : PEER_REPLACE);
	if (monotime_diff_ms(now, old->since) >= LIMIT_HANDSHAKE_MS)
		return (PEER_REPLACE);
	return (strcmp(q->own, q->node) < 0 ? PEER_REPLACE : PEER_KEEP);
}

/*
 * Mains that linked by themselves: no configured peer stands for them.  Links
 * that were replaced in the same turn do not count.
 */
static uint32_t
count_strangers(const struct peers *p)
{
	struct peer_link *l;
	uint32_t n = 0;

	TAILQ_FOREACH(l, &p->links, entry)
		n += !l->dialled && present(p, l->node) == l &&
		    peers_find_id(p, l->node) == PEER_NONE;
	return (n);
}

/* Configured peers that would not be taken for strangers. */
static uint32_t
count_known(const struct peers *p)
{
	uint32_t i, n = 0;

	for (i = 0; i < p->n; i++)
		n += peer_id(&p->list[i])[0] != '\0';
	return (n);
}

/*
 * Who comes by himself takes no place of one that is configured; it may be
 * one whose id is not known yet.
 */
static bool
has_room(const struct peers *p, const struct peer_ask *q)
{
	return (q->dialled || peers_find_id(p, q->node) != PEER_NONE ||
	    count_strangers(p) + count_known(p) < LIMIT_PEERS);
}

enum peer_verdict
peers_judge(const struct peers *p, const struct peer_ask *q,
    struct monotime now, struct peer_link **found)
{
	struct peer_link *old = present(p, q->node);

	*found = old;
	if (old == NULL)
		return (has_room(p, q) ? PEER_TAKE : PEER_FULL);
	if (old->ended)
		return (PEER_REPLACE);
	if (old->dialled != q->dialled)
		return (judge_crossing(old, q, now));
	if (!q->dialled || old->peer == PEER_NONE || old->peer == q->peer)
		return (PEER_REPLACE);
	/* Two URLs lead to this id: to two Mains, or to one. */
	return (clashes(old, q, now) ? PEER_CLASH : PEER_KEEP);
}

struct peer_link *
peers_link_add(struct peers *p, uint64_t session, const struct peer_ask *q,
    const char *address, struct monotime now)
{
	struct peer_link *l;

	if ((l = calloc(1, sizeof(*l))) == NULL)
		fatal("no memory for a link");
	l->session = session;
	l->peer = q->peer;
	l->dialled = q->dialled;
	l->since = l->heard = now;
	strlcpy(l->node, q->node, sizeof(l->node));
	strlcpy(l->boot, q->boot, sizeof(l->boot));
	strlcpy(l->address, address, sizeof(l->address));
	TAILQ_INSERT_TAIL(&p->links, l, entry);
	return (l);
}

void
peers_link_up(struct peers *p, struct peer_link *l)
{
	struct peer_link *other, *next;

	for (other = TAILQ_FIRST(&p->links); other != l; other = next) {
		next = TAILQ_NEXT(other, entry);
		if (strcmp(other->node, l->node) == 0)
			peers_link_remove(p, other);
	}
	l->up = true;
	if (l->peer < p->n)
		strlcpy(p->list[l->peer].learned, l->node,
		    sizeof(p->list[l->peer].learned));
}

void
peers_link_remove(struct peers *p, struct peer_link *l)
{
	TAILQ_REMOVE(&p->links, l, entry);
	free(l);
}
