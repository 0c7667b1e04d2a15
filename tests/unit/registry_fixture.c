/* SPDX-License-Identifier: ISC */
/* See registry_fixture.h. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/registry_fixture.h"

static struct reply	*last;

static char		 dir[] = "/tmp/test_registry.XXXXXX";
static char		 path[64];
static int64_t		 last_ms;	/* of at() */

static struct registry *
start(enum node_role role, const char *id, uint32_t max_nodes, int64_t ms)
{
	struct registry *r;
	struct db *db;
	char err[512] = "";

	db = db_open(path, err, sizeof(err));
	ck_assert_msg(db != NULL, "%s", err);
	r = registry_new(db, max_nodes, at(ms), err, sizeof(err));
	ck_assert_msg(r != NULL, "%s", err);
	registry_configure(r, role, id, at(ms));
	fx_trust(r, AUTH_OPEN, NULL, ms);
	return (r);
}

void
fx_trust(struct registry *r, enum authentication a, struct credentials *list,
    int64_t ms)
{
	static const struct uplink_conf uplinks[] = {
		{ "up0", 443, "/ws/federation", "" },
		{ "up1", 443, "/ws/federation", "main.one" } };
	const struct trust_conf conf = { a, "wss://main.example:8443", uplinks,
	    registry_role(r) == ROLE_HOME ? 2 : 0 };
	struct credentials none = { .n = 0 };

	if (list != NULL)
		ck_assert(credentials_seal(list));
	registry_configure_trust(r, 1, &conf, list != NULL ? list : &none,
	    at(ms));
}

static void
make_dir(void)
{
	strcpy(dir + sizeof(dir) - 7, "XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/registry.db", dir);
}

struct registry *
fixture_main(uint32_t max_nodes)
{
	make_dir();
	return (start(ROLE_MAIN, "main.example", max_nodes, 0));
}

struct registry *
fixture_home(void)
{
	make_dir();
	return (start(ROLE_HOME, "alice.home", 100, 0));
}

struct registry *
fixture_restart(struct registry *r, int64_t ms)
{
	enum node_role role = registry_role(r);

	registry_free(r);
	return (start(role, role == ROLE_MAIN ? "main.example" : "alice.home",
	    100, ms));
}

void
fixture_free(struct registry *r)
{
	reply_free(last);
	last = NULL;
	registry_free(r);
	/* The last connection took the journal with it. */
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rmdir(dir), 0);
}

const char *
fx_path(void)
{
	return (path);
}

struct when
at(int64_t ms)
{
	last_ms = ms;
	return ((struct when){ { 1000000 + ms }, T0 + ms });
}

struct when
fx_now(void)
{
	return (at(last_ms));
}

void
fx_open(struct registry *r, uint64_t session, const char *node,
    const char *boot, const char *address, int64_t ms)
{
	struct session_request q = { .session = session, .kind = NODE_HOME,
	    .node = span_str(node), .boot = span_str(boot),
	    .address = span_str(address), .peer = PEER_NONE, .local = true };

	registry_open(r, &q, at(ms));
}

void
fx_resume(struct registry *r, uint64_t session, uint64_t epoch,
    const char *node, int64_t ms)
{
	struct session_request q = { .session = session, .kind = NODE_HOME,
	    .node = span_str(node), .boot = span_str(""),
	    .address = span_str("192.0.2.9:9"), .peer = PEER_NONE,
	    .local = true };

	registry_resume(r, &q, epoch, at(ms));
}

void
fx_close(struct registry *r, uint64_t session, int64_t ms)
{
	registry_close(r, session, span_str("gone"), at(ms));
}

void
fx_peers(struct registry *r, uint32_t generation, uint32_t n, int64_t ms)
{
	static struct peer_conf list[LIMIT_PEERS];
	uint32_t i;

	for (i = 0; i < n; i++) {
		list[i] = (struct peer_conf){ .port = 80, .path = "/ws/peers",
		    .origin = PEER_CONFIGURED };
		snprintf(list[i].host, sizeof(list[i].host), "p%u", i);
		if (i == 1)
			strcpy(list[i].node, "expected.main");
	}
	registry_configure_peers(r, generation, list, n, at(ms));
}

void
fx_main(struct registry *r, uint64_t session, const char *node, uint32_t peer,
    const char *boot, int64_t ms)
{
	struct session_request q = { .session = session, .kind = NODE_PEER,
	    .node = span_str(node), .boot = span_str(boot),
	    .address = span_str("192.0.2.2:8081"), .peer = peer,
	    .generation = registry_peers(r)->generation, .local = true };

	registry_open(r, &q, at(ms));
}

