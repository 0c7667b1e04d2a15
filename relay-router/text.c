/* SPDX-License-Identifier: ISC */

/*
 * Growing text; see text.h.
 */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "relay-router/text.h"

#define TEXT_FIRST	1024	/* bytes of the first allocation */

void
text_free(struct text *t)
{
	free(t->p);
	memset(t, 0, sizeof(*t));
}

static void
text_room(struct text *t, size_t len)
{
	size_t	 size = t->size == 0 ? TEXT_FIRST : t->size;
	char	*p;

	if (t->size - t->len >= len)
		return;
	while (size - t->len < len)
		size *= 2;
	if ((p = realloc(t->p, size)) == NULL)
		fatal("out of memory");
	t->p = p;
	t->size = size;
}

void
text_put(struct text *t, const char *s, size_t len)
{
	if (len == 0)
		return;
	text_room(t, len);
	memcpy(t->p + t->len, s, len);
	t->len += len;
}

char *
text_take(struct text *t, size_t *len)
{
	char	*p;

	if (len != NULL)
		*len = t->len;
	text_put(t, "", 1);
	/* Shrinking may fail, but then the larger memory serves as well. */
	if ((p = realloc(t->p, t->len)) == NULL)
		p = t->p;
	memset(t, 0, sizeof(*t));
	return (p);
}

void
text_lit(struct text *t, const char *s)
{
	text_put(t, s, strlen(s));
}

void
text_span(struct text *t, struct span s)
{
	text_put(t, s.p, s.len);
}

void
text_int(struct text *t, int64_t v)
{
	char	 buf[24];
	int	 n;

	n = snprintf(buf, sizeof(buf), "%" PRId64, v);
	text_put(t, buf, (size_t)n);
}

void
text_string(struct text *t, struct span s)
{
	char		 esc[8];
	unsigned char	 c;
	size_t		 i, start = 0;
	int		 n;

	text_put(t, "\"", 1);
	for (i = 0; i < s.len; i++) {
		c = (unsigned char)s.p[i];
		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		text_put(t, s.p + start, i - start);
		if (c >= 0x20)
			n = snprintf(esc, sizeof(esc), "\\%c", c);
		else
			n = snprintf(esc, sizeof(esc), "\\u%04x", c);
		text_put(t, esc, (size_t)n);
		start = i + 1;
	}
	text_put(t, s.p + start, s.len - start);
	text_put(t, "\"", 1);
}

void
text_cstring(struct text *t, const char *s)
{
	text_string(t, span_str(s));
}
