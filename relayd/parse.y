/* SPDX-License-Identifier: ISC */
/*
 * The grammar of relayd.conf(5).  What a statement means is decided in
 * conf_stmt.c, conf_link.c, conf_trust.c, conf_tls.c, conf_rule.c and
 * conf_service.c; this file knows only their shape, and how to go on after an
 * error: with the next line, or behind the block.
 */

%define api.pure full
%define api.prefix {conf_yy}
%define api.token.prefix {TOK_}
%define api.value.type {struct conf_token}
%define api.location.type {struct conf_pos}
%define parse.error custom
%define parse.lac full
%locations
%param {struct conf_parser *p}

%code requires {
#include "relayd/conf_parse.h"

/* A rule is where its first token is. */
#define YYLLOC_DEFAULT(cur, rhs, n)					\
	((cur) = (n) > 0 ? YYRHSLOC(rhs, 1) : YYRHSLOC(rhs, 0))
}

%code {
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

/* Names of expected tokens in a message, at most. */
#define EXPECTED_MAX	10

static void	 conf_yyerror(const struct conf_pos *, struct conf_parser *,
		    const char *);
static void	 include(struct conf_parser *, const struct conf_pos *,
		    const char *);
static bool	 main_file_only(struct conf_parser *, const struct conf_pos *,
		    const char *);
}

%token	ASSIGN		"macro definition"
%token	STRING		"string"
%token	ACCOUNT		"account"
%token	ADMIN		"admin"
%token	ALLOW		"allow"
%token	ANONYMOUS	"anonymous"
%token	ANY		"any"
%token	AUTHENTICATION	"authentication"
%token	CA		"ca"
%token	CALL		"call"
%token	CALL_TIMEOUT	"call-timeout"
%token	CERTIFICATE	"certificate"
%token	CLIENT_CA	"client-ca"
%token	CONNECT		"connect"
%token	CONTROL		"control"
%token	DENY		"deny"
%token	DIRECTORY	"directory"
%token	EXEC		"exec"
%token	EXPORT		"export"
%token	FROM		"from"
%token	HOLD_DOWN	"hold-down"
%token	HOME		"home"
%token	HTTP		"http"
%token	IDEMPOTENT	"idempotent"
%token	IMPORT		"import"
%token	INCLUDE		"include"
%token	INSECURE	"insecure"
%token	INSTANCES	"instances"
%token	JOIN		"join"
%token	KEY		"key"
%token	LABEL		"label"
%token	LISTEN		"listen"
%token	LOG		"log"
%token	MAIN		"main"
%token	MAX_CONCURRENCY	"max-concurrency"
%token	MAX_CONNECTIONS	"max-connections"
%token	MAX_MESSAGE	"max-message"
%token	METHOD		"method"
%token	METHODS		"methods"
%token	NODE		"node"
%token	ON		"on"
%token	ORIGIN		"origin"
%token	PEER		"peer"
%token	PER_ADDRESS	"per-address"
%token	PIN		"pin"
%token	PORT		"port"
%token	PUBLISH		"publish"
%token	SANDBOX		"sandbox"
%token	SECRET		"secret"
%token	SERVICE		"service"
%token	STATE_DIRECTORY	"state-directory"
%token	TIMEOUT		"timeout"
%token	TLS		"tls"
%token	TO		"to"
%token	TOKEN		"token"
%token	UNIX		"unix"
%token	UPLINK		"uplink"
%token	URL		"url"
%token	USER		"user"
%token	VERSION		"version"
%token	VISIBILITY	"visibility"
%token	WEIGHT		"weight"
%token	EOL		"end of line"
%token	OPEN		"{"
%token	CLOSE		"}"

/* A key behind a certificate, on its line, belongs to it. */
%precedence ALONE
%precedence KEY

%%

grammar		: %empty
		| grammar EOL
		| grammar main EOL
		| grammar rule EOL
		| grammar options EOL
		| grammar service EOL
		| grammar ASSIGN STRING EOL {
			conf_set_macro(p, &@2, $2.text, $3.text, false);
		}
		| grammar INCLUDE STRING EOL {
			include(p, &@2, $3.text);
		}
		| grammar error EOL {
			yyerrok;
		}
		;

