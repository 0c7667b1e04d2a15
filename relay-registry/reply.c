/* SPDX-License-Identifier: ISC */
/* See reply.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>

#include "common/ctl.h"
#include "common/log.h"
#include "relay-registry/registry.h"
#include "relay-registry/reply.h"

#define CANNOT_WRITE	"the registry cannot write its database"

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
	for (i = 0; r->verdicts != NULL && i < r->count; i++)
		free(r->verdicts[i].text);
	free(r->services);
	free(r->verdicts);
	if (r->type == MSG_CTL_ROW || r->type == MSG_CTL_END)
		freezero(r->body, r->body_len);
	else
		free(r->body);
	free(r->detail);
	if (r->header != NULL)
		freezero(r->header, strlen(r->header));
	if (r->peer != NULL) {
		free(r->peer->host);
		free(r->peer->path);
	}
	free(r->peer);
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

static char *
copy_bytes(const char *s, size_t len)
{
	char *p;

	if ((p = malloc(len + 1)) == NULL)
		fatal("no memory for a reply");
	memcpy(p, s, len);
	p[len] = '\0';
	return (p);
}

void
reply_set_peer(struct reply *r, const char *host, uint16_t port,
    const char *path)
{
	if ((r->peer = calloc(1, sizeof(*r->peer))) == NULL)
		fatal("no memory for a reply");
	r->peer->host = copy_bytes(host, strlen(host));
	r->peer->path = copy_bytes(path, strlen(path));
	r->peer->port = port;
}

void
reply_set_body(struct reply *r, const char *body, size_t len)
{
	free(r->body);
	r->body = copy_bytes(body, len);
	r->body_len = len;
}

enum proc_id
reply_to(const struct reply *r)
{
	switch (r->type) {
	case MSG_SESSION_RESUME:
	case MSG_SESSION_CLOSE:
	case MSG_SERVICE_HEALTH:
	case MSG_PEER_ANSWER:
		return (PROC_REGISTRY);
	case MSG_PEER_ADD:
	case MSG_PEER_DELETE:
	case MSG_CTL_ROW:
	case MSG_CTL_END:
	case MSG_JOINED:
		return (PROC_PARENT);
	default:
		return (PROC_ROUTER);
	}
}

bool
reply_refuse(struct reply *r)
{
	static const char failed[] = "{\"error\":\"" CANNOT_WRITE "\"}";
	uint16_t i;

	switch (r->type) {
	case MSG_SESSION_ACCEPT:
		r->type = MSG_SESSION_DENY;
		r->status = 503;
		r->code = REGISTRY_OVERLOADED;
		r->retry_after_ms = REGISTRY_RETRY_MS;
		free(r->detail);
		r->detail = NULL;
		r->reason = CANNOT_WRITE;
		free(r->header);	/* a proof: there is no link to it */
		r->header = NULL;
		return (true);
	case MSG_PROOF_ANSWER:
		/* Its key is not in the database. */
		if (r->header != NULL)
			freezero(r->header, strlen(r->header));
		r->header = NULL;
		free(r->detail);
		r->detail = NULL;
		r->reason = CANNOT_WRITE;
		return (true);
	case MSG_REGISTERED:
		for (i = 0; i < r->count; i++)
			r->verdicts[i].rule =
			    "registry: the database cannot be written";
		return (true);
	case MSG_VIEW_REPLY:
		reply_set_body(r, failed, sizeof(failed) - 1);
		r->status = 503;
		return (true);
	case MSG_CTL_END:
		reply_set_body(r, CANNOT_WRITE, strlen(CANNOT_WRITE));
		r->status = CTL_REFUSED;
		return (true);
	case MSG_PEER_ANSWER:
		r->known = false;
		r->state = 0;
		return (true);
	case MSG_ROUTE_SET:
	case MSG_NODE_STATE:
	case MSG_PEER_ADD:
	case MSG_PEER_DELETE:
	case MSG_SESSION_RESUME:
	case MSG_CTL_ROW:
	case MSG_JOINED:
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

