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

/* It is this one, for a call, and the only one. */
void		 fix_denied(const char *caller, const char *target,
		    const char *rule);

/* alice.h calls; the ids go on, so that none is pending already. */
void		 fix_home_calls(const char *more);
/* The same from a.main for a source, by a routing path. */
void		 fix_peer_calls(const char *source, const char *path,
		    const char *more);
#define AH		FROM_A, "['ah','a.main']"
#define A_ITSELF	"'source_node':{'type':'main','id':'a.main'}", "['a.main']"
#define SVC		",'server_name':'svc'"
#define FAR		",'server_name':'far'"
/* It has gone on to that session, and nothing is denied. */
void		 fix_gone_to(uint64_t session);
/* The link gets an error: FORBIDDEN at that stage, and nothing went on. */
void		 fix_forbidden(uint64_t, const char *);

/* CTL_EXPLAIN; the rows of a section that have all three texts. */
unsigned int	 fix_explain(const char *, const char *, const char *);
unsigned int	 fix_rows(const char *, const char *, const char *,
		    const char *);

#endif
