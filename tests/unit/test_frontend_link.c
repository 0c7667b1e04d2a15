/* SPDX-License-Identifier: ISC */
/*
 * Sessions that the router gives to links, in the real front-end: what would
 * leave a connection behind is refused.
 */
#include <stdio.h>
#include <string.h>

#include "relayd/frontend/frontend.h"
#include "tests/fuzz/receiver.h"
#include "tests/unit/suite.h"

static struct child	*child;
static struct frontend	*fe;

static void
setup(void)
{
	child = receiver_start(false);
	fe = receiver_ctx(child);
}

/* Nothing may be left behind: that is checked by it. */
static void
teardown(void)
{
	receiver_end(child);
}

/* A client asks for a link; returns the front-end's id of it. */
static uint64_t
client(size_t n)
{
	char			text[512];
	struct receiver_message	m = { .from = PROC_PARENT,
	    .type = RECEIVER_OWN, .data = (uint8_t *)text };

	m.len = (size_t)snprintf(text, sizeof(text),
	    "GET /ws/federation HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	    "X-Relay-Node-ID: home%zu.example\r\n"
	    "X-Relay-Node-Type: home\r\n\r\n", n);
	ck_assert(receiver_take(child, &m));
	receiver_turn(child);
	ck_assert_uint_ne(receiver_id(child, n), 0);
	return (receiver_id(child, n));
}

static bool
accept_link(uint64_t conn, uint64_t session)
{
	const struct receiver_value	values[] = {
		{ "conn", conn, NULL }, { "session", session, NULL }
	};

	return (receiver_tell(child, PROC_ROUTER, MSG_LINK_ACCEPT, values, 2));
}

START_TEST(each_link_has_its_session)
{
	uint64_t	a = client(0), b = client(1);

	ck_assert(accept_link(a, 77));
	ck_assert(accept_link(b, 78));
	ck_assert_uint_eq(fe->nlinks, 2);
	ck_assert_ptr_eq(idmap_find(&fe->by_session, 77),
	    idmap_find(&fe->by_id, a));
	ck_assert_ptr_eq(idmap_find(&fe->by_session, 78),
	    idmap_find(&fe->by_id, b));
}
END_TEST

START_TEST(no_session_is_refused)
{
	uint64_t	a = client(0);

	ck_assert(!accept_link(a, 0));
	ck_assert_uint_eq(fe->nlinks, 0);
	ck_assert_uint_eq(fe->by_session.count, 0);
}
END_TEST

START_TEST(session_of_another_link_is_refused)
{
	uint64_t	a = client(0), b = client(1);

	ck_assert(accept_link(a, 77));
	ck_assert(!accept_link(b, 77));
	ck_assert_uint_eq(fe->nlinks, 1);
	ck_assert_ptr_eq(idmap_find(&fe->by_session, 77),
	    idmap_find(&fe->by_id, a));
}
END_TEST

/* The router may be a moment behind: that is no fault of it. */
START_TEST(link_that_is_gone_is_stale)
{
	uint64_t	a = client(0);

	ck_assert(accept_link(a, 77));
	ck_assert(accept_link(a, 78));
	ck_assert(accept_link(a + 1000, 79));
	ck_assert_uint_eq(fe->stats.stale, 2);
	ck_assert_uint_eq(fe->nlinks, 1);
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("frontend_link");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, each_link_has_its_session);
	tcase_add_test(tc, no_session_is_refused);
	tcase_add_test(tc, session_of_another_link_is_refused);
	tcase_add_test(tc, link_that_is_gone_is_stale);
	return (suite_run("frontend_link", tc));
}