main		: NODE STRING STRING {
			if (main_file_only(p, &@1, "node"))
				conf_stmt_node(p, &@1, $2.text, $3.text);
		}
		| LISTEN ON STRING PORT STRING insecure {
			if (main_file_only(p, &@1, "listen"))
				conf_stmt_listen(p, &@1, $3.text, $5.text,
				    false, $6.text != NULL);
		}
		| LISTEN ON STRING PORT STRING TLS {
			if (main_file_only(p, &@1, "listen"))
				conf_stmt_listen(p, &@1, $3.text, $5.text,
				    true, false);
		}
		| LISTEN ON STRING {
			if (main_file_only(p, &@1, "listen"))
				conf_stmt_listen(p, &@1, $3.text, NULL, false,
				    false);
		}
		| TLS CERTIFICATE STRING KEY STRING {
			if (main_file_only(p, &@1, "tls"))
				conf_stmt_tls(p, &@1, $3.text, $5.text);
		}
		| TLS CLIENT_CA STRING {
			if (main_file_only(p, &@1, "tls"))
				conf_stmt_client_ca(p, &@1, $3.text);
		}
		| URL STRING {
			if (main_file_only(p, &@1, "url"))
				conf_stmt_url(p, &@1, $2.text);
		}
		| AUTHENTICATION STRING {
			if (main_file_only(p, &@1, "authentication"))
				conf_stmt_authentication(p, &@1, $2.text);
		}
		| ORIGIN STRING {
			if (main_file_only(p, &@1, "origin"))
				conf_stmt_origin(p, &@1, $2.text);
		}
		| CALL_TIMEOUT STRING {
			if (main_file_only(p, &@1, "call-timeout"))
				conf_stmt_call_timeout(p, &@1, $2.text);
		}
		| HOLD_DOWN STRING {
			if (main_file_only(p, &@1, "hold-down"))
				conf_stmt_hold_down(p, &@1, $2.text);
		}
		| MAX_MESSAGE STRING {
			if (main_file_only(p, &@1, "max-message"))
				conf_stmt_max_message(p, &@1, $2.text);
		}
		| MAX_CONNECTIONS STRING {
			if (main_file_only(p, &@1, "max-connections"))
				conf_stmt_max_connections(p, &@1, $2.text,
				    NULL);
		}
		| MAX_CONNECTIONS STRING PER_ADDRESS STRING {
			if (main_file_only(p, &@1, "max-connections"))
				conf_stmt_max_connections(p, &@1, $2.text,
				    $4.text);
		}
		| LOG STRING {
			if (main_file_only(p, &@1, "log"))
				conf_stmt_log(p, &@1, $2.text);
		}
		| SANDBOX STRING {
			if (main_file_only(p, &@1, "sandbox"))
				conf_stmt_sandbox(p, &@1, $2.text);
		}
		| SANDBOX LOG {
			if (main_file_only(p, &@1, "sandbox"))
				conf_stmt_sandbox(p, &@1, $2.text);
		}
		| CONTROL STRING {
			if (main_file_only(p, &@1, "control"))
				conf_stmt_control(p, &@1, $2.text);
		}
		| STATE_DIRECTORY STRING {
			if (main_file_only(p, &@1, "state-directory"))
				conf_stmt_state_directory(p, &@1, $2.text);
		}
		| ACCOUNT STRING STRING {
			if (main_file_only(p, &@1, "account"))
				conf_stmt_account(p, &@1, $2.text, $3.text);
		}
		| ACCOUNT SERVICE STRING {
			if (main_file_only(p, &@1, "account"))
				conf_stmt_account(p, &@1, $2.text, $3.text);
		}
		;

insecure	: %empty {
			$$.text = NULL;
		}
		| INSECURE
		;

options		: link_head {
			conf_block_end(p);
		}
		| head OPEN options_body CLOSE {
			conf_block_end(p);
		}
		| head OPEN options_body error CLOSE {
			yyerrok;
			conf_block_end(p);
		}
		;

head		: link_head
		| HOME STRING {
			if (main_file_only(p, &@1, "home"))
				conf_node_begin(p, &@1, CONF_HOLDER_HOME,
				    $2.text);
		}
		| MAIN STRING {
			if (main_file_only(p, &@1, "main"))
				conf_node_begin(p, &@1, CONF_HOLDER_MAIN,
				    $2.text);
		}
		;

link_head	: UPLINK STRING insecure {
			if (main_file_only(p, &@1, "uplink"))
				conf_link_begin(p, &@1, CONF_HOLDER_UPLINK,
				    $2.text, $3.text != NULL);
		}
		| PEER STRING insecure {
			if (main_file_only(p, &@1, "peer"))
				conf_link_begin(p, &@1, CONF_HOLDER_PEER,
				    $2.text, $3.text != NULL);
		}
		;

options_body	: %empty
		| options_body EOL
		| options_body option
		| options_body error EOL {
			yyerrok;
		}
		;

