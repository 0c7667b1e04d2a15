/* SPDX-License-Identifier: ISC */

/*
 * The miss query; see query.h.
 *
 * A question is about a node or a service.  It is found by that, for calls
 * that want the same, and by its id, which the peers' answers and the
 * registry's barrier name.  A peer that has what is wanted told its rows
 * before it answered, so the barrier goes through the registry behind them:
 * when it is back, so are the routes.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "relay-router/discovery.h"
#include "relay-router/peer_link.h"
#include "relay-router/query_impl.h"

static void	 on_timer(evutil_socket_t, short, void *);

void
query_init(struct router *r)
{
	struct query_table	*t;

	if ((t = calloc(1, sizeof(*t))) == NULL)
		fatal("out of memory");
	TAILQ_INIT(&t->list);
	TAILQ_INIT(&t->misses);
	pending_end_init(&t->end, END_QUERY, t, 0, LIMIT_QUERIES);
	t->timer = evtimer_new(child_base(r->child), on_timer, r);
	if (t->timer == NULL)
		fatal("no timers");
	r->queries = t;
}

/* --- questions --- */

static void
arm(struct router *r)
{
	const struct query	*q = TAILQ_FIRST(&r->queries->list);
	struct timeval		 tv = { 0, 0 };
	int64_t			 ms;

	if (q == NULL) {
		(void)evtimer_del(r->queries->timer);
		return;
	}
	if ((ms = q->due_ms - router_now()) > 0) {
		tv.tv_sec = ms / 1000;
		tv.tv_usec = (ms % 1000) * 1000;
	}
	(void)evtimer_add(r->queries->timer, &tv);
}

#define ID_SIZE	24	/* bytes of a question's message_id */

static void
make_id(const struct query *q, char id[ID_SIZE])
{
	snprintf(id, ID_SIZE, "q%016" PRIx64, q->id);
}

static void
ask_peer(struct router *r, struct session *s, void *arg)
{
	struct query	*q = arg;

	/* One that is slow now would not answer in time. */
	if (!s->full && q->n_asked < QUERY_PEERS && peer_send(r, s))
		q->asked[q->n_asked++] = s->id;
}

/* False if there is no peer to ask. */
static bool
ask(struct router *r, struct query *q)
{
	struct discovery	 d = { .op = DISCOVERY_QUERY };
	char			 id[ID_SIZE];

	make_id(q, id);
	message_begin_id(r, "service_discovery", span_str(id), span_str(""));
	if (q->key[0] == 's') {
		message_add(r, ENV_SERVER_NAME, span_str(""));
		text_cstring(&r->out, q->key + 1);
	} else {
		memcpy(d.node_id, q->key + 1, sizeof(d.node_id));
	}
	message_add(r, ENV_DATA, span_str(""));
	discovery_put(&r->out, &d);
	text_lit(&r->out, "}");
	peer_each(r, ask_peer, q);
	return (q->n_asked != 0);
}

/* --- answers to callers --- */

/* Gives the error; over a link not even a notification fails silently. */
static void
answer(struct router *r, const struct reply_to *to,
    const struct rpc_error *err)
{
	struct reply_to	 loud = *to;

	if (to->end->kind == END_SESSION)
		loud.no_answer = false;
	reply_error(r, &loud, err);
}

/* Ends a question: each call that still waits gets its error. */
static void
query_fail(struct router *r, struct query *q)
{
	struct reply_to	 to;
	struct pending	*p;
	struct held	*h;

	query_take(r->queries, q);
	while ((h = TAILQ_FIRST(&q->held)) != NULL) {
		if ((p = held_pending(r, h)) != NULL) {
			if (q->offline && h->why.code == RPC_E_NODE_NOT_FOUND)
				h->why = rpc_error(RPC_E_NODE_OFFLINE,
				    STAGE_PEER_LINK, NULL);
			to = reply_of(p);
			answer(r, &to, &h->why);
			pending_done(r, p);
		}
		held_free(r->queries, q, h);
	}
	free(q);
	arm(r);
}

/* Nobody has it now. */
static void
query_missed(struct router *r, struct query *q)
{
	/* A node that is known somewhere may be back at any time. */
	if (!q->offline)
		miss_remember(r, q->key, router_now());
	query_fail(r, q);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct router	*r = arg;
	struct query	*q;
	int64_t		 now_ms = router_now();

	(void)fd;
	(void)what;
	while ((q = TAILQ_FIRST(&r->queries->list)) != NULL &&
	    q->due_ms <= now_ms) {
		/* What a peer has said it has is no miss. */
		if (q->barrier)
			query_fail(r, q);
		else
			query_missed(r, q);
	}
	arm(r);
}

/* What is left of the time that the call has, wherever it now goes. */
static int64_t
time_left(struct router *r, const struct held *h, const struct call *c)
{
	struct rpc_error	 err;
	struct target		 t;
	bool			 found = target_find(r, c, &t, &err);
	int64_t			 ms;

	ms = call_limit_ms(r, c, found ? &t : NULL) -
	    (router_now() - h->call.now_ms);
	return (ms < 0 ? 0 : ms);
}

/* Places a call again, to that peer if there is still no route. */
static void
place(struct router *r, const struct held *h, struct pending *p,
    struct session *peer)
{
	struct pending_end	*end = p->caller;
	struct call_names	 names;
	struct rpc_error	 err;
	struct call		 c;
	bool			 ok = false;

