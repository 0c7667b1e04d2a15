/* SPDX-License-Identifier: ISC */

/*
 * Sessions: from the first word of a link to its end.
 */

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/name.h"
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

static struct session *
session_new(struct router *r, uint64_t conn, enum session_kind kind,
    struct span address)
{
	struct session	*s;

	if ((s = calloc(1, sizeof(*s))) == NULL)
		fatal("out of memory");
	s->id = id64_next(&r->ids);
	s->conn = conn;
	s->kind = kind;
	s->address = copy_or_die(address);
	s->opened_ms = s->seen_ms = router_now();
	s->beat_ms = s->opened_ms + LIMIT_PING_MS;
	TAILQ_INIT(&s->waits);
	pending_end_init(&s->end, END_SESSION, s, LIMIT_PENDING_SESSION,
	    LIMIT_PENDING_SESSION);
	map_add(&r->sessions, &s->entry, s->id);
	TAILQ_INSERT_TAIL(&r->session_list, s, list);
	return (s);
}

static void
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

/* Who the session speaks for, as it is stamped on its messages. */
static void
set_identity(struct router *r, struct session *s, struct span node_id)
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

/* --- to the front-end --- */

static void
send_accept(struct router *r, struct session *s)
{
	struct wire_put	*w;

	if (r->frontend == NULL)
		return;
	w = channel_begin(r->frontend, MSG_LINK_ACCEPT);
	put_u64(w, s->conn);
	put_u64(w, s->id);
	(void)channel_commit(r->frontend);
}

static void
send_deny(struct router *r, uint64_t conn, uint16_t status,
    uint32_t retry_after_ms, const char *reason)
{
	struct wire_put	*w;

	if (r->frontend == NULL)
		return;
	w = channel_begin(r->frontend, MSG_LINK_DENY);
	put_u64(w, conn);
	put_u16(w, status);
	put_u32(w, retry_after_ms);
	put_str(w, reason);
	(void)channel_commit(r->frontend);
}

static void
send_close(struct router *r, const struct session *s, uint16_t code,
    const char *reason)
{
	struct wire_put	*w;

	if (r->frontend == NULL)
		return;
	w = channel_begin(r->frontend, MSG_LINK_CLOSE);
	put_u64(w, s->id);
	put_u16(w, code);
	put_str(w, reason);
	(void)channel_commit(r->frontend);
}

/* --- the end --- */

void
session_end(struct router *r, struct session *s, const char *reason)
{
	struct wire_put	*w;

	log_debug("session %llu of %s ends: %s", (unsigned long long)s->id,
	    s->node_id == NULL ? "nobody" : s->node_id, reason);
	if (r->uplink == s)
		r->uplink = NULL;
	if (s->up)
		r->n_up--;
	call_end_gone(r, &s->end, STAGE_HOME_LINK);
	if (s->kind == SESSION_HOME && s->node != NULL)
		route_node_down(&r->routes, s->node_id, s);
	if (s->kind == SESSION_HOME && r->registry != NULL) {
		w = channel_begin(r->registry, MSG_SESSION_CLOSE);
		put_u64(w, s->id);
		put_str(w, reason);
		(void)channel_commit(r->registry);
	}
	session_free(r, s);
	router_drained(r);
}

void
session_end_all(struct router *r, const char *reason)
{
	while (!TAILQ_EMPTY(&r->session_list))
		session_end(r, TAILQ_FIRST(&r->session_list), reason);
}

/* --- from the front-end --- */

#define REFUSED_TOLD	10	/* refused links a beat that are logged, for
				 * anybody can have any number of them */

void
session_tell_refused(struct router *r)
{
	if (r->refused > REFUSED_TOLD)
		log_info("%u more links were refused",
		    r->refused - REFUSED_TOLD);
	r->refused = 0;
}

static void
ask_registry(struct router *r, const struct session *s, bool local,
    struct span node_id, struct span boot_id, struct span authorization)
{
	struct wire_put	*w;

	w = channel_begin(r->registry, MSG_SESSION_OPEN);
	put_u64(w, s->id);
	put_u8(w, SESSION_HOME);
	put_bool(w, local);
	put_span(w, node_id);
	put_span(w, boot_id);
	put_span(w, authorization);
	put_str(w, s->address);
	(void)channel_commit(r->registry);
}

