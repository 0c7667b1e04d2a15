/* SPDX-License-Identifier: ISC */
/*
 * How a node proves who it is (PROTOCOL.md section 4, relay(7)): the headers
 * that carry it, the nonces, the text that is signed, and the proofs.
 *
 * A nonce needs no memory until it was used: it is a time, 8 random bytes and
 * an HMAC of both with a key that only this process has.  That of a proof which
 * was accepted is kept until it expires, so that nobody can show the proof
 * again.
 *
 * Pure: time is passed in.  What is wrong is told as a constant string, for
 * the log; strangers are told nothing.
 */
#ifndef RELAY_REGISTRY_AUTH_H
#define RELAY_REGISTRY_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bsd/sys/queue.h>
#include <bsd/sys/tree.h>

#include "common/b64url.h"
#include "common/limits.h"
#include "common/wire.h"

#define AUTH_NONCE	32	/* bytes */
#define AUTH_CNONCE_MIN	16
#define AUTH_CNONCE_MAX	32
#define AUTH_KEY	32	/* of an Ed25519 public key, or private one */
#define AUTH_SIGNATURE	64	/* of Ed25519 */
#define AUTH_MAC	32	/* of HMAC-SHA256 */
#define AUTH_SECRET_MIN	16	/* bytes of a secret or token */
#define AUTH_SECRET_MAX	512

#define AUTH_NONCE_TEXT	B64URL_SIZE(AUTH_NONCE)	/* with a NUL */
#define AUTH_CNONCE_TEXT B64URL_SIZE(AUTH_CNONCE_MAX)
#define AUTH_KEY_TEXT	B64URL_SIZE(AUTH_KEY)

/* As in CONF_CREDENTIAL. */
enum auth_method {
	AUTH_BY_KEY = 1,
	AUTH_BY_SECRET,
	AUTH_BY_TOKEN,
	AUTH_BY_CERTIFICATE,
	AUTH_BY_JOIN
};

/* "key", "secret" ...; "none" for 0. */
const char	*auth_method_name(enum auth_method);

/* --- headers (auth_parse.c) --- */

/* Authorization, or X-Relay-Proof, which has neither nonce nor cnonce. */
struct auth_proof {
	enum auth_method method;	/* not CERTIFICATE */
	char		 nonce[AUTH_NONCE_TEXT];
	char		 cnonce[AUTH_CNONCE_TEXT];
	char		 key_text[AUTH_KEY_TEXT];	/* empty: none */
	uint8_t		 key[AUTH_KEY];
	uint8_t		 signature[AUTH_SIGNATURE];	/* of KEY and JOIN */
	uint8_t		 mac[AUTH_MAC];			/* SECRET and JOIN */
	struct span	 token;		/* of TOKEN: into the header */
};

/*
 * Take apart the Authorization header of a node.  NULL, or what is wrong with
 * it.  Values may be quoted; a field that is unknown, missing, there twice or
 * of another length than it must be is an error.
 */
const char	*auth_parse(struct span, struct auth_proof *);
/* The same for X-Relay-Proof. */
const char	*auth_parse_server(struct span, struct auth_proof *);

/* What a Main asks for: WWW-Authenticate (RFC 9110 section 11.6.1). */
struct auth_challenge {
	bool		 relay;		/* a proof over this nonce */
	bool		 bearer;	/* a token */
	char		 nonce[AUTH_NONCE_TEXT];
};

/* False if it is malformed; other schemes are passed over. */
bool		 auth_parse_challenge(struct span, struct auth_challenge *);

/* --- nonces (auth_nonce.c) --- */

struct auth_used;
RB_HEAD(auth_tree, auth_used);
STAILQ_HEAD(auth_list, auth_used);

struct auth_nonces {
	uint8_t			 key[32];
	struct auth_tree	 tree;
	struct auth_list	 oldest;	/* in the order of their end */
	uint32_t		 n;
	uint32_t		 max;
};

enum auth_nonce { NONCE_GOOD, NONCE_FOREIGN, NONCE_EXPIRED, NONCE_USED };

/* With a key of 32 random bytes, and room for so many that were used. */
void		 auth_nonces_init(struct auth_nonces *, const uint8_t [32],
		    uint32_t);
void		 auth_nonces_clear(struct auth_nonces *);
/* A new one, at a time in ms of a clock that only goes forward. */
void		 auth_nonce_make(const struct auth_nonces *, int64_t,
		    char [AUTH_NONCE_TEXT]);
enum auth_nonce	 auth_nonce_check(struct auth_nonces *, const char *, int64_t);
/* A good one was used; false if there is no room to remember that. */
bool		 auth_nonce_use(struct auth_nonces *, const char *, int64_t);
/* Forget those that have expired. */
void		 auth_nonces_expire(struct auth_nonces *, int64_t);

/* --- proofs (auth_proof.c) --- */

/* What both sides know of a link that is made. */
struct auth_text {
	enum auth_method method;
	const char	*nonce;		/* as text */
	const char	*cnonce;
	const char	*client;	/* node id in lower case */
	bool		 main;		/* it is a Main, not a home */
	const char	*server;
	const char	*key;		/* as text, of who signs; or "" */
};

/* Who says it. */
enum auth_side { SIDE_CLIENT, SIDE_SERVER, SIDE_JOIN };

#define AUTH_TEXT_MAX	(2 * LIMIT_NODE_ID + 256)

/* The text that is signed; returns its length. */
size_t		 auth_text(const struct auth_text *, enum auth_side,
		    char [AUTH_TEXT_MAX]);

/* The public key of a private one. */
void		 auth_public(const uint8_t seed[AUTH_KEY],
		    uint8_t [AUTH_KEY]);
void		 auth_sign(const uint8_t seed[AUTH_KEY],
		    const struct auth_text *, enum auth_side,
		    uint8_t [AUTH_SIGNATURE]);
bool		 auth_verify(const uint8_t key[AUTH_KEY],
		    const struct auth_text *, enum auth_side,
		    const uint8_t [AUTH_SIGNATURE]);
void		 auth_mac(struct span secret, const struct auth_text *,
		    enum auth_side, uint8_t [AUTH_MAC]);
/* In constant time. */
bool		 auth_verify_mac(struct span secret, const struct auth_text *,
		    enum auth_side, const uint8_t [AUTH_MAC]);
/* Any HMAC-SHA256. */
void		 auth_hmac(struct span key, struct span data,
		    uint8_t [AUTH_MAC]);
/* SHA-256. */
void		 auth_hash(struct span, uint8_t [AUTH_MAC]);

/*
 * Have libcrypto load what it needs, which may read files: before the
 * sandbox.
 */
void		 auth_warm_up(void);

#endif
