/* SPDX-License-Identifier: ISC */
/*
 * What relay-ctl prints: the rows of an answer gathered by section, and two
 * ways to write them.  Nothing that came from elsewhere reaches a terminal
 * with its control characters.
 */
#ifndef RELAY_CTL_OUTPUT_H
#define RELAY_CTL_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "common/ctl.h"
#include "common/wire.h"
#include "relay-ctl/parser.h"

struct field {
	char		*name;
	char		*value;
	enum ctl_type	 type;
};

struct row {
	struct field	*fields;
	size_t		 count;
};

struct section {
	char		*name;
	struct row	*rows;
	size_t		 count;
};

struct answer {
	struct section	*sections;	/* in the order they came */
	size_t		 count;
};

struct output {
	/* An answer in rows: of a show and of all that has a section. */
	void	(*rows)(FILE *, FILE *, const struct command *,
		    const struct answer *);
	/* The end of any other command, with the rows that came before. */
	void	(*end)(FILE *, FILE *, const struct command *,
		    enum ctl_status, const char *, const struct answer *);
	/* The result of a call, or its error object. */
	void	(*result)(FILE *, FILE *, bool, struct span);
};

/* For each the first stream is for results, the second for complaints. */
extern const struct output output_text;
extern const struct output output_json;

/* output.c */
/*
 * Take the section and fields of a CTL_ROW.  Errors stick to the reader; then
 * nothing was taken.
 */
void		 answer_take(struct answer *, struct wire_get *);
void		 answer_clear(struct answer *);
/* The section of this name, or NULL. */
const struct section *answer_section(const struct answer *, const char *);
/* The value of a field, or "". */
const char	*row_value(const struct row *, const char *);
/* The value of a field of the first row of a section, or "". */
const char	*answer_value(const struct answer *, const char *,
		    const char *);
/*
 * What the rows of an answer mean: CTL_REFUSED if a process has no part in
 * it, a chain is broken or a call would not be made.
 */
enum ctl_status	 answer_status(const struct command *, const struct answer *);
/* Sort the rows of a section by a number. */
void		 answer_sort(struct answer *, const char *, const char *);
/*
 * One character at p, before end: its length, and in *cp the code point, or
 * UINT32_MAX for a byte that is not valid UTF-8.
 */
size_t		 utf8_next(const char *, const char *, uint32_t *);
/* A control character, or one that turns the direction of the text. */
bool		 is_control(uint32_t);
/* Print text for people; what is unsafe becomes \xNN or \u{N}. */
void		 print_safe(FILE *, const char *);
/* Columns that print_safe() takes. */
size_t		 safe_width(const char *);

/* output_text.c */
/* The rows of one section as a table, which has no rows or some. */
void		 print_table(FILE *, const struct section *);

/* secret.c */
/*
 * The join string or token that a command makes and that is shown this one
 * time, with what kind it is ("join" or "token"); NULL: it makes none.
 */
const char	*secret_of(const struct command *, const struct answer *,
		    const char *, const char **);
/* What whoever gets it has to know. */
void		 secret_explain(FILE *, const struct command *);

/* verdict.c */
/* How a call would be decided, and for what reason. */
void		 decision_print(FILE *, const struct answer *);
/* Whether the chain of the audit log holds. */
void		 verify_print(FILE *, const struct answer *);

/* json_print.c */
/* A string with quotes, always valid JSON. */
void		 json_print_string(FILE *, const char *);
/*
 * Print JSON text again, with one line a member if pretty, else on one line.
 * Digits and escapes stay as they are, control characters become escapes.
 */
void		 json_print(FILE *, struct span, bool);

/* rpc_error.c */
/* What an error object says, for people; and the exit code for it. */
void		 rpc_error_print(FILE *, struct span);
enum ctl_status	 rpc_error_status(struct span);

#endif
