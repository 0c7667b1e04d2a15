/* SPDX-License-Identifier: ISC */
/*
 * Channels: parsing at any cut, fds with their messages, back-pressure, ends.
 * What the table refuses is in tests/ipc/test_live.c.
 */
#include <sys/socket.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "tests/ipc/rig.h"
#include "tests/unit/suite.h"

/* A part of a stream that leaves in one send, with an fd or -1. */
struct part {
	size_t	at;
	int	fd;
};

struct stream {
	uint8_t		bytes[4096];
	size_t		len;
	struct part	parts[16];	/* where messages with fds begin */
	size_t		n_parts;
	size_t		n_messages;
};

static void
add_message(struct stream *s, unsigned int type, const void *payload,
    size_t len, int fd)
{
	if (fd != -1)
		s->parts[s->n_parts++] = (struct part){ s->len, fd };
	s->len += rig_header(s->bytes + s->len, type, (uint32_t)len,
	    fd == -1 ? 0 : RIG_FLAG_FD);
	memcpy(s->bytes + s->len, payload, len);
	s->len += len;
	s->n_messages++;
}

/* What a parent sends a front-end, with and without fds, also in a row. */
static void
make_stream(struct stream *s)
{
	static const char text[] = "\x01\x02\x03\x04\x05\x06\x07\x08"
	    "some payload of some length";
	int fds[2], i;

	memset(s, 0, sizeof(*s));
	add_message(s, MSG_CONF_BEGIN, text, 4, -1);
	add_message(s, MSG_CONF_NODE, text, 30, -1);
	for (i = 0; i < 3; i++) {
		ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
		add_message(s, MSG_CONF_LISTENER, text, 8 + (size_t)i, fds[0]);
		add_message(s, MSG_CONF_ORIGIN, text, 2 + (size_t)i, -1);
		ck_assert_int_eq(close(fds[1]), 0);
	}
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	add_message(s, MSG_PEER_FD, text, 1, fds[0]);
	add_message(s, MSG_CONF_LISTENER, text, 12, fds[1]);
	add_message(s, MSG_CONF_UPLINK, text, 20, -1);
	add_message(s, MSG_CONF_END, text, 4, -1);
}

static void
free_stream(struct stream *s)
{
	size_t i;

	for (i = 0; i < s->n_parts; i++)
		close(s->parts[i].fd);
}

/* Send bytes [from, to) in as few sends as their fds allow. */
static void
send_range(struct rig *rig, const struct stream *s, size_t from, size_t to)
{
	size_t i, end;
	int fd;

	while (from < to) {
		end = to;
		fd = -1;
		for (i = 0; i < s->n_parts; i++) {
			if (s->parts[i].at == from)
				fd = s->parts[i].fd;
			else if (s->parts[i].at > from && s->parts[i].at < end)
				end = s->parts[i].at;
		}
		rig_send(rig, s->bytes + from, end - from, &fd, fd != -1);
		from = end;
	}
}

/* The same messages with the same fds came, whatever the cuts were. */
static void
assert_stream(const struct rig *rig, const struct stream *s)
{
	const struct rig_record *r = rig->records;
	size_t i, pos = 0, len, part = 0;
	unsigned int type;

	ck_assert_uint_eq(rig->faults, 0);
	ck_assert_uint_eq(rig->n_records, s->n_messages);
	for (i = 0; i < s->n_messages; i++, r++) {
		len = s->bytes[pos];
		type = s->bytes[pos + 4];
		ck_assert_uint_eq(r->type, type);
		ck_assert_uint_eq(r->len, len);
		ck_assert_uint_eq(r->sum, rig_sum(s->bytes + pos + RIG_HEADER,
		    len));
		if (part < s->n_parts && s->parts[part].at == pos)
			ck_assert_uint_eq(r->ino,
			    rig_ino(s->parts[part++].fd));
		else
			ck_assert_uint_eq(r->ino, 0);
		pos += RIG_HEADER + len;
	}
}

START_TEST(cut_at_every_byte)
{
	struct stream s;
	struct rig rig;
	size_t at, fds;

	make_stream(&s);
	fds = rig_count_fds();
	for (at = 0; at <= s.len; at++) {
		rig_open(&rig, PROC_FRONTEND, PROC_PARENT, PHASE_CONF);
		send_range(&rig, &s, 0, at);
		rig_turn(&rig);
		send_range(&rig, &s, at, s.len);
		rig_turn(&rig);
		assert_stream(&rig, &s);
		rig_close(&rig);
	}
	ck_assert_uint_eq(rig_count_fds(), fds);
	free_stream(&s);
}
END_TEST

START_TEST(one_byte_each)
{
	struct stream s;
	struct rig rig;
	size_t at;

	make_stream(&s);
	rig_open(&rig, PROC_FRONTEND, PROC_PARENT, PHASE_CONF);
	for (at = 0; at < s.len; at++) {
		send_range(&rig, &s, at, at + 1);
		rig_turn(&rig);
	}
	assert_stream(&rig, &s);
	rig_close(&rig);
	free_stream(&s);
}
END_TEST

START_TEST(all_at_once)
{
	struct stream s;
	struct rig rig;

	make_stream(&s);
	rig_open(&rig, PROC_FRONTEND, PROC_PARENT, PHASE_CONF);
	send_range(&rig, &s, 0, s.len);
	rig_turn(&rig);
	assert_stream(&rig, &s);
	rig_close(&rig);
	free_stream(&s);
}
END_TEST

