/* SPDX-License-Identifier: ISC */

/*
 * The balancer among instances of which the caller may not call some.
 */

#include <stdio.h>
#include <string.h>

#include "tests/unit/route_fixture.h"
#include "tests/unit/suite.h"

static int			 link_a, link_b, link_c;	/* addresses */

static const char	*refused;	/* ids of nodes, each with a blank */
static unsigned int	 n_asked;

static bool
permit(void *arg, const struct route_instance *i)
{
	char	 word[16];

	ck_assert_ptr_eq(arg, &refused);
	n_asked++;
	snprintf(word, sizeof(word), "%s ", i->node->id);
	return (strstr(refused, word) == NULL);
}

/* x 1.0.0 at nodes a, b and c, of which those may not be called. */
static enum route_result
choose_but(const char *ids, const char *version, const char *method,
    struct route_instance **i)
{
	struct route_query	 q = { .least = VISIBILITY_MAIN };

	q.server = span_str("x");
	q.version = span_str(version);
	q.method = span_str(method);
	q.permit = permit;
	q.permit_arg = &refused;
	refused = ids;
	n_asked = 0;
	return (route_choose(&t, &q, i));
}

static struct route_node *
with_x(const char *id, int *link)
{
	struct service_method	 m = { .name = "get" };
	struct service		 s = svc("x", "1.0.0");
	struct route_node	*n = route_node_up(&t, id, link);

	s.methods = &m;
	s.n_methods = 1;
	s.max_concurrency = 1;
	route_set(&t, n, &s, 1);
	return (n);
}

START_TEST(permitted)
{
	struct route_instance	*i;
	struct route_instance	*busy;
	struct route_node	*a = with_x("a", &link_a);
	int			 k;

	with_x("b", &link_b);
	with_x("c", &link_c);
	ck_assert_int_eq(choose_but("", "", "get", &i), ROUTE_OK);
	for (k = 0; k < 4; k++) {
		ck_assert_int_eq(choose_but("a c ", "", "get", &i), ROUTE_OK);
		ck_assert_str_eq(i->node->id, "b");
		route_take(i);
		route_release(i);
	}
	ck_assert_int_eq(choose_but("a b c ", "", "get", &i),
	    ROUTE_FORBIDDEN);
	ck_assert_ptr_null(i);
	/* Whatever else it lacks, it is nobody's business. */
	ck_assert_int_eq(choose_but("a b c ", "2.0.0", "get", &i),
	    ROUTE_FORBIDDEN);
	ck_assert_int_eq(choose_but("a b c ", "", "put", &i),
	    ROUTE_FORBIDDEN);
	/* What may be called says what is wrong. */
	ck_assert_int_eq(choose_but("a b ", "2.0.0", "get", &i),
	    ROUTE_NO_VERSION);
	ck_assert_int_eq(choose_but("a b ", "", "put", &i), ROUTE_NO_METHOD);
	/* One that is better off and may not be called does not count. */
	(void)route_health(a, span_str("x"), span_str(""), false);
	ck_assert_int_eq(choose_but("b c ", "", "get", &i), ROUTE_UNHEALTHY);
	ck_assert_int_eq(choose_but("a b c ", "", "get", &i),
	    ROUTE_FORBIDDEN);
	ck_assert_int_eq(choose_but("a c ", "", "get", &i), ROUTE_OK);
	route_take(i);
	busy = i;
	ck_assert_int_eq(choose_but("a c ", "", "get", &i),
	    ROUTE_OVERLOADED);
	ck_assert_ptr_null(i);
	route_release(busy);
}
END_TEST

/* What is not visible is not there, and nobody is asked of it. */
START_TEST(permitted_hidden)
{
	struct service		 s = svc("x", "1.0.0");
	struct route_instance	*i;

	s.visibility = VISIBILITY_PRIVATE;
	route_set(&t, route_node_up(&t, "a", &link_a), &s, 1);
	ck_assert_int_eq(choose_but("a ", "", "get", &i), ROUTE_NO_SERVICE);
	ck_assert_uint_eq(n_asked, 0);
}
END_TEST

START_TEST(verdicts)
{
	struct route_query	 q = { .least = VISIBILITY_MAIN };
	struct route_instance	*i, *busy;
	struct route_node	*a = with_x("a", &link_a);

	i = TAILQ_FIRST(&a->instances);
	q.version = q.method = span_str("");
	ck_assert_int_eq(route_verdict(&q, i), ROUTE_OK);
	q.version = span_str("2.0.0");
	ck_assert_int_eq(route_verdict(&q, i), ROUTE_NO_VERSION);
	q.version = span_str("");
	q.method = span_str("put");
	ck_assert_int_eq(route_verdict(&q, i), ROUTE_NO_METHOD);
	q.method = span_str("get");
	q.least = VISIBILITY_FEDERATION + 1;
	ck_assert_int_eq(route_verdict(&q, i), ROUTE_NO_SERVICE);
	q.least = VISIBILITY_MAIN;
	q.node = route_node_up(&t, "b", &link_b);
	ck_assert_int_eq(route_verdict(&q, i), ROUTE_NO_SERVICE);
	q.node = NULL;
	route_take(i);
	busy = i;
	ck_assert_int_eq(route_verdict(&q, i), ROUTE_OVERLOADED);
	route_release(busy);
	(void)route_health(a, span_str("x"), span_str(""), false);
	ck_assert_int_eq(route_verdict(&q, i), ROUTE_UNHEALTHY);
	ck_assert_ptr_nonnull(route_service_named(&t, span_str("x")));
	ck_assert_ptr_null(route_service_named(&t, span_str("X")));
	ck_assert_ptr_null(route_service_named(&t, span_str("")));
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("route_permit");

	tcase_add_checked_fixture(tc, route_setup, route_teardown);
	tcase_add_test(tc, permitted);
	tcase_add_test(tc, permitted_hidden);
	tcase_add_test(tc, verdicts);
	return (suite_run("route_permit", tc));
}
