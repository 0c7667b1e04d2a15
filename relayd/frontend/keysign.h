/* SPDX-License-Identifier: ISC */
/*
 * Keys of TLS that are not in this process: key objects of an OpenSSL
 * provider that have only the public part, and whose signatures are made by
 * relay-keeper (MSG_KEY_SIGN).
 *
 * A struct keysign has its own OSSL_LIB_CTX with OpenSSL's default provider
 * and ours, so that nothing is global, no configuration file of OpenSSL is
 * read, and no other code of the process meets our provider.  Make every
 * SSL_CTX that gets such a key in it:
 *
 *	ctx = SSL_CTX_new_ex(keysign_libctx(ks), NULL, TLS_method());
 *	SSL_CTX_use_certificate(ctx, cert);
 *	key = keysign_key(ks, generation, index, true, cert, why, size);
 *	SSL_CTX_use_PrivateKey(ctx, key);
 *	EVP_PKEY_free(key);
 *
 * X509 objects may come from any library context.  TLS 1.2 and 1.3, RSA
 * (PKCS #1 in TLS 1.2 only, PSS), ECDSA on P-256, P-384 and P-521, Ed25519.
 * A client that shows a certificate needs TLS 1.3: what TLS 1.2 has a client
 * sign is refused here and by the keeper, so set its lowest version to that.
 *
 * A handshake.  Whoever owns an SSL has a struct keysign_wait beside it, all
 * zero to begin with, and during the handshake SSL_MODE_ASYNC.
 *
 * enter	keysign_enter(ks, &wait), SSL_do_handshake(), keysign_leave(ks);
 *		each time.  Between the two nothing else may enter.
 * paused	SSL_get_error() is SSL_ERROR_WANT_ASYNC: the keeper was asked
 *		(ask() was called inside), and there is nothing to do until
 *		resume() is called for this wait.  What arrives on the socket
 *		may stay there.  Entering early does no harm: it pauses again.
 *		keysign_paused(&wait) is true.
 * resumed	keysign_answer() found the wait, keeps the signature or the
 *		refusal in it and calls resume(ctx, wait), which enters again
 *		at once or later.  A refusal fails the handshake with an alert.
 * done		clear SSL_MODE_ASYNC: no signature is ever made after it.
 * cancelled	the connection ends while it is paused: the job must end
 *		before SSL_free(), or its stack of 32 KiB and all it holds
 *		stay for ever.  keysign_abandon(ks, &wait, ssl) does it: the
 *		request fails, SSL_do_handshake() runs once more and fails.
 *		It does nothing if the wait is not paused, so call it before
 *		each SSL_free(), while the socket (or BIO) is still open, as
 *		OpenSSL tries to send an alert; never from a callback of that
 *		same SSL.  A late answer is counted and dropped.
 * keeper gone	keysign_fail_all(ks) fails each request and calls resume() for
 *		it; ask() must return false until there is a keeper again.
 *
 * The job's stack is small: ask() runs on it, and so do callbacks of the
 * handshake (SNI, ALPN, verification).  They write a message, no more: no
 * buffers of kilobytes there.
 *
 * Jobs are kept by OpenSSL for the next handshake (as many as were under way
 * at once; the cap on handshakes bounds them).  Before the sandbox closes,
 * ks = keysign_new(...) does all that needs files or warming up.
 */
#ifndef FRONTEND_KEYSIGN_H
#define FRONTEND_KEYSIGN_H

#include <openssl/ssl.h>
#include <openssl/types.h>
#include <openssl/x509.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wire.h"

struct keysign;

/* Of one handshake; its owner's, and all zero to begin with. */
struct keysign_wait {
	uint64_t	 request;	/* without an answer yet, or 0 */
	int64_t		 asked_us;
	uint8_t		*sig;		/* of the paused job, or NULL */
	size_t		 size;		/* room there */
	size_t		 len;		/* of the signature that came */
	const char	*failure;	/* of the last request, or NULL */
};

struct keysign_ops {
	/*
	 * Send KEY_SIGN.  False: there is no keeper, and the handshake fails.
	 * The answer is given later, not from within.
	 */
	bool	(*ask)(void *, uint64_t request, uint32_t generation,
		    uint32_t key, uint16_t scheme, struct span content);
	/* The handshake of this wait can go on. */
	void	(*resume)(void *, struct keysign_wait *);
};

struct keysign_stats {
	uint64_t	asked;		/* requests sent */
	uint64_t	answered;	/* with a signature */
	uint64_t	refused;	/* without one */
	uint64_t	failed;		/* no keeper, or it went away */
	uint64_t	cancelled;	/* the connection ended before */
	uint64_t	stale;		/* answers nobody waits for */
	uint64_t	odd;		/* not asked: none would sign it */
	uint64_t	total_us;	/* from asked to answered, together */
	uint64_t	max_us;		/* the longest of them */
	size_t		pending;	/* now */
};

/*
 * ops and its context stay the caller's and must live as long.  NULL if
 * OpenSSL cannot be set up (its error queue says why).
 */
struct keysign	*keysign_new(const struct keysign_ops *, void *);
/*
 * Every SSL, SSL_CTX and key made with it must be freed before.  NULL is
 * fine.
 */
void		 keysign_free(struct keysign *);
OSSL_LIB_CTX	*keysign_libctx(struct keysign *);

/*
 * The key of a certificate: index and generation are those of CONF_KEY, and
 * server is what CONF_CERTIFICATE says: it signs as a server or as a client.
 * Returns a reference, or NULL and why not ("of type DSA: ...").  The keeper
 * finds out whether the private key really belongs to the certificate.
 */
EVP_PKEY	*keysign_key(struct keysign *, uint32_t generation,
		    uint32_t index, bool server, X509 *, char *, size_t);

void		 keysign_enter(struct keysign *, struct keysign_wait *);
void		 keysign_leave(struct keysign *);
bool		 keysign_paused(const struct keysign_wait *);
/* Why the last signature did not come, for the log; NULL if it did. */
const char	*keysign_failure(const struct keysign_wait *);
/* See "cancelled" above. */
void		 keysign_abandon(struct keysign *, struct keysign_wait *,
		    SSL *);

/*
 * KEY_SIGNED: an empty signature is a refusal.  False if it was longer than
 * any signature that was asked for: the keeper broke the protocol.
 */
bool		 keysign_answer(struct keysign *, uint64_t request,
		    struct span signature);
void		 keysign_fail_all(struct keysign *);
void		 keysign_stats(const struct keysign *, struct keysign_stats *);

#endif
