/* SPDX-License-Identifier: ISC */
/* See db_fixture.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/db_fixture.h"
#include "tests/unit/suite.h"

char	 dir[64], path[96], err[512];
sqlite3	*sql;

void
db_setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/test_registry_db.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/registry.db", dir);
	ck_assert_int_eq(sqlite3_open(":memory:", &sql), SQLITE_OK);
}

void
db_teardown(void)
{
	const char *const ends[] = { "", "-wal", "-shm" };
	char name[128];
	size_t i;

	sqlite3_close(sql);
	for (i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		(void)unlink(name);
	}
	ck_assert_int_eq(rmdir(dir), 0);
}

int64_t
on_file(const char *text)
{
	int64_t result = -1;
	sqlite3_stmt *st;
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	for (; *text != '\0'; sqlite3_finalize(st)) {
		ck_assert_msg(sqlite3_prepare_v2(db, text, -1, &st, &text) ==
		    SQLITE_OK, "%s", sqlite3_errmsg(db));
		if (st != NULL && sqlite3_step(st) == SQLITE_ROW)
			result = sqlite3_column_int64(st, 0);
	}
	ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
	return (result);
}

void
refused(const char *why)
{
	struct db *db = db_open(path, err, sizeof(err));

	ck_assert_msg(db == NULL, "it was opened");
	ck_assert_msg(strstr(err, why) != NULL, "%s", err);
}

void
opens(void)
{
	struct db *db = db_open(path, err, sizeof(err));

	ck_assert_msg(db != NULL, "%s", err);
	db_close(db);
}
