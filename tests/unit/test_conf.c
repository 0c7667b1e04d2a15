/* SPDX-License-Identifier: ISC */
/*
 * The configuration: positions, peers, comparing, reading.  What the grammar
 * accepts and says is tested in tests/conf.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "common/limits.h"
#include "relayd/conf.h"
#include "tests/unit/suite.h"

static int
open_text(void *ctx, const char *name, char **data, size_t *len)
{
	ck_assert_str_eq(name, "test.conf");
	*data = strdup(ctx);
	*len = strlen(ctx);
	return (0);
}

static struct conf *
parse(const char *text, struct conf_errors *errs)
{
	struct conf_source	 source = {
		.name = "test.conf", .open = open_text,
		.ctx = (void *)(uintptr_t)text, .cwd = "/cwd"
	};

	memset(errs, 0, sizeof(*errs));
	return (conf_parse(&source, errs));
}

/* A configuration that must be right. */
static struct conf *
good(const char *text)
{
	struct conf_errors	 errs;
	struct conf		*conf;

	conf = parse(text, &errs);
	if (conf == NULL)
		conf_errors_print(&errs, stderr);
	ck_assert_ptr_nonnull(conf);
	conf_errors_free(&errs);
	return (conf);
}

#define MAIN	"node main \"m\"\nlisten on 127.0.0.1 port 8080\n"

#define HOME	"node home \"h\"\nuplink \"ws://127.0.0.1:8080\"\n"

START_TEST(test_defaults)
{
	struct conf	*conf = good(MAIN);

	ck_assert_int_eq(conf->role, ROLE_MAIN);
	ck_assert_uint_eq(conf->call_timeout_ms, 60000);
	ck_assert_uint_eq(conf->hold_down_ms, 300000);
	ck_assert_uint_eq(conf->npeers, 0);
	ck_assert_uint_eq(conf->max_message, 1U << 20);
	ck_assert_uint_eq(conf->max_connections, LIMIT_CONNECTIONS);
	ck_assert_int_eq(conf->sandbox, SANDBOX_ENFORCE);
	ck_assert_int_eq(conf->log, CONF_LOG_BRIEF);
	ck_assert_str_eq(conf->control, RUN_DIR "/relayd.sock");
	ck_assert_str_eq(conf->state_directory, STATE_DIR);
	ck_assert_str_eq(conf->accounts[CONF_ACCOUNT_REGISTRY].name,
	    "_relayg");
	ck_assert_uint_eq(conf->accounts[CONF_ACCOUNT_REGISTRY].pos.line, 0);
	ck_assert_uint_eq(conf->nservices, 0);
	conf_free(conf);
	conf_free(NULL);
}
END_TEST

START_TEST(test_positions)
{
	struct conf	*conf = good(HOME "\nlisten \\\n on ::1 port 0\n"
			    "account router 7\nservice \"a\" { exec \"x\" }\n"
			    "service \"b\" {\n\n\texec \"/y\" \"z\"\n}\n");

	ck_assert_str_eq(conf->node_pos.file, "test.conf");
	ck_assert_uint_eq(conf->node_pos.line, 1);
	ck_assert_uint_eq(conf->uplinks[0].pos.line, 2);
	ck_assert_uint_eq(conf->listeners[0].pos.line, 4);
	ck_assert_uint_eq(conf->accounts[CONF_ACCOUNT_ROUTER].pos.line, 6);
	ck_assert_uint_eq(conf->services[1].pos.line, 8);
	ck_assert_uint_eq(conf->services[1].index, 1);
	ck_assert_uint_eq(conf->services[1].backend_pos.line, 10);
	ck_assert_str_eq(conf->services[0].argv[0], "/cwd/x");
	ck_assert_str_eq(conf->services[1].argv[0], "/y");
	ck_assert_str_eq(conf->services[1].argv[1], "z");
	ck_assert_ptr_null(conf->services[1].argv[2]);
	conf_free(conf);
}
END_TEST

START_TEST(test_nothing_on_error)
{
	struct conf_errors	 errs;

	ck_assert_ptr_null(parse(MAIN "log loud\nbogus\n", &errs));
	ck_assert_uint_eq(errs.count, 2);
	ck_assert_uint_eq(errs.nerrors, 2);
	ck_assert_str_eq(errs.list[0].file, "test.conf");
	ck_assert_uint_eq(errs.list[0].line, 3);
	ck_assert_uint_eq(errs.list[1].line, 4);
	conf_errors_free(&errs);
	ck_assert_uint_eq(errs.count, 0);
	ck_assert_ptr_null(errs.list);
}
END_TEST

