/* SPDX-License-Identifier: ISC */
/*
 * sandbox_enter() with profiles made for the tests: each wall on its own,
 * with what it lets through beside what it holds.
 */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <linux/capability.h>
#include <netinet/in.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/sandbox_probe.h"
#include "tests/unit/suite.h"

#define OUTCOME(expr)	((expr) == -1 ? errno : 0)
#define KILLED		(PROBE_SIGNAL + SIGSYS)

static char dir[64], empty[80], inside[80], outside[80];

static const struct sandbox_profile plain = { .name = "plain" };

static const char *const file_calls[] = {
	"openat", "newfstatat", "mkdir", "mkdirat", "unlink", "unlinkat",
	"rename", "renameat", "renameat2", "ftruncate", "truncate", "pread64",
	"pwrite64", NULL
};
static const struct sandbox_profile files = {
	.name = "files", .allow = file_calls, .fsize = 4096,
};

static const char *const net_calls[] = {
	"socket", "connect", "bind", "listen", "setsockopt", NULL
};
static const struct sandbox_profile net = {
	.name = "net", .allow = net_calls, .network = true,
};
static const struct sandbox_profile no_net = {
	.name = "no_net", .allow = net_calls,
};

static const char *const server_calls[] = { "accept4", NULL };
static const struct sandbox_profile server = {
	.name = "server", .allow = server_calls,
};

static void
make_file(const char *path)
{
	int fd;

	fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0666);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, "text", 4), 4);
	/* Files and folders are open to all: only the sandbox is in the way. */
	ck_assert_int_eq(fchmod(fd, 0666), 0);
	close(fd);
}

static void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/relayd-test-sandbox.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(empty, sizeof(empty), "%s/empty", dir);
	snprintf(inside, sizeof(inside), "%s/inside", dir);
	snprintf(outside, sizeof(outside), "%s/outside", dir);
	ck_assert_int_eq(mkdir(empty, 0777), 0);
	ck_assert_int_eq(mkdir(inside, 0777), 0);
	ck_assert_int_eq(chmod(dir, 0777) | chmod(inside, 0777), 0);
	make_file(outside);
}

static void
teardown(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/file", inside);
	(void)unlink(path);
	(void)unlink(outside);
	(void)rmdir(inside);
	(void)rmdir(empty);
	(void)rmdir(dir);
}

static struct probe
probe_of(const struct sandbox_profile *profile, int who)
{
	return ((struct probe){
		.profile = profile,
		.mode = SANDBOX_ENFORCE,
		.who = (enum probe_who)who,
		.chroot_dir = empty,
	});
}

static int
nothing(void *arg)
{
	(void)arg;
	return (0);
}

/* --- seccomp: the four classes --- */

START_TEST(always_works)
{
	struct probe p = probe_of(&plain, _i);

	ck_assert_int_eq(probe_cases(&p, probe_always, NULL), 0);
}
END_TEST

START_TEST(never_works)
{
	struct probe p = probe_of(&plain, _i);

	ck_assert_int_eq(probe_cases(&p, probe_never, NULL), 0);
	ck_assert_int_eq(probe_cases(&p, probe_no_files, NULL), 0);
}
END_TEST

static int
inet_socket(void *arg)
{
	(void)arg;
	return (OUTCOME(socket(AF_INET, SOCK_STREAM, 0)));
}

static int
inet6_socket(void *arg)
{
	(void)arg;
	return (OUTCOME(socket(AF_INET6, SOCK_STREAM, 0)));
}

static int
unix_socket(void *arg)
{
	(void)arg;
	return (OUTCOME(socket(AF_UNIX, SOCK_STREAM, 0)));
}

static int
other_socket(void *arg)
{
	(void)arg;
	return (OUTCOME(socket(AF_ALG, SOCK_SEQPACKET, 0)));
}

START_TEST(sockets_by_family)
{
	struct probe with = probe_of(&net, _i), without = probe_of(&plain, _i);

	ck_assert_int_eq(probe_run(&with, inet_socket, NULL), 0);
	ck_assert_int_eq(probe_run(&with, inet6_socket, NULL), 0);
	ck_assert_int_eq(probe_run(&with, unix_socket, NULL), EACCES);
	ck_assert_int_eq(probe_run(&with, other_socket, NULL), ENOSYS);
	ck_assert_int_eq(probe_run(&without, inet_socket, NULL), EACCES);
	ck_assert_int_eq(probe_run(&without, inet6_socket, NULL), EACCES);
}
END_TEST

