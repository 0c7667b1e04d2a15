/* SPDX-License-Identifier: ISC */
/*
 * What lexer, grammar and checks of the configuration share.  One struct
 * conf_parser lives for one conf_parse() and holds all of their state.
 */

#ifndef RELAYD_CONF_PARSE_H
#define RELAYD_CONF_PARSE_H

#include <bsd/sys/queue.h>

#include "relayd/conf.h"

/* The only semantic value: the text of a token, kept in the scratch list. */
struct conf_token {
	const char	*text;
};

/* Text that is being read: a file, or the value of a macro. */
struct conf_input {
	SLIST_ENTRY(conf_input)	 entry;
	const char		*name;	/* of the file or the macro */
	bool			 is_macro;
	char			*buf;
	size_t			 len;
	size_t			 off;
	unsigned int		 line;	/* of the file */
	bool			 ended;	/* its last line end was given out */
};

struct conf_macro {
	SLIST_ENTRY(conf_macro)	 entry;
	char			*name;
	char			*value;
	bool			 fixed;	/* given from outside, wins */
};

/* A string that lives until the parser ends. */
struct conf_scratch {
	SLIST_ENTRY(conf_scratch) entry;
	char			 text[];
};

/* Statements that may stand only once: where they did. */
enum conf_once {
	CONF_ONCE_NODE,
	CONF_ONCE_URL,
	CONF_ONCE_AUTHENTICATION,
	CONF_ONCE_CLIENT_CA,
	CONF_ONCE_CALL_TIMEOUT,
	CONF_ONCE_HOLD_DOWN,
	CONF_ONCE_MAX_MESSAGE,
	CONF_ONCE_MAX_CONNECTIONS,
	CONF_ONCE_LOG,
	CONF_ONCE_SANDBOX,
	CONF_ONCE_CONTROL,
	CONF_ONCE_STATE_DIRECTORY,
	CONF_ONCE_VERSION,		/* from here on: in a service */
	CONF_ONCE_METHODS,
	CONF_ONCE_BACKEND,
	CONF_ONCE_DIRECTORY,
	CONF_ONCE_INSTANCES,
	CONF_ONCE_USER,
	CONF_ONCE_TIMEOUT,
	CONF_ONCE_MAX_CONCURRENCY,
	CONF_ONCE_WEIGHT,
	CONF_ONCE_VISIBILITY,
	CONF_ONCE_IDEMPOTENT,		/* from here on: in a method */
	CONF_ONCE_METHOD_TIMEOUT,
	CONF_ONCE_COUNT
};

/* Words that are keywords only in some places, as bits. */
#define CONF_WORDS_TOP		0x01	/* begin a statement */
#define CONF_WORDS_LISTEN	0x02
#define CONF_WORDS_TLS		0x04
#define CONF_WORDS_BLOCK	0x08	/* options of an uplink, peer or node */
#define CONF_WORDS_RULE		0x10
#define CONF_WORDS_ALL		0x1f

/* The open block of an uplink, a peer, a home or a main; none: all zero. */
struct conf_block {
	enum conf_holder	 holder;
	struct conf_link	*link;	/* NULL: refused, or not of a link */
	uint32_t		 index;	/* of the link or node */
	unsigned int		 options; /* credentials, good or bad */
	struct conf_pos		 node;	/* of the option, or of the block */
	struct conf_pos		 ca;
	struct conf_pos		 pin;
	struct conf_pos		 certificate;
};

struct conf_parser {
	const struct conf_source	*source;
	struct conf_errors		*errs;
	struct conf			*conf;

	SLIST_HEAD(conf_inputs, conf_input) inputs;
	SLIST_HEAD(conf_macros, conf_macro) macros;
	SLIST_HEAD(conf_scratches, conf_scratch) scratch;
	unsigned int			 depth;		/* of inputs */
	size_t				 nmacros;
	size_t				 expanded;	/* bytes so far */
	size_t				 nreads;	/* files so far */

	const char			*last_text;	/* of the last token */
	unsigned int			 blocks;	/* open braces */
	bool				 closing;	/* making up for '}' */
	struct conf_pos			 block_pos;	/* of the outermost */
	bool				 recovering;
	unsigned int			 skip;		/* blocks to skip */
	bool				 stop;		/* too many errors */

