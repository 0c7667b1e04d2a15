/* SPDX-License-Identifier: ISC */
/* Starting processes; one of an exec service gets nothing of ours. */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>
#include <bsd/unistd.h>

#include "common/log.h"
#include "relayd/relayd.h"

#define SERVICE_PATH	"PATH=/usr/local/bin:/usr/bin:/bin"

/* The message goes to the service's stderr, and so to the log. */
static void __attribute__((format(printf, 1, 2), noreturn))
give_up(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vdprintf(STDERR_FILENO, fmt, ap);
	va_end(ap);
	_exit(127);
}

pid_t
fork_blocked(void)
{
	sigset_t all, old;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	if ((pid = fork()) != 0)
		sigprocmask(SIG_SETMASK, &old, NULL);
	return (pid);
}

void
plain_signals(void)
{
	struct sigaction sa = { .sa_handler = SIG_DFL };
	sigset_t none;
	int sig;

	for (sig = 1; sig < NSIG; sig++)
		(void)sigaction(sig, &sa, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void
plain_limits(const struct relayd *rd)
{
	struct rlimit core = { 0, 0 }, nofile;

	(void)setrlimit(RLIMIT_CORE, &core);
	if (getrlimit(RLIMIT_NOFILE, &nofile) == 0) {
		nofile.rlim_cur = (rlim_t)rd->nofile;
		(void)setrlimit(RLIMIT_NOFILE, &nofile);
	}
}

static void
become(const struct instance *in, const struct ids *ids)
{
	const struct conf_account *user = in->svc->user;
	int rc;

	if (in->rd->root) {
		if (user == NULL)
			user = &in->rd->conf->accounts[CONF_ACCOUNT_SERVICE];
		if (user->name != NULL)
			rc = initgroups(user->name, ids->gid);
		else
			rc = setgroups(1, &ids->gid);
		if (rc == -1 || setresgid(ids->gid, ids->gid, ids->gid) ==
		    -1 || setresuid(ids->uid, ids->uid, ids->uid) == -1)
			give_up("cannot become uid %u: %s\n",
			    (unsigned int)ids->uid, strerror(errno));
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		give_up("no_new_privs: %s\n", strerror(errno));
	/* If we are killed: the next relayd starts one of its own. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0) == -1)
		give_up("death signal: %s\n", strerror(errno));
}

/* Its directory, or the root directory if it may not go there. */
static void
enter_directory(const struct conf_service *svc)
{
	if (chdir(svc->directory) == -1 && chdir("/") == -1)
		give_up("/: %s\n", strerror(errno));
}

/* In the new process: become the service.  Never returns. */
static void __attribute__((noreturn))
run_service(const struct instance *in, const struct ids *ids, int io, int err)
{
	char node[LIMIT_NODE_ID + 32], name[LIMIT_SERVICE_NAME + 32];
	char number[32];
	char *env[] = { (char *)(uintptr_t)SERVICE_PATH,
	    (char *)(uintptr_t)"HOME=/nonexistent", node, name, number, NULL };

	setsid();
	/* Out of the way first: io or err may be one of 0 to 2. */
	if ((io = fcntl(io, F_DUPFD, 3)) == -1 ||
	    (err = fcntl(err, F_DUPFD, 3)) == -1 ||
	    dup2(io, STDIN_FILENO) == -1 || dup2(io, STDOUT_FILENO) == -1 ||
	    dup2(err, STDERR_FILENO) == -1)
		_exit(127);
	closefrom(3);
	plain_signals();
	plain_limits(in->rd);
	umask(022);
	become(in, ids);
	enter_directory(in->svc);
	snprintf(node, sizeof(node), "RELAY_NODE_ID=%s",
	    in->rd->conf->node_id);
	snprintf(name, sizeof(name), "RELAY_SERVICE=%s", in->svc->def.name);
	snprintf(number, sizeof(number), "RELAY_INSTANCE=%u", in->number);
	execve(in->svc->argv[0], in->svc->argv, env);
	give_up("%s: %s\n", in->svc->argv[0], strerror(errno));
}

static const char *
service_ids(const struct instance *in, struct ids *ids)
{
	const struct relayd *rd = in->rd;

	if (!rd->root) {
		ids->uid = geteuid();
		ids->gid = getegid();
		return (NULL);
	}
	if (in->svc->user != NULL)
		return (account_lookup(in->svc->user, ids));
	*ids = rd->ids[CONF_ACCOUNT_SERVICE];
	return (ids->uid == (uid_t)-1 ? "no account for services" : NULL);
}

static void
close_pair(const int fds[2])
{
	close(fds[0]);
	close(fds[1]);
}

/* A stream for its stdin and stdout, a pipe for stderr; our ends are [0]. */
static int
make_fds(int io[2], int err[2])
{
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, io) == -1)
		return (-1);
	if (pipe2(err, O_CLOEXEC) == -1) {
		close_pair(io);
		return (-1);
	}
	/* Only our ends: the service's own would be shared with all it runs. */
	if (fcntl(io[0], F_SETFL, O_NONBLOCK) == -1 ||
	    fcntl(err[0], F_SETFL, O_NONBLOCK) == -1) {
		close_pair(io);
		close_pair(err);
		return (-1);
	}
	return (0);
}

int
instance_spawn(struct instance *in, int *io_fd, int *err_fd)
{
	int io[2], err[2];
	struct ids ids;
	const char *why;

	if ((why = service_ids(in, &ids)) != NULL) {
		log_err("service %s: %s", in->name, why);
		return (-1);
	}
	if (make_fds(io, err) == -1) {
		log_err("service %s: %s", in->name, strerror(errno));
		return (-1);
	}
	if ((in->pid = fork_blocked()) == -1) {
		log_err("service %s: fork: %s", in->name, strerror(errno));
		in->pid = 0;
		close_pair(io);
		close_pair(err);
		return (-1);
	}
	if (in->pid == 0)
		run_service(in, &ids, io[1], err[1]);
	close(io[1]);
	close(err[1]);
	in->uid = ids.uid;
	*io_fd = io[0];
	*err_fd = err[0];
	return (0);
}
