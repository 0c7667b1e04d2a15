/* SPDX-License-Identifier: ISC */
/*
 * channel.h in memory.  A message is checked against the table when it leaves
 * and comes some microseconds later; its handler must be there and must take
 * it exactly.  What the receiver has not taken counts as queued at the sender,
 * which is how congestion comes about.
 */
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "tests/sim/child.h"
#include "tests/sim/node.h"

#define HEADER		8	/* bytes of a frame beside its payload */
#define IPC_MIN_US	5	/* from send to the handler */
#define IPC_MAX_US	60

/* One message on its way. */
struct packet {
	STAILQ_ENTRY(packet)	 entry;
	enum msg_type		 type;
	int			 fd;
	size_t			 len;
	uint8_t			 data[];
};

struct channel {
	struct child		*self;
	enum proc_id		 peer;
	struct channel		*other;		/* NULL: closed there */
	STAILQ_HEAD(, packet)	 in;
	size_t			 in_bytes;
	struct timer		 deliver, drain;
	bool			 paused, congested, closed;
	struct wire_put		 out;
	enum msg_type		 type;		/* being written */
	channel_taker		 taker;
	void			*taker_arg;
	struct channel_stats	 stats;
};

channel_spy	channel_spied;

/* --- fds --- */

#define FD_FIRST	(1 << 20)	/* far from any that is open */

static struct {
	void	**p;
	int	  n;
} fds;

int
fd_of(void *p)
{
	fds.p = realloc(fds.p, ((size_t)fds.n + 1) * sizeof(*fds.p));
	if (fds.p == NULL)
		abort();
	fds.p[fds.n] = p;
	return (FD_FIRST + fds.n++);
}

void *
fd_take(int fd)
{
	if (fd < FD_FIRST || fd >= FD_FIRST + fds.n)
		sim_fail("%d is not a connection", fd);
	return (fds.p[fd - FD_FIRST]);
}

/* --- receiving --- */

static void
packet_drop(struct channel *ch)
{
	struct packet	*p = STAILQ_FIRST(&ch->in);

	STAILQ_REMOVE_HEAD(&ch->in, entry);
	ch->in_bytes -= p->len + HEADER;
	free(p);
}

static void
dispatch(struct channel *ch, struct packet *p)
{
	struct child	*c = ch->self;
	struct wire_get	 msg;

	if (c->ops->handlers[p->type] == NULL)
		sim_fail("%s of %s has no use for %s of %s", proc_name(c->id),
		    c->node->id, msg_name(p->type), proc_name(ch->peer));
	if (channel_spied != NULL)
		channel_spied(c, ch->peer, p->type, p->data, p->len);
	ch->stats.msgs_in++;
	sim.stats.msgs++;
	sim_trace(&sim.now_us, sizeof(sim.now_us));
	sim_trace(&p->type, sizeof(p->type));
	sim_trace(&p->len, sizeof(p->len));
	wire_get_init(&msg, p->data, p->len);
	sim.running = c;
	c->ops->handlers[p->type](c->ctx, ch, &msg, p->fd);
	sim.running = NULL;
	if (!get_done(&msg))
		sim_fail("%s of %s finds %s of %s malformed",
		    proc_name(c->id), c->node->id, msg_name(p->type),
		    proc_name(ch->peer));
}

/* The sender hears that there is room again. */
static void
on_drain(void *arg)
{
	struct channel	*ch = arg;
	struct child	*c = ch->self;

	if (ch->closed || !c->running || c->ops->peer_drained == NULL)
		return;
	sim.running = c;
	c->ops->peer_drained(c->ctx, ch->peer);
	sim.running = NULL;
}

static void
make_room(struct channel *ch)
{
	struct channel	*sender = ch->other;

	if (sender == NULL || !sender->congested ||
	    ch->in_bytes >= sim.channel_low)
		return;
	sender->congested = false;
	timer_in(&sender->drain, 0);
}

/* One wake-up of the receiver. */
static void
on_deliver(void *arg)
{
	struct channel	*ch = arg;
	struct child	*c = ch->self;
	size_t		 bytes = 0;

	if (c->stalled_us > sim.now_us) {
		timer_at(&ch->deliver, c->stalled_us);
		return;
	}
	if (ch->peer == PROC_PARENT && !STAILQ_EMPTY(&ch->in))
		child_commit_now(c);
	while (!ch->paused && !ch->closed && !STAILQ_EMPTY(&ch->in) &&
	    bytes < LIMIT_CHANNEL_RECV) {
		bytes += STAILQ_FIRST(&ch->in)->len + HEADER;
		dispatch(ch, STAILQ_FIRST(&ch->in));
		packet_drop(ch);
	}
	if (ch->closed)
		return;
	make_room(ch);
	if (ch->paused)
		return;
	if (!STAILQ_EMPTY(&ch->in))
		timer_in(&ch->deliver, 1);
	else if (ch->other == NULL)
		child_drop(c, ch->peer);
}

static void
wake(struct channel *ch)
{
	if (!ch->paused && !ch->closed && ch->deliver.pos == 0)
		timer_in(&ch->deliver, rnd_between(IPC_MIN_US, IPC_MAX_US));
}

/* --- life --- */

static bool
grow(struct wire_put *w, size_t need)
{
	w->size = (w->size + need) * 2;
	if ((w->buf = realloc(w->buf, w->size)) == NULL)
		abort();
	return (true);
}

static struct channel *
channel_end(struct child *c, enum proc_id peer)
{
	struct channel	*ch = sim_alloc(sizeof(*ch));

	ch->self = c;
	ch->peer = peer;
	STAILQ_INIT(&ch->in);
	timer_init(&ch->deliver, on_deliver, ch);
	timer_init(&ch->drain, on_drain, ch);
	wire_put_init(&ch->out, NULL, 0);
	ch->out.grow = grow;
	c->ch[peer] = ch;
	return (ch);
}

