/* SPDX-License-Identifier: ISC */

/*
 * Whose token an HTTP request shows.  The registry knows the tokens; what it
 * says of one is believed for LIMIT_CALLER_MS, by a hash of it that is keyed
 * with a secret: the tokens themselves are not kept.
 *
 * Only tokens that are somebody's are remembered, so that strangers, who can
 * make up any number, do not push them out.
 */

#include <sys/random.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "relay-router/router.h"

#define ADDRESS_KEPT	64	/* bytes for the log: "[IPv6 address]:port" */

/* Two hashes under two keys: nobody finds another text with both. */
struct digest {
	uint64_t	 h[2];
};

/* A token and whose it is. */
struct holder {
	struct map_entry	 entry;		/* first: by h[0] */
	TAILQ_ENTRY(holder)	 list;
	struct digest		 digest;
	int64_t			 until_ms;
	char			 name[LIMIT_TOKEN_NAME + 1];
};

struct caller_table {
	uint8_t			 key[2][HASH_KEY_LEN];
	struct map		 known;
	TAILQ_HEAD(, holder)	 holders;	/* in the order they end */
	struct http_calls	 waiting;	/* in the order they asked */
	uint32_t		 n_waiting;
	size_t			 bytes;		/* of their bodies */
};

/* A request that waits to be told whose token it has. */
struct http_held {
	uint8_t			 route;
	struct digest		 digest;
	char			 address[ADDRESS_KEPT]; /* of who asks */
	size_t			 len;
	char			 body[];
};

void
caller_init(struct router *r)
{
	struct caller_table	*t;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		fatal("out of memory");
	if (getrandom(t->key, sizeof(t->key), 0) != (ssize_t)sizeof(t->key))
		fatal("no random bytes");
	TAILQ_INIT(&t->holders);
	TAILQ_INIT(&t->waiting);
	r->callers = t;
}

/* --- what is known --- */

static struct digest
digest_of(const struct caller_table *t, struct span authorization)
{
	struct digest	 d;

	d.h[0] = siphash13(t->key[0], authorization.p, authorization.len);
	d.h[1] = siphash13(t->key[1], authorization.p, authorization.len);
	return (d);
}

static void
holder_free(struct caller_table *t, struct holder *h)
{
	map_remove(&t->known, &h->entry);
	TAILQ_REMOVE(&t->holders, h, list);
	free(h);
}

static struct holder *
holder_find(struct caller_table *t, const struct digest *d, int64_t now_ms)
{
	struct map_entry	*e;
	struct holder		*h;

	while ((h = TAILQ_FIRST(&t->holders)) != NULL && h->until_ms <= now_ms)
		holder_free(t, h);
	for (e = map_find(&t->known, d->h[0]); e != NULL;
	    e = map_find_next(e)) {
		h = (struct holder *)e;
		if (h->digest.h[1] == d->h[1])
			return (h);
	}
	return (NULL);
}

static void
holder_add(struct caller_table *t, const struct digest *d, const char *name,
    int64_t now_ms)
{
	struct holder	*h;

	if ((h = holder_find(t, d, now_ms)) != NULL)
		holder_free(t, h);
	if (t->known.n >= LIMIT_CALLER_CACHE)
		holder_free(t, TAILQ_FIRST(&t->holders));
	if ((h = calloc(1, sizeof(*h))) == NULL)
		fatal("out of memory");
	h->digest = *d;
	h->until_ms = now_ms + LIMIT_CALLER_MS;
	memcpy(h->name, name, sizeof(h->name));
	map_add(&t->known, &h->entry, d->h[0]);
	TAILQ_INSERT_TAIL(&t->holders, h, list);
}

void
caller_forget(struct router *r)
{
	while (!TAILQ_EMPTY(&r->callers->holders))
		holder_free(r->callers, TAILQ_FIRST(&r->callers->holders));
}

/* --- who has to wait --- */

/* The registry has recorded it, if it was asked. */
static void
unknown(struct router *r, uint64_t id, struct span address)
{
	r->stats.strangers++;
	verdict_refused(r, "HTTP request", address, "unknown token");
	http_respond(r, id, 401, 0, span_str("{\"error\":\"unknown token\"}"));
}

static bool
has_room(const struct caller_table *t, struct span body)
{
	return (t->n_waiting < LIMIT_CALLER_WAITS &&
	    t->bytes + body.len <= LIMIT_CALLER_BYTES);
}

