/* SPDX-License-Identifier: ISC */
/* Folders to go into, and profiles. */
#ifndef TESTS_UNIT_SANDBOX_FIXTURE_H
#define TESTS_UNIT_SANDBOX_FIXTURE_H

#include <errno.h>

#include "tests/unit/sandbox_probe.h"

#define OUTCOME(expr)	((expr) == -1 ? errno : 0)

extern char dir[64], empty[80], inside[80], outside[80];
extern const struct sandbox_profile plain;
extern const struct sandbox_profile files;
extern const char *const net_calls[];
extern const struct sandbox_profile net;

void	setup(void);
void	teardown(void);
struct probe	probe_of(const struct sandbox_profile *, int);
int	nothing(void *);
int	open_as(const char *, int);
int	read_outside(void *);
int	is_other_uid(void *);
int	fork_fails(void *);

#endif
