/* SPDX-License-Identifier: ISC */
/* Discovery between Mains: rows, and how long they can be. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "relay-router/discovery.h"
#include "tests/unit/discovery_fixture.h"
#include "tests/unit/suite.h"

/* --- rows --- */

/* A service with everything that is no default. */
static void
full_service(struct service *s, const char *name)
{
	service_init(s);
	ck_assert(span_copy(span_str(name), s->name, sizeof(s->name)));
	memcpy(s->version, "1.2.3-a+b", 10);
	s->weight = 1000;
	s->max_concurrency = 65535;
	s->healthy = false;
	s->n_methods = 3;
	s->methods = calloc(3, sizeof(*s->methods));
	memcpy(s->methods[0].name, "say", 4);
	memcpy(s->methods[1].name, "get", 4);
	s->methods[1].idempotent = true;
	memcpy(s->methods[2].name, "put", 4);
	s->methods[2].timeout_ms = 1;
	s->n_labels = 2;
	s->labels = calloc(2, sizeof(*s->labels));
	memcpy(s->labels[0].key, "q\"\\/", 5);
	memcpy(s->labels[0].value, "\xc3\xa9\x7f", 4);
	memcpy(s->labels[1].value, "x", 2);
}

static void
same_service(const struct service *a, const struct service *b)
{
	uint8_t		 one[4096], two[4096];
	struct wire_put	 w, x;

	wire_put_init(&w, one, sizeof(one));
	wire_put_init(&x, two, sizeof(two));
	put_service(&w, a);
	put_service(&x, b);
	ck_assert(!w.bad && !x.bad);
	ck_assert_uint_eq(w.len, x.len);
	ck_assert_mem_eq(one, two, w.len);
}

static void
put_three(const struct discovery *d, struct service services[2])
{
	struct discovery_row	 row = { .node_id = "alice" };

	text_reset(&text);
	discovery_put_begin(&text, d, "[\"cancel\"]");
	row.services = services;
	row.n = 2;
	discovery_put_row(&text, 0, &row);
	memcpy(row.node_id, "bob.x", 6);
	row.n = 0;
	discovery_put_row(&text, 1, &row);
	memcpy(row.node_id, "carol", 6);
	row.deleted = d->op == DISCOVERY_DELTA;
	discovery_put_row(&text, 2, &row);
	discovery_put_end(&text);
}

static void
check_three(struct service services[2], bool deleted)
{
	struct discovery_rows	 rows;
	struct discovery_row	 row;

	discovery_rows_begin(&rows, &got, MAIN);
	ck_assert_int_eq(discovery_rows_next(&rows, &row), 1);
	ck_assert_str_eq(row.node_id, "alice");
	ck_assert_uint_eq(row.n, 2);
	same_service(&row.services[0], &services[0]);
	same_service(&row.services[1], &services[1]);
	discovery_row_free(&row);
	ck_assert_int_eq(discovery_rows_next(&rows, &row), 1);
	ck_assert_str_eq(row.node_id, "bob.x");
	ck_assert(row.n == 0 && !row.deleted);
	discovery_row_free(&row);
	ck_assert_int_eq(discovery_rows_next(&rows, &row), 1);
	ck_assert(row.deleted == deleted);
	discovery_row_free(&row);
	ck_assert_int_eq(discovery_rows_next(&rows, &row), 0);
}

START_TEST(rows_again)
{
	struct discovery	 d = { .op = DISCOVERY_SNAPSHOT };
	struct service		 services[2];

	full_service(&services[0], "blog");
	service_init(&services[1]);
	memcpy(services[1].name, "x", 2);
	d.epoch = 0xa1;
	d.seq = 12;
	d.part = UINT32_MAX;
	d.last = true;
	put_three(&d, services);
	ck_assert_msg(read_span(text_get(&text)), "%s", why);
	ck_assert(got.op == d.op && got.epoch == d.epoch && got.seq == d.seq);
	ck_assert(got.part == d.part && got.last);
	ck_assert_uint_eq(got.n_rows, 3);
	check_three(services, false);
	d.op = DISCOVERY_DELTA;
	put_three(&d, services);
	ck_assert_msg(read_span(text_get(&text)), "%s", why);
	ck_assert_int_eq(got.op, DISCOVERY_DELTA);
	check_three(services, true);
	service_clear(&services[0]);
}
END_TEST

