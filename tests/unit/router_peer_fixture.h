/* SPDX-License-Identifier: ISC */
/* A home and two peers. */
#ifndef TESTS_UNIT_ROUTER_PEER_FIXTURE_H
#define TESTS_UNIT_ROUTER_PEER_FIXTURE_H

#include "relay-router/peer_link.h"
#include "tests/unit/peer_fixture.h"

#define PLACE	"\"epoch\":\"00000000000000a1\",\"seq\":7"

extern uint64_t	 home, peer_b, peer_c;

void	setup(void);
/* A message of rows; the caller may add rows to the last one. */
struct wire_put	*rows_begin(uint64_t, uint8_t, uint32_t, uint16_t);
void	put_row(struct wire_put *, const char *, const char *);
/* The registry is told that of a session. */
bool	told(enum msg_type, uint64_t);

#endif
