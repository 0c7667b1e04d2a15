/* SPDX-License-Identifier: ISC */

/*
 * A home's links to its Main.  One is in use; a new one beside it becomes the
 * one in use once the home is registered over it (PROTOCOL.md section 4, make
 * before break).  The former gets no more calls of this home's, finishes
 * those it has, and serves what still comes over it.
 */

#include "common/log.h"
#include "relay-router/router.h"

static const char *
name_of(const struct session *s)
{
	return (s->node_id[0] == '\0' ? "a Main without a name" : s->node_id);
}

void
uplink_new(struct router *r, struct session *s)
{
	if (r->uplink == NULL) {
		r->uplink = s;
		log_info("uplink to %s at %s is up", name_of(s), s->address);
	} else {
		if (r->candidate != NULL)
			session_close(r, r->candidate, 1000, "superseded");
		r->candidate = s;
		log_info("link to %s at %s is up beside the uplink to %s",
		    name_of(s), s->address, name_of(r->uplink));
	}
	register_with_main(r, s);
}

/*
 * The former Main is told that nothing is here any more, so that it calls the
 * services where they are now.
 */
static void
retire(struct router *r, struct session *s)
{
	s->retired = true;
	s->registered = false;
	s->retired_ms = router_now();
	register_with_main(r, s);
}

/* What no registration says. */
static bool
any_unhealthy(const struct router *r)
{
	uint16_t	 i;

	for (i = 0; i < r->conf.n_services; i++)
		if (!r->conf.services[i].healthy)
			return (true);
	return (false);
}

void
uplink_registered(struct router *r, struct session *s)
{
	struct session	*old = r->uplink;

	if (s->registered)
		return;
	s->registered = true;
	if (s->retired)
		return;
	if (s == r->candidate) {
		r->candidate = NULL;
		r->uplink = s;
		log_info("uplink moved from %s to %s", name_of(old),
		    name_of(s));
		retire(r, old);
	}
	link_ready(r, s);
	if (any_unhealthy(r))
		heartbeat_send(r, s, span_str(""));
}

void
uplink_gone(struct router *r, struct session *s)
{
	if (r->candidate == s)
		r->candidate = NULL;
	if (r->uplink != s)
		return;
	r->uplink = r->candidate;
	r->candidate = NULL;
	if (r->uplink != NULL)
		log_info("uplink to %s is the only one left",
		    name_of(r->uplink));
}

/* True once nothing more is to be expected over a retired link. */
static bool
is_done(const struct session *s, int64_t now_ms)
{
	int64_t	 since_ms = now_ms - s->retired_ms;

	if (since_ms >= LIMIT_RETIRE_MS)
		return (true);
	return (s->end.n_made == 0 && s->end.n_serves == 0 &&
	    (s->registered || since_ms >= LIMIT_HANDSHAKE_MS));
}

void
uplink_due(struct router *r, int64_t now_ms)
{
	struct session	*s, *next;

	if (r->conf.role != ROLE_HOME)
		return;
	for (s = TAILQ_FIRST(&r->session_list); s != NULL; s = next) {
		next = TAILQ_NEXT(s, list);
		if (s->retired && is_done(s, now_ms))
			session_close(r, s, 1000, "moved");
	}
}
