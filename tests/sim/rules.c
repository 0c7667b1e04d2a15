/* SPDX-License-Identifier: ISC */
/* See rules.h. */
#include <string.h>

#include "tests/sim/child.h"
#include "tests/sim/home.h"
#include "tests/sim/node.h"
#include "tests/sim/rules.h"

bool
rules_are_there(void)
{
	return (!sim.conf.costs && sim.conf.seed % 10 >= 7);
}

/* --- making --- */

static struct rule
any_rule(void)
{
	static const enum policy_action	actions[] = {
		POLICY_EXPORT, POLICY_IMPORT, POLICY_CALL
	};
	struct rule	r = { .action = actions[rnd(3)], .who = WHO_ANY };

	r.allow = chance(20);
	r.service = rnd(HOME_SERVICES);
	r.main = rnd(sim.n_mains);
	if (chance(60))
		r.who = WHO_MAIN;
	else if (r.action == POLICY_CALL && chance(50))
		r.who = WHO_ANONYMOUS;
	return (r);
}

static void
write_rule(const struct rule *r, struct policy_rule *out)
{
	memset(out, 0, sizeof(*out));
	out->allow = r->allow;
	out->action = r->action;
	out->who = r->who;
	out->to_who = WHO_ANY;
	snprintf(out->from, sizeof(out->from), "%s", r->who == WHO_MAIN ?
	    sim.mains[r->main]->id : "*");
	snprintf(out->to, sizeof(out->to), "*");
	snprintf(out->service, sizeof(out->service), "s%u", r->service);
	snprintf(out->method, sizeof(out->method), "*");
	snprintf(out->file, sizeof(out->file), "relayd.conf");
}

void
rules_choose(struct node *n)
{
	struct policy_rule	 rule;
	unsigned int		 i;
	char			 text[512];

	n->rules.n = rnd(RULES_MAX + 1);
	n->rules.since_us = sim.now_us;
	for (i = 0; i < n->rules.n; i++) {
		n->rules.r[i] = any_rule();
		write_rule(&n->rules.r[i], &rule);
		policy_text(&rule, text, sizeof(text));
		sim_say("%s: rule %u: %s", n->id, i, text);
	}
}

void
rules_feed(struct child *c)
{
	const struct rules	*rules = &c->node->rules;
	struct policy_rule	 rule;
	struct wire_put		 w;
	uint8_t			 buf[2048];
	uint32_t		 i;

	if (c->ops->handlers[MSG_CONF_RULE] == NULL)
		return;
	for (i = 0; i < rules->n; i++) {
		write_rule(&rules->r[i], &rule);
		rule.line = i + 1;
		wire_put_init(&w, buf, sizeof(buf));
		put_u32(&w, i);
		put_rule(&w, &rule);
		child_feed(c, MSG_CONF_RULE, &w);
	}
}

/* --- what they say: the first that matches decides --- */

/* The other is a Main, or NULL for a home or a client, as who says. */
static bool
allows(const struct node *n, enum policy_action action, enum policy_who who,
    const struct node *other, unsigned int service)
{
	const struct rule	*r;
	unsigned int		 i;

	for (i = 0; i < n->rules.n; i++) {
		r = &n->rules.r[i];
		if (r->action != action || r->service != service)
			continue;
		if (r->who == WHO_ANY || (r->who == who &&
		    (who != WHO_MAIN || sim.mains[r->main] == other)))
			return (r->allow);
	}
	return (true);
}

bool
rules_tell(const struct node *at, const struct node *of, unsigned int service)
{
	return (at == of ||
	    (allows(of, POLICY_EXPORT, WHO_MAIN, at, service) &&
	    allows(at, POLICY_IMPORT, WHO_MAIN, of, service)));
}

bool
rules_call(const struct node *from, const struct node *at,
    unsigned int service, bool anonymous)
{
	if (!allows(from, POLICY_CALL, anonymous ? WHO_ANONYMOUS : WHO_HOME,
	    NULL, service))
		return (false);
	/* A client of another Main is that Main. */
	return (from == at || (rules_tell(from, at, service) &&
	    allows(at, POLICY_CALL, anonymous ? WHO_MAIN : WHO_HOME, from,
	    service)));
}

bool
rules_show(const struct node *n, unsigned int service)
{
	return (allows(n, POLICY_CALL, WHO_ANONYMOUS, NULL, service));
}

bool
rules_since(const struct node *a, const struct node *b, int64_t us)
{
	return (a->rules.since_us <= us && b->rules.since_us <= us);
}
