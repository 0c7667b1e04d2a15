/* SPDX-License-Identifier: ISC */
/*
 * The command line of relay(1).  No file is touched here.
 */

#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/stdlib.h>
#include <bsd/string.h>

#include "relay-ctl/relay.h"

#define MAIN_PORT	8080	/* where the examples of SEED.md expect it */

/* The text of a number that is a macro. */
#define STR(number)	STR1(number)
#define STR1(number)	#number

/* Write the reason and return false, so that callers can return it. */
static bool	refuse(char *, size_t, const char *, ...)
		    __attribute__((format(printf, 3, 4)));

static bool
refuse(char *why, size_t size, const char *fmt, ...)
{
	va_list	 ap;

	va_start(ap, fmt);
	vsnprintf(why, size, fmt, ap);
	va_end(ap);
	return (false);
}

/* Where the value of a flag goes; NULL: no such flag. */
static const char **
value_of(struct relay_args *args, const char *name)
{
	if (strcmp(name, "node-type") == 0)
		return (&args->node_type);
	if (strcmp(name, "node-id") == 0)
		return (&args->node_id);
	if (strcmp(name, "host") == 0)
		return (&args->host);
	if (strcmp(name, "port") == 0)
		return (&args->port);
	if (strcmp(name, "connect") == 0)
		return (&args->connect);
	if (strcmp(name, "fallback") == 0)
		return (&args->fallback);
	if (strcmp(name, "peers") == 0)
		return (&args->peers);
	if (strcmp(name, "tls-cert") == 0)
		return (&args->tls_cert);
	if (strcmp(name, "tls-key") == 0)
		return (&args->tls_key);
	if (strcmp(name, "o") == 0)
		return (&args->output);
	return (NULL);
}

static bool *
switch_of(struct relay_args *args, const char *name)
{
	if (strcmp(name, "server") == 0)
		return (&args->server);
	if (strcmp(name, "insecure") == 0)
		return (&args->insecure);
	if (strcmp(name, "help") == 0 || strcmp(name, "h") == 0)
		return (&args->help);
	return (NULL);
}

/* A switch takes a value only behind '='. */
static bool
set_switch(bool *flag, const char *name, const char *value, char *why,
    size_t size)
{
	if (value == NULL || strcmp(value, "true") == 0 ||
	    strcmp(value, "1") == 0)
		*flag = true;
	else if (strcmp(value, "false") == 0 || strcmp(value, "0") == 0)
		*flag = false;
	else
		return (refuse(why, size, "-%s: \"%s\" is not true or false",
		    name, value));
	return (true);
}

/*
 * One flag without its dashes at argv[*i]; moves *i on if the value is the
 * next argument.
 */
static bool
parse_flag(struct relay_args *args, const char *flag, int argc, char **argv,
    int *i, char *why, size_t size)
{
	char		 name[32];
	const char	*value = strchr(flag, '=');
	const char	**slot;
	bool		*on;
	size_t		 len = value == NULL ? strlen(flag) :
			    (size_t)(value - flag);

	if (value != NULL)
		value++;
	if (len >= sizeof(name))
		return (refuse(why, size, "-%s: there is no such flag", flag));
	memcpy(name, flag, len);
	name[len] = '\0';
	if ((on = switch_of(args, name)) != NULL)
		return (set_switch(on, name, value, why, size));
	if ((slot = value_of(args, name)) == NULL)
		return (refuse(why, size, "-%s: there is no such flag", name));
	if (value == NULL && *i + 1 >= argc)
		return (refuse(why, size, "-%s: its value is missing", name));
	if (*slot != NULL)
		return (refuse(why, size, "-%s: given twice", name));
	*slot = value != NULL ? value : argv[++*i];
	return (true);
}

