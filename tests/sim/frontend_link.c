/* SPDX-License-Identifier: ISC */
/* What router and dialer tell the simulated front-end, and HTTP. */
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "tests/sim/frontend.h"
#include "tests/sim/watch.h"

static struct fe_conn *
by_session(const struct frontend *fe, uint64_t id)
{
	struct fe_session	*s;

	s = (struct fe_session *)map_find(&fe->sessions, id);
	return (s == NULL ? NULL : s->conn);
}

/* --- from the dialer --- */

static void
refuse_attempt(const struct frontend *fe, uint64_t attempt, const char *why)
{
	struct channel	*dialer = fe->child->ch[PROC_DIALER];
	struct wire_put	*w;

	w = channel_begin(dialer, MSG_UPLINK_STATE);
	put_u64(w, attempt);
	put_u8(w, 3);
	put_u32(w, 1000);
	put_str(w, "");
	put_str(w, why);
	(void)channel_commit(dialer);
}

static void
on_uplink_fd(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct frontend		*fe = arg;
	struct net_end		*end = fd_take(fd);
	uint32_t		 index = get_u32(msg);
	const struct fe_conf	*conf = fe_conf_find(fe, get_u32(msg));
	uint64_t		 attempt = get_u64(msg);

	(void)ch;
	(void)get_span(msg, 512);
	if (conf == NULL || index >= conf->n || fe_router(fe) == NULL) {
		net_close(end);
		refuse_attempt(fe, attempt, "not now");
	} else if (!end->open)
		refuse_attempt(fe, attempt, "closed");
	else
		fe_offer(fe, end, &conf->peers[index], attempt);
}

static void
on_conf_peer(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct fe_conf		*conf = &((struct frontend *)arg)->next;
	struct peer_conf	*p = &conf->peers[conf->n++];

	(void)ch;
	(void)fd;
	(void)get_u32(msg);		/* index: they come in order */
	get_str(msg, p->host, sizeof(p->host));
	p->port = get_u16(msg);
	get_str(msg, p->path, sizeof(p->path));
	get_str(msg, p->node_id, sizeof(p->node_id));
	p->origin = get_u8(msg);
	/* Connections here have no TLS. */
	(void)get_bool(msg);
	(void)get_u32(msg);
	(void)get_span(msg, UINT16_MAX);
	(void)get_u32(msg);
}

static void
on_conf_node(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	(void)arg;
	(void)ch;
	(void)fd;
	msg->p = msg->end;
}

/* --- from the router: links --- */

static void
on_link_accept(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct frontend	*fe = arg;
	uint64_t	 conn = get_u64(msg), session = get_u64(msg);
	struct net_hello h = { .status = 101 };
	struct fe_conn	*c = (struct fe_conn *)map_find(&fe->conns, conn);

	(void)ch;
	(void)fd;
	(void)get_span(msg, UINT16_MAX);	/* proof */
	if (c == NULL || (c->state != CONN_ASKED && c->state != CONN_DIALED)) {
		fe_down(fe, session, "gone before it was accepted");
		return;
	}
	if (c->state == CONN_ASKED) {
		strlcpy(h.node, fe->node->id, sizeof(h.node));
		strlcpy(h.boot, fe->boot, sizeof(h.boot));
		net_send(c->end, NET_WELCOME, 0, &h, sizeof(h));
	}
	fe_set_session(c, session);
}

static void
on_link_deny(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct frontend	*fe = arg;
	uint64_t	 conn = get_u64(msg);
	struct net_hello h = { .status = get_u16(msg) };
	struct fe_conn	*c = (struct fe_conn *)map_find(&fe->conns, conn);
	struct span	 reason;

	(void)ch;
	(void)fd;
	h.retry_after_ms = get_u32(msg);
	(void)get_span(msg, UINT16_MAX);	/* challenge */
	reason = get_span(msg, UINT16_MAX);
	(void)span_copy(reason, h.reason, sizeof(h.reason));
	if (c == NULL)
		return;
	if (c->state == CONN_ASKED) {
		/* In an HTTP header it is whole seconds. */
		h.retry_after_ms = (h.retry_after_ms + 999) / 1000 * 1000;
		strlcpy(h.node, fe->node->id, sizeof(h.node));
		net_send(c->end, NET_REFUSE, 0, &h, sizeof(h));
		fe_end(c, 0, "denied");
	} else if (c->state == CONN_DIALED) {
		fe_uplink_over(c, h.retry_after_ms, h.reason);
		fe_end(c, 4001, h.reason);
	}
}

static void
on_link_ready(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct fe_conn	*c = by_session(arg, get_u64(msg));

	(void)ch;
	(void)fd;
	if (c != NULL && c->ours)
		fe_uplink_state(c, 4, 0, "");
}

