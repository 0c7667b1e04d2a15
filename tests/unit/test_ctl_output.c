/* SPDX-License-Identifier: ISC */
/* What relay-ctl prints: tables, JSON, and nothing that harms a terminal. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay-ctl/output.h"

static struct answer	answer;
static char		*out, *complaints;

static void
setup(void)
{
	memset(&answer, 0, sizeof(answer));
	out = complaints = NULL;
}

static void
teardown(void)
{
	answer_clear(&answer);
	free(out);
	free(complaints);
}

/* --- making rows --- */

struct f {
	const char	*name;
	enum ctl_type	 type;
	const char	*value;
};

static size_t
encode(uint8_t *buf, size_t size, const char *section, const struct f *f,
    size_t n)
{
	struct wire_put w;
	size_t i;

	wire_put_init(&w, buf, size);
	put_str(&w, section);
	put_u16(&w, (uint16_t)n);
	for (i = 0; i < n; i++) {
		put_str(&w, f[i].name);
		put_u8(&w, (uint8_t)f[i].type);
		put_str(&w, f[i].value);
	}
	ck_assert(!w.bad);
	return (w.len);
}

static void
add(const char *section, const struct f *f, size_t n)
{
	uint8_t buf[4096];
	struct wire_get msg;

	wire_get_init(&msg, buf, encode(buf, sizeof(buf), section, f, n));
	answer_take(&answer, &msg);
	ck_assert(get_done(&msg));
}
#define ADD(section, ...)	do {					\
	const struct f fields_[] = { __VA_ARGS__ };			\
	add(section, fields_, sizeof(fields_) / sizeof(fields_[0]));	\
} while (0)

static void
rows(const struct output *o, enum ctl_show what, const char *name)
{
	struct command cmd = { .action = COMMAND_SHOW, .what = what,
	    .what_name = name };
	size_t n;
	FILE *f = open_memstream(&out, &n), *g = open_memstream(&complaints,
	    &n);

	o->rows(f, g, &cmd, &answer);
	fclose(f);
	fclose(g);
}

static void
result(const struct output *o, bool ok, const char *json)
{
	size_t n;
	FILE *f = open_memstream(&out, &n), *g = open_memstream(&complaints,
	    &n);

	o->result(f, g, ok, span_str(json));
	fclose(f);
	fclose(g);
}

static void
end(const struct output *o, enum ctl_status status, const char *text)
{
	size_t n;
	FILE *f = open_memstream(&out, &n), *g = open_memstream(&complaints,
	    &n);

	o->end(f, g, status, text, &answer);
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
		{ "86400000", "1d00h" }, { "-1", "-1" },
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

/* --- results --- */

START_TEST(result_is_indented)
{
	result(&output_text, true, "{\"a\":[1,2.50e3,{}],\"b\":{\"c\":[ ]},"
	    "\"d\":\"x\\\"y\"}");
	ck_assert_str_eq(out,
	    "{\n"
	    "  \"a\": [\n"
	    "    1,\n"
	    "    2.50e3,\n"
	    "    {}\n"
	    "  ],\n"
	    "  \"b\": {\n"
	    "    \"c\": []\n"
	    "  },\n"
	    "  \"d\": \"x\\\"y\"\n"
	    "}\n");
}
END_TEST

START_TEST(result_is_one_line_for_programs)
{
	result(&output_json, true, "{ \"a\" : [ 12345678901234567890 ,\n2 ] }");
	ck_assert_str_eq(out, "{\"a\":[12345678901234567890,2]}\n");
}
END_TEST

START_TEST(result_cannot_harm_a_terminal)
{
	result(&output_text, true, "\"\xc2\x9b" "31m\x7f \xe2\x80\xae\"");
	ck_assert_str_eq(out, "\"\\u009b31m\\u007f \\u202e\"\n");
}
END_TEST

START_TEST(result_that_is_no_json_does_not_crash)
{
	static const char *const cases[] = { "", "{", "[", "}", "]]]]", "\"",
	    "\"\\", "{\"a\"", "\033[31m", "[{", "{]", ",,,", "\\\"\\" };
	const char *p;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		result(&output_text, true, cases[i]);
		for (p = out; *p != '\0'; p++)
			ck_assert(*p == '\n' || (*p >= 0x20 && *p < 0x7f));
		teardown();
		setup();
		result(&output_text, false, cases[i]);
		ck_assert_str_eq(complaints, "relay-ctl: the call failed\n");
		ck_assert_int_eq(rpc_error_status(span_str(cases[i])),
		    CTL_REFUSED);
		teardown();
		setup();
	}
}
END_TEST