static int
fork_only(void *arg)
{
	(void)arg;
	return (OUTCOME(syscall(SYS_clone, 0, NULL, NULL, NULL, NULL)));
}

static int
map_executable(void *arg)
{
	(void)arg;
	return (mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE |
	    MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0);
}

/* A profile cannot widen what an argument decides. */
START_TEST(profile_cannot_widen)
{
	static const char *const calls[] = {
		"mmap", "mprotect", "clone", "clone3", "tgkill", "read", NULL
	};
	static const struct sandbox_profile wide = {
		.name = "wide", .allow = calls,
	};
	struct probe p = probe_of(&wide, _i);

	ck_assert_int_eq(probe_cases(&p, probe_never, NULL), 0);
	ck_assert_int_eq(probe_run(&p, fork_only, NULL), KILLED);
	ck_assert_int_eq(probe_run(&p, map_executable, NULL), EPERM);
}
END_TEST

/* ... and one that asks for what kills is a mistake of ours. */
START_TEST(profile_with_a_killer)
{
	static const char *const calls[] = { "execve", NULL };
	static const struct sandbox_profile bad = {
		.name = "bad", .allow = calls,
	};
	struct probe p = probe_of(&bad, _i);

	ck_assert_int_eq(probe_run(&p, nothing, NULL), PROBE_NO_ENTRY);
	ck_assert_str_eq(probe_report(), "seccomp execve: Invalid argument");
}
END_TEST

START_TEST(unknown_names_are_skipped)
{
	static const char *const calls[] = {
		"no_such_call", "stat64", "pread64", NULL
	};
	static const struct sandbox_profile odd = {
		.name = "odd", .allow = calls,
	};
	struct probe p = probe_of(&odd, _i);

	ck_assert_int_eq(probe_run(&p, nothing, NULL), 0);
}
END_TEST

#if defined(__x86_64__)
static int
i386_getpid(void *arg)
{
	long r = 20;

	(void)arg;
	__asm__ volatile("int $0x80" : "+a"(r) : : "memory", "r8", "r9", "r10",
	    "r11");
	return (r > 0 ? 0 : ENOSYS);
}

START_TEST(other_abi)
{
	struct probe p = probe_of(&plain, _i);

	p.mode = SANDBOX_OFF;
	if (probe_run(&p, i386_getpid, NULL) != 0) {
		fprintf(stderr, "skipped: no i386 calls on this kernel\n");
		return;
	}
	p.mode = SANDBOX_ENFORCE;
	ck_assert_int_eq(probe_run(&p, i386_getpid, NULL), KILLED);
}
END_TEST
#endif

/* --- Landlock: files --- */

static int
open_as(const char *path, int flags)
{
	int fd;

	if ((fd = open(path, flags, 0600)) == -1)
		return (errno);
	close(fd);
	return (0);
}

static int
read_inside(void *arg)
{
	(void)arg;
	return (open_as(inside, O_RDONLY | O_DIRECTORY));
}

static int
write_inside(void *arg)
{
	char a[128], b[128];
	int r;

	(void)arg;
	snprintf(a, sizeof(a), "%s/a", inside);
	snprintf(b, sizeof(b), "%s/file", inside);
	if ((r = open_as(a, O_RDWR | O_CREAT | O_TRUNC)) != 0)
		return (r);
	if (rename(a, b) == -1 || truncate(b, 10) == -1 || unlink(b) == -1)
		return (errno);
	return (0);
}

static int
mkdir_inside(void *arg)
{
	char path[128];

	(void)arg;
	snprintf(path, sizeof(path), "%s/folder", inside);
	return (OUTCOME(mkdir(path, 0700)));
}

static int
read_outside(void *arg)
{
	(void)arg;
	return (open_as(outside, O_RDONLY));
}

static int
write_outside(void *arg)
{
	(void)arg;
	return (open_as(outside, O_WRONLY));
}

static int
truncate_outside(void *arg)
{
	(void)arg;
	return (OUTCOME(truncate(outside, 0)));
}

static int
unlink_outside(void *arg)
{
	(void)arg;
	return (OUTCOME(unlink(outside)));
}

static int
dotdot(void *arg)
{
	char path[128];

	(void)arg;
	snprintf(path, sizeof(path), "%s/../outside", inside);
	return (open_as(path, O_RDONLY));
}

