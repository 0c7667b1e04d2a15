/* SPDX-License-Identifier: ISC */
/*
 * The parent's part for peers, as relayd/peer_relay.c has it: it keeps the
 * list and what was last said of each, makes new generations of the list, and
 * passes words between registry and dialer.
 */
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "tests/sim/child.h"
#include "tests/sim/node.h"

static struct peer_conf *
find(struct peer_list *l, const struct peer_conf *p)
{
	unsigned int	i;

	for (i = 0; i < l->n; i++) {
		if (peer_same(&l->p[i], p))
			return (&l->p[i]);
	}
	return (NULL);
}

static struct channel *
channel_to(const struct node *n, enum proc_id id)
{
	return (n->proc[id] != NULL && n->proc[id]->running ?
	    n->proc[PROC_PARENT]->ch[id] : NULL);
}

/* What was said just before the last change is about the same peer. */
static struct peer_conf *
lookup(struct node *n, uint32_t index, uint32_t generation)
{
	struct peer_list	*l;

	if (generation == n->generation)
		l = &n->peers;
	else if (generation == n->former_generation)
		l = &n->former;
	else
		return (NULL);
	if (index >= l->n)
		sim_fail("%s: there is no peer %u", n->id, index);
	return (find(&n->peers, &l->p[index]));
}

/* --- registry and dialer --- */

static void
send_dial(struct node *n, const struct peer_conf *p, uint8_t what)
{
	struct channel	*ch = channel_to(n, PROC_DIALER);
	struct wire_put	*w;

	if (ch == NULL)
		return;
	w = channel_begin(ch, MSG_DIAL_ORDER);
	put_u32(w, (uint32_t)(p - n->peers.p));
	put_u32(w, n->generation);
	put_u8(w, what);
	(void)channel_commit(ch);
}

static void
on_peer_dial(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct node		*n = arg;
	uint32_t		 index = get_u32(msg);
	uint32_t		 generation = get_u32(msg);
	uint8_t			 what = get_u8(msg);
	struct peer_conf	*p;

	(void)ch;
	(void)fd;
	if ((p = lookup(n, index, generation)) == NULL)
		return;
	p->held = what == 1;
	send_dial(n, p, what);
}

static void
send_state(struct node *n, const struct peer_conf *p)
{
	struct channel	*ch = channel_to(n, PROC_REGISTRY);
	int64_t		 left = (p->retry_us - sim.now_us) / US_PER_MS;
	struct wire_put	*w;

	if (ch == NULL)
		return;
	w = channel_begin(ch, MSG_PEER_STATE);
	put_u32(w, (uint32_t)(p - n->peers.p));
	put_u32(w, n->generation);
	put_u8(w, p->state);
	put_u32(w, left > 0 ? (uint32_t)left : 0);
	put_str(w, p->said_id);
	put_str(w, p->reason);
	(void)channel_commit(ch);
}

static void
on_dial_state(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct node		*n = arg;
	uint32_t		 index = get_u32(msg);
	uint32_t		 generation = get_u32(msg);
	uint8_t			 state = get_u8(msg);
	uint32_t		 retry_in_ms = get_u32(msg);
	struct span		 node = get_span(msg, UINT16_MAX);
	struct span		 reason = get_span(msg, UINT16_MAX);
	struct peer_conf	*p;

	(void)ch;
	(void)fd;
	if ((p = lookup(n, index, generation)) == NULL)
		return;
	p->state = state;
	p->retry_us = sim.now_us + retry_in_ms * US_PER_MS;
	(void)span_copy(node, p->said_id, sizeof(p->said_id));
	(void)span_copy(reason, p->reason, sizeof(p->reason));
	send_state(n, p);
}

void
parent_child_up(struct node *n, enum proc_id id)
{
	const struct peer_conf	*p;
	unsigned int		 i;

	for (i = 0; i < n->peers.n; i++) {
		p = &n->peers.p[i];
		if (id == PROC_DIALER && p->held)
			send_dial(n, p, 1);
		else if (id == PROC_REGISTRY && p->state != 0)
			send_state(n, p);
	}
}

/* --- the list --- */

