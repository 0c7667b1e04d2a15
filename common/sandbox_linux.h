/* SPDX-License-Identifier: ISC */
/*
 * Private to sandbox*.c: the two kernel mechanisms that sandbox_enter() puts
 * into its order.
 */
#ifndef COMMON_SANDBOX_LINUX_H
#define COMMON_SANDBOX_LINUX_H

#include <stddef.h>

#include "common/sandbox.h"

/*
 * Build the Landlock ruleset of a request while its paths can still be seen,
 * that is before chroot.  A path that does not exist is skipped.  On success
 * *abi is the kernel's ABI and the ruleset's fd (the caller's to close) is
 * returned; -1 with *abi 0 if the kernel has no Landlock, and -1 with *abi
 * set if a step failed; both with the reason in the buffer.
 */
int	sandbox_landlock_prepare(const struct sandbox_request *, int *, char *,
	    size_t);
/*
 * Put the ruleset in force for this process.  Needs no_new_privs.  Returns 0,
 * or -1 with errno.
 */
int	sandbox_landlock_enforce(int);

/*
 * Load the system call filter of a profile.  With SANDBOX_LOG what would be
 * refused is only logged by the kernel.  Returns 0, or -1 with the reason in
 * the buffer.
 */
int	sandbox_seccomp_load(const struct sandbox_profile *, enum sandbox_mode,
	    char *, size_t);

#endif