/*
 * Landlock holds although the system calls are allowed, the files are
 * everybody's, and there is no chroot.
 */
START_TEST(paths_that_are_granted)
{
	struct sandbox_path paths[] = {
		{ inside, SANDBOX_READ | SANDBOX_WRITE },
		{ "/nonexistent/path", SANDBOX_READ },
		{ NULL, 0 },
	};
	struct probe p = probe_of(&files, _i);

	p.chroot_dir = NULL;
	p.paths = paths;
	ck_assert_int_eq(probe_run(&p, read_inside, NULL), 0);
	ck_assert_int_eq(probe_run(&p, write_inside, NULL), 0);
	ck_assert_int_eq(probe_run(&p, mkdir_inside, NULL), EACCES);
	ck_assert_int_eq(probe_run(&p, read_outside, NULL), EACCES);
	ck_assert_int_eq(probe_run(&p, write_outside, NULL), EACCES);
	ck_assert_int_eq(probe_run(&p, truncate_outside, NULL), EACCES);
	ck_assert_int_eq(probe_run(&p, unlink_outside, NULL), EACCES);
	ck_assert_int_eq(probe_run(&p, dotdot, NULL), EACCES);
}
END_TEST

START_TEST(paths_for_reading)
{
	struct sandbox_path paths[] = {
		{ inside, SANDBOX_READ }, { outside, SANDBOX_READ }, { NULL, 0 },
	};
	struct probe p = probe_of(&files, _i);

	p.chroot_dir = NULL;
	p.paths = paths;
	ck_assert_int_eq(probe_run(&p, read_inside, NULL), 0);
	ck_assert_int_eq(probe_run(&p, read_outside, NULL), 0);
	ck_assert_int_eq(probe_run(&p, write_inside, NULL), EACCES);
	ck_assert_int_eq(probe_run(&p, write_outside, NULL), EACCES);
	ck_assert_int_eq(probe_run(&p, truncate_outside, NULL), EACCES);
}
END_TEST

/* Without Landlock the same calls work: the tests above test Landlock. */
START_TEST(paths_without_landlock)
{
	struct probe p = probe_of(&files, _i);

	p.chroot_dir = NULL;
	p.mode = SANDBOX_OFF;
	ck_assert_int_eq(probe_run(&p, read_outside, NULL), 0);
	ck_assert_int_eq(probe_run(&p, write_inside, NULL), 0);
	p.mode = SANDBOX_LOG;
	ck_assert_int_eq(probe_run(&p, read_outside, NULL), 0);
	ck_assert_int_eq(probe_run(&p, write_outside, NULL), 0);
	p.mode = SANDBOX_ENFORCE;
	ck_assert_int_eq(probe_run(&p, read_outside, NULL), EACCES);
	ck_assert_int_eq(probe_run(&p, write_inside, NULL), EACCES);
}
END_TEST

/* The path is resolved before chroot, and granted as it is seen after it. */
static int
write_at_root(void *arg)
{
	int r;

	(void)arg;
	if ((r = open_as("/file", O_RDWR | O_CREAT)) != 0)
		return (r);
	return (OUTCOME(unlink("/file")));
}

START_TEST(paths_before_chroot)
{
	struct sandbox_path paths[] = {
		{ inside, SANDBOX_READ | SANDBOX_WRITE }, { NULL, 0 },
	};
	struct probe p = probe_of(&files, WHO_ROOT);

	if (geteuid() != 0)
		return;
	p.chroot_dir = inside;
	p.paths = paths;
	ck_assert_int_eq(probe_run(&p, write_at_root, NULL), 0);
	ck_assert_int_eq(probe_run(&p, read_outside, NULL), ENOENT);
	p.paths = NULL;
	ck_assert_int_eq(probe_run(&p, write_at_root, NULL), EACCES);
}
END_TEST

/* --- network --- */

static int
tcp_connect(void *arg)
{
	struct sockaddr_in *sin = arg;
	int fd;

	if ((fd = socket(AF_INET, SOCK_STREAM, 0)) == -1)
		return (errno);
	return (OUTCOME(connect(fd, (struct sockaddr *)sin, sizeof(*sin))));
}

