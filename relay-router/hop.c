/* SPDX-License-Identifier: ISC */

/*
 * The rules for what another Main sends; see hop.h.
 */

#include <string.h>

#include "common/name.h"
#include "relay-router/hop.h"

#define PEER_PATH	2	/* ids: a home and its Main */

static bool
is_id(struct span id, const char *lower)
{
	char	 buf[LIMIT_NODE_ID + 1];

	return (name_node_lower(id, buf, sizeof(buf)) &&
	    strcmp(buf, lower) == 0);
}

/* The peer itself, which may or may not say that it is its own Main. */
static bool
is_peer(const struct env_node *n, const char *peer)
{
	return (is_id(n->id, peer) &&
	    (n->main.len == 0 || is_id(n->main, peer)));
}

static bool
is_home_of(const struct env_node *n, const char *peer)
{
	char	 buf[LIMIT_NODE_ID + 1];

	return (name_node_lower(n->id, buf, sizeof(buf)) &&
	    is_id(n->main, peer));
}

static enum hop_fault
check_source(const struct envelope *e, const char *peer)
{
	const struct env_node	*n = &e->source;

	/* It goes on as it is, to homes that know no other form. */
	if (!env_has(e, ENV_SOURCE_NODE) || n->id.len == 0 ||
	    e->val[ENV_SOURCE_NODE].type != JSON_OBJECT)
		return (HOP_SOURCE);
	switch (n->kind) {
	case NODE_MAIN:
		return (is_peer(n, peer) ? HOP_OK : HOP_FOREIGN);
	case NODE_HOME:
		return (is_home_of(n, peer) ? HOP_OK : HOP_FOREIGN);
	default:
		return (HOP_SOURCE);
	}
}

static bool
path_ok(const struct envelope *e, const char *peer, const char *self)
{
	char	 id[PEER_PATH][LIMIT_NODE_ID + 1];
	uint32_t i;

	if (e->npath == 0 || e->npath > PEER_PATH)
		return (false);
	for (i = 0; i < e->npath; i++)
		if (!name_node_lower(e->path[i], id[i], sizeof(id[i])) ||
		    strcmp(id[i], self) == 0)
			return (false);
	if (e->npath == PEER_PATH && strcmp(id[0], id[1]) == 0)
		return (false);
	return (strcmp(id[e->npath - 1], peer) == 0);
}

enum hop_fault
hop_check(const struct envelope *e, const char *peer, const char *self)
{
	enum hop_fault	 fault;

	if ((fault = check_source(e, peer)) != HOP_OK)
		return (fault);
	if (!path_ok(e, peer, self))
		return (HOP_PATH);
	return (e->ttl > 0 ? HOP_OK : HOP_TTL);
}

const char *
hop_strerror(enum hop_fault fault)
{
	switch (fault) {
	case HOP_SOURCE:
		return ("source_node");
	case HOP_FOREIGN:
		return ("source_node is not of the Main that sent it");
	case HOP_PATH:
		return ("routing_path");
	case HOP_TTL:
		return ("ttl");
	default:
		return ("nothing");
	}
}

void
hop_path(struct text *t, const struct envelope *e, const char *self)
{
	uint32_t	 i;

	text_lit(t, "[");
	for (i = 0; i < e->npath; i++) {
		text_string(t, e->path[i]);
		text_lit(t, ",");
	}
	text_cstring(t, self);
	text_lit(t, "]");
}

int64_t
hop_ttl(int64_t ttl)
{
	if (ttl > LIMIT_HOPS)
		ttl = LIMIT_HOPS;
	return (ttl - 1);
}
