/* SPDX-License-Identifier: ISC */
/*
 * A real program between a parent and peers that are made up: its life, and
 * what is handed to it.  See receiver.h.
 */
#include <sys/socket.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "tests/fuzz/receiver_impl.h"

#define OPEN_MAX_FD	128	/* no fd is beyond that */

static struct child	 worlds[2];

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

static void
on_drained(void *arg, struct channel *ch)
{
	struct child	*c = arg;

	if (c->ops->peer_drained != NULL)
		c->ops->peer_drained(c->ctx, channel_peer(ch));
}

/* --- configuration --- */

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
conf_message(struct child *c, const struct receiver_message *m)
{
	uint32_t	generation = (uint32_t)rx_load_le(m->data, 4);
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
show(struct child *c, const struct receiver_message *m)
{
	struct channel	*ch = child_parent(c);
	uint64_t	 request = rx_load_le(m->data, 8);

	if (m->data[8] != CTL_SHOW_CHANNELS && c->ops->show != NULL)
		c->ops->show(c->ctx, ch, request, m->data[8]);
	ctl_end(ch, request, CTL_OK, "");
}

/* --- fds --- */

static void
close_fd(struct child *c, size_t i)
{
	if (c->fds[i] != -1)
		close(c->fds[i]);
	c->fds[i] = -1;
}

void
receiver_keep_fd(struct child *c, int fd)
{
	size_t	i;

	for (i = 0; i < FDS_MAX; i++) {
		if (c->fds[i] == -1) {
			c->fds[i] = fd;
			return;
		}
	}
	close(fd);
}

int
receiver_socket(struct child *c)
{
	static const int	small = 1;	/* as small as can be */
	int			fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0,
	    fds) == -1 || setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small,
	    sizeof(small)) == -1)
		abort();
	receiver_keep_fd(c, fds[1]);
	return (fds[0]);
}

static int
make_fd(struct child *c, unsigned int type)
{
	int	fd = -1;

	if (receiver.make_fd != NULL)
		fd = receiver.make_fd(c, type);
	return (fd != -1 ? fd : receiver_socket(c));
}

static unsigned int
count_open(void)
{
	struct pollfd	fds[OPEN_MAX_FD];
	unsigned int	n = 0;
	int		i;

	for (i = 0; i < OPEN_MAX_FD; i++)
		fds[i] = (struct pollfd){ .fd = i };
	if (poll(fds, OPEN_MAX_FD, 0) == -1)
		abort();
	for (i = 0; i < OPEN_MAX_FD; i++)
		n += (fds[i].revents & POLLNVAL) == 0;
	return (n);
}

