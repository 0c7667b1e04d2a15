/* SPDX-License-Identifier: ISC */
/*
 * What the registry says to the router and to the parent, held back until the
 * transaction that makes it true is committed, in the order in which it came
 * about.  Some are for the registry itself: what discovery learns and answers
 * must be in that order, too (reply_to() says PROC_REGISTRY).
 */
#ifndef RELAY_REGISTRY_REPLY_H
#define RELAY_REGISTRY_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include <bsd/sys/queue.h>

#include "common/limits.h"
#include "common/msg.h"
#include "common/service.h"
#include "common/wire.h"

/* The verdict on one service of a registration. */
struct verdict {
	char		 name[LIMIT_SERVICE_NAME + 1];
	char		 version[LIMIT_VERSION + 1];
	const char	*rule;		/* that rejected it; static, text, or NULL */
	char		*text;		/* owned, or NULL */
	bool		 denied;	/* by policy */
};

struct reply_peer {
	char		*host;
	char		*path;
	uint16_t	 port;
	bool		 tls;
	bool		 insecure;
	bool		 persist;
};

struct reply {
	STAILQ_ENTRY(reply)	 entry;
	enum msg_type		 type;
	uint64_t		 id;	/* session, or request of a view or of
					 * a control client */
	uint8_t			 kind;	/* of the session's node */
	uint64_t		 epoch;
	uint64_t		 replaced;
	uint64_t		 tag;
	uint16_t		 status;	/* of HTTP, a close frame, CTL_END */
	int32_t			 code;
	uint32_t		 retry_after_ms;
	bool			 known;		/* or found, or healthy */
	uint8_t			 state;		/* of a node that was asked for */
	const char		*reason;	/* static, unless there is */
	char			*detail;	/* owned, or NULL */
	char			*header;	/* the same: a proof, a challenge,
						 * what is shown to a Main */
	char			 node[LIMIT_NODE_ID + 1];
	struct verdict		*verdicts;
	struct service		*services;
	uint16_t		 count;		/* of either */
	char			*body;
	size_t			 body_len;
	struct reply_peer	*peer;		/* PEER_ADD and PEER_DELETE */
};

STAILQ_HEAD(reply_queue, reply);

/* An empty reply; never NULL. */
struct reply	*reply_new(enum msg_type, uint64_t);
void		 reply_free(struct reply *);
void		 reply_free_all(struct reply_queue *);

/* A copy of host, port and path for it. */
void		 reply_set_peer(struct reply *, const char *, uint16_t,
		    const char *);
/* A copy of the bytes as its body. */
void		 reply_set_body(struct reply *, const char *, size_t);
/* Who it is for: the router, the parent, or the registry itself. */
enum proc_id	 reply_to(const struct reply *);

/*
 * The transaction failed: change it to what is true then.  Returns false if
 * there is nothing left to say.
 */
bool	reply_refuse(struct reply *);
/* The payload of its message. */
void	put_reply(struct wire_put *, const struct reply *);

#endif
