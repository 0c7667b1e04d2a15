/* SPDX-License-Identifier: ISC */
/*
 * What can be judged of nodes and their credentials only when everything is
 * known.  There may be thousands: what is compared is sorted first.
 */

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "relayd/conf_parse.h"

void
conf_check_trust_of_home(struct conf_parser *p)
{
	const struct conf	*conf = p->conf;
	size_t			 i;

	if (conf->url_pos.file != NULL)
		conf_error(p, &conf->url_pos, "url: it is where homes reach a "
		    "main, and this node is a home");
	if (p->once[CONF_ONCE_AUTHENTICATION].file != NULL)
		conf_error(p, &p->once[CONF_ONCE_AUTHENTICATION],
		    "authentication: nodes link with a main, and this node "
		    "is a home");
	for (i = 0; i < conf->nnodes; i++)
		conf_error(p, &conf->nodes[i].pos, "%s: nodes link with a "
		    "main, and this node is a home: it has uplinks",
		    conf_holder_name(conf->nodes[i].holder));
}

/* --- blocks --- */

/* By holder and id, and then as they stand in the file. */
static int
compare_nodes(const void *va, const void *vb)
{
	const struct conf_node	*a = *(const struct conf_node *const *)va;
	const struct conf_node	*b = *(const struct conf_node *const *)vb;
	int			 c;

	if (a->holder != b->holder)
		return (a->holder < b->holder ? -1 : 1);
	if ((c = strcmp(a->node_id, b->node_id)) != 0)
		return (c);
	return (a->index < b->index ? -1 : a->index > b->index);
}

static void
check_blocks(struct conf_parser *p)
{
	const struct conf	 *conf = p->conf;
	const struct conf_node	**list, *a, *b;
	size_t			  i;

	list = conf_alloc((conf->nnodes + 1) * sizeof(*list));
	for (i = 0; i < conf->nnodes; i++)
		list[i] = &conf->nodes[i];
	qsort(list, conf->nnodes, sizeof(*list), compare_nodes);
	for (i = 1; i < conf->nnodes; i++) {
		a = list[i - 1];
		b = list[i];
		if (a->holder == b->holder &&
		    strcmp(a->node_id, b->node_id) == 0)
			conf_error(p, &b->pos, "%s \"%s\": already given at "
			    "%s:%u", conf_holder_name(b->holder), b->node_id,
			    a->pos.file, a->pos.line);
	}
	free(list);
	for (i = 0; i < conf->nnodes; i++) {
		b = &conf->nodes[i];
		if (b->holder == CONF_HOLDER_MAIN && conf->node_id != NULL &&
		    strcmp(b->node_id, conf->node_id) == 0)
			conf_error(p, &b->pos, "main \"%s\": that is this "
			    "node itself", b->node_id);
	}
}

/* --- the same credential of two nodes --- */

static int
compare_credentials(const void *va, const void *vb)
{
	const struct conf_credential	*a, *b;
	const char			*x, *y;
	int				 c;

	a = *(const struct conf_credential *const *)va;
	b = *(const struct conf_credential *const *)vb;
	if (a->method != b->method)
		return (a->method < b->method ? -1 : 1);
	x = a->value != NULL ? a->value : a->file;
	y = b->value != NULL ? b->value : b->file;
	if ((c = strcmp(x, y)) != 0)
		return (c);
	return (a < b ? -1 : a > b);	/* of one array: as in the file */
}

static bool
is_same(const struct conf_credential *a, const struct conf_credential *b)
{
	if (a->method != b->method ||
	    (a->value == NULL) != (b->value == NULL))
		return (false);
	return (strcmp(a->value != NULL ? a->value : a->file,
	    b->value != NULL ? b->value : b->file) == 0);
}

static void
check_pair(struct conf_parser *p, const struct conf_credential *a,
    const struct conf_credential *b)
{
	const char	*x = conf_credential_node(p->conf, a);
	const char	*y = conf_credential_node(p->conf, b);

	if (x == NULL || y == NULL || strcmp(x, y) == 0)
		return;
	conf_warning(p, &b->pos, "%s: the same as that of \"%s\" at %s:%u, so "
	    "that each of the two can take the other's place",
	    conf_method_name(b->method), x, a->pos.file, a->pos.line);
}

