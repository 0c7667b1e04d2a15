/* SPDX-License-Identifier: ISC */
/*
 * What the operator is told of an order about a node, what is written of it,
 * and what it leaves in the database.
 */
#include <stdio.h>
#include <string.h>

#include "common/ctl.h"
#include "common/join.h"
#include "relay-registry/audit.h"
#include "tests/unit/registry_auth_fixture.h"
#include "tests/unit/suite.h"

#define N(a)	((int)(sizeof(a) / sizeof((a)[0])))
#define PIN	"sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define HOUR	INT64_C(3600000)

static void
order(enum ctl_node op, const char *node, int64_t ms)
{
	const struct node_request q = { .op = op, .node = span_str(node),
	    .url = span_str(""), .pin = span_str("") };

	registry_ctl_node(r, 9, &q, at(ms));
}

static void
ends_with(enum ctl_status status, const char *text)
{
	const struct reply *reply = fx_expect(r, MSG_CTL_END, 9);

	ck_assert_uint_eq(reply->status, status);
	ck_assert_str_eq(reply->body, text);
}

/* How often this is written of a node, by the operator. */
static int64_t
written(const char *node, const char *what)
{
	char sql[256];

	fx_settle(r);
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM audit WHERE event = "
	    "%d AND subject = '%s' AND object = '%s' AND detail = "
	    "'by control socket'", AUDIT_NODE, node, what);
	return (fx_number(sql));
}

static void
shows(const char *what)
{
	ck_assert_str_eq(fx_expect(r, MSG_CTL_ROW, 9)->reason, what);
	ends_with(CTL_OK, "");
}

/* So many credentials of a node, of this kind. */
static int64_t
kept(const char *node, enum node_kind kind)
{
	char sql[128];

	fx_settle(r);
	snprintf(sql, sizeof(sql), "SELECT count(*) FROM credential WHERE "
	    "node = '%s' AND kind = %d", node, (int)kind);
	return (fx_number(sql));
}

/* --- which nodes there are --- */

/* alice.home is configured, new.home enrolled, far.home was here once. */
START_TEST(nodes_there_are)
{
	static const char *const there[] = { "alice.home", "new.home",
	    "far.home" };

	order(CTL_NODE_ENROLL, "new.home", 0);
	shows("join");
	fx_trust(r, AUTH_OPEN, NULL, 0);
	ask_openly(1, "far.home", false);
	is_accepted(1);
	registry_close(r, 1, span_str("gone"), at(1));
	fx_settle(r);
	if (_i == 0) {
		struct credentials list = { .n = 0 };

		give(&list, HOLDER_HOME, 0, "alice.home", AUTH_BY_KEY,
		    key_conf(1), NULL);
		fx_trust(r, AUTH_OPEN, &list, 2);
	}
	order(CTL_NODE_DISABLE, there[_i], 3);
	ends_with(CTL_OK, "disabled");
	ck_assert_int_eq(written(there[_i], "disabled"), 1);
	order(CTL_NODE_ENABLE, there[_i], 4);
	ends_with(CTL_OK, "enabled");
	ck_assert_int_eq(written(there[_i], "enabled"), 1);
	order(CTL_NODE_ENABLE, there[_i], 5);
	ends_with(CTL_NOT_FOUND, "that node is not disabled");
	ck_assert_int_eq(written(there[_i], "enabled"), 1);
}
END_TEST

START_TEST(none_such)
{
	order(CTL_NODE_DISABLE, "nobody.home", 0);
	ends_with(CTL_NOT_FOUND, "there is no such node");
	order(CTL_NODE_ROTATE, "nobody.home", 0);
	ends_with(CTL_NOT_FOUND, "that node has no credentials here");
	order(CTL_NODE_REVOKE, "nobody.home", 0);
	ends_with(CTL_NOT_FOUND, "that node has no credentials here");
	order(CTL_NODE_ENROLL, "a@b", 0);
	ends_with(CTL_REFUSED, "node id: 1 to 253 bytes, labels of [a-z0-9_-] "
	    "joined by dots");
	order(CTL_NODE_TOKEN, "MAIN.example", 0);
	ends_with(CTL_REFUSED, "the node id is this relay's own");
	ck_assert_int_eq(written("nobody.home", "disabled"), 0);
	ck_assert_int_eq(written("nobody.home", "revoked"), 0);
}
END_TEST

/* --- in relayd.conf, here, or both --- */

START_TEST(configured_or_enrolled)
{
	order(CTL_NODE_REVOKE, "alice.home", 0);
	ends_with(CTL_REFUSED, "its credentials are in relayd.conf: take them "
	    "out there and reload, or disable the node");
	order(CTL_NODE_ROTATE, "alice.home", 0);
	ends_with(CTL_REFUSED, "its credentials are in relayd.conf: add the "
	    "new one there, reload, and take out the old");
	order(CTL_NODE_TOKEN, "alice.home", 0);
	shows("token");
	order(CTL_NODE_REVOKE, "alice.home", 0);
	ends_with(CTL_OK, "revoked; those in relayd.conf stay");
	ck_assert_int_eq(written("alice.home", "revoked"), 1);
	order(CTL_NODE_TOKEN, "x.home", 0);
	shows("token");
	ck_assert_int_eq(written("x.home", "token"), 1);
	order(CTL_NODE_ENROLL, "x.home", 0);
	ends_with(CTL_REFUSED, "that node has credentials already: rotate or "
	    "revoke them");
	ck_assert_int_eq(kept("x.home", NODE_HOME), 1);
	order(CTL_NODE_REVOKE, "x.home", 0);
	ends_with(CTL_OK, "revoked");
	ck_assert_int_eq(written("x.home", "revoked"), 1);
	ck_assert_int_eq(kept("x.home", NODE_HOME), 0);
}
END_TEST

