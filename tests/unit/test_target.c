/* SPDX-License-Identifier: ISC */

/*
 * Who takes a call: at a Main for its homes, for HTTP and for its peers, and
 * at a home.
 */

#include <stdio.h>
#include <string.h>

#include "relay-router/router.h"
#include "tests/unit/suite.h"

static const uint8_t		 secret[HASH_KEY_LEN] = "0123456789abcde";
static struct router		 r;
static struct session		 own, away, peer, uplink;
static struct envelope		 env;
static struct call		 c;
static struct target		 t;
static struct rpc_error		 err;
static struct service		 conf_services[1];

static void
services(struct route_node *n)
{
	struct service	 s[3];
	int		 i;

	for (i = 0; i < 3; i++)
		service_init(&s[i]);
	strcpy(s[0].name, "open");
	strcpy(s[1].name, "inner");
	s[1].visibility = VISIBILITY_MAIN;
	strcpy(s[2].name, "one");
	s[2].max_concurrency = 1;
	route_set(&r.routes, n, s, 3);
}

static void
session(struct session *s, enum session_kind kind, char *id)
{
	memset(s, 0, sizeof(*s));
	s->kind = kind;
	s->node_id = id;
	s->up = true;
}

static char	 own_id[] = "own", away_id[] = "away", peer_id[] = "p",
		 self_id[] = "m";

/* The Main "m": homes own (connected) and off (not), the peer "p". */
static void
setup(void)
{
	struct service	 far;

	memset(&r, 0, sizeof(r));
	r.conf.role = ROLE_MAIN;
	strcpy(r.conf.node_id, "m");
	route_init(&r.routes, secret);
	session(&own, SESSION_HOME, own_id);
	session(&away, SESSION_HOME, away_id);
	session(&peer, SESSION_PEER, peer_id);
	session(&uplink, SESSION_UPLINK, self_id);
	services(route_node_up(&r.routes, "own", &own));
	route_node_known(&r.routes, "off", true);
	route_main_up(&r.routes, "p", &peer);
	service_init(&far);
	strcpy(far.name, "far");
	route_peer_set(&r.routes, "p", "ph", &far, 1);
	strcpy(far.name, "gone");
	route_peer_set(&r.routes, "q", "qh", &far, 1);
}

static void
teardown(void)
{
	route_free(&r.routes);
}

static struct env_node
node(enum node_kind kind, const char *id, const char *main_id)
{
	struct env_node	 n = { kind, span_str(id), span_str(main_id) };

	return (n);
}

/* Looks for a target; RPC_NONE if there is one. */
static enum rpc_code
find(struct session *from, struct env_node target, const char *server)
{
	memset(&c, 0, sizeof(c));
	memset(&err, 0, sizeof(err));
	c.from = from;
	c.env = from == NULL ? NULL : &env;
	c.target = target;
	c.server = span_str(server);
	c.method = span_str("get");
	c.version = span_str("");
	return (target_find(&r, &c, &t, &err) ? RPC_NONE : err.code);
}

#define BY_SERVICE	node(NODE_NONE, "", "")

static void
is_session(const struct session *s)
{
	ck_assert_int_eq(t.kind, TARGET_SESSION);
	ck_assert_ptr_eq(t.session, s);
}

START_TEST(own_homes)
{
	static struct session *const	 from[] = { NULL, &away };
	size_t				 i;

	for (i = 0; i < 2; i++) {
		ck_assert_int_eq(find(from[i], BY_SERVICE, "open"), RPC_NONE);
		is_session(&own);
		ck_assert_int_eq(find(from[i], BY_SERVICE, "inner"), RPC_NONE);
		is_session(&own);
		ck_assert_int_eq(find(from[i], node(NODE_NONE, "OWN", ""),
		    "open"), RPC_NONE);
		is_session(&own);
		ck_assert_int_eq(find(from[i], node(NODE_HOME, "own", "M"),
		    "relay"), RPC_NONE);
		is_session(&own);
		ck_assert_int_eq(find(from[i], node(NODE_HOME, "own", "m"),
		    ""), RPC_NONE);
		is_session(&own);
		ck_assert_ptr_null(t.instance);
		ck_assert_int_eq(find(from[i], node(NODE_HOME, "own", "m"),
		    "none"), RPC_E_SERVICE_NOT_FOUND);
		ck_assert(!t.miss);
	}
}
END_TEST

