/* SPDX-License-Identifier: ISC */
/* JSON as text in and text out; see output.h. */
#include <string.h>

#include "relay-ctl/output.h"

static void
put_escape(FILE *f, uint32_t cp)
{
	if (cp > 0xffff)
		fprintf(f, "\\u%04x\\u%04x",
		    (unsigned int)(0xd800 + ((cp - 0x10000) >> 10)),
		    (unsigned int)(0xdc00 + ((cp - 0x10000) & 0x3ff)));
	else
		fprintf(f, "\\u%04x", (unsigned int)cp);
}

/* One character inside of a string. */
static void
put_inside(FILE *f, const char *p, size_t len, uint32_t cp)
{
	if (cp == UINT32_MAX)
		put_escape(f, 0xfffd);
	else if (is_control(cp))
		put_escape(f, cp);
	else
		fwrite(p, 1, len, f);
}

void
json_print_string(FILE *f, const char *text)
{
	const char *end = text + strlen(text);
	uint32_t cp;
	size_t len;

	fputc('"', f);
	for (; text < end; text += len) {
		len = utf8_next(text, end, &cp);
		if (cp == '"' || cp == '\\')
			fputc('\\', f);
		put_inside(f, text, len, cp);
	}
	fputc('"', f);
}

/* A string token from its quote on; returns what follows it. */
static const char *
print_string(FILE *f, const char *p, const char *end)
{
	uint32_t cp;
	size_t len;

	fputc(*p++, f);
	while (p < end && *p != '"') {
		if (*p == '\\' && p + 1 < end && p[1] >= 0x20 && p[1] < 0x7f) {
			fwrite(p, 1, 2, f);
			p += 2;
			continue;
		}
		len = utf8_next(p, end, &cp);
		put_inside(f, p, len, cp);
		p += len;
	}
	fputc('"', f);
	return (p < end ? p + 1 : p);
}

static bool
is_blank(char c)
{
	return (c == ' ' || c == '\t' || c == '\n' || c == '\r');
}

static void
new_line(FILE *f, size_t depth, bool pretty)
{
	if (!pretty)
		return;
	fputc('\n', f);
	while (depth-- > 0)
		fputs("  ", f);
}

/* An opening bracket; true if it is closed at once. */
static bool
is_empty(const char *p, const char *end)
{
	char close = *p == '[' ? ']' : '}';

	for (p++; p < end && is_blank(*p); p++)
		continue;
	return (p < end && *p == close);
}

void
json_print(FILE *f, struct span json, bool pretty)
{
	const char *p = json.p, *end = json.p + json.len;
	size_t depth = 0;

	while (p < end) {
		switch (*p) {
		case '"':
			p = print_string(f, p, end);
			continue;
		case '{':
		case '[':
			fputc(*p, f);
			if (is_empty(p, end)) {
				while (*p != ']' && *p != '}')
					p++;
				fputc(*p, f);
			} else
				new_line(f, ++depth, pretty);
			break;
		case '}':
		case ']':
			new_line(f, depth > 0 ? --depth : 0, pretty);
			fputc(*p, f);
			break;
		case ',':
			fputc(',', f);
			new_line(f, depth, pretty);
			break;
		case ':':
			fputs(pretty ? ": " : ":", f);
			break;
		default:
			/* Digits, letters and signs; nothing else is JSON. */
			if (*p > 0x20 && *p < 0x7f)
				fputc(*p, f);
			break;
		}
		p++;
	}
	fputc('\n', f);
}
