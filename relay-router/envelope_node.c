/* SPDX-License-Identifier: ISC */

/*
 * The structured values of an envelope: strings, node addresses, paths; see
 * envelope.h.
 */

#include <string.h>

#include "relay-router/envelope_impl.h"

bool
env_plain_text(const struct json_span *v, char *buf, size_t size,
    struct span *out)
{
	int	 n;

	if (!v->escaped) {
		out->p = v->p + 1;
		out->len = v->len - 2;
		return (true);
	}
	if ((n = json_unescape(v, buf, size)) == -1)
		return (false);
	out->p = buf;
	out->len = (size_t)n;
	return (true);
}

bool
env_is_name(struct span s, const char *name)
{
	return (s.len == strlen(name) && memcmp(s.p, name, s.len) == 0);
}

bool
env_take_text(struct envelope *e, const struct json_span *v, size_t max,
    struct span *out)
{
	out->p = "";
	out->len = 0;
	if (v->type == JSON_NULL)
		return (true);
	if (v->type != JSON_STRING)
		return (false);
	if (!env_plain_text(v, e->scratch + e->nscratch,
	    sizeof(e->scratch) - e->nscratch, out))
		return (false);
	if (v->escaped)
		e->nscratch += out->len;
	return (out->len <= max);
}

static bool
take_kind(struct envelope *e, const struct json_span *v, enum node_kind *kind)
{
	struct span	 s;

	if (!env_take_text(e, v, 16, &s))
		return (false);
	if (s.len == 0)
		*kind = NODE_NONE;
	else if (env_is_name(s, "main"))
		*kind = NODE_MAIN;
	else if (env_is_name(s, "home"))
		*kind = NODE_HOME;
	else
		return (false);
	return (true);
}

/* The text form home@main puts both into the id. */
static bool
split_address(struct env_node *n)
{
	const char	*at;
	struct span	 main;

	if (n->id.len == 0 || (at = memchr(n->id.p, '@', n->id.len)) == NULL)
		return (n->id.len <= LIMIT_NODE_ID);
	main.p = at + 1;
	main.len = n->id.len - (size_t)(main.p - n->id.p);
	n->id.len = (size_t)(at - n->id.p);
	if (n->main.len != 0 && !span_eq(n->main, main))
		return (false);
	if (n->id.len == 0 || main.len == 0 || n->kind == NODE_MAIN ||
	    n->id.len > LIMIT_NODE_ID || main.len > LIMIT_NODE_ID)
		return (false);
	n->main = main;
	n->kind = NODE_HOME;
	return (true);
}

/* One member of a NodeAddress; the scan stands at its value. */
static bool
node_member(struct envelope *e, struct json_scan *s, struct span key,
    struct env_node *n, unsigned int *seen)
{
	struct json_span	 v;
	unsigned int		 bit;

	bit = env_is_name(key, "type") ? 1 : env_is_name(key, "id") ? 2 :
	    env_is_name(key, "main_relay") ? 4 : 0;
	if (*seen & bit || !json_skip(s, &v))
		return (false);
	*seen |= bit;
	switch (bit) {
	case 1:
		return (take_kind(e, &v, &n->kind));
	case 2:
		return (env_take_text(e, &v, 2 * LIMIT_NODE_ID + 1, &n->id));
	case 4:
		return (env_take_text(e, &v, LIMIT_NODE_ID, &n->main));
	default:
		return (true);
	}
}

bool
env_take_node(struct envelope *e, struct json_scan *s, struct env_node *n)
{
	char			 buf[KEY_ESCAPED_MAX];
	struct json_span	 v;
	struct span		 key;
	unsigned int		 seen = 0;
	int			 more;

	switch (json_peek(s)) {
	case JSON_STRING:
		return (json_skip(s, &v) &&
		    env_take_text(e, &v, 2 * LIMIT_NODE_ID + 1, &n->id) &&
		    split_address(n));
	case JSON_NULL:
		return (json_skip(s, NULL));
	default:
		break;
	}
	if (!json_object_begin(s))
		return (false);
	while ((more = json_object_next(s, &v)) == 1) {
		if (!env_plain_text(&v, buf, sizeof(buf), &key) ||
		    !node_member(e, s, key, n, &seen))
			return (false);
	}
	return (more == 0 && split_address(n));
}

bool
env_take_path(struct envelope *e, struct json_scan *s)
{
	struct json_span	 v;
	int			 more;

	if (json_peek(s) == JSON_NULL)
		return (json_skip(s, NULL));
	if (!json_array_begin(s))
		return (false);
	while ((more = json_array_next(s)) == 1) {
		if (!json_skip(s, &v) || v.type != JSON_STRING ||
		    e->npath == LIMIT_HOPS)
			return (false);
		if (!env_take_text(e, &v, LIMIT_NODE_ID, &e->path[e->npath]) ||
		    e->path[e->npath].len == 0)
			return (false);
		e->npath++;
	}
	return (more == 0);
}

bool
json_member(const struct json_span *object, const char *name,
    struct json_span *out)
{
	char			 buf[KEY_ESCAPED_MAX];
	struct json_scan	 s;
	struct json_span	 k, v;
	struct span		 key;
	bool			 found = false;

	if (object->type != JSON_OBJECT)
		return (false);
	json_scan_init(&s, object->p, object->len);
	if (!json_object_begin(&s))
		return (false);
	while (json_object_next(&s, &k) == 1) {
		if (!json_skip(&s, &v))
			return (false);
		if (!env_plain_text(&k, buf, sizeof(buf), &key) ||
		    !env_is_name(key, name))
			continue;
		if (found)
			return (false);
		found = true;
		*out = v;
	}
	return (found);
}
