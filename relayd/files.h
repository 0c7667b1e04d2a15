/* SPDX-License-Identifier: ISC */
/*
 * Files that the configuration names: keys, certificates, authorities and
 * secrets.  The parent opens them, each time anew, and hands the fds over;
 * what is in them is read by those who need it.
 */
#ifndef RELAYD_FILES_H
#define RELAYD_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "relayd/conf.h"

enum file_kind {
	FILE_PUBLIC,		/* certificates */
	FILE_KEY,		/* PEM, for nobody else to read */
	FILE_SECRET		/* a line, for nobody else to read */
};

/*
 * Open a file for reading, if only root and the caller can write it, and, what
 * is no certificate, read it.  A symbolic link is followed, and what it leads
 * to is judged.  Returns the fd, or -1 and why.
 */
int	file_open(const char *, enum file_kind, char *, size_t);
/* Open and close every file of a configuration; false with reasons appended. */
bool	files_check(const struct conf *, struct conf_errors *);

/*
 * What the files of certificates and of their keys are now: another number
 * when one of them was written or replaced.
 */
uint64_t files_mark(const struct conf *);

/* Fds in the order in which they are taken. */
struct files {
	int	*fds;
	size_t	 count;
	size_t	 taken;
};

/*
 * Open what a child gets, in the order of the functions of confsend.c.  False
 * with the reason, and then nothing is open.
 */
bool	files_open(struct files *, enum proc_id, const struct conf *,
	    const char *, char *, size_t);
/* The next fd, which is the caller's; -1: the file is gone, as it may be. */
int	files_take(struct files *);
void	files_free(struct files *);

#endif
