/* SPDX-License-Identifier: ISC */
/* The simulated front-end: connections, their upgrades and their ends. */
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "tests/sim/frontend.h"

static const struct net_ops	net_ops;

struct channel *
fe_router(const struct frontend *fe)
{
	return (fe->child->ch[PROC_ROUTER]);
}

/* --- connections --- */

static void
on_late(void *arg)
{
	fe_end(arg, 0, "handshake timed out");
}

struct fe_conn *
fe_conn_new(struct frontend *fe, struct net_end *end)
{
	struct fe_conn	*c = sim_alloc(sizeof(*c));

	c->fe = fe;
	c->id = ++fe->last_id;
	c->end = end;
	end->ops = &net_ops;
	end->arg = c;
	snprintf(c->address, sizeof(c->address), "10.%u.%u.%u:40000",
	    end->other->host->index >> 16, end->other->host->index >> 8 & 255,
	    end->other->host->index & 255);
	timer_init(&c->late, on_late, c);
	timer_in(&c->late, LIMIT_HANDSHAKE_MS * US_PER_MS);
	map_add(&fe->conns, &c->entry, c->id);
	return (c);
}

void
fe_set_session(struct fe_conn *c, uint64_t id)
{
	c->session = sim_alloc(sizeof(*c->session));
	c->session->id = id;
	c->session->conn = c;
	map_add(&c->fe->sessions, &c->session->entry, id);
	c->state = CONN_UP;
	timer_del(&c->late);
	net_pause(c->end, false);
}

void
fe_uplink_state(const struct fe_conn *c, unsigned int state,
    uint32_t retry_after_ms, const char *reason)
{
	struct channel	*dialer = c->fe->child->ch[PROC_DIALER];
	struct wire_put	*w;

	if (dialer == NULL)
		return;
	w = channel_begin(dialer, MSG_UPLINK_STATE);
	put_u64(w, c->attempt);
	put_u8(w, (uint8_t)state);
	put_u32(w, retry_after_ms);
	put_str(w, c->node);
	put_str(w, reason);
	(void)channel_commit(dialer);
}

void
fe_uplink_over(struct fe_conn *c, uint32_t retry_after_ms, const char *reason)
{
	if (c->ours)
		fe_uplink_state(c, c->state == CONN_OFFERED ? 3 : 2,
		    retry_after_ms, reason);
	c->ours = false;
}

void
fe_down(const struct frontend *fe, uint64_t session, const char *reason)
{
	struct channel	*router = fe_router(fe);
	struct wire_put	*w;

	if (router == NULL)
		return;
	w = channel_begin(router, MSG_LINK_DOWN);
	put_u64(w, session);
	put_str(w, reason);
	(void)channel_commit(router);
}

static void
conn_free(struct fe_conn *c)
{
	timer_del(&c->late);
	if (c->session != NULL) {
		map_remove(&c->fe->sessions, &c->session->entry);
		free(c->session);
	}
	map_remove(&c->fe->conns, &c->entry);
	free(c);
}

void
fe_end(struct fe_conn *c, uint16_t code, const char *why)
{
	c->end->ops = NULL;
	if (code != 0 && c->end->open)
		net_send(c->end, NET_CLOSE, code, NULL, 0);
	net_close(c->end);
	fe_uplink_over(c, 0, why);
	if (c->session != NULL)
		fe_down(c->fe, c->session->id, why);
	conn_free(c);
}

/* --- what comes over the network --- */

static void
ask(struct fe_conn *c, const struct net_hello *h)
{
	struct channel	*router = fe_router(c->fe);
	struct net_hello no = { .status = 503, .retry_after_ms = 1000 };
	struct wire_put	*w;

	c->peer = h->peer;
	strlcpy(c->node, h->node, sizeof(c->node));
	if (router == NULL) {
		strlcpy(no.reason, "not ready", sizeof(no.reason));
		net_send(c->end, NET_REFUSE, 0, &no, sizeof(no));
		fe_end(c, 0, "not ready");
		return;
	}
	c->state = CONN_ASKED;
	net_pause(c->end, true);
	w = channel_begin(router, MSG_LINK_AUTH);
	put_u64(w, c->id);
	put_u8(w, h->peer ? 2 : 1);
	put_bool(w, false);		/* local */
	put_bool(w, false);		/* tls */
	put_str(w, h->node);
	put_str(w, h->boot);
	put_str(w, "");			/* authorization */
	put_str(w, "");			/* certificate */
	put_str(w, c->address);
	(void)channel_commit(router);
}

static int
find_same(const struct fe_conf *conf, const struct peer_conf *p)
{
	unsigned int	i;

	for (i = 0; i < conf->n; i++) {
		if (peer_same(&conf->peers[i], p))
			return ((int)i);
	}
	return (-1);
}

