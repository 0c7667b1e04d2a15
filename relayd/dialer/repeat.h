/* SPDX-License-Identifier: ISC */
/*
 * Failures that repeat: a Main that is away for hours is dialled each minute,
 * and the log need not say so each time.  Pure.
 */
#ifndef DIALER_REPEAT_H
#define DIALER_REPEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/monotime.h"

#define REPEAT_TEXT	128	/* bytes of a failure that tell it from others */

/* All zero: nothing has failed. */
struct repeat {
	char		text[REPEAT_TEXT];
	uint32_t	n;		/* failures with this text */
	struct monotime	told;
};

/*
 * It failed with this text.  Returns how many times it has so far if that is
 * to be logged, as it is for another text than before and each
 * LIMIT_REPEAT_MS, else 0.
 */
uint32_t	repeat_failed(struct repeat *, const char *, struct monotime);
/* It has failed again and again, in a way that begins with this text. */
bool		repeat_goes_on(const struct repeat *, const char *);
/* It works: whatever fails next is news. */
void		repeat_clear(struct repeat *);

#endif
