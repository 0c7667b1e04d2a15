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

/* words: where it is a keyword; 0: everywhere. */
static const struct {
	const char	*word;
	int		 token;
	unsigned int	 words;
} keywords[] = {
	{ "account", TOK_ACCOUNT, 0 },
	{ "admin", TOK_ADMIN, CONF_WORDS_RULE },
	{ "allow", TOK_ALLOW, CONF_WORDS_TOP },
	{ "anonymous", TOK_ANONYMOUS, CONF_WORDS_RULE },
	{ "any", TOK_ANY, CONF_WORDS_RULE },
	{ "authentication", TOK_AUTHENTICATION, CONF_WORDS_TOP },
	{ "ca", TOK_CA, CONF_WORDS_BLOCK },
	{ "call", TOK_CALL, CONF_WORDS_RULE },
	{ "call-timeout", TOK_CALL_TIMEOUT, 0 },
	{ "certificate", TOK_CERTIFICATE, CONF_WORDS_TLS | CONF_WORDS_BLOCK },
	{ "client-ca", TOK_CLIENT_CA, CONF_WORDS_TLS },
	{ "connect", TOK_CONNECT, CONF_WORDS_RULE },
	{ "control", TOK_CONTROL, 0 },
	{ "deny", TOK_DENY, CONF_WORDS_TOP },
	{ "directory", TOK_DIRECTORY, 0 },
	{ "exec", TOK_EXEC, 0 },
	{ "export", TOK_EXPORT, CONF_WORDS_RULE },
	{ "from", TOK_FROM, CONF_WORDS_RULE },
	{ "hold-down", TOK_HOLD_DOWN, 0 },
	{ "home", TOK_HOME, CONF_WORDS_TOP | CONF_WORDS_RULE },
	{ "http", TOK_HTTP, 0 },
	{ "idempotent", TOK_IDEMPOTENT, 0 },
	{ "import", TOK_IMPORT, CONF_WORDS_RULE },
	{ "include", TOK_INCLUDE, 0 },
	{ "insecure", TOK_INSECURE, 0 },
	{ "instances", TOK_INSTANCES, 0 },
	{ "join", TOK_JOIN, CONF_WORDS_BLOCK },
	{ "key", TOK_KEY, CONF_WORDS_TLS | CONF_WORDS_BLOCK },
	{ "label", TOK_LABEL, 0 },
	{ "listen", TOK_LISTEN, 0 },
	{ "log", TOK_LOG, 0 },
	{ "main", TOK_MAIN, CONF_WORDS_TOP | CONF_WORDS_RULE },
	{ "max-concurrency", TOK_MAX_CONCURRENCY, 0 },
	{ "max-connections", TOK_MAX_CONNECTIONS, 0 },
	{ "max-message", TOK_MAX_MESSAGE, 0 },
	{ "method", TOK_METHOD, CONF_WORDS_RULE },
	{ "methods", TOK_METHODS, 0 },
	{ "node", TOK_NODE, 0 },
	{ "on", TOK_ON, 0 },
	{ "origin", TOK_ORIGIN, 0 },
	{ "peer", TOK_PEER, 0 },
	{ "per-address", TOK_PER_ADDRESS, 0 },
	{ "pin", TOK_PIN, CONF_WORDS_BLOCK },
	{ "port", TOK_PORT, 0 },
	{ "publish", TOK_PUBLISH, CONF_WORDS_RULE },
	{ "sandbox", TOK_SANDBOX, 0 },
	{ "secret", TOK_SECRET, CONF_WORDS_BLOCK },
	{ "service", TOK_SERVICE, 0 },
	{ "state-directory", TOK_STATE_DIRECTORY, 0 },
	{ "timeout", TOK_TIMEOUT, 0 },
	{ "tls", TOK_TLS, CONF_WORDS_TOP | CONF_WORDS_LISTEN },
	{ "to", TOK_TO, CONF_WORDS_RULE },
	{ "token", TOK_TOKEN, CONF_WORDS_BLOCK | CONF_WORDS_RULE },
	{ "unix", TOK_UNIX, 0 },
	{ "uplink", TOK_UPLINK, 0 },
	{ "url", TOK_URL, CONF_WORDS_TOP },
	{ "user", TOK_USER, 0 },
	{ "version", TOK_VERSION, 0 },
	{ "visibility", TOK_VISIBILITY, 0 },
	{ "weight", TOK_WEIGHT, 0 },
};

static int
keyword_token(const char *word, unsigned int words)
{
	size_t	 i;

	for (i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
		if (strcmp(word, keywords[i].word) == 0 &&
		    (keywords[i].words == 0 ||
		    (keywords[i].words & words) != 0))
			return (keywords[i].token);
	return (TOK_STRING);
}

bool
conf_is_keyword(const char *word, unsigned int words)
{
	return (keyword_token(word, words) != TOK_STRING);
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
	return (keyword_token(buf, p->words));
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

/* Which keywords there are in the rest of a statement that begins so. */
static unsigned int
words_after(int token)
{
	switch (token) {
	case TOK_LISTEN:
		return (CONF_WORDS_LISTEN);
	case TOK_TLS:
		return (CONF_WORDS_TLS);
	case TOK_ALLOW:
	case TOK_DENY:
		return (CONF_WORDS_RULE);
	default:
		return (0);
	}
}

/*
 * Keep track of where the parser is, by the tokens it gets: words that are
 * keywords here are names elsewhere, as of methods and labels.
 */
static void
follow(struct conf_parser *p, int token)
{
	switch (token) {
	case TOK_EOL:
		if (p->blocks == 0)
			p->in_options = false;
		p->opens_options = false;
		p->words = p->blocks == 0 ? CONF_WORDS_TOP :
		    p->in_options ? CONF_WORDS_BLOCK : 0;
		break;
	case TOK_OPEN:
		p->in_options = p->opens_options && p->blocks == 1;
		p->words = p->in_options ? CONF_WORDS_BLOCK : 0;
		break;
	case TOK_CLOSE:
		p->in_options = p->in_options && p->blocks > 0;
		p->words = p->in_options ? CONF_WORDS_BLOCK : 0;
		break;
	default:
		if (p->words != CONF_WORDS_TOP)
			break;
		p->opens_options = token == TOK_UPLINK ||
		    token == TOK_PEER || token == TOK_HOME ||
		    token == TOK_MAIN;
		p->words = words_after(token);
		break;
	}
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
		if (was_recovering && !resynchronises(p, token))
			continue;
		if (was_recovering)
			p->recovering = false;
		token = count_blocks(p, pos, token);
		follow(p, token);
		return (token);
	}
}
