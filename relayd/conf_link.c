/* SPDX-License-Identifier: ISC */
/*
 * Uplinks and peers: the Mains that this node dials.  One is in the
 * configuration from its first line on, its block only adds to it.
 */

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "relayd/conf_parse.h"

static const char *
default_path(enum conf_holder holder)
{
	return (holder == CONF_HOLDER_PEER ? "/ws/peers" : "/ws/federation");
}

/* False and an error if there are as many as there may be. */
static bool
check_count(struct conf_parser *p, const struct conf_pos *pos,
    enum conf_holder holder)
{
	if (holder == CONF_HOLDER_PEER && p->conf->npeers >= LIMIT_PEERS)
		conf_error(p, pos, "peer: more than %d peers", LIMIT_PEERS);
	else if (holder == CONF_HOLDER_UPLINK &&
	    p->conf->nuplinks >= LIMIT_UPLINKS)
		conf_error(p, pos, "uplink: more than %d uplinks",
		    LIMIT_UPLINKS);
	else
		return (true);
	return (false);
}

static void
check_clear(struct conf_parser *p, const struct conf_pos *pos,
    const char *what, const char *text, const struct url *url, bool insecure)
{
	if (url->tls && insecure)
		conf_error(p, pos, "%s \"%s\": \"insecure\" is for ws://, and "
		    "wss:// is TLS", what, text);
	else if (!url->tls && !url->loopback && !insecure)
		conf_error(p, pos, "%s \"%s\": ws:// carries calls in the "
		    "clear; write wss://, or \"insecure\" behind it if that "
		    "is acceptable", what, text);
}

static struct conf_link *
add_link(struct conf *conf, enum conf_holder holder)
{
	struct conf_link	*l;

	if (holder == CONF_HOLDER_PEER) {
		conf->peers = conf_grow(conf->peers, &conf->npeers,
		    sizeof(*conf->peers));
		l = &conf->peers[conf->npeers - 1];
		l->index = (uint32_t)conf->npeers - 1;
	} else {
		conf->uplinks = conf_grow(conf->uplinks, &conf->nuplinks,
		    sizeof(*conf->uplinks));
		l = &conf->uplinks[conf->nuplinks - 1];
		l->index = (uint32_t)conf->nuplinks - 1;
	}
	l->ca = l->key = CONF_NONE;
	return (l);
}

/* A URL that is refused leaves no link; its block is checked anyway. */
void
conf_link_begin(struct conf_parser *p, const struct conf_pos *pos,
    enum conf_holder holder, const char *text, bool insecure)
{
	const char		*what = conf_holder_name(holder);
	struct conf_link	*l;
	struct url		 url;
	const char		*why;

	p->block.holder = holder;
	if ((why = url_check(text, "ws", default_path(holder), &url)) !=
	    NULL) {
		conf_error(p, pos, "%s \"%s\": %s", what, text, why);
		return;
	}
	if (!check_count(p, pos, holder)) {
		url_free(&url);
		return;
	}
	check_clear(p, pos, what, text, &url, insecure);
	l = add_link(p->conf, holder);
	l->pos = *pos;
	l->url = url;
	l->insecure = insecure;
	p->block.link = l;
	p->block.index = l->index;
}

/* --- options --- */

/* The option is of uplinks and peers only, and of the open one. */
static bool
in_link(struct conf_parser *p, const struct conf_pos *pos, const char *option)
{
	if (!conf_block_is_node(p))
		return (p->block.holder != 0);
	conf_error(p, pos, "%s: only an uplink or a peer has one", option);
	return (false);
}

/* The option stands once; where it does is kept in the block. */
static bool
first_time(struct conf_parser *p, const struct conf_pos *pos,
    struct conf_pos *first, const char *option)
{
	if (first->file == NULL) {
		*first = *pos;
		return (true);
	}
	conf_error(p, pos, "%s: already given at %s:%u", option, first->file,
	    first->line);
	return (false);
}