void
on_link_auth(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router	*r = arg;
	struct span	 node_id, boot_id, authorization, address;
	struct session	*s;
	uint64_t	 conn;
	uint8_t		 kind;
	bool		 local;

	(void)ch;
	(void)fd;
	conn = get_u64(msg);
	kind = get_u8(msg);
	local = get_bool(msg);
	node_id = get_span(msg, UINT16_MAX);
	boot_id = get_span(msg, UINT16_MAX);
	authorization = get_span(msg, UINT16_MAX);
	address = get_span(msg, UINT16_MAX);
	if (!get_done(msg))
		return;
	if (kind != SESSION_HOME || r->conf.role != ROLE_MAIN) {
		send_deny(r, conn, 404, 0, "no such endpoint");
		return;
	}
	if (r->registry == NULL) {
		send_deny(r, conn, 503, RPC_RETRY_MS,
		    "registry is not available");
		return;
	}
	if (r->draining) {
		send_deny(r, conn, 503, RPC_RETRY_MS, "draining");
		return;
	}
	/* More than the front-end may have: it is not believed either. */
	if (r->sessions.n >= r->conf.max_connections ||
	    r->sessions.n - r->n_up >= LIMIT_OPENING) {
		send_deny(r, conn, 503, RPC_RETRY_MS, "too many links");
		return;
	}
	s = session_new(r, conn, SESSION_HOME, address);
	ask_registry(r, s, local, node_id, boot_id, authorization);
}

void
on_link_dialed(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router	*r = arg;
	char		 lower[LIMIT_NODE_ID + 1];
	struct span	 main_id, address;
	struct session	*s;
	uint64_t	 conn;

	(void)ch;
	(void)fd;
	conn = get_u64(msg);
	(void)get_u32(msg);		/* uplink: the dialer's business */
	main_id = get_span(msg, UINT16_MAX);
	address = get_span(msg, UINT16_MAX);
	if (!get_done(msg))
		return;
	if (r->conf.role != ROLE_HOME) {
		send_deny(r, conn, 404, 0, "not a home");
		return;
	}
	if (!name_node_lower(main_id, lower, sizeof(lower)))
		lower[0] = '\0';	/* a Main that does not name itself */
	s = session_new(r, conn, SESSION_UPLINK, address);
	set_identity(r, s, span_str(lower));
	send_accept(r, s);
	s->up = true;
	r->n_up++;
	r->uplink = s;
	log_info("uplink to %s at %s is up",
	    lower[0] == '\0' ? "a Main without a name" : lower, s->address);
	register_with_main(r, s);
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
	if ((s = session_find(r, id)) != NULL)
		s->full = full;
	else
		r->stats.stale++;
}

/* --- from the registry --- */

static void
replace(struct router *r, uint64_t id)
{
	struct session	*old;

	if (id == 0 || (old = session_find(r, id)) == NULL)
		return;
	send_close(r, old, 4001, "replaced");
	session_end(r, old, "replaced");
}

void
on_session_accept(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router	*r = arg;
	char		 node_id[LIMIT_NODE_ID + 1];
	struct route_node *n;
	struct session	*s;
	struct span	 said;
	uint64_t	 id, epoch, replaced;

	(void)ch;
	(void)fd;
	id = get_u64(msg);
	epoch = get_u64(msg);
	replaced = get_u64(msg);
	said = get_span(msg, LIMIT_NODE_ID);
	if (!name_node_lower(said, node_id, sizeof(node_id)))
		msg->bad = true;
	if (!get_done(msg))
		return;
	replace(r, replaced);
	if ((s = session_find(r, id)) == NULL || s->up) {
		r->stats.stale++;
		return;
	}
	/* A node has one link, whatever was said of the one before. */
	n = route_node_find(&r->routes, span_str(node_id));
	if (n != NULL && n->link != NULL)
		replace(r, ((struct session *)n->link)->id);
	s->epoch = epoch;
	set_identity(r, s, span_str(node_id));
	s->node = route_node_up(&r->routes, node_id, s);
	s->up = true;
	r->n_up++;
	send_accept(r, s);
	log_info("home %s at %s is connected", node_id, s->address);
}

void
session_deny_waiting(struct router *r)
{
	struct session	*s, *next;

	for (s = TAILQ_FIRST(&r->session_list); s != NULL; s = next) {
		next = TAILQ_NEXT(s, list);
		if (s->up)
			continue;
		send_deny(r, s->conn, 503, RPC_RETRY_MS,
		    "registry is not available");
		session_free(r, s);
	}
}

void
on_session_deny(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router	*r = arg;
	char		 reason[256];
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
	get_str(msg, reason, sizeof(reason));
	if (!get_done(msg))
		return;
	if ((s = session_find(r, id)) == NULL || s->up) {
		r->stats.stale++;
		return;
	}
	send_deny(r, s->conn, status, retry_after_ms, reason);
	if (r->refused++ < REFUSED_TOLD)
		log_info("link from %s is refused: %s", s->address, reason);
	session_free(r, s);
}
