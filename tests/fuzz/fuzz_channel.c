/* SPDX-License-Identifier: ISC */
/*
 * Any bytes and fds into a channel of each process, with handlers that decode
 * by the table's own list of fields.
 *
 * Input: u8 receiver, u8 sender, u8 phase, then chunks, each u8 how, u8
 * length, bytes.  how: bit 0 sends an fd with the chunk, bit 1 turns the loop
 * after it, bit 2 pauses, bit 3 resumes.
 *
 * Whatever comes: no crash, one fault at most and nothing after it, no fd
 * left, and without fds the same bytes in one piece are dispatched alike.  A
 * service that was decoded encodes to the same bytes.
 */
#include <sys/socket.h>

#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/channel.h"
#include "common/log.h"
#include "common/service.h"

#define SEEN_MAX	64

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

struct seen {
	unsigned int	type;
	size_t		len;
	bool		good;
};

struct target {
	struct event_base	*base;
	struct channel		*ch;
	int			 raw;
	unsigned int		 faults;
	size_t			 n_seen;
	struct seen		 seen[SEEN_MAX];
};

/* --- decoding by the list of fields --- */

static void
decode_service(struct wire_get *r)
{
	static uint8_t again[1U << 18];
	struct wire_put w;
	struct service s;
	const uint8_t *start = r->p;

	get_service(r, &s);
	if (!r->bad) {
		wire_put_init(&w, again, sizeof(again));
		put_service(&w, &s);
		if (w.bad || w.len != (size_t)(r->p - start) ||
		    memcmp(again, start, w.len) != 0)
			abort();
	}
	service_clear(&s);
}

static bool
is_kind(const char *p, const char *kind)
{
	size_t n = strlen(kind);

	return (strncmp(p, kind, n) == 0 &&
	    (p[n] == ' ' || p[n] == ',' || p[n] == '\0'));
}

static void
decode_field(struct wire_get *r, const char *p)
{
	char text[64];

	if (is_kind(p, "u8"))
		(void)get_u8(r);
	else if (is_kind(p, "bool"))
		(void)get_bool(r);
	else if (is_kind(p, "u16"))
		(void)get_u16(r);
	else if (is_kind(p, "u32"))
		(void)get_u32(r);
	else if (is_kind(p, "i32"))
		(void)get_i32(r);
	else if (is_kind(p, "u64"))
		(void)get_u64(r);
	else if (is_kind(p, "bytes"))
		(void)get_bytes(r);
	else if (is_kind(p, "service"))
		decode_service(r);
	else if (is_kind(p, "str node_id"))
		get_str(r, text, sizeof(text));
	else if (is_kind(p, "str"))
		(void)get_span(r, UINT16_MAX);
	else
		abort();
}

/* The end of the field at p: a comma or closing ) outside of others. */
static const char *
field_end(const char *p)
{
	int depth = 0;

	for (; *p != '\0'; p++) {
		if (*p == '(')
			depth++;
		else if (*p == ')' && depth-- == 0)
			break;
		else if (*p == ',' && depth == 0)
			break;
	}
	return (p);
}

static void	decode_fields(struct wire_get *, const char *);

/* "count * service" or "count * (fields)", with the count before it. */
static void
decode_items(struct wire_get *r, uint16_t n, const char *item)
{
	while (n-- > 0 && !r->bad) {
		if (*item == '(')
			decode_fields(r, item + 1);
		else
			decode_field(r, item);
	}
}

static void
decode_fields(struct wire_get *r, const char *p)
{
	uint16_t count = 0;

	while (*p != '\0' && *p != ')') {
		if (is_kind(p, "u16 count"))
			count = get_count(r, UINT16_MAX, 1);
		else if (is_kind(p, "count"))
			decode_items(r, count, p + strlen("count * "));
		else
			decode_field(r, p);
		p = field_end(p);
		if (*p == ',')
			p += 2;
	}
}

static void
take(struct target *t, unsigned int type, struct wire_get *msg, int fd)
{
	struct seen s = { .type = type };

	if (t->faults > 0)
		abort();
	s.len = (size_t)(msg->end - msg->p);
	decode_fields(msg, msg_info(type)->fields);
	s.good = get_done(msg);
	if (t->n_seen < SEEN_MAX)
		t->seen[t->n_seen] = s;
	t->n_seen++;
	if (fd != -1)
		close(fd);
}

