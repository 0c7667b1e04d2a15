/* SPDX-License-Identifier: ISC */
/*
 * The privileged parent: configuration, listeners, supervision, services and
 * the control socket.  It never reads a byte that came from the network.
 */
#ifndef RELAYD_RELAYD_H
#define RELAYD_RELAYD_H

#include <sys/types.h>

#include <bsd/sys/queue.h>

#include <event2/event.h>

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/backoff.h"
#include "common/channel.h"
#include "common/ctl.h"
#include "common/id64.h"
#include "common/limits.h"
#include "common/monotime.h"
#include "common/proc.h"
#include "relayd/conf.h"
#include "relayd/peers.h"

#define CHILD_FIRST	PROC_FRONTEND
#define CHILD_LAST	PROC_KEEPER

struct relayd;
struct ctl_client;

/* --- child processes --- */

enum child_state {
	CHILD_UNUSED,		/* this role does not have it */
	CHILD_DOWN,		/* no process; maybe its timer runs */
	CHILD_HELLO,		/* started, HELLO_ACK is awaited */
	CHILD_SETUP,		/* has its channels, SETUP_DONE is awaited */
	CHILD_IDLE,		/* set up, and nothing is in force yet */
	CHILD_CONF,		/* respawned, CONF_READY is awaited */
	CHILD_RUN,
	CHILD_STOPPING,		/* SHUTDOWN was sent, or it ends by itself */
	CHILD_KILLED		/* SIGKILL was sent, not reaped yet */
};

struct child {
	struct relayd		*rd;
	enum proc_id		 id;
	enum child_state	 state;	/* written by child_set_state() only */
	char			 program[PATH_MAX];	/* to exec */
	pid_t			 pid;	/* 0: none */
	uid_t			 uid;	/* it runs as */
	struct channel		*ch;	/* NULL: none */
	struct event		*timer;	/* set-up limit or respawn, by state */
	struct monotime		 since;	/* of the process's start */
	struct backoff		 backoff;
	struct monotime		 deaths[LIMIT_RESPAWN_CRASHES];	/* a ring */
	uint32_t		 crashes;	/* all that were put in there */
	uint32_t		 restarts;
	bool			 unfit;	/* is killed as it cannot be configured */
	bool			 asked;	/* a WATCHDOG is not answered */
	uint32_t		 seq;	/* of the last WATCHDOG */
	struct monotime		 asked_at;
	char			 killed_for[512];
	char			 last_exit[600];
	char			 sandbox[1024];	/* report of HELLO_ACK */
};

/* --- listeners --- */

struct listener {
	const struct conf_listener *conf;
	int			 fd;
	bool			 fresh;	/* not taken over from before */
	char			 bound[160];	/* address, with its real port */
};

struct listeners {
	struct listener	*list;
	size_t		 count;
};

/* --- accounts --- */

/* Who a process becomes; uid (uid_t)-1 keeps the caller's. */
struct ids {
	uid_t		 uid;
	gid_t		 gid;
};

/* --- exec services --- */

struct instance {
	TAILQ_ENTRY(instance)	 entry;
	struct relayd		*rd;
	const struct conf_service *svc;	/* NULL: it is no longer wanted */
	uint32_t		 number;
	char			 name[LIMIT_SERVICE_NAME + 16];
	pid_t			 pid;	/* 0: none */
	uid_t			 uid;
	bool			 stopping;	/* SIGTERM was sent */
	bool			 again;	/* start at once when it is gone */
	struct event		*timer;	/* to kill it, or to start it */
	struct monotime		 since;
	struct backoff		 backoff;
	uint32_t		 restarts;
	char			 last_exit[128];
};

/* --- a change of configuration, from reading it to COMMIT or ABORT --- */

enum change_state {
	CHANGE_NONE,
	CHANGE_WAIT,		/* until every child is ready to be asked */
	CHANGE_SENT		/* until every child has answered */
};

