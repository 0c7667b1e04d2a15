/* SPDX-License-Identifier: ISC */
/* See tls_io.h. */
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/socket.h>

#include "common/log.h"
#include "relayd/frontend/conn_io.h"
#include "relayd/frontend/tls_io.h"

#define RECORD_MAX	16384	/* octets of one record's content */
/*
 * An SSL may hold one record that was received in part: what is decrypted
 * stays that far behind what is not, and both can be in one buffer.
 */
#define READ_GAP	20480
#define OUT_MAX		262144	/* octets: the longest flight of a handshake */

/* --- between the SSL and the socket --- */

static bool
would_block(void)
{
	return (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

static int
read_socket(struct tls_io *io, BIO *b, char *buf, int size)
{
	ssize_t	n = recv(io->fd, buf, (size_t)size, 0);

	if (n > 0)
		return ((int)n);
	if (n == 0)
		io->eof = true;
	else if (would_block())
		BIO_set_retry_read(b);
	else
		io->error = errno;
	return (n == 0 ? 0 : -1);
}

static int
bio_read(BIO *b, char *buf, int size)
{
	struct tls_io	*io = BIO_get_data(b);
	size_t		 n = (size_t)size;

	BIO_clear_retry_flags(b);
	if (io->in == NULL)
		return (read_socket(io, b, buf, size));
	if (io->in_len == 0) {
		if (io->eof)
			return (0);
		if (io->error == 0)
			BIO_set_retry_read(b);
		return (-1);
	}
	if (n > io->in_len)
		n = io->in_len;
	memcpy(buf, io->in, n);
	io->in += n;
	io->in_len -= n;
	return ((int)n);
}

/* Keep what the socket did not take; false if it got too much. */
static bool
keep(struct tls_io *io, const char *buf, size_t len)
{
	size_t	need = io->out_len + len, cap;

	if (need > OUT_MAX)
		return (false);
	if (need > io->out_cap) {
		for (cap = io->out_cap > 0 ? io->out_cap : 1024; cap < need;
		    cap *= 2)
			;
		io->out = realloc(io->out, cap);
		if (io->out == NULL)
			fatal("out of memory for a connection");
		io->out_cap = cap;
	}
	memcpy(io->out + io->out_len, buf, len);
	io->out_len = need;
	return (true);
}

/* All is taken, by the socket or by us: the SSL never waits to write. */
static int
bio_write(BIO *b, const char *buf, int len)
{
	struct tls_io	*io = BIO_get_data(b);
	ssize_t		 n = 0;

	BIO_clear_retry_flags(b);
	if (len <= 0 || io->error != 0)
		return (-1);
	if (!tls_io_pending(io))
		n = send(io->fd, buf, (size_t)len, MSG_NOSIGNAL);
	if (n == -1 && !would_block()) {
		io->error = errno;
		return (-1);
	}
	if (n < 0)
		n = 0;
	if (n < len && !keep(io, buf + n, (size_t)(len - n))) {
		io->error = ENOBUFS;
		return (-1);
	}
	return (len);
}

static long
bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	(void)b;
	(void)num;
	(void)ptr;
	return (cmd == BIO_CTRL_FLUSH);
}

BIO_METHOD *
tls_io_method(void)
{
	BIO_METHOD	*m = BIO_meth_new(BIO_get_new_index() |
	    BIO_TYPE_SOURCE_SINK, "connection");

	if (m == NULL)
		return (NULL);
	BIO_meth_set_read(m, bio_read);
	BIO_meth_set_write(m, bio_write);
	BIO_meth_set_ctrl(m, bio_ctrl);
	return (m);
}

/* --- life --- */

static struct tls_io *
io_new(struct tls_conf *conf, SSL_CTX *ctx, int fd, void *owner)
{
	struct tls_io	*io = calloc(1, sizeof(*io));
	BIO		*b;

	if (io == NULL || (io->ssl = SSL_new(ctx)) == NULL ||
	    (b = BIO_new(conf->tls->bio)) == NULL)
		fatal("out of memory for a connection");
	io->tls = conf->tls;
	io->conf = tls_conf_ref(conf);
	io->owner = owner;
	io->fd = fd;
	BIO_set_data(b, io);
	BIO_set_init(b, 1);
	SSL_set_bio(io->ssl, b, b);
	SSL_set_app_data(io->ssl, io);
	SSL_set_mode(io->ssl, SSL_MODE_ASYNC);
	return (io);
}

struct tls_io *
tls_io_accept(struct tls_conf *conf, int fd, void *owner)
{
	struct tls_io	*io = io_new(conf, conf->server, fd, owner);

	io->server = true;
	SSL_set_accept_state(io->ssl);
	return (io);
}

/* May a session with whom we dial be resumed still? */
static bool
is_fresh(const struct tls_target *target, SSL_SESSION *session)
{
	X509	*peer = SSL_SESSION_get0_peer(session);

	return (target->pin[0] != '\0' || (peer != NULL &&
	    X509_cmp_current_time(X509_get0_notAfter(peer)) > 0));
}

struct tls_io *
tls_io_dial(const struct tls_target *target, int fd, void *owner)
{
	struct tls_io	*io = io_new(target->conf, target->ctx, fd, owner);
	SSL_SESSION	*session;

	io->session_key = malloc(TLS_HASH_LEN);
	if (io->session_key == NULL)
		fatal("out of memory for a connection");
	memcpy(io->session_key, target->session_key, TLS_HASH_LEN);
	io->target = target;
	if (target->shown != NULL &&
	    (io->ours = strdup(target->shown->file.name)) == NULL)
		fatal("out of memory for a connection");
	if (!target->numeric)
		SSL_set_tlsext_host_name(io->ssl, target->host);
	session = tls_session_find(io->tls, target->session_key);
	if (session != NULL && is_fresh(target, session))
		SSL_set_session(io->ssl, session);
	SSL_set_connect_state(io->ssl);
	return (io);
}

static void
drop_out(struct tls_io *io)
{
	free(io->out);
	io->out = NULL;
	io->out_off = io->out_len = io->out_cap = 0;
}

void
tls_io_free(struct tls_io *io)
{
	if (io == NULL)
		return;
	keysign_abandon(io->tls->keysign, &io->wait, io->ssl);
	/* a session may be resumed however its connection ended */
	if (io->done && !io->failed)
		SSL_set_shutdown(io->ssl, SSL_SENT_SHUTDOWN |
		    SSL_RECEIVED_SHUTDOWN);
	SSL_free(io->ssl);
	ERR_clear_error();
	tls_conf_unref(io->conf);
	drop_out(io);
	free(io->names);
	free(io->believed);
	free(io->session_key);
	free(io->shown);
	free(io->ours);
	free(io->why);
	free(io);
}

struct tls_io *
tls_io_of(struct keysign_wait *wait)
{
	return ((struct tls_io *)(void *)((char *)wait -
	    offsetof(struct tls_io, wait)));
}

/* --- faults --- */

/* It is of no more use; the first error of OpenSSL's queue is the cause. */
static void
fault(struct tls_io *io)
{
	unsigned long	code = ERR_peek_error();

	if (io->failed)
		return;
	io->failed = true;
	io->http = ERR_GET_LIB(code) == ERR_LIB_SSL &&
	    ERR_GET_REASON(code) == SSL_R_HTTP_REQUEST;
	io->why = tls_io_reason(io, code);
	ERR_clear_error();
}

const char *
tls_io_why(const struct tls_io *io)
{
	return (io->why != NULL ? io->why : strerror(io->error));
}

/*
 * OpenSSL refuses with a warning and goes on, and whoever asks once more is
 * answered once more: here that is the end, with what is in hand left unread.
 */
void
tls_io_on_info(const SSL *ssl, int where, int value)
{
	struct tls_io	*io = SSL_get_app_data(ssl);

	if ((where & SSL_CB_WRITE_ALERT) != SSL_CB_WRITE_ALERT ||
	    (value & 0xff) != SSL_AD_NO_RENEGOTIATION)
		return;
	io->again = true;
	io->in_len = 0;
}

/* --- the handshake --- */

/* The names of a client, and by which authorities they are its names. */
static void
identify(struct tls_io *io, X509 *peer)
{
	const struct tls_ca	*ca = tls_conf_client_ca(io->conf);

	if (peer == NULL || ca == NULL ||
	    SSL_get_verify_result(io->ssl) != X509_V_OK ||
	    (io->names = tls_client_names(peer)) == NULL)
		return;
	io->believed = malloc(TLS_HASH_LEN);
	if (io->believed == NULL)
		fatal("out of memory for a connection");
	memcpy(io->believed, ca->hash, TLS_HASH_LEN);
}

/* Who it is, what it cost, and nothing more of what it needed. */
static void
complete(struct tls_io *io)
{
	struct tls_stats	*st = &io->tls->stats;
	bool			 resumed = SSL_session_reused(io->ssl) == 1;

	SSL_clear_mode(io->ssl, SSL_MODE_ASYNC);
	io->done = io->unread = true;
	if (io->server)
		identify(io, SSL_get0_peer_certificate(io->ssl));
	io->early = io->server && SSL_get_early_data_status(io->ssl) ==
	    SSL_EARLY_DATA_REJECTED;
	if (!io->server)
		*(resumed ? &st->dialled_resumed : &st->dialled) += 1;
	else
		*(resumed ? &st->resumed : &st->full) += 1;
	*(SSL_version(io->ssl) == TLS1_3_VERSION ? &st->tls13 :
	    &st->tls12) += 1;
	tls_conf_unref(io->conf);
	io->conf = NULL;
	io->target = NULL;
}

enum tls_step
tls_io_handshake(struct tls_io *io)
{
	int	r, error;

	if (io->failed || tls_io_flush(io) == IO_FAIL)
		return (TLS_FAILED);
	if (tls_io_pending(io))
		return (TLS_WANT_WRITE);
	ERR_clear_error();
	keysign_enter(io->tls->keysign, &io->wait);
	r = SSL_do_handshake(io->ssl);
	error = SSL_get_error(io->ssl, r);
	keysign_leave(io->tls->keysign);
	if (r == 1) {
		complete(io);
		return (TLS_DONE);
	}
	if (error == SSL_ERROR_WANT_ASYNC)
		return (TLS_PAUSED);
	if (error == SSL_ERROR_WANT_READ)
		return (tls_io_pending(io) ? TLS_WANT_WRITE : TLS_WANT_READ);
	fault(io);
	*(io->server ? &io->tls->stats.failed :
	    &io->tls->stats.dialled_failed) += 1;
	return (TLS_FAILED);
}

/* --- data --- */

/* Take what the socket has behind the gap of the buffer. */
static void
receive(struct tls_io *io, uint8_t *buf, size_t size)
{
	ssize_t	n = recv(io->fd, buf + READ_GAP, size - READ_GAP, 0);

	io->in = buf + READ_GAP;
	io->in_len = n > 0 ? (size_t)n : 0;
	if (n == 0)
		io->eof = true;
	else if (n == -1 && !would_block())
		io->error = errno;
}

/* There is no more to read now: why not? */
static void
judge(struct tls_io *io, int r)
{
	switch (SSL_get_error(io->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		break;
	case SSL_ERROR_ZERO_RETURN:
		io->closed = true;
		break;
	default:
		/* an end without close_notify: our messages know their length */
		if (io->eof)
			io->closed = true;
		else
			fault(io);
		break;
	}
	ERR_clear_error();
}

ssize_t
tls_io_read(struct tls_io *io, void *p, size_t size)
{
	uint8_t	*buf = p;
	size_t	 n = 0;
	int	 r = 1;

	if (!io->done)
		return (IO_AGAIN);
	io->unread = false;
	if (!io->closed && !io->failed) {
		receive(io, buf, size);
		ERR_clear_error();
		while (n < size && (r = SSL_read(io->ssl, buf + n,
		    (int)(size - n))) > 0)
			n += (size_t)r;
		io->in = NULL;
		if (io->again)
			fault(io);
		else if (r <= 0)
			judge(io, r);
	}
	if (n > 0)
		return ((ssize_t)n);
	if (io->failed) {
		errno = io->error != 0 ? io->error : EPROTO;
		return (IO_FAIL);
	}
	return (io->closed ? IO_EOF : IO_AGAIN);
}

int
tls_io_flush(struct tls_io *io)
{
	ssize_t	n;

	if (io->failed)
		return (IO_FAIL);
	if (!tls_io_pending(io))
		return (0);
	n = send(io->fd, io->out + io->out_off, io->out_len - io->out_off,
	    MSG_NOSIGNAL);
	if (n == -1 && !would_block()) {
		io->error = errno;
		fault(io);
		return (IO_FAIL);
	}
	if (n > 0)
		io->out_off += (size_t)n;
	if (tls_io_pending(io))
		return (IO_AGAIN);
	drop_out(io);
	return (0);
}

ssize_t
tls_io_write(struct tls_io *io, const void *p, size_t len)
{
	const uint8_t	*buf = p;
	size_t		 done = 0, n;
	int		 r;

	if (!io->done)
		return (IO_AGAIN);
	r = tls_io_flush(io);
	while (r == 0 && done < len && !tls_io_pending(io)) {
		n = len - done < RECORD_MAX ? len - done : RECORD_MAX;
		ERR_clear_error();
		r = SSL_write(io->ssl, buf + done, (int)n);
		if (r <= 0) {
			fault(io);
			errno = io->error != 0 ? io->error : EPROTO;
			return (IO_FAIL);
		}
		done += (size_t)r;
		r = 0;
	}
	if (r == IO_FAIL)
		return (IO_FAIL);
	return (done > 0 ? (ssize_t)done : IO_AGAIN);
}

void
tls_io_shutdown(struct tls_io *io)
{
	if (!io->done || io->failed)
		return;
	ERR_clear_error();
	(void)SSL_shutdown(io->ssl);
	ERR_clear_error();
}