bool
relay_args_parse(struct relay_args *args, int argc, char **argv, char *why,
    size_t size)
{
	const char	*arg;
	bool		 flags = true;
	int		 i;

	memset(args, 0, sizeof(*args));
	args->join = argc > 1 && strcmp(argv[1], "join") == 0;
	for (i = args->join ? 2 : 1; i < argc; i++) {
		arg = argv[i];
		if (flags && strcmp(arg, "--") == 0)
			flags = false;
		else if (flags && arg[0] == '-' && arg[1] != '\0') {
			arg += arg[1] == '-' ? 2 : 1;
			if (!parse_flag(args, arg, argc, argv, &i, why, size))
				return (false);
		} else if (args->join && args->string == NULL)
			args->string = arg;
		else if (args->file != NULL)
			return (refuse(why, size, "%s: only one service file "
			    "can be given", arg));
		else
			args->file = arg;
	}
	return (true);
}

/* A join string says all that these would say. */
static bool
plan_join_flags(const struct relay_args *args, char *why, size_t size)
{
	const struct { const char *flag; bool given; } others[] = {
		{ "server", args->server },
		{ "node-type", args->node_type != NULL },
		{ "node-id", args->node_id != NULL },
		{ "connect", args->connect != NULL },
		{ "fallback", args->fallback != NULL },
		{ "peers", args->peers != NULL },
		{ "tls-cert", args->tls_cert != NULL },
		{ "tls-key", args->tls_key != NULL },
	};
	size_t	 i;

	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (others[i].given)
			return (refuse(why, size, "-%s: not together with "
			    "join, which says what the node is and where it "
			    "connects", others[i].flag));
	if (args->string == NULL)
		return (refuse(why, size, "join: its string is missing"));
	return (true);
}

/* SEED.md, "Auto-Detection"; contradictions are said, not resolved. */
static bool
plan_role(struct relay_plan *plan, const struct relay_args *args, char *why,
    size_t size)
{
	const char	*type = args->node_type;
	bool		 main_type, home_type;

	if (args->join) {
		plan->role = ROLE_HOME;
		return (plan_join_flags(args, why, size));
	}
	if (args->output != NULL)
		return (refuse(why, size, "-o: only together with join"));
	main_type = type != NULL && strcmp(type, "main") == 0;
	home_type = type != NULL && strcmp(type, "home") == 0;
	if (type != NULL && !main_type && !home_type)
		return (refuse(why, size, "-node-type: \"%s\" is not main or "
		    "home", type));
	if (args->server && args->connect != NULL)
		return (refuse(why, size, "-server makes this node a Main, "
		    "and -connect a Home; it can only be one of them"));
	if (args->server && home_type)
		return (refuse(why, size, "-server makes this node a Main: "
		    "a Home accepts no links, so -node-type home goes with "
		    "-connect"));
	if (args->connect != NULL && main_type)
		return (refuse(why, size, "-connect makes this node a Home: "
		    "a Main has no Main above it, so -node-type main goes "
		    "with -server"));
	if (!args->server && args->connect == NULL && type == NULL)
		return (refuse(why, size, "is this a Main (-server) or a Home "
		    "(-connect URL)?"));
	plan->role = args->server || main_type ? ROLE_MAIN : ROLE_HOME;
	if (plan->role == ROLE_MAIN && args->file != NULL)
		return (refuse(why, size, "%s: a Main has no services of its "
		    "own; run them on a Home, with -connect", args->file));
	if (args->fallback != NULL && args->connect == NULL)
		return (refuse(why, size, "-fallback: only together with "
		    "-connect"));
	if (args->peers != NULL && plan->role != ROLE_MAIN)
		return (refuse(why, size, "-peers: only a Main has peers, and "
		    "this is a Home; its other Mains go with -fallback"));
	return (true);
}

static bool
is_loopback(const char *host)
{
	struct in_addr	 in;
	struct in6_addr	 in6;

	if (inet_pton(AF_INET, host, &in) == 1)
		return ((ntohl(in.s_addr) >> 24) == 127);
	return (inet_pton(AF_INET6, host, &in6) == 1 &&
	    IN6_IS_ADDR_LOOPBACK(&in6));
}

