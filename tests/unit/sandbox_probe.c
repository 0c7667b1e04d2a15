/* SPDX-License-Identifier: ISC */
/* See sandbox_probe.h. */
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/sandbox_probe.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED	true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define SANITIZED	true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED	false
#endif

#define NOBODY		65534
#define EXIT_NO_ENTRY	255
#define REPORT_SIZE	1024

/* Written by the forked process, read by the test. */
static char *report;

bool
probe_sanitized(void)
{
	return (SANITIZED);
}

int
probe_first(void)
{
	if (geteuid() == 0)
		return (WHO_ROOT);
	fprintf(stderr, "skipped: what needs root (uid is %d)\n",
	    (int)geteuid());
	return (WHO_NOBODY);
}

const char *
probe_report(void)
{
	return (report == NULL ? "" : report);
}

static void
become_nobody(void)
{
	/* A change of uid hides what only the sandbox must do: undo that. */
	if (geteuid() != 0)
		return;
	if (setgroups(0, NULL) == -1 ||
	    setresgid(NOBODY, NOBODY, NOBODY) == -1 ||
	    setresuid(NOBODY, NOBODY, NOBODY) == -1 ||
	    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == -1)
		abort();
}

/* Root with groups beside its own, as a login has them. */
static void
join_groups(void)
{
	static const gid_t groups[] = { 1, 2, 3 };

	if (setgroups(3, groups) == -1)
		abort();
}

static void
quiet(void)
{
	int fd;

	if ((fd = open("/dev/null", O_RDWR)) == -1)
		abort();
	dup2(fd, STDIN_FILENO);
	dup2(fd, STDOUT_FILENO);
	dup2(fd, STDERR_FILENO);
	if (fd > STDERR_FILENO)
		close(fd);
}

static void
probe_child(const struct probe *p, probe_fn fn, void *arg)
{
	struct sandbox_request req = {
		.profile = p->profile,
		.mode = p->mode,
		.uid = (uid_t)-1,
		.gid = (gid_t)-1,
		.paths = p->paths,
	};

	if (!p->keep_stderr)
		quiet();
	if (p->who == WHO_NOBODY)
		become_nobody();
	else {
		join_groups();
		if (!p->keep_uid) {
			req.uid = PROBE_UID;
			req.gid = PROBE_GID;
		}
		req.chroot_dir = p->chroot_dir;
	}
	if (sandbox_enter(&req, report, REPORT_SIZE) == -1)
		_exit(EXIT_NO_ENTRY);
	_exit(fn(arg));
}

int
probe_run(const struct probe *p, probe_fn fn, void *arg)
{
	pid_t pid;
	int status;

	if (report == NULL) {
		report = mmap(NULL, REPORT_SIZE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (report == MAP_FAILED)
			abort();
	}
	report[0] = '\0';
	if ((pid = fork()) == -1)
		abort();
	if (pid == 0)
		probe_child(p, fn, arg);
	while (waitpid(pid, &status, 0) == -1) {
		if (errno != EINTR)
			abort();
	}
	if (WIFSIGNALED(status))
		return (PROBE_SIGNAL + WTERMSIG(status));
	if (WEXITSTATUS(status) == EXIT_NO_ENTRY)
		return (PROBE_NO_ENTRY);
	return (WEXITSTATUS(status));
}

int
probe_cases(const struct probe *p, const struct probe_case *cases, void *arg)
{
	int got, wrong = 0;

	for (; cases->name != NULL; cases++) {
		got = probe_run(p, cases->fn, arg);
		if (got == cases->want)
			continue;
		wrong++;
		fprintf(stderr, "%s, %s, %s: got %d, want %d (%s)\n",
		    p->profile->name, p->who == WHO_ROOT ? "root" : "nobody",
		    cases->name, got, cases->want, probe_report());
	}
	return (wrong);
}
