/* SPDX-License-Identifier: ISC */
/*
 * The registry's channels to the router and to the parent: messages to the
 * logic, its replies and what discovery has to say back.
 */
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "common/log.h"
#include "relay-registry/message.h"
#include "relay-registry/registry_main.h"
#include "relay-registry/show.h"

#define NODES_BATCH	512	/* NODE_STATE messages between looks at the
				 * channel */

/* --- replies --- */

static void
send_reply(struct context *c, const struct reply *reply)
{
	struct channel *to = reply_to(reply) == PROC_PARENT ?
	    child_parent(c->child) : child_peer(c->child, PROC_ROUTER);

	if (to == NULL)
		return;
	put_reply(channel_begin(to, reply->type), reply);
	if (channel_commit(to) == -1)
		log_warn("%s to the %s is lost", msg_name(reply->type),
		    proc_name(channel_peer(to)));
}

static void
send_replies(struct context *c)
{
	struct reply *reply;

	while ((reply = registry_reply(c->registry)) != NULL) {
		send_reply(c, reply);
		reply_free(reply);
	}
}

/* --- discovery --- */

/* A message of discovery outgrows the buffer; its size is bounded there. */
static bool
grow(struct wire_put *w, size_t more)
{
	size_t size = w->size == 0 ? 65536 : w->size;
	uint8_t *buf;

	while (size - w->len < more)
		size *= 2;
	if ((buf = realloc(w->buf, size)) == NULL)
		fatal("no memory for a message");
	w->buf = buf;
	w->size = size;
	return (true);
}

/* What there is to say to peers and of them, as long as there is room. */
static void
send_discovery(struct context *c)
{
	struct channel *router = child_peer(c->child, PROC_ROUTER);
	struct mesh *mesh = registry_mesh(c->registry);
	struct monotime now = monotime_now();
	enum msg_type type;

	if (router == NULL)
		return;
	c->out.grow = grow;
	while (!channel_congested(router)) {
		c->out.len = 0;
		c->out.bad = false;
		if (!mesh_next(mesh, &type, &c->out, now))
			break;
		put_raw(channel_begin(router, type), c->out.buf, c->out.len);
		if (channel_commit(router) == -1)
			log_warn("%s to the router is lost", msg_name(type));
	}
}

static void
send_dials(struct context *c)
{
	struct peers *peers = registry_peers(c->registry);
	struct channel *parent = child_parent(c->child);
	enum peer_dial what;
	struct wire_put *w;
	uint32_t index;

	while (peers_next_dial(peers, &index, &what)) {
		w = channel_begin(parent, MSG_PEER_DIAL);
		put_u32(w, index);
		put_u32(w, peers->generation);
		put_u8(w, (uint8_t)what);
		(void)channel_commit(parent);
	}
}

void
registry_send(struct context *c)
{
	send_replies(c);
	send_discovery(c);
	send_dials(c);
}

void
registry_turn(evutil_socket_t fd, short what, void *arg)
{
	struct context *c = arg;

	(void)fd;
	(void)what;
	/* What nobody waits for is written by the tick. */
	if (registry_pending(c->registry))
		(void)registry_commit(c->registry, when_now());
	registry_send(c);
}

/* --- what comes --- */

static void
on_router(void *arg, struct wire_get *msg, enum msg_type type)
{
	struct context *c = arg;

	(void)registry_message(c->registry, type, msg, when_now());
	event_active(c->commit_ev, EV_TIMEOUT, 0);
}

static void
on_parent(void *arg, struct wire_get *msg, enum msg_type type)
{
	struct context *c = arg;

	(void)registry_parent_message(c->registry, type, msg, when_now());
	event_active(c->commit_ev, EV_TIMEOUT, 0);
}

#define HANDLER(name, from, type)					\
static void								\
name(void *arg, struct channel *ch, struct wire_get *msg, int fd)	\
{									\
	(void)ch;							\
	(void)fd;							\
	from(arg, msg, type);						\
}

HANDLER(on_session_open, on_router, MSG_SESSION_OPEN)
HANDLER(on_proof_ask, on_router, MSG_PROOF_ASK)
HANDLER(on_session_resume, on_router, MSG_SESSION_RESUME)
HANDLER(on_session_seen, on_router, MSG_SESSION_SEEN)
HANDLER(on_session_close, on_router, MSG_SESSION_CLOSE)
HANDLER(on_register, on_router, MSG_REGISTER)
HANDLER(on_service_health, on_router, MSG_SERVICE_HEALTH)
HANDLER(on_view_request, on_router, MSG_VIEW_REQUEST)
HANDLER(on_peer_request, on_router, MSG_PEER_REQUEST)
HANDLER(on_peer_rows, on_router, MSG_PEER_ROWS)
HANDLER(on_peer_more, on_router, MSG_PEER_MORE)
HANDLER(on_peer_digest, on_router, MSG_PEER_DIGEST)
HANDLER(on_peer_resync, on_router, MSG_PEER_RESYNC)
HANDLER(on_peer_query, on_router, MSG_PEER_QUERY)
HANDLER(on_peer_barrier, on_router, MSG_PEER_BARRIER)
HANDLER(on_peer_state, on_parent, MSG_PEER_STATE)
HANDLER(on_ctl_peer, on_parent, MSG_CTL_PEER)
HANDLER(on_caller_ask, on_router, MSG_CALLER_ASK)
HANDLER(on_policy_denied, on_router, MSG_POLICY_DENIED)

