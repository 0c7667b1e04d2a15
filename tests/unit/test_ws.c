/* SPDX-License-Identifier: ISC */
/* The WebSocket codec: headers, masks, closes, and delivery in place. */
#include <stdlib.h>
#include <string.h>

#include "relayd/frontend/ws.h"
#include "tests/unit/suite.h"

static const uint8_t key[4] = { 0x37, 0xfa, 0x21, 0x3d };

static struct ws_dec	dec;
static struct ws_event	ev;
static uint8_t		buf[300000];
static size_t		len;

static void
fresh(enum ws_role role, uint32_t max_frame, uint32_t max_msg)
{
	ws_dec_init(&dec, role, max_frame, max_msg);
	len = 0;
}

/* Append a frame as the other side would send it. */
static void
add(int opcode, bool fin, const void *body, size_t n)
{
	const uint8_t	*mask = dec.role == WS_SERVER ? key : NULL;
	size_t		 h = ws_header(buf + len, (enum ws_opcode)opcode, fin,
	    n, mask);

	if (mask != NULL)
		ws_mask(buf + len + h, body, n, mask, 0);
	else if (n > 0)
		memcpy(buf + len + h, body, n);
	len += h + n;
}

static void
raw(const void *p, size_t n)
{
	memcpy(buf + len, p, n);
	len += n;
}

/* Decode once from the front of the buffer. */
static enum ws_event_type
next(void)
{
	size_t	n = ws_decode(&dec, buf, len, &ev);
	static uint8_t	keep[sizeof(buf)];

	ck_assert_uint_le(n, len);
	/* what the event points to must survive: keep the rest apart */
	memcpy(keep, buf + n, len - n);
	if (ev.len > 0 && ev.data >= buf && ev.data < buf + sizeof(buf)) {
		static uint8_t	copy[sizeof(buf)];

		memcpy(copy, ev.data, ev.len);
		ev.data = copy;
	}
	memcpy(buf, keep, len - n);
	len -= n;
	return (ev.type);
}

static void
expect_error(uint16_t code)
{
	ck_assert_int_eq(next(), WS_EV_ERROR);
	ck_assert_uint_eq(ev.code, code);
	ck_assert_ptr_nonnull(ev.why);
	/* and nothing is believed any more */
	add(WS_TEXT, true, "x", 1);
	ck_assert_int_eq(next(), WS_EV_MORE);
	ck_assert_uint_eq(len, 0);
}

START_TEST(in_place)
{
	fresh(WS_SERVER, 1000, 1000);
	add(WS_TEXT, true, "hello", 5);
	ck_assert_uint_eq(ws_decode(&dec, buf, len, &ev), len);
	ck_assert_int_eq(ev.type, WS_EV_DATA);
	ck_assert(ev.first && ev.last && ev.opcode == WS_TEXT);
	ck_assert_ptr_eq(ev.data, buf + 6);
	ck_assert_uint_eq(ev.len, 5);
	ck_assert(memcmp(ev.data, "hello", 5) == 0);
	ck_assert(!ws_dec_busy(&dec));
	fresh(WS_CLIENT, 1000, 1000);
	add(WS_BINARY, true, "hello", 5);
	ws_decode(&dec, buf, len, &ev);
	ck_assert_ptr_eq(ev.data, buf + 2);
}
END_TEST

