/* SPDX-License-Identifier: ISC */
/* See query_fixture.h. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/peer_fixture.h"
#include "tests/unit/query_fixture.h"
#include "tests/unit/suite.h"

uint64_t	 home, peer_b, peer_c;

void
setup(void)
{
	fx_setup();
	home = fx_home("alice");
	peer_b = fx_peer("relay-b");
}

const char *
asked(uint64_t peer, const char *server)
{
	static char	 id[64];
	const char	*s = fx_said(peer);

	ck_assert_ptr_nonnull(s);
	ck_assert_str_eq(fx_member(s, ENV_TYPE), "service_discovery");
	ck_assert_str_eq(fx_member(s, ENV_SERVER_NAME), server);
	ck_assert_ptr_nonnull(strstr(s, "\"data\":{\"op\":\"query\""));
	snprintf(id, sizeof(id), "%s", fx_member(s, ENV_MESSAGE_ID));
	return (id);
}

void
say(uint64_t peer, const char *id, bool found, const char *node)
{
	fx_text(peer, "{\"type\":\"service_discovery\",\"message_id\":\"x\","
	    "\"correlation_id\":\"%s\",\"data\":{\"op\":\"answer\","
	    "\"found\":%s,\"node\":\"%s\"}}", id, found ? "true" : "false",
	    node);
}

void
learn(const char *main_id, const char *node, const char *name)
{
	struct wire_put	*w = fx_put();
	struct service	 s;

	service_init(&s);
	ck_assert(span_copy(span_str(name), s.name, sizeof(s.name)));
	put_str(w, main_id);
	put_str(w, node);
	put_u16(w, 1);
	put_service(w, &s);
	ck_assert(fx_tell(PROC_REGISTRY, MSG_PEER_ROUTE_SET, w));
}

bool
take_barrier(struct wire_put *w)
{
	struct wire_get	 r;

	if (!fx_sent(PROC_REGISTRY, MSG_PEER_BARRIER, &r))
		return (false);
	put_raw(w, r.p, (size_t)(r.end - r.p));
	return (true);
}

void
barrier(void)
{
	struct wire_put	*w = fx_put();

	ck_assert(take_barrier(w));
	ck_assert(fx_tell(PROC_REGISTRY, MSG_PEER_BARRIER, w));
}

void
fails(uint64_t session, const char *id, const char *code)
{
	const char	*s = fx_said(session);

	ck_assert_msg(s != NULL, "no answer to %s", id);
	ck_assert_str_eq(fx_member(s, ENV_TYPE), "error");
	ck_assert_str_eq(fx_member(s, ENV_CORRELATION_ID), id);
	ck_assert_msg(strstr(s, code) != NULL, "%s: %s", code, s);
	ck_assert_ptr_nonnull(strstr(s, "\"executed\":\"no\""));
	ck_assert_ptr_null(fx_said(session));
}