static int
tcp_bind(void *arg)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int fd;

	(void)arg;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if ((fd = socket(AF_INET, SOCK_STREAM, 0)) == -1)
		return (errno);
	return (OUTCOME(bind(fd, (struct sockaddr *)&sin, sizeof(sin))));
}

/* A listener on loopback; its address is stored. */
static int
tcp_listener(struct sockaddr_in *sin)
{
	socklen_t len = sizeof(*sin);
	int fd;

	memset(sin, 0, sizeof(*sin));
	sin->sin_family = AF_INET;
	sin->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)sin, len), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)sin, &len), 0);
	return (fd);
}

START_TEST(network)
{
	struct probe with = probe_of(&net, _i), without = probe_of(&no_net, _i);
	struct sockaddr_in sin;
	int fd;

	fd = tcp_listener(&sin);
	ck_assert_int_eq(probe_run(&with, tcp_connect, &sin), 0);
	ck_assert_int_eq(probe_run(&with, tcp_bind, NULL), EACCES);
	/* Its system calls are allowed, Landlock says no. */
	ck_assert_int_eq(probe_run(&without, tcp_connect, &sin), EACCES);
	ck_assert_int_eq(probe_run(&without, tcp_bind, NULL), EACCES);
	close(fd);
}
END_TEST

/* The namespace alone, without Landlock and seccomp. */
START_TEST(network_namespace)
{
	struct probe with = probe_of(&net, WHO_ROOT);
	struct probe without = probe_of(&no_net, WHO_ROOT);
	struct sockaddr_in sin;
	int fd;

	if (geteuid() != 0)
		return;
	fd = tcp_listener(&sin);
	with.mode = without.mode = SANDBOX_OFF;
	ck_assert_int_eq(probe_run(&with, tcp_connect, &sin), 0);
	ck_assert_int_eq(probe_run(&without, tcp_connect, &sin), ENETUNREACH);
	close(fd);
}
END_TEST

static int
accept_one(void *arg)
{
	int fd;

	if ((fd = accept4(*(int *)arg, NULL, NULL, SOCK_CLOEXEC)) == -1)
		return (errno);
	return (write(fd, "hello", 5) == 5 ? 0 : errno);
}

/* An inherited listener still accepts in the empty namespace. */
START_TEST(inherited_listener)
{
	struct probe may = probe_of(&server, _i), not = probe_of(&plain, _i);
	struct sockaddr_in sin;
	char buf[8];
	int client, fd;

	fd = tcp_listener(&sin);
	client = socket(AF_INET, SOCK_STREAM, 0);
	ck_assert_int_eq(connect(client, (struct sockaddr *)&sin, sizeof(sin)),
	    0);
	ck_assert_int_eq(probe_run(&not, accept_one, &fd), ENOSYS);
	ck_assert_int_eq(probe_run(&may, accept_one, &fd), 0);
	ck_assert_int_eq(read(client, buf, sizeof(buf)), 5);
	close(client);
	close(fd);
}
END_TEST

static int
abstract_connect(void *arg)
{
	static const char name[] = "relayd-test-sandbox";
	struct sockaddr_un sun = { .sun_family = AF_UNIX };

	memcpy(sun.sun_path + 1, name, sizeof(name) - 1);
	return (OUTCOME(connect(*(int *)arg, (struct sockaddr *)&sun,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
	    sizeof(name)))));
}

/* Scopes need Landlock ABI 6; they are then in force. */
static bool
scopes_here(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);

	if (abi >= 6)
		return (true);
	fprintf(stderr, "skipped: Landlock ABI %ld has no scopes\n", abi);
	return (false);
}

START_TEST(abstract_socket)
{
	static const char name[] = "relayd-test-sandbox";
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct probe p = probe_of(&net, WHO_NOBODY);
	int client, fd;

	if (!scopes_here())
		return;
	memcpy(sun.sun_path + 1, name, sizeof(name) - 1);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun,
	    (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
	    sizeof(name))), 0);
	ck_assert_int_eq(listen(fd, 8), 0);
	client = socket(AF_UNIX, SOCK_STREAM, 0);
	ck_assert_int_eq(probe_run(&p, abstract_connect, &client), EPERM);
	p.mode = SANDBOX_OFF;
	ck_assert_int_eq(probe_run(&p, abstract_connect, &client), 0);
	close(client);
	close(fd);
}
END_TEST

static int
signal_other(void *arg)
{
	return (OUTCOME(kill(*(pid_t *)arg, 0)));
}