/* A cut, and then the end: what was whole came, the rest and its fd are gone. */
START_TEST(end_at_every_byte)
{
	struct stream s;
	struct rig rig;
	size_t at, fds;

	make_stream(&s);
	fds = rig_count_fds();
	for (at = 0; at < s.len; at++) {
		rig_open(&rig, PROC_FRONTEND, PROC_PARENT, PHASE_CONF);
		send_range(&rig, &s, 0, at);
		close(rig.raw);
		rig.raw = -1;
		rig_turn(&rig);
		ck_assert_uint_eq(rig.faults, 1);
		ck_assert_int_eq(rig.fault, CHANNEL_EOF);
		ck_assert_uint_lt(rig.n_records, s.n_messages);
		rig_close(&rig);
	}
	ck_assert_uint_eq(rig_count_fds(), fds);
	free_stream(&s);
}
END_TEST

START_TEST(many_in_one_send)
{
	static uint8_t buf[1000 * (RIG_HEADER + 4)];
	struct rig rig;
	size_t i;

	for (i = 0; i < 1000; i++)
		rig_header(buf + i * (RIG_HEADER + 4), MSG_WATCHDOG, 4, 0);
	rig_open(&rig, PROC_ROUTER, PROC_PARENT, PHASE_RUN);
	rig_send(&rig, buf, sizeof(buf), NULL, 0);
	rig_turn(&rig);
	ck_assert_uint_eq(rig.n_records, 1000);
	ck_assert_uint_eq(channel_stats(rig.ch)->msgs_in, 1000);
	ck_assert_uint_eq(channel_stats(rig.ch)->bytes_in, sizeof(buf));
	ck_assert_uint_lt(channel_stats(rig.ch)->recvs, 8);
	rig_close(&rig);
}
END_TEST

/* Far beyond what one receive takes, up to the largest there is. */
START_TEST(large_messages)
{
	static const uint32_t sizes[] = {
		LIMIT_CHANNEL_RECV - RIG_HEADER - 1,
		LIMIT_CHANNEL_RECV - RIG_HEADER, LIMIT_CHANNEL_RECV,
		LIMIT_CHANNEL_RECV + 1, 1U << 20, LIMIT_MESSAGE_MAX + 64,
	};
	struct rig rig;
	size_t i;

	rig_open(&rig, PROC_ROUTER, PROC_FRONTEND, PHASE_RUN);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		rig_send_msg(&rig, MSG_LINK_TEXT, sizes[i], -1);
		rig_send_msg(&rig, MSG_HTTP_CANCEL, 8, -1);
		rig_turn(&rig);
		while (rig.n_records < 2 * (i + 1))
			rig_turn(&rig);
		ck_assert_uint_eq(rig.records[2 * i].len, sizes[i]);
		ck_assert_uint_eq(rig.records[2 * i + 1].type,
		    MSG_HTTP_CANCEL);
	}
	ck_assert_uint_eq(rig.faults, 0);
	rig_close(&rig);
}
END_TEST

/* --- two channels, each end's code against the other's --- */

struct duo {
	struct rig	from;
	struct rig	to;
};

/* The raw end of one rig becomes the channel of the other. */
static void
duo_open(struct duo *d, enum proc_id from, enum proc_id to)
{
	rig_open(&d->to, to, from, PHASE_RUN);
	rig_open(&d->from, from, to, PHASE_RUN);
	channel_free(d->from.ch);
	close(d->from.raw);
	d->from.ch = channel_new(d->from.base, d->to.raw, from, to, PHASE_RUN,
	    &d->from.ops, &d->from);
	ck_assert_ptr_nonnull(d->from.ch);
	d->from.raw = d->to.raw = -1;
}

static void
duo_close(struct duo *d)
{
	rig_close(&d->from);
	rig_close(&d->to);
}

/* More fds than a channel keeps, among messages without: each to its own. */
START_TEST(fds_to_their_messages)
{
	ino_t inos[2 * LIMIT_CHANNEL_FDS];
	struct duo d;
	struct wire_put *w;
	int i, fds[2];
	size_t before;

	duo_open(&d, PROC_PARENT, PROC_FRONTEND);
	before = rig_count_fds();
	for (i = 0; i < 2 * LIMIT_CHANNEL_FDS; i++) {
		ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
		close(fds[1]);
		inos[i] = rig_ino(fds[0]);
		w = channel_begin(d.from.ch, MSG_CONF_LISTENER);
		put_u32(w, (uint32_t)i);
		put_bool(w, false);
		put_bool(w, true);
		put_str(w, "127.0.0.1:1");
		ck_assert_int_eq(channel_commit_fd(d.from.ch, fds[0]), 0);
		w = channel_begin(d.from.ch, MSG_CONF_ORIGIN);
		put_str(w, "https://example.org");
		ck_assert_int_eq(channel_commit(d.from.ch), 0);
	}
	while (d.to.n_records < 4 * LIMIT_CHANNEL_FDS) {
		rig_turn(&d.from);
		rig_turn(&d.to);
		ck_assert_uint_eq(d.from.faults + d.to.faults, 0);
	}
	for (i = 0; i < 2 * LIMIT_CHANNEL_FDS; i++) {
		ck_assert_uint_eq(d.to.records[2 * i].type, MSG_CONF_LISTENER);
		ck_assert_uint_eq(d.to.records[2 * i].ino, inos[i]);
		ck_assert_uint_eq(d.to.records[2 * i + 1].ino, 0);
	}
	ck_assert_uint_eq(rig_count_fds(), before);
	duo_close(&d);
}
END_TEST

