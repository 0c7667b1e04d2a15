/* SPDX-License-Identifier: ISC */
/* The one encoding of a service: round trips, every cut, every cap. */
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "common/service.h"
#include "tests/unit/suite.h"

#define BUF_SIZE	(1U << 20)

static uint8_t *buf;

static void
setup(void)
{
	ck_assert_ptr_nonnull(buf = malloc(BUF_SIZE));
}

static void
teardown(void)
{
	free(buf);
}

/* A service of n methods and labels, to be cleared. */
static void
make(struct service *s, uint16_t n_methods, uint16_t n_labels)
{
	uint16_t i;

	service_init(s);
	strlcpy(s->name, "blog", sizeof(s->name));
	strlcpy(s->version, "1.2.3-rc.1", sizeof(s->version));
	s->weight = 7;
	s->max_concurrency = 9;
	s->visibility = VISIBILITY_MAIN;
	s->healthy = false;
	s->methods = calloc(n_methods + 1U, sizeof(*s->methods));
	s->labels = calloc(n_labels + 1U, sizeof(*s->labels));
	s->n_methods = n_methods;
	s->n_labels = n_labels;
	for (i = 0; i < n_methods; i++) {
		snprintf(s->methods[i].name, sizeof(s->methods[i].name),
		    "method%u", i);
		s->methods[i].idempotent = (i & 1) != 0;
		s->methods[i].timeout_ms = i;
	}
	for (i = 0; i < n_labels; i++) {
		snprintf(s->labels[i].key, sizeof(s->labels[i].key), "k%u", i);
		snprintf(s->labels[i].value, sizeof(s->labels[i].value), "v%u",
		    i);
	}
}

static size_t
encode(const struct service *s)
{
	struct wire_put w;

	wire_put_init(&w, buf, BUF_SIZE);
	put_service(&w, s);
	ck_assert(!w.bad);
	return (w.len);
}

/* Decode len bytes at p; true if all was right. */
static bool
decode_at(const uint8_t *p, size_t len, struct service *s)
{
	struct wire_get r;

	wire_get_init(&r, p, len);
	get_service(&r, s);
	return (get_done(&r));
}

static void
assert_same(const struct service *a, const struct service *b)
{
	uint16_t i;

	ck_assert_str_eq(a->name, b->name);
	ck_assert_str_eq(a->version, b->version);
	ck_assert_uint_eq(a->weight, b->weight);
	ck_assert_uint_eq(a->max_concurrency, b->max_concurrency);
	ck_assert_int_eq(a->visibility, b->visibility);
	ck_assert(a->healthy == b->healthy);
	ck_assert_uint_eq(a->n_methods, b->n_methods);
	ck_assert_uint_eq(a->n_labels, b->n_labels);
	for (i = 0; i < a->n_methods; i++) {
		ck_assert_str_eq(a->methods[i].name, b->methods[i].name);
		ck_assert(a->methods[i].idempotent ==
		    b->methods[i].idempotent);
		ck_assert_uint_eq(a->methods[i].timeout_ms,
		    b->methods[i].timeout_ms);
	}
	for (i = 0; i < a->n_labels; i++) {
		ck_assert_str_eq(a->labels[i].key, b->labels[i].key);
		ck_assert_str_eq(a->labels[i].value, b->labels[i].value);
	}
}

START_TEST(round_trip)
{
	static const uint16_t sizes[][2] = {
		{ 0, 0 }, { 1, 0 }, { 0, 1 }, { 3, 2 },
		{ LIMIT_METHODS, LIMIT_LABELS },
	};
	struct service a, b;
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		make(&a, sizes[i][0], sizes[i][1]);
		ck_assert(decode_at(buf, encode(&a), &b));
		assert_same(&a, &b);
		service_clear(&a);
		service_clear(&b);
	}
}
END_TEST

START_TEST(least_size)
{
	struct service s;

	make(&s, 0, 0);
	/* Names are never empty, so no real one is as small as this. */
	ck_assert_uint_eq(encode(&s), SERVICE_WIRE_MIN + strlen(s.name) +
	    strlen(s.version));
	service_clear(&s);
}
END_TEST

