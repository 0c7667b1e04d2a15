/* SPDX-License-Identifier: ISC */
/*
 * The configuration: TLS, credentials and policy as their users get them.
 * What the grammar accepts and says is tested in tests/conf.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "relayd/conf.h"
#include "tests/unit/suite.h"

#define KEY	"ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define PIN	"sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define HASH	"sha256:00000000000000000000000000000000" \
		"0000000000000000000000000000000A"
#define MAIN	"node main \"m\"\nlisten on 127.0.0.1 port 8080\n"
#define HOME	"node home \"h\"\n"

static int
open_text(void *ctx, const char *name, char **data, size_t *len)
{
	(void)name;
	*data = strdup(ctx);
	*len = strlen(ctx);
	return (0);
}

static struct conf *
good(const char *text)
{
	static const struct conf_defaults defaults = { .ca_file = "/ca" };
	struct conf_source	 source = {
		.name = "/etc/relayd/test.conf", .open = open_text,
		.ctx = (void *)(uintptr_t)text, .cwd = "/cwd",
		.defaults = &defaults
	};
	struct conf_errors	 errs = { 0 };
	struct conf		*conf;

	conf = conf_parse(&source, &errs);
	conf_errors_print(&errs, stderr);
	ck_assert_ptr_nonnull(conf);
	conf_errors_free(&errs);
	return (conf);
}

START_TEST(test_defaults)
{
	struct conf	*conf = good(MAIN);

	ck_assert_int_eq(conf->authentication, CONF_AUTH_LOOPBACK);
	ck_assert_ptr_null(conf->url.text);
	ck_assert_uint_eq(conf->nkeys, 0);
	ck_assert_uint_eq(conf->ncas, 0);
	ck_assert_uint_eq(conf->nnodes, 0);
	ck_assert_uint_eq(conf->policy.n, 0);
	ck_assert(!conf->listeners[0].tls);
	ck_assert_str_eq(conf->accounts[CONF_ACCOUNT_KEEPER].name, "_relayk");
	conf_free(conf);
}
END_TEST

START_TEST(test_tls)
{
	struct conf	*conf = good("node main m\n"
			    "tls client-ca \"clients.pem\"\n"
			    "listen on * port 1 tls\n"
			    "tls certificate \"a.pem\" key \"/k/a.key\"\n"
			    "peer \"wss://a\" { certificate \"a.pem\" "
			    "key \"/k/a.key\" }\n"
			    "tls certificate \"b.pem\" key \"/k/a.key\"\n"
			    "peer \"wss://b\" { certificate \"a.pem\" "
			    "key \"/k/a.key\" ca \"/other\" }\n"
			    "peer \"wss://c\" { pin \"" PIN "\" }\n"
			    "peer \"ws://[::1]:2\"\n"
			    "peer \"wss://d\" { ca \"clients.pem\" }\n");

	ck_assert(conf->listeners[0].tls);
	ck_assert_uint_eq(conf->nkeys, 3);
	ck_assert_str_eq(conf->keys[0].certificate, "/etc/relayd/a.pem");
	ck_assert_str_eq(conf->keys[0].key, "/k/a.key");
	ck_assert(conf->keys[0].server);
	ck_assert_uint_eq(conf->keys[0].index, 0);
	ck_assert_uint_eq(conf->keys[0].pos.line, 4);
	/* What is shown to others is another one, and then the same. */
	ck_assert(!conf->keys[1].server);
	ck_assert_uint_eq(conf->peers[0].key, 1);
	ck_assert_uint_eq(conf->peers[1].key, 1);
	ck_assert(conf->keys[2].server);
	ck_assert_uint_eq(conf->peers[2].key, CONF_NONE);
	ck_assert_uint_eq(conf->peers[2].ca, CONF_NONE);
	ck_assert_str_eq(conf->peers[2].pin, PIN);
	ck_assert_uint_eq(conf->peers[3].ca, CONF_NONE);
	ck_assert(conf->cas[0].clients);
	ck_assert_str_eq(conf->cas[0].file, "/etc/relayd/clients.pem");
	ck_assert_str_eq(conf->cas[conf->peers[1].ca].file, "/other");
	/* Of clients and of others are two, even from one file. */
	ck_assert_str_eq(conf->cas[conf->peers[4].ca].file,
	    "/etc/relayd/clients.pem");
	ck_assert_uint_ne(conf->peers[4].ca, 0);
	ck_assert(!conf->cas[conf->peers[4].ca].clients);
	ck_assert_str_eq(conf->cas[conf->peers[0].ca].file, "/ca");
	ck_assert_uint_eq(conf_ca_find(conf, "/ca"), conf->peers[0].ca);
	ck_assert_uint_eq(conf_ca_find(conf, "/none"), CONF_NONE);
	conf_free(conf);
}
END_TEST

