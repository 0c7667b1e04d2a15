/* SPDX-License-Identifier: ISC */
/*
 * The calls that are the same for every profile: what is always allowed, and
 * what never is.
 */
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/sandbox_probe.h"

#define KILLED		(PROBE_SIGNAL + SIGSYS)

/* A result of -1 is errno; anything else worked. */
#define OUTCOME(expr)	((expr) == -1 ? errno : 0)

/* A probe that is one call. */
#define PROBE(name, expr)						\
static int								\
name(void *arg)								\
{									\
	(void)arg;							\
	return (OUTCOME(expr));						\
}

PROBE(do_open, open("/etc/passwd", O_RDONLY))
PROBE(do_open_null, open("/dev/null", O_RDONLY))
PROBE(do_creat, creat("/tmp/relayd-sandbox-probe", 0600))
PROBE(do_self_mem, open("/proc/self/mem", O_RDWR))
PROBE(do_unix_socket, socket(AF_UNIX, SOCK_STREAM, 0))
PROBE(do_netlink, socket(AF_NETLINK, SOCK_RAW, 0))
PROBE(do_packet, socket(AF_PACKET, SOCK_RAW, 0))
PROBE(do_shut_read, shutdown(STDIN_FILENO, SHUT_RD))
PROBE(do_shut_both, shutdown(STDIN_FILENO, SHUT_RDWR))
PROBE(do_set_owner, fcntl(STDIN_FILENO, F_SETOWN, getppid()))
PROBE(do_set_owner_ex, fcntl(STDIN_FILENO, F_SETOWN_EX, NULL))
PROBE(do_set_signal, fcntl(STDIN_FILENO, F_SETSIG, SIGKILL))
PROBE(do_set_lease, fcntl(STDIN_FILENO, F_SETLEASE, F_RDLCK))
PROBE(do_other_fcntl, fcntl(STDIN_FILENO, F_ADD_SEALS, 0))
PROBE(do_fork, syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL))
PROBE(do_thread, syscall(SYS_clone, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD,
    NULL, NULL, NULL, NULL))
#ifdef SYS_fork
PROBE(do_old_fork, syscall(SYS_fork))
PROBE(do_vfork, syscall(SYS_vfork))
#endif
PROBE(do_clone3, syscall(SYS_clone3, NULL, 0))
PROBE(do_exec, execl("/bin/true", "true", (char *)NULL))
PROBE(do_execveat, syscall(SYS_execveat, -1, "/bin/true", NULL, NULL, 0))
PROBE(do_ptrace, ptrace(PTRACE_TRACEME, 0, NULL, NULL))
PROBE(do_vm_readv, syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0))
PROBE(do_vm_writev, syscall(SYS_process_vm_writev, getppid(), NULL, 0, NULL, 0,
    0))
PROBE(do_kill, kill(getppid(), 0))
PROBE(do_kill_all, kill(-1, 0))
PROBE(do_tgkill, syscall(SYS_tgkill, getppid(), getppid(), 0))
PROBE(do_sigqueue, sigqueue(getppid(), 0, (union sigval){ 0 }))
PROBE(do_setuid, setresuid(0, 0, 0))
PROBE(do_setgid, setresgid(0, 0, 0))
PROBE(do_setgroups, syscall(SYS_setgroups, 0, NULL))
PROBE(do_capset, syscall(SYS_capset, NULL, NULL))
PROBE(do_mount, mount("none", "/", "tmpfs", 0, NULL))
PROBE(do_umount, umount2("/", MNT_DETACH))
PROBE(do_pivot_root, syscall(SYS_pivot_root, ".", "."))
PROBE(do_chroot, chroot("/"))
PROBE(do_unshare, unshare(CLONE_NEWUSER))
PROBE(do_setns, setns(-1, 0))
PROBE(do_bpf, syscall(SYS_bpf, 0, NULL, 0))
PROBE(do_io_uring, syscall(SYS_io_uring_setup, 1, NULL))
PROBE(do_perf, syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0))
PROBE(do_userfaultfd, syscall(SYS_userfaultfd, 0))
PROBE(do_keyctl, syscall(SYS_keyctl, 0, 0, 0, 0, 0))
PROBE(do_module, syscall(SYS_init_module, NULL, 0, ""))
PROBE(do_kexec, syscall(SYS_kexec_load, 0, 0, NULL, 0))
PROBE(do_handle, syscall(SYS_open_by_handle_at, -1, NULL, 0))
PROBE(do_reboot, syscall(SYS_reboot, 0, 0, 0, NULL))
PROBE(do_dumpable, prctl(PR_SET_DUMPABLE, 1, 0, 0, 0))
PROBE(do_memfd, syscall(SYS_memfd_create, "x", 0))
PROBE(do_seccomp, syscall(SYS_seccomp, 0, 0, NULL))
PROBE(do_unknown, syscall(1022))
PROBE(do_sethostname, sethostname("x", 1))

