/* SPDX-License-Identifier: ISC */
/*
 * One generation as messages (relayd/confsend.c): what each child gets of
 * TLS, credentials and policy, and that it gets nothing else.
 */
#include <sys/stat.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/wire.h"
#include "relayd/relayd.h"
#include "tests/unit/confsend_fixture.h"
#include "tests/unit/suite.h"

#define KEY	"ed25519:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static const char main_text[] =
    "node main m\n"
    "tls certificate \"$cert\" key \"$key\"\n"
    "tls client-ca \"$ca\"\n"
    "listen on 127.0.0.1 port 1 tls\n"
    "url \"wss://m.example\"\n"
    "authentication required\n"
    "home \"a\" { key \"" KEY "\" secret \"$secret\" }\n"
    "peer \"wss://b\" { node b ca \"$ca\" certificate \"$cert\" key \"$key\" "
    "token \"$secret\" }\n"
    "peer \"ws://127.0.0.1:2\"\n"
    "peer \"wss://c\" { pin \"sha256:"
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\" }\n"
    "deny call from anonymous\n"
    "allow connect from any\n";

static const char home_text[] =
    "node home h\n"
    "uplink \"wss://m\" { node m ca \"$ca\" key \"" KEY "\" join \"$join\" }\n"
    "uplink \"ws://127.0.0.1:3\"\n"
    "deny publish\n";

static void
expect_begin(struct got *g, uint8_t authentication, const char *url)
{
	struct wire_get *m = expect(g, MSG_CONF_BEGIN, 0);
	char buf[1100];

	ck_assert_uint_eq(get_u32(m), 7);
	m = expect(g, MSG_CONF_NODE, 0);
	(void)get_u8(m);
	get_str(m, buf, sizeof(buf));
	(void)get_u32(m);
	(void)get_u32(m);
	(void)get_u32(m);
	(void)get_u32(m);
	(void)get_u32(m);
	ck_assert_uint_eq(get_u8(m), authentication);
	get_str(m, buf, sizeof(buf));
	ck_assert_str_eq(buf, url);
	ck_assert(get_done(m));
}

static void
expect_end(struct got *g)
{
	(void)expect(g, MSG_CONF_END, 0);
	ck_assert_uint_eq(g->at, g->len);
	ck_assert_uint_eq(g->fd_at, g->n_fds);
}

static void
expect_str(struct wire_get *m, const char *text)
{
	char buf[1100];

	get_str(m, buf, sizeof(buf));
	ck_assert_str_eq(buf, text);
}

static void
expect_file(struct wire_get *m, size_t i)
{
	char path[128];

	file_path(i, path, sizeof(path));
	expect_str(m, path);
	ck_assert(get_done(m));
}

static void
expect_certificate(struct got *g, uint32_t index, bool server)
{
	struct wire_get *m = expect(g, MSG_CONF_CERTIFICATE, 100);

	ck_assert_uint_eq(get_u32(m), index);
	ck_assert(get_bool(m) == server);
	expect_file(m, 0);
}

static void
expect_tls(struct wire_get *m, bool tls, uint32_t ca, const char *pin,
    uint32_t key)
{
	ck_assert(get_bool(m) == tls);
	ck_assert_uint_eq(get_u32(m), ca);
	expect_str(m, pin);
	ck_assert_uint_eq(get_u32(m), key);
}

static void
expect_peer(struct got *g, uint32_t index, bool tls, uint32_t ca,
    const char *pin, uint32_t key)
{
	struct wire_get *m = expect(g, MSG_CONF_PEER, 0);
	char buf[1100];

	ck_assert_uint_eq(get_u32(m), index);
	get_str(m, buf, sizeof(buf));
	(void)get_u16(m);
	get_str(m, buf, sizeof(buf));
	get_str(m, buf, sizeof(buf));
	ck_assert_uint_eq(get_u8(m), PEER_CONFIGURED);
	expect_tls(m, tls, ca, pin, key);
	ck_assert(get_done(m));
}

