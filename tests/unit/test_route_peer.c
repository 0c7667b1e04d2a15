/* SPDX-License-Identifier: ISC */

/*
 * Other Mains in the route table: their nodes, their links, and how they
 * stand in the choice.
 */

#include <stdio.h>
#include <string.h>

#include "tests/unit/route_fixture.h"
#include "tests/unit/suite.h"

static int			 link_a, link_b, home_link;	/* addresses */
static bool			 own_only;
static enum visibility		 least = VISIBILITY_PRIVATE;

static void
setup(void)
{
	route_setup();
	own_only = false;
	least = VISIBILITY_PRIVATE;
}

static enum route_result
choose(const struct route_node *n, const char *server, const char *version,
    struct route_instance **i)
{
	struct route_query	 q = { 0 };

	q.node = n;
	q.server = span_str(server);
	q.version = span_str(version);
	q.method = span_str("");
	q.least = least;
	q.own_only = own_only;
	return (route_choose(&t, &q, i));
}

static struct route_node *
at(const char *main_id, const char *id)
{
	return (route_node_at(&t, span_str(main_id), span_str(id)));
}

static struct route_node *
any(const char *id)
{
	return (route_node_any(&t, span_str(id)));
}

/* A home of another Main with one service. */
static void
set(const char *main_id, const char *id, const char *server)
{
	struct service	 s = svc(server, "1.0.0");

	route_peer_set(&t, main_id, id, &s, 1);
}

START_TEST(mains)
{
	struct route_main	*m;

	ck_assert_ptr_null(route_main_find(&t, span_str("a.main")));
	m = route_main_up(&t, "a.main", &link_a);
	ck_assert_ptr_eq(route_main_find(&t, span_str("A.Main")), m);
	ck_assert_ptr_null(route_main_find(&t, span_str("a.mai")));
	ck_assert_ptr_null(route_main_find(&t, span_str("")));
	ck_assert_ptr_null(route_main_find(&t, span_str("a@b")));
	/* It is no node. */
	ck_assert_ptr_null(any("a.main"));
	/* A late end of another link changes nothing. */
	route_main_down(&t, "a.main", &link_b);
	ck_assert_ptr_eq(m->link, &link_a);
	ck_assert_ptr_eq(route_main_up(&t, "a.main", &link_b), m);
	route_main_down(&t, "a.main", &link_a);
	ck_assert_ptr_eq(m->link, &link_b);
	/* With neither link nor node it is gone. */
	route_main_down(&t, "a.main", &link_b);
	ck_assert_ptr_null(route_main_find(&t, span_str("a.main")));
	route_main_down(&t, "a.main", &link_b);
	route_main_down(&t, "never", &link_b);
	ck_assert_uint_eq(t.mains.n, 0);
}
END_TEST

START_TEST(nodes_of_a_main)
{
	struct route_node	*n;

	route_main_up(&t, "a", &link_a);
	set("a", "h", "x");
	n = at("A", "H");
	ck_assert_ptr_nonnull(n);
	ck_assert_str_eq(n->via->id, "a");
	ck_assert_ptr_eq(route_node_link(n), &link_a);
	ck_assert_ptr_null(at("a", "g"));
	ck_assert_ptr_null(at("b", "h"));
	ck_assert_ptr_null(at("", "h"));
	ck_assert_ptr_null(at("a", ""));
	/* It is none of ours. */
	ck_assert_ptr_null(route_node_find(&t, span_str("h")));
	route_peer_delete(&t, "b", "h");
	route_peer_delete(&t, "a", "g");
	ck_assert_ptr_eq(at("a", "h"), n);
	route_peer_delete(&t, "a", "h");
	ck_assert_ptr_null(at("a", "h"));
	ck_assert_uint_eq(t.n_instances, 0);
	ck_assert_uint_eq(t.services.n, 0);
	/* The Main has its link still. */
	ck_assert_ptr_nonnull(route_main_find(&t, span_str("a")));
}
END_TEST

/* Own nodes and those of others do not meet, whatever their ids. */
START_TEST(same_id_everywhere)
{
	struct route_node	*own;

	route_main_up(&t, "a", &link_a);
	set("a", "h", "x");
	set("b", "h", "x");
	own = route_node_up(&t, "h", &home_link);
	ck_assert_uint_eq(t.nodes.n, 3);
	ck_assert_ptr_ne(at("a", "h"), own);
	ck_assert_ptr_ne(at("a", "h"), at("b", "h"));
	route_node_down(&t, "h", &home_link);
	route_node_known(&t, "h", false);
	ck_assert_ptr_null(route_node_find(&t, span_str("h")));
	ck_assert_ptr_nonnull(at("a", "h"));
	route_peer_delete(&t, "a", "h");
	ck_assert_ptr_null(at("a", "h"));
	ck_assert_ptr_nonnull(at("b", "h"));
}
END_TEST