static int
do_mmap_exec(void *arg)
{
	(void)arg;
	return (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE |
	    MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0);
}

static int
do_mprotect_exec(void *arg)
{
	void *p;

	(void)arg;
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE |
	    MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return (errno);
	return (OUTCOME(mprotect(p, 4096, PROT_READ | PROT_EXEC)));
}

static int
do_raise_limit(void *arg)
{
	struct rlimit rl = { 1, 1 };

	(void)arg;
	return (OUTCOME(setrlimit(RLIMIT_CORE, &rl)));
}

static int
do_terminal(void *arg)
{
	char buf[256];

	(void)arg;
	return (OUTCOME(ioctl(STDIN_FILENO, TCGETS, buf)));
}

#if defined(__x86_64__)
PROBE(do_x32, syscall(0x40000000 | SYS_getpid))
#endif

const struct probe_case probe_no_files[] = {
	{ "open a file", do_open, EACCES },
	{ "open /dev/null", do_open_null, EACCES },
	{ "create a file", do_creat, EACCES },
	{ "open /proc/self/mem", do_self_mem, EACCES },
	{ NULL, NULL, 0 }
};

const struct probe_case probe_never[] = {
	/* what libraries try: an error they know */
	{ "local socket", do_unix_socket, EACCES },
	{ "netlink socket", do_netlink, EACCES },
	{ "packet socket", do_packet, EACCES },
	{ "thread", do_thread, EPERM },
	{ "mmap PROT_EXEC", do_mmap_exec, EPERM },
	{ "mprotect PROT_EXEC", do_mprotect_exec, EPERM },
	{ "kill the parent", do_kill, EPERM },
	{ "kill all", do_kill_all, EPERM },
	{ "tgkill the parent", do_tgkill, EPERM },
	{ "setrlimit", do_raise_limit, EPERM },
	{ "prctl dumpable", do_dumpable, EPERM },
	{ "terminal settings", do_terminal, EPERM },
	{ "shut down reading", do_shut_read, EPERM },
	{ "shut down both", do_shut_both, EPERM },
	{ "owner of signals", do_set_owner, EPERM },
	{ "owner of signals, ex", do_set_owner_ex, EPERM },
	{ "signal of an fd", do_set_signal, EPERM },
	{ "lease", do_set_lease, EPERM },
	{ "seals", do_other_fcntl, ENOSYS },
	/* what a newer libc tries: not there */
	{ "clone3", do_clone3, ENOSYS },
	{ "memfd_create", do_memfd, ENOSYS },
	{ "seccomp", do_seccomp, ENOSYS },
	{ "a call that does not exist", do_unknown, ENOSYS },
	/* what only an intruder tries */
	{ "fork", do_fork, KILLED },
#ifdef SYS_fork
	{ "fork(2)", do_old_fork, KILLED },
	{ "vfork", do_vfork, KILLED },
#endif
	{ "exec", do_exec, KILLED },
	{ "execveat", do_execveat, KILLED },
	{ "ptrace", do_ptrace, KILLED },
	{ "process_vm_readv", do_vm_readv, KILLED },
	{ "process_vm_writev", do_vm_writev, KILLED },
	{ "sigqueue", do_sigqueue, KILLED },
	{ "setresuid", do_setuid, KILLED },
	{ "setresgid", do_setgid, KILLED },
	{ "setgroups", do_setgroups, KILLED },
	{ "capset", do_capset, KILLED },
	{ "mount", do_mount, KILLED },
	{ "umount", do_umount, KILLED },
	{ "pivot_root", do_pivot_root, KILLED },
	{ "chroot", do_chroot, KILLED },
	{ "unshare", do_unshare, KILLED },
	{ "setns", do_setns, KILLED },
	{ "bpf", do_bpf, KILLED },
	{ "io_uring", do_io_uring, KILLED },
	{ "perf_event_open", do_perf, KILLED },
	{ "userfaultfd", do_userfaultfd, KILLED },
	{ "keyctl", do_keyctl, KILLED },
	{ "init_module", do_module, KILLED },
	{ "kexec_load", do_kexec, KILLED },
	{ "open_by_handle_at", do_handle, KILLED },
	{ "reboot", do_reboot, KILLED },
	{ "sethostname", do_sethostname, KILLED },
#if defined(__x86_64__)
	{ "x32 call", do_x32, KILLED },
#endif
	{ NULL, NULL, 0 }
};

static int
may_allocate(void *arg)
{
	char *p;
	size_t i;

	(void)arg;
	/* Small ones by brk, large ones by mmap, moved by mremap. */
	for (i = 0; i < 1000; i++) {
		if ((p = malloc(1000)) == NULL)
			return (ENOMEM);
		p[0] = (char)i;
	}
	if ((p = malloc(8U << 20)) == NULL)
		return (ENOMEM);
	memset(p, 1, 8U << 20);
	if ((p = realloc(p, 64U << 20)) == NULL)
		return (ENOMEM);
	free(p);
	return (0);
}