START_TEST(every_cut)
{
	struct service a, b;
	size_t i, len;
	uint8_t *copy;

	make(&a, 3, 2);
	len = encode(&a);
	for (i = 0; i < len; i++) {
		ck_assert_ptr_nonnull(copy = malloc(i + 1));
		memcpy(copy, buf, i);
		ck_assert(!decode_at(copy, i, &b));
		service_clear(&b);
		free(copy);
	}
	ck_assert(!decode_at(buf, len + 1, &b));
	service_clear(&b);
	service_clear(&a);
}
END_TEST

/* One field of a good service made bad, or still good. */
START_TEST(fields)
{
	struct service a, b;
	struct {
		uint32_t	weight, concurrency, timeout;
		unsigned int	visibility;
		const char	*name, *version, *method;
		bool		ok;
	} cases[] = {
		{ 1, 0, 0, 1, "a", "0.0.0", "m", true },
		{ LIMIT_WEIGHT, LIMIT_CONCURRENCY, LIMIT_TIMEOUT_MAX_MS, 3,
		    "A.b-c_9", "1.0.0+x", "m", true },
		{ 0, 0, 0, 1, "a", "0.0.0", "m", false },
		{ LIMIT_WEIGHT + 1, 0, 0, 1, "a", "0.0.0", "m", false },
		{ UINT32_MAX, 0, 0, 1, "a", "0.0.0", "m", false },
		{ 1, LIMIT_CONCURRENCY + 1, 0, 1, "a", "0.0.0", "m", false },
		{ 1, 0, LIMIT_TIMEOUT_MAX_MS + 1, 1, "a", "0.0.0", "m", false },
		{ 1, 0, 0, 0, "a", "0.0.0", "m", false },
		{ 1, 0, 0, 4, "a", "0.0.0", "m", false },
		{ 1, 0, 0, 255, "a", "0.0.0", "m", false },
		{ 1, 0, 0, 1, "", "0.0.0", "m", false },
		{ 1, 0, 0, 1, "a b", "0.0.0", "m", false },
		{ 1, 0, 0, 1, "a", "", "m", false },
		{ 1, 0, 0, 1, "a", "1.0", "m", false },
		{ 1, 0, 0, 1, "a", "0.0.0", "", false },
		{ 1, 0, 0, 1, "a", "0.0.0", "m/n", false },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make(&a, 1, 0);
		a.weight = cases[i].weight;
		a.max_concurrency = cases[i].concurrency;
		a.visibility = (enum visibility)cases[i].visibility;
		a.methods[0].timeout_ms = cases[i].timeout;
		strlcpy(a.name, cases[i].name, sizeof(a.name));
		strlcpy(a.version, cases[i].version, sizeof(a.version));
		strlcpy(a.methods[0].name, cases[i].method,
		    sizeof(a.methods[0].name));
		ck_assert_msg(decode_at(buf, encode(&a), &b) == cases[i].ok,
		    "case %zu", i);
		service_clear(&a);
		service_clear(&b);
	}
}
END_TEST

/* Strings one byte too long for their fields. */
START_TEST(long_strings)
{
	static const size_t max[] = {
		LIMIT_SERVICE_NAME, LIMIT_VERSION, LIMIT_METHOD_NAME,
		LIMIT_LABEL, LIMIT_LABEL
	};
	char text[5][LIMIT_SERVICE_NAME + LIMIT_LABEL];
	struct wire_put w;
	struct service s;
	int which, i;

	/* which: the one that is too long; -1: all as long as they may be. */
	for (which = -1; which < 5; which++) {
		for (i = 0; i < 5; i++) {
			memset(text[i], 'a', sizeof(text[i]));
			text[i][max[i] + (i == which)] = '\0';
		}
		memcpy(text[1], "1.0.0-", 6);
		wire_put_init(&w, buf, BUF_SIZE);
		put_str(&w, text[0]);
		put_str(&w, text[1]);
		put_u32(&w, 1);
		put_u32(&w, 0);
		put_u8(&w, 1);
		put_bool(&w, true);
		put_u16(&w, 1);
		put_str(&w, text[2]);
		put_bool(&w, true);
		put_u32(&w, 0);
		put_u16(&w, 1);
		put_str(&w, text[3]);
		put_str(&w, text[4]);
		ck_assert_msg(decode_at(buf, w.len, &s) == (which == -1),
		    "string %d", which);
		service_clear(&s);
	}
}
END_TEST

