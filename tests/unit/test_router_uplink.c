/* SPDX-License-Identifier: ISC */
/*
 * A home that moves to another Main: the new link is in use once the home is
 * registered over it, the old one finishes what it has.
 */
#include <stdio.h>
#include <string.h>

#include "tests/unit/router_calls.h"
#include "tests/unit/suite.h"

static struct router	*r;

static void
setup(void)
{
	fix_start(true);
	r = fix_router;
	fix_forget();
}

static void
teardown(void)
{
	fix_end();
}

/* The message_id of the registration that was sent over a link. */
static const char *
registration(uint64_t session, const char *part)
{
	static char	 id[64];
	const char	*t, *p;

	while ((t = fix_text(session)) != NULL &&
	    strstr(t, "\"type\":\"registration\"") == NULL)
		;
	ck_assert_ptr_nonnull(t);
	ck_assert_msg(strstr(t, part) != NULL, "%s", t);
	ck_assert_ptr_nonnull(p = strstr(t, "\"message_id\":\""));
	p += strlen("\"message_id\":\"");
	snprintf(id, sizeof(id), "%.*s", (int)strcspn(p, "\""), p);
	return (id);
}

static void
answer(uint64_t session, const char *id)
{
	fix_say(session, "{'type':'registration','message_id':'a',"
	    "'correlation_id':'%s','data':{'accepted':[],'rejected':[]}}", id);
}

/* True if the front-end was told that this link is of use. */
static bool
ready(uint64_t session)
{
	struct sent	*s = fix_sent(MSG_LINK_READY);

	return (s != NULL && get_u64(&s->get) == session);
}

static bool
closed(uint64_t session, unsigned int code)
{
	struct sent	*s = fix_sent(MSG_LINK_CLOSE);

	return (s != NULL && get_u64(&s->get) == session &&
	    get_u16(&s->get) == code);
}

static uint64_t	 request = 5000;	/* the last one of HTTP */

/* Which link a call of this home's goes over, 0: none. */
static uint64_t
goes_over(uint64_t a, uint64_t b)
{
	const char	*t;

	fix_http(++request, HTTP_ROUTE_RPC, "", "{'jsonrpc':'2.0','method':"
	    "'remote_call','params':{'server_name':'far','method':'get'},"
	    "'id':1}");
	t = b == 0 ? NULL : fix_text(b);
	if (t != NULL && strstr(t, "\"type\":\"request\"") != NULL)
		return (b);
	t = fix_text(a);
	return (t != NULL && strstr(t, "\"type\":\"request\"") != NULL ?
	    a : 0);
}

START_TEST(the_first)
{
	uint64_t	a = fix_dialed("a.main");
	char		id[64];

	ck_assert_ptr_eq(r->uplink, session_find(r, a));
	snprintf(id, sizeof(id), "%s", registration(a, "\"blog\""));
	ck_assert(!ready(a));
	/* Calls need not wait for it. */
	ck_assert_uint_eq(goes_over(a, 0), a);
	answer(a, "another");
	ck_assert(!ready(a));
	answer(a, id);
	ck_assert(ready(a));
	answer(a, id);
	ck_assert_ptr_null(fix_sent(MSG_LINK_READY));
}
END_TEST

START_TEST(moves)
{
	uint64_t	a = fix_dialed("a.main"), b;
	char		id[64];

	answer(a, registration(a, "\"blog\""));
	ck_assert(ready(a));
	b = fix_dialed("b.main");
	snprintf(id, sizeof(id), "%s", registration(b, "\"blog\""));
	ck_assert_ptr_eq(r->uplink, session_find(r, a));
	ck_assert_uint_eq(goes_over(a, b), a);
	/* Two of its own calls are under way, and one to it. */
	fix_say(a, "{'type':'request','message_id':'m','method':'get',"
	    "'server_name':'blog'}");
	ck_assert_ptr_nonnull(fix_sent(MSG_BACKEND_CALL));
	answer(b, id);
	ck_assert(ready(b));
	ck_assert_ptr_eq(r->uplink, session_find(r, b));
	ck_assert_ptr_null(r->candidate);
	ck_assert_uint_eq(goes_over(a, b), b);
	/* The former is told that nothing is here, and kept. */
	answer(a, registration(a, "\"services\":[]"));
	receiver_later(fix_child, 1500);
	receiver_later(fix_child, 1500);
	ck_assert_ptr_null(fix_sent(MSG_LINK_CLOSE));
	/* What comes over it is served. */
	fix_say(a, "{'type':'request','message_id':'n','method':'get',"
	    "'server_name':'blog'}");
	ck_assert_ptr_nonnull(fix_sent(MSG_BACKEND_CALL));
	/* Its calls end, by their time. */
	receiver_later(fix_child, 31000);
	receiver_later(fix_child, 1500);
	ck_assert(closed(a, 1000));
	ck_assert_ptr_null(session_find(r, a));
	ck_assert_ptr_eq(r->uplink, session_find(r, b));
}
END_TEST

