/* SPDX-License-Identifier: ISC */
/*
 * Peers in the parent: deleting, and what it passes between registry and
 * dialer.
 */
#include <string.h>

#include <bsd/string.h>

#include "common/wire.h"
#include "relayd/relayd.h"
#include "tests/unit/parent_peers_fixture.h"
#include "tests/unit/suite.h"

/* --- what children say; true if it was well-formed --- */

static bool
say_delete(const char *host, uint16_t port, const char *path)
{
	struct wire_put *w = say();

	put_str(w, host);
	put_u16(w, port);
	put_str(w, path);
	return (heard(peers_on_delete, PROC_REGISTRY));
}

static void
expect_dial(uint32_t peer, uint32_t generation, unsigned int what)
{
	struct wire_get msg;

	ck_assert_int_eq(next(PROC_DIALER, &msg), MSG_DIAL_ORDER);
	ck_assert_uint_eq(get_u32(&msg), peer);
	ck_assert_uint_eq(get_u32(&msg), generation);
	ck_assert_uint_eq(get_u8(&msg), what);
	ck_assert(get_done(&msg));
}

static void
expect_state(uint32_t peer, uint32_t generation, unsigned int state,
    uint32_t retry_max_ms, const char *node, const char *reason)
{
	struct wire_get msg;
	char buf[512];

	ck_assert_int_eq(next(PROC_REGISTRY, &msg), MSG_PEER_STATE);
	ck_assert_uint_eq(get_u32(&msg), peer);
	ck_assert_uint_eq(get_u32(&msg), generation);
	ck_assert_uint_eq(get_u8(&msg), state);
	ck_assert_uint_le(get_u32(&msg), retry_max_ms);
	get_str(&msg, buf, sizeof(buf));
	ck_assert_str_eq(buf, node);
	get_str(&msg, buf, sizeof(buf));
	ck_assert_str_eq(buf, reason);
	ck_assert(get_done(&msg));
}

/* --- deleting, and what only the file says --- */

START_TEST(a_deleted_peer_goes)
{
	ck_assert(say_add("::1", 3, "/", "", false, false));
	ck_assert(say_add("::1", 4, "/", "", false, false));
	commit();
	ck_assert(say_delete("::1", 3, "/"));
	commit();
	ck_assert_uint_eq(rd.peers.count, 3);
	ck_assert_uint_eq(rd.peers.list[2].port, 4);
	ck_assert_uint_eq(changes, 2);
}
END_TEST

START_TEST(only_what_was_added_can_be_deleted)
{
	ck_assert(say_delete("127.0.0.1", 1, "/ws/peers"));
	ck_assert(say_delete("::1", 3, "/"));
	ck_assert(say_delete("", 0, ""));
	ck_assert_uint_eq(changes, 0);
	ck_assert_uint_eq(rd.peers.count, 2);
}
END_TEST

START_TEST(what_the_file_has_now_is_no_longer_added)
{
	ck_assert(say_add("::1", 3, "/", "", false, false));
	commit();
	conf.npeers = 1;
	url_free(&configured[1].url);
	ck_assert_ptr_null(url_check("ws://[::1]:3/", "ws", "",
	    &configured[1].url));
	conf.npeers = 2;
	commit();
	ck_assert_uint_eq(rd.peers.count, 2);
	ck_assert_int_eq(rd.peers.list[1].origin, PEER_CONFIGURED);
	ck_assert_uint_eq(rd.added.count, 0);
	/* And when the file has it no more, it is gone. */
	conf.npeers = 1;
	commit();
	ck_assert_uint_eq(rd.peers.count, 1);
}
END_TEST

START_TEST(a_rejected_peer_is_dropped)
{
	ck_assert(say_add("::1", 3, "/", "", false, false));
	commit();
	ck_assert(say_add("::1", 4, "/", "", false, false));
	rd.change.state = CHANGE_NONE;
	peers_revert(&rd);
	changes = 0;
	peers_apply(&rd);
	ck_assert_uint_eq(changes, 0);
	ck_assert_uint_eq(rd.added.count, 1);
	ck_assert_uint_eq(rd.added.list[0].port, 3);
	/* A deletion that is rejected did not happen. */
	ck_assert(say_delete("::1", 3, "/"));
	rd.change.state = CHANGE_NONE;
	peers_revert(&rd);
	ck_assert_uint_eq(rd.added.count, 1);
}
END_TEST

/* --- between registry and dialer --- */

START_TEST(messages_pass)
{
	ck_assert(say_dial(1, GENERATION, PEER_AT_ONCE));
	expect_dial(1, GENERATION, PEER_AT_ONCE);
	ck_assert(say_state(1, GENERATION, 1, 5000, "b.main", "refused"));
	expect_state(1, GENERATION, 1, 5000, "b.main", "refused");
	nothing(PROC_DIALER);
	nothing(PROC_REGISTRY);
}
END_TEST

START_TEST(an_index_of_nobody_is_a_fault)
{
	ck_assert(!say_dial(2, GENERATION, PEER_HOLD));
	ck_assert(!say_dial(UINT32_MAX, GENERATION, PEER_HOLD));
	ck_assert(!say_state(2, GENERATION, 4, 0, "", ""));
	nothing(PROC_DIALER);
	nothing(PROC_REGISTRY);
}
END_TEST

START_TEST(stale_generations_are_dropped)
{
	commit();
	commit();
	ck_assert(say_dial(0, GENERATION, PEER_HOLD));
	ck_assert(say_dial(99, GENERATION, PEER_HOLD));
	ck_assert(say_dial(0, GENERATION + 3, PEER_HOLD));
	ck_assert(say_state(0, GENERATION, 4, 0, "", ""));
	ck_assert(say_state(0, 0, 4, 0, "", ""));
	nothing(PROC_DIALER);
	nothing(PROC_REGISTRY);
}
END_TEST

