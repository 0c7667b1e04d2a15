/* SPDX-License-Identifier: ISC */
/*
 * Nodes and their credentials, as the operator changes them at run time:
 * relay-ctl(8) enroll and node.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "common/ctl.h"
#include "common/join.h"
#include "common/log.h"
#include "common/name.h"
#include "relay-registry/audit.h"
#include "relay-registry/auth_impl.h"
#include "relay-registry/token.h"

/* What came of a request: the status and text of CTL_END. */
struct outcome {
	enum ctl_status	 status;
	char		 text[256];
};

/* What is known of a node before it is changed. */
struct standing {
	char		 node[LIMIT_NODE_ID + 1];
	bool		 configured;
	uint32_t	 keys, tokens, joins;	/* enrolled */
	bool		 known;		/* it has been here */
	enum node_kind	 kind;		/* as what it may link */
};

static void
answer(struct outcome *o, enum ctl_status status, const char *text)
{
	o->status = status;
	strlcpy(o->text, text, sizeof(o->text));
}

/* --- what there is --- */

static void
count_enrolled(struct registry *r, struct standing *s)
{
	int row;

	row = registry_run(r, DB_CREDENTIAL_OF, "t", s->node);
	for (; row == 1; row = registry_check(r, db_next(r->db,
	    DB_CREDENTIAL_OF))) {
		s->kind = (enum node_kind)db_int(r->db, DB_CREDENTIAL_OF, 1);
		switch ((enum auth_method)db_int(r->db, DB_CREDENTIAL_OF, 2)) {
		case AUTH_BY_KEY:
			s->keys++;
			break;
		case AUTH_BY_TOKEN:
			s->tokens++;
			break;
		default:
			s->joins++;
			break;
		}
	}
	db_done(r->db, DB_CREDENTIAL_OF);
}

/*
 * As what it was seen counts for nothing: it may have been somebody else, and a
 * Main may do more than a home.
 */
static void
look_up(struct registry *r, struct standing *s)
{
	const struct credential *c;

	c = credentials_of(&r->trust->credentials, s->node, 0);
	s->configured = c != NULL;
	s->kind = NODE_HOME;
	count_enrolled(r, s);
	s->known = registry_run(r, DB_NODE_INFO, "t", s->node) == 1;
	db_done(r->db, DB_NODE_INFO);
	if (c != NULL)
		s->kind = c->holder == HOLDER_HOME ? NODE_HOME : NODE_PEER;
}

static bool
is_enrolled(const struct standing *s)
{
	return (s->keys + s->tokens + s->joins > 0);
}

/* --- disable, enable, revoke --- */

static void
disable(struct registry *r, const struct standing *s, struct outcome *o,
    struct when now)
{
	if (!s->configured && !is_enrolled(s) && !s->known) {
		answer(o, CTL_NOT_FOUND, "there is no such node");
		return;
	}
	if (auth_disabled(r, s->node)) {
		auth_cut(r, s->node, now);
		answer(o, CTL_NOT_FOUND, "that node is disabled already");
		return;
	}
	registry_run(r, DB_NODE_DISABLE, "ti", s->node, now.wall_ms);
	audit_text(r, AUDIT_NODE, s->node, "disabled",
	    "by " AUDIT_BY_CONTROL, now);
	auth_cut(r, s->node, now);
	answer(o, CTL_OK, "disabled");
}

static void
enable(struct registry *r, const struct standing *s, struct outcome *o,
    struct when now)
{
	if (!auth_disabled(r, s->node)) {
		answer(o, CTL_NOT_FOUND, "that node is not disabled");
		return;
	}
	registry_run(r, DB_NODE_ENABLE, "t", s->node);
	audit_text(r, AUDIT_NODE, s->node, "enabled",
	    "by " AUDIT_BY_CONTROL, now);
	answer(o, CTL_OK, "enabled");
}

