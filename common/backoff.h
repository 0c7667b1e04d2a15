/* SPDX-License-Identifier: ISC */
/*
 * How long to wait before the next try: exponential with full jitter, so that
 * many that failed together do not return together.  Pure: the random number
 * and the time it held are passed in.
 */
#ifndef COMMON_BACKOFF_H
#define COMMON_BACKOFF_H

#include <stdint.h>

struct backoff {
	uint32_t	 min_ms;	/* upper bound of the first delay */
	uint32_t	 max_ms;	/* upper bound of every delay */
	uint32_t	 stable_ms;	/* held this long: start over */
	uint32_t	 failures;	/* in a row */
};

/* Start with no failures; min_ms is at least 1 and at most max_ms. */
void		 backoff_init(struct backoff *, uint32_t, uint32_t, uint32_t);
/* Forget the failures. */
void		 backoff_reset(struct backoff *);
/* It ended after it had held for held_ms; forgets if that was long enough. */
void		 backoff_held(struct backoff *, int64_t);
/* Upper bound of the next delay, in ms. */
uint32_t	 backoff_bound_ms(const struct backoff *);
/*
 * Count one failure and return the delay before the next try, in ms: evenly
 * spread over 0 to the bound by random, which is uniform over 32 bits.
 */
uint32_t	 backoff_next_ms(struct backoff *, uint32_t);

#endif
