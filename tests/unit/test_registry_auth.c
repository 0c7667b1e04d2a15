/* SPDX-License-Identifier: ISC */
/* Who is let in by the registry, and who is not any more. */
#include <stdio.h>
#include <string.h>

#include "relay-registry/policy_impl.h"
#include "tests/unit/registry_auth_fixture.h"
#include "tests/unit/suite.h"

#define SESSIONS	"SELECT count(*) FROM session WHERE id <> 0 AND closed IS NULL"

static struct credentials	list;

/* alice.home has the keys 1 and 2, carol.home a secret, and so on. */
static void
setup(void)
{
	main_setup();
	memset(&list, 0, sizeof(list));
	give(&list, HOLDER_HOME, 0, "alice.home", AUTH_BY_KEY, key_conf(1),
	    NULL);
	give(&list, HOLDER_HOME, 0, "alice.home", AUTH_BY_KEY, key_conf(2),
	    NULL);
	give(&list, HOLDER_HOME, 0, "bob.home", AUTH_BY_KEY, key_conf(3),
	    NULL);
	give(&list, HOLDER_HOME, 0, "carol.home", AUTH_BY_SECRET, "",
	    SECRET_1);
	give(&list, HOLDER_HOME, 0, "carol.home", AUTH_BY_SECRET, "",
	    SECRET_2);
	give(&list, HOLDER_HOME, 0, "dave.home", AUTH_BY_TOKEN,
	    "sha256:e57f0c2c3b2bd9dfc6d7c6ae3a3a9a0f"
	    "00000000000000000000000000000000", NULL);
	give(&list, HOLDER_HOME, 0, "erin.home", AUTH_BY_CERTIFICATE,
	    "dns:erin.example.com", NULL);
	give(&list, HOLDER_HOME, 0, "erin.home", AUTH_BY_CERTIFICATE,
	    "spiffe://example.com/erin", NULL);
	give(&list, HOLDER_PEER, 0, "b.main", AUTH_BY_KEY, key_conf(4), NULL);
	fx_trust(r, AUTH_REQUIRED, &list, 0);
	fx_settle(r);
}

START_TEST(by_key)
{
	struct client c = challenged("alice.home", 1, 0);
	const struct reply *reply;

	ask(1, "Alice.Home", header(&c), 5);
	reply = is_accepted(1);
	ck_assert_str_eq(reply->node, "alice.home");
	proved_back(reply, &c);
	/* The second key is as good, and takes over. */
	c = challenged("alice.home", 2, 10);
	ask(2, "alice.home", header(&c), 20);
	reply = is_accepted(2);
	ck_assert_uint_eq(reply->replaced, 1);
	proved_back(reply, &c);
}
END_TEST

/* Each breaks a good proof in one way. */
START_TEST(bad_proofs)
{
	struct client c = challenged("alice.home", 1, 0);
	const char *node = "alice.home";
	enum node_kind kind = NODE_HOME;
	char key[AUTH_KEY_TEXT];
	int64_t ms = 5;

	switch (_i) {
	case 0:
		ms = LIMIT_NONCE_MS;		/* expired */
		break;
	case 1:
		c.nonce[40] ^= 1;		/* not ours */
		break;
	case 2:
		node = "bob.home";		/* another's key, over alice */
		break;
	case 3:
		node = c.node = "bob.home";	/* another's key */
		break;
	case 4:
		c.main = true;			/* another role and path */
		break;
	case 5:
		kind = NODE_PEER;		/* a home's key for a Main */
		c.main = true;
		break;
	case 6:
		c.server = "relay.other";	/* signed for another Main */
		break;
	case 7:
		c.swap = true;			/* shows a key it has not */
		break;
	case 8:
		strcpy(c.cnonce, "short");
		break;
	case 9:
		c.method = AUTH_BY_JOIN;	/* there is nothing to join */
		c.secret = span_str(SECRET_1);
		break;
	case 10:
		c.method = AUTH_BY_SECRET;	/* it has none */
		c.secret = span_str(SECRET_1);
		break;
	case 11:
		c.secret = span_str("");	/* an empty one */
		c.method = AUTH_BY_SECRET;
		break;
	case 12:
		node = c.node = "nobody.home";	/* not known here */
		break;
	case 13:
		/* bob's public key with alice's signature. */
		snprintf(key, sizeof(key), "%s", key_conf(3) + 8);
		memcpy(c.key, key, sizeof(key));
		break;
	default:
		c.node = "alice.home\nhome";	/* lines moved */
		break;
	}
	ask_as(kind, 1, node, header(&c), ms);
	is_challenged(1, NULL);
	ck_assert_int_eq(fx_number(SESSIONS), 0);
}
END_TEST

