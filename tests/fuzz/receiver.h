/* SPDX-License-Identifier: ISC */
/*
 * The frame of a process in a fuzzer: what child.h declares, for a real
 * program whose messages come from the fuzzer's input.
 */
#ifndef TESTS_FUZZ_RECEIVER_H
#define TESTS_FUZZ_RECEIVER_H

#include "common/child.h"

#define RECEIVER_GENERATION	1	/* of its configuration, always */

/* What each fuzzer says of its program. */
struct receiver {
	void		*ctx[2];	/* zeroed contexts: of a Main, of a home;
					 * the latter NULL if it is all the same */
	unsigned int	 peers;		/* PROC_BIT()s, without the parent */
	/*
	 * Gives the configuration by receiver_feed(); false: one that has the
	 * node and nothing else.
	 */
	void		(*configure)(struct child *, bool);
};

extern const struct receiver	 receiver;

/* A message of the parent, to the program's handler; it must be taken. */
void	receiver_feed(struct child *, enum msg_type, const struct wire_put *);
void	receiver_feed_node(struct child *);
/* CONF_SERVICE of that index: the backend's kind as in the message table. */
void	receiver_feed_service(struct child *, uint32_t, const char *, uint8_t,
	    uint32_t);

/* The program's main(), renamed by the compiler's command line. */
int	program_main(void);

#endif
