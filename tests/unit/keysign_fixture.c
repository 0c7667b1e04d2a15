/* SPDX-License-Identifier: ISC */
/* See keysign_fixture.h. */
#include <openssl/err.h>

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/keysign_fixture.h"
#include "tests/unit/tls_fixture.h"

static bool
on_ask(void *arg, uint64_t request, uint32_t generation, uint32_t key,
    uint16_t scheme, struct span content)
{
	struct world	*w = arg;
	struct asked	*a = &w->asked[w->n_asked];

	if (w->away)
		return (false);
	ck_assert_uint_lt(w->n_asked, ASKED_MAX);
	ck_assert_uint_le(content.len, 1024 - 22);
	w->n_asked++;
	a->request = request;
	a->generation = generation;
	a->index = key;
	a->scheme = scheme;
	a->len = content.len;
	memcpy(a->content, content.p, content.len);
	return (true);
}

static void
on_resume(void *arg, struct keysign_wait *wait)
{
	struct world	*w = arg;

	ck_assert(keysign_paused(wait));
	w->resumes++;
}

static const struct keysign_ops ops = { on_ask, on_resume };

void
keeper_start(struct world *w, bool server)
{
	struct span	key = fixture_key_pem(w->pkey, NULL);
	struct span	cert = fixture_certificate_pem(w->cert);
	char		why[200];

	keyset_begin(&w->keys, 5);
	ck_assert(keyset_key(&w->keys, 7, &key, NULL, "/k"));
	ck_assert(keyset_certificate(&w->keys, 7, server, &cert, NULL, "/c"));
	ck_assert_msg(keyset_end(&w->keys, why, sizeof(why)), "%s", why);
	keyset_commit(&w->keys);
	fixture_free(&key);
	fixture_free(&cert);
}

SSL_CTX *
our_context(struct world *w, bool server)
{
	SSL_CTX		*ctx;
	EVP_PKEY	*pkey;
	char		 why[200] = "";

	ctx = SSL_CTX_new_ex(keysign_libctx(w->ks), NULL, TLS_method());
	ck_assert_ptr_nonnull(ctx);
	pkey = keysign_key(w->ks, 5, 7, server, w->cert, why, sizeof(why));
	ck_assert_msg(pkey != NULL, "%s", why);
	ck_assert_int_eq(SSL_CTX_use_certificate(ctx, w->cert), 1);
	ck_assert_int_eq(SSL_CTX_use_PrivateKey(ctx, pkey), 1);
	ck_assert_int_eq(SSL_CTX_check_private_key(ctx), 1);
	EVP_PKEY_free(pkey);
	return (ctx);
}

struct world *
world_new(const char *type)
{
	struct world	*w = calloc(1, sizeof(*w));

	w->pkey = fixture_key(type);
	w->cert = fixture_certificate(w->pkey);
	ck_assert_ptr_nonnull(w->ks = keysign_new(&ops, w));
	w->server = our_context(w, true);
	w->client = SSL_CTX_new(TLS_method());
	keeper_start(w, true);
	return (w);
}

void
world_free(struct world *w)
{
	SSL_CTX_free(w->server);
	SSL_CTX_free(w->client);
	keysign_free(w->ks);
	keyset_free(&w->keys);
	X509_free(w->cert);
	EVP_PKEY_free(w->pkey);
	free(w);
}

struct keysign_stats
stats(struct world *w)
{
	struct keysign_stats	s;

	keysign_stats(w->ks, &s);
	return (s);
}

void
pair_new(struct pair *p, struct world *w, bool we_accept)
{
	BIO	*a, *b;

	memset(p, 0, sizeof(*p));
	p->w = w;
	p->ours = SSL_new(we_accept ? w->server : w->client);
	p->theirs = SSL_new(we_accept ? w->client : w->server);
	ck_assert(BIO_new_bio_pair(&a, 65536, &b, 65536) == 1);
	SSL_set_bio(p->ours, a, a);
	SSL_set_bio(p->theirs, b, b);
	SSL_set_mode(p->ours, SSL_MODE_ASYNC);
	if (we_accept) {
		SSL_set_accept_state(p->ours);
		SSL_set_connect_state(p->theirs);
	} else {
		SSL_set_connect_state(p->ours);
		SSL_set_accept_state(p->theirs);
	}
}

void
pair_free(struct pair *p)
{
	keysign_abandon(p->w->ks, &p->wait, p->ours);
	ck_assert(!keysign_paused(&p->wait));
	SSL_free(p->ours);
	SSL_free(p->theirs);
}

static void
step_ours(struct pair *p)
{
	int	r;

	if (p->done || p->failed)
		return;
	keysign_enter(p->w->ks, &p->wait);
	r = SSL_do_handshake(p->ours);
	keysign_leave(p->w->ks);
	p->error = SSL_get_error(p->ours, r);
	ck_assert((p->error == SSL_ERROR_WANT_ASYNC) ==
	    keysign_paused(&p->wait));
	if (r == 1) {
		p->done = true;
		SSL_clear_mode(p->ours, SSL_MODE_ASYNC);
	} else if (p->error == SSL_ERROR_SSL)
		p->failed = true;
	ERR_clear_error();
}

void
steps(struct pair *p)
{
	int	i;

	for (i = 0; i < 8; i++) {
		step_ours(p);
		(void)SSL_do_handshake(p->theirs);
		ERR_clear_error();
	}
}

void
answer(struct world *w, size_t i)
{
	static struct keyset_answer	a;
	struct asked			*q = &w->asked[i];
	struct span			 c = { q->content, q->len };

	keyset_sign(&w->keys, q->generation, q->index, q->scheme, c, &a);
	ck_assert_msg(a.verdict == KEYSET_SIGNED, "%s", a.why);
	ck_assert(keysign_answer(w->ks, q->request,
	    (struct span){ (const char *)a.sig, a.len }));
}

void
check_talk(struct pair *p)
{
	char	buf[16];

	ck_assert(p->done);
	ck_assert_int_eq(SSL_write(p->ours, "hello", 5), 5);
	ck_assert_int_eq(SSL_read(p->theirs, buf, sizeof(buf)), 5);
	ck_assert_int_eq(SSL_write(p->theirs, "world", 5), 5);
	ck_assert_int_eq(SSL_read(p->ours, buf, sizeof(buf)), 5);
}

void
pair_begin(struct pair *p, struct world *w)
{
	pair_new(p, w, true);
	steps(p);
}

void
pair_finish(struct pair *p)
{
	answer(p->w, 0);
	steps(p);
	check_talk(p);
}
