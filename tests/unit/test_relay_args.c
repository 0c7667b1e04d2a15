/* SPDX-License-Identifier: ISC */
/*
 * The command line of relay(1): what it accepts, and what it says about
 * what it does not.
 */

#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "relay-ctl/relay.h"
#include "tests/unit/suite.h"

#define ARGS_MAX	32
#define NOW_MS		1795000000000

struct refusal {
	const char	*line;
	const char	*why;	/* a part of the reason */
};

/* Parse a line of words; an argument "''" is empty.  NULL or the reason. */
static const char *
plan_line(const char *line, struct relay_args *args, struct relay_plan *plan)
{
	static char	 why[4096], words[8192];
	static char	*argv[ARGS_MAX + 1];
	char		*next = words, *word;
	int		 argc = 0;

	strlcpy(words, line, sizeof(words));
	argv[argc++] = strdup("relay");
	while ((word = strsep(&next, " ")) != NULL && argc < ARGS_MAX)
		if (word[0] != '\0')
			argv[argc++] = strcmp(word, "''") == 0 ?
			    word + 2 : word;
	argv[argc] = NULL;
	strlcpy(why, "", sizeof(why));
	memset(plan, 0, sizeof(*plan));
	if (!relay_args_parse(args, argc, argv, why, sizeof(why)) ||
	    !relay_plan_make(plan, args, NOW_MS, why, sizeof(why))) {
		free(argv[0]);
		return (why);
	}
	free(argv[0]);
	return (NULL);
}