static void
check_shared(struct conf_parser *p)
{
	const struct conf		 *conf = p->conf;
	const struct conf_credential	**list;
	size_t				  i;

	list = conf_alloc((conf->ncredentials + 1) * sizeof(*list));
	for (i = 0; i < conf->ncredentials; i++)
		list[i] = &conf->credentials[i];
	qsort(list, conf->ncredentials, sizeof(*list), compare_credentials);
	for (i = 1; i < conf->ncredentials; i++)
		if (is_same(list[i - 1], list[i]))
			check_pair(p, list[i - 1], list[i]);
	free(list);
}

/* --- what one needs --- */

static const struct conf_link *
link_of(const struct conf *conf, const struct conf_credential *c)
{
	if (c->holder == CONF_HOLDER_UPLINK)
		return (&conf->uplinks[c->index]);
	return (c->holder == CONF_HOLDER_PEER ? &conf->peers[c->index] : NULL);
}

static bool
has_method(const struct conf *conf, const struct conf_credential *of,
    enum conf_method method)
{
	const struct conf_credential	*c;
	size_t				 i;

	for (i = 0; i < conf->ncredentials; i++) {
		c = &conf->credentials[i];
		if (c->holder == of->holder && c->index == of->index &&
		    c->method == method)
			return (true);
	}
	return (false);
}

/*
 * Of what a link shows: the secret if there is one, else the token, else a key
 * of this node; the Main answers with the same, and with nothing to a token.
 */
static void
check_shown(struct conf_parser *p, const struct conf_credential *c)
{
	const struct conf	*conf = p->conf;
	bool			 secret;

	if (link_of(conf, c) == NULL || (c->method != CONF_METHOD_TOKEN &&
	    c->method != CONF_METHOD_KEY))
		return;
	secret = has_method(conf, c, CONF_METHOD_SECRET);
	if (c->method == CONF_METHOD_TOKEN && secret)
		conf_warning(p, &c->pos, "token: it is never shown, the "
		    "secret is");
	else if (c->method == CONF_METHOD_TOKEN &&
	    has_method(conf, c, CONF_METHOD_KEY))
		conf_error(p, &c->pos, "token: with a token the Main proves "
		    "no key, and has to by this block");
	else if (c->method == CONF_METHOD_KEY && secret)
		conf_warning(p, &c->pos, "key: the Main that is dialled is "
		    "not asked for it, it proves the secret");
}

static void
check_needs(struct conf_parser *p, const struct conf_credential *c)
{
	const struct conf_link	*l = link_of(p->conf, c);

	if (c->method == CONF_METHOD_CERTIFICATE &&
	    p->once[CONF_ONCE_CLIENT_CA].file == NULL)
		conf_error(p, &c->pos, "certificate: without a \"tls "
		    "client-ca\" statement nobody is asked for one");
	if (c->method == CONF_METHOD_JOIN &&
	    !has_method(p->conf, c, CONF_METHOD_KEY))
		conf_error(p, &c->pos, "join: the key of the Main is missing, "
		    "by which it is known");
	else if (c->method == CONF_METHOD_JOIN && l->node_id == NULL)
		conf_error(p, &c->pos, "join: the node id of the Main is "
		    "missing, to which this node's key will belong");
	if (c->method == CONF_METHOD_TOKEN && l != NULL && l->insecure)
		conf_warning(p, &c->pos, "token: \"%s\" is in the clear, so "
		    "that the token can be read on the way", l->url.text);
}

void
conf_check_trust(struct conf_parser *p)
{
	const struct conf	*conf = p->conf;
	size_t			 i;

	check_blocks(p);
	for (i = 0; i < conf->ncredentials; i++) {
		check_needs(p, &conf->credentials[i]);
		check_shown(p, &conf->credentials[i]);
	}
	check_shared(p);
}
