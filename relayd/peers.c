/* SPDX-License-Identifier: ISC */
/* See peers.h. */
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "common/log.h"
#include "relayd/peers.h"

static char *
copy(const char *s)
{
	char *p;

	if ((p = strdup(s)) == NULL)
		fatal("out of memory");
	return (p);
}

struct peer *
peers_append(struct peers *set, const struct peer *from)
{
	struct peer *list, *p;

	list = reallocarray(set->list, set->count + 1, sizeof(*list));
	if (list == NULL)
		fatal("out of memory");
	set->list = list;
	p = &list[set->count++];
	memset(p, 0, sizeof(*p));
	p->host = copy(from->host);
	p->port = from->port;
	p->path = copy(from->path);
	strlcpy(p->node_id, from->node_id, sizeof(p->node_id));
	p->tls = from->tls;
	p->insecure = from->insecure;
	p->origin = from->origin;
	return (p);
}

void
peers_remove(struct peers *set, struct peer *p)
{
	size_t i = (size_t)(p - set->list);

	free(p->host);
	free(p->path);
	memmove(p, p + 1, (set->count - i - 1) * sizeof(*p));
	set->count--;
}

void
peers_free(struct peers *set)
{
	size_t i;

	for (i = 0; i < set->count; i++) {
		free(set->list[i].host);
		free(set->list[i].path);
	}
	free(set->list);
	memset(set, 0, sizeof(*set));
}

struct peer *
peers_find(const struct peers *set, const char *host, uint16_t port,
    const char *path)
{
	struct peer *p;
	size_t i;

	for (i = 0; i < set->count; i++) {
		p = &set->list[i];
		if (p->port == port && strcmp(p->host, host) == 0 &&
		    strcmp(p->path, path) == 0)
			return (p);
	}
	return (NULL);
}

void
peers_make(struct peers *set, const struct conf *conf,
    const struct peers *added)
{
	const struct conf_link *c;
	struct peer p = { .origin = PEER_CONFIGURED };
	size_t i;

	memset(set, 0, sizeof(*set));
	for (i = 0; i < conf->npeers; i++) {
		c = &conf->peers[i];
		p.host = c->url.host;
		p.port = c->url.port;
		p.path = c->url.path;
		strlcpy(p.node_id, c->node_id != NULL ? c->node_id : "",
		    sizeof(p.node_id));
		p.tls = c->url.tls;
		p.insecure = c->insecure;
		peers_append(set, &p);
	}
	for (i = 0; i < added->count && set->count < LIMIT_PEERS; i++) {
		if (peers_find(set, added->list[i].host, added->list[i].port,
		    added->list[i].path) == NULL)
			peers_append(set, &added->list[i]);
	}
}

bool
peers_equal(const struct peers *a, const struct peers *b)
{
	const struct peer *p, *q;
	size_t i;

	if (a->count != b->count)
		return (false);
	for (i = 0; i < a->count; i++) {
		p = &a->list[i];
		q = &b->list[i];
		if (p->port != q->port || p->tls != q->tls ||
		    p->insecure != q->insecure || p->origin != q->origin ||
		    strcmp(p->host, q->host) != 0 ||
		    strcmp(p->path, q->path) != 0 ||
		    strcmp(p->node_id, q->node_id) != 0)
			return (false);
	}
	return (true);
}

void
peers_inherit(struct peers *set, const struct peers *from)
{
	const struct peer *old;
	struct peer *p;
	size_t i;

	for (i = 0; i < set->count; i++) {
		p = &set->list[i];
		if ((old = peers_find(from, p->host, p->port, p->path)) ==
		    NULL)
			continue;
		p->held = old->held;
		p->state = old->state;
		p->state_at = old->state_at;
		p->retry_in_ms = old->retry_in_ms;
		strlcpy(p->said_id, old->said_id, sizeof(p->said_id));
		strlcpy(p->reason, old->reason, sizeof(p->reason));
	}
}

bool
peer_valid(const struct peer *p)
{
	char text[URL_TEXT_MAX + 1], id[LIMIT_NODE_ID + 1];
	struct url url;
	bool ok;

	if (p->node_id[0] != '\0' && (conf_check_node_id(p->node_id, id,
	    sizeof(id)) != NULL || strcmp(id, p->node_id) != 0))
		return (false);
	if (!url_text(p->tls ? "wss" : "ws", p->host, p->port, p->path, text,
	    sizeof(text)) ||
	    url_check(text, "ws", "/", &url) != NULL)
		return (false);
	ok = url.port == p->port && strcmp(url.host, p->host) == 0 &&
	    strcmp(url.path, p->path) == 0 && (p->tls ?
	    !p->insecure : url.loopback || p->insecure);
	url_free(&url);
	return (ok);
}

const char *
peer_text(const struct peer *p, char buf[URL_TEXT_MAX + 1])
{
	if (!url_text(p->tls ? "wss" : "ws", p->host, p->port, p->path, buf,
	    URL_TEXT_MAX + 1))
		strlcpy(buf, p->host, URL_TEXT_MAX + 1);
	return (buf);
}
