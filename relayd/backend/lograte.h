/* SPDX-License-Identifier: ISC */
/*
 * How many lines one source may log: LIMIT_SERVICE_LOG_LINES within
 * LIMIT_SERVICE_LOG_MS; the rest is counted and the count is logged.  Pure.
 */
#ifndef BACKEND_LOGRATE_H
#define BACKEND_LOGRATE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/monotime.h"

/* All zero to begin with. */
struct lograte {
	struct monotime	since;		/* start of this window */
	uint32_t	lines;		/* logged in it */
	uint64_t	suppressed;	/* since the last line that was logged */
};

/*
 * May a line be logged now?  If so, *suppressed is how many were not since
 * the one before; the caller says it and they are forgotten.
 */
bool	lograte_allow(struct lograte *, struct monotime, uint64_t *);

#endif
