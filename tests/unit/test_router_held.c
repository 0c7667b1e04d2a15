/* SPDX-License-Identifier: ISC */
/* The question to peers: other callers, and bounds. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/http_route.h"
#include "tests/unit/peer_fixture.h"
#include "tests/unit/query_fixture.h"
#include "tests/unit/suite.h"

/* --- other callers --- */

static void
http(uint64_t request, const char *body)
{
	struct wire_put	*w = fx_put();

	put_u64(w, request);
	put_u8(w, HTTP_ROUTE_RPC);
	put_bool(w, true);
	put_str(w, "127.0.0.1");
	put_str(w, "");
	put_bytes(w, body, strlen(body));
	ck_assert(fx_tell(PROC_FRONTEND, MSG_HTTP_REQUEST, w));
}

static bool
http_answered(uint64_t request, unsigned int status, const char *part)
{
	struct wire_get	 r;
	struct span	 body;

	if (!fx_sent(PROC_FRONTEND, MSG_HTTP_RESPONSE, &r))
		return (false);
	ck_assert_uint_eq(get_u64(&r), request);
	ck_assert_uint_eq(get_u16(&r), status);
	(void)get_u32(&r);
	body = get_bytes(&r);
	ck_assert(get_done(&r));
	ck_assert_ptr_nonnull(memmem(body.p, body.len, part, strlen(part)));
	return (true);
}

#define HTTP_CALL(id) "{\"jsonrpc\":\"2.0\",\"method\":\"blog.get\"," \
	"\"params\":[1,{\"a\":\"b\"}]" id "}"

START_TEST(http_callers)
{
	struct wire_put	*w;
	const char	*s;

	http(1, HTTP_CALL(",\"id\":\"\\u0061\""));
	http(2, "[" HTTP_CALL(",\"id\":5") "," HTTP_CALL("") "]");
	http(3, HTTP_CALL(""));
	http(4, HTTP_CALL(",\"id\":4"));
	ck_assert(!http_answered(0, 0, ""));
	ck_assert_uint_eq(fx.router->pending.n, 5);
	w = fx_put();
	put_u64(w, 4);
	ck_assert(fx_tell(PROC_FRONTEND, MSG_HTTP_CANCEL, w));
	say(peer_b, asked(peer_b, "blog"), true, "unknown");
	learn("relay-b", "bob", "blog");
	barrier();
	s = fx_said(peer_b);
	ck_assert_ptr_nonnull(s);
	ck_assert_ptr_nonnull(strstr(s, "\"params\":[1,{\"a\":\"b\"}],"
	    "\"id\":\"\\u0061\""));
	ck_assert_ptr_nonnull(strstr(fx_said(peer_b), "\"id\":5}"));
	ck_assert_ptr_null(strstr(fx_said(peer_b), "\"jsonrpc\":\"2.0\","
	    "\"method\":\"get\",\"params\":[1,{\"a\":\"b\"}],\"id\""));
	ck_assert_ptr_nonnull(fx_said(peer_b));
	ck_assert_ptr_null(fx_said(peer_b));
	ck_assert(http_answered(3, 204, ""));
	ck_assert_uint_eq(fx.router->pending.n, 2);
	fx_down(peer_b);
	ck_assert(http_answered(1, 200, "-32024"));
	ck_assert(http_answered(2, 200, "-32024"));
}
END_TEST

START_TEST(http_callers_in_vain)
{
	http(1, HTTP_CALL(",\"id\":1"));
	http(2, "[" HTTP_CALL("") "," HTTP_CALL(",\"id\":2") ","
	    HTTP_CALL(",\"id\":3") "]");
	http(3, HTTP_CALL(""));
	receiver_later(fx.child, LIMIT_QUERY_MS);
	ck_assert(http_answered(1, 200, "-32011"));
	ck_assert(http_answered(2, 200, "\"id\":2},{\"jsonrpc\":\"2.0\""));
	ck_assert(http_answered(3, 204, ""));
	ck_assert(!http_answered(0, 0, ""));
}
END_TEST