void
channel_connect(struct child *a, struct child *b)
{
	struct channel	*x = channel_end(a, b->id), *y = channel_end(b, a->id);

	x->other = y;
	y->other = x;
}

static void
free_late(void *arg)
{
	struct channel	*ch = arg;

	while (!STAILQ_EMPTY(&ch->in))
		packet_drop(ch);
	free(ch->out.buf);
	free(ch);
}

/*
 * The other end hears of it.  A handler of this one may be running: the memory
 * goes later.
 */
void
channel_free(struct channel *ch)
{
	ch->closed = true;
	timer_del(&ch->deliver);
	timer_del(&ch->drain);
	if (ch->other != NULL) {
		ch->other->other = NULL;
		wake(ch->other);
	}
	ch->other = NULL;
	sim_later(0, free_late, ch);
}

void
channel_close(struct channel *ch)
{
	ch->closed = true;
}

void
channel_take(struct channel *ch, channel_taker taker, void *arg)
{
	ch->taker = taker;
	ch->taker_arg = arg;
}

enum proc_id
channel_peer(const struct channel *ch)
{
	return (ch->peer);
}

const struct channel_stats *
channel_stats(const struct channel *ch)
{
	return (&ch->stats);
}

void
channel_pause(struct channel *ch)
{
	ch->paused = true;
	timer_del(&ch->deliver);
}

void
channel_resume(struct channel *ch)
{
	ch->paused = false;
	if (!STAILQ_EMPTY(&ch->in) || ch->other == NULL)
		wake(ch);
}

bool
channel_congested(const struct channel *ch)
{
	return (ch->congested);
}

/* --- sending --- */

struct wire_put *
channel_begin(struct channel *ch, enum msg_type type)
{
	if (ch->type != MSG_NONE)
		sim_fail("%s of %s begins %s inside of %s",
		    proc_name(ch->self->id), ch->self->node->id,
		    msg_name(type), msg_name(ch->type));
	ch->type = type;
	ch->out.bad = false;
	ch->out.len = 0;
	return (&ch->out);
}

void
channel_abort(struct channel *ch)
{
	ch->type = MSG_NONE;
}

static void
check_message(const struct channel *ch, bool has_fd)
{
	const char	*why;

	why = ch->out.bad ? "a value does not fit" : msg_check(ch->type,
	    ch->self->id, ch->peer, PHASE_SETUP | PHASE_CONF | PHASE_RUN,
	    (uint32_t)ch->out.len, has_fd);
	if (why != NULL)
		sim_fail("%s of %s sends %s (%zu bytes) to %s: %s",
		    proc_name(ch->self->id), ch->self->node->id,
		    msg_name(ch->type), ch->out.len, proc_name(ch->peer), why);
}

static void
take(struct channel *ch)
{
	struct wire_get	 msg;
	enum msg_type	 type = ch->type;

	ch->type = MSG_NONE;
	wire_get_init(&msg, ch->out.buf, ch->out.len);
	ch->taker(ch->taker_arg, type, &msg);
}

static void
enqueue(struct channel *ch, int fd)
{
	struct channel	*to = ch->other;
	struct packet	*p;

	p = malloc(sizeof(*p) + ch->out.len);
	if (p == NULL)
		abort();
	p->type = ch->type;
	p->fd = fd;
	p->len = ch->out.len;
	memcpy(p->data, ch->out.buf, ch->out.len);
	STAILQ_INSERT_TAIL(&to->in, p, entry);
	to->in_bytes += p->len + HEADER;
	ch->type = MSG_NONE;
	ch->stats.msgs_out++;
	ch->stats.bytes_out += p->len + HEADER;
	ch->stats.queued = to->in_bytes;
	if (to->in_bytes > ch->stats.queued_max)
		ch->stats.queued_max = to->in_bytes;
	if (to->in_bytes > sim.channel_high)
		ch->congested = true;
	if (to->in_bytes > LIMIT_CHANNEL_HARD)
		sim_fail("%s of %s has %zu bytes queued for %s",
		    proc_name(ch->self->id), ch->self->node->id, to->in_bytes,
		    proc_name(ch->peer));
	wake(to);
}

/* As a fault of some process that nobody notices would have it. */
static bool
is_lost(struct channel *ch)
{
	if (sim.lose_rows == 0 || ch->type != MSG_PEER_ROWS)
		return (false);
	sim.lose_rows--;
	sim_say("%s: rows from %s to %s are lost", ch->self->node->id,
	    proc_name(ch->self->id), proc_name(ch->peer));
	ch->type = MSG_NONE;
	return (true);
}

static int
commit(struct channel *ch, int fd)
{
	const struct msg_info	*info = msg_info(ch->type);

	check_message(ch, fd != -1);
	if (ch->taker != NULL) {
		take(ch);
		return (0);
	}
	if (ch->closed || ch->other == NULL) {
		ch->type = MSG_NONE;
		return (ch->closed ? -1 : 0);
	}
	if (info->class == MSG_CLASS_BULK && ch->other->in_bytes >
	    sim.channel_high + LIMIT_CHANNEL_SLACK) {
		ch->stats.refused++;
		ch->type = MSG_NONE;
		return (-1);
	}
	if (!is_lost(ch))
		enqueue(ch, fd);
	return (0);
}

int
channel_commit(struct channel *ch)
{
	return (commit(ch, -1));
}

int
channel_commit_fd(struct channel *ch, int fd)
{
	return (commit(ch, fd));
}

int
channel_flush_blocking(struct channel *ch)
{
	(void)ch;
	return (0);
}
