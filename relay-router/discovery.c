/* SPDX-License-Identifier: ISC */

/*
 * Discovery between Mains as JSON; see discovery.h.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/name.h"
#include "relay-router/discovery.h"
#include "relay-router/members.h"
#include "relay-router/service_json.h"

/*
 * How long the JSON of rows can be.  Every byte of a name or label becomes at
 * most two (a quote or backslash; there are no control characters), and what
 * stands around them is at most:
 *	a method	50 bytes for 7 in the wire form, its name 1 or more
 *	a label		6 for 4
 *	a service	112 for 18, its name and version 6 or more
 *	a row		40 for 5
 * So a method is 51 for 8 at worst, which is 35 more than twice.
 */
#define METHOD_WIRE	8
#define METHOD_OVER	(51 - 2 * METHOD_WIRE)
#define SERVICE_OVER	(112 - 2 * SERVICE_WIRE_MIN)
#define ROW_METHODS	(LIMIT_SERVICES * LIMIT_METHODS)

_Static_assert(LIMIT_PEER_PART / METHOD_WIRE * 51 + DISCOVERY_FRAME_MAX <=
    LIMIT_PEER_MESSAGE, "a message of many rows fits");
_Static_assert(2 * LIMIT_PEER_ROW + ROW_METHODS * METHOD_OVER +
    LIMIT_SERVICES * SERVICE_OVER + DISCOVERY_FRAME_MAX <=
    LIMIT_PEER_MESSAGE, "a message of one row fits");

static const char *const	 node_names[] = {
	[DISCOVERY_UNKNOWN] = "unknown",
	[DISCOVERY_OFFLINE] = "offline",
	[DISCOVERY_ONLINE] = "online",
};

/* --- reading --- */

enum member {
	M_OP, M_EPOCH, M_SEQ, M_PART, M_LAST, M_NODES, M_DIGEST, M_WANT,
	M_NODE_ID, M_FOUND, M_NODE, M_MAX_MESSAGE, M_MAX
};

static const char *const	 members[M_MAX] = {
	[M_OP] = "op",
	[M_EPOCH] = "epoch",
	[M_SEQ] = "seq",
	[M_PART] = "part",
	[M_LAST] = "last",
	[M_NODES] = "nodes",
	[M_DIGEST] = "digest",
	[M_WANT] = "want",
	[M_NODE_ID] = "node_id",
	[M_FOUND] = "found",
	[M_NODE] = "node",
	[M_MAX_MESSAGE] = "max_message",
};

#define HEX_DIGITS	16

static bool
take_hex(const struct json_span *v, uint64_t *out)
{
	char	 buf[HEX_DIGITS + 1];
	size_t	 i;

	if (!members_text(v, buf, sizeof(buf)) || strlen(buf) != HEX_DIGITS)
		return (false);
	for (i = 0; i < HEX_DIGITS; i++)
		if ((buf[i] < '0' || buf[i] > '9') &&
		    (buf[i] < 'a' || buf[i] > 'f'))
			return (false);
	*out = strtoull(buf, NULL, 16);
	return (true);
}

static bool
take_u32(const struct json_span *v, uint32_t max, uint32_t *out)
{
	int64_t	 n;

	if (!json_integer(v, 0, max, &n))
		return (false);
	*out = (uint32_t)n;
	return (true);
}

/* epoch and seq, which place the message in the life of a Main's rows. */
static const char *
take_place(struct discovery *d, const struct json_span val[])
{
	int64_t	 seq;

	if (!take_hex(&val[M_EPOCH], &d->epoch) || d->epoch == 0)
		return ("data.epoch");
	if (!json_integer(&val[M_SEQ], 0, DISCOVERY_SEQ_MAX, &seq))
		return ("data.seq");
	d->seq = (uint64_t)seq;
	return (NULL);
}

static const char *
take_rows(struct discovery *d, const struct json_span val[])
{
	const char	*why;
	int		 n;

	if ((why = take_place(d, val)) != NULL)
		return (why);
	if (d->op == DISCOVERY_SNAPSHOT) {
		if (!take_u32(&val[M_PART], UINT32_MAX, &d->part))
			return ("data.part");
		if (val[M_LAST].type == JSON_NONE ||
		    !members_bool(&val[M_LAST], &d->last))
			return ("data.last");
		if (val[M_MAX_MESSAGE].type != JSON_NONE &&
		    !take_u32(&val[M_MAX_MESSAGE], UINT32_MAX, &d->max_message))
			return ("data.max_message");
	}
	if ((n = members_count(&val[M_NODES], UINT16_MAX)) == -1)
		return ("data.nodes");
	d->rows = val[M_NODES];
	d->n_rows = (uint16_t)n;
	return (NULL);
}

