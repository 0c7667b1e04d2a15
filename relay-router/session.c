/* SPDX-License-Identifier: ISC */

/*
 * Sessions: what is kept of a link from its first word to its end.
 */

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "relay-router/peer_link.h"
#include "relay-router/router.h"

struct session *
session_find(struct router *r, uint64_t id)
{
	struct map_entry	*e = map_find(&r->sessions, id);

	/* Ids are unique, so the first with the hash is the one. */
	return ((struct session *)e);
}

static char *
copy_or_die(struct span s)
{
	char	*p;

	if ((p = malloc(s.len + 1)) == NULL)
		fatal("out of memory");
	memcpy(p, s.p, s.len);
	p[s.len] = '\0';
	return (p);
}

struct session *
session_new(struct router *r, uint64_t conn, enum session_kind kind,
    struct span address)
{
	uint32_t	 max = kind == SESSION_PEER ? LIMIT_PENDING_PEER :
			    LIMIT_PENDING_SESSION;
	struct session	*s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		fatal("out of memory");
	s->id = id64_next(&r->ids);
	s->conn = conn;
	s->kind = kind;
	s->max_message = LIMIT_PEER_MESSAGE;
	s->address = copy_or_die(address);
	s->opened_ms = s->seen_ms = router_now();
	s->beat_ms = s->opened_ms + LIMIT_PING_MS;
	TAILQ_INIT(&s->waits);
	pending_end_init(&s->end, END_SESSION, s, max, max);
	map_add(&r->sessions, &s->entry, s->id);
	TAILQ_INSERT_TAIL(&r->session_list, s, list);
	return (s);
}

void
session_free(struct router *r, struct session *s)
{
	map_remove(&r->sessions, &s->entry);
	TAILQ_REMOVE(&r->session_list, s, list);
	register_forget(s);
	free(s->node_id);
	free(s->address);
	free(s->json);
	free(s->path);
	free(s);
}

void
session_identify(struct router *r, struct session *s, struct span node_id)
{
	struct text	 t = { 0 };

	s->node_id = copy_or_die(node_id);
	if (s->kind == SESSION_HOME) {
		text_lit(&t, "{\"type\":\"home\",\"id\":");
		text_string(&t, node_id);
		text_lit(&t, ",\"main_relay\":");
		text_cstring(&t, r->conf.node_id);
	} else {
		text_lit(&t, "{\"type\":\"main\",\"id\":");
		text_string(&t, node_id);
	}
	text_lit(&t, "}");
	s->json = text_take(&t, &s->json_len);

	text_lit(&t, "[");
	if (node_id.len != 0) {
		text_string(&t, node_id);
		text_lit(&t, ",");
	}
	text_cstring(&t, r->conf.node_id);
	text_lit(&t, "]");
	s->path = text_take(&t, &s->path_len);
}

void
session_up(struct router *r, struct session *s, struct span proof)
{
	struct wire_put	*w;

	s->up = true;
	r->n_up++;
	if (r->frontend == NULL)
		return;
	w = channel_begin(r->frontend, MSG_LINK_ACCEPT);
	put_u64(w, s->conn);
	put_u64(w, s->id);
	put_span(w, proof);
	(void)channel_commit(r->frontend);
}

/* --- the end --- */

/* Nothing finds its way to the session any more. */
static void
unroute(struct router *r, struct session *s)
{
	switch (s->kind) {
	case SESSION_HOME:
		if (s->node != NULL)
			route_node_down(&r->routes, s->node_id, s);
		break;
	case SESSION_PEER:
		if (s->main != NULL)
			route_main_down(&r->routes, s->node_id, s);
		break;
	case SESSION_UPLINK:
		uplink_gone(r, s);
		break;
	}
}

static void
tell_registry(struct router *r, const struct session *s, const char *reason)
{
	struct wire_put	*w;

	if (r->registry == NULL)
		return;
	w = channel_begin(r->registry, MSG_SESSION_CLOSE);
	put_u64(w, s->id);
	put_str(w, reason);
	(void)channel_commit(r->registry);
}

void
session_end(struct router *r, struct session *s, const char *reason)
{
	bool	 was_up = s->up;

	log_debug("session %llu of %s ends: %s", (unsigned long long)s->id,
	    s->node_id == NULL ? "nobody" : s->node_id, reason);
	s->up = false;
	if (was_up)
		r->n_up--;
	unroute(r, s);
	call_end_gone(r, &s->end, s->kind == SESSION_PEER ?
	    STAGE_PEER_LINK : STAGE_HOME_LINK);
	if (s->kind == SESSION_PEER && was_up) {
		log_info("the link with %s is gone: %s", s->node_id, reason);
		peer_down(r, s);
	}
	tell_registry(r, s, reason);
	session_free(r, s);
	router_drained(r);
}

void
session_close(struct router *r, struct session *s, uint16_t code,
    const char *reason)
{
	struct wire_put	*w;

	if (r->frontend != NULL) {
		w = channel_begin(r->frontend, MSG_LINK_CLOSE);
		put_u64(w, s->id);
		put_u16(w, code);
		put_str(w, reason);
		(void)channel_commit(r->frontend);
	}
	session_end(r, s, reason);
}

void
session_end_all(struct router *r, const char *reason)
{
	while (!TAILQ_EMPTY(&r->session_list))
		session_end(r, TAILQ_FIRST(&r->session_list), reason);
}
