/* SPDX-License-Identifier: ISC */
/* One generation of the configuration as messages, each child its part. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "common/log.h"
#include "common/service.h"
#include "relayd/relayd.h"

static void
send_generation(struct channel *ch, enum msg_type type, uint32_t generation)
{
	put_u32(channel_begin(ch, type), generation);
	(void)channel_commit(ch);
}

static void
send_node(struct channel *ch, const struct conf *conf)
{
	struct wire_put *w;

	w = channel_begin(ch, MSG_CONF_NODE);
	put_u8(w, (uint8_t)conf->role);
	put_str(w, conf->node_id);
	put_u32(w, conf->call_timeout_ms);
	put_u32(w, conf->max_message);
	put_u32(w, conf->max_connections);
	put_u32(w, conf->max_per_address);
	put_u32(w, conf->hold_down_ms);
	(void)channel_commit(ch);
}

static void
send_listeners(struct channel *ch, const struct listeners *set)
{
	const struct listener *l;
	struct wire_put *w;
	size_t i;
	int fd;

	for (i = 0; i < set->count; i++) {
		l = &set->list[i];
		/* Ours stays open, for the next generation or process. */
		if ((fd = fcntl(l->fd, F_DUPFD_CLOEXEC, 0)) == -1)
			fatal("dup of a listener: %s", strerror(errno));
		w = channel_begin(ch, MSG_CONF_LISTENER);
		put_u32(w, l->conf->index);
		put_bool(w, l->conf->kind == CONF_LISTEN_UNIX);
		put_bool(w, conf_listener_is_local(l->conf));
		put_str(w, l->bound);
		(void)channel_commit_fd(ch, fd);
	}
}

/* Where this node can be reached, so that it does not become its own peer. */
static void
send_addresses(struct channel *ch, const struct listeners *set)
{
	size_t i;

	for (i = 0; i < set->count; i++) {
		if (set->list[i].conf->kind == CONF_LISTEN_UNIX)
			continue;
		put_str(channel_begin(ch, MSG_CONF_ADDRESS),
		    set->list[i].bound);
		(void)channel_commit(ch);
	}
}

static void
send_origins(struct channel *ch, const struct conf *conf)
{
	size_t i;

	for (i = 0; i < conf->norigins; i++) {
		put_str(channel_begin(ch, MSG_CONF_ORIGIN),
		    conf->origins[i].text);
		(void)channel_commit(ch);
	}
}

static void
send_uplinks(struct channel *ch, const struct conf *conf)
{
	const struct conf_uplink *u;
	struct wire_put *w;
	size_t i;

	for (i = 0; i < conf->nuplinks; i++) {
		u = &conf->uplinks[i];
		w = channel_begin(ch, MSG_CONF_UPLINK);
		put_u32(w, u->index);
		put_str(w, u->url.host);
		put_u16(w, u->url.port);
		put_str(w, u->url.path);
		(void)channel_commit(ch);
	}
}

static void
send_peers(struct channel *ch, const struct peers *peers)
{
	const struct peer *p;
	struct wire_put *w;
	size_t i;

	for (i = 0; i < peers->count; i++) {
		p = &peers->list[i];
		w = channel_begin(ch, MSG_CONF_PEER);
		put_u32(w, (uint32_t)i);
		put_str(w, p->host);
		put_u16(w, p->port);
		put_str(w, p->path);
		put_str(w, p->node_id);
		put_u8(w, (uint8_t)p->origin);
		(void)channel_commit(ch);
	}
}

static uint8_t
backend_code(enum conf_backend backend)
{
	switch (backend) {
	case CONF_BACKEND_EXEC:
		return (1);
	case CONF_BACKEND_HTTP:
		return (2);
	case CONF_BACKEND_UNIX:
		break;
	}
	return (3);
}

static void
send_services(struct channel *ch, const struct conf *conf)
{
	const struct conf_service *s;
	struct wire_put *w;
	bool http;
	size_t i;

	for (i = 0; i < conf->nservices; i++) {
		s = &conf->services[i];
		http = s->backend == CONF_BACKEND_HTTP;
		w = channel_begin(ch, MSG_CONF_SERVICE);
		put_u32(w, s->index);
		put_service(w, &s->def);
		put_u8(w, backend_code(s->backend));
		put_u32(w, s->instances);
		put_u32(w, s->timeout_ms);
		put_str(w, http ? s->url.host : "");
		put_u16(w, http ? s->url.port : 0);
		if (http)
			put_str(w, s->url.path);
		else
			put_str(w, s->path != NULL ? s->path : "");
		(void)channel_commit(ch);
	}
}

static void
send_endpoints(struct channel *ch, const struct conf *conf)
{
	const struct conf_service *s;
	struct wire_put *w;
	size_t i;

	for (i = 0; i < conf->nservices; i++) {
		s = &conf->services[i];
		if (s->backend != CONF_BACKEND_HTTP)
			continue;
		w = channel_begin(ch, MSG_CONF_ENDPOINT);
		put_u32(w, s->index);
		put_str(w, s->url.host);
		put_u16(w, s->url.port);
		(void)channel_commit(ch);
	}
}

void
conf_send(struct child *c, const struct conf *conf,
    const struct listeners *set, const struct peers *peers,
    uint32_t generation)
{
	send_generation(c->ch, MSG_CONF_BEGIN, generation);
	send_node(c->ch, conf);
	switch (c->id) {
	case PROC_FRONTEND:
		send_listeners(c->ch, set);
		send_origins(c->ch, conf);
		send_uplinks(c->ch, conf);
		send_peers(c->ch, peers);
		break;
	case PROC_DIALER:
		send_uplinks(c->ch, conf);
		send_peers(c->ch, peers);
		send_endpoints(c->ch, conf);
		break;
	case PROC_REGISTRY:
		send_addresses(c->ch, set);
		send_peers(c->ch, peers);
		break;
	case PROC_BACKEND:
	case PROC_ROUTER:
		send_services(c->ch, conf);
		break;
	default:
		break;
	}
	send_generation(c->ch, MSG_CONF_END, generation);
}
