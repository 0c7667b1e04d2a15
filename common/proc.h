/* SPDX-License-Identifier: ISC */
/*
 * The processes of relayd and how far each is trusted (DESIGN.md, "Error
 * policy by trust").
 */
#ifndef COMMON_PROC_H
#define COMMON_PROC_H

enum proc_id {
	PROC_PARENT,
	PROC_FRONTEND,
	PROC_DIALER,
	PROC_BACKEND,
	PROC_ROUTER,
	PROC_REGISTRY,
	PROC_KEEPER,
	PROC_CTL,		/* a client of the control socket */
	PROC_MAX
};

#define PROC_BIT(p)	(1U << (p))

enum node_role { ROLE_MAIN = 1, ROLE_HOME = 2 };

/*
 * Short name as it stands in logs, titles and tables ("frontend"), or
 * "unknown" for a number outside the enum.  Static storage.
 */
const char	*proc_name(enum proc_id);

/* "main" or "home".  Static storage. */
const char	*role_name(enum node_role);

/*
 * Rank of trust: the higher may kill the lower, never the other way.
 * parent > registry > keeper > router > backend > dialer > frontend > ctl client.
 */
int		 proc_trust(enum proc_id);

#endif
