/* SPDX-License-Identifier: ISC */
/* Sending: one contiguous buffer, one send when the loop turns. */
#include <sys/socket.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/channel_priv.h"
#include "common/log.h"
#include "common/monotime.h"

#define OUT_KEEP	(256U << 10)	/* bytes an empty out buffer may keep */

/* The out buffer is full: drop what was sent, then make it larger. */
bool
channel_grow_out(struct wire_put *w, size_t need)
{
	struct channel *ch = w->arg;
	size_t size;
	uint8_t *p;

	if (ch->out_sent > w->len / 2) {
		memmove(w->buf, w->buf + ch->out_sent, channel_queued(ch));
		w->len -= ch->out_sent;
		ch->msg_at -= ch->out_sent;
		ch->out_base += ch->out_sent;
		ch->out_sent = 0;
		if (w->size - w->len >= need)
			return (true);
	}
	size = w->size == 0 ? 16384 : w->size;
	while (size - w->len < need)
		size *= 2;
	if (size > 2 * (size_t)LIMIT_CHANNEL_HARD ||
	    (p = realloc(w->buf, size)) == NULL)
		return (false);
	w->buf = p;
	w->size = size;
	return (true);
}

struct wire_put *
channel_begin(struct channel *ch, enum msg_type type)
{
	static const uint8_t zero[CHANNEL_HEADER];

	ch->msg_type = type;
	ch->out.bad = false;
	ch->msg_at = ch->out.len;
	if (ch->out.size - ch->out.len < CHANNEL_HEADER &&
	    !channel_grow_out(&ch->out, CHANNEL_HEADER)) {
		ch->out.bad = true;
		return (&ch->out);
	}
	memcpy(ch->out.buf + ch->out.len, zero, CHANNEL_HEADER);
	ch->out.len += CHANNEL_HEADER;
	return (&ch->out);
}

void
channel_abort(struct channel *ch)
{
	if (ch->out.len > ch->msg_at)
		ch->out.len = ch->msg_at;
	ch->msg_type = MSG_NONE;
}

static void
schedule_flush(struct channel *ch)
{
	if (ch->flush_due || ch->writing)
		return;
	ch->flush_due = true;
	event_active(ch->flush_ev, EV_WRITE, 0);
}

/* Fill in the header, or say why the message may not leave. */
static const char *
seal(struct channel *ch, bool has_fd)
{
	const char *why;
	uint8_t *h;
	size_t len;

	if (ch->out.bad)
		return ("a value does not fit");
	len = ch->out.len - ch->msg_at - CHANNEL_HEADER;
	if (len > UINT32_MAX)
		return ("too long");
	why = msg_check(ch->msg_type, ch->self, ch->peer,
	    PHASE_SETUP | PHASE_CONF | PHASE_RUN, (uint32_t)len, has_fd);
	if (why != NULL)
		return (why);
	h = ch->out.buf + ch->msg_at;
	h[0] = (uint8_t)len;
	h[1] = (uint8_t)(len >> 8);
	h[2] = (uint8_t)(len >> 16);
	h[3] = (uint8_t)(len >> 24);
	h[4] = (uint8_t)ch->msg_type;
	h[5] = (uint8_t)(ch->msg_type >> 8);
	h[6] = has_fd ? CHANNEL_FLAG_FD : 0;
	h[7] = 0;
	return (NULL);
}

/* The message is whole: count it and see to it that it is sent. */
static int
queue_message(struct channel *ch, bool has_fd)
{
	const struct msg_info *m = msg_info(ch->msg_type);
	const char *why;

	if (ch->closed) {
		channel_abort(ch);
		return (-1);
	}
	if (m != NULL && m->class == MSG_CLASS_BULK &&
	    ch->msg_at - ch->out_sent > LIMIT_CHANNEL_HIGH +
	    LIMIT_CHANNEL_SLACK) {
		ch->stats.refused++;
		channel_abort(ch);
		return (-1);
	}
	if ((why = seal(ch, has_fd)) != NULL) {
		log_err("message %s to %s not sent: %s",
		    msg_name(ch->msg_type), proc_name(ch->peer), why);
		channel_abort(ch);
		return (-1);
	}
	ch->msg_type = MSG_NONE;
	ch->stats.msgs_out++;
	if (channel_queued(ch) > ch->stats.queued_max)
		ch->stats.queued_max = channel_queued(ch);
	ch->stats.queued = channel_queued(ch);
	if (channel_queued(ch) > LIMIT_CHANNEL_HIGH)
		ch->congested = true;
	if (channel_queued(ch) > LIMIT_CHANNEL_HARD) {
		channel_raise(ch, CHANNEL_STUCK, "%zu bytes not read",
		    channel_queued(ch));
		return (-1);
	}
	schedule_flush(ch);
	return (0);
}

int
channel_commit(struct channel *ch)
{
	return (queue_message(ch, false));
}