static void
on_link_send(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct frontend	*fe = arg;
	struct fe_conn	*c = by_session(fe, get_u64(msg));
	struct span	 text = get_bytes(msg);

	(void)ch;
	(void)fd;
	if (c == NULL)
		return;
	if (c->peer)
		watch_peer_text(fe->node, c->node, text);
	net_send(c->end, NET_TEXT, 0, text.p, text.len);
	if (c->end->other->in_bytes > sim.link_max)
		fe_end(c, 1013, "slow: too much is queued");
}

static void
on_link_close(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct fe_conn	*c = by_session(arg, get_u64(msg));
	uint16_t	 code = get_u16(msg);
	struct span	 reason = get_span(msg, UINT16_MAX);
	char		 why[128];

	(void)ch;
	(void)fd;
	(void)span_copy(reason, why, sizeof(why));
	if (c == NULL)
		return;
	watch_close(c->fe->node, c->node, code, why);
	/* The router has said it: it is not told. */
	map_remove(&c->fe->sessions, &c->session->entry);
	free(c->session);
	c->session = NULL;
	fe_end(c, code, why);
}

/* --- HTTP --- */

static void
http_end(struct fe_http *h, unsigned int status, struct span body)
{
	LIST_REMOVE(h, entry);
	h->done(h->arg, status, body);
	free(h);
}

void
fe_http_end_all(struct frontend *fe)
{
	struct fe_http	*h;

	while ((h = LIST_FIRST(&fe->https)) != NULL)
		http_end(h, 503, span_str(""));
}

static void
on_http_response(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct frontend	*fe = arg;
	uint64_t	 id = get_u64(msg);
	uint16_t	 status = get_u16(msg);
	struct span	 body;
	struct fe_http	*h;

	(void)ch;
	(void)fd;
	(void)get_u32(msg);
	body = get_bytes(msg);
	LIST_FOREACH(h, &fe->https, entry) {
		if (h->id == id)
			break;
	}
	if (h == NULL)
		sim_fail("%s: an HTTP request is answered that nobody made",
		    fe->node->id);
	http_end(h, status, body);
}

void
frontend_http(struct node *n, enum http_route route, const char *body,
    http_done done, void *arg)
{
	struct frontend	*fe = n->fe;
	struct fe_http	*h;
	struct wire_put	*w;

	if (fe == NULL || fe_router(fe) == NULL) {
		done(arg, 503, span_str(""));
		return;
	}
	h = sim_alloc(sizeof(*h));
	h->id = ++fe->last_id;
	h->done = done;
	h->arg = arg;
	LIST_INSERT_HEAD(&fe->https, h, entry);
	w = channel_begin(fe_router(fe), MSG_HTTP_REQUEST);
	put_u64(w, h->id);
	put_u8(w, (uint8_t)route);
	put_bool(w, true);
	put_str(w, "127.0.0.1:50000");
	put_str(w, "");			/* authorization */
	put_bytes(w, body, strlen(body));
	(void)channel_commit(fe_router(fe));
}

const channel_handler	frontend_handlers[MSG_MAX] = {
	[MSG_CONF_NODE] = on_conf_node,
	[MSG_CONF_PEER] = on_conf_peer,
	[MSG_UPLINK_FD] = on_uplink_fd,
	[MSG_LINK_ACCEPT] = on_link_accept,
	[MSG_LINK_READY] = on_link_ready,
	[MSG_LINK_DENY] = on_link_deny,
	[MSG_LINK_SEND] = on_link_send,
	[MSG_LINK_CLOSE] = on_link_close,
	[MSG_HTTP_RESPONSE] = on_http_response,
};

/* --- for who wants to see or to disturb --- */

struct finding {
	const char		*node;
	struct link_count	 count;
	struct fe_conn		*one;
};

static void
look(void *arg, struct map_entry *e)
{
	struct finding	*f = arg;
	struct fe_conn	*c = (struct fe_conn *)e;

	if (c->state != CONN_UP || strcmp(c->node, f->node) != 0)
		return;
	f->one = c;
	if (c->ours)
		f->count.out++;
	else
		f->count.in++;
}

void
frontend_links(struct node *n, const char *node, struct link_count *count)
{
	struct finding	f = { .node = node };

	if (n->fe != NULL)
		map_each(&n->fe->conns, look, &f);
	*count = f.count;
}

bool
frontend_break(struct node *n, const char *node)
{
	struct finding	f = { .node = node };

	if (n->fe != NULL)
		map_each(&n->fe->conns, look, &f);
	if (f.one == NULL)
		return (false);
	fe_end(f.one, 0, "broken");
	return (true);
}

bool
frontend_slow(struct node *n, const char *node, int64_t us)
{
	struct finding	f = { .node = node };

	if (n->fe != NULL)
		map_each(&n->fe->conns, look, &f);
	if (f.one == NULL)
		return (false);
	f.one->end->other->slow_us = sim.now_us + us;
	return (true);
}
