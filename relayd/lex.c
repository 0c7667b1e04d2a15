/* SPDX-License-Identifier: ISC */
/*
 * The lexer of relayd.conf(5): characters in, tokens out.  It also keeps the
 * parser in step after an error, by dropping the rest of the line and every
 * block that opens there, and by closing what a file left open.
 */

#include <sys/types.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "common/utf8.h"
#include "relayd/conf_parse.h"
#include "relayd/parse.h"

#define AGAIN	(-1)	/* no token yet, and none of bison's numbers */

static const struct {
	const char	*word;
	int		 token;
} keywords[] = {
	{ "account",		TOK_ACCOUNT },
	{ "call-timeout",	TOK_CALL_TIMEOUT },
	{ "control",		TOK_CONTROL },
	{ "directory",		TOK_DIRECTORY },
	{ "exec",		TOK_EXEC },
	{ "hold-down",		TOK_HOLD_DOWN },
	{ "http",		TOK_HTTP },
	{ "idempotent",		TOK_IDEMPOTENT },
	{ "include",		TOK_INCLUDE },
	{ "insecure",		TOK_INSECURE },
	{ "instances",		TOK_INSTANCES },
	{ "label",		TOK_LABEL },
	{ "listen",		TOK_LISTEN },
	{ "log",		TOK_LOG },
	{ "max-concurrency",	TOK_MAX_CONCURRENCY },
	{ "max-connections",	TOK_MAX_CONNECTIONS },
	{ "max-message",	TOK_MAX_MESSAGE },
	{ "methods",		TOK_METHODS },
	{ "node",		TOK_NODE },
	{ "on",			TOK_ON },
	{ "origin",		TOK_ORIGIN },
	{ "peer",		TOK_PEER },
	{ "per-address",	TOK_PER_ADDRESS },
	{ "port",		TOK_PORT },
	{ "sandbox",		TOK_SANDBOX },
	{ "service",		TOK_SERVICE },
	{ "state-directory",	TOK_STATE_DIRECTORY },
	{ "timeout",		TOK_TIMEOUT },
	{ "unix",		TOK_UNIX },
	{ "uplink",		TOK_UPLINK },
	{ "user",		TOK_USER },
	{ "version",		TOK_VERSION },
	{ "visibility",		TOK_VISIBILITY },
	{ "weight",		TOK_WEIGHT },
};

static int
keyword_token(const char *word)
{
	size_t	 i;

	for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (strcmp(word, keywords[i].word) == 0)
			return (keywords[i].token);
	return (TOK_STRING);
}

bool
conf_is_keyword(const char *word)
{
	return (keyword_token(word) != TOK_STRING);
}

static const char *
keep(struct conf_parser *p, const char *text)
{
	struct conf_scratch	*s;
	size_t			 len = strlen(text) + 1;

	s = conf_alloc(sizeof(*s) + len);
	memcpy(s->text, text, len);
	SLIST_INSERT_HEAD(&p->scratch, s, entry);
	return (s->text);
}

/* To the first character of a token; leaves macros that ended. */
static int
skip_blanks(struct conf_parser *p)
{
	int	 c;

	for (;;) {
		switch (c = conf_peek(p)) {
		case ' ':
		case '\t':
			conf_advance(p);
			break;
		case '#':
			conf_skip_comment(p);
			break;
		case CONF_C_END:
			conf_pop(p);
			break;
		default:
			return (c);
		}
	}
}

/* Report an error of the text itself, unless the line is lost anyway. */
static int
bad_text(struct conf_parser *p, const struct conf_pos *pos, const char *text)
{
	if (!p->recovering)
		conf_error(p, pos, "%s", text);
	conf_lex_recover(p, TOK_CONF_YYerror);
	return (TOK_CONF_YYerror);
}

