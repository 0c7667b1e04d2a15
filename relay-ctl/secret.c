/* SPDX-License-Identifier: ISC */
/*
 * Join strings and tokens, which are shown once: alone on standard output, so
 * that a script can take them, and what they are on standard error.
 */
#include <stdlib.h>
#include <string.h>

#include "relay-ctl/output.h"

static const char *
secret_kind(const struct command *cmd)
{
	if (cmd->action == COMMAND_TOKEN && cmd->op == CTL_TOKEN_CREATE)
		return ("token");
	if (cmd->action != COMMAND_NODE)
		return (NULL);
	if (cmd->op == CTL_NODE_TOKEN)
		return ("token");
	if (cmd->op == CTL_NODE_ENROLL || cmd->op == CTL_NODE_ROTATE)
		return ("join");
	return (NULL);
}

const char *
secret_of(const struct command *cmd, const struct answer *a,
    const char *text, const char **kind)
{
	const char *secret;

	if ((*kind = secret_kind(cmd)) == NULL)
		return (NULL);
	secret = answer_value(a, *kind, *kind);
	return (secret[0] != '\0' ? secret : text);
}

static void
explain_join(FILE *f, const struct command *cmd)
{
	uint32_t n = cmd->expires_s;
	const char *unit = "seconds";

	if (n % 3600 == 0) {
		n /= 3600;
		unit = n == 1 ? "hour" : "hours";
	} else if (n % 60 == 0) {
		n /= 60;
		unit = n == 1 ? "minute" : "minutes";
	} else if (n == 1)
		unit = "second";
	fputs("This string is shown once. It works one time, within ", f);
	fprintf(f, "%u %s, and whoever\nhas it becomes ", (unsigned int)n,
	    unit);
	print_safe(f, cmd->node_id);
	fputs(". There, it goes to the standard input of\n"
	    "\trelay join - [file.rl]\n", f);
}

void
secret_explain(FILE *f, const struct command *cmd)
{
	const char *kind = secret_kind(cmd);

	if (kind != NULL && strcmp(kind, "join") == 0) {
		explain_join(f, cmd);
		return;
	}
	fputs("This token is shown once. ", f);
	print_safe(f, cmd->action == COMMAND_NODE ? cmd->node_id :
	    "Whoever has it");
	fputs(" shows it in the header\n\tAuthorization: Bearer TOKEN\n", f);
}
