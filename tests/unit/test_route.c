/* SPDX-License-Identifier: ISC */

/*
 * The route table and the balancer.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/route_fixture.h"
#include "tests/unit/suite.h"

static int			 link_a, link_b, link_c;	/* addresses */
static enum visibility		 least = VISIBILITY_PRIVATE;
static bool			 own_only;
static struct route_instance	*taken[64];
static unsigned int		 ntaken;

static void
take(struct route_instance *i)
{
	route_take(i);
	taken[ntaken++] = i;
}

static void
release_all(void)
{
	while (ntaken > 0)
		route_release(taken[--ntaken]);
}

static enum route_result
choose(const struct route_node *n, const char *server, const char *version,
    const char *method, struct route_instance **i)
{
	struct route_query	 q = { 0 };

	q.node = n;
	q.server = span_str(server);
	q.version = span_str(version);
	q.method = span_str(method);
	q.least = least;
	q.own_only = own_only;
	return (route_choose(&t, &q, i));
}

START_TEST(nodes)
{
	struct route_node	*n;

	ck_assert_ptr_null(route_node_find(&t, span_str("a")));
	n = route_node_up(&t, "a.home", &link_a);
	ck_assert_ptr_eq(route_node_find(&t, span_str("A.Home")), n);
	ck_assert_ptr_null(route_node_find(&t, span_str("a.hom")));
	ck_assert_ptr_null(route_node_find(&t, span_str("")));
	ck_assert_ptr_null(route_node_find(&t, span_str("a@b")));
	/* A late close by the old link changes nothing. */
	route_node_down(&t, "a.home", &link_b);
	ck_assert_ptr_eq(n->link, &link_a);
	route_node_down(&t, "a.home", &link_a);
	n = route_node_find(&t, span_str("a.home"));
	ck_assert_ptr_nonnull(n);
	ck_assert_ptr_null(n->link);
	route_node_known(&t, "a.home", false);
	ck_assert_ptr_null(route_node_find(&t, span_str("a.home")));
	route_node_known(&t, "b", true);
	n = route_node_find(&t, span_str("b"));
	ck_assert_ptr_nonnull(n);
	ck_assert_ptr_null(n->link);
	route_node_known(&t, "never", false);
}
END_TEST

START_TEST(set_replaces)
{
	struct service		 s[2] = { svc("x", "1.0.0"), svc("y", "1.0.0") };
	struct route_instance	*i, *x;
	struct route_node	*n = route_node_up(&t, "a", &link_a);

	ck_assert_int_eq(choose(NULL, "x", "", "", &i), ROUTE_NO_SERVICE);
	route_set(&t, n, s, 2);
	ck_assert_uint_eq(t.n_instances, 2);
	ck_assert_int_eq(choose(NULL, "x", "", "", &x), ROUTE_OK);
	route_take(x);
	s[1] = svc("x", "1.0.0");
	route_set(&t, n, &s[1], 1);
	ck_assert_int_eq(choose(NULL, "y", "", "", &i), ROUTE_NO_SERVICE);
	ck_assert_int_eq(choose(NULL, "x", "", "", &i), ROUTE_OK);
	ck_assert_ptr_eq(i, x);
	ck_assert_uint_eq(i->in_flight, 1);
	/* Withdrawn with a call in flight: freed with the call's end. */
	route_set(&t, n, NULL, 0);
	ck_assert_int_eq(choose(NULL, "x", "", "", &i), ROUTE_NO_SERVICE);
	ck_assert_ptr_null(x->node);
	route_release(x);
	ck_assert_uint_eq(t.n_instances, 0);
	ck_assert_uint_eq(t.services.n, 0);
}
END_TEST

START_TEST(down_withdraws)
{
	struct service		 s = svc("x", "1.0.0");
	struct route_instance	*i;
	struct route_node	*n = route_node_up(&t, "a", &link_a);

	route_set(&t, n, &s, 1);
	route_node_down(&t, "a", &link_a);
	ck_assert_int_eq(choose(NULL, "x", "", "", &i), ROUTE_NO_SERVICE);
	ck_assert_ptr_null(i);
}
END_TEST

