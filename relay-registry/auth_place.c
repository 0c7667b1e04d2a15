/* SPDX-License-Identifier: ISC */
/*
 * See auth_impl.h: where sessions were dialled to.  The router knows them by an
 * index into a configuration that may be gone when another registry has to
 * judge them, so that this is in the database.
 */
#include <string.h>

#include <bsd/string.h>

#include "common/name.h"
#include "relay-registry/audit.h"
#include "relay-registry/auth_impl.h"

struct place {
	char		 host[PEER_HOST_MAX + 1];
	uint16_t	 port;
	char		 path[URL_TEXT_MAX + 1];
	char		 credential[CREDENTIAL_ID];
};

static bool
find(struct registry *r, uint64_t session, struct place *p)
{
	bool there;

	there = registry_run(r, DB_PLACE_OF, "i", (int64_t)session) == 1;
	if (there) {
		strlcpy(p->host, db_text(r->db, DB_PLACE_OF, 0),
		    sizeof(p->host));
		p->port = (uint16_t)db_int(r->db, DB_PLACE_OF, 1);
		strlcpy(p->path, db_text(r->db, DB_PLACE_OF, 2),
		    sizeof(p->path));
		strlcpy(p->credential, db_text(r->db, DB_PLACE_OF, 3),
		    sizeof(p->credential));
	}
	db_done(r->db, DB_PLACE_OF);
	return (there);
}

static void
keep(struct registry *r, uint64_t session, const char *host, uint16_t port,
    const char *path, const char *credential)
{
	if (registry_begin(r))
		registry_run(r, DB_PLACE_KEEP, "ititt", (int64_t)session,
		    host, (int64_t)port, path, credential);
}

void
auth_place_peer(struct registry *r, const struct session_request *q)
{
	const struct peer_conf *c = &r->peers.list[q->peer].conf;

	keep(r, q->session, c->host, c->port, c->path, "");
}

void
auth_place_uplink(struct registry *r, const struct session_request *q)
{
	const struct uplink_conf *c = &r->trust->uplinks[q->peer];

	keep(r, q->session, c->host, c->port, c->path,
	    r->trust->to_uplinks[q->peer].credential);
}

void
auth_place_forget(struct registry *r, uint64_t session)
{
	registry_run(r, DB_PLACE_DROP, "i", (int64_t)session);
}

uint32_t
auth_place_of_peer(struct registry *r, const struct session_request *q)
{
	struct place p;

	if (q->peer == PEER_NONE)
		return (PEER_NONE);
	if (find(r, q->session, &p))
		return (peers_find_url(&r->peers, p.host, p.port, p.path));
	return (q->generation == r->peers.generation &&
	    q->peer < r->peers.n ? q->peer : PEER_NONE);
}

/* --- uplinks after a restart --- */

static uint32_t
find_uplink(const struct trust *t, const struct place *p)
{
	const struct uplink_conf *c;
	uint32_t i;

	for (i = 0; i < t->n_uplinks; i++) {
		c = &t->uplinks[i];
		if (c->port == p->port && strcmp(c->host, p->host) == 0 &&
		    strcmp(c->path, p->path) == 0)
			return (i);
	}
	return (PEER_NONE);
}

/* Its row was lost: then it counts for one that has proved nothing. */
static uint32_t
by_its_word(const struct trust *t, const struct session_request *q,
    struct place *p)
{
	strlcpy(p->credential, BY_MAIN, sizeof(p->credential));
	return (q->generation == t->generation && q->peer < t->n_uplinks &&
	    t->to_uplinks[q->peer].session == 0 ? q->peer : PEER_NONE);
}

void
auth_resume_uplink(struct registry *r, const struct session_request *q,
    struct when now)
{
	char node[LIMIT_NODE_ID + 1];
	struct trust *t = r->trust;
	struct dialled *d;
	struct place p;
	uint32_t index;
	bool known;

	if (!registry_begin(r))
		return;
	known = find(r, q->session, &p);
	index = known ? find_uplink(t, &p) : by_its_word(t, q, &p);
	if (!name_node_lower(q->node, node, sizeof(node)))
		node[0] = '\0';
	if (index == PEER_NONE) {
		/* The front-end closes what is not configured any more. */
		if (!known)
			registry_cut(r, q->session, "the uplink", node,
			    "where it was dialled to is not known any more",
			    now);
		return;
	}
	d = &t->to_uplinks[index];
	d->session = q->session;
	strlcpy(d->linked, node, sizeof(d->linked));
	strlcpy(d->credential, p.credential, sizeof(d->credential));
	r->stats.resumed++;
	auth_cut(r, "", now);
}

void
auth_uplink_closed(struct registry *r, uint64_t session, const char *why,
    struct when now)
{
	struct dialled *d;
	uint32_t i;

	for (i = 0; i < r->trust->n_uplinks; i++) {
		d = &r->trust->to_uplinks[i];
		if (d->session != session)
			continue;
		audit_text(r, AUDIT_END, d->linked, "", why, now);
		d->session = 0;
	}
}

void
auth_uplinks_unknown(struct registry *r)
{
	uint32_t i;

	for (i = 0; i < LIMIT_UPLINKS; i++)
		r->trust->to_uplinks[i].session = 0;
}
