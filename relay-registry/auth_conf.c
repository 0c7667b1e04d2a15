/* SPDX-License-Identifier: ISC */
/* See registry.h and auth_impl.h: the trust of a generation comes in force. */
#include <string.h>

#include <bsd/string.h>

#include "common/log.h"
#include "relay-registry/auth_impl.h"

/* A Main that is shown a token proves nothing, so nothing may be asked of it
 * then. */
const char *
registry_check_trust(const struct credentials *s)
{
	const struct credential *c;
	uint32_t i;

	for (i = 0; i < s->n; i++) {
		c = &s->list[i];
		if ((c->holder != HOLDER_UPLINK && c->holder != HOLDER_PEER) ||
		    c->method != AUTH_BY_TOKEN)
			continue;
		if (credentials_dialled(s, c->holder, c->index, AUTH_BY_KEY,
		    0) != NULL && credentials_dialled(s, c->holder, c->index,
		    AUTH_BY_SECRET, 0) == NULL)
			return ("an uplink or peer has a token and a key: who "
			    "is shown a token proves no key");
	}
	return (NULL);
}

static bool
same_place(const struct uplink_conf *a, const struct uplink_conf *b)
{
	return (a->port == b->port && strcmp(a->host, b->host) == 0 &&
	    strcmp(a->path, b->path) == 0);
}

/* Uplinks that stay keep their session under their new index. */
static void
take_uplinks(struct trust *t, const struct uplink_conf *list, uint32_t n)
{
	struct dialled now[LIMIT_UPLINKS];
	uint32_t i, j;

	memset(now, 0, sizeof(now));
	for (i = 0; i < n; i++) {
		for (j = 0; j < t->n_uplinks; j++) {
			if (t->to_uplinks[j].session == 0 ||
			    !same_place(&list[i], &t->uplinks[j]))
				continue;
			now[i].session = t->to_uplinks[j].session;
			memcpy(now[i].credential, t->to_uplinks[j].credential,
			    sizeof(now[i].credential));
			memcpy(now[i].linked, t->to_uplinks[j].linked,
			    sizeof(now[i].linked));
		}
	}
	memcpy(t->to_uplinks, now, sizeof(now));
	memcpy(t->uplinks, list, n * sizeof(*list));
	t->n_uplinks = n;
}

void
registry_configure_trust(struct registry *r, uint32_t generation,
    const struct trust_conf *conf, struct credentials *credentials,
    struct when now)
{
	static const struct uplink_conf none[1];
	struct trust *t = r->trust;

	t->generation = generation;
	t->authentication = conf->authentication;
	strlcpy(t->url, conf->url, sizeof(t->url));
	take_uplinks(t, conf->n_uplinks > 0 ? conf->uplinks : none,
	    conf->n_uplinks);
	memset(t->to_peers, 0, sizeof(t->to_peers));
	credentials_clear(&t->credentials);
	t->credentials = *credentials;
	memset(credentials, 0, sizeof(*credentials));
	/* Who may not stay goes, whether that can be written or not. */
	(void)registry_begin(r);
	auth_cut(r, "", now);
	(void)registry_commit(r, now);
}
