/* SPDX-License-Identifier: ISC */
/* Receiving: one large recvmsg, checked and dispatched in place. */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/channel_priv.h"

static uint32_t
load_le32(const uint8_t *p)
{
	return ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24);
}

static uint16_t
load_le16(const uint8_t *p)
{
	return ((uint16_t)(p[0] | p[1] << 8));
}

/* Keep the fds of a received control message; false if there are too many. */
static bool
keep_fds(struct channel *ch, struct msghdr *msg)
{
	struct cmsghdr *cmsg;
	bool ok = (msg->msg_flags & MSG_CTRUNC) == 0;
	size_t i, n;
	int fd;

	for (cmsg = CMSG_FIRSTHDR(msg); cmsg != NULL;
	    cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET ||
		    cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int),
			    sizeof(fd));
			if (ch->n_in_fds < LIMIT_CHANNEL_FDS)
				ch->in_fds[ch->n_in_fds++] = fd;
			else {
				close(fd);
				ok = false;
			}
		}
	}
	return (ok);
}

/* The oldest fd received and not yet claimed, or -1. */
static int
claim_fd(struct channel *ch)
{
	int fd;

	if (ch->n_in_fds == 0)
		return (-1);
	fd = ch->in_fds[0];
	ch->n_in_fds--;
	memmove(ch->in_fds, ch->in_fds + 1, ch->n_in_fds * sizeof(int));
	return (fd);
}

/* Check and dispatch one whole message; false when the channel faulted. */
static bool
dispatch(struct channel *ch, unsigned int type, const uint8_t *payload,
    uint32_t len, bool has_fd)
{
	channel_handler handler;
	struct wire_get msg;
	int fd = -1;

	if (has_fd && (fd = claim_fd(ch)) == -1) {
		channel_raise(ch, CHANNEL_PROTOCOL, "%s: its fd did not come",
		    msg_name(type));
		return (false);
	}
	if ((handler = ch->ops->handlers[type]) == NULL) {
		if (fd != -1)
			close(fd);
		channel_raise(ch, CHANNEL_PROTOCOL, "%s: no use for it here",
		    msg_name(type));
		return (false);
	}
	ch->stats.msgs_in++;
	wire_get_init(&msg, payload, len);
	handler(ch->arg, ch, &msg, fd);
	if (ch->closed)
		return (false);
	if (!get_done(&msg)) {
		channel_raise(ch, CHANNEL_PROTOCOL, "%s: malformed",
		    msg_name(type));
		return (false);
	}
	return (true);
}

/* Room for a message of which only a part has come. */
static bool
grow_in(struct channel *ch, size_t size)
{
	uint8_t *p;

	if (size <= ch->in_size)
		return (true);
	if ((p = realloc(ch->in, size)) == NULL) {
		channel_raise(ch, CHANNEL_IO, "no memory for %zu bytes", size);
		return (false);
	}
	ch->in = p;
	ch->in_size = size;
	return (true);
}

/*
 * Handle every whole message in the buffer; returns the bytes handled.  A
 * header is checked as soon as it is there, before its payload is waited for.
 */
static size_t
parse_in(struct channel *ch)
{
	const uint8_t *h;
	const char *why;
	size_t pos = 0;
	uint32_t len;
	unsigned int type;
	bool has_fd;

	while (!ch->paused && ch->in_len - pos >= CHANNEL_HEADER) {
		h = ch->in + pos;
		len = load_le32(h);
		type = load_le16(h + 4);
		has_fd = (h[6] & CHANNEL_FLAG_FD) != 0;
		why = msg_check(type, ch->peer, ch->self, ch->phase, len,
		    has_fd);
		if (why == NULL && ((h[6] & ~CHANNEL_FLAG_FD) != 0 || h[7] != 0))
			why = "unknown flags";
		if (why != NULL) {
			channel_raise(ch, CHANNEL_PROTOCOL, "%s (%u bytes): %s",
			    msg_name(type), len, why);
			return (pos);
		}
		if (ch->in_len - pos - CHANNEL_HEADER < len)
			break;
		if (!dispatch(ch, type, h + CHANNEL_HEADER, len, has_fd))
			return (pos);
		pos += CHANNEL_HEADER + len;
	}
	return (pos);
}