START_TEST(versions)
{
	struct service		 s[4] = { svc("x", "1.10.0"), svc("x", "1.9.0"),
				    svc("x", "2.0.0"), svc("z", "1.0.0") };
	struct route_instance	*i;
	struct route_node	*n = route_node_up(&t, "a", &link_a);

	route_set(&t, n, s, 2);
	ck_assert_int_eq(choose(NULL, "x", "", "", &i), ROUTE_OK);
	ck_assert_str_eq(i->service.version, "1.10.0");
	ck_assert_int_eq(choose(NULL, "x", "1.9.0", "", &i), ROUTE_OK);
	ck_assert_str_eq(i->service.version, "1.9.0");
	ck_assert_int_eq(choose(NULL, "x", "1.9.1", "", &i), ROUTE_NO_VERSION);
	ck_assert_int_eq(choose(NULL, "x", "2.0.0", "", &i), ROUTE_NO_VERSION);
	ck_assert_int_eq(choose(NULL, "X", "", "", &i), ROUTE_NO_SERVICE);
	route_set(&t, n, s, 4);
	ck_assert_int_eq(choose(NULL, "x", "", "", &i), ROUTE_OK);
	ck_assert_str_eq(i->service.version, "2.0.0");
	/* The highest version that is healthy. */
	ck_assert_uint_eq(route_health(n, span_str("x"),
	    span_str("2.0.0"), false), 1);
	ck_assert_int_eq(choose(NULL, "x", "", "", &i), ROUTE_OK);
	ck_assert_str_eq(i->service.version, "1.10.0");
}
END_TEST

START_TEST(methods)
{
	struct service		 s = svc("x", "1.0.0");
	struct service_method	 m[2];
	struct route_instance	*i;
	struct route_node	*n = route_node_up(&t, "a", &link_a);

	memset(m, 0, sizeof(m));
	snprintf(m[0].name, sizeof(m[0].name), "get");
	snprintf(m[1].name, sizeof(m[1].name), "put");
	s.methods = m;
	s.n_methods = 2;
	route_set(&t, n, &s, 1);
	ck_assert_int_eq(choose(NULL, "x", "", "get", &i), ROUTE_OK);
	ck_assert_int_eq(choose(NULL, "x", "", "put", &i), ROUTE_OK);
	ck_assert_int_eq(choose(NULL, "x", "", "pu", &i), ROUTE_NO_METHOD);
	ck_assert_int_eq(choose(NULL, "x", "", "GET", &i), ROUTE_NO_METHOD);
	ck_assert_int_eq(choose(n, "x", "", "del", &i), ROUTE_NO_METHOD);
}
END_TEST

/* What a caller may not see is not there for it. */
START_TEST(visibility)
{
	struct service		 s[3] = { svc("x", "3.0.0"), svc("x", "2.0.0"),
				    svc("x", "1.0.0") };
	struct route_instance	*i;
	struct route_node	*n = route_node_up(&t, "a", &link_a);

	s[0].visibility = VISIBILITY_PRIVATE;
	s[1].visibility = VISIBILITY_MAIN;
	route_set(&t, n, s, 3);
	ck_assert_int_eq(choose(n, "x", "", "", &i), ROUTE_OK);
	ck_assert_str_eq(i->service.version, "3.0.0");
	least = VISIBILITY_MAIN;
	ck_assert_int_eq(choose(n, "x", "", "", &i), ROUTE_OK);
	ck_assert_str_eq(i->service.version, "2.0.0");
	ck_assert_int_eq(choose(n, "x", "3.0.0", "", &i), ROUTE_NO_VERSION);
	least = VISIBILITY_FEDERATION;
	ck_assert_int_eq(choose(NULL, "x", "", "", &i), ROUTE_OK);
	ck_assert_str_eq(i->service.version, "1.0.0");
	ck_assert_int_eq(choose(n, "x", "2.0.0", "", &i), ROUTE_NO_VERSION);
	route_set(&t, n, s, 2);
	ck_assert_int_eq(choose(n, "x", "", "", &i), ROUTE_NO_SERVICE);
	ck_assert_int_eq(choose(NULL, "x", "", "", &i), ROUTE_NO_SERVICE);
	least = VISIBILITY_MAIN;
	route_set(&t, n, s, 1);
	ck_assert_int_eq(choose(n, "x", "", "", &i), ROUTE_NO_SERVICE);
	least = VISIBILITY_PRIVATE;
}
END_TEST

