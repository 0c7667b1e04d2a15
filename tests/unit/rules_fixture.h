/* SPDX-License-Identifier: ISC */
/* Rules, and questions to them. */
#ifndef TESTS_UNIT_RULES_FIXTURE_H
#define TESTS_UNIT_RULES_FIXTURE_H

#include "common/policy.h"

extern struct policy p;
extern const struct policy_rule *decided;	/* by allows() */

void	rules_setup(void);
void	rules_teardown(void);

/* A rule about everything of an action, with its line as its number. */
struct policy_rule rule(bool, enum policy_action, enum policy_who,
	    const char *);
void	add(struct policy_rule);
/* (allow|deny) call from who service s method m */
void	call_rule(bool, enum policy_who, const char *, const char *,
	    const char *);

/* Somebody, of a Main, calls a method of a service of bob. */
struct policy_ask ask_call(enum policy_who, const char *, const char *,
	    const char *, const char *);
bool	allows(struct policy_ask);

#endif
