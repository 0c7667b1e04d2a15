/* SPDX-License-Identifier: ISC */
/* The decision; see policy.h. */
#include <bsd/stdlib.h>
#include <bsd/string.h>
#include <stdlib.h>
#include <string.h>

#include "common/policy_priv.h"

/* A rule, ready to be held against a question: calls have no time to lose. */
struct policy_test {
	uint32_t		 rule;		/* its index */
	uint8_t			 who;
	uint8_t			 to_who;
	uint8_t			 visibility;
	bool			 allow;
	struct pattern		 service;
	struct pattern		 method;
	struct node_pattern	 from;
	struct node_pattern	 to;
};

static void
test_make(struct policy_test *t, const struct policy_rule *rule, uint32_t i)
{
	t->rule = i;
	t->who = (uint8_t)rule->who;
	t->to_who = (uint8_t)rule->to_who;
	t->visibility = (uint8_t)rule->visibility;
	t->allow = rule->allow;
	t->service = pattern_make(rule->service, strlen(rule->service));
	t->method = pattern_make(rule->method, strlen(rule->method));
	t->from = node_pattern_make(rule->from, rule->who);
	t->to = node_pattern_make(rule->to, rule->to_who);
}

/* --- rules --- */

static bool
test_add(struct policy *p, uint32_t i)
{
	enum policy_action a = p->rules[i].action;
	struct policy_test *tests;

	tests = reallocarray(p->of[a].tests, (size_t)p->of[a].n + 1,
	    sizeof(*tests));
	if (tests == NULL)
		return (false);
	p->of[a].tests = tests;
	test_make(&tests[p->of[a].n++], &p->rules[i], i);
	return (true);
}

#define SIZE_FIRST	16	/* rules: most have less */

/* Room for one more; the tests point into the rules, which move. */
static bool
make_room(struct policy *p)
{
	uint32_t a, i, size = p->size == 0 ? SIZE_FIRST : 2 * p->size;
	struct policy_rule *rules;

	if (p->n < p->size)
		return (true);
	rules = reallocarray(p->rules, size, sizeof(*rules));
	if (rules == NULL)
		return (false);
	p->rules = rules;
	p->size = size;
	for (a = 0; a < POLICY_ACTIONS; a++)
		for (i = 0; i < p->of[a].n; i++)
			test_make(&p->of[a].tests[i],
			    &rules[p->of[a].tests[i].rule],
			    p->of[a].tests[i].rule);
	return (true);
}

static void
fill_in(char *pattern)
{
	if (pattern[0] == '\0') {
		pattern[0] = '*';
		pattern[1] = '\0';
	}
}

bool
policy_add(struct policy *p, const struct policy_rule *rule)
{
	struct policy_rule *r;

	if (p->n >= LIMIT_RULES || rule->action < POLICY_CONNECT ||
	    rule->action > POLICY_ADMIN || !make_room(p))
		return (false);
	r = &p->rules[p->n];
	*r = *rule;
	fill_in(r->from);
	fill_in(r->to);
	fill_in(r->service);
	fill_in(r->method);
	if (r->to_who == 0)
		r->to_who = WHO_ANY;
	if (!test_add(p, p->n))
		return (false);
	p->n++;
	return (true);
}

void
policy_clear(struct policy *p)
{
	uint32_t a;

	for (a = 0; a < POLICY_ACTIONS; a++)
		free(p->of[a].tests);
	free(p->rules);
	memset(p, 0, sizeof(*p));
}

bool
policy_has(const struct policy *p, enum policy_action action)
{
	return (p->of[action].n != 0);
}

static bool
rule_equal(const struct policy_rule *a, const struct policy_rule *b)
{
	return (a->allow == b->allow && a->action == b->action &&
	    a->who == b->who && strcmp(a->from, b->from) == 0 &&
	    a->to_who == b->to_who && strcmp(a->to, b->to) == 0 &&
	    strcmp(a->service, b->service) == 0 &&
	    strcmp(a->method, b->method) == 0 &&
	    a->visibility == b->visibility);
}

bool
policy_equal(const struct policy *a, const struct policy *b)
{
	uint32_t i;

	if (a->n != b->n)
		return (false);
	for (i = 0; i < a->n; i++)
		if (!rule_equal(&a->rules[i], &b->rules[i]))
			return (false);
	return (true);
}

/* --- the decision --- */

/* Whether a node is one that the pattern is for. */
static bool
node_match(const struct node_pattern *pat, struct span id, struct span main,
    struct span self)
{
	if (!pat->at)
		return (main.len == 0 && pattern_match(&pat->id, id));
	return (pattern_match(&pat->main, main.len != 0 ? main : self) &&
	    pattern_match(&pat->id, id));
}

/*
 * What has no name in a call may be anything: it is denied what any would be,
 * and allowed only what all are.
 */
