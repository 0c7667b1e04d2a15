/* SPDX-License-Identifier: ISC */
/*
 * What is on the disk: that which an operator was told is done, whatever
 * happens to the power; and no secret that is used, expired or revoked.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "common/ctl.h"
#include "tests/unit/registry_auth_fixture.h"
#include "tests/unit/suite.h"

/* --- what was written and is not synced --- */

/* Of the database, and of its journal. */
static struct watch {
	const sqlite3_io_methods *real;
	sqlite3_io_methods	 methods;
	bool			 dirty;
} watches[2];

static sqlite3_vfs	 watching, *plain;

static struct watch *
watch_of(sqlite3_file *f)
{
	return (&watches[f->pMethods == &watches[1].methods]);
}

static int
on_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at_byte)
{
	struct watch *w = watch_of(f);

	w->dirty = true;
	return (w->real->xWrite(f, p, n, at_byte));
}

static int
on_sync(sqlite3_file *f, int flags)
{
	struct watch *w = watch_of(f);

	w->dirty = false;
	return (w->real->xSync(f, flags));
}

static int
on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags,
    int *out)
{
	struct watch *w = &watches[(flags & SQLITE_OPEN_WAL) != 0];
	int rc = plain->xOpen(plain, name, f, flags, out);

	(void)vfs;
	if (rc != SQLITE_OK || (flags & (SQLITE_OPEN_WAL |
	    SQLITE_OPEN_MAIN_DB)) == 0)
		return (rc);
	w->real = f->pMethods;
	w->methods = *f->pMethods;
	w->methods.iVersion = 2;	/* nothing is mapped */
	w->methods.xWrite = on_write;
	w->methods.xSync = on_sync;
	f->pMethods = &w->methods;
	return (rc);
}

static bool
is_on_disk(void)
{
	return (!watches[0].dirty && !watches[1].dirty);
}

static void
setup(void)
{
	plain = sqlite3_vfs_find(NULL);
	watching = *plain;
	watching.zName = "watching";
	watching.xOpen = on_open;
	ck_assert_int_eq(sqlite3_vfs_register(&watching, 1), SQLITE_OK);
	main_setup();
}

/* A backup that takes its time. */
static sqlite3 *
reader(void)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(fx_path(), &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "BEGIN; SELECT count(*) FROM node",
	    NULL, NULL, NULL), SQLITE_OK);
	return (db);
}

/* --- what may be asked for --- */

static void
node_op(uint8_t op, const char *id, uint32_t expires_s)
{
	const struct node_request q = { .op = op, .node = span_str(id),
	    .url = span_str(""), .pin = span_str(""),
	    .expires_s = expires_s };

	registry_ctl_node(r, 9, &q, fx_now());
}

static void
enroll(const char *id, uint32_t expires_s)
{
	node_op(CTL_NODE_ENROLL, id, expires_s);
	fx_settle(r);
}

static void
peer(uint8_t op)
{
	const struct peer_request q = { .op = (enum peer_op)op,
	    .name = span_str("ws://127.0.0.1:81"), .node = span_str(""),
	    .persist = true };

	registry_ctl_peer(r, 9, &q, fx_now());
}

static void
token(uint8_t op)
{
	registry_ctl_token(r, 9, op, span_str("app"), fx_now());
}

static void
node(uint8_t op)
{
	node_op(op, "alice.home", 0);
}

static const struct {
	void	(*give)(uint8_t);
	uint8_t	 op;
} orders[] = {
	{ token, CTL_TOKEN_CREATE },
	{ token, CTL_TOKEN_REVOKE },
	{ peer, PEER_OP_ADD },
	{ peer, PEER_OP_DELETE },
	{ node, CTL_NODE_ENROLL },
	{ node, CTL_NODE_ROTATE },
	{ node, CTL_NODE_TOKEN },
	{ node, CTL_NODE_DISABLE },
	{ node, CTL_NODE_ENABLE },
	{ node, CTL_NODE_REVOKE },
};

