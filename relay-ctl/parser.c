/* SPDX-License-Identifier: ISC */
/* See parser.h. */
#include <stdio.h>
#include <string.h>

#include <bsd/string.h>

#include "relay-ctl/parser.h"

enum token_kind {
	TOKEN_LAST,		/* ends a table */
	TOKEN_END,		/* the command may end here */
	TOKEN_WORD,		/* a keyword, or a part of it */
	TOKEN_TARGET,		/* any word, to be kept */
	TOKEN_METHOD,
	TOKEN_ARGS,
	TOKEN_NAME,
	TOKEN_NODE
};

/* Options of "peer add". */
enum {
	OPTION_NODE,
	OPTION_PERSIST,
	OPTION_INSECURE
};

struct token {
	enum token_kind		 kind;
	const char		*word;	/* the keyword, or what is expected */
	int			 value;
	const struct token	*next;
};

static const struct token t_end[] = {
	{ TOKEN_END, "", 0, NULL },
	{ TOKEN_LAST, "", 0, NULL }
};

static const struct token t_args[] = {
	{ TOKEN_END, "", 0, NULL },
	{ TOKEN_ARGS, "arguments", 0, t_end },
	{ TOKEN_LAST, "", 0, NULL }
};

static const struct token t_method[] = {
	{ TOKEN_METHOD, "method", 0, t_args },
	{ TOKEN_LAST, "", 0, NULL }
};

static const struct token t_call[] = {
	{ TOKEN_TARGET, "target", 0, t_method },
	{ TOKEN_LAST, "", 0, NULL }
};

static const struct token t_log[] = {
	{ TOKEN_WORD, "brief", false, t_end },
	{ TOKEN_WORD, "verbose", true, t_end },
	{ TOKEN_LAST, "", 0, NULL }
};

static const struct token t_peer_node[2];

/* In any order. */
static const struct token t_peer_options[] = {
	{ TOKEN_END, "", 0, NULL },
	{ TOKEN_WORD, "node", OPTION_NODE, t_peer_node },
	{ TOKEN_WORD, "persist", OPTION_PERSIST, t_peer_options },
	{ TOKEN_WORD, "insecure", OPTION_INSECURE, t_peer_options },
	{ TOKEN_LAST, "", 0, NULL }
};

static const struct token t_peer_node[] = {
	{ TOKEN_NODE, "node id", 0, t_peer_options },
	{ TOKEN_LAST, "", 0, NULL }
};

static const struct token t_peer_add[] = {
	{ TOKEN_NAME, "URL", 0, t_peer_options },
	{ TOKEN_LAST, "", 0, NULL }
};

static const struct token t_peer_name[] = {
	{ TOKEN_NAME, "URL or node id", 0, t_end },
	{ TOKEN_LAST, "", 0, NULL }
};

static const struct token t_peer[] = {
	{ TOKEN_WORD, "add", CTL_PEER_ADD, t_peer_add },
	{ TOKEN_WORD, "delete", CTL_PEER_DELETE, t_peer_name },
	{ TOKEN_WORD, "reset", CTL_PEER_RESET, t_peer_name },
	{ TOKEN_LAST, "", 0, NULL }
};

static const struct token t_token[] = {
	{ TOKEN_END, "", 0, NULL },
	{ TOKEN_WORD, "revoke", true, t_end },
	{ TOKEN_LAST, "", 0, NULL }
};

static const struct token t_show[] = {
	{ TOKEN_WORD, "summary", CTL_SHOW_SUMMARY, t_end },
	{ TOKEN_WORD, "processes", CTL_SHOW_PROCESSES, t_end },
	{ TOKEN_WORD, "homes", CTL_SHOW_HOMES, t_end },
	{ TOKEN_WORD, "peers", CTL_SHOW_PEERS, t_end },
	{ TOKEN_WORD, "services", CTL_SHOW_SERVICES, t_end },
	{ TOKEN_WORD, "sessions", CTL_SHOW_SESSIONS, t_end },
	{ TOKEN_WORD, "pending", CTL_SHOW_PENDING, t_end },
	{ TOKEN_WORD, "channels", CTL_SHOW_CHANNELS, t_end },
	{ TOKEN_WORD, "sandbox", CTL_SHOW_SANDBOX, t_end },
	{ TOKEN_WORD, "config", CTL_SHOW_CONFIG, t_end },
	{ TOKEN_WORD, "routes", CTL_SHOW_ROUTES, t_end },
	{ TOKEN_LAST, "", 0, NULL }
};

