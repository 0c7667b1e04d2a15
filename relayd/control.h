/* SPDX-License-Identifier: ISC */
/* The control socket's clients, and what they have asked of the children. */
#ifndef RELAYD_CONTROL_H
#define RELAYD_CONTROL_H

#include "relayd/relayd.h"

struct ctl_client {
	LIST_ENTRY(ctl_client)	 entry;
	struct relayd		*rd;
	struct channel		*ch;
	uid_t			 uid;
	pid_t			 pid;
	unsigned int		 jobs;
};

/* A question that was passed on to children. */
struct ctl_job {
	LIST_ENTRY(ctl_job)	 entry;
	struct ctl_client	*client;
	uint64_t		 id;		/* the children know it by */
	uint64_t		 request;	/* the client's own */
	unsigned int		 waiting;	/* PROC_BIT()s */
	bool			 call;		/* ends with CTL_RESULT */
	bool			 command;	/* one process does it or not */
	struct event		*timer;
};

struct control {
	LIST_HEAD(, ctl_client)	 clients;
	LIST_HEAD(, ctl_job)	 jobs;
	struct id64		 ids;
	char			*path;
	int			 fd;
	struct event		*accept_ev;
	struct event		*pause_timer;
};

/* control.c */
/* Close a client and forget its jobs; never from its own handlers. */
void	 ctl_client_free(struct ctl_client *);

/* ctl_job.c */
/*
 * A question of a client, with the limit of an answer; nobody is waited for
 * yet.  NULL and an answer if there are too many.
 */
struct ctl_job *ctl_job_new(struct ctl_client *, uint64_t, int64_t);
void	 ctl_job_free(struct ctl_job *);
/* One process has answered or never will; the last one ends the job. */
void	 ctl_job_done_by(struct ctl_job *, enum proc_id, enum ctl_status,
	    const char *);
/* One process has no part in the answer; the last one ends the job. */
void	 ctl_job_fail(struct ctl_job *, enum proc_id, const char *);

/* ctl_ask.c: handlers of what a client asks of the children. */
void	 ctl_on_show(void *, struct channel *, struct wire_get *, int);
void	 ctl_on_call(void *, struct channel *, struct wire_get *, int);
void	 ctl_on_explain(void *, struct channel *, struct wire_get *, int);

/* ctl_registry.c: the same, of what the registry does. */
void	 ctl_on_peer(void *, struct channel *, struct wire_get *, int);
void	 ctl_on_token(void *, struct channel *, struct wire_get *, int);
void	 ctl_on_node(void *, struct channel *, struct wire_get *, int);
void	 ctl_on_audit(void *, struct channel *, struct wire_get *, int);

#endif
