/* SPDX-License-Identifier: ISC */

/*
 * What GET tells: the health of this node, and the registry's view of it.
 *
 * Of each view one is asked for at a time, and all that wait get the same, if
 * it is for the same caller: however many ask, the registry and the channels
 * hold one body of each.
 */

#include <string.h>

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

/* Each role has its own views (PROTOCOL.md section 7). */
static bool
is_view(const struct router *r, uint8_t route)
{
	switch (route) {
	case HTTP_ROUTE_SERVICES:
		return (r->conf.role == ROLE_HOME);
	case HTTP_ROUTE_REGISTRY:
	case HTTP_ROUTE_FEDERATION_REGISTRY:
	case HTTP_ROUTE_FEDERATION_PEERS:
	case HTTP_ROUTE_FEDERATION_HEALTH:
		return (r->conf.role == ROLE_MAIN);
	default:
		return (false);
	}
}

void
view_init(struct router *r)
{
	unsigned int	 i;

	for (i = 0; i < VIEWS; i++)
		TAILQ_INIT(&r->views[i].waiting);
}

void
view_unavailable(struct router *r, uint64_t id)
{
	http_respond(r, id, 503, RPC_RETRY_MS,
	    span_str("{\"error\":\"registry is not available\"}"));
}

static void
ask(struct router *r, unsigned int route)
{
	struct view	*v = &r->views[route];
	struct wire_put	*w;

	if (v->asked != 0 || TAILQ_EMPTY(&v->waiting))
		return;
	v->asked = id64_next(&r->ids);
	memcpy(v->caller, TAILQ_FIRST(&v->waiting)->caller,
	    sizeof(v->caller));
	w = channel_begin(r->registry, MSG_VIEW_REQUEST);
	put_u64(w, v->asked);
	put_u8(w, (uint8_t)route);
	put_bool(w, r->draining);
	put_u32(w, (uint32_t)(r->latency_16ths / 16));
	put_str(w, v->caller);
	(void)channel_commit(r->registry);
}

void
view_ask(struct router *r)
{
	unsigned int	 i;

	if (r->registry == NULL || r->frontend == NULL ||
	    channel_congested(r->frontend))
		return;
	for (i = 0; i < VIEWS; i++)
		ask(r, i);
}

bool
view_wanted(struct router *r, uint64_t id, uint8_t route, const char *caller)
{
	struct http_call	*h;

	if (!is_view(r, route))
		return (false);
	if (r->registry == NULL) {
		view_unavailable(r, id);
		return (true);
	}
	h = http_call_new(r, id, 0, caller);
	http_call_wait(h, &r->views[route].waiting);
	view_ask(r);
	return (true);
}

static struct view *
view_asked(struct router *r, uint64_t id)
{
	unsigned int	 i;

	for (i = 0; i < VIEWS; i++)
		if (id != 0 && r->views[i].asked == id)
			return (&r->views[i]);
	return (NULL);
}

static void
view_answered(struct router *r, struct view *v, uint16_t status,
    struct span body)
{
	struct http_call	*h, *next;

	v->asked = 0;
	/* The others get one when the front-end has taken these. */
	TAILQ_FOREACH_SAFE(h, &v->waiting, wait, next) {
		if (channel_congested(r->frontend))
			break;
		if (strcmp(h->caller, v->caller) != 0)
			continue;
		http_respond(r, h->id, status, 0, body);
		http_call_free(r, h);
	}
	view_ask(r);
}

void
on_view_reply(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router	*r = arg;
	struct view	*v;
	struct span	 body;
	uint64_t	 id;
	uint16_t	 status;

	(void)ch;
	(void)fd;
	id = get_u64(msg);
	status = get_u16(msg);
	body = get_bytes(msg);
	if (!get_done(msg))
		return;
	if ((v = view_asked(r, id)) != NULL)
		view_answered(r, v, status, body);
	else if (!peer_ask_reply(r, id, status, body))
		r->stats.stale++;
}

void
view_fail(struct router *r)
{
	struct http_call	*h;
	unsigned int		 i;

	for (i = 0; i < VIEWS; i++) {
		r->views[i].asked = 0;
		while ((h = TAILQ_FIRST(&r->views[i].waiting)) != NULL) {
			view_unavailable(r, h->id);
			http_call_free(r, h);
		}
	}
}
