/* SPDX-License-Identifier: ISC */
/*
 * What heads of HTTP/1.1 requests and responses have in common, and the
 * responses: RFC 9112 sections 2, 4 and 5, RFC 9110 section 5.
 */
#include <string.h>
#include <strings.h>

#include "common/http_head.h"

/* Fields that must not come twice, as their readers would not agree. */
static const char *const singletons[] = {
	"authorization", "content-length", "content-type", "expect", "host",
	"origin", "sec-websocket-accept", "sec-websocket-key",
	"sec-websocket-version", "transfer-encoding", "x-relay-node-id",
	"x-relay-node-type",
};

static bool
is_digit(uint8_t c)
{
	return (c >= '0' && c <= '9');
}

bool
http_is_tchar(uint8_t c)
{
	if (is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
		return (true);
	return (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

bool
http_eq(struct span s, const char *word)
{
	return (strlen(word) == s.len && strncasecmp(s.p, word, s.len) == 0);
}

/* Without spaces and tabs at both ends. */
static struct span
trim(struct span s)
{
	while (s.len > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.len--;
	}
	while (s.len > 0 && (s.p[s.len - 1] == ' ' || s.p[s.len - 1] == '\t'))
		s.len--;
	return (s);
}

/* What a line that is not complete yet may already be refused for. */
static int
scan_caps(const struct http_scan *s, const struct http_limits *lim)
{
	if (!s->first && s->off - s->line > lim->target + 64)
		return (-414);
	if (s->off > lim->head)
		return (-431);
	return (0);
}

int
http_scan(struct http_scan *s, const struct http_limits *lim,
    const uint8_t *p, size_t len)
{
	int	error;

	while (s->off < len) {
		uint8_t	c = p[s->off++];

		if ((error = scan_caps(s, lim)) != 0)
			return (error);
		if (c == '\0')
			return (-400);
		if (s->off >= 2 && p[s->off - 2] == '\r' && c != '\n')
			return (-400);
		if (c != '\n') {
			if (s->first && s->off - 1 == s->line &&
			    (c == ' ' || c == '\t'))
				return (-400);	/* obs-fold */
			continue;
		}
		if (s->off < 2 || p[s->off - 2] != '\r')
			return (-400);
		if (s->off - s->line == 2 && s->first)
			return ((int)s->off);
		/* one empty line before the start line: RFC 9112 section 2.2 */
		if (s->off - s->line == 2) {
			if (s->line > 0)
				return (-400);
		} else {
			s->first = true;
		}
		s->line = s->off;
	}
	return (0);
}

struct span
http_next_line(const uint8_t **p, const uint8_t *end)
{
	const uint8_t	*start = *p, *nl;

	nl = memchr(start, '\n', (size_t)(end - start));
	*p = nl + 1;
	return ((struct span){ (const char *)start,
	    (size_t)(nl - start) - 1 });
}

/* One "name: value" line. */
static bool
parse_field(struct span line, struct http_field *f)
{
	size_t	n, i;

	for (n = 0; n < line.len && http_is_tchar((uint8_t)line.p[n]); n++)
		;
	if (n == 0 || n == line.len || line.p[n] != ':')
		return (false);
	f->name.p = line.p;
	f->name.len = n;
	f->value.p = line.p + n + 1;
	f->value.len = line.len - n - 1;
	f->value = trim(f->value);
	for (i = 0; i < f->value.len; i++) {
		uint8_t	c = (uint8_t)f->value.p[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return (false);
	}
	return (true);
}

int
http_parse_fields(struct http_head *h, const struct http_limits *lim,
    const uint8_t *p, const uint8_t *end, const char **why)
{
	struct span	line;
	size_t		i;

	for (line = http_next_line(&p, end); line.len > 0;
	    line = http_next_line(&p, end)) {
		if (h->nfields == lim->fields ||
		    h->nfields == LIMIT_HTTP_HEADERS) {
			*why = "too many header fields";
			return (431);
		}
		if (!parse_field(line, &h->fields[h->nfields])) {
			*why = "malformed header field";
			return (400);
		}
		h->nfields++;
	}
	for (i = 0; i < sizeof(singletons) / sizeof(singletons[0]); i++) {
		if (http_count(h, singletons[i]) > 1) {
			*why = "repeated header field";
			return (400);
		}
	}
	return (0);
}

const struct span *
http_find(const struct http_head *h, const char *name)
{
	size_t	i;

	for (i = 0; i < h->nfields; i++) {
		if (http_eq(h->fields[i].name, name))
			return (&h->fields[i].value);
	}
	return (NULL);
}

size_t
http_count(const struct http_head *h, const char *name)
{
	size_t	i, n = 0;

	for (i = 0; i < h->nfields; i++)
		n += http_eq(h->fields[i].name, name);
	return (n);
}

static bool
list_has(struct span list, const char *token)
{
	struct span	item;
	const char	*comma;

	while (list.len > 0) {
		item = list;
		comma = memchr(list.p, ',', list.len);
		if (comma != NULL)
			item.len = (size_t)(comma - list.p);
		if (http_eq(trim(item), token))
			return (true);
		if (comma == NULL)
			break;
		list.len -= item.len + 1;
		list.p = comma + 1;
	}
	return (false);
}

bool
http_has_token(const struct http_head *h, const char *name,
    const char *token)
{
	size_t	i;

	for (i = 0; i < h->nfields; i++) {
		if (http_eq(h->fields[i].name, name) &&
		    list_has(h->fields[i].value, token))
			return (true);
	}
	return (false);
}

int
http_parse_version(struct span s, int *minor)
{
	if (s.len != 8 || memcmp(s.p, "HTTP/", 5) != 0 || s.p[6] != '.' ||
	    !is_digit((uint8_t)s.p[5]) || !is_digit((uint8_t)s.p[7]))
		return (400);
	if (s.p[5] != '1')
		return (505);
	*minor = s.p[7] == '0' ? 0 : 1;
	return (0);
}

bool
http_parse_length(struct span s, uint64_t *out)
{
	size_t	i;

	*out = 0;
	if (s.len == 0 || s.len > 18)
		return (false);
	for (i = 0; i < s.len; i++) {
		if (!is_digit((uint8_t)s.p[i]))
			return (false);
		*out = *out * 10 + (uint64_t)(s.p[i] - '0');
	}
	return (true);
}

int
http_response(struct http_head *h, const struct http_limits *lim,
    const uint8_t *p, size_t len, const char **why)
{
	const uint8_t	*end = p + len;
	struct span	 line, version;
	int		 i;

	h->nfields = 0;
	h->len = len;
	h->status = 0;
	line = http_next_line(&p, end);
	*why = "malformed status line";
	if (line.len < 12 || line.p[8] != ' ' ||
	    (line.len > 12 && line.p[12] != ' '))
		return (-1);
	version.p = line.p;
	version.len = 8;
	if (http_parse_version(version, &h->minor) != 0)
		return (-1);
	for (i = 9; i < 12; i++) {
		if (!is_digit((uint8_t)line.p[i]))
			return (-1);
		h->status = h->status * 10 + (line.p[i] - '0');
	}
	h->reason.p = line.p + (line.len > 12 ? 13 : 12);
	h->reason.len = line.len - (line.len > 12 ? 13 : 12);
	return (http_parse_fields(h, lim, p, end, why) == 0 ? 0 : -1);
}
