/* SPDX-License-Identifier: ISC */
/*
 * Peers at run time: the registry adds and deletes them, and steers the
 * dialer, which tells how each is.  They reach each other through the parent,
 * by an index into a generation, and the parent keeps the last word for the
 * one that is started again.
 */
#include <string.h>

#include <bsd/string.h>

#include "common/log.h"
#include "relayd/relayd.h"

#define STRING_MAX	1024	/* bytes of what a child says as a string */

static struct child *
running(struct relayd *rd, enum proc_id id)
{
	struct child *c = &rd->children[id];

	return (c->state == CHILD_RUN ? c : NULL);
}

static uint32_t
index_of(const struct relayd *rd, const struct peer *p)
{
	return ((uint32_t)(p - rd->peers.list));
}

/*
 * The peer of an index and a generation.  What was said just before the last
 * change is about the same peer, if that is still there.  NULL: stale; an
 * index that no generation had is the child's fault.
 */
static struct peer *
lookup(struct relayd *rd, uint32_t index, uint32_t generation,
    struct wire_get *msg)
{
	const struct peers *set;
	const struct peer *p;

	if (generation == rd->generation)
		set = &rd->peers;
	else if (generation == rd->former_generation)
		set = &rd->former_peers;
	else
		return (NULL);
	if (index >= set->count) {
		msg->bad = true;
		return (NULL);
	}
	p = &set->list[index];
	return (peers_find(&rd->peers, p->host, p->port, p->path));
}

/* --- the registry and the dialer --- */

static void
send_dial(struct relayd *rd, const struct peer *p, enum peer_dial what)
{
	struct child *dialer = running(rd, PROC_DIALER);
	struct wire_put *w;

	if (dialer == NULL)
		return;
	w = channel_begin(dialer->ch, MSG_DIAL_ORDER);
	put_u32(w, index_of(rd, p));
	put_u32(w, rd->generation);
	put_u8(w, (uint8_t)what);
	(void)channel_commit(dialer->ch);
}

void
peers_on_dial(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct child *c = arg;
	uint32_t index = get_u32(msg);
	uint32_t generation = get_u32(msg);
	enum peer_dial what = get_u8(msg);
	struct peer *p;

	(void)ch;
	(void)fd;
	if (!get_done(msg) || what < PEER_HOLD || what > PEER_AT_ONCE) {
		msg->bad = true;
		return;
	}
	if ((p = lookup(c->rd, index, generation, msg)) == NULL)
		return;
	p->held = what == PEER_HOLD;
	send_dial(c->rd, p, what);
}

/* The wait goes on while a state is kept. */
static uint32_t
retry_left_ms(const struct peer *p)
{
	int64_t passed = monotime_diff_ms(monotime_now(), p->state_at);

	if (passed <= 0)
		return (p->retry_in_ms);
	return (passed < p->retry_in_ms ? p->retry_in_ms - (uint32_t)passed :
	    0);
}

static void
send_state(struct relayd *rd, const struct peer *p)
{
	struct child *registry = running(rd, PROC_REGISTRY);
	struct wire_put *w;

	if (registry == NULL)
		return;
	w = channel_begin(registry->ch, MSG_PEER_STATE);
	put_u32(w, index_of(rd, p));
	put_u32(w, rd->generation);
	put_u8(w, p->state);
	put_u32(w, retry_left_ms(p));
	put_str(w, p->said_id);
	put_str(w, p->reason);
	(void)channel_commit(registry->ch);
}

/* A copy that is cut where it does not fit, but not within a character. */
static void
copy_cut(struct span s, char *buf, size_t size)
{
	if (s.len >= size)
		for (s.len = size - 1; s.len > 0 &&
		    ((unsigned char)s.p[s.len] & 0xc0) == 0x80; s.len--)
			continue;
	(void)span_copy(s, buf, size);
}

void
peers_on_state(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct child *c = arg;
	uint32_t index = get_u32(msg);
	uint32_t generation = get_u32(msg);
	uint8_t state = get_u8(msg);
	uint32_t retry_in_ms = get_u32(msg);
	struct span node = get_span(msg, STRING_MAX);
	struct span reason = get_span(msg, STRING_MAX);
	struct peer *p;

	(void)ch;
	(void)fd;
	if (!get_done(msg) || state < 1 || state > PEER_STATE_MAX) {
		msg->bad = true;
		return;
	}
	if ((p = lookup(c->rd, index, generation, msg)) == NULL)
		return;
	p->state = state;
	p->state_at = monotime_now();
	p->retry_in_ms = retry_in_ms;
	/* A name that is too long is none. */
	(void)span_copy(node, p->said_id, sizeof(p->said_id));
	copy_cut(reason, p->reason, sizeof(p->reason));
	send_state(c->rd, p);
}

void
peers_child_up(struct child *c)
{
	struct relayd *rd = c->rd;
	const struct peer *p;
	size_t i;

	for (i = 0; i < rd->peers.count; i++) {
		p = &rd->peers.list[i];
		if (c->id == PROC_DIALER && p->held)
			send_dial(rd, p, PEER_HOLD);
		else if (c->id == PROC_REGISTRY && p->state != 0)
			send_state(rd, p);
	}
}

