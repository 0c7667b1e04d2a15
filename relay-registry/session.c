/* SPDX-License-Identifier: ISC */
/* Who has which node: open, resume, seen, close. */
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "common/log.h"
#include "common/name.h"
#include "relay-registry/audit.h"
#include "relay-registry/auth_impl.h"
#include "relay-registry/policy_impl.h"

#define WARNED_MS	1000	/* in this time at most ... */
#define WARNED_MAX	10	/* ... so many warnings of strangers */

void
registry_clean(struct span s, char *buf, size_t size)
{
	size_t i;

	for (i = 0; i < s.len && i < size - 1; i++)
		buf[i] = s.p[i] < 0x20 || s.p[i] > 0x7e ? '?' : s.p[i];
	buf[i] = '\0';
}

/* Strangers may ask at any pace. */
bool
registry_may_warn(struct registry *r, struct when now)
{
	if (now.mono.ms >= r->warned_ms) {
		if (r->warned > WARNED_MAX)
			log_warn("%u more warnings of this kind were left out",
			    r->warned - WARNED_MAX);
		r->warned_ms = now.mono.ms + WARNED_MS;
		r->warned = 0;
	}
	return (++r->warned <= WARNED_MAX);
}

/* What is wrong with who it says it is, or false with its id in node. */
static bool
refused(const struct registry *r, const struct session_request *q, char *node,
    struct denial *why)
{
	*why = (struct denial){ .status = 403, .code = REGISTRY_FORBIDDEN };
	if (r->role != ROLE_MAIN)
		why->reason = "a home takes no links";
	else if (q->kind == NODE_UPLINK)
		why->reason = "a Main has no uplinks";
	else if (!name_node_lower(q->node, node, LIMIT_NODE_ID + 1))
		*why = (struct denial){ .status = 400,
		    .code = REGISTRY_INVALID, .reason = "node id: 1 to 253 "
		    "bytes, labels of [a-z0-9_-] joined by dots" };
	else if (q->kind == NODE_HOME && strcmp(node, r->node_id) == 0)
		why->reason = "the node id is this relay's own";
	return (why->reason != NULL);
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
		if (db_int(r->db, DB_NODE_OLDEST, 1) == NODE_HOME)
			say_node(r, node, false);
		row = registry_check(r, db_next(r->db, DB_NODE_OLDEST));
	}
	db_done(r->db, DB_NODE_OLDEST);
}

/* Whether this node may be known; *known: as which kind it is already, or 0. */
static bool
make_room(struct registry *r, const char *node, int *known)
{
	*known = registry_run(r, DB_NODE_GET, "t", node) == 1 ?
	    (int)db_int(r->db, DB_NODE_GET, 0) : 0;
	db_done(r->db, DB_NODE_GET);
	if (*known != 0)
		return (true);
	if (r->n_nodes >= r->max_nodes)
		purge(r);
	return (r->n_nodes < r->max_nodes);
}

/* --- sessions --- */

/* A session that a node has. */
struct live {
	uint64_t	session;	/* 0: none; no other node's */
	uint64_t	epoch;
	int		kind;
};

static struct live
session_of(struct registry *r, const char *node)
{
	struct live live = { 0 };

	if (registry_run(r, DB_SESSION_OF_NODE, "t", node) == 1) {
		live.session = (uint64_t)db_int(r->db, DB_SESSION_OF_NODE, 0);
		live.epoch = (uint64_t)db_int(r->db, DB_SESSION_OF_NODE, 1);
		live.kind = (int)db_int(r->db, DB_SESSION_OF_NODE, 2);
	}
	db_done(r->db, DB_SESSION_OF_NODE);
	return (live);
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
    const char *node, uint64_t epoch, const char *credential, struct when now)
{
	char boot[LIMIT_BOOT_ID + 1], address[PEER_ADDRESS_MAX + 1];

	registry_clean(q->boot, boot, sizeof(boot));
	registry_clean(q->address, address, sizeof(address));
	if (registry_run(r, DB_SESSION_DROP, "t", node) == 0)
		registry_run(r, DB_SESSION_ADD, "itittit", (int64_t)q->session,
		    node, (int64_t)epoch, boot, address, now.wall_ms,
		    credential);
	view_forget(r);
}

/* Two machines with this id, or another reason to wait; false if it may. */
static bool
is_clone(struct registry *r, const struct session_request *q,
    const char *node, bool live, struct denial *why, struct when now)
{
	char address[PEER_ADDRESS_MAX + 1];
	uint32_t wait_ms;

	wait_ms = clone_open(&r->clones, node, q->boot, q->address, live,
	    now.mono);
	if (wait_ms == 0)
		return (false);
	registry_clean(q->address, address, sizeof(address));
	if (registry_may_warn(r, now))
		log_warn("%s: two nodes have this id and take it from each "
		    "other; the one that has it keeps it, %s is held out; "
		    "each needs an id of its own", node, address);
	*why = (struct denial){ .status = 409, .code = REGISTRY_DUPLICATE_NODE,
	    .retry_after_ms = wait_ms,
	    .reason = "another node with this id is connected" };
	return (true);
}

