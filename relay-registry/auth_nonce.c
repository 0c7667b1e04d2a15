/* SPDX-License-Identifier: ISC */
/* See auth.h: nonces. */
#include <openssl/crypto.h>

#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "common/log.h"
#include "relay-registry/auth.h"

/* A nonce: time in ms, most significant byte first, random bytes, the MAC. */
#define TIME	8
#define RANDOM	8
#define OPEN	(TIME + RANDOM)
#define MAC	(AUTH_NONCE - OPEN)

struct auth_used {
	RB_ENTRY(auth_used)	 entry;
	STAILQ_ENTRY(auth_used)	 next;
	uint8_t			 open[OPEN];
	int64_t			 ends_ms;
};

static int
compare(struct auth_used *a, struct auth_used *b)
{
	return (memcmp(a->open, b->open, OPEN));
}

RB_PROTOTYPE(auth_tree, auth_used, entry, compare)
RB_GENERATE(auth_tree, auth_used, entry, compare)

void
auth_nonces_init(struct auth_nonces *s, const uint8_t key[32], uint32_t max)
{
	memcpy(s->key, key, sizeof(s->key));
	RB_INIT(&s->tree);
	STAILQ_INIT(&s->oldest);
	s->n = 0;
	s->max = max;
}

static void
forget_oldest(struct auth_nonces *s)
{
	struct auth_used *u = STAILQ_FIRST(&s->oldest);

	STAILQ_REMOVE_HEAD(&s->oldest, next);
	RB_REMOVE(auth_tree, &s->tree, u);
	s->n--;
	free(u);
}

void
auth_nonces_clear(struct auth_nonces *s)
{
	while (!STAILQ_EMPTY(&s->oldest))
		forget_oldest(s);
	explicit_bzero(s->key, sizeof(s->key));
}

static void
make_mac(const struct auth_nonces *s, const uint8_t *open, uint8_t *mac)
{
	uint8_t	whole[AUTH_MAC];

	auth_hmac((struct span){ (const char *)s->key, sizeof(s->key) },
	    (struct span){ (const char *)open, OPEN }, whole);
	memcpy(mac, whole, MAC);
}

void
auth_nonce_make(const struct auth_nonces *s, int64_t now_ms,
    char text[AUTH_NONCE_TEXT])
{
	uint8_t	nonce[AUTH_NONCE];
	int	i;

	for (i = 0; i < TIME; i++)
		nonce[i] = (uint8_t)((uint64_t)now_ms >> (TIME - 1 - i) * 8);
	arc4random_buf(nonce + TIME, RANDOM);
	make_mac(s, nonce, nonce + OPEN);
	b64url_encode(nonce, sizeof(nonce), text);
}

static int64_t
time_of(const uint8_t *nonce)
{
	uint64_t ms = 0;
	int	 i;

	for (i = 0; i < TIME; i++)
		ms = ms << 8 | nonce[i];
	return ((int64_t)ms);
}

static bool
is_ours(const struct auth_nonces *s, const char *text,
    uint8_t nonce[AUTH_NONCE])
{
	uint8_t	mac[MAC];

	if (!b64url_decode(text, strlen(text), nonce, AUTH_NONCE))
		return (false);
	make_mac(s, nonce, mac);
	return (CRYPTO_memcmp(mac, nonce + OPEN, MAC) == 0);
}

enum auth_nonce
auth_nonce_check(struct auth_nonces *s, const char *text, int64_t now_ms)
{
	struct auth_used find;
	uint8_t	nonce[AUTH_NONCE];

	if (!is_ours(s, text, nonce))
		return (NONCE_FOREIGN);
	if (now_ms - time_of(nonce) >= LIMIT_NONCE_MS ||
	    now_ms < time_of(nonce))
		return (NONCE_EXPIRED);
	memcpy(find.open, nonce, OPEN);
	return (RB_FIND(auth_tree, &s->tree, &find) == NULL ? NONCE_GOOD :
	    NONCE_USED);
}

bool
auth_nonce_use(struct auth_nonces *s, const char *text, int64_t now_ms)
{
	struct auth_used *u;
	uint8_t	nonce[AUTH_NONCE];

	auth_nonces_expire(s, now_ms);
	if (s->n >= s->max || !is_ours(s, text, nonce))
		return (false);
	if ((u = malloc(sizeof(*u))) == NULL)
		fatal("no memory for a nonce");
	memcpy(u->open, nonce, OPEN);
	/* In the order of their use, and none ends before it would anyway. */
	u->ends_ms = now_ms + LIMIT_NONCE_MS;
	if (RB_INSERT(auth_tree, &s->tree, u) != NULL) {
		free(u);
		return (false);
	}
	STAILQ_INSERT_TAIL(&s->oldest, u, next);
	s->n++;
	return (true);
}

void
auth_nonces_expire(struct auth_nonces *s, int64_t now_ms)
{
	while (!STAILQ_EMPTY(&s->oldest) &&
	    STAILQ_FIRST(&s->oldest)->ends_ms <= now_ms)
		forget_oldest(s);
}
