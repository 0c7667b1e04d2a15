/* SPDX-License-Identifier: ISC */
/*
 * What a test and a program that was taken over have in common: a file beside
 * the program, mapped by both.  tests/lib/puppet.py has the same numbers.
 */
#ifndef TESTS_HOSTILE_PUPPET_H
#define TESTS_HOSTILE_PUPPET_H

#include <stdint.h>

#define PUPPET_FILE	"puppet"	/* the name behind that of the program */
#define PUPPET_SIZE	(16U << 20)	/* bytes of the file */
#define PUPPET_DATA	4096U		/* offset of what an order points to */
#define PUPPET_HEARD	(8U << 20)	/* offset of the messages it got */
#define PUPPET_POLL_MS	2		/* how often it looks for orders */
#define PUPPET_NOTE_MAX	65536U		/* bytes of a message that are kept */

enum puppet_op {
	PUPPET_SYSCALL = 1,	/* args: number, six arguments */
	PUPPET_SEND,		/* args: process, offset, length, fd or -1 */
	PUPPET_FD		/* args: process; returns the channel's fd */
};

/*
 * When something is sent without an order, once each time it is due.  Before
 * a process is in service there is nobody to give one; it waits until it is
 * due, and goes no further by itself than that.
 */
enum puppet_stage {
	PUPPET_NEVER,
	PUPPET_IN_SETUP,	/* to the parent, in place of HELLO_ACK */
	PUPPET_IN_CONF,		/* to the parent, in place of CONF_READY */
	PUPPET_IN_RUN		/* once it is in service */
};

/* Each number is written by one side only, asked and done last. */
struct puppet {
	uint64_t	 pid;		/* of the one that listens */
	uint64_t	 base;		/* where it has this file */
	uint64_t	 asked;		/* number of the order */
	uint64_t	 done;		/* of the last one that is over */
	uint64_t	 op;
	int64_t		 args[8];
	int64_t		 result;
	uint64_t	 error;		/* errno */
	uint64_t	 heard;		/* bytes at PUPPET_HEARD */
	uint64_t	 stage;		/* enum puppet_stage */
	uint64_t	 stage_len;	/* bytes at PUPPET_DATA for it */
	uint64_t	 mute;		/* messages it is to swallow: MSG_* */
	uint64_t	 due;		/* number of what is to be sent */
	uint64_t	 sent;		/* number of what was sent last */
	uint64_t	 stage_to;	/* process, PUPPET_IN_RUN */
	uint64_t	 stage_fd;	/* with an fd */
	uint64_t	 once;		/* one each life, as it ends by it */
};

#endif