static const struct refusal refusals[] = {
	{ "", "Main (-server) or a Home (-connect" },
	{ "blog.rl", "Main (-server) or a Home (-connect" },
	{ "-port 1", "Main (-server) or a Home (-connect" },
	{ "-server -connect ws://127.0.0.1", "only be one of them" },
	{ "-connect ws://127.0.0.1 -server", "only be one of them" },
	{ "-server -node-type home", "a Home accepts no links" },
	{ "-connect ws://127.0.0.1 -node-type main", "no Main above it" },
	{ "-server -node-type peer", "not main or home" },
	{ "-server -node-type Main", "not main or home" },
	{ "-server blog.rl", "no services of its own" },
	{ "-node-type main blog.rl", "no services of its own" },
	{ "-server -fallback ws://127.0.0.1", "-fallback: only together" },
	{ "-node-type home -fallback ws://127.0.0.1", "only together" },
	{ "-server -peers ws://a/ws/peers", "add -insecure" },
	{ "-server -peers ws://127.0.0.1:1,ws://a", "URL 2 \"ws://a\": ws://" },
	{ "-connect ws://127.0.0.1 -peers ws://127.0.0.1:1", "only a Main" },
	{ "-node-type home -peers ws://127.0.0.1:1", "only a Main has peers" },
	{ "-peers ws://127.0.0.1:1", "is this a Main" },
	{ "-server -peers", "-peers: its value is missing" },
	{ "-server -peers ws://[::1]:1 -peers ws://[::1]:2", "given twice" },
	{ "-server -peers ''", "URL 1 \"\": there is nothing between" },
	{ "-server -peers ,", "URL 1 \"\": there is nothing between" },
	{ "-server -peers ws://[::1]:1,", "URL 2 \"\": there is nothing" },
	{ "-server -peers ,ws://[::1]:1", "URL 1 \"\": there is nothing" },
	{ "-server -peers ws://[::1]:1,,ws://[::1]:2", "URL 2 \"\"" },
	{ "-server -peers http://[::1]:1", "does not begin with ws" },
	{ "-server -peers [::1]:1", "does not begin with ws" },
	{ "-server -peers ws://[::1]:1,ws://[::1]:0", "URL 2 \"ws://[::1]:0\"" },
	{ "-server -peers ws://[::1]:1;ws://[::1]:2", "URL 1" },
	{ "-server -peers ws://[::1]:1,ws://[::1]:1/ws/peers", "given twice" },
	{ "-server -peers ws://127.0.0.1:8080", "this node itself" },
	{ "-server -peers ws://localhost:8080", "this node itself" },
	{ "-server -port 99 -peers ws://[::1]:1,ws://127.0.0.1:99",
	    "URL 2 \"ws://127.0.0.1:99\": that is this node itself" },
	{ "-server -host * -insecure -peers ws://[::1]:8080", "itself" },
	{ "-server -host ::1 -peers ws://localhost:8080", "itself" },
	{ "-server -host 192.0.2.1 -insecure -peers ws://192.0.2.1:8080",
	    "itself" },
	{ "-server -peers wss://[::1]:1/x,wss://[::1]:1/x", "given twice" },
	{ "-server -peers wss://127.0.0.1:8080", "this node itself" },
	{ "-server -tls-cert x", "-tls-cert: -tls-key is missing" },
	{ "-server -tls-key=x", "-tls-key: -tls-cert is missing" },
	{ "-server -tls-cert x -tls-key ''", "-tls-key: the name of" },
	{ "-server -tls-cert= -tls-key x", "-tls-cert: the name of" },
	{ "-server -host 0.0.0.0 -tls-cert x", "-tls-key is missing" },
	{ "-server -tls-cert x -tls-cert y -tls-key z", "given twice" },
	{ "-connect ws://127.0.0.1 -host 0.0.0.0 -tls-cert x -tls-key y",
	    "a Home listens" },
	{ "-connect ws://relay.example.com -tls-cert x -tls-key y",
	    "add -insecure" },
	{ "-connect ws://127.0.0.1 -o x", "-o: only together with join" },
	{ "-server -verbose", "-verbose: there is no such flag" },
	{ "-server --nosuch=1", "-nosuch: there is no such flag" },
	{ "-server -a-flag-that-is-longer-than-any-flag-is", "no such flag" },
	{ "-server -Port 1", "no such flag" },
	{ "-server ---port 1", "no such flag" },
	{ "-server -=1", "no such flag" },
	{ "-server -port", "-port: its value is missing" },
	{ "-server -port 1 -port 2", "-port: given twice" },
	{ "-server -port x", "not a number between" },
	{ "-server -port 65536", "not a number between" },
	{ "-server -port -1", "not a number between" },
	{ "-server -port ''", "not a number between" },
	{ "-server=maybe", "not true or false" },
	{ "-server=", "not true or false" },
	{ "-server=false", "Main (-server) or a Home" },
	{ "-server -node-id a@b", "-node-id \"a@b\"" },
	{ "-server -node-id a/../b", "-node-id" },
	{ "-server -node-id ''", "cannot be empty" },
	{ "-server -node-id ..", "-node-id" },
	{ "-server -host relay.example.com", "not an IPv4 or IPv6 address" },
	{ "-server -host 0.0.0.0", "-tls-cert and -tls-key" },
	{ "-server -host ''", "-tls-cert and -tls-key" },
	{ "-server -host *", "-tls-cert and -tls-key" },
	{ "-server -host ::", "-tls-cert and -tls-key" },
	{ "-server -host 192.0.2.1 -insecure=false", "-tls-cert and -tls-key" },
	{ "-server -host 128.0.0.1", "-tls-cert and -tls-key" },
	{ "-connect ws://127.0.0.1 -host 0.0.0.0 -insecure", "a Home listens" },
	{ "-connect http://relay.example.com", "does not begin with ws" },
	{ "-connect relay.example.com:8080", "does not begin with ws" },
	{ "-connect ''", "does not begin with ws" },
	{ "-connect ws://relay.example.com", "add -insecure" },
	{ "-connect ws://127.0.0.1 -fallback ws://192.0.2.1", "-insecure" },
	{ "-connect ws://127.0.0.1 -fallback ws://[::1],", "-fallback \"\"" },
	{ "-connect ws://127.0.0.1 -fallback ws://127.0.0.1", "twice" },
	{ "-connect ws://127.0.0.1 a.rl b.rl", "only one service file" },
	{ "-connect ws://127.0.0.1 -- -a -b", "only one service file" },
};

START_TEST(test_refused)
{
	const struct refusal	*r = &refusals[_i];
	struct relay_args	 args;
	struct relay_plan	 plan;
	const char		*why;

	why = plan_line(r->line, &args, &plan);
	ck_assert_msg(why != NULL, "accepted: %s", r->line);
	ck_assert_msg(strstr(why, r->why) != NULL, "%s: %s", r->line, why);
	relay_plan_free(&plan);
}
END_TEST

