/* SPDX-License-Identifier: ISC */
/*
 * The registry's database: one SQLite file in WAL mode, opened by one
 * process.  Statements come from sql.def only and are prepared once.
 *
 * A file that is damaged, belongs to somebody else or was written by a newer
 * relayd is refused, never moved aside or emptied: what it holds is whom this
 * node trusts, SQLite's journal keeps it whole over a kill or a power cut, so
 * damage means a failing disk or a stray hand, and that is for the operator
 * to see.  The reason says what to do.
 */
#ifndef RELAY_REGISTRY_DB_H
#define RELAY_REGISTRY_DB_H

#include <sqlite3.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum db_stmt {
#define STMT(name, role, sql) DB_##name,
#include "relay-registry/sql.def"
#undef STMT
	DB_STMT_MAX
};

/* One migration: brings a database from version n to n + 1. */
struct db_step {
	const char	*name;
	const char	*sql;
};

/* The steps of this program, ended by a NULL name. */
extern const struct db_step	db_steps[];

struct db;

/*
 * Open or create the database at path (":memory:" for one in memory), check
 * it and bring it to the version of this program.  Returns it, to be freed by
 * db_close(), or NULL with the reason in the buffer.
 */
struct db	*db_open(const char *, char *, size_t);
void		 db_close(struct db *);

/*
 * The two parts of db_open() that decide: whether the open file may be used
 * at all, and its way through the steps, each in a transaction of its own.
 * Return true, or false with the reason.
 */
bool	db_check(sqlite3 *, int, char *, size_t);
bool	db_migrate(sqlite3 *, const struct db_step *, char *, size_t);

/* Take the write lock; nothing happens if there is a transaction. */
bool	db_begin(struct db *);
/* End the transaction, if there is one.  After false it is rolled back. */
bool	db_commit(struct db *);
void	db_rollback(struct db *);
/*
 * Between transactions: what was committed survives a power cut from now on,
 * and what it deleted is in the file no more, nor in its journal, unless
 * somebody reads it now: then db_clean() sees to that.  False: it may not
 * survive, db_error() says why.
 */
bool	db_sync(struct db *);
/* Now and then. */
void	db_clean(struct db *);
bool	db_in_transaction(const struct db *);

/*
 * Run a statement with its parameters: a letter of the format each, i for
 * int64_t, t for const char *.  Text is not copied and must live until the
 * next db_run() of that statement or db_done().
 * db_run() returns 1 with a row to read by db_int() and db_text(), 0 without,
 * -1 on error; db_next() goes to the next row.  A statement that may leave
 * rows unread is ended by db_done().
 */
int		 db_run(struct db *, enum db_stmt, const char *, ...);
int		 db_next(struct db *, enum db_stmt);
void		 db_done(struct db *, enum db_stmt);
int64_t		 db_int(struct db *, enum db_stmt, int);
/* Never NULL; valid until the statement moves on. */
const char	*db_text(struct db *, enum db_stmt, int);

/* How many rows the last statement changed. */
int		 db_changes(struct db *);
/* The row id of the last INSERT. */
int64_t		 db_last_id(struct db *);

/* What the last error was, as text. */
const char	*db_error(struct db *);
/* Transactions committed since it was opened. */
uint64_t	 db_commits(const struct db *);

#endif
