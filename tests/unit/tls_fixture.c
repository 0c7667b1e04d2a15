/* SPDX-License-Identifier: ISC */
/* See tls_fixture.h. */
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/tls_fixture.h"

static EVP_PKEY *
pss_key(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA-PSS", NULL);
	EVP_PKEY *pkey = NULL;

	ck_assert(EVP_PKEY_keygen_init(ctx) == 1);
	ck_assert(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 2048) == 1);
	ck_assert(EVP_PKEY_keygen(ctx, &pkey) == 1);
	EVP_PKEY_CTX_free(ctx);
	return (pkey);
}

EVP_PKEY *
fixture_key(const char *type)
{
	EVP_PKEY *pkey;

	if (strcmp(type, "RSA-PSS") == 0)
		return (pss_key());
	if (strncmp(type, "RSA-", 4) == 0)
		pkey = EVP_RSA_gen((size_t)atoi(type + 4));
	else if (strncmp(type, "ED", 2) == 0)
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, type);
	else
		pkey = EVP_EC_gen(type);
	ck_assert_ptr_nonnull(pkey);
	return (pkey);
}

X509 *
fixture_certificate(EVP_PKEY *pkey)
{
	bool plain = EVP_PKEY_is_a(pkey, "ED25519") ||
	    EVP_PKEY_is_a(pkey, "ED448");
	X509 *cert = X509_new();
	X509_NAME *name;

	ck_assert_ptr_nonnull(cert);
	ck_assert(X509_set_version(cert, X509_VERSION_3) == 1);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
	name = X509_get_subject_name(cert);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)"localhost", -1, -1, 0);
	X509_set_issuer_name(cert, name);
	ck_assert(X509_set_pubkey(cert, pkey) == 1);
	ck_assert(X509_sign(cert, pkey, plain ? NULL : EVP_sha256()) > 0);
	return (cert);
}

X509 *
fixture_named(EVP_PKEY *key, const char *names)
{
	X509		*cert = fixture_certificate(key);
	X509_EXTENSION	*ext;

	ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, names);
	ck_assert_ptr_nonnull(ext);
	ck_assert(X509_add_ext(cert, ext, -1) == 1);
	X509_EXTENSION_free(ext);
	ck_assert(X509_sign(cert, key, EVP_sha256()) > 0);
	return (cert);
}

/* The bytes of a memory BIO, which is freed. */
static struct span
take(BIO *bio)
{
	struct span out;
	char *p;

	out.len = (size_t)BIO_get_mem_data(bio, &p);
	out.p = memcpy(malloc(out.len), p, out.len);
	BIO_free(bio);
	return (out);
}

struct span
fixture_key_pem(EVP_PKEY *pkey, const char *pass)
{
	BIO *bio = BIO_new(BIO_s_mem());

	ck_assert(PEM_write_bio_PrivateKey(bio, pkey,
	    pass == NULL ? NULL : EVP_aes_128_cbc(), NULL, 0, NULL,
	    (void *)(uintptr_t)pass) == 1);
	return (take(bio));
}

struct span
fixture_old_pem(EVP_PKEY *pkey)
{
	BIO *bio = BIO_new(BIO_s_mem());

	ck_assert(PEM_write_bio_PrivateKey_traditional(bio, pkey, NULL, NULL,
	    0, NULL, NULL) == 1);
	return (take(bio));
}

struct span
fixture_certificate_pem(X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());

	ck_assert(PEM_write_bio_X509(bio, cert) == 1);
	return (take(bio));
}

struct span
fixture_both(struct span a, struct span b)
{
	char *p = malloc(a.len + b.len);

	memcpy(p, a.p, a.len);
	memcpy(p + a.len, b.p, b.len);
	return ((struct span){ p, a.len + b.len });
}

void
fixture_free(struct span *s)
{
	free((void *)(uintptr_t)s->p);
	s->p = NULL;
}

struct span
fixture_tls13(char *buf, bool server, size_t hash)
{
	const char *context = server ? "TLS 1.3, server CertificateVerify" :
	    "TLS 1.3, client CertificateVerify";
	size_t len = strlen(context) + 1;

	memset(buf, ' ', 64);
	memcpy(buf + 64, context, len);
	memset(buf + 64 + len, 0x5a, hash);
	return ((struct span){ buf, 64 + len + hash });
}

struct span
fixture_tls12(char *buf, uint16_t group, size_t point)
{
	memset(buf, 0xa5, CONTENT_MAX);
	buf[64] = 3;
	buf[65] = (char)(group >> 8);
	buf[66] = (char)group;
	buf[67] = (char)point;
	buf[68] = 4;
	return ((struct span){ buf, 68 + point });
}

struct keypair
keypair_new(const char *type)
{
	struct keypair	p;

	p.pkey = fixture_key(type);
	p.cert = fixture_certificate(p.pkey);
	p.key_pem = fixture_key_pem(p.pkey, NULL);
	p.cert_pem = fixture_certificate_pem(p.cert);
	return (p);
}

void
keypair_free(struct keypair *p)
{
	fixture_free(&p->key_pem);
	fixture_free(&p->cert_pem);
	X509_free(p->cert);
	EVP_PKEY_free(p->pkey);
}
