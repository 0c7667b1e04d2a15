/* SPDX-License-Identifier: ISC */
/*
 * See auth_impl.h: what this node shows to a Main that it has dialled and that
 * asks who it is.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "common/log.h"
#include "common/name.h"
#include "relay-registry/auth_impl.h"

#define SHOWN_FILE	120	/* bytes of a path that are logged */

/* How many there are of a method. */
static uint32_t
count(const struct registry *r, enum holder holder, uint32_t index,
    enum auth_method method)
{
	uint32_t n = 0;

	while (dialled_credential(r, holder, index, method, n) != NULL)
		n++;
	return (n);
}

/*
 * Whose key is shown.  A Main that is not named by the configuration may call
 * itself as it likes, and pass what it is shown on to that one: it sees the
 * node's own key only.
 */
static const char *
identity_main(const struct registry *r, enum holder holder, uint32_t index)
{
	return (holder == HOLDER_UPLINK ? r->trust->uplinks[index].node : "");
}

/*
 * A one-time secret that is there is tried every other time: if it was used
 * and this node did not learn that, it still gets in by the key it was shown
 * with.  Of two credentials each has its turn until one works.
 */
static void
choose(struct registry *r, enum holder holder, uint32_t index,
    struct dialled *d)
{
	uint32_t n, turn = d->tries;

	if (!d->joined && identity_main(r, holder, index)[0] != '\0' &&
	    count(r, holder, index, AUTH_BY_JOIN) > 0) {
		d->method = AUTH_BY_JOIN;
		d->which = turn / 2 % count(r, holder, index, AUTH_BY_JOIN);
		if (turn % 2 == 0)
			return;
		turn /= 2;
	}
	if ((n = count(r, holder, index, AUTH_BY_SECRET)) > 0)
		d->method = AUTH_BY_SECRET;
	else if ((n = count(r, holder, index, AUTH_BY_TOKEN)) > 0)
		d->method = AUTH_BY_TOKEN;
	else {
		d->method = AUTH_BY_KEY;
		n = identity_count(r, identity_main(r, holder, index));
	}
	d->which = turn % n;
}

/* The key for what was chosen. */
static void
choose_key(struct registry *r, enum holder holder, uint32_t index,
    struct dialled *d, struct when now)
{
	const char *node = identity_main(r, holder, index);
	const struct credential *once;
	char joining[CREDENTIAL_ID];

	if (d->method == AUTH_BY_KEY) {
		d->joining = identity_turn(r, node, d->which, d->seed);
	} else if (d->method == AUTH_BY_JOIN) {
		once = dialled_credential(r, holder, index, d->method,
		    d->which);
		auth_credential_id(r->trust, once->method, once->value,
		    once->len, joining);
		identity_for_join(r, node, joining, d->seed, now);
		d->joining = true;
	}
}

static void
write_signed(const uint8_t seed[AUTH_KEY], const struct auth_text *text,
    const struct credential *once, char *out, size_t size)
{
	char proof[B64URL_SIZE(AUTH_SIGNATURE)], mac[B64URL_SIZE(AUTH_MAC)];
	uint8_t bytes[AUTH_SIGNATURE];

	auth_sign(seed, text, SIDE_CLIENT, bytes);
	b64url_encode(bytes, AUTH_SIGNATURE, proof);
	if (once != NULL) {
		auth_mac(credential_value(once), text, SIDE_JOIN, bytes);
		b64url_encode(bytes, AUTH_MAC, mac);
	}
	snprintf(out, size, "Relay method=%s, nonce=%s, cnonce=%s, key=%s, "
	    "proof=%s%s%s", auth_method_name(text->method), text->nonce,
	    text->cnonce, text->key, proof, once != NULL ? ", mac=" : "",
	    once != NULL ? mac : "");
}

static void
write_secret(const struct auth_text *text, const struct credential *secret,
    char *out, size_t size)
{
	char proof[B64URL_SIZE(AUTH_MAC)];
	uint8_t mac[AUTH_MAC];

	auth_mac(credential_value(secret), text, SIDE_CLIENT, mac);
	b64url_encode(mac, AUTH_MAC, proof);
	snprintf(out, size, "Relay method=secret, nonce=%s, cnonce=%s, "
	    "proof=%s", text->nonce, text->cnonce, proof);
}

