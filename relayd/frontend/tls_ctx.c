/* SPDX-License-Identifier: ISC */
/* See tls_ctx.h. */
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "common/monotime.h"
#include "relayd/frontend/tls_ctx.h"
#include "relayd/frontend/tls_io.h"

#define SECURITY_LEVEL	2	/* of OpenSSL: 112 bits, RSA from 2048 */
#define CHAIN_DEPTH	8	/* certificates between the ends */
#define CLIENT_CHAIN	32768	/* octets a stranger may send as its chain */
#define CA_NAMES	100	/* more are not told to clients */

static const char ciphers12[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384";
static const char ciphers13[] = "TLS_AES_128_GCM_SHA256:"
    "TLS_CHACHA20_POLY1305_SHA256:TLS_AES_256_GCM_SHA384";
static const char groups[] = "X25519:P-256:P-384";
static const uint8_t http11[] = { 8, 'h', 't', 't', 'p', '/', '1', '.', '1' };

/* --- what both sides have --- */

static SSL_CTX *
ctx_new(struct tls_conf *conf, const SSL_METHOD *method)
{
	SSL_CTX	*ctx = SSL_CTX_new_ex(keysign_libctx(conf->tls->keysign), NULL,
	    method);

	if (ctx == NULL)
		return (NULL);
	SSL_CTX_set_security_level(ctx, SECURITY_LEVEL);
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION |
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
	    SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_verify_depth(ctx, CHAIN_DEPTH);
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	    SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
	    SSL_CTX_set_cipher_list(ctx, ciphers12) == 1 &&
	    SSL_CTX_set_ciphersuites(ctx, ciphers13) == 1 &&
	    SSL_CTX_set1_groups_list(ctx, groups) == 1)
		return (ctx);
	SSL_CTX_free(ctx);
	return (NULL);
}

/* The certificate, its chain, and the key that the keeper has. */
static bool
show_cert(struct tls_conf *conf, SSL_CTX *ctx, const struct tls_cert *cert,
    char *why, size_t size)
{
	EVP_PKEY	*key;
	bool		 ok;

	ok = SSL_CTX_use_certificate(ctx, cert->leaf) == 1 &&
	    SSL_CTX_set1_chain(ctx, cert->chain) == 1;
	if (!ok) {
		snprintf(why, size, "%s", tls_reason());
		return (false);
	}
	key = keysign_key(conf->tls->keysign, conf->generation,
	    cert->file.index, cert->server, cert->leaf, why, size);
	if (key == NULL)
		return (false);
	ok = SSL_CTX_use_PrivateKey(ctx, key) == 1;
	if (!ok)
		snprintf(why, size, "%s", tls_reason());
	EVP_PKEY_free(key);
	return (ok);
}

/* --- listeners --- */

/* The certificate for the name the client asks for. */
static int
on_name(SSL *ssl, int *alert, void *arg)
{
	const struct tls_conf	*conf = arg;
	const struct tls_cert	*best = NULL;
	const char		*name;
	enum tls_match		 match, top = TLS_MATCH_NONE;
	size_t			 i;

	(void)alert;
	name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	for (i = 0; name != NULL && i < conf->ncerts; i++) {
		if (!conf->certs[i].server)
			continue;
		match = tls_names_match(&conf->certs[i].names, name);
		if (match > top) {
			top = match;
			best = &conf->certs[i];
		}
	}
	if (best == NULL)
		return (SSL_TLSEXT_ERR_NOACK);	/* the default has to do */
	(void)SSL_set_SSL_CTX(ssl, best->ctx);
	return (SSL_TLSEXT_ERR_OK);
}

/* A client that speaks other protocols only is at the wrong port. */
static int
on_alpn(SSL *ssl, const unsigned char **out, unsigned char *outlen,
    const unsigned char *in, unsigned int inlen, void *arg)
{
	unsigned char	*p;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&p, outlen, http11, sizeof(http11), in,
	    inlen) != OPENSSL_NPN_NEGOTIATED)
		return (SSL_TLSEXT_ERR_ALERT_FATAL);
	*out = p;
	return (SSL_TLSEXT_ERR_OK);
}

static int
on_ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int enc)
{
	struct tls_io	*io = SSL_get_app_data(ssl);

	return (tickets_use(&io->tls->tickets, monotime_now().ms, name, iv,
	    cipher, mac, enc));
}

/* A session does not outlive the certificate that its client has shown. */
static SSL_TICKET_RETURN
on_ticket(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
    size_t len, SSL_TICKET_STATUS status, void *arg)
{
	X509	*peer;

	(void)ssl;
	(void)name;
	(void)len;
	(void)arg;
	if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
		return (SSL_TICKET_RETURN_IGNORE_RENEW);
	peer = SSL_SESSION_get0_peer(session);
	if (peer != NULL &&
	    X509_cmp_current_time(X509_get0_notAfter(peer)) <= 0)
		return (SSL_TICKET_RETURN_IGNORE_RENEW);
	return (status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE :
	    SSL_TICKET_RETURN_USE_RENEW);
}

