/* SPDX-License-Identifier: ISC */
/* JSON for programs: one object, with one array a section. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "relay-ctl/output.h"

static void
print_field(FILE *f, const struct field *field)
{
	json_print_string(f, field->name);
	fputc(':', f);
	switch (field->type) {
	case CTL_NUMBER:
		fprintf(f, "%" PRId64, (int64_t)strtoll(field->value, NULL,
		    10));
		break;
	case CTL_BOOL:
		fputs(strcmp(field->value, "true") == 0 ? "true" : "false", f);
		break;
	case CTL_TEXT:
		json_print_string(f, field->value);
		break;
	}
}

static void
print_row(FILE *f, const struct row *row)
{
	size_t i;

	fputc('{', f);
	for (i = 0; i < row->count; i++) {
		fputs(i == 0 ? "" : ",", f);
		print_field(f, &row->fields[i]);
	}
	fputc('}', f);
}

static void
print_section(FILE *f, const struct section *s)
{
	size_t i;

	json_print_string(f, s->name);
	fputs(":[", f);
	for (i = 0; i < s->count; i++) {
		fputs(i == 0 ? "" : ",", f);
		print_row(f, &s->rows[i]);
	}
	fputc(']', f);
}

/* What was asked for is always there, if only as an empty array. */
static void
json_rows(FILE *out, FILE *complaints, const struct command *cmd,
    const struct answer *a)
{
	bool first = true;
	size_t i;

	(void)complaints;
	fputc('{', out);
	if (cmd->what != CTL_SHOW_SUMMARY && cmd->what != CTL_SHOW_TLS &&
	    answer_section(a, cmd->section) == NULL) {
		json_print_string(out, cmd->section);
		fputs(":[]", out);
		first = false;
	}
	for (i = 0; i < a->count; i++) {
		fputs(first ? "" : ",", out);
		print_section(out, &a->sections[i]);
		first = false;
	}
	fputs("}\n", out);
}

static void
json_end(FILE *out, FILE *complaints, const struct command *cmd,
    enum ctl_status status, const char *text, const struct answer *a)
{
	bool ok = status == CTL_OK;
	const char *kind, *secret = NULL;
	size_t i;

	(void)complaints;
	if (ok)
		secret = secret_of(cmd, a, text, &kind);
	fprintf(out, "{\"ok\":%s,\"%s\":", ok ? "true" : "false",
	    secret != NULL ? kind : "text");
	json_print_string(out, secret != NULL ? secret : text);
	for (i = 0; i < a->count && secret == NULL; i++) {
		fputc(',', out);
		print_section(out, &a->sections[i]);
	}
	fputs("}\n", out);
}

static void
json_result(FILE *out, FILE *complaints, bool ok, struct span json)
{
	(void)complaints;
	(void)ok;
	json_print(out, json, false);
}

const struct output output_json = {
	.rows = json_rows,
	.end = json_end,
	.result = json_result,
};
