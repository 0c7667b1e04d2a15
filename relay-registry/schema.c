/* SPDX-License-Identifier: ISC */
/*
 * The schema as the steps that made it.  A step that was released is never
 * changed; a new one is added below it, with a fixture of the version before
 * in tests/unit/.
 */
#include "relay-registry/db.h"

/*
 * kind of a node: 1 home, 2 peer Main, 3 this node.  Session 0 is this node's
 * own, for the services of its own configuration.
 */
static const char step_1[] =
    "CREATE TABLE node ("
    " id TEXT NOT NULL PRIMARY KEY,"
    " kind INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 3),"
    " first_seen INTEGER NOT NULL,"
    " last_seen INTEGER NOT NULL,"
    " epoch INTEGER NOT NULL"
    ") WITHOUT ROWID;"
    "CREATE TABLE session ("
    " id INTEGER NOT NULL PRIMARY KEY,"
    " node TEXT NOT NULL UNIQUE REFERENCES node (id) ON DELETE CASCADE,"
    " epoch INTEGER NOT NULL,"
    " boot TEXT NOT NULL,"
    " address TEXT NOT NULL,"
    " since INTEGER NOT NULL,"
    " closed INTEGER,"
    " reason TEXT NOT NULL DEFAULT ''"
    ");"
    "CREATE TABLE service ("
    " id INTEGER NOT NULL PRIMARY KEY,"
    " session INTEGER NOT NULL REFERENCES session (id) ON DELETE CASCADE,"
    " name TEXT NOT NULL,"
    " version TEXT NOT NULL,"
    " weight INTEGER NOT NULL,"
    " max_concurrency INTEGER NOT NULL,"
    " visibility INTEGER NOT NULL CHECK (visibility BETWEEN 1 AND 3),"
    " healthy INTEGER NOT NULL CHECK (healthy IN (0, 1)),"
    " UNIQUE (session, name, version)"
    ");"
    "CREATE TABLE method ("
    " service INTEGER NOT NULL REFERENCES service (id) ON DELETE CASCADE,"
    " ord INTEGER NOT NULL,"
    " name TEXT NOT NULL,"
    " idempotent INTEGER NOT NULL CHECK (idempotent IN (0, 1)),"
    " timeout_ms INTEGER NOT NULL,"
    " PRIMARY KEY (service, ord)"
    ") WITHOUT ROWID;"
    "CREATE TABLE label ("
    " service INTEGER NOT NULL REFERENCES service (id) ON DELETE CASCADE,"
    " key TEXT NOT NULL,"
    " value TEXT NOT NULL,"
    " PRIMARY KEY (service, key)"
    ") WITHOUT ROWID;";

/*
 * Peers that were added to stay, by where they are; node is who must answer
 * there, empty for anyone.  A token is the SHA-256 of what its holder shows,
 * in lower-case hex.  Peers ask for services by name.
 */
static const char step_2[] =
    "CREATE TABLE peer ("
    " host TEXT NOT NULL,"
    " port INTEGER NOT NULL CHECK (port BETWEEN 1 AND 65535),"
    " path TEXT NOT NULL,"
    " node TEXT NOT NULL,"
    " insecure INTEGER NOT NULL CHECK (insecure IN (0, 1)),"
    " added INTEGER NOT NULL,"
    " PRIMARY KEY (host, port, path)"
    ") WITHOUT ROWID;"
    "CREATE TABLE token ("
    " id INTEGER NOT NULL PRIMARY KEY,"
    " hash TEXT NOT NULL UNIQUE,"
    " created INTEGER NOT NULL"
    ");"
    "CREATE INDEX service_name ON service (name);";

const struct db_step db_steps[] = {
	{ "nodes, sessions and services", step_1 },
	{ "peers and admin tokens", step_2 },
	{ NULL, NULL }
};
