/* SPDX-License-Identifier: ISC */
/* Send queues, a WebSocket over them, the map of ids and the addresses. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "relayd/frontend/addrtab.h"
#include "relayd/frontend/idmap.h"
#include "relayd/frontend/sendq.h"
#include "relayd/frontend/wsio.h"
#include "tests/unit/suite.h"

static struct sendq	q;
static struct conn_io	io;
static int		other;
static struct mask_pool	pool;

static void
setup(void)
{
	int	sv[2], small = 4096;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0,
	    sv), 0);
	ck_assert_int_eq(setsockopt(sv[0], SOL_SOCKET, SO_SNDBUF, &small,
	    sizeof(small)), 0);
	io.fd = sv[0];
	other = sv[1];
	memset(&q, 0, sizeof(q));
	mask_pool_init(&pool);
}

static void
teardown(void)
{
	sendq_clear(&q);
	conn_io_close(&io);
	close(other);
}

/* Flush and read until all is here; returns its length. */
static size_t
drain(uint8_t *buf, size_t size)
{
	size_t	len = 0;
	ssize_t	n;
	int	left;

	do {
		left = sendq_flush(&q, &io);
		ck_assert_int_ne(left, IO_FAIL);
		while ((n = read(other, buf + len, size - len)) > 0)
			len += (size_t)n;
	} while (left == IO_AGAIN);
	return (len);
}

/* Opcodes of the frames in a stream. */
static size_t
opcodes(const uint8_t *p, size_t len, uint8_t *out)
{
	size_t	i = 0, n = 0;

	while (i < len) {
		out[n++] = p[i] & 15;
		i += ws_frame_len(p + i);
	}
	ck_assert_uint_eq(i, len);
	return (n);
}

START_TEST(order_while_not_blocked)
{
	uint8_t	buf[1000], ops[10];

	sendq_frame(&q, WS_TEXT, (const uint8_t *)"a", 1, NULL);
	ck_assert(sendq_control(&q, WS_PONG, (const uint8_t *)"p", 1, NULL));
	sendq_close(&q, 1000, "", true, NULL);
	ck_assert_uint_eq(opcodes(buf, drain(buf, sizeof(buf)), ops), 3);
	ck_assert(memcmp(ops, "\1\12\10", 3) == 0);
	ck_assert_ptr_null(q.buf);
	ck_assert_int_eq(sendq_flush(&q, &io), 0);
}
END_TEST

/* Fill the socket so that a send stops inside a frame. */
static size_t
block(size_t frames)
{
	static uint8_t	body[5000];
	size_t		i;

	memset(body, 'b', sizeof(body));
	sendq_raw(&q, "HTTP", 4);
	for (i = 0; i < frames; i++)
		sendq_frame(&q, WS_TEXT, body, sizeof(body), NULL);
	ck_assert_int_eq(sendq_flush(&q, &io), IO_AGAIN);
	ck_assert(q.blocked);
	return (sendq_len(&q));
}

START_TEST(control_goes_ahead)
{
	static uint8_t	buf[200000];
	uint8_t		ops[40];
	size_t		n, i, at[2], found = 0;

	block(20);
	ck_assert(sendq_control(&q, WS_PONG, (const uint8_t *)"1", 1, NULL));
	ck_assert(sendq_control(&q, WS_PING, (const uint8_t *)"2", 1, NULL));
	n = drain(buf, sizeof(buf));
	ck_assert(memcmp(buf, "HTTP", 4) == 0);
	n = opcodes(buf + 4, n - 4, ops);
	ck_assert_uint_eq(n, 22);
	for (i = 0; i < n; i++)
		if (ops[i] != WS_TEXT)
			at[found++] = i;
	ck_assert_uint_eq(found, 2);
	ck_assert(at[1] == at[0] + 1 && at[1] < 19);
	ck_assert(ops[at[0]] == WS_PONG && ops[at[1]] == WS_PING);
}
END_TEST

START_TEST(control_is_bounded)
{
	static uint8_t	buf[200000];
	uint8_t		body[100] = { 0 };
	size_t		n = 0;

	block(20);
	while (sendq_control(&q, WS_PONG, body, sizeof(body), NULL))
		ck_assert_uint_lt(++n, 1000);
	ck_assert_uint_ge(n, 5);
	drain(buf, sizeof(buf));
	/* and begins anew once the socket took all */
	ck_assert(sendq_control(&q, WS_PONG, body, sizeof(body), NULL));
}
END_TEST

