/* SPDX-License-Identifier: ISC */
/*
 * Liars around one process: any sequence of messages from its parent and its
 * peers to the handlers of the real program.
 *
 * Input: u8 flags (bit 0: on a home), then messages, each u8 how, u16 type,
 * u16 length, payload, little-endian.  how: bits 0 to 2 are the sender, bits
 * 4 to 6 how much later it is, bit 7 turns the loop after it.  Beside the
 * types of the table there are END_PEER, and FD_WRITE and FD_CLOSE for the
 * other end of an fd that was passed: u8 which, the bytes.  Eight bytes made of
 * u8 n and "relayid", at 0 or 8 of a payload, become the n-th id that the
 * process has given out during this input.
 *
 * Whatever comes: no crash, no fatal(), nothing sent that the message table
 * refuses, and nothing left when the peers are gone.
 *
 * The clock is the input's, also for libevent, so that one input does the same
 * each time; libFuzzer must be bounded by -runs, not by time.
 */
#include <sys/socket.h>

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/log.h"
#include "common/service.h"
#include "tests/fuzz/receiver.h"

#define MESSAGES_MAX	64	/* of one input */
#define FDS_MAX		8	/* passed in one input and kept here */
#define IDS_MAX		32
#define END_PEER	0xffff
#define FD_WRITE	0xfffe
#define FD_CLOSE	0xfffd
#define FRAME_HEADER	8
#define FRAME_SEEN	(FRAME_HEADER + 16)

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);
void	__wrap_fatal(const char *, ...) __attribute__((noreturn));

/* A channel of the process, and the end nobody else has. */
struct end {
	struct channel	*ch;
	bool		 up;
	int		 far;
	uint8_t		 frame[FRAME_SEEN];
	size_t		 n_frame;
	size_t		 skip;		/* bytes of its payload to come */
};

struct child {
	const struct child_ops	*ops;
	void			*ctx;
	enum node_role		 role;
	struct event_base	*base;
	struct channel_ops	 channel_ops;
	struct end		 ends[PROC_MAX];
	bool			 staging, staged;
	uint32_t		 generation, staging_generation;
	int			 fds[FDS_MAX];
	uint64_t		 ids[IDS_MAX];
	size_t			 n_ids;
};

/* One message of the input. */
struct message {
	enum proc_id	 from;
	unsigned int	 type;
	uint8_t		*data;
	size_t		 len;
};

static int64_t	clock_ms = 1000;

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	int64_t	ms = clock_ms;

	if (id == CLOCK_REALTIME)
		ms += 1767323045678;
	ts->tv_sec = ms / 1000;
	ts->tv_nsec = ms % 1000 * 1000000;
	return (0);
}

void
__wrap_fatal(const char *text, ...)
{
	(void)text;
	abort();
}

/* --- child.h --- */

static jmp_buf			 started;
static const struct child_ops	*captured;

void
child_run(const struct child_ops *ops, void *ctx)
{
	(void)ctx;
	captured = ops;
	longjmp(started, 1);
}

struct event_base *
child_base(struct child *c)
{
	return (c->base);
}

const char *
child_dir(struct child *c)
{
	(void)c;
	return ("/");
}

const char *
child_outer_dir(struct child *c)
{
	(void)c;
	return ("/");
}

enum node_role
child_role(struct child *c)
{
	return (c->role);
}

struct channel *
child_parent(struct child *c)
{
	return (c->ends[PROC_PARENT].ch);
}

struct channel *
child_peer(struct child *c, enum proc_id proc)
{
	return (c->ends[proc].up ? c->ends[proc].ch : NULL);
}

uint32_t
child_generation(struct child *c)
{
	return (c->generation);
}

void
child_exit(struct child *c)
{
	(void)c;
	abort();
}

/* --- what the process sends --- */

static uint64_t
load_le(const uint8_t *p, size_t n)
{
	uint64_t	v = 0;

	while (n-- > 0)
		v = v << 8 | p[n];
	return (v);
}