/* What one turn of the loop makes leaves in one send. */
START_TEST(one_send_a_turn)
{
	struct duo d;
	struct wire_put *w;
	uint32_t i;

	duo_open(&d, PROC_PARENT, PROC_ROUTER);
	for (i = 0; i < 100; i++) {
		w = channel_begin(d.from.ch, MSG_WATCHDOG);
		put_u32(w, i);
		ck_assert_int_eq(channel_commit(d.from.ch), 0);
	}
	ck_assert_uint_eq(channel_stats(d.from.ch)->sends, 0);
	rig_turn(&d.from);
	ck_assert_uint_eq(channel_stats(d.from.ch)->sends, 1);
	rig_turn(&d.to);
	ck_assert_uint_eq(d.to.n_records, 100);
	ck_assert_uint_eq(channel_stats(d.from.ch)->msgs_out, 100);
	ck_assert_uint_eq(channel_stats(d.from.ch)->bytes_out,
	    100 * (RIG_HEADER + 4));
	duo_close(&d);
}
END_TEST

/* A message of ours that the table refuses does not leave. */
START_TEST(own_mistakes)
{
	struct duo d;
	struct wire_put *w;
	size_t before;

	duo_open(&d, PROC_ROUTER, PROC_FRONTEND);
	/* too short */
	channel_begin(d.from.ch, MSG_LINK_ACCEPT);
	ck_assert_int_eq(channel_commit(d.from.ch), -1);
	/* not from a router */
	w = channel_begin(d.from.ch, MSG_LINK_QUEUE);
	put_u64(w, 1);
	put_bool(w, true);
	ck_assert_int_eq(channel_commit(d.from.ch), -1);
	/* a string that is no string */
	w = channel_begin(d.from.ch, MSG_LINK_CLOSE);
	put_u64(w, 1);
	put_u16(w, 1000);
	put_span(w, (struct span){ "a\0b", 3 });
	ck_assert_int_eq(channel_commit(d.from.ch), -1);
	/* an fd that does not belong, which is closed all the same */
	w = channel_begin(d.from.ch, MSG_LINK_ACCEPT);
	put_u64(w, 1);
	put_u64(w, 2);
	before = rig_count_fds();
	ck_assert_int_eq(channel_commit_fd(d.from.ch, dup(0)), -1);
	ck_assert_uint_eq(rig_count_fds(), before);
	/* one that was given up */
	w = channel_begin(d.from.ch, MSG_LINK_ACCEPT);
	put_u64(w, 1);
	channel_abort(d.from.ch);
	/* and the channel is as good as before */
	w = channel_begin(d.from.ch, MSG_LINK_ACCEPT);
	put_u64(w, 1);
	put_u64(w, 2);
	ck_assert_int_eq(channel_commit(d.from.ch), 0);
	rig_turn(&d.from);
	rig_turn(&d.to);
	ck_assert_uint_eq(d.to.n_records, 1);
	ck_assert_uint_eq(d.to.records[0].len, 16);
	ck_assert_uint_eq(d.to.faults + d.from.faults, 0);
	duo_close(&d);
}
END_TEST

START_TEST(lacks_its_fd)
{
	struct duo d;

	duo_open(&d, PROC_PARENT, PROC_ROUTER);
	put_u8(channel_begin(d.from.ch, MSG_PEER_FD), PROC_REGISTRY);
	ck_assert_int_eq(channel_commit(d.from.ch), -1);
	duo_close(&d);
}
END_TEST

/* --- fds that nobody asked for --- */

START_TEST(two_fds_with_one_message)
{
	int fds[2] = { STDIN_FILENO, STDERR_FILENO };
	uint8_t buf[RIG_HEADER + 1] = { 0 };
	struct rig rig;
	size_t before;

	rig_open(&rig, PROC_ROUTER, PROC_PARENT, PHASE_CONF);
	before = rig_count_fds();
	rig_header(buf, MSG_PEER_FD, 1, RIG_FLAG_FD);
	rig_send(&rig, buf, sizeof(buf), fds, 2);
	rig_turn(&rig);
	ck_assert_uint_eq(rig.faults, 1);
	ck_assert_int_eq(rig.fault, CHANNEL_PROTOCOL);
	ck_assert_uint_eq(rig_count_fds(), before - 1);
	rig_close(&rig);
}
END_TEST

START_TEST(many_fds_with_one_message)
{
	int i, fds[16];
	uint8_t buf[RIG_HEADER + 1] = { 0 };
	struct rig rig;
	size_t before;

	for (i = 0; i < 16; i++)
		fds[i] = STDERR_FILENO;
	rig_open(&rig, PROC_ROUTER, PROC_PARENT, PHASE_CONF);
	before = rig_count_fds();
	rig_header(buf, MSG_PEER_FD, 1, RIG_FLAG_FD);
	rig_send(&rig, buf, sizeof(buf), fds, 16);
	rig_turn(&rig);
	ck_assert_uint_eq(rig.faults, 1);
	ck_assert_int_eq(rig.fault, CHANNEL_PROTOCOL);
	ck_assert_uint_eq(rig.n_records, 0);
	ck_assert_uint_eq(rig_count_fds(), before - 1);
	rig_close(&rig);
}
END_TEST

