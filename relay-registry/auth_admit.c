/* SPDX-License-Identifier: ISC */
/* See auth_impl.h: a link that another node has dialled. */
#include <openssl/crypto.h>

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <bsd/string.h>

#include "common/log.h"
#include "relay-registry/audit.h"
#include "relay-registry/auth_impl.h"

#define NO_PROOF	"it was asked for a proof, and shows none"

/* What is known while it is decided. */
struct judge {
	struct registry			*r;
	const struct session_request	*q;
	const char			*node;
	struct when			 now;
	struct candidates		*all;
	struct auth_proof		 proof;
	struct auth_text		 text;
	const struct candidate		*by;	/* that it has proved */
	bool				 busy;	/* it has to come again */
	bool				 idle;	/* it may still show something */
	char				 why[LIMIT_DENIAL];
};

static void
challenge_text(const struct trust *t, struct when now,
    char text[CHALLENGE_TEXT])
{
	char nonce[AUTH_NONCE_TEXT];

	auth_nonce_make(&t->nonces, now.mono.ms, nonce);
	snprintf(text, CHALLENGE_TEXT, "Relay nonce=\"%s\"", nonce);
}

void
auth_deny(struct registry *r, uint64_t session, const struct denial *why,
    struct when now)
{
	struct reply *reply = registry_say(r, MSG_SESSION_DENY, session);
	char challenge[CHALLENGE_TEXT];

	reply->status = why->status;
	reply->code = why->code;
	reply->retry_after_ms = why->retry_after_ms;
	reply->reason = why->reason;
	if (why->challenge) {
		challenge_text(r->trust, now, challenge);
		if ((reply->header = strdup(challenge)) == NULL)
			fatal("no memory for a reply");
	}
	if (why->detail[0] != '\0' &&
	    (reply->detail = strdup(why->detail)) == NULL)
		fatal("no memory for a reply");
}

/* --- by what it proves it --- */

/* A credential of that method for a node of this kind. */
static bool
fits(const struct judge *j, const struct candidate *c,
    enum auth_method method)
{
	return (c->method == method && c->kind == j->q->kind);
}

static bool
is_equal(const struct candidate *c, const uint8_t *p, size_t len)
{
	return (c->len == len && CRYPTO_memcmp(c->value, p, len) == 0);
}

static const char *
unknown(struct judge *j, const char *what)
{
	return (auth_say_unknown(what, j->q, j->node, j->all, j->why));
}

static const char *
by_token(struct judge *j)
{
	uint8_t hash[AUTH_MAC];
	uint32_t i;

	auth_hash(j->proof.token, hash);
	/* All of them, so that the time does not tell which. */
	for (i = 0; i < j->all->n; i++) {
		if (fits(j, &j->all->list[i], AUTH_BY_TOKEN) &&
		    is_equal(&j->all->list[i], hash, sizeof(hash)))
			j->by = &j->all->list[i];
	}
	return (j->by == NULL ? unknown(j, "the token is not one of this "
	    "node's") : NULL);
}

static const char *
by_key(struct judge *j)
{
	char what[AUTH_KEY_TEXT + 64];
	const struct candidate *c;
	uint32_t i;

	for (i = 0; i < j->all->n; i++) {
		c = &j->all->list[i];
		if (fits(j, c, AUTH_BY_KEY) &&
		    is_equal(c, j->proof.key, sizeof(j->proof.key)))
			j->by = c;
	}
	if (j->by == NULL) {
		snprintf(what, sizeof(what), "the key ed25519:%s is not one "
		    "of this node's", j->proof.key_text);
		return (unknown(j, what));
	}
	if (auth_verify(j->proof.key, &j->text, SIDE_CLIENT,
	    j->proof.signature))
		return (NULL);
	return ("the signature is not of that key over what was asked");
}

static void
find_mac(struct judge *j, enum auth_method method, enum auth_side side)
{
	const struct candidate *c;
	uint32_t i;

	for (i = 0; i < j->all->n; i++) {
		c = &j->all->list[i];
		if (fits(j, c, method) && auth_verify_mac((struct span){
		    (const char *)c->value, c->len }, &j->text, side,
		    j->proof.mac))
			j->by = c;
	}
}

static const char *
by_secret(struct judge *j)
{
	find_mac(j, AUTH_BY_SECRET, SIDE_CLIENT);
	return (j->by == NULL ? unknown(j, "the secret is not one of this "
	    "node's") : NULL);
}

static const char *
by_join(struct judge *j)
{
	find_mac(j, AUTH_BY_JOIN, SIDE_JOIN);
	if (j->by == NULL)
		return (unknown(j, "the one-time secret is none that is still "
		    "good"));
	if (auth_verify(j->proof.key, &j->text, SIDE_CLIENT,
	    j->proof.signature))
		return (NULL);
	return ("the signature is not of the key that it brings");
}

