/* SPDX-License-Identifier: ISC */
/* What relay-ctl prints: rows and unsafe text. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay-ctl/output.h"
#include "tests/unit/ctl_output_fixture.h"
#include "tests/unit/suite.h"

/* --- making rows --- */

static void
rows(const struct output *o, enum ctl_show what, const char *name)
{
	struct command cmd = { .action = COMMAND_SHOW, .what = what,
	    .section = name };
	size_t n;
	FILE *f = open_memstream(&out, &n), *g = open_memstream(&complaints,
	    &n);

	o->rows(f, g, &cmd, &answer);
	fclose(f);
	fclose(g);
}

/* --- rows --- */

START_TEST(table_is_aligned)
{
	ADD("homes", { "node_id", CTL_TEXT, "a" }, { "age_ms", CTL_NUMBER,
	    "1500" }, { "up", CTL_BOOL, "true" });
	ADD("homes", { "node_id", CTL_TEXT, "longer.name" }, { "age_ms",
	    CTL_NUMBER, "7" }, { "up", CTL_BOOL, "false" });
	rows(&output_text, CTL_SHOW_HOMES, "homes");
	ck_assert_str_eq(out,
	    "NODE_ID       AGE  UP\n"
	    "a            1.5s  yes\n"
	    "longer.name   7ms  no\n");
	ck_assert_str_eq(complaints, "");
}
END_TEST

START_TEST(durations_are_readable)
{
	static const char *const cases[][2] = {
		{ "0", "0ms" }, { "999", "999ms" }, { "1000", "1.0s" },
		{ "59999", "59.9s" }, { "60000", "1m00s" },
		{ "3599999", "59m59s" }, { "3600000", "1h00m" },
		{ "86400000", "1d00h" }, { "-1", "-" },
		{ "9223372036854775807", "106751991167d07h" },
	};
	char want[64];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setup();
		ADD("x", { "t_ms", CTL_NUMBER, cases[i][0] });
		rows(&output_text, CTL_SHOW_PENDING, "pending");
		snprintf(want, sizeof(want), "%*s\n%s\n",
		    (int)strlen(cases[i][1]), "T", cases[i][1]);
		ck_assert_str_eq(out, want);
		teardown();
	}
	setup();
}
END_TEST

START_TEST(round_trips_are_readable)
{
	static const char *const cases[][2] = {
		{ "0", "0us" }, { "999", "999us" }, { "1000", "1.0ms" },
		{ "1299", "1.2ms" }, { "999999", "999.9ms" },
		{ "1000000", "1.0s" }, { "60000000", "1m00s" }, { "-1", "-" },
	};
	char want[64];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setup();
		ADD("x", { "rtt_us", CTL_NUMBER, cases[i][0] });
		rows(&output_text, CTL_SHOW_PEERS, "peers");
		snprintf(want, sizeof(want), "%*s\n%*s\n",
		    strlen(cases[i][1]) > 3 ? (int)strlen(cases[i][1]) : 3,
		    "RTT", 3, cases[i][1]);
		ck_assert_str_eq(out, want);
		teardown();
	}
	setup();
}
END_TEST

/* What is known in seconds is not given in milliseconds. */
START_TEST(seconds_are_whole)
{
	ADD("p", { "a_s", CTL_NUMBER, "0" }, { "b_s", CTL_NUMBER, "59" },
	    { "c_s", CTL_NUMBER, "60" });
	rows(&output_text, CTL_SHOW_PENDING, "pending");
	ck_assert_str_eq(out, " A    B      C\n0s  59s  1m00s\n");
}
END_TEST

START_TEST(no_rows_is_said)
{
	rows(&output_text, CTL_SHOW_HOMES, "homes");
	ck_assert_str_eq(out, "no homes\n");
}
END_TEST

START_TEST(no_rows_is_an_empty_array)
{
	rows(&output_json, CTL_SHOW_HOMES, "homes");
	ck_assert_str_eq(out, "{\"homes\":[]}\n");
}
END_TEST

START_TEST(json_has_types)
{
	ADD("homes", { "id", CTL_TEXT, "a\"\\b" }, { "n", CTL_NUMBER, "-7" },
	    { "up", CTL_BOOL, "true" }, { "no", CTL_BOOL, "junk" });
	ADD("homes", { "id", CTL_TEXT, "" });
	rows(&output_json, CTL_SHOW_HOMES, "homes");
	ck_assert_str_eq(out, "{\"homes\":[{\"id\":\"a\\\"\\\\b\",\"n\":-7,"
	    "\"up\":true,\"no\":false},{\"id\":\"\"}]}\n");
}
END_TEST

