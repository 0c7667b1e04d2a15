/* SPDX-License-Identifier: ISC */
/* Resumption: the keys of tickets, and the sessions of those we dial. */
#include <openssl/evp.h>

#include <string.h>

#include "relayd/frontend/tls.h"
#include "tests/unit/suite.h"

#define HOUR	((int64_t)TICKET_ROTATE_MS)

START_TEST(ticket_rotation)
{
	struct tickets			 t;
	struct ticket_key		 a, b;
	const struct ticket_key		*k;

	ck_assert(tickets_init(&t, NULL, 1000));
	a = *tickets_present(&t, 1000);
	k = tickets_present(&t, 1000 + HOUR - 1);
	ck_assert(memcmp(k, &a, sizeof(a)) == 0);
	b = *tickets_present(&t, 1000 + HOUR);
	ck_assert(memcmp(b.name, a.name, sizeof(a.name)) != 0);
	ck_assert(memcmp(b.aes, a.aes, sizeof(a.aes)) != 0);
	ck_assert(memcmp(b.mac, a.mac, sizeof(a.mac)) != 0);
	ck_assert_ptr_nonnull(tickets_find(&t, a.name, 1000 + HOUR));
	ck_assert_ptr_nonnull(tickets_find(&t, a.name, 1000 + 3 * HOUR - 1));
	ck_assert_ptr_null(tickets_find(&t, a.name, 1000 + 3 * HOUR));
	tickets_present(&t, 1000 + 2 * HOUR);
	ck_assert_uint_eq(t.n, 3);
	tickets_present(&t, 1000 + 3 * HOUR);
	ck_assert_uint_eq(t.n, 3);
	ck_assert_ptr_null(tickets_find(&t, a.name, 0));
	ck_assert_ptr_nonnull(tickets_find(&t, b.name, 1000 + 3 * HOUR));
	/* nothing for days: no key of before opens anything */
	k = tickets_present(&t, 1000 + 100 * HOUR);
	ck_assert_uint_eq(t.n, 1);
	ck_assert_ptr_null(tickets_find(&t, b.name, 1000 + 100 * HOUR));
	ck_assert_ptr_eq(tickets_find(&t, k->name, 1000 + 100 * HOUR), k);
	tickets_clear(&t);
}
END_TEST

START_TEST(ticket_use)
{
	struct tickets	 t;
	uint8_t		 name[TICKET_NAME_LEN], iv[16], other[16] = "nobody's";
	EVP_CIPHER_CTX	*c = EVP_CIPHER_CTX_new();
	EVP_MAC		*mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX	*m = EVP_MAC_CTX_new(mac);

	ck_assert(tickets_init(&t, NULL, 0));
	ck_assert_int_eq(tickets_use(&t, 0, name, iv, c, m, 1), 1);
	ck_assert_int_eq(tickets_use(&t, 1, name, iv, c, m, 0), 1);
	ck_assert_int_eq(tickets_use(&t, 1, other, iv, c, m, 0), 0);
	ck_assert_int_eq(tickets_use(&t, HOUR, name, iv, c, m, 0), 2);
	ck_assert_int_eq(tickets_use(&t, 3 * HOUR - 1, name, iv, c, m, 0), 2);
	ck_assert_int_eq(tickets_use(&t, 3 * HOUR, name, iv, c, m, 0), 0);
	EVP_MAC_CTX_free(m);
	EVP_MAC_free(mac);
	EVP_CIPHER_CTX_free(c);
	tickets_clear(&t);
}
END_TEST

/* --- sessions of those we dial --- */

static void
session_name(uint8_t key[TLS_HASH_LEN], size_t i)
{
	memset(key, 0, TLS_HASH_LEN);
	memcpy(key, &i, sizeof(i));
}

START_TEST(sessions)
{
	static struct tls	 t;
	uint8_t			 key[TLS_HASH_LEN];
	SSL_SESSION		*first = SSL_SESSION_new(), *s;
	size_t			 i;

	session_name(key, 0);
	ck_assert_ptr_null(tls_session_find(&t, key));
	tls_session_keep(&t, key, first);
	ck_assert_ptr_eq(tls_session_find(&t, key), first);
	for (i = 1; i < LIMIT_PEERS; i++) {
		session_name(key, i);
		tls_session_keep(&t, key, SSL_SESSION_new());
	}
	session_name(key, 0);
	ck_assert_ptr_eq(tls_session_find(&t, key), first);	/* used now */
	session_name(key, LIMIT_PEERS);
	tls_session_keep(&t, key, SSL_SESSION_new());
	session_name(key, 1);
	ck_assert_ptr_null(tls_session_find(&t, key));	/* the oldest went */
	session_name(key, 0);
	ck_assert_ptr_eq(tls_session_find(&t, key), first);
	s = SSL_SESSION_new();
	tls_session_keep(&t, key, s);			/* in its place */
	ck_assert_ptr_eq(tls_session_find(&t, key), s);
	session_name(key, 2);
	ck_assert_ptr_nonnull(tls_session_find(&t, key));
	for (i = 0; i < LIMIT_PEERS; i++)
		SSL_SESSION_free(t.sessions[i].session);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("tls resumption");

	tcase_add_test(tc, ticket_rotation);
	tcase_add_test(tc, ticket_use);
	tcase_add_test(tc, sessions);
	return (suite_run("tls resumption", tc));
}
