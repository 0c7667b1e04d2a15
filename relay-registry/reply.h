/* SPDX-License-Identifier: ISC */
/*
 * What the registry says to the router, held back until the transaction that
 * makes it true is committed.
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
	const char	*rule;		/* that rejected it; static, or NULL */
};

struct reply {
	STAILQ_ENTRY(reply)	 entry;
	enum msg_type		 type;
	uint64_t		 id;	/* session, or request of a view */
	uint64_t		 epoch;
	uint64_t		 replaced;
	uint64_t		 tag;
	uint16_t		 status;
	int32_t			 code;
	uint32_t		 retry_after_ms;
	bool			 known;
	const char		*reason;	/* static */
	char			 node[LIMIT_NODE_ID + 1];
	struct verdict		*verdicts;
	struct service		*services;
	uint16_t		 count;		/* of either */
	char			*body;
	size_t			 body_len;
};

STAILQ_HEAD(reply_queue, reply);

/* An empty reply; never NULL. */
struct reply	*reply_new(enum msg_type, uint64_t);
void		 reply_free(struct reply *);
void		 reply_free_all(struct reply_queue *);

/*
 * The transaction failed: change it to what is true then.  Returns false if
 * there is nothing left to say.
 */
bool	reply_refuse(struct reply *);
/* The payload of its message. */
void	put_reply(struct wire_put *, const struct reply *);

#endif