static const char *
take_digest(struct discovery *d, const struct json_span val[])
{
	const char	*why;

	if ((why = take_place(d, val)) != NULL)
		return (why);
	if (!take_u32(&val[M_NODES], UINT32_MAX, &d->nodes))
		return ("data.nodes");
	if (!take_hex(&val[M_DIGEST], &d->digest))
		return ("data.digest");
	return (NULL);
}

static bool
take_node_id(const struct json_span *v, char *id)
{
	char	 buf[LIMIT_NODE_ID + 1];

	return (members_text(v, buf, sizeof(buf)) &&
	    name_node_lower(span_str(buf), id, LIMIT_NODE_ID + 1));
}

static const char *
take_query(struct discovery *d, const struct json_span val[])
{
	if (val[M_WANT].type != JSON_NONE) {
		d->op = DISCOVERY_RESYNC;
		return (members_is(&val[M_WANT], "snapshot") ? NULL :
		    "data.want");
	}
	if (val[M_NODE_ID].type != JSON_NONE &&
	    !take_node_id(&val[M_NODE_ID], d->node_id))
		return ("data.node_id");
	return (NULL);
}

static const char *
take_answer(struct discovery *d, const struct json_span val[])
{
	unsigned int	 i;

	if (val[M_FOUND].type == JSON_NONE ||
	    !members_bool(&val[M_FOUND], &d->found))
		return ("data.found");
	for (i = DISCOVERY_UNKNOWN; i <= DISCOVERY_ONLINE; i++)
		if (members_is(&val[M_NODE], node_names[i])) {
			d->node = i;
			return (NULL);
		}
	return ("data.node");
}

static const struct {
	const char		*name;
	enum discovery_op	 op;
	const char		*(*take)(struct discovery *,
				    const struct json_span []);
} ops[] = {
	{ "snapshot", DISCOVERY_SNAPSHOT, take_rows },
	{ "delta", DISCOVERY_DELTA, take_rows },
	{ "digest", DISCOVERY_DIGEST, take_digest },
	{ "query", DISCOVERY_QUERY, take_query },
	{ "answer", DISCOVERY_ANSWER, take_answer },
};

bool
discovery_read(struct discovery *d, const struct json_span *data,
    const char **why)
{
	struct json_span	 val[M_MAX];
	size_t			 i;
	bool			 whole;

	memset(d, 0, sizeof(*d));
	whole = members_find(data, members, M_MAX, val);
	*why = "data.op";
	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		if (members_is(&val[M_OP], ops[i].name)) {
			d->op = ops[i].op;
			*why = whole ? ops[i].take(d, val) :
			    "data: a member twice";
			break;
		}
	return (*why == NULL);
}

/* --- rows --- */

enum row_member { R_NODE_ID, R_SERVICES, R_DELETED, R_MAIN_RELAY, R_MAX };

static const char *const	 row_members[R_MAX] = {
	[R_NODE_ID] = "node_id",
	[R_SERVICES] = "services",
	[R_DELETED] = "deleted",
	[R_MAIN_RELAY] = "main_relay",
};

void
discovery_row_free(struct discovery_row *row)
{
	uint16_t	 i;

	for (i = 0; i < row->n; i++)
		service_clear(&row->services[i]);
	free(row->services);
	row->services = NULL;
	row->n = 0;
}

void
discovery_rows_begin(struct discovery_rows *r, const struct discovery *d,
    const char *main_id)
{
	memset(r, 0, sizeof(*r));
	r->main_id = main_id;
	r->deltas = d->op == DISCOVERY_DELTA;
	json_scan_init(&r->scan, d->rows.p, d->rows.len);
	(void)json_array_begin(&r->scan);
}

static const char *
take_services(struct discovery_row *row, const struct json_span *list)
{
	struct json_scan	 s;
	struct json_span	 v;
	const char		*rule = NULL;
	int			 n;

	if ((n = members_count(list, LIMIT_SERVICES)) == -1)
		return ("services: a list of at most 64");
	if (n == 0)
		return (NULL);
	row->services = calloc((size_t)n, sizeof(*row->services));
	if (row->services == NULL)
		fatal("out of memory");
	json_scan_init(&s, list->p, list->len);
	(void)json_array_begin(&s);
	while (rule == NULL && json_array_next(&s) == 1 && json_skip(&s, &v))
		rule = service_json_read(&row->services[row->n++],
		    SERVICE_OF_MAIN, &v);
	return (rule);
}

/* True if a node says that it is of another Main than the one that speaks. */
static bool
is_foreign(const struct json_span *v, const char *main_id)
{
	char	 id[LIMIT_NODE_ID + 1];

	return (v->type != JSON_NONE && !members_is(v, "") &&
	    (!take_node_id(v, id) || strcmp(id, main_id) != 0));
}