START_TEST(signal_scope)
{
	static const char *const calls[] = { "kill", NULL };
	static const struct sandbox_profile killer = {
		.name = "killer", .allow = calls,
	};
	struct probe p = probe_of(&killer, WHO_NOBODY);
	pid_t pid;

	if (!scopes_here() || (pid = fork()) == -1)
		return;
	if (pid == 0) {
		/* Somebody of the probe's own uid, outside its sandbox. */
		if (geteuid() == 0 && setresuid(65534, 65534, 65534) == -1)
			_exit(1);
		raise(SIGSTOP);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, NULL, WUNTRACED), pid);
	ck_assert_int_eq(probe_run(&p, signal_other, &pid), EPERM);
	p.mode = SANDBOX_OFF;
	ck_assert_int_eq(probe_run(&p, signal_other, &pid), 0);
	kill(pid, SIGKILL);
	ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}
END_TEST

/* --- what root gives up, and limits: with mode off, so nothing else --- */

static int
is_other_uid(void *arg)
{
	uid_t r, e, s;

	(void)arg;
	if (getresuid(&r, &e, &s) == -1 || r != PROBE_UID || e != PROBE_UID ||
	    s != PROBE_UID || getgid() != PROBE_GID || getegid() != PROBE_GID ||
	    getgroups(0, NULL) != 0)
		return (EINVAL);
	return (0);
}

static int
no_way_back(void *arg)
{
	(void)arg;
	if (setuid(0) == 0 || setgid(0) == 0 || seteuid(0) == 0 ||
	    setresuid(-1, 0, -1) == 0 || setgroups(0, NULL) == 0)
		return (EINVAL);
	return (errno);
}

static int
no_capabilities(void *arg)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3,
	    0 };
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];
	size_t i;

	(void)arg;
	if (syscall(SYS_capget, &head, caps) == -1)
		return (errno);
	for (i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		if (caps[i].effective != 0 || caps[i].permitted != 0 ||
		    caps[i].inheritable != 0)
			return (EINVAL);
	}
	return (0);
}

static int
no_bounding_set(void *arg)
{
	unsigned long cap;

	(void)arg;
	for (cap = 0; cap <= CAP_LAST_CAP; cap++) {
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			return (EINVAL);
	}
	return (0);
}

static int
outside_is_gone(void *arg)
{
	(void)arg;
	return (OUTCOME(open("/etc/passwd", O_RDONLY)));
}

static int
cwd_is_root(void *arg)
{
	char buf[128];

	(void)arg;
	return (getcwd(buf, sizeof(buf)) != NULL && strcmp(buf, "/") == 0 ?
	    0 : EINVAL);
}

START_TEST(root_is_given_up)
{
	struct probe p = probe_of(&plain, WHO_ROOT);

	if (geteuid() != 0)
		return;
	p.mode = SANDBOX_OFF;
	ck_assert_int_eq(probe_run(&p, is_other_uid, NULL), 0);
	ck_assert_int_eq(probe_run(&p, no_way_back, NULL), EPERM);
	ck_assert_int_eq(probe_run(&p, no_bounding_set, NULL), 0);
	ck_assert_int_eq(probe_run(&p, outside_is_gone, NULL), ENOENT);
	ck_assert_int_eq(probe_run(&p, cwd_is_root, NULL), 0);
}
END_TEST

static int
no_new_privs(void *arg)
{
	(void)arg;
	return (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : EINVAL);
}

static int
not_dumpable(void *arg)
{
	(void)arg;
	return (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : EINVAL);
}

static int
fork_fails(void *arg)
{
	pid_t pid;

	(void)arg;
	if ((pid = fork()) == 0)
		_exit(0);
	return (OUTCOME(pid));
}

static int
limits_are_set(void *arg)
{
	static const int zero[] = {
		RLIMIT_CORE, RLIMIT_NPROC, RLIMIT_MEMLOCK, RLIMIT_FSIZE
	};
	struct rlimit rl;
	size_t i;

	(void)arg;
	for (i = 0; i < sizeof(zero) / sizeof(zero[0]); i++) {
		if (getrlimit(zero[i], &rl) == -1 || rl.rlim_cur != 0 ||
		    rl.rlim_max != 0)
			return (zero[i] + 1);
	}
	if (getrlimit(RLIMIT_NOFILE, &rl) == -1 || rl.rlim_cur != rl.rlim_max)
		return (EMFILE);
	return (0);
}

