/* SPDX-License-Identifier: ISC */
/* What clients are shown by HTTP, once all is quiet. */
#include <stdlib.h>
#include <string.h>

#include <json.h>

#include "tests/sim/chaos.h"
#include "tests/sim/home.h"
#include "tests/sim/node.h"

static unsigned int	waiting;	/* answers that are to come */

static struct json_object *
parse(const struct node *n, unsigned int status, struct span body)
{
	struct json_object	*o;
	char			*text = sim_alloc(body.len + 1);

	waiting--;
	memcpy(text, body.p, body.len);
	o = json_tokener_parse(text);
	free(text);
	if (status != 200 || o == NULL)
		sim_fail("%s: a view has status %u", n->id, status);
	return (o);
}

static struct json_object *
member(struct json_object *o, const char *key)
{
	struct json_object	*v = NULL;

	if (!json_object_object_get_ex(o, key, &v))
		sim_fail("a view has no %s: %s", key,
		    json_object_to_json_string(o));
	return (v);
}

static void
want(const struct node *n, struct json_object *o, const char *key, int64_t v)
{
	if (json_object_get_int64(member(o, key)) != v)
		sim_fail("%s: %s is not %lld: %s", n->id, key, (long long)v,
		    json_object_to_json_string(o));
}

/*
 * Homes linked here, and services of all homes that can be seen here, by
 * anybody or by a client.
 */
static void
count(const struct node *n, bool client, int64_t *homes, int64_t *services)
{
	const struct home	*h;
	unsigned int		 i, k, most;

	*homes = *services = 0;
	for (i = 0; i < sim.n_homes; i++) {
		h = sim.homes[i];
		if (h->state != HOME_LINKED)
			continue;
		most = HOME_SERVICES - 1;
		if (sim.mains[h->at] == n) {
			(*homes)++;
			most = HOME_SERVICES;
		}
		for (k = 0; k < most; k++)
			*services += (h->accepted >> k & 1) &&
			    rules_tell(n, sim.mains[h->at], k) &&
			    (!client || rules_show(n, k));
	}
}

static int64_t
peers_up(const struct node *n)
{
	int64_t		peers = 0;
	unsigned int	i;

	for (i = 0; i < sim.n_mains; i++)
		peers += sim.mains[i] != n && sim.mains[i]->up;
	return (peers);
}

static void
on_health(void *arg, unsigned int status, struct span body)
{
	const struct node	*n = arg;
	struct json_object	*o = parse(n, status, body);
	int64_t			 homes, services;
	const char		*said;

	count(n, false, &homes, &services);
	want(n, o, "connected_homes", homes);
	want(n, o, "connected_peers", peers_up(n));
	/* Stale ones of a Main that is lost count as well. */
	if (!chaos_lost_main())
		want(n, o, "total_services", services);
	said = json_object_get_string(member(o, "status"));
	if (!chaos_lost_main() && strcmp(said, "healthy") != 0)
		sim_fail("%s: is %s, and all is well", n->id, said);
	json_object_put(o);
}

static void
on_registry(void *arg, unsigned int status, struct span body)
{
	const struct node	*n = arg;
	struct json_object	*o = parse(n, status, body), *list, *s;
	int64_t			 homes, services, live = 0;
	size_t			 i;

	count(n, true, &homes, &services);
	list = member(o, "services");
	for (i = 0; i < json_object_array_length(list); i++) {
		s = json_object_array_get_idx(list, i);
		live += !json_object_object_get_ex(s, "stale_since", NULL);
	}
	if (live != services || (!chaos_lost_main() &&
	    json_object_get_int64(member(o, "count")) != services))
		sim_fail("%s: /federation/registry has %lld services of %lld: "
		    "%s", n->id, (long long)live, (long long)services,
		    json_object_to_json_string(o));
	json_object_put(o);
}

static void
on_peers(void *arg, unsigned int status, struct span body)
{
	const struct node	*n = arg;
	struct json_object	*o = parse(n, status, body), *list, *p;
	int64_t			 up = 0;
	size_t			 i;

	list = member(o, "peers");
	for (i = 0; i < json_object_array_length(list); i++) {
		p = json_object_array_get_idx(list, i);
		up += json_object_get_boolean(member(p, "is_healthy"));
	}
	if (up != peers_up(n))
		sim_fail("%s: %lld of %lld peers are healthy: %s", n->id,
		    (long long)up, (long long)peers_up(n),
		    json_object_to_json_string(o));
	json_object_put(o);
}

void
check_http(void)
{
	unsigned int	i;
	struct node	*n;

	for (i = 0; i < sim.n_mains; i++) {
		n = sim.mains[i];
		if (!n->up)
			continue;
		waiting += 3;
		frontend_http(n, HTTP_ROUTE_FEDERATION_HEALTH, "", on_health,
		    n);
		frontend_http(n, HTTP_ROUTE_FEDERATION_REGISTRY, "",
		    on_registry, n);
		frontend_http(n, HTTP_ROUTE_FEDERATION_PEERS, "", on_peers, n);
	}
}

void
check_http_done(void)
{
	if (waiting > 0)
		sim_fail("%u views were not answered", waiting);
}
