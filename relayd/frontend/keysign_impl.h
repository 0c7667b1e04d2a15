/* SPDX-License-Identifier: ISC */
/* What the files of keysign share. */
#ifndef FRONTEND_KEYSIGN_IMPL_H
#define FRONTEND_KEYSIGN_IMPL_H

#include <openssl/core.h>
#include <openssl/types.h>

#include <stdint.h>

#include "common/id64.h"
#include "relayd/frontend/idmap.h"
#include "relayd/frontend/keysign.h"
#include "relayd/keeper/keytype.h"

/* The one parameter a key is made from: a pointer to its struct. */
#define KEYSIGN_PARAM	"relayd-key"
#define KEYSIGN_PROPERTY "provider=" KEYSIGN_PROVIDER
#define KEYSIGN_PROVIDER "keysign"

struct keysign {
	const struct keysign_ops *ops;
	void			*arg;
	OSSL_LIB_CTX		*libctx;
	OSSL_PROVIDER		*base, *ours;
	struct id64		 ids;
	struct idmap		 pending;	/* waits by request */
	struct keysign_wait	*current;	/* between enter and leave */
	struct keysign_stats	 stats;
};

/* Key data of our provider: a public key, and whom to ask for signatures. */
struct keysign_key {
	struct keysign	*ks;
	EVP_PKEY	*pub;		/* of OpenSSL's own provider */
	uint32_t	 generation;
	uint32_t	 index;
	enum key_type	 type;
	bool		 server;
};

/* keysign_keymgmt.c, keysign_signature.c: what the provider has. */
extern const OSSL_ALGORITHM keysign_keymgmt[];
extern const OSSL_ALGORITHM keysign_signature[];

/*
 * keysign.c: ask for a signature and pause the job until it is there.  False
 * if there is none; else it is in the buffer of size bytes, and len long.
 */
bool	keysign_ask(const struct keysign_key *, uint16_t scheme,
	    struct span content, uint8_t *, size_t size, size_t *len);
/* It is not asked for, as it would be refused: counted, with the reason. */
void	keysign_odd(const struct keysign_key *, const char *);

#endif
