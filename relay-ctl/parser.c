/* SPDX-License-Identifier: ISC */
/* See parser.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "common/limits.h"
#include "relay-ctl/parser.h"

#define AUDIT_COUNT	50	/* records of audit show without -n */

enum token_kind {
	TOKEN_LAST,		/* ends a table */
	TOKEN_END,		/* the command may end here */
	TOKEN_WORD,		/* a keyword, or a part of it */
	TOKEN_OPTION,		/* the same; the next word is its value */
	TOKEN_TEXT		/* any word, to be kept */
};

/* What a token sets in the command. */
enum slot {
	SLOT_NONE,
	SLOT_ACTION,
	SLOT_WHAT,
	SLOT_VERBOSE,
	SLOT_OP,
	SLOT_PERSIST,
	SLOT_INSECURE,
	SLOT_CALLER,
	SLOT_TARGET,
	SLOT_METHOD,
	SLOT_ARGS,
	SLOT_NAME,
	SLOT_NODE,
	SLOT_URL,
	SLOT_PIN,
	SLOT_EXPIRES,
	SLOT_COUNT
};

struct token {
	enum token_kind		 kind;
	enum slot		 slot;
	const char		*word;	/* the keyword, or what is expected */
	int			 value;
	const struct token	*next;
};

#define WORD(slot, word, value, next)					\
	{ TOKEN_WORD, slot, word, value, next }
#define OPTION(slot, word, next) { TOKEN_OPTION, slot, word, 0, next }
#define TEXT(slot, what, next)	{ TOKEN_TEXT, slot, what, 0, next }
#define END			{ TOKEN_END, SLOT_NONE, "", 0, NULL }
#define LAST			{ TOKEN_LAST, SLOT_NONE, "", 0, NULL }

static const struct token t_end[] = { END, LAST };

static const struct token t_args[] = {
	END,
	TEXT(SLOT_ARGS, "arguments", t_end),
	LAST
};

static const struct token t_method[] = {
	TEXT(SLOT_METHOD, "method", t_args),
	LAST
};

static const struct token t_call[] = {
	TEXT(SLOT_TARGET, "target", t_method),
	LAST
};

static const struct token t_explain_method[] = {
	TEXT(SLOT_METHOD, "method", t_end),
	LAST
};

static const struct token t_explain_target[] = {
	TEXT(SLOT_TARGET, "target", t_explain_method),
	LAST
};

static const struct token t_explain[] = {
	TEXT(SLOT_CALLER, "caller", t_explain_target),
	LAST
};

static const struct token t_log[] = {
	WORD(SLOT_VERBOSE, "brief", false, t_end),
	WORD(SLOT_VERBOSE, "verbose", true, t_end),
	LAST
};

static const struct token t_peer_node[2];

/* In any order. */
static const struct token t_peer_options[] = {
	END,
	OPTION(SLOT_NODE, "node", t_peer_node),
	WORD(SLOT_PERSIST, "persist", true, t_peer_options),
	WORD(SLOT_INSECURE, "insecure", true, t_peer_options),
	LAST
};

static const struct token t_peer_node[] = {
	TEXT(SLOT_NODE, "node id", t_peer_options),
	LAST
};

static const struct token t_peer_add[] = {
	TEXT(SLOT_NAME, "URL", t_peer_options),
	LAST
};

static const struct token t_peer_name[] = {
	TEXT(SLOT_NAME, "URL or node id", t_end),
	LAST
};

static const struct token t_peer[] = {
	WORD(SLOT_OP, "add", CTL_PEER_ADD, t_peer_add),
	WORD(SLOT_OP, "delete", CTL_PEER_DELETE, t_peer_name),
	WORD(SLOT_OP, "reset", CTL_PEER_RESET, t_peer_name),
	LAST
};

static const struct token t_token_name[] = {
	TEXT(SLOT_NAME, "name", t_end),
	LAST
};

static const struct token t_token[] = {
	WORD(SLOT_OP, "create", CTL_TOKEN_CREATE, t_token_name),
	WORD(SLOT_OP, "list", CTL_TOKEN_LIST, t_end),
	WORD(SLOT_OP, "revoke", CTL_TOKEN_REVOKE, t_token_name),
	LAST
};

static const struct token t_join_url[2], t_join_pin[2], t_join_expires[2];

/* What goes into a join string, in any order. */
static const struct token t_join_options[] = {
	END,
	OPTION(SLOT_URL, "url", t_join_url),
	OPTION(SLOT_PIN, "pin", t_join_pin),
	OPTION(SLOT_EXPIRES, "expires", t_join_expires),
	LAST
};

static const struct token t_join_url[] = {
	TEXT(SLOT_URL, "URL", t_join_options),
	LAST
};

static const struct token t_join_pin[] = {
	TEXT(SLOT_PIN, "pin", t_join_options),
	LAST
};

static const struct token t_join_expires[] = {
	TEXT(SLOT_EXPIRES, "time", t_join_options),
	LAST
};

static const struct token t_join_node[] = {
	TEXT(SLOT_NODE, "node id", t_join_options),
	LAST
};

