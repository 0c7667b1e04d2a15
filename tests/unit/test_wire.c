/* SPDX-License-Identifier: ISC */
/* Typed values on the wire: exact bytes, every cut, every cap. */
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "common/wire.h"
#include "tests/unit/suite.h"

/* One of each kind. */
static void
put_all(struct wire_put *w)
{
	put_u8(w, 0x01);
	put_u16(w, 0x0302);
	put_u32(w, 0x07060504);
	put_u64(w, 0x0f0e0d0c0b0a0908);
	put_i32(w, -2);
	put_bool(w, true);
	put_bool(w, false);
	put_str(w, "abc");
	put_bytes(w, "\0\xff", 2);
	put_raw(w, "raw", 3);
}

static const uint8_t all[] = {
	1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
	0xfe, 0xff, 0xff, 0xff, 1, 0, 3, 0, 'a', 'b', 'c',
	2, 0, 0, 0, 0, 0xff, 'r', 'a', 'w'
};

START_TEST(exact_bytes)
{
	uint8_t buf[64];
	struct wire_put w;

	wire_put_init(&w, buf, sizeof(buf));
	put_all(&w);
	ck_assert(!w.bad);
	ck_assert_uint_eq(w.len, sizeof(all));
	ck_assert_mem_eq(buf, all, sizeof(all));
}
END_TEST

/* Read what put_all() wrote without its raw tail; true if all was right. */
static bool
get_all(struct wire_get *r)
{
	struct span s, b;
	bool ok = true;

	ok &= get_u8(r) == 0x01;
	ok &= get_u16(r) == 0x0302;
	ok &= get_u32(r) == 0x07060504;
	ok &= get_u64(r) == 0x0f0e0d0c0b0a0908;
	ok &= get_i32(r) == -2;
	ok &= get_bool(r);
	ok &= !get_bool(r);
	s = get_span(r, 3);
	b = get_bytes(r);
	ok &= span_eq(s, span_str("abc"));
	ok &= b.len == 2 && memcmp(b.p, "\0\xff", 2) == 0;
	return (ok && get_done(r));
}

START_TEST(every_cut)
{
	size_t len = sizeof(all) - 3, i;
	struct wire_get r;
	uint8_t *copy;

	for (i = 0; i <= len + 1; i++) {
		/* Memory of that size, so that a sanitizer sees each overrun. */
		ck_assert_ptr_nonnull(copy = malloc(i + 1));
		memcpy(copy, all, i);
		wire_get_init(&r, copy, i);
		ck_assert(get_all(&r) == (i == len));
		ck_assert(r.bad == (i < len));
		ck_assert(r.p <= r.end);
		free(copy);
	}
}
END_TEST

/* A fixed buffer of every size: never overrun, and the error sticks. */
START_TEST(every_room)
{
	uint8_t buf[sizeof(all) + 1];
	struct wire_put w;
	size_t i;

	for (i = 0; i <= sizeof(all); i++) {
		memset(buf, 0xaa, sizeof(buf));
		wire_put_init(&w, buf, i);
		put_all(&w);
		ck_assert(w.bad == (i < sizeof(all)));
		ck_assert_uint_le(w.len, i);
		ck_assert_uint_eq(buf[i], 0xaa);
		ck_assert_mem_eq(buf, all, w.len);
	}
}
END_TEST

static bool
grow_once(struct wire_put *w, size_t need)
{
	int *left = w->arg;

	if ((*left)-- == 0)
		return (false);
	w->size += need;
	return (true);
}

/* One that lies: it says there is room and makes none. */
static bool
grow_lie(struct wire_put *w, size_t need)
{
	(void)w;
	(void)need;
	return (true);
}

