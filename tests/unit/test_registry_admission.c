/* SPDX-License-Identifier: ISC */
/*
 * Nodes that have nothing to show, or nothing that can be read; and what is
 * written of those who are let in, refused and cut.
 */
#include <stdio.h>
#include <string.h>

#include "relay-registry/audit.h"
#include "tests/unit/registry_auth_fixture.h"
#include "tests/unit/suite.h"

#define N(a)	((int)(sizeof(a) / sizeof((a)[0])))

static void
is_ended(uint64_t session)
{
	ck_assert_uint_eq(fx_expect(r, MSG_SESSION_END, session)->status,
	    1008);
}

/* --- rows that cannot be read, and more than are looked at --- */

static const struct {
	enum auth_method	 method;
	const char		*value;
} damaged[] = {
	{ AUTH_BY_KEY, "" },
	{ AUTH_BY_KEY, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
	{ AUTH_BY_KEY, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=" },
	{ AUTH_BY_JOIN, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
	{ AUTH_BY_TOKEN, "" },
	{ AUTH_BY_TOKEN, "0000000000000000000000000000000"
	    "00000000000000000000000000000000" },
	{ AUTH_BY_TOKEN, "00000000000000000000000000000000"
	    "0000000000000000000000000000000G" },
};

static void
add_row(const char *node, enum auth_method method, const char *value)
{
	char sql[256];

	snprintf(sql, sizeof(sql), "INSERT INTO credential (node, kind, "
	    "method, value, created) VALUES ('%s', 1, %d, '%s', 1)", node,
	    method, value);
	fx_sql(sql);
}

/* What an empty key, token or secret would be good for, if it were one. */
static void
ask_by_nothing(uint64_t session, const char *node)
{
	struct client c = challenged(node, 1, 0);
	uint8_t none[AUTH_KEY] = { 0 };

	c.method = AUTH_BY_JOIN;
	c.secret = (struct span){ (const char *)none, sizeof(none) };
	ask(session, node, header(&c), 1);
	is_challenged(session, NULL);
}

/* A node whose only credential is damaged is none without credentials. */
START_TEST(damaged_row)
{
	struct candidates all;

	fx_trust(r, AUTH_OPEN, NULL, 0);
	ask_openly(1, "x.home", false);
	is_accepted(1);
	fx_settle(r);
	add_row("y.home", damaged[_i].method, damaged[_i].value);
	ask_openly(2, "y.home", false);
	is_challenged(2, NULL);
	ask_openly(3, "y.home", true);
	is_challenged(3, NULL);
	auth_candidates(r, "y.home", &all, at(0));
	ck_assert_uint_eq(all.n, 0);
	ck_assert_uint_eq(all.broken, 1);
	ask_by_nothing(4, "y.home");
	/* Nor may one stay that was let in before. */
	add_row("x.home", damaged[_i].method, damaged[_i].value);
	fx_trust(r, AUTH_OPEN, NULL, 10);
	is_ended(1);
}
END_TEST

/* More than are looked at are none, in the file or enrolled. */
START_TEST(too_many)
{
	struct credentials list = { .n = 0 };
	struct candidates all;
	int i;

	for (i = 0; i < NODE_CREDENTIALS - 1; i++)
		give(&list, HOLDER_HOME, 0, "x.home", AUTH_BY_KEY,
		    key_conf((uint8_t)(i + 1)), NULL);
	fx_trust(r, AUTH_REQUIRED, &list, 0);
	fx_settle(r);
	add_row("x.home", AUTH_BY_KEY, key_conf(200) + strlen("ed25519:"));
	auth_candidates(r, "x.home", &all, at(0));
	ck_assert_uint_eq(all.n, NODE_CREDENTIALS);
	add_row("x.home", AUTH_BY_KEY, key_conf(201) + strlen("ed25519:"));
	auth_candidates(r, "x.home", &all, at(0));
	ck_assert_uint_eq(all.n, NODE_CREDENTIALS);
	for (i = 0; i < NODE_CREDENTIALS + 1; i++)
		give(&list, HOLDER_HOME, 0, "x.home", AUTH_BY_KEY,
		    key_conf((uint8_t)(i + 1)), NULL);
	fx_trust(r, AUTH_REQUIRED, &list, 0);
	auth_candidates(r, "x.home", &all, at(0));
	ck_assert_uint_eq(all.n, NODE_CREDENTIALS);
}
END_TEST

/* --- another configuration --- */

/* Who came from elsewhere while all might, and who from this machine. */
START_TEST(open_no_more)
{
	fx_trust(r, AUTH_OPEN, NULL, 0);
	ask_openly(1, "far.home", false);
	is_accepted(1);
	ask_openly(2, "near.home", true);
	is_accepted(2);
	fx_trust(r, AUTH_LOOPBACK, NULL, 10);
	is_ended(1);
	fx_silent(r);
}
END_TEST

/* What let it in as a home is a Main's now. */
START_TEST(other_kind)
{
	static const enum holder to[] = { HOLDER_MAIN, HOLDER_PEER };
	struct credentials list = { .n = 0 };
	struct client c = challenged("alice.home", 1, 0);

	ask(1, "alice.home", header(&c), 5);
	is_accepted(1);
	give(&list, to[_i], 0, "alice.home", AUTH_BY_KEY, key_conf(1), NULL);
	fx_trust(r, AUTH_REQUIRED, &list, 10);
	is_ended(1);
}
END_TEST

/* --- what is written --- */

/* How many records of that event say this. */
static int64_t
records(enum audit_event event, const char *node, const char *object,
    const char *detail)
{
	char sql[512];

	fx_settle(r);
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM audit WHERE event = "
	    "%d AND subject = '%s' AND object = '%s' AND detail = '%s'",
	    event, node, object, detail);
	return (fx_number(sql));
}

#define FROM	"192.0.2.7:7"	/* where all of them come from */

START_TEST(admitted_is_written)
{
	struct client c = challenged("alice.home", 1, 0);
	char how[64];

	ask(1, "alice.home", header(&c), 5);
	is_accepted(1);
	snprintf(how, sizeof(how), "key %s", key_conf(1));
	ck_assert_int_eq(records(AUDIT_ADMIT, "alice.home", FROM, how), 1);
	c = challenged("carol.home", 1, 10);
	c.method = AUTH_BY_SECRET;
	c.secret = span_str(SECRET_2);
	ask(2, "carol.home", header(&c), 15);
	is_accepted(2);
	ck_assert_int_eq(records(AUDIT_ADMIT, "carol.home", FROM, "secret"),
	    1);
	fx_trust(r, AUTH_OPEN, NULL, 20);
	ck_assert_int_eq(records(AUDIT_END, "alice.home", FROM,
	    "its credential is gone"), 1);
	ask_openly(3, "far.home", false);
	is_accepted(3);
	ck_assert_int_eq(records(AUDIT_ADMIT, "far.home", FROM, BY_NOTHING),
	    1);
	ask_openly(4, "near.home", true);
	is_accepted(4);
	ck_assert_int_eq(records(AUDIT_ADMIT, "near.home", FROM, BY_LOOPBACK),
	    1);
}
END_TEST

START_TEST(joined_is_written)
{
	struct client c = challenged("j.home", 5, 0);
	char secret[B64URL_SIZE(AUTH_KEY)], how[64];
	uint8_t bytes[AUTH_KEY];

	memset(bytes, 's', sizeof(bytes));
	b64url_encode(bytes, sizeof(bytes), secret);
	add_row("j.home", AUTH_BY_JOIN, secret);
	c.method = AUTH_BY_JOIN;
	c.secret = (struct span){ (const char *)bytes, sizeof(bytes) };
	ask(1, "j.home", header(&c), 5);
	is_accepted(1);
	ck_assert_int_eq(records(AUDIT_NODE, "j.home", "joined",
	    key_conf(5)), 1);
	snprintf(how, sizeof(how), "join %s", key_conf(5));
	ck_assert_int_eq(records(AUDIT_ADMIT, "j.home", FROM, how), 1);
}
END_TEST

static void
with_certificate(uint64_t session, const char *names)
{
	const struct session_request q = { .session = session,
	    .kind = NODE_HOME, .node = span_str("erin.home"),
	    .boot = span_str(""), .address = span_str(FROM),
	    .peer = PEER_NONE, .tls = true, .authorization = span_str(""),
	    .certificate = span_str(names) };

	registry_open(r, &q, at(0));
}

START_TEST(refused_is_written)
{
	struct client c = challenged("alice.home", 1, 0);

	with_certificate(2, "dns:mallory.example.com");
	is_challenged(2, NULL);
	ck_assert_int_eq(records(AUDIT_REFUSE, "erin.home", FROM,
	    "its certificate has dns:mallory.example.com, and none of these is "
	    "this node''s (it has: certificate)"), 1);
	c.swap = true;
	ask(3, "alice.home", header(&c), 5);
	is_challenged(3, NULL);
	ck_assert_int_eq(records(AUDIT_REFUSE, "alice.home", FROM,
	    "the signature is not of that key over what was asked"), 1);
	ask(4, "nobody.home", "Bearer " TOKEN_1, 5);
	is_challenged(4, NULL);
	ck_assert_int_eq(records(AUDIT_REFUSE, "nobody.home", FROM,
	    "the token is not one of this node''s (it has none)"), 1);
}
END_TEST

/* What is shown and what the node has; never what would open it. */
START_TEST(refused_says_what)
{
	struct client c = challenged("carol.home", 1, 0);
	char why[256];

	ask(1, "carol.home", header(&c), 5);
	is_challenged(1, NULL);
	snprintf(why, sizeof(why), "the key %s is not one of this node''s "
	    "(it has: secret)", key_conf(1));
	ck_assert_int_eq(records(AUDIT_REFUSE, "carol.home", FROM, why), 1);
	c.method = AUTH_BY_SECRET;
	c.secret = span_str("not the secret of it");
	ask(2, "carol.home", header(&c), 5);
	is_challenged(2, NULL);
	ck_assert_int_eq(records(AUDIT_REFUSE, "carol.home", FROM,
	    "the secret is not one of this node''s (it has: secret)"), 1);
	c.method = AUTH_BY_JOIN;
	ask(3, "carol.home", header(&c), 5);
	is_challenged(3, NULL);
	ck_assert_int_eq(records(AUDIT_REFUSE, "carol.home", FROM,
	    "the one-time secret is none that is still good (it has: "
	    "secret)"), 1);
	add_row("carol.home", AUTH_BY_KEY, key_conf(6) + strlen("ed25519:"));
	ask(4, "carol.home", "Bearer " TOKEN_1, 5);
	is_challenged(4, NULL);
	ck_assert_int_eq(records(AUDIT_REFUSE, "carol.home", FROM,
	    "the token is not one of this node''s (it has: secret, key)"), 1);
	add_row("gone.home", AUTH_BY_KEY, "damaged");
	ask(5, "gone.home", "Bearer " TOKEN_1, 5);
	is_challenged(5, NULL);
	ck_assert_int_eq(records(AUDIT_REFUSE, "gone.home", FROM,
	    "the token is not one of this node''s (what it has cannot be "
	    "read)"), 1);
}
END_TEST

/* A home's credential is none where Mains link, nor a Main's for a home. */
START_TEST(refused_says_kind)
{
	struct client c = challenged("alice.home", 1, 0);

	c.main = true;
	ask_as(NODE_PEER, 1, "alice.home", header(&c), 5);
	is_challenged(1, NULL);
	ck_assert_int_eq(records(AUDIT_REFUSE, "alice.home", FROM,
	    "alice.home is known here as a home, not as a Main"), 1);
	c = challenged("b.main", 4, 10);
	ask(2, "b.main", header(&c), 15);
	is_challenged(2, NULL);
	ck_assert_int_eq(records(AUDIT_REFUSE, "b.main", FROM,
	    "b.main is known here as a Main, not as a home"), 1);
}
END_TEST

/* Names of a certificate come from who issued it: many, and odd ones. */
START_TEST(refused_cuts_names)
{
	char names[2000];

	memset(names, 'x', sizeof(names));
	memcpy(names, "dns:\n", 5);
	names[sizeof(names) - 1] = '\0';
	with_certificate(1, names);
	is_challenged(1, NULL);
	fx_settle(r);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM audit WHERE detail"
	    " LIKE 'its certificate has dns:?xxx%xxx..., and none of these is"
	    " this node''s (it has: certificate)'"), 1);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("admission records");

	tcase_add_checked_fixture(tc, nodes_setup, teardown);
	tcase_add_loop_test(tc, damaged_row, 0, N(damaged));
	tcase_add_test(tc, too_many);
	tcase_add_test(tc, open_no_more);
	tcase_add_loop_test(tc, other_kind, 0, 2);
	tcase_add_test(tc, admitted_is_written);
	tcase_add_test(tc, joined_is_written);
	tcase_add_test(tc, refused_is_written);
	tcase_add_test(tc, refused_says_what);
	tcase_add_test(tc, refused_says_kind);
	tcase_add_test(tc, refused_cuts_names);
	return (suite_run("admission records", tc));
}
