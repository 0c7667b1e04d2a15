/* SPDX-License-Identifier: ISC */
/*
 * The system call filter, in four classes (DESIGN.md, "Sandbox"):
 *
 * allow	what every process needs, and what its profile names
 * refuse	EACCES or EPERM for what libraries try and live without
 * kill		what no process of relayd ever does unless it was taken over
 * other	ENOSYS, so that a newer libc falls back to what it knew before
 *
 * Calls that a wake-up makes have no argument checks: the kernel then answers
 * for them from a bitmap without running the filter.
 */
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/sandbox_linux.h"

/*
 * The flags of clone(2) are its first argument, except on s390 where the
 * stack is.
 */
#ifdef __s390__
#define CLONE_FLAGS_ARG	1
#else
#define CLONE_FLAGS_ARG	0
#endif

static const char *const allow_common[] = {
	/* channels, log and the loop */
	"read", "readv", "write", "writev", "close", "recvmsg", "sendmsg",
	"recvfrom", "sendto", "recv", "send", "epoll_create1",
	"epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2", "poll",
	"ppoll", "_newselect", "select", "pselect6", "eventfd2",
	"getsockopt", "getsockname", "getpeername",
	/* dprintf asks for the position and loses its output without it */
	"lseek", "_llseek", "fstat", "fstat64",
	/* memory; libseccomp itself frees after the filter is loaded */
	"brk", "munmap", "mremap", "madvise",
	/* clocks: the vdso falls back to the system calls */
	"clock_gettime", "clock_gettime64", "clock_getres",
	"clock_getres_time64", "gettimeofday", "time", "nanosleep",
	"clock_nanosleep", "clock_nanosleep_time64",
	/* signals */
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending",
	"sigaction", "sigprocmask", "sigreturn", "sigaltstack",
	"restart_syscall",
	/* libc */
	"futex", "futex_time64", "rseq", "set_robust_list", "getrandom",
	"membarrier", "sched_yield", "sched_getaffinity", "sysinfo",
	/* itself */
	"getpid", "getppid", "gettid", "getuid", "geteuid", "getgid", "getegid",
	"getuid32", "geteuid32", "getgid32", "getegid32", "getrlimit",
	"ugetrlimit", "getrusage", "times", "exit", "exit_group",
	NULL
};

/*
 * What libraries try and live without: files that are not there (time zone,
 * name service, /proc, /sys), sockets to a daemon, a terminal's settings.
 */
static const char *const refuse_eacces[] = {
	"open", "openat", "openat2", "creat", "stat", "stat64", "lstat",
	"lstat64", "newfstatat", "fstatat64", "statx", "statfs", "statfs64",
	"access", "faccessat", "faccessat2", "readlink", "readlinkat",
	"getcwd", "getdents", "getdents64", "chdir", "fchdir", "mkdir",
	"mkdirat", "rmdir", "unlink", "unlinkat", "rename", "renameat",
	"renameat2", "link", "linkat", "symlink", "symlinkat", "truncate",
	"chmod", "fchmod", "fchmodat", "chown", "fchown", "lchown", "fchownat",
	"mknod", "mknodat", "utimensat", "connect", "bind", "listen",
	"socketpair", NULL
};

static const char *const refuse_eperm[] = {
	"kill", "tkill", "prctl", "setrlimit", "setpriority",
	"sched_setscheduler", "sched_setaffinity", "mlock", "mlock2",
	"mlockall", "setsid", "setpgid", "setitimer", "alarm", "umask",
	"uname", NULL
};

static const char *const kill_list[] = {
	"execve", "execveat", "fork", "vfork",
	"ptrace", "process_vm_readv", "process_vm_writev", "process_madvise",
	"kcmp", "pidfd_getfd", "pidfd_send_signal", "rt_sigqueueinfo",
	"rt_tgsigqueueinfo",
	"setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid",
	"setgroups", "setfsuid", "setfsgid", "setuid32", "setgid32",
	"setreuid32", "setregid32", "setresuid32", "setresgid32", "setgroups32",
	"setfsuid32", "setfsgid32", "capset",
	"mount", "umount", "umount2", "pivot_root", "chroot", "move_mount",
	"open_tree", "fsopen", "fsconfig", "fsmount", "fspick", "mount_setattr",
	"open_by_handle_at", "quotactl", "quotactl_fd", "swapon", "swapoff",
	"unshare", "setns",
	"bpf", "io_uring_setup", "io_uring_enter", "io_uring_register",
	"perf_event_open", "userfaultfd", "keyctl", "add_key", "request_key",
	"init_module", "finit_module", "delete_module", "create_module",
	"kexec_load", "kexec_file_load", "reboot", "acct", "syslog",
	"settimeofday", "stime", "clock_settime", "clock_settime64",
	"clock_adjtime", "clock_adjtime64", "adjtimex", "sethostname",
	"setdomainname", "iopl", "ioperm", "modify_ldt", "vm86", "vm86old",
	"personality", "uselib", "_sysctl", "nfsservctl", "lookup_dcookie", NULL
};

