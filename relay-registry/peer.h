/* SPDX-License-Identifier: ISC */
/*
 * The other Mains: those this one dials, by configuration or because they
 * were added, what the dialer says of them, who they turned out to be, and
 * the links there are with Mains, whoever dialled.
 *
 * One link a pair (PROTOCOL.md section 2).  Of two links that cross, the one
 * that the Main with the lower id dialled is preferred; after the time of a
 * handshake links no longer cross, and the newer one replaces the older,
 * whose end may not have been noticed yet.  Both sides come to the same
 * result.  Boot ids tell of two links that come from both sides, or from two
 * URLs, whether there are two Mains with one id: then the one that is linked
 * and was heard of late stays.
 *
 * Pure: time is passed in; what the dialer is to be told is pulled.
 */
#ifndef RELAY_REGISTRY_PEER_H
#define RELAY_REGISTRY_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bsd/sys/queue.h>

#include "common/limits.h"
#include "common/monotime.h"
#include "common/url.h"

#define PEER_NONE	UINT32_MAX	/* no index: the other side dialled */
#define PEER_HOST_MAX	253		/* bytes of a host name or address */
#define PEER_ADDRESS_MAX 256		/* bytes of an address that are kept */
#define PEER_REASON_MAX	255		/* bytes of a reason that are kept */

/* origin in CONF_PEER. */
enum peer_origin { PEER_CONFIGURED = 1, PEER_ADDED, PEER_PERSISTED };

/* what in PEER_DIAL. */
enum peer_dial { PEER_HOLD = 1, PEER_GO_ON, PEER_AT_ONCE };

/* state in PEER_STATE; unknown before the first. */
enum peer_state {
	PEER_UNKNOWN,
	PEER_WAITING,
	PEER_DIALING,
	PEER_HANDSHAKE,
	PEER_UP,
	PEER_HELD
};

/* Where a Main is and who is expected there. */
struct peer_conf {
	char		 host[PEER_HOST_MAX + 1];
	uint16_t	 port;
	char		 path[URL_TEXT_MAX + 1];
	char		 node[LIMIT_NODE_ID + 1];	/* empty: anyone */
	enum peer_origin origin;
	bool		 tls;
};

struct peer {
	struct peer_conf conf;
	char		 learned[LIMIT_NODE_ID + 1];	/* who answered last */
	enum peer_state	 state;
	uint32_t	 retry_in_ms;	/* at the time told */
	struct monotime	 told;
	char		 reason[PEER_REASON_MAX + 1];	/* of the last failure */
	enum peer_dial	 said;		/* hold or go on; 0: nothing yet */
	bool		 at_once;	/* to be said */
	bool		 clash;		/* who answers there has the id of
					 * another Main that is linked */
};

/* A link that was accepted; it is up once that is committed. */
struct peer_link {
	TAILQ_ENTRY(peer_link) entry;
	uint64_t	 session;
	uint32_t	 peer;		/* whom we dialled, or PEER_NONE */
	bool		 dialled;	/* by us; its peer may be gone */
	bool		 up;
	bool		 ended;		/* the router was told to close it */
	struct monotime	 since;
	struct monotime	 heard;		/* last word or heartbeat */
	uint32_t	 rtt_us;	/* 0: not measured */
	char		 node[LIMIT_NODE_ID + 1];
	char		 boot[LIMIT_BOOT_ID + 1];
	char		 address[PEER_ADDRESS_MAX + 1];
};

TAILQ_HEAD(peer_links, peer_link);

/* One that was added and is not configured yet. */
struct peer_coming {
	struct peer_conf conf;
	struct monotime	 since;
};

struct peers {
	uint32_t		 generation;
	struct peer		 list[LIMIT_PEERS];
	uint32_t		 n;
	struct peer_coming	 coming[LIMIT_PEERS];
	uint32_t		 n_coming;
	struct peer_links	 links;		/* oldest first */
};

void	peers_init(struct peers *);
void	peers_clear(struct peers *);

/*
 * The peers of a generation, by their index in it; at most LIMIT_PEERS.  What
 * is known of those that were there before is kept.
 */
void	peers_configure(struct peers *, uint32_t, const struct peer_conf *,
	    uint32_t);

/* PEER_STATE; false if it is of another generation or no peer. */
bool	peers_told(struct peers *, uint32_t, uint32_t, enum peer_state,
	    uint32_t, const char *, const char *, struct monotime);
/*
 * What to tell the dialer next; false if nothing.  Index and enum peer_dial,
 * of the generation in force.
 */
bool	peers_next_dial(struct peers *, uint32_t *, enum peer_dial *);
/*
 * Peers of which nothing was heard may be held for a link that ended while
 * nobody looked: let them go on.
 */
void	peers_release_unknown(struct peers *);

/* --- links --- */

/* A link that asks: node, boot, peer and dialled as in struct peer_link. */
struct peer_ask {
	const char	*own;		/* id of this Main */
	const char	*node;
	const char	*boot;
	uint32_t	 peer;
	bool		 dialled;
};

enum peer_verdict {
	PEER_TAKE,		/* there is none with that Main */
	PEER_REPLACE,		/* the newer one wins */
	PEER_KEEP,		/* the older one wins */
	PEER_CLASH,		/* two Mains have one id: the older one, too */
	PEER_FULL		/* LIMIT_PEERS Mains are linked or awaited */
};

/* Which one stays; the present link with that Main, or NULL. */
enum peer_verdict	 peers_judge(const struct peers *,
			    const struct peer_ask *, struct monotime,
			    struct peer_link **);
/* Add a link that is not up yet; never NULL. */
struct peer_link	*peers_link_add(struct peers *, uint64_t,
			    const struct peer_ask *, const char *,
			    struct monotime);
/* It is up, in place of any other with that Main; whom we dialled is known. */
void			 peers_link_up(struct peers *, struct peer_link *);
void			 peers_link_remove(struct peers *, struct peer_link *);
/* By session; NULL if there is none. */
struct peer_link	*peers_link(const struct peers *, uint64_t);
/* The link that is up with a Main, or NULL. */
struct peer_link	*peers_link_of(const struct peers *, const char *);
/* The number of Mains linked. */
uint32_t		 peers_linked(const struct peers *);

/* --- which one --- */

/* The id a peer has: the configured one or the one that was learned. */
const char	*peer_id(const struct peer *);
/* Where it is dialled, at most URL_TEXT_MAX bytes and a NUL. */
void		 peer_url(const struct peer_conf *, char *, size_t);
/* The link of a peer that is up, by whoever dialled, or NULL. */
struct peer_link *peer_link(const struct peers *, uint32_t);
/* By what identifies it, or PEER_NONE. */
uint32_t	 peers_find_url(const struct peers *, const char *, uint16_t,
		    const char *);
uint32_t	 peers_find_id(const struct peers *, const char *);
/* Milliseconds until the dialer tries again, or -1 if it is not about to. */
int64_t		 peer_retry_in_ms(const struct peer *, struct monotime);

/* --- what was added --- */
/* False if it is there already or there is no room. */
bool		 peers_coming_add(struct peers *, const struct peer_conf *,
		    struct monotime);
struct peer_coming *peers_coming(struct peers *, const char *, uint16_t,
		    const char *);
void		 peers_coming_remove(struct peers *, struct peer_coming *);
/* Forget what was never configured. */
void		 peers_coming_expire(struct peers *, struct monotime);

#endif