START_TEST(error_is_told_with_its_data)
{
	result(&output_text, false, "{\"code\":-32012,\"message\":"
	    "\"Node \\u001b offline\",\"data\":{\"reason\":\"node_offline\","
	    "\"stage\":\"home-link\",\"executed\":\"no\",\"retryable\":true}}");
	ck_assert_str_eq(complaints, "relay-ctl: Node \\x1b offline, "
	    "code -32012, reason node_offline, stage home-link, executed no, "
	    "retryable true\n");
	ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(not_found_has_its_own_status)
{
	static const struct {
		const char	*json;
		enum ctl_status	 status;
	} cases[] = {
		{ "{\"code\":-32010}", CTL_NOT_FOUND },
		{ "{\"code\":-32011}", CTL_NOT_FOUND },
		{ "{\"code\":-32012}", CTL_REFUSED },
		{ "{\"code\":-32009}", CTL_REFUSED },
		{ "{\"code\":\"-32010x\"}", CTL_REFUSED },
		{ "{\"code\":null}", CTL_REFUSED },
		{ "{}", CTL_REFUSED },
		{ "[-32010]", CTL_REFUSED },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(rpc_error_status(span_str(cases[i].json)) ==
		    cases[i].status, "%s", cases[i].json);
}
END_TEST

START_TEST(reload_errors_look_like_those_of_a_check)
{
	ADD("errors", { "file", CTL_TEXT, "/etc/relayd.conf" }, { "line",
	    CTL_NUMBER, "3" }, { "warning", CTL_BOOL, "false" }, { "text",
	    CTL_TEXT, "syntax error" });
	ADD("errors", { "file", CTL_TEXT, "relayd" }, { "line", CTL_NUMBER,
	    "0" }, { "warning", CTL_BOOL, "true" }, { "text", CTL_TEXT,
	    "so so" });
	end(&output_text, CTL_REFUSED, "not applied");
	ck_assert_str_eq(complaints, "/etc/relayd.conf:3: syntax error\n"
	    "relayd: warning: so so\n"
	    "relay-ctl: not applied\n");
	ck_assert_str_eq(out, "");
}
END_TEST

START_TEST(end_as_json)
{
	end(&output_json, CTL_OK, "generation 2 is in force");
	ck_assert_str_eq(out,
	    "{\"ok\":true,\"text\":\"generation 2 is in force\"}\n");
}
END_TEST

static TCase *
rows_case(void)
{
	TCase *tc = tcase_create("rows");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, table_is_aligned);
	tcase_add_test(tc, durations_are_readable);
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
	return (tc);
}

static TCase *
text_case(void)
{
	TCase *tc = tcase_create("text");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, control_characters_never_reach_a_terminal);
	tcase_add_test(tc, json_strings_are_always_valid);
	tcase_add_test(tc, result_is_indented);
	tcase_add_test(tc, result_is_one_line_for_programs);
	tcase_add_test(tc, result_cannot_harm_a_terminal);
	tcase_add_test(tc, result_that_is_no_json_does_not_crash);
	tcase_add_test(tc, error_is_told_with_its_data);
	tcase_add_test(tc, not_found_has_its_own_status);
	tcase_add_test(tc, reload_errors_look_like_those_of_a_check);
	tcase_add_test(tc, end_as_json);
	return (tc);
}

int
main(void)
{
	Suite *s = suite_create("ctl_output");
	SRunner *sr;
	int failed;

	suite_add_tcase(s, rows_case());
	suite_add_tcase(s, text_case());
	sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return (failed == 0 ? 0 : 1);
}