/* Root without a uid to take, as in a container: still no capability. */
START_TEST(root_that_stays)
{
	struct probe p = probe_of(&plain, WHO_ROOT);

	if (geteuid() != 0)
		return;
	p.mode = SANDBOX_OFF;
	p.keep_uid = true;
	ck_assert_int_eq(probe_run(&p, no_capabilities, NULL), 0);
	ck_assert_int_eq(probe_run(&p, no_bounding_set, NULL), 0);
	ck_assert_ptr_nonnull(strstr(probe_report(), "uid (none given)"));
}
END_TEST

START_TEST(privileges_and_limits)
{
	struct probe p = probe_of(&plain, _i);

	p.mode = SANDBOX_OFF;
	ck_assert_int_eq(probe_run(&p, no_capabilities, NULL), 0);
	ck_assert_int_eq(probe_run(&p, no_new_privs, NULL), 0);
	ck_assert_int_eq(probe_run(&p, not_dumpable, NULL), 0);
	ck_assert_int_eq(probe_run(&p, fork_fails, NULL), EAGAIN);
	ck_assert_int_eq(probe_run(&p, limits_are_set, NULL), 0);
}
END_TEST

static int
fill_files(void *arg)
{
	int fd, max = *(int *)arg;

	while ((fd = dup(STDIN_FILENO)) != -1) {
		if (fd >= max)
			return (ERANGE);
	}
	return (fcntl(max - 1, F_GETFD) == -1 ? EBADF : errno);
}

START_TEST(number_of_files)
{
	static const struct sandbox_profile few = { .name = "few", .nofile = 16 };
	struct probe p = probe_of(&few, _i);
	int max = 16;

	p.mode = SANDBOX_OFF;
	ck_assert_int_eq(probe_run(&p, fill_files, &max), EMFILE);
}
END_TEST

/* More than the hard limit: what can be had, and it is said. */
START_TEST(too_many_files)
{
	static const struct sandbox_profile many = {
		.name = "many", .nofile = 1ULL << 40,
	};
	struct probe p = probe_of(&many, WHO_NOBODY);

	ck_assert_int_eq(probe_run(&p, nothing, NULL), 0);
	ck_assert_ptr_nonnull(strstr(probe_report(),
	    "nofile 1099511627776 (hard limit is "));
}
END_TEST

static int
write_much(void *arg)
{
	static const char page[4096];
	int fd = *(int *)arg;

	if (write(fd, page, sizeof(page)) != (ssize_t)sizeof(page))
		return (EIO);
	return (write(fd, page, 1) == 1 ? 0 : errno);
}

static int
write_any(void *arg)
{
	return (OUTCOME(write(*(int *)arg, "x", 1)));
}

START_TEST(size_of_files)
{
	struct probe small = probe_of(&files, _i), none = probe_of(&plain, _i);
	int fd;

	fd = open(outside, O_WRONLY | O_TRUNC);
	ck_assert_int_ge(fd, 0);
	/* An error, not SIGXFSZ. */
	ck_assert_int_eq(probe_run(&small, write_much, &fd), EFBIG);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	ck_assert_int_eq(probe_run(&none, write_any, &fd), EFBIG);
	close(fd);
}
END_TEST

/* A log that is a file goes on. */
START_TEST(log_to_a_file)
{
	struct probe p = probe_of(&plain, _i);
	int fd, saved;

	fd = open(outside, O_WRONLY | O_TRUNC);
	saved = dup(STDERR_FILENO);
	dup2(fd, STDERR_FILENO);
	p.keep_stderr = true;
	ck_assert_int_eq(probe_run(&p, write_any, &fd), 0);
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(fd);
	ck_assert_ptr_nonnull(strstr(probe_report(),
	    "fsize (the log is a file)"));
}
END_TEST

/* --- the report, and what fails --- */

START_TEST(report_names_all)
{
	struct probe p = probe_of(&plain, _i);
	const char *want = _i == WHO_ROOT ?
	    "rlimit,netns,ipcns,utsns,chroot,uid,caps,no_new_privs,undumpable,"
	    "landlock=" :
	    "rlimit,caps,no_new_privs,undumpable,landlock=";

	ck_assert_int_eq(probe_run(&p, nothing, NULL), 0);
	ck_assert_int_eq(strncmp(probe_report(), want, strlen(want)), 0);
	ck_assert_ptr_nonnull(strstr(probe_report(), ",seccomp=enforce"));
	if (_i == WHO_ROOT)
		ck_assert_ptr_null(strstr(probe_report(), "not in force"));
	else
		ck_assert_ptr_nonnull(strstr(probe_report(), "; not in force: "
		    "uid, chroot and namespaces (not root)"));
}
END_TEST

