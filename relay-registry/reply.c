/* SPDX-License-Identifier: ISC */
/* See reply.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "relay-registry/registry.h"
#include "relay-registry/reply.h"

struct reply *
reply_new(enum msg_type type, uint64_t id)
{
	struct reply *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		fatal("no memory for a reply");
	r->type = type;
	r->id = id;
	return (r);
}

void
reply_free(struct reply *r)
{
	uint16_t i;

	if (r == NULL)
		return;
	if (r->services != NULL) {
		for (i = 0; i < r->count; i++)
			service_clear(&r->services[i]);
	}
	free(r->services);
	free(r->verdicts);
	free(r->body);
	free(r);
}

void
reply_free_all(struct reply_queue *q)
{
	struct reply *r;

	while ((r = STAILQ_FIRST(q)) != NULL) {
		STAILQ_REMOVE_HEAD(q, entry);
		reply_free(r);
	}
}

bool
reply_refuse(struct reply *r)
{
	uint16_t i;

	switch (r->type) {
	case MSG_SESSION_ACCEPT:
		r->type = MSG_SESSION_DENY;
		r->status = 503;
		r->code = REGISTRY_OVERLOADED;
		r->retry_after_ms = REGISTRY_RETRY_MS;
		r->reason = "the registry cannot write its database";
		return (true);
	case MSG_REGISTERED:
		for (i = 0; i < r->count; i++)
			r->verdicts[i].rule =
			    "registry: the database cannot be written";
		return (true);
	case MSG_VIEW_REPLY:
		free(r->body);
		r->body = strdup("{\"error\":\"the registry cannot write its "
		    "database\"}");
		if (r->body == NULL)
			fatal("no memory for a view");
		r->body_len = strlen(r->body);
		r->status = 503;
		return (true);
	case MSG_ROUTE_SET:
	case MSG_NODE_STATE:
		return (false);
	default:
		return (true);
	}
}

static void
put_verdicts(struct wire_put *w, const struct reply *r)
{
	const struct verdict *v;
	uint16_t i;

	put_u16(w, r->count);
	for (i = 0; i < r->count; i++) {
		v = &r->verdicts[i];
		put_str(w, v->name);
		put_str(w, v->version);
		put_bool(w, v->rule == NULL);
		put_str(w, v->rule == NULL ? "" : v->rule);
	}
}

static void
put_services(struct wire_put *w, const struct reply *r)
{
	uint16_t i;

	put_u16(w, r->count);
	for (i = 0; i < r->count; i++)
		put_service(w, &r->services[i]);
}

void
put_reply(struct wire_put *w, const struct reply *r)
{
	if (r->type != MSG_NODE_STATE)
		put_u64(w, r->id);
	switch (r->type) {
	case MSG_SESSION_ACCEPT:
		put_u64(w, r->epoch);
		put_u64(w, r->replaced);
		put_str(w, r->node);
		break;
	case MSG_SESSION_DENY:
		put_u16(w, r->status);
		put_i32(w, r->code);
		put_u32(w, r->retry_after_ms);
		put_str(w, r->reason);
		break;
	case MSG_REGISTERED:
		put_u64(w, r->tag);
		put_verdicts(w, r);
		break;
	case MSG_ROUTE_SET:
		put_str(w, r->node);
		put_services(w, r);
		break;
	case MSG_ROUTE_DELETE:
		put_str(w, r->node);
		break;
	case MSG_NODE_STATE:
		put_str(w, r->node);
		put_bool(w, r->known);
		break;
	case MSG_VIEW_REPLY:
		put_u16(w, r->status);
		put_bytes(w, r->body, r->body_len);
		break;
	default:
		w->bad = true;
	}
}
