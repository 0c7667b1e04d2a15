/* SPDX-License-Identifier: ISC */
/* sandbox_enter(): the network, other processes and abstract sockets. */
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/sandbox_fixture.h"
#include "tests/unit/sandbox_probe.h"
#include "tests/unit/suite.h"

static const struct sandbox_profile no_net = {
	.name = "no_net", .allow = net_calls,
};

static const char *const server_calls[] = { "accept4", NULL };

static const struct sandbox_profile server = {
	.name = "server", .allow = server_calls,
};

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

static void
add_enforced(TCase *tc, int first)
{
	tcase_add_loop_test(tc, network, first, WHO_MAX);
	tcase_add_loop_test(tc, inherited_listener, first, WHO_MAX);
	tcase_add_test(tc, abstract_socket);
	tcase_add_test(tc, signal_scope);
}

int
main(void)
{
	TCase *tc = tcase_create("network");
	int first = probe_first();

	tcase_add_checked_fixture(tc, setup, teardown);
	if (!probe_sanitized())
		add_enforced(tc, first);
	tcase_add_test(tc, network_namespace);
	return (suite_run("sandbox network", tc));
}
