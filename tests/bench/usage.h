/* SPDX-License-Identifier: ISC */
/* What a server costs: CPU time and memory of a set of processes. */
#ifndef BENCH_USAGE_H
#define BENCH_USAGE_H

#include <sys/types.h>

#include <stddef.h>
#include <stdint.h>

#define USAGE_PIDS	64

struct usage {
	pid_t	 pids[USAGE_PIDS];
	size_t	 n;
};

/*
 * Take a comma-separated list of process ids; each brings all its
 * descendants with it.  Returns 0, or -1 if it is no such list.
 */
int		 usage_pids(struct usage *, const char *);
/* User and system time of all threads of all of them so far, in ns. */
uint64_t	 usage_cpu_ns(const struct usage *);
/* Resident memory of all of them, in KiB. */
long		 usage_rss_kb(const struct usage *);
/* Monotonic time in ns. */
uint64_t	 usage_now_ns(void);

#endif
