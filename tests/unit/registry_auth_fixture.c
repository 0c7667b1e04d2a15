/* SPDX-License-Identifier: ISC */
/* See registry_auth_fixture.h. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/registry_auth_fixture.h"
#include "tests/unit/suite.h"

struct registry	*r;

void
main_setup(void)
{
	r = fixture_main(100);
	fx_trust(r, AUTH_REQUIRED, NULL, 0);
	fx_settle(r);
}

void
home_setup(void)
{
	r = fixture_home();
	fx_settle(r);
}

void
teardown(void)
{
	fixture_free(r);
}

static void
key_of(uint8_t n, uint8_t seed[AUTH_KEY], char text[AUTH_KEY_TEXT])
{
	uint8_t public[AUTH_KEY];

	memset(seed, n, AUTH_KEY);
	auth_public(seed, public);
	b64url_encode(public, sizeof(public), text);
}

const char *
key_conf(uint8_t n)
{
	static char conf[64];
	char text[AUTH_KEY_TEXT];
	uint8_t seed[AUTH_KEY];

	key_of(n, seed, text);
	snprintf(conf, sizeof(conf), "ed25519:%s", text);
	return (conf);
}

void
give(struct credentials *list, enum holder holder, uint32_t index,
    const char *node, enum auth_method method, const char *value,
    const char *contents)
{
	const struct credential_conf conf = { holder, index, span_str(node),
	    method, span_str(value), span_str(contents != NULL ? contents :
	    ""), span_str("") };
	const char *why = credentials_add(list, &conf);

	ck_assert_msg(why == NULL, "%s", why);
}

void
nodes_setup(void)
{
	struct credentials list = { .n = 0 };

	main_setup();
	give(&list, HOLDER_HOME, 0, "alice.home", AUTH_BY_KEY, key_conf(1),
	    NULL);
	give(&list, HOLDER_HOME, 0, "alice.home", AUTH_BY_KEY, key_conf(2),
	    NULL);
	give(&list, HOLDER_HOME, 0, "bob.home", AUTH_BY_KEY, key_conf(3),
	    NULL);
	give(&list, HOLDER_HOME, 0, "carol.home", AUTH_BY_SECRET, "",
	    SECRET_1);
	give(&list, HOLDER_HOME, 0, "carol.home", AUTH_BY_SECRET, "",
	    SECRET_2);
	give(&list, HOLDER_HOME, 0, "dave.home", AUTH_BY_TOKEN,
	    "sha256:e57f0c2c3b2bd9dfc6d7c6ae3a3a9a0f"
	    "00000000000000000000000000000000", NULL);
	give(&list, HOLDER_HOME, 0, "erin.home", AUTH_BY_CERTIFICATE,
	    "dns:erin.example.com", NULL);
	give(&list, HOLDER_HOME, 0, "erin.home", AUTH_BY_CERTIFICATE,
	    "spiffe://example.com/erin", NULL);
	give(&list, HOLDER_PEER, 0, "b.main", AUTH_BY_KEY, key_conf(4), NULL);
	fx_trust(r, AUTH_REQUIRED, &list, 0);
	fx_settle(r);
}

void
ask_as(enum node_kind kind, uint64_t session, const char *node,
    const char *authorization, int64_t ms)
{
	const struct session_request q = { .session = session,
	    .conn = session, .kind = kind,
	    .node = span_str(node), .boot = span_str(""),
	    .address = span_str("192.0.2.7:7"), .peer = PEER_NONE,
	    .authorization = span_str(authorization),
	    .certificate = span_str("") };

	registry_open(r, &q, at(ms));
}

void
ask(uint64_t session, const char *node, const char *authorization,
    int64_t ms)
{
	ask_as(NODE_HOME, session, node, authorization, ms);
}

void
ask_openly(uint64_t session, const char *node, bool local)
{
	const struct session_request q = { .session = session,
	    .kind = NODE_HOME, .node = span_str(node), .boot = span_str(""),
	    .address = span_str("192.0.2.7:7"), .peer = PEER_NONE,
	    .local = local, .authorization = span_str(""),
	    .certificate = span_str("") };

	registry_open(r, &q, at(0));
}

/* All that a stranger learns is the same, whoever it is. */
void
is_challenged(uint64_t session, struct client *c)
{
	const struct reply *reply = fx_expect(r, MSG_SESSION_DENY, session);
	struct auth_challenge asked;

	ck_assert_uint_eq(reply->status, 401);
	ck_assert_int_eq(reply->code, REGISTRY_UNAUTHENTICATED);
	ck_assert_str_eq(reply->reason, "unauthorized");
	ck_assert_ptr_null(reply->detail);
	ck_assert_uint_eq(reply->retry_after_ms, 0);
	ck_assert_ptr_nonnull(reply->header);
	ck_assert(auth_parse_challenge(span_str(reply->header), &asked));
	ck_assert(asked.relay);
	ck_assert_uint_eq(strlen(reply->header),
	    strlen("Relay nonce=\"\"") + 43);
	if (c != NULL)
		strcpy(c->nonce, asked.nonce);
}