/* "dns:a" and "uri:spiffe://a", with blanks between them. */
static bool
is_name(struct span name, const struct candidate *c)
{
	static const char uri[] = "uri:", dns[] = "dns:";
	const char *want = (const char *)c->value;
	const size_t n = sizeof(uri) - 1;

	if (c->len >= n && memcmp(want, dns, n) == 0)
		return (name.len == c->len &&
		    strncasecmp(name.p, want, name.len) == 0);
	return (name.len == c->len + n && memcmp(name.p, uri, n) == 0 &&
	    memcmp(name.p + n, want, c->len) == 0);
}

static void
by_certificate(struct judge *j)
{
	struct span rest = j->q->certificate, name;
	uint32_t i;

	while (j->q->tls && rest.len > 0) {
		name = rest;
		for (name.len = 0; name.len < rest.len &&
		    rest.p[name.len] != ' '; name.len++)
			continue;
		for (i = 0; i < j->all->n; i++) {
			if (fits(j, &j->all->list[i], AUTH_BY_CERTIFICATE) &&
			    is_name(name, &j->all->list[i]))
				j->by = &j->all->list[i];
		}
		name.len += name.len < rest.len;
		rest.p += name.len;
		rest.len -= name.len;
	}
}

/* --- the order of it --- */

static const char *
check_nonce(struct judge *j)
{
	switch (auth_nonce_check(&j->r->trust->nonces, j->proof.nonce,
	    j->now.mono.ms)) {
	case NONCE_GOOD:
		return (NULL);
	case NONCE_FOREIGN:
		return ("the nonce is not of this relay");
	case NONCE_EXPIRED:
		return ("the nonce has expired");
	case NONCE_USED:
		return ("the proof was shown before");
	}
	return ("the nonce is malformed");
}

static const char *
check_proof(struct judge *j)
{
	const struct auth_proof *p = &j->proof;
	const char *why;

	if (p->method == AUTH_BY_TOKEN)
		return (by_token(j));
	if ((why = check_nonce(j)) != NULL)
		return (why);
	j->text = (struct auth_text){ p->method, p->nonce, p->cnonce, j->node,
	    j->q->kind == NODE_PEER, j->r->node_id, p->key_text };
	if (p->method == AUTH_BY_KEY)
		why = by_key(j);
	else if (p->method == AUTH_BY_SECRET)
		why = by_secret(j);
	else
		why = by_join(j);
	if (why == NULL && !auth_nonce_use(&j->r->trust->nonces, p->nonce,
	    j->now.mono.ms)) {
		j->busy = true;
		why = "too many links are made at once";
	}
	return (why);
}

/* Without credentials of its own, it may come where the file says so. */
static bool
is_open(const struct judge *j)
{
	enum authentication a = j->r->trust->authentication;

	return (j->all->n == 0 && j->all->broken == 0 && (a == AUTH_OPEN ||
	    (a == AUTH_LOOPBACK && j->q->local)));
}

/*
 * Everybody comes without a proof first, to be asked for one: that is a
 * refusal only if it then shows none.
 */
static const char *
without_proof(struct judge *j)
{
	if (j->q->certificate.len > 0 && j->all->n + j->all->broken > 0)
		return (auth_say_certificate(j->q, j->node, j->all, j->why));
	j->idle = true;
	return (j->all->n + j->all->broken > 0 ? NO_PROOF :
	    "it has no credentials here, and shows none");
}

/* NULL, or why it is refused. */
static const char *
judge(struct judge *j)
{
	const char *why;

	if (auth_disabled(j->r, j->node))
		return ("the node is disabled");
	if (is_open(j))
		return (NULL);
	by_certificate(j);
	if (j->by != NULL)
		return (NULL);
	if (j->q->authorization.len == 0)
		return (without_proof(j));
	if ((why = auth_parse(j->q->authorization, &j->proof)) != NULL)
		return (why);
	return (check_proof(j));
}

/* --- what comes of it --- */

/* X-Relay-Proof: whom it has reached. */
static void
prove_back(const struct judge *j, char out[PROOF_TEXT])
{
	const struct trust *t = j->r->trust;
	char proof[B64URL_SIZE(AUTH_SIGNATURE)];
	struct auth_text text = j->text;
	uint8_t bytes[AUTH_SIGNATURE];

	out[0] = '\0';
	if (j->by->method == AUTH_BY_SECRET) {
		auth_mac((struct span){ (const char *)j->by->value,
		    j->by->len }, &text, SIDE_SERVER, bytes);
		b64url_encode(bytes, AUTH_MAC, proof);
		snprintf(out, PROOF_TEXT, "method=secret, proof=%s", proof);
	} else if (j->by->method == AUTH_BY_KEY ||
	    j->by->method == AUTH_BY_JOIN) {
		text.key = t->public_text;
		auth_sign(t->seed, &text, SIDE_SERVER, bytes);
		b64url_encode(bytes, AUTH_SIGNATURE, proof);
		snprintf(out, PROOF_TEXT, "method=key, key=%s, proof=%s",
		    t->public_text, proof);
	}
}