START_TEST(health)
{
	struct service		 s = svc("x", "1.0.0");
	struct route_instance	*i;
	struct route_node	*a = route_node_up(&t, "a", &link_a);
	struct route_node	*b = route_node_up(&t, "b", &link_b);
	int			 k;

	route_set(&t, a, &s, 1);
	route_set(&t, b, &s, 1);
	ck_assert_uint_eq(route_health(a, span_str("x"), span_str(""), false),
	    1);
	ck_assert_uint_eq(route_health(a, span_str("x"), span_str(""), false),
	    0);
	ck_assert_uint_eq(route_health(a, span_str("y"), span_str(""), false),
	    0);
	ck_assert_uint_eq(route_health(b, span_str("x"), span_str("2.0.0"),
	    false), 0);
	for (k = 0; k < 4; k++) {
		ck_assert_int_eq(choose(NULL, "x", "", "", &i), ROUTE_OK);
		ck_assert_ptr_eq(i->node, b);
		take(i);
	}
	/* Whoever names the node gets the node. */
	ck_assert_int_eq(choose(a, "x", "", "", &i), ROUTE_OK);
	ck_assert_ptr_eq(i->node, a);
	route_health(b, span_str("x"), span_str(""), false);
	ck_assert_int_eq(choose(NULL, "x", "", "", &i), ROUTE_UNHEALTHY);
	release_all();
}
END_TEST

/* A version that is down does not hide a lower one that is up. */
START_TEST(health_before_version)
{
	struct service		 s[2] = { svc("x", "1.0.0"), svc("x", "2.0.0") };
	struct route_instance	*i;
	struct route_node	*a = route_node_up(&t, "a", &link_a);

	route_set(&t, a, s, 2);
	ck_assert_uint_eq(route_health(a, span_str("x"), span_str("2.0.0"),
	    false), 1);
	ck_assert_int_eq(choose(NULL, "x", "", "", &i), ROUTE_OK);
	ck_assert_str_eq(i->service.version, "1.0.0");
	ck_assert_int_eq(choose(a, "x", "", "", &i), ROUTE_OK);
	ck_assert_str_eq(i->service.version, "1.0.0");
	ck_assert_int_eq(choose(a, "x", "2.0.0", "", &i), ROUTE_OK);
	ck_assert_str_eq(i->service.version, "2.0.0");
	ck_assert_int_eq(choose(NULL, "x", "2.0.0", "", &i), ROUTE_UNHEALTHY);
	route_health(a, span_str("x"), span_str("1.0.0"), false);
	ck_assert_int_eq(choose(a, "x", "", "", &i), ROUTE_OK);
	ck_assert_str_eq(i->service.version, "2.0.0");
}
END_TEST

START_TEST(concurrency)
{
	struct service		 s = svc("x", "1.0.0");
	struct route_instance	*i, *first;
	struct route_node	*a = route_node_up(&t, "a", &link_a);
	struct route_node	*b = route_node_up(&t, "b", &link_b);

	s.max_concurrency = 1;
	route_set(&t, a, &s, 1);
	route_set(&t, b, &s, 1);
	ck_assert_int_eq(choose(NULL, "x", "", "", &first), ROUTE_OK);
	route_take(first);
	ck_assert_int_eq(choose(NULL, "x", "", "", &i), ROUTE_OK);
	ck_assert_ptr_ne(i, first);
	take(i);
	ck_assert_int_eq(choose(NULL, "x", "", "", &i), ROUTE_OVERLOADED);
	ck_assert_int_eq(choose(a, "x", "", "", &i), ROUTE_OVERLOADED);
	route_release(first);
	ck_assert_int_eq(choose(NULL, "x", "", "", &i), ROUTE_OK);
	ck_assert_ptr_eq(i, first);
	release_all();
}
END_TEST

/* Among equals each in turn; with calls in flight by weight. */
START_TEST(balance)
{
	struct service		 s = svc("x", "1.0.0");
	struct route_node	*n[3];
	struct route_instance	*i;
	unsigned int		 got[3] = { 0, 0, 0 };
	int			 k, j;

	n[0] = route_node_up(&t, "a", &link_a);
	n[1] = route_node_up(&t, "b", &link_b);
	n[2] = route_node_up(&t, "c", &link_c);
	for (k = 0; k < 3; k++)
		route_set(&t, n[k], &s, 1);
	for (k = 0; k < 9; k++) {
		ck_assert_int_eq(choose(NULL, "x", "", "", &i), ROUTE_OK);
		ck_assert_ptr_eq(i->node, n[k % 3]);
		route_take(i);
		route_release(i);
	}
	s.weight = 3;
	route_set(&t, n[1], &s, 1);
	for (k = 0; k < 50; k++) {
		ck_assert_int_eq(choose(NULL, "x", "", "", &i), ROUTE_OK);
		take(i);
		for (j = 0; j < 3; j++)
			if (i->node == n[j])
				got[j]++;
	}
	ck_assert_uint_eq(got[0], 10);
	ck_assert_uint_eq(got[1], 30);
	ck_assert_uint_eq(got[2], 10);
	release_all();
}
END_TEST

