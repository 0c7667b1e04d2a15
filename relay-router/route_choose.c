/* SPDX-License-Identifier: ISC */

/*
 * Which instance takes a call; see route.h.
 */

#include <string.h>

#include "common/name.h"
#include "relay-router/route_impl.h"

static bool
is_vouched_for(const struct route_query *q, const struct route_node *n)
{
	return (q->vouched != NULL && n->via != NULL &&
	    n->via->link == q->vouched);
}

/* How far the best candidate got; a later filter is a better answer. */
static enum route_result
judge(const struct route_query *q, const struct route_instance *i)
{
	if (q->version.len != 0 && name_version_cmp(q->version,
	    span_str(i->service.version)) != 0)
		return (ROUTE_NO_VERSION);
	if (q->method.len != 0 && !service_takes(&i->service, q->method))
		return (ROUTE_NO_METHOD);
	if (route_node_link(i->node) == NULL && !is_vouched_for(q, i->node))
		return (ROUTE_UNREACHABLE);
	if (q->node == NULL && !i->service.healthy)
		return (ROUTE_UNHEALTHY);
	return (ROUTE_OK);
}

static bool
is_full(const struct route_instance *i)
{
	return (i->service.max_concurrency != 0 &&
	    i->in_flight >= i->service.max_concurrency);
}

/* Semantic versions: a hyphen before any build metadata. */
static bool
is_prerelease(const struct route_instance *i)
{
	return (i->service.version[strcspn(i->service.version, "-+")] == '-');
}

/* Most of the time all are of one version. */
static int
version_cmp(const struct route_instance *a, const struct route_instance *b)
{
	if (strcmp(a->service.version, b->service.version) == 0)
		return (0);
	return (name_version_cmp(span_str(a->service.version),
	    span_str(b->service.version)));
}

/* True if a is the better choice of two that both would do. */
static bool
better(const struct route_query *q, const struct route_instance *a,
    const struct route_instance *b)
{
	uint64_t	 la, lb;
	bool		 stale = route_node_link(a->node) == NULL;
	int		 cmp;

	if (stale != (route_node_link(b->node) == NULL))
		return (!stale);
	if (a->service.healthy != b->service.healthy)
		return (a->service.healthy);
	if (q->version.len == 0) {
		if (is_prerelease(a) != is_prerelease(b))
			return (is_prerelease(b));
		if ((cmp = version_cmp(a, b)) != 0)
			return (cmp > 0);
	}
	if (is_full(a) != is_full(b))
		return (is_full(b));
	if ((a->node->via == NULL) != (b->node->via == NULL))
		return (a->node->via == NULL);
	la = (uint64_t)a->in_flight * b->service.weight;
	lb = (uint64_t)b->in_flight * a->service.weight;
	if (la != lb)
		return (la < lb);
	return (a->pass < b->pass);
}

/* A choice under way. */
struct choice {
	const struct route_query	*q;
	struct route_instance		*best;
	enum route_result		 far;
	bool				 denied;
};

static bool
is_hidden(const struct route_query *q, const struct route_instance *i)
{
	return (i->service.visibility < q->least ||
	    (q->own_only && i->node->via != NULL));
}

/* Asked last, and only where the answer matters: it may be many rules. */
static bool
may_call(struct choice *c, const struct route_instance *i)
{
	if (c->q->permit == NULL || c->q->permit(c->q->permit_arg, i))
		return (true);
	c->denied = true;
	return (false);
}

static void
consider(struct choice *c, struct route_instance *i)
{
	const struct route_query	*q = c->q;
	enum route_result		 r;

	if (is_hidden(q, i))
		return;
	if ((r = judge(q, i)) != ROUTE_OK) {
		if (r > c->far && may_call(c, i))
			c->far = r;
	} else if ((c->best == NULL || better(q, i, c->best)) &&
	    may_call(c, i)) {
		c->best = i;
	}
}

enum route_result
route_verdict(const struct route_query *q, const struct route_instance *i)
{
	enum route_result	 r;

	if (is_hidden(q, i) || (q->node != NULL && i->node != q->node))
		return (ROUTE_NO_SERVICE);
	r = judge(q, i);
	return (r == ROUTE_OK && is_full(i) ? ROUTE_OVERLOADED : r);
}

struct route_service *
route_service_named(struct route_table *t, struct span name)
{
	return (route_service_find(t, name,
	    siphash13(t->key, name.p, name.len)));
}

enum route_result
route_choose(struct route_table *t, const struct route_query *q,
    struct route_instance **out)
{
	struct choice		 c = { q, NULL, ROUTE_NO_SERVICE, false };
	struct route_service	*s;
	struct route_instance	*i;

	*out = NULL;
	if ((s = route_service_named(t, q->server)) == NULL)
		return (ROUTE_NO_SERVICE);
	if (q->node != NULL) {
		TAILQ_FOREACH(i, &q->node->instances, by_node)
			if (i->of == s)
				consider(&c, i);
	} else {
		TAILQ_FOREACH(i, &s->instances, by_service)
			consider(&c, i);
	}
	if (c.best == NULL)
		return (c.far == ROUTE_NO_SERVICE && c.denied ?
		    ROUTE_FORBIDDEN : c.far);
	if (is_full(c.best))
		return (ROUTE_OVERLOADED);
	*out = c.best;
	return (ROUTE_OK);
}

#define STRIDE	(1ULL << 20)	/* of weight 1; many times LIMIT_WEIGHT */

void
route_take(struct route_instance *i)
{
	struct route_service	*s = i->of;

	i->in_flight++;
	/* One that is new or was away has nothing to catch up on. */
	if (s->pass > STRIDE && i->pass < s->pass - STRIDE)
		i->pass = s->pass - STRIDE;
	i->pass += STRIDE / i->service.weight;
	if (i->pass > s->pass)
		s->pass = i->pass;
}

void
route_release(struct route_instance *i)
{
	if (--i->in_flight == 0 && i->node == NULL)
		route_instance_free(i);
}
