/* SPDX-License-Identifier: ISC */
/*
 * The statements of relayd.conf(5) outside of service blocks.  Each function
 * takes the words of one statement and either puts it into the
 * configuration or reports why it cannot.
 */

#include <sys/types.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdlib.h>
#include <string.h>

#include "common/limits.h"
#include "relayd/conf_parse.h"

void
conf_stmt_node(struct conf_parser *p, const struct conf_pos *pos,
    const char *role, const char *id)
{
	static const char *const	 roles[] = { "main", "home", NULL };
	char				 buf[LIMIT_NODE_ID + 1];
	const char			*why;
	int				 i;

	if (!conf_once(p, pos, CONF_ONCE_NODE, "node"))
		return;
	i = conf_choice(p, pos, "node", role, roles);
	if ((why = conf_check_node_id(id, buf, sizeof(buf))) != NULL) {
		conf_error(p, pos, "node \"%s\": %s", id, why);
		return;
	}
	if (i == -1)
		return;
	p->conf->role = i == 0 ? ROLE_MAIN : ROLE_HOME;
	p->conf->node_id = conf_strdup(buf);
	p->conf->node_pos = *pos;
}

/* Fill kind and addr; false and an error if text is no address. */
static bool
listen_address(struct conf_parser *p, const struct conf_pos *pos,
    const char *text, struct conf_listener *l)
{
	if (strcmp(text, "*") == 0) {
		l->kind = CONF_LISTEN_ANY;
		return (true);
	}
	if (inet_pton(AF_INET, text, l->addr) == 1) {
		l->kind = CONF_LISTEN_INET;
		return (true);
	}
	if (inet_pton(AF_INET6, text, l->addr) == 1) {
		l->kind = CONF_LISTEN_INET6;
		if (!IN6_IS_ADDR_V4MAPPED((struct in6_addr *)l->addr))
			return (true);
		conf_error(p, pos, "listen on %s: write the IPv4 address",
		    text);
		return (false);
	}
	conf_error(p, pos, "listen on \"%s\": not an IPv4 or IPv6 address, "
	    "not '*', and not the absolute path of a socket", text);
	return (false);
}