START_TEST(idle_one_is_closed)
{
	uint64_t	a = fix_dialed("a.main"), b = fix_dialed("b.main");

	(void)registration(a, "\"blog\"");
	answer(b, registration(b, "\"blog\""));
	ck_assert_ptr_eq(r->uplink, session_find(r, b));
	/* Not before the former Main knows. */
	receiver_later(fix_child, 1500);
	ck_assert_ptr_null(fix_sent(MSG_LINK_CLOSE));
	answer(a, "another");
	receiver_later(fix_child, 1500);
	ck_assert_ptr_null(fix_sent(MSG_LINK_CLOSE));
	answer(a, registration(a, "\"services\":[]"));
	receiver_later(fix_child, 1500);
	ck_assert(closed(a, 1000));
}
END_TEST

START_TEST(a_main_that_never_answers)
{
	uint64_t	a = fix_dialed("a.main"), b = fix_dialed("b.main");

	answer(b, registration(b, "\"blog\""));
	receiver_later(fix_child, LIMIT_HANDSHAKE_MS + 100);
	receiver_later(fix_child, 1500);
	ck_assert(closed(a, 1000));
	ck_assert_ptr_eq(r->uplink, session_find(r, b));
}
END_TEST

START_TEST(candidate_that_ends)
{
	uint64_t	a = fix_dialed("a.main"), b;

	answer(a, registration(a, "\"blog\""));
	ck_assert(ready(a));
	b = fix_dialed("b.main");
	fix_down(b);
	ck_assert_ptr_eq(r->uplink, session_find(r, a));
	ck_assert_ptr_null(r->candidate);
	ck_assert_ptr_null(fix_sent(MSG_LINK_READY));
	ck_assert_uint_eq(goes_over(a, b), a);
}
END_TEST

START_TEST(candidate_that_is_refused)
{
	uint64_t	a = fix_dialed("a.main"), b = fix_dialed("b.main");
	char		id[64];

	fix_forget();
	receiver_later(fix_child, 1);
	snprintf(id, sizeof(id), "%s", session_find(r, b)->register_id);
	fix_say(b, "{'type':'error','message_id':'e','correlation_id':'%s',"
	    "'data':{'code':-32017,'reason':'overloaded'}}", id);
	ck_assert_ptr_eq(r->uplink, session_find(r, a));
	ck_assert_ptr_eq(r->candidate, session_find(r, b));
	/* It tries again. */
	receiver_later(fix_child, 6000);
	receiver_later(fix_child, 1500);
	answer(b, registration(b, "\"blog\""));
	ck_assert_ptr_eq(r->uplink, session_find(r, b));
}
END_TEST

START_TEST(uplink_that_ends_first)
{
	uint64_t	a = fix_dialed("a.main"), b = fix_dialed("b.main");
	unsigned int	status = 0;
	const char	*t;

	(void)registration(a, "\"blog\"");
	(void)fix_text(b);
	ck_assert_uint_eq(goes_over(a, b), a);
	fix_down(a);
	ck_assert_ptr_eq(r->uplink, session_find(r, b));
	ck_assert_ptr_null(r->candidate);
	t = fix_answer(request, &status);
	ck_assert_ptr_nonnull(t);
	ck_assert_ptr_nonnull(strstr(t, "connection_lost"));
	answer(b, session_find(r, b)->register_id);
	ck_assert(ready(b));
	ck_assert_uint_eq(r->sessions.n, 1);
}
END_TEST

START_TEST(two_candidates)
{
	uint64_t	a = fix_dialed("a.main"), b = fix_dialed("b.main"), c;

	c = fix_dialed("c.main");
	ck_assert(closed(b, 1000));
	ck_assert_ptr_null(session_find(r, b));
	ck_assert_ptr_eq(r->uplink, session_find(r, a));
	ck_assert_ptr_eq(r->candidate, session_find(r, c));
}
END_TEST