void
conf_link_node(struct conf_parser *p, const struct conf_pos *pos,
    const char *id)
{
	struct conf_link	*l = p->block.link;
	char			 buf[LIMIT_NODE_ID + 1];
	const char		*why;

	if (conf_block_is_node(p)) {
		conf_error(p, pos, "node: the block has its id in its first "
		    "line");
		return;
	}
	if (!first_time(p, pos, &p->block.node, "node"))
		return;
	if ((why = conf_check_node_id(id, buf, sizeof(buf))) != NULL)
		conf_error(p, pos, "node \"%s\": %s", id, why);
	else if (l != NULL) {
		l->node_id = conf_strdup(buf);
		l->node_pos = *pos;
	}
}

void
conf_link_ca(struct conf_parser *p, const struct conf_pos *pos,
    const char *text)
{
	struct conf_link	*l = p->block.link;
	char			*file;
	uint32_t		 ca;

	if (!in_link(p, pos, "ca") ||
	    !first_time(p, pos, &p->block.ca, "ca") ||
	    (file = conf_file(p, pos, "ca", text)) == NULL)
		return;
	if (l != NULL && (ca = conf_ca_add(p, pos, file, false)) != CONF_NONE) {
		l->ca = ca;
		l->ca_pos = *pos;
	}
	free(file);
}

void
conf_link_pin(struct conf_parser *p, const struct conf_pos *pos,
    const char *text)
{
	struct conf_link	*l = p->block.link;
	const char		*why;

	if (!in_link(p, pos, "pin") ||
	    !first_time(p, pos, &p->block.pin, "pin"))
		return;
	if ((why = conf_check_pin(text)) != NULL)
		conf_error(p, pos, "pin \"%s\": %s", text, why);
	else if (l != NULL) {
		l->pin = conf_strdup(text);
		l->pin_pos = *pos;
	}
}

/* What the Main is shown in TLS. */
void
conf_link_certificate(struct conf_parser *p, const struct conf_pos *pos,
    const char *certificate, const char *key)
{
	struct conf_link	*l = p->block.link;
	char			*cert_file, *key_file = NULL;
	uint32_t		 index;

	if (!first_time(p, pos, &p->block.certificate, "certificate"))
		return;
	if (key == NULL) {
		conf_error(p, pos, "certificate: the file of its key is "
		    "missing, as in certificate \"/cert.pem\" key "
		    "\"/key.pem\"");
		return;
	}
	cert_file = conf_file(p, pos, "certificate", certificate);
	if (cert_file != NULL)
		key_file = conf_file(p, pos, "key", key);
	if (l != NULL && key_file != NULL &&
	    (index = conf_key_add(p, pos, cert_file, key_file, false)) !=
	    CONF_NONE) {
		l->key = index;
		l->key_pos = *pos;
	}
	free(cert_file);
	free(key_file);
}

/* --- cross checks --- */

/* TLS says what only TLS can have; and whom it believes if nobody said. */
static void
check_tls(struct conf_parser *p, struct conf_link *l)
{
	if (!l->url.tls) {
		if (l->ca != CONF_NONE)
			conf_error(p, &l->ca_pos, "ca: there is no TLS with "
			    "\"%s\"", l->url.text);
		if (l->pin != NULL)
			conf_error(p, &l->pin_pos, "pin: there is no TLS with "
			    "\"%s\"", l->url.text);
		if (l->key != CONF_NONE)
			conf_error(p, &l->key_pos, "certificate: there is no "
			    "TLS with \"%s\"", l->url.text);
		return;
	}
	if (l->ca != CONF_NONE && l->pin != NULL)
		conf_error(p, &l->ca_pos, "ca: with the pin of %s:%u nothing "
		    "looks at it", l->pin_pos.file, l->pin_pos.line);
	if (l->ca == CONF_NONE && l->pin == NULL)
		l->ca = conf_ca_add(p, &l->pos, p->ca_file, false);
}

void
conf_check_links(struct conf_parser *p, struct conf_link *links, size_t n,
    const char *what)
{
	struct conf_link	*l;
	size_t			 i, k;

	for (i = 0; i < n; i++) {
		l = &links[i];
		check_tls(p, l);
		for (k = 0; k < i; k++) {
			if (!url_same_place(&links[k].url, &l->url))
				continue;
			conf_error(p, &l->pos, "%s \"%s\": already given at "
			    "%s:%u", what, l->url.text, links[k].pos.file,
			    links[k].pos.line);
			break;
		}
	}
}