/* -host: an address; an empty one or 0.0.0.0 as Go's listeners take it. */
static bool
plan_host(struct relay_plan *plan, const struct relay_args *args, char *why,
    size_t size)
{
	const char	*host = args->host;
	struct in6_addr	 addr;

	if (host == NULL || strcmp(host, "localhost") == 0)
		host = "127.0.0.1";
	if (host[0] == '\0')
		host = "*";
	if (strcmp(host, "*") != 0 && inet_pton(AF_INET, host, &addr) != 1 &&
	    inet_pton(AF_INET6, host, &addr) != 1)
		return (refuse(why, size, "-host: \"%s\" is not an IPv4 or "
		    "IPv6 address, localhost or *", host));
	strlcpy(plan->host, host, sizeof(plan->host));
	if (is_loopback(host))
		return (true);
	if (plan->role == ROLE_HOME)
		return (refuse(why, size, "-host %s: a Home listens on "
		    "loopback addresses only", host));
	/* With TLS the word has another meaning, see no_authentication. */
	if (args->tls_cert != NULL)
		return (true);
	if (!args->insecure)
		return (refuse(why, size, "-host %s: this is not a loopback "
		    "address; give it -tls-cert and -tls-key, or -insecure if "
		    "calls in the clear are acceptable", host));
	plan->listen_insecure = true;
	return (true);
}

/* -tls-cert and -tls-key */
static bool
plan_tls(struct relay_plan *plan, const struct relay_args *args, char *why,
    size_t size)
{
	const char	*cert = args->tls_cert, *key = args->tls_key;

	if ((cert == NULL) != (key == NULL))
		return (refuse(why, size, "-tls-%s: -tls-%s is missing: a "
		    "certificate is of no use without its key",
		    cert != NULL ? "cert" : "key",
		    cert != NULL ? "key" : "cert"));
	if (cert == NULL)
		return (true);
	if (cert[0] == '\0' || key[0] == '\0')
		return (refuse(why, size, "-tls-%s: the name of the file is "
		    "empty", cert[0] == '\0' ? "cert" : "key"));
	if (strlcpy(plan->tls_cert, cert, PATH_MAX) >= PATH_MAX ||
	    strlcpy(plan->tls_key, key, PATH_MAX) >= PATH_MAX)
		return (refuse(why, size, "-tls-cert: the name of the file is "
		    "too long"));
	return (true);
}

static bool
plan_port(struct relay_plan *plan, const struct relay_args *args, char *why,
    size_t size)
{
	const char	*error;

	/* A Home needs no known port: nobody connects to it from outside. */
	plan->port = plan->role == ROLE_MAIN ? MAIN_PORT : 0;
	if (args->port == NULL)
		return (true);
	plan->port = (unsigned int)strtonum(args->port, 0, 65535, &error);
	if (error != NULL)
		return (refuse(why, size, "-port: \"%s\" is not a number "
		    "between 0 and 65535", args->port));
	return (true);
}

static bool
add_uplink(struct relay_plan *plan, const char *flag, const char *text,
    bool insecure, char *why, size_t size)
{
	struct conf_link	*u = &plan->uplinks[plan->nuplinks];
	const char		*reason;
	size_t			 i;

	if (plan->nuplinks == LIMIT_UPLINKS)
		return (refuse(why, size, "-%s: more than %d Mains", flag,
		    LIMIT_UPLINKS));
	reason = url_check(text, "ws", "/ws/federation", &u->url);
	if (reason != NULL)
		return (refuse(why, size, "-%s \"%s\": %s", flag, text,
		    reason));
	plan->nuplinks++;
	u->insecure = !u->url.loopback && !u->url.tls;
	if (u->insecure && !insecure)
		return (refuse(why, size, "-%s %s: ws:// carries calls in the "
		    "clear; use wss://, or add -insecure if that is "
		    "acceptable", flag, text));
	for (i = 0; i + 1 < plan->nuplinks; i++)
		if (strcmp(plan->uplinks[i].url.text, u->url.text) == 0)
			return (refuse(why, size, "-%s %s: this Main is given "
			    "twice", flag, text));
	return (true);
}

static bool
plan_uplinks(struct relay_plan *plan, const struct relay_args *args,
    char *why, size_t size)
{
	char	*list, *next, *one;
	bool	 ok = true;

	if (args->connect != NULL && !add_uplink(plan, "connect",
	    args->connect, args->insecure, why, size))
		return (false);
	if (args->fallback == NULL)
		return (true);
	if ((list = strdup(args->fallback)) == NULL)
		return (refuse(why, size, "out of memory"));
	next = list;
	while (ok && (one = strsep(&next, ",")) != NULL)
		ok = add_uplink(plan, "fallback", one, args->insecure, why,
		    size);
	free(list);
	return (ok);
}

