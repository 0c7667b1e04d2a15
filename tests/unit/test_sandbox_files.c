/* SPDX-License-Identifier: ISC */
/* sandbox_enter(): files, by Landlock. */
#include <sys/stat.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/sandbox_fixture.h"
#include "tests/unit/sandbox_probe.h"
#include "tests/unit/suite.h"

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

static void
add_enforced(TCase *tc, int first)
{
	tcase_add_loop_test(tc, paths_that_are_granted, first, WHO_MAX);
	tcase_add_loop_test(tc, paths_for_reading, first, WHO_MAX);
	tcase_add_loop_test(tc, paths_without_landlock, first, WHO_MAX);
	tcase_add_test(tc, paths_before_chroot);
}

int
main(void)
{
	TCase *tc = tcase_create("files");
	int first = probe_first();

	tcase_add_checked_fixture(tc, setup, teardown);
	if (!probe_sanitized())
		add_enforced(tc, first);
	return (suite_run("sandbox files", tc));
}
