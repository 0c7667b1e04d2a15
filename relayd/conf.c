/* SPDX-License-Identifier: ISC */
/*
 * The life of a configuration: parsing as a whole, comparing, freeing, and
 * what its users ask about it.
 */

#include <sys/types.h>
#include <sys/un.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bsd/string.h>

#include "common/limits.h"
#include "relayd/conf_parse.h"
#include "relayd/parse.h"

static const struct {
	const char	*process;
	const char	*account;
} account_names[CONF_ACCOUNT_COUNT] = {
	[CONF_ACCOUNT_FRONTEND] = { "frontend", "_relayf" },
	[CONF_ACCOUNT_DIALER] = { "dialer", "_relayd" },
	[CONF_ACCOUNT_BACKEND] = { "backend", "_relayb" },
	[CONF_ACCOUNT_ROUTER] = { "router", "_relayr" },
	[CONF_ACCOUNT_REGISTRY] = { "registry", "_relayg" },
	[CONF_ACCOUNT_KEEPER] = { "keeper", "_relayk" },
	[CONF_ACCOUNT_SERVICE] = { "service", "_relays" },
};

const char *
conf_account_name(enum conf_account_id id)
{
	return (account_names[id].process);
}

const char *
conf_backend_name(enum conf_backend backend)
{
	static const char *const	 names[] = { "exec", "http", "unix" };

	return (names[backend]);
}

const char *
conf_visibility_name(enum visibility visibility)
{
	switch (visibility) {
	case VISIBILITY_PRIVATE:
		return ("private");
	case VISIBILITY_MAIN:
		return ("main");
	default:
		return ("federation");
	}
}

const char *
conf_authentication_name(enum conf_authentication authentication)
{
	static const char *const	 names[] = {
		[CONF_AUTH_REQUIRED] = "required",
		[CONF_AUTH_LOOPBACK] = "loopback",
		[CONF_AUTH_NONE] = "none",
	};

	return (names[authentication]);
}

const char *
conf_holder_name(enum conf_holder holder)
{
	static const char *const	 names[] = {
		[CONF_HOLDER_HOME] = "home",
		[CONF_HOLDER_MAIN] = "main",
		[CONF_HOLDER_UPLINK] = "uplink",
		[CONF_HOLDER_PEER] = "peer",
	};

	return (names[holder]);
}

const char *
conf_method_name(enum conf_method method)
{
	static const char *const	 names[] = {
		[CONF_METHOD_KEY] = "key",
		[CONF_METHOD_SECRET] = "secret",
		[CONF_METHOD_TOKEN] = "token",
		[CONF_METHOD_CERTIFICATE] = "certificate",
		[CONF_METHOD_JOIN] = "join",
	};

	return (names[method]);
}

const char *
conf_credential_node(const struct conf *conf, const struct conf_credential *c)
{
	switch (c->holder) {
	case CONF_HOLDER_UPLINK:
		return (conf->uplinks[c->index].node_id);
	case CONF_HOLDER_PEER:
		return (conf->peers[c->index].node_id);
	default:
		return (conf->nodes[c->index].node_id);
	}
}

uint32_t
conf_ca_find(const struct conf *conf, const char *file)
{
	uint32_t	 i;

	for (i = 0; i < conf->ncas; i++)
		if (!conf->cas[i].clients &&
		    strcmp(conf->cas[i].file, file) == 0)
			return (i);
	return (CONF_NONE);
}

static struct conf *
conf_new(const struct conf_defaults *d)
{
	static const struct conf_defaults	 none;
	struct conf				*conf;
	int					 i;

	if (d == NULL)
		d = &none;
	conf = conf_alloc(sizeof(*conf));
	conf->authentication = CONF_AUTH_LOOPBACK;
	conf->call_timeout_ms = LIMIT_TIMEOUT_DEFAULT_MS;
	conf->hold_down_ms = LIMIT_HOLD_DOWN_MS;
	conf->max_message = LIMIT_MESSAGE;
	conf->max_connections = LIMIT_CONNECTIONS;
	conf->max_per_address = LIMIT_PER_ADDRESS;
	conf->log = CONF_LOG_BRIEF;
	conf->sandbox = SANDBOX_ENFORCE;
	conf->control = conf_strdup(d->control != NULL ? d->control :
	    RUN_DIR "/relayd.sock");
	conf->state_directory = conf_strdup(d->state_directory != NULL ?
	    d->state_directory : STATE_DIR);
	for (i = 0; i < CONF_ACCOUNT_COUNT; i++)
		conf->accounts[i].name = conf_strdup(d->accounts[i] != NULL ?
		    d->accounts[i] : account_names[i].account);
	return (conf);
}

static void
set_fixed_macros(struct conf_parser *p)
{
	struct conf_pos	 pos = { "-D", 0 };
	const char	*eq;
	char		*name;
	size_t		 i;

	for (i = 0; i < p->source->nmacros; i++) {
		name = conf_strdup(p->source->macros[i]);
		eq = strchr(p->source->macros[i], '=');
		if (eq == NULL)
			conf_error(p, &pos, "\"%s\" is not name=value", name);
		else {
			name[eq - p->source->macros[i]] = '\0';
			conf_set_macro(p, &pos, name, eq + 1, true);
		}
		free(name);
	}
}