static void
expect_peers(struct got *g)
{
	expect_peer(g, 0, true, 1, "", 1);
	expect_peer(g, 1, false, CONF_NONE, "", CONF_NONE);
	expect_peer(g, 2, true, CONF_NONE, "sha256:"
	    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", CONF_NONE);
}

static void
expect_credential(struct got *g, unsigned int holder, uint32_t index,
    const char *node, unsigned int method, const char *value, size_t file)
{
	struct wire_get *m = expect(g, MSG_CONF_CREDENTIAL,
	    file < NAMES ? (off_t)(100 + file) : 0);

	ck_assert_uint_eq(get_u8(m), holder);
	ck_assert_uint_eq(get_u32(m), index);
	expect_str(m, node);
	ck_assert_uint_eq(get_u8(m), method);
	expect_str(m, value);
	if (file < NAMES)
		expect_file(m, file);
	else
		expect_str(m, "");
	ck_assert(get_done(m));
}

static void
expect_rule(struct got *g, uint32_t index, enum policy_action action,
    bool allow)
{
	struct wire_get *m = expect(g, MSG_CONF_RULE, 0);
	struct policy_rule rule;

	ck_assert_uint_eq(get_u32(m), index);
	get_rule(m, &rule);
	ck_assert(get_done(m));
	ck_assert_int_eq(rule.action, action);
	ck_assert(rule.allow == allow);
	ck_assert_str_eq(rule.file, "x.conf");
}

/* --- tests --- */

static struct conf	*conf;
static struct got	 g;

static void
teardown(void)
{
	conf_free(conf);
	conf = NULL;
	confsend_teardown();
}

#define URL	"wss://m.example:443/ws/federation"

START_TEST(a_main_to_its_keeper)
{
	struct wire_get *m;
	uint32_t i;

	conf = parse(main_text);
	get(PROC_KEEPER, conf, &g);
	expect_begin(&g, 1, URL);
	for (i = 0; i < 2; i++) {
		m = expect(&g, MSG_CONF_KEY, 101);
		ck_assert_uint_eq(get_u32(m), i);
		expect_file(m, 1);
	}
	expect_certificate(&g, 0, true);
	expect_certificate(&g, 1, false);
	expect_end(&g);
}
END_TEST

/* It gets no key and no secret. */
START_TEST(a_main_to_its_frontend)
{
	struct wire_get *m;
	uint32_t i;

	conf = parse(main_text);
	get(PROC_FRONTEND, conf, &g);
	expect_begin(&g, 1, URL);
	expect_certificate(&g, 0, true);
	expect_certificate(&g, 1, false);
	for (i = 0; i < 2; i++) {
		m = expect(&g, MSG_CONF_CA, 102);
		ck_assert_uint_eq(get_u32(m), i);
		ck_assert(get_bool(m) == (i == 0));
		expect_file(m, 2);
	}
	expect_peers(&g);
	expect_end(&g);
}
END_TEST

START_TEST(a_main_to_its_registry)
{
	conf = parse(main_text);
	get(PROC_REGISTRY, conf, &g);
	expect_begin(&g, 1, URL);
	expect_peers(&g);
	expect_credential(&g, 1, 0, "a", 1, KEY, NAMES);
	expect_credential(&g, 1, 0, "a", 2, "", 3);
	expect_credential(&g, 4, 0, "b", 3, "", 3);
	expect_rule(&g, 0, POLICY_CALL, false);
	expect_rule(&g, 1, POLICY_CONNECT, true);
	expect_end(&g);
}
END_TEST

START_TEST(a_main_to_the_others)
{
	conf = parse(main_text);
	get(PROC_ROUTER, conf, &g);
	expect_begin(&g, 1, URL);
	expect_rule(&g, 0, POLICY_CALL, false);
	expect_rule(&g, 1, POLICY_CONNECT, true);
	expect_end(&g);
	get(PROC_DIALER, conf, &g);
	expect_begin(&g, 1, URL);
	expect_peers(&g);
	expect_end(&g);
	get(PROC_BACKEND, conf, &g);
	expect_begin(&g, 1, URL);
	expect_end(&g);
}
END_TEST

static void
expect_uplinks(void)
{
	struct wire_get *m = expect(&g, MSG_CONF_UPLINK, 0);

	ck_assert_uint_eq(get_u32(m), 0);
	expect_str(m, "m");
	ck_assert_uint_eq(get_u16(m), 443);
	expect_str(m, "/ws/federation");
	expect_tls(m, true, 0, "", CONF_NONE);
	expect_str(m, "m");
	ck_assert(get_done(m));
	m = expect(&g, MSG_CONF_UPLINK, 0);
	ck_assert_uint_eq(get_u32(m), 1);
	expect_str(m, "127.0.0.1");
	ck_assert_uint_eq(get_u16(m), 3);
	expect_str(m, "/ws/federation");
	expect_tls(m, false, CONF_NONE, "", CONF_NONE);
	expect_str(m, "");
	ck_assert(get_done(m));
}

START_TEST(a_home)
{
	conf = parse(home_text);
	get(PROC_REGISTRY, conf, &g);
	expect_begin(&g, 2, "");
	expect_uplinks();
	expect_credential(&g, 3, 0, "m", 1, KEY, NAMES);
	expect_credential(&g, 3, 0, "m", 5, "", 4);
	expect_rule(&g, 0, POLICY_PUBLISH, false);
	expect_end(&g);
	get(PROC_DIALER, conf, &g);
	expect_begin(&g, 2, "");
	expect_uplinks();
	expect_end(&g);
	get(PROC_KEEPER, conf, &g);
	expect_begin(&g, 2, "");
	expect_end(&g);
}
END_TEST

/* A one-time secret that was used is not there, and not missed. */
START_TEST(a_home_that_has_joined)
{
	char path[128];

	conf = parse(home_text);
	file_path(4, path, sizeof(path));
	ck_assert_int_eq(unlink(path), 0);
	get(PROC_REGISTRY, conf, &g);
	expect_begin(&g, 2, "");
	expect_uplinks();
	expect_credential(&g, 3, 0, "m", 1, KEY, NAMES);
	expect_rule(&g, 0, POLICY_PUBLISH, false);
	expect_end(&g);
}
END_TEST

START_TEST(a_missing_file_is_noticed_before_the_first_message)
{
	static const struct peers no_peers;
	char path[128], why[256] = "";

	conf = parse(main_text);
	file_path(3, path, sizeof(path));
	ck_assert_int_eq(unlink(path), 0);
	ck_assert(!send_to(PROC_REGISTRY, conf, &no_peers, &g, why,
	    sizeof(why)));
	ck_assert_uint_eq(g.len, 0);
	ck_assert_ptr_nonnull(strstr(why, path));
	/* Those that do not get it do not miss it. */
	get(PROC_KEEPER, conf, &g);
	get(PROC_FRONTEND, conf, &g);
	file_path(1, path, sizeof(path));
	ck_assert_int_eq(chmod(path, 0644), 0);
	ck_assert(!send_to(PROC_KEEPER, conf, &no_peers, &g, why,
	    sizeof(why)));
	ck_assert_uint_eq(g.len, 0);
	get(PROC_FRONTEND, conf, &g);
}
END_TEST

static void
add_peer(struct peers *added, const char *host, bool tls)
{
	char name[64], path[] = "/";
	struct peer p = { .host = name, .port = 9, .path = path, .tls = tls,
	    .insecure = !tls, .origin = PEER_ADDED };

	strcpy(name, host);
	peers_append(added, &p);
}

static void
expect_added(uint32_t index, bool tls, uint32_t ca)
{
	struct wire_get *m = expect(&g, MSG_CONF_PEER, 0);
	char buf[1100];

	ck_assert_uint_eq(get_u32(m), index);
	get_str(m, buf, sizeof(buf));
	(void)get_u16(m);
	get_str(m, buf, sizeof(buf));
	get_str(m, buf, sizeof(buf));
	ck_assert_uint_eq(get_u8(m), PEER_ADDED);
	expect_tls(m, tls, ca, "", CONF_NONE);
	ck_assert(get_done(m));
}

/* Those that are added are known by what the machine trusts. */
START_TEST(added_peers_bring_the_systems_authorities)
{
	struct peers added = { NULL, 0 };
	char why[256] = "";
	struct wire_get *m;
	uint32_t i;

	if (access(CA_FILE, R_OK) == -1)
		return;
	conf = parse(main_text);
	add_peer(&added, "x", false);
	ck_assert(send_to(PROC_DIALER, conf, &added, &g, why, sizeof(why)));
	expect_begin(&g, 1, URL);
	expect_peers(&g);
	expect_added(3, false, CONF_NONE);
	expect_end(&g);
	add_peer(&added, "y", true);
	ck_assert_msg(send_to(PROC_FRONTEND, conf, &added, &g, why,
	    sizeof(why)), "%s", why);
	expect_begin(&g, 1, URL);
	expect_certificate(&g, 0, true);
	expect_certificate(&g, 1, false);
	for (i = 0; i < 2; i++)
		(void)expect(&g, MSG_CONF_CA, 102);
	m = expect(&g, MSG_CONF_CA, g.sizes[g.fd_at]);
	ck_assert_uint_eq(get_u32(m), 2);
	ck_assert(!get_bool(m));
	expect_str(m, CA_FILE);
	expect_peers(&g);
	expect_added(3, false, CONF_NONE);
	expect_added(4, true, 2);
	expect_end(&g);
	peers_free(&added);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("confsend");

	tcase_add_checked_fixture(tc, confsend_setup, teardown);
	tcase_add_test(tc, a_main_to_its_keeper);
	tcase_add_test(tc, a_main_to_its_frontend);
	tcase_add_test(tc, a_main_to_its_registry);
	tcase_add_test(tc, a_main_to_the_others);
	tcase_add_test(tc, a_home);
	tcase_add_test(tc, a_home_that_has_joined);
	tcase_add_test(tc, a_missing_file_is_noticed_before_the_first_message);
	tcase_add_test(tc, added_peers_bring_the_systems_authorities);
	return (suite_run("confsend", tc));
}