/* Bytes of one large message, each with an fd: they are capped. */
START_TEST(fds_without_end)
{
	int fd = STDERR_FILENO, i;
	uint8_t buf[RIG_HEADER] = { 0 };
	struct rig rig;
	size_t before;

	rig_open(&rig, PROC_ROUTER, PROC_FRONTEND, PHASE_RUN);
	before = rig_count_fds();
	rig_header(buf, MSG_LINK_TEXT, 1U << 20, 0);
	rig_send(&rig, buf, sizeof(buf), NULL, 0);
	for (i = 0; i < 2 * LIMIT_CHANNEL_FDS && rig.faults == 0; i++) {
		rig_send(&rig, buf, 1, &fd, 1);
		rig_turn(&rig);
	}
	ck_assert_uint_eq(rig.faults, 1);
	ck_assert_int_eq(rig.fault, CHANNEL_PROTOCOL);
	ck_assert_int_le(i, LIMIT_CHANNEL_FDS + 1);
	ck_assert_uint_eq(rig_count_fds(), before - 1);
	rig_close(&rig);
}
END_TEST

/* --- back-pressure --- */

/* Commit a message of len bytes of payload; VIEW_REPLY is bulk. */
static int
commit_view(struct channel *ch, size_t len)
{
	struct wire_put *w;
	uint8_t *p;

	w = channel_begin(ch, MSG_VIEW_REPLY);
	put_u64(w, 1);
	put_u16(w, 200);
	if ((p = put_bytes_reserve(w, len)) != NULL)
		memset(p, 'x', len);
	return (channel_commit(ch));
}

static int
commit_control(struct channel *ch)
{
	struct wire_put *w;

	w = channel_begin(ch, MSG_ROUTE_DELETE);
	put_u64(w, 1);
	put_str(w, "node");
	return (channel_commit(ch));
}

/* Read all that comes at the raw end. */
static size_t
drain_raw(struct rig *rig)
{
	static uint8_t buf[1U << 20];
	size_t total = 0;
	ssize_t n;

	for (;;) {
		n = recv(rig->raw, buf, sizeof(buf), 0);
		if (n > 0) {
			total += (size_t)n;
			continue;
		}
		rig_turn(rig);
		if (rig->ch == NULL || channel_stats(rig->ch)->queued == 0) {
			n = recv(rig->raw, buf, sizeof(buf), 0);
			if (n <= 0)
				return (total);
			total += (size_t)n;
		}
	}
}

START_TEST(congestion)
{
	struct rig rig;
	size_t mb = 1U << 20;
	unsigned int i;

	rig_open(&rig, PROC_REGISTRY, PROC_ROUTER, PHASE_RUN);
	for (i = 0; i < 4; i++)
		ck_assert_int_eq(commit_view(rig.ch, mb - 22), 0);
	ck_assert_uint_eq(channel_stats(rig.ch)->queued, LIMIT_CHANNEL_HIGH);
	ck_assert(!channel_congested(rig.ch));
	ck_assert_int_eq(commit_control(rig.ch), 0);
	ck_assert(channel_congested(rig.ch));
	/* Answers to what was received already still find room. */
	while (channel_stats(rig.ch)->queued <=
	    LIMIT_CHANNEL_HIGH + LIMIT_CHANNEL_SLACK)
		ck_assert_int_eq(commit_view(rig.ch, mb), 0);
	/* Then bulk is refused, and control messages are not. */
	ck_assert_int_eq(commit_view(rig.ch, 1), -1);
	ck_assert_int_eq(commit_view(rig.ch, mb), -1);
	ck_assert_uint_eq(channel_stats(rig.ch)->refused, 2);
	ck_assert_int_eq(commit_control(rig.ch), 0);
	ck_assert_uint_eq(rig.drained, 0);
	/* The reader comes back. */
	ck_assert_uint_eq(drain_raw(&rig), channel_stats(rig.ch)->bytes_out);
	ck_assert_uint_gt(channel_stats(rig.ch)->bytes_out,
	    LIMIT_CHANNEL_HIGH + LIMIT_CHANNEL_SLACK);
	ck_assert(!channel_congested(rig.ch));
	ck_assert_uint_eq(rig.drained, 1);
	ck_assert_uint_eq(rig.faults, 0);
	ck_assert_int_eq(commit_view(rig.ch, 1), 0);
	ck_assert_uint_gt(channel_stats(rig.ch)->queued_max,
	    LIMIT_CHANNEL_HIGH + LIMIT_CHANNEL_SLACK);
	rig_close(&rig);
}
END_TEST

/* drained() is for LOW, not for the first byte that leaves. */
START_TEST(drained_at_low)
{
	static uint8_t buf[65536];
	struct rig rig;
	size_t queued;

	rig_open(&rig, PROC_REGISTRY, PROC_ROUTER, PHASE_RUN);
	ck_assert_int_eq(commit_view(rig.ch, LIMIT_CHANNEL_HIGH), 0);
	ck_assert(channel_congested(rig.ch));
	for (;;) {
		rig_turn(&rig);
		queued = channel_stats(rig.ch)->queued;
		if (queued < LIMIT_CHANNEL_LOW)
			break;
		ck_assert_uint_eq(rig.drained, 0);
		ck_assert(channel_congested(rig.ch));
		ck_assert_int_gt(recv(rig.raw, buf, sizeof(buf), 0), 0);
	}
	ck_assert_uint_eq(rig.drained, 1);
	ck_assert(!channel_congested(rig.ch));
	rig_close(&rig);
}
END_TEST

