/* SPDX-License-Identifier: ISC */
/* A registry that is told of peers. */
#ifndef TESTS_UNIT_REGISTRY_ADMIN_FIXTURE_H
#define TESTS_UNIT_REGISTRY_ADMIN_FIXTURE_H

#include "common/ctl.h"
#include "relay-registry/token.h"
#include "tests/unit/registry_fixture.h"

extern struct registry	*r;
extern char		 bearer[64];

/* As the header shows it; of the name that has admin rights by default. */
void	make_token(char *, size_t);
void	make_token_of(const char *, char *, size_t);
void	setup(void);
void	teardown(void);
struct peer_request	request_of(enum peer_op, const char *);
void	http(const char *, const struct peer_request *);
/* The answer of HTTP: status, and text that is in it. */
void	answers(uint16_t, const char *);
void	http_add(const char *, uint16_t, const char *);

#endif
