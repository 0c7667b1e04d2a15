/* SPDX-License-Identifier: ISC */
/* The command line of relay-ctl. */
#include <stdlib.h>
#include <string.h>

#include "relay-ctl/parser.h"
#include "tests/unit/suite.h"

static struct command	cmd;
static char		why[512];

/* Parse words separated by single spaces; the command points to them. */
static bool
parse(const char *line)
{
	static char copy[128];
	char *words[16], *rest = copy;
	int n = 0;

	ck_assert_uint_lt(strlen(line), sizeof(copy));
	strcpy(copy, line);
	while (*line != '\0' && n < 16 &&
	    (words[n] = strsep(&rest, " ")) != NULL)
		n++;
	memset(why, 0, sizeof(why));
	return (command_parse(n, words, &cmd, why, sizeof(why)));
}

static void
refused(const char *line, const char *text)
{
	ck_assert_msg(!parse(line), "accepted: %s", line);
	ck_assert_msg(strstr(why, text) != NULL, "%s: %s", line, why);
}

START_TEST(every_show_is_known)
{
	static const struct {
		const char	*line;
		enum ctl_show	 what;
	} all[] = {
		{ "show summary", CTL_SHOW_SUMMARY },
		{ "show processes", CTL_SHOW_PROCESSES },
		{ "show homes", CTL_SHOW_HOMES },
		{ "show peers", CTL_SHOW_PEERS },
		{ "show services", CTL_SHOW_SERVICES },
		{ "show sessions", CTL_SHOW_SESSIONS },
		{ "show pending", CTL_SHOW_PENDING },
		{ "show channels", CTL_SHOW_CHANNELS },
		{ "show sandbox", CTL_SHOW_SANDBOX },
		{ "show config", CTL_SHOW_CONFIG },
		{ "show routes", CTL_SHOW_ROUTES },
	};
	size_t i;

	ck_assert_uint_eq(sizeof(all) / sizeof(all[0]), CTL_SHOW_MAX - 1);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		ck_assert_msg(parse(all[i].line), "%s: %s", all[i].line, why);
		ck_assert_int_eq(cmd.action, COMMAND_SHOW);
		ck_assert_int_eq(cmd.what, all[i].what);
		ck_assert_str_eq(cmd.what_name, strchr(all[i].line, ' ') + 1);
	}
}
END_TEST

START_TEST(prefixes_are_enough_when_unambiguous)
{
	ck_assert(parse("sh proc"));
	ck_assert_int_eq(cmd.what, CTL_SHOW_PROCESSES);
	ck_assert_str_eq(cmd.what_name, "processes");
	ck_assert(parse("r"));
	ck_assert_int_eq(cmd.action, COMMAND_RELOAD);
	ck_assert(parse("l v"));
	ck_assert_int_eq(cmd.action, COMMAND_LOG);
	ck_assert(cmd.verbose);
	ck_assert(parse("log brief"));
	ck_assert(!cmd.verbose);
	ck_assert(parse("st"));
	ck_assert_int_eq(cmd.action, COMMAND_STOP);
	ck_assert(parse("sh r"));
	ck_assert_int_eq(cmd.what, CTL_SHOW_ROUTES);
	ck_assert(parse("p a ws://a i p n b"));
	ck_assert_int_eq(cmd.action, COMMAND_PEER);
	ck_assert(cmd.insecure && cmd.persist);
	ck_assert_str_eq(cmd.node_id, "b");
	ck_assert(parse("t r"));
	ck_assert(cmd.revoke);
}
END_TEST

START_TEST(ambiguous_prefixes_are_refused)
{
	refused("s", "ambiguous argument \"s\"");
	refused("show s", "ambiguous");
	refused("show se", "ambiguous");
	refused("show p", "ambiguous");
	refused("show pe", "ambiguous");
}
END_TEST

START_TEST(unknown_words_are_refused)
{
	refused("frobnicate", "unknown argument \"frobnicate\"");
	refused("show nothing", "summary");
	refused("show summaryy", "unknown");
	refused("SHOW summary", "unknown");
	refused("log loud", "verbose");
	refused("reloadx", "unknown");
	refused("peers add ws://a", "unknown argument \"peers\"");
	refused("peer remove ws://a", "delete");
	refused("peer nonsense x", "unknown argument \"nonsense\"");
	refused("peer add ws://a ws://b", "unknown argument \"ws://b\"");
	refused("peer add ws://a secure", "insecure");
	refused("peer add ws://a id b", "node");
	refused("token new", "unknown argument \"new\"");
	refused("tokens", "unknown argument \"tokens\"");
}
END_TEST

