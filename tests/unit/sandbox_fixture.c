/* SPDX-License-Identifier: ISC */
/* See sandbox_fixture.h. */
#include <sys/socket.h>
#include <sys/stat.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/sandbox_fixture.h"
#include "tests/unit/sandbox_probe.h"
#include "tests/unit/suite.h"

char dir[64], empty[80], inside[80], outside[80];
const struct sandbox_profile plain = { .name = "plain" };

static const char *const file_calls[] = {
	"openat", "newfstatat", "mkdir", "mkdirat", "unlink", "unlinkat",
	"rename", "renameat", "renameat2", "ftruncate", "truncate", "pread64",
	"pwrite64", NULL
};

const struct sandbox_profile files = {
	.name = "files", .allow = file_calls, .fsize = 4096,
};

const char *const net_calls[] = {
	"socket", "connect", "bind", "listen", "setsockopt", NULL
};

const struct sandbox_profile net = {
	.name = "net", .allow = net_calls, .network = true,
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

void
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

void
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

struct probe
probe_of(const struct sandbox_profile *profile, int who)
{
	return ((struct probe){
		.profile = profile,
		.mode = SANDBOX_ENFORCE,
		.who = (enum probe_who)who,
		.chroot_dir = empty,
	});
}

int
nothing(void *arg)
{
	(void)arg;
	return (0);
}

int
open_as(const char *path, int flags)
{
	int fd;

	if ((fd = open(path, flags, 0600)) == -1)
		return (errno);
	close(fd);
	return (0);
}

int
read_outside(void *arg)
{
	(void)arg;
	return (open_as(outside, O_RDONLY));
}

int
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

int
fork_fails(void *arg)
{
	pid_t pid;

	(void)arg;
	if ((pid = fork()) == 0)
		_exit(0);
	return (OUTCOME(pid));
}