static void
admit(const struct judge *j, struct admission *a)
{
	const struct trust *t = j->r->trust;

	memset(a, 0, sizeof(*a));
	if (j->by == NULL) {
		strlcpy(a->credential, j->q->local ? BY_LOOPBACK : BY_NOTHING,
		    sizeof(a->credential));
		return;
	}
	a->method = j->by->method;
	a->row = j->by->row;
	strlcpy(a->key, j->proof.key_text, sizeof(a->key));
	if (a->method == AUTH_BY_JOIN)	/* from now on it has that key */
		auth_credential_id(t, AUTH_BY_KEY, j->proof.key, AUTH_KEY,
		    a->credential);
	else
		auth_credential_id(t, a->method, j->by->value, j->by->len,
		    a->credential);
	prove_back(j, a->proof);
}

bool
auth_admit(struct registry *r, const struct session_request *q,
    const char *node, struct admission *a, struct denial *why,
    struct when now)
{
	struct candidates all;
	struct judge j = { .r = r, .q = q, .node = node, .now = now,
	    .all = &all };
	const char *reason;

	knock_again(r, q, now);
	auth_candidates(r, node, &all, now);
	reason = judge(&j);
	if (reason == NULL)
		admit(&j, a);
	explicit_bzero(&all, sizeof(all));
	if (reason == NULL)
		return (true);
	if (j.idle)
		knock_add(r, q, node, reason, now);
	/* It is nothing to warn of yet, but where no proof can help. */
	if (strcmp(reason, NO_PROOF) != 0)
		auth_refused(r, q, node, reason, !j.idle, now);
	if (j.busy)
		*why = (struct denial){ .status = 503,
		    .code = REGISTRY_OVERLOADED,
		    .retry_after_ms = REGISTRY_RETRY_MS,
		    .reason = "too many links are made at once" };
	else
		*why = (struct denial){ .status = 401,
		    .code = REGISTRY_UNAUTHENTICATED, .challenge = true,
		    .reason = "unauthorized" };
	return (false);
}

void
auth_refused(struct registry *r, const struct session_request *q,
    const char *node, const char *reason, bool record, struct when now)
{
	char address[PEER_ADDRESS_MAX + 1];

	registry_clean(q->address, address, sizeof(address));
	if (registry_may_warn(r, now))
		log_warn("%s %s at %s is refused: %s",
		    q->kind == NODE_HOME ? "home" : "Main", node, address,
		    reason);
	if (record)
		audit_text(r, AUDIT_REFUSE, node, address, reason, now);
}

/* A one-time secret is used up, and its node has a key. */
static void
join(struct registry *r, const struct session_request *q, const char *node,
    const struct admission *a, const char *key, struct when now)
{
	r->sync = true;		/* before the node forgets the secret */
	registry_run(r, DB_CREDENTIAL_DROP, "i", a->row);
	registry_run(r, DB_CREDENTIAL_ADD, "tiitii", node, (int64_t)q->kind,
	    (int64_t)AUTH_BY_KEY, a->key, now.wall_ms, INT64_C(0));
	/* It has signed with it, so that it works: those of before go. */
	registry_run(r, DB_CREDENTIAL_TRIM, "tii", node, (int64_t)AUTH_BY_KEY,
	    INT64_C(1));
	audit_text(r, AUDIT_NODE, node, "joined", key, now);
	log_notice("%s has joined with the key %s", node, key);
}

void
auth_admitted(struct registry *r, const struct session_request *q,
    const char *node, const struct admission *a, struct when now)
{
	char address[PEER_ADDRESS_MAX + 1], key[AUTH_KEY_TEXT + 8], how[96];

	registry_clean(q->address, address, sizeof(address));
	snprintf(key, sizeof(key), "ed25519:%s", a->key);
	if (a->method == AUTH_BY_JOIN && a->row != 0)
		join(r, q, node, a, key, now);
	if (a->key[0] != '\0')
		snprintf(how, sizeof(how), "%s %s",
		    auth_method_name(a->method), key);
	else
		snprintf(how, sizeof(how), "%s", a->method != 0 ?
		    auth_method_name(a->method) : a->credential);
	audit_text(r, AUDIT_ADMIT, node, address, how, now);
}
