/* SPDX-License-Identifier: ISC */

/*
 * Federation messages this node writes, and the way of all messages to the
 * front-end.
 */

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "relay-router/router.h"

void
message_fresh_id(struct router *r, char *buf)
{
	snprintf(buf, 24, "r%016" PRIx64, id64_next(&r->ids));
}

void
message_add(struct router *r, enum env_key key, struct span json)
{
	text_lit(&r->out, ",\"");
	text_lit(&r->out, env_key_name(key));
	text_lit(&r->out, "\":");
	text_span(&r->out, json);
}

void
message_begin_id(struct router *r, const char *type, struct span id,
    struct span correlation_id)
{
	char	 now[32];

	text_reset(&r->out);
	text_lit(&r->out, "{\"type\":\"");
	text_lit(&r->out, type);
	text_lit(&r->out, "\",\"message_id\":");
	text_string(&r->out, id);
	if (correlation_id.len != 0) {
		message_add(r, ENV_CORRELATION_ID, span_str(""));
		text_string(&r->out, correlation_id);
	}
	wallclock_rfc3339(now, sizeof(now));
	text_lit(&r->out, ",\"timestamp\":\"");
	text_lit(&r->out, now);
	text_lit(&r->out, "\"");
	message_add(r, ENV_SOURCE_NODE, span_str(r->self_json));
}

void
message_begin(struct router *r, const char *type, struct span correlation_id)
{
	char	 id[24];

	message_fresh_id(r, id);
	message_begin_id(r, type, span_str(id), correlation_id);
}

/* Begins LINK_SEND and gives room for the text. */
static char *
send_begin(struct router *r, const struct session *s, size_t size)
{
	struct wire_put	*w;

	w = channel_begin(r->frontend, MSG_LINK_SEND);
	put_u64(w, s->id);
	return ((char *)put_bytes_reserve(w, size));
}

static bool
send_end(struct router *r, struct session *s)
{
	if (channel_commit(r->frontend) == -1)
		return (false);
	s->msgs_out++;
	return (true);
}

bool
message_send(struct router *r, struct session *s)
{
	char	*p;

	text_lit(&r->out, "}");
	if (r->frontend == NULL || r->out.len > r->conf.max_message)
		return (false);
	if ((p = send_begin(r, s, r->out.len)) == NULL) {
		channel_abort(r->frontend);
		return (false);
	}
	memcpy(p, r->out.p, r->out.len);
	return (send_end(r, s));
}

bool
message_splice(struct router *r, struct session *s, const struct splice *sp)
{
	char	*p;

	if (r->frontend == NULL)
		return (false);
	if ((p = send_begin(r, s, sp->size)) == NULL) {
		channel_abort(r->frontend);
		return (false);
	}
	splice_write(sp, p);
	return (send_end(r, s));
}

void
message_error(struct router *r, struct session *s, struct span message_id,
    const struct rpc_error *err)
{
	r->stats.errors++;
	text_reset(&r->body);
	rpc_error_data_object(&r->body, err, r->conf.node_id);
	message_begin(r, "error", message_id);
	message_add(r, ENV_DESTINATION_NODE,
	    (struct span){ s->json, s->json_len });
	message_add(r, ENV_DATA, text_get(&r->body));
	(void)message_send(r, s);
}
