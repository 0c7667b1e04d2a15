/* SPDX-License-Identifier: ISC */
/* One generation of the configuration as messages, each child its part. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "common/log.h"
#include "common/service.h"
#include "relayd/files.h"
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
	put_u8(w, (uint8_t)conf->authentication);
	put_str(w, conf->url.text != NULL ? conf->url.text : "");
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
		put_bool(w, l->conf->tls);
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

/* How the front-end makes TLS with a Main that is dialled. */
static void
put_tls(struct wire_put *w, const struct conf_link *l)
{
	put_bool(w, l->url.tls);
	put_u32(w, l->ca);
	put_str(w, l->pin != NULL ? l->pin : "");
	put_u32(w, l->key);
}

static void
send_uplinks(struct channel *ch, const struct conf *conf)
{
	const struct conf_link *u;
	struct wire_put *w;
	size_t i;

	for (i = 0; i < conf->nuplinks; i++) {
		u = &conf->uplinks[i];
		w = channel_begin(ch, MSG_CONF_UPLINK);
		put_u32(w, u->index);
		put_str(w, u->url.host);
		put_u16(w, u->url.port);
		put_str(w, u->url.path);
		put_tls(w, u);
		put_str(w, u->node_id != NULL ? u->node_id : "");
		(void)channel_commit(ch);
	}
}

/*
 * Peers that were added at run time are believed by what this machine trusts,
 * which may be behind what the configuration has.  NONE: there is no such peer.
 */
static uint32_t
added_ca(const struct conf *conf, const struct peers *peers)
{
	uint32_t ca;
	size_t i;

	for (i = conf->npeers; i < peers->count && !peers->list[i].tls; i++)
		continue;
	if (i >= peers->count)
		return (CONF_NONE);
	ca = conf_ca_find(conf, CA_FILE);
	return (ca != CONF_NONE ? ca : (uint32_t)conf->ncas);
}

static void
send_peers(struct channel *ch, const struct conf *conf,
    const struct peers *peers)
{
	const struct peer *p;
	struct conf_link l = { .key = CONF_NONE };
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
		/* The first ones are those of the configuration. */
		if (i < conf->npeers)
			put_tls(w, &conf->peers[i]);
		else {
			l.url.tls = p->tls;
			l.ca = p->tls ? added_ca(conf, peers) : CONF_NONE;
			put_tls(w, &l);
		}
		(void)channel_commit(ch);
	}
}

/* --- files --- */

static void
send_keys(struct channel *ch, const struct conf *conf, struct files *files)
{
	struct wire_put *w;
	size_t i;

	for (i = 0; i < conf->nkeys; i++) {
		w = channel_begin(ch, MSG_CONF_KEY);
		put_u32(w, conf->keys[i].index);
		put_str(w, conf->keys[i].key);
		(void)channel_commit_fd(ch, files_take(files));
	}
}

static void
send_certificates(struct channel *ch, const struct conf *conf,
    struct files *files)
{
	struct wire_put *w;
	size_t i;

	for (i = 0; i < conf->nkeys; i++) {
		w = channel_begin(ch, MSG_CONF_CERTIFICATE);
		put_u32(w, conf->keys[i].index);
		put_bool(w, conf->keys[i].server);
		put_str(w, conf->keys[i].certificate);
		(void)channel_commit_fd(ch, files_take(files));
	}
}

static void
send_ca(struct channel *ch, uint32_t index, bool clients, const char *file,
    int fd)
{
	struct wire_put *w;

	w = channel_begin(ch, MSG_CONF_CA);
	put_u32(w, index);
	put_bool(w, clients);
	put_str(w, file);
	(void)channel_commit_fd(ch, fd);
}

static void
send_cas(struct channel *ch, const struct conf *conf, bool more,
    struct files *files)
{
	size_t i;

	for (i = 0; i < conf->ncas; i++)
		send_ca(ch, conf->cas[i].index, conf->cas[i].clients,
		    conf->cas[i].file, files_take(files));
	if (more)
		send_ca(ch, (uint32_t)conf->ncas, false, CA_FILE,
		    files_take(files));
}

static void
send_credentials(struct channel *ch, const struct conf *conf,
    struct files *files)
{
	const struct conf_credential *c;
	const char *node_id;
	struct wire_put *w;
	size_t i;
	int fd;

	for (i = 0; i < conf->ncredentials; i++) {
		c = &conf->credentials[i];
		fd = c->file != NULL ? files_take(files) : -1;
		if (c->file != NULL && fd == -1)
			continue;
		node_id = conf_credential_node(conf, c);
		w = channel_begin(ch, MSG_CONF_CREDENTIAL);
		put_u8(w, (uint8_t)c->holder);
		put_u32(w, c->index);
		put_str(w, node_id != NULL ? node_id : "");
		put_u8(w, (uint8_t)c->method);
		put_str(w, c->value != NULL ? c->value : "");
		put_str(w, c->file != NULL ? c->file : "");
		if (fd == -1)
			(void)channel_commit(ch);
		else
			(void)channel_commit_fd(ch, fd);
	}
}

static void
send_rules(struct channel *ch, const struct conf *conf)
{
	struct wire_put *w;
	uint32_t i;

	for (i = 0; i < conf->policy.n; i++) {
		w = channel_begin(ch, MSG_CONF_RULE);
		put_u32(w, i);
		put_rule(w, &conf->policy.rules[i]);
		(void)channel_commit(ch);
	}
}

/* --- services --- */

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

bool
conf_send(struct child *c, const struct conf *conf,
    const struct listeners *set, const struct peers *peers,
    uint32_t generation, char *why, size_t size)
{
	bool more_ca = added_ca(conf, peers) == conf->ncas;
	struct files files;

	/* Before the first message: what is begun is ended. */
	if (!files_open(&files, c->id, conf, more_ca ? CA_FILE : NULL, why,
	    size))
		return (false);
	send_generation(c->ch, MSG_CONF_BEGIN, generation);
	send_node(c->ch, conf);
	switch (c->id) {
	case PROC_FRONTEND:
		send_listeners(c->ch, set);
		send_origins(c->ch, conf);
		send_certificates(c->ch, conf, &files);
		send_cas(c->ch, conf, more_ca, &files);
		send_uplinks(c->ch, conf);
		send_peers(c->ch, conf, peers);
		break;
	case PROC_DIALER:
		send_uplinks(c->ch, conf);
		send_peers(c->ch, conf, peers);
		send_endpoints(c->ch, conf);
		break;
	case PROC_REGISTRY:
		send_addresses(c->ch, set);
		send_uplinks(c->ch, conf);
		send_peers(c->ch, conf, peers);
		send_credentials(c->ch, conf, &files);
		send_rules(c->ch, conf);
		break;
	case PROC_KEEPER:
		send_keys(c->ch, conf, &files);
		send_certificates(c->ch, conf, &files);
		break;
	case PROC_ROUTER:
		send_rules(c->ch, conf);
		send_services(c->ch, conf);
		break;
	case PROC_BACKEND:
		send_services(c->ch, conf);
		break;
	default:
		break;
	}
	files_free(&files);
	send_generation(c->ch, MSG_CONF_END, generation);
	return (true);
}