START_TEST(report_of_modes)
{
	struct probe p = probe_of(&plain, _i);

	p.mode = SANDBOX_LOG;
	ck_assert_int_eq(probe_run(&p, nothing, NULL), 0);
	ck_assert_ptr_nonnull(strstr(probe_report(), "seccomp=log"));
	ck_assert_ptr_nonnull(strstr(probe_report(), "landlock (mode log)"));
	p.mode = SANDBOX_OFF;
	ck_assert_int_eq(probe_run(&p, nothing, NULL), 0);
	ck_assert_ptr_null(strstr(probe_report(), "seccomp="));
	ck_assert_ptr_nonnull(strstr(probe_report(), "seccomp (mode off)"));
	p.mode = (enum sandbox_mode)0;
	ck_assert_int_eq(probe_run(&p, nothing, NULL), PROBE_NO_ENTRY);
	p.mode = (enum sandbox_mode)4;
	ck_assert_int_eq(probe_run(&p, nothing, NULL), PROBE_NO_ENTRY);
	ck_assert_str_eq(probe_report(), "mode 4 is unknown");
}
END_TEST

/* Mode log lets the forbidden through, uid and limits still hold. */
START_TEST(log_refuses_nothing)
{
	struct probe p = probe_of(&plain, _i);

	p.mode = SANDBOX_LOG;
	p.chroot_dir = NULL;
	ck_assert_int_eq(probe_run(&p, read_outside, NULL), 0);
	ck_assert_int_eq(probe_run(&p, unix_socket, NULL), 0);
	ck_assert_int_eq(probe_run(&p, map_executable, NULL), 0);
	ck_assert_int_eq(probe_run(&p, fork_fails, NULL), EAGAIN);
	if (_i == WHO_ROOT)
		ck_assert_int_eq(probe_run(&p, is_other_uid, NULL), 0);
}
END_TEST

static void
enter_as(uid_t uid, gid_t gid, const char *chroot_dir, const char *want)
{
	struct sandbox_request req = {
		.profile = &plain, .mode = SANDBOX_ENFORCE, .uid = uid,
		.gid = gid, .chroot_dir = chroot_dir,
	};
	char report[256];

	ck_assert_int_eq(sandbox_enter(&req, report, sizeof(report)), -1);
	ck_assert_str_eq(report, want);
}

START_TEST(uid_that_is_root)
{
	if (geteuid() == 0)
		enter_as(0, 1, NULL, "uid or gid to take: Invalid argument");
}
END_TEST

START_TEST(gid_that_is_root)
{
	if (geteuid() == 0)
		enter_as(1, 0, NULL, "uid or gid to take: Invalid argument");
}
END_TEST

START_TEST(uid_without_gid)
{
	if (geteuid() == 0)
		enter_as(1, (gid_t)-1, NULL,
		    "uid or gid to take: Invalid argument");
}
END_TEST

START_TEST(chroot_that_is_missing)
{
	if (geteuid() == 0)
		enter_as(1, 1, "/nonexistent",
		    "chroot: No such file or directory");
}
END_TEST

START_TEST(chroot_that_is_a_file)
{
	if (geteuid() == 0)
		enter_as(1, 1, outside, "chroot: Not a directory");
}
END_TEST

START_TEST(path_that_cannot_be_opened)
{
	struct sandbox_path paths[] = { { outside, SANDBOX_READ }, { NULL, 0 } };
	struct probe p = probe_of(&files, WHO_NOBODY);
	char long_path[300];

	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[0] = '/';
	long_path[sizeof(long_path) - 1] = '\0';
	paths[0].path = long_path;
	p.paths = paths;
	ck_assert_int_eq(probe_run(&p, nothing, NULL), PROBE_NO_ENTRY);
	ck_assert_int_eq(strncmp(probe_report(), "landlock /xxx", 13), 0);
}
END_TEST

