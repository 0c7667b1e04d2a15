/* SPDX-License-Identifier: ISC */
/* Nodes that join, and what the operator does with them. */
#include <stdio.h>
#include <string.h>

#include "common/ctl.h"
#include "common/join.h"
#include "tests/unit/registry_auth_fixture.h"
#include "tests/unit/suite.h"

#define CREDENTIALS	"SELECT count(*) FROM credential"
#define HOUR	INT64_C(3600000)

static void
order(unsigned int op, const char *node, int64_t ms)
{
	const struct node_request q = { .op = op, .node = span_str(node),
	    .url = span_str(""), .pin = span_str("") };

	registry_ctl_node(r, 9, &q, at(ms));
}

static void
ends(enum ctl_status status)
{
	ck_assert_uint_eq(fx_expect(r, MSG_CTL_END, 9)->status, status);
}

/* The same with these words. */
static void
ends_with(enum ctl_status status, const char *text)
{
	const struct reply *reply = fx_expect(r, MSG_CTL_END, 9);

	ck_assert_uint_eq(reply->status, status);
	ck_assert_str_eq(reply->body, text);
}

/* How often the audit log has that of alice.home, by whom it was. */
static int64_t
recorded(const char *what)
{
	char sql[256];

	fx_settle(r);
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM audit WHERE subject ="
	    " 'alice.home' AND object = '%s' AND detail LIKE"
	    " 'by control socket%%'", what);
	return (fx_number(sql));
}

/* What is shown once; until the next call. */
static const char *
shown(const char *what)
{
	static char text[JOIN_TEXT_MAX];
	const struct reply *reply = fx_expect(r, MSG_CTL_ROW, 9);

	ck_assert_str_eq(reply->reason, what);
	snprintf(text, sizeof(text), "%s", reply->body);
	ends(CTL_OK);
	return (text);
}

static struct join
enrolled(unsigned int op, const char *node, int64_t ms)
{
	struct join j;

	order(op, node, ms);
	ck_assert_ptr_null(join_decode(shown("join"), &j));
	ck_assert_str_eq(j.node_id, node);
	ck_assert_str_eq(j.main_id, "main.example");
	ck_assert_mem_eq(j.main_key, r->trust->public, sizeof(j.main_key));
	ck_assert_str_eq(j.url, "wss://main.example:8443");
	ck_assert_uint_eq(j.expires_ms, (uint64_t)(T0 + ms + HOUR));
	return (j);
}

/* The client with the n-th key that was asked, and would join. */
static struct client
joining(const struct join *j, uint8_t key, int64_t ms)
{
	struct client c = challenged("alice.home", key, ms);

	c.method = AUTH_BY_JOIN;
	c.secret = (struct span){ (const char *)j->secret,
	    sizeof(j->secret) };
	return (c);
}

static void
by_key(uint64_t session, uint8_t key, bool good, int64_t ms)
{
	struct client c = challenged("alice.home", key, ms);

	ask(session, "alice.home", header(&c), ms + 1);
	if (good)
		proved_back(is_accepted(session), &c);
	else
		is_challenged(session, NULL);
}

static void
is_ended(uint64_t session)
{
	ck_assert_uint_eq(fx_expect(r, MSG_SESSION_END, session)->status,
	    1008);
}

START_TEST(joins_once)
{
	struct join j = enrolled(CTL_NODE_ENROLL, "alice.home", 0);
	struct client c = joining(&j, 1, 10);

	ask(1, "alice.home", header(&c), 11);
	proved_back(is_accepted(1), &c);
	ck_assert_int_eq(fx_number(CREDENTIALS), 1);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM credential WHERE"
	    " method = 1 AND kind = 1"), 1);
	/* The secret is used up, by whatever key. */
	c = joining(&j, 1, 20);
	ask(2, "alice.home", header(&c), 21);
	is_challenged(2, NULL);
	c = joining(&j, 2, 30);
	ask(3, "alice.home", header(&c), 31);
	is_challenged(3, NULL);
	by_key(4, 1, true, 40);
	by_key(5, 2, false, 50);
	/* Another start of the registry knows it still. */
	r = fixture_restart(r, 60);
	by_key(6, 1, true, 60);
}
END_TEST