/* It is what relayd.conf says, and stays so when that is silent. */
START_TEST(kind_of_a_node)
{
	order(CTL_NODE_TOKEN, "alice.home", 0);
	shows("token");
	ck_assert_int_eq(kept("alice.home", NODE_HOME), 1);
	order(CTL_NODE_TOKEN, "b.main", 0);
	shows("token");
	ck_assert_int_eq(kept("b.main", NODE_PEER), 1);
	fx_trust(r, AUTH_REQUIRED, NULL, 1);
	order(CTL_NODE_TOKEN, "b.main", 2);
	shows("token");
	ck_assert_int_eq(kept("b.main", NODE_PEER), 2);
	order(CTL_NODE_ROTATE, "b.main", 3);
	shows("join");
	ck_assert_int_eq(kept("b.main", NODE_PEER), 3);
	ck_assert_int_eq(kept("b.main", NODE_HOME), 0);
}
END_TEST

/* --- where it joins, and until when --- */

START_TEST(url_too_long)
{
	char url[URL_TEXT_MAX + 2];
	struct node_request q = { CTL_NODE_ENROLL, span_str("x.home"),
	    span_str(""), span_str(""), 0 };

	memset(url, 'x', sizeof(url) - 1);
	memcpy(url, "ws://x/", 7);
	url[sizeof(url) - 1] = '\0';
	q.url = span_str(url);
	registry_ctl_node(r, 9, &q, at(0));
	ends_with(CTL_REFUSED, "url: it is too long");
	ck_assert_int_eq(kept("x.home", NODE_HOME), 0);
}
END_TEST

START_TEST(no_url)
{
	const struct trust_conf conf = { AUTH_REQUIRED, "", NULL, 0 };
	struct credentials none = { .n = 0 };

	registry_configure_trust(r, 2, &conf, &none, at(0));
	order(CTL_NODE_ENROLL, "x.home", 0);
	ends_with(CTL_REFUSED, "say the URL at which it reaches this relay: "
	    "relayd.conf has no url");
	ck_assert_int_eq(kept("x.home", NODE_HOME), 0);
}
END_TEST

static const char bad_pin[] = "pin: sha256: and 43 characters of base64url";
static const char too_late[] = "it may not be good for more than 30 days";
static const struct {
	const char	*url, *pin;
	uint32_t	 expires_s;
	const char	*why;		/* NULL: it is taken */
} joins[] = {
	{ "ws://10.0.0.1:80", PIN, LIMIT_JOIN_MAX_S, NULL },
	{ "", "", 1, NULL },
	{ "", "", LIMIT_JOIN_MAX_S + 1, too_late },
	{ "", "sha257:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 0,
	    bad_pin },
	{ "", "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA!", 0,
	    bad_pin },
	{ "", "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", 0,
	    bad_pin },
	{ "", "sha256:", 0, bad_pin },
	{ "", PIN PIN PIN PIN PIN PIN, 0, bad_pin },
	/* What is wrong first is told. */
	{ "http://x", "sha256:", 0, 
	    "the URL does not begin with wss:// or ws://" },
	{ "", "sha256:", LIMIT_JOIN_MAX_S + 1, bad_pin },
};

START_TEST(join_values)
{
	const struct node_request q = { CTL_NODE_ENROLL, span_str("x.home"),
	    span_str(joins[_i].url), span_str(joins[_i].pin),
	    joins[_i].expires_s };
	struct join j;

	registry_ctl_node(r, 9, &q, at(0));
	if (joins[_i].why != NULL) {
		ends_with(CTL_REFUSED, joins[_i].why);
		ck_assert_int_eq(kept("x.home", NODE_HOME), 0);
		return;
	}
	ck_assert_ptr_null(join_decode(fx_expect(r, MSG_CTL_ROW, 9)->body,
	    &j));
	ends_with(CTL_OK, "");
	ck_assert_str_eq(j.url, joins[_i].url[0] != '\0' ? joins[_i].url :
	    "wss://main.example:8443");
	ck_assert_str_eq(j.pin, joins[_i].pin);
	ck_assert_uint_eq(j.expires_ms, (uint64_t)T0 +
	    (uint64_t)joins[_i].expires_s * 1000);
}
END_TEST

/* --- the database --- */

/* What is promised is on the disk, and what has expired is not. */
START_TEST(is_written_through)
{
	order(CTL_NODE_ENROLL, "old.home", 0);
	shows("join");
	fx_settle(r);
	order(CTL_NODE_REVOKE, "alice.home", HOUR - 1);
	ck_assert(r->sync);
	ck_assert_int_eq(kept("old.home", NODE_HOME), 1);
	order(CTL_NODE_REVOKE, "alice.home", HOUR);
	ck_assert_int_eq(kept("old.home", NODE_HOME), 0);
}
END_TEST

START_TEST(home_has_no_nodes)
{
	teardown();
	home_setup();
	order(CTL_NODE_TOKEN, "bob.home", 0);
	ends_with(CTL_REFUSED, "a home takes no links");
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("node orders");

	tcase_add_checked_fixture(tc, nodes_setup, teardown);
	tcase_add_loop_test(tc, nodes_there_are, 0, 3);
	tcase_add_test(tc, none_such);
	tcase_add_test(tc, configured_or_enrolled);
	tcase_add_test(tc, kind_of_a_node);
	tcase_add_test(tc, url_too_long);
	tcase_add_test(tc, no_url);
	tcase_add_loop_test(tc, join_values, 0, N(joins));
	tcase_add_test(tc, is_written_through);
	tcase_add_test(tc, home_has_no_nodes);
	return (suite_run("node orders", tc));
}