static int
bad_character(struct conf_parser *p, const struct conf_pos *pos, int c)
{
	char	 text[64];

	if (c > 0x20 && c < 0x7f)
		snprintf(text, sizeof(text),
		    "unexpected character '%c' outside of a quoted string", c);
	else
		snprintf(text, sizeof(text),
		    "unexpected byte 0x%02x outside of a quoted string",
		    (unsigned int)c);
	return (bad_text(p, pos, text));
}

static bool
word_character(int c)
{
	return ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	    (c >= '0' && c <= '9') ||
	    (c > 0 && strchr("_-./:*@%+~[]", c) != NULL));
}

/* Collect characters into buf; false if they are too many. */
static bool
collect(struct conf_parser *p, bool (*wanted)(int), char *buf, size_t size)
{
	size_t	 n = 0;
	bool	 fits = true;
	int	 c;

	while (wanted(c = conf_peek(p))) {
		if (n + 1 < size)
			buf[n++] = (char)c;
		else
			fits = false;
		conf_advance(p);
	}
	buf[n] = '\0';
	return (fits);
}

static int
lex_word(struct conf_parser *p, struct conf_token *tok,
    const struct conf_pos *pos)
{
	char	 buf[LIMIT_CONF_STRING + 1];
	int	 c;

	if (!collect(p, word_character, buf, sizeof(buf)))
		return (bad_text(p, pos, "word is too long"));
	tok->text = keep(p, buf);
	while ((c = conf_peek(p)) == ' ' || c == '\t')
		conf_advance(p);
	if (c == '=') {
		conf_advance(p);
		return (TOK_ASSIGN);
	}
	return (keyword_token(buf));
}

/*
 * One character of a quoted string into *c.  Returns NULL, or what is wrong
 * with it.
 */
static const char *
string_character(struct conf_parser *p, int *c)
{
	switch (*c = conf_peek(p)) {
	case '\n':
	case CONF_C_EOF:
	case CONF_C_END:
		return ("string is not closed at the end of the line");
	case '\\':
		conf_advance(p);
		*c = conf_peek_raw(p);
		if (*c != '"' && *c != '\\')
			return ("only \\\" and \\\\ may follow a backslash "
			    "in a string");
		break;
	default:
		if ((*c < 0x20 && *c != '\t') || *c == 0x7f)
			return ("control character in a string");
		break;
	}
	conf_advance(p);
	return (NULL);
}

static void
skip_line(struct conf_parser *p)
{
	int	 c;

	while ((c = conf_peek(p)) != '\n' && c != CONF_C_EOF &&
	    c != CONF_C_END)
		conf_advance(p);
}

static int
lex_string(struct conf_parser *p, struct conf_token *tok,
    const struct conf_pos *pos)
{
	char		 buf[LIMIT_CONF_STRING + 1];
	struct utf8	 utf8 = { 0 };
	const char	*why;
	size_t		 n = 0;
	uint8_t		 byte;
	bool		 fits = true, valid = true;
	int		 c;

	for (conf_advance(p); conf_peek(p) != '"';) {
		if ((why = string_character(p, &c)) != NULL) {
			skip_line(p);
			return (bad_text(p, pos, why));
		}
		byte = (uint8_t)c;
		valid = valid && utf8_feed(&utf8, &byte, 1);
		if (n < LIMIT_CONF_STRING)
			buf[n++] = (char)c;
		else
			fits = false;
	}
	conf_advance(p);
	if (!fits)
		return (bad_text(p, pos, "string is too long"));
	if (!valid || !utf8_complete(&utf8))
		return (bad_text(p, pos, "string is not UTF-8"));
	buf[n] = '\0';
	tok->text = keep(p, buf);
	return (TOK_STRING);
}

/* Read on in the value of a macro.  AGAIN, or the token of an error. */
static int
expand(struct conf_parser *p, const struct conf_pos *pos)
{
	char		 name[LIMIT_CONF_STRING + 1], text[256];
	const char	*why;

	conf_advance(p);
	if (!collect(p, conf_macro_character, name, sizeof(name)) ||
	    name[0] == '\0')
		return (bad_text(p, pos, "'$' without the name of a macro"));
	if ((why = conf_push_macro(p, name)) == NULL)
		return (AGAIN);
	snprintf(text, sizeof(text), "macro \"%.64s\" %s", name, why);
	return (bad_text(p, pos, text));
}

