/* SPDX-License-Identifier: ISC */
/* The audit log: what of it cannot be changed unseen. */
#include <sys/types.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "relay-registry/token.h"
#include "tests/unit/audit_fixture.h"
#include "tests/unit/kill_fixture.h"
#include "tests/unit/suite.h"

/* Two records of the same texts, split otherwise, are not the same. */
START_TEST(no_two_readings)
{
	note(1);
	fx_sql("UPDATE audit SET subject = subject || 'n', object ="
	    " substr(object, 2) WHERE seq = (SELECT max(seq) FROM audit)");
	ck_assert(!verify().ok);
}
END_TEST

/* As the comment in audit.c tells an outsider to do it. */
START_TEST(an_outsider_can_verify)
{
	static char text[4096];
	char hash[TOKEN_HASH_SIZE], seq_text[24];
	struct seen s;
	uint64_t seq;

	note(3);
	memset(hash, '0', sizeof(hash) - 1);
	hash[sizeof(hash) - 1] = '\0';
	for (seq = 1; seq <= verify().last_seq; seq++) {
		s = page(seq + 1, 1);
		ck_assert_uint_eq(s.last, seq);
		snprintf(seq_text, sizeof(seq_text), "%" PRIu64, seq);
		snprintf(text, sizeof(text), "%s\n%s\n%" PRId64 "\n%" PRId64
		    "\n%s\n%s\n%s\n", hash, seq_text, T0, s.event, s.subject,
		    s.object, s.detail);
		token_hash(span_str(text), hash);
	}
	ck_assert_ptr_nonnull(strstr(verify().heads, hash));
}
END_TEST

static const struct {
	const char	*sql;
	uint64_t	 broken_at;
} forgeries[] = {
	/* changed */
	{ "UPDATE audit SET detail = 'y' WHERE seq = 5", 5 },
	{ "UPDATE audit SET object = 'y' WHERE seq = 5", 5 },
	{ "UPDATE audit SET subject = '' WHERE seq = 5", 5 },
	{ "UPDATE audit SET event = 1 WHERE seq = 5", 5 },
	{ "UPDATE audit SET time = time + 1 WHERE seq = 5", 5 },
	{ "UPDATE audit SET hash = replace(hash, 'a', 'b') WHERE seq = 5", 5 },
	{ "UPDATE audit SET hash = '' WHERE seq = 5", 5 },
	{ "UPDATE audit SET hash = upper(hash) WHERE seq = 5", 5 },
	/* what a C string does not show */
	{ "UPDATE audit SET detail = CAST(x'780061' AS TEXT) WHERE seq = 5",
	    5 },
	{ "UPDATE audit SET detail = x'780061' WHERE seq = 5", 5 },
	{ "UPDATE audit SET hash = hash || x'0061' WHERE seq = 5", 5 },
	{ "UPDATE audit SET time = time + 0.5 WHERE seq = 5", 5 },
	{ "UPDATE audit SET detail = 'x' || char(10) || 'y' WHERE seq = 5",
	    5 },
	/* removed */
	{ "DELETE FROM audit WHERE seq = 5", 6 },
	{ "DELETE FROM audit WHERE seq = 1", 2 },
	{ "DELETE FROM audit WHERE seq < 8", 8 },
	{ "DELETE FROM audit", 1 },
	{ "DELETE FROM audit WHERE seq = 5; UPDATE audit SET seq = seq - 1"
	    " WHERE seq > 5", 5 },
	/* cut at the end */
	{ "DELETE FROM audit WHERE seq > 9", 10 },
	{ "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)", 11 },
	/* inserted, reordered */
	{ "INSERT INTO audit SELECT 12, chain, time, event, subject, object, detail,"
	    " hash FROM audit WHERE seq = 5", 12 },
	{ "INSERT INTO audit SELECT 0, chain, time, event, subject, object, detail,"
	    " hash FROM audit WHERE seq = 1", 1 },
	{ "INSERT INTO audit SELECT -1, chain, time, event, subject, object, detail,"
	    " hash FROM audit WHERE seq = 1", 1 },
	{ "UPDATE audit SET seq = 99 WHERE seq = 5;"
	    " UPDATE audit SET seq = 5 WHERE seq = 6;"
	    " UPDATE audit SET seq = 6 WHERE seq = 99", 5 },
	{ "UPDATE audit SET seq = 100 WHERE seq = 11", 100 },
	/* moved to another chain, or to none */
	{ "UPDATE audit SET chain = 2 WHERE seq = 5", 5 },
	{ "UPDATE audit SET chain = 2 WHERE seq = 11", 11 },
	{ "UPDATE audit SET chain = 2", 1 },
	{ "UPDATE audit SET chain = 9 WHERE seq = 11", 11 },
	{ "UPDATE audit SET chain = 'x' WHERE seq = 5", 5 },
	{ "INSERT INTO audit SELECT 99, 4, time, event, subject, object,"
	    " detail, hash FROM audit WHERE seq = 5", 99 },
	{ "INSERT INTO audit SELECT 20, 3, time, event, subject, object,"
	    " detail, hash FROM audit WHERE seq = 5", 20 },
	/* the head */
	{ "UPDATE audit_head SET hash = upper(hash) WHERE chain = 1", 12 },
	{ "UPDATE audit_head SET seq = seq - 1, count = count - 1,"
	    " hash = (SELECT hash FROM audit WHERE seq = 10) WHERE chain = 1;"
	    " DELETE FROM audit WHERE seq = 11", 11 },
	{ "UPDATE audit_head SET count = count - 1 WHERE chain = 1", 12 },
	{ "UPDATE audit_head SET anchor = hash WHERE chain = 1", 12 },
	{ "DELETE FROM audit_head WHERE chain = 1", 12 },
	{ "DELETE FROM audit_head WHERE chain = 3", 1 },
	{ "DELETE FROM audit_head", 1 },
};

