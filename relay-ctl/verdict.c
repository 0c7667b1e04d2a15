/* SPDX-License-Identifier: ISC */
/* Answers that are a yes or a no, for people: explain and audit verify. */
#include <stdlib.h>
#include <string.h>

#include "relay-ctl/output.h"

static void
put_value(FILE *f, const char *before, const char *value, const char *after)
{
	if (value[0] == '\0')
		return;
	fputs(before, f);
	print_safe(f, value);
	fputs(after, f);
}

void
decision_print(FILE *f, const struct answer *a)
{
	const struct section *s = answer_section(a, "candidates");
	const char *result = answer_value(a, "decision", "result");
	const char *rule = answer_value(a, "decision", "rule");

	if (strcmp(result, "allowed") == 0)
		fputs("allowed", f);
	else {
		put_value(f, "refused: ", result, "");
		put_value(f, ", stage ", answer_value(a, "decision", "stage"),
		    "");
	}
	/* Without a callee there is nothing to decide. */
	if (strcmp(rule, "none") != 0)
		put_value(f, ", by ", rule, "");
	fputc('\n', f);
	if (s == NULL || s->count == 0)
		fputs("no candidates\n", f);
	else
		print_table(f, s);
}

void
verify_print(FILE *f, const struct answer *a)
{
	bool ok = strcmp(answer_value(a, "verify", "ok"), "true") == 0;
	const char *records = answer_value(a, "verify", "records");

	if (!ok) {
		fputs("broken at record ", f);
		print_safe(f, answer_value(a, "verify", "broken_at"));
		fputs(": it, or what was before it, is not what was written\n",
		    f);
		return;
	}
	if (strcmp(records, "0") == 0) {
		fputs("unbroken: no records\n", f);
		return;
	}
	put_value(f, "unbroken: ", records, " records");
	put_value(f, ", ", answer_value(a, "verify", "first_seq"), "");
	put_value(f, " to ", answer_value(a, "verify", "last_seq"), "");
	put_value(f, ", the last of ", answer_value(a, "verify", "heads"),
	    "");
	fputc('\n', f);
}
