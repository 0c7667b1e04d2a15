/* SPDX-License-Identifier: ISC */
/*
 * Channels: parsing at any cut.  What the table refuses is in
 * tests/ipc/test_live.c.
 */
#include <check.h>
#include <unistd.h>

#include "tests/ipc/rig.h"
#include "tests/unit/channel_fixture.h"
#include "tests/unit/suite.h"

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

/* A cut, then the end: what was whole came, the rest and its fd are gone. */
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

int
main(void)
{
	TCase *tc = tcase_create("channel");

	tcase_add_test(tc, cut_at_every_byte);
	tcase_add_test(tc, one_byte_each);
	tcase_add_test(tc, all_at_once);
	tcase_add_test(tc, end_at_every_byte);
	tcase_add_test(tc, many_in_one_send);
	tcase_add_test(tc, large_messages);
	return (suite_run("channel", tc));
}
