/* SPDX-License-Identifier: ISC */
/* See db.h. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "relay-registry/db.h"

/* PRAGMA application_id: "RLYR", so that a file of another program is seen. */
#define APPLICATION_ID	0x524c5952

#define PAGE		4096U	/* bytes, SQLite's default */

enum role { READ, WRITE };

static const struct {
	const char	*name;
	enum role	 role;
	const char	*sql;
} statements[DB_STMT_MAX] = {
#define STMT(name, role, sql) [DB_##name] = { #name, role, sql },
#include "relay-registry/sql.def"
#undef STMT
};

struct db {
	sqlite3		*sql;
	sqlite3_stmt	*stmt[DB_STMT_MAX];
	uint64_t	 commits;
	bool		 unclean;	/* the journal has what was deleted */
	char		 error[256];
};

static bool
damaged(const char *how, char *err, size_t size)
{
	snprintf(err, size, "is damaged (%s): restore a backup, or move the "
	    "file and its -wal away to start empty", how);
	return (false);
}

static bool
fail(sqlite3 *sql, const char *what, char *err, size_t size)
{
	int code = sqlite3_errcode(sql) & 0xff;

	if (code == SQLITE_CORRUPT || code == SQLITE_NOTADB)
		return (damaged(sqlite3_errmsg(sql), err, size));
	snprintf(err, size, "%s: %s", what, sqlite3_errmsg(sql));
	return (false);
}

static bool
execute(sqlite3 *sql, const char *text, char *err, size_t size)
{
	if (sqlite3_exec(sql, text, NULL, NULL, NULL) != SQLITE_OK)
		return (fail(sql, text, err, size));
	return (true);
}

/* First column of the first row of a pragma, as text and number. */
static bool
pragma(sqlite3 *sql, const char *text, char *value, size_t value_size,
    char *err, size_t size)
{
	sqlite3_stmt *st;
	const unsigned char *s;
	bool ok;

	if (sqlite3_prepare_v2(sql, text, -1, &st, NULL) != SQLITE_OK)
		return (fail(sql, text, err, size));
	ok = sqlite3_step(st) == SQLITE_ROW;
	if (ok) {
		s = sqlite3_column_text(st, 0);
		snprintf(value, value_size, "%s",
		    s == NULL ? "" : (const char *)s);
	} else
		fail(sql, text, err, size);
	sqlite3_finalize(st);
	return (ok);
}

static bool
pragma_int(sqlite3 *sql, const char *text, long *value, char *err, size_t size)
{
	char buf[32];

	if (!pragma(sql, text, buf, sizeof(buf), err, size))
		return (false);
	*value = strtol(buf, NULL, 10);
	return (true);
}

bool
db_check(sqlite3 *sql, int known, char *err, size_t size)
{
	char result[160];
	long version, app, tables;

	if (!pragma_int(sql, "PRAGMA user_version", &version, err, size) ||
	    !pragma_int(sql, "PRAGMA application_id", &app, err, size) ||
	    !pragma_int(sql, "SELECT count(*) FROM sqlite_schema", &tables,
	    err, size))
		return (false);
	if (app != APPLICATION_ID && (app != 0 || version != 0 ||
	    tables != 0)) {
		snprintf(err, size, "is not a registry of relayd");
		return (false);
	}
	if (version > known) {
		snprintf(err, size, "has version %ld, this relayd knows up to "
		    "%d: a newer relayd wrote it; run that one, or restore "
		    "the backup made before it", version, known);
		return (false);
	}
	if (!pragma(sql, "PRAGMA quick_check(1)", result, sizeof(result), err,
	    size))
		return (false);
	return (strcmp(result, "ok") == 0 || damaged(result, err, size));
}

static bool
migrate_step(sqlite3 *sql, int to, const struct db_step *step, char *err,
    size_t size)
{
	char version[96], why[192];

	snprintf(version, sizeof(version),
	    "PRAGMA application_id = %d; PRAGMA user_version = %d",
	    APPLICATION_ID, to);
	if (sqlite3_exec(sql, "BEGIN IMMEDIATE", NULL, NULL, NULL) ==
	    SQLITE_OK &&
	    sqlite3_exec(sql, step->sql, NULL, NULL, NULL) == SQLITE_OK &&
	    sqlite3_exec(sql, version, NULL, NULL, NULL) == SQLITE_OK &&
	    sqlite3_exec(sql, "COMMIT", NULL, NULL, NULL) == SQLITE_OK)
		return (true);
	snprintf(why, sizeof(why), "%s", sqlite3_errmsg(sql));
	if (!sqlite3_get_autocommit(sql))
		sqlite3_exec(sql, "ROLLBACK", NULL, NULL, NULL);
	snprintf(err, size, "migration %d (%s): %s", to, step->name, why);
	return (false);
}