START_TEST(any_prefers)
{
	ck_assert_ptr_null(any("h"));
	ck_assert_ptr_null(any(""));
	set("a", "h", "x");		/* stale: no link */
	ck_assert_ptr_eq(any("H"), at("a", "h"));
	set("b", "h", "x");
	ck_assert_ptr_eq(any("h"), at("b", "h"));
	route_node_known(&t, "h", true);
	ck_assert_ptr_eq(any("h"), route_node_find(&t, span_str("h")));
	route_main_up(&t, "a", &link_a);
	route_peers_phase(&t, "a", ROUTE_PHASE_END);
	ck_assert_ptr_eq(any("h"), at("a", "h"));
	/* Set later, but not since the link is there. */
	route_main_up(&t, "b", &link_b);
	ck_assert_ptr_eq(any("h"), at("a", "h"));
	route_peers_phase(&t, "b", ROUTE_PHASE_END);
	ck_assert_ptr_eq(any("h"), at("b", "h"));
	/* It moved: the one that was set last is right. */
	set("a", "h", "x");
	ck_assert_ptr_eq(any("h"), at("a", "h"));
	route_node_up(&t, "h", &home_link);
	ck_assert_ptr_eq(any("h"), route_node_find(&t, span_str("h")));
	ck_assert_ptr_null(any("hh"));
}
END_TEST

START_TEST(stale_is_not_chosen)
{
	struct route_instance	*i;

	set("a", "h", "x");
	ck_assert_int_eq(choose(NULL, "x", "", &i), ROUTE_UNREACHABLE);
	ck_assert_int_eq(choose(at("a", "h"), "x", "", &i), ROUTE_UNREACHABLE);
	ck_assert_ptr_null(i);
	ck_assert_int_eq(choose(NULL, "y", "", &i), ROUTE_NO_SERVICE);
	ck_assert_int_eq(choose(NULL, "x", "2.0.0", &i), ROUTE_NO_VERSION);
	route_main_up(&t, "a", &link_a);
	set("a", "h", "x");
	ck_assert_int_eq(choose(NULL, "x", "", &i), ROUTE_OK);
	route_main_down(&t, "a", &link_a);
	ck_assert_int_eq(choose(NULL, "x", "", &i), ROUTE_UNREACHABLE);
	/* Another that is linked has it. */
	route_main_up(&t, "b", &link_b);
	set("b", "g", "x");
	ck_assert_int_eq(choose(NULL, "x", "", &i), ROUTE_OK);
	ck_assert_ptr_eq(i->node, at("b", "g"));
}
END_TEST

/* What a Main had before its link is no word of what it has now. */
START_TEST(a_link_confirms_nothing)
{
	struct route_instance	*i;

	route_main_up(&t, "a", &link_a);
	set("a", "h1", "x");
	set("a", "h2", "y");
	route_main_down(&t, "a", &link_a);
	route_main_up(&t, "a", &link_a);
	ck_assert_ptr_null(route_node_link(at("a", "h1")));
	ck_assert_int_eq(choose(NULL, "x", "", &i), ROUTE_UNREACHABLE);
	ck_assert_int_eq(choose(at("a", "h1"), "x", "", &i),
	    ROUTE_UNREACHABLE);
	/* Neither does the end of another's rows, nor a begin. */
	route_main_up(&t, "b", &link_b);
	set("b", "g", "z");
	route_peers_phase(&t, "b", ROUTE_PHASE_END);
	route_peers_phase(&t, "a", ROUTE_PHASE_BEGIN);
	ck_assert_int_eq(choose(NULL, "x", "", &i), ROUTE_UNREACHABLE);
	/* Each as it is set, and at the end all that are left. */
	set("a", "h1", "x");
	ck_assert_int_eq(choose(NULL, "x", "", &i), ROUTE_OK);
	ck_assert_ptr_eq(route_node_link(at("a", "h1")), &link_a);
	ck_assert_int_eq(choose(NULL, "y", "", &i), ROUTE_UNREACHABLE);
	set("a", "h2", "y");
	route_main_up(&t, "a", &link_b);	/* takes its place */
	ck_assert_int_eq(choose(NULL, "x", "", &i), ROUTE_UNREACHABLE);
	route_peers_phase(&t, "a", ROUTE_PHASE_END);
	ck_assert_int_eq(choose(NULL, "x", "", &i), ROUTE_OK);
	ck_assert_int_eq(choose(NULL, "y", "", &i), ROUTE_OK);
	ck_assert_ptr_eq(route_node_link(at("a", "h2")), &link_b);
	/* An end while there is no link is of no use for the next. */
	route_main_down(&t, "a", &link_b);
	route_peers_phase(&t, "a", ROUTE_PHASE_END);
	route_main_up(&t, "a", &link_a);
	ck_assert_int_eq(choose(NULL, "y", "", &i), ROUTE_UNREACHABLE);
}
END_TEST

