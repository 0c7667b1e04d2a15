/* SPDX-License-Identifier: ISC */
/*
 * The matrix of messages against a real channel over a real socketpair: each
 * wrong one is a fault, reported once, and nothing else; each right one is
 * dispatched once.  Neither fds nor memory are left behind.
 */
#include <sys/socket.h>

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/ipc/matrix.h"
#include "tests/ipc/rig.h"
#include "tests/unit/suite.h"

/* Payloads up to this size are sent whole; of larger ones only the header. */
#define WHOLE	4096U

static int null_fd;

/* Bytes the program holds, or 0 where a sanitizer counts instead. */
static size_t
memory(void)
{
#if defined(__SANITIZE_ADDRESS__)
	return (0);
#else
	return (mallinfo2().uordblks);
#endif
}

static void
describe(const struct matrix_case *c, const struct rig *rig)
{
	fprintf(stderr, "%s (%u) %s to %s phase %u length %u fd %u: "
	    "%zu dispatched, %u faults (%s)\n", c->name, c->type,
	    proc_name(c->from), proc_name(c->to), c->phase, c->len, c->fd,
	    rig->n_records, rig->faults, rig->text);
}

/* Play one case; true if it went as it should. */
static bool
play(const struct matrix_case *c)
{
	struct rig rig;
	uint8_t h[RIG_HEADER];
	bool good;

	rig_open(&rig, c->to, c->from, c->phase);
	if (c->len <= WHOLE && c->ok)
		rig_send_msg(&rig, c->type, c->len, c->fd ? null_fd : -1);
	else {
		rig_header(h, c->type, c->len, c->fd ? RIG_FLAG_FD : 0);
		rig_send(&rig, h, sizeof(h), &null_fd, c->fd);
	}
	rig_turn(&rig);
	if (!c->ok)
		good = rig.faults == 1 && rig.fault == CHANNEL_PROTOCOL &&
		    rig.n_records == 0;
	else if (c->len <= WHOLE)
		good = rig.faults == 0 && rig.n_records == 1 &&
		    rig.records[0].type == c->type &&
		    rig.records[0].len == c->len &&
		    (rig.records[0].ino != 0) == (c->fd == 1);
	else
		good = rig.faults == 0 && rig.n_records == 0;
	if (!good)
		describe(c, &rig);
	rig_close(&rig);
	return (good);
}

START_TEST(whole_matrix)
{
	struct matrix_case c;
	FILE *f = matrix_open();
	size_t cases = 0, fds = 0, held = 0;
	unsigned int wrong = 0;

	while (matrix_next(f, &c)) {
		if (!play(&c) && ++wrong == 10)
			break;
		/* Once all that is made on first use is there. */
		if (++cases == 1000) {
			fds = rig_count_fds();
			held = memory();
		}
	}
	ck_assert_uint_eq(wrong, 0);
	ck_assert_uint_gt(cases, 100000);
	ck_assert_uint_eq(rig_count_fds(), fds);
	ck_assert_uint_eq(memory(), held);
	fclose(f);
}
END_TEST

/*
 * What a header says of an fd and what comes are two things: for every
 * message, each of them without the other.
 */
START_TEST(fd_said_but_not_sent)
{
	struct matrix_case c;
	FILE *f = matrix_open();
	struct rig rig;
	uint8_t buf[RIG_HEADER + WHOLE] = { 0 };
	size_t played = 0, fds = 0;

	while (matrix_next(f, &c)) {
		if (!c.ok || !c.fd || c.len > WHOLE)
			continue;
		rig_open(&rig, c.to, c.from, c.phase);
		rig_header(buf, c.type, c.len, RIG_FLAG_FD);
		rig_send(&rig, buf, RIG_HEADER + c.len, NULL, 0);
		rig_turn(&rig);
		ck_assert_uint_eq(rig.faults, 1);
		ck_assert_int_eq(rig.fault, CHANNEL_PROTOCOL);
		ck_assert_uint_eq(rig.n_records, 0);
		rig_close(&rig);
		if (played++ == 0)
			fds = rig_count_fds();
	}
	ck_assert_uint_gt(played, 0);
	ck_assert_uint_eq(rig_count_fds(), fds);
	fclose(f);
}
END_TEST