static void
append(struct peer_list *l, const struct peer_conf *p)
{
	if (l->n < LIMIT_PEERS && find(l, p) == NULL)
		l->p[l->n++] = *p;
}

void
parent_new_generation(struct node *n)
{
	struct peer_conf	*p;
	unsigned int		 i;

	n->former = n->peers;
	n->former_generation = n->generation++;
	n->peers.n = 0;
	for (i = 0; i < n->configured.n; i++)
		append(&n->peers, &n->configured.p[i]);
	for (i = 0; i < n->added.n; i++)
		append(&n->peers, &n->added.p[i]);
	for (i = 0; i < n->peers.n; i++) {
		if ((p = find(&n->former, &n->peers.p[i])) == NULL)
			continue;
		n->peers.p[i].held = p->held;
		n->peers.p[i].state = p->state;
		n->peers.p[i].retry_us = p->retry_us;
		memcpy(n->peers.p[i].said_id, p->said_id, sizeof(p->said_id));
		memcpy(n->peers.p[i].reason, p->reason, sizeof(p->reason));
	}
}

static void
on_peer_add(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct node		*n = arg;
	struct peer_conf	 p, *there;

	(void)ch;
	(void)fd;
	memset(&p, 0, sizeof(p));
	get_str(msg, p.host, sizeof(p.host));
	p.port = get_u16(msg);
	get_str(msg, p.path, sizeof(p.path));
	get_str(msg, p.node_id, sizeof(p.node_id));
	(void)get_bool(msg);		/* tls */
	(void)get_bool(msg);		/* insecure */
	p.origin = get_bool(msg) ? 3 : 2;
	if (!get_done(msg) || find(&n->configured, &p) != NULL)
		return;
	if ((there = find(&n->added, &p)) != NULL)
		*there = p;
	else
		append(&n->added, &p);
	node_reload(n);
}

static void
on_peer_delete(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct node		*n = arg;
	struct peer_conf	 p, *there;

	(void)ch;
	(void)fd;
	memset(&p, 0, sizeof(p));
	get_str(msg, p.host, sizeof(p.host));
	p.port = get_u16(msg);
	get_str(msg, p.path, sizeof(p.path));
	if (!get_done(msg) || (there = find(&n->added, &p)) == NULL)
		return;
	*there = n->added.p[--n->added.n];
	node_reload(n);
}

/* --- the rest --- */

static void
on_offender(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct node	*n = arg;
	enum proc_id	 proc = get_u8(msg);
	struct span	 what = get_span(msg, UINT16_MAX);

	(void)ch;
	(void)fd;
	sim_fail("%s of %s is called an offender: %.*s", proc_name(proc),
	    n->id, (int)what.len, what.p);
}

/* Rows and ends of what relay-ctl would have asked. */
static void
on_ctl(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	(void)arg;
	(void)ch;
	(void)fd;
	msg->p = msg->end;
}

static const channel_handler	handlers[MSG_MAX] = {
	[MSG_PEER_DIAL] = on_peer_dial,
	[MSG_DIAL_STATE] = on_dial_state,
	[MSG_PEER_ADD] = on_peer_add,
	[MSG_PEER_DELETE] = on_peer_delete,
	[MSG_OFFENDER] = on_offender,
	[MSG_CTL_ROW] = on_ctl,
	[MSG_CTL_END] = on_ctl,
};

static const struct child_ops	ops = {
	.self = PROC_PARENT,
	.handlers = handlers,
};

struct child *
parent_new(struct node *n)
{
	struct child	*c = child_new(n, PROC_PARENT, &ops, n);

	c->running = true;
	return (c);
}

void
parent_ctl_peer(struct node *n, unsigned int op, const char *name,
    bool persist)
{
	struct channel	*ch;
	struct wire_put	*w;

	if (!n->up || (ch = channel_to(n, PROC_REGISTRY)) == NULL)
		return;
	w = channel_begin(ch, MSG_CTL_PEER);
	put_u64(w, ++n->ctl_request);
	put_u8(w, (uint8_t)op);
	put_str(w, name);
	put_str(w, "");
	put_bool(w, persist);
	put_bool(w, true);		/* insecure */
	(void)channel_commit(ch);
}
