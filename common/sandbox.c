/* SPDX-License-Identifier: ISC */
/*
 * The order in which a process gives up what it does not need, and the report
 * of what came of it (DESIGN.md, "Sandbox").
 *
 * Modes: `enforce` does everything.  `log` refuses no system call and no
 * path: the filter is loaded but only makes the kernel log what it would have
 * refused, and Landlock, which has no such mode, is left out.  `off` leaves
 * out both.  Limits, namespaces, chroot and the uid do not depend on the mode.
 *
 * A sanitizer opens files under /proc, maps memory and stops its own process
 * to look for leaks, so such a build runs in `log`, stays dumpable and may
 * clone, and says so.
 */
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/sandbox_linux.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED	true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || \
    __has_feature(thread_sanitizer)
#define SANITIZED	true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED	false
#endif

#define KEEP_UID	((uid_t)-1)

struct entry {
	const struct sandbox_request *req;
	enum sandbox_mode mode;		/* after what the build allows */
	bool		 root;
	int		 ruleset;	/* of Landlock, or -1 */
	int		 abi;
	char		 in_force[256];
	char		 missing[512];
	char		 failed[256];
};

static void	append(char *, size_t, const char *, const char *, va_list)
		    __attribute__((format(printf, 4, 0)));
static void	in_force(struct entry *, const char *, ...)
		    __attribute__((format(printf, 2, 3)));
static void	missing(struct entry *, const char *, ...)
		    __attribute__((format(printf, 2, 3)));
static int	failed(struct entry *, const char *);

static void
append(char *buf, size_t size, const char *sep, const char *fmt, va_list ap)
{
	size_t n = strlen(buf);

	if (n > 0)
		n += (size_t)snprintf(buf + n, size - n, "%s", sep);
	if (n < size)
		vsnprintf(buf + n, size - n, fmt, ap);
}

static void
in_force(struct entry *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	append(e->in_force, sizeof(e->in_force), ",", fmt, ap);
	va_end(ap);
}

static void
missing(struct entry *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	append(e->missing, sizeof(e->missing), ", ", fmt, ap);
	va_end(ap);
}

/* A step that must not fail did, with errno.  Always -1. */
static int
failed(struct entry *e, const char *step)
{
	snprintf(e->failed, sizeof(e->failed), "%s: %s", step,
	    strerror(errno));
	return (-1);
}

static int
limit(struct entry *e, int which, rlim_t value, const char *name)
{
	struct rlimit rl = { value, value };

	if (setrlimit(which, &rl) == -1)
		return (failed(e, name));
	return (0);
}

/* A soft limit that is the hard one, or both what the profile wants. */
static int
limit_files(struct entry *e)
{
	struct rlimit rl;
	rlim_t hard;

	if (getrlimit(RLIMIT_NOFILE, &rl) == -1)
		return (failed(e, "nofile"));
	hard = rl.rlim_max;
	if (e->req->profile->nofile == 0)
		return (limit(e, RLIMIT_NOFILE, hard, "nofile"));
	rl.rlim_cur = rl.rlim_max = (rlim_t)e->req->profile->nofile;
	if (setrlimit(RLIMIT_NOFILE, &rl) == 0)
		return (0);
	if (errno != EPERM)
		return (failed(e, "nofile"));
	missing(e, "nofile %llu (hard limit is %llu)",
	    (unsigned long long)e->req->profile->nofile,
	    (unsigned long long)hard);
	return (limit(e, RLIMIT_NOFILE, hard, "nofile"));
}

/* Whether one of the standard fds, which the log goes to, is a file. */
static bool
log_is_file(void)
{
	struct stat st;
	int fd;

	for (fd = 0; fd <= STDERR_FILENO; fd++) {
		if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
			return (true);
	}
	return (false);
}

/* The limit counts every file: with it a log that is a file would end. */
static int
limit_size(struct entry *e)
{
	if (log_is_file()) {
		missing(e, "fsize (the log is a file)");
		return (0);
	}
	/* A write beyond it is an error, not the end of the process. */
	signal(SIGXFSZ, SIG_IGN);
	return (limit(e, RLIMIT_FSIZE, (rlim_t)e->req->profile->fsize,
	    "fsize"));
}

