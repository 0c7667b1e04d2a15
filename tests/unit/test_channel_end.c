/* SPDX-License-Identifier: ISC */
/* Channels: their ends, and use without a loop. */
#include <sys/socket.h>

#include <check.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tests/ipc/rig.h"
#include "tests/unit/channel_fixture.h"
#include "tests/unit/suite.h"

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

int
main(void)
{
	TCase *tc = tcase_create("ends");

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
	return (suite_run("channel ends", tc));
}
