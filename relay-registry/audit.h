/* SPDX-License-Identifier: ISC */
/*
 * The audit log: who was let in or refused, what was registered or denied, what
 * was changed and by whom.  Records are rows of the registry's database, each
 * with the SHA-256 of itself and the one before (audit.c says of what exactly),
 * so that none can be changed or taken out without a trace.  The oldest go when
 * there are LIMIT_AUDIT, a part at a time; the hash of the last that went is
 * kept, and the chain begins there.
 *
 * What strangers can cause at any pace (refusals, denials) is recorded one by
 * one up to LIMIT_AUDIT_RATE a second of each kind; the rest is counted, and
 * the count recorded.
 */
#ifndef RELAY_REGISTRY_AUDIT_H
#define RELAY_REGISTRY_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/limits.h"
#include "common/wire.h"

#define AUDIT_HASH_SIZE	65	/* bytes of a hash in lower-case hex, NUL */

struct registry;
struct when;

/* Numbers are in the database: they never change their meaning. */
enum audit_event {
	AUDIT_START = 1,	/* of the registry; detail: version */
	AUDIT_CONFIG,		/* a generation is in force */
	AUDIT_ADMIT,		/* subject: node; object: address; how */
	AUDIT_REFUSE,		/* the same; detail: reason */
	AUDIT_END,		/* a session; detail: reason */
	AUDIT_REGISTER,		/* subject: node; detail: counts */
	AUDIT_REJECT,		/* subject: node; object: service; rule */
	AUDIT_DENY,		/* a call: caller, target, method and rule */
	AUDIT_PEER,		/* added or deleted: by whom; URL */
	AUDIT_TOKEN,		/* made or revoked: by whom; its name */
	AUDIT_NODE,		/* enrolled, disabled ...: by whom; node */
	AUDIT_MORE,		/* object: an event; detail: how many more */
	AUDIT_MAX
};

/* Of a kind that strangers cause: what was recorded in this second. */
struct audit_rate {
	int64_t		since_ms;
	uint32_t	n;
	uint32_t	more;		/* not told one by one */
};

/* The head of the log, as it is in the database or will be at the commit. */
struct audit {
	uint32_t	limit;		/* LIMIT_AUDIT, or less in tests */
	uint64_t	seq;		/* of the last record */
	uint64_t	count;		/* of records that are there */
	char		anchor[AUDIT_HASH_SIZE];	/* before the first */
	char		hash[AUDIT_HASH_SIZE];		/* of the last */
	bool		changed;
	struct audit_rate rate[AUDIT_MAX];
};

/* "start", "config" ...; "unknown" for a number that is none. */
const char	*audit_event_name(int64_t);

/*
 * Record one, in the transaction of this turn, which is begun if need be.
 * Texts are cleaned and cut; none may hold a secret.
 */
void	audit_note(struct registry *, enum audit_event, struct span subject,
	    struct span object, struct span detail, struct when);
/* The same with C strings. */
void	audit_text(struct registry *, enum audit_event, const char *subject,
	    const char *object, const char *detail, struct when);
/* As audit_text() by one who asks through the control socket. */
#define AUDIT_BY_CONTROL	"control socket"

/* So many more of a kind happened and were not told one by one. */
void	audit_more(struct registry *, enum audit_event, uint32_t,
	    struct when);

/* --- the life of the registry --- */

/*
 * Find the head and record the start, in a transaction; false: the database
 * failed.  A log that is not whole is continued so that it never will be.
 */
bool	audit_open(struct registry *, struct when);
/* Something was recorded that the database does not have. */
bool	audit_pending(const struct registry *);
/* The transaction ends well, or did not. */
void	audit_commit(struct registry *);
void	audit_rollback(struct registry *);
/* Record what was counted and is over. */
void	audit_tick(struct registry *, struct when);

/* --- questions --- */

#define AUDIT_PAGE	5000	/* records shown at once: 8 MB at most */

struct audit_row {
	uint64_t	 seq;
	int64_t		 time_ms;	/* since 1970 */
	int64_t		 event;
	const char	*subject, *object, *detail;
};

/*
 * The last records, as many as asked for and at most AUDIT_PAGE, before one (0:
 * the end), oldest first.  False if the database failed.
 */
bool	audit_each(struct registry *, uint64_t, uint32_t,
	    void (*)(void *, const struct audit_row *), void *);

struct audit_check {
	uint64_t	records, first_seq, last_seq;
	bool		ok;
	uint64_t	broken_at;	/* the first that is not as it was, or
					 * is missing; 0: none */
	char		head[AUDIT_HASH_SIZE];	/* hash of the last */
};

/* Go through all records.  False if the database failed. */
bool	audit_verify(struct registry *, struct audit_check *);

#endif