static const struct token t_main[] = {
	{ TOKEN_WORD, "show", COMMAND_SHOW, t_show },
	{ TOKEN_WORD, "reload", COMMAND_RELOAD, t_end },
	{ TOKEN_WORD, "log", COMMAND_LOG, t_log },
	{ TOKEN_WORD, "call", COMMAND_CALL, t_call },
	{ TOKEN_WORD, "peer", COMMAND_PEER, t_peer },
	{ TOKEN_WORD, "token", COMMAND_TOKEN, t_token },
	{ TOKEN_WORD, "stop", COMMAND_STOP, t_end },
	{ TOKEN_LAST, "", 0, NULL }
};

/* Append what may stand here, for people. */
static void
append_choices(const struct token *table, char *err, size_t size)
{
	const struct token *t;

	strlcat(err, "; expected:", size);
	for (t = table; t->kind != TOKEN_LAST; t++) {
		strlcat(err, t->kind == TOKEN_WORD ? " " : " <", size);
		strlcat(err, t->kind == TOKEN_END ? "end" : t->word, size);
		if (t->kind != TOKEN_WORD)
			strlcat(err, ">", size);
	}
}

/* The one token that arg can be, or NULL with the reason. */
static const struct token *
match(const struct token *table, const char *arg, char *err, size_t size)
{
	const struct token *t, *found = NULL;
	size_t len = strlen(arg), hits = 0;

	for (t = table; t->kind != TOKEN_LAST; t++) {
		if (t->kind == TOKEN_END)
			continue;
		if (t->kind != TOKEN_WORD)
			return (t);
		if (strcmp(t->word, arg) == 0)
			return (t);
		if (len > 0 && strncmp(t->word, arg, len) == 0) {
			found = t;
			hits++;
		}
	}
	if (hits == 1)
		return (found);
	snprintf(err, size, "%s \"%s\"", hits == 0 ? "unknown argument" :
	    "ambiguous argument", arg);
	append_choices(table, err, size);
	return (NULL);
}

/* False if it was there before. */
static bool
set(bool *option)
{
	bool first = !*option;

	*option = true;
	return (first);
}

/* The meaning of a word depends on its table; false if it stands twice. */
static bool
apply_word(struct command *cmd, const struct token *table,
    const struct token *t)
{
	if (table == t_main)
		cmd->action = (enum command_action)t->value;
	else if (table == t_log)
		cmd->verbose = t->value != 0;
	else if (table == t_peer)
		cmd->peer = (enum ctl_peer)t->value;
	else if (table == t_token)
		cmd->revoke = true;
	else if (table == t_show) {
		cmd->what = (enum ctl_show)t->value;
		cmd->what_name = t->word;
	} else if (t->value == OPTION_PERSIST)
		return (set(&cmd->persist));
	else if (t->value == OPTION_INSECURE)
		return (set(&cmd->insecure));
	else
		return (cmd->node_id[0] == '\0');
	return (true);
}

static bool
apply(struct command *cmd, const struct token *table, const struct token *t,
    const char *arg)
{
	switch (t->kind) {
	case TOKEN_TARGET:
		cmd->target = arg;
		break;
	case TOKEN_METHOD:
		cmd->method = arg;
		break;
	case TOKEN_ARGS:
		cmd->args = arg;
		break;
	case TOKEN_NAME:
		cmd->name = arg;
		break;
	case TOKEN_NODE:
		cmd->node_id = arg;
		break;
	case TOKEN_WORD:
		return (apply_word(cmd, table, t));
	case TOKEN_END:
	case TOKEN_LAST:
		break;
	}
	return (true);
}

/* The words are used up: may the command end in this table? */
static bool
may_end(const struct token *table, char *err, size_t size)
{
	const struct token *t;

	for (t = table; t->kind != TOKEN_LAST; t++) {
		if (t->kind == TOKEN_END)
			return (true);
	}
	snprintf(err, size, "missing argument");
	append_choices(table, err, size);
	return (false);
}

bool
command_parse(int argc, char *const *argv, struct command *cmd, char *err,
    size_t size)
{
	const struct token *table = t_main, *t;
	int i;

	memset(cmd, 0, sizeof(*cmd));
	cmd->args = "";
	cmd->node_id = "";
	for (i = 0; i < argc; i++) {
		if ((t = match(table, argv[i], err, size)) == NULL)
			return (false);
		if (!apply(cmd, table, t, argv[i])) {
			snprintf(err, size, "\"%s\" is given twice", t->word);
			return (false);
		}
		table = t->next;
	}
	return (may_end(table, err, size));
}