START_TEST(other_mains)
{
	ck_assert_int_eq(find(&own, BY_SERVICE, "far"), RPC_NONE);
	is_session(&peer);
	ck_assert_str_eq(t.instance->node->id, "ph");
	ck_assert_int_eq(find(NULL, node(NODE_NONE, "ph", ""), "far"),
	    RPC_NONE);
	is_session(&peer);
	ck_assert_int_eq(find(&own, node(NODE_HOME, "PH", "P"), "far"),
	    RPC_NONE);
	is_session(&peer);
	ck_assert_ptr_nonnull(t.instance);
	/* The other Main has the last word: no row is needed. */
	ck_assert_int_eq(find(&own, node(NODE_HOME, "ph", "p"), "new"),
	    RPC_NONE);
	is_session(&peer);
	ck_assert_ptr_null(t.instance);
	ck_assert_int_eq(find(&own, node(NODE_HOME, "new", "p"), "far"),
	    RPC_NONE);
	is_session(&peer);
	ck_assert(!t.relay);
}
END_TEST

START_TEST(mains_themselves)
{
	ck_assert_int_eq(find(&own, node(NODE_NONE, "M", ""), "relay"),
	    RPC_NONE);
	ck_assert_int_eq(t.kind, TARGET_SELF);
	ck_assert_int_eq(find(&own, node(NODE_MAIN, "p", ""), "relay"),
	    RPC_NONE);
	is_session(&peer);
	ck_assert(t.relay);
	ck_assert_int_eq(find(NULL, node(NODE_NONE, "P", ""), "relay"),
	    RPC_NONE);
	is_session(&peer);
	ck_assert(t.relay);
	ck_assert_int_eq(find(NULL, node(NODE_NONE, "p", ""), "far"),
	    RPC_E_SERVICE_NOT_FOUND);
	ck_assert_int_eq(find(NULL, node(NODE_MAIN, "p", ""), ""),
	    RPC_E_SERVICE_NOT_FOUND);
	ck_assert_int_eq(find(NULL, node(NODE_MAIN, "m", ""), "open"),
	    RPC_E_SERVICE_NOT_FOUND);
	ck_assert_int_eq(find(NULL, node(NODE_MAIN, "q", ""), "relay"),
	    RPC_E_PEER_UNREACHABLE);
	ck_assert_int_eq(find(NULL, node(NODE_MAIN, "z", ""), "relay"),
	    RPC_E_NODE_NOT_FOUND);
	/* A home of that name is no Main. */
	ck_assert_int_eq(find(NULL, node(NODE_HOME, "p", ""), "relay"),
	    RPC_E_NODE_NOT_FOUND);
	ck_assert_int_eq(find(NULL, node(NODE_MAIN, "own", ""), "relay"),
	    RPC_E_NODE_NOT_FOUND);
}
END_TEST

/* What peers may know better, and what they cannot. */
START_TEST(misses)
{
	ck_assert_int_eq(find(&own, BY_SERVICE, "none"),
	    RPC_E_SERVICE_NOT_FOUND);
	ck_assert(t.miss);
	ck_assert_int_eq(find(NULL, BY_SERVICE, "gone"),
	    RPC_E_PEER_UNREACHABLE);
	ck_assert(t.miss);
	ck_assert_int_eq(err.stage, STAGE_PEER_LINK);
	ck_assert_int_eq(find(NULL, node(NODE_NONE, "none", ""), "x"),
	    RPC_E_NODE_NOT_FOUND);
	ck_assert(t.miss);
	ck_assert_int_eq(find(NULL, node(NODE_HOME, "off", ""), "x"),
	    RPC_E_NODE_OFFLINE);
	ck_assert(t.miss);
	ck_assert_int_eq(find(NULL, node(NODE_NONE, "qh", ""), "gone"),
	    RPC_E_PEER_UNREACHABLE);
	ck_assert(t.miss);
	/* Its Main was named. */
	ck_assert_int_eq(find(NULL, node(NODE_HOME, "off", "m"), "x"),
	    RPC_E_NODE_OFFLINE);
	ck_assert(!t.miss);
	ck_assert_int_eq(find(NULL, node(NODE_HOME, "qh", "q"), "gone"),
	    RPC_E_PEER_UNREACHABLE);
	ck_assert(!t.miss);
	ck_assert_int_eq(find(NULL, node(NODE_HOME, "h", "z"), "x"),
	    RPC_E_NODE_NOT_FOUND);
	ck_assert(!t.miss);
	/* It is there, but not so. */
	ck_assert_int_eq(find(NULL, BY_SERVICE, ""), RPC_E_INVALID_PARAMS);
	ck_assert(!t.miss);
	peer.full = true;
	ck_assert_int_eq(find(NULL, BY_SERVICE, "far"), RPC_E_OVERLOADED);
	ck_assert_int_eq(err.stage, STAGE_PEER_LINK);
	ck_assert(!t.miss);
	own.full = true;
	ck_assert_int_eq(find(NULL, BY_SERVICE, "open"), RPC_E_OVERLOADED);
	ck_assert_int_eq(err.stage, STAGE_HOME_LINK);
}
END_TEST