/* The report never overruns a short buffer. */
START_TEST(short_report)
{
	struct sandbox_request req = {
		.profile = &plain, .mode = SANDBOX_OFF, .uid = (uid_t)-1,
		.gid = (gid_t)-1,
	};
	char report[16];

	memset(report, 'x', sizeof(report));
	ck_assert_int_eq(sandbox_enter(&req, report, 8), 0);
	ck_assert_str_eq(report, "rlimit,");
	ck_assert_int_eq(report[8], 'x');
}
END_TEST

/* A sanitizer build enforces nothing and says so. */
START_TEST(sanitizers_log)
{
	struct probe p = probe_of(&plain, _i);

	p.chroot_dir = NULL;
	ck_assert_int_eq(probe_run(&p, read_outside, NULL), 0);
	ck_assert_ptr_nonnull(strstr(probe_report(), "seccomp=log"));
	ck_assert_ptr_nonnull(strstr(probe_report(),
	    "enforce (sanitizer build)"));
	ck_assert_ptr_nonnull(strstr(probe_report(),
	    "nproc (sanitizer build)"));
}
END_TEST

START_TEST(mode_names)
{
	ck_assert_str_eq(sandbox_mode_name(SANDBOX_ENFORCE), "enforce");
	ck_assert_str_eq(sandbox_mode_name(SANDBOX_LOG), "log");
	ck_assert_str_eq(sandbox_mode_name(SANDBOX_OFF), "off");
	ck_assert_str_eq(sandbox_mode_name((enum sandbox_mode)0), "unknown");
}
END_TEST

static void
add_enforced(TCase *tc, int first)
{
	tcase_add_loop_test(tc, always_works, first, WHO_MAX);
	tcase_add_loop_test(tc, never_works, first, WHO_MAX);
	tcase_add_loop_test(tc, sockets_by_family, first, WHO_MAX);
	tcase_add_loop_test(tc, profile_cannot_widen, first, WHO_MAX);
	tcase_add_loop_test(tc, profile_with_a_killer, first, WHO_MAX);
#if defined(__x86_64__)
	tcase_add_loop_test(tc, other_abi, first, WHO_MAX);
#endif
	tcase_add_loop_test(tc, paths_that_are_granted, first, WHO_MAX);
	tcase_add_loop_test(tc, paths_for_reading, first, WHO_MAX);
	tcase_add_loop_test(tc, paths_without_landlock, first, WHO_MAX);
	tcase_add_test(tc, paths_before_chroot);
	tcase_add_loop_test(tc, network, first, WHO_MAX);
	tcase_add_loop_test(tc, inherited_listener, first, WHO_MAX);
	tcase_add_test(tc, abstract_socket);
	tcase_add_test(tc, signal_scope);
	tcase_add_loop_test(tc, report_names_all, first, WHO_MAX);
	tcase_add_loop_test(tc, log_refuses_nothing, first, WHO_MAX);
	tcase_add_loop_test(tc, privileges_and_limits, first, WHO_MAX);
	tcase_add_test(tc, path_that_cannot_be_opened);
}

static void
add_always(TCase *tc, int first)
{
	tcase_add_loop_test(tc, unknown_names_are_skipped, first, WHO_MAX);
	tcase_add_test(tc, network_namespace);
	tcase_add_test(tc, root_is_given_up);
	tcase_add_test(tc, root_that_stays);
	tcase_add_loop_test(tc, number_of_files, first, WHO_MAX);
	tcase_add_test(tc, too_many_files);
	tcase_add_loop_test(tc, size_of_files, first, WHO_MAX);
	tcase_add_loop_test(tc, log_to_a_file, first, WHO_MAX);
	tcase_add_loop_test(tc, report_of_modes, first, WHO_MAX);
	tcase_add_test(tc, uid_that_is_root);
	tcase_add_test(tc, gid_that_is_root);
	tcase_add_test(tc, uid_without_gid);
	tcase_add_test(tc, chroot_that_is_missing);
	tcase_add_test(tc, chroot_that_is_a_file);
	tcase_add_test(tc, short_report);
	tcase_add_test(tc, mode_names);
}

int
main(void)
{
	TCase *tc = tcase_create("sandbox");
	int first = probe_first();

	tcase_add_checked_fixture(tc, setup, teardown);
	if (probe_sanitized())
		tcase_add_loop_test(tc, sanitizers_log, first, WHO_MAX);
	else
		add_enforced(tc, first);
	add_always(tc, first);
	return (suite_run("sandbox", tc));
}