/* Each breaks a good join in one way. */
START_TEST(bad_joins)
{
	struct join j = enrolled(CTL_NODE_ENROLL, "alice.home", 0);
	int64_t ms = _i == 0 ? HOUR : 10;
	struct client c = joining(&j, 1, ms);

	switch (_i) {
	case 0:
		break;				/* expired */
	case 1:
		j.secret[31] ^= 1;
		break;
	case 2:
		c.swap = true;			/* brings a key it has not */
		break;
	case 3:
		c.node = "bob.home";
		break;
	case 4:
		c.main = true;
		break;
	case 5:
		c.server = "other.example";
		break;
	case 6:
		c.method = AUTH_BY_SECRET;	/* that is not for this */
		break;
	default:
		c.method = AUTH_BY_KEY;		/* not yet */
		break;
	}
	ask(1, "alice.home", header(&c), ms + 1);
	is_challenged(1, NULL);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM credential WHERE"
	    " method = 1"), 0);
}
END_TEST

/* It is the home that was enrolled, whatever was seen of that id before. */
START_TEST(joins_as_home_only)
{
	struct client c;
	struct join j;

	fx_trust(r, AUTH_OPEN, NULL, 0);
	ask_as(NODE_PEER, 1, "alice.home", "", 0);
	is_accepted(1);
	registry_close(r, 1, span_str("gone"), at(1));
	fx_settle(r);
	j = enrolled(CTL_NODE_ENROLL, "alice.home", 2);
	c = joining(&j, 1, 10);
	c.main = true;
	ask_as(NODE_PEER, 2, "alice.home", header(&c), 11);
	is_challenged(2, NULL);
	order(CTL_NODE_TOKEN, "bob.home", 12);
	fx_settle(r);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM credential"
	    " WHERE kind = 1"), 2);
	ask_as(NODE_PEER, 3, "bob.home", "", 13);
	is_challenged(3, NULL);
	c = joining(&j, 1, 20);
	ask(4, "alice.home", header(&c), 21);
	is_accepted(4);
}
END_TEST

/* Who is linked without credentials has to show some now. */
START_TEST(enrolled_while_linked)
{
	static const unsigned int ops[] = { CTL_NODE_ENROLL, CTL_NODE_TOKEN };

	fx_trust(r, AUTH_OPEN, NULL, 0);
	ask(1, "alice.home", "", 0);
	is_accepted(1);
	order(ops[_i], "alice.home", 1);
	fx_expect(r, MSG_CTL_ROW, 9);
	is_ended(1);
	ends(CTL_OK);
}
END_TEST

/* Enrolled, it cannot come without; expired, it is as if it never had been. */
START_TEST(enrolled_is_known)
{
	(void)enrolled(CTL_NODE_ENROLL, "alice.home", 0);
	fx_trust(r, AUTH_OPEN, NULL, 0);
	ask(1, "alice.home", "", 1);
	is_challenged(1, NULL);
	ask(2, "alice.home", "", HOUR);
	is_accepted(2);
}
END_TEST

START_TEST(enrolled_anew)
{
	struct join first = enrolled(CTL_NODE_ENROLL, "alice.home", 0);
	struct join j = enrolled(CTL_NODE_ENROLL, "alice.home", 1);
	struct client c = joining(&first, 1, 10);

	ask(1, "alice.home", header(&c), 11);
	is_challenged(1, NULL);
	c = joining(&j, 1, 12);
	ask(2, "alice.home", header(&c), 13);
	is_accepted(2);
	order(CTL_NODE_ENROLL, "alice.home", 14);
	ends(CTL_REFUSED);
}
END_TEST

START_TEST(rotates)
{
	struct join j = enrolled(CTL_NODE_ENROLL, "alice.home", 0);
	struct client c = joining(&j, 1, 10);

	ask(1, "alice.home", header(&c), 11);
	is_accepted(1);
	j = enrolled(CTL_NODE_ROTATE, "alice.home", 20);
	by_key(2, 1, true, 30);
	c = joining(&j, 2, 40);
	ask(3, "alice.home", header(&c), 41);
	is_accepted(3);
	/* The join was signed with the new one: the one of before is gone. */
	by_key(4, 1, false, 50);
	by_key(5, 2, true, 60);
	ck_assert_int_eq(fx_number(CREDENTIALS), 1);
	ck_assert_int_eq(recorded("enroll"), 1);
	ck_assert_int_eq(recorded("rotate"), 1);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM audit WHERE detail ="
	    " 'by control socket, to join at wss://main.example:8443'"), 2);
}
END_TEST

static void
let_in(void)
{
	struct join j = enrolled(CTL_NODE_ENROLL, "alice.home", 0);
	struct client c = joining(&j, 1, 10);

	ask(1, "alice.home", header(&c), 11);
	is_accepted(1);
}