/*
 * Rows of an answer go to the channel at once, its end comes behind them with
 * what this turn has to say.
 */
static void
on_ctl_token(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct context *c = arg;
	struct wire_get peek = *msg;
	uint64_t request = get_u64(&peek);

	(void)fd;
	if (get_u8(&peek) == CTL_TOKEN_LIST)
		registry_show_tokens(c->registry, ch, request);
	on_parent(arg, msg, MSG_CTL_TOKEN);
}

static void
on_ctl_node(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct context *c = arg;
	struct wire_get peek = *msg;
	uint64_t request = get_u64(&peek);

	(void)fd;
	if (get_u8(&peek) == CTL_NODE_LIST)
		registry_show_nodes(c->registry, ch, request, when_now());
	on_parent(arg, msg, MSG_CTL_NODE);
}

static void
on_ctl_audit(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct context *c = arg;
	struct wire_get peek = *msg;
	uint64_t request = get_u64(&peek), before;
	uint8_t op = get_u8(&peek);
	uint32_t count;

	(void)fd;
	before = get_u64(&peek);
	count = get_u32(&peek);
	if (op == CTL_AUDIT_SHOW)
		registry_show_audit(c->registry, ch, request, before, count);
	else if (op == CTL_AUDIT_VERIFY)
		registry_show_verify(c->registry, ch, request);
	on_parent(arg, msg, MSG_CTL_AUDIT);
}

const channel_handler registry_handlers[MSG_MAX] = {
	[MSG_CONF_NODE] = registry_on_conf_node,
	[MSG_CONF_ADDRESS] = registry_on_conf_address,
	[MSG_CONF_PEER] = registry_on_conf_peer,
	[MSG_CONF_UPLINK] = registry_on_conf_uplink,
	[MSG_CONF_CREDENTIAL] = registry_on_conf_credential,
	[MSG_CONF_RULE] = registry_on_conf_rule,
	[MSG_SESSION_OPEN] = on_session_open,
	[MSG_PROOF_ASK] = on_proof_ask,
	[MSG_CTL_NODE] = on_ctl_node,
	[MSG_SESSION_RESUME] = on_session_resume,
	[MSG_SESSION_SEEN] = on_session_seen,
	[MSG_SESSION_CLOSE] = on_session_close,
	[MSG_REGISTER] = on_register,
	[MSG_SERVICE_HEALTH] = on_service_health,
	[MSG_VIEW_REQUEST] = on_view_request,
	[MSG_PEER_REQUEST] = on_peer_request,
	[MSG_PEER_ROWS] = on_peer_rows,
	[MSG_PEER_MORE] = on_peer_more,
	[MSG_PEER_DIGEST] = on_peer_digest,
	[MSG_PEER_RESYNC] = on_peer_resync,
	[MSG_PEER_QUERY] = on_peer_query,
	[MSG_PEER_BARRIER] = on_peer_barrier,
	[MSG_PEER_STATE] = on_peer_state,
	[MSG_CTL_PEER] = on_ctl_peer,
	[MSG_CTL_TOKEN] = on_ctl_token,
	[MSG_CTL_AUDIT] = on_ctl_audit,
	[MSG_CALLER_ASK] = on_caller_ask,
	[MSG_POLICY_DENIED] = on_policy_denied,
};

/* --- the nodes a new router must know --- */

static void
say_node(struct channel *router, const char *node)
{
	struct wire_put *w;

	w = channel_begin(router, MSG_NODE_STATE);
	put_str(w, node);
	put_bool(w, true);
	(void)channel_commit(router);
}

/* Go on from the last one told until all are or the channel is full. */
static void
tell_nodes(struct context *c)
{
	static char ids[NODES_BATCH][LIMIT_NODE_ID + 1];
	struct channel *router = child_peer(c->child, PROC_ROUTER);
	size_t i, n;

	while (c->telling && router != NULL && !channel_congested(router)) {
		n = registry_nodes(c->registry, c->told, ids, NODES_BATCH);
		for (i = 0; i < n; i++)
			say_node(router, ids[i]);
		if (n > 0)
			strlcpy(c->told, ids[n - 1], sizeof(c->told));
		c->telling = n == NODES_BATCH;
	}
}

void
registry_peer_up(void *arg, enum proc_id proc, struct channel *ch)
{
	struct context *c = arg;

	(void)ch;
	if (proc != PROC_ROUTER)
		return;
	c->telling = true;
	c->told[0] = '\0';
	registry_router_up(c->registry);
	tell_nodes(c);
	registry_send(c);
}

void
registry_peer_down(void *arg, enum proc_id proc)
{
	struct context *c = arg;

	if (proc != PROC_ROUTER)
		return;
	c->telling = false;
	registry_router_gone(c->registry, when_now());
	registry_send(c);
}

void
registry_peer_drained(void *arg, enum proc_id proc)
{
	if (proc != PROC_ROUTER)
		return;
	tell_nodes(arg);
	registry_send(arg);
}