static const struct token t_node_id[] = {
	TEXT(SLOT_NODE, "node id", t_end),
	LAST
};

static const struct token t_node[] = {
	WORD(SLOT_OP, "list", CTL_NODE_LIST, t_end),
	WORD(SLOT_OP, "disable", CTL_NODE_DISABLE, t_node_id),
	WORD(SLOT_OP, "enable", CTL_NODE_ENABLE, t_node_id),
	WORD(SLOT_OP, "revoke", CTL_NODE_REVOKE, t_node_id),
	WORD(SLOT_OP, "rotate", CTL_NODE_ROTATE, t_join_node),
	WORD(SLOT_OP, "token", CTL_NODE_TOKEN, t_node_id),
	LAST
};

static const struct token t_audit_count[2];

static const struct token t_audit_options[] = {
	END,
	OPTION(SLOT_COUNT, "-n", t_audit_count),
	LAST
};

static const struct token t_audit_count[] = {
	TEXT(SLOT_COUNT, "count", t_audit_options),
	LAST
};

static const struct token t_audit[] = {
	WORD(SLOT_OP, "show", CTL_AUDIT_SHOW, t_audit_options),
	WORD(SLOT_OP, "verify", CTL_AUDIT_VERIFY, t_end),
	LAST
};

static const struct token t_show[] = {
	WORD(SLOT_WHAT, "summary", CTL_SHOW_SUMMARY, t_end),
	WORD(SLOT_WHAT, "processes", CTL_SHOW_PROCESSES, t_end),
	WORD(SLOT_WHAT, "homes", CTL_SHOW_HOMES, t_end),
	WORD(SLOT_WHAT, "peers", CTL_SHOW_PEERS, t_end),
	WORD(SLOT_WHAT, "services", CTL_SHOW_SERVICES, t_end),
	WORD(SLOT_WHAT, "sessions", CTL_SHOW_SESSIONS, t_end),
	WORD(SLOT_WHAT, "pending", CTL_SHOW_PENDING, t_end),
	WORD(SLOT_WHAT, "channels", CTL_SHOW_CHANNELS, t_end),
	WORD(SLOT_WHAT, "sandbox", CTL_SHOW_SANDBOX, t_end),
	WORD(SLOT_WHAT, "config", CTL_SHOW_CONFIG, t_end),
	WORD(SLOT_WHAT, "routes", CTL_SHOW_ROUTES, t_end),
	WORD(SLOT_WHAT, "tls", CTL_SHOW_TLS, t_end),
	WORD(SLOT_WHAT, "identity", CTL_SHOW_IDENTITY, t_end),
	WORD(SLOT_WHAT, "policy", CTL_SHOW_POLICY, t_end),
	LAST
};

static const struct token t_main[] = {
	WORD(SLOT_ACTION, "show", COMMAND_SHOW, t_show),
	WORD(SLOT_ACTION, "reload", COMMAND_RELOAD, t_end),
	WORD(SLOT_ACTION, "log", COMMAND_LOG, t_log),
	WORD(SLOT_ACTION, "call", COMMAND_CALL, t_call),
	WORD(SLOT_ACTION, "explain", COMMAND_EXPLAIN, t_explain),
	WORD(SLOT_ACTION, "peer", COMMAND_PEER, t_peer),
	WORD(SLOT_ACTION, "enroll", COMMAND_NODE, t_join_node),
	WORD(SLOT_ACTION, "node", COMMAND_NODE, t_node),
	WORD(SLOT_ACTION, "token", COMMAND_TOKEN, t_token),
	WORD(SLOT_ACTION, "audit", COMMAND_AUDIT, t_audit),
	WORD(SLOT_ACTION, "stop", COMMAND_STOP, t_end),
	LAST
};