static void
revoke(struct registry *r, const struct standing *s, struct outcome *o,
    struct when now)
{
	if (!is_enrolled(s)) {
		if (s->configured)
			answer(o, CTL_REFUSED, "its credentials are in "
			    "relayd.conf: take them out there and reload, or "
			    "disable the node");
		else
			answer(o, CTL_NOT_FOUND, "that node has no "
			    "credentials here");
		return;
	}
	registry_run(r, DB_CREDENTIAL_REVOKE, "t", s->node);
	audit_text(r, AUDIT_NODE, s->node, "revoked",
	    "by " AUDIT_BY_CONTROL, now);
	auth_cut(r, s->node, now);
	answer(o, CTL_OK, s->configured ? "revoked; those in relayd.conf "
	    "stay" : "revoked");
}

/* --- join strings --- */

/* A row of one field that is shown once. */
static void
say_secret(struct registry *r, uint64_t request, const char *what,
    const char *secret)
{
	struct reply *reply = registry_say(r, MSG_CTL_ROW, request);

	reply->reason = what;
	reply_set_body(reply, secret, strlen(secret));
}

static bool
is_pin(const char *s)
{
	static const char prefix[] = "sha256:";
	uint8_t hash[AUTH_MAC];
	const size_t n = sizeof(prefix) - 1;

	return (strncmp(s, prefix, n) == 0 &&
	    b64url_decode(s + n, strlen(s + n), hash, sizeof(hash)));
}

/* Where the node goes to, and until when. */
static bool
fill_join(const struct registry *r, const struct node_request *q,
    struct join *j, struct outcome *o, struct when now)
{
	uint32_t s = q->expires_s != 0 ? q->expires_s : LIMIT_JOIN_S;
	const char *why = NULL;
	struct url url;

	if (!span_copy(q->url.len > 0 ? q->url : span_str(r->trust->url),
	    j->url, sizeof(j->url)))
		why = "url: it is too long";
	else if (j->url[0] == '\0')
		why = "say the URL at which it reaches this relay: "
		    "relayd.conf has no url";
	else if ((why = url_check(j->url, "ws", "/ws/federation", &url)) ==
	    NULL)
		url_free(&url);
	if (why == NULL && (!span_copy(q->pin, j->pin, sizeof(j->pin)) ||
	    (q->pin.len > 0 && !is_pin(j->pin))))
		why = "pin: sha256: and 43 characters of base64url";
	if (why == NULL && s > LIMIT_JOIN_MAX_S)
		why = "it may not be good for more than 30 days";
	if (why != NULL) {
		answer(o, CTL_REFUSED, why);
		return (false);
	}
	j->expires_ms = (uint64_t)now.wall_ms + (uint64_t)s * 1000;
	return (true);
}

/* A one-time secret for it, in place of one that was not used. */
static void
make_join(struct registry *r, uint64_t request, const struct node_request *q,
    const struct standing *s, struct outcome *o, struct when now)
{
	struct join j = { .expires_ms = 0 };
	char text[JOIN_TEXT_MAX], secret[B64URL_SIZE(JOIN_SECRET)];
	char by[sizeof(j.url) + 64];

	if (!fill_join(r, q, &j, o, now))
		return;
	strlcpy(j.node_id, s->node, sizeof(j.node_id));
	strlcpy(j.main_id, r->node_id, sizeof(j.main_id));
	memcpy(j.main_key, r->trust->public, sizeof(j.main_key));
	arc4random_buf(j.secret, sizeof(j.secret));
	b64url_encode(j.secret, sizeof(j.secret), secret);
	if (join_encode(&j, text, sizeof(text))) {
		registry_run(r, DB_CREDENTIAL_ADD, "tiitii", s->node,
		    (int64_t)s->kind, (int64_t)AUTH_BY_JOIN, secret,
		    now.wall_ms, (int64_t)j.expires_ms);
		registry_run(r, DB_CREDENTIAL_TRIM, "tii", s->node,
		    (int64_t)AUTH_BY_JOIN, INT64_C(1));
		snprintf(by, sizeof(by), "by " AUDIT_BY_CONTROL ", to join at "
		    "%s", j.url);
		audit_text(r, AUDIT_NODE, s->node, q->op == CTL_NODE_ROTATE ?
		    "rotate" : "enroll", by, now);
		say_secret(r, request, "join", text);
		auth_cut(r, s->node, now);
		answer(o, CTL_OK, "");
	} else
		answer(o, CTL_REFUSED, "the join string would be too long");
	explicit_bzero(&j, sizeof(j));
	explicit_bzero(text, sizeof(text));
	explicit_bzero(secret, sizeof(secret));
}