/*
 * The end of a file ends the line, and the blocks that were opened in it;
 * only then the file that included it goes on.
 */
static int
lex_eof(struct conf_parser *p)
{
	struct conf_input	*in = SLIST_FIRST(&p->inputs);

	p->skip = 0;
	if (p->blocks > 0) {
		if (!p->closing)
			conf_error(p, &p->block_pos,
			    "block is not closed at the end of the file");
		p->closing = true;
		return (TOK_CLOSE);
	}
	p->closing = false;
	if (!in->ended) {
		in->ended = true;
		return (TOK_EOL);
	}
	if (SLIST_NEXT(in, entry) == NULL)
		return (TOK_YYEOF);
	conf_pop(p);
	return (AGAIN);
}

/* The next token of the text as it stands, or AGAIN. */
static int
lex_raw(struct conf_parser *p, struct conf_token *tok, struct conf_pos *pos)
{
	int	 c;

	c = skip_blanks(p);
	conf_position(p, pos);
	switch (c) {
	case CONF_C_EOF:
		return (lex_eof(p));
	case '$':
		return (expand(p, pos));
	case '"':
		return (lex_string(p, tok, pos));
	case '\n':
		conf_advance(p);
		return (TOK_EOL);
	case '{':
		conf_advance(p);
		return (TOK_OPEN);
	case '}':
		conf_advance(p);
		return (TOK_CLOSE);
	default:
		if (word_character(c))
			return (lex_word(p, tok, pos));
		conf_advance(p);
		return (bad_character(p, pos, c));
	}
}

void
conf_lex_recover(struct conf_parser *p, int token)
{
	switch (token) {
	case TOK_EOL:
	case TOK_CLOSE:
	case TOK_YYEOF:
		return;		/* where the parser takes up again */
	case TOK_OPEN:
		/* Nobody will parse this block: do not open it. */
		p->blocks--;
		p->skip++;
		break;
	}
	p->recovering = true;
}

/*
 * While recovering: whether the parser is to see this token.  It waits for
 * the end of the line, or of the block it is in.
 */
static bool
resynchronises(struct conf_parser *p, int token)
{
	switch (token) {
	case TOK_YYEOF:
		return (true);
	case TOK_EOL:
		return (p->skip == 0);
	case TOK_OPEN:
		p->skip++;
		return (false);
	case TOK_CLOSE:
		if (p->skip == 0)
			return (p->blocks > 0);
		p->skip--;
		return (false);
	default:
		return (false);
	}
}

/* Count the blocks that the parser is going to see. */
static int
count_blocks(struct conf_parser *p, const struct conf_pos *pos, int token)
{
	if (token == TOK_OPEN && p->blocks++ == 0)
		p->block_pos = *pos;
	else if (token == TOK_CLOSE && p->blocks == 0)
		return (bad_text(p, pos, "'}' without a block"));
	else if (token == TOK_CLOSE)
		p->blocks--;
	return (token);
}

/* The lexer of the grammar; see bison's api.pure. */
int
conf_yylex(struct conf_token *tok, struct conf_pos *pos,
    struct conf_parser *p)
{
	bool	 was_recovering;
	int	 token;

	for (;;) {
		tok->text = NULL;
		if (p->stop)
			return (TOK_YYEOF);
		was_recovering = p->recovering;
		if ((token = lex_raw(p, tok, pos)) == AGAIN)
			continue;
		p->last_text = tok->text;
		/* An error found just now is the token that says so. */
		if (!was_recovering)
			return (count_blocks(p, pos, token));
		if (!resynchronises(p, token))
			continue;
		p->recovering = false;
		return (count_blocks(p, pos, token));
	}
}
