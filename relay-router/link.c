/* SPDX-License-Identifier: ISC */

/*
 * Links of the front-end: those that ask to come in, those that were dialed,
 * their queues and their ends.
 */

#include "common/log.h"
#include "relay-router/peer_link.h"
#include "relay-router/router.h"

void
link_challenge(struct router *r, uint64_t conn, uint16_t status,
    uint32_t retry_after_ms, const char *challenge, const char *reason)
{
	struct wire_put	*w;

	if (r->frontend == NULL)
		return;
	w = channel_begin(r->frontend, MSG_LINK_DENY);
	put_u64(w, conn);
	put_u16(w, status);
	put_u32(w, retry_after_ms);
	put_str(w, challenge);
	put_str(w, reason);
	(void)channel_commit(r->frontend);
}

void
link_deny(struct router *r, uint64_t conn, uint16_t status,
    uint32_t retry_after_ms, const char *reason)
{
	link_challenge(r, conn, status, retry_after_ms, "", reason);
}

void
link_ready(struct router *r, const struct session *s)
{
	struct wire_put	*w;

	if (r->frontend == NULL)
		return;
	w = channel_begin(r->frontend, MSG_LINK_READY);
	put_u64(w, s->id);
	(void)channel_commit(r->frontend);
}

/* What a link says of itself, on its way to the registry. */
struct claim {
	bool		 local;
	bool		 tls;
	struct span	 node_id;
	struct span	 boot_id;
	struct span	 authorization;	/* of whom we dialled: its proof */
	struct span	 certificate;
};

static void
ask_registry(struct router *r, const struct session *s,
    const struct claim *c)
{
	struct wire_put	*w;

	w = channel_begin(r->registry, MSG_SESSION_OPEN);
	put_u64(w, s->id);
	put_u64(w, s->conn);
	put_u8(w, (uint8_t)s->kind);
	put_u32(w, s->peer_index);
	put_u32(w, s->peer_generation);
	put_bool(w, c->local);
	put_bool(w, c->tls);
	put_span(w, c->node_id);
	put_span(w, c->boot_id);
	put_span(w, c->authorization);
	put_span(w, c->certificate);
	put_str(w, s->address);
	(void)channel_commit(r->registry);
}

/* More than the front-end may have: it is not believed either. */
static bool
too_many(const struct router *r)
{
	return (r->sessions.n >= r->conf.max_connections);
}

/* True if a link can be asked about; else it is denied. */
static bool
may_open(struct router *r, uint64_t conn)
{
	const char	*why;

	if (r->registry == NULL)
		why = "registry is not available";
	else if (r->draining)
		why = "draining";
	else if (too_many(r) || r->sessions.n - r->n_up >= LIMIT_OPENING)
		why = "too many links";
	else
		return (true);
	link_deny(r, conn, 503, RPC_RETRY_MS, why);
	return (false);
}

void
on_link_auth(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router	*r = arg;
	struct claim	 claim;
	struct span	 address;
	struct session	*s;
	uint64_t	 conn;
	uint8_t		 kind;

	(void)ch;
	(void)fd;
	conn = get_u64(msg);
	kind = get_u8(msg);
	claim.local = get_bool(msg);
	claim.tls = get_bool(msg);
	claim.node_id = get_span(msg, UINT16_MAX);
	claim.boot_id = get_span(msg, UINT16_MAX);
	claim.authorization = get_span(msg, UINT16_MAX);
	claim.certificate = get_span(msg, UINT16_MAX);
	address = get_span(msg, UINT16_MAX);
	if (!get_done(msg))
		return;
	if ((kind != SESSION_HOME && kind != SESSION_PEER) ||
	    r->conf.role != ROLE_MAIN) {
		link_deny(r, conn, 404, 0, "no such endpoint");
		return;
	}
	if (!may_open(r, conn))
		return;
	s = session_new(r, conn, kind, address);
	s->peer_index = PEER_DIALLED_US;
	ask_registry(r, s, &claim);
}