static void
enroll(struct registry *r, uint64_t request, const struct node_request *q,
    const struct standing *s, struct outcome *o, struct when now)
{
	if (s->configured)
		answer(o, CTL_REFUSED, "its credentials are in relayd.conf: "
		    "take them out there and reload, then enroll it");
	else if (s->keys > 0 || s->tokens > 0)
		answer(o, CTL_REFUSED, "that node has credentials already: "
		    "rotate or revoke them");
	else
		make_join(r, request, q, s, o, now);
}

static void
rotate(struct registry *r, uint64_t request, const struct node_request *q,
    const struct standing *s, struct outcome *o, struct when now)
{
	if (is_enrolled(s))
		make_join(r, request, q, s, o, now);
	else if (s->configured)
		answer(o, CTL_REFUSED, "its credentials are in relayd.conf: "
		    "add the new one there, reload, and take out the old");
	else
		answer(o, CTL_NOT_FOUND, "that node has no credentials here");
}

/* --- tokens --- */

static void
make_token(struct registry *r, uint64_t request, const struct standing *s,
    struct outcome *o, struct when now)
{
	char token[TOKEN_SIZE], hash[TOKEN_HASH_SIZE];

	token_make(token);
	token_hash(span_str(token), hash);
	registry_run(r, DB_CREDENTIAL_ADD, "tiitii", s->node,
	    (int64_t)s->kind, (int64_t)AUTH_BY_TOKEN, hash, now.wall_ms, INT64_C(0));
	registry_run(r, DB_CREDENTIAL_TRIM, "tii", s->node,
	    (int64_t)AUTH_BY_TOKEN, (int64_t)LIMIT_CREDENTIALS);
	audit_text(r, AUDIT_NODE, s->node, "token",
	    "by " AUDIT_BY_CONTROL, now);
	say_secret(r, request, "token", token);
	auth_cut(r, s->node, now);
	answer(o, CTL_OK, "");
	explicit_bzero(token, sizeof(token));
}

/* --- the request --- */

static void
act(struct registry *r, uint64_t request, const struct node_request *q,
    struct outcome *o, struct when now)
{
	struct standing s = { .kind = 0 };

	if (r->role != ROLE_MAIN) {
		answer(o, CTL_REFUSED, "a home takes no links");
		return;
	}
	if (!name_node_lower(q->node, s.node, sizeof(s.node))) {
		answer(o, CTL_REFUSED, "node id: 1 to 253 bytes, labels of "
		    "[a-z0-9_-] joined by dots");
		return;
	}
	if (strcmp(s.node, r->node_id) == 0) {
		answer(o, CTL_REFUSED, "the node id is this relay's own");
		return;
	}
	if (!registry_begin(r))
		return;
	r->sync = true;		/* what is said to be revoked stays so */
	registry_run(r, DB_CREDENTIAL_EXPIRE, "i", now.wall_ms);
	look_up(r, &s);
	switch (q->op) {
	case CTL_NODE_DISABLE:
		disable(r, &s, o, now);
		break;
	case CTL_NODE_ENABLE:
		enable(r, &s, o, now);
		break;
	case CTL_NODE_REVOKE:
		revoke(r, &s, o, now);
		break;
	case CTL_NODE_ROTATE:
		rotate(r, request, q, &s, o, now);
		break;
	case CTL_NODE_ENROLL:
		enroll(r, request, q, &s, o, now);
		break;
	case CTL_NODE_TOKEN:
		make_token(r, request, &s, o, now);
		break;
	default:
		break;
	}
}

void
registry_ctl_node(struct registry *r, uint64_t request,
    const struct node_request *q, struct when now)
{
	struct outcome o = { .status = CTL_REFUSED };
	struct reply *reply;

	act(r, request, q, &o, now);
	/* If the transaction fails, that is said instead. */
	reply = registry_say(r, MSG_CTL_END, request);
	reply->status = (uint16_t)o.status;
	reply_set_body(reply, o.text, strlen(o.text));
}
