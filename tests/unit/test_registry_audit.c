/* SPDX-License-Identifier: ISC */
/* The audit log: what is recorded, and what of it cannot be changed unseen. */
#include <sys/types.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "common/ctl.h"
#include "relay-registry/policy_impl.h"
#include "relay-registry/registry_impl.h"
#include "relay-registry/token.h"
#include "tests/unit/kill_fixture.h"
#include "tests/unit/registry_fixture.h"
#include "tests/unit/suite.h"

static struct registry	*r;

static void
setup(void)
{
	r = fixture_main(100);
}

static void
teardown(void)
{
	fixture_free(r);
}

/* --- reading --- */

struct seen {
	uint64_t	n, first, last;
	int64_t		event;
	char		subject[LIMIT_AUDIT_TEXT + 1];
	char		object[LIMIT_AUDIT_TEXT + 1];
	char		detail[LIMIT_AUDIT_TEXT + 1];
};

static void
see(void *arg, const struct audit_row *row)
{
	struct seen *s = arg;

	if (s->n++ == 0)
		s->first = row->seq;
	else
		ck_assert_uint_eq(row->seq, s->last + 1);
	s->last = row->seq;
	s->event = row->event;
	strlcpy(s->subject, row->subject, sizeof(s->subject));
	strlcpy(s->object, row->object, sizeof(s->object));
	strlcpy(s->detail, row->detail, sizeof(s->detail));
}

static struct seen
page(uint64_t before, uint32_t count)
{
	struct seen s = { .n = 0 };

	ck_assert(audit_each(r, before, count, see, &s));
	return (s);
}

static void
last_is(enum audit_event event, const char *subject, const char *object,
    const char *detail)
{
	struct seen s = page(0, 1);

	ck_assert_uint_eq(s.n, 1);
	ck_assert_str_eq(audit_event_name(s.event), audit_event_name(event));
	ck_assert_str_eq(s.subject, subject);
	ck_assert_str_eq(s.object, object);
	ck_assert_str_eq(s.detail, detail);
}

static uint64_t
count_of(enum audit_event event)
{
	char sql[96];

	ck_assert(registry_commit(r, fx_now()));
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM audit"
	    " WHERE event = %d", event);
	return ((uint64_t)fx_number(sql));
}

static struct audit_check
verify(void)
{
	struct audit_check c;

	ck_assert(audit_verify(r, &c));
	ck_assert(c.ok == (c.broken_at == 0));
	return (c);
}

static void
note(unsigned int n)
{
	char text[16];

	for (; n > 0; n--) {
		snprintf(text, sizeof(text), "node%u", n);
		audit_text(r, AUDIT_NODE, "test", text, "x", fx_now());
	}
	fx_settle(r);
}

/* --- what is recorded --- */

START_TEST(start_and_config)
{
	ck_assert_uint_eq(count_of(AUDIT_START), 1);
	ck_assert_str_eq(page(2, 1).detail, PACKAGE_VERSION);
	registry_configure_policy(r, registry_policy(r), at(0));
	last_is(AUDIT_CONFIG, "main.example", "", "generation 0, 0 rules");
	r = fixture_restart(r, 100);
	ck_assert_uint_eq(count_of(AUDIT_START), 2);
	ck_assert(verify().ok);
}
END_TEST

START_TEST(registrations)
{
	struct service list[3] = { fx_service("a", 1), fx_service("relay", 1),
	    fx_service("a", 1) };
	uint64_t before;
	int i;

	fx_open(r, 11, "alice.home", "", "x", 0);
	registry_register(r, 11, 1, list, 3, fx_now());
	fx_settle(r);
	ck_assert_uint_eq(count_of(AUDIT_REGISTER), 1);
	ck_assert_uint_eq(count_of(AUDIT_REJECT), 2);
	last_is(AUDIT_REJECT, "alice.home", "a 1.0.0", "duplicate: this name "
	    "and version is in the registration already");
	/* Not of a session that is none, nor of this node's own. */
	before = verify().records;
	registry_register(r, 12, 1, list, 1, fx_now());
	registry_register(r, 0, 1, list, 1, fx_now());
	fx_settle(r);
	ck_assert_uint_eq(verify().records, before);
	for (i = 0; i < 3; i++)
		service_clear(&list[i]);
}
END_TEST