static void
welcome(struct fe_conn *c, const struct net_hello *h)
{
	struct frontend		*fe = c->fe;
	const struct fe_conf	*conf = &fe->cur;
	struct wire_put		*w;
	int			 i = find_same(conf, &c->conf);

	strlcpy(c->node, h->node, sizeof(c->node));
	if (i == -1 && fe->next.generation != 0) {
		conf = &fe->next;
		i = find_same(conf, &c->conf);
	}
	if (i == -1 || fe_router(fe) == NULL) {
		fe_end(c, 0, "not wanted any more");
		return;
	}
	c->state = CONN_DIALED;
	net_pause(c->end, true);
	fe_uplink_state(c, 1, 0, "");
	w = channel_begin(fe_router(fe), MSG_LINK_DIALED);
	put_u64(w, c->id);
	put_u32(w, (uint32_t)i);
	put_u32(w, conf->generation);
	put_str(w, h->node);
	put_str(w, h->boot);
	put_str(w, "");			/* proof */
	put_str(w, c->address);
	(void)channel_commit(fe_router(fe));
}

static void
refused(struct fe_conn *c, const struct net_hello *h)
{
	char	why[160];

	snprintf(why, sizeof(why), "%u %s", h->status, h->reason);
	strlcpy(c->node, h->node, sizeof(c->node));
	fe_uplink_over(c, h->retry_after_ms, why);
	fe_end(c, 0, why);
}

static void
text(struct fe_conn *c, const struct net_msg *m)
{
	struct channel	*router = fe_router(c->fe);
	struct wire_put	*w;

	w = channel_begin(router, MSG_LINK_TEXT);
	put_u64(w, c->session->id);
	put_bytes(w, m->data, m->len);
	if (channel_commit(router) == -1)
		sim_fail("%s: LINK_TEXT is refused", c->fe->node->id);
	/* Clients are not read while the router does not take it. */
	if (channel_congested(router))
		net_pause(c->end, true);
}

static void
on_message(void *arg, struct net_end *end, const struct net_msg *m)
{
	struct fe_conn	*c = arg;
	char		 why[32];

	(void)end;
	if (m->kind == NET_CLOSE) {
		snprintf(why, sizeof(why), "closed with %u", m->code);
		fe_end(c, 0, why);
	} else if (m->kind == NET_TEXT && c->state == CONN_UP)
		text(c, m);
	else if (m->kind == NET_UPGRADE && c->state == CONN_UPGRADE)
		ask(c, (const void *)m->data);
	else if (m->kind == NET_WELCOME && c->state == CONN_OFFERED)
		welcome(c, (const void *)m->data);
	else if (m->kind == NET_REFUSE && c->state == CONN_OFFERED)
		refused(c, (const void *)m->data);
}

static void
on_closed(void *arg, struct net_end *end, const char *why)
{
	(void)end;
	fe_end(arg, 0, why);
}

static void
on_full(void *arg, struct net_end *end, bool full)
{
	struct fe_conn	*c = arg;
	struct channel	*router = fe_router(c->fe);
	struct wire_put	*w;

	(void)end;
	if (router == NULL || c->session == NULL)
		return;
	sim_say("%s: link of %s is %s", c->fe->node->id, c->node,
	    full ? "full" : "not full any more");
	w = channel_begin(router, MSG_LINK_QUEUE);
	put_u64(w, c->session->id);
	put_bool(w, full);
	(void)channel_commit(router);
}

static const struct net_ops	net_ops = {
	.message = on_message,
	.closed = on_closed,
	.full = on_full,
};

static void
on_accept(void *arg, struct net_end *end)
{
	struct node	*n = arg;

	/* Without a front-end the kernel took it, and it waits in vain. */
	if (n->fe != NULL)
		fe_conn_new(n->fe, end)->state = CONN_UPGRADE;
}

void
fe_offer(struct frontend *fe, struct net_end *end,
    const struct peer_conf *conf, uint64_t attempt)
{
	struct fe_conn	*c = fe_conn_new(fe, end);
	struct net_hello h = { .peer = true };

	c->state = CONN_OFFERED;
	c->ours = c->peer = true;
	c->conf = *conf;
	c->attempt = attempt;
	strlcpy(h.node, fe->node->id, sizeof(h.node));
	strlcpy(h.boot, fe->boot, sizeof(h.boot));
	net_send(end, NET_UPGRADE, 0, &h, sizeof(h));
}

/* --- the other processes --- */

static void
drop(void *arg, struct map_entry *e)
{
	(void)arg;
	fe_end((struct fe_conn *)e, 1012, "router gone");
}

