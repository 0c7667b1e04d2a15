/* SPDX-License-Identifier: ISC */
/* Rules for the router in a test, and what it tells of denials. */
#ifndef TESTS_UNIT_POLICY_FIXTURE_H
#define TESTS_UNIT_POLICY_FIXTURE_H

#include "tests/unit/router_calls.h"

/*
 * A new configuration with these rules, one a line and of simple words, as
 * "deny call from home alice.h to main m service s method m visibility main"
 */
void		 fix_rules(const char *);

/* A POLICY_DENIED that was sent and not looked at; NULL if there is none. */
struct denial {
	uint32_t	 more;
	char		 caller[1024], target[1024], method[1024], rule[1024];
};
struct denial	*fix_denial(void);

/* The link gets an error: FORBIDDEN at that stage, and nothing went on. */
void		 fix_forbidden(uint64_t, const char *);

/* CTL_EXPLAIN; the rows of a section that have all three texts. */
unsigned int	 fix_explain(const char *, const char *, const char *);
unsigned int	 fix_rows(const char *, const char *, const char *,
		    const char *);

#endif
