/* SPDX-License-Identifier: ISC */
/*
 * TLS on one connection: an SSL between a non-blocking socket and its owner.
 *
 * What the socket does not take of a record stays here, so that an SSL_write()
 * is never repeated: the caller may put control frames before data that is not
 * sent.  One read takes all the socket has and all that is in it: nothing
 * decrypted is left for which no event would come.
 */
#ifndef FRONTEND_TLS_IO_H
#define FRONTEND_TLS_IO_H

#include <openssl/ssl.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "relayd/frontend/tls.h"
#include "relayd/frontend/tls_conf.h"

#define TLS_READ_MIN	65536	/* octets a reader's buffer must have */

enum tls_step {
	TLS_DONE,	/* the handshake is over */
	TLS_WANT_READ,	/* call again when the socket can be read */
	TLS_WANT_WRITE,	/* ... written */
	TLS_PAUSED,	/* ... when the keeper has signed */
	TLS_FAILED	/* tls_io_why() */
};

struct tls_io {
	SSL		*ssl;
	struct tls	*tls;
	struct tls_conf	*conf;		/* while the handshake needs it */
	void		*owner;
	struct keysign_wait wait;
	int		 fd;		/* the owner's */
	int		 error;		/* errno of the socket, or 0 */
	bool		 server, done, failed;
	bool		 eof;		/* of the socket */
	bool		 closed;	/* close_notify came, or eof */
	bool		 http;		/* HTTP in the clear came */
	bool		 unread;	/* nothing was read behind a handshake */
	bool		 again;		/* renegotiation was asked for, and refused */
	bool		 early;		/* early data was offered, and refused */
	char		*why;		/* of a failure; NULL: errno says it */
	const struct tls_target *target; /* of a client's, while conf is */
	char		*shown;		/* the pin of a key that is another's */
	char		*ours;		/* of a client's certificate the file */
	/* what was received and is not with the SSL yet; NULL: the socket */
	const uint8_t	*in;
	size_t		 in_len;
	/* what the socket has not taken yet */
	uint8_t		*out;
	size_t		 out_off, out_len, out_cap;
	char		*names;		/* of the other side, or NULL */
	uint8_t		*believed;	/* hash of the file that names are by */
	uint8_t		*session_key;	/* of a client's, TLS_HASH_LEN */
};

/* How an SSL reads and writes; NULL if there is no memory. */
BIO_METHOD	*tls_io_method(void);

/* The other side of a listener, or the Main of a target. */
struct tls_io	*tls_io_accept(struct tls_conf *, int fd, void *owner);
struct tls_io	*tls_io_dial(const struct tls_target *, int fd, void *owner);
/* Before the socket is closed. */
void		 tls_io_free(struct tls_io *);
/* Whose signature came. */
struct tls_io	*tls_io_of(struct keysign_wait *);

enum tls_step	 tls_io_handshake(struct tls_io *);
/* As those of conn_io.h; size at least TLS_READ_MIN. */
ssize_t		 tls_io_read(struct tls_io *, void *, size_t size);
ssize_t		 tls_io_write(struct tls_io *, const void *, size_t len);
int		 tls_io_flush(struct tls_io *);
void		 tls_io_shutdown(struct tls_io *);
/* How a listener's SSL hears of renegotiation: by the alert that refuses it. */
void		 tls_io_on_info(const SSL *, int where, int value);
/* Why it failed, for the log. */
const char	*tls_io_why(const struct tls_io *);

/* Has the socket not taken all that was written? */
static inline bool
tls_io_pending(const struct tls_io *io)
{
	return (io->out_len > io->out_off);
}

/*
 * Does the next read give something, though the socket may not say so?  The
 * end, or what came with the last of the handshake.
 */
static inline bool
tls_io_ready(const struct tls_io *io)
{
	return (io->closed || io->failed || io->unread);
}

/* tls_why.c */
/*
 * It failed with this first error of OpenSSL's queue: what that means for an
 * operator, to be freed; NULL: what errno says of the socket.
 */
char		*tls_io_reason(const struct tls_io *, unsigned long code);

#endif