/* A peer that never reads: control messages pile up to HARD, then it ends. */
START_TEST(stuck_peer)
{
	struct wire_put *w;
	struct rig rig;
	size_t i, len = 4000000;
	uint8_t *p;

	rig_open(&rig, PROC_REGISTRY, PROC_ROUTER, PHASE_RUN);
	for (i = 0; i < 40; i++) {
		rig_turn(&rig);
		if (rig.faults > 0)
			break;
		w = channel_begin(rig.ch, MSG_ROUTE_SET);
		if ((p = put_bytes_reserve(w, len)) != NULL)
			memset(p, 0, len);
		if (channel_commit(rig.ch) == -1)
			ck_assert_uint_gt(channel_stats(rig.ch)->queued,
			    LIMIT_CHANNEL_HARD);
	}
	ck_assert_uint_eq(rig.faults, 1);
	ck_assert_int_eq(rig.fault, CHANNEL_STUCK);
	ck_assert_uint_ge(i, LIMIT_CHANNEL_HARD / (len + 100));
	ck_assert_uint_le(i, LIMIT_CHANNEL_HARD / len + 2);
	rig_turn(&rig);
	ck_assert_uint_eq(rig.faults, 1);
	rig_close(&rig);
}
END_TEST

/* The fault is told from the loop, never from inside the send. */
START_TEST(stuck_is_told_later)
{
	struct wire_put *w;
	struct rig rig;
	uint8_t *p;
	int r;

	rig_open(&rig, PROC_REGISTRY, PROC_ROUTER, PHASE_RUN);
	do {
		w = channel_begin(rig.ch, MSG_ROUTE_SET);
		p = put_bytes_reserve(w, 4000000);
		ck_assert_ptr_nonnull(p);
		memset(p, 0, 4000000);
		r = channel_commit(rig.ch);
		ck_assert_uint_eq(rig.faults, 0);
	} while (r == 0);
	/* Sending on it is harmless until the owner hears of it. */
	ck_assert_int_eq(commit_control(rig.ch), -1);
	ck_assert_int_eq(commit_view(rig.ch, 10), -1);
	rig_turn(&rig);
	ck_assert_uint_eq(rig.faults, 1);
	rig_close(&rig);
}
END_TEST

/* A peer that takes no fds is stuck too, and holds nobody up for long. */
START_TEST(fds_not_taken)
{
	struct wire_put *w;
	struct rig rig;
	size_t i, fds = rig_count_fds();
	int fd;

	rig_open(&rig, PROC_PARENT, PROC_BACKEND, PHASE_RUN);
	for (i = 0; i < 100000 && rig.faults == 0; i++) {
		ck_assert_int_ne(fd = dup(STDIN_FILENO), -1);
		w = channel_begin(rig.ch, MSG_SERVICE_CONNECTED);
		put_u64(w, i);
		put_str(w, "");
		if (channel_commit_fd(rig.ch, fd) == -1)
			rig_turn(&rig);
	}
	ck_assert_uint_gt(i, LIMIT_CHANNEL_FDS);
	ck_assert_uint_eq(rig.faults, 1);
	ck_assert_int_eq(rig.fault, CHANNEL_STUCK);
	rig_close(&rig);
	ck_assert_uint_eq(rig_count_fds(), fds);
}
END_TEST

/* --- pause --- */

static void
pause_at_second(struct rig *rig, struct channel *ch, unsigned int type,
    struct wire_get *msg)
{
	(void)type;
	msg->p = msg->end;
	if (rig->n_records == 2)
		channel_pause(ch);
}

START_TEST(pause_and_resume)
{
	struct rig rig;
	int i;

	rig_open(&rig, PROC_ROUTER, PROC_PARENT, PHASE_RUN);
	rig.hook = pause_at_second;
	for (i = 0; i < 5; i++)
		rig_send_msg(&rig, MSG_WATCHDOG, 4, -1);
	rig_turn(&rig);
	ck_assert_uint_eq(rig.n_records, 2);
	rig_send_msg(&rig, MSG_WATCHDOG, 4, -1);
	rig_turn(&rig);
	ck_assert_uint_eq(rig.n_records, 2);
	/* What was received is handled first, then what was sent meanwhile. */
	channel_resume(rig.ch);
	rig_turn(&rig);
	ck_assert_uint_eq(rig.n_records, 6);
	channel_resume(rig.ch);
	channel_pause(rig.ch);
	channel_pause(rig.ch);
	rig_send_msg(&rig, MSG_WATCHDOG, 4, -1);
	rig_turn(&rig);
	ck_assert_uint_eq(rig.n_records, 6);
	channel_resume(rig.ch);
	rig_turn(&rig);
	ck_assert_uint_eq(rig.n_records, 7);
	ck_assert_uint_eq(rig.faults, 0);
	rig_close(&rig);
}
END_TEST

START_TEST(pause_with_fds)
{
	struct stream s;
	struct rig rig;

	make_stream(&s);
	rig_open(&rig, PROC_FRONTEND, PROC_PARENT, PHASE_CONF);
	rig.hook = pause_at_second;
	send_range(&rig, &s, 0, s.len);
	rig_turn(&rig);
	ck_assert_uint_eq(rig.n_records, 2);
	channel_resume(rig.ch);
	rig_turn(&rig);
	assert_stream(&rig, &s);
	rig_close(&rig);
	free_stream(&s);
}
END_TEST

