/* SPDX-License-Identifier: ISC */
/* Starting a service's process (relayd/spawn.c). */
#include <sys/wait.h>

#include <check.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "relayd/relayd.h"
#include "tests/unit/suite.h"

static char		 program[] = "/bin/sleep", argument[] = "100";
static char		*argv[] = { program, argument, NULL };
static char		 root_dir[] = "/", node_id[] = "x.home";
static struct conf	 conf = { .node_id = node_id };
static struct relayd	 rd = { .conf = &conf, .nofile = 64 };
static struct conf_service svc = { .argv = argv, .directory = root_dir };
static struct instance	 in = { .rd = &rd, .svc = &svc, .name = "s/0" };

static void
on_signal(evutil_socket_t sig, short what, void *arg)
{
	unsigned int *count = arg;

	(void)sig;
	(void)what;
	(*count)++;
}

/* What is sent to a process that was just forked is for it alone. */
START_TEST(signal_before_exec)
{
	struct event_base *base = event_base_new();
	struct event *ev;
	unsigned int i, count = 0;
	int io, err, status;

	ev = evsignal_new(base, SIGTERM, on_signal, &count);
	ck_assert_int_eq(evsignal_add(ev, NULL), 0);
	for (i = 0; i < 100; i++) {
		ck_assert_int_eq(instance_spawn(&in, &io, &err), 0);
		ck_assert_int_eq(kill(in.pid, SIGTERM), 0);
		ck_assert_int_eq(waitpid(in.pid, &status, 0), in.pid);
		ck_assert(WIFSIGNALED(status));
		ck_assert_int_eq(WTERMSIG(status), SIGTERM);
		ck_assert_int_eq(close(io), 0);
		ck_assert_int_eq(close(err), 0);
	}
	ck_assert_int_ne(event_base_loop(base, EVLOOP_NONBLOCK), -1);
	ck_assert_uint_eq(count, 0);
	event_free(ev);
	event_base_free(base);
}
END_TEST

/* Ours are as they were. */
START_TEST(own_signals)
{
	sigset_t before, after;
	int io, err;

	sigemptyset(&before);
	sigaddset(&before, SIGUSR1);
	sigprocmask(SIG_SETMASK, &before, NULL);
	ck_assert_int_eq(instance_spawn(&in, &io, &err), 0);
	sigprocmask(SIG_SETMASK, NULL, &after);
	ck_assert_int_eq(sigismember(&after, SIGUSR1), 1);
	ck_assert_int_eq(sigismember(&after, SIGTERM), 0);
	ck_assert_int_eq(kill(in.pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(in.pid, NULL, 0), in.pid);
	close(io);
	close(err);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("spawn");

	tcase_add_test(tc, signal_before_exec);
	tcase_add_test(tc, own_signals);
	return (suite_run("spawn", tc));
}
