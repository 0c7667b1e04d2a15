/* SPDX-License-Identifier: ISC */
/* A home, two peers, and questions to them. */
#ifndef TESTS_UNIT_QUERY_FIXTURE_H
#define TESTS_UNIT_QUERY_FIXTURE_H

#include "common/http_route.h"
#include "relay-router/query.h"
#include "tests/unit/peer_fixture.h"

#define CALL(id, more) "{\"type\":\"request\",\"message_id\":\"" id "\"," \
	"\"server_name\":\"blog\",\"method\":\"get\"," more \
	"\"jsonrpc_request\":{\"jsonrpc\":\"2.0\",\"method\":\"get\"," \
	"\"params\":{\"text\":\"a \\\"b\\\"\"},\"id\":\"i-" id "\"}}"

extern uint64_t	 home, peer_b, peer_c;

void	setup(void);
/* The id of the question that a peer gets about that service. */
const char	*asked(uint64_t, const char *);
void	say(uint64_t, const char *, bool, const char *);
void	learn(const char *, const char *, const char *);
/* The barrier on its way to the registry comes back, or not yet. */
bool	take_barrier(struct wire_put *);
void	barrier(void);
/* The session gets an error with that code, and nothing more. */
void	fails(uint64_t, const char *, const char *);

#endif
