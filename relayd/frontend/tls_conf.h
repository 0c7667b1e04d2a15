/* SPDX-License-Identifier: ISC */
/*
 * TLS of one generation of the configuration: certificates, authorities, and
 * the contexts made of them.  Handshakes that are under way keep it; links
 * that stand do not need it.
 */
#ifndef FRONTEND_TLS_CONF_H
#define FRONTEND_TLS_CONF_H

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/limits.h"
#include "common/wire.h"
#include "relayd/frontend/tls.h"

#define TLS_NONE	0xffffffffU	/* index of no file */

/* A file, as it was received. */
struct tls_file {
	uint32_t	 index;
	char		*name;
	uint8_t		*pem;		/* until it is parsed */
	size_t		 len;
};

struct tls_cert {
	struct tls_file		 file;
	bool			 server;	/* shown by listeners */
	X509			*leaf;
	STACK_OF(X509)		*chain;		/* without the leaf */
	struct tls_names	 names;
	SSL_CTX			*ctx;		/* of a listener's */
};

struct tls_ca {
	struct tls_file		 file;
	bool			 clients;	/* for certificates of clients */
	uint8_t			 hash[TLS_HASH_LEN];	/* of the file */
	X509_STORE		*store;
	STACK_OF(X509_NAME)	*names;
};

/* Whom we dial, and how to know that it is the one. */
struct tls_target {
	struct tls_conf	*conf;		/* which it is part of */
	char		*host;
	uint16_t	 port;
	bool		 numeric;	/* it is an address */
	uint32_t	 ca, key;	/* indexes, or TLS_NONE */
	char		 pin[TLS_PIN_MAX];	/* empty: ca counts */
	const struct tls_ca *believed;	/* of that index, once all is there */
	const struct tls_cert *shown;	/* the same; or NULL */
	/*
	 * Of all that made us trust it, contents and not names: links stay
	 * while it is the same, and sessions are resumed while the certificate
	 * of ours is the same, too.
	 */
	uint8_t		 trust_key[TLS_HASH_LEN];
	uint8_t		 session_key[TLS_HASH_LEN];
	SSL_CTX		*ctx;
};

struct tls_conf {
	struct tls		*tls;
	unsigned		 refs;
	uint32_t		 generation;
	struct tls_cert		 certs[LIMIT_KEYS];
	size_t			 ncerts;
	struct tls_ca		 cas[LIMIT_CAS];
	size_t			 ncas;
	struct tls_target	*targets[LIMIT_PEERS];
	size_t			 ntargets;
	SSL_CTX			*server;	/* of the default certificate */
	char			 fault[256];	/* the first of what came */
};

/* Empty; one reference. */
struct tls_conf	*tls_conf_new(struct tls *, uint32_t generation);
struct tls_conf	*tls_conf_ref(struct tls_conf *);
/* NULL is fine. */
void		 tls_conf_unref(struct tls_conf *);

/*
 * A file came: read at most LIMIT_PEM octets and close it.  False if there are
 * too many; what is wrong with the file itself is told at the end.
 */
bool		 tls_conf_cert(struct tls_conf *, uint32_t index, bool server,
		    struct span file, int fd);
bool		 tls_conf_ca(struct tls_conf *, uint32_t index, bool clients,
		    struct span file, int fd);
/*
 * Whom to dial by TLS; pin: "sha256:..." or empty.  Owned by the
 * configuration; NULL if there are too many.
 */
struct tls_target *tls_conf_target(struct tls_conf *, struct span host,
		    uint16_t port, uint32_t ca, struct span pin,
		    uint32_t key);

/* The authorities of clients' certificates, or NULL. */
const struct tls_ca *tls_conf_client_ca(const struct tls_conf *);

/*
 * All has come: parse the files, make the contexts; listeners says whether
 * any has TLS.  False and the reason if it cannot be used.
 */
bool		 tls_conf_end(struct tls_conf *, bool listeners, char *,
		    size_t);

#endif