static bool
listen_unix(struct conf_parser *p, const struct conf_pos *pos,
    const char *path, const char *port, bool secured)
{
	if (port != NULL || secured) {
		conf_error(p, pos, "listen on \"%s\": a socket path takes "
		    "no port, no tls and no insecure", path);
		return (false);
	}
	if (strlen(path) < sizeof(((struct sockaddr_un *)0)->sun_path))
		return (true);
	conf_error(p, pos, "listen on \"%s\": the path is longer than the %zu "
	    "bytes of a socket address", path,
	    sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
	return (false);
}

void
conf_stmt_listen(struct conf_parser *p, const struct conf_pos *pos,
    const char *address, const char *port, bool tls, bool insecure)
{
	struct conf		*conf = p->conf;
	struct conf_listener	 l = { .pos = *pos, .tls = tls,
				    .insecure = insecure };
	uint32_t		 number = 0;

	if (address[0] == '/') {
		if (!listen_unix(p, pos, address, port, tls || insecure))
			return;
		l.kind = CONF_LISTEN_UNIX;
	} else {
		if (!listen_address(p, pos, address, &l))
			return;
		if (port == NULL) {
			conf_error(p, pos, "listen on %s: the port is missing",
			    address);
			return;
		}
		if (!conf_number(p, pos, "port", port, 0, 65535, &number))
			return;
	}
	if (conf->nlisteners >= LIMIT_LISTENERS) {
		conf_error(p, pos, "listen: more than %d listeners",
		    LIMIT_LISTENERS);
		return;
	}
	l.port = (uint16_t)number;
	l.index = (uint32_t)conf->nlisteners;
	if (l.kind == CONF_LISTEN_UNIX)
		l.path = conf_strdup(address);
	conf->listeners = conf_grow(conf->listeners, &conf->nlisteners,
	    sizeof(l));
	conf->listeners[l.index] = l;
}

void
conf_stmt_origin(struct conf_parser *p, const struct conf_pos *pos,
    const char *text)
{
	struct conf	*conf = p->conf;
	char		 buf[LIMIT_CONF_STRING];
	const char	*why;
	size_t		 i;

	if ((why = url_check_origin(text, buf, sizeof(buf))) != NULL) {
		conf_error(p, pos, "origin \"%s\": %s", text, why);
		return;
	}
	for (i = 0; i < conf->norigins; i++) {
		if (strcmp(conf->origins[i].text, buf) != 0)
			continue;
		conf_error(p, pos, "origin \"%s\": already given at %s:%u",
		    text, conf->origins[i].pos.file,
		    conf->origins[i].pos.line);
		return;
	}
	if (i >= LIMIT_ORIGINS) {
		conf_error(p, pos, "origin: more than %d origins",
		    LIMIT_ORIGINS);
		return;
	}
	conf->origins = conf_grow(conf->origins, &conf->norigins,
	    sizeof(conf->origins[0]));
	conf->origins[i].index = (uint32_t)i;
	conf->origins[i].pos = *pos;
	conf->origins[i].text = conf_strdup(buf);
}

void
conf_stmt_call_timeout(struct conf_parser *p, const struct conf_pos *pos,
    const char *text)
{
	if (conf_once(p, pos, CONF_ONCE_CALL_TIMEOUT, "call-timeout"))
		conf_duration(p, pos, "call-timeout", text, 1,
		    LIMIT_TIMEOUT_MAX_MS, &p->conf->call_timeout_ms);
}

void
conf_stmt_hold_down(struct conf_parser *p, const struct conf_pos *pos,
    const char *text)
{
	if (conf_once(p, pos, CONF_ONCE_HOLD_DOWN, "hold-down"))
		conf_duration(p, pos, "hold-down", text, 1,
		    LIMIT_HOLD_DOWN_MAX_MS, &p->conf->hold_down_ms);
}

void
conf_stmt_max_message(struct conf_parser *p, const struct conf_pos *pos,
    const char *text)
{
	if (conf_once(p, pos, CONF_ONCE_MAX_MESSAGE, "max-message"))
		conf_size(p, pos, "max-message", text, LIMIT_MESSAGE_MIN,
		    LIMIT_MESSAGE_MAX, &p->conf->max_message);
}

void
conf_stmt_max_connections(struct conf_parser *p, const struct conf_pos *pos,
    const char *max, const char *per_address)
{
	struct conf	*conf = p->conf;

	if (!conf_once(p, pos, CONF_ONCE_MAX_CONNECTIONS, "max-connections"))
		return;
	if (!conf_number(p, pos, "max-connections", max, 1,
	    LIMIT_CONNECTIONS_MAX, &conf->max_connections))
		return;
	conf->max_per_address = conf->max_connections;
	if (per_address != NULL)
		conf_number(p, pos, "per-address", per_address, 1,
		    conf->max_connections, &conf->max_per_address);
}

void
conf_stmt_log(struct conf_parser *p, const struct conf_pos *pos,
    const char *text)
{
	static const char *const	 words[] = { "brief", "verbose", NULL };
	int				 i;

	if (conf_once(p, pos, CONF_ONCE_LOG, "log") &&
	    (i = conf_choice(p, pos, "log", text, words)) != -1)
		p->conf->log = i == 0 ? CONF_LOG_BRIEF : CONF_LOG_VERBOSE;
}

void
conf_stmt_sandbox(struct conf_parser *p, const struct conf_pos *pos,
    const char *text)
{
	static const char *const	 words[] = { "enforce", "log", "off",
					    NULL };
	static const enum sandbox_mode	 modes[] = { SANDBOX_ENFORCE,
					    SANDBOX_LOG, SANDBOX_OFF };
	int				 i;

	if (conf_once(p, pos, CONF_ONCE_SANDBOX, "sandbox") &&
	    (i = conf_choice(p, pos, "sandbox", text, words)) != -1) {
		p->conf->sandbox = modes[i];
		p->conf->sandbox_pos = *pos;
	}
}

void
conf_stmt_control(struct conf_parser *p, const struct conf_pos *pos,
    const char *path)
{
	if (!conf_once(p, pos, CONF_ONCE_CONTROL, "control"))
		return;
	if (path[0] != '/') {
		conf_error(p, pos, "control \"%s\": not an absolute path",
		    path);
		return;
	}
	if (strlen(path) >= sizeof(((struct sockaddr_un *)0)->sun_path)) {
		conf_error(p, pos, "control \"%s\": the path is longer than "
		    "the %zu bytes of a socket address", path,
		    sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
		return;
	}
	free(p->conf->control);
	p->conf->control = conf_strdup(path);
	p->conf->control_pos = *pos;
}

void
conf_stmt_state_directory(struct conf_parser *p, const struct conf_pos *pos,
    const char *path)
{
	if (!conf_once(p, pos, CONF_ONCE_STATE_DIRECTORY, "state-directory"))
		return;
	if (path[0] != '/') {
		conf_error(p, pos, "state-directory \"%s\": not an absolute "
		    "path", path);
		return;
	}
	free(p->conf->state_directory);
	p->conf->state_directory = conf_strdup(path);
	p->conf->state_directory_pos = *pos;
}

void
conf_stmt_account(struct conf_parser *p, const struct conf_pos *pos,
    const char *process, const char *account)
{
	const char		*words[CONF_ACCOUNT_COUNT + 1];
	struct conf_account	*a;
	int			 i;

	for (i = 0; i < CONF_ACCOUNT_COUNT; i++)
		words[i] = conf_account_name((enum conf_account_id)i);
	words[i] = NULL;
	if ((i = conf_choice(p, pos, "account", process, words)) == -1)
		return;
	a = &p->conf->accounts[i];
	if (a->pos.file != NULL) {
		conf_error(p, pos, "account %s: already given at %s:%u",
		    process, a->pos.file, a->pos.line);
		return;
	}
	conf_account_parse(p, pos, account, a);
}
