/* SPDX-License-Identifier: ISC */
/*
 * Handshakes in memory of a server, or a client, whose key is with a keeper
 * made of the test: the real keyset, which answers when the test wants it to.
 */
#ifndef TESTS_UNIT_KEYSIGN_FIXTURE_H
#define TESTS_UNIT_KEYSIGN_FIXTURE_H

#include <openssl/ssl.h>

#include "relayd/frontend/keysign.h"
#include "relayd/keeper/keyset.h"

#define ASKED_MAX	64

/* A request the keeper has not answered. */
struct asked {
	uint64_t		 request;
	uint32_t		 generation, index;
	uint16_t		 scheme;
	char			 content[1024];
	size_t			 len;
	struct keysign_wait	*resumed;
};

/* One with a key pair, and the keeper that has it. */
struct world {
	struct keysign	*ks;
	struct keyset	 keys;
	EVP_PKEY	*pkey;
	X509		*cert;
	SSL_CTX		*server, *client;
	bool		 away;		/* no keeper */
	struct asked	 asked[ASKED_MAX];
	size_t		 n_asked;
	size_t		 resumes;
};

/* Two ends of a connection; the one with our key has the wait. */
struct pair {
	struct world		*w;
	SSL			*ours, *theirs;
	struct keysign_wait	 wait;
	int			 error;		/* of our last step */
	bool			 done;		/* ours is */
	bool			 failed;
};

/* The keeper has the key as index 7 of generation 5. */
void		 keeper_start(struct world *, bool server);
/* A context of our library context, with the key that is not here. */
SSL_CTX		*our_context(struct world *, bool server);
/* With a key of that type (tls_fixture.h), of a server. */
struct world	*world_new(const char *);
void		 world_free(struct world *);
struct keysign_stats stats(struct world *);

/* True: the server is ours. */
void		 pair_new(struct pair *, struct world *, bool);
void		 pair_free(struct pair *);
/* As far as it goes without the keeper. */
void		 steps(struct pair *);
/* The answer to one request, as the real keeper gives it. */
void		 answer(struct world *, size_t);
/* The handshake is over: data go both ways. */
void		 check_talk(struct pair *);
/* A new one with our server, as far as it goes without the keeper. */
void		 pair_begin(struct pair *, struct world *);
/* Its request, the first of all, is answered, and it goes to its end. */
void		 pair_finish(struct pair *);

#endif
