/* SPDX-License-Identifier: ISC */
/* The database file: migrations from each version, and what is refused. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "relay-registry/registry.h"
#include "tests/unit/db_fixture.h"
#include "tests/unit/suite.h"

#define SCHEMA_VERSION	3		/* what this program writes */

static const struct when	 now = { { 1000 }, 1767323045678 };

static void
load_fixture(const char *name)
{
	static char text[16384];
	char file[512];
	ssize_t n;
	int fd;

	snprintf(file, sizeof(file), "%s/%s", TEST_DIR, name);
	ck_assert_msg((fd = open(file, O_RDONLY)) != -1, "%s", file);
	n = read(fd, text, sizeof(text) - 1);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	close(fd);
	(void)on_file(text);
}

START_TEST(from_nothing)
{
	opens();
	ck_assert_int_eq(on_file("PRAGMA user_version"), SCHEMA_VERSION);
	ck_assert_int_eq(on_file("SELECT count(*) FROM sqlite_master"
	    " WHERE type = 'table'"), 13);
	opens();
}
END_TEST

START_TEST(from_version_1)
{
	struct registry *r;
	struct db *db;

	load_fixture("registry-v1.sql");
	db = db_open(path, err, sizeof(err));
	ck_assert_msg(db != NULL, "%s", err);
	ck_assert_int_eq(on_file("PRAGMA user_version"), SCHEMA_VERSION);
	ck_assert_int_eq(on_file("SELECT count(*) FROM node"), 3);
	ck_assert_int_eq(on_file("SELECT epoch FROM node"
	    " WHERE id = 'alice.home'"), 7);
	ck_assert_int_eq(on_file("SELECT timeout_ms FROM method"
	    " WHERE name = 'list'"), 2000);
	ck_assert_int_eq(on_file("SELECT (SELECT count(*) FROM peer) +"
	    " (SELECT count(*) FROM token)"), 0);
	r = registry_new(db, 100, now, err, sizeof(err));
	ck_assert_msg(r != NULL, "%s", err);
	registry_configure(r, ROLE_MAIN, "main.example", now);
	ck_assert_int_eq(on_file("SELECT closed FROM session"
	    " WHERE id = 1001"), now.wall_ms);
	ck_assert_int_eq(on_file("SELECT closed FROM session"
	    " WHERE id = 1000"), 1767000003000);
	ck_assert_int_eq(on_file("SELECT count(*) FROM service"), 0);
	registry_free(r);
}
END_TEST

#define SCHEMA_TEXT							\
	"SELECT sum(length(replace(sql, ' ', ''))) FROM sqlite_master"

