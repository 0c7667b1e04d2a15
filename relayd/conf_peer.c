/* SPDX-License-Identifier: ISC */
/*
 * Peers: what is to be judged of the other Mains that a Main links with, when
 * everything is known.
 */

#include <sys/types.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "relayd/conf_parse.h"

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
check_target(struct conf_parser *p, const struct conf_link *peer)
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
check_node(struct conf_parser *p, const struct conf_link *peer)
{
	const struct conf	*conf = p->conf;
	const struct conf_link	*other;
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
conf_check_peer(struct conf_parser *p, const struct conf_link *peer)
{
	check_target(p, peer);
	check_node(p, peer);
}