static void
note_id(struct child *c, const uint8_t *p)
{
	uint64_t	id = load_le(p, 8);
	size_t		i;

	for (i = 0; i < c->n_ids; i++) {
		if (c->ids[i] == id)
			return;
	}
	if (c->n_ids < IDS_MAX)
		c->ids[c->n_ids++] = id;
}

/* The begin of a frame is there: remember ids that an answer names. */
static void
note_frame(struct child *c, enum proc_id to, struct end *e)
{
	unsigned int	type = (unsigned int)load_le(e->frame + 4, 2);
	const uint8_t	*payload = e->frame + FRAME_HEADER;

	if (msg_check(type, c->ops->self, to, PHASE_RUN,
	    (uint32_t)load_le(e->frame, 4), e->frame[6] & 1) != NULL)
		abort();
	switch (type) {
	case MSG_SESSION_OPEN:
	case MSG_VIEW_REQUEST:
	case MSG_BACKEND_CALL:
		note_id(c, payload);
		break;
	case MSG_LINK_ACCEPT:
	case MSG_REGISTER:
	case MSG_SERVICE_CONNECT:
		note_id(c, payload + 8);
		break;
	default:
		break;
	}
}

/* How much of a frame is looked at: all of its header at first. */
static size_t
frame_want(const struct end *e)
{
	uint64_t	len;

	if (e->n_frame < FRAME_HEADER)
		return (FRAME_HEADER);
	len = load_le(e->frame, 4);
	return (FRAME_HEADER + (len < 16 ? (size_t)len : 16));
}

static void
take_bytes(struct child *c, enum proc_id to, const uint8_t *p, size_t len)
{
	struct end	*e = &c->ends[to];
	size_t		 n;

	while (len > 0) {
		n = e->skip > 0 ? e->skip : frame_want(e) - e->n_frame;
		if (n > len)
			n = len;
		if (e->skip > 0)
			e->skip -= n;
		else {
			memcpy(e->frame + e->n_frame, p, n);
			e->n_frame += n;
		}
		p += n;
		len -= n;
		if (e->n_frame >= FRAME_HEADER &&
		    e->n_frame == frame_want(e)) {
			note_frame(c, to, e);
			e->skip = FRAME_HEADER + load_le(e->frame, 4) -
			    e->n_frame;
			e->n_frame = 0;
		}
	}
}

static void
drain(struct child *c, enum proc_id to)
{
	static uint8_t	buf[1U << 18];
	ssize_t		n;

	while ((n = read(c->ends[to].far, buf, sizeof(buf))) > 0) {
		take_bytes(c, to, buf, (size_t)n);
		if ((size_t)n < sizeof(buf))
			break;
	}
}

static void
turn(struct child *c)
{
	enum proc_id	proc;
	int		i;

	for (i = 0; i < 2; i++)
		(void)event_base_loop(c->base, EVLOOP_NONBLOCK);
	for (proc = 0; proc < PROC_MAX; proc++) {
		if (c->ends[proc].ch != NULL)
			drain(c, proc);
	}
}

static void
later(struct child *c, int64_t ms)
{
	clock_ms += ms;
	turn(c);
}

/* --- channels --- */

static void
on_fault(void *arg, struct channel *ch, enum channel_fault fault,
    const char *text)
{
	/* All it sends is read, and nothing is sent to it here. */
	(void)arg;
	(void)ch;
	(void)fault;
	(void)text;
	abort();
}

static struct child	 worlds[2];

static void
on_drained(void *arg, struct channel *ch)
{
	struct child	*c = arg;

	if (c->ops->peer_drained != NULL)
		c->ops->peer_drained(c->ctx, channel_peer(ch));
}