/* Names that are decided by an argument, whatever a profile says. */
static const char *const checked[] = {
	"mmap", "mmap2", "mprotect", "clone", "clone3", "tgkill", "prlimit64",
	"ioctl", "socket", "shutdown", "fcntl", "fcntl64", NULL
};

struct filter {
	scmp_filter_ctx	 ctx;
	const struct sandbox_profile *profile;
	bool		 log;		/* only allow; the rest is logged */
	const char	*bad;		/* the name that failed */
	int		 error;		/* negative errno, 0 while all is well */
};

static bool
listed(const char *const *list, const char *name)
{
	if (list == NULL)
		return (false);
	for (; *list != NULL; list++) {
		if (strcmp(*list, name) == 0)
			return (true);
	}
	return (false);
}

/*
 * One rule, with an argument comparison or NULL for none.  A name that
 * libseccomp does not know or this machine does not have is skipped.
 */
static void
rule(struct filter *f, uint32_t action, const char *name,
    const struct scmp_arg_cmp *cmp)
{
	int nr, r;

	if (f->error != 0 || (f->log && action != SCMP_ACT_ALLOW))
		return;
	nr = seccomp_syscall_resolve_name(name);
	if (nr < 0)
		return;
	if (cmp == NULL)
		r = seccomp_rule_add_array(f->ctx, action, nr, 0, NULL);
	else
		r = seccomp_rule_add_array(f->ctx, action, nr, 1, cmp);
	if (r != 0) {
		f->bad = name;
		f->error = r;
	}
}

static void
rules_allow_common(struct filter *f)
{
	size_t i;

	for (i = 0; allow_common[i] != NULL; i++)
		rule(f, SCMP_ACT_ALLOW, allow_common[i], NULL);
}

/* What both lists have is added once. */
static void
rules_allow_profile(struct filter *f)
{
	const char *const *name = f->profile->allow;

	for (; name != NULL && *name != NULL; name++) {
		if (listed(checked, *name) || listed(allow_common, *name))
			continue;
		if (listed(kill_list, *name)) {
			f->bad = *name;
			f->error = -EINVAL;
			return;
		}
		rule(f, SCMP_ACT_ALLOW, *name, NULL);
	}
}

static void
rules_refuse(struct filter *f, const char *const *list, uint32_t action)
{
	for (; *list != NULL; list++) {
		if (!listed(f->profile->allow, *list))
			rule(f, action, *list, NULL);
	}
}

/* Allowed if the comparison holds, else refused with EPERM. */
static void
rule_if(struct filter *f, const char *name, struct scmp_arg_cmp yes,
    struct scmp_arg_cmp no)
{
	rule(f, SCMP_ACT_ALLOW, name, &yes);
	rule(f, SCMP_ACT_ERRNO(EPERM), name, &no);
}