/* --- it is durable when it is said to be done --- */

static void
each_order(void)
{
	const struct reply *end;
	size_t i;

	for (i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		/* Something else that is not, so that it tells. */
		fx_open(r, 100 + i, "bob.home", "", "x", (int64_t)i * 60000);
		ck_assert(registry_commit(r, fx_now()));
		ck_assert(!is_on_disk());
		orders[i].give(orders[i].op);
		ck_assert(registry_commit(r, fx_now()));
		ck_assert_msg(is_on_disk(), "order %zu", i);
		while ((end = registry_reply(r)) != NULL &&
		    end->type != MSG_CTL_END)
			reply_free((struct reply *)end);
		ck_assert_ptr_nonnull(end);
		ck_assert_msg(end->status == CTL_OK, "order %zu: %s", i,
		    end->body);
		reply_free((struct reply *)end);
		fx_settle(r);
	}
}

START_TEST(orders_are_on_disk)
{
	fx_trust(r, AUTH_OPEN, NULL, 0);
	each_order();
}
END_TEST

START_TEST(orders_are_on_disk_while_it_is_read)
{
	sqlite3 *db = reader();

	fx_trust(r, AUTH_OPEN, NULL, 0);
	each_order();
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}
END_TEST

/* Its public half is told at once, and joined by. */
START_TEST(a_new_identity_is_on_disk)
{
	char err[256] = "";
	struct registry *new;
	struct db *db;

	ck_assert_ptr_nonnull(db = db_open(fx_path(), err, sizeof(err)));
	fx_sql("DELETE FROM identity");
	watches[1].dirty = true;
	new = registry_new(db, 100, fx_now(), err, sizeof(err));
	ck_assert_msg(new != NULL, "%s", err);
	ck_assert(is_on_disk());
	registry_free(new);
}
END_TEST

/* --- secrets that are over --- */

static bool
file_has(const char *path, const char *text)
{
	FILE *f = fopen(path, "r");
	bool found = false;
	char *buf;
	long size;

	if (f == NULL)
		return (false);
	ck_assert_int_eq(fseek(f, 0, SEEK_END), 0);
	ck_assert_int_ge(size = ftell(f), 0);
	rewind(f);
	ck_assert_ptr_nonnull(buf = malloc((size_t)size + 1));
	ck_assert_uint_eq(fread(buf, 1, (size_t)size, f), (size_t)size);
	found = memmem(buf, (size_t)size, text, strlen(text)) != NULL;
	free(buf);
	fclose(f);
	return (found);
}

static bool
is_somewhere(const char *text)
{
	char wal[128];

	ck_assert_uint_gt(strlen(text), 20);
	snprintf(wal, sizeof(wal), "%s-wal", fx_path());
	return (file_has(fx_path(), text) || file_has(wal, text));
}

/* The one-time secret of a node, as text; until the next call. */
static const char *
secret_of(const char *id)
{
	static char text[64];
	sqlite3_stmt *st;
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(fx_path(), &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_prepare_v2(db, "SELECT value FROM credential"
	    " WHERE method = 5 AND node = ?1", -1, &st, NULL), SQLITE_OK);
	sqlite3_bind_text(st, 1, id, -1, SQLITE_STATIC);
	ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
	strlcpy(text, (const char *)sqlite3_column_text(st, 0), sizeof(text));
	sqlite3_finalize(st);
	sqlite3_close(db);
	ck_assert(is_somewhere(text));
	return (text);
}

START_TEST(used)
{
	uint8_t secret[AUTH_KEY];
	const char *text;
	struct client c;

	enroll("alice.home", 0);
	text = secret_of("alice.home");
	ck_assert(b64url_decode(text, strlen(text), secret, sizeof(secret)));
	c = challenged("alice.home", 1, 0);
	c.method = AUTH_BY_JOIN;
	c.secret = (struct span){ (const char *)secret, sizeof(secret) };
	ask(1001, "alice.home", header(&c), 1);
	is_accepted(1001);
	ck_assert(!is_somewhere(text));
	ck_assert(is_somewhere(c.key));
}
END_TEST

