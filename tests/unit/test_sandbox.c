/* SPDX-License-Identifier: ISC */
/*
 * sandbox_enter() with profiles made for the tests: each wall on its own,
 * with what it lets through beside what it holds.  Here are system calls, and
 * what is reported and what fails.
 */
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/sandbox_fixture.h"
#include "tests/unit/sandbox_probe.h"
#include "tests/unit/suite.h"

#define KILLED		(PROBE_SIGNAL + SIGSYS)

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
	tcase_add_loop_test(tc, report_names_all, first, WHO_MAX);
	tcase_add_loop_test(tc, log_refuses_nothing, first, WHO_MAX);
	tcase_add_test(tc, path_that_cannot_be_opened);
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
	tcase_add_loop_test(tc, unknown_names_are_skipped, first, WHO_MAX);
	tcase_add_loop_test(tc, report_of_modes, first, WHO_MAX);
	tcase_add_test(tc, uid_that_is_root);
	tcase_add_test(tc, gid_that_is_root);
	tcase_add_test(tc, uid_without_gid);
	tcase_add_test(tc, chroot_that_is_missing);
	tcase_add_test(tc, chroot_that_is_a_file);
	tcase_add_test(tc, short_report);
	tcase_add_test(tc, mode_names);
	return (suite_run("sandbox", tc));
}
