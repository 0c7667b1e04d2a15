/* SPDX-License-Identifier: ISC */
/* The links of a Main and its peers. */
#ifndef TESTS_UNIT_REGISTRY_PEER_FIXTURE_H
#define TESTS_UNIT_REGISTRY_PEER_FIXTURE_H

#include "relay-registry/peer.h"

extern struct peers	 p;

void	setup(void);
void	teardown(void);
struct monotime	at(int64_t);
struct peer_conf	conf_of(const char *, const char *);
/* Peers at hosts a, b and c; who answers at b is configured. */
void	configure(uint32_t);
struct peer_ask	ask(const char *, uint32_t, const char *);
struct peer_link	*add(uint64_t, const char *, uint32_t, const char *,
	    int64_t);

#endif