START_TEST(disables)
{
	let_in();
	order(CTL_NODE_DISABLE, "Alice.home", 20);
	is_ended(1);
	ends(CTL_OK);
	order(CTL_NODE_DISABLE, "alice.home", 25);
	is_ended(1);			/* the router has not done it yet */
	ends_with(CTL_NOT_FOUND, "that node is disabled already");
	ck_assert_int_eq(recorded("disabled"), 1);
	by_key(2, 1, false, 30);
	r = fixture_restart(r, 40);		/* wherever it comes from */
	by_key(3, 1, false, 40);
	order(CTL_NODE_ENABLE, "alice.home", 50);
	ends(CTL_OK);
	by_key(4, 1, true, 60);
	order(CTL_NODE_ENABLE, "alice.home", 70);
	ends(CTL_NOT_FOUND);
}
END_TEST

START_TEST(revokes)
{
	let_in();
	order(CTL_NODE_REVOKE, "alice.home", 20);
	is_ended(1);
	ends(CTL_OK);
	by_key(2, 1, false, 30);
	order(CTL_NODE_REVOKE, "alice.home", 40);
	ends(CTL_NOT_FOUND);
}
END_TEST

START_TEST(tokens)
{
	char text[128], first[128];
	int i;

	for (i = 0; i < 3; i++) {
		order(CTL_NODE_TOKEN, "alice.home", i);
		snprintf(text, sizeof(text), "Bearer %s", shown("token"));
		if (i == 0)
			strcpy(first, text);
		ask((uint64_t)i + 1, "alice.home", text, i);
		ck_assert_ptr_null(is_accepted((uint64_t)i + 1)->header);
	}
	/* Two at once. */
	ask(7, "alice.home", first, 10);
	is_challenged(7, NULL);
	ask(8, "bob.home", text, 10);
	is_challenged(8, NULL);
	ask_as(NODE_PEER, 9, "alice.home", text, 10);
	is_challenged(9, NULL);
	text[strlen(text) - 1] ^= 1;
	ask(10, "alice.home", text, 10);
	is_challenged(10, NULL);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM credential"
	    " WHERE value LIKE 'rat_%'"), 0);
}
END_TEST

/* A link by a token that is no more ends with it. */
START_TEST(third_token)
{
	char text[128];

	order(CTL_NODE_TOKEN, "alice.home", 0);
	snprintf(text, sizeof(text), "Bearer %s", shown("token"));
	ask(1, "alice.home", text, 1);
	is_accepted(1);
	order(CTL_NODE_TOKEN, "alice.home", 2);
	(void)shown("token");
	fx_silent(r);
	order(CTL_NODE_TOKEN, "alice.home", 3);
	fx_expect(r, MSG_CTL_ROW, 9);
	is_ended(1);
	ends(CTL_OK);
}
END_TEST

START_TEST(configured_nodes)
{
	struct credentials list = { .n = 0 };

	give(&list, HOLDER_HOME, 0, "alice.home", AUTH_BY_KEY, key_conf(1),
	    NULL);
	fx_trust(r, AUTH_REQUIRED, &list, 0);
	order(CTL_NODE_REVOKE, "alice.home", 1);
	ends(CTL_REFUSED);
	order(CTL_NODE_ENROLL, "alice.home", 1);
	ends_with(CTL_REFUSED, "its credentials are in relayd.conf: take them "
	    "out there and reload, then enroll it");
	order(CTL_NODE_ROTATE, "alice.home", 1);
	ends(CTL_REFUSED);
	by_key(1, 1, true, 2);
	order(CTL_NODE_DISABLE, "alice.home", 5);
	is_ended(1);
	ends(CTL_OK);
	by_key(2, 1, false, 6);
}
END_TEST

START_TEST(bad_orders)
{
	static const struct {
		unsigned int	 op;
		const char	*node, *url, *pin;
		uint32_t	 expires_s;
	} bad[] = {
		{ CTL_NODE_ENROLL, "", "", "", 0 },
		{ CTL_NODE_ENROLL, "a@b", "", "", 0 },
		{ CTL_NODE_ENROLL, "main.example", "", "", 0 },
		{ CTL_NODE_ENROLL, "a", "http://x", "", 0 },
		{ CTL_NODE_ENROLL, "a", "wss://", "", 0 },
		{ CTL_NODE_ENROLL, "a", "", "sha256:short", 0 },
		{ CTL_NODE_ENROLL, "a", "", "", LIMIT_JOIN_MAX_S + 1 },
		{ CTL_NODE_ROTATE, "a", "", "", 0 },
		{ CTL_NODE_DISABLE, "a", "", "", 0 },
		{ CTL_NODE_ENABLE, "a", "", "", 0 },
		{ CTL_NODE_REVOKE, "a", "", "", 0 },
	};
	const struct node_request q = { bad[_i].op, span_str(bad[_i].node),
	    span_str(bad[_i].url), span_str(bad[_i].pin), bad[_i].expires_s };

	registry_ctl_node(r, 9, &q, at(0));
	ck_assert_uint_ne(fx_expect(r, MSG_CTL_END, 9)->status, CTL_OK);
	fx_silent(r);
	ck_assert_int_eq(fx_number(CREDENTIALS), 0);
}
END_TEST