/* Nothing is believed of a header that was not checked yet. */
START_TEST(wrong_length_after_pause)
{
	uint8_t buf[3 * (RIG_HEADER + 4)] = { 0 };
	size_t n = RIG_HEADER + 4;
	struct rig rig;

	rig_open(&rig, PROC_ROUTER, PROC_PARENT, PHASE_RUN);
	rig.hook = pause_at_second;
	rig_header(buf, MSG_WATCHDOG, 4, 0);
	rig_header(buf + n, MSG_WATCHDOG, 4, 0);
	rig_header(buf + 2 * n, MSG_WATCHDOG, 0xf0000000U, 0);
	rig_send(&rig, buf, sizeof(buf), NULL, 0);
	rig_turn(&rig);
	ck_assert_uint_eq(rig.n_records, 2);
	ck_assert_uint_eq(rig.faults, 0);
	/* No room was made for four gigabytes. */
	ck_assert_uint_lt(mallinfo2().hblkhd, 1U << 28);
	channel_resume(rig.ch);
	rig_turn(&rig);
	ck_assert_uint_eq(rig.faults, 1);
	ck_assert_int_eq(rig.fault, CHANNEL_PROTOCOL);
	rig_close(&rig);
}
END_TEST

/* --- ends --- */

START_TEST(end_after_data)
{
	struct rig rig;

	rig_open(&rig, PROC_ROUTER, PROC_PARENT, PHASE_RUN);
	rig_send_msg(&rig, MSG_WATCHDOG, 4, -1);
	rig_send_msg(&rig, MSG_WATCHDOG, 4, -1);
	close(rig.raw);
	rig.raw = -1;
	rig_turn(&rig);
	ck_assert_uint_eq(rig.n_records, 2);
	ck_assert_uint_eq(rig.faults, 1);
	ck_assert_int_eq(rig.fault, CHANNEL_EOF);
	rig_close(&rig);
}
END_TEST

/* Last words are heard even if there was something to be said to the dead. */
START_TEST(last_words)
{
	struct wire_put *w;
	struct rig rig;

	rig_open(&rig, PROC_PARENT, PROC_ROUTER, PHASE_RUN);
	rig_send_msg(&rig, MSG_OFFENDER, 20, -1);
	rig_send_msg(&rig, MSG_DRAINED, 4, -1);
	close(rig.raw);
	rig.raw = -1;
	w = channel_begin(rig.ch, MSG_WATCHDOG);
	put_u32(w, 1);
	ck_assert_int_eq(channel_commit(rig.ch), 0);
	rig_turn(&rig);
	ck_assert_uint_eq(rig.n_records, 2);
	ck_assert_uint_eq(rig.faults, 1);
	ck_assert_int_eq(rig.fault, CHANNEL_EOF);
	rig_close(&rig);
}
END_TEST

START_TEST(send_to_the_dead)
{
	struct rig rig;
	size_t before;
	int fds[2];

	before = rig_count_fds();
	rig_open(&rig, PROC_PARENT, PROC_ROUTER, PHASE_RUN);
	close(rig.raw);
	rig.raw = -1;
	ck_assert_int_eq(pipe2(fds, O_CLOEXEC), 0);
	close(fds[1]);
	put_u8(channel_begin(rig.ch, MSG_PEER_FD), PROC_REGISTRY);
	ck_assert_int_eq(channel_commit_fd(rig.ch, fds[0]), 0);
	rig_turn(&rig);
	ck_assert_uint_eq(rig.faults, 1);
	ck_assert_int_eq(rig.fault, CHANNEL_EOF);
	rig_close(&rig);
	ck_assert_uint_eq(rig_count_fds(), before);
}
END_TEST

static void
leave_some(struct rig *rig, struct channel *ch, unsigned int type,
    struct wire_get *msg)
{
	(void)rig;
	(void)ch;
	(void)type;
	(void)get_u8(msg);
}

static void
take_too_much(struct rig *rig, struct channel *ch, unsigned int type,
    struct wire_get *msg)
{
	(void)rig;
	(void)ch;
	(void)type;
	(void)get_u64(msg);
}

/* A payload must be consumed exactly. */
START_TEST(malformed_payload)
{
	struct rig rig;
	int i;

	for (i = 0; i < 2; i++) {
		rig_open(&rig, PROC_ROUTER, PROC_PARENT, PHASE_RUN);
		rig.hook = i == 0 ? leave_some : take_too_much;
		rig_send_msg(&rig, MSG_WATCHDOG, 4, -1);
		rig_send_msg(&rig, MSG_WATCHDOG, 4, -1);
		rig_turn(&rig);
		ck_assert_uint_eq(rig.n_records, 1);
		ck_assert_uint_eq(rig.faults, 1);
		ck_assert_int_eq(rig.fault, CHANNEL_PROTOCOL);
		ck_assert_str_eq(rig.text, "WATCHDOG: malformed");
		rig_close(&rig);
	}
}
END_TEST

static void
close_it(struct rig *rig, struct channel *ch, unsigned int type,
    struct wire_get *msg)
{
	(void)rig;
	(void)type;
	msg->p = msg->end;
	channel_close(ch);
}

START_TEST(close_in_handler)
{
	struct rig rig;
	int i;

	rig_open(&rig, PROC_ROUTER, PROC_PARENT, PHASE_RUN);
	rig.hook = close_it;
	for (i = 0; i < 3; i++)
		rig_send_msg(&rig, MSG_WATCHDOG, 4, -1);
	rig_turn(&rig);
	rig_send_msg(&rig, MSG_WATCHDOG, 4, -1);
	rig_turn(&rig);
	ck_assert_uint_eq(rig.n_records, 1);
	ck_assert_uint_eq(rig.faults, 0);
	ck_assert_ptr_nonnull(rig.ch);
	rig_close(&rig);
}
END_TEST

