/* SPDX-License-Identifier: ISC */
/* The registry: services, their health, and failed transactions. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/registry_case.h"
#include "tests/unit/registry_fixture.h"
#include "tests/unit/suite.h"

/* The one verdict of a registration of one service, by its first word. */
static const char *
rule_of(uint64_t session, struct service *s)
{
	const struct reply *v;

	register_list(session, 5, s, 1);
	fx_expect(r, MSG_ROUTE_SET, session);
	v = fx_expect(r, MSG_REGISTERED, session);
	ck_assert_uint_eq(v->count, 1);
	return (v->verdicts[0].rule == NULL ? "" : v->verdicts[0].rule);
}

/* --- registration --- */

START_TEST(registers)
{
	struct service list[2] = { fx_service("blog", 2),
	    fx_service("echo", 0) };
	struct service_label label = { "lang", "en" };
	const struct reply *m;

	list[0].labels = malloc(sizeof(label));
	*list[0].labels = label;
	list[0].n_labels = 1;
	list[0].methods[1].idempotent = true;
	list[0].methods[1].timeout_ms = 2500;
	fx_open(r, 11, "alice.home", "", "", 0);
	fx_settle(r);
	register_list(11, 42, list, 2);
	/* The routes are set before the home hears that they are. */
	m = fx_expect(r, MSG_ROUTE_SET, 11);
	ck_assert_str_eq(m->node, "alice.home");
	ck_assert_uint_eq(m->count, 2);
	ck_assert_str_eq(m->services[0].methods[1].name, "m1");
	ck_assert_str_eq(m->services[0].labels[0].value, "en");
	m = fx_expect(r, MSG_REGISTERED, 11);
	ck_assert_uint_eq(m->tag, 42);
	ck_assert_uint_eq(m->count, 2);
	ck_assert_ptr_null(m->verdicts[0].rule);
	ck_assert_ptr_null(m->verdicts[1].rule);
	fx_silent(r);
	ck_assert_int_eq(fx_number("SELECT ord FROM method WHERE name = 'm1'"
	    " AND idempotent AND timeout_ms = 2500"), 1);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM label"
	    " WHERE key = 'lang' AND value = 'en'"), 1);
}
END_TEST

START_TEST(replaces_the_former_set)
{
	struct service list[2] = { fx_service("blog", 1),
	    fx_service("wiki", 3) };

	fx_home(r, 11, "alice.home", 0);
	register_list(11, 2, list, 2);
	fx_settle(r);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM service"
	    " WHERE name = 'echo'"), 0);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM method"), 4);
	registry_register(r, 11, 3, NULL, 0, fx_now());
	ck_assert_uint_eq(fx_expect(r, MSG_ROUTE_SET, 11)->count, 0);
	ck_assert_uint_eq(fx_expect(r, MSG_REGISTERED, 11)->count, 0);
	ck_assert_int_eq(fx_number(SERVICES), 0);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM method"), 0);
}
END_TEST

START_TEST(same_service_of_two_homes)
{
	fx_home(r, 11, "alice.home", 0);
	fx_home(r, 12, "bob.home", 0);
	ck_assert_int_eq(fx_number(SERVICES), 2);
	fx_close(r, 11, 1);
	fx_settle(r);
	ck_assert_int_eq(fx_number("SELECT session FROM service"), 12);
}
END_TEST

START_TEST(rejects_private)
{
	struct service s = fx_service("diary", 0);

	fx_home(r, 11, "alice.home", 0);
	s.visibility = VISIBILITY_PRIVATE;
	ck_assert_msg(strncmp(rule_of(11, &s), "visibility: ", 12) == 0,
	    "wrong rule");
	ck_assert_int_eq(fx_number(SERVICES), 0);
}
END_TEST

START_TEST(rejects_repeated_method)
{
	struct service s = fx_service("blog", 3);

	fx_home(r, 11, "alice.home", 0);
	strcpy(s.methods[2].name, s.methods[0].name);
	ck_assert_msg(strncmp(rule_of(11, &s), "methods: ", 9) == 0,
	    "wrong rule");
	ck_assert_int_eq(fx_number(SERVICES), 0);
}
END_TEST

START_TEST(rejects_repeated_label)
{
	struct service s = fx_service("blog", 0);

	fx_home(r, 11, "alice.home", 0);
	s.labels = calloc(2, sizeof(*s.labels));
	s.n_labels = 2;
	strcpy(s.labels[0].key, "k");
	strcpy(s.labels[1].key, "k");
	ck_assert_msg(strncmp(rule_of(11, &s), "labels: ", 8) == 0,
	    "wrong rule");
	ck_assert_int_eq(fx_number(SERVICES), 0);
}
END_TEST