/* The Authorization header for what was chosen. */
static void
write_header(const struct registry *r, enum node_kind kind, uint32_t index,
    const struct dialled *d, char *out, size_t size)
{
	const struct credential *c = d->method == AUTH_BY_KEY ? NULL :
	    dialled_credential(r, dialled_holder(kind), index, d->method,
	    d->which);
	struct auth_text text = dialled_text(r, kind, d, "");
	uint8_t public[AUTH_KEY];
	char key[AUTH_KEY_TEXT];

	if (d->method == AUTH_BY_SECRET) {
		write_secret(&text, c, out, size);
	} else if (d->method == AUTH_BY_TOKEN) {
		snprintf(out, size, "Bearer %.*s", (int)c->len,
		    (const char *)c->value);
	} else {
		auth_public(d->seed, public);
		b64url_encode(public, sizeof(public), key);
		text.key = key;
		write_signed(d->seed, &text, c, out, size);
	}
}

/* What that is, for the log; of a long path the end says more. */
static void
describe(const struct registry *r, enum node_kind kind, uint32_t index,
    const struct dialled *d, char *out, size_t size)
{
	static const char *const what[] = {
		[AUTH_BY_SECRET] = "secret", [AUTH_BY_TOKEN] = "token",
		[AUTH_BY_JOIN] = "one-time secret"
	};
	const struct credential *c;
	uint8_t public[AUTH_KEY];
	char key[AUTH_KEY_TEXT];
	const char *file;
	size_t len;

	if (d->method == AUTH_BY_KEY) {
		auth_public(d->seed, public);
		b64url_encode(public, sizeof(public), key);
		snprintf(out, size, "the key ed25519:%s of %s", key,
		    r->node_id);
		return;
	}
	c = dialled_credential(r, dialled_holder(kind), index, d->method,
	    d->which);
	file = c->file != NULL ? c->file : "";
	len = strlen(file);
	snprintf(out, size, "the %s in %s%s", what[d->method],
	    len > SHOWN_FILE ? "..." : "",
	    len > SHOWN_FILE ? file + len - SHOWN_FILE : file);
}

/* Take what the Main asks for; NULL, or why nothing can be shown. */
static const char *
take_challenge(struct registry *r, const struct proof_request *q,
    struct dialled *d, struct when now)
{
	struct auth_challenge c;
	uint8_t cnonce[AUTH_CNONCE_MIN];

	if (!auth_parse_challenge(q->challenge, &c))
		return ("its challenge is malformed");
	choose(r, dialled_holder(q->kind), q->index, d);
	if (d->method == AUTH_BY_TOKEN ? !c.bearer : !c.relay)
		return ("it asks for nothing that this node can show");
	choose_key(r, dialled_holder(q->kind), q->index, d, now);
	strlcpy(d->nonce, c.nonce, sizeof(d->nonce));
	arc4random_buf(cnonce, sizeof(cnonce));
	b64url_encode(cnonce, sizeof(cnonce), d->cnonce);
	return (NULL);
}

/* Whether a proof may be made for it. */
static bool
check_main(struct registry *r, const struct proof_request *q,
    char node[LIMIT_NODE_ID + 1], struct denial *why)
{
	memset(why, 0, sizeof(*why));
	if (!name_node_lower(q->main_id, node, LIMIT_NODE_ID + 1))
		why->reason = "it asks for a proof and does not name itself";
	else if (strcmp(node, r->node_id) == 0)
		why->reason = "the node id is this relay's own: two Mains "
		    "with one id, or a Main that dials itself";
	else
		return (auth_main_expected(dialled_node(r, q->kind, q->index),
		    node, why));
	return (false);
}

static char *
copy(const char *text)
{
	char *p;

	if ((p = strdup(text)) == NULL)
		fatal("no memory for a proof");
	return (p);
}

void
registry_prove(struct registry *r, const struct proof_request *q,
    struct when now)
{
	struct reply *reply = registry_say(r, MSG_PROOF_ANSWER, q->conn);
	char header[AUTH_SECRET_MAX + 512], node[LIMIT_NODE_ID + 1];
	char shown[LIMIT_DENIAL];
	struct dialled *d;
	struct denial why;

	d = dialled_find(r, q->kind, q->index, q->generation);
	if (d == NULL) {
		reply->reason = "it was dialled for a configuration that is "
		    "no longer in force";
		return;
	}
	d->tries += d->asked;	/* what was shown last did not work */
	d->asked = false;
	if (!check_main(r, q, node, &why)) {
		reply->reason = why.reason;
		reply->detail = why.detail[0] != '\0' ? copy(why.detail) :
		    NULL;
		return;
	}
	if ((reply->reason = take_challenge(r, q, d, now)) != NULL)
		return;
	d->asked = true;
	d->conn = q->conn;
	strlcpy(d->server, node, sizeof(d->server));
	write_header(r, q->kind, q->index, d, header, sizeof(header));
	reply->header = copy(header);
	explicit_bzero(header, sizeof(header));
	describe(r, q->kind, q->index, d, shown, sizeof(shown));
	reply->detail = copy(shown);
	reply->reason = "";
}
