/* SPDX-License-Identifier: ISC */
/*
 * This node's own key, made when its database is, by which it proves who it is
 * to those it dials and to those that dial it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "common/log.h"
#include "relay-registry/auth_impl.h"

struct trust *
trust_new(void)
{
	struct trust *t;
	uint8_t key[32];

	if ((t = calloc(1, sizeof(*t))) == NULL)
		fatal("no memory for credentials");
	t->authentication = AUTH_REQUIRED;
	arc4random_buf(key, sizeof(key));
	auth_nonces_init(&t->nonces, key, LIMIT_NONCES);
	explicit_bzero(key, sizeof(key));
	return (t);
}

void
trust_free(struct trust *t)
{
	if (t == NULL)
		return;
	credentials_clear(&t->credentials);
	auth_nonces_clear(&t->nonces);
	freezero(t, sizeof(*t));
}

static bool
make_seed(struct trust *t, struct db *db, struct when now)
{
	char text[AUTH_KEY_TEXT];
	bool ok;

	arc4random_buf(t->seed, sizeof(t->seed));
	b64url_encode(t->seed, sizeof(t->seed), text);
	ok = db_run(db, DB_IDENTITY_SET, "ti", text, now.wall_ms) == 0;
	explicit_bzero(text, sizeof(text));
	return (ok);
}

bool
identity_load(struct trust *t, struct db *db, struct when now, char *err,
    size_t size)
{
	const char *text;
	bool ok;
	int row;

	if ((row = db_run(db, DB_IDENTITY_GET, "")) == 1) {
		text = db_text(db, DB_IDENTITY_GET, 0);
		ok = b64url_decode(text, strlen(text), t->seed,
		    sizeof(t->seed));
		db_done(db, DB_IDENTITY_GET);
		if (!ok) {
			snprintf(err, size, "this node's own key is damaged: "
			    "restore a backup");
			return (false);
		}
	} else if (row == -1 || !make_seed(t, db, now)) {
		snprintf(err, size, "database: %s", db_error(db));
		return (false);
	}
	auth_public(t->seed, t->public);
	b64url_encode(t->public, sizeof(t->public), t->public_text);
	return (true);
}

void
registry_identity(const struct registry *r, char text[64])
{
	snprintf(text, 64, "ed25519:%s", r->trust->public_text);
}
