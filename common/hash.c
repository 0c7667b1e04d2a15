/* SPDX-License-Identifier: ISC */

/*
 * SipHash-1-3.  One compression round is enough to keep a stranger from
 * choosing colliding keys for a hash table; it is not a MAC.
 */

#include <endian.h>
#include <stdint.h>
#include <string.h>

#include "common/hash.h"

struct sip {
	uint64_t	 v0;
	uint64_t	 v1;
	uint64_t	 v2;
	uint64_t	 v3;
};

static inline uint64_t
rotl(uint64_t x, int n)
{
	return (x << n | x >> (64 - n));
}

static inline uint64_t
load64(const uint8_t *p)
{
	uint64_t	 w;

	memcpy(&w, p, sizeof(w));
	return (le64toh(w));
}

static inline void
sip_round(struct sip *s)
{
	s->v0 += s->v1;
	s->v1 = rotl(s->v1, 13) ^ s->v0;
	s->v0 = rotl(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = rotl(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = rotl(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = rotl(s->v1, 17) ^ s->v2;
	s->v2 = rotl(s->v2, 32);
}

static inline void
sip_word(struct sip *s, uint64_t w)
{
	s->v3 ^= w;
	sip_round(s);
	s->v0 ^= w;
}

uint64_t
siphash13(const uint8_t key[HASH_KEY_LEN], const void *buf, size_t len)
{
	const uint8_t	*p = buf;
	uint64_t	 k0, k1, last;
	struct sip	 s;
	size_t		 left;

	k0 = load64(key);
	k1 = load64(key + 8);
	s.v0 = k0 ^ 0x736f6d6570736575ULL;
	s.v1 = k1 ^ 0x646f72616e646f6dULL;
	s.v2 = k0 ^ 0x6c7967656e657261ULL;
	s.v3 = k1 ^ 0x7465646279746573ULL;

	for (left = len; left >= 8; left -= 8, p += 8)
		sip_word(&s, load64(p));
	last = (uint64_t)(len & 0xff) << 56;
	while (left > 0) {
		left--;
		last |= (uint64_t)p[left] << (8 * left);
	}
	sip_word(&s, last);

	s.v2 ^= 0xff;
	sip_round(&s);
	sip_round(&s);
	sip_round(&s);
	return (s.v0 ^ s.v1 ^ s.v2 ^ s.v3);
}