START_TEST(test_warning_is_no_error)
{
	struct conf_errors	 errs;
	struct conf		*conf;

	conf = parse("node home h\n", &errs);
	ck_assert_ptr_nonnull(conf);
	ck_assert_uint_eq(errs.count, 1);
	ck_assert_uint_eq(errs.nerrors, 0);
	ck_assert(errs.list[0].warning);
	conf_errors_free(&errs);
	conf_free(conf);
}
END_TEST

START_TEST(test_error_cap)
{
	struct conf_errors	 errs;
	char			 text[4096] = "";
	int			 i;

	for (i = 0; i < LIMIT_CONF_ERRORS - 1; i++)
		strlcat(text, "bogus\n", sizeof(text));
	ck_assert_ptr_null(parse(text, &errs));
	ck_assert_uint_eq(errs.nerrors, LIMIT_CONF_ERRORS - 1);
	ck_assert_uint_eq(errs.count, LIMIT_CONF_ERRORS - 1);
	conf_errors_free(&errs);
	for (i = 0; i < 10; i++)
		strlcat(text, "bogus\n", sizeof(text));
	ck_assert_ptr_null(parse(text, &errs));
	ck_assert_uint_eq(errs.nerrors, LIMIT_CONF_ERRORS);
	ck_assert_uint_eq(errs.count, LIMIT_CONF_ERRORS + 1);
	conf_errors_free(&errs);
}
END_TEST

START_TEST(test_listeners)
{
	struct conf		*conf = good("node main m\n"
				    "listen on 127.0.0.1 port 80\n"
				    "listen on ::1 port 81\n"
				    "listen on * port 82 insecure\n"
				    "listen on \"/run/s\"\n");
	struct conf_listener	*l = conf->listeners;
	struct sockaddr_storage	 ss;
	struct sockaddr_in	*sin = (struct sockaddr_in *)&ss;
	struct sockaddr_in6	*sin6 = (struct sockaddr_in6 *)&ss;
	char			 name[128];

	ck_assert_uint_eq(conf_listener_sockaddr(&l[0], AF_INET6, &ss),
	    sizeof(*sin));
	ck_assert_int_eq(ss.ss_family, AF_INET);
	ck_assert_uint_eq(ntohs(sin->sin_port), 80);
	ck_assert_uint_eq(ntohl(sin->sin_addr.s_addr), INADDR_LOOPBACK);
	ck_assert_uint_eq(conf_listener_sockaddr(&l[1], AF_INET, &ss),
	    sizeof(*sin6));
	ck_assert(IN6_IS_ADDR_LOOPBACK(&sin6->sin6_addr));
	conf_listener_sockaddr(&l[2], AF_INET, &ss);
	ck_assert_int_eq(ss.ss_family, AF_INET);
	ck_assert_uint_eq(sin->sin_addr.s_addr, INADDR_ANY);
	conf_listener_sockaddr(&l[2], AF_INET6, &ss);
	ck_assert_int_eq(ss.ss_family, AF_INET6);
	ck_assert_uint_eq(ntohs(sin6->sin6_port), 82);
	ck_assert(IN6_IS_ADDR_UNSPECIFIED(&sin6->sin6_addr));
	conf_listener_sockaddr(&l[3], AF_INET, &ss);
	ck_assert_int_eq(ss.ss_family, AF_UNIX);
	ck_assert_str_eq(((struct sockaddr_un *)&ss)->sun_path, "/run/s");
	conf_listener_name(&l[1], name, sizeof(name));
	ck_assert_str_eq(name, "::1 port 81");
	conf_listener_name(&l[2], name, sizeof(name));
	ck_assert_str_eq(name, "* port 82");
	ck_assert(conf_listener_is_local(&l[0]));
	ck_assert(conf_listener_is_local(&l[1]));
	ck_assert(!conf_listener_is_local(&l[2]));
	ck_assert(conf_listener_is_local(&l[3]));
	ck_assert_uint_eq(l[3].index, 3);
	conf_free(conf);
}
END_TEST

