/* SPDX-License-Identifier: ISC */
/*
 * See message.h.  Text that a client chose is never a reason to call the
 * router malformed: lengths are not checked here beyond the message's own.
 */
#include "common/ctl.h"
#include "relay-registry/message_impl.h"
#include "relay-registry/registry_impl.h"

bool
message_bad(struct wire_get *m)
{
	m->bad = true;
	return (false);
}

#define KIND_UPLINK	3	/* in messages: what the database calls
				 * this node's own kind */

/* 0 for none of them. */
static enum node_kind
get_kind(struct wire_get *m)
{
	switch (get_u8(m)) {
	case NODE_HOME:
		return (NODE_HOME);
	case NODE_PEER:
		return (NODE_PEER);
	case KIND_UPLINK:
		return (NODE_UPLINK);
	default:
		return (0);
	}
}

/* Whom was dialled; homes are never. */
static void
get_dialled(struct wire_get *m, struct session_request *q)
{
	q->peer = get_u32(m);
	q->generation = get_u32(m);
	if (q->kind == NODE_HOME)
		q->peer = PEER_NONE;
}

static bool
on_open(struct registry *r, struct wire_get *m, struct when now)
{
	struct session_request q;

	q.session = get_u64(m);
	q.conn = get_u64(m);
	q.kind = get_kind(m);
	get_dialled(m, &q);
	q.local = get_bool(m);
	q.tls = get_bool(m);
	q.node = get_span(m, SPAN_MAX);
	q.boot = get_span(m, SPAN_MAX);
	q.authorization = get_span(m, SPAN_MAX);
	q.certificate = get_span(m, SPAN_MAX);
	q.address = get_span(m, SPAN_MAX);
	if (!get_done(m) || q.session == 0 || q.kind == 0 ||
	    (q.kind == NODE_UPLINK && q.peer == PEER_NONE))
		return (message_bad(m));
	registry_open(r, &q, now);
	return (true);
}

static bool
on_proof_ask(struct registry *r, struct wire_get *m, struct when now)
{
	struct proof_request q;

	q.conn = get_u64(m);
	q.kind = get_kind(m);
	q.index = get_u32(m);
	q.generation = get_u32(m);
	q.main_id = get_span(m, SPAN_MAX);
	q.challenge = get_span(m, SPAN_MAX);
	if (!get_done(m) || q.kind != (registry_role(r) == ROLE_HOME ?
	    NODE_UPLINK : NODE_PEER))
		return (message_bad(m));
	registry_prove(r, &q, now);
	return (true);
}

bool
message_ctl_node(struct registry *r, struct wire_get *m, struct when now)
{
	uint64_t request = get_u64(m);
	struct node_request q;

	q.op = get_u8(m);
	q.node = get_span(m, SPAN_MAX);
	q.url = get_span(m, SPAN_MAX);
	q.pin = get_span(m, SPAN_MAX);
	q.expires_s = get_u32(m);
	if (!get_done(m) || q.op < CTL_NODE_LIST || q.op > CTL_NODE_TOKEN)
		return (message_bad(m));
	if (q.op == CTL_NODE_LIST)
		registry_ctl_end(r, request, CTL_OK, "");
	else
		registry_ctl_node(r, request, &q, now);
	return (true);
}

static bool
on_resume(struct registry *r, struct wire_get *m, struct when now)
{
	struct session_request q = { .boot = { "", 0 } };
	uint64_t epoch;

	q.session = get_u64(m);
	epoch = get_u64(m);
	q.kind = get_kind(m);
	get_dialled(m, &q);
	q.node = get_span(m, SPAN_MAX);
	q.address = get_span(m, SPAN_MAX);
	if (!get_done(m) || q.session == 0 || epoch == 0 ||
	    epoch > INT64_MAX || q.kind == 0 || (q.kind == NODE_UPLINK &&
	    (q.peer == PEER_NONE || registry_role(r) != ROLE_HOME)))
		return (message_bad(m));
	registry_resume(r, &q, epoch, now);
	return (true);
}

static bool
on_seen(struct registry *r, struct wire_get *m, struct when now)
{
	uint64_t session = get_u64(m);
	uint32_t rtt_us = get_u32(m);

	if (!get_done(m))
		return (message_bad(m));
	registry_seen(r, session, rtt_us, now);
	return (true);
}

static bool
on_close(struct registry *r, struct wire_get *m, struct when now)
{
	uint64_t session = get_u64(m);
	struct span reason = get_span(m, SPAN_MAX);

	if (!get_done(m) || session == 0)
		return (message_bad(m));
	registry_close(r, session, reason, now);
	return (true);
}

static bool
on_register(struct registry *r, struct wire_get *m, struct when now)
{
	struct service list[LIMIT_SERVICES];
	uint64_t session, tag;
	size_t i, n;
	bool ok;

	session = get_u64(m);
	tag = get_u64(m);
	n = get_count(m, LIMIT_SERVICES, SERVICE_WIRE_MIN);
	for (i = 0; i < n; i++)
		get_service(m, &list[i]);
	if ((ok = get_done(m)))
		registry_register(r, session, tag, list, n, now);
	else
		m->bad = true;
	for (i = 0; i < n; i++)
		service_clear(&list[i]);
	return (ok);
}

static bool
on_health(struct registry *r, struct wire_get *m, struct when now)
{
	uint64_t session = get_u64(m);
	struct span name = get_span(m, SPAN_MAX);
	struct span version = get_span(m, SPAN_MAX);
	bool healthy = get_bool(m);

	if (!get_done(m))
		return (message_bad(m));
	registry_health(r, session, name, version, healthy, now);
	return (true);
}

static bool
on_view(struct registry *r, struct wire_get *m, struct when now)
{
	struct view_request q;

	q.request = get_u64(m);
	q.route = get_u8(m);
	q.draining = get_bool(m);
	q.latency_ms = get_u32(m);
	q.caller = get_span(m, LIMIT_TOKEN_NAME);
	if (!get_done(m) || q.route == 0 || q.route >= HTTP_ROUTE_MAX)
		return (message_bad(m));
	registry_view(r, &q, now);
	return (true);
}

bool
registry_message(struct registry *r, enum msg_type type, struct wire_get *m,
    struct when now)
{
	switch (type) {
	case MSG_SESSION_OPEN:
		return (on_open(r, m, now));
	case MSG_PROOF_ASK:
		return (on_proof_ask(r, m, now));
	case MSG_SESSION_RESUME:
		return (on_resume(r, m, now));
	case MSG_SESSION_SEEN:
		return (on_seen(r, m, now));
	case MSG_SESSION_CLOSE:
		return (on_close(r, m, now));
	case MSG_REGISTER:
		return (on_register(r, m, now));
	case MSG_SERVICE_HEALTH:
		return (on_health(r, m, now));
	case MSG_VIEW_REQUEST:
		return (on_view(r, m, now));
	default:
		return (message_of_peers(r, type, m, now));
	}
}