START_TEST(growing)
{
	uint8_t buf[64];
	struct wire_put w;
	int left;

	left = 100;
	wire_put_init(&w, buf, 0);
	w.grow = grow_once;
	w.arg = &left;
	put_all(&w);
	ck_assert(!w.bad);
	ck_assert_mem_eq(buf, all, sizeof(all));

	left = 1;
	wire_put_init(&w, buf, 0);
	w.grow = grow_once;
	w.arg = &left;
	put_u32(&w, 1);
	ck_assert(!w.bad);
	put_u32(&w, 2);
	ck_assert(w.bad);
	ck_assert_uint_eq(w.len, 4);

	wire_put_init(&w, buf, 0);
	w.grow = grow_lie;
	put_u8(&w, 1);
	ck_assert(w.bad);
	ck_assert_uint_eq(w.len, 0);
}
END_TEST

START_TEST(put_errors_stick)
{
	uint8_t buf[8];
	struct wire_put w;

	wire_put_init(&w, buf, sizeof(buf));
	put_u64(&w, 1);
	put_u8(&w, 1);
	ck_assert(w.bad);
	w.len = 0;
	put_u8(&w, 1);
	ck_assert(w.bad);
	ck_assert_uint_eq(w.len, 0);
	ck_assert_ptr_null(put_bytes_reserve(&w, 0));
}
END_TEST

static char long_text[UINT16_MAX + 2];

START_TEST(put_over_what_was_put)
{
	uint8_t buf[8];
	struct wire_put w;
	size_t off;

	wire_put_init(&w, buf, sizeof(buf));
	put_u32(&w, 0);
	put_u8(&w, 9);
	put_u16_at(&w, 1, 0x0302);
	put_bool_at(&w, 0, true);
	put_bool_at(&w, 4, false);
	ck_assert(!w.bad);
	ck_assert_uint_eq(w.len, 5);
	ck_assert_mem_eq(buf, "\1\2\3\0\0", 5);
	/* Not past what was written, though the buffer has room. */
	for (off = 4; off < 8; off++) {
		w.bad = false;
		put_u16_at(&w, off, 0x0707);
		ck_assert(w.bad);
		w.bad = false;
		put_bool_at(&w, off + 1, true);
		ck_assert(w.bad);
	}
	put_u16_at(&w, 0, 0x0707);
	put_bool_at(&w, 0, false);
	ck_assert_mem_eq(buf, "\1\2\3\0\0", 5);
	w.bad = false;
	put_u16_at(&w, SIZE_MAX, 0);
	ck_assert(w.bad);
}
END_TEST

START_TEST(strings_to_put)
{
	static uint8_t buf[UINT16_MAX + 8];
	struct wire_put w;

	memset(long_text, 'x', sizeof(long_text) - 1);
	wire_put_init(&w, buf, sizeof(buf));
	put_span(&w, (struct span){ long_text, UINT16_MAX });
	ck_assert(!w.bad);
	ck_assert_uint_eq(w.len, UINT16_MAX + 2);

	wire_put_init(&w, buf, sizeof(buf));
	put_str(&w, long_text);		/* one byte more */
	ck_assert(w.bad);
	ck_assert_uint_eq(w.len, 0);

	wire_put_init(&w, buf, sizeof(buf));
	put_span(&w, (struct span){ "a\0b", 3 });
	ck_assert(w.bad);
	wire_put_init(&w, buf, sizeof(buf));
	put_span(&w, (struct span){ "\0", 1 });
	ck_assert(w.bad);
	wire_put_init(&w, buf, sizeof(buf));
	put_span(&w, (struct span){ NULL, 0 });
	ck_assert(!w.bad);
	ck_assert_uint_eq(w.len, 2);
}
END_TEST