/* One sendmsg of up to len bytes, with an fd if it is not -1. */
static ssize_t
send_part(struct channel *ch, const uint8_t *p, size_t len, int fd)
{
	union {
		struct cmsghdr	hdr;
		char		buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { (void *)(uintptr_t)p, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;

	ch->stats.sends++;
	if (fd == -1)
		return (send(ch->fd, p, len, MSG_NOSIGNAL));
	memset(&control, 0, sizeof(control));
	msg.msg_control = control.buf;
	msg.msg_controllen = sizeof(control.buf);
	cmsg = CMSG_FIRSTHDR(&msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return (sendmsg(ch->fd, &msg, MSG_NOSIGNAL));
}

/*
 * Send what is queued: 1 when all has left, 0 when the socket is full, -1
 * with errno.  One send, or one more for each fd, which must leave with the
 * first byte of its own message and nothing before it.
 */
static int
send_queued(struct channel *ch)
{
	uint64_t pos, end;
	ssize_t n;
	int fd;

	ch->fds_full = false;
	while (channel_queued(ch) > 0) {
		pos = ch->out_base + ch->out_sent;
		end = ch->out_base + ch->out.len;
		fd = -1;
		if (ch->n_out_fds > 0 && ch->out_fds[0].at == pos) {
			fd = ch->out_fds[0].fd;
			if (ch->n_out_fds > 1)
				end = ch->out_fds[1].at;
		} else if (ch->n_out_fds > 0)
			end = ch->out_fds[0].at;
		n = send_part(ch, ch->out.buf + ch->out_sent, end - pos, fd);
		if (n == -1) {
			if (errno == EINTR)
				continue;
			/* Not root, and as many fds of this user are on their
			 * way as a process may have: unix(7). */
			ch->fds_full = errno == ETOOMANYREFS;
			return (errno == EAGAIN || ch->fds_full ? 0 : -1);
		}
		ch->out_sent += (size_t)n;
		ch->stats.bytes_out += (uint64_t)n;
		if (fd != -1) {
			close(fd);
			ch->n_out_fds--;
			memmove(ch->out_fds, ch->out_fds + 1,
			    ch->n_out_fds * sizeof(ch->out_fds[0]));
		}
		if ((size_t)n < end - pos)
			return (0);
	}
	return (1);
}

/* Everything has left: start over at the front, give large buffers back. */
static void
reset_out(struct channel *ch)
{
	ch->out_base += ch->out.len;
	ch->out.len = 0;
	ch->out_sent = 0;
	if (ch->out.size > OUT_KEEP) {
		free(ch->out.buf);
		ch->out.buf = NULL;
		ch->out.size = 0;
	}
}

/* Nobody is there to take it. */
static void
discard_out(struct channel *ch)
{
	while (ch->n_out_fds > 0)
		close(ch->out_fds[--ch->n_out_fds].fd);
	ch->out_sent = ch->out.len;
}

#define FDS_RETRY_MS	10	/* until fds may have been taken */

void
channel_on_flush(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval fds_retry = { 0, FDS_RETRY_MS * 1000 };
	struct channel *ch = arg;
	int sent;

	(void)fd;
	(void)what;
	ch->flush_due = false;
	ch->writing = false;
	if (ch->closed)
		return;
	if ((sent = send_queued(ch)) == -1) {
		if (errno != EPIPE && errno != ECONNRESET) {
			channel_raise(ch, CHANNEL_IO, "send: %s",
			    strerror(errno));
			return;
		}
		/* Reading comes to the end, after the peer's last words. */
		discard_out(ch);
		sent = 1;
	}
	if (sent == 1)
		reset_out(ch);
	else {
		ch->writing = true;
		/* The socket may well be writable all the time. */
		if (ch->fds_full)
			event_add(ch->flush_ev, &fds_retry);
		else
			event_add(ch->write_ev, NULL);
	}
	ch->stats.queued = channel_queued(ch);
	if (ch->congested && channel_queued(ch) < LIMIT_CHANNEL_LOW) {
		ch->congested = false;
		if (ch->ops->drained != NULL)
			ch->ops->drained(ch->arg, ch);
	}
}

/* Send what is queued, waiting for room up to so long, or -1 for ever. */
static int
flush_within(struct channel *ch, int wait_ms)
{
	struct pollfd pfd = { .fd = ch->fd, .events = POLLOUT };
	struct monotime end = monotime_add_ms(monotime_now(), wait_ms);
	int64_t left_ms = wait_ms;
	int sent;

	while ((sent = send_queued(ch)) == 0) {
		if (wait_ms != -1 &&
		    (left_ms = monotime_diff_ms(end, monotime_now())) <= 0) {
			errno = ETIMEDOUT;
			return (-1);
		}
		if (ch->fds_full && (wait_ms == -1 || left_ms > FDS_RETRY_MS))
			left_ms = FDS_RETRY_MS;
		if (poll(&pfd, !ch->fds_full, (int)left_ms) == -1 &&
		    errno != EINTR)
			return (-1);
	}
	return (sent == 1 ? 0 : -1);
}

/*
 * Room for one more fd.  It comes from sending, and a receiver that is alive
 * makes it at once: one that does not is stuck, and must not hold us up.
 */
static bool
make_fd_room(struct channel *ch)
{
	size_t len = ch->out.len;
	int sent;

	if (ch->closed)
		return (false);
	if (ch->n_out_fds < LIMIT_CHANNEL_FDS)
		return (true);
	/* Without the message that is being written. */
	ch->out.len = ch->msg_at;
	sent = flush_within(ch, LIMIT_CHANNEL_FDS_MS);
	ch->out.len = len;
	if (sent == 0)
		return (true);
	if (errno == ETIMEDOUT)
		channel_raise(ch, CHANNEL_STUCK, "%zu fds not taken",
		    ch->n_out_fds);
	else if (errno != EPIPE && errno != ECONNRESET)
		channel_raise(ch, CHANNEL_IO, "send: %s", strerror(errno));
	/* Of one that is gone we hear by reading. */
	return (false);
}

int
channel_commit_fd(struct channel *ch, int fd)
{
	uint64_t at;

	if (!make_fd_room(ch)) {
		channel_abort(ch);
		close(fd);
		return (-1);
	}
	at = ch->out_base + ch->msg_at;
	if (queue_message(ch, true) == -1) {
		close(fd);
		return (-1);
	}
	ch->out_fds[ch->n_out_fds].at = at;
	ch->out_fds[ch->n_out_fds].fd = fd;
	ch->n_out_fds++;
	return (0);
}

int
channel_flush_blocking(struct channel *ch)
{
	return (flush_within(ch, -1));
}