/* A home and a Main cannot share an id. */
static bool
is_other_kind(struct registry *r, const struct session_request *q,
    const char *node, const struct live *live, struct denial *why,
    struct when now)
{
	char address[PEER_ADDRESS_MAX + 1];

	if (live->session == 0 || live->kind == (int)q->kind)
		return (false);
	registry_clean(q->address, address, sizeof(address));
	if (registry_may_warn(r, now))
		log_warn("%s at %s asks for the id %s, which a linked %s has",
		    q->kind == NODE_PEER ? "a Main" : "a home", address, node,
		    live->kind == NODE_PEER ? "Main" : "home");
	*why = (struct denial){ .status = 409, .code = REGISTRY_DUPLICATE_NODE,
	    .retry_after_ms = LIMIT_CLONE_MS,
	    .reason = live->kind == NODE_PEER ?
	    "a Main with this id is connected" :
	    "a home with this id is connected" };
	return (true);
}

static bool
may_have(struct registry *r, const struct session_request *q, const char *node,
    struct live *live, int *known, struct denial *why, struct when now)
{
	if (session_exists(r, q->session)) {
		*why = (struct denial){ .status = 400,
		    .code = REGISTRY_INVALID,
		    .reason = "the session id is in use" };
		return (false);
	}
	if (is_other_kind(r, q, node, live, why, now))
		return (false);
	if (q->kind == NODE_PEER &&
	    !peer_may_link(r, q, node, &live->session, why, now))
		return (false);
	if ((q->kind == NODE_HOME || q->peer == PEER_NONE) &&
	    is_clone(r, q, node, live->session != 0, why, now))
		return (false);
	if (!make_room(r, node, known)) {
		*why = (struct denial){ .status = 503,
		    .code = REGISTRY_OVERLOADED,
		    .retry_after_ms = REGISTRY_RETRY_MS,
		    .reason = "as many nodes are connected as may be known" };
		return (false);
	}
	return (true);
}

static void
accept_session(struct registry *r, const struct session_request *q,
    const char *node, uint64_t replaced, int known,
    const struct admission *admission, struct when now)
{
	struct reply *reply;
	uint64_t epoch = 0;

	if (registry_run(r, DB_NODE_ACCEPT, "tii", node, (int64_t)q->kind,
	    now.wall_ms) == 0 && registry_run(r, DB_NODE_GET, "t", node) == 1)
		epoch = (uint64_t)db_int(r->db, DB_NODE_GET, 1);
	db_done(r->db, DB_NODE_GET);
	r->n_nodes += known == 0;
	if (!r->broken) {
		give_node(r, q, node, epoch, admission->credential, now);
		auth_admitted(r, q, node, admission, now);
		if (q->peer != PEER_NONE)
			auth_place_peer(r, q);
	}
	/* The router knows homes; a Main is what it has a link with. */
	if (q->kind == NODE_HOME || known == NODE_HOME)
		say_node(r, node, q->kind == NODE_HOME);
	if (q->kind == NODE_PEER)
		peer_linked(r, q, node, now.mono);
	reply = registry_say(r, MSG_SESSION_ACCEPT, q->session);
	strlcpy(reply->node, node, sizeof(reply->node));
	reply->kind = (uint8_t)q->kind;
	reply->epoch = epoch;
	reply->replaced = replaced;
	if (admission->proof[0] != '\0' &&
	    (reply->header = strdup(admission->proof)) == NULL)
		fatal("no memory for a reply");
}

/* What has not been recorded yet. */
static void
note_refused(struct registry *r, const struct session_request *q,
    const struct denial *why, struct when now)
{
	char address[PEER_ADDRESS_MAX + 1];

	registry_clean(q->address, address, sizeof(address));
	audit_note(r, AUDIT_REFUSE, q->node, span_str(address),
	    span_str(why->detail[0] != '\0' ? why->detail : why->reason), now);
}

/* Whether it is who it says it is, and such a node may be linked. */
static bool
may_link(struct registry *r, const struct session_request *q,
    const char *node, struct admission *admission, struct denial *why,
    struct when now)
{
	const struct policy_rule *rule;
	char reason[DENIED_BY_TEXT];

	if (peer_is_own(r, q, node, why, now) || (q->peer != PEER_NONE &&
	    !peer_is_expected(r, q, node, why))) {
		note_refused(r, q, why, now);
		return (false);
	}
	if (q->peer != PEER_NONE) {
		if (!auth_main_proved(r, q, node, admission, why, now)) {
			if (why->status == 403)
				auth_refused(r, q, node, why->detail, true,
				    now);
			return (false);
		}
	} else if (!auth_admit(r, q, node, admission, why, now))
		return (false);
	if (registry_may_connect(r, q->kind, node, &rule))
		return (true);
	registry_denied_by(rule, reason);
	auth_refused(r, q, node, reason, true, now);
	*why = (struct denial){ .status = 403, .code = REGISTRY_FORBIDDEN,
	    .reason = "forbidden" };
	return (false);
}

