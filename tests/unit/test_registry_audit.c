/* SPDX-License-Identifier: ISC */
/* The audit log: what is recorded, and of what strangers and nodes cause how
 * much. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "relay-registry/policy_impl.h"
#include "tests/unit/audit_fixture.h"
#include "tests/unit/suite.h"

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
	registry_tick(r, at(999));
	ck_assert_uint_eq(count_of(AUDIT_MORE), 0);
	registry_tick(r, at(1000));
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

/* --- how much of it --- */

#define MINUTE	INT64_C(60000)
#define BURST	LIMIT_AUDIT_BURST

/* Strangers do as they like; the operator is recorded all the same. */
START_TEST(what_strangers_cause_is_bounded)
{
	int i;

	for (i = 0; i < 1000; i++)
		event(AUDIT_REFUSE, "x", 5000);
	/* Another kind has its own share, and what the operator does any. */
	for (i = 0; i < 5; i++)
		event(AUDIT_DENY, "x", 5000);
	note(1000);
	ck_assert_uint_eq(count_of(AUDIT_REFUSE), BURST);
	ck_assert_uint_eq(count_of(AUDIT_DENY), 5);
	ck_assert_uint_eq(count_of(AUDIT_NODE), 1000);
	ck_assert_uint_eq(count_of(AUDIT_MORE), 0);
	registry_tick(r, at(5999));
	ck_assert_uint_eq(count_of(AUDIT_MORE), 0);
	registry_tick(r, at(6000));
	last_is(AUDIT_MORE, "", "refuse", "800 more");
	ck_assert_uint_eq(count_of(AUDIT_MORE), 1);
	registry_tick(r, at(9000));
	ck_assert_uint_eq(count_of(AUDIT_MORE), 1);
	ck_assert(verify().ok);
}
END_TEST

/* A flood of a day: what it adds is known, and what was there is there. */
START_TEST(a_flood_of_a_day)
{
	const uint64_t day = 24 * 60;
	int64_t ms;
	int i;

	note(10);
	event(AUDIT_ADMIT, "alice.home", 0);
	for (ms = 0; ms < (int64_t)day * MINUTE; ms += 5000) {
		for (i = 0; i < 10; i++) {
			event(AUDIT_REFUSE, "x", ms);
			event(AUDIT_DENY, "x", ms);
		}
		registry_tick(r, at(ms));
	}
	ck_assert_uint_le(count_of(AUDIT_REFUSE), BURST + 2 * day);
	ck_assert_uint_le(count_of(AUDIT_DENY), BURST + 2 * day);
	ck_assert_uint_le(count_of(AUDIT_MORE), 2 * day);
	ck_assert_uint_ge(count_of(AUDIT_MORE), 2 * (day - 1));
	/* Every one is in it: recorded, or counted. */
	registry_tick(r, at(ms + MINUTE));
	ck_assert(registry_commit(r, fx_now()));
	ck_assert_int_eq(fx_number("SELECT (SELECT count(*) FROM audit WHERE"
	    " event IN (4, 8)) + (SELECT sum(CAST(detail AS INTEGER)) FROM"
	    " audit WHERE event = 12)"), ms / 5000 * 20);
	ck_assert_uint_eq(count_of(AUDIT_NODE), 10);
	ck_assert_uint_eq(count_of(AUDIT_ADMIT), 1);
}
END_TEST

/* One that comes and goes leaves others' records alone, and its own in part. */
START_TEST(a_node_that_comes_and_goes)
{
	int64_t ms;

	event(AUDIT_ADMIT, "bob.home", 0);
	for (ms = 0; ms < 60 * MINUTE; ms += 1000) {
		event(AUDIT_ADMIT, "mallory.home", ms);
		event(AUDIT_REGISTER, "mallory.home", ms);
		event(AUDIT_END, "mallory.home", ms);
		if (ms % 5000 == 0)
			registry_tick(r, at(ms));
	}
	event(AUDIT_END, "bob.home", ms);
	ck_assert_uint_le(count_of(AUDIT_ADMIT) + count_of(AUDIT_REGISTER) +
	    count_of(AUDIT_END), LIMIT_AUDIT_NODE_BURST + 60 + 2);
	ck_assert_uint_ge(count_of(AUDIT_MORE), 59);
	ck_assert_uint_le(count_of(AUDIT_MORE), 61);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM audit WHERE subject ="
	    " 'bob.home'"), 2);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM audit WHERE event ="
	    " 12 AND subject = 'mallory.home' AND object = ''"),
	    (int64_t)count_of(AUDIT_MORE));
	ck_assert(verify().ok);
}
END_TEST

/* Whoever fills his part of the table fills no other. */
START_TEST(each_has_its_part)
{
	char node[32];
	int i;

	r->audit.limit[AUDIT_OPERATOR] = r->audit.limit[AUDIT_NODES] =
	    r->audit.limit[AUDIT_STRANGERS] = 100;
	note(50);
	for (i = 0; i < 1000; i++) {
		snprintf(node, sizeof(node), "n%d.home", i);
		event(AUDIT_ADMIT, node, 0);
	}
	for (i = 0; i < 1000; i++)
		event(AUDIT_REFUSE, "x", i * LIMIT_AUDIT_REFILL_MS);
	ck_assert_uint_eq(count_of(AUDIT_NODE), 50);
	ck_assert_uint_le(count_of(AUDIT_ADMIT), 100);
	ck_assert_uint_ge(count_of(AUDIT_ADMIT), 98);
	ck_assert_uint_le(count_of(AUDIT_REFUSE), 100);
	ck_assert_uint_ge(count_of(AUDIT_REFUSE), 98);
	ck_assert(verify().ok);
	r = fixture_restart(r, 100);
	ck_assert(verify().ok);
	ck_assert_uint_eq(count_of(AUDIT_NODE), 50);
}
END_TEST

START_TEST(counts_do_not_overflow)
{
	audit_more(r, UINT32_MAX, at(0));
	audit_more(r, UINT32_MAX, at(0));
	audit_more(r, 0, at(0));
	registry_tick(r, at(1000));
	last_is(AUDIT_MORE, "", "deny", "4294967295 more");
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("audit");

	tcase_add_checked_fixture(tc, audit_setup, audit_teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, start_and_config);
	tcase_add_test(tc, registrations);
	tcase_add_test(tc, denials_of_calls);
	tcase_add_test(tc, texts_are_cleaned);
	tcase_add_test(tc, pages);
	tcase_add_test(tc, names);
	tcase_add_test(tc, what_strangers_cause_is_bounded);
	tcase_add_test(tc, a_flood_of_a_day);
	tcase_add_test(tc, a_node_that_comes_and_goes);
	tcase_add_test(tc, each_has_its_part);
	tcase_add_test(tc, counts_do_not_overflow);
	return (suite_run("registry audit", tc));
}
