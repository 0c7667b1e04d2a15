/* SPDX-License-Identifier: ISC */
/* Channels: what is sent, and fds with their messages. */
#include <check.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tests/ipc/rig.h"
#include "tests/unit/channel_fixture.h"
#include "tests/unit/suite.h"

/* --- two channels, each end's code against the other's --- */

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
		put_bool(w, false);
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
	put_str(w, "");
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
	put_str(w, "");
	ck_assert_int_eq(channel_commit(d.from.ch), 0);
	rig_turn(&d.from);
	rig_turn(&d.to);
	ck_assert_uint_eq(d.to.n_records, 1);
	ck_assert_uint_eq(d.to.records[0].len, 18);
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

/* --- without a loop --- */

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

int
main(void)
{
	TCase *tc = tcase_create("send");

	tcase_add_test(tc, fds_to_their_messages);
	tcase_add_test(tc, one_send_a_turn);
	tcase_add_test(tc, own_mistakes);
	tcase_add_test(tc, lacks_its_fd);
	tcase_add_test(tc, two_fds_with_one_message);
	tcase_add_test(tc, many_fds_with_one_message);
	tcase_add_test(tc, fds_without_end);
	tcase_add_test(tc, pair);
	tcase_add_test(tc, received_fds_are_cloexec);
	return (suite_run("channel sends", tc));
}
