/* SPDX-License-Identifier: ISC */
/*
 * Monotonic time as a type of its own, so that it cannot be mixed with a
 * clock time or a duration by accident.
 */
#ifndef COMMON_MONOTIME_H
#define COMMON_MONOTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct monotime {
	int64_t	ms;		/* since an arbitrary start */
};

/* The time now (CLOCK_MONOTONIC). */
struct monotime	 monotime_now(void);

/* The same clock in microseconds, to measure what is short. */
int64_t		 monotime_us(void);

/* RFC 3339 UTC of the wall clock with milliseconds, into at least 25 bytes. */
void		 wallclock_rfc3339(char *, size_t);

static inline struct monotime
monotime_add_ms(struct monotime t, int64_t ms)
{
	t.ms += ms;
	return (t);
}

/* a - b in milliseconds. */
static inline int64_t
monotime_diff_ms(struct monotime a, struct monotime b)
{
	return (a.ms - b.ms);
}

/* True if the deadline has been reached at now. */
static inline bool
monotime_reached(struct monotime deadline, struct monotime now)
{
	return (deadline.ms <= now.ms);
}

#endif