START_TEST(hurried_close)
{
	static uint8_t	buf[200000];
	uint8_t		ops[40];
	size_t		n, before = block(20);

	sendq_close(&q, 1013, "slow", true, NULL);
	ck_assert_uint_lt(sendq_len(&q), before);
	n = drain(buf, sizeof(buf));
	n = opcodes(buf + 4, n - 4, ops);
	ck_assert_uint_lt(n, 20);
	ck_assert_uint_eq(ops[n - 1], WS_CLOSE);
	block(20);
	sendq_close(&q, 1000, "", false, NULL);
	n = drain(buf, sizeof(buf));
	n = opcodes(buf + 4, n - 4, ops);
	ck_assert_uint_eq(n, 21);
	ck_assert_uint_eq(ops[20], WS_CLOSE);
}
END_TEST

/* Much goes through while the queue is never empty: nothing is lost. */
START_TEST(long_run)
{
	static uint8_t	got[8192], body[700];
	size_t		sent = 0, seen = 0, pings = 0, i, n, have = 0;
	ssize_t		r;

	while (seen < 20000) {
		for (i = 0; sent < 20000 && (i < 3 || sent < 300);
		    i++, sent++) {
			memset(body, (int)(sent & 0xff), sizeof(body));
			memcpy(body, &sent, sizeof(sent));
			sendq_frame(&q, WS_BINARY, body, 10 + sent % 690,
			    NULL);
		}
		if (sent % 7 == 0)
			(void)sendq_control(&q, WS_PING, NULL, 0, NULL);
		ck_assert_int_ne(sendq_flush(&q, &io), IO_FAIL);
		/* as much as comes in, so that the backlog stays */
		r = read(other, got + have, 1080);
		if (r > 0)
			have += (size_t)r;
		for (i = 0; have - i >= 4 &&
		    have - i >= (n = ws_frame_len(got + i)); i += n) {
			size_t	h = n > 129 ? 4 : 2, no;

			if (got[i] == (0x80 | WS_PING)) {
				pings++;
				continue;
			}
			ck_assert_uint_eq(got[i], 0x80 | WS_BINARY);
			memcpy(&no, got + i + h, sizeof(no));
			ck_assert_uint_eq(no, seen);
			ck_assert_uint_eq(n - h, 10 + seen % 690);
			seen++;
		}
		memmove(got, got + i, have - i);
		have -= i;
		ck_assert_uint_le(q.cap, 32 << 20);
	}
	ck_assert_uint_gt(pings, 100);
}
END_TEST

START_TEST(send_error)
{
	close(other);
	other = -1;
	sendq_raw(&q, "x", 1);
	ck_assert_int_eq(sendq_flush(&q, &io), IO_FAIL);
	ck_assert_int_eq(errno, EPIPE);
}
END_TEST

static int	messages;
static size_t	octets;

static void
count(void *arg, enum ws_opcode opcode, const uint8_t *p, size_t len)
{
	struct wsio	*w = arg;

	(void)opcode;
	(void)p;
	messages++;
	octets += len;
	if (len == 7)
		wsio_close(w, 1003, "seven", false, &pool);
}

