/* SPDX-License-Identifier: ISC */
/*
 * 64-bit ids that are never reused, not even by a process that was restarted:
 * the counter starts at the microseconds of the wall clock, which no process
 * can outrun.
 */
#ifndef COMMON_ID64_H
#define COMMON_ID64_H

#include <stdint.h>

struct id64 {
	uint64_t	next;
};

/* Start a counter at the present time. */
void	id64_init(struct id64 *);

/* The next id; never 0, which means "none" everywhere. */
static inline uint64_t
id64_next(struct id64 *c)
{
	return (c->next++);
}

#endif