static const char *const odd_headers[] = { "x", "Relay", "Bearer",
    ("Bearer " TOKEN_1), "Basic YTpi", "Relay method=key, nonce=, proof=",
    "Relay method=none", "\x01\xff\xfe" };

START_TEST(odd_header)
{
	ask(1, "alice.home", odd_headers[_i], 0);
	is_challenged(1, NULL);
}
END_TEST

START_TEST(replayed)
{
	struct client c = challenged("alice.home", 1, 0);
	char once[1024];

	snprintf(once, sizeof(once), "%s", header(&c));
	ask(1, "alice.home", once, 5);
	is_accepted(1);
	ask(2, "alice.home", once, 6);
	is_challenged(2, NULL);
	/* Nor with another cnonce: the nonce is used. */
	strcpy(c.cnonce, "AAAAAAAAAAAAAAAAAAAAAQ");
	ask(3, "alice.home", header(&c), 7);
	is_challenged(3, NULL);
	ask(4, "alice.home", once, LIMIT_NONCE_MS + 6);
	is_challenged(4, NULL);
	ck_assert_int_eq(fx_number(SESSIONS), 1);
}
END_TEST

/* A proof that is wrong does not use up the nonce of one that is right. */
START_TEST(wrong_then_right)
{
	struct client c = challenged("alice.home", 1, 0);

	c.swap = true;
	ask(1, "alice.home", header(&c), 1);
	is_challenged(1, NULL);
	c.swap = false;
	ask(2, "alice.home", header(&c), 2);
	is_accepted(2);
}
END_TEST

START_TEST(full_of_nonces)
{
	struct client c = challenged("alice.home", 1, 0);
	const struct reply *reply;

	r->trust->nonces.max = 0;
	ask(1, "alice.home", header(&c), 1);
	reply = fx_expect(r, MSG_SESSION_DENY, 1);
	ck_assert_uint_eq(reply->status, 503);
	ck_assert_uint_eq(reply->retry_after_ms, REGISTRY_RETRY_MS);
	ck_assert_ptr_null(reply->header);
}
END_TEST

START_TEST(by_secret)
{
	struct client c = challenged("carol.home", 1, 0);

	c.method = AUTH_BY_SECRET;
	c.secret = span_str("not the secret at all");
	ask(1, "carol.home", header(&c), 1);
	is_challenged(1, NULL);
	c.secret = span_str(SECRET_1);
	ask(2, "carol.home", header(&c), 1);
	proved_back(is_accepted(2), &c);
	c = challenged("carol.home", 1, 2);
	c.method = AUTH_BY_SECRET;
	c.secret = span_str(SECRET_2);
	ask(3, "carol.home", header(&c), 3);
	proved_back(is_accepted(3), &c);
	/* With the right key of somebody else. */
	c = challenged("carol.home", 1, 4);
	ask(4, "carol.home", header(&c), 5);
	is_challenged(4, NULL);
}
END_TEST