	unsigned int			 words;		/* keywords here */
	bool				 in_options;	/* is open */
	bool				 opens_options;	/* opens next */
	struct conf_block		 block;
	struct policy_rule		 rule;		/* the open one */
	bool				 rule_bad;
	size_t				 nsecrets;	/* files so far */
	const char			*ca_file;
	struct conf_service		*service;	/* the open one */
	struct service_method		*method;	/* the last one of it */
	bool				 in_exec;	/* arguments are kept */
	size_t				 service_errors; /* when it began */
	struct conf_pos			 once[CONF_ONCE_COUNT];
};

/* conf_input.c: files and macros that are being read */
#define CONF_C_EOF	(-1)	/* the file ended */
#define CONF_C_END	(-2)	/* the macro ended: a word ends here too */

void	 conf_input_init(struct conf_parser *);
void	 conf_input_finish(struct conf_parser *);
/* The character to be read next, or CONF_C_*.  Joins continued lines. */
int	 conf_peek(struct conf_parser *);
/* The same without joining: a backslash before it was no continuation. */
int	 conf_peek_raw(const struct conf_parser *);
/* Step over what conf_peek() returned. */
void	 conf_advance(struct conf_parser *);
/* To the end of the line, whatever its last character is. */
void	 conf_skip_comment(struct conf_parser *);
/* Leave a file or macro that has ended. */
void	 conf_pop(struct conf_parser *);
/* Where that is; in a macro, where it is used. */
void	 conf_position(const struct conf_parser *, struct conf_pos *);
/* Read a file next; false and an error at pos if that cannot be. */
bool	 conf_push_file(struct conf_parser *, const struct conf_pos *,
	    const char *);
/* Read the value of a macro next; NULL, or why that cannot be. */
const char *conf_push_macro(struct conf_parser *, const char *);
bool	 conf_macro_character(int);
void	 conf_set_macro(struct conf_parser *, const struct conf_pos *,
	    const char *, const char *, bool);

/* lex.c */
int	 conf_yylex(struct conf_token *, struct conf_pos *,
	    struct conf_parser *);
/* Whether a word is a keyword everywhere, or where words says. */
bool	 conf_is_keyword(const char *, unsigned int);
/* Tell the lexer that tok was a syntax error, so that it resynchronises. */
void	 conf_lex_recover(struct conf_parser *, int);

/* conf_stmt.c: the statements; token texts are those of the grammar. */
void	 conf_stmt_node(struct conf_parser *, const struct conf_pos *,
	    const char *, const char *);
void	 conf_stmt_listen(struct conf_parser *, const struct conf_pos *,
	    const char *, const char *, bool, bool);
