/* SPDX-License-Identifier: ISC */
/* One mesh, whose words are read one by one. */
#ifndef TESTS_UNIT_MESH_ROWS_FIXTURE_H
#define TESTS_UNIT_MESH_ROWS_FIXTURE_H

#include "relay-registry/mesh.h"

#define A	7		/* session of the Main "a" */

extern const struct mesh_limits	 small;
extern struct mesh		*m;
extern struct monotime		 now;
extern uint8_t			 out[4U << 20];
extern struct wire_put		 put;
extern enum msg_type		 type;

void	setup(void);
void	teardown(void);
/* A mesh with other limits in the place of this one. */
void	limit(const struct mesh_limits *);
bool	next(void);
/* All there is to be said, as a letter each. */
const char	*said(void);
struct mesh_main	main_a(void);
struct mesh_stats	stats(void);
const char	*begin(unsigned int, uint64_t, uint64_t, uint32_t);
const char	*row_of(const char *, const struct service *, uint16_t);
const char	*row(const char *);
const char	*gone(const char *);
void	end(bool);
void	part(uint64_t, uint32_t, bool, const char *);
void	delta(uint64_t, const char *);

#endif
