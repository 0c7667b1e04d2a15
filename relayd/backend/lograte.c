/* SPDX-License-Identifier: ISC */
/* See lograte.h. */
#include "common/limits.h"
#include "relayd/backend/lograte.h"

bool
lograte_allow(struct lograte *r, struct monotime now, uint64_t *suppressed)
{
	if (monotime_diff_ms(now, r->since) >= LIMIT_SERVICE_LOG_MS) {
		r->since = now;
		r->lines = 0;
	}
	if (r->lines >= LIMIT_SERVICE_LOG_LINES) {
		r->suppressed++;
		return (false);
	}
	r->lines++;
	*suppressed = r->suppressed;
	r->suppressed = 0;
	return (true);
}
