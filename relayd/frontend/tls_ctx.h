/* SPDX-License-Identifier: ISC */
/*
 * The contexts of a configuration: TLS 1.2 and 1.3, forward secrecy and AEAD
 * only, no compression, renegotiation or early data.
 */
#ifndef FRONTEND_TLS_CTX_H
#define FRONTEND_TLS_CTX_H

#include "relayd/frontend/tls_conf.h"

/*
 * The context that shows this certificate to clients, and asks for theirs if
 * ca is not NULL.  NULL and the reason if it cannot be used.
 */
SSL_CTX	*tls_ctx_server(struct tls_conf *, const struct tls_cert *,
	    const struct tls_ca *, char *, size_t);

/*
 * The context for a target: verifies by ca, unless the target has a pin, and
 * shows cert, if it is not NULL.  The same.
 */
SSL_CTX	*tls_ctx_client(struct tls_conf *, struct tls_target *,
	    const struct tls_ca *, const struct tls_cert *, char *, size_t);

#endif
