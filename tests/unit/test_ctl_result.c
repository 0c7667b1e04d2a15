/* SPDX-License-Identifier: ISC */
/* What relay-ctl prints: results. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "relay-ctl/output.h"
#include "tests/unit/ctl_output_fixture.h"
#include "tests/unit/suite.h"

/* --- making rows --- */

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
	struct command cmd = { .action = COMMAND_RELOAD };
	size_t n;
	FILE *f = open_memstream(&out, &n), *g = open_memstream(&complaints,
	    &n);

	o->end(f, g, &cmd, status, text, &answer);
	fclose(f);
	fclose(g);
}

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

int
main(void)
{
	TCase *tc = tcase_create("results");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, result_is_indented);
	tcase_add_test(tc, result_is_one_line_for_programs);
	tcase_add_test(tc, result_cannot_harm_a_terminal);
	tcase_add_test(tc, result_that_is_no_json_does_not_crash);
	tcase_add_test(tc, error_is_told_with_its_data);
	tcase_add_test(tc, not_found_has_its_own_status);
	tcase_add_test(tc, reload_errors_look_like_those_of_a_check);
	tcase_add_test(tc, end_as_json);
	return (suite_run("ctl_result", tc));
}
