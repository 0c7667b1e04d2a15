/* SPDX-License-Identifier: ISC */
/* See registry_case.h. */
#include "tests/unit/registry_case.h"
#include "tests/unit/registry_fixture.h"
#include "tests/unit/suite.h"

struct registry	*r;

void
setup(void)
{
	r = fixture_main(100);
}

void
teardown(void)
{
	fixture_free(r);
}

void
register_list(uint64_t session, uint64_t tag, struct service *list, size_t n)
{
	registry_register(r, session, tag, list, n, fx_now());
	while (n > 0)
		service_clear(&list[--n]);
}