/* Counts over the cap, though all the items are there. */
START_TEST(too_many)
{
	struct service a, b;

	make(&a, LIMIT_METHODS + 1, 0);
	ck_assert(!decode_at(buf, encode(&a), &b));
	ck_assert_ptr_null(b.methods);
	service_clear(&a);
	service_clear(&b);
	make(&a, 0, LIMIT_LABELS + 1);
	ck_assert(!decode_at(buf, encode(&a), &b));
	ck_assert_ptr_null(b.labels);
	service_clear(&a);
	service_clear(&b);
}
END_TEST

/* A count without its items costs no memory. */
START_TEST(count_without_items)
{
	struct service a, b;
	size_t len;

	make(&a, 0, 0);
	len = encode(&a);
	buf[len - 4] = LIMIT_METHODS - 1;
	ck_assert(!decode_at(buf, len, &b));
	ck_assert_ptr_null(b.methods);
	service_clear(&b);
	len = encode(&a);
	buf[len - 2] = LIMIT_LABELS;
	ck_assert(!decode_at(buf, len, &b));
	ck_assert_ptr_null(b.labels);
	service_clear(&b);
	service_clear(&a);
}
END_TEST

START_TEST(booleans)
{
	struct service a, b;
	size_t len, at;
	unsigned int v;

	make(&a, 0, 0);
	at = 2 + strlen(a.name) + 2 + strlen(a.version) + 4 + 4 + 1;
	for (v = 0; v < 256; v++) {
		len = encode(&a);
		buf[at] = (uint8_t)v;
		ck_assert(decode_at(buf, len, &b) == (v < 2));
		service_clear(&b);
	}
	service_clear(&a);
}
END_TEST

START_TEST(defaults)
{
	struct service s;

	service_init(&s);
	ck_assert_str_eq(s.name, "");
	ck_assert_str_eq(s.version, "0.0.0");
	ck_assert_uint_eq(s.weight, 1);
	ck_assert_uint_eq(s.max_concurrency, 0);
	ck_assert_int_eq(s.visibility, VISIBILITY_FEDERATION);
	ck_assert(s.healthy);
	service_clear(&s);
	service_clear(&s);
}
END_TEST

/* A copy shares nothing. */
START_TEST(copies)
{
	struct service a, b;

	make(&a, 3, 2);
	service_copy(&b, &a);
	assert_same(&a, &b);
	ck_assert_ptr_ne(a.methods, b.methods);
	ck_assert_ptr_ne(a.labels, b.labels);
	service_clear(&a);
	ck_assert_str_eq(b.methods[2].name, "method2");
	service_clear(&b);
	make(&a, 0, 0);
	service_copy(&b, &a);
	service_clear(&a);
	service_clear(&b);
}
END_TEST

START_TEST(methods)
{
	struct service s;

	make(&s, 3, 0);
	ck_assert_ptr_eq(service_method(&s, span_str("method1")),
	    &s.methods[1]);
	ck_assert_ptr_null(service_method(&s, span_str("method")));
	ck_assert_ptr_null(service_method(&s, span_str("method10")));
	ck_assert_ptr_null(service_method(&s, span_str("Method1")));
	ck_assert_ptr_null(service_method(&s, span_str("")));
	ck_assert_ptr_null(service_method(&s,
	    (struct span){ "method1\0", 8 }));
	ck_assert(service_takes(&s, span_str("method0")));
	ck_assert(!service_takes(&s, span_str("other")));
	service_clear(&s);
	/* Without a list it takes any. */
	make(&s, 0, 0);
	ck_assert(service_takes(&s, span_str("other")));
	ck_assert_ptr_null(service_method(&s, span_str("other")));
	service_clear(&s);
}
END_TEST

int
main(void)
{
	TCase *tc = tcase_create("service");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, round_trip);
	tcase_add_test(tc, least_size);
	tcase_add_test(tc, every_cut);
	tcase_add_test(tc, fields);
	tcase_add_test(tc, long_strings);
	tcase_add_test(tc, too_many);
	tcase_add_test(tc, count_without_items);
	tcase_add_test(tc, booleans);
	tcase_add_test(tc, defaults);
	tcase_add_test(tc, copies);
	tcase_add_test(tc, methods);
	return (suite_run("service", tc));
}
