/* SPDX-License-Identifier: ISC */
/* See registry_main.h: a configuration while it is collected. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bsd/string.h>

#include "common/log.h"
#include "relay-registry/message.h"
#include "relay-registry/registry_main.h"

void
staged_clear(struct staged *s)
{
	credentials_clear(&s->credentials);
	policy_clear(&s->policy);
	memset(s, 0, sizeof(*s));
}

bool
staged_check(struct staged *s, char *reason, size_t size)
{
	const char *why = NULL;

	if (!s->there)
		why = "the configuration names no node";
	else if (s->fault[0] != '\0')
		why = s->fault;
	else if (!credentials_seal(&s->credentials))
		why = "no memory for credentials";
	else
		why = registry_check_trust(&s->credentials);
	if (why != NULL)
		strlcpy(reason, why, size);
	return (why == NULL);
}

void
registry_on_conf_node(void *arg, struct channel *ch, struct wire_get *msg,
    int fd)
{
	struct staged *s = &((struct context *)arg)->staged;

	(void)ch;
	(void)fd;
	s->role = get_u8(msg);
	get_str(msg, s->node_id, sizeof(s->node_id));
	(void)get_u32(msg);		/* limits, for others */
	(void)get_u32(msg);
	(void)get_u32(msg);
	(void)get_u32(msg);
	(void)get_u32(msg);
	s->authentication = get_u8(msg);
	get_str(msg, s->url, sizeof(s->url));
	if (s->authentication < AUTH_REQUIRED || s->authentication > AUTH_OPEN)
		msg->bad = true;
	s->there = true;
}

void
registry_on_conf_address(void *arg, struct channel *ch, struct wire_get *msg,
    int fd)
{
	struct staged *s = &((struct context *)arg)->staged;

	(void)ch;
	(void)fd;
	if (s->n_addresses == REGISTRY_ADDRESSES) {
		msg->bad = true;
		return;
	}
	get_str(msg, s->addresses[s->n_addresses++], REGISTRY_ADDRESS_SIZE);
}

void
registry_on_conf_peer(void *arg, struct channel *ch, struct wire_get *msg,
    int fd)
{
	struct context *c = arg;

	(void)ch;
	(void)fd;
	(void)message_conf_peer(msg, c->staged.peers, &c->staged.n_peers);
}

void
registry_on_conf_uplink(void *arg, struct channel *ch, struct wire_get *msg,
    int fd)
{
	struct staged *s = &((struct context *)arg)->staged;
	struct uplink_conf *u;

	(void)ch;
	(void)fd;
	if (get_u32(msg) != s->n_uplinks || s->n_uplinks == LIMIT_UPLINKS) {
		msg->bad = true;
		return;
	}
	u = &s->uplinks[s->n_uplinks++];
	get_str(msg, u->host, sizeof(u->host));
	u->port = get_u16(msg);
	get_str(msg, u->path, sizeof(u->path));
	(void)get_bool(msg);		/* how TLS is made, for others */
	(void)get_u32(msg);
	(void)get_span(msg, UINT16_MAX);
	(void)get_u32(msg);
	get_str(msg, u->node, sizeof(u->node));
}

/* --- credentials --- */

/* The first that is wrong is told when all have come. */
static void
set_fault(struct staged *s, const struct credential_conf *conf,
    struct span file, const char *why)
{
	if (s->fault[0] != '\0')
		return;
	if (file.len > 0)
		snprintf(s->fault, sizeof(s->fault), "%s %.*s: %s",
		    auth_method_name(conf->method), (int)file.len, file.p,
		    why);
	else
		snprintf(s->fault, sizeof(s->fault), "%s of %.*s: it %s",
		    auth_method_name(conf->method), (int)conf->node.len,
		    conf->node.p, why);
}

static void
add_credential(struct staged *s, struct credential_conf *conf,
    struct span file, int fd)
{
	char contents[AUTH_SECRET_MAX];
	const char *why = NULL;
	size_t len = 0;

	if (fd != -1)
		why = credential_read(fd, contents, &len);
	conf->contents = (struct span){ contents, len };
	if (why == NULL)
		why = credentials_add(&s->credentials, conf);
	if (why != NULL)
		set_fault(s, conf, file, why);
	explicit_bzero(contents, sizeof(contents));
}

void
registry_on_conf_credential(void *arg, struct channel *ch,
    struct wire_get *msg, int fd)
{
	struct staged *s = &((struct context *)arg)->staged;
	struct credential_conf conf;
	struct span file;

	(void)ch;
	conf.holder = get_u8(msg);
	conf.index = get_u32(msg);
	conf.node = get_span(msg, LIMIT_NODE_ID);
	conf.method = get_u8(msg);
	conf.value = get_span(msg, UINT16_MAX);
	file = conf.file = get_span(msg, CREDENTIAL_FILE_MAX);
	if (conf.holder < HOLDER_HOME || conf.holder > HOLDER_PEER ||
	    conf.method < AUTH_BY_KEY || conf.method > AUTH_BY_JOIN)
		msg->bad = true;
	if (get_done(msg))
		add_credential(s, &conf, file, fd);
	if (fd != -1)
		close(fd);
}

void
registry_on_conf_rule(void *arg, struct channel *ch, struct wire_get *msg,
    int fd)
{
	struct staged *s = &((struct context *)arg)->staged;
	struct policy_rule rule;

	(void)ch;
	(void)fd;
	if (get_u32(msg) != s->policy.n) {
		msg->bad = true;
		return;
	}
	get_rule(msg, &rule);
	if (get_done(msg) && !policy_add(&s->policy, &rule))
		msg->bad = true;
}
