/* SPDX-License-Identifier: ISC */
/*
 * Peers that are added and deleted at run time, over HTTP with a token that has
 * admin rights or through the control socket.
 */
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "common/ctl.h"
#include "common/log.h"
#include "common/name.h"
#include "relay-registry/policy_impl.h"
#include "relay-registry/registry_impl.h"
#include "relay-registry/view_impl.h"

#define PATH	"/ws/peers"	/* of a URL without one */

/* What came of a request: a status of HTTP, and text or the peer. */
struct outcome {
	uint16_t	 status;
	char		 text[URL_TEXT_MAX + 256];
	struct peer_conf conf;		/* if the status is 2xx */
};

static bool
refuse(struct outcome *o, uint16_t status, const char *text)
{
	o->status = status;
	strlcpy(o->text, text, sizeof(o->text));
	return (false);
}

/* --- add --- */

/* Where that can be told; else the link that dials itself is refused. */
static bool
is_own(const struct registry *r, const struct url *url)
{
	uint32_t i;

	for (i = 0; i < r->n_own; i++) {
		if (url_reaches(url, r->own[i]))
			return (true);
	}
	return (false);
}

/* The URL, taken to pieces; where TLS is missed, it must be said. */
static bool
check_url(const struct registry *r, const struct peer_request *q,
    struct outcome *o)
{
	char text[URL_TEXT_MAX + 1];
	const char *why;
	struct url url;
	bool clear, senseless;

	if (!span_copy(q->name, text, sizeof(text)))
		return (refuse(o, 400, "url: it is too long"));
	why = url_check(text, "ws", PATH, &url);
	if (why == NULL && is_own(r, &url)) {
		url_free(&url);
		why = "this relay listens there itself";
	}
	if (why != NULL) {
		o->status = 400;
		snprintf(o->text, sizeof(o->text), "url: %s", why);
		return (false);
	}
	strlcpy(o->conf.host, url.host, sizeof(o->conf.host));
	strlcpy(o->conf.path, url.path, sizeof(o->conf.path));
	o->conf.port = url.port;
	o->conf.tls = url.tls;
	clear = !url.tls && !url.loopback && !q->insecure;
	senseless = url.tls && q->insecure;
	url_free(&url);
	if (clear)
		return (refuse(o, 400, "url: ws:// carries calls in the "
		    "clear: use wss://, or add \"insecure\" if that is "
		    "acceptable"));
	if (senseless)
		return (refuse(o, 400, "url: \"insecure\" is for ws:// only"));
	return (true);
}

static bool
check_node(const struct registry *r, const struct peer_request *q,
    struct outcome *o)
{
	if (q->node.len == 0)
		return (true);
	if (!name_node_lower(q->node, o->conf.node, sizeof(o->conf.node)))
		return (refuse(o, 400, "node_id: 1 to 253 bytes, labels of "
		    "[a-z0-9_-] joined by dots"));
	if (strcmp(o->conf.node, r->node_id) == 0)
		return (refuse(o, 400, "node_id: it is this relay's own"));
	return (true);
}

static bool
check_new(struct registry *r, struct outcome *o)
{
	const struct peer_conf *c = &o->conf;
	char url[URL_TEXT_MAX + 1];
	uint32_t index;

	if (peers_find_url(&r->peers, c->host, c->port, c->path) != PEER_NONE ||
	    peers_coming(&r->peers, c->host, c->port, c->path) != NULL)
		return (refuse(o, 409,
		    "a peer with this URL is there already"));
	index = peers_find_id(&r->peers, c->node);
	if (index != PEER_NONE) {
		c = &r->peers.list[index].conf;
		o->status = 409;
		peer_url(c, url, sizeof(url));
		snprintf(o->text, sizeof(o->text), "a peer with this node id "
		    "is there already: %s", url);
		return (false);
	}
	if (r->peers.n + r->peers.n_coming >= LIMIT_PEERS) {
		o->status = 400;
		snprintf(o->text, sizeof(o->text),
		    "there are %d peers already, as many as may be",
		    LIMIT_PEERS);
		return (false);
	}
	return (true);
}

