/* SPDX-License-Identifier: ISC */
/*
 * A hostile router and, for what it only passes on, a hostile parent: any
 * sequence of messages to the registry, as bytes.
 *
 * Input: u8 flags (bit 0: on a home, bit 1: room for few nodes), then
 * messages, each u8 which (of the types below), u8 how much later it is in
 * quarter seconds, u16 length (little-endian), payload.  With bit 7 of which,
 * the turn of the loop ends after it.
 *
 * Whatever comes: no crash, no leak, every reply and every message of
 * discovery is a valid message, at most one live session a node and one link
 * a Main, and the limit of nodes holds.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "relay-registry/message.h"

#define MESSAGES_MAX	64	/* of one input: each may be a transaction */
#define FEW_NODES	4
#define PEERS		3	/* that this Main dials */

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);
int	__real_sqlite3_open_v2(const char *, sqlite3 **, int, const char *);
int	__wrap_sqlite3_open_v2(const char *, sqlite3 **, int, const char *);
void	__wrap_db_close(struct db *);

static const enum msg_type types[] = { MSG_SESSION_OPEN, MSG_SESSION_RESUME,
    MSG_SESSION_SEEN, MSG_SESSION_CLOSE, MSG_REGISTER, MSG_SERVICE_HEALTH,
    MSG_VIEW_REQUEST, MSG_PEER_REQUEST, MSG_PEER_ROWS, MSG_PEER_MORE,
    MSG_PEER_DIGEST, MSG_PEER_RESYNC, MSG_PEER_QUERY, MSG_PEER_BARRIER,
    MSG_PEER_STATE, MSG_CTL_PEER, MSG_CTL_TOKEN, MSG_PROOF_ASK,
    MSG_CALLER_ASK, MSG_POLICY_DENIED, MSG_CTL_NODE, MSG_CTL_AUDIT };

#define DISCOVERY_MAX	256	/* messages of discovery a turn: each must be
				 * caused by something */

static uint8_t	out[LIMIT_VIEW_BODY + 4096];
static sqlite3	*sql;			/* the one database of all inputs */

/* --- the database --- */

int
__wrap_sqlite3_open_v2(const char *path, sqlite3 **db, int flags,
    const char *vfs)
{
	int rc = __real_sqlite3_open_v2(path, db, flags, vfs);

	sql = *db;
	return (rc);
}

/* The next input has it as well. */
void
__wrap_db_close(struct db *db)
{
	(void)db;
}

/* An empty one: to make it anew would take most of the time. */
static struct db *
fresh_db(void)
{
	static struct db *db;
	char err[512];

	if (db == NULL)
		db = db_open(":memory:", err, sizeof(err));
	else
		db_rollback(db);
	/* All else goes with the nodes. */
	if (db == NULL || sqlite3_exec(sql, "DELETE FROM node; "
	    "DELETE FROM peer; DELETE FROM token; DELETE FROM credential; "
	    "DELETE FROM disabled", NULL, NULL, NULL) !=
	    SQLITE_OK)
		abort();
	return (db);
}

/* --- what comes and what is answered --- */

/* What it would log is what the input asked for. */
static void
quiet(void)
{
	static int fd = -1;

	if (fd == -1 && (fd = open("/dev/null", O_WRONLY)) != -1)
		log_init(fd, LOG_STYLE_TERMINAL, "fuzz", false);
}

static void
check_message(const struct wire_put *put, enum msg_type type,
    enum proc_id to)
{
	if (put->bad || msg_check(type, PROC_REGISTRY, to, PHASE_RUN,
	    (uint32_t)put->len, false) != NULL)
		abort();
}

static void
take_discovery(struct registry *r, struct when now)
{
	struct wire_put put;
	enum peer_dial what;
	enum msg_type type;
	uint32_t index;
	int n;

	for (n = 0;; n++) {
		wire_put_init(&put, out, sizeof(out));
		if (!mesh_next(registry_mesh(r), &type, &put, now.mono))
			break;
		check_message(&put, type, PROC_ROUTER);
		if (n == DISCOVERY_MAX)
			abort();
	}
	for (n = 0; peers_next_dial(registry_peers(r), &index, &what); n++) {
		if (index >= PEERS || n > 2 * PEERS)
			abort();
	}
}

static void
take_replies(struct registry *r, struct when now)
{
	struct wire_put put;
	struct reply *reply;

	if (!registry_commit(r, now))
		abort();
	while ((reply = registry_reply(r)) != NULL) {
		wire_put_init(&put, out, sizeof(out));
		put_reply(&put, reply);
		check_message(&put, reply->type, reply_to(reply));
		reply_free(reply);
	}
	take_discovery(r, now);
}