START_TEST(json_number_is_never_raw_text)
{
	ADD("homes", { "n", CTL_NUMBER, "1,\"evil\":2" });
	rows(&output_json, CTL_SHOW_HOMES, "homes");
	ck_assert_str_eq(out, "{\"homes\":[{\"n\":1}]}\n");
}
END_TEST

START_TEST(rows_of_different_shape_do_not_crash)
{
	ADD("homes", { "a", CTL_TEXT, "1" }, { "b", CTL_TEXT, "2" });
	ADD("homes", { "a", CTL_TEXT, "3" });
	ADD("homes", { "a", CTL_TEXT, "4" }, { "b", CTL_TEXT, "5" },
	    { "c", CTL_TEXT, "6" });
	rows(&output_text, CTL_SHOW_HOMES, "homes");
	ck_assert_ptr_nonnull(strstr(out, "4  5\n"));
	ck_assert_ptr_null(strstr(out, "6"));
}
END_TEST

START_TEST(row_without_fields_does_not_crash)
{
	add("homes", NULL, 0);
	rows(&output_json, CTL_SHOW_HOMES, "homes");
	ck_assert_str_eq(out, "{\"homes\":[{}]}\n");
	free(out);
	free(complaints);
	rows(&output_text, CTL_SHOW_HOMES, "homes");
}
END_TEST

START_TEST(errors_go_to_the_other_stream)
{
	ADD("errors", { "process", CTL_TEXT, "registry" }, { "error",
	    CTL_TEXT, "not \033[31mrunning" });
	rows(&output_text, CTL_SHOW_HOMES, "homes");
	ck_assert_str_eq(out, "");
	ck_assert_str_eq(complaints,
	    "relay-ctl: registry: not \\x1b[31mrunning\n");
}
END_TEST

START_TEST(configuration_keeps_its_tabs)
{
	ADD("config", { "line", CTL_TEXT, "\tweight 1" });
	ADD("config", { "line", CTL_TEXT, "}" });
	rows(&output_text, CTL_SHOW_CONFIG, "config");
	ck_assert_str_eq(out, "\tweight 1\n}\n");
}
END_TEST

START_TEST(malformed_rows_are_not_taken)
{
	const struct f f[] = { { "a", CTL_TEXT, "1" }, { "b", CTL_TEXT, "2" } };
	uint8_t buf[256];
	struct wire_get msg;
	size_t len = encode(buf, sizeof(buf), "homes", f, 2), cut;

	for (cut = 0; cut < len; cut++) {
		wire_get_init(&msg, buf, cut);
		answer_take(&answer, &msg);
		ck_assert(msg.bad);
	}
	buf[len] = 0;
	wire_get_init(&msg, buf, len + 1);
	answer_take(&answer, &msg);
	ck_assert(msg.bad);
	ck_assert_uint_eq(answer.count, 0);
}
END_TEST

START_TEST(unknown_types_are_not_taken)
{
	const struct f zero[] = { { "a", 0, "1" } };
	const struct f four[] = { { "a", CTL_BOOL + 1, "1" } };
	uint8_t buf[256];
	struct wire_get msg;

	wire_get_init(&msg, buf, encode(buf, sizeof(buf), "x", zero, 1));
	answer_take(&answer, &msg);
	ck_assert(msg.bad);
	wire_get_init(&msg, buf, encode(buf, sizeof(buf), "x", four, 1));
	answer_take(&answer, &msg);
	ck_assert(msg.bad);
	ck_assert_uint_eq(answer.count, 0);
}
END_TEST

START_TEST(a_count_that_lies_is_refused)
{
	uint8_t buf[64];
	struct wire_put w;
	struct wire_get msg;

	wire_put_init(&w, buf, sizeof(buf));
	put_str(&w, "x");
	put_u16(&w, 65535);
	wire_get_init(&msg, buf, w.len);
	answer_take(&answer, &msg);
	ck_assert(msg.bad);
	ck_assert_uint_eq(answer.count, 0);
}
END_TEST

START_TEST(parts_have_titles)
{
	ADD("certificates", { "file", CTL_TEXT, "/a" });
	ADD("keeper", { "signed", CTL_NUMBER, "3" });
	rows(&output_text, CTL_SHOW_TLS, "tls");
	ck_assert_str_eq(out, "certificates:\nFILE\n/a\n\nkeeper:\n"
	    "SIGNED\n     3\n");
}
END_TEST