static void
say_add(struct registry *r, const struct peer_conf *c, bool insecure)
{
	struct reply *reply = registry_say(r, MSG_PEER_ADD, 0);

	reply_set_peer(reply, c->host, c->port, c->path);
	strlcpy(reply->node, c->node, sizeof(reply->node));
	reply->peer->tls = c->tls;
	reply->peer->insecure = insecure;
	reply->peer->persist = c->origin == PEER_PERSISTED;
}

static void
add(struct registry *r, const struct peer_request *q, struct outcome *o,
    struct when now)
{
	struct peer_conf *c = &o->conf;

	if (!check_url(r, q, o) || !check_node(r, q, o) || !check_new(r, o) ||
	    !registry_begin(r))
		return;
	c->origin = q->persist ? PEER_PERSISTED : PEER_ADDED;
	r->sync = true;		/* before it is said to be done */
	if (q->persist)
		registry_run(r, DB_PEER_KEEP, "tittiii", c->host,
		    (int64_t)c->port, c->path, c->node, (int64_t)q->insecure,
		    now.wall_ms, (int64_t)c->tls);
	(void)peers_coming_add(&r->peers, c, now.mono);
	say_add(r, c, q->insecure);
	o->status = 201;
}

/* --- find, delete, reset --- */

/* The conf of the peer a URL or a node id names, or NULL; *index if it is
 * configured already. */
static const struct peer_conf *
find(struct registry *r, struct span name, uint32_t *index)
{
	char text[URL_TEXT_MAX + 1], node[LIMIT_NODE_ID + 1];
	const struct peer_coming *coming = NULL;
	struct url url;

	*index = PEER_NONE;
	if (name_node_lower(name, node, sizeof(node))) {
		*index = peers_find_id(&r->peers, node);
	} else if (span_copy(name, text, sizeof(text)) &&
	    url_check(text, "ws", PATH, &url) == NULL) {
		*index = peers_find_url(&r->peers, url.host, url.port,
		    url.path);
		coming = peers_coming(&r->peers, url.host, url.port, url.path);
		url_free(&url);
	}
	if (*index != PEER_NONE)
		return (&r->peers.list[*index].conf);
	return (coming == NULL ? NULL : &coming->conf);
}

/* Why there is none of that name. */
static const char *
not_found(struct registry *r, struct span name)
{
	char node[LIMIT_NODE_ID + 1];

	if (name_node_lower(name, node, sizeof(node)) &&
	    peers_link_of(&r->peers, node) != NULL)
		return ("this relay does not dial that Main but is dialled by "
		    "it: delete the peer there");
	return ("there is no such peer");
}

static void
delete(struct registry *r, const struct peer_request *q, struct outcome *o)
{
	struct peer_coming *coming;
	const struct peer_conf *c;
	uint32_t index;

	if ((c = find(r, q->name, &index)) == NULL) {
		(void)refuse(o, 404, not_found(r, q->name));
		return;
	}
	o->conf = *c;
	c = &o->conf;
	if (c->origin == PEER_CONFIGURED) {
		(void)refuse(o, 409, "it is configured in relayd.conf: delete "
		    "it there and reload");
		return;
	}
	if (!registry_begin(r))
		return;
	r->sync = true;		/* what is said to be deleted stays so */
	registry_run(r, DB_PEER_DROP, "tit", c->host, (int64_t)c->port,
	    c->path);
	reply_set_peer(registry_say(r, MSG_PEER_DELETE, 0), c->host, c->port,
	    c->path);
	coming = peers_coming(&r->peers, c->host, c->port, c->path);
	if (coming != NULL)
		peers_coming_remove(&r->peers, coming);
	o->status = 200;
}

