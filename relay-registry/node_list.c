/* SPDX-License-Identifier: ISC */
/* See registry.h: the nodes that have credentials here or are disabled. */
#include <string.h>

#include <bsd/string.h>

#include "relay-registry/auth_impl.h"

/* The id of the next node in the order; false after the last. */
static bool
next_node(struct registry *r, const char *after, char node[LIMIT_NODE_ID + 1])
{
	const char *configured;

	node[0] = '\0';
	if (registry_run(r, DB_LIST_CREDENTIALS, "ti", after, INT64_C(1)) == 1)
		strlcpy(node, db_text(r->db, DB_LIST_CREDENTIALS, 0),
		    LIMIT_NODE_ID + 1);
	db_done(r->db, DB_LIST_CREDENTIALS);
	configured = credentials_next(&r->trust->credentials, after);
	if (configured != NULL && (node[0] == '\0' ||
	    strcmp(configured, node) < 0))
		strlcpy(node, configured, LIMIT_NODE_ID + 1);
	return (node[0] != '\0');
}

/* False if nothing of it is left but what has expired and will be deleted. */
static bool
fill(struct registry *r, const char *node, struct node_info *info,
    struct when now)
{
	struct candidates all;
	uint32_t i;

	*info = (struct node_info){ .node = node };
	auth_candidates(r, node, &all, now);
	for (i = 0; i < all.n; i++) {
		info->configured |= all.list[i].row == 0;
		info->enrolled |= all.list[i].row != 0;
		if (info->kind == 0)
			info->kind = all.list[i].kind;
		auth_add_method(info->methods, sizeof(info->methods), ",",
		    all.list[i].method);
	}
	explicit_bzero(all.list, sizeof(all.list));
	info->disabled = auth_disabled(r, node);
	if (registry_run(r, DB_NODE_INFO, "t", node) == 1) {
		info->kind = (enum node_kind)db_int(r->db, DB_NODE_INFO, 0);
		info->last_seen_ms = db_int(r->db, DB_NODE_INFO, 1);
		info->connected = db_int(r->db, DB_NODE_INFO, 2) != 0;
	}
	db_done(r->db, DB_NODE_INFO);
	return (all.n > 0 || all.broken > 0 || info->disabled);
}

void
registry_each_node(struct registry *r, bool (*each)(void *,
    const struct node_info *), void *arg, struct when now)
{
	char node[LIMIT_NODE_ID + 1] = "", next[LIMIT_NODE_ID + 1];
	struct node_info info;

	while (next_node(r, node, next)) {
		strlcpy(node, next, sizeof(node));
		if (fill(r, node, &info, now) && !each(arg, &info))
			return;
	}
}
