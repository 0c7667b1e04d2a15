/* SPDX-License-Identifier: ISC */
/* What relay-ctl prints: secrets that are shown once, and yes or no. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "relay-ctl/output.h"
#include "tests/unit/ctl_output_fixture.h"
#include "tests/unit/suite.h"

static const struct command create = { .action = COMMAND_TOKEN,
    .op = CTL_TOKEN_CREATE, .name = "ci" };
static const struct command node_token = { .action = COMMAND_NODE,
    .op = CTL_NODE_TOKEN, .node_id = "a.home" };
static const struct command enroll = { .action = COMMAND_NODE,
    .op = CTL_NODE_ENROLL, .node_id = "a\x1b.home", .expires_s = 7200 };
static const struct command explain = { .action = COMMAND_EXPLAIN,
    .section = "candidates" };
static const struct command verify = { .action = COMMAND_AUDIT,
    .op = CTL_AUDIT_VERIFY, .section = "verify" };

static void
again(void)
{
	free(out);
	free(complaints);
	out = complaints = NULL;
}

static void
end_of(const struct output *o, const struct command *cmd,
    enum ctl_status status, const char *text)
{
	size_t n;
	FILE *f, *g;

	again();
	f = open_memstream(&out, &n);
	g = open_memstream(&complaints, &n);
	o->end(f, g, cmd, status, text, &answer);
	fclose(f);
	fclose(g);
}

static void
rows_of(const struct output *o, const struct command *cmd)
{
	size_t n;
	FILE *f, *g;

	again();
	f = open_memstream(&out, &n);
	g = open_memstream(&complaints, &n);
	o->rows(f, g, cmd, &answer);
	fclose(f);
	fclose(g);
}

/* --- secrets --- */

START_TEST(a_token_is_alone_on_its_stream)
{
	end_of(&output_text, &create, CTL_OK, "rat_x\x1b");
	ck_assert_str_eq(out, "rat_x\\x1b\n");
	ck_assert_ptr_nonnull(strstr(complaints, "shown once"));
	ck_assert_ptr_null(strstr(complaints, "rat_x"));
	end_of(&output_text, &node_token, CTL_OK, "rat_y");
	ck_assert_str_eq(out, "rat_y\n");
	ck_assert_ptr_nonnull(strstr(complaints, "a.home shows it"));
}
END_TEST

START_TEST(a_token_has_a_name_in_json)
{
	end_of(&output_json, &create, CTL_OK, "rat_x");
	ck_assert_str_eq(out, "{\"ok\":true,\"token\":\"rat_x\"}\n");
	ck_assert_str_eq(complaints, "");
	end_of(&output_json, &node_token, CTL_OK, "rat_x");
	ck_assert_str_eq(out, "{\"ok\":true,\"token\":\"rat_x\"}\n");
}
END_TEST

START_TEST(a_join_string_is_alone_on_its_stream)
{
	ADD("join", { "join", CTL_TEXT, "relay-join-1.AA" });
	end_of(&output_text, &enroll, CTL_OK, "take care");
	ck_assert_str_eq(out, "relay-join-1.AA\n");
	ck_assert_ptr_nonnull(strstr(complaints, "within 2 hours"));
	ck_assert_ptr_nonnull(strstr(complaints, "becomes a\\x1b.home."));
	ck_assert_ptr_nonnull(strstr(complaints, "\ntake care\n"));
	ck_assert_ptr_null(strstr(complaints, "AA"));
	end_of(&output_json, &enroll, CTL_OK, "");
	ck_assert_str_eq(out,
	    "{\"ok\":true,\"join\":\"relay-join-1.AA\"}\n");
}
END_TEST

START_TEST(the_life_of_a_join_string_is_readable)
{
	static const struct { uint32_t s; const char *text; } cases[] = {
		{ 1, " 1 second," }, { 90, " 90 seconds," },
		{ 60, " 1 minute," }, { 1800, " 30 minutes," },
		{ 3600, " 1 hour," }, { 5400, " 90 minutes," },
		{ 2592000, " 720 hours," },
	};
	struct command cmd = enroll;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cmd.expires_s = cases[i].s;
		end_of(&output_text, &cmd, CTL_OK, "x");
		ck_assert_msg(strstr(complaints, cases[i].text) != NULL,
		    "%s", complaints);
	}
}
END_TEST

/* What is no secret is not called so. */
START_TEST(only_a_secret_is_called_so)
{
	struct command cmd = create;

	end_of(&output_json, &cmd, CTL_REFUSED, "no");
	ck_assert_str_eq(out, "{\"ok\":false,\"text\":\"no\"}\n");
	end_of(&output_text, &cmd, CTL_REFUSED, "no");
	ck_assert_str_eq(out, "");
	ck_assert_str_eq(complaints, "relay-ctl: no\n");
	cmd.op = CTL_TOKEN_REVOKE;
	end_of(&output_json, &cmd, CTL_OK, "revoked");
	ck_assert_str_eq(out, "{\"ok\":true,\"text\":\"revoked\"}\n");
	cmd = enroll;
	cmd.op = CTL_NODE_DISABLE;
	end_of(&output_text, &cmd, CTL_OK, "disabled");
	ck_assert_str_eq(out, "disabled\n");
	ck_assert_str_eq(complaints, "");
}
END_TEST

/* --- explain --- */