/* End the link there is, and dial without waiting. */
static void
reset(struct registry *r, const struct peer_request *q, struct outcome *o)
{
	struct peer_link *link = NULL;
	char node[LIMIT_NODE_ID + 1];
	struct reply *reply;
	uint32_t index;

	(void)find(r, q->name, &index);
	if (index != PEER_NONE) {
		o->conf = r->peers.list[index].conf;
		r->peers.list[index].at_once = true;
		link = peer_link(&r->peers, index);
	} else if (name_node_lower(q->name, node, sizeof(node)))
		link = peers_link_of(&r->peers, node);
	if (index == PEER_NONE && link == NULL) {
		(void)refuse(o, 404, "there is no such peer");
		return;
	}
	if (link != NULL && !link->ended) {
		link->ended = true;
		reply = registry_say(r, MSG_SESSION_END, link->session);
		reply->status = 1000;
		reply->reason = "reset";
	}
	o->status = 200;
}

static void
act(struct registry *r, const struct peer_request *q, struct outcome *o,
    struct when now)
{
	memset(o, 0, sizeof(*o));
	if (r->role != ROLE_MAIN)
		(void)refuse(o, 404, "a home has no peers");
	else if (q->op == PEER_OP_ADD)
		add(r, q, o, now);
	else if (q->op == PEER_OP_DELETE)
		delete(r, q, o);
	else
		reset(r, q, o);
	view_forget(r);
}

/* --- who asks --- */

static const char *
verb(const struct peer_request *q)
{
	switch (q->op) {
	case PEER_OP_ADD:
		return ("added");
	case PEER_OP_DELETE:
		return ("deleted");
	default:
		return ("reset");
	}
}

/* by: the name of a token, or the control socket. */
static void
note(struct registry *r, const char *by, const struct peer_request *q,
    const struct peer_conf *c, struct when now)
{
	char url[URL_TEXT_MAX + 1];

	if (c->host[0] == '\0') {
		/* One that dials us: what was asked for is its id. */
		audit_note(r, AUDIT_PEER, span_str(by), q->name,
		    span_str(verb(q)), now);
		return;
	}
	peer_url(c, url, sizeof(url));
	audit_text(r, AUDIT_PEER, by, url, verb(q), now);
}

/* The request was taken: to the log and to the audit log. */
static void
note_by_token(struct registry *r, const char *token,
    const struct peer_request *q, const struct peer_conf *c, struct when now)
{
	char url[URL_TEXT_MAX + 1], by[TOKEN_BY_SIZE];

	peer_url(c, url, sizeof(url));
	log_notice("token %s: peer %s is %s", token, url, verb(q));
	token_by(token, by);
	note(r, by, q, c, now);
}

/* 401: nobody knows the token; 403: it is for something else. */
static void
refuse_admin(struct registry *r, const char *token, struct span address,
    struct outcome *o, struct when now)
{
	char by[TOKEN_BY_SIZE];

	token_by(token, by);
	audit_note(r, AUDIT_REFUSE, span_str(by), address,
	    span_str(token[0] == '\0' ? "admin rights: no valid token" :
	    "admin rights: policy"), now);
	if (token[0] == '\0')
		(void)refuse(o, 401, "admin rights are needed: a token that "
		    "the operator made, as Authorization: Bearer TOKEN");
	else
		(void)refuse(o, 403, "this token has no admin rights");
	if (registry_may_warn(r, now))
		log_warn("%s asks by HTTP to change peers, and is refused",
		    token[0] == '\0' ? "a client without a valid token" : by);
}

void
registry_peer_request(struct registry *r, uint64_t request,
    struct span authorization, const struct peer_request *q, struct when now)
{
	char token[LIMIT_TOKEN_NAME + 1];
	struct outcome o;