START_TEST(test_main)
{
	struct relay_args	 args;
	struct relay_plan	 plan;

	ck_assert_ptr_null(plan_line("-server", &args, &plan));
	ck_assert_int_eq(plan.role, ROLE_MAIN);
	ck_assert_str_eq(plan.node_id, "");
	ck_assert_str_eq(plan.host, "127.0.0.1");
	ck_assert_uint_eq(plan.port, 8080);
	ck_assert(!plan.listen_insecure);
	ck_assert_uint_eq(plan.nuplinks, 0);

	ck_assert_ptr_null(plan_line("--server --node-type=main -node-id "
	    "Relay.Example.COM -port=0 -host 0.0.0.0 -insecure", &args,
	    &plan));
	ck_assert_str_eq(plan.node_id, "relay.example.com");
	ck_assert_str_eq(plan.host, "0.0.0.0");
	ck_assert_uint_eq(plan.port, 0);
	ck_assert(plan.listen_insecure);

	ck_assert_ptr_null(plan_line("-node-type main -host ::1 -port 65535",
	    &args, &plan));
	ck_assert_int_eq(plan.role, ROLE_MAIN);
	ck_assert_uint_eq(plan.port, 65535);
	ck_assert(!plan.listen_insecure);
}
END_TEST

START_TEST(test_home)
{
	struct relay_args	 args;
	struct relay_plan	 plan;

	/* As SEED.md writes it: the file comes first. */
	ck_assert_ptr_null(plan_line("blog.rl -node-type home -node-id "
	    "alice.home -connect ws://relay-a.com:8080 -fallback "
	    "ws://relay-b.com:8081/ws/federation,ws://[::1]:8082 -insecure",
	    &args, &plan));
	ck_assert_str_eq(args.file, "blog.rl");
	ck_assert_int_eq(plan.role, ROLE_HOME);
	ck_assert_uint_eq(plan.port, 0);
	ck_assert_uint_eq(plan.nuplinks, 3);
	ck_assert_str_eq(plan.uplinks[0].url.text,
	    "ws://relay-a.com:8080/ws/federation");
	ck_assert(plan.uplinks[0].insecure);
	ck_assert_str_eq(plan.uplinks[1].url.host, "relay-b.com");
	ck_assert_str_eq(plan.uplinks[2].url.text,
	    "ws://[::1]:8082/ws/federation");
	ck_assert(!plan.uplinks[2].insecure);
	relay_plan_free(&plan);

	ck_assert_ptr_null(plan_line("-connect=ws://localhost -- -odd.rl",
	    &args, &plan));
	ck_assert_str_eq(args.file, "-odd.rl");
	relay_plan_free(&plan);
	ck_assert_ptr_null(plan_line("-node-type home", &args, &plan));
	ck_assert_int_eq(plan.role, ROLE_HOME);
	ck_assert_uint_eq(plan.nuplinks, 0);
}
END_TEST

START_TEST(test_main_with_peers)
{
	struct relay_args	 args;
	struct relay_plan	 plan;

	/* As SEED.md writes it. */
	ck_assert_ptr_null(plan_line("-server -port 8080 -peers "
	    "ws://relay-b.com:8081/ws/peers,ws://relay-c.com:8082/ws/peers "
	    "-insecure", &args, &plan));
	ck_assert_int_eq(plan.role, ROLE_MAIN);
	ck_assert_uint_eq(plan.npeers, 2);
	ck_assert_str_eq(plan.peers[0].url.text,
	    "ws://relay-b.com:8081/ws/peers");
	ck_assert(plan.peers[0].insecure);
	ck_assert_str_eq(plan.peers[1].url.host, "relay-c.com");
	ck_assert(!plan.listen_insecure);
	relay_plan_free(&plan);
	ck_assert_uint_eq(plan.npeers, 0);

	/* Other ports and addresses of this machine are other nodes. */
	ck_assert_ptr_null(plan_line("-server -peers=ws://127.0.0.1:8081,"
	    "ws://127.0.0.2:8080,ws://[::1]:8080", &args, &plan));
	ck_assert_uint_eq(plan.npeers, 3);
	ck_assert_str_eq(plan.peers[0].url.path, "/ws/peers");
	ck_assert(!plan.peers[0].insecure);
	relay_plan_free(&plan);
	ck_assert_ptr_null(plan_line("-server -port 0 -peers "
	    "ws://127.0.0.1:8080", &args, &plan));
	relay_plan_free(&plan);
}
END_TEST

