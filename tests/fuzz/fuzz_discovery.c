/* SPDX-License-Identifier: ISC */

/*
 * Any text as the data of a service_discovery message of a peer: what is read
 * of it is in bounds and, written again, reads the same.
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/name.h"
#include "relay-router/discovery.h"
#include "tests/fuzz/must.h"

#define MAIN	"relay-b.example.com"

int	LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static bool
take(struct discovery *d, const char *p, size_t len)
{
	struct json_scan	 s;
	struct json_span	 v;
	const char		*why = NULL;
	bool			 ok;

	json_scan_init(&s, p, len);
	if (!json_skip(&s, &v) || !json_scan_end(&s))
		return (false);
	ok = discovery_read(d, &v, &why);
	must(ok == (why == NULL));
	return (ok);
}

/* What get_service() at the registry insists on. */
static void
check_row(const struct discovery_row *row)
{
	static uint8_t	 buf[LIMIT_PEER_MESSAGE * 2];
	struct wire_put	 w;
	struct wire_get	 r;
	struct service	 s;
	uint16_t	 i;

	must(name_node(span_str(row->node_id)));
	must(!row->deleted || row->n == 0);
	must(row->n <= LIMIT_SERVICES);
	for (i = 0; i < row->n; i++) {
		wire_put_init(&w, buf, sizeof(buf));
		put_service(&w, &row->services[i]);
		must(!w.bad);
		wire_get_init(&r, buf, w.len);
		get_service(&r, &s);
		must(get_done(&r));
		service_clear(&s);
	}
}

/* Writes all rows; false if one of them is malformed. */
static bool
put_rows(struct text *t, const struct discovery *d)
{
	struct discovery_rows	 rows;
	struct discovery_row	 row;
	uint16_t		 n = 0;
	int			 more;

	discovery_put_begin(t, d, NULL);
	discovery_rows_begin(&rows, d, MAIN);
	while ((more = discovery_rows_next(&rows, &row)) == 1) {
		check_row(&row);
		discovery_put_row(t, n++, &row);
		discovery_row_free(&row);
	}
	discovery_put_end(t);
	must(more == 0 || rows.why != NULL);
	must(more != 0 || n == d->n_rows);
	return (more == 0);
}

static bool
put(struct text *t, const struct discovery *d)
{
	if (d->op == DISCOVERY_SNAPSHOT || d->op == DISCOVERY_DELTA)
		return (put_rows(t, d));
	discovery_put(t, d);
	return (true);
}

static void
same(const struct discovery *a, const struct discovery *b)
{
	must(a->op == b->op && a->epoch == b->epoch && a->seq == b->seq);
	must(a->part == b->part && a->last == b->last);
	must(a->nodes == b->nodes && a->digest == b->digest);
	must(a->found == b->found && a->node == b->node);
	must(a->n_rows == b->n_rows && strcmp(a->node_id, b->node_id) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct discovery	 d, e;
	struct text		 one = { 0 }, two = { 0 };
	char			*text;

	text = malloc(size == 0 ? 1 : size);
	must(text != NULL);
	memcpy(text, data, size);
	if (take(&d, text, size) && put(&one, &d)) {
		must(take(&e, one.p, one.len));
		same(&d, &e);
		must(put(&two, &e));
		must(span_eq(text_get(&one), text_get(&two)));
	}
	text_free(&one);
	text_free(&two);
	free(text);
	return (0);
}