static void
with_certificate(uint64_t session, enum node_kind kind, bool tls,
    const char *names)
{
	const struct session_request q = { .session = session, .kind = kind,
	    .node = span_str("erin.home"), .boot = span_str(""),
	    .address = span_str("192.0.2.7:7"), .peer = PEER_NONE, .tls = tls,
	    .authorization = span_str(""), .certificate = span_str(names) };

	registry_open(r, &q, at(0));
}

START_TEST(by_certificate)
{
	static const char *const bad[] = { "", "dns:erin.example.co",
	    "dns:erin.example.com.", "dns:*.example.com",
	    "uri:dns:erin.example.com", "uri:erin.example.com",
	    "spiffe://example.com/erin", "uri:spiffe://example.com/erin2",
	    "dns:spiffe://example.com/erin", "uri:spiffe://example.com/Erin",
	    "dns:a dns:b", "dns:", "dns:erin.example.comdns:x" };
	static const char *const good[] = { "dns:erin.example.com",
	    "dns:ERIN.example.com", "uri:spiffe://example.com/erin",
	    "dns:x uri:y dns:erin.example.com uri:z" };
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		with_certificate(1, NODE_HOME, true, bad[i]);
		is_challenged(1, NULL);
	}
	with_certificate(1, NODE_HOME, false, good[0]);
	is_challenged(1, NULL);
	with_certificate(1, NODE_PEER, true, good[0]);
	is_challenged(1, NULL);
	for (i = 0; i < 3; i++) {
		with_certificate(10 + i, NODE_HOME, true, good[i]);
		ck_assert_ptr_null(is_accepted(10 + i)->header);
	}
}
END_TEST

/* A peer block with a node lets that Main in, as a Main. */
START_TEST(main_by_key)
{
	struct client c = challenged("b.main", 4, 0);

	ask(1, "b.main", header(&c), 1);
	is_challenged(1, NULL);
	c.main = true;
	ask_as(NODE_PEER, 2, "b.main", header(&c), 1);
	proved_back(is_accepted(2), &c);
}
END_TEST

/* --- none --- */

static void
without(uint64_t session, const char *node, bool local)
{
	const struct session_request q = { .session = session,
	    .kind = NODE_HOME, .node = span_str(node), .boot = span_str(""),
	    .address = span_str("192.0.2.7:7"), .peer = PEER_NONE,
	    .local = local, .authorization = span_str(""),
	    .certificate = span_str("") };

	registry_open(r, &q, at(0));
}

START_TEST(without_credentials)
{
	struct credentials one = { .n = 0 };

	without(1, "x.home", true);
	is_challenged(1, NULL);
	fx_trust(r, AUTH_LOOPBACK, NULL, 0);
	without(2, "x.home", false);
	is_challenged(2, NULL);
	without(3, "x.home", true);
	ck_assert_ptr_null(is_accepted(3)->header);
	give(&one, HOLDER_HOME, 0, "y.home", AUTH_BY_KEY, key_conf(1), NULL);
	fx_trust(r, AUTH_OPEN, &one, 0);
	without(4, "x.home", false);
	is_accepted(4);
	/* Whoever has some must show one, wherever it comes from. */
	without(5, "y.home", true);
	is_challenged(5, NULL);
	ask_as(NODE_PEER, 6, "y.home", "", 0);
	is_challenged(6, NULL);
}
END_TEST

/* Strangers cost no row, no transaction and no memory. */
START_TEST(flood)
{
	uint64_t before = db_commits(registry_db(r));
	char node[32];
	int i;

	for (i = 0; i < 1000; i++) {
		snprintf(node, sizeof(node), i % 2 ? "alice.home" : "n%d.home",
		    i);
		ask(1, node, "", i);
		ck_assert(!db_in_transaction(registry_db(r)));
		is_challenged(1, NULL);
	}
	ck_assert_uint_eq(db_commits(registry_db(r)), before);
	ck_assert_uint_eq(r->trust->nonces.n, 0);
	ck_assert_uint_eq(r->clones.count, 0);
}
END_TEST