/* Append what may stand here, for people. */
static void
append_choices(const struct token *table, char *err, size_t size)
{
	const struct token *t;
	bool word;

	strlcat(err, "; expected:", size);
	for (t = table; t->kind != TOKEN_LAST; t++) {
		word = t->kind == TOKEN_WORD || t->kind == TOKEN_OPTION;
		strlcat(err, word ? " " : " <", size);
		strlcat(err, t->kind == TOKEN_END ? "end" : t->word, size);
		if (!word)
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
		if (t->kind == TOKEN_TEXT)
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

/* --- what words mean --- */

/* Where a text is kept, or NULL. */
static const char **
text_of(struct command *cmd, enum slot slot)
{
	switch (slot) {
	case SLOT_CALLER:
		return (&cmd->caller);
	case SLOT_TARGET:
		return (&cmd->target);
	case SLOT_METHOD:
		return (&cmd->method);
	case SLOT_ARGS:
		return (&cmd->args);
	case SLOT_NAME:
		return (&cmd->name);
	case SLOT_NODE:
		return (&cmd->node_id);
	case SLOT_URL:
		return (&cmd->url);
	case SLOT_PIN:
		return (&cmd->pin);
	default:
		return (NULL);
	}
}

/* Whether an option has its value already. */
static bool
is_set(struct command *cmd, enum slot slot)
{
	const char **text = text_of(cmd, slot);

	if (slot == SLOT_PERSIST)
		return (cmd->persist);
	if (slot == SLOT_INSECURE)
		return (cmd->insecure);
	if (slot == SLOT_EXPIRES)
		return (cmd->expires_s != 0);
	if (slot == SLOT_COUNT)
		return (cmd->count != 0);
	return (text != NULL && (*text)[0] != '\0');
}

static void
apply_word(struct command *cmd, const struct token *t)
{
	switch (t->slot) {
	case SLOT_ACTION:
		cmd->action = (enum command_action)t->value;
		/* Of nodes it is the only one that stands alone. */
		if (t->next == t_join_node)
			cmd->op = CTL_NODE_ENROLL;
		break;
	case SLOT_WHAT:
		cmd->what = (enum ctl_show)t->value;
		cmd->section = t->word;
		break;
	case SLOT_VERBOSE:
		cmd->verbose = t->value != 0;
		break;
	case SLOT_OP:
		cmd->op = (uint8_t)t->value;
		break;
	case SLOT_PERSIST:
		cmd->persist = true;
		break;
	case SLOT_INSECURE:
		cmd->insecure = true;
		break;
	default:
		break;
	}
}

/* A number of seconds, or of what its last letter says; 0: it is none. */
static uint32_t
parse_time(const char *text, long long max)
{
	static const struct { char unit; int s; } units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 }
	};
	size_t i, len = strlen(text);
	const char *errstr;
	char number[16];
	long long n, s = 1;

	if (len == 0 || len >= sizeof(number))
		return (0);
	strlcpy(number, text, sizeof(number));
	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (number[len - 1] == units[i].unit) {
			number[len - 1] = '\0';
			s = units[i].s;
			break;
		}
	}
	if (strspn(number, "0123456789") != strlen(number))
		return (0);
	n = strtonum(number, 1, max / s, &errstr);
	return (errstr != NULL ? 0 : (uint32_t)(n * s));
}

static bool
apply_text(struct command *cmd, const struct token *t, const char *arg,
    char *err, size_t size)
{
	const char **text = text_of(cmd, t->slot), *errstr;

	if (t->slot == SLOT_EXPIRES) {
		cmd->expires_s = parse_time(arg, LIMIT_JOIN_MAX_S);
		if (cmd->expires_s == 0)
			snprintf(err, size, "expires \"%s\": not a time like "
			    "90s, 30m, 12h or 7d, of %d days at most", arg,
			    LIMIT_JOIN_MAX_S / 86400);
		return (cmd->expires_s != 0);
	}
	if (t->slot == SLOT_COUNT) {
		cmd->count = (uint32_t)strtonum(arg, 1, LIMIT_AUDIT, &errstr);
		if (errstr != NULL)
			snprintf(err, size, "-n \"%s\": not a number between "
			    "1 and %d", arg, LIMIT_AUDIT);
		return (errstr == NULL);
	}
	*text = arg;
	/* An empty argument of a call is that it has none. */
	if (arg[0] == '\0' && t->slot != SLOT_ARGS)
		snprintf(err, size, "the %s is empty", t->word);
	return (arg[0] != '\0' || t->slot == SLOT_ARGS);
}

static bool
apply(struct command *cmd, const struct token *t, const char *arg, char *err,
    size_t size)
{
	if (t->kind == TOKEN_TEXT)
		return (apply_text(cmd, t, arg, err, size));
	if (is_set(cmd, t->slot)) {
		snprintf(err, size, "\"%s\" is given twice", t->word);
		return (false);
	}
	apply_word(cmd, t);
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

/* What is said once the whole command is known. */
static void
complete(struct command *cmd)
{
	if (cmd->action == COMMAND_AUDIT && cmd->op == CTL_AUDIT_SHOW) {
		cmd->section = "audit";
		if (cmd->count == 0)
			cmd->count = AUDIT_COUNT;
	} else if (cmd->action == COMMAND_AUDIT)
		cmd->section = "verify";
	else if (cmd->action == COMMAND_TOKEN && cmd->op == CTL_TOKEN_LIST)
		cmd->section = "tokens";
	else if (cmd->action == COMMAND_NODE && cmd->op == CTL_NODE_LIST)
		cmd->section = "nodes";
	else if (cmd->action == COMMAND_EXPLAIN)
		cmd->section = "candidates";
	if (cmd->action == COMMAND_NODE && cmd->expires_s == 0 &&
	    (cmd->op == CTL_NODE_ENROLL || cmd->op == CTL_NODE_ROTATE))
		cmd->expires_s = LIMIT_JOIN_S;
}

bool
command_parse(int argc, char *const *argv, struct command *cmd, char *err,
    size_t size)
{
	const struct token *table = t_main, *t;
	int i;

	memset(cmd, 0, sizeof(*cmd));
	cmd->caller = cmd->target = cmd->method = cmd->args = "";
	cmd->name = cmd->node_id = cmd->url = cmd->pin = "";
	for (i = 0; i < argc; i++) {
		if ((t = match(table, argv[i], err, size)) == NULL ||
		    !apply(cmd, t, argv[i], err, size))
			return (false);
		table = t->next;
	}
	if (!may_end(table, err, size))
		return (false);
	complete(cmd);
	return (true);
}