/* Section 2: what comes from a peer goes to own homes or to the Main. */
START_TEST(structural_rule)
{
	static const struct {
		enum node_kind	 kind;
		const char	*id, *main_id, *server;
		enum rpc_code	 code;
	} bad[] = {
		{ NODE_HOME, "ph", "p", "far", RPC_E_NODE_NOT_FOUND },
		{ NODE_HOME, "qh", "q", "gone", RPC_E_NODE_NOT_FOUND },
		{ NODE_HOME, "own", "p", "open", RPC_E_NODE_NOT_FOUND },
		{ NODE_NONE, "m", "p", "relay", RPC_E_NODE_NOT_FOUND },
		{ NODE_MAIN, "p", "", "relay", RPC_E_NODE_NOT_FOUND },
		{ NODE_NONE, "p", "", "relay", RPC_E_NODE_NOT_FOUND },
		{ NODE_MAIN, "q", "", "relay", RPC_E_NODE_NOT_FOUND },
		{ NODE_MAIN, "own", "", "open", RPC_E_NODE_NOT_FOUND },
		{ NODE_NONE, "ph", "", "far", RPC_E_NODE_NOT_FOUND },
		{ NODE_NONE, "none", "", "far", RPC_E_NODE_NOT_FOUND },
		{ NODE_HOME, "off", "m", "x", RPC_E_NODE_OFFLINE },
		{ NODE_NONE, "off", "", "x", RPC_E_NODE_OFFLINE },
		{ NODE_NONE, "", "", "far", RPC_E_SERVICE_NOT_FOUND },
		{ NODE_NONE, "", "", "gone", RPC_E_SERVICE_NOT_FOUND },
		{ NODE_NONE, "", "", "none", RPC_E_SERVICE_NOT_FOUND },
		/* What is not for the federation. */
		{ NODE_NONE, "", "", "inner", RPC_E_SERVICE_NOT_FOUND },
		{ NODE_HOME, "own", "m", "inner", RPC_E_SERVICE_NOT_FOUND },
		{ NODE_NONE, "own", "", "inner", RPC_E_SERVICE_NOT_FOUND },
		{ NODE_HOME, "own", "m", "", RPC_E_INVALID_PARAMS },
		{ NODE_NONE, "", "", "", RPC_E_INVALID_PARAMS },
		{ NODE_MAIN, "m", "", "open", RPC_E_SERVICE_NOT_FOUND },
	};
	size_t	 i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ck_assert_msg(find(&peer, node(bad[i].kind, bad[i].id,
		    bad[i].main_id), bad[i].server) == bad[i].code,
		    "%zu: %d", i, err.code);
		ck_assert(!t.miss);
	}
	ck_assert_int_eq(find(&peer, BY_SERVICE, "open"), RPC_NONE);
	is_session(&own);
	ck_assert_int_eq(find(&peer, node(NODE_HOME, "own", "m"), "open"),
	    RPC_NONE);
	is_session(&own);
	ck_assert_int_eq(find(&peer, node(NODE_NONE, "Own", ""), "relay"),
	    RPC_NONE);
	is_session(&own);
	ck_assert_int_eq(find(&peer, node(NODE_MAIN, "m", ""), "relay"),
	    RPC_NONE);
	ck_assert_int_eq(t.kind, TARGET_SELF);
	ck_assert_int_eq(find(&peer, BY_SERVICE, "relay"), RPC_NONE);
	ck_assert_int_eq(t.kind, TARGET_SELF);
}
END_TEST