/* Each was the one in use for a moment: the front-end may make that up. */
START_TEST(too_many_moves)
{
	struct sent	*s;
	uint64_t	 a;
	uint32_t	 i;

	for (i = 0; i < r->conf.max_connections; i++) {
		a = fix_dialed("a.main");
		answer(a, registration(a, "\"blog\""));
		ck_assert_ptr_eq(r->uplink, session_find(r, a));
	}
	ck_assert_uint_eq(r->sessions.n, i);
	fix_forget();
	ck_assert_uint_eq(fix_dialed("b.main"), a);
	ck_assert_ptr_nonnull(s = fix_sent(MSG_LINK_DENY));
	(void)get_u64(&s->get);
	ck_assert_uint_eq(get_u16(&s->get), 503);
	ck_assert_uint_eq(r->sessions.n, i);
	ck_assert_ptr_eq(r->uplink, session_find(r, a));
}
END_TEST

START_TEST(the_frontend_goes)
{
	struct receiver_message	 m = { .from = PROC_FRONTEND,
				    .type = RECEIVER_END_PEER };
	uint64_t		 a;

	(void)fix_dialed("a.main");
	(void)fix_dialed("b.main");
	(void)receiver_take(fix_child, &m);
	ck_assert_ptr_null(r->uplink);
	ck_assert_ptr_null(r->candidate);
	ck_assert_uint_eq(r->sessions.n, 0);
	a = fix_dialed("a.main");
	ck_assert_ptr_eq(r->uplink, session_find(r, a));
}
END_TEST

/* Both names in the reason may be as long as names can be. */
START_TEST(denied_at_length)
{
	uint8_t		 buf[2048];
	char		 reason[LIMIT_DENIAL];
	struct wire_put	 w;
	struct wire_get	*g;

	memset(reason, 'x', sizeof(reason));
	reason[sizeof(reason) - 1] = '\0';
	wire_put_init(&w, buf, sizeof(buf));
	put_u64(&w, 1001);
	put_u32(&w, 0);
	put_u32(&w, 1);
	put_str(&w, "a.main");
	put_str(&w, "");
	put_str(&w, "");
	put_str(&w, "192.0.2.1");
	ck_assert(fix_tell(PROC_FRONTEND, MSG_LINK_DIALED, &w));
	wire_put_init(&w, buf, sizeof(buf));
	put_u64(&w, TAILQ_LAST(&r->session_list, session_list)->id);
	put_u16(&w, 403);
	put_i32(&w, 0);
	put_u32(&w, 0);
	put_str(&w, "");
	put_str(&w, reason);
	ck_assert(fix_tell(PROC_REGISTRY, MSG_SESSION_DENY, &w));
	g = &fix_sent(MSG_LINK_DENY)->get;
	ck_assert_uint_eq(get_u64(g), 1001);
	ck_assert_uint_eq(get_u16(g), 403);
	(void)get_u32(g);
	(void)get_span(g, UINT16_MAX);
	ck_assert(span_eq(get_span(g, UINT16_MAX), span_str(reason)));
}
END_TEST

/* What a registry has to know of an uplink: that it is there, and its end. */
START_TEST(the_registry_is_told)
{
	struct receiver_message	 m = { .from = PROC_REGISTRY,
				    .type = RECEIVER_END_PEER };
	uint64_t		 a = fix_dialed("a.main");
	struct sent		*s;

	fix_forget();
	(void)receiver_take(fix_child, &m);
	ck_assert_ptr_nonnull(s = fix_sent(MSG_SESSION_RESUME));
	ck_assert_uint_eq(get_u64(&s->get), a);
	ck_assert_uint_eq(get_u64(&s->get), 1);
	ck_assert_uint_eq(get_u8(&s->get), SESSION_UPLINK);
	ck_assert_uint_eq(get_u32(&s->get), 0);
	ck_assert_uint_eq(get_u32(&s->get), 1);
	ck_assert_ptr_null(fix_sent(MSG_SESSION_RESUME));
	fix_down(a);
	ck_assert_ptr_nonnull(s = fix_sent(MSG_SESSION_CLOSE));
	ck_assert_uint_eq(get_u64(&s->get), a);
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("router_uplink");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_first);
	tcase_add_test(tc, moves);
	tcase_add_test(tc, idle_one_is_closed);
	tcase_add_test(tc, a_main_that_never_answers);
	tcase_add_test(tc, candidate_that_ends);
	tcase_add_test(tc, candidate_that_is_refused);
	tcase_add_test(tc, uplink_that_ends_first);
	tcase_add_test(tc, two_candidates);
	tcase_add_test(tc, too_many_moves);
	tcase_add_test(tc, the_frontend_goes);
	tcase_add_test(tc, denied_at_length);
	tcase_add_test(tc, the_registry_is_told);
	return (suite_run("router_uplink", tc));
}
