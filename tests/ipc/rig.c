/* SPDX-License-Identifier: ISC */
/* See rig.h. */
#include <sys/socket.h>
#include <sys/stat.h>

#include <check.h>
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "tests/ipc/rig.h"

#define FDS_MAX	16

uint32_t
rig_sum(const uint8_t *p, size_t len)
{
	uint32_t sum = 2166136261U;	/* FNV-1a */

	while (len-- > 0)
		sum = (sum ^ *p++) * 16777619U;
	return (sum);
}

ino_t
rig_ino(int fd)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	return (st.st_ino);
}

size_t
rig_count_fds(void)
{
	DIR *d;
	size_t n = 0;

	ck_assert_ptr_nonnull(d = opendir("/proc/self/fd"));
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return (n);
}

static void
record(struct rig *rig, struct channel *ch, unsigned int type,
    struct wire_get *msg, int fd)
{
	struct rig_record r = { .type = type };

	r.len = (size_t)(msg->end - msg->p);
	r.sum = rig_sum(msg->p, r.len);
	if (fd != -1) {
		r.ino = rig_ino(fd);
		close(fd);
	}
	if (rig->n_records < RIG_RECORDS)
		rig->records[rig->n_records] = r;
	rig->n_records++;
	if (rig->hook != NULL)
		rig->hook(rig, ch, type, msg);
	else
		msg->p = msg->end;
}

#define MSG(name, from, to, min, max, fd, phases, class, fields)	\
static void								\
take_##name(void *arg, struct channel *ch, struct wire_get *msg, int msg_fd) \
{									\
	record(arg, ch, MSG_##name, msg, msg_fd);			\
}
#include "common/msg_types.def"
#undef MSG

const channel_handler rig_handlers[MSG_MAX] = {
#define MSG(name, from, to, min, max, fd, phases, class, fields)	\
	[MSG_##name] = take_##name,
#include "common/msg_types.def"
#undef MSG
};

static void
on_fault(void *arg, struct channel *ch, enum channel_fault fault,
    const char *text)
{
	struct rig *rig = arg;

	ck_assert_ptr_eq(ch, rig->ch);
	rig->faults++;
	rig->fault = fault;
	strlcpy(rig->text, text, sizeof(rig->text));
	if (!rig->keep) {
		channel_free(ch);
		rig->ch = NULL;
	}
}

static void
on_drained(void *arg, struct channel *ch)
{
	struct rig *rig = arg;

	ck_assert_ptr_eq(ch, rig->ch);
	rig->drained++;
}

void
rig_open(struct rig *rig, enum proc_id self, enum proc_id peer,
    unsigned int phase)
{
	int fds[2];

	memset(rig, 0, sizeof(*rig));
	ck_assert_int_eq(channel_pair(fds), 0);
	rig->raw = fds[1];
	rig->ops.handlers = rig_handlers;
	rig->ops.fault = on_fault;
	rig->ops.drained = on_drained;
	ck_assert_ptr_nonnull(rig->base = event_base_new());
	rig->ch = channel_new(rig->base, fds[0], self, peer, phase, &rig->ops,
	    rig);
	ck_assert_ptr_nonnull(rig->ch);
}

void
rig_close(struct rig *rig)
{
	channel_free(rig->ch);
	if (rig->raw != -1)
		close(rig->raw);
	event_base_free(rig->base);
}

void
rig_turn(struct rig *rig)
{
	int i;

	/* What one turn makes active runs in the next. */
	for (i = 0; i < 4; i++)
		ck_assert_int_ge(event_base_loop(rig->base, EVLOOP_NONBLOCK),
		    0);
}

size_t
rig_header(uint8_t *p, unsigned int type, uint32_t len, unsigned int flags)
{
	p[0] = (uint8_t)len;
	p[1] = (uint8_t)(len >> 8);
	p[2] = (uint8_t)(len >> 16);
	p[3] = (uint8_t)(len >> 24);
	p[4] = (uint8_t)type;
	p[5] = (uint8_t)(type >> 8);
	p[6] = (uint8_t)flags;
	p[7] = (uint8_t)(flags >> 8);
	return (RIG_HEADER);
}

/* One sendmsg; returns what it sent, 0 when there is no room. */
static size_t
send_some(int sock, const uint8_t *p, size_t len, const int *fds, size_t n_fds)
{
	union {
		struct cmsghdr	hdr;
		char		buf[CMSG_SPACE(sizeof(int) * FDS_MAX)];
	} control;
	struct iovec iov = { (void *)(uintptr_t)p, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;
	ssize_t n;

	ck_assert_uint_le(n_fds, FDS_MAX);
	if (n_fds > 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.buf;
		msg.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * n_fds);
	}
	n = sendmsg(sock, &msg, MSG_NOSIGNAL);
	if (n == -1 && errno == EAGAIN)
		return (0);
	ck_assert_msg(n > 0, "sendmsg: %s", strerror(errno));
	return ((size_t)n);
}

void
rig_send(struct rig *rig, const void *data, size_t len, const int *fds,
    size_t n_fds)
{
	const uint8_t *p = data;
	size_t n;

	while (len > 0) {
		n = send_some(rig->raw, p, len, fds, n_fds);
		if (n == 0) {
			rig_turn(rig);
			continue;
		}
		p += n;
		len -= n;
		n_fds = 0;
	}
}

void
rig_send_msg(struct rig *rig, unsigned int type, uint32_t len, int fd)
{
	static const uint8_t zero[65536];
	uint8_t h[RIG_HEADER];
	size_t n;

	rig_header(h, type, len, fd == -1 ? 0 : RIG_FLAG_FD);
	rig_send(rig, h, sizeof(h), &fd, fd == -1 ? 0 : 1);
	for (; len > 0; len -= (uint32_t)n) {
		n = len < sizeof(zero) ? len : sizeof(zero);
		rig_send(rig, zero, n, NULL, 0);
	}
}