/* The first n steps of this program, on a file that is not there. */
static void
make_version(size_t n)
{
	struct db_step steps[8] = { { NULL, NULL } };
	sqlite3 *db;

	ck_assert_uint_lt(n, sizeof(steps) / sizeof(steps[0]));
	memcpy(steps, db_steps, n * sizeof(steps[0]));
	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert(db_migrate(db, steps, err, sizeof(err)));
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

/* The fixture of a version is the schema that its steps make. */
START_TEST(fixtures_are_true)
{
	static const char *const fixtures[] = { "registry-v1.sql",
	    "registry-v2.sql" };
	int64_t a;

	load_fixture(fixtures[_i]);
	ck_assert_int_eq(on_file("PRAGMA user_version"), _i + 1);
	a = on_file(SCHEMA_TEXT);
	ck_assert_int_eq(unlink(path), 0);
	make_version((size_t)_i + 1);
	ck_assert_int_eq(on_file(SCHEMA_TEXT), a);
}
END_TEST

/* What was added to stay is there after a start, and so are the tokens. */
START_TEST(from_version_2)
{
	struct reply *reply;
	struct registry *r;
	struct db *db;

	load_fixture("registry-v2.sql");
	db = db_open(path, err, sizeof(err));
	ck_assert_msg(db != NULL, "%s", err);
	ck_assert_int_eq(on_file("SELECT count(*) FROM token"), 1);
	r = registry_new(db, 100, now, err, sizeof(err));
	ck_assert_msg(r != NULL, "%s", err);
	registry_configure(r, ROLE_MAIN, "main.example", now);
	registry_configure_peers(r, 1, NULL, 0, now);
	reply = registry_reply(r);
	ck_assert_ptr_nonnull(reply);
	ck_assert_int_eq(reply->type, MSG_PEER_ADD);
	ck_assert_str_eq(reply->peer->host, "relay-b.example.com");
	ck_assert_uint_eq(reply->peer->port, 8081);
	ck_assert_str_eq(reply->peer->path, "/ws/peers");
	ck_assert_str_eq(reply->node, "relay-b.example.com");
	ck_assert(reply->peer->insecure && reply->peer->persist);
	ck_assert(!reply->peer->tls);
	ck_assert_int_eq(on_file("SELECT count(*) FROM token"
	    " WHERE name = 'admin'"), 1);
	ck_assert_int_eq(on_file("SELECT count(*) FROM session"
	    " WHERE credential = ''"), 4);
	ck_assert_int_eq(on_file("SELECT count(*) FROM identity"), 1);
	reply_free(reply);
	ck_assert_ptr_null(registry_reply(r));
	registry_free(r);
}
END_TEST

/* A key of this node is not made anew when it cannot be read. */
START_TEST(damaged_key)
{
	static const char *const bad[][2] = {
		{ "INSERT INTO identity VALUES ('', '', 'short', 1)",
		  "own key is damaged" },
		{ "INSERT INTO identity VALUES ('a.main', '', 'short', 1)",
		  "key for a.main is damaged" },
		{ "INSERT INTO identity VALUES ('a.main', 'x', 'short', 1)",
		  "key for a.main is damaged" },
	};
	struct db *db;

	opens();
	(void)on_file(bad[_i][0]);
	db = db_open(path, err, sizeof(err));
	ck_assert_ptr_nonnull(db);
	ck_assert_ptr_null(registry_new(db, 100, now, err, sizeof(err)));
	ck_assert_ptr_nonnull(strstr(err, bad[_i][1]));
	db_close(db);
	ck_assert_int_eq(on_file("SELECT count(*) FROM identity"
	    " WHERE seed = 'short'"), 1);
}
END_TEST

START_TEST(newer_version)
{
	opens();
	(void)on_file("PRAGMA user_version = 4");
	refused("a newer relayd wrote it");
	(void)on_file("PRAGMA user_version = 2147483647");
	refused("a newer relayd wrote it");
	/* It was only looked at. */
	ck_assert_int_eq(on_file("PRAGMA user_version"), 2147483647);
	(void)on_file("PRAGMA user_version = 3");
	opens();
}
END_TEST

START_TEST(of_another_program)
{
	(void)on_file("CREATE TABLE bookmarks (url TEXT)");
	refused("is not a registry of relayd");
	(void)on_file("DROP TABLE bookmarks; PRAGMA application_id = 5");
	refused("is not a registry of relayd");
	(void)on_file("PRAGMA application_id = 0; PRAGMA user_version = 1");
	refused("is not a registry of relayd");
	ck_assert_int_eq(on_file("SELECT count(*) FROM sqlite_master"), 0);
}
END_TEST

/* --- the machine of the steps --- */

static const struct db_step good_steps[] = {
	{ "one", "CREATE TABLE a (x)" },
	{ "two", "ALTER TABLE a ADD COLUMN y; INSERT INTO a VALUES (1, 2)" },
	{ "three", "CREATE TABLE b (z)" },
	{ NULL, NULL }
};

static const struct db_step bad_steps[] = {
	{ "one", "CREATE TABLE a (x)" },
	{ "halfway", "INSERT INTO a VALUES (1); CREATE TABLE b (z);"
	    " INSERT INTO nowhere VALUES (1)" },
	{ "three", "CREATE TABLE c (z)" },
	{ NULL, NULL }
};

static int
memory_number(const char *text)
{
	sqlite3_stmt *st;
	int n;

	ck_assert_msg(sqlite3_prepare_v2(sql, text, -1, &st, NULL) ==
	    SQLITE_OK, "%s", sqlite3_errmsg(sql));
	ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return (n);
}

START_TEST(steps_in_order)
{
	const struct db_step first[] = { good_steps[0], { NULL, NULL } };

	ck_assert(db_migrate(sql, first, err, sizeof(err)));
	ck_assert_int_eq(memory_number("PRAGMA user_version"), 1);
	ck_assert(db_migrate(sql, good_steps, err, sizeof(err)));
	ck_assert_int_eq(memory_number("PRAGMA user_version"), 3);
	ck_assert_int_eq(memory_number("SELECT y FROM a"), 2);
	/* Again: nothing is left to do. */
	ck_assert(db_migrate(sql, good_steps, err, sizeof(err)));
	ck_assert_int_eq(memory_number("SELECT count(*) FROM a"), 1);
}
END_TEST

START_TEST(step_that_fails)
{
	ck_assert(!db_migrate(sql, bad_steps, err, sizeof(err)));
	ck_assert_msg(strstr(err, "migration 2 (halfway)") != NULL, "%s", err);
	ck_assert_msg(strstr(err, "nowhere") != NULL, "%s", err);
	/* The step before it stays, of it nothing does. */
	ck_assert_int_eq(memory_number("PRAGMA user_version"), 1);
	ck_assert_int_eq(memory_number("SELECT count(*) FROM a"), 0);
	ck_assert_int_eq(memory_number("SELECT count(*) FROM sqlite_master"),
	    1);
	ck_assert(sqlite3_get_autocommit(sql) != 0);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("registry database");

	tcase_add_checked_fixture(tc, db_setup, db_teardown);
	tcase_add_test(tc, from_nothing);
	tcase_add_test(tc, from_version_1);
	tcase_add_test(tc, from_version_2);
	tcase_add_loop_test(tc, fixtures_are_true, 0, SCHEMA_VERSION - 1);
	tcase_add_loop_test(tc, damaged_key, 0, 3);
	tcase_add_test(tc, newer_version);
	tcase_add_test(tc, of_another_program);
	tcase_add_test(tc, steps_in_order);
	tcase_add_test(tc, step_that_fails);
	return (suite_run("registry database", tc));
}
