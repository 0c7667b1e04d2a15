/* SPDX-License-Identifier: ISC */
/*
 * What the registry says of sessions, in the real router: whatever it is, a
 * node has one link at most, and that is a session which lives.
 */
#include <string.h>

#include "relay-router/router.h"
#include "tests/fuzz/receiver.h"
#include "tests/unit/suite.h"

static struct child	*child;
static struct router	*router;

static void
setup(void)
{
	child = receiver_start(false);
	router = receiver_ctx(child);
}

/* Nothing may be left behind: that is checked by it. */
static void
teardown(void)
{
	receiver_end(child);
}

/* A link of that connection asks for a session; returns the session's id. */
static uint64_t
open_session(uint64_t conn)
{
	const struct receiver_value	values[] = {
		{ "conn", conn, NULL }, { "kind", SESSION_HOME, NULL },
		{ "node_id", 0, "whoever.example" }
	};

	ck_assert(receiver_tell(child, PROC_FRONTEND, MSG_LINK_AUTH, values,
	    3));
	return (TAILQ_LAST(&router->session_list, session_list)->id);
}

static bool
accept_session(uint64_t id, uint64_t replaced, const char *node_id)
{
	const struct receiver_value	values[] = {
		{ "session", id, NULL }, { "epoch", 7, NULL },
		{ "replaced", replaced, NULL }, { "node_id", 0, node_id }
	};

	return (receiver_tell(child, PROC_REGISTRY, MSG_SESSION_ACCEPT, values,
	    4));
}

static void
link_down(uint64_t id)
{
	const struct receiver_value	values[] = {
		{ "session", id, NULL }, { "reason", 0, "gone" }
	};

	ck_assert(receiver_tell(child, PROC_FRONTEND, MSG_LINK_DOWN, values,
	    2));
	ck_assert_ptr_null(session_find(router, id));
}

/* The session that is the link of a node, 0 if it has none. */
static uint64_t
link_of(const char *node_id)
{
	struct route_node	*n;
	struct session		*s;

	n = route_node_find(&router->routes, span_str(node_id));
	if (n == NULL || n->link == NULL)
		return (0);
	/* Found among the living, before anything of it is looked at. */
	TAILQ_FOREACH(s, &router->session_list, list) {
		if (s == n->link)
			break;
	}
	ck_assert_ptr_nonnull(s);
	ck_assert_ptr_eq(s->node, n);
	ck_assert(s->up);
	return (s->id);
}

START_TEST(accepted_once)
{
	uint64_t	a = open_session(1);

	ck_assert_uint_eq(link_of("a.example"), 0);
	ck_assert(accept_session(a, 0, "a.example"));
	ck_assert_uint_eq(link_of("a.example"), a);
	ck_assert_uint_eq(router->n_up, 1);
	link_down(a);
	ck_assert_uint_eq(link_of("a.example"), 0);
	ck_assert_uint_eq(router->n_up, 0);
}
END_TEST

START_TEST(second_accept_is_stale)
{
	uint64_t	a = open_session(1);

	ck_assert(accept_session(a, 0, "a.example"));
	ck_assert(accept_session(a, 0, "a.example"));
	ck_assert_uint_eq(router->stats.stale, 1);
	ck_assert_uint_eq(router->n_up, 1);
	ck_assert_uint_eq(link_of("a.example"), a);
	link_down(a);
	ck_assert_uint_eq(link_of("a.example"), 0);
	ck_assert_uint_eq(router->n_up, 0);
}
END_TEST

/* The first name stays, and goes with the link. */
START_TEST(second_accept_for_another_node_is_stale)
{
	uint64_t	a = open_session(1);

	ck_assert(accept_session(a, 0, "a.example"));
	ck_assert(accept_session(a, 0, "b.example"));
	ck_assert_uint_eq(link_of("a.example"), a);
	ck_assert_uint_eq(link_of("b.example"), 0);
	link_down(a);
	ck_assert_uint_eq(link_of("a.example"), 0);
	ck_assert_uint_eq(link_of("b.example"), 0);
}
END_TEST

