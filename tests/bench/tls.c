/* SPDX-License-Identifier: ISC */
/* See tls.h. */

#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <err.h>
#include <errno.h>
#include <string.h>

#include "tests/bench/tls.h"

SSL_CTX *
tls_client(const char *cert, const char *key)
{
	SSL_CTX	*ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL ||
	    SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256") != 1)
		errx(1, "no TLS 1.3");
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	if (cert != NULL &&
	    (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1 ||
	    SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1))
		errx(1, "%s, %s: no certificate with its key", cert, key);
	return (ctx);
}

int
tls_socket(int port)
{
	struct sockaddr_in	 sin = { .sin_family = AF_INET };
	int			 fd, one = 1;

	sin.sin_port = htons((uint16_t)port);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if ((fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1)
		err(1, "socket");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (struct sockaddr *)&sin, sizeof(sin)) == -1)
		err(1, "connect to port %d", port);
	return (fd);
}

SSL *
tls_connect(SSL_CTX *ctx, int fd, SSL_SESSION *session)
{
	SSL	*ssl = SSL_new(ctx);

	if (ssl == NULL || SSL_set_fd(ssl, fd) != 1 ||
	    (session != NULL && SSL_set_session(ssl, session) != 1))
		errx(1, "no TLS connection");
	if (SSL_connect(ssl) != 1)
		errx(1, "the TLS handshake failed");
	return (ssl);
}

static ssize_t
result(SSL *ssl, int ok, size_t n)
{
	if (ok == 1)
		return ((ssize_t)n);
	switch (SSL_get_error(ssl, ok)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		errno = EAGAIN;
		return (-1);
	case SSL_ERROR_ZERO_RETURN:
		return (0);
	default:
		errno = ECONNRESET;
		return (-1);
	}
}

ssize_t
tls_send(SSL *ssl, const void *p, size_t len)
{
	size_t	n = 0;
	int	ok = SSL_write_ex(ssl, p, len, &n);

	return (result(ssl, ok, n));
}

ssize_t
tls_recv(SSL *ssl, void *p, size_t len)
{
	size_t	n = 0;
	int	ok = SSL_read_ex(ssl, p, len, &n);

	return (result(ssl, ok, n));
}