static bool
name_match(const struct policy_test *t, const struct pattern *pat,
    struct span name)
{
	if (name.len == 0)
		return (pat->any || !t->allow);
	return (pattern_match(pat, name));
}

/* All but the method. */
static bool
test_matches(const struct policy_test *t, const struct policy_ask *ask)
{
	if (t->who != WHO_ANY && (t->who != ask->who ||
	    !node_match(&t->from, ask->name, ask->main, ask->self)))
		return (false);
	if (!name_match(t, &t->service, ask->service))
		return (false);
	if (t->to_who != WHO_ANY && (t->to_who != ask->to_who ||
	    !node_match(&t->to, ask->to, ask->to_main, ask->self)))
		return (false);
	return (t->visibility == 0 || t->visibility == ask->visibility);
}

/* Only homes have a Main, and those of this one are without. */
static void
normalise(struct policy_ask *ask)
{
	if (ask->who != WHO_HOME || span_eq(ask->main, ask->self))
		ask->main.len = 0;
	if (ask->to_who != WHO_HOME || span_eq(ask->to_main, ask->self))
		ask->to_main.len = 0;
}

#define ADMIN_TOKEN	"admin"	/* the one that has admin rights without rules */

static bool
default_allows(const struct policy_ask *ask)
{
	return (ask->action != POLICY_ADMIN || (ask->who == WHO_TOKEN &&
	    span_eq(ask->name, span_str(ADMIN_TOKEN))));
}

bool
policy_allows(const struct policy *p, const struct policy_ask *question,
    const struct policy_rule **rule)
{
	const struct policy_test *t = p->of[question->action].tests;
	struct policy_ask ask = *question;
	uint32_t left;

	*rule = NULL;
	normalise(&ask);
	for (left = p->of[question->action].n; left > 0; left--, t++)
		if (test_matches(t, &ask) &&
		    name_match(t, &t->method, ask.method)) {
			*rule = &p->rules[t->rule];
			return (t->allow);
		}
	return (default_allows(&ask));
}

/* True if one of the denials before it takes all its methods. */
static bool
is_denied(const struct policy_test *tests, const struct policy_test *allow,
    const struct policy_ask *ask)
{
	const struct policy_test *t;

	for (t = tests; t != allow; t++)
		if (!t->allow && pattern_covers(&t->method, &allow->method) &&
		    test_matches(t, ask))
			return (true);
	return (false);
}

bool
policy_may_see(const struct policy *p, const struct policy_ask *question)
{
	const struct policy_test *tests = p->of[question->action].tests;
	const struct policy_test *t;
	struct policy_ask ask = *question;
	uint32_t i;

	normalise(&ask);
	for (i = 0; i < p->of[ask.action].n; i++) {
		t = &tests[i];
		if (!test_matches(t, &ask))
			continue;
		if (t->allow && !is_denied(tests, t, &ask))
			return (true);
		if (t->method.any)
			return (false);
	}
	return (default_allows(&ask));
}

bool
policy_may_see_service(const struct policy *p, const struct policy_ask *ask,
    const struct service *s)
{
	const struct policy_rule *rule;
	struct policy_ask one = *ask;
	uint16_t i;

	if (s->n_methods == 0)
		return (policy_may_see(p, ask));
	for (i = 0; i < s->n_methods; i++) {
		one.method = span_str(s->methods[i].name);
		if (policy_allows(p, &one, &rule))
			return (true);
	}
	return (false);
}

/* --- rules in the shadow of others --- */

/* Who "any" can be at all: of some actions only Mains, or homes here. */
static uint8_t
who_of(enum policy_action action, const struct policy_test *t)
{
	if (t->who != WHO_ANY)
		return (t->who);
	if (action == POLICY_EXPORT || action == POLICY_IMPORT)
		return (WHO_MAIN);
	return (action == POLICY_PUBLISH ? WHO_HOME : WHO_ANY);
}

static bool
test_covers(enum policy_action action, const struct policy_test *a,
    const struct policy_test *b)
{
	if (a->who != WHO_ANY && (a->who != who_of(action, b) ||
	    !node_pattern_covers(&a->from, &b->from)))
		return (false);
	if (a->to_who != WHO_ANY && (a->to_who != b->to_who ||
	    !node_pattern_covers(&a->to, &b->to)))
		return (false);
	return ((a->visibility == 0 || a->visibility == b->visibility) &&
	    pattern_covers(&a->service, &b->service) &&
	    pattern_covers(&a->method, &b->method));
}

uint32_t
policy_shadow(const struct policy *p, uint32_t index)
{
	enum policy_action action = p->rules[index].action;
	struct policy_test later;
	uint32_t i;

	test_make(&later, &p->rules[index], index);
	for (i = 0; i < p->of[action].n; i++) {
		if (p->of[action].tests[i].rule >= index)
			break;
		if (test_covers(action, &p->of[action].tests[i], &later))
			return (p->of[action].tests[i].rule);
	}
	return (UINT32_MAX);
}
