/* SPDX-License-Identifier: ISC */
/*
 * sandbox_enter(): give up everything a process does not need (DESIGN.md,
 * "Sandbox").  Each program's folder has its own profile; this is the one
 * function that applies it, in the one right order.
 */
#ifndef COMMON_SANDBOX_H
#define COMMON_SANDBOX_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum sandbox_mode { SANDBOX_ENFORCE = 1, SANDBOX_LOG, SANDBOX_OFF };

/* Rights below a directory or on a file, for Landlock. */
#define SANDBOX_READ	0x1U
#define SANDBOX_WRITE	0x2U		/* create, write, rename, remove */

struct sandbox_path {
	const char	*path;		/* as seen before chroot */
	unsigned int	 rights;
};

struct sandbox_profile {
	const char	*name;
	/*
	 * System calls by name on top of the common list every process needs
	 * (memory, clocks, futex, exit, epoll, read, write, close, recvmsg,
	 * sendmsg ...), ended by NULL.  Unknown names are skipped; one that
	 * kills (execve, ptrace ...) is an error.  What an argument decides
	 * is not widened: no PROT_EXEC, no clone, of sockets only AF_INET and
	 * AF_INET6.  fstat(3) of glibc needs "newfstatat".
	 */
	const char	*const *allow;
	/* Needs the network namespace (the dialer): do not unshare it. */
	bool		 network;
	/* May not open files at all (then Landlock grants nothing). */
	const struct sandbox_path *paths;	/* ended by NULL path, or NULL */
	/* RLIMIT_NOFILE; 0 leaves the inherited hard limit as the soft one. */
	uint64_t	 nofile;
	/* RLIMIT_FSIZE in bytes; 0 for "may not write files". */
	uint64_t	 fsize;
};

struct sandbox_request {
	const struct sandbox_profile *profile;
	enum sandbox_mode mode;
	uid_t		 uid;		/* (uid_t)-1: keep */
	gid_t		 gid;
	const char	*chroot_dir;	/* NULL: do not chroot */
	const struct sandbox_path *paths;	/* more paths known at run time,
						 * ended by NULL path, or NULL */
};

/*
 * Enter it.  What needs root is skipped without root.  report gets a line
 * such as "rlimit,caps,no_new_privs,undumpable,landlock=7,seccomp=enforce;
 * not in force: uid, chroot and namespaces (not root)".
 *
 * Mode log refuses no system call and no path: the kernel logs what the
 * filter would have refused, and Landlock is left out.  Mode off leaves out
 * both.  Limits, namespaces, chroot and uid hold in every mode.
 * Returns 0, or -1 with the failed step in report (the caller must exit).
 */
int	sandbox_enter(const struct sandbox_request *, char *, size_t);

/* "enforce", "log" or "off". */
const char	*sandbox_mode_name(enum sandbox_mode);

#endif