START_TEST(fd_sent_but_not_said)
{
	struct matrix_case c;
	FILE *f = matrix_open();
	struct rig rig;
	uint8_t buf[RIG_HEADER + WHOLE] = { 0 };
	size_t played = 0, fds = 0;

	while (matrix_next(f, &c)) {
		if (!c.ok || c.fd || c.len > WHOLE)
			continue;
		rig_open(&rig, c.to, c.from, c.phase);
		rig_header(buf, c.type, c.len, 0);
		rig_send(&rig, buf, RIG_HEADER + c.len, &null_fd, 1);
		rig_turn(&rig);
		ck_assert_uint_eq(rig.faults, 1);
		ck_assert_int_eq(rig.fault, CHANNEL_PROTOCOL);
		rig_close(&rig);
		if (played++ == 0)
			fds = rig_count_fds();
	}
	ck_assert_uint_gt(played, 0);
	ck_assert_uint_eq(rig_count_fds(), fds);
	fclose(f);
}
END_TEST

/* Each flag that has no meaning, on a message that is right without it. */
START_TEST(unknown_flags)
{
	struct rig rig;
	uint8_t buf[RIG_HEADER + 4] = { 0 };
	unsigned int bit;

	for (bit = 1; bit < 16; bit++) {
		rig_open(&rig, PROC_ROUTER, PROC_PARENT, PHASE_CONF);
		rig_header(buf, MSG_WATCHDOG, 4, 1U << bit);
		rig_send(&rig, buf, sizeof(buf), NULL, 0);
		rig_turn(&rig);
		ck_assert_uint_eq(rig.faults, 1);
		ck_assert_int_eq(rig.fault, CHANNEL_PROTOCOL);
		ck_assert_uint_eq(rig.n_records, 0);
		rig_close(&rig);
	}
}
END_TEST

/* A process that has no handler for what the table allows it. */
START_TEST(no_handler)
{
	static const channel_handler none[MSG_MAX];
	struct rig rig;
	size_t fds;

	rig_open(&rig, PROC_ROUTER, PROC_PARENT, PHASE_CONF);
	rig.ops.handlers = none;
	rig_send_msg(&rig, MSG_PEER_FD, 1, null_fd);
	fds = rig_count_fds();
	rig_turn(&rig);
	ck_assert_uint_eq(rig.faults, 1);
	ck_assert_int_eq(rig.fault, CHANNEL_PROTOCOL);
	/* The channel's own fd is closed, the one it received as well. */
	ck_assert_uint_eq(rig_count_fds(), fds - 1);
	rig_close(&rig);
}
END_TEST

/* A fault ends the channel: what follows in the same send is not looked at. */
START_TEST(nothing_after_a_fault)
{
	struct rig rig;
	uint8_t buf[3 * (RIG_HEADER + 4)] = { 0 };
	size_t n = RIG_HEADER + 4;

	rig_open(&rig, PROC_ROUTER, PROC_PARENT, PHASE_CONF);
	rig.keep = true;
	rig_header(buf, MSG_WATCHDOG, 4, 0);
	rig_header(buf + n, MSG_DRAIN, 4, 0);	/* not in this phase */
	rig_header(buf + 2 * n, MSG_WATCHDOG, 4, 0);
	rig_send(&rig, buf, sizeof(buf), NULL, 0);
	rig_turn(&rig);
	ck_assert_uint_eq(rig.n_records, 1);
	ck_assert_uint_eq(rig.faults, 1);
	ck_assert_str_eq(rig.text, "DRAIN (4 bytes): wrong phase");
	/* Nor is what comes later, even if the owner keeps it a while. */
	rig_send(&rig, buf, n, NULL, 0);
	rig_turn(&rig);
	ck_assert_uint_eq(rig.n_records, 1);
	ck_assert_uint_eq(rig.faults, 1);
	ck_assert_int_eq(channel_commit(rig.ch), -1);
	rig_close(&rig);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("live");

	null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	tcase_add_test(tc, whole_matrix);
	tcase_add_test(tc, fd_said_but_not_sent);
	tcase_add_test(tc, fd_sent_but_not_said);
	tcase_add_test(tc, unknown_flags);
	tcase_add_test(tc, no_handler);
	tcase_add_test(tc, nothing_after_a_fault);
	return (suite_run("live", tc));
}
