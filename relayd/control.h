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
void	 ctl_job_free(struct ctl_job *);
/* Handlers of what a client asks of the children. */
void	 ctl_on_show(void *, struct channel *, struct wire_get *, int);
void	 ctl_on_call(void *, struct channel *, struct wire_get *, int);
void	 ctl_on_peer(void *, struct channel *, struct wire_get *, int);
void	 ctl_on_token(void *, struct channel *, struct wire_get *, int);

#endif