	(void)token_holder(r, authorization, token);
	if (r->role == ROLE_MAIN && (token[0] == '\0' ||
	    !registry_is_admin(r, token)))
		refuse_admin(r, token, q->address, &o, now);
	else
		act(r, q, &o, now);
	if (o.status >= 200 && o.status < 300) {
		note_by_token(r, token, q, &o.conf, now);
		view_answer_peer(r, request, o.status, &o.conf, now);
	} else
		view_answer_error(r, request, o.status, o.text);
}

void
registry_ctl_peer(struct registry *r, uint64_t request,
    const struct peer_request *q, struct when now)
{
	struct outcome o;

	act(r, q, &o, now);
	if (o.status >= 200 && o.status < 300)
		note(r, AUDIT_BY_CONTROL, q, &o.conf, now);
	if (o.status == 404 && r->role == ROLE_MAIN)
		registry_ctl_end(r, request, CTL_NOT_FOUND, o.text);
	else if (o.status < 200 || o.status >= 300)
		registry_ctl_end(r, request, CTL_REFUSED, o.text);
	else
		registry_ctl_end(r, request, CTL_OK, verb(q));
}

/* --- a new generation --- */

/* A persisted peer that the file now has is the file's. */
static void
forget_configured(struct registry *r, const struct peer_conf *list,
    uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		if (list[i].origin == PEER_CONFIGURED)
			registry_run(r, DB_PEER_DROP, "tit", list[i].host,
			    (int64_t)list[i].port, list[i].path);
	}
}

/* The row PEER_LIST is at, to the parent unless it is configured. */
static void
ask_for(struct registry *r)
{
	struct peer_conf c = { .origin = PEER_PERSISTED };

	strlcpy(c.host, db_text(r->db, DB_PEER_LIST, 0), sizeof(c.host));
	c.port = (uint16_t)db_int(r->db, DB_PEER_LIST, 1);
	strlcpy(c.path, db_text(r->db, DB_PEER_LIST, 2), sizeof(c.path));
	strlcpy(c.node, db_text(r->db, DB_PEER_LIST, 3), sizeof(c.node));
	c.tls = db_int(r->db, DB_PEER_LIST, 5) != 0;
	if (peers_find_url(&r->peers, c.host, c.port, c.path) == PEER_NONE)
		say_add(r, &c, db_int(r->db, DB_PEER_LIST, 4) != 0);
}

void
registry_configure_addresses(struct registry *r,
    const char (*list)[REGISTRY_ADDRESS_SIZE], uint32_t n)
{
	memcpy(r->own, list, n * sizeof(*list));
	r->n_own = n;
}

/* A link that was dialled to a peer which has to be another Main by now. */
static void
end_unexpected(struct registry *r)
{
	struct peer_link *link;
	struct reply *reply;
	const char *node;

	TAILQ_FOREACH(link, &r->peers.links, entry) {
		if (link->ended || !link->dialled || link->peer >= r->peers.n)
			continue;
		node = r->peers.list[link->peer].conf.node;
		if (node[0] == '\0' || strcmp(node, link->node) == 0)
			continue;
		link->ended = true;
		reply = registry_say(r, MSG_SESSION_END, link->session);
		reply->status = 1000;
		reply->reason = "the configuration names another node";
	}
}

void
registry_configure_peers(struct registry *r, uint32_t generation,
    const struct peer_conf *list, uint32_t n, struct when now)
{
	int row;

	peers_configure(&r->peers, generation, list, n);
	end_unexpected(r);
	view_forget(r);
	if (r->role != ROLE_MAIN || !registry_begin(r))
		return;
	forget_configured(r, list, n);
	if (!r->peers_known) {
		row = registry_run(r, DB_PEER_LIST, "");
		for (; row == 1; row = registry_check(r, db_next(r->db,
		    DB_PEER_LIST)))
			ask_for(r);
		db_done(r->db, DB_PEER_LIST);
	}
	if (registry_commit(r, now))
		r->peers_known = true;
}
