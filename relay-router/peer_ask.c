/* SPDX-License-Identifier: ISC */

/*
 * POST /federation/peers/add and DELETE of a peer (PROTOCOL.md section 7):
 * read here, decided by the registry, which knows the admin tokens.
 */

#include <string.h>

#include "relay-router/router.h"

enum { OP_ADD = 1, OP_DELETE };

/* What is asked; the names are plain text without NUL. */
struct peer_ask {
	uint8_t		 op;
	struct span	 name;
	struct span	 node_id;
	bool		 persist;
	bool		 insecure;
	struct span	 address;	/* of who asks */
};

static void
refuse(struct router *r, uint64_t id, uint16_t status, const char *why)
{
	struct text	 t = { 0 };

	text_lit(&t, "{\"error\":");
	text_cstring(&t, why);
	text_lit(&t, "}");
	http_respond(r, id, status, status == 503 ? RPC_RETRY_MS : 0,
	    text_get(&t));
	text_free(&t);
}

static void
submit(struct router *r, uint64_t id, struct span authorization,
    const struct peer_ask *a)
{
	struct http_call	*h;
	struct wire_put		*w;

	if (r->registry == NULL) {
		view_unavailable(r, id);
		return;
	}
	if (r->n_peer_asks >= LIMIT_PEER_ASKS) {
		refuse(r, id, 503, "too many requests");
		return;
	}
	h = http_call_new(r, id, 0, "");
	h->asked = id64_next(&r->ids);
	http_call_wait(h, &r->peer_asks);
	r->n_peer_asks++;
	w = channel_begin(r->registry, MSG_PEER_REQUEST);
	put_u64(w, h->asked);
	put_u8(w, a->op);
	put_span(w, authorization.len <= LIMIT_AUTHORIZATION ?
	    authorization : span_str(""));	/* no token is that long */
	put_span(w, a->name);
	put_span(w, a->node_id);
	put_bool(w, a->persist);
	put_bool(w, a->insecure);
	put_span(w, a->address);
	(void)channel_commit(r->registry);
}

/* A string of 1 to max characters, without its escapes in the buffer. */
static bool
take_text(const struct json_span *v, char *buf, size_t max, struct span *out)
{
	int	 n;

	if (v->type != JSON_STRING || (n = json_unescape(v, buf, max)) <= 0 ||
	    memchr(buf, '\0', (size_t)n) != NULL)
		return (false);
	out->p = buf;
	out->len = (size_t)n;
	return (true);
}

static bool
take_bool(const struct json_span *v, bool *out)
{
	*out = v->type == JSON_TRUE;
	return (v->type == JSON_TRUE || v->type == JSON_FALSE);
}

/* Room for the texts of a body. */
struct ask_texts {
	char	 url[LIMIT_HTTP_TARGET];
	char	 node_id[LIMIT_NODE_ID];
};

/* Takes a member; NULL, or what is wrong with it. */
static const char *
take_member(const struct json_span *key, const struct json_span *v,
    struct peer_ask *a, struct ask_texts *texts)
{
	struct span	 k = { key->p, key->len };

	if (span_eq(k, span_str("\"url\"")))
		return (a->name.len == 0 && take_text(v, texts->url,
		    sizeof(texts->url), &a->name) ? NULL :
		    "url: one string of at most 2048 bytes");
	if (span_eq(k, span_str("\"node_id\"")))
		return (a->node_id.len == 0 && take_text(v, texts->node_id,
		    sizeof(texts->node_id), &a->node_id) ? NULL :
		    "node_id: one string of at most 253 bytes");
	if (span_eq(k, span_str("\"persist\"")))
		return (take_bool(v, &a->persist) ? NULL :
		    "persist: true or false");
	if (span_eq(k, span_str("\"insecure\"")))
		return (take_bool(v, &a->insecure) ? NULL :
		    "insecure: true or false");
	return (NULL);
}

_Static_assert(LIMIT_HTTP_TARGET == 2048 && LIMIT_NODE_ID == 253,
    "the texts above say so");

/* Reads the body; NULL, or what is wrong with it. */
static const char *
read_body(struct span body, struct peer_ask *a, struct ask_texts *texts)
{
	struct json_scan	 s;
	struct json_span	 key, v;
	const char		*bad;
	int			 more;

	if (!json_valid(body.p, body.len))
		return ("the body is not JSON");
	json_scan_init(&s, body.p, body.len);
	if (!json_object_begin(&s))
		return ("the body is not an object");
	while ((more = json_object_next(&s, &key)) == 1) {
		if (!json_skip(&s, &v))
			break;
		if ((bad = take_member(&key, &v, a, texts)) != NULL)
			return (bad);
	}
	return (a->name.len == 0 ? "url is missing" : NULL);
}

void
peer_ask_add(struct router *r, uint64_t id, struct span address,
    struct span authorization, struct span body)
{
	struct ask_texts	 texts;
	struct peer_ask		 a = {
		.op = OP_ADD, .name = { "", 0 }, .node_id = { "", 0 },
		.address = address
	};
	const char		*bad;

	if ((bad = read_body(body, &a, &texts)) != NULL)
		refuse(r, id, 400, bad);
	else
		submit(r, id, authorization, &a);
}

void
peer_ask_delete(struct router *r, uint64_t id, struct span address,
    struct span authorization, struct span body)
{
	struct peer_ask	 a = {
		.op = OP_DELETE, .name = body, .node_id = { "", 0 },
		.address = address
	};

	if (body.len == 0 || body.len > LIMIT_HTTP_TARGET ||
	    memchr(body.p, '\0', body.len) != NULL)
		refuse(r, id, 400, "no name of a peer");
	else
		submit(r, id, authorization, &a);
}

bool
peer_ask_reply(struct router *r, uint64_t asked, uint16_t status,
    struct span body)
{
	struct http_call	*h;

	TAILQ_FOREACH(h, &r->peer_asks, wait)
		if (h->asked == asked)
			break;
	if (h == NULL)
		return (false);
	http_respond(r, h->id, status, 0, body);
	http_call_free(r, h);
	return (true);
}

void
peer_ask_fail(struct router *r)
{
	struct http_call	*h;

	while ((h = TAILQ_FIRST(&r->peer_asks)) != NULL) {
		view_unavailable(r, h->id);
		http_call_free(r, h);
	}
}
