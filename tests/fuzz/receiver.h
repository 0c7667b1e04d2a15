/* SPDX-License-Identifier: ISC */
/*
 * The frame of a process in a fuzzer or a test: what child.h declares, for a
 * real program whose parent and peers are made up.
 */
#ifndef TESTS_FUZZ_RECEIVER_H
#define TESTS_FUZZ_RECEIVER_H

#include "common/child.h"

#define RECEIVER_GENERATION	1	/* of its configuration, always */
#define RECEIVER_ID		1000000	/* the first one given out */

/* What happens beside the messages of the table, as types of the input. */
enum receiver_special {
	RECEIVER_END_PEER = 0xffff,	/* it ended, and was started anew */
	RECEIVER_FD_WRITE = 0xfffe,	/* u8 which, bytes */
	RECEIVER_FD_CLOSE = 0xfffd,	/* u8 which */
	RECEIVER_OWN = 0xfffc,		/* what the fuzzer makes of it */
	RECEIVER_LOSE_PEER = 0xfffb,	/* it ended, and is not there yet */
	RECEIVER_SPECIAL = RECEIVER_LOSE_PEER	/* the first of them */
};

/* What each fuzzer says of its program. */
struct receiver {
	void		*ctx[2];	/* zeroed contexts: of a Main, of a home;
					 * the latter NULL if it is all the same */
	unsigned int	 peers;		/* PROC_BIT()s, without the parent */
	/*
	 * Gives the configuration by receiver_feed(), and sets the ids that
	 * come next to RECEIVER_ID, for an input to do the same each time;
	 * false: one that has the node and nothing else.
	 */
	void		(*configure)(struct child *, bool);
	/* True when nothing is left of what the peers have done. */
	bool		(*idle)(const void *);

	/* --- these may be NULL --- */

	/* The fd for a message of that type, else receiver_socket(). */
	int		(*make_fd)(struct child *, unsigned int);
	/* RECEIVER_OWN. */
	void		(*own)(struct child *, const uint8_t *, size_t);
	/* All is unconfigured: what the parent still owes to the program. */
	void		(*settle)(struct child *);
};

extern const struct receiver	 receiver;

/* One message, or what happens beside them. */
struct receiver_message {
	enum proc_id	 from;
	unsigned int	 type;
	uint8_t		*data;
	size_t		 len;
};

/* The value of one field, by the name it has in the message table. */
struct receiver_value {
	const char	*name;
	uint64_t	 number;
	const char	*text;
};

/* --- receiver.c --- */

/* The program with its configuration and its peers; on a home or a Main. */
struct child	*receiver_start(bool);
/*
 * Hands one message to the program, if the table lets it pass.  The ids that
 * it names are put into it.  False if a handler found it malformed: then its
 * sender is ended, or the process if that trusts it.
 */
bool		 receiver_take(struct child *,
		    const struct receiver_message *);
/* The same for one that is made here, without an fd, and does pass. */
bool		 receiver_tell(struct child *, enum proc_id, enum msg_type,
		    const struct receiver_value *, size_t);
/* The peers go, the deadlines pass; abort() if anything is left of them. */
void		 receiver_end(struct child *);
/* Keeps an fd as one that the input may write to and close. */
void		 receiver_keep_fd(struct child *, int);
/* One end of a socketpair, to be given to the program; the other is kept. */
int		 receiver_socket(struct child *);

/* --- receiver_child.c --- */

void		*receiver_ctx(struct child *);
/* Time passes, then the loop turns. */
void		 receiver_later(struct child *, int64_t);
void		 receiver_turn(struct child *);

/* --- receiver_table.c --- */

#define RECEIVER_PAYLOAD	1024	/* bytes of what is encoded here */

/*
 * The payload of a message: its fields by the table, those not named zero or
 * empty.  The field "service" is a service of that name.
 */
void		 receiver_encode(struct wire_put *, enum msg_type,
		    const struct receiver_value *, size_t);
/*
 * A message of the parent with the fd or -1, to the program's handler; it must
 * be taken.
 */
void		 receiver_feed(struct child *, enum msg_type,
		    const struct receiver_value *, size_t, int);
void		 receiver_feed_node(struct child *);
/* CONF_SERVICE of that index: the backend's kind as in the message table. */
void		 receiver_feed_service(struct child *, uint32_t, const char *,
		    uint8_t, uint32_t);
/* CONF_UPLINK of that index. */
void		 receiver_feed_uplink(struct child *, uint32_t, const char *,
		    uint16_t);

/* --- receiver_wire.c --- */

/* The n-th id that the program has given out since receiver_start(), or 0. */
uint64_t	 receiver_id(const struct child *, size_t);

/* The program's main(), renamed by the compiler's command line. */
int		 program_main(void);

#endif