static void
end_open(struct child *c, enum proc_id proc)
{
	struct end	*e = &c->ends[proc];
	int		 fds[2];

	memset(e, 0, sizeof(*e));
	if (channel_pair(fds) == -1)
		abort();
	e->far = fds[1];
	e->ch = channel_new(c->base, fds[0], c->ops->self, proc, PHASE_RUN,
	    &c->channel_ops, c);
	if (e->ch == NULL)
		abort();
}

static void
peer_up(struct child *c, enum proc_id proc)
{
	struct end	*e = &c->ends[proc];

	if (e->ch == NULL)
		end_open(c, proc);
	e->up = true;
	if (c->ops->peer_up != NULL)
		c->ops->peer_up(c->ctx, proc, e->ch);
}

static void
peer_down(struct child *c, enum proc_id proc)
{
	c->ends[proc].up = false;
	if (c->ops->peer_down != NULL)
		c->ops->peer_down(c->ctx, proc);
}

/* It ended, and the parent has started another. */
static void
peer_restart(struct child *c, enum proc_id proc)
{
	struct end	*e = &c->ends[proc];

	peer_down(c, proc);
	channel_free(e->ch);
	close(e->far);
	e->ch = NULL;
	peer_up(c, proc);
}

static void
all_peers(struct child *c, void (*f)(struct child *, enum proc_id))
{
	enum proc_id	proc;

	for (proc = 0; proc < PROC_MAX; proc++) {
		if (receiver.peers & PROC_BIT(proc))
			f(c, proc);
	}
}

/* --- configuration --- */

void
receiver_feed(struct child *c, enum msg_type type, const struct wire_put *w)
{
	struct wire_get	msg;

	wire_get_init(&msg, w->buf, w->len);
	c->ops->handlers[type](c->ctx, child_parent(c), &msg, -1);
	if (w->bad || !get_done(&msg))
		abort();
}

void
receiver_feed_node(struct child *c)
{
	uint8_t		buf[128];
	struct wire_put	w;

	wire_put_init(&w, buf, sizeof(buf));
	put_u8(&w, (uint8_t)c->role);
	put_str(&w, c->role == ROLE_MAIN ? "main.example" : "home.example");
	put_u32(&w, 30000);		/* call_timeout_ms */
	put_u32(&w, 1U << 16);		/* max_message */
	put_u32(&w, 16);		/* max_connections */
	put_u32(&w, 8);			/* max_per_address */
	receiver_feed(c, MSG_CONF_NODE, &w);
}

void
receiver_feed_service(struct child *c, uint32_t index, const char *name,
    uint8_t kind, uint32_t instances)
{
	uint8_t		buf[512];
	struct wire_put	w;
	struct service	s;

	service_init(&s);
	if (!span_copy(span_str(name), s.name, sizeof(s.name)))
		abort();
	s.max_concurrency = 4;
	wire_put_init(&w, buf, sizeof(buf));
	put_u32(&w, index);
	put_service(&w, &s);
	put_u8(&w, kind);
	put_u32(&w, instances);
	put_u32(&w, 5000);		/* timeout_ms */
	put_str(&w, kind == 2 ? "localhost" : "");
	put_u16(&w, kind == 2 ? 8080 : 0);
	put_str(&w, "/rpc");
	receiver_feed(c, MSG_CONF_SERVICE, &w);
}

static void
configure(struct child *c, bool whole)
{
	char	reason[512];

	c->ops->conf_begin(c->ctx, RECEIVER_GENERATION);
	receiver.configure(c, whole);
	if (!c->ops->conf_end(c->ctx, reason, sizeof(reason)))
		abort();
	c->generation = RECEIVER_GENERATION;
	c->ops->conf_commit(c->ctx);
}

