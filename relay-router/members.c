/* SPDX-License-Identifier: ISC */

/*
 * Members of objects; see members.h.
 */

#include <string.h>

#include "relay-router/members.h"

#define NAME_MAX_ESCAPED	64	/* bytes of a name spelled with escapes
					 * that can be one of ours */

bool
members_is(const struct json_span *v, const char *name)
{
	char		 buf[NAME_MAX_ESCAPED];
	const char	*p;
	size_t		 len;
	int		 n;

	if (v->type != JSON_STRING)
		return (false);
	p = v->p + 1;
	len = v->len - 2;
	if (v->escaped) {
		if ((n = json_unescape(v, buf, sizeof(buf))) == -1)
			return (false);
		p = buf;
		len = (size_t)n;
	}
	return (len == strlen(name) && memcmp(p, name, len) == 0);
}

/* Keeps a value if its key is one of the names; false if it came before. */
static bool
keep(const struct json_span *key, const struct json_span *v,
    const char *const names[], size_t n, bool seen[], struct json_span out[])
{
	size_t	 i;

	for (i = 0; i < n && !members_is(key, names[i]); i++)
		;
	if (i == n)
		return (true);
	if (seen[i])
		return (false);
	seen[i] = true;
	if (v->type != JSON_NULL)
		out[i] = *v;
	return (true);
}

#define NAMES_MAX	16	/* of one object that are looked for */

bool
members_find(const struct json_span *object, const char *const names[],
    size_t n, struct json_span out[])
{
	bool			 seen[NAMES_MAX] = { false };
	struct json_scan	 s;
	struct json_span	 key, v;
	int			 more;

	memset(out, 0, n * sizeof(out[0]));
	if (object->type != JSON_OBJECT || n > NAMES_MAX)
		return (false);
	json_scan_init(&s, object->p, object->len);
	if (!json_object_begin(&s))
		return (false);
	while ((more = json_object_next(&s, &key)) == 1)
		if (!json_skip(&s, &v) ||
		    !keep(&key, &v, names, n, seen, out))
			return (false);
	return (more == 0);
}

bool
members_text(const struct json_span *v, char *buf, size_t size)
{
	int	 n;

	if (v->type != JSON_STRING ||
	    (n = json_unescape(v, buf, size - 1)) == -1 ||
	    memchr(buf, '\0', (size_t)n) != NULL) {
		buf[0] = '\0';
		return (false);
	}
	buf[n] = '\0';
	return (true);
}

bool
members_bool(const struct json_span *v, bool *out)
{
	if (v->type == JSON_NONE)
		return (true);
	*out = v->type == JSON_TRUE;
	return (v->type == JSON_TRUE || v->type == JSON_FALSE);
}

int
members_count(const struct json_span *list, int max)
{
	struct json_scan	 s;
	int			 n = 0, more;

	if (list->type != JSON_ARRAY)
		return (-1);
	json_scan_init(&s, list->p, list->len);
	if (!json_array_begin(&s))
		return (-1);
	while ((more = json_array_next(&s)) == 1)
		if (!json_skip(&s, NULL) || ++n > max)
			return (-1);
	return (more == 0 ? n : -1);
}