const struct reply *
is_accepted(uint64_t session)
{
	return (fx_expect(r, MSG_SESSION_ACCEPT, session));
}

struct client
challenged(const char *node, uint8_t key, int64_t ms)
{
	struct client c = { .method = AUTH_BY_KEY, .node = node,
	    .server = "main.example", .cnonce = "AAAAAAAAAAAAAAAAAAAAAA" };

	key_of(key, c.seed, c.key);
	ask(1000 + key, node, "", ms);
	is_challenged(1000 + key, &c);
	return (c);
}

static struct auth_text
text_of(const struct client *c, const char *key)
{
	return ((struct auth_text){ c->method, c->nonce, c->cnonce, c->node,
	    c->main, c->server, key });
}

const char *
header(const struct client *c)
{
	static char out[1024];
	struct auth_text text = text_of(c, c->method == AUTH_BY_SECRET ? "" :
	    c->key);
	char proof[B64URL_SIZE(AUTH_SIGNATURE)], mac[B64URL_SIZE(AUTH_MAC)];
	uint8_t bytes[AUTH_SIGNATURE], seed[AUTH_KEY];

	if (c->method == AUTH_BY_SECRET) {
		auth_mac(c->secret, &text, SIDE_CLIENT, bytes);
		b64url_encode(bytes, AUTH_MAC, mac);
		snprintf(out, sizeof(out), "Relay method=secret, nonce=%s, "
		    "cnonce=%s, proof=%s", c->nonce, c->cnonce, mac);
		return (out);
	}
	memcpy(seed, c->seed, sizeof(seed));
	seed[0] ^= c->swap;
	auth_sign(seed, &text, SIDE_CLIENT, bytes);
	b64url_encode(bytes, AUTH_SIGNATURE, proof);
	auth_mac(c->secret, &text, SIDE_JOIN, bytes);
	b64url_encode(bytes, AUTH_MAC, mac);
	snprintf(out, sizeof(out), "Relay method=%s, nonce=%s, cnonce=%s, "
	    "key=%s, proof=%s%s%s", auth_method_name(c->method), c->nonce,
	    c->cnonce, c->key, proof, c->method == AUTH_BY_JOIN ? ", mac=" :
	    "", c->method == AUTH_BY_JOIN ? mac : "");
	return (out);
}

void
proved_back(const struct reply *reply, const struct client *c)
{
	struct auth_proof p;
	struct auth_text text;

	ck_assert_ptr_nonnull(reply->header);
	ck_assert_ptr_null(auth_parse_server(span_str(reply->header), &p));
	text = text_of(c, p.key_text);
	if (c->method == AUTH_BY_SECRET) {
		ck_assert_int_eq(p.method, AUTH_BY_SECRET);
		ck_assert(auth_verify_mac(c->secret, &text, SIDE_SERVER,
		    p.mac));
		return;
	}
	ck_assert_int_eq(p.method, AUTH_BY_KEY);
	ck_assert_str_eq(p.key_text, r->trust->public_text);
	ck_assert(auth_verify(p.key, &text, SIDE_SERVER, p.signature));
}
