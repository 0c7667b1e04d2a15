/* SPDX-License-Identifier: ISC */
/* See peer.h: whom this Main dials, and what the dialer is told. */
#include <string.h>

#include <bsd/string.h>

#include "relay-registry/peer.h"

#define COMING_MS	(2 * LIMIT_SETUP_MS)	/* for a generation with it */

void
peers_init(struct peers *p)
{
	memset(p, 0, sizeof(*p));
	TAILQ_INIT(&p->links);
}

void
peers_clear(struct peers *p)
{
	struct peer_link *l;

	while ((l = TAILQ_FIRST(&p->links)) != NULL)
		peers_link_remove(p, l);
}

/* --- which one --- */

static bool
same_url(const struct peer_conf *c, const char *host, uint16_t port,
    const char *path)
{
	return (c->port == port && strcmp(c->host, host) == 0 &&
	    strcmp(c->path, path) == 0);
}

uint32_t
peers_find_url(const struct peers *p, const char *host, uint16_t port,
    const char *path)
{
	uint32_t i;

	for (i = 0; i < p->n; i++) {
		if (same_url(&p->list[i].conf, host, port, path))
			return (i);
	}
	return (PEER_NONE);
}

const char *
peer_id(const struct peer *peer)
{
	return (peer->conf.node[0] != '\0' ? peer->conf.node : peer->learned);
}

void
peer_url(const struct peer_conf *c, char *buf, size_t size)
{
	/* What was read as a URL fits in one. */
	(void)url_text(c->tls ? "wss" : "ws", c->host, c->port, c->path, buf,
	    size);
}

uint32_t
peers_find_id(const struct peers *p, const char *id)
{
	uint32_t i;

	for (i = 0; i < p->n && id[0] != '\0'; i++) {
		if (strcmp(peer_id(&p->list[i]), id) == 0)
			return (i);
	}
	return (PEER_NONE);
}

struct peer_link *
peer_link(const struct peers *p, uint32_t index)
{
	struct peer_link *l;

	TAILQ_FOREACH(l, &p->links, entry) {
		if (l->up && l->peer == index)
			return (l);
	}
	return (peers_link_of(p, peer_id(&p->list[index])));
}

int64_t
peer_retry_in_ms(const struct peer *peer, struct monotime now)
{
	int64_t left;

	if (peer->state == PEER_HELD || peer->state == PEER_UP)
		return (-1);
	if (peer->state != PEER_WAITING)
		return (0);
	left = peer->retry_in_ms - monotime_diff_ms(now, peer->told);
	return (left > 0 ? left : 0);
}

/* --- generations --- */

/* What is known of a peer goes with its URL. */
static void
carry_over(struct peer *to, const struct peers *from)
{
	uint32_t i;

	i = peers_find_url(from, to->conf.host, to->conf.port, to->conf.path);
	if (i == PEER_NONE)
		return;
	strlcpy(to->learned, from->list[i].learned, sizeof(to->learned));
	strlcpy(to->reason, from->list[i].reason, sizeof(to->reason));
	to->state = from->list[i].state;
	to->retry_in_ms = from->list[i].retry_in_ms;
	to->told = from->list[i].told;
	to->said = from->list[i].said;
	to->at_once = from->list[i].at_once;
	to->clash = from->list[i].clash;
}

/* Links keep their peer, under its new index. */
static void
renumber(struct peers *p, const struct peer *list, uint32_t n)
{
	const struct peer_conf *old;
	struct peer_link *l;
	uint32_t i;

	TAILQ_FOREACH(l, &p->links, entry) {
		if (l->peer >= p->n)
			continue;
		old = &p->list[l->peer].conf;
		for (i = 0; i < n; i++) {
			if (same_url(&list[i].conf, old->host, old->port,
			    old->path))
				break;
		}
		l->peer = i < n ? i : PEER_NONE;
	}
}

