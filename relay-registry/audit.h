/* SPDX-License-Identifier: ISC */
/*
 * The audit log: who was let in or refused, what was registered or denied, what
 * was changed and by whom.  Records are rows of the registry's database, in
 * three chains by who causes them; each has the SHA-256 of itself and the one
 * before in its chain (audit.c says of what exactly), so that none can be
 * changed or taken out without a trace.  The oldest of a chain go when it has
 * its share of LIMIT_AUDIT, a part at a time; the hash of the last that went is
 * kept, and the chain begins there.
 *
 * So nobody pushes out what others caused: neither strangers what nodes did,
 * nor either of them what the operator did.  And within their own share they
 * are recorded one by one at the pace of audit_budget.h only; the rest is
 * counted, and the count recorded.  What the operator does is never left out.
 */
#ifndef RELAY_REGISTRY_AUDIT_H
#define RELAY_REGISTRY_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/limits.h"
#include "common/wire.h"
#include "relay-registry/audit_budget.h"

#define AUDIT_HASH_SIZE	65	/* bytes of a hash in lower-case hex, NUL */

struct registry;
struct when;

/* Numbers are in the database: they never change their meaning. */
enum audit_event {
	AUDIT_START = 1,	/* of the registry; detail: version */
	AUDIT_CONFIG,		/* a generation is in force */
	AUDIT_ADMIT,		/* subject: node; object: address; how */
	AUDIT_REFUSE,		/* the same, or not a node; detail: reason */
	AUDIT_END,		/* a session; detail: reason */
	AUDIT_REGISTER,		/* subject: node; detail: counts */
	AUDIT_REJECT,		/* subject: node; object: service; rule */
	AUDIT_DENY,		/* a call: caller, target, method and rule */
	AUDIT_PEER,		/* added or deleted: by whom; URL */
	AUDIT_TOKEN,		/* made or revoked: by whom; its name */
	AUDIT_NODE,		/* enrolled, disabled ...: by whom; node */
	AUDIT_MORE,		/* object: an event, or subject: a node, or
				 * neither: all nodes; detail: how many */
	AUDIT_MAX
};

/* In the database as well. */
enum audit_chain {
	AUDIT_OPERATOR = 1,	/* and the registry itself */
	AUDIT_NODES,		/* that were let in */
	AUDIT_STRANGERS,	/* refusals and denied calls */
	AUDIT_CHAINS
};

/* The head of a chain, as it is in the database or will be at the commit. */
struct audit_head {
	uint64_t	seq;		/* of its last record */
	uint64_t	count;		/* of records that are there */
	char		anchor[AUDIT_HASH_SIZE];	/* before the first */
	char		hash[AUDIT_HASH_SIZE];		/* of the last */
	bool		changed;
};

struct audit {
	uint32_t		 limit[AUDIT_CHAINS];	/* of records */
	uint64_t		 seq;	/* of the last record of all */
	struct audit_head	 heads[AUDIT_CHAINS];
	struct audit_budget	 budget;
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

/* So many more calls were denied and are not told one by one. */
void	audit_more(struct registry *, uint32_t, struct when);

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
/* Record what was counted, if it is time. */
void	audit_tick(struct registry *, struct when);
void	audit_clear(struct registry *);

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

#define AUDIT_HEADS	(AUDIT_CHAINS * (AUDIT_HASH_SIZE + 40))	/* bytes */

struct audit_check {
	uint64_t	records, first_seq, last_seq;
	bool		ok;
	uint64_t	broken_at;	/* the first that is not as it was, or
					 * before which one is missing; 0: none */
	char		heads[AUDIT_HEADS];	/* of each chain its name, and
					 * number and hash of its last */
};

/* Go through all records.  False if the database failed. */
bool	audit_verify(struct registry *, struct audit_check *);

#endif
