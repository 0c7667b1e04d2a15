/* SPDX-License-Identifier: ISC */
/* What the tests of the router's table share. */
#ifndef TESTS_UNIT_ROUTE_FIXTURE_H
#define TESTS_UNIT_ROUTE_FIXTURE_H

#include "common/service.h"
#include "relay-router/route.h"

extern struct route_table	 t;

void	route_setup(void);
void	route_teardown(void);

/* A service of that name and version; it needs no service_clear(). */
struct service	svc(const char *, const char *);

#endif
