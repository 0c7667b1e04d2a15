/* SPDX-License-Identifier: ISC */
/* Sessions with other Mains: who may link, and which link stays. */
#include <string.h>

#include <bsd/string.h>

#include "common/log.h"
#include "relay-registry/auth_impl.h"

#define OWN_WARNED_MS	60000	/* least time between warnings of the own id */

static bool
deny(struct denial *why, uint16_t status, int32_t code, uint32_t retry_ms,
    const char *reason)
{
	*why = (struct denial){ .status = status, .code = code,
	    .retry_after_ms = retry_ms, .reason = reason };
	return (false);
}

static bool
deny_own_id(struct registry *r, const struct session_request *q,
    struct denial *why, struct when now)
{
	char address[PEER_ADDRESS_MAX + 1];

	registry_clean(q->address, address, sizeof(address));
	if (now.mono.ms >= r->own_warned_ms) {
		r->own_warned_ms = now.mono.ms + OWN_WARNED_MS;
		log_err("a Main at %s calls itself %s, which is this relay's "
		    "own id: two Mains have one id, or this one dials itself",
		    address, r->node_id);
	}
	return (deny(why, 409, REGISTRY_DUPLICATE_NODE, 0,
	    "the node id is this relay's own: two Mains with one id, or a Main "
	    "that dials itself"));
}

bool
peer_is_own(struct registry *r, const struct session_request *q,
    const char *node, struct denial *why, struct when now)
{
	if (q->kind != NODE_PEER || strcmp(node, r->node_id) != 0)
		return (false);
	(void)deny_own_id(r, q, why, now);
	return (true);
}

bool
peer_is_expected(struct registry *r, const struct session_request *q,
    const char *node, struct denial *why)
{
	const struct peer_conf *conf;
	char url[URL_TEXT_MAX + 1];

	if (q->generation != r->peers.generation || q->peer >= r->peers.n)
		return (deny(why, 503, REGISTRY_OVERLOADED, REGISTRY_RETRY_MS,
		    "it was dialled for a configuration that is no longer in "
		    "force"));
	conf = &r->peers.list[q->peer].conf;
	if (auth_main_expected(conf->node, node, why))
		return (true);
	peer_url(conf, url, sizeof(url));
	/* The dialer warns, as often as that is good. */
	log_debug("peer %s: %s", url, why->detail);
	return (false);
}

static void
warn_clash(struct registry *r, const struct session_request *q,
    const struct peer_link *link, struct when now)
{
	char address[PEER_ADDRESS_MAX + 1];

	registry_clean(q->address, address, sizeof(address));
	if (registry_may_warn(r, now))
		log_err("two Mains call themselves %s: the one at %s is linked "
		    "and stays, another at %s is held out; each needs an id "
		    "of its own", link->node, link->address, address);
}

bool
peer_may_link(struct registry *r, const struct session_request *q,
    const char *node, uint64_t *replaced, struct denial *why, struct when now)
{
	char boot[LIMIT_BOOT_ID + 1];
	const struct peer_ask ask = { r->node_id, node, boot, q->peer,
	    q->peer != PEER_NONE };
	enum peer_verdict verdict;
	struct peer_link *link;

	registry_clean(q->boot, boot, sizeof(boot));
	verdict = peers_judge(&r->peers, &ask, now.mono, &link);
	if (ask.dialled)
		r->peers.list[q->peer].clash = verdict == PEER_CLASH;
	switch (verdict) {
	case PEER_TAKE:
	case PEER_REPLACE:
		*replaced = link == NULL ? 0 : link->session;
		return (true);
	case PEER_KEEP:
		return (deny(why, 409, REGISTRY_DUPLICATE_NODE,
		    REGISTRY_RETRY_MS, "linked already"));
	case PEER_CLASH:
		warn_clash(r, q, link, now);
		return (deny(why, 409, REGISTRY_DUPLICATE_NODE,
		    REGISTRY_RETRY_MS, "another Main with this id is linked"));
	default:
		return (deny(why, 503, REGISTRY_OVERLOADED, REGISTRY_RETRY_MS,
		    "linked with as many Mains as may be"));
	}
}

void
peer_linked(struct registry *r, const struct session_request *q,
    const char *node, struct monotime since)
{
	char boot[LIMIT_BOOT_ID + 1], address[PEER_ADDRESS_MAX + 1];
	const struct peer_ask ask = { r->node_id, node, boot, q->peer,
	    q->peer != PEER_NONE };

	registry_clean(q->boot, boot, sizeof(boot));
	registry_clean(q->address, address, sizeof(address));
	(void)peers_link_add(&r->peers, q->session, &ask, address, since);
}

/*
 * The link was there before this process, for how long is not known.
 */
void
peer_resumed(struct registry *r, const struct session_request *q,
    const char *node, struct monotime now)
{
	struct peer_link *link;

	if (peers_link(&r->peers, q->session) != NULL)
		return;
	peer_linked(r, q, node, monotime_add_ms(now, -LIMIT_HANDSHAKE_MS));
	link = peers_link(&r->peers, q->session);
	link->peer = auth_place_of_peer(r, q);
	(void)registry_say(r, MSG_SESSION_RESUME, q->session);
}
