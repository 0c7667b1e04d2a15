/* SPDX-License-Identifier: ISC */
/* See keysign.h: the provider, its keys, and requests that are under way. */
#include <openssl/async.h>
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/monotime.h"
#include "relayd/frontend/keysign_impl.h"

/* --- the provider --- */

static const OSSL_ALGORITHM *
query(void *provctx, int operation, int *no_cache)
{
	(void)provctx;
	*no_cache = 0;
	if (operation == OSSL_OP_KEYMGMT)
		return (keysign_keymgmt);
	if (operation == OSSL_OP_SIGNATURE)
		return (keysign_signature);
	return (NULL);
}

static const OSSL_DISPATCH provider_functions[] = {
	{ OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query },
	{ 0, NULL }
};

/*
 * A provider has a context by rule; ours needs none, as each key knows its
 * struct keysign.
 */
static int
provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
    const OSSL_DISPATCH **out, void **provctx)
{
	(void)in;
	*out = provider_functions;
	*provctx = (void *)(uintptr_t)handle;
	return (1);
}

/*
 * Both have RSA, EC and ED25519: where nothing else is said, as for the keys
 * of others' certificates, it is OpenSSL's that serves, and not the first.
 */
static bool
load_providers(struct keysign *ks)
{
	if (OSSL_PROVIDER_add_builtin(ks->libctx, KEYSIGN_PROVIDER,
	    provider_init) != 1)
		return (false);
	ks->ours = OSSL_PROVIDER_load(ks->libctx, KEYSIGN_PROVIDER);
	ks->base = OSSL_PROVIDER_load(ks->libctx, "default");
	return (ks->ours != NULL && ks->base != NULL &&
	    EVP_set_default_properties(ks->libctx, "?provider=default") == 1);
}

struct keysign *
keysign_new(const struct keysign_ops *ops, void *arg)
{
	struct keysign *ks;

	if ((ks = calloc(1, sizeof(*ks))) == NULL)
		return (NULL);
	ks->ops = ops;
	ks->arg = arg;
	id64_init(&ks->ids);
	if ((ks->libctx = OSSL_LIB_CTX_new()) == NULL || !load_providers(ks)) {
		keysign_free(ks);
		return (NULL);
	}
	return (ks);
}

void
keysign_free(struct keysign *ks)
{
	if (ks == NULL)
		return;
	if (ks->ours != NULL)
		OSSL_PROVIDER_unload(ks->ours);
	if (ks->base != NULL)
		OSSL_PROVIDER_unload(ks->base);
	OSSL_LIB_CTX_free(ks->libctx);
	idmap_free(&ks->pending);
	free(ks);
}

OSSL_LIB_CTX *
keysign_libctx(struct keysign *ks)
{
	return (ks->libctx);
}

/* --- keys --- */

/* Through the key management of our provider, which takes the pointer. */
static EVP_PKEY *
wrap(struct keysign *ks, struct keysign_key *key)
{
	OSSL_PARAM params[2] = { OSSL_PARAM_END, OSSL_PARAM_END };
	const char *name = EVP_PKEY_get0_type_name(key->pub);
	void *p = key;
	EVP_PKEY_CTX *ctx;
	EVP_PKEY *pkey = NULL;

	params[0] = OSSL_PARAM_construct_octet_ptr(KEYSIGN_PARAM, &p,
	    sizeof(*key));
	ctx = EVP_PKEY_CTX_new_from_name(ks->libctx, name, KEYSIGN_PROPERTY);
	if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	return (pkey);
}

EVP_PKEY *
keysign_key(struct keysign *ks, uint32_t generation, uint32_t index,
    bool server, X509 *cert, char *why, size_t size)
{
	struct keysign_key key = {
		.ks = ks, .generation = generation, .index = index,
		.server = server
	};
	EVP_PKEY *pkey = NULL;

	if ((key.pub = X509_get0_pubkey(cert)) == NULL)
		snprintf(why, size, "of no known type");
	else if (keytype_of(key.pub, &key.type, why, size) &&
	    (pkey = wrap(ks, &key)) == NULL)
		snprintf(why, size, "not taken by OpenSSL");
	ERR_clear_error();
	return (pkey);
}

/* --- requests --- */

/* The handshake under way, inside a job of its own; or NULL. */
static struct keysign_wait *
present_wait(const struct keysign *ks)
{
	return (ASYNC_get_current_job() != NULL ? ks->current : NULL);
}

/* It has its end: with a failure or, if that is NULL, a signature. */
static void
settle(struct keysign *ks, struct keysign_wait *w, const char *failure)
{
	idmap_remove(&ks->pending, w->request);
	w->request = 0;
	w->failure = failure;
}