/* A configuration in two phases, as child.c has it; false if malformed. */
static bool
conf_message(struct child *c, const struct message *m)
{
	uint32_t	generation = (uint32_t)load_le(m->data, 4);
	char		reason[512];

	if (m->type == MSG_CONF_BEGIN) {
		if (c->staging || c->staged)
			return (false);
		c->staging = true;
		c->staging_generation = generation;
		c->ops->conf_begin(c->ctx, generation);
		return (true);
	}
	if ((!c->staging && !c->staged) ||
	    generation != c->staging_generation ||
	    c->staging != (m->type == MSG_CONF_END))
		return (m->type == MSG_CONF_ABORT);
	c->staging = c->staged = false;
	if (m->type == MSG_CONF_END && c->ops->conf_end(c->ctx, reason,
	    sizeof(reason)))
		c->staged = true;
	else if (m->type == MSG_CONF_COMMIT) {
		c->generation = generation;
		c->ops->conf_commit(c->ctx);
	} else
		c->ops->conf_abort(c->ctx);
	return (true);
}

static void
show(struct child *c, const struct message *m)
{
	struct channel	*ch = child_parent(c);
	uint64_t	 request = load_le(m->data, 8);

	if (m->data[8] != CTL_SHOW_CHANNELS && c->ops->show != NULL)
		c->ops->show(c->ctx, ch, request, m->data[8]);
	ctl_end(ch, request, CTL_OK, "");
}

/* --- the input --- */

/* child_run() must not return: its caller is left there. */
static const struct child_ops *
load_program(void)
{
	if (setjmp(started) == 0)
		program_main();
	return (captured);
}

static struct child *
world(unsigned int home)
{
	struct child	*c;

	if (receiver.ctx[1] == NULL)
		home = 0;
	c = &worlds[home];
	if (c->ops != NULL)
		return (c);
	c->ops = load_program();
	c->ctx = receiver.ctx[home];
	c->role = home ? ROLE_HOME : ROLE_MAIN;
	c->channel_ops.handlers = c->ops->handlers;
	c->channel_ops.fault = on_fault;
	c->channel_ops.drained = on_drained;
	memset(c->fds, -1, sizeof(c->fds));
	if ((c->base = event_base_new()) == NULL)
		abort();
	end_open(c, PROC_PARENT);
	c->ops->init(c->ctx, c);
	configure(c, false);
	return (c);
}

/* One end of a socketpair for the process; the other is kept for the input. */
static int
fresh_fd(struct child *c)
{
	size_t	i;
	int	fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    fds) == -1)
		abort();
	for (i = 0; i < FDS_MAX; i++) {
		if (c->fds[i] == -1) {
			c->fds[i] = fds[1];
			return (fds[0]);
		}
	}
	close(fds[1]);
	return (fds[0]);
}

static void
close_fd(struct child *c, size_t i)
{
	if (c->fds[i] != -1)
		close(c->fds[i]);
	c->fds[i] = -1;
}

/* What happens beside messages. */
static void
special(struct child *c, const struct message *m)
{
	size_t	i;

	if (m->type == END_PEER) {
		if (m->from != PROC_PARENT)
			peer_restart(c, m->from);
		return;
	}
	if (m->len == 0)
		return;
	i = m->data[0] % FDS_MAX;
	if (m->type == FD_CLOSE)
		close_fd(c, i);
	else if (c->fds[i] != -1)
		(void)send(c->fds[i], m->data + 1, m->len - 1, MSG_NOSIGNAL);
}

static void
put_ids(struct child *c, const struct message *m)
{
	size_t		at, n;
	unsigned int	i;

	for (at = 0; at <= 8 && at + 8 <= m->len; at += 8) {
		n = m->data[at];
		if (memcmp(m->data + at + 1, "relayid", 7) != 0 ||
		    n >= c->n_ids)
			continue;
		for (i = 0; i < 8; i++)
			m->data[at + i] = (uint8_t)(c->ids[n] >> 8 * i);
	}
}

/* The handler of the program; false if the message was malformed. */
static bool
call_handler(struct child *c, const struct message *m, bool with_fd)
{
	struct wire_get	msg;

	wire_get_init(&msg, m->data, m->len);
	c->ops->handlers[m->type](c->ctx, c->ends[m->from].ch, &msg,
	    with_fd ? fresh_fd(c) : -1);
	return (get_done(&msg));
}

