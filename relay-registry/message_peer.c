/* SPDX-License-Identifier: ISC */
/* See message.h: other Mains and callers, as the router and the parent tell. */
#include "common/ctl.h"
#include "common/name.h"
#include "relay-registry/message_impl.h"
#include "relay-registry/registry_impl.h"

#define ROW_MIN	5	/* bytes of a row of PEER_ROWS: id, deleted, count */
#define OP_MAX	2	/* of PEER_ROWS: snapshot, delta */
#define NODE_STATE_MAX	2	/* unknown, offline, online */

/* --- rows --- */

/*
 * One row, which discovery takes unless there is a reason not to already:
 * NULL, or why the link must end.
 */
static const char *
one_row(struct registry *r, uint64_t session, struct wire_get *m,
    const char *why, struct monotime now)
{
	struct service list[LIMIT_SERVICES];
	struct mesh_row_in row = { .services = list };
	size_t i;

	row.node = get_span(m, SPAN_MAX);
	row.deleted = get_bool(m);
	row.n = get_count(m, LIMIT_SERVICES, SERVICE_WIRE_MIN);
	for (i = 0; i < row.n; i++)
		get_service(m, &list[i]);
	if (why == NULL && !m->bad)
		why = mesh_rows_row(r->mesh, session, &row, now);
	for (i = 0; i < row.n; i++)
		service_clear(&list[i]);
	return (why);
}

/* A session whose word counts. */
static bool
is_live(struct registry *r, uint64_t session, struct monotime now)
{
	struct peer_link *link = peers_link(&r->peers, session);

	if (link != NULL && link->up && !link->ended) {
		link->heard = now;
		return (true);
	}
	r->stats.stale++;
	return (false);
}

static bool
on_rows(struct registry *r, struct wire_get *m, struct when now)
{
	static const char nothing[] = "";
	uint64_t session = get_u64(m), epoch, seq;
	uint8_t op = get_u8(m);
	const char *why;
	uint32_t part;
	uint16_t n;
	bool last;

	epoch = get_u64(m);
	seq = get_u64(m);
	part = get_u32(m);
	last = get_bool(m);
	n = get_count(m, UINT16_MAX, ROW_MIN);
	if (m->bad || op == 0 || op > OP_MAX)
		return (message_bad(m));
	why = !is_live(r, session, now.mono) ? nothing :
	    mesh_rows_begin(r->mesh, session, op, epoch, seq, part, now.mono);
	for (; n > 0 && !m->bad; n--)
		why = one_row(r, session, m, why, now.mono);
	if (!get_done(m))
		return (message_bad(m));
	if (why == NULL)
		why = mesh_rows_end(r->mesh, session, last, now.mono);
	if (why != NULL && why != nothing)
		registry_violation(r, session, why);
	view_forget(r);
	return (true);
}

static bool
on_digest(struct registry *r, struct wire_get *m, struct when now)
{
	uint64_t session = get_u64(m), epoch = get_u64(m), seq = get_u64(m);
	uint32_t nodes = get_u32(m);
	uint64_t digest = get_u64(m);

	if (!get_done(m))
		return (message_bad(m));
	if (is_live(r, session, now.mono))
		mesh_digest(r->mesh, session, epoch, seq, nodes, digest,
		    now.mono);
	return (true);
}

/* PEER_MORE and PEER_RESYNC: what is wanted of us. */
static bool
on_wanted(struct registry *r, enum msg_type type, struct wire_get *m,
    struct when now)
{
	uint64_t session = get_u64(m);

	if (!get_done(m))
		return (message_bad(m));
	if (!is_live(r, session, now.mono))
		return (true);
	if (type == MSG_PEER_MORE)
		mesh_more(r->mesh, session);
	else
		mesh_resync(r->mesh, session);
	return (true);
}

/* --- queries --- */

static bool
on_query(struct registry *r, struct wire_get *m)
{
	uint64_t session = get_u64(m);
	struct span message_id = get_span(m, LIMIT_MESSAGE_ID);
	struct span node = get_span(m, SPAN_MAX);
	struct span service = get_span(m, SPAN_MAX);

	if (!get_done(m))
		return (message_bad(m));
	registry_query(r, session, message_id, node, service);
	return (true);
}

static bool
on_barrier(struct registry *r, struct wire_get *m)
{
	uint64_t query = get_u64(m), session = get_u64(m);
	bool found = get_bool(m);
	uint8_t node = get_u8(m);

	if (!get_done(m) || node > NODE_STATE_MAX)
		return (message_bad(m));
	mesh_barrier(r->mesh, query, session, found, node);
	return (true);
}

/* --- requests --- */

static void
get_peer_request(struct wire_get *m, struct peer_request *q)
{
	q->name = get_span(m, SPAN_MAX);
	q->node = get_span(m, SPAN_MAX);
	q->persist = get_bool(m);
	q->insecure = get_bool(m);
	q->address = span_str("");
}

static bool
on_request(struct registry *r, struct wire_get *m, struct when now)
{
	struct peer_request q;
	struct span authorization;
	uint64_t request = get_u64(m);
	uint8_t op = get_u8(m);

	authorization = get_span(m, SPAN_MAX);
	get_peer_request(m, &q);
	q.address = get_span(m, SPAN_MAX);
	if (!get_done(m) || (op != PEER_OP_ADD && op != PEER_OP_DELETE))
		return (message_bad(m));
	q.op = op;
	registry_peer_request(r, request, authorization, &q, now);
	return (true);
}

/* --- callers --- */

