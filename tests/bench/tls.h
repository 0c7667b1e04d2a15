/* SPDX-License-Identifier: ISC */
/*
 * TLS 1.3 for the load: one cipher, and no look at the certificate.  All end
 * the program with a message on failure.
 */
#ifndef BENCH_TLS_H
#define BENCH_TLS_H

#include <openssl/ssl.h>

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A client's context; certificate and key, files in PEM, may be NULL. */
SSL_CTX	*tls_client(const char *cert, const char *key);
/* Connect to a port on loopback with TCP_NODELAY; blocking. */
int	 tls_socket(int port);
/* A handshake over it, with a session of before or NULL; blocking. */
SSL	*tls_connect(SSL_CTX *, int fd, SSL_SESSION *);
/* As send(2) and recv(2): -1 with EAGAIN if it would block, 0 at the end. */
ssize_t	 tls_send(SSL *, const void *, size_t);
ssize_t	 tls_recv(SSL *, void *, size_t);

#endif