START_TEST(good_rows)
{
	static const char *const good[] = {
		"",
		"{\"node_id\":\"A.B\",\"services\":[]}",
		"{\"node_id\":\"a\",\"services\":[],\"deleted\":false}",
		"{\"node_id\":\"a\",\"services\":[],\"main_relay\":\"" MAIN "\"}",
		"{\"node_id\":\"a\",\"services\":[],"
		    "\"main_relay\":\"Relay-B.example.com\"}",
		"{\"node_id\":\"a\",\"services\":[],\"main_relay\":\"\"}",
		"{\"node_id\":\"a\",\"services\":[],\"main_relay\":null}",
		"{\"x\":1,\"x\":2,\"node_id\":\"a\",\"services\":["
		    "{\"service_name\":\"s\",\"methods\":null,\"weight\":0,"
		    "\"labels\":{},\"visibility\":\"private\",\"z\":[[]]}]}",
	};
	struct discovery_rows	 rows;
	size_t			 i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ck_assert(read_nodes(true, good[i]));
		ck_assert_msg(walk(&rows) == (i == 0 ? 0 : 1), "%s: %s",
		    good[i], rows.why);
	}
}
END_TEST

/* What a Main's homes offer is for the federation, whatever it says. */
START_TEST(visibility_is_not_said)
{
	struct discovery_rows	 rows;
	struct discovery_row	 row;

	ck_assert(read_nodes(false, "{\"node_id\":\"a\",\"services\":["
	    "{\"service_name\":\"s\",\"visibility\":\"private\"}]}"));
	discovery_rows_begin(&rows, &got, MAIN);
	ck_assert_int_eq(discovery_rows_next(&rows, &row), 1);
	ck_assert_int_eq(row.services[0].visibility, VISIBILITY_FEDERATION);
	discovery_row_free(&row);
}
END_TEST

#define SERVICE(members) "{\"node_id\":\"a\",\"services\":[" \
	"{\"service_name\":\"good\",\"methods\":[\"m\"],\"labels\":{\"a\":\"b\"}}," \
	"{\"service_name\":\"s\"" members "}]}"

static const struct {
	const char	*row;
	bool		 snapshot;
	bool		 foreign;
} bad_rows[] = {
	{ "1", false, false }, { "null", false, false },
	{ "\"a\"", false, false }, { "[]", false, false },
	{ "{}", false, false },
	{ "{\"services\":[]}", false, false },
	{ "{\"node_id\":\"a\"}", false, false },
	{ "{\"node_id\":\"a\",\"deleted\":false}", false, false },
	{ "{\"node_id\":\"a\",\"services\":null}", false, false },
	{ "{\"node_id\":\"a\",\"services\":{}}", false, false },
	{ "{\"node_id\":\"a\",\"services\":\"blog\"}", false, false },
	{ "{\"node_id\":\"a\",\"services\":[\"blog\"]}", false, false },
	{ "{\"node_id\":\"a\",\"services\":[1]}", false, false },
	{ "{\"node_id\":\"a\",\"services\":[null]}", false, false },
	{ "{\"node_id\":\"a\",\"services\":[[]]}", false, false },
	{ "{\"node_id\":\"a\",\"services\":[{}]}", false, false },
	{ "{\"node_id\":1,\"services\":[]}", false, false },
	{ "{\"node_id\":null,\"services\":[]}", false, false },
	{ "{\"node_id\":\"\",\"services\":[]}", false, false },
	{ "{\"node_id\":\"a b\",\"services\":[]}", false, false },
	{ "{\"node_id\":\"a..b\",\"services\":[]}", false, false },
	{ "{\"node_id\":\"a@b\",\"services\":[]}", false, false },
	{ "{\"node_id\":\"a/b\",\"services\":[]}", false, false },
	{ "{\"node_id\":\"a\\u0000\",\"services\":[]}", false, false },
	{ "{\"node_id\":\"\\u00e9\",\"services\":[]}", false, false },
	{ "{\"node_id\":\"\\ud800\",\"services\":[]}", false, false },
	{ "{\"node_id\":\"a\",\"node_id\":\"a\",\"services\":[]}", false, false },
	{ "{\"node_id\":\"a\",\"services\":[],\"services\":[]}", false, false },
	{ "{\"node_id\":\"a\",\"deleted\":true,\"services\":[]}", false, false },
	{ "{\"node_id\":\"a\",\"deleted\":1}", false, false },
	{ "{\"node_id\":\"a\",\"deleted\":\"true\"}", false, false },
	{ "{\"node_id\":\"a\",\"deleted\":true}", true, false },
	{ "{\"node_id\":\"a\",\"services\":[],\"main_relay\":\"relay-c\"}",
	    false, true },
	{ "{\"node_id\":\"a\",\"services\":[],\"main_relay\":1}", false, true },
	{ "{\"node_id\":\"a\",\"deleted\":true,\"main_relay\":\"x y\"}",
	    false, true },
	{ "{\"main_relay\":\"relay-c\"}", true, true },
	{ SERVICE(",\"service_name\":\"t\""), false, false },
	{ SERVICE(",\"version\":1"), false, false },
	{ SERVICE(",\"version\":\"1.0\""), false, false },
	{ SERVICE(",\"methods\":\"m\""), false, false },
	{ SERVICE(",\"methods\":{}"), false, false },
	{ SERVICE(",\"methods\":[\"ok\",\"a b\"]"), false, false },
	{ SERVICE(",\"methods\":[\"\"]"), false, false },
	{ SERVICE(",\"methods\":[1]"), false, false },
	{ SERVICE(",\"methods\":[[\"m\"]]"), false, false },
	{ SERVICE(",\"methods\":[{}]"), false, false },
	{ SERVICE(",\"methods\":[{\"name\":null}]"), false, false },
	{ SERVICE(",\"methods\":[{\"name\":\"m\",\"name\":\"m\"}]"),
	    false, false },
	{ SERVICE(",\"methods\":[{\"name\":\"m\",\"idempotent\":1}]"),
	    false, false },
	{ SERVICE(",\"methods\":[{\"name\":\"m\",\"timeout_ms\":-1}]"),
	    false, false },
	{ SERVICE(",\"methods\":[{\"name\":\"m\",\"timeout_ms\":1.5}]"),
	    false, false },
	{ SERVICE(",\"methods\":[{\"name\":\"m\",\"timeout_ms\":300001}]"),
	    false, false },
	{ SERVICE(",\"methods\":[{\"name\":\"m\",\"timeout_ms\":\"1\"}]"),
	    false, false },
	{ SERVICE(",\"weight\":-1"), false, false },
	{ SERVICE(",\"weight\":1001"), false, false },
	{ SERVICE(",\"weight\":\"1\""), false, false },
	{ SERVICE(",\"max_concurrency\":-1"), false, false },
	{ SERVICE(",\"max_concurrency\":65536"), false, false },
	{ SERVICE(",\"labels\":[]"), false, false },
	{ SERVICE(",\"labels\":{\"a\":1}"), false, false },
	{ SERVICE(",\"labels\":{\"a\":null}"), false, false },
	{ SERVICE(",\"labels\":{\"a\":\"1\",\"a\":\"2\"}"), false, false },
	{ SERVICE(",\"labels\":{\"a\":\"1\",\"\\u0061\":\"2\"}"), false, false },
	{ SERVICE(",\"labels\":{\"a\":\"\\u0000\"}"), false, false },
	{ SERVICE(",\"labels\":{\"a\":\"\\n\"}"), false, false },
	{ SERVICE(",\"labels\":{\"\\u001f\":\"\"}"), false, false },
	{ SERVICE(",\"labels\":{\"a\":\"\\udc00\"}"), false, false },
	{ SERVICE(",\"healthy\":1"), false, false },
	{ SERVICE(",\"healthy\":\"false\""), false, false },
};

