/* SPDX-License-Identifier: ISC */
/*
 * TLS of this process: what outlives a configuration.  Contexts with their
 * certificates are of one generation (tls_conf.h), an SSL of one connection
 * (tls_io.h); tickets, sessions to be resumed and counters are here.
 */
#ifndef FRONTEND_TLS_H
#define FRONTEND_TLS_H

#include <openssl/ssl.h>

#include <stdbool.h>
#include <stdint.h>

#include "common/limits.h"
#include "relayd/frontend/keysign.h"
#include "relayd/frontend/tls_name.h"
#include "relayd/frontend/tls_ticket.h"

struct tls_stats {
	uint64_t	full, resumed;	/* handshakes with clients */
	uint64_t	failed;
	uint64_t	dialled, dialled_resumed, dialled_failed;
	uint64_t	tls12, tls13;	/* of all that were done */
};

/* The last session with whom we dial, so that the next can resume it. */
struct tls_session {
	uint8_t		 key[TLS_HASH_LEN];
	SSL_SESSION	*session;	/* NULL: free */
	uint64_t	 used;		/* by tls.clock */
};

struct tls {
	struct keysign		*keysign;
	BIO_METHOD		*bio;		/* of tls_io.c */
	struct tickets		 tickets;
	struct tls_session	 sessions[LIMIT_PEERS];
	uint64_t		 clock;
	struct tls_stats	 stats;
};

/*
 * Set up OpenSSL before the sandbox closes; as for keysign_new().  False, and
 * OpenSSL's error queue says why.
 */
bool		 tls_init(struct tls *, const struct keysign_ops *, void *);
/*
 * All contexts and connections must be gone before.  A process ends with it as
 * it is: this is for tests, which look for leaks.
 */
void		 tls_clear(struct tls *);

/*
 * Keep a session (the caller's reference) under a key, in place of one that
 * is there, or of the one unused for longest.
 */
void		 tls_session_keep(struct tls *, const uint8_t [TLS_HASH_LEN],
		    SSL_SESSION *);
/* The session of that key, still kept, or NULL. */
SSL_SESSION	*tls_session_find(struct tls *, const uint8_t [TLS_HASH_LEN]);

/* Why OpenSSL failed: the reason of its first error, best one of libssl. */
const char	*tls_reason(void);

#endif
