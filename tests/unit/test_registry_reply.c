/* SPDX-License-Identifier: ISC */
/* The registry's replies as bytes. */
#include <string.h>

#include "relay-registry/reply.h"
#include "tests/unit/registry_fixture.h"
#include "tests/unit/registry_message_fixture.h"
#include "tests/unit/suite.h"

static struct wire_get
payload(const struct reply *m)
{
	struct wire_get get;

	wire_put_init(&put, buf, sizeof(buf));
	put_reply(&put, m);
	ck_assert(!put.bad);
	ck_assert_ptr_null(msg_check(m->type, PROC_REGISTRY, reply_to(m),
	    PHASE_RUN, (uint32_t)put.len, false));
	wire_get_init(&get, buf, put.len);
	/* It is read before the next message is written over it. */
	wire_put_init(&put, buf, sizeof(buf));
	return (get);
}

static void
ck_text(struct wire_get *get, const char *want)
{
	struct span s = get_span(get, UINT16_MAX);

	ck_assert_msg(span_eq(s, span_str(want)), "not %s", want);
}

START_TEST(replies)
{
	struct service s;
	struct wire_get g;

	put_open(1, NODE_HOME, 0);
	(void)send_message(MSG_SESSION_OPEN);
	g = payload(fx_expect(r, MSG_NODE_STATE, 0));
	ck_text(&g, "alice.home");
	ck_assert(get_bool(&g) && get_done(&g));
	g = payload(fx_expect(r, MSG_SESSION_ACCEPT, 1));
	ck_assert_uint_eq(get_u64(&g), 1);
	ck_assert_uint_eq(get_u64(&g), 1);
	ck_assert_uint_eq(get_u64(&g), 0);
	ck_text(&g, "alice.home");
	ck_text(&g, "");
	ck_assert(get_done(&g));

	put_register(1, 2, 2);
	(void)send_message(MSG_REGISTER);
	g = payload(fx_expect(r, MSG_ROUTE_SET, 1));
	ck_assert_uint_eq(get_u64(&g), 1);
	ck_text(&g, "alice.home");
	ck_assert_uint_eq(get_u16(&g), 1);
	get_service(&g, &s);
	ck_assert(get_done(&g));
	ck_assert_str_eq(s.name, "blog");
	service_clear(&s);
	g = payload(fx_expect(r, MSG_REGISTERED, 1));
	ck_assert_uint_eq(get_u64(&g), 1);
	ck_assert_uint_eq(get_u64(&g), 7);
	ck_assert_uint_eq(get_u16(&g), 2);
	ck_text(&g, "blog");
	ck_text(&g, "1.0.0");
	ck_assert(get_bool(&g));
	ck_text(&g, "");
	ck_text(&g, "blog");
	ck_text(&g, "1.0.0");
	ck_assert(!get_bool(&g));
	(void)get_span(&g, UINT16_MAX);
	ck_assert(get_done(&g));

	put_good(MSG_VIEW_REQUEST);
	(void)send_message(MSG_VIEW_REQUEST);
	g = payload(fx_expect(r, MSG_VIEW_REPLY, 5));
	ck_assert_uint_eq(get_u64(&g), 5);
	ck_assert_uint_eq(get_u16(&g), 200);
	ck_assert_uint_gt(get_bytes(&g).len, 0);
	ck_assert(get_done(&g));

	put_open(2, NODE_PEER, 0);
	(void)send_message(MSG_SESSION_OPEN);
	g = payload(fx_expect(r, MSG_SESSION_DENY, 2));
	ck_assert_uint_eq(get_u64(&g), 2);
	ck_assert_uint_eq(get_u16(&g), 409);
	ck_assert_int_eq(get_i32(&g), REGISTRY_DUPLICATE_NODE);
	ck_assert_uint_eq(get_u32(&g), LIMIT_CLONE_MS);
	ck_text(&g, "");
	ck_text(&g, "a home with this id is connected");
	ck_assert(get_done(&g));

	put_good(MSG_SESSION_CLOSE);
	(void)send_message(MSG_SESSION_CLOSE);
	g = payload(fx_expect(r, MSG_ROUTE_DELETE, 1));
	ck_assert_uint_eq(get_u64(&g), 1);
	ck_text(&g, "alice.home");
	ck_assert(get_done(&g));
}
END_TEST

START_TEST(replies_of_peers)
{
	struct wire_get g;

	put_open(1, NODE_PEER, 0);
	(void)send_message(MSG_SESSION_OPEN);
	fx_expect(r, MSG_SESSION_ACCEPT, 1);
	registry_violation(r, 1, "static");
	g = payload(fx_expect(r, MSG_SESSION_END, 1));
	ck_assert_uint_eq(get_u64(&g), 1);
	ck_assert_uint_eq(get_u16(&g), 1008);
	ck_text(&g, "static");
	ck_assert(get_done(&g));
	put_u64(&put, 5);
	put_u8(&put, PEER_OP_ADD);
	put_str(&put, "ws://a.example:81");
	put_str(&put, "B.main");
	put_bool(&put, true);
	put_bool(&put, true);
	ck_assert(send_message(MSG_CTL_PEER));
	g = payload(fx_expect(r, MSG_PEER_ADD, 0));
	ck_text(&g, "a.example");
	ck_assert_uint_eq(get_u16(&g), 81);
	ck_text(&g, "/ws/peers");
	ck_text(&g, "b.main");
	ck_assert(!get_bool(&g));
	ck_assert(get_bool(&g));
	ck_assert(get_bool(&g));
	ck_assert(get_done(&g));
	g = payload(fx_expect(r, MSG_CTL_END, 5));
	ck_assert_uint_eq(get_u64(&g), 5);
	ck_assert_uint_eq(get_u8(&g), 0);
	ck_text(&g, "added");
	ck_assert(get_done(&g));
	put_u64(&put, 6);
	put_u8(&put, PEER_OP_DELETE);
	put_str(&put, "ws://a.example:81");
	put_str(&put, "");
	put_bool(&put, false);
	put_bool(&put, false);
	ck_assert(send_message(MSG_CTL_PEER));
	g = payload(fx_expect(r, MSG_PEER_DELETE, 0));
	ck_text(&g, "a.example");
	ck_assert_uint_eq(get_u16(&g), 81);
	ck_text(&g, "/ws/peers");
	ck_assert(get_done(&g));
}
END_TEST

/* The key that was to be shown is not in the database: nothing is. */
START_TEST(proof_refused)
{
	struct reply *m = reply_new(MSG_PROOF_ANSWER, 7);
	struct wire_get g;

	m->header = strdup("Relay method=key");
	m->detail = strdup("the key ed25519:x of alice.home");
	m->reason = "";
	g = payload(m);
	ck_assert_uint_eq(get_u64(&g), 7);
	ck_text(&g, "Relay method=key");
	ck_text(&g, "the key ed25519:x of alice.home");
	ck_assert(get_done(&g));
	ck_assert(reply_refuse(m));
	g = payload(m);
	ck_assert_uint_eq(get_u64(&g), 7);
	ck_text(&g, "");
	ck_text(&g, "the registry cannot write its database");
	ck_assert(get_done(&g));
	reply_free(m);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("replies");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, replies);
	tcase_add_test(tc, replies_of_peers);
	tcase_add_test(tc, proof_refused);
	return (suite_run("registry replies", tc));
}
