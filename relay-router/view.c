/* SPDX-License-Identifier: ISC */

/*
 * What GET tells: the health of this node, and the registry's view of it.
 *
 * One view is asked for at a time, and all that wait get the same: however
 * many ask, the registry and the channels hold one body.
 */

#include "common/http_route.h"
#include "relay-router/router.h"

void
view_health(struct router *r, uint64_t id)
{
	struct text	 t = { 0 };

	text_lit(&t, "{\"status\":");
	text_cstring(&t, r->draining ? "draining" : "ok");
	text_lit(&t, ",\"node_id\":");
	text_cstring(&t, r->conf.node_id);
	text_lit(&t, ",\"node_type\":");
	text_cstring(&t, role_name(r->conf.role));
	text_lit(&t, "}");
	http_respond(r, id, 200, 0, text_get(&t));
	text_free(&t);
}

/* Each role has its own view (PROTOCOL.md section 7). */
static uint8_t
route_of(const struct router *r)
{
	return (r->conf.role == ROLE_MAIN ? HTTP_ROUTE_REGISTRY :
	    HTTP_ROUTE_SERVICES);
}

static void
unavailable(struct router *r, uint64_t id)
{
	http_respond(r, id, 503, RPC_RETRY_MS,
	    span_str("{\"error\":\"registry is not available\"}"));
}

void
view_ask(struct router *r)
{
	struct wire_put	*w;

	if (r->registry == NULL || r->view_asked != 0 ||
	    TAILQ_EMPTY(&r->views) || channel_congested(r->frontend))
		return;
	r->view_asked = id64_next(&r->ids);
	w = channel_begin(r->registry, MSG_VIEW_REQUEST);
	put_u64(w, r->view_asked);
	put_u8(w, route_of(r));
	(void)channel_commit(r->registry);
}

bool
view_wanted(struct router *r, uint64_t id, uint8_t route)
{
	struct http_call	*h;

	if (route != route_of(r))
		return (false);
	if (r->registry == NULL) {
		unavailable(r, id);
		return (true);
	}
	h = http_call_new(r, id, 0);
	http_call_wait(h, &r->views);
	view_ask(r);
	return (true);
}

void
on_view_reply(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router		*r = arg;
	struct http_call	*h;
	struct span		 body;
	uint64_t		 id;
	uint16_t		 status;

	(void)ch;
	(void)fd;
	id = get_u64(msg);
	status = get_u16(msg);
	body = get_bytes(msg);
	if (!get_done(msg))
		return;
	if (id != r->view_asked) {
		r->stats.stale++;
		return;
	}
	r->view_asked = 0;
	/* The others get one when the front-end has taken these. */
	while ((h = TAILQ_FIRST(&r->views)) != NULL &&
	    !channel_congested(r->frontend)) {
		http_respond(r, h->id, status, 0, body);
		http_call_free(r, h);
	}
	view_ask(r);
}

void
view_fail(struct router *r)
{
	struct http_call	*h;

	r->view_asked = 0;
	while ((h = TAILQ_FIRST(&r->views)) != NULL) {
		unavailable(r, h->id);
		http_call_free(r, h);
	}
}