/* Said before the child knew of the last change: about the same peer. */
START_TEST(the_former_generation_is_translated)
{
	ck_assert(say_add("::1", 3, "/", "", false, false));
	ck_assert(say_add("::1", 4, "/", "", false, false));
	commit();
	ck_assert(say_delete("::1", 3, "/"));
	commit();
	ck_assert(say_dial(3, GENERATION + 1, PEER_HOLD));
	expect_dial(2, GENERATION + 2, PEER_HOLD);
	ck_assert(say_state(3, GENERATION + 1, 5, 0, "d", ""));
	expect_state(2, GENERATION + 2, 5, 0, "d", "");
	/* Gone since. */
	ck_assert(say_dial(2, GENERATION + 1, PEER_HOLD));
	/* There never was one. */
	ck_assert(!say_dial(4, GENERATION + 1, PEER_HOLD));
	nothing(PROC_DIALER);
	nothing(PROC_REGISTRY);
}
END_TEST

START_TEST(a_new_dialer_is_told_what_is_held)
{
	ck_assert(say_dial(0, GENERATION, PEER_HOLD));
	ck_assert(say_dial(1, GENERATION, PEER_HOLD));
	ck_assert(say_dial(1, GENERATION, PEER_GO_ON));
	expect_dial(0, GENERATION, PEER_HOLD);
	expect_dial(1, GENERATION, PEER_HOLD);
	expect_dial(1, GENERATION, PEER_GO_ON);
	/* While there is none it is kept. */
	rd.children[PROC_DIALER].state = CHILD_DOWN;
	ck_assert(say_dial(1, GENERATION, PEER_HOLD));
	ck_assert(say_dial(0, GENERATION, PEER_AT_ONCE));
	nothing(PROC_DIALER);
	rd.children[PROC_DIALER].state = CHILD_RUN;
	peers_child_up(&rd.children[PROC_DIALER]);
	expect_dial(1, GENERATION, PEER_HOLD);
	nothing(PROC_DIALER);
	nothing(PROC_REGISTRY);
}
END_TEST

START_TEST(a_new_registry_is_told_each_state)
{
	char reason[600], kept[256];

	ck_assert(say_state(0, GENERATION, 1, 60000, "", "first"));
	expect_state(0, GENERATION, 1, 60000, "", "first");
	rd.children[PROC_REGISTRY].state = CHILD_KILLED;
	memset(reason, 'x', sizeof(reason) - 1);
	reason[sizeof(reason) - 1] = '\0';
	/* Cut between characters; an id that is too long is none. */
	memcpy(reason + 254, "\xc3\xa4", 2);
	ck_assert(say_state(0, GENERATION, 2, 30000, reason, reason));
	nothing(PROC_REGISTRY);
	rd.children[PROC_REGISTRY].state = CHILD_RUN;
	peers_child_up(&rd.children[PROC_REGISTRY]);
	strlcpy(kept, reason, sizeof(kept));
	kept[254] = '\0';
	expect_state(0, GENERATION, 2, 30000, "", kept);
	nothing(PROC_REGISTRY);
	nothing(PROC_DIALER);
}
END_TEST

START_TEST(a_change_keeps_what_was_said)
{
	ck_assert(say_dial(1, GENERATION, PEER_HOLD));
	expect_dial(1, GENERATION, PEER_HOLD);
	ck_assert(say_state(1, GENERATION, 5, 0, "b", ""));
	expect_state(1, GENERATION, 5, 0, "b", "");
	ck_assert(say_add("::1", 3, "/", "", false, false));
	commit();
	/* It is a new peer to the dialer, by its index. */
	expect_dial(1, GENERATION + 1, PEER_HOLD);
	nothing(PROC_DIALER);
	peers_child_up(&rd.children[PROC_REGISTRY]);
	expect_state(1, GENERATION + 1, 5, 0, "b", "");
	nothing(PROC_REGISTRY);
}
END_TEST

START_TEST(the_wait_goes_on_while_it_is_kept)
{
	ck_assert(say_state(0, GENERATION, 1, 1000, "", "x"));
	expect_state(0, GENERATION, 1, 1000, "", "x");
	rd.peers.list[0].state_at = monotime_add_ms(monotime_now(), -400);
	peers_child_up(&rd.children[PROC_REGISTRY]);
	expect_state(0, GENERATION, 1, 600, "", "x");
	rd.peers.list[0].state_at = monotime_add_ms(monotime_now(), -4000);
	peers_child_up(&rd.children[PROC_REGISTRY]);
	expect_state(0, GENERATION, 1, 0, "", "x");
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("relay");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_deleted_peer_goes);
	tcase_add_test(tc, only_what_was_added_can_be_deleted);
	tcase_add_test(tc, what_the_file_has_now_is_no_longer_added);
	tcase_add_test(tc, a_rejected_peer_is_dropped);
	tcase_add_test(tc, messages_pass);
	tcase_add_test(tc, an_index_of_nobody_is_a_fault);
	tcase_add_test(tc, stale_generations_are_dropped);
	tcase_add_test(tc, the_former_generation_is_translated);
	tcase_add_test(tc, a_new_dialer_is_told_what_is_held);
	tcase_add_test(tc, a_new_registry_is_told_each_state);
	tcase_add_test(tc, a_change_keeps_what_was_said);
	tcase_add_test(tc, the_wait_goes_on_while_it_is_kept);
	return (suite_run("peers relay", tc));
}