/* A length that the buffer cannot hold is refused before anything is read. */
START_TEST(strings_to_get)
{
	static const struct {
		const char	*bytes;
		size_t		 len;
		size_t		 max;
		bool		 ok;
	} cases[] = {
		{ "\0\0", 2, 0, true },
		{ "\1\0a", 3, 1, true },
		{ "\1\0a", 3, 0, false },	/* over max */
		{ "\2\0a", 3, 9, false },	/* cut */
		{ "\1\0\0", 3, 9, false },	/* NUL */
		{ "\2\0a\0", 4, 9, false },
		{ "\3\0a\0b", 5, 9, false },
		{ "\xff\xff", 2, SIZE_MAX, false },
		{ "\1", 1, 9, false },
		{ "", 0, 9, false },
	};
	struct wire_get r;
	struct span s;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		wire_get_init(&r, cases[i].bytes, cases[i].len);
		s = get_span(&r, cases[i].max);
		ck_assert_msg(r.bad == !cases[i].ok, "case %zu", i);
		if (!cases[i].ok)
			ck_assert_uint_eq(s.len, 0);
		ck_assert_ptr_nonnull(s.p);
	}
}
END_TEST

START_TEST(strings_to_copy)
{
	struct wire_get r;
	char buf[4];

	memset(buf, 'x', sizeof(buf));
	wire_get_init(&r, "\3\0abc", 5);
	get_str(&r, buf, sizeof(buf));
	ck_assert(get_done(&r));
	ck_assert_str_eq(buf, "abc");

	memset(buf, 'x', sizeof(buf));
	wire_get_init(&r, "\4\0abcd", 6);
	get_str(&r, buf, sizeof(buf));
	ck_assert(r.bad);
	ck_assert_str_eq(buf, "");

	/* After an error it is empty too. */
	memset(buf, 'x', sizeof(buf));
	get_str(&r, buf, sizeof(buf));
	ck_assert_str_eq(buf, "");
}
END_TEST

START_TEST(booleans)
{
	struct wire_get r;
	uint8_t v;
	int i;

	for (i = 0; i <= UINT8_MAX; i++) {
		v = (uint8_t)i;
		wire_get_init(&r, &v, 1);
		ck_assert(get_bool(&r) == (i == 1));
		ck_assert(r.bad == (i > 1));
	}
}
END_TEST

START_TEST(bytes_to_get)
{
	static const struct {
		const char	*bytes;
		size_t		 len;
		bool		 ok;
	} cases[] = {
		{ "\0\0\0\0", 4, true },
		{ "\1\0\0\0\0", 5, true },
		{ "\1\0\0\0", 4, false },
		{ "\xff\xff\xff\xff", 4, false },
		{ "\xff\xff\xff\x7f" "abc", 7, false },
		{ "\0\0\0", 3, false },
	};
	struct wire_get r;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		wire_get_init(&r, cases[i].bytes, cases[i].len);
		(void)get_bytes(&r);
		ck_assert_msg(get_done(&r) == cases[i].ok, "case %zu", i);
	}
}
END_TEST

/* A count is checked against what could follow before memory is asked for. */
START_TEST(counts)
{
	static const struct {
		const char	*bytes;
		size_t		 len;
		uint16_t	 max;
		size_t		 item;
		int		 want;		/* -1: an error */
	} cases[] = {
		{ "\0\0", 2, 0, 1, 0 },
		{ "\0\0", 2, 9, 4, 0 },
		{ "\2\0abcd", 6, 2, 2, 2 },
		{ "\2\0abcd", 6, 1, 2, -1 },	/* over max */
		{ "\3\0abcd", 6, 9, 2, -1 },	/* items cut */
		{ "\2\0abc", 5, 9, 2, -1 },
		{ "\1\0", 2, 9, 1, -1 },
		{ "\xff\xff", 2, UINT16_MAX, 1, -1 },
		{ "\xff\xff" "aaaa", 6, UINT16_MAX, SIZE_MAX, -1 },
		{ "\1", 1, 9, 1, -1 },
	};
	struct wire_get r;
	uint16_t n;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		wire_get_init(&r, cases[i].bytes, cases[i].len);
		n = get_count(&r, cases[i].max, cases[i].item);
		ck_assert_msg(r.bad == (cases[i].want == -1), "case %zu", i);
		ck_assert_int_eq(n, cases[i].want == -1 ? 0 : cases[i].want);
	}
}
END_TEST