/* That one is unwell says more than that another is out of reach. */
START_TEST(unreachable_or_unwell)
{
	struct service		 s = svc("x", "1.0.0");
	struct route_instance	*i;
	struct route_node	*n = route_node_up(&t, "own", &home_link);

	set("a", "h", "x");
	s.healthy = false;
	route_set(&t, n, &s, 1);
	ck_assert_int_eq(choose(NULL, "x", "", &i), ROUTE_UNHEALTHY);
	s = svc("x", "0.1.0");
	route_set(&t, n, &s, 1);
	ck_assert_int_eq(choose(NULL, "x", "1.0.0", &i), ROUTE_UNREACHABLE);
	ck_assert_int_eq(choose(NULL, "x", "", &i), ROUTE_OK);
	ck_assert_ptr_eq(i->node, n);
}
END_TEST

START_TEST(own_first)
{
	struct service		 s = svc("x", "1.0.0");
	struct route_instance	*own, *i;
	struct route_node	*n;

	route_main_up(&t, "a", &link_a);
	set("a", "h", "x");
	n = route_node_up(&t, "own", &home_link);
	s.max_concurrency = 2;
	route_set(&t, n, &s, 1);
	ck_assert_int_eq(choose(NULL, "x", "", &own), ROUTE_OK);
	ck_assert_ptr_eq(own->node, n);
	/* However busy it is, until it is full. */
	route_take(own);
	ck_assert_int_eq(choose(NULL, "x", "", &i), ROUTE_OK);
	ck_assert_ptr_eq(i, own);
	route_take(own);
	ck_assert_int_eq(choose(NULL, "x", "", &i), ROUTE_OK);
	ck_assert_ptr_eq(i->node, at("a", "h"));
	ck_assert_int_eq(choose(n, "x", "", &i), ROUTE_OVERLOADED);
	route_release(own);
	route_release(own);
	/* Unwell, it comes after. */
	route_health(n, span_str("x"), span_str(""), false);
	ck_assert_int_eq(choose(NULL, "x", "", &i), ROUTE_OK);
	ck_assert_ptr_eq(i->node, at("a", "h"));
	route_health(n, span_str("x"), span_str(""), true);
	/* And a higher version is worth the way. */
	s = svc("x", "1.0.1");
	route_peer_set(&t, "a", "h", &s, 1);
	ck_assert_int_eq(choose(NULL, "x", "", &i), ROUTE_OK);
	ck_assert_ptr_eq(i->node, at("a", "h"));
	ck_assert_int_eq(choose(NULL, "x", "1.0.0", &i), ROUTE_OK);
	ck_assert_ptr_eq(i->node, n);
}
END_TEST

/* A peer's call stays here: the structural rule. */
START_TEST(own_only_for_peers)
{
	struct service		 s = svc("x", "1.0.0");
	struct route_instance	*i;
	struct route_node	*n = route_node_up(&t, "own", &home_link);

	route_main_up(&t, "a", &link_a);
	set("a", "h", "x");
	own_only = true;
	least = VISIBILITY_FEDERATION;
	ck_assert_int_eq(choose(NULL, "x", "", &i), ROUTE_NO_SERVICE);
	ck_assert_int_eq(choose(at("a", "h"), "x", "", &i), ROUTE_NO_SERVICE);
	s.visibility = VISIBILITY_MAIN;
	route_set(&t, n, &s, 1);
	ck_assert_int_eq(choose(NULL, "x", "", &i), ROUTE_NO_SERVICE);
	ck_assert_int_eq(choose(n, "x", "", &i), ROUTE_NO_SERVICE);
	s.visibility = VISIBILITY_FEDERATION;
	route_set(&t, n, &s, 1);
	ck_assert_int_eq(choose(NULL, "x", "", &i), ROUTE_OK);
	ck_assert_ptr_eq(i->node, n);
}
END_TEST