struct change {
	enum change_state	 state;
	struct conf		*conf;	/* that in force: peers or files change */
	struct listeners	 listeners;
	struct peers		 peers;
	struct conf_errors	 errs;
	uint32_t		 generation;
	uint64_t		 files;		/* files_mark() as it was sent */
	unsigned int		 sent;		/* PROC_BIT()s */
	unsigned int		 ready;		/* PROC_BIT()s */
	struct event		*timer;
	struct ctl_client	*client;	/* who asked, or NULL */
	uint64_t		 request;
	bool			 rejected;	/* by a child */
	unsigned int		 failures; /* in a row, of peers' changes */
	bool			 repeat;	/* a reload was asked for */
	struct ctl_client	*next_client;	/* by whom, or NULL */
	uint64_t		 next_request;
};

/* --- the orderly stop --- */

enum stop_stage {
	STOP_NONE,
	STOP_DRAIN,		/* the router finishes calls */
	STOP_EDGE,		/* dialer and front-end */
	STOP_CORE,		/* router, backend and services */
	STOP_REGISTRY,
	STOP_DONE
};

struct stop {
	enum stop_stage	 stage;
	int		 status;	/* of the process */
	struct event	*timer;
};

struct options {
	bool		 foreground;
	bool		 verbose;
	bool		 check;
	const char	*conf_file;	/* absolute, or "-" */
	char		 cwd[LIMIT_CONF_STRING];
	const char	**macros;
	size_t		 nmacros;
};

struct relayd {
	struct options		 opt;
	struct event_base	*base;
	bool			 root;
	char			 registry_dir[LIMIT_CONF_STRING];
	int			 registry_lock;	/* open as long as we run */
	struct ids		 ids[CONF_ACCOUNT_COUNT];
	struct monotime		 started;
	int			 start_fd;	/* to the waiting caller, or -1 */
	int			 notify_fd;	/* to the service manager, or -1 */
	uint64_t		 nofile;	/* soft limit we were given */

	struct conf		*conf;		/* in force, NULL at start */
	struct listeners	 listeners;
	struct peers		 peers;
	uint32_t		 generation;	/* in force; 0 at start */
	uint64_t		 files;		/* files_mark() of it */
	struct peers		 former_peers;	/* of the generation before */
	uint32_t		 former_generation;
	char			*former_joins[LIMIT_UPLINKS]; /* its files */
	struct peers		 added;		/* at run time, as wanted */
	uint32_t		 last_generation; /* highest one tried */
	bool			 verbose;	/* of the log, now */

	struct child		 children[PROC_MAX];
	TAILQ_HEAD(, instance)	 instances;
	struct change		 change;
	struct stop		 stop;
	struct event		*watchdog;
	struct control		*control;
	struct event		*signals[4];
};

/* account.c */
/*
 * Look up every account this configuration needs.  False with the reasons
 * appended to the errors.  Without root it does nothing.
 */
bool	 accounts_resolve(struct relayd *, const struct conf *, struct ids *,
	    struct conf_errors *);
/* One account; returns NULL or a constant text that says why not. */
const char *account_lookup(const struct conf_account *, struct ids *);

/* children.c */
/* The processes of a role, as PROC_BIT()s. */
unsigned int child_set(enum node_role);
/* Fork and exec it, and say HELLO.  -1 and a log line if that fails. */
int	 child_start(struct child *);
/* Channels to its neighbours that are there, then SETUP_END. */
void	 child_connect(struct child *);
/* Find the program of each child; false with the reasons appended. */
bool	 programs_find(struct relayd *, const struct conf *,
	    struct conf_errors *);

/* conffile.c */
/* Read and parse the configuration file; NULL with errors. */
struct conf *conf_read(struct relayd *, struct conf_errors *);
/* Append an error at a position. */
void	 complain(struct conf_errors *, const struct conf_pos *,
	    const char *, ...) __attribute__((format(printf, 3, 4)));
/* Write each complaint to the log. */
void	 complaints_log(const struct conf_errors *);

/* confsend.c */
/*
 * Send all messages of one generation to a child, BEGIN to END.  False with
 * the reason, and without a message, if a file for it cannot be opened.
 */
bool	 conf_send(struct child *, const struct conf *,
	    const struct listeners *, const struct peers *, uint32_t, char *,
	    size_t);

/* control.c */
/* Bind the control socket.  False with the reason appended. */
bool	 control_open(struct relayd *, const struct conf *,
	    struct conf_errors *);