/* Whether that is where this node itself listens. */
static bool
is_own(const struct relay_plan *plan, const struct url *url)
{
	struct conf_listener	 l = { .port = (uint16_t)plan->port };

	if (strcmp(plan->host, "*") == 0)
		l.kind = CONF_LISTEN_ANY;
	else if (inet_pton(AF_INET, plan->host, l.addr) == 1)
		l.kind = CONF_LISTEN_INET;
	else if (inet_pton(AF_INET6, plan->host, l.addr) == 1)
		l.kind = CONF_LISTEN_INET6;
	return (conf_listener_reached(&l, url));
}

/* NULL, or why it cannot be one more peer. */
static const char *
add_peer(struct relay_plan *plan, const char *text, bool insecure)
{
	static const char	 too_many[] = "a Main has no more than "
				    STR(LIMIT_PEERS) " peers";
	struct conf_link	*p = &plan->peers[plan->npeers];
	const char		*reason;
	size_t			 i;

	if (text[0] == '\0')
		return ("there is nothing between the commas");
	if (plan->npeers == LIMIT_PEERS)
		return (too_many);
	reason = url_check(text, "ws", "/ws/peers", &p->url);
	if (reason != NULL)
		return (reason);
	plan->npeers++;
	p->insecure = !p->url.loopback && !p->url.tls;
	if (p->insecure && !insecure)
		return ("ws:// carries calls in the clear; use wss://, or add "
		    "-insecure if that is acceptable");
	if (is_own(plan, &p->url))
		return ("that is this node itself");
	for (i = 0; i + 1 < plan->npeers; i++)
		if (strcmp(plan->peers[i].url.text, p->url.text) == 0)
			return ("this Main is given twice");
	return (NULL);
}

static bool
plan_peers(struct relay_plan *plan, const struct relay_args *args,
    char *why, size_t size)
{
	const char	*reason = NULL;
	char		*list, *next, *one = NULL;
	size_t		 number = 0;

	if (args->peers == NULL)
		return (true);
	if ((list = strdup(args->peers)) == NULL)
		return (refuse(why, size, "out of memory"));
	next = list;
	while (reason == NULL && (one = strsep(&next, ",")) != NULL) {
		number++;
		reason = add_peer(plan, one, args->insecure);
	}
	if (reason != NULL)
		refuse(why, size, "-peers, URL %zu \"%s\": %s", number, one,
		    reason);
	free(list);
	return (reason == NULL);
}

bool
relay_plan_make(struct relay_plan *plan, const struct relay_args *args,
    int64_t now_ms, char *why, size_t size)
{
	const char	*reason;

	memset(plan, 0, sizeof(*plan));
	if (!plan_role(plan, args, why, size))
		return (false);
	plan->no_authentication = plan->role == ROLE_MAIN && args->insecure;
	if (args->join && !relay_join_plan(plan, args, now_ms, why, size))
		return (false);
	if (args->node_id != NULL && (reason = conf_check_node_id(
	    args->node_id, plan->node_id, sizeof(plan->node_id))) != NULL)
		return (refuse(why, size, "-node-id \"%s\": %s",
		    args->node_id, reason));
	return (plan_host(plan, args, why, size) &&
	    plan_port(plan, args, why, size) &&
	    plan_tls(plan, args, why, size) &&
	    plan_uplinks(plan, args, why, size) &&
	    plan_peers(plan, args, why, size));
}

void
relay_plan_free(struct relay_plan *plan)
{
	size_t	 i;

	for (i = 0; i < plan->nuplinks; i++)
		url_free(&plan->uplinks[i].url);
	for (i = 0; i < plan->npeers; i++)
		url_free(&plan->peers[i].url);
	plan->nuplinks = plan->npeers = 0;
	explicit_bzero(&plan->join, sizeof(plan->join));
}
