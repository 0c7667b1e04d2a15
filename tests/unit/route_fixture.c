/* SPDX-License-Identifier: ISC */
/* See route_fixture.h. */
#include <stdio.h>

#include "tests/unit/route_fixture.h"

struct service
svc(const char *name, const char *version)
{
	struct service	 s;

	service_init(&s);
	snprintf(s.name, sizeof(s.name), "%s", name);
	snprintf(s.version, sizeof(s.version), "%s", version);
	return (s);
}
