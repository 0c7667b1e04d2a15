/* SPDX-License-Identifier: ISC */
/*
 * What the router sends, as bytes: each message as it should be, cut short
 * at every length, with bytes too many, with values out of range; and the
 * replies as bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "relay-registry/message.h"
#include "tests/unit/registry_fixture.h"
#include "tests/unit/suite.h"

static struct registry	*r;
static uint8_t		 buf[131072];
static struct wire_put	 put;

static void
setup(void)
{
	r = fixture_main(100);
	wire_put_init(&put, buf, sizeof(buf));
}

static void
teardown(void)
{
	fixture_free(r);
}

/* Hand over the first len bytes, in memory of just that size. */
static bool
send_part(enum msg_type type, size_t len)
{
	struct wire_get get;
	uint8_t *copy;
	bool ok;

	ck_assert(!put.bad);
	copy = malloc(len + (len == 0));
	memcpy(copy, buf, len);
	wire_get_init(&get, copy, len);
	ok = registry_message(r, type, &get, at(0));
	ck_assert(ok == get_done(&get));
	free(copy);
	return (ok);
}

static bool
send_message(enum msg_type type)
{
	bool ok = send_part(type, put.len);

	wire_put_init(&put, buf, sizeof(buf));
	return (ok);
}

static void
put_open(uint64_t session, uint8_t kind, uint8_t local)
{
	put_u64(&put, session);
	put_u8(&put, kind);
	put_u8(&put, local);
	put_str(&put, "alice.home");
	put_str(&put, "boot");
	put_str(&put, "Bearer x");
	put_str(&put, "192.0.2.1:1");
}

static void
put_resume(uint64_t session, uint64_t epoch, uint8_t kind)
{
	put_u64(&put, session);
	put_u64(&put, epoch);
	put_u8(&put, kind);
	put_str(&put, "alice.home");
	put_str(&put, "192.0.2.1:1");
}

static void
put_register(uint64_t session, uint16_t count, size_t n)
{
	struct service s = fx_service("blog", 2);

	put_u64(&put, session);
	put_u64(&put, 7);
	put_u16(&put, count);
	for (; n > 0; n--)
		put_service(&put, &s);
	service_clear(&s);
}

static void
put_health(uint8_t healthy)
{
	put_u64(&put, 1);
	put_str(&put, "blog");
	put_str(&put, "1.0.0");
	put_u8(&put, healthy);
}

/* A good message of each type. */
static void
put_good(enum msg_type type)
{
	switch (type) {
	case MSG_SESSION_OPEN:
		put_open(1, NODE_HOME, 1);
		break;
	case MSG_SESSION_RESUME:
		put_resume(1, 1, NODE_HOME);
		break;
	case MSG_SESSION_SEEN:
		put_u64(&put, 1);
		break;
	case MSG_SESSION_CLOSE:
		put_u64(&put, 1);
		put_str(&put, "gone");
		break;
	case MSG_REGISTER:
		put_register(1, 2, 2);
		break;
	case MSG_SERVICE_HEALTH:
		put_health(0);
		break;
	default:
		put_u64(&put, 5);
		put_u8(&put, HTTP_ROUTE_REGISTRY);
	}
}

static const enum msg_type types[] = { MSG_SESSION_OPEN, MSG_SESSION_RESUME,
    MSG_SESSION_SEEN, MSG_SESSION_CLOSE, MSG_REGISTER, MSG_SERVICE_HEALTH,
    MSG_VIEW_REQUEST };
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
	put_u64(&put, 5);
	put_u8(&put, 0);
	ck_assert(!send_message(MSG_VIEW_REQUEST));
	put_u64(&put, 5);
	put_u8(&put, HTTP_ROUTE_MAX);
	ck_assert(!send_message(MSG_VIEW_REQUEST));
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
	fx_silent(r);
}
END_TEST

START_TEST(types_of_others)
{
	unsigned int type, i;
	bool ours;

	for (type = 0; type < MSG_MAX + 3; type++) {
		for (i = 0, ours = false; i < (unsigned int)N_TYPES; i++)
			ours |= type == types[i];
		if (!ours)
			ck_assert(!send_part(type, 0));
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
	put_u8(&put, NODE_HOME);
	put_u8(&put, 0);
	put_str(&put, "alice.home");
	put_str(&put, text);
	put_str(&put, text);
	put_str(&put, "");
	ck_assert(send_message(MSG_SESSION_OPEN));
	fx_expect(r, MSG_SESSION_ACCEPT, 1);
	put_u64(&put, 2);
	put_u8(&put, NODE_HOME);
	put_u8(&put, 0);
	put_str(&put, text);
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

/* --- replies as bytes --- */

static struct wire_get
payload(const struct reply *m)
{
	struct wire_get get;

	wire_put_init(&put, buf, sizeof(buf));
	put_reply(&put, m);
	ck_assert(!put.bad);
	ck_assert_ptr_null(msg_check(m->type, PROC_REGISTRY, PROC_ROUTER,
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
	ck_assert_uint_eq(get_u16(&g), 403);
	ck_assert_int_eq(get_i32(&g), REGISTRY_FORBIDDEN);
	ck_assert_uint_eq(get_u32(&g), 0);
	ck_text(&g, "no peers are configured");
	ck_assert(get_done(&g));

	put_good(MSG_SESSION_CLOSE);
	(void)send_message(MSG_SESSION_CLOSE);
	g = payload(fx_expect(r, MSG_ROUTE_DELETE, 1));
	ck_assert_uint_eq(get_u64(&g), 1);
	ck_text(&g, "alice.home");
	ck_assert(get_done(&g));
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
	tcase_add_test(tc, counts_that_lie);
	tcase_add_test(tc, types_of_others);
	tcase_add_test(tc, text_of_clients);
	tcase_add_test(tc, as_many_services_as_may_be);
	tcase_add_test(tc, replies);
	return (suite_run("registry messages", tc));
}
