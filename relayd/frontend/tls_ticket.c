/* SPDX-License-Identifier: ISC */
/* See tls_ticket.h. */
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/random.h>

#include "common/log.h"
#include "relayd/frontend/tls_ticket.h"

static void
fill(void *p, size_t len)
{
	ssize_t	n;

	do {
		n = getrandom(p, len, 0);
	} while (n == -1 && errno == EINTR);
	if (n != (ssize_t)len)
		fatal("getrandom: %s", strerror(errno));
}

/* A new key before the others; the oldest of too many goes. */
static void
add_key(struct tickets *t, int64_t now_ms)
{
	struct ticket_key	*k = &t->keys[0];

	if (t->n == TICKET_KEYS)
		t->n--;
	explicit_bzero(&t->keys[t->n], sizeof(t->keys[0]));
	memmove(t->keys + 1, t->keys, t->n * sizeof(t->keys[0]));
	t->n++;
	fill(k->name, sizeof(k->name));
	fill(k->aes, sizeof(k->aes));
	fill(k->mac, sizeof(k->mac));
	k->made_ms = now_ms;
}

bool
tickets_init(struct tickets *t, OSSL_LIB_CTX *libctx, int64_t now_ms)
{
	memset(t, 0, sizeof(*t));
	t->cipher = EVP_CIPHER_fetch(libctx, "AES-256-CBC", NULL);
	if (t->cipher == NULL)
		return (false);
	add_key(t, now_ms);
	return (true);
}

void
tickets_clear(struct tickets *t)
{
	EVP_CIPHER_free(t->cipher);
	explicit_bzero(t, sizeof(*t));
}

/* Does it open tickets yet? */
static bool
is_good(const struct ticket_key *k, int64_t now_ms)
{
	return (now_ms - k->made_ms <
	    (int64_t)TICKET_KEYS * TICKET_ROTATE_MS);
}

const struct ticket_key *
tickets_present(struct tickets *t, int64_t now_ms)
{
	if (now_ms - t->keys[0].made_ms >= TICKET_ROTATE_MS)
		add_key(t, now_ms);
	while (!is_good(&t->keys[t->n - 1], now_ms))
		explicit_bzero(&t->keys[--t->n], sizeof(t->keys[0]));
	return (&t->keys[0]);
}

const struct ticket_key *
tickets_find(const struct tickets *t, const uint8_t name[TICKET_NAME_LEN],
    int64_t now_ms)
{
	size_t	i;

	for (i = 0; i < t->n; i++) {
		if (memcmp(t->keys[i].name, name, TICKET_NAME_LEN) == 0)
			return (is_good(&t->keys[i], now_ms) ? &t->keys[i] :
			    NULL);
	}
	return (NULL);
}

static bool
set_mac(EVP_MAC_CTX *mac, const struct ticket_key *k)
{
	OSSL_PARAM	params[3];
	char		digest[] = "SHA256";
	uint8_t		key[TICKET_KEY_LEN];
	bool		ok;

	memcpy(key, k->mac, sizeof(key));
	params[0] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key,
	    sizeof(key));
	params[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST,
	    digest, 0);
	params[2] = OSSL_PARAM_construct_end();
	ok = EVP_MAC_CTX_set_params(mac, params) == 1;
	explicit_bzero(key, sizeof(key));
	return (ok);
}

int
tickets_use(struct tickets *t, int64_t now_ms, uint8_t *name, uint8_t *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int enc)
{
	const struct ticket_key	*k = tickets_present(t, now_ms);

	if (enc) {
		memcpy(name, k->name, sizeof(k->name));
		fill(iv, (size_t)EVP_CIPHER_get_iv_length(t->cipher));
	} else if ((k = tickets_find(t, name, now_ms)) == NULL) {
		return (0);
	}
	if (EVP_CipherInit_ex2(cipher, t->cipher, k->aes, iv, enc, NULL) != 1 ||
	    !set_mac(mac, k))
		return (-1);
	return (enc || k == &t->keys[0] ? 1 : 2);
}
