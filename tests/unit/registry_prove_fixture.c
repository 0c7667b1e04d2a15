/* SPDX-License-Identifier: ISC */
/* See registry_prove_fixture.h. */
#include <stdio.h>
#include <string.h>

#include "tests/unit/registry_prove_fixture.h"
#include "tests/unit/suite.h"

struct credentials	list;
struct auth_proof	shown;
char			said[LIMIT_DENIAL];

const char *
prove(enum node_kind kind, uint64_t conn, uint32_t index, uint32_t generation,
    const char *main_id, const char *challenge)
{
	const struct proof_request q = { conn, kind, index, generation,
	    span_str(main_id), span_str(challenge) };
	const struct reply *reply;

	registry_prove(r, &q, at(0));
	reply = fx_expect(r, MSG_PROOF_ANSWER, conn);
	ck_assert_int_lt(snprintf(said, sizeof(said), "%s",
	    reply->detail != NULL ? reply->detail : reply->reason),
	    (int)sizeof(said));
	if (reply->header == NULL) {
		ck_assert_str_ne(reply->reason, "");
		return (NULL);
	}
	ck_assert_str_eq(reply->reason, "");
	ck_assert_ptr_null(auth_parse(span_str(reply->header), &shown));
	return (reply->header);
}

struct auth_text
text_of(const char *main_id, bool peer, const char *key)
{
	return ((struct auth_text){ shown.method, shown.nonce, shown.cnonce,
	    r->node_id, peer, main_id, key });
}

const char *
answer(const char *main_id, bool peer, uint8_t n)
{
	static char out[PROOF_TEXT];
	char key[AUTH_KEY_TEXT], proof[B64URL_SIZE(AUTH_SIGNATURE)];
	uint8_t seed[AUTH_KEY], bytes[AUTH_SIGNATURE];
	struct auth_text text;

	memset(seed, n, sizeof(seed));
	strcpy(key, key_conf(n) + strlen("ed25519:"));
	text = text_of(main_id, peer, key);
	auth_sign(seed, &text, SIDE_SERVER, bytes);
	b64url_encode(bytes, sizeof(bytes), proof);
	snprintf(out, sizeof(out), "method=key, key=%s, proof=%s", key,
	    proof);
	return (out);
}

const char *
answer_mac(const char *main_id, const char *secret)
{
	static char out[PROOF_TEXT];
	char proof[B64URL_SIZE(AUTH_MAC)];
	struct auth_text text = text_of(main_id, false, "");
	uint8_t mac[AUTH_MAC];

	auth_mac(span_str(secret), &text, SIDE_SERVER, mac);
	b64url_encode(mac, sizeof(mac), proof);
	snprintf(out, sizeof(out), "method=secret, proof=%s", proof);
	return (out);
}

void
opened(enum node_kind kind, uint64_t session, uint64_t conn, uint32_t index,
    const char *main_id, const char *proof)
{
	const struct session_request q = { .session = session, .kind = kind,
	    .node = span_str(main_id), .boot = span_str(""),
	    .address = span_str("192.0.2.2:443"), .peer = index,
	    .generation = 1, .conn = conn, .tls = true,
	    .authorization = span_str(proof), .certificate = span_str("") };

	registry_open(r, &q, at(0));
}

void
uplink(uint64_t session, uint64_t conn, const char *main_id,
    const char *proof)
{
	opened(NODE_UPLINK, session, conn, 0, main_id, proof);
}

void
is_denied(uint64_t session, uint16_t status)
{
	const struct reply *reply = fx_expect(r, MSG_SESSION_DENY, session);

	ck_assert_uint_eq(reply->status, status);
	ck_assert_ptr_null(reply->header);
	fx_silent(r);
}

void
configure(void)
{
	fx_trust(r, AUTH_REQUIRED, &list, 0);
	fx_settle(r);
}

void
prove_setup(void)
{
	home_setup();
	memset(&list, 0, sizeof(list));
}

void
dials_peers(uint32_t n)
{
	teardown();
	main_setup();
	fx_peers(r, 1, n, 0);
}

void
expect_key(uint8_t n)
{
	give(&list, HOLDER_UPLINK, 0, "", AUTH_BY_KEY, key_conf(n), NULL);
}