START_TEST(links_come_and_go)
{
	route_main_down(&r.routes, "p", &peer);
	ck_assert_int_eq(find(&own, BY_SERVICE, "far"),
	    RPC_E_PEER_UNREACHABLE);
	ck_assert_int_eq(find(&own, node(NODE_HOME, "new", "p"), "x"),
	    RPC_E_PEER_UNREACHABLE);
	/* The home of the gone Main comes here. */
	services(route_node_up(&r.routes, "qh", &away));
	ck_assert_int_eq(find(&own, node(NODE_NONE, "qh", ""), "open"),
	    RPC_NONE);
	is_session(&away);
}
END_TEST

/* --- a home --- */

static void
home(void)
{
	struct service	 s[2];

	r.conf.role = ROLE_HOME;
	strcpy(r.conf.node_id, "h");
	service_init(&conf_services[0]);
	strcpy(conf_services[0].name, "mine");
	r.conf.services = conf_services;
	r.conf.n_services = 1;
	r.backend = (struct channel *)&r;	/* only asked whether it is */
	service_init(&s[0]);
	service_init(&s[1]);
	strcpy(s[0].name, "mine");
	strcpy(s[1].name, "inner");
	s[1].visibility = VISIBILITY_MAIN;
	route_set(&r.routes, route_node_up(&r.routes, "h", &r), s, 2);
}

START_TEST(uplinks)
{
	home();
	ck_assert_int_eq(find(NULL, BY_SERVICE, "mine"), RPC_NONE);
	ck_assert_int_eq(t.kind, TARGET_BACKEND);
	ck_assert_int_eq(find(NULL, BY_SERVICE, "x"), RPC_E_PEER_UNREACHABLE);
	ck_assert(!t.miss);
	r.uplink = &uplink;
	ck_assert_int_eq(find(NULL, BY_SERVICE, "x"), RPC_NONE);
	is_session(&uplink);
	ck_assert_int_eq(find(NULL, node(NODE_HOME, "h", "z"), "mine"),
	    RPC_NONE);
	is_session(&uplink);
	/* Over any link, also one that is not the uplink. */
	ck_assert_int_eq(find(&peer, BY_SERVICE, "mine"), RPC_NONE);
	ck_assert_int_eq(t.kind, TARGET_BACKEND);
	ck_assert_int_eq(find(&uplink, node(NODE_HOME, "other", ""), "mine"),
	    RPC_E_NODE_NOT_FOUND);
}
END_TEST

/* The home's Main says who calls: those of other Mains see less. */
START_TEST(callers_from_elsewhere)
{
	home();
	r.uplink = &uplink;
	env.source = node(NODE_HOME, "x", "m");
	ck_assert_int_eq(find(&uplink, BY_SERVICE, "inner"), RPC_NONE);
	env.source = node(NODE_MAIN, "m", "");
	ck_assert_int_eq(find(&uplink, BY_SERVICE, "inner"), RPC_NONE);
	env.source = node(NODE_HOME, "x", "");
	ck_assert_int_eq(find(&uplink, BY_SERVICE, "inner"), RPC_NONE);
	env.source = node(NODE_HOME, "x", "p");
	ck_assert_int_eq(find(&uplink, BY_SERVICE, "inner"),
	    RPC_E_SERVICE_NOT_FOUND);
	ck_assert_int_eq(find(&uplink, BY_SERVICE, "mine"), RPC_NONE);
	env.source = node(NODE_MAIN, "p", "");
	ck_assert_int_eq(find(&uplink, node(NODE_HOME, "h", ""), "inner"),
	    RPC_E_SERVICE_NOT_FOUND);
	env.source = node(NODE_NONE, "", "");
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("target");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, own_homes);
	tcase_add_test(tc, other_mains);
	tcase_add_test(tc, mains_themselves);
	tcase_add_test(tc, misses);
	tcase_add_test(tc, structural_rule);
	tcase_add_test(tc, links_come_and_go);
	tcase_add_test(tc, uplinks);
	tcase_add_test(tc, callers_from_elsewhere);
	return (suite_run("target", tc));
}
