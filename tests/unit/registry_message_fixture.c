/* SPDX-License-Identifier: ISC */
/* See registry_message_fixture.h. */
#include <stdlib.h>
#include <string.h>

#include "relay-registry/message.h"
#include "tests/unit/registry_fixture.h"
#include "tests/unit/registry_message_fixture.h"
#include "tests/unit/suite.h"

struct registry	*r;
uint8_t		 buf[131072];
struct wire_put	 put;

void
setup(void)
{
	r = fixture_main(100);
	wire_put_init(&put, buf, sizeof(buf));
}

void
teardown(void)
{
	fixture_free(r);
}

bool
of_parent(enum msg_type type)
{
	return (type == MSG_PEER_STATE || type == MSG_CTL_PEER ||
	    type == MSG_CTL_TOKEN || type == MSG_CTL_NODE ||
	    type == MSG_CTL_AUDIT);
}

bool
send_part(enum msg_type type, size_t len)
{
	struct wire_get get;
	uint8_t *copy;
	bool ok;

	ck_assert(!put.bad);
	copy = malloc(len + (len == 0));
	memcpy(copy, buf, len);
	wire_get_init(&get, copy, len);
	if (of_parent(type))
		ok = registry_parent_message(r, type, &get, at(0));
	else
		ok = registry_message(r, type, &get, at(0));
	ck_assert(ok == get_done(&get));
	free(copy);
	return (ok);
}

bool
send_message(enum msg_type type)
{
	bool ok = send_part(type, put.len);

	wire_put_init(&put, buf, sizeof(buf));
	return (ok);
}

void
put_open(uint64_t session, uint8_t kind, uint8_t local)
{
	put_u64(&put, session);
	put_u64(&put, 3);
	put_u8(&put, kind);
	put_u32(&put, PEER_NONE);
	put_u32(&put, 1);
	put_u8(&put, local);
	put_bool(&put, false);
	put_str(&put, "alice.home");
	put_str(&put, "boot");
	put_str(&put, "Bearer x");
	put_str(&put, "");
	put_str(&put, "192.0.2.1:1");
}

void
put_resume(uint64_t session, uint64_t epoch, uint8_t kind)
{
	put_u64(&put, session);
	put_u64(&put, epoch);
	put_u8(&put, kind);
	put_u32(&put, PEER_NONE);
	put_u32(&put, 1);
	put_str(&put, "alice.home");
	put_str(&put, "192.0.2.1:1");
}

void
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

void
put_health(uint8_t healthy)
{
	put_u64(&put, 1);
	put_str(&put, "blog");
	put_str(&put, "1.0.0");
	put_u8(&put, healthy);
}

void
put_rows(uint8_t op, uint16_t count, size_t n)
{
	struct service s = fx_service("blog", 2);

	put_u64(&put, 1);
	put_u8(&put, op);
	put_u64(&put, 7);
	put_u64(&put, 8);
	put_u32(&put, 0);
	put_bool(&put, true);
	put_u16(&put, count);
	for (; n > 0; n--) {
		put_str(&put, "alice.home");
		put_bool(&put, false);
		put_u16(&put, 1);
		put_service(&put, &s);
	}
	service_clear(&s);
}

void
put_request(uint8_t op, bool authorization)
{
	put_u64(&put, 5);
	put_u8(&put, op);
	if (authorization)
		put_str(&put, "Bearer rat_x");
	put_str(&put, "ws://127.0.0.1:81");
	put_str(&put, "");
	put_bool(&put, false);
	put_bool(&put, false);
	if (authorization)
		put_str(&put, "192.0.2.7:7");
}

void
put_state(uint8_t state)
{
	put_u32(&put, 0);
	put_u32(&put, 1);
	put_u8(&put, state);
	put_u32(&put, 1000);
	put_str(&put, "b.main");
	put_str(&put, "refused");
}

void
put_view(uint8_t route)
{
	put_u64(&put, 5);
	put_u8(&put, route);
	put_bool(&put, false);
	put_u32(&put, 12);
	put_str(&put, "");
}

void
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
		put_u32(&put, 0);
		break;
	case MSG_PEER_ROWS:
		put_rows(1, 2, 2);
		break;
	case MSG_PEER_DIGEST:
		put_u64(&put, 1);
		put_u64(&put, 1);
		put_u64(&put, 1);
		put_u32(&put, 1);
		put_u64(&put, 1);
		break;
	case MSG_PEER_MORE:
	case MSG_PEER_RESYNC:
		put_u64(&put, 1);
		break;
	case MSG_PEER_QUERY:
		put_u64(&put, 1);
		put_str(&put, "m-1");
		put_str(&put, "alice.home");
		put_str(&put, "blog");
		break;
	case MSG_PEER_BARRIER:
		put_u64(&put, 1);
		put_u64(&put, 1);
		put_bool(&put, true);
		put_u8(&put, 2);
		break;
	case MSG_PEER_REQUEST:
		put_request(PEER_OP_ADD, true);
		break;
	case MSG_PEER_STATE:
		put_state(PEER_WAITING);
		break;
	case MSG_CTL_PEER:
		put_request(PEER_OP_RESET, false);
		break;
	case MSG_CTL_TOKEN:
		put_u64(&put, 5);
		put_u8(&put, 1);
		put_str(&put, "admin");
		break;
	case MSG_CTL_NODE:
		put_u64(&put, 5);
		put_u8(&put, 6);
		put_str(&put, "alice.home");
		put_str(&put, "");
		put_str(&put, "");
		put_u32(&put, 60);
		break;
	case MSG_CTL_AUDIT:
		put_u64(&put, 5);
		put_u8(&put, 1);
		put_u64(&put, 0);
		put_u32(&put, 10);
		break;
	case MSG_CALLER_ASK:
		put_u64(&put, 5);
		put_str(&put, "Bearer rat_x");
		put_str(&put, "192.0.2.7:7");
		break;
	case MSG_POLICY_DENIED:
		put_u32(&put, 0);
		put_str(&put, "anonymous");
		put_str(&put, "alice.home");
		put_str(&put, "echo.say");
		put_str(&put, "the default");
		break;
	case MSG_PROOF_ASK:
		put_u64(&put, 5);
		put_u8(&put, NODE_PEER);
		put_u32(&put, 0);
		put_u32(&put, 1);
		put_str(&put, "b.main");
		put_str(&put, "Relay nonce=x");
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
		put_view(HTTP_ROUTE_REGISTRY);
	}
}
