/* SPDX-License-Identifier: ISC */

/*
 * What the registry says of links: who may be a session, and who no longer.
 */

#include "common/log.h"
#include "common/name.h"
#include "relay-router/peer_link.h"
#include "relay-router/router.h"

static void
replace(struct router *r, uint64_t id)
{
	struct session	*old;

	if (id != 0 && (old = session_find(r, id)) != NULL)
		session_close(r, old, 4001, "replaced");
}

/* A node has one link, whatever was said of the one before. */
static void
replace_link(struct router *r, const void *link)
{
	if (link != NULL)
		replace(r, ((const struct session *)link)->id);
}

static void
accept_home(struct router *r, struct session *s, struct span proof)
{
	struct route_node	*n;

	n = route_node_find(&r->routes, span_str(s->node_id));
	if (n != NULL)
		replace_link(r, n->link);
	s->node = route_node_up(&r->routes, s->node_id, s);
	session_up(r, s, proof);
	log_info("home %s at %s is connected", s->node_id, s->address);
}

static void
accept_peer(struct router *r, struct session *s, struct span proof)
{
	struct route_main	*m;

	m = route_main_find(&r->routes, span_str(s->node_id));
	if (m != NULL)
		replace_link(r, m->link);
	s->main = route_main_up(&r->routes, s->node_id, s);
	session_up(r, s, proof);
	if (s->dialed)
		link_ready(r, s);
	log_info("the link with %s at %s is up, dialled by %s", s->node_id,
	    s->address, s->dialed ? "us" : "it");
	peer_up(r, s);
}

void
on_session_accept(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router	*r = arg;
	char		 node_id[LIMIT_NODE_ID + 1];
	struct session	*s;
	struct span	 said, proof;
	uint64_t	 id, epoch, replaced;

	(void)ch;
	(void)fd;
	id = get_u64(msg);
	epoch = get_u64(msg);
	replaced = get_u64(msg);
	said = get_span(msg, LIMIT_NODE_ID);
	proof = get_span(msg, UINT16_MAX);
	node_id[0] = '\0';
	/* A seed's Main may not have named itself to its home. */
	if ((said.len != 0 || r->conf.role != ROLE_HOME) &&
	    !name_node_lower(said, node_id, sizeof(node_id)))
		msg->bad = true;
	if (!get_done(msg))
		return;
	replace(r, replaced);
	if ((s = session_find(r, id)) == NULL || s->up) {
		r->stats.stale++;
		return;
	}
	s->epoch = epoch;
	session_identify(r, s, span_str(node_id));
	switch (s->kind) {
	case SESSION_PEER:
		accept_peer(r, s, proof);
		break;
	case SESSION_HOME:
		accept_home(r, s, proof);
		break;
	case SESSION_UPLINK:
		session_up(r, s, proof);
		uplink_new(r, s);
		break;
	}
}

void
verdict_deny_waiting(struct router *r)
{
	struct session	*s, *next;

	for (s = TAILQ_FIRST(&r->session_list); s != NULL; s = next) {
		next = TAILQ_NEXT(s, list);
		if (s->up)
			continue;
		link_deny(r, s->conn, 503, RPC_RETRY_MS,
		    "registry is not available");
		session_free(r, s);
	}
}

#define REFUSED_TOLD	10	/* refusals a beat that are logged, for
				 * anybody can have any number of them */

void
verdict_refused(struct router *r, const char *what, struct span address,
    const char *reason)
{
	if (r->refused++ < REFUSED_TOLD)
		log_info("%s from %.*s is refused: %s", what,
		    (int)address.len, address.p, reason);
}

void
verdict_tell_refused(struct router *r)
{
	if (r->refused > REFUSED_TOLD)
		log_info("%u more links and requests were refused",
		    r->refused - REFUSED_TOLD);
	r->refused = 0;
}

void
on_session_deny(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router	*r = arg;
	char		 challenge[256], reason[LIMIT_DENIAL];
	struct session	*s;
	uint64_t	 id;
	uint32_t	 retry_after_ms;
	uint16_t	 status;

	(void)ch;
	(void)fd;
	id = get_u64(msg);
	status = get_u16(msg);
	(void)get_i32(msg);		/* code: HTTP says it by status */
	retry_after_ms = get_u32(msg);
	get_str(msg, challenge, sizeof(challenge));
	get_str(msg, reason, sizeof(reason));
	if (!get_done(msg))
		return;
	if ((s = session_find(r, id)) == NULL || s->up) {
		r->stats.stale++;
		return;
	}
	link_challenge(r, s->conn, status, retry_after_ms, challenge, reason);
	/* Of what it has dialled the dialer speaks. */
	if (s->dialed)
		log_debug("link to %s is refused: %s", s->address, reason);
	/* Everybody is asked for a proof; why one is none the registry says. */
	else if (challenge[0] != '\0')
		log_debug("link from %s is challenged", s->address);
	else
		verdict_refused(r, "link", span_str(s->address), reason);
	session_free(r, s);
}

void
on_session_end(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router	*r = arg;
	char		 reason[256];
	struct session	*s;
	uint64_t	 id;
	uint16_t	 code;

	(void)ch;
	(void)fd;
	id = get_u64(msg);
	code = get_u16(msg);
	get_str(msg, reason, sizeof(reason));
	if (!get_done(msg))
		return;
	if ((s = session_find(r, id)) != NULL && s->up)
		session_close(r, s, code, reason);
	else
		r->stats.stale++;
}