/* No memory is ever made executable, so what a flaw writes cannot run. */
static void
rules_memory(struct filter *f)
{
	static const char *const names[] = { "mmap", "mmap2", "mprotect" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		rule_if(f, names[i],
		    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0),
		    SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
}

/*
 * Processes are killed for cloning themselves; threads, which no program here
 * has but a library might try, are refused.  clone3() hides its flags behind
 * a pointer, so it is never allowed: ENOSYS, the default, makes libc use
 * clone().
 */
static void
rules_clone(struct filter *f)
{
	struct scmp_arg_cmp process, thread;

	process = SCMP_CMP(CLONE_FLAGS_ARG, SCMP_CMP_MASKED_EQ, CLONE_THREAD,
	    0);
	thread = SCMP_CMP(CLONE_FLAGS_ARG, SCMP_CMP_MASKED_EQ, CLONE_THREAD,
	    CLONE_THREAD);
	rule(f, SCMP_ACT_KILL_PROCESS, "clone", &process);
	rule(f, SCMP_ACT_ERRNO(EPERM), "clone", &thread);
}

/*
 * A profile that has socket gets the Internet's families, and no others: not
 * local sockets, netlink or raw packets.
 */
static void
rules_socket(struct filter *f)
{
	static const uint64_t no[] = { AF_UNIX, AF_NETLINK, AF_PACKET };
	struct scmp_arg_cmp cmp;
	size_t i;

	if (!listed(f->profile->allow, "socket")) {
		rule(f, SCMP_ACT_ERRNO(EACCES), "socket", NULL);
		return;
	}
	cmp = SCMP_A0(SCMP_CMP_EQ, AF_INET, 0);
	rule(f, SCMP_ACT_ALLOW, "socket", &cmp);
	cmp = SCMP_A0(SCMP_CMP_EQ, AF_INET6, 0);
	rule(f, SCMP_ACT_ALLOW, "socket", &cmp);
	for (i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		cmp = SCMP_A0(SCMP_CMP_EQ, no[i], 0);
		rule(f, SCMP_ACT_ERRNO(EACCES), "socket", &cmp);
	}
}

/*
 * Only the sending side of a connection is ever shut down.  The other side of
 * a listening socket would make it one that is not connected, and then what
 * sends could connect it (MSG_FASTOPEN) without connect(2).
 */
static void
rules_shutdown(struct filter *f)
{
	rule_if(f, "shutdown", SCMP_A1(SCMP_CMP_EQ, SHUT_WR, 0),
	    SCMP_A1(SCMP_CMP_NE, SHUT_WR, 0));
}

/*
 * Flags, copies and locks, and nothing that has signals sent for what happens
 * to a file: those could be sent to other processes, and be any signal.
 */
static void
rules_fcntl(struct filter *f)
{
	static const char *const names[] = { "fcntl", "fcntl64" };
	static const uint64_t yes[] = { F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD,
	    F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW,
	    F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW };
	static const uint64_t no[] = { F_SETOWN, F_SETOWN_EX, F_SETSIG,
	    F_SETLEASE, F_NOTIFY };
	struct scmp_arg_cmp cmp;
	size_t i, j;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (j = 0; j < sizeof(yes) / sizeof(yes[0]); j++) {
			cmp = SCMP_A1(SCMP_CMP_EQ, yes[j], 0);
			rule(f, SCMP_ACT_ALLOW, names[i], &cmp);
		}
		for (j = 0; j < sizeof(no) / sizeof(no[0]); j++) {
			cmp = SCMP_A1(SCMP_CMP_EQ, no[j], 0);
			rule(f, SCMP_ACT_ERRNO(EPERM), names[i], &cmp);
		}
	}
}

static void
rules_checked(struct filter *f)
{
	uint64_t self = (uint64_t)getpid();

	rules_shutdown(f);
	rules_fcntl(f);
	rules_memory(f);
	rules_clone(f);
	rules_socket(f);
	/* abort() and raise() signal their own process. */
	rule_if(f, "tgkill", SCMP_A0(SCMP_CMP_EQ, self, 0),
	    SCMP_A0(SCMP_CMP_NE, self, 0));
	/* Limits may be read, not set. */
	rule_if(f, "prlimit64", SCMP_A2(SCMP_CMP_EQ, 0, 0),
	    SCMP_A2(SCMP_CMP_NE, 0, 0));
	/* libevent asks how much there is to read; a terminal is not ours. */
	rule_if(f, "ioctl", SCMP_A1(SCMP_CMP_EQ, FIONREAD, 0),
	    SCMP_A1(SCMP_CMP_NE, FIONREAD, 0));
}

static void
rules_all(struct filter *f)
{
	uint32_t foreign;

	/* Calls of another ABI of this machine (i386, x32). */
	foreign = f->log ? SCMP_ACT_LOG : SCMP_ACT_KILL_PROCESS;
	f->error = seccomp_attr_set(f->ctx, SCMP_FLTATR_ACT_BADARCH, foreign);
	f->bad = "BADARCH";
	rules_allow_common(f);
	rules_allow_profile(f);
	rules_refuse(f, refuse_eacces, SCMP_ACT_ERRNO(EACCES));
	rules_refuse(f, refuse_eperm, SCMP_ACT_ERRNO(EPERM));
	rules_refuse(f, kill_list, SCMP_ACT_KILL_PROCESS);
	rules_checked(f);
	if (f->error == 0) {
		f->bad = "load";
		f->error = seccomp_load(f->ctx);
	}
}

int
sandbox_seccomp_load(const struct sandbox_profile *profile,
    enum sandbox_mode mode, char *why, size_t size)
{
	struct filter f = { .profile = profile, .log = mode == SANDBOX_LOG };

	f.ctx = seccomp_init(f.log ? SCMP_ACT_LOG : SCMP_ACT_ERRNO(ENOSYS));
	if (f.ctx == NULL) {
		snprintf(why, size, "seccomp: no memory");
		return (-1);
	}
	rules_all(&f);
	seccomp_release(f.ctx);
	if (f.error != 0) {
		snprintf(why, size, "seccomp %s: %s", f.bad,
		    strerror(-f.error));
		return (-1);
	}
	return (0);
}
