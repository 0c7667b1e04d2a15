/* SPDX-License-Identifier: ISC */
/*
 * A configuration with files, and what a child is sent of it: messages one by
 * one, their fds known by the sizes of the files.
 */
#ifndef TESTS_UNIT_CONFSEND_FIXTURE_H
#define TESTS_UNIT_CONFSEND_FIXTURE_H

#include <sys/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wire.h"
#include "relayd/relayd.h"

/* $cert, $key, $ca, $secret and $join, of 100 bytes, 101 and so on. */
#define NAMES	5

struct got {
	uint8_t		 buf[65536];
	size_t		 len;
	size_t		 at;
	off_t		 sizes[32];	/* of the files of the fds */
	size_t		 n_fds;
	size_t		 fd_at;
	struct wire_get	 msg;
};

void	confsend_setup(void);
void	confsend_teardown(void);
/* The path of the nth file. */
void	file_path(size_t, char *, size_t);
/* The configuration in a text in which names of files stand for paths. */
struct conf *parse(const char *);
/* Send all of it to a child, with added peers; false with the reason. */
bool	send_to(enum proc_id, const struct conf *, const struct peers *,
	    struct got *, char *, size_t);
/* The same, without such peers and without a failure. */
void	get(enum proc_id, const struct conf *, struct got *);
/* The next message, which must be of this type; its fd by the file's size. */
struct wire_get *expect(struct got *, enum msg_type, off_t);

#endif
