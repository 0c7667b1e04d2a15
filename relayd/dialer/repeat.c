/* SPDX-License-Identifier: ISC */
/* See repeat.h. */
#include <string.h>

#include <bsd/string.h>

#include "common/limits.h"
#include "relayd/dialer/repeat.h"

uint32_t
repeat_failed(struct repeat *r, const char *text, struct monotime now)
{
	if (r->n == 0 || strncmp(r->text, text, sizeof(r->text) - 1) != 0) {
		strlcpy(r->text, text, sizeof(r->text));
		r->n = 0;
		r->told = now;
	}
	if (r->n < UINT32_MAX)
		r->n++;
	if (r->n > 1 && monotime_diff_ms(now, r->told) < LIMIT_REPEAT_MS)
		return (0);
	r->told = now;
	return (r->n);
}

bool
repeat_goes_on(const struct repeat *r, const char *prefix)
{
	return (r->n > 1 && strncmp(r->text, prefix, strlen(prefix)) == 0);
}

void
repeat_clear(struct repeat *r)
{
	r->n = 0;
}
