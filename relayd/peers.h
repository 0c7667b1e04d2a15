/* SPDX-License-Identifier: ISC */
/*
 * Peers as the children know them: those of the configuration, and behind
 * them those that were added at run time.  What a generation has is fixed;
 * what was added or deleted since waits for the next one.
 */
#ifndef RELAYD_PEERS_H
#define RELAYD_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/limits.h"
#include "common/monotime.h"
#include "common/url.h"
#include "relayd/conf.h"

/* As in CONF_PEER. */
enum peer_origin {
	PEER_CONFIGURED = 1,
	PEER_ADDED,
	PEER_PERSISTED
};

/* As in PEER_DIAL. */
enum peer_dial {
	PEER_HOLD = 1,
	PEER_GO_ON,
	PEER_AT_ONCE
};

#define PEER_STATE_MAX	5	/* of PEER_STATE */

struct peer {
	char		*host;
	uint16_t	 port;
	char		*path;
	char		 node_id[LIMIT_NODE_ID + 1];	/* "": any Main */
	bool		 tls;
	bool		 insecure;
	enum peer_origin origin;

	/* What was last said about it, for a child that is started again. */
	bool		 held;
	uint8_t		 state;		/* of PEER_STATE; 0: nothing yet */
	struct monotime	 state_at;
	uint32_t	 retry_in_ms;
	char		 said_id[LIMIT_NODE_ID + 1];
	char		 reason[256];
};

struct peers {
	struct peer	*list;
	size_t		 count;
};

/* peers.c: pure. */
/*
 * The peers of a configuration, then those of added that it does not have
 * itself, at most LIMIT_PEERS.
 */
void		 peers_make(struct peers *, const struct conf *,
		    const struct peers *);
void		 peers_free(struct peers *);
/* The one with this host, port and path, with TLS or without; or NULL. */
struct peer	*peers_find(const struct peers *, const char *, uint16_t,
		    const char *);
/* The same peers, of the same origin and with the same node ids. */
bool		 peers_equal(const struct peers *, const struct peers *);
/* A copy of a peer at the end; what was said about it is left out. */
struct peer	*peers_append(struct peers *, const struct peer *);
void		 peers_remove(struct peers *, struct peer *);
/* What was said about the peers of one set holds for those of another. */
void		 peers_inherit(struct peers *, const struct peers *);
/*
 * Whether a peer may be had at all: values in their canonical form, and
 * in the clear only on loopback or where that is said to be insecure.
 */
bool		 peer_valid(const struct peer *);
/* Its URL, for the log. */
const char	*peer_text(const struct peer *, char [URL_TEXT_MAX + 1]);

#endif