static bool
on_caller(struct registry *r, struct wire_get *m, struct when now)
{
	uint64_t request = get_u64(m);
	struct span authorization = get_span(m, SPAN_MAX);
	struct span address = get_span(m, SPAN_MAX);

	if (!get_done(m))
		return (message_bad(m));
	registry_caller(r, request, authorization, address, now);
	return (true);
}

static bool
on_denied(struct registry *r, struct wire_get *m, struct when now)
{
	uint32_t more = get_u32(m);
	struct span caller = get_span(m, SPAN_MAX);
	struct span target = get_span(m, SPAN_MAX);
	struct span method = get_span(m, SPAN_MAX);
	struct span rule = get_span(m, SPAN_MAX);

	if (!get_done(m))
		return (message_bad(m));
	registry_denied(r, more, caller, target, method, rule, now);
	return (true);
}

bool
message_of_peers(struct registry *r, enum msg_type type, struct wire_get *m,
    struct when now)
{
	switch (type) {
	case MSG_PEER_ROWS:
		return (on_rows(r, m, now));
	case MSG_PEER_DIGEST:
		return (on_digest(r, m, now));
	case MSG_PEER_MORE:
	case MSG_PEER_RESYNC:
		return (on_wanted(r, type, m, now));
	case MSG_PEER_QUERY:
		return (on_query(r, m));
	case MSG_PEER_BARRIER:
		return (on_barrier(r, m));
	case MSG_PEER_REQUEST:
		return (on_request(r, m, now));
	case MSG_CALLER_ASK:
		return (on_caller(r, m, now));
	case MSG_POLICY_DENIED:
		return (on_denied(r, m, now));
	default:
		return (message_bad(m));
	}
}

/* --- the parent --- */

bool
message_conf_peer(struct wire_get *m, struct peer_conf *list, uint32_t *n)
{
	struct peer_conf *c = &list[*n];
	uint32_t index = get_u32(m);

	if (index != *n || index >= LIMIT_PEERS)
		return (message_bad(m));
	get_str(m, c->host, sizeof(c->host));
	c->port = get_u16(m);
	get_str(m, c->path, sizeof(c->path));
	get_str(m, c->node, sizeof(c->node));
	c->origin = get_u8(m);
	c->tls = get_bool(m);
	(void)get_u32(m);		/* how it is verified: for others */
	(void)get_span(m, SPAN_MAX);
	(void)get_u32(m);
	if (!get_done(m) || c->origin < PEER_CONFIGURED ||
	    c->origin > PEER_PERSISTED)
		return (message_bad(m));
	++*n;
	return (true);
}

static bool
on_peer_state(struct registry *r, struct wire_get *m, struct when now)
{
	char node[LIMIT_NODE_ID + 1] = "", reason[PEER_REASON_MAX + 1];
	uint32_t index = get_u32(m), generation = get_u32(m), retry_in_ms;
	uint8_t state = get_u8(m);
	struct span said;

	retry_in_ms = get_u32(m);
	said = get_span(m, SPAN_MAX);
	registry_clean(get_span(m, SPAN_MAX), reason, sizeof(reason));
	if (!get_done(m) || state < PEER_WAITING || state > PEER_HELD)
		return (message_bad(m));
	/* What answered there may be anything. */
	if (!name_node_lower(said, node, sizeof(node)))
		node[0] = '\0';
	if (!peers_told(&r->peers, index, generation, state, retry_in_ms, node,
	    reason, now.mono))
		r->stats.stale++;
	view_forget(r);
	return (true);
}

static bool
on_ctl_peer(struct registry *r, struct wire_get *m, struct when now)
{
	struct peer_request q;
	uint64_t request = get_u64(m);
	uint8_t op = get_u8(m);

	get_peer_request(m, &q);
	if (!get_done(m) || op < PEER_OP_ADD || op > PEER_OP_RESET)
		return (message_bad(m));
	q.op = op;
	registry_ctl_peer(r, request, &q, now);
	return (true);
}

static bool
on_ctl_token(struct registry *r, struct wire_get *m, struct when now)
{
	uint64_t request = get_u64(m);
	uint8_t op = get_u8(m);
	struct span name = get_span(m, SPAN_MAX);

	if (!get_done(m) || op < CTL_TOKEN_CREATE || op > CTL_TOKEN_REVOKE)
		return (message_bad(m));
	registry_ctl_token(r, request, op, name, now);
	return (true);
}

/* Its rows go their own way (show.h). */
static bool
on_ctl_audit(struct registry *r, struct wire_get *m)
{
	uint64_t request = get_u64(m);
	uint8_t op = get_u8(m);

	(void)get_u64(m);		/* before which one */
	(void)get_u32(m);		/* how many */
	if (!get_done(m) || op < CTL_AUDIT_SHOW || op > CTL_AUDIT_VERIFY)
		return (message_bad(m));
	registry_ctl_end(r, request, CTL_OK, "");
	return (true);
}

bool
registry_parent_message(struct registry *r, enum msg_type type,
    struct wire_get *m, struct when now)
{
	switch (type) {
	case MSG_PEER_STATE:
		return (on_peer_state(r, m, now));
	case MSG_CTL_PEER:
		return (on_ctl_peer(r, m, now));
	case MSG_CTL_TOKEN:
		return (on_ctl_token(r, m, now));
	case MSG_CTL_AUDIT:
		return (on_ctl_audit(r, m));
	case MSG_CTL_NODE:
		return (message_ctl_node(r, m, now));
	default:
		return (message_bad(m));
	}
}
