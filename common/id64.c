/* SPDX-License-Identifier: ISC */
/* See id64.h. */
#include <time.h>

#include "common/id64.h"

void
id64_init(struct id64 *c)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	c->next = (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
	if (c->next == 0)
		c->next = 1;
}
