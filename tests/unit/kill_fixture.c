/* SPDX-License-Identifier: ISC */
/* See kill_fixture.h. */
#include <sys/types.h>
#include <sys/wait.h>

#include <check.h>
#include <signal.h>
#include <unistd.h>

#include "tests/unit/kill_fixture.h"

void
kill_writer(void (*writer)(int), int n)
{
	int fds[2], i, status;
	char byte;
	pid_t pid;

	ck_assert_int_eq(pipe(fds), 0);
	ck_assert_int_ne(pid = fork(), -1);
	if (pid == 0)
		writer(fds[1]);
	close(fds[1]);
	for (i = 0; i < n; i++)
		ck_assert_int_eq(read(fds[0], &byte, 1), 1);
	ck_assert_int_eq(kill(pid, SIGKILL), 0);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	close(fds[0]);
}
