/* SPDX-License-Identifier: ISC */
/* Tables for people. */
#include <ctype.h>
#include <err.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "relay-ctl/output.h"

#define GAP		2	/* spaces between columns */
#define VERTICAL_OVER	6	/* fields: one row of more is a list */
#define CELL_MAX	64	/* bytes of a formatted number */

/* --- values --- */

static bool
ends_in(const char *name, const char *suffix)
{
	size_t n = strlen(name), k = strlen(suffix);

	return (n > k && strcmp(name + n - k, suffix) == 0);
}

static void
format_duration(char *buf, size_t size, int64_t ms)
{
	int64_t s = ms / 1000;

	if (ms < 1000)
		snprintf(buf, size, "%" PRId64 "ms", ms);
	else if (s < 60)
		snprintf(buf, size, "%" PRId64 ".%" PRId64 "s", s,
		    ms % 1000 / 100);
	else if (s < 3600)
		snprintf(buf, size, "%" PRId64 "m%02" PRId64 "s", s / 60,
		    s % 60);
	else if (s < 86400)
		snprintf(buf, size, "%" PRId64 "h%02" PRId64 "m", s / 3600,
		    s % 3600 / 60);
	else
		snprintf(buf, size, "%" PRId64 "d%02" PRId64 "h", s / 86400,
		    s % 86400 / 3600);
}

/* Below a second no finer than a tenth of the unit. */
static void
format_short(char *buf, size_t size, int64_t us)
{
	if (us < 1000)
		snprintf(buf, size, "%" PRId64 "us", us);
	else if (us < 1000000)
		snprintf(buf, size, "%" PRId64 ".%" PRId64 "ms", us / 1000,
		    us % 1000 / 100);
	else
		format_duration(buf, size, us / 1000);
}

static void
format_number(char *buf, size_t size, const struct field *field)
{
	int64_t n = strtoll(field->value, NULL, 10);

	if (n < 0 && (ends_in(field->name, "_ms") ||
	    ends_in(field->name, "_us") || ends_in(field->name, "_s")))
		/* No time is negative: there is none to tell. */
		strlcpy(buf, "-", size);
	else if (ends_in(field->name, "_ms"))
		format_duration(buf, size, n);
	else if (ends_in(field->name, "_us"))
		format_short(buf, size, n);
	else if (n < 60 && ends_in(field->name, "_s"))
		/* No finer than it is known. */
		snprintf(buf, size, "%" PRId64 "s", n);
	else if (n < INT64_MAX / 1000 && ends_in(field->name, "_s"))
		format_duration(buf, size, n * 1000);
	else
		snprintf(buf, size, "%" PRId64, n);
}

/* The text of a cell; buf is used for what has to be made. */
static const char *
cell(const struct field *field, char *buf, size_t size)
{
	switch (field->type) {
	case CTL_NUMBER:
		format_number(buf, size, field);
		return (buf);
	case CTL_BOOL:
		return (strcmp(field->value, "true") == 0 ? "yes" : "no");
	case CTL_TEXT:
		break;
	}
	return (field->value[0] == '\0' ? "-" : field->value);
}

/* A name without its unit, which the values show. */
static void
format_label(char *buf, size_t size, const struct field *field)
{
	static const char *const units[] = { "_ms", "_us", "_s" };
	size_t i;

	strlcpy(buf, field->name, size);
	if (field->type != CTL_NUMBER)
		return;
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (ends_in(buf, units[i]))
			buf[strlen(buf) - strlen(units[i])] = '\0';
	}
}

static void
pad(FILE *f, size_t have, size_t want)
{
	for (; have < want; have++)
		fputc(' ', f);
}

/* --- tables --- */

static size_t *
column_widths(const struct section *s, size_t columns)
{
	const struct row *row;
	char buf[CELL_MAX];
	size_t *widths, i, k, w;

	if ((widths = calloc(columns, sizeof(*widths))) == NULL)
		err(1, NULL);
	for (k = 0; k < columns; k++) {
		format_label(buf, sizeof(buf), &s->rows[0].fields[k]);
		widths[k] = safe_width(buf);
	}
	for (i = 0; i < s->count; i++) {
		row = &s->rows[i];
		for (k = 0; k < columns && k < row->count; k++) {
			w = safe_width(cell(&row->fields[k], buf,
			    sizeof(buf)));
			if (w > widths[k])
				widths[k] = w;
		}
	}
	return (widths);
}

static void
print_cell(FILE *f, const char *text, bool right, size_t width, bool last)
{
	if (right)
		pad(f, safe_width(text), width);
	print_safe(f, text);
	if (last)
		return;
	if (!right)
		pad(f, safe_width(text), width);
	pad(f, 0, GAP);
}

static void
print_heading(FILE *f, const struct row *row, const size_t *widths,
    size_t columns)
{
	char label[CELL_MAX];
	size_t i, k;

	for (k = 0; k < columns; k++) {
		format_label(label, sizeof(label), &row->fields[k]);
		for (i = 0; label[i] != '\0'; i++)
			label[i] = (char)toupper((unsigned char)label[i]);
		print_cell(f, label, row->fields[k].type == CTL_NUMBER,
		    widths[k], k + 1 == columns);
	}
	fputc('\n', f);
}