static bool
of_parent(enum msg_type type)
{
	return (type == MSG_PEER_STATE || type == MSG_CTL_PEER ||
	    type == MSG_CTL_TOKEN || type == MSG_CTL_NODE ||
	    type == MSG_CTL_AUDIT);
}

static bool
hand_over(struct registry *r, enum msg_type type, struct wire_get *get,
    struct when now)
{
	if (of_parent(type))
		return (registry_parent_message(r, type, get, now));
	return (registry_message(r, type, get, now));
}

/* One message, if the table would let it pass; returns what is left. */
static const uint8_t *
one_message(struct registry *r, const uint8_t *p, const uint8_t *end,
    struct when *now)
{
	size_t n = sizeof(types) / sizeof(types[0]), len;
	enum msg_type type = types[(p[0] & 0x7f) % n];
	struct wire_get get;
	bool turn = p[0] & 0x80;

	now->mono.ms += p[1] * 250;
	now->wall_ms += p[1] * 250;
	len = (size_t)p[2] | (size_t)p[3] << 8;
	p += 4;
	if (len > (size_t)(end - p))
		len = (size_t)(end - p);
	if (msg_check(type, of_parent(type) ? PROC_PARENT : PROC_ROUTER,
	    PROC_REGISTRY, PHASE_RUN, (uint32_t)len, false) == NULL) {
		wire_get_init(&get, p, len);
		if (hand_over(r, type, &get, *now) != get_done(&get))
			abort();
	}
	if (turn)
		take_replies(r, *now);
	registry_tick(r, *now);
	return (p + len);
}

static void
check_invariants(struct registry *r, uint32_t max_nodes)
{
	static char ids[MESSAGES_MAX + 1][LIMIT_NODE_ID + 1];
	const struct peer_link *link;
	struct db *db = registry_db(r);

	TAILQ_FOREACH(link, &registry_peers(r)->links, entry) {
		if (!link->up ||
		    peers_link_of(registry_peers(r), link->node) != link)
			abort();
	}
	if (registry_nodes(r, "", ids, MESSAGES_MAX + 1) >= max_nodes ||
	    db_run(db, DB_COUNTS, "") != 1)
		abort();
	/* At most one live session a home. */
	if (db_int(db, DB_COUNTS, 1) > db_int(db, DB_COUNTS, 0))
		abort();
	db_done(db, DB_COUNTS);
}

/* Main ids like the nodes of the corpus; at the second it is configured. */
static void
configure_peers(struct registry *r, struct when now)
{
	static struct peer_conf list[PEERS];
	uint32_t i;

	for (i = 0; i < PEERS; i++) {
		list[i] = (struct peer_conf){ .port = 80, .path = "/ws/peers",
		    .origin = PEER_CONFIGURED };
		snprintf(list[i].host, sizeof(list[i].host), "p%u", i);
	}
	snprintf(list[1].node, sizeof(list[1].node), "b.main");
	registry_configure_peers(r, 1, list,
	    registry_role(r) == ROLE_MAIN ? PEERS : 0, now);
}

/* Who has no credentials may come; one home has a secret, and an uplink. */
static void
configure_trust(struct registry *r, struct when now)
{
	static const struct uplink_conf uplink = { .host = "up", .port = 443,
	    .path = "/ws/federation" };
	const struct trust_conf conf = { AUTH_OPEN, "ws://127.0.0.1:80",
	    &uplink, registry_role(r) == ROLE_HOME };
	struct credential_conf one = { HOLDER_HOME, 0, span_str("carol.home"),
	    AUTH_BY_SECRET, span_str(""), span_str("0123456789abcdef"),
	    span_str("") };
	struct credentials list = { .n = 0 };

	if (credentials_add(&list, &one) != NULL)
		abort();
	one.holder = HOLDER_UPLINK;
	if (credentials_add(&list, &one) != NULL || !credentials_seal(&list))
		abort();
	registry_configure_trust(r, 1, &conf, &list, now);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *p = data, *end = data + size;
	struct when now = { { 1000 }, 1767323045678 };
	struct registry *r;
	uint32_t max_nodes;
	char err[512];
	int n;

	if (size < 1)
		return (0);
	quiet();
	max_nodes = *p & 2 ? FEW_NODES : 1000;
	r = registry_new(fresh_db(), max_nodes, now, err, sizeof(err));
	if (r == NULL)
		abort();
	registry_configure(r, *p & 1 ? ROLE_HOME : ROLE_MAIN, "main.example",
	    now);
	configure_peers(r, now);
	configure_trust(r, now);
	for (p++, n = 0; end - p >= 4 && n < MESSAGES_MAX; n++)
		p = one_message(r, p, end, &now);
	take_replies(r, now);
	check_invariants(r, max_nodes);
	registry_free(r);
	return (0);
}