/*
 * Parse what is there, move the rest to the front, and make the buffer fit
 * what is to come.  False when the channel is of no more use.
 */
static bool
consume_in(struct channel *ch)
{
	size_t done, need;
	uint8_t *p;

	done = parse_in(ch);
	if (ch->closed)
		return (false);
	ch->in_len -= done;
	if (ch->in_len > 0 && done > 0)
		memmove(ch->in, ch->in + done, ch->in_len);
	/* The next header is not checked yet: nothing is done by its word. */
	if (ch->paused)
		return (true);
	if (ch->n_in_fds > 0 && ch->in_len == 0) {
		channel_raise(ch, CHANNEL_PROTOCOL, "an fd without a message");
		return (false);
	}
	if (ch->in_len >= CHANNEL_HEADER) {
		need = CHANNEL_HEADER + load_le32(ch->in);
		return (grow_in(ch, need));
	}
	if (ch->in_size > LIMIT_CHANNEL_RECV &&
	    (p = realloc(ch->in, LIMIT_CHANNEL_RECV)) != NULL) {
		ch->in = p;
		ch->in_size = LIMIT_CHANNEL_RECV;
	}
	return (true);
}

void
channel_on_read(evutil_socket_t fd, short what, void *arg)
{
	struct channel *ch = arg;
	union {
		struct cmsghdr	hdr;
		char		buf[CMSG_SPACE(sizeof(int) * 4)];
	} control;
	struct iovec iov;
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	(void)what;
	if (ch->closed || ch->paused)
		return;
	if (ch->in_len > 0 && (!consume_in(ch) || ch->paused))
		return;
	iov.iov_base = ch->in + ch->in_len;
	iov.iov_len = ch->in_size - ch->in_len;
	msg.msg_control = control.buf;
	msg.msg_controllen = sizeof(control.buf);
	ch->stats.recvs++;
	n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
	if (n == -1) {
		if (errno != EAGAIN && errno != EINTR)
			channel_raise(ch, errno == ECONNRESET ? CHANNEL_EOF :
			    CHANNEL_IO, "recv: %s", strerror(errno));
		return;
	}
	if (n == 0) {
		channel_raise(ch, CHANNEL_EOF, "closed");
		return;
	}
	ch->in_len += (size_t)n;
	ch->stats.bytes_in += (uint64_t)n;
	if (!keep_fds(ch, &msg)) {
		channel_raise(ch, CHANNEL_PROTOCOL, "too many fds");
		return;
	}
	(void)consume_in(ch);
}

/* Read exactly len bytes from a non-blocking fd; false at its end. */
static bool
read_exactly(int fd, uint8_t *buf, size_t len)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	ssize_t n;

	while (len > 0) {
		n = recv(fd, buf, len, 0);
		if (n > 0) {
			buf += n;
			len -= (size_t)n;
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return (false);
		else if (poll(&pfd, 1, -1) == -1 && errno != EINTR)
			return (false);
	}
	return (true);
}

enum msg_type
channel_recv_blocking(int fd, enum proc_id self, enum proc_id peer,
    unsigned int phase, uint8_t *buf, size_t size, size_t *len)
{
	uint8_t h[CHANNEL_HEADER];
	unsigned int type;

	if (!read_exactly(fd, h, sizeof(h)))
		return (MSG_NONE);
	*len = load_le32(h);
	type = load_le16(h + 4);
	if (*len > size || h[6] != 0 || h[7] != 0 ||
	    msg_check(type, peer, self, phase, (uint32_t)*len, false) != NULL)
		return (MSG_NONE);
	if (!read_exactly(fd, buf, *len))
		return (MSG_NONE);
	return ((enum msg_type)type);
}