void
print_table(FILE *f, const struct section *s)
{
	size_t columns, i, k, *widths;
	const struct row *row;
	char buf[CELL_MAX];

	if (s->count == 0 || s->rows[0].count == 0)
		return;
	columns = s->rows[0].count;
	widths = column_widths(s, columns);
	print_heading(f, &s->rows[0], widths, columns);
	for (i = 0; i < s->count; i++) {
		row = &s->rows[i];
		for (k = 0; k < columns && k < row->count; k++)
			print_cell(f, cell(&row->fields[k], buf, sizeof(buf)),
			    row->fields[k].type == CTL_NUMBER, widths[k],
			    k + 1 == columns);
		fputc('\n', f);
	}
	free(widths);
}

/* One row as a list of names and values. */
static void
print_list(FILE *f, const struct row *row)
{
	size_t i, width = 0, w;
	char label[CELL_MAX], buf[CELL_MAX];

	for (i = 0; i < row->count; i++) {
		format_label(label, sizeof(label), &row->fields[i]);
		if ((w = safe_width(label)) > width)
			width = w;
	}
	for (i = 0; i < row->count; i++) {
		format_label(label, sizeof(label), &row->fields[i]);
		print_cell(f, label, false, width, false);
		print_safe(f, cell(&row->fields[i], buf, sizeof(buf)));
		fputc('\n', f);
	}
}

/* --- answers --- */

static void
print_errors(FILE *f, const struct section *s)
{
	size_t i;

	for (i = 0; s != NULL && i < s->count; i++) {
		fputs("relay-ctl: ", f);
		print_safe(f, row_value(&s->rows[i], "process"));
		fputs(": ", f);
		print_safe(f, row_value(&s->rows[i], "error"));
		fputc('\n', f);
	}
}

/* A configuration: what is printed can be parsed again. */
static void
print_lines(FILE *f, const struct section *s)
{
	const char *line;
	size_t i;

	for (i = 0; i < s->count; i++) {
		line = row_value(&s->rows[i], "line");
		for (; *line == '\t'; line++)
			fputc('\t', f);
		print_safe(f, line);
		fputc('\n', f);
	}
}

/* What is made of several parts says which is which. */
static bool
has_titles(const struct command *cmd)
{
	return (cmd->what == CTL_SHOW_SUMMARY || cmd->what == CTL_SHOW_TLS);
}

/* The sections but for errors; false: there is nothing in them. */
static bool
print_sections(FILE *out, const struct command *cmd, const struct answer *a)
{
	const struct section *s;
	bool titles = has_titles(cmd), first = true;
	size_t i;

	for (i = 0; i < a->count; i++) {
		s = &a->sections[i];
		if (strcmp(s->name, "errors") == 0 || s->count == 0)
			continue;
		if (titles) {
			fputs(first ? "" : "\n", out);
			print_safe(out, s->name);
			fputs(":\n", out);
		}
		if (cmd->what == CTL_SHOW_CONFIG)
			print_lines(out, s);
		else if (titles && s->count == 1 &&
		    s->rows[0].count > VERTICAL_OVER)
			print_list(out, &s->rows[0]);
		else
			print_table(out, s);
		first = false;
	}
	return (!first);
}

static void
text_rows(FILE *out, FILE *complaints, const struct command *cmd,
    const struct answer *a)
{
	const struct section *errors = answer_section(a, "errors");

	if (cmd->action == COMMAND_EXPLAIN)
		decision_print(out, a);
	else if (cmd->action == COMMAND_AUDIT && cmd->op == CTL_AUDIT_VERIFY)
		verify_print(out, a);
	else if (!print_sections(out, cmd, a) && errors == NULL)
		fprintf(out, "no %s\n", cmd->section);
	print_errors(complaints, errors);
}

/* "file:line: text", as relayd -n prints it. */
static void
print_complaints(FILE *f, const struct section *s)
{
	const struct row *row;
	const char *line;
	size_t i;

	for (i = 0; s != NULL && i < s->count; i++) {
		row = &s->rows[i];
		line = row_value(row, "line");
		print_safe(f, row_value(row, "file"));
		fputc(':', f);
		if (strcmp(line, "0") != 0) {
			print_safe(f, line);
			fputc(':', f);
		}
		fputs(strcmp(row_value(row, "warning"), "true") == 0 ?
		    " warning: " : " ", f);
		print_safe(f, row_value(row, "text"));
		fputc('\n', f);
	}
}

static void
text_end(FILE *out, FILE *complaints, const struct command *cmd,
    enum ctl_status status, const char *text, const struct answer *a)
{
	FILE *f = status == CTL_OK ? out : complaints;
	const char *kind, *secret = NULL;

	print_complaints(complaints, answer_section(a, "errors"));
	if (status == CTL_OK)
		secret = secret_of(cmd, a, text, &kind);
	if (secret != NULL) {
		/* Before, so that on a terminal it is not overlooked. */
		secret_explain(complaints, cmd);
		if (secret != text && text[0] != '\0') {
			print_safe(complaints, text);
			fputc('\n', complaints);
		}
		text = secret;
	}
	if (text[0] == '\0')
		return;
	if (status != CTL_OK)
		fputs("relay-ctl: ", f);
	print_safe(f, text);
	fputc('\n', f);
}

static void
text_result(FILE *out, FILE *complaints, bool ok, struct span json)
{
	if (ok)
		json_print(out, json, true);
	else
		rpc_error_print(complaints, json);
}

const struct output output_text = {
	.rows = text_rows,
	.end = text_end,
	.result = text_result,
};