START_TEST(accept_that_replaces_itself_ends_it)
{
	uint64_t	a = open_session(1);

	ck_assert(accept_session(a, 0, "a.example"));
	ck_assert(accept_session(a, a, "a.example"));
	ck_assert_ptr_null(session_find(router, a));
	ck_assert_uint_eq(link_of("a.example"), 0);
	ck_assert_uint_eq(router->n_up, 0);
}
END_TEST

/* The registry forgot to say whom the new link replaces. */
START_TEST(second_link_of_a_node_replaces_the_first)
{
	uint64_t	a = open_session(1), b = open_session(2);

	ck_assert(accept_session(a, 0, "a.example"));
	ck_assert(accept_session(b, 0, "a.example"));
	ck_assert_ptr_null(session_find(router, a));
	ck_assert_uint_eq(link_of("a.example"), b);
	ck_assert_uint_eq(router->n_up, 1);
	link_down(b);
	ck_assert_uint_eq(link_of("a.example"), 0);
}
END_TEST

START_TEST(upper_case_is_no_other_node)
{
	uint64_t	a = open_session(1), b = open_session(2);

	ck_assert(accept_session(a, 0, "a.example"));
	ck_assert(accept_session(b, 0, "A.Example"));
	ck_assert_uint_eq(link_of("a.example"), b);
	ck_assert_uint_eq(link_of("A.EXAMPLE"), b);
	ck_assert_str_eq(session_find(router, b)->node_id, "a.example");
	ck_assert_ptr_null(session_find(router, a));
	link_down(b);
	ck_assert_uint_eq(link_of("a.example"), 0);
	ck_assert_uint_eq(router->n_up, 0);
}
END_TEST

START_TEST(upper_case_goes_with_its_link)
{
	uint64_t	a = open_session(1);

	ck_assert(accept_session(a, 0, "A.EXAMPLE"));
	ck_assert_uint_eq(link_of("a.example"), a);
	link_down(a);
	ck_assert_uint_eq(link_of("a.example"), 0);
	ck_assert_uint_eq(link_of("A.EXAMPLE"), 0);
}
END_TEST

START_TEST(name_that_is_none_is_malformed)
{
	static const char *const	names[] = { "", ".", "a.example.",
	    "a b", "a.example\n", "a..example", "\xc3\xa4.example" };
	uint64_t			a = open_session(1);
	size_t				i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		ck_assert_msg(!accept_session(a, 0, names[i]), "%s",
		    names[i]);
		ck_assert(!session_find(router, a)->up);
		ck_assert_uint_eq(router->n_up, 0);
	}
}
END_TEST

START_TEST(accept_of_what_is_gone_is_stale)
{
	uint64_t	a = open_session(1);

	link_down(a);
	ck_assert(accept_session(a, 0, "a.example"));
	ck_assert(accept_session(0, 0, "a.example"));
	ck_assert_uint_eq(router->stats.stale, 2);
	ck_assert_uint_eq(link_of("a.example"), 0);
	ck_assert_uint_eq(router->n_up, 0);
}
END_TEST

/* Its link went meanwhile, but the one it replaces goes all the same. */
START_TEST(stale_accept_still_replaces)
{
	uint64_t	a = open_session(1), b = open_session(2);

	ck_assert(accept_session(a, 0, "a.example"));
	link_down(b);
	ck_assert(accept_session(b, a, "a.example"));
	ck_assert_ptr_null(session_find(router, a));
	ck_assert_uint_eq(link_of("a.example"), 0);
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("router_session");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, accepted_once);
	tcase_add_test(tc, second_accept_is_stale);
	tcase_add_test(tc, second_accept_for_another_node_is_stale);
	tcase_add_test(tc, accept_that_replaces_itself_ends_it);
	tcase_add_test(tc, second_link_of_a_node_replaces_the_first);
	tcase_add_test(tc, upper_case_is_no_other_node);
	tcase_add_test(tc, upper_case_goes_with_its_link);
	tcase_add_test(tc, name_that_is_none_is_malformed);
	tcase_add_test(tc, accept_of_what_is_gone_is_stale);
	tcase_add_test(tc, stale_accept_still_replaces);
	return (suite_run("router_session", tc));
}
