/* SPDX-License-Identifier: ISC */
/* A process of the simulation: the struct child of common/child.h. */
#ifndef TESTS_SIM_CHILD_H
#define TESTS_SIM_CHILD_H

#include <bsd/sys/queue.h>

#include "common/child.h"
#include "common/proc.h"
#include "tests/sim/sim.h"

struct node;

/* libevent's, as far as the programs use it. */
struct event_base {
	struct child		*child;
	LIST_HEAD(, event)	 events;
};

struct child {
	struct node		*node;
	enum proc_id		 id;
	const struct child_ops	*ops;
	void			*ctx;
	struct event_base	 base;
	struct channel		*ch[PROC_MAX];	/* the parent's also */
	bool			 alive;
	bool			 running;	/* committed once */
	bool			 staged;	/* there is one to commit */
	uint32_t		 generation, next;
	int64_t			 stalled_us;	/* does nothing until then */
	struct timer		 commit;
};


/* What child_run() was called with; programs beside the simulator's own. */
const struct child_ops *program_ops(enum proc_id);

/* A process of a node, initialised, without channels. */
struct child	*child_new(struct node *, enum proc_id,
		    const struct child_ops *, void *);
/* As kill -9: its ends of all channels close, its timers are gone. */
void		 child_kill(struct child *);
/* Connects two processes; tells those that run. */
void		 child_connect(struct child *, struct child *);
/* The channel to that process is of no more use: the frame's part of it. */
void		 child_drop(struct child *, enum proc_id);
/* A message of the configuration, to its handler. */
void		 child_feed(struct child *, enum msg_type,
		    const struct wire_put *);
/* Stages what the function feeds, and commits it so much later. */
void		 child_configure(struct child *, uint32_t,
		    void (*)(struct child *), int64_t);
/* A COMMIT that is on its way comes before what is sent behind it. */
void		 child_commit_now(struct child *);
void		 child_stall(struct child *, int64_t);

/* --- channel.c --- */

/* Both ends of a new channel. */
void	channel_connect(struct child *, struct child *);
/*
 * Takes what is committed to this channel instead of its queue, as long as
 * the function is not NULL.
 */
typedef void (*channel_taker)(void *, enum msg_type, struct wire_get *);
void	channel_take(struct channel *, channel_taker, void *);
/* An fd that stands for a connection of the simulated network, and back. */
int	fd_of(void *);
void	*fd_take(int);

/* --- spy: who wants to see what a process is told --- */
typedef void (*channel_spy)(struct child *, enum proc_id, enum msg_type,
    const uint8_t *, size_t);
extern channel_spy	channel_spied;

#endif
