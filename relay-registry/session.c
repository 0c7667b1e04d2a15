/* SPDX-License-Identifier: ISC */
/* Who has which node: open, resume, seen, close. */
#include <string.h>

#include <bsd/string.h>

#include "common/log.h"
#include "common/name.h"
#include "relay-registry/registry_impl.h"

#define ADDRESS_MAX	256	/* bytes of an address that are kept */
#define REASON_MAX	128	/* bytes of a reason that are kept */
#define CLONE_TOLD_MS	1000	/* least time between warnings of clones */

/* Why a link may not be a session. */
struct denial {
	uint16_t	 status;
	int32_t		 code;
	uint32_t	 retry_after_ms;
	const char	*reason;
};

/* Copy what fits, with '?' for what is not printable ASCII. */
static void
clean(struct span s, char *buf, size_t size)
{
	size_t i;

	for (i = 0; i < s.len && i < size - 1; i++)
		buf[i] = s.p[i] < 0x20 || s.p[i] > 0x7e ? '?' : s.p[i];
	buf[i] = '\0';
}

/* What is wrong with who it says it is, or false with its id in node. */
static bool
refused(const struct registry *r, const struct session_request *q, char *node,
    struct denial *why)
{
	*why = (struct denial){ 403, REGISTRY_FORBIDDEN, 0, NULL };
	if (r->role != ROLE_MAIN)
		why->reason = "a home takes no links";
	else if (q->kind != NODE_HOME)
		why->reason = "no peers are configured";
	else if (!name_node_lower(q->node, node, LIMIT_NODE_ID + 1))
		*why = (struct denial){ 400, REGISTRY_INVALID, 0,
		    "node id: 1 to 253 bytes, labels of [a-z0-9_-] joined by "
		    "dots" };
	else if (strcmp(node, r->node_id) == 0)
		why->reason = "the node id is this relay's own";
	return (why->reason != NULL);
}

static void
deny(struct registry *r, uint64_t session, const struct denial *why)
{
	struct reply *reply = registry_say(r, MSG_SESSION_DENY, session);

	reply->status = why->status;
	reply->code = why->code;
	reply->retry_after_ms = why->retry_after_ms;
	reply->reason = why->reason;
}

static void
say_node(struct registry *r, const char *node, bool known)
{
	struct reply *reply = registry_say(r, MSG_NODE_STATE, 0);

	strlcpy(reply->node, node, sizeof(reply->node));
	reply->known = known;
}

/* --- LIMIT_NODES --- */

/*
 * Forget nodes longest not seen that have no session: a hundredth of all at
 * a time, since finding them reads every row.
 */
static void
purge(struct registry *r)
{
	char node[LIMIT_NODE_ID + 1];
	int row;

	row = registry_run(r, DB_NODE_OLDEST, "i",
	    (int64_t)(r->max_nodes / 100 + 1));
	while (row == 1) {
		strlcpy(node, db_text(r->db, DB_NODE_OLDEST, 0), sizeof(node));
		if (registry_run(r, DB_NODE_DELETE, "t", node) == -1)
			break;
		r->n_nodes--;
		r->stats.purged++;
		say_node(r, node, false);
		row = registry_check(r, db_next(r->db, DB_NODE_OLDEST));
	}
	db_done(r->db, DB_NODE_OLDEST);
}

/* Whether this node may be known; sets *known if it is already. */
static bool
make_room(struct registry *r, const char *node, bool *known)
{
	*known = registry_run(r, DB_NODE_GET, "t", node) == 1;
	db_done(r->db, DB_NODE_GET);
	if (*known)
		return (true);
	if (r->n_nodes >= r->max_nodes)
		purge(r);
	return (r->n_nodes < r->max_nodes);
}

/* --- sessions --- */

