/* SPDX-License-Identifier: ISC */
/*
 * The keys of a configuration, of the one before and of the next, and the
 * decision on a request to sign.  No I/O, no clock.
 */
#ifndef KEEPER_KEYSET_H
#define KEEPER_KEYSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/limits.h"
#include "relayd/keeper/key.h"

/* A key with its certificate; they come one by one. */
struct keyslot {
	bool		 has_key, has_certificate;
	bool		 server;
	char		 file[LIMIT_CONF_STRING + 1];
	char		 certificate[LIMIT_CONF_STRING + 1];
	struct key	*key;		/* NULL: it could not be loaded */
	EVP_PKEY	*public;	/* of the certificate, the same */
	uint64_t	 signatures, refused, total_us;
};

struct keygen {
	uint32_t	 generation;
	bool		 ready;		/* nothing is wrong with it */
	/* the first thing that is, or "" */
	char		 failure[2 * LIMIT_CONF_STRING + 64];
	struct keyslot	 slots[LIMIT_KEYS];
};

/* All zero to begin with. */
struct keyset {
	struct keygen	*cur, *next;
	struct keygen	*prev;		/* for handshakes that began before */
};

/* A new one is collected.  Running out of memory ends the process. */
void	keyset_begin(struct keyset *, uint32_t);
/*
 * What CONF_KEY and CONF_CERTIFICATE bring: index, what is in the file or,
 * with a NULL, why it could not be read, and the file's name.  False if it
 * may not come: an index that is too large or was there, or no begin before.
 */
bool	keyset_key(struct keyset *, uint32_t, const struct span *,
	    const char *, const char *);
bool	keyset_certificate(struct keyset *, uint32_t, bool,
	    const struct span *, const char *, const char *);
/* True if it can be put in force, else the first thing that is wrong. */
bool	keyset_end(struct keyset *, char *, size_t);
void	keyset_commit(struct keyset *);
void	keyset_abort(struct keyset *);
/* As tests want it, which look for leaks: a process ends with its keys. */
void	keyset_free(struct keyset *);

enum keyset_verdict {
	KEYSET_SIGNED,
	/*
	 * A generation that is not kept any more, or not here: a slow
	 * handshake, or a keeper that was restarted.
	 */
	KEYSET_STALE,
	KEYSET_FAILED,		/* OpenSSL could not */
	/*
	 * No key of that index, or a scheme or content that the front-end
	 * itself refuses by the same function before it asks, whatever the
	 * stranger at its other end does: only one that was taken over, or is
	 * broken, sends it.
	 */
	KEYSET_OFFENCE
};

struct keyset_answer {
	enum keyset_verdict verdict;
	const char	*why;		/* if not SIGNED; static */
	struct keyslot	*slot;		/* or NULL if there is none */
	size_t		 len;
	uint8_t		 sig[KEY_SIG_MAX];
};

/* Decide on a request by generation, index, scheme and content; and sign. */
void	keyset_sign(struct keyset *, uint32_t, uint32_t, uint16_t,
	    struct span, struct keyset_answer *);

#endif