static void
abandon(void *arg, struct map_entry *e)
{
	struct fe_conn	*c = (struct fe_conn *)e;

	(void)arg;
	if (c->ours && c->state == CONN_OFFERED)
		fe_end(c, 0, "the dialer is gone");
}

static void
peer_down(void *arg, enum proc_id proc)
{
	struct frontend	*fe = arg;

	if (proc == PROC_DIALER)
		map_each(&fe->conns, abandon, NULL);
	if (proc != PROC_ROUTER)
		return;
	map_each(&fe->conns, drop, NULL);
	fe_http_end_all(fe);
}

static void
go_on(void *arg, struct map_entry *e)
{
	struct fe_conn	*c = (struct fe_conn *)e;

	(void)arg;
	if (c->state == CONN_UP)
		net_pause(c->end, false);
}

static void
peer_drained(void *arg, enum proc_id proc)
{
	struct frontend	*fe = arg;

	if (proc == PROC_ROUTER)
		map_each(&fe->conns, go_on, NULL);
}

static void
sync_one(struct channel *ch, const struct fe_conn *c)
{
	struct wire_put	*w;

	w = channel_begin(ch, MSG_UPLINK_SYNC);
	put_bool(w, c != NULL);
	put_u64(w, c == NULL ? 0 : c->attempt);
	put_str(w, c == NULL ? "" : c->conf.host);
	put_u16(w, c == NULL ? 0 : c->conf.port);
	put_str(w, c == NULL ? "" : c->conf.path);
	put_str(w, c == NULL ? "" : c->address);
	put_str(w, c == NULL ? "" : c->node);
	(void)channel_commit(ch);
}

static void
sync_conn(void *arg, struct map_entry *e)
{
	struct fe_conn	*c = (struct fe_conn *)e;

	if (c->ours && c->state >= CONN_DIALED)
		sync_one(arg, c);
}

static void
peer_up(void *arg, enum proc_id proc, struct channel *ch)
{
	struct frontend	*fe = arg;

	if (proc != PROC_DIALER)
		return;
	map_each(&fe->conns, sync_conn, ch);
	sync_one(ch, NULL);
}

/* --- configuration --- */

const struct fe_conf *
fe_conf_find(const struct frontend *fe, uint32_t generation)
{
	if (fe->cur.generation == generation)
		return (&fe->cur);
	return (fe->next.generation == generation ? &fe->next : NULL);
}

static void
conf_begin(void *arg, uint32_t generation)
{
	struct frontend	*fe = arg;

	memset(&fe->next, 0, sizeof(fe->next));
	fe->next.generation = generation;
}

static bool
conf_end(void *arg, char *reason, size_t size)
{
	(void)arg;
	(void)reason;
	(void)size;
	return (true);
}

static void
prune(void *arg, struct map_entry *e)
{
	struct frontend	*fe = arg;
	struct fe_conn	*c = (struct fe_conn *)e;

	if (c->ours && find_same(&fe->cur, &c->conf) == -1)
		fe_end(c, c->state == CONN_UP ? 1000 : 0,
		    "no longer configured");
}

static void
conf_commit(void *arg)
{
	struct frontend	*fe = arg;

	fe->cur = fe->next;
	memset(&fe->next, 0, sizeof(fe->next));
	map_each(&fe->conns, prune, fe);
}

static const struct child_ops	ops = {
	.self = PROC_FRONTEND,
	.handlers = frontend_handlers,
	.conf_begin = conf_begin,
	.conf_end = conf_end,
	.conf_commit = conf_commit,
	.peer_up = peer_up,
	.peer_down = peer_down,
	.peer_drained = peer_drained,
};

/* --- life --- */

struct child *
frontend_new(struct node *n)
{
	struct frontend	*fe = sim_alloc(sizeof(*fe));

	fe->node = n;
	fe->last_id = (uint64_t)sim.now_us;
	LIST_INIT(&fe->https);
	snprintf(fe->boot, sizeof(fe->boot), "%016llx",
	    (unsigned long long)rnd64());
	fe->child = child_new(n, PROC_FRONTEND, &ops, fe);
	n->fe = fe;
	n->host->accept = on_accept;
	return (fe->child);
}

static void
forget(void *arg, struct map_entry *e)
{
	(void)arg;
	((struct fe_conn *)e)->end->ops = NULL;
	conn_free((struct fe_conn *)e);
}

/* It dies: the system closes its sockets. */
void
frontend_free(struct child *c)
{
	struct frontend	*fe = c->ctx;

	fe->node->fe = NULL;
	fe_http_end_all(fe);
	net_drop_host(fe->node->host, fe->node->host->crashed);
	map_each(&fe->conns, forget, NULL);
	map_free(&fe->conns);
	map_free(&fe->sessions);
	free(fe);
}
