/* SPDX-License-Identifier: ISC */
/* See mesh_pair_fixture.h. */
#include "tests/unit/mesh_fixture.h"
#include "tests/unit/mesh_pair_fixture.h"
#include "tests/unit/suite.h"

struct world	w;

void
setup(void)
{
	world_init(&w, 3, &mesh_limits_default);
}

void
teardown(void)
{
	world_free(&w);
}

struct mesh_stats
stats(size_t a)
{
	struct mesh_stats s;

	mesh_stats(w.mains[a].mesh, &s);
	return (s);
}

struct mesh_main
about(size_t b, size_t a)
{
	struct mesh_main main;

	(void)mesh_main(w.mains[b].mesh, w.mains[a].id, &main);
	return (main);
}

void
own(size_t a, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		world_own(&w, a, i, (int)(i % 6 + 1));
}

void
two(void)
{
	own(0, 10);
	world_link(&w, 0, 1);
	world_run(&w);
	ck_assert(world_knows(&w, 1, 0));
}
