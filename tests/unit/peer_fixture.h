/* SPDX-License-Identifier: ISC */
/*
 * A real router of a Main with links of homes and peers that are made up, and
 * every byte it sends kept for the test to look at.
 */
#ifndef TESTS_UNIT_PEER_FIXTURE_H
#define TESTS_UNIT_PEER_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "relay-router/router.h"
#include "tests/fuzz/receiver.h"

struct fx {
	struct child	*child;
	struct router	*router;
};

extern struct fx	 fx;

/* For a checked fixture; the end finds out whether anything is left. */
void	 fx_setup(void);
void	 fx_teardown(void);

/* A message with this payload; false if it was found malformed. */
bool	 fx_tell(enum proc_id, enum msg_type, const struct wire_put *);
/* A writer over one static buffer, empty. */
struct wire_put	*fx_put(void);

/* A link that is up: a home, a peer.  Returns the session. */
uint64_t fx_home(const char *);
uint64_t fx_peer(const char *);
/* Such a link is gone; its queue is full, or is not. */
void	 fx_down(uint64_t);
void	 fx_queue(uint64_t, bool);

/* A text message that comes over a session, as printf() makes it. */
void	 fx_text(uint64_t, const char *, ...)
	    __attribute__((format(printf, 2, 3)));

/*
 * Takes the oldest message of that type that was sent to that process, for
 * which the reader is set until the next is taken; false if there is none.
 */
bool	 fx_sent(enum proc_id, enum msg_type, struct wire_get *);
/* The oldest text sent over a session, a string, or NULL. */
const char	*fx_said(uint64_t);
/* Forgets all that was sent. */
void	 fx_forget(void);

/* A member of a text as fx_said() gave it: a string's characters, or "". */
const char	*fx_member(const char *, enum env_key);

#endif