/* Idle instances share calls one after the other as their weights say. */
START_TEST(weight_of_the_idle)
{
	struct service		 s = svc("x", "1.0.0");
	struct route_node	*a = route_node_up(&t, "a", &link_a);
	struct route_node	*b = route_node_up(&t, "b", &link_b);
	struct route_node	*c;
	struct route_instance	*i;
	unsigned int		 got_b = 0, got_c = 0;
	int			 k;

	route_set(&t, a, &s, 1);
	s.weight = 3;
	route_set(&t, b, &s, 1);
	for (k = 0; k < 80; k++) {
		ck_assert_int_eq(choose(NULL, "x", "", "", &i), ROUTE_OK);
		got_b += i->node == b;
		route_take(i);
		route_release(i);
	}
	ck_assert_uint_ge(got_b, 59);
	ck_assert_uint_le(got_b, 61);
	/* A newcomer takes its share from now on, no more. */
	c = route_node_up(&t, "c", &link_c);
	s.weight = 4;
	route_set(&t, c, &s, 1);
	for (k = 0; k < 80; k++) {
		ck_assert_int_eq(choose(NULL, "x", "", "", &i), ROUTE_OK);
		got_c += i->node == c;
		route_take(i);
		route_release(i);
	}
	ck_assert_uint_ge(got_c, 38);
	ck_assert_uint_le(got_c, 46);
}
END_TEST

/* Without a version, what is not released waits until it is asked for. */
START_TEST(release_before_prerelease)
{
	struct service		 s[2] = { svc("x", "2.0.0+b-1"),
	    svc("x", "2.1.0-rc.1") };
	struct route_node	*a = route_node_up(&t, "a", &link_a);
	struct route_instance	*i;

	route_set(&t, a, s, 2);
	ck_assert_int_eq(choose(NULL, "x", "", "", &i), ROUTE_OK);
	ck_assert_str_eq(i->service.version, "2.0.0+b-1");
	ck_assert_int_eq(choose(NULL, "x", "2.1.0-rc.1", "", &i), ROUTE_OK);
	ck_assert_str_eq(i->service.version, "2.1.0-rc.1");
	route_set(&t, a, &s[1], 1);
	ck_assert_int_eq(choose(NULL, "x", "", "", &i), ROUTE_OK);
}
END_TEST

START_TEST(many)
{
	struct service		 s = svc("x", "1.0.0");
	struct route_instance	*i;
	struct route_node	*n;
	char			 id[16];
	int			 k;

	for (k = 0; k < 1000; k++) {
		snprintf(id, sizeof(id), "n%d", k);
		n = route_node_up(&t, id, &link_a);
		snprintf(s.name, sizeof(s.name), "s%d", k);
		route_set(&t, n, &s, 1);
	}
	for (k = 0; k < 1000; k += 2) {
		snprintf(id, sizeof(id), "n%d", k);
		route_node_down(&t, id, &link_a);
		route_node_known(&t, id, false);
	}
	for (k = 0; k < 1000; k++) {
		snprintf(id, sizeof(id), "s%d", k);
		ck_assert_int_eq(choose(NULL, id, "", "", &i),
		    k % 2 ? ROUTE_OK : ROUTE_NO_SERVICE);
	}
	ck_assert_uint_eq(t.nodes.n, 500);
	ck_assert_uint_eq(t.services.n, 500);
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("route");

	tcase_add_checked_fixture(tc, route_setup, route_teardown);
	tcase_add_test(tc, nodes);
	tcase_add_test(tc, set_replaces);
	tcase_add_test(tc, down_withdraws);
	tcase_add_test(tc, versions);
	tcase_add_test(tc, methods);
	tcase_add_test(tc, visibility);
	tcase_add_test(tc, health);
	tcase_add_test(tc, health_before_version);
	tcase_add_test(tc, concurrency);
	tcase_add_test(tc, balance);
	tcase_add_test(tc, weight_of_the_idle);
	tcase_add_test(tc, release_before_prerelease);
	tcase_add_test(tc, many);
	return (suite_run("route", tc));
}