void
fx_dial(struct registry *r, uint32_t index, enum peer_dial want)
{
	enum peer_dial what;
	uint32_t i;

	if (!peers_next_dial(registry_peers(r), &i, &what)) {
		ck_assert_msg(want == 0, "the dialer is told nothing");
		return;
	}
	ck_assert_msg(want != 0, "the dialer is told %d of %u", what, i);
	ck_assert_uint_eq(i, index);
	ck_assert_int_eq(what, want);
}

enum msg_type
fx_mesh(struct registry *r, struct wire_get *get)
{
	static uint8_t buf[1U << 20];
	struct wire_put put;
	enum msg_type type;

	wire_put_init(&put, buf, sizeof(buf));
	if (!mesh_next(registry_mesh(r), &type, &put, fx_now().mono))
		return (MSG_NONE);
	ck_assert(!put.bad);
	ck_assert_ptr_null(msg_check(type, PROC_REGISTRY, PROC_ROUTER,
	    PHASE_RUN, (uint32_t)put.len, false));
	wire_get_init(get, buf, put.len);
	return (type);
}

void
fx_settle(struct registry *r)
{
	ck_assert(registry_commit(r, fx_now()));
	reply_free(last);
	while ((last = registry_reply(r)) != NULL)
		reply_free(last);
}

const struct reply *
fx_expect(struct registry *r, enum msg_type type, uint64_t id)
{
	(void)registry_commit(r, fx_now());
	do {
		reply_free(last);
		last = registry_reply(r);
		ck_assert_msg(last != NULL, "no %s came", msg_name(type));
	} while (last->type == MSG_NODE_STATE && type != MSG_NODE_STATE);
	ck_assert_str_eq(msg_name(last->type), msg_name(type));
	ck_assert_uint_eq(last->id, id);
	return (last);
}

void
fx_silent(struct registry *r)
{
	(void)registry_commit(r, fx_now());
	reply_free(last);
	last = registry_reply(r);
	ck_assert_msg(last == NULL, "%s came", msg_name(last->type));
}

void
fx_home(struct registry *r, uint64_t session, const char *node, int64_t ms)
{
	struct service s = fx_service("echo", 1);

	fx_open(r, session, node, "", "192.0.2.1:1", ms);
	registry_register(r, session, 1, &s, 1, fx_now());
	service_clear(&s);
	fx_settle(r);
}

struct service
fx_service(const char *name, uint16_t n_methods)
{
	struct service s;
	uint16_t i;

	service_init(&s);
	snprintf(s.name, sizeof(s.name), "%s", name);
	snprintf(s.version, sizeof(s.version), "1.0.0");
	if (n_methods > 0) {
		s.methods = calloc(n_methods, sizeof(*s.methods));
		ck_assert_ptr_nonnull(s.methods);
	}
	s.n_methods = n_methods;
	for (i = 0; i < n_methods; i++)
		snprintf(s.methods[i].name, sizeof(s.methods[i].name), "m%u",
		    i);
	return (s);
}

static int
number(void *arg, int n, char **values, char **names)
{
	(void)names;
	*(int64_t *)arg = n == 1 && values[0] != NULL ? atoll(values[0]) : -1;
	return (0);
}

int64_t
fx_number(const char *sql)
{
	int64_t result = -1;
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 1000);
	ck_assert_msg(sqlite3_exec(db, sql, number, &result, NULL) ==
	    SQLITE_OK, "%s: %s", sql, sqlite3_errmsg(db));
	sqlite3_close(db);
	return (result);
}

void
fx_sql(const char *sql)
{
	(void)fx_number(sql);
}

sqlite3 *
fx_lock(void)
{
	sqlite3 *db;

	ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
	ck_assert_int_eq(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL),
	    SQLITE_OK);
	return (db);
}

void
fx_unlock(sqlite3 *db)
{
	sqlite3_close(db);
}

const char *
fx_view(struct registry *r, uint16_t status, int64_t ms)
{
	return (fx_get(r, registry_role(r) == ROLE_MAIN ?
	    HTTP_ROUTE_REGISTRY : HTTP_ROUTE_SERVICES, status, ms));
}

const char *
fx_get(struct registry *r, unsigned int route, uint16_t status, int64_t ms)
{
	const struct view_request q = { .request = 77, .route = route };
	const struct reply *v;

	registry_view(r, &q, at(ms));
	v = fx_expect(r, MSG_VIEW_REPLY, 77);
	ck_assert_uint_eq(v->status, status);
	ck_assert_uint_eq(strlen(v->body), v->body_len);
	return (v->body);
}
