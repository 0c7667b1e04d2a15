/* SPDX-License-Identifier: ISC */
/* See registry_links_fixture.h. */
#include <string.h>

#include "tests/unit/registry_fixture.h"
#include "tests/unit/registry_links_fixture.h"
#include "tests/unit/suite.h"

struct registry	*r;	/* main.example */

struct wire_get	 m;

void
setup(void)
{
	r = fixture_main(100);
	fx_peers(r, 1, 3, 0);
}

void
teardown(void)
{
	fixture_free(r);
}

const struct reply *
accepts(uint64_t session, uint64_t replaced)
{
	const struct reply *a = fx_expect(r, MSG_SESSION_ACCEPT, session);

	ck_assert_uint_eq(a->replaced, replaced);
	return (a);
}

void
denies(uint64_t session, uint16_t status, int32_t code, const char *reason)
{
	const struct reply *d = fx_expect(r, MSG_SESSION_DENY, session);
	const char *text = d->detail != NULL ? d->detail : d->reason;

	ck_assert_uint_eq(d->status, status);
	ck_assert_int_eq(d->code, code);
	ck_assert_msg(strstr(text, reason) != NULL, "%s", text);
}

void
mesh_says(enum msg_type type)
{
	ck_assert_str_eq(msg_name(fx_mesh(r, &m)), msg_name(type));
}

unsigned int
drain(enum msg_type type)
{
	enum msg_type t;
	unsigned int n = 0;

	while ((t = fx_mesh(r, &m)) != MSG_NONE)
		n += t == type;
	return (n);
}

bool
linked(const char *node)
{
	struct mesh_main info;

	return (mesh_main(registry_mesh(r), node, &info) && info.linked);
}
