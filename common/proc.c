/* SPDX-License-Identifier: ISC */
/* Names and trust ranks of the processes. */
#include "common/proc.h"

static const struct {
	const char	*name;
	int		 trust;
} procs[PROC_MAX] = {
	[PROC_PARENT] = { "parent", 7 },
	[PROC_REGISTRY] = { "registry", 6 },
	[PROC_KEEPER] = { "keeper", 5 },
	[PROC_ROUTER] = { "router", 4 },
	[PROC_BACKEND] = { "backend", 3 },
	[PROC_DIALER] = { "dialer", 2 },
	[PROC_FRONTEND] = { "frontend", 1 },
	[PROC_CTL] = { "ctl", 0 },
};

const char *
proc_name(enum proc_id id)
{
	if ((unsigned int)id >= PROC_MAX)
		return ("unknown");
	return (procs[id].name);
}

const char *
role_name(enum node_role role)
{
	return (role == ROLE_MAIN ? "main" : "home");
}

int
proc_trust(enum proc_id id)
{
	if ((unsigned int)id >= PROC_MAX)
		return (-1);
	return (procs[id].trust);
}
