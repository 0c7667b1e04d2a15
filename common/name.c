/* SPDX-License-Identifier: ISC */
/* See name.h. */
#include <string.h>

#include "common/limits.h"
#include "common/name.h"

static bool
is_lower(char c)
{
	return (c >= 'a' && c <= 'z');
}

static bool
is_upper(char c)
{
	return (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
	return (c >= '0' && c <= '9');
}

bool
name_node(struct span s)
{
	size_t i;
	bool label_empty = true;

	if (s.len == 0 || s.len > LIMIT_NODE_ID)
		return (false);
	for (i = 0; i < s.len; i++) {
		if (s.p[i] == '.') {
			if (label_empty)
				return (false);
			label_empty = true;
		} else if (is_lower(s.p[i]) || is_digit(s.p[i]) ||
		    s.p[i] == '_' || s.p[i] == '-')
			label_empty = false;
		else
			return (false);
	}
	return (!label_empty);
}

bool
name_node_lower(struct span s, char *buf, size_t size)
{
	size_t i;

	if (!span_copy(s, buf, size))
		return (false);
	for (i = 0; i < s.len; i++) {
		if (is_upper(buf[i]))
			buf[i] = (char)(buf[i] - 'A' + 'a');
	}
	return (name_node((struct span){ buf, s.len }));
}

static bool
name_word(struct span s, size_t max)
{
	size_t i;

	if (s.len == 0 || s.len > max)
		return (false);
	for (i = 0; i < s.len; i++) {
		if (!is_lower(s.p[i]) && !is_upper(s.p[i]) &&
		    !is_digit(s.p[i]) && s.p[i] != '_' && s.p[i] != '.' &&
		    s.p[i] != '-')
			return (false);
	}
	return (true);
}

bool
name_service(struct span s)
{
	return (name_word(s, LIMIT_SERVICE_NAME));
}

bool
name_method(struct span s)
{
	return (name_word(s, LIMIT_METHOD_NAME));
}

/* --- semantic versions --- */

/* Cut the part of s before the first c; s keeps what follows c. */
static struct span
cut(struct span *s, char c, bool *found)
{
	struct span head = *s;
	const char *at;

	at = s->len == 0 ? NULL : memchr(s->p, c, s->len);
	*found = at != NULL;
	if (at == NULL) {
		s->p += s->len;
		s->len = 0;
		return (head);
	}
	head.len = (size_t)(at - s->p);
	s->len -= head.len + 1;
	s->p = at + 1;
	return (head);
}

static bool
is_number(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		if (!is_digit(s.p[i]))
			return (false);
	}
	return (s.len > 0);
}

/* A number without a leading zero. */
static bool
is_plain_number(struct span s)
{
	return (is_number(s) && (s.len == 1 || s.p[0] != '0'));
}

/* Identifiers joined by dots; numeric ones plain in a pre-release. */
static bool
identifiers(struct span s, bool prerelease)
{
	struct span id;
	size_t i;
	bool more = true;

	while (more) {
		id = cut(&s, '.', &more);
		if (id.len == 0)
			return (false);
		for (i = 0; i < id.len; i++) {
			if (!is_lower(id.p[i]) && !is_upper(id.p[i]) &&
			    !is_digit(id.p[i]) && id.p[i] != '-')
				return (false);
		}
		if (prerelease && is_number(id) && !is_plain_number(id))
			return (false);
	}
	return (true);
}

struct version {
	struct span	core[3];
	struct span	prerelease;	/* empty: none */
};

static bool
parse_version(struct span s, struct version *v)
{
	struct span build, core;
	bool found;
	int i;

	memset(v, 0, sizeof(*v));
	core = cut(&s, '+', &found);
	build = s;
	if (found && !identifiers(build, false))
		return (false);
	s = core;
	core = cut(&s, '-', &found);
	v->prerelease = s;
	if (found && !identifiers(s, true))
		return (false);
	for (i = 0; i < 3; i++) {
		v->core[i] = cut(&core, '.', &found);
		if (!is_plain_number(v->core[i]) || found != (i < 2))
			return (false);
	}
	return (true);
}

bool
name_version(struct span s)
{
	struct version v;

	return (s.len > 0 && s.len <= LIMIT_VERSION && parse_version(s, &v));
}

/* Plain numbers of any length, without converting them. */
static int
number_cmp(struct span a, struct span b)
{
	if (a.len != b.len)
		return (a.len < b.len ? -1 : 1);
	return (memcmp(a.p, b.p, a.len));
}

static int
text_cmp(struct span a, struct span b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c;

	if ((c = memcmp(a.p, b.p, n)) != 0)
		return (c);
	return (a.len < b.len ? -1 : a.len > b.len);
}

/* semver.org section 11.4: numbers before words, fewer before more. */
static int
prerelease_cmp(struct span a, struct span b)
{
	struct span x, y;
	bool more_a = true, more_b = true;
	int c;

	if (a.len == 0 || b.len == 0)
		return ((a.len == 0) - (b.len == 0));
	while (more_a && more_b) {
		x = cut(&a, '.', &more_a);
		y = cut(&b, '.', &more_b);
		if (is_number(x) != is_number(y))
			return (is_number(x) ? -1 : 1);
		c = is_number(x) ? number_cmp(x, y) : text_cmp(x, y);
		if (c != 0)
			return (c);
	}
	return (more_a - more_b);
}

int
name_version_cmp(struct span a, struct span b)
{
	struct version x, y;
	int c, i;

	if (!parse_version(a, &x) || !parse_version(b, &y))
		return (text_cmp(a, b));
	for (i = 0; i < 3; i++) {
		if ((c = number_cmp(x.core[i], y.core[i])) != 0)
			return (c);
	}
	return (prerelease_cmp(x.prerelease, y.prerelease));
}