static void
eleven(void)
{
	note((unsigned int)(11 - verify().records));
	ck_assert_uint_eq(verify().last_seq, 11);
	ck_assert(verify().ok);
}

START_TEST(forged_while_it_runs)
{
	eleven();
	fx_sql(forgeries[_i].sql);
	ck_assert_uint_eq(verify().broken_at, forgeries[_i].broken_at);
	/*
	 * It is no end of the registry, which knows its head and writes over
	 * what was put behind it; what was forged before stays forged.
	 */
	note(3);
	ck_assert(verify().ok == (forgeries[_i].broken_at == 12));
	ck_assert_uint_ge(verify().last_seq, 14);
}
END_TEST

/*
 * It goes on behind what was forged, and never looks whole again; but for one
 * who makes the head fit as well: only a hash that is elsewhere tells.
 */
START_TEST(forged_while_it_did_not_run)
{
	struct registry *old = r;
	struct audit_check c;

	eleven();
	fx_sql(forgeries[_i].sql);
	r = fixture_restart(old, 1000);
	c = verify();
	if (strstr(forgeries[_i].sql, "SET seq = seq - 1, count") != NULL) {
		ck_assert(c.ok);
		return;
	}
	ck_assert_msg(!c.ok, "%s", forgeries[_i].sql);
	note(30);
	ck_assert(!verify().ok);
	r = fixture_restart(r, 2000);
	ck_assert(!verify().ok);
}
END_TEST

START_TEST(rotation)
{
	struct audit_check c;
	uint64_t anchored;

	r->audit.limit[AUDIT_OPERATOR] = 500;
	note(5000);
	c = verify();
	ck_assert(c.ok);
	ck_assert_uint_le(c.records, 500);
	ck_assert_uint_ge(c.records, 490);
	ck_assert_uint_eq(c.last_seq - c.first_seq + 1, c.records);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM audit"),
	    (int64_t)c.records);
	/* The chain begins behind what went: the first cannot be taken. */
	anchored = c.first_seq;
	r = fixture_restart(r, 100);
	ck_assert(verify().ok);
	ck_assert_uint_eq(verify().first_seq, anchored);
	fx_sql("DELETE FROM audit WHERE seq = (SELECT min(seq) FROM audit)");
	ck_assert_uint_eq(verify().broken_at, anchored + 1);
}
END_TEST

/* Around the first record that is there. */
static const char *const at_the_rotation[] = {
	"DELETE FROM audit WHERE seq = (SELECT min(seq) FROM audit)",
	"UPDATE audit_head SET anchor = (SELECT hash FROM audit ORDER BY seq"
	    " LIMIT 1) WHERE chain = 1; DELETE FROM audit WHERE seq ="
	    " (SELECT min(seq) FROM audit)",
	"INSERT INTO audit SELECT seq - 1, chain, time, event, subject, object,"
	    " detail, hash FROM audit ORDER BY seq LIMIT 1",
	"UPDATE audit SET seq = seq - 1 WHERE seq = (SELECT min(seq) FROM"
	    " audit)",
	"UPDATE audit_head SET anchor = replace(hex(zeroblob(32)), '0', '1')",
	"UPDATE audit_head SET count = count + 1 WHERE chain = 1",
};

