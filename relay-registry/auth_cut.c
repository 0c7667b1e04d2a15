/* SPDX-License-Identifier: ISC */
/*
 * See auth_impl.h: sessions that could not be opened any more, because
 * credentials or rules have changed since, are ended.
 */
#include <string.h>

#include <bsd/string.h>

#include "relay-registry/auth_impl.h"
#include "relay-registry/policy_impl.h"

/* Whether the node still has the credential of that id. */
static bool
has_credential(struct registry *r, const struct candidates *all,
    enum node_kind kind, const char *id)
{
	const struct candidate *c;
	char own[CREDENTIAL_ID];
	uint32_t i;

	for (i = 0; i < all->n; i++) {
		c = &all->list[i];
		if (c->kind != kind)
			continue;
		auth_credential_id(r->trust, c->method, c->value, c->len, own);
		if (strcmp(own, id) == 0)
			return (true);
	}
	return (false);
}

/* It had none, and came as the configuration allows. */
static const char *
open_fault(const struct registry *r, const struct candidates *all,
    bool local)
{
	enum authentication a = r->trust->authentication;

	if (all->n > 0 || all->broken > 0)
		return ("it has credentials now, and has shown none");
	if (a == AUTH_OPEN || (a == AUTH_LOOPBACK && local))
		return (NULL);
	return ("it has no credentials here");
}

/* Of a link that we dialled: the index of its peer is the session's. */
static const char *
main_fault(const struct registry *r, const char *id, uint64_t session)
{
	const struct peer_link *link = peers_link(&r->peers, session);

	if (link == NULL || link->peer >= r->peers.n ||
	    auth_main_valid(r, HOLDER_PEER, link->peer, id))
		return (NULL);
	return ("what it has proved is not what is asked of it now");
}

static const char *
credential_fault(struct registry *r, enum node_kind kind, const char *node,
    const char *id, uint64_t session, struct when now)
{
	const struct peer_link *link = peers_link(&r->peers, session);
	struct candidates all;
	const char *why;

	/* Its row was lost: whether it was dialled the router knows. */
	if (id[0] == '\0' && link != NULL && link->peer < r->peers.n)
		id = BY_MAIN;
	if (strncmp(id, BY_MAIN, strlen(BY_MAIN)) == 0)
		return (main_fault(r, id, session));
	auth_candidates(r, node, &all, now);
	/* And where it came from, if it dialled. */
	if (id[0] == '\0' || strcmp(id, BY_LOOPBACK) == 0 ||
	    strcmp(id, BY_NOTHING) == 0)
		why = open_fault(r, &all, strcmp(id, BY_NOTHING) != 0);
	else
		why = has_credential(r, &all, kind, id) ? NULL :
		    "its credential is gone";
	explicit_bzero(&all, sizeof(all));
	return (why);
}

const char *
auth_fault(struct registry *r, enum node_kind kind, const char *node,
    const char *id, uint64_t session, struct when now,
    char denied[DENIED_BY_TEXT])
{
	const struct policy_rule *rule;

	if (auth_disabled(r, node))
		return ("the node is disabled");
	if (!registry_may_connect(r, kind, node, &rule)) {
		registry_denied_by(rule, denied);
		return (denied);
	}
	return (credential_fault(r, kind, node, id, session, now));
}

/* One row of SESSION_LIVE. */
static void
judge_row(struct registry *r, struct when now)
{
	char node[LIMIT_NODE_ID + 1], id[CREDENTIAL_ID];
	char address[PEER_ADDRESS_MAX + 1], denied[DENIED_BY_TEXT];
	uint64_t session = (uint64_t)db_int(r->db, DB_SESSION_LIVE, 0);
	enum node_kind kind = (enum node_kind)db_int(r->db, DB_SESSION_LIVE,
	    2);
	const char *why;

	strlcpy(node, db_text(r->db, DB_SESSION_LIVE, 1), sizeof(node));
	strlcpy(id, db_text(r->db, DB_SESSION_LIVE, 3), sizeof(id));
	strlcpy(address, db_text(r->db, DB_SESSION_LIVE, 4), sizeof(address));
	why = auth_fault(r, kind, node, id, session, now, denied);
	if (why != NULL)
		registry_cut(r, session, node, address, why, now);
}

/* There is a one-time secret that was never tried: the node is to join anew. */
static bool
joins_anew(struct registry *r, uint32_t uplink)
{
	const struct credential *once = dialled_credential(r, HOLDER_UPLINK,
	    uplink, AUTH_BY_JOIN, 0);
	char joining[CREDENTIAL_ID];
	bool tried;

	if (once == NULL)
		return (false);
	auth_credential_id(r->trust, once->method, once->value, once->len,
	    joining);
	tried = registry_run(r, DB_IDENTITY_GET, "tt",
	    r->trust->uplinks[uplink].node, joining) == 1;
	db_done(r->db, DB_IDENTITY_GET);
	return (!tried);
}

/* Uplinks that are, or proved, what is not asked of them any more. */
static void
judge_uplinks(struct registry *r, struct when now)
{
	struct trust *t = r->trust;
	struct dialled *d;
	const char *want, *why;
	uint32_t i;

	for (i = 0; i < t->n_uplinks; i++) {
		d = &t->to_uplinks[i];
		want = t->uplinks[i].node;
		if (d->session == 0)
			continue;
		if ((want[0] != '\0' && strcmp(want, d->linked) != 0) ||
		    !auth_main_valid(r, HOLDER_UPLINK, i, d->credential))
			why = "what it has proved is not what is asked of it "
			    "now";
		else if (joins_anew(r, i))
			why = "it has a new one-time secret to join with";
		else
			continue;
		registry_cut(r, d->session, "the uplink", t->uplinks[i].host,
		    why, now);
		d->session = 0;
	}
}

void
auth_cut(struct registry *r, const char *node, struct when now)
{
	int row;

	if (r->role == ROLE_HOME) {
		judge_uplinks(r, now);
		return;
	}
	row = registry_run(r, DB_SESSION_LIVE, "t", node);
	for (; row == 1; row = registry_check(r, db_next(r->db,
	    DB_SESSION_LIVE)))
		judge_row(r, now);
	db_done(r->db, DB_SESSION_LIVE);
}