void
registry_open(struct registry *r, const struct session_request *q,
    struct when now)
{
	char node[LIMIT_NODE_ID + 1];
	struct admission admission;
	struct denial why;
	struct live live;
	int known = 0;

	if (q->kind == NODE_UPLINK && r->role == ROLE_HOME) {
		auth_open_uplink(r, q, now);
		return;
	}
	/* No transaction yet: who is not let in writes to the audit log only. */
	if (refused(r, q, node, &why)) {
		note_refused(r, q, &why, now);
		auth_deny(r, q->session, &why, now);
		return;
	}
	if (!may_link(r, q, node, &admission, &why, now)) {
		auth_deny(r, q->session, &why, now);
		return;
	}
	if (!registry_begin(r)) {
		/* The commit will turn it into a denial. */
		registry_say(r, MSG_SESSION_ACCEPT, q->session);
		return;
	}
	live = session_of(r, node);
	if (may_have(r, q, node, &live, &known, &why, now))
		accept_session(r, q, node, live.session, known, &admission,
		    now);
	else {
		note_refused(r, q, &why, now);
		auth_deny(r, q->session, &why, now);
	}
}

/* Whether the row of a session is this very one, open or closed. */
static bool
same_session(struct registry *r, const struct session_request *q,
    const char *node, uint64_t epoch, bool *exists)
{
	bool same;

	*exists = registry_run(r, DB_SESSION_GET, "i",
	    (int64_t)q->session) == 1;
	same = *exists &&
	    strcmp(db_text(r->db, DB_SESSION_GET, 0), node) == 0 &&
	    (uint64_t)db_int(r->db, DB_SESSION_GET, 1) == epoch;
	db_done(r->db, DB_SESSION_GET);
	return (same);
}

/* The row is not there: the file was lost or restored, or a commit failed. */
static bool
resume_lost(struct registry *r, const struct session_request *q,
    const char *node, uint64_t epoch, struct when now)
{
	struct live live = session_of(r, node);
	int known;

	if ((live.session != 0 && (live.epoch >= epoch ||
	    live.kind != (int)q->kind)) || !make_room(r, node, &known) ||
	    registry_run(r, DB_NODE_RESUME, "tiii", node, (int64_t)q->kind,
	    now.wall_ms, (int64_t)epoch) == -1)
		return (false);
	r->n_nodes += known == 0;
	give_node(r, q, node, epoch, "", now);
	if (q->kind == NODE_HOME)
		say_node(r, node, true);
	return (true);
}

/*
 * The router is believed that it was let in; but what it was let in by may be
 * gone since.
 */
static bool
check_resumed(struct registry *r, const struct session_request *q,
    const char *node, struct when now)
{
	char id[CREDENTIAL_ID] = "", address[PEER_ADDRESS_MAX + 1];
	char rule[DENIED_BY_TEXT];
	const char *why;

	if (registry_run(r, DB_SESSION_CREDENTIAL, "i",
	    (int64_t)q->session) == 1)
		strlcpy(id, db_text(r->db, DB_SESSION_CREDENTIAL, 0),
		    sizeof(id));
	db_done(r->db, DB_SESSION_CREDENTIAL);
	why = auth_fault(r, q->kind, node, id, q->session, now, rule);
	if (why == NULL)
		return (true);
	registry_clean(q->address, address, sizeof(address));
	registry_cut(r, q->session, node, address, why, now);
	return (false);
}

void
registry_resume(struct registry *r, const struct session_request *q,
    uint64_t epoch, struct when now)
{
	char node[LIMIT_NODE_ID + 1];
	struct denial why;
	bool exists, same, dialled, done;

	if (q->kind == NODE_UPLINK && r->role == ROLE_HOME) {
		auth_resume_uplink(r, q, now);
		return;
	}
	if (refused(r, q, node, &why) || strcmp(node, r->node_id) == 0) {
		registry_clean(q->node, node, sizeof(node));
		log_warn("%s: session not resumed: %s", node,
		    why.reason != NULL ? why.reason :
		    "the node id is this relay's own");
		r->stats.stale++;
		return;
	}
	if (!registry_begin(r))
		return;
	same = same_session(r, q, node, epoch, &exists);
	/* Who may not come leaves no row; whom we dialled is asked by its link. */
	dialled = q->kind == NODE_PEER &&
	    auth_place_of_peer(r, q) != PEER_NONE;
	if (!dialled && (same || !exists) &&
	    !check_resumed(r, q, node, now)) {
		r->stats.stale++;
		return;
	}
	if (same) {
		done = registry_run(r, DB_SESSION_REOPEN, "i",
		    (int64_t)q->session) == 0;
		view_forget(r);
	} else
		done = !exists && resume_lost(r, q, node, epoch, now);
	if (done && q->kind == NODE_PEER)
		peer_resumed(r, q, node, now.mono);
	if (done && dialled)
		(void)check_resumed(r, q, node, now);
	if (done)
		r->stats.resumed++;
	else
		r->stats.stale++;
}
