/* SPDX-License-Identifier: ISC */

/*
 * Errors as JSON; see rpc_error.h.
 */

#include <stddef.h>

#include "relay-router/rpc_error.h"

enum retry {
	RETRY_NO,
	RETRY_YES,
	RETRY_UNSAFE,		/* only if nothing was executed */
};

static const struct row {
	enum rpc_code	 code;
	const char	*reason;
	const char	*text;
	enum executed	 executed;
	enum retry	 retry;
} rows[] = {
#define RPC_ERROR(name, code, reason, text, executed, retryable)	\
	{ RPC_E_##name, reason, text, EXECUTED_##executed, RETRY_##retryable },
#include "relay-router/rpc_errors.def"
#undef RPC_ERROR
};

static const char *const stages[] = {
	"ingress", "queue", "peer-link", "home-link", "backend"
};

static const char *const executions[] = { "no", "maybe", "yes" };

static const struct row *
row_of(enum rpc_code code)
{
	static const struct row	 unknown = { RPC_NONE, "unknown", "Error",
	    EXECUTED_MAYBE, RETRY_NO };
	size_t			 i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (rows[i].code == code)
			return (&rows[i]);
	return (&unknown);
}

struct rpc_error
rpc_error(enum rpc_code code, enum stage stage, const char *detail)
{
	struct rpc_error	 e;

	e.code = code;
	e.stage = stage;
	e.executed = EXECUTED_DEFAULT;
	e.retry_after_ms = code == RPC_E_OVERLOADED ||
	    code == RPC_E_DRAINING ? RPC_RETRY_MS : 0;
	e.detail = detail;
	return (e);
}

bool
rpc_refuse(struct rpc_error *err, enum rpc_code code, enum stage stage,
    const char *detail)
{
	*err = rpc_error(code, stage, detail);
	return (false);
}

const char *
rpc_error_reason(enum rpc_code code)
{
	return (row_of(code)->reason);
}

void
rpc_error_data(struct text *t, const struct rpc_error *e, const char *node)
{
	const struct row	*r = row_of(e->code);
	enum executed		 ex = e->executed;
	bool			 retry;

	if (ex == EXECUTED_DEFAULT)
		ex = r->executed;
	retry = r->retry == RETRY_YES ||
	    (r->retry == RETRY_UNSAFE && ex == EXECUTED_NO);
	text_lit(t, "\"reason\":\"");
	text_lit(t, r->reason);
	text_lit(t, "\",\"stage\":\"");
	text_lit(t, stages[e->stage]);
	text_lit(t, "\",\"node\":");
	text_cstring(t, node);
	text_lit(t, ",\"executed\":\"");
	text_lit(t, executions[ex]);
	text_lit(t, "\",\"retryable\":");
	text_lit(t, retry ? "true" : "false");
	if (e->retry_after_ms != 0) {
		text_lit(t, ",\"retry_after_ms\":");
		text_int(t, e->retry_after_ms);
	}
}

static void
put_head(struct text *t, const struct rpc_error *e)
{
	text_lit(t, "{\"code\":");
	text_int(t, e->code);
	text_lit(t, ",\"message\":\"");
	text_lit(t, row_of(e->code)->text);
	text_lit(t, "\",");
}

static void
put_data(struct text *t, const struct rpc_error *e, const char *node)
{
	rpc_error_data(t, e, node);
	if (e->detail != NULL) {
		text_lit(t, ",\"detail\":");
		text_cstring(t, e->detail);
	}
	text_lit(t, "}");
}

void
rpc_error_data_object(struct text *t, const struct rpc_error *e,
    const char *node)
{
	put_head(t, e);
	put_data(t, e, node);
}

void
rpc_error_object(struct text *t, const struct rpc_error *e, const char *node)
{
	put_head(t, e);
	text_lit(t, "\"data\":{");
	put_data(t, e, node);
	text_lit(t, "}");
}

void
rpc_response(struct text *t, const char *member, struct span json,
    struct span id)
{
	text_lit(t, "{\"jsonrpc\":\"2.0\",\"");
	text_lit(t, member);
	text_lit(t, "\":");
	text_span(t, json);
	text_lit(t, ",\"id\":");
	if (id.len == 0)
		text_lit(t, "null");
	else
		text_span(t, id);
	text_lit(t, "}");
}

void
rpc_error_response(struct text *t, const struct rpc_error *e,
    const char *node, struct span id)
{
	text_lit(t, "{\"jsonrpc\":\"2.0\",\"error\":");
	rpc_error_object(t, e, node);
	text_lit(t, ",\"id\":");
	if (id.len == 0)
		text_lit(t, "null");
	else
		text_span(t, id);
	text_lit(t, "}");
}
