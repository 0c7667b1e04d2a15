/* SPDX-License-Identifier: ISC */
/* What the parts of mesh_fixture.h share. */
#ifndef TESTS_UNIT_MESH_FIXTURE_IMPL_H
#define TESTS_UNIT_MESH_FIXTURE_IMPL_H

#include "tests/unit/mesh_fixture.h"

/* Abort with that text if it is not so. */
void	 must(bool, const char *);
/* Zeroed memory, or abort. */
void	*world_alloc(size_t);
/*
 * A router forgets its routes to a Main, or to all with NULL: every one, or
 * those that were not set again since a "begin".
 */
void	 world_drop_routes(struct world_main *, const char *, bool);

#endif
