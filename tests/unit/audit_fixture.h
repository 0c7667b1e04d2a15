/* SPDX-License-Identifier: ISC */
/* What a registry's audit log has. */
#ifndef TESTS_UNIT_AUDIT_FIXTURE_H
#define TESTS_UNIT_AUDIT_FIXTURE_H

#include "relay-registry/registry_impl.h"
#include "tests/unit/registry_fixture.h"

extern struct registry	*r;	/* main.example */

void	audit_setup(void);
void	audit_teardown(void);

struct seen {
	uint64_t	n, first, last;
	int64_t		event;
	char		subject[LIMIT_AUDIT_TEXT + 1];
	char		object[LIMIT_AUDIT_TEXT + 1];
	char		detail[LIMIT_AUDIT_TEXT + 1];
};

/* So many records before one (0: the end): the texts of the last of them. */
struct seen	page(uint64_t, uint32_t);
/* The last record of all. */
void		last_is(enum audit_event, const char *, const char *,
		    const char *);
/* How many there are of a kind, in the database. */
uint64_t	count_of(enum audit_event);
struct audit_check verify(void);
/* So many things that the operator does. */
void		note(unsigned int);
/* One record of a kind. */
void		event(enum audit_event, const char *, int64_t);

#endif