/* It is not asked for, as it would be refused. */
void
keysign_odd(const struct keysign_key *key, const char *why)
{
	struct keysign_wait *w = present_wait(key->ks);

	key->ks->stats.odd++;
	if (w != NULL)
		w->failure = why;
}

static bool
send_request(struct keysign *ks, struct keysign_wait *w,
    const struct keysign_key *key, uint16_t scheme, struct span content)
{
	uint64_t request = id64_next(&ks->ids);

	if (!ks->ops->ask(ks->arg, request, key->generation, key->index,
	    scheme, content)) {
		ks->stats.failed++;
		w->failure = "there is no keeper";
		return (false);
	}
	ks->stats.asked++;
	idmap_add(&ks->pending, request, w);
	w->request = request;
	w->asked_us = monotime_us();
	w->failure = NULL;
	return (true);
}

/* Whoever enters before the answer finds the job here and leaves it here. */
bool
keysign_ask(const struct keysign_key *key, uint16_t scheme,
    struct span content, uint8_t *sig, size_t size, size_t *len)
{
	struct keysign *ks = key->ks;
	struct keysign_wait *w = present_wait(ks);

	if (w == NULL || keysign_paused(w)) {
		keysign_odd(key, "not in a handshake");
		return (false);
	}
	if (!send_request(ks, w, key, scheme, content))
		return (false);
	w->sig = sig;
	w->size = size;
	/*
	 * AddressSanitizer does not know the stack of a job: it says so once,
	 * and goes on.
	 */
	while (w->request != 0) {
		if (ASYNC_pause_job() == 1)
			continue;
		/* It could not switch stacks. */
		ks->stats.failed++;
		settle(ks, w, "OpenSSL cannot wait");
	}
	w->sig = NULL;
	*len = w->len;
	return (w->failure == NULL);
}

void
keysign_enter(struct keysign *ks, struct keysign_wait *w)
{
	ks->current = w;
}

void
keysign_leave(struct keysign *ks)
{
	ks->current = NULL;
}

/* A buffer that waits for a signature is on the stack of a paused job. */
bool
keysign_paused(const struct keysign_wait *w)
{
	return (w->sig != NULL);
}

const char *
keysign_failure(const struct keysign_wait *w)
{
	return (w->failure);
}

void
keysign_abandon(struct keysign *ks, struct keysign_wait *w, SSL *ssl)
{
	if (!keysign_paused(w))
		return;
	if (w->request != 0) {
		ks->stats.cancelled++;
		settle(ks, w, "the connection ended");
	}
	keysign_enter(ks, w);
	(void)SSL_do_handshake(ssl);
	keysign_leave(ks);
	ERR_clear_error();
}

static void
count_time(struct keysign *ks, const struct keysign_wait *w)
{
	int64_t us = monotime_us() - w->asked_us;

	if (us < 0)
		us = 0;
	ks->stats.answered++;
	ks->stats.total_us += (uint64_t)us;
	if (ks->stats.max_us < (uint64_t)us)
		ks->stats.max_us = (uint64_t)us;
}

bool
keysign_answer(struct keysign *ks, uint64_t request, struct span signature)
{
	struct keysign_wait *w = NULL;
	bool fits;

	if (request != 0)
		w = idmap_find(&ks->pending, request);
	if (w == NULL) {
		ks->stats.stale++;
		return (true);
	}
	fits = signature.len <= w->size;
	if (signature.len == 0 || !fits) {
		ks->stats.refused++;
		settle(ks, w, "the keeper refused");
	} else {
		count_time(ks, w);
		memcpy(w->sig, signature.p, signature.len);
		w->len = signature.len;
		settle(ks, w, NULL);
	}
	ks->ops->resume(ks->arg, w);
	return (fits);
}

/* The first that waits, or NULL. */
static struct keysign_wait *
any_pending(const struct keysign *ks)
{
	size_t i;

	if (ks->pending.count == 0)
		return (NULL);
	for (i = 0; i < ks->pending.size; i++) {
		if (ks->pending.slots[i].id != 0)
			return (ks->pending.slots[i].value);
	}
	return (NULL);
}

void
keysign_fail_all(struct keysign *ks)
{
	struct keysign_wait *w;

	while ((w = any_pending(ks)) != NULL) {
		ks->stats.failed++;
		settle(ks, w, "the keeper is gone");
		ks->ops->resume(ks->arg, w);
	}
}

void
keysign_stats(const struct keysign *ks, struct keysign_stats *stats)
{
	*stats = ks->stats;
	stats->pending = ks->pending.count;
}