/* A client and a server talk through their queues. */
START_TEST(both_roles)
{
	struct wsio	a, b;
	uint8_t		body[3000] = { 0 };
	size_t		n;

	messages = 0;
	octets = 0;
	wsio_init(&a, WS_CLIENT, 4000);
	wsio_init(&b, WS_SERVER, 4000);
	wsio_send(&a, WS_TEXT, body, sizeof(body), &pool);
	wsio_ping(&a, &pool);
	wsio_send(&a, WS_TEXT, body, 7, &pool);
	wsio_send(&a, WS_TEXT, body, 8, &pool);
	/* in two pieces: the first message is put together */
	n = sendq_len(&a.out);
	ck_assert_ptr_null(wsio_input(&b, a.out.buf, 1000, &pool, count, &b));
	ck_assert_ptr_nonnull(b.join);
	ck_assert_ptr_null(wsio_input(&b, a.out.buf + 1000, n - 1000, &pool,
	    count, &b));
	ck_assert_ptr_null(b.join);
	/* after the close nothing more is told, nor sent */
	ck_assert_int_eq(messages, 2);
	ck_assert_uint_eq(octets, 3007);
	ck_assert_int_eq(b.state, WSIO_CLOSING);
	wsio_send(&b, WS_TEXT, body, 1, &pool);
	wsio_close(&b, 1000, "again", false, &pool);
	sendq_clear(&a.out);
	ck_assert_ptr_null(wsio_input(&a, b.out.buf, sendq_len(&b.out), &pool,
	    count, &a));
	ck_assert_int_eq(a.state, WSIO_CLOSED);
	ck_assert(a.theirs && a.code == 1003);
	ck_assert_uint_eq(sendq_len(&a.out), 2 + 4 + 2);
	ck_assert_ptr_null(wsio_input(&b, a.out.buf, 8, &pool, count, &b));
	ck_assert_int_eq(b.state, WSIO_CLOSED);
	ck_assert(!b.theirs && b.code == 1003);
	wsio_clear(&a);
	wsio_clear(&b);
}
END_TEST

START_TEST(broken_rule)
{
	struct wsio	w;
	uint8_t		bad[] = { 0x81, 0x01, 'x' };

	wsio_init(&w, WS_SERVER, 100);
	ck_assert_ptr_nonnull(wsio_input(&w, bad, 3, &pool, count, &w));
	ck_assert_int_eq(w.state, WSIO_CLOSED);
	ck_assert_uint_eq(w.code, WS_CODE_PROTOCOL);
	ck_assert_uint_gt(sendq_len(&w.out), 4);
	wsio_clear(&w);
}
END_TEST

/* The map against an array, through growth and removals. */
START_TEST(ids)
{
	static char	present[5000];
	struct idmap	m = { 0 };
	uint64_t	id, rnd = 1;
	int		i;

	ck_assert_ptr_null(idmap_find(&m, 1));
	idmap_remove(&m, 1);
	for (i = 0; i < 200000; i++) {
		rnd = rnd * 6364136223846793005ULL + 1442695040888963407ULL;
		id = rnd >> 33;
		id = id % 4999 + 1;
		if (present[id]) {
			ck_assert_ptr_eq(idmap_find(&m, id * 4096),
			    &present[id]);
			idmap_remove(&m, id * 4096);
		} else {
			ck_assert_ptr_null(idmap_find(&m, id * 4096));
			idmap_add(&m, id * 4096, &present[id]);
		}
		present[id] = !present[id];
	}
	for (id = 1; id < 5000; id++)
		ck_assert_ptr_eq(idmap_find(&m, id * 4096),
		    present[id] ? &present[id] : NULL);
	ck_assert_ptr_null(idmap_find(&m, 0));
	idmap_free(&m);
}
END_TEST

static struct addr
address(int family, const char *bytes)
{
	struct sockaddr_storage	 ss = { .ss_family = (sa_family_t)family };
	struct sockaddr_in	*sin = (struct sockaddr_in *)&ss;
	struct sockaddr_in6	*sin6 = (struct sockaddr_in6 *)&ss;
	struct addr		 a;

	if (family == AF_INET) {
		memcpy(&sin->sin_addr, bytes, 4);
		sin->sin_port = htons(80);
	} else if (family == AF_INET6) {
		memcpy(&sin6->sin6_addr, bytes, 16);
		sin6->sin6_port = htons(443);
	}
	addr_set(&a, (struct sockaddr *)&ss);
	return (a);
}