/* Nothing is left to answer but the notification, and nobody to answer. */
START_TEST(http_caller_of_a_notification_goes)
{
	const struct receiver_message	 gone = { .from = PROC_FRONTEND,
	    .type = RECEIVER_LOSE_PEER };
	struct wire_put			*w;

	http(1, HTTP_CALL(""));
	http(2, "[" HTTP_CALL("") "," HTTP_CALL("") ","
	    "{\"jsonrpc\":\"2.0\",\"method\":\"relay.ping\",\"id\":1}]");
	http(3, HTTP_CALL(""));
	ck_assert_uint_eq(fx.router->pending.n, 4);
	w = fx_put();
	put_u64(w, 1);
	ck_assert(fx_tell(PROC_FRONTEND, MSG_HTTP_CANCEL, w));
	w = fx_put();
	put_u64(w, 2);
	ck_assert(fx_tell(PROC_FRONTEND, MSG_HTTP_CANCEL, w));
	ck_assert_uint_eq(fx.router->pending.n, 1);
	ck_assert_uint_eq(fx.router->https.n, 1);
	ck_assert(!http_answered(0, 0, ""));
	ck_assert(receiver_take(fx.child, &gone));
	ck_assert_uint_eq(fx.router->pending.n, 0);
	ck_assert_uint_eq(fx.router->https.n, 0);
}
END_TEST

static void
ctl_call(uint64_t request)
{
	struct wire_put	*w = fx_put();

	put_u64(w, request);
	put_str(w, "blog");
	put_str(w, "get");
	put_u32(w, 0);
	put_bytes(w, "[1]", 3);
	ck_assert(fx_tell(PROC_PARENT, MSG_CTL_CALL, w));
}

START_TEST(ctl_caller)
{
	struct wire_get	 r;
	const char	*s;

	ctl_call(5);
	ck_assert(!fx_sent(PROC_PARENT, MSG_CTL_RESULT, &r));
	say(peer_b, asked(peer_b, "blog"), true, "unknown");
	learn("relay-b", "bob", "blog");
	barrier();
	s = fx_said(peer_b);
	ck_assert_ptr_nonnull(s);
	ck_assert_ptr_nonnull(strstr(s, "\"params\":[1]"));
	fx_down(peer_b);
	ck_assert(fx_sent(PROC_PARENT, MSG_CTL_RESULT, &r));
	ck_assert_uint_eq(get_u64(&r), 5);
	ck_assert(!get_bool(&r));
}
END_TEST

/* A notification over a link that fails is told, and one that does not not. */
START_TEST(notifications)
{
	static const char	 text[] = "{\"type\":\"request\","
	    "\"message_id\":\"%s\",\"server_name\":\"%s\",\"method\":\"get\","
	    "\"jsonrpc_request\":{\"jsonrpc\":\"2.0\",\"method\":\"get\"}}";

	fx_text(home, text, "n1", "blog");
	receiver_later(fx.child, LIMIT_QUERY_MS);
	fails(home, "n1", "-32011");
	fx_forget();
	fx_text(home, text, "n2", "chat");
	say(peer_b, asked(peer_b, "chat"), true, "unknown");
	learn("relay-b", "bob", "chat");
	barrier();
	ck_assert_ptr_nonnull(fx_said(peer_b));
	ck_assert_ptr_null(fx_said(home));
	ck_assert_uint_eq(fx.router->pending.n, 0);
}
END_TEST

/* --- bounds --- */

static void
call_service(int i, const char *id)
{
	fx_text(home, "{\"type\":\"request\",\"message_id\":\"%s%d\","
	    "\"server_name\":\"s%d\",\"method\":\"get\"}", id, i, i);
}

