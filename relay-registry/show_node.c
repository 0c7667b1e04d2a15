/* SPDX-License-Identifier: ISC */
/* See show.h: nodes and their credentials, and who this node is. */
#include "relay-registry/show.h"

struct rows {
	struct channel	*ch;
	uint64_t	 request;
};

static const char *
kind_name(enum node_kind kind)
{
	switch (kind) {
	case NODE_HOME:
		return ("home");
	case NODE_PEER:
		return ("main");
	default:
		return ("");
	}
}

static const char *
source_name(const struct node_info *info)
{
	if (info->configured)
		return (info->enrolled ? "configured,enrolled" : "configured");
	return (info->enrolled ? "enrolled" : "");
}

/* As long as there is room. */
static bool
node_row(void *arg, const struct node_info *info)
{
	const struct rows *rows = arg;
	struct ctl_row row;
	char seen[32];

	registry_rfc3339(info->last_seen_ms, seen, sizeof(seen));
	ctl_row_begin(&row, rows->ch, rows->request, "nodes");
	ctl_text(&row, "node_id", info->node);
	ctl_text(&row, "kind", kind_name(info->kind));
	ctl_text(&row, "source", source_name(info));
	ctl_text(&row, "methods", info->methods);
	ctl_bool(&row, "disabled", info->disabled);
	ctl_bool(&row, "connected", info->connected);
	ctl_text(&row, "last_seen", seen);
	ctl_row_end(&row);
	return (!channel_congested(rows->ch));
}

void
registry_show_nodes(struct registry *r, struct channel *ch, uint64_t request,
    struct when now)
{
	struct rows rows = { ch, request };

	registry_each_node(r, node_row, &rows, now);
}

static void
identity_row(void *arg, const char *key, const char *main_id)
{
	const struct rows *rows = arg;
	struct ctl_row row;

	ctl_row_begin(&row, rows->ch, rows->request, "identity");
	ctl_text(&row, "key", key);
	ctl_text(&row, "main", main_id);
	ctl_row_end(&row);
}

void
registry_show_identity(struct registry *r, struct channel *ch,
    uint64_t request)
{
	struct rows rows = { ch, request };

	registry_each_identity(r, identity_row, &rows);
}