START_TEST(forged_at_the_rotation)
{
	size_t i, n = sizeof(at_the_rotation) / sizeof(at_the_rotation[0]);

	for (i = 0; i < n; i++) {
		r->audit.limit[AUDIT_OPERATOR] = 100;
		note(250);
		ck_assert(verify().ok);
		fx_sql(at_the_rotation[i]);
		ck_assert_msg(!verify().ok, "%s", at_the_rotation[i]);
		r = fixture_restart(r, 100);
		ck_assert_msg(!verify().ok, "%s", at_the_rotation[i]);
		audit_teardown();
		audit_setup();
	}
}
END_TEST

START_TEST(a_failed_transaction_leaves_no_trace)
{
	struct audit_check c = verify();
	sqlite3 *db = fx_lock();

	audit_text(r, AUDIT_NODE, "a", "b", "c", fx_now());
	ck_assert(!registry_commit(r, fx_now()));
	fx_unlock(db);
	ck_assert(verify().ok);
	ck_assert_uint_eq(verify().records, c.records);
	ck_assert_str_eq(verify().heads, c.heads);
	/* In the middle of one that had begun. */
	audit_text(r, AUDIT_NODE, "a", "b", "c", fx_now());
	r->broken = true;
	ck_assert(!registry_commit(r, fx_now()));
	ck_assert_str_eq(verify().heads, c.heads);
	note(2);
	ck_assert(verify().ok);
	ck_assert_uint_eq(verify().records, c.records + 2);
}
END_TEST

/* What is recorded and what it is about are there together, or neither. */
START_TEST(with_what_it_records)
{
	struct service s = fx_service("echo", 1);

	fx_open(r, 11, "alice.home", "", "x", 0);
	registry_register(r, 11, 1, &s, 1, fx_now());
	ck_assert_int_eq(fx_number("SELECT count(*) FROM audit WHERE event ="
	    " 6"), 0);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM service"), 0);
	ck_assert(registry_commit(r, fx_now()));
	ck_assert_int_eq(fx_number("SELECT count(*) FROM audit WHERE event ="
	    " 6"), 1);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM service"), 1);
	ck_assert_int_eq(fx_number("SELECT h.seq = max(a.seq) FROM audit a,"
	    " audit_head h WHERE a.chain = 2 AND h.chain = 2"), 1);
	fx_settle(r);
	service_clear(&s);
}
END_TEST

/* --- killed --- */

static char	path[] = "/tmp/relayd-audit-XXXXXX";

static struct registry *
start(uint32_t limit)
{
	char err[256];
	struct db *db = db_open(path, err, sizeof(err));
	struct registry *on;

	ck_assert_msg(db != NULL, "%s", err);
	on = registry_new(db, 100, fx_now(), err, sizeof(err));
	ck_assert_msg(on != NULL, "%s", err);
	on->audit.limit[AUDIT_OPERATOR] = on->audit.limit[AUDIT_NODES] = limit;
	return (on);
}

/* Records of two chains in turns of one to five; a byte for each turn. */
static void __attribute__((noreturn))
write_until_killed(int fd)
{
	struct registry *on = start(60);
	char node[32];
	int i, k;

	for (i = 0;; i++) {
		snprintf(node, sizeof(node), "n%d", i);
		for (k = 0; k <= i % 5; k++)
			audit_text(on, k % 2 ? AUDIT_ADMIT : AUDIT_NODE, node,
			    "b", "c", fx_now());
		if (!registry_commit(on, fx_now()) || write(fd, "", 1) != 1)
			_exit(1);
	}
}

/* At any time, also while the oldest go: the chain is whole. */
START_TEST(killed_at_any_time)
{
	struct audit_check c;
	struct registry *on;
	int i, fd;
	uint64_t last = 0;

	ck_assert_int_ne(fd = mkstemp(path), -1);
	close(fd);
	for (i = 1; i <= 20; i++) {
		kill_writer(write_until_killed, i + 1);
		on = start(60);
		ck_assert(audit_verify(on, &c));
		ck_assert(c.ok);
		ck_assert_uint_gt(c.last_seq, last);
		last = c.last_seq;
		registry_free(on);
	}
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("chain");
	int n = (int)(sizeof(forgeries) / sizeof(forgeries[0]));

	tcase_add_checked_fixture(tc, audit_setup, audit_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, no_two_readings);
	tcase_add_test(tc, an_outsider_can_verify);
	tcase_add_loop_test(tc, forged_while_it_runs, 0, n);
	tcase_add_loop_test(tc, forged_while_it_did_not_run, 0, n);
	tcase_add_test(tc, rotation);
	tcase_add_test(tc, forged_at_the_rotation);
	tcase_add_test(tc, a_failed_transaction_leaves_no_trace);
	tcase_add_test(tc, with_what_it_records);
	tcase_add_test(tc, killed_at_any_time);
	return (suite_run("registry audit chain", tc));
}
