/* SPDX-License-Identifier: ISC */
/*
 * See auth_impl.h: Mains that this node dials, and what they prove to it.
 */
#include <openssl/crypto.h>

#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "relay-registry/auth_impl.h"

#define NOT_PROVED	"the Main did not prove its key"

enum holder
dialled_holder(enum node_kind kind)
{
	return (kind == NODE_UPLINK ? HOLDER_UPLINK : HOLDER_PEER);
}

struct dialled *
dialled_find(struct registry *r, enum node_kind kind, uint32_t index,
    uint32_t generation)
{
	struct trust *t = r->trust;

	if (kind == NODE_UPLINK)
		return (generation == t->generation && index < t->n_uplinks ?
		    &t->to_uplinks[index] : NULL);
	return (generation == r->peers.generation && index < r->peers.n ?
	    &t->to_peers[index] : NULL);
}

const struct credential *
dialled_credential(const struct registry *r, enum holder holder,
    uint32_t index, enum auth_method method, uint32_t n)
{
	return (credentials_dialled(&r->trust->credentials, holder, index,
	    method, n));
}

const char *
dialled_node(const struct registry *r, enum node_kind kind, uint32_t index)
{
	return (kind == NODE_UPLINK ? r->trust->uplinks[index].node :
	    r->peers.list[index].conf.node);
}

struct auth_text
dialled_text(const struct registry *r, enum node_kind kind,
    const struct dialled *d, const char *key)
{
	return ((struct auth_text){ d->method, d->nonce, d->cnonce,
	    r->node_id, kind == NODE_PEER, d->server, key });
}

bool
auth_main_expected(const char *want, const char *node, struct denial *why)
{
	if (want[0] == '\0' || strcmp(want, node) == 0)
		return (true);
	*why = (struct denial){ .status = 403, .code = REGISTRY_FORBIDDEN,
	    .reason = "it is not who the configuration says" };
	snprintf(why->detail, sizeof(why->detail),
	    "it calls itself %s, the configuration says %s",
	    node[0] == '\0' ? "nothing" : node, want);
	return (false);
}

/* --- what it proves --- */

/* A key of the block that it has signed with. */
static const char *
check_key(struct registry *r, enum node_kind kind, uint32_t index,
    const struct dialled *d, const struct auth_proof *p,
    const struct credential **by)
{
	struct auth_text text = dialled_text(r, kind, d, p->key_text);
	const struct credential *c;
	uint32_t i;

	for (i = 0; (c = dialled_credential(r, dialled_holder(kind), index,
	    AUTH_BY_KEY, i)) != NULL; i++) {
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
	struct auth_text text = dialled_text(r, kind, d, "");

	*by = dialled_credential(r, dialled_holder(kind), index,
	    AUTH_BY_SECRET, d->which);
	if (*by != NULL && auth_verify_mac(credential_value(*by), &text,
	    SIDE_SERVER, p->mac))
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
	return (dialled_credential(r, holder, index, AUTH_BY_KEY, 0) != NULL ||
	    dialled_credential(r, holder, index, AUTH_BY_SECRET, 0) != NULL);
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
	if (dialled_node(r, NODE_PEER, q->peer)[0] != '\0')
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
	struct dialled *d = dialled_find(r, q->kind, q->peer, q->generation);
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
	if (must_prove(r, dialled_holder(q->kind), q->peer))
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
		for (i = 0; (c = dialled_credential(r, holder, index,
		    methods[m], i)) != NULL; i++) {
			auth_credential_id(r->trust, c->method, c->value,
			    c->len, id);
			if (strcmp(said + strlen(BY_MAIN ":"), id) == 0)
				return (true);
		}
	}
	return (false);
}