START_TEST(what_is_allowed_says_by_what)
{
	ADD("decision", { "caller", CTL_TEXT, "a" }, { "result", CTL_TEXT,
	    "allowed" }, { "rule", CTL_TEXT, "/r.conf:3: allow call" },
	    { "stage", CTL_TEXT, "ingress" });
	ADD("candidates", { "node_id", CTL_TEXT, "a" }, { "healthy", CTL_BOOL,
	    "true" });
	rows_of(&output_text, &explain);
	ck_assert_str_eq(out, "allowed, by /r.conf:3: allow call\n"
	    "NODE_ID  HEALTHY\na        yes\n");
	ck_assert_int_eq(answer_status(&explain, &answer), CTL_OK);
	rows_of(&output_json, &explain);
	ck_assert_str_eq(out, "{\"decision\":[{\"caller\":\"a\","
	    "\"result\":\"allowed\",\"rule\":\"/r.conf:3: allow call\","
	    "\"stage\":\"ingress\"}],\"candidates\":[{\"node_id\":\"a\","
	    "\"healthy\":true}]}\n");
}
END_TEST

START_TEST(what_is_refused_says_where)
{
	ADD("decision", { "result", CTL_TEXT, "forbidden" }, { "rule",
	    CTL_TEXT, "x\033" }, { "stage", CTL_TEXT, "ingress" });
	rows_of(&output_text, &explain);
	ck_assert_str_eq(out,
	    "refused: forbidden, stage ingress, by x\\x1b\nno candidates\n");
	ck_assert_int_eq(answer_status(&explain, &answer), CTL_REFUSED);
	rows_of(&output_json, &explain);
	ck_assert_ptr_nonnull(strstr(out, "\"candidates\":[]"));
}
END_TEST

START_TEST(what_no_rule_refused_names_none)
{
	ADD("decision", { "result", CTL_TEXT, "node_offline" }, { "rule",
	    CTL_TEXT, "none" }, { "stage", CTL_TEXT, "home-link" });
	rows_of(&output_text, &explain);
	ck_assert_str_eq(out,
	    "refused: node_offline, stage home-link\nno candidates\n");
	ck_assert_int_eq(answer_status(&explain, &answer), CTL_REFUSED);
}
END_TEST

/* No answer is no permission. */
START_TEST(a_missing_decision_is_a_refusal)
{
	rows_of(&output_text, &explain);
	ck_assert_ptr_null(strstr(out, "allowed"));
	ck_assert_int_eq(answer_status(&explain, &answer), CTL_REFUSED);
	ADD("decision", { "verdict", CTL_TEXT, "allowed" });
	ck_assert_int_eq(answer_status(&explain, &answer), CTL_REFUSED);
}
END_TEST

/* --- audit verify --- */

START_TEST(a_chain_that_holds)
{
	ADD("verify", { "records", CTL_NUMBER, "12" }, { "first_seq",
	    CTL_NUMBER, "3" }, { "last_seq", CTL_NUMBER, "14" }, { "ok",
	    CTL_BOOL, "true" }, { "broken_at", CTL_NUMBER, "0" });
	rows_of(&output_text, &verify);
	ck_assert_str_eq(out, "unbroken: 12 records, 3 to 14\n");
	ck_assert_int_eq(answer_status(&verify, &answer), CTL_OK);
}
END_TEST

START_TEST(a_chain_without_records)
{
	ADD("verify", { "records", CTL_NUMBER, "0" }, { "first_seq",
	    CTL_NUMBER, "0" }, { "ok", CTL_BOOL, "true" });
	rows_of(&output_text, &verify);
	ck_assert_str_eq(out, "unbroken: no records\n");
	ck_assert_int_eq(answer_status(&verify, &answer), CTL_OK);
}
END_TEST

START_TEST(a_chain_that_is_broken)
{
	ADD("verify", { "records", CTL_NUMBER, "12" }, { "ok", CTL_BOOL,
	    "false" }, { "broken_at", CTL_NUMBER, "7" });
	rows_of(&output_text, &verify);
	ck_assert_ptr_nonnull(strstr(out, "broken at record 7:"));
	ck_assert_ptr_null(strstr(out, "unbroken"));
	ck_assert_int_eq(answer_status(&verify, &answer), CTL_REFUSED);
}
END_TEST

START_TEST(no_answer_is_no_proof)
{
	ck_assert_int_eq(answer_status(&verify, &answer), CTL_REFUSED);
	ADD("verify", { "ok", CTL_BOOL, "true" });
	ADD("errors", { "process", CTL_TEXT, "registry" });
	ck_assert_int_eq(answer_status(&verify, &answer), CTL_REFUSED);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("trust");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_token_is_alone_on_its_stream);
	tcase_add_test(tc, a_token_has_a_name_in_json);
	tcase_add_test(tc, a_join_string_is_alone_on_its_stream);
	tcase_add_test(tc, the_life_of_a_join_string_is_readable);
	tcase_add_test(tc, only_a_secret_is_called_so);
	tcase_add_test(tc, what_is_allowed_says_by_what);
	tcase_add_test(tc, what_is_refused_says_where);
	tcase_add_test(tc, what_no_rule_refused_names_none);
	tcase_add_test(tc, a_missing_decision_is_a_refusal);
	tcase_add_test(tc, a_chain_that_holds);
	tcase_add_test(tc, a_chain_without_records);
	tcase_add_test(tc, a_chain_that_is_broken);
	tcase_add_test(tc, no_answer_is_no_proof);
	return (suite_run("ctl_trust", tc));
}