/* Good rows before it are read, and nothing of a bad one is kept. */
START_TEST(malformed_row)
{
	char			 buf[512];
	struct discovery_rows	 rows;

	snprintf(buf, sizeof(buf), "{\"node_id\":\"z\",\"services\":["
	    "{\"service_name\":\"s\"}]},%s,{\"node_id\":\"y\",\"services\":[]}",
	    bad_rows[_i].row);
	ck_assert(read_nodes(bad_rows[_i].snapshot, buf));
	ck_assert_uint_eq(got.n_rows, 3);
	ck_assert_msg(walk(&rows) == -1, "%s", bad_rows[_i].row);
	ck_assert_ptr_nonnull(rows.why);
	ck_assert_msg(rows.foreign == bad_rows[_i].foreign, "%s",
	    bad_rows[_i].row);
}
END_TEST

/* --- how long it can be --- */

static void
no_features_longer(const struct discovery_row *rows, uint16_t n)
{
	struct discovery	 d = { .op = DISCOVERY_SNAPSHOT };
	uint16_t		 i;

	d.epoch = 1;
	d.seq = DISCOVERY_SEQ_MAX;
	d.part = UINT32_MAX;
	text_reset(&text);
	discovery_put_begin(&text, &d, "[\"deadline_ms\",\"cancel\","
	    "\"traceparent\",\"idempotency_key\"]");
	for (i = 0; i < n; i++)
		discovery_put_row(&text, i, &rows[i]);
	discovery_put_end(&text);
	/* The rest of the frame is for the envelope. */
	ck_assert_uint_le(text.len + DISCOVERY_FRAME_MAX / 2,
	    LIMIT_PEER_MESSAGE);
}

/* Bytes of services as they are counted against LIMIT_PEER_ROW. */
static size_t
wire_bytes(const struct service *s, uint16_t n)
{
	static uint8_t	 buf[2U << 20];
	struct wire_put	 w;
	uint16_t	 i;

	wire_put_init(&w, buf, sizeof(buf));
	for (i = 0; i < n; i++)
		put_service(&w, &s[i]);
	ck_assert(!w.bad);
	return (w.len);
}