START_TEST(test_peers)
{
	struct conf		*conf = good(MAIN "peer \"ws://127.0.0.1:81\"\n"
				    "peer \"ws://B:82/x\" insecure {\n"
				    "\tnode \"B.Main\"\n}\n");
	struct conf_link	*p = conf->peers;

	ck_assert_uint_eq(conf->npeers, 2);
	ck_assert_uint_eq(p[0].index, 0);
	ck_assert_uint_eq(p[0].pos.line, 3);
	ck_assert_str_eq(p[0].url.host, "127.0.0.1");
	ck_assert_uint_eq(p[0].url.port, 81);
	ck_assert_str_eq(p[0].url.path, "/ws/peers");
	ck_assert(!p[0].insecure);
	ck_assert_ptr_null(p[0].node_id);
	ck_assert_uint_eq(p[1].index, 1);
	ck_assert_uint_eq(p[1].pos.line, 4);
	ck_assert_str_eq(p[1].url.text, "ws://b:82/x");
	ck_assert(p[1].insecure);
	ck_assert_str_eq(p[1].node_id, "b.main");
	ck_assert_uint_eq(p[1].node_pos.line, 5);
	conf_free(conf);
}
END_TEST

/* A refused peer leaves nothing behind that its block could go to. */
START_TEST(test_refused_peer_keeps_its_block)
{
	struct conf_errors	 errs;

	ck_assert_ptr_null(parse(MAIN "peer \"ws://127.0.0.1:81\"\n"
	    "peer \"ws://\" { node \"b\" }\n"
	    "peer \"ws://127.0.0.1:82\" { node \"b\" }\n", &errs));
	ck_assert_uint_eq(errs.nerrors, 1);
	ck_assert_uint_eq(errs.list[0].line, 4);
	conf_errors_free(&errs);
}
END_TEST

#define SERVICE	"service \"s\" { exec \"x\" \"y\" methods { \"m\" } " \
		"label \"k\" \"v\" user \"u\" }\n"

