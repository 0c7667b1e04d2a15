/* SPDX-License-Identifier: ISC */
/*
 * What was committed, to discovery (mesh.h) and to the list of links: a row
 * of a home is told to peers only when it is true.
 */
#include <string.h>

#include <bsd/string.h>

#include "common/log.h"
#include "common/name.h"
#include "relay-registry/policy_impl.h"
#include "relay-registry/registry_impl.h"

#define VIOLATION	1008	/* close code, RFC 6455 section 7.4.1 */

static void
link_up(struct registry *r, uint64_t session, uint64_t replaced, bool resumed,
    struct monotime now)
{
	struct peer_link *link = peers_link(&r->peers, session);

	if (link == NULL)
		return;
	if (replaced != 0)
		mesh_link_down(r->mesh, replaced, now);
	peers_link_up(&r->peers, link);
	mesh_link_up(r->mesh, session, link->node, resumed, now);
	view_forget(r);
	log_debug("linked with %s at %s, dialled by %s", link->node,
	    link->address, link->dialled ? "us" : "it");
}

static void
link_down(struct registry *r, uint64_t session, struct monotime now)
{
	struct peer_link *link = peers_link(&r->peers, session);

	if (link == NULL)
		return;
	log_debug("the link with %s has ended", link->node);
	mesh_link_down(r->mesh, session, now);
	peers_link_remove(&r->peers, link);
	view_forget(r);
}

static void
accepted(struct registry *r, const struct reply *reply, struct monotime now)
{
	if (reply->kind == NODE_PEER)
		link_up(r, reply->id, reply->replaced, false, now);
	else if (reply->replaced != 0)
		mesh_own_delete(r->mesh, reply->node);
}

void
discovery_committed(struct registry *r, const struct reply *reply,
    struct when now)
{
	if (r->role != ROLE_MAIN)
		return;
	switch (reply->type) {
	case MSG_SESSION_ACCEPT:
		accepted(r, reply, now.mono);
		break;
	case MSG_SESSION_RESUME:
		link_up(r, reply->id, 0, true, now.mono);
		break;
	case MSG_SESSION_CLOSE:
		link_down(r, reply->id, now.mono);
		break;
	case MSG_ROUTE_SET:
		if (reply->id != 0)
			mesh_own_set(r->mesh, reply->node, reply->services,
			    reply->count);
		break;
	case MSG_ROUTE_DELETE:
		mesh_own_delete(r->mesh, reply->node);
		break;
	case MSG_SERVICE_HEALTH:
		mesh_own_health(r->mesh, reply->node, reply->verdicts->name,
		    reply->verdicts->version, reply->known);
		break;
	case MSG_PEER_ANSWER:
		mesh_answer(r->mesh, reply->id,
		    (struct span){ reply->body, reply->body_len },
		    reply->known, reply->state);
		break;
	default:
		break;
	}
}

void
discovery_refused(struct registry *r, const struct reply *reply)
{
	struct peer_link *link;
	struct peer_coming *coming;

	switch (reply->type) {
	case MSG_SESSION_ACCEPT:
	case MSG_SESSION_RESUME:
		link = peers_link(&r->peers, reply->id);
		if (link != NULL && !link->up)
			peers_link_remove(&r->peers, link);
		break;
	case MSG_PEER_ADD:
		coming = peers_coming(&r->peers, reply->peer->host,
		    reply->peer->port, reply->peer->path);
		if (coming != NULL)
			peers_coming_remove(&r->peers, coming);
		break;
	default:
		break;
	}
}

/* --- what peers ask and do --- */

/* As in PEER_ANSWER: unknown, offline or online. */
static uint8_t
state_of(struct registry *r, const char *node)
{
	bool known, online;

	known = registry_run(r, DB_NODE_GET, "t", node) == 1 &&
	    db_int(r->db, DB_NODE_GET, 0) == NODE_HOME;
	db_done(r->db, DB_NODE_GET);
	if (!known)
		return (0);
	online = registry_run(r, DB_SESSION_OF_NODE, "t", node) == 1;
	db_done(r->db, DB_SESSION_OF_NODE);
	return (online ? 2 : 1);
}

static bool
offers(struct registry *r, const char *service, const char *node)
{
	bool found;

	found = registry_run(r, DB_SERVICE_FIND, "tt", service, node) == 1;
	db_done(r->db, DB_SERVICE_FIND);
	return (found);
}

/* Whether that Main may be told of one of a home's services. */
static bool
exports_any(struct registry *r, const char *main_id, const char *node)
{
	bool found = false;
	int row;

	row = registry_run(r, DB_SERVICES_OF_NODE, "t", node);
	for (; row == 1 && !found; row = registry_check(r, db_next(r->db,
	    DB_SERVICES_OF_NODE)))
		found = registry_may_export(r, main_id, db_text(r->db,
		    DB_SERVICES_OF_NODE, 0));
	db_done(r->db, DB_SERVICES_OF_NODE);
	return (found);
}

/*
 * Who may not have a service is not told that it is there; who may have none is
 * not told of homes either.
 */
static bool
may_ask(struct registry *r, const char *main_id, const char *node,
    const char *service)
{
	if (!policy_has(registry_policy(r), POLICY_EXPORT))
		return (true);
	if (service[0] != '\0' && !registry_may_export(r, main_id, service))
		return (false);
	return (node[0] == '\0' || registry_may_export(r, main_id, "") ||
	    exports_any(r, main_id, node));
}

void
registry_query(struct registry *r, uint64_t session, struct span message_id,
    struct span node, struct span service)
{
	char id[LIMIT_NODE_ID + 1] = "", name[LIMIT_SERVICE_NAME + 1] = "";
	const struct peer_link *link = peers_link(&r->peers, session);
	struct reply *reply;

	if (link == NULL) {
		r->stats.stale++;
		return;
	}
	reply = registry_say(r, MSG_PEER_ANSWER, session);
	reply_set_body(reply, message_id.p, message_id.len);
	if ((node.len > 0 && !name_node_lower(node, id, sizeof(id))) ||
	    !span_copy(service, name, sizeof(name)) ||
	    !may_ask(r, link->node, id, name))
		return;
	if (id[0] != '\0')
		reply->state = state_of(r, id);
	reply->known = name[0] != '\0' ? offers(r, name, id) :
	    reply->state == 2;
}

void
registry_violation(struct registry *r, uint64_t session, const char *why)
{
	struct peer_link *link = peers_link(&r->peers, session);
	struct reply *reply;

	if (link == NULL || link->ended)
		return;
	log_warn("%s at %s: %s; its link is closed", link->node, link->address,
	    why);
	link->ended = true;
	reply = registry_say(r, MSG_SESSION_END, session);
	reply->status = VIOLATION;
	reply->reason = why;
}
