/* SPDX-License-Identifier: ISC */
/* See backoff.h. */
#include "common/backoff.h"

void
backoff_init(struct backoff *b, uint32_t min_ms, uint32_t max_ms,
    uint32_t stable_ms)
{
	b->min_ms = min_ms;
	b->max_ms = max_ms;
	b->stable_ms = stable_ms;
	b->failures = 0;
}

void
backoff_reset(struct backoff *b)
{
	b->failures = 0;
}

void
backoff_held(struct backoff *b, int64_t held_ms)
{
	if (held_ms >= (int64_t)b->stable_ms)
		b->failures = 0;
}

uint32_t
backoff_bound_ms(const struct backoff *b)
{
	uint64_t bound;

	/* After 32 doublings any min_ms is over any max_ms. */
	if (b->failures >= 32)
		return (b->max_ms);
	bound = (uint64_t)b->min_ms << b->failures;
	return (bound < b->max_ms ? (uint32_t)bound : b->max_ms);
}

uint32_t
backoff_next_ms(struct backoff *b, uint32_t random)
{
	uint64_t bound = backoff_bound_ms(b);

	if (b->failures < 32)
		b->failures++;
	return ((uint32_t)((bound + 1) * random >> 32));
}