option		: NODE STRING {
			conf_link_node(p, &@1, $2.text);
		}
		| KEY STRING {
			conf_block_key(p, &@1, $2.text);
		}
		| SECRET STRING {
			conf_block_secret(p, &@1, $2.text);
		}
		| TOKEN STRING {
			conf_block_token(p, &@1, $2.text);
		}
		| CERTIFICATE STRING %prec ALONE {
			conf_block_certificate(p, &@1, $2.text, NULL);
		}
		| CERTIFICATE STRING KEY STRING {
			conf_block_certificate(p, &@1, $2.text, $4.text);
		}
		| CA STRING {
			conf_link_ca(p, &@1, $2.text);
		}
		| PIN STRING {
			conf_link_pin(p, &@1, $2.text);
		}
		| JOIN STRING {
			conf_block_join(p, &@1, $2.text);
		}
		;

rule		: verdict CONNECT FROM node {
			conf_rule_end(p, &@1, POLICY_CONNECT);
		}
		| verdict PUBLISH from_home of_service of_visibility {
			conf_rule_end(p, &@1, POLICY_PUBLISH);
		}
		| verdict EXPORT to_main of_service {
			conf_rule_end(p, &@1, POLICY_EXPORT);
		}
		| verdict IMPORT from_main of_service {
			conf_rule_end(p, &@1, POLICY_IMPORT);
		}
		| verdict CALL from_caller to_node of_service of_method {
			conf_rule_end(p, &@1, POLICY_CALL);
		}
		| verdict ADMIN from_token {
			conf_rule_end(p, &@1, POLICY_ADMIN);
		}
		;

verdict		: ALLOW {
			main_file_only(p, &@1, "allow");
			conf_rule_begin(p, &@1, true);
		}
		| DENY {
			main_file_only(p, &@1, "deny");
			conf_rule_begin(p, &@1, false);
		}
		;

node		: ANY
		| home
		| main_node
		;

home		: HOME STRING {
			conf_rule_from(p, &@1, WHO_HOME, $2.text);
		}
		;

main_node	: MAIN STRING {
			conf_rule_from(p, &@1, WHO_MAIN, $2.text);
		}
		;

token		: TOKEN STRING {
			conf_rule_from(p, &@1, WHO_TOKEN, $2.text);
		}
		;

from_home	: %empty
		| FROM ANY
		| FROM home
		;

to_main		: %empty
		| TO ANY
		| TO main_node
		;

from_main	: %empty
		| FROM ANY
		| FROM main_node
		;

from_token	: %empty
		| FROM ANY
		| FROM token
		;

from_caller	: %empty
		| FROM node
		| FROM token
		| FROM ANONYMOUS {
			conf_rule_from(p, &@2, WHO_ANONYMOUS, NULL);
		}
		;

to_node		: %empty
		| TO ANY
		| TO HOME STRING {
			conf_rule_to(p, &@2, WHO_HOME, $3.text);
		}
		| TO MAIN STRING {
			conf_rule_to(p, &@2, WHO_MAIN, $3.text);
		}
		;

of_service	: %empty
		| SERVICE STRING {
			conf_rule_service(p, &@1, $2.text);
		}
		;

of_method	: %empty
		| METHOD STRING {
			conf_rule_method(p, &@1, $2.text);
		}
		;

of_visibility	: %empty
		| VISIBILITY STRING {
			conf_rule_visibility(p, &@1, $2.text);
		}
		| VISIBILITY MAIN {
			conf_rule_visibility(p, &@1, $2.text);
		}
		;

service		: service_head service_body CLOSE {
			conf_service_end(p);
		}
		| service_head service_body error CLOSE {
			yyerrok;
			conf_service_end(p);
		}
		;

service_head	: SERVICE STRING OPEN {
			conf_service_begin(p, &@1, $2.text);
		}
		;

service_body	: %empty
		| service_body EOL
		| service_body service_item
		| service_body error EOL {
			yyerrok;
		}
		;

service_item	: VERSION STRING {
			conf_service_version(p, &@1, $2.text);
		}
		| methods_head methods_body CLOSE
		| methods_head methods_body error CLOSE {
			yyerrok;
		}
		| exec
		| HTTP STRING insecure {
			conf_service_http(p, &@1, $2.text, $3.text != NULL);
		}
		| UNIX STRING {
			conf_service_unix(p, &@1, $2.text);
		}
		| DIRECTORY STRING {
			conf_service_directory(p, &@1, $2.text);
		}
		| INSTANCES STRING {
			conf_service_instances(p, &@1, $2.text);
		}
		| USER STRING {
			conf_service_user(p, &@1, $2.text);
		}
		| TIMEOUT STRING {
			conf_service_timeout(p, &@1, $2.text);
		}
		| MAX_CONCURRENCY STRING {
			conf_service_max_concurrency(p, &@1, $2.text);
		}
		| WEIGHT STRING {
			conf_service_weight(p, &@1, $2.text);
		}
		| LABEL STRING STRING {
			conf_service_label(p, &@1, $2.text, $3.text);
		}
		| VISIBILITY STRING {
			conf_service_visibility(p, &@1, $2.text);
		}
		;

