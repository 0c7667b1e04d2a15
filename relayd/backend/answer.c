/* SPDX-License-Identifier: ISC */
/* Results of calls to the router. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "relayd/backend/backend.h"

#define REASON_MAX	256	/* bytes the router takes, and a NUL */

static void
send_result(struct backend *b, uint64_t call, enum result_kind kind,
    int32_t code, enum executed executed, const char *reason, struct span json)
{
	struct channel	*router = child_peer(b->child, PROC_ROUTER);
	struct wire_put	*w;

	if (router == NULL)
		return;
	w = channel_begin(router, MSG_BACKEND_RESULT);
	put_u64(w, call);
	put_u8(w, (uint8_t)kind);
	put_i32(w, code);
	put_u8(w, (uint8_t)executed);
	put_str(w, reason);
	put_bytes(w, json.p, json.len);
	if (channel_commit(router) == -1)
		log_warn("an answer was lost: the router does not read");
}

/* The largest text that fits into a message with its envelope. */
static size_t
json_max(const struct backend *b)
{
	return (b->cur->max_message > LIMIT_SPLICE ?
	    b->cur->max_message - LIMIT_SPLICE : 0);
}

void
answer_json(struct backend *b, struct call *c, enum result_kind kind,
    int32_t code, struct span json)
{
	struct svc	*svc = c->pool->owner;

	if (json.len > json_max(b)) {
		answer_failed(b, c, FAIL_TOO_LARGE, EXECUTED_YES,
		    "the answer has %zu bytes", json.len);
		return;
	}
	if (kind == RESULT_OK)
		svc->stats.results++;
	else
		svc->stats.errors++;
	if (c->state == CALL_SENT && !c->notification)
		send_result(b, c->call, kind, code, EXECUTED_YES, "", json);
	call_finish(&b->calls, c);
}

void
answer_failed(struct backend *b, struct call *c, enum fail_code code,
    enum executed executed, const char *fmt, ...)
{
	struct svc	*svc = c->pool->owner;
	char		 reason[REASON_MAX];
	va_list		 ap;

	svc->stats.failed++;
	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	if (c->state != CALL_ABANDONED && !c->notification)
		send_result(b, c->call, RESULT_FAILED, code, executed, reason,
		    (struct span){ NULL, 0 });
	call_finish(&b->calls, c);
}

void
answer_refused(struct backend *b, struct svc *svc, uint64_t call,
    bool notification, enum fail_code code, const char *fmt, ...)
{
	char	reason[REASON_MAX];
	va_list	ap;

	if (svc != NULL)
		svc->stats.failed++;
	if (notification)
		return;
	va_start(ap, fmt);
	vsnprintf(reason, sizeof(reason), fmt, ap);
	va_end(ap);
	send_result(b, call, RESULT_FAILED, code, EXECUTED_NO, reason,
	    (struct span){ NULL, 0 });
}
