/* SPDX-License-Identifier: ISC */
/*
 * Peers: the other Mains that a Main links with.  A peer is in the
 * configuration from its first line on, its block only adds to it.
 */

#include <sys/types.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "relayd/conf_parse.h"

/* A URL that is refused leaves p->peer NULL; the block is checked anyway. */
void
conf_peer_begin(struct conf_parser *p, const struct conf_pos *pos,
    const char *text, bool insecure)
{
	struct conf	*conf = p->conf;
	struct url	 url;
	const char	*why;

	if ((why = url_check(text, "ws", "/ws/peers", &url)) != NULL) {
		conf_error(p, pos, "peer \"%s\": %s", text, why);
		return;
	}
	if (conf->npeers >= LIMIT_PEERS) {
		conf_error(p, pos, "peer: more than %d peers", LIMIT_PEERS);
		url_free(&url);
		return;
	}
	if (!url.loopback && !insecure)
		conf_error(p, pos, "peer \"%s\": ws:// carries calls in the "
		    "clear, and TLS is not available in this version; write "
		    "\"insecure\" behind it if that is acceptable", text);
	conf->peers = conf_grow(conf->peers, &conf->npeers,
	    sizeof(*conf->peers));
	p->peer = &conf->peers[conf->npeers - 1];
	p->peer->index = (uint32_t)conf->npeers - 1;
	p->peer->pos = *pos;
	p->peer->url = url;
	p->peer->insecure = insecure;
}

void
conf_peer_node(struct conf_parser *p, const struct conf_pos *pos,
    const char *id)
{
	char		 buf[LIMIT_NODE_ID + 1];
	const char	*why;

	if (p->peer_node.file != NULL) {
		conf_error(p, pos, "node: already given at %s:%u",
		    p->peer_node.file, p->peer_node.line);
		return;
	}
	p->peer_node = *pos;
	if ((why = conf_check_node_id(id, buf, sizeof(buf))) != NULL)
		conf_error(p, pos, "node \"%s\": %s", id, why);
	else if (p->peer != NULL) {
		p->peer->node_id = conf_strdup(buf);
		p->peer->node_pos = *pos;
	}
}

void
conf_peer_end(struct conf_parser *p)
{
	p->peer = NULL;
	memset(&p->peer_node, 0, sizeof(p->peer_node));
}

/* --- cross checks --- */

void
conf_check_peers_of_home(struct conf_parser *p)
{
	size_t	 i;

	for (i = 0; i < p->conf->npeers; i++)
		conf_error(p, &p->conf->peers[i].pos, "peer: only a main has "
		    "peers, and this node is a home: it has uplinks");
}

/* Whether the listener's address, written for this family, is reached. */
static bool
reached_by(const struct conf_listener *l, const struct url *url, int family)
{
	char	 host[INET6_ADDRSTRLEN], text[INET6_ADDRSTRLEN + 16];

	inet_ntop(family, l->addr, host, sizeof(host));
	snprintf(text, sizeof(text), family == AF_INET6 ? "[%s]:%u" : "%s:%u",
	    host, l->port);
	return (url_reaches(url, text));
}

bool
conf_listener_reached(const struct conf_listener *l, const struct url *url)
{
	switch (l->kind) {
	case CONF_LISTEN_INET:
		return (reached_by(l, url, AF_INET));
	case CONF_LISTEN_INET6:
		return (reached_by(l, url, AF_INET6));
	case CONF_LISTEN_ANY:
		/* Its address is zero, which is that of both families. */
		return (reached_by(l, url, AF_INET) ||
		    reached_by(l, url, AF_INET6));
	case CONF_LISTEN_UNIX:
		break;
	}
	return (false);
}

static void
check_target(struct conf_parser *p, const struct conf_peer *peer)
{
	const struct conf	*conf = p->conf;
	size_t			 i;

	for (i = 0; i < conf->nlisteners; i++) {
		if (!conf_listener_reached(&conf->listeners[i], &peer->url))
			continue;
		conf_error(p, &peer->pos, "peer \"%s\": that is this node "
		    "itself, which listens there by %s:%u", peer->url.text,
		    conf->listeners[i].pos.file, conf->listeners[i].pos.line);
		return;
	}
}

/* A Main has one link with each of the others, so one peer stands for it. */
static void
check_node(struct conf_parser *p, const struct conf_peer *peer)
{
	const struct conf	*conf = p->conf;
	const struct conf_peer	*other;
	uint32_t		 i;

	if (peer->node_id == NULL)
		return;
	if (conf->node_id != NULL &&
	    strcmp(peer->node_id, conf->node_id) == 0) {
		conf_error(p, &peer->node_pos, "node \"%s\": that is this "
		    "node itself", peer->node_id);
		return;
	}
	for (i = 0; i < peer->index; i++) {
		other = &conf->peers[i];
		if (other->node_id == NULL ||
		    strcmp(other->node_id, peer->node_id) != 0)
			continue;
		conf_error(p, &peer->node_pos, "node \"%s\": already the peer "
		    "of %s:%u", peer->node_id, other->pos.file,
		    other->pos.line);
		return;
	}
}

void
conf_check_peer(struct conf_parser *p, const struct conf_peer *peer)
{
	const struct conf	*conf = p->conf;
	uint32_t		 i;

	for (i = 0; i < peer->index; i++) {
		if (strcmp(conf->peers[i].url.text, peer->url.text) != 0)
			continue;
		conf_error(p, &peer->pos, "peer \"%s\": already given at %s:%u",
		    peer->url.text, conf->peers[i].pos.file,
		    conf->peers[i].pos.line);
		return;
	}
	check_target(p, peer);
	check_node(p, peer);
}
