/* SPDX-License-Identifier: ISC */
/* One registry a test. */
#ifndef TESTS_UNIT_REGISTRY_CASE_H
#define TESTS_UNIT_REGISTRY_CASE_H

#include "tests/unit/registry_fixture.h"

#define SERVICES	"SELECT count(*) FROM service"
#define LIVE	"SELECT count(*) FROM session WHERE closed IS NULL AND id <> 0"

extern struct registry	*r;

void	setup(void);
void	teardown(void);
/* Register and clear them. */
void	register_list(uint64_t, uint64_t, struct service *, size_t);

#endif