START_TEST(an_empty_word_matches_nothing)
{
	char *words[] = { (char[]){ "" } };

	ck_assert(!command_parse(1, words, &cmd, why, sizeof(why)));
	ck_assert_ptr_nonnull(strstr(why, "unknown"));
}
END_TEST

START_TEST(missing_words_are_told)
{
	refused("", "missing argument");
	refused("show", "missing argument");
	refused("log", "brief");
	refused("call", "<target>");
	refused("call blog_service", "<method>");
	refused("peer", "add delete reset");
	refused("peer add", "<URL>");
	refused("peer delete", "<URL or node id>");
	refused("peer reset", "<URL or node id>");
	refused("peer add ws://a node", "<node id>");
	refused("peer add ws://a persist node", "<node id>");
}
END_TEST

START_TEST(words_too_many_are_refused)
{
	refused("reload now", "unknown argument \"now\"");
	refused("stop it", "unknown");
	refused("show summary all", "unknown");
	refused("call a b {} more", "unknown argument \"more\"");
	refused("peer delete ws://a persist", "unknown");
	refused("peer delete a b", "unknown argument \"b\"");
	refused("peer reset a b", "unknown");
	refused("peer add ws://a persist persist", "given twice");
	refused("peer add ws://a ins p insecure", "\"insecure\" is given twice");
	refused("peer add ws://a node b node c", "\"node\" is given twice");
	refused("token revoke all", "unknown argument \"all\"");
	refused("show routes all", "unknown");
}
END_TEST

START_TEST(peer_keeps_its_words)
{
	ck_assert(parse("peer add ws://a:1/ws/peers"));
	ck_assert_int_eq(cmd.action, COMMAND_PEER);
	ck_assert_int_eq(cmd.peer, CTL_PEER_ADD);
	ck_assert_str_eq(cmd.name, "ws://a:1/ws/peers");
	ck_assert_str_eq(cmd.node_id, "");
	ck_assert(!cmd.persist && !cmd.insecure && !cmd.revoke);
	ck_assert(parse("peer add ws://a persist node persist insecure"));
	ck_assert_str_eq(cmd.node_id, "persist");
	ck_assert(cmd.persist && cmd.insecure);
	ck_assert(parse("peer delete add"));
	ck_assert_int_eq(cmd.peer, CTL_PEER_DELETE);
	ck_assert_str_eq(cmd.name, "add");
	ck_assert(parse("peer reset b.main"));
	ck_assert_int_eq(cmd.peer, CTL_PEER_RESET);
	ck_assert_str_eq(cmd.name, "b.main");
}
END_TEST

START_TEST(token_takes_one_word_or_none)
{
	ck_assert(parse("token"));
	ck_assert_int_eq(cmd.action, COMMAND_TOKEN);
	ck_assert(!cmd.revoke);
	ck_assert(parse("token revoke"));
	ck_assert_int_eq(cmd.action, COMMAND_TOKEN);
	ck_assert(cmd.revoke);
}
END_TEST

START_TEST(call_keeps_its_words)
{
	ck_assert(parse("call alice.home/blog_service create_post [1]"));
	ck_assert_int_eq(cmd.action, COMMAND_CALL);
	ck_assert_str_eq(cmd.target, "alice.home/blog_service");
	ck_assert_str_eq(cmd.method, "create_post");
	ck_assert_str_eq(cmd.args, "[1]");
	ck_assert(parse("c show stop"));
	ck_assert_str_eq(cmd.target, "show");
	ck_assert_str_eq(cmd.method, "stop");
	ck_assert_str_eq(cmd.args, "");
}
END_TEST

START_TEST(a_small_buffer_is_not_overrun)
{
	char *words[] = { (char[]){ "unknown-and-rather-long" } };
	char small[8];

	memset(small, 'x', sizeof(small));
	ck_assert(!command_parse(1, words, &cmd, small, sizeof(small) - 1));
	ck_assert_int_eq(small[7], 'x');
	ck_assert_uint_lt(strlen(small), 7);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("ctl_parser");

	tcase_add_test(tc, every_show_is_known);
	tcase_add_test(tc, prefixes_are_enough_when_unambiguous);
	tcase_add_test(tc, ambiguous_prefixes_are_refused);
	tcase_add_test(tc, unknown_words_are_refused);
	tcase_add_test(tc, an_empty_word_matches_nothing);
	tcase_add_test(tc, missing_words_are_told);
	tcase_add_test(tc, words_too_many_are_refused);
	tcase_add_test(tc, call_keeps_its_words);
	tcase_add_test(tc, peer_keeps_its_words);
	tcase_add_test(tc, token_takes_one_word_or_none);
	tcase_add_test(tc, a_small_buffer_is_not_overrun);
	return (suite_run("ctl_parser", tc));
}