/* Closed by its owner: not even a fault that was on its way is told. */
START_TEST(close_before_fault)
{
	struct rig rig;
	uint8_t buf[RIG_HEADER];

	rig_open(&rig, PROC_ROUTER, PROC_PARENT, PHASE_RUN);
	rig_header(buf, MSG_MAX, 0, 0);
	rig_send(&rig, buf, sizeof(buf), NULL, 0);
	channel_close(rig.ch);
	rig_turn(&rig);
	ck_assert_uint_eq(rig.faults, 0);
	rig_close(&rig);
}
END_TEST

static void
free_other(struct rig *rig, struct channel *ch, unsigned int type,
    struct wire_get *msg)
{
	struct rig *other = rig->hook_arg;

	(void)ch;
	(void)type;
	msg->p = msg->end;
	channel_free(other->ch);
	other->ch = NULL;
}

/* A handler frees another channel that has work waiting in the same loop. */
START_TEST(free_another)
{
	struct rig a, b;
	struct channel *ch;
	int fds[2];

	rig_open(&a, PROC_ROUTER, PROC_PARENT, PHASE_RUN);
	rig_open(&b, PROC_ROUTER, PROC_REGISTRY, PHASE_RUN);
	/* Move b into a's loop. */
	channel_free(b.ch);
	close(b.raw);
	ck_assert_int_eq(channel_pair(fds), 0);
	b.raw = fds[1];
	ch = channel_new(a.base, fds[0], PROC_ROUTER, PROC_REGISTRY, PHASE_RUN,
	    &b.ops, &b);
	ck_assert_ptr_nonnull(ch);
	b.ch = ch;
	a.hook = b.hook = free_other;
	a.hook_arg = &b;
	b.hook_arg = &a;
	rig_send_msg(&a, MSG_WATCHDOG, 4, -1);
	rig_send_msg(&b, MSG_ROUTE_DELETE, 20, -1);
	rig_turn(&a);
	ck_assert_uint_eq(a.n_records + b.n_records, 1);
	ck_assert((a.ch == NULL) != (b.ch == NULL));
	rig_close(&a);
	rig_close(&b);
}
END_TEST

/* A phase ends between two messages of one send. */
static void
next_phase(struct rig *rig, struct channel *ch, unsigned int type,
    struct wire_get *msg)
{
	(void)rig;
	msg->p = msg->end;
	if (type == MSG_SETUP_END)
		channel_set_phase(ch, PHASE_CONF);
}

START_TEST(phase_in_one_send)
{
	struct rig rig;

	rig_open(&rig, PROC_ROUTER, PROC_PARENT, PHASE_SETUP);
	rig.hook = next_phase;
	rig_send_msg(&rig, MSG_SETUP_END, 0, -1);
	rig_send_msg(&rig, MSG_CONF_BEGIN, 4, -1);
	rig_send_msg(&rig, MSG_SETUP_END, 0, -1);
	rig_turn(&rig);
	ck_assert_uint_eq(rig.n_records, 2);
	ck_assert_uint_eq(rig.faults, 1);
	ck_assert_str_eq(rig.text, "SETUP_END (0 bytes): wrong phase");
	rig_close(&rig);
}
END_TEST

/* --- without a loop --- */

START_TEST(flush_blocking)
{
	struct duo d;

	duo_open(&d, PROC_REGISTRY, PROC_ROUTER);
	ck_assert_int_eq(commit_view(d.from.ch, 1000), 0);
	ck_assert_int_eq(channel_flush_blocking(d.from.ch), 0);
	rig_turn(&d.to);
	ck_assert_uint_eq(d.to.n_records, 1);
	/* The loop afterwards sends nothing twice. */
	rig_turn(&d.from);
	rig_turn(&d.to);
	ck_assert_uint_eq(d.to.n_records, 1);
	ck_assert_int_eq(commit_view(d.from.ch, 2000), 0);
	rig_turn(&d.from);
	rig_turn(&d.to);
	ck_assert_uint_eq(d.to.n_records, 2);
	duo_close(&d);
}
END_TEST

START_TEST(flush_to_the_dead)
{
	struct rig rig;

	rig_open(&rig, PROC_REGISTRY, PROC_ROUTER, PHASE_RUN);
	ck_assert_int_eq(commit_view(rig.ch, 1000), 0);
	close(rig.raw);
	rig.raw = -1;
	ck_assert_int_eq(channel_flush_blocking(rig.ch), -1);
	rig_close(&rig);
}
END_TEST

/* What channel_recv_blocking() makes of these bytes and then the end. */
static enum msg_type
receive(const void *bytes, size_t len, uint8_t *buf, size_t size, size_t *got)
{
	enum msg_type type;
	int fds[2];

	ck_assert_int_eq(channel_pair(fds), 0);
	if (len > 0)
		ck_assert_int_eq(send(fds[1], bytes, len, 0), (int)len);
	close(fds[1]);
	type = channel_recv_blocking(fds[0], PROC_ROUTER, PROC_PARENT,
	    PHASE_SETUP, buf, size, got);
	close(fds[0]);
	return (type);
}

