/* SPDX-License-Identifier: ISC */
/*
 * See auth_impl.h: Mains that this node dials, what it shows to them, and what
 * they prove in return.
 */
#include <openssl/crypto.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "common/log.h"
#include "common/name.h"
#include "relay-registry/audit.h"
#include "relay-registry/auth_impl.h"

#define NOT_PROVED	"the Main did not prove its key"

static enum holder
holder_of(enum node_kind kind)
{
	return (kind == NODE_UPLINK ? HOLDER_UPLINK : HOLDER_PEER);
}

/* NULL for one of another generation. */
static struct dialled *
find(struct registry *r, enum node_kind kind, uint32_t index,
    uint32_t generation)
{
	struct trust *t = r->trust;

	if (kind == NODE_UPLINK)
		return (generation == t->generation && index < t->n_uplinks ?
		    &t->to_uplinks[index] : NULL);
	return (generation == r->peers.generation && index < r->peers.n ?
	    &t->to_peers[index] : NULL);
}

static const struct credential *
credential(const struct registry *r, enum holder holder, uint32_t index,
    enum auth_method method, uint32_t n)
{
	return (credentials_dialled(&r->trust->credentials, holder, index,
	    method, n));
}

/* Who has to answer there; empty: anyone. */
static const char *
expected(const struct registry *r, enum node_kind kind, uint32_t index)
{
	return (kind == NODE_UPLINK ? r->trust->uplinks[index].node :
	    r->peers.list[index].conf.node);
}

/* --- what is shown --- */

/* How many there are of a method. */
static uint32_t
count(const struct registry *r, enum holder holder, uint32_t index,
    enum auth_method method)
{
	uint32_t n = 0;

	while (credential(r, holder, index, method, n) != NULL)
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
		once = credential(r, holder, index, d->method, d->which);
		auth_credential_id(r->trust, once->method, once->value,
		    once->len, joining);
		identity_for_join(r, node, joining, d->seed, now);
		d->joining = true;
	}
}

static struct auth_text
text_of(const struct registry *r, enum node_kind kind,
    const struct dialled *d, const char *key)
{
	return ((struct auth_text){ d->method, d->nonce, d->cnonce,
	    r->node_id, kind == NODE_PEER, d->server, key });
}

