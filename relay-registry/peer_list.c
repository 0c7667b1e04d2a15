/* SPDX-License-Identifier: ISC */
/* See peer_list.h. */
#include <string.h>

#include <bsd/string.h>

#include "common/log.h"
#include "relay-registry/peer_list.h"
#include "relay-registry/registry_impl.h"

struct walk {
	struct registry	*r;
	void		(*each)(void *, const struct peer_info *);
	void		*arg;
	struct when	 now;
};

static const char *
state_name(enum peer_state state)
{
	switch (state) {
	case PEER_DIALING:
		return ("dialing");
	case PEER_HANDSHAKE:
	case PEER_UP:		/* to the dialer; not to the router yet */
		return ("handshake");
	case PEER_HELD:
		return ("held");
	default:
		return ("waiting");
	}
}

static const char *
origin_name(enum peer_origin origin)
{
	switch (origin) {
	case PEER_CONFIGURED:
		return ("configured");
	case PEER_ADDED:
		return ("added");
	default:
		return ("persisted");
	}
}

static int64_t
last_seen(struct registry *r, const char *node)
{
	int64_t ms = 0;

	if (node[0] != '\0' && registry_run(r, DB_MAIN_SEEN, "t", node) == 1)
		ms = db_int(r->db, DB_MAIN_SEEN, 0);
	db_done(r->db, DB_MAIN_SEEN);
	return (ms);
}

/* What holds for a Main by its id, whoever dials. */
static void
show(const struct walk *w, struct peer_info *info,
    const struct peer_link *link)
{
	struct mesh_main main = { 0 };

	if (link != NULL) {
		info->node = link->node;
		info->state = "up";
		info->up = true;
		info->direction = link->dialled ? "outbound" : "inbound";
		info->address = link->address;
		info->rtt_us = link->rtt_us;
		info->reason = "";
		info->retry_in_ms = -1;
	} else
		info->direction = info->address = "";
	if (info->node[0] != '\0')
		(void)mesh_main(w->r->mesh, info->node, &main);
	info->services = main.services;
	info->last_seen_ms = last_seen(w->r, info->node);
	w->each(w->arg, info);
}

static void
show_coming(const struct walk *w, const struct peer_conf *c)
{
	struct peer_info info = { .node = c->node, .ours = true,
	    .state = "waiting", .reason = "", .retry_in_ms = 0 };
	char url[URL_TEXT_MAX + 1];

	peer_url(c, url, sizeof(url));
	info.url = url;
	info.origin = origin_name(c->origin);
	show(w, &info, peers_link_of(&w->r->peers, c->node));
}

static void
show_peer(const struct walk *w, uint32_t index)
{
	const struct peer *peer = &w->r->peers.list[index];
	struct peer_info info = { .node = peer_id(peer), .ours = true,
	    .state = state_name(peer->state), .reason = peer->reason };
	char url[URL_TEXT_MAX + 1];

	peer_url(&peer->conf, url, sizeof(url));
	info.url = url;
	info.origin = origin_name(peer->conf.origin);
	info.retry_in_ms = peer_retry_in_ms(peer, w->now.mono);
	show(w, &info, peer_link(&w->r->peers, index));
}

/* A link that no configured peer stands for. */
static bool
is_stranger(const struct peers *p, const struct peer_link *link)
{
	return (link->up && link->peer == PEER_NONE &&
	    peers_find_id(p, link->node) == PEER_NONE);
}

/* Those that linked by themselves, are gone, and have services here. */
static void
show_gone(const struct walk *w)
{
	struct peer_info info;
	struct mesh_main main;
	char node[LIMIT_NODE_ID + 1];
	struct registry *r = w->r;
	int row;

	row = registry_run(r, DB_LIST_MAINS, "i",
	    w->now.wall_ms - 2 * LIMIT_STALE_MS);
	for (; row == 1; row = registry_check(r, db_next(r->db,
	    DB_LIST_MAINS))) {
		strlcpy(node, db_text(r->db, DB_LIST_MAINS, 0), sizeof(node));
		/* Most of them, and strangers have been many, have none. */
		if (!mesh_main(r->mesh, node, &main) || main.services == 0 ||
		    peers_link_of(&r->peers, node) != NULL ||
		    peers_find_id(&r->peers, node) != PEER_NONE)
			continue;
		info = (struct peer_info){ .node = node, .url = "",
		    .state = "gone", .origin = "inbound", .reason = "",
		    .retry_in_ms = -1 };
		show(w, &info, NULL);
	}
	db_done(r->db, DB_LIST_MAINS);
}

void
registry_each_peer(struct registry *r, void (*each)(void *,
    const struct peer_info *), void *arg, struct when now)
{
	const struct walk w = { r, each, arg, now };
	const struct peer_link *link;
	struct peer_info info;
	uint32_t i;

	for (i = 0; i < r->peers.n; i++)
		show_peer(&w, i);
	for (i = 0; i < r->peers.n_coming; i++)
		show_coming(&w, &r->peers.coming[i].conf);
	TAILQ_FOREACH(link, &r->peers.links, entry) {
		if (!is_stranger(&r->peers, link))
			continue;
		info = (struct peer_info){ .url = "", .origin = "inbound" };
		show(&w, &info, link);
	}
	show_gone(&w);
}

void
registry_peer_at(struct registry *r, const struct peer_conf *c,
    void (*each)(void *, const struct peer_info *), void *arg,
    struct when now)
{
	const struct walk w = { r, each, arg, now };
	uint32_t index = peers_find_url(&r->peers, c->host, c->port, c->path);

	if (index == PEER_NONE)
		show_coming(&w, c);
	else
		show_peer(&w, index);
}
