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

/* --- step 3, a part each --- */

/*
 * A token belongs to its name: those of before are the operator's own.  A
 * service that policy denies is kept until policy allows it or its home
 * registers again.
 */
#define STEP_3_NAMES							\
    "ALTER TABLE token ADD COLUMN name TEXT NOT NULL DEFAULT 'admin';"	\
    "CREATE INDEX token_name ON token (name);"				\
    "ALTER TABLE service ADD COLUMN denied INTEGER NOT NULL DEFAULT 0"	\
    " CHECK (denied IN (0, 1));"

/*
 * The audit log (audit.c says what the hashes are of).  The head of a chain
 * (enum audit_chain): the hash before its first row that is there, and the
 * number and hash of its last.
 */
#define STEP_3_AUDIT							\
    "CREATE TABLE audit ("						\
    " seq INTEGER NOT NULL PRIMARY KEY,"				\
    " chain INTEGER NOT NULL,"						\
    " time INTEGER NOT NULL,"						\
    " event INTEGER NOT NULL,"						\
    " subject TEXT NOT NULL,"						\
    " object TEXT NOT NULL,"						\
    " detail TEXT NOT NULL,"						\
    " hash TEXT NOT NULL"						\
    ");"								\
    "CREATE INDEX audit_chain ON audit (chain, seq);"			\
    "CREATE TABLE audit_head ("						\
    " chain INTEGER NOT NULL PRIMARY KEY,"				\
    " count INTEGER NOT NULL,"						\
    " anchor TEXT NOT NULL,"						\
    " seq INTEGER NOT NULL,"						\
    " hash TEXT NOT NULL"						\
    ");"								\
    "INSERT INTO audit_head SELECT chain, 0, hex(zeroblob(32)), 0,"	\
    " hex(zeroblob(32)) FROM (SELECT 1 AS chain UNION SELECT 2"		\
    " UNION SELECT 3);"

/*
 * What enrolled nodes show.  kind: as what it may link.  method: 1 key, 3
 * token, 5 join; value: a public key or a one-time secret in base64url, or the
 * SHA-256 of a token in hex.  A node without credentials may be disabled, too.
 *
 * identity: this node's Ed25519 private keys.  main: whom it is shown to, or
 * empty for all that have none of their own.  joining: empty if it is in force,
 * else for which one-time secret it was made (auth_credential_id()).
 */
#define STEP_3_CREDENTIALS						\
    "CREATE TABLE credential ("						\
    " id INTEGER NOT NULL PRIMARY KEY,"					\
    " node TEXT NOT NULL,"						\
    " kind INTEGER NOT NULL CHECK (kind BETWEEN 1 AND 2),"		\
    " method INTEGER NOT NULL CHECK (method IN (1, 3, 5)),"		\
    " value TEXT NOT NULL,"						\
    " created INTEGER NOT NULL,"					\
    " expires INTEGER,"							\
    " UNIQUE (node, method, value)"					\
    ");"								\
    "CREATE TABLE disabled ("						\
    " node TEXT NOT NULL PRIMARY KEY,"					\
    " since INTEGER NOT NULL"						\
    ") WITHOUT ROWID;"							\
    "CREATE TABLE identity ("						\
    " main TEXT NOT NULL,"						\
    " joining TEXT NOT NULL,"						\
    " seed TEXT NOT NULL,"						\
    " created INTEGER NOT NULL,"					\
    " PRIMARY KEY (main, joining)"					\
    ") WITHOUT ROWID;"

/*
 * By what a session was let in, as auth_admit() writes it.  place: where one
 * was dialled to; an uplink has no other row, so that its credential is there.
 */
#define STEP_3_LINKS							\
    "ALTER TABLE session ADD COLUMN credential TEXT NOT NULL DEFAULT '';" \
    "CREATE TABLE place ("						\
    " session INTEGER NOT NULL PRIMARY KEY,"				\
    " host TEXT NOT NULL,"						\
    " port INTEGER NOT NULL,"						\
    " path TEXT NOT NULL,"						\
    " credential TEXT NOT NULL,"					\
    " UNIQUE (host, port, path)"					\
    ");"								\
    "ALTER TABLE peer ADD COLUMN tls INTEGER NOT NULL DEFAULT 0"	\
    " CHECK (tls IN (0, 1));"

static const char step_3[] = STEP_3_NAMES STEP_3_AUDIT STEP_3_CREDENTIALS
    STEP_3_LINKS;

const struct db_step db_steps[] = {
	{ "nodes, sessions and services", step_1 },
	{ "peers and admin tokens", step_2 },
	{ "trust and audit", step_3 },
	{ NULL, NULL }
};
