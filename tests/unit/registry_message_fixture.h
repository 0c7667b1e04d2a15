/* SPDX-License-Identifier: ISC */
/* Messages to the registry. */
#ifndef TESTS_UNIT_REGISTRY_MESSAGE_FIXTURE_H
#define TESTS_UNIT_REGISTRY_MESSAGE_FIXTURE_H

#include "relay-registry/message.h"
#include "tests/unit/registry_fixture.h"

extern struct registry	*r;
extern uint8_t		 buf[131072];
extern struct wire_put	 put;

void	setup(void);
void	teardown(void);
bool	of_parent(enum msg_type);
/* Hand over the first len bytes, in memory of just that size. */
bool	send_part(enum msg_type, size_t);
bool	send_message(enum msg_type);
void	put_open(uint64_t, uint8_t, uint8_t);
void	put_resume(uint64_t, uint64_t, uint8_t);
void	put_register(uint64_t, uint16_t, size_t);
void	put_health(uint8_t);
void	put_rows(uint8_t, uint16_t, size_t);
void	put_request(uint8_t, bool);
void	put_state(uint8_t);
void	put_view(uint8_t);
/* A good message of each type. */
void	put_good(enum msg_type);

#endif
