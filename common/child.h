/* SPDX-License-Identifier: ISC */
/*
 * The frame every child process shares: fd 3 to the parent, HELLO with its
 * version check, sandbox, event loop, channels to its peers, configuration
 * in two phases, watchdog, log level, control requests, orderly end.
 */
#ifndef COMMON_CHILD_H
#define COMMON_CHILD_H

#include <event2/event.h>

#include <sys/types.h>

#include "common/channel.h"
#include "common/ctl.h"
#include "common/proc.h"
#include "common/sandbox.h"

#define CHILD_FD	3		/* the channel to the parent */

struct child;

struct child_ops {
	enum proc_id		 self;
	const struct sandbox_profile *profile;
	/*
	 * Handlers by message type, called with the child's ctx, for all
	 * but what this frame handles itself (HELLO to SETUP_DONE, CONF_BEGIN,
	 * CONF_END, CONF_COMMIT, CONF_ABORT, WATCHDOG, LOG_LEVEL, SHUTDOWN,
	 * CTL_SHOW).
	 */
	const channel_handler	*handlers;
	/* The event base is there, the sandbox is not yet: warm up. May be NULL. */
	void	(*init)(void *, struct child *);
	/* Configuration: start collecting a new one beside the one in force. */
	void	(*conf_begin)(void *, uint32_t);
	/*
	 * All of it has come.  Return true if it can be committed; else false
	 * with the reason.
	 */
	bool	(*conf_end)(void *, char *, size_t);
	/* Put it in force; on the first one the process starts its work. */
	void	(*conf_commit)(void *);
	/* Forget what was collected. */
	void	(*conf_abort)(void *);
	/* A channel to a peer is there and in phase RUN (after first commit). */
	void	(*peer_up)(void *, enum proc_id, struct channel *);
	/* It is gone; the parent will send a new one.  Freed after this. */
	void	(*peer_down)(void *, enum proc_id);
	/* A channel's queue has room again; may be NULL. */
	void	(*peer_drained)(void *, enum proc_id);
	/*
	 * End in order within grace_ms, then call child_exit(); NULL ends at
	 * once.
	 */
	void	(*shutdown)(void *, uint32_t);
	/*
	 * Answer CTL_SHOW_*: write rows with the request id to the channel; the
	 * frame writes CTL_END and the rows of CTL_SHOW_CHANNELS.
	 */
	void	(*show)(void *, struct channel *, uint64_t, enum ctl_show);
};

/*
 * Run a child to its end.  Never returns.  ctx goes to every callback.
 */
void	child_run(const struct child_ops *, void *)
	    __attribute__((noreturn));

struct event_base	*child_base(struct child *);
/* The directory of this process: "/" when in a chroot, else HELLO's dir. */
const char		*child_dir(struct child *);
/* The same directory as those outside of a chroot call it, for messages. */
const char		*child_outer_dir(struct child *);
enum node_role		 child_role(struct child *);
struct channel		*child_parent(struct child *);
/* The channel to a peer, or NULL while there is none. */
struct channel		*child_peer(struct child *, enum proc_id);
/* The generation in force; 0 before the first commit. */
uint32_t		 child_generation(struct child *);
/* Flush what is queued to the parent and end with status 0. */
void			 child_exit(struct child *) __attribute__((noreturn));

#endif