/*
 * No new processes.  Nobody counts root's processes, so it means something
 * only with the uid this process will have.
 */
static int
limit_processes(struct entry *e)
{
	if (SANITIZED) {
		missing(e, "nproc (sanitizer build)");
		return (0);
	}
	if (e->root && e->req->uid == KEEP_UID)
		return (0);
	return (limit(e, RLIMIT_NPROC, 0, "nproc"));
}

static int
enter_limits(struct entry *e)
{
	if (limit(e, RLIMIT_CORE, 0, "core") == -1 ||
	    limit(e, RLIMIT_MEMLOCK, 0, "memlock") == -1 ||
	    limit_files(e) == -1 || limit_size(e) == -1 ||
	    limit_processes(e) == -1)
		return (-1);
	in_force(e, "rlimit");
	return (0);
}

/*
 * Empty namespaces for network, System V IPC and host name.  A container may
 * refuse them to its root; that is reported, as it cannot be helped.
 */
static int
enter_namespaces(struct entry *e)
{
	static const struct {
		int		 flag;
		const char	*name;
	} spaces[] = {
		{ CLONE_NEWNET, "netns" },
		{ CLONE_NEWIPC, "ipcns" },
		{ CLONE_NEWUTS, "utsns" },
	};
	size_t i;

	for (i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
		if (spaces[i].flag == CLONE_NEWNET && e->req->profile->network)
			continue;
		if (unshare(spaces[i].flag) == 0)
			in_force(e, "%s", spaces[i].name);
		else
			missing(e, "%s (%s)", spaces[i].name, strerror(errno));
	}
	return (0);
}

static int
enter_chroot(struct entry *e)
{
	if (e->req->chroot_dir == NULL) {
		missing(e, "chroot (no directory given)");
		return (0);
	}
	if (chroot(e->req->chroot_dir) == -1 || chdir("/") == -1)
		return (failed(e, "chroot"));
	in_force(e, "chroot");
	return (0);
}

/* Take every capability out of reach of a later exec. */
static int
drop_bounding_set(struct entry *e)
{
	unsigned long cap;

	for (cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		if (errno != EPERM)
			return (failed(e, "bounding set"));
		missing(e, "bounding set (%s)", strerror(errno));
		return (0);
	}
	return (0);
}

/* True if no way back to root or to another group is left. */
static bool
uid_is_final(uid_t uid, gid_t gid)
{
	uid_t ru, eu, su;
	gid_t rg, eg, sg;

	if (getresuid(&ru, &eu, &su) == -1 || getresgid(&rg, &eg, &sg) == -1)
		return (false);
	if (ru != uid || eu != uid || su != uid ||
	    rg != gid || eg != gid || sg != gid || getgroups(0, NULL) != 0)
		return (false);
	return (setresuid(-1, 0, -1) == -1 && setresgid(-1, 0, -1) == -1 &&
	    setgroups(0, NULL) == -1);
}

static int
enter_uid(struct entry *e)
{
	const struct sandbox_request *req = e->req;

	if (drop_bounding_set(e) == -1)
		return (-1);
	if (req->uid == KEEP_UID) {
		missing(e, "uid (none given)");
		return (0);
	}
	errno = EINVAL;
	if (req->uid == 0 || req->gid == 0 || req->gid == (gid_t)-1)
		return (failed(e, "uid or gid to take"));
	if (setgroups(0, NULL) == -1)
		return (failed(e, "setgroups"));
	if (setresgid(req->gid, req->gid, req->gid) == -1)
		return (failed(e, "setresgid"));
	if (setresuid(req->uid, req->uid, req->uid) == -1)
		return (failed(e, "setresuid"));
	if (!uid_is_final(req->uid, req->gid)) {
		errno = EPERM;
		return (failed(e, "giving up root"));
	}
	in_force(e, "uid");
	return (0);
}