/* The frame of RFC 6455 section 5.7. */
START_TEST(rfc_example)
{
	fresh(WS_SERVER, 1000, 1000);
	raw("\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
	ck_assert_int_eq(next(), WS_EV_DATA);
	ck_assert(ev.len == 5 && memcmp(ev.data, "Hello", 5) == 0);
}
END_TEST

START_TEST(lengths)
{
	static const size_t	n[] = { 0, 1, 125, 126, 127, 65535, 65536 };
	static uint8_t		body[65536];
	uint8_t			h[WS_HEADER_MAX];
	size_t			i;

	memset(body, 'l', sizeof(body));
	for (i = 0; i < sizeof(n) / sizeof(n[0]); i++) {
		size_t	want = n[i] < 126 ? 2 : n[i] < 65536 ? 4 : 10;

		ck_assert_uint_eq(ws_header(h, WS_TEXT, true, n[i], NULL),
		    want);
		ck_assert_uint_eq(ws_frame_len(h), want + n[i]);
		ck_assert_uint_eq(ws_header(h, WS_TEXT, true, n[i], key),
		    want + 4);
		ck_assert_uint_eq(ws_frame_len(h), want + 4 + n[i]);
		fresh(WS_SERVER, 65536, 65536);
		add(WS_TEXT, true, body, n[i]);
		ck_assert_int_eq(next(), WS_EV_DATA);
		ck_assert(ev.first && ev.last && ev.len == n[i]);
		ck_assert_int_eq(next(), WS_EV_MORE);
	}
}
END_TEST

START_TEST(not_shortest)
{
	static const struct {
		const char	*p;
		size_t		 n;
	} t[] = {
		{ "\x82\x7e\x00\x00", 4 }, { "\x82\x7e\x00\x7d", 4 },
		{ "\x82\x7f\0\0\0\0\0\0\0\x05", 10 },
		{ "\x82\x7f\0\0\0\0\0\0\xff\xff", 10 },
		{ "\x82\x7f\x80\0\0\0\0\x01\0\0", 10 },
		{ "\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 10 },
	};
	size_t	i;

	for (i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		fresh(WS_CLIENT, UINT32_MAX, UINT32_MAX);
		raw(t[i].p, t[i].n);
		expect_error(WS_CODE_PROTOCOL);
	}
	fresh(WS_CLIENT, 1000, 1000);
	raw("\x82\x7e\x00\x7e", 4);
	ck_assert_int_eq(next(), WS_EV_MORE);
}
END_TEST

/* Refused on the first octets, whatever follows. */
START_TEST(bad_headers)
{
	int	op, rsv;

	for (op = 0; op < 16; op++) {
		for (rsv = 1; rsv < 8; rsv++) {
			uint8_t	c = (uint8_t)(0x80 | rsv << 4 | op);

			fresh(WS_SERVER, 100, 100);
			raw(&c, 1);
			expect_error(WS_CODE_PROTOCOL);
		}
		if ((op >= 3 && op <= 7) || op >= 11 || op == 0) {
			uint8_t	c = (uint8_t)(0x80 | op);

			fresh(WS_SERVER, 100, 100);
			raw(&c, 1);
			expect_error(WS_CODE_PROTOCOL);
		}
		if (op >= 8 && op <= 10) {
			uint8_t	c = (uint8_t)op;

			fresh(WS_SERVER, 100, 100);
			raw(&c, 1);
			expect_error(WS_CODE_PROTOCOL);
			c |= 0x80;
			fresh(WS_SERVER, 1000, 1000);
			raw(&c, 1);
			raw("\xfe", 1);		/* 126 and more */
			expect_error(WS_CODE_PROTOCOL);
		}
	}
	fresh(WS_SERVER, 100, 100);
	raw("\x81\x05", 2);
	expect_error(WS_CODE_PROTOCOL);		/* not masked */
	fresh(WS_CLIENT, 100, 100);
	raw("\x81\x85", 2);
	expect_error(WS_CODE_PROTOCOL);		/* masked */
}
END_TEST

START_TEST(caps)
{
	uint8_t	body[200] = { 0 };

	fresh(WS_SERVER, 100, 200);
	add(WS_BINARY, true, body, 100);
	ck_assert_int_eq(next(), WS_EV_DATA);
	add(WS_BINARY, true, body, 101);
	expect_error(WS_CODE_TOO_BIG);
	fresh(WS_SERVER, 100, 150);
	add(WS_BINARY, false, body, 100);
	ck_assert_int_eq(next(), WS_EV_DATA);
	add(WS_CONT, false, body, 50);
	ck_assert_int_eq(next(), WS_EV_DATA);
	add(WS_CONT, true, body, 0);
	ck_assert_int_eq(next(), WS_EV_DATA);
	ck_assert(ev.last);
	/* the sum begins anew with a message */
	add(WS_BINARY, false, body, 100);
	ck_assert_int_eq(next(), WS_EV_DATA);
	add(WS_CONT, true, body, 51);
	expect_error(WS_CODE_TOO_BIG);
	/* control frames are not part of it */
	fresh(WS_SERVER, 10, 10);
	add(WS_PING, true, body, 125);
	ck_assert_int_eq(next(), WS_EV_PING);
	/* announced is enough */
	fresh(WS_CLIENT, 1000, 1000);
	raw("\x82\x7f\0\0\0\0\xff\xff\xff\xff", 10);
	expect_error(WS_CODE_TOO_BIG);
}
END_TEST

START_TEST(fragments)
{
	fresh(WS_SERVER, 100, 100);
	add(WS_TEXT, false, "a", 1);
	ck_assert_int_eq(next(), WS_EV_DATA);
	ck_assert(ev.first && !ev.last && ev.opcode == WS_TEXT);
	ck_assert(ws_dec_busy(&dec));
	add(WS_PING, true, "p", 1);
	ck_assert_int_eq(next(), WS_EV_PING);
	ck_assert(ev.len == 1 && ev.data[0] == 'p');
	add(WS_CONT, true, "b", 1);
	ck_assert_int_eq(next(), WS_EV_DATA);
	ck_assert(!ev.first && ev.last && ev.opcode == WS_TEXT);
	ck_assert(!ws_dec_busy(&dec));
	add(WS_TEXT, true, "next", 4);
	ck_assert_int_eq(next(), WS_EV_DATA);
	ck_assert(ev.first && ev.last);
	add(WS_CONT, true, "c", 1);
	expect_error(WS_CODE_PROTOCOL);
	fresh(WS_SERVER, 100, 100);
	add(WS_TEXT, false, "a", 1);
	ck_assert_int_eq(next(), WS_EV_DATA);
	add(WS_TEXT, true, "b", 1);
	expect_error(WS_CODE_PROTOCOL);
	/* an empty message in empty pieces is told once, at its end */
	fresh(WS_SERVER, 100, 100);
	add(WS_BINARY, false, "", 0);
	ck_assert_int_eq(next(), WS_EV_MORE);
	add(WS_CONT, false, "", 0);
	ck_assert_int_eq(next(), WS_EV_MORE);
	add(WS_CONT, true, "", 0);
	ck_assert_int_eq(next(), WS_EV_DATA);
	ck_assert(ev.first && ev.last && ev.len == 0);
}
END_TEST

START_TEST(text_over_fragments)
{
	/* U+1D11E cut at every place */
	static const char	clef[] = "\xf0\x9d\x84\x9e";
	size_t			i;

	for (i = 1; i < 4; i++) {
		fresh(WS_SERVER, 100, 100);
		add(WS_TEXT, false, clef, i);
		ck_assert_int_eq(next(), WS_EV_DATA);
		add(WS_PING, true, "\xff", 1);
		ck_assert_int_eq(next(), WS_EV_PING);
		add(WS_CONT, true, clef + i, 4 - i);
		ck_assert_int_eq(next(), WS_EV_DATA);
		fresh(WS_SERVER, 100, 100);
		add(WS_TEXT, false, clef, i);
		ck_assert_int_eq(next(), WS_EV_DATA);
		add(WS_CONT, true, "a", 1);
		expect_error(WS_CODE_BAD_DATA);
		fresh(WS_SERVER, 100, 100);
		add(WS_TEXT, true, clef, i);
		expect_error(WS_CODE_BAD_DATA);
	}
	/* ASCII inside a character, before what would have completed it */
	fresh(WS_SERVER, 100, 100);
	add(WS_TEXT, false, "\xc3", 1);
	ck_assert_int_eq(next(), WS_EV_DATA);
	add(WS_CONT, false, "a", 1);
	expect_error(WS_CODE_BAD_DATA);
	/* refused before the frame is complete */
	fresh(WS_CLIENT, 100, 100);
	raw("\x81\x20" "abc\xed\xa0", 7);
	expect_error(WS_CODE_BAD_DATA);
	/* the state begins anew with a message */
	fresh(WS_SERVER, 100, 100);
	add(WS_BINARY, true, "\xc3", 1);
	ck_assert_int_eq(next(), WS_EV_DATA);
	add(WS_TEXT, true, "a", 1);
	ck_assert_int_eq(next(), WS_EV_DATA);
}
END_TEST

START_TEST(closes)
{
	uint8_t		body[WS_CONTROL_MAX];
	uint32_t	code;
	size_t		n;

	fresh(WS_SERVER, 100, 100);
	add(WS_CLOSE, true, "", 0);
	ck_assert_int_eq(next(), WS_EV_CLOSE);
	ck_assert_uint_eq(ev.code, WS_CODE_NONE);
	add(WS_TEXT, true, "x", 1);
	ck_assert_int_eq(next(), WS_EV_MORE);
	fresh(WS_SERVER, 100, 100);
	add(WS_CLOSE, true, "\x03", 1);
	expect_error(WS_CODE_PROTOCOL);
	fresh(WS_SERVER, 100, 100);
	add(WS_CLOSE, true, "\x03\xe8\xff", 3);
	expect_error(WS_CODE_BAD_DATA);
	fresh(WS_SERVER, 100, 100);
	add(WS_CLOSE, true, "\x03\xe8" "a\xc3", 4);
	expect_error(WS_CODE_BAD_DATA);
	for (code = 0; code <= 0xffff; code++) {
		bool	good = (code >= 1000 && code <= 1003) ||
		    (code >= 1007 && code <= 1014) ||
		    (code >= 3000 && code <= 4999);

		ck_assert_int_eq(ws_code_valid((uint16_t)code), good);
		fresh(WS_SERVER, 100, 100);
		n = ws_close_payload(body, (uint16_t)code, "why");
		if (n == 0)
			continue;
		add(WS_CLOSE, true, body, n);
		ck_assert_int_eq(next(), good ? WS_EV_CLOSE : WS_EV_ERROR);
		if (good)
			ck_assert(ev.code == code && ev.len == 3 &&
			    memcmp(ev.data, "why", 3) == 0);
	}
}
END_TEST

START_TEST(close_reason_fits)
{
	uint8_t	body[WS_CONTROL_MAX];
	char	reason[200];

	memset(reason, 'r', sizeof(reason));
	reason[199] = '\0';
	ck_assert_uint_eq(ws_close_payload(body, 1000, reason), 125);
	/* a character on the edge is left out whole */
	memcpy(reason + 121, "\xf0\x9d\x84\x9e", 4);
	ck_assert_uint_eq(ws_close_payload(body, 1000, reason), 123);
	reason[123] = '\0';
	ck_assert_uint_eq(ws_close_payload(body, 1000, ""), 2);
	ck_assert_uint_eq(ws_close_payload(body, WS_CODE_NONE, "x"), 0);
}
END_TEST

START_TEST(masks)
{
	uint8_t	src[100], one[100], two[100];
	size_t	n, phase, i;
	bool	ascii;

	for (i = 0; i < sizeof(src); i++)
		src[i] = (uint8_t)(i * 7);
	for (n = 0; n <= 60; n++) {
		for (phase = 0; phase < 8; phase++) {
			ws_mask(one, src, n, key, phase);
			for (i = 0; i < n; i++)
				two[i] = src[i] ^ key[(phase + i) % 4];
			ck_assert(memcmp(one, two, n) == 0);
			ascii = ws_mask(two, one, n, key, phase);
			ck_assert(memcmp(two, src, n) == 0);
			for (i = 0; i < n && src[i] < 0x80; i++)
				;
			ck_assert_int_eq(ascii, i == n);
		}
	}
}
END_TEST

/* A stream in two pieces, cut at every place, gives what it gives whole. */
START_TEST(cut_anywhere)
{
	static uint8_t	stream[400];
	size_t		total, cut, sum;
	int		messages, pings;

	fresh(WS_SERVER, 1000, 1000);
	add(WS_TEXT, false, "h\xc3\xa9llo", 6);
	add(WS_PING, true, "ping", 4);
	add(WS_CONT, true, " world", 6);
	add(WS_BINARY, true, stream, 130);
	add(WS_CLOSE, true, "\x03\xe8" "bye", 5);
	total = len;
	memcpy(stream, buf, total);
	for (cut = 0; cut <= total; cut++) {
		size_t	fed = cut;

		fresh(WS_SERVER, 1000, 1000);
		messages = pings = 0;
		sum = 0;
		raw(stream, cut);
		do {
			if (next() == WS_EV_MORE) {
				ck_assert_uint_eq(len, 0);
				ck_assert_uint_lt(fed, total);
				raw(stream + fed, total - fed);
				fed = total;
				continue;
			}
			ck_assert_int_ne(ev.type, WS_EV_ERROR);
			messages += ev.type == WS_EV_DATA && ev.last;
			pings += ev.type == WS_EV_PING && ev.len == 4 &&
			    memcmp(ev.data, "ping", 4) == 0;
			if (ev.type == WS_EV_DATA)
				sum += ev.len;
		} while (ev.type != WS_EV_CLOSE);
		ck_assert_int_eq(messages, 2);
		ck_assert_int_eq(pings, 1);
		ck_assert_uint_eq(sum, 142);
		ck_assert(ev.code == 1000 && ev.len == 3);
	}
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("ws");

	tcase_add_test(tc, in_place);
	tcase_add_test(tc, rfc_example);
	tcase_add_test(tc, lengths);
	tcase_add_test(tc, not_shortest);
	tcase_add_test(tc, bad_headers);
	tcase_add_test(tc, caps);
	tcase_add_test(tc, fragments);
	tcase_add_test(tc, text_over_fragments);
	tcase_add_test(tc, closes);
	tcase_add_test(tc, close_reason_fits);
	tcase_add_test(tc, masks);
	tcase_add_test(tc, cut_anywhere);
	return (suite_run("ws", tc));
}
