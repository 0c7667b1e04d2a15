/* SPDX-License-Identifier: ISC */
/* Sessions that there are: whose they are, and how they end. */
#include <string.h>

#include <bsd/string.h>

#include "common/log.h"
#include "relay-registry/audit.h"
#include "relay-registry/auth_impl.h"

#define END_REASON	128	/* bytes of why a session ended that are kept */
#define VIOLATION	1008	/* close code, RFC 6455 section 7.4.1 */
#define NOT_ANY_MORE	"no longer authorized"	/* all that it is told */

enum node_kind
registry_node_of(struct registry *r, uint64_t session, char *node)
{
	enum node_kind kind = 0;

	if (registry_run(r, DB_SESSION_GET, "i", (int64_t)session) == 1 &&
	    db_int(r->db, DB_SESSION_GET, 2) != 0) {
		kind = (enum node_kind)db_int(r->db, DB_SESSION_GET, 3);
		strlcpy(node, db_text(r->db, DB_SESSION_GET, 0),
		    LIMIT_NODE_ID + 1);
	}
	db_done(r->db, DB_SESSION_GET);
	return (kind);
}

void
registry_seen(struct registry *r, uint64_t session, uint32_t rtt_us,
    struct when now)
{
	struct peer_link *link = peers_link(&r->peers, session);

	if (link != NULL)
		link->heard = now.mono;
	if (link != NULL && rtt_us != 0)
		link->rtt_us = rtt_us;
	if (registry_begin(r))
		registry_run(r, DB_NODE_SEEN, "ii", (int64_t)session,
		    now.wall_ms);
}

/* Where a live session came from; and if it is to end, why: true. */
static bool
was_cut(struct registry *r, uint64_t session,
    char address[PEER_ADDRESS_MAX + 1], char why[END_REASON + 1])
{
	char reason[END_REASON + 1] = "";

	address[0] = '\0';
	if (registry_run(r, DB_SESSION_ENDING, "i", (int64_t)session) == 1) {
		strlcpy(address, db_text(r->db, DB_SESSION_ENDING, 0),
		    PEER_ADDRESS_MAX + 1);
		strlcpy(reason, db_text(r->db, DB_SESSION_ENDING, 1),
		    sizeof(reason));
	}
	db_done(r->db, DB_SESSION_ENDING);
	if (reason[0] == '\0')
		return (false);
	strlcpy(why, reason, END_REASON + 1);
	return (true);
}

void
registry_end(struct registry *r, uint64_t session, uint16_t code,
    const char *reason)
{
	struct peer_link *link = peers_link(&r->peers, session);
	struct reply *reply;

	if (link != NULL)
		link->ended = true;
	reply = registry_say(r, MSG_SESSION_END, session);
	reply->status = code;
	reply->reason = reason;
}

void
registry_cut(struct registry *r, uint64_t session, const char *node,
    const char *address, const char *why, struct when now)
{
	char known[PEER_ADDRESS_MAX + 1], before[END_REASON + 1];

	log_notice("%s at %s: %s; its link is closed", node, address, why);
	/* Once, though it may be asked for again before the router has. */
	if (registry_begin(r) && !was_cut(r, session, known, before)) {
		registry_run(r, DB_SESSION_CUT, "it", (int64_t)session, why);
		audit_text(r, AUDIT_END, node, address, why, now);
	}
	registry_end(r, session, VIOLATION, NOT_ANY_MORE);
}

void
registry_close(struct registry *r, uint64_t session, struct span reason,
    struct when now)
{
	char node[LIMIT_NODE_ID + 1], why[END_REASON + 1];
	char address[PEER_ADDRESS_MAX + 1];
	enum node_kind kind;
	struct reply *reply;

	if (peers_link(&r->peers, session) != NULL)
		registry_say(r, MSG_SESSION_CLOSE, session);
	if (session == 0 || !registry_begin(r))
		return;
	registry_clean(reason, why, sizeof(why));
	auth_place_forget(r, session);
	if (r->role == ROLE_HOME) {
		auth_uplink_closed(r, session, why, now);
		return;
	}
	if ((kind = registry_node_of(r, session, node)) == 0) {
		/* Replaced, closed before, or never there. */
		r->stats.stale++;
		return;
	}
	/* If it was cut, that is recorded, and why. */
	if (!was_cut(r, session, address, why))
		audit_text(r, AUDIT_END, node, address, why, now);
	registry_run(r, DB_SESSION_CLOSE, "iit", (int64_t)session,
	    now.wall_ms, why);
	registry_run(r, DB_SERVICE_DROP, "i", (int64_t)session);
	r->stats.closed++;
	view_forget(r);
	if (kind == NODE_PEER)
		return;
	reply = registry_say(r, MSG_ROUTE_DELETE, session);
	strlcpy(reply->node, node, sizeof(reply->node));
}