struct conf *
conf_parse(const struct conf_source *source, struct conf_errors *errs)
{
	struct conf_parser	 p = { .source = source, .errs = errs };
	struct conf_pos		 pos = { source->name, 0 };

	p.conf = conf_new(source->defaults);
	p.ca_file = source->defaults != NULL &&
	    source->defaults->ca_file != NULL ? source->defaults->ca_file :
	    CA_FILE;
	p.words = CONF_WORDS_TOP;
	conf_input_init(&p);
	set_fixed_macros(&p);
	if (conf_push_file(&p, &pos, source->name))
		conf_yyparse(&p);
	conf_input_finish(&p);
	conf_cross_check(&p);
	if (errs->nerrors == 0)
		return (p.conf);
	conf_free(p.conf);
	return (NULL);
}

static void
service_free(struct conf_service *s)
{
	size_t	 i;

	service_clear(&s->def);
	for (i = 0; i < s->argc; i++)
		free(s->argv[i]);
	free(s->argv);
	free(s->directory);
	url_free(&s->url);
	free(s->path);
	if (s->user != NULL)
		free(s->user->name);
	free(s->user);
}

static void
links_free(struct conf_link *links, size_t n)
{
	size_t	 i;

	for (i = 0; i < n; i++) {
		url_free(&links[i].url);
		free(links[i].node_id);
		free(links[i].pin);
	}
	free(links);
}

static void
trust_free(struct conf *conf)
{
	size_t	 i;

	for (i = 0; i < conf->nkeys; i++) {
		free(conf->keys[i].certificate);
		free(conf->keys[i].key);
	}
	for (i = 0; i < conf->ncas; i++)
		free(conf->cas[i].file);
	for (i = 0; i < conf->nnodes; i++)
		free(conf->nodes[i].node_id);
	for (i = 0; i < conf->ncredentials; i++) {
		free(conf->credentials[i].value);
		free(conf->credentials[i].file);
	}
	free(conf->keys);
	free(conf->cas);
	free(conf->nodes);
	free(conf->credentials);
	policy_clear(&conf->policy);
	url_free(&conf->url);
}

void
conf_free(struct conf *conf)
{
	size_t	 i;

	if (conf == NULL)
		return;
	for (i = 0; i < conf->nlisteners; i++)
		free(conf->listeners[i].path);
	links_free(conf->uplinks, conf->nuplinks);
	links_free(conf->peers, conf->npeers);
	trust_free(conf);
	for (i = 0; i < conf->norigins; i++)
		free(conf->origins[i].text);
	for (i = 0; i < conf->nservices; i++)
		service_free(&conf->services[i]);
	for (i = 0; i < CONF_ACCOUNT_COUNT; i++)
		free(conf->accounts[i].name);
	for (i = 0; i < conf->nfiles; i++)
		free(conf->files[i]);
	free(conf->listeners);
	free(conf->origins);
	free(conf->services);
	free(conf->node_id);
	free(conf->control);
	free(conf->state_directory);
	free(conf->files);
	free(conf);
}

bool
conf_listener_is_local(const struct conf_listener *l)
{
	switch (l->kind) {
	case CONF_LISTEN_UNIX:
		return (true);
	case CONF_LISTEN_INET:
		return (l->addr[0] == 127);
	case CONF_LISTEN_INET6:
		return (memcmp(l->addr, &in6addr_loopback,
		    sizeof(l->addr)) == 0);
	default:
		return (false);
	}
}

socklen_t
conf_listener_sockaddr(const struct conf_listener *l, int family,
    struct sockaddr_storage *ss)
{
	struct sockaddr_in	*sin = (struct sockaddr_in *)ss;
	struct sockaddr_in6	*sin6 = (struct sockaddr_in6 *)ss;
	struct sockaddr_un	*sun = (struct sockaddr_un *)ss;

	/* addr is all zero for CONF_LISTEN_ANY, as it has to be. */
	memset(ss, 0, sizeof(*ss));
	if (l->kind == CONF_LISTEN_UNIX) {
		sun->sun_family = AF_UNIX;
		strlcpy(sun->sun_path, l->path, sizeof(sun->sun_path));
		return (sizeof(*sun));
	}
	if (l->kind == CONF_LISTEN_INET6 ||
	    (l->kind == CONF_LISTEN_ANY && family == AF_INET6)) {
		sin6->sin6_family = AF_INET6;
		sin6->sin6_port = htons(l->port);
		memcpy(&sin6->sin6_addr, l->addr, sizeof(sin6->sin6_addr));
		return (sizeof(*sin6));
	}
	sin->sin_family = AF_INET;
	sin->sin_port = htons(l->port);
	memcpy(&sin->sin_addr, l->addr, sizeof(sin->sin_addr));
	return (sizeof(*sin));
}

void
conf_listener_name(const struct conf_listener *l, char *buf, size_t size)
{
	char	 addr[INET6_ADDRSTRLEN] = "*";

	if (l->kind == CONF_LISTEN_UNIX) {
		strlcpy(buf, l->path, size);
		return;
	}
	if (l->kind != CONF_LISTEN_ANY)
		inet_ntop(l->kind == CONF_LISTEN_INET ? AF_INET : AF_INET6,
		    l->addr, addr, sizeof(addr));
	snprintf(buf, size, "%s port %u", addr, l->port);
}
