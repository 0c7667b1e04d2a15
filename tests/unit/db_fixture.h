/* SPDX-License-Identifier: ISC */
/* A database file in a directory of its own. */
#ifndef TESTS_UNIT_DB_FIXTURE_H
#define TESTS_UNIT_DB_FIXTURE_H

#include "relay-registry/db.h"

extern char	 dir[64], path[96];
extern char	 err[512];	/* what db_open() has said */
extern sqlite3	*sql;		/* another database, in memory */

void	db_setup(void);
void	db_teardown(void);

/* Run statements on the file; the last number they return. */
int64_t	on_file(const char *);
/* db_open() must refuse, with this in the reason. */
void	refused(const char *);
void	opens(void);

#endif