/* What a link is that this node dialled. */
static enum session_kind
dialed_kind(const struct router *r)
{
	return (r->conf.role == ROLE_HOME ? SESSION_UPLINK : SESSION_PEER);
}

void
on_link_dialed(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router	*r = arg;
	struct claim	 claim = { .certificate = { "", 0 } };
	struct span	 address;
	struct session	*s;
	uint64_t	 conn;
	uint32_t	 uplink, generation;

	(void)ch;
	(void)fd;
	conn = get_u64(msg);
	uplink = get_u32(msg);
	generation = get_u32(msg);
	claim.node_id = get_span(msg, UINT16_MAX);
	claim.boot_id = get_span(msg, UINT16_MAX);
	claim.authorization = get_span(msg, UINT16_MAX);
	address = get_span(msg, UINT16_MAX);
	if (uplink == PEER_DIALLED_US)
		msg->bad = true;	/* no index, but a word of ours */
	if (!get_done(msg) || !may_open(r, conn))
		return;
	/* It says who it is, and maybe proves it: to be judged. */
	s = session_new(r, conn, dialed_kind(r), address);
	s->dialed = true;
	s->peer_index = uplink;
	s->peer_generation = generation;
	ask_registry(r, s, &claim);
}

/* --- who was dialled wants a proof --- */

static void
link_prove(struct router *r, uint64_t conn, struct span authorization,
    struct span reason)
{
	struct wire_put	*w;

	if (r->frontend == NULL)
		return;
	w = channel_begin(r->frontend, MSG_LINK_PROVE);
	put_u64(w, conn);
	put_span(w, authorization);
	put_span(w, reason);
	(void)channel_commit(r->frontend);
}

void
on_link_challenged(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router	*r = arg;
	struct span	 main_id, challenge;
	struct wire_put	*w;
	uint64_t	 conn;
	uint32_t	 uplink, generation;

	(void)ch;
	(void)fd;
	conn = get_u64(msg);
	uplink = get_u32(msg);
	generation = get_u32(msg);
	main_id = get_span(msg, UINT16_MAX);
	challenge = get_span(msg, UINT16_MAX);
	if (!get_done(msg))
		return;
	if (r->registry == NULL) {
		link_prove(r, conn, span_str(""),
		    span_str("registry is not available"));
		return;
	}
	w = channel_begin(r->registry, MSG_PROOF_ASK);
	put_u64(w, conn);
	put_u8(w, (uint8_t)dialed_kind(r));
	put_u32(w, uplink);
	put_u32(w, generation);
	put_span(w, main_id);
	put_span(w, challenge);
	(void)channel_commit(r->registry);
}

void
on_proof_answer(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router	*r = arg;
	struct span	 authorization, reason;
	uint64_t	 conn;

	(void)ch;
	(void)fd;
	conn = get_u64(msg);
	authorization = get_span(msg, UINT16_MAX);
	reason = get_span(msg, UINT16_MAX);
	if (get_done(msg))
		link_prove(r, conn, authorization, reason);
}

void
on_link_down(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router	*r = arg;
	struct session	*s;
	struct span	 reason;
	uint64_t	 id;
	char		 buf[256];

	(void)ch;
	(void)fd;
	id = get_u64(msg);
	reason = get_span(msg, sizeof(buf) - 1);
	if (!get_done(msg) || !span_copy(reason, buf, sizeof(buf)))
		return;
	if ((s = session_find(r, id)) == NULL) {
		r->stats.stale++;
		return;
	}
	session_end(r, s, buf);
}

void
on_link_queue(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router	*r = arg;
	struct session	*s;
	uint64_t	 id;
	bool		 full;

	(void)ch;
	(void)fd;
	id = get_u64(msg);
	full = get_bool(msg);
	if (!get_done(msg))
		return;
	if ((s = session_find(r, id)) == NULL) {
		r->stats.stale++;
		return;
	}
	s->full = full;
	if (s->kind == SESSION_PEER && s->up)
		peer_queue(r, s, full);
}
