/* SPDX-License-Identifier: ISC */
/*
 * The front-end's configuration: collected beside the one in force, then
 * swapped in whole.  Links and connections stay.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "relayd/frontend/frontend.h"

static struct fe_conf *
conf_new(void)
{
	struct fe_conf	*conf = calloc(1, sizeof(*conf));

	if (conf == NULL)
		fatal("out of memory for a configuration");
	return (conf);
}

void
conf_free(struct fe_conf *conf)
{
	size_t	i;

	if (conf == NULL)
		return;
	for (i = 0; i < conf->nlisteners; i++)
		listen_stop(&conf->listeners[i]);
	for (i = 0; i < conf->norigins; i++)
		free(conf->origins[i]);
	for (i = 0; i < conf->nups; i++) {
		free(conf->ups[i].host);
		free(conf->ups[i].path);
	}
	tls_conf_unref(conf->tls);
	free(conf);
}

static char *
copy(struct span s)
{
	char	*p = strndup(s.p, s.len);

	if (p == NULL)
		fatal("out of memory for a configuration");
	return (p);
}

void
on_conf_node(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct frontend	*fe = arg;
	struct fe_conf	*conf = fe->next;

	(void)ch;
	(void)fd;
	if (conf == NULL) {
		msg->bad = true;
		return;
	}
	conf->role = get_u8(msg);
	get_str(msg, conf->node_id, sizeof(conf->node_id));
	(void)get_u32(msg);		/* call_timeout_ms */
	conf->max_message = get_u32(msg);
	conf->max_connections = get_u32(msg);
	conf->max_per_address = get_u32(msg);
	(void)get_u32(msg);		/* hold_down_ms, for the dialer */
	(void)get_u8(msg);		/* authentication, for the registry */
	(void)get_span(msg, LIMIT_CONF_STRING);	/* url, the same */
}

void
on_conf_listener(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct frontend	*fe = arg;
	struct fe_conf	*conf = fe->next;
	struct listener	*l;

	(void)ch;
	if (conf == NULL || conf->nlisteners == LIMIT_LISTENERS) {
		msg->bad = true;
		close(fd);
		return;
	}
	l = &conf->listeners[conf->nlisteners];
	(void)get_u32(msg);		/* index, for the parent */
	l->unix_socket = get_bool(msg);
	l->local = get_bool(msg);
	l->tls = get_bool(msg);
	get_str(msg, l->address, sizeof(l->address));
	if (!get_done(msg)) {
		close(fd);
		return;
	}
	l->fd = fd;
	conf->nlisteners++;
}

static void
add_origin(struct fe_conf *conf, char *origin)
{
	if (conf->norigins == ORIGINS_MAX)
		free(origin);
	else
		conf->origins[conf->norigins++] = origin;
}

void
on_conf_origin(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct frontend	*fe = arg;
	struct span	 s = get_span(msg, 512);

	(void)ch;
	(void)fd;
	if (fe->next == NULL || fe->next->norigins == LIMIT_ORIGINS)
		msg->bad = true;
	if (get_done(msg))
		add_origin(fe->next, copy(s));
}

/* CONF_UPLINK, and CONF_PEER up to its path; at most max of them. */
static void
add_up(struct frontend *fe, struct wire_get *msg, struct conf_up *up,
    size_t max)
{
	struct span	host, path;

	up->index = get_u32(msg);
	host = get_span(msg, 512);
	up->port = get_u16(msg);
	path = get_span(msg, LIMIT_HTTP_TARGET);
	if (fe->next == NULL || fe->next->nups >= max)
		msg->bad = true;
	if (msg->bad)
		return;
	up->host = copy(host);
	up->path = copy(path);
}

/* How it is known to be the one, if it is dialled by TLS. */
static void
add_trust(struct frontend *fe, struct wire_get *msg, struct conf_up *up)
{
	bool		tls = get_bool(msg);
	uint32_t	ca = get_u32(msg);
	struct span	pin = get_span(msg, LIMIT_CONF_STRING);
	uint32_t	key = get_u32(msg);

	if (msg->bad || !tls)
		return;
	up->tls = tls_conf_target(fe->next->tls, span_str(up->host), up->port,
	    ca, pin, key);
	if (up->tls == NULL)
		msg->bad = true;
}

/* Keep it if all of the message was good. */
static void
keep_up(struct frontend *fe, struct wire_get *msg, const struct conf_up *up)
{
	if (get_done(msg)) {
		fe->next->ups[fe->next->nups++] = *up;
		return;
	}
	free(up->host);
	free(up->path);
}

void
on_conf_uplink(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct frontend	*fe = arg;
	struct conf_up	 up = { 0 };

	(void)ch;
	(void)fd;
	add_up(fe, msg, &up, child_role(fe->child) == ROLE_HOME ?
	    LIMIT_UPLINKS : 0);
	add_trust(fe, msg, &up);
	(void)get_span(msg, LIMIT_NODE_ID);	/* for the registry */
	keep_up(fe, msg, &up);
}

