/* SPDX-License-Identifier: ISC */
/* Two Mains that are linked. */
#ifndef TESTS_UNIT_MESH_PAIR_FIXTURE_H
#define TESTS_UNIT_MESH_PAIR_FIXTURE_H

#include "tests/unit/mesh_fixture.h"

extern struct world	w;

void	setup(void);
void	teardown(void);
struct mesh_stats	stats(size_t);
struct mesh_main	about(size_t, size_t);
/* Homes of Main a, from 0 on. */
void	own(size_t, size_t);
/* Main 0 with some homes and Main 1 know each other. */
void	two(void);

#endif