#define KEY	"ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define PIN	"sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/* Each of these differs from the first in one value. */
static const char *const different[] = {
	HOME SERVICE,
	"node home \"i\"\nuplink \"ws://127.0.0.1:8080\"\n" SERVICE,
	"node home \"h\"\nuplink \"ws://127.0.0.1:8081\"\n" SERVICE,
	"node home \"h\"\nuplink \"ws://127.0.0.1:8080\" insecure\n" SERVICE,
	HOME "uplink \"ws://127.0.0.1:8081\"\n" SERVICE,
	HOME "listen on 127.0.0.1 port 80\n" SERVICE,
	HOME "listen on 127.0.0.1 port 81\n" SERVICE,
	HOME "listen on 127.0.0.2 port 80\n" SERVICE,
	HOME "listen on ::1 port 80\n" SERVICE,
	HOME "listen on \"/a\"\n" SERVICE,
	HOME "listen on \"/b\"\n" SERVICE,
	HOME "listen on 127.0.0.1 port 80 insecure\n" SERVICE,
	HOME "tls certificate \"/a\" key \"/b\"\n"
	    "listen on 127.0.0.1 port 80 tls\n" SERVICE,
	HOME "tls certificate \"/a\" key \"/b\"\n" SERVICE,
	HOME "tls certificate \"/a\" key \"/c\"\n" SERVICE,
	HOME "tls certificate \"/c\" key \"/b\"\n" SERVICE,
	HOME "tls client-ca \"/a\"\n" SERVICE,
	HOME "tls client-ca \"/b\"\n" SERVICE,
	HOME "uplink \"wss://a\"\n",
	HOME "uplink \"wss://a:80\"\n",
	HOME "uplink \"ws://a\" insecure\n",
	HOME "uplink \"wss://a\" { ca \"/a\" }\n",
	HOME "uplink \"wss://a\" { ca \"/b\" }\n",
	HOME "uplink \"wss://a\" { node \"a\" }\n",
	HOME "uplink \"wss://a\" { pin \"" PIN "A\" }\n",
	HOME "uplink \"wss://a\" { pin \"" PIN "E\" }\n",
	HOME "uplink \"wss://a\" { key \"" KEY "A\" }\n",
	HOME "uplink \"wss://a\" { key \"" KEY "E\" }\n",
	HOME "uplink \"wss://a\" { node \"m\" key \"" KEY "A\" join \"/a\" }\n",
	HOME "uplink \"wss://a\" { secret \"/a\" }\n",
	HOME "uplink \"wss://a\" { secret \"/b\" }\n",
	HOME "uplink \"wss://a\" { token \"/a\" }\n",
	HOME "uplink \"wss://a\" { certificate \"/a\" key \"/b\" }\n",
	HOME "uplink \"wss://a\" { certificate \"/a\" key \"/c\" }\n",
	HOME "uplink \"wss://a\" { certificate \"/c\" key \"/b\" }\n",
	HOME "deny call\n",
	HOME "allow call\n",
	HOME "deny publish\n",
	HOME "deny call service \"a\"\n",
	HOME "deny call method \"a\"\n",
	HOME "deny call from home \"a\"\n",
	HOME "deny call from main \"a\"\n",
	HOME "deny call from home \"b\"\n",
	HOME "deny publish visibility main\n",
	HOME "allow call from home \"a\"\ndeny call\n",
	HOME "origin \"https://a\"\n" SERVICE,
	HOME "origin \"https://b\"\n" SERVICE,
	HOME "call-timeout 1s\n" SERVICE,
	HOME "hold-down 1s\n" SERVICE,
	HOME "max-message 2M\n" SERVICE,
	HOME "max-connections 1\n" SERVICE,
	HOME "max-connections 12000 per-address 1\n" SERVICE,
	HOME "log verbose\n" SERVICE,
	HOME "sandbox log\n" SERVICE,
	HOME "sandbox off\n" SERVICE,
	HOME "control \"/c\"\n" SERVICE,
	HOME "state-directory \"/d\"\n" SERVICE,
	HOME "account router 5\n" SERVICE,
	HOME "account router r\n" SERVICE,
	HOME,
	HOME SERVICE "service \"t\" { exec \"x\" }\n",
	HOME "service \"s\" { exec \"z\" }\n",
	HOME "service \"s\" { exec \"x\" }\n",
	HOME "service \"s\" { exec \"x\" \"y\" }\n",
	HOME "service \"s\" { exec \"x\" version 0.0.1 }\n",
	HOME "service \"s\" { exec \"x\" instances 2 }\n",
	HOME "service \"s\" { exec \"x\" user 5 }\n",
	HOME "service \"s\" { exec \"x\" user 6 }\n",
	HOME "service \"s\" { exec \"x\" timeout 5s }\n",
	HOME "service \"s\" { exec \"x\" weight 5 }\n",
	HOME "service \"s\" { exec \"x\" max-concurrency 5 }\n",
	HOME "service \"s\" { exec \"x\" visibility main }\n",
	HOME "service \"s\" { exec \"x\" visibility private }\n",
	HOME "service \"s\" { exec \"x\" label \"a\" \"b\" }\n",
	HOME "service \"s\" { exec \"x\" label \"a\" \"c\" }\n",
	HOME "service \"s\" { exec \"x\" label \"b\" \"b\" }\n",
	HOME "service \"s\" { exec \"x\" methods { \"n\" } }\n",
	HOME "service \"s\" { exec \"x\" methods { \"o\" } }\n",
	HOME "service \"s\" { exec \"x\" methods { n { timeout 1s } } }\n",
	HOME "service \"s\" { exec \"x\" methods { n { idempotent yes } } }\n",
	HOME "service \"s\" { unix \"/x\" }\n",
	HOME "service \"s\" { unix \"/y\" }\n",
	HOME "service \"s\" { http \"http://127.0.0.1\" }\n",
	HOME "service \"s\" { http \"http://127.0.0.1\" insecure }\n",
	HOME "service \"s\" { http \"http://127.0.0.1:81\" }\n",
	MAIN,
	MAIN "url \"ws://a\"\n",
	MAIN "url \"wss://a\"\n",
	MAIN "authentication none\n",
	MAIN "authentication required\n",
	MAIN "home \"a\" { key \"" KEY "A\" }\n",
	MAIN "home \"b\" { key \"" KEY "A\" }\n",
	MAIN "main \"a\" { key \"" KEY "A\" }\n",
	MAIN "home \"a\" { key \"" KEY "E\" }\n",
	MAIN "home \"a\" { secret \"/a\" }\n",
	MAIN "home \"a\" { key \"" KEY "A\" secret \"/a\" }\n",
	MAIN "home \"a\" { secret \"/a\" key \"" KEY "A\" }\n",
	MAIN "home \"a\" { key \"" KEY "A\" }\n"
	    "home \"b\" { secret \"/a\" }\n",
	MAIN "home \"b\" { secret \"/a\" }\n"
	    "home \"a\" { key \"" KEY "A\" }\n",
	MAIN "peer \"ws://127.0.0.1\" { key \"" KEY "A\" }\n",
	MAIN "peer \"wss://127.0.0.1\"\n",
	MAIN "deny connect from any\n",
	MAIN "deny connect from home \"a\"\n",
	MAIN "deny call to home \"a\"\n",
	MAIN "deny admin\n",
	MAIN "peer \"ws://127.0.0.1\"\n",
	MAIN "peer \"ws://127.0.0.1\" insecure\n",
	MAIN "peer \"ws://127.0.0.1:81\"\n",
	MAIN "peer \"ws://127.0.0.1/x\"\n",
	MAIN "peer \"ws://127.0.0.1\" { node \"b\" }\n",
	MAIN "peer \"ws://127.0.0.1\" { node \"c\" }\n",
	MAIN "peer \"ws://127.0.0.1\"\npeer \"ws://127.0.0.1:81\"\n",
	MAIN "peer \"ws://127.0.0.1:81\"\npeer \"ws://127.0.0.1\"\n",
};