static void
put_peer(struct wire_put *w, const struct reply *r)
{
	put_str(w, r->peer->host);
	put_u16(w, r->peer->port);
	put_str(w, r->peer->path);
	if (r->type == MSG_PEER_DELETE)
		return;
	put_str(w, r->node);
	put_bool(w, r->peer->tls);
	put_bool(w, r->peer->insecure);
	put_bool(w, r->peer->persist);
}

static const char *
reason_of(const struct reply *r)
{
	return (r->detail != NULL ? r->detail : r->reason);
}

static const char *
header_of(const struct reply *r)
{
	return (r->header != NULL ? r->header : "");
}

/* A row of one field, which is called like its section. */
static void
put_secret(struct wire_put *w, const struct reply *r)
{
	put_str(w, r->reason);
	put_u16(w, 1);
	put_str(w, r->reason);
	put_u8(w, CTL_TEXT);
	put_str(w, r->body);
}

/* --- by what it is about; false: it is about something else --- */

static bool
put_of_link(struct wire_put *w, const struct reply *r)
{
	switch (r->type) {
	case MSG_SESSION_ACCEPT:
		put_u64(w, r->epoch);
		put_u64(w, r->replaced);
		put_str(w, r->node);
		put_str(w, header_of(r));
		return (true);
	case MSG_SESSION_DENY:
		put_u16(w, r->status);
		put_i32(w, r->code);
		put_u32(w, r->retry_after_ms);
		break;
	case MSG_SESSION_END:
		put_u16(w, r->status);
		put_str(w, reason_of(r));
		return (true);
	case MSG_PROOF_ANSWER:
		break;
	default:
		return (false);
	}
	put_str(w, header_of(r));
	put_str(w, reason_of(r));
	return (true);
}

static bool
put_of_node(struct wire_put *w, const struct reply *r)
{
	switch (r->type) {
	case MSG_REGISTERED:
		put_u64(w, r->tag);
		put_verdicts(w, r);
		return (true);
	case MSG_ROUTE_SET:
		put_str(w, r->node);
		put_services(w, r);
		return (true);
	case MSG_ROUTE_DELETE:
		put_str(w, r->node);
		return (true);
	case MSG_NODE_STATE:
		put_str(w, r->node);
		put_bool(w, r->known);
		return (true);
	default:
		return (false);
	}
}

/* The answer to a client's question. */
static bool
put_of_client(struct wire_put *w, const struct reply *r)
{
	switch (r->type) {
	case MSG_CALLER_ANSWER:
		put_bool(w, r->known);
		put_str(w, r->node);
		return (true);
	case MSG_VIEW_REPLY:
		put_u16(w, r->status);
		put_bytes(w, r->body, r->body_len);
		return (true);
	case MSG_CTL_ROW:
		put_secret(w, r);
		return (true);
	case MSG_CTL_END:
		put_u8(w, (uint8_t)r->status);
		put_str(w, r->body);
		return (true);
	default:
		return (false);
	}
}

/* What the parent has to dial, or may forget. */
static bool
put_of_parent(struct wire_put *w, const struct reply *r)
{
	switch (r->type) {
	case MSG_PEER_ADD:
	case MSG_PEER_DELETE:
		put_peer(w, r);
		return (true);
	case MSG_JOINED:
		put_u32(w, (uint32_t)r->tag);
		return (true);
	default:
		return (false);
	}
}

void
put_reply(struct wire_put *w, const struct reply *r)
{
	if (r->type == MSG_JOINED)
		put_u32(w, (uint32_t)r->id);
	else if (r->type != MSG_NODE_STATE && r->peer == NULL)
		put_u64(w, r->id);
	if (!put_of_link(w, r) && !put_of_node(w, r) &&
	    !put_of_client(w, r) && !put_of_parent(w, r))
		w->bad = true;
}
