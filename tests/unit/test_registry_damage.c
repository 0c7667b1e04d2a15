/* SPDX-License-Identifier: ISC */
/*
 * A database file that is damaged, and what is left of it when the process is
 * killed.
 */
#include <sys/stat.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "relay-registry/registry.h"
#include "tests/unit/db_fixture.h"
#include "tests/unit/kill_fixture.h"
#include "tests/unit/suite.h"

static const struct when	 now = { { 1000 }, 1767323045678 };

static void
overwrite(const char *file, off_t where, const char *with, size_t len)
{
	int fd = open(file, O_WRONLY | O_CREAT, 0600);

	ck_assert_int_ne(fd, -1);
	ck_assert_int_eq(pwrite(fd, with, len, where), (ssize_t)len);
	close(fd);
}

static void
fill(void)
{
	opens();
	(void)on_file("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL"
	    " SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO node SELECT"
	    " printf('node-%08d', i), 1, 1, 1, 1 FROM n;"
	    " PRAGMA wal_checkpoint(TRUNCATE)");
}

START_TEST(damaged_header)
{
	fill();
	overwrite(path, 0, "garbage garbage garbage", 23);
	refused("is damaged");
	ck_assert_msg(strstr(err, "move the file") != NULL, "%s", err);
}
END_TEST

START_TEST(damaged_pages)
{
	static char zero[4096 * 8];

	fill();
	memset(zero, 0x5a, sizeof(zero));
	overwrite(path, 4096 * 8, zero, sizeof(zero));
	refused("is damaged");
	/* It is there for the operator to look at. */
	ck_assert_int_eq(access(path, F_OK), 0);
}
END_TEST

START_TEST(cut_short)
{
	fill();
	ck_assert_int_eq(truncate(path, 4096 * 5 + 17), 0);
	refused("is damaged");
}
END_TEST

START_TEST(not_a_database)
{
	char text[2000];

	memset(text, 'x', sizeof(text));
	overwrite(path, 0, text, sizeof(text));
	refused("is damaged");
}
END_TEST

START_TEST(cannot_be_opened)
{
	ck_assert_int_eq(mkdir(path, 0700), 0);
	refused("cannot be opened");
	ck_assert_int_eq(rmdir(path), 0);
	path[strlen(dir) - 1] = '!';
	refused("cannot be opened");
	snprintf(path, sizeof(path), "%s/registry.db", dir);
}
END_TEST

START_TEST(schema_that_lies)
{
	opens();
	(void)on_file("DROP TABLE label");
	refused("no such table");
}
END_TEST

START_TEST(empty_file)
{
	overwrite(path, 0, "", 0);
	opens();
}
END_TEST

START_TEST(journal_of_garbage)
{
	char wal[128];

	fill();
	snprintf(wal, sizeof(wal), "%s-wal", path);
	overwrite(wal, 0, "not a journal at all", 20);
	opens();
	ck_assert_int_eq(on_file("SELECT count(*) FROM node"), 2000);
}
END_TEST

/* --- killed --- */

/* Register over and over; a byte for each commit. */
static void __attribute__((noreturn))
write_until_killed(int fd)
{
	struct session_request q = { .session = (uint64_t)getpid(),
	    .kind = NODE_HOME, .node = span_str("alice.home"),
	    .boot = span_str(""), .address = span_str(""),
	    .peer = PEER_NONE, .local = true };
	const struct trust_conf trust = { AUTH_LOOPBACK, "", NULL, 0 };
	struct credentials none = { .n = 0 };
	struct service list[8];
	struct registry *r;
	struct reply *reply;
	size_t i;

	r = registry_new(db_open(path, err, sizeof(err)), 100, now, err,
	    sizeof(err));
	registry_configure(r, ROLE_MAIN, "main.example", now);
	registry_configure_trust(r, 1, &trust, &none, now);
	registry_open(r, &q, now);
	for (i = 0; i < 8; i++) {
		service_init(&list[i]);
		snprintf(list[i].name, sizeof(list[i].name), "s%zu", i);
	}
	for (i = 0;; i++) {
		snprintf(list[0].version, sizeof(list[0].version), "%zu.0.0",
		    i);
		registry_register(r, q.session, i, list, 8, now);
		(void)registry_commit(r, now);
		while ((reply = registry_reply(r)) != NULL)
			reply_free(reply);
		if (write(fd, "", 1) != 1)
			_exit(1);
	}
}

START_TEST(killed_at_any_time)
{
	int n;

	for (n = 1; n <= 10; n++) {
		kill_writer(write_until_killed, n + 1);
		/* A whole set each time, and the next start goes through. */
		ck_assert_int_eq(on_file("SELECT count(*) FROM service"), 8);
		ck_assert_int_eq(on_file("SELECT count(*) FROM "
		    "pragma_integrity_check WHERE integrity_check <> 'ok'"),
		    0);
		opens();
	}
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("registry damage");

	tcase_add_checked_fixture(tc, db_setup, db_teardown);
	tcase_add_test(tc, damaged_header);
	tcase_add_test(tc, damaged_pages);
	tcase_add_test(tc, cut_short);
	tcase_add_test(tc, not_a_database);
	tcase_add_test(tc, cannot_be_opened);
	tcase_add_test(tc, schema_that_lies);
	tcase_add_test(tc, empty_file);
	tcase_add_test(tc, journal_of_garbage);
	tcase_add_test(tc, killed_at_any_time);
	return (suite_run("registry damage", tc));
}
