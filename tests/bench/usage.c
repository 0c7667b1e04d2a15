/* SPDX-License-Identifier: ISC */
/* What a server costs: CPU time and memory of a set of processes. */

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/usage.h"

uint64_t
usage_now_ns(void)
{
	struct timespec	 ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ((uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec);
}

static void
add_pid(struct usage *u, pid_t pid)
{
	size_t	 i;

	for (i = 0; i < u->n; i++)
		if (u->pids[i] == pid)
			return;
	if (u->n < USAGE_PIDS)
		u->pids[u->n++] = pid;
}

/* Parent of a process, or -1. */
static pid_t
parent_of(const char *name)
{
	char	 path[64], line[512], *p;
	FILE	*f;
	long	 ppid = -1;

	snprintf(path, sizeof(path), "/proc/%.16s/stat", name);
	if ((f = fopen(path, "r")) == NULL)
		return (-1);
	/* The name in parentheses may hold anything: look from its end. */
	if (fgets(line, sizeof(line), f) != NULL &&
	    (p = strrchr(line, ')')) != NULL && strlen(p) > 4)
		ppid = strtol(p + 4, NULL, 10);
	fclose(f);
	return ((pid_t)ppid);
}

static void
add_children(struct usage *u, pid_t pid)
{
	struct dirent	*e;
	DIR		*d;

	add_pid(u, pid);
	if ((d = opendir("/proc")) == NULL)
		return;
	while ((e = readdir(d)) != NULL)
		if (isdigit((unsigned char)e->d_name[0]) &&
		    parent_of(e->d_name) == pid)
			add_children(u, (pid_t)strtol(e->d_name, NULL, 10));
	closedir(d);
}

int
usage_pids(struct usage *u, const char *list)
{
	char	*end;
	long	 pid;

	do {
		pid = strtol(list, &end, 10);
		if (pid <= 0 || (*end != ',' && *end != '\0'))
			return (-1);
		add_children(u, (pid_t)pid);
		list = end + 1;
	} while (*end == ',');
	return (0);
}

uint64_t
usage_cpu_ns(const struct usage *u)
{
	struct timespec	 ts;
	clockid_t	 id;
	uint64_t	 sum = 0;
	size_t		 i;

	for (i = 0; i < u->n; i++)
		if (clock_getcpuclockid(u->pids[i], &id) == 0 &&
		    clock_gettime(id, &ts) == 0)
			sum += (uint64_t)ts.tv_sec * 1000000000U +
			    (uint64_t)ts.tv_nsec;
	return (sum);
}

long
usage_rss_kb(const struct usage *u)
{
	char	 path[64], line[256];
	FILE	*f;
	long	 sum = 0;
	size_t	 i;

	for (i = 0; i < u->n; i++) {
		snprintf(path, sizeof(path), "/proc/%ld/status",
		    (long)u->pids[i]);
		if ((f = fopen(path, "r")) == NULL)
			continue;
		while (fgets(line, sizeof(line), f) != NULL)
			if (strncmp(line, "VmRSS:", 6) == 0)
				sum += strtol(line + 6, NULL, 10);
		fclose(f);
	}
	return (sum);
}