/* Close it and every client, and remove the socket file. */
void	 control_close(struct relayd *);
/* The answer to a reload: the complaints, then the end. */
void	 control_reload_done(struct relayd *, struct ctl_client *, uint64_t,
	    const struct conf_errors *, enum ctl_status, const char *);

/* ctl_job.c */
/* No answer will come from it any more. */
void	 control_child_gone(struct relayd *, enum proc_id);
/* Answers of children, to be passed on. */
void	 control_row(void *, struct channel *, struct wire_get *, int);
void	 control_end(void *, struct channel *, struct wire_get *, int);
void	 control_result(void *, struct channel *, struct wire_get *, int);

/* show.c */
/* Write the parent's own rows. */
void	 show_own(struct relayd *, struct channel *, uint64_t, enum ctl_show);
/* Name of a state as tables show it. */
const char *child_state_name(enum child_state);

/* dirs.c */
/*
 * Create and check the directories for the control socket, for chroots and
 * for the registry.  False with reasons appended to the errors.
 */
bool	 dirs_prepare(struct relayd *, const struct conf *,
	    struct conf_errors *);
#define EMPTY_DIR	RUN_DIR "/empty"

/* files.c; the rest of it is in files.h */
/* A configuration goes out of force: its join files may still be reported. */
void	 joins_remember(struct relayd *, const struct conf *);
/* The registry says that the one-time secret of an uplink is used up. */
void	 joins_on_joined(void *, struct channel *, struct wire_get *, int);

/* harden.c */
/* Give up for ever what neither the parent nor its children need. */
void	 harden(struct relayd *);
/* What of it is in force, as the kernel says, for show sandbox. */
void	 harden_report(char *, size_t);

/* listen.c */
/*
 * Bind the listeners of a configuration; those that are in old are taken over.
 * False with reasons appended to the errors; then nothing is left open.
 */
bool	 listeners_open(const struct conf *, const struct listeners *,
	    struct listeners *, struct conf_errors *);
/*
 * Close them.  Unix sockets that keep does not have are removed from the
 * file system; keep may be NULL.
 */
void	 listeners_close(struct listeners *, const struct listeners *);
/*
 * Bind a unix socket with this mode; a file left by a process that is gone
 * is replaced.  Returns the fd, or -1 with errno (EADDRINUSE: in use).
 */
int	 listen_unix(const char *, mode_t, int);

/* keycheck.c */
/*
 * Have a keeper look at the keys of a configuration that is only checked;
 * standard error tells if that cannot be.  False with the reason appended.
 */
bool	 keys_check(struct relayd *, struct conf *, struct conf_errors *);

/* main.c */
/* The first configuration is in force: tell who waits for it. */
void	 start_done(struct relayd *);
/* The start failed; text goes to who waits for it and to the log. */
void	 start_failed(struct relayd *, const struct conf_errors *,
	    const char *);

/* peer_relay.c */
/* Messages of the registry and the dialer about peers. */
void	 peers_on_add(void *, struct channel *, struct wire_get *, int);
void	 peers_on_delete(void *, struct channel *, struct wire_get *, int);
void	 peers_on_dial(void *, struct channel *, struct wire_get *, int);
void	 peers_on_state(void *, struct channel *, struct wire_get *, int);
/* It runs again: tell it what was said about peers before. */
void	 peers_child_up(struct child *);
/* Begin a change if other peers are wanted than those in force. */
void	 peers_apply(struct relayd *);
/* These are in force now and belong to relayd. */
void	 peers_commit(struct relayd *, struct peers *);
/* A child rejects what was added: want again what is in force. */
void	 peers_revert(struct relayd *);
/* A warning for each of them that is said in the clear. */
void	 peers_log_insecure(const struct peers *);

/* reload.c */
/*
 * Read the file again and apply it; client may be NULL.  While a change is
 * under way this waits for its end.
 */
void	 reload(struct relayd *, struct ctl_client *, uint64_t);
/* Why a client's reload cannot even wait, or NULL. */
const char *reload_refusal(const struct relayd *);
/*
 * Apply this configuration, which is the change's from now on.  The one that
 * is in force stays what it is: then it is about added peers or files only.
 */
