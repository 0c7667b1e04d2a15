/* SPDX-License-Identifier: ISC */
/* See discovery_fixture.h. */
#include <string.h>

#include "relay-router/discovery.h"
#include "tests/unit/discovery_fixture.h"
#include "tests/unit/suite.h"

struct discovery	 got;
struct text	 text;
const char	*why;

void
setup(void)
{
	memset(&text, 0, sizeof(text));
}

void
teardown(void)
{
	text_free(&text);
}

bool
read_span(struct span s)
{
	struct json_scan	 sc;
	struct json_span	 v;

	json_scan_init(&sc, s.p, s.len);
	ck_assert(json_skip(&sc, &v) && json_scan_end(&sc));
	return (discovery_read(&got, &v, &why));
}

int
walk(struct discovery_rows *rows)
{
	struct discovery_row	 row;
	int			 n = 0, more;

	discovery_rows_begin(rows, &got, MAIN);
	while ((more = discovery_rows_next(rows, &row)) == 1) {
		discovery_row_free(&row);
		n++;
	}
	return (more == 0 ? n : -1);
}

bool
read_nodes(bool snapshot, const char *nodes)
{
	text_reset(&text);
	text_lit(&text, snapshot ? "{\"op\":\"snapshot\",\"part\":0,"
	    "\"last\":true," : "{\"op\":\"delta\",");
	text_lit(&text, PLACE ",\"nodes\":[");
	text_lit(&text, nodes);
	text_lit(&text, "]}");
	return (read_span(text_get(&text)));
}

int
with_services(int n, int methods, int labels)
{
	struct discovery_rows	 rows;
	struct text		 t = { 0 };
	int			 i, k, result;

	text_lit(&t, "{\"node_id\":\"a\",\"services\":[");
	for (i = 0; i < n; i++) {
		text_lit(&t, i == 0 ? "{\"service_name\":\"s" :
		    ",{\"service_name\":\"s");
		text_int(&t, i);
		text_lit(&t, "\",\"methods\":[");
		for (k = 0; k < methods; k++)
			text_lit(&t, k == 0 ? "\"m\"" : ",\"m\"");
		text_lit(&t, "],\"labels\":{");
		for (k = 0; k < labels; k++) {
			text_lit(&t, k == 0 ? "\"l" : ",\"l");
			text_int(&t, k);
			text_lit(&t, "\":\"\"");
		}
		text_lit(&t, "}}");
	}
	text_lit(&t, "]}");
	text_put(&t, "", 1);
	ck_assert(read_nodes(true, t.p));
	result = walk(&rows);
	text_free(&t);
	return (result);
}
