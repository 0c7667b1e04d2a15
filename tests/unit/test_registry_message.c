/* SPDX-License-Identifier: ISC */
/* Messages to the registry, at any length. */
#include <string.h>

#include "relay-registry/message.h"
#include "tests/unit/registry_fixture.h"
#include "tests/unit/registry_message_fixture.h"
#include "tests/unit/suite.h"

static const enum msg_type types[] = { MSG_SESSION_OPEN, MSG_SESSION_RESUME,
    MSG_SESSION_SEEN, MSG_SESSION_CLOSE, MSG_REGISTER, MSG_SERVICE_HEALTH,
    MSG_VIEW_REQUEST, MSG_PEER_REQUEST, MSG_PEER_ROWS, MSG_PEER_MORE,
    MSG_PEER_DIGEST, MSG_PEER_RESYNC, MSG_PEER_QUERY, MSG_PEER_BARRIER,
    MSG_PEER_STATE, MSG_CTL_PEER, MSG_CTL_TOKEN, MSG_PROOF_ASK,
    MSG_CTL_NODE, MSG_CTL_AUDIT, MSG_CALLER_ASK, MSG_POLICY_DENIED };

#define N_TYPES	((int)(sizeof(types) / sizeof(types[0])))

START_TEST(good)
{
	put_good(types[_i]);
	ck_assert(send_message(types[_i]));
}
END_TEST

START_TEST(cut_short)
{
	size_t len;

	put_good(types[_i]);
	for (len = 0; len < put.len; len++)
		ck_assert(!send_part(types[_i], len));
	fx_silent(r);
}
END_TEST

START_TEST(too_long)
{
	put_good(types[_i]);
	put_u8(&put, 0);
	ck_assert(!send_message(types[_i]));
	fx_silent(r);
}
END_TEST

START_TEST(values_out_of_range)
{
	put_open(0, NODE_HOME, 0);
	ck_assert(!send_message(MSG_SESSION_OPEN));
	put_open(1, 0, 0);
	ck_assert(!send_message(MSG_SESSION_OPEN));
	put_open(1, NODE_SELF, 0);
	ck_assert(!send_message(MSG_SESSION_OPEN));
	put_open(1, NODE_HOME, 2);
	ck_assert(!send_message(MSG_SESSION_OPEN));
	put_resume(0, 1, NODE_HOME);
	ck_assert(!send_message(MSG_SESSION_RESUME));
	put_resume(1, 0, NODE_HOME);
	ck_assert(!send_message(MSG_SESSION_RESUME));
	put_resume(1, (uint64_t)INT64_MAX + 1, NODE_HOME);
	ck_assert(!send_message(MSG_SESSION_RESUME));
	put_resume(1, 1, NODE_SELF);
	ck_assert(!send_message(MSG_SESSION_RESUME));
	put_u64(&put, 0);
	put_str(&put, "");
	ck_assert(!send_message(MSG_SESSION_CLOSE));
	put_health(2);
	ck_assert(!send_message(MSG_SERVICE_HEALTH));
	put_view(0);
	ck_assert(!send_message(MSG_VIEW_REQUEST));
	put_view(HTTP_ROUTE_MAX);
	ck_assert(!send_message(MSG_VIEW_REQUEST));
	put_rows(0, 1, 1);
	ck_assert(!send_message(MSG_PEER_ROWS));
	put_rows(3, 1, 1);
	ck_assert(!send_message(MSG_PEER_ROWS));
	put_request(0, true);
	ck_assert(!send_message(MSG_PEER_REQUEST));
	put_request(PEER_OP_RESET, true);
	ck_assert(!send_message(MSG_PEER_REQUEST));
	put_request(0, false);
	ck_assert(!send_message(MSG_CTL_PEER));
	put_request(PEER_OP_RESET + 1, false);
	ck_assert(!send_message(MSG_CTL_PEER));
	put_state(0);
	ck_assert(!send_message(MSG_PEER_STATE));
	put_state(PEER_HELD + 1);
	ck_assert(!send_message(MSG_PEER_STATE));
	put_u64(&put, 1);
	put_u64(&put, 1);
	put_bool(&put, true);
	put_u8(&put, 3);
	ck_assert(!send_message(MSG_PEER_BARRIER));
	put_u64(&put, 1);
	put_str(&put, "12345678901234567890123456789012345678901234567890"
	    "123456789012345");
	put_str(&put, "");
	put_str(&put, "");
	ck_assert(!send_message(MSG_PEER_QUERY));
	fx_silent(r);
	ck_assert_int_eq(fx_number("SELECT count(*) FROM node"), 1);
}
END_TEST

START_TEST(counts_that_lie)
{
	put_register(1, 1, 2);
	ck_assert(!send_message(MSG_REGISTER));
	put_register(1, 3, 2);
	ck_assert(!send_message(MSG_REGISTER));
	put_register(1, UINT16_MAX, 1);
	ck_assert(!send_message(MSG_REGISTER));
	put_register(1, 1, 0);
	ck_assert(!send_message(MSG_REGISTER));
	put_rows(1, 1, 2);
	ck_assert(!send_message(MSG_PEER_ROWS));
	put_rows(1, 3, 2);
	ck_assert(!send_message(MSG_PEER_ROWS));
	put_rows(1, UINT16_MAX, 1);
	ck_assert(!send_message(MSG_PEER_ROWS));
	put_rows(2, 1, 0);
	ck_assert(!send_message(MSG_PEER_ROWS));
	fx_silent(r);
}
END_TEST

