/* SPDX-License-Identifier: ISC */
/* See registry.h: its life, transactions and what surrounds them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "common/log.h"
#include "relay-registry/policy_impl.h"
#include "relay-registry/auth_impl.h"

/* A router resumes its sessions, and the dialer says where it stands, well
 * within this. */
#define UNKNOWN_MS	5000

/* --- transactions --- */

int
registry_check(struct registry *r, int result)
{
	if (result == -1 && !r->broken) {
		log_err("database: %s", db_error(r->db));
		r->broken = true;
	}
	return (result);
}

bool
registry_begin(struct registry *r)
{
	if (!r->broken && !db_begin(r->db))
		(void)registry_check(r, -1);
	return (!r->broken);
}

struct reply *
registry_say(struct registry *r, enum msg_type type, uint64_t id)
{
	struct reply *reply = reply_new(type, id);

	STAILQ_INSERT_TAIL(&r->waiting, reply, entry);
	return (reply);
}

bool
registry_pending(const struct registry *r)
{
	return (!STAILQ_EMPTY(&r->waiting) || audit_pending(r));
}

/* The number of nodes, from the database. */
static bool
count_nodes(struct registry *r)
{
	if (db_run(r->db, DB_NODE_COUNT, "") != 1)
		return (false);
	r->n_nodes = db_int(r->db, DB_NODE_COUNT, 0);
	db_done(r->db, DB_NODE_COUNT);
	return (true);
}

/* What it means for discovery comes first; then somebody may take it. */
static void
release(struct registry *r, struct reply *reply, struct when now)
{
	discovery_committed(r, reply, now);
	if (reply_to(reply) == PROC_REGISTRY)
		reply_free(reply);
	else
		STAILQ_INSERT_TAIL(&r->ready, reply, entry);
}