static struct http_call *
hold(struct router *r, uint64_t id, uint8_t route, const struct digest *d,
    struct span address, struct span body)
{
	struct caller_table	*t = r->callers;
	struct http_call	*h = http_call_new(r, id, 0, "");
	struct http_held	*held;

	if ((held = malloc(sizeof(*held) + body.len)) == NULL)
		fatal("out of memory");
	held->route = route;
	held->digest = *d;
	snprintf(held->address, sizeof(held->address), "%.*s",
	    (int)address.len, address.p);
	held->len = body.len;
	if (body.len != 0)
		memcpy(held->body, body.p, body.len);
	h->held = held;
	h->asked = id64_next(&r->ids);
	http_call_wait(h, &t->waiting);
	t->n_waiting++;
	t->bytes += body.len;
	return (h);
}

/* It waits no more; what was held is the caller's to free. */
static struct http_held *
unhold(struct router *r, struct http_call *h)
{
	struct http_held	*held = h->held;

	h->held = NULL;
	r->callers->n_waiting--;
	r->callers->bytes -= held->len;
	return (held);
}

void
caller_gone(struct router *r, struct http_call *h)
{
	free(unhold(r, h));
}

static bool
ask(struct router *r, const struct http_call *h, struct span authorization)
{
	struct wire_put	*w;

	w = channel_begin(r->registry, MSG_CALLER_ASK);
	put_u64(w, h->asked);
	put_span(w, authorization);
	put_str(w, h->held->address);
	return (channel_commit(r->registry) == 0);
}

void
caller_request(struct router *r, uint64_t id, uint8_t route,
    struct span address, struct span authorization, struct span body)
{
	struct digest		 d = digest_of(r->callers, authorization);
	const struct holder	*known;
	struct http_call	*h;
	char			 name[LIMIT_TOKEN_NAME + 1];

	/* It is nobody's; the registry records who shows it. */
	if (authorization.len > LIMIT_AUTHORIZATION ||
	    memchr(authorization.p, '\0', authorization.len) != NULL)
		authorization.len = 0;
	known = holder_find(r->callers, &d, router_now());
	if (known != NULL) {
		memcpy(name, known->name, sizeof(name));
		http_serve(r, id, route, name, body);
	} else if (r->registry == NULL) {
		view_unavailable(r, id);
	} else if (channel_congested(r->registry) ||
	    !has_room(r->callers, body)) {
		http_respond(r, id, 503, RPC_RETRY_MS,
		    span_str("{\"error\":\"too many requests\"}"));
	} else {
		h = hold(r, id, route, &d, address, body);
		if (!ask(r, h, authorization)) {
			http_call_free(r, h);
			view_unavailable(r, id);
		}
	}
}

/* --- the registry's answers --- */

static struct http_call *
find_asked(struct router *r, uint64_t asked)
{
	struct http_call	*h;

	TAILQ_FOREACH(h, &r->callers->waiting, wait)
		if (h->asked == asked)
			break;
	return (h);
}

static void
answered(struct router *r, struct http_call *h, bool known, const char *name)
{
	struct http_held	*held = unhold(r, h);
	uint64_t		 id = h->id;

	http_call_free(r, h);
	if (known) {
		holder_add(r->callers, &held->digest, name, router_now());
		http_serve(r, id, held->route, name,
		    (struct span){ held->body, held->len });
	} else {
		unknown(r, id, span_str(held->address));
	}
	free(held);
}

void
on_caller_answer(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router		*r = arg;
	char			 name[LIMIT_TOKEN_NAME + 1] = "";
	struct http_call	*h;
	uint64_t		 asked;
	bool			 known;

	(void)ch;
	(void)fd;
	asked = get_u64(msg);
	known = get_bool(msg);
	get_str(msg, name, sizeof(name));
	/* Without a name it would pass for somebody without a token. */
	if (known && (!policy_pattern(name, WHO_TOKEN) ||
	    strchr(name, '*') != NULL))
		msg->bad = true;
	if (!get_done(msg))
		return;
	if ((h = find_asked(r, asked)) == NULL) {
		r->stats.stale++;
		return;
	}
	answered(r, h, known, name);
	router_hold_back(r);
}

void
caller_fail(struct router *r)
{
	struct http_call	*h;

	while ((h = TAILQ_FIRST(&r->callers->waiting)) != NULL) {
		view_unavailable(r, h->id);
		http_call_free(r, h);
	}
}