START_TEST(receive_blocking)
{
	uint8_t bytes[RIG_HEADER + 64], buf[40];
	uint32_t least;
	size_t i, len;

	memset(bytes, 7, sizeof(bytes));
	rig_header(bytes, MSG_HELLO, 40, 0);
	ck_assert_int_eq(receive(bytes, RIG_HEADER + 40, buf, 40, &len),
	    MSG_HELLO);
	ck_assert_uint_eq(len, 40);
	ck_assert_mem_eq(buf, bytes + RIG_HEADER, 40);
	/* an end at every byte */
	for (i = 0; i < RIG_HEADER + 40; i++)
		ck_assert_int_eq(receive(bytes, i, buf, 40, &len), MSG_NONE);
	/* more than there is room for */
	ck_assert_int_eq(receive(bytes, RIG_HEADER + 40, buf, 39, &len),
	    MSG_NONE);
	/* another message, phase, flags, sizes */
	rig_header(bytes, MSG_WATCHDOG, 4, 0);
	ck_assert_int_eq(receive(bytes, RIG_HEADER + 4, buf, 40, &len),
	    MSG_NONE);
	rig_header(bytes, MSG_HELLO, 40, RIG_FLAG_FD);
	ck_assert_int_eq(receive(bytes, RIG_HEADER + 40, buf, 40, &len),
	    MSG_NONE);
	rig_header(bytes, MSG_HELLO, 40, 0x8000);
	ck_assert_int_eq(receive(bytes, RIG_HEADER + 40, buf, 40, &len),
	    MSG_NONE);
	least = msg_info(MSG_HELLO)->min;
	rig_header(bytes, MSG_HELLO, least - 1, 0);
	ck_assert_int_eq(receive(bytes, RIG_HEADER + least - 1, buf, 40, &len),
	    MSG_NONE);
	rig_header(bytes, MSG_HELLO_ACK, 30, 0);
	ck_assert_int_eq(receive(bytes, RIG_HEADER + 30, buf, 40, &len),
	    MSG_NONE);
	rig_header(bytes, 0xffff, 30, 0);
	ck_assert_int_eq(receive(bytes, RIG_HEADER + 30, buf, 40, &len),
	    MSG_NONE);
}
END_TEST

START_TEST(pair)
{
	int fds[2], i;

	ck_assert_int_eq(channel_pair(fds), 0);
	for (i = 0; i < 2; i++) {
		ck_assert_int_ne(fcntl(fds[i], F_GETFL) & O_NONBLOCK, 0);
		ck_assert_int_ne(fcntl(fds[i], F_GETFD) & FD_CLOEXEC, 0);
		close(fds[i]);
	}
}
END_TEST

/* A received fd must not reach a later exec. */
static void
check_cloexec(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	(void)ch;
	msg->p = msg->end;
	*(int *)arg = fcntl(fd, F_GETFD);
	close(fd);
}

static void
no_fault(void *arg, struct channel *ch, enum channel_fault fault,
    const char *text)
{
	(void)arg;
	(void)ch;
	(void)fault;
	ck_abort_msg("fault: %s", text);
}

START_TEST(received_fds_are_cloexec)
{
	channel_handler handlers[MSG_MAX] = { NULL };
	struct channel_ops ops = { .handlers = handlers, .fault = no_fault };
	struct event_base *base = event_base_new();
	struct channel *ch;
	struct rig rig;
	int fds[2], flags = -1;

	handlers[MSG_PEER_FD] = check_cloexec;
	ck_assert_int_eq(channel_pair(fds), 0);
	ch = channel_new(base, fds[0], PROC_ROUTER, PROC_PARENT, PHASE_SETUP,
	    &ops, &flags);
	ck_assert_ptr_nonnull(ch);
	memset(&rig, 0, sizeof(rig));
	rig.raw = fds[1];
	rig_send_msg(&rig, MSG_PEER_FD, 1, STDERR_FILENO);
	event_base_loop(base, EVLOOP_NONBLOCK);
	ck_assert_int_ne(flags, -1);
	ck_assert_int_ne(flags & FD_CLOEXEC, 0);
	channel_free(ch);
	close(fds[1]);
	event_base_free(base);
}
END_TEST

static void
add_parsing(TCase *tc)
{
	tcase_add_test(tc, cut_at_every_byte);
	tcase_add_test(tc, one_byte_each);
	tcase_add_test(tc, all_at_once);
	tcase_add_test(tc, end_at_every_byte);
	tcase_add_test(tc, many_in_one_send);
	tcase_add_test(tc, large_messages);
	tcase_add_test(tc, fds_to_their_messages);
	tcase_add_test(tc, one_send_a_turn);
	tcase_add_test(tc, own_mistakes);
	tcase_add_test(tc, lacks_its_fd);
	tcase_add_test(tc, two_fds_with_one_message);
	tcase_add_test(tc, many_fds_with_one_message);
	tcase_add_test(tc, fds_without_end);
	tcase_add_test(tc, pair);
	tcase_add_test(tc, received_fds_are_cloexec);
}

static void
add_flow(TCase *tc)
{
	tcase_add_test(tc, congestion);
	tcase_add_test(tc, drained_at_low);
	tcase_add_test(tc, stuck_peer);
	tcase_add_test(tc, stuck_is_told_later);
	tcase_add_test(tc, fds_not_taken);
	tcase_add_test(tc, pause_and_resume);
	tcase_add_test(tc, pause_with_fds);
	tcase_add_test(tc, wrong_length_after_pause);
	tcase_add_test(tc, end_after_data);
	tcase_add_test(tc, last_words);
	tcase_add_test(tc, send_to_the_dead);
	tcase_add_test(tc, malformed_payload);
	tcase_add_test(tc, close_in_handler);
	tcase_add_test(tc, close_before_fault);
	tcase_add_test(tc, free_another);
	tcase_add_test(tc, phase_in_one_send);
	tcase_add_test(tc, flush_blocking);
	tcase_add_test(tc, flush_to_the_dead);
	tcase_add_test(tc, receive_blocking);
}

int
main(void)
{
	TCase *tc = tcase_create("channel");

	add_parsing(tc);
	add_flow(tc);
	return (suite_run("channel", tc));
}