/* The worst: methods of one byte with all they can have, nothing default. */
static void
worst_service(struct service *s)
{
	uint16_t	 i;

	service_init(s);
	s->name[0] = 'x';
	memcpy(s->version, "1.0.0", 6);
	s->weight = LIMIT_WEIGHT;
	s->max_concurrency = LIMIT_CONCURRENCY;
	s->healthy = false;
	s->n_methods = LIMIT_METHODS;
	s->methods = calloc(LIMIT_METHODS, sizeof(*s->methods));
	for (i = 0; i < LIMIT_METHODS; i++) {
		s->methods[i].name[0] = 'm';
		s->methods[i].idempotent = true;
		s->methods[i].timeout_ms = LIMIT_TIMEOUT_MAX_MS;
	}
	s->n_labels = LIMIT_LABELS;
	s->labels = calloc(LIMIT_LABELS, sizeof(*s->labels));
	for (i = 0; i < LIMIT_LABELS; i++)
		s->labels[i].key[0] = (char)('a' + i);
}

/* Fills a label up with what must be escaped. */
static void
fill_label(struct service_label *l)
{
	memset(l->key + 1, '"', LIMIT_LABEL - 1);
	memset(l->value, '\\', LIMIT_LABEL);
}

START_TEST(worst_row)
{
	static struct service	 s[LIMIT_SERVICES];
	struct discovery_rows	 rows;
	struct discovery_row	 row = { .n = LIMIT_SERVICES };
	size_t			 i, n;

	memset(row.node_id, 'n', LIMIT_NODE_ID);
	row.services = s;
	for (i = 0; i < LIMIT_SERVICES; i++)
		worst_service(&s[i]);
	for (n = 0; wire_bytes(s, LIMIT_SERVICES) + 2 * LIMIT_LABEL <=
	    LIMIT_PEER_ROW; n++)
		fill_label(&s[n % LIMIT_SERVICES].labels[n / LIMIT_SERVICES]);
	no_features_longer(&row, 1);
	ck_assert_msg(read_span(text_get(&text)), "%s", why);
	ck_assert_msg(walk(&rows) == 1, "%s", rows.why);
	for (i = 0; i < LIMIT_SERVICES; i++)
		service_clear(&s[i]);
}
END_TEST

/* Rows that fill a part, of the kinds that grow most. */
START_TEST(worst_part)
{
	static struct discovery_row	 rows[UINT16_MAX];
	struct service			 s;
	size_t				 n;

	worst_service(&s);
	s.n_labels = 0;
	for (n = 0; (n + 1) * (wire_bytes(&s, 1) + 6) <= LIMIT_PEER_PART; n++) {
		rows[n].node_id[0] = 'n';
		rows[n].services = &s;
		rows[n].n = 1;
	}
	no_features_longer(rows, (uint16_t)n);
	for (n = 0; (n + 1) * 6 <= LIMIT_PEER_PART; n++) {
		rows[n].node_id[0] = 'n';
		rows[n].deleted = true;
	}
	no_features_longer(rows, (uint16_t)n);
	s.n_methods = 0;
	for (n = 0; (n + 1) * (wire_bytes(&s, 1) + 6) <= LIMIT_PEER_PART; n++) {
		rows[n].deleted = false;
		rows[n].services = &s;
		rows[n].n = 1;
	}
	no_features_longer(rows, (uint16_t)n);
	service_clear(&s);
}
END_TEST

/* The wire form of what fits in a message fits in PEER_ROWS. */
START_TEST(small_json_large_wire)
{
	struct discovery_rows	 rows;
	struct discovery_row	 row;
	size_t			 wire = 0;

	ck_assert_int_eq(with_services(LIMIT_SERVICES, LIMIT_METHODS, 0), 1);
	discovery_rows_begin(&rows, &got, MAIN);
	ck_assert_int_eq(discovery_rows_next(&rows, &row), 1);
	wire = wire_bytes(row.services, row.n);
	ck_assert_uint_lt(wire, 2 * text.len + 64);
	discovery_row_free(&row);
}
END_TEST

int
main(void)
{
	TCase	*tc = tcase_create("rows");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, rows_again);
	tcase_add_test(tc, good_rows);
	tcase_add_test(tc, visibility_is_not_said);
	tcase_add_loop_test(tc, malformed_row, 0,
	    (int)(sizeof(bad_rows) / sizeof(bad_rows[0])));
	tcase_add_test(tc, worst_row);
	tcase_add_test(tc, worst_part);
	tcase_add_test(tc, small_json_large_wire);
	return (suite_run("discovery rows", tc));
}
