/* SPDX-License-Identifier: ISC */
/* A registry with links to other Mains. */
#ifndef TESTS_UNIT_REGISTRY_LINKS_FIXTURE_H
#define TESTS_UNIT_REGISTRY_LINKS_FIXTURE_H

#include "relay-registry/message.h"
#include "tests/unit/registry_fixture.h"

extern struct registry	*r;
extern struct wire_get	 m;

void	setup(void);
void	teardown(void);
const struct reply	*accepts(uint64_t, uint64_t);
void	denies(uint64_t, uint16_t, int32_t, const char *);
/* The next message of discovery is of this type. */
void	mesh_says(enum msg_type);
/* Let discovery say all it has; how many messages of the type. */
unsigned int	drain(enum msg_type);
bool	linked(const char *);

#endif