/* The live session of a node, or 0, which no home has. */
static uint64_t
session_of(struct registry *r, const char *node, uint64_t *epoch)
{
	uint64_t session = 0;

	if (registry_run(r, DB_SESSION_OF_NODE, "t", node) == 1) {
		session = (uint64_t)db_int(r->db, DB_SESSION_OF_NODE, 0);
		*epoch = (uint64_t)db_int(r->db, DB_SESSION_OF_NODE, 1);
	}
	db_done(r->db, DB_SESSION_OF_NODE);
	return (session);
}

static bool
session_exists(struct registry *r, uint64_t session)
{
	bool exists;

	exists = registry_run(r, DB_SESSION_GET, "i", (int64_t)session) == 1;
	db_done(r->db, DB_SESSION_GET);
	return (exists);
}

/* Make it the node's session, in place of any other and its services. */
static void
give_node(struct registry *r, const struct session_request *q,
    const char *node, uint64_t epoch, struct when now)
{
	char boot[LIMIT_BOOT_ID + 1], address[ADDRESS_MAX + 1];

	clean(q->boot, boot, sizeof(boot));
	clean(q->address, address, sizeof(address));
	if (registry_run(r, DB_SESSION_DROP, "t", node) == 0)
		registry_run(r, DB_SESSION_ADD, "ititti", (int64_t)q->session,
		    node, (int64_t)epoch, boot, address, now.wall_ms);
	view_forget(r);
}

static bool
may_have(struct registry *r, const struct session_request *q, const char *node,
    uint64_t live, bool *known, struct denial *why, struct when now)
{
	char address[ADDRESS_MAX + 1];
	uint32_t wait_ms;

	if (session_exists(r, q->session)) {
		*why = (struct denial){ 400, REGISTRY_INVALID, 0,
		    "the session id is in use" };
		return (false);
	}
	wait_ms = clone_open(&r->clones, node, q->boot, q->address, live != 0,
	    now.mono);
	if (wait_ms > 0) {
		clean(q->address, address, sizeof(address));
		/* Who is held out may ask again at any pace. */
		if (now.mono.ms >= r->clone_told_ms) {
			log_warn("%s: two nodes have this id and take it from "
			    "each other; the one that has it keeps it, %s is "
			    "held out", node, address);
			r->clone_told_ms = now.mono.ms + CLONE_TOLD_MS;
		}
		*why = (struct denial){ 409, REGISTRY_DUPLICATE_NODE, wait_ms,
		    "another node with this id is connected" };
		return (false);
	}
	if (!make_room(r, node, known)) {
		*why = (struct denial){ 503, REGISTRY_OVERLOADED,
		    REGISTRY_RETRY_MS, "as many nodes are connected as may be "
		    "known" };
		return (false);
	}
	return (true);
}

static void
accept_session(struct registry *r, const struct session_request *q,
    const char *node, uint64_t replaced, bool known, struct when now)
{
	struct reply *reply;
	uint64_t epoch = 0;

	if (registry_run(r, DB_NODE_ACCEPT, "tii", node, (int64_t)q->kind,
	    now.wall_ms) == 0 && registry_run(r, DB_NODE_GET, "t", node) == 1)
		epoch = (uint64_t)db_int(r->db, DB_NODE_GET, 1);
	db_done(r->db, DB_NODE_GET);
	r->n_nodes += !known;
	if (!r->broken)
		give_node(r, q, node, epoch, now);
	say_node(r, node, true);
	reply = registry_say(r, MSG_SESSION_ACCEPT, q->session);
	strlcpy(reply->node, node, sizeof(reply->node));
	reply->epoch = epoch;
	reply->replaced = replaced;
}

void
registry_open(struct registry *r, const struct session_request *q,
    struct when now)
{
	char node[LIMIT_NODE_ID + 1];
	struct denial why;
	uint64_t live, epoch;
	bool known = false;