/* After an error all gets give nothing, whatever the bytes are. */
START_TEST(get_errors_stick)
{
	static const uint8_t ff[64] = { 0xff, 0xff, 0xff };
	struct wire_get r;
	struct span s;

	wire_get_init(&r, ff, sizeof(ff));
	r.bad = true;
	ck_assert_uint_eq(get_u8(&r), 0);
	ck_assert_uint_eq(get_u16(&r), 0);
	ck_assert_uint_eq(get_u32(&r), 0);
	ck_assert_uint_eq(get_u64(&r), 0);
	ck_assert_int_eq(get_i32(&r), 0);
	ck_assert(!get_bool(&r));
	s = get_span(&r, 100);
	ck_assert_uint_eq(s.len, 0);
	s = get_bytes(&r);
	ck_assert_uint_eq(s.len, 0);
	ck_assert_uint_eq(get_count(&r, 100, 1), 0);
	ck_assert(r.bad);
	ck_assert(!get_done(&r));
	ck_assert_ptr_eq(r.p, ff);
}
END_TEST

/* A rest, even of one byte, is an error of who decodes. */
START_TEST(done_means_all)
{
	struct wire_get r;

	wire_get_init(&r, "ab", 2);
	ck_assert(!get_done(&r));
	(void)get_u8(&r);
	ck_assert(!get_done(&r));
	(void)get_u8(&r);
	ck_assert(get_done(&r));
	wire_get_init(&r, "", 0);
	ck_assert(get_done(&r));
}
END_TEST

START_TEST(integers)
{
	static const int32_t values[] = { 0, 1, -1, INT32_MAX, INT32_MIN };
	uint8_t buf[16];
	struct wire_put w;
	struct wire_get r;
	size_t i;

	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		wire_put_init(&w, buf, sizeof(buf));
		put_i32(&w, values[i]);
		put_u64(&w, UINT64_MAX - i);
		wire_get_init(&r, buf, w.len);
		ck_assert_int_eq(get_i32(&r), values[i]);
		ck_assert_uint_eq(get_u64(&r), UINT64_MAX - i);
		ck_assert(get_done(&r));
	}
}
END_TEST

START_TEST(spans)
{
	char buf[4];

	ck_assert(span_eq(span_str(""), (struct span){ NULL, 0 }));
	ck_assert(span_eq((struct span){ "a\0b", 3 }, (struct span){ "a\0b", 3 }));
	ck_assert(!span_eq((struct span){ "a\0b", 3 },
	    (struct span){ "a\0c", 3 }));
	ck_assert(!span_eq(span_str("a"), span_str("ab")));
	ck_assert(!span_eq(span_str("a"), span_str("A")));
	ck_assert(span_copy(span_str("abc"), buf, sizeof(buf)));
	ck_assert_str_eq(buf, "abc");
	ck_assert(!span_copy(span_str("abcd"), buf, sizeof(buf)));
	ck_assert_str_eq(buf, "");
	ck_assert(span_copy((struct span){ NULL, 0 }, buf, 1));
	ck_assert(!span_copy(span_str("a"), buf, 0));
	ck_assert(!span_copy(span_str(""), buf, 0));
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("wire");

	tcase_add_test(tc, exact_bytes);
	tcase_add_test(tc, every_cut);
	tcase_add_test(tc, every_room);
	tcase_add_test(tc, growing);
	tcase_add_test(tc, put_errors_stick);
	tcase_add_test(tc, put_over_what_was_put);
	tcase_add_test(tc, strings_to_put);
	tcase_add_test(tc, strings_to_get);
	tcase_add_test(tc, strings_to_copy);
	tcase_add_test(tc, booleans);
	tcase_add_test(tc, bytes_to_get);
	tcase_add_test(tc, counts);
	tcase_add_test(tc, get_errors_stick);
	tcase_add_test(tc, done_means_all);
	tcase_add_test(tc, integers);
	tcase_add_test(tc, spans);
	return (suite_run("wire", tc));
}
