/* SPDX-License-Identifier: ISC */
/* What the files of policy.h share: patterns.  Pure. */
#ifndef COMMON_POLICY_PRIV_H
#define COMMON_POLICY_PRIV_H

#include "common/policy.h"

/*
 * A pattern that was looked at once.  It points into the text it was made
 * from.  An exact one has no star and head is its length.
 */
struct pattern {
	const char	*p;
	uint16_t	 len;
	uint16_t	 head;		/* bytes before the first star */
	uint16_t	 tail;		/* bytes behind the last one */
	bool		 any;		/* matches everything */
	bool		 exact;
};

struct pattern	pattern_make(const char *, size_t);
/* Linear in the lengths of both. */
bool		pattern_match(const struct pattern *, struct span);
/*
 * True if the first matches all that the second does: exact for names of any
 * length over an alphabet with a byte that the first does not have.
 */
bool		pattern_covers(const struct pattern *, const struct pattern *);

/* A pattern for homes in two, or for all others with nothing behind. */
struct node_pattern {
	struct pattern	 id;
	struct pattern	 main;
	bool		 at;		/* of homes: has a main */
};

struct node_pattern	node_pattern_make(const char *, enum policy_who);
bool			node_pattern_covers(const struct node_pattern *,
			    const struct node_pattern *);

#endif