START_TEST(test_credentials)
{
	struct conf		*conf = good(MAIN "home \"A.Home\" {\n"
				    "\ttoken \"" HASH "\"\n"
				    "\tsecret s\n}\n"
				    "peer \"ws://127.0.0.1:1\" { key \"" KEY
				    "\" node \"P\" }\n"
				    "main b { secret \"/t\" }\n"
				    "peer \"ws://127.0.0.1:2\" { token /u }\n");
	struct conf_credential	*c = conf->credentials;

	ck_assert_uint_eq(conf->ncredentials, 5);
	ck_assert_uint_eq(conf->nnodes, 2);
	ck_assert_str_eq(conf->nodes[0].node_id, "a.home");
	ck_assert_int_eq(c[0].method, CONF_METHOD_TOKEN);
	ck_assert_str_eq(c[0].value + strlen(c[0].value) - 1, "a");
	ck_assert_ptr_null(c[0].file);
	ck_assert_uint_eq(c[0].pos.line, 4);
	ck_assert_str_eq(conf_credential_node(conf, &c[0]), "a.home");
	ck_assert_int_eq(c[1].method, CONF_METHOD_SECRET);
	ck_assert_str_eq(c[1].file, "/etc/relayd/s");
	ck_assert_ptr_null(c[1].value);
	/* Its node stands behind it, and is known anyway. */
	ck_assert_int_eq(c[2].holder, CONF_HOLDER_PEER);
	ck_assert_uint_eq(c[2].index, 0);
	ck_assert_str_eq(conf_credential_node(conf, &c[2]), "p");
	ck_assert_int_eq(c[3].holder, CONF_HOLDER_MAIN);
	ck_assert_uint_eq(c[3].index, 1);
	ck_assert_str_eq(conf_credential_node(conf, &c[3]), "b");
	ck_assert_int_eq(c[4].method, CONF_METHOD_TOKEN);
	ck_assert_str_eq(c[4].file, "/u");
	ck_assert_ptr_null(conf_credential_node(conf, &c[4]));
	conf_free(conf);
}
END_TEST

START_TEST(test_rules)
{
	struct conf			*conf = good(MAIN "allow call\n"
					    "\n\ndeny call to \\\n main x\n");
	const struct policy_rule	*r = conf->policy.rules;

	ck_assert_uint_eq(conf->policy.n, 2);
	ck_assert(r[0].allow);
	ck_assert_int_eq(r[0].action, POLICY_CALL);
	ck_assert_int_eq(r[0].who, WHO_ANY);
	ck_assert_str_eq(r[0].file, "/etc/relayd/test.conf");
	ck_assert_uint_eq(r[0].line, 3);
	ck_assert(!r[1].allow);
	ck_assert_uint_eq(r[1].line, 6);
	ck_assert_int_eq(r[1].to_who, WHO_MAIN);
	ck_assert_str_eq(r[1].to, "x");
	conf_free(conf);
}
END_TEST

/* The same, written in another order and other words. */
START_TEST(test_equal_elsewhere)
{
	struct conf	*a = good(HOME "uplink \"wss://a\" { ca \"/x\" "
			    "key \"" KEY "\" secret \"/s\" node \"A\" }\n"
			    "listen on 127.0.0.1 port 1 tls\n"
			    "tls certificate \"/c\" key \"/k\"\n"
			    "tls client-ca \"/x\"\n"
			    "allow call from home \"X\" service \"*\"\n");
	struct conf	*b = good("allow call from home x\n\n"
			    "tls client-ca \"/x\"\n"
			    "tls certificate \"/c\" key \"/k\"\n" HOME
			    "listen on 127.0.0.1 port 1 tls\n"
			    "uplink \"wss://A:443/ws/federation\" {\n"
			    "\tnode a\n\tkey \"" KEY "\"\n"
			    "\tsecret \"/s\"\n\tca \"/x\"\n}\n");

	ck_assert(conf_equal(a, b));
	conf_free(a);
	conf_free(b);
}
END_TEST

/* A key or certificate name must say which kind it is. */
START_TEST(test_values)
{
	char	 out[64];

	ck_assert_ptr_null(conf_check_key(KEY));
	ck_assert_ptr_nonnull(conf_check_key(PIN));
	ck_assert_ptr_nonnull(conf_check_key(KEY "A"));
	ck_assert_ptr_nonnull(conf_check_key(""));
	ck_assert_ptr_null(conf_check_pin(PIN));
	ck_assert_ptr_nonnull(conf_check_pin(KEY));
	ck_assert_ptr_nonnull(conf_check_token(HASH, out, sizeof(out)));
	ck_assert_ptr_nonnull(conf_check_certificate("dns:", out,
	    sizeof(out)));
	ck_assert_ptr_null(conf_check_certificate("dns:A.b", out,
	    sizeof(out)));
	ck_assert_str_eq(out, "dns:a.b");
	ck_assert_ptr_null(conf_check_certificate("spiffe://a/B", out,
	    sizeof(out)));
	ck_assert_str_eq(out, "spiffe://a/B");
	ck_assert_ptr_nonnull(conf_check_certificate("spiffe://a/B", out, 12));
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("trust");

	tcase_add_test(tc, test_defaults);
	tcase_add_test(tc, test_tls);
	tcase_add_test(tc, test_credentials);
	tcase_add_test(tc, test_rules);
	tcase_add_test(tc, test_equal_elsewhere);
	tcase_add_test(tc, test_values);
	return (suite_run("conf trust", tc));
}
