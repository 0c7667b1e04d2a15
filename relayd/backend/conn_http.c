/* SPDX-License-Identifier: ISC */
/* JSON-RPC 2.0 by HTTP POST, one request at a time on a connection. */
#include <sys/socket.h>

#include <errno.h>
#include <stdlib.h>

#include "common/log.h"
#include "relayd/backend/backend.h"
#include "relayd/backend/jsonrpc.h"

/* How late a call may be before its connection is given up here. */
#define LATE_MS	1000

bool
http_usable(struct conn *c)
{
	struct svc	*svc = c->svc;
	struct call	*call = TAILQ_FIRST(&c->slot.calls);
	bool		 fresh = c->http.status == 0;
	ssize_t		 n;
	char		 byte;

	n = recv(c->fd, &byte, 1, MSG_PEEK);
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return (true);
	pool_return(call);
	conn_close(c);
	/* One that was never used was not worth much: do not hurry. */
	if (fresh)
		svc_connected(svc, -1, "closed as soon as it was open");
	return (false);
}

void
http_send(struct conn *c, struct call *call)
{
	struct svc	*svc = c->svc;

	hc_init(&c->http, LIMIT_BACKEND_LINE);
	hc_request(&c->out, svc->host, svc->port, svc->path, call->text_len);
	buf_append(&c->out, call->text, call->text_len);
	free(call->text);
	call->text = NULL;
	call->text_len = 0;
	c->busy = true;
	conn_dirty(c);
}

/* Statuses that say by themselves that nothing was done. */
static bool
status_refuses(int status)
{
	switch (status) {
	case 400: case 401: case 403: case 404: case 405: case 406: case 411:
	case 413: case 415: case 429: case 431: case 501: case 503:
		return (true);
	default:
		return (status >= 300 && status < 400);
	}
}

static void
fail_status(struct backend *b, struct call *call, int status)
{
	enum fail_code	code = FAIL_INTERNAL;

	if (status == 429 || status == 503)
		code = FAIL_OVERLOADED;
	else if (status == 413)
		code = FAIL_TOO_LARGE;
	answer_failed(b, call, code, status_refuses(status) ? EXECUTED_NO :
	    EXECUTED_MAYBE, "HTTP status %d from the service%s", status,
	    status >= 300 && status < 400 ? " (redirects are not followed)" :
	    "");
}

static void
judge_body(struct conn *c, struct call *call)
{
	struct backend		*b = c->svc->b;
	struct rpc_answer	 a;

	rpc_parse(buf_data(&c->http.body), c->http.body.len, &a);
	if (a.kind == RPC_UNASKED)
		a.why = "a request instead of an answer";
	else if (a.kind != RPC_GARBAGE && a.id != call->id)
		a.why = "an answer to another request";
	if (a.why != NULL) {
		c->svc->stats.garbage++;
		answer_failed(b, call, FAIL_INTERNAL, EXECUTED_MAYBE,
		    "service %s answered wrongly: %s", c->svc->name, a.why);
	} else
		answer_json(b, call, a.kind == RPC_RESULT ? RESULT_OK :
		    RESULT_ERROR, a.code, a.json);
}

/* The response is complete; false if the connection was closed with it. */
static bool
response_done(struct conn *c)
{
	struct svc	*svc = c->svc;
	struct call	*call = TAILQ_FIRST(&c->slot.calls);
	int		 status = c->http.status;
	bool		 reuse;

	/* A server that answers before it has all is not asked again. */
	reuse = c->http.keepalive && c->in.len == 0 && c->out.len == 0 &&
	    !svc->retired;
	if (call->notification && status >= 200 && status < 300)
		call_finish(&svc->b->calls, call);
	else if (status == 200)
		judge_body(c, call);
	else
		fail_status(svc->b, call, status);
	hc_free(&c->http);
	c->busy = false;
	c->idle_since = monotime_now();
	if (!reuse)
		conn_close(c);
	svc_dispatch(svc);
	return (reuse);
}

/* What came is no use: fail the call and close. */
static void
response_bad(struct conn *c, enum fail_code code, enum executed executed,
    const char *why)
{
	struct svc	*svc = c->svc;

	answer_failed(svc->b, TAILQ_FIRST(&c->slot.calls), code, executed,
	    "service %s: %s", svc->name, why);
	conn_close(c);
	svc_dispatch(svc);
}

bool
http_input(struct conn *c)
{
	enum hc_event	event;
	size_t		took;

	if (!c->busy) {
		log_debug("service %s: a response to nothing", c->svc->name);
		conn_close(c);
		return (false);
	}
	event = hc_input(&c->http, buf_data(&c->in), c->in.len, &took);
	buf_used(&c->in, took);
	switch (event) {
	case HC_MORE:
		break;
	case HC_DONE:
		return (response_done(c));
	case HC_TOO_LARGE:
		response_bad(c, FAIL_TOO_LARGE, EXECUTED_YES,
		    "its answer is too large");
		return (false);
	case HC_BAD:
		c->svc->stats.garbage++;
		response_bad(c, FAIL_INTERNAL, EXECUTED_MAYBE, c->http.why);
		return (false);
	}
	return (true);
}

void
http_eof(struct conn *c)
{
	if (!c->busy)
		conn_close(c);
	else if (hc_eof(&c->http) == HC_DONE)
		(void)response_done(c);
	else
		conn_lost(c, c->http.why);
}

bool
http_tick(struct conn *c, struct monotime now)
{
	struct call	*call = TAILQ_FIRST(&c->slot.calls);

	if (c->busy && monotime_diff_ms(now, call->deadline) >= LATE_MS) {
		answer_failed(c->svc->b, call, FAIL_TIMEOUT, EXECUTED_MAYBE,
		    "no answer from service %s", c->svc->name);
		conn_close(c);
		return (false);
	}
	if (!c->busy && monotime_diff_ms(now, c->idle_since) >=
	    LIMIT_HTTP_POOL_IDLE_MS) {
		conn_close(c);
		return (false);
	}
	return (true);
}