START_TEST(addresses)
{
	struct addrtab	*t = calloc(1, sizeof(*t));
	char		 text[ADDR_TEXT_MAX];
	struct addr	 v4 = address(AF_INET, "\x7f\0\0\1");
	struct addr	 far = address(AF_INET, "\xc0\0\2\1");
	struct addr	 mapped = address(AF_INET6,
	    "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1");
	struct addr	 v6 = address(AF_INET6,
	    "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1");
	struct addr	 one = address(AF_INET6,
	    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1");
	struct addr	 local = address(AF_UNIX, NULL);
	int		 i;

	ck_assert_str_eq(addr_text(&v4, text), "127.0.0.1:80");
	ck_assert_str_eq(addr_text(&mapped, text), "192.0.2.1:443");
	ck_assert_str_eq(addr_text(&v6, text), "[2001:db8::1]:443");
	ck_assert_str_eq(addr_text(&local, text), "unix");
	ck_assert(addr_is_loopback(&v4) && addr_is_loopback(&one) &&
	    addr_is_loopback(&local));
	ck_assert(!addr_is_loopback(&far) && !addr_is_loopback(&mapped) &&
	    !addr_is_loopback(&v6));
	ck_assert(addrtab_enter(t, &far, 2));
	ck_assert(addrtab_enter(t, &mapped, 2));
	ck_assert(!addrtab_enter(t, &far, 2));
	ck_assert(addrtab_enter(t, &v6, 2));
	for (i = 0; i < 5; i++)
		ck_assert(addrtab_enter(t, &local, 2));
	addrtab_leave(t, &mapped);
	ck_assert(addrtab_enter(t, &far, 2));
	ck_assert(!addrtab_enter(t, &far, 2));
	addrtab_leave(t, &far);
	addrtab_leave(t, &far);
	addrtab_leave(t, &v6);
	addrtab_leave(t, &local);
	for (i = 0; i < ADDRTAB_BUCKETS; i++)
		ck_assert_ptr_null(t->buckets[i]);
	free(t);
}
END_TEST

/* Whoever has one address of a network has all 2^64. */
START_TEST(networks)
{
	struct addrtab	*t = calloc(1, sizeof(*t));
	struct addr	 a = address(AF_INET6,
	    "\x20\1\xd\xb8\0\0\0\1\0\0\0\0\0\0\0\1");
	struct addr	 b = address(AF_INET6,
	    "\x20\1\xd\xb8\0\0\0\1\xfe\0\0\0\0\0\0\2");
	struct addr	 next = address(AF_INET6,
	    "\x20\1\xd\xb8\0\0\0\2\0\0\0\0\0\0\0\1");
	struct addr	 one = address(AF_INET6,
	    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1");
	struct addr	 v4[2] = { address(AF_INET, "\xc0\0\2\1"),
	    address(AF_INET, "\xc0\0\2\2") };
	unsigned	 n;
	int		 i;

	ck_assert(addrtab_enter(t, &a, 2) && addrtab_enter(t, &b, 2));
	ck_assert(!addrtab_enter(t, &a, 2) && !addrtab_enter(t, &b, 2));
	ck_assert(addrtab_half_enter(t, &a, 1, &n));
	ck_assert(!addrtab_half_enter(t, &b, 1, &n) && n == 1);
	addrtab_half_leave(t, &b);
	ck_assert(addrtab_half_enter(t, &b, 1, &n));
	addrtab_half_leave(t, &b);
	/* and no other's */
	ck_assert(addrtab_enter(t, &next, 1) && addrtab_enter(t, &one, 1));
	ck_assert(addrtab_enter(t, &v4[0], 1) && addrtab_enter(t, &v4[1], 1));
	ck_assert(!addrtab_enter(t, &one, 1) && !addrtab_enter(t, &v4[0], 1));
	addrtab_leave(t, &a);
	addrtab_leave(t, &a);
	addrtab_leave(t, &next);
	addrtab_leave(t, &one);
	addrtab_leave(t, &v4[0]);
	addrtab_leave(t, &v4[1]);
	for (i = 0; i < ADDRTAB_BUCKETS; i++)
		ck_assert_ptr_null(t->buckets[i]);
	free(t);
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("sendq");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, order_while_not_blocked);
	tcase_add_test(tc, control_goes_ahead);
	tcase_add_test(tc, control_is_bounded);
	tcase_add_test(tc, hurried_close);
	tcase_add_test(tc, long_run);
	tcase_add_test(tc, send_error);
	tcase_add_test(tc, both_roles);
	tcase_add_test(tc, broken_rule);
	tcase_add_test(tc, ids);
	tcase_add_test(tc, addresses);
	tcase_add_test(tc, networks);
	return (suite_run("sendq", tc));
}
