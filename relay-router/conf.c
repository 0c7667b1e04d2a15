/* SPDX-License-Identifier: ISC */

/*
 * The router's configuration, as the parent sends it, and what changes when a
 * generation of it is in force.
 */

#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "relay-router/router.h"

static void
conf_clear(struct router_conf *c)
{
	uint16_t	 i;

	for (i = 0; i < c->n_services; i++)
		service_clear(&c->services[i]);
	free(c->services);
	free(c->timeouts_ms);
	free(c->indexes);
	policy_clear(&c->policy);
	memset(c, 0, sizeof(*c));
}

void
on_conf_node(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router_conf	*c = &((struct router *)arg)->next;

	(void)ch;
	(void)fd;
	c->role = get_u8(msg);
	get_str(msg, c->node_id, sizeof(c->node_id));
	c->call_timeout_ms = get_u32(msg);
	c->max_message = get_u32(msg);
	c->max_connections = get_u32(msg);
	(void)get_u32(msg);		/* max_per_address: the front-end's */
	(void)get_u32(msg);		/* hold_down_ms: the dialer's */
	(void)get_u8(msg);		/* authentication: the registry's */
	(void)get_span(msg, UINT16_MAX);	/* url: likewise */
	c->have_node = get_done(msg);
}

static void
conf_add_service(struct router_conf *c, const struct service *s,
    uint32_t index, uint32_t timeout_ms)
{
	size_t	 n = (size_t)c->n_services + 1;

	c->services = reallocarray(c->services, n, sizeof(*c->services));
	c->timeouts_ms = reallocarray(c->timeouts_ms, n,
	    sizeof(*c->timeouts_ms));
	c->indexes = reallocarray(c->indexes, n, sizeof(*c->indexes));
	if (c->services == NULL || c->timeouts_ms == NULL ||
	    c->indexes == NULL)
		fatal("out of memory");
	service_copy(&c->services[n - 1], s);
	c->timeouts_ms[n - 1] = timeout_ms;
	c->indexes[n - 1] = index;
	c->n_services++;
}

void
on_conf_service(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router_conf	*c = &((struct router *)arg)->next;
	struct service		 s;
	uint32_t		 index, timeout_ms;

	(void)ch;
	(void)fd;
	index = get_u32(msg);
	get_service(msg, &s);
	(void)get_u8(msg);		/* backend */
	(void)get_u32(msg);		/* instances */
	timeout_ms = get_u32(msg);
	(void)get_span(msg, UINT16_MAX);	/* host */
	(void)get_u16(msg);		/* port */
	(void)get_span(msg, UINT16_MAX);	/* path */
	if (get_done(msg) && c->n_services < LIMIT_SERVICES)
		conf_add_service(c, &s, index, timeout_ms);
	else
		c->bad = true;
	service_clear(&s);
}

void
on_conf_rule(void *arg, struct channel *ch, struct wire_get *msg, int fd)
{
	struct router_conf	*c = &((struct router *)arg)->next;
	struct policy_rule	 rule;

	(void)ch;
	(void)fd;
	(void)get_u32(msg);		/* index: they come in their order */
	get_rule(msg, &rule);
	if (!get_done(msg) || !policy_add(&c->policy, &rule))
		c->bad = true;
}

void
router_conf_begin(void *arg, uint32_t generation)
{
	struct router	*r = arg;

	(void)generation;
	conf_clear(&r->next);
}

bool
router_conf_end(void *arg, char *reason, size_t size)
{
	struct router	*r = arg;

	if (!r->next.have_node)
		strlcpy(reason, "no node", size);
	else if (r->next.bad)
		strlcpy(reason, "too many services or rules", size);
	else if (r->conf.have_node && (r->conf.role != r->next.role ||
	    strcmp(r->conf.node_id, r->next.node_id) != 0))
		strlcpy(reason, "role and node id need a restart", size);
	else
		return (true);
	return (false);
}

static void
set_self(struct router *r)
{
	struct text	 t = { 0 };

	text_lit(&t, r->conf.role == ROLE_MAIN ? "{\"type\":\"main\",\"id\":" :
	    "{\"type\":\"home\",\"id\":");
	text_cstring(&t, r->conf.node_id);
	text_lit(&t, "}");
	free(r->self_json);
	r->self_json = text_take(&t, NULL);

	text_lit(&t, "[");
	text_cstring(&t, r->conf.node_id);
	text_lit(&t, "]");
	free(r->self_path);
	r->self_path = text_take(&t, NULL);
}

/* The home's own services stand in the route table under its own id. */
static void
route_self(struct router *r)
{
	struct route_node	*n;
	uint16_t		 i;

	n = route_node_up(&r->routes, r->conf.node_id, r);
	for (i = 0; i < r->conf.n_services; i++)
		r->conf.services[i].healthy = true;
	route_set(&r->routes, n, r->conf.services, r->conf.n_services);
}

/* What a rule keeps from the Main is as private as what says so itself. */
static void
hide_unpublished(struct router_conf *c)
{
	const struct policy_rule	*rule;
	struct policy_ask		 ask;
	uint16_t			 i;

	memset(&ask, 0, sizeof(ask));
	ask.action = POLICY_PUBLISH;
	ask.who = WHO_HOME;
	ask.name = span_str(c->node_id);
	for (i = 0; i < c->n_services; i++) {
		ask.service = span_str(c->services[i].name);
		ask.visibility = c->services[i].visibility;
		if (!policy_allows(&c->policy, &ask, &rule))
			c->services[i].visibility = VISIBILITY_PRIVATE;
	}
}

void
router_conf_commit(void *arg)
{
	struct router	*r = arg;
	bool		 first = !r->conf.have_node;

	conf_clear(&r->conf);
	r->conf = r->next;
	memset(&r->next, 0, sizeof(r->next));
	caller_forget(r);
	set_self(r);
	if (r->conf.role == ROLE_HOME) {
		hide_unpublished(&r->conf);
		route_self(r);
	}
	if (first) {
		router_start(r);
		return;
	}
	registry_register_self(r);
	if (r->uplink != NULL)
		register_with_main(r, r->uplink);
	if (r->candidate != NULL)
		register_with_main(r, r->candidate);
}

void
router_conf_abort(void *arg)
{
	struct router	*r = arg;

	conf_clear(&r->next);
}