/* --- adding and deleting --- */

void
peers_log_insecure(const struct peers *set)
{
	char text[URL_TEXT_MAX + 1];
	size_t i;

	for (i = 0; i < set->count; i++) {
		if (set->list[i].insecure)
			log_warn("peer %s is insecure: no TLS",
			    peer_text(&set->list[i], text));
	}
}

static void
add(struct relayd *rd, const struct peer *new)
{
	struct peer *p;
	char text[URL_TEXT_MAX + 1];

	p = peers_find(&rd->added, new->host, new->port, new->path);
	if (p != NULL) {
		strlcpy(p->node_id, new->node_id, sizeof(p->node_id));
		p->tls = new->tls;
		p->insecure = new->insecure;
		p->origin = new->origin;
		return;
	}
	if (rd->conf->npeers + rd->added.count >= LIMIT_PEERS) {
		log_err("peer %s is not added: there are %d",
		    peer_text(new, text), LIMIT_PEERS);
		return;
	}
	log_notice("peer %s is added", peer_text(new, text));
	if (new->insecure)
		log_warn("peer %s is insecure: no TLS", text);
	peers_append(&rd->added, new);
}

static bool
is_configured(const struct relayd *rd, const struct peer *p)
{
	const struct peer *found;

	found = peers_find(&rd->peers, p->host, p->port, p->path);
	return (found != NULL && found->origin == PEER_CONFIGURED);
}

void
peers_on_add(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct child *c = arg;
	char host[LIMIT_NODE_ID + 1], path[URL_TEXT_MAX + 1];
	struct peer p = { .host = host, .path = path };

	(void)ch;
	(void)fd;
	get_str(msg, host, sizeof(host));
	p.port = get_u16(msg);
	get_str(msg, path, sizeof(path));
	get_str(msg, p.node_id, sizeof(p.node_id));
	p.tls = get_bool(msg);
	p.insecure = get_bool(msg);
	p.origin = get_bool(msg) ? PEER_PERSISTED : PEER_ADDED;
	/* The dialer will connect to it: the registry alone is not believed. */
	if (!get_done(msg) || c->rd->conf->role != ROLE_MAIN ||
	    !peer_valid(&p)) {
		msg->bad = true;
		return;
	}
	if (is_configured(c->rd, &p))
		return;
	add(c->rd, &p);
	peers_apply(c->rd);
}

void
peers_on_delete(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct child *c = arg;
	struct relayd *rd = c->rd;
	char host[LIMIT_NODE_ID + 1], path[URL_TEXT_MAX + 1];
	char text[URL_TEXT_MAX + 1];
	uint16_t port;
	struct peer *p;

	(void)ch;
	(void)fd;
	get_str(msg, host, sizeof(host));
	port = get_u16(msg);
	get_str(msg, path, sizeof(path));
	if (!get_done(msg) ||
	    (p = peers_find(&rd->added, host, port, path)) == NULL)
		return;
	log_notice("peer %s is deleted", peer_text(p, text));
	peers_remove(&rd->added, p);
	peers_apply(rd);
}

/* --- generations --- */

void
peers_apply(struct relayd *rd)
{
	struct peers wanted;
	bool same;

	if (rd->conf == NULL || rd->change.state != CHANGE_NONE ||
	    rd->stop.stage != STOP_NONE)
		return;
	peers_make(&wanted, rd->conf, &rd->added);
	same = peers_equal(&wanted, &rd->peers);
	peers_free(&wanted);
	if (!same)
		change_begin(rd, rd->conf);
}

void
peers_commit(struct relayd *rd, struct peers *new)
{
	struct peer *p, *known;
	size_t i;

	peers_inherit(new, &rd->peers);
	peers_free(&rd->former_peers);
	rd->former_peers = rd->peers;
	rd->peers = *new;
	memset(new, 0, sizeof(*new));
	for (i = rd->added.count; i > 0; i--) {
		p = &rd->added.list[i - 1];
		known = peers_find(&rd->peers, p->host, p->port, p->path);
		if (known != NULL && known->origin == PEER_CONFIGURED)
			peers_remove(&rd->added, p);
	}
	peers_child_up(&rd->children[PROC_DIALER]);
}

void
peers_revert(struct relayd *rd)
{
	const struct peer *p;
	char text[URL_TEXT_MAX + 1];
	size_t i;

	for (i = 0; i < rd->added.count; i++) {
		p = &rd->added.list[i];
		if (peers_find(&rd->peers, p->host, p->port, p->path) == NULL)
			log_err("peer %s is not added: a process fails on it",
			    peer_text(p, text));
	}
	peers_free(&rd->added);
	for (i = 0; i < rd->peers.count; i++) {
		if (rd->peers.list[i].origin != PEER_CONFIGURED)
			peers_append(&rd->added, &rd->peers.list[i]);
	}
}