START_TEST(no_parts_are_no_array)
{
	rows(&output_json, CTL_SHOW_TLS, "tls");
	ck_assert_str_eq(out, "{}\n");
}
END_TEST

START_TEST(sections_are_sorted_by_number)
{
	ADD("audit", { "seq", CTL_NUMBER, "10" });
	ADD("audit", { "seq", CTL_NUMBER, "9" });
	ADD("audit", { "seq", CTL_NUMBER, "junk" });
	ADD("audit", { "other", CTL_NUMBER, "1" });
	ADD("audit", { "seq", CTL_NUMBER, "18446744073709551615" });
	ADD("x", { "seq", CTL_NUMBER, "2" });
	ADD("x", { "seq", CTL_NUMBER, "1" });
	answer_sort(&answer, "audit", "seq");
	answer_sort(&answer, "nothing", "seq");
	ck_assert_str_eq(row_value(&answer.sections[0].rows[2], "seq"), "9");
	ck_assert_str_eq(row_value(&answer.sections[0].rows[3], "seq"), "10");
	ck_assert_str_eq(answer_value(&answer, "x", "seq"), "2");
	ck_assert_str_eq(answer_value(&answer, "x", "nothing"), "");
	ck_assert_str_eq(answer_value(&answer, "nothing", "seq"), "");
}
END_TEST

/* --- unsafe text --- */

START_TEST(control_characters_never_reach_a_terminal)
{
	static const char *const cases[][2] = {
		{ "plain", "plain" },
		{ "\xc3\xa9\xe2\x82\xac", "\xc3\xa9\xe2\x82\xac" },
		{ "\033]0;x\007", "\\x1b]0;x\\x07" },
		{ "a\nb\rc\td", "a\\x0ab\\x0dc\\x09d" },
		{ "\177", "\\x7f" },
		{ "\xc2\x9b" "31m", "\\u{9b}31m" },
		{ "\xe2\x80\xae", "\\u{202e}" },
		{ "\xe2\x81\xa6", "\\u{2066}" },
		{ "\x9b", "\\x9b" },
		{ "\xff\xfe", "\\xff\\xfe" },
		{ "\xc0\x9b", "\\xc0\\x9b" },
		{ "\xe0\x80\x9b", "\\xe0\\x80\\x9b" },
		{ "\xed\xa0\x80", "\\xed\\xa0\\x80" },
		{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80" },
		{ "\xe2\x82", "\\xe2\\x82" },
	};
	size_t i, n;
	FILE *f;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		f = open_memstream(&out, &n);
		print_safe(f, cases[i][0]);
		fclose(f);
		ck_assert_str_eq(out, cases[i][1]);
		free(out);
		out = NULL;
	}
	ck_assert_uint_eq(safe_width("\xc3\xa9\x1b"), 5);
}
END_TEST

START_TEST(json_strings_are_always_valid)
{
	ADD("x\001", { "k\"", CTL_TEXT, "\xff\n\xc2\x9b\xe2\x80\xae" });
	rows(&output_json, CTL_SHOW_SUMMARY, "summary");
	ck_assert_str_eq(out, "{\"x\\u0001\":[{\"k\\\"\":"
	    "\"\\ufffd\\u000a\\u009b\\u202e\"}]}\n");
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("rows");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, table_is_aligned);
	tcase_add_test(tc, durations_are_readable);
	tcase_add_test(tc, round_trips_are_readable);
	tcase_add_test(tc, seconds_are_whole);
	tcase_add_test(tc, no_rows_is_said);
	tcase_add_test(tc, no_rows_is_an_empty_array);
	tcase_add_test(tc, json_has_types);
	tcase_add_test(tc, json_number_is_never_raw_text);
	tcase_add_test(tc, rows_of_different_shape_do_not_crash);
	tcase_add_test(tc, row_without_fields_does_not_crash);
	tcase_add_test(tc, errors_go_to_the_other_stream);
	tcase_add_test(tc, configuration_keeps_its_tabs);
	tcase_add_test(tc, malformed_rows_are_not_taken);
	tcase_add_test(tc, unknown_types_are_not_taken);
	tcase_add_test(tc, a_count_that_lies_is_refused);
	tcase_add_test(tc, parts_have_titles);
	tcase_add_test(tc, no_parts_are_no_array);
	tcase_add_test(tc, sections_are_sorted_by_number);
	tcase_add_test(tc, control_characters_never_reach_a_terminal);
	tcase_add_test(tc, json_strings_are_always_valid);
	return (suite_run("ctl_output", tc));
}
