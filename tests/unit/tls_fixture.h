/* SPDX-License-Identifier: ISC */
/* Keys and certificates made for a test. */
#ifndef TESTS_UNIT_TLS_FIXTURE_H
#define TESTS_UNIT_TLS_FIXTURE_H

#include <openssl/types.h>

#include "common/wire.h"

/*
 * A new key: "RSA-1024", "RSA-2048", "RSA-PSS", "P-256", "P-384", "P-521",
 * "secp256k1", "ED25519", "ED448".
 */
EVP_PKEY	*fixture_key(const char *);
/* A certificate for it, signed by itself. */
X509		*fixture_certificate(EVP_PKEY *);
/* The same with alternative names as X509V3_EXT_conf_nid() has them. */
X509		*fixture_named(EVP_PKEY *, const char *);
/* PEM, to be freed with fixture_free(); with a passphrase or NULL. */
struct span	 fixture_key_pem(EVP_PKEY *, const char *);
/* As of before PKCS #8: "BEGIN EC PRIVATE KEY". */
struct span	 fixture_old_pem(EVP_PKEY *);
struct span	 fixture_certificate_pem(X509 *);
/* One behind the other. */
struct span	 fixture_both(struct span, struct span);
void		 fixture_free(struct span *);

/* A key, its certificate, and both as files. */
struct keypair {
	EVP_PKEY	*pkey;
	X509		*cert;
	struct span	 key_pem, cert_pem;
};

struct keypair	 keypair_new(const char *);
void		 keypair_free(struct keypair *);

/* What TLS signs, into a buffer of CONTENT_MAX bytes. */
#define CONTENT_MAX	512
struct span	 fixture_tls13(char *, bool server, size_t hash);
struct span	 fixture_tls12(char *, uint16_t group, size_t point);

#endif