START_TEST(rejects_duplicates_only)
{
	struct service list[4] = { fx_service("blog", 0),
	    fx_service("blog", 0), fx_service("blog", 0),
	    fx_service("Blog", 0) };
	const struct reply *m;

	strcpy(list[1].version, "1.0.1");
	fx_home(r, 11, "alice.home", 0);
	register_list(11, 2, list, 4);
	m = fx_expect(r, MSG_ROUTE_SET, 11);
	ck_assert_uint_eq(m->count, 3);
	ck_assert_str_eq(m->services[1].version, "1.0.1");
	m = fx_expect(r, MSG_REGISTERED, 11);
	ck_assert_ptr_null(m->verdicts[0].rule);
	ck_assert_ptr_null(m->verdicts[1].rule);
	ck_assert_msg(strncmp(m->verdicts[2].rule, "duplicate: ", 11) == 0,
	    "wrong rule");
	ck_assert_ptr_null(m->verdicts[3].rule);
	ck_assert_int_eq(fx_number(SERVICES), 3);
}
END_TEST

START_TEST(rejected_is_not_repeated)
{
	struct service list[2] = { fx_service("blog", 0),
	    fx_service("blog", 0) };
	const struct reply *m;

	list[0].visibility = VISIBILITY_PRIVATE;
	fx_home(r, 11, "alice.home", 0);
	register_list(11, 2, list, 2);
	ck_assert_uint_eq(fx_expect(r, MSG_ROUTE_SET, 11)->count, 1);
	m = fx_expect(r, MSG_REGISTERED, 11);
	ck_assert_ptr_nonnull(m->verdicts[0].rule);
	ck_assert_ptr_null(m->verdicts[1].rule);
}
END_TEST

/* A session that is not current changes nothing. */
static void
rejects_session(uint64_t session)
{
	struct service s = fx_service("evil", 0);
	const struct reply *m;

	register_list(session, 9, &s, 1);
	m = fx_expect(r, MSG_REGISTERED, session);
	ck_assert_uint_eq(m->tag, 9);
	ck_assert_msg(strncmp(m->verdicts[0].rule, "session: ", 9) == 0,
	    "wrong rule");
	fx_silent(r);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM service"
	    " WHERE name = 'evil'"), 0);
}

START_TEST(rejects_sessions_not_current)
{
	fx_home(r, 11, "alice.home", 0);
	fx_home(r, 12, "alice.home", 10);
	rejects_session(11);		/* replaced */
	ck_assert_int_eq(fx_number(SERVICES), 1);
	rejects_session(999);		/* never there */
	fx_close(r, 12, 20);
	fx_settle(r);
	rejects_session(12);		/* closed */
	ck_assert_int_eq(fx_number(SERVICES), 0);
}
END_TEST

START_TEST(own_services_may_be_private)
{
	struct service s = fx_service("diary", 1);
	const char *body;

	fixture_free(r);
	r = fixture_home();
	s.visibility = VISIBILITY_PRIVATE;
	ck_assert_str_eq(rule_of(0, &s), "");
	body = fx_view(r, 200, 0);
	ck_assert_ptr_nonnull(strstr(body, "\"service_name\":\"diary\""));
	/* A reload does not lose them. */
	registry_configure(r, ROLE_HOME, "alice.home", at(10));
	ck_assert_ptr_nonnull(strstr(fx_view(r, 200, 10), "diary"));
}
END_TEST

/* --- health --- */

static void
health(uint64_t session, const char *name, const char *version, bool healthy)
{
	registry_health(r, session, span_str(name), span_str(version),
	    healthy, fx_now());
}

START_TEST(health_of_whose_it_is)
{
	char name[300];

	fx_home(r, 11, "alice.home", 0);
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	health(11, "echo", "2.0.0", false);
	health(11, "Echo", "1.0.0", false);
	health(11, "", "1.0.0", false);
	health(11, name, "1.0.0", false);
	health(11, "echo", name, false);
	health(12, "echo", "1.0.0", false);
	registry_tick(r, at(1000));
	ck_assert_int_eq(fx_number("SELECT healthy FROM service"), 1);
	health(11, "echo", "1.0.0", false);
	ck_assert(!registry_pending(r));
	registry_tick(r, at(2000));
	ck_assert_int_eq(fx_number("SELECT healthy FROM service"), 0);
	ck_assert_ptr_nonnull(strstr(fx_view(r, 200, 2000),
	    "\"is_healthy\":false"));
	health(11, "echo", "1.0.0", true);
	ck_assert_ptr_nonnull(strstr(fx_view(r, 200, 2001),
	    "\"is_healthy\":true"));
}
END_TEST

/* --- a transaction that fails --- */

/* A trap in the file: this or that makes the whole turn fail. */
static void
trap(const char *sql)
{
	fx_settle(r);
	fx_sql(sql);
}