/* The other end takes what it was sent, and then says something. */
static void
write_fd(int fd, const uint8_t *data, size_t len)
{
	char	buf[8192];

	while (recv(fd, buf, sizeof(buf), MSG_DONTWAIT) > 0)
		;
	(void)send(fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* --- messages --- */

static void
special(struct child *c, const struct receiver_message *m)
{
	size_t	i;

	if (m->type == RECEIVER_END_PEER || m->type == RECEIVER_LOSE_PEER) {
		if (m->from == PROC_PARENT)
			return;
		rx_peer_down(c, m->from);
		rx_end_close(c, m->from);
		if (m->type == RECEIVER_END_PEER) {
			rx_end_open(c, m->from);
			rx_peer_up(c, m->from);
		}
		return;
	}
	if (m->type == RECEIVER_OWN) {
		if (receiver.own != NULL)
			receiver.own(c, m->data, m->len);
		return;
	}
	if (m->len == 0)
		return;
	i = m->data[0] % FDS_MAX;
	if (m->type == RECEIVER_FD_CLOSE)
		close_fd(c, i);
	else if (c->fds[i] != -1)
		write_fd(c->fds[i], m->data + 1, m->len - 1);
}

/* The handler of the program; false if the message was malformed. */
static bool
call_handler(struct child *c, const struct receiver_message *m, bool with_fd)
{
	struct wire_get	msg;

	wire_get_init(&msg, m->data, m->len);
	c->ops->handlers[m->type](c->ctx, c->ends[m->from].ch, &msg,
	    with_fd ? make_fd(c, m->type) : -1);
	return (get_done(&msg));
}

/* What the table let pass; false if it was malformed. */
static bool
deliver(struct child *c, const struct receiver_message *m, bool with_fd)
{
	rx_put_ids(c, m);
	switch (m->type) {
	case MSG_CONF_BEGIN:
	case MSG_CONF_END:
	case MSG_CONF_COMMIT:
	case MSG_CONF_ABORT:
		return (conf_message(c, m));
	case MSG_CTL_SHOW:
		show(c, m);
		return (true);
	case MSG_DRAIN:
		/* There is no way back from it. */
		return (true);
	default:
		return (c->ops->handlers[m->type] == NULL ||
		    call_handler(c, m, with_fd));
	}
}

bool
receiver_take(struct child *c, const struct receiver_message *m)
{
	const struct msg_info	*info = msg_info(m->type);
	bool			 with_fd;

	if (m->type >= RECEIVER_SPECIAL) {
		special(c, m);
		return (true);
	}
	/* MAY has one unless there is text: the error. */
	with_fd = info != NULL && (info->fd == MSG_FD_ONE ||
	    (info->fd == MSG_FD_MAY && m->len <= 10));
	return (c->ends[m->from].ch == NULL ||
	    msg_check(m->type, m->from, c->ops->self, PHASE_RUN,
	    (uint32_t)m->len, with_fd) != NULL || deliver(c, m, with_fd));
}

bool
receiver_tell(struct child *c, enum proc_id from, enum msg_type type,
    const struct receiver_value *values, size_t n)
{
	uint8_t		buf[RECEIVER_PAYLOAD];
	struct wire_put	w;
	struct receiver_message	m = { .from = from, .type = type,
	    .data = buf };

	wire_put_init(&w, buf, sizeof(buf));
	receiver_encode(&w, type, values, n);
	m.len = w.len;
	if (msg_check(type, from, c->ops->self, PHASE_RUN, (uint32_t)m.len,
	    false) != NULL)
		abort();
	return (deliver(c, &m, false));
}

/* --- life --- */

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

static struct child *
world(bool home)
{
	struct child	*c;

	if (receiver.ctx[1] == NULL)
		home = false;
	c = &worlds[home];
	if (c->ops != NULL)
		return (c);
	c->ops = rx_load_program();
	c->ctx = receiver.ctx[home];
	c->role = home ? ROLE_HOME : ROLE_MAIN;
	c->channel_ops.handlers = c->ops->handlers;
	c->channel_ops.fault = on_fault;
	c->channel_ops.drained = on_drained;
	memset(c->fds, -1, sizeof(c->fds));
	if ((c->base = event_base_new()) == NULL)
		abort();
	rx_end_open(c, PROC_PARENT);
	c->ops->init(c->ctx, c);
	configure(c, false);
	return (c);
}

struct child *
receiver_start(bool home)
{
	struct child	*c;

	quiet();
	c = world(home);
	c->given.n = c->heard.n = 0;
	/* To open them anew for each input takes most of the time. */
	rx_all_peers(c, rx_end_open);
	c->n_open = count_open();
	configure(c, true);
	rx_all_peers(c, rx_peer_up);
	receiver_turn(c);
	return (c);
}

void
receiver_end(struct child *c)
{
	size_t	i;

	receiver_turn(c);
	rx_all_peers(c, rx_peer_down);
	for (i = 0; i < FDS_MAX; i++)
		close_fd(c, i);
	if (c->staging || c->staged)
		c->ops->conf_abort(c->ctx);
	c->staging = c->staged = false;
	configure(c, false);
	/* What only the one before the present one knew goes as well. */
	configure(c, false);
	if (receiver.settle != NULL)
		receiver.settle(c);
	/* What has a deadline is over then. */
	receiver_later(c, 20000);
	receiver_later(c, 2000);
	rx_all_peers(c, rx_end_open);
	if (!receiver.idle(c->ctx) || count_open() != c->n_open)
		abort();
}
