/* SPDX-License-Identifier: ISC */
/*
 * A child of relayd that was taken over.  This is linked with all of a
 * program's own objects and the linker's --wrap=child_run: it starts, enters
 * its sandbox and is wired as the real one, and does its work; beside that it
 * makes whatever system calls and sends whatever bytes a test orders (see
 * puppet.h), with all that the process holds.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/channel_priv.h"
#include "common/child.h"
#include "common/log.h"
#include "tests/hostile/puppet.h"

#define SEND_WAIT_MS	10000	/* for room in a channel */
#define NOTE_HEADER	12	/* u32 sender, u32 type, u32 length */

void	__real_child_run(const struct child_ops *, void *)
	    __attribute__((noreturn));
void	__wrap_child_run(const struct child_ops *, void *)
	    __attribute__((noreturn));

static const struct child_ops	*program;
static struct child_ops		 ours;
static channel_handler		 handlers[MSG_MAX];
static struct child		*self;
static struct puppet		*puppet;

static uint8_t *
at(uint64_t offset)
{
	return ((uint8_t *)puppet + offset);
}

/* --- what it is told by others, for the test to read --- */

static void
note(unsigned int type, struct channel *ch, const struct wire_get *msg)
{
	uint32_t	 len = (uint32_t)(msg->end - msg->p), head[3];
	uint64_t	 used = puppet->heard;

	if (len > PUPPET_NOTE_MAX)
		len = PUPPET_NOTE_MAX;
	if (PUPPET_HEARD + used + NOTE_HEADER + len > PUPPET_SIZE)
		return;
	head[0] = channel_peer(ch);
	head[1] = type;
	head[2] = len;
	memcpy(at(PUPPET_HEARD + used), head, NOTE_HEADER);
	memcpy(at(PUPPET_HEARD + used + NOTE_HEADER), msg->p, len);
	__atomic_store_n(&puppet->heard, used + NOTE_HEADER + len,
	    __ATOMIC_RELEASE);
}