static int
count_steps(const struct db_step *steps)
{
	int n = 0;

	while (steps[n].name != NULL)
		n++;
	return (n);
}

bool
db_migrate(sqlite3 *sql, const struct db_step *steps, char *err, size_t size)
{
	long version;
	int i, n = count_steps(steps);

	if (!pragma_int(sql, "PRAGMA user_version", &version, err, size))
		return (false);
	for (i = (int)version; i < n; i++)
		if (!migrate_step(sql, i + 1, &steps[i], err, size))
			return (false);
	return (true);
}

/*
 * What every connection gets before it looks at the file.  What is deleted is
 * overwritten, for there are secrets in it.
 */
static bool
settings(sqlite3 *sql, char *err, size_t size)
{
	sqlite3_busy_timeout(sql, LIMIT_DATABASE_BUSY_MS);
	sqlite3_db_config(sql, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(sql, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	return (execute(sql, "PRAGMA foreign_keys = ON", err, size) &&
	    execute(sql, "PRAGMA secure_delete = ON", err, size) &&
	    execute(sql, "PRAGMA temp_store = MEMORY", err, size));
}

/*
 * WAL with synchronous = NORMAL: a commit is a write without a sync, so a
 * power cut may lose the last transactions but never leaves half of one.
 */
static bool
journal(sqlite3 *sql, bool memory, char *err, size_t size)
{
	char mode[32], text[160];

	if (!pragma(sql, "PRAGMA journal_mode = WAL", mode, sizeof(mode), err,
	    size))
		return (false);
	if (!memory && strcmp(mode, "wal") != 0) {
		snprintf(err, size, "journal mode is %s, not wal", mode);
		return (false);
	}
	snprintf(text, sizeof(text), "PRAGMA journal_size_limit = %u; "
	    "PRAGMA wal_autocheckpoint = %u; PRAGMA max_page_count = %u",
	    LIMIT_DATABASE_WAL, LIMIT_DATABASE_WAL / PAGE,
	    LIMIT_DATABASE / PAGE);
	return (execute(sql, text, err, size) &&
	    execute(sql, "PRAGMA synchronous = NORMAL", err, size));
}

static bool
prepare_all(struct db *db, char *err, size_t size)
{
	int i;

	for (i = 0; i < DB_STMT_MAX; i++) {
		if (sqlite3_prepare_v3(db->sql, statements[i].sql, -1,
		    SQLITE_PREPARE_PERSISTENT, &db->stmt[i], NULL) !=
		    SQLITE_OK)
			return (fail(db->sql, statements[i].name, err, size));
		if ((sqlite3_stmt_readonly(db->stmt[i]) != 0) !=
		    (statements[i].role == READ)) {
			snprintf(err, size, "statement %s is not of its role",
			    statements[i].name);
			return (false);
		}
	}
	return (true);
}

struct db *
db_open(const char *path, char *err, size_t size)
{
	struct db *db;
	bool memory = strcmp(path, ":memory:") == 0;

	if ((db = calloc(1, sizeof(*db))) == NULL) {
		snprintf(err, size, "out of memory");
		return (NULL);
	}
	if (sqlite3_open_v2(path, &db->sql, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		fail(db->sql, "cannot be opened", err, size);
	} else if (settings(db->sql, err, size) &&
	    db_check(db->sql, count_steps(db_steps), err, size) &&
	    journal(db->sql, memory, err, size) &&
	    db_migrate(db->sql, db_steps, err, size) &&
	    prepare_all(db, err, size))
		return (db);
	db_close(db);
	return (NULL);
}

void
db_close(struct db *db)
{
	int i;

	if (db == NULL)
		return;
	for (i = 0; i < DB_STMT_MAX; i++)
		sqlite3_finalize(db->stmt[i]);
	sqlite3_close(db->sql);
	free(db);
}

/* Keep the text of an error: a rollback would overwrite it. */
static int
failed(struct db *db, enum db_stmt id)
{
	snprintf(db->error, sizeof(db->error), "%s: %s", statements[id].name,
	    sqlite3_errmsg(db->sql));
	sqlite3_reset(db->stmt[id]);
	return (-1);
}

static int
step(struct db *db, enum db_stmt id)
{
	switch (sqlite3_step(db->stmt[id])) {
	case SQLITE_ROW:
		return (1);
	case SQLITE_DONE:
		sqlite3_reset(db->stmt[id]);
		return (0);
	default:
		return (failed(db, id));
	}
}

int
db_run(struct db *db, enum db_stmt id, const char *fmt, ...)
{
	sqlite3_stmt *st = db->stmt[id];
	va_list ap;
	int i, rc = SQLITE_OK;

	sqlite3_reset(st);
	va_start(ap, fmt);
	for (i = 1; *fmt != '\0' && rc == SQLITE_OK; fmt++, i++) {
		if (*fmt == 'i')
			rc = sqlite3_bind_int64(st, i, va_arg(ap, int64_t));
		else
			rc = sqlite3_bind_text(st, i, va_arg(ap, const char *),
			    -1, SQLITE_STATIC);
	}
	va_end(ap);
	return (rc == SQLITE_OK ? step(db, id) : failed(db, id));
}

int
db_next(struct db *db, enum db_stmt id)
{
	return (step(db, id));
}

void
db_done(struct db *db, enum db_stmt id)
{
	sqlite3_reset(db->stmt[id]);
}

int64_t
db_int(struct db *db, enum db_stmt id, int column)
{
	return (sqlite3_column_int64(db->stmt[id], column));
}

const char *
db_text(struct db *db, enum db_stmt id, int column)
{
	const unsigned char *s = sqlite3_column_text(db->stmt[id], column);

	return (s == NULL ? "" : (const char *)s);
}

bool
db_in_transaction(const struct db *db)
{
	return (sqlite3_get_autocommit(db->sql) == 0);
}

bool
db_begin(struct db *db)
{
	return (db_in_transaction(db) || db_run(db, DB_BEGIN, "") == 0);
}

bool
db_commit(struct db *db)
{
	if (!db_in_transaction(db))
		return (true);
	if (db_run(db, DB_COMMIT, "") == 0) {
		db->commits++;
		return (true);
	}
	db_rollback(db);
	return (false);
}

/*
 * Fold the whole journal into the file and empty it: what was deleted is then
 * in neither.  Who reads the file, a backup, is not waited for.
 */
static bool
empty_journal(struct db *db)
{
	int rc;

	sqlite3_busy_timeout(db->sql, 0);
	rc = sqlite3_wal_checkpoint_v2(db->sql, NULL,
	    SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
	sqlite3_busy_timeout(db->sql, LIMIT_DATABASE_BUSY_MS);
	return (rc == SQLITE_OK);
}

/* A transaction that is synced syncs all of the journal that is before it. */
static bool
sync_journal(struct db *db)
{
	char err[sizeof(db->error)];
	bool ok;

	ok = execute(db->sql, "PRAGMA synchronous = FULL", err, sizeof(err)) &&
	    execute(db->sql, "BEGIN IMMEDIATE; "
	    "INSERT OR REPLACE INTO audit_head VALUES (0, 0, '', 0, ''); "
	    "DELETE FROM audit_head WHERE chain = 0; COMMIT", err,
	    sizeof(err));
	if (!ok) {
		snprintf(db->error, sizeof(db->error), "%s", err);
		db_rollback(db);
	}
	return (execute(db->sql, "PRAGMA synchronous = NORMAL", err,
	    sizeof(err)) && ok);
}

bool
db_sync(struct db *db)
{
	db->unclean = !empty_journal(db);
	return (!db->unclean || sync_journal(db));
}

void
db_clean(struct db *db)
{
	if (db->unclean)
		db->unclean = !empty_journal(db);
}

int
db_changes(struct db *db)
{
	return (sqlite3_changes(db->sql));
}

void
db_rollback(struct db *db)
{
	int i;

	/* A statement in the middle of its rows would hold it up. */
	for (i = 0; i < DB_STMT_MAX; i++)
		sqlite3_reset(db->stmt[i]);
	if (db_in_transaction(db))
		sqlite3_step(db->stmt[DB_ROLLBACK]);
	sqlite3_reset(db->stmt[DB_ROLLBACK]);
}

int64_t
db_last_id(struct db *db)
{
	return (sqlite3_last_insert_rowid(db->sql));
}

const char *
db_error(struct db *db)
{
	return (db->error);
}

uint64_t
db_commits(const struct db *db)
{
	return (db->commits);
}
