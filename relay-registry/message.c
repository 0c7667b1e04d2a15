/* SPDX-License-Identifier: ISC */
/*
 * See message.h.  Text that a client chose is never a reason to call the
 * router malformed: lengths are not checked here beyond the message's own.
 */
#include "relay-registry/message_impl.h"

bool
message_bad(struct wire_get *m)
{
	m->bad = true;
	return (false);
}

/* Whom was dialled; homes are never. */
static void
get_dialled(struct wire_get *m, struct session_request *q)
{
	q->peer = get_u32(m);
	q->generation = get_u32(m);
	if (q->kind != NODE_PEER)
		q->peer = PEER_NONE;
}

static bool
on_open(struct registry *r, struct wire_get *m, struct when now)
{
	struct session_request q;

	q.session = get_u64(m);
	q.kind = get_u8(m);
	get_dialled(m, &q);
	(void)get_bool(m);		/* local: for credentials */
	q.node = get_span(m, SPAN_MAX);
	q.boot = get_span(m, SPAN_MAX);
	(void)get_span(m, SPAN_MAX);	/* authorization: `none' needs none */
	q.address = get_span(m, SPAN_MAX);
	if (!get_done(m) || q.session == 0 ||
	    (q.kind != NODE_HOME && q.kind != NODE_PEER))
		return (message_bad(m));
	registry_open(r, &q, now);
	return (true);
}

static bool
on_resume(struct registry *r, struct wire_get *m, struct when now)
{
	struct session_request q = { .boot = { "", 0 } };
	uint64_t epoch;

	q.session = get_u64(m);
	epoch = get_u64(m);
	q.kind = get_u8(m);
	get_dialled(m, &q);
	q.node = get_span(m, SPAN_MAX);
	q.address = get_span(m, SPAN_MAX);
	if (!get_done(m) || q.session == 0 || epoch == 0 ||
	    epoch > INT64_MAX || (q.kind != NODE_HOME && q.kind != NODE_PEER))
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
on_register(struct registry *r, struct wire_get *m)
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
		registry_register(r, session, tag, list, n);
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
	case MSG_SESSION_RESUME:
		return (on_resume(r, m, now));
	case MSG_SESSION_SEEN:
		return (on_seen(r, m, now));
	case MSG_SESSION_CLOSE:
		return (on_close(r, m, now));
	case MSG_REGISTER:
		return (on_register(r, m));
	case MSG_SERVICE_HEALTH:
		return (on_health(r, m, now));
	case MSG_VIEW_REQUEST:
		return (on_view(r, m, now));
	default:
		return (message_of_peers(r, type, m, now));
	}
}