exec		: EXEC STRING {
			conf_service_exec(p, &@1, $2.text);
		}
		| exec STRING {
			conf_service_arg(p, &@2, $2.text);
		}
		;

methods_head	: METHODS OPEN {
			conf_service_methods(p, &@1);
		}
		;

methods_body	: %empty
		| methods_body EOL
		| methods_body method
		| methods_body method method_block
		| methods_body error EOL {
			yyerrok;
		}
		;

method		: STRING {
			conf_service_method(p, &@1, $1.text);
		}
		;

method_block	: OPEN method_body CLOSE
		| OPEN method_body error CLOSE {
			yyerrok;
		}
		;

method_body	: %empty
		| method_body EOL
		| method_body IDEMPOTENT STRING {
			conf_method_idempotent(p, &@2, $3.text);
		}
		| method_body TIMEOUT STRING {
			conf_method_timeout(p, &@2, $3.text);
		}
		| method_body error EOL {
			yyerrok;
		}
		;

%%

/* Only for "memory exhausted"; syntax errors go another way. */
static void
conf_yyerror(const struct conf_pos *pos, struct conf_parser *p,
    const char *text)
{
	conf_error(p, pos, "%s", text);
	p->stop = true;
}

static void
include(struct conf_parser *p, const struct conf_pos *pos, const char *name)
{
	char	*path;

	path = conf_path_beside(pos, name);
	conf_push_file(p, pos, path);
	free(path);
}

/* A service file holds services and nothing else. */
static bool
main_file_only(struct conf_parser *p, const struct conf_pos *pos,
    const char *statement)
{
	if ((p->source->flags & CONF_SERVICES_ONLY) == 0)
		return (true);
	conf_error(p, pos, "%s: a service file holds only services and "
	    "macros", statement);
	return (false);
}

/* What the unexpected token looked like, for a message. */
static void
describe_token(char *buf, size_t size, yysymbol_kind_t kind,
    const char *text)
{
	if (kind == YYSYMBOL_STRING && text != NULL)
		snprintf(buf, size, "\"%.64s\"", text);
	else if (kind == YYSYMBOL_EOL || kind == YYSYMBOL_YYEOF ||
	    kind == YYSYMBOL_ASSIGN)
		strlcpy(buf, yysymbol_name(kind), size);
	else
		snprintf(buf, size, "'%s'", yysymbol_name(kind));
}

/* ", expected 'a', 'b' or string", unless that is a long list. */
static void
describe_expected(char *buf, size_t size, const yysymbol_kind_t *kinds,
    int n)
{
	char	 one[64];
	int	 i;

	buf[0] = '\0';
	if (n > EXPECTED_MAX)
		return;
	for (i = 0; i < n; i++) {
		if (i == 0)
			strlcpy(buf, ", expected ", size);
		else
			strlcat(buf, i == n - 1 ? " or " : ", ", size);
		if (kinds[i] == YYSYMBOL_STRING)
			strlcpy(one, yysymbol_name(kinds[i]), sizeof(one));
		else
			describe_token(one, sizeof(one), kinds[i], NULL);
		strlcat(buf, one, size);
	}
}

/* Called by the generated parser, see bison's parse.error custom. */
static int
yyreport_syntax_error(const yypcontext_t *ctx, struct conf_parser *p)
{
	yysymbol_kind_t		 expected[YYNTOKENS];
	yysymbol_kind_t		 kind = yypcontext_token(ctx);
	const struct conf_pos	*pos = yypcontext_location(ctx);
	const char		*hint = "";
	char			 got[128], want[512];
	int			 n;

	if (p->stop)
		return (0);
	n = yypcontext_expected_tokens(ctx, expected, YYNTOKENS);
	describe_token(got, sizeof(got), kind, p->last_text);
	describe_expected(want, sizeof(want), expected, n);
	if (n == 1 && expected[0] == YYSYMBOL_STRING &&
	    conf_is_keyword(yysymbol_name(kind), CONF_WORDS_ALL))
		hint = " (a keyword: quote it to use it as a string)";
	conf_error(p, pos, "syntax error at %s%s%s", got, want, hint);
	conf_lex_recover(p, kind == YYSYMBOL_OPEN ? TOK_OPEN :
	    kind == YYSYMBOL_CLOSE ? TOK_CLOSE :
	    kind == YYSYMBOL_EOL ? TOK_EOL :
	    kind == YYSYMBOL_YYEOF ? TOK_YYEOF : TOK_CONF_YYerror);
	return (0);
}
