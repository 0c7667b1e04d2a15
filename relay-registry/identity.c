/* SPDX-License-Identifier: ISC */
/*
 * This node's keys, by which it proves who it is: its own, made when its
 * database is, for all that it dials and all that dial it; and one for each
 * Main that it has joined, made for that.
 *
 * The key of a join is in the database before the Main hears of it, and takes
 * the place of the one before when the Main has taken it.  What comes between,
 * this node has both, and tries them in turn.
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
	knocks_init(&t->knocks);
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
	knocks_clear(&t->knocks);
	freezero(t, sizeof(*t));
}

/* --- the database --- */

static bool
read_seed(const char *text, uint8_t seed[AUTH_KEY])
{
	return (b64url_decode(text, strlen(text), seed, AUTH_KEY));
}

static int
write_seed(struct db *db, const char *main_id, const char *joining,
    const uint8_t seed[AUTH_KEY], struct when now)
{
	char text[AUTH_KEY_TEXT];
	int result;

	b64url_encode(seed, AUTH_KEY, text);
	result = db_run(db, DB_IDENTITY_SET, "ttti", main_id, joining, text,
	    now.wall_ms);
	explicit_bzero(text, sizeof(text));
	return (result);
}

/* No key is made anew because it cannot be read. */
static bool
check_all(struct db *db, char *err, size_t size)
{
	uint8_t seed[AUTH_KEY];
	const char *main_id;
	bool ok = true;
	int row;

	row = db_run(db, DB_IDENTITY_LIST, "");
	for (; row == 1 && ok; row = ok ? db_next(db, DB_IDENTITY_LIST) : 0) {
		main_id = db_text(db, DB_IDENTITY_LIST, 0);
		ok = read_seed(db_text(db, DB_IDENTITY_LIST, 1), seed);
		if (!ok)
			snprintf(err, size, "this node's %s%s is damaged: "
			    "restore a backup", main_id[0] == '\0' ?
			    "own key" : "key for ", main_id);
	}
	if (row == -1)
		snprintf(err, size, "database: %s", db_error(db));
	db_done(db, DB_IDENTITY_LIST);
	explicit_bzero(seed, sizeof(seed));
	return (ok && row != -1);
}

bool
identity_load(struct trust *t, struct db *db, struct when now, char *err,
    size_t size)
{
	int row;

	if (!check_all(db, err, size))
		return (false);
	row = db_run(db, DB_IDENTITY_GET, "tt", "", "");
	if (row == 1)
		(void)read_seed(db_text(db, DB_IDENTITY_GET, 0), t->seed);
	db_done(db, DB_IDENTITY_GET);
	if (row == 0) {
		arc4random_buf(t->seed, sizeof(t->seed));
		row = write_seed(db, "", "", t->seed, now);
	}
	if (row == -1) {
		snprintf(err, size, "database: %s", db_error(db));
		return (false);
	}
	auth_public(t->seed, t->public);
	b64url_encode(t->public, sizeof(t->public), t->public_text);
	return (true);
}

/* --- for a Main --- */

uint32_t
identity_count(struct registry *r, const char *main_id)
{
	uint32_t n = 1;

	if (registry_run(r, DB_IDENTITY_COUNT, "t", main_id) == 1)
		n += (uint32_t)db_int(r->db, DB_IDENTITY_COUNT, 0);
	db_done(r->db, DB_IDENTITY_COUNT);
	return (n);
}

bool
identity_turn(struct registry *r, const char *main_id, uint32_t n,
    uint8_t seed[AUTH_KEY])
{
	bool joining = false;

	memcpy(seed, r->trust->seed, AUTH_KEY);
	if (registry_run(r, DB_IDENTITY_TURN, "ti", main_id,
	    (int64_t)n) == 1) {
		joining = db_int(r->db, DB_IDENTITY_TURN, 1) != 0;
		if (!read_seed(db_text(r->db, DB_IDENTITY_TURN, 0), seed))
			r->broken = true;
	}
	db_done(r->db, DB_IDENTITY_TURN);
	return (joining);
}

void
identity_for_join(struct registry *r, const char *main_id,
    const char *joining, uint8_t seed[AUTH_KEY], struct when now)
{
	bool known;

	known = registry_run(r, DB_IDENTITY_GET, "tt", main_id, joining) == 1 &&
	    read_seed(db_text(r->db, DB_IDENTITY_GET, 0), seed);
	db_done(r->db, DB_IDENTITY_GET);
	if (known)
		return;
	arc4random_buf(seed, AUTH_KEY);
	/* The answer that shows it waits until this is on the disk. */
	r->sync = true;
	if (registry_begin(r) && registry_check(r, write_seed(r->db, main_id,
	    joining, seed, now)) == 0)
		registry_run(r, DB_IDENTITY_TRIM, "ti", main_id,
		    (int64_t)LIMIT_UPLINKS);
}

void
identity_in_force(struct registry *r, const char *main_id,
    const uint8_t *seed, struct when now)
{
	if (!registry_begin(r))
		return;
	r->sync = true;		/* before the one-time secret is removed */
	if (seed != NULL)
		(void)registry_check(r, write_seed(r->db, main_id, "", seed,
		    now));
	registry_run(r, DB_IDENTITY_TRIM, "ti", main_id, INT64_C(0));
}

/* --- what is shown --- */

void
registry_each_identity(struct registry *r, void (*each)(void *,
    const char *, const char *), void *arg)
{
	uint8_t seed[AUTH_KEY], public[AUTH_KEY];
	char text[sizeof("ed25519:") + AUTH_KEY_TEXT] = "ed25519:";
	int row;

	row = registry_run(r, DB_IDENTITY_LIST, "");
	for (; row == 1; row = registry_check(r, db_next(r->db,
	    DB_IDENTITY_LIST))) {
		if (db_int(r->db, DB_IDENTITY_LIST, 2) != 0 || !read_seed(
		    db_text(r->db, DB_IDENTITY_LIST, 1), seed))
			continue;
		auth_public(seed, public);
		b64url_encode(public, sizeof(public),
		    text + strlen("ed25519:"));
		each(arg, text, db_text(r->db, DB_IDENTITY_LIST, 0));
	}
	db_done(r->db, DB_IDENTITY_LIST);
	explicit_bzero(seed, sizeof(seed));
}