void	 conf_stmt_origin(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_stmt_call_timeout(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_stmt_hold_down(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_stmt_max_message(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_stmt_max_connections(struct conf_parser *,
	    const struct conf_pos *, const char *, const char *);
void	 conf_stmt_log(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_stmt_sandbox(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_stmt_control(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_stmt_state_directory(struct conf_parser *,
	    const struct conf_pos *, const char *);
void	 conf_stmt_account(struct conf_parser *, const struct conf_pos *,
	    const char *, const char *);

/*
 * conf_link.c, conf_trust.c: uplinks, peers, homes and mains and their blocks.
 * Without a begin, that is in a service file, of the values in a block only
 * node ids are checked.
 */
void	 conf_link_begin(struct conf_parser *, const struct conf_pos *,
	    enum conf_holder, const char *, bool);
void	 conf_link_node(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_link_ca(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_link_pin(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_link_certificate(struct conf_parser *, const struct conf_pos *,
	    const char *, const char *);
void	 conf_check_links(struct conf_parser *, struct conf_link *, size_t,
	    const char *);
void	 conf_node_begin(struct conf_parser *, const struct conf_pos *,
	    enum conf_holder, const char *);
/* The open block is of a home or main. */
bool	 conf_block_is_node(const struct conf_parser *);
void	 conf_block_key(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_block_secret(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_block_token(struct conf_parser *, const struct conf_pos *,
	    const char *);
/* The file of its key behind it, or NULL. */
void	 conf_block_certificate(struct conf_parser *, const struct conf_pos *,
	    const char *, const char *);
void	 conf_block_join(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_block_end(struct conf_parser *);

/* conf_peer.c: what conf_cross_check() has to say about peers */
void	 conf_check_peers_of_home(struct conf_parser *);
void	 conf_check_peer(struct conf_parser *, const struct conf_link *);

/* conf_tls.c */
void	 conf_stmt_tls(struct conf_parser *, const struct conf_pos *,
	    const char *, const char *);
void	 conf_stmt_client_ca(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_stmt_url(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_stmt_authentication(struct conf_parser *,
	    const struct conf_pos *, const char *);
/* An absolute path, malloc(3)ed; NULL and an error that names the option. */
char	*conf_file(struct conf_parser *, const struct conf_pos *,
	    const char *, const char *);
/* Index of the one that is like this, or a new one; CONF_NONE and an error. */
uint32_t conf_ca_add(struct conf_parser *, const struct conf_pos *,
	    const char *, bool);
uint32_t conf_key_add(struct conf_parser *, const struct conf_pos *,
	    const char *, const char *, bool);
void	 conf_check_tls(struct conf_parser *);

/* conf_trust_cross.c: what conf_cross_check() has to say about credentials */
void	 conf_check_trust_of_home(struct conf_parser *);
void	 conf_check_trust(struct conf_parser *);

/* conf_rule.c: policy; a pattern that is NULL stands for any name */
void	 conf_rule_begin(struct conf_parser *, const struct conf_pos *, bool);
void	 conf_rule_from(struct conf_parser *, const struct conf_pos *,
	    enum policy_who, const char *);
void	 conf_rule_to(struct conf_parser *, const struct conf_pos *,
	    enum policy_who, const char *);
void	 conf_rule_service(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_rule_method(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_rule_visibility(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_rule_end(struct conf_parser *, const struct conf_pos *,
	    enum policy_action);
void	 conf_check_rules(struct conf_parser *);

/* conf_service.c: service blocks */
void	 conf_service_begin(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_service_end(struct conf_parser *);
void	 conf_service_version(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_service_methods(struct conf_parser *, const struct conf_pos *);
void	 conf_service_method(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_method_idempotent(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_method_timeout(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_service_exec(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_service_arg(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_service_http(struct conf_parser *, const struct conf_pos *,
	    const char *, bool);
void	 conf_service_unix(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_service_directory(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_service_instances(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_service_user(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_service_timeout(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_service_max_concurrency(struct conf_parser *,
	    const struct conf_pos *, const char *);
void	 conf_service_weight(struct conf_parser *, const struct conf_pos *,
	    const char *);
void	 conf_service_label(struct conf_parser *, const struct conf_pos *,
	    const char *, const char *);
void	 conf_service_visibility(struct conf_parser *,
	    const struct conf_pos *, const char *);

/* conf_cross.c: what can be judged only when everything is known */
void	 conf_cross_check(struct conf_parser *);

/* conf_util.c */
void	 conf_error(struct conf_parser *, const struct conf_pos *,
	    const char *, ...) __attribute__((format(printf, 3, 4)));
void	 conf_warning(struct conf_parser *, const struct conf_pos *,
	    const char *, ...) __attribute__((format(printf, 3, 4)));
/* False, and an error, if the statement stood already. */
bool	 conf_once(struct conf_parser *, const struct conf_pos *,
	    enum conf_once, const char *);
/* Index of text in a NULL-terminated list of words, -1 and an error. */
int	 conf_choice(struct conf_parser *, const struct conf_pos *,
	    const char *, const char *, const char *const *);
bool	 conf_visibility(struct conf_parser *, const struct conf_pos *,
	    const char *, enum visibility *);
/* Values with a range; false and an error that names the statement. */
bool	 conf_number(struct conf_parser *, const struct conf_pos *,
	    const char *, const char *, uint32_t, uint32_t, uint32_t *);
bool	 conf_duration(struct conf_parser *, const struct conf_pos *,
	    const char *, const char *, uint32_t, uint32_t, uint32_t *);
bool	 conf_size(struct conf_parser *, const struct conf_pos *,
	    const char *, const char *, uint32_t, uint32_t, uint32_t *);
bool	 conf_account_parse(struct conf_parser *, const struct conf_pos *,
	    const char *, struct conf_account *);
/* path relative to the directory of the file at pos; malloc(3)ed. */
char	*conf_path_beside(const struct conf_pos *, const char *);
/* The same made absolute; NULL and an error if it gets too long. */
char	*conf_path_absolute(struct conf_parser *, const struct conf_pos *,
	    const char *);
/* malloc(3) family that ends the process when there is no memory. */
void	*conf_grow(void *, size_t *, size_t);
char	*conf_strdup(const char *);
void	*conf_alloc(size_t);

#endif /* RELAYD_CONF_PARSE_H */
