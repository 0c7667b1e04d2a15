/* SPDX-License-Identifier: ISC */
/* See route_fixture.h. */
#include <stdio.h>

#include "tests/unit/route_fixture.h"

static const uint8_t	secret[HASH_KEY_LEN] = "0123456789abcde";
struct route_table	t;

void
route_setup(void)
{
	route_init(&t, secret);
}

void
route_teardown(void)
{
	route_free(&t);
}

struct service
svc(const char *name, const char *version)
{
	struct service	 s;

	service_init(&s);
	snprintf(s.name, sizeof(s.name), "%s", name);
	snprintf(s.version, sizeof(s.version), "%s", version);
	return (s);
}