	pending_remove(&r->pending, p);
	if (held_call(r, h, &names, &c, &err)) {
		c.deadline_ms = time_left(r, h, &c);
		ok = call_place_held(r, &c, peer, &err);
	}
	if (!ok)
		answer(r, &c.to, &err);
	pending_ended(r, end);
}

/* --- from the router --- */

/* Hangs a call on a question, which goes out if it is a new one. */
static bool
hold_for(struct router *r, struct query *q, struct held *h, bool fresh)
{
	if (!held_add(r, q, h)) {
		free(h);
		return (false);
	}
	if (!fresh || ask(r, q))
		return (true);
	pending_remove(&r->pending, held_pending(r, h));
	held_free(r->queries, q, h);
	return (false);
}

/* True if there is room for the call, and for its text. */
static bool
has_room(const struct query_table *t, const struct call *c)
{
	size_t	 len = c->env != NULL ? c->env->close : c->params.len;

	return (t->n_held < LIMIT_QUERIES &&
	    t->bytes + len <= LIMIT_QUERY_BYTES);
}

bool
query_hold(struct router *r, const struct call *c,
    const struct rpc_error *why)
{
	struct query_table	*t = r->queries;
	char			 key[KEY_SIZE] = "";
	struct query		*q;
	bool			 fresh;

	/* Without the registry nothing is learned of the answers. */
	if (r->registry == NULL || !query_key(c, key) ||
	    miss_known(r, key, router_now()) || !has_room(t, c) ||
	    call_limit_ms(r, c, NULL) <= 0)
		return (false);
	q = query_find(r, key);
	fresh = q == NULL;
	if (fresh)
		q = query_new(r, key);
	if (!hold_for(r, q, held_new(c, why), fresh)) {
		if (fresh) {
			query_take(t, q);
			free(q);
		}
		return (false);
	}
	if (fresh) {
		r->stats.misses++;
		arm(r);
	}
	return (true);
}

void
query_end_all(struct router *r)
{
	struct query_table	*t = r->queries;

	while (!TAILQ_EMPTY(&t->list))
		query_fail(r, TAILQ_FIRST(&t->list));
	while (!TAILQ_EMPTY(&t->misses))
		miss_forget(t, TAILQ_FIRST(&t->misses));
}

/* True if that session was asked and had not answered. */
static bool
take_asked(struct query *q, uint64_t session)
{
	uint32_t	 i;

	for (i = 0; i < q->n_asked; i++)
		if (q->asked[i] == session) {
			q->asked[i] = q->asked[--q->n_asked];
			return (true);
		}
	return (false);
}

static void
send_barrier(struct router *r, struct query *q, const struct session *s,
    bool found, unsigned int node)
{
	struct wire_put	*w;

	if (r->registry == NULL)
		return;
	w = channel_begin(r->registry, MSG_PEER_BARRIER);
	put_u64(w, q->id);
	put_u64(w, s->id);
	put_bool(w, found);
	put_u8(w, (uint8_t)node);
	if (channel_commit(r->registry) == 0)
		q->barrier = true;
}

/* The question that a message answers, by its id, or NULL. */
static struct query *
find_message(struct router *r, struct span id)
{
	char		 buf[ID_SIZE], want[ID_SIZE];
	struct query	*q;

	if (!span_copy(id, buf, sizeof(buf)) || buf[0] != 'q' ||
	    (q = query_find_id(r, strtoull(buf + 1, NULL, 16))) == NULL)
		return (NULL);
	make_id(q, want);
	return (span_eq(id, span_str(want)) ? q : NULL);
}

/* True if who answered so has what is wanted. */
static bool
has_it(const struct query *q, bool found, unsigned int node)
{
	return (q->key[0] == 's' ? found : node == DISCOVERY_ONLINE);
}

void
query_answer(struct router *r, struct session *s, struct span id, bool found,
    unsigned int node)
{
	struct query	*q = find_message(r, id);

	if (q == NULL || !take_asked(q, s->id)) {
		r->stats.late++;
		return;
	}
	if (!q->barrier && has_it(q, found, node))
		send_barrier(r, q, s, found, node);
	if (q->key[0] == 'n' && node == DISCOVERY_OFFLINE)
		q->offline = true;
	if (q->n_asked == 0 && !q->barrier)
		query_missed(r, q);
}

void
query_barrier(struct router *r, uint64_t id, uint64_t session, bool found,
    unsigned int node)
{
	struct query	*q = query_find_id(r, id);
	struct session	*peer = NULL;
	struct pending	*p;
	struct held	*h;

	if (q == NULL) {
		r->stats.stale++;
		return;
	}
	/*
	 * A node that offers nothing to the federation has no row, and what has
	 * one may be stale until the end of its Main's snapshot.
	 */
	if (has_it(q, found, node) &&
	    (peer = session_find(r, session)) != NULL &&
	    (peer->kind != SESSION_PEER || !peer->up))
		peer = NULL;
	query_take(r->queries, q);
	while ((h = TAILQ_FIRST(&q->held)) != NULL) {
		if ((p = held_pending(r, h)) != NULL)
			place(r, h, p, peer);
		held_free(r->queries, q, h);
	}
	free(q);
	arm(r);
}

void
query_peer_down(struct router *r, const struct session *s)
{
	struct query	*q, *next;

	TAILQ_FOREACH_SAFE(q, &r->queries->list, entry, next)
		if (take_asked(q, s->id) && q->n_asked == 0 && !q->barrier)
			query_fail(r, q);
}