/* Sessions are in tickets only: nothing of them is kept here. */
static bool
set_tickets(SSL_CTX *ctx, const struct tls_ca *ca)
{
	static const uint8_t	 none[TLS_HASH_LEN];
	const uint8_t		*id = ca != NULL ? ca->hash : none;

	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(ctx, TICKET_LIFE_S);
	/* who was let in by other authorities than these starts again */
	return (SSL_CTX_set_session_id_context(ctx, id, TLS_HASH_LEN) == 1 &&
	    SSL_CTX_set_num_tickets(ctx, 1) == 1 &&
	    SSL_CTX_set_max_early_data(ctx, 0) == 1 &&
	    SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket_key) == 1 &&
	    SSL_CTX_set_session_ticket_cb(ctx, NULL, on_ticket, NULL) == 1);
}

/* Ask clients for a certificate; who has none is let in without. */
static bool
ask_clients(SSL_CTX *ctx, const struct tls_ca *ca)
{
	STACK_OF(X509_NAME)	*names;

	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_max_cert_list(ctx, CLIENT_CHAIN);
	SSL_CTX_set1_cert_store(ctx, ca->store);
	if (sk_X509_NAME_num(ca->names) > CA_NAMES)
		return (true);
	names = SSL_dup_CA_list(ca->names);
	if (names == NULL)
		return (false);
	SSL_CTX_set_client_CA_list(ctx, names);
	return (true);
}

SSL_CTX *
tls_ctx_server(struct tls_conf *conf, const struct tls_cert *cert,
    const struct tls_ca *ca, char *why, size_t size)
{
	SSL_CTX	*ctx = ctx_new(conf, TLS_server_method());

	if (ctx == NULL || !set_tickets(ctx, ca) ||
	    (ca != NULL && !ask_clients(ctx, ca))) {
		snprintf(why, size, "%s", tls_reason());
		SSL_CTX_free(ctx);
		return (NULL);
	}
	SSL_CTX_set_tlsext_servername_callback(ctx, on_name);
	SSL_CTX_set_tlsext_servername_arg(ctx, conf);
	SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
	SSL_CTX_set_info_callback(ctx, tls_io_on_info);
	if (show_cert(conf, ctx, cert, why, size))
		return (ctx);
	SSL_CTX_free(ctx);
	return (NULL);
}

/* --- those we dial --- */

static int
on_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_io	*io = SSL_get_app_data(ssl);

	tls_session_keep(io->tls, io->session_key, session);
	return (1);
}

/* The key of the certificate is all that counts for a target with a pin. */
static int
verify_pin(X509_STORE_CTX *store, void *arg)
{
	const struct tls_target	*target = arg;
	SSL			*ssl = X509_STORE_CTX_get_ex_data(store,
	    SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_io		*io = SSL_get_app_data(ssl);
	char			 pin[TLS_PIN_MAX];

	tls_pin(X509_STORE_CTX_get0_cert(store), pin);
	if (strcmp(pin, target->pin) == 0)
		return (1);
	io->shown = strdup(pin);	/* for the log, if there is memory */
	X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
	return (0);
}

static bool
set_verify(SSL_CTX *ctx, struct tls_target *target, const struct tls_ca *ca)
{
	X509_VERIFY_PARAM	*param = SSL_CTX_get0_param(ctx);

	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	if (target->pin[0] != '\0') {
		SSL_CTX_set_cert_verify_callback(ctx, verify_pin, target);
		return (true);
	}
	X509_VERIFY_PARAM_set_hostflags(param,
	    X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
	    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	SSL_CTX_set1_cert_store(ctx, ca->store);
	return ((target->numeric ?
	    X509_VERIFY_PARAM_set1_ip_asc(param, target->host) :
	    X509_VERIFY_PARAM_set1_host(param, target->host, 0)) == 1);
}

SSL_CTX *
tls_ctx_client(struct tls_conf *conf, struct tls_target *target,
    const struct tls_ca *ca, const struct tls_cert *cert, char *why,
    size_t size)
{
	SSL_CTX	*ctx = ctx_new(conf, TLS_client_method());

	if (ctx == NULL || !set_verify(ctx, target, ca) ||
	    SSL_CTX_set_alpn_protos(ctx, http11, sizeof(http11)) != 0 ||
	    /* the keeper signs what a client of TLS 1.3 shows, no other's */
	    (cert != NULL &&
	    SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1)) {
		snprintf(why, size, "%s", tls_reason());
		SSL_CTX_free(ctx);
		return (NULL);
	}
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT |
	    SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	if (cert == NULL || show_cert(conf, ctx, cert, why, size))
		return (ctx);
	SSL_CTX_free(ctx);
	return (NULL);
}