/* What cannot be written was not promised. */
START_TEST(not_written)
{
	sqlite3 *lock = fx_lock();

	order(CTL_NODE_ENROLL, "alice.home", 0);
	ends(CTL_REFUSED);
	fx_unlock(lock);
	fx_silent(r);
	ck_assert_int_eq(fx_number(CREDENTIALS), 0);
}
END_TEST

START_TEST(homes_have_none)
{
	teardown();
	home_setup();
	order(CTL_NODE_ENROLL, "bob.home", 0);
	ends(CTL_REFUSED);
}
END_TEST

struct listed {
	char	text[512];
	int	left;
};

static bool
list_one(void *arg, const struct node_info *n)
{
	struct listed *l = arg;
	size_t at = strlen(l->text);

	snprintf(l->text + at, sizeof(l->text) - at, "%s %d %s%s %s %s%s\n",
	    n->node, (int)n->kind, n->configured ? "c" : "",
	    n->enrolled ? "e" : "", n->methods, n->disabled ? "d" : "",
	    n->connected ? "+" : "");
	return (--l->left > 0);
}

START_TEST(lists)
{
	struct credentials list = { .n = 0 };
	struct listed l = { "", 100 }, one = { "", 1 };

	give(&list, HOLDER_HOME, 0, "carol.home", AUTH_BY_SECRET, "",
	    SECRET_1);
	give(&list, HOLDER_HOME, 0, "alice.home", AUTH_BY_SECRET, "",
	    SECRET_1);
	give(&list, HOLDER_MAIN, 0, "b.main", AUTH_BY_KEY, key_conf(1), NULL);
	fx_trust(r, AUTH_REQUIRED, &list, 0);
	order(CTL_NODE_TOKEN, "alice.home", 0);
	fx_settle(r);
	order(CTL_NODE_ENROLL, "dave.home", 0);
	fx_settle(r);
	order(CTL_NODE_DISABLE, "carol.home", 0);
	fx_settle(r);
	registry_each_node(r, list_one, &l, at(1));
	ck_assert_str_eq(l.text, "alice.home 1 ce secret,token \n"
	    "b.main 2 c key \ncarol.home 1 c secret d\ndave.home 1 e join \n");
	registry_each_node(r, list_one, &one, at(1));
	ck_assert_str_eq(one.text, "alice.home 1 ce secret,token \n");
	/* Who did not join in time has nothing here, before it is deleted. */
	l = (struct listed){ "", 100 };
	order(CTL_NODE_ENROLL, "carol.home", 0);
	fx_settle(r);
	registry_each_node(r, list_one, &l, at(HOUR));
	ck_assert_str_eq(l.text, "alice.home 1 ce secret,token \n"
	    "b.main 2 c key \ncarol.home 1 c secret d\n");
	/* It stays listed if it may not come. */
	l = (struct listed){ "", 100 };
	order(CTL_NODE_DISABLE, "dave.home", 1);
	fx_settle(r);
	registry_each_node(r, list_one, &l, at(HOUR));
	ck_assert_ptr_nonnull(strstr(l.text, "\ndave.home 0   d\n"));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("nodes");

	tcase_add_checked_fixture(tc, main_setup, teardown);
	tcase_add_test(tc, joins_once);
	tcase_add_loop_test(tc, bad_joins, 0, 8);
	tcase_add_test(tc, enrolled_is_known);
	tcase_add_test(tc, joins_as_home_only);
	tcase_add_loop_test(tc, enrolled_while_linked, 0, 2);
	tcase_add_test(tc, third_token);
	tcase_add_test(tc, enrolled_anew);
	tcase_add_test(tc, rotates);
	tcase_add_test(tc, disables);
	tcase_add_test(tc, revokes);
	tcase_add_test(tc, tokens);
	tcase_add_test(tc, configured_nodes);
	tcase_add_loop_test(tc, bad_orders, 0, 11);
	tcase_add_test(tc, not_written);
	tcase_add_test(tc, homes_have_none);
	tcase_add_test(tc, lists);
	return (suite_run("nodes", tc));
}
