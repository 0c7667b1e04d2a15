/* SPDX-License-Identifier: ISC */
/*
 * Who may link with this node and how it proves that: home and main blocks,
 * and the same options in the blocks of uplinks and peers.  Secrets are in
 * files, of which the configuration has the names.
 */

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "relayd/conf_parse.h"

bool
conf_block_is_node(const struct conf_parser *p)
{
	return (p->block.holder == CONF_HOLDER_HOME ||
	    p->block.holder == CONF_HOLDER_MAIN);
}

void
conf_block_end(struct conf_parser *p)
{
	const struct conf_node	*node;

	if (conf_block_is_node(p) && p->block.node.file != NULL &&
	    p->block.options == 0) {
		node = &p->conf->nodes[p->block.index];
		conf_error(p, &p->block.node, "%s \"%s\": without a key, "
		    "secret, token or certificate it cannot link",
		    conf_holder_name(node->holder), node->node_id);
	}
	memset(&p->block, 0, sizeof(p->block));
}

void
conf_node_begin(struct conf_parser *p, const struct conf_pos *pos,
    enum conf_holder holder, const char *id)
{
	struct conf		*conf = p->conf;
	const char		*what = conf_holder_name(holder);
	char			 buf[LIMIT_NODE_ID + 1];
	struct conf_node	*node;
	const char		*why;

	p->block.holder = holder;
	if ((why = conf_check_node_id(id, buf, sizeof(buf))) != NULL) {
		conf_error(p, pos, "%s \"%s\": %s", what, id, why);
		return;
	}
	if (conf->nnodes >= LIMIT_CONF_NODES) {
		conf_error(p, pos, "%s: more than %d blocks of nodes", what,
		    LIMIT_CONF_NODES);
		return;
	}
	conf->nodes = conf_grow(conf->nodes, &conf->nnodes, sizeof(*node));
	node = &conf->nodes[conf->nnodes - 1];
	node->index = (uint32_t)conf->nnodes - 1;
	node->pos = *pos;
	node->holder = holder;
	node->node_id = conf_strdup(buf);
	p->block.node = *pos;
	p->block.index = node->index;
}

/* --- credentials --- */

/* There is something to add to. */
static bool
is_kept(const struct conf_parser *p)
{
	return (conf_block_is_node(p) ? p->block.node.file != NULL :
	    p->block.link != NULL);
}

/* What we prove ourselves with is one thing; what we believe may be two. */
static unsigned int
limit_of(const struct conf_parser *p, enum conf_method method)
{
	if (method == CONF_METHOD_JOIN ||
	    (method == CONF_METHOD_TOKEN && !conf_block_is_node(p)))
		return (1);
	return (LIMIT_CREDENTIALS);
}

static bool
same_text(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return (a == b);
	return (strcmp(a, b) == 0);
}

/* How many of its method the block has; false and an error if it is one. */
static bool
check_repeat(struct conf_parser *p, const struct conf_credential *new)
{
	const struct conf		*conf = p->conf;
	const struct conf_credential	*c;
	const char			*what = conf_method_name(new->method);
	unsigned int			 n = 0;
	size_t				 i;

	/* Those of a block are the last ones. */
	for (i = conf->ncredentials; i > 0; i--) {
		c = &conf->credentials[i - 1];
		if (c->holder != new->holder || c->index != new->index)
			break;
		if (c->method != new->method)
			continue;
		if (same_text(c->value, new->value) &&
		    same_text(c->file, new->file)) {
			conf_error(p, &new->pos, "%s: already given at %s:%u",
			    what, c->pos.file, c->pos.line);
			return (false);
		}
		n++;
	}
	if (n < limit_of(p, new->method))
		return (true);
	conf_error(p, &new->pos, "%s: more than %u", what,
	    limit_of(p, new->method));
	return (false);
}

static void
add_credential(struct conf_parser *p, const struct conf_pos *pos,
    enum conf_method method, const char *value, const char *file)
{
	struct conf		*conf = p->conf;
	struct conf_credential	 c = { .pos = *pos, .method = method };

	p->block.options++;
	if (!is_kept(p))
		return;
	c.holder = p->block.holder;
	c.index = p->block.index;
	c.value = value != NULL ? conf_strdup(value) : NULL;
	c.file = file != NULL ? conf_strdup(file) : NULL;
	if (!check_repeat(p, &c)) {
		free(c.value);
		free(c.file);
		return;
	}
	conf->credentials = conf_grow(conf->credentials, &conf->ncredentials,
	    sizeof(c));
	conf->credentials[conf->ncredentials - 1] = c;
}

/* The credential is what is in a file. */
static void
add_file(struct conf_parser *p, const struct conf_pos *pos,
    enum conf_method method, const char *text)
{
	const char	*what = conf_method_name(method);
	char		*file;

	if ((file = conf_file(p, pos, what, text)) == NULL) {
		p->block.options++;
		return;
	}
	if (p->nsecrets++ == LIMIT_CONF_SECRETS)
		conf_error(p, pos, "%s: more than %d files with secrets",
		    what, LIMIT_CONF_SECRETS);
	add_credential(p, pos, method, NULL, file);
	free(file);
}

/* A value in its canonical form, or why there is none. */
static void
add_value(struct conf_parser *p, const struct conf_pos *pos,
    enum conf_method method, const char *text, const char *why,
    const char *value)
{
	if (why == NULL)
		add_credential(p, pos, method, value, NULL);
	else {
		conf_error(p, pos, "%s \"%s\": %s", conf_method_name(method),
		    text, why);
		p->block.options++;
	}
}

void
conf_block_key(struct conf_parser *p, const struct conf_pos *pos,
    const char *text)
{
	if (p->block.holder != 0)
		add_value(p, pos, CONF_METHOD_KEY, text, conf_check_key(text),
		    text);
}

void
conf_block_secret(struct conf_parser *p, const struct conf_pos *pos,
    const char *text)
{
	if (p->block.holder != 0)
		add_file(p, pos, CONF_METHOD_SECRET, text);
}

void
conf_block_token(struct conf_parser *p, const struct conf_pos *pos,
    const char *text)
{
	char		 buf[CONF_TOKEN_SIZE];
	const char	*why;

	if (p->block.holder == 0)
		return;
	if (!conf_block_is_node(p)) {
		add_file(p, pos, CONF_METHOD_TOKEN, text);
		return;
	}
	why = conf_check_token(text, buf, sizeof(buf));
	add_value(p, pos, CONF_METHOD_TOKEN, text, why, buf);
}

void
conf_block_certificate(struct conf_parser *p, const struct conf_pos *pos,
    const char *text, const char *key)
{
	char		 buf[LIMIT_CONF_STRING + 1];
	const char	*why;

	if (p->block.holder == 0)
		return;
	if (!conf_block_is_node(p)) {
		conf_link_certificate(p, pos, text, key);
		return;
	}
	why = conf_check_certificate(text, buf, sizeof(buf));
	add_value(p, pos, CONF_METHOD_CERTIFICATE, text, why, buf);
	/* On one line, a key is an option of its own here. */
	if (key != NULL)
		conf_block_key(p, pos, key);
}

void
conf_block_join(struct conf_parser *p, const struct conf_pos *pos,
    const char *text)
{
	if (p->block.holder == CONF_HOLDER_UPLINK)
		add_file(p, pos, CONF_METHOD_JOIN, text);
	else if (p->block.holder != 0) {
		conf_error(p, pos, "join: only an uplink has one");
		p->block.options++;
	}
}