START_TEST(too_many)
{
	int	 i;

	for (i = 0; i < LIMIT_QUERIES; i++) {
		call_service(i, "m");
		if (i % 64 == 0)
			fx_forget();
	}
	fx_forget();
	ck_assert_uint_eq(fx.router->pending.n, LIMIT_QUERIES);
	call_service(i, "m");
	fails(home, "m1024", "-32011");
	ck_assert_uint_eq(fx.router->pending.n, LIMIT_QUERIES);
	receiver_later(fx.child, LIMIT_QUERY_MS);
	ck_assert_uint_eq(fx.router->pending.n, 0);
	/* All of these are remembered, and one more makes room for itself. */
	fx_forget();
	call_service(0, "x");
	fails(home, "x0", "-32011");
	call_service(i, "y");
	receiver_later(fx.child, LIMIT_QUERY_MS);
	fails(home, "y1024", "-32011");
	call_service(1, "z");
	fails(home, "z1", "-32011");
	call_service(0, "z");
	ck_assert_ptr_null(fx_said(home));
}
END_TEST

/* Their callers are gone, and still they take up room for a moment. */
START_TEST(too_many_that_are_gone)
{
	int	 i;

	for (i = 0; i < LIMIT_QUERIES; i++) {
		fx_text(home, "{\"type\":\"request\",\"message_id\":\"m%d\","
		    "\"server_name\":\"blog\",\"method\":\"get\"}", i);
	}
	fx_down(home);
	home = fx_home("alice");
	ck_assert_uint_eq(fx.router->pending.n, 0);
	fx_text(home, CALL("m1", ""));
	fails(home, "m1", "-32011");
	receiver_later(fx.child, LIMIT_QUERY_MS);
	receiver_later(fx.child, LIMIT_QUERY_MISS_MS);
	fx_text(home, CALL("m2", ""));
	ck_assert_ptr_null(fx_said(home));
}
END_TEST

START_TEST(too_much)
{
	struct wire_put	*w;
	char		*big;
	int		 i;

	big = calloc(1, 1U << 20);
	memset(big, ' ', (1U << 20) - 1);
	for (i = 0; i < 70; i++) {
		w = fx_put();
		put_u64(w, home);
		snprintf(big, 256, "{\"type\":\"request\",\"message_id\":"
		    "\"m%d\",\"server_name\":\"blog\",\"method\":\"get\"", i);
		big[strlen(big)] = ' ';
		big[(1U << 20) - 2] = '}';
		put_bytes(w, big, (1U << 20) - 1);
		ck_assert(fx_tell(PROC_FRONTEND, MSG_LINK_TEXT, w));
	}
	free(big);
	ck_assert_uint_lt(fx.router->pending.n, 65);
	ck_assert_uint_gt(fx.router->pending.n, 60);
}
END_TEST

static void
registry(unsigned int what)
{
	const struct receiver_message	m = { .from = PROC_REGISTRY,
	    .type = what };

	ck_assert(receiver_take(fx.child, &m));
}

/* Nothing comes of the answers without it. */
START_TEST(registry_goes)
{
	char	 id[64];

	fx_text(home, CALL("m1", ""));
	snprintf(id, sizeof(id), "%s", asked(peer_b, "blog"));
	registry(RECEIVER_LOSE_PEER);
	fails(home, "m1", "-32011");
	ck_assert_uint_eq(fx.router->pending.n, 0);
	say(peer_b, id, true, "unknown");
	fx_text(home, CALL("m2", ""));
	fails(home, "m2", "-32011");
	ck_assert_ptr_null(fx_said(peer_b));
	registry(RECEIVER_END_PEER);
	fx_text(home, CALL("m3", ""));
	ck_assert_ptr_null(fx_said(home));
	ck_assert_ptr_nonnull(fx_said(peer_b));
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("router_held");

	tcase_add_checked_fixture(tc, setup, fx_teardown);
	tcase_add_test(tc, http_callers);
	tcase_add_test(tc, http_callers_in_vain);
	tcase_add_test(tc, http_caller_of_a_notification_goes);
	tcase_add_test(tc, ctl_caller);
	tcase_add_test(tc, notifications);
	tcase_add_test(tc, too_many);
	tcase_add_test(tc, too_many_that_are_gone);
	tcase_add_test(tc, too_much);
	tcase_add_test(tc, registry_goes);
	return (suite_run("router_held", tc));
}