static int
may_tell_time(void *arg)
{
	struct timespec ts, zero = { 0, 1 };
	struct tm tm;
	time_t now;
	char buf[40];

	(void)arg;
	if (syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts) == -1 ||
	    clock_gettime(CLOCK_REALTIME, &ts) == -1 ||
	    nanosleep(&zero, NULL) == -1)
		return (errno);
	/* The time zone's file cannot be read: UTC, without an error. */
	now = ts.tv_sec;
	if (localtime_r(&now, &tm) == NULL || gmtime_r(&now, &tm) == NULL)
		return (EINVAL);
	return (strftime(buf, sizeof(buf), "%c", &tm) == 0 ? EINVAL : 0);
}

static int
may_print(void *arg)
{
	char buf[64];
	ssize_t n;
	int fds[2];

	(void)arg;
	/* A pipe cannot be made here, but stdin and stdout are one. */
	if (pipe(fds) != -1)
		return (EINVAL);
	/* dprintf() seeks first. */
	if (dprintf(STDOUT_FILENO, "text %d\n", 42) != 8)
		return (EIO);
	n = snprintf(buf, sizeof(buf), "%s", strerror(ENOSYS));
	return (n > 0 ? 0 : EIO);
}

static int
may_loop(void *arg)
{
	struct epoll_event ev = { .events = EPOLLOUT };
	struct pollfd pfd = { .events = POLLOUT };
	int ep, fd;

	(void)arg;
	if ((ep = epoll_create1(EPOLL_CLOEXEC)) == -1 ||
	    (fd = eventfd(1, EFD_NONBLOCK)) == -1 ||
	    epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev) == -1 ||
	    epoll_wait(ep, &ev, 1, 1000) != 1)
		return (errno);
	pfd.fd = fd;
	return (poll(&pfd, 1, 1000) == 1 ? 0 : errno);
}

static int
may_signal_itself(void *arg)
{
	(void)arg;
	signal(SIGUSR1, SIG_IGN);
	return (raise(SIGUSR1) == 0 ? 0 : errno);
}

static int
may_abort(void *arg)
{
	(void)arg;
	abort();
}

static int
may_ask_limits(void *arg)
{
	struct rlimit rl;
	struct rusage ru;

	(void)arg;
	if (getrlimit(RLIMIT_NOFILE, &rl) == -1 ||
	    getrusage(RUSAGE_SELF, &ru) == -1)
		return (errno);
	return (0);
}

/* Not a socket: that it gets so far is what is asked. */
static int
may_shut_writing(void *arg)
{
	(void)arg;
	return (OUTCOME(shutdown(STDIN_FILENO, SHUT_WR)));
}

static int
may_set_flags(void *arg)
{
	int fd, flags;

	(void)arg;
	if ((flags = fcntl(STDIN_FILENO, F_GETFL)) == -1 ||
	    fcntl(STDIN_FILENO, F_SETFL, flags | O_NONBLOCK) == -1 ||
	    fcntl(STDIN_FILENO, F_GETFD) == -1 ||
	    fcntl(STDIN_FILENO, F_SETFD, FD_CLOEXEC) == -1 ||
	    (fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)) == -1)
		return (errno);
	return (OUTCOME(close(fd)));
}

static int
may_get_random(void *arg)
{
	char buf[16];

	(void)arg;
	return (OUTCOME(getentropy(buf, sizeof(buf))));
}

static int
by_number(const void *a, const void *b)
{
	return (*(const int *)a - *(const int *)b);
}

/* A large qsort() asks for the size of the memory. */
static int
may_sort(void *arg)
{
	static int numbers[100000];
	size_t i;

	(void)arg;
	for (i = 0; i < 100000; i++)
		numbers[i] = (int)(i * 7919 % 100003);
	qsort(numbers, 100000, sizeof(numbers[0]), by_number);
	return (numbers[0] <= numbers[1] ? 0 : EINVAL);
}

const struct probe_case probe_always[] = {
	{ "memory", may_allocate, 0 },
	{ "time", may_tell_time, 0 },
	{ "print", may_print, 0 },
	{ "loop", may_loop, 0 },
	{ "signal itself", may_signal_itself, 0 },
	{ "abort", may_abort, PROBE_SIGNAL + SIGABRT },
	{ "ask for limits", may_ask_limits, 0 },
	{ "random bytes", may_get_random, 0 },
	{ "flags of an fd", may_set_flags, 0 },
	{ "shut down writing", may_shut_writing, ENOTSOCK },
	{ "sort", may_sort, 0 },
	{ NULL, NULL, 0 }
};