/* All that only root can do, in the order in which it can. */
static int
enter_as_root(struct entry *e)
{
	if (!e->root) {
		missing(e, "uid, chroot and namespaces (not root)");
		return (0);
	}
	if (enter_namespaces(e) == -1 || enter_chroot(e) == -1)
		return (-1);
	return (enter_uid(e));
}

/* Keep no capability in any set, neither root's nor one that was handed on. */
static int
enter_capabilities(struct entry *e)
{
	struct __user_cap_header_struct head;
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3];

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == -1)
		return (failed(e, "ambient capabilities"));
	memset(&head, 0, sizeof(head));
	head.version = _LINUX_CAPABILITY_VERSION_3;
	memset(none, 0, sizeof(none));
	if (syscall(SYS_capset, &head, none) == -1)
		return (failed(e, "capset"));
	in_force(e, "caps");
	return (0);
}

static int
enter_no_privileges(struct entry *e)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return (failed(e, "no_new_privs"));
	in_force(e, "no_new_privs");
	if (SANITIZED) {
		missing(e, "not dumpable (sanitizer build)");
		return (0);
	}
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == -1)
		return (failed(e, "dumpable"));
	in_force(e, "undumpable");
	return (0);
}

/* Make the ruleset while the paths can be seen. */
static int
prepare_landlock(struct entry *e)
{
	char why[160];

	if (e->mode != SANDBOX_ENFORCE) {
		missing(e, "landlock (mode %s)", sandbox_mode_name(e->mode));
		return (0);
	}
	e->ruleset = sandbox_landlock_prepare(e->req, &e->abi, why,
	    sizeof(why));
	if (e->ruleset != -1)
		return (0);
	if (e->abi != 0) {
		snprintf(e->failed, sizeof(e->failed), "%s", why);
		return (-1);
	}
	missing(e, "landlock (%s)", why);
	return (0);
}

static int
enter_landlock(struct entry *e)
{
	if (e->ruleset == -1)
		return (0);
	if (sandbox_landlock_enforce(e->ruleset) == -1)
		return (failed(e, "landlock"));
	in_force(e, "landlock=%d", e->abi);
	return (0);
}

static int
enter_seccomp(struct entry *e)
{
	if (e->mode == SANDBOX_OFF) {
		missing(e, "seccomp (mode off)");
		return (0);
	}
	if (sandbox_seccomp_load(e->req->profile, e->mode, e->failed,
	    sizeof(e->failed)) == -1)
		return (-1);
	in_force(e, "seccomp=%s", sandbox_mode_name(e->mode));
	return (0);
}

static int
enter_all(struct entry *e)
{
	if (enter_limits(e) == -1 || prepare_landlock(e) == -1 ||
	    enter_as_root(e) == -1 || enter_capabilities(e) == -1 ||
	    enter_no_privileges(e) == -1 || enter_landlock(e) == -1)
		return (-1);
	if (e->ruleset != -1)
		close(e->ruleset);
	e->ruleset = -1;
	return (enter_seccomp(e));
}

int
sandbox_enter(const struct sandbox_request *req, char *report, size_t size)
{
	struct entry e = { .req = req, .mode = req->mode, .ruleset = -1 };

	if (req->mode < SANDBOX_ENFORCE || req->mode > SANDBOX_OFF) {
		snprintf(report, size, "mode %d is unknown", (int)req->mode);
		return (-1);
	}
	e.root = geteuid() == 0;
	if (SANITIZED && e.mode == SANDBOX_ENFORCE) {
		e.mode = SANDBOX_LOG;
		missing(&e, "enforce (sanitizer build)");
	}
	if (enter_all(&e) == -1) {
		if (e.ruleset != -1)
			close(e.ruleset);
		snprintf(report, size, "%s", e.failed);
		return (-1);
	}
	snprintf(report, size, "%s%s%s", e.in_force,
	    e.missing[0] == '\0' ? "" : "; not in force: ", e.missing);
	return (0);
}
