/* SPDX-License-Identifier: ISC */
/* See auth_impl.h: the credentials a node has, configured and enrolled. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "relay-registry/auth_impl.h"

#define EXPIRE_MS	60000	/* between looks for what has expired */

void
auth_credential_id(const struct trust *t, enum auth_method method,
    const uint8_t *value, size_t len, char id[CREDENTIAL_ID])
{
	uint8_t mac[AUTH_MAC];
	char text[B64URL_SIZE(16)];

	/* With a key, as a secret could be guessed by its hash. */
	auth_hmac((struct span){ (const char *)t->seed, sizeof(t->seed) },
	    (struct span){ (const char *)value, len }, mac);
	b64url_encode(mac, 16, text);
	snprintf(id, CREDENTIAL_ID, "%s:%s", auth_method_name(method), text);
}

bool
auth_disabled(struct registry *r, const char *node)
{
	bool disabled;

	disabled = registry_run(r, DB_NODE_DISABLED, "t", node) == 1;
	db_done(r->db, DB_NODE_DISABLED);
	return (disabled);
}

static enum node_kind
kind_of(enum holder holder)
{
	return (holder == HOLDER_HOME ? NODE_HOME : NODE_PEER);
}

static struct candidate *
next(struct candidates *all)
{
	struct candidate *c;

	if (all->n == NODE_CREDENTIALS)
		return (NULL);
	c = &all->list[all->n++];
	memset(c, 0, sizeof(*c));
	return (c);
}

static void
add_configured(const struct registry *r, const char *node,
    struct candidates *all)
{
	const struct credential *from;
	struct candidate *c;
	uint32_t i;

	for (i = 0; (from = credentials_of(&r->trust->credentials, node,
	    i)) != NULL && (c = next(all)) != NULL; i++) {
		c->method = from->method;
		c->kind = kind_of(from->holder);
		c->value = from->value;
		c->len = from->len;
	}
}

static bool
from_hex(const char *s, uint8_t *out, size_t n)
{
	unsigned int byte;
	size_t i;

	if (strlen(s) != 2 * n || strspn(s, "0123456789abcdef") != 2 * n)
		return (false);
	for (i = 0; i < n; i++, s += 2) {
		if (sscanf(s, "%2x", &byte) != 1)
			return (false);
		out[i] = (uint8_t)byte;
	}
	return (true);
}

/* The row CREDENTIAL_OF is at. */
static bool
take_row(struct registry *r, struct candidate *c)
{
	const char *value = db_text(r->db, DB_CREDENTIAL_OF, 3);

	c->row = db_int(r->db, DB_CREDENTIAL_OF, 0);
	c->kind = (enum node_kind)db_int(r->db, DB_CREDENTIAL_OF, 1);
	c->method = (enum auth_method)db_int(r->db, DB_CREDENTIAL_OF, 2);
	c->value = c->buf;
	c->len = sizeof(c->buf);
	if (c->method == AUTH_BY_TOKEN)
		return (from_hex(value, c->buf, sizeof(c->buf)));
	return (b64url_decode(value, strlen(value), c->buf, sizeof(c->buf)));
}

static void
add_enrolled(struct registry *r, const char *node, struct candidates *all,
    struct when now)
{
	struct candidate *c;
	int64_t expires;
	int row;

	row = registry_run(r, DB_CREDENTIAL_OF, "t", node);
	for (; row == 1; row = registry_check(r, db_next(r->db,
	    DB_CREDENTIAL_OF))) {
		expires = db_int(r->db, DB_CREDENTIAL_OF, 4);
		if (expires != 0 && expires <= now.wall_ms)
			continue;
		if ((c = next(all)) == NULL)
			break;
		if (!take_row(r, c)) {
			all->n--;
			all->broken++;
		}
	}
	db_done(r->db, DB_CREDENTIAL_OF);
}

void
auth_candidates(struct registry *r, const char *node, struct candidates *all,
    struct when now)
{
	all->n = all->broken = 0;
	add_configured(r, node, all);
	add_enrolled(r, node, all, now);
}

void
auth_expire(struct registry *r, struct when now)
{
	bool any;

	if (now.mono.ms < r->trust->expire_ms)
		return;
	r->trust->expire_ms = now.mono.ms + EXPIRE_MS;
	any = registry_run(r, DB_CREDENTIAL_EXPIRED, "i", now.wall_ms) == 1;
	db_done(r->db, DB_CREDENTIAL_EXPIRED);
	if (!any || !registry_begin(r))
		return;
	r->sync = true;		/* it is in the journal no more, either */
	registry_run(r, DB_CREDENTIAL_EXPIRE, "i", now.wall_ms);
}
