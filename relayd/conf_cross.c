/* SPDX-License-Identifier: ISC */
/*
 * What can be judged only when the whole configuration is known: what the
 * role allows, what is missing, and what stands twice.
 */

#include <netinet/in.h>

#include <stdio.h>
#include <string.h>

#include "common/limits.h"
#include "relayd/conf_parse.h"

static void
check_role(struct conf_parser *p)
{
	const struct conf	*conf = p->conf;
	size_t			 i;

	if (conf->role == ROLE_HOME) {
		conf_check_peers_of_home(p);
		conf_check_trust_of_home(p);
	}
	if (conf->role != ROLE_MAIN)
		return;
	if (p->once[CONF_ONCE_HOLD_DOWN].file != NULL)
		conf_error(p, &p->once[CONF_ONCE_HOLD_DOWN], "hold-down: only "
		    "a home has uplinks, and this node is a main");
	for (i = 0; i < conf->nuplinks; i++)
		conf_error(p, &conf->uplinks[i].pos, "uplink: only a home has "
		    "uplinks, and this node is a main");
	for (i = 0; i < conf->nservices; i++)
		conf_error(p, &conf->services[i].pos, "service: only a home "
		    "has services, and this node is a main");
}

/* Only where nothing else is wrong: it may be what could not be read. */
static void
check_missing(struct conf_parser *p)
{
	const struct conf	*conf = p->conf;
	struct conf_pos		 whole = { p->source->name, 0 };

	if (p->errs->nerrors > 0)
		return;
	if (p->source->flags & CONF_SERVICES_ONLY) {
		if (conf->nservices == 0)
			conf_error(p, &whole, "there is no service in it");
		return;
	}
	if (conf->role == 0)
		conf_error(p, &whole, "there is no node statement");
	else if (conf->role == ROLE_MAIN && conf->nlisteners == 0)
		conf_error(p, &conf->node_pos, "node: a main needs at least "
		    "one listen statement");
	else if (conf->role == ROLE_HOME && conf->nuplinks == 0)
		conf_warning(p, &conf->node_pos, "node: this home has no "
		    "uplink, so it is not part of any federation");
}

static void
check_listener_security(struct conf_parser *p, const struct conf_listener *l)
{
	char	 name[128];

	if (conf_listener_is_local(l))
		return;
	conf_listener_name(l, name, sizeof(name));
	if (p->conf->role == ROLE_HOME)
		conf_error(p, &l->pos, "listen on %s: a home listens on "
		    "loopback addresses and sockets only", name);
	else if (!l->insecure && !l->tls)
		conf_error(p, &l->pos, "listen on %s: this is not a loopback "
		    "address; write \"tls\" behind it, or \"insecure\" if "
		    "calls in the clear are acceptable", name);
}

static bool
is_wildcard(const struct conf_listener *l)
{
	static const uint8_t	 zero[sizeof(l->addr)];

	return (l->kind == CONF_LISTEN_ANY ||
	    memcmp(l->addr, zero, sizeof(zero)) == 0);
}

/* Whether the second of the two could not be bound. */
static bool
listeners_collide(const struct conf_listener *a, const struct conf_listener *b)
{
	if (a->kind == CONF_LISTEN_UNIX || b->kind == CONF_LISTEN_UNIX)
		return (conf_listener_equal(a, b));
	if (a->port != b->port || a->port == 0)
		return (false);
	if (a->kind == CONF_LISTEN_ANY || b->kind == CONF_LISTEN_ANY)
		return (true);
	return (a->kind == b->kind && (is_wildcard(a) || is_wildcard(b) ||
	    memcmp(a->addr, b->addr, sizeof(a->addr)) == 0));
}

static void
check_listener(struct conf_parser *p, const struct conf_listener *l)
{
	const struct conf	*conf = p->conf;
	char			 name[128];
	uint32_t		 i;

	check_listener_security(p, l);
	conf_listener_name(l, name, sizeof(name));
	if (l->kind == CONF_LISTEN_UNIX &&
	    strcmp(l->path, conf->control) == 0)
		conf_error(p, &l->pos, "listen on %s: this is the control "
		    "socket", name);
	for (i = 0; i < l->index; i++) {
		if (!listeners_collide(&conf->listeners[i], l))
			continue;
		conf_error(p, &l->pos, "listen on %s: already taken by %s:%u",
		    name, conf->listeners[i].pos.file,
		    conf->listeners[i].pos.line);
		return;
	}
}

/* A service with the uid of a process of relayd could take that over. */
static void
check_service_user(struct conf_parser *p, const struct conf_service *s)
{
	int	 i;

	for (i = 0; i < CONF_ACCOUNT_SERVICE; i++)
		if (s->user != NULL &&
		    conf_account_equal(s->user, &p->conf->accounts[i]))
			conf_error(p, &s->user->pos, "user: this is the "
			    "account of the %s process",
			    conf_account_name((enum conf_account_id)i));
}

static void
check_service(struct conf_parser *p, const struct conf_service *s)
{
	const struct conf	*conf = p->conf;
	const struct service	*other;
	uint32_t		 i;

	check_service_user(p, s);
	for (i = 0; i < s->index && s->def.name[0] != '\0'; i++) {
		other = &conf->services[i].def;
		if (strcmp(other->name, s->def.name) != 0 ||
		    strcmp(other->version, s->def.version) != 0)
			continue;
		conf_error(p, &s->pos, "service \"%s\" version %s: already "
		    "given at %s:%u", s->def.name, s->def.version,
		    conf->services[i].pos.file, conf->services[i].pos.line);
		return;
	}
}

/* Each process has its own, or the walls between them do not stand. */
static void
check_accounts(struct conf_parser *p)
{
	const struct conf_account	*a = p->conf->accounts;
	const struct conf_pos		*pos;
	int				 i, j;

	for (i = 0; i < CONF_ACCOUNT_COUNT; i++)
		for (j = 0; j < i; j++) {
			if (!conf_account_equal(&a[i], &a[j]))
				continue;
			/* Two defaults differ: one of them was written. */
			pos = a[i].pos.line > 0 ? &a[i].pos : &a[j].pos;
			conf_error(p, pos, "account: %s and %s are the same",
			    conf_account_name((enum conf_account_id)j),
			    conf_account_name((enum conf_account_id)i));
		}
}

void
conf_cross_check(struct conf_parser *p)
{
	const struct conf	*conf = p->conf;
	size_t			 i;

	check_role(p);
	for (i = 0; i < conf->nlisteners; i++)
		check_listener(p, &conf->listeners[i]);
	conf_check_links(p, p->conf->uplinks, conf->nuplinks, "uplink");
	conf_check_links(p, p->conf->peers, conf->npeers, "peer");
	for (i = 0; i < conf->npeers; i++)
		conf_check_peer(p, &conf->peers[i]);
	check_accounts(p);
	for (i = 0; i < conf->nservices; i++)
		check_service(p, &conf->services[i]);
	conf_check_tls(p);
	conf_check_trust(p);
	conf_check_rules(p);
	check_missing(p);
}