static const char *
take_row(struct discovery_rows *r, struct discovery_row *row,
    const struct json_span *v)
{
	struct json_span	 val[R_MAX];

	if (!members_find(v, row_members, R_MAX, val))
		return ("data.nodes: objects with each member once");
	if (is_foreign(&val[R_MAIN_RELAY], r->main_id)) {
		r->foreign = true;
		return ("data.nodes: main_relay is another's");
	}
	if (!take_node_id(&val[R_NODE_ID], row->node_id))
		return ("data.nodes: node_id");
	if (!members_bool(&val[R_DELETED], &row->deleted))
		return ("data.nodes: deleted is true or false");
	if (!row->deleted)
		return (take_services(row, &val[R_SERVICES]));
	if (!r->deltas)
		return ("data.nodes: deleted in a snapshot");
	if (val[R_SERVICES].type != JSON_NONE)
		return ("data.nodes: deleted, with services");
	return (NULL);
}

int
discovery_rows_next(struct discovery_rows *r, struct discovery_row *row)
{
	struct json_span	 v;
	int			 more;

	memset(row, 0, sizeof(*row));
	if ((more = json_array_next(&r->scan)) == 0)
		return (0);
	r->why = "data.nodes";
	if (more == 1 && json_skip(&r->scan, &v) &&
	    (r->why = take_row(r, row, &v)) == NULL)
		return (1);
	discovery_row_free(row);
	return (-1);
}

/* --- writing --- */

static void
put_hex(struct text *t, const char *member, uint64_t v)
{
	char	 buf[HEX_DIGITS + 3];

	snprintf(buf, sizeof(buf), "\"%016" PRIx64 "\"", v);
	text_lit(t, member);
	text_lit(t, buf);
}

static void
put_place(struct text *t, const struct discovery *d)
{
	put_hex(t, ",\"epoch\":", d->epoch);
	text_lit(t, ",\"seq\":");
	text_int(t, (int64_t)d->seq);
}

static void
put_digest(struct text *t, const struct discovery *d)
{
	text_lit(t, "{\"op\":\"digest\"");
	put_place(t, d);
	text_lit(t, ",\"nodes\":");
	text_int(t, d->nodes);
	put_hex(t, ",\"digest\":", d->digest);
	text_lit(t, "}");
}

static void
put_query(struct text *t, const struct discovery *d)
{
	text_lit(t, "{\"op\":\"query\"");
	if (d->node_id[0] != '\0') {
		text_lit(t, ",\"node_id\":");
		text_cstring(t, d->node_id);
	}
	text_lit(t, "}");
}

static void
put_answer(struct text *t, const struct discovery *d)
{
	text_lit(t, "{\"op\":\"answer\",\"found\":");
	text_lit(t, d->found ? "true" : "false");
	text_lit(t, ",\"node\":");
	text_cstring(t, node_names[d->node]);
	text_lit(t, "}");
}

void
discovery_put(struct text *t, const struct discovery *d)
{
	switch (d->op) {
	case DISCOVERY_DIGEST:
		put_digest(t, d);
		break;
	case DISCOVERY_RESYNC:
		text_lit(t, "{\"op\":\"query\",\"want\":\"snapshot\"}");
		break;
	case DISCOVERY_QUERY:
		put_query(t, d);
		break;
	case DISCOVERY_ANSWER:
		put_answer(t, d);
		break;
	default:
		break;
	}
}

void
discovery_put_begin(struct text *t, const struct discovery *d,
    const char *features)
{
	bool	 snapshot = d->op == DISCOVERY_SNAPSHOT;

	text_lit(t, snapshot ? "{\"op\":\"snapshot\"" : "{\"op\":\"delta\"");
	put_place(t, d);
	if (snapshot) {
		text_lit(t, ",\"part\":");
		text_int(t, d->part);
		text_lit(t, d->last ? ",\"last\":true" : ",\"last\":false");
	}
	if (features != NULL) {
		text_lit(t, ",\"features\":");
		text_lit(t, features);
	}
	if (d->max_message != 0) {
		text_lit(t, ",\"max_message\":");
		text_int(t, d->max_message);
	}
	text_lit(t, ",\"nodes\":[");
}

void
discovery_put_row(struct text *t, uint16_t i, const struct discovery_row *row)
{
	uint16_t	 k;

	text_lit(t, i == 0 ? "{\"node_id\":" : ",{\"node_id\":");
	text_cstring(t, row->node_id);
	if (row->deleted) {
		text_lit(t, ",\"deleted\":true}");
		return;
	}
	text_lit(t, ",\"services\":[");
	for (k = 0; k < row->n; k++) {
		text_lit(t, k == 0 ? "" : ",");
		service_json_put(t, SERVICE_OF_MAIN, &row->services[k]);
	}
	text_lit(t, "]}");
}

void
discovery_put_end(struct text *t)
{
	text_lit(t, "]}");
}
