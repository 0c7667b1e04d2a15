/* SPDX-License-Identifier: ISC */
/* Who is let in by the registry. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/registry_auth_fixture.h"
#include "tests/unit/suite.h"

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
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
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

START_TEST(without_credentials)
{
	struct credentials one = { .n = 0 };

	ask_openly(1, "x.home", true);
	is_challenged(1, NULL);
	fx_trust(r, AUTH_LOOPBACK, NULL, 0);
	ask_openly(2, "x.home", false);
	is_challenged(2, NULL);
	ask_openly(3, "x.home", true);
	ck_assert_ptr_null(is_accepted(3)->header);
	give(&one, HOLDER_HOME, 0, "y.home", AUTH_BY_KEY, key_conf(1), NULL);
	fx_trust(r, AUTH_OPEN, &one, 0);
	ask_openly(4, "x.home", false);
	is_accepted(4);
	/* Whoever has some must show one, wherever it comes from. */
	ask_openly(5, "y.home", true);
	is_challenged(5, NULL);
	ask_as(NODE_PEER, 6, "y.home", "", 0);
	is_challenged(6, NULL);
}
END_TEST

/* Strangers cost no row and no transaction, and bounded memory. */
START_TEST(flood)
{
	uint64_t before = db_commits(registry_db(r));
	char node[32];
	int i;

	for (i = 0; i < 1000; i++) {
		snprintf(node, sizeof(node), i % 2 ? "alice.home" : "n%d.home",
		    i);
		ask((uint64_t)i + 1, node, "", i);
		ck_assert(!db_in_transaction(registry_db(r)));
		is_challenged((uint64_t)i + 1, NULL);
	}
	ck_assert_uint_eq(r->trust->knocks.n, 1000);
	ck_assert_uint_eq(db_commits(registry_db(r)), before);
	ck_assert_uint_eq(r->trust->nonces.n, 0);
	ck_assert_uint_eq(r->clones.count, 0);
}
END_TEST

#define N(a)	((int)(sizeof(a) / sizeof((a)[0])))

int
main(void)
{
	TCase *tc = tcase_create("admission");

	tcase_add_checked_fixture(tc, nodes_setup, teardown);
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
	return (suite_run("admission", tc));
}
