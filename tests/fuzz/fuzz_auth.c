/* SPDX-License-Identifier: ISC */
/*
 * Any text as an Authorization header, as an X-Relay-Proof and as a challenge:
 * what is taken for good has the form it must have, and is the same when it is
 * written anew.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay-registry/auth.h"
#include "tests/fuzz/must.h"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

/* Text that is base64url of n bytes, and which. */
static void
must_be(const char *text, size_t n)
{
	uint8_t bytes[AUTH_SIGNATURE] = { 0 };
	char again[B64URL_SIZE(AUTH_SIGNATURE)];

	must(n <= sizeof(bytes) &&
	    b64url_decode(text, strlen(text), bytes, n));
	b64url_encode(bytes, n, again);
	must(strcmp(text, again) == 0);
}

static void
must_be_cnonce(const char *text)
{
	size_t n = strlen(text) * 3 / 4;

	must(n >= AUTH_CNONCE_MIN && n <= AUTH_CNONCE_MAX);
	must_be(text, n);
}

static void
write_proof(const struct auth_proof *p, bool server, char *out, size_t size)
{
	char proof[B64URL_SIZE(AUTH_SIGNATURE)], mac[B64URL_SIZE(AUTH_MAC)];
	bool key = p->method != AUTH_BY_SECRET;

	b64url_encode(p->signature, AUTH_SIGNATURE, proof);
	b64url_encode(p->mac, AUTH_MAC, mac);
	snprintf(out, size, "%smethod=%s%s%s%s%s%s%s, proof=%s%s%s",
	    server ? "" : "Relay ", auth_method_name(p->method),
	    server ? "" : ", nonce=", p->nonce,
	    server ? "" : ", cnonce=", p->cnonce,
	    key ? ", key=" : "", p->key_text, key ? proof : mac,
	    p->method == AUTH_BY_JOIN && !server ? ", mac=" : "",
	    p->method == AUTH_BY_JOIN && !server ? mac : "");
}

static void
check_proof(struct span s, bool server)
{
	struct auth_proof p, again;
	char text[1024];

	if ((server ? auth_parse_server(s, &p) : auth_parse(s, &p)) != NULL)
		return;
	if (p.method == AUTH_BY_TOKEN) {
		must(!server && p.token.p >= s.p &&
		    p.token.p + p.token.len <= s.p + s.len &&
		    p.token.len >= AUTH_SECRET_MIN &&
		    p.token.len <= AUTH_SECRET_MAX);
		return;
	}
	must(p.method == AUTH_BY_KEY || p.method == AUTH_BY_SECRET ||
	    p.method == AUTH_BY_JOIN);
	if (!server) {
		must_be(p.nonce, AUTH_NONCE);
		must_be_cnonce(p.cnonce);
	}
	if (p.method != AUTH_BY_SECRET)
		must_be(p.key_text, AUTH_KEY);
	write_proof(&p, server, text, sizeof(text));
	must((server ? auth_parse_server(span_str(text), &again) :
	    auth_parse(span_str(text), &again)) == NULL);
	must(memcmp(&p, &again, sizeof(p)) == 0);
}

static void
check_challenge(struct span s)
{
	struct auth_challenge c;

	if (auth_parse_challenge(s, &c) && c.relay)
		must_be(c.nonce, AUTH_NONCE);
}

/* A nonce of anybody is none of ours. */
static void
check_nonce(struct span s)
{
	static const uint8_t key[32] = { 1 };
	static struct auth_nonces nonces;
	char text[128];

	if (!span_copy(s, text, sizeof(text)) || strlen(text) != s.len)
		return;
	if (nonces.max == 0)
		auth_nonces_init(&nonces, key, 1);
	must(auth_nonce_check(&nonces, text, 1000) == NONCE_FOREIGN);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* Of just that size, so that reading on is seen. */
	char *copy = malloc(size + (size == 0));
	struct span s = { copy, size };

	must(copy != NULL);
	if (size > 0)
		memcpy(copy, data, size);
	check_proof(s, false);
	check_proof(s, true);
	check_challenge(s);
	check_nonce(s);
	free(copy);
	return (0);
}