void
on_conf_peer(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct frontend	*fe = arg;
	struct conf_up	 up = { 0 };

	(void)ch;
	(void)fd;
	add_up(fe, msg, &up, child_role(fe->child) == ROLE_MAIN ?
	    LIMIT_PEERS : 0);
	(void)get_span(msg, LIMIT_NODE_ID);	/* for the registry */
	(void)get_u8(msg);			/* origin, the same */
	add_trust(fe, msg, &up);
	keep_up(fe, msg, &up);
}

/* A message with a file is good for a configuration that is under way. */
static bool
file_done(const struct frontend *fe, struct wire_get *msg, int fd)
{
	if (fe->next == NULL)
		msg->bad = true;
	if (get_done(msg))
		return (true);
	close(fd);
	return (false);
}

void
on_conf_certificate(void *arg, struct channel *ch, struct wire_get *msg,
    int fd)
{
	struct frontend	*fe = arg;
	uint32_t	 index = get_u32(msg);
	bool		 server = get_bool(msg);
	struct span	 file = get_span(msg, LIMIT_CONF_STRING);

	(void)ch;
	if (file_done(fe, msg, fd) &&
	    !tls_conf_cert(fe->next->tls, index, server, file, fd))
		msg->bad = true;
}

void
on_conf_ca(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct frontend	*fe = arg;
	uint32_t	 index = get_u32(msg);
	bool		 clients = get_bool(msg);
	struct span	 file = get_span(msg, LIMIT_CONF_STRING);

	(void)ch;
	if (file_done(fe, msg, fd) &&
	    !tls_conf_ca(fe->next->tls, index, clients, file, fd))
		msg->bad = true;
}

void
fe_conf_begin(void *arg, uint32_t generation)
{
	struct frontend	*fe = arg;

	conf_free(fe->next);
	fe->next = conf_new();
	fe->next->generation = generation;
	fe->next->tls = tls_conf_new(&fe->tls, generation);
}

static char *
origin_text(const char *scheme, const char *host, const char *port)
{
	char	*p;

	if (asprintf(&p, "%s://%s%s", scheme, host, port) == -1)
		fatal("out of memory for a configuration");
	return (p);
}

/* Those under which a listener is reached. */
static void
listener_origins(struct fe_conf *conf, const struct listener *l)
{
	const char	*port = strrchr(l->address, ':');
	const char	*scheme = l->tls ? "https" : "http";

	if (l->unix_socket || port == NULL)
		return;
	add_origin(conf, origin_text(scheme, l->address, ""));
	add_origin(conf, origin_text("https", conf->node_id, port));
	if (!l->tls)
		add_origin(conf, origin_text("http", conf->node_id, port));
	if (l->local)
		add_origin(conf, origin_text(scheme, "localhost", port));
}

/* The node's own origins: its id and the addresses it listens on. */
static void
own_origins(struct fe_conf *conf)
{
	size_t	i;

	add_origin(conf, origin_text("http", conf->node_id, ""));
	add_origin(conf, origin_text("https", conf->node_id, ""));
	for (i = 0; i < conf->nlisteners; i++)
		listener_origins(conf, &conf->listeners[i]);
}

static bool
has_tls(const struct fe_conf *conf)
{
	size_t	i;

	for (i = 0; i < conf->nlisteners; i++) {
		if (conf->listeners[i].tls)
			return (true);
	}
	return (false);
}

bool
fe_conf_end(void *arg, char *reason, size_t size)
{
	struct frontend	*fe = arg;
	struct fe_conf	*conf = fe->next;

	if (conf->node_id[0] == '\0' ||
	    (conf->role != ROLE_MAIN && conf->role != ROLE_HOME)) {
		snprintf(reason, size, "front-end: no node");
		return (false);
	}
	if (conf->max_message == 0 || conf->max_message > LIMIT_MESSAGE_MAX) {
		snprintf(reason, size, "front-end: max-message is beyond %u",
		    LIMIT_MESSAGE_MAX);
		return (false);
	}
	if (!tls_conf_end(conf->tls, has_tls(conf), reason, size))
		return (false);
	own_origins(conf);
	return (true);
}

void
fe_conf_commit(void *arg)
{
	struct frontend	*fe = arg;
	size_t		 i;

	conf_free(fe->conf);
	fe->conf = fe->next;
	fe->next = NULL;
	fe->accept_paused = false;
	for (i = 0; i < fe->conf->nlisteners; i++)
		listen_start(fe, &fe->conf->listeners[i]);
	if (fe->conf->max_connections > fe->fd_max)
		log_warn("max-connections %u: the descriptor limit allows "
		    "%zu", fe->conf->max_connections, fe->fd_max);
	tls_conf_warn(fe->conf->tls);
	uplink_prune(fe);
	link_prune(fe);
}

void
fe_conf_abort(void *arg)
{
	struct frontend	*fe = arg;

	conf_free(fe->next);
	fe->next = NULL;
}