START_TEST(test_tls)
{
	struct relay_args	 args;
	struct relay_plan	 plan;

	ck_assert_ptr_null(plan_line("-server -host 0.0.0.0 -tls-cert a.pem "
	    "-tls-key=/b.pem -peers wss://relay-b.com", &args, &plan));
	ck_assert_str_eq(plan.tls_cert, "a.pem");
	ck_assert_str_eq(plan.tls_key, "/b.pem");
	ck_assert(!plan.listen_insecure);
	ck_assert(!plan.no_authentication);
	ck_assert_str_eq(plan.peers[0].url.text,
	    "wss://relay-b.com:443/ws/peers");
	ck_assert(!plan.peers[0].insecure);
	relay_plan_free(&plan);

	/* Who may link is one thing, what is in the clear another. */
	ck_assert_ptr_null(plan_line("-server -host 0.0.0.0 -tls-cert a "
	    "-tls-key b -insecure", &args, &plan));
	ck_assert(!plan.listen_insecure);
	ck_assert(plan.no_authentication);
	ck_assert_ptr_null(plan_line("-server -insecure", &args, &plan));
	ck_assert(plan.no_authentication);

	ck_assert_ptr_null(plan_line("-connect wss://relay.example.com "
	    "-fallback wss://[::1]:1,ws://b.com -insecure -tls-cert a "
	    "-tls-key b", &args, &plan));
	ck_assert_str_eq(plan.uplinks[0].url.text,
	    "wss://relay.example.com:443/ws/federation");
	ck_assert(!plan.uplinks[0].insecure);
	ck_assert(!plan.uplinks[1].insecure);
	ck_assert(plan.uplinks[2].insecure);
	ck_assert(!plan.no_authentication);
	ck_assert_str_eq(plan.join.node_id, "");
	relay_plan_free(&plan);
}
END_TEST

START_TEST(test_many_peers)
{
	struct relay_args	 args;
	struct relay_plan	 plan;
	char			 line[8192], one[32];
	int			 i;

	strlcpy(line, "-server -peers ws://[::1]:1", sizeof(line));
	for (i = 1; i < LIMIT_PEERS; i++) {
		snprintf(one, sizeof(one), ",ws://[::1]:%d", i + 1);
		strlcat(line, one, sizeof(line));
	}
	ck_assert_ptr_null(plan_line(line, &args, &plan));
	ck_assert_uint_eq(plan.npeers, LIMIT_PEERS);
	relay_plan_free(&plan);
	strlcat(line, ",ws://[::1]:99", sizeof(line));
	ck_assert_ptr_nonnull(strstr(plan_line(line, &args, &plan),
	    "-peers, URL 65 \"ws://[::1]:99\": a Main has no more than 64"));
	relay_plan_free(&plan);
}
END_TEST

START_TEST(test_many_uplinks)
{
	struct relay_args	 args;
	struct relay_plan	 plan;
	char			 line[1024], one[32];
	int			 i;

	strlcpy(line, "-connect ws://127.0.0.1:1 -fallback ws://127.0.0.1:2",
	    sizeof(line));
	for (i = 2; i < LIMIT_UPLINKS; i++) {
		snprintf(one, sizeof(one), ",ws://127.0.0.1:%d", i + 1);
		strlcat(line, one, sizeof(line));
	}
	ck_assert_ptr_null(plan_line(line, &args, &plan));
	ck_assert_uint_eq(plan.nuplinks, LIMIT_UPLINKS);
	relay_plan_free(&plan);
	strlcat(line, ",ws://127.0.0.1:99", sizeof(line));
	ck_assert_ptr_nonnull(strstr(plan_line(line, &args, &plan),
	    "more than"));
	relay_plan_free(&plan);
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("flags");

	tcase_add_loop_test(tc, test_refused, 0,
	    sizeof(refusals) / sizeof(refusals[0]));
	tcase_add_test(tc, test_main);
	tcase_add_test(tc, test_main_with_peers);
	tcase_add_test(tc, test_tls);
	tcase_add_test(tc, test_many_peers);
	tcase_add_test(tc, test_home);
	tcase_add_test(tc, test_many_uplinks);
	return (suite_run("relay_args", tc));
}