#define MSG(name, from, to, min, max, fd, phases, class, fields)	\
static void								\
take_##name(void *arg, struct channel *ch, struct wire_get *msg, int msg_fd) \
{									\
	(void)ch;							\
	take(arg, MSG_##name, msg, msg_fd);				\
}
#include "common/msg_types.def"
#undef MSG

static const channel_handler handlers[MSG_MAX] = {
#define MSG(name, from, to, min, max, fd, phases, class, fields)	\
	[MSG_##name] = take_##name,
#include "common/msg_types.def"
#undef MSG
};

static void
on_fault(void *arg, struct channel *ch, enum channel_fault fault,
    const char *text)
{
	struct target *t = arg;

	(void)ch;
	(void)fault;
	(void)text;
	if (t->faults++ > 0)
		abort();
}

static const struct channel_ops ops = {
	.handlers = handlers, .fault = on_fault
};

/* --- the other end --- */

static void
turn(struct target *t)
{
	int i;

	for (i = 0; i < 3; i++)
		(void)event_base_loop(t->base, EVLOOP_NONBLOCK);
}

static void
open_target(struct target *t, const uint8_t *head)
{
	static const unsigned int phases[] = {
		PHASE_SETUP, PHASE_CONF, PHASE_RUN
	};
	int fds[2];

	memset(t, 0, sizeof(*t));
	if ((t->base = event_base_new()) == NULL || channel_pair(fds) == -1)
		abort();
	t->raw = fds[1];
	t->ch = channel_new(t->base, fds[0], head[0] % PROC_MAX,
	    head[1] % PROC_MAX, phases[head[2] % 3], &ops, t);
	if (t->ch == NULL)
		abort();
}

static void
close_target(struct target *t)
{
	close(t->raw);
	/* A pause must not hide the end. */
	channel_resume(t->ch);
	turn(t);
	if (t->faults != 1)
		abort();
	channel_free(t->ch);
	event_base_free(t->base);
}

static void
send_chunk(struct target *t, const uint8_t *p, size_t len, bool with_fd)
{
	union {
		struct cmsghdr	hdr;
		char		buf[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { (void *)(uintptr_t)p, len };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;
	int fd = STDERR_FILENO;

	if (with_fd) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = control.buf;
		msg.msg_controllen = sizeof(control.buf);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	(void)sendmsg(t->raw, &msg, MSG_NOSIGNAL);
}

/* Feed the chunks; whole collects their bytes, true if none had an fd. */
static bool
feed(struct target *t, const uint8_t *p, size_t len, uint8_t *whole,
    size_t *n_whole)
{
	bool plain = true;
	size_t n;
	uint8_t how;

	while (len >= 2) {
		how = p[0];
		n = p[1];
		p += 2;
		len -= 2;
		if (n > len)
			n = len;
		if (how & 4)
			channel_pause(t->ch);
		if (how & 8)
			channel_resume(t->ch);
		if (n > 0) {
			send_chunk(t, p, n, how & 1);
			plain &= (how & 1) == 0;
			memcpy(whole + *n_whole, p, n);
			*n_whole += n;
		}
		if (how & 2)
			turn(t);
		p += n;
		len -= n;
	}
	return (plain);
}

static size_t
count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	size_t n = 0;

	if (d == NULL)
		return (0);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return (n);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t whole[1U << 16];
	struct target chunked, once;
	size_t fds, n_whole = 0, n;
	bool plain;

	/* What it may send without waiting for the reader. */
	if (size < 3 || size > sizeof(whole))
		return (0);
	fds = count_fds();
	open_target(&chunked, data);
	plain = feed(&chunked, data + 3, size - 3, whole, &n_whole);
	close_target(&chunked);
	if (plain) {
		open_target(&once, data);
		if (n_whole > 0)
			send_chunk(&once, whole, n_whole, false);
		close_target(&once);
		n = once.n_seen < SEEN_MAX ? once.n_seen : SEEN_MAX;
		if (once.n_seen != chunked.n_seen)
			abort();
		while (n-- > 0) {
			if (once.seen[n].type != chunked.seen[n].type ||
			    once.seen[n].len != chunked.seen[n].len ||
			    once.seen[n].good != chunked.seen[n].good)
				abort();
		}
	}
	if (count_fds() != fds)
		abort();
	return (0);
}