START_TEST(denials_of_calls)
{
	registry_denied(r, 0, span_str("token:x"), span_str("alice.home"),
	    span_str("wiki.read"), span_str("f:1: deny call"), fx_now());
	/* It is not left to the tick: a kill would lose it. */
	ck_assert(registry_pending(r));
	ck_assert(registry_commit(r, fx_now()));
	last_is(AUDIT_DENY, "token:x", "alice.home",
	    "wiki.read: f:1: deny call");
	registry_denied(r, 7, span_str("anonymous"), span_str(""),
	    span_str(""), span_str(""), fx_now());
	registry_tick(r, at(1500));
	last_is(AUDIT_MORE, "", "deny", "7 more");
}
END_TEST

/* Any bytes, of any length, are one record that can be verified. */
START_TEST(texts_are_cleaned)
{
	char text[3000], cut[LIMIT_AUDIT_TEXT + 1];
	size_t i;

	for (i = 0; i < sizeof(text) - 1; i++)
		text[i] = (char)(i % 255 + 1);
	text[sizeof(text) - 1] = '\0';
	audit_text(r, AUDIT_NODE, text, text, text, fx_now());
	audit_text(r, AUDIT_NODE, "a\nb", "c\n\n", "\xff\x7f", fx_now());
	fx_settle(r);
	last_is(AUDIT_NODE, "a?b", "c??", "??");
	ck_assert(verify().ok);
	memcpy(cut, text, LIMIT_AUDIT_TEXT);
	ck_assert_uint_eq(strlen(page(page(0, 1).last, 1).subject),
	    LIMIT_AUDIT_TEXT);
}
END_TEST

/* Two records of the same texts, split otherwise, are not the same. */
START_TEST(no_two_readings)
{
	char before[AUDIT_HASH_SIZE];

	note(1);
	strlcpy(before, verify().head, sizeof(before));
	fx_sql("UPDATE audit SET subject = subject || 'n', object ="
	    " substr(object, 2) WHERE seq = (SELECT max(seq) FROM audit)");
	ck_assert(!verify().ok);
}
END_TEST

START_TEST(what_strangers_cause_is_bounded)
{
	int i;

	for (i = 0; i < 1000; i++)
		audit_text(r, AUDIT_REFUSE, "x", "y", "z", at(5000));
	/* Another kind has its own share, and what the operator does any. */
	for (i = 0; i < 5; i++)
		audit_text(r, AUDIT_DENY, "x", "y", "z", at(5000));
	note(100);
	ck_assert_uint_eq(count_of(AUDIT_REFUSE), LIMIT_AUDIT_RATE);
	ck_assert_uint_eq(count_of(AUDIT_DENY), 5);
	ck_assert_uint_eq(count_of(AUDIT_NODE), 100);
	ck_assert_uint_eq(count_of(AUDIT_MORE), 0);
	registry_tick(r, at(5999));
	ck_assert_uint_eq(count_of(AUDIT_MORE), 0);
	registry_tick(r, at(6000));
	ck_assert_uint_eq(count_of(AUDIT_MORE), 1);
	last_is(AUDIT_MORE, "", "refuse", "980 more");
	registry_tick(r, at(9000));
	ck_assert_uint_eq(count_of(AUDIT_MORE), 1);
	/* The next second has its share, behind the count if it waits. */
	for (i = 0; i < LIMIT_AUDIT_RATE + 1; i++)
		audit_text(r, AUDIT_REFUSE, "x", "y", "z", at(20000));
	audit_text(r, AUDIT_REFUSE, "a", "y", "z", at(21000));
	fx_settle(r);
	ck_assert_uint_eq(count_of(AUDIT_REFUSE), 2 * LIMIT_AUDIT_RATE + 1);
	last_is(AUDIT_REFUSE, "a", "y", "z");
	ck_assert_str_eq(page(page(0, 1).last, 1).detail, "1 more");
}
END_TEST

START_TEST(counts_do_not_overflow)
{
	audit_more(r, AUDIT_DENY, UINT32_MAX, at(0));
	audit_more(r, AUDIT_DENY, UINT32_MAX, at(0));
	audit_more(r, AUDIT_DENY, 0, at(0));
	registry_tick(r, at(1000));
	last_is(AUDIT_MORE, "", "deny", "4294967295 more");
}
END_TEST

START_TEST(pages)
{
	struct seen s;

	note(50);
	ck_assert_uint_eq(page(0, 10).n, 10);
	s = page(0, 10);
	ck_assert_uint_eq(s.last, verify().last_seq);
	s = page(s.first, 10);
	ck_assert_uint_eq(s.last, verify().last_seq - 10);
	ck_assert_uint_eq(page(1, 10).n, 0);
	ck_assert_uint_eq(page(0, 0).n, 0);
	ck_assert_uint_eq(page(UINT64_MAX, 3).n, 3);
	ck_assert_uint_eq(page(0, UINT32_MAX).n, verify().records);
}
END_TEST