void
peers_configure(struct peers *p, uint32_t generation,
    const struct peer_conf *conf, uint32_t n)
{
	struct peer list[LIMIT_PEERS];
	struct peer_coming *c;
	uint32_t i;

	memset(list, 0, sizeof(list));
	for (i = 0; i < n; i++) {
		list[i].conf = conf[i];
		carry_over(&list[i], p);
		c = peers_coming(p, conf[i].host, conf[i].port, conf[i].path);
		if (c != NULL)
			peers_coming_remove(p, c);
	}
	renumber(p, list, n);
	memcpy(p->list, list, sizeof(list));
	p->n = n;
	p->generation = generation;
}

/* --- the dialer --- */

/*
 * It is linked by another way than this peer's own dial.  A link dialled to a
 * URL that is not configured any more leaves the way free; so does another
 * Main by the same id, which is dialled until it has an id of its own.
 */
static bool
must_hold(const struct peers *p, uint32_t index)
{
	const struct peer_link *l = peers_link_of(p, peer_id(&p->list[index]));

	if (l == NULL || l->peer == index || p->list[index].clash)
		return (false);
	return (!l->dialled || l->peer != PEER_NONE);
}

bool
peers_told(struct peers *p, uint32_t index, uint32_t generation,
    enum peer_state state, uint32_t retry_in_ms, const char *node,
    const char *reason, struct monotime now)
{
	struct peer *peer;

	if (generation != p->generation || index >= p->n)
		return (false);
	peer = &p->list[index];
	peer->state = state;
	peer->retry_in_ms = retry_in_ms;
	peer->told = now;
	strlcpy(peer->reason, reason, sizeof(peer->reason));
	if (node[0] != '\0')
		strlcpy(peer->learned, node, sizeof(peer->learned));
	/*
	 * A dialer that was started anew knows of no hold.  One that does may
	 * have been in a handshake already, which it does not break off.
	 */
	if (state == PEER_HELD)
		peer->said = PEER_HOLD;
	else if ((state == PEER_WAITING || state == PEER_DIALING) &&
	    peer->said == PEER_HOLD)
		peer->said = 0;
	return (true);
}

bool
peers_next_dial(struct peers *p, uint32_t *index, enum peer_dial *what)
{
	struct peer *peer;
	uint32_t i;
	bool hold;

	for (i = 0; i < p->n; i++) {
		peer = &p->list[i];
		hold = must_hold(p, i);
		*index = i;
		if (hold && peer->said != PEER_HOLD)
			*what = peer->said = PEER_HOLD;
		else if (!hold && peer->said == PEER_HOLD)
			*what = peer->said = PEER_GO_ON;
		else if (!hold && peer->at_once)
			*what = PEER_AT_ONCE;
		else
			continue;
		peer->at_once = peer->at_once && *what == PEER_GO_ON;
		return (true);
	}
	return (false);
}

void
peers_release_unknown(struct peers *p)
{
	uint32_t i;

	for (i = 0; i < p->n; i++) {
		if (p->list[i].state == PEER_UNKNOWN && p->list[i].said == 0)
			p->list[i].said = PEER_HOLD;
	}
}

/* --- what was added --- */

struct peer_coming *
peers_coming(struct peers *p, const char *host, uint16_t port,
    const char *path)
{
	uint32_t i;

	for (i = 0; i < p->n_coming; i++) {
		if (same_url(&p->coming[i].conf, host, port, path))
			return (&p->coming[i]);
	}
	return (NULL);
}

bool
peers_coming_add(struct peers *p, const struct peer_conf *conf,
    struct monotime now)
{
	if (p->n + p->n_coming >= LIMIT_PEERS ||
	    peers_coming(p, conf->host, conf->port, conf->path) != NULL)
		return (false);
	p->coming[p->n_coming++] = (struct peer_coming){ *conf, now };
	return (true);
}

void
peers_coming_remove(struct peers *p, struct peer_coming *c)
{
	size_t i = (size_t)(c - p->coming);

	p->n_coming--;
	memmove(c, c + 1, (p->n_coming - i) * sizeof(*c));
}

void
peers_coming_expire(struct peers *p, struct monotime now)
{
	/* The oldest is first. */
	while (p->n_coming > 0 &&
	    monotime_diff_ms(now, p->coming[0].since) >= COMING_MS)
		peers_coming_remove(p, &p->coming[0]);
}
