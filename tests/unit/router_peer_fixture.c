/* SPDX-License-Identifier: ISC */
/* See router_peer_fixture.h. */
#include <string.h>

#include "tests/unit/peer_fixture.h"
#include "tests/unit/router_peer_fixture.h"
#include "tests/unit/suite.h"

uint64_t	 home, peer_b, peer_c;

void
setup(void)
{
	fx_setup();
	home = fx_home("alice");
	peer_b = fx_peer("relay-b");
	peer_c = fx_peer("relay-c");
}

struct wire_put *
rows_begin(uint64_t session, uint8_t op, uint32_t part, uint16_t count)
{
	struct wire_put	*w = fx_put();

	put_u64(w, session);
	put_u8(w, op);
	put_u64(w, 0xa1);
	put_u64(w, 7);
	put_u32(w, part);
	put_bool(w, true);
	put_u16(w, count);
	return (w);
}

void
put_row(struct wire_put *w, const char *node, const char *label)
{
	struct service		 s;
	struct service_label	 l = { "l", "" };

	service_init(&s);
	memcpy(s.name, "blog", 5);
	ck_assert(span_copy(span_str(label), l.value, sizeof(l.value)));
	s.labels = &l;
	s.n_labels = 1;
	put_str(w, node);
	put_bool(w, false);
	put_u16(w, 1);
	put_service(w, &s);
}

bool
told(enum msg_type type, uint64_t session)
{
	struct wire_get	 r;

	if (!fx_sent(PROC_REGISTRY, type, &r))
		return (false);
	ck_assert_uint_eq(get_u64(&r), session);
	return (true);
}