START_TEST(names)
{
	ck_assert_str_eq(audit_event_name(AUDIT_MORE), "more");
	ck_assert_str_eq(audit_event_name(0), "unknown");
	ck_assert_str_eq(audit_event_name(AUDIT_MAX), "unknown");
	ck_assert_str_eq(audit_event_name(-1), "unknown");
	ck_assert_str_eq(audit_event_name(INT64_MAX), "unknown");
}
END_TEST

/* --- the chain --- */

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
	ck_assert_str_eq(hash, verify().head);
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
	{ "DELETE FROM audit WHERE seq = 5", 5 },
	{ "DELETE FROM audit WHERE seq = 1", 1 },
	{ "DELETE FROM audit WHERE seq < 8", 1 },
	{ "DELETE FROM audit", 1 },
	{ "DELETE FROM audit WHERE seq = 5; UPDATE audit SET seq = seq - 1"
	    " WHERE seq > 5", 5 },
	/* cut at the end */
	{ "DELETE FROM audit WHERE seq > 9", 10 },
	{ "DELETE FROM audit WHERE seq = (SELECT max(seq) FROM audit)", 11 },
	/* inserted, reordered */
	{ "INSERT INTO audit SELECT 12, time, event, subject, object, detail,"
	    " hash FROM audit WHERE seq = 5", 12 },
	{ "INSERT INTO audit SELECT 0, time, event, subject, object, detail,"
	    " hash FROM audit WHERE seq = 1", 1 },
	{ "INSERT INTO audit SELECT -1, time, event, subject, object, detail,"
	    " hash FROM audit WHERE seq = 1", 1 },
	{ "UPDATE audit SET seq = 99 WHERE seq = 5;"
	    " UPDATE audit SET seq = 5 WHERE seq = 6;"
	    " UPDATE audit SET seq = 6 WHERE seq = 99", 5 },
	{ "UPDATE audit SET seq = 100 WHERE seq = 11", 11 },
	/* the head */
	{ "UPDATE audit_head SET hash = replace(hash, 'a', 'b')", 12 },
	{ "UPDATE audit_head SET seq = seq - 1, count = count - 1,"
	    " hash = (SELECT hash FROM audit WHERE seq = 10);"
	    " DELETE FROM audit WHERE seq = 11", 11 },
	{ "UPDATE audit_head SET count = count - 1", 12 },
	{ "UPDATE audit_head SET anchor = hash", 12 },
	{ "DELETE FROM audit_head", 12 },
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
	ck_assert_uint_eq(verify().last_seq,
	    forgeries[_i].broken_at == 11 && strstr(forgeries[_i].sql,
	    "100") != NULL ? 100 : 14);
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

	r->audit.limit = 500;
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
	ck_assert_uint_eq(verify().broken_at, anchored);
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
	ck_assert_str_eq(verify().head, c.head);
	/* In the middle of one that had begun. */
	audit_text(r, AUDIT_NODE, "a", "b", "c", fx_now());
	r->broken = true;
	ck_assert(!registry_commit(r, fx_now()));
	ck_assert_str_eq(verify().head, c.head);
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
	    " audit_head h"), 1);
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
	on->audit.limit = limit;
	return (on);
}

/* Records in turns of one to five; a byte for each turn. */
static void __attribute__((noreturn))
write_until_killed(int fd)
{
	struct registry *on = start(60);
	int i, k;

	for (i = 0;; i++) {
		for (k = 0; k <= i % 5; k++)
			audit_text(on, AUDIT_NODE, "a", "b", "c", fx_now());
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
	TCase *tc = tcase_create("audit");
	int n = (int)(sizeof(forgeries) / sizeof(forgeries[0]));

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, start_and_config);
	tcase_add_test(tc, registrations);
	tcase_add_test(tc, denials_of_calls);
	tcase_add_test(tc, texts_are_cleaned);
	tcase_add_test(tc, no_two_readings);
	tcase_add_test(tc, what_strangers_cause_is_bounded);
	tcase_add_test(tc, counts_do_not_overflow);
	tcase_add_test(tc, pages);
	tcase_add_test(tc, names);
	tcase_add_test(tc, an_outsider_can_verify);
	tcase_add_loop_test(tc, forged_while_it_runs, 0, n);
	tcase_add_loop_test(tc, forged_while_it_did_not_run, 0, n);
	tcase_add_test(tc, rotation);
	tcase_add_test(tc, a_failed_transaction_leaves_no_trace);
	tcase_add_test(tc, with_what_it_records);
	tcase_add_test(tc, killed_at_any_time);
	return (suite_run("registry audit", tc));
}