START_TEST(types_of_others)
{
	struct wire_get get;
	unsigned int type, i;
	bool ours;

	for (type = 0; type < MSG_MAX + 3; type++) {
		for (i = 0, ours = false; i < (unsigned int)N_TYPES; i++)
			ours |= type == types[i];
		if (!ours)
			ck_assert(!send_part(type, 0));
		/* What is the router's is not the parent's. */
		wire_get_init(&get, buf, 0);
		if (!of_parent(type))
			ck_assert(!registry_parent_message(r, type, &get,
			    at(0)));
	}
	fx_silent(r);
}
END_TEST

/* What clients chose is answered, however long or odd it is. */
START_TEST(text_of_clients)
{
	static char text[60001];

	memset(text, '\xff', sizeof(text) - 1);
	put_u64(&put, 1);
	put_u64(&put, 1);
	put_u8(&put, NODE_HOME);
	put_u32(&put, 0);
	put_u32(&put, 0);
	put_u8(&put, 0);
	put_u8(&put, 1);
	put_str(&put, "alice.home");
	put_str(&put, text);
	put_str(&put, "");
	put_str(&put, text);
	put_str(&put, "");
	ck_assert(send_message(MSG_SESSION_OPEN));
	fx_expect(r, MSG_SESSION_ACCEPT, 1);
	put_u64(&put, 2);
	put_u64(&put, 2);
	put_u8(&put, NODE_HOME);
	put_u32(&put, 0);
	put_u32(&put, 0);
	put_u8(&put, 0);
	put_u8(&put, 1);
	put_str(&put, text);
	put_str(&put, "");
	put_str(&put, "");
	put_str(&put, "");
	put_str(&put, text);
	ck_assert(send_message(MSG_SESSION_OPEN));
	fx_expect(r, MSG_SESSION_DENY, 2);
	put_u64(&put, 1);
	put_str(&put, text);
	ck_assert(send_message(MSG_SESSION_CLOSE));
	fx_expect(r, MSG_ROUTE_DELETE, 1);
}
END_TEST

START_TEST(as_many_services_as_may_be)
{
	put_register(1, LIMIT_SERVICES, LIMIT_SERVICES);
	ck_assert(send_message(MSG_REGISTER));
	ck_assert_uint_eq(fx_expect(r, MSG_REGISTERED, 1)->count,
	    LIMIT_SERVICES);
	put_register(1, LIMIT_SERVICES + 1, LIMIT_SERVICES + 1);
	ck_assert(!send_message(MSG_REGISTER));
	fx_silent(r);
}
END_TEST

static struct peer_conf	 confs[LIMIT_PEERS];

static bool
conf_peer(uint32_t index, const char *host, uint8_t origin, uint32_t *n)
{
	struct wire_get get;

	wire_put_init(&put, buf, sizeof(buf));
	put_u32(&put, index);
	put_str(&put, host);
	put_u16(&put, 81);
	put_str(&put, "/ws/peers");
	put_str(&put, "b.main");
	put_u8(&put, origin);
	put_bool(&put, true);
	put_u32(&put, UINT32_MAX);
	put_str(&put, "");
	put_u32(&put, UINT32_MAX);
	wire_get_init(&get, buf, put.len);
	if (message_conf_peer(&get, confs, n))
		return (true);
	ck_assert(get.bad);
	return (false);
}

START_TEST(conf_peers)
{
	char host[PEER_HOST_MAX + 2];
	uint32_t n = 0;

	memset(host, 'a', sizeof(host) - 1);
	host[sizeof(host) - 1] = '\0';
	ck_assert(!conf_peer(1, "a", 1, &n));
	ck_assert(!conf_peer(0, "a", 0, &n));
	ck_assert(!conf_peer(0, "a", 4, &n));
	ck_assert(!conf_peer(0, host, 1, &n));
	ck_assert_uint_eq(n, 0);
	while (n < LIMIT_PEERS)
		ck_assert(conf_peer(n, "a", 3, &n));
	ck_assert(!conf_peer(n, "a", 3, &n));
	ck_assert_str_eq(confs[5].host, "a");
	ck_assert_uint_eq(confs[5].port, 81);
	ck_assert_str_eq(confs[5].path, "/ws/peers");
	ck_assert_str_eq(confs[5].node, "b.main");
	ck_assert_int_eq(confs[5].origin, PEER_PERSISTED);
	ck_assert(confs[5].tls);
}
END_TEST

static void
put_resume_uplink(uint32_t peer)
{
	put_u64(&put, 1);
	put_u64(&put, 1);
	put_u8(&put, 3);
	put_u32(&put, peer);
	put_u32(&put, 1);
	put_str(&put, "main.x");
	put_str(&put, "192.0.2.1:1");
}

/* Only a home has uplinks, all of which it has dialled. */
START_TEST(resumed_uplink)
{
	put_resume_uplink(0);
	ck_assert(!send_message(MSG_SESSION_RESUME));
	teardown();
	r = fixture_home();
	fx_settle(r);
	put_resume_uplink(PEER_NONE);
	ck_assert(!send_message(MSG_SESSION_RESUME));
	put_resume_uplink(0);
	ck_assert(send_message(MSG_SESSION_RESUME));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("messages");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, good, 0, N_TYPES);
	tcase_add_loop_test(tc, cut_short, 0, N_TYPES);
	tcase_add_loop_test(tc, too_long, 0, N_TYPES);
	tcase_add_test(tc, values_out_of_range);
	tcase_add_test(tc, resumed_uplink);
	tcase_add_test(tc, counts_that_lie);
	tcase_add_test(tc, types_of_others);
	tcase_add_test(tc, text_of_clients);
	tcase_add_test(tc, as_many_services_as_may_be);
	tcase_add_test(tc, conf_peers);
	return (suite_run("registry messages", tc));
}