/* Without anything that happens but time. */
START_TEST(expired)
{
	const char *text;

	enroll("alice.home", 60);
	text = secret_of("alice.home");
	registry_tick(r, at(59000));
	ck_assert(is_somewhere(text));
	registry_tick(r, at(60000 + 60000));
	ck_assert(!is_somewhere(text));
}
END_TEST

START_TEST(revoked_and_replaced)
{
	char text[64];

	enroll("alice.home", 0);
	strlcpy(text, secret_of("alice.home"), sizeof(text));
	enroll("alice.home", 0);
	ck_assert(!is_somewhere(text));
	strlcpy(text, secret_of("alice.home"), sizeof(text));
	node(CTL_NODE_REVOKE);
	fx_settle(r);
	ck_assert(!is_somewhere(text));
}
END_TEST

#define MANY	300

/* Pages that fill, split and are given back. */
START_TEST(many)
{
	static char text[MANY][64];
	char id[32];
	int i;

	for (i = 0; i < MANY; i++) {
		snprintf(id, sizeof(id), "n%d.home", i * 7919 % MANY);
		enroll(id, 60 + 60 * (unsigned int)(i % 2));
		strlcpy(text[i], secret_of(id), sizeof(text[i]));
	}
	registry_tick(r, at(70000));
	for (i = 0; i < MANY; i++)
		ck_assert_msg(is_somewhere(text[i]) == (i % 2 != 0), "%d", i);
	registry_tick(r, at(140000));
	for (i = 0; i < MANY; i++)
		ck_assert_msg(!is_somewhere(text[i]), "%d", i);
}
END_TEST

/* Somebody reads what was; then it goes. */
START_TEST(while_it_is_read)
{
	const char *text;
	sqlite3 *db;

	enroll("alice.home", 0);
	text = secret_of("alice.home");
	db = reader();
	node(CTL_NODE_REVOKE);
	fx_settle(r);
	ck_assert(is_somewhere(text));
	registry_tick(r, at(1000));
	ck_assert(is_somewhere(text));
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	registry_tick(r, at(2000));
	ck_assert(!is_somewhere(text));
}
END_TEST

/* The private keys of joins of which another has come into force. */
START_TEST(seeds)
{
	uint8_t seed[4][AUTH_KEY];
	char text[4][AUTH_KEY_TEXT], joining[16];
	int i;

	for (i = 0; i < 4; i++) {
		snprintf(joining, sizeof(joining), "j%d", i);
		identity_for_join(r, "main.one", joining, seed[i], at(i));
		ck_assert(registry_commit(r, fx_now()));
		b64url_encode(seed[i], AUTH_KEY, text[i]);
		ck_assert(is_somewhere(text[i]));
	}
	identity_in_force(r, "main.one", seed[2], at(5));
	ck_assert(registry_commit(r, fx_now()));
	for (i = 0; i < 4; i++)
		ck_assert(is_somewhere(text[i]) == (i == 2));
	/* And that one when it is replaced. */
	identity_for_join(r, "main.one", "j9", seed[0], at(6));
	identity_in_force(r, "main.one", seed[0], at(6));
	ck_assert(registry_commit(r, fx_now()));
	ck_assert(!is_somewhere(text[2]));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("secrets");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, orders_are_on_disk);
	tcase_add_test(tc, orders_are_on_disk_while_it_is_read);
	tcase_add_test(tc, a_new_identity_is_on_disk);
	tcase_add_test(tc, used);
	tcase_add_test(tc, expired);
	tcase_add_test(tc, revoked_and_replaced);
	tcase_add_test(tc, many);
	tcase_add_test(tc, while_it_is_read);
	tcase_add_test(tc, seeds);
	return (suite_run("registry secrets", tc));
}
