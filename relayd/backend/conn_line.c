/* SPDX-License-Identifier: ISC */
/*
 * JSON-RPC 2.0 one object a line, as exec and unix services speak it
 * (PROTOCOL.md section 8).
 */
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "relayd/backend/backend.h"
#include "relayd/backend/jsonrpc.h"

void
line_send(struct conn *c, struct call *call)
{
	buf_append(&c->out, call->text, call->text_len);
	buf_append(&c->out, "\n", 1);
	free(call->text);
	call->text = NULL;
	call->text_len = 0;
	/* Nothing comes back for a notification. */
	if (call->notification)
		call_finish(&c->svc->b->calls, call);
	conn_dirty(c);
}

/* Log something about a service, not too often. */
static void
complain(struct conn *c, const char *what)
{
	struct svc	*svc = c->svc;
	uint64_t	 suppressed;

	if (!lograte_allow(&svc->rate, monotime_now(), &suppressed))
		return;
	if (suppressed > 0)
		log_warn("service %s/%u: %s (%llu such lines not logged)",
		    svc->name, c->instance, what,
		    (unsigned long long)suppressed);
	else
		log_warn("service %s/%u: %s", svc->name, c->instance, what);
}

/* Give up on a connection whose other side does not keep to the protocol. */
static void
condemn(struct conn *c, const char *why)
{
	struct svc	*svc = c->svc;
	uint32_t	 instance = c->instance;

	complain(c, why);
	conn_lost(c, why);
	if (svc->kind == SVC_EXEC)
		instance_restart(svc, instance, why);
}

/* Returns false if the connection was freed. */
static bool
garbage(struct conn *c, const char *why)
{
	char	text[128];

	c->svc->stats.garbage++;
	if (++c->garbage >= LIMIT_BACKEND_GARBAGE) {
		condemn(c, "too much that is not JSON-RPC");
		return (false);
	}
	snprintf(text, sizeof(text), "a line was ignored: %s", why);
	complain(c, text);
	return (true);
}

/* An answer to a request of ours, right or wrong. */
static void
take_answer(struct conn *c, const struct rpc_answer *a)
{
	struct svc	*svc = c->svc;
	struct call	*call = calls_find_id(&svc->b->calls, &c->slot, a->id);

	c->garbage = 0;
	if (call == NULL || call->state == CALL_ABANDONED)
		svc->stats.late++;
	if (call == NULL)
		return;
	/* It runs, whatever the answer is. */
	svc_up(svc);
	if (a->kind == RPC_FAULTY) {
		complain(c, a->why);
		answer_failed(svc->b, call, FAIL_INTERNAL, EXECUTED_MAYBE,
		    "service %s answered wrongly: %s", svc->name, a->why);
	} else
		answer_json(svc->b, call, a->kind == RPC_RESULT ? RESULT_OK :
		    RESULT_ERROR, a->code, a->json);
}

static bool
take_line(struct conn *c, const char *line, size_t len)
{
	struct rpc_answer	 a;

	while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == ' ' ||
	    line[len - 1] == '\t'))
		len--;
	if (len == 0)
		return (true);
	rpc_parse(line, len, &a);
	switch (a.kind) {
	case RPC_GARBAGE:
		return (garbage(c, a.why));
	case RPC_UNASKED:
		c->svc->stats.unasked++;
		break;
	case RPC_RESULT:
	case RPC_ERROR:
	case RPC_FAULTY:
		take_answer(c, &a);
		break;
	}
	return (true);
}

/* The next whole line, its length without the line end; NULL if none. */
static const char *
next_line(struct conn *c, size_t *len)
{
	const char	*data = buf_data(&c->in), *nl;

	nl = memchr(data + c->scanned, '\n', c->in.len - c->scanned);
	if (nl == NULL) {
		c->scanned = c->in.len;
		return (NULL);
	}
	*len = (size_t)(nl - data);
	return (data);
}

bool
line_input(struct conn *c)
{
	struct svc	*svc = c->svc;
	const char	*line;
	size_t		 len;

	while (!conn_held(svc->b) && (line = next_line(c, &len)) != NULL) {
		if (!take_line(c, line, len))
			return (false);
		buf_used(&c->in, len + 1);
		c->scanned = 0;
	}
	if (c->in.len > LIMIT_BACKEND_LINE && c->scanned == c->in.len) {
		condemn(c, "a line is too long");
		return (false);
	}
	svc_dispatch(svc);
	return (true);
}
