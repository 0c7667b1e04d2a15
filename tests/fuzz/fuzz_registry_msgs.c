/* SPDX-License-Identifier: ISC */
/*
 * A hostile router: any sequence of messages to the registry, as bytes.
 *
 * Input: u8 flags (bit 0: on a home, bit 1: room for few nodes), then
 * messages, each u8 which (of the types below), u8 how much later it is in
 * quarter seconds, u16 length (little-endian), payload.  With bit 7 of which,
 * the turn of the loop ends after it.
 *
 * Whatever comes: no crash, no leak, every reply is a valid message, at most
 * one live session a node, and the limit of nodes holds.
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

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static const enum msg_type types[] = { MSG_SESSION_OPEN, MSG_SESSION_RESUME,
    MSG_SESSION_SEEN, MSG_SESSION_CLOSE, MSG_REGISTER, MSG_SERVICE_HEALTH,
    MSG_VIEW_REQUEST };

static uint8_t	out[LIMIT_VIEW_BODY + 4096];

/* What it would log is what the input asked for. */
static void
quiet(void)
{
	static int fd = -1;

	if (fd == -1 && (fd = open("/dev/null", O_WRONLY)) != -1)
		log_init(fd, LOG_STYLE_TERMINAL, "fuzz", false);
}

static void
take_replies(struct registry *r)
{
	struct wire_put put;
	struct reply *reply;

	if (!registry_commit(r))
		abort();
	while ((reply = registry_reply(r)) != NULL) {
		wire_put_init(&put, out, sizeof(out));
		put_reply(&put, reply);
		if (put.bad || msg_check(reply->type, PROC_REGISTRY,
		    PROC_ROUTER, PHASE_RUN, (uint32_t)put.len, false) != NULL)
			abort();
		reply_free(reply);
	}
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
	if (msg_check(type, PROC_ROUTER, PROC_REGISTRY, PHASE_RUN,
	    (uint32_t)len, false) == NULL) {
		wire_get_init(&get, p, len);
		if (registry_message(r, type, &get, *now) != get_done(&get))
			abort();
	}
	if (turn)
		take_replies(r);
	registry_tick(r, *now);
	return (p + len);
}

static void
check_invariants(struct registry *r, uint32_t max_nodes)
{
	static char ids[MESSAGES_MAX + 1][LIMIT_NODE_ID + 1];
	struct db *db = registry_db(r);

	if (registry_nodes(r, "", ids, MESSAGES_MAX + 1) >= max_nodes ||
	    db_run(db, DB_COUNTS, "") != 1)
		abort();
	/* At most one live session a home. */
	if (db_int(db, DB_COUNTS, 1) > db_int(db, DB_COUNTS, 0))
		abort();
	db_done(db, DB_COUNTS);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *p = data, *end = data + size;
	struct when now = { { 1000 }, 1767323045678 };
	struct registry *r;
	uint32_t max_nodes;
	struct db *db;
	char err[512];
	int n;

	if (size < 1)
		return (0);
	quiet();
	max_nodes = *p & 2 ? FEW_NODES : 1000;
	if ((db = db_open(":memory:", err, sizeof(err))) == NULL ||
	    (r = registry_new(db, max_nodes, now, err, sizeof(err))) == NULL)
		abort();
	registry_configure(r, *p & 1 ? ROLE_HOME : ROLE_MAIN, "main.example",
	    now);
	for (p++, n = 0; end - p >= 4 && n < MESSAGES_MAX; n++)
		p = one_message(r, p, end, &now);
	take_replies(r);
	check_invariants(r, max_nodes);
	registry_free(r);
	return (0);
}