#define NDIFFERENT	(sizeof(different) / sizeof(different[0]))

START_TEST(test_equal)
{
	struct conf	*a = good(different[_i]), *b;
	size_t		 i;

	for (i = 0; i < NDIFFERENT; i++) {
		b = good(different[i]);
		ck_assert_msg(conf_equal(a, b) == (i == (size_t)_i),
		    "%s\nand\n%s", different[_i], different[i]);
		conf_free(b);
	}
	conf_free(a);
}
END_TEST

START_TEST(test_equal_elsewhere)
{
	struct conf	*a = good(MAIN);
	struct conf	*b = good("# moved\nm = \"m\"\n\nnode main $m\n"
			    "listen on 127.0.0.1 \\\n port 8080\n");

	ck_assert(conf_equal(a, b));
	ck_assert(conf_listener_equal(&a->listeners[0], &b->listeners[0]));
	conf_free(a);
	conf_free(b);
}
END_TEST

START_TEST(test_print_fails)
{
	struct conf	*conf = good(MAIN);
	FILE		*f = fopen("/dev/full", "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(conf_print(conf, f), -1);
	fclose(f);
	conf_free(conf);
}
END_TEST

static void
write_file(const char *path, size_t size)
{
	FILE	*f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	while (size-- > 0)
		putc('\n', f);
	ck_assert_int_eq(fclose(f), 0);
}

START_TEST(test_open_file)
{
	char	 dir[] = "/tmp/test_conf.XXXXXX", path[64];
	char	*data = NULL;
	size_t	 len = 0;

	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/x", dir);
	ck_assert_int_eq(conf_open_file(NULL, path, &data, &len), ENOENT);
	ck_assert_int_eq(conf_open_file(NULL, dir, &data, &len), EISDIR);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(conf_open_file(NULL, path, &data, &len), EINVAL);
	unlink(path);
	write_file(path, 0);
	ck_assert_int_eq(conf_open_file(NULL, path, &data, &len), 0);
	ck_assert_uint_eq(len, 0);
	free(data);
	write_file(path, LIMIT_CONF_FILE + 10);
	ck_assert_int_eq(conf_open_file(NULL, path, &data, &len), 0);
	ck_assert_uint_eq(len, LIMIT_CONF_FILE + 1);
	free(data);
	unlink(path);
	rmdir(dir);
}
END_TEST

START_TEST(test_large_file)
{
	struct conf_errors	 errs;
	char			*text = malloc(LIMIT_CONF_FILE + 2);

	ck_assert_ptr_nonnull(text);
	memset(text, '\n', LIMIT_CONF_FILE + 1);
	text[LIMIT_CONF_FILE + 1] = '\0';
	ck_assert_ptr_null(parse(text, &errs));
	ck_assert_ptr_nonnull(strstr(errs.list[0].text, "larger than"));
	conf_errors_free(&errs);
	memcpy(text, MAIN, strlen(MAIN));
	text[LIMIT_CONF_FILE] = '\0';
	conf_free(good(text));
	free(text);
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("conf");

	tcase_add_test(tc, test_defaults);
	tcase_add_test(tc, test_positions);
	tcase_add_test(tc, test_nothing_on_error);
	tcase_add_test(tc, test_warning_is_no_error);
	tcase_add_test(tc, test_error_cap);
	tcase_add_test(tc, test_listeners);
	tcase_add_test(tc, test_peers);
	tcase_add_test(tc, test_refused_peer_keeps_its_block);
	tcase_add_loop_test(tc, test_equal, 0, NDIFFERENT);
	tcase_add_test(tc, test_equal_elsewhere);
	tcase_add_test(tc, test_print_fails);
	tcase_add_test(tc, test_open_file);
	tcase_add_test(tc, test_large_file);
	return (suite_run("conf", tc));
}
