/* SPDX-License-Identifier: ISC */
/* The two clocks: monotonic for decisions, the wall clock for people. */
#include <stdio.h>
#include <time.h>

#include "common/monotime.h"

struct monotime
monotime_now(void)
{
	struct timespec ts;
	struct monotime t;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	t.ms = (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
	return (t);
}

int64_t
monotime_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000);
}

void
wallclock_rfc3339(char *buf, size_t len)
{
	struct timespec ts;
	struct tm tm;
	char date[32];

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf, len, "%s.%03ldZ", date, ts.tv_nsec / 1000000);
}
