/* SPDX-License-Identifier: ISC */
/*
 * Probes of a sandbox: a forked process enters it, tries one thing, and its
 * exit status tells what came of it.
 */
#ifndef TESTS_UNIT_SANDBOX_PROBE_H
#define TESTS_UNIT_SANDBOX_PROBE_H

#include "common/sandbox.h"

/* As root with a uid to take, or as somebody who is nobody already. */
enum probe_who { WHO_ROOT, WHO_NOBODY, WHO_MAX };

#define PROBE_UID	59998	/* what root's probes become */
#define PROBE_GID	59998

#define PROBE_SIGNAL	1000	/* + the signal that ended it */
#define PROBE_NO_ENTRY	2000	/* sandbox_enter() failed */

/* Returns 0 if it worked, else errno. */
typedef int (*probe_fn)(void *);

struct probe {
	const struct sandbox_profile	*profile;
	enum sandbox_mode		 mode;
	enum probe_who			 who;
	const char			*chroot_dir;	/* of root; may be NULL */
	const struct sandbox_path	*paths;
	bool				 keep_uid;	/* root stays root */
	bool				 keep_stderr;
};

/* One thing to try, and what is to come of it. */
struct probe_case {
	const char	*name;
	probe_fn	 fn;
	int		 want;
};

/*
 * Fork, enter and try.  Returns what the function did, PROBE_SIGNAL + n, or
 * PROBE_NO_ENTRY; the report is then in probe_report().
 */
int	 probe_run(const struct probe *, probe_fn, void *);
const char *probe_report(void);

/*
 * Run all cases, ended by a NULL name, with the given argument; prints each
 * that went otherwise and returns their number.
 */
int	 probe_cases(const struct probe *, const struct probe_case *, void *);

/* The first probe_who that can be tested here. */
int	 probe_first(void);

/* True if this build has sanitizers, so that nothing is enforced. */
bool	 probe_sanitized(void);

/* What a profile without paths may not do, and without a chroot. */
extern const struct probe_case probe_no_files[];
/* What no profile may do, whatever it is for. */
extern const struct probe_case probe_never[];
/* What every process may do. */
extern const struct probe_case probe_always[];

#endif