static struct span
value_of(const struct credential *c)
{
	return ((struct span){ (const char *)c->value, c->len });
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
		auth_mac(value_of(once), text, SIDE_JOIN, bytes);
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

	auth_mac(value_of(secret), text, SIDE_CLIENT, mac);
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
	    credential(r, holder_of(kind), index, d->method, d->which);
	struct auth_text text = text_of(r, kind, d, "");
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

/* Take what the Main asks for; NULL, or why nothing can be shown. */
static const char *
take_challenge(struct registry *r, const struct proof_request *q,
    struct dialled *d, struct when now)
{
	struct auth_challenge c;
	uint8_t cnonce[AUTH_CNONCE_MIN];

	if (!auth_parse_challenge(q->challenge, &c))
		return ("its challenge is malformed");
	choose(r, holder_of(q->kind), q->index, d);
	if (d->method == AUTH_BY_TOKEN ? !c.bearer : !c.relay)
		return ("it asks for nothing that this node can show");
	choose_key(r, holder_of(q->kind), q->index, d, now);
	strlcpy(d->nonce, c.nonce, sizeof(d->nonce));
	arc4random_buf(cnonce, sizeof(cnonce));
	b64url_encode(cnonce, sizeof(cnonce), d->cnonce);
	return (NULL);
}

/* NULL if a proof may be made for it. */
static const char *
check_main(struct registry *r, const struct proof_request *q,
    char node[LIMIT_NODE_ID + 1])
{
	const char *want = expected(r, q->kind, q->index);

	if (!name_node_lower(q->main_id, node, LIMIT_NODE_ID + 1))
		return ("it asks for a proof and does not name itself");
	if (strcmp(node, r->node_id) == 0)
		return ("the node id is this relay's own: two Mains with one "
		    "id, or a Main that dials itself");
	if (want[0] != '\0' && strcmp(want, node) != 0)
		return ("it is not who the configuration says");
	return (NULL);
}

void
registry_prove(struct registry *r, const struct proof_request *q,
    struct when now)
{
	struct reply *reply = registry_say(r, MSG_PROOF_ANSWER, q->conn);
	char header[AUTH_SECRET_MAX + 512], node[LIMIT_NODE_ID + 1];
	struct dialled *d;

	d = find(r, q->kind, q->index, q->generation);
	if (d == NULL) {
		reply->reason = "it was dialled for a configuration that is "
		    "no longer in force";
		return;
	}
	d->tries += d->asked;	/* what was shown last did not work */
	d->asked = false;
	if ((reply->reason = check_main(r, q, node)) != NULL ||
	    (reply->reason = take_challenge(r, q, d, now)) != NULL)
		return;
	d->asked = true;
	d->conn = q->conn;
	strlcpy(d->server, node, sizeof(d->server));
	write_header(r, q->kind, q->index, d, header, sizeof(header));
	if ((reply->header = strdup(header)) == NULL)
		fatal("no memory for a proof");
	explicit_bzero(header, sizeof(header));
	reply->reason = "";
}

/* --- what it proves --- */

/* A key of the block that it has signed with. */
static const char *
check_key(struct registry *r, enum node_kind kind, uint32_t index,
    const struct dialled *d, const struct auth_proof *p,
    const struct credential **by)
{
	struct auth_text text = text_of(r, kind, d, p->key_text);
	const struct credential *c;
	uint32_t i;

	for (i = 0; (c = credential(r, holder_of(kind), index, AUTH_BY_KEY,
	    i)) != NULL; i++) {
		if (CRYPTO_memcmp(c->value, p->key, AUTH_KEY) == 0)
			*by = c;
	}
	if (*by == NULL)
		return ("its key is another than the configuration has");
	return (auth_verify(p->key, &text, SIDE_SERVER, p->signature) ? NULL :
	    "its signature is not of that key over what was asked");
}

static const char *
check_secret(struct registry *r, enum node_kind kind, uint32_t index,
    const struct dialled *d, const struct auth_proof *p,
    const struct credential **by)
{
	struct auth_text text = text_of(r, kind, d, "");

	*by = credential(r, holder_of(kind), index, AUTH_BY_SECRET, d->which);
	if (*by != NULL && auth_verify_mac(value_of(*by), &text, SIDE_SERVER,
	    p->mac))
		return (NULL);
	return ("it does not have the secret");
}

static const char *
check_main_proof(struct registry *r, const struct session_request *q,
    const char *node, const struct dialled *d, const struct credential **by)
{
	struct auth_proof p;
	const char *why;

	if (!d->asked || d->conn != q->conn || d->method == AUTH_BY_TOKEN)
		return ("it asked for no proof, and so made none");
	if (strcmp(d->server, node) != 0)
		return ("it calls itself otherwise than when it asked");
	if (q->authorization.len == 0)
		return ("it made none");
	if ((why = auth_parse_server(q->authorization, &p)) != NULL)
		return (why);
	if ((p.method == AUTH_BY_SECRET) != (d->method == AUTH_BY_SECRET))
		return ("its method is another than was shown to it");
	if (p.method == AUTH_BY_SECRET)
		return (check_secret(r, q->kind, q->peer, d, &p, by));
	return (check_key(r, q->kind, q->peer, d, &p, by));
}

static bool
must_prove(const struct registry *r, enum holder holder, uint32_t index)
{
	return (credential(r, holder, index, AUTH_BY_KEY, 0) != NULL ||
	    credential(r, holder, index, AUTH_BY_SECRET, 0) != NULL);
}

static void
admit(const struct registry *r, const struct credential *by,
    const struct dialled *d, uint64_t conn, struct admission *a)
{
	char id[CREDENTIAL_ID];

	memset(a, 0, sizeof(*a));
	strlcpy(a->credential, BY_MAIN, sizeof(a->credential));
	if (by != NULL) {
		auth_credential_id(r->trust, by->method, by->value, by->len,
		    id);
		strlcat(a->credential, ":", sizeof(a->credential));
		strlcat(a->credential, id, sizeof(a->credential));
	}
	if (d->asked && d->conn == conn)
		a->method = d->method;
}

/* Whether it is one of those that the node has here. */
static bool
is_among(const struct candidates *all, const struct credential *by)
{
	uint32_t i;

	for (i = 0; by != NULL && i < all->n; i++) {
		if (all->list[i].kind == NODE_PEER &&
		    all->list[i].method == by->method &&
		    all->list[i].len == by->len &&
		    CRYPTO_memcmp(all->list[i].value, by->value,
		    by->len) == 0)
			return (true);
	}
	return (false);
}

/*
 * Why a Main that was dialled may not be that node, whatever its block asks of
 * it: the name of another, by which its credentials are worth nothing, is not
 * for whoever answers somewhere.
 */
static const char *
check_name(struct registry *r, const struct session_request *q,
    const char *node, const struct credential *by, struct when now)
{
	struct candidates all;
	bool taken;

	if (auth_disabled(r, node))
		return ("the node is disabled");
	if (expected(r, NODE_PEER, q->peer)[0] != '\0')
		return (NULL);
	auth_candidates(r, node, &all, now);
	taken = all.n + all.broken > 0 && !is_among(&all, by);
	explicit_bzero(&all, sizeof(all));
	return (taken ? "the node has credentials here, and neither does its "
	    "peer block name it nor has it proved one of them" : NULL);
}

bool
auth_main_proved(struct registry *r, const struct session_request *q,
    const char *node, struct admission *a, struct denial *why,
    struct when now)
{
	struct dialled *d = find(r, q->kind, q->peer, q->generation);
	const struct credential *by = NULL;
	const char *fault = NULL;

	if (d == NULL) {
		*why = (struct denial){ .status = 503,
		    .code = REGISTRY_OVERLOADED,
		    .retry_after_ms = REGISTRY_RETRY_MS,
		    .reason = "it was dialled for a configuration that is no "
		    "longer in force" };
		return (false);
	}
	if (must_prove(r, holder_of(q->kind), q->peer))
		fault = check_main_proof(r, q, node, d, &by);
	if (fault != NULL) {
		*why = (struct denial){ .status = 403,
		    .code = REGISTRY_FORBIDDEN, .reason = NOT_PROVED };
		snprintf(why->detail, sizeof(why->detail), NOT_PROVED ": %s",
		    fault);
		return (false);
	}
	if (q->kind == NODE_PEER)
		fault = check_name(r, q, node, by, now);
	if (fault != NULL) {
		*why = (struct denial){ .status = 403,
		    .code = REGISTRY_FORBIDDEN, .reason = "forbidden" };
		strlcpy(why->detail, fault, sizeof(why->detail));
		return (false);
	}
	admit(r, by, d, q->conn, a);
	if (d->conn == q->conn)
		d->asked = false;	/* it works: the same next time */
	return (true);
}

bool
auth_main_valid(const struct registry *r, enum holder holder, uint32_t index,
    const char *said)
{
	static const enum auth_method methods[] = { AUTH_BY_KEY,
	    AUTH_BY_SECRET };
	const struct credential *c;
	char id[CREDENTIAL_ID];
	uint32_t i;
	size_t m;

	if (strcmp(said, BY_MAIN) == 0)
		return (!must_prove(r, holder, index));
	for (m = 0; m < sizeof(methods) / sizeof(methods[0]); m++) {
		for (i = 0; (c = credential(r, holder, index, methods[m],
		    i)) != NULL; i++) {
			auth_credential_id(r->trust, c->method, c->value,
			    c->len, id);
			if (strcmp(said + strlen(BY_MAIN ":"), id) == 0)
				return (true);
		}
	}
	return (false);
}

/* --- uplinks --- */

static void
deny(struct registry *r, const struct session_request *q,
    const struct denial *why)
{
	struct reply *reply = registry_say(r, MSG_SESSION_DENY, q->session);

	reply->status = why->status;
	reply->code = why->code;
	reply->retry_after_ms = why->retry_after_ms;
	reply->reason = why->reason;
	if (why->detail[0] != '\0' &&
	    (reply->detail = strdup(why->detail)) == NULL)
		fatal("no memory for a reply");
}

/* Whether the Main is who it should be, by what it says. */
static bool
is_right(const struct registry *r, const struct session_request *q,
    const char *node, struct denial *why)
{
	const char *want;

	if (q->generation != r->trust->generation ||
	    q->peer >= r->trust->n_uplinks)
		return (true);		/* auth_main_proved() says it */
	want = r->trust->uplinks[q->peer].node;
	if (want[0] == '\0' || strcmp(want, node) == 0)
		return (true);
	*why = (struct denial){ .status = 403, .code = REGISTRY_FORBIDDEN,
	    .reason = "it is not who the configuration says" };
	snprintf(why->detail, sizeof(why->detail),
	    "it calls itself %s, the configuration says %s",
	    node[0] == '\0' ? "nothing" : node, want);
	return (false);
}

/* By which key it let us in is known now. */
static void
keep_key(struct registry *r, const struct session_request *q,
    const struct dialled *d, const struct admission *a, struct when now)
{
	const char *node = identity_main(r, HOLDER_UPLINK, q->peer);

	if (a->method != AUTH_BY_JOIN && a->method != AUTH_BY_KEY)
		return;
	if (d->joining)
		log_notice("%s: this node has a new key there", node);
	else if (identity_count(r, node) == 1)
		return;
	else
		log_notice("%s: the key of before is taken, and none that was "
		    "made to join with a one-time secret: to replace it, join "
		    "again", node);
	identity_in_force(r, node, d->joining ? d->seed : NULL, now);
}

/* The one-time secret has done what it is for, or is not needed. */
static void
say_joined(struct registry *r, const struct session_request *q,
    struct dialled *d, const struct admission *a)
{
	struct reply *reply;

	if ((a->method != AUTH_BY_JOIN && a->method != AUTH_BY_KEY) ||
	    credential(r, HOLDER_UPLINK, q->peer, AUTH_BY_JOIN, 0) == NULL)
		return;
	d->joined = true;
	reply = registry_say(r, MSG_JOINED, q->peer);
	reply->tag = q->generation;
}

static void
accept_uplink(struct registry *r, const struct session_request *q,
    const char *node, const struct admission *a, struct when now)
{
	struct dialled *d = &r->trust->to_uplinks[q->peer];
	char address[PEER_ADDRESS_MAX + 1];
	struct reply *reply;

	reply = registry_say(r, MSG_SESSION_ACCEPT, q->session);
	strlcpy(reply->node, node, sizeof(reply->node));
	reply->kind = NODE_UPLINK;
	reply->epoch = 1;		/* there is no row that counts them */
	d->session = q->session;
	strlcpy(d->linked, node, sizeof(d->linked));
	strlcpy(d->credential, a->credential, sizeof(d->credential));
	keep_key(r, q, d, a, now);
	say_joined(r, q, d, a);
	registry_clean(q->address, address, sizeof(address));
	audit_text(r, AUDIT_ADMIT, node, address, "dialled", now);
}

void
auth_open_uplink(struct registry *r, const struct session_request *q,
    struct when now)
{
	char node[LIMIT_NODE_ID + 1];
	struct admission a;
	struct denial why;

	/* One of the seed's may not name itself. */
	if (!name_node_lower(q->node, node, sizeof(node)))
		node[0] = '\0';
	if (is_right(r, q, node, &why) &&
	    auth_main_proved(r, q, node, &a, &why, now)) {
		accept_uplink(r, q, node, &a, now);
		return;
	}
	deny(r, q, &why);
	if (why.status == 403)
		auth_refused(r, q, node, why.detail, true, now);
}