START_TEST(calls_in_flight_outlive)
{
	struct service		 s = svc("x", "1.0.0");
	struct route_instance	*i, *j;

	route_main_up(&t, "a", &link_a);
	set("a", "h", "x");
	ck_assert_int_eq(choose(NULL, "x", "", &i), ROUTE_OK);
	route_take(i);
	route_peer_set(&t, "a", "h", &s, 1);
	ck_assert_int_eq(choose(NULL, "x", "", &j), ROUTE_OK);
	ck_assert_ptr_eq(i, j);
	route_peers_phase(&t, "a", ROUTE_PHASE_FORGET);
	ck_assert_ptr_null(i->node);
	ck_assert_uint_eq(i->in_flight, 1);
	route_release(i);
	ck_assert_uint_eq(t.n_instances, 0);
}
END_TEST

START_TEST(phases)
{
	route_main_up(&t, "a", &link_a);
	route_main_up(&t, "b", &link_b);
	set("a", "h1", "x");
	set("a", "h2", "x");
	set("b", "h2", "x");
	/* An end without a begin takes nothing that was just set. */
	route_peers_phase(&t, "a", ROUTE_PHASE_END);
	ck_assert_ptr_nonnull(at("a", "h1"));
	route_peers_phase(&t, "a", ROUTE_PHASE_BEGIN);
	ck_assert_ptr_nonnull(at("a", "h1"));
	set("a", "h2", "x");
	set("a", "h3", "x");
	route_peers_phase(&t, "b", ROUTE_PHASE_END);
	route_peers_phase(&t, "c", ROUTE_PHASE_END);
	ck_assert_ptr_nonnull(at("a", "h1"));
	route_peers_phase(&t, "a", 0);
	route_peers_phase(&t, "a", 4);
	ck_assert_ptr_nonnull(at("a", "h1"));
	route_peers_phase(&t, "a", ROUTE_PHASE_END);
	ck_assert_ptr_null(at("a", "h1"));
	ck_assert_ptr_nonnull(at("a", "h2"));
	ck_assert_ptr_nonnull(at("a", "h3"));
	ck_assert_ptr_nonnull(at("b", "h2"));
	/* Nothing was set: all goes. */
	route_peers_phase(&t, "a", ROUTE_PHASE_BEGIN);
	route_peers_phase(&t, "a", ROUTE_PHASE_END);
	ck_assert_ptr_null(at("a", "h2"));
	ck_assert_ptr_nonnull(at("b", "h2"));
	ck_assert_ptr_nonnull(route_main_find(&t, span_str("a")));
	route_peers_phase(&t, "b", ROUTE_PHASE_FORGET);
	ck_assert_ptr_null(at("b", "h2"));
	/* Forgotten, but its link is still there; then it is not. */
	ck_assert_ptr_nonnull(route_main_find(&t, span_str("b")));
	route_main_down(&t, "b", &link_b);
	ck_assert_ptr_null(route_main_find(&t, span_str("b")));
}
END_TEST

START_TEST(stale_is_forgotten)
{
	route_main_up(&t, "a", &link_a);
	set("a", "h", "x");
	set("b", "h", "x");
	set("c", "h", "y");
	route_mains_forget_stale(&t);
	ck_assert_ptr_nonnull(at("a", "h"));
	ck_assert_ptr_null(at("b", "h"));
	ck_assert_ptr_null(at("c", "h"));
	ck_assert_uint_eq(t.mains.n, 1);
	ck_assert_uint_eq(t.nodes.n, 1);
	ck_assert_uint_eq(t.services.n, 1);
}
END_TEST

START_TEST(a_node_without_services)
{
	struct route_instance	*i;

	route_main_up(&t, "a", &link_a);
	route_peer_set(&t, "a", "h", NULL, 0);
	ck_assert_ptr_nonnull(at("a", "h"));
	ck_assert_int_eq(choose(at("a", "h"), "x", "", &i), ROUTE_NO_SERVICE);
	ck_assert_uint_eq(t.services.n, 0);
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("route_peer");

	tcase_add_checked_fixture(tc, setup, route_teardown);
	tcase_add_test(tc, mains);
	tcase_add_test(tc, nodes_of_a_main);
	tcase_add_test(tc, same_id_everywhere);
	tcase_add_test(tc, any_prefers);
	tcase_add_test(tc, stale_is_not_chosen);
	tcase_add_test(tc, a_link_confirms_nothing);
	tcase_add_test(tc, unreachable_or_unwell);
	tcase_add_test(tc, own_first);
	tcase_add_test(tc, own_only_for_peers);
	tcase_add_test(tc, calls_in_flight_outlive);
	tcase_add_test(tc, phases);
	tcase_add_test(tc, stale_is_forgotten);
	tcase_add_test(tc, a_node_without_services);
	return (suite_run("route_peer", tc));
}