/* False when the process would have ended. */
static bool
dispatch(struct child *c, const struct message *m)
{
	const struct msg_info	*info = msg_info(m->type);
	bool			 good = true, with_fd;

	if (m->type >= FD_CLOSE) {
		special(c, m);
		return (true);
	}
	/* MAY has one unless there is text: the error. */
	with_fd = info != NULL && (info->fd == MSG_FD_ONE ||
	    (info->fd == MSG_FD_MAY && m->len <= 10));
	if (msg_check(m->type, m->from, c->ops->self, PHASE_RUN,
	    (uint32_t)m->len, with_fd) != NULL)
		return (true);
	put_ids(c, m);
	switch (m->type) {
	case MSG_CONF_BEGIN:
	case MSG_CONF_END:
	case MSG_CONF_COMMIT:
	case MSG_CONF_ABORT:
		good = conf_message(c, m);
		break;
	case MSG_CTL_SHOW:
		show(c, m);
		break;
	case MSG_DRAIN:
		/* There is no way back from it. */
		break;
	default:
		if (c->ops->handlers[m->type] != NULL)
			good = call_handler(c, m, with_fd);
		break;
	}
	if (good)
		return (true);
	if (m->from == PROC_PARENT)
		return (false);
	peer_restart(c, m->from);
	return (true);
}

static bool
sender(unsigned int n, enum proc_id *from)
{
	*from = (enum proc_id)n;
	return (*from == PROC_PARENT ||
	    (*from < PROC_MAX && (receiver.peers & PROC_BIT(n)) != 0));
}

static void
run(struct child *c, const uint8_t *p, const uint8_t *end)
{
	static const int16_t	later_ms[] = {
		0, 0, 0, 0, 10, 600, 2000, 16000
	};
	struct message		m;
	uint8_t			how;
	bool			good = true;
	int			n;

	for (n = 0; good && end - p >= 5 && n < MESSAGES_MAX; n++) {
		how = p[0];
		m.type = (unsigned int)load_le(p + 1, 2);
		m.len = (size_t)load_le(p + 3, 2);
		p += 5;
		if (m.len > (size_t)(end - p))
			m.len = (size_t)(end - p);
		if ((how & 0x40) != 0)
			later(c, later_ms[how >> 4 & 7]);
		/* Exactly as large, for a sanitizer to see what is behind. */
		if ((m.data = malloc(m.len > 0 ? m.len : 1)) == NULL)
			abort();
		memcpy(m.data, p, m.len);
		if (sender(how & 7, &m.from))
			good = dispatch(c, &m);
		free(m.data);
		if (how & 0x80)
			turn(c);
		p += m.len;
	}
}

/* Back to where the next input begins. */
static void
clean_up(struct child *c)
{
	size_t	i;

	turn(c);
	all_peers(c, peer_down);
	for (i = 0; i < FDS_MAX; i++)
		close_fd(c, i);
	if (c->staging || c->staged)
		c->ops->conf_abort(c->ctx);
	c->staging = c->staged = false;
	configure(c, false);
	/* What has a deadline is over then. */
	later(c, 20000);
	later(c, 2000);
}

static void
quiet(void)
{
	static int	fd = -1;

	if (fd != -1)
		return;
	if ((fd = open("/dev/null", O_WRONLY | O_CLOEXEC)) == -1)
		abort();
	log_init(fd, LOG_STYLE_TERMINAL, "fuzz", false);
	signal(SIGPIPE, SIG_IGN);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct child	*c;

	if (size < 1)
		return (0);
	quiet();
	c = world(data[0] & 1);
	c->n_ids = 0;
	configure(c, true);
	all_peers(c, peer_up);
	turn(c);
	run(c, data + 1, data + size);
	clean_up(c);
	return (0);
}
