/* SPDX-License-Identifier: ISC */
/* The command line of relay-ctl. */
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
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

/* That line is taken, for this. */
static void
means(const char *line, int action, int op)
{
	ck_assert_msg(parse(line), "%s: %s", line, why);
	ck_assert_int_eq(cmd.action, action);
	ck_assert_int_eq(cmd.op, op);
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
		{ "show tls", CTL_SHOW_TLS },
		{ "show identity", CTL_SHOW_IDENTITY },
		{ "show policy", CTL_SHOW_POLICY },
	};
	size_t i;

	ck_assert_uint_eq(sizeof(all) / sizeof(all[0]), CTL_SHOW_MAX - 1);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		ck_assert_msg(parse(all[i].line), "%s: %s", all[i].line, why);
		ck_assert_int_eq(cmd.action, COMMAND_SHOW);
		ck_assert_int_eq(cmd.what, all[i].what);
		ck_assert_str_eq(cmd.section, strchr(all[i].line, ' ') + 1);
	}
}
END_TEST

START_TEST(prefixes_are_enough_when_unambiguous)
{
	ck_assert(parse("sh proc"));
	ck_assert_int_eq(cmd.what, CTL_SHOW_PROCESSES);
	ck_assert_str_eq(cmd.section, "processes");
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
	ck_assert(parse("t r x"));
	ck_assert_int_eq(cmd.op, CTL_TOKEN_REVOKE);
	ck_assert(parse("sh t"));
	ck_assert_int_eq(cmd.what, CTL_SHOW_TLS);
	ck_assert(parse("n ro a u ws://b p sha256:x e 1m"));
	ck_assert_int_eq(cmd.op, CTL_NODE_ROTATE);
	ck_assert_str_eq(cmd.url, "ws://b");
	ck_assert(parse("a v"));
	ck_assert_int_eq(cmd.op, CTL_AUDIT_VERIFY);
}
END_TEST

START_TEST(ambiguous_prefixes_are_refused)
{
	refused("s", "ambiguous argument \"s\"");
	refused("show s", "ambiguous");
	refused("show se", "ambiguous");
	refused("show p", "ambiguous");
	refused("show pe", "ambiguous");
	refused("show po x", "unknown argument \"x\"");
	refused("e x", "ambiguous");
	refused("node r x", "ambiguous");
	refused("node e", "missing");
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
	refused("node remove x", "revoke");
	refused("node add x", "unknown argument \"add\"");
	refused("node disable x url ws://y", "unknown argument \"url\"");
	refused("enroll x node y", "unknown argument \"node\"");
	refused("audit log", "verify");
	refused("audit show 5", "-n");
	refused("audit show -x 5", "unknown argument \"-x\"");
	refused("audit show -n5", "unknown argument \"-n5\"");
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
	refused("token", "create list revoke");
	refused("token create", "<name>");
	refused("token revoke", "<name>");
	refused("node", "rotate");
	refused("node disable", "<node id>");
	refused("node token", "<node id>");
	refused("enroll", "<node id>");
	refused("enroll x url", "<URL>");
	refused("enroll x pin", "<pin>");
	refused("enroll x expires", "<time>");
	refused("audit", "show verify");
	refused("audit show -n", "<count>");
	refused("explain", "<caller>");
	refused("explain a", "<target>");
	refused("explain a b", "<method>");
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
	refused("token revoke all b", "unknown argument \"b\"");
	refused("token list all", "unknown argument \"all\"");
	refused("node list all", "unknown argument \"all\"");
	refused("node enable a b", "unknown argument \"b\"");
	refused("node token a url", "unknown argument \"url\"");
	refused("enroll x url ws://a url ws://a", "\"url\" is given twice");
	refused("enroll x pin a pin b", "\"pin\" is given twice");
	refused("enroll x expires 1m expires 1m", "\"expires\" is given twice");
	refused("audit show -n 1 -n 1", "\"-n\" is given twice");
	refused("audit verify -n 1", "unknown argument \"-n\"");
	refused("explain a b c d", "unknown argument \"d\"");
	refused("show routes all", "unknown");
}
END_TEST

START_TEST(peer_keeps_its_words)
{
	means("peer add ws://a:1/ws/peers", COMMAND_PEER, CTL_PEER_ADD);
	ck_assert_str_eq(cmd.name, "ws://a:1/ws/peers");
	ck_assert_str_eq(cmd.node_id, "");
	ck_assert(!cmd.persist && !cmd.insecure);
	ck_assert(parse("peer add ws://a persist node persist insecure"));
	ck_assert_str_eq(cmd.node_id, "persist");
	ck_assert(cmd.persist && cmd.insecure);
	means("peer delete add", COMMAND_PEER, CTL_PEER_DELETE);
	ck_assert_str_eq(cmd.name, "add");
	means("peer reset b.main", COMMAND_PEER, CTL_PEER_RESET);
	ck_assert_str_eq(cmd.name, "b.main");
}
END_TEST

START_TEST(token_keeps_its_name)
{
	means("token create list", COMMAND_TOKEN, CTL_TOKEN_CREATE);
	ck_assert_str_eq(cmd.name, "list");
	ck_assert_ptr_null(cmd.section);
	means("token list", COMMAND_TOKEN, CTL_TOKEN_LIST);
	ck_assert_str_eq(cmd.name, "");
	ck_assert_str_eq(cmd.section, "tokens");
	means("token revoke admin", COMMAND_TOKEN, CTL_TOKEN_REVOKE);
	ck_assert_str_eq(cmd.name, "admin");
}
END_TEST