/* --- after it was let in --- */

static void
is_ended(uint64_t session)
{
	const struct reply *reply = fx_expect(r, MSG_SESSION_END, session);

	ck_assert_uint_eq(reply->status, 1008);
	ck_assert_str_eq(reply->reason, "no longer authorized");
}

static void
let_in(void)
{
	struct client c = challenged("alice.home", 1, 0);

	ask(1, "alice.home", header(&c), 5);
	is_accepted(1);
}

/* Its keys are these after a reload; 0: none. */
static void
reload(uint8_t a, uint8_t b, enum authentication how)
{
	struct credentials keys = { .n = 0 };

	if (a != 0)
		give(&keys, HOLDER_HOME, 0, "alice.home", AUTH_BY_KEY,
		    key_conf(a), NULL);
	if (b != 0)
		give(&keys, HOLDER_HOME, 0, "alice.home", AUTH_BY_KEY,
		    key_conf(b), NULL);
	fx_trust(r, how, &keys, 10);
}

START_TEST(credential_goes)
{
	let_in();
	reload(1, 2, AUTH_REQUIRED);
	fx_silent(r);
	reload(1, 9, AUTH_REQUIRED);		/* the other one is replaced */
	fx_silent(r);
	reload(9, 8, AUTH_REQUIRED);
	is_ended(1);
	fx_silent(r);
}
END_TEST

START_TEST(node_goes)
{
	let_in();
	reload(0, 0, AUTH_OPEN);
	is_ended(1);
}
END_TEST

/* Who came without is asked once it has some, or may not any more. */
START_TEST(none_goes)
{
	fx_trust(r, AUTH_OPEN, NULL, 0);
	without(1, "alice.home", false);
	is_accepted(1);
	without(2, "x.home", true);
	is_accepted(2);
	fx_trust(r, AUTH_OPEN, NULL, 0);
	fx_silent(r);
	reload(1, 0, AUTH_OPEN);
	is_ended(1);
	fx_close(r, 1, 20);
	fx_expect(r, MSG_ROUTE_DELETE, 1);
	fx_trust(r, AUTH_LOOPBACK, NULL, 0);
	fx_silent(r);
	fx_trust(r, AUTH_REQUIRED, NULL, 0);
	is_ended(2);
}
END_TEST

/* A rule that denies homes to connect. */
static void
deny_connect(const char *name, int64_t ms)
{
	struct policy p = { .n = 0 };
	struct policy_rule rule = { .allow = false, .action = POLICY_CONNECT,
	    .who = WHO_HOME, .to_who = WHO_ANY, .to = "*", .service = "*",
	    .method = "*", .file = "relayd.conf", .line = 7 };

	snprintf(rule.from, sizeof(rule.from), "%s", name);
	ck_assert(policy_add(&p, &rule));
	registry_configure_policy(r, &p, at(ms));
	policy_clear(&p);
}

START_TEST(denied_by_rule)
{
	const struct reply *reply;
	struct client c;

	deny_connect("al*", 0);
	/* Who has not proved who it is does not learn of the rule. */
	c = challenged("alice.home", 1, 0);
	ask(1, "alice.home", header(&c), 5);
	reply = fx_expect(r, MSG_SESSION_DENY, 1);
	ck_assert_uint_eq(reply->status, 403);
	ck_assert_str_eq(reply->reason, "forbidden");
	ck_assert_ptr_null(reply->header);
	ck_assert_ptr_null(reply->detail);
	deny_connect("bob*", 10);
	c = challenged("alice.home", 1, 10);
	ask(2, "alice.home", header(&c), 15);
	is_accepted(2);
	deny_connect("al*", 20);
	reload(1, 0, AUTH_REQUIRED);
	is_ended(2);
}
END_TEST

