/* SPDX-License-Identifier: ISC */
/*
 * See auth_impl.h: the link of a home with its Main, which is let in or not
 * like one that comes, but of which the database has no more than auth_place.c.
 */
#include <string.h>

#include <bsd/string.h>

#include "common/log.h"
#include "common/name.h"
#include "relay-registry/audit.h"
#include "relay-registry/auth_impl.h"

/* Whether the Main is who it should be, by what it says. */
static bool
is_right(const struct registry *r, const struct session_request *q,
    const char *node, struct denial *why)
{
	if (q->generation != r->trust->generation ||
	    q->peer >= r->trust->n_uplinks)
		return (true);		/* auth_main_proved() says it */
	return (auth_main_expected(r->trust->uplinks[q->peer].node, node,
	    why));
}

/* By which key it let us in is known now. */
static void
keep_key(struct registry *r, const struct session_request *q,
    const struct dialled *d, const struct admission *a, struct when now)
{
	const char *node = r->trust->uplinks[q->peer].node;

	if (a->method != AUTH_BY_JOIN && a->method != AUTH_BY_KEY)
		return;
	if (d->joining)
		log_notice("%s: this node has a new key there", node);
	else if (identity_count(r, node) == 1)
		return;
	else
		log_notice("%s: the key of before is taken, and none that was "
		    "made to join with a one-time secret: to replace it, join "
		    "again", node);
	identity_in_force(r, node, d->joining ? d->seed : NULL, now);
}

/* The one-time secret has done what it is for, or is not needed. */
static void
say_joined(struct registry *r, const struct session_request *q,
    struct dialled *d, const struct admission *a)
{
	struct reply *reply;

	if ((a->method != AUTH_BY_JOIN && a->method != AUTH_BY_KEY) ||
	    dialled_credential(r, HOLDER_UPLINK, q->peer, AUTH_BY_JOIN,
	    0) == NULL)
		return;
	d->joined = true;
	reply = registry_say(r, MSG_JOINED, q->peer);
	reply->tag = q->generation;
}

static void
accept_uplink(struct registry *r, const struct session_request *q,
    const char *node, const struct admission *a, struct when now)
{
	struct dialled *d = &r->trust->to_uplinks[q->peer];
	char address[PEER_ADDRESS_MAX + 1];
	struct reply *reply;

	reply = registry_say(r, MSG_SESSION_ACCEPT, q->session);
	strlcpy(reply->node, node, sizeof(reply->node));
	reply->kind = NODE_UPLINK;
	reply->epoch = 1;		/* there is no row that counts them */
	d->session = q->session;
	strlcpy(d->linked, node, sizeof(d->linked));
	strlcpy(d->credential, a->credential, sizeof(d->credential));
	auth_place_uplink(r, q);
	keep_key(r, q, d, a, now);
	say_joined(r, q, d, a);
	registry_clean(q->address, address, sizeof(address));
	audit_text(r, AUDIT_ADMIT, node, address, "dialled", now);
}

void
auth_open_uplink(struct registry *r, const struct session_request *q,
    struct when now)
{
	char node[LIMIT_NODE_ID + 1];
	struct admission a;
	struct denial why;

	/* One of the seed's may not name itself. */
	if (!name_node_lower(q->node, node, sizeof(node)))
		node[0] = '\0';
	if (is_right(r, q, node, &why) &&
	    auth_main_proved(r, q, node, &a, &why, now)) {
		accept_uplink(r, q, node, &a, now);
		return;
	}
	auth_deny(r, q->session, &why, now);
	if (why.status == 403)
		auth_refused(r, q, node, why.detail, true, now);
}
