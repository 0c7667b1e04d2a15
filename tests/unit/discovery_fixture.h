/* SPDX-License-Identifier: ISC */
/* What was read last, and what is written. */
#ifndef TESTS_UNIT_DISCOVERY_FIXTURE_H
#define TESTS_UNIT_DISCOVERY_FIXTURE_H

#include "relay-router/discovery.h"
#include "relay-router/service_json.h"

#define PLACE	"\"epoch\":\"00000000000000a1\",\"seq\":7"
#define MAIN	"relay-b.example.com"

extern struct discovery	 got;
extern struct text	 text;
extern const char	*why;

void	setup(void);
void	teardown(void);
bool	read_span(struct span);
/* Walks the rows to the end or the first bad one; returns how many. */
int	walk(struct discovery_rows *);
bool	read_nodes(bool, const char *);
int	with_services(int, int, int);

#endif