void	 change_begin(struct relayd *, struct conf *);
/*
 * A child runs again.  If it may have read other certificates or keys than
 * its neighbours have, all read them again.
 */
void	 change_files(struct child *);
/* A child reached a state in which it can be asked. */
void	 change_advance(struct relayd *);
void	 change_answer(struct child *, uint32_t, const char *);
void	 change_child_gone(struct child *);
/* Drop a change that is under way, with the reason. */
void	 change_cancel(struct relayd *, const char *);
/* Its requester is gone. */
void	 change_forget_client(struct relayd *, const struct ctl_client *);

/* sdnotify.c */
/* Socket to the service manager of $NOTIFY_SOCKET, or -1. */
int	 sdnotify_open(void);
/* Send a state; nothing happens without a socket. */
void	 sdnotify(int, const char *, ...)
	    __attribute__((format(printf, 2, 3)));
/* RELOADING=1 with the time it needs. */
void	 sdnotify_reloading(int);
/* Half of $WATCHDOG_USEC in ms, or 0 without. */
uint32_t sdnotify_watchdog_ms(void);

/* services.c */
/*
 * Bring the running services in line with the configuration in force: equal
 * ones keep running, and the backend knows them by value as well.  Must come
 * before the former configuration is freed.
 */
void	 services_apply(struct relayd *);
/* The backend is up again; it knows nothing of any instance. */
void	 services_backend_up(struct relayd *);
void	 services_backend_gone(struct relayd *);
/* SIGTERM to all, SIGKILL later; and whether any is left. */
void	 services_stop(struct relayd *);
bool	 services_left(const struct relayd *);
void	 services_kill(struct relayd *);
/* This is the process of a service. */
bool	 services_has(struct relayd *, pid_t);
/* A process ended; true if it was a service's. */
bool	 services_reaped(struct relayd *, pid_t, const char *);
void	 services_on_restart(void *, struct channel *, struct wire_get *, int);
void	 services_on_connect(void *, struct channel *, struct wire_get *, int);

/* spawn.c */
/*
 * fork(2) with every signal blocked in the child until plain_signals(): a
 * handler of ours would tell the parent's event loop what was for the child.
 */
pid_t	 fork_blocked(void);
/* All signals as a program expects them: by default, and none blocked. */
void	 plain_signals(void);
/*
 * Fork and exec an instance.  Returns 0 with its pid set and the fds for the
 * backend: its stdin and stdout, its stderr.  Or -1 and a log line.
 */
int	 instance_spawn(struct instance *, int *, int *);

/* stop.c */
/* Stop in order and exit with this status; the first call counts. */
void	 stop_begin(struct relayd *, int, const char *);
/* Something ended, or the router has drained. */
void	 stop_progress(struct relayd *);
void	 stop_on_drained(void *, struct channel *, struct wire_get *, int);

/* supervise.c */
void	 children_init(struct relayd *, enum node_role);
void	 children_start(struct relayd *);
/* The one writer of a child's state. */
void	 child_set_state(struct child *, enum child_state);
/* Kill a child that broke a rule; it is reaped and respawned. */
void	 child_fail(struct child *, const char *, ...)
	    __attribute__((format(printf, 2, 3)));
/* Send CONF_COMMIT. */
void	 child_commit(struct child *, uint32_t);
/* Send SHUTDOWN; one that cannot hear it any more is killed. */
void	 child_shutdown(struct child *, uint32_t);
/* A process is behind it. */
bool	 child_alive(const struct child *);
/* It takes messages of configuration and control. */
bool	 child_listens(const struct child *);
/* Reap whatever ended (SIGCHLD). */
void	 children_reap(struct relayd *);
extern const struct channel_ops child_channel_ops;

/* timer.c */
/* A one-shot timer in ms on an event made by timer_new(). */
void	 timer_start(struct event *, int64_t);
struct event *timer_new(struct relayd *, event_callback_fn, void *);

/* watchdog.c */
/* Ask every child again and again; tell the service manager. */
void	 watchdog_start(struct relayd *);
/* Set how much this process and all children log. */
void	 set_log_level(struct relayd *, bool);

#endif