static void
release_all(struct registry *r, struct when now)
{
	struct reply *reply;

	while ((reply = STAILQ_FIRST(&r->waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&r->waiting, entry);
		release(r, reply, now);
	}
}

/* Nothing of this transaction happened. */
static void
refuse_all(struct registry *r, struct when now)
{
	struct reply_queue said = STAILQ_HEAD_INITIALIZER(said);
	struct reply *reply;

	r->stats.failed++;
	r->lost = true;
	view_forget(r);
	audit_rollback(r);
	if (!count_nodes(r))
		log_err("database: %s", db_error(r->db));
	STAILQ_CONCAT(&said, &r->waiting);
	while ((reply = STAILQ_FIRST(&said)) != NULL) {
		STAILQ_REMOVE_HEAD(&said, entry);
		discovery_refused(r, reply);
		if (reply_refuse(reply))
			release(r, reply, now);
		else
			reply_free(reply);
	}
}

bool
registry_commit(struct registry *r, struct when now)
{
	bool wrote = db_in_transaction(r->db);

	audit_commit(r);
	if (r->broken) {
		db_rollback(r->db);
	} else if (db_commit(r->db)) {
		if (wrote && r->lost)
			r->behind = true;
		/* It is true all the same: nothing is taken back. */
		if (wrote && r->sync && !db_sync(r->db))
			log_warn("database: %s", db_error(r->db));
		r->sync = false;
		release_all(r, now);
		return (true);
	} else
		log_err("database: %s", db_error(r->db));
	r->broken = r->sync = false;
	refuse_all(r, now);
	return (false);
}

struct reply *
registry_reply(struct registry *r)
{
	struct reply *reply = STAILQ_FIRST(&r->ready);

	if (reply == NULL)
		return (NULL);
	STAILQ_REMOVE_HEAD(&r->ready, entry);
	if (reply->type == MSG_SESSION_ACCEPT) {
		r->stats.accepted++;
		r->stats.replaced += reply->replaced != 0;
	} else if (reply->type == MSG_SESSION_DENY)
		r->stats.denied++;
	return (reply);
}

bool
registry_behind(const struct registry *r)
{
	return (r->behind);
}

/* A write that changes nothing finds out whether writing works again. */
void
registry_tick(struct registry *r, struct when now)
{
	clone_expire(&r->clones, now.mono);
	auth_nonces_expire(&r->trust->nonces, now.mono.ms);
	knocks_expire(r, now);
	auth_expire(r, now);
	mesh_tick(r->mesh, now.mono);
	peers_coming_expire(&r->peers, now.mono);
	audit_tick(r, now);
	if (monotime_diff_ms(now.mono, r->started) >= UNKNOWN_MS)
		peers_release_unknown(&r->peers);
	if (r->lost && !r->behind && registry_begin(r))
		registry_run(r, DB_SELF_DROP, "t", r->node_id);
	if (db_in_transaction(r->db) || r->broken)
		(void)registry_commit(r, now);
	db_clean(r->db);
}

/* --- life --- */

/* Every home's session is over, and nothing is offered any more. */
static bool
end_sessions(struct registry *r, const char *reason, struct when now)
{
	view_forget(r);
	return (db_begin(r->db) &&
	    db_run(r->db, DB_SESSION_CLOSE_ALL, "it", now.wall_ms,
	    reason) == 0 && db_run(r->db, DB_SERVICE_DROP_ALL, "") == 0);
}

struct registry *
registry_new(struct db *db, uint32_t max_nodes, struct when now, char *err,
    size_t size)
{
	struct registry *r;
	uint8_t key[HASH_KEY_LEN];
	uint64_t epoch;

	if ((r = calloc(1, sizeof(*r))) == NULL) {
		snprintf(err, size, "out of memory");
		return (NULL);
	}
	r->db = db;
	r->role = ROLE_MAIN;
	r->max_nodes = max_nodes;
	r->started = now.mono;
	STAILQ_INIT(&r->waiting);
	STAILQ_INIT(&r->ready);
	arc4random_buf(key, sizeof(key));
	clone_init(&r->clones, key, max_nodes);
	arc4random_buf(&epoch, sizeof(epoch));
	r->mesh = mesh_new(epoch | 1, &mesh_limits_default);
	peers_init(&r->peers);
	r->trust = trust_new();
	err[0] = '\0';
	if (end_sessions(r, "restart", now) &&
	    identity_load(r->trust, db, now, err, size) &&
	    audit_open(r, now) && db_commit(db) && db_sync(db) &&
	    count_nodes(r))
		return (r);
	if (err[0] == '\0')
		snprintf(err, size, "database: %s", db_error(db));
	db_rollback(db);
	mesh_free(r->mesh);
	trust_free(r->trust);
	audit_clear(r);
	free(r);
	return (NULL);
}

/* Those of the router: nobody waits for them. */
static void
drop_replies(struct registry *r)
{
	struct reply_queue all = STAILQ_HEAD_INITIALIZER(all);
	struct reply *reply;

	STAILQ_CONCAT(&all, &r->ready);
	while ((reply = STAILQ_FIRST(&all)) != NULL) {
		STAILQ_REMOVE_HEAD(&all, entry);
		if (reply_to(reply) == PROC_ROUTER)
			reply_free(reply);
		else
			STAILQ_INSERT_TAIL(&r->ready, reply, entry);
	}
}

void
registry_router_gone(struct registry *r, struct when now)
{
	if (!r->broken && !end_sessions(r, "router", now))
		(void)registry_check(r, -1);
	(void)registry_commit(r, now);
	mesh_router_gone(r->mesh, now.mono);
	auth_uplinks_unknown(r);
	peers_clear(&r->peers);
	drop_replies(r);
}

void
registry_router_up(struct registry *r)
{
	mesh_router_up(r->mesh);
}

void
registry_free(struct registry *r)
{
	if (r == NULL)
		return;
	reply_free_all(&r->waiting);
	reply_free_all(&r->ready);
	clone_clear(&r->clones);
	view_forget(r);
	mesh_free(r->mesh);
	peers_clear(&r->peers);
	registry_policy_free(r->policy);
	trust_free(r->trust);
	audit_clear(r);
	db_close(r->db);
	free(r);
}

/* See to it that this node has its own session, 0, and keep it if so. */
static void
own_session(struct registry *r, struct when now)
{
	bool kept;

	if (registry_run(r, DB_NODE_RESUME, "tiii", r->node_id,
	    (int64_t)NODE_SELF, now.wall_ms, INT64_C(0)) == -1)
		return;
	kept = registry_run(r, DB_SESSION_OF_NODE, "t", r->node_id) == 1 &&
	    db_int(r->db, DB_SESSION_OF_NODE, 0) == 0;
	db_done(r->db, DB_SESSION_OF_NODE);
	if (!kept && registry_run(r, DB_SESSION_DROP, "t", r->node_id) == 0)
		registry_run(r, DB_SESSION_ADD, "itittit", INT64_C(0),
		    r->node_id, INT64_C(0), "", "", now.wall_ms, "");
}

void
registry_configure(struct registry *r, enum node_role role, const char *id,
    struct when now)
{
	r->role = role;
	strlcpy(r->node_id, id, sizeof(r->node_id));
	view_forget(r);
	if (registry_begin(r) &&
	    registry_run(r, DB_SELF_DROP, "t", r->node_id) == 0)
		own_session(r, now);
	if (registry_commit(r, now) && !count_nodes(r))
		log_err("database: %s", db_error(r->db));
}

/* --- questions --- */

size_t
registry_nodes(struct registry *r, const char *after,
    char (*ids)[LIMIT_NODE_ID + 1], size_t max)
{
	size_t n = 0;
	int row;

	row = db_run(r->db, DB_NODE_AFTER, "ti", after, (int64_t)max);
	for (; row == 1 && n < max; n++) {
		strlcpy(ids[n], db_text(r->db, DB_NODE_AFTER, 0),
		    sizeof(ids[n]));
		row = db_next(r->db, DB_NODE_AFTER);
	}
	if (row == -1)
		log_err("database: %s", db_error(r->db));
	db_done(r->db, DB_NODE_AFTER);
	return (n);
}

struct mesh *
registry_mesh(struct registry *r)
{
	return (r->mesh);
}

struct peers *
registry_peers(struct registry *r)
{
	return (&r->peers);
}

struct db *
registry_db(struct registry *r)
{
	return (r->db);
}

const struct registry_stats *
registry_stats(const struct registry *r)
{
	return (&r->stats);
}

enum node_role
registry_role(const struct registry *r)
{
	return (r->role);
}

void
registry_rfc3339(int64_t ms, char *buf, size_t size)
{
	time_t s = (time_t)(ms / 1000);
	struct tm tm;
	char date[40];

	buf[0] = '\0';
	if (ms <= 0 || gmtime_r(&s, &tm) == NULL ||
	    strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return;
	snprintf(buf, size, "%s.%03dZ", date, (int)(ms % 1000));
}
