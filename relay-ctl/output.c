/* SPDX-License-Identifier: ISC */
/* See output.h. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "relay-ctl/output.h"

static void *
grow(void *list, size_t count, size_t size)
{
	void *p;

	if ((p = reallocarray(list, count + 1, size)) == NULL)
		err(1, NULL);
	return (p);
}

static char *
copy(struct span s)
{
	char *p;

	if ((p = strndup(s.p, s.len)) == NULL)
		err(1, NULL);
	return (p);
}

/* --- rows --- */

static void
row_clear(struct row *row)
{
	size_t i;

	for (i = 0; i < row->count; i++) {
		free(row->fields[i].name);
		free(row->fields[i].value);
	}
	free(row->fields);
}

static void
take_field(struct row *row, struct wire_get *msg)
{
	struct span name, value;
	uint8_t type;

	name = get_span(msg, UINT16_MAX);
	type = get_u8(msg);
	value = get_span(msg, UINT16_MAX);
	if (type < CTL_TEXT || type > CTL_BOOL)
		msg->bad = true;
	if (msg->bad)
		return;
	row->fields = grow(row->fields, row->count, sizeof(*row->fields));
	row->fields[row->count].name = copy(name);
	row->fields[row->count].value = copy(value);
	row->fields[row->count].type = (enum ctl_type)type;
	row->count++;
}

static struct section *
section_for(struct answer *a, struct span name)
{
	struct section *s;
	size_t i;

	for (i = 0; i < a->count; i++) {
		if (span_eq(span_str(a->sections[i].name), name))
			return (&a->sections[i]);
	}
	a->sections = grow(a->sections, a->count, sizeof(*a->sections));
	s = &a->sections[a->count++];
	s->name = copy(name);
	s->rows = NULL;
	s->count = 0;
	return (s);
}

void
answer_take(struct answer *a, struct wire_get *msg)
{
	struct span name = get_span(msg, UINT16_MAX);
	uint16_t i, n = get_count(msg, UINT16_MAX, 5);
	struct row row = { NULL, 0 };
	struct section *s;

	for (i = 0; i < n && !msg->bad; i++)
		take_field(&row, msg);
	if (!get_done(msg)) {
		msg->bad = true;
		row_clear(&row);
		return;
	}
	s = section_for(a, name);
	s->rows = grow(s->rows, s->count, sizeof(*s->rows));
	s->rows[s->count++] = row;
}

void
answer_clear(struct answer *a)
{
	size_t i, k;

	for (i = 0; i < a->count; i++) {
		for (k = 0; k < a->sections[i].count; k++)
			row_clear(&a->sections[i].rows[k]);
		free(a->sections[i].rows);
		free(a->sections[i].name);
	}
	free(a->sections);
	memset(a, 0, sizeof(*a));
}

const struct section *
answer_section(const struct answer *a, const char *name)
{
	size_t i;

	for (i = 0; i < a->count; i++) {
		if (strcmp(a->sections[i].name, name) == 0)
			return (&a->sections[i]);
	}
	return (NULL);
}

const char *
row_value(const struct row *row, const char *name)
{
	size_t i;

	for (i = 0; i < row->count; i++) {
		if (strcmp(row->fields[i].name, name) == 0)
			return (row->fields[i].value);
	}
	return ("");
}

const char *
answer_value(const struct answer *a, const char *section, const char *name)
{
	const struct section *s = answer_section(a, section);

	return (s == NULL || s->count == 0 ? "" : row_value(&s->rows[0],
	    name));
}

enum ctl_status
answer_status(const struct command *cmd, const struct answer *a)
{
	/* An answer that lacks a process's part is not whole. */
	if (answer_section(a, "errors") != NULL)
		return (CTL_REFUSED);
	if (cmd->action == COMMAND_EXPLAIN && strcmp(answer_value(a,
	    "decision", "result"), "allowed") != 0)
		return (CTL_REFUSED);
	if (cmd->action == COMMAND_AUDIT && cmd->op == CTL_AUDIT_VERIFY &&
	    strcmp(answer_value(a, "verify", "ok"), "true") != 0)
		return (CTL_REFUSED);
	return (CTL_OK);
}

static int
by_number(const void *a, const void *b, void *name)
{
	unsigned long long x = strtoull(row_value(a, name), NULL, 10);
	unsigned long long y = strtoull(row_value(b, name), NULL, 10);

	return (x < y ? -1 : x > y);
}

void
answer_sort(struct answer *a, const char *section, const char *name)
{
	size_t i;

	for (i = 0; i < a->count; i++) {
		if (strcmp(a->sections[i].name, section) == 0)
			qsort_r(a->sections[i].rows, a->sections[i].count,
			    sizeof(struct row), by_number,
			    (void *)(uintptr_t)name);
	}
}

/* --- text that is safe to show --- */

size_t
utf8_next(const char *p, const char *end, uint32_t *cp)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char c = (unsigned char)*p;
	size_t i, len;

	*cp = UINT32_MAX;
	if (c < 0x80) {
		*cp = c;
		return (1);
	}
	len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
	if (c < 0xc2 || c > 0xf4 || (size_t)(end - p) < len)
		return (1);
	*cp = c & (0x7fU >> len);
	for (i = 1; i < len; i++) {
		c = (unsigned char)p[i];
		if ((c & 0xc0) != 0x80) {
			*cp = UINT32_MAX;
			return (1);
		}
		*cp = *cp << 6 | (c & 0x3f);
	}
	if (*cp < least[len] || *cp > 0x10ffff ||
	    (*cp >= 0xd800 && *cp <= 0xdfff)) {
		*cp = UINT32_MAX;
		return (1);
	}
	return (len);
}

bool
is_control(uint32_t cp)
{
	return (cp < 0x20 || (cp >= 0x7f && cp <= 0x9f) ||
	    cp == 0x200e || cp == 0x200f ||
	    (cp >= 0x2028 && cp <= 0x202e) || (cp >= 0x2066 && cp <= 0x2069));
}

/* One character for people, with its width; f may be NULL. */
static size_t
put_char(FILE *f, const char *p, size_t len, uint32_t cp)
{
	char buf[16];
	int n;

	if (cp != UINT32_MAX && !is_control(cp)) {
		if (f != NULL)
			fwrite(p, 1, len, f);
		return (1);
	}
	if (len == 1)
		n = snprintf(buf, sizeof(buf), "\\x%02x", (unsigned char)*p);
	else
		n = snprintf(buf, sizeof(buf), "\\u{%x}", (unsigned int)cp);
	if (f != NULL)
		fputs(buf, f);
	return ((size_t)n);
}

static size_t
put_text(FILE *f, const char *text)
{
	const char *end = text + strlen(text);
	size_t len, width = 0;
	uint32_t cp;

	for (; text < end; text += len) {
		len = utf8_next(text, end, &cp);
		width += put_char(f, text, len, cp);
	}
	return (width);
}

void
print_safe(FILE *f, const char *text)
{
	(void)put_text(f, text);
}

size_t
safe_width(const char *text)
{
	return (put_text(NULL, text));
}