	if (refused(r, q, node, &why)) {
		deny(r, q->session, &why);
		return;
	}
	if (!registry_begin(r)) {
		/* The commit will turn it into a denial. */
		registry_say(r, MSG_SESSION_ACCEPT, q->session);
		return;
	}
	live = session_of(r, node, &epoch);
	if (may_have(r, q, node, live, &known, &why, now))
		accept_session(r, q, node, live, known, now);
	else
		deny(r, q->session, &why);
}

/* Whether the row of a session is this very one, open or closed. */
static bool
same_session(struct registry *r, const struct session_request *q,
    const char *node, uint64_t epoch, bool *exists)
{
	bool same;

	*exists = registry_run(r, DB_SESSION_GET, "i",
	    (int64_t)q->session) == 1;
	same = *exists && strcmp(db_text(r->db, DB_SESSION_GET, 0), node) == 0 &&
	    (uint64_t)db_int(r->db, DB_SESSION_GET, 1) == epoch;
	db_done(r->db, DB_SESSION_GET);
	return (same);
}

/* The row is not there: the file was lost or restored, or a commit failed. */
static bool
resume_lost(struct registry *r, const struct session_request *q,
    const char *node, uint64_t epoch, struct when now)
{
	uint64_t newer = 0;
	bool known;

	if ((session_of(r, node, &newer) != 0 && newer >= epoch) ||
	    !make_room(r, node, &known) ||
	    registry_run(r, DB_NODE_RESUME, "tiii", node, (int64_t)q->kind,
	    now.wall_ms, (int64_t)epoch) == -1)
		return (false);
	r->n_nodes += !known;
	give_node(r, q, node, epoch, now);
	say_node(r, node, true);
	return (true);
}

void
registry_resume(struct registry *r, const struct session_request *q,
    uint64_t epoch, struct when now)
{
	char node[LIMIT_NODE_ID + 1];
	struct denial why;
	bool exists, done;

	if (refused(r, q, node, &why)) {
		clean(q->node, node, sizeof(node));
		log_warn("%s: session not resumed: %s", node, why.reason);
		r->stats.stale++;
		return;
	}
	if (!registry_begin(r))
		return;
	if (same_session(r, q, node, epoch, &exists)) {
		done = registry_run(r, DB_SESSION_REOPEN, "i",
		    (int64_t)q->session) == 0;
		view_forget(r);
	} else
		done = !exists && resume_lost(r, q, node, epoch, now);
	if (done)
		r->stats.resumed++;
	else
		r->stats.stale++;
}

bool
registry_node_of(struct registry *r, uint64_t session, char *node)
{
	bool live;

	live = registry_run(r, DB_SESSION_GET, "i", (int64_t)session) == 1 &&
	    db_int(r->db, DB_SESSION_GET, 2) != 0;
	if (live)
		strlcpy(node, db_text(r->db, DB_SESSION_GET, 0),
		    LIMIT_NODE_ID + 1);
	db_done(r->db, DB_SESSION_GET);
	return (live);
}

void
registry_seen(struct registry *r, uint64_t session, struct when now)
{
	if (registry_begin(r))
		registry_run(r, DB_NODE_SEEN, "ii", (int64_t)session,
		    now.wall_ms);
}

void
registry_close(struct registry *r, uint64_t session, struct span reason,
    struct when now)
{
	char node[LIMIT_NODE_ID + 1], why[REASON_MAX + 1];
	struct reply *reply;

	if (session == 0 || !registry_begin(r))
		return;
	if (!registry_node_of(r, session, node)) {
		/* Replaced, closed before, or never there. */
		r->stats.stale++;
		return;
	}
	clean(reason, why, sizeof(why));
	registry_run(r, DB_SESSION_CLOSE, "iit", (int64_t)session,
	    now.wall_ms, why);
	registry_run(r, DB_SERVICE_DROP, "i", (int64_t)session);
	r->stats.closed++;
	view_forget(r);
	reply = registry_say(r, MSG_ROUTE_DELETE, session);
	strlcpy(reply->node, node, sizeof(reply->node));
}
