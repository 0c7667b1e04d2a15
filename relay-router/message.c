/* SPDX-License-Identifier: ISC */

/*
 * Federation messages this node writes, and the way of all messages to the
 * front-end.
 */

#include <string.h>

#include "common/log.h"
#include "relay-router/router.h"

/* The lowest digits of a number.  Every call has an id: no snprintf(3). */
static char *
put_hex(char *p, uint64_t v, int digits)
{
	while (digits-- > 0)
		*p++ = "0123456789abcdef"[v >> 4 * digits & 15];
	return (p);
}

void
message_fresh_id(struct router *r, char *buf)
{
	*buf++ = 'r';
	buf = put_hex(buf, r->id_tag, 6);
	buf = put_hex(buf, id64_next(&r->ids), 16);
	*buf = '\0';
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

_Static_assert(LIMIT_HOPS == 3, "ttl of a message from here is LIMIT_HOPS");

void
message_way(struct router *r)
{
	message_add(r, ENV_ROUTING_PATH, span_str(r->self_path));
	message_add(r, ENV_TTL, span_str("3"));
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

size_t
message_max(const struct router *r, const struct session *s)
{
	if (s->kind == SESSION_PEER && r->conf.max_message < LIMIT_PEER_MESSAGE)
		return (LIMIT_PEER_MESSAGE);
	return (r->conf.max_message);
}

size_t
message_room(const struct router *r, const struct session *s)
{
	if (s->kind == SESSION_PEER && s->max_message < r->conf.max_message)
		return (s->max_message);
	return (r->conf.max_message);
}

bool
message_send(struct router *r, struct session *s)
{
	char	*p;

	text_lit(&r->out, "}");
	if (r->frontend == NULL || r->out.len > message_max(r, s))
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
	message_way(r);
	message_add(r, ENV_DATA, text_get(&r->body));
	(void)message_send(r, s);
}
