/* SPDX-License-Identifier: ISC */
/*
 * The sandbox profile of a real program.  This is linked with all of the
 * program's own objects and the linker's --wrap=child_run: its main() comes
 * here, where the profile it gives is put to the test.
 */
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <netinet/in.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/child.h"
#include "tests/unit/sandbox_probe.h"
#include "tests/unit/suite.h"

#define OUTCOME(expr)	((expr) == -1 ? errno : 0)

/* What DESIGN.md says of each: what it may, and by that what it may not. */
struct may {
	bool	accept;
	bool	connect;
	bool	files;		/* of its own directory */
};

static const struct may mays[PROC_MAX] = {
	[PROC_FRONTEND] = { .accept = true },
	[PROC_DIALER] = { .connect = true },
	[PROC_BACKEND] = { .files = false },
	[PROC_ROUTER] = { .files = false },
	[PROC_REGISTRY] = { .files = true },
	[PROC_KEEPER] = { .files = false },
};

static const struct child_ops *program;
static struct may may;
static char dir[64], other[64];

/* --- probes --- */

static void
setup(void)
{
	snprintf(dir, sizeof(dir), "/tmp/relayd-test-profile.XXXXXX");
	snprintf(other, sizeof(other), "/tmp/relayd-test-profile.XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	ck_assert_ptr_nonnull(mkdtemp(other));
	ck_assert_int_eq(chmod(dir, 0777) | chmod(other, 0777), 0);
}

static void
teardown(void)
{
	(void)rmdir(dir);
	(void)rmdir(other);
}

/* As common/child.c would enter it. */
static struct probe
probe_of(int who, struct sandbox_path *paths)
{
	paths[0] = (struct sandbox_path){ dir, SANDBOX_READ | SANDBOX_WRITE };
	paths[1] = (struct sandbox_path){ NULL, 0 };
	return ((struct probe){
		.profile = program->profile,
		.mode = SANDBOX_ENFORCE,
		.who = (enum probe_who)who,
		.chroot_dir = dir,
		.paths = program->self == PROC_REGISTRY ? paths : NULL,
	});
}

START_TEST(always)
{
	struct sandbox_path paths[2];
	struct probe p = probe_of(_i, paths);

	ck_assert_int_eq(probe_cases(&p, probe_always, NULL), 0);
}
END_TEST

START_TEST(never)
{
	struct sandbox_path paths[2];
	struct probe p = probe_of(_i, paths);

	ck_assert_int_eq(probe_cases(&p, probe_never, NULL), 0);
}
END_TEST

/* Without a chroot, so that it is not that which hides the files. */
START_TEST(no_foreign_files)
{
	struct sandbox_path paths[2];
	struct probe p = probe_of(_i, paths);

	p.chroot_dir = NULL;
	ck_assert_int_eq(probe_cases(&p, probe_no_files, NULL), 0);
}
END_TEST

static int
use_directory(void *arg)
{
	char a[128];
	int fd;

	snprintf(a, sizeof(a), "%s/file", (char *)arg);
	fd = open(a, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return (errno);
	if (pwrite(fd, "text", 4, 0) != 4 || fsync(fd) == -1 ||
	    ftruncate(fd, 2) == -1 || close(fd) == -1 || unlink(a) == -1)
		return (errno);
	return (0);
}

START_TEST(own_directory)
{
	struct sandbox_path paths[2];
	struct probe p = probe_of(_i, paths);
	/* After a chroot it is the root. */
	char *at = _i == WHO_ROOT ? (char *)(uintptr_t)"" : dir;

	ck_assert_int_eq(probe_run(&p, use_directory, at),
	    may.files ? 0 : EACCES);
	p.chroot_dir = NULL;
	ck_assert_int_eq(probe_run(&p, use_directory, dir),
	    may.files ? 0 : EACCES);
	ck_assert_int_eq(probe_run(&p, use_directory, other), EACCES);
}
END_TEST

static int
any_socket(void *arg)
{
	return (OUTCOME(socket(*(int *)arg, SOCK_STREAM | SOCK_CLOEXEC, 0)));
}

START_TEST(sockets)
{
	struct sandbox_path paths[2];
	struct probe p = probe_of(_i, paths);
	int family[] = { AF_INET, AF_INET6 };
	int i, want = may.connect ? 0 : EACCES;

	for (i = 0; i < 2; i++)
		ck_assert_int_eq(probe_run(&p, any_socket, &family[i]), want);
}
END_TEST

struct target {
	int			fd;	/* a socket made before the sandbox */
	struct sockaddr_in	sin;
};

static int
connect_it(void *arg)
{
	struct target *t = arg;

	return (OUTCOME(connect(t->fd, (struct sockaddr *)&t->sin,
	    sizeof(t->sin))));
}

static int
bind_it(void *arg)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	struct target *t = arg;

	return (OUTCOME(bind(t->fd, (struct sockaddr *)&sin, sizeof(sin))));
}

static int
listen_it(void *arg)
{
	return (OUTCOME(listen(((struct target *)arg)->fd, 8)));
}

static int
accept_it(void *arg)
{
	struct target *t = arg;

	return (OUTCOME(accept4(t->fd, NULL, NULL, SOCK_CLOEXEC)));
}

/* A listener on loopback in t->sin; returned. */
static int
make_target(struct target *t)
{
	socklen_t len = sizeof(t->sin);
	int listener;

	memset(t, 0, sizeof(*t));
	t->sin.sin_family = AF_INET;
	t->sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(listener, 0);
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&t->sin, len), 0);
	ck_assert_int_eq(listen(listener, 8), 0);
	ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&t->sin,
	    &len), 0);
	t->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_ge(t->fd, 0);
	return (listener);
}

