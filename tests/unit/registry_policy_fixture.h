/* SPDX-License-Identifier: ISC */
/* Rules, and homes whose services they are about. */
#ifndef TESTS_UNIT_REGISTRY_POLICY_FIXTURE_H
#define TESTS_UNIT_REGISTRY_POLICY_FIXTURE_H

#include "common/policy.h"
#include "tests/unit/registry_case.h"

extern const char *const	wiki_and_blog[2];

/* A rule at the next line, to be changed and added. */
struct policy_rule	fx_new_rule(bool, enum policy_action, enum policy_who,
			    const char *, const char *);
void	fx_add_rule(const struct policy_rule *);
/* One more rule: whether it allows, what, who, from and the service. */
void	fx_rule(bool, enum policy_action, enum policy_who, const char *,
	    const char *);
/* The same for calls: whether, who, from, to (a home), service and method. */
void	fx_call_rule(bool, enum policy_who, const char *, const char *,
	    const char *, const char *);
/* The rules that were added are in force; the next ones are others. */
void	fx_rules(void);

/* The home of that name is there, from elsewhere. */
void	fx_open_home(uint64_t, const char *);
/*
 * It registers these services; what is said of the one of that index, until
 * the next call, or NULL.
 */
const char	*fx_verdict(uint64_t, const char *const *, size_t, size_t);

#endif