/* The registry starts anew; the router resumes what was let in. */
START_TEST(resumed)
{
	let_in();
	r = fixture_restart(r, 20);
	reload(1, 0, AUTH_REQUIRED);
	fx_resume(r, 1, 1, "alice.home", 30);
	fx_silent(r);
	ck_assert_int_eq(fx_number(SESSIONS), 1);
	r = fixture_restart(r, 40);
	reload(2, 0, AUTH_REQUIRED);
	fx_resume(r, 1, 1, "alice.home", 50);
	is_ended(1);
}
END_TEST

/*
 * By what it was let in is not in the database: the router's word alone is
 * enough only where nothing is asked for.
 */
START_TEST(resumed_without_a_row)
{
	reload(1, 0, AUTH_REQUIRED);
	fx_resume(r, 7, 99, "alice.home", 10);
	is_ended(7);
	fx_resume(r, 8, 99, "nobody.home", 10);
	is_ended(8);
	reload(1, 0, AUTH_LOOPBACK);
	fx_settle(r);
	fx_resume(r, 9, 99, "open.home", 20);
	fx_expect(r, MSG_NODE_STATE, 0);
	fx_silent(r);
	fx_resume(r, 10, 100, "alice.home", 20);
	is_ended(10);
}
END_TEST

START_TEST(resumed_disabled)
{
	let_in();
	r = fixture_restart(r, 20);
	reload(1, 0, AUTH_REQUIRED);
	fx_sql("INSERT INTO disabled VALUES ('alice.home', 1)");
	fx_resume(r, 1, 1, "alice.home", 30);
	is_ended(1);
}
END_TEST

/* A nonce of the process that was before is none. */
START_TEST(nonce_of_before)
{
	struct client c = challenged("alice.home", 1, 0);

	r = fixture_restart(r, 1);
	reload(1, 0, AUTH_REQUIRED);
	ask(1, "alice.home", header(&c), 5);
	is_challenged(1, NULL);
}
END_TEST

START_TEST(identity_stays)
{
	char before[AUTH_KEY_TEXT];

	strcpy(before, r->trust->public_text);
	r = fixture_restart(r, 20);
	ck_assert_str_eq(before, r->trust->public_text);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM identity"), 1);
}
END_TEST

/* --- credentials of the configuration --- */

static const struct {
	enum holder	 holder;
	const char	*node;
	enum auth_method method;
	const char	*value, *contents;
} bad_conf[] = {
	{ HOLDER_HOME, "", AUTH_BY_KEY, NULL, "" },
	{ HOLDER_HOME, "a b", AUTH_BY_KEY, NULL, "" },
	{ HOLDER_HOME, "a", AUTH_BY_KEY, "", "" },
	{ HOLDER_HOME, "a", AUTH_BY_KEY, "ed25519:short", "" },
	{ HOLDER_HOME, "a", AUTH_BY_KEY, "rsa:", "" },
	{ HOLDER_HOME, "a", AUTH_BY_SECRET, "", "" },
	{ HOLDER_HOME, "a", AUTH_BY_TOKEN, "", "0123456789abcdef" },
	{ HOLDER_HOME, "a", AUTH_BY_TOKEN, "sha256:00", "" },
	{ HOLDER_HOME, "a", AUTH_BY_TOKEN, "sha256:"
	  "g0000000000000000000000000000000"
	  "00000000000000000000000000000000", "" },
	{ HOLDER_HOME, "a", AUTH_BY_CERTIFICATE, "dns:", "" },
	{ HOLDER_HOME, "a", AUTH_BY_CERTIFICATE, "x", "" },
	{ HOLDER_HOME, "a", AUTH_BY_JOIN, "", "0123456789abcdef" },
	{ HOLDER_UPLINK, "", AUTH_BY_JOIN, "", "0123456789abcdef" },
	{ HOLDER_UPLINK, "", AUTH_BY_TOKEN, "", "0123456789 abcdef" },
	{ HOLDER_UPLINK, "", AUTH_BY_TOKEN, "sha256:", "" },
	{ HOLDER_UPLINK, "", AUTH_BY_CERTIFICATE, "dns:a", "" },
};