#define MSG(name, from, to, min, max, fd, phases, class, fields)	\
static void								\
hear_##name(void *arg, struct channel *ch, struct wire_get *msg, int msg_fd) \
{									\
	note(MSG_##name, ch, msg);					\
	if (puppet->mute == MSG_##name && msg_fd == -1)			\
		msg->p = msg->end;					\
	else								\
		program->handlers[MSG_##name](arg, ch, msg, msg_fd);	\
}
#include "common/msg_types.def"
#undef MSG

static const channel_handler hear[MSG_MAX] = {
#define MSG(name, from, to, min, max, fd, phases, class, fields)	\
	[MSG_##name] = hear_##name,
#include "common/msg_types.def"
#undef MSG
};

/* --- orders --- */

static int
fd_of(int64_t proc)
{
	struct channel	*ch;

	if (proc == PROC_PARENT)
		return (CHILD_FD);
	ch = proc > 0 && proc < PROC_CTL ?
	    child_peer(self, (enum proc_id)proc) : NULL;
	return (ch == NULL ? -1 : ch->fd);
}

static ssize_t
send_some(int sock, const uint8_t *p, size_t len, int fd)
{
	union {
		struct cmsghdr	hdr;
		char		buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec	 iov = { (void *)(uintptr_t)p, len };
	struct msghdr	 msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr	*cmsg;

	if (fd != -1) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.buf;
		msg.msg_controllen = sizeof(control.buf);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
	}
	return (sendmsg(sock, &msg, MSG_NOSIGNAL));
}

/* Bytes into a channel, past all that would check them. */
static int64_t
send_raw(int sock, const uint8_t *p, size_t len, int fd)
{
	struct pollfd	 pfd = { .fd = sock, .events = POLLOUT };
	size_t		 left = len;
	ssize_t		 n;

	while (left > 0) {
		n = send_some(sock, p, left, fd);
		if (n == -1 && errno == EAGAIN) {
			if (poll(&pfd, 1, SEND_WAIT_MS) != 1)
				return (-1);
			continue;
		}
		if (n == -1)
			return (-1);
		fd = -1;
		p += n;
		left -= (size_t)n;
	}
	return ((int64_t)len);
}

static int64_t
obey(const int64_t *a)
{
	switch (puppet->op) {
	case PUPPET_SYSCALL:
		return (syscall((long)a[0], a[1], a[2], a[3], a[4], a[5],
		    a[6]));
	case PUPPET_SEND:
		return (send_raw(fd_of(a[0]), at((uint64_t)a[1]), (size_t)a[2],
		    (int)a[3]));
	case PUPPET_FD:
		return (fd_of(a[0]));
	default:
		errno = EINVAL;
		return (-1);
	}
}

/* --- what is to be sent without an order --- */

/* What is due, to a process there is a channel to; else it stays due. */
static void
send_due(int64_t to)
{
	static bool	said;
	uint64_t	due = __atomic_load_n(&puppet->due, __ATOMIC_ACQUIRE);
	int		sock = fd_of(to);

	if (due == puppet->sent || (said && puppet->once) || sock == -1 ||
	    send_raw(sock, at(PUPPET_DATA), puppet->stage_len,
	    puppet->stage_fd ? STDERR_FILENO : -1) == -1)
		return;
	said = true;
	__atomic_store_n(&puppet->sent, due, __ATOMIC_RELEASE);
}

/* The parent ends it over what it says, or the test lets it go on. */
static void
on_stage(enum puppet_stage stage)
{
	while (puppet->stage == stage) {
		send_due(PROC_PARENT);
		(void)poll(NULL, 0, 1);
	}
}

static void
on_poll(evutil_socket_t fd, short what, void *arg)
{
	uint64_t	asked;

	(void)fd;
	(void)what;
	(void)arg;
	/* Until it runs, an order is one to the process before it. */
	if (puppet->pid != (uint64_t)getpid())
		return;
	if (puppet->stage == PUPPET_IN_RUN)
		send_due((int64_t)puppet->stage_to);
	asked = __atomic_load_n(&puppet->asked, __ATOMIC_ACQUIRE);
	if (asked == puppet->done)
		return;
	errno = 0;
	puppet->result = obey(puppet->args);
	puppet->error = (uint64_t)errno;
	__atomic_store_n(&puppet->done, asked, __ATOMIC_RELEASE);
}

/* --- the program's own life --- */

static void
init(void *ctx, struct child *c)
{
	static const struct timeval	 often = { 0, PUPPET_POLL_MS * 1000 };
	struct event			*ev;

	self = c;
	if (program->init != NULL)
		program->init(ctx, c);
	ev = event_new(child_base(c), -1, EV_PERSIST, on_poll, NULL);
	if (ev == NULL || event_add(ev, &often) == -1)
		fatal("puppet: no event");
	on_stage(PUPPET_IN_SETUP);
}

static bool
conf_end(void *ctx, char *reason, size_t size)
{
	on_stage(PUPPET_IN_CONF);
	return (program->conf_end(ctx, reason, size));
}

static void
conf_commit(void *ctx)
{
	program->conf_commit(ctx);
	if (puppet->pid == (uint64_t)getpid())
		return;
	puppet->done = __atomic_load_n(&puppet->asked, __ATOMIC_ACQUIRE);
	__atomic_store_n(&puppet->pid, (uint64_t)getpid(), __ATOMIC_RELEASE);
}

/* The file beside the program; one that has none is no puppet. */
static void
map_file(void)
{
	char	 path[4096];
	ssize_t	 n;
	void	*p;
	int	 fd;

	n = readlink("/proc/self/exe", path, sizeof(path) - 64);
	if (n == -1)
		fatal("puppet: /proc/self/exe: %s", strerror(errno));
	snprintf(path + n, sizeof(path) - (size_t)n, ".%s", PUPPET_FILE);
	if ((fd = open(path, O_RDWR | O_CLOEXEC)) == -1)
		fatal("puppet: %s: %s", path, strerror(errno));
	p = mmap(NULL, PUPPET_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		fatal("puppet: %s: %s", path, strerror(errno));
	close(fd);
	puppet = p;
	puppet->base = (uint64_t)(uintptr_t)p;
}

void
__wrap_child_run(const struct child_ops *ops, void *ctx)
{
	unsigned int	type;

	map_file();
	program = ops;
	ours = *ops;
	for (type = 0; type < MSG_MAX; type++) {
		if (ops->handlers[type] != NULL)
			handlers[type] = hear[type];
	}
	ours.handlers = handlers;
	ours.init = init;
	ours.conf_end = conf_end;
	ours.conf_commit = conf_commit;
	__real_child_run(&ours, ctx);
}
