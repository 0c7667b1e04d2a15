/* SPDX-License-Identifier: ISC */
/* Channels: back-pressure and pauses. */
#include <sys/resource.h>
#include <sys/socket.h>

#include <check.h>
#include <malloc.h>
#include <string.h>
#include <unistd.h>

#include "tests/ipc/rig.h"
#include "tests/unit/channel_fixture.h"
#include "tests/unit/suite.h"

/* --- back-pressure --- */

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
static void
fds_not_taken_by(void)
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

/*
 * A user may have no more fds on their way than a process of his may have:
 * so few that no other process of his is kept from passing some.
 */
static void
limit_fds(void)
{
	const struct rlimit rl = { 2 * LIMIT_CHANNEL_FDS,
	    2 * LIMIT_CHANNEL_FDS };

	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &rl), 0);
}

START_TEST(fds_not_taken)
{
	if (geteuid() != 0)
		limit_fds();
	fds_not_taken_by();
}
END_TEST

START_TEST(fds_not_taken_unprivileged)
{
	limit_fds();
	if (geteuid() == 0)
		ck_assert_int_eq(setuid(61999), 0);
	fds_not_taken_by();
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

int
main(void)
{
	TCase *tc = tcase_create("flow");

	tcase_add_test(tc, congestion);
	tcase_add_test(tc, drained_at_low);
	tcase_add_test(tc, stuck_peer);
	tcase_add_test(tc, stuck_is_told_later);
	tcase_add_test(tc, fds_not_taken);
	tcase_add_test(tc, fds_not_taken_unprivileged);
	tcase_add_test(tc, pause_and_resume);
	tcase_add_test(tc, pause_with_fds);
	tcase_add_test(tc, wrong_length_after_pause);
	return (suite_run("channel flow", tc));
}