START_TEST(bad_credentials)
{
	struct credentials none = { .n = 0 };
	const struct credential_conf conf = { bad_conf[_i].holder, 0,
	    span_str(bad_conf[_i].node), bad_conf[_i].method,
	    span_str(bad_conf[_i].value != NULL ? bad_conf[_i].value :
	    key_conf(1)), span_str(bad_conf[_i].contents) };

	ck_assert_ptr_nonnull(credentials_add(&none, &conf));
	ck_assert_uint_eq(none.n, 0);
	credentials_clear(&none);
}
END_TEST

static const struct {
	const char	*text;
	const char	*line;		/* NULL: refused */
} files[] = {
	{ "0123456789abcdef\n", "0123456789abcdef" },
	{ "0123456789abcdef", "0123456789abcdef" },
	{ "0123456789abcde\n", NULL },
	{ "", NULL }, { "\n", NULL },
	{ "0123456789abcdef\n\n", NULL },
	{ "0123456789abcdef\nx", NULL },
	{ "0123456789abcdef\r\n", NULL },
	{ "0123456789\tabcdef", NULL },
};

static const char *
read_text(const char *text, size_t n, char *out, size_t *len)
{
	const char *why;
	FILE *f = tmpfile();

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(text, 1, n, f), n);
	rewind(f);
	why = credential_read(fileno(f), out, len);
	fclose(f);
	return (why);
}

START_TEST(secret_files)
{
	static char big[AUTH_SECRET_MAX + 2];
	char out[AUTH_SECRET_MAX];
	size_t i, n;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		ck_assert((read_text(files[i].text, strlen(files[i].text), out,
		    &n) == NULL) == (files[i].line != NULL));
		if (files[i].line != NULL)
			ck_assert(n == strlen(files[i].line) &&
			    memcmp(out, files[i].line, n) == 0);
	}
	memset(big, 'x', sizeof(big));
	ck_assert_ptr_null(read_text(big, AUTH_SECRET_MAX, out, &n));
	ck_assert_uint_eq(n, AUTH_SECRET_MAX);
	ck_assert_ptr_nonnull(read_text(big, AUTH_SECRET_MAX + 1, out, &n));
	ck_assert_ptr_nonnull(read_text(big, AUTH_SECRET_MAX + 2, out, &n));
	big[AUTH_SECRET_MAX] = '\n';
	ck_assert_ptr_null(read_text(big, AUTH_SECRET_MAX + 1, out, &n));
	ck_assert_ptr_nonnull(read_text("0123456789abcdef\0", 17, out, &n));
}
END_TEST

#define N(a)	((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	TCase *tc = tcase_create("admission");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, by_key);
	tcase_add_loop_test(tc, bad_proofs, 0, 15);
	tcase_add_loop_test(tc, odd_header, 0, N(odd_headers));
	tcase_add_test(tc, replayed);
	tcase_add_test(tc, wrong_then_right);
	tcase_add_test(tc, full_of_nonces);
	tcase_add_test(tc, by_secret);
	tcase_add_test(tc, by_certificate);
	tcase_add_test(tc, main_by_key);
	tcase_add_test(tc, without_credentials);
	tcase_add_test(tc, flood);
	tcase_add_test(tc, credential_goes);
	tcase_add_test(tc, node_goes);
	tcase_add_test(tc, none_goes);
	tcase_add_test(tc, denied_by_rule);
	tcase_add_test(tc, resumed);
	tcase_add_test(tc, resumed_without_a_row);
	tcase_add_test(tc, resumed_disabled);
	tcase_add_test(tc, nonce_of_before);
	tcase_add_test(tc, identity_stays);
	tcase_add_loop_test(tc, bad_credentials, 0, N(bad_conf));
	tcase_add_test(tc, secret_files);
	return (suite_run("admission", tc));
}