/* Even with a socket in hand that somebody else made. */
START_TEST(network)
{
	struct sandbox_path paths[2];
	struct probe p = probe_of(_i, paths);
	struct target t;
	int listener;

	listener = make_target(&t);
	ck_assert_int_ne(probe_run(&p, bind_it, &t), 0);
	ck_assert_int_ne(probe_run(&p, listen_it, &t), 0);
	if (may.connect)
		ck_assert_int_eq(probe_run(&p, connect_it, &t), 0);
	else {
		ck_assert_int_eq(probe_run(&p, connect_it, &t), EACCES);
		/* Not for want of a listener: */
		ck_assert_int_eq(connect_it(&t), 0);
	}
	close(t.fd);
	close(listener);
}
END_TEST

START_TEST(accepting)
{
	struct sandbox_path paths[2];
	struct probe p = probe_of(_i, paths);
	struct target t;
	int client, listener;

	listener = make_target(&t);
	ck_assert_int_eq(connect_it(&t), 0);
	client = t.fd;
	t.fd = listener;
	ck_assert_int_eq(probe_run(&p, accept_it, &t),
	    may.accept ? 0 : ENOSYS);
	close(client);
	close(listener);
}
END_TEST

static int
nothing(void *arg)
{
	(void)arg;
	return (0);
}

START_TEST(all_in_force)
{
	struct sandbox_path paths[2];
	struct probe p = probe_of(_i, paths);

	ck_assert_int_eq(probe_run(&p, nothing, NULL), 0);
	ck_assert_ptr_nonnull(strstr(probe_report(), "seccomp=enforce"));
	if (_i == WHO_ROOT) {
		ck_assert_ptr_null(strstr(probe_report(), "not in force"));
		ck_assert(may.connect ==
		    (strstr(probe_report(), "netns") == NULL));
	}
}
END_TEST

START_TEST(sanitizer_build)
{
	struct sandbox_path paths[2];
	struct probe p = probe_of(_i, paths);

	ck_assert_int_eq(probe_run(&p, nothing, NULL), 0);
	ck_assert_ptr_nonnull(strstr(probe_report(), "seccomp=log"));
}
END_TEST

static void
add_tests(TCase *tc, int first)
{
	if (probe_sanitized()) {
		tcase_add_loop_test(tc, sanitizer_build, first, WHO_MAX);
		return;
	}
	tcase_add_loop_test(tc, always, first, WHO_MAX);
	tcase_add_loop_test(tc, never, first, WHO_MAX);
	tcase_add_loop_test(tc, no_foreign_files, first, WHO_MAX);
	tcase_add_loop_test(tc, own_directory, first, WHO_MAX);
	tcase_add_loop_test(tc, sockets, first, WHO_MAX);
	tcase_add_loop_test(tc, network, first, WHO_MAX);
	tcase_add_loop_test(tc, accepting, first, WHO_MAX);
	tcase_add_loop_test(tc, all_in_force, first, WHO_MAX);
}

void	__wrap_child_run(const struct child_ops *, void *)
	    __attribute__((noreturn));

void
__wrap_child_run(const struct child_ops *ops, void *ctx)
{
	TCase *tc = tcase_create("profile");

	(void)ctx;
	program = ops;
	may = mays[ops->self];
	tcase_add_checked_fixture(tc, setup, teardown);
	add_tests(tc, probe_first());
	exit(suite_run(ops->profile->name, tc));
}