static const char *const traps[] = {
	/* a statement fails */
	"CREATE TRIGGER bomb BEFORE INSERT ON service BEGIN"
	" SELECT RAISE(ABORT, 'bomb'); END",
	/* and takes the transaction with it, as a full disk does */
	"CREATE TRIGGER bomb BEFORE INSERT ON service BEGIN"
	" SELECT RAISE(ROLLBACK, 'bomb'); END",
	/* the commit itself fails */
	"CREATE TABLE late (x REFERENCES node (id)"
	" DEFERRABLE INITIALLY DEFERRED); CREATE TRIGGER bomb"
	" AFTER INSERT ON service BEGIN INSERT INTO late VALUES ('no'); END",
};

START_TEST(failed_transaction_is_refused)
{
	struct service s = fx_service("new", 0);
	const struct reply *m;

	fx_home(r, 11, "alice.home", 0);
	trap(traps[_i]);
	fx_open(r, 12, "bob.home", "", "", 10);
	registry_view(r, &(struct view_request){ .request = 78,
	    .route = HTTP_ROUTE_REGISTRY }, at(10));
	register_list(11, 5, &s, 1);
	fx_close(r, 11, 10);
	fx_open(r, 13, "carol.home", "", "", 10);
	ck_assert(!registry_commit(r, fx_now()));
	m = fx_expect(r, MSG_SESSION_DENY, 12);
	ck_assert_uint_eq(m->status, 503);
	ck_assert_uint_eq(m->retry_after_ms, REGISTRY_RETRY_MS);
	m = fx_expect(r, MSG_VIEW_REPLY, 78);
	ck_assert_uint_eq(m->status, 503);
	/* No routes are set, and the former ones stay. */
	m = fx_expect(r, MSG_REGISTERED, 11);
	ck_assert_uint_eq(m->tag, 5);
	ck_assert_msg(strncmp(m->verdicts[0].rule, "registry: ", 10) == 0,
	    "wrong rule");
	/* Where the transaction was seen to fail before, it has not closed. */
	if (_i == 2)
		fx_expect(r, MSG_ROUTE_DELETE, 11);
	fx_expect(r, MSG_SESSION_DENY, 13);
	fx_silent(r);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM service"
	    " WHERE name = 'echo' AND session = 11"), 1);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM node"), 2);
	ck_assert_uint_eq(registry_stats(r)->failed, 1);
	ck_assert_uint_eq(registry_stats(r)->accepted, 1);
	ck_assert_uint_eq(registry_stats(r)->denied, 2);
	/* The next one stands for itself. */
	fx_open(r, 14, "bob.home", "", "", 20);
	ck_assert_uint_eq(fx_expect(r, MSG_SESSION_ACCEPT, 14)->epoch, 1);
}
END_TEST

START_TEST(behind_after_a_lost_write)
{
	fx_home(r, 11, "alice.home", 0);
	ck_assert(!registry_behind(r));
	trap("CREATE TRIGGER bomb BEFORE UPDATE ON node BEGIN"
	    " SELECT RAISE(ABORT, 'bomb'); END");
	registry_seen(r, 11, 0, at(10));
	registry_tick(r, at(1000));
	ck_assert_uint_eq(registry_stats(r)->failed, 1);
	/* To have nothing to write is no sign that writing works. */
	ck_assert(registry_commit(r, fx_now()));
	ck_assert(!registry_behind(r));
	fx_sql("DROP TRIGGER bomb");
	/* Nobody writes: the tick finds out. */
	registry_tick(r, at(2000));
	ck_assert(registry_behind(r));
}
END_TEST

START_TEST(locked_by_another)
{
	sqlite3 *db = fx_lock();

	fx_open(r, 11, "alice.home", "", "", 0);
	ck_assert_uint_eq(fx_expect(r, MSG_SESSION_DENY, 11)->status, 503);
	fx_unlock(db);
	fx_open(r, 12, "alice.home", "", "", 0);
	fx_expect(r, MSG_SESSION_ACCEPT, 12);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("services");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, registers);
	tcase_add_test(tc, replaces_the_former_set);
	tcase_add_test(tc, same_service_of_two_homes);
	tcase_add_test(tc, rejects_private);
	tcase_add_test(tc, rejects_repeated_method);
	tcase_add_test(tc, rejects_repeated_label);
	tcase_add_test(tc, rejects_duplicates_only);
	tcase_add_test(tc, rejected_is_not_repeated);
	tcase_add_test(tc, rejects_sessions_not_current);
	tcase_add_test(tc, own_services_may_be_private);
	tcase_add_test(tc, health_of_whose_it_is);
	tcase_add_loop_test(tc, failed_transaction_is_refused, 0, 3);
	tcase_add_test(tc, behind_after_a_lost_write);
	tcase_add_test(tc, locked_by_another);
	return (suite_run("registry services", tc));
}
