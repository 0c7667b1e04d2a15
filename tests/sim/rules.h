/* SPDX-License-Identifier: ISC */
/*
 * Rules of the Mains, in some seeds: which services a Main tells another of,
 * which it takes in, and who may call them.
 */
#ifndef TESTS_SIM_RULES_H
#define TESTS_SIM_RULES_H

#include "common/policy.h"
#include "tests/sim/sim.h"

#define RULES_MAX	4	/* of a Main */

/* Of one service, and one Main or any. */
struct rule {
	bool			 allow;
	enum policy_action	 action;	/* export, import or call */
	enum policy_who		 who;		/* any, anonymous or main */
	unsigned int		 main;
	unsigned int		 service;
};

struct rules {
	struct rule	 r[RULES_MAX];
	unsigned int	 n;
	int64_t		 since_us;		/* when they were made */
};

struct child;
struct node;

/* True if Mains have rules under this seed. */
bool	rules_are_there(void);
/* Makes other rules, of which a process is told by the other. */
void	rules_choose(struct node *);
void	rules_feed(struct child *);
/* Whether a Main may know a service of another one's homes. */
bool	rules_tell(const struct node *, const struct node *, unsigned int);
/*
 * Whether a home or, anonymous, a client of a Main may call a service of a home
 * of a Main, which may be the same.
 */
bool	rules_call(const struct node *, const struct node *, unsigned int,
	    bool);
/* Whether a client of a Main is shown a service. */
bool	rules_show(const struct node *, unsigned int);
/* Both have had their rules since before that time. */
bool	rules_since(const struct node *, const struct node *, int64_t);

#endif
