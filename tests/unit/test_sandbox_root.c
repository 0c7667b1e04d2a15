/* SPDX-License-Identifier: ISC */
/* sandbox_enter(): what root gives up, and limits. */
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/sandbox_fixture.h"
#include "tests/unit/sandbox_probe.h"
#include "tests/unit/suite.h"

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

int
main(void)
{
	TCase *tc = tcase_create("root");
	int first = probe_first();

	tcase_add_checked_fixture(tc, setup, teardown);
	if (!probe_sanitized())
		tcase_add_loop_test(tc, privileges_and_limits, first, WHO_MAX);
	tcase_add_test(tc, root_is_given_up);
	tcase_add_test(tc, root_that_stays);
	tcase_add_loop_test(tc, number_of_files, first, WHO_MAX);
	tcase_add_test(tc, too_many_files);
	tcase_add_loop_test(tc, size_of_files, first, WHO_MAX);
	tcase_add_loop_test(tc, log_to_a_file, first, WHO_MAX);
	return (suite_run("sandbox root", tc));
}