START_TEST(node_keeps_its_words)
{
	static const struct {
		const char	*line;
		enum ctl_node	 op;
	} all[] = {
		{ "node disable expires", CTL_NODE_DISABLE },
		{ "node enable expires", CTL_NODE_ENABLE },
		{ "node revoke expires", CTL_NODE_REVOKE },
		{ "node token expires", CTL_NODE_TOKEN },
		{ "node rotate expires", CTL_NODE_ROTATE },
		{ "enroll expires", CTL_NODE_ENROLL },
	};
	size_t i;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		means(all[i].line, COMMAND_NODE, all[i].op);
		ck_assert_str_eq(cmd.node_id, "expires");
		ck_assert_str_eq(cmd.url, "");
		ck_assert_str_eq(cmd.pin, "");
		ck_assert_uint_eq(cmd.expires_s, i < 4 ? 0 : LIMIT_JOIN_S);
		ck_assert_ptr_null(cmd.section);
	}
	means("node list", COMMAND_NODE, CTL_NODE_LIST);
	ck_assert_str_eq(cmd.section, "nodes");
	ck_assert(parse("enroll a.home expires 7d pin url url wss://b"));
	ck_assert_str_eq(cmd.pin, "url");
	ck_assert_str_eq(cmd.url, "wss://b");
	ck_assert_uint_eq(cmd.expires_s, 7 * 86400);
}
END_TEST

START_TEST(times_have_units)
{
	static const struct {
		const char	*text;
		uint32_t	 s;	/* 0: refused */
	} all[] = {
		{ "1", 1 }, { "90", 90 }, { "90s", 90 }, { "30m", 1800 },
		{ "12h", 43200 }, { "30d", LIMIT_JOIN_MAX_S },
		{ "720h", LIMIT_JOIN_MAX_S }, { "2592000", LIMIT_JOIN_MAX_S },
		{ "721h", 0 }, { "31d", 0 }, { "2592001", 0 }, { "0", 0 },
		{ "0d", 0 }, { "d", 0 }, { "-1", 0 }, { "+1", 0 }, { "1.5h", 0 },
		{ "1H", 0 }, { "1w", 0 }, { "1 h", 0 }, { "1hh", 0 },
		{ "0x10", 0 }, { "99999999999999999999d", 0 },
		{ "4294967297", 0 }, { "soon", 0 },
	};
	char expires[32];
	char *words[] = { (char[]){ "enroll" }, (char[]){ "x" },
	    (char[]){ "expires" }, expires };
	size_t i;
	bool ok;

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		strcpy(expires, all[i].text);
		ok = command_parse(4, words, &cmd, why, sizeof(why));
		ck_assert_msg(ok == (all[i].s != 0), "%s", expires);
		if (ok)
			ck_assert_uint_eq(cmd.expires_s, all[i].s);
		else
			ck_assert_ptr_nonnull(strstr(why, "not a time"));
	}
}
END_TEST

START_TEST(audit_has_a_count)
{
	means("audit show", COMMAND_AUDIT, CTL_AUDIT_SHOW);
	ck_assert_uint_eq(cmd.count, 50);
	ck_assert_str_eq(cmd.section, "audit");
	ck_assert(parse("audit show -n 100000"));
	ck_assert_uint_eq(cmd.count, LIMIT_AUDIT);
	refused("audit show -n 100001", "not a number between 1 and 100000");
	refused("audit show -n 0", "not a number");
	refused("audit show -n -1", "not a number");
	refused("audit show -n all", "not a number");
	means("audit verify", COMMAND_AUDIT, CTL_AUDIT_VERIFY);
	ck_assert_str_eq(cmd.section, "verify");
}
END_TEST

START_TEST(explain_keeps_its_words)
{
	ck_assert(parse("explain home:alice.home call show"));
	ck_assert_int_eq(cmd.action, COMMAND_EXPLAIN);
	ck_assert_str_eq(cmd.caller, "home:alice.home");
	ck_assert_str_eq(cmd.target, "call");
	ck_assert_str_eq(cmd.method, "show");
	ck_assert_str_eq(cmd.section, "candidates");
}
END_TEST

/* An empty word is a mistake, but for the arguments of a call. */
START_TEST(empty_texts_are_refused)
{
	char *enroll[] = { (char[]){ "enroll" }, (char[]){ "" } };
	char *url[] = { (char[]){ "enroll" }, (char[]){ "x" },
	    (char[]){ "url" }, (char[]){ "" } };
	char *call[] = { (char[]){ "call" }, (char[]){ "x" },
	    (char[]){ "y" }, (char[]){ "" } };

	ck_assert(!command_parse(2, enroll, &cmd, why, sizeof(why)));
	ck_assert_str_eq(why, "the node id is empty");
	ck_assert(!command_parse(4, url, &cmd, why, sizeof(why)));
	ck_assert_str_eq(why, "the URL is empty");
	ck_assert(command_parse(4, call, &cmd, why, sizeof(why)));
	ck_assert(!command_parse(3, call + 1, &cmd, why, sizeof(why)));
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
	tcase_add_test(tc, token_keeps_its_name);
	tcase_add_test(tc, node_keeps_its_words);
	tcase_add_test(tc, times_have_units);
	tcase_add_test(tc, audit_has_a_count);
	tcase_add_test(tc, explain_keeps_its_words);
	tcase_add_test(tc, empty_texts_are_refused);
	tcase_add_test(tc, a_small_buffer_is_not_overrun);
	return (suite_run("ctl_parser", tc));
}
