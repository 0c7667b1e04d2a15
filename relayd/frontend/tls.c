/* SPDX-License-Identifier: ISC */
/* See tls.h. */
#include <openssl/err.h>
#include <openssl/x509.h>

#include <string.h>

#include "common/monotime.h"
#include "relayd/frontend/tls.h"
#include "relayd/frontend/tls_io.h"

bool
tls_init(struct tls *t, const struct keysign_ops *ops, void *arg)
{
	memset(t, 0, sizeof(*t));
	/* what the system's openssl.cnf says is not for this process */
	if (OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG |
	    OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
	    NULL) != 1)
		return (false);
	/* the first time that is taken apart asks for the file of the zone */
	ASN1_TIME_free(X509_gmtime_adj(NULL, 0));
	t->keysign = keysign_new(ops, arg);
	t->bio = tls_io_method();
	return (t->keysign != NULL && t->bio != NULL &&
	    tickets_init(&t->tickets, keysign_libctx(t->keysign),
	    monotime_now().ms));
}

void
tls_clear(struct tls *t)
{
	size_t	i;

	for (i = 0; i < LIMIT_PEERS; i++)
		SSL_SESSION_free(t->sessions[i].session);
	tickets_clear(&t->tickets);
	BIO_meth_free(t->bio);
	keysign_free(t->keysign);
	memset(t, 0, sizeof(*t));
}

static struct tls_session *
find(struct tls *t, const uint8_t key[TLS_HASH_LEN])
{
	size_t	i;

	for (i = 0; i < LIMIT_PEERS; i++) {
		if (t->sessions[i].session != NULL &&
		    memcmp(t->sessions[i].key, key, TLS_HASH_LEN) == 0)
			return (&t->sessions[i]);
	}
	return (NULL);
}

/* The one to give up; those that are free were never used. */
static struct tls_session *
oldest(struct tls *t)
{
	struct tls_session	*s = &t->sessions[0];
	size_t			 i;

	for (i = 1; i < LIMIT_PEERS; i++) {
		if (t->sessions[i].used < s->used)
			s = &t->sessions[i];
	}
	return (s);
}

void
tls_session_keep(struct tls *t, const uint8_t key[TLS_HASH_LEN],
    SSL_SESSION *session)
{
	struct tls_session	*s = find(t, key);

	if (s == NULL)
		s = oldest(t);
	SSL_SESSION_free(s->session);
	memcpy(s->key, key, TLS_HASH_LEN);
	s->session = session;
	s->used = ++t->clock;
}

SSL_SESSION *
tls_session_find(struct tls *t, const uint8_t key[TLS_HASH_LEN])
{
	struct tls_session	*s = find(t, key);

	if (s == NULL)
		return (NULL);
	s->used = ++t->clock;
	return (s->session);
}

/* The first error of libssl itself, else the first of all; none are left. */
static unsigned long
first_error(void)
{
	unsigned long	code, first = ERR_peek_error();

	while ((code = ERR_get_error()) != 0) {
		if (ERR_GET_LIB(code) == ERR_LIB_SSL) {
			first = code;
			break;
		}
	}
	ERR_clear_error();
	return (first);
}

const char *
tls_reason(void)
{
	unsigned long	 code = first_error();
	const char	*text;

	if (code == 0)
		return ("unknown error");
	if (ERR_SYSTEM_ERROR(code))
		return (strerror(ERR_GET_REASON(code)));
	text = ERR_reason_error_string(code);
	return (text != NULL ? text : "unknown error");
}
